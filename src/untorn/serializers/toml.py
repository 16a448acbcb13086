"""TOML 1.0: ``.toml`` files and the lock files that are TOML by another name."""

from __future__ import annotations

from collections.abc import Mapping

from untorn.sdk import UnrepresentableError
from untorn.serializers._toml.reading import value_of

TYPE_CHECKING = False  # a load imports this module, and should not pay for typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from untorn.sdk import KeyPath, Located, Operation, TextEdit, Value


class TomlSerializer:
    """Reads with tomllib; edits by position, so that everything else keeps its bytes."""

    name = "toml"
    suffixes = (".toml",)
    filenames = (
        "Pipfile",
        "poetry.lock",
        "Cargo.lock",
        "uv.lock",
        "pdm.lock",
        "Gopkg.lock",
        "Cargo.toml.orig",
        ".cargo/config",
    )
    encodings = ("utf-8",)

    def parse(self, text: str) -> Value:
        """Return the value of ``text``; that of an empty one is ``{}``.

        Raises:
            ParseError: With the line and column; for a duplicate key with both places.
            LimitError: It nests too deep, or has a number with too many digits.
        """
        return value_of(text)

    def render(self, value: Value) -> str:
        """Return a new document: keys first, then tables, with a blank line between them.

        Raises:
            UnrepresentableError: TOML cannot hold something in ``value``.
        """
        from untorn.serializers._toml.scalars import check  # noqa: PLC0415  a load needs neither
        from untorn.serializers._toml.writing import document_text  # noqa: PLC0415

        check(value, ())
        if not isinstance(value, Mapping):
            raise UnrepresentableError("a TOML document is a mapping", where=(), hint="give the value a key")
        return document_text(value)

    def patch(self, text: str, operations: Iterable[Operation]) -> Iterable[TextEdit]:
        """Return the edits of ``text`` that do ``operations`` one after the other.

        Raises:
            UnrepresentableError: TOML cannot hold a new value.
            ImpreciseEditError: Something else than a mapping for an array of tables.
        """
        from untorn.serializers._toml.patch import edits_of  # noqa: PLC0415  a load does not need it

        return edits_of(text, operations)

    def locate(self, text: str, keypath: KeyPath) -> Located | None:
        """Return where ``keypath`` stands in ``text``, ``None`` if it leads nowhere.

        A scalar, an array or an inline table has exactly its own text as
        value. A table has the header that announces it, ``[server]``: its
        content may be spread over the file. So has an array of tables, that of
        its first element. A table that only dotted keys define has the rest of
        the first statement behind its key.
        """
        return self.locator(text)(keypath)

    def locator(self, text: str) -> Callable[[KeyPath], Located | None]:
        """Return what says where a key path stands in ``text``: one look at it for many paths."""
        from functools import partial  # noqa: PLC0415  a load does not need it

        from untorn.serializers._toml.index import index_of  # noqa: PLC0415
        from untorn.serializers._toml.locate import located  # noqa: PLC0415

        return partial(located, index_of(text))


serializer = TomlSerializer()
