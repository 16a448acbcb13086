"""The reference page names every command with its operands, and every option."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from untorn.cli.arguments import COMMANDS, Option

PAGE = (Path(__file__).parents[2] / "docs" / "reference" / "command-line.md").read_text("utf-8")
OPTIONS = dict.fromkeys(option for command in COMMANDS.values() for option in command.options)


def headings() -> list[str]:
    return re.findall(r"(?m)^#{2,3} `(.*)`$", PAGE)


@pytest.mark.parametrize("name", COMMANDS)
def test_every_command_has_a_heading_and_a_list_of_exactly_its_options(name: str) -> None:
    heading = " ".join([f"untorn {name}", *COMMANDS[name].operands])
    [section] = re.findall(rf"(?ms)^## `{re.escape(heading)}`\n(.*?)(?=^## )", PAGE)
    [listed] = re.findall(
        r"(?s)^Options: (.*?)$(?=\n\n|\Z)", section.strip()[section.strip().rindex("Options: ") :]
    )
    assert re.findall(r"`(--[\w-]+)`", listed) == [option.name for option in COMMANDS[name].options]


@pytest.mark.parametrize("option", OPTIONS, ids=str)
def test_every_option_has_a_heading(option: Option) -> None:
    assert str(option) in headings()


def test_nothing_has_a_heading_that_does_not_exist() -> None:
    known = (
        {f"untorn {name}" for name in COMMANDS}
        | {option.name for option in OPTIONS}
        | {"--help", "--version"}
    )
    assert [each for each in headings() if not each.startswith(tuple(known))] == []
