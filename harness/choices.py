"""Which edits are made of a file: the same ones every time, chosen by hashes."""

from __future__ import annotations

import hashlib
from dataclasses import dataclass
from datetime import date, datetime, time
from typing import TYPE_CHECKING, Final

from harness.oracle import Operation, Path, Source
from harness.oracle.moving import between
from harness.oracle.operations import look
from harness.oracle.ownership import owned
from harness.oracle.positions import rest_of_line
from harness.oracle.values import is_scalar, same
from harness.oracle.yaml_reader import MERGE

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.corpus import RealFile
    from harness.oracle.source import Entry, Format

# What is added and set: the shapes that editors get wrong.
_NEW: Final[tuple[object, ...]] = (
    "changed",
    True,
    4711,
    "no",
    1.5,
    ["one", 2],
    "12:30",
    {"inner": "value", "list": [1]},
    'it\'s # not "a" comment: {',
    [],
    "two\nlines\n",
    -3,
    {},
    "010",
    [{"name": "x", "port": 1}],
    "",
    "ünï → 漢字",
    "null",
    1e22,
    "  spaces  ",
)


# What comments say that are asked for: nothing that could be a setting or a directive.
_SAID: Final[tuple[str | None, ...]] = (
    "Why it is so.",
    "First line of two.\nAnd the second one.",
    "Ünïcode → 漢字",
    None,
)


@dataclass(frozen=True)
class Choice:
    """An edit to try.

    Attributes:
        label: The row of the report that it counts in.
        operation: The edit itself.
        demanded: Whether refusing it is right: it reaches a node that several places share (E7).
    """

    label: str
    operation: Operation
    demanded: bool


def choices(file: RealFile, source: Source) -> Iterator[Choice]:
    """The edits of one file; a derived one gets fewer of each kind."""
    picker = _Picker(file, source)
    few, some = (1, 1) if "#" in file.path else (2, 3)
    yield from picker.sets(few)
    yield from picker.retypes(few)
    yield from picker.adds(few)
    yield from picker.deletes(some)
    yield from picker.appends(few)
    yield from picker.renames(few)
    yield from picker.lists(few)
    yield from picker.moves(few)
    yield from remarks(file, source, picker.entries, few)


class _Picker:
    def __init__(self, file: RealFile, source: Source) -> None:
        self.name = file.name
        self.form: Format = file.form
        self.source = source
        self.depth = 1 if file.documents else 0
        self.entries = [
            entry
            for path, entry in source.entries.items()
            if len(path) > self.depth and not _through_merge(path)
        ]
        self.collections = [
            entry
            for path, entry in source.entries.items()
            if len(path) >= self.depth and not _through_merge(path) and entry.kind in {"mapping", "sequence"}
        ]

    def hash(self, *parts: object) -> int:
        text = " ".join(map(repr, (self.name, *parts)))
        return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8])

    def pick(self, label: str, entries: Iterable[Entry], number: int) -> list[Entry]:
        return sorted(entries, key=lambda entry: self.hash(label, entry.path))[:number]

    def new(self, label: str, path: Path, different_from: object = None) -> object:
        start = self.hash(label, "value", path)
        fitting = [
            value for value in _NEW if type(value) is not type(different_from) or value != different_from
        ]
        return fitting[start % len(fitting)]

    def choice(self, label: str, operation: Operation) -> Choice:
        return Choice(label, operation, _demanded(self.source, operation))

    def value_of(self, entry: Entry) -> object:
        return look(self.source.value, entry.path)

    def sets(self, number: int) -> Iterator[Choice]:
        """Another scalar of the same type."""
        scalars = [
            entry for entry in self.entries if entry.kind == "scalar" and is_scalar(self.value_of(entry))
        ]
        for entry in self.pick("set", scalars, number):
            operation = Operation("set", entry.path, self.similar(entry.path, self.value_of(entry)))
            yield self.choice("set", operation)

    def similar(self, path: Path, value: object) -> object:  # noqa: PLR0911 - one line a type
        match value:
            case bool():
                return not value
            case int():
                return value + 7
            case float():
                return 2.5 if value != 2.5 else 3.5
            case datetime():
                return value.replace(year=2031, day=1)
            case date():
                return value.replace(year=2031, day=1)
            case time():
                return time(1, 2, 3)
            case _:
                return ("changed", "a b", "no", "1.0", "x: y # z", "it's")[self.hash("similar", path) % 6]

    def retypes(self, number: int) -> Iterator[Choice]:
        """A value of another type; every second time in place of a collection."""
        scalars = self.pick("retype", (entry for entry in self.entries if entry.kind == "scalar"), number)
        others = (e for e in self.entries if e.kind != "scalar" and not self.is_table_in_array(e))
        holders = self.pick("retype", others, number // 2)
        for entry in [*scalars, *holders]:
            value = self.value_of(entry)
            new = self.new("retype", entry.path, value)
            if type(new) is type(value):
                new = 4711 if isinstance(value, str) else "changed"
            yield self.choice("retype", Operation("set", entry.path, new))

    def is_table_in_array(self, entry: Entry) -> bool:
        """Whether only a table can be in an entry's place: an item of a TOML array of tables."""
        parent = self.source.parent(entry.path)
        return self.form == "toml" and parent.kind == "sequence" and not parent.bracketed

    def adds(self, number: int) -> Iterator[Choice]:
        mappings = [entry for entry in self.collections if entry.kind == "mapping"]
        roots = [entry for entry in mappings if len(entry.path) == self.depth]
        nested = [entry for entry in mappings if len(entry.path) > self.depth]
        for label, parents, count in (("add root", roots, 1), ("add nested", nested, number)):
            for parent in self.pick(label, parents, count):
                key = ("new_key", "new-key", "a.b", "new key")[self.hash("key", parent.path) % 4]
                path = (*parent.path, key)
                if path not in self.source.entries:
                    yield self.choice(label, Operation("add", path, self.new(label, path)))

    def deletes(self, number: int) -> Iterator[Choice]:
        for entry in self.pick("delete", self.entries, number):
            yield self.choice("delete", Operation("delete", entry.path))
        items = [entry for entry in self.entries if self.source.parent(entry.path).kind == "sequence"]
        for entry in self.pick("delete item", items, 1):
            yield self.choice("delete item", Operation("delete", entry.path))

    def appends(self, number: int) -> Iterator[Choice]:
        lists = [entry for entry in self.collections if entry.kind == "sequence"]
        for entry in self.pick("append", lists, number):
            yield self.choice("append", Operation("append", entry.path, self.item("append", entry)))
        for entry in self.pick("insert", lists, 1):
            index = self.hash("index", entry.path) % (len(entry.children) + 1)
            yield self.choice(
                "insert", Operation("insert", entry.path, self.item("insert", entry), index=index)
            )

    def lists(self, number: int) -> Iterator[Choice]:
        """An item replaced; a list set anew in which one came, or one went: its neighbours stay."""
        items = [
            entry
            for entry in self.entries
            if self.source.parent(entry.path).kind == "sequence" and not self.is_table_in_array(entry)
        ]
        for entry in self.pick("replace", items, number):
            operation = Operation("set", entry.path, self.new("replace", entry.path, self.value_of(entry)))
            yield self.choice("replace", operation)
        # Of two that are equal, the whole list does not say which one goes.
        for entry in self.pick("remove", (each for each in items if not self.is_twice(each)), number):
            only = len(self.source.parent(entry.path).children) == 1
            operation = (
                Operation("set", entry.path[:-1], []) if only else Operation("delete", entry.path, whole=True)
            )
            if entry.path[:-1]:
                yield self.choice("remove", operation)
        parents = [entry for entry in self.collections if entry.kind == "sequence" and entry.path]
        for entry in self.pick("list edit", parents, number):
            index = self.hash("list edit index", entry.path) % (len(entry.children) + 1)
            operation = Operation(
                "insert", entry.path, self.item("list edit", entry), index=index, whole=True
            )
            yield self.choice("list edit", operation)

    def is_twice(self, item: Entry) -> bool:
        """Whether an item beside this one has the same value."""
        siblings, number = self.source.parent(item.path).children, item.path[-1]
        assert isinstance(number, int)
        beside = (*siblings[max(0, number - 1) : number], *siblings[number + 1 : number + 2])
        value = self.value_of(item)
        return any(same(value, self.value_of(self.source.entries[each])) for each in beside)

    def moves(self, number: int) -> Iterator[Choice]:
        """One place on, and from one end to the other; among siblings that are written in one piece each."""
        parents = [
            entry
            for entry in self.collections
            if len(entry.children) > 1 and not entry.merged and self.are_in_one_piece(entry)
        ]
        for number_of, parent in enumerate(self.pick("move", parents, number)):
            last = len(parent.children) - 1
            near = self.hash("move", parent.path) % last
            now, index = ((near, near + 1), (near + 1, near), (last, 0), (0, last))[
                (number_of + self.hash("how", parent.path)) % 4
            ]
            yield self.choice("move", Operation("move", parent.children[now], index=index))

    def are_in_one_piece(self, parent: Entry) -> bool:
        """Whether no TOML table among the siblings could make a move ambiguous."""
        return self.form != "toml" or not any(
            self.source.entries[one].is_toml_table for one in parent.children
        )

    def item(self, label: str, entry: Entry) -> object:
        """A new item: every second time one that is like the last, as people add them."""
        last = self.value_of(self.source.entries[entry.children[-1]]) if entry.children else None
        tables = self.form == "toml" and not entry.bracketed
        if isinstance(last, dict) and (tables or self.hash("like", entry.path) % 2):
            return {key: f"new {key}" for key in list(last)[:3] if isinstance(key, str)}
        return self.new(label, entry.path)

    def renames(self, number: int) -> Iterator[Choice]:
        named = [entry for entry in self.entries if self.source.parent(entry.path).kind == "mapping"]
        for entry in self.pick("rename", named, number):
            name = ("renamed", "re-named", "re named", "re.named")[self.hash("name", entry.path) % 4]
            if (*entry.path[:-1], name) not in self.source.entries:
                yield self.choice("rename", Operation("rename", entry.path, name=name))


def _through_merge(path: Path) -> bool:
    return any(key is MERGE for key in path)


def _demanded(source: Source, operation: Operation) -> bool:
    """Whether the edit changes a node that several places share, or removes an anchor that is needed."""
    if operation.kind == "comment":
        return False
    if operation.kind == "move":
        # What passes an anchor or an alias could come before what it names.
        return any(
            one.shared or one.kind == "alias"
            for place in between(source, operation)
            for one in (place, *source.inside(place.path))
        )
    target = operation.path[:-1] if operation.kind == "add" else operation.path
    entry = source.entries[target]
    if entry.shared:
        return True
    if operation.kind in {"delete", "rename"} and source.parent(target).merged:
        # Under the key that goes, the merged one may come to light.
        return True
    return operation.kind in {"set", "delete"} and any(one.shared for one in source.inside(target))


# ── Comments ────────────────────────────────────────────────────────────────


def remarks(file: RealFile, source: Source, entries: list[Entry], number: int) -> Iterator[Choice]:
    """Comments above and behind entries, with and without one there; JSON has none."""
    if file.form == "json":
        return
    for name, can_have in (("above", _begins_line), ("inline", _ends_line)):
        fitting = [entry for entry in entries if can_have(source, entry)]
        for has_one in (True, False):
            group = [entry for entry in fitting if has_one == bool(_sure(source, entry, name))]
            group.sort(key=lambda entry: _hash(file, name, entry))
            for entry in group[:number]:
                text = _SAID[_hash(file, "said", entry) % len(_SAID)]
                if not has_one:
                    text = text or _SAID[0]
                if name == "inline" and text:
                    text = text.split("\n")[0]
                yield Choice(f"comment {name}", Operation("comment", entry.path, text, name), demanded=False)


def _hash(file: RealFile, label: str, entry: Entry) -> int:
    text = f"{label} {file.name} {entry.path!r}"
    return int.from_bytes(hashlib.sha256(text.encode("utf-8", "surrogatepass")).digest()[:8])


def _sure(source: Source, entry: Entry, name: str) -> set[int]:
    own = owned(source, entry)
    return (own.above if name == "above" else own.inline) - own.unclear


def _begins_line(source: Source, entry: Entry) -> bool:
    """Whether an entry has the beginning of a line for itself; a key's ``-`` before it is not its own."""
    if entry.is_toml_table:
        return len(entry.headers) == 1
    return not source.before_on_line(entry.start).strip()


def _ends_line(source: Source, entry: Entry) -> bool:
    """Whether an entry has the end of a line for itself, for the whole of its value."""
    if entry.is_toml_table:
        return len(entry.headers) == 1
    if entry.kind in {"mapping", "sequence"} and not entry.bracketed:
        return False
    return not rest_of_line(source, entry.end) and not source.before_on_line(entry.start).strip(" \t-")
