"""Files to be saved to, of every kind that takes different system calls, and what may be left of them."""

from __future__ import annotations

import os
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

from untorn.storage import exchange, owed, parents, places, sweeps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

OLD, NEW, NEXT = b"old\n" * 10, b"new\n" * 20, b"next\n" * 5

KINDS = ["existing", "new", "linked", "parents", "attributes"]


def target_of(kind: str, directory: Path) -> Path:
    """Make a target of this kind in an empty directory, and return the path to save to."""
    path = directory / "app.conf"
    if kind == "parents":
        return directory / "a" / "b" / "app.conf"
    if kind == "new":
        return path
    path.write_bytes(OLD)
    path.chmod(0o640)
    if kind == "linked":
        (directory / "link").symlink_to("app.conf")
        return directory / "link"
    if kind == "attributes":
        try:
            os.setxattr(path, "user.colour", b"blue")
        except OSError:
            pytest.skip("this file system has no extended attributes")
    return path


def path_of(kind: str, directory: Path) -> Path:
    """Return where ``target_of`` leads to."""
    return directory / {"parents": "a/b/app.conf", "linked": "link"}.get(kind, "app.conf")


def held_by(path: Path) -> bytes | None:
    return path.read_bytes() if path.exists() else None


def litter(directory: Path) -> set[str]:
    return {each.name for each in directory.rglob("*") if each.name.endswith((".tmp", "swap"))}


@contextmanager
def forgetful() -> Iterator[None]:
    """Let the process sweep again, and owe nothing."""
    sweeps._left.clear()
    places._places.clear()
    parents._named.clear()
    owed._owed.clear()
    exchange.without.clear()
    yield
