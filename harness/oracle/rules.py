"""The rules E1 to E5 and E9, as checks on bytes before, an operation, and bytes after."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

from harness.oracle import comments, positions, remarks, style
from harness.oracle.operations import Operation, apply, look, same_order
from harness.oracle.reading import read
from harness.oracle.source import Format, RefusedError, Source
from harness.oracle.values import differences, same

Rule = Literal["E1", "E2", "E3", "E4", "E5", "E9"]


@dataclass(frozen=True)
class Finding:
    """A rule that an edit broke, and how."""

    rule: Rule
    message: str

    def __str__(self) -> str:
        return f"{self.rule}: {self.message}"


def judge(  # noqa: PLR0913 - what it judges, and two hints
    before: bytes,
    operation: Operation,
    after: bytes,
    form: Format,
    *,
    documents: bool = False,
    source: Source | None = None,
) -> list[Finding]:
    """Find every rule that an edit broke.

    A result with the wrong value is not looked at further: where things are in it
    means nothing.

    Args:
        before: The bytes that were edited; valid in ``form``.
        operation: What was asked.
        after: The bytes that the editor wrote.
        form: The format.
        documents: As in ``read``.
        source: What ``read`` returned for ``before``, if it is at hand.
    """
    source = source or read(before, form, documents=documents)
    found = [Finding("E5", message)] if (message := style.check_newlines(before, after, operation)) else []
    try:
        result = read(after, form, documents=documents)
    except RefusedError as error:
        return [*found, Finding("E2", f"the result does not parse: {error}")]
    expected = apply(source.value, operation)
    if not same(expected, result.value):
        return [*found, Finding("E2", differences(expected, result.value) or "the value differs")]
    if operation.kind == "move":
        parent = operation.path[:-1]
        if not same_order(look(expected, parent), look(result.value, parent)):
            return [*found, Finding("E2", "the keys are not in the order that was asked for")]
    checks: tuple[tuple[Rule, str | None], ...] = (
        ("E1", positions.check(source, operation, result)),
        ("E3", comments.check(source, operation, result)),
        ("E4", style.check(source, operation, result)),
        ("E9", remarks.check(source, operation, result)),
    )
    return [*found, *(Finding(rule, message) for rule, message in checks if message)]
