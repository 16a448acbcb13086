"""What the scoreboard tells of each peer: every mark is the outcome of a run."""

from __future__ import annotations

import errno
import json
import os
import random
import stat
import struct
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

from evidence import contents, transcripts
from evidence.lab import Lab, at_once, has, waits
from evidence.readers import readers
from evidence.transcripts import content_synced, directory_sync, power_cuts
from evidence.tree import ACL, scan

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from evidence.lab import Outcome


YES, NO, NEITHER = "✓", "✗", "\N{EN DASH}"


@dataclass(frozen=True, slots=True)
class Mark:
    """What came of it.

    Attributes:
        sign: ``YES`` and ``NO`` say what happened; ``NEITHER`` that there was nothing to try, or that
            nothing is promised.
        note: What happened, in words that stand alone.
        figure: What stands beside the sign.
    """

    sign: str
    note: str = ""
    figure: str = ""


@dataclass(frozen=True, slots=True)
class Criterion:
    """A line of the scoreboard."""

    key: str
    says: str
    judge: Callable[[Lab], Mark]


CRITERIA: list[Criterion] = []


def criterion(key: str) -> Callable[[Callable[[Lab], Mark]], Callable[[Lab], Mark]]:
    """Make a function a line of the scoreboard, which says what its docstring says.

    They stand in the order of the source.
    """

    def added(judge: Callable[[Lab], Mark]) -> Callable[[Lab], Mark]:
        assert judge.__doc__ is not None
        says = judge.__doc__.rstrip(".")
        CRITERIA.append(Criterion(key, says, judge))
        return judge

    return added


def _mark(good: bool, otherwise: str = "", figure: str = "") -> Mark:  # noqa: FBT001  it reads as a question
    return Mark(YES, figure=figure) if good else Mark(NO, otherwise, figure)


def _how(outcome: Outcome, path: Path, lab: Lab) -> str:
    """Say what a save that should have failed left."""
    held = path.read_bytes() if path.is_file() else None
    now = {lab.old(): "the old content", lab.new(): "the new content", None: "no file", b"": "an empty file"}
    reported = "an error is reported" if outcome.code else "success is reported"
    return f"{reported}, and there is {now.get(held, 'a torn file')}"


# ── Crashes ─────────────────────────────────────────────────────────────────


@criterion("kills")
def readers_never_notice(lab: Lab) -> Mark:
    """Readers never find it torn, empty or missing while savers are killed."""
    path = lab.target()
    with readers(path, 1) as found:
        works = all(_killed_at_random(lab, path) for _ in range(lab.kills))
    seen = ", ".join(f"{found[name]} {name}" for name in ("torn", "empty", "missing") if found[name])
    assert found["versions"] > 1, found
    return (
        Mark(NO, seen)
        if seen
        else Mark(YES, "" if works else "until a kill after which nothing is saved any more")
    )


def _killed_at_random(lab: Lab, path: Path) -> bool:
    """Let two savers save until they are killed; return whether they could."""
    before = path.stat().st_mtime_ns  # numbers of inodes come back
    savers = [lab.start("loop", path) for _ in range(2)]
    started = time.monotonic()
    while waits(path.stat().st_mtime_ns != before, started=started):
        pass
    time.sleep(random.uniform(0, 0.05))
    for saver in savers:
        lab.kill(saver)
    return path.stat().st_mtime_ns != before


@criterion("next save")
def next_save_works(lab: Lab) -> Mark:
    """A kill before the rename does not block the next save."""
    path = lab.target()
    if not _killed_before_the_rename(lab, path):
        return Mark(NEITHER, "it renames nothing")
    outcome = lab.save(path)
    return _mark(outcome.code == 0 and path.read_bytes() == lab.new(), "every later save fails")


@criterion("leftovers")
def next_save_sweeps(lab: Lab) -> Mark:
    """The next save removes what that kill left."""
    path = lab.target()
    if not _killed_before_the_rename(lab, path):
        return Mark(NEITHER, "it renames nothing")
    lab.save(path)
    return _mark(not lab.beside(path), "the temporary file stays for ever")


def _killed_before_the_rename(lab: Lab, path: Path) -> bool:
    lab.tampered(path, ",".join(f"?{each}" for each in transcripts.RENAMES) + ":error=EIO:signal=SIGKILL")
    return path.read_bytes() == lab.old()


@criterion("power cut")
def power_cut_during(lab: Lab) -> Mark:
    """A power cut during the save leaves the old or the new content (model: in all but so many states)."""
    states, found = _power_cuts(lab)
    wrong = found["torn"] + found["missing"]
    return _mark(not wrong, "the file is torn, or empty", f"{wrong} of {states}")


@criterion("power cut later")
def power_cut_later(lab: Lab) -> Mark:
    """A power cut after the save has returned leaves the new content (model: in all but so many states)."""
    states, found = _power_cuts(lab)
    wrong = found["undone"]
    return _mark(not wrong, "the old content is back", f"{wrong} of {states}")


def _power_cuts(lab: Lab) -> tuple[int, dict[str, int]]:
    path = lab.target()
    before = scan(path.parent)
    made = lab.transcript(path)
    return power_cuts(made, path, before, scan(path.parent))


@criterion("file sync")
def syncs_the_content(lab: Lab) -> Mark:
    """The content is synced before the rename."""
    path = lab.target()
    return _mark(content_synced(lab.transcript(path), path), "it is not synced")


@criterion("directory sync")
def syncs_the_directory(lab: Lab) -> Mark:
    """The directory is synced after the rename."""
    path = lab.target()
    return _mark(bool(directory_sync(lab.transcript(path), path)), "it is not synced")


# ── Errors ──────────────────────────────────────────────────────────────────


@criterion("block")
def raising_changes_nothing(lab: Lab) -> Mark:
    """An exception in the block leaves the old content."""
    if not lab.peer.has_block:
        return Mark(NEITHER, "it has no block: the content is given as a whole")
    path = lab.target()
    outcome = lab.raise_halfway(path)
    assert outcome.refused, outcome
    return _mark(path.read_bytes() == lab.old(), _how(outcome, path, lab))


@criterion("full disk")
def full_disk_is_reported(lab: Lab) -> Mark:
    """A full disk: an error, and the old content stays."""
    with lab.small_disk() as directory:
        path = directory / "target.json"
        path.write_bytes(lab.old())
        outcome = lab.save(path, data=lab.new(100_000))
        return _mark(outcome.refused and path.read_bytes() == lab.old(), _how(outcome, path, lab))


@criterion("full disk, litter")
def full_disk_leaves_nothing(lab: Lab) -> Mark:
    """A full disk: nothing is left behind."""
    with lab.small_disk() as directory:
        path = directory / "target.json"
        path.write_bytes(lab.old())
        lab.save(path, data=lab.new(100_000))
        left = [(directory / name).stat().st_size for name in lab.beside(path)]
        return _mark(not left, f"{sum(left) // 1024} KiB of the disk stay taken")


@criterion("short write")
def short_writes_are_noticed(lab: Lab) -> Mark:
    """A write that takes half of what it is given does not cut the file."""
    library = lab.short_writes
    if library is None:
        return Mark(NEITHER, "there is no C compiler to try it with")
    path = lab.target()
    outcome = lab.save(path, data=lab.new(50_000), LD_PRELOAD=str(library))
    if outcome.refused:
        return _mark(path.read_bytes() == lab.old(), _how(outcome, path, lab))
    return _mark(path.read_bytes() == lab.new(50_000), _how(outcome, path, lab))


@criterion("file sync fails")
def failing_file_sync(lab: Lab) -> Mark:
    """A failing sync of the content is reported, and the old content stays."""
    path = lab.target()
    if not content_synced(lab.transcript(path), path):
        return Mark(NEITHER, "there is no such sync")
    path = lab.target()
    outcome = lab.tampered(path, _syncs("EIO"))
    return _mark(outcome.refused and path.read_bytes() == lab.old(), _how(outcome, path, lab))


@criterion("directory sync fails")
def failing_directory_sync(lab: Lab) -> Mark:
    """A failing sync of the directory is reported."""
    path = lab.target()
    nth = directory_sync(lab.transcript(path), path)
    if not nth:
        return Mark(NEITHER, "there is no such sync")
    path = lab.target()
    outcome = lab.tampered(path, f"{_syncs('EIO')}:when={nth}")
    return _mark(outcome.refused, _how(outcome, path, lab))


def _syncs(error: str) -> str:
    return ",".join(transcripts.SYNCS) + f":error={error}"


# ── What is kept ────────────────────────────────────────────────────────────


@criterion("mode")
def keeps_the_mode(lab: Lab) -> Mark:
    """The mode of a file is kept (0640)."""
    path = lab.target()
    path.chmod(0o640)
    lab.save(path)
    return _mark_mode(path, 0o640)


@criterion("umask")
def honours_the_umask(lab: Lab) -> Mark:
    """A new file has the mode that the umask says (027: 0640)."""
    path = lab.fresh() / "target.json"
    outcome = lab.save(path, EVIDENCE_UMASK="027")
    assert outcome.code == 0, outcome
    return _mark_mode(path, 0o640)


def _mark_mode(path: Path, wanted: int) -> Mark:
    found = stat.S_IMODE(path.stat().st_mode)
    return _mark(found == wanted, f"it becomes {found:04o}")


@criterion("owner")
def keeps_the_owner(lab: Lab) -> Mark:
    """Owner and group are kept (saved by root)."""
    path = lab.target()
    os.chown(path, 12345, 12345)
    lab.save(path)
    status = path.stat()
    return _mark(
        (status.st_uid, status.st_gid) == (12345, 12345), f"it belongs to {status.st_uid}:{status.st_gid}"
    )


@criterion("ACL")
def keeps_the_acl(lab: Lab) -> Mark:
    """The access control list is kept."""
    nobody, none = 65534, 0xFFFFFFFF
    entries = ((1, 6, none), (2, 6, nobody), (4, 4, none), (16, 6, none), (32, 0, none))
    return _kept(lab, ACL, struct.pack("<I", 2) + b"".join(struct.pack("<HHI", *each) for each in entries))


@criterion("attributes")
def keeps_attributes(lab: Lab) -> Mark:
    """Extended attributes are kept (user.*)."""
    return _kept(lab, "user.evidence", b"here")


def _kept(lab: Lab, name: str, value: bytes) -> Mark:
    path = lab.target()
    try:
        os.setxattr(path, name, value)
    except OSError as error:
        return Mark(NEITHER, f"this file system has none ({errno.errorcode[error.errno or 0]})")
    lab.save(path)
    try:
        return _mark(os.getxattr(path, name) == value, "it is changed")
    except OSError:
        return Mark(NO, "it is lost")


@criterion("never wider")
def never_wider(lab: Lab) -> Mark:
    """Nobody can read the new content who could not read the old (0600), at any moment."""
    path = lab.target()
    path.chmod(0o600)
    slowed = [
        *transcripts.RENAMES,
        *transcripts.SYNCS,
        "chmod",
        "fchmod",
        "fchmodat",
        "chown",
        "fchown",
        "fchownat",
    ]
    injection = "inject=" + ",".join(f"?{each}" for each in slowed) + ":delay_enter=20000"
    source = lab.source(None)
    child = lab.start("save", path, str(source), prefix=["strace", "-f", "-o", "/dev/null", "-e", injection])
    seen: set[int] = set()
    while child.poll() is None:
        for entry in os.scandir(path.parent):
            try:
                status = entry.stat()
            except FileNotFoundError:
                continue
            if status.st_size:
                seen.add(stat.S_IMODE(status.st_mode))
        time.sleep(0.001)
    lab.ended(child)
    wide = [mode for mode in sorted(seen) if mode & 0o077]
    return _mark(not wide, f"for a moment it is {wide[-1]:04o}" if wide else "")


@criterion("symbolic link")
def follows_links(lab: Lab) -> Mark:
    """A symbolic link is followed."""
    path = lab.target()
    link = lab.fresh() / "link.json"
    link.symlink_to(path)
    lab.save(link)
    return _mark(link.is_symlink() and path.read_bytes() == lab.new(), "the link is replaced by a file")


@criterion("hard link")
def notices_hard_links(lab: Lab) -> Mark:
    """A second name of the file is kept up to date, or said to be left behind."""
    path = lab.target()
    second = path.with_name("second.json")
    second.hardlink_to(path)
    outcome = lab.save(path)
    told = bool(outcome.said) or outcome.refused
    return _mark(
        told or second.read_bytes() == lab.new(), "the second name goes on showing the old content, unsaid"
    )


@criterion("FIFO")
def refuses_fifos(lab: Lab) -> Mark:
    """A FIFO is refused."""
    path = lab.fresh() / "target.json"
    os.mkfifo(path)
    outcome = lab.save(path)
    if outcome.code is None:
        return Mark(NO, "it waits for ever")
    return _mark(outcome.refused and stat.S_ISFIFO(path.stat().st_mode), "it is replaced by a file")


@criterion("read-only")
def refuses_read_only(lab: Lab) -> Mark:
    """A read-only file (0444) is refused."""
    path = lab.target()
    path.chmod(0o444)
    for each in (path, path.parent):
        os.chown(each, 65534, 65534)
    outcome = lab.save(path, EVIDENCE_AS_NOBODY="1")
    return _mark(outcome.refused and path.read_bytes() == lab.old(), "it is replaced")


@criterion("unchanged")
def unchanged_is_not_written(lab: Lab) -> Mark:
    """Equal content is not written again."""
    path = lab.target()
    before = path.stat()
    lab.save(path, data=lab.old())
    after = path.stat()
    same = (before.st_ino, before.st_mtime_ns) == (after.st_ino, after.st_mtime_ns)
    return _mark(same, "the file is replaced all the same")


# ── Together ────────────────────────────────────────────────────────────────


@criterion("updates")
def updates_survive(lab: Lab) -> Mark:
    """Two processes each add one, again and again: every update survives."""
    path = lab.target()
    first = contents.number_of(path.read_bytes())
    moment = at_once()
    together = [lab.start("count", path, str(lab.updates), **moment) for _ in range(2)]
    for child in together:
        lab.ended(child)
    survived = json.loads(path.read_bytes())["number"] - first
    wanted = 2 * lab.updates
    figure = f"{survived} of {wanted}"
    if survived < wanted and lab.peer.name not in ("untorn", "conf"):
        return Mark(NEITHER, "it has no update: this is to read, to add one, and to save", figure)
    return _mark(survived == wanted, "updates are lost", figure)


@criterion("namespaces")
def equal_pids(lab: Lab) -> Mark:
    """Two processes with one number, each in a container of its own: no save fails."""
    path = lab.target()
    contained = ["unshare", "--pid", "--fork", "--kill-child", "--mount-proc"]
    with readers(path, 1) as found:
        moment = at_once()
        together = [lab.start("often", path, str(lab.updates), prefix=contained, **moment) for _ in range(2)]
        failed = sum(int(lab.ended(child).said or lab.updates) for child in together)
    torn = found["torn"] + found["empty"] + found["missing"]
    return _mark(
        not failed + torn,
        "saves fail" + (", and readers notice" if torn else ""),
        f"{failed} of {2 * lab.updates}",
    )


def missing_tools() -> str:
    """Return why the criteria cannot be tried here, or an empty string."""
    if not has("strace", "mount", "umount", "unshare"):
        return "strace, mount or unshare is not installed"
    return "" if os.geteuid() == 0 else "only root may mount a small disk and become somebody else"
