"""Which serializer a file has, found without importing any of them."""

from __future__ import annotations

import os
import sys

from untorn.errors import UnknownFormatError

TYPE_CHECKING = False  # a load imports this module, and should not pay for typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import TypeAlias

    from untorn.serializer import Serializer

    PathLike: TypeAlias = str | os.PathLike[str]


class Format:
    """How the files of a format are called.

    Attributes:
        module: What to import for it; ``""`` for a plugin's, which is there already.
        suffixes: In lower case, with the dot.
        patterns: Of whole names (``tsconfig*.json``) and of ends of paths
            (``.vscode/*.json``); ``*`` stands for any characters but ``/``.
    """

    def __init__(self, module: str, suffixes: Sequence[str], patterns: Sequence[str] = ()) -> None:
        self.module = module
        self.suffixes = suffixes
        self.patterns = patterns


# A test asserts that this is what the serializers themselves declare. It is
# written down here so that a JSON file costs the import of nothing else.
BUILT_IN: Mapping[str, Format] = {
    "json": Format(
        "untorn.serializers.json",
        (".json", ".webmanifest", ".geojson", ".ipynb"),
        ("Pipfile.lock", "composer.lock", "flake.lock", ".bowerrc"),
    ),
    "jsonc": Format(
        "untorn.serializers.jsonc",
        (".jsonc", ".code-workspace", ".code-snippets", ".sublime-settings", ".sublime-project"),
        (
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
        ),
    ),
    "toml": Format(
        "untorn.serializers.toml",
        (".toml",),
        (
            "Pipfile",
            "poetry.lock",
            "Cargo.lock",
            "uv.lock",
            "pdm.lock",
            "Gopkg.lock",
            "Cargo.toml.orig",
            ".cargo/config",
        ),
    ),
    "yaml": Format(
        "untorn.serializers.yaml",
        (".yaml", ".yml"),
        (
            ".clang-format",
            ".clang-tidy",
            ".clangd",
            ".yamllint",
            ".ansible-lint",
            ".salt-lint",
            ".gemrc",
            "_clang-format",
            "CITATION.cff",
        ),
    ),
}
"""The formats that ship in the box."""


def built_in(name: str) -> Serializer:
    """Return a serializer that ships in the box; its module is imported now.

    Raises:
        KeyError: There is none of that name.
    """
    module = BUILT_IN[name].module
    __import__(module)  # as in untorn itself
    serializer: Serializer = sys.modules[module].serializer
    return serializer


def built_in_name_for(path: PathLike) -> str | None:
    """Return the name of the built-in format of the file at ``path``, or ``None``."""
    return name_for(path, BUILT_IN)


def name_for(path: PathLike, formats: Mapping[str, Format]) -> str | None:
    """Return which of ``formats`` the file at ``path`` has, or ``None``.

    Full names come before patterns, those before suffixes, and longer ones
    before shorter ones. The case of a suffix does not count.
    """
    best: tuple[tuple[bool, bool, int], str] | None = None
    parts = _parts(path)
    last = parts[-1] if parts else ""
    endings = list(_endings(last))
    for name, each in formats.items():
        patterns = [
            pattern
            for pattern in each.patterns
            if pattern == last or (("*" in pattern or "/" in pattern) and matches(parts, pattern))
        ]
        for rank in [
            *map(_rank, patterns),
            *((False, False, len(end)) for end in endings if end in each.suffixes),
        ]:
            if best is None or rank > best[0]:
                best = rank, name
    return best[1] if best else None


def _parts(path: PathLike) -> list[str]:
    """Return the parts of a path as ``pathlib`` does, whose import costs as much as Python's start."""
    written = os.fspath(path)
    plain = written.replace(os.altsep, os.sep) if os.altsep else written
    return [part for part in plain.split(os.sep) if part not in ("", ".")]  # noqa: PTH206  see above


def _rank(pattern: str) -> tuple[bool, bool, int]:
    return True, "*" not in pattern, len(pattern)


def _endings(name: str) -> Iterator[str]:
    """Yield ``.sops.yaml`` and ``.yaml`` for ``a.sops.yaml``; a leading dot begins no suffix."""
    at = name.find(".", 1)
    while at > 0:
        yield name[at:].lower()
        at = name.find(".", at + 1)


def matches(parts: Sequence[str], pattern: str) -> bool:
    """Return whether the last ``parts`` of a path fit ``pattern``, as many as it has."""
    wanted = pattern.split("/")
    return len(wanted) <= len(parts) and all(map(_part_matches, parts[-len(wanted) :], wanted))


def _part_matches(part: str, pattern: str) -> bool:
    # fnmatch would be one more module to import, and compiles an expression for each pattern.
    head, *middles = pattern.split("*")
    if not middles:
        return part == pattern
    tail = middles.pop()
    if len(part) < len(head) + len(tail) or not (part.startswith(head) and part.endswith(tail)):
        return False
    at, stop = len(head), len(part) - len(tail)
    for middle in middles:
        at = part.find(middle, at, stop)
        if at < 0:
            return False
        at += len(middle)
    return True


def no_format_called(name: object, known: Iterable[str]) -> UnknownFormatError:
    """Return the error for a format's name that nobody has."""
    names = sorted(known)
    hint = f"{did_you_mean(name, names)}known formats: {', '.join(names)}"
    return UnknownFormatError(f"no format is called {name!r}", hint=hint)


def no_serializer_for(path: Path, known: Iterable[str]) -> UnknownFormatError:
    """Return the error for a file whose name tells no known format."""
    names = ", ".join(sorted(known))
    suffix = path.suffix.lower()
    if not suffix[1:].isalnum():
        return UnknownFormatError(
            f"no serializer for a file called {path.name!r}", hint=f"say which format= it has: {names}"
        )
    return UnknownFormatError(
        f"no serializer for {suffix!r} files ({path.name!r})",
        hint=f"a plugin may add it (pip install untorn-{suffix[1:]}), or say which format= it has: {names}",
    )


def did_you_mean(name: object, known: Iterable[str]) -> str:
    """Return ``"did you mean 'yaml'? "``, or an empty string where nothing is near."""
    import difflib  # noqa: PLC0415  only a typo needs it

    near = difflib.get_close_matches(str(name), list(known), n=1)
    return f"did you mean {near[0]!r}? " if near else ""
