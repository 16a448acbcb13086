from __future__ import annotations

import io
import json
import math
import sys
from datetime import UTC, date, datetime, time

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untorn.cli.output import say, say_value, shown, shown_in_line
from untorn.errors import UnrepresentableError
from untorn.values import Tagged, Value


@pytest.mark.parametrize(
    ("value", "printed"),
    [
        ("a b", "a b"),
        ("", ""),
        ("Zoë\n2", "Zoë\n2"),
        (True, "true"),
        (None, "null"),
        (1, "1"),
        (1.0, "1.0"),
        (1e22, "1e+22"),
        (2**70, str(2**70)),
        (math.nan, "NaN"),
        (-math.inf, "-Infinity"),
        (math.inf, "Infinity"),
        (date(2024, 2, 29), "2024-02-29"),
        (datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC), "2024-02-29T01:02:03+00:00"),
        (time(1, 2), "01:02:00"),
        (b"\x00\xff", "AP8="),
        ([], "[]"),
        ({}, "{}"),
        (["a", 1, {"b": None}], '[\n  "a",\n  1,\n  {\n    "b": null\n  }\n]'),
        ({"when": date(2024, 1, 1)}, '{\n  "when": "2024-01-01"\n}'),
        ([math.inf], '[\n  "Infinity"\n]'),
        ({"é"}, '[\n  "é"\n]'),
        (Tagged("!vault", "x"), '{\n  "!vault": "x"\n}'),
        (Tagged("!Sub", ["a", b"b"]), '{\n  "!Sub": [\n    "a",\n    "Yg=="\n  ]\n}'),
    ],
)
def test_a_string_is_printed_bare_and_everything_else_as_json(value: Value, printed: str) -> None:
    assert shown(value) == printed


@pytest.mark.parametrize(
    ("key", "written"),
    [
        (1, "1"),
        (True, "true"),
        (None, "null"),
        (1.5, "1.5"),
        (date(2024, 1, 1), "2024-01-01"),
        ((1, "a"), '[1, "a"]'),
    ],
)
def test_a_key_that_json_does_not_have_is_written_as_a_string(key: Value, written: str) -> None:
    assert json.loads(shown({key: 0})) == {written: 0}


def test_keys_that_would_look_the_same_are_refused_rather_than_lost() -> None:
    with pytest.raises(UnrepresentableError, match=r"a\[0\] has keys that JSON cannot tell apart"):
        shown({"a": [{1: "one", "1": "text"}]})


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False, allow_infinity=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)


@given(VALUES)
def test_what_json_has_is_printed_as_json_that_reads_back(value: Value) -> None:
    assert json.loads(shown_in_line(value)) == value
    if not isinstance(value, str):
        assert json.loads(shown(value)) == value


def ascii_output(monkeypatch: pytest.MonkeyPatch) -> io.TextIOWrapper:
    """Let standard output know ASCII only; pytest puts its own back when a fixture does this."""
    output = io.TextIOWrapper(io.BytesIO(), encoding="ascii", write_through=True)
    monkeypatch.setattr(sys, "stdout", output)
    return output


def written(output: io.TextIOWrapper) -> bytes:
    buffer = output.buffer
    assert isinstance(buffer, io.BytesIO)
    return buffer.getvalue()


def test_json_is_escaped_where_the_output_knows_ascii_only(monkeypatch: pytest.MonkeyPatch) -> None:
    output = ascii_output(monkeypatch)
    say_value(shown(["é"]))
    assert json.loads(written(output)) == ["é"]


def test_a_bare_string_that_the_output_cannot_hold_is_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    output = ascii_output(monkeypatch)
    with pytest.raises(UnrepresentableError, match="that ascii output cannot hold"):
        say_value(shown("é"))
    assert written(output) == b""


def test_text_for_people_is_escaped_where_the_output_cannot_hold_it(monkeypatch: pytest.MonkeyPatch) -> None:
    output = ascii_output(monkeypatch)
    say("a é")
    assert written(output) == b"a \\xe9\n"
