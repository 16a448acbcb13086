"""Record saves, of untorn and of other writers, and judge every state that a power cut leaves."""

from __future__ import annotations

import os
import shutil
import tempfile
from contextlib import contextmanager
from functools import partial
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import untorn
from evidence import saves
from evidence.judging import Count, Target, exposed, judged, plain_reader
from evidence.recording import recorded
from evidence.saves import LAST, NEW, NEXT, Saver, bytes_of
from evidence.tree import File, Rights, build, followed, rebuild, scan
from untorn import storage
from untorn.errors import LoadError, UntornError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from evidence.disk import Bounds
    from evidence.judging import Contents
    from evidence.recording import Recording
    from evidence.saves import Case, Faults, Prepare
    from evidence.tree import Tree
    from evidence.writers import Writer

_MEMORY = Path("/dev/shm")


@contextmanager
def empty_directory(*, in_memory: bool = True) -> Iterator[Path]:
    """Yield an empty directory, in memory where possible; new files in it get 0644."""
    before = os.umask(0o022)
    place = _MEMORY if in_memory and os.access(_MEMORY, os.W_OK) else None
    try:
        with tempfile.TemporaryDirectory(prefix="untorn-powercut-", dir=place) as name:
            Path(name).chmod(0o755)
            (Path(name) / "disk").mkdir()
            yield Path(name).resolve()
    finally:
        os.umask(before)


def _named(criterion: str, faults: Faults) -> str:
    return f"{criterion} {faults[0].name}" if faults else criterion


def _target(recording: Recording, path: Path, *, strict: bool = True) -> Target:
    name = str(path.relative_to(recording.root))
    files = {each: node for each, node in recording.image.items() if isinstance(node, File)}
    old = files.get(followed(recording.image, name))
    return Target(
        name,
        contents=frozenset().union(*(each.contents for each in recording.promises)),
        before=frozenset(each.data for each in files.values()),
        rights=old.rights if old else Rights(0o644, os.geteuid(), os.getegid()),
        attributes=old.attributes if old else (),
        strict=strict,
    )


# ── untorn ──────────────────────────────────────────────────────────────────


def try_case(case: Case, faults: Faults, bounds: Bounds) -> Count:
    """Record a case while ``faults`` happen, and judge all that a power cut may leave of it."""
    with empty_directory(in_memory=case.in_memory) as place:
        root = place / "disk"
        path = case.prepare(root)
        with recorded(root, *faults) as recording:
            saver = Saver(recording, path, _keywords(case, root))
            case.perform(saver)
            if faults:
                recording.faults.clear()
                saver.save(LAST)  # pays what is owed
        target = _target(recording, path, strict=case.metadata_kept)
        judge = (_InPlaceJudge if case.in_place else _UntornJudge)(case, target, recording, place)
        return judged(recording, judge, bounds, directories_forget=case.directories_forget)


def _keywords(case: Case, root: Path) -> dict[str, Any]:
    return {**case.keywords, "in_place": root / saves.JOURNALS} if case.in_place else dict(case.keywords)


class _UntornJudge:
    """By bytes and rights, then by what a load answers, and by the next save."""

    def __init__(self, case: Case, target: Target, recording: Recording, place: Path) -> None:
        self._case = case
        self._target = target
        self._place = place
        self._numbers = count()
        self._host = untorn.Host()
        self._values = {data: _value(data) for data in target.contents}
        self._known = {
            *(name for name in recording.image if not name.endswith((".tmp", "swap"))),
            *(str(each) for each in Path(target.name).parents),
            target.name,
        }

    def __call__(self, tree: Tree, promised: Contents) -> Iterator[str]:
        yield from plain_reader(self._target)(tree, promised)
        self._host = untorn.Host()  # who comes after a power cut knows nothing
        with self._made(tree) as root:
            path, keywords = root / self._target.name, _keywords(self._case, root)
            yield from self._loaded(path, promised, keywords)
            yield from self._saved_again(root, path, keywords)

    @contextmanager
    def _made(self, tree: Tree) -> Iterator[Path]:
        root = self._place / f"{next(self._numbers)}"
        root.mkdir()
        build(tree, root)
        try:
            yield root
        finally:
            shutil.rmtree(root)

    def _load(self, path: Path, keywords: Mapping[str, Any]) -> object:
        reading = {name: value for name, value in keywords.items() if name == "in_place"}
        return self._host.load(path, missing=None, **reading)

    def _loaded(self, path: Path, promised: Contents, keywords: Mapping[str, Any]) -> Iterator[str]:
        try:
            value = self._load(path, keywords)
        except LoadError:
            yield "unreadable"
            return
        if value not in [self._values[data] for data in promised]:
            yield "loaded wrongly"

    def _saved_again(self, root: Path, path: Path, keywords: Mapping[str, Any]) -> Iterator[str]:
        try:
            receipt = self._host.save(path, saves.AFTER, base=None, **keywords)
        except (UntornError, OSError):
            yield "blocked"
            return
        durable = keywords.get("durability") != "none"
        if self._load(path, keywords) != saves.AFTER or receipt.durable is not durable:
            yield "not saved again"
        if set(scan(root)) - self._known:
            yield "litter"


class _InPlaceJudge(_UntornJudge):
    """By what a load answers, and by the next save: in-place writes promise nothing to others."""

    def __call__(self, tree: Tree, promised: Contents) -> Iterator[str]:
        yield from exposed(tree, self._target)
        self._host = untorn.Host()  # who comes after a power cut knows nothing
        with self._made(tree) as root:
            path, keywords = root / self._target.name, _keywords(self._case, root)
            yield from self._loaded(path, promised, keywords)
            yield from self._saved_again(root, path, keywords)

    @contextmanager
    def _made(self, tree: Tree) -> Iterator[Path]:
        """Put the state over what the save left: a journal knows its file by the inode."""
        root = self._place / "disk"
        rebuild(tree, root)
        yield root


def _value(data: bytes | None) -> object:
    return None if data is None else untorn.loads(data.decode(), format="json")


# ── Other writers ───────────────────────────────────────────────────────────


def try_writer(writer: Writer, bounds: Bounds) -> Count:
    """Judge a writer by power cuts, faults, a second writer, and whether it works after a crash."""
    total = Count()
    prepares: list[Prepare] = [saves.existing, saves.new]
    if writer.makes_parents:
        prepares.append(saves.new_parents)
    for prepare in prepares:
        for faults in saves.FAULTS:
            total.add(_written(writer, prepare, faults, bounds))
    total.add(_beside_a_second(writer))
    return total


def _written(writer: Writer, prepare: Prepare, faults: Faults, bounds: Bounds) -> Count:
    with empty_directory() as place:
        root = place / "disk"
        path = prepare(root)
        old = path.read_bytes() if path.exists() else None
        with recorded(root, *faults) as recording:
            recording.promise(old, bytes_of(NEW))
            try:
                writer.write(path, bytes_of(NEW), storage.REAL)
            except OSError:
                pass  # it says that it did not save: old or new
            else:
                recording.promise(bytes_of(NEW))
        target = _target(recording, path)
        judge = plain_reader(target)
        if not faults and old is not None:
            judge = _WriterJudge(writer, target, place)
        found = judged(recording, judge, bounds)
    found.rename(lambda criterion: _named(criterion, faults))
    return found


class _WriterJudge:
    """By bytes and rights, and by whether the same writer saves again."""

    def __init__(self, writer: Writer, target: Target, place: Path) -> None:
        self._writer = writer
        self._target = target
        self._plain = plain_reader(target)
        self._place = place
        self._numbers = count()

    def __call__(self, tree: Tree, promised: Contents) -> Iterator[str]:
        yield from self._plain(tree, promised)
        root = self._place / f"{next(self._numbers)}"
        root.mkdir()
        build(tree, root)
        path = root / self._target.name
        try:
            self._writer.write(path, bytes_of(NEXT), storage.Syscalls())
        except OSError:
            yield "blocked"
        else:
            if path.read_bytes() != bytes_of(NEXT):
                yield "not saved again"
        finally:
            shutil.rmtree(root)


def _beside_a_second(writer: Writer) -> Count:
    """Let a second writer save as a whole before each call of the first."""
    found = Count()
    for nth in count():
        with empty_directory() as place:
            path = saves.existing(place / "disk")
            table = storage.Syscalls()
            met = _meet(table, nth, partial(writer.write, path, bytes_of(NEXT), storage.Syscalls()))
            try:
                writer.write(path, bytes_of(NEW), table)
            except OSError as error:
                found.blame("fails beside a second writer", f"which saves before call {nth}: {error}")
            if not met:
                return found
            found.states += 1
            held = path.read_bytes() if path.exists() else None
            if held not in (bytes_of(NEW), bytes_of(NEXT)):
                found.blame("torn beside a second writer", f"which saves before call {nth}: {held!r:.80}")
    raise AssertionError  # there is a call of this number always


def _meet(table: storage.Syscalls, nth: int, other: Callable[[], None]) -> list[str]:
    """Let ``other`` happen before the ``nth`` call through ``table``; the list is not empty when it has."""
    made: list[str] = []
    met: list[str] = []

    def wrap(name: str, function: Callable[..., object]) -> Callable[..., object]:
        def call(*arguments: object, **keywords: object) -> object:
            made.append(name)
            if len(made) == nth + 1:
                met.append(name)
                other()
            return function(*arguments, **keywords)

        return call

    for name, function in dict(vars(table)).items():
        setattr(table, name, wrap(name, function))
    return met
