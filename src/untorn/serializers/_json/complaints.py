"""What is wrong with a text that is not JSON, in words that a reader of the file understands."""

from __future__ import annotations

import json
import re
from typing import TYPE_CHECKING

from untorn.sdk import ParseError
from untorn.serializers._json.reading import SPACE

if TYPE_CHECKING:
    from collections.abc import Iterator

_STRING = r'"(?:[^"\\]|\\.)*"'
_CONSTANTS = re.compile(rf"{_STRING}|-?\b(?:NaN|Infinity)\b", re.DOTALL)
_KEYS = re.compile(rf"({_STRING})([ \t\r\n]*:)?|[\[\]{{}}]", re.DOTALL)
_BRACKETS = re.compile(rf"{_STRING}|[\[\]{{}}]", re.DOTALL)
_WORD = re.compile(r"[\w$+.-]+")
_PYTHON = {"True": "true", "False": "false", "None": "null", "undefined": "null", "nil": "null"}
_SINGLE_QUOTES = "strings are written with double quotes"
_JSONC_HINT = 'remove it; or, if the program that reads this file accepts it, say format="jsonc"'


def complaint(text: str, message: str, at: int) -> ParseError:
    """Return the error for a text that ``json`` refused with ``message`` at offset ``at``."""
    for beginning, inside_string in _IN_STRINGS.items():
        if message.startswith(beginning):
            return inside_string(text, at)
    at = _past_space(text, at)
    return (
        _at_the_end(text, at)
        or _comment(text, at)
        or _trailing_comma(text, at)
        or _expected(text, message, at)
    )


def _past_space(text: str, at: int) -> int:
    while at < len(text) and text[at] in SPACE:
        at += 1
    return at


def _unterminated(_text: str, at: int) -> ParseError:
    return ParseError("the string that begins here is not closed", offset=at)


def _control_character(text: str, at: int) -> ParseError:
    if text[at] in "\r\n":
        return ParseError(
            "a line ends inside a string",
            offset=at,
            hint='close the string with ", or write the line break as \\n',
        )
    escape = json.dumps(text[at])[1:-1]
    return ParseError(f"a control character stands in a string: write it as {escape}", offset=at)


def _bad_escape(text: str, at: int) -> ParseError:
    start = text.rfind("\\", 0, at + 1)
    wrong = text[start : start + 2]
    if wrong == "\\u":
        return ParseError("\\u needs four hexadecimal digits", offset=start)
    return ParseError(f"{wrong} is no escape", offset=start, hint="a backslash itself is written \\\\")


_IN_STRINGS = {
    "Unterminated string": _unterminated,
    "Invalid control character": _control_character,
    "Invalid \\": _bad_escape,
}


def _at_the_end(text: str, at: int) -> ParseError | None:
    if at < len(text):
        return None
    opener = _innermost(text, at)
    assert opener is not None, "a text without brackets is a whole value, or wrong before its end"
    kind = "object" if text[opener] == "{" else "array"
    line = text.count("\n", 0, opener) + 1
    return ParseError(f"the text ends, but the {kind} that begins on line {line} is not closed", offset=at)


def _innermost(text: str, at: int) -> int | None:
    """Return the offset of the bracket that is open at ``at``."""
    open_brackets: list[int] = []
    for token in _BRACKETS.finditer(text, 0, at):
        if token[0] in "[{":
            open_brackets.append(token.start())
        elif token[0] in "]}" and open_brackets:
            open_brackets.pop()
    return open_brackets[-1] if open_brackets else None


def _comment(text: str, at: int) -> ParseError | None:
    if text.startswith("//", at) or (text.startswith("/*", at) and "*/" in text[at + 2 :]):
        return ParseError("JSON has no comments", offset=at, hint=_JSONC_HINT)
    if text.startswith("/*", at):
        return ParseError("the comment that begins here is not closed", offset=at)
    return None


def _trailing_comma(text: str, at: int) -> ParseError | None:
    if text[at] == ",":  # Python 3.13 points to the comma
        comma, closer = at, _past_space(text, at + 1)
    else:
        comma, closer = len(text[:at].rstrip(SPACE)) - 1, at
    if comma < 0 or text[comma] != "," or text[closer : closer + 1] not in ("]", "}"):
        return None
    if text[:comma].rstrip(SPACE)[-1:] in ("", "[", "{", ":", ","):
        return None
    return ParseError(f"trailing comma before {text[closer]!r}", offset=comma, hint=_JSONC_HINT)


def _expected(text: str, message: str, at: int) -> ParseError:
    found = repr(text[at])
    if message.startswith("Extra data"):
        return ParseError(f"the value has ended, but {found} follows", offset=at)
    if message.startswith("Expecting ':'"):
        return ParseError(f"expected ':' after the key, found {found}", offset=at)
    if message.startswith("Expecting ','"):
        opener = _innermost(text, at)
        closer = "}" if opener is not None and text[opener] == "{" else "]"
        return ParseError(f"expected ',' or {closer!r} after the value, found {found}", offset=at)
    found_word = _WORD.match(text, at)
    word = found_word[0] if found_word else ""
    is_key = message.startswith("Expecting property name")
    return ParseError(_not_a_key(word, text[at]) if is_key else _not_a_value(word, text[at]), offset=at)


def _not_a_key(word: str, found: str) -> str:
    if word:
        return f"keys are written with double quotes: {json.dumps(word)}"
    return _SINGLE_QUOTES if found == "'" else f"expected a key in double quotes, found {found!r}"


def _not_a_value(word: str, found: str) -> str:
    if word in _PYTHON:
        return f"{word!r} is not JSON: write {_PYTHON[word]}"
    if word[:1] in tuple("+-.0123456789"):
        return f"{word!r} is not how JSON writes a number"
    return _SINGLE_QUOTES if found == "'" else f"expected a value, found {(word or found)!r}"


def constant(text: str, name: str) -> ParseError:
    """Return the error for a text with a number that JSON does not have."""
    places = (token.start() for token in _CONSTANTS.finditer(text) if token[0] == name)
    return ParseError(
        f"JSON has no {name}", offset=next(places, 0), hint="write null, a string, or leave the key out"
    )


def duplicate(text: str) -> ParseError:
    """Return the error for the first key that stands twice in an object, in JSON that has one."""
    key, first, second = next(_repeated_keys(text))
    line, column = text.count("\n", 0, first) + 1, first - text.rfind("\n", 0, first)
    return ParseError(
        f"duplicate key {key!r}: it stands at line {line}, column {column} already",
        offset=second,
        hint="remove one of the two: programs differ in which one they take",
    )


def _repeated_keys(text: str) -> Iterator[tuple[str, int, int]]:
    """Yield each key that stands twice in an object, with the offsets of both."""
    seen: list[dict[str, int]] = []
    for token in _KEYS.finditer(text):
        if token[0] in ("{", "["):
            seen.append({})
        elif token[0] in ("}", "]"):
            seen.pop()
        elif token[2]:
            key, at = json.loads(token[1]), token.start()
            if key in seen[-1]:
                yield key, seen[-1][key], at
            seen[-1][key] = at
