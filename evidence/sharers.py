"""Other libraries that load and save settings, in the place of untorn: what is left of their updates.

Printed by ``python -m evidence.sharing`` below what it finds of untorn.
"""

from __future__ import annotations

import json
import random
import re
import subprocess
import sys
import tempfile
import time
import tomllib
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

from evidence.children import Errand
from evidence.ninth import Ninth
from evidence.peers import Installation, NotInstallableError, Peer, install, there
from evidence.shared_texts import counts_in, first, noted, text_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_START = 4.0  # seconds, until all have started
_WIDTHS = (12, 14, 10, 8, 14)
_PARSERS: dict[str, Callable[[str], Any]] = {
    "toml": tomllib.loads, "yaml": YAML(typ="safe", pure=True).load, "json": json.loads,
}  # fmt: skip
_NOTES = re.compile(r"\(note \d+\)")


@dataclass(frozen=True, slots=True)
class Sharer:
    """A library, and the format in which it is tried."""

    peer: Peer
    format: str


SHARERS = (
    Sharer(Peer("untorn", "`update`"), "toml"),
    Sharer(Peer("tomlkit", "`TOMLFile.read`, `.write`", "tomlkit"), "toml"),
    Sharer(Peer("dynaconf", "`loaders.write`", "dynaconf"), "toml"),
    Sharer(Peer("anyconfig", "`load`, `dump`", "anyconfig"), "yaml"),
    Sharer(Peer("conf", "`config.get`, `config.set`", "conf", node=True), "json"),
)


@dataclass(frozen=True, slots=True)
class Left:
    """What was left at the end.

    Attributes:
        done: How many updates were done without an error.
        failed: How many were not.
        there: How many the file holds; ``None`` where it cannot be parsed.
        comments: How many comments it holds.
        broken: How often a reader met what cannot be parsed, or has nothing in it.
    """

    done: int
    failed: int
    there: int | None
    comments: int
    broken: int

    def shown(self) -> str:
        """Say how many of those that were done are there."""
        return "no file" if self.there is None else f"{self.there} of {self.done}"


@dataclass(frozen=True, slots=True)
class Race:
    """How it is tried.

    Attributes:
        programs: How many processes count.
        updates: How often each of them does.
        ninth: Whether there is one more, which knows no lock.
    """

    programs: int = 8
    updates: int = 100
    ninth: bool = False


def table(race: Race) -> Iterator[str]:
    """Install the others, let each at a file, and yield the lines of the table."""
    with tempfile.TemporaryDirectory(prefix="untorn-sharers-") as name:
        place = Path(name).resolve()
        sharers = [each for each in SHARERS if there([each.peer])]
        try:
            installation = install([each.peer for each in sharers], place)
        except NotInstallableError as reason:
            yield f"skipped: {reason}"
            return
        title = f"{race.programs} processes x {race.updates} updates"
        yield f"{title:30}{'alone':>12}    beside one more that knows no lock"
        yield _row("", "there", "there", "comments", "errors", "broken reads")
        for sharer in sharers:
            here = place / sharer.peer.name
            alone = left(sharer, installation, here / "alone", race)
            beside = left(sharer, installation, here / "beside", replace(race, ninth=True))
            title = f"{sharer.peer.name} {installation.version(sharer.peer)}, {sharer.format.upper()}"
            figures = (str(each) for each in (beside.comments, beside.failed, beside.broken))
            yield _row(title, alone.shown(), beside.shown(), *figures)


def _row(title: str, *cells: str) -> str:
    return f"{title:30}" + "".join(f"{each:>{width}}" for each, width in zip(cells, _WIDTHS, strict=True))


def left(sharer: Sharer, installation: Installation, directory: Path, race: Race) -> Left:
    """Let all processes at a new file."""
    (directory / "here").mkdir(parents=True)
    path, stop = directory / "here" / f"shared.{sharer.format}", directory / "stop"
    path.write_bytes(_begin(sharer.format, race.programs))
    watching = [Errand(partial(_read, path, stop))]
    if race.ninth:
        watching.append(Errand(partial(_disturb, path, stop)))
    try:
        said = _raced(sharer, installation, path, race)
    finally:
        stop.touch()
    broken, *_ = [each.result() for each in watching]
    done, failed = (sum(int(each[at]) for each in said) for at in (0, 1))
    data = path.read_bytes()
    kept = _there(data, sharer.format, race.programs)
    return Left(done, failed, kept, len(_NOTES.findall(data.decode())), broken)


def _raced(sharer: Sharer, installation: Installation, path: Path, race: Race) -> list[list[str]]:
    """Start all processes at one moment; return what each said at its end."""
    environment = {**installation.environment(), "EVIDENCE_AT": f"{time.time() + _START:.3f}"}
    running = []
    for at in range(race.programs):
        key, fresh = f"p{at}.edits", path.parent.parent / f"{at}{path.suffix}"
        fresh.write_bytes(_begin(sharer.format, race.programs))
        command = _command(installation, sharer.peer, fresh, path, key)
        running.append(
            subprocess.Popen(
                [*command, str(race.updates)], env=environment, stdout=subprocess.PIPE, text=True
            )
        )
    return [each.communicate()[0].split() for each in running]


def _begin(format: str, programs: int) -> bytes:
    if format != "json":
        return text_of(first(programs), format)
    own = {f"p{at}": {"edits": 0, "saves": 0} for at in range(programs)}
    return (json.dumps({"total": 0, **own}, indent=2) + "\n").encode()


def _command(installation: Installation, peer: Peer, fresh: Path, path: Path, key: str) -> list[str]:
    if peer.node:
        return [*installation.command(peer), "share", str(path), key]
    return [sys.executable, "-m", "evidence.peers.sharer", peer.name, str(fresh), str(path), key]


def _there(data: bytes, format: str, programs: int) -> int | None:
    try:
        return sum(counts_in(_PARSERS[format](data.decode()), programs))
    except (ValueError, YAMLError, LookupError, TypeError):
        return None


def _is_whole(data: bytes, format: str) -> bool:
    try:
        return bool(_PARSERS[format](data.decode()))
    except (ValueError, YAMLError):
        return False


def _read(path: Path, stop: Path) -> int:
    """Read without a pause; return how many contents were none."""
    broken, last = 0, b""
    while not stop.exists():
        try:
            data = path.read_bytes()
        except FileNotFoundError:
            data = b""
        broken += data != last and not _is_whole(data, path.suffix[1:])
        last = data
    return broken


def _disturb(path: Path, stop: Path) -> int:
    """Rewrite the comments like the ninth, if there is a whole file to read; keep no book."""
    chance, ninth, note = random.Random(0), Ninth(path, 0), 0
    while not stop.exists():
        note += 1
        data = path.read_bytes()
        time.sleep(chance.random() * 0.004)
        if _is_whole(data, path.suffix[1:]):
            write = ninth.exchange if chance.random() < ninth.by_exchange else ninth.overwrite
            write(noted(data, note))
        time.sleep(chance.random() * 0.1)
    return note


if __name__ == "__main__":
    print(*table(Race()), sep="\n")
