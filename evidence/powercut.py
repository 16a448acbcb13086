"""Power cuts in a model: ``python -m evidence.powercut [--quick]``.

Every save is recorded call by call. Then the power is cut behind every event, and
every state that a disk may show which promises no more than POSIX (``evidence.disk``)
is judged: by its bytes and rights, by what ``untorn.load`` answers, and by the next
save. Ways of saving that are known to be bad (``evidence.writers``) go through the
same model: one that it does not catch is as much a failure as a violation of untorn.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time
from dataclasses import replace
from typing import TYPE_CHECKING, TypeAlias

from evidence.disk import Bounds
from evidence.judging import Count
from evidence.saves import cases
from evidence.together import try_transactor
from evidence.transactors import TRANSACTORS
from evidence.trying import try_case, try_writer
from evidence.writers import WRITERS

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from evidence.saves import Case
    from evidence.transactors import Transactor
    from evidence.writers import Writer

QUICK = Bounds(contents=50, trees=50, samples=20)
FULL = Bounds(contents=2_000, trees=2_000)

_PROCESSES = 4  # on two cores: loads of what was just written in place sleep

Task: TypeAlias = "tuple[str, int, int, Bounds]"
"""A list's name, a number in it, for a case the number of its faults, and up to where all is tried."""


def main() -> int:
    """Run the model from the command line."""
    parser = argparse.ArgumentParser(prog="python -m evidence.powercut", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="sample earlier where there are many states")
    bounds = QUICK if parser.parse_args().quick else FULL
    started = time.monotonic()
    tried = _tried(bounds)
    saves = [(case, tried["case", at]) for at, case in enumerate(cases())]
    writers = [(writer, tried["writer", at]) for at, writer in enumerate(WRITERS)]
    transactors = [(each, tried["transaction", at]) for at, each in enumerate(TRANSACTORS)]
    tables = (
        table_of_saves(saves),
        table_of_writers(writers),
        table_of_writers(transactors, "transactions of 3 files"),
    )
    print(*tables, sep="\n\n", end="\n\n")
    verdict = _closing(saves, [*writers, *transactors])
    print(f"{time.monotonic() - started:.0f} s")
    return verdict


def _tried(bounds: Bounds) -> dict[tuple[str, int], Count]:
    tasks: list[Task] = [
        ("case", at, nth, bounds) for at, case in enumerate(cases()) for nth in range(len(case.faults))
    ]
    tasks += [("writer", at, 0, bounds) for at in range(len(WRITERS))]
    tasks += [("transaction", at, 0, bounds) for at in range(len(TRANSACTORS))]
    found: dict[tuple[str, int], Count] = {}
    with multiprocessing.get_context("fork").Pool(_PROCESSES) as pool:
        for (kind, at, *_), count in zip(tasks, pool.imap(_run, tasks), strict=True):
            found.setdefault((kind, at), Count()).add(count)
    return found


def _run(task: Task) -> Count:
    kind, at, nth, bounds = task
    if kind == "writer":
        return try_writer(WRITERS[at], bounds)
    if kind == "transaction":
        return try_transactor(TRANSACTORS[at], bounds)
    case = cases()[at]
    if case.in_place:  # each state takes ten times as long: see _PROCESSES
        bounds = replace(bounds, trees=bounds.trees // 4, samples=bounds.samples // 2)
    return try_case(case, case.faults[nth], bounds)


# ── What is printed ─────────────────────────────────────────────────────────


def table_of_saves(saves: Iterable[tuple[Case, Count]]) -> str:
    """Return what was tried of untorn, a line each, and an example of each violation."""
    lines = [f"{'untorn':40}{'cuts':>7}{'states':>10}{'distinct':>10}  {'tried':12}violations"]
    for case, count in saves:
        found = ", ".join(f"{name} {number}" for name, number in sorted(count.found.items())) or "0"
        lines.append(f"{case.name:40}{_figures(count)}{found}")
        lines += _examples(count)
    return "\n".join(lines)


def table_of_writers(
    writers: Iterable[tuple[Writer | Transactor, Count]], title: str = "other writers"
) -> str:
    """Return what became of each other writer, and by which criterion."""
    lines = [f"{title:40}{'cuts':>7}{'states':>10}{'distinct':>10}  {'tried':12}verdict"]
    for writer, count in writers:
        lines.append(f"{writer.name:40}{_figures(count)}{verdict(writer, count)}")
        if not as_it_should_be(writer, count):
            lines += _examples(count)
    return "\n".join(lines)


def _figures(count: Count) -> str:
    how = "all" if count.exhaustive else "and sampled"
    return f"{count.cuts:>7}{count.states:>10}{count.distinct:>10}  {how:12}"


def _examples(count: Count) -> list[str]:
    return [f"    {name}: {example}" for name, example in sorted(count.examples.items())]


def verdict(writer: Writer | Transactor, count: Count) -> str:
    """Say whether a writer was caught, and how; the criterion that it is known for comes first."""
    if not count.found:
        return "survived"
    known = [each for each in writer.caught_by if each in count.found]
    total = sum(count.found.values())
    by = known[0] if known else "; ".join(sorted(count.found)) + f" (expected {writer.caught_by})"
    return f"caught: {by} ({total} violations)"


def as_it_should_be(writer: Writer | Transactor, count: Count) -> bool:
    """Return whether a good writer survived, or a bad one was caught for what is wrong with it."""
    if not writer.caught_by:
        return not count.found
    return any(each in count.found for each in writer.caught_by)


def _closing(
    saves: Sequence[tuple[Case, Count]], writers: Sequence[tuple[Writer | Transactor, Count]]
) -> int:
    counts = [count for _, count in (*saves, *writers)]
    violations = sum(count.found.total() for _, count in saves)
    bad = [as_it_should_be(*each) for each in writers if each[0].caught_by]
    good = [as_it_should_be(*each) for each in writers if not each[0].caught_by]
    states, distinct = sum(each.states for each in counts), sum(each.distinct for each in counts)
    print(f"states tried: {states} ({distinct} distinct)")
    print(f"violations of untorn: {violations}")
    print(f"known-bad writers: {sum(bad)} caught, {len(bad) - sum(bad)} survived")
    print(f"known-good writers: {len(good) - sum(good)} caught, {sum(good)} survived")
    return int(bool(violations) or not all(bad) or not all(good))


if __name__ == "__main__":
    sys.exit(main())
