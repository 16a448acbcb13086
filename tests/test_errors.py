"""Errors: they pickle, say where and what next, and are what a caller would catch."""

from __future__ import annotations

import copy
import errno
import inspect
import pickle
from pathlib import Path
from typing import Any

import pytest

from untorn import errors
from untorn.records import Location, Problem, Receipt, Revision

PATH = Path("/etc/app.toml")
PLACE = Location(PATH, 3, 7)
RECEIPT = Receipt(PATH, changed=True, durable=False, revision=Revision("ab" * 32))


def made(kind: type[errors.UntornError]) -> errors.UntornError:
    """An error of this kind with every field filled."""
    fields: dict[str, Any] = {
        "problems": [Problem("bad", where=("a",))], "path": PATH, "location": PLACE, "errno": errno.EACCES,
        "where": ("a", 0), "hint": "try again", "receipt": RECEIPT, "plugin": "schema",
    }  # fmt: skip
    names = inspect.signature(kind.__init__).parameters
    first = [fields.pop("problems")] if "problems" in names else ["it went wrong"]
    return kind(*first, **{name: value for name, value in fields.items() if name in names})


KINDS = [
    kind
    for _, kind in inspect.getmembers(errors, inspect.isclass)
    if issubclass(kind, errors.UntornError) and not kind.__name__.startswith("_")
]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_survives_pickling_and_copying(kind: type[errors.UntornError]) -> None:
    error = made(kind)
    error.add_note("a note")
    for again in (pickle.loads(pickle.dumps(error)), copy.copy(error), copy.deepcopy(error)):
        assert type(again) is kind
        assert str(again) == str(error)
        assert vars(again).keys() == vars(error).keys()
        assert again.__notes__ == ["a note"]


@pytest.mark.parametrize("kind", KINDS, ids=lambda kind: kind.__name__)
def test_every_error_has_its_place_in_the_tree_and_a_docstring(kind: type[errors.UntornError]) -> None:
    assert kind.__name__ in (errors.__doc__ or "")
    assert (kind.__doc__ or "").strip()


def test_an_error_says_where_why_and_what_next() -> None:
    error = errors.ParseError("expected a comma", location=PLACE, hint="add one")
    assert str(error) == "/etc/app.toml:3:7: expected a comma\n  hint: add one"
    assert str(errors.KeyPathError("nowhere")) == "nowhere"
    assert str(errors.PluginError("is broken", plugin="x")) == "plugin 'x': is broken"
    assert str(errors.NotDurableError("no", receipt=RECEIPT)).startswith("/etc/app.toml: no")


def test_what_was_left_behind_is_named() -> None:
    error = errors.WriteError("the disk is full", errno=errno.ENOSPC, path=PATH)
    error.left_behind = PATH.with_name(".app.toml.tmp")
    assert str(error.left_behind) in str(error)
    assert "next save" in str(error)


@pytest.mark.parametrize("kind", [errors.ReadError, errors.WriteError])
def test_errors_of_the_operating_system_are_that_too(kind: type[errors.ReadError]) -> None:
    error = kind("cannot", errno=errno.EACCES, path=PATH)
    assert isinstance(error, OSError)
    assert (error.errno, error.filename) == (errno.EACCES, str(PATH))
    assert error.strerror == "cannot"


def test_a_rejection_lists_all_problems() -> None:
    error = errors.RejectedError([Problem("a", where=("x",)), Problem("b", where=("y",))], path=PATH)
    assert "2 problems" in str(error)
    assert "x: a" in str(error)
    assert "y: b" in str(error)
    assert "1 problem" in str(errors.RejectedError([Problem("a")]))
