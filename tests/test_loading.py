"""The load pipeline: every error has its place, its file and its revision."""

from __future__ import annotations

import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

import untorn
from untorn.errors import LimitError, ParseError
from untorn.loading import load_snapshot, parse_text
from untorn.records import Revision, Snapshot, revision_of
from untorn.selection import Selection

if TYPE_CHECKING:
    from pathlib import Path

    from untorn.values import Value


class Strange:
    """A format whose parser gives its position in one way or another."""

    name = "strange"
    suffixes = (".strange",)

    def __init__(self, **place: int) -> None:
        self.place = place

    def parse(self, text: str) -> Value:
        msg = "no"
        raise ParseError(msg, **self.place)  # type: ignore[arg-type]

    def render(self, value: Value) -> str:
        return str(value)


@pytest.mark.parametrize(
    ("place", "shown"),
    [({"offset": 4}, ":2:2"), ({"line": 2, "column": 2}, ":2:2"), ({"line": 2}, ":2:1"), ({}, "")],
)
def test_a_parser_may_say_where_in_several_ways_or_not_at_all(
    tmp_path: Path, place: dict[str, int], shown: str
) -> None:
    path = tmp_path / "x.strange"
    with pytest.raises(ParseError) as caught:
        parse_text("ab\ncd", Selection(Strange(**place)), path)
    assert str(caught.value) == f"{path}{shown}: no"


def test_an_error_carries_the_revision_of_what_was_read(tmp_path: Path) -> None:
    snapshot = Snapshot(tmp_path / "x", b"ab")
    with pytest.raises(ParseError) as caught:
        load_snapshot(snapshot, Selection(Strange(offset=0)))
    assert caught.value.revision == snapshot.revision == revision_of(b"ab")
    assert revision_of(None) == Revision(None)
    assert str(Revision(None)) == "(no file)"


def test_a_file_larger_than_any_configuration_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("untorn.loading.MAX_BYTES", 10)
    path = tmp_path / "x.json"
    path.write_text('{"a": "0123456789"}')
    with pytest.raises(LimitError, match="larger than 10 bytes"):
        untorn.load(path)


BROKEN = {
    "json": [
        "{",
        '{"a":}',
        "[1,]",
        '{"a" 1}',
        '"\x01"',
        '"\\u12"',
        "tru",
        "",
        "{} x",
        "NaN",
        '{"a": 1, "a": 2}',
        "[",
        "-",
    ],
    "jsonc": ["{ // comment", "{,}", "/*", '{"a": 1 "b": 2}'],
    "toml": ["a =", "[a", "a = 1\na = 2", 'a = "', "a = 1 b = 2"],
    "yaml": ["a: [", "a: b: c", "'", "a: 1\na: 2", "*x", "\t- a", "%", "a: !!int x"],
}


@pytest.mark.parametrize(
    ("form", "text"),
    [pytest.param(form, text, id=f"{form}-{text!r}") for form in BROKEN for text in BROKEN[form]],
)
def test_a_broken_text_is_a_clear_error_in_a_new_process(form: str, text: str) -> None:
    """Here other tests have imported what reading imports only when it needs it."""
    script = (
        "import sys, untorn\n"
        "try: untorn.loads(sys.argv[1], format=sys.argv[2])\n"
        "except untorn.LoadError: print('clear')"
    )
    done = subprocess.run(
        [sys.executable, "-c", script, text, form], capture_output=True, text=True, check=False
    )
    assert done.stdout == "clear\n", done.stderr
