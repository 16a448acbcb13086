"""The names of temporary files, and the removal of those that a crash left behind (W7, W18, W20)."""

from __future__ import annotations

import errno
import os
import re
import stat
from contextlib import nullcontext
from functools import lru_cache, partial
from typing import TYPE_CHECKING

from untorn.records import revision_of
from untorn.storage import flags
from untorn.storage.descriptors import drop, opened
from untorn.storage.snapshot import read_to_end
from untorn.storage.swap import alone

if TYPE_CHECKING:
    from untorn.records import Revision
    from untorn.storage.syscalls import Syscalls

_NAME_MAX = 255  # bytes, on every file system in common use (limits.h)
_FLAGS = os.O_RDONLY | flags.O_CLOEXEC | flags.O_NONBLOCK | flags.O_NOFOLLOW | flags.O_NOCTTY
_RANDOM = 16  # bytes: 128 bits, so that pids and clocks do not matter
_DIGEST = 32  # hex digits of the digest of the new bytes: proves a temp complete
_REST = re.compile(rb"[0-9a-f]{32}\.[0-9a-f]{32}\.tmp")
_SWAP = re.compile(rb"[0-9a-f]{32}\.([0-9a-f]{32})\.([0-9a-f]{32})\.swap")


def temp_name(name: str, revision: Revision) -> str:
    """Return a new name for a temporary file of ``name`` that shall hold the bytes of ``revision``."""
    assert revision.digest is not None
    return f"{stem_of(name)}{os.urandom(_RANDOM).hex()}.{revision.digest[:_DIGEST]}.tmp"


def swap_name(temp: str, base: Revision) -> str:
    """Return what a temp is called while it is exchanged with its target, which held ``base``.

    What lies under this name after a crash is known by it: what should have come
    out of the file, what should have gone in, or what another program wrote.
    """
    assert base.digest is not None
    start, new, _ = temp.rsplit(".", 2)
    return f"{start}.{base.digest[:_DIGEST]}.{new}.swap"


def link_name(name: str) -> str:
    """Return the name of the link to the ``.swap`` of whoever exchanges the file ``name`` just now."""
    return stem_of(name) + "swap"


def digests_in(swap: str, name: str) -> tuple[str, str] | None:
    """Return the digests that a ``.swap`` of ``name`` bears, of base and new; ``None`` if it is none."""
    raw, stem = os.fsencode(swap), os.fsencode(stem_of(name))
    match = _SWAP.fullmatch(raw, len(stem)) if raw.startswith(stem) else None
    return (match[1].decode(), match[2].decode()) if match else None


def short_digest(data: bytes) -> str:
    """Return the digest of ``data`` as names bear it."""
    digest = revision_of(data).digest
    assert digest is not None
    return digest[:_DIGEST]


@lru_cache(maxsize=256)
def stem_of(name: str) -> str:
    """Return what the temporary files of ``name``, and of no other file, begin with.

    A name that is too long is cut, and carries a hash of the whole, so that two
    long names with one beginning never share orphans.
    """
    raw = os.fsencode(name)
    room = _NAME_MAX - len("..") - 2 * _RANDOM - 2 * len(".") - 2 * _DIGEST - len(".swap")
    if len(raw) > room:
        whole = revision_of(raw).digest
        assert whole is not None
        # Not through the middle of a character: some file systems insist on UTF-8.
        cut = raw[: room - 17].decode(errors="ignore").encode()
        raw = cut + b"~" + whole[:16].encode()
    return os.fsdecode(b"." + raw + b".")


def sweep(name: str, directory: int, owner: int, calls: Syscalls, *, locked: bool = False) -> bool:
    """Remove the temporary files of ``name`` whose writers are dead. Never raises.

    The caller holds the file's lock. A temp is locked while its writer lives;
    one that is neither ours nor of the file's ``owner``, or has several links, or
    is no regular file, stays. ``locked``: the caller has locked the directory, too.

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
    for each in sorted(names):  # what the link leads to comes before it
        if os.path.normcase(each[: len(stem)]) != folded:
            continue
        swap = _SWAP.fullmatch(each, len(stem))
        if swap or _REST.fullmatch(each, len(stem)):
            try:
                _remove_dead(each, directory, owner, calls, swap.groups() if swap else ())
            except OSError:
                done = False
        elif each == stem + b"swap":
            done = _remove_dangling(each, directory, calls, locked=locked) and done
    return done


def _remove_dangling(link: bytes, directory: int, calls: Syscalls, *, locked: bool) -> bool:
    """Remove a link to a ``.swap`` that is gone: whoever lives has both. ``False`` if it may be one later."""
    try:
        with nullcontext() if locked else alone(directory, calls):
            try:
                calls.stat(link, dir_fd=directory)
            except FileNotFoundError:
                calls.unlink(link, dir_fd=directory)
                return True
    except OSError:
        return False
    return False


# What stays so, however often one looks: a link, a socket.
_NEVER_OURS = (errno.ELOOP, errno.ENXIO)


def _remove_dead(
    name: bytes, directory: int, owner: int, calls: Syscalls, digests: tuple[bytes, ...]
) -> None:
    """Remove a temp whose writer is dead; with ``digests``, only if it holds what has one of them."""
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
            if not digests or not status.st_size or _digest_of(fd, status.st_size, calls) in digests:
                calls.unlink(name, dir_fd=directory)
    finally:
        drop(fd, calls)


def _digest_of(fd: int, size: int, calls: Syscalls) -> bytes:
    return short_digest(read_to_end(fd, size, "", None, calls)).encode()
