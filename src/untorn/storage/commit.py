"""The commit point of a save, by exchange or by rename, and what comes behind it (WRITER W4-W6, W20, W22)."""

from __future__ import annotations

import stat
from contextlib import suppress
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from untorn.errors import SaveError
from untorn.storage import failures, flags, owed
from untorn.storage.exchange import CannotExchange, Exchange, can_exchange
from untorn.storage.paths import split
from untorn.storage.swap import Overtaken
from untorn.storage.sweeps import Visit, forget, sweep_if_due

if TYPE_CHECKING:
    import os

    from untorn.records import Revision, Snapshot
    from untorn.storage.locking import Held
    from untorn.storage.parents import Parents
    from untorn.storage.syscalls import Syscalls
    from untorn.storage.temp import Temp


@dataclass(frozen=True, slots=True)
class Published:
    """What is known behind the commit point.

    Attributes:
        revision: What identifies the new bytes.
        durable: Whether they are known to survive a power cut.
        error: What the disk said instead of confirming, or ``None``.
        unknown: Whether the commit failed and its outcome could not be seen; or
            the file is being overwritten, and its journal is there.
        warnings: What could not be kept, in sentences.
        atomic: Whether the file was replaced, not overwritten.
        promised: Whether the record of a transaction says what it shall hold.
    """

    revision: Revision
    durable: bool
    error: OSError | None = None
    unknown: bool = False
    warnings: tuple[str, ...] = ()
    atomic: bool = True
    promised: bool = False


class Commit:
    """A temp that is complete, on its way to the file's name.

    Args:
        snapshot: What the new content was made for.
        target: What has the name; ``None``: nothing.
        parents: The directory.
        temp: The new content.
        found: When the directory was changed last before this save.
        durable: Whether the name shall be synced.
        warnings: What the receipt will say.
        calls: The system calls to use.
    """

    def __init__(  # noqa: PLR0913  everything that a save has by then
        self,
        snapshot: Snapshot,
        target: os.stat_result | None,
        parents: Parents,
        temp: Temp,
        *,
        found: int,
        durable: bool,
        warnings: list[str],
        calls: Syscalls,
    ) -> None:
        self._snapshot = snapshot
        self._path = snapshot.path
        self._place, self._name = split(self._path)
        self._target = target
        self._parents = parents
        self._temp = temp
        self.found = found
        self._warnings = warnings
        self._calls = calls
        self._durable = durable
        self._exchange: Exchange | None = None
        self._tried = False
        self._done = False
        self._undecided = False

    # ── Claim ───────────────────────────────────────────────────────────────

    def claim(self, held: Held) -> bool:
        """Return whether nobody else may be exchanging the file, where that can be done at all.

        Raises:
            SaveError: A call failed, or see ``Exchange.claim``.
        """
        before, base = self._target, self._snapshot.data
        if before is None or base is None or not stat.S_ISREG(before.st_mode):
            return True
        if not can_exchange(before.st_dev):
            return True
        self._exchange = Exchange(self._snapshot, self._parents.fd, self._temp, before, self._calls)
        try:
            return self._exchange.claim(held, self._warnings)
        except CannotExchange:
            self._give_up()
            return True
        except SaveError:
            raise
        except OSError as error:
            raise failures.writing(error, self._path, "replacing the file failed") from error

    def _give_up(self) -> None:
        self.let_go()
        self._exchange = None

    def let_go(self) -> str:
        """Let others exchange the file; return the name of a link that stays. Raises no ``OSError``."""
        if self._exchange is None:
            return ""
        self._exchange.let_go()
        return self._exchange.stays

    # ── Publish ─────────────────────────────────────────────────────────────

    def publish(self, held: Held) -> Published | None:
        """Let the name lead to the new content; see ``Prepared.publish``."""
        try:
            unseen = self._replace()
        except Overtaken:
            return None
        if unseen is not None:
            return self._published(durable=False, error=unseen, unknown=True)
        if self._exchange is None:
            return self._behind_rename()
        try:
            return self._behind_exchange(self._exchange, held)
        except OSError as error:
            # Nobody has seen what lies under the other name: the next save finds out.
            self._undecided = False
            return self._published(durable=False, error=error, unknown=True)

    def _replace(self) -> OSError | None:
        """Let the name lead to the temp; return an error only if its outcome cannot be seen.

        Raises:
            Overtaken: Somebody made the file, or removed it.
            WriteError: It failed, and a look confirms that the target is as it was.
        """
        self._tried = True
        try:
            if not self._exchanged():
                self._rename()
        except FileExistsError as error:
            raise Overtaken from error
        except OSError as error:
            # Over a network the rename may have happened all the same (W22).
            landed = self._landed()
            if landed is False:
                raise failures.writing(error, self._path, "replacing the file failed") from error
            self._done = True  # perhaps: nothing may be removed any more
            return error if landed is None else None
        # The commit point is behind us: from here on nothing may raise.
        self._done = True
        return None

    def _exchanged(self) -> bool:
        if self._exchange is None:
            return False
        self._undecided = True
        try:
            self._exchange.exchange()
        except CannotExchange:
            self._undecided = False
            self._give_up()
            return False
        return True

    def _rename(self) -> None:
        # A link to nowhere that shall be replaced has no bytes, but the name is taken.
        rename = self._calls.rename_new if self._target is None else self._calls.rename
        rename(self._temp.name, self._name, src_dir_fd=self._parents.fd, dst_dir_fd=self._parents.fd)

    def _landed(self) -> bool | None:
        """Look whether the name leads to our inode; ``None`` if that cannot be seen."""
        try:
            try:
                status = self._calls.stat(self._name, dir_fd=self._parents.fd, follow_symlinks=False)
            except FileNotFoundError:
                raise
            except OSError:
                # ESTALE: the server no longer knows the directory by this descriptor.
                status = self._calls.stat(self._path, follow_symlinks=False)
        except FileNotFoundError:
            return False
        except OSError:
            return None
        return (status.st_dev, status.st_ino) == self._temp.identity

    # ── Behind it ───────────────────────────────────────────────────────────

    def _behind_rename(self) -> Published:
        change = self._change()
        published = self._synced()
        self._sweep(change)
        return published

    def _behind_exchange(self, exchange: Exchange, held: Held) -> Published | None:
        if exchange.took_base():
            published = self._synced()
            if exchange.took_base_for_good(held):
                return self._settled(exchange, published)
        exchange.give_back()
        self._tried = self._done = self._undecided = False
        with suppress(OSError):  # so that a power cut, too, leaves what others wrote
            self._calls.fsync(self._parents.fd)
        return None

    def _settled(self, exchange: Exchange, published: Published) -> Published:
        """Remove what came out: nobody else has written to it."""
        exchange.let_go()
        self._temp.remove(self._parents.fd)
        self._undecided = False
        self._sweep(self._change())
        left = [name for name in (exchange.stays, self._temp.name if self._temp.stays else "") if name]
        if not left:
            return published
        forget(self._place)
        self._warnings.append(f"{' and '.join(left)} could not be removed: the next save does it")
        return replace(published, warnings=tuple(self._warnings))

    def _published(self, *, durable: bool, error: OSError | None = None, unknown: bool = False) -> Published:
        return Published(self._temp.revision, durable, error, unknown, tuple(self._warnings))

    def _synced(self) -> Published:
        """Make the rename durable (WRITER W4-W6)."""
        if not self._durable:
            owed.owe(self._path)  # to the next save that shall be durable
            return self._published(durable=False)
        try:
            # Owed are the names of the parents, too: nobody has seen them synced.
            durable = self._parents.sync(new=self._target is None or owed.owes(self._path))
        except OSError as error:
            owed.owe(self._path)
            return self._published(durable=False, error=error)
        owed.settle(self._path)
        if not durable:
            self._warnings.append("this file system cannot sync a directory: a power cut may undo the save")
        return self._published(durable=durable)

    def _change(self) -> int | None:
        """Return when the directory was changed last: by ourselves, most likely."""
        with suppress(OSError):
            return self._calls.fstat(self._parents.fd).st_mtime_ns
        return None

    def _sweep(self, change: int | None) -> None:
        replaced = None if self._target is None else (self._target.st_dev, self._target.st_ino)
        owner = flags.effective_user() if self._target is None else self._target.st_uid
        identity, new = self._temp.identity, self._target is None
        visit = Visit(self._parents.fd, owner, self.found, change, replaced, identity, locked=new)
        sweep_if_due(self._place, self._name, visit, self._calls)

    # ── Interrupted ─────────────────────────────────────────────────────────

    def stands(self) -> bool:
        """Return whether the new content has the name, or may have it, whatever interrupted the save."""
        # A signal may arrive when rename(2) has returned and Python has not said so yet.
        if not self._done and not (self._tried and self._landed() is not False):
            return False
        if self._exchange is None or not self._undecided:
            return True
        try:
            stands = self._exchange.decide()
        except OSError:
            return True  # perhaps: the next save finds out
        if stands:
            self._exchange.let_go()
            self._temp.remove(self._parents.fd)
        self._undecided = False
        return stands
