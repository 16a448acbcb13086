"""What stands where in a TOML text: statements in their order, and the tree of values that they make."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from collections.abc import Iterator

    from untorn.sdk import KeyPath, Operation, Span


@dataclass(slots=True, eq=False)
class Key:
    """One part of a dotted key, and where it is written."""

    name: str
    span: Span


@dataclass(slots=True, eq=False)
class Header:
    """``[a.b]`` or ``[[a.b]]``.

    Attributes:
        span: From the first bracket to the last.
        keys: The parts between the brackets.
        floor: Where the statement before ends.
        number: Its place among the statements.
        table: The table that it opens.
    """

    span: Span
    keys: list[Key]
    floor: int
    number: int
    table: Table


@dataclass(slots=True, eq=False)
class Pair:
    """``key = value``: a statement, or a member of an inline table.

    Attributes:
        span: From the key to the value's end.
        keys: The parts of its key.
        floor: Where the statement before ends.
        number: Its place among the statements; among the members in an inline table.
        holder: The table whose header it stands under, or the inline table around it.
        leaf: Its value.
    """

    span: Span
    keys: list[Key]
    floor: int
    number: int
    holder: Table | Inline
    leaf: Leaf


Statement: TypeAlias = "Header | Pair"


@dataclass(slots=True, eq=False)
class Node:
    """A value.

    Attributes:
        name: Its key in its mapping, or its index in its list.
        parent: The mapping or list around it; ``None`` for the root.
        keys: Every place that spells its key; none for items and the root.
    """

    name: str | int
    parent: Node | None
    keys: list[Span] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Leaf(Node):
    """A value that is written in one piece: a scalar, an array, an inline table.

    Attributes:
        span: Where it is written.
        pair: What gives it its key; ``None`` for the items of an array.
    """

    span: Span = field(kw_only=True)
    pair: Pair | None = None


@dataclass(slots=True, eq=False)
class Array(Leaf):
    """``[1, 2]``; ``commas`` has one for each item but, possibly, the last."""

    items: list[Leaf] = field(default_factory=list)
    commas: list[int] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Inline(Leaf):
    """``{a = 1, b.c = 2}``."""

    children: dict[str, Node] = field(default_factory=dict)
    pairs: list[Pair] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Table(Node):
    """A mapping that statements make up: the root, ``[a]``, ``[[a]]``, or what only a longer key names.

    Attributes:
        header: The header that opens it, if one does.
        dotted_in: Where the dotted keys that define it stand, if they do.
        pairs: The statements under its header (or at the top, for the root);
            of a table that dotted keys define, those that go through it.
    """

    children: dict[str, Node] = field(default_factory=dict)
    header: Header | None = None
    dotted_in: Table | Inline | None = None
    pairs: list[Pair] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Tables(Node):
    """An array of tables: all ``[[a]]`` together."""

    items: list[Table] = field(default_factory=list)


@dataclass(slots=True, eq=False)
class Index:
    """A text, its statements in their order, and the tree of its values.

    ``changed`` says what kind of operation changed which statements there are, and in which table.
    """

    text: str
    statements: list[Statement]
    root: Table
    changed: tuple[type[Operation], KeyPath] | None = None

    def find(self, path: KeyPath) -> Node | None:
        """Return the node at ``path``, or ``None``."""
        node: Node | None = self.root
        for part in path:
            node = child_of(node, part)
        return node

    def nearest(self, path: KeyPath) -> tuple[Node, KeyPath]:
        """Return the deepest node on ``path`` that exists, and the rest of the path."""
        node: Node = self.root
        for depth, part in enumerate(path):
            child = child_of(node, part)
            if child is None:
                return node, path[depth:]
            node = child
        return node, ()


def child_of(node: Node | None, part: object) -> Node | None:
    """Return what is under this key or index of ``node``."""
    if isinstance(node, (Table, Inline)):
        return node.children.get(part) if isinstance(part, str) else None
    if isinstance(node, (Array, Tables)) and isinstance(part, int) and 0 <= part < len(node.items):
        return node.items[part]
    return None


def children_of(node: Node) -> list[Node]:
    """Return the values directly inside ``node``."""
    if isinstance(node, (Table, Inline)):
        return list(node.children.values())
    if isinstance(node, (Array, Tables)):
        return list(node.items)
    return []


def statements_of(node: Node) -> list[Statement]:
    """Return the statements that make up ``node`` and all below it, in the order of the text.

    Not meant for what stands inside an array or an inline table.
    """
    return sorted(_statements(node), key=lambda statement: statement.number)


def _statements(node: Node) -> Iterator[Statement]:
    pending = [node]
    while pending:
        each = pending.pop()
        if isinstance(each, Leaf):
            assert each.pair is not None
            yield each.pair
            continue
        if isinstance(each, Table) and each.header:
            yield each.header
        pending += children_of(each)


def path_of(node: Node) -> KeyPath:
    """Return the key path of ``node``."""
    parts: list[str | int] = []
    while node.parent is not None:
        parts.append(node.name)
        node = node.parent
    return tuple(reversed(parts))
