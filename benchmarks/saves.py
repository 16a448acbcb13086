"""Saves beside the bare system calls that any durable save needs, and beside other writers.

Run it where untorn can be imported::

    python benchmarks/saves.py            # a few minutes
    python benchmarks/saves.py --quick    # 15 rounds each, about half a minute
    python benchmarks/saves.py --no-peers --only unchanged

``--disk`` names a directory on the disk that is of interest; the other one is
in memory (``/dev/shm``), where no disk hides what the program itself costs.
"""

from __future__ import annotations

import argparse
import json
import os
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import TYPE_CHECKING, Any

from measuring import Subject, compare, interleaved, print_table
from peers import SYNCS, all_writers

import untorn

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from peers import Writer

    Calls = Callable[[Path, bytes], object]

LINES = 40
"""Entries of a small file: 2 KB of JSON."""


def contents(number: int, size: int = 2048) -> bytes:
    """Return ``size`` bytes that no other number gives."""
    return f"{number:>16}".encode() + b"x" * (size - 16)


# ── The bare calls ──────────────────────────────────────────────────────────


def bare_durable(path: Path, data: bytes) -> None:
    """Do the eight calls below which no durable replacement can go; no error is handled."""
    name, temp, directory = os.fspath(path), f"{path}.tmp", os.fspath(path.parent)
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    os.write(fd, data)
    os.fsync(fd)
    os.close(fd)
    os.rename(temp, name)  # noqa: PTH104
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    os.fsync(fd)
    os.close(fd)


def bare_atomic(path: Path, data: bytes) -> None:
    """Do the four calls of a replacement that a power cut may undo, or empty."""
    name, temp = os.fspath(path), f"{path}.tmp"
    fd = os.open(temp, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o666)
    os.write(fd, data)
    os.close(fd)
    os.rename(temp, name)  # noqa: PTH104


def bare_look(path: Path, known: bytes) -> None:
    """Look whether a file still holds what is known."""
    fd = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    found = os.read(fd, os.fstat(fd).st_size + 1)
    os.close(fd)
    assert found == known


def batch_durable(paths: Sequence[Path], data: bytes) -> None:
    """Do what a batch could: write all, sync all, rename all, one sync of the directory."""
    fds = [os.open(f"{path}.tmp", os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC) for path in paths]
    for fd in fds:
        os.write(fd, data)
    for fd in fds:
        os.fsync(fd)
        os.close(fd)
    for path in paths:
        os.rename(f"{path}.tmp", path)  # noqa: PTH104
    fd = os.open(paths[0].parent, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    os.fsync(fd)
    os.close(fd)


# ── Small files ─────────────────────────────────────────────────────────────


def value_of(number: int) -> dict[str, Any]:
    """Return a configuration of 40 entries."""
    servers = [{"name": f"server-{each}", "port": 8000 + each, "tls": True} for each in range(LINES)]
    return {"number": number, "servers": servers}


JSON = json.dumps(value_of(0), indent=1).replace("\n   ", " ").replace("\n  }", "}")
TOML = "# what it counts\nnumber = 0\n" + "".join(
    f"\n[server-{each}]\nport = {8000 + each}  # as agreed\ntls = true\n" for each in range(LINES)
)
YAML = "# what it counts\nnumber: 0\n" + "".join(
    f"server-{each}:\n  port: {8000 + each}  # as agreed\n  tls: true\n" for each in range(LINES)
)


def place(directory: Path, name: str, text: str = "") -> Path:
    """Return a file in a directory of its own, so that no writer is bothered by another's files."""
    own = Path(tempfile.mkdtemp(dir=directory))
    path = own / name
    path.write_text(text)
    return path


def plainly(name: str, write: Calls, directory: Path, size: int = 2048, **about: Any) -> Subject:  # noqa: ANN401
    """Return the subject that replaces a file with ``size`` other bytes."""
    path = place(directory, "settings.bin")
    return Subject(name, lambda number: write(path, contents(number, size)), **about)


def saving_json(directory: Path, **keywords: Any) -> Subject:  # noqa: ANN401
    """Return the subject that saves a JSON value in which one number changed."""
    path = place(directory, "settings.json", JSON)
    value = untorn.load(path)

    def save(number: int) -> None:
        value["number"] = number + 1
        untorn.save(path, value, **keywords)

    return Subject("untorn.save, JSON of 2 KB", save)


def editing(directory: Path, suffix: str, text: str, **keywords: Any) -> Subject:  # noqa: ANN401
    """Return the subject that changes one number with ``untorn.edit``."""
    path = place(directory, f"settings.{suffix}", text)

    def edit(number: int) -> None:
        with untorn.edit(path, **keywords) as document:
            document["number"] = number + 1

    return Subject(f"untorn.edit, {suffix.upper()} of 2 KB", edit)


def beside(directory: Path, writers: Mapping[str, Writer], size: int = 2048) -> list[Subject]:
    """Return the peers as subjects."""
    return [
        plainly(name, write, directory, size, note=SYNCS[name], times_itself=name.startswith("npm"))
        for name, write in writers.items()
    ]


def durable(directory: Path, writers: Mapping[str, Writer], goal: float, rounds: int, calls: int) -> None:
    """Durable saves of 2 KB."""
    subjects = [
        plainly("bare: eight system calls", bare_durable, directory),
        plainly("untorn.write_bytes", untorn.write_bytes, directory, goal=goal),
        saving_json(directory),
        editing(directory, "json", JSON),
        editing(directory, "toml", TOML),
        editing(directory, "yaml", YAML),
        *beside(directory, writers),
    ]
    compare(f"durable save of 2 KB, {kind_of(directory)}", subjects, rounds=rounds, calls=calls)


def undurable(directory: Path, writers: Mapping[str, Writer], rounds: int, calls: int) -> None:
    """Saves that a power cut may undo, of 2 KB."""

    def write(path: Path, data: bytes) -> None:
        untorn.write_bytes(path, data, durability="none")

    idle = {name: each for name, each in writers.items() if SYNCS[name] == "syncs nothing"}
    subjects = [
        plainly("bare: open, write, close, rename", bare_atomic, directory),
        plainly('untorn.write_bytes, durability="none"', write, directory),
        saving_json(directory, durability="none"),
        editing(directory, "toml", TOML, durability="none"),
        editing(directory, "yaml", YAML, durability="none"),
        *beside(directory, idle),
    ]
    compare(f"not durable, 2 KB, {kind_of(directory)}", subjects, rounds=rounds, calls=calls)


# ── Nothing changed ─────────────────────────────────────────────────────────


def unchanged(directory: Path, rounds: int, calls: int) -> None:
    """Saves that find nothing to do, of a document and of a value."""
    path = place(directory, "settings.json", JSON)
    known, value, document = path.read_bytes(), untorn.load(path), untorn.open(path)
    again = untorn.load(path)

    def parse_and_compare(_number: int) -> None:
        assert untorn.same_value(json.loads(known.decode()), again)

    look = Subject("bare: open, fstat, read, close, compare", lambda _number: bare_look(path, known))
    of_document = Subject("save of an unchanged Document", lambda _number: document.save(), goal=2.5)
    parse = Subject("bare: parse, compare type by type", parse_and_compare)
    of_value = Subject("untorn.save of an unchanged value", lambda _number: untorn.save(path, value))
    again_bytes = Subject("untorn.write_bytes of the same", lambda _number: untorn.write_bytes(path, known))
    subjects = [look, of_document, parse, of_value, again_bytes]
    samples = interleaved(subjects, rounds=rounds, calls=calls)
    title = f"unchanged save of 2 KB, {kind_of(directory)} ({rounds} rounds)"
    print_table(title, subjects, samples, samples[look.name])
    allowed = [2.5 * one + other for one, other in zip(samples[look.name], samples[parse.name], strict=True)]
    title = "the same value against what it may cost: 2.5 x look + parse + comparison"
    goal = Subject(of_value.name, of_value.call, goal=1.0)
    print_table(title, [goal], samples, allowed)


# ── Large files, many files ─────────────────────────────────────────────────


def large(directory: Path, writers: Mapping[str, Writer], rounds: int) -> None:
    """Saves of 1 MB."""
    size = 1 << 20

    def weakly(path: Path, data: bytes) -> None:
        untorn.write_bytes(path, data, durability="none")

    subjects = [
        plainly("bare: eight system calls", bare_durable, directory, size),
        plainly("untorn.write_bytes", untorn.write_bytes, directory, size),
        *beside(directory, writers, size),
    ]
    compare(f"durable save of 1 MB, {kind_of(directory)}", subjects, rounds=rounds)
    subjects = [
        plainly("bare: open, write, close, rename", bare_atomic, directory, size),
        plainly('untorn.write_bytes, durability="none"', weakly, directory, size),
    ]
    compare(f"not durable, 1 MB, {kind_of(directory)}", subjects, rounds=rounds)


def many(directory: Path, count: int, rounds: int) -> None:
    """Durable saves of ``count`` files of 2 KB in one directory."""

    def files(prefix: str) -> list[Path]:
        own = Path(tempfile.mkdtemp(dir=directory, prefix=prefix))
        paths = [own / f"settings-{each}.bin" for each in range(count)]
        for path in paths:
            path.write_bytes(b"")
        return paths

    def one_by_one(write: Calls) -> Callable[[int], None]:
        paths = files("each")

        def save(number: int) -> None:
            for path in paths:
                write(path, contents(number))

        return save

    together, transacted = files("all"), files("transaction")

    def transaction(number: int) -> None:
        with untorn.transaction() as tx:
            for path in transacted:
                tx.write_bytes(path, contents(number))

    subjects = [
        Subject(f"bare: eight system calls x {count}", one_by_one(bare_durable)),
        Subject(f"untorn.write_bytes x {count}", one_by_one(untorn.write_bytes)),
        Subject("bare, as one batch", lambda number: batch_durable(together, contents(number))),
        Subject(f"untorn.transaction of {count}", transaction),
    ]
    samples = compare(f"{count} files of 2 KB, durable, {kind_of(directory)}", subjects, rounds=rounds)
    *_, single, _, as_one = subjects
    goal = Subject(as_one.name, as_one.call, goal=0.45)
    print_table("the same against single saves", [goal], samples, samples[single.name])


# ── The whole ───────────────────────────────────────────────────────────────


def kind_of(directory: Path) -> str:
    """Return the type of the file system that ``directory`` is on."""
    above = {str(each) for each in (directory, *directory.parents)}
    kind, longest = "?", -1
    with suppress(OSError):
        for line in Path("/proc/self/mounts").read_text().splitlines():
            _, point, found, *_ = line.split()
            if point in above and len(point) >= longest:
                kind, longest = found, len(point)
    return kind


SECTIONS = ("durable", "undurable", "unchanged", "large", "many")


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description="Saves beside the bare system calls and other writers.")
    parser.add_argument("--quick", action="store_true", help="15 rounds each")
    parser.add_argument("--rounds", type=int, help="how many samples each gets")
    parser.add_argument("--disk", type=Path, default=Path.cwd(), help="a directory on the disk to measure")
    parser.add_argument("--memory", type=Path, default=Path("/dev/shm"), help="a directory in memory")  # noqa: S108
    parser.add_argument(
        "--no-peers", dest="peers", action="store_false", help="untorn and the bare calls alone"
    )
    parser.add_argument("--only", choices=SECTIONS, action="append", help="one part of it; repeatable")
    return parser.parse_args()


def measure(
    disk: Path, memory: Path, writers: Mapping[str, Writer], only: Sequence[str], rounds: int
) -> None:
    """Print the tables of all parts that are asked for."""
    if "durable" in only:
        durable(memory, writers, goal=1.7, rounds=rounds, calls=5)
        durable(disk, writers, goal=1.15, rounds=rounds, calls=1)
    if "undurable" in only:
        undurable(memory, writers, rounds=rounds, calls=5)
        undurable(disk, writers, rounds=rounds, calls=5)
    if "unchanged" in only:
        unchanged(memory, rounds=rounds, calls=10)
    if "large" in only:
        large(memory, writers, rounds=rounds)
        large(disk, writers, rounds=rounds)
    if "many" in only:
        for count in (10, 100):
            many(memory, count, rounds=max(rounds // 2, 1))
            many(disk, count, rounds=max(rounds // 4, 1))


def main() -> None:
    """Measure in temporary directories on disk and in memory."""
    asked = arguments()
    rounds = asked.rounds or (15 if asked.quick else 61)
    temporary = tempfile.TemporaryDirectory
    with (
        temporary(dir=asked.disk, prefix="untorn-bench-") as disk,
        temporary(dir=asked.memory, prefix="untorn-bench-") as memory,
        all_writers(wanted=asked.peers) as writers,
    ):
        measure(Path(disk).resolve(), Path(memory).resolve(), writers, asked.only or SECTIONS, rounds)


if __name__ == "__main__":
    main()
