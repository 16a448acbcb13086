"""JSONC: JSON with ``//`` and ``/* */`` comments and trailing commas."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn.sdk import EmptyFileError
from untorn.serializers._json.blanking import blanked
from untorn.serializers._json.reading import value_of
from untorn.serializers.json import JsonSerializer

if TYPE_CHECKING:
    from untorn.sdk import Value
    from untorn.serializers._json.outline import Outline


class JsoncSerializer(JsonSerializer):
    """Blanks what JSON does not have, without moving anything, and reads the rest as JSON."""

    name = "jsonc"
    suffixes = (".jsonc", ".code-workspace", ".code-snippets", ".sublime-settings", ".sublime-project")
    # Only files whose own programs accept comments: npm, for one, refuses a package.json with one.
    filenames = (
        "tsconfig*.json",
        "jsconfig*.json",
        ".vscode/*.json",
        "devcontainer.json",
        ".devcontainer.json",
        ".eslintrc.json",
        ".jshintrc",
        ".babelrc",
        ".swcrc",
        "tslint.json",
        "typedoc.json",
        "api-extractor.json",
        "deno.json",
        "language-configuration.json",
        ".markdownlint.json",
        ".hintrc",
        ".luarc.json",
        "pyrightconfig.json",
        "turbo.json",
        "nx.json",
        "tsdoc.json",
    )

    def parse(self, text: str) -> Value:
        """Return the value of ``text``; duplicate keys and NaN are errors."""
        without = blanked(text).text
        try:
            return value_of(without)
        except EmptyFileError:
            if without == text:
                raise
            raise EmptyFileError(
                "the text has comments, but no value",
                offset=len(text),
                hint="write {} for an empty object",
            ) from None

    def _outline(self, text: str) -> Outline:
        from untorn.serializers._json.outline import Outline  # noqa: PLC0415  only editing needs it

        return Outline(text, has_comments=True)


serializer = JsoncSerializer()
