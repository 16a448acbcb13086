"""Comments and trailing commas, which JSONC has and ``json`` does not read."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache
from typing import TYPE_CHECKING

from untorn.sdk import Span

if TYPE_CHECKING:
    from collections.abc import Iterator

# Possessive throughout: one match takes all up to the next comment, or comma, and never goes back.
_STRING = r'"[^"\\\r\n]*+(?:\\.[^"\\\r\n]*+)*+"'
_BLANK = r"[ \t\r\n]*+"
_COMMENT = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL)
# What begins like a comment and never ends is for ``json`` to refuse. So is a string that does not
# end on its line: a comment that began in it would take the line break away, and close it.
_UP_TO_A_COMMENT = re.compile(
    rf'((?:[^"/]++|{_STRING}|"[^\r\n]*+|/(?![/*]))*+)({_COMMENT.pattern}|/|\Z)', re.DOTALL
)
# A comma with nothing before it is no trailing comma, and stays for ``json`` to refuse.
_UP_TO_A_TRAILING_COMMA = re.compile(
    rf'(?:[^",\[{{:]++|{_STRING}|"|[\[{{:,]{_BLANK},|[\[{{:]|,(?!{_BLANK}[\]}}]))*+', re.DOTALL
)
_MAYBE_COMMA = re.compile(rf",{_BLANK}[\]}}]")


@dataclass(frozen=True, slots=True)
class Blanked:
    """A JSONC text as JSON of the same length.

    Attributes:
        text: With spaces for comments and trailing commas, so that every offset stays.
        commas: The offsets of the trailing commas, in order.
    """

    text: str
    commas: tuple[int, ...] = ()


@lru_cache(maxsize=1)  # an edit asks for the text that was just read
def blanked(text: str) -> Blanked:
    """Return ``text`` with its comments and trailing commas blanked."""
    if "/" in text:
        found = _UP_TO_A_COMMENT.findall(text)
        text = "".join(
            [before + (" " * len(comment) if len(comment) > 1 else comment) for before, comment in found]
        )
    if not _MAYBE_COMMA.search(text):
        return Blanked(text)
    commas = tuple(_trailing_commas(text))
    characters = list(text)
    for at in commas:
        characters[at] = " "
    return Blanked("".join(characters), commas)


def _trailing_commas(text: str) -> Iterator[int]:
    stop = 0
    while (stop := _end(_UP_TO_A_TRAILING_COMMA, text, stop)) < len(text):
        yield stop
        stop += 1


def _end(pattern: re.Pattern[str], text: str, start: int) -> int:
    found = pattern.match(text, start)
    assert found is not None  # it may match nothing at all
    return found.end()


def comments(text: str, start: int, stop: int) -> list[Span]:
    """Return the comments in ``text[start:stop]``, which holds no strings."""
    return [Span(*match.span()) for match in _COMMENT.finditer(text, start, stop)]
