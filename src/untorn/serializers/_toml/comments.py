"""Whose comment it is, in TOML: what a commented-out setting looks like here."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn.sdk import CommentStyle, Located, Span, hash_comments, heading_above, inline_comment, owned_above

if TYPE_CHECKING:
    from untorn.serializers._toml.nodes import Statement

_CLOSERS = {"[": "]", "{": "}", '"""': '"""', "'''": "'''"}


def is_setting(body: str) -> bool:
    """Return whether the text of a comment would parse as ``key = value`` or ``[table]``, or begin one."""
    if "=" not in body and not body.startswith("["):
        return False
    closers = [closer for opener, closer in _CLOSERS.items() if body.endswith(opener)]
    return any(_parses(body + closer) for closer in ["", *closers])


def _parses(text: str) -> bool:
    import tomllib  # noqa: PLC0415  most texts are edited without it

    try:
        tomllib.loads(text)
    except (ValueError, RecursionError):
        return False
    return True


STYLE = CommentStyle(hash_comments, is_setting)


def located_statement(text: str, statement: Statement, key: Span | None, value: Span) -> Located:
    """Return where a statement stands, with its own comments."""
    return Located(
        value,
        key,
        statement.span,
        owned_above(text, statement.floor, statement.span.start, STYLE),
        inline_comment(text, statement.span.stop, hash_comments),
        heading_above(text, statement.floor, statement.span.start, STYLE),
    )
