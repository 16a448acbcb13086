"""A save as the kernel sees it, and errors and kills that come from there (strace(1)).

The table of system calls is what the other faults disturb. That nothing passes
it by, only somebody else can tell; and what passes it by fails here, too.
"""

from __future__ import annotations

import ctypes
import errno
import pickle
import re
import shutil
import signal
import socket
import subprocess
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evidence.calls import ERRORS, watched
from evidence.children import exit_code, forked, told
from evidence.disturbances import LIES
from evidence.targets import WAYS, Target, Unsupported, litter, orphans, target_of
from evidence.trials import Fault, Trial, judged, next_save_of, seen

if TYPE_CHECKING:
    from collections.abc import Iterator

    from untorn import Receipt

BEGIN, END = "/untorn-begins", "/untorn-ends"

# They touch no file. getcwd: a relative path may be given.
HARMLESS = frozenset({
    "brk", "clock_gettime", "clock_nanosleep", "exit_group", "futex", "getcwd", "geteuid", "getpid",
    "getrandom", "gettid",
    "ioctl",  # Python asks of what it opens to read whether it is a terminal
    "madvise", "mmap", "mprotect", "mremap", "munmap", "recvfrom", "restart_syscall", "rt_sigaction",
    "rt_sigprocmask", "rt_sigreturn", "sched_yield", "sendto", "umask",
})  # fmt: skip

# What the table calls the kernel's names; some depend on the platform.
NAMES = {
    "openat": "open",
    "pread64": "pread",
    "pwrite64": "pwrite",
    "fallocate": "reserve",
    "statx": "birth",
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
    "getdents64": "listdir",
    "newfstatat": "stat",
    "fstatat64": "stat",
    "renameat2": "rename",
    "unlinkat": "unlink",
    "symlinkat": "symlink",
}
RENAMES = {"RENAME_NOREPLACE": "rename_new", "RENAME_EXCHANGE": "exchange"}

_LINE = re.compile(r"(?:\d+ +)?(\w+)\((.*)")
_ANY_TRACER = 2**64 - 1  # PR_SET_PTRACER_ANY (prctl(2))
_SET_PTRACER = 0x59616D61
_SECONDS = 60


@dataclass(frozen=True)
class Call:
    """One call of a save: its name, and the how manieth of that name strace counts it as."""

    name: str
    nth: int
    rest: str = ""


@dataclass(frozen=True)
class Traced:
    """What came of a save under strace.

    Attributes:
        code: The exit code of its process; negative: the signal that killed it.
        error: What it raised.
        receipt: What it returned.
        made: The calls that it made through the table.
        calls: Those that the kernel saw, as far as they touch files.
    """

    code: int
    error: BaseException | None
    receipt: Receipt | None
    made: list[str]
    calls: list[Call]


def traced(target: Target, way: str, transcript: Path, *options: str) -> Traced:
    """Save while strace with ``options`` is attached.

    Raises:
        Unsupported: There is no strace, or it may not attach.
    """
    with _saver(target, way, "-o", transcript, *options) as (child, answer):
        code = exit_code(child)
        said = b"".join(iter(lambda: answer.recv(1 << 16), b""))
    error, number, receipt, made = pickle.loads(said) if said else (None, None, None, [])
    if isinstance(error, OSError):
        error.errno = number  # OSError keeps it where pickle does not look
    return Traced(code, error, receipt, made, _calls(transcript.read_text()))


@contextmanager
def _saver(target: Target, way: str, *options: str | Path) -> Iterator[tuple[int, socket.socket]]:
    """Run a child that saves while strace is attached, and answers through a socket what it raised."""
    if not shutil.which("strace"):
        raise Unsupported("strace is not installed")
    ours, theirs = socket.socketpair()

    def save() -> None:
        ours.close()
        ctypes.CDLL(None).prctl(_SET_PTRACER, ctypes.c_ulong(_ANY_TRACER), 0, 0, 0)
        theirs.send(b"?")  # strace shall not count what was called so far
        theirs.recv(1)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(_SECONDS)  # what hangs is killed, and that is judged
        theirs.sendall(pickle.dumps(_outcome(target, way)))

    child = forked(save)
    theirs.close()
    assert ours.recv(1) == b"?"
    command = ["strace", *map(str, options), "-p", str(child)]
    with ours, subprocess.Popen(command, stderr=subprocess.PIPE, text=True) as tracer:
        assert tracer.stderr is not None
        said = tracer.stderr.readline()
        ours.send(b"!")
        if "attached" not in said:
            exit_code(child)
            raise Unsupported(f"strace may not attach: {said.strip()}")
        yield child, ours


def _outcome(target: Target, way: str) -> tuple[BaseException | None, int | None, Receipt | None, list[str]]:
    outcome: BaseException | None = None
    receipt: Receipt | None = None
    _mark(BEGIN)
    with watched() as watch:
        try:
            receipt = WAYS[way](target)
        except Exception as error:  # noqa: BLE001  judged by the parent
            outcome = error
    _mark(END)
    return outcome, getattr(outcome, "errno", None), receipt, watch.made


def _mark(name: str) -> None:
    """Let a name that no file has appear in the transcript."""
    with suppress(OSError):
        Path(name).stat()


def _calls(transcript: str) -> list[Call]:
    counts: dict[str, int] = {}
    found = []
    inside = False
    for match in filter(None, map(_LINE.match, transcript.splitlines())):
        name, rest = match.groups()
        counts[name] = counts.get(name, 0) + 1
        if END in rest:
            break
        if inside and name not in HARMLESS:
            found.append(Call(name, counts[name], rest))
        inside = inside or BEGIN in rest
    return found


def as_in_the_table(calls: list[Call]) -> Iterator[str]:
    """Return the table's names for what the kernel saw; an unknown call stays what it is."""
    listing = ""
    for call in calls:
        if listing:  # os.listdir makes a copy of the descriptor, and closes it
            if call.name == "close" and call.rest.startswith(f"{listing})"):
                listing = ""
            continue
        if call.name == "fcntl" and "F_DUPFD_CLOEXEC" in call.rest:
            listing = call.rest.rpartition(" ")[2]
            yield "listdir"
        elif call.name in ("newfstatat", "fstatat64"):
            yield "fstat" if "AT_EMPTY_PATH" in call.rest else "stat"
        elif call.name == "renameat2":
            yield next((name for flag, name in RENAMES.items() if flag in call.rest), "rename")
        elif call.name == "unlinkat":
            yield "rmdir" if "AT_REMOVEDIR" in call.rest else "unlink"
        else:
            yield NAMES.get(call.name, call.name)


# ── Disturbed ───────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Injection:
    """What strace does to one call of a save; ``code`` is 0 where it kills."""

    call: Call
    code: int
    persistent: bool = False

    @property
    def option(self) -> str:
        """The option of strace that does it."""
        what = f"error={self.code}" if self.code else "signal=SIGKILL"
        return f"inject={self.call.name}:{what}:when={self.call.nth}{'+' * self.persistent}"


def injections(calls: list[Call]) -> Iterator[Injection]:
    """Every call that the kernel sees is killed in, and fails with a few errors, once and ever after."""
    for number, call in enumerate(calls):
        yield Injection(call, 0)
        name = NAMES.get(call.name, call.name)
        codes = [code for code in ERRORS.get(name, ()) if (name, code) not in LIES]
        # A call that the table does not know has no list, and may fail no less.
        chosen = {errno.EIO, codes[number % len(codes)]} if codes else {errno.EIO, errno.EPERM, errno.ENOSYS}
        for code in sorted(chosen):
            yield Injection(call, code)
            if code != errno.EINTR:  # Python calls again until it is something else (PEP 475)
                yield Injection(call, code, persistent=True)


def disturbed(kind: str, way: str, directory: Path, injection: Injection, expected: bytes) -> list[str]:
    """Save under an injection, then save next; return what was broken."""
    target = target_of(kind, directory / "place")
    done = traced(target, way, directory / "transcript", "-e", injection.option)
    if not injection.code:
        found = _after_kill(done, target, expected)
    else:
        # What an error from outside stops was not done, close(2) included.
        trial = Trial(target, done.error, done.receipt, done.made)
        fault = Fault(injection.option, code=None if injection.persistent else injection.code)
        found = [] if done.code == 0 else [f"it ended with {done.code}"]
        found += judged(trial, fault, expected)
    ended, said = told(lambda: "\n".join(next_save_of(target)))
    return [
        *found,
        *filter(None, said.split("\n")),
        *([f"the next save ended with {ended}"] if ended else []),
    ]


def _after_kill(done: Traced, target: Target, expected: bytes) -> list[str]:
    found = [] if done.code == -signal.SIGKILL else [f"it was not killed, but ended with {done.code}"]
    if seen(target) not in (target.before, expected):
        found.append(f"the file holds {seen(target)!r:.60}")
    if len(orphans(target)) > 1:
        found.append(f"more than one orphan: {litter(target.directory)}")
    return found
