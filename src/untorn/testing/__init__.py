"""The kit for plugin authors: try a serializer or a validator without installing anything."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn.changes import ChangeSet, Set, difference
from untorn.formats import BUILT_IN, built_in, no_format_called
from untorn.keypath import MISSING
from untorn.records import Proposal
from untorn.selection import Selection
from untorn.testing.editing import EditingTests
from untorn.testing.reading import ReadingTests
from untorn.testing.rendering import RenderingTests
from untorn.testing.subject import Capabilities
from untorn.values import copied, same_value

if TYPE_CHECKING:
    from pathlib import Path

    from untorn.serializer import Serializer
    from untorn.values import Value


class SerializerTests(ReadingTests, RenderingTests, EditingTests):
    """Everything that untorn asks of a serializer: derive from it, and pytest collects what applies.

    See ``docs/reference/testing.md`` for the attributes and for each test.
    """


def proposal(
    value: Value = MISSING,
    format: str | Serializer = "json",
    text: str | None = None,
    path: Path | None = None,
    base: Value = None,
) -> Proposal:
    """Return what validators would see of a save of ``value``.

    Args:
        value: The new value; default: what ``text`` says.
        format: A format in the box, or a serializer.
        text: The new text; default: ``value``, rendered.
        path: The file that would be saved; nothing is looked up or written there.
        base: The value that would be replaced; ``None`` for a new file.

    Raises:
        ValueError: Neither ``value`` nor ``text`` was given, or they disagree.
        UnknownFormatError: There is no such format in the box.
    """
    selection = Selection(_serializer(format))
    value, text = _agreed(selection, value, text)

    def read(relative: str) -> bytes:
        from pathlib import Path  # noqa: PLC0415  only validators with a schema come here

        return ((path.parent if path else Path()) / relative).read_bytes()

    changes = ChangeSet((Set((), value),)) if base is None else difference(base, value)
    return Proposal(
        path=path,
        format=selection.serializer.name,
        value=copied(value),
        text=text,
        data=text.encode(),
        base=copied(base),
        changes=changes,
        locate=selection.locator(text),
        read=read,
    )


def _serializer(format: str | Serializer) -> Serializer:
    if not isinstance(format, str):
        return format
    try:
        return built_in(format)
    except KeyError:
        raise no_format_called(format, BUILT_IN) from None


def _agreed(selection: Selection, value: Value, text: str | None) -> tuple[Value, str]:
    if text is None:
        if value is MISSING:
            msg = "a proposal needs a value or a text"
            raise ValueError(msg)
        return value, selection.render(selection.whole_of(value))
    said = selection.picked(selection.parse(text))
    if value is not MISSING and not same_value(value, said):
        msg = f"the text says {said!r}, not {value!r}"
        raise ValueError(msg)
    return said, text


__all__ = ["Capabilities", "SerializerTests", "proposal"]
