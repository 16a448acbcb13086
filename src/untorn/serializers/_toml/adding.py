"""New keys, tables and elements: where they go, and how they are spelled there.

A new key stands at the end of its table's own key lines. A mapping becomes a
sub-table ``[parent.key]`` at the end of the parent's region, and a list of
mappings (none of them empty) ``[[parent.key]]``, where the parent has a header
or is the root; if all mappings that the parent has are inline tables, so is
the new one. In inline tables and beside dotted keys, everything is inline.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from untorn.sdk import (
    ImpreciseEditError,
    TextEdit,
    format_keypath,
    indentation_of,
    line_start,
    lines_inserted,
)
from untorn.serializers._toml import inline
from untorn.serializers._toml.layout import (
    behind,
    blank_line_at,
    blank_line_before,
    block_start,
    brace_pad,
    comment_before,
    end_of_region,
    is_spaced,
    new_separator,
    quote_like,
)
from untorn.serializers._toml.nodes import (
    Array,
    Header,
    Inline,
    Table,
    Tables,
    path_of,
    statements_of,
)
from untorn.serializers._toml.scalars import key_text
from untorn.serializers._toml.writing import (
    inline_text,
    is_table_array,
    statement_text,
    table_text,
    tables_text,
)

if TYPE_CHECKING:
    from collections.abc import Sequence

    from untorn.sdk import Value
    from untorn.serializers._toml.nodes import Index, Pair, Statement


def key_added(index: Index, parent: Table | Inline, name: str, value: Value) -> TextEdit:
    """Return the edit that adds a key to a mapping that does not have it."""
    if isinstance(parent, Inline):
        return _member_added(index, parent, parent.pairs, "", name, value)
    if parent.dotted_in is not None:
        return _beside_dotted(index, parent, name, value)
    if _is_written_as_tables(parent, value):
        return _subtable_added(index, parent, name, value)
    if parent.header is None and parent.parent is not None:
        return _declared_with(index, parent, name, value)
    return _line_added(index, parent, name, value)


def _member_added(  # noqa: PLR0913, PLR0917  where, and what
    index: Index, table: Inline, beside: list[Pair], prefix: str, name: str, value: Value
) -> TextEdit:
    text, pad = index.text, brace_pad(index)
    key = prefix + key_text(name)
    separator = new_separator(index, key, table.pairs)
    member = key + separator + inline_text(value, quote_like(text, table.pairs), pad)
    return inline.added(text, table, member, behind=beside[-1] if beside else None, pad=pad)


def _beside_dotted(index: Index, parent: Table, name: str, value: Value) -> TextEdit:
    """Add ``a.new = …`` behind the last ``a.key = …``."""
    pair = parent.pairs[-1]
    # The prefix as it is spelled there: up to the part behind the parent's own.
    depth = next(number for number, key in enumerate(pair.keys) if key.span in parent.keys)
    prefix = index.text[pair.span.start : pair.keys[depth + 1].span.start]
    if isinstance(pair.holder, Inline):
        return _member_added(index, pair.holder, parent.pairs, prefix, name, value)
    return _statement_behind(index, pair, parent.pairs, prefix + key_text(name), value)


def _statement_behind(index: Index, pair: Pair, like: list[Pair], key: str, value: Value) -> TextEdit:
    text = index.text
    line = indentation_of(text, pair.span.start) + statement_of(index, like, key, value)
    return lines_inserted(text, behind(text, pair), line + "\n")


def statement_of(index: Index, beside: list[Pair], key: str, value: Value) -> str:
    """Return ``key = value`` in the style of the statements ``beside`` it."""
    separator = new_separator(index, key, beside)
    return statement_text(key, separator, value, like=quote_like(index.text, beside), pad=brace_pad(index))


def _is_written_as_tables(parent: Table, value: Value) -> bool:
    if not (isinstance(value, Mapping) or is_table_array(value)):
        return False
    children = parent.children.values()
    inline_ones = any(
        isinstance(child, Inline)
        or (isinstance(child, Array) and any(isinstance(item, Inline) for item in child.items))
        for child in children
    )
    under_headers = any(
        isinstance(child, Tables) or (isinstance(child, Table) and child.dotted_in is None)
        for child in children
    )
    return under_headers or not inline_ones


def _line_added(index: Index, table: Table, name: str, value: Value) -> TextEdit:
    """Add ``key = value`` to the key lines of the root or of a table with a header."""
    text, key = index.text, key_text(name)
    if table.pairs:
        return _statement_behind(index, table.pairs[-1], table.pairs, key, value)
    line = statement_of(index, [], key, value) + "\n"
    if table.header:
        line = indentation_of(text, table.header.span.start) + line
        return lines_inserted(text, behind(text, table.header), line)
    if not index.statements:
        apart = "" if blank_line_before(text, len(text)) else "\n"
        return lines_inserted(text, len(text), apart + line)
    return _above_header(index, index.statements[0], line)


def _above_header(index: Index, header: Statement, lines: str) -> TextEdit:
    """Insert above a header and the comments that stand directly above it."""
    at = block_start(index.text, header)
    apart = "" if blank_line_before(index.text, at) else "\n"
    return TextEdit(at, at, f"{apart}{lines}\n")


def _declared_with(index: Index, table: Table, name: str, value: Value) -> TextEdit:
    """Give a table that only longer headers name a header of its own, with its first key."""
    first = statements_of(table)[0]
    indent = indentation_of(index.text, first.span.start)
    line = statement_of(index, [], key_text(name), value)
    at = block_start(index.text, first)
    below = "\n" if is_spaced(index) else ""
    header = f"{indent}[{header_name(index, table)}]\n{indent}{line}\n{below}"
    return TextEdit(at, at, header)


def header_name(index: Index, table: Table | Tables) -> str:
    """Return the dotted name of a table, as its headers spell it."""
    if table.parent is None:
        return ""
    # A table that dotted keys define has no header, but nothing is asked to be put under it either.
    first = statements_of(table)[0]
    assert isinstance(first, Header)
    depth = sum(isinstance(part, str) for part in path_of(table))
    return index.text[first.keys[0].span.start : first.keys[depth - 1].span.stop]


def _subtable_added(index: Index, parent: Table, name: str, value: Value) -> TextEdit:
    prefix = header_name(index, parent)
    full = f"{prefix}.{key_text(name)}" if prefix else key_text(name)
    statements = index.statements if parent.parent is None else statements_of(parent)
    indent = _subtable_indentation(index, parent)
    lines = (
        table_text(full, value, indent=indent)
        if isinstance(value, Mapping)
        else tables_text(full, value, indent=indent)
    )
    return _block_added(index, statements[-1] if statements else None, lines)


def _subtable_indentation(index: Index, parent: Table) -> str:
    """Return the indentation of the parent's last sub-table, or else of the parent."""
    for child in reversed(parent.children.values()):
        first = child.items[0] if isinstance(child, Tables) else child
        if isinstance(first, Table) and first.header:
            return indentation_of(index.text, first.header.span.start)
    return indentation_of(index.text, parent.header.span.start) if parent.header else ""


def _block_added(index: Index, last: Statement | None, lines: str) -> TextEdit:
    """Insert whole tables behind the region that ends with ``last``."""
    text = index.text
    at = len(text) if last is None else end_of_region(index, last)
    spaced = is_spaced(index)
    above = "\n" if (spaced or comment_before(text, at)) and not blank_line_before(text, at) else ""
    below = "\n" if spaced and not blank_line_at(text, at) else ""
    return lines_inserted(text, at, above + lines + below)


def elements_inserted(index: Index, tables: Tables, number: int, values: Sequence[Value]) -> TextEdit:
    """Return the edit that puts elements into an array of tables.

    Raises:
        ImpreciseEditError: One of the values is no mapping.
    """
    if not all(isinstance(value, Mapping) for value in values):
        raise no_element(index, tables)
    neighbour = tables.items[min(number, len(tables.items) - 1)]
    assert neighbour.header is not None
    indent = indentation_of(index.text, neighbour.header.span.start)
    lines = tables_text(header_name(index, tables), values, indent)
    if number >= len(tables.items):
        return _block_added(index, statements_of(neighbour)[-1], lines)
    at = line_start(index.text, block_start(index.text, neighbour.header))
    return TextEdit(at, at, lines + ("\n" if is_spaced(index) else ""))


def no_element(index: Index, tables: Tables) -> ImpreciseEditError:
    """Return the error for something else than a mapping in an array of tables."""
    where = path_of(tables)
    return ImpreciseEditError(
        f"{format_keypath(where)} is an array of tables, [[{header_name(index, tables)}]]: "
        "only mappings can stand in it",
        where=where,
        hint="set the whole list, or permit a new layout: allow_reformat=True",
    )
