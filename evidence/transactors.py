"""Ways to save several files as one: untorn's, and bad ones that a model of power cuts must catch.

All leave the same record, so that untorn answers for what they leave. Those that are
known to be bad say in one sentence what is wrong, and by which criterion they are caught.
"""

from __future__ import annotations

import os
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evidence.saves import SECOND_DIRECTORY_SYNC
from evidence.transaction import NEW, OLD, RECORD, transact
from evidence.writing import NEW as NEWLY
from evidence.writing import opened, sync, write_all
from untorn.records import revision_of
from untorn.storage.names import temp_name
from untorn.storage.transaction_format import Entry, encode

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from evidence.saves import Faults
    from untorn.storage import Syscalls

    Transact = Callable[[Path, Syscalls], object]


@dataclass(frozen=True, slots=True)
class Transactor:
    """A way to save several files as one.

    Attributes:
        name: What it is called in the table.
        transact: The way itself.
        caught_by: The criteria of which one at least must catch it; none for a good one.
        faults: What goes wrong meanwhile; a good one is tried with everything that may.
    """

    name: str
    transact: Transact
    caught_by: tuple[str, ...] = ()
    faults: Faults = ()


@dataclass(frozen=True, slots=True)
class _Part:
    """A file that is to be replaced."""

    path: Path
    temp: Path
    data: bytes
    entry: Entry


def _parts(place: Path) -> list[_Part]:
    parts = []
    for name, data in NEW.items():
        assert data is not None
        new = revision_of(data)
        temp = temp_name(name, new)
        entry = Entry(name, revision_of(OLD[name]).digest, temp, str(new.digest))
        parts.append(_Part(place / name, place / temp, data, entry))
    return parts


def _write(path: Path, data: bytes, calls: Syscalls, *, synced: bool = True) -> None:
    with opened(path, NEWLY, calls) as fd:
        write_all(fd, data, calls)
        calls.fchmod(fd, 0o644)
        if synced:
            calls.fsync(fd)


def _write_record(place: Path, parts: list[_Part], calls: Syscalls, *, synced: bool = True) -> Path:
    data = encode([each.entry for each in parts])
    temp = place / temp_name(RECORD, revision_of(data))
    _write(temp, data, calls, synced=synced)
    return temp


def _write_all(parts: list[_Part], calls: Syscalls, *, synced: bool = True) -> None:
    for each in parts:
        _write(each.temp, each.data, calls, synced=synced)


def _rename_all(parts: list[_Part], calls: Syscalls) -> None:
    for each in parts:
        calls.rename(each.temp, each.path)


def _untorn(place: Path, _calls: Syscalls) -> None:
    """Do what untorn does."""
    transact(place)


def _careful(place: Path, calls: Syscalls) -> None:
    """Do all of it, in order."""
    parts = _parts(place)
    _write_all(parts, calls)
    record = _write_record(place, parts, calls)
    sync(place, calls)
    calls.rename(record, place / RECORD)
    try:
        sync(place, calls)
    except OSError:
        calls.unlink(place / RECORD)  # it may be on the disk by now
        sync(place, calls)
        raise
    _rename_all(parts, calls)
    sync(place, calls)
    calls.unlink(place / RECORD)


def _leaves_a_record_of_what_failed(place: Path, calls: Syscalls) -> None:
    """Raise where the record was not confirmed, and leave it."""
    parts = _parts(place)
    _write_all(parts, calls)
    record = _write_record(place, parts, calls)
    sync(place, calls)
    calls.rename(record, place / RECORD)
    sync(place, calls)
    _rename_all(parts, calls)
    sync(place, calls)
    calls.unlink(place / RECORD)


def _without_a_record(place: Path, calls: Syscalls) -> None:
    """Rename one after the other, and hope."""
    parts = _parts(place)
    _write_all(parts, calls)
    _rename_all(parts, calls)
    sync(place, calls)


def _without_a_sync_of_the_temps(place: Path, calls: Syscalls) -> None:
    """Promise what may not be on the disk."""
    parts = _parts(place)
    _write_all(parts, calls, synced=False)
    record = _write_record(place, parts, calls)
    sync(place, calls)
    calls.rename(record, place / RECORD)
    sync(place, calls)
    _rename_all(parts, calls)
    sync(place, calls)
    calls.unlink(place / RECORD)


def _without_a_sync_of_the_record(place: Path, calls: Syscalls) -> None:
    """Give its name to a record that may be empty on the disk."""
    parts = _parts(place)
    _write_all(parts, calls)
    record = _write_record(place, parts, calls, synced=False)
    sync(place, calls)
    calls.rename(record, place / RECORD)
    sync(place, calls)
    _rename_all(parts, calls)
    sync(place, calls)
    calls.unlink(place / RECORD)


def _records_before_the_temps_have_names(place: Path, calls: Syscalls) -> None:
    """Leave out the sync of the directory before the record gets its name."""
    parts = _parts(place)
    _write_all(parts, calls)
    record = _write_record(place, parts, calls)
    calls.rename(record, place / RECORD)
    sync(place, calls)
    _rename_all(parts, calls)
    sync(place, calls)
    calls.unlink(place / RECORD)


def _renames_before_the_record_is_durable(place: Path, calls: Syscalls) -> None:
    """Leave out the sync of the directory behind the record's name."""
    parts = _parts(place)
    _write_all(parts, calls)
    record = _write_record(place, parts, calls)
    sync(place, calls)
    calls.rename(record, place / RECORD)
    _rename_all(parts, calls)
    sync(place, calls)
    calls.unlink(place / RECORD)


def _renames_before_the_record(place: Path, calls: Syscalls) -> None:
    """Write the record when the first file is replaced already."""
    parts = _parts(place)
    _write_all(parts, calls)
    record = _write_record(place, parts, calls)
    sync(place, calls)
    _rename_all(parts[:1], calls)
    calls.rename(record, place / RECORD)
    sync(place, calls)
    _rename_all(parts[1:], calls)
    sync(place, calls)
    calls.unlink(place / RECORD)


def _removes_the_record_too_soon(place: Path, calls: Syscalls) -> None:
    """Sync the directory once, when the record is gone."""
    parts = _parts(place)
    _write_all(parts, calls)
    record = _write_record(place, parts, calls)
    sync(place, calls)
    calls.rename(record, place / RECORD)
    sync(place, calls)
    _rename_all(parts, calls)
    calls.unlink(place / RECORD)
    sync(place, calls)


def _writes_the_record_in_place(place: Path, calls: Syscalls) -> None:
    """Write the record under its own name, where it is short or empty for a while."""
    parts = _parts(place)
    _write_all(parts, calls)
    sync(place, calls)
    data = encode([each.entry for each in parts])
    with opened(place / RECORD, os.O_WRONLY | os.O_CREAT, calls, 0o644) as fd:
        write_all(fd, data, calls)
    sync(place, calls)
    _rename_all(parts, calls)
    sync(place, calls)
    calls.unlink(place / RECORD)


TRANSACTORS = [
    Transactor("untorn.transaction", _untorn),
    Transactor("careful", _careful),
    Transactor(
        "leaves a record of what failed",
        _leaves_a_record_of_what_failed,
        ("undone after a failing sync of the second directory",),
        (SECOND_DIRECTORY_SYNC,),
    ),
    *(
        Transactor(each.__name__.removeprefix("_").replace("_", " "), each, ("mixture",))
        for each in (
            _without_a_record,
            _without_a_sync_of_the_temps,
            _without_a_sync_of_the_record,
            _records_before_the_temps_have_names,
            _renames_before_the_record_is_durable,
            _renames_before_the_record,
            _removes_the_record_too_soon,
            _writes_the_record_in_place,
        )
    ),
]
