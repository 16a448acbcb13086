"""Flags of open(2) and flock(2), and who we are: also where the platform has no such thing."""

from __future__ import annotations

import os

# Where the platform has no such flag, its table looks for these bits and passes none of them on.
O_DIRECTORY: int = getattr(os, "O_DIRECTORY", 1 << 40)
O_NOFOLLOW: int = getattr(os, "O_NOFOLLOW", 1 << 41)
# What these ask for is so on Windows anyway: nothing is inherited, no open waits.
O_CLOEXEC: int = getattr(os, "O_CLOEXEC", 0)
O_NONBLOCK: int = getattr(os, "O_NONBLOCK", 0)
O_NOCTTY: int = getattr(os, "O_NOCTTY", 0)
# Removed when it is closed, whatever happens: only Windows has that.
O_TEMPORARY: int = getattr(os, "O_TEMPORARY", 1 << 42)

# flock(2): the same numbers on Linux, macOS and the BSDs.
LOCK_SH, LOCK_EX, LOCK_NB, LOCK_UN = 1, 2, 4, 8


def effective_user() -> int:
    """Return the number of the user that this process acts for; 0 where users have no numbers."""
    return os.geteuid() if hasattr(os, "geteuid") else 0
