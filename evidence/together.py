"""Power cuts of transactions: what each leaves of three files, for those who read through untorn."""

from __future__ import annotations

import shutil
from itertools import count
from typing import TYPE_CHECKING

import untorn
from evidence import saves
from evidence.judging import Count, judged
from evidence.recording import recorded
from evidence.transaction import NEW, OLD, loaded, prepare, wrong_after
from evidence.tree import build
from evidence.trying import empty_directory
from untorn import storage
from untorn.storage import pending

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evidence.disk import Bounds
    from evidence.judging import Contents
    from evidence.saves import Faults
    from evidence.transactors import Transactor
    from evidence.tree import Tree

_OLD, _NEW = b"all old", b"all new"
"""What is promised of the three files together."""


def try_transactor(transactor: Transactor, bounds: Bounds) -> Count:
    """Judge all that a power cut may leave of a transaction, also where a call fails."""
    total, pause = Count(), pending.PAUSE
    pending.PAUSE = 0.0  # nobody renames a temp that a bad one left torn
    try:
        for faults in (transactor.faults,) if transactor.caught_by else saves.FAULTS:
            total.add(_tried(transactor, faults, bounds))
    finally:
        pending.PAUSE = pause
    return total


def _tried(transactor: Transactor, faults: Faults, bounds: Bounds) -> Count:
    with empty_directory() as place:
        root = place / "disk"
        prepare(root)
        with recorded(root, *faults) as recording:
            recording.promise(_OLD, _NEW)
            try:
                transactor.transact(root, storage.REAL)
            except (untorn.NotDurableError, untorn.UnknownOutcomeError):
                pass  # either, and a promise to nobody
            except (untorn.SaveError, OSError):
                recording.promise(_OLD)
            else:
                recording.promise(_NEW)
        found = judged(recording, _Judge(place), bounds)
    found.rename(lambda criterion: f"{criterion} {faults[0].name}" if faults else criterion)
    return found


class _Judge:
    """By what loads answer, and by the saves that come next."""

    def __init__(self, place: Path) -> None:
        self._place = place
        self._numbers = count()

    def __call__(self, tree: Tree, promised: Contents) -> Iterator[str]:
        root = self._place / f"{next(self._numbers)}"
        root.mkdir()
        build(tree, root)
        try:
            yield from self._judged(root, promised)
        finally:
            shutil.rmtree(root)

    def _judged(self, root: Path, promised: Contents) -> Iterator[str]:
        try:
            seen = loaded(root)
        except (untorn.LoadError, LookupError):
            yield "mixture"  # of bytes, even
            return
        if seen not in (OLD, NEW):
            yield "mixture"
        elif (_NEW if seen == NEW else _OLD) not in promised:
            yield "undone"
        elif any(wrong_after(root)):
            yield "not finished"
