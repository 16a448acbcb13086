"""Comments as data (EDITING E9): what an entry's own comments say, and how they say something else."""

from __future__ import annotations

import re
from itertools import takewhile
from typing import TYPE_CHECKING

from untorn.edits import Span, TextEdit
from untorn.errors import ImpreciseEditError, UnrepresentableError
from untorn.records import Comment
from untorn.sdk.comments import LICENCE
from untorn.sdk.layout import BLANKS, blank_before, indentation_of, line_start, line_stop

if TYPE_CHECKING:
    from collections.abc import Sequence

    from untorn.changes import SetComment
    from untorn.records import Located
    from untorn.sdk.comments import CommentStyle

_MARKER = re.compile(r"#+|//+|;+|--+|%+")
_COMMENT_LINE = re.compile(r"[ \t]*(?:#|//|/\*|\*)")
_BETWEEN = re.compile(r"(?<=\*/)[ \t]*(?=//|/\*)")  # two comments behind one entry
# What ends a line for somebody, or is forbidden in comments: TOML 1.0 "Comment", YAML 1.2 "c-printable".
_UNPRINTABLE = re.compile(r"[\x00-\x08\x0a-\x1f\x7f-\x9f\u2028\u2029\ufeff\ud800-\udfff\ufffe\uffff]")


def comment_of(text: str, located: Located) -> Comment:
    """Return what the comments of an entry say."""
    above = [_said(each.of(text)) for each in located.above or located.heading]
    inline = None if located.inline is None else _said(located.inline.of(text))
    return Comment("\n".join(above) if above else None, inline)


def _said(comment: str) -> str:
    """Return what a comment says, without its markers."""
    if comment.startswith("/*"):
        return " ".join(filter(None, map(_said_in_block, _BETWEEN.split(comment))))
    marker = _MARKER.match(comment)
    return comment[marker.end() if marker else 0 :].removeprefix(" ").rstrip()


def _said_in_block(comment: str) -> str:
    if not comment.startswith("/*"):
        return _said(comment)
    lines = comment[2:].removesuffix("*/").strip("*").splitlines()
    return "\n".join(line.strip().removeprefix("*").strip() for line in lines).strip()


# ── Set ─────────────────────────────────────────────────────────────────────


def commented(
    text: str, located: Located | None, operation: SetComment, style: CommentStyle, *, end: int | None = None
) -> list[TextEdit]:
    """Return the edits that let a comment of an entry say something else.

    Args:
        text: The text.
        located: Where the entry stands.
        operation: Which comment, and what it shall say.
        style: What comments look like here.
        end: Behind what of the entry a comment at the end of its line goes, where that
            is not the end of the entry (a YAML key with its lines below).

    Raises:
        ImpreciseEditError: The entry has no line for itself.
        UnrepresentableError: No comment can say that.
    """
    if located is None or located.entry is None:
        raise ImpreciseEditError("what has no key has no comment of its own", where=operation.path)
    comment = comment_of(text, located)
    if operation.text == (comment.above if operation.place == "above" else comment.inline):
        return []
    lines = [] if operation.text is None else operation.text.split("\n")
    for line in lines:
        _refuse_unprintable(line, operation)
    if operation.place == "above":
        return _above(text, located, lines, operation, style)
    if len(lines) > 1:
        raise UnrepresentableError("the comment at the end of a line is one line", where=operation.path)
    return _inline(text, located, operation, style, located.entry.stop if end is None else end)


def _refuse_unprintable(line: str, operation: SetComment) -> None:
    found = _UNPRINTABLE.search(line)
    if found:
        msg = f"no comment can hold the character {found[0]!r}"
        raise UnrepresentableError(msg, where=operation.path)


def _above(
    text: str, located: Located, lines: list[str], operation: SetComment, style: CommentStyle
) -> list[TextEdit]:
    assert located.entry is not None
    if not blank_before(text, located.entry.start):
        raise ImpreciseEditError(
            "something else stands before it on its line: no comment above would be its own",
            where=operation.path,
        )
    indentation = indentation_of(text, located.entry.start)
    new = "".join(f"{indentation}{style.marker} {line}".rstrip() + "\n" for line in lines)
    old = located.above or located.heading
    if not old and _ends_licence(text, line_start(text, located.entry.start)):
        new = "\n" + new
    return above_replaced(text, old, located.entry.start, new)


def above_replaced(text: str, comments: Sequence[Span], entry_start: int, new: str) -> list[TextEdit]:
    """Return the edits that put the lines ``new`` above an entry, instead of its ``comments`` there."""
    here = stop = line_start(text, entry_start)
    old = [Span(line_start(text, each.start), line_stop(text, each.stop)) for each in comments]
    while old and old[-1].stop == here:  # in the place of its last lines
        here = old.pop().start
    return [*(TextEdit(each.start, each.stop, "") for each in old), TextEdit(here, stop, new)]


def _ends_licence(text: str, here: int) -> bool:
    """Return whether nothing but comments stands above, the last of them a licence: it stays apart."""
    above = text[:here].splitlines()
    block = list(takewhile(str.strip, reversed(above)))
    return all(_COMMENT_LINE.match(line) for line in block) and LICENCE.search("\n".join(block)) is not None


def _inline(
    text: str, located: Located, operation: SetComment, style: CommentStyle, end: int
) -> list[TextEdit]:
    if located.inline is not None:
        return [_other_words(text, located.inline, operation)]
    assert operation.text is not None
    at = line_end(text, end)
    if at is None:
        raise ImpreciseEditError(
            "something else stands behind it on its line: no comment there would be its own",
            where=operation.path,
        )
    return [TextEdit(at, at, f"{_gap(text, style)}{style.marker} {operation.text}".rstrip())]


def line_end(text: str, end: int) -> int | None:
    """Return where a comment behind the entry that ends at ``end`` goes; ``None`` if it cannot."""
    behind = text[end : line_stop(text, end)].rstrip("\r\n").rstrip(BLANKS)
    return end + len(behind) if behind.strip(BLANKS) in ("", ",") else None


def _gap(text: str, style: CommentStyle) -> str:
    """Return what stands before the first comment at the end of a line, unless it is a column's."""
    found = re.search(rf"\S( {{1,2}}){re.escape(style.marker)} ", text)
    return found[1] if found else "  " if style.marker == "#" else " "


def _other_words(text: str, comment: Span, operation: SetComment) -> TextEdit:
    """Let a comment that is there say something else, in its own manner; or take it away."""
    if operation.text is None:
        start = comment.start
        while text[start - 1] in BLANKS:
            start -= 1
        return TextEdit(start, comment.stop, "")
    old = comment.of(text)
    if old.startswith("/*"):
        if "*/" in operation.text:
            raise UnrepresentableError("*/ would end the comment", where=operation.path)
        return TextEdit(comment.start, comment.stop, f"/* {operation.text} */")
    found = _MARKER.match(old)
    marker = found[0] if found else old[:1]
    # Without a blank it would be taken for more of the marker, or its own first blank for that one.
    is_close = old[len(marker) :].strip() == old[len(marker) :] != ""
    gap = "" if is_close and operation.text[:1] not in (marker[-1], *BLANKS) else " "
    return TextEdit(comment.start, comment.stop, f"{marker}{gap}{operation.text}".rstrip())
