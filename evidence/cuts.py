"""Cut the power under real file systems at every flush, and save again: ``python -m evidence.cuts``.

A save runs on ext4, XFS or btrfs over a disk that is observed. Then, for each moment
at which the power may have failed and for what the disk's cache may have kept, the
disk is shown to the kernel as it would have been left; it is mounted, read, and
saved to again. Writers that are known to be bad go the same way: cuts that let them
pass would be worth nothing. The exit status is 1 if untorn broke a promise.
"""

from __future__ import annotations

import argparse
import multiprocessing
import os
import signal
import sys
import tempfile
import time
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING

from evidence.faults import preload
from evidence.filesystems import FILE_SYSTEMS, disk, keep_mounts_to_ourselves, lacking
from evidence.replay import Extent
from evidence.sessions import UNTORN, Session, Verdict, judge
from evidence.targets import KINDS, Unsupported
from evidence.writers import WRITERS, Writer

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

_PROCESSES = 4
"""More than there are processors: mounting is mostly waiting."""
_JOB_SECONDS = 3600
_CRITERIA = {"torn", "undone", "missing", "metadata"}
"""What a cut of the power can show, among the reasons for which a writer is known to be bad."""

_FULL, _SMALL = Extent(prefixes=4, subsets=2), Extent(prefixes=3, subsets=1)
_LISTED = 10


@dataclass(frozen=True, slots=True)
class Job:
    """Sessions on one file system, which make one cell of the table.

    Attributes:
        row: What is tried.
        column: On which file system.
        sessions: How it saves.
        extent: How many cuts of each.
        bad: Whether it is known to be bad: then the first violation is enough.
    """

    row: str
    column: str
    sessions: tuple[Session, ...]
    extent: Extent
    bad: bool = False


@dataclass(frozen=True, slots=True)
class Outcome:
    """What became of a job: a verdict, or the reason why there is none."""

    job: Job
    verdict: Verdict
    unsupported: str = ""

    @property
    def cell(self) -> str:
        """What the table says."""
        if self.unsupported:
            return "not here"
        if self.job.bad:
            return f"{'caught at' if self.verdict.violations else 'passed'} {self.verdict.cuts}"
        return f"{len(self.verdict.violations)} of {self.verdict.cuts}"


# ── What is tried ───────────────────────────────────────────────────────────


def all_jobs(columns: Sequence[str]) -> Iterator[Job]:
    """Yield everything, the file systems in turn."""
    rows = [("write_bytes", kind) for kind in KINDS]
    rows += [(way, "existing") for way in UNTORN if way != "write_bytes"]
    for way, kind in rows:
        for name in columns:
            yield Job(f"untorn {way}, {kind}", name, tuple(_sessions(way, [kind], name)), _FULL)
    for writer in WRITERS:
        if not writer.caught_by or _CRITERIA & set(writer.caught_by):
            for name in columns:
                sessions = tuple(sessions_of(writer, name))
                yield Job(writer.name, name, sessions, _SMALL, bad=bool(writer.caught_by))


def sessions_of(writer: Writer, column: str) -> Iterator[Session]:
    """Yield how to try a writer that is not untorn."""
    if not writer.caught_by:
        return _sessions(writer.name, ["existing"], column)
    return _sessions(
        writer.name, ["parents"] if writer.makes_parents else ["existing", "new", "large"], column
    )


def _sessions(writer: str, kinds: Sequence[str], column: str) -> Iterator[Session]:
    for kind in kinds:
        for neighbours in FILE_SYSTEMS[column].neighbours:
            yield Session(writer, kind, neighbours)


def quick_jobs(column: str) -> Iterator[Job]:
    """Yield what takes less than a minute: one file system, and one bad writer."""
    for kind in ("existing", "new", "parents", "linked", "in-place"):
        yield Job(f"untorn write_bytes, {kind}", column, (Session("write_bytes", kind, "idle"),), _SMALL)
    yield Job("untorn save, existing", column, tuple(_sessions("save", ["existing"], column)), _SMALL)
    bad = next(each for each in WRITERS if "undone" in each.caught_by)
    yield Job(bad.name, column, tuple(sessions_of(bad, column)), _SMALL, bad=True)


# ── Trying ──────────────────────────────────────────────────────────────────


def run(job: Job, place: str) -> Outcome:
    """Run a job in this process, which is good for one."""
    verdict, system = Verdict(), FILE_SYSTEMS[job.column]
    try:
        keep_mounts_to_ourselves()
        with (
            tempfile.TemporaryDirectory(dir=place, ignore_cleanup_errors=True) as name,
            disk(system, Path(name)) as made,
        ):
            for session in job.sessions:
                if not (job.bad and verdict.violations):
                    extent = replace(job.extent, sector=system.sector)
                    verdict.add(judge(session, made, extent, check_each=25, first_only=job.bad))
    except Unsupported as reason:
        return Outcome(job, verdict, str(reason))
    return Outcome(job, verdict)


def _run(arguments: tuple[Job, str]) -> Outcome:
    return run(*arguments)


def outcomes(jobs: Sequence[Job]) -> Iterator[Outcome]:
    """Run all jobs, and yield what became of each, in their order."""
    with (
        tempfile.TemporaryDirectory(prefix="untorn-cuts-") as place,
        # A process for each job: what it mounted ends with it.
        multiprocessing.get_context("fork").Pool(_PROCESSES, maxtasksperchild=1) as pool,
    ):
        results = pool.imap(_run, [(job, place) for job in jobs])
        for _ in jobs:
            yield results.next(_JOB_SECONDS)


# ── Telling ─────────────────────────────────────────────────────────────────


def table(found: Sequence[Outcome]) -> Iterator[str]:
    """Yield the lines of a table: who saved, and what the cuts on each file system showed."""
    rows = list(dict.fromkeys(each.job.row for each in found))
    columns = list(dict.fromkeys(each.job.column for each in found))
    cells = {(each.job.row, each.job.column): each.cell for each in found}
    yield f"{'violations of cuts':46}" + "".join(f"{name:>15}" for name in columns)
    for row in rows:
        yield f"{row:46}" + "".join(f"{cells.get((row, name), ''):>15}" for name in columns)


def counts(found: Sequence[Outcome]) -> Iterator[str]:
    """Yield the closing lines."""
    whole = Verdict()
    for each in found:
        whole.add(each.verdict)
    bad = {each.job.row for each in found if each.job.bad}
    caught = {each.job.row for each in found if each.job.bad and each.verdict.violations}
    yield f"states tried: {whole.cuts}"
    yield f"not mounted again: {len(whole.lost)}"
    yield f"checked by the file system's own checker: {whole.checked}, damaged: {len(whole.damaged)}"
    yield f"bad writers: {len(bad)}, caught: {len(caught)}, survived: {len(bad - caught)}"
    yield from (f"  survived: {name}" for name in sorted(bad - caught))
    yield f"violations: {len(violations(found))}"


def violations(found: Sequence[Outcome]) -> list[str]:
    """Return what untorn, or another writer that must survive, broke."""
    return [
        f"{each.job.column}: {what}" for each in found if not each.job.bad for what in each.verdict.violations
    ]


def _report(found: Sequence[Outcome]) -> None:
    print(*table(found), sep="\n")
    for each in found:
        for what in [*each.verdict.lost, *each.verdict.damaged][:_LISTED]:
            print(f"{each.job.column}: {what:.500}")
    print(*violations(found)[:_LISTED], sep="\n")
    print(*counts(found), sep="\n")


def main() -> int:
    """Run this body of evidence from the command line."""
    parser = argparse.ArgumentParser(prog="python -m evidence.cuts", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="one file system and one bad writer, within a minute"
    )
    parser.add_argument("--only", action="append", choices=FILE_SYSTEMS, help="only these file systems")
    parser.add_argument("--row", action="append", help="only what is called so in the table")
    arguments = parser.parse_args()
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(1))  # so that everything is taken down
    started = time.monotonic()
    columns = []
    for name in arguments.only or (["ext4"] if arguments.quick else FILE_SYSTEMS):
        reason = lacking(FILE_SYSTEMS[name])
        if reason:
            print(f"skipped: {name}: {reason}")
        else:
            columns.append(name)
    if not columns:
        return 0
    preload()
    jobs = [*(quick_jobs(columns[0]) if arguments.quick else all_jobs(columns))]
    jobs = [job for job in jobs if not arguments.row or job.row in arguments.row]
    found = []
    for each in outcomes(jobs):
        found.append(each)
        print(f"{each.job.column:12} {each.job.row:46} {each.unsupported or each.cell}", flush=True)
    print()
    _report(found)
    print(f"{time.monotonic() - started:.0f} s")
    return int(bool(violations(found)))


if __name__ == "__main__":
    os.umask(0o022)
    sys.exit(main())
