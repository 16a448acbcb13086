"""A file that several programs share: whole texts of it, and which version each is.

A version is fully said by its numbers, so that a text is either exactly what its
version looks like, comments and all, or it is broken.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from untorn.keypath import KeyPath
    from untorn.values import Value

FORMATS = ("toml", "yaml", "jsonc")
TOTAL: KeyPath = ("total",)
_NOTE = re.compile(r"\(note \d+\)")
_COUNTS = re.compile(r'^ *"?(?:total|edits|saves)"?(?: =|:) (\d+)', re.MULTILINE)
_SIGN = {"toml": "#", "yaml": "#", "jsonc": "//"}


@dataclass(frozen=True, slots=True)
class Version:
    """What a text holds.

    Attributes:
        note: The number that all its comments have.
        counts: What ``paths`` lead to, in that order.
    """

    note: int
    counts: tuple[int, ...]

    def plus(self, at: int) -> Version:
        """Return the version in which one count is one more."""
        counts = (*self.counts[:at], self.counts[at] + 1, *self.counts[at + 1 :])
        return replace(self, counts=counts)


def paths(programs: int) -> list[KeyPath]:
    """Return where the counts of a file are that so many programs share."""
    own = [(f"p{at}", what) for at in range(programs) for what in ("edits", "saves")]
    return [TOTAL, *own]


def first(programs: int) -> Version:
    """Return the version that a file begins with."""
    return Version(0, (0,) * len(paths(programs)))


def text_of(version: Version, format: str) -> bytes:
    """Return the text of a version."""
    sign, note = _SIGN[format], f"(note {version.note})"
    total, *own = version.counts
    programs = list(zip(own[::2], own[1::2], strict=True))
    make = {"toml": _toml, "yaml": _yaml, "jsonc": _jsonc}[format]
    return make(total, programs, f"{sign} %s {note}").encode()


def _toml(total: int, programs: Sequence[tuple[int, int]], says: str) -> str:
    lines = [says % "counted by everybody", f"total = {total}", ""]
    for at, (edits, saves) in enumerate(programs):
        lines += [f"[p{at}]", says % f"edits of {at}", f"edits = {edits}"]
        lines += [f"saves = {saves}  {says % f'by {at}'}", ""]
    return "\n".join(lines)


def _yaml(total: int, programs: Sequence[tuple[int, int]], says: str) -> str:
    lines = [says % "counted by everybody", f"total: {total}", ""]
    for at, (edits, saves) in enumerate(programs):
        lines += [f"p{at}:", f"  {says % f'edits of {at}'}", f"  edits: {edits}"]
        lines += [f"  saves: {saves}  {says % f'by {at}'}", ""]
    return "\n".join(lines)


def _jsonc(total: int, programs: Sequence[tuple[int, int]], says: str) -> str:
    lines = ["{", f"  {says % 'counted by everybody'}", f'  "total": {total},', ""]
    for at, (edits, saves) in enumerate(programs):
        lines += [f'  "p{at}": {{', f"    {says % f'edits of {at}'}", f'    "edits": {edits},']
        lines += [f'    "saves": {saves}  {says % f"by {at}"}', "  }," if at < len(programs) - 1 else "  }"]
    return "\n".join([*lines, "}", ""])


def version_of(data: bytes, format: str, programs: int) -> Version | None:
    """Return which version ``data`` is, to the last byte; ``None`` if it is none."""
    text = data.decode("utf-8", "replace")
    note = _NOTE.search(text)
    counts = tuple(int(each) for each in _COUNTS.findall(text))
    if note is None or len(counts) != len(paths(programs)):
        return None
    version = Version(int(note[0][6:-1]), counts)
    return version if text_of(version, format) == data else None


def noted(data: bytes, note: int) -> bytes:
    """Return ``data`` with another number in all of its comments, and else unchanged."""
    return _NOTE.sub(f"(note {note})", data.decode()).encode()


def counts_in(value: Mapping[str, Value], programs: int) -> tuple[int, ...]:
    """Return the counts that a value holds."""
    return tuple(_at(value, path) for path in paths(programs))


def _at(value: Value, path: KeyPath) -> int:
    for key in path:
        value = value[key]
    return int(value)
