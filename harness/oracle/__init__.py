"""The judge: what an edit of a configuration file may change, and what it may not.

Nothing below this package imports untorn, nor any library that untorn uses to find
positions: a judge that shares code with the accused shares its mistakes. Values come
from tomllib, ``json`` and PyYAML's events; positions and comments are found here.

The rules are E1 to E5 of the project's page on edits; each check names its rule.
"""

from harness.oracle.operations import Operation, Path, apply, missing
from harness.oracle.reading import read
from harness.oracle.rules import Finding, judge
from harness.oracle.source import RefusedError, Source
from harness.oracle.values import Tag, same

__all__ = [
    "Finding",
    "Operation",
    "Path",
    "RefusedError",
    "Source",
    "Tag",
    "apply",
    "judge",
    "missing",
    "read",
    "same",
]
