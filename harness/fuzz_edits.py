"""Random values and edits, and what an edit makes of plain data: computed here, without untorn."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from decimal import Decimal
from typing import TYPE_CHECKING, Any

import untorn
from harness.oracle import Operation, Path
from harness.oracle import apply as applied
from harness.oracle.operations import Kind, look

if TYPE_CHECKING:
    from collections.abc import Iterator
    from random import Random

_STRINGS = [
    *["", "x", "a b", "no", "1", "1e3", "~", "- x", "# y", "a: b", "a\nb\n", "\n", " lead", "trail "],
    *["\t", "{", "[x"],
    *['"', "'", "'''", '"""', "\\", "é\u2028", "\x85", "\x00", "\x1b[0m", "\x7f", "\ufeff", "\ufffe"],
    *["😀", "\ud800"],
    *["a.b", "<<", "=", "!x", "&a", "*a", "%", "@", "`", "// x", "/* x */", "\r", "a\r\nb", "---", "..."],
    *["y" * 200],
    *["2001-12-14", "12:30", "a #b", "a\n\n\n", "\n a\nb", "  a\nb\n", "null", "?", "-", ":", "|", ">"],
    *["a:", ","],
]  # fmt: skip
_SCALARS: list[Any] = [
    *[None, True, False, 0, 1, -1, 2**63, 10**40, 10**4299, 10**4300, 0.0, -0.0, 1.0, 0.5, 1e22],
    *[5e-324, 1.8e308],
    *[math.inf, -math.inf, math.nan, b"", b"\x00\xff", date(1, 1, 1), date(9999, 12, 31)],
    time(7, 32, 0, 500),
    datetime(2001, 12, 14, 21, 59, 43),  # noqa: DTZ001  without an offset is one of the kinds
    datetime(2001, 12, 14, 21, 59, 43, 1, tzinfo=UTC),
    datetime(1, 1, 1, tzinfo=timezone(timedelta(hours=14))),
    datetime(9999, 12, 31, 23, 59, 59, 999999, tzinfo=timezone(-timedelta(hours=5, minutes=30))),
    datetime(2001, 1, 1, tzinfo=timezone(timedelta(seconds=1))),
    time(1, tzinfo=UTC),
    set(),
    {"a", "b"},
    Decimal("1.0"),
    1j,
    untorn.Tagged("!x", "a"),
    untorn.Tagged("!x", {"a": [1]}),
    untorn.Tagged("tag:yaml.org,2002:int", "x"),
    untorn.Tagged("tag:yaml.org,2002:set", {"a": None}),
    untorn.Tagged("", "x"),
]  # fmt: skip
_KEYS: list[Any] = [1, -1, 1.5, True, None, date(2001, 1, 1), ("a", 1), b"k"]
_COMMENTS: list[str | None] = [
    *[None, "", "c", "why so", "two\nlines", "\n", "a = 1", "a: 1", "- x", "#", " x", "noqa", "*/", "// x"],
    *["\x00", "]"],
    *["\r", "é😀", "\u2028", "\ud800", "x" * 300, "\\", '"', "SPDX-License-Identifier: MIT", "{", "|"],
]  # fmt: skip


class NowhereError(Exception):
    """The edit asks for something that is not there: it must be refused."""


# ── Random ones ───────────────────────────────────────────────────────────────


def string(dice: Random) -> str:
    """Return a string that some format takes for something else, or any characters."""
    if dice.random() < 0.8:
        return dice.choice(_STRINGS)
    return "".join(
        chr(dice.choice([dice.randrange(128), dice.randrange(0x11000)])) for _ in range(dice.randint(1, 9))
    )


def key(dice: Random) -> Any:  # noqa: ANN401  a key of any type
    """Return a key, now and then of a type that only YAML has."""
    return dice.choice(_KEYS) if dice.random() < 0.1 else dice.choice(["new", "k", string(dice)])


def value(dice: Random, depth: int = 0) -> Any:  # noqa: ANN401  any value
    """Return a value; what no format holds, what contains itself and what nests too deep included."""
    kind = dice.random()
    if kind < 0.02 and not depth:
        return _endless(dice)
    if kind < 0.45 or depth > 3:
        return dice.choice([string(dice), string(dice), dice.randint(-99, 99), dice.choice(_SCALARS)])
    count = dice.choice([0, 1, 1, 2, 3])
    if kind < 0.7:
        return [value(dice, depth + 1) for _ in range(count)]
    return {key(dice): value(dice, depth + 1) for _ in range(count)}


def _endless(dice: Random) -> Any:  # noqa: ANN401  a value
    endless: list[Any] = []
    endless.append(endless)
    deep: Any = 1
    for _ in range(dice.choice([190, 210, 5000])):
        deep = [deep] if dice.random() < 0.5 else {"a": deep}
    return dice.choice([endless, deep])


def places(value: object, path: Path = ()) -> Iterator[Path]:
    """Every key path of a value, the whole first."""
    yield path
    if isinstance(value, dict):
        for name, item in value.items():
            yield from places(item, (*path, name))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            yield from places(item, (*path, index))


def operation(whole: object, dice: Random) -> Operation:
    """Return an edit; most lead somewhere."""
    kind: Kind = dice.choice(
        ["set", "set", "add", "append", "insert", "delete", "delete", "rename", "move", "comment"]
    )
    paths = list(places(whole))
    fitting = [path for path in paths if _fits(kind, path, whole)]
    if not fitting:
        kind, fitting = "set", paths
    path = dice.choice(fitting if dice.random() < 0.95 else paths)
    siblings = look(whole, path if kind == "insert" else path[:-1])
    count = len(siblings) if isinstance(siblings, (dict, list)) else 0
    index = dice.choice([0, -1, dice.randint(-count, count), dice.randint(-9, 9)])
    if dice.random() < 0.05:
        path = (*path, *dice.choices([0, -1, "k", 7], k=2))
    match kind:
        case "add":
            more = [key(dice) for _ in range(dice.choice([1, 1, 1, 2]))]
            return Operation("add", (*path, *more), value(dice))
        case "rename":
            return Operation("rename", path, name=key(dice))
        case "comment":
            return Operation("comment", path, dice.choice(_COMMENTS), dice.choice(["above", "inline"]))
        case "delete" | "move":
            return Operation(kind, path, index=index)
    return Operation(kind, path, value(dice), index=index)


def _fits(kind: str, path: Path, whole: object) -> bool:
    """Whether there is something to do for such an edit at ``path``."""
    node = look(whole, path)
    if kind == "add":
        return isinstance(node, dict) or node is None
    if kind in {"append", "insert"}:
        return isinstance(node, list)
    return bool(path) and (kind != "rename" or isinstance(look(whole, path[:-1]), dict))


# ── What they mean ────────────────────────────────────────────────────────────


def asked(whole: object, operation: Operation) -> object:
    """Return the value that the edit asks for; ``whole`` stays as it is.

    Raises:
        NowhereError: It leads nowhere.
    """
    if operation.kind in {"set", "add"}:
        return _with(whole, operation.path, operation.value)
    return applied(whole, settled(whole, operation))


def settled(whole: object, operation: Operation) -> Operation:
    """Return the edit as the judge wants it: with indexes from the start, and set told from add.

    Raises:
        NowhereError: It leads nowhere.
    """
    if operation.kind in {"set", "add"}:
        return _set_or_add(whole, operation)
    path, node = _followed(whole, operation.path)
    index = operation.index
    if operation.kind in {"append", "insert"}:
        if not isinstance(node, list):
            raise NowhereError
        index = _counted(index, len(node), behind=True) if operation.kind == "insert" else len(node)
    elif operation.kind in {"delete", "rename", "move", "comment"}:
        if not path:
            raise NowhereError
        siblings = _followed(whole, path[:-1])[1]
        assert isinstance(siblings, (dict, list))
        if operation.kind == "rename":
            _refuse_name(siblings, path[-1], operation.name)
        if operation.kind == "move":
            index = _counted(index, len(siblings), behind=False)
    return Operation(operation.kind, path, operation.value, operation.name, index)


def _set_or_add(whole: object, operation: Operation) -> Operation:
    try:
        return Operation("set", _followed(whole, operation.path)[0], operation.value)
    except NowhereError:
        return Operation("add", operation.path, operation.value)


def _refuse_name(siblings: object, old: object, new: object) -> None:
    if not isinstance(siblings, dict) or (new in siblings and new != old):
        raise NowhereError


def _counted(index: object, count: int, *, behind: bool) -> int:
    """Return an index from the start; ``behind`` allows the place behind the last."""
    if not isinstance(index, int) or isinstance(index, bool):
        raise NowhereError
    if not -count <= index < count + behind:
        raise NowhereError
    return index + count if index < 0 else index


def _followed(node: object, path: Path) -> tuple[Path, Any]:
    """Return a path with its indexes from the start, and what is there."""
    done: list[object] = []
    for part in path:
        if isinstance(node, list):
            done.append(_counted(part, len(node), behind=False))
            node = node[_counted(part, len(node), behind=False)]
        elif isinstance(node, dict) and part in node:
            done.append(part)
            node = node[part]
        else:
            raise NowhereError
    return tuple(done), node


def _with(node: object, path: Path, new: object) -> object:
    """Return ``node`` with ``new`` at ``path``: missing parents and nulls on the way become mappings."""
    if not path:
        return new
    part, rest = path[0], path[1:]
    if node is None and all(isinstance(each, str) for each in path):
        node = {}
    if isinstance(node, dict):
        if part not in node and not all(isinstance(each, str) for each in rest):
            raise NowhereError
        return {**node, part: _with(node.get(part, {}), rest, new)}
    if not isinstance(node, list):
        raise NowhereError
    index = _counted(part, len(node), behind=not rest)
    below = _with(node[index], rest, new) if rest else new
    return [*node[:index], below, *node[index + 1 :]]
