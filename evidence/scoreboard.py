"""The same trials for untorn and its peers: ``python -m evidence.scoreboard [--quick] [--write]``.

The peers are installed into a directory that goes away again. Every mark is the
outcome of a run; ``--write`` puts them into ``docs/explanation/evidence.md``.
The exit status is 1 if untorn itself has a mark that is not a tick.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from evidence.criteria import CRITERIA, NEITHER, NO, YES, Mark, missing_tools
from evidence.lab import Lab, short_write_library
from evidence.peers import PEERS, NotInstallableError, install, there
from evidence.report import replace_section, stamp

if TYPE_CHECKING:
    from evidence.peers import Installation, Peer

_PROCESSES = 2
_KILLS, _UPDATES = 25, 60
_QUICK_KILLS, _QUICK_UPDATES = 2, 10
_QUICK_PEERS = ("untorn", "boltons", "write-file-atomic")
OURS = "untorn"
LEGEND = (
    f"{YES} and {NO} say what happened; {NEITHER} says that there was nothing to try, or that the "
    "documentation promises nothing of the kind. The notes say what happened."
)


def main() -> int:
    """Run this body of evidence from the command line."""
    parser = argparse.ArgumentParser(prog="python -m evidence.scoreboard", description=__doc__)
    parser.add_argument(
        "--quick", action="store_true", help="fewer peers, kills and updates, within a minute"
    )
    parser.add_argument("--write", action="store_true", help="put the table into the page")
    arguments = parser.parse_args()
    missing = missing_tools()
    if missing:
        print(f"skipped: {missing}")
        return 0
    started = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="untorn-scoreboard-") as place:
        Path(place).chmod(0o755)
        try:
            peers = there([peer for peer in PEERS if not arguments.quick or peer.name in _QUICK_PEERS])
            installation = install(peers, Path(place))
        except NotInstallableError as reason:
            print(f"skipped: {reason}")
            return 0
        short_write_library(Path(place))
        board = tried(peers, installation, Path(place), quick=arguments.quick)
        table = markdown({peer: installation.version(peer) for peer in peers}, board, quick=arguments.quick)
    print(table)
    if arguments.write:
        replace_section("scoreboard", table)
    return _closed(board, time.monotonic() - started)


def _closed(board: dict[str, dict[str, Mark]], took: float) -> int:
    failures = [
        f"{each.key}: {board[OURS][each.key]}" for each in CRITERIA if board[OURS][each.key].sign == NO
    ]
    print(*(f"violation: {each}" for each in failures), sep="\n")
    print(f"peers: {len(board) - 1}")
    print(f"trials: {sum(len(marks) for marks in board.values())}")
    print(f"{took:.0f} s")
    print(f"violations: {len(failures)}")
    return int(bool(failures))


def tried(
    peers: list[Peer], installation: Installation, place: Path, *, quick: bool
) -> dict[str, dict[str, Mark]]:
    """Try every peer; return the marks of each by criterion."""
    jobs = [(installation, peer, place / "lab" / peer.name, quick) for peer in peers]
    with multiprocessing.get_context("fork").Pool(_PROCESSES) as pool:
        return dict(pool.imap(_tried, jobs, chunksize=1))


def _tried(job: tuple[Installation, Peer, Path, bool]) -> tuple[str, dict[str, Mark]]:
    installation, peer, place, quick = job
    place.mkdir(parents=True)
    kills, updates = (_QUICK_KILLS, _QUICK_UPDATES) if quick else (_KILLS, _UPDATES)
    lab = Lab(installation, peer, place, kills=kills, updates=updates)
    return peer.name, {each.key: fair(each.judge(lab), each.key, peer) for each in CRITERIA}


def fair(mark: Mark, key: str, peer: Peer) -> Mark:
    """Take back a cross for what the peer's documentation says it does not do."""
    if mark.sign == NO and key in peer.documented:
        return replace(mark, sign=NEITHER, note=f"{mark.note}; its documentation says so")
    return mark


# ── The table ───────────────────────────────────────────────────────────────


def markdown(versions: dict[Peer, str], board: dict[str, dict[str, Mark]], *, quick: bool) -> str:
    """Return the table with what it needs to be read."""
    notes: dict[str, int] = {}
    rows = [
        [each.says, *(_cell(board[peer.name][each.key], notes) for peer in versions)] for each in CRITERIA
    ]
    lines = [_row(["", *(peer.name for peer in versions)]), _row(["---", *(":-:" for _ in versions)])]
    kills = _QUICK_KILLS if quick else _KILLS
    paragraphs = [
        f"{stamp()} {LEGEND} Each was killed {2 * kills} times under its reader.",
        "\n".join([*lines, *map(_row, rows)]),
        "\n".join(f"{number}. {note}" for note, number in notes.items()),
        "Used as:",
        "\n".join(f"- **{peer.name}** {version}: {peer.used}" for peer, version in versions.items()),
    ]
    return "\n\n".join(paragraphs)


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _cell(mark: Mark, notes: dict[str, int]) -> str:
    number = notes.setdefault(mark.note, len(notes) + 1) if mark.note else 0
    reference = f"<sup>{number}</sup>" if number else ""
    return " ".join(filter(None, [mark.sign + reference, mark.figure]))


if __name__ == "__main__":
    sys.exit(main())
