"""The entries of Windows' table, one by one, and what Win32 makes of odd answers (WRITER W6, W17)."""

from __future__ import annotations

import ctypes
import errno
import os
import stat
import sys
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if sys.platform != "linux":  # pragma: no cover
    pytest.skip("the simulation needs the calls of Linux", allow_module_level=True)

from targets import NEW, NEXT, OLD
from win32_simulation import windows

import untorn
from untorn.cli import main
from untorn.records import revision_of
from untorn.storage import REAL, flags, win32
from untorn.storage.metadata import NATIVE_ACL
from untorn.storage.names import temp_name
from untorn.storage.win32 import Basic, FileInformation, Refused, Standard, Tag, Win32, renaming
from untorn.storage.windows import ATTRIBUTES

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from win32_simulation import Windows


@pytest.fixture
def library(tmp_path: Path) -> Iterator[Windows]:
    with windows(tmp_path) as library:
        yield library


@pytest.fixture
def file(quick_path: Path) -> Path:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)
    path.chmod(0o640)
    return path


@contextmanager
def opened(path: Path, how: int) -> Iterator[int]:
    fd = REAL.open(path, how)
    try:
        yield fd
    finally:
        REAL.close(fd)


# ── Descriptors ─────────────────────────────────────────────────────────────


def test_reading_and_writing_go_on_where_they_ended(file: Path, library: Windows) -> None:
    with opened(file, os.O_RDWR) as fd:
        assert REAL.write(fd, b"new") == 3
        assert REAL.write(fd, b"er ") == 3
        assert REAL.pwrite(fd, b"!", 6) == 1
        REAL.ftruncate(fd, 7)
        REAL.fsync(fd)
    with opened(file, os.O_RDONLY) as fd:
        assert [REAL.read(fd, 4), REAL.read(fd, 4), REAL.read(fd, 4)] == [b"newe", b"r !", b""]


def test_a_file_that_is_open_for_reading_is_flushed_all_the_same(file: Path, library: Windows) -> None:
    with opened(file, os.O_RDONLY) as fd:
        REAL.fsync(fd)
        assert library.made.count("FlushFileBuffers") == 1


def test_a_directory_is_neither_flushed_nor_locked(file: Path, library: Windows) -> None:
    with opened(file.parent, flags.O_DIRECTORY) as fd:
        REAL.fsync(fd)
        REAL.flock(fd, flags.LOCK_EX | flags.LOCK_NB)
        assert stat.S_ISDIR(REAL.fstat(fd).st_mode)
    assert not {"FlushFileBuffers", "LockFileEx"} & set(library.made)


def test_a_lock_that_is_shared_keeps_out_only_who_wants_it_alone(file: Path, library: Windows) -> None:
    with opened(file, os.O_RDONLY) as one, opened(file, os.O_RDONLY) as other:
        REAL.flock(one, flags.LOCK_SH | flags.LOCK_NB)
        REAL.flock(other, flags.LOCK_SH | flags.LOCK_NB)
        REAL.flock(one, flags.LOCK_UN)
        with pytest.raises(BlockingIOError):
            REAL.flock(one, flags.LOCK_EX | flags.LOCK_NB)
        with pytest.raises(OSError, match="Input/output error"):
            REAL.flock(one, flags.LOCK_UN)  # it has none any more


@pytest.mark.parametrize("entry", ["fstat", "birth", "fsync", "close"])
def test_a_number_that_nobody_was_given_is_no_descriptor(library: Windows, entry: str) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011  its number is looked at
        getattr(REAL, entry)(4711)
    assert caught.value.errno == errno.EBADF


def test_what_was_renamed_is_closed_for_its_new_name_is_others(quick_path: Path, library: Windows) -> None:
    with opened(quick_path, flags.O_DIRECTORY) as directory:
        fd = REAL.open("temp", os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600, dir_fd=directory)
        REAL.rename("temp", "target", src_dir_fd=directory, dst_dir_fd=directory)
        with pytest.raises(OSError) as caught:  # noqa: PT011  its number is looked at
            REAL.fstat(fd)
        assert caught.value.errno == errno.EBADF
        REAL.close(fd)
    assert (quick_path / "target").exists()


def test_a_file_knows_when_it_was_made_and_changed(file: Path, library: Windows) -> None:
    with opened(file, os.O_RDONLY) as fd:
        status, birth = REAL.fstat(fd), REAL.birth(fd)
    real = file.stat()
    assert birth == real.st_ctime_ns // 100 * 100
    assert status.st_mtime_ns == real.st_mtime_ns // 100 * 100
    assert (status.st_ino, status.st_dev, status.st_size) == (real.st_ino, real.st_dev, len(OLD))


def test_a_link_is_not_opened_where_none_may_be_followed(file: Path, library: Windows) -> None:
    link = file.with_name("link")
    link.symlink_to(file.name)
    with pytest.raises(OSError) as caught:  # noqa: PT011  its number is looked at
        REAL.open(link, os.O_RDONLY | flags.O_NOFOLLOW)
    assert caught.value.errno == errno.ELOOP
    assert REAL.readlink(link) == file.name


def test_a_file_is_no_directory(file: Path, library: Windows) -> None:
    with pytest.raises(NotADirectoryError):
        REAL.open(file, flags.O_DIRECTORY)


def test_an_attribute_that_windows_does_not_have_is_not_supported(file: Path, library: Windows) -> None:
    with opened(file, os.O_RDWR) as fd:
        with pytest.raises(OSError, match="not supported"):
            REAL.getxattr(fd, "user.colour")
        with pytest.raises(OSError, match="not supported"):
            REAL.setxattr(fd, "user.colour", b"blue")
        REAL.setxattr(fd, ATTRIBUTES, win32.HIDDEN.to_bytes(4, "little"))
        assert REAL.listxattr(fd) == [ATTRIBUTES, NATIVE_ACL]


def test_a_list_that_is_there_already_is_not_set_again(file: Path, library: Windows) -> None:
    with opened(file, os.O_RDWR) as fd:
        REAL.setxattr(fd, NATIVE_ACL, REAL.getxattr(fd, NATIVE_ACL))
    assert "SetFileSecurityW" not in library.made


def test_a_file_that_somebody_holds_counts_as_writable(file: Path, library: Windows) -> None:
    library.hold(file, 1, share=0)
    assert REAL.access(file, os.W_OK)
    library.attributes[file.stat().st_dev, file.stat().st_ino] = win32.READ_ONLY
    assert not REAL.access(file, os.W_OK)


def test_nobodys_umask_takes_anything_away(library: Windows) -> None:
    assert REAL.umask(0, "probe") == 0


# ── The calls underneath ────────────────────────────────────────────────────


@pytest.fixture
def system(library: Windows) -> Win32:
    return Win32(library, library, library.last_error)


def test_structures_have_the_sizes_of_the_headers() -> None:
    sizes = [ctypes.sizeof(each) for each in (FileInformation, Basic, Standard, Tag)]
    assert sizes == [52, 40, 24, 8]
    made = renaming(3, "C:\\a\udc80")
    assert [type(made).flags.offset, type(made).root.offset] == [0, 8]  # type: ignore[attr-defined]
    assert [type(made).size.offset, type(made).name.offset] == [16, 20]  # type: ignore[attr-defined]
    assert bytes(made.name) == "C:\\a\udc80\0".encode("utf-16-le", "surrogatepass")  # type: ignore[attr-defined]


def test_a_name_may_be_longer_than_the_first_buffer(quick_path: Path, library: Windows) -> None:
    deep = quick_path.joinpath(*["d" * 200] * 6)
    deep.mkdir(parents=True)
    assert REAL.canonical(deep) == "\\\\?\\" + str(deep).replace("/", "\\")
    assert untorn.write_bytes(deep / "app.conf", NEW).changed


def test_a_list_may_be_longer_than_the_first_buffer(file: Path, library: Windows) -> None:
    assert len(REAL.getxattr(file, NATIVE_ACL)) > 512
    assert library.made.count("GetFileSecurityW") == 2


def test_the_end_of_a_file_is_no_error_and_a_lock_is(file: Path, library: Windows, system: Win32) -> None:
    handle = system.create(_long(file), win32.GENERIC_READ, 7, win32.OPEN_EXISTING, 0)
    assert system.read(handle, 10, len(OLD)) == b""
    library.lock_bytes(file, 1)
    with pytest.raises(Refused) as caught:
        system.read(handle, 10, 0)
    assert caught.value.code == 33
    system.close(handle)


def test_what_has_no_handle_was_refused(file: Path, library: Windows, system: Win32) -> None:
    with pytest.raises(Refused) as caught:
        system.create(_long(file.with_name("gone")), win32.GENERIC_READ, 7, win32.OPEN_EXISTING, 0)
    assert caught.value.code == 2
    with pytest.raises(Refused):
        system.attributes(_long(file.with_name("gone")))


def test_who_owns_a_new_file_is_said_once_in_a_process(quick_path: Path, library: Windows) -> None:
    for number in range(3):
        untorn.write_bytes(quick_path / f"{number}.conf", NEW)
    asked = [each for each in library.made if each.startswith("Convert")]
    assert len(asked) == 1


def _long(path: Path) -> str:
    return "\\\\?\\" + str(path).replace("/", "\\")


# ── Commands ────────────────────────────────────────────────────────────────


def test_the_commands_run(file: Path, library: Windows, capsys: pytest.CaptureFixture[str]) -> None:
    path = file.with_name("app.json")
    path.write_text('{"a": 1}\n')
    assert main(["set", str(path), "a", "2"]) == 0
    assert main(["get", str(path), "a"]) == 0
    assert main(["doctor", str(path)]) == 0
    shown = capsys.readouterr()
    assert shown.out.startswith("2\n")
    assert "yes     a save is possible" in shown.out
    assert shown.err == ""


def test_recover_shows_and_keeps_what_a_crash_left(
    file: Path, library: Windows, capsys: pytest.CaptureFixture[str]
) -> None:
    kept = file.with_name("kept")
    kept.mkdir()
    for data in (NEW, NEXT):
        orphan = file.with_name(temp_name(file.name, revision_of(data)))
        orphan.write_bytes(data)
        os.utime(orphan, (0, 0))
    assert main(["recover", str(file)]) == 0
    assert "+new" in capsys.readouterr().out
    assert main(["recover", str(file), "--quarantine", str(kept)]) == 0
    assert sorted(each.read_bytes() for each in kept.iterdir()) == sorted([NEW, NEXT])
    assert file.read_bytes() == OLD


def test_a_load_that_asks_for_journals_finds_none(file: Path, library: Windows, tmp_path: Path) -> None:
    file.write_text("a = 1\n")
    assert untorn.load(file, format="toml", in_place=tmp_path) == {"a": 1}
