"""Tests of what a serializer reads."""

from __future__ import annotations

from datetime import date, datetime, time

from untorn.errors import LimitError, ParseError
from untorn.testing.subject import Subject, fail, walk
from untorn.values import Tagged, copied, same_value

_PLAIN = (dict, list, str, int, float, bool, type(None), datetime, date, time, bytes, set, Tagged)


class ReadingTests(Subject):
    """What holds for every ``parse``."""

    def test_it_has_a_name_and_suffixes(self) -> None:
        """The registry finds formats by them."""
        serializer = self.serializer
        if not (isinstance(serializer.name, str) and serializer.name):
            fail("name is a string that is not empty", found=serializer.name)
        for suffix in serializer.suffixes:
            if not suffix.startswith(".") or suffix != suffix.lower():
                fail("suffixes are in lower case, with the dot", found=suffix)

    def test_samples_are_read_as_plain_data(self) -> None:
        """Whoever loads gets types that every other format has, too."""
        if not self.samples:
            fail("a class of tests has samples: without any, hardly anything is tested")
        for text in self.samples:
            for path, value in walk(self.selection.parse(text)):
                if type(value) not in _PLAIN:
                    fail("values are plain data", path, found=type(value).__name__, text=text)

    def test_each_reading_is_its_own(self) -> None:
        """A caller changes what it has loaded."""
        for text in self.samples:
            first = self.selection.parse(text)
            before = copied(first)
            if isinstance(first, (dict, list)):
                first.clear()
            again = self.selection.parse(text)
            if not same_value(before, again):
                fail("reading a text again gives its value again", text=text, first=before, again=again)

    def test_windows_newlines_change_no_value(self) -> None:
        """The same file checked out on Windows says the same."""
        for text in self.samples:
            windows = text.replace("\n", "\r\n")
            wanted, found = self.selection.parse(text), self._read(windows)
            if not same_value(wanted, found):
                fail(r"'\r\n' means what '\n' means", text=windows, wanted=wanted, found=found)

    def test_broken_texts_are_refused_with_a_place(self) -> None:
        """An error that leads nowhere is of no use in a file of a thousand lines."""
        for text in self.broken:
            if self._read(text) is not None:
                fail("a broken text is a ParseError", text=text)

    def test_texts_cut_short_raise_nothing_but_parse_errors(self) -> None:
        """A file that was torn must not crash its reader."""
        for text in self.samples:
            for stop in range(len(text)):
                self._read(text[:stop])

    def _read(self, text: str) -> object:
        """Return the value of ``text``, or ``None`` where it is refused as it should be."""
        try:
            return self.selection.parse(text)
        except ParseError as error:
            if not _has_place(error, text):
                fail(
                    "a ParseError has an offset, or a line and a column, in the text", text=text, error=error
                )
        except LimitError:
            pass
        except Exception as error:  # noqa: BLE001  any other is what is looked for
            fail("parse raises ParseError or LimitError only", text=text, error=error)
        return None


def _has_place(error: ParseError, text: str) -> bool:
    if error.offset is not None:
        return 0 <= error.offset <= len(text)
    if error.line is None or error.column is None:
        return False
    return 1 <= error.line <= text.count("\n") + 1 and error.column >= 1
