"""Everything that a plugin may import; nothing else is promised to it."""

from __future__ import annotations

import sys

# Every name is imported when it is first used: reading a format does not pay
# for what only edits need, nor for pluggy.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from untorn.changes import ChangeSet as ChangeSet
    from untorn.changes import Delete as Delete
    from untorn.changes import Insert as Insert
    from untorn.changes import Move as Move
    from untorn.changes import Operation as Operation
    from untorn.changes import Rename as Rename
    from untorn.changes import Set as Set
    from untorn.changes import SetComment as SetComment
    from untorn.changes import difference as difference
    from untorn.edits import Span as Span
    from untorn.edits import TextEdit as TextEdit
    from untorn.edits import apply_edits as apply_edits
    from untorn.errors import EmptyFileError as EmptyFileError
    from untorn.errors import ImpreciseEditError as ImpreciseEditError
    from untorn.errors import LimitError as LimitError
    from untorn.errors import ParseError as ParseError
    from untorn.errors import UnrepresentableError as UnrepresentableError
    from untorn.errors import UntornError as UntornError
    from untorn.hookspecs import hookimpl as hookimpl
    from untorn.keypath import KeyPath as KeyPath
    from untorn.keypath import format_keypath as format_keypath
    from untorn.keypath import look_up as look_up
    from untorn.records import Comment as Comment
    from untorn.records import Located as Located
    from untorn.records import Location as Location
    from untorn.records import Problem as Problem
    from untorn.records import Proposal as Proposal
    from untorn.records import Receipt as Receipt
    from untorn.sdk.commenting import comment_of as comment_of
    from untorn.sdk.commenting import commented as commented
    from untorn.sdk.comments import CommentStyle as CommentStyle
    from untorn.sdk.comments import hash_comments as hash_comments
    from untorn.sdk.comments import heading_above as heading_above
    from untorn.sdk.comments import inline_comment as inline_comment
    from untorn.sdk.comments import owned_above as owned_above
    from untorn.sdk.layout import blank_before as blank_before
    from untorn.sdk.layout import indentation_of as indentation_of
    from untorn.sdk.layout import line_start as line_start
    from untorn.sdk.layout import line_stop as line_stop
    from untorn.sdk.layout import lines_inserted as lines_inserted
    from untorn.sdk.layout import lines_removed as lines_removed
    from untorn.sdk.layout import removed_with_comments as removed_with_comments
    from untorn.sdk.limits import MAX_DEPTH as MAX_DEPTH
    from untorn.sdk.limits import MAX_DIGITS as MAX_DIGITS
    from untorn.sdk.limits import check_depth as check_depth
    from untorn.sdk.limits import too_deep as too_deep
    from untorn.sdk.moving import moved as moved
    from untorn.sdk.patching import patched as patched
    from untorn.sdk.patching import refined as refined
    from untorn.sdk.representable import Kinds as Kinds
    from untorn.sdk.representable import check_representable as check_representable
    from untorn.serializer import PatchingSerializer as PatchingSerializer
    from untorn.serializer import Serializer as Serializer
    from untorn.serializer import StreamSerializer as StreamSerializer
    from untorn.text import newline_of as newline_of
    from untorn.values import Tagged as Tagged
    from untorn.values import Value as Value
    from untorn.values import same_value as same_value

_HOME = {
    "untorn.changes": (
        "ChangeSet",
        "Delete",
        "Insert",
        "Move",
        "Operation",
        "Rename",
        "Set",
        "SetComment",
        "difference",
    ),
    "untorn.edits": ("Span", "TextEdit", "apply_edits"),
    "untorn.errors": (
        "EmptyFileError",
        "ImpreciseEditError",
        "LimitError",
        "ParseError",
        "UnrepresentableError",
        "UntornError",
    ),
    "untorn.hookspecs": ("hookimpl",),
    "untorn.keypath": ("KeyPath", "format_keypath", "look_up"),
    "untorn.records": ("Comment", "Located", "Location", "Problem", "Proposal", "Receipt"),
    "untorn.sdk.commenting": ("comment_of", "commented"),
    "untorn.sdk.moving": ("moved",),
    "untorn.sdk.comments": (
        "CommentStyle",
        "hash_comments",
        "heading_above",
        "inline_comment",
        "owned_above",
    ),
    "untorn.sdk.layout": (
        "blank_before",
        "indentation_of",
        "line_start",
        "line_stop",
        "lines_inserted",
        "lines_removed",
        "removed_with_comments",
    ),
    "untorn.sdk.limits": ("MAX_DEPTH", "MAX_DIGITS", "check_depth", "too_deep"),
    "untorn.sdk.patching": ("patched", "refined"),
    "untorn.sdk.representable": ("Kinds", "check_representable"),
    "untorn.serializer": ("PatchingSerializer", "Serializer", "StreamSerializer"),
    "untorn.text": ("newline_of",),
    "untorn.values": ("Tagged", "Value", "same_value"),
}

API = 1
"""Counts up when something that plugins use changes incompatibly."""

__all__ = [
    "API",
    "MAX_DEPTH",
    "MAX_DIGITS",
    "ChangeSet",
    "Comment",
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
    "Move",
    "Operation",
    "ParseError",
    "PatchingSerializer",
    "Problem",
    "Proposal",
    "Receipt",
    "Rename",
    "Serializer",
    "Set",
    "SetComment",
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
    "comment_of",
    "commented",
    "difference",
    "format_keypath",
    "hash_comments",
    "heading_above",
    "hookimpl",
    "indentation_of",
    "inline_comment",
    "line_start",
    "line_stop",
    "lines_inserted",
    "lines_removed",
    "look_up",
    "moved",
    "newline_of",
    "owned_above",
    "patched",
    "refined",
    "removed_with_comments",
    "same_value",
    "too_deep",
]


def __getattr__(name: str) -> object:
    for module, names in _HOME.items():
        if name in names:
            __import__(module)  # as in untorn itself
            value = getattr(sys.modules[module], name)
            globals()[name] = value
            return value
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
