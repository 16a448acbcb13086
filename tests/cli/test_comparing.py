from __future__ import annotations

import math
import time
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untorn.cli.comparing import differences
from untorn.keypath import look_up
from untorn.values import Tagged, Value, same_value

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]


def lines(one: Value, other: Value) -> list[str]:
    return [str(line) for line in differences(one, other)]


@pytest.mark.parametrize(
    ("one", "other", "expected"),
    [
        (1, 1, []),
        (1, 2, ["- (the whole value): 1", "+ (the whole value): 2"]),
        ({"a": 1, "b": 2}, {"b": 2, "a": 1}, []),
        ({"a": {"b": 1}}, {"a": {"b": "1"}}, ["- a.b: 1", '+ a.b: "1"']),
        ({"a": {"b": 1, "c": [2]}}, {}, ["- a.b: 1", "- a.c[0]: 2"]),
        ({}, {"a": {}, "b": []}, ["+ a: {}", "+ b: []"]),
        ({"a.b": 1}, {}, ['- "a.b": 1']),
        ({"a": [1, 2, 3]}, {"a": [0, 1, 2, 3]}, ["+ a[0]: 0"]),
        ({"a": [1, 2, 3]}, {"a": [1, 3]}, ["- a[1]: 2"]),
        ([{"n": 1}, {"n": 2}], [{"n": 0}, {"n": 1}, {"n": 3}], ["+ [0].n: 0", "- [1].n: 2", "+ [2].n: 3"]),
        ([1, 2], [3], ["- [0]: 1", "+ [0]: 3", "- [1]: 2"]),
        ({"a": [1]}, {"a": {"b": 1}}, ["- a[0]: 1", "+ a.b: 1"]),
        (
            [True, 1, 1.0, 0.0],
            [1, 1.0, True, -0.0],
            ["- [0]: true", "- [3]: 0.0", "+ [2]: true", "+ [3]: -0.0"],
        ),
        ([math.nan], [math.nan], []),
        ({1: "x"}, {"1": "x"}, ['- [1]: "x"', '+ 1: "x"']),
        ([Tagged("!a", [1])], [Tagged("!b", [1])], ['- [0]: {"!a": [1]}', '+ [0]: {"!b": [1]}']),
        ([{1}, 5], [{2}, 5], ["- [0]: [1]", "+ [0]: [2]"]),
        (
            [datetime(2024, 1, 1, tzinfo=UTC)],
            [datetime.fromisoformat("2024-01-01T00:00:00")],
            ['- [0]: "2024-01-01T00:00:00+00:00"', '+ [0]: "2024-01-01T00:00:00"'],
        ),
    ],
)
def test_values_are_compared_key_path_by_key_path(one: Value, other: Value, expected: list[str]) -> None:
    assert lines(one, other) == expected


def test_long_lists_are_compared_in_bounded_time() -> None:
    one, other = [0, 1] * 1000, [1, 0, 0] * 1000
    start = time.process_time()
    assert len(lines(one, other)) > 1000
    assert time.process_time() - start < 5


def test_an_item_put_in_front_of_a_long_list_is_one_difference() -> None:
    assert lines([*range(5000)], [-1, *range(5000)]) == ["+ [0]: -1"]


VALUES = st.recursive(
    st.none() | st.booleans() | st.integers(0, 2) | st.sampled_from([0.0, 1.0, "a", "1"]),
    lambda inner: (
        st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from([1, "1", "a"]), inner, max_size=3)
    ),
    max_leaves=12,
)


@given(VALUES, VALUES)
def test_there_are_differences_if_and_only_if_the_values_are_not_the_same(one: Value, other: Value) -> None:
    assert (list(differences(one, other)) == []) is same_value(one, other)


@given(VALUES, VALUES)
def test_each_line_says_what_is_at_its_key_path_on_its_side(one: Value, other: Value) -> None:
    for line in differences(one, other):
        assert same_value(look_up(one if line.sign == "-" else other, line.where), line.value)


@given(VALUES)
def test_nothing_differs_from_itself(value: Value) -> None:
    assert lines(value, value) == []


# ── The command ─────────────────────────────────────────────────────────────


def test_diff_compares_files_of_different_formats(untorn: Run, here: Path) -> None:
    (here / "a.toml").write_text("# other order, and comments\nname = 'x'\n[server]\nport = 1\n", "utf-8")
    (here / "b.json").write_text('{"server": {"port": 1}, "name": "x"}', "utf-8")
    assert untorn("diff", "a.toml", "b.json") == (0, "", "")


DIFF = """\
--- a.toml
+++ b.yaml
- server.port: 1
+ server.port: 2
- server.old: true
+ server.tags[0]: "x"
"""


def test_diff_prints_what_differs_and_returns_1(untorn: Run, here: Path) -> None:
    (here / "a.toml").write_text("[server]\nport = 1\nold = true\n", "utf-8")
    (here / "b.yaml").write_text("server: {port: 2, tags: [x]}\n", "utf-8")
    assert untorn("diff", "a.toml", "b.yaml") == (1, DIFF, "")


def test_diff_returns_2_where_a_file_cannot_be_read(untorn: Run, here: Path) -> None:
    (here / "a.json").write_text("{}", "utf-8")
    found = untorn("diff", "a.json", "nope.json")
    assert (found.status, found.out) == (2, "")
    assert found.err.startswith("nope.json: no such file")


def test_diff_reads_one_side_from_standard_input(
    untorn: Run, stdin: Callable[[bytes], None], here: Path
) -> None:
    (here / "a.json").write_text('{"a": 1}', "utf-8")
    stdin(b'{"a": 2}')
    assert untorn("diff", "a.json", "-", "--format", "json") == (
        1,
        "--- a.json\n+++ <stdin>\n- a: 1\n+ a: 2\n",
        "",
    )
