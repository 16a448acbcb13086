"""``untorn set``, ``unset`` and ``append``: commands that change a document."""

from __future__ import annotations

import math
import sys
from typing import TYPE_CHECKING

from untorn.cli.colours import painted_diff
from untorn.cli.documents import Source
from untorn.cli.failures import explaining, writing
from untorn.cli.output import complain, say
from untorn.errors import UnrepresentableError
from untorn.host import Host
from untorn.sdk.limits import MAX_DIGITS, too_deep

if TYPE_CHECKING:
    from collections.abc import Callable
    from typing import TypeAlias

    from untorn.cli.arguments import Request
    from untorn.document import Document
    from untorn.values import Value

    Change: TypeAlias = Callable[[Document], None]


def set_value(request: Request) -> int:
    """Make a key path hold a value."""
    _, where, written = request.operands
    return _change(request, lambda document: document.set(where, _value(written, request)))


def append(request: Request) -> int:
    """Put a value behind the last item of a list."""
    _, where, written = request.operands
    return _change(request, lambda document: document.append(where, _value(written, request)))


def unset(request: Request) -> int:
    """Remove a key or a list item."""
    _, where = request.operands
    return _change(request, lambda document: document.delete(where))


def _change(request: Request, change: Change) -> int:
    host = Host(discover=True)
    source = Source(host, request.operands[0], request)
    foretells = request.dry_run or request.check
    with explaining(source, writes=not source.is_stdin):
        if foretells:
            return _foretell(host, source, change, request)
        if source.is_stdin:
            return _filter(host, source, change)
        return _save(host, source, change, request)


def _save(host: Host, source: Source, change: Change, request: Request) -> int:
    # The lock is held from read to save, so that two commands at once both count.
    with host.edit(
        source.name,
        format=request.format,
        document=request.document,
        create=request.create,
        timeout=request.timeout,
        allow_reformat=request.allow_reformat,
    ) as document:
        change(document)
    for warning in document.receipt.warnings if document.receipt else ():
        complain(f"{source.name}: {warning}")
    return 0


def _foretell(host: Host, source: Source, change: Change, request: Request) -> int:
    """Say what a save would do: its diff, or the error that it would raise."""
    document = _approved(host, source, change)
    diff = document.diff()
    if diff and request.dry_run:
        say(painted_diff(_under_its_name(diff, source), sys.stdout).removesuffix("\n"))
    if diff and request.check:
        complain(f"{source.name} would change")
    return 1 if diff and request.check else 0


def _filter(host: Host, source: Source, change: Change) -> int:
    """Write the changed document to standard output."""
    document = _approved(host, source, change)
    data = document.to_bytes()
    with writing():
        sys.stdout.buffer.write(data)
        sys.stdout.buffer.flush()
    return 0


def _approved(host: Host, source: Source, change: Change) -> Document:
    """Return the changed document, after the proof and the validators that a save would ask."""
    from untorn.proving import Witnesses, approve, prove  # noqa: PLC0415  a save asks by itself

    document = source.document()
    change(document)
    draft = source.draft(document)
    if draft.changes:  # nothing would be written otherwise, so nobody would be asked
        approve(prove(draft, document.path), Witnesses(host.problems), document.path)
    return document


def _under_its_name(diff: str, source: Source) -> str:
    """Return a unified diff whose header has the name that was typed."""
    rest = diff.split("\n", 2)[2]
    return f"--- {source.name}\n+++ {source.name}\n{rest}"


def _value(written: str, request: Request) -> Value:
    """Return what a VALUE means: JSON, or else the string itself.

    Raises:
        UnrepresentableError, LimitError: It is JSON that would not be kept as it is written.
    """
    import json  # noqa: PLC0415  not needed with --string

    if request.string:
        return written
    try:
        return json.loads(
            written,
            parse_int=_integer,
            parse_float=_float,
            parse_constant=_no_json,
            object_pairs_hook=_mapping,
        )
    except json.JSONDecodeError:
        return written
    except RecursionError:
        raise too_deep() from None


def _no_json(constant: str) -> Value:
    # Python reads NaN and Infinity, which are no JSON: so they are strings.
    import json  # noqa: PLC0415  see above

    msg = "not JSON"
    raise json.JSONDecodeError(msg, constant, 0)


def _integer(digits: str) -> int:
    if len(digits.lstrip("-")) > MAX_DIGITS:
        msg = f"VALUE is a number of more than {MAX_DIGITS} digits"
        raise UnrepresentableError(msg, hint="--string makes it a string")
    return int(digits)


def _float(written: str) -> float:
    number = float(written)
    if math.isinf(number):
        msg = f"{written} is larger than a number can be"
        raise UnrepresentableError(msg, hint="--string makes it a string")
    return number


def _mapping(pairs: list[tuple[str, Value]]) -> dict[str, Value]:
    mapping = dict(pairs)
    if len(mapping) != len(pairs):
        keys = [key for key, _ in pairs]
        twice = next(key for key in keys if keys.count(key) > 1)
        msg = f"VALUE has the key {twice!r} twice"
        raise UnrepresentableError(msg, hint="--string makes it a string")
    return mapping
