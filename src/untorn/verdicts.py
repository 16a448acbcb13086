"""What validators answer: heard out one by one, checked, and placed in the text."""

from __future__ import annotations

import logging
import traceback
from collections.abc import Iterable, Mapping
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from untorn.admission import described
from untorn.changes import ChangeSet, Insert, Set
from untorn.edits import Span
from untorn.records import Problem
from untorn.text import excerpt_at, location_at
from untorn.values import copied

if TYPE_CHECKING:
    from collections.abc import Callable

    from untorn.changes import Operation
    from untorn.keypath import KeyPath
    from untorn.records import Located, Proposal

MOST_PROBLEMS = 250
"""How many problems of one validator are heard: nobody reads more, and a generator may never end."""

log = logging.getLogger("untorn")


def copy_for_one(proposal: Proposal) -> Proposal:
    """Return ``proposal`` with plain data of its own: no validator can change what another sees."""
    return replace(
        proposal,
        value=copied(proposal.value),
        base=copied(proposal.base),
        changes=ChangeSet(tuple(map(_copied_operation, proposal.changes))),
    )


def _copied_operation(operation: Operation) -> Operation:
    if isinstance(operation, (Set, Insert)):
        return replace(operation, value=copied(operation.value))
    return operation


def asked(plugin: str, ask: Callable[[], object], proposal: Proposal) -> list[Problem]:
    """Return the problems that one validator has, or is, with their places in the text.

    A crash and an answer that is no iterable of problems are problems
    themselves; what was answered before a generator crashed counts.
    """
    heard: list[Problem] = []
    try:
        for problem in _checked(ask()):
            if len(heard) == MOST_PROBLEMS:
                heard.append(fault(plugin, f"has more than {MOST_PROBLEMS} problems: the rest is not listed"))
                break
            heard.append(_placed(problem, plugin, proposal))
    except _NonsenseError as nonsense:
        heard.append(fault(plugin, f"answered nonsense: {nonsense}"))
    except (Exception, SystemExit) as error:
        log.debug("plugin %r crashed while validating", plugin, exc_info=True)
        heard.append(fault(plugin, f"crashed: {described(error)}{_origin(error)}"))
    return heard


def fault(plugin: str, message: str) -> Problem:
    """Return a problem of the plugin itself: it has no place in the text."""
    return Problem(message, plugin=plugin)


class _NonsenseError(Exception):
    """A validator answered something that is not what the hook promises."""


def _checked(answer: object) -> Iterable[Problem]:
    if isinstance(answer, Problem):
        msg = "a single Problem: return it in a list"
        raise _NonsenseError(msg)
    if isinstance(answer, (str, bytes, Mapping)) or not isinstance(answer, Iterable):
        msg = f"{_short(answer)} is not a list of problems: return [] to agree"
        raise _NonsenseError(msg)
    for problem in answer:
        if not isinstance(problem, Problem):
            msg = f"{_short(problem)} is not a Problem"
            raise _NonsenseError(msg)
        yield problem


def _short(answer: object) -> str:
    text = repr(answer)
    return text if len(text) <= 80 else f"{text[:77]}..."  # noqa: PLR2004  the same length


def _origin(error: BaseException) -> str:
    """Return the file and line in which a plugin crashed, for its author."""
    frames = traceback.extract_tb(error.__traceback__)
    return f" ({Path(frames[-1].filename).name}, line {frames[-1].lineno})" if frames else ""


# ── Where ───────────────────────────────────────────────────────────────────


def in_order(problems: Iterable[Problem]) -> list[Problem]:
    """Return ``problems`` in the order of the text; those without a place come last."""
    return sorted(problems, key=_position)


def _position(problem: Problem) -> tuple[bool, int, int]:
    place = problem.location
    return (place is None, place.line if place else 0, place.column if place else 0)


def _placed(problem: Problem, plugin: str, proposal: Proposal) -> Problem:
    """Return ``problem`` with location, span and excerpt.

    A key path that leads nowhere (something is missing) is located at the
    nearest thing above it that is there, and has no span.
    """
    exact = _exact(problem, proposal)
    shown = exact or _above(problem, proposal)
    if shown is None or proposal.text is None:
        return problem.at(plugin=plugin, location=None, span=None, excerpt="")
    return problem.at(
        plugin=plugin,
        location=location_at(proposal.text, shown.start, proposal.path),
        span=exact,
        excerpt=excerpt_at(proposal.text, shown.start, shown.stop),
    )


def _exact(problem: Problem, proposal: Proposal) -> Span | None:
    """Return the span that the validator gave, if it is one; else that of the value."""
    given = problem.span
    if isinstance(given, Span) and given.stop <= len(proposal.text or ""):
        return given
    found = _located(proposal, problem.where)
    return found.value if found else None


def _above(problem: Problem, proposal: Proposal) -> Span | None:
    for length in range(len(problem.where) - 1, -1, -1):
        found = _located(proposal, problem.where[:length])
        if found:
            # The whole of what lacks something would be underlined: its key, or its beginning, says enough.
            return found.key or Span(found.value.start, found.value.start)
    return None


def _located(proposal: Proposal, where: KeyPath) -> Located | None:
    try:
        return proposal.locate(where)
    except Exception:  # a serializer's defect must not hide what a validator has to say
        log.debug("locating %r failed", where, exc_info=True)
        return None
