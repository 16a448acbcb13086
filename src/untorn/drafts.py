"""A draft: the new text for one snapshot of a file, and the value that it should have."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from untorn.changes import ChangeSet, Insert, Move, Operation, Own, Set, SetComment, apply_aside
from untorn.edits import TextEdit, apply_edits, composed
from untorn.errors import ImpreciseEditError, KeyPathError, LoadError, UnrepresentableError
from untorn.keypath import look_up
from untorn.records import Comment
from untorn.sdk.commenting import comment_of
from untorn.selection import Selection, can_patch
from untorn.text import SourceText, in_newlines_of
from untorn.values import Value, copied, same_value

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from untorn.keypath import KeyPath
    from untorn.loading import Loaded
    from untorn.records import Snapshot
    from untorn.serializer import PatchingSerializer


NO_CHANGES = ChangeSet()


@dataclass(frozen=True, slots=True)
class Draft:
    """A new text for one snapshot of the file, with the value that it should have.

    ``expected`` is the whole value, computed on plain data; ``selection`` and
    ``source`` are ``None`` for opaque bytes.
    """

    snapshot: Snapshot
    data: bytes
    changes: ChangeSet = NO_CHANGES
    source: SourceText | None = None
    selection: Selection | None = None
    expected: Value = None
    base: Value = None
    replayed: bool = False


def prefixed(changes: ChangeSet, prefix: KeyPath) -> ChangeSet:
    """Return changes of the picked value as changes of the whole."""
    if not prefix:
        return changes
    return ChangeSet(tuple(replace(each, path=(*prefix, *each.path)) for each in changes))


def owned(changes: ChangeSet) -> ChangeSet:
    """Return ``changes`` with values that no caller can change any more."""
    return ChangeSet(
        tuple(
            replace(each, value=copied(each.value)) if isinstance(each, (Set, Insert)) else each
            for each in changes
        )
    )


def rendered(current: Snapshot, selection: Selection, whole: Value, text: str | None = None) -> Draft:
    """Return a draft with a whole new text: for a new file, or one that could not be parsed."""
    source = encodable(SourceText(selection.render(whole) if text is None else text), current.path)
    changes = ChangeSet((Set(selection.prefix, selection.picked(whole)),))
    return Draft(current, source.to_bytes(), changes, source, selection, whole)


def patched(
    theirs: Loaded,
    changes: ChangeSet,
    *,
    text: str | None = None,
    allow_reformat: bool = False,
    replayed: bool = False,
) -> Draft:
    """Return a draft with the text of ``theirs`` changed as ``changes`` say."""
    snapshot, selection = theirs.snapshot, theirs.selection
    assert snapshot.data is not None
    if not changes:
        return Draft(snapshot, snapshot.data, changes, theirs.source, selection, theirs.whole, theirs.value)
    expected = applied_checked(theirs.whole, changes)
    if text is None:
        edits = text_edits(theirs.source.text, selection, changes, expected, allow_reformat=allow_reformat)
        text = apply_edits(theirs.source.text, edits)
    source = encodable(theirs.source.with_text(text), snapshot.path)
    return Draft(
        snapshot, source.to_bytes(), changes, source, selection, expected, theirs.value, replayed=replayed
    )


def applied_checked(whole: Value, changes: Iterable[Operation]) -> Value:
    """Return ``whole`` after ``changes``, computed on plain data; it is not changed, but shared in part.

    Raises:
        KeyPathError: One of them leads nowhere.
    """
    own: Own = {}
    for operation in changes:
        try:
            whole = apply_aside(whole, operation, own)
        except (KeyError, IndexError, TypeError, AttributeError) as error:
            msg = f"cannot {operation}: there is no such place"
            raise KeyPathError(msg, where=operation.path) from error
    return whole


def text_edits(  # noqa: PLR0913  how to edit is three keywords
    text: str,
    selection: Selection,
    changes: ChangeSet,
    expected: Value,
    *,
    allow_reformat: bool = False,
    newline: str = "",
) -> list[TextEdit]:
    """Return the edits of ``text`` that make ``changes``, in its own newlines or in ``newline``.

    Raises:
        ImpreciseEditError: They cannot be made precisely, and ``allow_reformat`` is not set.
        UnrepresentableError: The format cannot hold a new value.
    """
    try:
        edits = in_newlines_of(newline or text, _precise_edits(text, selection, changes, expected))
    except ImpreciseEditError:
        if not allow_reformat:
            raise
        return _reformatted(text, selection, expected)
    if allow_reformat and not _reads_as(apply_edits(text, edits), selection, expected):
        return _reformatted(text, selection, expected)
    _prove_comments(text, edits, selection, changes)
    _prove_moves(text, edits, selection, changes, expected)
    return edits


def _prove_comments(text: str, edits: list[TextEdit], selection: Selection, changes: ChangeSet) -> None:
    """Raise where a comment would not be read as what it was to say: no value tells."""
    last: dict[tuple[KeyPath, str], str | None] = {}
    for each in changes:
        if isinstance(each, SetComment):
            last[each.path, each.place] = each.text
        else:
            last.clear()  # it may have moved what came before; that was proved when it was made
    new = apply_edits(text, edits) if last else ""
    for (path, place), said in last.items():
        try:
            proved = comment_at(new, selection, path, place) == said
        except LoadError:
            proved = False
        if not proved:
            raise ImpreciseEditError(
                f"{said!r} would not be read as a comment of this entry, but as a directive or a setting",
                where=path,
            )


def _prove_moves(
    text: str, edits: list[TextEdit], selection: Selection, changes: ChangeSet, expected: Value
) -> None:
    """Raise where an entry did not come to stand where it shall: mappings are equal in any order."""
    moves = [each for each in changes if isinstance(each, Move)]
    if not moves:
        return
    moved_in = {each.path[:-1] for each in moves}
    new = apply_edits(text, edits)
    if _reads_as(new, selection, expected):
        whole = selection.parse(new)
        if all(_in_one_order(look_up(whole, path), look_up(expected, path)) for path in moved_in):
            return
    raise ImpreciseEditError("what it would move past depends on it, or it on that", where=moves[0].path)


def _in_one_order(found: Value, wanted: Value) -> bool:
    return not isinstance(found, Mapping) or list(found) == list(wanted)


def comment_at(text: str, selection: Selection, path: KeyPath, place: str) -> str | None:
    """Return what a comment of the entry at ``path`` (of the whole) says, ``None`` if there is none."""
    found = selection.serializer.locate(text, path) if can_patch(selection.serializer) else None
    comment = Comment() if found is None else comment_of(text, found)
    return comment.above if place == "above" else comment.inline


def _precise_edits(
    text: str, selection: Selection, changes: ChangeSet, expected: Value
) -> Iterable[TextEdit]:
    serializer = selection.serializer
    if can_patch(serializer):
        edits = list(serializer.patch(text, changes))
        if len(changes) > 1 and not _reads_as(apply_edits(text, edits), selection, expected):
            # What a serializer makes of several at once, it may make better of each alone.
            return _one_by_one(text, serializer, changes)
        return edits
    if getattr(serializer, "value_only", False):
        whole = applied_checked(selection.parse(text), changes)
        return [TextEdit(0, len(text), selection.render(whole))]
    raise ImpreciseEditError(
        f"the {serializer.name} serializer cannot change a file without rendering all of it anew",
        hint="allow_reformat=True (--allow-reformat) permits that; comments and layout may be lost",
    )


def _one_by_one(text: str, serializer: PatchingSerializer, changes: ChangeSet) -> list[TextEdit]:
    done: list[TextEdit] = []
    for operation in changes:
        new = list(serializer.patch(text, [operation]))
        done, text = composed(done, new), apply_edits(text, new)
    return done


def _reads_as(text: str, selection: Selection, expected: Value) -> bool:
    try:
        return same_value(selection.parse(text), expected)
    except LoadError:
        return False


def _reformatted(text: str, selection: Selection, expected: Value) -> list[TextEdit]:
    new = selection.render(expected)
    if text and not text.endswith("\n"):
        new = new.removesuffix("\n")
    return in_newlines_of(text, [TextEdit(0, len(text), new)])


def encodable(source: SourceText, path: Path | None) -> SourceText:
    """Return ``source`` if its encoding can hold it.

    Raises:
        UnrepresentableError: It cannot.
    """
    try:
        source.to_bytes()
    except UnicodeEncodeError as error:
        msg = f"the new text has a character that {source.encoding} cannot hold: {error.reason}"
        raise UnrepresentableError(msg, path=path) from error
    return source


def without_prefix(operation: Operation, count: int) -> Operation:
    """Return an operation on the whole as one on the picked value."""
    return replace(operation, path=operation.path[count:])
