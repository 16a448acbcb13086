"""Every system call of a save fails in turn, in every way its man page knows (promises 2, 3).

``python -m evidence.faults`` tries the whole product, each trial in a process of
its own; here a part of it is tried in this one.
"""

from __future__ import annotations

import errno
import fcntl
import os
from itertools import islice
from typing import TYPE_CHECKING

import pytest
from calls import ERRORS, NAMES, os_error, raising, watched

import untorn
from evidence import disturbances
from evidence.faults import Shard
from evidence.targets import KINDS, WAYS, Unsupported, content, held_by, litter, next_save, target_of
from evidence.trials import Trial, attempt, reference
from untorn import storage
from untorn.errors import NotDurableError, UnknownOutcomeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from evidence.trials import Fault

OLD, NEW = content(1), content(2)


def undisturbed(kind: str, directory: Path, way: str = "write_bytes") -> tuple[list[str], bytes]:
    try:
        return reference(kind, way, directory / "undisturbed")
    except Unsupported as reason:
        pytest.skip(str(reason))


def tried(
    kind: str, directory: Path, faults: Callable[[Sequence[str]], Iterator[Fault]], step: int = 1
) -> Iterator[tuple[Fault, Trial]]:
    untorn.write_bytes(directory / "warm" / "up", b"")  # the names of the directories above are durable
    made, expected = undisturbed(kind, directory)
    for number, fault in enumerate(islice(faults(made), 0, None, step)):
        yield fault, attempt(kind, "write_bytes", directory / str(number), fault, expected)


def test_each_entry_of_the_table_has_its_errors() -> None:
    assert set(ERRORS) == set(NAMES)


@pytest.mark.parametrize("kind", KINDS)
def test_any_failing_call_leaves_old_or_new_and_what_it_says(quick_path: Path, kind: str) -> None:
    outcomes = set()
    for fault, trial in tried(kind, quick_path, disturbances.failures, 7):
        assert not trial.violations, (fault.label, trial.made)
        outcomes.add(type(trial.error))
    assert {type(None), untorn.WriteError, untorn.ReadError} <= outcomes
    assert (NotDurableError in outcomes) == (kind != "in-place")  # whose journal is durable before


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_after_the_call_was_done_leaves_old_or_new(quick_path: Path, kind: str) -> None:
    """A network file system may do what it was asked to and report an error all the same."""
    for fault, trial in tried(kind, quick_path, disturbances.late_failures, 3):
        assert not trial.violations, (fault.label, trial.made)


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_that_cannot_be_cleaned_up_is_said_and_swept_later(quick_path: Path, kind: str) -> None:
    left = 0
    for fault, trial in tried(kind, quick_path, disturbances.failures_that_cannot_be_cleaned_up, 7):
        assert not trial.violations, (fault.label, trial.made)
        left += getattr(trial.error, "left_behind", None) is not None
    assert left


@pytest.mark.parametrize("kind", [kind for kind in KINDS if kind != "in-place"])
def test_a_rename_whose_outcome_nobody_can_see_is_said(quick_path: Path, kind: str) -> None:
    outcomes = set()
    for fault, trial in tried(kind, quick_path, disturbances.renames_of_unknown_outcome):
        assert not trial.violations, (fault.label, trial.made)
        outcomes.add(type(trial.error))
    assert outcomes == {type(None), UnknownOutcomeError}


@pytest.mark.parametrize("kind", KINDS)
def test_an_interrupt_at_any_call_leaves_old_or_new_and_says_which(quick_path: Path, kind: str) -> None:
    notes = set()
    for fault, trial in tried(kind, quick_path, disturbances.interrupts):
        assert not trial.violations, (fault.label, trial.made)
        notes |= {note.rpartition(": ")[2] for note in getattr(trial.error, "__notes__", [])}
    assert notes == {"the new content is in place", "nothing was changed"}


def test_an_interrupt_behind_the_commit_says_so_and_leaves_nothing_open(quick_path: Path) -> None:
    for fault, trial in tried("existing", quick_path, disturbances.interrupts):
        assert not trial.violations, (fault.label, trial.made)


@pytest.mark.parametrize("way", WAYS)
def test_two_failures_leave_old_or_new(quick_path: Path, way: str) -> None:
    made, expected = undisturbed("orphaned", quick_path, way)
    for first in range(0, len(made), 12):
        for second, fault in enumerate(disturbances.second_failures(first, made)):
            trial = attempt("orphaned", way, quick_path / f"{first}-{second}", fault, expected)
            assert not trial.violations, (fault.label, trial.made)


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_at_any_call_leaves_old_or_new_and_the_next_save_works(quick_path: Path, kind: str) -> None:
    trials = Shard(kind, "write_bytes", quick_path)
    try:
        made, expected = trials.calm()
    except Unsupported as reason:
        pytest.skip(str(reason))
    for fault in islice(disturbances.kills(made), 0, None, 3):
        trials.kill(fault, expected)
    assert trials.violations == []
    assert trials.counts["kills"] > 15


# ── Writes that take less than they are given ───────────────────────────────


@pytest.fixture
def file(quick_path: Path) -> Path:
    return target_of("existing", quick_path / "here").file


def test_one_byte_at_a_time_is_enough(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.REAL, "write", lambda fd, data: os.write(fd, data[:1]))
    assert untorn.write_bytes(file, NEW).durable
    assert file.read_bytes() == NEW


def test_a_write_that_takes_nothing_is_an_error(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.REAL, "write", lambda _fd, _data: 0)
    with pytest.raises(untorn.WriteError):
        untorn.write_bytes(file, NEW)
    assert file.read_bytes() == OLD
    assert litter(file.parent) == set()


def test_a_write_that_lies_about_its_count_is_found_out(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.REAL, "write", lambda fd, data: (os.write(fd, data[:5]), len(data))[1])
    with pytest.raises(untorn.WriteError) as caught:
        untorn.write_bytes(file, NEW)
    assert caught.value.errno == errno.EIO
    assert file.read_bytes() == OLD


# ── Sweeps that fail, or come too early ─────────────────────────────────────


@pytest.mark.parametrize("name", ["listdir", "unlink"])
def test_what_a_sweep_could_not_remove_the_next_save_removes(quick_path: Path, name: str) -> None:
    target = target_of("orphaned", quick_path / "here")

    def fail(_nth: int, called: str) -> None:
        if called == name:
            raise os_error(errno.EIO)

    with watched(before=fail):
        receipt = untorn.write_bytes(target.path, NEW)
    left = litter(target.directory) - target.planted
    assert left == {word for word in " ".join(receipt.warnings).split() if word.endswith("swap")}
    next_save(target)
    assert litter(target.directory) == set()


def test_an_orphan_of_a_writer_that_lived_when_others_were_swept_is_removed_later(file: Path) -> None:
    orphan = file.with_name(f".{file.name}.{'0' * 32}.{'f' * 32}.tmp")
    orphan.write_bytes(OLD)
    with orphan.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        untorn.write_bytes(file, NEW)
        assert orphan.exists()
    untorn.write_bytes(file, OLD)  # the directory is as the last save left it: only a look tells
    assert litter(file.parent) == set()


def test_a_second_call_that_fails_persistently_is_still_told(file: Path) -> None:
    """The hooks of ``raising`` count: a name that was struck stays struck."""
    strike = raising(0, lambda: os_error(errno.EIO), persistent=True)
    with watched(before=strike) as watch, pytest.raises(untorn.ReadError):
        untorn.write_bytes(file, NEW)
    assert watch.made[0] == "stat"
    assert held_by(file) == OLD
