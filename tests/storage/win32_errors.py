"""What the calls of Windows may say: winerror.h, as far as it can happen to a file."""

from __future__ import annotations

import errno

NOT_FOUND, NO_PATH, DENIED, BAD_HANDLE, SHARING, LOCKED, END, UNSUPPORTED = 2, 3, 5, 6, 32, 33, 38, 50
EXISTS, BAD_PARAMETER, FULL, TOO_SMALL, NOT_EMPTY, ALREADY, TOO_LONG = 80, 87, 112, 122, 145, 183, 206
DEVICE, MAPPED = 1117, 1224

ERRORS: dict[str, tuple[int, ...]] = {
    "CreateFileW": (NOT_FOUND, NO_PATH, DENIED, SHARING, FULL, EXISTS, 4, 1450, DEVICE),
    "CloseHandle": (BAD_HANDLE, DEVICE),
    "ReadFile": (LOCKED, DEVICE, 64),
    "WriteFile": (LOCKED, FULL, 1295, DEVICE),
    "FlushFileBuffers": (DENIED, FULL, DEVICE, 19),
    "GetFileInformationByHandle": (DENIED, DEVICE, 64),
    "GetFileInformationByHandleEx": (BAD_PARAMETER, DEVICE),
    "SetFileInformationByHandle": (
        DENIED, SHARING, LOCKED, BAD_PARAMETER, FULL, EXISTS, 17, 19, DEVICE, MAPPED,
    ),
    "LockFileEx": (LOCKED, 1, DEVICE),
    "UnlockFileEx": (158, DEVICE),
    "CreateDirectoryW": (DENIED, NO_PATH, ALREADY, FULL),
    "RemoveDirectoryW": (DENIED, SHARING, NOT_EMPTY),
    "GetFileAttributesW": (NOT_FOUND, DENIED, SHARING),
    "GetFinalPathNameByHandleW": (NOT_FOUND, DENIED),
    "GetFileSecurityW": (DENIED, UNSUPPORTED, DEVICE),
    "SetFileSecurityW": (DENIED, 1314, 1307),
    "ConvertStringSecurityDescriptorToSecurityDescriptorW": (BAD_PARAMETER, 8),
}  # fmt: skip
"""The errors of each call, as far as they can happen to a file."""

LIES = {
    ("CreateFileW", NOT_FOUND), ("CreateFileW", NO_PATH), ("CreateFileW", EXISTS),
    ("SetFileInformationByHandle", EXISTS), ("GetFileAttributesW", NOT_FOUND), ("LockFileEx", LOCKED),
    ("GetFileSecurityW", UNSUPPORTED), ("CreateDirectoryW", ALREADY),
}  # fmt: skip
"""Answers that nobody can see through: that there is no file, or one, or that no file has a list."""

CODES = {
    errno.ENOENT: NOT_FOUND, errno.EEXIST: EXISTS, errno.EACCES: DENIED, errno.EPERM: DENIED,
    errno.ENOTDIR: NO_PATH, errno.ENOSPC: FULL, errno.ENOTEMPTY: NOT_EMPTY,
    errno.ENAMETOOLONG: TOO_LONG, errno.EISDIR: DENIED, errno.EBADF: BAD_HANDLE,
    errno.ELOOP: 1921, errno.EXDEV: 17,
}  # fmt: skip


class Failure(Exception):  # noqa: N818  not an error of ours: what a call says
    """A call says this error."""
