"""The stages between a draft and its commit: proved by reading it back, approved by every validator.

Each has a type of its own, so that leaving one out is a type error.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from untorn import loading
from untorn.changes import ChangeSet, difference
from untorn.drafts import without_prefix
from untorn.errors import LoadError, ProofError, RejectedError
from untorn.keypath import format_keypath
from untorn.records import Problem, Proposal, Receipt
from untorn.text import decode
from untorn.values import same_value, surely_same

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from untorn.drafts import Draft
    from untorn.keypath import KeyPath


@dataclass(frozen=True, slots=True)
class Witnesses:
    """Who is asked before a save, and who is told afterwards."""

    validate: Callable[[Proposal], list[Problem]] | None = None
    saved: Callable[[Receipt], None] | None = None


@dataclass(frozen=True, slots=True)
class Proved:
    """A draft whose very bytes read back as what was asked for."""

    draft: Draft


@dataclass(frozen=True, slots=True)
class Approved:
    """A proved draft to which no validator objects."""

    proved: Proved

    @property
    def draft(self) -> Draft:
        """What was approved."""
        return self.proved.draft


def prove(draft: Draft, path: Path | None) -> Proved:
    """Parse the exact bytes again and compare them with the value asked for.

    Raises:
        ProofError: They do not read back as that value; nothing was written.
    """
    if draft.selection is not None:
        try:
            source = decode(draft.data, encodings=draft.selection.encodings)
            found = draft.selection.parse(source.text)
        except LoadError as error:
            raise _disproved(f"it would not be valid: {error.reason}", draft, path) from error
        if not surely_same(found, draft.expected) and not same_value(found, draft.expected):
            [*_, first] = difference(draft.expected, found)
            raise _disproved(f"{format_keypath(first.path)} would read back differently", draft, path)
    return Proved(draft)


def _disproved(reason: str, draft: Draft, path: Path | None) -> ProofError:
    return ProofError(
        f"not saved ({draft.changes}): {reason}",
        path=path,
        hint="this is a defect of the serializer, please report it; "
        "allow_reformat=True renders the file anew",
    )


def approve(proved: Proved, witnesses: Witnesses, path: Path | None) -> Approved:
    """Ask every validator.

    Raises:
        RejectedError: With all problems of all of them; nothing was written.
    """
    if witnesses.validate is not None:
        problems = witnesses.validate(proposal_of(proved.draft, path))
        if problems:
            raise RejectedError(problems, path=path)
    return Approved(proved)


def proposal_of(draft: Draft, path: Path | None) -> Proposal:
    """Return what validators get to see of a draft."""
    selection, source = draft.selection, draft.source

    def read(relative: str) -> bytes:
        return _read_beside(path, relative)

    prefix = len(selection.prefix) if selection else 0
    changes = ChangeSet(tuple(without_prefix(each, prefix) for each in draft.changes))
    return Proposal(
        path=path,
        format=selection.serializer.name if selection else None,
        value=selection.picked(draft.expected) if selection else None,
        text=source.text if source else None,
        data=draft.data,
        base=draft.base,
        changes=changes,
        locate=selection.locator(source.text) if selection and source else _nowhere,
        read=read,
    )


def _nowhere(_path: KeyPath) -> None:
    """Opaque bytes have no places."""


def _read_beside(path: Path | None, relative: str) -> bytes:
    from pathlib import Path  # noqa: PLC0415  only validators with a schema come here

    beside = path.parent / relative if path else Path(relative)
    data = loading.read(beside).data
    if data is None:
        raise FileNotFoundError(2, "no such file", str(beside))
    return data
