"""An entry moves among its siblings with its comments, and nothing else does; the same in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import untorn
from untorn.changes import Move, applied
from untorn.errors import ConflictError, ImpreciseEditError, KeyPathError

if TYPE_CHECKING:
    from pathlib import Path

TOML = """\
# top

# a is
a = 1 # one
b = 2

# two
[s]
x = 1
[s.sub]
y = 2 # yy

# tt
[t] # ttt
z = [1, 2, 3]
i = { p = 1, q = 2 }
m = [
  1, # one
  # two
  2
]

[[v]]
n = 1

# second
[[v]]
n = 2
[v.w]
k = 1
[[v]]
n = 3 # end"""
JSONC = """\
{
  // c1
  "a": 1,
  "b": [1, 2, {"x": 1, "y": 2}], // bb
  /* block
   * two */
  "c": [
    1, // one
    2 /* two */
  ]
}
"""
YAML = """\
# head

a: 1 # x
b:
  # in
  - 1
  - k: v # kv
    l: |
      text

m: | # bs
  foo
n: &x {o: 1, p: 2}
q: *x
r: # rr
  - 1
"""
TEXTS = {"toml": TOML, "jsonc": JSONC, "yaml": YAML}

MOVED = [
    ("toml", "a", 1, "# a is\na = 1 # one\nb = 2\n", "b = 2\n# a is\na = 1 # one\n"),
    ("toml", "b", 0, "# a is\na = 1 # one\nb = 2\n", "b = 2\n# a is\na = 1 # one\n"),
    (
        "toml",
        "s",
        3,
        TOML[TOML.index("# two\n[s]") : TOML.index("\n[[v]]")],
        TOML[TOML.index("# tt") : TOML.index("\n[[v]]")] + "\n# two\n[s]\nx = 1\n[s.sub]\ny = 2 # yy\n",
    ),
    ("toml", "t.z[0]", 2, "[1, 2, 3]", "[2, 3, 1]"),
    ("toml", "t.i.q", 0, "{ p = 1, q = 2 }", "{ q = 2, p = 1 }"),
    ("toml", "t.m[0]", 1, "  1, # one\n  # two\n  2\n", "  # two\n  2,\n  1 # one\n"),
    (
        "toml",
        "v[2]",
        0,
        TOML[TOML.index("[[v]]") :],
        "[[v]]\nn = 3 # end\n\n[[v]]\nn = 1\n# second\n[[v]]\nn = 2\n[v.w]\nk = 1",
    ),
    (
        "jsonc",
        "b",
        -1,
        JSONC[JSONC.index('  "b"') : -2],
        JSONC[JSONC.index("  /* block") : -3] + ',\n  "b": [1, 2, {"x": 1, "y": 2}] // bb\n',
    ),
    ("jsonc", "b[0]", 2, '[1, 2, {"x": 1, "y": 2}]', '[2, {"x": 1, "y": 2}, 1]'),
    ("jsonc", "b[2].y", 0, '{"x": 1, "y": 2}', '{"y": 2, "x": 1}'),
    ("jsonc", "c[1]", 0, "    1, // one\n    2 /* two */\n", "    2, /* two */\n    1 // one\n"),
    ("yaml", "b", 0, YAML[YAML.index("a: 1") : YAML.index("\nm:")], None),
    ("yaml", "b[0]", 1, "  # in\n  - 1\n  - k: v # kv\n    l: |\n      text\n", None),
    ("yaml", "b[1].k", 1, "  - k: v # kv\n    l: |\n      text\n", "  - l: |\n      text\n    k: v # kv\n"),
    (
        "yaml",
        "m",
        -1,
        YAML[YAML.index("m: |") :],
        "n: &x {o: 1, p: 2}\nq: *x\nr: # rr\n  - 1\nm: | # bs\n  foo\n",
    ),
    ("yaml", "r", -3, YAML[YAML.index("n: &x") :], "r: # rr\n  - 1\nn: &x {o: 1, p: 2}\nq: *x\n"),
]
YAML_AFTER = {
    "b": "b:\n  # in\n  - 1\n  - k: v # kv\n    l: |\n      text\na: 1 # x\n",
    "b[0]": "  - k: v # kv\n    l: |\n      text\n  # in\n  - 1\n",
}


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("form", "path", "index", "change"),
    [pytest.param(*case[:3], case[3:], id=f"{case[0]}-{case[1]}-{case[2]}") for case in MOVED],
)
def test_an_entry_moves_and_its_comments_with_it(
    form: str, path: str, index: int, change: tuple[str, str | None], newline: str
) -> None:
    text = TEXTS[form]
    old, new = change
    if new is None:
        new = YAML_AFTER[path]
    assert text.count(old) == 1
    document = untorn.parse(text.replace("\n", newline), format=form)
    document.move(path, index)
    assert document.text == text.replace(old, new).replace("\n", newline)
    assert document.to_bytes() == document.text.encode()
    again = untorn.parse(document.text, format=form).value
    assert again == document.value
    # Mappings are equal in any order: this one compares it, too.
    assert str(again) == str(document.value)


REFUSED: list[tuple[str, str, int, type[untorn.UntornError], str]] = [
    ("toml", "a", 2, ImpreciseEditError, "not written in one piece"),
    ("toml", "a", 9, KeyPathError, "cannot move a to 9: there are 5 beside each other"),
    ("toml", "v[0]", -4, KeyPathError, "there are 3"),
    ("toml", "nope", 0, KeyPathError, "nope does not exist"),
    ("yaml", "", 0, KeyPathError, "the whole value has no key"),
    ("yaml", "q", 0, ImpreciseEditError, "depends on it"),
    ("yaml", "n.o", 1, ImpreciseEditError, "cannot move it: aliases elsewhere"),
]


@pytest.mark.parametrize(("form", "path", "index", "error", "reason"), REFUSED)
def test_what_cannot_move_is_refused_and_nothing_changes(
    form: str, path: str, index: int, error: type[untorn.UntornError], reason: str
) -> None:
    document = untorn.parse(TEXTS[form], format=form)
    with pytest.raises(error, match=reason):
        document.move(path, index)
    assert document.text == TEXTS[form]
    assert not document.changes


BROKEN = [
    (
        "yaml",
        "- a: 1 # one\n  # of b\n  #\n  # more\n  b: 2\n  c: 3\n",
        "[0].b",
        "-\n  # of b\n  #\n  # more\n  b: 2\n  a: 1 # one\n  c: 3\n",
    ),
    ("yaml", "- - 1\n  # two\n  - 2\n", "[0][1]", "-\n  # two\n  - 2\n  - 1\n"),
    ("yaml", "- - a: 1\n    # of b\n    b: 2\n", "[0][0].b", "- -\n    # of b\n    b: 2\n    a: 1\n"),
    ("yaml", "x: {a: 1,\n  # of b\n  b: 2}\n", "x.b", "x: {\n  # of b\n  b: 2,\n  a: 1}\n"),
    ("yaml", "- ? a\n  # of b\n  ? b\n  : 2\n", "[0].b", "-\n  # of b\n  ? b\n  : 2\n  ? a\n"),
    ("jsonc", '{ "a": 1,\n  // of b\n  "b": 2 }', "b", '{\n  // of b\n  "b": 2,\n  "a": 1 }'),
    ("toml", "a = [ 1,\n  # two\n  2 ]\n", "a[1]", "a = [\n  # two\n  2,\n  1 ]\n"),
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(("form", "old", "path", "new"), BROKEN)
def test_what_has_a_comment_above_stands_below_the_dash_or_bracket_where_the_first_one_was_behind_it(
    form: str, old: str, path: str, new: str, newline: str
) -> None:
    document = untorn.parse(old.replace("\n", newline), format=form)
    document.move(path, 0)
    assert document.text == new.replace("\n", newline)
    first = "[0][0]" if path == "[0][1]" else "a[0]" if path == "a[1]" else path
    above = document.comment(first).above
    assert above is not None
    assert above.split("\n")[0] in ("of b", "two")


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("- e: |2-\n     x\n       \n  s: 1\n", "- s: 1\n  e: |2-\n     x\n       \n"),
        ("- e: >\n    x\n      \n    \n  s: 1\n", "- s: 1\n    \n  e: >\n    x\n      \n"),
        ("- e: |+\n    x\n\n  s: 1\n", "- s: 1\n  e: |+\n    x\n\n"),
        ("- e: | # none\n\n  s: 1\n", "- s: 1\n\n  e: | # none\n"),
    ],
)
@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_a_block_scalar_moves_with_all_lines_that_are_its_text_blank_or_not(
    old: str, new: str, newline: str
) -> None:
    document = untorn.parse(old.replace("\n", newline), format="yaml")
    value = document.value
    document.move("[0].s", 0)
    assert document.text == new.replace("\n", newline)
    assert untorn.parse(document.text, format="yaml").value == value


@pytest.mark.parametrize(
    ("form", "text", "path", "reason"),
    [
        ("jsonc", '{"a": [/* one */ 1,\n  // two\n  2]}', "a[1]", "no comment can stand above"),
        ("jsonc", '{"a": [1, // one\n  2]}', "a[0]", "no comment can stand behind"),
        ("yaml", "<<: {a: 1}\nb: 2\nc: 3\n", "c", "not written in one piece"),
        ("toml", "a.x = 1\nb = 2\na.y = 3\nc = 4\n", "c", "not written in one piece"),
        ("toml", "[[v]]\nn = 1\n[o]\n[[v]]\nn = 2\n[v.w]\n[p]\n[v.u]\n", "v[1]", "not written in one piece"),
    ],
)
def test_what_has_no_place_of_its_own_stays(form: str, text: str, path: str, reason: str) -> None:
    document = untorn.parse(text, format=form)
    with pytest.raises(ImpreciseEditError, match=reason):
        document.move(path, 1 if path == "a[0]" else 0)
    assert document.text == text


def test_whole_documents_are_not_moved() -> None:
    document = untorn.parse("a: 1\n---\nb: 1\n", format="yaml", document="all")
    with pytest.raises(ImpreciseEditError, match="whole documents"):
        document.move("[1]", 0)


def test_a_move_to_where_it_stands_is_no_change() -> None:
    document = untorn.parse(TOML, format="toml")
    document.move("b", 1)
    document.move("v[2]", -1)
    assert not document.changes


def test_what_moved_is_saved_and_other_operations_see_it(tmp_path: Path) -> None:
    path = tmp_path / "app.yaml"
    path.write_text("l:\n- a # A\n- b\n- c\nm: {x: 1, y: 2}\n")
    document = untorn.open(path)
    value = document.value
    document.move("l[0]", 2)
    assert value["l"] == ["b", "c", "a"]
    document.set("l[2]", "A")
    document.move("m.y", 0)
    assert list(value["m"]) == ["y", "x"]
    assert str(document.changes) == "move l[0] to 2, set l[2], move m.y to 0"
    document.save()
    assert path.read_text() == "l:\n- b\n- c\n- A # A\nm: {y: 2, x: 1}\n"


def test_a_key_moves_beside_a_change_of_theirs_inside_it(tmp_path: Path) -> None:
    path = tmp_path / "app.yaml"
    path.write_text("a: {x: 1}\nb: 2\n")
    document = untorn.open(path)
    document.move("b", 0)
    path.write_text("a: {x: 2}\nb: 3\n")
    document.save()
    assert path.read_text() == "b: 3\na: {x: 2}\n"


@pytest.mark.parametrize("theirs", ["a: [1, 2]\n", "a: [3, 1, 2]\n"])
def test_an_item_that_moves_and_that_they_moved_or_removed_is_a_conflict(tmp_path: Path, theirs: str) -> None:
    path = tmp_path / "app.yaml"
    path.write_text("a: [1, 2, 3]\n")
    document = untorn.open(path)
    document.move("a[2]", 0)
    path.write_text(theirs)
    with pytest.raises(ConflictError):
        document.save()
    assert path.read_text() == theirs


def test_an_item_moves_beside_what_they_changed_in_its_list(tmp_path: Path) -> None:
    path = tmp_path / "app.yaml"
    path.write_text("a: [1, 2, 3]\n")
    document = untorn.open(path)
    document.move("a[2]", 0)
    path.write_text("a: [1, 3, 4]\n")
    document.save()
    assert path.read_text() == "a: [3, 1, 4]\n"


def test_a_key_that_moves_and_that_they_changed_inside_is_a_conflict(tmp_path: Path) -> None:
    path = tmp_path / "app.yaml"
    path.write_text("a: {x: 1}\nb: {x: 2}\n")
    document = untorn.open(path)
    document.move("b", 0)
    path.write_text("a: {x: 1}\nb: {x: 3}\n")
    with pytest.raises(ConflictError):
        document.save()


def test_a_comment_is_compared_where_its_item_stood_before_it_moved(tmp_path: Path) -> None:
    path = tmp_path / "app.yaml"
    path.write_text("l: [0]\nk:\n- a # A\n- b # B\n- c # C\n- d # D\n")
    document = untorn.open(path)
    document.move("k[2]", 0)
    for index, name in enumerate("cabd"):
        document.set_comment(f"k[{index}]", inline=name)
    path.write_text("l: [1]\nk:\n- a # A\n- b # B\n- c # C\n- d # D\n")
    document.save()
    assert path.read_text() == "l: [1]\nk:\n- c # c\n- a # a\n- b # b\n- d # d\n"


def test_a_move_on_plain_data_keeps_the_rest_in_order() -> None:
    assert list(applied({"a": 1, "b": 2, "c": 3}, [Move(("c",), 0)])) == ["c", "a", "b"]
    assert applied([1, 2, 3], [Move((0,), 2)]) == [2, 3, 1]


@pytest.mark.parametrize("place", [0, 1])
def test_places_are_those_of_the_text_also_after_an_addition(place: int) -> None:
    """A key is added to a table above its sub-tables: it does not stand last."""
    document = untorn.parse("[a.b]\nx = 1\n\n[a.c]\ny = 2\n", format="toml")
    document.set("a.k", 1)
    document.move("a.c", 1 + place)
    data = document.to_bytes()
    assert list(untorn.loads(data, format="toml")["a"]).index("c") == 1 + place
