"""Colours, on a terminal only."""

from __future__ import annotations

import os
import re
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from typing import TextIO

RED, GREEN, CYAN, BOLD = "31", "32", "36", "1"

_DIFF = (("+++", BOLD), ("---", BOLD), ("@@", CYAN), ("+", GREEN), ("-", RED))
_CARETS = re.compile(r"(?m)^(\s+\|\s*)(\^+)$")


def wanted(stream: TextIO) -> bool:
    """Return whether colours should go to ``stream``.

    ``NO_COLOR`` and ``FORCE_COLOR`` count if they are set to anything, in this order.
    """
    if os.environ.get("NO_COLOR"):
        return False
    if os.environ.get("FORCE_COLOR"):
        return True
    return stream.isatty() and os.environ.get("TERM") != "dumb"


def painted(text: str, colour: str, stream: TextIO) -> str:
    """Return ``text`` in a colour, if ``stream`` should have any."""
    return f"\x1b[{colour}m{text}\x1b[0m" if wanted(stream) else text


def painted_diff(diff: str, stream: TextIO) -> str:
    """Return a diff with its lines in the colours that people know."""
    if not wanted(stream):
        return diff
    return "\n".join(_painted_line(line, stream) for line in diff.split("\n"))


def _painted_line(line: str, stream: TextIO) -> str:
    for start, colour in _DIFF:
        if line.startswith(start):
            return painted(line, colour, stream)
    return line


def painted_carets(message: str, stream: TextIO) -> str:
    """Return a message with the carets below a culprit in red."""
    return _CARETS.sub(lambda found: found[1] + painted(found[2], RED, stream), message)
