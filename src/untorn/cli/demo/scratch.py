"""The demo's temporary directory, which is gone when the demo is."""

from __future__ import annotations

from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Iterator


@contextmanager
def scratch_directory() -> Iterator[Path]:
    """Make a directory of one's own, and remove it with all that is in it."""
    with TemporaryDirectory(prefix="untorn-demo-") as name:
        yield Path(name)
