"""Edits that were made by hand: they fit their files, and a difference is seen."""

from __future__ import annotations

import pytest

from harness.corpus import RealFile, real_file
from harness.handmade import Handmade, difference, handmade, report

TEXT = "a: 1\nb: 2 # two\nc: 3\n"


def a_file(text: str = TEXT) -> RealFile:
    return real_file("yaml", "package-1.0", "file.yml", text.encode())


def an_edit(at: str, *becomes: str, operation: str = "delete", value: object = None) -> Handmade:
    return Handmade("package-1.0 file.yml", operation, ("b",), value, at, becomes)


def test_the_list_is_whole() -> None:
    edits = list(handmade())
    assert len(edits) >= 50
    assert len({str(edit) for edit in edits}) == len(edits)
    assert len([edit for edit in edits if edit.differs]) <= 20


@pytest.mark.parametrize(
    ("at", "becomes", "text", "expected"),
    [
        ("2-2", (), TEXT, "a: 1\nc: 3\n"),
        ("1-2", ("x: 1",), TEXT, "x: 1\nc: 3\n"),
        ("1+", ("x: 1", "y: 2"), TEXT, "a: 1\nx: 1\ny: 2\nb: 2 # two\nc: 3\n"),
        ("2+", ("x: 1",), "a: 1\r\nb: 2\r\n", "a: 1\r\nb: 2\r\nx: 1\r\n"),
        ("2+", ("x: 1",), "a: 1\nb: 2", "a: 1\nb: 2\nx: 1"),
        ("2-2", ("b: 3",), "a: 1\r\nb: 2", "a: 1\r\nb: 3"),
    ],
)
def test_an_edit_by_hand(at: str, becomes: tuple[str, ...], text: str, expected: str) -> None:
    assert an_edit(at, *becomes).by_hand(text) == expected


@pytest.mark.parametrize(
    "edit",
    [
        an_edit("2-2"),
        an_edit("2-2", "b: 5 # two", operation="set", value=5),
        an_edit("2-2", "d: 2 # two", operation="rename", value="d"),
    ],
    ids=lambda edit: edit.operation,
)
def test_the_same_edit_has_no_difference(edit: Handmade) -> None:
    assert difference(edit, a_file()) == ""


def test_items() -> None:
    text = "b:\n- 1\n- 2\n"
    inserted = Handmade("package-1.0 file.yml", "insert", ("b", 1), 5, "2+", ("- 5",))
    appended = Handmade("package-1.0 file.yml", "append", ("b",), 5, "3+", ("- 5",))
    assert [difference(edit, a_file(text)) for edit in (inserted, appended)] == ["", ""]


def test_a_difference_and_a_refusal_are_seen() -> None:
    assert "+c: 3" in difference(an_edit("2-3"), a_file())
    assert difference(an_edit("2-2"), a_file("a: 1\nc: 2\n")).startswith("KeyPathError")


def test_what_nobody_has_decided_about_counts(capsys: pytest.CaptureFixture[str]) -> None:
    decided = Handmade("package-1.0 file.yml", "delete", ("b",), None, "2-3", (), differs="on purpose")
    elsewhere = Handmade("another-1.0 file.yml", "delete", ("b",), None, "2-3", ())
    assert report([an_edit("2-2"), an_edit("2-3"), decided, elsewhere], [a_file()]) == 1
    printed = capsys.readouterr().out
    assert "decided: on purpose" in printed
    assert "1 of 3 edits are as they were made by hand; 1 differ on purpose" in printed
