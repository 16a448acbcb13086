"""Keys, tables and elements go, with their own comments and nobody else's."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn.sdk import (
    Span,
    TextEdit,
    hash_comments,
    indentation_of,
    inline_comment,
    line_start,
    line_stop,
    lines_removed,
    owned_above,
)
from untorn.serializers._toml import inline
from untorn.serializers._toml.adding import header_name, key_added, statement_of
from untorn.serializers._toml.comments import STYLE
from untorn.serializers._toml.layout import behind, separator_of
from untorn.serializers._toml.nodes import Header, Inline, Leaf, Table, Tables, statements_of
from untorn.serializers._toml.scalars import key_text

if TYPE_CHECKING:
    from collections.abc import Sequence

    from untorn.sdk import Value
    from untorn.serializers._toml.nodes import Index, Node, Pair, Statement


def removed(index: Index, node: Node) -> list[TextEdit]:
    """Return the edits that remove a key, a table, or an element of an array of tables.

    What it leaves empty stays as an empty value: a table that only this one
    stood for gets a header or ``a = {}`` of its own, an array of tables ``a = []``.
    """
    parent = node.parent
    if isinstance(parent, Tables) and len(parent.items) == 1:
        return _array_emptied(index, parent)
    if isinstance(parent, Table) and len(parent.children) == 1:
        if parent.dotted_in is not None:
            return collapsed(index, parent, "{}")
        if is_implicit(parent):
            return statements_removed(index, statements_of(node), [f"[{header_name(index, parent)}]"])
    members = _members(node)
    if members:
        assert isinstance(members[0].holder, Inline)
        return inline.removed(members[0].holder, members)
    return statements_removed(index, statements_of(node))


def is_implicit(table: Table) -> bool:
    """Return whether only longer headers name ``table``."""
    return table.parent is not None and table.header is None and table.dotted_in is None


def _members(node: Node) -> list[Pair]:
    """Return what spells ``node`` in an inline table, if it is in one."""
    pairs = node.pairs if isinstance(node, Table) else []
    if isinstance(node, Leaf) and node.pair:
        pairs = [node.pair]
    return [pair for pair in pairs if isinstance(pair.holder, Inline)]


def _array_emptied(index: Index, tables: Tables) -> list[TextEdit]:
    """Remove the only element, and leave an empty array."""
    parent, name = tables.parent, tables.name
    statements = statements_of(tables)
    assert isinstance(parent, Table)
    assert isinstance(name, str)
    line = f"{key_text(name)} = []"
    if is_implicit(parent):
        return statements_removed(index, statements, [f"[{header_name(index, parent)}]", line])
    if parent is index.root and not statements[0].number:
        return statements_removed(index, statements, [line])
    added = key_added(index, parent, name, [])
    edits = statements_removed(index, statements)
    if any(edit.start < added.start < edit.stop for edit in edits):
        # The last lines of a text without final newline: the newlines before go, too.
        return statements_removed(index, statements, [added.new.strip("\n")])
    return [added, *edits]


def collapsed(index: Index, table: Table, value: str) -> list[TextEdit]:
    """Return the edits that turn a table that dotted keys define into ``a = value``.

    The comments of its keys go with them.
    """
    first, *others = table.pairs
    depth = next(number for number, key in enumerate(first.keys) if key.span in table.keys)
    edit = TextEdit(first.keys[depth].span.stop, first.span.stop, separator_of(index.text, first) + value)
    if isinstance(first.holder, Inline):
        return [edit, *(inline.removed(first.holder, others) if others else [])]
    rest = [statement for statement in statements_of(table) if statement is not first]
    return [edit, *_own_comments_removed(index.text, first), *statements_removed(index, rest)]


def retyped_in_place(index: Index, node: Node, value: Value) -> list[TextEdit]:
    """Return the edits that put ``key = value`` where a table begins, if that place is its parent's.

    It is where the parent's key lines end there, and where nothing but longer
    headers name the parent, which then gets its own.
    """
    parent, name = node.parent, node.name
    statements = statements_of(node)
    first = statements[0]
    assert isinstance(parent, Table)
    assert isinstance(name, str)
    before = index.statements[first.number - 1] if first.number else None
    opened = before.table if isinstance(before, Header) else before.holder if before else index.root
    if not is_implicit(parent) and opened is not parent:
        return []
    header = [f"[{header_name(index, parent)}]"] if is_implicit(parent) else []
    line = statement_of(index, parent.pairs, key_text(name), value)
    if first is not getattr(node, "header", None):
        return statements_removed(index, statements, [*header, line])
    # The comments are the key's: below the new header, if there is one.
    above = [comment.of(index.text) for comment in _own_above(index.text, first)]
    comment = inline_comment(index.text, first.span.stop, hash_comments)
    tail = index.text[first.span.stop : comment.stop] if comment else ""
    return statements_removed(index, statements, [*header, *above, line + tail])


def _own_comments_removed(text: str, pair: Pair) -> list[TextEdit]:
    """Return the edits that remove a statement's own comments, and leave the statement."""
    edits = [TextEdit(line.start, line.stop, "") for line in _lines_above(text, pair)]
    comment = inline_comment(text, pair.span.stop, hash_comments)
    return [*edits, TextEdit(pair.span.stop, comment.stop, "")] if comment else edits


def _lines_above(text: str, statement: Statement) -> list[Span]:
    """Return the whole lines of the comments above that ``statement`` owns."""
    own = _own_above(text, statement)
    return [Span(line_start(text, each.start), line_stop(text, each.stop)) for each in own]


def _own_above(text: str, statement: Statement) -> tuple[Span, ...]:
    return owned_above(text, statement.floor, statement.span.start, STYLE)


def statements_removed(
    index: Index, statements: Sequence[Statement], new: Sequence[str] = ()
) -> list[TextEdit]:
    """Return the edits that remove statements with their own comments.

    What stands between two statements of one removed table goes with them.

    Args:
        index: The index.
        statements: In the order of the text.
        new: Statements, without indentation, for the place of the first one.
    """
    text = index.text
    runs = _joined_at_the_end(text, _runs(index, statements))
    if not new:
        return [lines_removed(text, run.start, run.stop) for run in runs]
    first = statements[0].span
    here = next(run for run in runs if run.start <= first.start < run.stop)
    indent = indentation_of(text, first.start)
    lines = [f"{indent}{statement}\n" for statement in new]
    rest = [lines_removed(text, run.start, run.stop) for run in runs if run is not here]
    return [_lines_replaced(text, here, "".join(lines)), *rest]


def _joined_at_the_end(text: str, runs: list[Span]) -> list[Span]:
    """Join the runs between which, at the end of a text without final newline, blank lines would be left."""
    if runs and runs[-1].stop == len(text) and not text.endswith("\n"):
        while len(runs) > 1 and not text[runs[-2].stop : runs[-1].start].strip():
            runs[-2:] = [Span(runs[-2].start, runs[-1].stop)]
    return runs


def _lines_replaced(text: str, run: Span, lines: str) -> TextEdit:
    ends_open = run.stop == len(text) and not text.endswith("\n")
    return TextEdit(run.start, run.stop, lines.removesuffix("\n") if ends_open else lines)


def _runs(index: Index, statements: Sequence[Statement]) -> list[Span]:
    """Return the whole lines that go with ``statements``."""
    text = index.text
    tables = {id(each.table) for each in statements if isinstance(each, Header)}
    runs: list[Span] = []
    previous: Statement | None = None
    for each in statements:
        body = Span(line_start(text, each.span.start), behind(text, each))
        if previous is not None and previous.number + 1 == each.number and _is_inside(previous, tables):
            body = Span(runs.pop().start, body.stop)
        else:
            for line in _lines_above(text, each):
                _join(runs, line)
        _join(runs, body)
        previous = each
    return runs


def _is_inside(statement: Statement, tables: set[int]) -> bool:
    return isinstance(statement, Header) or id(statement.holder) in tables


def _join(runs: list[Span], run: Span) -> None:
    if runs and runs[-1].stop == run.start:
        run = Span(runs.pop().start, run.stop)
    runs.append(run)
