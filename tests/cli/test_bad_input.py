"""Every kind of bad input has its own clear answer from the command, and the file stays as it is."""

from __future__ import annotations

import os
import stat
from typing import TYPE_CHECKING, Any

import pytest

from untorn.errors import KeyPathError, ReadError, WriteError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]

EDIT = ("set", "FILE", "a", "2")

CASES = [
    # what, file, content, arguments, how standard error begins, what it says besides
    ("missing", "f.toml", None, EDIT, "f.toml: no such file", ["--create"]),
    ("missing, read", "f.toml", None, ("get", "FILE"), "f.toml: no such file", []),
    ("empty", "f.json", b"", EDIT, "f.json:1:1: ", ["empty"]),
    (
        "broken JSON",
        "f.json",
        b'{\n  "a": 1,\n  "b" 2\n}',
        EDIT,
        "f.json:3:7: ",
        ['  3 |   "b" 2\n    |       ^\n'],
    ),
    ("broken TOML", "f.toml", b"a = 1\nb = \n", EDIT, "f.toml:2:", ["  2 | b = "]),
    ("broken YAML", "f.yaml", b"a: 1\nb: [1,\n", EDIT, "f.yaml:", ["f.yaml:"]),
    ("wrong encoding", "f.toml", b"a = 1\nb = '\xe9'\n", EDIT, "f.toml:2:6: ", ["0xe9", "UTF-8"]),
    (
        "UTF-16 where only UTF-8 may be",
        "f.toml",
        "a = 1".encode("utf-16"),
        EDIT,
        "f.toml: ",
        ["UTF-16", "iconv"],
    ),
    (
        "unknown suffix",
        "f.xyz",
        b"a",
        EDIT,
        "f.xyz: no serializer for '.xyz' files",
        ["--format", "untorn-xyz"],
    ),
    (
        "unknown format",
        "f.toml",
        b"a = 1",
        (*EDIT, "--format", "tmol"),
        "f.toml: no format",
        ["did you mean 'toml'"],
    ),
    ("comments in JSON", "f.json", b'{"a": 1} // x', EDIT, "f.json:1:10: ", ["jsonc"]),
    (
        "through a scalar",
        "f.toml",
        b"x = 0\na = 1\n",
        ("set", "FILE", "a.b", "2"),
        "f.toml:2:5: a is an integer",
        [],
    ),
    (
        "through a scalar, read",
        "f.json",
        b'{"a": 1}',
        ("get", "FILE", "a.b"),
        "f.json:1:7: a is an integer",
        [],
    ),
    (
        "ambiguous",
        "f.json",
        b'{"a.b": 1}',
        ("set", "FILE", "a.b", "2"),
        "f.json: key path 'a.b' is ambiguous",
        ['"a.b"', '"a"."b"'],
    ),
    (
        "malformed key path",
        "f.json",
        b'{"a": 1}',
        ("get", "FILE", "a..b"),
        "f.json: key path 'a..b' is malformed",
        ["character 3"],
    ),
    (
        "not found",
        "f.toml",
        b"[server]\nport = 1\n",
        ("get", "FILE", "server.prot"),
        "f.toml:",
        ["server.prot does not exist", "did you mean 'port'?"],
    ),
    (
        "nothing to unset",
        "f.json",
        b'{"name": 1}',
        ("unset", "FILE", "nmae"),
        "f.json: nmae does not exist",
        ["did you mean 'name'?"],
    ),
    (
        "append to no list",
        "f.json",
        b'{"a": 1}',
        ("append", "FILE", "a", "2"),
        "f.json:1:7: a is an integer",
        [],
    ),
    ("index out of range", "f.json", b'{"a": [1]}', ("get", "FILE", "a[5]"), "f.json:1:7: a has 1 item", []),
    ("null in TOML", "f.toml", b"a = 1\n", ("set", "FILE", "a", "null"), "f.toml: a: TOML has no null", []),
    (
        "2**70 in TOML",
        "f.toml",
        b"a = 1\n",
        ("set", "FILE", "a", str(2**70)),
        "f.toml: a: TOML integers have 64 bits",
        [],
    ),
    ("surrogate", "f.toml", b"a = 1", ("set", "FILE", "a", '"\\ud800"'), "f.toml: a: U+D800", []),
    (
        "5,000 digits in a file",
        "f.json",
        b'{"a": ' + b"9" * 5000 + b"}",
        ("get", "FILE"),
        "f.json",
        ["digits"],
    ),
    (
        "5,000 digits in a VALUE",
        "f.json",
        b'{"a": 1}',
        ("set", "FILE", "a", "9" * 5000),
        "f.json: VALUE is a number",
        [],
    ),
    (
        "1e400 in a VALUE",
        "f.json",
        b'{"a": 1}',
        ("set", "FILE", "a", "1e400"),
        "f.json: 1e400 is larger",
        ["--string"],
    ),
    ("NaN in JSON", "f.json", b'{"a": NaN}', ("get", "FILE"), "f.json:1:7: ", ["NaN"]),
    ("deep JSON", "f.json", b"[" * 100_000, ("get", "FILE"), "f.json", ["nests deeper than"]),
    ("deep JSONC", "f.jsonc", b"[" * 100_000, ("get", "FILE"), "f.jsonc", ["nests deeper than"]),
    ("deep TOML", "f.toml", b"a = " + b"[" * 100_000, ("get", "FILE"), "f.toml", ["nests deeper than"]),
    ("deep YAML", "f.yaml", b"[" * 100_000, ("get", "FILE"), "f.yaml", ["nests deeper than"]),
    ("duplicate key", "f.json", b'{"a": 1, "a": 2}', EDIT, "f.json:1:10: ", ["'a'"]),
]


@pytest.mark.parametrize(
    ("name", "content", "argv", "start", "besides"),
    [case[1:] for case in CASES],
    ids=[case[0] for case in CASES],
)
def test_bad_input_is_refused_with_its_place_and_the_file_stays(
    *,
    untorn: Run,
    here: Path,
    name: str,
    content: bytes | None,
    argv: tuple[str, ...],
    start: str,
    besides: list[str],
) -> None:
    path = here / name
    if content is not None:
        path.write_bytes(content)
    before = path.stat() if content is not None else None
    found = untorn(*(name if word == "FILE" else word for word in argv))
    assert (found.status, found.out) == (1, "")
    assert found.err.startswith(start)
    assert [each for each in besides if each not in found.err] == []
    assert "Traceback" not in found.err
    if before is None:
        assert list(here.iterdir()) == []
        return
    after = path.stat()
    assert (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    assert [each.name for each in here.iterdir()] == [name]
    assert path.read_bytes() == content
    if argv[0] != "get":
        assert found.err.endswith(f"  {name} was not changed\n")


@pytest.mark.parametrize("argv", [("get", "d.toml"), ("set", "d.toml", "a", "1"), ("validate", "d.toml")])
def test_a_directory_is_refused(untorn: Run, here: Path, argv: tuple[str, ...]) -> None:
    (here / "d.toml").mkdir()
    found = untorn(*argv)
    assert (found.status, found.out) == (1, "")
    assert found.err.startswith("d.toml: ")
    assert "directory" in found.err


@pytest.mark.parametrize("argv", [("get", "p.toml"), ("set", "p.toml", "a", "1")])
def test_a_fifo_is_refused_at_once(untorn: Run, here: Path, argv: tuple[str, ...]) -> None:
    os.mkfifo(here / "p.toml")
    found = untorn(*argv)
    assert (found.status, found.out) == (1, "")
    assert found.err.startswith("p.toml: ")
    assert stat.S_ISFIFO((here / "p.toml").stat().st_mode)


def test_an_unreadable_file_is_refused(untorn: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    # Root may read everything, so the operating system's answer is played here.
    path = here / "f.toml"
    path.write_bytes(b"a = 1\n")

    def refuse(*_: object, **__: object) -> None:
        raise ReadError("permission denied", errno=13, path=path, hint="ask its owner")

    monkeypatch.setattr("untorn.storage.read", refuse)
    expected = "f.toml: permission denied\n  hint: ask its owner\n"
    assert untorn("get", "f.toml") == (1, "", expected)
    assert untorn("set", "f.toml", "a", "2") == (1, "", f"{expected}  f.toml was not changed\n")


@pytest.mark.skipif(os.geteuid() == 0, reason="root may write to any file")
def test_a_read_only_file_is_refused(untorn: Run, here: Path) -> None:
    path = here / "f.toml"
    path.write_bytes(b"a = 1\n")
    path.chmod(0o444)
    found = untorn("set", "f.toml", "a", "2")
    assert (found.status, found.out) == (1, "")
    assert found.err.startswith("f.toml: ")
    assert found.err.endswith("  f.toml was not changed\n")
    assert path.read_bytes() == b"a = 1\n"
    assert stat.S_IMODE(path.stat().st_mode) == 0o444


def test_what_the_writer_refuses_is_said(untorn: Run, here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = here / "f.toml"
    path.write_bytes(b"a = 1\n")

    def refuse(*_: object, **__: object) -> None:
        raise WriteError("read-only file", errno=13, path=path, hint="make it writable first")

    monkeypatch.setattr("untorn.storage.prepare", refuse)
    expected = "f.toml: read-only file\n  hint: make it writable first\n  f.toml was not changed\n"
    assert untorn("set", "f.toml", "a", "2") == (1, "", expected)
    assert path.read_bytes() == b"a = 1\n"


def test_an_unknown_tag_is_kept_and_what_is_around_it_can_be_edited(untorn: Run, here: Path) -> None:
    path = here / "f.yaml"
    path.write_text("nav: !ENV [A, B] # x\nname: !!python/name:os.system\na: 1\n", "utf-8")
    assert untorn("set", "f.yaml", "a", "2") == (0, "", "")
    assert path.read_text("utf-8") == "nav: !ENV [A, B] # x\nname: !!python/name:os.system\na: 2\n"


def test_a_number_that_no_float_can_hold_stays_as_it_is_spelled(untorn: Run, here: Path) -> None:
    path = here / "f.json"
    path.write_text('{"big": 1e400, "a": 1}', "utf-8")
    assert untorn("get", "f.json", "big") == (0, "Infinity\n", "")
    assert untorn("set", "f.json", "a", "2") == (0, "", "")
    assert path.read_text("utf-8") == '{"big": 1e400, "a": 2}'


def test_an_operating_systems_error_is_no_traceback(
    untorn: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "f.toml").write_bytes(b"a = 1\n")

    def fail(*_: object, **__: object) -> None:
        raise OSError(5, "Input/output error")

    monkeypatch.setattr("untorn.storage.read", fail)
    assert untorn("get", "f.toml") == (1, "", "f.toml: Input/output error\n")


def test_a_name_that_is_too_long_is_no_traceback(untorn: Run) -> None:
    found = untorn("get", "x" * 300 + ".json")
    assert (found.status, found.out) == (1, "")
    assert found.err.startswith("x" * 300)


def test_a_key_path_error_without_a_file_to_look_into_has_the_name_alone(
    untorn: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "f.json").write_bytes(b'{"a": 1}')

    def vanish(*_: object, **__: object) -> None:
        (here / "f.json").unlink()
        raise KeyPathError("no way", where=("a",))

    monkeypatch.setattr("untorn.cli.reading._found", vanish)
    assert untorn("get", "f.json", "a") == (1, "", "f.json: no way\n")
