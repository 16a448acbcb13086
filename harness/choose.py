"""Choose the corpus anew: ``python -m harness.choose NAMES``.

``--wide`` chooses the second corpus, of packages that the first one does not have.
Each line of the file NAMES says ``npm NAME``, ``sdist NAME`` or ``wheel NAME``.

Needed only when packages join or leave. What it writes is committed, so that the files
of the corpus change only when somebody means it. An archive that is already pinned
keeps its version.
"""

from __future__ import annotations

import argparse
import hashlib
import re
import subprocess
import sys
import tempfile
from collections import defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from harness import corpus
from harness.corpus import Package

if TYPE_CHECKING:
    from harness.oracle.source import Format

_INVALID_SHARE = 20  # one file in so many may be one that the independent parser refuses
_FROM_EACH = 9  # files that a package should have to give; with fewer, the corpus gets monotonous
Candidate = tuple[Package, str, bytes]
_TAG = re.compile(rb"^[^#\n]*?(?:^|[:\[,{?-])[ \t]+!(?:!python/)?[A-Za-z]", re.MULTILINE)


def pin(kind: str, name: str, version: str) -> Package:
    """Download a package, keep its archive in the cache, and note its sha256."""
    with tempfile.TemporaryDirectory() as folder:
        archive = corpus.download(kind, name, version, Path(folder))
        data = archive.read_bytes()
        package = Package(kind, name, version, hashlib.sha256(data).hexdigest())
        kept = corpus.cache_folder() / package.archive
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_bytes(data)
    return package


def newest(kind: str, name: str) -> str:
    """Ask a registry's client for the newest version of a package."""
    if kind == "npm":
        command = ["npm", "view", name, "version"]
        return subprocess.run(command, capture_output=True, text=True, check=True).stdout.strip()
    command = [sys.executable, "-m", "unearth", name]
    output = subprocess.run(command, capture_output=True, text=True, check=True).stdout
    match = re.search(r'"version":\s*"([^"]+)"', output)
    assert match, output
    return match[1]


def choose(
    packages: list[Package], wanted: int, *, prefer_tags: bool = False
) -> list[tuple[Format, Package, str, bytes]]:
    """Take up to the wanted number of files a format, round robin among the packages."""
    by_format: dict[Format, dict[Package, list[Candidate]]] = defaultdict(lambda: defaultdict(list))
    seen: set[bytes] = set()
    for package in sorted(packages):
        for form, path, data in corpus.candidates(package):
            if data not in seen:
                seen.add(data)
                by_format[form][package].append((package, path, data))
    chosen: list[tuple[Format, Package, str, bytes]] = []
    for form in corpus.FORMATS:
        files = _round_robin(form, by_format[form], wanted, prefer_tags=prefer_tags)
        chosen += [(form, package, path, data) for package, path, data in files]
    return chosen


def _round_robin(
    form: Format, files: dict[Package, list[Candidate]], wanted: int, *, prefer_tags: bool
) -> list[Candidate]:
    # YAML files with tags of their own are rare, and go wrong most: where there are any, they come first.
    tagged = form == "yaml" and prefer_tags
    queues = [
        sorted(candidates, key=lambda one: (not (tagged and _TAG.search(one[2])), _digest(one)))
        for candidates in _enough(files, wanted)
    ]
    taken: list[Candidate] = []
    invalid = 0
    for rank in range(3 * corpus.LIMIT):
        for queue in queues:
            if rank >= len(queue) or len(taken) >= wanted:
                continue
            package, path, data = queue[rank]
            if sum(one[0] == package for one in taken) >= corpus.LIMIT:
                continue
            if corpus.real_file(form, package.name, path, data).invalid:
                if invalid * _INVALID_SHARE >= wanted:
                    continue
                invalid += 1
            taken.append(queue[rank])
    return taken


def _digest(candidate: Candidate) -> bytes:
    return hashlib.sha256(candidate[2]).digest()


def _enough(files: dict[Package, list[Candidate]], wanted: int) -> list[list[Candidate]]:
    """The packages with the most files, as many as it takes: each costs everybody a download."""
    chosen: list[list[Candidate]] = []
    for candidates in sorted(files.values(), key=len, reverse=True):
        if sum(min(len(one), _FROM_EACH) for one in chosen) < wanted:
            chosen.append(candidates)
    return chosen


def main() -> None:
    """Pin the named packages, choose, and write both lists."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("names", type=Path)
    parser.add_argument("--wide", action="store_true")
    arguments = parser.parse_args()
    lists = corpus.WIDE if arguments.wide else corpus.FIRST
    names = [line.split() for line in arguments.names.read_text().splitlines() if line.strip()]
    known = {(one.kind, one.name): one for one in corpus.packages(lists)} if lists.packages.exists() else {}
    other = {(one.kind, one.name) for one in corpus.packages()} if arguments.wide else set()
    packages = [
        known.get((kind, name)) or pin(kind, name, newest(kind, name))
        for kind, name in names
        if (kind, name) not in other
    ]
    chosen = choose(packages, lists.wanted, prefer_tags=arguments.wide)
    used = {package for _, package, _, _ in chosen}
    lists.packages.write_text("".join(f"{one} {one.sha256}\n" for one in sorted(used)))
    rows = [
        f"{form} {package} {hashlib.sha256(data).hexdigest()[:16]} {path}\n"
        for form, package, path, data in chosen
    ]
    lists.files.write_text("".join(sorted(rows)))
    for form in corpus.FORMATS:
        print(form, sum(row[0] == form for row in chosen))


if __name__ == "__main__":
    main()
