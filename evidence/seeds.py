"""Bugs that others have, put into untorn one at a time: the schedules must show each of them."""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import replace
from typing import TYPE_CHECKING, Any
from unittest import mock

from evidence.schedules import Scenario, edit, rename, save, save_again, update
from untorn import saving, storage
from untorn.editing import Editor
from untorn.errors import WriteError
from untorn.storage import locking, unfinished
from untorn.storage.atomic import Prepared
from untorn.storage.exchange import Exchange

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from untorn.drafts import Draft
    from untorn.records import Receipt, Revision
    from untorn.storage import Held, Published

_LOST = "an update that was acknowledged is lost"
_SET_BACK = "what the other program wrote was set back"


@contextmanager
def no_compare() -> Iterator[None]:
    """Take the file for what it was, whatever it holds."""
    with mock.patch.object(Prepared, "_same_file", return_value=True):
        yield


@contextmanager
def compare_outside_the_lock() -> Iterator[None]:
    """Look before the lock is taken, and not again."""
    entered, same = Prepared.__enter__, Prepared._same_file  # noqa: SLF001  a seed replaces it

    def enter(self: Prepared) -> Prepared:
        prepared = entered(self)
        if self._target is not None:
            with storage.reading(self._path) as file:
                held = locking.Held(self._path, file.fd, file.identity, is_file=True)
                self.seen = same(self, held)  # type: ignore[attr-defined]
        return prepared

    with (
        mock.patch.object(Prepared, "__enter__", enter),
        mock.patch.object(Prepared, "_same_file", lambda self, _held: self.seen),
    ):
        yield


@contextmanager
def no_look_at_what_came_out() -> Iterator[None]:
    """Exchange, and remove what was exchanged."""
    with (
        mock.patch.object(Exchange, "took_base", return_value=True),
        mock.patch.object(Exchange, "took_base_for_good", return_value=True),
    ):
        yield


@contextmanager
def swept_swap() -> Iterator[None]:
    """Take all that lies beside the file for what nobody needs."""
    with (
        mock.patch.object(unfinished, "short_digest", return_value="nothing"),
        mock.patch.object(unfinished, "digests_in", return_value=("nothing", "nothing")),
    ):
        yield


@contextmanager
def error_behind_the_commit() -> Iterator[None]:
    """Say that nothing was changed, when something was."""

    def refused(draft: Draft, _published: Published) -> Receipt:
        raise WriteError("not saved", errno=5, path=draft.snapshot.path)

    with mock.patch.object(saving, "_receipt", refused):
        yield


@contextmanager
def lock_lost() -> Iterator[None]:
    """Lock an inode, and do not look whether it still is the file's."""

    class Anything(tuple[int, int]):
        __slots__ = ()

        def __eq__(self, _other: object) -> bool:
            return True

        __hash__ = tuple.__hash__

    held = locking.Held

    def lenient(*arguments: Any, **keywords: Any) -> Held:  # noqa: ANN401  whatever it takes
        return replace(held(*arguments, **keywords), identity=Anything((0, 0)))

    def same_bytes(self: Prepared, _held: Held) -> bool:
        return storage.read(self._path).data == self._snapshot.data

    with (
        mock.patch.object(locking, "_leads_to", return_value=(Anything((0, 0)), True)),
        mock.patch.object(locking, "Held", lenient),
        mock.patch.object(Prepared, "_same_file", same_bytes),
    ):
        yield


@contextmanager
def base_guessed() -> Iterator[None]:
    """Take what the file holds by now for what the value was loaded from."""

    def guessed(_self: Editor, _path: object, target: Path, *_: object) -> Revision:
        return storage.read(target).revision

    with mock.patch.object(Editor, "_base", guessed):
        yield


_EDITS = ((edit, "a"), (edit, "b"))
_SAVES = ((save, "a"), (save, "b"))
_COUNTS = ((update, "n"), (update, "n"))

SEEDED = (
    Scenario("no compare", _SAVES, by_rename=True, seed=no_compare, caught_by=(_LOST,)),
    Scenario(
        "compare outside the lock", _SAVES, by_rename=True, seed=compare_outside_the_lock, caught_by=(_LOST,)
    ),
    Scenario(
        "no look at what came out",
        _EDITS,
        rename,
        seed=no_look_at_what_came_out,
        caught_by=(_SET_BACK, _LOST),
    ),
    Scenario("swept .swap", _EDITS, rename, seed=swept_swap, caught_by=(_SET_BACK, _LOST)),
    Scenario(
        "error raised behind the commit",
        _EDITS,
        seed=error_behind_the_commit,
        caught_by=("an update that was refused is there",),
    ),
    Scenario(
        "lock lost after a foreign rename",
        _COUNTS,
        save_again,
        by_rename=True,
        seed=lock_lost,
        caught_by=(_LOST,),
        window=True,
    ),
    Scenario("base guessed", _SAVES, seed=base_guessed, caught_by=(_LOST,)),
)
"""Each of untorn's rules, broken."""
