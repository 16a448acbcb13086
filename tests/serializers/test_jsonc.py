"""The JSONC serializer: comments and trailing commas, read and kept (EDITING E1 to E5)."""

from __future__ import annotations

import json
from collections import Counter
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untorn.changes import Delete, Insert, Operation, Rename, Set, applied
from untorn.edits import apply_edits
from untorn.errors import EmptyFileError, LimitError, ParseError
from untorn.records import Located
from untorn.serializer import PatchingSerializer
from untorn.serializers.json import serializer as strict
from untorn.serializers.jsonc import serializer
from untorn.text import in_newlines_of
from untorn.values import same_value

if TYPE_CHECKING:
    from untorn.values import Value


# ── Another reader: character by character, sharing nothing with the serializer ──


def tokens(text: str) -> list[str]:
    """Return strings, words, punctuation and comments, in order, without blanks."""
    found: list[str] = []
    at = 0
    while at < len(text):
        start = at
        if text[at] in " \t\r\n":
            at += 1
            continue
        if text[at] == '"':
            at += 1
            while text[at] != '"':
                at += 2 if text[at] == "\\" else 1
            at += 1
        elif text[at : at + 2] == "//":
            while at < len(text) and text[at] not in "\r\n":
                at += 1
        elif text[at : at + 2] == "/*":
            at = text.index("*/", at + 2) + 2
        elif text[at] in "{}[],:":
            at += 1
        else:
            while at < len(text) and text[at] not in ' \t\r\n"/{}[],:':
                at += 1
        found.append(text[start:at])
    return found


def is_comment(token: str) -> bool:
    return token[:2] in ("//", "/*")


def comments(text: str) -> list[str]:
    return [token for token in tokens(text) if is_comment(token)]


def content(text: str) -> list[str]:
    """Return the tokens that are neither comments nor commas."""
    return [token for token in tokens(text) if not is_comment(token) and token != ","]


def value_of(text: str) -> Value:
    kept: list[str] = []
    for token in tokens(text):
        if is_comment(token):
            continue
        if token in ("]", "}") and kept[-1] == ",":
            kept.pop()
        kept.append(token)
    return json.loads(" ".join(kept))


def edited(text: str, *operations: Operation) -> str:
    """Return ``text`` after ``operations``; another reader finds what was asked for."""
    result = apply_edits(text, in_newlines_of(text, serializer.patch(text, operations)))
    assert same_value(value_of(result), applied(value_of(text), operations)), result
    return result


# ── Reading ───────────────────────────────────────────────────────────────────


def test_it_is_a_serializer_of_its_own() -> None:
    assert isinstance(serializer, PatchingSerializer)
    assert serializer.name == "jsonc"
    assert not set(serializer.suffixes) & set(strict.suffixes)
    assert "tsconfig*.json" in serializer.filenames


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("[1, 2]", [1, 2]),
        ("[1, 2,]", [1, 2]),
        ("[1, /* two */ 2 // end\n]", [1, 2]),
        ('{"a": "// no /* comment */ ,]", /**/}', {"a": "// no /* comment */ ,]"}),
        ('// head\n{/* , */ "a": 1 /* ,} */ , // }\n}', {"a": 1}),
        ('{"a\\"//": [[], {},],}', {'a"//': [[], {}]}),
        ("/***/1//", 1),
        ("[1 // one\r, 2]", [1, 2]),
        ('{"a": /* x\n y */ 1}', {"a": 1}),
    ],
)
def test_comments_and_trailing_commas_are_read_over(text: str, value: Value) -> None:
    assert serializer.parse(text) == value


@pytest.mark.parametrize(
    "text",
    [
        *("[,]", "{,}", "[1,,]", '{"a":,}', "[,,]", "/ 1", "[1] /* open", "[1 # one\n]", "['a']"),
        # No comment begins in a string that does not end on its line, and closes it.
        *('["/*\n*/"]', '[//\n"a /*\r\n*/ b"]', '{"a": "\\"/*\n*/": 1}'),
    ],
)
def test_nothing_else_is(text: str) -> None:
    with pytest.raises(ParseError):
        serializer.parse(text)


def test_errors_have_the_offsets_of_the_text_with_its_comments() -> None:
    text = '// {"\n{"a": 1, /* "b" */ "a": 2,}'
    with pytest.raises(
        ParseError, match="duplicate key 'a': it stands at line 2, column 2 already"
    ) as caught:
        serializer.parse(text)
    assert caught.value.offset == text.rindex('"a"')
    text = "[1, // one\n x]"
    with pytest.raises(ParseError) as caught:
        serializer.parse(text)
    assert caught.value.offset == text.index("x")


@pytest.mark.parametrize("text", ["", "\n", "// only\n", "/* a */ // b"])
def test_comments_alone_are_no_value(text: str) -> None:
    with pytest.raises(EmptyFileError):
        serializer.parse(text)


def test_depth_is_limited_and_brackets_in_comments_do_not_count() -> None:
    with pytest.raises(LimitError):
        serializer.parse("// c\n" + "[" * 100_000)
    assert serializer.parse("/* " + "[" * 500 + '" */ [1,]') == [1]


# ── Whose comment is it? (E3) ─────────────────────────────────────────────────

SETTINGS = """\
// The heading of the file.
{
  // above first
  "first": 1, // inline first

  // ---- a section ----

  // Above second,
  // in two lines.
  "second": { // inside second
    "x": 1 // inline x
  }, // inline second
  // "off": true,
  // eslint-disable-next-line
  /* above third */
  "third": 3
  // the end
}
// behind it all
"""


def owned(text: str, *path: object) -> tuple[list[str], str | None]:
    found = serializer.locate(text, path)
    assert isinstance(found, Located)
    return [each.of(text) for each in found.above], found.inline.of(text) if found.inline else None


def test_the_block_above_and_the_comment_at_the_end_of_the_line_are_a_keys_own() -> None:
    assert owned(SETTINGS, "second") == (["// Above second,", "// in two lines."], "// inline second")
    assert owned(SETTINGS, "second", "x") == ([], "// inline x")


HEADED = '{\n  // The heading, or about a?\n  "a": 1, // one\n  "b": 2\n}\n'


def test_the_block_below_the_bracket_that_the_file_begins_with_is_nobodys() -> None:
    assert owned(HEADED, "a") == ([], "// one")
    assert owned("[\n  // head\n  1\n]", 0) == ([], None)


def test_the_first_key_of_an_object_further_below_owns_the_block_above_it() -> None:
    assert owned(SETTINGS, "first") == (["// above first"], "// inline first")


def test_directives_and_commented_out_settings_are_nobodys() -> None:
    assert owned(SETTINGS, "third") == (["/* above third */"], None)


@pytest.mark.parametrize(
    "comment",
    [
        '// "a": 1',
        '// "a": {',
        '//   "b": 1\n  // }',
        '// "item",',
        "// [1, 2],",
        '// {"a": 1}',
        '/* "a": 1, */',
        "// },",
    ],
)
def test_entries_that_are_commented_out_are_nobodys(comment: str) -> None:
    above, _ = owned(f'{{\n  "x": 0,\n  {comment}\n  "y": 1\n}}', "y")
    assert above == []


@pytest.mark.parametrize(
    "comment", ['// "quoted" words', "// [sic] no list", "// 42", "// see: there", '// {"a']
)
def test_prose_is_a_keys_own(comment: str) -> None:
    above, _ = owned(f'{{\n  "x": 0,\n  {comment}\n  "y": 1\n}}', "y")
    assert above == [comment]


def test_a_comment_behind_several_members_is_nobodys() -> None:
    assert owned("[1, 2, // both\n 3]", 1) == ([], None)
    assert owned('{ "a": 1, // a\n "b": 2 }', "a") == ([], "// a")


def test_a_comment_before_or_behind_the_comma_is_inline() -> None:
    assert owned("[\n 1 /* one */,\n 2, /* two */\n 3 /* a */, // b\n]", 0)[1] == "/* one */"
    assert owned("[\n 1 /* one */,\n 2, /* two */\n 3 /* a */, // b\n]", 1)[1] == "/* two */"
    assert owned("[\n 1 /* one */,\n 2, /* two */\n 3 /* a */, // b\n]", 2)[1] == "// b"


def test_a_key_goes_with_its_own_comments_and_no_others() -> None:
    assert (
        edited(SETTINGS, Delete(("second",)))
        == SETTINGS[: SETTINGS.index("  // Above")] + SETTINGS[SETTINGS.index('  // "off"') :]
    )
    gone = "  /* above third */\n" + '  "third": 3\n'
    assert edited(SETTINGS, Delete(("third",))) == SETTINGS.replace(gone, "").replace(
        "}, // inline second", "} // inline second"
    )


def test_the_first_key_leaves_the_heading() -> None:
    assert edited(HEADED, Delete(("a",))) == HEADED.replace('  "a": 1, // one\n', "")


def test_a_rename_keeps_every_comment() -> None:
    assert edited(SETTINGS, Rename(("second",), "2nd")) == SETTINGS.replace('"second":', '"2nd":')


# ── Setting and renaming ──────────────────────────────────────────────────────


def test_comments_between_key_colon_and_value_stay() -> None:
    text = '{"a" /* 1 */ : // 2\n /* 3 */ 1 /* 4 */ , /* 5 */ }'
    assert edited(text, Set(("a",), 2)) == text.replace(" 1 /* 4", " 2 /* 4")
    assert edited(text, Rename(("a",), "b")) == text.replace('"a"', '"b"')


def test_comments_around_the_whole_value_stay() -> None:
    assert edited("// a\n1 // b\n", Set((), 2)) == "// a\n2 // b\n"


def test_comments_in_what_stays_of_an_object_stay() -> None:
    text = '{\n  "a": {\n    // x\n    "x": 1, // one\n    // y\n    "y": 2 // two\n  }\n}'
    assert edited(text, Set(("a",), {"x": 3})) == '{\n  "a": {\n    // x\n    "x": 3 // one\n  }\n}'


# ── Adding ────────────────────────────────────────────────────────────────────


def test_a_comma_is_put_before_the_comment_at_the_end_of_the_line() -> None:
    assert edited('{\n  "a": 1 // one\n}', Set(("b",), 2)) == '{\n  "a": 1, // one\n  "b": 2\n}'
    assert edited("[1 // one\n]", Insert((1,), 2)) == "[1, // one\n  2\n]"


def test_a_new_item_is_not_put_behind_the_comment_of_a_row() -> None:
    assert edited("[\n 1, 2 // two\n]", Insert((2,), 3)) == "[\n 1, 2, // two\n 3\n]"
    assert edited("[0, // zero\n 1, 2]", Insert((1,), 3)) == "[0, // zero\n 3,\n 1, 2]"


def test_a_new_last_member_stands_before_the_comments_at_the_end() -> None:
    assert edited('{\n  "a": 1\n  // end\n}', Set(("b",), 2)) == '{\n  "a": 1,\n  "b": 2\n  // end\n}'
    assert edited("[1, 2 /* two */]", Insert((2,), 3)) == "[1, 2 /* two */, 3]"
    assert edited("[1, 2\n // end\n]", Insert((2,), 3)) == "[1, 2, 3\n // end\n]"


def test_a_trailing_comma_stays_trailing() -> None:
    assert edited('{\n  "a": 1, // one\n}', Set(("b",), 2)) == '{\n  "a": 1, // one\n  "b": 2,\n}'
    assert edited("[1, 2, ]", Insert((2,), 3)) == "[1, 2, 3, ]"
    assert edited("[1, 2,]", Insert((0,), 3)) == "[3, 1, 2,]"
    text = '{\n  "a": [\n    1,\n  ],\n}'
    assert edited(text, Set(("b",), {"c": 1})) == text[:-1] + '  "b": {\n    "c": 1,\n  },\n}'


def test_a_new_item_takes_nobodys_comments() -> None:
    text = "[\n  // above one\n  1, // one\n\n  // section\n\n  // above two\n  2\n]"
    lines = text.split("\n")
    assert edited(text, Insert((0,), 0)).split("\n") == [lines[0], "  0,", *lines[1:]]
    assert edited(text, Insert((1,), 0)).split("\n") == [*lines[:3], "  0,", *lines[3:]]
    assert edited(text, Insert((2,), 0)).split("\n") == [*lines[:-2], "  2,", "  0", "]"]


def test_a_new_first_item_stands_below_a_section_heading() -> None:
    text = "[ // head\n\n  // section\n\n  /* above\n     one */\n  1\n]"
    assert edited(text, Insert((0,), 0)) == text.replace("\n  /* above", "\n  0,\n  /* above")


def test_a_comment_that_goes_on_below_is_not_torn() -> None:
    text = "[\n  1, /* one\n  and more */\n  2\n]"
    assert edited(text, Insert((1,), 0)) == "[\n  1, /* one\n  and more */\n  0,\n  2\n]"
    text = "[\n  1 /* one\n  and more */ ]"
    assert comments(edited(text, Insert((1,), 0))) == comments(text)


@pytest.mark.parametrize(
    ("before", "after"),
    [
        ("{ /* c */ }", '{ /* c */ "a": 1 }'),
        ("{ // c\n}", '{ // c\n  "a": 1\n}'),
        ("{\n  // c\n}", '{\n  "a": 1\n  // c\n}'),
        ("{ /* c\n */ }", '{ /* c\n */\n  "a": 1\n}'),
        ("{\n\n  // c\n\n}", '{\n  "a": 1\n\n  // c\n\n}'),
        ("/* {} */ {} // {}", '/* {} */ {\n  "a": 1\n} // {}'),
    ],
)
def test_an_empty_object_keeps_the_comments_inside(before: str, after: str) -> None:
    assert edited(before, Set(("a",), 1)) == after


# ── Removing ──────────────────────────────────────────────────────────────────


def test_no_comma_dangles_and_none_is_lost_where_comments_stand_between() -> None:
    assert edited("[1, /* two */ 2]", Delete((1,))) == "[1 /* two */]"
    assert edited("[1 /* one */, 2]", Delete((0,))) == "[/* one */ 2]"
    assert edited("[1, 2 /* two */, 3]", Delete((1,))) == "[1, /* two */ 3]"
    assert edited("[1, // one\n 2]", Delete((1,))) == "[1 // one\n]"
    assert edited("[1 // one\n, 2]", Delete((1,))) == "[1 // one\n]"


def test_a_trailing_comma_stays_behind_the_new_last_member() -> None:
    assert edited("[1, 2,]", Delete((1,))) == "[1,]"
    assert edited("[1, 2, ]", Delete((0,))) == "[2, ]"
    assert edited("[1, ]", Delete((0,))) == "[]"
    assert edited("[\n  1, // one\n  2, // two\n]", Delete((1,))) == "[\n  1, // one\n]"


def test_the_only_member_leaves_the_comments_that_are_not_its_own() -> None:
    assert edited("[\n  // one\n  1 // uno\n]", Delete((0,))) == "[\n  // one\n]"
    assert edited('{"a": [\n  // one\n  1 // uno\n]}', Delete(("a", 0))) == '{"a": []}'
    assert edited("[ /* x */ 1 /* y */ ]", Delete((0,))) == "[ /* x */ /* y */ ]"


def test_what_stands_beside_a_member_that_shares_its_lines_stays() -> None:
    assert edited("[\n  /* a */ 1, /* b */\n  2\n]", Delete((0,))) == "[\n  /* a */\n  2\n]"
    assert edited("[\n  1, /* b */ 2\n]", Delete((0,))) == "[\n  /* b */ 2\n]"
    assert edited("[0,\n // own\n 1, 2]", Delete((1,))) == "[0,\n 2]"
    assert edited("[0,\n // own\n 1]", Delete((1,))) == "[0\n]"


# ── Any layout, any operation ─────────────────────────────────────────────────


@dataclass
class Writer:
    """Writes a value with blanks, line breaks and comments in every place where they may stand."""

    draw: st.DrawFn
    parts: list[str] = field(default_factory=list)
    number: int = 0

    def gap(self) -> None:
        for kind in self.draw(GAPS):
            self.number += 1
            self.parts.append(kind.replace("%", str(self.number)))

    def token(self, text: str) -> None:
        self.parts.append(text)
        self.gap()

    def value(self, value: Value) -> None:
        if isinstance(value, dict):
            self.members("{}", list(value.items()))
        elif isinstance(value, list):
            self.members("[]", [(None, item) for item in value])
        else:
            self.token(json.dumps(value, ensure_ascii=False))

    def members(self, brackets: str, members: list[tuple[str | None, Value]]) -> None:
        self.token(brackets[0])
        for number, (key, item) in enumerate(members, 1):
            if key is not None:
                self.token(json.dumps(key, ensure_ascii=False))
                self.token(":")
            self.value(item)
            if number < len(members) or self.draw(st.booleans()):
                self.token(",")
        self.token(brackets[1])


GAPS = st.lists(
    st.sampled_from(
        [
            "",
            "",
            " ",
            "\n",
            "\n  ",
            "\n    ",
            "\t",
            "/* %\n */",
            ' /*%, "it? */',
            " // % [ { why? //\n",
            "/* // % ] } : */ ",
            " /*%*/",
            " // %\n",
            "\n  // %\n  ",
            '// "%": 1\n',
        ]
    ),
    max_size=3,
)
KEYS = st.sampled_from(["a", "b", "c d", "//", "é"])
VALUES = st.recursive(
    st.sampled_from([None, True, 0, 1.5, "x", "/* no */", ", ]", 10**20]),
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(KEYS, inner, max_size=4),
    max_leaves=8,
)


@st.composite
def texts(draw: st.DrawFn) -> str:
    """A JSONC text in any layout, half of the time with CRLF."""
    writer = Writer(draw)
    writer.gap()
    writer.value(draw(VALUES))
    text = "".join(writer.parts)
    return text.replace("\n", "\r\n") if draw(st.booleans()) else text


def places(value: Value, path: tuple[Any, ...] = ()) -> list[tuple[tuple[Any, ...], Value]]:
    found = [(path, value)]
    if isinstance(value, dict):
        for key, item in value.items():
            found += places(item, (*path, key))
    elif isinstance(value, list):
        for index, item in enumerate(value):
            found += places(item, (*path, index))
    return found


@st.composite
def operations(draw: st.DrawFn, value: Value) -> Operation:
    """An operation that makes sense for ``value``."""
    path, old = draw(st.sampled_from(places(value)))
    possible: list[Operation] = [Set(path, draw(VALUES))]
    if path:
        possible.append(Delete(path))
        if isinstance(path[-1], str):
            possible.append(Rename(path, f"new {path[-1]}"))
    if isinstance(old, dict):
        possible.append(Set((*path, "new"), draw(VALUES)))
    if isinstance(old, list):
        possible.append(Insert((*path, draw(st.integers(0, len(old)))), draw(VALUES)))
    return draw(st.sampled_from(possible))


@given(texts())
def test_any_layout_is_read_as_another_reader_reads_it(text: str) -> None:
    assert same_value(serializer.parse(text), value_of(text))
    for path, value in places(value_of(text)):
        found = serializer.locate(text, path)
        assert found is not None
        assert same_value(value_of(found.value.of(text)), value)
        assert found.key is None or json.loads(found.key.of(text)) == path[-1]


@given(st.data(), texts())
def test_an_operation_in_any_layout_changes_nothing_else(data: st.DataObject, text: str) -> None:
    operation = data.draw(operations(value_of(text)))
    result = edited(text, operation)
    assert "\n" not in text.replace("\r\n", "") or "\n" in text.replace("\r\n", "")
    if "\r\n" in text:
        assert "\n" not in result.replace("\r\n", "")
    found = serializer.locate(text, operation.path)
    if isinstance(operation, Rename):
        assert found is not None
        assert found.key is not None
        assert (
            result
            == text[: found.key.start]
            + json.dumps(operation.key, ensure_ascii=False)
            + text[found.key.stop :]
        )
    elif isinstance(operation, Delete):
        assert found is not None
        check_deletion(text, result, found)
    elif isinstance(operation, Set) and found is not None:
        check_set(text, result, found)
    else:
        check_addition(text, result, operation.value)


def check_set(text: str, result: str, found: Located) -> None:
    before, after = text[: found.value.start], text[found.value.stop :]
    assert result.startswith(before)
    assert result.endswith(after)
    assert len(result) >= len(before) + len(after)


def check_addition(text: str, result: str, value: Value) -> None:
    assert comments(result) == comments(text)
    added = Counter(content(result)) - Counter(content(text))
    assert not Counter(content(text)) - Counter(content(result))
    expected = Counter(content(json.dumps(value, ensure_ascii=False)))
    assert added - expected in (Counter(), Counter({'"new"': 1, ":": 1}))


def check_deletion(text: str, result: str, found: Located) -> None:
    assert found.entry is not None
    entry = found.entry.of(text)
    assert content(result) == content(text[: found.entry.start]) + content(text[found.entry.stop :])
    gone = Counter(comments(text)) - Counter(comments(result))
    own = [comment for each in found.above for comment in comments(each.of(text))]
    if found.inline:
        # Also what stands between the value and the comma before that comment.
        own += comments(text[found.entry.stop : found.inline.stop])
    assert not gone - Counter(own) - Counter(comments(entry)), gone
    assert [token for token in comments(text) if token not in gone] == comments(result)
    assert not set(own) & set(comments(result))


@given(st.data(), texts())
def test_several_operations_leave_the_value_that_plain_data_would_have(
    data: st.DataObject, text: str
) -> None:
    value, made = value_of(text), []
    for _ in range(3):
        made.append(data.draw(operations(applied(value, made))))
    edited(text, *made)
