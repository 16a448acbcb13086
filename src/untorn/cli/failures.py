"""What went wrong, in words: which file, where, why, what became of it, and what to do next."""

from __future__ import annotations

import os
import sys
from contextlib import contextmanager

from untorn.errors import UntornError

TYPE_CHECKING = False  # no command should pay for typing
if TYPE_CHECKING:
    from collections.abc import Iterator

    from untorn.cli.documents import Source

USAGE = 2
INTERRUPTED = 130
PIPE_CLOSED = 141
"""What a shell reports of a program that a closed pipe, or Ctrl-C, ended: 128 and the signal."""


class CommandError(Exception):
    """A command failed; the message is ready to be shown.

    Attributes:
        status: The exit status.
    """

    def __init__(self, message: str, *, status: int = 1) -> None:
        super().__init__(message)
        self.status = status


@contextmanager
def explaining(source: Source, *, writes: bool = False) -> Iterator[None]:
    """Turn an error about ``source`` into a ``CommandError`` that says all there is to say.

    Args:
        source: What the block reads or edits.
        writes: Whether the block would change a file, so that people will ask
            what became of it.
    """
    try:
        yield
    except BrokenPipeError:
        raise  # that is the output's
    except (UntornError, OSError) as error:
        from untorn.cli.explanations import explanation  # noqa: PLC0415  success does not pay for it

        raise CommandError(explanation(error, source, writes=writes)) from error


@contextmanager
def writing() -> Iterator[None]:
    """Turn an error of standard output into a ``CommandError``; a closed pipe stays what it is."""
    try:
        yield
    except BrokenPipeError:
        raise
    except OSError as error:
        forget_output()
        msg = f"standard output: {error.strerror or error}"
        raise CommandError(msg) from error


def unexplained(error: UntornError | OSError) -> str:
    """Return the message for an error that is about no document."""
    if isinstance(error, UntornError):
        return str(error)
    return f"{error.filename or 'untorn'}: {error.strerror or error}"


def forget_output() -> None:
    """Keep the interpreter from flushing standard output again when it ends, and failing again."""
    try:
        descriptor = sys.stdout.fileno()
    except (OSError, ValueError):
        return  # a test's standard output has none
    _lead_nowhere(descriptor)


def open_streams() -> None:
    """Let a standard stream that is closed lead nowhere.

    Otherwise the next file that is opened gets its number, and what some
    library says on standard error goes into that file.
    """
    for descriptor, name in enumerate(("stdin", "stdout", "stderr")):
        if getattr(sys, name) is None:  # as Python says it
            _lead_nowhere(descriptor)
            setattr(sys, name, os.fdopen(descriptor, "w" if descriptor else "r", closefd=False))


def _lead_nowhere(descriptor: int) -> None:
    nowhere = os.open(os.devnull, os.O_RDWR)
    if nowhere != descriptor:
        os.dup2(nowhere, descriptor)
        os.close(nowhere)
