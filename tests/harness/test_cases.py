"""The difficult edits: untorn makes each as a careful person would, and the comparison sees who does not."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from harness.cases import CASES, Case
from harness.oracle import Operation, judge, read
from harness.peers.compare import table, verdict
from harness.peers.editors import PYTHON, Editor

if TYPE_CHECKING:
    from harness.peers.editors import Edit

OURS = PYTHON[0]
CASE = Case("a", "toml", "# one\na = 1\nb = 2\n", Operation("set", ("a",), 3), "# one\na = 3\nb = 2\n")
FORBIDDEN = Case("b", "json", '{"a": 1, "a": 2}', Operation("set", ("a",), 3), None)


def editor(edit: Edit) -> Editor:
    return Editor("made up", "1.0", ("toml",), edit)


@pytest.mark.parametrize("case", CASES, ids=lambda case: f"{case.form}-{case.name}")
def test_untorn_makes_the_edit_as_a_careful_person_would(case: Case) -> None:
    assert verdict(OURS, case).startswith("✓")


@pytest.mark.parametrize(
    "case", [each for each in CASES if each.after], ids=lambda case: f"{case.form}-{case.name}"
)
def test_the_judge_agrees_with_what_is_wanted(case: Case) -> None:
    assert case.after is not None
    assert case.after != case.before
    assert not judge(
        case.before.encode(), case.operation, case.after.encode(), case.form, documents=case.documents
    )
    read(case.after.encode(), case.form, documents=case.documents)


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ("# one\na = 3\nb = 2\n", "✓"),
        ("# one\na = 3\nb  = 2\n", "other lines changed"),
        ("# one\na = 4\nb = 2\n", "**wrong data**"),
        ("a = 3\nb = 2\n", "other lines changed"),
        ("# one\r\na = 3\r\nb = 2\r\n", "other lines changed"),
        ("# one\na = \n", "**no valid file**"),
    ],
)
def test_every_other_result_is_told_apart(after: str, said: str) -> None:
    assert verdict(editor(lambda _case: after), CASE) == said


def test_a_refusal_is_right_only_where_it_is_wanted() -> None:
    def refuse(_case: Case) -> str:
        raise ValueError

    assert verdict(editor(refuse), CASE) == "error: ValueError"
    assert verdict(editor(refuse), FORBIDDEN) == "✓ refused"
    assert verdict(editor(lambda _case: '{"a": 3}'), FORBIDDEN) == "**made, though it must not be**"


def test_a_table_counts_what_is_right() -> None:
    printed = table("toml", [OURS, editor(lambda case: case.before)])
    count = sum(case.form == "toml" for case in CASES)
    assert printed.endswith(f"Right, of {count}: untorn {count}, made up 0.")
    assert printed.count("**wrong data**") == count


def test_each_editor_of_python_makes_a_simple_edit() -> None:
    for each in PYTHON:
        form = each.forms[0]
        text = {"toml": "a = 1\nb = [2]\n", "yaml": "a: 1\nb: [2]\n"}.get(form, '{"a": 1, "b": [2]}')
        for operation in (
            Operation("set", ("a",), 5),
            Operation("append", ("b",), 5),
            Operation("delete", ("a",)),
        ):
            case = Case("simple", form, text, operation, "")
            assert not judge(text.encode(), operation, each.edit(case).encode(), form), (each.name, operation)
