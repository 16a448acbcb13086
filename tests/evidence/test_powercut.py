"""The model of a disk shows what a real one may show, and nothing else; bad writers do not get past it."""

from __future__ import annotations

import errno
import os
from typing import TYPE_CHECKING

import pytest

from evidence.access import wider
from evidence.disk import SECTOR, Bounds, Cell, Disk
from evidence.events import Made, Marked, Named, Resized, Synced, Wrote
from evidence.powercut import as_it_should_be, table_of_saves, table_of_writers, verdict
from evidence.recording import Fault, RecordingError, recorded
from evidence.saves import FULL_DISK, cases
from evidence.together import try_transactor
from evidence.transactors import TRANSACTORS, Transactor
from evidence.tree import Directory, File, Link, Rights, build, followed, rebuild, scan
from evidence.trying import try_case, try_writer
from evidence.writers import WRITERS, Writer
from untorn import storage

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from evidence.events import Event
    from evidence.tree import Tree

ALL = Bounds()
FEW = Bounds(contents=20, trees=20, samples=4)

RIGHTS = Rights(0o640, 0, 0)
OLD, NEW = b"o" * SECTOR * 2, b"n" * SECTOR * 2
IMAGE: Tree = {"d": Directory(Rights(0o755, 0, 0)), "d/file": File(OLD, RIGHTS)}
D, FILE, TEMP = 1, 2, 3


def shown(*events: Event, image: Tree = IMAGE, directories_forget: bool = True) -> list[Tree]:
    """Return what the disk may show after these events."""
    disk = Disk(image, directories_forget=directories_forget)
    for event in events:
        disk.apply(event)
    states = disk.states(ALL)
    assert states.exhaustive
    return list(states.trees)


def contents(name: str, trees: Iterable[Tree]) -> set[bytes | None]:
    nodes = [tree.get(name) for tree in trees]
    return {node.data if isinstance(node, File) else None for node in nodes}


def named(directory: int, **names: int | None) -> Named:
    return Named(((directory, tuple(names.items())),))


TEMP_MADE = (Made(TEMP, False, RIGHTS, ()), named(D, temp=TEMP))
RENAMED = named(D, temp=None, file=TEMP)


# ── The disk ────────────────────────────────────────────────────────────────


def test_what_was_not_synced_is_absent_or_short_or_zero_or_torn_though_its_name_is_there() -> None:
    trees = shown(*TEMP_MADE, Wrote(TEMP, 0, NEW), RENAMED, Synced(D, succeeded=True))
    half, zeros = b"n" * SECTOR, bytes(SECTOR)
    found = contents("d/file", trees)
    assert {b"", half, zeros, zeros + zeros, half + zeros, zeros + half, NEW} == found


def test_what_was_synced_before_its_rename_is_old_or_new() -> None:
    trees = shown(*TEMP_MADE, Wrote(TEMP, 0, NEW), Synced(TEMP, succeeded=True), RENAMED)
    assert contents("d/file", trees) == {OLD, NEW}


def test_sectors_that_were_overwritten_are_old_or_new_each_by_itself() -> None:
    trees = shown(Wrote(FILE, SECTOR // 2, b"n" * SECTOR))
    assert len(contents("d/file", trees)) == 4


def test_a_truncation_persists_before_the_data_and_the_other_way_round() -> None:
    found = contents("d/file", shown(Resized(FILE, 0), Wrote(FILE, 0, b"n")))
    assert {b"", OLD, b"n", b"\0", b"o"} <= found


def test_a_sync_of_a_file_does_not_persist_its_name() -> None:
    trees = shown(*TEMP_MADE, Synced(TEMP, succeeded=True))
    assert contents("d/temp", trees) == {None, b""}


def test_a_sync_of_another_directory_persists_no_name() -> None:
    assert len(shown(*TEMP_MADE, Synced(0, succeeded=True))) == 2
    assert len(shown(*TEMP_MADE, Synced(D, succeeded=True))) == 1


def test_a_rename_within_a_directory_is_old_or_new_and_never_neither() -> None:
    trees = shown(*TEMP_MADE, Synced(D, succeeded=True), RENAMED)
    assert [sorted(tree) for tree in trees] in (
        [["d", "d/file"], ["d", "d/file", "d/temp"]],
        [["d", "d/file", "d/temp"], ["d", "d/file"]],
    )


def test_a_rename_between_directories_is_a_change_in_each() -> None:
    moved = Named(((0, (("file", FILE),)), (D, (("file", None),))))
    assert {frozenset(tree) - {"d"} for tree in shown(moved)} == {
        frozenset({"d/file"}), frozenset({"file"}), frozenset({"file", "d/file"}), frozenset(),
    }  # fmt: skip


def test_changes_of_different_names_persist_in_any_order_those_of_one_name_in_theirs() -> None:
    trees = shown(named(D, file=None), *TEMP_MADE, named(D, file=TEMP))
    assert {frozenset(tree) for tree in trees} == {
        frozenset({"d", "d/file"}),
        frozenset({"d"}),
        frozenset({"d", "d/file", "d/temp"}),
        frozenset({"d", "d/temp"}),
    }


def test_a_directory_is_there_only_when_the_one_above_was_synced() -> None:
    made = (Made(4, True, RIGHTS, ()), named(0, a=4), Made(5, False, RIGHTS, ()), named(4, b=5))
    synced = (Synced(5, succeeded=True), Synced(4, succeeded=True))
    assert contents("a/b", shown(*made, *synced)) == {None, b""}
    assert contents("a/b", shown(*made, *synced, Synced(0, succeeded=True))) == {b""}


def test_a_failed_sync_promises_nothing_nor_does_the_next_one_of_the_same_bytes() -> None:
    failed = (*TEMP_MADE, Wrote(TEMP, 0, NEW), Synced(TEMP, succeeded=False), Synced(D, succeeded=True))
    assert len(contents("d/temp", shown(*failed, Synced(TEMP, succeeded=True)))) == 7
    again = (*failed, Wrote(TEMP, 0, NEW), Resized(TEMP, len(NEW)), Synced(TEMP, succeeded=True))
    assert contents("d/temp", shown(*again)) == {NEW}


@pytest.mark.parametrize(("forgets", "states"), [(True, 2), (False, 1)], ids=["forgetting", "with a journal"])
def test_a_failed_sync_of_a_directory_is_given_up_or_done_by_the_next(forgets: bool, states: int) -> None:
    events = (*TEMP_MADE, Synced(D, succeeded=False), Synced(D, succeeded=True))
    assert len(shown(*events, directories_forget=forgets)) == states


def test_a_new_change_of_a_name_brings_what_a_failed_sync_gave_up() -> None:
    events = (*TEMP_MADE, Synced(D, succeeded=False), RENAMED, Synced(D, succeeded=True))
    assert [sorted(tree) for tree in shown(*events)] == [["d", "d/file"]]


def test_rights_and_attributes_persist_by_themselves() -> None:
    trees = shown(Marked(FILE, Rights(0o600, 0, 0), (("user.a", b"b"),)))
    assert len(trees) == 4
    assert len(shown(Marked(FILE, RIGHTS, (("user.a", b"b"),)), Synced(FILE, succeeded=True))) == 1


def test_a_cell_keeps_what_was_given_up_until_it_is_written_again() -> None:
    cell = Cell(0)
    cell.put(1)
    cell.sync(succeeded=False)
    cell.sync(succeeded=True)
    assert cell.shown() == [0, 1]
    cell.put(2)
    assert cell.shown() == [0, 1, 2]
    cell.sync(succeeded=True)
    assert cell.shown() == [2]


def test_beyond_the_bounds_it_samples_the_same_states_every_time_and_says_so() -> None:
    disk = Disk(IMAGE)
    for event in (*TEMP_MADE, Wrote(TEMP, 0, b"n" * SECTOR * 30)):
        disk.apply(event)
    first, second = disk.states(FEW), disk.states(FEW)
    assert not first.exhaustive
    assert list(first.trees) == list(second.trees)
    many = contents("d/temp", disk.states(Bounds(contents=20)).trees)
    assert {None, b"", b"n" * SECTOR * 30, bytes(SECTOR * 30)} <= many


def test_beyond_the_bounds_names_are_sampled_too() -> None:
    disk = Disk(IMAGE)
    for number in range(10):
        disk.apply(Made(10 + number, False, RIGHTS, ()))
        disk.apply(named(D, **{f"n{number}": 10 + number}))
    states = disk.states(Bounds(names=100))
    assert not states.exhaustive
    assert {len(tree) for tree in states.trees} >= {2, 12}


# ── The recording ───────────────────────────────────────────────────────────


def test_what_is_recorded_is_what_is_on_the_disk(tmp_path: Path) -> None:
    (tmp_path / "old").write_bytes(b"0123456789")
    calls = storage.REAL
    with recorded(tmp_path) as recording:
        fd = calls.open(tmp_path / "old", os.O_WRONLY | os.O_APPEND)
        calls.write(fd, b"abc")
        calls.pwrite(fd, b"", 0)
        calls.ftruncate(fd, 12)
        calls.fchmod(fd, 0o600)
        calls.close(fd)
        calls.mkdir(tmp_path / "new")
        directory = calls.open(tmp_path / "new", os.O_RDONLY)
        calls.mkdir("newer", dir_fd=directory)
        calls.rename(tmp_path / "old", "moved", dst_dir_fd=directory)
        calls.close(calls.open("moved", os.O_WRONLY | os.O_TRUNC, dir_fd=directory))
        calls.rmdir("newer", dir_fd=directory)
        calls.unlink("moved", dir_fd=directory)
        calls.fsync(directory)
        calls.close(directory)
    disk = Disk(recording.image)
    for event in recording.events:
        disk.apply(event)
    assert disk.live() == scan(tmp_path)
    assert len(recording.events) > 10


def test_a_change_past_the_table_is_noticed(tmp_path: Path) -> None:
    with pytest.raises(RecordingError, match="the recorded calls leave"), recorded(tmp_path):
        (tmp_path / "sneaked in").touch()


def test_an_entry_of_the_table_that_nobody_taught_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    before = dict(vars(storage.REAL))
    monkeypatch.setattr(storage.REAL, "teleport", print, raising=False)
    with pytest.raises(RecordingError, match="teleport"), recorded(tmp_path):
        pass
    monkeypatch.undo()
    assert vars(storage.REAL) == before


def test_faults_strike_in_turn(tmp_path: Path) -> None:
    with recorded(tmp_path, *FULL_DISK) as recording:
        fd = storage.REAL.open(tmp_path / "new", os.O_WRONLY | os.O_CREAT)
        assert storage.REAL.write(fd, b"12345678") == 4
        with pytest.raises(OSError, match="No space left") as caught:
            storage.REAL.write(fd, b"5678")
        assert caught.value.errno == errno.ENOSPC
        storage.REAL.close(fd)
    assert recording.calls == ["open", "write", "write", "close"]
    assert isinstance(recording.faults[0], Fault)


def test_a_promise_holds_from_its_event_on(tmp_path: Path) -> None:
    with recorded(tmp_path) as recording:
        recording.promise(b"old")
        storage.REAL.mkdir(tmp_path / "a")
        recording.promise(b"new")
        recording.promise(b"old", b"new", since=0)
        recording.promise(b"new")
    assert recording.promised(0) == {b"old", b"new"}
    assert recording.promised(2) == {b"new"}


def test_a_tree_is_made_again_as_it_was(tmp_path: Path) -> None:
    tree: Tree = {
        "a": Directory(Rights(0o750, os.geteuid(), os.getegid())),
        "a/file": File(b"text", Rights(0o604, os.geteuid(), os.getegid())),
        "link": Link("a/file"),
    }
    one = tmp_path / "one"
    one.mkdir()
    build(tree, one)
    assert scan(one) == tree
    inode = (one / "a" / "file").stat().st_ino
    (one / "litter").mkdir()
    (one / "litter" / "file").touch()
    (one / "a" / "file").write_text("torn")
    rebuild(tree, one)
    assert scan(one) == tree
    assert (one / "a" / "file").stat().st_ino == inode
    assert followed(tree, "link") == "a/file"


# ── Judgement ───────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("mode", "limit", "is_wider"),
    [(0o640, 0o640, False), (0o600, 0o644, False), (0o644, 0o640, True), (0o620, 0o640, True)],
)
def test_rights_are_wider_if_anybody_may_do_more(mode: int, limit: int, is_wider: bool) -> None:
    assert wider(Rights(mode, 5, 6), Rights(limit, 5, 6)) is is_wider


def test_another_group_may_be_wider() -> None:
    assert wider(Rights(0o640, 5, 7), Rights(0o640, 5, 6))
    assert not wider(Rights(0o600, 5, 7), Rights(0o640, 5, 6))


@pytest.mark.parametrize("writer", WRITERS, ids=lambda writer: writer.name)
def test_known_bad_writers_are_caught_for_what_is_wrong_with_them_and_good_ones_survive(
    writer: Writer,
) -> None:
    count = try_writer(writer, FEW)
    assert as_it_should_be(writer, count), (writer.caught_by, count.found, count.examples)
    assert (verdict(writer, count) == "survived") == (not writer.caught_by)


def test_there_are_enough_of_both() -> None:
    assert sum(bool(each.caught_by) for each in WRITERS) >= 12
    assert sum(not each.caught_by for each in WRITERS) >= 2


@pytest.mark.parametrize("name", ["existing", "new", "new parents", "unchanged", 'durability="none"'])
def test_no_power_cut_catches_untorn(name: str) -> None:
    [case] = [each for each in cases() if each.name == name]
    count = try_case(case, (), FEW)
    assert not count.found, count.examples
    assert count.states >= count.distinct > 0


def test_the_tables_say_what_was_found() -> None:
    [case, *_], [good, *_] = cases(), WRITERS
    count = try_case(case, (), FEW)
    count.blame("torn", "a cut")
    assert "torn 1" in table_of_saves([(case, count)])
    assert "a cut" in table_of_saves([(case, count)])
    assert "caught: torn (expected" in table_of_writers([(good, count)])


# ── Transactions ────────────────────────────────────────────────────────────


@pytest.mark.parametrize("transactor", TRANSACTORS, ids=lambda each: each.name.replace(" ", "-"))
def test_a_transaction_survives_if_it_is_good_and_is_caught_if_it_is_bad(transactor: Transactor) -> None:
    found = try_transactor(transactor, FEW)
    assert as_it_should_be(transactor, found), found.examples
    assert found.distinct > 10
