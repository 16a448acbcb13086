"""Limits that hostile input meets before it can hurt (promise 11)."""

from __future__ import annotations

from untorn.errors import LimitError

MAX_DEPTH = 200
"""How deep containers may nest. Real files stay below 30; the interpreter's own
stack, which a caller may have used already, ends near 1,000."""

MAX_DIGITS = 4300
"""How many digits a number may have: Python's own limit since 3.11 (CVE-2020-10735)."""

_OPENERS = r'"(?:[^"\\\n]|\\.)*"|[\[{]|[\]}]'


def check_depth(text: str) -> None:
    """Refuse a text with more nested brackets than ``MAX_DEPTH``.

    Counting is almost free; the scan runs only for texts with many brackets.
    It takes brackets in comments and in strings with other quotes for real
    ones, so a format with those makes sure itself before it refuses.
    """
    if text.count("[") + text.count("{") <= MAX_DEPTH:
        return
    import re  # noqa: PLC0415  most files have fewer brackets, and most loads do without

    depth = 0
    for token in re.finditer(_OPENERS, text):
        first = token[0][0]
        if first in "[{":
            depth += 1
            if depth > MAX_DEPTH:
                raise too_deep()
        elif first != '"':
            depth = max(0, depth - 1)


def too_deep() -> LimitError:
    """Return the error for a text that nests deeper than ``MAX_DEPTH``."""
    return LimitError(
        f"nests deeper than {MAX_DEPTH} levels",
        hint="no known application needs that; if yours does, please tell us",
    )
