"""What a crash in the middle of an exchange left, and what becomes of it (WRITER W20)."""

from __future__ import annotations

import errno
import fcntl
import json
import os
import stat
from pathlib import Path

import pytest
from calls import os_error, watched
from targets import litter

import untorn
from untorn.errors import LockTimeoutError, WriteError
from untorn.records import revision_of
from untorn.storage.names import digests_in, short_digest, swap_name, sweep, temp_name
from untorn.storage.syscalls import REAL
from untorn.storage.unfinished import finish

BASE, OURS, THEIRS = b'{"n": 0}\n', b'{"n": 0, "ours": 1}\n', b'{"n": 0, "theirs": 1}\n'
LINK = ".app.json.swap"


class Left:
    """A file beside which a save crashed."""

    def __init__(self, directory: Path) -> None:
        self.file = directory / "app.json"
        self.link = directory / LINK
        self.slot = directory / swap_name(temp_name("app.json", revision_of(OURS)), revision_of(BASE))

    def holding(self, file: bytes, slot: bytes, *, age: float = 2.0) -> None:
        for path, data in ((self.file, file), (self.slot, slot)):
            path.write_bytes(data)
            os.utime(path, (0, 0))
        self.link.symlink_to(self.slot.name)
        then = os.lstat(self.link).st_mtime - age
        os.utime(self.link, (then, then), follow_symlinks=False)

    def save(self, timeout: float = 0) -> object:
        untorn.update(self.file, lambda document: document.set("next", 1), timeout=timeout)
        return json.loads(self.file.read_bytes())


@pytest.fixture
def left(quick_path: Path) -> Left:
    return Left(quick_path)


@pytest.mark.parametrize(
    ("file", "slot"),
    [
        pytest.param(BASE, OURS, id="before the exchange"),
        pytest.param(OURS, BASE, id="behind it"),
        pytest.param(THEIRS, BASE, id="and another program has written since"),
        pytest.param(THEIRS, OURS, id="and it had gone back"),
        pytest.param(OURS, b"", id="and another program had just truncated it"),
    ],
)
def test_what_has_a_place_elsewhere_is_removed(left: Left, file: bytes, slot: bytes) -> None:
    left.holding(file, slot)
    assert left.save() == {**json.loads(file), "next": 1}
    assert litter(left.file.parent) == set()


def test_what_another_program_wrote_gets_its_name_back(left: Left) -> None:
    left.holding(OURS, THEIRS)
    assert left.save() == {"n": 0, "theirs": 1, "next": 1}
    assert litter(left.file.parent) == set()


def test_what_another_program_wrote_is_kept_where_a_third_one_replaced_the_file_since(left: Left) -> None:
    left.holding(b'{"third": 1}\n', THEIRS)
    receipt = untorn.write_bytes(left.file, BASE)
    assert left.slot.name in receipt.warnings[0]
    assert litter(left.file.parent) == {left.slot.name}
    assert left.save() == {"n": 0, "next": 1}
    assert left.slot.read_bytes() == THEIRS  # also behind the sweep


def test_a_link_that_was_made_just_now_may_be_that_of_a_living_save(left: Left) -> None:
    """Both its files are locked, unless a third program has just taken the name away from one."""
    left.holding(OURS, THEIRS, age=0)
    with pytest.raises(LockTimeoutError, match="has been replacing the file"):
        left.save()
    assert left.slot.read_bytes() == THEIRS
    assert left.save(timeout=60) == {"n": 0, "theirs": 1, "next": 1}


def test_whoever_has_locked_what_came_out_lives(left: Left) -> None:
    left.holding(OURS, BASE)
    with left.slot.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        with pytest.raises(LockTimeoutError):
            left.save()
    assert left.save() == {"n": 0, "ours": 1, "next": 1}


def test_a_link_to_nothing_is_removed(left: Left) -> None:
    left.holding(OURS, BASE)
    left.slot.unlink()
    assert left.save() == {"n": 0, "ours": 1, "next": 1}
    assert litter(left.file.parent) == set()


@pytest.mark.parametrize("leads_to", ["nowhere", f".app.toml.{'0' * 32}.{'1' * 32}.{'2' * 32}.swap"])
def test_a_link_that_untorn_has_not_made_is_refused(left: Left, leads_to: str) -> None:
    left.file.write_bytes(BASE)
    left.link.symlink_to(leads_to)
    with pytest.raises(WriteError, match="not what untorn makes under such a name") as caught:
        left.save()
    assert "remove it" in str(caught.value)
    assert left.file.read_bytes() == BASE
    assert litter(left.file.parent) == {LINK}


def test_a_file_in_the_links_place_is_refused(left: Left) -> None:
    left.file.write_bytes(BASE)
    left.link.write_bytes(b"mine")
    with pytest.raises(WriteError):
        left.save()
    assert left.link.read_bytes() == b"mine"
    assert left.file.read_bytes() == BASE


def _linked(left: Left) -> None:
    os.link(left.slot, left.slot.with_name("another"))


def _directory(left: Left) -> None:
    left.slot.unlink()
    left.slot.mkdir()


@pytest.mark.parametrize("make", [_linked, _directory])
def test_what_untorn_has_not_made_is_refused(left: Left, make: object) -> None:
    left.holding(OURS, BASE)
    make(left)  # type: ignore[operator]
    with pytest.raises(WriteError, match="not what untorn makes under such a name"):
        left.save()
    assert left.file.read_bytes() == OURS
    assert left.slot.exists()


@pytest.mark.parametrize("entry", ["readlink", "unlink"])
def test_whoever_is_faster_with_the_same_link_is_right(left: Left, entry: str) -> None:
    left.holding(OURS, BASE)
    calls = 0

    def finish_first(_nth: int, name: str) -> None:
        nonlocal calls
        calls += name == entry
        if name == entry and calls == (2 if entry == "readlink" else 1):
            left.link.unlink()
            left.slot.unlink()

    with watched(before=finish_first):
        assert left.save() == {"n": 0, "ours": 1, "next": 1}
    assert litter(left.file.parent) == set()


def test_a_link_that_is_gone_by_the_time_of_the_look_holds_nobody_up(left: Left) -> None:
    left.holding(OURS, BASE)
    left.slot.unlink()

    def let_go(_nth: int, name: str) -> None:
        if name == "readlink":
            left.link.unlink(missing_ok=True)

    with watched(before=let_go):
        assert left.save() == {"n": 0, "ours": 1, "next": 1}


def test_the_link_of_the_next_one_stays(left: Left) -> None:
    """Between two looks another has finished, and begun its own exchange."""
    left.holding(OURS, BASE)
    other = left.slot.with_name(left.slot.name.replace(left.slot.name[10:42], "e" * 32))
    reads = 0

    def go_on(_nth: int, name: str) -> None:
        nonlocal reads
        reads += name == "readlink"
        if name == "readlink" and reads == 2:
            left.link.unlink()
            left.link.symlink_to(other.name)

    with watched(before=go_on):
        assert left.save(timeout=60) == {"n": 0, "ours": 1, "next": 1}
    assert not left.link.is_symlink()  # a dead one, too: nothing lies under its name


@pytest.mark.parametrize("way", ["finish", "sweep"])
def test_of_two_who_find_one_dead_link_none_removes_what_the_other_has_put_there(
    left: Left, way: str
) -> None:
    left.holding(OURS, BASE)
    left.slot.unlink()
    another = left.slot.with_name(left.slot.name.replace(left.slot.name[10:42], "e" * 32))
    began = False

    def finish_too(_nth: int, name: str) -> None:
        nonlocal began
        if name == "unlink" and not began:
            began = True
            if remove(left, way):  # then its own exchange begins
                another.touch()
                left.link.symlink_to(another.name)

    with watched(before=finish_too):
        assert remove(left, way)
    assert began
    assert not left.link.is_symlink()
    assert not another.exists()


def remove(left: Left, way: str) -> bool:
    """Remove what is dead, as a save would; return whether it is gone."""
    directory = os.open(left.file.parent, os.O_RDONLY)
    try:
        if way == "sweep":
            return sweep(left.file.name, directory, os.getuid(), REAL)
        with left.file.open("rb") as file:
            return finish(left.file, directory, file.fileno(), [], REAL)
    finally:
        os.close(directory)


def test_where_a_directory_cannot_be_locked_a_dead_link_is_removed_all_the_same(left: Left) -> None:
    """Over NFS, flock(2) needs a descriptor that is open for writing."""
    left.holding(OURS, BASE)

    def refuse(nth: int, name: str) -> None:
        if name == "flock" and not watch.arguments[nth][1] & fcntl.LOCK_NB:
            raise os_error(errno.EBADF)
        if name == "flock" and stat.S_ISDIR(os.fstat(watch.arguments[nth][0]).st_mode):
            raise os_error(errno.EBADF)

    with watched(before=refuse) as watch:
        assert left.save() == {"n": 0, "ours": 1, "next": 1}
    assert litter(left.file.parent) == set()


def test_what_is_kept_is_told_by_one(left: Left) -> None:
    """Two look at once; the one that removes the link says it."""
    left.holding(b'{"third": 1}\n', THEIRS)

    def finish_first(_nth: int, name: str) -> None:
        if name == "unlink":
            left.link.unlink(missing_ok=True)

    with watched(before=finish_first):
        assert untorn.write_bytes(left.file, BASE).warnings == ()
    assert left.slot.read_bytes() == THEIRS


def test_a_link_that_cannot_be_read_is_said(left: Left) -> None:
    left.holding(OURS, BASE)

    def fail(_nth: int, name: str) -> None:
        if name == "readlink":
            raise os_error(errno.EIO)

    with watched(before=fail), pytest.raises(WriteError, match="Input/output error"):
        left.save()
    assert left.file.read_bytes() == OURS


def test_an_error_while_it_is_finished_changes_nothing(left: Left) -> None:
    left.holding(OURS, THEIRS)

    def fail(_nth: int, name: str) -> None:
        if name == "exchange":
            raise os_error(errno.EIO)

    with watched(before=fail), pytest.raises(WriteError) as caught:
        left.save()
    assert caught.value.errno == errno.EIO
    assert (left.file.read_bytes(), left.slot.read_bytes()) == (OURS, THEIRS)
    assert left.save() == {"n": 0, "theirs": 1, "next": 1}


def test_a_sweep_keeps_what_another_program_wrote_and_removes_what_has_a_place_elsewhere(left: Left) -> None:
    left.holding(OURS, THEIRS)
    left.link.unlink()
    known = left.slot.with_name(swap_name(temp_name("app.json", revision_of(OURS)), revision_of(BASE)))
    known.write_bytes(BASE)
    untorn.write_bytes(left.file, b'{"n": 1}\n')
    assert litter(left.file.parent) == {left.slot.name}


def test_a_sweep_keeps_nothing_that_is_empty(left: Left) -> None:
    left.holding(OURS, b"")
    left.link.unlink()
    untorn.write_bytes(left.file, BASE)
    assert litter(left.file.parent) == set()


def test_the_name_of_a_swap_tells_what_belongs_there() -> None:
    name = swap_name(temp_name("app.json", revision_of(OURS)), revision_of(BASE))
    assert digests_in(name, "app.json") == (short_digest(BASE), short_digest(OURS))
    assert digests_in(name, "app.jso") is None
    assert digests_in(Path(name).with_suffix(".tmp").name, "app.json") is None


def test_a_file_that_is_new_again_is_saved_beside_what_is_left_and_sweeps_it(left: Left) -> None:
    left.holding(OURS, BASE)
    left.file.unlink()
    untorn.write_bytes(left.file, BASE)
    assert litter(left.file.parent) == set()


@pytest.mark.parametrize(("entry", "then"), [("unlink", {LINK}), ("stat", {LINK})], ids=["unlink", "stat"])
def test_a_link_that_a_sweep_cannot_remove_goes_later(left: Left, entry: str, then: set[str]) -> None:
    left.link.symlink_to(left.slot.name)

    def fail(_nth: int, name: str) -> None:
        if name == entry and swept:
            raise os_error(errno.EIO)

    swept: list[str] = []

    def listed(_nth: int, name: str) -> None:
        if name == "listdir":
            swept.append(name)

    with watched(before=fail, after=listed):
        untorn.write_bytes(left.file, BASE)
    assert litter(left.file.parent) == then
    untorn.write_bytes(left.file, OURS)
    assert litter(left.file.parent) == set()


def test_what_another_program_wrote_stays_with_its_link_where_the_file_is_new_again(left: Left) -> None:
    left.holding(OURS, THEIRS)
    left.file.unlink()
    untorn.write_bytes(left.file, BASE)
    assert litter(left.file.parent) == {LINK, left.slot.name}
    assert untorn.write_bytes(left.file, OURS).warnings
    assert litter(left.file.parent) == {left.slot.name}
