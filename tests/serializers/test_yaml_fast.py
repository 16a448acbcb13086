"""libyaml and the parser in Python give the same nodes, values and errors, or libyaml is not believed."""

from __future__ import annotations

import itertools
import json
import random
import subprocess
import sys
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from harness.fuzz_texts import text_for
from untorn.errors import LimitError, ParseError
from untorn.sdk import MAX_DEPTH
from untorn.serializers._yaml import libyaml, nodes, plain
from untorn.serializers._yaml.events import events_of
from untorn.serializers._yaml.libyaml import DoubtError, events_in_c
from untorn.serializers._yaml.plain import plain_values
from untorn.serializers._yaml.values import Values, values_of
from untorn.serializers.yaml import serializer
from untorn.values import same_value

if TYPE_CHECKING:
    from collections.abc import Iterator

    from untorn.serializers._yaml.events import Event

pytest.importorskip("yaml._yaml")


def shape(events: Iterator[Event], text: str) -> list[Any]:
    """Return all that is known of a text's documents and nodes."""
    documents = nodes._Composer(text).compose(events)
    return [
        (
            (document.start, document.explicit, document.body, document.end),
            [[getattr(node, name) for name in SHAPE] for node in document.root.walk()],
        )
        for document in documents
    ]


SHAPE = (
    "kind",
    "start",
    "end",
    "floor",
    "value",
    "style",
    "anchor",
    "tag",
    "size",
    "aliases",
)


def in_order(value: Any) -> Any:
    """Return a value with its keys in their order and its types told."""
    if isinstance(value, dict):
        return [(repr(key), in_order(item)) for key, item in value.items()]
    return [in_order(item) for item in value] if isinstance(value, (list, tuple)) else repr(value)


def believed(text: str) -> tuple[bool, bool]:
    """Check that both say the same; return whether nodes and values came from libyaml."""
    by_nodes = by_values = False
    events = events_in_c(text)
    if events is not None:
        try:
            fast = shape(events, text)
        except (DoubtError, ParseError, LimitError):
            pass  # then the other one is asked
        else:
            by_nodes = True
            assert fast == shape(events_of(text), text)
    values = plain_values(text)
    if values is not None:
        by_values = True
        slow = [Values(text).of(each.root) for each in nodes._Composer(text).compose(events_of(text))]
        assert same_value(values, slow)
        assert in_order(values) == in_order(slow)
    return by_nodes, by_values


# ── Ordinary texts ──────────────────────────────────────────────────────────

ORDINARY = """\
# a service
name: &n "o'clock"   # quoted
empty:
list: [1, 2.5, {a: , b: ~}, 'x', -1, 0x1f, 2001-12-14]
folded: >-
  one
  two

  three
kept: |+
  text

next: *n
defaults: &d {x: 1, y: {z: 2}}
service:
  <<: *d
  x: 2
both:
  <<: [*d, {x: 3}]
secret: !vault abc
ref: !Ref {a: [b]}
str: !!str 1
- : dash
"""


@pytest.mark.parametrize("newline", ["\n", "\r\n"])
def test_an_ordinary_text_is_read_by_libyaml(newline: str) -> None:
    text = ORDINARY.replace("- : dash\n", "").replace("\n", newline)
    assert believed(text) == (True, True)
    assert believed(newline.join(["--- {}", "---", f"{text}---", "- é", "- 😀", ""])) == (True, True)


@pytest.mark.parametrize(
    "text",
    [
        "a:\t1\n", "a: \x85\n", "a: \u2028\n", "\ufeffa: 1\n", "é: \ufeff\n", "a: \x07\n", "a: 1\rb: 2\n",
        "%YAML 1.2\n---\na\n", "a\n...\nb\n", "...\n",
        "a: |2# c\n   x\n", "- ># c\n", "|+\n# c\n", "> \n# c\n", "a: [1,# c\n 2]\n", "a: 'b'# c\n",
        "{a: 1}# c\n",
        "a: [# c\n1]\n", "a: {# c\nb: 1}\n", "a: [b:# c\n]\n",
        "- &a: 1\n", "- &a.b c\n- *a.b\n", "a: !!!x y\n", "a: !1.0!x y\n", "a: !x%21 y\n", "a: !<x> y\n",
        "{ ?foo: bar, baz: 1 }\n", "[?x]\n",
        "a: >\n \n  \n   \n # c\n", "a: |\n\n   \n  x\n", "a: |\n  x\n  ",
        "a: [-, b]\n", "a: [?, b]\n", "- &a x\n- *a: y\n", "a: &x\n- *x,\n", "[*a, b]\n", "a: &a [*a]\n",
        "a: |\n  x\n   \nb: 1\n", "a: |\n  x   \nb: 1\n", "a: [\n\n,b]\n", "{a: 1, b: \n}\n",
        "a: 1\na: 2\n", "<<: 1\n", "<<: {a: 1}\n<<: {b: 1}\n", "? [a]\n: 1\n", "? {a: 1}\n: 1\n",
        "? !x y\n: 1\n",
        "!!set {a: }\n", "!!omap [a: 1]\n", "a: !!int x\n", "a: 2001-99-99\n", "a: !!binary \u00e9\n",
        "<<: !x {a: 1}\n", "? &a <<\n: {a: 1}\n", "a: {? &a <<: 1}\nb: *a\n",
        "[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1),
        "a: [\n", "a: 'x\n", "- a\nb: 1\n", "a: " + "9" * 5000 + "\n", "",
        "a: &x [1]\nb: &x [*x]\nc: *x\n", "&a a: &b b\n*b : *a\n", "[<<, <<]\n", "- <<\n", "a: <<\n", "<<\n",
    ],
    ids=lambda text: repr(text[:24]),
)  # fmt: skip
def test_a_corner_is_the_same_whoever_reads_it(text: str, monkeypatch: pytest.MonkeyPatch) -> None:
    believed(text)
    outcomes = []
    for parser in (libyaml._parser(), None):
        monkeypatch.setattr(libyaml, "_parser", lambda parser=parser: parser)
        outcomes.append(outcome_of(text))
    assert outcomes[0] == outcomes[1]


def outcome_of(text: str) -> Any:
    try:
        return in_order(values_of(text))
    except (ParseError, LimitError) as error:
        return type(error).__name__, str(error), getattr(error, "offset", None)


@settings(max_examples=300)
@given(st.integers(0, 2**64))
def test_both_agree_on_whatever_is_written(seed: int) -> None:
    text = text_for("yaml", random.Random(seed))
    if isinstance(text, str):
        believed(text)
    else:
        believed(text.decode("utf-8", "replace"))


def test_aliases_that_stand_for_too_much_are_refused_by_both() -> None:
    lines = [
        f"{one}: &{one} [{', '.join([f'*{other}'] * 9)}]" for other, one in itertools.pairwise("abcdefgh")
    ]
    bomb = "a: &a [x, x]\n" + "\n".join(lines) + "\n"
    assert plain_values(bomb) is None
    with pytest.raises(LimitError, match="stands for more than"):
        serializer.parse(bomb)


def test_many_scalars_are_too_much_too(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(plain, "MAX_EXPANDED", 3)
    assert plain_values("[a, b]\n") == [["a", "b"]]
    assert plain_values("[a, b, c]\n") is None


# ── Without it ──────────────────────────────────────────────────────────────


def test_without_pyyaml_all_is_read_in_python(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "yaml._yaml", None)
    libyaml._parser.cache_clear()
    try:
        assert events_in_c("a: 1\n") is None
        assert serializer.parse("a: 1\n") == {"a": 1}
    finally:
        libyaml._parser.cache_clear()


def test_whatever_the_wrapper_raises_is_a_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(_text: str) -> None:
        raise MemoryError

    monkeypatch.setattr(libyaml, "_parser", lambda: broken)
    assert serializer.parse("a: 1\n") == {"a": 1}
    assert plain_values("a: 1\n") is None


def test_libyaml_is_asked_before_ruamel_yaml_is_imported() -> None:
    code = (
        "import json, sys, untorn; untorn.loads('a: [1, {b: c}]', format='yaml');"
        "print(json.dumps(sorted(name for name in sys.modules if name.startswith('ruamel.yaml'))))"
    )
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert json.loads(done.stdout) == []
