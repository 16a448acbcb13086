from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]


def test_a_file_is_examined_and_nothing_is_left(untorn: Run, here: Path) -> None:
    (here / "app.toml").write_text("a = 1\n")
    found = untorn("doctor", "app.toml", "--json")
    report = json.loads(found.out)
    assert found.err == ""
    assert report["path"] == str(here / "app.toml")
    assert (found.status == 0) == (report["verdict"] == "yes")
    assert [each.name for each in here.iterdir()] == ["app.toml"]
