"""What a serializer is: four members for a format, and more for one that edits precisely."""

from __future__ import annotations

from typing import TYPE_CHECKING, Protocol, runtime_checkable

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence

    from untorn.changes import Operation
    from untorn.edits import TextEdit
    from untorn.keypath import KeyPath
    from untorn.records import Located
    from untorn.values import Value


@runtime_checkable
class Serializer(Protocol):
    """A format. These four members suffice; the other classes here add capabilities.

    Optional attributes: ``filenames`` (glob patterns of whole names, and of
    ends of paths such as ``.vscode/*.json``), ``encodings`` (default UTF-8 only),
    ``value_only`` (the text holds nothing but the value, so that rendering it
    anew loses nothing).
    """

    # Read-only, so that a tuple or a class attribute will do.
    @property
    def name(self) -> str:
        """What the format is called: ``toml``."""
        ...

    @property
    def suffixes(self) -> Sequence[str]:
        """The ends of its files' names, in lower case, with the dot."""
        ...

    def parse(self, text: str) -> Value:
        """Return the value of ``text``.

        Raises:
            ParseError: With ``offset``, or ``line`` and ``column``.
            EmptyFileError: The text is empty and the format has no empty value.
            LimitError: Too deep, too many digits, …
        """
        ...

    def render(self, value: Value) -> str:
        r"""Return a whole new text for ``value``, with ``"\n"`` and a final newline.

        Raises:
            UnrepresentableError: With ``where``, the key path of the culprit.
        """
        ...


@runtime_checkable
class PatchingSerializer(Serializer, Protocol):
    """A serializer that edits a text precisely (EDITING E1-E8)."""

    def patch(self, text: str, operations: Iterable[Operation]) -> Iterable[TextEdit]:
        """Return the edits of ``text`` that do ``operations`` one after the other.

        Key paths are resolved: every part is a key of its mapping or an index
        from 0; the pipeline has checked that the operations make sense for the
        value of ``text``.

        Raises:
            UnrepresentableError: The format cannot hold a new value.
            ImpreciseEditError: The edit would touch what it should not.
        """
        ...

    def locate(self, text: str, keypath: KeyPath) -> Located | None:
        """Return where ``keypath`` stands in ``text``, ``None`` if it leads nowhere."""
        ...


@runtime_checkable
class StreamSerializer(PatchingSerializer, Protocol):
    """A serializer whose text may hold several documents (YAML).

    The key paths that its ``patch`` and ``locate`` take begin with the number
    of the document, from 0; its ``parse`` refuses a text that has not exactly one.
    """

    def parse_all(self, text: str) -> list[Value]:
        """Return the values of all documents."""
        ...

    def render_all(self, values: Sequence[Value]) -> str:
        """Return a whole new text for ``values``."""
        ...
