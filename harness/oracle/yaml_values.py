"""What YAML scalars mean: the core schema of YAML 1.2, and timestamps."""

from __future__ import annotations

import base64
import binascii
import re
from datetime import UTC, date, datetime, timedelta, timezone

from harness.oracle.source import RefusedError
from harness.oracle.values import Tag

PREFIX = "tag:yaml.org,2002:"
_NULL = re.compile(r"|~|null|Null|NULL")
_TRUE = re.compile(r"true|True|TRUE")
_FALSE = re.compile(r"false|False|FALSE")
_INT = re.compile(r"[-+]?[0-9]+")
_OCTAL = re.compile(r"0o[0-7]+")
_HEX = re.compile(r"0x[0-9a-fA-F]+")
_FLOAT = re.compile(r"[-+]?(?:\.[0-9]+|[0-9]+(?:\.[0-9]*)?)(?:[eE][-+]?[0-9]+)?")
_INFINITE = re.compile(r"[-+]?\.(?:inf|Inf|INF)")
_NAN = re.compile(r"\.(?:nan|NaN|NAN)")
_DATE = re.compile(r"(\d{4})-(\d\d)-(\d\d)", re.ASCII)
_TIMESTAMP = re.compile(
    r"(\d{4})-(\d\d?)-(\d\d?)(?:[Tt]|[ \t]+)(\d\d?):(\d\d):(\d\d)(?:\.(\d*))?"
    r"(?:[ \t]*(?:(Z)|([-+])(\d\d?)(?::?(\d\d))?))?",
    re.ASCII,
)


def plain(text: str) -> object:
    """What a plain scalar without a tag means."""
    if _NULL.fullmatch(text):
        return None
    if _TRUE.fullmatch(text) or _FALSE.fullmatch(text):
        return text[0] in "tT"
    number = _number(text)
    if number is not None:
        return number
    try:
        moment = timestamp(text)
    except ValueError as error:
        raise RefusedError(str(error)) from error
    return text if moment is None else moment


def _number(text: str) -> int | float | None:
    for pattern, base in ((_INT, 10), (_OCTAL, 8), (_HEX, 16)):
        if pattern.fullmatch(text):
            return int(text, base)
    if _FLOAT.fullmatch(text):
        return float(text)
    if _INFINITE.fullmatch(text) or _NAN.fullmatch(text):
        return float(text.replace(".", ""))
    return None


def timestamp(text: str) -> date | datetime | None:
    """The date or datetime that a scalar spells, or None."""
    if match := _DATE.fullmatch(text):
        return date(*map(int, match.groups()))
    match = _TIMESTAMP.fullmatch(text)
    if not match:
        return None
    year, month, day, hour, minute, second = map(int, match.groups()[:6])
    fraction, zulu, sign, hours, minutes = match.groups()[6:]
    micro = int(f"{fraction or '':0<6.6}")
    zone = UTC if zulu else None
    if sign:
        offset = timedelta(hours=int(hours), minutes=int(minutes or 0))
        zone = timezone(-offset if sign == "-" else offset)
    return datetime(year, month, day, hour, minute, second, micro, zone)


def tagged(tag: str, text: str) -> object:
    """What a scalar with a tag means."""
    kind = tag.removeprefix(PREFIX)
    if tag == "!" or kind == "str":
        return text
    if kind == tag:
        return Tag(tag, text)
    if kind in {"int", "float", "bool", "null", "timestamp"}:
        return _converted(kind, text)
    if kind == "binary":
        try:
            return base64.b64decode(text)
        except binascii.Error as error:
            raise RefusedError(str(error)) from error
    return Tag("!!" + kind, text)


def _converted(kind: str, text: str) -> object:
    value = plain(text)
    if kind == "float" and type(value) is int:
        return float(value)
    wanted = {"int": int, "float": float, "bool": bool, "null": type(None), "timestamp": date}[kind]
    if not isinstance(value, wanted):
        msg = f"{text!r} is no {kind}"
        raise RefusedError(msg)
    return value
