"""Block scalars, tags, directives, document marks and brackets by YAML 1.2, where ruamel.yaml differs."""

from __future__ import annotations

from typing import Any

import pytest

import untorn
from untorn.serializers.yaml import serializer

pytestmark = pytest.mark.usefixtures("each_engine")


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("a: |\n  ", {"a": ""}, id="blanks at the end are no line"),
        pytest.param("a: |\n   \n  ", {"a": ""}, id="nor are they below a blank line"),
        pytest.param("a: |\n   \n", {"a": ""}, id="a blank line alone is clipped"),
        pytest.param("a: |+\n\n   \n", {"a": "\n\n"}, id="and kept where it is asked for"),
        pytest.param("a: |+\n  x\n  ", {"a": "x\n"}, id="blanks as wide as the text are no line"),
        pytest.param("a: |\n  x\n    ", {"a": "x\n  "}, id="wider ones are text"),
        pytest.param("a: >\n  x\n  y\n", {"a": "x y\n"}, id="a newline folds"),
        pytest.param("a: >\n  x\n   y\n  z\n", {"a": "x\n y\nz\n"}, id="not beside an indented line"),
        pytest.param("a: >\n  x\n\n   y\n", {"a": "x\n\n y\n"}, id="nor a blank one there"),
        pytest.param("a: >\n\n  x\n\n  y\n", {"a": "\nx\ny\n"}, id="a blank line is a newline"),
        pytest.param("a: |1-\n  x\n", {"a": " x"}, id="indentation first"),
        pytest.param("a: |-1\n  x\n", {"a": " x"}, id="chomping first"),
    ],
)
def test_a_block_scalar(text: str, value: Any) -> None:
    assert untorn.loads(text, format="yaml") == value


@pytest.mark.parametrize(
    ("text", "value"),
    [
        pytest.param("[: a]\n", [{None: "a"}], id="a pair without a key"),
        pytest.param("[b, : a]\n", ["b", {None: "a"}], id="a later one"),
        pytest.param("%FOO bar\n---\na\n", "a", id="an unknown directive"),
        pytest.param("%TAG !e! tag:yaml.org,2002:\n---\n!e!str 1\n", "1", id="a handle"),
    ],
)
def test_what_ruamel_refuses(text: str, value: Any) -> None:
    assert untorn.loads(text, format="yaml") == value


@pytest.mark.parametrize(
    ("text", "values"),
    [
        pytest.param("a\n...\n...\nb\n", ["a", "b"], id="end marks that end nothing"),
        pytest.param("a\n%YAML 1.2\n---\nb\n", ["a %YAML 1.2", "b"], id="a plain scalar goes on"),
        pytest.param("- a\n...\n%YAML 1.2\n---\nb\n", [["a"], "b"], id="a directive behind an end"),
    ],
)
def test_documents(text: str, values: list[Any]) -> None:
    assert serializer.parse_all(text) == values


@pytest.mark.parametrize(
    ("text", "column", "reason"),
    [
        ("a: |\n    \n  x\n", "2:5", "indented more"),
        ("a: |\n\tx\n", "2:1", "found a tab"),
        ("a: |x\n  x\n", "1:4", "indicators"),
        ("a: |0\n  x\n", "1:4", "indicators"),
        ("- !<\n", "1:4", "while scanning a tag"),
        ("a: !x,y 1\n", "1:6", "while scanning a tag"),
        ("%\na\n", "1:1", "expected a directive"),
        ("%YAML x\n---\na\n", "1:1", "expected a version"),
        ("%TAG x\n---\na\n", "1:1", "expected a handle"),
        ("- a\n%YAML 1.2\n---\nb\n", "2:1", "needs a line with '...'"),
        ("--- a\n... x\n", "2:5", "only a comment"),
    ],
)
def test_what_is_refused_has_a_place_and_a_reason(text: str, column: str, reason: str) -> None:
    with pytest.raises(untorn.ParseError, match=reason) as caught:
        untorn.loads(text, format="yaml")
    assert f":{column}:" in str(caught.value).splitlines()[0]
