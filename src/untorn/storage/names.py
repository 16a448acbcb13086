"""The names of temporary files, and the removal of those that a crash left behind (W7, W18)."""

from __future__ import annotations

import errno
import os
import re
import stat
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from untorn.records import revision_of
from untorn.storage import flags
from untorn.storage.descriptors import drop, opened

if TYPE_CHECKING:
    from untorn.records import Revision
    from untorn.storage.syscalls import Syscalls

_NAME_MAX = 255  # bytes, on every file system in common use (limits.h)
_FLAGS = os.O_RDONLY | flags.O_CLOEXEC | flags.O_NONBLOCK | flags.O_NOFOLLOW | flags.O_NOCTTY
_RANDOM = 16  # bytes: 128 bits, so that pids and clocks do not matter
_DIGEST = 32  # hex digits of the digest of the new bytes: proves a temp complete
_REST = re.compile(rb"[0-9a-f]{32}\.[0-9a-f]{32}\.tmp")


def temp_name(name: str, revision: Revision) -> str:
    """Return a new name for a temporary file of ``name`` that shall hold the bytes of ``revision``."""
    assert revision.digest is not None
    return f"{stem_of(name)}{os.urandom(_RANDOM).hex()}.{revision.digest[:_DIGEST]}.tmp"


@lru_cache(maxsize=256)
def stem_of(name: str) -> str:
    """Return what the temporary files of ``name``, and of no other file, begin with.

    A name that is too long is cut, and carries a hash of the whole, so that two
    long names with one beginning never share orphans.
    """
    raw = os.fsencode(name)
    room = _NAME_MAX - len("..") - 2 * _RANDOM - len(".") - _DIGEST - len(".tmp")
    if len(raw) > room:
        whole = revision_of(raw).digest
        assert whole is not None
        # Not through the middle of a character: some file systems insist on UTF-8.
        cut = raw[: room - 17].decode(errors="ignore").encode()
        raw = cut + b"~" + whole[:16].encode()
    return os.fsdecode(b"." + raw + b".")


def sweep(name: str, directory: int, owner: int, calls: Syscalls) -> bool:
    """Remove the temporary files of ``name`` whose writers are dead. Never raises.

    The caller holds the file's lock. A temp is locked while its writer lives;
    one that is neither ours nor of the file's ``owner``, or has several links, or
    is no regular file, stays.

    Returns:
        Whether there is nothing left to come back for: ``False`` where a writer
        lives, who may die yet, and where a call failed.
    """
    stem = os.fsencode(stem_of(name))
    try:
        names = [os.fsencode(each) for each in calls.listdir(directory)]
    except OSError:
        return False
    # Where A and a are one file, its temps may bear either.
    folded = os.path.normcase(stem)
    done = True
    for each in names:
        if os.path.normcase(each[: len(stem)]) == folded and _REST.fullmatch(each, len(stem)):
            try:
                _remove_dead(each, directory, owner, calls)
            except OSError:
                done = False
    return done


# What stays so, however often one looks: a link, a socket.
_NEVER_OURS = (errno.ELOOP, errno.ENXIO)


def _remove_dead(name: bytes, directory: int, owner: int, calls: Syscalls) -> None:
    try:
        fd = opened(partial(calls.open, name, _FLAGS, dir_fd=directory))
    except OSError as error:
        if error.errno in _NEVER_OURS:
            return
        raise
    try:
        status = calls.fstat(fd)
        # A save by root gives its temp to the file's owner before the rename.
        known = status.st_uid in (flags.effective_user(), owner)
        if stat.S_ISREG(status.st_mode) and status.st_nlink == 1 and known:
            calls.flock(fd, flags.LOCK_EX | flags.LOCK_NB)  # raises while its writer lives
            calls.unlink(name, dir_fd=directory)
    finally:
        drop(fd, calls)
