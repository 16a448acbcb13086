"""Operations that make sense for a value, without knowing the format that it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn.changes import Delete, Insert, Operation, Rename, Set
from untorn.keypath import look_up

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from untorn.keypath import KeyPath
    from untorn.values import Value

NEW_KEY = "added"


def operations_on(value: Value, path: KeyPath) -> Iterator[Operation]:
    """Yield operations on what stands at ``path``, which is an entry or the whole."""
    found = look_up(value, path)
    if isinstance(found, dict):
        simple = [item for item in found.values() if not isinstance(item, (dict, list))]
        yield from (Set((*path, NEW_KEY), item) for item in simple[:1])
    elif isinstance(found, list):
        yield from (Insert((*path, index), found[0]) for index in (0, len(found)) if found)
    else:
        yield Set(path, _another(found))


def operations_on_entry(path: KeyPath) -> Iterator[Operation]:
    """Yield operations on the entry at ``path`` as a part of what holds it."""
    yield Delete(path)
    if isinstance(path[-1], str):
        yield Rename(path, f"{path[-1]}_renamed")


def _another(scalar: Value) -> Value:
    if isinstance(scalar, bool):
        return not scalar
    if isinstance(scalar, (int, float)):
        return scalar + 1
    return f"{scalar}x" if isinstance(scalar, str) else "x"


def path_before(path: KeyPath, operations: Sequence[Operation]) -> KeyPath | None:
    """Return where what stands at ``path`` after ``operations`` stood before; ``None`` if it is new."""
    for operation in reversed(operations):
        depth = len(operation.path) - 1
        if path[:depth] != operation.path[:depth] or len(path) <= depth or depth < 0:
            continue
        at, last = path[depth], operation.path[-1]
        if isinstance(operation, Rename):
            at = last if at == operation.key else at
        elif isinstance(operation, Insert):
            if at == last:
                return None
            at -= at > last
        elif isinstance(operation, Delete) and isinstance(at, int):
            at += at >= last
        path = (*path[:depth], at, *path[depth + 1 :])
    return path
