"""What trying tells about a directory, without a trace (doctor)."""

from __future__ import annotations

import errno
import os
import signal
import struct
from typing import TYPE_CHECKING

import pytest
from calls import os_error, watched
from filesystems import disk, memory
from processes import as_nobody, exit_code, forked
from targets import OLD

import untorn
from untorn.errors import LimitError, WriteError
from untorn.storage import REAL, libc
from untorn.storage.orphans import orphans_of
from untorn.storage.probes import Probed, probe, rehearse
from untorn.storage.space import Quota, Space, _quota_from, space_of

if TYPE_CHECKING:
    import ctypes
    from pathlib import Path

LIMIT = 1 << 20
ALL = Probed(
    makes_files=True, syncs_directories=True, locks=True, exchanges=True, spares_existing=True, reserves=True,
    keeps_modes=True, keeps_attributes=True, tells_cases_apart=True,
)  # fmt: skip


@pytest.fixture
def file(quick_path: Path) -> Path:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)
    return path


# ── Probe ───────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", ["ext4", "xfs", "btrfs"])
def test_a_disk_can_do_all_and_keeps_nothing(tmp_path: Path, kind: str) -> None:
    with disk(kind, tmp_path) as place:
        (place / "app.conf").write_bytes(OLD)
        before = sorted(place.iterdir())
        assert probe(place, "app.conf") == ALL
        assert rehearse(place / "app.conf", limit=LIMIT) is None
        assert sorted(place.iterdir()) == before


def test_memory_can_do_all_and_keeps_nothing(file: Path) -> None:
    status = file.stat()
    assert probe(file.parent, file.name) == ALL
    assert [*file.parent.iterdir()] == [file]
    assert (file.stat().st_mtime_ns, file.stat().st_ino) == (status.st_mtime_ns, status.st_ino)


def test_a_directory_that_takes_no_files_says_why(file: Path, tmp_path: Path) -> None:
    with memory(tmp_path, "ro") as place:
        found = probe(place, "app.conf")
        assert (found.makes_files, found.refused) == (False, "Read-only file system")
        assert found.locks is None

    def ask() -> None:
        found = probe(file.parent, "app.conf")
        assert (found.makes_files, found.refused) == (False, "Permission denied")
        assert found.syncs_directories is True

    as_nobody(ask)
    gone = probe(file.parent / "nothing", "app.conf")
    assert (gone.makes_files, gone.refused, gone.syncs_directories) == (
        False,
        "No such file or directory",
        None,
    )


FACTS = {
    "syncs_directories": "fsync",
    "locks": "flock",
    "reserves": "reserve",
    "keeps_modes": "fchmod",
    "keeps_attributes": "setxattr",
}


@pytest.mark.parametrize(("fact", "call"), FACTS.items(), ids=FACTS)
def test_what_a_file_system_lacks_is_told_from_what_failed(file: Path, fact: str, call: str) -> None:
    for code, told in ((errno.EOPNOTSUPP, False), (errno.EIO, None)):

        def fail(_nth: int, name: str, code: int = code) -> None:
            if name == call:
                raise os_error(code)

        with watched(before=fail):
            found = probe(file.parent, "app.conf")
        assert getattr(found, fact) is told
        assert found.makes_files is True
        assert [*file.parent.iterdir()] == [file]


@pytest.mark.parametrize("code", [errno.EINVAL, errno.EIO])
def test_that_names_cannot_be_exchanged_is_told(
    file: Path, code: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    def renameat2(*_arguments: object) -> int:
        return -1

    monkeypatch.setattr(libc, "function", lambda _name: renameat2)
    monkeypatch.setattr(libc, "failure", lambda _name: os_error(code))
    assert probe(file.parent, "app.conf").exchanges is (False if code == errno.EINVAL else None)


def test_an_exchange_that_did_nothing_is_found_out(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libc, "function", lambda _name: lambda *_arguments: 0)
    assert probe(file.parent, "app.conf").exchanges is False


def test_without_the_call_names_cannot_be_exchanged(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(libc, "function", lambda _name: None)
    assert probe(file.parent, "app.conf").exchanges is False


def test_a_lock_that_keeps_nobody_out_is_none(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REAL, "flock", lambda *_arguments: None)
    assert probe(file.parent, "app.conf").locks is False


def test_a_rename_that_replaces_all_the_same_is_found_out(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(REAL, "rename_new", os.rename)
    assert probe(file.parent, "app.conf").spares_existing is False
    assert [*file.parent.iterdir()] == [file]


def test_modes_that_do_not_stick_are_none(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(REAL, "fchmod", lambda *_arguments: None)
    assert probe(file.parent, "app.conf").keeps_modes is False


def test_a_file_system_to_which_a_and_A_are_one_is_found_out(  # noqa: N802  that is the point
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real = REAL.stat

    def folding(name: object, **keywords: object) -> os.stat_result:
        return real(name.replace(".TMP", ".tmp") if isinstance(name, str) else name, **keywords)  # type: ignore[arg-type]

    monkeypatch.setattr(REAL, "stat", folding)
    assert probe(file.parent, "app.conf").tells_cases_apart is False


def test_whatever_call_fails_the_probe_answers_and_leaves_nothing(file: Path) -> None:
    with watched() as watch:
        probe(file.parent, "app.conf")
    assert len(watch.made) > 20
    for nth, struck in enumerate(watch.made):

        def fail(at: int, _name: str, nth: int = nth) -> None:
            if at == nth:
                raise os_error(errno.EIO)

        with watched(before=fail):
            probe(file.parent, "app.conf")
        left = [each for each in file.parent.iterdir() if each != file]
        assert (len(left) <= 1) if struck == "unlink" else not left
        for each in left:
            each.unlink()
        assert file.read_bytes() == OLD


def test_a_probe_that_is_killed_leaves_what_the_next_save_sweeps(file: Path) -> None:
    with watched() as watch:
        probe(file.parent, "app.conf")
    for nth in range(len(watch.made)):

        def kill(at: int, _name: str, nth: int = nth) -> None:
            if at == nth:
                os.kill(os.getpid(), signal.SIGKILL)

        def die() -> None:
            with watched(before=kill):
                probe(file.parent, "app.conf")

        assert exit_code(forked(die)) == -signal.SIGKILL
        assert file.read_bytes() == OLD
        for each in orphans_of(file, limit=LIMIT):
            assert (each.complete, each.untouchable) == (False, "")
    assert orphans_of(file, limit=LIMIT)
    untorn.write_bytes(file, b"next")
    assert [*file.parent.iterdir()] == [file]


# ── Rehearse ────────────────────────────────────────────────────────────────


def test_a_rehearsal_goes_as_far_as_the_commit_and_changes_nothing(file: Path) -> None:
    before = file.stat()
    with watched() as watch:
        assert rehearse(file, limit=LIMIT) is None
    assert "rename" not in watch.made
    assert watch.made.count("fsync") == 1
    after = file.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_ino, before.st_mtime_ns, before.st_ctime_ns,
    )  # fmt: skip
    assert [*file.parent.iterdir()] == [file]


def test_what_a_save_would_be_refused_for_is_returned(file: Path, tmp_path: Path) -> None:
    assert isinstance(rehearse(file, limit=10), LimitError)
    with memory(tmp_path, "size=64k") as place:
        large = place / "large.conf"
        large.write_bytes(b"x" * 40_000)
        refused = rehearse(large, limit=LIMIT)
        assert isinstance(refused, WriteError)
        assert refused.errno == errno.ENOSPC
        assert [*place.iterdir()] == [large]


# ── Space ───────────────────────────────────────────────────────────────────


def test_a_full_memory_has_no_room(tmp_path: Path) -> None:
    with memory(tmp_path, "size=64k,nr_inodes=4") as place:
        space = space_of(place)
        assert (space.total, space.read_only, space.name_max) == (65_536, False, 255)
        assert (space.inodes, space.inodes_left) == (4, 3)
        (place / "x").write_bytes(bytes(65_536))
        assert space_of(place).left == 0


def test_a_quota_is_asked_for_in_the_kernels_words(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Few kernels let a test set a quota: this is what quotactl_fd(2) answers where one is."""
    asked: list[tuple[object, ...]] = []

    def syscall(number: int, _fd: int, command: int, user: int, answer: ctypes.Array[ctypes.c_char]) -> int:
        asked.append((number, command, user))
        answer[:] = struct.pack("=8QI4x", 64, 48, 16 << 10, 5, 0, 1, 0, 0, 0)
        return 0

    monkeypatch.setattr(libc, "function", lambda _name: syscall)
    space = space_of(file.parent)
    assert asked == [(443, 0x80000700, os.geteuid())]
    assert space.quota == Quota(16 << 10, 64 << 10, 1, 5)
    assert (space.left, space.inodes_left) == (48 << 10, 4)


def test_a_quota_without_limits_is_none() -> None:
    assert _quota_from(struct.pack("=8QI4x", 0, 0, 4096, 0, 0, 1, 0, 0, 0)) is None
    assert _quota_from(struct.pack("=8QI4x", 0, 3, 4096, 0, 0, 1, 0, 0, 0)) == Quota(4096, 3072, 1, 0)


@pytest.mark.parametrize(
    ("quota", "left", "inodes_left"),
    [
        (None, 100, 7),
        (Quota(0, 0, 0, 0), 100, 7),
        (Quota(10, 30, 1, 0), 20, 7),
        (Quota(0, 0, 1, 3), 100, 2),
        (Quota(40, 30, 4, 3), 0, 0),
    ],
    ids=["none", "unlimited", "bytes", "inodes", "exceeded"],
)
def test_the_quota_is_what_is_left_where_it_is_less(quota: Quota | None, left: int, inodes_left: int) -> None:
    space = Space(200, 100, 0, 10, 7, 255, read_only=False, quota=quota)
    assert (space.left, space.inodes_left) == (left, inodes_left)
    assert Space(200, 100, 0, 0, 0, 255, read_only=False, quota=None).inodes_left is None


def test_a_quota_that_cannot_be_asked_for_is_none(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(_nth: int, name: str) -> None:
        if name == "open":
            raise os_error(errno.EACCES)

    with watched(before=fail):
        assert space_of(file.parent).quota is None
    monkeypatch.setattr("untorn.storage.space._MACHINES", ())
    assert space_of(file.parent).quota is None


def test_where_nothing_tells_how_much_room_there_is_none_is_claimed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "statvfs")
    assert space_of(file.parent) == Space(0, 0, 0, 0, 0, 255, read_only=False, quota=None)


# ── The C library ───────────────────────────────────────────────────────────


def test_a_function_that_is_nowhere_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    assert libc.function("no_such_function_of_the_library") is None
    assert libc.missing().errno == errno.ENOSYS

    def no_library(*_arguments: object, **_keywords: object) -> None:
        raise TypeError

    monkeypatch.setattr("ctypes.CDLL", no_library)
    assert libc.function("statx") is None


def test_a_function_that_fails_says_why() -> None:
    assert libc.function("rmdir")(b"/nowhere/at/all") == -1
    assert libc.failure().errno == errno.ENOENT
