"""Where a place is tried: a child with mounts of its own, and what is asserted of every save there."""

from __future__ import annotations

import ctypes
import os
import resource
import shutil
import signal
import stat
import subprocess
import tempfile
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import untorn
from evidence.calls import watched
from evidence.children import exit_code, forked, told
from evidence.targets import Unsupported, litter

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

OLD, NEW, NEXT = b"old = 1\n" * 10, b"new = 2\n" * 20, b"next = 3\n"
USER, OTHER = 12345, 54321
"""Two users and groups that nobody is."""

REFUSALS = (untorn.SaveError, untorn.LoadError)
_CLONE_NEWNS = 0x00020000
_SECONDS = 110


@dataclass(frozen=True)
class Place:
    """One place, or one kind of place.

    Attributes:
        name: The sentence that must hold there.
        visit: Asserts it, and raises ``Unsupported`` where the machine cannot show it.
    """

    name: str
    visit: Callable[[Ground], None]


PLACES: dict[str, Place] = {}


def place(visit: Callable[[Ground], None]) -> Callable[[Ground], None]:
    """Enter a function among the places, under its name."""
    name = visit.__name__.strip("_").replace("_", " ")
    assert name not in PLACES
    PLACES[name] = Place(name, visit)
    return visit


@dataclass(frozen=True)
class Visit:
    """What came of a visit: how many saves were tried; what was broken, or why it could not be shown."""

    place: str
    tried: int = 0
    broken: str = ""
    lacking: str = ""


def visited(place: Place) -> Visit:
    """Visit a place in a child, which takes its mounts with it when it ends."""

    def tell() -> str:
        with _scratch() as root:
            ground = Ground(root)
            ground.end_after(_SECONDS)
            try:
                place.visit(ground)
            except Unsupported as reason:
                return f"lacking\n{ground.tried}\n{reason}"
            except BaseException as error:  # noqa: BLE001  all of it breaks the sentence
                return f"broken\n{ground.tried}\n{type(error).__name__}: {error}"
            return f"held\n{ground.tried}\n"

    code, said = told(tell)
    if code or not said:
        return Visit(place.name, broken=f"it ended with {code}: did it hang?")
    word, tried, detail = said.split("\n", 2)
    return Visit(place.name, int(tried), **({} if word == "held" else {word: detail}))


@contextmanager
def _scratch() -> Iterator[Path]:
    with tempfile.TemporaryDirectory(prefix="untorn-places-", ignore_cleanup_errors=True) as name:
        root = Path(name).resolve()
        root.chmod(0o755)  # other users take part, too
        if os.geteuid() == 0:
            _unshare_mounts()
        yield root


def _unshare_mounts() -> None:
    """Let no mount of this process be seen by another one, nor outlive it."""
    if ctypes.CDLL(None, use_errno=True).unshare(_CLONE_NEWNS) == 0:
        subprocess.run(["mount", "--make-rprivate", "/"], check=False, capture_output=True)


class Ground:
    """A directory on a disk, empty at first, and what is asserted of saves in it."""

    def __init__(self, root: Path, above: Ground | None = None) -> None:
        self.root = root
        self.tried = 0
        self._above = above

    def within(self, directory: Path) -> Ground:
        """Return the same for a directory in this place."""
        return Ground(directory, self)

    def end_after(self, seconds: int) -> None:
        """Let this process be killed then: what hangs, for instance in a FIFO, must not hang all."""
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.alarm(seconds)

    def count(self, saves: int = 1) -> None:
        """Count saves that were tried."""
        self.tried += saves
        if self._above is not None:
            self._above.count(saves)

    # ── What is there ───────────────────────────────────────────────────────

    def directory(self, name: str, *, mode: int = 0o755) -> Path:
        """Make a directory."""
        path = self.root / name
        path.mkdir(parents=True)
        path.chmod(mode)
        return path

    def file(self, path: str | Path = "app.conf", *, mode: int = 0o640, owner: int = -1) -> Path:
        """Make a file that holds OLD."""
        made = self.root / path
        made.write_bytes(OLD)
        if owner >= 0:
            os.chown(made, owner, owner)
        made.chmod(mode)
        return made

    # ── Saves ───────────────────────────────────────────────────────────────

    def saved(self, path: str | Path, data: bytes = NEW, **keywords: Any) -> untorn.Receipt:  # noqa: ANN401
        """Save; assert that it works, changes nothing else and leaves nothing."""
        self.count()
        descriptors, others = open_descriptors(), self.tree()
        receipt = untorn.write_bytes(path, data, timeout=5, **keywords)
        file = os.fspath(receipt.path)
        assert receipt.path.read_bytes() == data, f"{path} does not hold what was saved"
        assert _without(self.tree(), file) == _without(others, file), "something else was changed"
        assert not litter(self.root), f"left behind: {litter(self.root)}"
        assert open_descriptors() == descriptors, "a descriptor stayed open"
        return receipt

    def refused(
        self,
        path: str | Path,
        code: int | tuple[int, ...],
        *says: str,
        data: bytes = NEW,
        unwritten: bool = True,
        **keywords: Any,  # noqa: ANN401
    ) -> untorn.UntornError:
        """Save; assert that it is refused with this errno and these words, and that nothing was changed.

        ``unwritten``: also that not a byte was written anywhere.
        """
        self.count()
        descriptors, before = open_descriptors(), self.tree()
        with watched() as watch:
            try:
                receipt = untorn.write_bytes(path, data, timeout=0, **keywords)
            except REFUSALS as error:
                refusal = error
            else:
                raise AssertionError(f"{path} was not refused: {receipt}")
        text = str(refusal)
        codes = code if isinstance(code, tuple) else (code,)
        found = refusal.errno if isinstance(refusal, OSError) else None
        assert found in codes, f"errno {found}: {text}"
        assert refusal.hint, f"no hint: {text}"
        for word in says:
            assert word in text, f"{word!r} is missing: {text}"
        assert self.tree() == before, f"{text}: and yet something was changed"
        assert not (unwritten and "write" in watch.made), f"{text}: but only after bytes were written"
        assert open_descriptors() == descriptors, "a descriptor stayed open"
        return refusal

    def refused_anyhow(self, path: Path, data: bytes, **keywords: Any) -> OSError:  # noqa: ANN401
        """Save; assert that it is refused, in one way or another, and that nothing was changed."""
        self.count()
        descriptors, before = open_descriptors(), self.tree()
        refusal = refusal_of(partial(untorn.write_bytes, path, data, timeout=0, **keywords))
        assert refusal is not None, f"{path} was not refused"
        assert self.tree() == before, f"{refusal}: and yet something was changed"
        assert open_descriptors() == descriptors, "a descriptor stayed open"
        return refusal

    def old_or_new(self, path: Path, data: bytes = NEW, **keywords: Any) -> BaseException | None:  # noqa: ANN401
        """Save; assert that the file is new if it works, else as it was; return the refusal."""
        self.count()
        descriptors, before = open_descriptors(), self.tree()
        outcome: BaseException | None = None
        try:
            untorn.write_bytes(path, data, timeout=0, **keywords)
        except (untorn.NotDurableError, *REFUSALS) as error:
            outcome = error
        if isinstance(outcome, REFUSALS):
            assert self.tree() == before, f"{outcome}: and yet something was changed"
        else:
            assert path.read_bytes() == data
        assert not litter(self.root), f"left behind: {litter(self.root)}"
        assert open_descriptors() == descriptors, "a descriptor stayed open"
        return outcome

    def tree(self) -> dict[str, object]:
        """Return everything in this place, by its path: kind, rights, owner, and content."""
        found: dict[str, object] = {}
        for above, directories, names in os.walk(self.root):
            for name in (*directories, *names):
                path = os.path.join(above, name)  # noqa: PTH118  names that are no text, too
                status = os.lstat(path)
                content: object = None
                with suppress(OSError):
                    if stat.S_ISREG(status.st_mode):
                        content = Path(path).read_bytes()
                    elif stat.S_ISLNK(status.st_mode):
                        content = os.readlink(path)  # noqa: PTH115  see above
                found[path] = (status.st_mode, status.st_uid, status.st_gid, status.st_ino, content)
        return found

    def at_each_call(
        self, strike: Callable[[Path], object], judge: Callable[[Path, BaseException | None], None]
    ) -> None:
        """Save a file as often as a save has calls, with ``strike`` before another one of them each time.

        Both are given the file, which lies in a new directory ``here`` each time.
        """
        calls = self._struck(-1, strike)[1]
        for at in range(len(calls)):
            outcome, made = self._struck(at, strike)
            try:
                judge(self.root / f"{at}" / "here" / "app.conf", outcome)
            except AssertionError as error:
                raise AssertionError(f"before call {at} ({made[at]}): {outcome!r}: {error}") from error
            assert not litter(self.root), f"before call {at} ({made[at]}): left behind: {litter(self.root)}"

    def _struck(self, at: int, strike: Callable[[Path], object]) -> tuple[BaseException | None, list[str]]:
        self.count()
        file = self.file(self.directory(f"{at}/here") / "app.conf")

        def hook(nth: int, _name: str) -> None:
            if nth == at:
                strike(file)

        outcome: BaseException | None = None
        descriptors = open_descriptors()
        with watched(before=hook) as watch:
            try:
                untorn.write_bytes(file, NEW, timeout=0)
            except (untorn.NotDurableError, *REFUSALS) as error:
                outcome = error
        assert open_descriptors() == descriptors, "a descriptor stayed open"
        return outcome, watch.made

    # ── Who, and where ──────────────────────────────────────────────────────

    def as_user(self, task: Callable[[], object], user: int = USER, groups: tuple[int, ...] = ()) -> None:
        """Run ``task`` in a child that is this user, and has no rights of root's."""
        need_root()

        def tell() -> str:
            os.setgroups(groups)
            os.setgid(user)
            os.setuid(user)
            before = self.tried
            try:
                task()
            except Unsupported as reason:
                return f"lacking\n{reason}"
            except BaseException as error:  # noqa: BLE001
                return f"broken\n{type(error).__name__}: {error}"
            return f"held\n{self.tried - before}"

        _, said = told(tell)
        word, _, detail = said.partition("\n")
        if word == "lacking":
            raise Unsupported(detail)
        assert word == "held", f"as user {user}: {detail or 'it died'}"
        self.count(int(detail))

    def mounted(self, kind: str, name: str = "disk", *, options: str = "", source: str = "none") -> Path:
        """Mount a file system."""
        need_root()
        where = self.root / name
        where.mkdir(exist_ok=True)
        run("mount", "-t", kind, *(["-o", options] if options else []), source, where)
        return where

    def image(self, kind: str = "ext4", *formatting: str, size: int = 8 << 20, options: str = "") -> Path:
        """Mount a new file system that lies in a file."""
        need_root()
        image = Path(tempfile.mkdtemp(dir=self.root.parent, prefix=f"{self.root.name}-")) / "image"
        try:
            with image.open("wb") as stream:
                stream.truncate(size)
            run(f"mkfs.{kind}", *(["-q"] if kind == "ext4" else []), *formatting, image)
            where = self.mounted(kind, options=",".join(filter(None, ["loop", options])), source=str(image))
        finally:
            shutil.rmtree(image.parent)  # the mount keeps the file's content
        shutil.rmtree(where / "lost+found", ignore_errors=True)
        return where


def need_root() -> None:
    """Raise ``Unsupported`` unless this is root's process."""
    if os.geteuid() != 0:
        raise Unsupported("only root can do this")


def run(*command: str | Path) -> None:
    """Run a program of the system.

    Raises:
        Unsupported: It is not installed, or it fails.
    """
    if not shutil.which(str(command[0])):
        raise Unsupported(f"{command[0]} is not installed")
    done = subprocess.run(command, check=False, capture_output=True, text=True)
    if done.returncode:
        raise Unsupported(f"{command[0]} fails: {' '.join(done.stderr.split())}")


def refusal_of(save: Callable[[], object]) -> OSError | None:
    """Run ``save``; return the error with which it was refused, which must have a number."""
    try:
        save()
    except REFUSALS as error:
        refusal = error
    else:
        return None
    assert isinstance(refusal, OSError), repr(refusal)
    return refusal


def killed_during(save: Callable[[], object], name: str) -> None:
    """Run ``save`` in a child that is killed when it makes the first system call of this name."""

    def strike(_nth: int, called: str) -> None:
        if called == name:
            os.kill(os.getpid(), signal.SIGKILL)

    def doomed() -> None:
        with watched(before=strike):
            save()

    assert exit_code(forked(doomed)) == -signal.SIGKILL


def limited(what: int, most: int) -> None:
    """Set a limit of this process (setrlimit(2))."""
    resource.setrlimit(what, (most, resource.getrlimit(what)[1]))


def open_descriptors() -> list[str]:
    """Return the numbers of what this process has open."""
    return sorted(os.listdir("/proc/self/fd"))  # noqa: PTH208  with the one that lists: its number is the lowest free one


def _without(tree: dict[str, object], path: str) -> dict[str, object]:
    return {name: entry for name, entry in tree.items() if name != path}
