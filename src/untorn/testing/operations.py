"""Operations that make sense for a value, without knowing the format that it came from."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn.changes import Delete, Insert, Operation, Rename, Set
from untorn.keypath import look_up

if TYPE_CHECKING:
    from collections.abc import Iterator

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
