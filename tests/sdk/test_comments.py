"""Whose comment is it? One answer for every format (EDITING E3)."""

from __future__ import annotations

import re

import pytest

from untorn.edits import Span
from untorn.sdk import CommentStyle, hash_comments, inline_comment, owned_above
from untorn.sdk.comments import is_directive

HASH = CommentStyle(
    hash_comments,
    is_setting=lambda body: re.match(r"\w+ ?[=:] ?\S", body) is not None,
    is_prologue=lambda line: line == "---",
)


def slash_comments(text: str, start: int, stop: int) -> list[Span]:
    found = re.compile(r"//[^\r\n]*|/\*.*?\*/", re.DOTALL).finditer(text, start, stop)
    return [Span(*match.span()) for match in found]


SLASH = CommentStyle(slash_comments, is_setting=lambda body: body.startswith('"'))


def above(text: str, entry: str, style: CommentStyle = HASH, *, floor: str = "") -> list[str]:
    """Return the comments that the entry owns, of those below ``floor``."""
    at = text.index(floor) + len(floor) if floor else 0
    return [span.of(text) for span in owned_above(text, at, text.index(entry), style)]


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_the_block_directly_above_is_an_entrys_own(newline: str) -> None:
    text = newline.join(["x = 0", "# stray", "", "# one", "# two", "k = 1"])
    assert above(text, "k", floor="x = 0") == ["# one", "# two"]


def test_a_blank_line_separates() -> None:
    assert above("x = 0\n# heading\n\nk = 1", "k", floor="x = 0") == []
    assert above("x = 0\n# heading\n \t\nk = 1", "k", floor="x = 0") == []


def test_another_indentation_separates() -> None:
    assert above("x = 0\n# outer\n  # inner\n  k = 1", "k", floor="x = 0") == ["# inner"]
    assert above("x = 0\n  # inner\nk = 1", "k", floor="x = 0") == []
    assert above("x = 0\n\t# inner\n    k = 1", "k", floor="x = 0") == []


def test_the_comment_behind_the_previous_entry_is_not_above() -> None:
    assert above("x = 0 # x\n# k\nk = 1", "k = 1", floor="x = 0") == ["# k"]


def test_an_entry_in_the_middle_of_a_line_owns_nothing_above() -> None:
    assert above("x = [0,\n# one\n1, k]", "k", floor="1,") == []


def test_the_block_at_the_very_top_of_the_file_is_nobodys() -> None:
    assert above("# licence\nk = 1", "k") == []
    assert above("\n\n# licence\nk = 1", "k") == []
    assert above("---\n# licence\nk = 1", "k", floor="---") == []


def test_a_block_below_the_block_at_the_top_is_an_entrys_own() -> None:
    assert above("# licence\n\n# own\nk = 1", "k") == ["# own"]
    assert above("%YAML\n# own\nk = 1", "k", floor="%YAML") == ["# own"]


@pytest.mark.parametrize(
    "directive",
    [
        "#!/bin/sh",
        "#:schema ./x.json",
        "# yaml-language-server: $schema=x",
        "# yamllint disable",
        "#type: ignore",
        "# noqa",
        "# SPDX-License-Identifier: MIT",
        "# pragma: allowlist",
        "# vim: set ts=2",
        "# region x",
    ],
)
def test_a_directive_is_nobodys_and_ends_no_block(directive: str) -> None:
    assert is_directive(directive)
    assert above(f"x = 0\n# one\n{directive}\n# two\nk = 1", "k = 1", floor="x = 0") == ["# one", "# two"]


@pytest.mark.parametrize("prose", ["# typed: no", "# noqualm", "# a region", "# the schema: x", "#"])
def test_prose_is_no_directive(prose: str) -> None:
    assert not is_directive(prose)


def test_settings_that_are_commented_out_are_nobodys_with_what_is_indented_below_them() -> None:
    text = "x = 0\n# why\n# off: 1\n#   more\n# - item\n# - item\n# because\nk = 1"
    assert above(text, "k = 1", floor="x = 0") == ["# why", "# because"]


def test_a_directive_between_does_not_end_a_setting() -> None:
    assert above("x = 0\n# off: 1\n# noqa\n#   more\nk = 1", "k = 1", floor="x = 0") == []


def test_block_comments_are_judged_by_what_is_in_them() -> None:
    assert above('{\n  "x": 0,\n  /* why */\n  "k": 1}', '"k"', SLASH, floor="0,") == ["/* why */"]
    assert above('{\n  "x": 0,\n  /** "a": 1 */\n  "k": 1}', '"k"', SLASH, floor="0,") == []
    text = '{\n  "x": 0,\n  /* one\n     two */\n  // three\n  "k": 1}'
    assert above(text, '"k"', SLASH, floor="0,") == ["/* one\n     two */", "// three"]


def test_hash_comments_end_before_their_newline() -> None:
    text = "# a\r\n  # b\n#c"
    assert [span.of(text) for span in hash_comments(text, 0, len(text))] == ["# a", "# b", "#c"]
    assert [span.of(text) for span in hash_comments(text, 1, 8)] == ["# "[:1]]
    assert hash_comments("no", 0, 2) == []


@pytest.mark.parametrize(
    ("line", "inline"),
    [
        ("k // c\n", "// c"),
        ("k, // c\r\nx", "// c"),
        ("k // c", "// c"),
        ("k \t/* c */ \n", "/* c */"),
        ("k /* c */,\n", "/* c */"),
        ("k /* a */, // b\n", "// b"),
        ("k /* a */ // b\n", "/* a */ // b"),
        ("k, /* a */ /* b */\n", "/* a */ /* b */"),
        ("k /* a\n b */\n", "/* a\n b */"),
        ("k /* a\n b */ x\n", None),
        ("k\n// c\n", None),
        ("k,,// c\n", None),
        ("k }, // c\n", None),
        ("k, x // c\n", None),
        ('k, /* c */ "http://x"\n', None),
        ("k /* open\n", None),
        ("k / c\n", None),
        ("k,\n", None),
        ("k", None),
    ],
)
def test_the_comment_at_the_end_of_the_line_is_an_entrys_own(line: str, inline: str | None) -> None:
    found = inline_comment(line, 1, slash_comments)
    assert (found.of(line) if found else None) == inline


@pytest.mark.parametrize(
    ("line", "inline"), [("k # c\r\n", "# c"), ("k #* c\n", "#* c"), ("k, ## c # d", "## c # d"), ("k", None)]
)
def test_hashes_begin_comments_too(line: str, inline: str | None) -> None:
    found = inline_comment(line, 1, hash_comments)
    assert (found.of(line) if found else None) == inline


def test_what_the_format_does_not_take_for_a_comment_is_none() -> None:
    assert inline_comment("k # c\n", 1, lambda _text, _start, _stop: []) is None
