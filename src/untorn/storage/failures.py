"""What the operating system says, in words: what happened to the file, and what to do next."""

from __future__ import annotations

import errno
import os

from untorn.errors import ReadError, WriteError

TYPE_CHECKING = False  # a load imports this module, and should not pay for typing
if TYPE_CHECKING:
    from pathlib import Path

_MOUNTED = (
    "a single file that is mounted by itself (as into a container) cannot be replaced: "
    "mount its directory instead"
)

_HINTS = {
    errno.ENOSPC: "the disk is full: free some space and save again",
    errno.EDQUOT: "your disk quota is used up: free some space and save again",
    errno.EROFS: "the file system is mounted read-only",
    errno.EBUSY: _MOUNTED,
    errno.EXDEV: "the name lies on another file system than its directory: mount the directory instead",
    errno.ENAMETOOLONG: "the file's name is too long for this file system",
    errno.EIO: "the disk reported an error: check it before you trust what it holds",
    errno.EFBIG: "it is larger than a file may be here: ulimit -f shows the limit",
    errno.ENOMEM: "the system is out of memory",
    errno.ENOLCK: "this file system has no locks, or no more of them: a save needs one",
    errno.ESTALE: "the file server no longer knows it: was it removed or exported anew? Try again",
    errno.EMFILE: "this process has too many open files",
    errno.ENFILE: "the system has too many open files",
    errno.ELOOP: "symbolic links lead in a circle: ls -l shows them",
    errno.ENOENT: "the directory is gone: was it moved or removed meanwhile?",
    errno.ENXIO: "it is a socket, or a device without a driver: name a regular file",
    errno.ENOTDIR: "a part of the path is a file, not a directory",
}


_IN_USE = "another program has it open, or a virus scanner looks at it: close that program, or try again"


class InUse(PermissionError):  # noqa: N818  it becomes a WriteError or a ReadError
    """Somebody else held a file all the time for which it was tried again (Windows)."""


def reading(error: OSError, path: Path | str) -> ReadError:
    """Return the error for a file that could not be read."""
    code = error.errno or errno.EIO
    hint = _HINTS.get(code, "")
    if code in (errno.EACCES, errno.EPERM):
        hint = _IN_USE if isinstance(error, InUse) else "ask for permission to read it: ls -l shows who may"
    return ReadError(f"cannot be read: {os.strerror(code)}", errno=code, path=path, hint=hint)


def writing(error: OSError, path: Path, doing: str) -> WriteError:
    """Return the error for a step of a save that failed before the commit point."""
    code = error.errno or errno.EIO
    hint = _HINTS.get(code, "")
    if code in (errno.EACCES, errno.EPERM):
        hint = f"saving replaces the file: you need write permission in the directory {path.parent}"
    if isinstance(error, InUse):
        hint = _IN_USE
    return refusal(f"{doing}: {os.strerror(code)}", code, path, hint)


def refusal(reason: str, code: int, path: Path, hint: str = "") -> WriteError:
    """Return the error for a save that is refused before a byte is written."""
    return WriteError(f"not saved, the file is as it was: {reason}", errno=code, path=path, hint=hint)


def mounted(path: Path) -> WriteError:
    """Return the error for a single file that is a mount point (WRITER W12)."""
    return refusal("it is mounted by itself", errno.EBUSY, path, _MOUNTED)
