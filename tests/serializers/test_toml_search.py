"""The search for one scalar: it finds what the index finds, and leaves alone what it cannot tell."""

from __future__ import annotations

import tomllib

import pytest

from untorn.serializers._toml.index import index_of
from untorn.serializers._toml.search import scalar_at

FOUND = [
    ("a = 1\n", ("a",), "1"),
    ("# a = 0\n\ta\t=\t'x'  # why\r\n", ("a",), "'x'"),
    ("ab = 1\nb.a = 2\na = 3\n", ("a",), "3"),
    ("x = 1\n[a]\n[a.b] # a table\nx = 1979-05-27 07:32:00\n", ("a", "b", "x"), "1979-05-27 07:32:00"),
    ("[ a . b ]\nx = true#\n", ("a", "b", "x"), "true"),
    ("[a]\nx = '''\ny = 1'''\n", ("a", "x"), "'''\ny = 1'''"),
    ("[b]\nx = 1\n[a]\nx = 2\n", ("a", "x"), "2"),
    ("l = [\n  [1],\n]\n[a]\nx = 2\n", ("a", "x"), "2"),
    ("[[a]]\nx = 1\n[ [a] ]\n".replace("[ [a] ]", "[[ a ]]") + "x = 2\n", ("a", 1, "x"), "2"),
    ("[[a.b]]\nx = 1\n", ("a", "b", 0, "x"), "1"),
]
LEFT_ALONE = [
    ("a = [1]\n", ("a",)),
    ("a = {b = 1}\n", ("a",)),
    ("a = {b = 1}\n", ("a", "b")),
    ("a.b = 1\n", ("a", "b")),
    ("'a' = 1\n", ("a",)),
    ("'ü' = 1\n", ("ü",)),
    ("['a']\nx = 1\n", ("a", "x")),
    ("l = '''\na = 0\n'''\na = 1\n", ("a",)),
    ('l = """\n[a]\nx = 0\n"""\n[a]\nx = 1\n', ("a", "x")),
    ("[[a]]\ny = 1\n[[a]]\nx = 1\n", ("a", 0, "x")),
    ("[[a]]\n[[a.b]]\nx = 1\n[[a]]\n[[a.b]]\nx = 2\n", ("a", 1, "b", 0, "x")),
    ("a = [1]\n", ("a", 0)),
    ("a = [{x = 1}]\n", ("a", 0, "x")),
    ("[a]\n[b]\nx = 1\n", ("a", "x")),
    ("[a]\nl = [\n  [1],\n]\nx = 1\n", ("a", "x")),
    ("l = [\n [true]\n]\n[true]\nx = 1\n", ("true", "x")),
    ("l = [\n [1]\n]\n[1]\nx = 1\n", ("1", "x")),
    ("a = 1\n", ("b",)),
    ("a = 1\n", ()),
    ("p = {x = 1}\n", ("p", -1, "k")),
]


@pytest.mark.parametrize(("text", "path", "spelled"), FOUND)
def test_a_scalar_on_a_line_of_its_own_is_found(text: str, path: tuple[str, ...], spelled: str) -> None:
    tomllib.loads(text)
    span = scalar_at(text, path)
    assert span is not None
    assert span.of(text) == spelled
    assert span == getattr(index_of(text).find(path), "span", None)


@pytest.mark.parametrize(("text", "path"), LEFT_ALONE)
def test_what_a_search_cannot_tell_is_left_to_the_index(text: str, path: tuple[str | int, ...]) -> None:
    tomllib.loads(text)
    assert scalar_at(text, path) is None
