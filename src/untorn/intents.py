"""What is wanted, whatever the file holds by now: an intent makes a draft for one snapshot."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Protocol

from untorn.changes import ChangeSet, Set, SetComment, difference, path_before, replayed
from untorn.drafts import Draft, comment_at, encodable, patched, prefixed, rendered
from untorn.errors import ConflictError, LoadError
from untorn.keypath import MISSING, format_keypath
from untorn.loading import Loaded, load_snapshot
from untorn.records import Revision, Snapshot
from untorn.text import SourceText, location_at
from untorn.values import Value, same_value

if TYPE_CHECKING:
    from untorn.bases import Base
    from untorn.selection import Selection


class Intent(Protocol):
    """What is wanted, whatever the file holds by now."""

    def draft(self, current: Snapshot) -> Draft:
        """Return the new text for a file that holds ``current``.

        Raises:
            ConflictError: The file moved on in a way that cannot be reconciled.
        """
        ...


@dataclass(frozen=True, slots=True)
class Opaque:
    """These bytes: nothing is parsed or merged.

    ``base``, where given, is the only revision that may be replaced.
    """

    data: bytes
    base: Revision | None = None

    def draft(self, current: Snapshot) -> Draft:
        """Return the bytes."""
        if self.base is not None and current.revision != self.base:
            raise ConflictError(
                f"the file is at {current.revision}, not at the revision {self.base} that was looked at",
                path=current.path,
                hint="look at it again",
            )
        return Draft(current, self.data)


@dataclass(frozen=True, slots=True)
class Creation:
    """A file that did not exist when this intent was made.

    ``text`` is its text where that is known already, with comments in it.
    ``equal_counts`` is whether somebody else's equal file is this one; two
    first steps of one counter are not one step.
    """

    selection: Selection
    value: Value
    text: str | None = None
    equal_counts: bool = True

    def draft(self, current: Snapshot) -> Draft:
        """Return a new text, or nothing to do where somebody made the same file meanwhile."""
        if current.data is None:
            return rendered(current, self.selection, self.selection.whole_of(self.value), self.text)
        theirs = load_snapshot(current, self.selection)
        if self.equal_counts and same_value(theirs.value, self.value):
            return Draft(current, current.data, ChangeSet(), theirs.source, self.selection, theirs.whole)
        raise ConflictError(
            "the file did not exist when this save began, and does now",
            path=current.path,
            where=(),
            hint="load it, or save with base=None to make its value yours",
            ours=self.value,
            theirs=theirs.value,
        )


@dataclass(frozen=True, slots=True)
class Replacement:
    """This value, whatever the file holds, with as few changes of its text as possible.

    ``revision``, where given, is the only one that may be replaced, also if it cannot
    be parsed; without it, content that cannot be parsed stays.
    """

    selection: Selection
    value: Value
    revision: Revision | None = None
    allow_reformat: bool = False

    def draft(self, current: Snapshot) -> Draft:
        """Return the text of ``current`` changed to hold the value."""
        if self.revision is not None and current.revision != self.revision:
            raise ConflictError(
                f"the file is not at the revision {self.revision} that base= names",
                path=current.path,
                hint="load it again",
            )
        if current.data is None:
            return rendered(current, self.selection, self.selection.whole_of(self.value))
        try:
            theirs = load_snapshot(current, self.selection)
        except LoadError:
            if self.revision is None:
                raise  # whoever says base=None has not seen what is broken here
            return rendered(current, self.selection, self.selection.whole_of(self.value))
        changes = prefixed(difference(theirs.value, self.value), self.selection.prefix)
        return patched(theirs, changes, allow_reformat=self.allow_reformat)


@dataclass(frozen=True, slots=True)
class Copy:
    """A document's whole text, for a file that it was not read from.

    ``seen`` is what the file may hold (an editor's buffer before the changes);
    ``base`` is ``None`` for any valid content, a revision for exactly that one.
    """

    selection: Selection
    source: SourceText
    expected: Value
    seen: bytes | None
    base: object

    def draft(self, current: Snapshot) -> Draft:
        """Return the text."""
        if current.data is not None and current.data != self.seen and current.revision != self.base:
            if self.base is not None:
                raise ConflictError(
                    "the file exists and holds something else than this document began with",
                    path=current.path,
                    hint="say base=None to replace it, or open that file and change it",
                )
            load_snapshot(current, self.selection)  # what is broken here was not seen: it stays
        source = encodable(self.source, current.path)
        changes = ChangeSet((Set(self.selection.prefix, self.selection.picked(self.expected)),))
        return Draft(current, source.to_bytes(), changes, source, self.selection, self.expected)


@dataclass(frozen=True, slots=True)
class Changes:
    """These changes, made on ``base``, replayed on what others made of it since.

    ``text`` is the base's text with the changes in it, where it is known already.
    The snapshot of a base that no file ever held (a value that a replayed save
    took) has no data.
    """

    base: Loaded
    changes: ChangeSet
    text: str | None = None
    allow_reformat: bool = False
    equal_counts: bool = True

    def draft(self, current: Snapshot) -> Draft:
        """Return the text of ``current`` with the changes in it."""
        if current.data is None:
            raise ConflictError(
                "the file was deleted since it was read",
                path=current.path,
                where=(),
                hint="save with base=None to make it anew",
            )
        if current.data == self.base.snapshot.data:
            return patched(self.base, self.changes, text=self.text, allow_reformat=self.allow_reformat)
        theirs = load_snapshot(current, self.base.selection)
        changes = self._comments_replayed(self._replayed(theirs), theirs)
        return patched(theirs, changes, allow_reformat=self.allow_reformat, replayed=bool(changes))

    def _replayed(self, theirs: Loaded) -> ChangeSet:
        try:
            return replayed(self.changes, self.base.whole, theirs.whole, equal_counts=self.equal_counts)
        except ConflictError as conflict:
            prefix = len(self.base.selection.prefix)
            conflict.path = theirs.snapshot.path
            conflict.where = (conflict.where or ())[prefix:]
            found = self.base.selection.locate(theirs.source.text, conflict.where)
            if found is not None:
                conflict.location = location_at(theirs.source.text, found.value.start, conflict.path)
            raise

    def _comments_replayed(self, changes: ChangeSet, theirs: Loaded) -> ChangeSet:
        """Return ``changes`` without the comments that say already what they shall."""
        remaining = []
        for number, ours in enumerate(changes):
            if isinstance(ours, SetComment):
                before = path_before(ours.path, changes.operations[:number])
                if before is not None and self._is_said(replace(ours, path=before), theirs):
                    continue
            remaining.append(ours)
        return ChangeSet(tuple(remaining))

    def _is_said(self, ours: SetComment, theirs: Loaded) -> bool:
        old, new = (_comment(each, ours) for each in (self.base, theirs))
        if new in (old, ours.text):
            return new == ours.text
        where = ours.path[len(self.base.selection.prefix) :]
        raise ConflictError(
            f"{format_keypath(where)}: both sides changed its comment",
            path=theirs.snapshot.path,
            where=where,
            hint="load the file again, and make the change on what it holds now",
            base=old,
            ours=ours.text,
            theirs=new,
        )


def _comment(loaded: Loaded, operation: SetComment) -> str | None:
    return comment_at(loaded.source.text, loaded.selection, operation.path, operation.place)


def intent_on(
    base: Base | Revision | None, selection: Selection, value: Value, *, allow_reformat: bool = False
) -> Intent:
    """Return what saving ``value``, which came from ``base``, wants.

    Args:
        base: What the value came from; a revision that the file must be at; or
            ``None`` to replace what is there.
        selection: How the file is parsed.
        value: The caller's own copy of it.
        allow_reformat: Whether the file may be rendered anew as a whole.
    """
    if base is None or isinstance(base, Revision):
        return Replacement(selection, value, base, allow_reformat)
    if base.whole is not MISSING:
        nowhere = Snapshot(base.snapshot.path, None)
        since = Loaded(nowhere, SourceText(""), selection, base.whole)
    elif base.snapshot.data is None:
        return Creation(selection, value)
    else:
        since = load_snapshot(base.snapshot, selection)
    changes = prefixed(difference(since.value, value), selection.prefix)
    return Changes(since, changes, allow_reformat=allow_reformat)
