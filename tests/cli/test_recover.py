from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]


def test_where_no_save_crashed_there_is_nothing_to_recover(untorn: Run, here: Path) -> None:
    found = untorn("recover", "app.toml")
    assert (found.status, found.out) == (0, "app.toml: no crashed save left anything\n")
