"""The fuzzer finds nothing in a few seconds, and finds each of a serializer's seeded bugs."""

from __future__ import annotations

from collections import Counter
from random import Random
from typing import TYPE_CHECKING, Any

import pytest

import untorn
from harness import fuzz
from harness.fuzz_checks import WrongError, dumped, edited, opened
from harness.fuzz_edits import NowhereError, asked
from harness.fuzz_texts import FORMATS, text_for
from harness.oracle import Operation
from untorn import formats
from untorn.edits import TextEdit, apply_edits

if TYPE_CHECKING:
    from collections.abc import Callable

    from harness.oracle.source import Format

EXAMPLES = 25


@pytest.fixture(autouse=True)
def _in_time(monkeypatch: pytest.MonkeyPatch) -> None:
    """Give a busy machine the time that it needs."""
    monkeypatch.setattr("harness.fuzz_checks.SECONDS", 60.0)


def failures(form: Format, examples: int = EXAMPLES) -> Counter[str]:
    run = fuzz.Run(0, (form,))
    for number in range(examples):
        run.example(number)
    return run.failures


@pytest.mark.parametrize("form", FORMATS)
def test_some_examples_of_each_format_pass_and_do_all_there_is_to_do(form: Format) -> None:
    run = fuzz.Run(0, (form,))
    for number in range(EXAMPLES):
        run.example(number)
    assert not run.failures
    counts = run.counts[form]
    assert counts["texts loaded"] > counts["texts refused"] // 2
    assert counts["texts compared"] > counts["texts loaded"] // 3
    assert counts["edits"] > counts["edits refused"] > 0
    assert counts["edits whose comments were compared"] > counts["edits"] // 4
    assert counts["values"] > counts["values refused"]


def test_an_example_is_the_same_each_time() -> None:
    first, again = (text_for("yaml", Random("0 yaml 7")) for _ in range(2))
    assert first == again


# ── Seeded bugs ─────────────────────────────────────────────────────────────


def _crash(*_: object) -> Any:
    raise IndexError


BUGS: dict[str, tuple[str, Callable[[Any], Any], str]] = {
    "a crash while reading": ("parse", lambda _: _crash, "IndexError escapes"),
    "a crash while editing": ("patch", lambda _: _crash, "IndexError escapes"),
    "a crash while rendering": ("render", lambda _: _crash, "dumps: IndexError escapes"),
    "another value": (
        "parse",
        lambda right: (
            lambda self, text: {**value, "z": 1} if isinstance(value := right(self, text), dict) else value
        ),
        "another value",
    ),
    "an edit written twice": (
        "patch",
        lambda right: (
            lambda self, text, operations: [
                TextEdit(each.start, each.stop, each.new * 2) for each in right(self, text, operations)
            ]
        ),
        "only the proof saw it",
    ),
    "a comment goes": (
        "patch",
        lambda right: (
            lambda self, text, operations: [
                TextEdit(0, len(text), apply_edits(text, right(self, text, operations)).replace("# top", ""))
            ]
        ),
        "a comment is lost",
    ),
}


@pytest.mark.parametrize("bug", BUGS)
def test_a_bug_of_a_serializer_is_found(monkeypatch: pytest.MonkeyPatch, bug: str) -> None:
    name, spoilt, promise = BUGS[bug]
    serializer = type(formats.built_in("toml"))
    monkeypatch.setattr(serializer, name, spoilt(getattr(serializer, name)))
    assert any(promise in found for found in failures("toml")), failures("toml")


def test_an_error_of_python_while_the_time_is_up_is_told_as_such(monkeypatch: pytest.MonkeyPatch) -> None:
    def forever(*_: object) -> None:
        while True:
            pass

    monkeypatch.setattr("harness.fuzz_checks.SECONDS", 0.05)
    monkeypatch.setattr(type(formats.built_in("toml")), "parse", forever)
    with pytest.raises(WrongError, match="TooLong"):
        opened("toml", b"a = 1\n", Counter())


def test_what_leads_nowhere_must_be_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    it = opened("toml", b"a = 1\n", Counter())
    assert it is not None
    monkeypatch.setattr("harness.editor.Untorn.perform", lambda *_: None)
    with pytest.raises(WrongError, match="leads nowhere"):
        edited(it, Operation("delete", ("b",)), Counter())


def test_a_value_that_becomes_another_is_found(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(untorn, "dumps", lambda *_, **__: "a = 2\n")
    with pytest.raises(WrongError, match="another value"):
        dumped("toml", {"a": 1}, Counter())


def test_a_failure_is_shown_with_the_shortest_text_and_the_fewest_edits(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    edits = [Operation("set", ("c",), 5), Operation("delete", ("a",)), Operation("set", ("c",), 6)]
    serializer = type(formats.built_in("toml"))
    right: Any = serializer.patch  # type: ignore[attr-defined]  # the built-in formats patch

    def patch(self: object, text: str, operations: Any) -> list[TextEdit]:
        if "Delete" in str([type(each) for each in operations]):
            raise IndexError
        return list(right(self, text, operations))

    monkeypatch.setattr(serializer, "patch", patch)
    text = b"# top\na = 1 # one\n\nb = 2\nc = 3\n"
    with pytest.raises(WrongError) as caught:
        fuzz.relived("toml", text, edits)
    shown = fuzz.shortened(
        fuzz.Failure(caught.value, text, edits, lambda other, some: fuzz.relived("toml", other, some))
    )
    assert "text: b'a=1'" in shown
    assert shown.count("Operation(") == 1


# ── What edits ask for ──────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "edit", "wanted"),
    [
        ({"a": None}, Operation("set", ("a", "b", "c"), 1), {"a": {"b": {"c": 1}}}),
        ({}, Operation("add", ("a", "b"), 1), {"a": {"b": 1}}),
        ([1], Operation("set", (1,), 2), [1, 2]),
        ([1, 2], Operation("set", (-1,), 3), [1, 3]),
        ([1, 2], Operation("insert", (), 3, index=-1), [1, 3, 2]),
        ({"a": 1, "b": 2}, Operation("rename", ("a",), name="c"), {"c": 1, "b": 2}),
    ],
    ids=["through-null", "missing-parent", "behind-last", "from-end", "insert-from-end", "rename"],
)
def test_what_an_edit_makes_of_plain_data(value: object, edit: Operation, wanted: object) -> None:
    assert asked(value, edit) == wanted


@pytest.mark.parametrize(
    ("value", "edit"),
    [
        ({"a": 1}, Operation("set", ("a", "b"), 1)),
        ({}, Operation("add", ("a", 0), 1)),
        ([1], Operation("set", (2,), 1)),
        ([1], Operation("set", (1, "a"), 1)),
        ([1], Operation("set", (True,), 1)),
        ({"a": 1}, Operation("append", ("a",), 1)),
        ({"a": 1, "b": 2}, Operation("rename", ("a",), name="b")),
        ([1], Operation("rename", (0,), name="b")),
        ([1], Operation("move", (0,), index=1)),
        ([1], Operation("delete", ())),
    ],
    ids=lambda it: str(it).replace(" ", "") if isinstance(it, Operation) else "",
)
def test_what_leads_nowhere(value: object, edit: Operation) -> None:
    with pytest.raises(NowhereError):
        asked(value, edit)
