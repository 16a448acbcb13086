"""TOML: reading, and the cases of EDITING.md one by one."""

from __future__ import annotations

import subprocess
import sys
import tomllib
from datetime import UTC, date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any

import pytest

from untorn.changes import Delete, Insert, Operation, Rename, Set, applied
from untorn.edits import apply_edits
from untorn.errors import ImpreciseEditError, LimitError, ParseError, UnrepresentableError
from untorn.serializer import PatchingSerializer
from untorn.serializers.toml import serializer
from untorn.text import in_newlines_of
from untorn.values import same_value

if TYPE_CHECKING:
    from untorn.records import Located


def edited(text: str, *operations: Operation) -> str:
    """Make operations and return the new text, which must hold what plain data says."""
    new = apply_edits(text, in_newlines_of(text, serializer.patch(text, operations)))
    wanted = applied(tomllib.loads(text), operations)
    assert same_value(tomllib.loads(new), wanted), new
    return new


def located(text: str, *path: Any) -> Located:
    """Locate a key path that must be there."""
    found = serializer.locate(text, path)
    assert found is not None
    return found


# --- reading ---------------------------------------------------------------------------------------


def test_it_is_a_patching_serializer() -> None:
    assert isinstance(serializer, PatchingSerializer)
    assert serializer.name == "toml"


def test_an_empty_text_is_an_empty_mapping() -> None:
    assert serializer.parse("") == {}
    assert serializer.parse("# only a comment\n") == {}


def test_an_error_has_line_and_column_and_a_reason_without_them() -> None:
    with pytest.raises(ParseError) as caught:
        serializer.parse("a = 1\nb = \n")
    assert (caught.value.line, caught.value.column) == (2, 5)
    assert caught.value.reason == "invalid value"


def test_an_error_at_the_end_is_at_the_end() -> None:
    with pytest.raises(ParseError) as caught:
        serializer.parse('a = "x')
    assert caught.value.offset == 6
    assert "at end" not in caught.value.reason


@pytest.mark.parametrize(
    ("text", "key", "first", "again"),
    [
        ("a = 1\nb = 2\n  a = 3\n", "a", "line 1, column 1", 14),
        ("[t]\na = 1\n[u]\n[t]\n", "t", "line 1, column 1", 15),
        ("[t]\na.b = 1\na.b = 2\n", "t.a.b", "line 2, column 3", 14),
        ("x = {a = 1, a = 2}\n", "x.a", "line 1, column 6", 12),
        ("a = 1\n[a.b]\n", "a", "line 1, column 1", 7),
        ("a = 1\na.b = 2\n", "a", "line 1, column 1", 6),
        ("a = 1\n[[a]]\n", "a", "line 1, column 1", 8),
        ("a.b = 1\n[a]\n", "a", "line 1, column 1", 9),
    ],
)
def test_a_duplicate_key_has_both_places(text: str, key: str, first: str, again: int) -> None:
    with pytest.raises(ParseError) as caught:
        serializer.parse(text)
    assert caught.value.reason == f"duplicate key {key}: first defined at {first}"
    assert caught.value.offset == again


@pytest.mark.parametrize(
    "text",
    [
        "a = [1\n",
        "a",
        "a = 1\n[b",
        "[a]\nb = {c = 1\n",
        "[a.b.c]\n[a]\nb.c.d = 1\n",
        "[a.b.c]\n[a]\nb.c.d = 1\nx =",
        '"\\q" = 1',
        "a = " + '"' * 11,
    ],
)
def test_other_errors_are_the_parsers_own(text: str) -> None:
    with pytest.raises(ParseError) as caught:
        serializer.parse(text)
    assert "duplicate" not in caught.value.reason


@pytest.mark.parametrize(
    "text",
    [
        "a = " + "[" * 100_000,
        "a = " + "[" * 250 + "]" * 250,
        "a = " + "{b = " * 250 + "1" + "}" * 250,
        ".".join("a" * 20_000) + " = 1",
        "[" + ".".join(["'a.b'"] * 20_000) + "]",
        "[" + ".".join("a" * 150) + "]\n" + ".".join("b" * 150) + " = 1",
        "a = " + "9" * 5_000,
        "a = 0x" + "f" * 5_000,
    ],
)
def test_hostile_input_is_a_limit_error(text: str) -> None:
    with pytest.raises(LimitError):
        serializer.parse(text)


@pytest.mark.parametrize(
    "text",
    [
        "# " + "[" * 1_000,
        "a = '" + "[" * 1_000 + "'",
        "a = '''\n" + ".".join("a" * 1_000) + " = 1\n'''",
        'a = """\n' + ".".join("a" * 1_000) + '\n"""',
        "# " + ".".join("a" * 1_000),
        "a = '" + "." * 1_000 + "'",
        "'" + "." * 1_000 + "' = 1",
        "a = '0x" + "f" * 5_000 + "'",
        "a = 0xffff # 0x" + "f" * 5_000,
        "a = [{b = ['0x" + "f" * 5_000 + "']}]",
    ],
)
def test_brackets_dots_and_digits_in_strings_and_comments_are_no_reason_to_refuse(text: str) -> None:
    assert serializer.parse(text) == tomllib.loads(text)


def test_a_load_imports_neither_tomlkit_nor_what_edits() -> None:
    script = (
        "import sys; from untorn.serializers.toml import serializer; serializer.parse('a = 1')\n"
        "print(*sorted(m for m in sys.modules if m.startswith(('tomlkit', 'untorn.serializers._toml'))))"
    )
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True, check=True)
    assert done.stdout.split() == ["untorn.serializers._toml", "untorn.serializers._toml.reading"]


# --- the cases of EDITING.md -----------------------------------------------------------------------

SPLIT = (
    "[[a]]\nn = 1\n[a.sub]\nx = 1\n\n# about b\n[b]\ny = 1\n\n"
    "[[a]]\nn = 2\n[a.sub]\nx = 2\n\n# about c\n[c]\n"
)


def test_appending_to_a_split_array_of_tables_goes_behind_its_last_element() -> None:
    new = edited(SPLIT, Insert(("a", 2), {"n": 3}))
    assert new == SPLIT.replace("x = 2\n\n", "x = 2\n\n[[a]]\nn = 3\n\n")


def test_inserting_in_front_of_an_element_goes_above_its_comment() -> None:
    text = "# top\n\n# first\n[[a]]\nn = 1\n"
    assert edited(text, Insert(("a", 0), {"n": 0})) == "# top\n\n[[a]]\nn = 0\n\n# first\n[[a]]\nn = 1\n"


def test_an_element_of_a_split_array_goes_with_its_sub_tables_and_nothing_else() -> None:
    assert edited(SPLIT, Delete(("a", 0))) == SPLIT.removeprefix("[[a]]\nn = 1\n[a.sub]\nx = 1\n")
    assert edited(SPLIT, Delete(("a", 1))) == SPLIT.replace("[[a]]\nn = 2\n[a.sub]\nx = 2\n", "")


def test_a_key_of_one_element_changes_in_that_element_only() -> None:
    assert edited(SPLIT, Set(("a", 1, "sub", "x"), 7)) == SPLIT.replace("x = 2", "x = 7")


def test_a_scalar_edit_moves_no_table_of_an_interleaved_array() -> None:
    text = "[[a]]\nn = 1\n[b]\n[[a]]\nn = 2\n"
    assert edited(text, Set(("b", "z"), 1)) == "[[a]]\nn = 1\n[b]\nz = 1\n[[a]]\nn = 2\n"


def test_a_table_set_under_dotted_keys_is_written_beside_them() -> None:
    text = "[deps]\ninsta.workspace = true\nserde = 1\n"
    new = edited(text, Set(("deps", "insta", "features"), ["json"]))
    assert new == '[deps]\ninsta.workspace = true\ninsta.features = ["json"]\nserde = 1\n'
    new = edited(text, Set(("deps", "insta", "more"), {"a": 1}))
    assert new == "[deps]\ninsta.workspace = true\ninsta.more = { a = 1 }\nserde = 1\n"


def test_removing_the_last_element_of_an_array_of_tables_leaves_an_empty_list() -> None:
    assert edited("x = 1\n\n[[a]]\nn = 1\n", Delete(("a", 0))) == "x = 1\na = []\n\n"
    assert edited("# own\n[[a]]\nn = 1\n[b]\n", Delete(("a", 0))) == "# own\na = []\n[b]\n"
    assert edited("[p]\nx = 1\n[[p.a]]\n", Delete(("p", "a", 0))) == "[p]\nx = 1\na = []\n"
    assert edited("[q]\n\n# own\n[[p.a]] # it\nn = 1", Delete(("p", "a", 0))) == "[q]\n\n[p]\na = []"
    assert edited("[p]\nx = 1\n\n[[p.a]]", Delete(("p", "a", 0))) == "[p]\nx = 1\n\na = []"


def test_deleting_a_table_leaves_the_comments_of_the_next_and_the_headings() -> None:
    text = (
        "# == first ==\n\n# about a\n[a] # here\n# about x\nx = 1\n\n# odd = 1\n\n# sub\n[a.b]\ny = 1\n\n"
        "# == second ==\n\n# about c\n[c]\n"
    )
    new = edited(text, Delete(("a",)))
    assert new == "# == first ==\n\n\n# == second ==\n\n# about c\n[c]\n"


def test_every_region_of_a_split_table_goes() -> None:
    text = "[a.b]\nx = 1\n# keep\n\n[c]\n\n# own\n[a]\ny = 1\n\n[d]\n[a.e]\n"
    assert edited(text, Delete(("a",))) == "# keep\n\n[c]\n\n\n[d]\n"


def test_all_dotted_siblings_go_and_what_is_between_them_stays() -> None:
    text = "a.x = 1\n\n# heading\n\n# own\na.y = 2 # it\nb = 3\n"
    assert edited(text, Delete(("a",))) == "\n# heading\n\nb = 3\n"


def test_a_key_that_goes_takes_its_own_comments_only() -> None:
    text = "# licence\n\n# about x\n# x = 2\nx = 1 # inline\n# about y\ny = 2\n"
    assert edited(text, Delete(("x",))) == "# licence\n\n# x = 2\n# about y\ny = 2\n"


@pytest.mark.parametrize("setting", ["y = [", "y = 2", "[t]", "y = {a = 1}"])
def test_a_commented_out_setting_above_a_key_stays(setting: str) -> None:
    text = f"a = 1\n\n# {setting}\nx = 1\n"
    assert edited(text, Delete(("x",))) == f"a = 1\n\n# {setting}\n"


@pytest.mark.parametrize("words", ["x = the port, in words", "[sic] as it was", "see https://a.example/?b=c"])
def test_a_comment_that_merely_looks_like_a_setting_goes_with_its_key(words: str) -> None:
    assert edited(f"a = 1\n\n# {words}\nx = 1\n", Delete(("x",))) == "a = 1\n\n"


def test_adding_to_an_indented_table_is_indented() -> None:
    text = "[a]\n  [a.b]\n    x = 1\n\n[c]\n"
    assert edited(text, Set(("a", "b", "y"), 2)) == "[a]\n  [a.b]\n    x = 1\n    y = 2\n\n[c]\n"
    assert edited(text, Set(("a", "d", "y"), 2)) == "[a]\n  [a.b]\n    x = 1\n\n  [a.d]\n  y = 2\n\n[c]\n"


def test_an_implicit_table_gets_a_header_for_its_first_own_key() -> None:
    text = "x = 1\n\n# about b\n[a.b]\ny = 1\n"
    assert edited(text, Set(("a", "k"), 2)) == "x = 1\n\n[a]\nk = 2\n\n# about b\n[a.b]\ny = 1\n"


def test_a_new_header_takes_no_comment_of_the_one_below() -> None:
    text = "# licence\n  # about b\n  [a.b]\n"
    assert edited(text, Set(("a", "k"), 2)) == "# licence\n  [a]\n  k = 2\n\n  # about b\n  [a.b]\n"


def test_a_sub_table_of_an_implicit_table_needs_no_header_above() -> None:
    assert edited("[a.b]\ny = 1\n", Set(("a", "c"), {"z": 1})) == "[a.b]\ny = 1\n\n[a.c]\nz = 1\n"


def test_out_of_order_tables_take_new_keys_at_their_own_lines() -> None:
    text = "[a]\nx = 1\n\n[b]\n\n[a.c]\ny = 1\n\n[d]\n"
    assert edited(text, Set(("a", "z"), 2)) == text.replace("x = 1\n", "x = 1\nz = 2\n")
    assert edited(text, Set(("a", "n"), {"z": 2})) == text.replace("y = 1\n", "y = 1\n\n[a.n]\nz = 2\n")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("{}", "{ k = 1 }"),
        ("{a = 1}", "{a = 1, k = 1}"),
        ("{ a=1 }", "{ a=1, k=1 }"),
        ("{a = 1,b = 2}", "{a = 1,b = 2,k = 1}"),
    ],
)
def test_inline_tables_keep_their_spaces(old: str, new: str) -> None:
    pad = "" if old.startswith("{a") else " "
    assert edited(f"t = {old}\n", Set(("t", "k"), 1)) == f"t = {new}\n".replace("{ k", "{" + pad + "k")


def test_dotted_keys_in_an_inline_table_get_their_sibling_beside_them() -> None:
    text = "t = { a.b = 1, c = 2 }\n"
    assert edited(text, Set(("t", "a", "x"), 3)) == "t = { a.b = 1, a.x = 3, c = 2 }\n"


def test_a_scalar_becomes_a_table_and_back() -> None:
    text = "a = 1 # it\nb = 2\n"
    table = edited(text, Set(("a",), {"x": 1}))
    assert table == "a = { x = 1 } # it\nb = 2\n"
    assert edited(table, Set(("a",), 1)) == text


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("x = 1\n\n# own\n[a] # it\ny = 1\n\n[b]\n", "x = 1\n\n# own\na = 7 # it\n\n[b]\n"),
        ("[b]\n\n# own\n[a] # it\ny = 1\n", "# own\na = 7  # it\n\n[b]\n\n"),
        ("x = 1\n[b]\n[a]\ny = 1\n[a.c]\n[d]\n", "x = 1\na = 7\n[b]\n[d]\n"),
        ("a.b.c = 1\na.d = 2\nx = 1\n", "a = 7\nx = 1\n"),
        ("# top\n[[a]]\nx = 1\n", "# top\na = 7\n"),
        ("[a.b]\nx = 1\n\n[c]\n", "a = 7\n\n[c]\n"),
        ("[c]\n# own\n[[a]]\nx = 1\n", "a = 7\n\n[c]\n"),
        ("y = 1\n[c]\n[a.b]\nx = 1\n", "y = 1\na = 7\n[c]\n"),
    ],
)
def test_a_table_becomes_a_scalar_with_its_comments(text: str, new: str) -> None:
    assert edited(text, Set(("a",), 7)) == new


def test_what_only_longer_headers_name_gets_a_header_when_a_child_becomes_a_scalar() -> None:
    text = "[x]\n\n# own\n[a.b]\nk = 1\n\n[a.c]\n"
    assert edited(text, Set(("a", "b"), "new")) == '[x]\n\n[a]\n# own\nb = "new"\n\n[a.c]\n'


def test_two_operations_that_both_need_a_new_header_make_one() -> None:
    text = "[b.c]\n[b.d]\n"
    edited(text, Set(("b", "x"), 1), Set(("b", "d"), 2), Set(("b", "e"), {"f": 1}))


# --- scalars ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("old", "value", "new"),
    [
        ("'a'", "b", "'b'"),
        ("'a'", "it's", '"it\'s"'),
        ('"a"', 'say "x"', '"say \\"x\\""'),
        ('"a"', "tab\tnl\nnul\0del\x7fnel\x85", '"tab\\tnl\\nnul\\u0000del\\u007Fnel\\u0085"'),
        ('"""\na\n"""', "b\nc\n", '"""\nb\nc\n"""'),
        ('"""a"""', 'x""""', '"""x\\"\\""\\""""'),
        ('"""a"""', "\nb", '"""\n\nb"""'),
        ("'''a'''", "b\n'c", "'''b\n'c'''"),
        ("'''a'''", "b'", '"""b\'"""'),
        ("0xFF", 171, "0xAB"),
        ("0x00ff", 10, "0x000a"),
        ("0o755", 420, "0o644"),
        ("0b1", 6, "0b110"),
        ("0xFF", -1, "-1"),
        ("1_000", 20000, "20_000"),
        ("+1", 2, "2"),
        ("1", 2.0, "2.0"),
        ("1.5", 1e22, "1e+22"),
        ("1.5", float("inf"), "inf"),
        ("1.5", float("-inf"), "-inf"),
        ("1.5", float("nan"), "nan"),
        ("1.5", -0.0, "-0.0"),
        ("true", False, "false"),
        ("1", True, "true"),
        (
            "1979-05-27 07:32:00",
            datetime.fromisoformat("2020-01-02T03:04:05.6789"),
            "2020-01-02 03:04:05.678900",
        ),
        ("1979-05-27t07:32:00z", datetime(2020, 1, 2, tzinfo=UTC), "2020-01-02t00:00:00z"),
        ("1979-05-27T07:32:00+00:00", datetime(2020, 1, 2, tzinfo=UTC), "2020-01-02T00:00:00+00:00"),
        ("1", datetime(2020, 1, 2, tzinfo=UTC), "2020-01-02T00:00:00Z"),
        (
            "1979-05-27T07:32:00Z",
            datetime(2020, 1, 2, tzinfo=timezone(timedelta(hours=-3, minutes=-30))),
            "2020-01-02T00:00:00-03:30",
        ),
        ("1", date(2020, 1, 2), "2020-01-02"),
        ("1", time(1, 2, 3, 4), "01:02:03.000004"),
        ("[1, 2]", "x", '"x"'),
        ("{a = 1}", [], "[]"),
    ],
)
def test_a_scalar_is_written_in_the_style_of_the_old_one(old: str, value: object, new: str) -> None:
    text = f"# c\n[t]\nk =   {old} # d\nz = 1\n"
    assert edited(text, Set(("t", "k"), value)) == text.replace(old, new, 1)


@pytest.mark.parametrize(
    "value",
    [
        None,
        2**63,
        [1, None],
        {"a": object()},
        {1: 2},
        "\ud800",
        time(1, tzinfo=UTC),
        [datetime(2020, 1, 1, tzinfo=timezone(timedelta(seconds=30)))],
    ],
)
def test_what_toml_cannot_hold_is_refused(value: object) -> None:
    for operation in (Set(("a",), value), Set(("n", "m"), value), Insert(("b", 0), value)):
        with pytest.raises(UnrepresentableError) as caught:
            list(serializer.patch("a = 1\nb = []\n", [operation]))
        assert caught.value.where is not None
        assert caught.value.where[: len(operation.path)] == operation.path
    with pytest.raises(UnrepresentableError):
        serializer.render({"k": value})


def test_a_list_item_that_is_no_mapping_does_not_fit_into_an_array_of_tables() -> None:
    for operation in (Insert(("a", 0), 1), Set(("a", 0), 1)):
        with pytest.raises(ImpreciseEditError, match=r"\[\[a\]\]") as caught:
            list(serializer.patch("[[a]]\n", [operation]))
        assert caught.value.hint


def test_a_key_under_a_scalar_cannot_be_set() -> None:
    with pytest.raises(ImpreciseEditError):
        list(serializer.patch("a = 1\n", [Set(("a", "b"), 1)]))


def test_a_document_is_a_mapping() -> None:
    with pytest.raises(UnrepresentableError):
        serializer.render([1])
    with pytest.raises(UnrepresentableError):
        list(serializer.patch("a = 1\n", [Set((), [1])]))
    assert edited("a = 1\nb = 2 # c\n", Set((), {"b": 2, "c": 3})) == "b = 2 # c\nc = 3\n"


# --- new keys --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("", "k = 1\n"),
        ("# only\n", "# only\n\nk = 1\n"),
        ("# only", "# only\n\nk = 1"),
        ("\n\n", "\n\nk = 1\n"),
        ("a = 1\n\n# tail\n", "a = 1\nk = 1\n\n# tail\n"),
        ("a = 1 # one", "a = 1 # one\nk = 1"),
        ("a=1\n", "a=1\nk=1\n"),
        ("a    = 1\nlong = 2\n", "a    = 1\nlong = 2\nk    = 1\n"),
        ("a = 1\nb = 2\nc=3\n", "a = 1\nb = 2\nc=3\nk = 1\n"),
        ("a = [\n  1,\n] # c\n[t]\n", "a = [\n  1,\n] # c\nk = 1\n[t]\n"),
        ("[t]\nx = 1\n", "k = 1\n\n[t]\nx = 1\n"),
        ("[t]\nx=1\n", "k=1\n\n[t]\nx=1\n"),
        ("# licence\n\n# about t\n[t]\n", "# licence\n\nk = 1\n\n# about t\n[t]\n"),
        ("#:schema ./x.json\n[t]\n", "#:schema ./x.json\n\nk = 1\n\n[t]\n"),
        ("a = 1\r\n\r\n[t]\r\n", "a = 1\r\nk = 1\r\n\r\n[t]\r\n"),
    ],
)
def test_a_new_root_key_stays_above_the_first_header(text: str, new: str) -> None:
    assert edited(text, Set(("k",), 1)) == new


@pytest.mark.parametrize(
    ("text", "new"),
    [
        ("", "[n]\nk = 1\n"),
        ("a = 1", "a = 1\n\n[n]\nk = 1"),
        ("[t]\nx = 1\n# y = 2\n", "[t]\nx = 1\n# y = 2\n\n[n]\nk = 1\n"),
        ("[t]\n[u]\n# y = 2\n", "[t]\n[u]\n# y = 2\n\n[n]\nk = 1\n"),
        ("[t]\n[u]\n", "[t]\n[u]\n[n]\nk = 1\n"),
        ("a = { b = 1 }\n", "a = { b = 1 }\nn = { k = 1 }\n"),
        ("a = [{b = 1}]\n", "a = [{b = 1}]\nn = {k = 1}\n"),
    ],
)
def test_missing_parents_become_a_table_at_the_end_of_the_region(text: str, new: str) -> None:
    assert edited(text, Set(("n", "k"), 1)) == new


def test_a_sub_table_stays_above_the_next_tables_heading() -> None:
    text = "[a]\nx = 1\n# y = 2\n\n# == b ==\n\n[b]\n"
    assert edited(text, Set(("a", "n", "k"), 1)) == text.replace("# y = 2\n", "# y = 2\n\n[a.n]\nk = 1\n")


def test_comments_that_reach_the_next_header_are_that_headers() -> None:
    text = "[a]\nx = 1\n# about b\n[b]\n"
    assert edited(text, Set(("a", "n", "k"), 1)) == "[a]\nx = 1\n[a.n]\nk = 1\n# about b\n[b]\n"


def test_a_list_of_mappings_becomes_an_array_of_tables() -> None:
    new = edited("[a]\nx = 1\n", Set(("a", "n"), [{"k": 1}, {"k": {"z": 2}}]))
    assert new == "[a]\nx = 1\n\n[[a.n]]\nk = 1\n\n[[a.n]]\n\n[a.n.k]\nz = 2\n"


def test_headers_are_spelled_as_their_parents_are() -> None:
    text = "[tool.'x y'. z]\na = 1\n"
    assert edited(text, Set(("tool", "x y", "z", "n o"), {"k": 1})).endswith(
        "[tool.'x y'. z.\"n o\"]\nk = 1\n"
    )


def test_new_strings_are_quoted_as_their_neighbours_are() -> None:
    assert edited("a = 'x'\n", Set(("b",), "y")) == "a = 'x'\nb = 'y'\n"
    assert edited("a = ['x']\n", Insert(("a", 1), "y")) == "a = ['x', 'y']\n"


def test_a_long_new_array_has_one_item_a_line() -> None:
    items = [f"item number {number}" for number in range(8)]
    new = edited("a = 1\n", Set(("b",), items))
    assert new.startswith('a = 1\nb = [\n    "item number 0",\n')


# --- items of arrays -------------------------------------------------------------------------------

INSERTED = [
    ("[]", 0, "[9]"),
    ("[ ]", 0, "[ 9 ]"),
    ("[\n]", 0, "[\n    9,\n]"),
    ("[ # c\n  # d\n]", 0, "[ # c\n  9,\n  # d\n]"),
    ("[1, 2]", 2, "[1, 2, 9]"),
    ("[1, 2,]", 2, "[1, 2, 9,]"),
    ("[1, 2]", 0, "[9, 1, 2]"),
    ("[\n  1,\n  2,\n]", 2, "[\n  1,\n  2,\n  9,\n]"),
    ("[\n  1,\n  2\n]", 2, "[\n  1,\n  2,\n  9\n]"),
    ("[\n  1,\n  2 # two\n  # end\n]", 2, "[\n  1,\n  2, # two\n  9\n  # end\n]"),
    ("[\n  1,\n  # own\n  2,\n]", 1, "[\n  1,\n  9,\n  # own\n  2,\n]"),
    ("[\n  # own\n  1, 2,\n]", 0, "[\n  9,\n  # own\n  1, 2,\n]"),
    ("[\n  1, 2,\n  3, 4,\n]", 4, "[\n  1, 2,\n  3, 4, 9,\n]"),
    ("[\n  1, 2,\n  3, 4,\n]", 2, "[\n  1, 2,\n  9, 3, 4,\n]"),
    ("[1, 2, # two\n]", 2, "[1, 2, # two\n    9,\n]"),
    ("[1, 2 # two\n]", 2, "[1, 2, # two\n    9\n]"),
    ("[\n  1\n  , 2\n]", 2, "[\n  1\n  , 2, 9\n]"),
]


@pytest.mark.parametrize(("old", "number", "new"), INSERTED)
def test_an_item_is_inserted_in_the_layout_of_its_array(old: str, number: int, new: str) -> None:
    assert edited(f"a = {old} # c\n", Insert(("a", number), 9)) == f"a = {new} # c\n"


DELETED = [
    ("[1]", 0, "[]"),
    ("[ 1, ]", 0, "[]"),
    ("[\n  1,\n]", 0, "[]"),
    ("[\n  # own\n  1, # it\n]", 0, "[]"),
    ("[ # c\n  1, # it\n]", 0, "[ # c\n]"),
    ("[ # c\n  '#', # it\n]", 0, "[ # c\n]"),
    ("[1, 2]", 1, "[1]"),
    ("[1, 2]", 0, "[2]"),
    ("[1, 2,]", 1, "[1,]"),
    ("[ 1, 2, ]", 1, "[ 1, ]"),
    ("[1, 2, 3]", 1, "[1, 3]"),
    ("[\n  1,\n  2,\n]", 1, "[\n  1,\n]"),
    ("[\n  1,\n  2\n]", 1, "[\n  1\n]"),
    ("[\n  1,\n  2\n]", 0, "[\n  2\n]"),
    ("[\n  1, # one\n  # two\n  2, # it\n  # end\n]", 1, "[\n  1, # one\n  # end\n]"),
    ("[\n  1, # one\n  # two\n  2]", 1, "[\n  1 # one\n  ]"),
    ("[\n  1, 2,\n  3, 4,\n]", 1, "[\n  1,\n  3, 4,\n]"),
    ("[\n  1, 2,\n  3, 4,\n]", 2, "[\n  1, 2,\n  4,\n]"),
    ("[\n  # own\n  1, 2,\n]", 0, "[\n  2,\n]"),
    ("[ 1, # one\n  2,\n]", 0, "[\n  2,\n]"),
    ("[\n  1,\n  2, ]", 1, "[\n  1,\n   ]"),
    ("[\n  1\n  , 2\n]", 1, "[\n  1\n]"),
]


@pytest.mark.parametrize(("old", "number", "new"), DELETED)
def test_an_item_goes_with_its_comma_and_its_own_comments(old: str, number: int, new: str) -> None:
    assert edited(f"a = {old} # c\n", Delete(("a", number))) == f"a = {new} # c\n"


@pytest.mark.parametrize(
    ("old", "number", "new"),
    [
        ("[]", 0, "[7, 8, 9]"),
        ("[1]", 1, "[1, 7, 8, 9]"),
        ("[1]", 0, "[7, 8, 9, 1]"),
        ("[\n  1\n]", 1, "[\n  1,\n  7,\n  8,\n  9\n]"),
        ("[\n  1,\n]", 0, "[\n  7,\n  8,\n  9,\n  1,\n]"),
    ],
)
def test_many_items_are_inserted_like_one(old: str, number: int, new: str) -> None:
    operations = [Insert(("a", number + offset), 7 + offset) for offset in range(3)]
    assert edited(f"a = {old}\nb = 1\n", *operations, Set(("b",), 2)) == f"a = {new}\nb = 2\n"
    edited("[[t]]\n[[u]]\n", *(Insert((name, 0), {"n": 1}) for name in "ttu"), Insert(("u", 2), {"k": 1}))


# --- what is left empty ----------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path", "new"),
    [
        ("[a]\nx = 1\n", ("a", "x"), "[a]\n"),
        ("a.b.c = 1 # it\n", ("a", "b", "c"), "a.b = {}\n"),
        ("# top\n\n# own\na.x = 1\n", ("a", "x"), "# top\n\na = {}\n"),
        ("a.b.c = 1\na.b.d = 2\n", ("a", "b"), "a = {}\n"),
        ("x = 1\n\n# own\n[a.b] # it\ny = 1\n", ("a", "b"), "x = 1\n\n[a]\n"),
        ("t = {a = 1}\n", ("t", "a"), "t = {}\n"),
        ("t = { a.b = 1, c = 2 }\n", ("t", "a", "b"), "t = { a = {}, c = 2 }\n"),
        ("t = { a.b = 1, c = 2, a.d = 1 }\n", ("t", "a"), "t = { c = 2 }\n"),
        ("t = { a.b.x = 1, c = 2, a.b.d = 1 }\n", ("t", "a", "b"), "t = { a = {}, c = 2 }\n"),
        ("a = 1", ("a",), ""),
        ("a = 1\n\n\nb = 1", ("b",), "a = 1"),
        ("[a]\nx = 1\n\n[b]\n\n[a.c]", ("a",), "\n[b]"),
        ("x = 1\n[a]\n\n# own\n\n[b]", ("b",), "x = 1\n[a]\n\n# own"),
        ("x = 1\na.b = 1\n\na.c = 1", ("a",), "x = 1"),
    ],
)
def test_what_loses_its_last_key_stays_as_an_empty_mapping(
    text: str, path: tuple[str, ...], new: str
) -> None:
    assert edited(text, Delete(path)) == new


# --- whole containers ------------------------------------------------------------------------------


def test_a_mapping_in_place_of_a_mapping_changes_what_differs() -> None:
    text = "[a]\nx = 1 # one\ny = 2\n[a.b]\nz = [1, 2] # two\n"
    new = edited(text, Set(("a",), {"x": 1, "w": 3, "b": {"z": (1, 2, 5)}}))
    assert new == "[a]\nx = 1 # one\nw = 3\n[a.b]\nz = [1, 2, 5] # two\n"


def test_a_list_in_place_of_a_list_keeps_the_comments_of_its_items() -> None:
    text = "a = [\n  1, # one\n  2, # two\n]\nb = 1\n"
    assert edited(text, Set(("a",), [1, 3])) == text.replace("2, # two", "3, # two")
    assert edited(text, Set(("b",), [1])) == text.replace("b = 1", "b = [1]")


def test_dotted_keys_stay_dotted_when_all_of_them_change() -> None:
    assert edited("a.x = 1\n", Set(("a",), {"y": 2})) == "a.y = 2\n"


def test_a_list_in_place_of_an_array_of_tables_changes_what_differs() -> None:
    text = "[[a]]\nn = 1 # one\n\n[[a]]\nn = 2\n"
    assert edited(text, Set(("a",), [{"n": 1}, {"n": 3}])) == text.replace("n = 2", "n = 3")
    assert edited(text, Set(("a",), [])) == "a = []\n"
    assert edited(text, Set(("a",), [{"n": 1}, 5])) == "a = [{ n = 1 }, 5]\n"


# --- renaming --------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("text", "path", "name", "new"),
    [
        ("# c\na = 1 # d\n", ("a",), "b c", '# c\n"b c" = 1 # d\n'),
        ("'a' = 1\n", ("a",), "b", "'b' = 1\n"),
        ('"a" = 1\n', ("a",), "b", '"b" = 1\n'),
        ("'a' = 1\n", ("a",), "it's", '"it\'s" = 1\n'),
        ('"\\u0061" = 1\n', ("a",), "", '"" = 1\n'),
        (
            "[a]\nx.y = 1\n[a.b]\n[c]\n[[a . d]]\n[a.d.e]\n",
            ("a",),
            "z",
            "[z]\nx.y = 1\n[z.b]\n[c]\n[[z . d]]\n[z.d.e]\n",
        ),
        ("a.b = 1\na.c = 1\n", ("a",), "z", "z.b = 1\nz.c = 1\n"),
        ("[[a]]\n[a.b]\n[[a]]\n[a.b]\n", ("a", 0, "b"), "z", "[[a]]\n[a.z]\n[[a]]\n[a.b]\n"),
        ("[[a]]\n[a.b]\n[[a]]\n[a.b]\n", ("a",), "z", "[[z]]\n[z.b]\n[[z]]\n[z.b]\n"),
        ("t = { a.b = 1 }\n", ("t", "a"), "z", "t = { z.b = 1 }\n"),
    ],
)
def test_a_rename_changes_the_bytes_of_the_key_wherever_it_is_spelled(
    text: str, path: tuple[Any, ...], name: str, new: str
) -> None:
    assert edited(text, Rename(path, name)) == new


def test_a_name_must_be_a_string() -> None:
    with pytest.raises(UnrepresentableError):
        list(serializer.patch("a = 1\n", [Rename(("a",), 1)]))


# --- locating --------------------------------------------------------------------------------------

PLACES = """\
# top

# about a
a = 1 # one
d.e = {f.g = [
  # item
  'x', # end
]}

# about t
[t] # here
[t.u.v]
[[w]]
[[w]]
"""


@pytest.mark.parametrize(
    ("path", "value", "key", "entry"),
    [
        (("a",), "1", "a", "a = 1"),
        (("d", "e", "f", "g", 0), "'x'", None, "'x'"),
        (("d", "e", "f", "g"), "[\n  # item\n  'x', # end\n]", "g", "f.g = [\n  # item\n  'x', # end\n]"),
        (("d", "e", "f"), "g = [\n  # item\n  'x', # end\n]", "f", "f.g = [\n  # item\n  'x', # end\n]"),
        (("t",), "[t]", "t", "[t]"),
        (("t", "u"), "[t.u.v]", "u", "[t.u.v]"),
        (("w",), "[[w]]", "w", "[[w]]"),
        (("w", 1), "[[w]]", None, "[[w]]"),
    ],
)
def test_a_place_has_value_key_and_entry(
    path: tuple[Any, ...], value: str, key: str | None, entry: str
) -> None:
    found = located(PLACES, *path)
    assert found.value.of(PLACES) == value
    assert (found.key.of(PLACES) if found.key else None) == key
    assert found.entry is not None
    assert found.entry.of(PLACES) == entry


def test_the_second_element_of_an_array_of_tables_has_the_second_header() -> None:
    assert located(PLACES, "w", 1).value.start == PLACES.rindex("[[w]]")


@pytest.mark.parametrize(
    ("path", "above", "inline"),
    [
        (("a",), ["# about a"], "# one"),
        (("d", "e", "f", "g", 0), ["# item"], "# end"),
        (("t",), ["# about t"], "# here"),
        (("t", "u"), [], None),
        (("d",), [], None),
        (("d", "e", "f", "g"), [], None),
    ],
)
def test_a_place_has_its_own_comments(path: tuple[Any, ...], above: list[str], inline: str | None) -> None:
    found = located(PLACES, *path)
    assert [each.of(PLACES) for each in found.above] == above
    assert (found.inline.of(PLACES) if found.inline else None) == inline


def test_the_whole_value_is_the_whole_text_and_nothing_is_nowhere() -> None:
    assert located(PLACES).value.of(PLACES) == PLACES
    assert serializer.locate(PLACES, ("a", "b")) is None
    assert serializer.locate(PLACES, ("w", 2)) is None
    assert serializer.locate(PLACES, ("t", 0)) is None


# --- rendering -------------------------------------------------------------------------------------


def test_a_new_document_has_keys_first_and_tables_after_a_blank_line() -> None:
    value = {
        "t": {"x": 1, "deep": {"er": {"y": [1, {"z": 2}]}}, "none": {}},
        "title": "a",
        "text": "one\ntwo\n",
        "items": [{"n": 1}, {"n": 2, "sub": {"m": 1}}],
        "long": ["a long item that takes space"] * 4,
        "odd key": [],
        "mixed": [{}, {"a": 1}],
    }
    text = serializer.render(value)
    assert same_value(tomllib.loads(text), value)
    assert text == (
        'title = "a"\n'
        'text = """\none\ntwo\n"""\n'
        'long = [\n    "a long item that takes space",\n    "a long item that takes space",\n'
        '    "a long item that takes space",\n    "a long item that takes space",\n]\n'
        '"odd key" = []\n'
        "mixed = [{}, { a = 1 }]\n"
        "\n[t]\nx = 1\n"
        "\n[t.deep.er]\ny = [1, { z = 2 }]\n"
        "\n[t.none]\n"
        "\n[[items]]\nn = 1\n"
        "\n[[items]]\nn = 2\n"
        "\n[items.sub]\nm = 1\n"
    )


def test_an_empty_mapping_renders_as_an_empty_text() -> None:
    assert serializer.render({}) == ""


@pytest.mark.parametrize(
    ("text", "step"),
    [
        ("a = [\n\t1,\n]\nb = [\n]\n", "\t"),
        ("a = [\n  1,\n]\nb = [\n]\n", "  "),
        ("a = [\n         1,\n]\nb = [\n]\n", "    "),
        ("b = [\n]\n", "    "),
    ],
)
def test_the_first_item_of_an_empty_array_is_indented_as_the_file_is(text: str, step: str) -> None:
    edits = serializer.patch(text, [Insert(("b", 0), 7)])
    assert apply_edits(text, edits).endswith(f"b = [\n{step}7,\n]\n")


def test_keys_of_all_kinds_join_a_table_at_once() -> None:
    new: dict[str, Any] = {"n": 1, "t": [{"x": 1}], "u": [{"y": 2}], "m": {"z": 3}, "e": [], "o": {"q": 4}}
    text = "[a]\nb = 0\n"
    assert tomllib.loads(edited(text, *(Set(("a", key), item) for key, item in new.items()))) == {
        "a": {"b": 0, **new}
    }
