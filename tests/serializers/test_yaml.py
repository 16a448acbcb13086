"""The YAML serializer: what it reads and what its edits leave alone."""

from __future__ import annotations

from untorn.changes import Delete, Insert, Set, applied
from untorn.edits import apply_edits
from untorn.serializers.yaml import serializer
from untorn.values import same_value

CASES = [
    ("a: 1\nb: 2 # c\n", Set((0, "a"), "no"), 'a: "no"\nb: 2 # c\n'),
    ("a:\n  b: 1 # x\n", Delete((0, "a", "b")), "a: {}\n"),
    ("- a: 1\n  b: 2\n", Delete((0, 0, "a")), "- b: 2\n"),
    ("a:\n- x\n# end\n", Insert((0, "a", 1), "z"), "a:\n- x\n- z\n# end\n"),
    ("a: |\n  text", Set((0, "b"), 1), "a: |-\n  text\nb: 1"),
]


def test_an_edit_changes_nothing_else() -> None:
    for text, operation, expected in CASES:
        new = apply_edits(text, serializer.patch(text, [operation]))
        assert new == expected
        assert same_value(serializer.parse_all(new), applied(serializer.parse_all(text), [operation]))
