"""A line diff that knows which lines may go, which may change, and how many may be new."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Sequence

_MANY = 10**9


@dataclass
class Allowance:
    """What an edit may do to the lines of a text; every line that is not named here stays.

    Attributes:
        gone: Lines that must go.
        optional: Lines that may go, or stay as they are.
        changed: Lines that may stay or become one of these texts; None allows any text, and none at all.
        new: How many lines may be added, anywhere.
    """

    gone: set[int] = field(default_factory=set)
    optional: set[int] = field(default_factory=set)
    changed: dict[int, frozenset[str] | None] = field(default_factory=dict)
    new: int = 0

    def any_text(self, *lines: int) -> None:
        """Let these lines become whatever they must."""
        for line in lines:
            self.gone.discard(line)
            self.changed[line] = None

    def become(self, line: int, text: str) -> None:
        """Let a line become ``text``, too."""
        known = self.changed.get(line, frozenset())
        if known is not None:
            self.changed[line] = known | {text}


def surplus(before: Sequence[str], after: Sequence[str], allowance: Allowance) -> int | None:
    """How many lines of ``after`` are new, if all others come from ``before`` as allowed.

    None if a line that must stay does not.
    """
    top = 0
    while top < len(before) and top < len(after) and before[top] == after[top] and _stays(top, allowance):
        top += 1
    bottom, end = len(before), len(after)
    while (
        bottom > top and end > top and before[bottom - 1] == after[end - 1] and _stays(bottom - 1, allowance)
    ):
        bottom, end = bottom - 1, end - 1
    best = _align(before, after[top:end], range(top, bottom), allowance)
    return None if best >= _MANY else best


def _stays(line: int, allowance: Allowance) -> bool:
    return line not in allowance.gone and line not in allowance.optional and line not in allowance.changed


def _align(before: Sequence[str], after: Sequence[str], lines: range, allowance: Allowance) -> int:
    """The least number of new lines, by dynamic programming over both texts."""
    row = list(range(len(after) + 1))
    for line in lines:
        may_go = (
            line in allowance.gone or line in allowance.optional or allowance.changed.get(line, ()) is None
        )
        fresh = [row[0] if may_go else _MANY]
        for column, text in enumerate(after):
            costs = [fresh[column] + 1]
            if may_go:
                costs.append(row[column + 1])
            if line not in allowance.gone and _may_be(line, before[line], text, allowance):
                costs.append(row[column])
            fresh.append(min(costs))
        row = fresh
    return min(row[-1], _MANY)


def _may_be(line: int, old: str, new: str, allowance: Allowance) -> bool:
    if old == new:
        return True
    if line not in allowance.changed:
        return False
    texts = allowance.changed[line]
    return texts is None or new in texts


def first_difference(before: Sequence[str], after: Sequence[str]) -> str:
    """The first line that differs, for a report."""
    for number, (old, new) in enumerate(zip(before, after, strict=False)):
        if old != new:
            return f"line {number + 1}: {old!r} -> {new!r}"
    return f"{len(before)} lines -> {len(after)}"
