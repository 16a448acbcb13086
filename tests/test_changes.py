"""Changes as data: what differs between two values, and what it makes of one."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untorn.changes import (
    ChangeSet,
    Delete,
    Insert,
    Rename,
    Set,
    applied,
    difference,
)
from untorn.values import copied, same_value

if TYPE_CHECKING:
    from untorn.values import Value

SCALARS = st.one_of(
    st.none(), st.booleans(), st.integers(0, 2), st.floats(allow_nan=True), st.sampled_from("ab")
)
KEYS = st.one_of(st.sampled_from("abcd"), st.sampled_from([1, True, 1.0]))


def values() -> st.SearchStrategy[Value]:
    """Plain data with few different scalars, so that parts are often equal."""
    return st.recursive(
        SCALARS,
        lambda inner: st.one_of(st.lists(inner, max_size=5), st.dictionaries(KEYS, inner, max_size=4)),
        max_leaves=12,
    )


def mappings() -> st.SearchStrategy[Value]:
    """Mappings, whose parts may be changed on both sides."""
    return st.dictionaries(st.sampled_from("abcdef"), values(), max_size=5)


@given(values(), values())
def test_the_difference_turns_one_value_into_the_other(base: Value, value: Value) -> None:
    assert same_value(applied(base, difference(base, value)), value)


@given(values())
def test_a_value_does_not_differ_from_itself(value: Value) -> None:
    assert not difference(value, value)


@given(st.lists(st.integers(0, 3), max_size=8), st.integers(0, 8), st.integers(10, 12))
def test_an_inserted_item_does_not_rewrite_its_neighbours(items: list[int], at: int, new: int) -> None:
    at = min(at, len(items))
    changes = difference(items, [*items[:at], new, *items[at:]])
    assert list(changes) == [Insert((at,), new)]


def test_lists_too_long_to_compare_are_paired_in_order() -> None:
    base, value = list(range(600)), list(range(599, -1, -1))
    assert same_value(applied(base, difference(base, value)), value)


def test_applying_leaves_the_original_alone() -> None:
    base = {"a": [1, {"b": 2}]}
    applied(base, [Set(("a", 1, "b"), 3), Delete(("a", 0))])
    assert base == {"a": [1, {"b": 2}]}


@pytest.mark.parametrize(
    ("operation", "result"),
    [
        (Set((), 5), 5),
        (Set(("x", "y", "z"), 1), {"a": [1], "b": 2, "x": {"y": {"z": 1}}}),
        (Insert(("a", 0), 0), {"a": [0, 1], "b": 2}),
        (Rename(("a",), "c"), {"c": [1], "b": 2}),
    ],
)
def test_each_operation_does_what_it_says(operation: Set | Insert | Rename, result: Value) -> None:
    found = applied({"a": [1], "b": 2}, [operation])
    assert found == result
    if isinstance(result, dict):
        assert list(found) == list(result)


@pytest.mark.parametrize(
    ("operation", "error"),
    [
        (Delete(()), TypeError),
        (Delete(("x",)), KeyError),
        (Set(("a", 5), 1), IndexError),
        (Rename(("a",), "b"), KeyError),
    ],
)
def test_an_operation_that_leads_nowhere_raises(
    operation: Delete | Set | Rename, error: type[Exception]
) -> None:
    with pytest.raises(error):
        applied({"a": [1], "b": 2}, [operation])


def test_operations_print_as_what_they_do() -> None:
    changes = ChangeSet((Set(("a",), 1), Delete(("b",)), Insert(("c", 0), 1), Rename(("d",), "e")))
    assert str(changes) == "set a, delete b, insert c[0], rename d to 'e'"
    assert str(ChangeSet()) == "no change"
    assert len(changes) == 4


# ── Aside ────────────────────────────────────────────────────────────────────


@given(values(), values(), values())
def test_what_is_changed_aside_leaves_the_value_as_it_is(one: Value, two: Value, three: Value) -> None:
    before = copied(one)
    after = applied(one, difference(one, two))
    again = copied(after)
    assert same_value(applied(after, difference(after, three)), three)
    assert same_value(one, before)
    assert same_value(after, again)


def test_what_is_changed_aside_shares_what_stays() -> None:
    value: dict[str, Value] = {"a": {"b": [1, 2]}, "c": {"d": 1}}
    changed = applied(value, [Set(("a", "b", 0), 5), Set(("a", "e"), 6), Set(("x", "y"), 7)])
    assert changed == {"a": {"b": [5, 2], "e": 6}, "c": {"d": 1}, "x": {"y": 7}}
    assert changed["c"] is value["c"]
    assert value == {"a": {"b": [1, 2]}, "c": {"d": 1}}
