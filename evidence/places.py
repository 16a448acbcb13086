"""Save where saving is hard: ``python -m evidence.places``.

Each place is visited in a process with mounts of its own. What it must keep is
its name; what it breaks is printed, and the exit status is 1 then.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import time

from evidence.faults import preload
from evidence.hostile import disks, kinds, links, moves, names, people
from evidence.hostile.ground import PLACES, Visit, visited

PARTS = (disks, kinds, links, moves, names, people)
_PROCESSES = 2
SLOW = frozenset(
    {
        "a disk that copies on write is written to",
        "a disk with delayed allocation is written to",
        "a subvolume that is limited refuses",
    }
)
"""Left out of the quick form."""


def main() -> int:
    """Run this body of evidence from the command line."""
    parser = argparse.ArgumentParser(prog="python -m evidence.places", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="without the places that take seconds")
    parser.add_argument(
        "--only", default="", metavar="WORDS", help="only places whose names have these words"
    )
    arguments = parser.parse_args()
    started = time.monotonic()
    preload()
    names = [name for name in PLACES if arguments.only in name and not (arguments.quick and name in SLOW)]
    with multiprocessing.get_context("fork").Pool(_PROCESSES, maxtasksperchild=1) as pool:
        visits = []
        for visit in pool.imap(visit_by_name, names):
            visits.append(visit)
            print(line(visit), flush=True)
    broken = sum(bool(visit.broken) for visit in visits)
    print(f"places: {len(visits)}")
    print(f"not to be shown on this machine: {sum(bool(visit.lacking) for visit in visits)}")
    print(f"saves tried: {sum(visit.tried for visit in visits)}")
    print(f"{time.monotonic() - started:.0f} s")
    print(f"violations: {broken}")
    return int(bool(broken))


def visit_by_name(name: str) -> Visit:
    """Visit a place."""
    return visited(PLACES[name])


def line(visit: Visit) -> str:
    """Return what to print of a visit."""
    if visit.broken:
        return f"BROKEN  {visit.place}: {visit.broken}"
    if visit.lacking:
        return f"skipped {visit.place}: {visit.lacking}"
    return f"held    {visit.place} ({visit.tried})"


if __name__ == "__main__":
    sys.exit(main())
