"""The other writers: what each documents as its atomic save, installed at run time into a temporary place."""

from __future__ import annotations

import contextlib
import importlib
import importlib.util
import json
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable

    Writer = Callable[[Path, bytes], object]

DISTRIBUTIONS = {"atomicwrites": "atomicwrites", "boltons": "boltons", "safer": "safer", "click": "click"}
"""What to install, for each module."""

SYNCS = {
    "atomicwrites": "syncs file and directory",
    "boltons": "syncs the file, not the directory",
    "safer": "syncs nothing",
    "click": "syncs nothing",
    "tempfile + os.replace": "syncs nothing",
    "npm write-file-atomic": "syncs the file, not the directory",
}
"""What each does for durability, as strace(1) shows it."""


def skip(name: str, reason: object) -> None:
    """Say that a peer does not take part."""
    print(f"skipped: {name}: {reason}")


def install_python(directory: Path) -> None:
    """Install what is missing of ``DISTRIBUTIONS`` into ``directory``, and let it be imported."""
    missing = [each for module, each in DISTRIBUTIONS.items() if importlib.util.find_spec(module) is None]
    if not missing:
        return
    command = [sys.executable, "-m", "pip", "install", "-q", "--target", str(directory), *missing]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode == 0:
        sys.path.append(str(directory))


def python_writers() -> dict[str, Writer]:
    """Return a function for each Python peer that is installed, and for the recipe everybody knows."""
    writers: dict[str, Writer] = {}
    for module, make in (
        ("atomicwrites", _atomicwrites),
        ("boltons", _boltons),
        ("safer", _safer),
        ("click", _click),
    ):
        try:
            writers[module] = make()
        except ImportError as error:
            skip(module, error)
    return {**writers, "tempfile + os.replace": _recipe}


def _atomicwrites() -> Writer:
    atomic_write = importlib.import_module("atomicwrites").atomic_write

    def write(path: Path, data: bytes) -> None:
        with atomic_write(path, mode="wb", overwrite=True) as file:
            file.write(data)

    return write


def _boltons() -> Writer:
    atomic_save = importlib.import_module("boltons.fileutils").atomic_save

    def write(path: Path, data: bytes) -> None:
        with atomic_save(str(path), text_mode=False, overwrite=True) as file:
            file.write(data)

    return write


def _safer() -> Writer:
    open_safely = importlib.import_module("safer").open

    def write(path: Path, data: bytes) -> None:
        with open_safely(path, "wb", temp_file=True) as file:
            file.write(data)

    return write


def _click() -> Writer:
    open_file = importlib.import_module("click").open_file

    def write(path: Path, data: bytes) -> None:
        with open_file(str(path), "wb", atomic=True) as file:
            file.write(data)

    return write


def _recipe(path: Path, data: bytes) -> None:
    with tempfile.NamedTemporaryFile("wb", dir=path.parent, delete=False) as file:
        file.write(data)
    os.replace(file.name, path)  # noqa: PTH105  as the recipe goes


# ── npm ─────────────────────────────────────────────────────────────────────

_NODE = """
const write = require("write-file-atomic").sync;
require("readline").createInterface({ input: process.stdin }).on("line", (line) => {
  const { path, text, calls } = JSON.parse(line);
  const started = process.hrtime.bigint();
  write(path, text);
  console.log(Number(process.hrtime.bigint() - started) / 1e9);
});
"""


class Node:
    """One long-lived process of node that takes orders, a line each, and the time itself."""

    def __init__(self, process: subprocess.Popen[str]) -> None:
        self._process = process

    def ask(self, **order: object) -> float:
        """Have an order carried out, and return the seconds that it took in there."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        print(json.dumps(order), file=self._process.stdin, flush=True)
        return float(self._process.stdout.readline())

    def close(self) -> None:
        """End the process."""
        self._process.kill()
        self._process.communicate()


def node(directory: Path, script: str, *packages: str) -> Node | None:
    """Install ``packages`` and start ``script`` beside them, or say why not."""
    name = f"npm {', '.join(packages)}"
    program, client = shutil.which("node"), shutil.which("npm")
    if program is None or client is None:
        skip(name, "node or npm is not installed")
        return None
    command = [client, "install", "--silent", "--no-audit", "--no-fund", "--prefix", str(directory)]
    try:
        subprocess.run([*command, *packages], check=True, capture_output=True, timeout=120)
    except (subprocess.SubprocessError, OSError) as error:
        skip(name, error)
        return None
    started = subprocess.Popen(
        [program, "-e", script], cwd=directory, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    return Node(started)


@contextlib.contextmanager
def all_writers(*, wanted: bool) -> Any:  # noqa: ANN401  a context manager of a dict
    """Give every peer's writer by name; none unless ``wanted``."""
    if not wanted:
        yield {}
        return
    with tempfile.TemporaryDirectory(prefix="untorn-peers-") as name:
        directory = Path(name)
        install_python(directory / "python")
        writers: dict[str, Writer] = python_writers()
        started = node(directory, _NODE, "write-file-atomic")
        if started is not None:
            writers["npm write-file-atomic"] = lambda path, data: started.ask(
                path=str(path), text=data.decode()
            )
        try:
            yield writers
        finally:
            if started is not None:
                started.close()
