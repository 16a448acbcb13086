"""How scalars are written so that no reader takes them for something else (EDITING E6)."""

from __future__ import annotations

import math
import re
from collections.abc import Mapping
from datetime import date, datetime
from types import NoneType
from typing import TYPE_CHECKING, Any

from untorn.sdk import Tagged, UnrepresentableError, Value
from untorn.serializers._yaml.scalars import CORE, is_known

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

DOUBLE, SINGLE = '"', "'"

# What any reader of YAML 1.1 or 1.2 may take for a boolean, a null, a number, a
# date, a merge key: PyYAML, libyaml's users, Ruby's Psych (1,000), Go's yaml.
_AMBIGUOUS = re.compile(
    r"(?:"
    r"y|n|yes|no|on|off|true|false|null|~|=|<<"
    r"|[-+]?0[bB][01_]*|[-+]?0[oO]?[0-7_]*|[-+]?0[xX][0-9a-fA-F_]*"
    r"|[-+]?[0-9][0-9_,]*(?::[0-9_]+)*(?:\.[0-9_]*)?(?:e[-+]?[0-9_]*)?"
    r"|[-+]?\.[0-9_]*(?:e[-+]?[0-9_]*)?"
    r"|[-+]?[0-9_]+"
    r"|[-+]?\.?(?:inf|infinity)|[-+]?\.?nan"
    r"|[0-9]{4}-[0-9]{1,2}-[0-9]{1,2}(?:[Tt \t].*)?"
    r")",
    re.IGNORECASE,
)
# Never plain: what could begin or end something, and every character that a
# reader could drop or fold.
_BLOCK_PLAIN = re.compile(r"(?![-?:](?:\s|$))(?!---|\.\.\.)[^\s,\[\]{}#&*!|>'\"%@`?:](?:.*[^\s:])?")
_INSIDE = re.compile(r": |:\t| #|\t#|:$")
_FLOW_SPECIAL = re.compile(r"[,\[\]{}?]|:(?!//)")
_PRINTABLE = re.compile(r"[ -~\t\xa1-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]*")
_ESCAPES = {
    "\0": "0", "\a": "a", "\b": "b", "\t": "t", "\n": "n", "\v": "v", "\f": "f", "\r": "r",
    "\x1b": "e", '"': '"', "\\": "\\", "\x85": "N", "\xa0": "_", "\u2028": "L", "\u2029": "P",
}  # fmt: skip
_BELOW_U = 0x100
_BELOW_LONG = 0x10000


def is_scalar(value: Value) -> bool:
    """Return whether ``value`` is written as a scalar; an empty collection is not."""
    if isinstance(value, Tagged):
        return isinstance(value.value, str)
    return not isinstance(value, (Mapping, list, tuple, set, frozenset))


def spelled(
    value: Value, *, quote: str = "", preferred: str = DOUBLE, flow: bool = False, old: str = ""
) -> str:
    """Return a scalar on one line.

    Args:
        value: A string, number, date, …
        quote: The quote character of what it replaces; kept where it can be.
        preferred: The quote character to use where one is needed and none was there.
        flow: Whether it stands in brackets.
        old: The text of what it replaces: a number in hex stays in hex.
    """
    if isinstance(value, str):
        return spelled_string(value, quote=quote, preferred=preferred, flow=flow)
    if isinstance(value, Tagged):
        return f"{tag_text(value.tag)} {_tagged_text(value, quote, preferred, flow=flow)}"
    return next(spell(value, old) for kind, spell in _SPELLINGS if isinstance(value, kind))


def spelled_string(text: str, *, quote: str = "", preferred: str = DOUBLE, flow: bool = False) -> str:
    """Return a string on one line: plain if every reader agrees that it is that string."""
    if not quote and is_plain(text, flow=flow):
        return text
    return quoted(text, quote or preferred)


def is_plain(text: str, *, flow: bool = False) -> bool:
    """Return whether ``text`` without quotes is that string for every reader."""
    return not _AMBIGUOUS.fullmatch(text) and _stays_whole(text, flow=flow)


def _stays_whole(text: str, *, flow: bool) -> bool:
    """Return whether nothing in ``text`` ends a plain scalar."""
    return (
        _BLOCK_PLAIN.fullmatch(text) is not None
        and not _INSIDE.search(text)
        and not (flow and _FLOW_SPECIAL.search(text))
        and "\t" not in text
        and _PRINTABLE.fullmatch(text) is not None
    )


def quoted(text: str, quote: str = DOUBLE) -> str:
    """Return ``text`` in quotes: single ones only if nothing in it needs an escape."""
    if quote == SINGLE and "\t" not in text and _PRINTABLE.fullmatch(text):
        return "'" + text.replace("'", "''") + "'"
    if _PRINTABLE.fullmatch(text) and not any(char in text for char in '"\\\t'):
        return f'"{text}"'
    return '"' + "".join(map(_escaped, text)) + '"'


def _escaped(char: str) -> str:
    if char in _ESCAPES:
        return "\\" + _ESCAPES[char]
    if _PRINTABLE.fullmatch(char):
        return char
    code = ord(char)
    if code < _BELOW_U:
        return f"\\x{code:02X}"
    return f"\\u{code:04X}" if code < _BELOW_LONG else f"\\U{code:08X}"


def _boolean(value: bool, old: str) -> str:  # noqa: FBT001  the value itself
    """Return a boolean in the case of the one that it replaces."""
    word = "true" if value else "false"
    if old in ("True", "False"):
        return word.title()
    return word.upper() if old in ("TRUE", "FALSE") else word


def _integer(value: int, old: str) -> str:
    # Octal is not kept: 0o17 is a string for a reader of YAML 1.1, 017 another number for one of 1.2.
    if re.fullmatch(r"0x[0-9a-fA-F]+", old) and value >= 0:
        digits = f"{value:x}"
        if not re.search(r"[a-f]", old[2:]) and re.search(r"[A-F]", old[2:]):
            digits = digits.upper()
        return "0x" + digits.rjust(len(old) - 2, "0")
    return str(int(value))


def _float(value: float, _old: str) -> str:
    """Return a float with a point: PyYAML takes ``1e+22`` for a string."""
    if math.isnan(value):
        return ".nan"
    if math.isinf(value):
        return ".inf" if value > 0 else "-.inf"
    text = repr(float(value))
    mantissa, e, exponent = text.partition("e")
    return f"{mantissa}.0e{exponent}" if e and "." not in mantissa else text


def _moment(value: date, old: str) -> str:
    if not isinstance(value, datetime):
        return value.isoformat()
    offset = value.utcoffset()
    if offset is not None and offset.total_seconds() % 60:
        msg = f"YAML has no time zones with seconds, such as {offset}"
        raise UnrepresentableError(msg)
    separator = " " if old[10:11] == " " else "T"
    text = value.isoformat(separator)
    return text.removesuffix("+00:00") + "Z" if old.endswith("Z") and text.endswith("+00:00") else text


def _tagged_text(value: Tagged, quote: str, preferred: str, *, flow: bool) -> str:
    text = value.value
    # Behind a tag nobody guesses: 12 is the text "12", quoted or not.
    if not quote and text and _stays_whole(text, flow=flow):
        return str(text)
    return quoted(text, quote or preferred)


def _null(_value: None, old: str) -> str:
    return "~" if old == "~" else "null"


def _binary(value: bytes, _old: str) -> str:
    from base64 import b64encode  # noqa: PLC0415  few files hold binary data

    return "!!binary " + (b64encode(value).decode("ascii") or '""')


_SPELLINGS: tuple[tuple[type, Callable[[Any, str], str]], ...] = (
    (NoneType, _null),
    (bool, _boolean),
    (int, _integer),
    (float, _float),
    (bytes, _binary),
    (date, _moment),
)
_SHORT = re.compile(r"![\w;/?:@&=+$.~*'()#-]+", re.ASCII)
_SHORTENED = re.compile(rf"{re.escape(CORE)}([\w.:/-]+)", re.ASCII)
_URI = re.compile(r"[\w;/?:@&=+$,.~*'()#!\[\]-]{2,}", re.ASCII)


def tag_text(tag: str) -> str:
    """Return how a resolved tag is written.

    Raises:
        UnrepresentableError: It has characters that a tag cannot have, or is one whose nodes
            are read as plain data: that node would come back without it, or not at all.
    """
    if is_known(tag):
        raise UnrepresentableError(
            f"a node tagged {tag!r} is no Tagged: readers make plain data of it",
            hint="give the value itself, without the tag",
        )
    if _SHORT.fullmatch(tag):
        return tag
    if short := _SHORTENED.fullmatch(tag):
        return f"!!{short[1]}"
    if _URI.fullmatch(tag):
        return f"!<{tag}>"
    msg = f"{tag!r} cannot be written as a YAML tag"
    raise UnrepresentableError(msg)


def spelled_key(key: Value, *, quote: str = "", preferred: str = DOUBLE, flow: bool = False) -> str:
    """Return a key on one line; a tuple as a sequence in brackets."""
    if isinstance(key, tuple):
        return f"[{joined(spelled_key(part, preferred=preferred, flow=True) for part in key)}]"
    return spelled(key, quote=quote, preferred=preferred, flow=flow)


def joined(parts: Iterable[str]) -> str:
    """Return parts with a comma and a space between them."""
    return ", ".join(parts)
