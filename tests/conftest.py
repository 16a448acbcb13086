"""What holds for every test."""

from __future__ import annotations

import os
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from hypothesis import settings

if TYPE_CHECKING:
    from collections.abc import Iterator

# Examples are found anew on every run at a desk; in CI the same ones, so that a
# red run means that the change is to blame. Neither measures time: a busy
# machine is no defect, and pytest-timeout ends what hangs.
settings.register_profile("dev", deadline=None)
settings.register_profile("ci", deadline=None, derandomize=True)
settings.load_profile(os.environ.get("HYPOTHESIS_PROFILE", "dev"))

# Most tests of the disk replace, count or watch calls of Linux, need its /proc,
# its users or its signals, and those of commands compare paths and lines as it
# writes them. Elsewhere run those that need nothing of a system, and those that
# are written for any.
HERE = Path(__file__).parent
ANYWHERE = [
    HERE / "sdk",
    HERE / "serializers",
    HERE / "storage" / "test_platforms.py",
    HERE / "storage" / "test_windows_names.py",
    *(
        HERE / f"test_{each}.py"
        for each in ("changes", "edits", "errors", "hookspecs", "keypath", "revisions", "text", "values")
    ),
]


def pytest_ignore_collect(collection_path: Path) -> bool | None:
    """Leave out what only Linux can run."""
    return True if sys.platform != "linux" and not _runs_anywhere(collection_path) else None


def _runs_anywhere(path: Path) -> bool:
    return path.is_dir() or any(path == each or each in path.parents for each in ANYWHERE)


@pytest.fixture(autouse=True, scope="session")
def nobody_is_writing() -> Iterator[None]:
    """Let no save wait because the test itself has just written the file."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr("untorn.storage.exchange.STILL", 0.0)
        yield
