"""Other libraries that save atomically: what they are called, how to get them, how to run them.

Each is driven by a small adapter (``adapter.py``, ``adapter.mjs``) that saves as
its documentation recommends, in a process of its own.
"""

from __future__ import annotations

import json
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass, field
from functools import cache
from importlib import metadata
from pathlib import Path
from typing import TYPE_CHECKING

import untorn

if TYPE_CHECKING:
    from collections.abc import Sequence

HERE = Path(__file__).parent
ROOT = HERE.parent.parent


class NotInstallableError(Exception):
    """A package index cannot be reached, or has no such package for this machine."""


@dataclass(frozen=True, slots=True)
class Peer:
    """A library that is compared.

    Attributes:
        name: What its column is called, and what the adapter knows it by.
        used: The call that saves.
        package: What is installed; empty for what is here anyway.
        node: Whether it is a package of npm's.
        has_block: Whether a file is written in the block of a context manager.
        documented: Criteria that its documentation says it does not meet.
    """

    name: str
    used: str
    package: str = ""
    node: bool = False
    has_block: bool = True
    documented: frozenset[str] = field(default_factory=frozenset)


_SAYS_SAFER = frozenset({
    "file sync", "directory sync", "power cut", "power cut later", "owner", "ACL", "attributes", "umask",
    "hard link", "read-only",
})  # fmt: skip

PEERS = (
    Peer("untorn", "`write_bytes`, `edit`, `update`"),
    Peer(
        "atomicwrites",
        '`atomic_write(path, mode="wb", overwrite=True)`',
        "atomicwrites",
        documented=frozenset({"mode"}),
    ),
    Peer("boltons", "`fileutils.atomic_save(path)`", "boltons"),
    Peer(
        "safer",
        '`safer.open(path, "wb")`',
        "safer",
        documented=_SAYS_SAFER,
    ),
    Peer("click", '`click.open_file(path, "wb", atomic=True)`', "click"),
    Peer("tempfile", "`NamedTemporaryFile(dir=…, delete=False)`, `os.replace`"),
    Peer(
        "write-file-atomic",
        "`await writeFileAtomic(path, text)`",
        "write-file-atomic",
        node=True,
        has_block=False,
    ),
    Peer(
        "conf",
        "`new Conf({cwd})`, `config.store = …`, `config.set(…)`",
        "conf",
        node=True,
        has_block=False,
        documented=frozenset({"updates", "namespaces", "mode", "never wider"}),
    ),
)


@dataclass(frozen=True, slots=True)
class Installation:
    """Where the peers were installed, for as long as this run.

    Attributes:
        python: A directory for ``PYTHONPATH``.
        node: A directory with ``node_modules``.
    """

    python: Path
    node: Path

    def command(self, peer: Peer) -> list[str]:
        """Return what starts the adapter of ``peer``; operation and arguments follow."""
        if peer.node:
            return [_tool("node"), str(self.node / "adapter.mjs"), peer.name]
        return [sys.executable, "-m", "evidence.peers.adapter", peer.name]

    def environment(self) -> dict[str, str]:
        """Return the environment for adapters of both kinds."""
        path = [str(ROOT), str(Path(untorn.__file__).parent.parent), str(self.python)]
        return {
            **os.environ,
            "PYTHONPATH": os.pathsep.join(path),
            "PYTHONDONTWRITEBYTECODE": "1",  # a write that is shortened would leave bytecode that is torn
            # One thread for all of node's calls: a transcript, and a fault by number, then have one order.
            "UV_THREADPOOL_SIZE": "1",
        }

    def version(self, peer: Peer) -> str:
        """Return what was installed."""
        if peer.node:
            found = json.loads(
                (self.node / "node_modules" / peer.package / "package.json").read_text("utf-8")
            )
            return str(found["version"])
        if peer.package:
            [found] = metadata.distributions(name=peer.package, path=[str(self.python)])
            return found.version
        return untorn.__version__ if peer.name == "untorn" else sys.version.partition(" ")[0]


def install(peers: Sequence[Peer], place: Path) -> Installation:
    """Install peers into ``place``, and nowhere else: the newest versions that run here.

    Raises:
        NotInstallableError: Packages cannot be had here.
    """
    python = place / "python"
    packages = [peer.package for peer in peers if peer.package and not peer.node]
    quietly = ["--quiet", "--disable-pip-version-check"]
    _run([sys.executable, "-m", "pip", "install", *quietly, "--target", str(python), *packages])
    node = place / "node"
    packages = [peer.package for peer in peers if peer.node]
    if not packages:
        return Installation(python, node)
    node.mkdir()
    _run(["npm", "install", "--prefix", str(node), "--no-audit", "--no-fund", "--loglevel=error", *packages])
    shutil.copy(HERE / "adapter.mjs", node)
    return Installation(python, node)


def there(peers: Sequence[Peer]) -> list[Peer]:
    """Return those that can run here: npm's need node."""
    return [peer for peer in peers if not peer.node or (shutil.which("node") and shutil.which("npm"))]


def _run(command: list[str]) -> None:
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    if done.returncode:
        last = (done.stdout + done.stderr).strip().rpartition("\n")[2]
        raise NotInstallableError(f"{command[0].rpartition('/')[2]} could not install the peers: {last}")


@cache
def _tool(name: str) -> str:
    found = shutil.which(name)
    assert found is not None
    return found
