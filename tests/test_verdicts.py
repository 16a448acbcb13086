"""Validators, heard out one by one, and where their problems are."""

from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untorn.changes import ChangeSet, Delete, Insert, Set
from untorn.edits import Span
from untorn.records import Located, Problem, Proposal
from untorn.registry import Registry
from untorn.verdicts import MOST_PROBLEMS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator


def validating(answer: Callable[[Proposal], Any]) -> object:
    """Return a plugin with this validator."""

    def untorn_validate(proposal: Proposal) -> Any:
        return answer(proposal)

    return SimpleNamespace(untorn_validate=untorn_validate)


TEXT = "# head\nport=80\nname=é\n"
SPANS = {
    (): Located(Span(7, len(TEXT))),
    ("port",): Located(Span(12, 14), key=Span(7, 11)),
    ("name",): Located(Span(20, 21), key=Span(15, 19)),
}


def proposal(**changes: Any) -> Proposal:
    """Return a proposal of ``TEXT``, made by hand."""
    fields: dict[str, Any] = {
        "path": Path("app.ini"),
        "format": "ini",
        "value": {"port": "80", "name": "é"},
        "text": TEXT,
        "data": TEXT.encode(),
        "base": {"port": "1"},
        "changes": ChangeSet((Set(("port",), "80"),)),
        "locate": SPANS.get,
        "read": lambda relative: relative.encode(),
    }
    return Proposal(**fields | changes)


def problems_of(*plugins: object, **changes: object) -> list[tuple[str, str]]:
    """Return who says what about a proposal, with plugins named a, b, …"""
    registry = Registry()
    for name, plugin in zip("abcdef", plugins, strict=False):
        registry.admit(plugin, name)
    return [(each.plugin, each.message) for each in registry.validate(proposal(**changes))]


def crash(_proposal: Proposal) -> list[Problem]:
    msg = "boom"
    raise RuntimeError(msg)


def test_three_validators_of_which_one_crashes_and_two_object_are_all_named_at_once() -> None:
    registry = Registry()
    registry.admit(validating(lambda _: [Problem("too low", where=("port",))]), "ports")
    registry.admit(validating(crash), "crashing")
    registry.admit(validating(lambda _: [Problem("not ASCII", where=("name",))]), "names")
    first, second, third = registry.validate(proposal())
    assert (first.plugin, second.plugin, third.plugin) == ("ports", "names", "crashing")
    assert [each.span.of(TEXT) for each in (first, second) if each.span] == ["80", "é"]
    assert str(first) == "app.ini:2:6: port: too low (ports)\n  2 | port=80\n    |      ^^"
    assert third.message.startswith("crashed: RuntimeError: boom (test_verdicts.py, line ")
    assert (third.location, third.span) == (None, None)


class UnprintableError(Exception):
    """Its message cannot be shown."""

    def __str__(self) -> str:
        raise ValueError


def raising(error: BaseException) -> object:
    def untorn_validate() -> None:
        raise error

    return SimpleNamespace(untorn_validate=untorn_validate)


@pytest.mark.parametrize(
    ("error", "message"),
    [
        (ValueError(), "crashed: ValueError ("),
        (SystemExit(1), "crashed: SystemExit: 1 ("),
        (RecursionError("deep"), "crashed: RecursionError: deep ("),
        (UnprintableError(), "crashed: UnprintableError: (its message cannot be shown) ("),
        (ValueError("x" * 10_000), f"crashed: ValueError: {'x' * 500} ("),
    ],
)
def test_a_crash_is_a_problem_that_names_the_plugin(error: BaseException, message: str) -> None:
    [(plugin, said)] = problems_of(raising(error))
    assert plugin == "a"
    assert said.startswith(message)


def test_an_interrupt_is_nobodys_problem() -> None:
    with pytest.raises(KeyboardInterrupt):
        problems_of(raising(KeyboardInterrupt()))


@pytest.mark.parametrize(
    ("answer", "message"),
    [
        (None, "None is not a list of problems: return [] to agree"),
        (True, "True is not a list of problems"),
        ("", "'' is not a list of problems"),
        (b"no", "b'no' is not a list of problems"),
        ({}, "{} is not a list of problems"),
        ("no" * 100, f"'{'no' * 38}... is not a list"),
        (Problem("no"), "a single Problem: return it in a list"),
        (["no"], "'no' is not a Problem"),
        ([Problem("yes"), None], "None is not a Problem"),
    ],
)
def test_nonsense_is_a_problem_and_not_an_agreement(answer: object, message: str) -> None:
    *_, (plugin, said) = problems_of(validating(lambda _: answer))
    assert plugin == "a"
    assert said.startswith(f"answered nonsense: {message}")


def test_what_a_generator_said_before_it_crashed_counts() -> None:
    def untorn_validate() -> Iterator[Problem]:
        yield Problem("first", where=("port",))
        yield Problem(3)  # type: ignore[arg-type]  # raises

    (_, first), (_, second) = problems_of(SimpleNamespace(untorn_validate=untorn_validate))
    assert first == "first"
    assert second.startswith("crashed: TypeError: a problem needs a string")


def test_a_validator_that_never_ends_is_cut_off() -> None:
    def untorn_validate() -> Iterator[Problem]:
        while True:
            yield Problem("no", where=("port",))

    said = problems_of(SimpleNamespace(untorn_validate=untorn_validate))
    assert len(said) == MOST_PROBLEMS + 1
    assert said[-1][1].startswith(f"has more than {MOST_PROBLEMS} problems")


def test_any_iterable_of_problems_is_an_answer() -> None:
    assert len(problems_of(validating(lambda _: (Problem("t"),)), validating(lambda _: {Problem("s")}))) == 2


def test_no_validator_can_change_what_another_sees() -> None:
    seen = []
    changes = ChangeSet((Set(("a",), [1]), Insert(("b", 0), {"c": [1]}), Delete(("d",))))

    def spoil(given: Proposal) -> list[Problem]:
        seen.append(repr((given.value, given.base, given.changes)))
        given.value["deep"][0]["x"] = "spoilt"
        given.base.clear()
        for operation in given.changes:
            getattr(operation, "value", []).clear()
        return []

    given = proposal(value={"deep": [{"x": 1}]}, base={"y": 1}, changes=changes)
    before = repr(given)
    registry = Registry()
    for name in ("one", "two"):
        registry.admit(validating(spoil), name)
    assert registry.validate(given) == []
    assert seen[0] == seen[1]
    assert repr(given) == before


def test_opaque_bytes_have_no_places() -> None:
    registry = Registry()
    registry.admit(
        validating(lambda given: [Problem(f"format {given.format}", where=("a",), span=Span(0, 0))]), "a"
    )
    [problem] = registry.validate(proposal(format=None, value=None, text=None, locate=lambda where: None))
    assert (problem.message, problem.location, problem.span, problem.excerpt) == (
        "format None",
        None,
        None,
        "",
    )


def test_what_is_missing_is_located_at_what_lacks_it() -> None:
    registry = Registry()
    registry.admit(
        validating(lambda _: [Problem("gone", where=("port", "x", 3)), Problem("gone", where=("zip",))]), "a"
    )
    at_port, at_root = registry.validate(proposal())
    assert (str(at_root.location), at_root.span) == ("app.ini:2:1", None)
    assert at_root.excerpt == "  2 | port=80\n    | ^"
    assert at_port.excerpt == "  2 | port=80\n    | ^^^^"
    assert at_port.span is None


def test_a_validator_may_point_more_finely_than_a_value() -> None:
    registry = Registry()
    fine, wrong = Span(7, 11), Span(0, 10_000)
    registry.admit(
        validating(
            lambda _: [Problem("key", where=("port",), span=fine), Problem("?", where=("name",), span=wrong)]
        ),
        "a",
    )
    assert [each.span for each in registry.validate(proposal())] == [fine, SPANS["name",].value]


def test_a_serializer_that_cannot_locate_hides_no_problem() -> None:
    def locate(where: tuple[object, ...]) -> Located:
        raise LookupError(where)

    assert problems_of(validating(lambda _: [Problem("no", where=("port",))]), locate=locate) == [("a", "no")]


@pytest.fixture(scope="module")
def telling() -> Registry:
    """Return a registry with a validator that objects to what it is told to, and one that crashes."""
    registry = Registry()
    registry.admit(
        validating(lambda given: [Problem("no", where=each) for each in map(tuple, given.value["where"])]),
        "a",
    )
    registry.admit(validating(crash), "b")
    return registry


@given(st.lists(st.sampled_from([("port",), ("name",), (), ("zip",)]), max_size=6))
def test_problems_come_in_the_order_of_the_text(telling: Registry, where: list[tuple[str, ...]]) -> None:
    *placed, last = telling.validate(proposal(value={"where": where}))
    lines = [each.location.line for each in placed if each.location]
    assert lines == sorted(lines)
    assert len(lines) == len(where)
    assert last.plugin == "b"
