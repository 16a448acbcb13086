"""Who waits, for how long, and what is said to who waited in vain (promise 7)."""

from __future__ import annotations

import errno
import fcntl
import os
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from calls import os_error, watched
from processes import exit_code, forked, holder_of
from targets import NEW, OLD

import untorn
from untorn import storage
from untorn.errors import LockTimeoutError, SaveError, UnknownOutcomeError, WriteError
from untorn.storage.locking import _await, _Turn

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(quick_path: Path) -> Path:
    path = quick_path / "app.toml"
    path.write_bytes(b"n = 0\n")
    return path


def test_a_thread_does_not_wait_for_itself(file: Path) -> None:
    with storage.lock(file), pytest.raises(SaveError, match="wait for itself"), storage.lock(file):
        pytest.fail("locked twice")
    with storage.lock(file, timeout=0):
        pass


def test_a_thread_waits_for_another_one_or_says_who_holds_it(file: Path) -> None:
    raised: list[BaseException] = []

    def wait(timeout: float) -> None:
        try:
            with storage.lock(file, timeout=timeout):
                pass
        except SaveError as error:
            raised.append(error)

    with storage.lock(file):
        impatient = threading.Thread(target=wait, args=(0.01,))
        patient = threading.Thread(target=wait, args=(60,))
        impatient.start()
        patient.start()
        impatient.join()
    patient.join()
    [error] = raised
    assert isinstance(error, LockTimeoutError)
    assert f"by process {os.getpid()} " in str(error)


def test_whoever_waits_gets_the_lock_when_it_comes_free(file: Path) -> None:
    with holder_of(file) as holder:
        threading.Timer(0.1, holder.kill).start()
        with storage.lock(file, timeout=60) as held:
            assert held.is_file
            assert holder.wait() != 0


def test_a_timeout_is_counted_anew_while_others_make_progress(file: Path) -> None:
    """Somebody changes the file all the time, as a queue of savers would."""
    ending = threading.Event()

    def progress() -> None:
        while not ending.wait(0.02):
            file.write_bytes(b"n = 1\n" + os.urandom(4).hex().encode())

    thread = threading.Thread(target=progress)
    with holder_of(file) as holder:
        thread.start()
        threading.Timer(1.0, holder.kill).start()
        started = time.monotonic()
        with storage.lock(file, timeout=0.2):
            assert time.monotonic() - started > 0.5
    ending.set()
    thread.join()


def test_the_directory_stands_for_a_file_that_is_gone(file: Path) -> None:
    with holder_of(file):
        file.rename(file.with_name("elsewhere"))
        with storage.lock(file, timeout=0) as held:  # its directory stands for it
            assert not held.is_file
    with storage.lock(file, timeout=0), pytest.raises(LockTimeoutError):
        _in_a_thread(lambda: storage.lock(file, timeout=0.01).__enter__())


def _in_a_thread(task) -> None:  # noqa: ANN001  any call
    raised: list[BaseException] = []

    def run() -> None:
        try:
            task()
        except SaveError as error:
            raised.append(error)

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    raise raised[0]


def test_a_child_forked_between_the_look_and_the_commit_does_not_commit(file: Path) -> None:
    snapshot = storage.read(file)
    with storage.lock(file) as held, storage.prepare(snapshot, NEW) as prepared:
        assert prepared.compare(held)

        def publish() -> None:
            for step in (prepared.compare, prepared.publish):
                with pytest.raises(WriteError) as caught:
                    step(held)
                assert caught.value.errno == errno.EDEADLK

        assert exit_code(forked(publish)) == 0
        prepared.publish(held)
    assert file.read_bytes() == NEW


def test_a_rename_whose_outcome_cannot_be_seen_is_said(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    failed: list[bool] = []

    def rename(*_names: str, **_directories: int) -> None:
        failed.append(True)
        raise os_error(errno.EIO)

    def look(*arguments: str, **keywords: int) -> os.stat_result:
        if failed:
            raise os_error(errno.ESTALE)
        return os.stat(*arguments, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(storage.REAL, "exchange", rename)
    monkeypatch.setattr(storage.REAL, "stat", look)
    with pytest.raises(UnknownOutcomeError):
        untorn.write_bytes(file, NEW)


def test_a_file_made_by_another_in_the_last_moment_is_not_replaced_unseen(quick_path: Path) -> None:
    path = quick_path / "new.conf"

    def make(_nth: int, name: str) -> None:
        if name == "rename_new" and not path.exists():
            path.write_bytes(OLD)

    with watched(before=make) as watch:
        untorn.write_bytes(path, NEW)
    assert watch.made.count("rename_new") == 1
    assert watch.made.count("rename") == 1  # asked for all the same, over what was seen now
    assert path.read_bytes() == NEW


def test_a_threads_wait_is_counted_anew_whenever_another_had_its_turn(tmp_path: Path) -> None:
    """As long as others get on, waiting is no sign that something hangs."""
    turn = _Turn()

    class Busy:
        """A lock that others take twice before it comes free."""

        waits = 0

        def acquire(self, timeout: float) -> bool:
            self.waits += 1
            turn.count += 1
            return self.waits > 2

    turn.lock = Busy()  # type: ignore[assignment]  # what is asked of a lock
    _await(turn, tmp_path / "x", 0.1)
    assert turn.count == 3


def test_a_holder_that_the_system_does_not_tell_is_not_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_arguments: object, **_keywords: object) -> None:
        raise PermissionError

    monkeypatch.setattr(sys.modules["untorn.storage.locking"], "open", refuse, raising=False)
    path = tmp_path / "x"
    path.write_bytes(b"")
    fd = os.open(path, os.O_RDONLY)
    try:
        fcntl.flock(fd, fcntl.LOCK_EX)
        with pytest.raises(LockTimeoutError) as caught, storage.lock(path, timeout=0):
            pass
    finally:
        os.close(fd)
    assert "by process" not in str(caught.value)
