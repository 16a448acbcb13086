"""What only the steps of storage by themselves can meet."""

from __future__ import annotations

import copy
import ctypes
import errno
import fcntl
import os
import pickle
import subprocess
import sys
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from calls import os_error, watched
from targets import NEW, OLD, held_by

import untorn
from untorn import storage
from untorn.errors import LimitError, LockTimeoutError, ReadError, WriteError
from untorn.records import Snapshot
from untorn.storage import syscalls

if TYPE_CHECKING:
    from collections.abc import Callable


def test_more_than_the_limit_is_not_read(quick_path: Path) -> None:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)
    assert storage.read(path, limit=len(OLD)).data == OLD
    with pytest.raises(LimitError, match="larger than 3 bytes"):
        storage.read(path, limit=3)


def test_a_read_of_one_byte_at_a_time_is_complete(quick_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)
    monkeypatch.setattr(storage.REAL, "pread", lambda fd, _count, offset: os.pread(fd, 1, offset))
    assert storage.read(path).data == OLD


_WITHOUT_STREAMS = """
import os, sys
import untorn
from untorn import storage

def noisy(fd, fsync=storage.REAL.fsync):
    for stream in range(3):
        try:
            os.write(stream, b"noise")
        except OSError:
            pass
    fsync(fd)

path, how = sys.argv[1:]
storage.REAL.fsync = noisy
for stream in range(3):
    os.close(stream)
untorn.write_bytes(path, b"new content", **({"in_place": how} if how else {}))
os._exit(0 if open(path, "rb").read() == b"new content" else 1)
"""


@pytest.mark.parametrize("in_place", [False, True])
def test_what_is_said_on_a_closed_standard_error_goes_into_no_file(
    quick_path: Path, *, in_place: bool
) -> None:
    path, journals = quick_path / "app.conf", quick_path / "journals"
    path.write_bytes(OLD)
    journals.mkdir(mode=0o700)
    command = [sys.executable, "-c", _WITHOUT_STREAMS, str(path), str(journals) if in_place else ""]
    assert subprocess.run(command, check=False).returncode == 0
    assert path.read_bytes() == b"new content"


def test_no_file_is_opened_as_a_standard_stream(quick_path: Path) -> None:
    kept = os.dup(0)
    os.close(0)
    try:
        fd = storage.REAL.open(quick_path, os.O_RDONLY)
        assert fd > 2
        assert not os.get_inheritable(fd)
        with pytest.raises(OSError, match="Bad file descriptor"):
            os.fstat(0)
        os.close(fd)
    finally:
        os.dup2(kept, 0)
        os.close(kept)


@pytest.mark.parametrize("name", ["/", "/proc/self/comm", "/dev"])
def test_prepare_refuses_what_is_no_file_by_itself(name: str) -> None:
    with pytest.raises(WriteError), storage.prepare(Snapshot(Path(name), None), NEW):
        pytest.fail("prepared")


def pickled(error: OSError) -> OSError:
    return pickle.loads(pickle.dumps(error))


@pytest.mark.parametrize("again", [copy.copy, pickled])
def test_an_error_of_the_system_keeps_its_number_in_another_process(
    quick_path: Path, again: Callable[[OSError], OSError]
) -> None:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)
    (quick_path / "other").hardlink_to(path)
    with pytest.raises(WriteError) as refused:
        untorn.write_bytes(path, NEW, hard_links="refuse")
    with pytest.raises(ReadError) as unread:
        untorn.write_bytes(path / "deeper", NEW)
    for caught, number, name in ((refused, errno.EMLINK, path), (unread, errno.ENOTDIR, path / "deeper")):
        for error in (caught.value, again(caught.value)):
            assert (error.errno, error.filename) == (number, str(name))
            assert str(error) == str(caught.value)


def test_a_link_of_the_kernels_is_not_followed() -> None:
    assert storage.resolve("/proc/self/fd/1") == Path("/proc/self/fd/1")


def test_directories_made_for_a_save_that_failed_stay_if_others_use_them(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = quick_path / "a" / "b" / "app.conf"

    def fail(_fd: int) -> None:
        (path.parent.parent / "others").write_bytes(OLD)
        raise os_error(errno.EIO)

    monkeypatch.setattr(storage.REAL, "fsync", fail)
    with pytest.raises(WriteError):
        untorn.write_bytes(path, NEW)
    assert [each.name for each in (quick_path / "a").iterdir()] == ["others"]


def test_a_temp_that_a_sweep_removed_before_it_was_locked_is_made_again(quick_path: Path) -> None:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)
    removed: list[Path] = []

    def sweep(_nth: int, name: str) -> None:
        if name == "flock" and not removed:
            removed.extend(each for each in quick_path.iterdir() if each.suffix == ".tmp")
            removed[0].unlink()

    with watched(before=sweep):
        untorn.write_bytes(path, NEW)
    assert path.read_bytes() == NEW
    assert removed


@pytest.mark.parametrize("lacking", ["library", "kernel"])
def test_where_no_rename_asks_first_a_plain_one_does(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch, lacking: str
) -> None:
    def not_there(*_arguments: object) -> int:
        ctypes.set_errno(errno.ENOSYS)
        return -1

    library = SimpleNamespace() if lacking == "library" else SimpleNamespace(renameat2=not_there)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: library)
    untorn.write_bytes(quick_path / "new.conf", NEW)
    assert held_by(quick_path / "new.conf") == NEW


def test_a_rename_that_asks_first_says_what_the_kernel_says(quick_path: Path) -> None:
    fd = os.open(quick_path, os.O_RDONLY)
    with pytest.raises(FileNotFoundError):
        storage.REAL.rename_new("missing", "new", src_dir_fd=fd, dst_dir_fd=fd)
    os.close(fd)


def test_a_system_without_attributes_has_none() -> None:
    assert syscalls._no_attributes(0) == []
    with pytest.raises(OSError, match=os.strerror(errno.ENOTSUP)):
        syscalls._no_attribute(0, "user.colour")


def test_a_system_that_cannot_set_space_aside_is_not_asked_to(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace())
    with pytest.raises(OSError, match=os.strerror(errno.ENOSYS)):
        storage.REAL.reserve(0, 1)
    large = NEW * (1 << 16)
    path = quick_path / "app.conf"
    path.write_bytes(OLD)
    untorn.write_bytes(path, large)
    assert held_by(path) == large


def test_a_working_directory_that_is_gone_is_said(quick_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (quick_path / "gone").mkdir()
    monkeypatch.chdir(quick_path / "gone")
    (quick_path / "gone").rmdir()
    with pytest.raises(ReadError, match=r"app\.conf: cannot be read: No such file or directory"):
        untorn.write_bytes("app.conf", NEW)


def test_a_slash_behind_what_is_no_directory_is_said(quick_path: Path) -> None:
    (quick_path / "app.conf").write_bytes(OLD)
    for name in ("app.conf", "missing"):
        with pytest.raises(ReadError, match="Not a directory"):
            untorn.write_bytes(f"{quick_path}/{name}/", NEW)


def prepared_beside(path: Path, happens: Callable[[], object]) -> pytest.ExceptionInfo[WriteError]:
    """Prepare a save of a file that does not exist when it is read; then something happens."""
    snapshot = Snapshot(path, None)
    happens()
    with pytest.raises(WriteError) as raised, storage.prepare(snapshot, NEW, storage.WriteOptions()):
        pass
    return raised


def test_a_fifo_that_appears_where_no_file_was_is_not_replaced(quick_path: Path) -> None:
    path = quick_path / "app.conf"
    raised = prepared_beside(path, lambda: os.mkfifo(path))
    assert "only regular files are replaced" in str(raised.value)
    assert path.is_fifo()


def test_a_file_that_is_read_only_for_others_than_its_owner_stays(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)
    path.chmod(0o444)
    monkeypatch.setattr(storage.REAL, "access", lambda *_, **__: False)
    with pytest.raises(WriteError, match="it is read-only"):
        untorn.write_bytes(path, NEW)
    assert (held_by(path), [each.name for each in quick_path.iterdir()]) == (OLD, [path.name])


def test_no_parent_can_be_made_where_there_is_no_root(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def mkdir(*_: object, **__: object) -> None:
        raise os_error(errno.ENOENT)

    monkeypatch.setattr(storage.REAL, "mkdir", mkdir)
    with pytest.raises(WriteError, match="No such file or directory"):
        untorn.write_bytes(quick_path / "a" / "b" / "app.conf", NEW)


def test_a_temp_that_was_made_is_removed_whatever_its_write_says(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def write(*_: object) -> int:
        raise os_error(errno.ENOENT)  # what no write(2) says; but neither is it a directory that vanished

    monkeypatch.setattr(storage.REAL, "write", write)
    with pytest.raises(WriteError, match="No such file or directory"):
        untorn.write_bytes(quick_path / "app.conf", NEW)
    assert [*quick_path.iterdir()] == []


def test_a_rename_that_failed_on_a_file_that_vanished_is_an_error(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)

    def rename(*_: object, **__: object) -> None:
        path.unlink()
        raise os_error(errno.EIO)

    monkeypatch.setattr(storage.REAL, "rename", rename)
    with pytest.raises(WriteError, match="replacing the file failed"):
        untorn.write_bytes(path, NEW)
    assert [*quick_path.iterdir()] == []


def test_a_rename_that_failed_on_a_file_that_vanished_is_an_error_also_by_its_path(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)

    def stale(*arguments: Any, **keywords: Any) -> os.stat_result:
        if keywords.get("dir_fd") is not None and not path.exists():
            raise os_error(errno.ESTALE)
        return os.stat(*arguments, **keywords)

    def rename(*_: object, **__: object) -> None:
        path.unlink()
        raise os_error(errno.ESTALE)

    monkeypatch.setattr(storage.REAL, "stat", stale)
    monkeypatch.setattr(storage.REAL, "rename", rename)
    with pytest.raises(WriteError, match="replacing the file failed"):
        untorn.write_bytes(path, NEW)
    assert [*quick_path.iterdir()] == []


def test_who_waits_for_a_file_that_is_not_there_waits_for_its_directory(quick_path: Path) -> None:
    fd = os.open(quick_path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        with pytest.raises(LockTimeoutError), storage.lock(quick_path / "app.conf", timeout=0.01):
            pass
    finally:
        os.close(fd)
