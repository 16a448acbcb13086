"""Names that lead to no regular file."""

from __future__ import annotations

import errno
import os
import pty
import socket
import stat
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

import untorn
from evidence.hostile.ground import NEW, OLD, Ground, place, refusal_of
from evidence.targets import Unsupported

if TYPE_CHECKING:
    from collections.abc import Callable

_NO_FILE = (errno.EISDIR, errno.EINVAL, errno.ENXIO, errno.EACCES, errno.EPERM, errno.ENOTDIR, errno.ELOOP)


def _each_way_is_refused(ground: Ground, make: Callable[[Path], object]) -> None:
    """By its name and through a link; as bytes and as a document; also by force."""
    path, link = ground.root / "thing", ground.root / "link.toml"
    make(path)
    link.symlink_to("thing")
    for name in (path, link):
        for force in (False, True):
            ground.refused(name, _NO_FILE, force=force)
    before = ground.tree()
    for way in (_edited, _updated, lambda name: untorn.save(name, {"n": 1}, base=None), untorn.load):
        ground.count()
        assert refusal_of(partial(way, link)) is not None, f"{way} was not refused"
    assert ground.tree() == before


def _edited(name: Path) -> None:
    with untorn.edit(name, create=True, timeout=0) as doc:
        doc.set("n", 1)


def _updated(name: Path) -> None:
    untorn.update(name, lambda doc: doc.set("n", 1), create=True, timeout=0)


@place
def a_fifo_is_refused_and_nobody_waits_for_its_other_end(ground: Ground) -> None:
    _each_way_is_refused(ground, os.mkfifo)


@place
def a_socket_is_refused(ground: Ground) -> None:
    def listen(path: Path) -> None:
        with socket.socket(socket.AF_UNIX) as listening:
            os.chdir(path.parent)  # its path may be too long for an address
            listening.bind(path.name)

    _each_way_is_refused(ground, listen)


@place
def a_directory_is_refused(ground: Ground) -> None:
    _each_way_is_refused(ground, Path.mkdir)


@place
def a_character_device_is_refused(ground: Ground) -> None:
    _each_way_is_refused(ground, lambda path: _node(path, stat.S_IFCHR, 1, 3))


@place
def a_block_device_is_refused(ground: Ground) -> None:
    # A number that no driver has: should it be opened all the same, nothing is harmed.
    _each_way_is_refused(ground, lambda path: _node(path, stat.S_IFBLK, 253, 253))


def _node(path: Path, kind: int, major: int, minor: int) -> None:
    try:
        os.mknod(path, 0o666 | kind, os.makedev(major, minor))
    except PermissionError as error:
        raise Unsupported("only root can make a device") from error


@place
def names_of_the_kernels_are_refused(ground: Ground) -> None:
    names = [
        "/dev/null", "/dev/full", "/dev/zero", "/dev/tty", "/dev/ptmx", "/proc/self/comm", "/proc/self/mem",
        "/proc/version", "/proc/self/cwd", "/proc/new", "/proc/self/fd/0", "/sys/kernel/profiling",
        "/sys/new.conf", "/proc", "/sys", "/dev", "/proc/self/cwd/new.conf", "/dev/fd/0",
    ]  # fmt: skip
    ground.file()
    os.chdir(ground.root)
    for name in names:
        for data in (NEW, b""):
            error = ground.refused_anyhow(Path(name), data, force=True)
            assert error.errno, error
    assert {each.name for each in ground.root.iterdir()} == {"app.conf"}


_TO_STDOUT = """
import sys, untorn
try:
    untorn.write_bytes(sys.argv[1], b"new", timeout=0)
except (untorn.SaveError, untorn.LoadError) as error:
    sys.stderr.write(f"{type(error).__name__}: {error.hint}")
"""


@place
def the_standard_output_is_refused_whatever_it_is(ground: Ground) -> None:
    file = ground.file()
    reading, writing = os.pipe()
    left, right = socket.socketpair()
    main, terminal = pty.openpty()
    with file.open("r+b") as stream, left, right:
        for output in (stream.fileno(), writing, right.fileno(), terminal):
            for name in ("/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/thread-self/fd/1"):
                done = subprocess.run(
                    [sys.executable, "-c", _TO_STDOUT, name],
                    check=False,
                    stdout=output,
                    stderr=subprocess.PIPE,
                    text=True,
                    env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
                )
                ground.count()
                assert done.stderr.startswith(("ReadError: ", "WriteError: ")), (name, done.stderr)
                assert done.returncode == 0
    for fd in (reading, writing, main, terminal):
        os.close(fd)
    assert file.read_bytes() == OLD


@place
def names_that_are_no_files_are_refused(ground: Ground) -> None:
    ground.file()
    root = str(ground.root)
    for name in ("/", "//", root, f"{root}/", f"{root}/.", f"{root}/..", f"{root}/app.conf/"):
        ground.refused(name, (errno.EISDIR, errno.ENOTDIR, errno.EBUSY))
    ground.refused(f"{root}/app.conf/new.conf", errno.ENOTDIR, "not a directory")
    ground.refused(f"{root}/new.conf/", (errno.EISDIR, errno.ENOTDIR))
    ground.refused_anyhow(Path(f"{root}/a\0b"), NEW)
    os.chdir(root)
    ground.refused("", (errno.EISDIR, errno.ENOENT))
    ground.refused(".", errno.EISDIR)
