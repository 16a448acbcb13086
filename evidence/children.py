"""Forked children: to be killed, or to become somebody else."""

from __future__ import annotations

import os
import pickle
import sys
import traceback
import warnings
from typing import TYPE_CHECKING, Generic, NoReturn, TypeVar

if TYPE_CHECKING:
    from collections.abc import Callable

Result = TypeVar("Result")


def forked(task: Callable[[], object]) -> int:
    """Run ``task`` in a forked child, and return its process id.

    The child's exit status is 0 if the task returns, 1 if it raises.
    """
    with warnings.catch_warnings():
        # A test runner's timer is a thread, which Python 3.12 and later warn of.
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
        os._exit(code)  # nothing of the parent may run here


def exit_code(child: int) -> int:
    """Wait for a child; negative: the signal that killed it."""
    return os.waitstatus_to_exitcode(os.waitpid(child, 0)[1])


class Errand(Generic[Result]):
    """A task that runs in a forked child while its parent goes on.

    Not a pool of ``multiprocessing``: its children look after streams and locks of
    threads that they do not have, and may wait for one of them for ever.
    """

    def __init__(self, task: Callable[[], Result]) -> None:
        self._reading, writing = os.pipe()

        def tell() -> None:
            os.close(self._reading)
            with os.fdopen(writing, "wb") as stream:
                pickle.dump(task(), stream)

        self._child = forked(tell)
        os.close(writing)

    def result(self) -> Result:
        """Wait for the end, and return what the task returned.

        Raises:
            ChildProcessError: It raised, or was killed; its own process has said why.
        """
        with os.fdopen(self._reading, "rb") as stream:
            said = stream.read()
        code = exit_code(self._child)
        if code:
            raise ChildProcessError(f"it ended with {code}")
        result: Result = pickle.loads(said)
        return result


def told(task: Callable[[], str]) -> tuple[int, str]:
    """Run ``task`` in a forked child; return its exit code and what it returned."""
    reading, writing = os.pipe()

    def tell() -> None:
        os.close(reading)
        with os.fdopen(writing, "w", encoding="utf-8", errors="surrogateescape") as stream:
            stream.write(task())

    child = forked(tell)
    os.close(writing)
    with os.fdopen(reading, encoding="utf-8", errors="surrogateescape") as stream:
        said = stream.read()
    return exit_code(child), said
