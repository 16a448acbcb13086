"""JSON text to value: the C scanner of ``json``, and what it does not check."""

from __future__ import annotations

from untorn.sdk import MAX_DEPTH, EmptyFileError, LimitError, check_depth, too_deep

TYPE_CHECKING = False  # a load imports this module, and should not pay for typing
if TYPE_CHECKING:
    import json
    from collections.abc import Callable, Generator
    from typing import Any, NoReturn

    from untorn.sdk import ParseError, Value

try:
    # What json.loads calls; importing json itself costs as much as Python's start.
    from _json import make_scanner
except ImportError:  # pragma: no cover  an interpreter without CPython's accelerator
    make_scanner: Any = None  # type: ignore[no-redef]

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
    except RecursionError:  # pragma: no cover  since 3.12 only a caller's own deep stack leads here
        raise too_deep() from None
    except ValueError as error:
        from json import JSONDecodeError  # noqa: PLC0415  see above

        if isinstance(error, JSONDecodeError):
            return _refuse(text, error)
        raise _too_many_digits(text) from None  # from int(), the only other thing that can fail
    # Counting is several times cheaper than a look at every object's keys.
    if not brackets.have_colons(keys):
        raise _duplicate(text)
    return value


def _decoded(text: str) -> tuple[Value, int]:
    """Return the value of ``text``, and how many keys its objects have together."""
    counter = _key_counter()
    next(counter)
    value = _scanned(text, counter.send)
    return value, counter.send(None)


class _Context:
    """What the scanner asks how to read; see ``json.JSONDecoder``."""

    strict = True
    object_pairs_hook = None
    parse_float = float
    parse_int = int

    def __init__(self, object_hook: Callable[[Any], Any]) -> None:
        self.object_hook = object_hook
        self.parse_constant = _no_constant


def _scanned(text: str, object_hook: Callable[[Any], Any]) -> Value:
    if make_scanner is not None:  # pragma: no branch  as above
        scan: Any = make_scanner
        start = len(text) - len(text.lstrip(SPACE))
        try:
            value, end = scan(_Context(object_hook))(text, start)
        except (StopIteration, SystemError):
            # The latter where its own error lives in json.decoder, which nobody has imported yet.
            value, end = None, -1
        if end >= 0 and not text[end:].strip(SPACE):
            return value
    # Not JSON, which this says in an error; or there is no scanner.
    import json  # noqa: PLC0415  see above

    return json.JSONDecoder(object_hook=object_hook, parse_constant=_no_constant).decode(text)


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
_STRING = rb'"[^"]*"'
_BLOCK = 100  # bytes: small against the depth that is left to real files
_SHORT = 4096  # characters, below which counting twice is cheaper than looking once


class _Brackets:
    """The brackets and colons of a text that are outside of strings, found when asked for.

    For a text that is not JSON they may be wrong; it is refused in any case.
    """

    def __init__(self, text: str) -> None:
        self._text = text
        self._found: bytes | None = None

    def have_colons(self, count: int) -> bool:
        """Return whether there are exactly ``count`` colons."""
        if self._found is None and self._text.count(":") == count:
            return True  # without a colon in any string
        return self._outside_strings().count(b":") == count

    def check_depth(self) -> None:
        """Refuse a text that nests too deep.

        The scanner of ``json`` would stop only where the interpreter's stack
        ends, which depends on the caller.
        """
        text = self._text
        if len(text) < _SHORT and text.count("[") + text.count("{") <= MAX_DEPTH:
            return
        if self._may_nest_too_deep():
            check_depth(text)

    def _may_nest_too_deep(self) -> bool:
        """Return ``False`` if no block of brackets could reach the limit; most files stay far below."""
        brackets, depth = self._outside_strings().replace(b":", b""), 0
        for start in range(0, len(brackets), _BLOCK):
            opened = brackets.count(b"[", start, start + _BLOCK)
            if depth + opened > MAX_DEPTH:
                return True
            depth += opened - brackets.count(b"]", start, start + _BLOCK)
        return False

    def _outside_strings(self) -> bytes:
        if self._found is None:
            self._found = outside_strings(self._text)
        return self._found


def outside_strings(text: str) -> bytes:
    """Return the brackets and colons of ``text`` that are not in strings, braces as brackets."""
    import re  # noqa: PLC0415  many small files do without

    if "\\" in text:
        text = text.replace("\\\\", "").replace('\\"', "")
    kept = text.encode("utf-8", "surrogatepass").translate(_ONE_KIND, _DROPPED)
    # Most strings are empty now, and of two quotes side by side both can go:
    # what is inside and what is outside of strings stays so.
    return re.sub(_STRING, b"", kept.replace(b'""', b""))


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
    import re  # noqa: PLC0415  see above

    longest = max(re.finditer(r"\d+", text), key=lambda number: number.end() - number.start())
    line = text.count("\n", 0, longest.start()) + 1
    digits = longest.end() - longest.start()
    return LimitError(
        f"the number on line {line} has {digits} digits: too many to read",
        hint="write it as a string, if it is one",
    )
