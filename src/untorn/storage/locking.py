"""The lock of a file: one order for all who use it (WRITER W21).

In this process: one turn at a time for each path. Across processes: flock(2) on
the inode that the name leads to, and a look that it still does, because a save
replaces the inode; the writer holds the lock of the new inode before the name
leads there, so that the lock passes on with the name and nothing stays behind.
A file that does not exist yet: flock on its directory, or on the nearest parent
that exists.
"""

from __future__ import annotations

import errno
import os
import stat
import threading
import time
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING, TypeAlias

from untorn import callers
from untorn.errors import LockTimeoutError, SaveError
from untorn.storage import failures, flags
from untorn.storage.descriptors import drop, opened
from untorn.storage.syscalls import REAL, Syscalls

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator
    from pathlib import Path

    from untorn.callers import Caller
    from untorn.storage.open_file import Reading

_FLAGS = os.O_RDONLY | flags.O_CLOEXEC | flags.O_NONBLOCK | flags.O_NOCTTY | flags.O_NOFOLLOW


@dataclass(frozen=True, slots=True)
class Held:
    """A lock that is held.

    ``identity`` is device and inode of what is locked: the file, or the
    directory where there is no file. Where locks are apart (Windows), ``fd`` is
    not the file's. ``timeout`` is how many seconds its holder would have waited.
    """

    path: Path
    fd: int
    identity: tuple[int, int]
    is_file: bool
    timeout: float = 10.0
    process: int = field(default_factory=os.getpid)


_Attempt: TypeAlias = "tuple[Held | None, tuple[int, int]]"
"""The lock, or ``None`` where somebody else holds it; and device and inode of what is locked."""

# ── Threads ─────────────────────────────────────────────────────────────────


@dataclass(slots=True)
class _Turn:
    """Who of this process may try for a file's lock."""

    lock: threading.Lock = field(default_factory=threading.Lock)
    owner: Caller | None = None
    waiting: int = 0
    count: int = 0  # how many had their turn


_guard = threading.Lock()
_turns: dict[Path, _Turn] = {}


def _forget_turns() -> None:  # pragma: no cover  runs in forked children, which report nothing
    _turns.clear()
    # Another thread may have held it at the fork, and is not here to release it.
    _guard._at_fork_reinit()  # type: ignore[attr-defined]  # noqa: SLF001  as the standard library does


if hasattr(os, "register_at_fork"):  # pragma: no branch  Windows has no fork
    os.register_at_fork(after_in_child=_forget_turns)


def _take_turn(path: Path, timeout: float) -> _Turn:
    with _guard:
        turn = _turns.get(path) or _turns.setdefault(path, _Turn())
        turn.waiting += 1
    try:
        _await(turn, path, timeout)
    except BaseException:
        _leave(turn, path)
        raise
    turn.owner = callers.current()
    turn.count += 1
    return turn


def _end_turn(turn: _Turn, path: Path) -> None:
    turn.owner = None
    turn.lock.release()
    _leave(turn, path)


def _leave(turn: _Turn, path: Path) -> None:
    with _guard:
        turn.waiting -= 1
        if not turn.waiting:
            _turns.pop(path, None)


def _await(turn: _Turn, path: Path, timeout: float) -> None:
    me = callers.current()
    if turn.owner is not None and me.waits_for_itself(turn.owner):
        raise SaveError(
            "this thread or task is already editing this file: it would wait for itself",
            path=path,
            hint="use the document that edit() gave you, or save after its block has ended",
        )
    seen, patience = turn.count, timeout
    while not turn.lock.acquire(timeout=min(patience, _LOOK) if me.stopped else patience):
        _refuse_if_stopped(me, path)
        patience -= _LOOK if me.stopped else patience
        if patience > 0:
            continue
        if turn.count == seen:
            raise _timed_out(path, timeout, os.getpid())
        seen, patience = turn.count, timeout


_LOOK = 0.05
"""Seconds after which somebody who may be stopped looks whether he was."""


def _refuse_if_stopped(me: Caller, path: Path) -> None:
    if me.stopped is not None and me.stopped():
        raise SaveError("stopped while it waited for the file's lock: nothing was changed", path=path)


# ── Processes ───────────────────────────────────────────────────────────────


@contextmanager
def lock(
    path: Path,
    *,
    timeout: float = 10.0,
    file: Reading | None = None,
    mine: Collection[tuple[int, int]] = (),
    calls: Syscalls = REAL,
) -> Iterator[Held]:
    """Hold the lock of the file at ``path``.

    Args:
        path: The file, links resolved; it need not exist.
        timeout: Seconds to wait, counted anew whenever the lock's holder or the
            file's revision changes.
        file: The file as it was read and is still open: then that very file is
            locked, and closed afterwards. Whether ``path`` still leads to it,
            the caller has to see.
        mine: Device and inode of what the caller has locked already: one directory
            stands for all the files that are not in it yet, and flock(2) would
            let its second descriptor wait for the first.
        calls: The system calls to use.

    Raises:
        LockTimeoutError: Somebody else held it all the time.
        SaveError: This thread holds it already.
        WriteError: The file or its directory cannot be opened.
    """
    turn = _take_turn(path, timeout)
    try:
        if calls.locks_apart:
            attempt = partial(_try_apart, path, calls)
        elif file is not None and file.fd >= 0:
            attempt = partial(_try_open, path, file, calls)
        else:
            attempt = partial(_try, path, calls, mine)
        held = _acquire(path, timeout, attempt, calls)
        try:
            yield Held(path, held.fd, held.identity, held.is_file, timeout, held.process)
        finally:
            if held.process == os.getpid():  # pragma: no branch  forked children report nothing
                drop(held.fd, calls)
    finally:
        _end_turn(turn, path)


def _acquire(path: Path, timeout: float, attempt: Callable[[], _Attempt], calls: Syscalls) -> Held:
    started, seen, pause = time.monotonic(), None, 0.0005
    me = callers.current()
    while True:
        held, identity = attempt()
        if held is not None:
            return held
        _refuse_if_stopped(me, path)
        if time.monotonic() - started >= timeout:
            now = _signature(path, identity, calls)
            if seen == now or not timeout:
                raise _timed_out(path, timeout, now[0])
            started, seen = time.monotonic(), now
        elif seen is None:
            seen = _signature(path, identity, calls)
        time.sleep(pause * (0.5 + os.urandom(1)[0] / 255))  # spreads those who wait
        pause = min(pause * 2, 0.02)


def _try_open(path: Path, file: Reading, calls: Syscalls) -> _Attempt:
    """Lock the file that is open already; from then on its descriptor is the lock's."""
    try:
        free = _flocked(file.fd, calls)
    except OSError as error:
        if error.errno == errno.EBADF:  # see ``_try_once``
            return _try(path, calls)
        raise failures.writing(error, path, "its lock could not be taken") from error
    if not free:
        return None, file.identity
    held = Held(path, file.fd, file.identity, is_file=True)
    file.fd = -1
    return held, file.identity


def _try(path: Path, calls: Syscalls, mine: Collection[tuple[int, int]] = ()) -> _Attempt:
    """Return the lock, or ``None`` and what somebody else holds."""
    answer = None
    while answer is None:
        answer = _try_once(path, calls, mine)
    return answer


def _try_once(
    path: Path, calls: Syscalls, mine: Collection[tuple[int, int]], how: int = _FLAGS
) -> _Attempt | None:
    """Do the same; return ``None`` if the name leads elsewhere by the time that it is locked."""
    try:
        fd, is_file = _opened(path, calls, how)
    except OSError as error:
        raise failures.writing(error, path, "its lock could not be opened") from error
    try:
        status = calls.fstat(fd)
        identity = (status.st_dev, status.st_ino)
        free = identity in mine or (_flocked if is_file else _flocked_directory)(fd, calls)
        if free and _leads_to(path, calls) == (identity, is_file):
            return Held(path, fd, identity, is_file), identity
    except BaseException as error:
        drop(fd, calls)
        if isinstance(error, OSError):
            if error.errno == errno.EBADF and not how & os.O_RDWR:
                # Over NFS, an exclusive lock needs a descriptor that may write (flock(2)).
                return _try_once(path, calls, mine, how | os.O_RDWR)
            raise failures.writing(error, path, "its lock could not be taken") from error
        raise
    drop(fd, calls)
    return None if free else (None, identity)


def _try_apart(path: Path, calls: Syscalls) -> _Attempt:
    """Lock the file that stands for it elsewhere, for a file that is open could not be replaced."""
    try:
        fd = opened(
            partial(calls.open, calls.lock_file(path), os.O_RDWR | os.O_CREAT | flags.O_CLOEXEC, 0o600)
        )
        try:
            if _flocked(fd, calls):
                identity, is_file = _leads_to(path, calls)
                return Held(path, fd, identity, is_file), identity
        except BaseException:
            drop(fd, calls)
            raise
    except OSError as error:
        raise failures.writing(error, path, "its lock could not be taken") from error
    drop(fd, calls)
    return None, (0, 0)


def _flocked(fd: int, calls: Syscalls) -> bool:
    try:
        calls.flock(fd, flags.LOCK_EX | flags.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _flocked_directory(fd: int, calls: Syscalls) -> bool:
    try:
        return _flocked(fd, calls)
    except OSError as error:
        # Over NFS, a directory cannot be locked at all, for it cannot be opened for
        # writing. There, as everywhere, the rename of a new file asks whether there is one.
        if error.errno == errno.EBADF:
            return True
        raise


def _opened(path: Path, calls: Syscalls, how: int) -> tuple[int, bool]:
    """Open what stands for the file: itself, or the nearest parent that exists."""
    place, is_file = path, True
    while True:
        try:
            return opened(partial(calls.open, place, how if is_file else _FLAGS | flags.O_DIRECTORY)), is_file
        except OSError as error:
            # ELOOP: the name itself is a link that shall be replaced.
            absent = error.errno in (errno.ENOENT, errno.ELOOP)
            if not absent or place == place.parent:
                raise
            place, is_file = place.parent, False


def _leads_to(path: Path, calls: Syscalls) -> tuple[tuple[int, int], bool]:
    """Return what ``_opened`` would open now."""
    place, is_file = path, True
    while True:
        try:
            status = calls.stat(place, follow_symlinks=False)
            if not stat.S_ISLNK(status.st_mode):
                return (status.st_dev, status.st_ino), is_file
        except FileNotFoundError:
            if place == place.parent:
                raise
        place, is_file = place.parent, False


# ── Who holds it ────────────────────────────────────────────────────────────


def _signature(path: Path, identity: tuple[int, int], calls: Syscalls) -> tuple[int | None, object]:
    """Return what changes when others make progress: the holder, and the file's revision."""
    try:
        status = calls.stat(path, follow_symlinks=False)
        revision: object = (status.st_ino, status.st_mtime_ns, status.st_size)
    except OSError:
        revision = None
    return _holder(identity), revision


def _holder(identity: tuple[int, int]) -> int | None:
    """Return the process that holds the lock, where ``/proc/locks`` tells (proc(5))."""
    try:
        with open("/proc/locks", encoding="ascii") as table:  # noqa: PTH123  read only
            device = f"{os.major(identity[0]):02x}:{os.minor(identity[0]):02x}:{identity[1]}"
            for line in table:
                fields = line.split()
                if "FLOCK" in fields and device in fields and "->" not in fields:
                    return int(fields[4])
    except (OSError, ValueError, IndexError):
        return None
    return None


def _timed_out(path: Path, timeout: float, holder: int | None) -> LockTimeoutError:
    by = f" by process {holder}" if holder and holder > 0 else ""
    return LockTimeoutError(
        f"not saved: the file's lock was held{by} for {timeout:g} s",
        path=path,
        hint="try again, or wait longer with timeout=; a crashed process holds no lock",
    )
