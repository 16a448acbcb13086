"""A small format with precise edits, and copies of it with one bug each."""

from __future__ import annotations

import re
from functools import partial
from typing import TYPE_CHECKING, NamedTuple

from untorn.sdk import (
    Delete,
    ImpreciseEditError,
    LimitError,
    Located,
    Move,
    ParseError,
    Rename,
    Set,
    SetComment,
    Span,
    TextEdit,
    UnrepresentableError,
    patched,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from untorn.sdk import KeyPath, Operation, Value

SAMPLE = "# A licence.\n\n# the name\nname = app\nport = 80\n\n# where\nhost = local\n"
BROKEN = ["name", "= 1", "a = 1\na = 2\n"]

LINE = re.compile(r"[^\n]*\n|[^\n]+")
ENTRY = re.compile(r"(\w+) = (-?\d{1,19}|[A-Za-z][\w.]*)")


class Entry(NamedTuple):
    key: Span
    value: Span
    start: int  # of its line
    stop: int  # of its line, newline included
    above: tuple[Span, ...]


class Lines:
    """``key = value``, a line each: words and whole numbers; ``#`` begins a line of comment."""

    name = "lines"
    suffixes: tuple[str, ...] = (".lines",)

    def parse(self, text: str) -> Value:
        value = {}
        for entry in self.entries(text):
            key = entry.key.of(text)
            if key in value:
                raise ParseError(f"{key!r} is there twice", offset=entry.start)
            value[key] = self.scalar(entry.value.of(text))
        return value

    def scalar(self, written: str) -> Value:
        return int(written) if written.lstrip("-").isdigit() else written

    def render(self, value: Value) -> str:
        return "".join(self.line(key, item) for key, item in value.items())

    def line(self, key: Value, item: Value) -> str:
        written = f"{key} = {item}" if {type(key), type(item)} <= {str, int} else ""
        same = ENTRY.fullmatch(written)
        if not same or type(key) is not str or type(self.scalar(same[2])) is not type(item):
            raise UnrepresentableError(f"cannot write a {type(item).__name__}", where=(key,))
        return f"{written}\n"

    def entries(self, text: str) -> list[Entry]:
        found: list[Entry] = []
        above: list[Span] = []
        for line in LINE.finditer(text):
            written = line[0].rstrip("\r\n")
            if written.startswith("#"):
                above.append(Span(line.start(), line.end()))
                continue
            if written:
                found.append(self.entry(line, written, tuple(above)))
            above = []
        return found

    def entry(self, line: re.Match[str], written: str, above: tuple[Span, ...]) -> Entry:
        match = ENTRY.fullmatch(written)
        at = line.start()
        if not match:
            raise ParseError("expected key = value", offset=at)
        key, value = (Span(at + match.start(group), at + match.end(group)) for group in (1, 2))
        return Entry(key, value, at, line.end(), above)

    def locate(self, text: str, keypath: KeyPath) -> Located | None:
        for entry in self.entries(text):
            if (entry.key.of(text),) == keypath:
                return Located(
                    entry.value, entry.key, Span(entry.key.start, entry.value.stop), above=entry.above
                )
        return None

    def patch(self, text: str, operations: Iterable[Operation]) -> Iterable[TextEdit]:
        return patched(text, operations, lambda now: now, lambda now, operation: [self.edit(now, operation)])

    def locator(self, text: str) -> Callable[[KeyPath], Located | None]:
        return partial(self.locate, text)

    def edit(self, text: str, operation: Operation) -> TextEdit:
        entry = next((each for each in self.entries(text) if (each.key.of(text),) == operation.path), None)
        if isinstance(operation, Set):
            new = self.line(operation.path[0], operation.value)
            if entry is None:
                return self.added(text, new)
            return TextEdit(entry.value.start, entry.value.stop, new.partition(" = ")[2].rstrip("\n"))
        if isinstance(operation, Rename) and entry:
            return TextEdit(entry.key.start, entry.key.stop, operation.key)
        if isinstance(operation, Delete) and entry:
            return self.removed(text, entry)
        if isinstance(operation, Move) and entry:
            return self.moved(text, entry, operation.index)
        raise ImpreciseEditError(f"cannot {operation}", where=operation.path)

    def added(self, text: str, line: str) -> TextEdit:
        new = line if text.endswith("\n") else "\n" + line.rstrip("\n")
        return TextEdit(len(text), len(text), new)

    def moved(self, text: str, entry: Entry, index: int) -> TextEdit:
        others = [each for each in self.entries(text) if each.key != entry.key]
        others.insert(index, entry)
        parts = [text[self.begin(each) : each.stop].rstrip("\r\n") for each in others]
        start = min(map(self.begin, others))
        return TextEdit(start, len(text.rstrip("\r\n")), "\n\n".join(parts))

    def begin(self, entry: Entry) -> int:
        return entry.above[0].start if entry.above else entry.start

    def removed(self, text: str, entry: Entry) -> TextEdit:
        start = entry.above[0].start if entry.above else entry.start
        if not text.endswith("\n") and entry.stop == len(text):
            start = len(text[:start].rstrip("\r\n"))
        return TextEdit(start, entry.stop, "")


class SaysLineAndColumn(Lines):
    """Sound, too."""

    def parse(self, text: str) -> Value:
        try:
            return super().parse(text)
        except ParseError as error:
            line = text.count("\n", 0, error.offset) + 1
            raise ParseError(error.reason, line=line, column=1) from error


class KeepsToALimit(Lines):
    """Sound, too: a limit is no error of the text."""

    def parse(self, text: str) -> Value:
        if text == "name":
            raise LimitError("too long a word")
        return super().parse(text)


class OneWord(Lines):
    """A format whose only value is a string."""

    def parse(self, text: str) -> Value:
        return text.strip()


class SuffixInCapitals(Lines):
    suffixes = (".LINES",)


class ReadsTuples(Lines):
    def scalar(self, written: str) -> Value:
        return (written,)


class RemembersWhatItRead(Lines):
    memory: dict[str, Value] = {}  # noqa: RUF012  the bug

    def parse(self, text: str) -> Value:
        if text not in self.memory:
            self.memory[text] = super().parse(text)
        return self.memory[text]


class KeepsCarriageReturns(Lines):
    def parse(self, text: str) -> Value:
        value = super().parse(text)
        return {f"{key}\r" if "\r" in text else key: item for key, item in value.items()}


class AcceptsDuplicates(Lines):
    def parse(self, text: str) -> Value:
        return {entry.key.of(text): self.scalar(entry.value.of(text)) for entry in self.entries(text)}


class HasNoName(Lines):
    name = ""


class RendersWhatItCannotRead(Lines):
    def line(self, key: Value, item: Value) -> str:
        return f"{key} {item}\n" if item == "" else super().line(key, item)


class WritesNoWords(Lines):
    def line(self, key: Value, item: Value) -> str:
        if type(item) is str:
            raise UnrepresentableError("a word", where=(key,))
        return super().line(key, item)


class CountsFromOneHundred(Lines):
    calls = 100

    def render(self, value: Value) -> str:
        self.calls += 1
        return f"# {self.calls}\n{super().render(value)}"


class Recurses(Lines):
    def line(self, key: Value, item: Value) -> str:
        self.visit(item)
        return super().line(key, item)

    def visit(self, item: Value) -> None:
        for inner in item.values() if isinstance(item, dict) else ():
            self.visit(inner)


class LeavesHalfAnEntry(Lines):
    def removed(self, text: str, entry: Entry) -> TextEdit:
        return TextEdit(entry.value.start, entry.value.stop, "")


class LocatesNothing(Lines):
    def locate(self, text: str, keypath: KeyPath) -> Located | None:
        return None


class SwapsKeyAndEntry(Lines):
    def locate(self, text: str, keypath: KeyPath) -> Located | None:
        found = super().locate(text, keypath)
        return found and Located(found.value, found.key, found.key)


class KeyAfterValue(Lines):
    def locate(self, text: str, keypath: KeyPath) -> Located | None:
        found = super().locate(text, keypath)
        return found and Located(found.value, found.value)


class LosesNewComments(Lines):
    def edit(self, text: str, operation: Operation) -> TextEdit:
        if isinstance(operation, SetComment):
            return TextEdit(0, 0, "")
        return super().edit(text, operation)


class KnowsNoComments(Lines):
    def locate(self, text: str, keypath: KeyPath) -> Located | None:
        found = super().locate(text, keypath)
        return found and Located(found.value, found.key, found.entry)


class SaysNoPlace(Lines):
    def parse(self, text: str) -> Value:
        try:
            return super().parse(text)
        except ParseError as error:
            raise ParseError(error.reason) from error


class CrashesOnTornText(Lines):
    def parse(self, text: str) -> Value:
        try:
            return super().parse(text)
        except ParseError as error:
            raise IndexError from error


class WritesNullsAsText(Lines):
    def line(self, key: Value, item: Value) -> str:
        return super().line(key, "None" if item is None else item)


class HoldsMoreThanItSays(Lines):
    def scalar(self, written: str) -> Value:
        return {"yes": True}.get(written) or super().scalar(written)

    def line(self, key: Value, item: Value) -> str:
        return f"{key} = yes\n" if item is True else super().line(key, item)


class Documents(Lines):
    def parse(self, text: str) -> Value:
        return self.parse_all(text)[0]

    def parse_all(self, text: str) -> list[Value]:
        return [super(Documents, self).parse(part) for part in text.split("---\n")]

    def render_all(self, values: list[Value]) -> str:
        return "---\n".join(map(self.render, values))


class LosesDocuments(Documents):
    def parse_all(self, text: str) -> list[Value]:
        return super().parse_all(text)[:1]


class RefusesWhatItReads(Lines):
    def line(self, key: Value, item: Value) -> str:
        if type(item) is int and item >= 80:
            raise UnrepresentableError("too large", where=(key,))
        return super().line(key, item)


class NamesNoCulprit(Lines):
    def line(self, key: Value, item: Value) -> str:
        try:
            return super().line(key, item)
        except UnrepresentableError as error:
            raise UnrepresentableError(error.reason) from error


class EatsItsArgument(Lines):
    def render(self, value: Value) -> str:
        return "".join(self.line(key, value.pop(key)) for key in list(value))


class EndsInBlankLine(Lines):
    def render(self, value: Value) -> str:
        return super().render(value) + "\n"


class FindsThePlaceBeside(Lines):
    def locate(self, text: str, keypath: KeyPath) -> Located | None:
        found = super().locate(text, keypath)
        return found and Located(Span(found.value.start - 1, found.value.stop - 1), found.key)


class FindsWhatIsNotThere(Lines):
    def locate(self, text: str, keypath: KeyPath) -> Located | None:
        return super().locate(text, keypath) or Located(Span(0, 0))


class SetsTheWrongValue(Lines):
    def edit(self, text: str, operation: Operation) -> TextEdit:
        made = super().edit(text, operation)
        return TextEdit(made.start, made.stop, made.new.replace("81", "18"))


class LosesTheFinalNewline(Lines):
    def added(self, text: str, line: str) -> TextEdit:
        return super().added(text, line.rstrip("\n"))


class RendersAnew(Lines):
    def edit(self, text: str, operation: Operation) -> TextEdit:
        made = super().edit(text, operation)
        new = text[: made.start] + made.new + text[made.stop :]
        return TextEdit(0, len(text), self.render(self.parse(new)).rstrip("\n") + "\n" * text.endswith("\n"))


class AddsABlankLine(Lines):
    def edit(self, text: str, operation: Operation) -> TextEdit:
        made = super().edit(text, operation)
        if isinstance(operation, Set) and made.start != made.stop:
            return TextEdit(made.start, made.stop, f"{made.new}\n")
        return made


class TakesTheNextComment(Lines):
    def removed(self, text: str, entry: Entry) -> TextEdit:
        made = super().removed(text, entry)
        rest = re.compile(r"(\r?\n|#[^\n]*\n)*").match(text, made.stop)
        return TextEdit(made.start, rest.end() if rest else made.stop, "")


class RefusesEverything(Lines):
    def edit(self, text: str, operation: Operation) -> TextEdit:
        raise ImpreciseEditError("no", where=operation.path)


class RefusesWithKeyErrors(Lines):
    def edit(self, text: str, operation: Operation) -> TextEdit:
        raise KeyError(operation.path)


class EditsOverlap(Lines):
    def patch(self, text: str, operations: Iterable[Operation]) -> Iterable[TextEdit]:
        return [edit for each in super().patch(text, operations) for edit in (each, each)]


class TouchesWithoutNeed(Lines):
    def patch(self, text: str, operations: Iterable[Operation]) -> Iterable[TextEdit]:
        return list(super().patch(text, operations)) or [TextEdit(0, 1, text[:1])]


class EditsTheFirstText(Lines):
    def patch(self, text: str, operations: Iterable[Operation]) -> Iterable[TextEdit]:
        edits: list[TextEdit] = []
        for operation in operations:
            if not edits or not isinstance(operation, Set):
                edits.append(self.edit(text, operation))
        return edits


class MovesToTheWrongPlace(Lines):
    def moved(self, text: str, entry: Entry, index: int) -> TextEdit:
        return super().moved(text, entry, 1)


class MovesWithoutComments(Lines):
    def begin(self, entry: Entry) -> int:
        return entry.start


class LocatesInAnotherText(Lines):
    def locator(self, text: str) -> Callable[[KeyPath], Located | None]:
        return partial(self.locate, f"\n{text}")
