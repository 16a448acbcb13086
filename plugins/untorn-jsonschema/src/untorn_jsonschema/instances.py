"""Plain data as JSON sees it, and the way back from its paths to key paths."""

from __future__ import annotations

from base64 import b64encode
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import date, time
from typing import TYPE_CHECKING, Any

from untorn.sdk import Tagged

if TYPE_CHECKING:
    from untorn.sdk import KeyPath, Value


@dataclass(frozen=True, eq=False)
class Opaque:
    """A node with a tag that only its application knows: what it stands for cannot be judged."""

    tag: str

    def __repr__(self) -> str:
        return self.tag


def as_json(value: Value) -> Any:  # noqa: ANN401  a JSON value
    """Return ``value`` with what JSON does not have in the form that it takes there.

    Dates and times become strings as in ISO 8601, bytes Base64, a set a list,
    keys that are not strings the strings that they are written as.
    """
    if isinstance(value, Mapping):
        return {_as_key(key): as_json(item) for key, item in value.items()}
    if isinstance(value, (list, tuple)):
        return [as_json(item) for item in value]
    if isinstance(value, (set, frozenset)):
        return [as_json(item) for item in sorted(value, key=repr)]
    if isinstance(value, Tagged):
        return Opaque(value.tag)
    return _scalar(value)


def _scalar(value: Value) -> Any:  # noqa: ANN401  a JSON value
    if isinstance(value, bytes):
        return b64encode(value).decode()
    return value.isoformat() if isinstance(value, (date, time)) else value


_KEYWORDS = {None: "null", True: "true", False: "false"}


def _as_key(key: Value) -> str:
    if key is None or isinstance(key, bool):
        return _KEYWORDS[key]
    plain = as_json(key)
    return plain if isinstance(plain, str) else str(plain)


def has_opaque(instance: object) -> bool:
    """Return whether there is anything in ``instance`` that cannot be judged."""
    if isinstance(instance, dict):
        return any(map(has_opaque, instance.values()))
    return any(map(has_opaque, instance)) if isinstance(instance, list) else isinstance(instance, Opaque)


def key_path(value: Value, path: Iterable[str | int]) -> KeyPath:
    """Return the key path that leads in ``value`` to where ``path`` leads in ``as_json(value)``.

    It ends where there is nothing more to name: at a set, at a missing key.
    """
    parts: list[Any] = []
    for part in path:
        if isinstance(value, Mapping):
            key = next((key for key in value if _as_key(key) == part), part)
            value = value.get(key)
            parts.append(key)
        elif isinstance(value, (list, tuple)):
            value = value[int(part)]
            parts.append(part)
        else:
            break
    return tuple(parts)
