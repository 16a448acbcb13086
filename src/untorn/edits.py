"""Edits as data: spans of the original text and what to put there."""

from __future__ import annotations

import sys
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterable


@dataclass(frozen=True, slots=True, order=True)
class Span:
    """``text[start:stop]``, in code points of the original text."""

    start: int
    stop: int

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.stop:
            msg = f"need 0 <= start <= stop, got {self.start}..{self.stop}"
            raise ValueError(msg)

    def of(self, text: str) -> str:
        """Return the part of ``text`` that this span covers."""
        return text[self.start : self.stop]


@dataclass(frozen=True, slots=True, order=True)
class TextEdit:
    """Replace ``text[start:stop]`` with ``new``.

    Offsets are code points into the *original* text, so edits of one save do
    not shift each other. ``start == stop`` inserts; an empty ``new`` removes.
    """

    start: int
    stop: int
    new: str

    def __post_init__(self) -> None:
        if not 0 <= self.start <= self.stop:
            msg = f"need 0 <= start <= stop, got {self.start}..{self.stop}"
            raise ValueError(msg)


def apply_edits(text: str, edits: Iterable[TextEdit]) -> str:
    """Return ``text`` with all ``edits`` made; every other character is kept.

    Args:
        text: The original text, which all offsets refer to.
        edits: In any order. They may touch but not overlap, and at most one
            may insert at any one offset.

    Raises:
        ValueError: Two edits overlap, or one ends past the end of ``text``.
    """
    kept: list[str] = []
    done = 0
    previous: TextEdit | None = None
    for edit in sorted(edits):
        twice = previous is not None and (edit.start, edit.stop) == (previous.start, previous.stop)
        if edit.start < done or twice:
            msg = f"edits overlap at offset {edit.start}"
            raise ValueError(msg)
        if edit.stop > len(text):
            msg = f"edit ends at {edit.stop}, past the end of the text ({len(text)})"
            raise ValueError(msg)
        kept += text[done : edit.start], edit.new
        done, previous = edit.stop, edit
    return "".join([*kept, text[done:]])


def composed(first: Iterable[TextEdit], second: Iterable[TextEdit]) -> list[TextEdit]:
    """Return edits of the original text that do what ``first`` and then ``second`` do.

    ``second`` has offsets into the text that ``first`` makes. Edits that touch
    become one; all others stay apart.
    """
    first, second = list(first), list(second)
    if not first and len(second) <= 1:
        return second  # most often
    pieces = _Pieces(_as_pieces(first))
    result: list[_Piece] = []
    at = 0
    for edit in sorted(second):
        result += pieces.take(edit.start - at)
        pieces.take(edit.stop - edit.start)
        result.append(edit.new)
        at = edit.stop
    return _as_edits([*result, *pieces.take(_END)])


# A text as what it is made of: spans kept from the original, and new strings.
_Piece: TypeAlias = "Span | str"
_END = sys.maxsize


def _as_pieces(edits: Iterable[TextEdit]) -> list[_Piece]:
    pieces: list[_Piece] = []
    done = 0
    for edit in sorted(edits):
        pieces += Span(done, edit.start), edit.new
        done = edit.stop
    return [*pieces, Span(done, _END)]


def _as_edits(pieces: Iterable[_Piece]) -> list[TextEdit]:
    edits: list[TextEdit] = []
    done, new, touched = 0, "", False
    for piece in pieces:
        if isinstance(piece, str):
            new += piece
            touched = True
            continue
        if piece.start == piece.stop:
            continue
        if touched or piece.start > done:
            edits.append(TextEdit(done, piece.start, new))
        done, new, touched = piece.stop, "", False
    # The last piece is the endless rest, unless the edits cut into it: never here.
    return [edit for edit in edits if edit.new or edit.start < edit.stop]


class _Pieces:
    """Pieces that are taken from the front, cut where need be."""

    def __init__(self, pieces: list[_Piece]) -> None:
        self._rest = pieces[::-1]

    def take(self, count: int) -> list[_Piece]:
        """Remove ``count`` characters from the front and return what they were made of."""
        taken: list[_Piece] = []
        while count and self._rest:
            piece = self._rest.pop()
            size = len(piece) if isinstance(piece, str) else piece.stop - piece.start
            if size > count:
                piece, rest = _cut(piece, count)
                self._rest.append(rest)
                size = count
            taken.append(piece)
            count -= size
        return taken


def _cut(piece: _Piece, at: int) -> tuple[_Piece, _Piece]:
    if isinstance(piece, str):
        return piece[:at], piece[at:]
    middle = piece.start + at
    return Span(piece.start, middle), Span(middle, piece.stop)
