"""What crashed saves leave behind is found, judged, and touched only where nobody can miss it (W18)."""

from __future__ import annotations

import errno
import fcntl
import os
import signal
from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING

import pytest
from calls import os_error, watched
from filesystems import memory
from processes import NOBODY, as_nobody, exit_code, forked
from targets import NEW, OLD

import untorn
from untorn.errors import ReadError, WriteError
from untorn.records import revision_of
from untorn.storage import orphans
from untorn.storage.names import swap_name, temp_name
from untorn.storage.orphans import Orphan, content_of, orphans_in, orphans_of, quarantine, remove

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

LIMIT = 1 << 20


@pytest.fixture
def file(quick_path: Path) -> Path:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)
    return path


def temp_of(path: Path, data: bytes = NEW, held: bytes | None = None) -> Path:
    """Make a temp of ``path`` for these bytes, which holds them, or fewer."""
    temp = path.parent / temp_name(path.name, revision_of(data))
    temp.write_bytes(data if held is None else held)
    return temp


def the_orphan(path: Path) -> Orphan:
    [found] = orphans_of(path, limit=LIMIT)
    return found


@contextmanager
def locked(path: Path) -> Iterator[None]:
    with path.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        yield


def kill_at(name: str) -> Callable[[Path], None]:
    """Save in a child that is killed at the first call of this name."""

    def save(path: Path) -> None:
        def strike(_nth: int, made: str) -> None:
            if made == name:
                os.kill(os.getpid(), signal.SIGKILL)

        with watched(before=strike):
            untorn.write_bytes(path, NEW)

    return save


# ── Look ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(("call", "complete"), [("write", False), ("fsync", True), ("rename", True)])
def test_the_digest_in_its_name_tells_whether_a_killed_save_had_written_all(
    file: Path, call: str, complete: bool
) -> None:
    assert exit_code(forked(lambda: kill_at(call)(file))) == -signal.SIGKILL
    found = the_orphan(file)
    assert (found.complete, found.alive, found.untouchable, found.target) == (complete, False, "", file)
    assert (found.size, found.owner) == (len(NEW) if complete else 0, os.geteuid())
    assert found.path.name == f".app.conf.{found.id}.{str(revision_of(NEW).digest)[:32]}.tmp"
    if complete:
        assert content_of(found, limit=LIMIT) == NEW
    assert file.read_bytes() == OLD


def test_a_killed_first_save_leaves_an_orphan_of_a_file_that_does_not_exist(quick_path: Path) -> None:
    path = quick_path / "new.conf"
    assert exit_code(forked(lambda: kill_at("rename_new")(path))) == -signal.SIGKILL
    found = the_orphan(path)
    assert (found.target, found.complete) == (path, True)
    assert orphans_in(quick_path, limit=LIMIT) == [found]


def test_in_a_directory_that_does_not_exist_there_are_none(quick_path: Path) -> None:
    assert orphans_of(quick_path / "nothing" / "app.conf", limit=LIMIT) == []


def test_other_files_orphans_and_other_temps_are_not_this_files(file: Path) -> None:
    temp_of(file.with_name("other.conf"))
    temp_of(file.with_name("app.conf.bak"))
    for name in (".app.conf.tmp", f".app.conf.{'0' * 32}.tmp", f"app.conf.{'0' * 32}.{'0' * 32}.tmp"):
        file.with_name(name).write_bytes(b"")
    assert orphans_of(file, limit=LIMIT) == []


def test_in_a_directory_they_are_grouped_by_file_the_newest_first(file: Path) -> None:
    other = file.with_name("b.conf")
    temps = [temp_of(file, b"1"), temp_of(other, b"2"), temp_of(file, b"3")]
    for seconds, temp in enumerate(temps):
        os.utime(temp, (seconds, seconds))
    found = orphans_in(file.parent, limit=LIMIT)
    assert [(each.target, each.path) for each in found] == [
        (file, temps[2]), (file, temps[0]), (other, temps[1]),
    ]  # fmt: skip
    assert found[0].changed_ns == 2_000_000_000


def test_a_name_that_was_cut_is_found_again_where_its_file_exists(quick_path: Path) -> None:
    long = quick_path / ("x" * 250)
    temp_of(long)
    [nameless] = orphans_in(quick_path, limit=LIMIT)
    assert nameless.target is None
    assert the_orphan(long).target == long
    long.write_bytes(OLD)
    [found] = orphans_in(quick_path, limit=LIMIT)
    assert found.target == long


def test_names_that_are_no_utf_8_keep_their_bytes(quick_path: Path) -> None:
    path = quick_path / os.fsdecode(b"\xff\n \xe9.conf")
    temp_of(path)
    [found] = orphans_in(quick_path, limit=LIMIT)
    assert found.target == path


def test_one_whose_writer_lives_is_told_from_the_dead(file: Path) -> None:
    temp = temp_of(file)
    with locked(temp):
        found = the_orphan(file)
        assert (found.alive, found.untouchable) == (True, "its writer lives")
    assert the_orphan(file).alive is False


def test_looking_at_an_orphan_does_not_make_it_seem_alive_to_who_looks_too(file: Path) -> None:
    temp = temp_of(file)
    with temp.open("rb") as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        assert the_orphan(file).alive is False


def test_what_is_larger_than_any_file_that_is_loaded_is_not_read(file: Path) -> None:
    temp_of(file, b"x" * 100)
    [found] = orphans_of(file, limit=99)
    assert found.complete is None
    assert the_orphan(file).complete is True


def test_what_untorn_never_makes_is_shown_and_not_opened(file: Path) -> None:
    fifo, link, directory, linked = (temp_of(file, bytes([n])) for n in range(4))
    for each in (fifo, link, directory):
        each.unlink()
    os.mkfifo(fifo)
    link.symlink_to(file)
    directory.mkdir()
    file.with_name("second").hardlink_to(linked)
    found = {each.path: each for each in orphans_of(file, limit=LIMIT)}
    assert "FIFO" in found[fifo].untouchable
    assert "symbolic link" in found[link].untouchable
    assert "directory" in found[directory].untouchable
    assert found[linked].untouchable == "it has 2 names (hard links), which untorn never gives it"
    assert [found[each].complete for each in (fifo, link, directory)] == [None, None, None]
    for each in found.values():
        with pytest.raises(WriteError, match="not removed: it"):
            remove(each)
        with pytest.raises(WriteError, match="not moved: it"):
            quarantine(each, file.parent)
    assert all(os.path.lexists(each) for each in found)


def test_another_users_is_shown_and_not_touched(file: Path) -> None:
    temp = temp_of(file)
    temp.chmod(0o600)
    file.parent.chmod(0o777)

    def look() -> None:
        found = the_orphan(file)
        assert (found.complete, found.alive) == (None, None)
        assert found.untouchable == f"it belongs to user {temp.stat().st_uid}"
        with pytest.raises(WriteError, match="it belongs to user 0"):
            remove(found)

    as_nobody(look)
    os.chown(temp, NOBODY, NOBODY)
    assert the_orphan(file).untouchable == f"it belongs to user {NOBODY}"
    assert temp.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_root_may_remove_what_its_save_had_given_to_the_files_owner(file: Path) -> None:
    os.chown(file, NOBODY, NOBODY)
    assert exit_code(forked(lambda: kill_at("rename")(file))) == -signal.SIGKILL
    found = the_orphan(file)
    assert (found.owner, found.untouchable) == (NOBODY, "")
    remove(found)
    assert [each.name for each in file.parent.iterdir()] == [file.name]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_whose_a_temp_is_is_told_where_its_file_is_gone(file: Path) -> None:
    os.chown(temp_of(file), NOBODY, NOBODY)
    file.unlink()
    assert the_orphan(file).untouchable == f"it belongs to user {NOBODY}"


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_whose_a_temp_is_is_told_where_its_file_cannot_be_known(file: Path) -> None:
    temp = temp_of(file.with_name("n" * 255))
    os.chown(temp, NOBODY, NOBODY)
    [found] = orphans_in(file.parent, limit=LIMIT)
    assert (found.target, found.untouchable) == (None, f"it belongs to user {NOBODY}")


def test_a_directory_that_may_not_be_read_is_an_error_that_says_so(file: Path) -> None:
    file.parent.chmod(0o700)

    def look() -> None:
        with pytest.raises(ReadError, match="its orphans cannot be listed: Permission denied"):
            orphans_of(file, limit=LIMIT)

    as_nobody(look)


def test_an_error_of_listing_is_said_with_the_directory(file: Path) -> None:
    def fail(_nth: int, name: str) -> None:
        if name == "listdir":
            raise os_error(errno.EIO)

    with (
        watched(before=fail),
        pytest.raises(ReadError, match="cannot be listed: Input/output error") as caught,
    ):
        orphans_in(file.parent, limit=LIMIT)
    assert caught.value.path == file.parent


def test_where_nothing_tells_whether_a_writer_lives_nothing_is_touched(file: Path) -> None:
    temp_of(file)

    def no_locks(_nth: int, name: str) -> None:
        if name == "flock":
            raise os_error(errno.ENOLCK)

    with watched(before=no_locks):
        found = the_orphan(file)
    assert (found.alive, found.untouchable) == (None, "whether its writer lives cannot be told here")


@pytest.mark.parametrize("call", ["stat", "open"])
def test_one_that_its_writer_removes_meanwhile_is_none(file: Path, call: str) -> None:
    temp = temp_of(file)
    struck = []

    def vanish(_nth: int, name: str) -> None:
        if name == call and not struck:
            struck.append(name)
            temp.unlink()

    with watched(before=vanish):
        assert orphans_of(file, limit=LIMIT) == []
    assert struck


@pytest.mark.parametrize("call", ["open", "pread"])
def test_one_that_cannot_be_read_is_neither_complete_nor_incomplete(file: Path, call: str) -> None:
    temp_of(file)

    def fail(_nth: int, name: str) -> None:
        if name == call:
            raise os_error(errno.EIO)

    with watched(before=fail):
        assert the_orphan(file).complete is None


# ── Act ─────────────────────────────────────────────────────────────────────


def test_a_dead_one_is_removed_and_nothing_else(file: Path) -> None:
    temp_of(file)
    other = temp_of(file.with_name("other.conf"))
    remove(the_orphan(file))
    assert set(file.parent.iterdir()) == {file, other}


@pytest.mark.parametrize("act", ["remove", "quarantine"])
def test_one_whose_writer_came_back_stays(file: Path, act: str) -> None:
    found = the_orphan_of(file)
    with locked(found.path), pytest.raises(WriteError, match="its writer lives"):
        done(act, found, file.parent)
    assert found.path.read_bytes() == NEW


def the_orphan_of(file: Path) -> Orphan:
    temp_of(file)
    return the_orphan(file)


def done(act: str, found: Orphan, into: Path) -> None:
    if act == "remove":
        remove(found)
    else:
        quarantine(found, into)


@pytest.mark.parametrize("act", ["remove", "quarantine"])
def test_what_took_its_name_since_it_was_listed_stays(file: Path, act: str) -> None:
    found = the_orphan_of(file)
    another = file.with_name("another")
    another.write_bytes(b"not what was listed")
    another.replace(found.path)
    with pytest.raises(WriteError, match="it was replaced since it was listed"):
        done(act, found, file.parent)
    assert found.path.read_bytes() == b"not what was listed"


@pytest.mark.parametrize("act", ["remove", "quarantine"])
def test_one_that_got_a_second_name_since_it_was_listed_stays(file: Path, act: str) -> None:
    found = the_orphan_of(file)
    file.with_name("second").hardlink_to(found.path)
    with pytest.raises(WriteError, match="it has 2 names"):
        done(act, found, file.parent)
    assert found.path.exists()


def test_one_that_is_gone_says_so(file: Path) -> None:
    found = the_orphan_of(file)
    found.path.unlink()
    with pytest.raises(WriteError, match="not removed: No such file") as caught:
        remove(found)
    assert "somebody else was faster" in caught.value.hint
    with pytest.raises(ReadError, match="cannot be read: No such file"):
        content_of(found, limit=LIMIT)


def test_in_quarantine_it_is_no_temp_any_more(file: Path) -> None:
    found = the_orphan_of(file)
    into = file.parent / "kept"
    into.mkdir()
    kept = quarantine(found, into)
    assert kept == into / (found.path.name[1:-4] + ".orphan")
    assert kept.read_bytes() == NEW
    assert orphans_of(file, limit=LIMIT) == []
    assert orphans_in(into, limit=LIMIT) == []


def test_quarantine_replaces_nothing(file: Path) -> None:
    found = the_orphan_of(file)
    there = file.with_name(found.path.name[1:-4] + ".orphan")
    there.write_bytes(b"kept before")
    with pytest.raises(WriteError, match="not moved: File exists"):
        quarantine(found, file.parent)
    assert (there.read_bytes(), found.path.read_bytes()) == (b"kept before", NEW)


def test_quarantine_needs_a_directory_that_exists(file: Path) -> None:
    found = the_orphan_of(file)
    with pytest.raises(WriteError, match="kept cannot be opened: No such file") as caught:
        quarantine(found, file.parent / "kept")
    assert "mkdir" in caught.value.hint


def test_quarantine_on_another_file_system_is_refused_and_says_why(file: Path, tmp_path: Path) -> None:
    found = the_orphan_of(file)
    with memory(tmp_path) as elsewhere, pytest.raises(WriteError, match="not moved: ") as caught:
        quarantine(found, elsewhere)
    assert caught.value.errno == errno.EXDEV
    assert "on the same file system" in caught.value.hint
    assert found.path.exists()


def test_an_empty_one_that_was_made_just_now_may_be_about_to_be_locked(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temp_of(file, held=b"")
    found = the_orphan(file)
    with pytest.raises(WriteError, match="it was made a moment ago"):
        quarantine(found, file.parent)
    monkeypatch.setattr("untorn.storage.orphans._NEWBORN_NS", 0)
    assert quarantine(found, file.parent).exists()


def test_a_directory_that_cannot_be_synced_keeps_nothing_from_quarantine(file: Path) -> None:
    found = the_orphan_of(file)
    seen: list[str] = []

    def fail(_nth: int, name: str) -> None:
        seen.append(name)
        if name == "fsync" and "rename_new" in seen:
            raise os_error(errno.EINVAL)

    with watched(before=fail):
        assert quarantine(found, file.parent).exists()
    assert seen.count("fsync") == 3


@pytest.mark.parametrize("act", ["remove", "quarantine"])
def test_whatever_call_fails_it_is_there_or_where_it_was_to_go(file: Path, act: str) -> None:
    into = file.parent / "kept"
    into.mkdir()
    with watched() as watch:
        done(act, the_orphan_of(file), into)
    for nth in range(len(watch.made)):
        found = the_orphan_of(file)
        before = {*into.iterdir()}

        def fail(at: int, _name: str, nth: int = nth) -> None:
            if at == nth:
                raise os_error(errno.EIO)

        error = None
        try:
            with watched(before=fail):
                done(act, found, into)
        except WriteError as refusal:
            error = refusal.errno
        kept = [each.read_bytes() for each in {*into.iterdir()} - before]
        if error is None:
            assert not found.path.exists()
            assert kept == ([NEW] if act == "quarantine" else [])
        else:
            assert (error, kept, found.path.read_bytes()) == (errno.EIO, [], NEW)
            found.path.unlink()


def test_an_incomplete_one_has_no_content_to_restore(file: Path) -> None:
    temp_of(file, held=NEW[:-1])
    with pytest.raises(ReadError, match="is not complete"):
        content_of(the_orphan(file), limit=LIMIT)


# ── What an exchange left ───────────────────────────────────────────────────


@pytest.fixture
def long_ago(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let an exchange that was made a moment ago be one of yesterday."""
    monkeypatch.setattr(orphans, "_NEWBORN_NS", 0)


def swap_of(path: Path, held: bytes) -> Path:
    """Make what is left of an exchange of OLD for NEW, which holds ``held``."""
    swap = path.parent / swap_name(temp_name(path.name, revision_of(NEW)), revision_of(OLD))
    swap.write_bytes(held)
    link_to(swap, path)
    return swap


def link_to(swap: Path, path: Path) -> None:
    path.with_name(f".{path.name}.swap").symlink_to(swap.name)


@pytest.mark.usefixtures("long_ago")
@pytest.mark.parametrize(("held", "holds"), [(NEW, "new"), (OLD, "before"), (b"theirs", "foreign")])
def test_what_came_out_of_a_file_is_told_from_what_should_go_in(file: Path, held: bytes, holds: str) -> None:
    swap = swap_of(file, held)
    found = the_orphan(file)
    assert (found.path, found.target, found.holds, found.complete) == (swap, file, holds, True)
    assert content_of(found, limit=LIMIT) == held


def test_what_was_exchanged_a_moment_ago_is_left_alone(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A third program's may lie there for a moment, locked by nobody."""
    swap = swap_of(file, b"theirs")
    found = the_orphan(file)
    assert "may be going back" in found.untouchable
    with pytest.raises(WriteError, match="may be going back"):
        remove(replace(found, untouchable=""))
    monkeypatch.setattr(orphans, "_NEWBORN_NS", 0)
    remove(the_orphan(file))
    assert not swap.exists()


@pytest.mark.usefixtures("long_ago")
def test_with_what_is_left_of_an_exchange_its_link_goes(file: Path) -> None:
    swap_of(file, b"theirs")
    remove(the_orphan(file))
    assert [each.name for each in file.parent.iterdir()] == [file.name]
    swap_of(file, b"theirs")
    into = file.parent / "kept"
    into.mkdir()
    assert quarantine(the_orphan(file), into).read_bytes() == b"theirs"
    assert {each.name for each in file.parent.iterdir()} == {file.name, "kept"}


@pytest.mark.usefixtures("long_ago")
def test_a_link_to_another_exchange_stays(file: Path) -> None:
    swap_of(file, b"theirs").unlink()
    link = file.with_name(f".{file.name}.swap")
    link.rename(file.with_name("aside"))
    other = swap_of(file, b"more of theirs")
    link.unlink()
    file.with_name("aside").rename(link)
    found = the_orphan(file)
    assert found.path == other
    remove(found)
    assert link.is_symlink()
