"""Transactions of three files, disturbed at their system calls like single saves.

Through untorn, all three are old or all are new, after every call and for whoever
comes next; what stays behind is gone when each file has been saved once more.
"""

from __future__ import annotations

import shutil
import signal
from functools import partial
from typing import TYPE_CHECKING

import untorn
from evidence.calls import watched
from evidence.children import exit_code, forked, told
from evidence.faults import TOGETHER, Shard
from evidence.transaction import NEW, OLD, loaded, prepare, transact, wrong_after
from evidence.trials import AFTER_COMMIT, UNDISTURBED, Fault, open_descriptors
from untorn.storage import pending, sweeps

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

    from evidence.calls import Hook


class Transactions(Shard):
    """All trials of a transaction."""

    def __init__(self, place: Path, *, step: int = 1) -> None:
        super().__init__(TOGETHER, "transaction", place, step=step)
        del self.bodies["renames of unknown outcome"]  # that is about the one rename of a save

    def calm(self) -> tuple[list[str], bytes]:
        """Return the calls of a transaction that nobody disturbs."""
        directory = self.fresh()
        code, said = told(lambda: " ".join(attempt(directory, UNDISTURBED)[0]))
        assert code == 0, said
        return said.split(), b""

    def attempted(self, directory: Path, fault: Fault, _expected: bytes) -> tuple[list[str], list[str]]:
        """Save as one under ``fault``; return the calls that were made, and what was broken."""
        return attempt(directory, fault)

    def kill(self, fault: Fault, _expected: bytes) -> None:
        """Kill a transaction, and let another process look and save."""
        directory = self.fresh()
        _prepared(directory)

        def save() -> None:
            with watched(**fault.hooks()):
                transact(directory)

        code = exit_code(forked(save))
        ended, said = told(lambda: "\n".join(_wrong(directory, (OLD, NEW))))
        found = [f"it ended with {code}"] if code != -signal.SIGKILL else []
        found += [*filter(None, said.split("\n")), *([f"the judge ended with {ended}"] if ended else [])]
        self.note("kills", fault, iter(found))
        shutil.rmtree(directory)

    def from_outside(self, _expected: bytes) -> None:
        """Leave strace to the single saves: the calls are the same ones."""


def attempt(directory: Path, fault: Fault) -> tuple[list[str], list[str]]:
    """Save three files as one under ``fault``, then each once more without it.

    Returns:
        The calls that were made, and what broke a promise, in sentences.
    """
    _prepared(directory)
    pending.PAUSE = 0.0
    violations: list[str] = []
    descriptors = open_descriptors()
    error: BaseException | None = None
    hooks = fault.hooks()
    looking = (
        partial(_look, directory, hooks.get("after"), violations) if not fault.lie else hooks.get("after")
    )
    with watched(**{**hooks, **({"after": looking} if looking else {})}) as watch:
        try:
            transact(directory)
        except BaseException as raised:  # noqa: BLE001  judged below
            error = raised
    violations += _judged(directory, fault, error)
    if open_descriptors() != descriptors:
        violations.append("a descriptor stayed open")
    shutil.rmtree(directory, ignore_errors=True)
    return watch.made, violations


def _prepared(directory: Path) -> None:
    directory.mkdir(parents=True)
    prepare(directory)
    sweeps._left.clear()  # noqa: SLF001  as in a new process


def _look(directory: Path, hook: Hook | None, violations: list[str], nth: int, name: str) -> None:
    """Read as others might after every call, then do what ``hook`` does."""
    violations += (f"after call {nth} ({name}): {each}" for each in _mixture(directory, (OLD, NEW)))
    if hook is not None:
        hook(nth, name)


def _mixture(directory: Path, may: tuple[dict[str, bytes | None], ...]) -> Iterator[str]:
    try:
        seen = loaded(directory)
    except (untorn.LoadError, LookupError) as error:
        yield f"loads see what is neither old nor new: {error!r}"
        return
    if seen not in may:
        yield f"loads see {seen}"


def _judged(directory: Path, fault: Fault, error: BaseException | None) -> Iterator[str]:
    if not fault.demands(error):
        yield f"the outcome should have been another one than {error!r}"
    if fault.lie:
        return  # what a call said of a file was not so: then anything may follow from it
    if error is None or isinstance(error, untorn.NotDurableError):
        may: tuple[dict[str, bytes | None], ...] = (NEW,)
    elif isinstance(error, (*AFTER_COMMIT, KeyboardInterrupt)):
        may = (OLD, NEW)
    elif isinstance(error, (untorn.SaveError, untorn.LoadError, FileNotFoundError)):
        may = (OLD,)
    else:
        yield f"{type(error).__name__} came out: {error}"
        return
    yield from _wrong(directory, may, error)


def _wrong(
    directory: Path, may: tuple[dict[str, bytes | None], ...], error: BaseException | None = None
) -> Iterator[str]:
    broken = [*_mixture(directory, may)]
    yield from (f"after {error!r}, {each}" for each in broken)
    if not broken:
        yield from wrong_after(directory, may=may)
