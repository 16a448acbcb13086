"""Lines: where they begin and end, and how they come and go."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untorn.edits import Span, apply_edits
from untorn.records import Located
from untorn.sdk import (
    blank_before,
    indentation_of,
    line_start,
    line_stop,
    lines_inserted,
    lines_removed,
    removed_with_comments,
)

TEXTS = st.lists(st.sampled_from(["a", " ", "\t", "\n", "\r\n"]), max_size=20).map("".join)


@given(TEXTS, st.data())
def test_every_offset_is_in_exactly_one_line(text: str, data: st.DataObject) -> None:
    offset = data.draw(st.integers(0, len(text)))
    start, stop = line_start(text, offset), line_stop(text, offset)
    assert start <= offset <= stop
    assert "\n" not in text[start : stop - 1]
    assert start == 0 or text[start - 1] == "\n"
    assert stop == len(text) or text[stop - 1] == "\n"
    line = text[start:stop]
    assert indentation_of(text, offset) == line[: len(line) - len(line.lstrip(" \t"))]
    assert blank_before(text, offset) == (not text[start:offset].strip(" \t"))


@pytest.mark.parametrize(
    ("text", "offset", "result"),
    [
        ("a\nb\n", 2, "a\nx\nb\n"),
        ("a\n", 2, "a\nx\n"),
        ("a", 1, "a\nx"),
        ("", 0, "x\n"),
        ("a", 0, "x\na"),
    ],
)
def test_inserted_lines_leave_the_end_of_the_file_as_it_is(text: str, offset: int, result: str) -> None:
    assert apply_edits(text, [lines_inserted(text, offset, "x\n")]) == result


@pytest.mark.parametrize(
    ("text", "span", "result"),
    [
        ("a\nb\nc", (2, 4), "a\nc"),
        ("a\nb\n", (2, 4), "a\n"),
        ("a\nb", (2, 3), "a"),
        ("a\r\nb", (3, 4), "a"),
        ("a\n\n \r\nb", (6, 7), "a"),
        ("\n\nb", (2, 3), ""),
        ("a", (0, 1), ""),
        ("a\n", (0, 2), ""),
    ],
)
def test_removed_lines_leave_the_end_of_the_file_as_it_is(
    text: str, span: tuple[int, int], result: str
) -> None:
    assert apply_edits(text, [lines_removed(text, *span)]) == result


def located(text: str, entry: str, *above: str, inline: str = "") -> Located:
    def span(part: str) -> Span:
        return Span(text.index(part), text.index(part) + len(part))

    return Located(span(entry), None, span(entry), tuple(map(span, above)), span(inline) if inline else None)


def test_an_entry_is_removed_with_its_own_comments() -> None:
    text = "a\n# one\n# two\nk = [\n 1 ] # end\nb\n"
    entry = located(text, "k = [\n 1 ]", "# one", "# two", inline="# end")
    edits = removed_with_comments(text, entry)
    assert len(edits) == 1
    assert apply_edits(text, edits) == "a\nb\n"


def test_lines_between_that_are_not_its_own_stay() -> None:
    text = "a\n  # one\n  # noqa\n  # two\n  k = 1"
    entry = located(text, "k = 1", "# one", "# two")
    assert apply_edits(text, removed_with_comments(text, entry)) == "a\n  # noqa"


def test_an_entry_without_comments_goes_alone() -> None:
    assert apply_edits("a\nk\nb", removed_with_comments("a\nk\nb", located("a\nk\nb", "k"))) == "a\nb"
