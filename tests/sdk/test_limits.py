"""Depth is counted before it can hurt."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untorn.errors import LimitError
from untorn.sdk import MAX_DEPTH, MAX_DIGITS, check_depth, too_deep


@pytest.mark.parametrize("text", ["[" * 201, "[{" * 101, '{"a":' * 201, "]" * 9 + "[" * 201, "[" * 100_000])
def test_what_nests_too_deep_is_refused(text: str) -> None:
    with pytest.raises(LimitError, match=f"deeper than {MAX_DEPTH} levels"):
        check_depth(text)


@pytest.mark.parametrize(
    "text",
    [
        "[" * 200,
        "[]" * 500,
        "[[{}]]" * 500,
        '"' + "[" * 500 + '"',
        '"\\"' + "[" * 500 + '"',
        "a ]" * 300 + "[" * 200,
    ],
)
def test_what_does_not_is_let_through(text: str) -> None:
    check_depth(text)


@given(st.integers(1, 300), st.integers(0, 3))
def test_the_limit_is_exact(depth: int, siblings: int) -> None:
    text = "[]" * siblings + "[" * depth + "]" * depth
    if depth > MAX_DEPTH:
        with pytest.raises(LimitError):
            check_depth(text)
    else:
        check_depth(text)


def test_the_error_says_what_to_do() -> None:
    assert str(MAX_DEPTH) in too_deep().reason
    assert too_deep().hint


def test_the_digits_are_those_that_python_reads() -> None:
    assert int("9" * MAX_DIGITS)
    with pytest.raises(ValueError, match="4300"):
        int("9" * (MAX_DIGITS + 1))
