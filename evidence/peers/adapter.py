"""Save with one of the peers, as its documentation recommends: a process of the scoreboard's.

``python -m evidence.peers.adapter PEER OPERATION PATH [ARGUMENT]``, where the operation is

``save``   make the file hold what the file ARGUMENT holds
``raise``  begin to, and raise half-way
``often``  save ARGUMENT self-checking contents, and print how many saves failed
``loop``   save self-checking contents until killed
``count``  add one to the number in the file, ARGUMENT times

The exit status is 3 if the peer reported an error, which is printed.
"""

from __future__ import annotations

import json
import os
import sys
import tempfile
import time
from contextlib import contextmanager, suppress
from importlib import import_module
from itertools import count
from pathlib import Path
from typing import IO, TYPE_CHECKING, Any

from evidence import contents

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from contextlib import AbstractContextManager

    from untorn import Document

NOBODY = 65534


class _HalfwayError(Exception):
    """What the block raises."""


# ── The peers ───────────────────────────────────────────────────────────────


@contextmanager
def ten_lines(path: str) -> Iterator[IO[bytes]]:
    """Do what is written by hand everywhere."""
    with tempfile.NamedTemporaryFile(dir=Path(path).parent, delete=False) as file:
        try:
            yield file
            file.close()
            os.replace(file.name, path)  # noqa: PTH105  as it is written everywhere
        except BaseException:
            os.unlink(file.name)  # noqa: PTH108
            raise


def _module(name: str) -> Any:  # noqa: ANN401  none of them is installed where types are checked
    return import_module(name)


OPENED: dict[str, Callable[[str], AbstractContextManager[IO[bytes]]]] = {
    "atomicwrites": lambda path: _module("atomicwrites").atomic_write(path, mode="wb", overwrite=True),
    "boltons": lambda path: _module("boltons.fileutils").atomic_save(path),
    "safer": lambda path: _module("safer").open(path, "wb"),
    "click": lambda path: _module("click").open_file(path, "wb", atomic=True),
    "tempfile": ten_lines,
}


def save(peer: str, path: str, data: bytes) -> None:
    """Make the file hold ``data``; print what the peer has to say of it."""
    if peer == "untorn":
        for warning in _module("untorn").write_bytes(path, data).warnings:
            print(warning)
        return
    with OPENED[peer](path) as file:
        file.write(data)


def raise_halfway(peer: str, path: str, data: bytes) -> None:
    """Begin to write, and raise."""
    if peer == "untorn":
        with _module("untorn").edit(path) as doc:
            doc.set("number", 0)
            raise _HalfwayError
    with OPENED[peer](path) as file:
        file.write(data[: len(data) // 2])
        raise _HalfwayError


def add_one(peer: str, path: str) -> None:
    """Read, change, save: with one call, where the peer has one."""

    def add(doc: Document) -> None:
        doc.set("number", doc.get("number") + 1)

    if peer == "untorn":
        _module("untorn").update(path, add)
        return
    value = json.loads(Path(path).read_bytes())
    value["number"] += 1
    save(peer, path, json.dumps(value).encode())


# ── Operations ──────────────────────────────────────────────────────────────


def _often(peer: str, path: str, times: Iterator[int] | range) -> int:
    failed = 0
    for number in times:
        try:
            save(peer, path, contents.text(number, "json"))
        except Exception:  # noqa: BLE001  whatever it is, it is counted
            failed += 1
    return failed


def _count(peer: str, path: str, times: int) -> None:
    for _ in range(times):
        with suppress(Exception):  # an update that fails does not survive
            add_one(peer, path)


def _become_nobody(peer: str) -> None:
    """Give up all rights, once everything has been imported from where nobody may read."""
    with tempfile.TemporaryDirectory() as place:
        save(peer, f"{place}/first.json", b"{}\n")
    os.setgroups([])
    os.setgid(NOBODY)
    os.setuid(NOBODY)


def main(peer: str, operation: str, path: str, argument: str = "") -> None:
    """Do what was asked for."""
    if "EVIDENCE_AS_NOBODY" in os.environ:
        _become_nobody(peer)
    if "EVIDENCE_AT" in os.environ:
        time.sleep(max(0.0, float(os.environ["EVIDENCE_AT"]) - time.time()))
    if operation == "save":
        save(peer, path, Path(argument).read_bytes())
    elif operation == "raise":
        raise_halfway(peer, path, Path(argument).read_bytes())
    elif operation == "often":
        print(_often(peer, path, range(int(argument))))
    elif operation == "loop":
        _often(peer, path, count())
    else:
        _count(peer, path, int(argument))


if __name__ == "__main__":
    try:
        main(*sys.argv[1:])
    except Exception as error:  # noqa: BLE001  it is the answer
        print(f"{type(error).__name__}: {error}")
        sys.exit(3)
