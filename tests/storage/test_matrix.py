"""Every kind of thing that a name can lead to, every kind of name, and disks that are full or odd."""

from __future__ import annotations

import errno
import os
import socket
import subprocess
import sys
from itertools import pairwise
from typing import TYPE_CHECKING

import pytest
from calls import os_error, watched
from targets import NEW, NEXT, OLD, forgetful, held_by, litter

import untorn
from untorn import storage
from untorn.errors import LoadError, NotDurableError, SaveError, WriteError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


@pytest.fixture
def file(quick_path: Path) -> Path:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)
    return path


def names(directory: Path) -> set[str]:
    return {each.name for each in directory.iterdir()}


# ── A full disk ─────────────────────────────────────────────────────────────


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    place = tmp_path / "small"
    place.mkdir()
    mounting = ["mount", "-t", "tmpfs", "-o", "size=64k", "untorn-test", place]
    done = subprocess.run(mounting, check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"cannot mount a small disk: {done.stderr.strip()}")
    yield place
    subprocess.run(["umount", place], check=True)


def test_a_full_disk_leaves_the_old_bytes_and_a_clean_directory(small_disk: Path) -> None:
    path = small_disk / "app.conf"
    path.write_bytes(b"good" * 1000)
    with pytest.raises(WriteError) as caught:
        untorn.write_bytes(path, b"x" * 100_000)
    assert caught.value.errno == errno.ENOSPC
    assert "free some space" in str(caught.value)
    assert path.read_bytes() == b"good" * 1000
    assert names(small_disk) == {"app.conf"}
    untorn.write_bytes(path, NEXT)
    assert path.read_bytes() == NEXT


# ── Not a file ──────────────────────────────────────────────────────────────


def make_fifo(path: Path) -> None:
    os.mkfifo(path)


def make_directory(path: Path) -> None:
    path.mkdir()


def make_socket(path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(path))


def make_device(path: Path) -> None:
    try:
        os.mknod(path, 0o666 | 0o020000, os.makedev(1, 3))
    except PermissionError:
        pytest.skip("only root can make a device")


@pytest.mark.parametrize("make", [make_fifo, make_directory, make_socket, make_device])
@pytest.mark.parametrize("linked", [False, True])
def test_what_is_no_file_is_refused_and_stays(
    quick_path: Path, make: Callable[[Path], None], linked: bool
) -> None:
    path = quick_path / "thing"
    make(path)
    before = path.lstat()
    name = path
    if linked:
        name = quick_path / "link"
        name.symlink_to("thing")
    with watched() as watch, pytest.raises((LoadError, SaveError)) as caught:
        untorn.write_bytes(name, NEW, force=True)
    assert isinstance(caught.value, OSError)
    assert "write" not in watch.made
    assert path.lstat() == before
    assert names(quick_path) == {"thing", name.name}


@pytest.mark.parametrize(
    "name", ["/dev/null", "/dev/stdout", "/dev/fd/1", "/proc/self/fd/1", "/proc/self/comm"]
)
def test_names_of_the_kernel_are_refused_also_where_they_lead_to_a_file(quick_path: Path, name: str) -> None:
    output = quick_path / "output"
    script = f"""
import sys, untorn
try:
    untorn.write_bytes({name!r}, b"new")
except OSError as error:
    sys.stderr.write(type(error).__name__)
"""
    with output.open("wb") as stream:
        done = subprocess.run(
            [sys.executable, "-c", script], check=False, stdout=stream, stderr=subprocess.PIPE, text=True
        )
    assert done.stderr in ("ReadError", "WriteError")
    assert output.read_bytes() == b""
    assert names(quick_path) == {"output"}


@pytest.mark.parametrize("name", ["/", ".", "..", ""])
def test_a_name_that_is_no_files_is_refused(quick_path: Path, name: str) -> None:
    with pytest.raises((LoadError, SaveError)) as caught:
        untorn.write_bytes(os.path.join(quick_path, name) if name != "/" else name, NEW)  # noqa: PTH118  "."
    assert isinstance(caught.value, OSError)
    assert names(quick_path) == set()


def test_a_nul_in_the_path_is_an_untorn_error(quick_path: Path) -> None:
    with pytest.raises((LoadError, SaveError)):
        untorn.write_bytes(f"{quick_path}/a\0b", NEW)


def test_a_file_among_the_parents_is_said(file: Path) -> None:
    with pytest.raises((LoadError, SaveError), match="Not a directory"):
        untorn.write_bytes(file / "app.conf", NEW)
    assert file.read_bytes() == OLD


# ── Links ───────────────────────────────────────────────────────────────────


def link(path: Path, *chain: str) -> Path:
    """Make ``chain`` of links beside ``path``, the last of which leads where the last word says."""
    for name, target in pairwise(chain):
        (path.parent / name).symlink_to(target)
    return path.parent / chain[0]


def test_links_are_followed_and_stay(file: Path) -> None:
    (file.parent / "deep").mkdir()
    first = link(file, "one", "two", "deep/../three")
    (file.parent / "three").symlink_to("./app.conf")
    (file.parent / "absolute").symlink_to(first)
    (file.parent / "again").symlink_to("deep/../..")
    for number, name in enumerate(["one", "absolute", f"again/{file.parent.name}/two"]):
        path = file.parent / name
        receipt = untorn.write_bytes(path, NEW * (number + 1))
        assert receipt.path == file.resolve()
        assert file.read_bytes() == NEW * (number + 1)
    assert all((file.parent / name).is_symlink() for name in ("one", "two", "absolute", "again"))
    assert not file.is_symlink()


def test_a_link_to_nowhere_makes_the_file_that_it_names(quick_path: Path) -> None:
    (quick_path / "link").symlink_to("far/away.conf")
    untorn.write_bytes(quick_path / "link", NEW)
    assert (quick_path / "link").is_symlink()
    assert (quick_path / "far" / "away.conf").read_bytes() == NEW


def test_links_in_a_circle_are_refused(quick_path: Path) -> None:
    name = link(quick_path / "x", "one", "two", "one")
    with pytest.raises((LoadError, SaveError)) as caught:
        untorn.write_bytes(name, NEW)
    assert isinstance(caught.value, OSError)
    assert caught.value.errno == errno.ELOOP
    assert names(quick_path) == {"one", "two"}


def test_a_link_itself_is_replaced_where_that_is_asked_for(file: Path) -> None:
    for number, target in enumerate(["app.conf", "nowhere", "far/away"]):
        name = file.parent / f"link{number}"
        name.symlink_to(target)
        untorn.write_bytes(name, NEW, follow_symlinks=False)
        assert not name.is_symlink()
        assert name.read_bytes() == NEW
    assert file.read_bytes() == OLD


def test_hard_links_are_broken_with_a_warning_or_refused(file: Path) -> None:
    other = file.with_name("other")
    other.hardlink_to(file)
    with pytest.raises(WriteError, match="1 other name") as caught:
        untorn.write_bytes(file, NEW, hard_links="refuse")
    assert caught.value.errno == errno.EMLINK
    assert file.samefile(other)
    receipt = untorn.write_bytes(file, NEW)
    assert "hard link" in receipt.warnings[0]
    assert (file.read_bytes(), other.read_bytes()) == (NEW, OLD)


# ── Names ───────────────────────────────────────────────────────────────────

ODD_NAMES = [
    b"x" * 255,
    "ü".encode() * 127,
    "漢".encode() * 85,
    "😀".encode() * 63 + b"abc",
    b"\xff\xfe not utf-8",
    b"\xff" * 255,
    b" ",
    b"new\nline",
    b"-rf",
    b".hidden",
    b"a.tmp",
    b"~",
    b"%s {0}",
]


@pytest.mark.parametrize("name", ODD_NAMES)
def test_any_name_that_the_disk_takes_is_taken(quick_path: Path, name: bytes) -> None:
    path = quick_path / os.fsdecode(name)
    assert untorn.write_bytes(path, OLD).changed
    assert untorn.write_bytes(path, NEW).durable
    assert path.read_bytes() == NEW
    assert os.listdir(os.fsencode(quick_path)) == [name]  # noqa: PTH208  bytes


def test_a_name_too_long_for_the_disk_is_an_untorn_error(quick_path: Path) -> None:
    with pytest.raises((LoadError, SaveError)) as caught:
        untorn.write_bytes(quick_path / ("x" * 256), NEW)
    assert isinstance(caught.value, OSError)
    assert caught.value.errno == errno.ENAMETOOLONG
    assert names(quick_path) == set()


def test_a_link_planted_at_the_temps_name_is_not_followed(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = file.with_name("victim")
    victim.write_bytes(b"precious")
    monkeypatch.setattr(os, "urandom", lambda count: b"\7" * count)
    with watched() as watch:
        untorn.write_bytes(file, NEW)
    temp = watch.arguments[watch.made.index("rename")][0]
    file.write_bytes(OLD)
    (file.parent / temp).symlink_to("victim")
    with pytest.raises(WriteError):
        untorn.write_bytes(file, NEW)
    assert victim.read_bytes() == b"precious"
    assert file.read_bytes() == OLD
    assert (file.parent / temp).is_symlink()


# ── A directory that goes away ──────────────────────────────────────────────


@pytest.mark.parametrize("decoy", [False, True])
def test_a_directory_that_is_renamed_at_any_call_loses_nothing(quick_path: Path, decoy: bool) -> None:
    """Asked for the name: what bears it then is written, or nothing is."""

    def attempt(number: int) -> list[str]:
        place = quick_path / str(number)
        (place / "here").mkdir(parents=True)
        path = place / "here" / "app.conf"
        path.write_bytes(OLD)

        def move(nth: int, _name: str) -> None:
            if nth == number:
                (place / "here").rename(place / "away")
                if decoy:
                    (place / "here").mkdir()
                    path.write_bytes(b"decoy")

        raised = False
        with forgetful(), watched(before=move) as watch:
            try:
                untorn.write_bytes(path, NEW, timeout=0)
            except (SaveError, NotDurableError):
                raised = True
        found = [held_by(place / name / "app.conf") for name in ("here", "away")]
        assert litter(place) == set(), (number, watch.made)
        assert raised or NEW in found, (number, watch.made)
        assert found[1] in (None if number < 0 else OLD, NEW)
        assert found[0] in ((NEW, b"decoy") if decoy or number < 0 else (NEW, None))
        return watch.made

    for number in range(len(attempt(-1))):
        attempt(number)


# ── Nothing to do, and what the disk says afterwards ────────────────────────


def test_unchanged_bytes_write_nothing(file: Path) -> None:
    before = file.stat()
    with watched() as watch:
        receipt = untorn.write_bytes(file, OLD)
    assert (receipt.changed, receipt.durable) == (False, None)
    assert file.stat() == before
    assert set(watch.made) <= {"stat", "open", "fstat", "pread", "close", "access"}


def failing_fsync(monkeypatch: pytest.MonkeyPatch, code: int, *, of_directories: bool = True) -> None:
    def fsync(fd: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{fd}") is of_directories:  # noqa: PTH112  of a descriptor
            raise os_error(code)
        os.fsync(fd)

    monkeypatch.setattr(storage.REAL, "fsync", fsync)


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOTSUP])
def test_a_file_system_that_cannot_sync_directories_is_said(
    file: Path, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    failing_fsync(monkeypatch, code)
    receipt = untorn.write_bytes(file, NEW)
    assert receipt.changed
    assert receipt.durable is False
    assert "power cut" in receipt.warnings[0]


def test_a_sync_that_is_owed_is_paid_by_the_next_save_though_it_changes_nothing(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with monkeypatch.context() as patching:
        failing_fsync(patching, errno.EIO)
        for _ in range(2):
            with pytest.raises(NotDurableError) as caught:
                untorn.write_bytes(file, NEW)
            assert file.read_bytes() == NEW
        assert caught.value.receipt.changed is False  # the second one found its bytes there
    synced: list[bool] = []
    monkeypatch.setattr(storage.REAL, "fsync", lambda fd: synced.append(os.path.samestat(os.fstat(fd), here)))
    here = file.parent.stat()
    assert untorn.write_bytes(file, NEW).changed is False
    assert synced[0]
    synced.clear()
    assert untorn.write_bytes(file, NEW).changed is False
    assert synced == []


def test_durability_none_syncs_the_new_bytes_before_the_rename_and_no_directory(file: Path) -> None:
    with watched() as watch:
        receipt = untorn.write_bytes(file, NEW, durability="none")
    assert receipt.durable is False
    made = watch.made
    assert made.count("fsync") == 1
    assert made.index("fsync") < made.index("rename")
    assert file.read_bytes() == NEW


@pytest.mark.parametrize(("name", "value"), [("durability", "some"), ("metadata", "x"), ("hard_links", "")])
def test_an_option_that_does_not_exist_is_refused(file: Path, name: str, value: str) -> None:
    with pytest.raises(ValueError, match=name):
        untorn.write_bytes(file, NEW, **{name: value})
    assert file.read_bytes() == OLD
