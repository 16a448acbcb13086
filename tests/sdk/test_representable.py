"""Whether a format can hold a value, before anything is written."""

from __future__ import annotations

import enum
import math
from collections import namedtuple
from datetime import date, datetime, time
from decimal import Decimal
from types import MappingProxyType
from typing import TYPE_CHECKING, Any

import pytest

from untorn.errors import LimitError, UnrepresentableError
from untorn.sdk import MAX_DEPTH, Kinds, Tagged, check_representable

if TYPE_CHECKING:
    from untorn.values import Value

BARE = Kinds("bare")
FULL = Kinds(
    "full",
    null=True,
    dates=True,
    times=True,
    binary=True,
    sets=True,
    tagged=True,
    non_finite=True,
    any_keys=True,
    surrogates=True,
)
MOMENT = datetime(2020, 1, 1)  # noqa: DTZ001


class Colour(enum.StrEnum):
    RED = "red"


class Level(enum.IntEnum):
    LOW = 1


class Path(str):
    __slots__ = ()


class Moment(datetime):
    pass


class Scalar(float):
    __module__ = "numpy.scalars"


Point = namedtuple("Point", "x y")  # noqa: PYI024  a typed one is the same at run time


def refusal(value: Value, kinds: Kinds = BARE, where: tuple[Any, ...] = ()) -> UnrepresentableError:
    with pytest.raises(UnrepresentableError) as caught:
        check_representable(value, kinds, where)
    return caught.value


@pytest.mark.parametrize(
    "value",
    [
        {},
        [],
        {"a": [1, 1.5, "x", True, (2,)]},
        MappingProxyType({"a": 1}),
        Path("x"),
        {Path("x"): 1},
        2**70,
        -0.0,
        "",
    ],
)
def test_every_format_holds_plain_data(value: Value) -> None:
    check_representable(value, BARE)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (None, "bare has no null"),
        (MOMENT, "bare has no dates: give a string"),
        (date(2020, 1, 1), "bare has no dates: give a string"),
        (time(1), "bare has no times: give a string"),
        (b"x", "bare has no binary data: give a string"),
        ({1}, "bare has no sets: give a list"),
        (frozenset(), "bare has no sets: give a list"),
        (Tagged("!a", 1), "bare has no tags"),
        (math.inf, "bare has no inf"),
        (math.nan, "bare has no nan"),
        ("\ud800", "U+D800 is half a character: no text file can hold it"),
    ],
)
def test_what_a_format_lacks_is_named_and_another_may_have_it(value: Value, reason: str) -> None:
    error = refusal({"a": [value]})
    assert error.reason == f"a[0]: {reason}"
    assert error.where == ("a", 0)
    assert "nothing was written" in error.hint
    check_representable({"a": [value]}, FULL)


@pytest.mark.parametrize(
    ("value", "reason"),
    [
        (Colour.RED, "<Colour.RED: 'red'> is an enum member: give its value"),
        (Level.LOW, "<Level.LOW: 1> is an enum member: give its value"),
        (Scalar(1.0), "a numpy.scalars.Scalar is not plain data"),
        (Decimal(1), "a decimal.Decimal is not plain data"),
        (object(), "a object is not plain data"),
        (Point(1, 2), "a tests.Point is not plain data"),
        (Moment(2020, 1, 1), "a tests.Moment is not plain data"),
        (bytearray(b"x"), "a bytearray is not plain data"),
        pytest.param(10**5000, "an integer of more than 4,200 digits could not be read back", id="digits"),
        ("\ud83d\ude00", "'\\ud83d\\ude00' would be read back as one character"),
    ],
)
def test_what_no_format_holds_is_refused_by_all(value: Value, reason: str) -> None:
    message = refusal([value], FULL).reason.replace(__name__, "tests")
    assert message == f"[0]: {reason}"


@pytest.mark.parametrize("key", [1, None, True, b"x", MOMENT, (1, "a"), Colour.RED])
def test_keys_are_strings_unless_the_format_says_otherwise(key: Any) -> None:
    error = refusal({"a": {key: 1}})
    assert "bare has string keys only" in error.reason
    assert error.where == ("a",)
    if not isinstance(key, enum.Enum):
        check_representable({"a": {key: 1}}, FULL)


def test_keys_are_looked_at_as_closely_as_values() -> None:
    assert refusal({"a": {"\udfff": 1}}).where == ("a", "\udfff")
    assert "enum member" in refusal({Colour.RED: 1}, FULL).reason
    assert "enum member" in refusal({(1, (Level.LOW,)): 1}, FULL).reason
    assert "not plain data" in refusal({Decimal(1): 1}, FULL).reason


@pytest.mark.parametrize(
    ("value", "fits"), [(2**63 - 1, True), (-(2**63), True), (2**63, False), (-(2**63) - 1, False)]
)
def test_integers_have_as_many_bits_as_the_format_says(value: int, fits: bool) -> None:
    kinds = Kinds("TOML", integer_bits=64)
    if fits:
        check_representable([value], kinds)
    else:
        assert refusal([value], kinds).reason == f"[0]: TOML integers have 64 bits, and {value} needs more"


def test_an_integer_too_long_to_be_printed_is_refused_all_the_same() -> None:
    assert "4,200 digits" in refusal(-(10**5000), Kinds("TOML", integer_bits=64)).reason


def test_items_of_sets_and_tagged_values_are_looked_at() -> None:
    assert "enum member" in refusal({Level.LOW}, FULL).reason
    assert refusal({"a": Tagged("!x", [Decimal(1)])}, FULL).where == ("a", 0)


def test_the_path_begins_where_the_value_goes() -> None:
    assert refusal([None], where=("a", 3)).where == ("a", 3, 0)


def test_depth_is_limited_and_a_value_that_contains_itself_ends() -> None:
    value: Value = 1
    for _ in range(MAX_DEPTH):
        value = [value]
    check_representable(value, BARE)
    with pytest.raises(LimitError):
        check_representable([value], BARE)
    endless: Value = {}
    endless["self"] = endless
    with pytest.raises(LimitError):
        check_representable(endless, BARE)
