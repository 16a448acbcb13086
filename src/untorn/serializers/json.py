"""JSON, strictly by RFC 8259."""

from __future__ import annotations

from untorn.serializers._json.reading import value_of

TYPE_CHECKING = False  # a load imports this module, and should not pay for typing
if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Sequence

    from untorn.sdk import KeyPath, Located, Operation, TextEdit, Value
    from untorn.serializers._json.outline import Outline


class JsonSerializer:
    """Reads JSON with the C scanner of ``json``, and edits it by position."""

    name = "json"
    suffixes: Sequence[str] = (".json", ".webmanifest", ".geojson", ".ipynb")
    filenames: Sequence[str] = ("Pipfile.lock", "composer.lock", "flake.lock", ".bowerrc")
    encodings = ("utf-8", "utf-16-le", "utf-16-be")

    def parse(self, text: str) -> Value:
        """Return the value of ``text``; duplicate keys, NaN and comments are errors."""
        return value_of(text)

    def render(self, value: Value) -> str:
        """Return a new text, indented by two spaces."""
        from untorn.serializers._json.writing import rendered  # noqa: PLC0415  only writing needs it

        return rendered(value)

    def patch(self, text: str, operations: Iterable[Operation]) -> Iterable[TextEdit]:
        """Return the edits that do ``operations``, each like what surrounds it."""
        from untorn.sdk import patched  # noqa: PLC0415
        from untorn.serializers._json.editing import edits_for  # noqa: PLC0415

        return patched(text, operations, self._outline, edits_for)

    def locate(self, text: str, keypath: KeyPath) -> Located | None:
        """Return where ``keypath`` stands in ``text``."""
        return self._outline(text).locate(keypath)

    def locator(self, text: str) -> Callable[[KeyPath], Located | None]:
        """Return what says where a key path stands in ``text``: one look at it for many paths."""
        return self._outline(text).locate

    def _outline(self, text: str) -> Outline:
        from untorn.serializers._json.outline import Outline  # noqa: PLC0415

        return Outline(text, has_comments=False)


serializer = JsonSerializer()
