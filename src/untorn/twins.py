"""Two values that came from one, as two trees: what stands on one side knows what stands for it on the other.

Paths do not tell that: an item that somebody inserted moves all behind it.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from untorn.changes import Delete, Insert, Move, Operation, Rename, Set, partners
from untorn.keypath import MISSING, KeyPath
from untorn.values import Value, same_value, typed_key

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator


class Node:
    """A value in a tree that can be changed, and that stays the same node wherever it moves.

    Attributes:
        parent: What it is in; ``None`` for the root.
        key: Its key, if it is in a mapping.
        twin: What stands for it on the other side; ``None`` if that is gone.
        was: What both sides had to begin with; ``MISSING`` where one of them made it.
        origin: Where it stood when the trees were made; ``None`` for what was made since.
        changed: Whether the other side changed it, or anything in it.
        lost: Of a list, the items that the other side removed.
    """

    __slots__ = (
        "changed", "items", "key", "lost", "members", "origin", "parent", "scalar", "twin", "was",
    )  # fmt: skip

    def __init__(self, parent: Node | None, key: Any) -> None:  # noqa: ANN401  keys of any type
        self.parent = parent
        self.key = key
        self.twin: Node | None = None
        self.was: Value = MISSING
        self.origin: KeyPath | None = None
        self.changed = False
        self.lost: list[Value] = []
        self.members: dict[object, Node] | None = None
        self.items: list[Node] | None = None
        self.scalar: Value = None

    def become(self, value: Value) -> Node:
        """Hold ``value``, in new nodes."""
        self.members = self.items = None
        if isinstance(value, Mapping):
            self.members = {typed_key(key): Node(self, key).become(item) for key, item in value.items()}
        elif isinstance(value, (list, tuple)):
            self.items = [Node(self, None).become(item) for item in value]
        else:
            self.scalar = value
        return self

    def child(self, part: Any) -> Node | None:  # noqa: ANN401  keys of any type
        """Return what is at a key or an index, ``None`` if nothing is."""
        if self.members is not None:
            return self.members.get(typed_key(part))
        if self.items is not None and isinstance(part, int) and 0 <= part < len(self.items):
            return self.items[part]
        return None

    def children(self) -> list[Node]:
        """Return what is directly inside, in its order."""
        return list(self.members.values()) if self.members is not None else list(self.items or ())

    def plain(self) -> Value:
        """Return the value as plain data."""
        if self.members is not None:
            return {each.key: each.plain() for each in self.members.values()}
        return self.scalar if self.items is None else [each.plain() for each in self.items]

    def path(self) -> KeyPath:
        """Return the key path of this node as things stand."""
        return tuple(reversed(list(self._parts())))

    def _parts(self) -> Iterator[Any]:
        node = self
        while node.parent is not None:
            items = node.parent.items
            yield node.key if items is None else items.index(node)
            node = node.parent

    def like(self, other: Node) -> bool:
        """Return whether both are mappings, lists or scalars."""
        return (self.members is None) == (other.members is None) and (self.items is None) == (
            other.items is None
        )


def pair(one: Node, other: Node) -> None:
    """Make twins of two nodes and of what is in them; ``other`` may have more keys."""
    one.twin = other
    if one.members is not None and other.members is not None:
        for name, node in one.members.items():
            pair(node, other.members[name])
    elif one.items is not None and other.items is not None and len(one.items) == len(other.items):
        for node, item in zip(one.items, other.items, strict=True):
            pair(node, item)


def twins(base: Value, theirs: Value) -> tuple[Node, Node]:
    """Return the trees of what both sides had, and of what the other side made of it."""
    ours = Node(None, None).become(base)
    _note_origins(ours, ())
    _remember(ours, base)
    other = _aligned(ours, theirs, None, None)
    _note_origins(other, ())
    return ours, other


def _remember(node: Node, value: Value) -> None:
    """Note in each node what it is to begin with."""
    node.was = value
    for part, each in _parts(node):
        _remember(each, value[part])


def _note_origins(node: Node, path: KeyPath) -> None:
    node.origin = path
    for part, each in _parts(node):
        _note_origins(each, (*path, part))


def _parts(node: Node) -> Iterable[tuple[Any, Node]]:
    if node.items is not None:
        return enumerate(node.items)
    return ((each.key, each) for each in node.children())


def _aligned(base: Node, value: Value, parent: Node | None, key: Any) -> Node:  # noqa: ANN401  keys of any type
    node = Node(parent, key)
    node.was = base.was
    base.twin = node
    if base.members is not None and isinstance(value, Mapping):
        _align_members(base, node, value)
    elif base.items is not None and isinstance(value, (list, tuple)):
        _align_items(base, node, value)
    else:
        node.become(value)
        node.changed = not same_value(base.was, value)
    return node


def _align_members(base: Node, node: Node, value: Mapping[Any, Value]) -> None:
    known = base.members or {}
    node.members = {}
    for key, item in value.items():
        name = typed_key(key)
        old = known.get(name)
        node.members[name] = _aligned(old, item, node, key) if old else Node(node, key).become(item)
    node.changed = node.members.keys() != known.keys() or any(each.changed for each in node.children())


def _align_items(base: Node, node: Node, value: list[Value] | tuple[Value, ...]) -> None:
    known = base.items or []
    pairs = {each.place: each for each in partners([each.was for each in known], value)}
    node.items = [Node(node, None) for _ in value]
    for place, item in enumerate(value):
        each = pairs.get(place)
        if each is None:
            node.items[place].become(item)
        elif each.sure:
            node.items[place] = _aligned(known[each.index], item, node, None)
        else:  # perhaps another item: nobody can change anything inside the old one
            known[each.index].twin = node.items[place].become(item)
            node.items[place].changed = True
    kept = {each.index for each in pairs.values()}
    base.lost = [each.was for index, each in enumerate(known) if index not in kept]
    node.changed = (
        len(known) != len(pairs) or len(value) != len(pairs) or any(each.changed for each in node.items)
    )


def made(root: Node, operation: Operation) -> None:
    """Make ``operation`` in a tree."""
    if not operation.path:
        assert isinstance(operation, Set)
        root.become(operation.value)
        return
    parent = root
    for part in operation.path[:-1]:
        child = parent.child(part)
        assert child is not None
        parent = child
    last = operation.path[-1]
    match operation:
        case Set():
            child = parent.child(last)
            if child is None:
                assert parent.members is not None
                child = parent.members[typed_key(last)] = Node(parent, last)
            child.become(operation.value)
            child.changed = False
        case Delete():
            _remove(parent, last)
        case Insert():
            assert parent.items is not None
            parent.items.insert(last, Node(parent, None).become(operation.value))
        case Rename():
            _rename(parent, last, operation.key)
        case Move():
            _move(parent, last, operation.index)
        case _:
            pass  # a comment changes no value


def _remove(parent: Node, last: Any) -> None:  # noqa: ANN401  keys of any type
    if parent.members is not None:
        del parent.members[typed_key(last)]
    else:
        assert parent.items is not None
        del parent.items[last]


def _rename(parent: Node, old: Any, new: Any) -> None:  # noqa: ANN401  keys of any type
    assert parent.members is not None
    node = parent.members[typed_key(old)]
    node.key = new
    parent.members = {typed_key(each.key): each for each in parent.members.values()}


def _move(parent: Node, last: Any, index: int) -> None:  # noqa: ANN401  keys of any type
    node = parent.child(last)
    assert node is not None
    order = [each for each in parent.children() if each is not node]
    order.insert(index, node)
    if parent.members is not None:
        parent.members = {typed_key(each.key): each for each in order}
    else:
        parent.items = order
