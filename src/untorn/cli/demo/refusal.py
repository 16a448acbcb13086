"""The demo's second part: a validator, and a save that it refuses."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

import untorn
from untorn.cli.colours import painted_carets
from untorn.cli.explanations import problem_lines
from untorn.cli.output import say
from untorn.sdk import Problem, Proposal, hookimpl

if TYPE_CHECKING:
    from pathlib import Path

_NAME = "service.toml"
_TEXT = """\
[server]
host = "localhost"
port = 8000  # below 1024 needs root
"""
_WRONG = 99_999


class PortCheck:
    """A plugin: what an application knows about its own settings."""

    @hookimpl
    def untorn_validate(self, proposal: Proposal) -> list[Problem]:
        """Object to a port that cannot be one."""
        port = proposal.value["server"]["port"]
        if port in range(1, 65_536):
            return []
        return [Problem(f"{port} is not a port number", where=("server", "port"))]


def show_refusal(directory: Path) -> list[str]:
    """Try to save what the validator refuses; return what is not as promised."""
    path = directory / _NAME
    untorn.write_text(path, _TEXT)
    host = untorn.Host(plugins=[PortCheck()])
    try:
        with host.edit(path) as document:
            document.set("server.port", _WRONG)
    except untorn.RejectedError as error:
        say(painted_carets(problem_lines(error.problems, _NAME), sys.stdout))
        return _unlike_promised(path, error)
    return [f"a save of port {_WRONG} was not refused"]


def _unlike_promised(path: Path, error: untorn.RejectedError) -> list[str]:
    broken = []
    [problem] = error.problems
    if not problem.excerpt.endswith("^" * len(str(_WRONG))) or not problem.location:
        broken.append("the problem does not point at the culprit")
    if untorn.open(path).text != _TEXT:
        broken.append("a refused save changed the file")
    else:
        say(f"{_NAME} was not changed.")
    return broken
