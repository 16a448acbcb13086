"""Watch and disturb the system calls of a save, through the table."""

from __future__ import annotations

import errno
import os
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

from untorn import storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

# What the man pages list, as far as it can happen to these calls on a file.
# open(2), close(2), read(2), write(2), fstat(2), fsync(2), rename(2), …
ERRORS: dict[str, tuple[int, ...]] = {
    "open": (
        errno.EACCES, errno.EDQUOT, errno.EEXIST, errno.EINTR, errno.EIO, errno.ELOOP, errno.EMFILE,
        errno.ENAMETOOLONG, errno.ENFILE, errno.ENOENT, errno.ENOMEM, errno.ENOSPC, errno.ENOTDIR,
        errno.EOVERFLOW, errno.EPERM, errno.EROFS, errno.ETXTBSY,
    ),
    "close": (errno.EBADF, errno.EINTR, errno.EIO, errno.ENOSPC, errno.EDQUOT),
    "read": (errno.EIO, errno.EINTR, errno.EISDIR, errno.EINVAL, errno.EBADF),
    "pread": (errno.EIO, errno.EINTR, errno.EISDIR, errno.EINVAL, errno.EOVERFLOW),
    "write": (errno.EDQUOT, errno.EFBIG, errno.EINTR, errno.EIO, errno.ENOSPC, errno.EPERM),
    "pwrite": (errno.EDQUOT, errno.EFBIG, errno.EINTR, errno.EIO, errno.ENOSPC, errno.EPERM),
    "ftruncate": (errno.EFBIG, errno.EINTR, errno.EINVAL, errno.EIO, errno.EPERM, errno.ETXTBSY),
    "reserve": (errno.ENOSPC, errno.EDQUOT, errno.EFBIG, errno.EINTR, errno.EIO, errno.ENOSYS, errno.EOPNOTSUPP),
    "fstat": (errno.EBADF, errno.EIO, errno.ENOMEM, errno.EOVERFLOW),
    "stat": (errno.EACCES, errno.EIO, errno.ELOOP, errno.ENOENT, errno.ENOMEM, errno.ENOTDIR, errno.ESTALE),
    "access": (errno.EACCES, errno.EIO, errno.ENOENT, errno.EROFS),
    "readlink": (errno.EACCES, errno.EIO, errno.ENOENT, errno.ENOMEM),
    "fsync": (errno.EIO, errno.ENOSPC, errno.EDQUOT, errno.EROFS, errno.EINVAL, errno.EINTR),
    "fchmod": (errno.EIO, errno.ENOMEM, errno.EPERM, errno.EROFS),
    "fchown": (errno.EIO, errno.EPERM, errno.EROFS),
    "rename": (
        errno.EACCES, errno.EBUSY, errno.EDQUOT, errno.EIO, errno.EISDIR, errno.ELOOP, errno.EMLINK,
        errno.ENOENT, errno.ENOMEM, errno.ENOSPC, errno.ENOTDIR, errno.ENOTEMPTY, errno.EPERM, errno.EROFS,
        errno.ESTALE, errno.EXDEV,
    ),
    "rename_new": (
        errno.EACCES, errno.EEXIST, errno.EIO, errno.ENOSPC, errno.ENOTDIR, errno.EROFS, errno.ESTALE,
    ),
    "unlink": (errno.EACCES, errno.EBUSY, errno.EIO, errno.ENOENT, errno.EPERM, errno.EROFS),
    "mkdir": (
        errno.EACCES, errno.EDQUOT, errno.EEXIST, errno.EMLINK, errno.ENOENT, errno.ENOSPC, errno.EROFS,
    ),
    "rmdir": (errno.EBUSY, errno.ENOENT, errno.ENOTEMPTY, errno.EROFS),
    "listdir": (errno.EACCES, errno.EMFILE, errno.ENOENT, errno.ENOMEM),
    "flock": (errno.EBADF, errno.EINTR, errno.ENOLCK, errno.EWOULDBLOCK),
    "listxattr": (errno.ENOTSUP, errno.E2BIG, errno.EIO, errno.ERANGE, errno.EACCES),
    "getxattr": (errno.ENODATA, errno.ENOTSUP, errno.EIO, errno.ERANGE),
    "setxattr": (errno.EDQUOT, errno.ENOSPC, errno.ENOTSUP, errno.EPERM, errno.EACCES, errno.EIO),
    "removexattr": (errno.ENODATA, errno.ENOTSUP, errno.EPERM, errno.EIO),
}  # fmt: skip

NAMES = tuple(vars(storage.REAL))


class Watch:
    """The calls that were made, by name, while a table was watched."""

    def __init__(self) -> None:
        self.made: list[str] = []
        self.arguments: list[tuple[Any, ...]] = []


@contextmanager
def watched(before: Callable[[int, str], None] = lambda _nth, _name: None,
            after: Callable[[int, str], None] = lambda _nth, _name: None) -> Iterator[Watch]:  # fmt: skip
    """Call ``before`` and ``after`` around each call of the table; both may raise, or kill."""
    watch = Watch()
    real = dict(vars(storage.REAL))

    def wrap(name: str) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:
            nth = len(watch.made)
            watch.made.append(name)
            watch.arguments.append(arguments)
            try:
                before(nth, name)
            except OSError:
                if name == "close":  # it frees the descriptor whatever it reports (close(2))
                    real[name](*arguments, **keywords)
                raise
            try:
                return real[name](*arguments, **keywords)
            finally:
                after(nth, name)

        return call

    for name in NAMES:
        setattr(storage.REAL, name, wrap(name))
    try:
        yield watch
    finally:
        for name, function in real.items():
            setattr(storage.REAL, name, function)


def raising(
    at: int, error: Callable[[], BaseException], *, persistent: bool = False
) -> Callable[[int, str], None]:
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
