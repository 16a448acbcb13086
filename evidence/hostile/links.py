"""Symbolic links, hard links, and what somebody planted."""

from __future__ import annotations

import errno
import fcntl
import os
from pathlib import Path
from typing import TYPE_CHECKING

import untorn
from evidence.hostile.ground import NEW, NEXT, OLD, OTHER, USER, Ground, killed_during, need_root, place
from evidence.targets import Unsupported, litter

if TYPE_CHECKING:
    from collections.abc import Iterator


def chain(file: Path, length: int) -> Path:
    """Make a chain of so many links to ``file``, and return its beginning."""
    name = file.name
    for number in range(length):
        link = file.with_name(f"link{length}-{number}")
        link.symlink_to(name)
        name = link.name
    return file.with_name(name)


@place
def chains_of_links_are_followed_as_far_as_the_system_follows_them(ground: Ground) -> None:
    for length in (1, 39, 40, 41, 60):
        file = ground.file(ground.directory(f"{length}") / "app.conf")
        link = chain(file, length)
        try:
            followed = link.read_bytes() == OLD
        except OSError as error:
            assert error.errno == errno.ELOOP  # noqa: PT017  the system's own answer
            followed = False
        assert followed == (length <= 40)
        if followed:
            assert ground.saved(link).path == file
            assert link.is_symlink()
        else:
            ground.refused(link, errno.ELOOP, "symbolic links", str(link))


@place
def links_in_a_circle_are_refused(ground: Ground) -> None:
    root = ground.root
    (root / "self").symlink_to("self")
    (root / "one").symlink_to("two")
    (root / "two").symlink_to("one")
    (root / "down").symlink_to("down/deeper")
    for name in ("self", "one", "down", "self/app.conf", "down/app.conf"):
        for follow in (True, False):
            ground.refused(root / name, errno.ELOOP, "symbolic links", follow_symlinks=follow)


@place
def links_stay_and_lead_on(ground: Ground) -> None:
    file, deep = ground.file(), ground.directory("deep/deeper")
    targets = {
        "relative": "../../app.conf",
        "absolute": str(file),
        "dotted": "./.././../app.conf",
        "twice": "relative",
        "around": "../deeper/../../deep/../app.conf",
        "slashes": "..//..///app.conf",
    }
    for number, (name, target) in enumerate(targets.items()):
        (deep / name).symlink_to(target)
        assert ground.saved(deep / name, NEW + b"%d" % number).path == file
        assert os.readlink(deep / name) == target  # noqa: PTH115  letter by letter


@place
def a_link_to_nowhere_makes_what_it_names(ground: Ground) -> None:
    (ground.root / "link.conf").symlink_to("far/away/app.conf")
    assert (
        untorn.write_bytes(ground.root / "link.conf", NEW).path == ground.root / "far" / "away" / "app.conf"
    )
    ground.count()
    assert (ground.root / "link.conf").read_bytes() == NEW
    assert not litter(ground.root)


@place
def a_link_to_a_directory_is_refused(ground: Ground) -> None:
    ground.file(ground.directory("deep") / "app.conf")
    link = ground.root / "link"
    link.symlink_to("deep")
    for follow in (True, False):
        ground.refused(link, errno.EISDIR, "directory", follow_symlinks=follow)


@place
def a_link_is_replaced_where_that_is_asked_for_and_what_it_leads_to_stays(ground: Ground) -> None:
    ground.file(mode=0o600)
    for number, target in enumerate(["app.conf", "nowhere", "far/away", str(ground.root / "app.conf")]):
        link = ground.root / f"link{number}"
        link.symlink_to(target)
        assert ground.saved(link, follow_symlinks=False).path == link
        assert not link.is_symlink()


@place
def a_link_among_the_parents_leads_on_even_so(ground: Ground) -> None:
    file = ground.file(ground.directory("deep") / "app.conf")
    (ground.root / "link").symlink_to("deep")
    assert ground.saved(ground.root / "link" / "app.conf", follow_symlinks=False).path == file


@place
def a_link_that_the_system_does_not_follow_is_not_followed(ground: Ground) -> None:
    """In a sticky directory that all may write, another's link may be a trap (proc_sys_fs(5))."""
    need_root()
    if Path("/proc/sys/fs/protected_symlinks").read_text().strip() != "1":
        raise Unsupported("fs.protected_symlinks is off")
    victim = ground.file("victim.conf")
    trap = ground.directory("public", mode=0o1777) / "app.conf"
    trap.symlink_to(victim)
    os.lchown(trap, USER, USER)
    ground.refused(trap, errno.EACCES)


# ── Hard links ──────────────────────────────────────────────────────────────


@place
def hard_links_are_broken_with_a_warning_or_refused(ground: Ground) -> None:
    file = ground.file()
    for number in range(2):
        (ground.root / f"other{number}").hardlink_to(file)
    ground.refused(file, errno.EMLINK, "2 other names", "hard_links='break'", hard_links="refuse")
    receipt = ground.saved(file)
    assert "2 other names" in " ".join(receipt.warnings)
    assert (ground.root / "other0").read_bytes() == OLD
    assert not ground.saved(file, NEXT).warnings


@place
def hard_links_stay_together_in_place(ground: Ground) -> None:
    file, other = ground.file(), ground.root / "other"
    other.hardlink_to(file)
    journals = ground.directory("journals", mode=0o700)
    receipt = untorn.write_bytes(file, NEW, in_place=journals)
    ground.count()
    assert receipt.changed
    assert not receipt.atomic
    assert (file.read_bytes(), other.read_bytes()) == (NEW, NEW)
    assert file.samefile(other)
    assert not any(journals.iterdir())


@place
def a_link_from_another_directory_is_counted_too(ground: Ground) -> None:
    file = ground.file()
    (ground.directory("far") / "other").hardlink_to(file)
    ground.refused(file, errno.EMLINK, "1 other name ", hard_links="refuse")


# ── Planted ─────────────────────────────────────────────────────────────────


def temps(file: Path) -> Iterator[Path]:
    """Yield names that temps of ``file`` might have."""
    number = 0
    while True:
        number += 1
        yield file.with_name(f".{file.name}.{number:032x}.{'f' * 32}.tmp")


def _is_swept(ground: Ground, file: Path, planted: Path) -> bool:
    ground.count()
    untorn.write_bytes(file, OLD + planted.name.encode(), timeout=0)
    return not os.path.lexists(planted)


@place
def what_is_planted_under_a_temps_name_is_neither_followed_nor_removed(ground: Ground) -> None:
    file, victim = ground.file(), ground.file("victim.conf")
    names = temps(file)
    link, dangling, fifo, directory, hard = (next(names) for _ in range(5))
    link.symlink_to(victim)
    dangling.symlink_to("nowhere")
    os.mkfifo(fifo)
    directory.mkdir()
    (directory / "precious").write_bytes(OLD)
    hard.hardlink_to(victim)
    for planted in (link, dangling, fifo, directory, hard):
        assert not _is_swept(ground, file, planted), planted
    assert (victim.read_bytes(), victim.stat().st_nlink) == (OLD, 2)
    assert not (ground.root / "nowhere").exists()


@place
def a_temp_of_another_owner_stays(ground: Ground) -> None:
    need_root()
    file = ground.file()
    names = temps(file)
    foreign = ground.file(next(names), owner=OTHER)
    assert not _is_swept(ground, file, foreign)
    public = ground.directory("public", mode=0o777)
    mine = ground.file(public / "app.conf", owner=USER)
    foreign = ground.file(next(temps(mine)), owner=OTHER, mode=0o666)
    ground.as_user(lambda: _stays(ground, mine, foreign))


def _stays(ground: Ground, file: Path, planted: Path) -> None:
    assert not _is_swept(ground, file, planted)


@place
def a_temp_of_a_living_writer_stays_and_a_dead_ones_goes(ground: Ground) -> None:
    file = ground.file()
    names = temps(file)
    living, dead = ground.file(next(names)), ground.file(next(names))
    with living.open("rb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert _is_swept(ground, file, dead)
        assert living.exists()
    ground.file(dead)
    untorn.write_bytes(file, NEXT)
    assert not litter(ground.root)


@place
def names_that_only_look_like_a_temps_stay(ground: Ground) -> None:
    file = ground.file()
    digits = "0" * 32
    others = [
        f"{file.name}.{digits}.{digits}.tmp",
        f".{file.name}.{digits}.tmp",
        f".{file.name}.{digits}.{digits}.tmp.bak",
        f".{file.name}.{digits}.{digits[1:]}.tmp",
        f".{file.name}.{digits.replace('0', 'G')}.{digits}.tmp",
        f".{file.name}x.{digits}.{digits}.tmp",
        f".{file.name}.x.{digits}.{digits}.tmp",
        f".xapp.conf.{digits}.{digits}.tmp",
        ".app.conf.tmp",
        "x.tmp",
    ]
    for name in others:
        ground.file(name)
    untorn.write_bytes(file, NEW)
    ground.count()
    assert {each.name for each in ground.root.iterdir()} == {file.name, *others}


@place
def a_thousand_orphans_are_swept_by_one_save(ground: Ground) -> None:
    file = ground.file()
    for _, orphan in zip(range(1000), temps(file), strict=False):
        ground.file(orphan)
    untorn.write_bytes(file, NEW)
    ground.count()
    assert not litter(ground.root)


@place
def the_orphans_of_a_long_name_are_its_own(ground: Ground) -> None:
    """Names cut to fit must not share what a crash leaves."""
    one, two = (ground.file("x" * 250 + end) for end in ("one", "two"))
    killed_during(lambda: untorn.write_bytes(one, NEW), "rename")
    [orphan] = litter(ground.root)
    untorn.write_bytes(two, NEW)
    assert litter(ground.root) == {orphan}
    untorn.write_bytes(one, NEXT)
    ground.count(3)
    assert not litter(ground.root)
