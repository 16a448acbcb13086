"""A transaction of three files, as those see it who disturb it; two are changed, one is made.

What is judged is the set of all three: old or new, for everybody who reads through untorn.
"""

from __future__ import annotations

import json
import os
from typing import TYPE_CHECKING

import untorn
from untorn.storage.snapshot import RECORD

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD: dict[str, bytes | None] = {"a.json": b'{"n": 1}\n', "b.toml": b"n = 1  # how many\n", "c.json": None}
NEW: dict[str, bytes | None] = {
    "a.json": b'{"n": 2}\n',
    "b.toml": b"n = 2  # how many\n",
    "c.json": b'{\n  "n": 2\n}\n',
}
NEXT = b"n = 3  # how many\n"


def prepare(directory: Path) -> None:
    """Let the files be there."""
    for name, data in OLD.items():
        if data is not None:
            (directory / name).write_bytes(data)
            os.utime(directory / name, (0, 0))  # a save waits while somebody seems to be writing


def transact(directory: Path) -> tuple[untorn.Receipt, ...]:
    """Change two of them, and make the third, as one; wait for no lock."""
    with untorn.Host(discover=False).transaction(timeout=0) as tx:
        with tx.edit(directory / "a.json") as doc:
            doc.set("n", 2)
        with tx.edit(directory / "b.toml") as doc:
            doc.set("n", 2)
        tx.save(directory / "c.json", {"n": 2}, base=None)
    return tx.receipts


def loaded(directory: Path) -> dict[str, bytes | None]:
    """Return what each file holds for those who read through untorn.

    Raises:
        LookupError: One of them is neither old nor new.
        LoadError: One of them is not even that.
    """
    host = untorn.Host(discover=False)
    found: dict[str, bytes | None] = {}
    for name in OLD:
        value = host.load(directory / name, missing=None)
        number = value["n"] if isinstance(value, dict) else None
        found[name] = {_number(each[name]): each[name] for each in (OLD, NEW)}[number]
    return found


def _number(data: bytes | None) -> object:
    if data is None:
        return None
    return json.loads(data)["n"] if data.startswith(b"{") else int(data.split()[2])


def wrong_after(directory: Path, *, may: tuple[dict[str, bytes | None], ...] = (OLD, NEW)) -> Iterator[str]:
    """Judge what was left: by loads, by the next save of one file, and by what is there then.

    Args:
        directory: Where the files are.
        may: What they may hold for readers through untorn.
    """
    seen = loaded(directory)
    if seen not in may:
        yield f"loads see a mixture: {seen}"
    again = loaded(directory)
    if again != seen:
        yield f"loads change their mind: {seen}, then {again}"
    try:
        untorn.write_bytes(directory / "b.toml", NEXT, timeout=0)
    except untorn.UntornError as error:
        yield f"the next save fails: {error}"
        return
    there = {name: _held(directory / name) for name in OLD}
    if there != {**seen, "b.toml": NEXT}:
        yield f"the next save leaves {there}, and loads saw {seen}"
    for name in ("a.json", "c.json"):  # each file's orphans go with its own next save
        untorn.write_bytes(directory / name, b"{}\n", timeout=0)
    with untorn.transaction(timeout=0) as tx:
        tx.write_bytes(directory / "a.json", b"{ }\n")
    litter = {each.name for each in directory.iterdir()} - OLD.keys()
    if litter:
        yield f"left behind: {sorted(litter)}"


def _held(path: Path) -> bytes | None:
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def is_tidy(directory: Path) -> bool:
    """Return whether nothing but the files lies there."""
    return {each.name for each in directory.iterdir()} <= OLD.keys()


__all__ = ["NEW", "NEXT", "OLD", "RECORD", "is_tidy", "loaded", "prepare", "transact", "wrong_after"]
