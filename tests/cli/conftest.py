"""What tests of the command share: it runs in a directory of its own, and is called like a function."""

from __future__ import annotations

import io
import os
import signal
import sys
from pathlib import Path
from typing import TYPE_CHECKING, NamedTuple

import pytest
from calls import watched
from processes import exit_code, forked

from evidence import transaction
from untorn.cli import main

if TYPE_CHECKING:
    from collections.abc import Callable

SRC = Path(main.__code__.co_filename).parents[2]


class Outcome(NamedTuple):
    """What a command returned and printed."""

    status: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    for name in ("NO_COLOR", "FORCE_COLOR"):
        monkeypatch.delenv(name, raising=False)
    return tmp_path


@pytest.fixture
def untorn(capfd: pytest.CaptureFixture[str]) -> Callable[..., Outcome]:
    """Run a command in this process."""

    def run(*argv: str) -> Outcome:
        status = main(argv)
        printed = capfd.readouterr()
        return Outcome(status, printed.out, printed.err)

    return run


@pytest.fixture
def half_done(here: Path) -> Path:
    """A directory in which a transaction was killed before its second rename."""
    transaction.prepare(here)

    def die() -> None:
        seen: list[str] = []

        def strike(_number: int, name: str) -> None:
            seen.append(name)
            if seen.count("rename") == 2:
                os.kill(os.getpid(), signal.SIGKILL)

        with watched(before=strike):
            transaction.transact(here)

    assert exit_code(forked(die)) == -signal.SIGKILL
    return here


@pytest.fixture
def stdin(monkeypatch: pytest.MonkeyPatch) -> Callable[[bytes], None]:
    """Put something on standard input."""

    def put(data: bytes) -> None:
        monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(data)))

    return put


@pytest.fixture
def environment() -> dict[str, str]:
    """What a child process needs to find this untorn."""
    return {**os.environ, "PYTHONPATH": str(SRC), "PYTHONDONTWRITEBYTECODE": "1"}


@pytest.fixture
def port_checks(monkeypatch: pytest.MonkeyPatch) -> None:
    """Install three validators, as far as the command can tell; the third crashes."""
    from untorn.registry import Registry
    from untorn.sdk import Problem, Proposal, hookimpl

    class Objects:
        def __init__(self, message: str) -> None:
            self.message = message

        @hookimpl
        def untorn_validate(self, proposal: Proposal) -> list[Problem]:
            port = proposal.value["server"]["port"]
            return [Problem(self.message, where=("server", "port"))] if port > 8000 else []

    class Crashes:
        @hookimpl
        def untorn_validate(self, proposal: Proposal) -> list[Problem]:
            if proposal.value["server"]["port"] > 8000:
                raise RuntimeError("boom")
            return []

    def discover(self: Registry) -> None:
        # The one admitted last is asked first; problems of one place keep that order.
        self.admit(Crashes(), "three")
        self.admit(Objects("not prime"), "two")
        self.admit(Objects("too high"), "one")

    monkeypatch.setattr(Registry, "discover", discover)
