"""One save that is disturbed at one place or two, and whether promises 2, 3 and 12 held."""

from __future__ import annotations

import errno
import os
import stat
from contextlib import suppress
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

import untorn
from evidence.calls import watched
from evidence.targets import TEMPORARY, WAYS, Target, content, held_by, litter, next_save, target_of
from untorn import loading
from untorn.records import revision_of
from untorn.storage import exchange

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from evidence.calls import Hook

# A user can do something about these; the others are defects, of the system or of ours.
HINTED = frozenset({
    errno.EACCES, errno.EBUSY, errno.EDQUOT, errno.EIO, errno.ELOOP, errno.EMFILE, errno.ENAMETOOLONG,
    errno.ENFILE, errno.ENOENT, errno.ENOSPC, errno.ENOTDIR, errno.EPERM, errno.EROFS, errno.EXDEV,
})  # fmt: skip

AFTER_COMMIT = (untorn.NotDurableError, untorn.UnknownOutcomeError)


@dataclass(frozen=True)
class Fault:
    """What is done to a save.

    Attributes:
        label: What to call it in a report.
        hooks: Makes the hooks of ``watched``; anew for each trial, because they count.
        code: The error number that the caller must get to see, if an error is raised.
        lie: Whether the call says something of the file that is not so: that it is
            missing, or no link. Then a save may take it for that.
        demands: What the outcome must be besides keeping the promises: given the
            error, whether it is right.
    """

    label: str
    hooks: Callable[[], dict[str, Hook]] = dict
    code: int | None = None
    lie: bool = False
    demands: Callable[[BaseException | None], bool] = lambda _error: True


UNDISTURBED = Fault("undisturbed")


@dataclass
class Trial:
    """What was tried, and what came of it.

    Attributes:
        target: What was saved to.
        error: What the save raised.
        receipt: What the save returned.
        made: The system calls that it made.
        violations: What broke a promise, in sentences.
    """

    target: Target
    error: BaseException | None = None
    receipt: untorn.Receipt | None = None
    made: list[str] = field(default_factory=list)
    violations: list[str] = field(default_factory=list)


def attempt(kind: str, way: str, directory: Path, fault: Fault, expected: bytes | None = None) -> Trial:
    """Save once under ``fault``, then once more without it, and judge.

    Args:
        kind: One of ``targets.KINDS``.
        way: One of ``targets.WAYS``.
        directory: Where; it must not exist yet.
        fault: What is done to the save.
        expected: What the file holds after a save that succeeds.
    """
    trial = Trial(target_of(kind, directory))
    before = _metadata(trial.target.file)
    descriptors = open_descriptors()
    bystander = Bystander(trial, None if fault.lie else expected)
    exchange.without.clear()  # as in a new process
    hooks = fault.hooks()
    with watched(**{**hooks, "after": bystander.looking_after(hooks.get("after"))}) as watch:
        try:
            trial.receipt = WAYS[way](trial.target)
        except BaseException as error:  # noqa: BLE001  judged below
            trial.error = error
    trial.made = watch.made
    if expected is not None:
        trial.violations += judged(trial, fault, expected)
        if open_descriptors() != descriptors:
            trial.violations.append("a descriptor stayed open")
        if before and not fault.lie and _metadata(trial.target.file) != before:
            trial.violations.append(f"mode or owner changed: {before} to {_metadata(trial.target.file)}")
        if not fault.lie:
            trial.violations += next_save_of(trial.target)
    return trial


def reference(kind: str, way: str, directory: Path) -> tuple[list[str], bytes]:
    """Return the calls of a save that nobody disturbs, and what the file holds after it."""
    trial = attempt(kind, way, directory, UNDISTURBED)
    assert trial.error is None, trial.error
    found = held_by(trial.target.file)
    assert found not in (None, trial.target.before)
    assert found is not None
    return trial.made, found


def open_descriptors() -> set[str]:
    """Return what this process has open."""
    return {each.name for each in os.scandir("/proc/self/fd")}


def _metadata(path: Path) -> tuple[int, int, int] | None:
    try:
        status = path.stat()
    except FileNotFoundError:
        return None
    return stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid


class Bystander:
    """Reads the file after every system call, as another program might (promises 3 and 12)."""

    def __init__(self, trial: Trial, expected: bytes | None) -> None:
        self._trial = trial
        self._fine = (trial.target.before, expected)
        existing = _metadata(trial.target.file)
        self._widest = existing[0] if existing else 0o666 & ~_umask()

    def looking_after(self, hook: Hook | None) -> Hook:
        """Return a hook that looks, and then does what ``hook`` does."""

        def look(nth: int, name: str) -> None:
            if self._fine[1] is not None:
                self._look(nth, name)
            if hook is not None:
                hook(nth, name)

        return look

    def _look(self, nth: int, name: str) -> None:
        target = self._trial.target
        if not target.in_place and held_by(target.file) not in self._fine:
            self._trial.violations.append(f"after call {nth} ({name}) a reader met something else")
        with suppress(FileNotFoundError):
            for each in os.scandir(target.file.parent):
                known = each.name in target.planted or each.is_symlink()
                if TEMPORARY.fullmatch(each.name) and not known:
                    mode = stat.S_IMODE(each.stat(follow_symlinks=False).st_mode)
                    if mode & ~(self._widest | 0o600):
                        self._trial.violations.append(f"after call {nth} ({name}) the temp has mode {mode:o}")


def _umask() -> int:
    umask = os.umask(0o077)
    os.umask(umask)
    return umask


# ── Judgement ───────────────────────────────────────────────────────────────


def judged(trial: Trial, fault: Fault, expected: bytes) -> Iterator[str]:
    """Yield what of promises 2 and 3 the outcome of a save broke."""
    target, error = trial.target, trial.error
    if not fault.demands(error):
        yield f"the outcome should have been another one than {error!r}"
    found = seen(target)
    if found not in (target.before, expected):
        yield f"the file holds {found!r:.60}"
    behind = litter(target.directory) - target.planted
    if error is None and fault.lie:
        return
    if error is None:
        yield from _after_success(target, expected, found, _unsaid(behind, trial.receipt))
    elif isinstance(error, AFTER_COMMIT):
        yield from _after_commit(error, target, expected, found, behind)
    elif isinstance(error, (untorn.SaveError, untorn.LoadError, FileNotFoundError)):
        yield from _after_refusal(error, target, found, behind)
        yield from _said(error, target, fault.code)
    elif isinstance(error, KeyboardInterrupt):
        yield from _after_interrupt(error, target, expected, found, behind)
    else:
        yield f"{type(error).__name__} came out: {error}"


def seen(target: Target) -> bytes | None:
    """Return what a reader gets: of a journalled file, through untorn."""
    if target.in_place:
        return loading.read(target.file, target.keywords["in_place"]).data
    return held_by(target.file)


def _unsaid(behind: set[str], receipt: untorn.Receipt | None) -> set[str]:
    """Return what lies there and the receipt says nothing of; what could not be removed, it names."""
    told = " ".join(receipt.warnings) if receipt else ""
    return {name for name in behind if name not in told}


def _after_success(target: Target, expected: bytes, found: bytes | None, behind: set[str]) -> Iterator[str]:
    if found != expected:
        yield "it returned, and the file does not hold the new content"
    if behind:
        yield f"it returned, and left {behind}"
    if target.path != target.file and not target.path.is_symlink():
        yield "the link is gone"


def _after_commit(
    error: BaseException, target: Target, expected: bytes, found: bytes | None, behind: set[str]
) -> Iterator[str]:
    assert isinstance(error, AFTER_COMMIT)
    receipt = error.receipt
    told = receipt.path, receipt.durable in (False, None), receipt.revision
    if told != (target.file, True, revision_of(expected)):
        yield f"the receipt of {type(error).__name__} is wrong: {receipt}"
    if str(target.file) not in str(error) or not error.hint:
        yield f"path or hint is missing: {error}"
    if isinstance(error, untorn.NotDurableError) and found != expected:
        yield "NotDurableError, and the new content is not in place"
    if isinstance(error, untorn.NotDurableError) and _unsaid(behind, receipt):
        yield f"NotDurableError left {behind}"


def _after_refusal(
    error: BaseException, target: Target, found: bytes | None, behind: set[str]
) -> Iterator[str]:
    if found != target.before:
        yield f"{type(error).__name__}, but the file was changed"
    left = getattr(error, "left_behind", None)
    # The link to a temp goes with it, and cannot be removed where that cannot.
    link = f".{target.file.name}.swap"
    if behind - {link} != ({left.name} - {link} if left else set()) or (link in behind and not left):
        yield f"{type(error).__name__} left {behind}, and says {left}"
    if left is not None and str(left) not in str(error):
        yield "the message does not name what is left behind"


def _said(error: BaseException, target: Target, code: int | None) -> Iterator[str]:
    if not isinstance(error, untorn.UntornError):
        return  # a missing file is the builtin FileNotFoundError
    text = str(error)
    if str(target.directory) not in text:  # of a link, the message may name what it leads through
        yield f"the message does not name the file: {text}"
    if not error.hint and getattr(error, "errno", None) in (None, *HINTED):
        yield f"no hint: {text}"
    if code is not None and isinstance(error, OSError) and error.errno != code:
        yield f"errno {code} became {error.errno}"


def _after_interrupt(
    error: BaseException, target: Target, expected: bytes, found: bytes | None, behind: set[str]
) -> Iterator[str]:
    notes = [note for note in getattr(error, "__notes__", []) if note.startswith("untorn: ")]
    meant = "the new content is in place" if found == expected else "nothing was changed"
    if not all(note.endswith(meant) for note in notes):
        yield f"interrupted, and the note is wrong: {notes}"
    if not notes and found != target.before:
        yield "interrupted behind the commit, and no note says so"
    if behind and not (target.in_place and found == expected):  # there, the journal is the new content
        yield f"interrupted, and left {behind}"


def next_save_of(target: Target) -> Iterator[str]:
    """Yield what is wrong with the next save, which must work, sweep and wait for nobody."""
    try:
        receipt = next_save(target)
    except Exception as error:  # noqa: BLE001  whatever it is, it is a violation
        yield f"the next save failed: {error!r}"
        return
    if not receipt.changed or held_by(target.file) != content(3, large=target.large):
        yield "the next save did not save"
    if litter(target.directory):
        yield f"the next save did not sweep {litter(target.directory)}"


def hooks(**given: Callable[[], Hook]) -> Callable[[], dict[str, Hook]]:
    """Return what makes these hooks anew: each is called without arguments."""
    return lambda: {name: make() for name, make in given.items()}
