"""Contents that prove themselves: whoever reads one can tell whether it is whole."""

from __future__ import annotations

import hashlib
import os
import random
import re
from typing import TYPE_CHECKING, Literal

if TYPE_CHECKING:
    from untorn.values import Value

Verdict = Literal["whole", "torn", "empty"]

_LETTERS = "abcdefghijklmnopqrstuvwxyz"
_SIZES = (0, 10, 100, 1_000, 5_000, 5_000, 20_000, 200_000)
# What formats put around keys and values is neither a word nor a zero byte, which a torn file may hold.
_BETWEEN = rb"[^\w\x00]+"
_WHOLE = re.compile(
    rb"[^\w\x00]*number" + _BETWEEN + rb"(\d+)" + _BETWEEN + rb"filler" + _BETWEEN + rb"(\w+)" + _BETWEEN
    + rb"digest" + _BETWEEN + rb"(d[0-9a-f]{64})[^\w\x00]*\n"
)  # fmt: skip


def value(number: int) -> dict[str, Value]:
    """Return a value of random size, unlike any other, that proves itself in each format."""
    return {"number": number, **_rest(number, _filler())}


def text(number: int, format: str) -> bytes:
    """Return the same as a text of ``format``: what an edit finds, and what is written as opaque bytes."""
    return text_of(number, _filler(), format)


def text_of(number: int, filler: str, format: str) -> bytes:
    """Return such a text with a certain filler, which begins with a letter."""
    digest = _rest(number, filler)["digest"]
    if format == "json":
        return f'{{\n  "number": {number},\n  "filler": "{filler}",\n  "digest": "{digest}"\n}}\n'.encode()
    sign = ": " if format == "yaml" else " = "
    return f'number{sign}{number}\nfiller{sign}"{filler}"\ndigest{sign}"{digest}"\n'.encode()


def _filler() -> str:
    return "f" + random.choice(_LETTERS) * random.choice(_SIZES) + os.urandom(8).hex()


def _rest(number: int, filler: str) -> dict[str, str]:
    return {"filler": filler, "digest": _digest(b"%d" % number, filler.encode())}


def verdict(data: bytes) -> Verdict:
    """Say whether ``data`` is whole: one version, all of it, up to its last byte."""
    found = _WHOLE.fullmatch(data)
    closed = data.startswith(b"{") == data.endswith(b"}\n")
    if closed and found is not None and found[3].decode() == _digest(found[1], found[2]):
        return "whole"
    return "torn" if data else "empty"


def number_of(data: bytes) -> int:
    """Return the number in a whole content."""
    found = _WHOLE.fullmatch(data)
    assert found is not None
    return int(found[1])


def _digest(number: bytes, filler: bytes) -> str:
    return "d" + hashlib.sha256(number + b":" + filler).hexdigest()
