"""The nodes of a YAML text with their exact spans: what edits and positions are found with."""

from __future__ import annotations

import re
from contextlib import suppress
from typing import TYPE_CHECKING, Literal, TypeAlias

from untorn.sdk import MAX_DEPTH, LimitError, ParseError, too_deep
from untorn.serializers._yaml.events import BLOCK, FLOW, Event, events_of
from untorn.serializers._yaml.libyaml import DoubtError, events_in_c

if TYPE_CHECKING:
    from collections.abc import Iterator

NodeKind: TypeAlias = Literal["scalar", "sequence", "mapping", "alias"]

MAX_EXPANDED = 1_000_000
"""How many nodes a text may stand for, every alias counted as what it names."""

_NOTHING = re.compile(r"(?:\s|\#[^\n]*)*")
_PROPERTIES = re.compile(r"(?:(?:!<[^>\s]*>|[&!][^\s,\[\]{}]*)(?:[ \t]+|(?=[\r\n,\]}]|\Z)))+")


class Node:
    """A node where it stands in the text.

    Attributes:
        kind: What it is; an alias is a node of its own.
        start: Its first character, the anchor's or tag's where it has one.
        end: Behind its last character: of a block collection its last leaf's,
            of an empty scalar ``start`` or the end of its anchor and tag.
        floor: Where the last node before it ends, so that between ``floor`` and
            ``start`` stand only blanks, comments and indicators.
        value: The text of a scalar, the name of an alias.
        style: As in ``Event``.
        items: The items of a sequence; the keys and values of a mapping in turn.
        target: What an alias names.
        aliases: How many aliases name this node.
        size: How many nodes this one stands for.
    """

    __slots__ = (
        "aliases", "anchor", "end", "floor", "items", "kind",
        "size", "start", "style", "tag", "target", "value",
    )  # fmt: skip

    def __init__(self, kind: NodeKind, event: Event, floor: int) -> None:
        self.kind: NodeKind = kind
        self.start = event.start
        self.end = event.end
        self.floor = floor
        self.value = event.value
        self.anchor = event.anchor
        self.tag = event.tag
        self.style = event.style
        self.items: list[Node] = []
        self.target: Node | None = None
        self.aliases = 0
        self.size = 1

    @property
    def real(self) -> Node:
        """What the reader sees here: of an alias, the node that it names."""
        return self.target or self

    @property
    def is_flow(self) -> bool:
        """Whether this is a collection in brackets."""
        return self.style == FLOW

    @property
    def is_block(self) -> bool:
        """Whether this is a collection that is laid out by indentation."""
        return self.style == BLOCK

    @property
    def pairs(self) -> Iterator[tuple[Node, Node]]:
        """The keys and values of a mapping."""
        return zip(self.items[::2], self.items[1::2], strict=True)

    def walk(self) -> Iterator[Node]:
        """Yield this node and all nodes in it; aliases are not followed."""
        pending = [self]
        while pending:
            node = pending.pop()
            yield node
            pending += node.items


class Document:
    """One document of a text.

    Attributes:
        root: Its value.
        start: Where its ``---`` is, or its first token.
        explicit: Whether it begins with ``---``.
        body: Behind its ``---``, or ``start``.
        end: Where its ``...`` ends, or the next document, or the text.
    """

    # No dataclass: importing that module alone costs more than starting Python does.
    __slots__ = ("body", "directives", "end", "explicit", "root", "start")

    def __init__(  # noqa: PLR0913  one for each attribute
        self, root: Node, start: int, body: int, end: int, *, explicit: bool, directives: bool = False
    ) -> None:
        self.root = root
        self.start = start
        self.body = body
        self.end = end
        self.explicit = explicit
        self.directives = directives


def content_start(text: str, node: Node) -> int:
    """Return where a node begins behind its anchor and tag, and the blanks behind those."""
    if node.anchor is None and node.tag is None:
        return node.start
    found = _PROPERTIES.match(text, node.start)
    return found.end() if found else node.start


def compose(text: str) -> list[Document]:
    """Return the documents of ``text``; none if there is nothing but comments.

    Raises:
        ParseError: It is no YAML, or an alias names nothing; with ``offset``.
        LimitError: It nests too deep, or its aliases stand for too much.
    """
    fast = events_in_c(text)
    if fast is not None:
        with suppress(DoubtError, ParseError, LimitError):
            return _Composer(text).compose(fast)
    return _Composer(text).compose(events_of(text))


class _Composer:
    __slots__ = ("anchors", "documents", "floor", "opening", "stack", "text", "total")

    def __init__(self, text: str) -> None:
        self.text = text
        self.documents: list[Document] = []
        self.stack: list[Node] = []
        self.anchors: dict[str, Node] = {}
        self.opening: Event | None = None
        self.floor = 0
        self.total = 0

    def compose(self, events: Iterator[Event]) -> list[Document]:
        for event in events:
            kind = event.kind
            if kind == "end":
                self.close(event)
            elif kind == "document":
                self.opening, self.anchors = event, {}
                # An implicit document begins with its first token: comments stand before that.
                self.floor = event.end if event.explicit else self.documents[-1].end if self.documents else 0
            elif kind == "document end":
                self.documents[-1].end = event.end
            else:
                self.add(self.node(event))
        return self.documents

    def node(self, event: Event) -> Node:
        kind = event.kind
        assert kind != "end" and kind != "document" and kind != "document end"  # noqa: PLR1714, PT018  narrows the type
        node = Node(kind, event, self.floor)
        if event.start == event.end and self.stack:
            node.start = node.end = self.place_of_nothing(event.start)
        if kind == "alias":
            self.follow(node)
        elif event.anchor is not None:
            self.anchors[event.anchor] = node
        return node

    def place_of_nothing(self, at: int) -> int:
        """Return where an empty scalar stands that the engine finds at ``at``."""
        holder, text = self.stack[-1], self.text
        if holder.kind == "mapping" and len(holder.items) % 2 == 0 and ":" in text[at - 1 : at + 1]:
            return at if text[at : at + 1] == ":" else at - 1  # a key, right before its colon
        # Where no colon or dash announced it (``? a``, ``{a}``), it stands where its key ends.
        return self.floor if _NOTHING.fullmatch(text, self.floor, at) else at

    def follow(self, alias: Node) -> None:
        target = self.anchors.get(alias.value)
        if target is None:
            raise ParseError(
                f"the alias *{alias.value} names nothing: there is no &{alias.value} before it",
                offset=alias.start,
            )
        if target in self.stack:
            raise ParseError(
                f"the alias *{alias.value} stands inside the node that it names", offset=alias.start
            )
        alias.target = target
        alias.size = target.size
        target.aliases += 1

    def add(self, node: Node) -> None:
        self.count(node)
        if self.stack:
            self.stack[-1].items.append(node)
        else:
            self.open_document(node)
        if node.kind in ("sequence", "mapping"):
            if len(self.stack) >= MAX_DEPTH:
                raise too_deep()
            self.stack.append(node)
        else:
            self.floor = node.end

    def count(self, node: Node) -> None:
        self.total += node.size
        if self.total > MAX_EXPANDED:
            raise LimitError(
                f"stands for more than {MAX_EXPANDED:,} nodes once its aliases are followed",
                hint="a small text that grows like this is an attack, or a mistake",
            )

    def open_document(self, root: Node) -> None:
        opening = self.opening
        assert opening is not None
        self.documents.append(Document(root, opening.start, opening.end, root.end, explicit=opening.explicit))

    def close(self, event: Event) -> None:
        node = self.stack.pop()
        if node.style == FLOW:
            node.end = event.end
        else:
            node.end = node.items[-1].end
        node.size += sum(item.size for item in node.items)
        self.floor = max(self.floor, node.end)
