"""Many processes, one file: exact, in order, and nobody waits for the dead (promise 7)."""

from __future__ import annotations

import errno
import os
import signal
import time
import tomllib
from contextlib import ExitStack
from typing import TYPE_CHECKING

import pytest
from calls import watched
from processes import exit_code, forked, holder_of, started

import untorn
from untorn.errors import LockTimeoutError, WriteError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

PROCESSES, EDITS = 8, 200

COUNTERS = """\
# How often what happened.
title = "counters"   # never changes

[all]
shared   =   {shared}    # everybody's
# a comment of nobody's

[own]
""" + "".join(f"worker{n} = {{{n}}} # worker {n}'s alone\n" for n in range(PROCESSES))

COUNTING = """
import sys, untorn
path, own, times = sys.argv[1], sys.argv[2], int(sys.argv[3])
for _ in range(times):
    with untorn.edit(path, timeout=60) as doc:
        doc["all"]["shared"] += 1
        doc["own"][own] += 1
"""


def counters(shared: int, own: int) -> str:
    return COUNTERS.format(*[own] * PROCESSES, shared=shared)


def test_eight_processes_count_exactly_and_keep_every_comment(tmp_path: Path) -> None:
    path = tmp_path / "counters.toml"
    path.write_text(counters(0, 0))
    with ExitStack() as stack:
        workers = [
            stack.enter_context(started(COUNTING, path, f"worker{n}", EDITS)) for n in range(PROCESSES)
        ]
        assert [worker.wait() for worker in workers] == [0] * PROCESSES
    assert path.read_text() == counters(PROCESSES * EDITS, EDITS)
    assert [each.name for each in tmp_path.iterdir()] == ["counters.toml"]


# ── Who waits for whom ──────────────────────────────────────────────────────


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "app.toml"
    path.write_text("n = 0\n")
    return path


def number(path: Path) -> int:
    value = tomllib.loads(path.read_text())["n"]
    assert isinstance(value, int)
    return value


def increment(path: Path, **keywords: float) -> None:
    with untorn.edit(path, **keywords) as doc:  # type: ignore[arg-type]  # only timeout is given
        doc["n"] += 1


def test_an_edit_that_dawdles_does_not_hold_up_another_file(file: Path) -> None:
    other = file.with_name("other.toml")
    other.write_text("n = 0\n")
    with holder_of(file):
        increment(other, timeout=0)  # not even a moment
        untorn.save(other, {"n": 5}, base=None, timeout=0)
    assert number(other) == 5


def test_a_timeout_names_the_process_that_holds_the_lock(file: Path) -> None:
    if not os.access("/proc/locks", os.R_OK):
        pytest.skip("this system does not tell who holds a lock (/proc/locks)")
    with holder_of(file) as holder:
        with pytest.raises(LockTimeoutError) as caught:
            increment(file, timeout=0.05)
        assert f"by process {holder.pid} " in str(caught.value)
    assert number(file) == 0


def test_load_never_waits(file: Path) -> None:
    with holder_of(file):
        assert untorn.load(file) == {"n": 0}


def test_a_killed_holder_of_the_lock_blocks_nobody(file: Path) -> None:
    _kill_holders(file, 50)


@pytest.mark.slow
def test_a_thousand_killed_holders_block_nobody(file: Path) -> None:
    _kill_holders(file, 1000)


def _kill_holders(path: Path, times: int) -> None:
    for _ in range(times):
        reading, writing = os.pipe()

        def hold(tell: int = writing) -> None:
            with untorn.edit(path):
                os.write(tell, b"!")
                time.sleep(60)

        holder = forked(hold)
        assert os.read(reading, 1) == b"!"
        with pytest.raises(LockTimeoutError):
            increment(path, timeout=0)
        os.kill(holder, signal.SIGKILL)
        assert exit_code(holder) == -signal.SIGKILL
        increment(path, timeout=0)
        os.close(reading)
        os.close(writing)
    assert number(path) == times


def test_a_killed_holder_whose_child_lives_on_blocks_nobody(file: Path) -> None:
    reading, writing = os.pipe()
    ending, end = os.pipe()

    def live_on() -> None:
        os.close(end)
        os.write(writing, b"!")
        os.read(ending, 1)  # until the test closes the other end

    def hold_and_fork() -> None:
        with untorn.edit(file):
            forked(live_on)
            os.close(end)
            time.sleep(60)

    holder = forked(hold_and_fork)
    assert os.read(reading, 1) == b"!"
    os.kill(holder, signal.SIGKILL)
    exit_code(holder)
    increment(file, timeout=0)
    assert number(file) == 1
    for fd in (reading, writing, ending, end):
        os.close(fd)


def test_a_forked_child_does_not_keep_the_lock(file: Path) -> None:
    ending, end = os.pipe()

    def live_on() -> None:
        os.close(end)
        os.read(ending, 1)

    with untorn.edit(file) as doc:
        doc["n"] += 1
        child = forked(live_on)
    increment(file, timeout=0)
    os.close(end)
    assert exit_code(child) == 0
    os.close(ending)
    assert number(file) == 2


def test_a_forked_child_does_not_commit_under_its_parents_lock(file: Path) -> None:
    """What a child inherits of an edit is its parent's: it is refused, and removes nothing."""
    block = untorn.edit(file)
    doc = block.__enter__()
    doc["n"] += 1

    def leave_the_block() -> None:
        with pytest.raises(WriteError) as caught:
            block.__exit__(None, None, None)
        assert caught.value.errno == errno.EDEADLK

    assert exit_code(forked(leave_the_block)) == 0
    assert number(file) == 0
    block.__exit__(None, None, None)
    assert number(file) == 1
    assert [each.name for each in file.parent.iterdir()] == [file.name]


# ── Another process at any moment ───────────────────────────────────────────


def _edit(path: Path) -> None:
    with untorn.edit(path, create=True, timeout=0) as doc:
        doc.set("n", doc.get("n", 0) + 1)


def _update(path: Path) -> None:
    untorn.update(path, lambda doc: doc.set("n", doc.get("n", 0) + 1), create=True, timeout=0)


@pytest.mark.parametrize(
    ("count", "place"),
    [
        (_edit, "app.toml"),
        (_edit, "new.toml"),
        (_edit, "a/b/new.toml"),
        (_update, "app.toml"),
        (_update, "new.toml"),
        (_update, "a/b/new.toml"),
    ],
)
def test_another_process_that_counts_at_any_moment_is_counted_or_told(
    tmp_path: Path, count: Callable[[Path], None], place: str
) -> None:
    """At each system call of one, the other one runs from beginning to end."""

    def fresh(name: str) -> Path:
        directory = tmp_path / name
        directory.mkdir()
        (directory / "app.toml").write_text("n = 0\n")
        return directory / place

    count(fresh("before"))  # the names of the directories above are durable from then on
    with watched() as watch:
        count(fresh("count"))
    assert len(watch.made) > 20
    told = counted = 0
    for at in range(len(watch.made)):
        path = fresh(str(at))
        others: list[int] = []

        def other(nth: int, _name: str, at: int = at, path: Path = path, others: list[int] = others) -> None:
            if nth == at:
                others.append(exit_code(forked(lambda: _count_or_say(count, path))))

        mine = 1
        with watched(before=other):
            try:
                count(path)
            except untorn.SaveError:
                mine = 0
        [code] = others
        assert code in (0, TOLD), f"at call {at}, {watch.made[at]}"
        assert number(path) == mine + (code == 0), f"at call {at}, {watch.made[at]}"
        told += code == TOLD or not mine
        counted += mine and code == 0
    assert told > 5
    assert counted > 5


TOLD = 3


def _count_or_say(count: Callable[[Path], None], path: Path) -> None:
    try:
        count(path)
    except untorn.SaveError:
        os._exit(TOLD)
