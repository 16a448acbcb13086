"""Whose comment is it? (EDITING E3) — the same answer in every format.

The block of comment lines directly above an entry (no blank line between, the
same indentation) and the comment at the end of its line are its own. Not its
own: a block at the very top of the file, lines with a directive, and
commented-out settings, with what is indented below them.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING, TypeAlias

from untorn.edits import Span
from untorn.sdk.layout import BLANKS, blank_before, indentation_of, line_start, line_stop

if TYPE_CHECKING:
    from collections.abc import Callable

Scan: TypeAlias = "Callable[[str, int, int], list[Span]]"
"""Finds the comments in ``text[start:stop]``, which holds only blanks and comments."""

_DIRECTIVE = re.compile(
    r"(?:#!|#:)"
    r"|(?:\#|//|/\*)\s*(?:"
    r"yaml-language-server:|yamllint\b|type:|noqa\b|SPDX-|nosec\b|pragma:|pylint:|ruff:|mypy:|pyright:"
    r"|fmt:|isort:|eslint|prettier-ignore|@ts-|biome-ignore|taplo:|vim?:|ex:|-\*-|editorconfig"
    r"|renovate:|dependabot|checkov:|trivy:|kics-|ansible-lint|noinspection|jscpd|cspell:|spell-?checker:"
    r"|region\b|endregion\b|\$schema\b|schema:"
    r")",
    re.IGNORECASE,
)

LICENCE = re.compile(r"copyright|licen[cs]e|all rights reserved|\u00a9", re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class CommentStyle:
    """What comments look like in a format.

    Attributes:
        scan: Finds comments between two tokens.
        is_setting: Whether the text of a comment, without its opener, would
            parse as an entry.
        is_prologue: Whether a line that is neither blank nor a comment may stand
            above the block at the very top (YAML's ``---`` and ``%YAML``).
        marker: What a comment begins with that goes on to the end of its line.
    """

    scan: Scan
    is_setting: Callable[[str], bool]
    is_prologue: Callable[[str], bool] = lambda _line: False
    marker: str = "#"


def hash_comments(text: str, start: int, stop: int) -> list[Span]:
    """Return the ``#`` comments in ``text[start:stop]``, without their newlines."""
    found = []
    at = text.find("#", start, stop)
    while at >= 0:
        end = line_stop(text, at)
        end -= len(text[at:end]) - len(text[at:end].rstrip("\r\n"))
        found.append(Span(at, min(end, stop)))
        at = text.find("#", end, stop)
    return found


def owned_above(text: str, floor: int, entry_start: int, style: CommentStyle) -> tuple[Span, ...]:
    """Return the comments above that the entry at ``entry_start`` owns, one span each.

    Args:
        text: The text.
        floor: Where the previous token ends; only blanks and comments stand
            between it and the entry.
        entry_start: The entry's key, or its ``-``, or its ``[`` of a header.
        style: What comments look like here.
    """
    if not blank_before(text, entry_start):
        return ()
    block = _block_above(text, floor, entry_start, style.scan)
    if not block or _is_top(text, block[0].start, style):
        return ()
    return tuple(_without_strangers(text, block, style))


def heading_above(text: str, floor: int, entry_start: int, style: CommentStyle) -> tuple[Span, ...]:
    """Return the block at the very top of the file if the entry follows it directly; no licence.

    It stays where it is when the entry goes. But it is what a reader takes for
    the first entry's comment.
    """
    block = _block_above(text, floor, entry_start, style.scan) if blank_before(text, entry_start) else []
    if not block or not _is_top(text, block[0].start, style):
        return ()
    if LICENCE.search(text, block[0].start, block[-1].stop):
        return ()
    return tuple(_without_strangers(text, block, style))


def _block_above(text: str, floor: int, entry_start: int, scan: Scan) -> list[Span]:
    """Return the run of comment lines that ends on the line above the entry."""
    indentation = indentation_of(text, entry_start)
    below = line_start(text, entry_start)
    block: list[Span] = []
    for comment in reversed(scan(text, floor, entry_start)):
        between = text[comment.stop : below]
        alone = blank_before(text, comment.start) and between.strip(" \t\r") == "\n"
        if not alone or indentation_of(text, comment.start) != indentation:
            break
        block.append(comment)
        below = line_start(text, comment.start)
    return block[::-1]


def _is_top(text: str, offset: int, style: CommentStyle) -> bool:
    lines = text[: line_start(text, offset)].splitlines()
    return all(not line.strip() or style.is_prologue(line) for line in lines)


def is_directive(comment: str) -> bool:
    """Return whether a comment speaks to a tool rather than to a reader."""
    return _DIRECTIVE.match(comment) is not None


def _without_strangers(text: str, block: list[Span], style: CommentStyle) -> list[Span]:
    """Drop directives, and commented-out settings with what is indented below them."""
    own: list[Span] = []
    setting_depth: int | None = None
    for comment in block:
        body = _body(comment.of(text))
        depth = len(body) - len(body.lstrip(BLANKS))
        if is_directive(comment.of(text)):
            continue
        if setting_depth is not None and (depth > setting_depth or body.strip().startswith("- ")):
            continue
        setting_depth = None
        if style.is_setting(body.strip()):
            setting_depth = depth
            continue
        own.append(comment)
    return own


def _body(comment: str) -> str:
    """Return a comment without its opener and closer; the blanks after the opener stay."""
    if comment.startswith("/*"):
        return comment[2:].removesuffix("*/").lstrip("*")
    return comment.lstrip("#") if comment.startswith("#") else comment.removeprefix("//")


def inline_comment(text: str, entry_stop: int, scan: Scan) -> Span | None:
    """Return the comment at the end of the line on which an entry ends.

    Only blanks, and one comma, may stand between; a block comment may go on
    below, if nothing stands behind its end. Where comments stand on both
    sides of the comma, it is those behind it.
    """
    at = _past_blanks(text, entry_stop)
    first = last = None
    comma_met = False
    while at < len(text) and text[at] not in "\r\n":
        if text[at] == "," and not comma_met:
            comma_met, stop = True, at + 1
            if comment_at(text, _past_blanks(text, stop), scan):
                first = None
        else:
            comment = comment_at(text, at, scan)
            if comment is None:
                return None
            first, last, stop = first or comment, comment, comment.stop
        at = _past_blanks(text, stop)
    return Span(first.start, last.stop) if first and last else None


def comment_at(text: str, offset: int, scan: Scan) -> Span | None:
    """Return the comment that begins at ``offset``, ``None`` if there is none."""
    if not text.startswith(("#", "//", "/*"), offset):
        return None
    # The scan takes every marker for a comment's, also one inside of a string behind it.
    is_block = text.startswith("/*", offset)
    end = text.find("*/", offset + 2) + 2 if is_block else line_stop(text, offset)
    found = scan(text, offset, end)
    return found[0] if found and found[0].start == offset else None


def _past_blanks(text: str, at: int) -> int:
    while at < len(text) and text[at] in BLANKS:
        at += 1
    return at
