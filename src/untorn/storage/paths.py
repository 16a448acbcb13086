"""Paths that remember their parts and their hash, for the next save of the same file."""

from __future__ import annotations

from functools import lru_cache
from pathlib import Path


@lru_cache(maxsize=256)
def as_path(written: str) -> Path:
    """Return the path that is written so, the same object as before."""
    return Path(written)


@lru_cache(maxsize=256)
def split(path: Path) -> tuple[Path, str]:
    """Return the directory and the name of a file."""
    return path.parent, path.name
