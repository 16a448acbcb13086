"""What YAML scalars mean: the core schema of YAML 1.2, timestamps, and the tags of yaml.org."""

from __future__ import annotations

import re
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING

from untorn.sdk import MAX_DIGITS, LimitError

if TYPE_CHECKING:
    from collections.abc import Callable

    from untorn.sdk import Value

CORE = "tag:yaml.org,2002:"

_WORDS: dict[str, Value] = {
    **dict.fromkeys(("", "~", "null", "Null", "NULL")),
    **dict.fromkeys(("true", "True", "TRUE"), True),
    **dict.fromkeys(("false", "False", "FALSE"), False),
    **dict.fromkeys((".inf", ".Inf", ".INF", "+.inf", "+.Inf", "+.INF"), float("inf")),
    **dict.fromkeys(("-.inf", "-.Inf", "-.INF"), float("-inf")),
    **dict.fromkeys((".nan", ".NaN", ".NAN"), float("nan")),
}

# The core schema, and no more: to a build that says ``manylinux: 2_28``, a reader
# that takes underscores as YAML 1.1 did would hand 228.
_DECIMAL = re.compile(r"[-+]?[0-9]+")
_BASED = re.compile(r"0(?:o[0-7]+|x[0-9a-fA-F]+)")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
# Compiled when first needed: that costs more than reading a small file does.
_TIMESTAMP = (
    r"(?P<year>[0-9]{4})-(?P<month>[0-9]{1,2})-(?P<day>[0-9]{1,2})"
    r"(?:(?:[Tt]|[ \t]+)(?P<hour>[0-9]{1,2}):(?P<minute>[0-9]{2}):(?P<second>[0-9]{2})"
    r"(?:\.(?P<fraction>[0-9]*))?"
    r"(?:[ \t]*(?P<zone>Z|(?P<sign>[-+])(?P<hours>[0-9]{1,2})(?::(?P<minutes>[0-9]{2}))?))?)?"
)
_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")


def plain_value(text: str) -> Value:
    """Return what a plain scalar without a tag means.

    Raises:
        ValueError: It looks like a date that does not exist.
        LimitError: It is a number with too many digits.
    """
    if text in _WORDS:
        return _WORDS[text]
    if text[0] not in "+-.0123456789":
        return text
    number = _number(text)
    if number is not None:
        return number
    if _DATE.fullmatch(text) or (len(text) > len("2001-1-1") and re.fullmatch(_TIMESTAMP, text)):
        return timestamp(text)
    return text


def _number(text: str) -> int | float | None:
    if _DECIMAL.fullmatch(text):
        return int(_few_digits(text))
    if _BASED.fullmatch(text):
        return int(_few_digits(text), 0)
    if _FLOAT.fullmatch(text):
        return float(text)
    return None


def _few_digits(digits: str) -> str:
    if len(digits.lstrip("+-")) > MAX_DIGITS:
        raise LimitError(f"a number has more than {MAX_DIGITS} digits", hint="quote it if it is a text")
    return digits


def timestamp(text: str) -> date | datetime:
    """Return the date, or date and time, that ``text`` spells.

    Raises:
        ValueError: It is none.
    """
    found = re.fullmatch(_TIMESTAMP, text)
    if not found:
        msg = f"{text!r} is not a date"
        raise ValueError(msg)
    day = date(int(found["year"]), int(found["month"]), int(found["day"]))
    if found["hour"] is None:
        return day
    clock = time(int(found["hour"]), int(found["minute"]), int(found["second"]), tzinfo=_zone(found))
    moment = datetime.combine(day, clock)
    return moment + timedelta(microseconds=_microseconds(found["fraction"] or ""))


def _zone(found: re.Match[str]) -> timezone | None:
    if found["zone"] is None:
        return None
    if found["zone"] == "Z":
        return UTC
    offset = timedelta(hours=int(found["hours"]), minutes=int(found["minutes"] or 0))
    return timezone(-offset if found["sign"] == "-" else offset)


def _microseconds(fraction: str) -> int:
    rounded = fraction[6:7] >= "5"
    return int(f"{fraction[:6]:0<6}") + rounded


# ── With a tag ──────────────────────────────────────────────────────────────


def _integer(text: str) -> int:
    """Return an integer that a tag announces: underscores, ``0b`` and signs mean what they say."""
    digits = _few_digits(text.replace("_", ""))
    return int(digits, 10 if _DECIMAL.fullmatch(digits) else 0)


def _float(text: str) -> float:
    number = _WORDS.get(text) if text.lower().endswith(("inf", "nan")) else _number(text)
    if number is None:
        msg = f"{text!r} is not a number"
        raise ValueError(msg)
    return float(number)


_BOOLEANS = {
    "yes": True,
    "no": False,
    "y": True,
    "n": False,
    "true": True,
    "false": False,
    "on": True,
    "off": False,
}


def _boolean(text: str) -> bool:
    if text.lower() not in _BOOLEANS:
        msg = f"{text!r} is not a boolean"
        raise ValueError(msg)
    return _BOOLEANS[text.lower()]


def _binary(text: str) -> bytes:
    from binascii import a2b_base64  # noqa: PLC0415  few files hold binary data

    return a2b_base64(text.encode("ascii"))


_TAGGED: dict[str, Callable[[str], Value]] = {
    "!": str,
    f"{CORE}str": str,
    f"{CORE}null": lambda _text: None,
    f"{CORE}bool": _boolean,
    f"{CORE}int": _integer,
    f"{CORE}float": _float,
    f"{CORE}binary": _binary,
    f"{CORE}timestamp": timestamp,
}
_COLLECTIONS = frozenset(f"{CORE}{kind}" for kind in ("seq", "map", "set", "omap", "pairs"))


def is_known_scalar(tag: str) -> bool:
    """Return whether a scalar with this tag has a value of its own rather than a ``Tagged``."""
    return tag in _TAGGED


def is_known(tag: str) -> bool:
    """Return whether YAML 1.1's types give nodes with this tag a value, or refuse them."""
    return is_known_scalar(tag) or tag in _COLLECTIONS


def tagged_value(tag: str, text: str) -> Value:
    """Return what a scalar with a known tag means.

    Raises:
        ValueError: The text does not fit the tag.
    """
    return _TAGGED[tag](text)
