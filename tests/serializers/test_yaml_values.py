"""What YAML texts mean, and how a text is refused."""

from __future__ import annotations

import inspect
import math
import sys
import time
from datetime import UTC, date, datetime, timedelta, timezone
from typing import Any

import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from ruamel.yaml import YAML, YAMLError

from untorn.errors import LimitError, ParseError, UntornError
from untorn.serializers.yaml import serializer
from untorn.values import Tagged, same_value

pytestmark = pytest.mark.usefixtures("each_engine")

SCALARS = [
    ("", None),
    ("~", None),
    ("null", None),
    ("no", "no"),
    ("yes", "yes"),
    ("True", True),
    ("FALSE", False),
    ("12", 12),
    ("+12", 12),
    ("-0", 0),
    ("012", 12),
    ("0o17", 15),
    ("0x1F", 31),
    ("0b11", "0b11"),
    ("2_28", "2_28"),
    ("1e3", 1000.0),
    (".5", 0.5),
    ("5.", 5.0),
    ("-0.0", -0.0),
    ("1e400", math.inf),
    (".inf", math.inf),
    ("-.INF", -math.inf),
    (".nan", math.nan),
    ("12:30", "12:30"),
    ("=", "="),
    ("1.2.3", "1.2.3"),
    ("2001-12-14", date(2001, 12, 14)),
    ("2001-1-4", "2001-1-4"),
    ("2001-12-14 21:59:43", datetime(2001, 12, 14, 21, 59, 43)),  # noqa: DTZ001  as written
    ("2001-12-14t21:59:43.1Z", datetime(2001, 12, 14, 21, 59, 43, 100_000, tzinfo=UTC)),
    (
        "2001-12-14T21:59:43.9999999-05:30",
        datetime(2001, 12, 14, 21, 59, 44, tzinfo=timezone(-timedelta(hours=5, minutes=30))),
    ),
    ("! 12", "12"),
    ("!!str 12", "12"),
    ("!!int '1_0'", 10),
    ("!!int 0b11", 3),
    ("!!int -0x1F", -31),
    ("!!float 1", 1.0),
    ("!!float .inf", math.inf),
    ("!!bool Yes", True),
    ("!!null anything", None),
    ("!!binary aGVsbG8=", b"hello"),
    ("!!timestamp '2001-12-14'", date(2001, 12, 14)),
    ("!!set {a, b}", {"a", "b"}),
    ("!!omap [a: 1, b: 2]", {"a": 1, "b": 2}),
    ("!!pairs [a: 1, a: 2]", [["a", 1], ["a", 2]]),
    ("!!map {a: 1}", {"a": 1}),
    ("!!seq [a]", ["a"]),
    ("!vault 12", Tagged("!vault", "12")),
    ("!Ref", Tagged("!Ref", "")),
    ("!Join [a, !Ref b]", Tagged("!Join", ["a", Tagged("!Ref", "b")])),
    ("!thing {a: 1}", Tagged("!thing", {"a": 1})),
    ("!!python/name:os.system ''", Tagged("tag:yaml.org,2002:python/name:os.system", "")),
    ("!<tag:example.org,2000:x> y", Tagged("tag:example.org,2000:x", "y")),
    ("a:\t1", {"a": 1}),
    ("a: b\tc\t# comment", {"a": "b\tc"}),
    (
        "{1: a, 1.5: b, null: c, 2001-01-01: d, [x, [1]]: e}",
        {1: "a", 1.5: "b", None: "c", date(2001, 1, 1): "d", ("x", (1,)): "e"},
    ),
    ("!x a: 1", {Tagged("!x", "a"): 1}),
    ("{a, b: }", {"a": None, "b": None}),
    ('"\\x41\\u00e9\\U0001F600\\N"', "Aé😀\x85"),
    ("a\n b\n\n c", "a b\nc"),
    ("%YAML 1.1\n---\nno", "no"),
    ("%TAG !e! tag:example.org,2000:\n---\n!e!x y", Tagged("tag:example.org,2000:x", "y")),
]  # fmt: skip


@pytest.mark.parametrize(("text", "value"), SCALARS)
def test_a_text_means_what_the_core_schema_says_and_what_people_rely_on(text: str, value: Any) -> None:
    assert same_value(serializer.parse(text), value)


MERGES = [
    ("a: &a {x: 1, y: 2}\nb: {<<: *a, x: 3}", {"x": 3, "y": 2}),
    ("a: &a {x: 1}\nc: &c {x: 2, z: 3}\nb: {<<: [*a, *c]}", {"x": 1, "z": 3}),
    ("a: &a {x: 1}\nc: &c {<<: *a, y: 2}\nb: {<<: *c}", {"x": 1, "y": 2}),
    ("b: {<<: {x: 1}, y: 2}", {"x": 1, "y": 2}),
    ("b: {'<<': 1}", {"<<": 1}),
    ("a: &a !t {x: 1}\nb: {<<: *a}", {"x": 1}),
]


@pytest.mark.parametrize(("text", "value"), MERGES)
def test_merge_keys_are_applied_and_the_own_key_wins(text: str, value: Any) -> None:
    assert serializer.parse(text)["b"] == value


def test_aliases_share_one_value() -> None:
    value = serializer.parse("a: &x [1]\nb: *x\nc: &y z\nd: *y")
    assert value["a"] is value["b"]
    assert value["d"] == "z"


def test_an_empty_text_is_one_document_of_nothing() -> None:
    for text in ("", "# only a comment\n", "---\n"):
        assert serializer.parse(text) is None
        assert serializer.parse_all(text) == [None]


def test_several_documents_are_no_single_value() -> None:
    assert serializer.parse_all("a\n---\nb\n...\n") == ["a", "b"]
    with pytest.raises(ParseError, match="holds 2 documents"):
        serializer.parse("a\n---\nb")


BROKEN = [
    ("a: 1\nb: 2\na: 3\n", 10, "'a' appears twice in one mapping, first on line 1"),
    ("1: a\n1.0: b\n", 5, "appears twice"),
    ("a: &a {x: 1}\nb: {<<: *a, <<: *a}", 25, "'<<' appears twice"),
    ("*a", 0, "names nothing"),
    ("- &a [*a]", 6, "inside the node that it names"),
    ("a: {<<: 1}", 8, "needs a mapping"),
    ("a: [1", 5, "expected ',' or ']'"),
    ("a: b: c", 4, "mapping values are not allowed here"),
    ("a:\n\tb: 1", 3, "cannot start any token"),
    ("a: \x07", 3, "U\\+0007 is not allowed"),
    ("x: 2001-13-45", 3, "month must be in 1..12"),
    ("!!int abc", 0, "abc"),
    ("!!float abc", 0, "not a number"),
    ("!!bool maybe", 0, "not a boolean"),
    ("!!timestamp x", 0, "not a date"),
    ("!!binary é", 0, "has no value"),
    ("!!int [a]", 0, "does not fit a sequence"),
    ("!!map [a]", 0, "does not fit a sequence"),
    ("!!omap [a]", 7, "exactly one key"),
    ("!!omap [{a: 1, b: 2}]", 0, "exactly one key"),
    ("{a: 1}: b", 0, "mapping cannot be the key"),
    ("!nope!x y", 0, "undefined tag handle"),
    ('"\\', 2, "unknown escape"),
    ('"\\UFFFFFFFF"', 3, "not valid YAML"),
    ("%YAML 2.0\n---\na", 0, "incompatible"),
]


@pytest.mark.parametrize(("text", "offset", "reason"), BROKEN)
def test_a_broken_text_is_refused_with_the_place_and_a_reason(text: str, offset: int, reason: str) -> None:
    with pytest.raises(ParseError, match=reason) as caught:
        serializer.parse(text)
    if offset:
        assert caught.value.offset is not None
        assert abs(caught.value.offset - offset) <= 1


TOO_MUCH = [
    "[" * 100_000,
    "{" * 100_000,
    "- " * 100_000,
    "? " * 100_000,
    "{a: " * 10_000,
    "".join(" " * depth + "a:\n" for depth in range(300)),
    "1" * 5000,
    "0x" + "1" * 5000,
    "a0: &a0 [x,x,x,x,x,x,x,x,x,x]\n"
    + "".join(f"a{n}: &a{n} [{','.join([f'*a{n - 1}'] * 10)}]\n" for n in range(1, 8)),
]


@pytest.mark.parametrize("text", TOO_MUCH, ids=lambda text: text[:12])
def test_hostile_texts_meet_a_limit_soon(text: str) -> None:
    start = time.process_time()
    with pytest.raises(LimitError):
        serializer.parse(text)
    assert time.process_time() - start < 5


def test_a_caller_deep_in_its_own_stack_gets_an_error_of_untorn() -> None:
    def parse_below(levels: int) -> Any:
        return parse_below(levels - 1) if levels else serializer.parse("[" * 100 + "]" * 100)

    serializer.parse("a")  # what is imported now is not imported there
    try:
        assert parse_below(sys.getrecursionlimit() - len(inspect.stack()) - 60)
    except LimitError as error:
        assert "nests" in str(error)  # noqa: PT017  libyaml needs no stack of Python's


def test_as_many_levels_as_allowed_can_be_read() -> None:
    assert serializer.parse("[" * 200 + "]" * 200)


@given(st.text(alphabet="ab:-?[]{},&*!|>'\"%@` \n\t#~<.0123\\\r\x85é\ufeff", max_size=14))
@example("&a &a")
@example("\ufeffa: 1")
@example("[a]: b")
@example("? a\n: b")
@example("- |\n\ta")
def test_nothing_but_errors_of_untorn_escapes(text: str) -> None:
    try:
        documents = serializer.parse_all(text)
    except UntornError:
        return
    for number in range(len(documents)):
        assert serializer.locate(text, (number,)) is not None or documents == [None]


# Where this reader and ruamel's differ on purpose: tabs, numbers with underscores or
# a sign before a base, one more form of float, a comment without a blank before it, and what
# ruamel crashes on.
@given(st.text(alphabet="ab1:-[]{},&*|>'\" \n#~.0", max_size=12))
@example("a: |+\n b\n\n")
@example("? a\n? b\n")
@example("a:\n- b\n-\n- c: d\n")
@example("&a a: &b 1\nb: *b")
@example("\"a\\\n  b\": 'c\n\n  d'")
def test_values_equal_those_of_ruamels_safe_loader(text: str) -> None:
    try:
        theirs = list(YAML(typ="safe", pure=True).load_all(text)) or [None]
    except (YAMLError, ValueError, TypeError, AssertionError, IndexError, AttributeError):
        return
    if same_value(theirs, [None]) and not text.strip():
        return
    try:
        ours = serializer.parse_all(text)
    except ParseError as error:
        stricter = ("inside the node", "cannot be the key", "'#' that cannot start any token")
        assert any(reason in error.reason for reason in stricter)  # noqa: PT017  a return is fine
        return
    assert same_value(ours, theirs)
