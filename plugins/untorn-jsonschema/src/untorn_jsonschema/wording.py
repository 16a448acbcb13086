"""What a schema has against a value, in words for the person who wrote the value."""

from __future__ import annotations

import difflib
import json
import re
from typing import TYPE_CHECKING, Any

from untorn.sdk import Problem
from untorn_jsonschema.instances import Opaque, has_opaque, key_path

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from jsonschema import ValidationError

    from untorn.sdk import KeyPath, Proposal

MOST_SHOWN = 8
"""How many of the allowed values or keys a message lists."""

_LONGEST = 300


def problems_of(errors: Iterable[ValidationError], proposal: Proposal) -> list[Problem]:
    """Return one problem for each thing that is wrong, each once, in a stable order."""
    found = [problem for error in errors for leaf in leaves(error) for problem in _problems(leaf, proposal)]
    return sorted(dict.fromkeys(found), key=lambda problem: (repr(problem.where), problem.message))


# ── Which errors ────────────────────────────────────────────────────────────


def leaves(error: ValidationError) -> Iterator[ValidationError]:
    """Yield what is behind an error: where alternatives failed, the errors of the one that was meant."""
    if _cannot_be_judged(error):
        return
    if not error.context:
        yield error
        return
    branches: dict[object, list[ValidationError]] = {}
    for each in error.context:
        branches.setdefault(each.relative_schema_path[0], []).extend(leaves(each))
    if not all(branches.values()):
        return  # one alternative fits, but for what cannot be judged
    meant = [found for found in branches.values() if not any(_rules_out(leaf, error) for leaf in found)]
    if len(meant) == 1:
        yield from meant[0]
    else:
        yield error


_WHOLE = frozenset({"enum", "const", "contains", "minContains", "maxContains"})


def _cannot_be_judged(error: ValidationError) -> bool:
    if isinstance(error.instance, Opaque):
        return True
    return error.validator in _WHOLE and has_opaque(error.instance)


def _rules_out(leaf: ValidationError, alternatives: ValidationError) -> bool:
    """Return whether a leaf shows that its alternative was not meant.

    The value is of another type, or the key that tells alternatives apart says otherwise.
    """
    depth = len(leaf.absolute_path) - len(alternatives.absolute_path)
    return (leaf.validator == "type" and depth == 0) or (leaf.validator in ("const", "enum") and depth <= 1)


# ── Which words ─────────────────────────────────────────────────────────────


def _problems(error: ValidationError, proposal: Proposal) -> Iterator[Problem]:
    where = key_path(proposal.value, error.absolute_path)
    at: Any = _look_up(proposal.value, where)
    if isinstance(error.instance, str) and isinstance(at, dict):
        # propertyNames judges a key, and reports it at its mapping.
        path = key_path(proposal.value, (*error.absolute_path, error.instance))
        yield _of_key(path, _message(error), proposal)
    elif error.validator == "required" and isinstance(error.validator_value, list):
        instance: Any = error.instance
        for name in error.validator_value:
            if name not in instance:
                yield Problem("is required, and missing", where=(*where, name))
    elif error.validator == "additionalProperties" and isinstance(error.instance, dict):
        for name in unknown_keys(error.instance, error.schema):
            # Editors let every file name its schema, whatever the schema says.
            if (*error.absolute_path, name) != ("$schema",):
                path = key_path(proposal.value, (*error.absolute_path, name))
                yield _of_key(path, _unknown_key(name, error), proposal)
    else:
        yield Problem(_message(error), where=where)


def _look_up(value: Any, where: KeyPath) -> Any:  # noqa: ANN401  any plain data
    for part in where:
        value = value[part]
    return value


def _of_key(where: KeyPath, message: str, proposal: Proposal) -> Problem:
    """Return a problem that points at a key rather than at its value."""
    located = proposal.locate(where)
    return Problem(message, where=where, span=located.key if located else None)


def unknown_keys(instance: dict[str, object], schema: Any) -> list[str]:  # noqa: ANN401  a JSON value
    """Return the keys that ``schema`` has neither among its properties nor a pattern for."""
    known = schema.get("properties", {})
    patterns = list(schema.get("patternProperties", {}))
    return [
        key for key in instance if key not in known and not any(re.search(each, key) for each in patterns)
    ]


def _unknown_key(name: str, error: ValidationError) -> str:
    schema: Any = error.schema
    instance: Any = error.instance
    known = [key for key in schema.get("properties", {}) if key not in instance]
    near = difflib.get_close_matches(name, known, n=1)
    if near:
        return f"unknown key {name!r}: did you mean {near[0]!r}?"
    return f"unknown key {name!r}; allowed: {_listed(known)}" if known else f"unknown key {name!r}"


def _message(error: ValidationError) -> str:
    word = _WORDS.get(str(error.validator))
    message = word(error) if word else error.message
    return (
        message if len(message) <= _LONGEST else f"{message[: _LONGEST // 2]} … {message[-_LONGEST // 2 :]}"
    )


def _type(error: ValidationError) -> str:
    return _not_of_type(_as_list(error.validator_value), error.instance)


def _not_of_type(wanted: list[Any], instance: object) -> str:
    names = list(dict.fromkeys(_TYPES.get(str(each), str(each)) for each in wanted))
    either = " or ".join([", ".join(names[:-1]), names[-1]]) if len(names) > 1 else names[0]
    return f"must be {either}, and is {_KINDS.get(type(instance), 'null')}"


_TYPES = {
    "string": "a string",
    "integer": "an integer",
    "number": "a number",
    "boolean": "true or false",
    "null": "null",
    "object": "a mapping",
    "array": "a list",
}

_KINDS = {
    str: "a string",
    bool: "a boolean",
    int: "an integer",
    float: "a number",
    dict: "a mapping",
    list: "a list",
}


def _enum(error: ValidationError) -> str:
    allowed: Any = error.validator_value
    names = [each for each in allowed if isinstance(each, str)]
    near = difflib.get_close_matches(str(error.instance), names, n=1)
    meant = f": did you mean {near[0]!r}?" if near else ""
    return f"{_written(error.instance)} is not one of {_listed(allowed)}{meant}"


def _alternatives(error: ValidationError) -> str:
    if not error.context:
        return "fits more than one of the alternatives, and may fit only one"
    at_root = [each for each in error.context if each.validator == "type" and not each.relative_path]
    if len(at_root) == len(error.context):
        wanted = [each for leaf in at_root for each in _as_list(leaf.validator_value)]
        return _not_of_type(wanted, error.instance)
    reasons = list(dict.fromkeys(_reason(leaf, error) for each in error.context for leaf in leaves(each)))
    return f"fits none of the alternatives: {'; '.join(reasons[:MOST_SHOWN])}"


def _reason(leaf: ValidationError, alternatives: ValidationError) -> str:
    below = ".".join(map(str, list(leaf.absolute_path)[len(alternatives.absolute_path) :]))
    return f"{below}: {_message(leaf)}" if below else _message(leaf)


def _as_list(value: Any) -> list[Any]:  # noqa: ANN401  a JSON value
    return value if isinstance(value, list) else [value]


def _listed(values: Iterable[object]) -> str:
    written = [_written(value) for value in values]
    rest = len(written) - MOST_SHOWN
    return ", ".join(written[:MOST_SHOWN]) + (f" and {rest} more" if rest > 0 else "")


def _written(value: object) -> str:
    return repr(value) if isinstance(value, str) else json.dumps(value, default=repr)


_WORDS: dict[str, Callable[[ValidationError], str]] = {
    "type": _type,
    "enum": _enum,
    "const": lambda error: f"must be {_written(error.validator_value)}, and is {_written(error.instance)}",
    "anyOf": _alternatives,
    "oneOf": _alternatives,
    "not": lambda _error: "is what the schema says that it must not be",
    "pattern": lambda error: f"{error.instance!r} does not match the pattern {error.validator_value!r}",
    "format": lambda error: f"{error.instance!r} is not of the format {error.validator_value!r}",
    "None": lambda _error: "is not allowed here",
}
