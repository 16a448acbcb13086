"""Tests of what a serializer writes anew."""

from __future__ import annotations

import math
from datetime import date, datetime, timedelta, timezone
from typing import TYPE_CHECKING, ClassVar

from untorn.errors import LimitError, ParseError, UnrepresentableError, UntornError
from untorn.selection import is_stream
from untorn.testing.subject import Subject, fail, needs
from untorn.values import copied, same_value

if TYPE_CHECKING:
    from untorn.values import Value

_EAST = timezone(timedelta(hours=2))

WITNESSES: dict[str, list[Value]] = {
    "lists": [{"key": ["a", "b"]}, {"key": []}],
    "nesting": [{"key": {"inner": "a"}}, {"key": {}}],
    "booleans": [{"key": True}, {"key": False}],
    "integers": [{"key": 0}, {"key": -1}, {"key": 2**63 - 1}],
    "big_integers": [{"key": 10**39 + 1}],
    "floats": [{"key": 1.0}, {"key": -0.0}, {"key": 1e22}, {"key": 0.1}],
    "nan": [{"key": math.nan}, {"key": math.inf}, {"key": -math.inf}],
    "nulls": [{"key": None}],
    "dates": [
        {"key": date(2024, 2, 29)},
        {"key": datetime(2024, 2, 29, 12, 30)},  # noqa: DTZ001  without an offset is one of the kinds
        {"key": datetime(2024, 2, 29, 12, 30, tzinfo=_EAST)},
    ],
    "binary": [{"key": b"\x00\xff"}],
    "other_keys": [{1: "a"}],
}
"""Values that only a format with this capability holds."""

STRINGS = (
    *("", "a", " a ", "a\nb", "\n", "\ta", "a\rb", "'", '"', "\\", "\\n", "a = b", "a: b", "# a", "a # b"),
    *("// a", "a;b", "[a]", "{a}", "- a", "&a", "*a", "!a", "%a", "@a", "`a", "${a}", "a,", "=", ":"),
    *("no", "true", "null", "~", "1", "010", "1e3", "0x1f", "12:30", "2024-02-29", ".inf", "nan"),
    *("é", "\u2028", "\x85", "\x00", "\x7f", "\ufeff", "\U0001f600"),
)
"""Strings that some format takes for something else."""


class RenderingTests(Subject):
    """What holds for every ``render``."""

    depth: ClassVar[int] = 3000
    """How deep the deepest value nests: far deeper than Python recurses."""

    def test_what_is_declared_comes_back(self) -> None:
        """Each capability that a format declares, it has."""
        for capability, values in WITNESSES.items():
            for value in copied(values) if getattr(self.capabilities, capability) else ():
                if not self._comes_back(value):
                    fail(f"a format with {capability} holds this value", value=value)

    def test_what_is_not_declared_is_refused_and_never_coerced(self) -> None:
        """A null that becomes "None" is wrong data, and nobody is told."""
        for capability, values in WITNESSES.items():
            for value in copied(values):
                if not getattr(self.capabilities, capability) and self._comes_back(value):
                    fail(f"a format that holds this value declares {capability}", value=value)

    def test_strings_come_back_or_are_refused(self) -> None:
        """No string becomes another one, nor anything else, as a value or as a key."""
        for string in STRINGS:
            self._comes_back({"key": string})
            self._comes_back({string: "a"})
        if not self._comes_back({"key": "a"}):
            fail("every format holds a mapping of plain strings", value={"key": "a"})

    def test_what_was_read_can_be_rendered(self) -> None:
        """A new file can hold what an existing one does."""
        for text in self.samples:
            value = self.selection.parse(text)
            try:
                same = same_value(value, self.selection.parse(self.selection.render(value)))
            except UntornError:
                same = False
            if not same:
                fail("what was read can be rendered and read again", text=text, value=value)

    def test_a_new_text_ends_in_one_newline(self) -> None:
        """The pipeline makes the file's newlines of them."""
        for text in self.samples:
            new = self.selection.render(self.selection.parse(text))
            if "\r" in new or not new.endswith("\n") or new.endswith("\n\n"):
                fail(r"a new text has '\n' only, and one at its end", rendered=new)

    def test_rendering_changes_nothing_and_repeats_itself(self) -> None:
        """Two saves of one value write the same bytes."""
        for text in self.samples:
            value = self.selection.parse(text)
            before = copied(value)
            first = self.selection.render(value)
            if not same_value(before, value):
                fail("render does not change its argument", before=before, after=value)
            if first != self.selection.render(value):
                fail("render gives the same text for the same value", first=first)

    def test_values_too_deep_are_refused(self) -> None:
        """Python's own limit would end the program."""
        value: Value = "a"
        for _ in range(self.depth):
            value = {"key": value}
        self._comes_back(value)

    @needs(is_stream)
    def test_several_documents_come_back(self) -> None:
        """A stream holds each document, in order; as one value it is refused."""
        documents = [{"key": "a"}, {"key": "b"}]
        text = self.serializer.render_all(documents)
        found = self.serializer.parse_all(text)
        if not same_value(documents, found):
            fail("several documents come back", text=text, wanted=documents, found=found)
        try:
            self.serializer.parse(text)
        except ParseError:
            return
        fail("parse refuses a text of several documents", text=text)

    def _comes_back(self, value: Value) -> bool:
        """Return whether the format holds ``value``; fail where it becomes another one."""
        try:
            text = self.serializer.render(value)
        except (UnrepresentableError, LimitError) as error:
            if isinstance(error, UnrepresentableError) and error.where is None:
                fail("UnrepresentableError says where the culprit stands", error=error)
            return False
        except Exception as error:  # noqa: BLE001  any other is what is looked for
            fail("render raises UnrepresentableError only", error=type(error).__name__, value=_short(value))
        try:
            found = self.serializer.parse(text)
        except Exception as error:  # noqa: BLE001  likewise
            fail("what is rendered can be read", value=value, text=text, error=error)
        if not same_value(value, found):
            fail("a value is refused rather than changed", value=value, text=text, found=found)
        return True


def _short(value: Value) -> object:
    inner = value.get("key") if isinstance(value, dict) else None
    return "nested deeply" if isinstance(inner, dict) and inner.get("key") is not None else value
