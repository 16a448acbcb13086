"""Tests of where a serializer says that key paths stand."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn.changes import Set, applied
from untorn.errors import ParseError
from untorn.testing.subject import Subject, can_locate, fail, has_locator, layouts, needs, walk
from untorn.values import same_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from untorn.keypath import KeyPath
    from untorn.records import Located
    from untorn.values import Value


class PositionTests(Subject):
    """What holds for every ``locate``."""

    @needs(can_locate)
    def test_every_entry_has_a_place(self) -> None:
        """Validators say which line is wrong."""
        for text in self.samples:
            for path, _ in self._entries(text):
                found = self.serializer.locate(text, path)
                if found is None or found.value.stop > len(text):
                    fail("locate finds every entry, in the text", path, found=found, text=text)

    @needs(has_locator)
    def test_a_locator_says_what_locate_says(self) -> None:
        """One look at a text for many paths finds what many looks find."""
        for text in (each for sample in self.samples for each in layouts(sample)):
            locate = self.serializer.locator(text)
            for path, _ in walk(self.selection.parse(text)):
                alone, together = self.serializer.locate(text, path), locate(path)
                if alone != together:
                    fail("a locator says what locate says", path, locate=alone, locator=together, text=text)

    @needs(can_locate)
    def test_what_is_not_there_has_no_place(self) -> None:
        """The answer to a path that leads nowhere is None, not an error."""
        for text in self.samples:
            for path, value in walk(self.selection.parse(text)):
                nowhere = (*path, "no such key")
                asked = self._is_entry(nowhere) and isinstance(value, dict)
                found = self.serializer.locate(text, nowhere) if asked else None
                if found is not None:
                    fail("locate knows no place of what is not there", nowhere, found=found, text=text)

    @needs(can_locate)
    def test_a_value_stands_where_locate_says(self) -> None:
        """A simple value, copied over another, makes it the same."""
        for text in (each for sample in self.samples for each in layouts(sample)):
            places = self._simple_values(text)
            for (path, value, place), (_, new, spelling) in zip(places, places[1:] + places[:1], strict=True):
                changed = text[: place.value.start] + spelling.value.of(text) + text[place.value.stop :]
                try:
                    found = self.selection.parse(changed)
                except ParseError as error:
                    found = error
                wanted = applied(self.selection.parse(text), [Set(path, new)])
                if not same_value(wanted, found):
                    fail("a value stands where locate says", path, value=value, text=text, changed=changed)

    @needs(can_locate)
    def test_a_key_stands_in_its_entry(self) -> None:
        """What stands for a key path reads key, then value."""
        for text in self.samples:
            for path, _, place in self._simple_values(text):
                if place.key and place.key.stop > place.value.start:
                    fail("a key ends before its value begins", path, found=place, text=text)
                entry = place.entry
                if entry and not entry.start <= place.value.start <= place.value.stop <= entry.stop:
                    fail("an entry holds its value", path, found=place, text=text)

    def _is_entry(self, path: KeyPath) -> bool:
        return len(path) > len(self.selection.prefix) + (self.selection.document == "all")

    def _entries(self, text: str) -> Iterator[tuple[KeyPath, object]]:
        return (each for each in walk(self.selection.parse(text)) if self._is_entry(each[0]))

    def _simple_values(self, text: str) -> list[tuple[KeyPath, Value, Located]]:
        """Return the numbers, booleans and words of ``text``: they mean the same everywhere in it."""
        found = []
        for path, value in walk(self.selection.parse(text)):
            simple = isinstance(value, (bool, int)) or (isinstance(value, str) and value.isalnum())
            place = self.serializer.locate(text, path) if simple else None
            if place is not None:
                found.append((path, value, place))
        return found
