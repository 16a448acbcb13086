"""Programs that know nothing of untorn; the demo runs them as child processes.

This is the one module outside ``untorn.storage`` that writes a file, and it
does it the way that tears files: that is its purpose.
"""

from __future__ import annotations

import json
import sys
import threading
from collections import Counter
from pathlib import Path

from untorn.cli.demo.generations import is_whole

_CHUNK = 8192  # what Python's own file buffer holds, so what json.dump() writes at a time


def truncate_and_write(path: Path, data: bytes) -> None:
    """Write a file as most programs do: empty it, then fill it."""
    with path.open("wb") as file:
        for start in range(0, len(data), _CHUNK):
            file.write(data[start : start + _CHUNK])


def look(path: Path) -> str:
    """Read a file once, as any program would, and say what was seen."""
    try:
        data = path.read_bytes()
    except FileNotFoundError:
        return "missing"
    if not data:
        return "empty"
    return "whole" if is_whole(data) else "torn"


def read_without_pause(path: Path) -> None:
    """Read until standard input ends, then print how often what was seen."""
    done = threading.Event()
    threading.Thread(target=_wait_for_the_end, args=(done,), daemon=True).start()
    seen = Counter([look(path)])
    sys.stdout.write("ready\n")
    sys.stdout.flush()
    while not done.is_set():
        seen[look(path)] += 1
    sys.stdout.write(json.dumps(seen))


def _wait_for_the_end(done: threading.Event) -> None:
    sys.stdin.read()
    done.set()


if __name__ == "__main__":
    read_without_pause(Path(sys.argv[1]))
