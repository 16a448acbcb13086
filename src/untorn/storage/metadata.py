"""What a file is besides its bytes: owner, group, mode, ACL, attributes (WRITER W8, W9)."""

from __future__ import annotations

import errno
import stat
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from untorn.storage import failures

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from untorn.storage.syscalls import Syscalls
    from untorn.storage.temp import Temp

ACL = "system.posix_acl_access"  # acl(5), as Linux stores it
NATIVE_ACL = "untorn.access"  # what macOS and Windows have instead, in the form that they store it
LABEL = "security.selinux"
ACLS = (ACL, NATIVE_ACL)
_DEFAULT_ACL = "system.posix_acl_default"
_OWNER, _GROUP, _MASK, _OTHERS = 0x01, 0x04, 0x10, 0x20  # tags of its entries (linux/posix_acl.h)

_UNSUPPORTED = (errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS)


@dataclass(frozen=True, slots=True)
class Metadata:
    """What the file to be replaced has, and the new one shall have.

    ``attributes`` are the extended attributes that are kept: ``user.*``, the
    SELinux label, and the ACL. ``security.ima``, ``.evm`` and ``.capability``
    describe the old content and are never copied.
    """

    mode: int
    owner: int
    group: int
    attributes: dict[str, bytes]


def metadata_of(path: Path, status: os.stat_result, calls: Syscalls) -> Metadata:
    """Return what the file at ``path`` has.

    Raises:
        OSError: Its attributes cannot be read, so that they could not be kept.
    """
    attributes = {}
    for name in _listed(path, calls):
        if name.startswith("user.") or name in (*ACLS, LABEL):
            try:
                attributes[name] = calls.getxattr(path, name, follow_symlinks=False)
            except OSError as error:
                if error.errno != errno.ENODATA:  # removed since it was listed
                    raise
    return Metadata(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, attributes)


def _listed(where: Path | int, calls: Syscalls) -> list[str]:
    try:
        return (
            calls.listxattr(where)
            if isinstance(where, int)
            else calls.listxattr(where, follow_symlinks=False)
        )
    except OSError as error:
        if error.errno in _UNSUPPORTED:
            return []
        raise


@dataclass(slots=True)
class Transfer:
    """Puts the metadata of one file on another that nobody else has access to yet.

    The order matters (WRITER W3): the owner first, because chown(2) clears the
    set-id bits; then the ACL that the directory may have passed on goes, because
    fchmod(2) would open its mask to strangers; then the file's own ACL and mode.
    """

    fd: int
    path: Path
    strictness: Literal["strict", "best"]
    calls: Syscalls
    warnings: list[str]

    def put(self, wanted: Metadata, temp: os.stat_result) -> None:
        """Make the new file like the old one.

        Raises:
            WriteError: Owner, group, ACL or label cannot be kept, and ``strictness`` is ``"strict"``.
            OSError: Another call failed.
        """
        mode = wanted.mode
        if not self._own(wanted, temp):
            # Who is in a group, and who is everybody else, is no longer the
            # same: both get no more than both had.
            both = (mode >> 3) & mode & 0o007
            mode = (mode & 0o700) | both << 3 | both
        listed = _listed(self.fd, self.calls)
        for acl in ACLS:
            value = wanted.attributes.get(acl)
            if value is None and acl in listed:
                self.calls.removexattr(self.fd, acl)
            if value is not None and not self._attribute(acl, value, "its access control list"):
                # The group's bits were the mask of the list, and the list may deny
                # somebody what the bits of all others grant.
                mode &= 0o700
        self.calls.fchmod(self.fd, mode)
        for name, value in wanted.attributes.items():
            if name == LABEL:
                self._attribute(name, value, "its SELinux label")
            elif name not in ACLS:
                self._user_attribute(name, value)

    def _own(self, wanted: Metadata, temp: os.stat_result) -> bool:
        """Give the file its owner and group; return whether it has them now."""
        if (temp.st_uid, temp.st_gid) == (wanted.owner, wanted.group):
            return True
        try:
            self.calls.fchown(self.fd, wanted.owner, wanted.group)
        except PermissionError as error:
            self._lost(f"owner {wanted.owner} and group {wanted.group}", error)
            return False
        return True

    def _attribute(self, name: str, value: bytes, what: str) -> bool:
        try:
            self.calls.setxattr(self.fd, name, value)
        except OSError as error:
            self._lost(what, error)
            return False
        return True

    def _user_attribute(self, name: str, value: bytes) -> None:
        try:
            self.calls.setxattr(self.fd, name, value)
        except OSError as error:
            self.warnings.append(f"attribute {name} could not be kept: {error.strerror}")

    def _lost(self, what: str, error: OSError) -> None:
        if self.strictness == "strict":
            raise failures.refusal(
                f"{what} could not be kept: {error.strerror}",
                error.errno or errno.EPERM,
                self.path,
                "save as a user who may, or accept the loss with metadata='best'",
            ) from error
        self.warnings.append(f"{what} could not be kept: {error.strerror}")


def put_new(temp: Temp, directory: int, mode: int | None, calls: Syscalls) -> None:
    """Give a new file its mode: ``mode``, or what open(2) would give one made with ``0o666``.

    That is ``0o666`` without the umask's bits; where the directory has a default
    ACL, which the file has inherited, that decides instead (umask(2)). What a
    directory passes on elsewhere, the file gets unless it is its owner's alone.
    """
    if mode is None:
        inherited = _default_acl_mode(directory, calls)
        mode = 0o666 & (~_umask(temp, directory, calls) if inherited is None else inherited)
    if mode & 0o077:
        calls.inherit(temp.fd, directory, temp.another_name())
    calls.fchmod(temp.fd, mode)


def _umask(temp: Temp, directory: int, calls: Syscalls) -> int:
    try:
        return calls.umask(directory, temp.another_name())
    except OSError:
        return 0o077  # where the system does not tell, a file of one's own is the safe answer


def _default_acl_mode(directory: int, calls: Syscalls) -> int | None:
    """Return the permission bits that the directory's default ACL stands for, if it has one.

    The temp's own copy does not tell: it was made with 0600, which has closed
    the mask and what all others may.
    """
    try:
        raw = calls.getxattr(directory, _DEFAULT_ACL)
    except OSError as error:
        if error.errno in (errno.ENODATA, *_UNSUPPORTED):
            return None
        raise
    may: dict[int, int] = {tag: bits for tag, bits, _ in struct.iter_unpack("<HHI", raw[4:])}
    group = may.get(_MASK, may[_GROUP])
    return may[_OWNER] << 6 | group << 3 | may[_OTHERS]
