"""Edits that put another value in the place of one that is there."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from untorn.sdk import (
    KeyPath,
    Tagged,
    TextEdit,
    Value,
    hash_comments,
    inline_comment,
    line_start,
    line_stop,
    lines_removed,
)
from untorn.serializers._yaml.adding import entry_at, item_style
from untorn.serializers._yaml.events import PLAIN
from untorn.serializers._yaml.fragments import Style, block_text, flow_text, needs_block, root_text
from untorn.serializers._yaml.layout import column_of, near
from untorn.serializers._yaml.lines import block_may_end, inserted, merged_edits
from untorn.serializers._yaml.nodes import Node, content_start
from untorn.serializers._yaml.places import Entry, Index, refuse_needed_anchors, refuse_shared
from untorn.serializers._yaml.spelling import DOUBLE, SINGLE, is_scalar, spelled

if TYPE_CHECKING:
    from untorn.serializers._yaml.nodes import Document


def replace_value(index: Index, entry: Entry, value: Value, path: KeyPath) -> list[TextEdit]:
    """Return the edits that put ``value`` in the place of what ``entry`` holds."""
    refuse_shared(entry.shared, path, "set it")
    refuse_needed_anchors(entry.node, path, "replace it")
    node = entry.node
    if entry.holder is None:
        return merged_edits(_root(index, entry, value))
    if entry.holder.is_flow:
        return _in_brackets(index, entry, value)
    if node.is_block and node.items:
        return merged_edits(_block(index, entry, value))
    return merged_edits(_leaf(index, entry, value))


def _in_brackets(index: Index, entry: Entry, value: Value) -> list[TextEdit]:
    node = entry.node
    new = _one_line(index, node, value, flow=True)
    if node.start < node.end:
        # ``{a:[]}`` and ``{"a":1}`` are entries, ``{a:1}`` is not.
        close = entry.key is not None and entry.key.style not in (DOUBLE, SINGLE)
        joined = close and index.text[node.start - 1] == ":" and new[0] not in "[{\"'"
        return [TextEdit(node.start, node.end, f" {new}" if joined else new)]
    if entry.key is not None and not index.has_colon(entry):
        return [TextEdit(entry.key.end, entry.key.end, f": {new}")]
    return [TextEdit(node.start, node.start, f" {new}" if entry.key is not None else new)]


def _one_line(index: Index, node: Node, value: Value, *, flow: bool = False) -> str:
    """Return a value on one line, in the quotes and behind the anchor of what it replaces."""
    style = index.style
    if not is_scalar(value) or isinstance(value, (set, frozenset)):
        return _anchor(node) + flow_text(value, style)
    quote = node.style if node.kind == "scalar" and node.style in (DOUBLE, SINGLE) else ""
    old = node.value if node.kind == "scalar" and node.style == PLAIN else ""
    return _anchor(node) + spelled(value, quote=quote, preferred=style.quote, flow=flow, old=old)


def _anchor(node: Node) -> str:
    return f"&{node.anchor} " if node.anchor is not None else ""


# ── A scalar, an alias, a collection in brackets, nothing ───────────────────


def _leaf(index: Index, entry: Entry, value: Value) -> list[TextEdit]:
    text, node = index.text, entry.node
    if entry.key is not None and not index.has_colon(entry):
        column = column_of(text, index.start_of(entry))
        return [
            TextEdit(
                entry.key.end, entry.key.end, f"\n{' ' * column}:{block_text(value, column, index.style)}"
            )
        ]
    new = _new_text(index, entry, value)
    head, newline, tail = new.partition("\n")
    comment = _kept_comment(index, node)
    if node.start == node.end:
        first = TextEdit(node.end, node.end, head + comment)
    elif head.strip() and _where_only_blocks_stand(index, entry):
        slot, column = _slot(index, entry), column_of(text, index.start_of(entry))
        if slot != _slot_itself(index, entry):  # behind a comment nothing can stand but on a line of its own
            head = f"\n{' ' * (column + 2)}{head.lstrip(' ')}"
        first = TextEdit(slot, node.end, head + comment)
    elif head.strip():
        first = TextEdit(node.start, node.end, head.lstrip(" ") + comment)
    else:
        first = TextEdit(_slot(index, entry), node.end, comment)
    if not newline:
        return [first]
    offset = line_stop(text, node.end)
    if not text[node.end : offset].strip() and text[node.end : node.end + 1] in ("", "\n", "\r"):
        return [TextEdit(first.start, first.stop, f"{first.new}\n{tail}")]
    return [first, *inserted(index, offset, tail, node)]


def _where_only_blocks_stand(index: Index, entry: Entry) -> bool:
    """Return whether a value is a line of its own that is not indented, as some readers let a ``|`` be."""
    text, node = index.text, entry.node
    between = text[_slot(index, entry) : node.start]
    return (
        node.style in ("|", ">")
        and "\n" in between
        and column_of(text, node.start) <= column_of(text, index.start_of(entry))
    )


def _slot(index: Index, entry: Entry) -> int:
    """Return where the value's place begins: behind the colon or the dash, or behind a comment there."""
    offset = _slot_itself(index, entry)
    comments = hash_comments(index.text, offset, entry.node.start)
    return comments[-1].stop if comments else offset


def _slot_itself(index: Index, entry: Entry) -> int:
    return index.colon_of(entry) + 1 if entry.key is not None else index.start_of(entry) + 1


def _kept_comment(index: Index, node: Node) -> str:
    """Return the comment in the header of a block scalar that goes, with two blanks in front."""
    comment = index.header_comment(node) if node.style in ("|", ">") else None
    return f"  {comment.of(index.text)}" if comment else ""


def _new_text(index: Index, entry: Entry, value: Value) -> str:
    """Return what follows the colon or dash for a new value, blank in front."""
    text, node, holder = index.text, entry.node, entry.holder
    assert holder is not None
    column = column_of(text, index.start_of(entry))
    offset = line_stop(text, node.end)
    in_sequence = entry.key is None
    style = item_style(index, holder, entry.number) if in_sequence else near(index.style, text, holder)
    style = replace(style, blocks=block_may_end(text, offset, column))
    below = node.start < node.end and line_start(text, node.start) > index.start_of(entry)
    if in_sequence and below and not _where_only_blocks_stand(index, entry):
        # Below its dash it stays where it is, and its other lines follow it there.
        style = replace(style, dash_gap=column_of(text, node.start) - column - 1)
    multiline = isinstance(value, str) and "\n" in value
    old_quotes = node.kind == "scalar" and node.style in (DOUBLE, SINGLE)
    if needs_block(value) or (multiline and style.blocks and not old_quotes):
        new = block_text(value, column, style, in_sequence=in_sequence)
        # Behind a dash, the anchor would become the first key's; nothing refers to it.
        return f" &{node.anchor}{new}" if node.anchor is not None and not in_sequence else new
    return " " + _one_line(index, node, value)


# ── Lines below a key ───────────────────────────────────────────────────────


def _block(index: Index, entry: Entry, value: Value) -> list[TextEdit]:
    text, node = index.text, entry.node
    head = index.head_of(entry)
    slot = index.colon_of(entry) + 1 if entry.key is not None else index.start_of(entry) + 1
    first = content_start(text, node)
    column = column_of(text, index.start_of(entry))
    style = _block_style(index, entry, value)
    offset = line_stop(text, node.end)
    style = replace(style, blocks=block_may_end(text, offset, column))
    new = block_text(value, column, style, in_sequence=entry.key is None)
    if "\n" not in text[head:first]:
        return [_compact(index, node, slot, new)]
    line, newline, tail = new.partition("\n")
    if not text[head : line_stop(text, head)].strip():
        head += len(text[head : line_stop(text, head)].rstrip("\r\n"))
    if entry.key is None and needs_block(value) and not isinstance(value, Tagged):
        # The dash has its line to itself; its comment would stand in the way.
        tail = " " * (column + 1 + style.dash_gap) + new.lstrip(" ")
        line, newline = "", "\n"
    start = line_stop(text, head)
    edits = [TextEdit(slot, head, line)]
    if not newline:
        return [*edits, lines_removed(text, start, offset)]
    if offset == len(text) and not text.endswith("\n"):
        return [*edits, TextEdit(start, offset, tail)]
    return [*edits, TextEdit(start, offset, f"{tail}\n")]


def _compact(index: Index, node: Node, slot: int, new: str) -> TextEdit:
    """Replace a collection that begins behind its dash; the comment of its last line goes with that line."""
    text, stop = index.text, node.end
    if "\n" in text[node.start : stop]:
        comment = inline_comment(text, stop, hash_comments)
        stop = comment.stop if comment else stop
    return TextEdit(slot, stop, new)


def _block_style(index: Index, entry: Entry, value: Value) -> Style:
    """Return the style for what replaces a block collection: its own columns, if it is of the same kind."""
    text, node = index.text, entry.node
    assert entry.holder is not None
    if entry.key is None:
        return item_style(index, entry.holder, entry.number)
    style = near(index.style, text, entry.holder)
    step = column_of(text, index.start_of(entry_at(node, 0))) - column_of(text, index.start_of(entry))
    if node.kind == "mapping" and isinstance(value, Mapping) and step > 0:
        return replace(style, step=step)
    if node.kind == "sequence" and isinstance(value, (list, tuple)):
        return replace(style, dash_offset=step)
    return style


# ── A whole document ────────────────────────────────────────────────────────


def _root(index: Index, entry: Entry, value: Value) -> list[TextEdit]:
    text, node = index.text, entry.node
    if node.start == node.end:
        document = next(each for each in index.documents if each.root is node)
        return fill_document(index, document, value)
    stop = node.end
    comment = inline_comment(text, stop, hash_comments) if node.is_block else None
    stop = comment.stop if comment else stop
    if not needs_block(value):
        return [TextEdit(node.start, stop, _one_line(index, node, value))]
    # What stands behind on the line would become part of a block scalar's last one.
    rest = text[stop : line_stop(text, stop)].rstrip("\r\n")
    stop += 0 if rest.strip() else len(rest)
    may_end = not rest.strip() and block_may_end(text, line_stop(text, stop), -1)
    start = node.start
    indentation = text[line_start(text, start) : start]
    is_first = not indentation.strip()
    if is_first and "\t" in indentation:  # a scalar may stand behind a tab, a block may not
        start = line_start(text, start)
    column = column_of(text, start) if is_first else 0
    new = root_text(value, replace(index.style, blocks=may_end), column).removesuffix("\n")
    if not is_first and not isinstance(value, Tagged):
        # Behind ``---`` no block collection can begin.
        start = len(text[:start].rstrip(" \t"))
        new = "\n" + new
    return [TextEdit(start, stop, new)]


def fill_document(index: Index, document: Document, value: Value) -> list[TextEdit]:
    """Return the edits that give an empty document a value, behind its comments."""
    text = index.text
    offset = document.root.start
    new = root_text(value, replace(index.style, blocks=text.endswith("\n") or offset < len(text)))
    at_line_start = offset == 0 or text[offset - 1] == "\n"
    if offset == len(text):
        lines = new if at_line_start else "\n" + new
        if text and not text.endswith("\n"):
            lines = lines.removesuffix("\n")
        return [TextEdit(offset, offset, lines)]
    return [TextEdit(offset, offset, new if at_line_start else f"\n{new}")]
