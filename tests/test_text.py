"""Bytes and text: encoding, byte order mark, newline style, places."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untorn.edits import TextEdit
from untorn.errors import DecodeError
from untorn.text import decode, excerpt_at, in_newlines_of, location_at, newline_of, offset_at

ALL = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")


# A NUL behind a UTF-16 mark makes it a UTF-32 one: no format here has any.
@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\0")), st.sampled_from(ALL))
def test_the_same_bytes_come_out_again(text: str, encoding: str) -> None:
    data = f"\ufeff{text}".encode(encoding)
    source = decode(data, encodings=ALL)
    assert (source.text, source.encoding) == (text, encoding)
    assert source.to_bytes() == data
    assert source.with_text("x").to_bytes() == "\ufeffx".encode(encoding)


@given(st.text(st.characters(exclude_categories=["Cs"], exclude_characters="\ufeff")))
def test_without_a_mark_it_is_utf8(text: str) -> None:
    assert decode(text.encode()).to_bytes() == text.encode()


def test_bytes_that_are_no_text_are_refused_with_their_place() -> None:
    with pytest.raises(DecodeError, match="0xfe at offset 5") as caught:
        decode(b"ab\r\nc\xfe", path=Path("x"))
    assert str(caught.value.location) == "x:2:2"
    with pytest.raises(DecodeError, match="UTF-16"):
        decode("a".encode("utf-16"))


@pytest.mark.parametrize(
    ("text", "newline"),
    [
        ("", "\n"),
        ("a", "\n"),
        ("a\nb", "\n"),
        ("a\r\nb", "\r\n"),
        ("a\r\nb\n", "\n"),
        ("a\r\n\r\nb\n", "\r\n"),
    ],
)
def test_the_newline_is_that_of_most_lines(text: str, newline: str) -> None:
    assert newline_of(text) == newline


def test_what_is_added_has_the_newlines_of_the_text() -> None:
    [edit] = in_newlines_of("a\r\nb\r\n", [TextEdit(3, 3, "x\ny\r\nz")])
    assert edit == TextEdit(3, 3, "x\r\ny\r\nz")


@given(
    st.lists(st.sampled_from(["a", "b", "\n", "\r\n", "\r", "\x0c", "\x85", "\u2028"]), max_size=30).map(
        "".join
    ),
    st.data(),
)
def test_lines_and_columns_lead_back_to_their_offset(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    if text[max(0, offset - 1) : offset + 1] == "\r\n":
        return  # the middle of a newline is no place
    place = location_at(text, offset)
    assert offset_at(text, place.line, place.column) == offset


@pytest.mark.parametrize(
    ("text", "offset", "line", "column"),
    [("a\r\nb", 3, 2, 1), ("a\rb", 2, 2, 1), ("\u2028\x0c\r\nb", 4, 2, 1), ("ä€𝄞x", 3, 1, 4), ("", 0, 1, 1)],
)
def test_lines_are_counted_as_editors_do(text: str, offset: int, line: int, column: int) -> None:
    place = location_at(text, offset)
    assert (place.line, place.column) == (line, column)
    assert offset_at(text, line, column) == offset


@pytest.mark.parametrize("text", ["", "a\nb", "a\r\nb\n"])
def test_a_place_behind_the_end_is_the_end(text: str) -> None:
    assert offset_at(text, 9, 1) == offset_at(text, 1, 99) == len(text)


def test_an_excerpt_has_its_carets_under_the_culprit() -> None:
    text = "a = 1\n\tport = 99999  # web\r\nb = 2"
    start = text.index("99999")
    assert excerpt_at(text, start, start + 5) == "  2 | \tport = 99999  # web\n    | \t       ^^^^^"
    assert excerpt_at("x", 1, 1).endswith(" ^")
    assert excerpt_at("ab\ncd", 1, 5).endswith("|  ^")
