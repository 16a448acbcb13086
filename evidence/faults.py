"""Let every system call of a save fail, in every way, and kill it there: ``python -m evidence.faults``.

For every kind of target and every way to save, each call by its number, until
there is no such call. Each trial is a process of its own, so that nothing is
remembered from another one. The exit status is 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import importlib
import multiprocessing
import os
import re
import shutil
import signal
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from functools import partial
from itertools import islice
from pathlib import Path
from typing import TYPE_CHECKING

from evidence import disturbances, outside
from evidence.calls import watched
from evidence.children import exit_code, forked, told
from evidence.targets import KINDS, WAYS, Unsupported, held_by, litter, orphans, target_of
from evidence.trials import Fault, attempt, hooks, next_save_of, reference, seen
from untorn import storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

_PROCESSES = 2
_QUICK, _QUICKER, _QUICKEST = 11, 31, 101
"""Each so manieth fault is tried in the quick form: as bytes, for the other ways to save, of transactions."""

TOGETHER = "three files"
"""The kind that stands for transactions."""

BODIES: dict[str, Callable[[Sequence[str]], Iterator[Fault]]] = {
    "failures": disturbances.failures,
    "done, but reported as failed": disturbances.late_failures,
    "interrupts": disturbances.interrupts,
    "failures without cleanup": disturbances.failures_that_cannot_be_cleaned_up,
    "renames of unknown outcome": disturbances.renames_of_unknown_outcome,
}


def main() -> int:
    """Run this body of evidence from the command line."""
    parser = argparse.ArgumentParser(prog="python -m evidence.faults", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a fixed sample, within a minute")
    kinds = [*KINDS, TOGETHER]
    parser.add_argument("--kind", action="append", choices=kinds, help="only these targets")
    arguments = parser.parse_args()
    started = time.monotonic()
    preload()
    counts: Counter[str] = Counter()
    violations: list[str] = []
    asked = arguments.kind or kinds
    jobs = [(kind, way, arguments.quick) for kind in asked if kind in KINDS for way in WAYS]
    if TOGETHER in asked:
        jobs.insert(0, (TOGETHER, "transaction", arguments.quick))  # the longest first
    with multiprocessing.get_context("fork").Pool(_PROCESSES) as pool:
        for label, counted, found in pool.imap(_shard, jobs):
            print(f"{label:26} {', '.join(f'{name} {count}' for name, count in counted.items())}", flush=True)
            counts.update(counted)
            violations += found
    print(*alike(violations), sep="\n")
    for name, count in counts.items():
        print(f"{name}: {count}")
    print(f"{time.monotonic() - started:.0f} s")
    print(f"violations: {len(violations)}")
    return int(bool(violations))


def alike(violations: list[str]) -> list[str]:
    """Return one example of each sort of violation, with how many there are."""
    sorts: dict[str, list[str]] = {}
    for each in violations:
        _, _, what = each.partition(": ")[2].partition(": ")
        sorts.setdefault(re.sub(r"\{.*|/[^ ]*|\d+ \(\w+\)|\d+", "…", what), []).append(each)
    return [f"{len(each)} x {each[0]}" for each in sorts.values()]


def preload() -> None:
    """Import what saves import when they first happen, but let this process save nothing."""

    def names() -> str:
        with scratch() as place:
            for number, (kind, way) in enumerate((kind, way) for kind in KINDS for way in WAYS):
                try:
                    reference(kind, way, place / str(number))
                except Unsupported:
                    continue
        return "\n".join(sys.modules)

    _, said = told(names)
    for name in said.split():
        if name != "__main__":
            importlib.import_module(name)


@contextmanager
def scratch() -> Iterator[Path]:
    """Give a new directory in memory, where that has attributes, and remove it."""
    memory = Path("/dev/shm")
    with tempfile.TemporaryDirectory(
        prefix="untorn-evidence-", dir=memory if memory.is_dir() else None
    ) as name:
        yield Path(name).resolve()


def _shard(job: tuple[str, str, bool]) -> tuple[str, dict[str, int], list[str]]:
    kind, way, quick = job
    with scratch() as place:
        step = {"write_bytes": _QUICK, "transaction": _QUICKEST}.get(way, _QUICKER) if quick else 1
        trials = Shard(kind, way, place, step=step) if way in WAYS else _of_transactions(place, step)
        try:
            trials.run(quick=quick)
        except Unsupported as reason:
            return f"{kind}, {way}: not here, {reason}", {}, []
    return f"{kind}, {way}", dict(trials.counts), trials.violations


def _of_transactions(place: Path, step: int) -> Shard:
    from evidence.troubled import Transactions  # noqa: PLC0415  it stands on this module

    return Transactions(place, step=step)


class Shard:
    """All trials of one way to save to one kind of target."""

    def __init__(self, kind: str, way: str, place: Path, *, step: int = 1) -> None:
        self.kind = kind
        self.way = way
        self.bodies = dict(BODIES)
        self.counts: Counter[str] = Counter()
        self.violations: list[str] = []
        self._place = place
        self._step = step
        self._number = 0

    def run(self, *, quick: bool = False) -> None:
        """Try everything, in the order of ``BODIES``.

        Raises:
            Unsupported: There is no such target here.
        """
        made, expected = self.calm()
        self.counts["calls"] = len(made)
        for body, faults in self.bodies.items():
            if self.kind == "in-place" and faults is disturbances.renames_of_unknown_outcome:
                continue  # its mark is looked at, and taken back, in another way
            for fault in self._sampled(faults(made)):
                self.try_one(body, fault, expected)
        if not quick:
            for first in range(len(made)):
                self._pairs(first, expected)
        for fault in self._sampled(disturbances.kills(made)):
            self.kill(fault, expected)
        self.one_byte_at_a_time(expected)
        if self.way in ("write_bytes", "edit"):
            self.from_outside(expected)

    def from_outside(self, expected: bytes) -> None:
        """Let strace disturb every call that the kernel sees, if it may."""
        try:
            calm = outside.traced(target_of(self.kind, self.fresh()), self.way, self.fresh())
        except Unsupported:
            self.counts["from outside, not here"] += 1
            return
        faults = [*outside.injections(calm.calls)]
        for injection in faults[:: 1 if self._step == 1 else 3 * self._step]:
            found = outside.disturbed(self.kind, self.way, self.fresh(), injection, expected)
            self.note("from outside", Fault(injection.option), iter(found))

    def calm(self) -> tuple[list[str], bytes]:
        """Return calls and result of the save that nobody disturbs, in a process that has never saved."""
        directory = self.fresh()
        target_of(self.kind, self.fresh())  # raises where there is none

        def save() -> str:
            made, found = reference(self.kind, self.way, directory)
            return " ".join(made) + "\n" + found.decode()

        code, said = told(save)
        assert code == 0, said
        calls, _, found = said.partition("\n")
        return calls.split(), found.encode()

    def _sampled(self, faults: Iterator[Fault]) -> Iterator[Fault]:
        return islice(faults, 0, None, self._step)

    def fresh(self) -> Path:
        """Return a path at which nothing is."""
        self._number += 1
        return self._place / str(self._number)

    def try_one(self, body: str, fault: Fault, expected: bytes) -> list[str]:
        """Try a fault in a process of its own; return the calls that were made."""
        directory = self.fresh()

        def trial() -> str:
            made, violations = self.attempted(directory, fault, expected)
            return " ".join(made) + "\n" + "\n".join(violations)

        code, said = told(trial)
        calls, _, found = said.partition("\n")
        if code != 0:
            found += f"\nthe trial ended with {code}"
        self.note(body, fault, filter(None, found.split("\n")))
        shutil.rmtree(directory, ignore_errors=True)
        return calls.split()

    def attempted(self, directory: Path, fault: Fault, expected: bytes) -> tuple[list[str], list[str]]:
        """Save under ``fault``; return the calls that were made, and what was broken."""
        done = attempt(self.kind, self.way, directory, fault, expected)
        return done.made, done.violations

    def note(self, body: str, fault: Fault, found: Iterator[str]) -> None:
        """Count a trial, and keep what it found."""
        self.counts[body] += 1
        self.violations += [f"{self.kind}, {self.way}: {fault.label}: {each}" for each in found]

    def _pairs(self, first: int, expected: bytes) -> None:
        alone = Fault("", hooks(before=lambda: disturbances.both(first, first)))
        made = self.try_one("failures", alone, expected)
        for fault in disturbances.second_failures(first, made):
            self.try_one("pairs of failures", fault, expected)

    def kill(self, fault: Fault, expected: bytes) -> None:
        """Kill a save, and let another process save next."""
        directory = self.fresh()
        target = target_of(self.kind, directory)

        def save() -> None:
            with watched(**fault.hooks()):
                WAYS[self.way](target)

        def judge() -> str:
            found = [] if code == -signal.SIGKILL else [f"it ended with {code}"]
            if seen(target) not in (target.before, expected):
                found.append(f"the file holds {held_by(target.file)!r:.60}")
            if len(orphans(target)) > 1:
                found.append(f"more than one orphan: {litter(target.directory)}")
            return "\n".join([*found, *next_save_of(target)])

        code = exit_code(forked(save))
        ended, said = told(judge)
        found = [*filter(None, said.split("\n")), *([f"the judge ended with {ended}"] if ended else [])]
        self.note("kills", fault, iter(found))
        shutil.rmtree(directory)

    def one_byte_at_a_time(self, expected: bytes) -> None:
        """Let the system take one byte of each write, also where the last of them fails."""

        def short() -> str:
            for name in ("write", "pwrite"):
                real = getattr(storage.REAL, name)
                setattr(storage.REAL, name, partial(one_byte, real))
            return "\n".join(self.attempted(directory, Fault("one byte"), expected)[1])

        directory = self.fresh()
        _, said = told(short)
        self.note("short writes", Fault("each write takes one byte"), filter(None, said.split("\n")))


def one_byte(real: Callable[..., int], fd: int, data: bytes, *offset: int) -> int:
    return real(fd, memoryview(data)[:1], *offset)


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
