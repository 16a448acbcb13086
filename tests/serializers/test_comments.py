"""Comments as data (EDITING E9), the same in every format."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import untorn
from untorn.errors import ConflictError, ImpreciseEditError, KeyPathError, UnrepresentableError

if TYPE_CHECKING:
    from pathlib import Path

TOML = """\
# Copyright (c) somebody
# All rights reserved
a = 1 # one

# two
# lines
[s]
b = 2
  c = { d = 1, e = 2 }
arr = [
  1, # x
  # y
  2,
]
"""
JSONC = """\
{
  // c1
  "a": 1,
  "b": [1, 2], // bb
  /* block
   * two */
  "c": {"x": 1}, /* in */ /* two */
  /** doc */
  "d": 1 //tight
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
n: &x {o: 1}
q: *x
# noqa: directive
# said
r: [1,
    2]
"""
TEXTS = {"toml": TOML, "jsonc": JSONC, "yaml": YAML}

READ = [
    ("toml", "a", None, "one"),
    ("toml", "s", "two\nlines", None),
    ("toml", "s.arr[0]", None, "x"),
    ("toml", "s.arr[1]", "y", None),
    ("toml", "s.c.d", None, None),
    ("jsonc", "a", "c1", None),
    ("jsonc", "b", None, "bb"),
    ("jsonc", "b[0]", None, None),
    ("jsonc", "c", "block\ntwo", "in two"),
    ("jsonc", "d", "doc", "tight"),
    ("yaml", "a", "head", "x"),
    ("yaml", "b", None, None),
    ("yaml", "b[0]", "in", None),
    ("yaml", "b[1].k", None, "kv"),
    ("yaml", "m", None, "bs"),
    ("yaml", "r", "said", None),
]


@pytest.mark.parametrize(("form", "path", "above", "inline"), READ)
def test_what_the_comments_of_an_entry_say(
    form: str, path: str, above: str | None, inline: str | None
) -> None:
    assert untorn.parse(TEXTS[form], format=form).comment(path) == untorn.Comment(above, inline)


SET: list[tuple[str, str, dict[str, Any], str, str]] = [
    # A licence is no comment of the entry below, and stays apart.
    ("toml", "a", {"above": "x\ny"}, "a = 1", "\n# x\n# y\na = 1"),
    ("toml", "a", {"inline": "uno"}, "# one", "# uno"),
    ("toml", "a", {"inline": None}, " # one", ""),
    ("toml", "s", {"above": "only"}, "# two\n# lines\n", "# only\n"),
    ("toml", "s", {"above": None}, "# two\n# lines\n", ""),
    ("toml", "s", {"inline": "sect"}, "[s]\n", "[s] # sect\n"),
    ("toml", "s.b", {"above": "é\n\n third ", "inline": "in"}, "b = 2\n", "# é\n#\n#  third\nb = 2 # in\n"),
    ("toml", "s.c", {"above": "deep"}, "  c = {", "  # deep\n  c = {"),
    ("toml", "s.arr[0]", {"above": "first"}, "  1, # x", "  # first\n  1, # x"),
    ("toml", "s.arr[1]", {"above": None, "inline": "z"}, "  # y\n  2,\n", "  2, # z\n"),
    ("toml", "s.arr", {"inline": ""}, "  2,\n]\n", "  2,\n] #\n"),
    ("jsonc", "a", {"above": "n\nm"}, "  // c1\n", "  // n\n  // m\n"),
    ("jsonc", "a", {"inline": "i"}, '"a": 1,', '"a": 1, // i'),
    ("jsonc", "b", {"inline": "cc"}, "// bb", "// cc"),
    ("jsonc", "c", {"above": "n"}, "  /* block\n   * two */\n", "  // n\n"),
    (
        "jsonc",
        "c",
        {"above": None, "inline": None},
        '  /* block\n   * two */\n  "c": {"x": 1}, /* in */ /* two */\n',
        '  "c": {"x": 1},\n',
    ),
    ("jsonc", "c", {"inline": "one"}, "/* in */ /* two */", "/* one */"),
    ("jsonc", "d", {"inline": "loose"}, "//tight", "//loose"),
    ("jsonc", "d", {"inline": "/x"}, "//tight", "// /x"),
    ("yaml", "a", {"above": "new", "inline": "y"}, "# head\na: 1 # x", "# new\na: 1 # y"),
    ("yaml", "b", {"inline": "list"}, "b:\n", "b: # list\n"),
    ("yaml", "b[0]", {"above": "n", "inline": "i"}, "  # in\n  - 1\n", "  # n\n  - 1 # i\n"),
    ("yaml", "b[1].l", {"above": "n", "inline": "i"}, "    l: |\n", "    # n\n    l: | # i\n"),
    ("yaml", "m", {"inline": None}, "m: | # bs\n", "m: |\n"),
    ("yaml", "n", {"above": "n", "inline": "i"}, "n: &x {o: 1}\n", "# n\nn: &x {o: 1} # i\n"),
    ("yaml", "q", {"inline": "i"}, "q: *x\n", "q: *x # i\n"),
    ("yaml", "r", {"above": "n", "inline": "i"}, "# said\nr: [1,\n    2]", "# n\nr: [1,\n    2] # i"),
]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
@pytest.mark.parametrize(
    ("form", "path", "said", "change"),
    [pytest.param(*case[:3], case[3:], id=f"{case[0]}-{case[1]}-{case[2]}") for case in SET],
)
def test_a_comment_that_is_set_is_all_that_changes(
    form: str, path: str, said: dict[str, Any], change: tuple[str, str], newline: str
) -> None:
    text = TEXTS[form]
    old, new = change
    assert text.count(old) == 1
    document = untorn.parse(text.replace("\n", newline), format=form)
    document.set_comment(path, **said)
    assert document.text == text.replace(old, new).replace("\n", newline)
    assert document.to_bytes() == document.text.encode()
    comment = document.comment(path)
    for place, words in said.items():
        assert getattr(comment, place) == (words and "\n".join(map(str.rstrip, words.split("\n"))))


def test_a_comment_far_from_its_marker_is_replaced_by_one_that_is_near() -> None:
    document = untorn.parse("a = 1 #  far off\n", format="toml")
    document.set_comment("a", inline="near")
    assert document.text == "a = 1 # near\n"


REFUSED: list[tuple[str, str, dict[str, Any], type[untorn.UntornError], str]] = [
    ("toml", "", {"above": "x"}, KeyPathError, "the whole value has no key"),
    ("toml", "s.nope", {"above": "x"}, KeyPathError, "s.nope does not exist"),
    ("toml", "s.b", {"above": "noqa: x"}, ImpreciseEditError, "as a directive or a setting"),
    ("toml", "s.b", {"above": "port = 1"}, ImpreciseEditError, "as a directive or a setting"),
    ("yaml", "q", {"above": "port: 1"}, ImpreciseEditError, "as a directive or a setting"),
    ("jsonc", "a", {"above": '"port": 1,'}, ImpreciseEditError, "as a directive or a setting"),
    ("toml", "s.c.d", {"inline": "x"}, ImpreciseEditError, "something else stands behind it"),
    ("toml", "s.c.d", {"above": "x"}, ImpreciseEditError, "something else stands before it"),
    ("jsonc", "b[0]", {"above": "x"}, ImpreciseEditError, "something else stands before it"),
    ("yaml", "b[1]", {"inline": "x"}, ImpreciseEditError, "something else stands behind it"),
    ("yaml", "n.o", {"inline": "x"}, ImpreciseEditError, "something else stands behind it"),
    (
        "yaml",
        "q.o",
        {"above": "x"},
        ImpreciseEditError,
        "cannot comment on it: it is reached through the alias",
    ),
    ("yaml", "a", {"inline": "x\ny"}, UnrepresentableError, "is one line"),
    ("yaml", "a", {"above": "x\x00"}, UnrepresentableError, "no comment can hold the character"),
    ("yaml", "a", {"above": "\udc80"}, UnrepresentableError, "no comment can hold the character"),
    ("jsonc", "c", {"inline": "a */ b"}, UnrepresentableError, "would end the comment"),
]


@pytest.mark.parametrize(
    ("form", "path", "said", "error", "reason"),
    [pytest.param(*case, id=f"{case[0]}-{case[1]}-{case[2]}") for case in REFUSED],
)
def test_what_no_comment_can_say_is_refused_and_nothing_changes(
    form: str, path: str, said: dict[str, Any], error: type[untorn.UntornError], reason: str
) -> None:
    document = untorn.parse(TEXTS[form], format=form)
    with pytest.raises(error, match=reason):
        document.set_comment(path, **said)
    assert document.text == TEXTS[form]
    assert not document.changes


def test_json_has_no_comments_to_set_and_none_to_remove() -> None:
    document = untorn.parse('{"a": 1}', format="json")
    assert document.comment("a") == untorn.Comment(None, None)
    document.set_comment("a", above=None, inline=None)
    with pytest.raises(UnrepresentableError, match="JSON has no comments") as caught:
        document.set_comment("a", above="x")
    assert "JSONC" in str(caught.value)
    assert document.text == '{"a": 1}'


def test_comments_of_both_kinds_behind_an_entry_are_read_as_one() -> None:
    document = untorn.parse('{"a": 1 /* b */ // c\n}', format="jsonc")
    assert document.comment("a") == untorn.Comment(None, "b c")


def test_a_document_of_several_has_no_comment_of_its_own() -> None:
    document = untorn.parse("a: 1\n---\nb: 1\n", format="yaml", document="all")
    with pytest.raises(ImpreciseEditError, match="what has no key has no comment"):
        document.set_comment("[1]", above="x")


def test_the_root_has_no_comment_of_its_own() -> None:
    document = untorn.parse("5 # five\n", format="yaml")
    assert document.comment("") == untorn.Comment()
    with pytest.raises(KeyPathError):
        document.set_comment("", inline="six")


@pytest.mark.parametrize(
    ("form", "text"),
    [
        ("toml", "# Our port.\nport = 80  # http\n"),
        ("yaml", "# Our port.\nport: 80  # http\n"),
        ("jsonc", '{\n  // Our port.\n  "port": 80 // http\n}\n'),
    ],
)
def test_a_new_file_has_its_comments_from_the_start(
    tmp_path: Path,
    form: str,
    text: str,
) -> None:
    path = tmp_path / f"new.{form}"
    with untorn.edit(path, create=True) as document:
        document.set("port", 80)
        document.set_comment("port", above="Our port.", inline="http")
        assert document.edits == ()
    assert path.read_text() == text
    assert untorn.open(path).comment("port") == untorn.Comment("Our port.", "http")


# ── Replay ────────────────────────────────────────────────────────────────────


def both(before: str, theirs: str, ours: dict[str, Any], tmp_path: Path) -> str:
    path = tmp_path / "app.yaml"
    path.write_text(before)
    document = untorn.open(path)
    document.set_comment("a[1].b", **ours)
    path.write_text(theirs)
    document.save()
    return path.read_text()


def test_a_comment_of_ours_and_a_value_of_theirs_both_stay(tmp_path: Path) -> None:
    text = both("a:\n- x\n- b: 1\n", "a:\n- x\n- b: 2 # new\n", {"above": None, "inline": "new"}, tmp_path)
    assert text == "a:\n- x\n- b: 2 # new\n"
    text = both("a:\n- x\n- b: 1 # old\n", "a:\n- x\n- b: 2 # old\n", {"inline": "ours"}, tmp_path)
    assert text == "a:\n- x\n- b: 2 # ours\n"


def test_two_different_comments_on_one_entry_are_a_conflict(tmp_path: Path) -> None:
    with pytest.raises(ConflictError) as caught:
        both("a:\n- x\n- b: 1 # old\n", "a:\n- x\n- b: 1 # theirs\n", {"inline": "ours"}, tmp_path)
    assert "a[1].b: both sides changed its comment" in str(caught.value)
    assert (caught.value.base, caught.value.ours, caught.value.theirs) == ("old", "ours", "theirs")


def test_a_comment_on_what_they_removed_is_a_conflict(tmp_path: Path) -> None:
    with pytest.raises(ConflictError, match="they deleted it"):
        both("a:\n- x\n- b: 1\n  c: 2\n", "a:\n- x\n- c: 2\n", {"inline": "ours"}, tmp_path)


def test_a_comment_is_compared_where_its_entry_stood_before_our_other_changes(
    tmp_path: Path,
) -> None:
    path = tmp_path / "app.yaml"
    path.write_text("l:\n- a\n- b # old\n- c\n- d\nk: 1 # key\n")
    document = untorn.open(path)
    document.insert("l", 0, "new")
    document.set_comment("l[0]", inline="ours alone")
    document.delete("l[1]")
    document.set_comment("l[1]", inline="ours")
    document.rename("k", "key")
    document.set_comment("key", inline="ours, too")
    document.set("key", 2)
    path.write_text("l:\n- a\n- b # old\n- c\n- d\nk: 1 # key\nz: 0\n")
    document.save()
    assert path.read_text() == "l:\n- new # ours alone\n- b # ours\n- c\n- d\nkey: 2 # ours, too\nz: 0\n"


@pytest.mark.parametrize("old", ["#  was", "#was", "#", "#\twas", "##  was"])
@pytest.mark.parametrize("said", ["why", " why", "#why", "\twhy", ""])
def test_a_comment_behind_says_what_it_should_however_far_the_old_one_stood_from_its_marker(
    old: str, said: str
) -> None:
    document = untorn.parse(f"a = 1 {old}\n", format="toml")
    document.set_comment("a", inline=said)
    assert document.comment("a").inline == said
    assert document.text.startswith("a = 1 ##" if old.startswith("##") else "a = 1 #")


@pytest.mark.parametrize(
    ("form", "old", "value", "new"),
    [
        ("jsonc", '{"a": [\n  // "x"\n]}', [1], '{"a": [\n  1\n  // "x"\n]}'),
        ("jsonc", '{"a": {\n  // "x"\n}}', {"k": 1}, '{"a": {\n  "k": 1\n  // "x"\n}}'),
        ("jsonc", '{"a": [ /* x */ ]}', [1, 2], None),
        ("toml", "a = [\n  # x\n]\n", [1, 2], "a = [\n  1,\n  2,\n  # x\n]\n"),
        ("yaml", "a: [\n  # x\n]\n", [1, 2], "a: [\n  # x\n  1,\n  2\n]\n"),
        ("yaml", "a: { # x\n}\n", {"k": 1}, "a: { # x\n  k: 1\n}\n"),
    ],
)
def test_comments_in_empty_brackets_stay_when_something_comes_into_them(
    form: str, old: str, value: Any, new: str | None
) -> None:
    document = untorn.parse(old, format=form)
    document.set("a", value)
    assert document.get("a") == value
    assert document.text == new if new else "/* x */" in document.text


ANCHORED = "n: &x\n  o: 1\n  p:\n  - 2\nq: *x\nr:\n  <<: *x\n  s: 1\nl:\n- &y\n  a: 1\n- *y\n"


@pytest.mark.parametrize(
    ("path", "old", "new"),
    [
        ("n", "n: &x\n", "# why\nn: &x  # how\n"),
        ("n.o", "  o: 1\n", "  # why\n  o: 1  # how\n"),
        ("n.p[0]", "  - 2\n", "  # why\n  - 2  # how\n"),
        ("q", "q: *x\n", "# why\nq: *x  # how\n"),
        ("r.s", "  s: 1\n", "  # why\n  s: 1  # how\n"),
        ("l[0].a", "  a: 1\n", "  # why\n  a: 1  # how\n"),
        ("l[1]", "- *y\n", "# why\n- *y  # how\n"),
    ],
)
def test_a_comment_beside_an_anchor_or_an_alias_changes_no_other_place(path: str, old: str, new: str) -> None:
    document = untorn.parse(ANCHORED, format="yaml")
    document.set_comment(path, above="why", inline="how")
    assert document.comment(path) == untorn.Comment("why", "how")
    assert document.text == ANCHORED.replace(old, new)


@pytest.mark.parametrize(
    ("path", "reason"),
    [
        ("q.o", r"reached through the alias \*x"),
        ("l[1].a", r"reached through the alias \*y"),
        ("r.o", "from a merge key"),
        ("r.p[0]", "from a merge key"),
    ],
)
def test_a_comment_on_what_stands_elsewhere_is_refused(path: str, reason: str) -> None:
    document = untorn.parse(ANCHORED, format="yaml")
    with pytest.raises(ImpreciseEditError, match=reason):
        document.set_comment(path, above="why")
    assert document.text == ANCHORED
