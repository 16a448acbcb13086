"""Disks that are full, limited, read-only, small, or of another kind."""

from __future__ import annotations

import errno
import fcntl
import os
import resource
import struct
import subprocess
from contextlib import suppress
from functools import partial
from typing import TYPE_CHECKING

import untorn
from evidence.calls import watched
from evidence.children import told
from evidence.hostile.ground import (
    NEW,
    NEXT,
    OLD,
    USER,
    Ground,
    limited,
    need_root,
    open_descriptors,
    place,
    refusal_of,
    run,
)
from evidence.targets import Unsupported, litter

if TYPE_CHECKING:
    from pathlib import Path

LARGE = b"x" * 100_000


def fill(directory: Path, leave: int = 0) -> None:
    """Write until nothing more fits, and then give so many bytes back."""
    filler = directory / "filler"
    with filler.open("wb", buffering=0) as stream, suppress(OSError):
        for size in (1 << 16, 1 << 10, 1):
            with suppress(OSError):
                while stream.write(b"f" * size):
                    pass
        os.fsync(stream.fileno())
    os.truncate(filler, max(0, filler.stat().st_size - leave))
    synced(filler, directory)


def synced(*paths: Path) -> None:
    """Sync files and directories; sync(2) would wait for all disks of the machine."""
    for path in paths:
        fd = os.open(path, os.O_RDONLY)
        try:
            os.fsync(fd)
        finally:
            os.close(fd)


@place
def a_full_disk_in_memory_refuses_and_takes_what_fits(ground: Ground) -> None:
    disk = ground.mounted("tmpfs", options="size=64k")
    file = ground.file(disk / "app.conf")
    ground.refused(file, errno.ENOSPC, "free some space", data=LARGE, unwritten=False)
    ground.refused(disk / "new.conf", errno.ENOSPC, "free some space", data=LARGE, unwritten=False)
    ground.saved(file, NEXT)


@place
def a_full_disk_says_so_before_a_large_file_is_written(ground: Ground) -> None:
    disk = ground.image(size=4 << 20)
    file = ground.file(disk / "app.conf")
    ground.refused(file, errno.ENOSPC, "free some space", data=b"x" * (8 << 20))


@place
def a_full_disk_refuses_or_saves_with_any_number_of_blocks_left(ground: Ground) -> None:
    """Also where the new content fits, and the rename or the directory needs one block more."""
    disk = ground.image("ext4", "-b", "1024", "-N", "64", "-m", "0", size=1 << 20)
    file = ground.file(disk / "app.conf")
    refusals = 0
    for blocks in range(12):
        fill(disk, blocks * 1024)
        for name in ("app.conf", f"{blocks:0>250}"):
            file = disk / name
            outcome = ground.old_or_new(file, b"x" * 3000 + b"%d" % blocks)
            assert outcome is None or (isinstance(outcome, OSError) and outcome.errno == errno.ENOSPC), (
                outcome
            )
            refusals += outcome is not None
        (disk / "filler").unlink()
    assert 0 < refusals < 24
    ground.saved(disk / "app.conf", NEXT)


@place
def a_disk_without_inodes_refuses(ground: Ground) -> None:
    disk = ground.mounted("tmpfs", options="nr_inodes=3")
    file = ground.file(disk / "app.conf")
    ground.file(disk / "other.conf")
    ground.refused(file, errno.ENOSPC, "free some space")
    ground.refused(disk / "new.conf", errno.ENOSPC, "free some space")
    (disk / "other.conf").unlink()
    ground.saved(file)


@place
def a_disk_without_inodes_refuses_on_ext4(ground: Ground) -> None:
    disk = ground.image("ext4", "-N", "16", size=1 << 20)
    file = ground.file(disk / "app.conf")
    with suppress(OSError):
        for number in range(100):
            ground.file(disk / f"{number}")
    ground.refused(file, errno.ENOSPC, "free some space")
    (disk / "0").unlink()
    ground.saved(file)


@place
def a_used_up_quota_refuses(ground: Ground) -> None:
    disk = ground.image("ext4", "-O", "quota", "-E", "quotatype=usrquota", size=16 << 20, options="usrquota")
    disk.chmod(0o777)
    file = ground.file(disk / "app.conf", owner=USER)
    run("setquota", "-u", str(USER), "64", "64", "0", "0", disk)

    def spend() -> None:
        ground.refused(file, errno.EDQUOT, "quota", data=LARGE, unwritten=False)
        ground.refused(disk / "new.conf", errno.EDQUOT, "quota", data=LARGE, unwritten=False)
        ground.saved(file, NEXT)

    ground.as_user(spend)


@place
def a_subvolume_that_is_limited_refuses(ground: Ground) -> None:
    disk = ground.image("btrfs", "-q", size=128 << 20)
    run("btrfs", "quota", "enable", disk)
    run("btrfs", "subvolume", "create", disk / "mine")
    run("btrfs", "qgroup", "limit", "512K", disk / "mine")
    file = ground.file(disk / "mine" / "app.conf")
    ground.refused(file, errno.EDQUOT, "quota", data=b"x" * (1 << 20), unwritten=False)
    ground.saved(file, NEXT)


@place
def a_limit_of_the_size_of_files_refuses(ground: Ground) -> None:
    file = ground.file()
    limited(resource.RLIMIT_FSIZE, 50_000)
    error = ground.refused_anyhow(file, LARGE)
    assert error.errno == errno.EFBIG
    ground.saved(file, NEXT)


@place
def a_limit_of_open_files_refuses_or_saves(ground: Ground) -> None:
    file = ground.file()
    outcomes = []
    ground.saved(file, OLD + b"#")
    for more in range(9):
        data = NEW + b"%d" % more

        def save(data: bytes = data, more: int = more) -> str:
            # Numbers are given from below: without gaps, so many are left.
            highest = last = max(map(int, open_descriptors()))
            while last <= highest:
                last = os.open(os.devnull, os.O_RDONLY)
            limited(resource.RLIMIT_NOFILE, last + 1 + more)
            refusal = refusal_of(partial(untorn.write_bytes, file, data, timeout=0))
            if refusal is None:
                return "saved"
            assert refusal.errno == errno.EMFILE, refusal
            assert "too many open files" in str(refusal)
            return "refused"

        before = file.read_bytes()
        _, outcome = told(save)
        ground.count()
        outcomes.append(outcome)
        assert file.read_bytes() == (data if outcome == "saved" else before), outcome
        assert not litter(ground.root)
    assert outcomes[0] == "refused", outcomes
    assert outcomes[-1] == "saved", outcomes


@place
def a_mount_that_is_read_only_refuses(ground: Ground) -> None:
    need_root()
    disk = ground.mounted("tmpfs")
    file = ground.file(disk / "app.conf")
    run("mount", "-o", "remount,ro", disk)
    ground.refused(file, (errno.EROFS, errno.EACCES), "read-only")
    ground.refused(file, errno.EROFS, "read-only", force=True)
    ground.refused(disk / "new.conf", errno.EROFS, "read-only")
    ground.refused(disk / "far" / "new.conf", errno.EROFS, "read-only")


@place
def a_mount_that_becomes_read_only_at_any_call_leaves_old_or_new(ground: Ground) -> None:
    disk = ground.mounted("tmpfs")
    happened = 0

    def freeze(_file: Path) -> None:
        nonlocal happened  # the system refuses while somebody has a file open to write
        done = subprocess.run(["mount", "-o", "remount,ro", disk], check=False, capture_output=True)
        happened += done.returncode == 0

    def judge(file: Path, outcome: BaseException | None) -> None:
        assert file.read_bytes() == (NEW if outcome is None else OLD)
        run("mount", "-o", "remount,rw", disk)

    ground.within(disk).at_each_call(freeze, judge)
    assert happened > 5


@place
def a_disk_that_shuts_down_at_any_call_holds_old_or_new_when_it_is_back(ground: Ground) -> None:
    """A journal that is aborted is what a controller that dies looks like."""
    need_root()
    image = ground.root / "image"
    with image.open("wb") as stream:
        stream.truncate(2 << 20)
    run("mkfs.ext4", "-q", image)
    disk = ground.root / "disk"
    disk.mkdir()
    made: list[str] = []
    outcomes = set()
    for nth in range(-1, 1000):
        if nth >= len(made) > 0:
            break
        run("mount", "-o", "loop", image, disk)
        file = disk / "app.conf"
        file.write_bytes(OLD)
        synced(file, disk)
        outcome, calls = _saved_while_it_shuts_down(disk, file, nth)
        made = made or calls
        run("umount", disk)
        run("mount", "-o", "loop", image, disk)
        found = file.read_bytes()
        assert found in (OLD, NEW), found
        assert found == NEW or outcome != "None", "it returned, and the new content is gone"
        outcomes.add(outcome)
        untorn.write_bytes(file, NEXT, timeout=0)
        assert not litter(disk), "the next save did not sweep"
        run("umount", disk)
        ground.count()
    assert outcomes >= {"None", "ReadError", "WriteError", "UnknownOutcomeError"}, outcomes


_SHUTDOWN = 0x8004587D  # EXT4_IOC_SHUTDOWN: _IOR('X', 125, __u32)
_WITHOUT_THE_LOG = 2


def _saved_while_it_shuts_down(disk: Path, file: Path, at: int) -> tuple[str, list[str]]:
    def shut_down(nth: int, _name: str) -> None:
        if nth == at:
            fd = os.open(disk, os.O_RDONLY)
            try:
                fcntl.ioctl(fd, _SHUTDOWN, struct.pack("I", _WITHOUT_THE_LOG))
            except OSError as error:
                raise Unsupported(f"ext4 does not shut down when asked: {error}") from error
            finally:
                os.close(fd)

    def save() -> str:
        outcome: BaseException | None = None
        with watched(before=shut_down) as watch:
            try:
                untorn.write_bytes(file, NEW, timeout=0)
            except untorn.UntornError as error:
                outcome = error
        return f"{type(outcome).__name__ if outcome else None} {' '.join(watch.made)}"

    code, said = told(save)
    assert code == 0, said
    outcome, *made = said.split()
    return outcome, made


@place
def a_file_that_is_mounted_by_itself_is_refused_with_the_way_out(ground: Ground) -> None:
    need_root()
    inside, outside = ground.directory("inside"), ground.directory("outside")
    file, source = ground.file(inside / "app.conf"), ground.file(outside / "app.conf")
    link = inside / "link.conf"
    link.symlink_to("app.conf")
    run("mount", "--bind", source, file)
    for path in (file, link):
        ground.refused(path, errno.EBUSY, "mount its directory")
    ground.saved(inside / "beside.conf")
    assert source.read_bytes() == OLD
    # By its other name it is a file as any other; the mount goes on showing the old inode.
    ground.saved(source)
    assert file.read_bytes() == OLD


@place
def a_file_that_is_mounted_during_a_save_loses_nothing(ground: Ground) -> None:
    need_root()
    source = ground.file("source.conf")

    def judge(file: Path, outcome: BaseException | None) -> None:
        assert source.read_bytes() == OLD
        run("umount", file)
        assert file.read_bytes() == (NEW if outcome is None else OLD)

    ground.at_each_call(lambda file: run("mount", "--bind", source, file), judge)


@place
def a_file_of_a_lower_layer_is_replaced_in_the_upper_one(ground: Ground) -> None:
    lower, upper, work = (ground.directory(name) for name in ("lower", "upper", "work"))
    (lower / "deep").mkdir()
    ground.file(lower / "deep" / "app.conf", mode=0o600)
    options = f"lowerdir={lower},upperdir={upper},workdir={work}"
    disk = ground.mounted("overlay", options=options)
    file = disk / "deep" / "app.conf"
    assert untorn.write_bytes(file, NEW).durable
    assert untorn.write_bytes(file, NEXT).durable
    assert untorn.write_bytes(disk / "deep" / "new.conf", NEXT).durable
    ground.count(3)
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (NEXT, 0o600)
    assert (lower / "deep" / "app.conf").read_bytes() == OLD
    assert not litter(ground.root)


@place
def a_disk_without_modes_and_links_is_written_to(ground: Ground) -> None:
    disk = ground.image("vfat", size=4 << 20)
    _written_to(ground, disk)


@place
def a_disk_of_pages_only_is_written_to(ground: Ground) -> None:
    _written_to(ground, ground.mounted("ramfs"))


@place
def a_disk_of_another_kind_is_written_to(ground: Ground) -> None:
    _written_to(ground, ground.image("ext2", "-q", size=4 << 20))


@place
def a_disk_that_copies_on_write_is_written_to(ground: Ground) -> None:
    _written_to(ground, ground.image("btrfs", "-q", size=128 << 20))


@place
def a_disk_with_delayed_allocation_is_written_to(ground: Ground) -> None:
    _written_to(ground, ground.image("xfs", "-q", size=320 << 20))


def _written_to(ground: Ground, disk: Path) -> None:
    file = disk / "app.conf"
    for data in (OLD, NEW, LARGE, NEXT):
        receipt = untorn.write_bytes(file, data)
        ground.count()
        assert file.read_bytes() == data
        assert receipt.durable or receipt.warnings, receipt
        assert {each.name for each in disk.iterdir()} == {"app.conf"}
    with untorn.edit(disk / "app.toml", create=True) as doc:
        doc.set("n", 1)
    assert untorn.load(disk / "app.toml") == {"n": 1}
