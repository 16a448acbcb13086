"""Save, read and kill, all at once: ``python -m evidence.hammer [--quick]``.

Savers, each a process, save one file again and again while readers read it
without a pause; then savers are killed at random moments, and the next save has
to work and to sweep. The exit status is 1 if a promise was broken.
"""

from __future__ import annotations

import argparse
import os
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from evidence import crowds, kills, orphans

if TYPE_CHECKING:
    from collections.abc import Iterator

_MEMORY = Path("/dev/shm")
VIOLATIONS = (
    "torn", "empty", "missing", "lost", "blocked", "not swept", "swept of another",
    "orphans beyond one a kill", "failed", "no version seen",
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Amounts:
    """How much of everything.

    Attributes:
        savers: Processes that save one file at the same time.
        saves: How often each of them does.
        kills: Processes that are killed, over all places.
        creations: Files that several processes create at once, a place and a way.
        planted: Orphans that one save has to sweep.
    """

    savers: int
    saves: int
    kills: int
    creations: int
    planted: int = 1_000


QUICK = Amounts(savers=4, saves=6, kills=100, creations=3)
FULL = Amounts(savers=8, saves=60, kills=1_000, creations=25)


def main() -> int:
    """Run this body of evidence from the command line."""
    parser = argparse.ArgumentParser(prog="python -m evidence.hammer", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth of the kills, within a minute")
    amounts = QUICK if parser.parse_args().quick else FULL
    started = time.monotonic()
    total: Counter[str] = Counter()
    slowest = 0
    for label, counted in stages(amounts):
        slowest = max(slowest, counted.pop(kills.SLOWEST, 0))
        total.update(counted)
        shown = {
            name: count for name, count in counted.items() if count or name in ("torn", "empty", "missing")
        }
        print(f"{label}: {', '.join(f'{name} {count:,}' for name, count in shown.items())}", flush=True)
    broken = {name: total.pop(name, 0) for name in VIOLATIONS}
    print("\nin all:")
    for name, count in {**total, **broken}.items():
        print(f"{name}: {count:,}")
    print(f"{kills.SLOWEST}: {slowest:,}")
    print(f"{time.monotonic() - started:.0f} s")
    print(f"violations: {sum(broken.values())}")
    return int(any(broken.values()))


def stages(amounts: Amounts) -> Iterator[tuple[str, Counter[str]]]:
    """Run one stage after the other; yield what each is, and what it counted."""
    places = {"in memory": _MEMORY, "on the disk": Path(tempfile.gettempdir())}
    for name, place in places.items():
        if not os.access(place, os.W_OK):
            print(f"{name}: not here, {place} cannot be written to")
            continue
        for label, stage in (
            *crowds.stages(amounts),
            *orphans.stages(amounts),
            *kills.stages(amounts, len(places)),
        ):
            with scratch(place) as directory:
                yield f"{name}, {label}", stage(directory)


@contextmanager
def scratch(place: Path) -> Iterator[Path]:
    """Give a new directory, and remove it."""
    with tempfile.TemporaryDirectory(prefix="untorn-hammer-", dir=place) as name:
        yield Path(name).resolve()


if __name__ == "__main__":
    sys.exit(main())
