"""Which part of a text is meant: all of it, or one document of several (YAML)."""

from __future__ import annotations

from untorn.errors import KeyPathError, ParseError

TYPE_CHECKING = False  # a load imports this module, and should not pay for typing
if TYPE_CHECKING:
    from collections.abc import Callable, Sequence
    from typing import Literal, TypeAlias, TypeGuard

    from untorn.keypath import KeyPath
    from untorn.records import Located
    from untorn.serializer import PatchingSerializer, Serializer, StreamSerializer
    from untorn.values import Value

    # Says where a key path stands in one text.
    Locator: TypeAlias = Callable[[KeyPath], "Located | None"]

DocumentNumber: TypeAlias = "int | Literal['all'] | None"


def is_stream(serializer: Serializer) -> TypeGuard[StreamSerializer]:
    """Return whether texts of this format may hold several documents."""
    return hasattr(serializer, "parse_all")


def can_patch(serializer: Serializer) -> TypeGuard[PatchingSerializer]:
    """Return whether this serializer edits texts precisely."""
    return hasattr(serializer, "patch")


class Selection:
    """A serializer, and which document of a text is the value.

    The pipelines compute on the *whole* of a text: the list of all documents
    where the format has several, so that the proof covers every one of them;
    elsewhere the value itself. ``picked`` and ``full_path`` lead from the whole
    to the value that the caller sees and back.
    """

    # No dataclass: importing that module alone costs more than starting Python does.
    __slots__ = ("document", "serializer")

    def __init__(self, serializer: Serializer, document: DocumentNumber = None) -> None:
        self.serializer = serializer
        self.document: DocumentNumber = document
        if document is not None and not is_stream(serializer):
            msg = f"{serializer.name} files hold one document: document={document!r} means nothing"
            raise KeyPathError(msg)

    def parse(self, text: str) -> Value:
        """Return the whole of ``text``."""
        if not is_stream(self.serializer):
            return self.serializer.parse(text)
        whole = self.serializer.parse_all(text)
        count = len(whole)
        if self.document is None and count != 1:
            raise ParseError(
                f"holds {count} documents, and none was named",
                line=1,
                column=1,
                hint=f"say document=0 … document={count - 1} (--document), or 'all' for a list of them",
            )
        if isinstance(self.document, int) and not 0 <= self.document < count:
            raise ParseError(
                f"has no document {self.document}: it holds {count}, counted from 0", line=1, column=1
            )
        return whole

    def render(self, whole: Value) -> str:
        """Return a new text for ``whole``."""
        if is_stream(self.serializer):
            return self.serializer.render_all(whole)
        return self.serializer.render(whole)

    @property
    def prefix(self) -> KeyPath:
        """What leads from the whole to the value."""
        if self.document == "all" or not is_stream(self.serializer):
            return ()
        return (self.document or 0,)

    def picked(self, whole: Value) -> Value:
        """Return the value that the caller sees."""
        for part in self.prefix:
            whole = whole[part]
        return whole

    def whole_of(self, value: Value) -> Value:
        """Return the whole of a new text that holds ``value`` alone."""
        if not is_stream(self.serializer):
            return value
        return value if self.document == "all" else [value]

    def locator(self, text: str) -> Locator:
        """Return what says where a path (of the picked value) stands in ``text``, many times if need be.

        The text is looked at when it is first asked; it belongs to one thread.
        """
        prefix, locate = self.prefix, self.whole_locator(text)
        return lambda path: locate((*prefix, *path))

    def whole_locator(self, text: str) -> Locator:
        """Do as ``locator``, with paths of the whole."""
        if not can_patch(self.serializer):
            return lambda _path: None
        serializer = self.serializer
        found: list[Locator] = []

        def locate(path: KeyPath) -> Located | None:
            if not found:
                make = getattr(serializer, "locator", None)
                found.append(make(text) if make else lambda where: serializer.locate(text, where))
            return found[0](path)

        return locate

    @property
    def encodings(self) -> Sequence[str]:
        """Return the encodings that the format permits."""
        return getattr(self.serializer, "encodings", ("utf-8",))
