"""The calls of Windows, over a kernel32 with its rules of sharing (WRITER W6-W9, W14, W17, W21)."""

from __future__ import annotations

import errno
import sys
from functools import partial
from itertools import islice
from typing import TYPE_CHECKING, Any

import pytest

if sys.platform != "linux":  # pragma: no cover
    pytest.skip("the simulation needs the calls of Linux", allow_module_level=True)

from win32_errors import ERRORS, LIES
from win32_simulation import windows

import untorn
from evidence import disturbances, transaction, trials
from evidence.calls import ERRORS as ENTRIES
from evidence.calls import os_error, raising, watched
from evidence.trials import Fault, attempt, reference

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from win32_simulation import Windows

    from evidence.calls import Hook

KINDS = ["existing", "new", "linked", "parents", "large", "orphaned", "again"]


@pytest.fixture(params=["posix", "plain"])
def library(request: pytest.FixtureRequest, tmp_path: Path) -> Iterator[Windows]:
    """Windows as it is, and as it was before Windows 10, or on FAT."""
    with windows(tmp_path) as library:
        if request.param == "plain":
            library.knows.discard("posix")
        yield library


# ── The whole of a save ─────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("way", ["write_bytes", "save", "update"])
def test_every_kind_of_save_works(quick_path: Path, library: Windows, kind: str, way: str) -> None:
    made, _ = reference(kind, way, quick_path / "here")
    assert made.count("fsync") >= 2
    assert library.made.count("FlushFileBuffers") >= 1
    assert library.waited == []


@pytest.mark.parametrize("kind", KINDS)
def test_any_failing_entry_leaves_old_or_new_and_what_it_says(
    quick_path: Path, library: Windows, kind: str
) -> None:
    _try_entries(kind, quick_path, 67)


@pytest.mark.slow
@pytest.mark.parametrize("kind", KINDS)
def test_every_failing_entry_leaves_old_or_new_and_what_it_says(
    quick_path: Path, library: Windows, kind: str
) -> None:
    _try_entries(kind, quick_path, 1)


def _try_entries(kind: str, directory: Path, step: int) -> None:
    """Try each ``step``-th fault, of each kind another one."""
    made, expected = reference(kind, "write_bytes", directory / "undisturbed")
    known = [name if name in ENTRIES else "close" for name in made]
    faults = (fault for fault in disturbances.failures(known) if not fault.lie)
    for number, fault in enumerate(islice(faults, KINDS.index(kind) % step, None, step)):
        trial = attempt(kind, "write_bytes", directory / str(number), fault, expected)
        assert not [each for each in trial.violations if not _known(each, fault)], (fault.label, trial.error)


def _known(violation: str, fault: Fault) -> bool:
    """To say of a file that it has no list is a lie that nobody can see through."""
    return "listxattr" in fault.label and "ENOTSUP" in fault.label and "mode" in violation


@pytest.mark.parametrize("persistent", [False, True], ids=["once", "ever after"])
@pytest.mark.parametrize("kind", KINDS)
def test_any_error_of_windows_leaves_old_or_new_and_what_it_says(
    quick_path: Path, library: Windows, kind: str, persistent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "judged", _judged_in_health(library))
    assert _try_errors(kind, quick_path, library, persistent=persistent, step=19) >= 18


@pytest.mark.slow
@pytest.mark.parametrize("persistent", [False, True], ids=["once", "ever after"])
@pytest.mark.parametrize("kind", KINDS)
def test_every_error_of_windows_leaves_old_or_new_and_what_it_says(
    quick_path: Path, library: Windows, kind: str, persistent: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(trials, "judged", _judged_in_health(library))
    assert _try_errors(kind, quick_path, library, persistent=persistent, step=1) >= 330


def _try_errors(kind: str, directory: Path, library: Windows, *, persistent: bool, step: int) -> int:
    """Let each call of a save say each of its errors, or each ``step``-th; return how many were tried."""
    _, expected = reference(kind, "write_bytes", directory / "undisturbed")
    made = _made_by_a_save(kind, directory / "counted", library)
    faults = [(nth, name, code) for nth, name in enumerate(made) for code in ERRORS[name]]
    first = (2 * KINDS.index(kind) + persistent) % step
    for nth, name, code in faults[first::step]:
        label = f"{name} (call {nth}) says {code}"
        lie = (name, code) in LIES
        fault = Fault(label, _arming(library, nth, code, persistent=persistent), lie=lie)
        trial = attempt(kind, "write_bytes", directory / f"{nth}-{code}", fault, expected)
        assert not trial.violations, (fault.label, trial.error, trial.made)
    assert max(library.waited, default=0) <= 0.16
    return len(faults[first::step])


def _judged_in_health(library: Windows) -> Callable[..., Iterator[str]]:
    judged = trials.judged

    def judge(*arguments: Any) -> Iterator[str]:
        library.well_again()
        return judged(*arguments)

    return judge


def _made_by_a_save(kind: str, directory: Path, library: Windows) -> list[str]:
    counts = []

    def counting() -> dict[str, Hook]:
        counts.append(len(library.made))
        return {"after": lambda _nth, _name: counts.append(len(library.made))}

    attempt(kind, "write_bytes", directory, Fault("counted", counting))
    return library.made[counts[0] : counts[-1]]


def _arming(library: Windows, nth: int, code: int, *, persistent: bool) -> Callable[[], dict[str, Hook]]:
    def arm() -> dict[str, Hook]:
        library.fail(nth, code, persistent=persistent)
        return {}

    return arm


# ── Transactions ────────────────────────────────────────────────────────────


def test_several_files_are_saved_as_one(quick_path: Path, library: Windows) -> None:
    transaction.prepare(quick_path)
    receipts = transaction.transact(quick_path)
    assert len(receipts) == 3
    assert transaction.loaded(quick_path) == transaction.NEW
    assert transaction.is_tidy(quick_path)
    assert library.waited == []


def test_any_failing_call_of_a_transaction_leaves_all_old_or_all_new(
    quick_path: Path, library: Windows
) -> None:
    for nth in range(500):
        place = quick_path / str(nth)
        place.mkdir()
        transaction.prepare(place)
        with watched(before=raising(nth, partial(os_error, errno.EIO))) as watch:
            try:
                transaction.transact(place)
            except (untorn.UntornError, FileNotFoundError) as error:
                told = f"call {nth} ({watch.made[nth]}): {error!r}"
            else:
                told = f"call {nth}"
        assert [*transaction.wrong_after(place)] == [], told
        if len(watch.made) <= nth:
            return
    pytest.fail("it makes more calls than were tried")
