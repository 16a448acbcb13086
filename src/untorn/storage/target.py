"""Which file a path means: symbolic links followed, one call a component."""

from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import TYPE_CHECKING

from untorn.storage import failures
from untorn.storage.syscalls import REAL, Syscalls

if TYPE_CHECKING:
    PathLike = str | os.PathLike[str]

_MOST_LINKS = 40
"""How many links Linux follows before it says ELOOP (path_resolution(7))."""


def resolve(path: PathLike, *, follow_symlinks: bool = True, calls: Syscalls = REAL) -> Path:
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
            (EINVAL), or a slash behind what is no directory (ENOTDIR).
    """
    written = Path(os.getcwd(), path)  # noqa: PTH109  Path.cwd() does the same, and imports more
    if "\0" in str(written):
        raise failures.reading(OSError(errno.EINVAL, os.strerror(errno.EINVAL)), written)
    rest = list(written.parts[1:])[::-1]
    done = written.anchor
    links = 0
    while rest:
        part = rest.pop()
        if part == "..":
            done = os.path.dirname(done)  # noqa: PTH120  a string, and right: ``done`` has no links
            continue
        candidate = os.path.join(done, part)  # noqa: PTH118  the loop runs for every part of every path
        link = _link(candidate, calls) if rest or follow_symlinks else None
        if link is None:
            done = candidate
            continue
        links += 1
        if links > _MOST_LINKS:
            raise failures.reading(OSError(errno.ELOOP, os.strerror(errno.ELOOP)), written)
        target = Path(link)
        if target.is_absolute():
            done = target.anchor
        rest += [each for each in target.parts if each != target.anchor][::-1]
    if os.fspath(path).endswith(os.sep) and not os.path.isdir(done):  # noqa: PTH112  a string
        raise failures.reading(OSError(errno.ENOTDIR, os.strerror(errno.ENOTDIR)), Path(done))
    return Path(done)


def _link(candidate: str, calls: Syscalls) -> str | None:
    if candidate.startswith("/proc/"):
        # /dev/stdout leads to /proc/self/fd/1: an open file and not a name, which
        # only looks like a link to one (proc(5)).
        return None
    try:
        return calls.readlink(candidate)
    except OSError:
        # EINVAL: no link. Anything else (ENOENT, EACCES, ENOTDIR) is not a
        # question of links, and is said properly when the file is opened.
        return None
