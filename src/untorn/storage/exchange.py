"""The commit where two names can be exchanged in one step: nothing is replaced unseen (WRITER W20).

::

    claim     temp → .swap ─ link(.swap)                    one exchange of a file at a time
    exchange  .swap ⇄ file                                  the commit point
    look      is what came out the base? else it goes back at once
    look      again behind the sync, for a file may be written while it is open
    leave     unlink(link) ─ unlink(.swap)

The lock of a file is its inode's, and a program that knows no lock may give the
name to another inode, which a second saver then locks: two would exchange at
once, and neither could give back what it took. The link keeps the second one out.
It is a symbolic link because making one says at the same time whose turn it is.
"""

from __future__ import annotations

import errno
import time
from contextlib import suppress
from typing import TYPE_CHECKING

from untorn.errors import LockTimeoutError
from untorn.storage.names import link_name
from untorn.storage.snapshot import read_to_end
from untorn.storage.swap import Overtaken, Swap, look
from untorn.storage.syscalls import LACKING
from untorn.storage.unfinished import finish

if TYPE_CHECKING:
    import os
    from pathlib import Path

    from untorn.records import Snapshot
    from untorn.storage.locking import Held
    from untorn.storage.syscalls import Syscalls
    from untorn.storage.temp import Temp

STILL = 0.05
"""Seconds for which a file must not have been written to before it is removed."""

_PAUSE = 0.001

_NO_LINKS = (*LACKING, errno.EPERM)
"""What symlink(2) says where the file system has none, FAT for one."""

_NO_ROOM = (errno.ENOSPC, errno.EDQUOT)
"""What says that a link is one file too many: a rename needs none."""

without: set[int] = set()
"""The devices on which that was said to this process."""


def can_exchange(device: int) -> bool:
    """Return whether names may be exchanged on this device, as far as this process knows."""
    return device not in without


class CannotExchange(Exception):  # noqa: N818  no error: then the temp is renamed
    """Names cannot be exchanged on this device, or there is no room for a link just now."""


class Exchange:
    """A temp that changes places with its target, and back if need be.

    Attributes:
        stays: The name of the link, if the file system refused its removal.

    Raises (all methods but ``leave``):
        OSError: As the calls say.
    """

    def __init__(
        self, snapshot: Snapshot, directory: int, temp: Temp, before: os.stat_result, calls: Syscalls
    ) -> None:
        assert snapshot.data is not None
        self._path: Path = snapshot.path
        self._base: bytes = snapshot.data
        self._before = before
        self._temp = temp
        self._calls = calls
        self._swap = Swap(directory, self._path.name, temp.to_be_exchanged(snapshot.revision), calls)
        self._link = link_name(self._path.name)
        self._linking = self._has_link = False
        self.stays = ""

    # ── Claim ───────────────────────────────────────────────────────────────

    def claim(self, held: Held, warnings: list[str]) -> bool:
        """Keep others from exchanging the file; ``False`` if ``held`` is not its lock any more.

        ``warnings`` gets what the receipt shall say of an exchange that crashed.

        Raises:
            CannotExchange: The file system has no such thing.
            LockTimeoutError: Somebody else took too long.
            WriteError: See ``finish``.
        """
        self._temp.rename(self._swap.directory, self._swap.other)
        started, again = time.monotonic(), False
        while not self._linked():
            now = self._swap.at_name()
            if now is None or (now.st_dev, now.st_ino) != held.identity:
                return False
            gone = finish(self._path, self._swap.directory, held.fd, warnings, self._calls)
            if time.monotonic() - started >= held.timeout and (again or not gone):
                raise LockTimeoutError(
                    f"not saved: another process has been replacing the file for {held.timeout:g} s",
                    path=self._path,
                    hint="save again; if that does not help, the process was stopped (kill -STOP), not ended",
                )
            again = gone
            time.sleep(0 if gone else _PAUSE)
        return True

    def _linked(self) -> bool:
        self._linking = True
        try:
            self._calls.symlink(self._temp.name, self._link, dir_fd=self._swap.directory)
        except FileExistsError:
            self._linking = False
            return False
        except OSError as error:
            self._give_up_for(error, _NO_LINKS, _NO_ROOM)
            raise
        self._has_link = True
        return True

    # ── Exchange ────────────────────────────────────────────────────────────

    def exchange(self) -> None:
        """Let the file's name lead to the temp, and the temp's to what the file was.

        Raises:
            CannotExchange: The system has no such call, or the file system.
            Overtaken: There is no file any more.
        """
        try:
            self._swap.exchange()
        except FileNotFoundError as error:
            if self._swap.at_name() is None:
                raise Overtaken from error
            raise
        except OSError as error:
            self._give_up_for(error, LACKING)
            raise

    def _give_up_for(self, error: OSError, always: tuple[int, ...], once: tuple[int, ...] = ()) -> None:
        if error.errno in always:
            without.add(self._before.st_dev)
        if error.errno in (*always, *once):
            raise CannotExchange from error

    def took_base(self) -> bool:
        """Return whether what came out is what the save was made for, as far as one look tells.

        Also where there is nothing any more, for whoever removed it has seen it.
        """
        out = self._out()
        return out is None or look(out) == look(self._before)

    def took_base_for_good(self, held: Held) -> bool:
        """Return the same, from all its bytes; of one that was written just now, after a while."""
        if self._before.st_mtime_ns == self._before.st_ctime_ns and self._is_fresh():
            time.sleep(STILL)
        if not self.took_base():
            return False
        size = self._before.st_size
        return read_to_end(held.fd, size, self._path, None, self._calls) == self._base

    def _is_fresh(self) -> bool:
        """Return whether it was written a moment ago.

        Only where the last that happened to it was a write: a save changes the
        metadata of its temp later than the bytes, by renaming it.
        """
        return time.time_ns() - self._before.st_mtime_ns < STILL * 1e9

    def _out(self) -> os.stat_result | None:
        try:
            return self._swap.out()
        except OSError:  # it matters too much to ask only once
            with suppress(FileNotFoundError):
                return self._swap.out()
        return None

    def give_back(self) -> None:
        """Let the name lead to what came out, or to what others have put there since."""
        status = self._calls.fstat(self._temp.fd)
        ours = read_to_end(self._temp.fd, status.st_size, self._path, None, self._calls)
        # Another may have written into our file by now: then that is the newest.
        self._swap.give_back(look(status) if self._temp.holds(ours) else ())

    def decide(self) -> bool:
        """Return whether the exchange stands, wherever it was interrupted; else it is undone."""
        out = self._out()
        if out is not None and (out.st_dev, out.st_ino) == self._temp.identity:
            return False
        if out is None or look(out) == look(self._before):
            return True
        self.give_back()
        return False

    # ── Leave ───────────────────────────────────────────────────────────────

    def let_go(self) -> None:
        """Let others exchange the file. Raises no ``OSError``: see ``stays``."""
        if not self._linking:
            return
        # A signal or a network may come between a call and the note of it: then
        # only what the link says tells whose it is.
        known, self._has_link = self._has_link, False
        try:
            if known or self._calls.readlink(self._link, dir_fd=self._swap.directory) == self._swap.other:
                self._calls.unlink(self._link, dir_fd=self._swap.directory)
        except FileNotFoundError:
            pass
        except OSError:
            self.stays = self._link  # nobody is held up by it: its process does not live for ever
            return
        self._linking = False
