"""What is wanted, whatever the file holds by now: an intent makes a draft for one snapshot."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from untorn.changes import ChangeSet, Set, difference
from untorn.drafts import Draft, comment_at, encodable, patched, prefixed, rendered
from untorn.errors import ConflictError, LoadError, UnrepresentableError
from untorn.keypath import MISSING
from untorn.loading import Loaded, load_snapshot
from untorn.records import Revision, Snapshot
from untorn.replay import Policy, Side, decided, replayed
from untorn.text import UTF8, SourceText, location_at
from untorn.values import Value, same_value

if TYPE_CHECKING:
    import os

    from untorn.bases import Base
    from untorn.keypath import KeyPath
    from untorn.records import Location
    from untorn.selection import Locator, Selection


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
    policy: Policy = "raise"

    def draft(self, current: Snapshot) -> Draft:
        """Return a new text, or nothing to do where somebody made the same file meanwhile."""
        if current.data is None:
            return rendered(current, self.selection, self.selection.whole_of(self.value), self.text)
        theirs = load_snapshot(current, self.selection)
        if self.equal_counts and same_value(theirs.value, self.value):
            return _nothing_to_do(theirs)
        conflict = ConflictError(
            "the file did not exist when this save began, and does now",
            path=current.path,
            where=(),
            hint="load it, or save with base=None to make its value yours",
            ours=self.value,
            theirs=theirs.value,
        )
        side = decided(self.policy, conflict)
        if side == "ours":
            return Replacement(self.selection, self.value).draft(current)
        if side == "theirs":
            return _nothing_to_do(theirs)
        raise conflict


def _nothing_to_do(theirs: Loaded) -> Draft:
    assert theirs.snapshot.data is not None
    return Draft(
        theirs.snapshot, theirs.snapshot.data, ChangeSet(), theirs.source, theirs.selection, theirs.whole
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
    policy: Policy = "raise"

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
        changes = self._replayed(theirs)
        return patched(theirs, changes, allow_reformat=self.allow_reformat, replayed=bool(changes))

    def _replayed(self, theirs: Loaded) -> ChangeSet:
        """Return what is still to be done, and say of each conflict where it is in which text."""
        base, prefix = self.base, len(self.base.selection.prefix)
        theirs_at = base.selection.whole_locator(theirs.source.text)
        base_at = base.selection.whole_locator(base.source.text)

        def decide(conflict: ConflictError) -> Side:
            conflict.path = theirs.snapshot.path
            conflict.location = _location(theirs, theirs_at, conflict.their_where)
            conflict.base_location = _location(base, base_at, conflict.base_where)
            for name in ("where", "base_where", "their_where"):
                where = getattr(conflict, name)
                setattr(conflict, name, None if where is None else where[prefix:])
            return decided(self.policy, conflict)

        def comments(was: KeyPath, now: KeyPath, place: str) -> tuple[str | None, str | None]:
            return (
                comment_at(base.source.text, base.selection, was, place),
                comment_at(theirs.source.text, base.selection, now, place),
            )

        return replayed(
            self.changes,
            base.whole,
            theirs.whole,
            equal_counts=self.equal_counts,
            decide=decide,
            comments=comments,
        )


def _location(loaded: Loaded, locate: Locator, where: KeyPath | None) -> Location | None:
    """Return where ``where`` (of the whole) stands, as far as the text is known."""
    found = locate(where) if where and loaded.source.text else None
    return None if found is None else location_at(loaded.source.text, found.value.start, loaded.snapshot.path)


def intent_on(
    base: Base | Revision | None,
    selection: Selection,
    value: Value,
    *,
    allow_reformat: bool = False,
    policy: Policy = "raise",
) -> Intent:
    """Return what saving ``value``, which came from ``base``, wants.

    Args:
        base: What the value came from; a revision that the file must be at; or
            ``None`` to replace what is there.
        selection: How the file is parsed.
        value: The caller's own copy of it.
        allow_reformat: Whether the file may be rendered anew as a whole.
        policy: Who prevails where others changed the same.
    """
    if base is None or isinstance(base, Revision):
        return Replacement(selection, value, base, allow_reformat)
    if base.whole is not MISSING:
        nowhere = Snapshot(base.snapshot.path, None)
        since = Loaded(nowhere, SourceText(""), selection, base.whole)
    elif base.snapshot.data is None:
        return Creation(selection, value, policy=policy)
    else:
        since = load_snapshot(base.snapshot, selection)
    changes = prefixed(difference(since.value, value), selection.prefix)
    return Changes(since, changes, allow_reformat=allow_reformat, policy=policy)


def encoded(text: str, path: str | os.PathLike[str]) -> bytes:
    """Return ``text`` in UTF-8.

    Raises:
        UnrepresentableError: It has a character that UTF-8 cannot hold.
    """
    try:
        return text.encode(UTF8)
    except UnicodeEncodeError as error:
        msg = f"not saved: the text has a character that UTF-8 cannot hold: {error.reason}"
        raise UnrepresentableError(msg, path=Path(path)) from error
