"""Where a key path stands in a text."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING

from untorn.sdk import Located, Span, hash_comments, inline_comment, owned_above
from untorn.serializers._toml.comments import STYLE, located_statement
from untorn.serializers._toml.nodes import (
    Array,
    Header,
    Inline,
    Leaf,
    Table,
    Tables,
    children_of,
    statements_of,
)

if TYPE_CHECKING:
    from untorn.sdk import KeyPath
    from untorn.serializers._toml.nodes import Index, Node


def located(index: Index, path: KeyPath) -> Located | None:
    """Return where ``path`` stands, ``None`` if it leads nowhere.

    A value in one piece (a scalar, an array, an inline table) has exactly its
    text as value. Of what statements make up, the value is what announces it:
    of a table its header, of an array of tables the header of the first
    element, of a table that only longer headers name the first of these, of a
    table that dotted keys define the rest of the first statement behind its
    key. Only a table with a header of its own has comments.
    """
    node = index.find(path)
    if node is None or node.parent is None:
        return None if node is None else Located(Span(0, len(index.text)))
    if isinstance(node, Leaf):
        return _leaf(index.text, node)
    if isinstance(node, Tables):
        return _announced(index.text, node.items[0], node.keys[0])
    assert isinstance(node, Table)
    return _announced(index.text, node, node.keys[0] if node.keys else None)


def siblings_of(index: Index, path: KeyPath) -> list[Located | None]:
    """Return where what stands beside ``path`` is written, itself included, in the order of the value.

    ``None`` for what is not written in one piece, or not in the same way: a key
    cannot take the place of a header, nor a header that of a key.
    """
    node = index.find(path)
    assert node is not None
    assert node.parent is not None
    if isinstance(node.parent, (Array, Inline)):
        return [located(index, (*path[:-1], each.name)) for each in children_of(node.parent)]
    opened = isinstance(statements_of(node)[0], Header)
    return [_whole(index, each, opened=opened) for each in children_of(node.parent)]


def _whole(index: Index, node: Node, *, opened: bool) -> Located | None:
    """Return where all of the statements of ``node`` are, if they are one behind the other."""
    statements = statements_of(node)
    first, last = statements[0], statements[-1]
    if isinstance(first, Header) != opened or last.number - first.number != len(statements) - 1:
        return None
    behind = inline_comment(index.text, last.span.stop, hash_comments)
    if last is first:
        return located_statement(index.text, first, None, first.span)
    span = Span(first.span.start, behind.stop if behind else last.span.stop)
    return replace(located_statement(index.text, first, None, span), entry=span)


def _leaf(text: str, node: Leaf) -> Located:
    if node.pair is None:
        return located_item(text, node)
    if isinstance(node.pair.holder, Inline):
        return Located(node.span, node.keys[0], node.pair.span)
    return located_statement(text, node.pair, node.keys[0], node.span)


def located_item(text: str, item: Leaf) -> Located:
    """Return where an item of an array stands, with its own comments."""
    array, number = item.parent, item.name
    assert isinstance(array, Array)
    assert isinstance(number, int)
    floor = array.commas[number - 1] + 1 if number else array.span.start + 1
    above = owned_above(text, floor, item.span.start, STYLE)
    stop = array.commas[number] if number < len(array.commas) else item.span.stop
    return Located(item.span, None, item.span, above, inline_comment(text, stop, hash_comments))


def _announced(text: str, table: Table, key: Span | None) -> Located:
    if table.header:
        own = table.header.keys[-1].span if key else None
        return located_statement(text, table.header, own, table.header.span)
    if table.dotted_in is not None:
        pair = table.pairs[0]
        behind = next(each.span for each in pair.keys if key is None or each.span.start > key.start)
        return Located(Span(behind.start, pair.span.stop), key, pair.span)
    first = statements_of(table)[0].span
    return Located(first, key, first)
