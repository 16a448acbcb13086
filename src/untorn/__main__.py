"""``python -m untorn``: the same as the ``untorn`` command."""

from __future__ import annotations

import sys

from untorn.cli import main

if __name__ == "__main__":
    sys.exit(main())
