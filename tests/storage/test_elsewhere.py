"""Nothing that only Linux has is used at import, nor by what people do most, on other platforms."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the simulations need the calls of Linux")

PROGRAM = Path(__file__).with_name("elsewhere.py")


@pytest.mark.parametrize(("platform", "table"), [("win32", "WindowsSyscalls"), ("darwin", "MacSyscalls")])
def test_untorn_uses_nothing_that_another_platform_lacks(quick_path: Path, platform: str, table: str) -> None:
    environment = {**os.environ, "LOCALAPPDATA": str(quick_path), "PYTHONDONTWRITEBYTECODE": "1"}
    (quick_path / "files").mkdir()
    done = subprocess.run(
        [sys.executable, PROGRAM, platform, quick_path / "files"],
        capture_output=True,
        text=True,
        check=False,
        env=environment,
    )
    assert done.returncode == 0, done.stderr
    assert done.stdout.endswith(f"done with {table}\n")
    assert "yes     a save is possible" in done.stdout


def test_what_is_taken_away_is_missed(quick_path: Path) -> None:
    """A program that shows nothing missing proves nothing."""
    script = (
        f"import sys; sys.path[:0] = [{str(PROGRAM.parent)!r}, {str(PROGRAM.parents[2])!r}]\n"
        "import elsewhere, os\n"
        "elsewhere.become('win32')\n"
        "from untorn.storage import syscalls\n"
        "try: syscalls.Syscalls()\n"
        "except ImportError as error: print(error)\n"
        "try: os.geteuid()\n"
        "except AttributeError as error: print(error)\n"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=False)
    assert "fcntl" in done.stdout, done.stderr
    assert "geteuid" in done.stdout
