"""Exchanges that a crash left unfinished: what lies under the ``.swap`` name, and where it belongs (W20)."""

from __future__ import annotations

import errno
import os
import stat
import time
from functools import partial
from typing import TYPE_CHECKING

from untorn.storage import failures, flags
from untorn.storage.descriptors import drop, opened
from untorn.storage.names import digests_in, link_name, short_digest
from untorn.storage.snapshot import read_to_end
from untorn.storage.swap import Swap, alone, look

if TYPE_CHECKING:
    from pathlib import Path

    from untorn.errors import WriteError
    from untorn.storage.syscalls import Syscalls

_FILE = os.O_RDONLY | flags.O_CLOEXEC | flags.O_NONBLOCK | flags.O_NOFOLLOW | flags.O_NOCTTY

_KEPT = (
    "an earlier save crashed in the moment in which another program replaced the file, which was replaced "
    "again since; what that program wrote is kept in {} (untorn recover shows it)"
)

_YOUNG_NS = 1_000_000_000
"""For how long a link may be that of a live process though nothing of it is locked."""


def finish(path: Path, directory: int, locked: int, warnings: list[str], calls: Syscalls) -> bool:
    """Finish the exchange that the link stands for, if its process is dead.

    What should have come out of the file, or gone in, is removed. What another
    program wrote in that moment gets the file's name again, if it is still the
    crashed save's; otherwise it stays where it lies, for ``untorn recover``.

    Args:
        path: The file.
        directory: The descriptor of its directory.
        locked: The descriptor of what has its name, which the caller has locked.
        warnings: What the receipt will say; what is kept is told there.
        calls: The system calls to use.

    Returns:
        Whether the link is gone; ``False`` where its process lives, or another one
        is about to remove it.

    Raises:
        OSError: As the calls say.
        WriteError: The link is not one that untorn makes.
    """
    link = link_name(path.name)
    try:
        other = calls.readlink(link, dir_fd=directory)
    except FileNotFoundError:
        return True
    except OSError as error:
        if error.errno == errno.EINVAL:  # it is no link (readlink(2))
            raise _strange(path, link) from error
        raise
    digests = digests_in(other, path.name)
    if digests is None:
        raise _strange(path, link)
    try:
        with alone(directory, calls):
            return _settled(Swap(directory, path.name, other, calls), path, locked, digests, warnings)
    except BlockingIOError:
        return False


def _settled(swap: Swap, path: Path, locked: int, digests: tuple[str, str], warnings: list[str]) -> bool:
    calls = swap.calls
    try:
        fd = opened(partial(calls.open, swap.other, _FILE, dir_fd=swap.directory))
    except FileNotFoundError:
        # Its process removes the link first, so there is none; whoever removed
        # the file by hand has decided what to do with it.
        _unlink(link_name(swap.name), swap.other, swap.directory, calls)
        return True
    try:
        return _finished(swap, path, (fd, locked), digests, warnings)
    finally:
        drop(fd, calls)


def _finished(
    swap: Swap, path: Path, held: tuple[int, int], digests: tuple[str, str], warnings: list[str]
) -> bool:
    calls, link, (fd, locked) = swap.calls, link_name(swap.name), held
    try:
        calls.flock(fd, flags.LOCK_EX | flags.LOCK_NB)
    except BlockingIOError:
        return False
    status = calls.fstat(fd)
    if not stat.S_ISREG(status.st_mode) or status.st_nlink > 1:
        raise _strange(path, swap.other)
    data = read_to_end(fd, status.st_size, path, None, calls)
    # Nothing is lost with what is empty: who had just truncated it crashed, too.
    if data and short_digest(data) not in digests:
        # A live process has locked what has the name or what lies here; but for
        # a moment, if a third program has taken the name away from its file.
        if _is_young(link, swap.directory, calls):
            return False
        now = calls.fstat(locked)
        if short_digest(read_to_end(locked, now.st_size, path, None, calls)) != digests[1]:
            if _unlink(link, swap.other, swap.directory, calls):
                warnings.append(_KEPT.format(swap.other))
            return True
        swap.give_back(look(now))
    if _unlink(link, swap.other, swap.directory, calls):
        calls.unlink(swap.other, dir_fd=swap.directory)
    return True


def _is_young(link: str, directory: int, calls: Syscalls) -> bool:
    made = calls.stat(link, dir_fd=directory, follow_symlinks=False).st_mtime_ns
    return abs(time.time_ns() - made) < _YOUNG_NS


def _unlink(link: str, other: str, directory: int, calls: Syscalls) -> bool:
    """Remove the link if it still leads to ``other``; ``False`` if somebody else was faster."""
    try:
        if calls.readlink(link, dir_fd=directory) != other:
            return False
        calls.unlink(link, dir_fd=directory)
    except FileNotFoundError:
        return False
    return True


def _strange(path: Path, name: str) -> WriteError:
    return failures.refusal(
        f"{name}, beside it, is not what untorn makes under such a name",
        errno.EEXIST,
        path,
        "look at it (ls -l) and remove it",
    )
