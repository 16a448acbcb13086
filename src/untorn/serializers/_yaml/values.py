"""The values of nodes: plain data, merge keys applied, unknown tags kept."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn.sdk import LimitError, ParseError, Tagged, Value
from untorn.serializers._yaml.events import PLAIN
from untorn.serializers._yaml.nodes import Document, Node, compose
from untorn.serializers._yaml.plain import MERGE, plain_values
from untorn.serializers._yaml.scalars import CORE, is_known, is_known_scalar, plain_value, tagged_value

if TYPE_CHECKING:
    from collections.abc import Callable

_UNTAGGED = {"sequence": (None, "!", f"{CORE}seq"), "mapping": (None, "!", f"{CORE}map")}


def values_of(text: str) -> list[Value]:
    """Return the values of all documents of ``text``; of an empty text, one ``None``."""
    values = plain_values(text)
    if values is None:
        values = [Values(text).of(document.root) for document in compose(text)]
    return values or [None]


def documents_of(text: str) -> tuple[list[Document], Values]:
    """Return the documents of ``text``, and their values on request."""
    return compose(text), Values(text)


def is_merge(key: Node) -> bool:
    """Return whether a key is ``<<``, which stands for the entries of other mappings."""
    return key.value == MERGE and key.kind == "scalar" and key.style == PLAIN and key.tag is None


def is_opaque(node: Node) -> bool:
    """Return whether a collection's tag gives its items another meaning than a mapping's or list's."""
    return node.kind in _UNTAGGED and node.tag not in _UNTAGGED[node.kind]


def merged_mappings(value: Node) -> list[Node]:
    """Return the mappings that the value of a ``<<`` names, the strongest first.

    Raises:
        ParseError: It names something else.
    """
    node = value.real
    sources = [item.real for item in node.items] if node.kind == "sequence" else [node]
    for source in sources:
        if source.kind != "mapping":
            raise ParseError(
                f"a merge key (<<) needs a mapping or a list of mappings, not a {source.kind}",
                offset=value.start,
            )
    return sources


class Values:
    """Makes values; what several aliases name is made once and shared."""

    def __init__(self, text: str) -> None:
        self._text = text
        self._made: dict[int, Value] = {}
        self._plain: dict[str, Value] = {}

    def of(self, node: Node) -> Value:
        """Return the value of a node.

        Raises:
            ParseError: Duplicate keys, a text that does not fit its tag, …
        """
        if node.kind == "scalar":
            return self._scalar(node)
        node = node.real
        if node.kind == "scalar":
            return self._scalar(node)
        if node.anchor is None:
            return self._collection(node)
        if id(node) not in self._made:
            self._made[id(node)] = self._collection(node)
        return self._made[id(node)]

    def _scalar(self, node: Node) -> Value:
        text, tag = node.value, node.tag
        if tag is None:
            if node.style != PLAIN:
                return text
            if text not in self._plain:
                self._plain[text] = self._checked(node, lambda: plain_value(text))
            return self._plain[text]
        if not is_known_scalar(tag):
            return Tagged(tag, text)
        return self._checked(node, lambda: tagged_value(tag, text))

    def _checked(self, node: Node, make: Callable[[], Value]) -> Value:
        try:
            return make()
        except LimitError:
            raise
        except (ValueError, OverflowError) as error:
            hint = "quote it if it is a text" if node.tag is None else ""
            raise ParseError(_reason(error, node), offset=node.start, hint=hint) from None

    def _collection(self, node: Node) -> Value:
        if is_opaque(node):
            return self._tagged(node)
        if node.kind == "mapping":
            return self._mapping(node)
        return [self.of(item) for item in node.items]

    def _tagged(self, node: Node) -> Value:
        tag = node.tag or ""
        if tag == f"{CORE}set" and node.kind == "mapping":
            return set(self._mapping(node))
        if tag in (f"{CORE}omap", f"{CORE}pairs") and node.kind == "sequence":
            pairs = [self._pair(item.real) for item in node.items]
            return dict(pairs) if tag == f"{CORE}omap" else [list(pair) for pair in pairs]
        if is_known(tag):
            raise ParseError(f"the tag {tag!r} does not fit a {node.kind}", offset=node.start)
        inner = self._mapping(node) if node.kind == "mapping" else [self.of(item) for item in node.items]
        return Tagged(tag, inner)

    def _pair(self, node: Node) -> tuple[Value, Value]:
        if node.kind != "mapping" or len(node.items) != 2:  # noqa: PLR2004  a key and a value
            raise ParseError(
                "an item of an ordered mapping (!!omap, !!pairs) needs exactly one key", offset=node.start
            )
        return self.key(node.items[0]), self.of(node.items[1])

    def _mapping(self, node: Node) -> dict[Value, Value]:
        """Return merged entries first, then the mapping's own: the order of ruamel.yaml's safe loader."""
        own: dict[Value, Value] = {}
        places: dict[Value, Node] = {}
        merged: dict[Value, Value] | None = None
        for key_node, value_node in node.pairs:
            if is_merge(key_node):
                if merged is not None:
                    raise self._duplicate(MERGE, key_node, places[MERGE])
                merged, places[MERGE] = self._merged(value_node), key_node
                continue
            key = self.key(key_node)
            if key in own:
                raise self._duplicate(key, key_node, places[key])
            own[key] = self.of(value_node)
            places[key] = key_node
        return own if merged is None else {**merged, **own}

    def _merged(self, value: Node) -> dict[Value, Value]:
        merged: dict[Value, Value] = {}
        for source in reversed(merged_mappings(value)):
            merged.update(self.of(source) if not is_opaque(source) else self._mapping(source))
        return merged

    def _duplicate(self, key: Value, again: Node, first: Node) -> ParseError:
        line = self._text.count("\n", 0, first.start) + 1
        return ParseError(
            f"the key {key!r} appears twice in one mapping, first on line {line}",
            offset=again.start,
            hint="YAML readers keep one of them without saying which; remove or rename one",
        )

    def key(self, node: Node) -> Value:
        """Return the value of a key: hashable, a sequence as tuple."""
        return self._frozen(self.of(node), node)

    def _frozen(self, value: Value, node: Node) -> Value:
        if isinstance(value, list):
            return tuple(self._frozen(item, node) for item in value)
        if isinstance(value, (dict, set)):
            raise ParseError("a mapping cannot be the key of a mapping here", offset=node.start)
        if isinstance(value, Tagged):
            return Tagged(value.tag, self._frozen(value.value, node))
        return value


def _reason(error: Exception, node: Node) -> str:
    reason = str(error)
    return reason if repr(node.value) in reason else f"{node.value!r} has no value: {reason}"
