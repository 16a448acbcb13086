"""What Windows makes of names, and of errors: no calls, so that any system can try it."""

from __future__ import annotations

import errno
import ntpath
import os
import re

from untorn.revisions import revision_of

_DEVICES = frozenset({
    "con", "prn", "aux", "nul", "conin$", "conout$",
    *(kind + number for kind in ("com", "lpt") for number in "0123456789¹²³"),
})  # fmt: skip
_FORBIDDEN = re.compile(r'[<>"|?*\x00-\x1f/\\]')

_LONG, _LONG_SERVER = "\\\\?\\", "\\\\?\\UNC\\"

# winerror.h; what is not here is an error of the device's.
_NUMBERS = {
    1: errno.ENOTSUP, 2: errno.ENOENT, 3: errno.ENOENT, 4: errno.EMFILE, 5: errno.EACCES, 6: errno.EBADF,
    8: errno.ENOMEM, 14: errno.ENOMEM, 17: errno.EXDEV, 19: errno.EROFS, 32: errno.EACCES, 33: errno.EACCES,
    36: errno.ENFILE, 39: errno.ENOSPC, 50: errno.ENOTSUP, 53: errno.ENOENT, 65: errno.EACCES,
    67: errno.ENOENT, 80: errno.EEXIST, 87: errno.ENOTSUP, 112: errno.ENOSPC, 123: errno.EINVAL,
    124: errno.ENOTSUP, 145: errno.ENOTEMPTY, 161: errno.ENOENT, 183: errno.EEXIST, 206: errno.ENAMETOOLONG,
    223: errno.EFBIG, 267: errno.ENOTDIR, 303: errno.EACCES, 995: errno.EINTR, 1224: errno.EACCES,
    1295: errno.EDQUOT, 1314: errno.EPERM, 1450: errno.ENOMEM, 1816: errno.EDQUOT, 1920: errno.EACCES,
    1921: errno.ELOOP, 4390: errno.EINVAL,
}  # fmt: skip


def error_number(code: int) -> int:
    """Return what POSIX calls an error of Windows."""
    return _NUMBERS.get(code, errno.EIO)


def native(path: str) -> str:
    r"""Return an absolute path as Windows takes it at any length and as it is written.

    Without ``\\?\`` it would end at 260 characters, and a file named ``NUL`` or
    ``a.json.`` would be another than it says.
    """
    path = path.replace("/", "\\")
    if path.startswith(_LONG):
        return path
    return _LONG_SERVER + path[2:] if path.startswith("\\\\") else _LONG + path


def plain(path: str) -> str:
    """Return such a path as people write it."""
    if path.startswith(_LONG_SERVER):
        return "\\\\" + path.removeprefix(_LONG_SERVER)
    return path.removeprefix(_LONG).replace("\\", os.sep) if path.startswith(_LONG) else path


def link_target(link: str, leads_to: str) -> str:
    """Return where ``link`` leads, as people write it; a path without a drive is on that of the link."""
    if leads_to.startswith("\\\\"):
        return plain(leads_to)
    return ntpath.splitdrive(link)[0] + leads_to if leads_to.startswith("\\") else leads_to


def unusable(name: str) -> str:
    """Return why Windows, or its programs, would take this name for something else; or an empty string."""
    if ":" in name:
        return "a name with a colon is a stream beside a file"
    if _FORBIDDEN.search(name):
        return 'no name on Windows has any of < > " | ? * in it, nor a control character'
    if name.rstrip(". ") != name:
        return "other programs leave out dots and blanks at the end of a name"
    if name.partition(".")[0].rstrip(" ").casefold() in _DEVICES:
        return "this is a name of a device, whatever follows the dot"
    return ""


def lock_name(path: str) -> str:
    """Return the name of the file that is locked for ``path``, however that is spelled."""
    digest = revision_of(path.casefold().encode("utf-8", "surrogatepass")).digest
    return f"{digest}.lock"
