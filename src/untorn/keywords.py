"""The keyword arguments of everything that writes, and what becomes of them."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Literal, TypeAlias, TypedDict

from untorn import loading, storage
from untorn.saving import SaveOptions

if TYPE_CHECKING:
    import os
    from collections.abc import Mapping
    from pathlib import Path

    from untorn.records import Revision
    from untorn.replay import Policy
    from untorn.selection import DocumentNumber

PathLike: TypeAlias = "str | os.PathLike[str]"


class WriteKeywords(TypedDict, total=False):
    """What every function that writes takes.

    Attributes:
        timeout: Seconds to wait for the file's lock (default 10), counted anew
            whenever its holder or the file's revision changes.
        durability: ``"full"`` (default): a power cut after the save has returned
            leaves the new bytes. ``"none"``: it may leave the old ones.
        mode: Permission bits of a new file; default ``0o666`` without the umask's.
        metadata: ``"strict"`` (default) refuses to lose owner, group or ACL;
            ``"best"`` goes on and says so in the receipt.
        follow_symlinks: Whether a link leads to the file (default), or is replaced.
        hard_links: ``"break"`` (default, with a warning) or ``"refuse"``.
        force: Whether a read-only file may be replaced.
        in_place: A directory for journals: a file that exists is then overwritten
            instead of replaced, after a complete copy was put there. All who
            read or save the file must name the same directory.
    """

    timeout: float
    durability: Literal["full", "none"]
    mode: int | None
    metadata: Literal["strict", "best"]
    follow_symlinks: bool
    hard_links: Literal["break", "refuse"]
    force: bool
    in_place: PathLike | None


class EditKeywords(WriteKeywords, total=False):
    """What changing a text takes besides.

    Attributes:
        allow_reformat: Whether what cannot be edited precisely may be rendered
            anew as a whole.
        on_conflict: Who prevails where somebody else changed the same since this
            value was read: ``"raise"`` (default) a ``ConflictError``, ``"ours"``,
            ``"theirs"``, or a function that is given the ``ConflictError`` of each
            and returns one of these.
    """

    allow_reformat: bool
    on_conflict: Policy


class SaveKeywords(EditKeywords, total=False):
    """What saving a value takes besides.

    Attributes:
        format: The serializer's name, where the file's name does not tell.
        document: Which document of a YAML text, from 0, or ``"all"``.
        base: ``None``: replace what is there. A revision: only if the file is at
            it. Left out: what the host knows about the value (promise 8).
    """

    format: str | None
    document: DocumentNumber
    base: Revision | None


_WRITE = ("durability", "mode", "metadata", "hard_links", "force")
_KNOWN = SaveKeywords.__annotations__.keys()


def options_of(path: PathLike, keywords: Mapping[str, Any]) -> tuple[Path, SaveOptions]:
    """Return the file itself and how to save it.

    Raises:
        TypeError: A keyword is not known.
    """
    if not keywords:
        return storage.resolve(path), _PLAIN
    unknown = keywords.keys() - _KNOWN
    if unknown:
        msg = f"unexpected keyword argument {min(unknown)!r}; known are {', '.join(sorted(_KNOWN))}"
        raise TypeError(msg)
    target = storage.resolve(path, follow_symlinks=keywords.get("follow_symlinks", True))
    given = {name: keywords[name] for name in _WRITE if name in keywords}
    write = storage.WriteOptions(**given, in_place=loading.directory_of(keywords.get("in_place")))
    return target, SaveOptions(
        timeout=keywords.get("timeout", 10.0),
        write=write,
        allow_reformat=keywords.get("allow_reformat", False),
        on_conflict=keywords.get("on_conflict", "raise"),
    )


_PLAIN = SaveOptions()
