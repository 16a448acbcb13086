"""The hammer must be able to hit: what it counts, it finds where it is."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

import pytest

import untorn
from evidence import contents, crowds, hammer, kills, orphans
from evidence.children import exit_code, forked
from evidence.readers import readers

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

FEW = hammer.Amounts(savers=3, saves=3, kills=1, creations=1, planted=20)


def broken(found: Counter[str]) -> dict[str, int]:
    return {name: found[name] for name in hammer.VIOLATIONS if found[name]}


# ── Contents ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("format", crowds.FORMATS)
def test_a_content_is_whole_and_no_part_of_it_is(format: str) -> None:
    whole = contents.text_of(17, "f" + "x" * 50, format)
    assert contents.verdict(whole) == "whole"
    assert contents.number_of(whole) == 17
    assert contents.verdict(b"") == "empty"
    cuts = range(1, len(whole))
    assert {contents.verdict(whole[:cut]) for cut in cuts} == {"torn"}
    assert {contents.verdict(whole[:cut] + bytes(len(whole) - cut)) for cut in cuts} == {"torn"}


@pytest.mark.parametrize("format", crowds.FORMATS)
def test_a_mixture_of_two_contents_is_torn(format: str) -> None:
    one, other = (contents.text_of(number, f"f{number}" * 20, format) for number in (1, 2))
    assert len(one) == len(other)
    mixed = {one[:cut] + other[cut:] for cut in range(len(one))} - {one, other}
    assert mixed
    assert {contents.verdict(each) for each in mixed} == {"torn"}


@pytest.mark.parametrize("format", crowds.FORMATS)
@pytest.mark.parametrize("way", ["edit", "save", "write_bytes"])
def test_what_untorn_makes_of_a_value_is_whole(tmp_path: Path, way: str, format: str) -> None:
    path = tmp_path / f"target.{format}"
    path.write_bytes(contents.text(0, format))
    crowds.WAYS[way](path, 1)
    assert contents.verdict(path.read_bytes()) == "whole"
    assert contents.number_of(path.read_bytes()) == 1


# ── Readers ─────────────────────────────────────────────────────────────────


def in_place(path: Path, number: int) -> None:
    path.write_bytes(contents.text(number, "json"))


def unlinked_first(path: Path, number: int) -> None:
    path.unlink()
    untorn.write_bytes(path, contents.text(number, "json"))


@pytest.mark.parametrize(
    ("writer", "findings"),
    [(in_place, {"torn", "empty"}), (unlinked_first, {"missing"}), (untorn.write_bytes, set())],
    ids=["in place", "unlinked first", "untorn"],
)
def test_readers_notice_what_a_bad_writer_shows(
    tmp_path: Path, writer: Callable[[Path, int | bytes], object], findings: set[str]
) -> None:
    path = tmp_path / "target.json"
    path.write_bytes(contents.text(0, "json"))
    total: Counter[str] = Counter()
    seen: set[str] = set()
    for _ in range(20):  # on a machine that is busy, a reader may sleep through all of it
        with readers(path, 2) as found:
            for number in range(60):
                writer(path, contents.text(number, "json") if not findings else number)
        total += found
        seen = {name for name in ("torn", "empty", "missing") if total[name]}
        if total["versions"] > 2 and bool(seen) == bool(findings):
            break
    assert total["versions"] > 2
    assert total["failed"] == 0
    assert seen <= findings
    assert bool(seen) == bool(findings)


def test_a_file_may_be_missing_until_it_is_there(tmp_path: Path) -> None:
    path = tmp_path / "target.json"
    with readers(path, 1, appears=True) as found:
        untorn.write_bytes(path, contents.text(0, "json"))
        while_it_is_read(path)
    assert found["missing"] == 0
    assert found["reads"] > 0


def while_it_is_read(path: Path) -> None:
    """Wait until somebody surely has read it: the access of a process like the reader."""
    for _ in range(20):
        assert exit_code(forked(path.read_bytes)) == 0


# ── Crowds ──────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("way", "format", "link"),
    [("write_bytes", "json", True), ("edit", "toml", False), ("save", "yaml", False)],
)
def test_a_crowd_of_savers_breaks_nothing(tmp_path: Path, way: str, format: str, link: bool) -> None:
    found = crowds.crowd(way, format, FEW, tmp_path, link=link)
    assert broken(found) == {}
    assert found["saves"] == 9


def test_updates_without_a_lock_are_found_lost(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def unlocked(path: Path, _number: int) -> None:
        number = contents.number_of(path.read_bytes())
        untorn.write_bytes(path, contents.text(number + 1, "json"))

    monkeypatch.setitem(crowds.WAYS, "edit", unlocked)
    many = hammer.Amounts(savers=3, saves=30, kills=0, creations=0)
    assert broken(crowds.crowd("edit", "json", many, tmp_path, link=False)).keys() == {"lost"}


def test_a_saver_that_raises_and_one_that_litters_are_counted(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def littering(path: Path, number: int) -> None:
        path.with_name(f"litter{number}").touch()
        raise OSError("refused")

    monkeypatch.setitem(crowds.WAYS, "write_bytes", littering)
    found = crowds.crowd("write_bytes", "json", FEW, tmp_path, link=False)
    assert broken(found) == {"failed": 3, "not swept": 3, "no version seen": 1}
    assert capfd.readouterr().err.count("OSError: refused") == 3


@pytest.mark.parametrize("creates", [crowds.created_whole, crowds.counted_from_nothing])
@pytest.mark.parametrize("deep", [False, True], ids=["", "with its directories"])
def test_several_processes_create_one_file(tmp_path: Path, creates: crowds.Creates, deep: bool) -> None:
    found = crowds.creations(creates, FEW, tmp_path, deep=deep)
    assert broken(found) == {}
    assert found["created at once"] == 1


# ── Kills ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("killed", ["a saver", "a parent of a living child"])
def test_the_next_save_after_a_kill_works_and_sweeps(tmp_path: Path, killed: str) -> None:
    found = kills.kill_often(kills.KILLINGS[killed], 3, tmp_path, link=False)
    assert broken(found) == {}
    assert found["kills"] == found["saves after a kill"] == 3


def test_a_save_that_is_refused_counts_as_blocked(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capfd: pytest.CaptureFixture[str]
) -> None:
    def refused(*_arguments: object) -> None:
        raise OSError("blocked")

    def killing(rounds: kills.Rounds, _number: int) -> None:
        monkeypatch.setattr(crowds, "write_bytes", refused)
        monkeypatch.setattr(crowds, "save", refused)
        monkeypatch.setattr(crowds, "edit", refused)
        rounds.next_save(fresh=False)
        rounds.next_save(fresh=True)

    assert broken(kills.kill_often(killing, 1, tmp_path, link=False)) == {"blocked": 2}
    assert "OSError('blocked')" in capfd.readouterr().out


def test_what_lies_beside_the_file_after_the_next_save_counts(tmp_path: Path) -> None:
    def killing(rounds: kills.Rounds, _number: int) -> None:
        rounds.path.with_name(".target.toml.tmp").touch()
        rounds.next_save()

    assert broken(kills.kill_often(killing, 1, tmp_path, link=False)) == {"not swept": 1}


# ── Orphans ─────────────────────────────────────────────────────────────────


def test_one_save_sweeps_all_orphans_of_its_file_and_no_other(tmp_path: Path) -> None:
    found = orphans.swept_by_one_save(20, tmp_path)
    assert broken(found) == {}
    assert found["orphans swept"] == 20


def test_names_that_begin_alike_never_share_orphans(tmp_path: Path) -> None:
    found = orphans.long_names_that_begin_alike(tmp_path)
    assert broken(found) == {}
    assert found["orphans swept"] == 4


def test_orphans_that_stay_are_counted(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(orphans, "_save_something", lambda _target: None)
    monkeypatch.setattr(orphans, "_save_and_die", planting)
    assert broken(orphans.swept_by_one_save(3, tmp_path)) == {"not swept": 3}


def planting(target: Path) -> None:
    target.with_name(f".{target.name}.{'0' * 32}.{'1' * 32}.tmp").touch()


# ── All of it ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("lost", "status"), [(0, 0), (1, 1)])
def test_the_exit_status_says_whether_a_promise_was_broken(
    lost: int, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    stages = [("one", Counter(saves=2, lost=lost)), ("two", Counter(saves=3, **{kills.SLOWEST: 7}))]
    monkeypatch.setattr(hammer, "stages", lambda _amounts: stages)
    monkeypatch.setattr("sys.argv", ["hammer", "--quick"])
    assert hammer.main() == status
    printed = capsys.readouterr().out
    assert "saves: 5\n" in printed
    assert f"lost: {lost}\n" in printed
    assert f"{kills.SLOWEST}: 7\n" in printed
    assert printed.endswith(f"violations: {lost}\n")
