"""Tests of what a serializer edits: the rules of precise edits that need no knowledge of the grammar."""

from __future__ import annotations

from collections import Counter
from difflib import SequenceMatcher
from itertools import islice
from typing import TYPE_CHECKING, Literal

from untorn.changes import Delete, Move, Operation, Rename, Set, SetComment, applied
from untorn.edits import apply_edits
from untorn.errors import ImpreciseEditError, LoadError, UnrepresentableError
from untorn.keypath import look_up
from untorn.sdk.commenting import comment_of
from untorn.selection import can_patch
from untorn.testing.operations import operations_on, operations_on_entry, path_before
from untorn.testing.positions import PositionTests
from untorn.testing.subject import fail, layouts, needs, walk
from untorn.text import in_newlines_of
from untorn.values import same_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from untorn.edits import Span
    from untorn.keypath import KeyPath
    from untorn.records import Located
    from untorn.values import Value

_PLACES: tuple[Literal["above", "inline"], ...] = ("above", "inline")

_SECONDS = 6
"""How many operations are tried behind each one."""

_NEIGHBOURS = 2
"""Lines that an edit may change beside its entry's own: a comma goes, or comes, before and behind it."""


class EditingTests(PositionTests):
    """What holds for every ``patch``."""

    @needs(can_patch)
    def test_no_operation_makes_no_edit(self) -> None:
        """A save that changes nothing leaves every byte."""
        for text in (each for sample in self.samples for each in layouts(sample)):
            if edits := list(self.serializer.patch(text, ())):
                fail("no operation makes no edit", edits=edits, text=text)

    @needs(can_patch)
    def test_an_edit_makes_the_value_that_was_asked_for(self) -> None:
        """Wrong data is the worst that an edit can do."""
        for text, operation, new in self._edited():
            wanted = applied(self.selection.parse(text), [operation])
            try:
                found = self.selection.parse(new)
            except LoadError as error:
                fail(f"the text reads after '{operation}'", operation.path, text=text, after=new, error=error)
            if not same_value(wanted, found):
                fail(f"'{operation}' makes the value asked for", operation.path, text=text, after=new)

    @needs(can_patch)
    def test_an_edit_keeps_the_end_of_the_file(self) -> None:
        """The final newline, or its absence, is the author's."""
        for text, operation, new in self._edited():
            if text.endswith("\n") != new.endswith("\n"):
                fail("an edit keeps the final newline, or its absence", operation.path, text=text, after=new)

    @needs(can_patch)
    def test_an_edit_keeps_the_lines_of_others(self) -> None:
        """No line changes that did not have to."""
        for text, operation, new in self._edited():
            before, after = text.splitlines(), new.splitlines()
            blocks = SequenceMatcher(None, before, after, autojunk=False).get_matching_blocks()
            lost = len(before) - sum(block.size for block in blocks)
            own = self._lines_of(text, operation)
            if lost > own + _NEIGHBOURS:
                shown = {"text": text, "after": new, "lines lost": lost, "its own": own}
                fail(f"'{operation}' keeps the lines of others", operation.path, **shown)

    @needs(can_patch)
    def test_a_new_scalar_changes_only_the_old_one(self) -> None:
        """Nothing beside the value, nor the key, has to change."""
        for text, operation, new in self._edited():
            span = self._only_span(text, operation)
            if span is None:
                continue
            head, tail = text[: span.start], text[span.stop :]
            kept = new.startswith(head) and new.endswith(tail) and len(new) >= len(head) + len(tail)
            if not kept or new.count("\n") > text.count("\n"):
                fail(f"'{operation}' changes nothing else", operation.path, text=text, after=new)

    @needs(can_patch)
    def test_comments_stay_with_their_entries(self) -> None:
        """No neighbour's comment is lost, or left describing something else."""
        for text, operation, new in self._edited():
            for path, _ in walk(self.selection.parse(new)):
                before = path_before(path, [operation])
                touched = before is None or before[: len(operation.path)] == operation.path
                old = None if touched or not before else self._comments(text, before)
                lost = Counter(old) - Counter(self._comments(new, path)) if old else None
                if lost:
                    fail(
                        f"'{operation}' keeps the comments of others",
                        path,
                        lost=[*lost],
                        text=text,
                        after=new,
                    )

    @needs(can_patch)
    def test_several_operations_see_each_other(self) -> None:
        """What is asked together is made as if one after the other, or refused."""
        for text in self.samples:
            value = self.selection.parse(text)
            for first in self._operations(text):
                between = applied(value, [first])
                for second in islice(self._operations_on(between), _SECONDS):
                    both = first, second
                    new = self._after(text, *both)
                    if new is not None and not self._reads_as(new, applied(between, [second])):
                        fail(f"'{first}' and '{second}' are both made", second.path, text=text, after=new)

    @needs(can_patch)
    def test_an_entry_that_moves_stands_where_it_was_asked_to(self) -> None:
        """Order is what people read by, and each comment is still its entry's."""
        for text in self.samples:
            for operation in self._moves(text):
                new = self._after(text, operation)
                if new is None:
                    continue
                wanted = look_up(applied(self.selection.parse(text), [operation]), operation.path[:-1])
                found = look_up(self.selection.parse(new), operation.path[:-1])
                if list(wanted) != list(found):
                    fail(f"'{operation}' makes this order", operation.path, wanted=list(wanted), after=new)
                own = self._comments(text, operation.path, heading=False) if isinstance(wanted, dict) else []
                lost = Counter(own) - Counter(self._comments(new, operation.path))
                if lost:
                    fail(f"'{operation}' takes its comments along", operation.path, lost=[*lost], after=new)

    @needs(can_patch)
    def test_most_edits_are_made(self) -> None:
        """To refuse is safe, and of no use."""
        asked, made = Counter[str](), Counter[str]()
        for sample in self.samples:
            for operation in self._operations(sample):
                asked[type(operation).__name__] += 1
                made[type(operation).__name__] += self._after(sample, operation) is not None
        for kind, count in asked.items():
            if made[kind] * 2 < count:
                fail(f"most operations {kind} are made precisely", asked=count, made=made[kind])

    @needs(can_patch)
    def test_a_comment_that_was_set_is_there(self) -> None:
        """Comments are data."""
        for text in self.samples if self.capabilities.comments else ():
            # What holds others may have no line of its own (TOML's dotted keys).
            for path, _ in (each for each in self._entries(text) if not isinstance(each[1], (dict, list))):
                for place in _PLACES:
                    new = self._after(text, SetComment(path, place, "new comment"))
                    found = None if new is None else self.serializer.locate(new, path)
                    said = None if new is None or found is None else comment_of(new, found)
                    if new is not None and (said is None or getattr(said, place) != "new comment"):
                        fail(f"a comment that was set {place} is its entry's", path, text=text, after=new)
        if self.capabilities.comments and not any(
            self._comments(text, path) for text in self.samples for path, _ in self._entries(text)
        ):
            fail("a format with comments locates those of its samples", samples=self.samples)

    def _edited(self) -> Iterator[tuple[str, Operation, str]]:
        for text in (each for sample in self.samples for each in layouts(sample)):
            for operation in self._operations(text):
                new = self._after(text, operation)
                if new is not None:
                    yield text, operation, new

    def _moves(self, text: str) -> Iterator[Operation]:
        for path, value in walk(self.selection.parse(text)):
            if not isinstance(value, (dict, list)) or not self._is_entry((*path, "")):
                continue
            parts = list(value if isinstance(value, dict) else range(len(value)))
            if len(parts) > 1:
                yield Move((*path, parts[-1]), 0)
                yield Move((*path, parts[0]), len(parts) - 1)

    def _reads_as(self, text: str, wanted: Value) -> bool:
        try:
            return same_value(self.selection.parse(text), wanted)
        except LoadError:
            return False

    def _operations(self, text: str) -> Iterator[Operation]:
        return self._operations_on(self.selection.parse(text))

    def _operations_on(self, whole: Value) -> Iterator[Operation]:
        for path, _ in walk(whole):
            if self._is_entry(path):
                yield from operations_on_entry(path)
            if self._is_entry(path) or self._is_entry((*path, "")):
                yield from operations_on(whole, path)

    def _after(self, text: str, *operations: Operation) -> str | None:
        """Return ``text`` after ``operations``, or ``None`` where one is refused as it may be."""
        operation = operations[-1]
        try:
            edits = list(self.serializer.patch(text, operations))
        except (ImpreciseEditError, UnrepresentableError):
            return None
        except Exception as error:  # noqa: BLE001  any other is what is looked for
            fail(
                "patch refuses with ImpreciseEditError or UnrepresentableError only",
                operation.path,
                error=error,
            )
        try:
            return apply_edits(text, in_newlines_of(text, edits))
        except ValueError as error:
            fail("edits do not overlap, and lie in the text", operation.path, edits=edits, error=error)

    def _only_span(self, text: str, operation: Operation) -> Span | None:
        """Return what alone may change: an old scalar that is set, or a key that is renamed."""
        place: Located | None = self.serializer.locate(text, operation.path)
        old = look_up(self.selection.parse(text), operation.path)
        # What holds others may stand in several places (TOML's tables), each with the key.
        if place is None or isinstance(old, (dict, list)):
            return None
        if isinstance(operation, Rename):
            return place.key
        return place.value if isinstance(operation, Set) else None

    def _lines_of(self, text: str, operation: Operation) -> int:
        """Count the lines of the entry that goes, with its comments and all that is in it."""
        if not isinstance(operation, Delete):
            return 0
        lines: set[int] = set()
        for path, _ in walk(look_up(self.selection.parse(text), operation.path), operation.path):
            for span in _spans(self.serializer.locate(text, path)):
                first = len(text[: span.start].splitlines())
                lines.update(range(first, first + len(span.of(text).splitlines()) + 1))
        return len(lines)

    def _comments(self, text: str, path: KeyPath, *, heading: bool = True) -> list[str]:
        place = self.serializer.locate(text, path)
        if place is None:
            return []
        spans = [*place.above, *(place.heading if heading else ()), *([place.inline] if place.inline else [])]
        return [line.strip() for span in spans for line in span.of(text).splitlines()]


def _spans(place: Located | None) -> list[Span]:
    if place is None:
        return []
    return [span for span in (place.value, place.key, place.entry, *place.above) if span is not None]
