"""The harness counts what editors do, with files made up here and editors that are good, bad or broken."""

from __future__ import annotations

import io
import tarfile
import zipfile
from collections import Counter
from typing import TYPE_CHECKING

import pytest

from harness import corpus, figures, ratchet
from harness.choices import choices
from harness.corpus import RealFile, guess, real_file
from harness.derive import variants
from harness.oracle import Operation, apply, read
from harness.run import failures, summary, table
from harness.trial import DEMANDED, Outcome, try_file

if TYPE_CHECKING:
    from pathlib import Path

    from harness.oracle.source import Format

TEXTS: dict[Format, bytes] = {
    "json": b'{\n  "a": 1,\n  "b": {"c": "x"},\n  "d": [1, 2]\n}\n',
    "jsonc": b'{\n  // Why.\n  "a": 1, // how\n  "d": [\n    1,\n    2,\n  ],\n}\n',
    "toml": b'# Why.\na = 1 # how\nd = [1, 2]\n\n[b]\nc = "x"\n',
    "yaml": b"# Why.\n\na: 1  # how\nb: &x\n  c: x\nd:\n- 1\n- 2\ne: *x\n",
}


def file(form: Format) -> RealFile:
    return real_file(form, "made-up-1.0", f"a.{form}", TEXTS[form])


class Refuser:
    """Loads as the judge does, and says no to every edit."""

    def load(self, path: Path, form: Format, *, documents: bool) -> object:
        return read(path.read_bytes(), form, documents=documents).value

    def edit(self, path: Path, form: Format, operation: Operation | None, *, documents: bool) -> None:
        if operation is not None:
            raise PermissionError

    def refusals(self) -> tuple[type[Exception], ...]:
        return (PermissionError,)


class Forgetful(Refuser):
    """Reports success and changes nothing."""

    def edit(self, path: Path, form: Format, operation: Operation | None, *, documents: bool) -> None:
        pass


class Broken(Refuser):
    def edit(self, path: Path, form: Format, operation: Operation | None, *, documents: bool) -> None:
        raise ZeroDivisionError


class Rewriter(Refuser):
    """Writes the same bytes anew when nothing was asked."""

    def edit(self, path: Path, form: Format, operation: Operation | None, *, documents: bool) -> None:
        data = path.read_bytes()
        path.unlink()
        path.write_bytes(data)


def verdicts(editor: Refuser, form: Format, folder: Path) -> dict[str, Counter[str]]:
    counts: dict[str, Counter[str]] = {}
    for outcome in try_file(file(form), editor, folder):
        counts.setdefault(outcome.label, Counter())[outcome.verdict] += 1
    return counts


@pytest.mark.parametrize("form", TEXTS)
def test_a_refusal_is_counted_by_its_class(form: Format, tmp_path: Path) -> None:
    found = verdicts(Refuser(), form, tmp_path)
    assert found["load"] == found["no-op"] == Counter(ok=1)
    assert set(found["rename"]) <= {"refused PermissionError", DEMANDED}
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("form", TEXTS)
def test_success_without_the_change_is_wrong_data(form: Format, tmp_path: Path) -> None:
    assert set(verdicts(Forgetful(), form, tmp_path)["set"]) == {"wrong data"}


def test_an_unknown_error_is_a_crash(tmp_path: Path) -> None:
    assert set(verdicts(Broken(), "toml", tmp_path)["delete"]) == {"crash ZeroDivisionError"}


def test_a_save_without_a_change_must_not_write(tmp_path: Path) -> None:
    assert verdicts(Rewriter(), "json", tmp_path)["no-op"] == Counter(E1=1)


def test_a_file_that_the_judge_refuses_must_be_refused(tmp_path: Path) -> None:
    bad = real_file("json", "made-up-1.0", "bad.json", b'{"a": 1, "a": 2}')

    class Lax(Refuser):
        def load(self, path: Path, form: Format, *, documents: bool) -> object:
            return {}

    assert bad.invalid
    assert [outcome.verdict for outcome in try_file(bad, Lax(), tmp_path)] == ["accepted"]


@pytest.mark.parametrize("form", TEXTS)
def test_choices_are_the_same_every_time_and_can_be_carried_out(form: Format) -> None:
    source = read(TEXTS[form], form)
    first = list(choices(file(form), source))
    assert first == list(choices(file(form), source))
    assert {choice.operation.kind for choice in first} == {
        "set",
        "add",
        "delete",
        "append",
        "insert",
        "rename",
        "move",
        *({"comment"} if form != "json" else ()),
    }
    for choice in first:
        after = apply(source.value, choice.operation)
        if choice.operation.kind == "comment":
            assert after == source.value
        elif choice.operation.kind != "move":  # a move of a key changes no value, only an order
            assert after != source.value or choice.label == "retype"


def test_an_edit_of_a_shared_node_may_be_refused() -> None:
    source = read(TEXTS["yaml"], "yaml")
    demanded = {choice.operation.path for choice in choices(file("yaml"), source) if choice.demanded}
    assert demanded
    assert all(path[:1] in {("b",), ("e",)} or not path for path in demanded)


def test_variants_keep_the_value_and_change_the_spelling() -> None:
    made = {(one.form, one.path.split("#")[1]): one for one in variants([file(form) for form in TEXTS])}
    assert made["toml", "crlf"].data.count(b"\r\n") == TEXTS["toml"].count(b"\n")
    assert made["json", "bom"].data.startswith(b"\xef\xbb\xbf{")
    assert made["yaml", "comments"].data.count(b"#") > 10
    assert not made["jsonc", "no-newline"].data.endswith(b"\n")
    for (form, _), one in made.items():
        assert read(one.data, form).value == read(TEXTS[form], form).value


def test_documents_are_joined_from_files() -> None:
    files = [real_file("yaml", "made-up-1.0", f"{number}.yaml", b"a: %d\n" % number) for number in range(9)]
    joined = [one for one in variants(files) if one.documents]
    assert joined
    assert all(len(read(one.data, "yaml", documents=True).entries[()].children) > 1 for one in joined)


def test_the_table_leaves_demanded_refusals_out_of_the_share() -> None:
    outcomes = [Outcome("yaml", "set", verdict, "f", "why") for verdict in ("ok", "ok", DEMANDED, "E3")]
    assert "66.67%" in table(outcomes)
    assert "E3 1" in table(outcomes)
    assert "why" in failures(outcomes, 1)


def test_the_ratchet_only_rises(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ratchet, "PATH", tmp_path / "ratchet.json")
    ratchet.raise_to("quick", ratchet.shares({("toml", "set"): (9, 10), ("toml", "add"): (1, 3)}))
    ratchet.raise_to("quick", ratchet.shares({("toml", "set"): (8, 10), ("toml", "add"): (2, 3)}))
    assert ratchet.read("quick") == {"toml": {"add": 0.6666, "set": 0.9}}
    assert ratchet.read("full") == {}
    assert ratchet.fallen(ratchet.read("quick"), {"toml": {"set": 0.8}}) == ["toml set: 80.00%, was 90.00%"]


@pytest.mark.parametrize(
    ("path", "form"),
    [
        ("tsconfig.build.json", "jsonc"),
        (".vscode/settings.json", "jsonc"),
        ("a/package.json", "json"),
        ("Cargo.lock", "toml"),
        ("x.yml", "yaml"),
        ("x.py", None),
    ],
)
def test_a_name_tells_the_format(path: str, form: Format | None) -> None:
    assert guess(path) == form


def test_archives_are_read_without_being_unpacked(tmp_path: Path) -> None:
    tar, wheel = tmp_path / "a.tgz", tmp_path / "a.zip"
    with tarfile.open(tar, "w:gz") as opened:
        for name in ("pkg/a.toml", "pkg/../../evil.toml", "pkg/a.py"):
            info = tarfile.TarInfo(name)
            info.size = 4
            opened.addfile(info, io.BytesIO(b"a=1\n"))
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("b.json", "{}")
    before = sorted(tmp_path.rglob("*"))
    assert dict(corpus.members(tar))["a.toml"] == b"a=1\n"
    assert dict(corpus.members(wheel)) == {"b.json": b"{}"}
    assert sorted(tmp_path.rglob("*")) == before
    assert not (tmp_path.parent / "evil.toml").exists()


def test_a_package_with_another_digest_is_not_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("UNTORN_CORPUS", str(tmp_path))
    package = corpus.Package("npm", "made-up", "1.0", "0" * 64)
    (tmp_path / package.archive).write_bytes(b"something else")
    with pytest.raises(corpus.FetchError, match="pinned"):
        corpus.fetch(package)


@pytest.mark.parametrize(("lists", "least"), [(corpus.FIRST, 250), (corpus.WIDE, 60)], ids=["first", "wide"])
def test_the_committed_lists_fit_together(lists: corpus.Lists, least: int) -> None:
    pinned = {f"{one.kind} {one.name}=={one.version}" for one in corpus.packages(lists)}
    rows = [line.split(" ", 4) for line in lists.files.read_text().splitlines()]
    total = Counter(form for form, *_ in rows)
    assert set(total) == set(corpus.FORMATS)
    for (form, kind, pin), count in Counter((form, kind, pin) for form, kind, pin, _, _ in rows).items():
        assert f"{kind} {pin}" in pinned
        assert count <= corpus.LIMIT, f"{pin} has too many of {form}"
    assert min(total.values()) >= least


def test_the_two_corpora_share_no_package_and_have_2200_files() -> None:
    first, wide = (
        {(one.kind, one.name) for one in corpus.packages(lists)} for lists in (corpus.FIRST, corpus.WIDE)
    )
    assert not first & wide
    assert sum(len(lists.files.read_text().splitlines()) for lists in (corpus.FIRST, corpus.WIDE)) >= 2200


def test_the_summary_counts_refusals_by_reason_and_apart_from_what_e7_demands() -> None:
    outcomes = [
        Outcome("yaml", "set", "ok", "f"),
        Outcome("yaml", "move", "refused ImpreciseEditError", "f", "move\nno comment can stand at 'x'"),
        Outcome("yaml", "set", DEMANDED, "f", "set\naliases elsewhere (*a) need it"),
        Outcome("yaml", "set", "E3", "f", "set\nlost"),
        Outcome("yaml", "load", "ok", "f"),
    ]
    text = summary(outcomes)
    assert "50.00%" in text
    assert "E3 1" in text
    assert "refused, not demanded: 1 of 4 (25.000%)" in text
    assert "yaml move: no comment can stand at …" in text
    assert "refused, as E7 demands: 1 of 4" in text


def outcomes() -> list[Outcome]:
    verdicts = ["ok", "ok", "E3", "wrong data", "crash KeyError", "refused Error", DEMANDED]
    return [
        Outcome("toml", "load", "ok", "a"),
        *(Outcome("toml", "set", verdict, "b", "set ('a',) 1\n'x' is in the way") for verdict in verdicts),
        Outcome("yaml", "move", "ok", "c"),
    ]


def test_the_figures_count_criteria_operations_and_refusals() -> None:
    kept = figures.counted(outcomes())
    assert kept["toml"]["files"] == 2
    assert kept["toml"]["refused"] == kept["toml"]["demanded"] == {"set: … is in the way": 1}
    lines = figures.page(kept).splitlines()
    assert "| toml | 2 | 5 | 0 | 1 | 1 | 0 | 0 | 0 | 1 | **40.00 %** | 1 | 1 |" in lines
    assert "| yaml | 1 | 1 | 0 | 0 | 0 | 0 | 0 | 0 | 0 | **100.00 %** | 0 | 0 |" in lines
    assert "| set | 2 of 5 | - |" in lines
    assert "Refused: 1 of 8 edits (12.500%):" in lines
    assert "| 1 | toml | set: … is in the way |" in lines


def test_one_failure_of_many_is_not_all_right() -> None:
    many = [Outcome("toml", "set", "ok", "a")] * 99_999
    assert "**99.99 %**" in figures.page(figures.counted([*many, Outcome("toml", "set", "E1", "a")]))


def test_the_figures_of_a_format_take_the_place_of_its_old_ones_only(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = tmp_path / "page.md"
    page.write_text(f"before\n{figures.BEGIN}old\n{figures.END}after\n")
    monkeypatch.setattr(figures, "PAGE", page)
    monkeypatch.setattr(figures, "PATH", tmp_path / "figures.json")
    figures.keep(figures.counted(outcomes()))
    figures.keep(figures.counted([Outcome("yaml", "set", "ok", "d")]))
    text = page.read_text()
    assert text.startswith(f"before\n{figures.BEGIN}\nPrinted on 20")
    assert text.endswith(f"\n\n{figures.END}after\n")
    assert "old" not in text
    assert "| toml | 2 | 5 |" in text
    assert "| set | 2 of 5 | 1 of 1 |" in text
    assert "| move |" not in text
