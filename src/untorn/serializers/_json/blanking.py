"""Comments and trailing commas, which JSONC has and ``json`` does not read."""

from __future__ import annotations

import re
from dataclasses import dataclass

from untorn.sdk import Span

_STRING = r'"[^"\\\r\n]*(?:\\.[^"\\\r\n]*)*"'
_COMMENT = r"//[^\r\n]*|/\*.*?\*/"
_COMMENTS = re.compile(_COMMENT, re.DOTALL)
_STRINGS_AND_COMMENTS = re.compile(rf"{_STRING}|{_COMMENT}", re.DOTALL)
# A comma with nothing before it is no trailing comma, and stays for ``json`` to refuse.
_COMMA = re.compile(rf"{_STRING}|[\[{{:,][ \t\r\n]*,|,(?=[ \t\r\n]*[\]}}])", re.DOTALL)
_MAYBE_COMMA = re.compile(r",[ \t\r\n]*[\]}]")


@dataclass(frozen=True, slots=True)
class Blanked:
    """A JSONC text as JSON of the same length.

    Attributes:
        text: With spaces for comments and trailing commas, so that every offset stays.
        commas: The offsets of the trailing commas, in order.
    """

    text: str
    commas: tuple[int, ...] = ()


def blanked(text: str) -> Blanked:
    """Return ``text`` with its comments and trailing commas blanked."""
    if "/" in text:
        text = _STRINGS_AND_COMMENTS.sub(_without_comment, text)
    if not _MAYBE_COMMA.search(text):
        return Blanked(text)
    commas = tuple(match.start() for match in _COMMA.finditer(text) if match[0] == ",")
    return Blanked(_COMMA.sub(lambda match: " " if match[0] == "," else match[0], text), commas)


def _without_comment(match: re.Match[str]) -> str:
    return match[0] if match[0][0] == '"' else " " * len(match[0])


def comments(text: str, start: int, stop: int) -> list[Span]:
    """Return the comments in ``text[start:stop]``, which holds no strings."""
    return [Span(*match.span()) for match in _COMMENTS.finditer(text, start, stop)]
