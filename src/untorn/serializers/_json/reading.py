"""JSON text to value: the C scanner of ``json``, and what it does not check."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING, Any, NoReturn

from untorn.sdk import MAX_DEPTH, EmptyFileError, LimitError, Value, check_depth, too_deep

if TYPE_CHECKING:
    from collections.abc import Generator

    from untorn.sdk import ParseError

SPACE = " \t\n\r"


class _ConstantError(Exception):
    """The text has a NaN or an infinity, which ``json`` would take."""


def value_of(text: str) -> Value:
    """Return the value of a JSON text, strictly by RFC 8259, and without duplicate keys.

    Raises:
        ParseError: With ``offset``.
        EmptyFileError: There is nothing but blanks.
        LimitError: It nests too deep, or a number has too many digits.
    """
    brackets = _Brackets(text)
    brackets.check_depth()
    try:
        value, keys = _decoded(text)
    except _ConstantError as constant:
        return _refuse_constant(text, str(constant))
    except json.JSONDecodeError as error:
        return _refuse(text, error)
    except RecursionError:
        raise too_deep() from None
    except ValueError:  # from int(), the only other thing that can fail
        raise _too_many_digits(text) from None
    # Counting is several times cheaper than a look at every object's keys.
    if keys != text.count(":") and keys != brackets.count(b":"):
        raise _duplicate(text)
    return value


def _decoded(text: str) -> tuple[Value, int]:
    """Return the value of ``text``, and how many keys its objects have together."""
    counter = _key_counter()
    next(counter)
    value = json.JSONDecoder(object_hook=counter.send, parse_constant=_no_constant).decode(text)
    return value, counter.send(None)


def _key_counter() -> Generator[Any, Any, None]:
    """Give back every object that is sent; when ``None`` is sent, give the number of their keys."""
    count = 0
    # A generator, because resuming one costs half of what calling a function does.
    got = yield
    while True:
        if got is None:
            got = yield count
        else:
            count += len(got)
            got = yield got


def _no_constant(name: str) -> NoReturn:
    raise _ConstantError(name)


_DROPPED = bytes(byte for byte in range(256) if byte not in b'[]{}":')
_ONE_KIND = bytes.maketrans(b"{}", b"[]")
_STRING = re.compile(rb'"[^"]*"')
_RUN = re.compile(rb"(\[*)(\]*)")
_ROUNDS = 10


class _Brackets:
    """The brackets and colons of a text that are outside of strings, found when asked for.

    For a text that is not JSON they may be wrong; it is refused in any case.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: bytes | None = None

    def count(self, byte: bytes) -> int:
        """Return how often ``byte`` stands outside of strings."""
        return self._outside_strings().count(byte)

    def _outside_strings(self) -> bytes:
        if self._found is None:
            text = self._text
            if "\\" in text:
                text = text.replace("\\\\", "").replace('\\"', "")
            kept = text.encode("utf-8", "surrogatepass").translate(_ONE_KIND, _DROPPED)
            # Most strings are empty now; only their number's parity matters.
            self._found = _STRING.sub(b"", kept.replace(b'""', b""))
        return self._found

    def check_depth(self) -> None:
        """Refuse a text that nests too deep.

        The scanner of ``json`` would stop only where the interpreter's stack
        ends, which depends on the caller.
        """
        if self._text.count("[") + self._text.count("{") > MAX_DEPTH and self._depth() > MAX_DEPTH:
            check_depth(self._text)

    def _depth(self) -> int:
        brackets = self._outside_strings().replace(b":", b"")
        removed = 0
        # Each round takes away the innermost containers: one level.
        while brackets and removed < _ROUNDS:
            brackets = brackets.replace(b"[]", b"")
            removed += 1
        deepest = depth = 0
        for run in _RUN.finditer(brackets):
            depth += len(run[1])
            deepest = max(deepest, depth)
            depth -= len(run[2])
        return removed + deepest


def _refuse(text: str, error: json.JSONDecodeError) -> NoReturn:
    if not text.strip(SPACE):
        raise EmptyFileError(
            "the text is empty, which is not a JSON value", offset=0, hint="write {} for an empty object"
        ) from None
    from untorn.serializers._json.complaints import complaint  # noqa: PLC0415  a good file does not need it

    raise complaint(text, error.msg, error.pos) from None


def _refuse_constant(text: str, name: str) -> NoReturn:
    from untorn.serializers._json.complaints import constant  # noqa: PLC0415

    raise constant(text, name) from None


def _duplicate(text: str) -> ParseError:
    from untorn.serializers._json.complaints import duplicate  # noqa: PLC0415

    return duplicate(text)


def _too_many_digits(text: str) -> LimitError:
    longest = max(re.finditer(r"\d+", text), key=lambda number: number.end() - number.start())
    line = text.count("\n", 0, longest.start()) + 1
    digits = longest.end() - longest.start()
    return LimitError(
        f"the number on line {line} has {digits} digits: too many to read",
        hint="write it as a string, if it is one",
    )
