"""TOML in every layout: random documents, random operations, judged on plain data and on lines."""

from __future__ import annotations

import re
import tomllib
from typing import TYPE_CHECKING, Any

from hypothesis import assume, given, settings
from hypothesis import strategies as st

from untorn.changes import Delete, Insert, Operation, Rename, Set, applied
from untorn.edits import apply_edits
from untorn.errors import ImpreciseEditError
from untorn.serializers._toml.index import index_of
from untorn.serializers._toml.nodes import Leaf, path_of
from untorn.serializers._toml.search import scalar_at
from untorn.serializers.toml import serializer
from untorn.text import in_newlines_of
from untorn.values import same_value

if TYPE_CHECKING:
    from collections.abc import Iterator

# What a comment may end with, and mean nothing by.
ENDS = [" why?", " =", " x = 1", " [a]", " ]", " {", " }", " ,", " 'it", ' "', ' """', " #", " \\"]
KEYS = ["a", "b", "c", '"d e"', "'f.g'"]
SCALARS = [
    *["1", "0xFF", "1_000", "1.5", "-inf", "true", "'#x'", '"q\\"#"', '""', "1979-05-27 07:32:00Z"],
    *["1979-05-27", "07:32:00.5", '"""m\nl"""', "'''\nx\n'y''''", '"""\\\n   z"""'],
]
VALUES: list[Any] = [
    *["new", "it's", 7, True, 2.5, [1, 2], ["x"], [], {}, {"k": 1}, [{"m": 1}], "two\nlines\n"],
    {"p": [{"q": {"r": 1}}], "s": {"t": {}}},
]


@st.composite
def one_line_values(draw: st.DrawFn, depth: int = 0) -> str:
    """A value without comments or newlines between its tokens."""
    kind = draw(st.integers(0, 5 if depth < 2 else 3))
    if kind < 4:
        scalar = draw(st.sampled_from(SCALARS))
        return scalar if not depth or "\n" not in scalar else "1"
    values = draw(st.lists(one_line_values(depth=depth + 1), max_size=3))
    pad = draw(st.sampled_from(["", " "]))
    if kind == 4:
        return f"[{pad}{', '.join(values)}{draw(st.sampled_from(['', ','])) if values else ''}{pad}]"
    equals = draw(st.sampled_from([" = ", "="]))
    names = draw(st.permutations(["a", "b", "x.y", "x.z"]))
    members = [f"{name}{equals}{value}" for name, value in zip(names, values, strict=False)]
    return f"{{{pad}{', '.join(members)}{pad}}}"


@st.composite
def arrays_in_rows(draw: st.DrawFn, comments: Iterator[str]) -> str:
    """An array with newlines and comments wherever they may stand."""
    items = draw(st.lists(one_line_values(depth=1), max_size=4))
    gaps = st.sampled_from(["", " ", "\n", "\n  ", " #\n  ", "\n  #\n  ", " #\n\n  #\n  "])
    text = "[" + draw(gaps)
    for number, item in enumerate(items):
        comma = "," if number < len(items) - 1 else draw(st.sampled_from(["", ","]))
        text += item + draw(st.sampled_from(["", "", "\n", " #\n "])) + comma + draw(gaps)
    # The comments get names, so that each can be told apart; strings here have a "#" of their own.
    return re.sub(r"(?<=[\s\[,])#\n", lambda _: next(comments) + "\n", text) + "]"


@st.composite
def documents(draw: st.DrawFn) -> str:
    """A valid text: statements in any order, that of the file's regions included."""
    ends = draw(st.lists(st.sampled_from(["", *ENDS]), min_size=1, max_size=5))
    comments = iter(f"# note {number}{ends[number % len(ends)]}" for number in range(10_000))
    indents = st.sampled_from(["", "", "", "  "])
    separator = draw(st.sampled_from([" = ", "=", " =  "]))
    text = draw(st.sampled_from(["", "# licence\n\n", "#:schema x\n", "\n"]))
    indent = ""
    for _ in range(draw(st.integers(1, 10))):
        key = ".".join(draw(st.lists(st.sampled_from(KEYS), min_size=1, max_size=3)))
        kind = draw(st.sampled_from(["pair", "pair", "array", "table", "tables"]))
        before = draw(st.sampled_from(["", "", "\n", f"{next(comments)}\n", f"\n{next(comments)}\n\n"]))
        next_indent = draw(indents) if kind in {"table", "tables"} else indent
        if draw(st.booleans()):
            before += f"{next_indent}{next(comments)}\n"
        if kind == "pair":
            statement = key + separator + draw(one_line_values())
        elif kind == "array":
            statement = key + separator + draw(arrays_in_rows(comments))
        else:
            statement = f"[{key}]" if kind == "table" else f"[[{key}]]"
        inline = draw(st.sampled_from(["", f"  {next(comments)}"]))
        longer = f"{text}{before}{next_indent}{statement}{inline}\n"
        if is_valid(longer):
            text, indent = longer, next_indent
    text += draw(st.sampled_from(["", "", f"# x = 1\n\n{next(comments)}\n"]))
    if draw(st.integers(0, 4)) == 0:
        text = text.removesuffix("\n")
    return text.replace("\n", "\r\n") if draw(st.integers(0, 4)) == 0 else text


def is_valid(text: str) -> bool:
    """Whether the reference parser takes ``text``."""
    try:
        tomllib.loads(text)
    except ValueError:
        return False
    return True


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every key path of a value, with what is there."""
    yield path, value
    if isinstance(value, dict):
        for key, item in value.items():
            yield from places(item, (*path, key))
    elif isinstance(value, list):
        for number, item in enumerate(value):
            yield from places(item, (*path, number))


@st.composite
def operations_on(draw: st.DrawFn, value: Any) -> Operation:
    """An operation that makes sense for ``value``."""
    path, here = draw(st.sampled_from(list(places(value))))
    new = draw(st.sampled_from(VALUES))
    choices: list[Operation] = []
    if path:
        choices += [Set(path, new), Delete(path)]
        if isinstance(path[-1], str):
            choices.append(Rename(path, draw(st.sampled_from(["renamed", "re named"]))))
    if isinstance(here, dict):
        choices += [Set((*path, "zz"), new), Set((*path, "n n", "m"), new)]
    if isinstance(here, list):
        choices.append(Insert((*path, draw(st.integers(0, len(here)))), new))
    return draw(st.sampled_from(choices))


def patched(text: str, operations: list[Operation]) -> str:
    """The text after ``operations``; cases that only a new layout could express are left out."""
    try:
        edits = in_newlines_of(text, serializer.patch(text, operations))
    except ImpreciseEditError:
        assume(False)
    return apply_edits(text, edits)


@given(documents())
@settings(max_examples=50, deadline=None)
def test_every_value_span_alone_is_the_value(text: str) -> None:
    value = serializer.parse(text)
    index = index_of(text)
    for path, here in places(value):
        node = index.find(path)
        assert node is not None
        assert path_of(node) == path
        if isinstance(node, Leaf):
            assert same_value(tomllib.loads(f"x = {node.span.of(text)}")["x"], here)


@given(documents())
@settings(max_examples=40, deadline=None)
def test_every_key_path_is_located_at_text_that_spells_its_key(text: str) -> None:
    for path, _ in places(serializer.parse(text)):
        found = serializer.locate(text, path)
        assert found is not None
        if found.key and path:
            assert list(tomllib.loads(f"{found.key.of(text)} = 1")) == [path[-1]]
            assert found.entry is not None
            assert found.entry.start <= found.key.start < found.key.stop <= found.entry.stop


@given(st.data())
@settings(max_examples=120, deadline=None)
def test_an_operation_makes_the_value_that_plain_data_says(data: st.DataObject) -> None:
    text = data.draw(documents())
    value = tomllib.loads(text)
    operation = data.draw(operations_on(value))
    assume(not (isinstance(operation, Rename) and operation.key in parent_of(value, operation)))
    new = patched(text, [operation])
    assert same_value(tomllib.loads(new), applied(value, [operation]))
    assert new.count("\r\n") in {0, new.count("\n")}
    assert (not new or new.endswith("\n")) == (not new or text.endswith("\n")) or not text


def parent_of(value: Any, operation: Operation) -> Any:
    """What is around the operation's target."""
    for part in operation.path[:-1]:
        value = value[part]
    return value


@given(st.data())
@settings(max_examples=50, deadline=None)
def test_operations_in_a_row_each_see_what_the_ones_before_did(data: st.DataObject) -> None:
    text = data.draw(documents())
    value = tomllib.loads(text)
    operations: list[Operation] = []
    for _ in range(data.draw(st.integers(2, 4))):
        operation = data.draw(operations_on(value))
        if isinstance(operation, Rename) and operation.key in parent_of(value, operation):
            continue
        operations.append(operation)
        value = applied(value, [operation])
    assert same_value(tomllib.loads(patched(text, operations)), value)


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_a_scalar_that_is_set_changes_its_own_bytes_only(data: st.DataObject) -> None:
    text = data.draw(documents())
    scalars = [path for path, here in places(tomllib.loads(text)) if not isinstance(here, (dict, list))]
    assume(scalars)
    path = data.draw(st.sampled_from(scalars))
    # The reference for the place is the only spelling that tomllib reads differently when it is replaced.
    new = patched(text, [Set(path, "marker 7")])
    marker = re.search(r"""(['"]{1,3})(?:\r?\n)?marker 7\1""", new)
    assert marker
    head, tail = new[: marker.start()], new[marker.end() :]
    assert text.startswith(head)
    assert text.endswith(tail)
    old = text[len(head) : len(text) - len(tail)]
    assert not isinstance(tomllib.loads(f"x = {old}")["x"], (dict, list))


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_added_keeps_every_line_of_statements_and_every_comment(data: st.DataObject) -> None:
    text = data.draw(documents())
    mappings = [path for path, here in places(tomllib.loads(text)) if isinstance(here, dict)]
    path = data.draw(st.sampled_from(mappings))
    index = index_of(text)
    assume(not any(isinstance(index.find(path[:length]), Leaf) for length in range(len(path) + 1)))
    new = patched(text, [Set((*path, "zz"), data.draw(st.sampled_from(VALUES)))])
    lines = iter(new.splitlines())
    assert all(line in lines for line in text.splitlines()), new


@given(st.data())
@settings(max_examples=60, deadline=None)
def test_what_is_deleted_takes_no_statement_and_no_comment_of_others(data: st.DataObject) -> None:
    """The lines that go are those of statements below the path, between them, or directly above them."""
    text = data.draw(documents())
    keys = [path for path, _ in places(tomllib.loads(text)) if path and isinstance(path[-1], str)]
    assume(keys)
    path = data.draw(st.sampled_from(keys))
    index = index_of(text)
    assume(not any(isinstance(index.find(path[:length]), Leaf) for length in range(len(path))))
    new = patched(text, [Delete(path)])
    kept = set(re.findall(r"# note \d+", new))
    for other, _ in places(tomllib.loads(text)):
        if other[: len(path)] == path or path[: len(other)] == other:
            continue
        found = serializer.locate(text, other)
        assert found is not None
        own = [*found.above, *([found.inline] if found.inline else [])]
        names = (re.match(r"# note \d+", each.of(text)) for each in own)
        assert {name[0] for name in names if name} <= kept


@given(st.dictionaries(st.text(max_size=4), st.sampled_from(VALUES), max_size=6), st.text(max_size=20))
@settings(max_examples=50, deadline=None)
def test_what_is_rendered_reads_back(value: dict[str, Any], text: str) -> None:
    value = {**value, "text": text, "lines": f"{text}\n{text}", "nested": {text: [text, {text: {}}]}}
    assert same_value(tomllib.loads(serializer.render(value)), value)


@given(st.sampled_from(SCALARS), st.text(max_size=12))
@settings(max_examples=60, deadline=None)
def test_every_string_reads_back_in_place_of_every_scalar(old: str, new: str) -> None:
    assert tomllib.loads(patched(f"a = {old} # c\n", [Set(("a",), new)])) == {"a": new}


@given(st.sampled_from(SCALARS), st.datetimes(timezones=st.none() | st.timezones()))
@settings(max_examples=40, deadline=None)
def test_every_datetime_reads_back_in_place_of_every_scalar(old: str, new: Any) -> None:
    assume(new.tzinfo is None or new.utcoffset().total_seconds() % 60 == 0)
    assert same_value(tomllib.loads(patched(f"a = {old}\n", [Set(("a",), new)])), {"a": new})


@given(documents())
@settings(max_examples=100, deadline=None)
def test_a_search_finds_what_the_index_finds_or_nothing(text: str) -> None:
    index = index_of(text)
    for path, _ in places(tomllib.loads(text)):
        span = scalar_at(text, path)
        assert span is None or span == getattr(index.find(path), "span", None), path
