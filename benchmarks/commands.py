"""What a fresh process pays: ``import untorn``, a first load, and the ``untorn`` command.

Counted in instructions, which repeat exactly, beside what the same costs
without untorn. Needs valgrind, and an environment in which untorn can be
imported::

    python benchmarks/commands.py
    python benchmarks/commands.py --quick     # the import and JSON alone
"""

from __future__ import annotations

import argparse
import tempfile
from dataclasses import dataclass
from pathlib import Path

from import_cost import instructions_of

JSON = '{"server": {"host": "localhost", "port": 8080}, "debug": false}\n'
TOML = 'debug = false\n\n[server]\nhost = "localhost"\nport = 8080\n'
YAML = "server:\n  host: localhost\n  port: 8080\ndebug: false\n"

PASS = ("-c", "pass")


@dataclass(frozen=True)
class Pair:
    """Two commands with one purpose: arguments of the interpreter, the second without untorn."""

    name: str
    ours: tuple[str, ...]
    base: tuple[str, ...]
    goal: float | None


def loading(path: Path, engine: str, goal: float) -> Pair:
    """Return the load of a file by untorn and by its engine alone, each in a fresh process."""
    ours = f"import untorn; untorn.load({str(path)!r})"
    return Pair(f"load of a small {path.suffix[1:].upper()}", ("-c", ours), ("-c", engine), goal)


def pairs(directory: Path, *, quick: bool) -> list[Pair]:
    """Return what is compared."""
    json, toml, yaml = (directory / f"settings.{suffix}" for suffix in ("json", "toml", "yaml"))
    for path, text in ((json, JSON), (toml, TOML), (yaml, YAML)):
        path.write_text(text)
    engine = f"import json\nwith open({str(json)!r}) as file: json.load(file)"
    command = ("-c", "import sys\nfrom untorn.cli import main\nsys.exit(main())")  # as pip installs it
    get = (*command, "get", str(json), "server.port")
    first = [
        Pair("import untorn", ("-c", "import untorn"), PASS, 1.10),
        Pair("untorn get (JSON)", get, PASS, 2.3),
        loading(json, engine, 1.10),
    ]
    if quick:
        return first
    set_port = (*command, "set", str(json), "server.port", "8081", "--dry-run")
    toml_engine = f"import tomllib\nwith open({str(toml)!r}, 'rb') as file: tomllib.load(file)"
    yaml_engine = (
        f"import ruamel.yaml as r\nwith open({str(yaml)!r}) as file: r.YAML(typ='safe', pure=True).load(file)"
    )
    return [
        *first,
        loading(toml, toml_engine, 1.10),
        loading(yaml, yaml_engine, 1.10),
        Pair("untorn set --dry-run (JSON)", set_port, PASS, None),
        Pair("for comparison: import argparse", ("-c", "import argparse"), PASS, None),
    ]


def report(pair: Pair) -> None:
    """Count and print."""
    ours, base = instructions_of(*pair.ours), instructions_of(*pair.base)
    goal = f"{pair.goal:.2f}" if pair.goal else ""
    print(f"{pair.name:34} {ours:>13,} {base:>13,}   {ours / base:5.2f}   {goal}".rstrip(), flush=True)


def main() -> None:
    """Print a table."""
    parser = argparse.ArgumentParser(description="What a fresh process pays, in instructions.")
    parser.add_argument("--quick", action="store_true", help="the import and JSON alone")
    asked = parser.parse_args()
    print(f"{'in instructions':34} {'untorn':>13} {'without':>13}   ratio   goal")
    with tempfile.TemporaryDirectory() as directory:
        for pair in pairs(Path(directory), quick=asked.quick):
            report(pair)


if __name__ == "__main__":
    main()
