"""Edits that add an entry to a collection."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from untorn.sdk import KeyPath, Located, TextEdit, Value, line_start, line_stop
from untorn.serializers._yaml.fragments import (
    Style,
    block_text,
    entry_text,
    flow_text,
)
from untorn.serializers._yaml.layout import column_of, near, quoted_like
from untorn.serializers._yaml.lines import behind, block_may_end, inserted, last_leaf
from untorn.serializers._yaml.nodes import Node, content_start
from untorn.serializers._yaml.places import Entry, Index, refuse_shared, shared_inside
from untorn.serializers._yaml.spelling import spelled_key

if TYPE_CHECKING:
    from collections.abc import Callable


def add_key(index: Index, entry: Entry, key: Value, value: Value, path: KeyPath) -> list[TextEdit]:
    """Return the edits that add a key at the end of the mapping that ``entry`` holds."""
    refuse_shared(shared_inside(entry), path, f"add {key!r}")
    mapping = entry.node
    style = index.style
    if not mapping.is_flow:
        return _block_key(index, mapping, key, value)
    name = spelled_key(key, preferred=style.quote, flow=True)
    style = quoted_like(style, value, mapping.items[1::2])
    if not mapping.items and can_open(index, entry):
        return opened(index, entry, lambda column, inner: entry_text(key, value, column, inner))
    return flow_added(
        index,
        mapping,
        len(mapping.items) // 2,
        f"{name}{_flow_colon(index, mapping)}{flow_text(value, style)}",
    )


def _block_key(index: Index, mapping: Node, key: Value, value: Value) -> list[TextEdit]:
    text = index.text
    column = column_of(text, index.start_of(entry_at(mapping, 0)))
    end = index.end_of(entry_at(mapping, len(mapping.items) // 2 - 1))
    offset = behind(text, end, column)
    style = quoted_like(near(index.style, text, mapping), value, mapping.items[1::2])
    style = replace(style, blocks=block_may_end(text, offset, column))
    line = entry_text(key, value, column, style, colon=_colon(index, mapping))
    return inserted(index, offset, " " * column + line, last_leaf(mapping))


def _colon(index: Index, mapping: Node) -> str:
    """Return what stands between the keys and the values of a mapping, if it is the same everywhere."""
    seen = set()
    for key, value in mapping.pairs:
        between = index.text[key.end : value.start]
        if value.kind == "scalar" and value.start < value.end and "\n" not in between:
            seen.add(between)
    colon = seen.pop() if len(seen) == 1 else ": "
    return colon if not colon.strip(" \t:") and colon.startswith(":") else ": "


def _flow_colon(index: Index, mapping: Node) -> str:
    colon = _colon(index, mapping)
    return colon if colon.endswith((" ", "\t")) else ": "


def entry_at(holder: Node, number: int) -> Entry:
    """Return an entry of a collection by its number."""
    if holder.kind == "mapping":
        return Entry(holder, number, holder.items[2 * number + 1], holder.items[2 * number])
    return Entry(holder, number, holder.items[number])


def count_of(holder: Node) -> int:
    """Return how many entries a collection has."""
    return len(holder.items) // 2 if holder.kind == "mapping" else len(holder.items)


# ── Items ───────────────────────────────────────────────────────────────────


def add_item(index: Index, entry: Entry, number: int, value: Value, path: KeyPath) -> list[TextEdit]:
    """Return the edits that put an item into the list that ``entry`` holds."""
    refuse_shared(shared_inside(entry), path, "add an item")
    sequence = entry.node
    if sequence.is_flow:
        if not sequence.items and can_open(index, entry):
            return opened(
                index, entry, lambda column, inner: "-" + block_text(value, column, inner, in_sequence=True)
            )
        style = quoted_like(index.style, value, sequence.items)
        return flow_added(index, sequence, number, flow_text(value, style))
    if number == 0:
        return _first_item(index, sequence, value)
    return _later_item(index, sequence, number, value)


def item_style(index: Index, sequence: Node, number: int = 0) -> Style:
    """Return the style for items of a block sequence: blanks behind the dash as this one has."""
    style = index.style
    dash = index.dash_of(sequence, number)
    between = index.text[dash + 1 : sequence.items[number].start]
    if between and not between.strip(" "):
        style = replace(style, dash_gap=len(between))
    return style


def _later_item(index: Index, sequence: Node, number: int, value: Value) -> list[TextEdit]:
    text = index.text
    column = column_of(text, index.dash_of(sequence, 0))
    before = entry_at(sequence, number - 1)
    offset = behind(text, index.end_of(before), column)
    style = quoted_like(item_style(index, sequence), value, sequence.items)
    style = replace(style, blocks=block_may_end(text, offset, column))
    item = "-" + block_text(value, column, style, in_sequence=True)
    return inserted(index, offset, " " * column + item, last_leaf(before.node))


def _first_item(index: Index, sequence: Node, value: Value) -> list[TextEdit]:
    text = index.text
    dash = index.dash_of(sequence, 0)
    column = column_of(text, dash)
    style = quoted_like(item_style(index, sequence), value, sequence.items)
    item = "-" + block_text(value, column, style, in_sequence=True)
    if text[line_start(text, dash) : dash].strip():
        return [TextEdit(dash, dash, f"{item}\n{' ' * column}")]
    located: Located = index.located(entry_at(sequence, 0))
    offset = line_start(text, located.above[0].start if located.above else dash)
    return [TextEdit(offset, offset, f"{' ' * column}{item}\n")]


# ── Empty collections ───────────────────────────────────────────────────────


def can_open(index: Index, entry: Entry) -> bool:
    """Return whether an empty ``{}`` or ``[]`` may become lines below its key or behind its dash."""
    node, holder = entry.node, entry.holder
    text = index.text
    if (holder is not None and holder.is_flow) or node.tag is not None or node.anchor is not None:
        return False
    if text[node.start + 1 : node.end - 1].strip():
        return False
    if entry.key is not None:
        colon = index.colon_of(entry)
        return colon >= 0 and not text[colon + 1 : node.start].strip(" \t")
    line = text[line_start(text, node.start) : node.start]
    return (
        not line.strip(" \t-")
        and not text[node.end : line_stop(text, node.end)].strip()
        and not line.startswith("---")
    )


def opened(index: Index, entry: Entry, make: Callable[[int, Style], str]) -> list[TextEdit]:
    """Return the edits that turn ``{}`` or ``[]`` into lines."""
    text, node = index.text, entry.node
    offset = line_stop(text, node.end)
    if entry.key is None:
        column = column_of(text, node.start)
        style = replace(index.style, blocks=block_may_end(text, offset, column - 1))
        return [TextEdit(node.start, node.end, make(column, style))]
    assert entry.holder is not None
    style = near(index.style, text, entry.holder)
    outer = column_of(text, index.start_of(entry))
    column = outer + (style.step if node.kind == "mapping" else style.dash_offset)
    style = replace(style, blocks=block_may_end(text, offset, outer))
    lines = " " * column + make(column, style)
    gap = TextEdit(index.colon_of(entry) + 1, node.end, "")
    if offset == node.end:
        return [TextEdit(gap.start, gap.stop, "\n" + lines)]
    return [gap, *inserted(index, offset, lines, node)]


# ── Brackets ────────────────────────────────────────────────────────────────


def is_bare_pair(index: Index, node: Node) -> bool:
    """Return whether this is the mapping ``a: 1`` in ``[a: 1]``, which has no braces."""
    return node.kind == "mapping" and index.text[content_start(index.text, node)] != "{"


def flow_added(index: Index, holder: Node, number: int, new: str) -> list[TextEdit]:
    """Return the edits that put ``new`` into a flow collection as its entry ``number``."""
    if is_bare_pair(index, holder):
        return [TextEdit(holder.start, holder.start, "{"), TextEdit(holder.end, holder.end, f", {new}}}")]
    if not holder.items:
        return _first_in_brackets(index, holder, new)
    count = count_of(holder)
    if number < count:
        return _before_in_brackets(index, holder, number, new)
    last = index.end_of(entry_at(holder, count - 1))
    comma = comma_after(index, last)
    if all(has_own_lines(index, entry_at(holder, each)) for each in range(count)):
        return _new_bracket_line(index, holder, last, comma, new)
    if comma >= 0:
        return [TextEdit(comma + 1, comma + 1, f" {new},")]
    return [TextEdit(last, last, separator_of(index, holder) + new)]


def comma_after(index: Index, end: int) -> int:
    """Return where the comma behind an entry of a flow collection is, or -1."""
    at = index.skip(end)
    return at if index.text[at : at + 1] == "," else -1


def has_own_lines(index: Index, entry: Entry) -> bool:
    """Return whether an entry of a flow collection has its lines to itself, its comma and comment."""
    text = index.text
    start, end = index.start_of(entry), index.end_of(entry)
    rest = text[end : line_stop(text, end)].lstrip(" \t,").strip()
    return not text[line_start(text, start) : start].strip(" \t") and (not rest or rest.startswith("#"))


def separator_of(index: Index, holder: Node) -> str:
    """Return what stands between the entries of a flow collection on one line."""
    if count_of(holder) > 1:
        end = index.end_of(entry_at(holder, 0))
        between = index.text[end : index.start_of(entry_at(holder, 1))]
        if not between.strip(" \t,"):
            return between
    return ", "


def _first_in_brackets(index: Index, holder: Node, new: str) -> list[TextEdit]:
    text = index.text
    start, stop = content_start(text, holder) + 1, holder.end - 1
    inside = text[start:stop]
    if not inside.strip():
        style = index.style
        padding = style.padding if holder.kind == "mapping" else style.bracket_padding
        return [TextEdit(start, stop, f"{padding}{new}{padding}")]
    # Comments stand inside: the entry gets the line before the closing bracket.
    line = line_start(text, stop)
    return [TextEdit(line, line, f"{text[line:stop]}  {new}\n")]


def _before_in_brackets(index: Index, holder: Node, number: int, new: str) -> list[TextEdit]:
    text = index.text
    entry = entry_at(holder, number)
    start = index.start_of(entry)
    if not has_own_lines(index, entry):
        separator = separator_of(index, holder)
        return [TextEdit(start, start, new + separator)]
    above = index.located(entry).above
    line = line_start(text, above[0].start if above else start)
    indentation = text[line_start(text, start) : start]
    return [TextEdit(line, line, f"{indentation}{new},\n")]


def _new_bracket_line(index: Index, holder: Node, last: int, comma: int, new: str) -> list[TextEdit]:
    text = index.text
    first = index.start_of(entry_at(holder, 0))
    indentation = text[line_start(text, first) : first]
    end = max(last, comma + 1)
    if comma < 0:
        line = line_stop(text, last)
        edits = [TextEdit(last, last, ",")]
        if line == last + 1:
            return [TextEdit(last, last, f",\n{indentation}{new}")]
        return [*edits, TextEdit(line, line, f"{indentation}{new}\n")]
    line = line_stop(text, end)
    return [TextEdit(line, line, f"{indentation}{new},\n")]
