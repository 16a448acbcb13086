"""The proposals that plugin authors try their validators on."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from untorn.changes import ChangeSet, Set
from untorn.errors import UnknownFormatError
from untorn.testing import proposal

if TYPE_CHECKING:
    from untorn.values import Value


def test_a_value_is_rendered_and_can_be_located() -> None:
    made = proposal({"server": {"port": 99999}}, format="json", path=Path("a.json"))
    found = made.locate(("server", "port"))
    assert made.text is not None
    assert found is not None
    assert found.value.of(made.text) == "99999"
    assert (made.format, made.path, made.data) == ("json", Path("a.json"), made.text.encode())
    assert made.changes == ChangeSet((Set((), made.value),))


@pytest.mark.parametrize(
    ("format", "text"), [("toml", "# a\nb = 1\n"), ("yaml", "# a\nb: 1\n"), ("jsonc", '{"b": 1}')]
)
def test_a_text_is_taken_as_it_is(format: str, text: str) -> None:
    made = proposal(text=text, format=format, base={"b": 2})
    found = made.locate(("b",))
    assert found is not None
    assert found.value.of(text) == "1"
    assert (made.value, made.text, made.base) == ({"b": 1}, text, {"b": 2})
    assert list(made.changes) == [Set(("b",), 1)]


def test_a_value_that_the_text_does_not_say_is_an_error() -> None:
    assert proposal({"b": 1}, "json", '{"b": 1}').value == {"b": 1}
    with pytest.raises(ValueError, match="the text says"):
        proposal({"b": 1}, text='{"b": 1.0}')


def test_nothing_makes_no_proposal() -> None:
    with pytest.raises(ValueError, match="needs a value or a text"):
        proposal()


def test_an_unknown_format_says_what_is_known() -> None:
    with pytest.raises(UnknownFormatError, match="did you mean 'yaml'"):
        proposal({}, format="yml")


def test_a_serializer_of_ones_own_needs_no_registry() -> None:
    def parse(text: str) -> Value:
        return dict(line.split("=") for line in text.splitlines())

    ini = SimpleNamespace(
        name="ini", suffixes=(".ini",), parse=parse, render=lambda value: f"a={value['a']}\n"
    )
    made = proposal({"a": "1"}, format=ini)
    assert (made.format, made.text) == ("ini", "a=1\n")
    assert made.locate(("a",)) is None


def test_files_are_read_beside_the_target(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "s.json").write_bytes(b"{}")
    assert proposal({}, path=tmp_path / "a.json").read("s.json") == b"{}"
    monkeypatch.chdir(tmp_path)
    assert proposal({}).read("./s.json") == b"{}"
    with pytest.raises(FileNotFoundError):
        proposal({}).read("t.json")
