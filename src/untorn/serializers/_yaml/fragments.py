"""New text for values: block and flow, in the style of a file."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from untorn.sdk import Tagged, UnrepresentableError, Value
from untorn.serializers._yaml.spelling import (
    DOUBLE,
    is_scalar,
    joined,
    spelled,
    spelled_key,
    tag_text,
)

if TYPE_CHECKING:
    from collections.abc import Iterator


@dataclass(frozen=True, slots=True)
class Style:
    """How a file lays out what is new in it.

    Attributes:
        step: By how many columns a mapping is indented below its key.
        dash_offset: By how many columns the dashes of a sequence are indented below its key.
        dash_gap: How many blanks follow a dash.
        quote: The quote character to use where one is needed.
        quotes_all: Whether strings are quoted that need no quotes.
        padding: What stands inside the braces of a flow mapping.
        bracket_padding: What stands inside the brackets of a flow sequence.
        blocks: Whether a string of several lines may become a block scalar.
    """

    step: int = 2
    dash_offset: int = 2
    dash_gap: int = 1
    quote: str = DOUBLE
    quotes_all: bool = False
    padding: str = ""
    bracket_padding: str = ""
    blocks: bool = True

    def scalar(self, value: Value, *, flow: bool = False) -> str:
        """Return a scalar on one line."""
        return spelled(value, quote=self.quote if self.quotes_all else "", preferred=self.quote, flow=flow)


def needs_block(value: Value) -> bool:
    """Return whether ``value`` is laid out by indentation where it can be."""
    if isinstance(value, Tagged):
        return needs_block(value.value)
    return isinstance(value, (Mapping, list, tuple)) and bool(value)


def flow_text(value: Value, style: Style) -> str:
    """Return ``value`` on one line, as it may stand in brackets."""
    if isinstance(value, Tagged) and not is_scalar(value):
        return f"{tag_text(value.tag)} {flow_text(_collection_of(value), style)}"
    if isinstance(value, Mapping):
        return _braced(
            joined(f"{_flow_key(key, style)}: {flow_text(item, style)}" for key, item in value.items()), style
        )
    if isinstance(value, (set, frozenset)):
        return "!!set " + _braced(joined(_set_items(value, style)), style)
    if isinstance(value, (list, tuple)):
        padding = style.bracket_padding if value else ""
        return f"[{padding}{joined(flow_text(item, style) for item in value)}{padding}]"
    return style.scalar(value, flow=True)


def _braced(inner: str, style: Style) -> str:
    padding = style.padding if inner else ""
    return f"{{{padding}{inner}{padding}}}"


def _flow_key(key: Value, style: Style) -> str:
    return spelled_key(key, preferred=style.quote, flow=True)


def _set_items(value: set[Value] | frozenset[Value], style: Style) -> list[str]:
    # A set has no order; sorted, the same set always gives the same text.
    return sorted(_flow_key(item, style) for item in value)


def _collection_of(value: Tagged) -> Value:
    inner = value.value
    if isinstance(inner, (Mapping, list, tuple)):
        return inner
    kind = type(inner).__name__
    raise UnrepresentableError(
        f"a node tagged {value.tag!r} holds text, a mapping or a list, not a {kind}",
        hint="give its text as a string: the tag says what it means",
    )


# ── Blocks ──────────────────────────────────────────────────────────────────


def block_text(value: Value, column: int, style: Style, *, in_sequence: bool = False) -> str:
    r"""Return what follows ``key:`` or ``-`` for ``value``, blank or newline in front, none behind.

    Args:
        value: Any value.
        column: Where the key or the dash stands.
        style: How the file is laid out.
        in_sequence: Whether a dash is in front, so that the first line goes on behind it.
    """
    if not needs_block(value):
        return " " * (style.dash_gap if in_sequence else 1) + leaf_text(
            value, column, style, in_sequence=in_sequence
        )
    head = ""
    if isinstance(value, Tagged):
        head = " " + tag_text(value.tag)
        value = _collection_of(value)
    if in_sequence and not head:
        inner = column + 1 + style.dash_gap
        return " " * style.dash_gap + indented(block_lines(value, inner, style), inner)
    inner = column + (style.step if isinstance(value, Mapping) or in_sequence else style.dash_offset)
    inner = max(inner, column + 1) if in_sequence else inner
    return f"{head}\n{' ' * inner}{indented(block_lines(value, inner, style), inner)}"


def indented(lines: Iterator[str], column: int) -> str:
    """Return lines joined, all but the first indented."""
    return f"\n{' ' * column}".join(lines)


def block_lines(value: Value, column: int, style: Style) -> Iterator[str]:
    """Yield the entries of a collection as they stand at ``column``; each may be several lines."""
    if isinstance(value, Mapping):
        for key, item in value.items():
            yield entry_text(key, item, column, style)
    else:
        for item in value:
            yield "-" + block_text(item, column, style, in_sequence=True)


def entry_text(key: Value, value: Value, column: int, style: Style, *, colon: str = ": ") -> str:
    """Return one entry of a block mapping whose key stands at ``column``."""
    name = spelled_key(key, preferred=style.quote)
    rest = block_text(value, column, style)
    if rest.startswith(" ") and colon.startswith(":"):
        rest = colon[1:] + rest[1:]
    if len(name) <= LONGEST_KEY:
        return f"{name}:{rest}"
    return f"? {name}\n{' ' * column}:{rest}"


LONGEST_KEY = 1000
"""Of a key without ``?``: readers give up at 1024 characters."""


def leaf_text(value: Value, column: int, style: Style, *, in_sequence: bool = False) -> str:
    """Return a scalar or an empty collection as it follows a key or dash at ``column``."""
    if isinstance(value, str) and "\n" in value and style.blocks:
        inner = column + (1 + style.dash_gap if in_sequence else style.step)
        literal = literal_text(value, inner, inner - max(column, 0))
        if literal is not None:
            return literal
    if not is_scalar(value):
        return flow_text(value, style)
    return style.scalar(value)


_LITERAL_LINE = re.compile(r"[ -~\xa1-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff\t]*")


def literal_text(text: str, column: int, indicator: int) -> str | None:
    """Return ``text`` as a literal block scalar, or ``None`` if that could be misread.

    Args:
        text: With a newline in it.
        column: Where its lines stand.
        indicator: By how much that is deeper than the node around it.
    """
    body = text.removesuffix("\n")
    lines = body.split("\n")
    if not body or body.endswith("\n") or not all(map(_LITERAL_LINE.fullmatch, lines)):
        return None
    if any(line.isspace() for line in lines) or lines[0].startswith("\t"):
        return None
    # The first line says how deep the block is: with blanks in front it would lie.
    number = str(indicator) if not lines[0] or lines[0][0] == " " else ""
    if number and not 1 <= indicator <= 9:  # noqa: PLR2004  one digit
        return None
    chomping = "" if text.endswith("\n") else "-"
    padding = " " * column
    return f"|{number}{chomping}\n" + "\n".join(padding + line if line else "" for line in lines)


def root_text(value: Value, style: Style, column: int = 0) -> str:
    """Return a whole document without ``---``, from ``column`` of its first line, with a final newline."""
    if needs_block(value) and not isinstance(value, Tagged):
        return indented(block_lines(value, column, style), column) + "\n"
    return block_text(value, 0, replace(style, step=max(style.step, 1))).lstrip(" ") + "\n"
