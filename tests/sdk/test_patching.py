"""Several operations on one text, on a format made of one word a line."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untorn.changes import Delete, Insert, Operation, Rename, Set, applied
from untorn.edits import TextEdit, apply_edits
from untorn.sdk import patched, refined
from untorn.values import same_value

if TYPE_CHECKING:
    from collections.abc import Iterable

    from untorn.values import Value


class Lines:
    """A list of words, one a line; counts how often a text is indexed."""

    indexed = 0

    def __init__(self, text: str) -> None:
        type(self).indexed += 1
        self.starts = [0]
        for line in text.splitlines(keepends=True):
            self.starts.append(self.starts[-1] + len(line))

    def span(self, index: int) -> tuple[int, int]:
        return self.starts[index], self.starts[index + 1]


def patch_one(lines: Lines, operation: Operation) -> Iterable[TextEdit]:
    index = operation.path[-1]
    if isinstance(operation, Set):
        start, stop = lines.span(index)
        yield TextEdit(start, stop - 1, operation.value)
    elif isinstance(operation, Insert):
        yield TextEdit(lines.starts[index], lines.starts[index], operation.value + "\n")
    else:
        yield TextEdit(*lines.span(index), "")


def made(text: str, *operations: Operation) -> tuple[str, int]:
    """Return the text after ``operations``, and how often a text was indexed for it."""
    Lines.indexed = 0
    return apply_edits(text, patched(text, operations, Lines, patch_one)), Lines.indexed


@st.composite
def histories(draw: st.DrawFn) -> tuple[list[str], list[Operation]]:
    """Words, and operations on them that make sense one after the other."""
    word = st.text("abc", min_size=1, max_size=3)
    words = draw(st.lists(word, max_size=6))
    size, operations = len(words), list[Operation]()
    for _ in range(draw(st.integers(0, 6))):
        kind = draw(st.sampled_from(["set", "delete", "insert"])) if size else "insert"
        if kind == "insert":
            operations.append(Insert((draw(st.integers(0, size)),), draw(word)))
            size += 1
        elif kind == "delete":
            operations.append(Delete((draw(st.integers(0, size - 1)),)))
            size -= 1
        else:
            operations.append(Set((draw(st.integers(0, size - 1)),), draw(word)))
    return words, operations


@given(histories())
def test_each_operation_sees_what_the_ones_before_it_did(case: tuple[list[str], list[Operation]]) -> None:
    words, operations = case
    result, _ = made("".join(f"{word}\n" for word in words), *operations)
    assert result.splitlines() == applied(words, operations)


def test_operations_that_cannot_disturb_each_other_share_one_index() -> None:
    sets = [Set((number,), "new") for number in range(0, 200, 2)]
    text = "word\n" * 200
    result, indexed = made(text, *sets)
    assert result == "new\nword\n" * 100
    assert indexed == 1


def test_operations_that_move_others_get_an_index_of_their_own() -> None:
    assert made("a\nb\nc\n", Delete((0,)), Set((0,), "x"), Set((1,), "y")) == ("x\ny\n", 2)
    assert made("a\nb\nc\n", Set((0,), "x"), Delete((0,))) == ("b\nc\n", 2)
    assert made("a\nb\n", Set((0,), "x"), Set((0,), "y")) == ("y\nb\n", 2)


def test_edits_that_touch_are_made_one_after_the_other() -> None:
    edits = {"a": TextEdit(1, 1, "a"), "b": TextEdit(1, 1, "b"), "c": TextEdit(3, 4, "c")}
    indexes: list[str] = []

    def index_of(text: str) -> str:
        indexes.append(text)
        return text

    def patch(_text: str, operation: Operation) -> list[TextEdit]:
        return [edits[operation.path[0]]]

    result = patched("0123", [Set((key,), 0) for key in "acb"], index_of, patch)
    assert apply_edits("0123", result) == "0ba12c"
    assert indexes == ["0123", "0a12c"]


@pytest.mark.parametrize(
    ("first", "second", "shared"),
    [
        (Set(("a", "x"), 0), Set(("a", "y"), 0), True),
        (Set(("a",), 0), Set(("a", "y"), 0), False),
        (Set(("a", "y"), 0), Set(("a",), 0), False),
        (Set(("a",), 0), Set(("a",), 0), False),
        (Set((), 0), Set(("a",), 0), False),
        (Set(("a", "x"), 0), Delete(("b", "x")), True),
        (Delete(("a", "x")), Set(("b", "x"), 0), True),
        (Set(("a",), 0), Delete(("b",)), False),
        (Delete(("a", "x")), Set(("b",), 0), False),
        (Set(("b",), 0), Delete(("a", "x")), False),
        (Delete(("a", "x")), Delete(("a", "y")), False),
        (Insert(("a", 0), 0), Insert(("b", 0), 0), True),
        (Rename(("a", "x"), "y"), Set(("a", "y", "z"), 0), False),
        (Set(("a", "x", "z"), 0), Rename(("a", "x"), "y"), False),
    ],
)
def test_which_operations_share_an_index(first: Operation, second: Operation, shared: bool) -> None:
    indexes: list[str] = []
    places = iter([TextEdit(0, 1, ""), TextEdit(5, 6, ""), TextEdit(5, 6, "")])

    def index_of(text: str) -> str:
        indexes.append(text)
        return text

    patched("0123456789", [first, second], index_of, lambda _index, _operation: [next(places)])
    assert len(indexes) == (1 if shared else 2)


def test_no_operation_needs_no_index() -> None:
    assert made("a\n") == ("a\n", 0)


VALUES = st.recursive(
    st.integers(0, 2),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.sampled_from("abc"), inner, max_size=3),
    max_leaves=8,
)


@given(VALUES, VALUES)
def test_finer_operations_do_the_same(old: Value, new: Value) -> None:
    operations = refined(Set(("k",), new), old)
    if operations is None:
        return
    assert all(operation.path[0] == "k" for operation in operations)
    assert same_value(applied({"k": old}, operations), {"k": new})


@pytest.mark.parametrize(
    ("old", "new"),
    [(1, 2), ([1], {"a": 1}), ({}, {"a": 1}), ({"a": 1}, {"b": 1}), ([], [1]), ([1], []), ("ab", "ac")],
)
def test_nothing_is_gained_where_nothing_is_alike(old: Any, new: Any) -> None:
    assert refined(Set((), new), old) is None


def test_an_empty_collection_with_comments_in_it_is_filled_piece_by_piece() -> None:
    assert refined(Set(("k",), [1]), [], commented=True) == [Insert(("k", 0), 1)]
    assert refined(Set(("k",), {"a": 1}), {}, commented=True) == [Set(("k", "a"), 1)]
    assert refined(Set(("k",), {"a": 1}), [], commented=True) is None


def test_what_is_alike_stays() -> None:
    assert refined(Set(("k",), {"a": 1, "b": [1, 2]}), {"a": 1, "b": [1]}) == [Insert(("k", "b", 1), 2)]
    assert refined(Set(("k",), {"a": 1}), {"a": 1}) == []


@pytest.mark.parametrize("size", [40, 400])
def test_many_deletions_take_few_indexes(size: int) -> None:
    text = "".join(f"{number}\n" for number in range(size))
    operations = [Delete((number,)) for number in range(size - 2, 0, -1)]
    result, indexed = made(text, *operations)
    assert result == f"0\n{size - 1}\n"
    assert indexed < 12


def test_deletions_that_move_each_other_are_made_in_turn() -> None:
    result, _ = made("0\n1\n2\n3\n4\n5\n", *[Delete((1,))] * 4)
    assert result == "0\n5\n"


def test_many_insertions_behind_each_other_take_few_indexes() -> None:
    operations = [Insert((number + 1,), f"new{number}") for number in range(100)]
    result, indexed = made("first\nlast\n", *operations)
    assert result.split() == ["first", *(f"new{number}" for number in range(100)), "last"]
    assert indexed <= 3


class Keys:
    """A mapping, one ``key=value`` a line, new ones last; the last one that goes leaves ``none``."""

    indexed = 0

    def __init__(self, text: str) -> None:
        type(self).indexed += 1
        self.text = text
        self.spans: dict[str, tuple[int, int]] = {}
        start = 0
        for line in text.splitlines(keepends=True):
            self.spans[line.partition("=")[0]] = (start, start + len(line))
            start += len(line)


def patch_key(keys: Keys, operation: Operation) -> list[TextEdit]:
    key = operation.path[-1]
    span = keys.spans.get(str(key))
    if isinstance(operation, Delete):
        assert span is not None
        return [TextEdit(*span, "none\n" if len(keys.spans) == 1 else "")]
    assert isinstance(operation, Set)
    if span is not None:
        return [TextEdit(*span, f"{key}={operation.value}\n")]
    end = len(keys.text)
    # Something that only an operation alone can know: how many there are.
    number = f"#{len(keys.spans)}" if operation.value == "counted" else ""
    return [TextEdit(end, end, f"{key}={operation.value}{number}\n")]


def keys_after(text: str, *operations: Operation, is_item: bool = True) -> tuple[str, int]:
    Keys.indexed = 0
    edits = patched(text, operations, Keys, patch_key, is_item=lambda _index, _path: is_item)
    return apply_edits(text, edits), Keys.indexed


def test_many_keys_that_join_a_mapping_take_few_indexes() -> None:
    result, indexed = keys_after("a=1\n", *(Set((f"k{number}",), number) for number in range(100)))
    assert result == "a=1\n" + "".join(f"k{number}={number}\n" for number in range(100))
    assert indexed <= 3


def test_keys_that_need_each_other_join_in_turn() -> None:
    result, _ = keys_after("a=1\n", *(Set((key,), "counted") for key in "bcd"))
    assert result == "a=1\nb=counted#1\nc=counted#2\nd=counted#3\n"


def patch_section(keys: Keys, operation: Operation) -> list[TextEdit]:
    """Like ``patch_key``, but mappings are sections, behind all that is none."""
    assert isinstance(operation, Set)
    key, value = operation.path[-1], operation.value
    if isinstance(value, dict):
        return [TextEdit(len(keys.text), len(keys.text), f"[{key}]\n")]
    first = keys.text.find("[")
    at = len(keys.text) if first < 0 else first
    return [TextEdit(at, at, f"{key}={value}\n")]


@pytest.mark.parametrize("order", ["sms", "ssms", "smms", "smsms", "mssm"])
def test_keys_of_several_kinds_join_where_each_alone_would(order: str) -> None:
    operations = [Set((f"{each}{number}",), {} if each == "m" else 1) for number, each in enumerate(order)]
    together = apply_edits("", patched("", operations, Keys, patch_section))
    in_turn = ""
    for operation in operations:
        in_turn = apply_edits(in_turn, patched(in_turn, [operation], Keys, patch_section))
    assert together == in_turn


def test_a_key_that_joins_elsewhere_is_not_put_behind_the_last() -> None:
    result, _ = keys_after("a=1\n", Set(("b",), 2), Set(("a",), 3), Set(("c",), 4), Set(("b",), 5))
    assert result == "a=3\nb=5\nc=4\n"


def test_the_last_key_that_goes_is_known_to_be_the_last() -> None:
    result, _ = keys_after("a=1\nb=1\nc=1\nd=1\n", *(Delete((key,)) for key in "abcd"))
    assert result == "none\n"
    result, _ = keys_after("a=1\nb=1\nc=1\nd=1\n", *(Delete((key,)) for key in "dacb"))
    assert result == "none\n"


def test_integers_that_are_keys_do_not_move() -> None:
    text = "9=a\n7=b\n5=c\n3=d\n"
    result, _ = keys_after(text, *(Delete((key,)) for key in (9, 7, 5)), is_item=False)
    assert result == "3=d\n"
