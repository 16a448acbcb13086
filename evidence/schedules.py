"""Two savers and a program that knows no lock, in every order of their system calls, with a crash anywhere.

::

    python -m evidence.schedules            at most 3 preemptions: hours
    python -m evidence.schedules --quick    at most 2, and of each scenario a part

Judged are promises 2, 3 and 8: what was acknowledged is there, what was refused
is not, what the other program wrote is never set back, no reader meets anything
but a whole file, nothing is left behind, and the next save works.
"""

from __future__ import annotations

import argparse
import json
import multiprocessing
import os
import shutil
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from dataclasses import dataclass, field
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

import untorn
from evidence.certainty import as_a_new_process, without_chance
from evidence.scheduler import Choice, Deadlock, Machine, Program, explored

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from contextlib import AbstractContextManager

    Save = Callable[["Place", str], object]
    Foreign = Callable[["Place", Machine], None]

FULL, QUICK = 3, 2
_QUICK_MOST = 60
_TIMEOUT = 3_600.0
_NAME = "app.json"
_MEMORY = Path("/dev/shm")
UNKNOWN = (untorn.UnknownOutcomeError, untorn.NotDurableError)


@dataclass
class Place:
    """The directory in which it happens."""

    directory: Path

    @property
    def file(self) -> Path:
        return self.directory / _NAME

    @property
    def link(self) -> Path:
        return self.directory / f".{_NAME}.swap"

    def prepared(self) -> None:
        """Let there be the file and nothing else, and this process know nothing of it."""
        for each in self.directory.iterdir():
            each.unlink()
        self.file.write_text(json.dumps({"a": 0, "b": 0, "n": 0, "theirs": 0}) + "\n")
        os.utime(self.file, (0, 0))
        as_a_new_process()

    def held(self) -> dict[str, int] | None:
        """Return what the file holds; ``None`` where there is none, or only a part of it."""
        try:
            value: dict[str, int] = json.loads(self.file.read_bytes())
        except (FileNotFoundError, ValueError):
            return None
        return value

    def litter(self) -> list[str]:
        return sorted(each.name for each in self.directory.iterdir() if each.name != _NAME)


# ── Programs ────────────────────────────────────────────────────────────────


def edit(place: Place, key: str) -> None:
    """Hold the lock from the read to the save."""
    with untorn.Host(discover=False).edit(place.file, timeout=_TIMEOUT) as document:
        document.set(key, document.get(key) + 1)


def update(place: Place, key: str) -> None:
    """Do the same, with a function."""
    change = lambda document: document.set(key, document.get(key) + 1)  # noqa: E731
    untorn.Host(discover=False).update(place.file, change, timeout=_TIMEOUT)


def save(place: Place, key: str) -> None:
    """Load, change and save: the lock is held for the commit alone."""
    host = untorn.Host(discover=False)
    value = host.load(place.file)
    value[key] += 1
    host.save(place.file, value, timeout=_TIMEOUT)


def rename(place: Place, machine: Machine) -> None:
    """What a careful editor does, with what the file holds in that moment: its write is never stale."""
    machine.step("rename by another program", changes=["file", "data"])
    value = {**(place.held() or {}), "theirs": 1}
    new = place.directory / "editor"
    new.write_text(json.dumps(value) + "\n")
    new.replace(place.file)


def overwrite(place: Place, machine: Machine) -> None:
    """What a careless one does, in one step."""
    machine.step("overwriting by another program", changes=["file", "data"])
    place.file.write_text(json.dumps({**(place.held() or {}), "theirs": 1}) + "\n")


def truncate_and_write(place: Place, machine: Machine) -> None:
    """What a careless one does, in two steps, with the descriptor open in between: the file is empty then."""
    machine.step("truncation by another program", changes=["file", "data"])
    value = {**(place.held() or {}), "theirs": 1}
    with place.file.open("w") as file:
        machine.step("writing by another program", changes=["file", "data"])
        file.write(json.dumps(value) + "\n")
        file.flush()


def remove_and_make(place: Place, machine: Machine) -> None:
    """Remove the file, and make it anew: in between there is none."""
    machine.step("removal by another program", changes=["file"])
    value = {**(place.held() or {}), "theirs": 1}
    place.file.unlink()
    machine.step("creation by another program", changes=["file", "data"])
    if not place.file.exists():  # a careful one looks: a saver may have made it
        place.file.write_text(json.dumps(value) + "\n")


def save_again(place: Place, machine: Machine) -> None:
    """Replace the file by one that holds the same."""
    machine.step("the same again by another program", changes=["file", "data"])
    new = place.directory / "editor"
    new.write_bytes(place.file.read_bytes())
    new.replace(place.file)


# ── Scenarios ───────────────────────────────────────────────────────────────


@dataclass(frozen=True)
class Scenario:
    """What runs at once.

    Attributes:
        name: What to call it.
        savers: How each saver saves, and which key it counts up.
        foreign: What the other program does, if there is one.
        by_rename: Whether names cannot be exchanged.
        seed: What is broken for it.
        caught_by: What shows that; empty for untorn itself.
        window: Whether the other program's change may be lost: where there is no exchange.
    """

    name: str
    savers: tuple[tuple[Save, str], ...]
    foreign: Foreign | None = None
    by_rename: bool = False
    seed: Callable[[], AbstractContextManager[object]] = ExitStack
    caught_by: tuple[str, ...] = ()
    window: bool = False


_PAIRS: tuple[tuple[str, tuple[tuple[Save, str], ...]], ...] = (
    ("two edits of two keys", ((edit, "a"), (edit, "b"))),
    ("two saves of two keys", ((save, "a"), (save, "b"))),
    ("an edit and a save", ((edit, "a"), (save, "b"))),
    ("two updates of one counter", ((update, "n"), (update, "n"))),
)
_FOREIGN: tuple[tuple[str, Foreign | None], ...] = (
    ("nobody else", None),
    ("another program renames", rename),
    ("another program overwrites", overwrite),
    ("another program truncates and writes", truncate_and_write),
    ("another program removes and makes", remove_and_make),
)
_GAPS = (truncate_and_write, remove_and_make)
"""Between their steps there is no whole file, whatever the savers do."""

SCENARIOS = tuple(
    Scenario(f"{pair}, {other}", savers, foreign) for pair, savers in _PAIRS for other, foreign in _FOREIGN
) + tuple(
    Scenario(f"by rename: {pair}, {other}", savers, foreign, by_rename=True, window=foreign is not None)
    for pair, savers in _PAIRS[:2]
    for other, foreign in _FOREIGN[:2]
)


# ── Runs ────────────────────────────────────────────────────────────────────


@dataclass
class Found:
    """What became of a scenario.

    Attributes:
        schedules: How many orders were run.
        crashes: How many of these ended in a crash.
        deepest: The most calls at which somebody else could have gone on.
        outcomes: What the savers said.
        violations: What was broken, and how often.
        examples: For each, one order that shows it.
        all: Whether every order within the bound was run.
    """

    schedules: int = 0
    crashes: int = 0
    deepest: int = 0
    outcomes: Counter[str] = field(default_factory=Counter)
    violations: Counter[str] = field(default_factory=Counter)
    examples: dict[str, str] = field(default_factory=dict)
    all: bool = True

    def caught(self, scenario: Scenario) -> list[str]:
        """Return what showed the bug that was put into it."""
        return [each for each in self.violations if each.startswith(scenario.caught_by)]


class Torn(Exception):  # noqa: N818  a verdict
    """A reader met something else than a whole file."""


def tried(scenario: Scenario, bound: int, most: int | None = None) -> Found:
    """Run a scenario in every order that has at most ``bound`` preemptions, or in ``most`` of them.

    What is broken for it ends it: one order that shows it is enough.
    """
    found = Found()
    root = Path(tempfile.mkdtemp(prefix="untorn-schedules-", dir=_MEMORY if _MEMORY.is_dir() else None))
    place = Place(root)

    def run(decided: Sequence[int]) -> Sequence[Choice]:
        return _run(scenario, place, decided, found)

    try:
        with scenario.seed(), without_chance(root, by_rename=scenario.by_rename):
            orders = explored(run, bound, scattered=most is not None)
            for _ in islice(orders, most):
                found.schedules += 1
                if scenario.caught_by and found.caught(scenario):
                    break
            else:
                found.all = next(orders, None) is None
    finally:
        shutil.rmtree(root)
    return found


def _run(scenario: Scenario, place: Place, decided: Sequence[int], found: Found) -> Sequence[Choice]:
    place.prepared()
    acted = False

    def look() -> None:
        if place.held() is None and scenario.foreign not in _GAPS:
            raise Torn

    machine = Machine(_shared, decided, crashes=True, look=look)
    savers = [Program(key, lambda run=run, key=key: run(place, key)) for run, key in scenario.savers]  # type: ignore[misc]
    programs = list(savers)
    other = scenario.foreign
    if other is not None:

        def act() -> None:
            nonlocal acted
            other(place, machine)
            acted = True

        programs.append(Program("other", act))
    violations: list[str] = []
    try:
        machine.run(programs)
    except (Torn, Deadlock) as error:
        violations.append("torn" if isinstance(error, Torn) else "deadlock")
    else:
        violations += _judged(scenario, place, savers, acted=acted, crashed=machine.crashed)
    found.crashes += machine.crashed
    found.deepest = max(found.deepest, len(machine.choices))
    found.outcomes.update(_outcome(each) for each in savers)
    for each in violations:
        found.violations[each] += 1
        found.examples.setdefault(each, _told(programs, machine.choices))
    return machine.choices


def _shared(name: str) -> str | None:
    base = name.rpartition("/")[2]
    if base == _NAME:
        return "file"
    if base == f".{_NAME}.swap":
        return "link"
    return "other" if base.endswith(".swap") else None


def _told(programs: Sequence[Program], choices: Sequence[Choice]) -> str:
    """Return an order in a line: who did how many calls, and before which call another one went on."""
    parts: list[str] = []
    last = None
    for each in choices:
        who = each.options[each.taken]
        if who != last:
            parts.append(f"{'crash' if who < 0 else programs[who].name} (before {each.call})")
        last = who
    return ", ".join(parts)


def _outcome(saver: Program) -> str:
    if saver.error is None:
        return "saved" if saver.ended else "cut off"
    return "unknown" if isinstance(saver.error, UNKNOWN) else f"refused ({type(saver.error).__name__})"


def _judged(
    scenario: Scenario, place: Place, savers: Sequence[Program], *, acted: bool, crashed: bool
) -> Iterator[str]:
    if not crashed:
        yield from (f"left behind: {name}" for name in place.litter() if name != "editor")
    if place.link.is_symlink():
        os.utime(place.link, (0, 0), follow_symlinks=False)  # a second later
    before = place.held()
    yield from _counts(scenario, before, savers)
    if before is None:
        return  # removed or emptied by the other program, which was cut off
    try:
        receipt = untorn.Host(discover=False).update(place.file, _next, timeout=0)
    except untorn.UntornError as error:
        yield f"the next save failed: {type(error).__name__}"
        return
    after = place.held()
    yield from _counts(scenario, after, savers)
    if acted and not scenario.window and (after or {}).get("theirs") != 1:
        yield "what the other program wrote was set back"
    told = " ".join(receipt.warnings)
    yield from (f"left behind by the next save: {name}" for name in place.litter() if name not in told)


def _next(document: untorn.Document) -> None:
    document.set("next", 1)


def _counts(scenario: Scenario, held: dict[str, int] | None, savers: Sequence[Program]) -> Iterator[str]:
    """Yield what the file says otherwise than the savers do."""
    saved = Counter(each.name for each in savers if _outcome(each) == "saved")
    refused = Counter(each.name for each in savers if _outcome(each).startswith("refused"))
    most = Counter(each.name for each in savers) - refused
    if held is None:
        if saved and scenario.foreign not in _GAPS:
            yield "there is no file"
        return
    for key in {each.name for each in savers}:
        if held.get(key, 0) < saved[key]:
            yield "an update that was acknowledged is lost"
        if held.get(key, 0) > most[key]:
            yield "an update that was refused is there"


# ── Command ─────────────────────────────────────────────────────────────────


def main() -> int:
    """Run all scenarios, print what was found, and return 1 if a promise was broken."""
    parser = argparse.ArgumentParser(prog="python -m evidence.schedules", description=__doc__.split("\n")[0])
    parser.add_argument("--quick", action="store_true", help="fewer preemptions, and a part of the orders")
    parser.add_argument("--preemptions", type=int, help="at most so many, and crashes")
    parser.add_argument("--orders", type=int, help="at most so many of a scenario")
    parser.add_argument("--whole", type=int, default=0, help="but all of the first so many scenarios")
    given = parser.parse_args()
    bound = given.preemptions or (QUICK if given.quick else FULL)
    most = given.orders or (_QUICK_MOST if given.quick else None)
    started = time.monotonic()
    with multiprocessing.get_context("fork").Pool() as pool:
        tasks = [
            (kind, at, bound, None if at < given.whole else most)
            for kind in ("untorn", "seeded")
            for at in range(len(_LISTS[kind]()))
        ]
        founds = pool.imap(_tried, tasks, chunksize=1)
        print(f"{'scenario':66}{'orders':>8}{'crashes':>9}{'points':>8}  {'run':6}violations")
        ours = [_printed(scenario, next(founds), _line) for scenario in SCENARIOS]
        print(f"\n{'seeded bug':66}{'orders':>8}  verdict")
        seeded = [_printed(scenario, next(founds), _verdict) for scenario in _seeded()]
    broken = sum(found.violations.total() for scenario, found in ours if not scenario.window)
    caught = sum(bool(found.caught(scenario)) for scenario, found in seeded)
    orders = sum(found.schedules for _, found in ours)
    print(f"\norders run: {orders}, with at most {bound} preemptions and crashes each")
    print(f"violations of untorn: {broken}")
    print(f"seeded bugs: {caught} caught, {len(seeded) - caught} survived")
    print(f"{time.monotonic() - started:.0f} s")
    return int(bool(broken) or caught < len(seeded))


def _seeded() -> Sequence[Scenario]:
    from evidence.seeds import SEEDED  # noqa: PLC0415  it stands on this module

    return SEEDED


_LISTS: dict[str, Callable[[], Sequence[Scenario]]] = {"untorn": lambda: SCENARIOS, "seeded": _seeded}


def _tried(task: tuple[str, int, int, int | None]) -> Found:
    kind, at, bound, most = task
    # What is broken must be found, however few preemptions are enough for it.
    return tried(_LISTS[kind]()[at], *((bound, most) if kind == "untorn" else (FULL, None)))


def _printed(
    scenario: Scenario, found: Found, line: Callable[[Scenario, Found], str]
) -> tuple[Scenario, Found]:
    print(line(scenario, found), flush=True)
    return scenario, found


def _verdict(scenario: Scenario, found: Found) -> str:
    caught = found.caught(scenario)
    said = f"caught: {caught[0]}\n    {found.examples[caught[0]]}" if caught else "survived"
    return f"{scenario.name:66}{found.schedules:>8}  {said}"


def _line(scenario: Scenario, found: Found) -> str:
    how = "all" if found.all else "part"
    figures = f"{found.schedules:>8}{found.crashes:>9}{found.deepest:>8}  {how:6}"
    said = ", ".join(f"{name} {count}" for name, count in found.violations.items()) or "0"
    said += " (the window of a rename)" if scenario.window and found.violations else ""
    shown = {} if scenario.window else found.examples
    examples = "".join(f"\n    {name}: {order}" for name, order in shown.items())
    return f"{scenario.name:66}{figures}{said}{examples}"


if __name__ == "__main__":
    sys.exit(main())
