"""The process that the demo's victims are forked from.

A fresh interpreter for each victim would take longer than its short life.
"""

from __future__ import annotations

import os
import signal
import sys
import traceback
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING

from untorn.cli.demo.generations import content

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn, TypeAlias

    Save: TypeAlias = Callable[[Path, bytes], object]

BEAR, KILL = b"b", b"k"
"""What to do, said on standard input; its end kills the victim and ends the nursery."""

_STDIN, _STDOUT = 0, 1
_A_LIFE = 1_000_000  # numbers of contents that no two victims share


def raise_victims(writer: str, path: Path) -> None:
    """Fork and kill victims as told; print how each ended.

    How it ended is what ``os.waitstatus_to_exitcode`` says: -9 if it was killed.
    """
    save = _save_of(writer)
    with suppress(OSError):  # a victim will say so
        save(path, content(0))  # or each victim would spend its life importing what a first save needs
    nursery = os.getpid()
    number = _A_LIFE
    while os.read(_STDIN, 1) == BEAR:
        victim = os.fork()
        if not victim:
            _save_until_killed(save, path, number, nursery)
        told = os.read(_STDIN, 1)
        os.kill(victim, signal.SIGKILL)
        _, status = os.waitpid(victim, 0)
        if told == KILL:
            os.write(_STDOUT, b"%d\n" % os.waitstatus_to_exitcode(status))
        number += _A_LIFE


def _save_of(writer: str) -> Save:
    if writer == "untorn":
        from untorn import write_bytes  # noqa: PLC0415  the other writer shall not need it

        return write_bytes
    from untorn.cli.demo.outsiders import truncate_and_write  # noqa: PLC0415  see there

    return truncate_and_write


def _save_until_killed(save: Save, path: Path, number: int, nursery: int) -> NoReturn:
    try:
        while os.getppid() == nursery:  # or nobody is left to kill this process
            save(path, content(number))
            number += 1
    except BaseException:  # noqa: BLE001  the forked process must end here, whatever happened
        traceback.print_exc()
    os._exit(1)


if __name__ == "__main__":
    raise_victims(sys.argv[1], Path(sys.argv[2]))
