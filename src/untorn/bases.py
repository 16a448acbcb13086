"""Which revision a value came from (promise 8).

A host remembers, for a bounded number of values, what the file held when
``load`` returned them or ``save`` took them, and for each path who used it.
A wrong base is a silent revert, so that what is not known for certain is a
``ConflictError``, never a guess.
"""

from __future__ import annotations

import os

# What threading takes from there, too; a load should not pay for the rest of it.
from _thread import allocate_lock

from untorn.callers import token
from untorn.errors import ConflictError
from untorn.keypath import MISSING

TYPE_CHECKING = False  # a load imports this module, and should not pay for typing
if TYPE_CHECKING:
    from typing import TypeAlias

    from untorn.records import Revision, Snapshot
    from untorn.values import Value

    PathLike: TypeAlias = str | os.PathLike[str]

MANY = 256
"""How many values, and paths, a host keeps in mind."""


# No dataclasses here: importing that module alone costs more than starting Python does.


class Base:
    """What a value came from.

    ``whole`` is set where no file ever held the value: a save that was replayed
    took one value and left another, and what its caller changes next is changed
    from the one that it took.
    """

    __slots__ = ("snapshot", "whole")

    def __init__(self, snapshot: Snapshot, whole: Value = MISSING) -> None:
        self.snapshot = snapshot
        self.whole = whole


class _Use:
    """How a path was used in this host: by whom, and which bases were seen.

    ``forgotten`` are the revisions of values that are no longer remembered one by one.
    """

    def __init__(self) -> None:
        self.users: set[object] = set()
        self.seen: list[Base] = []
        self.forgotten: set[Revision] = set()

    def only_base(self, user: object) -> Base | None:
        """Return the one base that a value of ``user`` can have come from."""
        if self.users != {user} or len(self.seen) != 1:
            return None
        [base] = self.seen
        return base if self.forgotten <= {base.snapshot.revision} else None


class Bases:
    """The memory of one host. Thread-safe."""

    def __init__(self) -> None:
        self._lock = allocate_lock()
        # The value itself is kept alive, or another could get its id.
        self._by_object: dict[tuple[int, str], tuple[Value, Base]] = {}  # the last used last
        self._by_path: dict[str, _Use] = {}  # as well
        self._by_name: dict[str, str] = {}

    def loaded(self, path: PathLike, value: Value, base: Base, name: str) -> None:
        """Remember that ``load`` returned ``value`` from ``base``, and where ``name`` led."""
        path = os.fspath(path)
        with self._lock:
            self._by_name[name] = path
            self._remember(path, value, base)
            use = self._use(path)
            use.users.add(token())
            if all(
                base.snapshot.data != other.snapshot.data or other.whole is not MISSING for other in use.seen
            ):
                use.seen.append(base)
                del use.seen[:-2]  # two are already too many to choose from

    def saved(self, path: PathLike, value: Value, base: Base) -> None:
        """Remember that ``save`` took ``value`` and left ``base``."""
        path = os.fspath(path)
        with self._lock:
            self._remember(path, value, base)
            use = self._use(path)
            use.users.add(token())
            # Once two revisions were seen, a value that was built by hand may come
            # from either, also after this save.
            use.seen[:] = [base] if len(use.seen) <= 1 else [use.seen[0], base]

    def base_of(self, path: PathLike, value: Value, name: str) -> Base | None:
        """Return what ``value`` came from; ``None`` if this host never read ``path``.

        Args:
            path: The file itself.
            value: What is to be saved there.
            name: The path as the caller wrote it, which may be a link.

        Raises:
            ConflictError: The path was read, but which reading this value came
                from cannot be known.
        """
        path = os.fspath(path)
        with self._lock:
            known = self._by_object.get((id(value), path))
            if known is not None and known[0] is value:
                self._by_object[id(value), path] = self._by_object.pop((id(value), path))
                return known[1]
            use = self._by_path.get(path)
            if use is None and self._by_name.get(name, path) == path:
                return None
            if use is None:
                use = _Use()  # the link was switched: this file was never read by that name
            base = use.only_base(token())
            if base is not None:
                return base
        from pathlib import Path  # noqa: PLC0415  only for the error

        raise ConflictError(
            "unknown base: this file was read more than once, "
            "and nothing tells which reading this value came from",
            path=Path(path),
            hint="save the object that load returned, use edit() or a Document, "
            "or say base=None to replace what is there",
        )

    def _remember(self, path: str, value: Value, base: Base) -> None:
        if not isinstance(value, (dict, list)):
            return  # a scalar may be one object for the whole interpreter
        self._by_object.pop((id(value), path), None)
        self._by_object[id(value), path] = (value, base)
        while len(self._by_object) > MANY:
            oldest = next(iter(self._by_object))
            (_, old), (_, other) = self._by_object.pop(oldest), oldest
            self._use(other).forgotten.add(old.snapshot.revision)

    def _use(self, path: str) -> _Use:
        """Return the use of ``path``. It is never forgotten that a path was read, only what it held."""
        use = self._by_path.pop(path, None) or _Use()
        self._by_path[path] = use
        for old in list(self._by_path.values())[: len(self._by_path) - MANY]:
            old.seen.clear()
        return use
