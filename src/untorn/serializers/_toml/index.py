"""The statement index: one pass over a valid text finds every key and value, however it is spelled."""

from __future__ import annotations

from untorn.sdk import Span
from untorn.serializers._toml.grammar import (
    ATOM,
    BARE_KEY_EQUALS,
    BLANKS,
    DOT,
    FILLER,
    KEY_PART,
    STRING,
    key_name,
)
from untorn.serializers._toml.nodes import (
    Array,
    Header,
    Index,
    Inline,
    Key,
    Leaf,
    Node,
    Pair,
    Statement,
    Table,
    Tables,
)


class DuplicateKey(Exception):  # noqa: N818  not an error of the caller's: what the index found
    """A key is defined twice.

    Attributes:
        first: Its value as defined first.
        again: Where the key stands the second time.
    """

    def __init__(self, first: Node, again: Span) -> None:
        super().__init__(first, again)
        self.first = first
        self.again = again


def index_of(text: str) -> Index:
    """Return the index of ``text``, which a parser has accepted.

    Raises:
        DuplicateKey: It had not, for this reason.
    """
    return _Indexer(text).index()


class _Indexer:
    """Walks over a text once; every method takes an offset and returns the one behind what it read."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.root = Table("", None)
        self.open: Table = self.root
        self.statements: list[Statement] = []

    def index(self) -> Index:
        floor = 0
        at = self.filler(0)
        while at < len(self.text):
            floor = self.header(at, floor) if self.text[at] == "[" else self.statement(at, floor)
            at = self.filler(floor)
        return Index(self.text, self.statements, self.root)

    def filler(self, at: int) -> int:
        """Skip blanks, newlines and comments."""
        return _end(FILLER.match(self.text, at))

    def blanks(self, at: int) -> int:
        return _end(BLANKS.match(self.text, at))

    def dotted_key(self, at: int) -> tuple[list[Key], int]:
        """Read ``a."b".c``; return its parts and the offset behind the last."""
        keys: list[Key] = []
        while True:
            stop = _end(KEY_PART.match(self.text, at))
            keys.append(Key(key_name(self.text[at:stop]), Span(at, stop)))
            dot = DOT.match(self.text, stop)
            if dot is None:
                return keys, stop
            at = dot.end()

    def key_and_equals(self, start: int) -> tuple[list[Key], int]:
        """Read ``key = ``; return the key's parts and the offset of the value."""
        bare = BARE_KEY_EQUALS.match(self.text, start)
        if bare is not None:  # nearly all, in one go
            return [Key(bare[1], Span(start, bare.end(1)))], bare.end()
        keys, stop = self.dotted_key(start)
        return keys, self.blanks(self.blanks(stop) + 1)

    def header(self, start: int, floor: int) -> int:
        brackets = 2 if self.text.startswith("[[", start) else 1
        keys, stop = self.dotted_key(self.blanks(start + brackets))
        stop = self.blanks(stop) + brackets
        parent = self.super_table(keys[:-1])
        table = _element(parent, keys[-1]) if brackets == 2 else _named_table(parent, keys[-1])  # noqa: PLR2004
        table.header = Header(Span(start, stop), keys, floor, len(self.statements), table)
        self.statements.append(table.header)
        self.open = table
        return stop

    def super_table(self, keys: list[Key]) -> Table:
        """Return the table that the first parts of a header lead to: in an array, its last element."""
        table = self.root
        for key in keys:
            child = table.children.get(key.name)
            if child is None:
                child = table.children[key.name] = Table(key.name, table)
            child.keys.append(key.span)
            if isinstance(child, Tables):
                child = child.items[-1]
            if not isinstance(child, Table):
                raise DuplicateKey(child, key.span)
            table = child
        return table

    def statement(self, start: int, floor: int) -> int:
        pair = self.pair(start, floor, len(self.statements), self.open)
        self.statements.append(pair)
        return pair.span.stop

    def pair(self, start: int, floor: int, number: int, holder: Table | Inline) -> Pair:
        """Read ``key = value`` and hang its value into ``holder``."""
        keys, value_start = self.key_and_equals(start)
        leaf = self.value(value_start, keys[-1].name, holder)
        pair = Pair(Span(start, leaf.span.stop), keys, floor, number, holder, leaf)
        holder.pairs.append(pair)
        parent: Table | Inline = holder
        for key in keys[:-1]:
            dotted = parent.children.get(key.name)
            if dotted is None:
                dotted = parent.children[key.name] = Table(key.name, parent, dotted_in=holder)
            elif not isinstance(dotted, Table):
                raise DuplicateKey(dotted, key.span)
            # Some readers let dotted keys add to what only a longer header has named.
            dotted.dotted_in = dotted.dotted_in or holder
            dotted.keys.append(key.span)
            dotted.pairs.append(pair)
            parent = dotted
        if keys[-1].name in parent.children:
            raise DuplicateKey(parent.children[keys[-1].name], keys[-1].span)
        leaf.parent, leaf.pair = parent, pair
        leaf.keys.append(keys[-1].span)
        parent.children[keys[-1].name] = leaf
        return pair

    def value(self, at: int, name: str | int, parent: Node) -> Leaf:
        first = self.text[at]
        if first == "[":
            return self.array(at, name, parent)
        if first == "{":
            return self.inline_table(at, name, parent)
        token = STRING if first in "\"'" else ATOM
        return Leaf(name, parent, span=Span(at, _end(token.match(self.text, at))))

    def array(self, start: int, name: str | int, parent: Node) -> Array:
        array = Array(name, parent, span=Span(start, start))
        at = self.filler(start + 1)
        while self.text[at] != "]":
            if self.text[at] == ",":
                array.commas.append(at)
                at += 1
            else:
                array.items.append(self.value(at, len(array.items), array))
                at = array.items[-1].span.stop
            at = self.filler(at)
        array.span = Span(start, at + 1)
        return array

    def inline_table(self, start: int, name: str | int, parent: Node) -> Inline:
        table = Inline(name, parent, span=Span(start, start))
        at = self.filler(start + 1)
        while self.text[at] != "}":
            if self.text[at] == ",":
                at += 1
            else:
                at = self.pair(at, at, len(table.pairs), table).span.stop
            at = self.filler(at)
        table.span = Span(start, at + 1)
        return table


def _end(match: object) -> int:
    # The text is valid, so every token is there.
    return match.end()  # type: ignore[attr-defined, no-any-return]


def _named_table(parent: Table, key: Key) -> Table:
    table = parent.children.get(key.name)
    if table is None:
        table = parent.children[key.name] = Table(key.name, parent)
    elif not isinstance(table, Table) or table.header or table.dotted_in is not None:
        raise DuplicateKey(table, key.span)
    table.keys.append(key.span)
    return table


def _element(parent: Table, key: Key) -> Table:
    tables = parent.children.get(key.name)
    if tables is None:
        tables = parent.children[key.name] = Tables(key.name, parent)
    elif not isinstance(tables, Tables):
        raise DuplicateKey(tables, key.span)
    tables.keys.append(key.span)
    element = Table(len(tables.items), tables)
    tables.items.append(element)
    return element
