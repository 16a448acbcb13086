"""Other processes: forked ones, which share what is loaded, and new ones."""

from __future__ import annotations

import os
import subprocess
import sys
import traceback
import warnings
from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn

import pytest

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
    sys.settrace(None)  # who measures coverage would look at files, too, and hear nothing of it
    try:
        task()
        code = 0
    except BaseException:  # noqa: BLE001  all that is left to do with it is to show it
        traceback.print_exc()
        sys.stderr.flush()
    finally:
        os._exit(code)  # nothing of the test runner may run here


def exit_code(child: int) -> int:
    """Wait for a child; negative: the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


NOBODY = 65534


def as_nobody(task: Callable[[], object]) -> None:
    """Run ``task`` in a child without any rights; its failure is this test's."""
    if os.geteuid() != 0:
        pytest.skip("only root can become somebody else")

    def drop_rights_first() -> None:
        os.setgroups([])
        os.setgid(NOBODY)
        os.setuid(NOBODY)
        task()

    assert exit_code(forked(drop_rights_first)) == 0


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
