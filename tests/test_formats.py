"""Which serializer a file has."""

from __future__ import annotations

import fnmatch
import os
import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import example, given
from hypothesis import strategies as st

from untorn.errors import UnknownFormatError
from untorn.formats import (
    BUILT_IN,
    Format,
    built_in,
    built_in_name_for,
    did_you_mean,
    matches,
    name_for,
    no_format_called,
    no_serializer_for,
)
from untorn.serializer import PatchingSerializer


@pytest.mark.parametrize("name", BUILT_IN)
def test_the_table_says_what_each_serializer_declares(name: str) -> None:
    serializer = built_in(name)
    assert isinstance(serializer, PatchingSerializer)
    assert serializer.name == name
    assert set(serializer.suffixes) == set(BUILT_IN[name].suffixes)
    assert set(getattr(serializer, "filenames", ())) == set(BUILT_IN[name].patterns)


def test_no_two_formats_claim_one_suffix_or_pattern() -> None:
    claims = [claim for each in BUILT_IN.values() for claim in (*each.suffixes, *each.patterns)]
    assert len(claims) == len(set(claims)) > len(BUILT_IN)


def test_an_unknown_built_in_is_a_key_error() -> None:
    with pytest.raises(KeyError, match="ini"):
        built_in("ini")


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("settings.json", "json"),
        ("SETTINGS.JSON", "json"),
        ("/etc/app/settings.toml", "toml"),
        ("a.b.yaml", "yaml"),
        ("a.yml", "yaml"),
        ("tsconfig.json", "jsonc"),
        ("web/tsconfig.build.json", "jsonc"),
        ("my-tsconfig.json", "json"),
        (".vscode/settings.json", "jsonc"),
        ("project/.vscode/launch.json", "jsonc"),
        ("vscode/settings.json", "json"),
        ("Pipfile", "toml"),
        ("Pipfile.lock", "json"),
        ("poetry.lock", "toml"),
        (".clang-format", "yaml"),
        (".json", None),
        ("json", None),
        ("notes.txt", None),
        ("", None),
    ],
)
def test_a_full_name_comes_before_a_suffix(path: str, name: str | None) -> None:
    assert built_in_name_for(Path(path)) == name


def test_the_longer_pattern_and_the_longer_suffix_win() -> None:
    formats = {
        "any": Format("", (".yaml",), ("*.conf",)),
        "sops": Format("", (".sops.yaml",), ("app*.conf",)),
        "one": Format("", (), ("app.conf",)),
    }
    named = {
        name: name_for(Path(name), formats)
        for name in ("x.sops.yaml", "x.yaml", "z.conf", "appx.conf", "app.conf")
    }
    assert named == {
        "x.sops.yaml": "sops",
        "x.yaml": "any",
        "z.conf": "any",
        "appx.conf": "sops",
        "app.conf": "one",
    }
    assert name_for(Path("app.conf"), dict(reversed(formats.items()))) == "one"


@example("a*b*c", "axc")
@example("a*b*c", "abxbc")
@given(st.text("ab.*", max_size=8), st.text("ab.", max_size=12))
def test_a_pattern_fits_what_fnmatch_says(pattern: str, name: str) -> None:
    assert matches([name], pattern) == fnmatch.fnmatchcase(name, pattern)


@given(
    st.lists(st.sampled_from(["a", "b"]), max_size=4),
    st.lists(st.sampled_from(["a", "b", "*"]), min_size=1, max_size=4),
)
def test_a_pattern_with_directories_fits_the_end_of_a_path(parts: list[str], pattern: list[str]) -> None:
    expected = any(
        parts[start:]
        and len(parts) - start == len(pattern)
        and all(want in ("*", part) for part, want in zip(parts[start:], pattern, strict=True))
        for start in range(len(parts))
    )
    assert matches(parts, "/".join(pattern)) == expected


def test_an_unknown_name_gets_the_nearest_and_all_known_ones() -> None:
    error = no_format_called("yml", ["yaml", "json"])
    assert isinstance(error, UnknownFormatError)
    assert (error.reason, error.hint) == (
        "no format is called 'yml'",
        "did you mean 'yaml'? known formats: json, yaml",
    )


def test_an_unknown_suffix_names_the_package_that_may_add_it() -> None:
    error = no_serializer_for(Path("/etc/App.INI"), ["toml", "json"])
    assert error.reason == "no serializer for '.ini' files ('App.INI')"
    assert "pip install untorn-ini" in error.hint
    assert "json, toml" in error.hint


@pytest.mark.parametrize("name", ["README", "a.b-c", ".env"])
def test_a_file_without_a_usable_suffix_is_told_to_say_its_format(name: str) -> None:
    error = no_serializer_for(Path(name), ["json"])
    assert error.reason == f"no serializer for a file called {name!r}"
    assert error.hint == "say which format= it has: json"


def test_nothing_is_suggested_where_nothing_is_near() -> None:
    assert did_you_mean("xyz", ["json"]) == ""


def test_asking_for_a_format_by_path_imports_no_serializer_and_no_pluggy() -> None:
    script = """
import pathlib, sys
from untorn.formats import built_in_name_for
assert built_in_name_for(pathlib.Path("a.json")) == "json"
heavy = ("untorn.serializers", "pluggy", "difflib", "ruamel", "tomlkit")
print([name for name in sys.modules if name.startswith(heavy)])
"""
    environment = {**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout == "[]\n"
