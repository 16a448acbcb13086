"""The messages of errors, with what the command knows besides: the name as typed, and the text."""

from __future__ import annotations

import re
import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from untorn.cli.colours import painted_carets
from untorn.errors import (
    KeyPathError,
    LoadError,
    NotDurableError,
    PluginError,
    RejectedError,
    SaveError,
    UnknownOutcomeError,
    UntornError,
)
from untorn.text import excerpt_at, offset_at

if TYPE_CHECKING:
    from collections.abc import Sequence

    from untorn.cli.documents import Source
    from untorn.records import Location, Problem


def explanation(error: UntornError | OSError, source: Source, *, writes: bool = False) -> str:
    """Return what to print about ``error``, which came up with ``source``."""
    if isinstance(error, UntornError):
        error.hint = _for_the_shell(error.hint)
    lines = [_message(error, source)]
    if writes and _left_alone(error):
        lines.append(f"  {source.name} was not changed")
    return painted_carets("\n".join(lines), sys.stderr)


_ARGUMENT = re.compile(r"""\b(format|document|timeout)=(["']?)(\w*)\2""")
_SPELLINGS = (
    (" (--document)", ""),
    ("allow_reformat=True (--allow-reformat)", "--allow-reformat"),
    ("allow_reformat=True", "--allow-reformat"),
    (", or give a tuple", ""),
    (", or say force=True", ""),
)


def _for_the_shell(hint: str) -> str:
    """Return a hint with the options of the command in place of the arguments of functions."""
    for function, command in _SPELLINGS:
        hint = hint.replace(function, command)
    return _ARGUMENT.sub(lambda found: f"--{found[1]} {found[3]}".rstrip(), hint)


def _left_alone(error: UntornError | OSError) -> bool:
    """Return whether there is a file, and this error means that it is as it was."""
    return not isinstance(error, (FileNotFoundError, NotDurableError, UnknownOutcomeError))


def _message(error: UntornError | OSError, source: Source) -> str:
    match error:
        case RejectedError():
            message = f"{problem_lines(error.problems, source.name)}\n{source.name}: {error.reason}"
        case LoadError() | SaveError():
            message = _with_excerpt(error, source)
        case KeyPathError():
            message = f"{source.place(error.where)}: {error}"
        case PluginError() | NotDurableError() | UnknownOutcomeError():
            message = str(error)
        case UntornError():
            message = f"{source.name}: {error}"
        case FileNotFoundError():
            hint = "check the name; untorn set --create makes a new file"
            message = f"{source.name}: no such file\n  hint: {hint}"
        case _:
            message = f"{error.filename or source.name}: {error.strerror or error}"
    return message


def _with_excerpt(error: LoadError | SaveError, source: Source) -> str:
    """Return a message under the name that was typed, with the line that it is about."""
    excerpt = _excerpt(error, source)
    error.path = Path(source.name)
    if error.location is not None:
        error.location = as_typed(error.location, source.name)
    if not excerpt:
        return str(error)
    first, *rest = str(error).split("\n")
    return "\n".join([first, excerpt, *rest])


def _excerpt(error: LoadError | SaveError, source: Source) -> str:
    if error.location is None:
        return ""
    text = source.text_at(error.revision) if isinstance(error, LoadError) else None
    if text is None:
        return ""
    offset = offset_at(text, error.location.line, error.location.column)
    return excerpt_at(text, offset, offset)


def as_typed(location: Location, name: str) -> Location:
    """Return a location under the name that was typed."""
    return replace(location, path=Path(name))


def problem_lines(problems: Sequence[Problem], name: str) -> str:
    """Return what validators object to, each with its place and the line with carets."""
    named = [
        replace(each, location=as_typed(each.location, name)) if each.location else each for each in problems
    ]
    return "\n".join(str(each) if each.location else f"{name}: {each}" for each in named)
