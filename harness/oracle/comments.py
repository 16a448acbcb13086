"""E3: every comment that is not the deleted key's own is still there, once, in order, and whose it was."""

from __future__ import annotations

from collections import Counter
from typing import TYPE_CHECKING

from harness.oracle import remarks
from harness.oracle.lines import Allowance, first_difference, surplus
from harness.oracle.operations import Operation, Path, path_after
from harness.oracle.ownership import Owned, comments_below, owned, tag_alone
from harness.oracle.positions import interior

if TYPE_CHECKING:
    from harness.oracle.source import Entry, Source


def check(before: Source, operation: Operation, after: Source) -> str | None:
    """Say what became of a comment that should not have, or None."""
    old = [_normal(comment.text) for comment in before.comments]
    new = [_normal(comment.text) for comment in after.comments]
    if operation.kind == "move":
        # They change places, with what they belong to.
        lost = Counter(old) - Counter(new)
        return f"a comment is lost or changed: {min(lost)!r}" if lost else _strayed(before, operation, after)
    allowance = _allowed(before, operation)
    count = surplus(old, new, allowance)
    if count is None:
        return f"a comment is lost, moved or changed: {first_difference(old, new)}"
    if count > allowance.new:
        return f"{count} comments too many: {first_difference(old, new)}"
    return _strayed(before, operation, after)


def lost_comment(before: Source, operation: Operation, after: Source) -> str | None:
    """Return a comment that is no longer anywhere, though it is not the edited entry's own, or None."""
    allowance = _allowed(before, operation)
    gone = allowance.gone | allowance.optional
    if operation.kind in {"set", "comment"}:  # the line of an array of tables is that of its first
        gone |= {index for one in before.inside(operation.path) for index in _all(owned(before, one))}
    allowed = Counter(_normal(before.comments[index].text) for index in gone)
    old = Counter(_normal(comment.text) for comment in before.comments)
    new = Counter(_normal(comment.text) for comment in after.comments)
    lost = old - new - allowed
    if operation.kind == "comment" and operation.name == "inline" and lost.total() == 1:
        return None  # the one that the new one replaces, behind a comma on the next line
    return min(lost, default=None)


def _normal(text: str) -> str:
    """A comment without what its line's newline and indentation add to it."""
    return "\n".join(line.strip() for line in text.splitlines())


def _allowed(before: Source, operation: Operation) -> Allowance:
    allowance = Allowance()
    if operation.kind == "comment":
        allowance.optional = remarks.replaced(before, operation)
        allowance.new = remarks.lines_asked(operation)
    if operation.kind not in {"set", "delete"}:
        return allowance
    entry = before.entries[operation.path]
    allowance.optional.update(_inside(before, entry))
    if operation.kind == "set" and entry.is_toml_table:
        # Where a table becomes a value, its comments travel with it.
        travelling = _all(owned(before, entry))
        allowance.optional |= travelling
        # What is inside goes, and its own comments with it.
        for one in before.inside(entry.path):
            allowance.optional |= _all(owned(before, one))
        allowance.new = len(travelling)
    if operation.kind == "delete":
        own = owned(before, entry)
        allowance.optional |= own.unclear
        allowance.gone |= own.sure
        if entry.is_toml_table:
            for one in before.inside(entry.path):
                nested = owned(before, one)
                allowance.gone |= nested.sure
                allowance.optional |= nested.unclear
        allowance.optional -= allowance.gone
    return allowance


def _inside(before: Source, entry: Entry) -> set[int]:
    """The comments between the beginning and the end of a value."""
    if entry.is_toml_table:
        spans = [(gap.start, gap.end) for gap in interior(before, entry)]
        spans += [(piece.start, piece.end) for piece in entry.pieces]
        found = {before.comment_at[c.start] for start, end in spans for c in before.comments_in(start, end)}
        return found | {index for one in before.inside(entry.path) for index in _all(owned(before, one))}
    end = before.line_end(before.line_of(entry.end)) if tag_alone(before, entry) else entry.end
    found = {before.comment_at[c.start] for c in before.comments_in(entry.start, end)}
    if before.format == "yaml":
        found |= {index for _, index in comments_below(before, entry)}
    if entry.kind in {"mapping", "sequence"} and entry.children:
        # The comment behind the last leaf of a block collection is the leaf's.
        found |= {index for one in before.inside(entry.path) for index in owned(before, one).inline}
    return found


def _strayed(before: Source, operation: Operation, after: Source) -> str | None:
    """Find a key whose own comments are no longer its own, or are now another's."""
    in_list = operation.kind in {"delete", "move"} and before.parent(operation.path).kind == "sequence"
    met: set[Path] = set()
    ambiguous = _ambiguous(before, operation)
    for path, entry in before.entries.items():
        target = path_after(operation, path, in_list=in_list)
        if operation.kind == "set" and path == operation.path:
            target = path
        if target is None or target not in after.entries:
            continue
        met.add(target)
        if operation.kind == "comment" and path == operation.path[: len(path)]:
            continue  # E9 says what is its own now; the item whose only line it is ends with it, too
        if operation.kind == "move" and path == operation.path[: len(path)] != operation.path:
            continue  # an item begins and ends with its first and its last key, whichever these are now
        old, new = owned(before, entry), owned(after, after.entries[target])
        still = _all(new)
        if operation.kind in {"delete", "move"}:
            # What stood above the deleted key may make the block below it a heading, or a setting's.
            still = still | set(new.block)
        lost = _texts(before, old.sure - ambiguous) - _texts(after, still)
        if lost:
            return f"{path!r} lost its comment {min(lost)!r}"
        gained = _texts(after, new.sure) - _texts(before, _all(old))
        if gained and operation.kind not in {"delete", "move"}:
            return f"{path!r} got a comment that is not its own: {min(gained)!r}"
    if operation.kind in {"add", "append", "insert"}:
        return _adopted(after, [path for path in after.entries if path not in met])
    return None


def _ambiguous(before: Source, operation: Operation) -> set[int]:
    """Comments that also belong to what is deleted or replaced."""
    if operation.kind == "comment":
        return remarks.replaced(before, operation)
    if operation.kind not in {"set", "delete"}:
        return set()
    entry = before.entries[operation.path]
    return _inside(before, entry) | (_all(owned(before, entry)) if operation.kind == "delete" else set())


def _all(own: Owned) -> set[int]:
    return own.above | own.inline


def _texts(source: Source, indexes: set[int]) -> set[str]:
    return {_normal(source.comments[index].text) for index in indexes}


def _adopted(after: Source, new: list[Path]) -> str | None:
    for path in new:
        own = owned(after, after.entries[path])
        if own.sure:
            text = after.comments[min(own.sure)].text
            return f"the new {path!r} took the comment {text!r}"
    return None
