"""The other editors: one function each, from a text and a key path to the text with another value there."""

from __future__ import annotations

import contextlib
import importlib
import io
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

from peers import node, skip

if TYPE_CHECKING:
    from collections.abc import Callable

    from documents import Text
    from peers import Node

    Editor = Callable[[Text, int], object]

DISTRIBUTIONS = {"tomlkit": "tomlkit", "tomlrt": "tomlrt", "tomledit": "tomledit", "yaml_edit": "yaml-edit"}
"""What to install, for each module."""


def install_python(directory: Path) -> None:
    """Install each of ``DISTRIBUTIONS`` that is missing, by itself: some exist for some platforms only."""
    sys.path.append(str(directory))
    for module, distribution in DISTRIBUTIONS.items():
        if importlib.util.find_spec(module) is None:
            command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(directory), distribution]
            subprocess.run(command, capture_output=True, check=False)
    importlib.invalidate_caches()  # the directory may be newer than what was found out about it


def _put(holder: Any, text: Text, number: int) -> None:  # noqa: ANN401  each library has mappings of its own
    for key in text.path[:-1]:
        holder = holder[key]
    holder[text.path[-1]] = number


def _tomlkit() -> Editor:
    tomlkit = importlib.import_module("tomlkit")

    def edit(text: Text, number: int) -> object:
        document = tomlkit.parse(text.text)
        _put(document, text, number)
        return tomlkit.dumps(document)

    return edit


def _tomlrt() -> Editor:
    tomlrt = importlib.import_module("tomlrt")

    def edit(text: Text, number: int) -> object:
        document = tomlrt.loads(text.text)
        _put(document, text, number)
        return tomlrt.dumps(document)

    return edit


def _tomledit() -> Editor:
    parse = importlib.import_module("tomledit").Document.parse

    def edit(text: Text, number: int) -> object:
        document = parse(text.text)
        _put(document, text, number)
        return document.as_toml()

    return edit


def _ruamel() -> Editor:
    yaml = importlib.import_module("ruamel.yaml").YAML

    def edit(text: Text, number: int) -> object:
        round_trip = yaml()
        document = round_trip.load(text.text)
        _put(document, text, number)
        stream = io.StringIO()
        round_trip.dump(document, stream)
        return stream.getvalue()

    return edit


def _yaml_edit() -> Editor:
    parse = importlib.import_module("yaml_edit").Document.parse

    def edit(text: Text, number: int) -> object:
        document = parse(text.text)
        holder = document
        for key in text.path[:-1]:
            holder = holder[key]
            holder = holder.as_mapping() if isinstance(key, str) else holder
        holder[text.path[-1]] = number
        return str(document)

    return edit


PYTHON: dict[str, dict[str, Callable[[], Editor]]] = {
    "toml": {"tomlkit": _tomlkit, "tomlrt": _tomlrt, "tomledit (Rust)": _tomledit},
    "yaml": {"ruamel.yaml, round trip": _ruamel, "yaml-edit (Rust)": _yaml_edit},
}

_NODE = """
const jsonc = require("jsonc-parser"), yaml = require("yaml");
const options = { formattingOptions: { insertSpaces: true, tabSize: 2 } };
const editors = {
  "jsonc-parser": (text, path, number) => {
    return jsonc.applyEdits(text, jsonc.modify(text, path, number, options));
  },
  yaml: (text, path, number) => {
    const document = yaml.parseDocument(text);
    document.setIn(path, number);
    return document.toString();
  },
};
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { editor, text, path, number } = JSON.parse(line);
  const started = process.hrtime.bigint();
  editors[editor](text, path, number);
  console.log(Number(process.hrtime.bigint() - started) / 1e9);
});
"""

NPM = {"json": "jsonc-parser", "jsonc": "jsonc-parser", "yaml": "yaml"}


def _editor(started: Node, name: str) -> Editor:
    def edit(text: Text, number: int) -> float:
        return started.ask(editor=name, text=text.text, path=text.path, number=number)

    return edit


def _python_editors(form: str) -> dict[str, Editor]:
    editors = {}
    for name, make in PYTHON.get(form, {}).items():
        try:
            editors[name] = make()
        except ImportError as error:
            skip(name, error)
    return editors


@contextlib.contextmanager
def all_editors(*, wanted: bool) -> Any:  # noqa: ANN401  a context manager of a dict of dicts
    """Give the peers' editors by format and name; those in Python that untorn is measured by always.

    The editors of npm are called ``npm …``, and return their own seconds.
    """
    with tempfile.TemporaryDirectory(prefix="untorn-peers-") as name:
        directory = Path(name)
        if wanted:
            install_python(directory / "python")
        editors = {each: _python_editors(each) for each in ("json", "jsonc", "toml", "yaml")}
        started = node(directory, _NODE, *sorted(set(NPM.values()))) if wanted else None
        try:
            if started is not None:
                for each, package in NPM.items():
                    editors[each][f"npm {package}"] = _editor(started, package)
            yield editors
        finally:
            if started is not None:
                started.close()
