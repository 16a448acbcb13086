"""Texts to values: tomllib's, with limits before it and places in its errors."""

from __future__ import annotations

import re

from untorn.sdk import MAX_DEPTH, MAX_DIGITS, LimitError, ParseError, format_keypath, too_deep

TYPE_CHECKING = False  # a load imports this module, and should not pay for typing
if TYPE_CHECKING:
    from untorn.sdk import Value

# Compiled when first needed: that costs more than reading a small file does.
_PLACE = r" \(at (?:line (\d+), column (\d+)|end of document)\)$"
_PART = r"(?:[A-Za-z0-9_-]+|\"[^\"\\\n]*(?:\\.[^\"\\\n]*)*\"|'[^'\n]*')"
# Comments and strings over several lines come first: what looks like a key in them is none.
_TOKENS = (
    r"#[^\n]*"
    r'|"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*(?:"{3,5}|\\?\Z)'
    r"|'''[^']*(?:'(?!'')[^']*)*(?:'{3,5}|\Z)"
    rf"|{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
)
_LONG = MAX_DIGITS // 2
_LONG_INTEGER = rf"(?<!\w)0[xob][0-9A-Fa-f_]{{{_LONG},}}"
_MAX_BITS = 14_000  # about MAX_DIGITS decimal digits; more could not be printed


def value_of(text: str) -> Value:
    """Return the value of ``text``.

    Raises:
        ParseError: With the line and column.
        LimitError: It nests too deep, or has a number with too many digits.
    """
    import tomllib  # noqa: PLC0415  imported when first needed

    _check_keys(text)
    try:
        value = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise _parse_error(text, error) from None
    except RecursionError:
        raise too_deep() from None
    except ValueError:
        # The only other one: int() refuses more digits than the interpreter allows.
        raise _too_many_digits() from None
    _check_depth(value)
    if len(text) > _LONG and re.search(_LONG_INTEGER, text):
        _check_integers(value)
    return value


def _check_keys(text: str) -> None:
    """Refuse keys with more parts than ``MAX_DEPTH``, on which tomllib takes quadratic time."""
    if text.count(".") < MAX_DEPTH or all(line.count(".") < MAX_DEPTH for line in text.split("\n")):
        return
    for token in re.finditer(_TOKENS, text, re.DOTALL):
        if token[0].count(".") >= MAX_DEPTH and token[0][0] != "#" and token[0][:3] not in {'"""', "'''"}:
            parts = re.findall(_PART, token[0], re.DOTALL)
            if len(parts) > MAX_DEPTH:
                raise too_deep()


def _check_depth(value: Value) -> None:
    level = [value]
    for _ in range(MAX_DEPTH + 1):
        level = [
            item
            for container in level
            for item in (container.values() if type(container) is dict else container)
            if type(item) in {dict, list}
        ]
        if not level:
            return
    raise too_deep()


def _check_integers(value: Value) -> None:
    pending = [value]
    while pending:
        each = pending.pop()
        if isinstance(each, int) and each.bit_length() > _MAX_BITS:
            raise _too_many_digits()
        if isinstance(each, (dict, list)):
            pending += list(each.values()) if isinstance(each, dict) else each


def _too_many_digits() -> LimitError:
    return LimitError(
        f"a number has more than {MAX_DIGITS} digits",
        hint="no application reads such a number; write it as a string",
    )


def _parse_error(text: str, error: ValueError) -> ParseError:
    message = str(error)
    place = re.search(_PLACE, message)
    reason = re.sub(_PLACE, "", message)
    reason = reason[:1].lower() + reason[1:]
    if place is None or place[1] is None:
        return ParseError(reason, offset=len(text))
    # Only in these messages has tomllib understood the text so far: "cannot overwrite a value", …
    twice = _duplicate(text) if reason.startswith(("cannot ", "duplicate ")) else None
    return twice or ParseError(reason, line=int(place[1]), column=int(place[2]))


def _duplicate(text: str) -> ParseError | None:
    """Return the error that names both places of a key, if it is for a duplicate that ``text`` is invalid."""
    from untorn.serializers._toml.index import DuplicateKey, index_of  # noqa: PLC0415  only for broken files
    from untorn.serializers._toml.nodes import Table, path_of  # noqa: PLC0415

    try:
        index_of(text)
    except DuplicateKey as found:
        first = found.first
        header = first.header if isinstance(first, Table) else None
        start = header.span.start if header else first.keys[0].start
        line, column = text.count("\n", 0, start) + 1, start - text.rfind("\n", 0, start)
        return ParseError(
            f"duplicate key {format_keypath(path_of(first))}: first defined at line {line}, column {column}",
            offset=found.again.start,
            hint="keep one of the two",
        )
    except (AttributeError, IndexError, ValueError, RecursionError):
        # The text breaks off, or is no TOML, before any key comes twice.
        return None
    return None
