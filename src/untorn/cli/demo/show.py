"""The whole demo: its three parts, and the verdict."""

from __future__ import annotations

import os
import sys
from typing import TYPE_CHECKING

from untorn.cli.colours import BOLD, GREEN, RED, painted
from untorn.cli.demo.edits import show_edits
from untorn.cli.demo.kills import show_kills
from untorn.cli.demo.refusal import show_refusal
from untorn.cli.demo.scratch import scratch_directory
from untorn.cli.output import say

if TYPE_CHECKING:
    from untorn.cli.arguments import Request


def demo(request: Request) -> int:
    """Show edits, a refused save and killed saves; return 0 only if all is as promised."""
    with scratch_directory() as directory:
        _title("1. Edits change what you changed, and keep every other byte")
        broken = show_edits(directory)
        _title("2. A validator refuses a save")
        broken += show_refusal(directory)
        if hasattr(os, "fork"):
            _title("3. Saves are killed while a reader reads")
            broken += show_kills(directory, wanted=request.kills)
        else:
            say("\nA third part, which kills processes in the middle of saves, needs a system with fork(2).")
    for each in broken:
        say(painted(f"Not as promised: {each}.", RED, sys.stdout))
    if not broken:
        say(painted("All is as promised.", GREEN, sys.stdout))
    return 1 if broken else 0


def _title(text: str) -> None:
    say(f"\n{painted(text, BOLD, sys.stdout)}\n")
