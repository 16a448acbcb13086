"""Several operations on one text: each sees what the ones before it did."""

from __future__ import annotations

from typing import TYPE_CHECKING, TypeVar

from untorn.changes import Operation, Set
from untorn.edits import TextEdit, apply_edits, composed

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

Index = TypeVar("Index")


def patched(
    text: str,
    operations: Iterable[Operation],
    index_of: Callable[[str], Index],
    patch_one: Callable[[Index, Operation], Iterable[TextEdit]],
) -> list[TextEdit]:
    """Return the edits of ``text`` that do all ``operations`` in turn.

    Operations that cannot disturb each other share one index; otherwise the
    edits so far are applied and the text is indexed anew.

    Args:
        text: The text before the first operation.
        operations: In the order in which they are made.
        index_of: Makes what ``patch_one`` needs to know about a text.
        patch_one: Returns the edits of one operation on the indexed text.
    """
    done: list[TextEdit] = []
    now = text
    index: Index | None = None
    batch: list[Operation] = []
    edits: list[TextEdit] = []
    for operation in operations:
        new: list[TextEdit] | None = None
        if index is not None and all(_independent(operation, other) for other in batch):
            new = list(patch_one(index, operation))
        if index is None or new is None or _touching(edits, new):
            done, now = composed(done, edits), apply_edits(now, edits)
            index, batch, edits = index_of(now), [], []
            new = list(patch_one(index, operation))
        batch.append(operation)
        edits += new
    return composed(done, edits)


def _independent(one: Operation, other: Operation) -> bool:
    if isinstance(one, Set) and isinstance(other, Set):
        return not _leads_to(one.path, other.path) and not _leads_to(other.path, one.path)
    above, below = one.path[:-1], other.path[:-1]
    return not _leads_to(above, other.path) and not _leads_to(below, one.path)


def _leads_to(path: tuple[object, ...], other: tuple[object, ...]) -> bool:
    return other[: len(path)] == path


def _touching(edits: list[TextEdit], new: list[TextEdit]) -> bool:
    return any(one.start <= other.stop and other.start <= one.stop for one in edits for other in new)
