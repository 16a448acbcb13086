"""untorn.aio: the same names, in threads of their own; a cancelled call is done or not done."""

from __future__ import annotations

import asyncio
import contextvars
import subprocess
import sys
import threading
from contextlib import contextmanager
from typing import TYPE_CHECKING, Any

import pytest

import untorn
from untorn import aio, callers, front, storage
from untorn.errors import ConflictError, LockTimeoutError, SaveError

if TYPE_CHECKING:
    from collections.abc import Callable, Coroutine, Iterator
    from contextlib import AbstractContextManager
    from pathlib import Path


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "count.toml"
    path.write_text("n = 0  # how many\n")
    return path


def run(coroutine: Coroutine[Any, Any, Any]) -> Any:
    """Run a coroutine; nothing of it may be left behind."""
    before = threading.active_count()
    result = asyncio.run(asyncio.wait_for(coroutine, 60))
    for thread in threading.enumerate():
        if thread.name == "untorn":
            thread.join(10)
    assert threading.active_count() == before
    return result


def is_free(path: Path) -> bool:
    """Return whether somebody else could save at once, and nothing lies beside the file."""
    with storage.lock(path, timeout=0):
        return [each.name for each in path.parent.iterdir()] == [path.name]


HOLDS = "import fcntl, sys; f = open(sys.argv[1]); fcntl.flock(f, 2); print(flush=True); sys.stdin.read()"


@contextmanager
def held_by_a_process(path: Path) -> Iterator[None]:
    command = [sys.executable, "-c", HOLDS, str(path)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as process:
        assert process.stdin is not None
        assert process.stdout is not None
        process.stdout.readline()
        try:
            yield
        finally:
            process.stdin.close()


@contextmanager
def held_by_a_thread(path: Path) -> Iterator[None]:
    release, ready = threading.Event(), threading.Event()

    def hold() -> None:
        with storage.lock(path):
            ready.set()
            release.wait(10)

    thread = threading.Thread(target=hold)
    thread.start()
    ready.wait(10)
    try:
        yield
    finally:
        release.set()
        thread.join()


def test_it_has_the_names_of_the_front_door() -> None:
    names = {name for name, each in vars(front).items() if callable(each) and name.islower()}
    assert names <= set(vars(aio))
    for name in names:
        assert getattr(aio, name).__doc__ == getattr(front, name).__doc__


def test_each_function_does_what_its_namesake_does(path: Path) -> None:
    async def main() -> None:
        value = await aio.load(path)
        value["n"] = 1
        assert (await aio.save(path, value)).changed
        await aio.update(path, lambda doc: doc.set("n", doc.get("n") + 1))
        assert await aio.loads("n = 2", format="toml") == await aio.load(path)
        assert await aio.dumps({"n": 2}, format="toml") == "n = 2\n"
        assert (await aio.parse("n = 2", format="toml")).get("n") == 2
        document = await aio.open(path)
        document.set("n", 3)
        await aio.call(document.save)
        async with aio.edit(path) as doc:
            doc["n"] += 1
        await aio.write_text(path.with_name("notes.md"), "x")
        await aio.write_bytes(path.with_name("blob.bin"), b"x")

    run(main())
    assert path.read_text() == "n = 4  # how many\n"
    assert path.with_name("notes.md").read_text() == path.with_name("blob.bin").read_text() == "x"


def test_errors_are_those_of_the_namesake(path: Path) -> None:
    async def main() -> None:
        with pytest.raises(FileNotFoundError):
            await aio.load(path.with_name("none.toml"))
        with pytest.raises(FileNotFoundError):
            async with aio.edit(path.with_name("none.toml")):
                pytest.fail("the block of an edit that did not begin")
        with pytest.raises(untorn.UnrepresentableError):
            async with aio.edit(path) as doc:
                doc["n"] = None
        with pytest.raises(ZeroDivisionError):
            async with aio.edit(path) as doc:
                doc["n"] = 1 / 0
        with pytest.raises(TypeError):
            await aio.save(path, {}, nonsense=1)  # type: ignore[call-arg]

    run(main())
    assert path.read_text() == "n = 0  # how many\n"
    assert is_free(path)


def test_no_step_of_many_tasks_is_lost(path: Path) -> None:
    """More tasks than a pool has threads, each holding the lock while it awaits something."""

    async def step() -> None:
        async with aio.edit(path) as doc:
            before = doc["n"]
            await asyncio.sleep(0)
            doc["n"] = before + 1

    async def main() -> None:
        await asyncio.gather(*(step() for _ in range(60)))
        await asyncio.gather(*(aio.update(path, lambda doc: doc.set("n", doc["n"] + 1)) for _ in range(20)))

    run(main())
    assert path.read_text() == "n = 80  # how many\n"
    assert is_free(path)


def test_the_loop_goes_on_while_a_call_waits_for_the_lock(path: Path) -> None:
    async def main() -> None:
        with storage.lock(path):
            waiting = asyncio.create_task(aio.save(path, {"n": 1}, base=None))
            for _ in range(20):
                await asyncio.sleep(0.005)
            assert not waiting.done()
        await waiting

    run(main())
    assert untorn.load(path) == {"n": 1}


def test_a_task_that_edits_what_it_is_editing_is_told_so(path: Path) -> None:
    async def main() -> None:
        async with aio.edit(path) as doc:
            with pytest.raises(SaveError, match="wait for itself"):
                await aio.save(path, {"n": 5}, base=None)
            with pytest.raises(SaveError, match="wait for itself"):
                untorn.save(path, {"n": 5}, base=None)
            doc["n"] = 1

    run(main())
    assert path.read_text() == "n = 1  # how many\n"


def test_a_call_that_would_block_the_loop_for_ever_is_told_so(path: Path) -> None:
    """Another task of this thread holds the lock, and cannot go on while this one blocks the loop."""

    async def holds(entered: asyncio.Event, leave: asyncio.Event) -> None:
        async with aio.edit(path) as doc:
            entered.set()
            await leave.wait()
            doc["n"] = 7

    async def main() -> None:
        entered, leave = asyncio.Event(), asyncio.Event()
        holder = asyncio.create_task(holds(entered, leave))
        await entered.wait()
        with pytest.raises(SaveError, match="wait for itself"):
            untorn.save(path, {"n": 5}, base=None)
        with pytest.raises(LockTimeoutError):
            await aio.save(path, {"n": 5}, base=None, timeout=0.12)
        leave.set()
        await holder

    run(main())
    assert path.read_text() == "n = 7  # how many\n"


def test_a_task_that_waits_longer_than_its_patience_gives_up(path: Path) -> None:
    async def main() -> None:
        with held_by_a_thread(path):
            with pytest.raises(LockTimeoutError):
                await aio.save(path, {"n": 5}, base=None, timeout=0.2)
            later = asyncio.create_task(aio.save(path, {"n": 6}, base=None))
            await asyncio.sleep(0.15)
            assert not later.done()
        await later

    run(main())
    assert untorn.load(path) == {"n": 6}


@pytest.mark.parametrize("held", [held_by_a_thread, held_by_a_process])
def test_who_is_cancelled_stops_waiting_and_says_that_nothing_was_done(
    path: Path, held: Callable[[Path], AbstractContextManager[None]]
) -> None:
    async def main() -> None:
        waiting = asyncio.create_task(aio.save(path, {"n": 5}, base=None, timeout=30))
        await asyncio.sleep(0.1)
        began = asyncio.get_running_loop().time()
        waiting.cancel()
        with pytest.raises(asyncio.CancelledError) as caught:
            await waiting
        assert asyncio.get_running_loop().time() - began < 5
        assert "nothing was changed" in caught.value.__notes__[0]

    with held(path):
        asyncio.run(main())
    assert path.read_text() == "n = 0  # how many\n"
    assert is_free(path)


def test_who_is_cancelled_behind_the_lock_is_told_that_it_was_done(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def main() -> None:
        loop, inside = asyncio.get_running_loop(), asyncio.Event()
        go_on = threading.Event()
        right = front.DEFAULT.save

        def slow(*args: Any, **keywords: Any) -> Any:
            receipt = right(*args, **keywords)
            loop.call_soon_threadsafe(inside.set)
            go_on.wait(10)
            return receipt

        saving = asyncio.create_task(aio.call(slow, path, {"n": 5}, base=None))
        await inside.wait()
        saving.cancel()
        await asyncio.sleep(0.02)
        saving.cancel()  # who insists waits no less
        await asyncio.sleep(0.02)
        assert not saving.done()
        go_on.set()
        with pytest.raises(asyncio.CancelledError) as caught:
            await saving
        assert "completed" in caught.value.__notes__[0]

    run(main())
    assert untorn.load(path) == {"n": 5}


def test_a_call_that_is_cancelled_at_any_moment_is_done_or_not_done_and_leaves_nothing(path: Path) -> None:
    async def main() -> tuple[int, int]:
        done = cancelled = 0
        for step in range(60):
            before = (await aio.load(path))["n"]
            if step % 2:
                task: asyncio.Task[Any] = asyncio.create_task(edited())
            else:
                task = asyncio.create_task(aio.update(path, lambda doc: doc.set("n", doc["n"] + 1)))
            await asyncio.sleep(step * 0.0004)
            task.cancel()
            try:
                await task
            except asyncio.CancelledError:
                cancelled += 1
            after = (await aio.load(path))["n"]
            assert after in (before, before + 1)
            done += after - before
            assert is_free(path)
        return done, cancelled

    async def edited() -> None:
        async with aio.edit(path) as doc:
            doc["n"] += 1

    done, cancelled = run(main())
    assert done
    assert cancelled


def test_a_lock_that_came_too_late_is_given_back(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Cancelled while it enters: the block never runs, and nobody else waits for it."""

    async def main() -> None:
        loop, inside, go_on = asyncio.get_running_loop(), asyncio.Event(), threading.Event()
        right = storage.lock

        def slow(*args: Any, **keywords: Any) -> Any:
            loop.call_soon_threadsafe(inside.set)
            go_on.wait(10)
            return right(*args, **keywords)

        async def edited() -> None:
            async with aio.edit(path):
                pytest.fail("the block of a cancelled edit")

        monkeypatch.setattr(storage, "lock", slow)
        task = asyncio.create_task(edited())
        await inside.wait()
        task.cancel()
        await asyncio.sleep(0.01)
        go_on.set()
        with pytest.raises(asyncio.CancelledError):
            await task
        monkeypatch.setattr(storage, "lock", right)
        assert is_free(path)

    run(main())


def test_two_tasks_are_two_and_one_is_one_wherever_their_threads_are(path: Path) -> None:
    async def main() -> None:
        value = dict(await aio.load(path))
        value["n"] = 1
        await aio.save(path, value)  # one load, one save of the same task
        loaded = await asyncio.create_task(aio.load(path))
        with pytest.raises(ConflictError, match="unknown base"):
            await aio.save(path, dict(loaded))

    run(main())


def test_what_it_calls_sees_the_context_of_its_task(path: Path) -> None:
    who: contextvars.ContextVar[str] = contextvars.ContextVar("who", default="nobody")

    async def main() -> None:
        who.set("me")
        await aio.update(path, lambda doc: doc.set("by", who.get()))
        assert callers.acting_for.get() is None

    run(main())
    assert untorn.load(path)["by"] == "me"


def test_a_loop_that_is_closed_is_told_nothing(path: Path) -> None:
    go_on, ended = threading.Event(), threading.Event()

    def slow() -> None:
        go_on.wait(10)
        ended.set()

    loop = asyncio.new_event_loop()
    task = loop.create_task(aio.call(slow))
    loop.run_until_complete(asyncio.sleep(0.01))
    task.cancel()
    task._log_destroy_pending = False  # type: ignore[attr-defined]  # it is left on purpose
    loop.close()
    go_on.set()
    assert ended.wait(10)
    for thread in threading.enumerate():
        if thread.name == "untorn":
            thread.join(10)
    assert is_free(path)
