"""The JSON serializer: strict to read, and edits that keep every other byte (EDITING E1, E2, E4, E5)."""

from __future__ import annotations

import json
import math
import re
import subprocess
import sys
import threading
from collections import Counter
from collections.abc import Mapping
from typing import TYPE_CHECKING

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untorn.changes import Delete, Insert, Operation, Rename, Set, applied
from untorn.edits import apply_edits
from untorn.errors import EmptyFileError, LimitError, ParseError, UnrepresentableError
from untorn.serializer import PatchingSerializer
from untorn.serializers._json.complaints import _repeated_keys
from untorn.serializers._json.outline import Outline
from untorn.serializers.json import serializer
from untorn.text import in_newlines_of
from untorn.values import same_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from untorn.values import Value


def edited(text: str, *operations: Operation) -> str:
    """Return ``text`` after ``operations``, which ``json`` must read as what was asked for."""
    result = apply_edits(text, in_newlines_of(text, serializer.patch(text, operations)))
    assert same_value(json.loads(result), applied(json.loads(text), operations)), result
    return result


def refusal(text: str) -> ParseError:
    with pytest.raises(ParseError) as caught:
        serializer.parse(text)
    return caught.value


def test_it_is_a_serializer_that_edits() -> None:
    assert isinstance(serializer, PatchingSerializer)
    assert serializer.name == "json"
    assert ".json" in serializer.suffixes
    assert "utf-16-le" in serializer.encodings


# ── Reading ───────────────────────────────────────────────────────────────────

JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner),
    max_leaves=20,
)
FINITE = JSON.filter(lambda value: "Infinity" not in json.dumps(value))


@given(FINITE, st.sampled_from([None, 1, "\t"]), st.booleans())
def test_what_json_writes_is_read_as_it_was_meant(
    value: Value, indent: int | str | None, escaped: bool
) -> None:
    text = json.dumps(value, indent=indent, ensure_ascii=escaped)
    assert same_value(serializer.parse(text), value)


@pytest.mark.parametrize("text", ["", " ", "\n\t\r\n"])
def test_an_empty_text_has_no_value(text: str) -> None:
    with pytest.raises(EmptyFileError, match="empty"):
        serializer.parse(text)


def test_a_duplicate_key_is_an_error_with_both_positions() -> None:
    text = '{\n  "a": 1,\n  "b": {"a": ":", "b": 2},\n  "\\u0061": 3\n}'
    error = refusal(text)
    assert error.reason == "duplicate key 'a': it stands at line 2, column 3 already"
    assert error.offset == text.index('"\\u0061"')


def test_every_key_that_stands_twice_is_found() -> None:
    text = '{"a": [{"a": 1, "b": 2, "b": 3}], "b": {}, "\\u0061": 4}'
    assert [key for key, _, _ in _repeated_keys(text)] == ["b", "a"]


@pytest.mark.parametrize(
    "text",
    [
        '{"a": 1, "a": 1}',
        '[{"x": {"a" : 1, "b": 2, "a"\n:1}}]',
        '{"a:": 1, "a:": 2}',
        '{"\\"a\\\\": [1, "x\\":"], "\\"a\\\\": 2}',
        '{"": 1, "": 2}',
        json.dumps([[]] * 300 + [{"b": 1}])[:-1] + ', {"b": 1, "b": 2}]',
    ],
)
def test_no_duplicate_key_goes_unnoticed(text: str) -> None:
    assert "duplicate key" in refusal(text).reason


@given(st.dictionaries(st.text('":\\[]{} ,a\n'), st.text('":\\[]{} ,a\n') | st.integers()))
def test_colons_and_brackets_in_strings_are_no_keys(value: dict[str, Value]) -> None:
    many = [[[value]]] * 150  # more brackets than the depth allows
    assert serializer.parse(json.dumps(many)) == many


@pytest.mark.parametrize("name", ["NaN", "Infinity", "-Infinity"])
def test_numbers_that_json_lacks_are_named(name: str) -> None:
    text = f'{{"NaN -Infinity Infinity": [1,\n {name}]}}'
    error = refusal(text)
    assert error.reason == f"JSON has no {name}"
    assert error.offset == text.index(name, text.index("\n"))


def test_a_number_too_large_for_a_float_is_read_and_stays_as_it_is_spelled() -> None:
    text = '{"big": 1e400, "n": 1}'
    assert serializer.parse(text)["big"] == math.inf
    assert edited(text, Set(("n",), 2)) == '{"big": 1e400, "n": 2}'


def test_a_number_with_too_many_digits_is_a_limit() -> None:
    with pytest.raises(LimitError, match="the number on line 2 has 5000 digits"):
        serializer.parse("[1,\n" + "7" * 5000 + "]")


def test_forty_digits_are_read_exactly() -> None:
    number = 10**40 + 7
    assert serializer.parse(str(number)) == number


@pytest.mark.parametrize("text", ["[" * 100_000, '{"a":' * 100_000, "[" * 201 + "]" * 201, '[{"a":' * 101])
def test_what_nests_too_deep_is_a_limit(text: str) -> None:
    with pytest.raises(LimitError, match="deeper than 200"):
        serializer.parse(text)


@pytest.mark.parametrize("opener", ["[", '{"a":'])
def test_two_hundred_levels_are_read(opener: str) -> None:
    closer = "]" if opener == "[" else "}"
    value = serializer.parse(opener * 200 + ("1" if opener != "[" else "") + closer * 200)
    for _ in range(199):
        value = value[0] if opener == "[" else value["a"]
    assert value in ([], {"a": 1})


def test_many_brackets_side_by_side_are_not_deep() -> None:
    value = [[[]], {"a": [[{"b": "]]]]"}]]}] * 200
    assert serializer.parse(json.dumps(value)) == value


def test_a_stack_that_is_almost_full_is_a_limit_and_no_recursion_error() -> None:
    text = "[" * 190 + "]" * 190
    outcomes: list[object] = []

    def deeper(levels: int) -> None:
        if levels:
            deeper(levels - 1)
            return
        try:
            outcomes.append(serializer.parse(text))
        except LimitError as error:
            outcomes.append(error)

    def run() -> None:
        for levels in range(sys.getrecursionlimit() - 160, 500, -20):
            try:
                deeper(levels)
            except RecursionError:
                continue  # there was no room for the call itself

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    assert outcomes
    assert all(isinstance(each, (list, LimitError)) for each in outcomes)


def test_half_a_character_is_read_and_stays_as_it_is_spelled() -> None:
    text = '{"half": "\\uD83D", "n": 1}'
    assert serializer.parse(text)["half"] == "\ud83d"
    assert edited(text, Set(("n",), 2)) == '{"half": "\\uD83D", "n": 2}'


@pytest.mark.parametrize(
    ("text", "reason", "at"),
    [
        ("[1, 2,]", "trailing comma before ']'", ",]"),
        ('{"a": 1 ,\n}', "trailing comma before '}'", ",\n"),
        ("[1 // one\n]", "JSON has no comments", "//"),
        ("/* c */ [1]", "JSON has no comments", "/*"),
    ],
)
def test_what_only_jsonc_accepts_is_an_error_there_and_names_jsonc(text: str, reason: str, at: str) -> None:
    error = refusal(text)
    assert error.reason == reason
    assert error.offset == text.index(at)
    assert 'format="jsonc"' in error.hint


@pytest.mark.parametrize(
    ("text", "reason", "at"),
    [
        ("{a: 1}", 'keys are written with double quotes: "a"', "a"),
        ("{'a': 1}", "strings are written with double quotes", "'a"),
        ("['a']", "strings are written with double quotes", "'a"),
        ("{[}", "expected a key in double quotes, found '['", "["),
        ("[1 2]", "expected ',' or ']' after the value, found '2'", "2"),
        ('[{"a": [1], "b}": 1 "c": 2}]', "expected ',' or '}' after the value, found '\"'", '"c'),
        ('{"a" 1}', "expected ':' after the key, found '1'", "1"),
        ("[True]", "'True' is not JSON: write true", "True"),
        ("[None]", "'None' is not JSON: write null", "None"),
        ("[+1]", "'+1' is not how JSON writes a number", "+1"),
        ("[.5]", "'.5' is not how JSON writes a number", ".5"),
        ("[01]", "expected ',' or ']' after the value, found '1'", "1"),
        ("[-]", "'-' is not how JSON writes a number", "-"),
        ("[yes]", "expected a value, found 'yes'", "yes"),
        ("[,]", "expected a value, found ','", ","),
        ("[1,,]", "expected a value, found ','", ",]"),
        ("{,}", "expected a key in double quotes, found ','", ","),
        ("]", "expected a value, found ']'", "]"),
        ("{} {}", "the value has ended, but '{' follows", " {"),
        ("# no", "expected a value, found '#'", "#"),
        ("[/ 1]", "expected a value, found '/'", "/"),
        ("[1 /* c", "the comment that begins here is not closed", "/*"),
        ('["x', "the string that begins here is not closed", '"x'),
        ('["x\ny"]', "a line ends inside a string", "\n"),
        ('["x\ty"]', "a control character stands in a string: write it as \\t", "\t"),
        (r'["\q"]', "\\q is no escape", "\\"),
        (r'["\u12"]', "\\u needs four hexadecimal digits", "\\"),
        (r'["\u12', "\\u needs four hexadecimal digits", "\\"),
        ("\ufeff[]", "expected a value, found '\\ufeff'", "\ufeff"),
    ],
)
def test_each_mistake_has_its_reason_and_its_place(text: str, reason: str, at: str) -> None:
    error = refusal(text)
    assert error.reason == reason
    assert error.offset == text.index(at) + (len(at) - len(at.lstrip(" ")))


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ('{\n "a": [', "the text ends, but the array that begins on line 2 is not closed"),
        ('{"a": [1],', "the text ends, but the object that begins on line 1 is not closed"),
        ('["]"', "the text ends, but the array that begins on line 1 is not closed"),
    ],
)
def test_a_text_that_stops_too_early_says_what_is_open(text: str, reason: str) -> None:
    error = refusal(text)
    assert (error.reason, error.offset) == (reason, len(text))


@given(st.text('[]{}",:\\/*\n 1aN-', max_size=30))
def test_any_text_is_read_as_json_reads_it_or_refused(text: str) -> None:
    try:
        expected = json.loads(text)
    except ValueError:
        with pytest.raises(ParseError):
            serializer.parse(text)
        return
    twice = [key for key, count in Counter(re.findall(r'("[^"]*")[ \n]*:', text)).items() if count > 1]
    if "NaN" in text or twice:
        return  # seen elsewhere
    assert same_value(serializer.parse(text), expected)


def test_loading_imports_no_editing() -> None:
    code = (
        "import sys\nfrom untorn.serializers.json import serializer\n"
        "assert serializer.parse('{\"a\": [1]}') == {'a': [1]}\n"
        "print(sorted(name for name in sys.modules if '_json.' in name or name.endswith('jsonc')))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "['untorn.serializers._json.reading']"


# ── Writing ───────────────────────────────────────────────────────────────────


@given(FINITE)
def test_a_new_text_looks_like_that_of_json_and_reads_back(value: Value) -> None:
    text = serializer.render(value)
    assert same_value(json.loads(text), value)
    assert text == json.dumps(value, indent=2, ensure_ascii=False) + "\n"


def test_a_new_text_takes_any_mapping_and_tuples() -> None:
    class Box(Mapping[str, int]):
        def __getitem__(self, key: str) -> int:
            return {"a": 1}[key]

        def __iter__(self) -> Iterator[str]:
            return iter(["a"])

        def __len__(self) -> int:
            return 1

    assert serializer.render((Box(), ())) == '[\n  {\n    "a": 1\n  },\n  []\n]\n'


def test_half_a_character_is_written_as_an_escape() -> None:
    text = serializer.render(["\ud83d x", "ü", "\udc00\ud800"])
    assert text == '[\n  "\\ud83d x",\n  "ü",\n  "\\udc00\\ud800"\n]\n'
    assert serializer.parse(text) == ["\ud83d x", "ü", "\udc00\ud800"]


@pytest.mark.parametrize(
    ("value", "where"),
    [
        ({"a": [math.nan]}, ("a", 0)),
        ({"a": math.inf}, ("a",)),
        ({1: 2}, ()),
        ({"a": {None: 1}}, ("a",)),
        ([b"x"], (0,)),
        ([{1, 2}], (0,)),
        (["\ud83d\ude00"], (0,)),
    ],
)
def test_what_json_cannot_hold_is_refused_with_its_key_path(value: Value, where: tuple[object, ...]) -> None:
    with pytest.raises(UnrepresentableError) as rendering:
        serializer.render(value)
    assert rendering.value.where == where
    with pytest.raises(UnrepresentableError) as setting:
        serializer.patch('{"x": 1}', [Set(("y",), value)])
    assert setting.value.where == ("y", *where)
    with pytest.raises(UnrepresentableError):
        serializer.patch('{"x": 1}', [Set(("x",), value)])
    with pytest.raises(UnrepresentableError):
        serializer.patch("[1]", [Insert((1,), value)])


def test_a_key_that_json_cannot_hold_is_refused() -> None:
    with pytest.raises(UnrepresentableError, match="string keys only"):
        serializer.patch('{"x": 1}', [Rename(("x",), 1)])
    with pytest.raises(UnrepresentableError, match="string keys only"):
        serializer.patch('{"x": 1}', [Set((1, "y"), 1)])


# ── Setting ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("value", [0, -1.5, 1e22, True, None, "x", "no", 10**40, "ü", "a\nb"])
def test_a_scalar_changes_only_its_own_bytes(value: Value) -> None:
    before, after = '{"a" :\t[1,  { "b" :', "  } ]\r\n}\r\n"
    result = edited(f'{before}"old"{after}', Set(("a", 1, "b"), value))
    assert (result[: len(before)], result[-len(after) :]) == (before, after)
    assert same_value(json.loads(result)["a"][1]["b"], value)


@pytest.mark.parametrize(
    ("text", "path", "spelled"),
    [
        ('{"a": {"k": 1}, "k": 2}', ("k",), "2"),  # below another key first
        ('{"a": [{"k": 1}, {"k": 2}], "b": {"k": 3}}', ("b", "k"), "3"),
        ('{"a": [{"k": 1}, {"k": 2}]}', ("a", 1, "k"), "2"),
        ('{"a": {"k": 1}}', ("k",), None),  # only somewhere else
        ('{"a": {"b": 1}, "c": {"k": 2}}', ("a", "k"), None),  # only in the object behind
        ('{"x": "k", "k": 2}', ("k",), "2"),  # as a string first
        (r'{"say \"k": 1, "k": 2}', ("k",), "2"),  # as the end of another key
        (r'{"\u006b": 1, "a": {"k": 2}}', ("k",), "1"),  # spelled in another way
        (r'{"x": "{", "y": "\\", "k": 2}', ("k",), "2"),  # brackets in strings
        ('{"": 1, "a": 2}', ("",), "1"),
        ('{"x": 1, "\u00e9": 2}', ("\u00e9",), "2"),
        ('[{"k": 1}]', ("k",), None),
        ('{"k": 1}', ("k", "k"), None),  # through a scalar
    ],
)
def test_a_key_is_found_where_it_belongs_wherever_else_it_stands(
    text: str, path: tuple[str | int, ...], spelled: str | None
) -> None:
    span = Outline(text, has_comments=False).value_at(path)
    assert (span and span.of(text)) == spelled


def test_the_same_value_again_keeps_its_spelling() -> None:
    text = '{"a": 1.50, "b": "\\u0041", "c": [1,2 ]}'
    assert edited(text, Set(("a",), 1.5), Set(("b",), "A"), Set(("c",), [1, 2])) == text


def test_one_and_one_point_zero_are_not_the_same() -> None:
    assert edited("[1, 1.0]", Set((0,), 1.0), Set((1,), 1)) == "[1.0, 1]"


def test_the_whole_value_can_be_another() -> None:
    assert (
        edited(" 1\n", Set((), {"a": [1, 2]}))
        == ' {\n  "a": [\n    1,\n    2\n  ]\n}\n'.replace("\n", "\n ")[:-1]
    )
    assert edited("[1]", Set((), "x")) == '"x"'
    assert edited('{"a": 1}\n', Set((), {"a": 1, "b": 2})) == '{"a": 1, "b": 2}\n'


def test_an_object_in_place_of_a_similar_one_changes_only_what_differs() -> None:
    text = '{\n  "a": {"x": 1.50,  "y": [1,2],   "z": 3}\n}'
    new = {"x": 1.5, "y": [1, 2, 3], "w": 4}
    assert edited(text, Set(("a",), new)) == '{\n  "a": {"x": 1.50,  "y": [1,2,3], "w": 4}\n}'.replace(
        ', "w"', ',  "w"'
    )


def test_an_object_with_nothing_in_common_is_laid_out_like_the_one_it_replaces() -> None:
    assert (
        edited('{\n  "a": { "x": 1 }\n}', Set(("a",), {"y": {"z": [1]}}))
        == '{\n  "a": { "y": { "z": [1] } }\n}'
    )
    assert (
        edited('{\n  "a": {\n    "x": 1\n  }\n}', Set(("a",), {"y": 2})) == '{\n  "a": {\n    "y": 2\n  }\n}'
    )


def test_a_scalar_that_becomes_an_object_is_laid_out_like_its_siblings() -> None:
    several = '{\n\t"a": {\n\t\t"x": 1\n\t},\n\t"b": 2\n}'
    assert edited(several, Set(("b",), {"y": 3})).endswith('"b": {\n\t\t"y": 3\n\t}\n}')
    one_line = '{\n  "a": {"x": 1},\n  "b": 2\n}'
    assert edited(one_line, Set(("b",), {"y": 3})).endswith('"b": {"y": 3}\n}')


# ── Adding ────────────────────────────────────────────────────────────────────


def test_a_key_is_added_on_a_line_of_its_own_with_the_comma_before() -> None:
    assert edited('{\n    "a": 1\n}\n', Set(("b",), 2)) == '{\n    "a": 1,\n    "b": 2\n}\n'


def test_a_key_is_added_on_the_one_line_there_is() -> None:
    assert edited('{"a": 1}', Set(("b",), 2)) == '{"a": 1, "b": 2}'
    assert edited('{"a":1}', Set(("b",), [1, {"c": 2}])) == '{"a":1,"b":[1,{"c":2}]}'
    assert edited('{ "a" : 1 }', Set(("b",), {"c": 2})) == '{ "a" : 1, "b" : { "c" : 2 } }'


def test_a_line_for_each_key_but_none_for_the_brackets() -> None:
    assert edited('{"a": 1,\n "b": 2}', Set(("c",), 3)) == '{"a": 1,\n "b": 2,\n "c": 3}'


def test_items_in_rows_go_on_in_the_row() -> None:
    text = "[\n  1, 2,\n  3, 4\n]"
    assert edited(text, Insert((4,), 5)) == "[\n  1, 2,\n  3, 4, 5\n]"
    assert edited(text, Insert((2,), 5)) == "[\n  1, 2, 5,\n  3, 4\n]"
    assert edited(text, Insert((0,), 5)) == "[\n  5, 1, 2,\n  3, 4\n]"


def test_items_are_inserted_at_the_front_in_the_middle_and_at_the_end() -> None:
    assert [edited("[1,2]", Insert((at,), 0)) for at in range(3)] == ["[0,1,2]", "[1,0,2]", "[1,2,0]"]
    lines = "[\n  1,\n  2\n]"
    assert [edited(lines, Insert((at,), 0)) for at in range(3)] == [
        "[\n  0,\n  1,\n  2\n]",
        "[\n  1,\n  0,\n  2\n]",
        "[\n  1,\n  2,\n  0\n]",
    ]


def test_brackets_that_share_lines_stay_so() -> None:
    text = '[{\n  "x": 1\n}, {\n  "x": 2\n}]'
    assert edited(text, Insert((2,), {"x": 3})) == text[:-1] + ', {\n  "x": 3\n}]'
    assert edited(text, Delete((0,))) == '[{\n  "x": 2\n}]'
    assert edited(text, Delete((1,))) == '[{\n  "x": 1\n}]'


def test_an_item_like_the_sibling_next_to_it() -> None:
    mixed = '[\n  {"a": 1},\n  {"a": 2},\n  {\n    "a": 3\n  }\n]\n'
    assert edited(mixed, Insert((1,), {"b": 5})).startswith('[\n  {"a": 1},\n  {"b": 5},\n  {"a": 2},\n')
    assert edited(mixed, Insert((3,), {"b": 5})).endswith('  },\n  {\n    "b": 5\n  }\n]\n')


def test_an_item_like_its_one_line_siblings() -> None:
    text = '{\n  "servers": [\n    { "n": 1 },\n    { "n": 2 }\n  ]\n}\n'
    assert '    { "n": 2 },\n    { "n": 3 }\n' in edited(text, Insert(("servers", 2), {"n": 3}))


def test_commas_at_the_beginning_of_lines() -> None:
    text = '{\n    "a": 1\n  , "b": 2\n  , "c": 3\n}'
    assert edited(text, Set(("d",), 4)) == '{\n    "a": 1\n  , "b": 2\n  , "c": 3\n  , "d": 4\n}'
    assert edited(text, Delete(("b",))) == '{\n    "a": 1\n  , "c": 3\n}'
    assert edited(text, Delete(("c",))) == '{\n    "a": 1\n  , "b": 2\n}'
    edited(text, Delete(("a",)))
    assert edited("[\n    1\n  , 2\n]", Insert((1,), 3)) == "[\n    1\n  , 3\n  , 2\n]"


def test_the_first_member_of_an_empty_object_or_array() -> None:
    assert edited("{}\n", Set(("a",), 1)) == '{\n  "a": 1\n}\n'
    assert edited("[ ]", Insert((0,), 1)) == "[\n  1\n]"
    assert edited("{\n}\n", Set(("a",), {"b": 1})) == '{\n  "a": {\n    "b": 1\n  }\n}\n'
    assert (
        edited('{"a": {}, "b": []}', Set(("a", "x"), 1), Insert(("b", 0), 2)) == '{"a": {"x": 1}, "b": [2]}'
    )


def test_an_empty_array_is_filled_like_the_other_arrays() -> None:
    short = '{\n  "a": ["x", "y"],\n  "b": []\n}'
    assert edited(short, Insert(("b", 0), "z")).endswith('"b": ["z"]\n}')
    long = '{\n  "a": [\n    "x"\n  ],\n  "b": []\n}'
    assert edited(long, Insert(("b", 0), "z")).endswith('"b": [\n    "z"\n  ]\n}')


def test_missing_parents_come_into_being() -> None:
    assert edited('{\n  "a": {}\n}', Set(("a", "b", "c"), 1)) == (
        '{\n  "a": {\n    "b": {\n      "c": 1\n    }\n  }\n}'
    )


def test_several_keys_at_once_come_in_their_order() -> None:
    assert edited('{\n  "a": 1\n}', Set(("b",), 2), Set(("c", "d"), 3), Set(("c", "e"), 4)) == (
        '{\n  "a": 1,\n  "b": 2,\n  "c": {\n    "d": 3,\n    "e": 4\n  }\n}'
    )


@pytest.mark.parametrize("step", ["  ", "    ", "\t", " "])
def test_the_indentation_step_is_found(step: str) -> None:
    text = json.dumps({"a": {"b": {"c": 1}}, "d": {}}, indent=step)
    new = {"a": {"b": {"c": 1}}, "d": {"e": {"f": [1]}}}
    assert edited(text, Set(("d", "e"), {"f": [1]})) == json.dumps(new, indent=step)


def test_the_step_of_the_file_serves_where_there_are_no_siblings() -> None:
    text = '{\n\t"a": {\n\t\t"b": 1\n\t}\n}'
    assert edited(text, Set((), [[1]])) == "[\n\t[\n\t\t1\n\t]\n]"


def test_two_blanks_serve_where_nothing_tells_the_step() -> None:
    assert edited('    {"a": {\n  "b": 1\n}}', Set((), [1])) == "    [\n      1\n    ]"
    assert edited("1", Set((), [1])) == "[\n  1\n]"


def test_what_is_beyond_ascii_is_escaped_only_where_the_file_does() -> None:
    assert edited('{"a": "\\u00e9"}', Set(("b",), "ü")) == '{"a": "\\u00e9", "b": "\\u00fc"}'
    assert edited('{"a": "\\u00e9 é"}', Set(("b",), "ü")) == '{"a": "\\u00e9 é", "b": "ü"}'
    assert edited('{"a": "\\u0007"}', Set(("b",), "ü")) == '{"a": "\\u0007", "b": "ü"}'


def test_slashes_are_escaped_only_where_the_file_does() -> None:
    assert edited('{"a": "x\\/y"}', Set(("b",), "u/v")) == '{"a": "x\\/y", "b": "u\\/v"}'
    assert edited('{"a": "x\\/y/z"}', Set(("b",), "u/v")) == '{"a": "x\\/y/z", "b": "u/v"}'


def test_crlf_stays_pure() -> None:
    text = '{\r\n  "a": 1\r\n}\r\n'
    assert edited(text, Set(("b",), [1, 2])) == (
        '{\r\n  "a": 1,\r\n  "b": [\r\n    1,\r\n    2\r\n  ]\r\n}\r\n'
    )
    assert edited(text, Delete(("a",))) == "{}\r\n"


# ── Removing ──────────────────────────────────────────────────────────────────


def test_the_last_item_of_a_one_line_list_goes_with_its_comma() -> None:
    assert edited("[1, 2]", Delete((1,))) == "[1]"
    assert edited("[ 1, 2 ]", Delete((1,))) == "[ 1 ]"
    assert edited("[1,2 , 3]", Delete((2,))) == "[1,2]"


def test_any_other_item_of_a_one_line_list_goes_with_its_comma() -> None:
    assert edited("[1, 2, 3]", Delete((0,))) == "[2, 3]"
    assert edited("[1, 2, 3]", Delete((1,))) == "[1, 3]"
    assert edited("[ 1 , 2 , 3 ]", Delete((1,))) == "[ 1 , 3 ]"


def test_the_only_member_leaves_an_empty_pair() -> None:
    assert edited('{ "a": 1 }', Delete(("a",))) == "{}"
    assert edited('{\n  "a": {\n    "b": 1\n  }\n}\n', Delete(("a", "b"))) == '{\n  "a": {}\n}\n'


def test_blank_lines_around_the_only_member_stay() -> None:
    assert edited('{\n\n  "a": 1\n\n}', Delete(("a",))) == "{\n\n\n}"


def test_lines_go_as_a_whole() -> None:
    text = '{\n  "a": 1,\n  "b": [\n    2\n  ],\n\n  "c": 3\n}\n'
    assert edited(text, Delete(("a",))) == '{\n  "b": [\n    2\n  ],\n\n  "c": 3\n}\n'
    assert edited(text, Delete(("b",))) == '{\n  "a": 1,\n\n  "c": 3\n}\n'
    assert edited(text, Delete(("c",))) == '{\n  "a": 1,\n  "b": [\n    2\n  ]\n\n}\n'


def test_a_member_that_shares_its_line_leaves_the_line() -> None:
    text = '{"a": 1,\n "b": 2, "c": 3,\n "d": 4}'
    assert edited(text, Delete(("a",))) == '{\n "b": 2, "c": 3,\n "d": 4}'
    assert edited(text, Delete(("b",))) == '{"a": 1,\n "c": 3,\n "d": 4}'
    assert edited(text, Delete(("c",))) == '{"a": 1,\n "b": 2,\n "d": 4}'
    assert edited(text, Delete(("d",))) == '{"a": 1,\n "b": 2, "c": 3\n}'


def test_a_comma_alone_on_its_line_takes_the_line_with_it() -> None:
    assert edited("[\n1\n,\n2\n]", Delete((1,))) == "[\n1\n]"
    assert edited("[\n1\n,\n2\n]", Delete((0,))) == "[\n2\n]"


# ── Renaming ──────────────────────────────────────────────────────────────────


def test_a_rename_changes_only_the_keys_bytes() -> None:
    assert edited('{"a"  :1, "b":  {}}', Rename(("a",), 'x"y')) == '{"x\\"y"  :1, "b":  {}}'


def test_a_rename_to_the_same_name_keeps_its_spelling() -> None:
    assert edited('{"\\u0061": 1}', Rename(("a",), "a")) == '{"\\u0061": 1}'


def test_operations_see_what_the_ones_before_did() -> None:
    text = '{\n  "a": [1, 2, 3],\n  "b": {}\n}'
    operations = (
        Rename(("a",), "c"),
        Delete(("c", 0)),
        Delete(("c", 0)),
        Insert(("c", 1), 4),
        Set(("b", "x"), 1),
    )
    assert edited(text, *operations, Delete(("b", "x"))) == '{\n  "c": [3, 4],\n  "b": {}\n}'


# ── Positions ─────────────────────────────────────────────────────────────────


def test_every_value_key_and_entry_has_its_exact_span() -> None:
    text = ' {"a" : [10, {"b": "x"}], "\\u0063":\n null}\n'
    root = serializer.locate(text, ())
    assert root is not None
    assert root.value.of(text) == text.strip()
    assert root.key is None
    found = serializer.locate(text, ("a", 1, "b"))
    assert found is not None
    assert found.key is not None
    assert found.entry is not None
    assert (found.value.of(text), found.key.of(text), found.entry.of(text)) == ('"x"', '"b"', '"b": "x"')
    escaped = serializer.locate(text, ("c",))
    assert escaped is not None
    assert escaped.value.of(text) == "null"
    item = serializer.locate(text, ("a", 0))
    assert item is not None
    assert (item.key, item.value, item.entry) == (None, item.entry, item.value)
    assert item.value.of(text) == "10"


@pytest.mark.parametrize(
    "path", [("x",), ("a", 2), ("a", -1), ("a", "0"), ("a", True), (0,), ("a", 0, "b"), ("e", 0)]
)
def test_a_path_that_leads_nowhere_has_no_place(path: tuple[object, ...]) -> None:
    assert serializer.locate('{"a": [1, 2], "e": []}', path) is None


@given(FINITE, st.sampled_from([None, 2, "\t"]))
def test_what_stands_at_each_place_is_its_value(value: Value, indent: int | str | None) -> None:
    text = json.dumps(value, indent=indent)
    pending: list[tuple[tuple[object, ...], Value]] = [((), value)]
    while pending:
        path, expected = pending.pop()
        found = serializer.locate(text, path)
        assert found is not None
        assert same_value(json.loads(found.value.of(text)), expected)
        if isinstance(expected, dict):
            pending += [((*path, key), item) for key, item in expected.items()]
        elif isinstance(expected, list):
            pending += [((*path, index), item) for index, item in enumerate(expected)]


def test_many_sets_in_one_object_cost_about_as_much_as_they_are_many() -> None:
    text = json.dumps({f"key{number}": number for number in range(3000)}, indent=2)
    operations = [Set((f"key{number}",), number + 1) for number in range(3000)]
    assert '"key2999": 3000' in edited(text, *operations)
