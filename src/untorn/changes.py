"""What changed: a sequence of operations, and what differs between two values as one."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from untorn.keypath import KeyPath, format_keypath
from untorn.values import Value, copied, same_value, surely_same, typed_key

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator, Sequence


@dataclass(frozen=True, slots=True)
class Set:
    """Make ``path`` hold ``value``; the last part of ``path`` may be a new key.

    Parents that are missing become mappings. A list's item is set by an index
    that exists.
    """

    path: KeyPath
    value: Value

    def __str__(self) -> str:
        return f"set {format_keypath(self.path)}"


@dataclass(frozen=True, slots=True)
class Delete:
    """Remove the key or list item at ``path``."""

    path: KeyPath

    def __str__(self) -> str:
        return f"delete {format_keypath(self.path)}"


@dataclass(frozen=True, slots=True)
class Insert:
    """Put ``value`` into a list, before the item at ``path`` or behind the last."""

    path: KeyPath
    value: Value

    def __str__(self) -> str:
        return f"insert {format_keypath(self.path)}"


@dataclass(frozen=True, slots=True)
class Rename:
    """Give the key at ``path`` another name, at the same place in its mapping."""

    path: KeyPath
    key: Any

    def __str__(self) -> str:
        return f"rename {format_keypath(self.path)} to {self.key!r}"


@dataclass(frozen=True, slots=True)
class SetComment:
    """Let a comment of the entry at ``path`` say ``text``, or nothing (``None``).

    ``place`` is ``"above"`` for the lines above the entry, ``"inline"`` for the
    comment at the end of its line. No value changes.
    """

    path: KeyPath
    place: Literal["above", "inline"]
    text: str | None

    def __str__(self) -> str:
        return f"comment on {format_keypath(self.path)}"


@dataclass(frozen=True, slots=True)
class Move:
    """Let the entry at ``path`` stand at ``index`` among its siblings, counted when it has moved."""

    path: KeyPath
    index: int

    def __str__(self) -> str:
        return f"move {format_keypath(self.path)} to {self.index}"


Operation: TypeAlias = Set | Delete | Insert | Rename | SetComment | Move


@dataclass(frozen=True, slots=True)
class ChangeSet:
    """Operations in the order in which they are made; each sees what the ones before it did."""

    operations: tuple[Operation, ...] = ()

    def __iter__(self) -> Iterator[Operation]:
        return iter(self.operations)

    def __len__(self) -> int:
        return len(self.operations)

    def __str__(self) -> str:
        return ", ".join(map(str, self.operations)) or "no change"


NOTHING = ChangeSet()


def applied(value: Value, operations: Iterable[Operation]) -> Value:
    """Return ``value`` after ``operations``; it is not changed, and the result shares with it what stays.

    Raises:
        KeyError, IndexError, TypeError: A path leads nowhere in ``value``.
    """
    own: Own = {}
    for operation in operations:
        value = apply_aside(value, operation, own)
    return value


Own: TypeAlias = dict[int, Any]
"""Containers that nobody else has, by their ids, and kept alive so that these stay theirs."""


def apply_aside(value: Value, operation: Operation, own: Own) -> Value:
    """Return ``value`` after ``operation``: only containers on its way are copied, and noted in ``own``.

    Raises:
        KeyError, IndexError, TypeError: The path leads nowhere in ``value``.
    """
    if operation.path:
        value = node = _owned(value, own)
        for part in operation.path[:-1]:
            if isinstance(operation, Set) and isinstance(node, dict) and part not in node:
                break  # it is about to be made
            node[part] = node = _owned(node[part], own)
    return apply_to(value, operation)


def _owned(container: Any, own: Own) -> Any:  # noqa: ANN401  a dict or a list; a scalar has no way on
    if id(container) in own or not isinstance(container, (dict, list)):
        return container
    copy = container.copy()
    own[id(copy)] = copy
    return copy


def apply_to(value: Value, operation: Operation) -> Value:
    """Make ``operation`` in ``value`` itself and return it; a new one for the whole value.

    Raises:
        KeyError, IndexError, TypeError: The path leads nowhere in ``value``.
    """
    if not operation.path:
        if isinstance(operation, Set):
            return copied(operation.value)
        msg = f"cannot {operation}"
        raise TypeError(msg)
    parent = value
    for part in operation.path[:-1]:
        if isinstance(operation, Set) and isinstance(parent, dict) and part not in parent:
            parent[part] = {}
        parent = parent[part]
    last = operation.path[-1]
    if isinstance(operation, Set):
        parent[last] = copied(operation.value)
    elif isinstance(operation, Delete):
        del parent[last]
    elif isinstance(operation, Insert):
        parent.insert(last, copied(operation.value))
    elif isinstance(operation, SetComment):
        parent[last]  # it must be there
    elif isinstance(operation, Move):
        _move(parent, last, operation.index)
    else:
        _rename(parent, last, operation.key)
    return value


def _rename(mapping: dict[Any, Value], old: Any, new: Any) -> None:  # noqa: ANN401  keys of any type
    if new in mapping and typed_key(new) != typed_key(old):
        raise KeyError(new)
    items = [(new if typed_key(key) == typed_key(old) else key, item) for key, item in mapping.items()]
    mapping.clear()
    mapping.update(items)


def _move(parent: Any, last: Any, index: int) -> None:  # noqa: ANN401  a mapping or a list
    if isinstance(parent, dict):
        keys = [key for key in parent if typed_key(key) != typed_key(last)]
        keys.insert(index, last)
        items = {key: parent[key] for key in keys}
        parent.clear()
        parent.update(items)
    else:
        parent.insert(index, parent.pop(last))


def difference(base: Value, value: Value) -> ChangeSet:
    """Return operations that turn ``base`` into ``value``.

    Mappings are compared key by key, lists by their longest common subsequence,
    so that an inserted item does not rewrite its neighbours.
    """
    if surely_same(base, value) or same_value(
        base, value
    ):  # one pass, several times as fast as the search for what differs
        return NOTHING
    return ChangeSet(tuple(_differences((), base, value)))


def _differences(path: KeyPath, base: Value, value: Value) -> Iterator[Operation]:
    if isinstance(base, Mapping) and isinstance(value, Mapping):
        yield from _mapping_differences(path, base, value)
    elif isinstance(base, (list, tuple)) and isinstance(value, (list, tuple)):
        yield from _list_differences(path, base, value)
    elif not same_value(base, value):
        yield Set(path, value)


def _mapping_differences(
    path: KeyPath, base: Mapping[Any, Value], value: Mapping[Any, Value]
) -> Iterator[Operation]:
    ours = {typed_key(key) for key in value}
    theirs = {typed_key(key) for key in base}
    for key in base:
        if typed_key(key) not in ours:
            yield Delete((*path, key))
    for key, item in value.items():
        if typed_key(key) not in theirs:
            yield Set((*path, key), item)
        else:
            yield from _differences((*path, key), base[key], item)


def _list_differences(
    path: KeyPath, base: list[Value] | tuple[Value, ...], value: list[Value] | tuple[Value, ...]
) -> Iterator[Operation]:
    """Yield edits from the end to the start, so that indexes stay those of ``base``."""
    for old, new, pairs in reversed(_differing_runs(base, value)):
        stop, end = old[1], new[1]
        for index, place in [*reversed(pairs), (old[0] - 1, new[0] - 1)]:
            for gone in range(stop - 1, index, -1):
                yield Delete((*path, gone))
            for offset, added in enumerate(range(place + 1, end), start=index + 1):
                yield Insert((*path, offset), value[added])
            stop, end = index, place
        for index, place in pairs:
            yield from _differences((*path, old[0] + place - new[0]), base[index], value[place])


@dataclass(frozen=True, slots=True)
class Partners:
    """Two items that are one: ``base[index]`` and ``value[place]``.

    ``sure`` is whether they are known to be one; else they only stand in one place.
    """

    index: int
    place: int
    sure: bool = True


def partners(base: list[Value] | tuple[Value, ...], value: list[Value] | tuple[Value, ...]) -> list[Partners]:
    """Return which items of a list became which of another, in their order.

    Equal items, by the longest common subsequence; between those, mappings that
    begin with the same member; between those, what stands in the same place.
    """
    found: list[Partners] = []
    at = begin = 0
    for old, new, pairs in [
        *_differing_runs(base, value),
        ((len(base), len(base)), (len(value), len(value)), []),
    ]:
        found += [Partners(at + offset, begin + offset) for offset in range(old[0] - at)]
        as_many = old[1] - old[0] == new[1] - new[0]
        found += [
            Partners(index, place, as_many or _akin(base[index], value[place])) for index, place in pairs
        ]
        (_, at), (_, begin) = old, new
    return found


_Run: TypeAlias = "tuple[tuple[int, int], tuple[int, int], list[tuple[int, int]]]"
"""Where a part of one list became a part of another, from start to stop; and which items are paired."""


def _differing_runs(
    base: list[Value] | tuple[Value, ...], value: list[Value] | tuple[Value, ...]
) -> list[_Run]:
    """Return the parts between equal items, in order."""
    runs: list[_Run] = []
    stop = end = 0
    for start, begin, length in [*_common_blocks(base, value), (len(base), len(value), 0)]:
        if (stop, end) != (start, begin):
            old, new = (stop, start), (end, begin)
            runs.append((old, new, _paired(base, value, old, new)))
        stop, end = start + length, begin + length
    return runs


def _paired(
    base: list[Value] | tuple[Value, ...],
    value: list[Value] | tuple[Value, ...],
    old: tuple[int, int],
    new: tuple[int, int],
) -> list[tuple[int, int]]:
    """Pair the items of two parts that have none in common."""
    pairs: list[tuple[int, int]] = []
    stop, end = old[0], new[0]
    akin = _longest_common(base[slice(*old)], value[slice(*new)], _akin)
    for index, place in [*((old[0] + i, new[0] + j) for i, j in akin), (old[1], new[1])]:
        pairs += zip(range(stop, index), range(end, place), strict=False)
        pairs.append((index, place))
        stop, end = index + 1, place + 1
    return pairs[:-1]


def _akin(one: Value, other: Value) -> bool:
    """Return whether both are mappings that begin with the same member: what names an item stands first."""
    if not (isinstance(one, Mapping) and isinstance(other, Mapping) and one and other):
        return False
    (key, item), (name, thing) = next(iter(one.items())), next(iter(other.items()))
    return typed_key(key) == typed_key(name) and same_value(item, thing)


_LCS_CELLS = 250_000  # above it only the common head and tail are kept: bounded time


def _common_blocks(
    base: list[Value] | tuple[Value, ...], value: list[Value] | tuple[Value, ...]
) -> list[tuple[int, int, int]]:
    """Return runs ``(start in base, start in value, length)`` of equal items, in order."""
    head = 0
    while head < min(len(base), len(value)) and same_value(base[head], value[head]):
        head += 1
    tail = 0
    while tail < min(len(base), len(value)) - head and same_value(base[-1 - tail], value[-1 - tail]):
        tail += 1
    between = base[head : len(base) - tail], value[head : len(value) - tail]
    middle = [(head + i, head + j, 1) for i, j in _longest_common(*between, same_value)]
    ends = [(0, 0, head)] if head else []
    starts = [(len(base) - tail, len(value) - tail, tail)] if tail else []
    return [*ends, *middle, *starts]


def _longest_common(
    base: Sequence[Value], value: Sequence[Value], alike: Callable[[Value, Value], bool]
) -> list[tuple[int, int]]:
    rows, columns = len(base), len(value)
    if not rows or not columns or rows * columns > _LCS_CELLS:
        return []
    length = [[0] * (columns + 1) for _ in range(rows + 1)]
    same = [[alike(one, other) for other in value] for one in base]
    for i in range(rows - 1, -1, -1):
        for j in range(columns - 1, -1, -1):
            length[i][j] = length[i + 1][j + 1] + 1 if same[i][j] else max(length[i + 1][j], length[i][j + 1])
    pairs = []
    i = j = 0
    while i < rows and j < columns:
        if same[i][j]:
            pairs.append((i, j))
            i, j = i + 1, j + 1
        elif length[i + 1][j] >= length[i][j + 1]:
            i += 1
        else:
            j += 1
    return pairs
