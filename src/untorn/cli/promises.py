"""Which promises a save would keep at a place: what ``doctor`` concludes from what it found."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal

from untorn.cli.phrases import counted, sized
from untorn.storage.mounts import MEMORY, NETWORK
from untorn.storage.obstacles import Obstacle, obstacles_in_place, obstacles_to

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from untorn.storage.capabilities import Survey

Verdict = Literal["yes", "limited", "no"]
_VERDICTS: list[Verdict] = ["no", "limited", "yes"]

_KNOWN = frozenset({
    "bcachefs", "btrfs", "erofs", "ext2", "ext3", "ext4", "f2fs", "jfs", "nilfs2", "overlay", "reiserfs",
    "xfs", "zfs", *MEMORY,
})  # fmt: skip
"""What is known to lock files and to sync directories, so that it need not be tried."""

_NO_JOURNAL = frozenset({"exfat", "hfs", "msdos", "vfat"})
_UNFLUSHED = frozenset({"barrier=0", "nobarrier"})
_ELSEWHERE = "keep the file on a local disk if it has to survive"
_TRY = "let it be tried, without --no-probe"
_ROOM = 1 << 16  # bytes that are wanted beyond the file's own: its directory grows, too


@dataclass(frozen=True, slots=True)
class Promise:
    """What a save at a place would keep of one promise.

    Attributes:
        key: Which, in a word that never changes.
        number: Which of the numbered guarantees it is about, if one; 0 for none.
        text: What is promised.
        verdict: Whether it would be kept.
        reason: Why not, or what is to be known; may be empty.
        remedy: What to do about it; may be empty.
    """

    key: str
    number: int
    text: str
    verdict: Verdict
    reason: str = ""
    remedy: str = ""


_Answer = tuple[Verdict, str, str]
_YES: _Answer = ("yes", "", "")


def promises_at(survey: Survey, journals: Survey | None = None) -> list[Promise]:
    """Return each promise with what a save there would keep of it.

    Args:
        survey: What the save would meet.
        journals: The same of the directory of journals, for a save in place;
            a file that does not exist yet is made as ever.
    """
    answers = {key: answer(survey) for key, _, _, answer in _PROMISES}
    if journals is not None and survey.where.file is not None:
        answers |= _in_place(survey, journals)
    return [Promise(key, number, text, *answers[key]) for key, number, text, _ in _PROMISES]


def _in_place(survey: Survey, journals: Survey) -> dict[str, _Answer]:
    """Return what differs where the file is overwritten, and a journal has what it shall hold."""
    return {
        "possible": _refused(obstacles_in_place(survey, journals)),
        "room": _worse(_room(survey), _room(journals)),
        "whole": (
            "limited",
            "for reads through untorn with the same in_place=; others may see a half-written file",
            "let it be replaced, if others read it: untorn doctor without --in-place says what hinders",
        ),
        "durable": _worse(_durable(survey), _durable(journals)),
        "kept": _YES,
    }


def _worse(one: _Answer, other: _Answer) -> _Answer:
    return min(one, other, key=lambda each: _VERDICTS.index(each[0]))


def overall(promises: Sequence[Promise]) -> Verdict:
    """Return the worst verdict."""
    return min((each.verdict for each in promises), key=_VERDICTS.index)


def _possible(survey: Survey) -> _Answer:
    return _refused(obstacles_to(survey))


def _refused(obstacles: list[Obstacle]) -> _Answer:
    if not obstacles:
        return _YES
    return "no", "; ".join(each.reason for each in obstacles), "; ".join(each.remedy for each in obstacles)


def _room(survey: Survey) -> _Answer:
    file, space = survey.where.file, survey.space
    wanted = _ROOM + (file.size if file is not None else 0)
    if space.total and space.left < wanted:
        return "limited", f"{sized(space.left)} are left, and old and new exist at once", "make room"
    return _YES


def _whole(survey: Survey) -> _Answer:
    kind = _kind(survey)
    if kind in NETWORK:
        return (
            "limited",
            f"on this machine; over {kind}, others may see the old file, or none, for a moment",
            "let one machine write, or keep the file on a disk of each",
        )
    if _on_fuse(survey):
        return (
            "limited",
            f"as far as the program that answers for {kind} replaces names in one step",
            "ask that program's documentation, or keep the file on a disk",
        )
    if kind in _NO_JOURNAL:
        return (
            "limited",
            f"while the machine runs; {kind} keeps no journal, and a power cut can damage the directory",
            "keep the file on a file system with a journal, such as ext4",
        )
    return _YES


def _durable(survey: Survey) -> _Answer:
    kind = _kind(survey)
    if kind in MEMORY:
        return "no", f"{kind} lives in memory, and all of it is gone when the machine stops", _ELSEWHERE
    if _has(survey, "volatile"):
        return "no", "it is mounted with the option volatile, which leaves out every sync", _ELSEWHERE
    if kind in NETWORK or _on_fuse(survey):
        return "limited", f"not known: {kind} may report a sync before a disk has the bytes", _ELSEWHERE
    if any(_has(survey, each) for each in _UNFLUSHED):
        reason = "it is mounted without barriers: the disk's cache is not flushed"
        return "limited", reason, "mount it with barriers"
    return _synced(survey)


def _synced(survey: Survey) -> _Answer:
    kind, synced = _kind(survey), survey.probed.syncs_directories
    if synced is False:
        return "limited", "not known: this file system cannot sync directories", _ELSEWHERE
    if synced is None and kind not in _KNOWN:
        return "limited", f"not known: whether {_name(kind)} syncs directories was not tried", _TRY
    return _YES


def _exclusive(survey: Survey) -> _Answer:
    kind = _kind(survey)
    if kind in NETWORK or _on_fuse(survey):
        return "limited", f"on this machine; over {kind}, locks may not reach others", "let one machine write"
    if survey.probed.locks is False:
        return "no", "files cannot be locked here", "keep the file elsewhere"
    if survey.probed.locks is None and kind not in _KNOWN:
        return "limited", f"not known: whether {_name(kind)} locks files was not tried", _TRY
    return _YES


def _kept(survey: Survey) -> _Answer:
    file = survey.where.file
    if file is not None and survey.where.is_regular and file.links > 1:
        others = counted(file.links - 1, "other name")
        return (
            "limited",
            f"it has {others} (hard links), which would go on showing the old content",
            "make the other names symbolic links, if they shall follow",
        )
    return _YES


def _private(survey: Survey) -> _Answer:
    if survey.probed.keeps_modes is False:
        return (
            "yes",
            "files have no modes of their own here: the mount decides who reads, before and after",
            "",
        )
    return _YES


def _kind(survey: Survey) -> str:
    mount = survey.where.mount
    return mount.kind if mount is not None else ""


def _on_fuse(survey: Survey) -> bool:
    return survey.where.mount is not None and survey.where.mount.is_fuse


def _has(survey: Survey, option: str) -> bool:
    return survey.where.mount is not None and option in survey.where.mount.options


def _name(kind: str) -> str:
    return kind or "this file system, whose type the system does not tell,"


_PROMISES: tuple[tuple[str, int, str, Callable[[Survey], _Answer]], ...] = (
    ("possible", 0, "a save is possible", _possible),
    ("room", 0, "there is room for the new bytes beside the old ones", _room),
    ("whole", 3, "readers see the old bytes or the new ones, never a mixture", _whole),
    ("durable", 3, "a save that has returned survives a power cut", _durable),
    ("exclusive", 7, "two saves at once do not undo each other", _exclusive),
    ("kept", 12, "owner, group, mode, access lists, attributes and links stay", _kept),
    ("private", 12, "nobody can read the new content who could not read the old", _private),
)
