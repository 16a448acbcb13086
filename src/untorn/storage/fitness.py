"""What is not to be replaced: names and targets that a save refuses (WRITER W11, W14, W15)."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from typing import TYPE_CHECKING

from untorn.storage import failures, flags
from untorn.storage.snapshot import unlike_a_file

if TYPE_CHECKING:
    from pathlib import Path

    from untorn.storage.syscalls import Syscalls


@dataclass(frozen=True, slots=True)
class Found:
    """What is there: a file by its path, by its name in a directory that is open, and its status."""

    path: Path
    name: str
    directory: int
    status: os.stat_result

    @property
    def is_link(self) -> bool:
        """Whether it is a symbolic link, which shall be replaced itself."""
        return stat.S_ISLNK(self.status.st_mode)


def refuse_strange_names(path: Path, name: str, calls: Syscalls) -> None:
    """Raise where no file can be saved under this name.

    Raises:
        WriteError: It names a directory, belongs to the kernel, or is nothing for this platform.
    """
    if not name:
        raise failures.refusal("is a directory", errno.EISDIR, path)
    if path.parts[:2] == ("/", "proc"):
        raise failures.refusal("is a name of the kernel's, not a file", errno.EINVAL, path)
    unusable = calls.unusable(path)
    if unusable:
        raise failures.refusal(unusable, errno.EINVAL, path, "save it under another name")


def warnings_about(found: Found, *, force: bool, hard_links: str, calls: Syscalls) -> list[str]:
    """Return what a receipt has to say of a target that is replaced.

    Raises:
        WriteError: It is not to be replaced.
    """
    strange = unlike_a_file(found.status.st_mode)
    if strange is not None and not found.is_link:
        reason, code = strange
        raise failures.refusal(reason, code, found.path, "only regular files are replaced")
    warnings = _about_links(found, hard_links)
    if not force and not _writable(found, calls):
        raise failures.refusal(
            "it is read-only", errno.EACCES, found.path, "make it writable, or say force=True"
        )
    return warnings


def _about_links(found: Found, hard_links: str) -> list[str]:
    others = found.status.st_nlink - 1
    if others < 1 or found.is_link:
        return []
    names = f"{others} other name{'' if others == 1 else 's'} (hard links)"
    if hard_links == "refuse":
        raise failures.refusal(
            f"it has {names}, which would go on showing the old content",
            errno.EMLINK,
            found.path,
            "say hard_links='break' if they may",
        )
    return [f"{names} still show the old content"]


def _writable(found: Found, calls: Syscalls) -> bool:
    # access(2) with the effective ids knows immutable files and read-only
    # mounts too; it follows links, and a link has no mode of its own.
    plainly = found.is_link or (
        found.status.st_uid == flags.effective_user() and found.status.st_mode & stat.S_IWUSR
    )
    return bool(plainly) or calls.access(found.name, os.W_OK, dir_fd=found.directory, effective_ids=True)
