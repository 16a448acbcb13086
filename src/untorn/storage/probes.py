"""What only trying tells about a directory: probed with empty files, which are removed again.

A probe never touches the target. It bears the name of a temp of the target,
and is locked like one, so that what a crash leaves of it goes with the next save;
the digest in that name is no content's, so that nothing ever takes it for complete.
"""

from __future__ import annotations

import errno
import os
import stat
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, replace
from functools import partial
from typing import TYPE_CHECKING

from untorn.errors import LoadError, SaveError
from untorn.storage import flags
from untorn.storage.atomic import prepare
from untorn.storage.descriptors import drop, opened
from untorn.storage.names import stem_of
from untorn.storage.open_file import reading
from untorn.storage.syscalls import LACKING, REAL, Syscalls

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_DIRECTORY = os.O_RDONLY | flags.O_DIRECTORY | flags.O_CLOEXEC
_PROBE = os.O_RDWR | os.O_CREAT | os.O_EXCL | flags.O_NOFOLLOW | flags.O_CLOEXEC
_ROOM = 4096  # bytes that the reservation of space is tried with
_MODE = 0o640  # the probe is empty: nobody reads anything in it

_LACKING = (*LACKING, errno.ENOTTY, errno.EPERM)


@dataclass(frozen=True, slots=True)
class Probed:
    """What trying told about a directory; ``None``: it could not be tried.

    Attributes:
        makes_files: Whether a file could be made in it.
        refused: Why not.
        syncs_directories: Whether fsync(2) of a directory works.
        locks: Whether flock(2) keeps a second one out.
        exchanges: Whether two names can be exchanged in one step (``RENAME_EXCHANGE``).
        spares_existing: Whether a rename can be told to replace nothing (``RENAME_NOREPLACE``).
        reserves: Whether space can be set aside (fallocate(2)).
        keeps_modes: Whether a file has permission bits of its own.
        keeps_attributes: Whether a file can have ``user.*`` attributes.
        tells_cases_apart: Whether ``a`` and ``A`` are two names.
    """

    makes_files: bool | None = None
    refused: str = ""
    syncs_directories: bool | None = None
    locks: bool | None = None
    exchanges: bool | None = None
    spares_existing: bool | None = None
    reserves: bool | None = None
    keeps_modes: bool | None = None
    keeps_attributes: bool | None = None
    tells_cases_apart: bool | None = None


def probe(directory: Path, name: str, *, calls: Syscalls = REAL) -> Probed:
    """Try what ``directory`` can do, with two files that bear names of temps of ``name``."""
    try:
        fd = opened(partial(calls.open, directory, _DIRECTORY))
    except OSError as error:
        return Probed(makes_files=False, refused=os.strerror(error.errno or errno.EIO))
    try:
        return replace(_probed(fd, name, calls), syncs_directories=_works(lambda: calls.fsync(fd)))
    finally:
        drop(fd, calls)


def _probed(directory: int, name: str, calls: Syscalls) -> Probed:
    with ExitStack() as stack:
        try:
            one = stack.enter_context(_made(directory, name, calls))
            other = stack.enter_context(_made(directory, name, calls))
        except OSError as error:
            return Probed(makes_files=False, refused=os.strerror(error.errno or errno.EIO))
        return Probed(
            makes_files=True,
            locks=_keeps_out(one, directory, calls) and _works(lambda: _lock_shortly(directory, calls)),
            exchanges=_exchanges(one, other, directory, calls),
            reserves=_works(lambda: calls.reserve(one.fd, _ROOM)),
            keeps_modes=_keeps_modes(one, calls),
            keeps_attributes=_works(lambda: calls.setxattr(one.fd, "user.untorn.probe", b"1")),
            tells_cases_apart=_tells_cases_apart(one, directory, calls),
            # Last, because where it does not work, one name is gone afterwards.
            spares_existing=_spares_existing(one, other, directory, calls),
        )


@dataclass(frozen=True, slots=True)
class _Probe:
    name: str
    fd: int
    locked: bool | None


@contextmanager
def _made(directory: int, name: str, calls: Syscalls) -> Iterator[_Probe]:
    """Make a probe, and remove it. Raises no ``OSError`` but that it cannot be made."""
    random, digest = os.urandom(16).hex(), os.urandom(16).hex()
    probe = f"{stem_of(name)}{random}.{digest}.tmp"
    fd = opened(partial(calls.open, probe, _PROBE, 0o600, dir_fd=directory))
    try:
        yield _Probe(probe, fd, _works(lambda: calls.flock(fd, flags.LOCK_EX | flags.LOCK_NB)))
    finally:
        with suppress(OSError):
            calls.unlink(probe, dir_fd=directory)
        drop(fd, calls)


def _works(attempt: Callable[[], object]) -> bool | None:
    """Return whether something works; ``None`` where the answer says nothing about that."""
    try:
        attempt()
    except OSError as error:
        return False if error.errno in _LACKING else None
    return True


def _keeps_out(probe: _Probe, directory: int, calls: Syscalls) -> bool | None:
    """Return whether the lock that is held on the probe keeps out who opens it once more."""
    if not probe.locked:
        return probe.locked
    try:
        fd = opened(partial(calls.open, probe.name, os.O_RDONLY | flags.O_CLOEXEC, dir_fd=directory))
    except OSError:
        return None
    try:
        calls.flock(fd, flags.LOCK_EX | flags.LOCK_NB)
    except BlockingIOError:
        return True
    except OSError:
        return None
    finally:
        drop(fd, calls)
    return False


def _lock_shortly(directory: int, calls: Syscalls) -> None:
    # A first save locks the directory. Shared: who waits for it is not held up.
    with suppress(BlockingIOError):
        calls.flock(directory, flags.LOCK_SH | flags.LOCK_NB)
        calls.flock(directory, flags.LOCK_UN)


def _exchanges(one: _Probe, other: _Probe, directory: int, calls: Syscalls) -> bool | None:
    done = _works(lambda: calls.exchange(one.name, other.name, src_dir_fd=directory, dst_dir_fd=directory))
    if not done:
        return done
    try:
        now = calls.stat(one.name, dir_fd=directory, follow_symlinks=False).st_ino
        return now == calls.fstat(other.fd).st_ino
    except OSError:
        return None


def _spares_existing(one: _Probe, other: _Probe, directory: int, calls: Syscalls) -> bool | None:
    try:
        calls.rename_new(one.name, other.name, src_dir_fd=directory, dst_dir_fd=directory)
    except FileExistsError:
        return True
    except OSError:
        return None
    return False


def _keeps_modes(probe: _Probe, calls: Syscalls) -> bool | None:
    allowed = _works(lambda: calls.fchmod(probe.fd, _MODE))
    if not allowed:
        return allowed
    try:
        return stat.S_IMODE(calls.fstat(probe.fd).st_mode) == _MODE
    except OSError:
        return None


def _tells_cases_apart(probe: _Probe, directory: int, calls: Syscalls) -> bool | None:
    shouted = probe.name.removesuffix(".tmp") + ".TMP"
    try:
        calls.stat(shouted, dir_fd=directory, follow_symlinks=False)
    except FileNotFoundError:
        return True
    except OSError:
        return None
    return False


def rehearse(path: Path, *, limit: int, calls: Syscalls = REAL) -> SaveError | LoadError | None:
    """Save the bytes that are there, all but the commit; return what it was refused for.

    The temp holds what the file holds, with its owner and mode, and is removed;
    should a crash leave it, the next save removes it.
    """
    try:
        with (
            reading(path, limit=limit, calls=calls) as file,
            prepare(file.snapshot, file.snapshot.data or b"", file=file, calls=calls),
        ):
            return None
    except (SaveError, LoadError) as error:
        return error
