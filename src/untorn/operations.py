"""What is asked of a document, as operations on its value; refused where a path leads nowhere."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from untorn.changes import Delete, Insert, Move, Operation, Rename, Set, SetComment
from untorn.errors import KeyPathError
from untorn.formats import did_you_mean
from untorn.keypath import (
    END,
    MISSING,
    KeyPath,
    KeyPathLike,
    format_keypath,
    kind_of,
    look_up,
    parse_keypath,
    resolve_keypath,
)
from untorn.values import Value, same_value

if TYPE_CHECKING:
    from types import EllipsisType

Operations = tuple[Operation, ...]
"""None, where all is as asked already; else one, or several that belong together."""


def setting(value: Value, path: KeyPathLike, new: Value) -> Operations:
    """Make ``path`` hold ``new``; parents that are missing become mappings."""
    where, new = _through_nulls(value, path, new)
    parent = look_up(value, where[:-1]) if where else MISSING
    if isinstance(parent, list) and where[-1] == len(parent):
        return (Insert(where, new),)
    return () if same_value(look_up(value, where), new) else (Set(where, new),)


def _through_nulls(value: Value, path: KeyPathLike, new: Value) -> tuple[KeyPath, Value]:
    """Resolve ``path``; where it leads through a null, that becomes a mapping."""
    parts = parse_keypath(path)
    for length in range(len(parts)):
        if look_up(value, parts[:length]) is None:
            if not all(isinstance(part, str) for part in parts[length:]):
                break
            for part in reversed(parts[length:]):
                new = {part: new}
            return resolve_keypath(parts[:length], value), new
    where = resolve_keypath(path, value)
    _refuse_new_indexes(where, value)
    return where, new


def _refuse_new_indexes(where: KeyPath, value: Value) -> None:
    """Raise where missing parents would have to be lists."""
    node = value
    for position, part in enumerate(where):
        node = look_up(node, (part,))
        if node is MISSING:
            missing = where[position + 1 :]
            if any(not isinstance(each, str) for each in missing):
                list_path = format_keypath(where[: position + 1])
                msg = f"{list_path} does not exist: {format_keypath(missing)} has no list"
                raise KeyPathError(msg, where=where[:position], hint="set the list first")
            return


def inserting(value: Value, path: KeyPathLike, index: int | None, new: Value) -> Operations:
    """Put ``new`` into the list at ``path``, before ``index``, or at its end."""
    where = resolve_keypath(path, value)
    items = look_up(value, where)
    if not isinstance(items, list):
        found = "nothing" if items is MISSING else kind_of(items)
        msg = f"{format_keypath(where)} is {found}: only lists have items to insert"
        raise KeyPathError(msg, where=where, hint="set it to a list first")
    place = END if index is None else index
    return (Insert(resolve_keypath((*where, place), value), new),)


def deleting(value: Value, path: KeyPathLike) -> Operations:
    """Remove the key or list item at ``path``."""
    return (Delete(_existing(value, path)),)


def renaming(value: Value, path: KeyPathLike, key: Any) -> Operations:  # noqa: ANN401  YAML keys may be of any plain type
    """Give the key at ``path`` the name ``key``."""
    where = _existing(value, path)
    siblings = look_up(value, where[:-1])
    if not isinstance(siblings, Mapping):
        msg = f"{format_keypath(where)} is an item of a list: only keys have names"
        raise KeyPathError(msg, where=where)
    if key == where[-1]:
        return ()
    if key in siblings:
        msg = f"cannot rename {format_keypath(where)} to {key!r}: that key exists"
        raise KeyPathError(msg, where=where, hint="delete it first")
    return (Rename(where, key),)


def moving(value: Value, path: KeyPathLike, index: int) -> Operations:
    """Let the entry at ``path`` stand at ``index`` among its siblings."""
    where = _existing(value, path)
    siblings = look_up(value, where[:-1])
    count = len(siblings)
    if not -count <= index < count:
        msg = f"cannot move {format_keypath(where)} to {index}: there are {count} beside each other"
        raise KeyPathError(msg, where=where, hint="count from 0, or with negative numbers from the end")
    now = list(siblings).index(where[-1]) if isinstance(siblings, Mapping) else where[-1]
    return () if index % count == now else (Move(where, index % count),)


def commenting(
    value: Value, path: KeyPathLike, above: str | EllipsisType | None, inline: str | EllipsisType | None
) -> Operations:
    """Let the comments of the entry at ``path`` say something else; what is left out (``...``) stays."""
    where = _existing(value, path)
    asked: list[Operation] = []
    if above is not ...:
        asked.append(SetComment(where, "above", _without_trailing_blanks(above)))
    if inline is not ...:
        asked.append(SetComment(where, "inline", _without_trailing_blanks(inline)))
    return tuple(asked)


def _without_trailing_blanks(comment: str | None) -> str | None:
    return None if comment is None else "\n".join(line.rstrip() for line in comment.split("\n"))


def _existing(value: Value, path: KeyPathLike) -> KeyPath:
    where = resolve_keypath(path, value)
    if not where:
        msg = "the whole value has no key: it cannot be deleted, renamed, moved or commented on"
        raise KeyPathError(msg, where=where, hint="name what is in it")
    if look_up(value, where) is MISSING:
        raise nothing_at(where, value)
    return where


def nothing_at(where: KeyPath, value: Value) -> KeyPathError:
    """Return the error that says so, and names a key like the one that is missing."""
    there = 0
    while look_up(value, where[: there + 1]) is not MISSING:
        there += 1
    siblings = look_up(value, where[:there])
    names = [key for key in siblings if isinstance(key, str)] if isinstance(siblings, Mapping) else []
    msg = f"{format_keypath(where)} does not exist"
    return KeyPathError(msg, where=where, hint=did_you_mean(where[there], names).rstrip())
