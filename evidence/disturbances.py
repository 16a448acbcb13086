"""What can happen to a save at its system calls: every fault, as data."""

from __future__ import annotations

import errno
import os
import signal
from functools import partial
from typing import TYPE_CHECKING

from evidence.calls import ERRORS, os_error, raising
from evidence.trials import Fault, hooks
from untorn import UnknownOutcomeError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from evidence.calls import Hook

COMMITS = ("exchange", "rename_new", "rename")
LIES = frozenset({
    *((name, code) for name in ("open", "stat", "readlink", "access", "mkdir", "rename", "exchange")
      for code in (errno.ENOENT, errno.ENOTDIR)),
    ("readlink", errno.EINVAL), ("mkdir", errno.EEXIST), ("open", errno.EEXIST), ("rename_new", errno.EEXIST),
    ("open", errno.ELOOP), ("open", errno.ENXIO), ("getxattr", errno.ENODATA), ("unlink", errno.ENOENT),
})  # fmt: skip
# What they made, nobody can know of who got an error: a descriptor without a number.
UNKNOWABLE = ("open", "mkdir")
CLEANUP = ("unlink", "close", "rmdir", "fsync", "fstat", "stat", "flock", "listdir")
CLEANUP_ERRORS = (errno.EIO, errno.EROFS)


def failures(made: Sequence[str]) -> Iterator[Fault]:
    """Every call fails with every error of its man page, once and from then on."""
    for nth, name in enumerate(made):
        for code in ERRORS[name]:
            for persistent in (False, True):
                label = f"{name} (call {nth}) fails with {errno.errorcode[code]}{' ever after' * persistent}"
                lie = (name, code) in LIES
                told = None if persistent else code  # of several errors, another one may be said
                yield Fault(label, hooks(before=_striker(nth, code, persistent=persistent)), told, lie=lie)


def _striker(nth: int, code: int, *, persistent: bool = False) -> Callable[[], Hook]:
    return partial(raising, nth, partial(os_error, code), persistent=persistent)


def late_failures(made: Sequence[str]) -> Iterator[Fault]:
    """Every call is done and reports an error all the same, as over a network."""
    for nth, name in enumerate(made):
        for code in (errno.EIO, errno.ESTALE, errno.ENOENT):
            if name not in UNKNOWABLE:
                label = f"{name} (call {nth}) is done, and reports {errno.errorcode[code]}"
                yield Fault(label, hooks(after=_striker(nth, code)), lie=(name, code) in LIES)


def interrupts(made: Sequence[str]) -> Iterator[Fault]:
    """Ctrl-C before and after every call.

    After a call that gives something, Python delivers a signal when the result
    is bound: that is the moment before the next call.
    """
    for nth, name in enumerate(made):
        for moment in ("before", "after"):
            if moment == "before" or name not in UNKNOWABLE:
                label = f"Ctrl-C {moment} {name} (call {nth})"
                yield Fault(
                    label,
                    hooks(**{moment: partial(raising, nth, KeyboardInterrupt)}),
                    demands=lambda error: isinstance(error, KeyboardInterrupt),
                )


def failures_that_cannot_be_cleaned_up(made: Sequence[str]) -> Iterator[Fault]:
    """Every call fails, and so does everything of one kind that is called afterwards."""
    for nth, name in enumerate(made):
        for after in CLEANUP:
            for code in CLEANUP_ERRORS:
                label = f"{name} (call {nth}) fails, and each {after} after it with {errno.errorcode[code]}"
                yield Fault(label, hooks(before=partial(_then_each, nth, after, code)))


def _then_each(at: int, then: str, code: int) -> Hook:
    def strike(nth: int, name: str) -> None:
        if nth == at:
            raise os_error(errno.EIO)
        if nth > at and name == then:
            raise os_error(code)

    return strike


def renames_of_unknown_outcome(made: Sequence[str]) -> Iterator[Fault]:
    """The rename reports an error, done or not, and the look at what it left fails, too."""
    at = next((made.index(name) for name in COMMITS if name in made), -1)
    if at < 0:
        return  # written in place
    for code in (errno.ESTALE, errno.EIO, errno.ENOENT):
        for look in (errno.EIO, errno.ESTALE, errno.EACCES):
            for moment in ("before", "after"):
                label = (
                    f"the rename reports {errno.errorcode[code]} {moment} it is done, "
                    f"and each look says {errno.errorcode[look]}"
                )
                yield Fault(
                    label,
                    hooks(**_blind(at, code, look, moment)),
                    demands=lambda error: isinstance(error, UnknownOutcomeError),
                )
        yield Fault(
            f"the rename is done and reports {errno.errorcode[code]}",
            hooks(after=_striker(at, code)),
            demands=lambda error: error is None,
        )


def _blind(at: int, code: int, look: int, moment: str) -> dict[str, Callable[[], Hook]]:
    def no_look() -> Hook:
        def strike(nth: int, name: str) -> None:
            if nth == at and moment == "before":
                raise os_error(code)
            if nth > at and name in ("stat", "fstat"):
                raise os_error(look)

        return strike

    given = {"before": no_look}
    return given if moment == "before" else {**given, "after": _striker(at, code)}


def second_failures(first: int, made: Sequence[str]) -> Iterator[Fault]:
    """After the call of number ``first`` failed, each of the calls that follow then fails, too."""
    for second in range(first + 1, len(made)):
        label = f"calls {first} and {second} ({made[first]}, {made[second]}) fail with EIO"
        yield Fault(label, hooks(before=partial(both, first, second)))


def both(first: int, second: int) -> Hook:
    """Return a hook that lets these two calls fail."""

    def strike(nth: int, _name: str) -> None:
        if nth in (first, second):
            raise os_error(errno.EIO)

    return strike


def kills(made: Sequence[str]) -> Iterator[Fault]:
    """SIGKILL at the entry and at the exit of every call."""
    for nth, name in enumerate(made):
        for moment, word in (("before", "entry"), ("after", "exit")):
            yield Fault(
                f"SIGKILL at the {word} of {name} (call {nth})", hooks(**{moment: partial(_kill, nth)})
            )


def _kill(at: int) -> Hook:
    def strike(nth: int, _name: str) -> None:
        if nth == at:
            os.kill(os.getpid(), signal.SIGKILL)

    return strike
