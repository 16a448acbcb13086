"""The process that the demo's victims are forked from.

A fresh interpreter for each victim would take longer than its short life.
"""

from __future__ import annotations

import os
import select
import sys
import traceback
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING

from untorn.cli.demo.generations import content

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import NoReturn, TypeAlias

    Save: TypeAlias = Callable[[Path, bytes], object]

_STDIN, _STDOUT = 0, 1
_A_LIFE = 1_000_000  # numbers of contents that no two victims share


def raise_victims(writer: str, path: Path) -> None:
    """Fork a victim for each byte on standard input; print its id, and how it ended.

    How it ended is what ``os.waitstatus_to_exitcode`` says: -9 if it was killed.
    """
    save = _save_of(writer)
    for birth in count():
        if not os.read(_STDIN, 1):
            return
        victim = os.fork()
        if not victim:
            _save_until_killed(save, path, birth * _A_LIFE)
        os.write(_STDOUT, b"%d\n" % victim)
        _, status = os.waitpid(victim, 0)
        os.write(_STDOUT, b"%d\n" % os.waitstatus_to_exitcode(status))


def _save_of(writer: str) -> Save:
    if writer == "untorn":
        from untorn import write_bytes  # noqa: PLC0415  the other writer shall not need it

        return write_bytes
    from untorn.cli.demo.outsiders import truncate_and_write  # noqa: PLC0415  see there

    return truncate_and_write


def _save_until_killed(save: Save, path: Path, number: int) -> NoReturn:
    try:
        # Whatever there is to read now can only be the end: the demo itself is gone.
        while not select.select([_STDIN], [], [], 0)[0]:
            save(path, content(number))
            number += 1
    except BaseException:  # noqa: BLE001  the forked process must end here, whatever happened
        traceback.print_exc()
    os._exit(1)


if __name__ == "__main__":
    raise_victims(sys.argv[1], Path(sys.argv[2]))
