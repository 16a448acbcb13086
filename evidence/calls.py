"""Watch and disturb the system calls of a save, through the table."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from untorn import storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Hook = Callable[[int, str], None]

# What the man pages list, as far as it can happen to these calls on a file, and
# what network file systems add: open(2), close(2), read(2), write(2), stat(2), …
_PATH = (
    errno.EACCES, errno.EIO, errno.ELOOP, errno.ENAMETOOLONG, errno.ENOENT, errno.ENOMEM, errno.ENOTDIR,
    errno.ESTALE,
)  # fmt: skip
_CHANGE = (*_PATH, errno.EDQUOT, errno.ENOSPC, errno.EPERM, errno.EROFS)
_OPEN = (
    *_CHANGE, errno.EBUSY, errno.EEXIST, errno.EFBIG, errno.EINTR, errno.EINVAL, errno.EISDIR, errno.EMFILE,
    errno.ENFILE, errno.ENODEV, errno.ENXIO, errno.EOPNOTSUPP, errno.EOVERFLOW, errno.ETXTBSY,
    errno.EWOULDBLOCK,
)  # fmt: skip
_READ = (errno.EIO, errno.EINTR, errno.EISDIR, errno.EINVAL, errno.EBADF, errno.EAGAIN, errno.ESTALE)
_WRITE = (
    errno.EAGAIN, errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EINTR, errno.EINVAL, errno.EIO, errno.ENOSPC,
    errno.EPERM, errno.ESTALE,
)  # fmt: skip
_RENAME = (*_CHANGE, errno.EBUSY, errno.EINVAL, errno.EISDIR, errno.EMLINK, errno.ENOTEMPTY, errno.EXDEV)
_ATTRIBUTE = (errno.ENOTSUP, errno.EACCES, errno.EPERM, errno.EIO, errno.ENOMEM, errno.ESTALE)

ERRORS: dict[str, tuple[int, ...]] = {
    "open": _OPEN,
    "close": (errno.EBADF, errno.EINTR, errno.EIO, errno.ENOSPC, errno.EDQUOT),
    "read": _READ,
    "pread": (*_READ, errno.EOVERFLOW, errno.ENXIO),
    "write": _WRITE,
    "pwrite": (*_WRITE, errno.EOVERFLOW),
    "ftruncate": (errno.EBADF, errno.EFBIG, errno.EINTR, errno.EINVAL, errno.EIO, errno.EPERM, errno.ETXTBSY),
    "reserve": (
        errno.EBADF, errno.EDQUOT, errno.EFBIG, errno.EINTR, errno.EINVAL, errno.EIO, errno.ENODEV,
        errno.ENOSPC, errno.ENOSYS, errno.EOPNOTSUPP, errno.EPERM, errno.ETXTBSY,
    ),
    "fstat": (errno.EBADF, errno.EIO, errno.ENOMEM, errno.EOVERFLOW, errno.ESTALE),
    "stat": (*_PATH, errno.EBADF, errno.EOVERFLOW),
    "access": (*_PATH, errno.EINVAL, errno.EPERM, errno.EROFS, errno.ETXTBSY),
    "readlink": (*_PATH, errno.EINVAL),
    "birth": (*_PATH, errno.EBADF, errno.EINVAL, errno.ENOSYS, errno.EPERM),
    "fsync": (errno.EBADF, errno.EDQUOT, errno.EINTR, errno.EINVAL, errno.EIO, errno.ENOSPC, errno.EROFS),
    "write_back": (errno.EBADF, errno.EINVAL, errno.EIO, errno.ENOMEM, errno.ENOSPC, errno.ENOSYS),
    "fchmod": (errno.EBADF, errno.EIO, errno.ENOMEM, errno.EPERM, errno.EROFS),
    "fchown": (errno.EBADF, errno.EDQUOT, errno.EIO, errno.ENOMEM, errno.EPERM, errno.EROFS),
    "rename": _RENAME,
    "rename_new": (*_RENAME, errno.EEXIST),
    "exchange": _RENAME,
    "symlink": (*_CHANGE, errno.EEXIST),
    "unlink": (*_CHANGE, errno.EBUSY, errno.EISDIR),
    "mkdir": (*_CHANGE, errno.EEXIST, errno.EINVAL, errno.EMLINK),
    "rmdir": (*_PATH, errno.EBUSY, errno.EINVAL, errno.ENOTEMPTY, errno.EPERM, errno.EROFS),
    "listdir": (errno.EACCES, errno.EBADF, errno.EIO, errno.EMFILE, errno.ENOENT, errno.ENOMEM),
    "flock": (errno.EBADF, errno.EINTR, errno.EINVAL, errno.ENOLCK, errno.EWOULDBLOCK),
    "listxattr": (*_ATTRIBUTE, errno.E2BIG, errno.ERANGE),
    "getxattr": (*_ATTRIBUTE, errno.E2BIG, errno.ENODATA, errno.ERANGE),
    "setxattr": (*_ATTRIBUTE, errno.EDQUOT, errno.ENOSPC, errno.ERANGE, errno.EROFS),
    "removexattr": (*_ATTRIBUTE, errno.ENODATA, errno.EROFS),
}  # fmt: skip
"""The errors of each entry of the table; one that is missing here is caught by a test."""

NAMES = tuple(vars(storage.REAL))


class Watch:
    """The calls that were made, by name, while a table was watched."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.arguments: list[tuple[Any, ...]] = []


def _nothing(_nth: int, _name: str) -> None:
    pass


@contextmanager
def watched(before: Hook = _nothing, after: Hook = _nothing) -> Iterator[Watch]:
    """Call ``before`` and ``after`` around each call of the table; both may raise, or kill.

    What they themselves call through the table is not counted.
    """
    watch = Watch()
    real = dict(vars(storage.REAL))
    busy = False

    def hooked(hook: Hook, nth: int, name: str) -> None:
        nonlocal busy
        busy = True
        try:
            hook(nth, name)
        finally:
            busy = False

    def wrap(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401  whatever the entry takes
            if busy:
                return real[name](*arguments, **keywords)
            nth = len(watch.made)
            watch.made.append(name)
            watch.arguments.append(arguments)
            try:
                hooked(before, nth, name)
            except OSError:
                if name == "close":  # it frees the descriptor whatever it reports (close(2))
                    real[name](*arguments, **keywords)
                raise
            try:
                return real[name](*arguments, **keywords)
            finally:
                hooked(after, nth, name)

        return call

    for name in real:
        setattr(storage.REAL, name, wrap(name))
    try:
        yield watch
    finally:
        for name, function in real.items():
            setattr(storage.REAL, name, function)


def raising(at: int, error: Callable[[], BaseException], *, persistent: bool = False) -> Hook:
    """Raise at the call of this number; ``persistent``: at that one and every later call of its name."""
    struck: list[str] = []

    def strike(nth: int, name: str) -> None:
        if nth == at:
            struck.append(name)
        if (nth == at) or (persistent and name in struck):
            raise error()

    return strike


def os_error(code: int) -> OSError:
    """Return the error that Python makes of an errno: the right subclass."""
    return OSError(code, os.strerror(code))
