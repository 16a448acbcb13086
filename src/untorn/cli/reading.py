"""``untorn get`` and ``untorn validate``: commands that only read."""

from __future__ import annotations

import sys

from untorn.cli.documents import Source
from untorn.cli.failures import CommandError, explaining
from untorn.cli.output import complain, say, say_value, shown
from untorn.host import Host
from untorn.keypath import MISSING, look_up, resolve_keypath

TYPE_CHECKING = False  # no command should pay for typing
if TYPE_CHECKING:
    from untorn.cli.arguments import Request
    from untorn.values import Value


def get(request: Request) -> int:
    """Print the value at a key path, or the whole value."""
    file, *rest = request.operands
    # No validators take part in reading: a host without them starts faster,
    # and finds the serializer of a format that is not in the box all the same.
    source = Source(Host(), file, request)
    with explaining(source):
        value = source.value()
        say_value(shown(_found(value, rest[0]) if rest else value))
    return 0


def _found(value: Value, written: str) -> Value:
    where = resolve_keypath(written, value)
    found = look_up(value, where)
    if found is MISSING:
        from untorn.operations import nothing_at  # noqa: PLC0415  only for errors

        raise nothing_at(where, value)
    return found


def validate(request: Request) -> int:
    """Parse every file, ask the validators about each, and report all problems of all."""
    host = Host(discover=True)
    valid = [_is_valid(host, file, request) for file in request.operands]
    return 0 if all(valid) else 1


def _is_valid(host: Host, file: str, request: Request) -> bool:
    source = Source(host, file, request)
    try:
        with explaining(source):
            problems = _problems(host, source)
    except CommandError as failure:
        complain(str(failure))
        return False
    if problems:
        complain(problems)
        return False
    say(f"{source.name}: valid")
    return True


def _problems(host: Host, source: Source) -> str:
    """Return what the validators say about a document as it is, ready to be shown."""
    from untorn.proving import proposal_of  # noqa: PLC0415  get does not need it

    document = source.document()
    problems = host.problems(proposal_of(source.draft(document), document.path))
    if not problems:
        return ""
    from untorn.cli.colours import painted_carets  # noqa: PLC0415  only for problems
    from untorn.cli.explanations import problem_lines  # noqa: PLC0415  only for problems

    return painted_carets(problem_lines(problems, source.name), sys.stderr)
