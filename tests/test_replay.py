"""The replay: what both sides changed stays, and what cannot be reconciled is a conflict."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from untorn.changes import (
    ChangeSet,
    Delete,
    Insert,
    Move,
    Operation,
    Rename,
    Set,
    SetComment,
    applied,
    difference,
)
from untorn.errors import ConflictError
from untorn.keypath import MISSING, look_up
from untorn.replay import decided, replayed
from untorn.values import same_value

if TYPE_CHECKING:
    from untorn.replay import Side
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


def mappings() -> st.SearchStrategy[dict[str, Any]]:
    return st.dictionaries(st.sampled_from("abcd"), values(), max_size=4)


def merge(base: Value, ours: Value, theirs: Value, side: Side = "raise") -> Value:
    changes = ours if isinstance(ours, ChangeSet) else difference(base, ours)
    return applied(theirs, replayed(changes, base, theirs, decide=lambda _: side))


# ── Against a naive merge ───────────────────────────────────────────────────


def naive(base: Value, ours: Value, theirs: Value) -> Value:
    """Merge mappings by top-level key; ``None`` where both changed one differently."""
    result = {}
    for key in sorted({*base, *ours, *theirs}):
        sides = [side.get(key, ...) for side in (base, ours, theirs)]
        if same_or_both_gone(sides[0], sides[1]):
            chosen = sides[2]
        elif same_or_both_gone(sides[0], sides[2]) or same_or_both_gone(sides[1], sides[2]):
            chosen = sides[1]
        else:
            return None
        if chosen is not ...:
            result[key] = chosen
    return result


def same_or_both_gone(one: Value, other: Value) -> bool:
    if one is ... or other is ...:
        return one is other
    return same_value(one, other)


@given(mappings(), mappings(), mappings())
def test_a_replay_is_the_merge_or_a_conflict(base: Value, ours: Value, theirs: Value) -> None:
    wanted = naive(base, ours, theirs)
    try:
        found = merge(base, ours, theirs)
    except ConflictError as conflict:
        assert conflict.where is not None  # noqa: PT017  either outcome may be right
        assert wanted is None
        return
    if wanted is not None:
        assert same_value(found, wanted)


@given(mappings(), mappings(), mappings())
def test_who_prevails_has_what_he_changed(base: Value, ours: Value, theirs: Value) -> None:
    sides: list[tuple[Side, Value, Value]] = [("ours", ours, theirs), ("theirs", theirs, ours)]
    for side, winner, loser in sides:
        found = merge(base, ours, theirs, side)
        for key in {*base, *ours, *theirs}:
            before, wins, loses = (each.get(key, ...) for each in (base, winner, loser))
            if not any(isinstance(each, (dict, list)) for each in (before, wins, loses)):
                wanted = loses if same_or_both_gone(before, wins) else wins
                assert same_or_both_gone(found.get(key, ...), wanted)


@given(mappings(), mappings())
def test_changes_of_different_keys_never_conflict(base: Value, ours: Value) -> None:
    assert same_value(merge(base, ours, {**base, "elsewhere": 1}), {**ours, "elsewhere": 1})


@given(mappings(), mappings())
def test_the_replay_of_nothing_is_nothing_and_on_the_base_is_the_identity(base: Value, other: Value) -> None:
    assert not replayed(ChangeSet(), base, other)
    changes = difference(base, other)
    assert same_value(applied(base, replayed(changes, base, base)), other)


@given(mappings(), mappings(), mappings())
def test_the_order_of_disjoint_changes_does_not_matter(base: Value, one: Value, other: Value) -> None:
    assume(not any({*one} & {*other}))
    ours, theirs = {**base, **one}, {**base, **other}
    assert same_value(merge(base, ours, theirs), merge(base, theirs, ours))


UNIQUE = st.lists(st.integers(0, 9), unique=True, max_size=6)


@given(UNIQUE, st.data())
def test_lists_merge_by_content(base: list[int], data: st.DataObject) -> None:
    """Each side removes items and puts its own somewhere: what both kept stays, and all that is new."""

    def side(new: range) -> list[int]:
        kept = [each for each in base if data.draw(st.booleans())]
        for each in new:
            kept.insert(data.draw(st.integers(0, len(kept))), each)
        return kept

    ours, theirs = side(range(10, 13)), side(range(20, 23))
    # Between equal items, one that is gone and one that is new are one that was changed.
    changes = ChangeSet(
        tuple(Delete((at,)) for at in range(len(base) - 1, -1, -1) if base[at] not in ours)
        + tuple(Insert((ours.index(each),), each) for each in ours if each not in base)
    )
    assert applied(base, changes) == ours
    try:
        found = merge(base, changes, theirs)
    except ConflictError:
        assert any(each not in theirs for each in base)
        return
    assert sorted(found) == sorted(
        [each for each in base if each in ours and each in theirs] + list(range(10, 13)) + list(range(20, 23))
    )
    for one in (ours, theirs):
        assert [each for each in found if each in one] == [each for each in one if each in found]


@given(st.lists(values(), max_size=4), st.lists(SCALARS, max_size=3), st.lists(SCALARS, max_size=3))
def test_appends_of_both_sides_stay_theirs_first(base: Value, ours: Value, theirs: Value) -> None:
    found = merge(base, [*base, *ours], [*base, *theirs])
    assert same_value(found[: len(base) + len(theirs)], [*base, *theirs])
    rest = list(theirs)
    missing = []
    for each in ours:
        same = next((at for at, it in enumerate(rest) if same_value(it, each)), None)
        missing += [each] if same is None else []
        rest[:] = rest if same is None else rest[:same] + rest[same + 1 :]
    assert len(found) == len(base) + len(theirs) + len(missing)


# ── Whatever is asked ───────────────────────────────────────────────────────


def operation_on(value: Value, data: st.DataObject) -> Operation | None:
    """Draw an operation that can be made on ``value``, a mapping."""
    places = [path for path, _ in all_places(value)]
    path = data.draw(st.sampled_from(places))
    node = look_up(value, path)
    kind = data.draw(st.sampled_from(["set", "new", "delete", "insert", "rename", "move", "comment"]))
    siblings = look_up(value, path[:-1])
    if kind == "new" and isinstance(node, dict):
        return Set((*path, data.draw(st.sampled_from("vwxyz"))), data.draw(values()))
    if kind == "insert" and isinstance(node, list):
        return Insert((*path, data.draw(st.integers(0, len(node)))), data.draw(values()))
    if not path or kind == "set":
        return Set(path, data.draw(mappings() if not path else values()))
    if kind == "rename" and isinstance(siblings, dict):
        key = data.draw(st.sampled_from("vwxyz"))
        return None if key in siblings else Rename(path, key)
    if kind == "move":
        return Move(path, data.draw(st.integers(0, len(siblings) - 1)))
    return SetComment(path, "inline", "x") if kind == "comment" else Delete(path)


def all_places(value: Value, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Value]]:
    found = [(path, value)]
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in parts:
        found += all_places(item, (*path, key))
    return found


@given(mappings(), mappings(), st.sampled_from(["raise", "ours", "theirs"]), st.data())
def test_whatever_is_asked_is_made_or_a_conflict(
    base: Value, theirs: Value, side: Side, data: st.DataObject
) -> None:
    value: Value = base
    operations: list[Operation] = []
    for _ in range(data.draw(st.integers(1, 4))):
        operation = operation_on(value, data)
        if operation is not None:
            operations.append(operation)
            value = applied(value, [operation])
    assert same_value(merge(base, ChangeSet(tuple(operations)), base), value)
    try:
        merge(base, ChangeSet(tuple(operations)), theirs, side)
    except ConflictError:
        assert side == "raise"  # whoever prevails, nothing is left to be decided


# ── One by one ──────────────────────────────────────────────────────────────

BASE: dict[str, Any] = {
    "n": 1,
    "m": {"x": 1, "y": 1},
    "l": [{"name": "a", "p": 1}, {"name": "b", "p": 1}],
    "k": [1, 2],
}


def other(**changed: Any) -> Value:
    return {**BASE, **changed}


@pytest.mark.parametrize(
    ("ours", "theirs", "where"),
    [
        (Set(("n",), 2), other(n=3), ("n",)),
        (Set(("n",), 2), {"m": BASE["m"]}, ("n",)),
        (Delete(("m",)), other(m={"x": 2, "y": 1}), ("m",)),
        (Set(("m", "x"), 5), {"n": 1}, ("m",)),
        (Set(("m", "x"), 5), other(m=7), ("m",)),
        (Set(("m", "z"), 5), other(m={**BASE["m"], "z": 6}), ("m", "z")),
        (Set((), {}), other(n=3), ()),
        (Rename(("m",), "q"), other(m={"x": 2, "y": 1}), ("m",)),
        (Rename(("m",), "q"), {"n": 1}, ("m",)),
        (Rename(("m",), "q"), other(q=1), ("q",)),
        (Move(("m",), 0), other(m={"x": 2, "y": 1}), ("m",)),
        (SetComment(("n",), "inline", "x"), {"m": 1}, ("n",)),
        (Set(("l", 0, "p"), 2), other(l=[{"name": "b", "p": 1}]), ("l", 0)),
        (Set(("l", 0, "p"), 2), other(l=[{"name": "c", "p": 1}]), ("l", 0, "p")),
        (Delete(("l", 0)), other(l=[{"name": "a", "p": 3}]), ("l", 0)),
        (Set(("k", 0), 9), other(k=[7, 2]), ("k", 0)),
        (Insert(("k", 2), 1), other(k=[2]), ("k", 2)),
        (Insert(("k", 2), 3), other(k={}), ("k",)),
    ],
)
def test_what_both_sides_touched_is_a_conflict(
    ours: Operation, theirs: Value, where: tuple[Any, ...]
) -> None:
    with pytest.raises(ConflictError) as caught:
        merge(BASE, ChangeSet((ours,)), theirs)
    assert caught.value.where == where


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        (Set(("n",), 2), other(n=3), other(n=2)),
        (Set(("m", "x"), 5), {"n": 1}, {"n": 1, "m": {"x": 5, "y": 1}}),
        (Set(("m", "x"), 5), other(m=7), other(m={"x": 5, "y": 1})),
        (Set(("m", "z"), 5), other(m={"z": 6}), other(m={"z": 5})),
        (Set((), {"a": 1}), other(n=3), {"a": 1}),
        (Set(("m", "x"), 5), [], {**BASE, "m": {"x": 5, "y": 1}}),
        (Delete(("m",)), {"m": 2}, {}),
        (Delete(("m", "x")), {"n": 1}, {"n": 1}),
        (Rename(("m",), "q"), {"m": {"x": 2}}, {"q": {"x": 2}}),
        (Rename(("m",), "q"), {"n": 1}, {"n": 1, "q": {"x": 1, "y": 1}}),
        (Rename(("m",), "q"), {"m": BASE["m"], "q": 1}, {"q": {"x": 1, "y": 1}}),
        (Move(("m",), 0), {"n": 1, "m": {"x": 2}}, {"m": {"x": 2}, "n": 1}),
        (Move(("m",), 0), {"n": 1}, {"n": 1, "m": {"x": 1, "y": 1}}),
        (SetComment(("n",), "inline", "x"), {"m": 1}, {"m": 1, "n": 1}),
        (Set(("k", 1), 9), {"k": [1]}, {"k": [1, 9]}),
        (Set(("k", 0), 9), {"k": [7, 2]}, {"k": [9, 2]}),
        (Set(("l", 0, "p"), 2), {"l": [BASE["l"][1]]}, {"l": [{"name": "a", "p": 2}, BASE["l"][1]]}),
        (Insert(("k", 2), 1), {"k": [2]}, {"k": [2, 1]}),
    ],
)
def test_ours_prevails_and_the_rest_is_theirs(ours: Operation, theirs: Value, wanted: Value) -> None:
    found = merge(BASE, ChangeSet((ours,)), theirs, "ours")
    assert same_value(found, wanted)
    assert same_value(merge(BASE, ChangeSet((ours,)), theirs, "theirs"), theirs)


@pytest.mark.parametrize(
    ("ours", "theirs", "wanted"),
    [
        # Items are told by what they are, wherever they stand by now.
        (Set(("l", 1, "p"), 2), {"l": [{"name": "z"}, *BASE["l"]]}, ("l", 2, "p")),
        (Set(("l", 1, "p"), 2), {"l": [{"name": "b", "p": 1, "q": 5}]}, ("l", 0, "p")),
        (Delete(("l", 0)), {"l": [{"name": "z"}, *BASE["l"]]}, ("l", 1)),
        (Insert(("k", 1), 5), {"k": [0, 1, 7, 2]}, ("k", 3)),
        (Insert(("k", 0), 5), {"k": [0, 1, 2]}, ("k", 1)),
        (Move(("k", 1), 0), {"k": [0, 1, 2]}, ("k", 2)),
        (SetComment(("k", 1), "inline", "x"), {"k": [0, 1, 2]}, ("k", 2)),
        (Set(("new", "a"), 1), {"new": {"b": 2}}, ("new", "a")),
    ],
)
def test_an_operation_is_made_where_its_place_is_by_now(
    ours: Operation, theirs: Value, wanted: tuple[Any, ...]
) -> None:
    [operation] = replayed(ChangeSet((ours,)), BASE, {**BASE, **theirs})
    assert operation.path == wanted


@pytest.mark.parametrize(
    "ours", [Set(("n",), 2), Delete(("m",)), Insert(("k", 2), 3), Delete(("k", 0)), Set(("new",), 1)]
)
def test_equal_changes_count_once_unless_they_are_steps(ours: Operation) -> None:
    theirs = applied(BASE, [ours])
    assert not replayed(ChangeSet((ours,)), BASE, theirs)
    with pytest.raises(ConflictError):
        replayed(ChangeSet((ours,)), BASE, theirs, equal_counts=False)


def test_our_own_changes_are_no_conflict_with_each_other() -> None:
    theirs = other(n=1, extra=True)
    ours: list[Operation] = [
        Set(("new",), {"a": 1}),
        Set(("new", "a"), 2),
        Rename(("new",), "newer"),
        Delete(("newer", "a")),
        Insert(("k", 2), {"x": 1}),
        Set(("k", 2, "x"), 2),
        Move(("k", 2), 0),
    ]
    found = merge(BASE, ChangeSet(tuple(ours)), theirs)
    assert same_value(found, other(extra=True, newer={}, k=[{"x": 2}, 1, 2]))


def test_one_quarrel_is_told_once_and_all_others_too() -> None:
    ours = ChangeSet((Set(("m", "x"), 5), Set(("m", "y"), 6), Set(("n",), 2)))
    with pytest.raises(ConflictError) as caught:
        merge(BASE, ours, {"n": 3})
    assert [each.where for each in (caught.value, *caught.value.others)] == [("m",), ("n",)]


def test_keys_that_are_equal_but_not_the_same_are_a_conflict() -> None:
    with pytest.raises(ConflictError, match="spell it differently"):
        merge({}, {1: "a"}, {True: "a"})


def test_a_conflict_names_what_is_not_there() -> None:
    with pytest.raises(ConflictError) as caught:
        merge(BASE, ChangeSet((Delete(("m",)),)), other(m=5))
    assert (caught.value.base, caught.value.ours, caught.value.theirs) == (BASE["m"], MISSING, 5)
    assert "ours    (nothing)" in str(caught.value)


def test_a_long_value_is_cut_where_it_is_told() -> None:
    with pytest.raises(ConflictError) as caught:
        merge(BASE, other(n="x" * 500), other(n="y" * 500))
    assert max(map(len, str(caught.value).splitlines())) < 120


@pytest.mark.parametrize(
    ("old", "new", "made"),
    [("a", "a", True), ("a", "x", False), ("x", "x", False), ("x", None, None), (None, "b", None)],
)
def test_a_comment_is_set_unless_they_changed_it(old: str | None, new: str | None, made: bool | None) -> None:
    ours = ChangeSet((SetComment(("n",), "inline", "x"),))

    def comments(was: tuple[Any, ...], now: tuple[Any, ...], place: str) -> tuple[str | None, str | None]:
        assert (was, now, place) == (("n",), ("n",), "inline")
        return old, new

    if made is None:
        with pytest.raises(ConflictError, match="comment") as caught:
            replayed(ours, BASE, other(k=[]), comments=comments)
        assert (caught.value.base, caught.value.ours, caught.value.theirs) == (old, "x", new)
    else:
        assert bool(replayed(ours, BASE, other(k=[]), comments=comments)) == made


def test_a_policy_is_one_of_three_words_or_says_one() -> None:
    conflict = ConflictError("x")
    assert decided("ours", conflict) == "ours"
    assert decided(lambda _: "theirs", conflict) == "theirs"
    with pytest.raises(ValueError, match="mine"):
        decided(lambda _: "mine", conflict)  # type: ignore[arg-type,return-value]
