"""Windows where others have files open, and what it keeps of a file (WRITER W8, W9, W15, W17, W21)."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import sys
import threading
from typing import TYPE_CHECKING, Any

import pytest

if sys.platform != "linux":  # pragma: no cover
    pytest.skip("the simulation needs the calls of Linux", allow_module_level=True)

from calls import watched
from targets import NEW, NEXT, OLD, litter
from win32_errors import DENIED, FULL, MAPPED
from win32_library import READS, WRITES
from win32_simulation import Windows, list_with, windows

import untorn
from untorn import storage
from untorn.errors import LockTimeoutError
from untorn.records import revision_of
from untorn.storage import win32
from untorn.storage.capabilities import survey
from untorn.storage.holders import numbers_of
from untorn.storage.names import temp_name
from untorn.storage.syscalls import table_of
from untorn.storage.windows import PATIENCE, WindowsSyscalls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

ALL = 7


@pytest.fixture(params=["posix", "plain"])
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Windows]:
    """Windows as it is, and as it was before Windows 10, or on FAT."""
    with windows(tmp_path) as library:
        if request.param == "plain":
            library.knows.discard("posix")
        yield library


@pytest.fixture
def newest(tmp_path: Path) -> Iterator[Windows]:
    with windows(tmp_path) as library:
        yield library


@pytest.fixture
def file(quick_path: Path) -> Path:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)
    path.chmod(0o640)
    return path


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


def key_of(path: Path) -> tuple[int, int]:
    status = path.lstat()
    return status.st_dev, status.st_ino


# ── Patience ────────────────────────────────────────────────────────────────

HOLDERS: dict[str, Callable[[Windows, Path, float], None]] = {
    "a reader that shares no removal": lambda library, path, time: library.hold(path, time),
    "a writer": lambda library, path, time: library.hold(path, time, wants=READS | WRITES),
    "a program that shares nothing": lambda library, path, time: library.hold(path, time, share=0),
    "a program that locked the bytes": lambda library, path, time: library.lock_bytes(path, time),
}


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_file_that_another_program_holds_for_a_moment_is_saved(
    file: Path, library: Windows, holder: str
) -> None:
    HOLDERS[holder](library, file, 0.7)
    assert untorn.write_bytes(file, NEW).durable
    assert file.read_bytes() == NEW
    assert 0.5 < sum(library.waited) < 1.0
    assert litter(file.parent) == set()


@pytest.mark.parametrize("holder", HOLDERS)
def test_a_program_that_holds_the_file_all_the_time_is_an_error_that_says_so(
    file: Path, library: Windows, holder: str
) -> None:
    HOLDERS[holder](library, file, float("inf"))
    with pytest.raises((untorn.WriteError, untorn.ReadError)) as caught:
        untorn.write_bytes(file, NEW)
    assert caught.value.errno == errno.EACCES
    assert "another program has it open" in caught.value.hint
    assert str(file) in str(caught.value)
    assert sum(library.waited) == pytest.approx(PATIENCE)
    assert max(library.waited) <= 0.16
    assert file.read_bytes() == OLD
    assert litter(file.parent) == set()


def test_a_program_that_shares_all_is_in_nobodys_way(file: Path, newest: Windows) -> None:
    newest.hold(file, float("inf"), share=ALL)
    untorn.write_bytes(file, NEW)
    assert newest.waited == []


def test_before_windows_10_even_that_program_has_to_close_it(file: Path, library: Windows) -> None:
    library.knows.discard("posix")
    library.hold(file, 0.3, share=ALL)
    untorn.write_bytes(file, NEW)
    assert sum(library.waited) >= 0.3


@pytest.mark.parametrize("code", [DENIED, 32, 33, MAPPED])
def test_every_way_to_say_that_the_target_is_held_is_tried_again(
    file: Path, newest: Windows, code: int
) -> None:
    _refuse_renames(newest, [code] * 3)
    assert untorn.write_bytes(file, NEW).changed
    assert len(newest.waited) == 3


def test_a_refusal_that_no_patience_helps_is_said_at_once(file: Path, newest: Windows) -> None:
    _refuse_renames(newest, [FULL])
    with pytest.raises(untorn.WriteError) as caught:
        untorn.write_bytes(file, NEW)
    assert caught.value.errno == errno.ENOSPC
    assert newest.waited == []
    assert (file.read_bytes(), litter(file.parent)) == (OLD, set())


def _refuse_renames(library: Windows, codes: list[int]) -> None:
    real = library._rename
    left = iter(codes)

    def rename(*arguments: Any, **keywords: Any) -> None:
        for code in left:
            library.refuse(code)
        real(*arguments, **keywords)

    library._rename = rename  # type: ignore[method-assign]


def test_an_orphan_that_is_held_is_left_to_the_next_save(file: Path, library: Windows) -> None:
    orphan = file.with_name(temp_name(file.name, revision_of(NEXT)))
    orphan.write_bytes(NEXT)
    library.hold(orphan, 0.1)
    untorn.write_bytes(file, NEW)
    assert library.waited == []
    assert orphan.exists()
    library.now += 1
    untorn.write_bytes(file, OLD)
    assert not orphan.exists()


def test_an_orphan_that_cannot_be_opened_at_all_is_waited_for_once(file: Path, newest: Windows) -> None:
    orphan = file.with_name(temp_name(file.name, revision_of(NEXT)))
    orphan.write_bytes(NEXT)
    newest.hold(orphan, float("inf"), share=0)
    untorn.write_bytes(file, NEW)
    assert sum(newest.waited) == pytest.approx(PATIENCE)
    assert file.read_bytes() == NEW


def test_a_file_that_is_about_to_go_is_waited_for(file: Path, newest: Windows) -> None:
    """Its name stays until the last program closes it, and nobody may open it."""
    newest.hold(file, 0.2, share=ALL)
    newest.going[key_of(file)] = str(file)
    receipt = untorn.write_bytes(file, NEW)
    assert receipt.changed
    assert sum(newest.waited) >= 0.2
    assert file.read_bytes() == NEW


def test_access_that_was_denied_for_good_is_said_at_once(file: Path, newest: Windows) -> None:
    newest.forbidden.add(str(file))
    with pytest.raises(untorn.ReadError) as caught:
        untorn.load(file, format="json")
    assert caught.value.errno == errno.EACCES
    assert "permission" in caught.value.hint
    assert newest.waited == []


# ── Who may read and write ──────────────────────────────────────────────────


def test_a_read_only_file_is_refused_unless_forced_and_stays_read_only(file: Path, library: Windows) -> None:
    library.attributes[key_of(file)] = win32.READ_ONLY
    with pytest.raises(untorn.WriteError, match="it is read-only"):
        untorn.write_bytes(file, NEW)
    assert file.read_bytes() == OLD
    untorn.write_bytes(file, NEW, force=True)
    assert file.read_bytes() == NEW
    assert library.attributes[key_of(file)] == win32.READ_ONLY


def test_a_read_only_file_that_could_not_be_replaced_is_read_only_again(file: Path, library: Windows) -> None:
    library.attributes[key_of(file)] = win32.READ_ONLY
    library.hold(file, float("inf"))
    with pytest.raises(untorn.WriteError):
        untorn.write_bytes(file, NEW, force=True)
    assert library.attributes[key_of(file)] == win32.READ_ONLY
    assert (file.read_bytes(), litter(file.parent)) == (OLD, set())


def test_a_read_only_file_over_which_the_rename_fails_is_read_only_again(
    file: Path, newest: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest.knows.discard("posix")
    newest.attributes[key_of(file)] = win32.READ_ONLY
    rename = win32.Win32.rename

    def fail(self: win32.Win32, handle: int, new: str, *, replace: bool, plainly: bool = False) -> None:
        if plainly:
            raise win32.Refused(FULL)
        rename(self, handle, new, replace=replace)

    monkeypatch.setattr(win32.Win32, "rename", fail)
    with pytest.raises(untorn.WriteError):
        untorn.write_bytes(file, NEW, force=True)
    assert newest.attributes[key_of(file)] == win32.READ_ONLY
    assert (file.read_bytes(), litter(file.parent)) == (OLD, set())


def test_where_nobody_tells_whether_a_file_is_read_only_the_rename_does(
    file: Path, newest: Windows, monkeypatch: pytest.MonkeyPatch
) -> None:
    newest.knows.discard("posix")
    attributes, asked = win32.Win32.attributes, iter([True, True])  # for the metadata

    def refused_behind_them(self: win32.Win32, name: str) -> int:
        if next(asked, False):
            return attributes(self, name)
        raise win32.Refused(DENIED)

    monkeypatch.setattr(win32.Win32, "attributes", refused_behind_them)
    untorn.write_bytes(file, NEW)
    assert file.read_bytes() == NEW


def test_a_file_that_another_program_writes_before_the_comparison_is_read_again(
    file: Path, newest: Windows
) -> None:
    locks = iter([lambda: None, lambda: file.write_bytes(NEXT)])  # the temp's, and the file's

    def interfere(_nth: int, name: str) -> None:
        if name == "flock":
            next(locks, lambda: None)()

    assert newest.waited == []
    with watched(before=interfere) as watch:
        untorn.write_bytes(file, NEW)
    assert (file.read_bytes(), litter(file.parent)) == (NEW, set())
    assert watch.made.count("fsync") == 3  # of two temps, and of the directory


def test_a_read_only_orphan_is_removed(file: Path, library: Windows) -> None:
    orphan = file.with_name(temp_name(file.name, revision_of(NEXT)))
    orphan.write_bytes(NEXT)
    library.attributes[key_of(orphan)] = win32.READ_ONLY
    untorn.write_bytes(file, NEW)
    assert not orphan.exists()


def test_a_hidden_system_file_stays_one(file: Path, library: Windows) -> None:
    kept = win32.HIDDEN | win32.SYSTEM | win32.NOT_INDEXED
    library.attributes[key_of(file)] = kept
    untorn.write_bytes(file, NEW)
    assert library.attributes[key_of(file)] == kept


@pytest.mark.parametrize("mode", [0o600, 0o604, 0o640, 0o666, 0o700])
def test_the_list_of_who_may_do_what_is_kept(file: Path, newest: Windows, mode: int) -> None:
    file.chmod(mode)
    untorn.write_bytes(file, NEW)
    assert (file.read_bytes(), mode_of(file)) == (NEW, mode)


def test_a_new_file_gets_what_its_directory_passes_on_unless_it_is_its_owners_alone(
    quick_path: Path, newest: Windows
) -> None:
    open_to_all, secret = quick_path / "a.json", quick_path / "b.json"
    untorn.write_bytes(open_to_all, NEW)
    untorn.write_bytes(secret, NEW, mode=0o600)
    passed_on = quick_path / "plain"
    passed_on.touch()
    assert (mode_of(open_to_all), mode_of(secret)) == (mode_of(passed_on), 0o600)
    assert litter(quick_path) == set()


def test_a_list_that_cannot_be_kept_is_refused_or_said_and_the_file_is_private(
    file: Path, newest: Windows
) -> None:
    newest.knows.discard("changes of lists")
    with pytest.raises(untorn.WriteError, match="its access control list could not be kept"):
        untorn.write_bytes(file, NEW)
    assert (file.read_bytes(), litter(file.parent)) == (OLD, set())
    receipt = untorn.write_bytes(file, NEW, metadata="best")
    assert "its access control list could not be kept" in receipt.warnings[0]
    assert mode_of(file) == 0o600


def test_where_no_file_has_a_list_none_is_missed(file: Path, library: Windows) -> None:
    library.knows.discard("lists")
    assert untorn.write_bytes(file, NEW).warnings == ()
    assert untorn.write_bytes(file.with_name("new.json"), NEW).changed


def test_a_file_that_a_cloud_keeps_is_saved_like_any_other(file: Path, library: Windows) -> None:
    """It is a reparse point, which the system follows, and no link."""
    library.attributes[key_of(file)] = win32.REPARSE_POINT
    library.tags[key_of(file)] = 0x9000_001A
    untorn.write_bytes(file, NEW)
    assert file.read_bytes() == NEW


def test_a_link_may_be_replaced(file: Path, library: Windows) -> None:
    link = file.with_name("link.conf")
    link.symlink_to(file.name)
    untorn.write_bytes(link, NEW, follow_symlinks=False)
    assert (file.read_bytes(), link.read_bytes(), link.is_symlink()) == (OLD, NEW, False)


def test_no_save_writes_in_place_for_nobody_could_tell_who_wrote_the_journal(
    file: Path, library: Windows, tmp_path: Path
) -> None:
    with pytest.raises(untorn.WriteError, match="none could be believed") as caught:
        untorn.write_bytes(file, NEW, in_place=tmp_path)
    assert caught.value.errno == errno.ENOTSUP
    assert caught.value.hint
    assert file.read_bytes() == OLD


@pytest.mark.parametrize("name", ["nul.json", "app.json.", "app.json ", "app.json:stream", "a*b.json"])
def test_a_name_that_means_something_else_is_refused(quick_path: Path, library: Windows, name: str) -> None:
    with pytest.raises(untorn.WriteError) as caught:
        untorn.write_bytes(quick_path / name, NEW)
    assert caught.value.errno == errno.EINVAL
    assert "another name" in caught.value.hint
    assert [*quick_path.iterdir()] == []


# ── Durability ──────────────────────────────────────────────────────────────


def test_one_flush_and_a_rename_that_is_written_through_make_a_save_durable(
    file: Path, newest: Windows
) -> None:
    """The simulation asserts that no rename comes by a handle that does not write through."""
    receipt = untorn.write_bytes(file, NEW)
    assert receipt.durable
    assert newest.made.count("FlushFileBuffers") == 1
    assert newest.made.count("SetFileInformationByHandle") == 1


# ── Locks ───────────────────────────────────────────────────────────────────


def test_the_lock_is_a_file_in_the_users_own_directory(file: Path, newest: Windows, tmp_path: Path) -> None:
    with storage.lock(file):
        [lock] = (tmp_path / "untorn" / "locks").iterdir()
        assert lock.name.endswith(".lock")
        assert os.listdir(file.parent) == [file.name]  # noqa: PTH208
    assert lock.read_bytes() == b""


def test_without_that_directory_it_is_below_the_home_directory(
    file: Path, newest: Windows, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delenv("LOCALAPPDATA")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))
    (tmp_path / "home").mkdir()
    untorn.write_bytes(file, NEW)
    assert len([*(tmp_path / "home" / "untorn" / "locks").iterdir()]) == 1


@pytest.mark.parametrize("exists", [True, False], ids=["a file", "a file to be made"])
def test_two_spellings_of_one_file_have_one_lock(file: Path, newest: Windows, exists: bool) -> None:
    if not exists:
        file.unlink()
    with (
        storage.lock(file),
        pytest.raises(LockTimeoutError),
        storage.lock(file.with_name(file.name.upper()), timeout=0),
    ):
        pass


def test_doctor_sees_who_holds_the_lock(file: Path, newest: Windows) -> None:
    def held() -> bool | None:
        return survey(file, limit=1 << 20, probing=False).holder.held

    assert held() is False
    with storage.lock(file):
        assert held() is True
    assert held() is False


def test_doctor_cannot_tell_where_the_directory_of_locks_cannot_be_made(
    file: Path, newest: Windows, tmp_path: Path
) -> None:
    (tmp_path / "untorn").touch()
    assert survey(file, limit=1 << 20, probing=False).holder.held is None


def test_a_device_without_major_and_minor_has_one_number(monkeypatch: pytest.MonkeyPatch) -> None:
    assert numbers_of(os.makedev(254, 3)) == (254, 3)
    monkeypatch.delattr(os, "major")
    assert numbers_of(4711) == (0, 4711)


def test_a_volume_that_does_not_tell_where_a_file_is_has_locks_all_the_same(
    file: Path, newest: Windows, tmp_path: Path
) -> None:
    newest.knows.discard("final paths")
    untorn.write_bytes(file, NEW)
    assert len([*(tmp_path / "untorn" / "locks").iterdir()]) == 1


def test_eight_threads_that_count_lose_nothing(quick_path: Path, newest: Windows) -> None:
    path = quick_path / "counter.json"
    path.write_text('{"n": 0}\n')
    failures: list[BaseException] = []

    def count() -> None:
        try:
            for _ in range(5):
                with untorn.edit(path) as value:
                    value["n"] += 1
        except BaseException as error:  # noqa: BLE001  shown below
            failures.append(error)

    threads = [threading.Thread(target=count) for _ in range(8)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert failures == []
    assert untorn.load(path) == {"n": 40}
    assert litter(quick_path) == set()


def test_another_program_that_replaces_the_file_meanwhile_is_noticed(file: Path, newest: Windows) -> None:
    """The lock is not the file's own here, so that only a look at the name tells."""
    snapshot = storage.read(file)
    with storage.prepare(snapshot, NEW) as prepared, storage.lock(file) as held:
        other = file.with_name("other")
        other.write_bytes(OLD)
        other.rename(file)
        assert not prepared.compare(held)


# ── The table ───────────────────────────────────────────────────────────────


def test_the_table_of_windows_loads_its_libraries(monkeypatch: pytest.MonkeyPatch) -> None:
    library, loaded = Windows(), []

    def load(name: str, *, use_last_error: bool) -> Windows:
        loaded.append((name, use_last_error))
        return library

    monkeypatch.setattr(ctypes, "WinDLL", load, raising=False)
    monkeypatch.setattr(ctypes, "get_last_error", library.last_error, raising=False)
    assert isinstance(table_of("win32"), WindowsSyscalls)
    assert loaded == [("kernel32", True), ("advapi32", True)]


def test_elsewhere_there_are_no_such_libraries() -> None:
    with pytest.raises(OSError, match="this is not Windows"):
        table_of("win32")


def test_a_list_stands_for_a_mode_in_the_simulation() -> None:
    assert len(list_with(0o640)) > 512, "the first buffer must be too small for it"
