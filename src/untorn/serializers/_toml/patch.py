"""Operations on a text as edits of it: each operation finds its place, and touches nothing else."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from untorn.sdk import (
    Delete,
    ImpreciseEditError,
    Insert,
    Move,
    Operation,
    Rename,
    Set,
    SetComment,
    TextEdit,
    UnrepresentableError,
    commented,
    difference,
    format_keypath,
    indentation_of,
    look_up,
    moved,
    patched,
)
from untorn.serializers._toml import arrays
from untorn.serializers._toml.adding import elements_inserted, key_added, no_element
from untorn.serializers._toml.comments import STYLE
from untorn.serializers._toml.index import index_of
from untorn.serializers._toml.layout import brace_pad, string_sample
from untorn.serializers._toml.locate import located, siblings_of
from untorn.serializers._toml.nodes import (
    Array,
    Index,
    Inline,
    Leaf,
    Node,
    Table,
    Tables,
    children_of,
    path_of,
)
from untorn.serializers._toml.removing import collapsed, is_implicit, removed, retyped_in_place
from untorn.serializers._toml.scalars import check, key_text
from untorn.serializers._toml.search import scalar_at
from untorn.serializers._toml.writing import inline_text

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from untorn.sdk import KeyPath, Value


def edits_of(text: str, operations: Iterable[Operation]) -> list[TextEdit]:
    """Return the edits of ``text`` that do ``operations`` one after the other."""
    asked = list(operations)
    return _quickly(text, asked) or patched(text, _with_runs(asked), index_of, _one)


def _quickly(text: str, operations: Sequence[Operation]) -> list[TextEdit]:
    """Put one scalar in the place of another, which takes no index of the text; empty if it is not that."""
    if len(operations) != 1 or not isinstance(operations[0], Set):
        return []
    path, value = operations[0].path, operations[0].value
    span = None if isinstance(value, (Mapping, list, tuple)) else scalar_at(text, path)
    if span is None:
        return []
    check(value, path)
    return [TextEdit(span.start, span.stop, inline_text(value, span.of(text)))]


@dataclass(frozen=True, slots=True)
class _InsertRun(Insert):
    """Put all of ``value`` into a list, in front of the item at ``path``.

    A long list that grows by many items would otherwise be indexed anew for each.
    """


def _with_runs(operations: Iterable[Operation]) -> Iterator[Operation]:
    """Yield ``operations``, those that insert one item behind the other as one."""
    run: _InsertRun | None = None
    for operation in operations:
        if type(operation) is not Insert:
            if run:
                yield run
            run = None
            yield operation
        elif run and operation.path == (*run.path[:-1], run.path[-1] + len(run.value)):
            run.value.append(operation.value)
        else:
            if run:
                yield run
            run = _InsertRun(operation.path, [operation.value])
    if run:
        yield run


@dataclass(frozen=True, slots=True)
class _SetCommented(Set):
    """Add a key with comments: lines above it, and one behind it."""

    above: Sequence[str] = ()
    inline: str = ""


def _one(index: Index, operation: Operation) -> list[TextEdit] | None:  # noqa: PLR0911  one for each operation
    # Only another spelling in the same place leaves every statement what it is.
    if not _replaces_a_leaf(index, operation):
        # Keys that come to, or go from, one table do not need each other's statements,
        # unless the first one gives it a header.
        parent = index.find(operation.path[:-1])
        named = isinstance(parent, Leaf) or (isinstance(parent, Table) and not is_implicit(parent))
        change = type(operation), operation.path[:-1] if named else operation.path
        if index.changed not in (None, change):
            return None
        index.changed = change
    elif index.changed is not None:
        return None
    match operation:
        case Set():
            return _set(index, operation)
        case Insert():
            return _insert(index, operation)
        case Delete():
            return _delete(index, operation.path)
        case SetComment():
            return commented(index.text, located(index, operation.path), operation, STYLE)
        case Move(path):
            siblings = children_of(index.nearest(path[:-1])[0])
            now = [each.name for each in siblings].index(path[-1])
            return moved(index.text, siblings_of(index, path), now, operation)
        case _:
            return _rename(index, operation)


def _replaces_a_leaf(index: Index, operation: Operation) -> bool:
    return isinstance(operation, Set) and isinstance(index.find(operation.path), Leaf)


def _set(index: Index, operation: Set) -> list[TextEdit]:
    path, value = operation.path, operation.value
    node, rest = index.nearest(path)
    for part in reversed(rest):
        value = {part: value}
    check(value, path[: len(path) - len(rest)])
    if rest:
        return [_added(index, node, rest[0], value[rest[0]], operation)]
    if _can_be_compared(node, value):
        return _compared(index, path, value)
    if isinstance(node, Leaf):
        like = node.span.of(index.text) if type(node) is Leaf else ""
        pad = brace_pad(index) if isinstance(value, (Mapping, list, tuple)) else ""
        return [TextEdit(node.span.start, node.span.stop, inline_text(value, like, pad))]
    return _retyped(index, node, operation)


def _added(index: Index, node: Node, key: str, value: Value, operation: Set) -> TextEdit:
    if not isinstance(node, (Table, Inline)):
        where = path_of(node)
        raise ImpreciseEditError(f"{format_keypath(where)} has no {key!r} to set", where=where)
    edit = key_added(index, node, key, value)
    if isinstance(operation, _SetCommented):
        return _with_comments(edit, operation)
    return edit


def _with_comments(edit: TextEdit, operation: _SetCommented) -> TextEdit:
    """Put comments above what is added, and one behind its header or its value."""
    lines = edit.new.split("\n")
    filled = [number for number, line in enumerate(lines) if line.strip()]
    first = filled[0]
    if operation.inline:
        is_header = lines[first].lstrip().startswith("[")
        lines[first if is_header else filled[-1]] += f"  {operation.inline}"
    lines[first:first] = [indentation_of(lines[first], 0) + comment for comment in operation.above]
    return TextEdit(edit.start, edit.stop, "\n".join(lines))


def _can_be_compared(node: Node, value: Value) -> bool:
    """Return whether the node can become ``value`` piece by piece, which keeps what is equal."""
    if isinstance(node, (Table, Inline)):
        return isinstance(value, Mapping)
    if not isinstance(value, (list, tuple)):
        return False
    if isinstance(node, Tables):
        return bool(value) and all(isinstance(item, Mapping) for item in value)
    return isinstance(node, Array)


def _compared(index: Index, path: KeyPath, value: Value) -> list[TextEdit]:
    import tomllib  # noqa: PLC0415  most operations do not compare

    old = look_up(tomllib.loads(index.text), path)
    operations = [_below(path, operation) for operation in difference(old, value)]
    if not any(isinstance(each, Insert) or isinstance(each.path[-1], int) for each in operations):
        # New keys first: what would be left empty in between keeps its form.
        operations.sort(key=lambda each: isinstance(each, Delete))
    return edits_of(index.text, operations)


def _below(path: KeyPath, operation: Operation) -> Operation:
    """Return an operation of ``difference`` as one on the whole value."""
    full = (*path, *operation.path)
    if isinstance(operation, Delete):
        return Delete(full)
    assert isinstance(operation, (Set, Insert))
    return type(operation)(full, operation.value)


def _retyped(index: Index, node: Node, operation: Set) -> list[TextEdit]:
    """Make something else of what statements make up."""
    path, value = operation.path, operation.value
    if not path:
        raise UnrepresentableError("a TOML document is a mapping", where=(), hint="give it a key")
    if isinstance(node.parent, Tables):
        raise no_element(index, node.parent)
    if isinstance(node, Table) and node.dotted_in is not None:
        return collapsed(index, node, inline_text(value, pad=brace_pad(index)))
    in_place = retyped_in_place(index, node, value)
    if in_place:
        return in_place
    above: list[str] = []
    inline = ""
    if isinstance(node, Table) and node.header:
        # The header's comments are the key's: they travel with it.
        entry = located(index, path)
        assert entry is not None
        above = [each.of(index.text) for each in entry.above]
        inline = entry.inline.of(index.text) if entry.inline else ""
    return edits_of(index.text, [Delete(path), _SetCommented(path, value, above, inline)])


def _insert(index: Index, operation: Insert) -> list[TextEdit]:
    path, number = operation.path[:-1], operation.path[-1]
    assert isinstance(operation, _InsertRun)
    for offset, value in enumerate(operation.value):
        check(value, (*path, number + offset))
    node = index.find(path)
    if isinstance(node, Tables):
        return [elements_inserted(index, node, number, operation.value)]
    assert isinstance(node, Array)
    like, pad = string_sample(index.text, node.items), brace_pad(index)
    items = [inline_text(value, like, pad) for value in operation.value]
    return arrays.inserted(index.text, node, number, items)


def _delete(index: Index, path: KeyPath) -> list[TextEdit]:
    node = index.find(path)
    assert node is not None
    if isinstance(node.parent, Array):
        return arrays.removed(index.text, node.parent, path[-1])
    return removed(index, node)


def _rename(index: Index, operation: Rename) -> list[TextEdit]:
    check({operation.key: True}, operation.path[:-1])
    node = index.find(operation.path)
    assert node is not None
    return [
        TextEdit(span.start, span.stop, key_text(operation.key, span.of(index.text))) for span in node.keys
    ]
