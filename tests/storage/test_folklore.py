"""What is often said of atomic writes and is not so; the page on the writer quotes it."""

from __future__ import annotations

import os
import stat
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest
from calls import watched
from targets import NEW, OLD

import untorn
from untorn import storage
from untorn.records import revision_of
from untorn.storage.names import temp_name

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(quick_path: Path) -> Path:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)
    return path


def test_a_newer_and_complete_temp_does_not_win(file: Path) -> None:
    orphan = file.with_name(temp_name(file.name, revision_of(NEW)))
    orphan.write_bytes(NEW)
    os.utime(orphan, ns=(2**62, 2**62))
    assert storage.read(file).data == OLD
    assert untorn.write_bytes(file, b"else").changed
    assert [each.name for each in file.parent.iterdir()] == ["app.conf"]


def test_a_link_cannot_replace_a_name(file: Path) -> None:
    """linkat(2): EEXIST. So a file without a name (O_TMPFILE) cannot take the place of one that has it."""
    other = file.with_name("other")
    other.write_bytes(NEW)
    with pytest.raises(FileExistsError):
        os.link(other, file)
    with watched() as watch:
        untorn.write_bytes(file, NEW)
    flags = [
        arguments[1] for name, arguments in zip(watch.made, watch.arguments, strict=True) if name == "open"
    ]
    assert not any(each & os.O_TMPFILE == os.O_TMPFILE for each in flags)


def test_the_temp_is_beside_its_target(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """From another directory, the rename may fail with EXDEV (rename(2))."""
    monkeypatch.setenv("TMPDIR", "/nowhere")
    directory = (file.parent.stat().st_dev, file.parent.stat().st_ino)
    seen = []
    rename = storage.REAL.rename

    def look(source: str, target: str, *, src_dir_fd: int, dst_dir_fd: int) -> None:
        for fd, name in ((src_dir_fd, source), (dst_dir_fd, target)):
            assert os.sep not in name
            status = os.fstat(fd)
            seen.append((status.st_dev, status.st_ino))
        rename(source, target, src_dir_fd=src_dir_fd, dst_dir_fd=dst_dir_fd)

    monkeypatch.setattr(storage.REAL, "rename", look)
    untorn.write_bytes(file, NEW)
    assert seen == [directory, directory]


BIND = """
import errno, os, subprocess, sys
from pathlib import Path
import untorn
source, target, mode = sys.argv[1:]
Path(target).touch()
if mode == "late":
    untorn.write_bytes(target, b"before it was mounted")
subprocess.run(["mount", "--bind", source, target], check=True)
assert not os.path.ismount(target)
assert os.stat(target).st_dev == os.stat(Path(target).parent).st_dev
before = sorted(os.listdir(Path(target).parent))
try:
    untorn.write_bytes(target, b"new")
except untorn.WriteError as error:
    print(error.errno == errno.EBUSY, "mount its directory instead" in str(error), error.left_behind)
assert sorted(os.listdir(Path(target).parent)) == before
"""


@pytest.mark.parametrize("mode", ["early", "late"])
def test_a_mounted_file_is_refused_though_neither_ismount_nor_the_device_tells(file: Path, mode: str) -> None:
    """``late``: after this process has looked at the directory, it is the rename that says EBUSY."""
    target = file.with_name("mounted.conf")
    done = subprocess.run(
        ["unshare", "--mount", sys.executable, "-c", BIND, file, target, mode],
        check=False,
        capture_output=True,
        text=True,
    )
    if "unshare" in done.stderr or "mount:" in done.stderr:
        pytest.skip(f"mounts are not allowed here: {done.stderr.strip()}")
    assert (done.returncode, done.stdout) == (0, "True True None\n"), done.stderr
    assert file.read_bytes() == OLD


def test_a_lock_on_the_target_is_lost_with_its_inode(file: Path) -> None:
    """Who waits for the lock of a file that is replaced gets the lock of a file without a name."""
    with storage.reading(file) as before:
        untorn.write_bytes(file, NEW)
        with (
            storage.lock(file, file=before) as held,
            storage.prepare(before.snapshot, b"else", file=before) as it,
        ):
            assert os.fstat(held.fd).st_nlink == 0
            assert not it.compare(held)
    assert file.read_bytes() == NEW


def test_nothing_is_deleted_before_it_is_replaced(file: Path) -> None:
    with watched(before=lambda _nth, _name: file.stat(), after=lambda _nth, _name: file.stat()) as watch:
        untorn.write_bytes(file, NEW)
    assert "unlink" not in watch.made[: watch.made.index("exchange")]
    assert stat.S_ISREG(file.stat().st_mode)
