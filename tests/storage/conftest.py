"""Where the tests of the disk happen."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from untorn.storage import exchange, libc, owed, parents, places, sweeps
from untorn.storage.descriptors import _descriptors
from untorn.storage.locking import _turns

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(autouse=True)
def functions_are_looked_up_anew() -> Iterator[None]:
    """Let a test replace the C library, and no other test notice."""
    libc.function.cache_clear()
    yield
    libc.function.cache_clear()


@pytest.fixture(autouse=True)
def what_file_systems_can_is_found_out_anew() -> Iterator[None]:
    """Let no test notice that another one's names could not be exchanged."""
    exchange.without.clear()
    yield
    exchange.without.clear()


@pytest.fixture
def quick_path(tmp_path: Path) -> Iterator[Path]:
    """An empty directory in memory, where there is one that has all that a disk has."""
    memory = Path("/dev/shm")
    if not memory.is_dir() or not os.access(memory, os.W_OK):
        yield tmp_path
        return
    with tempfile.TemporaryDirectory(dir=memory, prefix="untorn-test-") as name:
        Path(name).chmod(0o755)  # other users take part, too
        try:
            os.setxattr(name, "user.colour", b"blue")
        except OSError:  # Linux before 6.6
            yield tmp_path
        else:
            yield Path(name)


@pytest.fixture(autouse=True)
def nothing_left_over() -> Iterator[None]:
    """Let no test depend on what an earlier one left in this process, nor leave a lock or its note."""
    sweeps._left.clear()
    places._places.clear()
    parents._named.clear()
    owed._owed.clear()
    yield
    assert _descriptors == set()
    assert _turns == {}
