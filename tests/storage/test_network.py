"""Network file systems, as far as one machine can play them: what their system calls answer (WRITER W22)."""

from __future__ import annotations

import errno
import fcntl
import os
import threading
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from calls import os_error
from processes import exit_code, forked
from targets import NEW, OLD, litter

import untorn
from untorn import storage
from untorn.errors import UnknownOutcomeError, WriteError
from untorn.storage import exchange, places
from untorn.storage.mounts import Mount

if TYPE_CHECKING:
    from collections.abc import Callable


@pytest.fixture
def file(quick_path: Path) -> Path:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)
    return path


@pytest.fixture(autouse=True)
def no_exchange(quick_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Names are exchanged over no network."""
    monkeypatch.setattr(exchange, "without", {quick_path.stat().st_dev})


@pytest.fixture
def nfs(monkeypatch: pytest.MonkeyPatch) -> None:
    """Locks as over NFS: an exclusive one needs a descriptor that may write (flock(2))."""

    def flock(fd: int, operation: int) -> None:
        if fcntl.fcntl(fd, fcntl.F_GETFL) & os.O_ACCMODE == os.O_RDONLY:
            raise os_error(errno.EBADF)
        fcntl.flock(fd, operation)

    monkeypatch.setattr(storage.REAL, "flock", flock)


def mounted(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    table = [Mount(Path("/"), "/", kind, "server:/export", read_only=False)]
    monkeypatch.setattr(places, "mounts", lambda **_keywords: table)


@pytest.mark.parametrize("kind", ["nfs4", "cifs", "smb3", "fuse.sshfs", "9p"])
def test_a_network_is_said_once(file: Path, monkeypatch: pytest.MonkeyPatch, kind: str) -> None:
    mounted(kind, monkeypatch)
    [warning] = untorn.write_bytes(file, NEW).warnings
    assert kind in warning
    assert "on this machine only" in warning
    assert untorn.write_bytes(file, OLD).warnings == ()


def test_a_disk_is_no_network(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    mounted("ext4", monkeypatch)
    assert untorn.write_bytes(file, NEW).warnings == ()


@pytest.mark.usefixtures("nfs")
def test_locks_that_need_a_descriptor_that_may_write_get_one(file: Path) -> None:
    for _ in range(2):
        untorn.write_bytes(file, NEW)
        untorn.write_bytes(file, OLD)
        assert litter(file.parent) == set()
    new = file.with_name("new.json")
    untorn.save(new, {"n": 0})

    def count() -> None:
        for _ in range(20):
            with untorn.edit(new) as doc:
                doc["n"] += 1

    threads = [threading.Thread(target=count) for _ in range(3)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert untorn.load(new) == {"n": 60}


@pytest.mark.usefixtures("nfs")
def test_two_who_create_one_file_without_a_lock_both_stay(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = file.with_name("new.json")
    rename = storage.REAL.rename_new
    children: list[int] = []

    def second_one_first(*names: str, **directories: int) -> None:
        if not children:
            monkeypatch.setattr(storage.REAL, "rename_new", rename)
            children.append(
                forked(lambda: untorn.update(path, lambda doc: doc.set("theirs", 1), create=True))
            )
            assert exit_code(children[0]) == 0
        rename(*names, **directories)

    monkeypatch.setattr(storage.REAL, "rename_new", second_one_first)
    untorn.update(path, lambda doc: doc.set("ours", 2), create=True)
    assert untorn.load(path) == {"theirs": 1, "ours": 2}


RESOLVED = [errno.ESTALE, errno.EIO, errno.ENOENT, errno.ETIMEDOUT]


@pytest.mark.parametrize("code", RESOLVED)
def test_a_rename_that_happened_though_it_reported_an_error_is_a_save(
    file: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    real = storage.REAL.rename

    def rename(*names: str, **directories: int) -> None:
        real(*names, **directories)
        raise os_error(code)

    monkeypatch.setattr(storage.REAL, "rename", rename)
    receipt = untorn.write_bytes(file, NEW)
    assert (receipt.changed, receipt.durable) == (True, True)
    assert file.read_bytes() == NEW
    assert litter(file.parent) == set()


@pytest.mark.parametrize("code", RESOLVED)
def test_a_rename_that_did_not_happen_is_an_error(
    file: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    def rename(*_names: str, **_directories: int) -> None:
        raise os_error(code)

    monkeypatch.setattr(storage.REAL, "rename", rename)
    with pytest.raises(WriteError) as caught:
        untorn.write_bytes(file, NEW)
    assert caught.value.errno == code
    assert file.read_bytes() == OLD
    assert litter(file.parent) == set()


def looking_fails(monkeypatch: pytest.MonkeyPatch, fails: Callable[[bool], bool], *, happens: bool) -> None:
    """Let the rename report ESTALE, and from then on each look that ``fails`` by descriptor or by path."""
    look_up, move = storage.REAL.stat, storage.REAL.rename
    renamed: list[bool] = []

    def rename(*names: str, **directories: int) -> None:
        renamed.append(True)
        if happens:
            move(*names, **directories)
        raise os_error(errno.ESTALE)

    def look(path: str, *, dir_fd: int | None = None, follow_symlinks: bool = True) -> os.stat_result:
        if renamed and fails(dir_fd is not None):
            raise os_error(errno.ESTALE)
        return look_up(path, dir_fd=dir_fd, follow_symlinks=follow_symlinks)

    monkeypatch.setattr(storage.REAL, "rename", rename)
    monkeypatch.setattr(storage.REAL, "stat", look)


@pytest.mark.parametrize("happens", [True, False], ids=["renamed", "not-renamed"])
def test_where_the_held_directory_is_stale_the_path_tells(
    file: Path, monkeypatch: pytest.MonkeyPatch, happens: bool
) -> None:
    looking_fails(monkeypatch, lambda by_descriptor: by_descriptor, happens=happens)
    if happens:
        assert untorn.write_bytes(file, NEW).changed
    else:
        with pytest.raises(WriteError):
            untorn.write_bytes(file, NEW)
    assert file.read_bytes() == (NEW if happens else OLD)


@pytest.mark.parametrize("happens", [True, False], ids=["renamed", "not-renamed"])
def test_where_nothing_tells_the_outcome_is_unknown(
    file: Path, monkeypatch: pytest.MonkeyPatch, happens: bool
) -> None:
    looking_fails(monkeypatch, lambda _by_descriptor: True, happens=happens)
    with pytest.raises(UnknownOutcomeError) as caught:
        untorn.write_bytes(file, NEW)
    assert caught.value.receipt.path == file
    assert file.read_bytes() == (NEW if happens else OLD)
    monkeypatch.undo()
    untorn.write_bytes(file, b"next")
    assert litter(file.parent) == set()
