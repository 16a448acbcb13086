"""The plugin in a host: saves are refused, and the files stay."""

from __future__ import annotations

import json
import re
import tomllib
from importlib import metadata
from pathlib import Path

import pytest
from untorn_jsonschema import JsonSchema

import untorn

PROJECT = Path(__file__).parents[1] / "pyproject.toml"

SCHEMA = {"properties": {"port": {"type": "integer", "maximum": 65535}}, "additionalProperties": False}
TEXT = "#:schema ./app.schema.json\nport = 80  # the usual one\n"


@pytest.fixture
def settings(tmp_path: Path) -> Path:
    """Return a TOML file that names a schema beside it."""
    (tmp_path / "app.schema.json").write_text(json.dumps(SCHEMA), "utf-8")
    path = tmp_path / "settings.toml"
    path.write_text(TEXT, "utf-8")
    return path


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> metadata.EntryPoint:
    """Return the plugin's entry point, which is the only one that is installed."""
    declared = tomllib.loads(PROJECT.read_text("utf-8"))["project"]["entry-points"]["untorn"]
    [(name, value)] = declared.items()
    point = metadata.EntryPoint(name, value, "untorn")
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point] if group == point.group else [])
    return point


@pytest.mark.usefixtures("installed")
def test_a_save_that_the_schema_does_not_allow_is_refused_and_the_file_stays(settings: Path) -> None:
    host = untorn.Host(discover=True, required=["jsonschema"])
    document = host.open(settings)
    document.set("port", 99999)
    document.set("prot", 1)
    with pytest.raises(untorn.RejectedError) as caught:
        document.save()
    assert settings.read_text("utf-8") == TEXT
    assert [(str(each.location), each.where, each.plugin) for each in caught.value.problems] == [
        (f"{settings}:2:8", ("port",), "jsonschema"),
        (f"{settings}:3:1", ("prot",), "jsonschema"),
    ]
    assert caught.value.problems[0].excerpt.endswith("^^^^^")


@pytest.mark.usefixtures("installed")
def test_a_save_that_it_allows_goes_through(settings: Path) -> None:
    host = untorn.Host()
    host.use("jsonschema")
    with host.edit(settings) as doc:
        doc.set("port", 8080)
    assert settings.read_text("utf-8") == TEXT.replace("80", "8080")


def test_the_option_names_a_schema_for_every_file(settings: Path) -> None:
    option = {"schema": settings.with_name("app.schema.json")}
    host = untorn.Host(options={"jsonschema": option})
    host.admit(JsonSchema, "jsonschema")
    with pytest.raises(untorn.RejectedError, match="unknown key 'prot': did you mean 'port'"):
        host.save(settings.with_name("other.json"), {"prot": 1})
    assert not settings.with_name("other.json").exists()


def test_a_schema_that_is_gone_refuses_the_save(settings: Path) -> None:
    settings.with_name("app.schema.json").unlink()
    host = untorn.Host()
    host.admit(JsonSchema(), "jsonschema")
    reason = re.escape("cannot read the schema './app.schema.json': no such file")
    with pytest.raises(untorn.RejectedError, match=reason), host.edit(settings) as doc:
        doc.set("port", 81)
    assert settings.read_text("utf-8") == TEXT


def test_the_entry_point_is_the_plugin(installed: metadata.EntryPoint) -> None:
    assert installed.name == "jsonschema"
    assert installed.load() is JsonSchema
