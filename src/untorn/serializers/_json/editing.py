"""Operations on a JSON text as edits that keep every other byte."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn.sdk import (
    Delete,
    Insert,
    Move,
    Set,
    SetComment,
    TextEdit,
    UnrepresentableError,
    Value,
    check_representable,
    commented,
    indentation_of,
    moved,
    patched,
    refined,
    same_value,
)
from untorn.serializers._json.adding import added
from untorn.serializers._json.habits import goes_on_one_line, look_in, look_of, spelling_of
from untorn.serializers._json.outline import STYLE
from untorn.serializers._json.removing import removed
from untorn.serializers._json.writing import KINDS, is_container, scalar, written

if TYPE_CHECKING:
    from untorn.sdk import KeyPath, Operation
    from untorn.serializers._json.outline import Container, Member, Outline


def edits_for(outline: Outline, operation: Operation) -> list[TextEdit]:
    """Return the edits that do ``operation``.

    Raises:
        UnrepresentableError: JSON cannot hold a new value.
    """
    match operation:
        case Set(path, value):
            return _set(outline, path, value)
        case Insert(path, value):
            check_representable(value, KINDS, path)
            container = _container(outline, path[:-1])
            return added(container, path[-1], None, value)
        case Delete(path):
            container = _container(outline, path[:-1])
            return removed(container, _member(container, path[-1]))
        case SetComment(path):
            if operation.text is not None and not outline.has_comments:
                raise UnrepresentableError(
                    "JSON has no comments", where=path, hint="JSONC has them, in a file named .jsonc"
                )
            return commented(outline.text, outline.locate(path), operation, STYLE)
        case Move(path):
            container = _container(outline, path[:-1])
            places = [outline.located(container, each) for each in container.members]
            return moved(outline.text, places, _member(container, path[-1]).position, operation)
        case _:
            return _renamed(outline, operation.path, operation.key)


def _container(outline: Outline, path: KeyPath) -> Container:
    way = outline.way_to((*path, ""))
    assert len(way) == len(path) + 1, "the pipeline has checked that the path leads to a container"
    return way[-1]


def _member(container: Container, key: object) -> Member:
    member = container.find(key)
    assert member is not None, "the pipeline has checked that the path leads somewhere"
    return member


def _renamed(outline: Outline, path: KeyPath, key: Value) -> list[TextEdit]:
    check_representable({key: None}, KINDS, path[:-1])
    name = _member(_container(outline, path[:-1]), path[-1]).name
    assert name is not None, "list items have no names"
    return [] if key == path[-1] else [TextEdit(name.start, name.stop, scalar(key, spelling_of(outline)))]


def _set(outline: Outline, path: KeyPath, value: Value) -> list[TextEdit]:
    span = outline.value_at(path) if path else outline.root
    if span is None:
        return _added_below(outline, path, value)
    old = outline.value_in(span)
    if same_value(old, value):
        return []
    finer = refined(Set(path, value), old, commented=outline.has_comment_in(span))
    if finer is not None:
        return patched(outline.text, finer, outline.again, edits_for)
    check_representable(value, KINDS, path)
    look, one_line = spelling_of(outline), True
    if is_container(value):
        look, container = look_of(outline), (outline.find(path) or [None])[0] if path else None
        one_line = goes_on_one_line(outline, value, container, span, look)
        look = look_in(container, look) if container else look
    new = written(value, look, indentation_of(outline.text, span.start), one_line=one_line)
    return [TextEdit(span.start, span.stop, new)]


def _added_below(outline: Outline, path: KeyPath, value: Value) -> list[TextEdit]:
    """Add a key, and what of its parents is missing, to the innermost object that exists."""
    way = outline.way_to(path)
    container, depth = way[-1], len(way) - 1
    for part in reversed(path[depth + 1 :]):
        value = {part: value}
    # The keys on the way may be what JSON cannot hold, too.
    check_representable({path[depth]: value}, KINDS, path[:depth])
    return added(container, len(container.members), path[depth], value)
