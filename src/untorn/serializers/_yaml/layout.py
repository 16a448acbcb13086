"""How a file is laid out: found from what stands there already (EDITING E4)."""

from __future__ import annotations

from collections import Counter
from dataclasses import replace
from typing import TYPE_CHECKING, TypeVar

from untorn.sdk import line_start
from untorn.serializers._yaml.fragments import Style
from untorn.serializers._yaml.nodes import content_start
from untorn.serializers._yaml.spelling import DOUBLE, SINGLE

if TYPE_CHECKING:
    from collections.abc import Iterable

    from untorn.sdk import Value
    from untorn.serializers._yaml.nodes import Document, Node

_DEFAULT = Style()
_T = TypeVar("_T")


def column_of(text: str, offset: int) -> int:
    """Return how many characters stand before ``offset`` on its line."""
    return offset - line_start(text, offset)


def style_of(text: str, documents: Iterable[Document]) -> Style:
    """Return how most of a text is laid out."""
    steps: Counter[int] = Counter()
    dashes: Counter[int] = Counter()
    gaps: Counter[int] = Counter()
    quotes: Counter[str] = Counter()
    braces: Counter[str] = Counter()
    brackets: Counter[str] = Counter()
    for document in documents:
        for node in document.root.walk():
            if node.kind == "scalar" and node.style in (DOUBLE, SINGLE):
                quotes[node.style] += 1
            elif node.is_flow and node.items:
                inside = _padding(text, node)
                if inside is not None:
                    (braces if node.kind == "mapping" else brackets)[inside] += 1
            elif node.kind == "mapping":
                steps.update(_steps(text, node, "mapping"))
                dashes.update(_steps(text, node, "sequence"))
            elif node.kind == "sequence":
                gaps.update(_gaps(text, node))
    step = _most(steps, _DEFAULT.step)
    return Style(
        step=step,
        dash_offset=_most(dashes, min(step, _DEFAULT.dash_offset)),
        dash_gap=_most(gaps, _DEFAULT.dash_gap),
        quote=_most(quotes, _DEFAULT.quote),
        padding=_most(braces, ""),
        bracket_padding=_most(brackets, ""),
    )


def near(style: Style, text: str, mapping: Node) -> Style:
    """Return ``style`` as it is around a block mapping: one file may indent in several ways."""
    steps = Counter(_steps(text, mapping, "mapping"))
    dashes = Counter(_steps(text, mapping, "sequence"))
    return replace(style, step=_most(steps, style.step), dash_offset=_most(dashes, style.dash_offset))


def quoted_like(style: Style, value: Value, siblings: Iterable[Node]) -> Style:
    """Return ``style`` with the quotes for a new scalar in which all scalars around it stand."""
    seen = {node.style for node in siblings if node.kind == "scalar"}
    quote = seen.pop() if len(seen) == 1 and isinstance(value, str) else None
    return replace(style, quote=quote, quotes_all=True) if quote in (DOUBLE, SINGLE) else style


def _steps(text: str, mapping: Node, kind: str) -> Iterable[int]:
    """Yield by how much collections of one kind are indented below the keys of a block mapping."""
    for key, value in mapping.pairs:
        if value.kind == kind and value.is_block and value.anchor is None and value.tag is None:
            step = column_of(text, value.start) - column_of(text, key.start)
            if step >= (1 if kind == "mapping" else 0):
                yield step


def _gaps(text: str, sequence: Node) -> Iterable[int]:
    start = content_start(text, sequence)
    for item in sequence.items[:1]:
        between = text[start + 1 : item.start]
        if between and not between.strip(" "):
            yield len(between)


def _padding(text: str, node: Node) -> str | None:
    """Return the blanks inside the opening bracket, if the first item stands on its line."""
    inside = text[content_start(text, node) + 1 : node.items[0].start]
    return inside if not inside.strip(" ") else None


def _most(counter: Counter[_T], default: _T) -> _T:
    return counter.most_common(1)[0][0] if counter else default
