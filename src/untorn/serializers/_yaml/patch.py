"""From operations to edits of a text."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from untorn.sdk import (
    Delete,
    ImpreciseEditError,
    Insert,
    KeyPath,
    Kinds,
    LimitError,
    Located,
    Move,
    Operation,
    ParseError,
    Rename,
    Set,
    SetComment,
    Span,
    TextEdit,
    Value,
    apply_edits,
    check_representable,
    commented,
    difference,
    hash_comments,
    inline_comment,
    look_up,
    moved,
    patched,
    same_value,
)
from untorn.serializers._yaml.adding import add_item, add_key
from untorn.serializers._yaml.documents import insert_document, remove_document
from untorn.serializers._yaml.fragments import LONGEST_KEY, root_text
from untorn.serializers._yaml.layout import column_of
from untorn.serializers._yaml.lines import merged_edits
from untorn.serializers._yaml.nodes import content_start
from untorn.serializers._yaml.places import COMMENTS, Entry, Index, refuse_needed_anchors, refuse_shared
from untorn.serializers._yaml.removing import refuse_uncovered, remove
from untorn.serializers._yaml.setting import replace_value
from untorn.serializers._yaml.spelling import DOUBLE, SINGLE, spelled_key
from untorn.serializers._yaml.values import is_opaque

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from untorn.serializers._yaml.nodes import Node

KINDS = Kinds(
    "YAML", null=True, dates=True, binary=True, sets=True, tagged=True, non_finite=True, any_keys=True
)
"""What YAML can hold."""


def patch(text: str, operations: Iterable[Operation]) -> list[TextEdit]:
    """Return the edits of ``text`` that do ``operations`` in turn."""
    asked = list(operations)
    strange = None if text.isascii() and "\r" not in text else _STRANGE_END.search(text)
    if strange is not None and not all(isinstance(each, (Set, Rename)) for each in asked):
        raise _strange_lines(strange[0], asked[0].path)
    edits = patched(text, asked, Index, patch_one, is_item=_is_item)
    if strange is not None and any(
        {*each.new, *text[each.start : each.stop]} & {"\n", strange[0]} for each in edits
    ):
        raise _strange_lines(strange[0], asked[0].path)
    return edits


# YAML 1.2, "b-break"; and YAML 1.1, which readers still follow.
_STRANGE_END = re.compile(r"\r(?!\n)|[\x85\u2028\u2029]")


def _strange_lines(end: str, path: KeyPath) -> ImpreciseEditError:
    """Return the error for lines that come or go where readers do not agree on what a line is."""
    return ImpreciseEditError(
        f"some of its lines end with {end!r}, which not all readers take for an end",
        where=path,
        hint="write other line ends first",
    )


def _is_item(index: Index, path: KeyPath) -> bool:
    """Return whether an integer at the end of ``path`` is an index, and no key."""
    holder = index.find(path[:-1]) if len(path) > 1 else None
    return holder is None or holder.node.real.kind == "sequence"


def patch_one(index: Index, operation: Operation) -> list[TextEdit]:  # noqa: PLR0911  one for each operation
    """Return the edits of one operation on an indexed text."""
    path = operation.path
    if not path:
        return _whole_stream(index, operation)
    match operation:
        case Set():
            check_representable(operation.value, KINDS, shown(index, path))
            return _set(index, path, operation.value)
        case Insert():
            check_representable(operation.value, KINDS, shown(index, path))
            return _insert(index, path, operation.value)
        case Delete():
            if len(path) == 1:
                return _beside_others(index, operation, remove_document(index, path[0], path))
            return remove(index, _found(index, path), path)
        case SetComment():
            return _commented(index, operation)
        case Move():
            return _moved(index, operation)
        case _:
            check_representable({operation.key: None}, KINDS, shown(index, path[:-1]))
            return _rename(index, path, operation.key)


def shown(index: Index, path: KeyPath) -> KeyPath:
    """Return ``path`` as the user knows it: a single document has no number."""
    return path if len(index.documents) > 1 else path[1:]


def _whole_stream(index: Index, operation: Operation) -> list[TextEdit]:
    if isinstance(operation, Set) and isinstance(operation.value, (list, tuple)):
        return _step_by_step(index, (), index.value, operation.value)
    raise ImpreciseEditError("the documents of a text are a list", hint="set it to a list of documents")


def _step_by_step(index: Index, path: KeyPath, old: Value, new: Value) -> list[TextEdit]:
    """Change only what differs between two collections: the rest keeps its lines and comments."""
    operations = (replace(each, path=(*path, *each.path)) for each in difference(old, new))
    return patched(
        index.text, operations, lambda text: index if text == index.text else Index(text), patch_one
    )


def _found(index: Index, path: KeyPath) -> Entry:
    entry = index.find(path)
    if entry is None:
        raise _unreachable(path)
    return entry


def _unreachable(path: KeyPath) -> ImpreciseEditError:
    return ImpreciseEditError(
        "what stands inside a node with a tag that gives it another meaning cannot be edited piece by piece",
        where=path,
        hint="set the whole node",
    )


# ── Set ─────────────────────────────────────────────────────────────────────


def _set(index: Index, path: KeyPath, value: Value) -> list[TextEdit]:
    entry = index.find(path) if index.documents else None
    if entry is None or entry.merged:
        return _add(index, path, value)
    if len(path) > 1:
        refuse_shared(entry.shared, path, "set it")
    if _alike(index, entry, value):
        try:
            return _step_by_step(index, path, index.values.of(entry.node), value)
        except ImpreciseEditError:
            # Part of it cannot be changed alone; all of it can be replaced.
            return replace_value(index, entry, value, path)
    return replace_value(index, entry, value, path)


def _alike(index: Index, entry: Entry, value: Value) -> bool:
    """Return whether old and new are collections, and the old one has something to keep."""
    node = entry.node
    # Empty brackets may have comments in them.
    if is_opaque(node) or not value or not (node.items or _has_comments(index.text, node)):
        return False
    if node.kind == "mapping" and isinstance(value, Mapping):
        return not node.items or any(key in value for key in index.values.of(node))
    return node.kind == "sequence" and isinstance(value, (list, tuple))


def _has_comments(text: str, empty: Node) -> bool:
    return empty.is_flow and "#" in text[content_start(text, empty) : empty.end]


def _add(index: Index, path: KeyPath, value: Value) -> list[TextEdit]:
    """Add a key, with the parents that are missing."""
    if not index.documents:
        return _fill_text(index, path, value)
    for depth in range(len(path) - 1, 0, -1):
        entry = index.find(path[:depth])
        if entry is None:
            value = {path[depth]: value}
            continue
        if entry.node.real.kind != "mapping" or is_opaque(entry.node.real):
            raise _unreachable(path)
        return merged_edits(add_key(index, entry, path[depth], value, path))
    raise _unreachable(path)


def _fill_text(index: Index, path: KeyPath, value: Value) -> list[TextEdit]:
    """Give a text without any document one, behind its comments."""
    text = index.text
    for part in reversed(path[1:]):
        value = {part: value}
    final = not text or text.endswith("\n")
    new = root_text(value, replace(index.style, blocks=final))
    return [TextEdit(len(text), len(text), new if final else "\n" + new.removesuffix("\n"))]


# ── Insert, rename, move ──────────────────────────────────────────────────────────


def _insert(index: Index, path: KeyPath, value: Value) -> list[TextEdit]:
    if len(path) == 1:
        return _beside_others(index, Insert(path, value), insert_document(index, path[0], value))
    entry = _found(index, path[:-1])
    if entry.node.real.kind != "sequence" or is_opaque(entry.node.real):
        raise _unreachable(path)
    return merged_edits(add_item(index, entry, path[-1], value, path))


def _beside_others(index: Index, operation: Insert | Delete, edits: list[TextEdit]) -> list[TextEdit]:
    """Return the edits that let a document come or go, if the others are read as before.

    What parts two documents may be a part of either (YAML 1.2, "Document Markers").

    Raises:
        ImpreciseEditError: They are not.
    """
    wanted, number = list(index.value), operation.path[0]
    if isinstance(operation, Insert):
        wanted.insert(number, operation.value)
    else:
        del wanted[number]
    try:
        found = Index(apply_edits(index.text, edits)).value
    except (LimitError, ParseError):
        found = None
    if not same_value(found, wanted):
        raise ImpreciseEditError("the documents beside it would be read differently", where=operation.path)
    return edits


def _rename(index: Index, path: KeyPath, key: Value) -> list[TextEdit]:
    entry = _found(index, path)
    what = "rename it"
    refuse_shared(entry.shared, path, what)
    assert entry.key is not None
    assert entry.holder is not None
    refuse_uncovered(index, entry.holder, path, what)
    refuse_needed_anchors(entry.key, path, what)
    node = entry.key
    quote = node.style if node.kind == "scalar" and node.style in (DOUBLE, SINGLE) else ""
    new = spelled_key(key, quote=quote, preferred=index.style.quote, flow=entry.holder.is_flow)
    if not entry.holder.is_flow and _needs_mark(index, entry, new):
        column = column_of(index.text, node.start)
        return [TextEdit(node.start, index.colon_of(entry), f"? {new}\n{' ' * column}")]
    if node.start == node.end:
        if entry.holder.is_flow:
            raise ImpreciseEditError("an empty key in brackets cannot be renamed", where=path)
        new = f" {new}" if index.text[node.start - 1 : node.start] == "?" else new
    return [TextEdit(node.start, node.end, new)]


def _needs_mark(index: Index, entry: Entry, name: str) -> bool:
    """Return whether a key without ``?`` needs one to have this name.

    It does if the name is long, or if it was empty and a block begins behind its
    colon, which no other key allows.
    """
    assert entry.key is not None
    if index.start_of(entry) < entry.key.start or not index.has_colon(entry):
        return False
    between = index.text[index.colon_of(entry) : content_start(index.text, entry.node)]
    return len(name) > LONGEST_KEY or (entry.node.is_block and "\n" not in between)


def _commented(index: Index, operation: SetComment) -> list[TextEdit]:
    path = operation.path
    entry = _found(index, path)
    # A comment beside the anchor is no part of what the aliases name; beside an alias it cannot be.
    way = [_found(index, path[:depth]) for depth in range(1, len(path))]
    if any(each.merged for each in [*way, entry]) or any(each.node.kind == "alias" for each in way):
        refuse_shared(entry.shared, path, "comment on it")
    end = None if entry.holder is None else index.line_end_of(entry)
    return commented(index.text, index.located(entry), operation, COMMENTS, end=end)


def _moved(index: Index, operation: Move) -> list[TextEdit]:
    path = operation.path
    if len(path) == 1:
        raise ImpreciseEditError("whole documents are not moved", where=path)
    refuse_shared(_found(index, path).shared, path, "move it")
    holder, siblings = _found(index, path[:-1]), look_up(index.value, path[:-1])
    keys = list(siblings) if isinstance(siblings, Mapping) else list(range(len(siblings)))
    found = [index.child(holder, key) for key in keys]
    places = [None if each is None or each.merged else _with_last_comment(index, each) for each in found]
    return moved(index.text, places, keys.index(path[-1]), operation)


def _with_last_comment(index: Index, entry: Entry) -> Located:
    """Return where an entry stands, with the comment behind its last line that is of something inside."""
    located = index.located(entry)
    assert located.entry is not None
    behind = inline_comment(index.text, located.entry.stop, hash_comments) if entry.node.is_block else None
    return replace(located, entry=Span(located.entry.start, behind.stop)) if behind else located


def locator(text: str) -> Callable[[KeyPath], Located | None]:
    """Return what says where a key path stands in ``text``, ``None`` if it leads nowhere."""
    index = Index(text)

    def locate(keypath: KeyPath) -> Located | None:
        if not keypath:
            return Located(Span(0, len(text)))
        entry = index.find(keypath)
        return index.located(entry) if entry is not None else None

    return locate
