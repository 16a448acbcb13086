"""Several operations on one text: each sees what the ones before it did."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from untorn.changes import Operation, Set, difference
from untorn.edits import TextEdit, apply_edits, composed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from untorn.keypath import KeyPath
    from untorn.values import Value

Index = TypeVar("Index")


def patched(
    text: str,
    operations: Iterable[Operation],
    index_of: Callable[[str], Index],
    patch_one: Callable[[Index, Operation], Iterable[TextEdit] | None],
) -> list[TextEdit]:
    """Return the edits of ``text`` that do all ``operations`` in turn.

    Operations that cannot disturb each other share one index; otherwise the
    edits so far are applied and the text is indexed anew.

    Args:
        text: The text before the first operation.
        operations: In the order in which they are made.
        index_of: Makes what ``patch_one`` needs to know about a text.
        patch_one: Returns the edits of one operation on the indexed text;
            ``None`` where an operation before it changed what this index says.
    """
    done: list[TextEdit] = []
    now = text
    index: Index | None = None
    batch = _Batch()
    for operation in operations:
        new: list[TextEdit] | None = None
        if index is not None and batch.leaves_alone(operation):
            new = _listed(patch_one(index, operation))
        if index is None or new is None or batch.touches(new):
            done, now = composed(done, batch.edits), apply_edits(now, batch.edits)
            index, batch = index_of(now), _Batch()
            new = _listed(patch_one(index, operation)) or []
        batch.add(operation, new)
    return composed(done, batch.edits)


def _listed(edits: Iterable[TextEdit] | None) -> list[TextEdit] | None:
    return None if edits is None else list(edits)


def refined(operation: Set, old: Value) -> list[Operation] | None:
    """Return finer operations that do the same as setting a value in place of ``old``.

    So that a mapping or list that replaces a similar one changes only what
    differs, and the comments in the rest stay. ``None`` where nothing is gained:
    the kinds differ, or the two have nothing in common.
    """
    new = operation.value
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        if not (old.keys() & new.keys()):
            return None
    elif not (isinstance(old, (list, tuple)) and isinstance(new, (list, tuple)) and old and new):
        return None
    return [replace(each, path=(*operation.path, *each.path)) for each in difference(old, new)]


class _Batch:
    """Operations on one index, and their edits in the order of the text."""

    def __init__(self) -> None:
        self.edits: list[TextEdit] = []
        # Paths, and all that lead to them, looked up instead of compared one by one.
        self._set: set[KeyPath] = set()
        self._above_set: set[KeyPath] = set()
        self._parents: set[KeyPath] = set()
        self._above: set[KeyPath] = set()
        self._other_parents: set[KeyPath] = set()
        self._above_others: set[KeyPath] = set()

    def add(self, operation: Operation, edits: Iterable[TextEdit]) -> None:
        path = operation.path
        if isinstance(operation, Set):
            self._set.add(path)
            self._above_set.update(_leading_to(path))
        else:
            self._other_parents.add(path[:-1])
            self._above_others.update(_leading_to(path))
        self._parents.add(path[:-1])
        self._above.update(_leading_to(path))
        for edit in edits:
            insort(self.edits, edit)

    def leaves_alone(self, operation: Operation) -> bool:
        """Return whether ``operation`` neither moves nor is moved by what is in here.

        Two sets disturb each other where one path leads to the other; any other
        pair where the parent of one does, for items that come or go move others.
        """
        path, parent = operation.path, operation.path[:-1]
        if not isinstance(operation, Set):
            return parent not in self._above and self._parents.isdisjoint(_leading_to(path))
        return (
            path not in self._above_set
            and self._set.isdisjoint(_leading_to(path))
            and parent not in self._above_others
            and self._other_parents.isdisjoint(_leading_to(path))
        )

    def touches(self, edits: Iterable[TextEdit]) -> bool:
        """Return whether one of ``edits`` overlaps or adjoins one that is in here."""
        return any(self._is_near(edit) for edit in edits)

    def _is_near(self, edit: TextEdit) -> bool:
        at = bisect_left(self.edits, edit.start, key=lambda each: each.start)
        before, behind = self.edits[max(0, at - 1) : at], self.edits[at : at + 1]
        return any(each.start <= edit.stop and edit.start <= each.stop for each in [*before, *behind])


def _leading_to(path: KeyPath) -> Iterator[KeyPath]:
    """Yield every path that leads to ``path``, itself included."""
    return (path[:length] for length in range(len(path) + 1))
