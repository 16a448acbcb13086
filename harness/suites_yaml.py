"""What yaml-test-suite's trees of events mean: values by the core schema, with the judge's scalars."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any

from harness.oracle.values import Tag
from harness.oracle.yaml_values import PREFIX, plain, tagged

if TYPE_CHECKING:
    from collections.abc import Iterator

_ESCAPES = {"n": "\n", "t": "\t", "r": "\r", "b": "\b", "\\": "\\"}
_PROPERTIES = re.compile(r"(?:\[\] ?|\{\} ?|&(?P<anchor>\S+) ?|<(?P<tag>[^>]*)> ?)*")
_CORE_COLLECTIONS = {None, "!", f"{PREFIX}seq", f"{PREFIX}map"}


class MappingAsKeyError(ValueError):
    """A mapping is the key of a mapping: no plain data of Python can say that."""


def documents_of(tree: str) -> object:
    """Return the list of the documents' values; what cannot be a value is the error that says why."""
    reader = _Reader(line.lstrip(" ") for line in tree.splitlines())
    try:
        return list(reader.documents())
    except ValueError as error:
        return error


class _Reader:
    """Reads the lines of a tree; a line is ``+MAP {} &anchor <tag>``, ``=VAL :text``, …"""

    def __init__(self, lines: Iterator[str]) -> None:
        self.lines = lines
        self.anchors: dict[str, Any] = {}

    def documents(self) -> Iterator[Any]:
        for line in self.lines:
            if line.startswith("+DOC"):
                self.anchors = {}
                yield self.node(next(self.lines))

    def node(self, line: str) -> Any:  # noqa: ANN401 - any value
        kind, _, rest = line.partition(" ")
        if kind == "=ALI":
            return self.anchors[rest.removeprefix("*")]
        found = _PROPERTIES.match(rest)
        assert found
        value = self.value(kind, found["tag"], rest[found.end() :])
        if found["anchor"]:
            self.anchors[found["anchor"]] = value
        return value

    def value(self, kind: str, tag: str | None, text: str) -> Any:  # noqa: ANN401 - any value
        if kind == "=VAL":
            return _scalar(tag, text)
        items = list(self.items())
        if kind == "+SEQ":
            return items if tag in _CORE_COLLECTIONS else _tagged_sequence(str(tag), items)
        mapping = {_key(key): value for key, value in zip(items[::2], items[1::2], strict=True)}
        if len(mapping) * 2 != len(items):
            msg = "duplicate keys"
            raise ValueError(msg)
        return mapping if tag in _CORE_COLLECTIONS else _tagged_mapping(str(tag), mapping)

    def items(self) -> Iterator[Any]:
        while not (line := next(self.lines)).startswith("-"):
            yield self.node(line)


def _scalar(tag: str | None, rest: str) -> object:
    style, text = rest[0], _unescaped(rest[1:])
    if tag is not None:
        return tagged(tag, text)
    return plain(text) if style == ":" else text


def _unescaped(text: str) -> str:
    return re.sub(r"\\(.)", lambda found: _ESCAPES[found[1]], text)


def _tagged_sequence(tag: str, items: list[Any]) -> object:
    if tag in {f"{PREFIX}omap", f"{PREFIX}pairs"}:
        pairs = [pair for item in items for pair in item.items()]
        return dict(pairs) if tag.endswith("omap") else [list(pair) for pair in pairs]
    return Tag(tag, items)


def _tagged_mapping(tag: str, mapping: dict[Any, Any]) -> object:
    return set(mapping) if tag == f"{PREFIX}set" else Tag(tag, mapping)


def _key(value: Any) -> Any:  # noqa: ANN401 - any value
    if isinstance(value, list):
        return tuple(_key(item) for item in value)
    if isinstance(value, (dict, set)):
        msg = "a mapping as key"
        raise MappingAsKeyError(msg)
    return value
