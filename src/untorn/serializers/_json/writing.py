"""Values as JSON text, in the look of what surrounds them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass
from json.encoder import encode_basestring, encode_basestring_ascii
from typing import TYPE_CHECKING

from untorn.sdk import Kinds, Value, check_representable

if TYPE_CHECKING:
    from collections.abc import Iterator

KINDS = Kinds("JSON", null=True, surrogates=True)
_SURROGATE = re.compile("[\ud800-\udfff]")


@dataclass(frozen=True, slots=True)
class Look:
    r"""How a text is laid out.

    Attributes:
        step: What one level is indented by.
        colon: What stands between a key and its value.
        comma: What stands between members on one line.
        braces: The blanks inside the braces of an object on one line.
        brackets: The same for an array.
        escapes: Whether characters beyond ASCII are escaped.
        escapes_slashes: Whether ``/`` is written ``\/``.
        trailing: Whether the last of several lines has a comma, too.
        short_lists: Whether an array of scalars stands on one line.
    """

    step: str = "  "
    colon: str = ": "
    comma: str = ", "
    braces: str = ""
    brackets: str = ""
    escapes: bool = False
    escapes_slashes: bool = False
    trailing: bool = False
    short_lists: bool = False


PLAIN = Look()


def rendered(value: Value) -> str:
    """Return a new text for ``value``, as ``json.dumps(value, indent=2)`` looks."""
    check_representable(value, KINDS)
    return written(value, PLAIN) + "\n"


def written(value: Value, look: Look, indentation: str = "", *, one_line: bool = False) -> str:
    """Return the text of ``value``.

    Args:
        value: What JSON can hold.
        look: How it is laid out.
        indentation: That of the line on which it begins.
        one_line: Whether it stands on that line as a whole.
    """
    if not is_container(value):
        return scalar(value, look)
    is_object = isinstance(value, Mapping)
    opening, closing = "{}" if is_object else "[]"
    if not value:
        return opening + closing
    one_line = one_line or (look.short_lists and not is_object and not any(map(is_container, value)))
    inner = indentation if one_line else indentation + look.step
    members = list(_members(value, look, inner, one_line=one_line))
    if one_line:
        padding = look.braces if is_object else look.brackets
        return f"{opening}{padding}{look.comma.join(members)}{padding}{closing}"
    body = f",\n{inner}".join(members) + ("," if look.trailing else "")
    return f"{opening}\n{inner}{body}\n{indentation}{closing}"


def _members(value: Value, look: Look, indentation: str, *, one_line: bool) -> Iterator[str]:
    if isinstance(value, Mapping):
        for key, item in value.items():
            text = written(item, look, indentation, one_line=one_line)
            yield scalar(key, look) + look.colon + text
    else:
        for item in value:
            yield written(item, look, indentation, one_line=one_line)


def is_container(value: Value) -> bool:
    """Return whether ``value`` is written with brackets."""
    return isinstance(value, (Mapping, list, tuple))


def scalar(value: Value, look: Look) -> str:
    """Return the text of a string, number, boolean or null."""
    if isinstance(value, str):
        return _string(value, look)
    if value is None:
        return "null"
    if isinstance(value, bool):
        return "true" if value else "false"
    return int.__repr__(value) if isinstance(value, int) else float.__repr__(value)


def _string(value: str, look: Look) -> str:
    if look.escapes:
        text = encode_basestring_ascii(value)
    else:
        # Half a character has no bytes of its own in any encoding.
        text = _SURROGATE.sub(lambda half: f"\\u{ord(half[0]):04x}", encode_basestring(value))
    return text.replace("/", "\\/") if look.escapes_slashes else text
