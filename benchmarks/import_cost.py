"""How many instructions ``import untorn`` adds to starting Python.

Instructions, not seconds: the same on a busy machine as on an idle one. Needs
valgrind, and an environment in which untorn can be imported::

    python benchmarks/import_cost.py
"""

from __future__ import annotations

import re
import shutil
import subprocess
import sys
import tempfile
from functools import cache
from importlib.util import find_spec
from pathlib import Path


def instructions(code: str) -> int:
    """Return how many instructions a fresh interpreter executes for ``code``."""
    return instructions_of("-c", code)


def instructions_of(*arguments: str) -> int:
    """Return how many instructions ``python ARGUMENTS`` executes."""
    with tempfile.TemporaryDirectory() as directory:
        profile = Path(directory) / "profile"
        python = [sys.executable, *arguments]
        _run(python)  # once before, for the bytecode that it leaves behind
        _run([_valgrind(), "--tool=callgrind", f"--callgrind-out-file={profile}", *python])
        found = re.search(r"^(?:summary|totals): (\d+)", profile.read_text("utf-8"), re.MULTILINE)
    assert found, "valgrind wrote no total"
    return int(found[1])


def _valgrind() -> str:
    found = shutil.which("valgrind")
    if found is None:
        sys.exit("valgrind is not installed")
    return found


@cache
def _bytecode() -> tempfile.TemporaryDirectory[str]:
    """Return where bytecode is kept: nothing is written beside the sources, which may be read-only."""
    return tempfile.TemporaryDirectory(prefix="untorn-bytecode-")


def _run(command: list[str]) -> None:
    spec = find_spec("untorn")
    assert spec is not None
    assert spec.origin is not None
    # Nothing else of the caller's environment: coverage, for one, can start
    # itself in every child. And sets are to be walked in the same order always.
    environment = {
        "PYTHONHASHSEED": "0",
        "PYTHONPATH": str(Path(spec.origin).parents[1]),
        "PYTHONPYCACHEPREFIX": _bytecode().name,
    }
    subprocess.run(command, env=environment, check=True, capture_output=True)


def main() -> None:
    """Print what ``import untorn`` costs."""
    python, untorn = instructions("pass"), instructions("import untorn")
    print(f"python -c pass    {python:>12,} instructions")
    print(f"import untorn     {untorn:>12,} instructions   {untorn / python:.3f} x")


if __name__ == "__main__":
    main()
