from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]

TOML = """\
# The night shift.
name = "north"
[server]
port = 8080      # the proxy knows it
since = 2024-02-29T01:02:03Z
[[workers]]
id = 1
[[workers]]
id = 2
"""


@pytest.fixture(autouse=True)
def settings(here: Path) -> Path:
    path = here / "settings.toml"
    path.write_text(TOML, "utf-8")
    return path


@pytest.mark.parametrize(
    ("where", "printed"),
    [
        ("name", "north"),
        ("server.port", "8080"),
        ("server.since", "2024-02-29T01:02:03+00:00"),
        ("workers[-1].id", "2"),
        ("workers", '[\n  {\n    "id": 1\n  },\n  {\n    "id": 2\n  }\n]'),
    ],
)
def test_get_prints_the_value_at_a_key_path(untorn: Run, where: str, printed: str) -> None:
    assert untorn("get", "settings.toml", where) == (0, f"{printed}\n", "")


def test_get_prints_the_whole_value_without_a_key_path(untorn: Run) -> None:
    found = untorn("get", "settings.toml")
    assert list(json.loads(found.out)) == ["name", "server", "workers"]


def test_get_changes_nothing(untorn: Run, settings: Path) -> None:
    before = settings.stat()
    untorn("get", "settings.toml")
    after = settings.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


def test_get_reads_standard_input_in_the_format_that_is_said(
    untorn: Run, stdin: Callable[[bytes], None]
) -> None:
    stdin("\ufeffa: [é, 2]\r\n".encode())
    assert untorn("get", "-", "a[0]", "--format", "yaml") == (0, "é\n", "")


def test_get_reads_one_of_several_documents_or_all(untorn: Run, here: Path) -> None:
    (here / "two.yaml").write_text("a: 1\n---\na: 2\n", "utf-8")
    assert untorn("get", "two.yaml", "a", "--document", "1") == (0, "2\n", "")
    assert untorn("get", "two.yaml", "[0].a", "--document", "all") == (0, "1\n", "")
    found = untorn("get", "two.yaml", "a")
    assert found.status == 1
    assert found.err.startswith("two.yaml:")
    assert "holds 2 documents" in found.err
    assert "--document" in found.err


def test_get_reads_one_of_several_documents_of_standard_input(
    untorn: Run, stdin: Callable[[bytes], None]
) -> None:
    stdin(b"a: 1\n---\na: 2\n")
    assert untorn("get", "-", "a", "--format", "yaml", "--document", "1") == (0, "2\n", "")


def test_get_keeps_tags_in_sight(untorn: Run, here: Path) -> None:
    (here / "a.yaml").write_text("password: !vault abc\n", "utf-8")
    found = untorn("get", "a.yaml", "password")
    assert json.loads(found.out) == {"!vault": "abc"}


def test_get_takes_the_format_that_is_said_over_the_name(untorn: Run, here: Path) -> None:
    (here / "settings.conf").write_text("a = 1\n", "utf-8")
    assert untorn("get", "settings.conf", "a", "--format", "toml") == (0, "1\n", "")


# ── validate ────────────────────────────────────────────────────────────────


def test_validate_says_of_each_file_that_it_is_valid(untorn: Run, here: Path) -> None:
    (here / "a.json").write_text("{}", "utf-8")
    assert untorn("validate", "settings.toml", "a.json") == (0, "settings.toml: valid\na.json: valid\n", "")


def test_validate_goes_on_behind_a_broken_file(untorn: Run, here: Path) -> None:
    (here / "broken.json").write_text('{"a": }', "utf-8")
    found = untorn("validate", "broken.json", "missing.json", "settings.toml")
    assert (found.status, found.out) == (1, "settings.toml: valid\n")
    assert "broken.json:1:7: " in found.err
    assert "missing.json: no such file" in found.err


def test_validate_reads_standard_input(untorn: Run, stdin: Callable[[bytes], None]) -> None:
    stdin(b"a = 1\n")
    assert untorn("validate", "-", "--format", "toml") == (0, "<stdin>: valid\n", "")


def test_validate_shows_all_problems_of_all_validators(untorn: Run, port_checks: None) -> None:
    found = untorn("validate", "settings.toml")
    assert (found.status, found.out) == (1, "")
    assert found.err == (
        "settings.toml:4:8: server.port: too high (one)\n"
        "  4 | port = 8080      # the proxy knows it\n"
        "    |        ^^^^\n"
        "settings.toml:4:8: server.port: not prime (two)\n"
        "  4 | port = 8080      # the proxy knows it\n"
        "    |        ^^^^\n"
        "settings.toml: (the whole value): crashed: RuntimeError: boom"
        f"{found.err.partition('boom')[2]}"
    )
    assert found.err.endswith("(three)\n")


def test_validate_asks_validators_about_standard_input(
    untorn: Run, port_checks: None, stdin: Callable[[bytes], None]
) -> None:
    stdin(b"server: {port: 9000}\n")
    found = untorn("validate", "-", "--format", "yaml")
    assert found.status == 1
    assert found.err.startswith("<stdin>:1:16: server.port: too high (one)\n")
