"""Processes that read a file without a pause, and count what they find."""

from __future__ import annotations

import os
from collections import Counter
from contextlib import contextmanager
from functools import partial
from multiprocessing.sharedctypes import RawArray
from typing import TYPE_CHECKING

from evidence.children import exit_code, forked
from evidence.contents import verdict

if TYPE_CHECKING:
    from collections.abc import Iterator
    from ctypes import Array, c_uint64
    from pathlib import Path

FINDINGS = ("reads", "versions", "torn", "empty", "missing")
_STOP = 0


@contextmanager
def readers(path: Path, count: int, *, appears: bool = False) -> Iterator[Counter[str]]:
    """Read ``path`` from ``count`` processes; the counter is filled when the block has ended.

    Args:
        path: What is opened, each time anew, and read to its end.
        count: How many processes do so.
        appears: Whether there may be no file at first; it must not go away again.
    """
    shared: Array[c_uint64] = RawArray("Q", 1 + len(FINDINGS) * count)
    found: Counter[str] = Counter()
    children = [forked(partial(_read, path, shared, at, appears=appears)) for at in range(count)]
    try:
        yield found
    finally:
        shared[_STOP] = 1
        failed = sum(exit_code(child) != 0 for child in children)
        for at in range(count):
            found.update(dict(zip(FINDINGS, shared[_slots(at)], strict=True)))
        found["failed"] += failed


def _slots(at: int) -> slice:
    return slice(1 + at * len(FINDINGS), 1 + (at + 1) * len(FINDINGS))


def _read(path: Path, shared: Array[c_uint64], at: int, *, appears: bool) -> None:
    found = dict.fromkeys(FINDINGS, 0)
    last = None
    name = os.fspath(path)
    while not shared[_STOP]:
        try:
            data = _content(name)
        except FileNotFoundError:
            found["missing"] += not appears
            continue
        appears = False
        found["reads"] += 1
        if data != last:
            last = data
            found["versions"] += 1
            said = verdict(data)
            if said != "whole":
                found[said] += 1
    shared[_slots(at)] = list(found.values())


def _content(name: str) -> bytes:
    """Read raw: no library of ours is asked."""
    fd = os.open(name, os.O_RDONLY | os.O_CLOEXEC)
    try:
        parts = []
        while part := os.read(fd, 1 << 20):
            parts.append(part)
        return b"".join(parts)
    finally:
        os.close(fd)
