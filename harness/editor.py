"""The accused: the one module of the harness that knows untorn."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any, Protocol

import untorn
from harness.oracle import Operation, Tag

if TYPE_CHECKING:
    from pathlib import Path

    from harness.oracle.source import Format


class Editor(Protocol):
    """What the harness asks of an editor; a test puts a bad one in its place."""

    def load(self, path: Path, form: Format, *, documents: bool) -> object:
        """Read a file's value."""

    def edit(self, path: Path, form: Format, operation: Operation | None, *, documents: bool) -> None:
        """Make one edit (None: none) and save."""

    def refusals(self) -> tuple[type[Exception], ...]:
        """The errors by which the editor says no; any other is a crash."""


class Untorn:
    """untorn, through its public functions."""

    def load(self, path: Path, form: Format, *, documents: bool) -> object:
        """Read a file's value, with tags as the judge has them."""
        return plain(untorn.load(path, format=form, document="all" if documents else None))

    def edit(self, path: Path, form: Format, operation: Operation | None, *, documents: bool) -> None:
        """Open, edit, save; without syncing, because what is judged is the text."""
        doc = untorn.open(path, format=form, document="all" if documents else None)
        if operation is not None:
            self.perform(doc, operation)
        doc.save(durability="none")

    def perform(self, doc: untorn.Document, operation: Operation) -> None:
        """Make one edit of a document."""
        if operation.whole:
            doc.set(
                operation.path[:-1] if operation.kind == "delete" else operation.path, listed(doc, operation)
            )
            return
        match operation.kind:
            case "set" | "add":
                doc.set(operation.path, operation.value)
            case "delete":
                doc.delete(operation.path)
            case "append":
                doc.append(operation.path, operation.value)
            case "insert":
                doc.insert(operation.path, operation.index, operation.value)
            case "rename":
                doc.rename(operation.path, operation.name)
            case "move":
                doc.move(operation.path, operation.index)
            case "comment":
                text: Any = operation.value
                if operation.name == "above":
                    doc.set_comment(operation.path, above=text)
                else:
                    doc.set_comment(operation.path, inline=text)

    def refusals(self) -> tuple[type[Exception], ...]:
        """Every error of untorn's own."""
        return (untorn.UntornError,)


class InMemory(Untorn):
    """The same edits without untorn's storage: for work on a serializer, where only the text counts."""

    def load(self, path: Path, form: Format, *, documents: bool) -> object:
        """Read a file's value, with tags as the judge has them."""
        return plain(untorn.loads(path.read_bytes(), format=form, document="all" if documents else None))

    def edit(self, path: Path, form: Format, operation: Operation | None, *, documents: bool) -> None:
        """Parse, edit, and write what a save would."""
        before = path.read_bytes()
        doc = untorn.parse(before, format=form, document="all" if documents else None)
        if operation is not None:
            self.perform(doc, operation)
        after = doc.to_bytes()
        if after != before:
            path.write_bytes(after)


def listed(doc: untorn.Document, operation: Operation) -> list[object]:
    """The whole list as it shall be after an item came or went."""
    if operation.kind == "delete":
        *path, index = operation.path
        assert isinstance(index, int)
        items: Any = doc.get(tuple(path))
        return [*items[:index], *items[index + 1 :]]
    items = doc.get(operation.path)
    return [*items[: operation.index], operation.value, *items[operation.index :]]


def plain(value: object) -> object:
    """Turn untorn's tagged values into the judge's, at every depth."""
    if type(value).__name__ == "Tagged":
        tagged: Any = value
        return Tag(str(tagged.tag).replace("tag:yaml.org,2002:", "!!"), plain(tagged.value))
    if isinstance(value, dict):
        return {key: plain(one) for key, one in value.items()}
    if isinstance(value, list):
        return [plain(one) for one in value]
    return value
