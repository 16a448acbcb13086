"""YAML 1.2: several documents, anchors, tags; edits that keep every other byte."""

from __future__ import annotations

from untorn.sdk import ParseError, too_deep

TYPE_CHECKING = False  # a load imports this module
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from untorn.sdk import KeyPath, Located, Operation, TextEdit, Value

# The parts are imported when they are needed: parsing does not need to know how
# to write, and naming the format needs neither.


class YamlSerializer:
    """Reads every text by the rules of YAML 1.2 (``no`` is a string), with timestamps and merge keys.

    Nodes with unknown tags become ``Tagged``, never objects.
    """

    name = "yaml"
    suffixes: Sequence[str] = (".yaml", ".yml")
    filenames: Sequence[str] = (
        ".clang-format",
        ".clang-tidy",
        ".clangd",
        ".yamllint",
        ".ansible-lint",
        ".salt-lint",
        ".gemrc",
        "_clang-format",
        "CITATION.cff",
    )
    encodings: Sequence[str] = ("utf-8", "utf-16-le", "utf-16-be", "utf-32-le", "utf-32-be")

    def parse(self, text: str) -> Value:
        """Return the value of the one document of ``text``; of an empty text, ``None``."""
        documents = self.parse_all(text)
        if len(documents) > 1:
            raise ParseError(f"holds {len(documents)} documents, where one is wanted", line=1, column=1)
        return documents[0]

    def parse_all(self, text: str) -> list[Value]:
        """Return the values of all documents; of an empty text, one ``None``."""
        from untorn.serializers._yaml.values import values_of  # noqa: PLC0415

        try:
            return values_of(text)
        except RecursionError:  # the caller has used up most of the interpreter's stack
            raise too_deep() from None

    def render(self, value: Value) -> str:
        """Return a whole new text for ``value``."""
        from untorn.sdk import check_representable  # noqa: PLC0415
        from untorn.serializers._yaml.fragments import Style, root_text  # noqa: PLC0415
        from untorn.serializers._yaml.patch import KINDS  # noqa: PLC0415

        check_representable(value, KINDS)
        return root_text(value, Style())

    def render_all(self, values: Sequence[Value]) -> str:
        """Return a whole new text for several documents, with ``---`` between them."""
        return "---\n".join(self.render(value) for value in values)

    def patch(self, text: str, operations: Iterable[Operation]) -> Iterable[TextEdit]:
        """Return the edits of ``text`` that do ``operations`` one after the other."""
        from untorn.serializers._yaml.patch import patch  # noqa: PLC0415

        return patch(text, operations)

    def locate(self, text: str, keypath: KeyPath) -> Located | None:
        """Return where ``keypath``, which begins with a document's number, stands in ``text``."""
        return self.locator(text)(keypath)

    def locator(self, text: str) -> Callable[[KeyPath], Located | None]:
        """Return what says where a key path stands in ``text``: one look at it for many paths."""
        from untorn.serializers._yaml.patch import locator  # noqa: PLC0415

        return locator(text)


serializer = YamlSerializer()
