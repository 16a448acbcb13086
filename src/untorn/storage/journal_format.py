"""What a journal of an in-place write is called, what it holds, and which files it fits (W12).

A journal is one file: a header of a few lines that people can read, the bytes
that the file held, and the bytes that it shall hold.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, TypeAlias

from untorn.records import revision_of

if TYPE_CHECKING:
    from pathlib import Path

State: TypeAlias = Literal["base", "new", "mixture", "foreign"]
"""What a file holds beside its journal; ``mixture``: an overwriting that was cut off."""

HEADER_MOST = 1 << 16
"""How many bytes a header has at most: a path has 4,096, each written with up to ten."""

SECTOR = 512
"""The least that a disk writes as a whole; what it keeps of a cut-off write begins and ends with one."""

NAME = re.compile(r"untorn-(\d+)(?:-(\d+))?\.journal")

_MAGIC = b"untorn journal "
_HEADER = re.compile(
    rb"untorn journal 1\n"
    rb"path ([^\n]*)\n"
    rb"inode (\d{1,20})\n"
    rb"birth (\d{1,20}|unknown)\n"
    rb"base (\d{1,15}) ([0-9a-f]{64})\n"
    rb"new (\d{1,15}) ([0-9a-f]{64})\n"
)
_CHECKSUM = re.compile(rb"header ([0-9a-f]{64})\n\n")


@dataclass(frozen=True, slots=True)
class Identity:
    """Which file it is, under whatever path it is mounted.

    Attributes:
        inode: Its inode number.
        birth: When it was made, in nanoseconds since 1970; ``None`` where the
            file system does not tell. Inode numbers are used again.
    """

    inode: int
    birth: int | None

    @property
    def journal_name(self) -> str:
        """What the file's journal is called, in whichever directory."""
        birth = "" if self.birth is None else f"-{self.birth}"
        return f"untorn-{self.inode}{birth}.journal"


@dataclass(frozen=True, slots=True)
class Journal:
    """A complete journal.

    Attributes:
        path: The file's path as its writer saw it, as a Python string literal: for people.
        identity: Which file it is for.
        base: What the file held.
        new: What the file shall hold.
    """

    path: str
    identity: Identity
    base: bytes
    new: bytes

    def state_of(self, now: bytes) -> State:
        """Return what a file that holds ``now`` is to this journal."""
        if now == self.new:
            return "new"
        if now == self.base:
            return "base"
        if len(now) > max(len(self.base), len(self.new)):
            return "foreign"
        starts = range(0, len(now), SECTOR)
        return "mixture" if all(self._cut_off(now, start) for start in starts) else "foreign"

    def _cut_off(self, now: bytes, start: int) -> bool:
        """Return whether this sector is new up to some byte, and from there base or empty.

        A disk keeps whole sectors. A process that is killed stops at any byte,
        and what is in memory then may reach the disk.
        """
        stop = min(start + SECTOR, len(now))
        there, base, new = (_between(data, start, stop) for data in (now, self.base, self.new))
        if there in (base, new):
            return True
        written = next(at for at, (is_, will) in enumerate(zip(there, new, strict=True)) if is_ != will)
        return there[written:] in (base[written:], bytes(stop - start - written))


def _between(data: bytes, start: int, stop: int) -> bytes:
    """Return these bytes, with zeros where there are none: what a longer file has in their place."""
    return data[start:stop].ljust(stop - start, b"\0")


def path_text(path: Path) -> str:
    """Return ``path`` as a header has it: one line, whatever the name."""
    return ascii(str(path))


def encode(path: Path, identity: Identity, base: bytes, new: bytes) -> bytes:
    """Return the bytes of a journal."""
    birth = "unknown" if identity.birth is None else identity.birth
    header = (
        f"untorn journal 1\npath {path_text(path)}\ninode {identity.inode}\nbirth {birth}\n"
        f"base {len(base)} {_digest(base)}\nnew {len(new)} {_digest(new)}\n"
    ).encode("ascii")
    return b"".join([sealed(header), base, new])


def decode(data: bytes) -> Journal:
    """Return the journal that these bytes are.

    Raises:
        ValueError: They are none, or not a whole one; the message says what is wrong.
    """
    header = _HEADER.match(data, 0, HEADER_MOST)
    if header is None:
        msg = "its header cannot be read" if data.startswith(_MAGIC) else "it is no journal of untorn"
        raise ValueError(msg)
    behind = unsealed(data, header.end())
    path, inode, birth, base_size, base_digest, new_size, new_digest = (
        part.decode() for part in header.groups()
    )
    middle = behind + int(base_size)
    base, new = data[behind:middle], data[middle:]
    if len(new) != int(new_size) or (_digest(base), _digest(new)) != (base_digest, new_digest):
        msg = "its content is damaged or cut off"
        raise ValueError(msg)
    identity = Identity(int(inode), None if birth == "unknown" else int(birth))
    return Journal(path, identity, base, new)


def sealed(header: bytes) -> bytes:
    """Return ``header`` with the line that proves it whole."""
    return header + f"header {_digest(header)}\n\n".encode("ascii")


def unsealed(data: bytes, end: int) -> int:
    """Return where the line ends that proves ``data[:end]`` whole.

    Raises:
        ValueError: It does not.
    """
    checksum = _CHECKSUM.match(data, end)
    if checksum is None or checksum[1].decode() != _digest(data[:end]):
        msg = "its header is damaged"
        raise ValueError(msg)
    return checksum.end()


def _digest(data: bytes) -> str:
    digest = revision_of(data).digest
    assert digest is not None
    return digest
