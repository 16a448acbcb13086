"""A program that knows no lock: it rewrites the comments of a file that others save, and keeps a book.

It reads, thinks for a moment, and writes what it had read with other comments: by
exchange of names, so that it holds what it replaced; or in place, where what the open
file held in the moment before is what it destroys, for nobody else writes in place.
"""

from __future__ import annotations

import os
import random
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evidence.lineage import Write
from evidence.shared_texts import noted, version_of
from untorn.storage import REAL

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

_THINKS = 0.004  # seconds, at most
_RESTS = (0.005, 0.15)  # at most, every other time: it comes in bursts
_TEMP = "ninth"


class NoVersionError(Exception):
    """The file held what nobody can have written: a part, a mixture, a comment lost or doubled."""


@dataclass
class Ninth:
    """The program.

    Attributes:
        path: The file.
        programs: How many others there are.
        seed: What its moments and ways depend on.
        by_exchange: How often it exchanges, instead of writing in place.
    """

    path: Path
    programs: int
    seed: int = 0
    by_exchange: float = 0.5

    def run(self, stopped: Callable[[], bool]) -> list[Write]:
        """Write until ``stopped``, and return what was written."""
        chance = random.Random(self.seed)
        book: list[Write] = []
        note = 0
        while not stopped():
            note += 1
            read = self.path.read_bytes()
            time.sleep(chance.random() * _THINKS)
            data = noted(read, note)
            if chance.random() < self.by_exchange:
                book.append(self._noted(read, self.exchange(data), data))
            else:
                replaced, gone = self.overwrite(data)
                book.append(self._noted(read, replaced, data, in_place=True, gone=gone))
            time.sleep(chance.random() * chance.choice(_RESTS))
        return book

    def _noted(
        self, read: bytes, replaced: bytes, written: bytes, *, in_place: bool = False, gone: bool = False
    ) -> Write:
        form = self.path.suffix[1:]
        versions = [version_of(each, form, self.programs) for each in (read, replaced, written)]
        was, there, now = versions
        if was is None or there is None or now is None:
            raise NoVersionError(read, replaced)
        return Write(was, there, now, in_place, gone)

    def exchange(self, data: bytes) -> bytes:
        """Replace the file, and return what was replaced."""
        temp = self.path.with_name(_TEMP)
        temp.write_bytes(data)
        directory = os.open(self.path.parent, os.O_RDONLY | os.O_DIRECTORY)
        try:
            REAL.exchange(_TEMP, self.path.name, src_dir_fd=directory, dst_dir_fd=directory)
        finally:
            os.close(directory)
        replaced = temp.read_bytes()
        temp.unlink()
        return replaced

    def overwrite(self, data: bytes) -> tuple[bytes, bool]:
        """Overwrite the file; return what was overwritten, and whether nothing led there any more."""
        fd = os.open(self.path, os.O_RDWR)
        try:
            replaced = os.pread(fd, os.fstat(fd).st_size + 1, 0)
            os.ftruncate(fd, 0)
            os.pwrite(fd, data, 0)
            return replaced, os.fstat(fd).st_nlink == 0
        finally:
            os.close(fd)
