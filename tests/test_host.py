"""Host and front door: loads, saves, and a clear answer to every bad input (promise 9)."""

from __future__ import annotations

import datetime as dt
import math
import os
import pickle
import subprocess
import sys
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, Any

import pytest

import untorn
from untorn import callers
from untorn.errors import (
    DecodeError,
    EmptyFileError,
    KeyPathError,
    LimitError,
    ParseError,
    PluginError,
    ReadError,
    UnknownFormatError,
    UnrepresentableError,
    WriteError,
)

if TYPE_CHECKING:
    from pathlib import Path

TEXTS = {"toml": "a = 1\n", "yaml": "a: 1\n", "json": '{"a": 1}\n', "jsonc": '{"a": 1} // one\n'}


@pytest.mark.parametrize("format", TEXTS)
def test_each_format_loads_saves_and_proves(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"x.{format}"
    path.write_text(TEXTS[format])
    value = untorn.load(path)
    assert value == {"a": 1}
    value["a"] = 2
    receipt = untorn.save(path, value)
    assert (receipt.path, receipt.changed, receipt.durable) == (path, True, True)
    assert path.read_text() == TEXTS[format].replace("1", "2", 1)
    assert receipt.revision == untorn.open(path).revision


@pytest.mark.parametrize("format", TEXTS)
def test_texts_load_and_dump(format: str) -> None:
    value = {"a": [1, "two", True], "b": {"c": 1.5}}
    assert untorn.loads(untorn.dumps(value, format=format), format=format) == value
    assert untorn.loads(TEXTS[format].encode(), format=format) == {"a": 1}


@pytest.mark.parametrize("format", TEXTS)
def test_a_new_file_is_created_with_its_parents(tmp_path: Path, format: str) -> None:
    path = tmp_path / "deep" / "er" / f"x.{format}"
    assert untorn.save(path, {"a": 1}).changed
    assert untorn.load(path) == {"a": 1}


@pytest.mark.parametrize("format", TEXTS)
def test_an_unchanged_save_touches_nothing(tmp_path: Path, format: str) -> None:
    path = tmp_path / f"x.{format}"
    path.write_text(TEXTS[format])
    before = path.stat()
    receipt = untorn.save(path, untorn.load(path))
    assert (receipt.changed, receipt.durable) == (False, None)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize("format", TEXTS)
def test_ten_threads_that_each_edit_one_counter_lose_nothing(tmp_path: Path, format: str) -> None:
    import threading

    path = tmp_path / f"x.{format}"
    path.write_text(TEXTS[format])

    def count() -> None:
        for _ in range(10):
            with untorn.edit(path) as doc:
                doc["a"] += 1

    threads = [threading.Thread(target=count) for _ in range(10)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert untorn.load(path) == {"a": 101}
    assert [each.name for each in tmp_path.iterdir()] == [path.name]


# ── Bad input: each has its own clear answer, and the file is untouched ─────


def broken(path: Path, data: bytes, error: type[Exception], match: str) -> untorn.UntornError:
    """Load bytes that must be refused, and return the error."""
    path.write_bytes(data)
    with pytest.raises(error, match=match) as caught:
        untorn.load(path)
    with pytest.raises((untorn.LoadError, untorn.SaveError)):
        untorn.save(path, {"defaults": True}, base=None)
    assert path.read_bytes() == data
    assert pickle.loads(pickle.dumps(caught.value)).args == caught.value.args
    assert str(pickle.loads(pickle.dumps(caught.value))) == str(caught.value)
    assert isinstance(caught.value, untorn.UntornError)
    return caught.value


@pytest.mark.parametrize("format", TEXTS)
def test_a_missing_file_is_missing(tmp_path: Path, format: str) -> None:
    with pytest.raises(FileNotFoundError) as caught:
        untorn.load(tmp_path / f"x.{format}")
    assert not isinstance(caught.value, untorn.UntornError)
    assert untorn.load(tmp_path / f"x.{format}", missing={"d": 1}) == {"d": 1}
    assert list(tmp_path.iterdir()) == []


def test_an_empty_file_is_told_apart(tmp_path: Path) -> None:
    error = broken(tmp_path / "x.json", b"", EmptyFileError, ".")
    assert isinstance(error, ParseError)
    for name, value in (("x.toml", {}), ("x.yaml", None)):
        (tmp_path / name).write_bytes(b"")
        assert untorn.load(tmp_path / name) == value


@pytest.mark.parametrize(
    ("name", "data", "place"),
    [
        ("x.toml", b"a = 1\nb = = 2\n", ":2:5"),
        ("x.yaml", b"a: 1\nb: [1\n", ":3:1"),
        ("x.json", b'{\n  "a": 1,\n  "b" 2\n}\n', ":3:7"),
        ("x.jsonc", b'{\n  // c\n  "b" 2\n}\n', ":3:7"),
    ],
)
def test_a_broken_file_is_refused_with_its_place(tmp_path: Path, name: str, data: bytes, place: str) -> None:
    error = broken(tmp_path / name, data, ParseError, ".")
    assert str(error).startswith(f"{tmp_path / name}{place}: ")


def test_a_broken_file_is_overwritten_by_whoever_names_what_was_broken(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("broken = = 1\n")
    with pytest.raises(ParseError) as caught:
        untorn.load(path)
    untorn.save(path, {"fine": 1}, base=caught.value.revision)
    assert path.read_text() == "fine = 1\n"


@pytest.mark.parametrize("name", ["x.toml", "x.yaml", "x.json"])
def test_a_wrong_encoding_is_refused_with_its_place(tmp_path: Path, name: str) -> None:
    error = broken(tmp_path / name, b"a\n\xff", DecodeError, "0xff")
    assert str(error).startswith(f"{tmp_path / name}:2:1: ")


def test_utf16_is_not_toml(tmp_path: Path) -> None:
    broken(tmp_path / "x.toml", "a = 1\n".encode("utf-16"), DecodeError, "always UTF-8")


def test_an_unknown_suffix_names_the_way_out(tmp_path: Path) -> None:
    path = tmp_path / "x.unknown"
    path.write_text("a: 1\n")
    with pytest.raises(UnknownFormatError, match="format="):
        untorn.load(path)
    assert untorn.load(path, format="yaml") == {"a": 1}


def test_a_directory_a_fifo_and_a_device_are_refused_at_once(tmp_path: Path) -> None:
    (tmp_path / "d.json").mkdir()
    os.mkfifo(tmp_path / "f.json")
    for path in (tmp_path / "d.json", tmp_path / "f.json"):
        with pytest.raises(ReadError) as caught:
            untorn.load(path)
        assert isinstance(caught.value, OSError)
        with pytest.raises((ReadError, WriteError)):
            untorn.save(path, {"a": 1})
    with pytest.raises((ReadError, WriteError)):
        untorn.write_text("/dev/null", "x")


def test_a_key_path_through_a_scalar_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "x.toml"
    path.write_text("a = 1\n")
    with pytest.raises(KeyPathError, match="an integer"):
        untorn.open(path).set("a.b", 1)


class Colour(Enum):
    RED = 1


@pytest.mark.parametrize(
    ("format", "value"),
    [
        ("toml", None),
        ("toml", 2**70),
        ("toml", {1: 2}),
        ("json", math.inf),
        ("json", math.nan),
        ("json", {1: 2}),
        ("json", dt.date(2020, 1, 1)),
        ("json", b"x"),
        ("json", {1, 2}),
        ("yaml", object()),
        *((name, item) for name in ("toml", "json", "yaml") for item in (Colour.RED, Decimal(1), 1j)),
    ],
)
def test_what_a_format_cannot_hold_is_refused_with_its_key_path(
    tmp_path: Path, format: str, value: Any
) -> None:
    path = tmp_path / f"x.{format}"
    path.write_text(TEXTS[format])
    loaded = untorn.load(path)
    loaded["list"] = [0, {"deep": value}]
    with pytest.raises(UnrepresentableError) as caught:
        untorn.save(path, loaded)
    assert caught.value.where is not None
    assert "list[1].deep" in str(caught.value)
    assert path.read_text() == TEXTS[format]


def test_an_unknown_yaml_tag_is_kept(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("password: !vault abc\nport: 80\n")
    value = untorn.load(path)
    assert value["password"] == untorn.Tagged("!vault", "abc")
    value["port"] = 81
    untorn.save(path, value)
    assert path.read_text() == "password: !vault abc\nport: 81\n"


@pytest.mark.parametrize(
    ("name", "data"),
    [
        ("x.json", b'{"a": ' + b"1" * 5000 + b"}"),
        ("x.toml", b"a = " + b"1" * 5000),
        ("x.yaml", b"a: " + b"1" * 5000),
        ("x.json", b"[" * 100_000),
        ("x.jsonc", b"[" * 100_000),
        ("x.yaml", b"[" * 100_000),
        ("x.toml", b"a = " + b"[" * 100_000),
        ("x.json", b"[" * 100_000 + b"]" * 100_000),
        ("x.toml", b"a" + b".a" * 20_000 + b" = 1"),
    ],
)
def test_hostile_input_is_refused_quickly(tmp_path: Path, name: str, data: bytes) -> None:
    broken(tmp_path / name, data, (LimitError, ParseError), ".")  # type: ignore[arg-type]


def test_an_infinity_that_was_not_touched_stays_as_it_is_spelled(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"a": 1e400, "b": 1}')
    value = untorn.load(path)
    assert value["a"] == math.inf
    value["b"] = 2
    untorn.save(path, value)
    assert path.read_text() == '{"a": 1e400, "b": 2}'


def test_nan_is_not_json(tmp_path: Path) -> None:
    broken(tmp_path / "x.json", b'{"a": NaN}', ParseError, "NaN")


def test_a_json_that_only_jsonc_accepts_names_the_format(tmp_path: Path) -> None:
    error = broken(tmp_path / "x.json", b'{"a": 1, // one\n}', ParseError, ".")
    assert "jsonc" in error.hint
    (tmp_path / "tsconfig.json").write_bytes(b'{"a": 1, // one\n}')
    assert untorn.load(tmp_path / "tsconfig.json") == {"a": 1}


def test_several_documents_are_named(tmp_path: Path) -> None:
    path = tmp_path / "x.yaml"
    path.write_text("a: 1\n---\nb: 2\n")
    with pytest.raises(ParseError, match="holds 2 documents"):
        untorn.load(path)
    with pytest.raises(ParseError, match="no document 2"):
        untorn.load(path, document=2)
    assert untorn.load(path, document="all") == [{"a": 1}, {"b": 2}]
    value = untorn.load(path, document=1)
    value["b"] = 3
    untorn.save(path, value, document=1)
    assert path.read_text() == "a: 1\n---\nb: 3\n"
    doc = untorn.open(path, document="all")
    doc.set("[0].a", 5)
    doc.save()
    assert path.read_text() == "a: 5\n---\nb: 3\n"
    with pytest.raises(KeyPathError):
        untorn.loads("a = 1", format="toml", document=1)


def test_an_unknown_keyword_is_a_type_error(tmp_path: Path) -> None:
    with pytest.raises(TypeError, match="durabilty"):
        untorn.save(tmp_path / "x.toml", {}, durabilty="none")  # type: ignore[call-arg]
    with pytest.raises(TypeError, match="revision"):
        untorn.save(tmp_path / "x.toml", {}, base=3)  # type: ignore[arg-type]
    assert list(tmp_path.iterdir()) == []


def test_a_broken_plugin_is_refused_and_the_host_goes_on(tmp_path: Path) -> None:
    host = untorn.Host()
    with pytest.raises(PluginError):
        host.admit(object(), "nothing")
    with pytest.raises(PluginError):
        host.use("not-installed")
    host.save(tmp_path / "x.toml", {"a": 1})
    assert host.load(tmp_path / "x.toml") == {"a": 1}
    assert {info.name for info in host.plugins()} >= {"json", "toml", "yaml", "jsonc"}


def test_a_host_with_a_missing_required_plugin_loads_but_does_not_save(tmp_path: Path) -> None:
    host = untorn.Host(required=["schema"])
    path = tmp_path / "x.toml"
    path.write_text("a = 1\n")
    assert host.load(path) == {"a": 1}
    with pytest.raises(untorn.RejectedError, match="schema"):
        host.save(path, {"a": 2})
    assert path.read_text() == "a = 1\n"


def test_a_file_is_checked_as_it_is(tmp_path: Path) -> None:
    from types import SimpleNamespace

    from untorn.sdk import Problem, hookimpl

    @hookimpl
    def untorn_validate(proposal: Any) -> list[Problem]:
        return [Problem("too small", where=("a",))] if proposal.value["a"] < 5 else []

    host = untorn.Host(plugins=[SimpleNamespace(untorn_validate=untorn_validate)])
    path = tmp_path / "x.toml"
    path.write_text("a = 1\n")
    [problem] = host.check(path)
    assert problem.span is not None
    assert problem.span.of(path.read_text()) == "1"
    assert str(problem.location) == f"{path}:1:5"


def test_opaque_files_are_replaced(tmp_path: Path) -> None:
    path = tmp_path / "notes.md"
    assert untorn.write_text(path, "grün\n").durable
    assert path.read_bytes() == "grün\n".encode()
    assert not untorn.write_bytes(path, "grün\n".encode()).changed
    untorn.write_bytes(path, b"\x00\xff")
    assert path.read_bytes() == b"\x00\xff"


def test_a_symbolic_link_is_followed_and_its_own_name_decides_the_format(tmp_path: Path) -> None:
    (tmp_path / "real").write_text("a: 1\n")
    link = tmp_path / "link.yaml"
    link.symlink_to("real")
    value = untorn.load(link)
    value["a"] = 2
    untorn.save(link, value)
    assert link.is_symlink()
    assert (tmp_path / "real").read_text() == "a: 2\n"


@pytest.mark.parametrize("module", ["pluggy", "tomlkit", "ruamel.yaml", "tomllib", "asyncio"])
def test_loading_json_imports_nothing_that_it_does_not_need(tmp_path: Path, module: str) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"a": 1}')
    code = f"import untorn, sys; untorn.load({str(path)!r}); sys.exit({module!r} in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0


def test_the_front_door_has_what_it_promises() -> None:
    for name in untorn.__all__:
        assert getattr(untorn, name) is not None
    with pytest.raises(AttributeError):
        untorn.nonsense  # noqa: B018  the access is the test


def test_a_host_may_take_all_that_is_installed(tmp_path: Path) -> None:
    host = untorn.Host(discover=True)
    (tmp_path / "x.toml").write_text("a = 1\n")
    assert host.load(tmp_path / "x.toml") == {"a": 1}
    with pytest.raises(UnknownFormatError, match="needs a format"):
        host.serializer(None)


def test_who_makes_the_same_file_first_has_done_our_work(tmp_path: Path) -> None:
    path = tmp_path / "new.toml"
    host = untorn.Host()
    value = host.load(path, missing={})
    value["a"] = 1
    path.write_text("a = 1 # theirs\n")
    assert not host.save(path, value).changed
    assert path.read_text() == "a = 1 # theirs\n"


def test_threads_are_told_apart_without_asyncio(tmp_path: Path) -> None:
    path = tmp_path / "x.json"
    path.write_text('{"a": 1}')
    code = f"import untorn; untorn.save({str(path)!r}, dict(untorn.load({str(path)!r}), b=2))"
    subprocess.run([sys.executable, "-c", code], check=True)
    assert untorn.load(path) == {"a": 1, "b": 2}


def test_asyncio_that_is_not_there_has_no_task(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.delitem(sys.modules, "asyncio", raising=False)
    assert callers.token() is callers.token()
