"""A library of Windows: its functions, its handles, and who else has a file open."""

from __future__ import annotations

import ctypes
import os
import threading
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

from win32_errors import CODES, DEVICE, Failure

if TYPE_CHECKING:
    from pathlib import Path

READS, WRITES, REMOVES = 1, 2, 4  # FILE_SHARE_*
_FAILED = {"CreateFileW": ctypes.c_void_p(-1).value, "GetFileAttributesW": 0xFFFF_FFFF}


class Function:
    """A function of a library, which takes only what it was declared to take."""

    def __init__(self, library: Library, name: str) -> None:
        self._library = library
        self._name = name
        self.restype: Any = None
        self.argtypes: list[Any] = []

    def __call__(self, *arguments: Any) -> Any:
        assert len(arguments) == len(self.argtypes), self._name
        for given, declared in zip(arguments, self.argtypes, strict=True):
            declared.from_param(given)
        plain = [getattr(each, "_obj", each) for each in arguments]
        library = self._library
        with library.guard:
            try:
                if self._name == "CloseHandle":  # it frees the handle whatever it reports
                    library.close(*plain)
                library.strike(self._name)
                return getattr(library, "_" + self._name)(*plain)
            except Failure as failure:
                library.said.code = failure.args[0]
            except OSError as error:
                library.said.code = CODES.get(error.errno or 0, DEVICE)
        return _FAILED.get(self._name, 0)


@dataclass(eq=False)
class Handle:
    """Something that is open: by us, or by another program until ``until``."""

    key: tuple[int, int]
    path: str
    wants: int
    share: int
    fd: int = -1
    until: float = float("inf")
    temporary: bool = False
    through: bool = False


@dataclass(frozen=True)
class Range:
    """Bytes that somebody has locked."""

    key: tuple[int, int]
    owner: Handle
    start: int
    size: int
    exclusive: bool

    def meets(self, start: int, size: int) -> bool:
        return self.start < start + size and start < self.start + self.size


class Library:
    """Both libraries, without their functions.

    Attributes:
        made: The calls that were made, by name.
        now: The time, in seconds: waiting takes none.
        waited: The pauses.
        knows: ``posix`` renames and removals, ``lists`` of who may do what, ``changes of lists``,
            and ``final paths``.
        forbidden: What this process may look at, and not open.
        attributes: FILE_ATTRIBUTE_* of files, by device and inode.
        tags: What sort of reparse point those are that are no links.
    """

    def __init__(self) -> None:
        self.made: list[str] = []
        self.now = 1000.0
        self.waited: list[float] = []
        self.knows = {"posix", "lists", "changes of lists", "final paths"}
        self.forbidden: set[str] = set()
        self.guard = threading.RLock()
        self.said = threading.local()
        self.attributes: dict[tuple[int, int], int] = {}
        self.tags: dict[tuple[int, int], int] = {}
        self.handles: dict[int, Handle] = {}
        self.locks: list[Range] = []
        self.foreign: list[Handle] = []
        self.going: dict[tuple[int, int], str] = {}
        self._failing: dict[int, int] = {}
        self._always: tuple[str, int] | None = None
        self._functions: dict[str, Function] = {}
        self._numbers = iter(range(4, 1 << 30, 4))

    def __getattr__(self, name: str) -> Function:
        if "_" + name not in dir(type(self)):
            raise AttributeError(name)
        return self._functions.setdefault(name, Function(self, name))

    # ── What tests do ───────────────────────────────────────────────────────

    def fail(self, nth: int, code: int, *, persistent: bool = False) -> None:
        """Let the n-th call from now on fail; ``persistent``: and each later one of its name."""
        self._failing = {len(self.made) + nth: code}
        self._always = None
        self._persistent = persistent

    def strike(self, name: str) -> None:
        nth = len(self.made)
        self.made.append(name)
        if nth in self._failing:
            code = self._failing.pop(nth)
            if self._persistent:
                self._always = (name, code)
            raise Failure(code)
        if self._always is not None and name == self._always[0]:
            raise Failure(self._always[1])

    @staticmethod
    def refuse(code: int) -> None:
        raise Failure(code)

    def well_again(self) -> None:
        """Let nothing fail any more."""
        self._failing, self._always = {}, None

    def hold(self, path: Path, seconds: float, *, share: int = READS | WRITES, wants: int = READS) -> None:
        """Let another program have a file open."""
        status = path.stat()
        key = (status.st_dev, status.st_ino)
        self.foreign.append(Handle(key, str(path), wants, share, until=self.now + seconds))

    def lock_bytes(self, path: Path, seconds: float) -> None:
        """Let another program have locked all of a file's bytes: nobody else may read them."""
        self.hold(path, seconds, share=7)
        owner = self.foreign[-1]
        self.locks.append(Range(owner.key, owner, 0, 1 << 40, exclusive=True))

    def sleep(self, seconds: float) -> None:
        self.waited.append(seconds)
        self.now += seconds

    def last_error(self) -> int:
        return int(self.said.code)

    # ── Who has what open ───────────────────────────────────────────────────

    def close(self, number: int) -> None:
        closed = self.handles.pop(number, None)
        if closed is not None:
            os.close(closed.fd)
            if closed.temporary:
                self.going[closed.key] = closed.path
            self.left(closed)

    def others(self, key: tuple[int, int], but: Handle | None = None) -> list[Handle]:
        for each in [each for each in self.foreign if each.until <= self.now]:
            self.foreign.remove(each)
            self.left(each)
        known = (*self.handles.values(), *self.foreign)
        return [each for each in known if each.key == key and each is not but]

    def left(self, closed: Handle) -> None:
        """Forget the locks of what was closed, and remove it at last if it is to go."""
        self.locks = [each for each in self.locks if each.owner is not closed]
        if closed.key in self.going and not self.others(closed.key, closed):
            self.unlink(self.going.pop(closed.key), closed.key)

    def unlink(self, path: str, key: tuple[int, int]) -> None:
        os.unlink(path)  # noqa: PTH108  a string
        self.attributes.pop(key, None)
