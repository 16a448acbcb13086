"""Key paths: how they are written, and where they lead."""

from __future__ import annotations

import datetime as dt
import pickle
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untorn.errors import KeyPathError
from untorn.keypath import (
    END,
    MISSING,
    KeyPath,
    format_keypath,
    kind_of,
    look_up,
    parse_keypath,
    resolve_keypath,
)
from untorn.values import Tagged

if TYPE_CHECKING:
    from untorn.values import Value

VALUE = {
    "server": {"port": 80, "a.b": {"c": 1}},
    "list": [{"n": "x"}, {"n": "y"}],
    "editor.fontSize": 12,
    8080: "eight",
    "name": "abc",
}


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("", ()),
        ("server.port", ("server", "port")),
        ("list[0].n", ("list", 0, "n")),
        ("list[-1]", ("list", -1)),
        ("list[+]", ("list", END)),
        ("[2].a", (2, "a")),
        ('"a.b".c', ("a.b", "c")),
        ("'a.b'.c", ("a.b", "c")),
        ('"tab\\t\\u00e4"', ("tab\tä",)),
        ("a-b.c_d", ("a-b", "c_d")),
        ("ключ.值", ("ключ", "值")),
        ("list[ 1 ]", ("list", 1)),
    ],
)
def test_a_written_path_has_these_parts(written: str, parts: KeyPath) -> None:
    assert parse_keypath(written) == parts


@pytest.mark.parametrize("written", ["a..b", ".a", "a.", "a[", "a[x]", "a b", '"a', '"a"b', '"\\x"', "a[1"])
def test_a_malformed_path_says_where(written: str) -> None:
    with pytest.raises(KeyPathError, match="malformed at character"):
        parse_keypath(written)


@given(st.lists(st.one_of(st.text(min_size=1), st.integers(-5, 50)), max_size=5).map(tuple))
def test_what_is_written_is_read_back(path: KeyPath) -> None:
    written = format_keypath(path)
    assert parse_keypath(written) == path if path else written == "(the whole value)"


def test_keys_that_only_yaml_has_are_written_for_people() -> None:
    assert format_keypath((None, dt.date(2020, 1, 1), END)) == "[None][datetime.date(2020, 1, 1)][+]"
    assert parse_keypath((None, 1)) == (None, 1)


@pytest.mark.parametrize(
    ("written", "parts"),
    [
        ("list[-1].n", ("list", 1, "n")),
        ("list[+]", ("list", 2)),
        ("[8080]", (8080,)),
        ("server.new.deeper", ("server", "new", "deeper")),
        (("list", -2), ("list", 0)),
        (("editor.fontSize",), ("editor.fontSize",)),
        ('"editor.fontSize"', ("editor.fontSize",)),
    ],
)
def test_a_path_is_resolved_in_a_value(written: Any, parts: KeyPath) -> None:
    assert resolve_keypath(written, VALUE) == parts


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("name.x", "is a string"),
        ("list.n", "not an index"),
        ("list[5]", r"there is no \[5\]"),
        ("list[-3]", r"there is no \[-3\]"),
        ("server[+]", "is a mapping"),
        ("editor.fontSize", "ambiguous"),
        ("server.a.b.c", "ambiguous"),
        (("list", True), "not an index"),
    ],
)
def test_a_path_that_leads_nowhere_says_why(written: Any, reason: str) -> None:
    with pytest.raises(KeyPathError, match=reason):
        resolve_keypath(written, VALUE)


def test_an_ambiguous_path_shows_both_spellings() -> None:
    with pytest.raises(KeyPathError) as caught:
        resolve_keypath("list[0].a.b", {"list": [{"a.b": 1}]})
    assert 'list[0]."a.b"' in caught.value.hint
    assert '"list"[0]."a"."b"' in caught.value.hint
    assert resolve_keypath('list[0]."a"."b"', {"list": [{"a.b": 1}]}) == ("list", 0, "a", "b")


@pytest.mark.parametrize(
    ("path", "found"),
    [
        ((), VALUE),
        (("list", 1, "n"), "y"),
        (("name", 0), MISSING),
        (("list", 9), MISSING),
        ((["x"],), MISSING),
    ],
)
def test_look_up_finds_or_misses(path: KeyPath, found: Value) -> None:
    assert look_up(VALUE, path) is found


def test_the_markers_are_themselves_after_pickling() -> None:
    for marker in (END, MISSING):
        assert pickle.loads(pickle.dumps(marker)) is marker
    assert (repr(END), repr(MISSING)) == ("END", "MISSING")


@pytest.mark.parametrize(
    ("value", "name"),
    [({}, "a mapping"), ([], "a list"), (1, "an integer"), (None, "null"), (Tagged("!x", 1), "a tagged node"),
     (1j, "of type complex")],
)  # fmt: skip
def test_kinds_have_names_for_people(value: Value, name: str) -> None:
    assert kind_of(value) == name
