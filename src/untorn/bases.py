"""Which revision a value came from (promise 8).

A host remembers, for a bounded number of values, what the file held when
``load`` returned them or ``save`` took them, and for each path who used it.
A wrong base is a silent revert, so that what is not known for certain is a
``ConflictError``, never a guess.
"""

from __future__ import annotations

import sys
import threading
import weakref
from collections import OrderedDict
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from untorn.changes import difference
from untorn.drafts import prefixed
from untorn.errors import ConflictError
from untorn.intents import Changes, Creation, Replacement
from untorn.keypath import MISSING
from untorn.loading import Loaded, load_snapshot
from untorn.records import Revision, Snapshot
from untorn.text import SourceText

if TYPE_CHECKING:
    from pathlib import Path

    from untorn.intents import Intent
    from untorn.selection import Selection
    from untorn.values import Value

MANY = 256
"""How many values, and paths, a host keeps in mind."""


@dataclass(frozen=True, slots=True)
class Base:
    """What a value came from.

    ``whole`` is set where no file ever held the value: a save that was replayed
    took one value and left another, and what its caller changes next is changed
    from the one that it took.
    """

    snapshot: Snapshot
    whole: Value = MISSING


@dataclass(slots=True)
class _Use:
    """How a path was used in this host: by whom, and which bases were seen.

    ``forgotten`` are the revisions of values that are no longer remembered one by one.
    """

    users: set[object] = field(default_factory=set)
    seen: list[Base] = field(default_factory=list)
    forgotten: set[Revision] = field(default_factory=set)

    def only_base(self, user: object) -> Base | None:
        """Return the one base that a value of ``user`` can have come from."""
        if self.users != {user} or len(self.seen) != 1:
            return None
        [base] = self.seen
        return base if self.forgotten <= {base.snapshot.revision} else None


class Bases:
    """The memory of one host. Thread-safe."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        # The value itself is kept alive, or another could get its id.
        self._by_object: OrderedDict[tuple[int, Path], tuple[Value, Base]] = OrderedDict()
        self._by_path: OrderedDict[Path, _Use] = OrderedDict()
        self._by_name: dict[str, Path] = {}
        self._me = _Caller()

    def loaded(self, path: Path, value: Value, base: Base, name: str) -> None:
        """Remember that ``load`` returned ``value`` from ``base``, and where ``name`` led."""
        with self._lock:
            self._by_name[name] = path
            self._remember(path, value, base)
            use = self._use(path)
            use.users.add(self._me.token())
            if all(
                base.snapshot.data != other.snapshot.data or other.whole is not MISSING for other in use.seen
            ):
                use.seen.append(base)
                del use.seen[:-2]  # two are already too many to choose from

    def saved(self, path: Path, value: Value, base: Base) -> None:
        """Remember that ``save`` took ``value`` and left ``base``."""
        with self._lock:
            self._remember(path, value, base)
            use = self._use(path)
            use.users.add(self._me.token())
            # Once two revisions were seen, a value that was built by hand may come
            # from either, also after this save.
            use.seen[:] = [base] if len(use.seen) <= 1 else [use.seen[0], base]

    def base_of(self, path: Path, value: Value, name: str) -> Base | None:
        """Return what ``value`` came from; ``None`` if this host never read ``path``.

        Args:
            path: The file itself.
            value: What is to be saved there.
            name: The path as the caller wrote it, which may be a link.

        Raises:
            ConflictError: The path was read, but which reading this value came
                from cannot be known.
        """
        with self._lock:
            known = self._by_object.get((id(value), path))
            if known is not None and known[0] is value:
                self._by_object.move_to_end((id(value), path))
                return known[1]
            use = self._by_path.get(path)
            if use is None and self._by_name.get(name, path) == path:
                return None
            if use is None:
                use = _Use()  # the link was switched: this file was never read by that name
            base = use.only_base(self._me.token())
            if base is not None:
                return base
        raise ConflictError(
            "unknown base: this file was read more than once, "
            "and nothing tells which reading this value came from",
            path=path,
            hint="save the object that load returned, use edit() or a Document, "
            "or say base=None to replace what is there",
        )

    def _remember(self, path: Path, value: Value, base: Base) -> None:
        if not isinstance(value, (dict, list)):
            return  # a scalar may be one object for the whole interpreter
        self._by_object[id(value), path] = (value, base)
        self._by_object.move_to_end((id(value), path))
        while len(self._by_object) > MANY:
            (_, other), (_, old) = self._by_object.popitem(last=False)
            self._use(other).forgotten.add(old.snapshot.revision)

    def _use(self, path: Path) -> _Use:
        """Return the use of ``path``. It is never forgotten that a path was read, only what it held."""
        use = self._by_path.setdefault(path, _Use())
        self._by_path.move_to_end(path)
        for old in list(self._by_path.values())[: len(self._by_path) - MANY]:
            old.seen.clear()
        return use


class _Caller:
    """Tells threads and asyncio tasks apart, also when one ends and its number is used again."""

    def __init__(self) -> None:
        self._threads = threading.local()
        self._tasks: weakref.WeakKeyDictionary[object, object] = weakref.WeakKeyDictionary()

    def token(self) -> object:
        """Return what stands for the running task, or else the thread."""
        task = _current_task()
        if task is not None:
            return self._tasks.setdefault(task, object())
        if not hasattr(self._threads, "token"):
            self._threads.token = object()
        return self._threads.token


def _current_task() -> object | None:
    asyncio = sys.modules.get("asyncio")  # who never imported it runs no task
    if asyncio is None:
        return None
    try:
        return asyncio.current_task()  # type: ignore[no-any-return]  # a module from sys.modules is untyped
    except RuntimeError:
        return None


def intent_on(
    base: Base | Revision | None, selection: Selection, value: Value, *, allow_reformat: bool = False
) -> Intent:
    """Return what saving ``value``, which came from ``base``, wants.

    Args:
        base: What the value came from; a revision that the file must be at; or
            ``None`` to replace what is there.
        selection: How the file is parsed.
        value: The caller's own copy of it.
        allow_reformat: Whether the file may be rendered anew as a whole.
    """
    if base is None or isinstance(base, Revision):
        return Replacement(selection, value, base, allow_reformat)
    if base.whole is not MISSING:
        nowhere = Snapshot(base.snapshot.path, None)
        since = Loaded(nowhere, SourceText(""), selection, base.whole)
    elif base.snapshot.data is None:
        return Creation(selection, value)
    else:
        since = load_snapshot(base.snapshot, selection)
    changes = prefixed(difference(since.value, value), selection.prefix)
    return Changes(since, changes, allow_reformat=allow_reformat)
