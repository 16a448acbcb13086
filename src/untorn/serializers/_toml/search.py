"""Where a scalar is, found without an index of the text: for the change that is asked for most."""

from __future__ import annotations

import re
from itertools import islice
from typing import TYPE_CHECKING

from untorn.sdk import Span
from untorn.serializers._toml.grammar import ATOM, BARE_KEY, STRING

if TYPE_CHECKING:
    from collections.abc import Sequence

    from untorn.sdk import KeyPath

_BRACKET = re.compile(r"^[ \t]*\[", re.MULTILINE)
# What between brackets on a line of its own cannot be an array of one value.
_NO_VALUE = re.compile(r"(?!(?:true|false|inf|nan)\b)[A-Za-z_][A-Za-z0-9_-]*")


def scalar_at(text: str, path: KeyPath) -> Span | None:
    """Return the span of the scalar at ``path`` where a search finds it, in a text that a parser accepts.

    A line that begins with ``key =`` is a statement unless it is inside a
    string over several lines, for an inline table has one line only (TOML 1.0).
    ``None`` says nothing: look it up in the index.
    """
    *table, key = path or [0]
    start = _behind_header(text, table) if _is_bare(key) else None
    if start is None:
        return None
    found = re.compile(_line(str(key), r"=[ \t]*")).search(text, start)
    if found is None or _BRACKET.search(text, start, found.start()):
        return None
    # Only what stands before it could make another thing of it.
    if '"""' in text[: found.start()] or "'''" in text[: found.start()] or text[found.end()] in "[{":
        return None
    token = STRING if text[found.end()] in "\"'" else ATOM
    value = token.match(text, found.end())
    assert value is not None, "the text is valid, so there is one"
    return Span(*value.span())


def _behind_header(text: str, path: Sequence[object]) -> int | None:
    """Return where the content of the table at ``path`` begins; of the root, that of the text."""
    if not path:
        return 0
    *parents, last = path
    # Headers of one name stand for the items of an array one after the other.
    brackets, number = (2, last) if isinstance(last, int) and last >= 0 and parents else (1, 0)
    names = parents if brackets == 2 else path  # noqa: PLR2004
    if not all(map(_is_bare, names)) or not _NO_VALUE.fullmatch(str(names[0])):
        return None
    dotted = r"[ \t]*\.[ \t]*".join(map(str, names))
    headers = re.compile(_line(rf"\[{{{brackets}}}[ \t]*{dotted}", rf"\]{{{brackets}}}")).finditer(text)
    found = next(islice(headers, number, None), None)
    return found.end() if found else None


def _is_bare(part: object) -> bool:
    return isinstance(part, str) and BARE_KEY.fullmatch(part) is not None


def _line(begins: str, goes_on: str) -> str:
    return rf"(?m:^)[ \t]*{begins}[ \t]*{goes_on}"
