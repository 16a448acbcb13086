"""Edits of whole documents in a text of several."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn.sdk import ImpreciseEditError, KeyPath, TextEdit, Value, line_start, line_stop
from untorn.serializers._yaml.fragments import root_text
from untorn.serializers._yaml.lines import last_leaf

if TYPE_CHECKING:
    from untorn.serializers._yaml.places import Index


def insert_document(index: Index, number: int, value: Value) -> list[TextEdit]:
    """Return the edits that put a document before document ``number``, or behind the last."""
    text = index.text
    new = root_text(value, index.style)
    if number >= len(index.documents):
        closing = "" if not text or text.endswith("\n") else "\n"
        lines = f"{closing}---\n{new}"
        return [TextEdit(len(text), len(text), lines.removesuffix("\n") if closing else lines)]
    document = index.documents[number]
    _refuse_directives(index, number)
    if document.explicit:
        return [TextEdit(document.start, document.start, f"---\n{new}")]
    at = line_start(text, document.start)  # it may be indented
    return [TextEdit(at, at, f"{new}---\n")]


def remove_document(index: Index, number: int, path: KeyPath) -> list[TextEdit]:
    """Return the edits that remove document ``number`` with its ``---``."""
    documents, text = index.documents, index.text
    if len(documents) <= 1:
        raise ImpreciseEditError("cannot delete the only document: an empty text holds one, too", where=path)
    _refuse_directives(index, number)
    start = documents[number].start
    if number + 1 < len(documents):
        _refuse_directives(index, number + 1)
        return [TextEdit(start, _stop_before_next(index, number), "")]
    stop = len(text)
    if not text.endswith("\n"):
        if last_leaf(documents[number - 1].root).style in ("|", ">"):
            raise ImpreciseEditError(
                "cannot delete it: the text before it would end the file, and lose its final newline",
                where=path,
                hint="end the file with a newline first",
            )
        start = len(text[:start].rstrip("\r\n"))
    return [TextEdit(start, stop, "")]


def _stop_before_next(index: Index, number: int) -> int:
    """Return where what goes with document ``number`` ends: behind its ``...`` all is the next one's.

    The ``...`` itself stays where nothing else parts its neighbours.
    """
    text = index.text
    document, following = index.documents[number : number + 2]
    if not text.endswith("...", document.root.end, document.end):
        return following.start
    behind = line_stop(text, document.end)
    before = text[index.documents[number - 1].root.end : document.start] if number else "..."
    parted = any(line.startswith("...") for line in before.splitlines())
    if parted or (following.explicit and not text[behind : following.start].strip()):
        return behind
    return document.end - len("...")


def _refuse_directives(index: Index, number: int) -> None:
    before = index.documents[number - 1].end if number else 0
    between = index.text[before : index.documents[number].start]
    if any(line.startswith("%") for line in between.splitlines()):
        raise ImpreciseEditError(
            "cannot add or delete a document here: directives (%YAML, %TAG) belong to one of its neighbours",
            where=(number,),
        )
