"""Refuse to save what a JSON Schema does not allow."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

from untorn.sdk import Problem, hookimpl
from untorn_jsonschema.finding import Named, named_in
from untorn_jsonschema.instances import as_json
from untorn_jsonschema.schemas import BadSchemaError, errors_of
from untorn_jsonschema.wording import problems_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from untorn.sdk import Proposal


class JsonSchema:
    """A validator; its name among plugins is ``jsonschema``.

    Args:
        schema: The schema of every file that is saved, whatever the file says
            itself; a relative path starts at the current directory. Without
            it, each file names its own, or is not validated.
    """

    def __init__(self, *, schema: str | os.PathLike[str] | None = None) -> None:
        # Taken now: a program that changes its directory still means this file.
        self._schema = None if schema is None else Named(os.path.abspath(schema))  # noqa: PTH100  Path.resolve follows links

    @hookimpl
    def untorn_validate(self, proposal: Proposal) -> Iterable[Problem]:
        """Return one problem for everything in the value that the schema does not allow."""
        if proposal.format is None:
            return []
        named = self._schema or named_in(proposal)
        if named is None:
            return []
        instance = as_json(proposal.value)
        try:
            errors = errors_of(instance, named.path, proposal)
        except BadSchemaError as bad:
            return [Problem(str(bad), where=named.where, span=named.span)]
        return problems_of(errors, proposal)


__all__ = ["JsonSchema"]
