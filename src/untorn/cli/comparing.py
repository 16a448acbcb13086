"""``untorn diff``: two values compared, key path by key path."""

from __future__ import annotations

import sys
from collections.abc import Mapping
from difflib import SequenceMatcher
from typing import TYPE_CHECKING, NamedTuple

from untorn.cli.colours import painted_diff
from untorn.cli.documents import Source
from untorn.cli.failures import USAGE, CommandError, explaining
from untorn.cli.output import say, shown_in_line
from untorn.host import Host
from untorn.keypath import format_keypath
from untorn.values import Tagged, same_value, typed_key

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from untorn.cli.arguments import Request
    from untorn.keypath import KeyPath
    from untorn.values import Value

TROUBLE = USAGE
"""The exit status where a file cannot be read: 1 means that the values differ, as in diff(1)."""


class Line(NamedTuple):
    """One difference: ``sign`` is ``-`` for what only A has, ``+`` for what only B has."""

    sign: str
    where: KeyPath
    value: Value

    def __str__(self) -> str:
        return f"{self.sign} {format_keypath(self.where)}: {shown_in_line(self.value)}"


def diff(request: Request) -> int:
    """Print where two values differ; return 1 if they do."""
    host = Host()
    one, other = (Source(host, file, request) for file in request.operands)
    try:
        lines = [str(line) for line in differences(_value(one), _value(other))]
    except CommandError as failure:
        raise CommandError(str(failure), status=TROUBLE) from failure
    if lines:
        text = "\n".join([f"--- {one.name}", f"+++ {other.name}", *lines])
        say(painted_diff(text, sys.stdout))
    return 1 if lines else 0


def _value(source: Source) -> Value:
    with explaining(source):
        return source.value()


def differences(one: Value, other: Value, where: KeyPath = (), there: KeyPath = ()) -> Iterator[Line]:
    """Yield what differs, in the order of ``one``; ``there`` is the key path in ``other``.

    The order of a mapping's keys does not count. The items of lists are
    matched, so that an inserted one does not make all behind it different.
    """
    if isinstance(one, Mapping) and isinstance(other, Mapping):
        yield from _mapping_differences(one, other, where, there)
    elif isinstance(one, list) and isinstance(other, list):
        yield from _list_differences(one, other, where, there)
    elif not same_value(one, other):
        yield from _leaves("-", where, one)
        yield from _leaves("+", there, other)


def _leaves(sign: str, where: KeyPath, value: Value) -> Iterator[Line]:
    """Yield a line for each scalar, and for each mapping and list that is empty."""
    if isinstance(value, Mapping) and value:
        for key, item in value.items():
            yield from _leaves(sign, (*where, key), item)
    elif isinstance(value, list) and value:
        for index, item in enumerate(value):
            yield from _leaves(sign, (*where, index), item)
    else:
        yield Line(sign, where, value)


def _mapping_differences(
    one: Mapping[Value, Value], other: Mapping[Value, Value], where: KeyPath, there: KeyPath
) -> Iterator[Line]:
    # dict looks 1 and True up alike; a file does not.
    theirs = {typed_key(key): item for key, item in other.items()}
    ours = {typed_key(key) for key in one}
    for key, item in one.items():
        if typed_key(key) in theirs:
            yield from differences(item, theirs[typed_key(key)], (*where, key), (*there, key))
        else:
            yield from _leaves("-", (*where, key), item)
    for key, item in other.items():
        if typed_key(key) not in ours:
            yield from _leaves("+", (*there, key), item)


def _list_differences(one: list[Value], other: list[Value], where: KeyPath, there: KeyPath) -> Iterator[Line]:
    for start, stop, begin, end in _unmatched(one, other):
        paired = min(stop - start, end - begin)
        for offset in range(paired):
            yield from differences(
                one[start + offset], other[begin + offset], (*where, start + offset), (*there, begin + offset)
            )
        for index in range(start + paired, stop):
            yield from _leaves("-", (*where, index), one[index])
        for index in range(begin + paired, end):
            yield from _leaves("+", (*there, index), other[index])


_MATCHED_CELLS = 250_000  # above it, items are compared one by one: bounded time


def _unmatched(one: Sequence[Value], other: Sequence[Value]) -> Iterator[tuple[int, int, int, int]]:
    """Yield the runs ``one[start:stop]``, ``other[begin:end]`` that stand between equal items."""
    ours, theirs = [_hashable(item) for item in one], [_hashable(item) for item in other]
    head = _common_head(ours, theirs)
    tail = _common_head(ours[head:][::-1], theirs[head:][::-1])
    ours, theirs = ours[head : len(ours) - tail], theirs[head : len(theirs) - tail]
    if len(ours) * len(theirs) > _MATCHED_CELLS:
        yield head, head + len(ours), head, head + len(theirs)
        return
    for kind, start, stop, begin, end in SequenceMatcher(None, ours, theirs, autojunk=False).get_opcodes():
        if kind != "equal":
            yield head + start, head + stop, head + begin, head + end


def _common_head(one: Sequence[object], other: Sequence[object]) -> int:
    """Return how many items are the same at the start."""
    pairs = zip(one, other, strict=False)
    return next((at for at, (ours, theirs) in enumerate(pairs) if ours != theirs), min(len(one), len(other)))


def _hashable(value: Value) -> object:
    """Return something hashable that is equal for two values only if ``same_value`` holds."""
    if isinstance(value, Mapping):
        return dict, frozenset((typed_key(key), _hashable(item)) for key, item in value.items())
    if isinstance(value, list):
        return list, tuple(_hashable(item) for item in value)
    if isinstance(value, Tagged):
        return Tagged, value.tag, _hashable(value.value)
    if isinstance(value, (set, frozenset)):
        return set, frozenset(typed_key(item) for item in value)
    return typed_key(value)
