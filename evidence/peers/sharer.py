"""Count in a file that others change at the same time.

``python -m evidence.peers.sharer PEER FRESH PATH KEY TIMES``
Each peer reads, changes one value and writes, as its documentation shows. Prints how
many updates were done without an error, and how many were not.
"""

from __future__ import annotations

import os
import sys
import time
import tomllib
from importlib import import_module
from pathlib import Path
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence


def _module(name: str) -> Any:  # noqa: ANN401  none of them is installed where types are checked
    return import_module(name)


def _counted(value: Any, key: Sequence[str]) -> Any:  # noqa: ANN401  whatever the peer reads
    inner = value
    for part in key[:-1]:
        inner = inner[part]
    inner[key[-1]] += 1
    return value


def untorn(path: str, key: Sequence[str]) -> None:
    """Count in an update."""
    path_of_key = tuple(key)
    _module("untorn").update(path, lambda doc: doc.set(path_of_key, doc.get(path_of_key) + 1), timeout=60.0)


def tomlkit(path: str, key: Sequence[str]) -> None:
    """Read and write with ``TOMLFile``."""
    file = _module("tomlkit.toml_file").TOMLFile(path)
    file.write(_counted(file.read(), key))


def dynaconf(path: str, key: Sequence[str]) -> None:
    """Write with ``loaders.write``."""
    value = tomllib.loads(Path(path).read_text("utf-8"))
    _module("dynaconf.loaders").write(path, _counted(value, key))


def anyconfig(path: str, key: Sequence[str]) -> None:
    """Load and dump."""
    module = _module("anyconfig")
    module.dump(_counted(module.load(path), key), path)


SHARERS: dict[str, Callable[[str, Sequence[str]], None]] = {
    each.__name__: each for each in (untorn, tomlkit, dynaconf, anyconfig)
}


def main(peer: str, fresh: str, path: str, key: str, times: str) -> None:
    """Count in ``path``, and print how it went; first once in ``fresh``, which nobody else has."""
    count, failed = SHARERS[peer], 0
    count(fresh, key.split("."))  # what it imports is no part of the race
    time.sleep(max(0.0, float(os.environ["EVIDENCE_AT"]) - time.time()))
    for _ in range(int(times)):
        try:
            count(path, key.split("."))
        except Exception:  # noqa: BLE001  whatever it is, it is counted
            failed += 1
    print(int(times) - failed, failed)


if __name__ == "__main__":
    main(*sys.argv[1:])
