"""Edits as data, and what they mean for plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Final, Literal

Path = tuple[object, ...]
Kind = Literal["set", "add", "delete", "append", "insert", "rename", "move", "comment"]
_KEEPING: Final = {"move", "comment"}  # what these do changes no value, but maybe an order


@dataclass(frozen=True)
class Operation:
    """One edit.

    Attributes:
        kind: ``set`` replaces what is at ``path``, ``add`` makes a new key there;
            ``append`` and ``insert`` put an item into the list at ``path``; ``move`` lets
            the entry at ``path`` stand at ``index`` among its siblings; ``comment`` lets a
            comment of it say ``value`` (None: takes it away).
        path: From the root; begins with the document's number if a file has several.
        value: The new value, for all but ``delete``, ``rename`` and ``move``.
        name: The new key of a ``rename``; ``above`` or ``inline`` for a ``comment``.
        index: Where an ``insert`` puts its item, or a ``move`` its entry.
        whole: Ask for it by setting the whole list anew: the same must come of it.
    """

    kind: Kind
    path: Path
    value: object = None
    name: str = ""
    index: int = 0
    whole: bool = False

    def __str__(self) -> str:
        extra = {
            "rename": f" -> {self.name!r}",
            "insert": f" [{self.index}] {self.value!r}",
            "delete": "",
            "move": f" -> [{self.index}]",
            "comment": f" {self.name} {self.value!r}",
        }
        how = " (as a whole list)" if self.whole else ""
        return f"{self.kind} {self.path!r}{extra.get(self.kind, f' {self.value!r}')}{how}"


class _Missing:
    """What a path that leads nowhere leads to."""


missing = _Missing()


def look(value: object, path: Path) -> object:
    """Return what is at ``path``, or ``missing``."""
    for key in path:
        if isinstance(value, dict):
            value = value.get(key, missing)
        elif isinstance(value, list) and isinstance(key, int) and key < len(value):
            value = value[key]
        else:
            return missing
    return value


def apply(value: object, operation: Operation) -> object:
    """Return the value that ``operation`` asks for; ``value`` itself is not changed."""
    if operation.kind in {"append", "insert"}:
        return _changed(value, operation.path, lambda items: _with_item(items, operation))
    if operation.kind == "comment":
        return value
    if not operation.path:
        return operation.value
    return _changed(value, operation.path[:-1], lambda parent: _with_entry(parent, operation))


def _changed(value: object, path: Path, change: object) -> object:
    assert callable(change)
    if not path:
        return change(value)
    key, *rest = path
    if isinstance(value, dict):
        return {k: _changed(v, tuple(rest), change) if k == key else v for k, v in value.items()}
    assert isinstance(value, list), f"{path!r} leads through a scalar"
    return [_changed(v, tuple(rest), change) if k == key else v for k, v in enumerate(value)]


def _with_item(items: object, operation: Operation) -> list[object]:
    assert isinstance(items, list)
    index = len(items) if operation.kind == "append" else operation.index
    return [*items[:index], operation.value, *items[index:]]


def _with_entry(parent: object, operation: Operation) -> object:
    key = operation.path[-1]
    if operation.kind == "move":
        return _reordered(parent, key, operation.index)
    if isinstance(parent, list):
        assert isinstance(key, int)
        new = [] if operation.kind == "delete" else [operation.value]
        return [*parent[:key], *new, *parent[key + 1 :]]
    assert isinstance(parent, dict)
    if operation.kind == "delete":
        return {k: v for k, v in parent.items() if k != key}
    if operation.kind == "rename":
        return {operation.name if k == key else k: v for k, v in parent.items()}
    return {**parent, key: operation.value}


def _reordered(parent: object, key: object, index: int) -> object:
    if isinstance(parent, list):
        assert isinstance(key, int)
        others = [*parent[:key], *parent[key + 1 :]]
        return [*others[:index], parent[key], *others[index:]]
    assert isinstance(parent, dict)
    keys = [other for other in parent if other != key]
    return {other: parent[other] for other in [*keys[:index], key, *keys[index:]]}


def same_order(left: object, right: object) -> bool:
    """Whether two mappings name their keys in the same order; others have nothing to compare."""
    return not (isinstance(left, dict) and isinstance(right, dict)) or list(left) == list(right)


def path_after(operation: Operation, path: Path, *, in_list: bool) -> Path | None:
    """Where the entry that was at ``path`` is after the edit; None if it is gone or replaced.

    Args:
        operation: The edit.
        path: The entry's path before.
        in_list: Whether the edit takes or moves an item of a list, so that others move up or down.
    """
    target = operation.path
    if operation.kind in _KEEPING:
        return _moved(path, operation) if operation.kind == "move" and in_list else path
    if operation.kind == "rename" and path[: len(target)] == target:
        return (*target[:-1], operation.name, *path[len(target) :])
    if operation.kind in {"set", "delete"} and path[: len(target)] == target:
        return None
    if operation.kind == "delete" and in_list:
        return _shifted(path, len(target) - 1, target[:-1], target[-1], -1)
    if operation.kind == "insert":
        return _shifted(path, len(target), target, operation.index, 1)
    return path


def _moved(path: Path, operation: Operation) -> Path:
    depth = len(operation.path) - 1
    now, index = operation.path[-1], operation.index
    own = path[depth] if len(path) > depth and path[:depth] == operation.path[:depth] else None
    if not isinstance(own, int) or not isinstance(now, int):
        return path
    if own == now:
        place = index
    else:
        place = own - (own > now)
        place += place >= index
    return (*path[:depth], place, *path[depth + 1 :])


def _shifted(path: Path, depth: int, parent: Path, index: object, by: int) -> Path:
    """Move the index at ``depth`` of a list item's path, if it is behind ``index`` of the same list."""
    if len(path) <= depth or path[:depth] != parent:
        return path
    own = path[depth]
    if not isinstance(own, int) or isinstance(own, bool) or not isinstance(index, int) or own < index:
        return path
    return (*parent, own + by, *path[depth + 1 :])
