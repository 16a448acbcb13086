"""Where a peer is tried: fresh directories, and one process a save, traced or tampered with."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from contextlib import contextmanager
from dataclasses import dataclass
from itertools import count
from typing import TYPE_CHECKING

from evidence import contents, transcripts
from evidence.peers import HERE

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from evidence.peers import Installation, Peer

REFUSED = 3
"""What an adapter's exit status is if the peer reported an error."""
_PATIENCE = 10.0  # seconds
_START = 1.5  # seconds
_SHORT_WRITES = "short_write.so"


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a save ended.

    Attributes:
        code: The exit status, negative for a signal; ``None`` if it went on for ever.
        said: What it printed.
    """

    code: int | None
    said: str

    @property
    def refused(self) -> bool:
        """Whether the peer reported an error."""
        return self.code == REFUSED


class Lab:
    """Everything that one peer needs to be tried.

    Args:
        installation: Where the peers are.
        peer: Which is tried.
        place: An empty directory on a disk.
        kills: How often the hammer kills.
        updates: How often each of two processes adds one.
    """

    def __init__(
        self, installation: Installation, peer: Peer, place: Path, *, kills: int, updates: int
    ) -> None:
        self.peer = peer
        self.kills = kills
        self.updates = updates
        self._command = installation.command(peer)
        self._environment = installation.environment()
        self._place = place
        self._numbers = count()
        library = installation.python.parent / _SHORT_WRITES
        self.short_writes = library if library.exists() else None
        place.chmod(0o755)  # somebody else shall be able to try, too

    # ── Files ───────────────────────────────────────────────────────────────

    def fresh(self) -> Path:
        """Return a new directory."""
        made = self._place / str(next(self._numbers))
        made.mkdir(mode=0o755)
        return made

    def target(self) -> Path:
        """Return a new file in a new directory of its own; it holds what ``old`` returns."""
        path = self.fresh() / "target.json"
        path.write_bytes(self.old())
        path.chmod(0o644)
        return path

    def old(self) -> bytes:
        """Return what targets hold."""
        return _text(1, 1_000)

    def new(self, size: int = 1_500) -> bytes:
        """Return what is saved."""
        return _text(2, size)

    def beside(self, path: Path) -> list[str]:
        """Return what else lies in the directory of ``path``."""
        return sorted(each.name for each in path.parent.iterdir() if each.name != path.name)

    # ── Saves ───────────────────────────────────────────────────────────────

    def save(
        self, path: Path, *, data: bytes | None = None, prefix: Sequence[str] = (), **how: str
    ) -> Outcome:
        """Let the peer make ``path`` hold ``data``; ``how`` is more of its environment."""
        return self.do("save", path, str(self.source(data)), prefix=prefix, **how)

    def source(self, data: bytes | None) -> Path:
        """Return a file that holds ``data``: what an adapter is to save."""
        source = self.fresh() / "source.json"
        source.write_bytes(self.new() if data is None else data)
        return source

    def raise_halfway(self, path: Path) -> Outcome:
        """Let the block in which the file is written raise."""
        return self.do("raise", path, str(self.source(None)))

    def do(
        self, operation: str, path: Path, *arguments: str, prefix: Sequence[str] = (), **how: str
    ) -> Outcome:
        """Start an operation of the adapter, and wait for its end."""
        child = self.start(operation, path, *arguments, prefix=prefix, **how)
        return self.ended(child)

    def start(
        self, operation: str, path: Path, *arguments: str, prefix: Sequence[str] = (), **how: str
    ) -> subprocess.Popen[str]:
        """Start an operation of the adapter, with umask 027 if ``how`` says so."""
        return subprocess.Popen(
            [*prefix, *self._command, operation, str(path), *arguments],
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env={**self._environment, **how},
            umask=int(how.get("EVIDENCE_UMASK", "022"), 8),
            start_new_session=True,
        )

    def ended(self, child: subprocess.Popen[str]) -> Outcome:
        """Wait for the end of an operation; after a while, make an end of it."""
        try:
            said, _ = child.communicate(timeout=_PATIENCE)
        except subprocess.TimeoutExpired:
            self.kill(child)
            return Outcome(None, "")
        return Outcome(child.returncode, said.strip())

    def kill(self, child: subprocess.Popen[str]) -> None:
        """Kill an operation with all that it started."""
        os.killpg(child.pid, signal.SIGKILL)
        child.communicate()

    # ── From outside ────────────────────────────────────────────────────────

    def tampered(self, path: Path, *injections: str) -> Outcome:
        """Save while strace does to calls what each injection says."""
        options = [part for each in injections for part in ("-e", f"inject={each}")]
        return self.save(path, prefix=["strace", "-f", "-o", "/dev/null", *options])

    def transcript(self, path: Path) -> list[transcripts.Call]:
        """Save, and return the calls."""
        lines = self.fresh() / "transcript"
        outcome = self.save(path, prefix=["strace", "-o", str(lines), *transcripts.OPTIONS])
        assert outcome.code == 0, outcome
        return list(transcripts.calls(lines.read_text("utf-8", "replace").splitlines()))

    @contextmanager
    def small_disk(self) -> Iterator[Path]:
        """Mount a disk of 64 KiB in memory."""
        directory = self.fresh()
        subprocess.run(["mount", "-t", "tmpfs", "-o", "size=64k", "none", str(directory)], check=True)
        try:
            yield directory
        finally:
            subprocess.run(["umount", "--lazy", str(directory)], check=True)


def short_write_library(place: Path) -> None:
    """Make the library that shortens writes, where there is a compiler."""
    compiler = shutil.which("cc") or shutil.which("gcc")
    if compiler is not None:
        source = HERE / "short_write.c"
        library = place / _SHORT_WRITES
        command = [compiler, "-shared", "-fPIC", "-O1", "-o", str(library), str(source), "-ldl"]
        subprocess.run(command, check=True)


def _text(number: int, size: int) -> bytes:
    filler = "f" + "x" * size
    return contents.text_of(number, filler, "json")


def at_once() -> dict[str, str]:
    """Return what lets adapters begin at one moment, when all of them have started."""
    return {"EVIDENCE_AT": f"{time.time() + _START:.3f}"}


def waits(condition: bool, *, started: float) -> bool:  # noqa: FBT001  it reads as a question
    """Return whether to wait on for ``condition``; sleep a moment if so."""
    if condition or time.monotonic() - started > _PATIENCE / 2:
        return False
    time.sleep(0.002)
    return True


def has(*tools: str) -> bool:
    """Return whether all these commands are installed."""
    return all(shutil.which(tool) for tool in tools)
