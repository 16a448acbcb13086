"""The ``untorn`` command.

Only what a command needs is imported: the table of commands names the module
and the function of each, and ``main`` imports that one.
"""

from __future__ import annotations

import sys

from untorn.cli.arguments import COMMANDS, Request, UsageError, parse
from untorn.cli.failures import (
    INTERRUPTED,
    PIPE_CLOSED,
    USAGE,
    CommandError,
    forget_output,
    open_streams,
    unexplained,
    writing,
)
from untorn.errors import UntornError

TYPE_CHECKING = False  # no command should pay for typing
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def main(argv: Sequence[str] | None = None) -> int:
    """Run a command and return its exit status: 0 done, 1 refused or not found, 2 usage.

    Args:
        argv: The arguments without the program's name; those of the process by default.
    """
    open_streams()
    try:
        status = _run(sys.argv[1:] if argv is None else argv)
        with writing():
            sys.stdout.flush()  # here, where it can still be said that it failed
    except BrokenPipeError:
        forget_output()
        return PIPE_CLOSED
    except UsageError as error:
        _say(error)
        return USAGE
    except CommandError as failure:
        _say(failure)
        return failure.status
    except KeyboardInterrupt as interrupt:
        _say("\n".join(["interrupted", *getattr(interrupt, "__notes__", ())]))
        return INTERRUPTED
    except (UntornError, OSError) as error:
        _say(unexplained(error))
        return 1
    return status


def _run(argv: Sequence[str]) -> int:
    request = parse(argv)
    if isinstance(request, str):
        with writing():
            sys.stdout.write(f"{request}\n")
        return 0
    return _function_of(request)(request)


def _function_of(request: Request) -> Callable[[Request], int]:
    module, _, function = COMMANDS[request.command].runs.partition(":")
    __import__(module)  # as in untorn itself
    found: Callable[[Request], int] = getattr(sys.modules[module], function)
    return found


def _say(message: object) -> None:
    try:
        sys.stderr.write(f"{message}\n")
        sys.stderr.flush()
    except OSError:
        return  # nobody may be listening, and the exit status says it all
