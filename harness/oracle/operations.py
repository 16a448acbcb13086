"""Edits as data, and what they mean for plain values."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

Path = tuple[object, ...]
Kind = Literal["set", "add", "delete", "append", "insert", "rename"]


@dataclass(frozen=True)
class Operation:
    """One edit.

    Attributes:
        kind: ``set`` replaces what is at ``path``, ``add`` makes a new key there;
            ``append`` and ``insert`` put an item into the list at ``path``.
        path: From the root; begins with the document's number if a file has several.
        value: The new value, for all but ``delete`` and ``rename``.
        name: The new key of a ``rename``.
        index: Where an ``insert`` puts its item.
    """

    kind: Kind
    path: Path
    value: object = None
    name: str = ""
    index: int = 0

    def __str__(self) -> str:
        extra = {"rename": f" -> {self.name!r}", "insert": f" [{self.index}] {self.value!r}", "delete": ""}
        return f"{self.kind} {self.path!r}{extra.get(self.kind, f' {self.value!r}')}"


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


def path_after(operation: Operation, path: Path, *, in_list: bool) -> Path | None:
    """Where the entry that was at ``path`` is after the edit; None if it is gone or replaced.

    Args:
        operation: The edit.
        path: The entry's path before.
        in_list: Whether the edit takes an item from a list, so that the items behind it move up.
    """
    target = operation.path
    if operation.kind == "rename" and path[: len(target)] == target:
        return (*target[:-1], operation.name, *path[len(target) :])
    if operation.kind in {"set", "delete"} and path[: len(target)] == target:
        return None
    if operation.kind == "delete" and in_list:
        return _shifted(path, len(target) - 1, target[:-1], target[-1], -1)
    if operation.kind == "insert":
        return _shifted(path, len(target), target, operation.index, 1)
    return path


def _shifted(path: Path, depth: int, parent: Path, index: object, by: int) -> Path:
    """Move the index at ``depth`` of a list item's path, if it is behind ``index`` of the same list."""
    if len(path) <= depth or path[:depth] != parent:
        return path
    own = path[depth]
    if not isinstance(own, int) or isinstance(own, bool) or not isinstance(index, int) or own < index:
        return path
    return (*parent, own + by, *path[depth + 1 :])
