"""Of those in the place of untorn, what is said must be so."""

from __future__ import annotations

import shutil
from typing import TYPE_CHECKING

import pytest

from evidence import sharers
from evidence.peers import Installation, NotInstallableError
from evidence.sharers import SHARERS, Left, Race

if TYPE_CHECKING:
    from pathlib import Path

UNTORN = SHARERS[0]


@pytest.mark.parametrize("ninth", [False, True])
def test_what_untorn_did_is_there(tmp_path: Path, ninth: bool) -> None:
    race = Race(2, 5, ninth)
    left = sharers.left(UNTORN, Installation(tmp_path, tmp_path), tmp_path / "race", race)
    assert left.done + left.failed == 10
    assert left.comments == 5
    if not ninth:
        assert left == Left(10, 0, 10, 5, 0)
        assert left.shown() == "10 of 10"


@pytest.mark.parametrize("format", ["toml", "yaml", "json"])
def test_a_file_that_is_broken_holds_nothing(format: str) -> None:
    data = sharers._begin(format, 2)
    assert sharers._there(data, format, 2) == 0
    assert sharers._is_whole(data, format)
    for broken in (b"", data[: len(data) // 2] + b"{", b"[1]" if format != "toml" else b"[x"):
        assert sharers._there(broken, format, 2) is None
    assert not sharers._is_whole(b"", format) or format == "json"
    assert Left(3, 0, None, 0, 1).shown() == "no file"


def test_the_table_has_a_row_for_each_that_can_run(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    monkeypatch.setattr(sharers, "install", lambda *_: Installation(tmp_path, tmp_path))
    monkeypatch.setattr(Installation, "version", lambda *_: "1.0")
    monkeypatch.setattr(sharers, "left", lambda *_: Left(10, 1, 9, 5, 2))
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    lines = list(sharers.table(Race()))
    assert [line.split()[0] for line in lines[2:]] == ["untorn", "tomlkit", "dynaconf", "anyconfig"]
    assert lines[2].split()[1:] == ["1.0,", "TOML", "9", "of", "10", "9", "of", "10", "5", "1", "2"]


def test_without_a_package_index_the_table_says_why(monkeypatch: pytest.MonkeyPatch) -> None:
    def unreachable(*_: object) -> Installation:
        raise NotInstallableError("no route")

    monkeypatch.setattr(sharers, "install", unreachable)
    assert list(sharers.table(Race())) == ["skipped: no route"]
