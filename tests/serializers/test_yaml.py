"""Edits of YAML: the new text is what is asked for, and every other byte is what it was."""

from __future__ import annotations

from typing import Any

import pytest

import untorn
from untorn.changes import Delete, Insert, Operation, Rename, Set, applied
from untorn.edits import apply_edits
from untorn.errors import ImpreciseEditError
from untorn.serializer import StreamSerializer
from untorn.serializers.yaml import serializer
from untorn.values import Tagged, same_value

pytestmark = pytest.mark.usefixtures("each_engine")


def edited(text: str, *operations: Operation) -> str:
    """Return ``text`` after ``operations``, proved like a save does."""
    new = apply_edits(text, serializer.patch(text, operations))
    assert same_value(serializer.parse_all(new), applied(serializer.parse_all(text), operations)), new
    return new


def put(*path: Any, value: Any = "new") -> Set:
    return Set((0, *path), value)


def drop(*path: Any) -> Delete:
    return Delete((0, *path))


def insert(*path: Any, value: Any = "new") -> Insert:
    return Insert((0, *path), value)


def test_it_is_a_serializer_of_streams() -> None:
    assert isinstance(serializer, StreamSerializer)


# The cases of the project's page on edits that break other editors, each by its name.
NAMED: dict[str, tuple[str, Operation, str]] = {
    "a folded item, a blank line, a comment, the next item": (
        "- >-\n  text\n\n  more\n\n# comment\n- b\n",
        insert(2, value="c"),
        "- >-\n  text\n\n  more\n\n# comment\n- b\n- c\n",
    ),
    "comments in a multi-line flow collection": (
        "a: [\n  1, # one\n  # two's\n  2 # two\n]\n",
        insert("a", 2, value=3),
        "a: [\n  1, # one\n  # two's\n  2, # two\n  3\n]\n",
    ),
    "delete leaves the next key its comment": (
        "# top\n\n# a's\na: 1 # one\n# b's\nb: 2\n",
        drop("a"),
        "# top\n\n# b's\nb: 2\n",
    ),
    "append does not land behind the next section's comment": (
        "a:\n  - x\n\n# section\n\nb: 1\n",
        insert("a", 1),
        "a:\n  - x\n  - new\n\n# section\n\nb: 1\n",
    ),
    "a new key does not land behind the next section's comment": (
        "a:\n  x: 1\n# b's\nb: 1\n",
        put("a", "z"),
        "a:\n  x: 1\n  z: new\n# b's\nb: 1\n",
    ),
    "replacing a list keeps the comment after it": (
        "a:\n  - 1\n  - 2 # two\n# b's\nb: 1\n",
        put("a", value={"x": 1}),
        "a:\n  x: 1\n# b's\nb: 1\n",
    ),
    "mixed indentation": (
        "a:\n    b:\n      c: 1\nd:\n  - x\ne:\n- z\n",
        put("a", "q", value=[{"r": 1}]),
        "a:\n    b:\n      c: 1\n    q:\n      - r: 1\nd:\n  - x\ne:\n- z\n",
    ),
    "lines over 80 columns": (
        f"a: {'word ' * 40}end\nb: 1\n",
        put("b", value=2),
        f"a: {'word ' * 40}end\nb: 2\n",
    ),
    "null, ~, empty, True, +1": (
        "a: null\nb: ~\nc:\nd: True\ne: +1\nf: 0\n",
        put("f", value=1),
        "a: null\nb: ~\nc:\nd: True\ne: +1\nf: 1\n",
    ),
    "a tab behind the colon": ("a:\t1\nb:\t2\n", put("a", value=3), "a:\t3\nb:\t2\n"),
    "a block scalar at the end without final newline, something added": (
        "a: 1\nb: | # c\n  text",
        put("c", value=2),
        "a: 1\nb: |- # c\n  text\nc: 2",
    ),
    "an explicit indentation indicator": (
        "a: |2\n    deep\n  text\nb: 1\n",
        put("b", value="  deep\ntext\n"),
        "a: |2\n    deep\n  text\nb: |2\n    deep\n  text\n",
    ),
    "a complex key": (
        "? [x, z] # k\n: 1\nb: 2\n",
        put(("x", "z"), value=[1]),
        "? [x, z] # k\n:\n  - 1\nb: 2\n",
    ),
    "an empty value followed by comments": (
        "a: # about a\n# b's\nb:\n",
        put("a", value=1),
        "a: 1 # about a\n# b's\nb:\n",
    ),
    "--- between documents": ("a: 1\n---\nb: 2\n", put("c"), "a: 1\nc: new\n---\nb: 2\n"),
    "... between documents": (
        "a: 1\n...\n---\nb: 2\n...\n",
        Set((1, "c"), 3),
        "a: 1\n...\n---\nb: 2\nc: 3\n...\n",
    ),
    "CRLF": ("a: 1\r\nb: 2\r\n", drop("a"), "b: 2\r\n"),
    "the first key on the dash's line": ("- a: 1 # one\n  b: 2\n- c\n", drop(0, "a"), "- b: 2\n- c\n"),
    "the first key on the dash's line, a comment below it": (
        "- a: 1 # one\n  # b's\n  b: 2\n",
        drop(0, "a"),
        "-\n  # b's\n  b: 2\n",
    ),
    "compact nested sequences, first": ("- - x\n  - z\n", insert(0, 0), "- - new\n  - x\n  - z\n"),
    "compact nested sequences, last": ("- - x\n  - z\n", insert(0, 2), "- - x\n  - z\n  - new\n"),
    "compact nested sequences, first goes": ("- - x\n  - z\n", drop(0, 0), "- - z\n"),
    "a key in quotes": ("'a' : 1\n", Rename((0, "a"), "it's"), "'it''s' : 1\n"),
    "a long plain scalar of several lines": (
        "a: one\n  two\n  three # c\nb: 1\n",
        put("a"),
        "a: new # c\nb: 1\n",
    ),
    "a scalar at the top": ("--- text # c\n", put(), "--- new # c\n"),
}


@pytest.mark.parametrize(("text", "operation", "expected"), NAMED.values(), ids=NAMED)
def test_what_breaks_others(text: str, operation: Operation, expected: str) -> None:
    assert edited(text, operation) == expected


REPLACED = [
    ("a: 1 # c\n", [1, {"x": 2}], "a: # c\n  - 1\n  - x: 2\n"),
    ("a: 1\n", {}, "a: {}\n"),
    ("a:\n  b: 1 # c\n  # d\nz: 1\n", 5, "a: 5\n  # d\nz: 1\n"),
    ("a: # head\n  b: 1\n", [], "a: [] # head\n"),
    ("a: # head\n  b: 1\n", [1], "a: # head\n  - 1\n"),
    ("a:\n    b: 1\n", {"c": 2}, "a:\n    c: 2\n"),
    ("a:\n- b\n", {"c": 2}, "a:\n  c: 2\n"),
    ("a:\n- b\n", [], "a: []\n"),
    ("a:\n- 1\n- 2 # two\n- 3\n", [1, 3], "a:\n- 1\n- 3\n"),
    ("a:\n  b: 1 # one\n  c: 2\n", {"b": 1, "d": 3}, "a:\n  b: 1 # one\n  d: 3\n"),
    ("a: &x\n  b: 1\n", 2, "a: 2\n"),
    ("a: &x 1\n", 2, "a: &x 2\n"),
    ("a: &x 1\n", [2], "a: &x\n  - 2\n"),
    ("a: !t 1\n", 2, "a: 2\n"),
    ("a: !t\n  b: 1\n", Tagged("!t", {"c": 1}), "a: !t\n  c: 1\n"),
    ("a: *x\n", 2, None),
    ("a: | # head\n  x\n\nb: 1\n", "z", "a: z  # head\n\nb: 1\n"),
    ("a: | # head\n  x\n\nb: 1\n", "p\nq", "a: |-  # head\n  p\n  q\n\nb: 1\n"),
    ("a: x # c\n", "p\nq\n", "a: | # c\n  p\n  q\n"),
    ("a: x", "p\nq\n", 'a: "p\\nq\\n"'),
    ("a: x\n  # deep\n", "p\nq\n", 'a: "p\\nq\\n"\n  # deep\n'),
    ("a: 'x'\n", "p\nq\n", 'a: "p\\nq\\n"\n'),
    ("a: [\n  1, # one\n]\n", {"x": 1}, "a:\n  x: 1\n"),
    ("a:\n  long # c\nb: 1\n", {"x": 1}, "a: # c\n  x: 1\nb: 1\n"),
    ("a: # head\n  long\nb: 1\n", {"x": 1}, "a: # head\n  x: 1\nb: 1\n"),
    ("a: # head\n  long\nb: 1\n", 1, "a: # head\n  1\nb: 1\n"),
    ("? a\n", 1, "? a\n: 1\n"),
    ("{a: 1}\n", [1, {"b": 2}], "{a: [1, {b: 2}]}\n"),
    ("{a: }\n", 1, "{a: 1 }\n"),
    ("{a, b}\n", 1, "{a: 1, b}\n"),
    ('{"a":1}\n', "x", '{"a":x}\n'),
    ("{ a: 1 }\n", {"b": [1]}, "{ a: { b: [1] } }\n"),
]


@pytest.mark.parametrize(("text", "value", "expected"), REPLACED)
def test_another_value_takes_the_place_of_the_old_one(text: str, value: Any, expected: str | None) -> None:
    if expected is None:
        text, expected = f"x: &x 1\n{text}", f"x: &x 1\na: {value}\n"
    assert edited(text, put("a", value=value)) == expected


ITEMS = [
    ("- a: 1 # one\n  b: 2 # two\n- c\n", 0, "x", "- x\n- c\n"),
    ("- a: 1 # one\n- c\n", 0, "x", "- x # one\n- c\n"),
    ("-   a: 1\n    b: 2\n", 0, {"c": [1], "d": 1}, "-   c:\n      -   1\n    d: 1\n"),
    ("-\n  a: 1\n  b: 2\n", 0, {"c": 1}, "-\n  c: 1\n"),
    ("- # c\n  a: 1\n", 0, {"c": 1, "d": 1}, "- # c\n  c: 1\n  d: 1\n"),
    ("- \n  a: 1\n", 0, "x", "- x\n"),
    ("-\n", 0, "x", "- x\n"),
    ("- old # c\n", 0, {"a": 1, "b": 2}, "- a: 1 # c\n  b: 2\n"),
    ("- old # c\n", 0, [[1], 2], "- - - 1 # c\n  - 2\n"),
    ("- a: 1\n", 0, Tagged("!t", {"b": 1}), "- !t\n  b: 1\n"),
    ("- &x old\n", 0, {"a": 1, "b": 2}, "- a: 1\n  b: 2\n"),
    ("-   a\n- old\n", 1, {"a": 1, "b": 2}, "-   a\n- a: 1\n  b: 2\n"),
    ("[a, b]\n", 1, None, "[a, null]\n"),
    ("[a, {b: 1}, c: 2]\n", 2, "x", "[a, {b: 1}, x]\n"),
]


@pytest.mark.parametrize(("text", "index", "value", "expected"), ITEMS)
def test_another_item_takes_the_place_of_the_old_one(
    text: str, index: int, value: Any, expected: str
) -> None:
    assert edited(text, put(index, value=value)) == expected


ADDED = [
    ("a: 1\n", ("b", "c", "d"), 1, "a: 1\nb:\n  c:\n    d: 1\n"),
    ("a: 1", ("b",), 1, "a: 1\nb: 1"),
    ("a: {}\n", ("a", "b"), {"c": [1]}, "a:\n  b:\n    c:\n      - 1\n"),
    ("a: {} # c\nb: 1\n", ("a", "b"), 1, "a: # c\n  b: 1\nb: 1\n"),
    ("a: { }", ("a", "b"), 1, "a:\n  b: 1"),
    ("{}\n", ("a",), 1, "a: 1\n"),
    ("--- {}\n", ("a",), 1, "--- {a: 1}\n"),
    ("a: &x {}\n", ("a", "b"), 1, "a: &x {b: 1}\n"),
    ("a: {\n  # none\n}\n", ("a", "b"), 1, "a: {\n  # none\n  b: 1\n}\n"),
    ("a: { # none\n  }\n", ("a", "b"), 1, "a: { # none\n    b: 1\n  }\n"),
    ("- {}\n", (0, "b"), {"c": 1}, "- b:\n    c: 1\n"),
    ("- {} # c\n", (0, "b"), 1, "- {b: 1} # c\n"),
    ("{a: 1}\n", ("b",), 2, "{a: 1, b: 2}\n"),
    ("{ a: 1, b: 2, }\n", ("c",), 2, "{ a: 1, b: 2, c: 2, }\n"),
    ("{\n  a: 1 # one\n}\n", ("b",), 2, "{\n  a: 1, # one\n  b: 2\n}\n"),
    ("{\n  a: 1\n}\n", ("b",), 2, "{\n  a: 1,\n  b: 2\n}\n"),
    ("{\n  a: 1, # one\n}\n", ("b",), 2, "{\n  a: 1, # one\n  b: 2,\n}\n"),
    ("[a: 1]\n", (0, "b"), 2, "[{a: 1, b: 2}]\n"),
    ("{a:  1, b:  2}\n", ("c",), 3, "{a:  1, b:  2, c:  3}\n"),
    ("a:    1\nb:    2\n", ("c",), 3, "a:    1\nb:    2\nc:    3\n"),
    ("a:  1\nbb: 2\n", ("c",), 3, "a:  1\nbb: 2\nc: 3\n"),
    ("- a: 1\n- b\n", (0, "c"), 2, "- a: 1\n  c: 2\n- b\n"),
    ("a:\n  b: 1\n\n  # c: 2\n\nd: 1\n", ("a", "e"), 3, "a:\n  b: 1\n  e: 3\n\n  # c: 2\n\nd: 1\n"),
    (
        "a:\n  b:\n    c: 1\n    # inner\n# d's\nd: 1\n", ("a", "e"), 3,
        "a:\n  b:\n    c: 1\n    # inner\n  e: 3\n# d's\nd: 1\n",
    ),
    ("? a\n: b: 1\n", ("c",), {"d": 1}, "? a\n: b: 1\nc:\n  d: 1\n"),
    ("a:\n          b: 1\n", ("a", "c"), " x\nz", 'a:\n          b: 1\n          c: " x\\nz"\n'),
    ("a: 'q'\n", ("b",), "no", "a: 'q'\nb: 'no'\n"),
    ("a: |+\n  x\n\n", ("b",), 1, "a: |+\n  x\n\nb: 1\n"),
    ("a: >2-\n   x", ("b",), 1, "a: >2-\n   x\nb: 1"),
    ("a: >2+\n   x", ("b",), 1, "a: >2-\n   x\nb: 1"),
    ("a: 1\n", ("k" * 1100,), [1], f"a: 1\n? {'k' * 1100}\n:\n  - 1\n"),
    ("a: &b\n  x: 1\nc:\n  <<: *b\n", ("c", "x"), 2, "a: &b\n  x: 1\nc:\n  <<: *b\n  x: 2\n"),
]  # fmt: skip


@pytest.mark.parametrize(("text", "path", "value", "expected"), ADDED)
def test_a_new_key_looks_like_its_neighbours(
    text: str, path: tuple[Any, ...], value: Any, expected: str
) -> None:
    assert edited(text, put(*path, value=value)) == expected


INSERTED = [
    ("a:\n- x\n", ("a", 1), {"k": [1], "l": {}}, "a:\n- x\n- k:\n  - 1\n  l: {}\n"),
    ("a:\n  # x's\n  - x\n", ("a", 0), "n1", "a:\n  - n1\n  # x's\n  - x\n"),
    ("# top\n- x\n", (0,), "n1", "# top\n- n1\n- x\n"),
    ("-   x\n-   z\n", (1,), {"a": 1, "b": 2}, "-   x\n-   a: 1\n    b: 2\n-   z\n"),
    ("- x\n# z's\n- z\n", (1,), "n1", "- x\n- n1\n# z's\n- z\n"),
    ("- |\n  x", (1,), "n1", "- |-\n  x\n- n1"),
    ("[x, z]\n", (0,), [1], "[[1], x, z]\n"),
    ("[x,z]\n", (2,), 1, "[x,z,1]\n"),
    ("[x]\n", (1,), 1, "[x, 1]\n"),
    ("[ x, z, ]\n", (3,), 1, "[ x, z, 1, ]\n"),
    ("[\n  # x's\n  x,\n  z\n]\n", (0,), 1, "[\n  1,\n  # x's\n  x,\n  z\n]\n"),
    ("[\n  x, z\n]\n", (1,), 1, "[\n  x, 1, z\n]\n"),
    ("[\n  x\n  , z\n]\n", (2,), 1, "[\n  x\n  , z, 1\n]\n"),
    ("a: []\n", ("a", 0), {"k": 1}, "a:\n  - k: 1\n"),
    ("a: []\nb:\n- 1\n", ("a", 0), "x\nz\n", "a:\n- |\n  x\n  z\nb:\n- 1\n"),
    ("a: [] # c\n", ("a", 0), 1, "a: # c\n  - 1\n"),
    ("[]\n", (0,), 1, "- 1\n"),
    ("[[]]\n", (0, 0), 1, "[[1]]\n"),
    ("[[ ]]\n", (0, 0), 1, "[[1]]\n"),
    ("a: [ # none\n]\n", ("a", 0), 1, "a: [ # none\n  1\n]\n"),
]


@pytest.mark.parametrize(("text", "path", "value", "expected"), INSERTED)
def test_a_new_item_looks_like_its_neighbours(
    text: str, path: tuple[Any, ...], value: Any, expected: str
) -> None:
    assert edited(text, insert(*path, value=value)) == expected


DELETED = [
    ("a: 1\n", ("a",), "{}\n"),
    ("# top\n\n# a's\na: 1 # one\n", ("a",), "# top\n\n{}\n"),
    ("- a\n", (0,), "[]\n"),
    ("a:\n  # b's\n  b: 1 # one\n", ("a", "b"), "a: {}\n"),
    ("a: # head\n  # b: 2\n  b: 1\n", ("a", "b"), "a: {} # head\n  # b: 2\n"),
    ("a: &x !!map\n  b: 1\n", ("a", "b"), "a: &x !!map {}\n"),
    ("a:\n  - b\n", ("a", 0), "a: []\n"),
    ("- a: 1 # one\n- b\n", (0, "a"), "- {}\n- b\n"),
    ("---\n-\n  a: 1\n- b\n", (0, "a"), "---\n- {}\n- b\n"),
    ("- - a\n", (0, 0), "- []\n"),
    ("a: 1\nb:\n  c: 1\n  # inside\n# d's\nd: 1\n", ("b",), "a: 1\n# d's\nd: 1\n"),
    ("a: 1\n\n# b's\n\n# own\nb: 2\n\nc: 1\n", ("b",), "a: 1\n\n# b's\n\n\nc: 1\n"),
    ("a: 1\n# yamllint disable\n# own\n# x: 1\nb: 2\n", ("b",), "a: 1\n# yamllint disable\n# x: 1\n"),
    ("a: 1\n\nb: 2", ("b",), "a: 1"),
    ("a: 1\r\nb: 2", ("b",), "a: 1"),
    ("a: |-\n  x\nb: 2", ("b",), "a: |-\n  x"),
    ("a: |+\n  x\n\nb: 2\n\nc: 1\n", ("b",), "a: |+\n  x\n\nc: 1\n"),
    ("a: >1+\n  x\nb: 2\n\n", ("b",), "a: >1+\n  x\n"),
    ("? a\n: 1\nb: 2\n", ("a",), "b: 2\n"),
    ("- ? a\n  : 1\n  ? b\n", (0, "a"), "- ? b\n"),
    ("[1, 2]\n", (1,), "[1]\n"),
    ("[1, 2,]\n", (1,), "[1,]\n"),
    ("[1, 2]\n", (0,), "[2]\n"),
    ("[ 1 ]\n", (0,), "[]\n"),
    ("[1, '# x']\n", (1,), "[1]\n"),
    ("[ # c\n 1]\n", (0,), "[ # c\n ]\n"),
    ("[1, # one\n 2, 3]\n", (0,), "[ # one\n 2, 3]\n"),
    ("[1, # one\n 2]\n", (1,), "[1 # one\n ]\n"),
    ("[1,\n 2, 3]\n", (0,), "[2, 3]\n"),
    ("[\n  1, # one\n  # two's\n  2 # two\n]\n", (1,), "[\n  1 # one\n]\n"),
    ("[\n  1, # one\n  2, # two\n]\n", (1,), "[\n  1, # one\n]\n"),
    ("{a: 1, b: 2}\n", ("b",), "{a: 1}\n"),
    ("[a: 1, b]\n", (0, "a"), "[{}, b]\n"),
    ("a: &b\n  x: 1\nc:\n  <<: *b\n  z: 2\n", ("c", "z"), "a: &b\n  x: 1\nc:\n  <<: *b\n"),
    ("a: &x 1\nb: 2\n", ("a",), "b: 2\n"),
    ("a: &x [&z 1, *z]\nb: 2\n", ("a",), "b: 2\n"),
]


@pytest.mark.parametrize(("text", "path", "expected"), DELETED)
def test_what_is_deleted_takes_its_own_comments_and_nothing_else(
    text: str, path: tuple[Any, ...], expected: str
) -> None:
    assert edited(text, drop(*path)) == expected


@pytest.mark.parametrize(
    ("text", "operation", "expected"),
    [
        ("- 'a'\n- 'b'\n", insert(2), "- 'a'\n- 'b'\n- 'new'\n"),
        ('- "a" # one\n', insert(0), '- "new"\n- "a" # one\n'),
        ("['a', 'b']\n", insert(1), "['a', 'new', 'b']\n"),
        ("a: 'x'\nb: 'y'\n", put("c"), "a: 'x'\nb: 'y'\nc: 'new'\n"),
        ("{a: 'x'}\n", put("c"), "{a: 'x', c: 'new'}\n"),
        ("- 'a'\n- b\n", insert(2), "- 'a'\n- b\n- new\n"),
        ("- 'a'\n- \"b\"\n", insert(2), "- 'a'\n- \"b\"\n- new\n"),
        ("a: 'x'\nb: 1\n", put("c"), "a: 'x'\nb: 1\nc: new\n"),
        ("- 'a'\n", insert(1, value=2), "- 'a'\n- 2\n"),
        ("- 'a'\n", insert(1, value={"b": "c"}), "- 'a'\n- b: c\n"),
        ("- 'a'\n", insert(1, value="b\nc\n"), "- 'a'\n- |\n  b\n  c\n"),
        ("- |\n  a\n", insert(1), "- |\n  a\n- new\n"),
    ],
)
def test_a_new_string_has_the_quotes_that_all_around_it_have(
    text: str, operation: Operation, expected: str
) -> None:
    assert edited(text, operation) == expected


@pytest.mark.parametrize(
    ("text", "paths", "expected"),
    [
        ("- a\n- b\n- c\n- d\n", [(2,), (1,), (0,)], "- d\n"),
        ("- a\n- b\n- c\n- d\n", [(0,), (0,), (0,)], "- d\n"),
        ("k:\n- a\n- b\n- c\n- d\n", [("k", 3), ("k", 2), ("k", 0)], "k:\n- b\n"),
        ("k:\n  3: a\n  2: b\n  1: c\n  0: d\n", [("k", 0), ("k", 1), ("k", 3)], "k:\n  2: b\n"),
        ("3: a\n2: b\n1: c\n0: d\n", [(0,), (1,), (3,)], "2: b\n"),
    ],
)
def test_several_deletions(text: str, paths: list[tuple[Any, ...]], expected: str) -> None:
    assert edited(text, *(drop(*path) for path in paths)) == expected


@pytest.mark.parametrize(
    ("text", "operation", "expected"),
    [
        ("a: 1\n# why?\nb: 2\nc: 3\n", drop("b"), "a: 1\nc: 3\n"),
        ("a: 1 # eh?\nb: 2\n", drop("b"), "a: 1 # eh?\n"),
        ("# c\n# ?\nb: 2\nc: 3\n", drop("c"), "# c\n# ?\nb: 2\n"),
        ("a: 1\n? # c\n: 1\nb: 2\n", drop(None), "a: 1\nb: 2\n"),
        ("? \n: 1\nb: 2\n", drop(None), "b: 2\n"),
        ("a: 1\n: 2\n", drop(None), "a: 1\n"),
        ("a: 1\n: 2\n", Rename((0, None), "x"), "a: 1\nx: 2\n"),
        ("? [a, b]\nc: 2 # two\n: 1\n", drop(None), "? [a, b]\nc: 2 # two\n"),
        ("{: 1}\n", drop(None), "{}\n"),
        ("{a: 1, : 2}\n", drop(None), "{a: 1}\n"),
        ("- : 1\n  b: 2\n", drop(0, None), "- b: 2\n"),
    ],
)
def test_a_question_mark_in_a_comment_and_a_key_that_is_empty(
    text: str, operation: Operation, expected: str
) -> None:
    assert edited(text, operation) == expected


@pytest.mark.parametrize(
    ("text", "operation", "expected"),
    [
        ("  some\n words\n", put(value={"a": 1, "b": [2, 3]}), "  a: 1\n  b:\n    - 2\n    - 3\n"),
        ("  a\n", put(value=[1, 2]), "  - 1\n  - 2\n"),
        ("--- a\n", put(value=[1, 2]), "---\n- 1\n- 2\n"),
        ("a: |\n  t ", put("a", value={"b": 1}), "a:\n  b: 1"),
        ("a: |\n  t \nb: 1\n", put("a", value="x"), "a: x\nb: 1\n"),
        ("a: >-\n  t\t\r\n\r\nb: 1\r\n", put("a", value="x"), "a: x\r\n\r\nb: 1\r\n"),
    ],
)
def test_a_root_that_is_indented_and_a_block_scalar_that_ends_in_blanks(
    text: str, operation: Operation, expected: str
) -> None:
    assert edited(text, operation) == expected


@pytest.mark.parametrize(
    ("text", "path", "value", "expected"),
    [
        ("c: {k:[], 'l':{}}\n", ("c", "k"), 37, "c: {k: 37, 'l':{}}\n"),
        ("c: {k:[], 'l':{}}\n", ("c", "k"), {"a": 1}, "c: {k:{a: 1}, 'l':{}}\n"),
        ("-\n x\n", (0,), {"a": {"b": 1}, "c": 2}, "-\n a:\n   b: 1\n c: 2\n"),
        ("-\n    x\n", (0,), {"a": 1, "c": 2}, "-\n    a: 1\n    c: 2\n"),
    ],
)
def test_what_stands_close_to_its_colon_or_below_its_dash_is_set(
    text: str, path: tuple[Any, ...], value: Any, expected: str
) -> None:
    assert edited(text, Set((0, *path), value)) == expected


def test_one_line_is_changed_also_beside_a_carriage_return_alone() -> None:
    text = "a: 1\rb: 2\n"
    assert apply_edits(text, serializer.patch(text, [Set((0, "a"), 3)])) == "a: 3\rb: 2\n"


RENAMED = [
    ("a: 1 # c\n", "a", "b", "b: 1 # c\n"),
    ('"a": 1\n', "a", "b", '"b": 1\n'),
    ("a: 1\n", "a", "no", '"no": 1\n'),
    ("{a: 1}\n", "a", "x,z", '{"x,z": 1}\n'),
    ("? a\n: 1\n", "a", "b", "? b\n: 1\n"),
    ("a: 1\n", "a", ("x", 1), "[x, 1]: 1\n"),
    ("&k a: 1\n", "a", "b", "b: 1\n"),
    ("12: 1\n", 12, None, "null: 1\n"),
    (": 1\n", None, "a", "a: 1\n"),
    ("?\n: 1\n", None, "a", "? a\n: 1\n"),
    (": - 1\n", None, "a", "? a\n: - 1\n"),
    (": b: 1\n  c: 2\n", None, "a", "? a\n: b: 1\n  c: 2\n"),
    ("a : 1 # c\n", "a", "k" * 1024, f"? {'k' * 1024}\n: 1 # c\n"),
    ("? a\n: 1\n", "a", "k" * 1024, f"? {'k' * 1024}\n: 1\n"),
]


@pytest.mark.parametrize(("text", "old", "new", "expected"), RENAMED)
def test_a_new_name_replaces_only_the_old_one(text: str, old: Any, new: Any, expected: str) -> None:
    assert edited(text, Rename((0, old), new)) == expected


DOCUMENTS = [
    ("", Set((0,), {"a": 1}), "a: 1\n"),
    ("", Set((0, "a", "b"), 1), None),
    ("# c\n", Set((0,), "x"), "# c\nx\n"),
    ("# c", Set((0,), "x"), "# c\nx"),
    ("---\n# c\n", Set((0,), {"a": 1}), "---\n# c\na: 1\n"),
    ("---\n---\nb\n", Set((0,), [1]), "---\n- 1\n---\nb\n"),
    ("---", Set((0,), [1]), "---\n- 1"),
    ("--- # c", Set((0,), "p\nq\n"), '--- # c\n"p\\nq\\n"'),
    ("text\n", Set((0,), {"a": [1]}), "a:\n  - 1\n"),
    ("--- text\n", Set((0,), {"a": 1}), "---\na: 1\n"),
    ("--- text\n", Set((0,), Tagged("!t", {"a": 1})), "--- !t\n  a: 1\n"),
    ("a: 1 # c\n", Set((0,), "x"), "x\n"),
    ("a: 1\nb: 2 # two\n", Set((0,), {"b": 2, "c": 3}), "b: 2 # two\nc: 3\n"),
    ("a: 1\nb: 2 # two\n", Set((0,), {"c": 3}), "c: 3\n"),
    ("- 1\n", Set((0,), None), "null\n"),
    ("a\n", Insert((1,), {"b": 1}), "a\n---\nb: 1\n"),
    ("a", Insert((1,), "b"), "a\n---\nb"),
    ("a\n", Insert((0,), "b"), "b\n---\na\n"),
    ("---\na\n---\nc\n", Insert((1,), "b"), "---\na\n---\nb\n---\nc\n"),
    ("a\n---\nb\n---\nc\n", Delete((1,)), "a\n---\nc\n"),
    ("a\n---\nb\n", Delete((1,)), "a\n"),
    ("a\n---\nb", Delete((1,)), "a"),
    ("a\n---\nb\n...\nc\n", Delete((1,)), "a\n...\nc\n"),
    ("a\n...\nb\n...\n# c\nc\n", Delete((1,)), "a\n...\n# c\nc\n"),
    ("a\n---\nb\n...\n# c\n---\nc\n", Delete((1,)), "a\n...\n# c\n---\nc\n"),
    ("a\n---\nb\n...\n---\nc\n", Delete((1,)), "a\n---\nc\n"),
    ("---\na\n...\n# c\nc\n", Delete((0,)), "# c\nc\n"),
    ("\ta\n", Set((0,), {"b": 1}), "b: 1\n"),
    ("# c\n  a: 1\n---\nb\n", Insert((0,), {"c": {"d": 1}}), "# c\nc:\n  d: 1\n---\n  a: 1\n---\nb\n"),
    ("~ \n", Set((0,), {"b": "c\nd\n"}), "b: |\n  c\n  d\n"),
    ("~ # c\n", Set((0,), {"b": "c\nd\n"}), 'b: "c\\nd\\n" # c\n'),
    ("a\n---\nb\n", Delete((0,)), "---\nb\n"),
    ("a: 1\n---\nb: 1\n", Set((), [{"a": 2}, {"b": 1}, 3]), "a: 2\n---\nb: 1\n---\n3\n"),
]


@pytest.mark.parametrize(("text", "operation", "expected"), DOCUMENTS)
def test_whole_documents_come_and_go(text: str, operation: Operation, expected: str | None) -> None:
    if expected is None:
        # On plain data this leads nowhere; in the text the parents can be made.
        assert apply_edits(text, serializer.patch(text, [operation])) == "a:\n  b: 1\n"
        return
    if isinstance(operation, Set) and not operation.path:
        assert apply_edits(text, serializer.patch(text, [operation])) == expected
        return
    assert edited(text, operation) == expected


REFUSED = [
    (":\n...\n|\n!", Insert((2,), 53), "documents beside it"),
    (" 2\n---", Delete((0,)), "documents beside it"),
    ("|\n  ", Insert((1,), 53), "documents beside it"),
    ("|\n a\n---\nb", Delete((1,)), "lose its final newline"),
    ("a: 1\rb: 2\n", drop("b"), "not all readers take"),
    ("a: 1\rb: 2\n", drop("a"), "not all readers take"),
    ("a: 1\rb: 2\n", Set((0, "a"), {"c": 3}), "not all readers take"),
    ("? a\nb: 1\n: 2\n", drop("b"), "colon of the empty key"),
    ("a: &x 1\nb: *x\n", put("a"), "need the anchor"),
    ("a: &x {b: 1}\nc: *x\n", put("a", "b"), "aliases elsewhere name it"),
    ("a: &x {b: 1}\nc: *x\n", put("c", "b"), "through the alias"),
    ("a: &x {b: 1}\nc: *x\n", put("c", "new"), "through the alias"),
    ("a: &x {b: 1}\nc: *x\n", drop("a"), "need the anchor"),
    ("a: &x [1]\nc: *x\n", insert("a", 0), "aliases elsewhere name it"),
    ("a: &x {b: {c: 1}}\nd: {<<: *x}\n", put("d", "b", "c"), "merge key"),
    ("a: &x {b: 1}\nd: {<<: *x}\n", drop("d", "b"), "merge key"),
    ("a: &x {b: 1}\nd: {<<: *x}\n", Rename((0, "d", "b"), "c"), "merge key"),
    ("a: &x {b: 1}\nd:\n  <<: *x\n  b: 2\n", drop("d", "b"), "would take its place"),
    ("a: &x {b: 1}\nd:\n  <<: *x\n  b: 2\n", Rename((0, "d", "b"), "c"), "would take its place"),
    ("&x a: 1\nb: *x\n", Rename((0, "a"), "c"), "need the anchor"),
    ("&x a: 1\nb: *x\n", drop("a"), "need the anchor"),
    ("a: !!omap [b: 1]\n", put("a", "b"), "ordered mapping"),
    ("a: !!omap [b: 1]\n", put("a", "c"), "tag that gives it another meaning"),
    ("a: !!pairs [b: 1]\n", insert("a", 0), "tag that gives it another meaning"),
    ("a: !!pairs [b: 1]\n", drop("a", 0), "tag that gives it another meaning"),
    ("a: |\n  x\nb: 1", drop("b"), "lose its final newline"),
    ("a\n", Delete((0,)), "the only document"),
    ("a\n---\nb\n...\n%YAML 1.2\n---\nc\n", Delete((1,)), "directives"),
    ("%YAML 1.2\n---\nc\n", Insert((0,), 1), "directives"),
    ("{: 1}\n", Rename((0, None), "a"), "empty key in brackets"),
    ("a\n", Set((), "x"), "documents of a text are a list"),
    ("a\n", Delete(()), "documents of a text are a list"),
    ("a\n", Set((7,), 1), "tag that gives it another meaning"),
]


@pytest.mark.parametrize(("text", "operation", "reason"), REFUSED)
def test_what_cannot_be_done_precisely_is_refused_with_the_reason(
    text: str, operation: Operation, reason: str
) -> None:
    with pytest.raises(ImpreciseEditError, match=reason) as caught:
        serializer.patch(text, [operation])
    assert caught.value.hint or caught.value.where is not None


def test_what_cannot_be_changed_piece_by_piece_is_replaced_as_a_whole() -> None:
    text = "a:\n  b: |\n    x\n  c: 1"
    assert edited(text, put("a", value={"b": "x\n"})) == 'a:\n  b: "x\\n"'


LOCATED = [
    ("a: 1 # c\n", ("a",), ("1", "a", "a: 1", [], "# c")),
    ("# top\n\n# own\n'a' : &x 1\n", ("a",), ("&x 1", "'a'", "'a' : &x 1", ["# own"], None)),
    ("a: # head\n  b: 1 # c\n", ("a",), ("b: 1", "a", "a: # head\n  b: 1", [], "# head")),
    ("a:\n  b: 1 # c\n", ("a",), ("b: 1", "a", "a:\n  b: 1", [], None)),
    ("a:\n- b # c\n", ("a", 0), ("b", None, "- b", [], "# c")),
    ("- a: 1 # c\n", (0,), ("a: 1", None, "- a: 1", [], None)),
    ("- &x # c\n  a: 1\n", (0,), ("&x # c\n  a: 1", None, "- &x # c\n  a: 1", [], "# c")),
    ("a: | # head\n  x\n\n", ("a",), ("| # head\n  x", "a", "a: | # head\n  x", [], "# head")),
    ("a:\nb: 1\n", ("a",), ("", "a", "a:", [], None)),
    ("? a # k\n: 1\n", ("a",), ("1", "a", "? a # k\n: 1", [], None)),
    ("[x, # c\n z]\n", (0,), ("x", None, "x", [], "# c")),
    ("{a, b: 1}\n", ("a",), ("", "a", "a", [], None)),
    ("a: &x {b: 1}\nc: *x\n", ("c",), ("*x", "c", "c: *x", [], None)),
    ("a: &x {b: 1}\nc: *x\n", ("c", "b"), ("1", "b", "b: 1", [], None)),
    ("a: &x {b: 1}\nc: {<<: *x}\n", ("c", "b"), ("1", "b", "b: 1", [], None)),
    ("!!omap [a: 1, b: 2]\n", ("b",), ("2", "b", "b: 2", [], None)),
    ("!t &x a\n", (), ("!t &x a", None, None, [], None)),
    ("&x !t a\n", (), ("&x !t a", None, None, [], None)),
]


@pytest.mark.parametrize(("text", "path", "expected"), LOCATED)
def test_every_key_path_has_its_spans(text: str, path: tuple[Any, ...], expected: tuple[Any, ...]) -> None:
    found = serializer.locate(text, (0, *path))
    assert found is not None
    spans = (found.value, found.key, found.entry)
    assert (
        *(span.of(text) if span is not None else None for span in spans),
        [span.of(text) for span in found.above],
        found.inline.of(text) if found.inline else None,
    ) == expected


NOWHERE = [
    (1,),
    (0, "x"),
    (0, "a", "b"),
    (0, "l", 5),
    (0, "l", "x"),
    (0, "s", "x"),
    (0, "o", "x"),
    (0, "m", "x"),
]


@pytest.mark.parametrize("path", NOWHERE)
def test_a_path_that_leads_nowhere_has_no_place(path: tuple[Any, ...]) -> None:
    text = "a: 1\nl: [1]\ns: !!set {x}\no: !!omap [a: 1]\nm: {<<: {a: 1}}\n"
    assert serializer.locate(text, path) is None


def test_the_list_of_documents_is_the_whole_text() -> None:
    found = serializer.locate("a\n---\nb\n", ())
    assert found is not None
    assert (found.value.start, found.value.stop) == (0, 8)


@pytest.mark.parametrize("text", ["\ra: 1\n", "b: 1\ra: 1\n", "# c\ra: 1", "a: 1\r", "b: |\u2028\na: 1\n"])
def test_lines_that_end_with_what_not_all_readers_take_for_an_end_stay_as_they_are(text: str) -> None:
    document = untorn.parse(text, format="yaml")
    document.set("a", 2)
    assert document.to_bytes().decode() == text.replace("a: 1", "a: 2")
    document.rename("a", "k")
    assert document.to_bytes().decode() == text.replace("a: 1", "k: 2")
    for change in (
        lambda: document.set("new", 1),
        lambda: document.set("k", {"x": [1]}),
        lambda: document.delete("k"),
        lambda: document.set_comment("k", inline="x"),
    ):
        with pytest.raises(ImpreciseEditError, match="not all readers take for an end"):
            change()


@pytest.mark.parametrize("text", ["? a\nc: 1\n: 2\n"])
def test_what_keeps_an_empty_key_from_a_key_without_value_stays(text: str) -> None:
    document = untorn.parse(text, format="yaml")
    with pytest.raises(ImpreciseEditError, match="would go to the key before it"):
        document.delete("c")
    assert document.to_bytes().decode() == text


@pytest.mark.parametrize(
    ("text", "value", "after"),
    [
        ("-\n|\n x\n- b\n", "z", "- z\n- b\n"),
        ("-\n|\n x\n", ["q", "r"], "- - q\n  - r\n"),
        ("- # c\n|\n x\n", "z", "- # c\n  z\n"),
        ("- # c\n|\n x\n", ["q", "r"], "- # c\n  - q\n  - r\n"),
        ("-\n  |\n  x\n", "z", "-\n  z\n"),
    ],
)
def test_what_replaces_a_block_that_is_not_indented_stands_where_every_value_may(
    text: str, value: Any, after: str
) -> None:
    assert edited(text, Set((0, 0), value)) == after


@pytest.mark.parametrize(("text", "after"), [(": : 1\n", "? k\n: : 1\n"), (": - a\n", "? k\n: - a\n")])
def test_an_empty_key_before_a_block_on_its_line_gets_a_name_on_a_line_of_its_own(
    text: str, after: str
) -> None:
    assert edited(text, Rename((0, None), "k")) == after


def test_an_empty_key_before_a_scalar_gets_a_name() -> None:
    assert edited(": 1\n", Rename((0, None), "k")) == "k: 1\n"
