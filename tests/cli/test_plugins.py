from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]


@pytest.fixture
def one_good_one_broken(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install two plugins, of which one cannot be imported."""
    from importlib import metadata

    from untorn import registry

    broken = metadata.EntryPoint("broken", "no_such_module_here", "untorn")
    good = metadata.EntryPoint("good", f"{__name__}_good", "untorn")
    import sys
    import types

    from untorn.sdk import hookimpl

    module = types.ModuleType(good.value)

    @hookimpl
    def untorn_validate() -> list[object]:
        return []

    module.untorn_validate = untorn_validate  # type: ignore[attr-defined]
    monkeypatch.setitem(sys.modules, good.value, module)
    monkeypatch.setattr(registry, "_installed", lambda: [broken, good])


def test_plugins_lists_the_formats_in_the_box(untorn: Run) -> None:
    found = untorn("plugins")
    assert (found.status, found.err) == (0, "")
    rows = [line.split() for line in found.out.splitlines()]
    assert rows[0] == ["name", "version", "package", "kind", "formats", "state"]
    assert {row[0] for row in rows if row[-2:] == ["built", "in"]} == {"json", "jsonc", "toml", "yaml"}


def test_a_refused_plugin_is_listed_with_the_reason(untorn: Run, one_good_one_broken: None) -> None:
    found = untorn("plugins")
    lines = found.out.splitlines()
    [row] = [at for at, line in enumerate(lines) if line.startswith("broken ")]
    assert lines[row].endswith("refused")
    assert "no_such_module_here" in lines[row + 1]
    [good] = [line for line in lines if line.startswith("good ")]
    assert good.split()[-3:] == ["validator", "-", "admitted"]


def test_a_refused_plugin_is_red_where_colours_are_wanted(
    untorn: Run, one_good_one_broken: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    found = untorn("plugins")
    assert [line for line in found.out.splitlines() if line.startswith("\x1b[31mbroken ")]


def test_the_list_is_printed_as_json_too(untorn: Run, one_good_one_broken: None) -> None:
    found = untorn("plugins", "--json")
    plugins = {each["name"]: each for each in json.loads(found.out)}
    assert plugins["toml"]["formats"] == ["toml"]
    assert plugins["broken"]["state"] == "refused"
    assert "no_such_module_here" in plugins["broken"]["reason"]


def test_a_broken_plugin_does_not_keep_files_from_being_edited(
    untorn: Run, one_good_one_broken: None, here: Any
) -> None:
    (here / "a.json").write_text('{"a": 1}', "utf-8")
    assert untorn("set", "a.json", "a", "2").status == 0
    assert (here / "a.json").read_text("utf-8") == '{"a": 2}'
