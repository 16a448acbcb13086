"""The fuzzer finds what it looks for, and makes what it finds short."""

from __future__ import annotations

import random
from typing import TYPE_CHECKING, Any

import pytest

import untorn
from harness import fuzz
from harness.fuzz import Asked, Failed, Report, Trial, check_edits, check_text, made, shortened
from untorn.edits import TextEdit
from untorn.serializers.json import JsonSerializer
from untorn.serializers.toml import TomlSerializer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from harness.oracle.source import Format


@pytest.mark.parametrize("form", ["json", "jsonc", "toml", "yaml"])
def test_a_few_hundred_texts_leave_nothing_open(form: Format, capsys: pytest.CaptureFixture[str]) -> None:
    rng, report = random.Random(20), Report()
    texts = fuzz.seeds()[form]
    for _ in range(150):
        fuzz.one(form, fuzz.mutated(form, texts, rng), rng, report)
    assert not report.failures, capsys.readouterr().out
    assert report.counts[f"{form} texts"] == 150
    assert report.counts[f"{form} edits"] > 100


def test_what_it_does_can_be_done_again() -> None:
    texts = fuzz.seeds()["toml"]
    one, other = (fuzz.mutated("toml", texts, random.Random(5)) for _ in range(2))
    assert one == other


# ── What it has to find ─────────────────────────────────────────────────────


def test_an_error_that_is_not_ours_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    def crash(_self: JsonSerializer, _text: str) -> Any:
        raise IndexError("list index out of range")

    monkeypatch.setattr(JsonSerializer, "parse", crash)
    with pytest.raises(Failed, match="IndexError"):
        check_text("[1]", "json")


def test_another_value_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(JsonSerializer, "parse", lambda _self, _text: [True])
    with pytest.raises(Failed, match="elsewhere"):
        check_text("[1]", "json")


def test_an_edit_of_the_wrong_place_is_found_and_made_short(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    right = TomlSerializer.patch

    def patch(self: TomlSerializer, text: str, operations: Iterable[Any]) -> Iterable[TextEdit]:
        edits = list(right(self, text, operations))
        return [TextEdit(each.start, each.stop, each.new.replace("2", "3")) for each in edits]

    monkeypatch.setattr(TomlSerializer, "patch", patch)
    text = "# a comment\nx = 1\n\n[y]\nz = 1\n"
    trial = Trial("toml", text, [Asked("set", ("x",), (2,))])
    with pytest.raises(Failed, match="ProofError"):
        trial.check()
    assert shortened(trial) == ""
    report, rng = Report(), random.Random(0)
    for _ in range(40):
        fuzz.one("toml", text, rng, report)
    assert report.failures
    assert "asked [Asked(method=" in capsys.readouterr().out


def test_a_refusal_is_no_failure() -> None:
    with pytest.raises(untorn.UntornError):
        check_edits("x = 1\n", "toml", [Asked("set", ("x",), (None,))])
    with pytest.raises(untorn.UntornError):
        check_text("x = ", "toml")


@pytest.mark.parametrize(
    ("operation", "value"),
    [
        (Asked("set", (), (1,)), 1),
        (Asked("set", ("m", "n", "x"), (1,)), {"l": [1, 2], "m": {"n": {"x": 1}}}),
        (Asked("set", ("l", 2), (3,)), {"l": [1, 2, 3], "m": {"n": None}}),
        (Asked("append", ("l",), (3,)), {"l": [1, 2, 3], "m": {"n": None}}),
        (Asked("insert", ("l",), (-1, 3)), {"l": [1, 3, 2], "m": {"n": None}}),
        (Asked("delete", ("l", 0)), {"l": [2], "m": {"n": None}}),
        (Asked("rename", ("l",), ("k",)), {"k": [1, 2], "m": {"n": None}}),
        (Asked("move", ("l", 0), (1,)), {"l": [2, 1], "m": {"n": None}}),
        (Asked("move", ("l",), (1,)), {"l": [1, 2], "m": {"n": None}}),
        (Asked("set_comment", ("l",), (), {"inline": "x"}), {"l": [1, 2], "m": {"n": None}}),
    ],
    ids=lambda each: str(each)[:60] if isinstance(each, Asked) else "",
)
def test_the_model_does_what_the_operations_say(operation: Asked, value: Any) -> None:
    assert made({"l": [1, 2], "m": {"n": None}}, operation) == value
