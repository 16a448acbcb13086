"""The same from outside: what the kernel sees of a save, and kills and errors that come from there.

The table of system calls is what the tests of faults disturb. That nothing
passes it by, only somebody else can tell.
"""

from __future__ import annotations

import ctypes
import re
import shutil
import signal
import socket
import subprocess
import sys
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from calls import watched
from processes import exit_code, forked
from targets import KINDS, NEW, NEXT, forgetful, held_by, litter, target_of

import untorn

if TYPE_CHECKING:
    from collections.abc import Iterator

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

BEGIN, END = "/untorn-begins", "/untorn-ends"

# They touch no file. getcwd: a relative path may be given.
HARMLESS = frozenset({
    "brk", "clock_gettime", "exit_group", "futex", "getcwd", "geteuid", "getpid", "getrandom", "gettid",
    "ioctl",  # Python asks of what it opens to read whether it is a terminal
    "madvise", "mmap", "mprotect", "mremap", "munmap", "recvfrom", "restart_syscall", "rt_sigaction",
    "rt_sigprocmask", "rt_sigreturn", "sched_yield", "sendto",
})  # fmt: skip

# What the table calls the kernel's names; some depend on the platform.
NAMES = {
    "openat": "open",
    "pread64": "pread",
    "faccessat": "access",
    "faccessat2": "access",
    "readlinkat": "readlink",
    "renameat": "rename",
    "mkdirat": "mkdir",
    "llistxattr": "listxattr",
    "flistxattr": "listxattr",
    "fgetxattr": "getxattr",
    "lgetxattr": "getxattr",
    "fsetxattr": "setxattr",
    "fremovexattr": "removexattr",
}

LINE = re.compile(r"(?:\d+ +)?(\w+)\((.*)")


def lines_of(transcript: str) -> list[tuple[str, str]]:
    """Return name and the rest of each call that touches files, from marker to marker."""
    _, _, rest = transcript.partition(BEGIN)
    inside, _, _ = rest.partition("\n")[2].partition(END)
    whole, _, _ = inside.rpartition("\n")
    found = [match.groups() for match in map(LINE.match, whole.splitlines()) if match]
    return [(name, rest) for name, rest in found if name not in HARMLESS]


def as_in_the_table(lines: list[tuple[str, str]]) -> Iterator[str]:
    """Return the table's names for what strace(1) shows; an unknown call stays what it is."""
    listing = ""
    for name, rest in lines:
        if listing:  # os.listdir makes a copy of the descriptor, and closes it
            if name == "close" and rest.startswith(f"{listing})"):
                listing = ""
            continue
        if name == "fcntl" and "F_DUPFD_CLOEXEC" in rest:
            listing = rest.rpartition(" ")[2]
            yield "listdir"
        elif name in ("newfstatat", "fstatat64"):
            yield "fstat" if "AT_EMPTY_PATH" in rest else "stat"
        elif name == "renameat2":
            yield "rename_new" if "RENAME_NOREPLACE" in rest else "rename"
        elif name == "unlinkat":
            yield "rmdir" if "AT_REMOVEDIR" in rest else "unlink"
        else:
            yield NAMES.get(name, name)


def calls_through_the_table(kind: str, directory: Path) -> list[str]:
    directory.mkdir()
    path = target_of(kind, directory)
    with forgetful(), watched() as watch:
        untorn.write_bytes(path, NEW)
    return watch.made


SAVE = f"""
import os, sys, untorn
from contextlib import suppress
def mark(name):
    with suppress(OSError):
        os.stat(name)
path, warm = sys.argv[1:]
untorn.write_bytes(warm, b"once, so that all is imported: a new file")
untorn.write_bytes(warm, b"and an existing one")
mark({BEGIN!r})
untorn.write_bytes(path, {NEW!r})
mark({END!r})
"""


@pytest.mark.parametrize("kind", KINDS)
def test_the_kernel_sees_the_calls_of_the_table_and_no_other(quick_path: Path, kind: str) -> None:
    through_the_table = calls_through_the_table(kind, quick_path / "table")
    (quick_path / "traced").mkdir()
    path = target_of(kind, quick_path / "traced")
    (quick_path / "warm").mkdir()
    transcript = quick_path / "transcript"
    done = subprocess.run(
        ["strace", "-f", "-o", transcript, sys.executable, "-c", SAVE, path, quick_path / "warm" / "file"],
        check=False,
        capture_output=True,
        text=True,
    )
    if "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    lines = lines_of(transcript.read_text())
    assert list(as_in_the_table(lines)) == through_the_table, lines


# ── Disturbed from outside ──────────────────────────────────────────────────

ANY_TRACER = 2**64 - 1  # PR_SET_PTRACER_ANY (prctl(2))
SET_PTRACER = 0x59616D61


@contextmanager
def saver(path: Path, *options: str | Path) -> Iterator[tuple[int, socket.socket]]:
    """Run a child that saves NEW to ``path`` while strace(1) with ``options`` is attached to it.

    Gives the child's id, and a socket through which it sends the name of the
    error that the save raised, if it did.
    """
    ours, theirs = socket.socketpair()

    def save() -> None:
        ours.close()
        ctypes.CDLL(None).prctl(SET_PTRACER, ctypes.c_ulong(ANY_TRACER), 0, 0, 0)
        theirs.send(b"?")  # strace shall not count what was called so far
        theirs.recv(1)
        mark(BEGIN)
        try:
            with forgetful():
                untorn.write_bytes(path, NEW, timeout=0)
        except untorn.UntornError as error:
            theirs.send(type(error).__name__.encode())
        mark(END)

    child = forked(save)
    theirs.close()
    assert ours.recv(1) == b"?"
    command = ["strace", *options, "-p", str(child)]
    with ours, subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        said = tracer.stderr.readline()
        ours.send(b"!")
        if "attached" not in said:
            exit_code(child)
            pytest.skip(f"strace may not attach here: {said.strip()}")
        yield child, ours


def mark(name: str) -> None:
    """Let a name that no file has appear in the transcript."""
    with suppress(FileNotFoundError):
        Path(name).stat()


def disturbed(path: Path, transcript: Path, *options: str) -> tuple[int, str]:
    """Save to ``path`` under strace with ``options``; return exit code, and the error's name."""
    with saver(path, "-o", transcript, *options) as (child, answer):
        code = exit_code(child)
        return code, answer.recv(100).decode()


def counted(transcript: str) -> list[tuple[str, int]]:
    """Return each call of the save as strace counts: its name, and the how manieth of that name it is."""
    counts: dict[str, int] = {}
    found = []
    inside = False
    for match in filter(None, map(LINE.match, transcript.splitlines())):
        name, rest = match.groups()
        counts[name] = counts.get(name, 0) + 1
        if inside and name not in HARMLESS:
            found.append((name, counts[name]))
        inside = (inside or BEGIN in rest) and END not in rest
    return found


def next_save_works(path: Path, directory: Path) -> None:
    with forgetful():
        assert untorn.write_bytes(path, NEXT, timeout=0).durable
    assert held_by(path) == NEXT
    assert litter(directory) == set()


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_at_any_call_that_the_kernel_sees_leaves_old_or_new(quick_path: Path, kind: str) -> None:
    """Killed at its entry a call is not made; the next one's entry, then the marker's, is its exit."""

    def fresh(name: str) -> tuple[Path, Path]:
        directory = quick_path / name
        directory.mkdir()
        return directory, target_of(kind, directory)

    transcript = quick_path / "transcript"
    _, path = fresh("count")
    assert disturbed(path, transcript) == (0, "")
    calls = counted(transcript.read_text())
    assert len(calls) > 25
    left = news = 0
    for name, nth in calls:
        directory, path = fresh(f"{name}-{nth}")
        before = held_by(path)
        code, _ = disturbed(path, transcript, "-e", f"inject={name}:signal=SIGKILL:when={nth}")
        assert code == -signal.SIGKILL, (name, nth)
        assert held_by(path) in (before, NEW), (name, nth)
        news += held_by(path) == NEW
        assert len(litter(directory)) <= 1
        left += len(litter(directory))
        next_save_works(path, directory)
    assert left > 5
    assert news > 2


ERRORS_FROM_OUTSIDE = [
    ("fsync:error=EIO:when=1", "WriteError"),
    ("fsync:error=EIO:when=2", "NotDurableError"),
    ("fsync:error=EINVAL:when=2", ""),
    ("fsync:error=ENOSPC", "WriteError"),
    ("write:error=ENOSPC", "WriteError"),
    ("write:error=EDQUOT", "WriteError"),
    ("write:retval=5:when=1", "WriteError"),  # it took nothing, and says that it took five bytes
    ("write:retval=0", "WriteError"),
    ("renameat:error=EXDEV", "WriteError"),
    ("renameat:error=EBUSY", "WriteError"),
    ("fchmod:error=EPERM", "WriteError"),
    ("pread64:error=EIO:when=1", "ReadError"),
    ("pread64:error=EIO:when=2", "WriteError"),
    ("flock:error=EAGAIN", "WriteError"),
    ("flock:error=EAGAIN:when=2+", "LockTimeoutError"),
    ("flock:error=ENOLCK:when=2", "WriteError"),
    ("getdents64:error=EIO", ""),
    ("close:error=EIO", ""),
]


@pytest.mark.parametrize(("injected", "raised"), ERRORS_FROM_OUTSIDE)
def test_an_error_from_the_kernel_leaves_what_it_says(quick_path: Path, injected: str, raised: str) -> None:
    (quick_path / "place").mkdir()
    path = target_of("existing", quick_path / "place")
    before = held_by(path)
    options = ["-e", f"inject={injected}"]
    code, name = disturbed(path, quick_path / "transcript", *options)
    assert (code, name) == (0, raised)
    assert "(INJECTED)" in (quick_path / "transcript").read_text()
    assert held_by(path) == (NEW if raised in ("", "NotDurableError") else before)
    assert litter(quick_path) == set()
    next_save_works(path, quick_path)


def test_a_temp_that_the_kernel_does_not_let_go_is_left_until_the_next_save(quick_path: Path) -> None:
    (quick_path / "place").mkdir()
    path = target_of("existing", quick_path / "place")
    before = held_by(path)
    options = ["-e", "inject=unlinkat,unlink:error=EROFS", "-e", "inject=renameat:error=EROFS"]
    assert disturbed(path, quick_path / "transcript", *options) == (0, "WriteError")
    assert held_by(path) == before
    assert len(litter(quick_path)) == 1
    next_save_works(path, quick_path)
