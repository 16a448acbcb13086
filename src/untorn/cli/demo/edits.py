"""The demo's first part: three commented files, edited."""

from __future__ import annotations

import sys
from difflib import ndiff
from typing import TYPE_CHECKING, NamedTuple

import untorn
from untorn.cli.colours import painted_diff
from untorn.cli.output import say

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from untorn.document import Document

_TOML = """\
# Settings of the night shift. Ask Ada before you touch the limits.
title = 'Night shift'   # single quotes, on purpose

[server]
host = "localhost"
port = 8_000            # the proxy knows this number, too
# Nobody remembers what this was for.
legacy = true

[[workers]]
name = "north"
"""

_YAML = """\
# What runs after every push.
on: [push]              # PyYAML reads this key as true

steps:
- checkout              # always first

- {run: tests, retries: 2}
"""

_JSONC = """\
{
    // The editor of the night shift.
    "editor.fontSize": 12,
    "rulers": [80, 110], /* as in the style guide */
    "files.exclude": {"**/*.pyc": true},
}
"""


class Example(NamedTuple):
    """A file, a change, and which lines that should take away and add."""

    name: str
    text: str
    change: Callable[[Document], None]
    removed: list[str]
    added: list[str]


def _change_toml(document: Document) -> None:
    document.set("server.port", 8080)
    document.delete("server.legacy")
    document.append("workers", {"name": "south"})


def _change_yaml(document: Document) -> None:
    document.set("steps[1].retries", 3)
    document.append("steps", "yes")


def _change_jsonc(document: Document) -> None:
    document.set(("editor.fontSize",), 14)
    document.append("rulers", 120)


EXAMPLES = (
    Example(
        "settings.toml",
        _TOML,
        _change_toml,
        ["port = 8_000            # the proxy knows this number, too",
         "# Nobody remembers what this was for.",
         "legacy = true"],
        ["port = 8_080            # the proxy knows this number, too", "", "[[workers]]", 'name = "south"'],
    ),
    Example(
        "pipeline.yaml",
        _YAML,
        _change_yaml,
        ["- {run: tests, retries: 2}"],
        ["- {run: tests, retries: 3}", '- "yes"'],
    ),
    Example(
        "editor.jsonc",
        _JSONC,
        _change_jsonc,
        ['    "editor.fontSize": 12,', '    "rulers": [80, 110], /* as in the style guide */'],
        ['    "editor.fontSize": 14,', '    "rulers": [80, 110, 120], /* as in the style guide */'],
    ),
)  # fmt: skip


def show_edits(directory: Path) -> list[str]:
    """Edit the files and show each diff; return what is not as promised."""
    return [reason for example in EXAMPLES for reason in _show(example, directory)]


def _show(example: Example, directory: Path) -> list[str]:
    path = directory / example.name
    untorn.write_text(path, example.text)
    with untorn.edit(path) as document:
        example.change(document)
        diff = document.diff().replace(str(path), example.name)
    say(painted_diff(diff, sys.stdout))
    removed, added = _lines_changed(example.text, untorn.open(path).text)
    if (removed, added) != (example.removed, example.added):
        return [f"the edit of {example.name} changed other lines than it should: {removed + added}"]
    return []


def _lines_changed(before: str, after: str) -> tuple[list[str], list[str]]:
    lines = list(ndiff(before.splitlines(), after.splitlines()))
    return (
        [line[2:] for line in lines if line.startswith("- ")],
        [line[2:] for line in lines if line.startswith("+ ")],
    )
