"""Other processes: forked ones, which share what is loaded, and new ones."""

from __future__ import annotations

import os
import subprocess
import sys
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def forked(task: Callable[[], object]) -> int:
    """Run ``task`` in a forked child, and return its process id.

    The child's exit status is 0 if the task returns, 1 if it raises.
    """
    with warnings.catch_warnings():
        # pytest-timeout's timer is a thread, which Python 3.12 and later warn of.
        # It holds no lock of ours, and the child runs nothing of it.
        warnings.simplefilter("ignore", DeprecationWarning)
        child = os.fork()
    if child == 0:
        _end_with(task)
    return child


def _end_with(task: Callable[[], object]) -> NoReturn:
    code = 1
    try:
        task()
        code = 0
    finally:
        os._exit(code)  # nothing of the test runner may run here


def exit_code(child: int) -> int:
    """Wait for a child; negative: the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


_HOLDER = """
import sys, untorn
with untorn.edit(sys.argv[1]):
    print("held", flush=True)
    sys.stdin.read()
"""


@contextmanager
def holder_of(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Run a process that holds the lock of ``path``, until the block ends or it is killed."""
    with started(_HOLDER, path) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process


@contextmanager
def started(script: str, *arguments: object) -> Iterator[subprocess.Popen[str]]:
    """Run ``script`` in a new process, which ends, at the latest, soon after the block."""
    process = subprocess.Popen(
        [sys.executable, "-c", script, *map(str, arguments)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        try:
            yield process
        finally:
            if process.stdin is not None:
                process.stdin.close()
