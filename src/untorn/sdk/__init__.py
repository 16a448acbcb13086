"""Everything that a plugin may import; nothing else is promised to it."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn.changes import ChangeSet, Delete, Insert, Operation, Rename, Set, difference
from untorn.edits import Span, TextEdit, apply_edits
from untorn.errors import (
    EmptyFileError,
    ImpreciseEditError,
    LimitError,
    ParseError,
    UnrepresentableError,
    UntornError,
)
from untorn.keypath import KeyPath, format_keypath, look_up
from untorn.records import Located, Location, Problem, Proposal, Receipt
from untorn.sdk.comments import CommentStyle, hash_comments, inline_comment, owned_above
from untorn.sdk.layout import (
    blank_before,
    indentation_of,
    line_start,
    line_stop,
    lines_inserted,
    lines_removed,
    removed_with_comments,
)
from untorn.sdk.limits import MAX_DEPTH, MAX_DIGITS, check_depth, too_deep
from untorn.sdk.patching import patched, refined
from untorn.sdk.representable import Kinds, check_representable
from untorn.serializer import PatchingSerializer, Serializer, StreamSerializer
from untorn.text import newline_of
from untorn.values import Tagged, Value, same_value

if TYPE_CHECKING:
    from untorn.hookspecs import hookimpl

API = 1
"""Counts up when something that plugins use changes incompatibly."""

__all__ = [
    "API",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "ChangeSet",
    "CommentStyle",
    "Delete",
    "EmptyFileError",
    "ImpreciseEditError",
    "Insert",
    "KeyPath",
    "Kinds",
    "LimitError",
    "Located",
    "Location",
    "Operation",
    "ParseError",
    "PatchingSerializer",
    "Problem",
    "Proposal",
    "Receipt",
    "Rename",
    "Serializer",
    "Set",
    "Span",
    "StreamSerializer",
    "Tagged",
    "TextEdit",
    "UnrepresentableError",
    "UntornError",
    "Value",
    "apply_edits",
    "blank_before",
    "check_depth",
    "check_representable",
    "difference",
    "format_keypath",
    "hash_comments",
    "hookimpl",
    "indentation_of",
    "inline_comment",
    "line_start",
    "line_stop",
    "lines_inserted",
    "lines_removed",
    "look_up",
    "newline_of",
    "owned_above",
    "patched",
    "refined",
    "removed_with_comments",
    "same_value",
    "too_deep",
]


def __getattr__(name: str) -> object:
    # Serializers in the box import this package, and must not pay for pluggy.
    if name == "hookimpl":
        from untorn.hookspecs import hookimpl  # noqa: PLC0415

        return hookimpl
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
