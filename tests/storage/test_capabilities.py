"""What a save would meet at a path is told without a save, and without a trace (doctor)."""

from __future__ import annotations

import errno
import fcntl
import os
import subprocess
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from calls import os_error, watched
from filesystems import memory, mounted, needs
from processes import NOBODY, as_nobody, holder_of
from targets import NEW, OLD

import untorn
from untorn.errors import ReadError, WriteError
from untorn.records import revision_of
from untorn.storage.access import Access, Entry, access_of
from untorn.storage.capabilities import Survey, survey
from untorn.storage.holders import Holder
from untorn.storage.holders import holder_of as who_holds
from untorn.storage.names import swap_name, temp_name
from untorn.storage.obstacles import obstacles_in_place, obstacles_to
from untorn.storage.probes import Probed
from untorn.storage.statx import Flags

if TYPE_CHECKING:
    from collections.abc import Iterator

LIMIT = 1 << 20


@pytest.fixture
def file(quick_path: Path) -> Path:
    path = quick_path / "app.toml"
    path.write_bytes(OLD)
    return path


def surveyed(path: Path | str, **keywords: bool) -> Survey:
    return survey(path, limit=LIMIT, **keywords)


def hindered(path: Path | str, **keywords: bool) -> list[str]:
    return [each.key for each in obstacles_to(surveyed(path, **keywords))]


# ── Which file it is ────────────────────────────────────────────────────────


def test_links_are_followed_to_the_file(file: Path) -> None:
    link = file.with_name("link")
    link.symlink_to("app.toml")
    found = surveyed(link)
    assert found.where.path == file
    assert found.where.is_regular
    assert not found.where.names_directory
    assert obstacles_to(found) == []


def test_a_file_that_does_not_exist_yet_is_told_with_what_a_save_would_make(file: Path) -> None:
    path = file.parent / "a" / "b" / "new.toml"
    found = surveyed(path)
    assert (found.where.file, found.where.directory) == (None, file.parent)
    assert found.where.missing == (file.parent / "a", file.parent / "a" / "b")
    assert found.tried
    assert found.probed.makes_files
    assert obstacles_to(found) == []
    assert [*file.parent.iterdir()] == [file]


def test_of_a_directory_everything_is_about_any_file_in_it(file: Path) -> None:
    found = surveyed(file.parent)
    assert found.where.names_directory
    assert found.where.file is None
    assert found.holder == Holder(held=None)
    assert found.probed.makes_files


def test_links_in_a_circle_and_files_as_parents_are_errors_that_say_so(file: Path) -> None:
    circle = file.with_name("circle")
    circle.symlink_to("circle")
    with pytest.raises(ReadError, match="symbolic links"):
        surveyed(circle)
    with pytest.raises(ReadError, match="Not a directory"):
        surveyed(file / "below")


def test_a_place_that_cannot_be_looked_at_is_an_error_with_its_path(file: Path) -> None:
    file.parent.chmod(0o700)

    def ask() -> None:
        with pytest.raises(ReadError, match="cannot be read: Permission denied"):
            surveyed(file)

    as_nobody(ask)


def test_an_error_of_the_disk_is_told_with_the_path(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_arguments: object, **_keywords: object) -> None:
        raise os_error(errno.EIO)

    monkeypatch.setattr("untorn.storage.capabilities.access_of", fail)
    with pytest.raises(ReadError, match="cannot be read: Input/output error") as caught:
        surveyed(file)
    assert caught.value.path == file


# ── Without a trace ─────────────────────────────────────────────────────────


def test_without_probing_nothing_is_made(file: Path) -> None:
    changes = {
        "open",
        "unlink",
        "rename",
        "rename_new",
        "mkdir",
        "write",
        "pwrite",
        "fchmod",
        "setxattr",
        "flock",
    }
    with watched() as watch:
        found = surveyed(file, probing=False)
    assert not found.tried
    assert found.probed == Probed()
    assert changes & set(watch.made) <= {"open", "flock"}
    opened = [
        arguments[1] for name, arguments in zip(watch.made, watch.arguments, strict=True) if name == "open"
    ]
    assert opened
    assert all(flags & (os.O_CREAT | os.O_WRONLY | os.O_RDWR) == 0 for flags in opened)


def test_a_probe_of_a_directory_that_was_killed_goes_with_the_next_one(file: Path) -> None:
    directory = file.parent
    left = directory / temp_name("untorn-doctor", revision_of(NEW))
    left.write_bytes(b"")
    mine = directory / temp_name("app.toml", revision_of(NEW))
    mine.write_bytes(NEW)
    found = surveyed(directory)
    assert {*directory.iterdir()} == {file, mine}
    assert [each.path for each in found.orphans] == [mine]


def test_orphans_are_named_and_stay(file: Path) -> None:
    mine = file.parent / temp_name("app.toml", revision_of(NEW))
    mine.write_bytes(NEW)
    assert [(each.path, each.complete) for each in surveyed(file).orphans] == [(mine, True)]
    assert mine.exists()


def test_a_directory_that_cannot_be_listed_has_no_orphans_to_tell(file: Path) -> None:
    file.parent.chmod(0o711)

    def ask() -> None:
        found = surveyed(file)
        assert found.orphans == ()
        assert "directory" in [each.key for each in obstacles_to(found)]

    as_nobody(ask)


# ── Who may ─────────────────────────────────────────────────────────────────


def test_owner_mode_and_names_are_told(file: Path) -> None:
    file.chmod(0o640)
    file.with_name("second").hardlink_to(file)
    found = access_of(file)
    assert found is not None
    assert (found.kind, found.mode, found.links, found.size) == ("file", 0o640, 2, len(OLD))
    assert (found.owner, found.ours, found.readable, found.writable) == (os.geteuid(), True, True, True)
    assert access_of(file.with_name("nothing")) is None


def test_access_lists_are_told_entry_by_entry(tmp_path: Path) -> None:
    needs("setfacl")
    path = tmp_path / "app.toml"
    path.write_bytes(OLD)
    subprocess.run(["setfacl", "-m", "u:1234:rw,g:77:r", str(path)], check=True)
    subprocess.run(["setfacl", "-d", "-m", "u:1234:rx", str(tmp_path)], check=True)
    found, folder = access_of(path), access_of(tmp_path)
    assert found is not None
    assert folder is not None
    assert Entry("user", 1234, "rw-") in found.acl
    assert Entry("group", 77, "r--") in found.acl
    assert Entry("mask", None, "rw-") in found.acl
    assert Entry("user", 1234, "r-x") in folder.default_acl
    assert found.has_acls


def test_an_entry_of_a_kind_that_is_not_known_is_told_by_its_number(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    raw = b"\x02\x00\x00\x00" + b"\x80\x00" + b"\x07\x00" + b"\x00\x00\x00\x00"
    monkeypatch.setattr(untorn.storage.REAL, "getxattr", lambda _path, _name, **_keywords: raw)
    found = access_of(file)
    assert found is not None
    assert found.acl == (Entry("tag 128", None, "rwx"),)


@pytest.mark.parametrize(
    ("code", "told"), [(errno.ENODATA, True), (errno.EOPNOTSUPP, False), (errno.EIO, None)], ids=str
)
def test_whether_there_can_be_access_lists_is_told(file: Path, code: int, told: bool | None) -> None:
    def fail(_nth: int, name: str) -> None:
        if name == "getxattr":
            raise os_error(code)

    with watched(before=fail):
        found = access_of(file)
    assert found is not None
    assert found.has_acls is told
    assert found.label == ""


def test_a_label_is_told(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def getxattr(_path: Path, name: str, **_keywords: object) -> bytes:
        if name == "security.selinux":
            return b"system_u:object_r:etc_t:s0\0"
        raise os_error(errno.ENODATA)

    monkeypatch.setattr(untorn.storage.REAL, "getxattr", getxattr)
    found = access_of(file)
    assert found is not None
    assert found.label == "system_u:object_r:etc_t:s0"


# ── Who holds the lock ──────────────────────────────────────────────────────


def test_the_process_that_holds_the_lock_is_named(file: Path) -> None:
    assert surveyed(file).holder == Holder(held=False)
    file.write_text("a = 1\n")
    with holder_of(file) as process:
        found = surveyed(file).holder
        assert (found.held, found.process) == (True, process.pid)
        assert found.command.startswith("python")
    assert surveyed(file, probing=False).holder == Holder(held=False)


def test_a_lock_of_a_process_that_cannot_be_seen_is_told_all_the_same(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "untorn.storage.holders._text", lambda *_arguments: "1: FLOCK ADVISORY WRITE 0 00:1b:7 0 EOF"
    )
    with file.open("rb") as holding:
        fcntl.flock(holding, fcntl.LOCK_EX)
        assert surveyed(file).holder == Holder(held=True)
    monkeypatch.undo()


def test_a_lock_that_is_waited_for_has_one_holder(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = "1: FLOCK  ADVISORY  WRITE 41 00:1b:7 0 EOF\n1: -> FLOCK  ADVISORY  WRITE 42 00:1b:7 0 EOF\n"
    lines = {"/proc/locks": table, "/proc/41/comm": "editor\n"}
    monkeypatch.setattr("untorn.storage.holders._text", lambda path, _calls: lines[path])
    assert who_holds(file, 7, (0, 0x1B)) == Holder(held=True, process=41, command="editor")


@pytest.mark.parametrize("call", ["open", "read", "flock"])
def test_what_cannot_be_asked_about_the_lock_is_not_known(file: Path, call: str) -> None:
    def fail(_nth: int, name: str) -> None:
        if name == call:
            raise os_error(errno.EIO)

    with watched(before=fail):
        found = who_holds(file, file.stat().st_ino, (0, 0))
    assert found == Holder(held=None if call in ("open", "flock") else False)


# ── Obstacles ───────────────────────────────────────────────────────────────


def test_where_a_save_would_be_taken_there_is_none(file: Path) -> None:
    assert hindered(file) == hindered(file, probing=False) == hindered(file.parent) == []


@pytest.mark.parametrize(
    "path", ["/dev/stdout", "/proc/self/status", "/proc/new.toml", "/sys/kernel/new.toml"]
)
def test_names_of_the_kernels_are_left_alone(path: str) -> None:
    with watched() as watch:
        found = surveyed(path)
    assert obstacles_to(found)[0].key == "kernel"
    assert not found.tried
    assert not {"unlink", "rename", "fchmod"} & set(watch.made)


def test_what_is_no_regular_file_is_told(file: Path) -> None:
    fifo = file.with_name("fifo")
    os.mkfifo(fifo)
    assert hindered(fifo) == ["kind"]
    assert hindered("/dev/null") == ["kind"]
    assert "FIFO" in obstacles_to(surveyed(fifo))[0].reason


def test_a_single_file_that_is_mounted_is_told(tmp_path: Path) -> None:
    path, other = tmp_path / "app.toml", tmp_path / "other.toml"
    path.write_bytes(OLD)
    other.write_bytes(NEW)
    with mounted("--bind", other, path):
        [found] = obstacles_to(surveyed(path))
        assert (found.key, str(tmp_path) in found.remedy) == ("mounted", True)
        assert path.read_bytes() == NEW
        assert obstacles_in_place(surveyed(path), surveyed(tmp_path)) == []
    assert hindered(path) == []


def test_a_file_system_that_is_read_only_is_told(tmp_path: Path) -> None:
    inside = tmp_path / "memory" / "app.toml"
    with memory(tmp_path) as place:
        inside.write_bytes(OLD)
        with mounted("--bind", "-o", "ro", place, place):
            found = hindered(inside)
            assert found[0] == "read-only-mount"
            assert "read-only-mount" in [
                each.key for each in obstacles_in_place(surveyed(inside), surveyed(tmp_path))
            ]


@contextmanager
def marked(path: Path, letter: str) -> Iterator[None]:
    needs("chattr")
    done = subprocess.run(["chattr", f"+{letter}", str(path)], capture_output=True, check=False)
    if done.returncode:
        pytest.skip(f"this file system has no such mark: {done.stderr.decode().strip()}")
    try:
        yield
    finally:
        subprocess.run(["chattr", f"-{letter}", str(path)], check=True)


@pytest.mark.parametrize(("letter", "key"), [("i", "immutable"), ("a", "append-only")])
def test_marks_that_forbid_it_are_told(tmp_path: Path, letter: str, key: str) -> None:
    directory = tmp_path / "folder"
    directory.mkdir()
    path = directory / "app.toml"
    path.write_bytes(OLD)
    with marked(path, letter):
        assert key in hindered(path)
        assert "file" in obstacles_to(surveyed(path))[0].reason
    with marked(directory, letter):
        found = surveyed(path)
        [first, *_] = obstacles_to(found)
        assert first.key == key
        assert "directory" in first.reason
        assert found.tried is (letter == "i")
        assert [*directory.iterdir()] == [path]


def test_another_user_is_told_what_is_missing(file: Path) -> None:
    directory = file.parent
    file.chmod(0o644)

    def may_not_write() -> None:
        assert hindered(file) == ["read-only", "directory"]
        assert hindered(directory / "new.toml") == ["directory"]
        assert "user 0 can give it" in obstacles_to(surveyed(file))[1].remedy

    def may_write_to_the_file_only() -> None:
        assert hindered(file) == ["directory"]
        assert obstacles_in_place(surveyed(file), surveyed("/dev/shm")) == []

    def sticky() -> None:
        assert hindered(file) == ["sticky"]

    def may_not_read() -> None:
        assert hindered(file) == ["unreadable", "read-only"]

    def would_lose_the_owner() -> None:
        [found] = obstacles_to(surveyed(file))
        assert (found.key, "owner 0" in found.reason) == ("metadata", True)

    as_nobody(may_not_write)
    file.chmod(0o666)
    as_nobody(may_write_to_the_file_only)
    directory.chmod(0o1777)
    as_nobody(sticky)
    directory.chmod(0o777)
    as_nobody(would_lose_the_owner)
    file.chmod(0o600)
    as_nobody(may_not_read)


def test_what_is_forbidden_is_told_with_whom_to_ask(file: Path) -> None:
    """The same without another user: each of these decides by itself."""
    found = surveyed(file, probing=False)
    assert found.where.file is not None
    theirs = replace(found.where.file, owner=4711, ours=False, mode=0o664)
    folder = replace(found.where.folder, owner=4712, ours=False, mode=0o777)

    def keys(**changes: Access) -> list[str]:
        where = replace(found.where, **({"file": theirs, "folder": folder} | changes))  # type: ignore[arg-type]
        return [f"{each.key}: {each.remedy}" for each in obstacles_to(replace(found, where=where))]

    assert keys() == []
    assert keys(file=replace(theirs, readable=False)) == ["unreadable: user 4711 can give it"]
    [read_only] = keys(file=replace(theirs, writable=False))
    assert read_only.startswith("read-only: make it writable")
    [sticky] = keys(folder=replace(folder, mode=0o1777))
    assert sticky.startswith("sticky: save as user 4711")
    [closed] = keys(folder=replace(folder, writable=False, mode=0o1777))
    assert closed.endswith("user 4712 can give it")


def test_ones_own_file_in_a_sticky_directory_is_no_obstacle(file: Path) -> None:
    file.parent.chmod(0o1777)
    if os.geteuid() == 0:
        os.chown(file, NOBODY, NOBODY)
        as_nobody(lambda: hindered(file) == [] or pytest.fail("hindered"))
    else:
        assert hindered(file) == []


def test_a_read_only_file_of_ones_own_is_told(file: Path) -> None:
    file.chmod(0o444)
    if os.geteuid() == 0:
        os.chown(file, NOBODY, NOBODY)
        file.parent.chmod(0o777)
        as_nobody(lambda: hindered(file) == ["read-only"] or pytest.fail("not hindered"))
    else:
        assert hindered(file) == ["read-only"]


def test_a_full_file_system_is_told(tmp_path: Path) -> None:
    with memory(tmp_path, "size=64k") as place:
        (place / "app.toml").write_bytes(bytes(65_536))
        assert hindered(place / "app.toml") == ["full"]
    with memory_of(tmp_path / "second", "nr_inodes=2") as place:
        (place / "app.toml").write_bytes(OLD)
        [found] = obstacles_to(surveyed(place / "app.toml"))
        assert (found.key, "inodes" in found.reason) == ("full", True)


@contextmanager
def memory_of(parent: Path, *options: str) -> Iterator[Path]:
    parent.mkdir()
    with memory(parent, *options) as place:
        yield place


def test_a_name_that_is_too_long_for_its_temp_is_told(file: Path) -> None:
    found = surveyed(file)
    short = replace(found, space=replace(found.space, name_max=60))
    assert [each.key for each in obstacles_to(short)] == ["name"]
    of_directory = surveyed(file.parent)
    short = replace(of_directory, space=replace(of_directory.space, name_max=60))
    assert obstacles_to(short) == []


def test_a_name_that_is_cut_has_a_temp_that_fits(quick_path: Path) -> None:
    found = surveyed(quick_path / ("x" * 255))
    assert found.where.temp_size == 255
    assert obstacles_to(found) == []
    made = swap_name(temp_name("app.toml", revision_of(b"")), revision_of(b""))
    assert surveyed(quick_path / "app.toml").where.temp_size == len(made)


@pytest.mark.parametrize(
    ("probed", "refused", "key"),
    [
        (Probed(makes_files=False, refused="Operation not permitted"), None, "directory"),
        (Probed(makes_files=True, locks=False), None, "locks"),
        (Probed(), WriteError("not saved, the file is as it was: no", errno=1, path=Path("x")), "metadata"),
        (Probed(), ReadError("too large", errno=5, path=Path("x")), "unreadable"),
    ],
    ids=["no files", "no locks", "refused", "unreadable"],
)
def test_what_only_trying_tells_is_told(
    file: Path, probed: Probed, refused: WriteError | ReadError | None, key: str
) -> None:
    found = replace(surveyed(file), probed=probed, refused=refused)
    assert [each.key for each in obstacles_to(found)] == [key]


def test_a_save_in_place_needs_a_directory_for_its_journal(file: Path) -> None:
    [found] = obstacles_in_place(surveyed(file), surveyed(file.parent / "journals"))
    assert (found.key, "mkdir" in found.remedy) == ("journals", True)
    place = surveyed(file.parent)
    read_only = replace(place, space=replace(place.space, read_only=True))
    [found] = obstacles_in_place(surveyed(file), read_only)
    assert (found.key, found.reason) == ("journals", "journals: the file system is mounted read-only")


def test_where_the_system_tells_of_no_mounts_the_rest_is_told(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("untorn.storage.mounts._TABLE", "/nowhere")
    monkeypatch.setattr("untorn.storage.access.flags_of", lambda _path: Flags(mount_root=True))
    found = surveyed(file)
    assert found.where.mount is None
    assert found.where.is_mounted
    assert found.holder.held is False
    assert not found.where.is_the_kernels
