"""New scalars and collections, read back by readers of YAML 1.1 and of 1.2 (EDITING E6)."""

from __future__ import annotations

import math
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import Any

import pytest
import yaml
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML

from untorn.changes import Set
from untorn.edits import apply_edits
from untorn.errors import LimitError, UnrepresentableError
from untorn.serializers.yaml import serializer
from untorn.values import Tagged, same_value

pytestmark = pytest.mark.usefixtures("each_engine")

AMBIGUOUS = [
    "no", "YES", "on", "Off", "y", "N", "true", "NULL", "~", "", "=", "<<", "12", "012", "0o17", "0x1F",
    "0b11", "1_000", "1,000", "12:30", "1:20:30.5", "1e3", "1.5e+3", ".5", "5.", "+1", "-0", ".inf",
    "-.INF", ".NaN", "inf", "2001-01-01", "2001-1-1", "2001-12-14 21:59:43", "- x", "-", "? a", ": a",
    "a: b", "a:", "a #b", "#a", "&a", "*a", "!a", "|", ">", "'a'", '"a"', "%a", "@a", "`a", "{a", "[a",
    "a\tb", " a", "a ", "---", "...", "a\x85b", "\ufeff", "a\u2028b", "\x07", "\x1b[0m", "a\rb",
    "a\r\nb", "😀", "\xa0", "é", "{{ x }}", "a\nb", "a\n", "\na", "\n", "a\n\n", " a\nb", "a\n b\n",
    "a\n \nb", "\ta\nb", "a\n\tb", "x\n# y", "a,b", "http://x", "a?b", "key: |", "--- a", "a\xadb",
    "\ud7ff", "\ufffe", "a\\b",
]  # fmt: skip


def read_by_all(text: str) -> Any:
    """Return what three readers agree on."""
    ours = serializer.parse(text)
    assert same_value(YAML(typ="safe", pure=True).load(text), ours), text
    assert same_value(yaml.safe_load(text), ours), text
    return ours


def everywhere(value: str) -> list[Any]:
    """Return ``value`` in every kind of place."""
    return [value, {"key": value}, [value], {"a": [value, {"b": value}]}, {value: 1}]


@given(st.text(st.characters(exclude_categories=["Cs"])))
@example("x" * 1100)
def test_every_string_is_that_string_for_every_reader(text: str) -> None:
    for value in everywhere(text):
        assert same_value(read_by_all(serializer.render(value)), value)


@pytest.mark.parametrize("text", AMBIGUOUS)
def test_what_some_reader_takes_for_something_else_is_quoted(text: str) -> None:
    for value in everywhere(text):
        assert same_value(read_by_all(serializer.render(value)), value)


@pytest.mark.parametrize("text", AMBIGUOUS)
@pytest.mark.parametrize(
    "old", ["a: old\nb: 1\n", "a: 'old'\nb: 1\n", 'a: "old"\nb: 1\n', "{a: old, b: 1}\n", "{a: 'x', b: 1}"]
)
def test_strings_stay_themselves_in_the_place_of_another(old: str, text: str) -> None:
    new = apply_edits(old, serializer.patch(old, [Set((0, "a"), text)]))
    assert read_by_all(new) == {"a": text, "b": 1}


@given(st.floats() | st.integers() | st.dates() | st.booleans() | st.none() | st.binary())
def test_other_scalars_are_themselves_for_every_reader(value: Any) -> None:
    for place in (value, [value], {"a": value}):
        assert same_value(read_by_all(serializer.render(place)), place)


def test_floats_always_have_a_point() -> None:
    assert serializer.render([1e22, 1e-7, 1.0, math.inf]) == "- 1.0e+22\n- 1.0e-07\n- 1.0\n- .inf\n"


MOMENTS = st.datetimes(
    timezones=st.none() | st.integers(-840, 840).map(lambda m: timezone(timedelta(minutes=m)))
)


@given(MOMENTS)
def test_moments_keep_their_offset(moment: datetime) -> None:
    assert same_value(serializer.parse(serializer.render([moment])), [moment])


OTHERS = [
    {"set": {1, "a", None}},
    {"set": set()},
    {(1, "a"): [], ("b", (2,)): {}},
    {None: 1, 1.5: 2, True: 3, b"x": 4, date(2001, 1, 1): 5},
    [[[], [1, [2]]], {}, [{"a": [{"b": 1}]}]],
    {"a": {"b": {"c": [{"d": 1, "e": [1, 2]}]}}},
    Tagged("!vault", "x\ny"),
    Tagged("!Join", [",", [Tagged("!Ref", "a")]]),
    {"a": Tagged("!t", {"b": [1]}), "c": [Tagged("!t", [1]), Tagged("!u", {"x": 1})]},
    {"a": [Tagged("tag:yaml.org,2002:foo", "x"), Tagged("tag:example.org,2000:y", "")]},
    [Tagged("!t", []), Tagged("!t", {})],
    [Tagged("!a+b", "x"), Tagged("tag:example.org,2000:!y", {"k": 1})],
    [math.nan, -math.inf, math.inf, -0.0],
    None,
    [],
]


@pytest.mark.parametrize("value", OTHERS, ids=map(str, range(len(OTHERS))))
def test_whole_documents_read_back(value: Any) -> None:
    assert same_value(serializer.parse(serializer.render(value)), value)
    flow = apply_edits("[x]\n", serializer.patch("[x]\n", [Set((0, 0), value)]))
    assert same_value(serializer.parse(flow), [value])


def test_several_documents_have_marks_between_them() -> None:
    assert serializer.render_all([{"a": 1}, None]) == "a: 1\n---\nnull\n"


def test_what_yaml_cannot_hold_is_refused_with_its_key_path() -> None:
    refused = [
        time(1, 2),
        object(),
        "\ud800",
        {"x": 1j},
        Tagged("!t", 12),
        Tagged("no tag", "x"),
        Tagged("tag:yaml.org,2002:int", "x"),  # read as a number, or not at all
        Tagged("tag:yaml.org,2002:str", "x"),
        Tagged("tag:yaml.org,2002:set", {"a": None}),
        Tagged("tag:yaml.org,2002:omap", [{"a": 1}]),
        datetime(2001, 1, 1, tzinfo=timezone(timedelta(seconds=30))),
    ]
    for value in refused:
        with pytest.raises(UnrepresentableError):
            serializer.render({"a": value})
    with pytest.raises(UnrepresentableError) as caught:
        list(serializer.patch("a: 1\n", [Set((0, "b"), {"c": time(1, 2)})]))
    assert caught.value.where == ("b", "c")


def test_what_contains_itself_is_refused() -> None:
    value: list[Any] = []
    value.append(value)
    with pytest.raises(LimitError):
        serializer.render(value)


SAME_FAMILY = [
    ("a: 0x1f\n", 255, "a: 0xff\n"),
    ("a: 0xAB\n", 172, "a: 0xAC\n"),
    ("a: 0x1f\n", -1, "a: -1\n"),
    ("a: True\n", False, "a: False\n"),
    ("a: TRUE\n", False, "a: FALSE\n"),
    ("a: true\n", False, "a: false\n"),
    ("a: ~\nb: 1\n", None, "a: ~\nb: 1\n"),
    ("a: 2001-01-01 00:00:00Z\n", datetime(2002, 1, 1, tzinfo=UTC), "a: 2002-01-01 00:00:00Z\n"),
    ("a: 'x'\n", "z", "a: 'z'\n"),
    ('a: "x"\n', "it's", 'a: "it\'s"\n'),
    ("a: 'x'\n", "it's", "a: 'it''s'\n"),
    ("a: 'x'\n", "\x07", 'a: "\\a"\n'),
    ("a: 'x'\nb: z\n", "no", "a: 'no'\nb: z\n"),
    ("a: z\nb: 'x'\n", "no", "a: 'no'\nb: 'x'\n"),
    ("a: !vault x\n", Tagged("!vault", "z"), "a: !vault z\n"),
]


@pytest.mark.parametrize(("text", "value", "expected"), SAME_FAMILY)
def test_a_new_scalar_looks_like_the_one_that_it_replaces(text: str, value: Any, expected: str) -> None:
    assert apply_edits(text, serializer.patch(text, [Set((0, "a"), value)])) == expected
