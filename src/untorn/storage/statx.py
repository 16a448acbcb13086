"""What Linux tells of a file and Python's ``os.stat`` does not: flags, and mount points (statx(2))."""

from __future__ import annotations

import os
import struct
from dataclasses import dataclass
from typing import TYPE_CHECKING

from untorn.storage import libc

if TYPE_CHECKING:
    from pathlib import Path

_HERE = -100  # AT_FDCWD
_NO_FOLLOW = 0x100  # AT_SYMLINK_NOFOLLOW
_SIZE = 256  # struct statx, with all that it may grow by
_ATTRIBUTES, _SUPPORTED = 8, 56  # offsets of stx_attributes and stx_attributes_mask
_IMMUTABLE, _APPEND, _MOUNT_ROOT = 0x10, 0x20, 0x2000


@dataclass(frozen=True, slots=True)
class Flags:
    """What a file is besides its mode; ``None``: the file system does not tell.

    Attributes:
        immutable: Nobody, root included, may change, replace or remove it (chattr +i).
        append_only: Nobody may do more than append to it (chattr +a); in such a
            directory, nothing may be renamed or removed.
        mount_root: Something is mounted here (Linux 5.8).
    """

    immutable: bool | None = None
    append_only: bool | None = None
    mount_root: bool | None = None


def flags_of(path: Path) -> Flags:
    """Return the flags of what is at ``path``, links not followed; nothing known where that fails."""
    statx, answer = libc.function("statx"), bytearray(_SIZE)
    if statx is None or statx(_HERE, os.fsencode(path), _NO_FOLLOW, 0, libc.filled(answer)) != 0:
        return Flags()
    [set_] = struct.unpack_from("=Q", answer, _ATTRIBUTES)
    [known] = struct.unpack_from("=Q", answer, _SUPPORTED)

    def has(flag: int) -> bool | None:
        return bool(set_ & flag) if known & flag else None

    return Flags(has(_IMMUTABLE), has(_APPEND), has(_MOUNT_ROOT))
