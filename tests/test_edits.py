"""Edits as data: everything outside them is kept, and two sets of edits compose."""

from __future__ import annotations

from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untorn.edits import Span, TextEdit, apply_edits, composed


@st.composite
def edits_of(draw: st.DrawFn, text: str) -> list[TextEdit]:
    """Edits of ``text`` that neither overlap nor touch, in random order."""
    cuts = sorted(draw(st.sets(st.integers(0, len(text)), max_size=8)))
    spans = list(zip(cuts[::2], cuts[1::2], strict=False))
    edits = [TextEdit(start, stop, draw(st.text("XYZ", max_size=3))) for start, stop in spans]
    return list(draw(st.permutations(edits)))


@given(st.data(), st.text("abc\n", max_size=20))
def test_everything_outside_the_edits_is_kept(data: st.DataObject, text: str) -> None:
    edits = data.draw(edits_of(text))
    rest = apply_edits(text, edits)
    done = 0
    for edit in sorted(edits):
        between = text[done : edit.start] + edit.new
        assert rest.startswith(between)
        rest, done = rest[len(between) :], edit.stop
    assert rest == text[done:]


@given(st.data(), st.text("abc\n", max_size=20))
def test_composed_edits_do_what_both_do_in_turn(data: st.DataObject, text: str) -> None:
    first = data.draw(edits_of(text))
    middle = apply_edits(text, first)
    second = data.draw(edits_of(middle))
    both = composed(first, second)
    assert apply_edits(text, both) == apply_edits(middle, second)
    assert all(one.stop < other.start for one, other in pairwise(both))


@given(st.data(), st.text("abc\n", max_size=20))
def test_composing_with_nothing_changes_nothing(data: st.DataObject, text: str) -> None:
    edits = data.draw(edits_of(text))
    for both in (composed(edits, []), composed([], edits)):
        assert apply_edits(text, both) == apply_edits(text, edits)


@pytest.mark.parametrize(
    ("edits", "reason"),
    [
        ([TextEdit(0, 3, ""), TextEdit(2, 4, "")], "overlap"),
        ([TextEdit(1, 1, "a"), TextEdit(1, 1, "b")], "overlap"),
        ([TextEdit(0, 9, "")], "past the end"),
    ],
)
def test_edits_that_make_no_sense_together_are_refused(edits: list[TextEdit], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        apply_edits("abcd", edits)


def test_impossible_spans_cannot_be_made() -> None:
    with pytest.raises(ValueError, match="need 0 <= start <= stop"):
        TextEdit(3, 2, "")
    with pytest.raises(ValueError, match="need 0 <= start <= stop"):
        Span(-1, 2)
    assert Span(1, 3).of("abcd") == "bc"
