"""YAML: values and positions from PyYAML's event stream (libyaml's, whose marks are exact)."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Final

import yaml

from harness.oracle.source import Comment, Entry, NodeKind, RefusedError, Span
from harness.oracle.values import Tag
from harness.oracle.yaml_values import PREFIX, plain, tagged

if TYPE_CHECKING:
    from collections.abc import Iterator

    from harness.oracle.operations import Path


class _Merge:
    """Stands for ``<<`` in key paths, so that no edit is ever asked of it."""

    def __repr__(self) -> str:
        return "<<"


MERGE: Final = _Merge()
_PROPERTIES = re.compile(r"(?:[&!][^\s,\[\]{}]*(?:\s+|$))*")
_COLLECTION_TAGS = {PREFIX + "map", PREFIX + "seq", "!"}


@dataclass(slots=True)
class _Node:
    kind: NodeKind
    start: int
    end: int
    tag: str | None = None
    text: str = ""
    style: str | None = None
    flow: bool = False
    anchored: bool = False
    repeated: bool = False
    target: _Node | None = None
    items: list[_Node] = field(default_factory=list)

    def pairs(self) -> Iterator[tuple[_Node, _Node]]:
        return zip(self.items[::2], self.items[1::2], strict=True)


def read(text: str, *, documents: bool) -> tuple[object, dict[Path, Entry], list[Comment]]:
    """Read a YAML text; ``documents`` as in ``source.read``."""
    try:
        roots = list(_compose(text))
    except (yaml.YAMLError, ValueError) as error:
        raise RefusedError(str(error)) from error
    outline = _Outline(text, _comments(text, roots))
    if not documents and len(roots) > 1:
        msg = f"{len(roots)} documents"
        raise RefusedError(msg)
    if documents:
        top = Entry((), "sequence", [], Span(0, len(text)), 0, [Span(0, len(text))])
        outline.entries[()] = top
        top.children = [(number,) for number in range(len(roots))]
        for number, root in enumerate(roots):
            outline.node((number,), root, [], root.start, shared=False)
        return [_value(root) for root in roots], outline.entries, outline.comments
    if not roots:
        outline.entries[()] = Entry((), "scalar", [], Span(0, 0), 0, [Span(0, 0)])
        return None, outline.entries, outline.comments
    outline.node((), roots[0], [], roots[0].start, shared=False)
    return _value(roots[0]), outline.entries, outline.comments


def _compose(text: str) -> Iterator[_Node]:
    """Make a tree of each document's events."""
    stack: list[_Node] = []
    anchors: dict[str, _Node] = {}
    for event in yaml.parse(text, Loader=yaml.CSafeLoader):
        if isinstance(event, yaml.DocumentStartEvent):
            anchors = {}
        elif isinstance(event, yaml.CollectionEndEvent):
            node = stack.pop()
            node.end = _offsets(event)[1] if node.flow else _last_end(node)
            if not stack:
                yield node
        elif isinstance(event, yaml.NodeEvent):
            node = _node(event, anchors, text)
            if stack:
                stack[-1].items.append(node)
            if isinstance(event, yaml.CollectionStartEvent):
                stack.append(node)
            elif not stack:
                yield node


def _offsets(event: yaml.Event) -> tuple[int, int]:
    assert event.start_mark
    assert event.end_mark
    return event.start_mark.index, event.end_mark.index


def _last_end(node: _Node) -> int:
    return node.items[-1].end if node.items else node.start


def _node(event: yaml.NodeEvent, anchors: dict[str, _Node], text: str) -> _Node:
    start, end = _offsets(event)
    if isinstance(event, yaml.AliasEvent):
        if event.anchor not in anchors:
            msg = f"undefined alias {event.anchor!r}"
            raise RefusedError(msg)
        target = anchors[event.anchor]
        target.repeated = True
        return _Node("alias", start, end, target=target)
    if isinstance(event, yaml.ScalarEvent):
        tag = event.tag if event.tag is not None else (None if event.implicit[0] else "!")
        node = _Node("scalar", start, end, tag, event.value, event.style or None)
        if event.style in {"|", ">"}:
            node.end = _without_trailing_breaks(text, node)
    else:
        assert isinstance(event, yaml.CollectionStartEvent)
        kind: NodeKind = "mapping" if isinstance(event, yaml.MappingStartEvent) else "sequence"
        node = _Node(kind, start, end, event.tag, flow=bool(event.flow_style))
    if event.anchor:
        anchors[event.anchor] = node
        node.anchored = True
    return node


def _without_trailing_breaks(text: str, node: _Node) -> int:
    """End a block scalar with its last line, unless its header says that trailing breaks are content."""
    body = text[node.start : node.end]
    header = body.split("\n", 1)[0].split("#", 1)[0]
    if re.search(r"[|>][0-9]?\+|[|>]\+", header) and body.endswith("\n"):
        return node.end - 1 - body.endswith("\r\n")
    end = len(body.rstrip())
    # Lines of blanks are text where they go beyond the indentation: the value has them.
    blanks = node.text.rstrip("\n")[len(node.text.rstrip()) :]
    if blanks:
        lines = blanks.count("\n") + (not node.text.strip())
        end += len("\n".join(body[end:].split("\n")[: lines + 1]).rstrip("\r"))
    return node.start + end


def _comments(text: str, roots: list[_Node]) -> list[Comment]:
    """Find ``#`` after white space or at the beginning of a line, outside every scalar."""
    masked: dict[int, int] = {}
    todo = list(roots)
    while todo:
        node = todo.pop()
        todo += node.items
        if node.kind == "scalar" and node.end > node.start:
            properties = _PROPERTIES.match(text, node.start, node.end)
            start = properties.end() if properties else node.start
            if node.style in {"|", ">"}:
                # A comment may stand behind the indicators; the text begins on the next line.
                start = text.find("\n", start, node.end)
            if 0 <= start < node.end:
                masked[start] = node.end
    return list(_unmasked_comments(text, masked))


def _unmasked_comments(text: str, masked: dict[int, int]) -> Iterator[Comment]:
    offset = 0
    while offset < len(text):
        if offset in masked:
            offset = masked[offset]
        elif text[offset] == "#" and (offset == 0 or text[offset - 1].isspace()):
            end = text.find("\n", offset)
            line = text[offset : end if end >= 0 else len(text)].rstrip()
            yield Comment(offset, offset + len(line), line)
            offset += len(line)
        else:
            offset += 1


@dataclass
class _Outline:
    text: str
    comments: list[Comment]
    entries: dict[Path, Entry] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.ends = {comment.start: comment.end for comment in self.comments}

    def skip(self, offset: int) -> int:
        while offset < len(self.text) and (offset in self.ends or self.text[offset].isspace()):
            offset = self.ends.get(offset, offset + 1)
        return offset

    def node(self, path: Path, node: _Node, keys: list[Span], start: int, *, shared: bool) -> None:
        entry = Entry(
            path, node.kind, keys, Span(node.start, node.end), start, [Span(start, max(start, node.end))]
        )
        if node.tag and node.tag not in _COLLECTION_TAGS:
            # Under a tag that changes what the children mean, no child is an entry of its own.
            entry.kind = "scalar" if node.kind != "alias" else "alias"
        entry.shared = shared or node.repeated or node.kind == "alias"
        opening = self.opening(node)
        entry.bracketed = opening is not None
        self.entries[path] = entry
        if entry.kind == "sequence":
            self.items(entry, node, opening)
        elif entry.kind == "mapping":
            self.members(entry, node)

    def opening(self, node: _Node) -> int | None:
        """Where the bracket of a flow collection is; a pair in a flow sequence has none."""
        if not node.flow:
            return None
        match = _PROPERTIES.match(self.text, node.start)
        offset = self.skip(match.end() if match else node.start)
        return offset if self.text[offset : offset + 1] in {"{", "["} else None

    def items(self, entry: Entry, node: _Node, opening: int | None) -> None:
        offset = node.start
        if opening is None and (match := _PROPERTIES.match(self.text, offset)):
            offset = match.end()
        for number, item in enumerate(node.items):
            start = item.start
            if opening is None:
                start = self.skip(offset)
                assert self.text[start] == "-", self.text[start : start + 30]
            path = (*entry.path, number)
            entry.children.append(path)
            self.node(path, item, [], start, shared=entry.shared)
            offset = item.end

    def members(self, entry: Entry, node: _Node) -> None:
        previous = node.start
        for key, value in node.pairs():
            # ``? key`` begins at the question mark.
            mark = self.text.rfind("?", previous, key.start)
            start = mark if mark >= 0 and not self.text[mark + 1 : key.start].strip() else key.start
            merge = _is_merge(key)
            entry.merged |= merge
            path = (*entry.path, MERGE if merge else _key(key))
            entry.children.append(path)
            self.node(path, value, [Span(key.start, key.end)], start, shared=entry.shared)
            previous = value.end


def _is_merge(key: _Node) -> bool:
    return key.kind == "scalar" and key.text == "<<" and key.style is None and key.tag is None


def _key(node: _Node) -> object:
    return _frozen(_value(node))


def _frozen(value: object) -> object:
    if isinstance(value, list):
        return tuple(map(_frozen, value))
    if isinstance(value, (dict, set)):
        msg = "a mapping as key"
        raise RefusedError(msg)
    return value


def _value(node: _Node) -> object:
    if node.kind == "alias":
        assert node.target
        return _value(node.target)
    if node.kind == "scalar":
        if node.tag is None:
            return plain(node.text) if node.style is None else node.text
        return tagged(node.tag, node.text)
    if node.tag is None or node.tag in _COLLECTION_TAGS:
        return _mapping(node) if node.kind == "mapping" else [_value(item) for item in node.items]
    return _tagged_collection(node, node.tag)


def _tagged_collection(node: _Node, tag: str) -> object:
    kind = tag.removeprefix(PREFIX)
    if kind == tag or kind.startswith("python"):
        inner = _mapping(node) if node.kind == "mapping" else [_value(item) for item in node.items]
        return Tag(tag if kind == tag else f"!!{kind}", inner)
    if kind == "set" and node.kind == "mapping":
        return set(_mapping(node))
    if kind in {"omap", "pairs"} and node.kind == "sequence":
        pairs = [next(iter(item.pairs())) for item in node.items]
        return {_key(key): _value(value) for key, value in pairs}
    msg = f"tag {tag} on a {node.kind}"
    raise RefusedError(msg)


def _mapping(node: _Node) -> dict[object, object]:
    merged: dict[object, object] = {}
    explicit: dict[object, object] = {}
    for key, value in node.pairs():
        if _is_merge(key):
            for source in _merged(value):
                merged = {**_mapping(source), **merged}
            continue
        name = _key(key)
        if name in explicit:
            msg = f"duplicate key {name!r}"
            raise RefusedError(msg)
        explicit[name] = _value(value)
    return {**merged, **explicit}


def _merged(node: _Node) -> list[_Node]:
    """The mappings that a merge key names, the strongest first."""
    while node.target:
        node = node.target
    if node.kind == "mapping":
        return [node]
    if node.kind == "sequence":
        return [source for item in node.items for source in _merged(item)]
    msg = "a merge key needs a mapping"
    raise RefusedError(msg)
