"""What savers leave that were killed at the worst moment, and what the next save makes of it."""

from __future__ import annotations

import os
import re
import shutil
import signal
from collections import Counter
from contextlib import contextmanager
from functools import partial
from typing import TYPE_CHECKING

import untorn
from evidence.children import exit_code, forked
from untorn import storage

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from evidence.hammer import Amounts

_RANDOM = re.compile(r"(?<=\.)[0-9a-f]{32}(?=\.[0-9a-f]{32}\.tmp$)")


def stages(amounts: Amounts) -> Iterator[tuple[str, Callable[[Path], Counter[str]]]]:
    """Yield what is done with orphans."""
    yield f"{amounts.planted:,} orphans of one file", partial(swept_by_one_save, amounts.planted)
    yield "two names of 255 bytes that begin alike", long_names_that_begin_alike
    yield "a saver that dies during another's save", dies_during_anothers_save


def swept_by_one_save(planted: int, directory: Path) -> Counter[str]:
    """Plant orphans; one save of their file removes them, and nothing else."""
    target = directory / "target.bin"
    other = directory / "target.bin.txt"
    _save_and_die(target)
    _save_and_die(other)
    [orphan] = _temps(directory, target)
    for _ in range(planted - 1):
        shutil.copyfile(orphan, orphan.with_name(_RANDOM.sub(os.urandom(16).hex(), orphan.name)))
    count = len(_temps(directory, target))
    assert count == planted
    _save_something(target)
    left = len(_temps(directory, target))
    return Counter(
        {
            "saves": 1,
            "kills": 2,
            "orphans swept": count - left,
            "not swept": left,
            "swept of another": 1 - len(_temps(directory, other)),
        }
    )


def long_names_that_begin_alike(directory: Path) -> Counter[str]:
    """Let each of two files have an orphan; a save of one leaves that of the other alone."""
    counts: Counter[str] = Counter()
    stem = "é" * 126
    first, second = directory / f"{stem}1.a", directory / f"{stem}2.b"
    for saved, bystander in ((first, second), (second, first)):
        before = {*directory.iterdir()}
        _save_and_die(saved)
        own = {*directory.iterdir()} - before
        _save_and_die(bystander)
        foreign = {*directory.iterdir()} - before - own
        assert len(own) == len(foreign) == 1
        _save_something(saved)
        counts += Counter({"saves": 1, "kills": 2, "orphans swept": not _exist(own)})
        counts["not swept"] += _exist(own)
        counts["swept of another"] += not _exist(foreign)
        _save_something(bystander)
        counts["saves"] += 1
        counts["not swept"] += _exist(foreign)
        counts["orphans swept"] += not _exist(foreign)
    return counts


def dies_during_anothers_save(directory: Path) -> Counter[str]:
    """Let a saver die while this process, which has looked around already, syncs its own temporary file."""
    target = directory / "target.bin"
    _save_something(target)
    _save_something(target)  # nothing was there to sweep: from now on, it need not look
    with _before_the_next_sync(lambda: _save_and_die(target)):
        _save_something(target)
    planted = len(_temps(directory, target))
    # The directory is as this process left it, as far as it can know. Any other one looks.
    assert exit_code(forked(lambda: _save_something(target))) == 0
    left = len(_temps(directory, target))
    return Counter({"saves": 4, "kills": 1, "orphans swept": planted - left, "not swept": left})


@contextmanager
def _before_the_next_sync(task: Callable[[], object]) -> Iterator[None]:
    """Do ``task`` before the next sync of this process, once."""
    real = storage.REAL.fsync

    def sync(fd: int) -> None:
        storage.REAL.fsync = real
        task()
        real(fd)

    storage.REAL.fsync = sync
    try:
        yield
    finally:
        storage.REAL.fsync = real


def _save_something(target: Path) -> None:
    untorn.write_bytes(target, os.urandom(1_000))  # equal bytes would not be written


def _exist(paths: set[Path]) -> bool:
    return any(path.exists() for path in paths)


def _temps(directory: Path, target: Path) -> list[Path]:
    """Return the temporary files of ``target``, and of no other file (WRITER W7)."""
    own = re.compile(rf"\.{re.escape(target.name)}\.[0-9a-f]{{32}}\.[0-9a-f]{{32}}\.tmp")
    return [path for path in directory.iterdir() if own.fullmatch(path.name)]


def _save_and_die(target: Path) -> None:
    """Leave an orphan: a saver that is killed when its temporary file is complete."""

    def die(*_arguments: object, **_keywords: object) -> None:
        os.kill(os.getpid(), signal.SIGKILL)

    def save() -> None:
        storage.REAL.rename = storage.REAL.rename_new = die
        _save_something(target)

    code = exit_code(forked(save))
    assert code == -signal.SIGKILL, code
