"""Schemas: read from local files, checked, and followed from one to the next."""

from __future__ import annotations

import json
import os
from functools import lru_cache
from pathlib import Path
from typing import TYPE_CHECKING, Any

import referencing
from jsonschema import (
    Draft3Validator,
    Draft4Validator,
    Draft6Validator,
    Draft7Validator,
    Draft201909Validator,
    Draft202012Validator,
    SchemaError,
)
from referencing.exceptions import NoSuchAnchor, NoSuchResource, PointerToNowhere, Unresolvable
from referencing.jsonschema import DRAFT202012, specification_with

from untorn.sdk import UntornError
from untorn_jsonschema.finding import local_path

if TYPE_CHECKING:
    from jsonschema import ValidationError
    from jsonschema.protocols import Validator
    from referencing.jsonschema import Schema, SchemaResource

    from untorn.sdk import Proposal

_KINDS: tuple[type[Validator], ...] = (
    Draft3Validator,
    Draft4Validator,
    Draft6Validator,
    Draft7Validator,
    Draft201909Validator,
    Draft202012Validator,
)


class BadSchemaError(Exception):
    """A schema cannot be used; the message says which and why."""


def errors_of(instance: Any, path: str, proposal: Proposal) -> list[ValidationError]:  # noqa: ANN401  a JSON value
    """Return what the schema at ``path`` has against ``instance``.

    Args:
        instance: A JSON value.
        path: The schema's file, from the directory of the proposal's file.
        proposal: Reads the schema, and what it refers to.

    Raises:
        BadSchemaError: It is missing, broken, or refers to what is not there.
    """
    beside = proposal.path.parent if proposal.path else Path()
    # Not resolved: what a link in a package manager's store refers to stands beside the link.
    location = os.path.abspath(beside / path)  # noqa: PTH100
    schema, kind = _read(location, path, proposal)
    uri = Path(location).as_uri()

    def retrieve(wanted: str) -> SchemaResource:
        found = local_path(wanted) if wanted.startswith("file:") else None
        if found is None:
            raise NoSuchResource(ref=wanted)  # type: ignore[call-arg]  # mypy does not see attrs' __init__
        contents, _ = _read(found, Path(found).name, proposal)
        return _resource(contents, kind)

    registry: referencing.Registry[Schema] = referencing.Registry(retrieve=retrieve)  # type: ignore[call-arg]  # the same
    # By reference to its own place, so that relative references in it start there.
    validator = kind(
        {"$ref": uri},
        registry=registry.with_resource(uri, _resource(schema, kind)),
        format_checker=kind.FORMAT_CHECKER,
    )
    try:
        return list(validator.iter_errors(instance))
    except Unresolvable as error:
        raise _unresolvable(error, path) from error
    except RecursionError:
        msg = f"the schema {path!r} refers to itself without end"
        raise BadSchemaError(msg) from None


def _resource(contents: Schema, kind: type[Validator]) -> SchemaResource:
    specification = specification_with(str(kind.META_SCHEMA["$schema"]), default=DRAFT202012)
    return referencing.Resource.from_contents(contents, default_specification=specification)


def _unresolvable(error: Unresolvable, path: str) -> BadSchemaError:
    """Return what a reference that leads nowhere means; the reason is at the end of the causes."""
    cause: BaseException | None = error
    why = f"{error.ref!r}, which is not a local file, and nothing is fetched"
    while cause is not None:
        if isinstance(cause, BadSchemaError):
            return cause
        if isinstance(cause, NoSuchAnchor):
            why = f"'#{cause.anchor}', which is not there"
        if isinstance(cause, PointerToNowhere):
            why = f"'#{cause.ref}', which is not there"
        cause = cause.__cause__ or cause.__context__  # older versions of the library do not chain
    return BadSchemaError(f"the schema {path!r} refers to {why}")


def _read(location: str, name: str, proposal: Proposal) -> tuple[Schema, type[Validator]]:
    try:
        data = proposal.read(location)
    except (OSError, UntornError) as error:
        reason = getattr(error, "strerror", None) or getattr(error, "reason", None) or error
        msg = f"cannot read the schema {name!r}: {reason}"
        raise BadSchemaError(msg) from error
    return _checked(data, name)


@lru_cache(maxsize=32)
def _checked(data: bytes, name: str) -> tuple[Schema, type[Validator]]:
    """Return a schema and the validator for its draft.

    Cached, because a schema is checked against the schema of schemas, which takes
    longer than most files take to be checked against theirs.
    """
    try:
        schema = json.loads(data)
    except (ValueError, RecursionError) as error:
        msg = f"the schema {name!r} is not JSON: {error}"
        raise BadSchemaError(msg) from None
    if not isinstance(schema, (dict, bool)):
        msg = f"the schema {name!r} is not a schema: expected an object, true or false"
        raise BadSchemaError(msg)
    kind = _validator_for(schema, name)
    try:
        if isinstance(schema, dict):
            kind.check_schema(schema)
    except SchemaError as error:
        msg = f"the schema {name!r} is broken: {error.json_path}: {error.message[:300]}"
        raise BadSchemaError(msg) from None
    return schema, kind


def _validator_for(schema: Schema, name: str) -> type[Validator]:
    """Return the validator for the draft that a schema says it is written in."""
    said = schema.get("$schema", _LATEST) if not isinstance(schema, bool) else _LATEST
    kind = _DRAFTS.get(_bare(str(said)))
    if kind is None:
        msg = f"the schema {name!r} is written in {said!r}, which is no known draft of JSON Schema"
        raise BadSchemaError(msg)
    return kind


def _bare(draft: str) -> str:
    # The names of older drafts begin with http and end with #, and authors mix that up.
    return draft.removeprefix("https:").removeprefix("http:").removesuffix("#")


_LATEST = "http://json-schema.org/schema#"
_DRAFTS: dict[str, type[Validator]] = {
    **{_bare(str(kind.META_SCHEMA["$schema"])): kind for kind in _KINDS},
    _bare(_LATEST): Draft202012Validator,
}
