"""SIGKILL at random moments of savers: the next save works, at once, and sweeps."""

from __future__ import annotations

import os
import random
import signal
import threading
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

from evidence import contents, crowds
from evidence.children import exit_code, forked
from evidence.readers import readers
from untorn.errors import UntornError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from evidence.hammer import Amounts

    Killing = Callable[["Rounds", int], None]

BOUND = 5.0
"""How many seconds the next save may take, on a machine that others use too."""
SLOWEST = "slowest next save, ms"


def stages(amounts: Amounts, places: int) -> Iterator[tuple[str, Callable[[Path], Counter[str]]]]:
    """Yield who is killed, and who saves next."""
    for killed, killing in KILLINGS.items():
        for through in ("", " through a link"):
            times = -(-amounts.kills // (places * len(KILLINGS) * 2))
            yield f"kills of {killed}{through}", partial(kill_often, killing, times, link=bool(through))


def kill_often(killing: Killing, times: int, directory: Path, *, link: bool) -> Counter[str]:
    """Kill savers of one file, again and again, while it is read."""
    target = path = directory / "target.toml"
    target.write_bytes(contents.text(0, "toml"))
    if link:
        (directory / "links").mkdir()
        path = directory / "links" / "link.toml"
        path.symlink_to(target)
    round_ = Rounds(path, target)
    with readers(path, 1) as found:
        for number in range(times):
            killing(round_, number)
    found.update(round_.counts)
    found[SLOWEST] = round(round_.slowest * 1000)
    return found


class Rounds:
    """One file, the savers of it that are killed, and the saves that follow."""

    def __init__(self, path: Path, target: Path) -> None:
        self.path = path
        self.counts: Counter[str] = Counter()
        self.slowest = 0.0
        self._target = target
        started = time.monotonic()
        for number in range(3):
            self._save(number)
        self.typical = (time.monotonic() - started) / 3

    def moment(self) -> None:
        """Wait until any moment of a save, or of the next two."""
        time.sleep(random.uniform(0, 3 * self.typical))

    def temps(self) -> list[bytes]:
        """Return what lies beside the file."""
        found = []
        for each in self._target.parent.iterdir():
            if each != self._target and not each.is_dir() and not each.is_symlink():
                try:
                    found.append(each.read_bytes())
                except FileNotFoundError:
                    continue  # a living saver's
        return found

    def kill(self, child: int, *, living: int = 0) -> None:
        """Kill a saver, and look at what it left."""
        os.kill(child, signal.SIGKILL)
        code = exit_code(child)
        self.counts["kills"] += 1
        self.counts["failed"] += code != -signal.SIGKILL
        left = self.temps()
        if not living:
            self.counts["kills between temp and rename"] += bool(left)
            self.counts["of these with a temp cut short"] += any(
                contents.verdict(each) != "whole" for each in left
            )
        self.counts["orphans beyond one a kill"] += len(left) > 1 + living

    def next_save(self, *, alone: bool = True, fresh: bool | None = None) -> None:
        """Save, in a new process or in this one: it must work, in time, and sweep."""
        started = time.monotonic()
        if not (random.random() < 0.5 if fresh is None else fresh):
            self.counts["blocked"] += not self._save(self.counts["kills"])
        else:
            self.counts["blocked"] += exit_code(forked(self._save_or_raise)) != 0
        took = time.monotonic() - started
        self.slowest = max(self.slowest, took)
        self.counts["blocked"] += took > BOUND
        self.counts["saves after a kill"] += 1
        if alone:
            self.counts["not swept"] += len(self.temps())

    def _save(self, number: int) -> bool:
        try:
            _save_somehow(self.path, number)
        except (UntornError, OSError) as error:
            print(f"the next save: {error!r}")
            return False
        return True

    def _save_or_raise(self) -> None:
        _save_somehow(self.path, 0)


def _save_somehow(path: Path, number: int) -> None:
    way = random.choice((crowds.write_bytes, crowds.save, crowds.edit))
    way(path, number)


# ── Who is killed ───────────────────────────────────────────────────────────


@contextmanager
def _started(task: Callable[[Callable[[], object]], None]) -> Iterator[int]:
    """Start ``task`` in a child, and go on when it calls what it is given."""
    waiting, ready = os.pipe()

    def run() -> None:
        random.seed()
        os.close(waiting)
        task(lambda: os.write(ready, b"."))

    child = forked(run)
    os.close(ready)
    os.read(waiting, 1)
    os.close(waiting)
    yield child


def _saving_forever(path: Path, ready: Callable[[], object]) -> None:
    ready()
    while True:
        _save_somehow(path, 0)


def a_saver(rounds: Rounds, _number: int) -> None:
    """Kill the only saver."""
    with _started(partial(_saving_forever, rounds.path)) as child:
        rounds.moment()
        rounds.kill(child)
    rounds.next_save()


def one_of_two(rounds: Rounds, _number: int) -> None:
    """Kill one of two savers, and save beside the other; then kill that one, too."""
    task = partial(_saving_forever, rounds.path)
    with _started(task) as first, _started(task) as second:
        rounds.moment()
        rounds.kill(first, living=1)
        rounds.next_save(alone=False)
        rounds.kill(second)
    rounds.next_save(fresh=True)


def one_while_another_saves(rounds: Rounds, _number: int) -> None:
    """Kill a saver in the midst of a save of this process, which has looked around already."""
    with _started(partial(_saving_forever, rounds.path)) as child:
        timer = threading.Timer(random.uniform(0, 0.01), os.kill, (child, signal.SIGKILL))
        timer.start()
        while timer.is_alive():
            rounds.next_save(alone=False, fresh=False)
        timer.join()
        rounds.kill(child, living=1)
    # An orphan that came during a save of this process, it may take for its own change, for a second.
    rounds.next_save(fresh=True)


def a_parent_of_a_living_child(rounds: Rounds, _number: int) -> None:
    """Kill a saver whose other thread forked a child, which lives on (WRITER W19)."""
    over, end = os.pipe()

    def saving(ready: Callable[[], object]) -> None:
        os.close(end)
        typical = rounds.typical

        def live_on() -> None:
            ready()  # and has let go of what it inherited
            os.read(over, 1)  # returns when the hammer closes the other end

        def fork() -> None:
            time.sleep(random.uniform(0, 2 * typical))
            forked(live_on)

        threading.Thread(target=fork).start()
        while True:
            _save_somehow(rounds.path, 0)

    with _started(saving) as child:
        rounds.moment()
        rounds.kill(child)
    rounds.next_save()
    os.close(over)
    os.close(end)


KILLINGS = {
    "a saver": a_saver,
    "one of two savers": one_of_two,
    "one saver while another saves": one_while_another_saves,
    "a parent of a living child": a_parent_of_a_living_child,
}
