"""How whole values are written anew: in one line, as statements under a header, or as a document."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING

from untorn.serializers._toml.scalars import key_text, long_string, scalar_text

if TYPE_CHECKING:
    from collections.abc import Iterator

    from untorn.sdk import Value

LINE_LENGTH = 88
"""A new array that makes its line longer is written with one item a line."""


def inline_text(value: Value, like: str = "", pad: str = " ") -> str:
    """Return ``value`` in one line; ``pad`` stands inside the braces of inline tables."""
    if isinstance(value, Mapping):
        if not value:
            return "{}"
        members = (f"{key_text(key)} = {inline_text(item, pad=pad)}" for key, item in value.items())
        return f"{{{pad}{', '.join(members)}{pad}}}"
    if isinstance(value, (list, tuple)):
        return f"[{', '.join(inline_text(item, pad=pad) for item in value)}]"
    return scalar_text(value, like)


def statement_text(key: str, separator: str, value: Value, *, like: str = "", pad: str = " ") -> str:
    """Return ``key = value`` without indentation; a long array gets one item a line."""
    if isinstance(value, str) and "\n" in value.strip("\n"):
        return f"{key}{separator}{long_string(value)}"
    line = f"{key}{separator}{inline_text(value, like, pad)}"
    if isinstance(value, (list, tuple)) and len(value) > 1 and len(line) > LINE_LENGTH:
        items = "".join(f"    {inline_text(item, pad=pad)},\n" for item in value)
        return f"{key}{separator}[\n{items}]"
    return line


def is_table_array(value: Value) -> bool:
    """Return whether ``value`` reads best as ``[[a]]``: a list of mappings, none of them empty."""
    return (
        isinstance(value, (list, tuple))
        and bool(value)
        and all(isinstance(item, Mapping) and item for item in value)
    )


def table_text(name: str, value: Mapping[str, Value], *, brackets: str = "[]", indent: str = "") -> str:
    r"""Return a table and what is below it as whole lines: ``"[a]\nb = 1\n\n[a.c]\nd = 2\n"``."""
    return "\n".join(_blocks(name, value, brackets, indent))


def tables_text(name: str, value: Value, indent: str = "") -> str:
    """Return an array of tables as whole lines."""
    return "\n".join(table_text(name, item, brackets="[[]]", indent=indent) for item in value)


def document_text(value: Mapping[str, Value]) -> str:
    """Return a whole new document."""
    return "\n".join(_blocks("", value, "", ""))


def _blocks(name: str, value: Mapping[str, Value], brackets: str, indent: str) -> Iterator[str]:
    """Yield the table itself, if it needs to be written, then its sub-tables."""
    tables = {key: item for key, item in value.items() if isinstance(item, Mapping) or is_table_array(item)}
    lines = [
        indent + statement_text(key_text(key), " = ", item) + "\n"
        for key, item in value.items()
        if key not in tables
    ]
    if name and (lines or not tables or len(brackets) > 2):  # noqa: PLR2004
        half = len(brackets) // 2
        lines.insert(0, f"{indent}{brackets[:half]}{name}{brackets[half:]}\n")
    if lines:
        yield "".join(lines)
    for key, item in tables.items():
        full = f"{name}.{key_text(key)}" if name else key_text(key)
        if isinstance(item, Mapping):
            yield from _blocks(full, item, "[]", indent)
        else:
            for each in item:
                yield from _blocks(full, each, "[[]]", indent)
