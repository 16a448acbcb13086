"""Files to be saved to, of every kind that takes different system calls, and the ways to save to them."""

from __future__ import annotations

import json
import os
import re
import time
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import untorn

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_SETTLED = 0.02
PADDING = "x" * 70_000
"""More than 64 KiB: for this much, space is reserved first."""


TEMPORARY = re.compile(r"\..*\.[0-9a-f]{32}\.[0-9a-f]{32}\.tmp|\..*\.swap|.*\.journal", re.DOTALL)


class Unsupported(Exception):  # noqa: N818  no error: this machine cannot show it
    """The machine lacks what is to be tried; the text says what."""


@dataclass(frozen=True)
class Target:
    """A file to be saved to, in a directory of its own.

    Attributes:
        directory: Where it lies, and nothing else but what its kind needs.
        path: The name to save to; a link for some kinds.
        file: The file itself; for some kinds it does not exist yet.
        large: Whether it has, and shall have, more than 64 KiB.
        keywords: What each save is told.
        before: What the file holds at first.
        planted: What lies beside it at first and may be gone later.
    """

    directory: Path
    path: Path
    file: Path
    large: bool = False
    keywords: dict[str, Any] = field(default_factory=dict)
    before: bytes | None = None
    planted: frozenset[str] = frozenset()

    @property
    def in_place(self) -> bool:
        """Whether it is overwritten through a journal instead of replaced."""
        return "in_place" in self.keywords


def content(number: int, *, large: bool = False) -> bytes:
    """Return what a target holds: a small JSON text, which each way to save can change."""
    value: dict[str, object] = {"n": number, "name": "it's" * number}
    if large:
        value["padding"] = PADDING
    return json.dumps(value, indent=2).encode() + b"\n"


def held_by(path: Path) -> bytes | None:
    """Return what a file holds; ``None`` if there is none."""
    try:
        return path.read_bytes()
    except FileNotFoundError:
        return None


def litter(directory: Path) -> set[str]:
    """Return the names of temporary files and journals, at any depth."""
    return {name for _, _, names in os.walk(directory) for name in names if TEMPORARY.fullmatch(name)}


def orphans(target: Target) -> set[str]:
    """Return the temporary files that a save left: not the link to one."""
    return litter(target.directory) - target.planted - {f".{target.file.name}.swap"}


# ── Kinds ───────────────────────────────────────────────────────────────────


def _existing(directory: Path, *, large: bool = False) -> Target:
    path, before = directory / "app.json", content(1, large=large)
    path.write_bytes(before)
    path.chmod(0o640)
    os.utime(path, (0, 0))  # a save waits while somebody seems to be writing
    return Target(directory, path, path, large=large, before=before)


def _new(directory: Path) -> Target:
    return Target(directory, directory / "app.json", directory / "app.json")


def _linked(directory: Path) -> Target:
    made = _existing(directory)
    (directory / "deep").mkdir()
    (directory / "deep" / "link.json").symlink_to("../app.json")
    (directory / "link.json").symlink_to("deep/link.json")
    return Target(directory, directory / "link.json", made.file, before=made.before)


def _parents(directory: Path) -> Target:
    path = directory / "a" / "b" / "app.json"
    return Target(directory, path, path)


def _attributes(directory: Path) -> Target:
    made = _existing(directory)
    try:
        os.setxattr(made.file, "user.colour", b"blue")
    except OSError as error:
        raise Unsupported(f"no extended attributes here: {error.strerror}") from error
    return made


def _large(directory: Path) -> Target:
    return _existing(directory, large=True)


def _orphaned(directory: Path) -> Target:
    """A file beside which an earlier writer was killed."""
    made = _existing(directory)
    orphan = f".app.json.{'0' * 32}.{'f' * 32}.tmp"
    (directory / orphan).write_bytes(content(7))
    return Target(directory, made.path, made.file, before=made.before, planted=frozenset({orphan}))


def _again(directory: Path) -> Target:
    """A file that this process has saved before, so that it knows the place."""
    made = _existing(directory)
    for number in (7, 1):
        untorn.write_bytes(made.path, content(number), timeout=0)
    return made


def _in_place(directory: Path) -> Target:
    (directory / "place").mkdir()
    (directory / "journals").mkdir(mode=0o700)
    made = _existing(directory / "place")
    keywords = {"in_place": directory / "journals"}
    time.sleep(_SETTLED)  # a file that was changed just now is read again until it was not
    return Target(directory, made.path, made.file, keywords=keywords, before=made.before)


KINDS: dict[str, Callable[[Path], Target]] = {
    "existing": _existing,
    "new": _new,
    "linked": _linked,
    "parents": _parents,
    "attributes": _attributes,
    "large": _large,
    "orphaned": _orphaned,
    "again": _again,
    "in-place": _in_place,
}


def target_of(kind: str, directory: Path) -> Target:
    """Make a target of this kind in a new directory.

    Raises:
        Unsupported: This machine cannot have such a thing.
    """
    directory.mkdir(parents=True)
    return KINDS[kind](directory)


# ── Ways ────────────────────────────────────────────────────────────────────


def _write_bytes(target: Target) -> untorn.Receipt:
    return untorn.write_bytes(target.path, content(2, large=target.large), timeout=0, **target.keywords)


def _save(target: Target) -> untorn.Receipt:
    value = json.loads(content(2, large=target.large))
    return untorn.Host(discover=False).save(target.path, value, timeout=0, **target.keywords)


def _edit(target: Target) -> untorn.Receipt | None:
    with untorn.edit(target.path, create=target.before is None, timeout=0, **target.keywords) as doc:
        _change(doc)
    return doc.receipt


def _update(target: Target) -> untorn.Receipt:
    return untorn.update(target.path, _change, create=target.before is None, timeout=0, **target.keywords)


def _change(doc: untorn.Document) -> None:
    doc.set("n", 2)
    doc.set("name", "changed")


WAYS: dict[str, Callable[[Target], untorn.Receipt | None]] = {
    "write_bytes": _write_bytes,
    "save": _save,
    "edit": _edit,
    "update": _update,
}
"""Each raises what untorn raises; none waits for a lock."""


def next_save(target: Target) -> untorn.Receipt:
    """Save something else, as bytes."""
    return untorn.write_bytes(target.path, content(3, large=target.large), timeout=0, **target.keywords)
