"""Every system call of a save fails in turn, in every way its man page knows (promises 2, 3)."""

from __future__ import annotations

import errno
import os
import signal
from typing import TYPE_CHECKING

import pytest
from calls import ERRORS, os_error, raising, watched
from processes import exit_code, forked
from targets import KINDS, NEW, NEXT, OLD, forgetful, held_by, litter, path_of, target_of

import untorn
from untorn import storage
from untorn.errors import LoadError, NotDurableError, SaveError, UnknownOutcomeError

if TYPE_CHECKING:
    from pathlib import Path


def calls_of_a_save(kind: str, directory: Path) -> list[str]:
    directory.mkdir()
    path = target_of(kind, directory)
    with forgetful(), watched() as watch:
        untorn.write_bytes(path, NEW)
    return watch.made


def check(kind: str, directory: Path, outcome: BaseException | None, before: bytes | None) -> None:
    """Assert promises 2 and 3, then that the next save works and sweeps."""
    path = path_of(kind, directory)
    found = held_by(path)
    behind = litter(directory)
    if outcome is None or isinstance(outcome, NotDurableError):
        assert found == NEW
        assert behind == set()
    elif isinstance(outcome, UnknownOutcomeError):
        assert found in (before, NEW)
    else:
        assert isinstance(outcome, (SaveError, LoadError)), repr(outcome)
        assert found == before
        left = getattr(outcome, "left_behind", None)
        assert behind == ({left.name} if left else set())
        if kind == "parents" and left is None and not isinstance(outcome, LoadError):
            assert not (directory / "a").exists() or any(directory.rglob("*"))
    with forgetful():
        untorn.write_bytes(path, NEXT)
    assert held_by(path) == NEXT
    assert litter(directory) == set()


def attempt(kind: str, directory: Path, **hooks) -> tuple[BaseException | None, bytes | None]:  # noqa: ANN003
    directory.mkdir(parents=True)
    path = target_of(kind, directory)
    before = held_by(path)
    outcome: BaseException | None = None
    with forgetful(), watched(**hooks):
        try:
            untorn.write_bytes(path, NEW, timeout=0)
        except BaseException as error:  # noqa: BLE001  judged by the caller
            outcome = error
    return outcome, before


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("persistent", [False, True], ids=["once", "persistently"])
def test_any_failing_call_leaves_old_or_new_and_what_it_says(
    quick_path: Path, kind: str, persistent: bool
) -> None:
    made = calls_of_a_save(kind, quick_path / "count")
    assert len(made) > 15
    tried = 0
    for nth, name in enumerate(made):
        for code in ERRORS[name]:
            directory = quick_path / f"{nth}-{code}"
            hook = raising(nth, lambda code=code: os_error(code), persistent=persistent)
            outcome, before = attempt(kind, directory, before=hook)
            if persistent and name in ("unlink", "rename") and isinstance(outcome, SaveError):
                assert outcome.left_behind is None or name == "unlink"
            check(kind, directory, outcome, before)
            tried += 1
    assert tried > 80


@pytest.mark.parametrize("kind", KINDS)
def test_an_error_after_the_call_was_done_leaves_old_or_new(quick_path: Path, kind: str) -> None:
    """A network file system may do what it was asked to and report an error all the same."""
    for nth, name in enumerate(calls_of_a_save(kind, quick_path / "count")):
        if name in ("open", "mkdir"):  # what those made, nobody can know of
            continue
        directory = quick_path / f"{nth}"
        outcome, before = attempt(kind, directory, after=raising(nth, lambda: os_error(errno.EIO)))
        check(kind, directory, outcome, before)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_interrupt_at_any_call_leaves_old_or_new_and_says_which(
    quick_path: Path, kind: str, moment: str
) -> None:
    notes = set()
    for nth, name in enumerate(calls_of_a_save(kind, quick_path / "count")):
        if moment == "after" and name in ("open", "mkdir"):
            continue  # Python delivers a signal after the result is bound, or not at all
        directory = quick_path / f"{nth}"
        outcome, before = attempt(kind, directory, **{moment: raising(nth, KeyboardInterrupt)})
        assert isinstance(outcome, KeyboardInterrupt)
        path = path_of(kind, directory)
        found = held_by(path)
        assert found in (before, NEW)
        for note in getattr(outcome, "__notes__", []):
            notes.add(note.rpartition(": ")[2])
            assert note.endswith("the new content is in place" if found == NEW else "nothing was changed")
        assert litter(directory) == set()
        with forgetful():
            untorn.write_bytes(path, NEXT)
        assert held_by(path) == NEXT
    assert notes == {"the new content is in place", "nothing was changed"}


def test_one_byte_at_a_time_is_enough(quick_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = target_of("existing", quick_path)
    monkeypatch.setattr(storage.REAL, "write", lambda fd, data: os.write(fd, data[:1]))
    assert untorn.write_bytes(path, NEW).durable
    assert path.read_bytes() == NEW


def test_a_write_that_takes_nothing_is_an_error(quick_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = target_of("existing", quick_path)
    monkeypatch.setattr(storage.REAL, "write", lambda _fd, _data: 0)
    with pytest.raises(untorn.WriteError):
        untorn.write_bytes(path, NEW)
    assert path.read_bytes() == OLD
    assert litter(quick_path) == set()


def test_a_write_that_lies_about_its_count_is_found_out(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = target_of("existing", quick_path)
    monkeypatch.setattr(storage.REAL, "write", lambda fd, data: (os.write(fd, data[:5]), len(data))[1])
    with pytest.raises(untorn.WriteError) as caught:
        untorn.write_bytes(path, NEW)
    assert caught.value.errno == errno.EIO
    assert path.read_bytes() == OLD


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_any_call_leaves_old_or_new_and_the_next_save_works(
    quick_path: Path, kind: str, moment: str
) -> None:
    def kill(at: int):  # noqa: ANN202  a hook
        def strike(nth: int, _name: str) -> None:
            if nth == at:
                os.kill(os.getpid(), signal.SIGKILL)

        return strike

    made = calls_of_a_save(kind, quick_path / "count")
    left = 0
    for nth in range(len(made)):
        directory = quick_path / f"{nth}"
        directory.mkdir()
        path = target_of(kind, directory)
        before = held_by(path)

        def save(nth: int = nth, path: Path = path) -> None:
            with forgetful(), watched(**{moment: kill(nth)}):
                untorn.write_bytes(path, NEW)

        assert exit_code(forked(save)) == -signal.SIGKILL, made[nth]
        assert held_by(path) in (before, NEW)
        assert len(litter(directory)) <= 1
        left += len(litter(directory))
        with forgetful():
            assert untorn.write_bytes(path, NEXT).durable
        assert held_by(path) == NEXT
        assert litter(directory) == set()
    assert left > 5  # many of these kills fell between the temp's creation and the rename
