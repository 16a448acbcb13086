"""Where key paths lead in a text, as the reader sees it: through aliases and merge keys."""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

from untorn.sdk import (
    CommentStyle,
    ImpreciseEditError,
    KeyPath,
    Located,
    Span,
    hash_comments,
    heading_above,
    inline_comment,
    owned_above,
)
from untorn.serializers._yaml.layout import style_of
from untorn.serializers._yaml.nodes import Node, content_start
from untorn.serializers._yaml.scalars import CORE
from untorn.serializers._yaml.values import documents_of, is_merge, is_opaque, merged_mappings

if TYPE_CHECKING:
    from untorn.sdk import Value
    from untorn.serializers._yaml.fragments import Style
    from untorn.serializers._yaml.nodes import Document

# Its anchor and tag may have a line of their own above it.
_BLOCK_HEADER = re.compile(r"\s*[|>][-+0-9]*")
_HEADER_COMMENT = re.compile(r"[ \t]+(#[^\r\n]*)")
_SETTING = re.compile(r"[\w.\-/\"']+:(?:\s|$)")

COMMENTS = CommentStyle(
    scan=hash_comments,
    is_setting=lambda body: _SETTING.match(body) is not None,
    is_prologue=lambda line: line.startswith(("---", "%")),
)
"""What comments look like in YAML."""


@dataclass(frozen=True, slots=True)
class Entry:
    """One entry of a collection: a key with its value, or an item; or a document's root.

    Attributes:
        holder: The collection that it is written in; ``None`` for a root.
        number: Its number there, from 0; ``<<`` counts.
        node: Its value as it is written; an alias stays one.
        key: Its key; ``None`` for items and roots.
        shared: Why a change here would change other places too, or ``""``.
        merged: Whether it comes from a merge key.
    """

    holder: Node | None
    number: int
    node: Node
    key: Node | None = None
    shared: str = ""
    merged: bool = False


class Index:
    """A text with its nodes, and what is found in it."""

    def __init__(self, text: str) -> None:
        self.text = text
        self.documents, self.values = documents_of(text)
        self._keys: dict[int, dict[Value, int]] = {}

    @cached_property
    def style(self) -> Style:
        """How most of the text is laid out."""
        return style_of(self.text, self.documents)

    @cached_property
    def value(self) -> list[Value]:
        """The values of all documents."""
        return [self.values.of(document.root) for document in self.documents] or [None]

    def document(self, path: KeyPath) -> Document | None:
        """Return the document that ``path`` begins with; ``None`` if the text has no such."""
        number = path[0]
        return self.documents[number] if 0 <= number < len(self.documents) else None

    def find(self, path: KeyPath) -> Entry | None:
        """Return the entry that ``path`` leads to, or ``None``."""
        document = self.document(path)
        if document is None:
            return None
        entry = Entry(None, 0, document.root)
        for part in path[1:]:
            below = self.child(entry, part)
            if below is None:
                return None
            entry = below
        return entry

    def child(self, entry: Entry, part: Value) -> Entry | None:
        """Return an entry of the collection that ``entry`` holds."""
        node = entry.node.real
        shared = entry.shared or _sharing(entry.node)
        if node.kind == "sequence":
            return self._item(node, part, shared)
        if node.kind == "mapping" and not is_opaque(node):
            return self._entry(node, part, shared)
        return None

    def _item(self, node: Node, part: Value, shared: str) -> Entry | None:
        if node.tag == f"{CORE}omap":
            holder = next(
                (item.real for item in node.items if self.values.key(item.real.items[0]) == part), None
            )
            if holder is None:
                return None
            return Entry(
                holder,
                0,
                holder.items[1],
                holder.items[0],
                shared or "it stands in an ordered mapping (!!omap)",
            )
        if is_opaque(node) or not isinstance(part, int) or not 0 <= part < len(node.items):
            return None
        return Entry(node, part, node.items[part], None, shared)

    def _entry(self, node: Node, part: Value, shared: str) -> Entry | None:
        number = self.numbers(node).get(part)
        if number is not None:
            return Entry(node, number, node.items[2 * number + 1], node.items[2 * number], shared)
        for key, value in node.pairs:
            if is_merge(key):
                for source in merged_mappings(value):
                    found = self._entry(source, part, shared or "it comes from a merge key (<<)")
                    if found is not None:
                        return Entry(
                            found.holder, found.number, found.node, found.key, found.shared, merged=True
                        )
        return None

    def numbers(self, mapping: Node) -> dict[Value, int]:
        """Return the number of each own key of a mapping."""
        known = self._keys.get(id(mapping))
        if known is None:
            keys = enumerate(mapping.items[::2])
            known = {self.values.key(key): number for number, key in keys if not is_merge(key)}
            self._keys[id(mapping)] = known
        return known

    # ── Spans ───────────────────────────────────────────────────────────────

    def start_of(self, entry: Entry) -> int:
        """Return where an entry starts: its dash, its ``?``, its key, or its value."""
        holder, node = entry.holder, entry.node
        assert holder is not None
        if entry.key is None:
            return node.start if holder.is_flow else self.dash_of(holder, entry.number)
        return self._mark_or_start(entry.key)

    def _mark_or_start(self, key: Node) -> int:
        """Return where the ``?`` is that announces a key, or the key itself."""
        at = self.skip(key.floor)
        while at < key.start:
            if self.text[at] == "?" and self.skip(at + 1) >= key.start:
                return at
            at = self.skip(at + 1)
        return key.start

    def end_of(self, entry: Entry) -> int:
        """Return where an entry ends."""
        return max(entry.node.end, entry.key.end) if self.has_colon(entry) and entry.key else _end(entry)

    def has_colon(self, entry: Entry) -> bool:
        """Return whether a key has a colon: ``? a`` and ``{a}`` have none."""
        return entry.key is not None and self.colon_of(entry) >= 0

    def colon_of(self, entry: Entry) -> int:
        """Return where the colon of an entry is, or -1."""
        assert entry.key is not None
        at = self.skip(entry.key.end)
        return at if self.text[at : at + 1] == ":" and at <= max(entry.node.start, entry.key.end) else -1

    def dash_of(self, sequence: Node, number: int) -> int:
        """Return where the dash of an item of a block sequence is."""
        if number == 0:
            return self.skip(content_start(self.text, sequence))
        return self.skip(sequence.items[number - 1].end)

    def skip(self, offset: int) -> int:
        """Return where the next token begins: behind blanks, newlines and comments."""
        text, size = self.text, len(self.text)
        while offset < size:
            char = text[offset]
            if char in " \t\r\n":
                offset += 1
            elif char == "#" and (offset == 0 or text[offset - 1] in " \t\r\n"):
                newline = text.find("\n", offset)
                offset = size if newline < 0 else newline
            else:
                break
        return offset

    def located(self, entry: Entry) -> Located:
        """Return the spans of an entry."""
        node = entry.node
        value = Span(min(node.start, node.end), node.end)
        if entry.holder is None:
            return Located(value)
        start = self.start_of(entry)
        floor = (entry.key or node).floor
        return Located(
            value,
            Span(entry.key.start, entry.key.end) if entry.key else None,
            Span(start, max(start, self.end_of(entry))),
            owned_above(self.text, floor, start, COMMENTS),
            self.inline_of(entry),
            heading_above(self.text, floor, start, COMMENTS),
        )

    def inline_of(self, entry: Entry) -> Span | None:
        """Return the comment at the end of the line of an entry: of its key, if lines follow below that."""
        node = entry.node
        if node.is_block and node.items:
            head = self.head_of(entry)
            return (
                inline_comment(self.text, head, hash_comments)
                if self.skip(head) >= _next_line(self.text, head)
                else None
            )
        if node.style in ("|", ">"):
            return self.header_comment(node)
        return inline_comment(self.text, self.end_of(entry), hash_comments)

    def line_end_of(self, entry: Entry) -> int:
        """Return behind what of an entry a comment at the end of its line goes: see ``inline_of``."""
        node = entry.node
        if node.is_block and node.items:
            return self.head_of(entry)
        if node.style in ("|", ">"):
            return _block_header(self.text, node).end()
        return self.end_of(entry)

    def header_comment(self, node: Node) -> Span | None:
        """Return the comment behind the ``|`` or ``>`` of a block scalar."""
        found = _HEADER_COMMENT.match(self.text, _block_header(self.text, node).end())
        return Span(*found.span(1)) if found else None

    def head_of(self, entry: Entry) -> int:
        """Return the offset behind the colon or dash of a block collection, and its anchor and tag."""
        node = entry.node
        if node.anchor is not None or node.tag is not None:
            properties = content_start(self.text, node)
            return node.start + len(self.text[node.start : properties].rstrip())
        if entry.key is not None:
            return self.colon_of(entry) + 1
        return self.start_of(entry) + 1


def _block_header(text: str, node: Node) -> re.Match[str]:
    """Return the ``|`` or ``>`` of a block scalar, with its indicators."""
    found = _BLOCK_HEADER.match(text, content_start(text, node))
    assert found is not None
    return found


def _next_line(text: str, offset: int) -> int:
    newline = text.find("\n", offset)
    return len(text) if newline < 0 else newline


def _end(entry: Entry) -> int:
    return entry.key.end if entry.key is not None else entry.node.end


def _sharing(node: Node) -> str:
    """Return why a change inside ``node`` would be seen in several places, or ``""``."""
    if node.kind == "alias":
        return f"it is reached through the alias *{node.value}"
    if node.aliases:
        return f"aliases elsewhere name it (&{node.anchor})"
    return ""


def shared_inside(entry: Entry) -> str:
    """Return why a change inside what ``entry`` holds would change other places too, or ``""``."""
    return entry.shared or _sharing(entry.node)


def refuse_shared(reason: str, path: KeyPath, what: str) -> None:
    """Raise if there is a reason.

    Raises:
        ImpreciseEditError: With it.
    """
    if reason:
        raise ImpreciseEditError(
            f"cannot {what}: {reason}, and other places would change with it",
            where=path,
            hint="edit the place that the others refer to, or write this one out in full",
        )


def refuse_needed_anchors(node: Node, path: KeyPath, what: str) -> None:
    """Raise if aliases outside of ``node`` name something in it.

    Raises:
        ImpreciseEditError: They do: without the anchor they would mean nothing.
    """
    nodes = list(node.walk())
    for inner in nodes:
        if inner.aliases > sum(1 for other in nodes if other.target is inner):
            raise ImpreciseEditError(
                f"cannot {what}: aliases elsewhere (*{inner.anchor}) need the anchor in it",
                where=path,
                hint=f"replace each *{inner.anchor} by a value of its own first",
            )
