"""When two values are the same for a file: type by type (promise 5)."""

from __future__ import annotations

import copy
import datetime as dt
import math
import pickle
from collections import OrderedDict
from types import MappingProxyType
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untorn.errors import LimitError
from untorn.values import Tagged, copied, same_value, surely_same, typed_key

if TYPE_CHECKING:
    from untorn.values import Value

UTC, EAST = dt.UTC, dt.timezone(dt.timedelta(hours=1))
NOON = dt.datetime(2020, 1, 1, 12, tzinfo=UTC)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (True, 1),
        (1, 1.0),
        (0.0, -0.0),
        ("1", 1),
        (None, False),
        (b"a", "a"),
        (NOON, NOON.astimezone(EAST)),
        (NOON, NOON.replace(tzinfo=None)),
        (dt.date(2020, 1, 1), dt.datetime(2020, 1, 1)),  # noqa: DTZ001  naive is what is tested
        ({1: "a"}, {True: "a"}),
        ({1: "a"}, {1.0: "a"}),
        ({"a": 1}, {"a": 1, "b": 2}),
        ({"a": 1}, {"b": 1}),
        ({"a": 1}, [1]),
        ([1, 2], [2, 1]),
        ([1], [1, 1]),
        ({1, 2}, [1, 2]),
        ({1}, {True}),
        (Tagged("!a", 1), Tagged("!b", 1)),
        (Tagged("!a", 1), Tagged("!a", True)),
        (Tagged("!a", 1), 1),
        ((1, True), [1, 1]),
        ({(1, 2): 0}, {(1, True): 0}),
    ],
)
def test_values_that_a_file_tells_apart_are_not_the_same(left: Value, right: Value) -> None:
    for one, other in ((left, right), (right, left)):
        assert not same_value(one, other)
        assert not same_value([one], [other])
        assert not same_value({"k": one}, {"k": other})


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (math.nan, -math.nan),
        ([1, 2], (1, 2)),
        ({"a": 1, "b": 2}, OrderedDict(b=2, a=1)),
        ({"a": 1}, MappingProxyType({"a": 1})),
        ({math.nan: 1}, {float("nan"): 1}),
        ({(1, "a"): 1}, {(1, "a"): 1}),
        ({1, "a"}, frozenset({"a", 1})),
        (Tagged("!a", [1]), Tagged("!a", (1,))),
        (NOON, NOON.replace()),
        (dt.time(1, 2), dt.time(1, 2)),
    ],
)
def test_values_that_a_file_writes_alike_are_the_same(left: Value, right: Value) -> None:
    assert same_value(left, right)
    assert same_value(right, left)


def test_a_subclass_of_a_string_is_that_string() -> None:
    class Name(str):
        __slots__ = ()

    assert same_value(Name("a"), "a")
    assert same_value({Name("a"): 1}, {"a": 1})


def test_what_no_file_holds_is_never_the_same() -> None:
    assert not same_value([bytearray(b"a")], [b"a"])
    assert typed_key("a") == typed_key("a")


def test_deep_values_are_compared_without_recursion() -> None:
    one: Value = 1
    other: Value = 1
    for _ in range(5000):
        one, other = [one], [other]
    assert same_value(one, other)


PLAIN = st.recursive(
    st.one_of(st.none(), st.booleans(), st.integers(), st.floats(), st.text(), st.binary()),
    lambda inner: st.one_of(
        st.lists(inner), st.dictionaries(st.text(), inner), inner.map(lambda value: Tagged("!t", value))
    ),
)


FEW = st.recursive(
    st.sampled_from(
        [None, True, False, 0, 1, 0.0, -0.0, 1.0, math.nan, "", "a", b"a", Tagged("!t", 1), NOON]
    ),
    lambda inner: st.one_of(
        st.lists(inner, max_size=3),
        st.dictionaries(st.sampled_from(["a", "b", 1, True, 1.0, (1, 2)]), inner, max_size=2),
    ),
    max_leaves=6,
)


@given(FEW, FEW)
def test_what_is_surely_the_same_is_the_same(left: Value, right: Value) -> None:
    assert same_value(left, right) or not surely_same(left, right)


@given(PLAIN)
def test_a_copy_without_tags_is_surely_the_same(value: Value) -> None:
    assert surely_same(copied(value), value) or "Tagged" in repr(value)


@given(PLAIN)
def test_a_copy_is_the_same_and_shares_no_container(value: Value) -> None:
    copy = copied(value)
    assert same_value(copy, value)
    assert not (containers(copy) & containers(value))


def containers(value: Value) -> set[int]:
    """The identities of all lists and dicts in a value."""
    if isinstance(value, Tagged):
        return containers(value.value)
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    own = {id(value)} if isinstance(value, (dict, list)) else set()
    return own.union(*map(containers, inner))


def test_a_copy_has_plain_containers() -> None:
    assert type(copied(MappingProxyType({"a": (1,)}))) is dict
    assert copied((1, {2})) == [1, {2}]


def test_a_value_that_contains_itself_cannot_be_copied() -> None:
    loop: list[Value] = []
    loop.append(loop)
    with pytest.raises(LimitError, match="contains itself"):
        copied(loop)


def test_a_tagged_value_does_not_change_and_pickles() -> None:
    tagged = Tagged("!vault", "secret")
    assert pickle.loads(pickle.dumps(tagged)) == copy.deepcopy(tagged) == tagged != ("!vault", "secret")
    assert len({tagged, Tagged("!vault", "secret"), Tagged("!env", "secret")}) == 2
    assert eval(repr(tagged)) == tagged
    with pytest.raises(AttributeError):
        tagged.tag = "!other"  # type: ignore[misc]
    match tagged:
        case Tagged(tag, value):
            assert (tag, value) == ("!vault", "secret")
