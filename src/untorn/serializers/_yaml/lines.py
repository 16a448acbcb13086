"""Whole lines around an entry: what follows it, and where new lines may go."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from untorn.sdk import TextEdit, line_stop, lines_inserted
from untorn.serializers._yaml.nodes import content_start

if TYPE_CHECKING:
    from untorn.serializers._yaml.nodes import Node
    from untorn.serializers._yaml.places import Index


def behind(text: str, end: int, column: int, *, over_blanks: bool = True) -> int:
    """Return where a line can be put behind an entry that ends at ``end``.

    Comments that are indented deeper than ``column`` still speak of what is
    inside the entry: the new line goes behind them.

    Args:
        text: The text.
        end: Where the entry ends.
        column: Where it begins on its line.
        over_blanks: Whether a blank line may stand before such a comment.
    """
    place = at = line_stop(text, end)
    while at < len(text):
        stop = line_stop(text, at)
        line = text[at:stop]
        content = line.lstrip(" ")
        if content.startswith("#") and len(line) - len(content) > column:
            place = stop
        elif line.strip() or not over_blanks:
            break
        at = stop
    return place


def block_may_end(text: str, offset: int, column: int) -> bool:
    """Return whether a literal block scalar may be the last line before ``offset``.

    Not before the end of a text without final newline, which would take the
    block's own; and not before a comment so deep that it would become text.
    """
    rest = text[offset:]
    if not rest and not text.endswith("\n"):
        return False
    below = rest.lstrip("\r\n ")
    if not below.startswith("#"):
        return True
    start = len(text) - len(below)
    return start - (text.rfind("\n", 0, start) + 1) <= column


def last_leaf(node: Node) -> Node:
    """Return the node that a collection ends with."""
    while node.items and not node.is_flow:
        node = node.items[-1]
    return node


_KEPT = re.compile(r"[|>][1-9]?\+")


def keeps_breaks(text: str, leaf: Node) -> bool:
    """Return whether ``leaf`` is a block scalar to which all breaks behind it belong."""
    return leaf.style in ("|", ">") and _KEPT.match(text, content_start(text, leaf)) is not None


def strip_header(index: Index, leaf: Node) -> list[TextEdit]:
    """Return the edit that lets lines be added behind ``leaf`` at the end of the text.

    A block scalar that ends a text without final newline has no newline of its
    own; with lines behind it, it would get one, unless its header says ``-``.
    """
    text = index.text
    if leaf.style not in ("|", ">") or text.endswith("\n") or text[leaf.end :].strip(" "):
        return []
    at = content_start(text, leaf)
    stop = at + 1
    while text[stop : stop + 1] and text[stop] in "+-123456789":
        stop += 1
    header = text[at:stop]
    wanted = header.replace("+", "").replace("-", "") + "-"
    return [] if wanted == header else [TextEdit(at, stop, wanted)]


def inserted(index: Index, offset: int, lines: str, leaf: Node) -> list[TextEdit]:
    r"""Return the edits that put ``lines`` (without final ``"\n"``) at ``offset``, behind ``leaf``."""
    text = index.text
    edits = strip_header(index, leaf) if offset == len(text) else []
    return [*edits, lines_inserted(text, offset, lines + "\n")]


def merged_edits(edits: list[TextEdit]) -> list[TextEdit]:
    """Join edits that begin where another ends: two may not insert at one offset."""
    result: list[TextEdit] = []
    for edit in sorted(edits, key=lambda each: (each.start, each.stop)):
        if result and result[-1].stop == edit.start:
            previous = result.pop()
            edit = TextEdit(previous.start, edit.stop, previous.new + edit.new)  # noqa: PLW2901  joined
        result.append(edit)
    return result
