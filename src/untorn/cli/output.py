"""Values as the command prints them, and the printing itself."""

from __future__ import annotations

import sys

from untorn.cli.failures import writing
from untorn.errors import UnrepresentableError
from untorn.keypath import format_keypath

TYPE_CHECKING = False  # no command should pay for typing
if TYPE_CHECKING:
    from collections.abc import Mapping

    from untorn.keypath import KeyPath
    from untorn.values import Value


def shown(value: Value) -> str:
    """Return a value as ``get`` prints it: a string bare, everything else as JSON.

    What JSON does not have becomes a string, which is bare too if it is the
    whole value: dates and times in ISO form, bytes in Base64, ``NaN`` and
    ``Infinity``. A set becomes a list, and a tagged node a mapping from its tag.

    Raises:
        UnrepresentableError: Two keys would look the same.
    """
    plain = as_json(value)
    if isinstance(plain, str):
        return plain
    return str(plain) if type(plain) is int else json_text(plain, indent=2)


def shown_in_line(value: Value) -> str:
    """Return a value as JSON in one line."""
    return json_text(as_json(value))


def json_text(plain: Value, *, indent: int | None = None) -> str:
    """Return JSON of what ``as_json`` returned, in ASCII where the output knows no more."""
    import json  # noqa: PLC0415  a bare string does not need it

    text = json.dumps(plain, ensure_ascii=False, indent=indent)
    return text if _printable(text) else json.dumps(plain, indent=indent)


def as_json(value: Value, where: KeyPath = ()) -> Value:
    """Return a value with what JSON does not have replaced; see ``shown``."""
    if type(value) in _AS_IN_JSON:
        return value
    if isinstance(value, dict):
        return _mapping(value, where)
    if isinstance(value, (list, tuple)):
        return [as_json(item, (*where, index)) for index, item in enumerate(value)]
    return _foreign(value, where)


_AS_IN_JSON = (str, int, bool, type(None))


def _foreign(value: Value, where: KeyPath) -> Value:
    """Return what stands for a value that JSON does not have."""
    import math  # noqa: PLC0415  most files have no such values
    from datetime import date, time  # noqa: PLC0415

    from untorn.values import Tagged  # noqa: PLC0415

    if isinstance(value, (set, frozenset)):
        return [as_json(item, where) for item in value]
    if isinstance(value, Tagged):
        return {value.tag: as_json(value.value, where)}
    if isinstance(value, (date, time)):  # a datetime is a date
        return value.isoformat()
    if isinstance(value, bytes):
        from base64 import b64encode  # noqa: PLC0415  rare

        return b64encode(value).decode("ascii")
    if isinstance(value, float) and not math.isfinite(value):
        return "NaN" if math.isnan(value) else "Infinity" if value > 0 else "-Infinity"
    return value


def _mapping(value: Mapping[Value, Value], where: KeyPath) -> dict[str, Value]:
    plain = {_key(key): as_json(item, (*where, key)) for key, item in value.items()}
    if len(plain) != len(value):
        raise UnrepresentableError(
            f"{format_keypath(where)} has keys that JSON cannot tell apart, such as 1 and '1'",
            where=where,
            hint="get them one by one",
        )
    return plain


def _key(key: Value) -> str:
    if isinstance(key, str):
        return key
    plain = as_json(key)
    return plain if isinstance(plain, str) else shown_in_line(key)


def _printable(text: str) -> bool:
    try:
        text.encode(sys.stdout.encoding or "utf-8", sys.stdout.errors or "strict")
    except UnicodeEncodeError:
        return False
    return True


def say_value(text: str) -> None:
    """Print the text of a value.

    Raises:
        UnrepresentableError: The output's encoding does not have a character of it.
    """
    if not _printable(text):
        raise UnrepresentableError(
            f"the value has a character that {sys.stdout.encoding} output cannot hold",
            hint="get what is around it, which is printed as JSON, or set PYTHONIOENCODING=utf-8",
        )
    with writing():
        sys.stdout.write(f"{text}\n")


def say(text: str) -> None:
    """Print a text for people; characters that the output does not have are escaped."""
    if not _printable(text):
        encoding = sys.stdout.encoding or "utf-8"
        text = text.encode(encoding, "backslashreplace").decode(encoding)
    with writing():
        sys.stdout.write(f"{text}\n")


def complain(text: str) -> None:
    """Print a text for people on standard error."""
    sys.stderr.write(f"{text}\n")
