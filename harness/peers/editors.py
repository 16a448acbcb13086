"""What each editor makes of an edit: the Python ones in this process, those of npm in one of node's."""

from __future__ import annotations

import io
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from importlib.metadata import version
from pathlib import Path
from typing import TYPE_CHECKING, Any

import ruamel.yaml
import tomlkit
from tomlkit.items import AoT

import untorn
from harness.editor import Untorn
from harness.oracle.operations import apply

if TYPE_CHECKING:
    from harness.cases import Case
    from harness.oracle import Operation
    from harness.oracle.source import Format

Edit = Callable[["Case"], str]
NPM = {"yaml": "2.8.1", "jsonc-parser": "3.3.1"}
ADAPTER = Path(__file__).with_name("adapter.mjs")


@dataclass(frozen=True)
class Editor:
    """An editor of a format.

    Attributes:
        name: What the table calls it.
        release: Its version.
        forms: The formats that it edits.
        edit: Returns the text that it makes of a case; raises where it refuses or fails.
    """

    name: str
    release: str
    forms: tuple[Format, ...]
    edit: Edit


class SaysNoError(Exception):
    """An editor refused, or failed; ``str()`` is the name of its error."""


# ── Those of Python ─────────────────────────────────────────────────────────


def _untorn(case: Case) -> str:
    document = untorn.parse(
        case.before.encode(), format=case.form, document="all" if case.documents else None
    )
    Untorn().perform(document, case.operation)
    return document.to_bytes().decode()


def _tomlkit(case: Case) -> str:
    document = tomlkit.parse(case.before)
    _change(document, case.operation)
    return tomlkit.dumps(document)


def _ruamel(case: Case) -> str:
    """As people tune it: quotes kept, and lines left as long as they are."""
    yaml = ruamel.yaml.YAML()
    yaml.preserve_quotes = True
    yaml.width = 4096
    if not case.documents:
        value = yaml.load(case.before)
        _change(value, case.operation)
        return _dumped(yaml.dump, value)
    values = list(yaml.load_all(case.before))
    _change(values, case.operation)
    return _dumped(yaml.dump_all, values)


def _dumped(dump: Callable[..., Any], value: Any) -> str:  # noqa: ANN401 - any value
    stream = io.StringIO()
    dump(value, stream)
    return stream.getvalue()


def _json(case: Case) -> str:
    """With the indentation of the file, as most programs do."""
    value = apply(json.loads(case.before), case.operation)
    lines = case.before.split("\n")
    indent = next((line[: len(line) - len(line.lstrip())] for line in lines if line[:1] in (" ", "\t")), None)
    end = "\n" if case.before.endswith("\n") else ""
    return json.dumps(value, indent=indent, ensure_ascii=False) + end


def _change(value: Any, operation: Operation) -> None:  # noqa: ANN401 - the editor's own containers
    parents = operation.path if operation.kind == "append" else operation.path[:-1]
    for part in parents:
        value = value[part]
    if operation.kind == "append":
        value.append(tomlkit.item(operation.value) if isinstance(value, AoT) else operation.value)
    elif operation.kind == "delete":
        del value[operation.path[-1]]
    else:
        value[operation.path[-1]] = operation.value


PYTHON = [
    Editor("untorn", untorn.__version__, ("json", "jsonc", "toml", "yaml"), _untorn),
    Editor("tomlkit", version("tomlkit"), ("toml",), _tomlkit),
    Editor("ruamel.yaml", version("ruamel.yaml"), ("yaml",), _ruamel),
    Editor("json", "of Python", ("json",), _json),
]


# ── Those of npm ────────────────────────────────────────────────────────────


def npm_editors(place: Path) -> list[Editor]:
    """Install the editors of npm into ``place``; none where there is no npm, or no registry."""
    npm, node = shutil.which("npm"), shutil.which("node")
    if not npm or not node:
        return []
    packages = [f"{name}@{release}" for name, release in NPM.items()]
    command = [npm, "install", "--ignore-scripts", "--no-audit", "--no-fund", "--silent", *packages]
    if subprocess.run(command, cwd=place, check=False, capture_output=True).returncode:
        return []
    shutil.copy(ADAPTER, place)
    return [
        Editor("yaml (npm)", NPM["yaml"], ("yaml",), _in_node(node, place, "yaml")),
        Editor("jsonc-parser", NPM["jsonc-parser"], ("json", "jsonc"), _in_node(node, place, "jsonc-parser")),
    ]


def _in_node(node: str, place: Path, peer: str) -> Edit:
    def edit(case: Case) -> str:
        operation = case.operation
        task = {
            "peer": peer,
            "before": case.before,
            "kind": operation.kind,
            "path": operation.path,
            "value": operation.value,
            "documents": case.documents,
        }
        done = subprocess.run(
            [node, ADAPTER.name],
            cwd=place,
            input=json.dumps(task),
            capture_output=True,
            text=True,
            check=True,
        )
        answer = json.loads(done.stdout)
        if "error" in answer:
            raise SaysNoError(answer["error"])
        return str(answer["after"])

    return edit
