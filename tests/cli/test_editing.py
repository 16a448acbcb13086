from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

import pytest

from untorn.cli.arguments import Request
from untorn.cli.editing import _value
from untorn.errors import LimitError, UnrepresentableError
from untorn.values import same_value

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]

TOML = """\
# The night shift.
name = 'north'  # quoted so

[server]
port = 8000     # the proxy knows it
debug = true
tags = ["a"]
"""


@pytest.fixture
def settings(here: Path) -> Path:
    path = here / "settings.toml"
    path.write_text(TOML, "utf-8")
    return path


# ── What a VALUE means ──────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("written", "value"),
    [
        ("8080", 8080),
        ("-1", -1),
        ("1.0", 1.0),
        ("1e3", 1000.0),
        ("true", True),
        ("null", None),
        ('"5"', "5"),
        ('["a", {"b": []}]', ["a", {"b": []}]),
        (" 5 ", 5),
        ("True", "True"),
        ("yes", "yes"),
        ("010", "010"),
        ("2024-01-01", "2024-01-01"),
        ("", ""),
        ("a b", "a b"),
        ("[1, 2", "[1, 2"),
        ("'x'", "'x'"),
        ("NaN", "NaN"),
        ("Infinity", "Infinity"),
        ("-Infinity", "-Infinity"),
        ('{"a": 1, "b": {"a": 1}}', {"a": 1, "b": {"a": 1}}),
    ],
)
def test_a_value_is_read_as_json_or_else_as_a_string(written: str, value: object) -> None:
    assert same_value(_value(written, Request("set", ())), value)


@pytest.mark.parametrize("written", ["8080", "true", "null", '"5"', "[1]", "1e400"])
def test_string_forces_a_string(written: str) -> None:
    assert _value(written, Request("set", (), string=True)) == written


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("1e400", "1e400 is larger than a number can be"),
        ("[-1e999]", "-1e999 is larger"),
        ("9" * 5000, "more than 4300 digits"),
        ('{"a": 1, "a": 2}', "the key 'a' twice"),
    ],
)
def test_json_that_would_not_be_kept_as_it_is_written_is_refused(written: str, reason: str) -> None:
    with pytest.raises(UnrepresentableError, match=reason):
        _value(written, Request("set", ()))


def test_a_number_of_as_many_digits_as_python_reads_is_taken() -> None:
    assert _value("-" + "9" * 4300, Request("set", ())) == -(10**4300 - 1)


def test_a_value_that_nests_too_deep_is_refused() -> None:
    with pytest.raises(LimitError, match="nests deeper"):
        _value("[" * 100_000 + "]" * 100_000, Request("set", ()))


# ── Files ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("argv", "old", "new"),
    [
        (("set", "server.port", "8080"), "port = 8000 ", "port = 8080 "),
        (("set", "name", "south"), "name = 'north'", "name = 'south'"),
        (("set", "name", "5", "--string"), "name = 'north'", "name = '5'"),
        (("set", "server.tags[+]", "b"), '["a"]', '["a", "b"]'),
        (("append", "server.tags", "b"), '["a"]', '["a", "b"]'),
        (("append", "server.tags", "1", "--string"), '["a"]', '["a", "1"]'),
        (("unset", "server.debug"), "debug = true\n", ""),
    ],
)
def test_an_edit_changes_what_was_said_and_prints_nothing(
    untorn: Run, settings: Path, argv: tuple[str, ...], old: str, new: str
) -> None:
    command, *rest = argv
    assert untorn(command, "settings.toml", *rest) == (0, "", "")
    assert settings.read_text("utf-8") == TOML.replace(old, new)
    assert [path.name for path in settings.parent.iterdir()] == ["settings.toml"]


def test_an_edit_that_changes_nothing_writes_nothing(untorn: Run, settings: Path) -> None:
    before = settings.stat()
    assert untorn("set", "settings.toml", "server.port", "8000") == (0, "", "")
    after = settings.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


DIFF = """\
--- settings.toml
+++ settings.toml
@@ -2,6 +2,6 @@
 name = 'north'  # quoted so
\x20
 [server]
-port = 8000     # the proxy knows it
+port = 8080     # the proxy knows it
 debug = true
 tags = ["a"]
"""


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        (("--dry-run",), (0, DIFF, "")),
        (("--check",), (1, "", "settings.toml would change\n")),
        (("--dry-run", "--check"), (1, DIFF, "settings.toml would change\n")),
    ],
)
def test_what_would_change_is_shown_and_nothing_is_written(
    untorn: Run, settings: Path, options: tuple[str, ...], expected: tuple[int, str, str]
) -> None:
    before = settings.stat()
    assert untorn("set", "settings.toml", "server.port", "8080", *options) == expected
    after = settings.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)


@pytest.mark.parametrize("option", ["--dry-run", "--check"])
def test_where_nothing_would_change_nothing_is_shown(untorn: Run, settings: Path, option: str) -> None:
    assert untorn("set", "settings.toml", "server.port", "8000", option) == (0, "", "")


def test_a_diff_has_colours_where_they_are_wanted(
    untorn: Run, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FORCE_COLOR", "1")
    found = untorn("set", "settings.toml", "server.port", "8080", "--dry-run")
    assert "\x1b[32m+port = 8080     # the proxy knows it\x1b[0m\n" in found.out


def test_create_makes_the_file(untorn: Run, here: Path) -> None:
    assert untorn("set", "new.json", "a.b", "1", "--create") == (0, "", "")
    assert json.loads((here / "new.json").read_text("utf-8")) == {"a": {"b": 1}}


def test_a_dry_run_of_a_new_file_shows_all_of_it(untorn: Run, here: Path) -> None:
    found = untorn("set", "new.toml", "a", "1", "--create", "--dry-run")
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith("--- new.toml\n+++ new.toml\n")
    assert found.out.endswith("+a = 1\n")
    assert list(here.iterdir()) == []


def test_one_of_several_documents_is_edited_and_the_others_stay(untorn: Run, here: Path) -> None:
    path = here / "two.yaml"
    path.write_text("a: 1 # one\n---\na:   2 # two\n", "utf-8")
    assert untorn("set", "two.yaml", "a", "3", "--document", "1") == (0, "", "")
    assert path.read_text("utf-8") == "a: 1 # one\n---\na:   3 # two\n"


def test_what_the_receipt_warns_of_is_said(untorn: Run, settings: Path, here: Path) -> None:
    (here / "other.toml").hardlink_to(settings)
    found = untorn("set", "settings.toml", "server.port", "8080")
    assert (found.status, found.out) == (0, "")
    assert found.err.startswith("settings.toml: ")
    assert "link" in found.err


# ── Standard input ──────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("argv", "data", "expected"),
    [
        (("set", "-", "a", "2", "--format", "toml"), b"a = 1 # x\r\n", b"a = 2 # x\r\n"),
        (("set", "-", "a", "2", "--format", "json"), b'\xef\xbb\xbf{"a": 1}', b'\xef\xbb\xbf{"a": 2}'),
        (("unset", "-", "a", "--format", "yaml"), b"a: 1\nb: 2 # two\n", b"b: 2 # two\n"),
        (("append", "-", "a", "3", "--format", "jsonc"), b'{"a": [1, 2]} // x\n', b'{"a": [1, 2, 3]} // x\n'),
        (("set", "-", "a", "1", "--format", "toml"), b"a = 1", b"a = 1"),
        (
            ("set", "-", "a", "2", "--format", "yaml", "--document", "1"),
            b"a: 0\n---\na: 1\n",
            b"a: 0\n---\na: 2\n",
        ),
    ],
)
def test_a_document_from_standard_input_goes_to_standard_output(
    *,
    stdin: Callable[[bytes], None],
    capfdbinary: pytest.CaptureFixture[bytes],
    here: Path,
    argv: tuple[str, ...],
    data: bytes,
    expected: bytes,
) -> None:
    from untorn.cli import main

    stdin(data)
    assert main(argv) == 0
    assert capfdbinary.readouterr() == (expected, b"")
    assert list(here.iterdir()) == []


def test_a_dry_run_of_standard_input_shows_the_diff(untorn: Run, stdin: Callable[[bytes], None]) -> None:
    stdin(b"a = 1\n")
    found = untorn("set", "-", "a", "2", "--format", "toml", "--dry-run")
    assert found == (0, "--- <stdin>\n+++ <stdin>\n@@ -1 +1 @@\n-a = 1\n+a = 2\n", "")


# ── Validators ──────────────────────────────────────────────────────────────

REFUSED = """\
settings.toml:5:8: server.port: too high (one)
  5 | port = 9000     # the proxy knows it
    |        ^^^^
settings.toml:5:8: server.port: not prime (two)
  5 | port = 9000     # the proxy knows it
    |        ^^^^
"""


@pytest.mark.parametrize("options", [(), ("--dry-run",), ("--check",)])
def test_what_a_validator_refuses_is_shown_in_its_line_and_nothing_is_written(
    untorn: Run, settings: Path, port_checks: None, options: tuple[str, ...]
) -> None:
    found = untorn("set", "settings.toml", "server.port", "9000", *options)
    assert (found.status, found.out) == (1, "")
    assert found.err.startswith(REFUSED)
    assert found.err.endswith("settings.toml: not saved: 3 problems\n  settings.toml was not changed\n")
    assert settings.read_text("utf-8") == TOML


def test_validators_are_asked_about_standard_input_too(
    untorn: Run, stdin: Callable[[bytes], None], port_checks: None
) -> None:
    stdin(TOML.encode())
    found = untorn("set", "-", "server.port", "9000", "--format", "toml")
    assert (found.status, found.out) == (1, "")
    assert found.err.startswith("<stdin>:5:8: server.port: too high (one)\n")
    assert found.err.endswith("<stdin>: not saved: 3 problems\n")


def test_validators_that_agree_let_the_save_pass(untorn: Run, settings: Path, port_checks: None) -> None:
    assert untorn("set", "settings.toml", "server.port", "80") == (0, "", "")
    assert "port = 80 " in settings.read_text("utf-8")


def test_two_edits_at_once_both_count(settings: Path, environment: dict[str, str]) -> None:
    import subprocess
    import sys

    command = [sys.executable, "-m", "untorn", "append", "settings.toml", "server.tags"]
    running = [subprocess.Popen([*command, f"w{each}"], env=environment) for each in range(4)]
    assert [each.wait() for each in running] == [0] * 4
    import untorn

    assert sorted(untorn.load(settings)["server"]["tags"]) == ["a", "w0", "w1", "w2", "w3"]
    assert "# the proxy knows it" in settings.read_text("utf-8")
