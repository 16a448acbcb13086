"""Several programs in one directory, one system call at a time, in an order that is chosen.

Each program is a thread that stops before every call that others could notice.
Then it is decided who goes on: the same one, another one (a *preemption*), or
nobody ever again (a *crash* of the whole machine, but for the disk). A program
that waits (for a lock, that is, sleeps between two tries) is passed over until
somebody has let go of something. ``explored`` goes through every order that has
no more than so many preemptions and crashes.
"""

from __future__ import annotations

import os
import random
import threading
import time
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any
from unittest import mock

from untorn import storage
from untorn.storage import descriptors, locking

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

CRASH = -1
"""Chosen instead of a program: nobody goes on."""

_BY_NAME = frozenset({"stat", "readlink", "symlink", "unlink", "rename", "rename_new", "exchange", "open"})
_BY_DESCRIPTOR = {
    "pread": ("data",), "fstat": ("file", "other", "data"), "flock": ("locks",),
    "listdir": ("file", "other", "link"),
}  # fmt: skip
_CHANGES = frozenset({"symlink", "unlink", "rename", "rename_new", "exchange", "flock", "close"})
_SILENT = frozenset({"fstat", "close"})
"""Nobody else goes on before these: who follows the call before could have gone on there."""
_LETS_GO = frozenset({"close", "unlink", "rename", "rename_new", "exchange"})
_READS = frozenset({"stat", "readlink", "open", "pread", "flock", "listdir", "sleep", "the beginning"})
"""Before these a disk is as before whatever came last: a crash there shows nothing new."""
_VISIBLE = frozenset({"file", "data"})
_PATIENCE = 50
"""How often all may wait for each other in vain before that is a deadlock."""


class Stopped(BaseException):
    """The machine crashed: nothing that this program does has an effect any more."""


class Deadlock(Exception):  # noqa: N818  a verdict
    """All programs wait for each other."""


@dataclass
class Program:
    """A program on its way.

    Attributes:
        name: What to call it.
        run: What it does.
        waits: Whether it sleeps until somebody lets go of something.
        ended: Whether it has done all that it does.
        error: What it raised.
    """

    name: str
    run: Callable[[], object]
    waits: bool = False
    ended: bool = False
    error: BaseException | None = None
    turn: threading.Semaphore = field(default_factory=lambda: threading.Semaphore(0))


@dataclass(frozen=True)
class Choice:
    """A point at which it was decided who goes on.

    Attributes:
        options: The programs that could, by number; first who would without a decision.
        taken: Which of them it was.
        free: Whether any other would have cost nothing, because the last one could not go on.
        call: The call that was about to be made.
        state: What all had done and seen by then.
    """

    options: tuple[int, ...]
    taken: int
    free: bool
    call: str
    state: int

    def cost(self, index: int) -> int:
        """Return how many preemptions this option is."""
        return int(index > 0 and (not self.free or self.options[index] == CRASH))


class Machine:
    """One run.

    Args:
        shared: What a file of this name is to all; ``None`` where nobody else notices it.
        decided: Which option is taken at each point, as long as this goes on; then the first.
        crashes: Whether to crash is an option.
        look: Called before each step behind which a reader could see something else than before.
    """

    def __init__(
        self,
        shared: Callable[[str], str | None],
        decided: Sequence[int],
        *,
        crashes: bool,
        look: Callable[[], None],
    ) -> None:
        self._shared = shared
        self._decided = decided
        self._crashes = crashes
        self._look = look
        self.programs: list[Program] = []
        self.choices: list[Choice] = []
        self.crashed = False
        self._running = CRASH
        self._descriptors: set[int] = set()
        self._locked: set[int] = set()
        self._versions: dict[str, int] = {}
        self._histories: list[int] = []
        self._idle = 0
        self._to_see = True
        self._done = threading.Semaphore(0)
        self._failure: BaseException | None = None

    def run(self, programs: Sequence[Program]) -> None:
        """Run all of them to their ends, or to the crash.

        Raises:
            Deadlock: They wait for each other.
            BaseException: What ``look`` raised.
        """
        self.programs = list(programs)
        self._histories = [0] * len(programs)
        with self._calls_replaced(), _processes_of_their_own(self._wait):
            threads = [
                threading.Thread(target=self._ran, args=(number,), daemon=True)
                for number in range(len(self.programs))
            ]
            for thread in threads:
                thread.start()
            self._go_on(CRASH, "the beginning")
            for _ in threads:
                self._done.acquire()
            for thread in threads:
                thread.join()
        for fd in self._descriptors:  # what the machine had open
            os.close(fd)
        # Nor may a forked child close these numbers, which are others' by then.
        descriptors._descriptors.difference_update(self._descriptors)  # noqa: SLF001  of processes that crashed
        if self._failure is not None:
            raise self._failure

    # ── Steps ───────────────────────────────────────────────────────────────

    def step(self, call: str, *, changes: Sequence[str] = ()) -> None:
        """Stop before a call that others could notice.

        A program that is no user of untorn calls it itself, and says what it ``changes``.
        """
        if self.crashed:
            raise Stopped
        me = self._running
        self._go_on(me, call)
        if self._running != me:
            self.programs[me].turn.acquire()
        if self.crashed:
            raise Stopped
        if changes:
            self._note(me, call, changes, changes)

    def _ran(self, number: int) -> None:
        program = self.programs[number]
        program.turn.acquire()
        try:
            if self.crashed:
                raise Stopped  # noqa: TRY301  before it began
            program.run()
        except Stopped:
            self._done.release()
            return
        except BaseException as error:  # noqa: BLE001  judged by who asked for the run
            program.error = error
        program.ended = True
        if not self.crashed:
            self._let_go()
            self._go_on(number, "its end")
        self._done.release()

    def _wait(self, _seconds: float) -> None:
        """Stand in for ``time.sleep``."""
        me = self._running
        self.programs[me].waits = True
        self.step("sleep")

    def _let_go(self) -> None:
        self._idle = 0
        for program in self.programs:
            program.waits = False

    def _able(self) -> list[int]:
        return [number for number, each in enumerate(self.programs) if not (each.ended or each.waits)]

    def _go_on(self, me: int, call: str) -> None:
        """Decide who goes on, and let it."""
        try:
            if self._to_see:
                self._to_see = False
                self._look()
            if all(each.ended for each in self.programs):
                return
            following = self._decide(me, call)
        except BaseException as error:  # noqa: BLE001  raised by ``run``
            self._failure, following = error, CRASH
        if following == CRASH:
            self._crash(me)
            return
        self._running = following
        if following != me:
            self.programs[following].turn.release()

    def _decide(self, me: int, call: str) -> int:
        able = self._able()
        if not able:
            self._idle += 1
            if self._idle > _PATIENCE:
                raise Deadlock
            for each in self.programs:
                each.waits = False
            able = self._able()
        goes_on = me in able
        options = ([me] if goes_on else []) + [each for each in able if each != me]
        if self._crashes and call not in _READS:
            options.append(CRASH)
        at = len(self.choices)
        index = self._decided[at] if at < len(self._decided) else 0
        self.choices.append(Choice(tuple(options), index, not goes_on, call, self._state(me)))
        return options[index]

    def _state(self, me: int) -> int:
        waiting = tuple((each.waits, each.ended) for each in self.programs)
        return hash((me, waiting, *self._histories, *sorted(self._versions.items())))

    def _note(self, me: int, call: str, looks: Sequence[str], changes: Sequence[str]) -> None:
        """Note what a program has seen, and what it has changed."""
        seen = tuple(self._versions.get(each, 0) for each in looks)
        self._histories[me] = hash((self._histories[me], call, seen))
        for each in changes:
            self._to_see = self._to_see or each in _VISIBLE
            self._versions[each] = hash((self._versions.get(each, 0), me, self._histories[me]))

    def _crash(self, me: int) -> None:
        self.crashed = True
        for number, each in enumerate(self.programs):
            if number != me and not each.ended:
                each.turn.release()

    # ── Calls ───────────────────────────────────────────────────────────────

    @contextmanager
    def _calls_replaced(self) -> Iterator[None]:
        real = dict(vars(storage.REAL))
        for name, function in real.items():
            setattr(storage.REAL, name, self._wrapped(name, function))
        try:
            yield
        finally:
            for name, function in real.items():
                setattr(storage.REAL, name, function)

    def _wrapped(self, name: str, real: Callable[..., Any]) -> Callable[..., Any]:
        def call(*arguments: Any, **keywords: Any) -> Any:  # noqa: ANN401  whatever the entry takes
            if self.crashed:
                raise Stopped
            about = self._about(name, arguments)
            if about and name not in _SILENT:
                self.step(name)
            try:
                return self._noted(name, arguments, real(*arguments, **keywords))
            finally:
                if about:
                    self._note(self._running, name, about, about if name in _CHANGES else ())
                if name in _LETS_GO:
                    self._let_go()

        return call

    def _about(self, name: str, arguments: tuple[Any, ...]) -> list[str]:
        """Return what a call looks at or changes that others know, too."""
        if name in _BY_NAME:
            named = (self._shared(os.fsdecode(each)) for each in arguments[:2] if not isinstance(each, int))
            return [each for each in named if each is not None]
        if name == "close" and arguments[0] in self._locked:
            return ["locks"]
        return list(_BY_DESCRIPTOR.get(name, ()))

    def _noted(self, name: str, arguments: tuple[Any, ...], result: Any) -> Any:  # noqa: ANN401  whatever it is
        if name == "open":
            self._descriptors.add(result)
        elif name == "flock":
            self._locked.add(arguments[0])
        elif name == "close":
            self._descriptors.discard(arguments[0])
            self._locked.discard(arguments[0])
        return result


@contextmanager
def _processes_of_their_own(wait: Callable[[float], None]) -> Iterator[None]:
    """Let each thread be a process: threads of one take turns, and sleep by the clock."""

    def turn(_path: object, _timeout: float) -> Any:  # noqa: ANN401  the module's own class
        mine = locking._Turn()  # noqa: SLF001  as above
        mine.lock.acquire()
        return mine

    with (
        mock.patch.object(locking, "_take_turn", turn),
        mock.patch.object(locking, "_end_turn", lambda mine, _path: mine.lock.release()),
        mock.patch.object(descriptors, "_noting", nullcontext()),
        mock.patch.object(time, "sleep", wait),
    ):
        yield


# ── Every order ─────────────────────────────────────────────────────────────


def explored(
    run: Callable[[Sequence[int]], Sequence[Choice]], bound: int, *, scattered: bool = False
) -> Iterator[tuple[int, ...]]:
    """Call ``run`` with every order that has at most ``bound`` preemptions and crashes; yield each.

    Args:
        run: Runs the programs with these decisions, and returns all that were taken.
        bound: How many decisions may go against who would go on by itself.
        scattered: Whether those that come first shall be unlike each other, for who
            does not want them all; the same ones each time.
    """
    chance = random.Random(0)
    waiting: list[tuple[int, ...]] = [()]
    followed: dict[int, int] = {}  # with how many decisions left
    while waiting:
        decided = waiting.pop(chance.randrange(len(waiting)) if scattered else -1)
        choices = run(decided)
        yield decided
        taken = [each.taken for each in choices]
        left = bound - sum(each.cost(each.taken) for each in choices[: len(decided)])
        for at in range(len(decided), len(choices)):
            choice = choices[at]
            if followed.get(choice.state, -1) >= left:
                break
            followed[choice.state] = left
            waiting += [
                (*taken[:at], index) for index in range(1, len(choice.options)) if choice.cost(index) <= left
            ]
