"""What the record of a transaction holds: which files, what each held, and where its new bytes lie (W25)."""

from __future__ import annotations

import json
import os
import re
from dataclasses import dataclass
from typing import TYPE_CHECKING

from untorn.storage.journal_format import sealed, unsealed
from untorn.storage.names import stem_of

if TYPE_CHECKING:
    from collections.abc import Sequence

_MAGIC = b"untorn transaction 1\n"
_RECORD = re.compile(re.escape(_MAGIC) + rb"(?:file [^\n]*\n)+")
_TEMP = re.compile(r"[0-9a-f]{32}\.([0-9a-f]{32})\.tmp")
_DIGEST = re.compile(r"[0-9a-f]{64}")


@dataclass(frozen=True, slots=True)
class Entry:
    """One file of a transaction.

    Attributes:
        name: Its name in the record's directory.
        base: The digest of what it held; ``None``: there was no file.
        temp: The name of the temp with its new bytes.
        new: The digest of these.
    """

    name: str
    base: str | None
    temp: str
    new: str


def encode(entries: Sequence[Entry]) -> bytes:
    """Return the bytes of a record."""
    lines = [json.dumps([each.name, each.base, each.temp, each.new]) for each in entries]
    return sealed(_MAGIC + "".join(f"file {line}\n" for line in lines).encode("ascii"))


def decode(data: bytes) -> tuple[Entry, ...]:
    """Return the files of the record that these bytes are.

    Raises:
        ValueError: They are none, or not a whole one; the message says what is wrong.
    """
    header = _RECORD.match(data)
    if header is None:
        msg = "it is no record of a transaction"
        raise ValueError(msg)
    if unsealed(data, header.end()) != len(data):
        msg = "there is more in it than a record"
        raise ValueError(msg)
    return tuple(_entry(*json.loads(line[5:])) for line in header[0].split(b"\n")[1:-1])


def _entry(name: str, base: str | None, temp: str, new: str) -> Entry:
    """Return a file of the record, whose names lead nowhere else but into its directory."""
    stem = stem_of(name)
    match = _TEMP.fullmatch(temp, len(stem)) if temp.startswith(stem) else None
    plain = name not in ("", os.curdir, os.pardir) and not {"/", os.sep, "\0"} & set(name)
    digests = [new] if base is None else [new, base]
    if not plain or match is None or not all(map(_DIGEST.fullmatch, digests)) or match[1] != new[:32]:
        msg = f"what it says of {name!r} makes no sense"
        raise ValueError(msg)
    return Entry(name, base, temp, new)
