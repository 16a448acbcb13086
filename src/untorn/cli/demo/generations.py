"""Contents that show whether they are whole: one numbered line, over and over."""

from __future__ import annotations

_LINES = 16_384
_DIGITS = 15
SIZE = _LINES * (_DIGITS + 1)
"""How many bytes each content has: large enough for a save to take a while."""


def content(number: int) -> bytes:
    """Return the content of a number."""
    return b"%0*d\n" % (_DIGITS, number) * _LINES


def is_whole(data: bytes) -> bool:
    """Return whether ``data`` is the content of one number, from its first byte to its last."""
    return len(data) == SIZE and data == data[: _DIGITS + 1] * _LINES
