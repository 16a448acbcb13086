"""Real configuration files, from published packages, fetched when they are needed.

What is committed are two lists: packages, pinned by version and sha256, and which of
their files make up the corpus. No file of theirs is. No build backend and no script of
a package ever runs: wheels come through pip, source distributions through unearth,
which only downloads, and npm's packages through ``npm pack --ignore-scripts``. Archives
are read member by member and never unpacked, so a hostile member name has nothing to
escape from.
"""

from __future__ import annotations

import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import zipfile
from collections import Counter, defaultdict
from dataclasses import dataclass
from functools import cache
from pathlib import Path, PurePosixPath
from typing import TYPE_CHECKING, NamedTuple

from harness.oracle.reading import read
from harness.oracle.source import Format, RefusedError

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

HERE = Path(__file__).parent
FORMATS: tuple[Format, ...] = ("json", "jsonc", "toml", "yaml")
SIZE_LIMIT = 200_000
LIMIT = 25  # files of one package a format: a tenth of the least number that a format may have
_JSONC_NAME = re.compile(
    r"(tsconfig|jsconfig)[^/]*\.json|[^/]*\.jsonc|\.?devcontainer\.json|\.eslintrc(\.json)?|\.babelrc|\.swcrc|tslint\.json"
    r"|api-extractor[^/]*\.json"
)
_TOML_NAME = re.compile(r"[^/]*\.toml|(Cargo|poetry|uv|pdm)\.lock|Pipfile")
_YAML_NAME = re.compile(r"[^/]*\.ya?ml|\.clang-format|\.clang-tidy")


class Lists(NamedTuple):
    """The two lists of a corpus, and how many files of each format it wants."""

    packages: Path
    files: Path
    wanted: int


FIRST = Lists(HERE / "packages.txt", HERE / "files.txt", 300)
# Other packages, with as many files as they have.
WIDE = Lists(HERE / "wide" / "packages.txt", HERE / "wide" / "files.txt", 450)


class FetchError(Exception):
    """A package could not be fetched, or is not the one that was pinned."""


@dataclass(frozen=True, order=True)
class Package:
    """A pinned package: ``kind`` is npm, sdist or wheel."""

    kind: str
    name: str
    version: str
    sha256: str

    def __str__(self) -> str:
        return f"{self.kind} {self.name}=={self.version}"

    @property
    def archive(self) -> str:
        """The name of the cached archive."""
        suffix = "zip" if self.kind == "wheel" else "tgz"
        return f"{self.kind}-{self.name.replace('/', '__')}-{self.version}.{suffix}"


@dataclass(frozen=True)
class RealFile:
    """A file of the corpus.

    Attributes:
        form: Its format.
        package: Whose it is.
        path: Its path inside the package; a derived one has ``#variant`` behind it.
        data: Its bytes.
        documents: Whether it is a YAML text with other than one document.
        invalid: Why the independent parser refuses it, if it does.
    """

    form: Format
    package: str
    path: str
    data: bytes
    documents: bool = False
    invalid: str = ""

    @property
    def name(self) -> str:
        """What reports call it, and what its edits are chosen by."""
        return f"{self.package}/{self.path}"


def cache_folder() -> Path:
    """Where archives are kept between runs."""
    if folder := os.environ.get("UNTORN_CORPUS"):
        return Path(folder)
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "untorn-corpus"


def packages(lists: Lists = FIRST) -> list[Package]:
    """The pinned packages."""
    rows = [
        line.split() for line in lists.packages.read_text().splitlines() if line and not line.startswith("#")
    ]
    return [Package(kind, *_parts(pin), sha256) for kind, pin, sha256 in rows]


def _parts(pin: str) -> tuple[str, str]:
    name, _, version = pin.rpartition("==")
    return name, version


def corpus(forms: Iterable[Format] = FORMATS, *, quick: bool = False, lists: Lists = FIRST) -> list[RealFile]:
    """The files of the corpus, in the same order and choice everywhere.

    Args:
        forms: The formats to take.
        quick: Take about a tenth, of as few packages as give that many.
        lists: Which corpus.
    """
    rows = [
        line.split(" ", 3)
        for line in lists.files.read_text().splitlines()
        if line and not line.startswith("#")
    ]
    wanted: dict[tuple[str, str], list[tuple[Format, str, str]]] = defaultdict(list)
    for form, kind, pin, rest in rows:
        digest, path = rest.split(" ", 1)
        for known in FORMATS:
            if form == known and form in forms:
                wanted[kind, pin].append((known, digest, path))
    pinned = {(package.kind, f"{package.name}=={package.version}"): package for package in packages(lists)}
    found: list[RealFile] = []
    for key in _tenth(wanted) if quick else sorted(wanted):
        found += _files_of(pinned[key], wanted[key])
    return sorted(found, key=lambda file: (file.form, file.name))


def _tenth(wanted: dict[tuple[str, str], list[tuple[Format, str, str]]]) -> list[tuple[str, str]]:
    """Packages that hold a tenth of the files of each format, in the order of their hashes."""
    total = Counter(form for files in wanted.values() for form, _, _ in files)
    have: Counter[Format] = Counter()
    chosen: list[tuple[str, str]] = []
    for key in sorted(wanted, key=lambda key: hashlib.sha256(" ".join(key).encode()).digest()):
        here = Counter(form for form, _, _ in wanted[key])
        if any(have[form] * 10 < total[form] for form in here):
            chosen.append(key)
            have += here
    return chosen


def _files_of(package: Package, wanted: list[tuple[Format, str, str]]) -> Iterator[RealFile]:
    contents = dict(members(fetch(package)))
    for form, digest, path in wanted:
        data = contents.get(path)
        if data is None or hashlib.sha256(data).hexdigest()[:16] != digest:
            msg = f"{package}: {path!r} is not the file that was pinned"
            raise FetchError(msg)
        yield real_file(form, f"{package.name}-{package.version}", path, data)


def real_file(form: Format, package: str, path: str, data: bytes) -> RealFile:
    """Describe a file: how many documents it has, and whether it is valid."""
    problem = ""
    documents = False
    try:
        read(data, form)
    except RefusedError as error:
        problem = str(error)
        if form == "yaml":
            try:
                documents = len(read(data, form, documents=True).entries[()].children) > 1
                problem = "" if documents else problem
            except RefusedError:
                pass
    return RealFile(form, package, path, data, documents, problem)


def fetch(package: Package) -> Path:
    """Return the cached archive of a package; download it first if need be.

    Raises:
        FetchError: The download failed, or its sha256 is not the pinned one.
    """
    kept = cache_folder() / package.archive
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=kept.parent) as folder:
            archive = download(package.kind, package.name, package.version, Path(folder))
            _check(package, archive)
            archive.replace(kept)
    _check(package, kept)
    return kept


@cache
def _check(package: Package, archive: Path) -> None:
    actual = hashlib.sha256(archive.read_bytes()).hexdigest()
    if actual != package.sha256:
        msg = f"{package}: sha256 {actual}, pinned is {package.sha256}"
        raise FetchError(msg)


def download(kind: str, name: str, version: str, folder: Path) -> Path:
    """Download a package into an empty folder with its registry's ordinary client; run nothing of it."""
    result = subprocess.run(
        _command(kind, name, version), cwd=folder, capture_output=True, text=True, check=False
    )
    found = [path for path in folder.iterdir() if path.is_file()]
    if result.returncode or len(found) != 1:
        msg = f"{kind} {name}=={version}: {(result.stderr or result.stdout).strip()[-500:]}"
        raise FetchError(msg)
    return found[0]


def _command(kind: str, name: str, version: str) -> list[str]:
    if kind == "npm":
        npm = shutil.which("npm")
        if not npm:
            msg = "npm is needed to fetch the corpus"
            raise FetchError(msg)
        return [npm, "pack", f"{name}@{version}", "--ignore-scripts", "--silent"]
    if kind == "sdist":
        return [sys.executable, "-m", "unearth", f"{name}=={version}", "--no-binary", "--download", "."]
    pip = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check"]
    return [*pip, "--no-deps", "--only-binary=:all:", "--dest", ".", f"{name}=={version}"]


def members(archive: Path) -> Iterator[tuple[str, bytes]]:
    """The configuration files in an archive, by name; the outermost folder of a tar file is left off."""
    if archive.suffix == ".zip":
        with zipfile.ZipFile(archive) as opened:
            for info in opened.infolist():
                if not info.is_dir() and info.file_size <= SIZE_LIMIT and guess(info.filename):
                    yield info.filename, opened.read(info)
        return
    with tarfile.open(archive) as tar:
        for member in tar:
            name = "/".join(PurePosixPath(member.name).parts[1:])
            if member.isfile() and member.size <= SIZE_LIMIT and guess(name):
                opened_file = tar.extractfile(member)
                assert opened_file
                yield name, opened_file.read()


def guess(path: str) -> Format | None:
    """The format that a file's name tells."""
    name = path.rsplit("/", 1)[-1]
    if _JSONC_NAME.fullmatch(name) or (name.endswith(".json") and "/.vscode/" in f"/{path}"):
        return "jsonc"
    if name.endswith(".json"):
        return "json"
    if _TOML_NAME.fullmatch(name):
        return "toml"
    return "yaml" if _YAML_NAME.fullmatch(name) else None


def candidates(package: Package) -> Iterator[tuple[Format, str, bytes]]:
    """The files of a package that could be in the corpus; a text that comes twice counts once.

    A ``.json`` file that only JSONC accepts is a JSONC file.
    """
    seen: set[bytes] = set()
    for path, data in sorted(members(fetch(package))):
        form = guess(path)
        if not form or not data.strip() or data in seen or "\n" in path:
            continue
        seen.add(data)
        if form == "json" and _refused(data, "json") and not _refused(data, "jsonc"):
            form = "jsonc"
        yield form, path, data


def _refused(data: bytes, form: Format) -> bool:
    try:
        read(data, form)
    except RefusedError:
        return True
    return False
