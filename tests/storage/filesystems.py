"""File systems of other kinds than the tests' own, as far as this machine lets them be mounted."""

from __future__ import annotations

import os
import shutil
import subprocess
from contextlib import contextmanager
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

_MKFS = {
    "ext4": (["mkfs.ext4", "-q"], 8),
    "xfs": (["mkfs.xfs", "-q"], 320),
    "btrfs": (["mkfs.btrfs", "-q"], 128),
}


def needs(program: str) -> None:
    """Skip the test where a program is missing, or the right to mount."""
    if os.geteuid() != 0:
        pytest.skip("only root may mount")
    if shutil.which(program) is None:
        pytest.skip(f"{program} is not installed")


@contextmanager
def mounted(*arguments: object) -> Iterator[None]:
    """Mount with these arguments of mount(8), the last of which is where; unmount behind the block."""
    needs("mount")
    done = subprocess.run(["mount", *map(str, arguments)], capture_output=True, text=True, check=False)
    if done.returncode:
        pytest.skip(f"this machine does not mount that: {done.stderr.strip()}")
    try:
        yield
    finally:
        subprocess.run(["umount", str(arguments[-1])], check=True)


@contextmanager
def disk(kind: str, place: Path, *options: str) -> Iterator[Path]:
    """Yield a directory on a new file system of this kind."""
    command, megabytes = _MKFS[kind]
    needs(command[0])
    image, point = place / f"{kind}.image", place / kind
    with image.open("wb") as file:
        file.truncate(megabytes << 20)
    point.mkdir()
    subprocess.run([*command, str(image)], check=True, capture_output=True)
    with mounted("-o", ",".join(["loop", *options]), image, point):
        yield point


@contextmanager
def memory(place: Path, *options: str) -> Iterator[Path]:
    """Yield a directory that lives in memory."""
    point = place / "memory"
    point.mkdir()
    with mounted("-t", "tmpfs", *(["-o", ",".join(options)] if options else []), "tmpfs", point):
        yield point
