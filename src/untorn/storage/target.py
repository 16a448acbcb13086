"""Which file a path means: symbolic links followed, one call a component."""

from __future__ import annotations

import errno
import os
import stat

from untorn.errors import ReadError
from untorn.storage import failures, flags
from untorn.storage.syscalls import REAL, Syscalls

TYPE_CHECKING = False  # a load imports this module, and should not pay for typing
if TYPE_CHECKING:
    from pathlib import Path

    PathLike = str | os.PathLike[str]

_MOST_LINKS = 40
"""How many links Linux follows before it says ELOOP (path_resolution(7))."""


def resolve(path: PathLike, *, follow_symlinks: bool = True, calls: Syscalls = REAL) -> Path:
    """Return what ``resolved`` does as a ``Path``."""
    from untorn.storage.paths import as_path  # noqa: PLC0415  a load does without

    return as_path(resolved(path, follow_symlinks=follow_symlinks, calls=calls))


def resolved(path: PathLike, *, follow_symlinks: bool = True, calls: Syscalls = REAL) -> str:
    """Return the file itself, as an absolute path without links.

    Chains, relative links and links to nowhere are followed; the file and its
    parents need not exist.

    Args:
        path: The file, as a user names it.
        follow_symlinks: Whether a link as last component leads on. Links among
            the parents always do.
        calls: The system calls to use.

    Raises:
        ReadError: The links lead in a circle (ELOOP), there is a NUL in the path
            (EINVAL), a slash behind what is no directory (ENOTDIR), or something
            on the way that cannot be looked at.
    """
    written = os.fspath(path)
    if "\0" in written:
        raise failures.reading(OSError(errno.EINVAL, os.strerror(errno.EINVAL)), written)
    try:
        done, rest = _start(written)
    except OSError as error:  # the working directory is gone
        raise failures.reading(error, written) from error
    links = 0
    while rest:
        part = rest.pop()
        if part == "..":
            done = os.path.dirname(done)  # noqa: PTH120  a string, and right: ``done`` has no links
            continue
        candidate = done + part if done.endswith(os.sep) else done + os.sep + part
        link = _link(candidate, written, calls) if rest or follow_symlinks else None
        if link is None:
            done = candidate
            continue
        links += 1
        if links > _MOST_LINKS:
            raise failures.reading(OSError(errno.ELOOP, os.strerror(errno.ELOOP)), written)
        if os.path.isabs(link):  # noqa: PTH117  a string
            done, more = _start(link)
            rest += more
        else:
            rest += _parts(link)
    if written.endswith(os.sep) and not _is_directory(done, calls):
        raise failures.reading(OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)), done)
    return done


def _is_directory(path: str, calls: Syscalls) -> bool:
    try:
        return stat.S_ISDIR(calls.stat(path).st_mode)
    except OSError:
        return False


def _start(written: str) -> tuple[str, list[str]]:
    """Return a directory without links in its path, and what is left to follow, last part first."""
    if not os.path.isabs(written):  # noqa: PTH117  a string
        return os.getcwd(), _parts(written)  # noqa: PTH109  a string, which getcwd(2) has resolved
    drive, tail = os.path.splitdrive(written)
    return drive + os.sep, _parts(tail)


def _parts(written: str) -> list[str]:
    plain = written.replace(os.altsep, os.sep) if os.altsep else written
    parts = plain.split(os.sep)  # noqa: PTH206  a string
    return [part for part in reversed(parts) if part not in ("", ".")]


def _link(candidate: str, written: str, calls: Syscalls) -> str | None:
    if candidate.startswith("/proc/"):
        # /dev/stdout leads to /proc/self/fd/1: an open file and not a name, which
        # only looks like a link to one (proc(5)).
        return None
    try:
        # Most are none, and lstat(2) says so without an exception.
        status = calls.stat(candidate, follow_symlinks=False)
        if stat.S_ISLNK(status.st_mode):
            _refuse_planted(candidate, status, written, calls)
            return calls.readlink(candidate)
    except OSError as error:
        # Where nobody can tell whether it is a link, a save would replace the link.
        if isinstance(error, ReadError):
            raise
        if error.errno not in (errno.ENOENT, errno.EINVAL):
            raise failures.reading(error, written) from error
    return None


_ANYBODYS = stat.S_ISVTX | stat.S_IWOTH


def _refuse_planted(link: str, status: os.stat_result, written: str, calls: Syscalls) -> None:
    """Raise where somebody else made the link in a directory like /tmp.

    The kernel follows none of those by itself (``protected_symlinks``, proc(5)),
    and would not be asked again: what we open is where the link leads to.
    """
    if status.st_uid == flags.effective_user():
        return
    directory = calls.stat(os.path.dirname(link))  # noqa: PTH120  a string
    if directory.st_mode & _ANYBODYS == _ANYBODYS and directory.st_uid != status.st_uid:
        raise ReadError(
            f"the link {link} was made by another user (number {status.st_uid}) "
            "in a directory where everybody may make one",
            errno=errno.EACCES,
            path=written,
            hint="if it leads where you want, name that file itself",
        )
