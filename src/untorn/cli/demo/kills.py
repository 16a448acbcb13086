"""The demo's third part: processes that save are killed, and a reader reads on."""

from __future__ import annotations

import json
import os
import random
import signal
import subprocess
import sys
import time
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import untorn
from untorn import storage
from untorn.cli.demo import nursery
from untorn.cli.demo.generations import SIZE, content, is_whole
from untorn.cli.failures import CommandError
from untorn.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Iterator
    from typing import IO

SECONDS = {"untorn": 30.0, "truncate and write": 8.0}
"""How long each writer's victims may be killed at most, so that the demo ends within a minute."""


@dataclass(slots=True)
class Tally:
    """What was counted with one writer.

    Attributes:
        kills: How many victims were killed.
        inside: How many of them in the middle of a save.
        spoiled: How often the file was not whole after a kill.
        seen: How often the reader saw the file whole, torn, empty or missing.
    """

    kills: int = 0
    inside: int = 0
    spoiled: int = 0
    seen: dict[str, int] = field(default_factory=dict)

    @property
    def reads(self) -> int:
        """How often the reader read."""
        return sum(self.seen.values())

    @property
    def bad_reads(self) -> int:
        """How often the reader did not see the whole file."""
        return self.reads - self.seen.get("whole", 0)


def show_kills(directory: Path, *, wanted: int) -> list[str]:
    """Kill the victims of both writers and show the counts; return what is not as promised."""
    say(
        f"A process saves {SIZE // 1024} KiB over and over, and is killed with SIGKILL at random moments;\n"
        f"then the next one, until {wanted} kills fell into a save. First untorn, then the usual\n"
        "truncate-and-write, each with a reader that reads the file without pause.\n"
    )
    tallies = {writer: _killed(writer, directory, wanted) for writer in SECONDS}
    say(table(tallies))
    return unlike_promised(tallies["untorn"], tallies["truncate and write"], wanted)


def unlike_promised(ours: Tally, theirs: Tally, wanted: int) -> list[str]:
    """Return what is not as promised about the counts of untorn and of truncate-and-write."""
    broken = []
    if ours.inside < wanted:
        time_given = f"within {SECONDS['untorn']:.0f} seconds"
        broken.append(f"only {ours.inside} of {ours.kills} kills fell into a save {time_given}")
    if ours.bad_reads or not ours.reads:
        broken.append(f"{ours.bad_reads} of {ours.reads} reads did not see the whole file")
    if ours.spoiled:
        broken.append(f"{ours.spoiled} kills left a file that is not whole")
    if not theirs.bad_reads:
        broken.append("truncate-and-write was never seen torn, so the reader proves nothing")
    return broken


# ── Killing ─────────────────────────────────────────────────────────────────


def _killed(writer: str, directory: Path, wanted: int) -> Tally:
    """Kill victims until ``wanted`` kills fell into a save, or the time is up."""
    path = directory / f"{writer.replace(' ', '-')}.txt"
    longest = _longest_delay(path)
    tally = Tally()
    with _reader(path, tally), _nursery(writer, path) as victims:
        end = time.monotonic() + SECONDS[writer]
        while tally.inside < wanted and time.monotonic() < end:
            _kill_one(victims, path, tally, random.uniform(0, longest))  # noqa: S311  no secret
            _show_progress(writer, tally, wanted)
    _end_progress()
    return tally


def _longest_delay(path: Path) -> float:
    """Return how long a victim may live, from how long a save takes here; make the file."""
    untorn.write_bytes(path, content(0))
    start = time.perf_counter()
    for _ in range(3):
        untorn.write_bytes(path, content(1))
    return time.perf_counter() - start


def _kill_one(victims: Nursery, path: Path, tally: Tally, delay: float) -> None:
    before = _names_beside(path)
    victims.bear()
    time.sleep(delay)
    victims.kill()
    tally.kills += 1
    spoiled = not is_whole(storage.read(path, limit=2 * SIZE).data or b"")
    tally.spoiled += spoiled
    # A temporary file that nobody was left to rename or remove says that the
    # kill fell between its creation and the rename.
    tally.inside += spoiled or bool(_names_beside(path) - before)


def _names_beside(path: Path) -> set[str]:
    return {each.name for each in path.parent.iterdir()} - {path.name}


# ── Children ────────────────────────────────────────────────────────────────


class Nursery:
    """The process that victims are forked from, and that kills them when told to.

    It is their parent, so that the process it kills can be no other.
    """

    def __init__(self, process: subprocess.Popen[bytes]) -> None:
        self._process = process

    def bear(self) -> None:
        """Let a victim begin to save."""
        self._tell(nursery.BEAR)

    def kill(self) -> None:
        """Kill the victim and wait for its end."""
        self._tell(nursery.KILL)
        status = _pipe(self._process.stdout).readline().decode().strip()
        if status != str(-signal.SIGKILL):
            ended = f"ended by itself, with status {status}" if status else "could not be started"
            msg = f"the demo's saving process {ended}; see above"
            raise CommandError(msg)

    def _tell(self, order: bytes) -> None:
        with suppress(BrokenPipeError):  # then there is no answer either
            _pipe(self._process.stdin).write(order)
            _pipe(self._process.stdin).flush()


def _pipe(pipe: IO[bytes] | None) -> IO[bytes]:
    assert pipe is not None
    return pipe


@contextmanager
def _nursery(writer: str, path: Path) -> Iterator[Nursery]:
    with _child("nursery", writer, str(path)) as process:
        yield Nursery(process)


@contextmanager
def _reader(path: Path, tally: Tally) -> Iterator[None]:
    """Read the file without pause meanwhile, and note in the end what was seen."""
    with _child("outsiders", str(path)) as process:
        _pipe(process.stdout).readline()  # it has begun
        yield
        _pipe(process.stdin).close()
        tally.seen = json.loads(_pipe(process.stdout).read())


@contextmanager
def _child(module: str, *arguments: str) -> Iterator[subprocess.Popen[bytes]]:
    """Run a module of the demo until the block ends, which ends its standard input."""
    root = Path(untorn.__file__).parents[1]
    known = [str(root), os.environ.get("PYTHONPATH", "")]
    with subprocess.Popen(  # noqa: S603  it is this interpreter, and this package
        [sys.executable, "-m", f"{__package__}.{module}", *arguments],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        env=os.environ | {"PYTHONPATH": os.pathsep.join(filter(None, known))},
        start_new_session=True,  # Ctrl-C is for the demo, which ends them
    ) as process:
        try:
            yield process
        finally:
            with suppress(BrokenPipeError):  # it has ended already
                _pipe(process.stdin).close()
            _pipe(process.stdout).read()  # or it could not say its last words


# ── Showing ─────────────────────────────────────────────────────────────────


def _show_progress(writer: str, tally: Tally, wanted: int) -> None:
    if sys.stdout.isatty():
        line = f"{writer}: {tally.kills} killed, {tally.inside} of {wanted} in the middle of a save"
        sys.stdout.write(f"\r{line}\x1b[K")
        sys.stdout.flush()


def _end_progress() -> None:
    if sys.stdout.isatty():
        sys.stdout.write("\r\x1b[K")
        sys.stdout.flush()


def table(tallies: dict[str, Tally]) -> str:
    """Return the counts of all writers side by side."""
    rows = [
        ("", list(tallies)),
        ("kills", [f"{tally.kills:,}" for tally in tallies.values()]),
        ("  in the middle of a save", [f"{tally.inside:,}" for tally in tallies.values()]),
        ("  file not whole afterwards", [f"{tally.spoiled:,}" for tally in tallies.values()]),
        ("reads meanwhile", [f"{tally.reads:,}" for tally in tallies.values()]),
        *(
            (f"  {sight}", [f"{tally.seen.get(sight, 0):,}" for tally in tallies.values()])
            for sight in ("torn", "empty", "missing")
        ),
    ]
    return (
        "\n".join(f"{label:<28}" + "".join(f"{cell:>20}" for cell in cells) for label, cells in rows) + "\n"
    )
