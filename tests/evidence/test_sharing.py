"""What is said of a shared file must be able to be untrue: each way to lose something is found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from evidence import lineage, sharing
from evidence.children import Errand
from evidence.lineage import Save, Write, judged
from evidence.ninth import Ninth, NoVersionError
from evidence.shared_texts import FORMATS, Version, first, noted, text_of, version_of
from untorn.storage.atomic import Prepared
from untorn.storage.exchange import Exchange

if TYPE_CHECKING:
    from collections import Counter
    from pathlib import Path

FEW = sharing.Amounts(3, 30)
BEGIN = first(1)


def broken(found: Counter[str]) -> dict[str, int]:
    return {name: found[name] for name in sharing.VIOLATIONS if found[name]}


# ── Texts ───────────────────────────────────────────────────────────────────


@given(st.integers(0, 999), st.lists(st.integers(0, 9_999), min_size=5, max_size=5), st.sampled_from(FORMATS))
def test_a_version_is_what_its_text_says_and_no_part_of_it_is(
    note: int, counts: list[int], format: str
) -> None:
    version = Version(note, tuple(counts))
    text = text_of(version, format)
    assert version_of(text, format, 2) == version
    assert noted(text, note + 1) == text_of(Version(note + 1, version.counts), format)
    for cut in range(len(text)):
        assert version_of(text[:cut], format, 2) is None
    for line in text.splitlines(keepends=True):
        assert version_of(text.replace(line, b"", 1), format, 2) is None


@pytest.mark.parametrize("format", FORMATS)
def test_two_versions_in_one_text_are_none(format: str) -> None:
    one, other = (text_of(Version(note, (1, 2, 3)), format) for note in (1, 2))
    middle = len(one) // 2
    assert version_of(one[:middle] + other[middle:], format, 1) is None


# ── Judging ─────────────────────────────────────────────────────────────────

A, B = BEGIN.plus(0), BEGIN.plus(0).plus(1)
NOTED = Version(1, A.counts)


@pytest.mark.parametrize(
    ("end", "saves", "writes", "violations"),
    [
        (B, [Save(BEGIN, A), Save(A, B)], [], {}),
        (B, [Save(BEGIN, A), Save(A, B), Save(BEGIN, BEGIN.plus(1))], [], {"lost": 1}),
        (B, [Save(BEGIN, A), Save(A, B), Save(A, B)], [], {"twice": 1}),
        (B, [Save(BEGIN, A)], [], {"unexplained": 1}),
        (A, [Save(BEGIN, A), Save(A, A)], [], {"unexplained": 1}),
        (NOTED, [Save(BEGIN, A)], [Write(A, A, NOTED)], {}),
        (A, [Save(BEGIN, A)], [Write(BEGIN, BEGIN, Version(1, BEGIN.counts))], {"set back": 1}),
        (A, [Save(BEGIN, A)], [Write(BEGIN, BEGIN, Version(1, BEGIN.counts), in_place=True)], {}),
        (A, [Save(BEGIN, A)], [Write(A, A, NOTED, in_place=True)], {"set back": 1}),
        (A, [Save(BEGIN, A)], [Write(A, A, NOTED, in_place=True, gone=True)], {}),
    ],
)
def test_what_is_not_on_the_way_from_the_first_version_to_the_last_is_found(
    end: Version, saves: list[Save], writes: list[Write], violations: dict[str, int]
) -> None:
    found = judged(BEGIN, end, saves, writes, [])
    assert {name: found[name] for name in lineage.VIOLATIONS if found[name]} == violations


def test_what_a_stale_write_undid_is_counted() -> None:
    written = Version(1, BEGIN.counts)
    found = judged(BEGIN, written, [Save(BEGIN, A), Save(A, B)], [Write(BEGIN, B, written)], [])
    assert broken(found) == {}
    assert found["saves that stale writes undid"] == 2


def test_who_replaces_what_is_only_being_tried_replaces_what_was_there_before() -> None:
    one, two = Version(1, BEGIN.counts), Version(2, BEGIN.counts)
    writes = [Write(BEGIN, BEGIN, one), Write(BEGIN, A, two)]
    assert broken(judged(BEGIN, two, [], writes, [A])) == {}
    assert broken(judged(BEGIN, two, [], writes, [])) == {"unexplained": 1}
    brought_back = [Write(A, BEGIN, NOTED)]
    assert judged(BEGIN, NOTED, [], brought_back, [A])["refused saves that writes brought back"] == 1


# ── All of it ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize("format", FORMATS)
def test_programs_that_share_a_file_lose_nothing(tmp_path: Path, format: str) -> None:
    found = sharing.shared(tmp_path, format, FEW)
    assert broken(found) == {}
    assert found["saves"] == 90
    assert found["writes by exchange"] + found["writes in place"] > 0


def test_savers_that_do_not_look_what_they_replace_are_found_out(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Prepared, "_same_file", lambda *_: True)
    monkeypatch.setattr(Exchange, "took_base", lambda *_: True)
    monkeypatch.setattr(Exchange, "took_base_for_good", lambda *_: True)
    found = sharing.shared(tmp_path, "toml", sharing.Amounts(3, 60))
    assert found["unexplained"] or found["lost"] or found["set back"]


def test_the_ninth_stops_at_what_nobody_wrote(tmp_path: Path) -> None:
    path = tmp_path / "shared.toml"
    path.write_text("nobody = 1\n")
    with pytest.raises(NoVersionError):
        Ninth(path, 1).run(lambda: False)


def test_a_part_that_nobody_began_is_torn() -> None:
    write = Write(BEGIN, BEGIN, NOTED, in_place=True)
    text = text_of(NOTED, "toml")
    assert sharing._is_begun(text[:20], [write], "toml")
    assert sharing._is_begun(b"", [write], "toml")
    assert not sharing._is_begun(text[5:20], [write], "toml")
    assert not sharing._is_begun(text[:20], [], "toml")


@pytest.mark.parametrize(("lost", "status"), [(0, 0), (1, 1)])
def test_the_exit_status_says_whether_something_was_lost(
    lost: int, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(
        sharing, "shared", lambda *_, **__: {"saves": 2, **dict.fromkeys(sharing.VIOLATIONS, 0), "lost": lost}
    )
    monkeypatch.setattr("sys.argv", ["sharing", "--quick"])
    assert sharing.main() == status
    assert capsys.readouterr().out.endswith(f"violations: {3 * lost}\n")


def test_an_errand_that_fails_says_so(capfd: pytest.CaptureFixture[str]) -> None:
    def fail() -> None:
        raise OSError("refused")

    with pytest.raises(ChildProcessError, match="ended with 1"):
        Errand(fail).result()
    assert "OSError: refused" in capfd.readouterr().err
    assert Errand(lambda: 7).result() == 7
