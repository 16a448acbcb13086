"""Several operations on one text: each sees what the ones before it did."""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Generic, TypeVar

from untorn.changes import Delete, Insert, Operation, Set, difference
from untorn.edits import TextEdit, apply_edits, composed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from untorn.keypath import KeyPath
    from untorn.values import Value

Index = TypeVar("Index")

_FEW = 2
"""How many deletions are made one by one."""


def patched(
    text: str,
    operations: Iterable[Operation],
    index_of: Callable[[str], Index],
    patch_one: Callable[[Index, Operation], Iterable[TextEdit] | None],
    is_item: Callable[[Index, KeyPath], bool] = lambda _index, _path: True,
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
        is_item: Whether an integer at the end of a path is an index, in a format
            whose mappings may have integers as keys.
    """
    patching = _Patching(text, index_of, patch_one)
    for run in _runs(operations):
        is_long = len(run) > _FEW
        if is_long and (isinstance(run[0].path[-1], str) or is_item(patching.fresh_index(), run[0].path)):
            patching.delete(run)
        else:
            for operation in run:
                patching.do(operation)
    return patching.edits()


def _runs(operations: Iterable[Operation]) -> Iterator[list[Operation]]:
    """Yield the operations, those that delete several keys or items of one collection as one."""
    run: list[Operation] = []
    for operation in operations:
        if run and not _goes_on(run[-1], operation):
            yield run
            run = []
        run.append(operation)
    if run:
        yield run


def _goes_on(before: Operation, operation: Operation) -> bool:
    """Return whether both delete from one collection; items from its end on, so that none moves another."""
    if not (isinstance(before, Delete) and isinstance(operation, Delete) and operation.path):
        return False
    last, this = before.path[-1], operation.path[-1]
    keys = isinstance(last, str) and isinstance(this, str)
    items = isinstance(last, int) and isinstance(this, int) and this < last
    return before.path[:-1] == operation.path[:-1] and (keys or items)


class _Patching(Generic[Index]):
    """A text on its way through operations: edits that are settled, and a batch on one index."""

    def __init__(
        self,
        text: str,
        index_of: Callable[[str], Index],
        patch_one: Callable[[Index, Operation], Iterable[TextEdit] | None],
    ) -> None:
        self._now = text
        self._index_of = index_of
        self._patch_one = patch_one
        self._index: Index | None = None
        self._done: list[TextEdit] = []
        self._batch = _Batch()
        self._proved: set[tuple[KeyPath, str, str]] = set()

    def edits(self) -> list[TextEdit]:
        """Return the edits of the first text that do all that was done."""
        return composed(self._done, self._batch.edits)

    def do(self, operation: Operation) -> None:
        """Make one operation."""
        new = self._on_this_index(operation)
        if new is not None and self._batch.first_of_run(operation) is None and not self._batch.touches(new):
            self._batch.add(operation, new)
        elif new is None or not self._behind_the_last(operation, new):
            new = self._fresh(operation)
            self._batch.add(operation, new)

    def _on_this_index(self, operation: Operation) -> list[TextEdit] | None:
        if self._index is None:
            return None
        first = self._batch.first_of_run(operation)
        if first is not None:  # to this index, each is the first item that comes in there
            operation = replace(operation, path=first)
        elif not self._batch.leaves_alone(operation):
            return None
        return _listed(self._patch_one(self._index, operation))

    def fresh_index(self) -> Index:
        """Return an index of what the text is by now."""
        self._settle()
        self._index = self._index_of(self._now)
        return self._index

    def _fresh(self, operation: Operation) -> list[TextEdit]:
        return _listed(self._patch_one(self.fresh_index(), operation)) or []

    def _settle(self) -> None:
        self._done, self._now = self.edits(), apply_edits(self._now, self._batch.edits)
        self._index, self._batch, self._proved = None, _Batch(), set()

    def _behind_the_last(self, operation: Operation, new: list[TextEdit]) -> bool:
        """Put what is added behind what was added last, if that is what an operation alone would do.

        Many keys that join one mapping would else be as many indexes. That it is the
        same is tried for the first two, and for the first two of other kinds: what is
        no table does not stand behind one. The proof of a save is for all.
        """
        joined = self._batch.joined(operation, new)
        if joined is None:
            return False
        pair = (operation.path[:-1], _kind(self._batch.last), _kind(operation))
        if pair not in self._proved:
            before = apply_edits(self._now, self._batch.edits)
            alone = _listed(self._patch_one(self._index_of(before), operation)) or []
            if apply_edits(before, alone) != apply_edits(self._now, joined):
                return False
            self._proved.add(pair)
        self._batch.edits = joined
        self._batch.note(operation)
        return True

    def delete(self, run: list[Operation]) -> None:
        """Delete several keys or items of one collection: each round all that do not touch each other.

        The last one is alone: it may be the last that the collection has.
        """
        while run:
            index = self.fresh_index()
            later: list[Operation] = []
            gone: list[Any] = []
            for operation in run[:-1] or run:
                new = _listed(self._patch_one(index, operation))
                if new is None or self._batch.touches(new):
                    later.append(operation)
                else:
                    self._batch.add(operation, new)
                    gone.append(operation.path[-1])
            run = [_moved_up(each, gone) for each in later + run[len(run[:-1] or run) :]]


def _moved_up(operation: Operation, gone: list[Any]) -> Operation:
    """Return the deletion of an item where it stands when others are ``gone``; of a key, as it is."""
    last = operation.path[-1]
    if isinstance(last, int):
        last -= sum(each < last for each in gone)
    return replace(operation, path=(*operation.path[:-1], last))


def _kind(operation: Operation | None) -> str:
    """Return what may decide where the value that an operation adds is written."""
    value = operation.value if isinstance(operation, (Set, Insert)) else None
    if isinstance(value, Mapping):
        return "mapping"
    if not isinstance(value, (list, tuple)) or not value:
        return "other"
    return "mappings" if all(isinstance(item, Mapping) and item for item in value) else "other"


def _listed(edits: Iterable[TextEdit] | None) -> list[TextEdit] | None:
    return None if edits is None else list(edits)


def refined(operation: Set, old: Value, *, commented: bool = False) -> list[Operation] | None:
    """Return finer operations that do the same as setting a value in place of ``old``.

    So that a mapping or list that replaces a similar one changes only what
    differs, and the comments in the rest stay. ``None`` where nothing is gained:
    the kinds differ, or the two have nothing in common and no comment is inside
    (``commented``) that would go.
    """
    new = operation.value
    if isinstance(old, Mapping) and isinstance(new, Mapping):
        gained = commented or bool(old.keys() & new.keys())
    else:
        lists = isinstance(old, (list, tuple)) and isinstance(new, (list, tuple))
        gained = lists and (commented or bool(old and new))
    if not gained:
        return None
    return [replace(each, path=(*operation.path, *each.path)) for each in difference(old, new)]


class _Batch:
    """Operations on one index, and their edits in the order of the text."""

    def __init__(self) -> None:
        self.edits: list[TextEdit] = []
        self.last: Operation | None = None
        self._run: KeyPath | None = None
        # Paths, and all that lead to them, looked up instead of compared one by one.
        self._set: set[KeyPath] = set()
        self._above_set: set[KeyPath] = set()
        self._parents: set[KeyPath] = set()
        self._above: set[KeyPath] = set()
        self._other_parents: set[KeyPath] = set()
        self._above_others: set[KeyPath] = set()

    def add(self, operation: Operation, edits: Iterable[TextEdit]) -> None:
        self.note(operation)
        for edit in edits:
            insort(self.edits, edit)

    def note(self, operation: Operation) -> None:
        path = operation.path
        if isinstance(operation, Set):
            self._set.add(path)
            self._above_set.update(_leading_to(path))
        else:
            self._other_parents.add(path[:-1])
            self._above_others.update(_leading_to(path))
        self._parents.add(path[:-1])
        self._above.update(_leading_to(path))
        if self.first_of_run(operation) is None:
            self._run = operation.path if isinstance(operation, Insert) else None
        self.last = operation

    def first_of_run(self, operation: Operation) -> KeyPath | None:
        """Return where the items began that were inserted one behind the other, if this is the next."""
        last, run = self.last, self._run
        if run is None or not (isinstance(last, Insert) and isinstance(operation, Insert)):
            return None
        return run if operation.path == (*last.path[:-1], last.path[-1] + 1) else None

    def joined(self, operation: Operation, new: list[TextEdit]) -> list[TextEdit] | None:
        """Return the edits with ``new`` behind what the last operation, of the same kind, put there."""
        last = self.last
        alike = isinstance(last, Set) and isinstance(operation, Set) and last.path[:-1] == operation.path[:-1]
        alike = alike or self.first_of_run(operation) is not None
        if not alike or len(new) != 1 or new[0].start != new[0].stop:
            return None
        at = bisect_left(self.edits, new[0].start, key=lambda each: each.start)
        there = self.edits[at : at + 2]
        if len(there) != 1 or (there[0].start, there[0].stop) != (new[0].start, new[0].stop):
            return None
        both = TextEdit(new[0].start, new[0].stop, there[0].new + new[0].new)
        return [*self.edits[:at], both, *self.edits[at + 1 :]]

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
