"""Suites are read, judged and compared with what is listed; here with cases made up on the spot."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness import suites
from harness.suites_cases import Case
from harness.suites_yaml import MappingAsKeyError, documents_of

if TYPE_CHECKING:
    from harness.oracle.source import Format


@pytest.mark.parametrize(
    ("form", "data", "valid", "expected"),
    [
        ("toml", b"a = 1\n", True, {"a": 1}),
        ("toml", b"a = \n", False, None),
        ("json", b"[1]", True, [1]),
        ("json", b"\xff", None, None),
        ("yaml", b"- a\n---\nb\n", True, [["a"], "b"]),
    ],
    ids=["toml-valid", "toml-invalid", "json-valid", "json-open", "yaml-two-documents"],
)
def test_a_case_read_as_the_suite_says_is_no_disagreement(
    form: Format, data: bytes, valid: bool | None, expected: object
) -> None:
    assert suites.reading(Case(form, "made-up", data, valid, expected)) == ""


def test_each_way_to_disagree_is_named() -> None:
    assert suites.reading(Case("json", "x", b"[", valid=True, expected=[])).startswith("refused")
    assert suites.reading(Case("json", "x", b"[]", valid=False)).startswith("accepted")
    assert suites.reading(Case("json", "x", b"[]", valid=True, expected=[1])).startswith("another value")


def test_a_crash_is_a_disagreement_also_where_the_suite_leaves_the_case_open(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def crash(*_args: object, **_options: object) -> object:
        raise RecursionError

    monkeypatch.setattr("untorn.loads", crash)
    assert suites.reading(Case("json", "x", b"[]", valid=None)).startswith("crash")


def test_valid_documents_are_edited_and_judged() -> None:
    verdicts = {verdict for verdict, _ in suites.edits(Case("toml", "x", b"a = 1\n", True, {"a": 1}))}
    assert verdicts == {"ok"}


def test_what_the_judge_reads_otherwise_is_not_judged() -> None:
    verdicts = [verdict for verdict, _ in suites.edits(Case("toml", "x", b"a = 1\n", True, {"a": 2}))]
    assert verdicts == [suites.UNJUDGED]


def test_what_is_not_listed_and_what_is_listed_for_nothing_are_both_reported() -> None:
    problems = suites.disagreements({"known", "stale"}, {"known": "", "new": "accepted"}, complete=True)
    assert problems == ["new: accepted", "stale: listed as a disagreement, but there is none"]
    assert suites.disagreements({"known", "stale"}, {"known": ""}, complete=False) == []


def test_a_tree_of_events_says_the_values_of_its_documents() -> None:
    tree = (
        '+STR\n+DOC\n+MAP\n=VAL :a\n=VAL &x :1\n=VAL :b\n=ALI *x\n-MAP\n-DOC\n+DOC\n=VAL "1\\n\n-DOC\n-STR\n'
    )
    assert documents_of(tree) == [{"a": 1, "b": 1}, "1\n"]


def test_a_mapping_as_key_is_said_to_have_no_value() -> None:
    tree = "+STR\n+DOC\n+MAP\n+MAP\n-MAP\n=VAL :1\n-MAP\n-DOC\n-STR\n"
    assert isinstance(documents_of(tree), MappingAsKeyError)
