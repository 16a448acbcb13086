"""Watch and disturb the system calls of a save; ``evidence.calls`` does it."""

from __future__ import annotations

from evidence.calls import ERRORS, NAMES, Watch, os_error, raising, watched

__all__ = ["ERRORS", "NAMES", "Watch", "os_error", "raising", "watched"]
