"""E4: the new text looks like its surroundings. E5: newlines, BOM and the end of the file stay."""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

from harness.oracle.positions import alone, comma_after
from harness.oracle.source import BOM, Entry, Source

if TYPE_CHECKING:
    from harness.oracle.operations import Operation, Path

_PADDED = re.compile(r"(?<=[^\s])[ \t]+\r?$", re.MULTILINE)
_SIMPLE = re.compile(r"[A-Za-z][A-Za-z0-9 ]*")
_QUOTED = re.compile(r"[\"'](?![\"'])")


def check_newlines(before: bytes, after: bytes, operation: Operation) -> str | None:
    """E5, on the bytes."""
    if before.startswith(BOM.encode()) != after.startswith(BOM.encode()):
        return "the BOM came or went"
    crlf, lone = before.count(b"\r\n"), before.count(b"\n") - before.count(b"\r\n")
    if crlf and not lone and after.count(b"\n") != after.count(b"\r\n"):
        return "a bare line feed in a CRLF file"
    if lone and not crlf and b"\r\n" in after:
        return "a CRLF in a file of line feeds"
    # Where the last line goes, an empty one before it is the last: whether its newline is final
    # or between lines, nobody can tell.
    if operation.kind == "delete" and not before.endswith(b"\n") and _ends_with_an_older_line(before, after):
        return None
    # A text of which nothing is left has no line to end.
    both = before.removeprefix(BOM.encode()) and after.removeprefix(BOM.encode())
    if both and before.endswith(b"\n") != after.endswith(b"\n"):
        return "the final newline came or went"
    return None


def _ends_with_an_older_line(before: bytes, after: bytes) -> bool:
    """Whether the last line of the result was somewhere in the text, but not its last."""
    lines = [line.strip() for line in before.split(b"\n")]
    last = after.rstrip().rsplit(b"\n", 1)[-1].strip()
    return last in lines[:-1] and last != lines[-1]


def check(before: Source, operation: Operation, after: Source) -> str | None:  # noqa: PLR0911 - one a rule
    """Say where new text differs in style from its neighbours, or None."""
    if _padded(after) > _padded(before):
        return "white space at the end of a line"
    if operation.kind == "set":
        return _quotes(before, operation, after)
    if operation.kind == "delete":
        return _trailing_comma(before, operation.path[:-1], after)
    if operation.kind in {"rename", "comment"}:
        return None
    if operation.kind == "move":
        return _trailing_comma(before, operation.path[:-1], after)
    parent = operation.path[:-1] if operation.kind == "add" else operation.path
    path = _new_path(before, operation)
    if path not in after.entries or not before.entries[parent].children:
        return None
    return (
        _column(before, parent, path, after)
        or _one_a_line(before, parent, path, after)
        or _separator(before, parent, path, after)
        or _trailing_comma(before, parent, after)
    )


def _padded(source: Source) -> int:
    """How many lines end in white space that is no part of a value."""
    if not _PADDED.search(source.text):
        return 0
    inside = [e.value for e in source.entries.values() if e.kind == "scalar" and e.value]
    ends = {match.start() for match in _PADDED.finditer(source.text)}
    return len(ends) - sum(any(span.start < end < span.end for span in inside) for end in ends)


def _new_path(before: Source, operation: Operation) -> Path:
    if operation.kind == "add":
        return operation.path
    index = len(before.entries[operation.path].children) if operation.kind == "append" else operation.index
    return (*operation.path, index)


def _quotes(before: Source, operation: Operation, after: Source) -> str | None:
    """A string that replaces a quoted string has its quotes."""
    old, new = before.entries[operation.path], after.entries.get(operation.path)
    if not (isinstance(operation.value, str) and _SIMPLE.fullmatch(operation.value)):
        return None
    if not (old.kind == "scalar" and old.value and new and new.value):
        return None
    quote = _QUOTED.match(before.text, old.value.start)
    if quote and after.text[new.value.start] != quote[0] and old.value.end - old.value.start > 1:
        return f"the value had {quote[0]}, now {after.text[new.value.start : new.value.end]!r}"
    return None


def _siblings(source: Source, parent: Path) -> list[Entry]:
    children = [source.entries[path] for path in source.entries[parent].children]
    return [child for child in children if not child.is_toml_table]


def _column(before: Source, parent: Path, path: Path, after: Source) -> str | None:
    new = after.entries[path]
    if new.is_toml_table or after.before_on_line(new.start).strip(" \t,"):
        return None
    columns = {before.column_of(one.start) for one in _siblings(before, parent) if _leads(before, one)}
    column = after.column_of(new.start)
    if columns and column not in columns:
        return f"indented by {column}, its siblings by {sorted(columns)}"
    return None


def _leads(source: Source, entry: Entry) -> bool:
    """Whether an entry is the first thing on its line, but for the dashes of the lists around it."""
    return not source.before_on_line(entry.start).strip(" \t,-?")


def _one_a_line(before: Source, parent: Path, path: Path, after: Source) -> str | None:
    old, new = before.entries[parent], after.entries[path]
    if not old.bracketed or not old.value:
        return None
    if all(alone(before, one) for one in _siblings(before, parent)):
        return None if alone(after, new) else "its siblings have a line each, it has none"
    one_line = before.line_of(old.value.start) == before.line_of(old.value.end)
    now = after.entries[parent]
    if one_line and now.value and after.line_of(now.value.start) != after.line_of(now.value.end):
        return "the collection was on one line, and is no more"
    return None


def _separator(before: Source, parent: Path, path: Path, after: Source) -> str | None:
    """What stands between a key and its value."""
    seen = {_between(before, one) for one in _siblings(before, parent)} - {None}
    own = _between(after, after.entries[path])
    if len(seen) == 1 and own is not None and own not in seen and after.entries[path].kind == "scalar":
        return f"{own!r} between key and value, {seen.pop()!r} in its siblings"
    return None


def _between(source: Source, entry: Entry) -> str | None:
    if not entry.keys or not entry.value or entry.value.end == entry.value.start:
        return None
    text = source.text[entry.keys[-1].end : entry.value.start]
    return None if "\n" in text else text


def _trailing_comma(before: Source, parent: Path, after: Source) -> str | None:
    old, new = before.entries[parent], after.entries.get(parent)
    if not (old.bracketed and old.children and new and new.bracketed and new.children):
        return None
    had = comma_after(before, before.entries[old.children[-1]]) is not None
    has = comma_after(after, after.entries[new.children[-1]]) is not None
    if had != has:
        return "the trailing comma came" if has else "the trailing comma went"
    return None
