"""Owner, group, mode, ACL and attributes are kept, and never is anything wider (promise 12)."""

from __future__ import annotations

import errno
import os
import shutil
import stat
import struct
import subprocess
from typing import TYPE_CHECKING

import pytest
from calls import os_error, watched
from processes import NOBODY, as_nobody, exit_code, forked
from targets import NEW, NEXT, OLD, litter

import untorn
from untorn import storage
from untorn.errors import LoadError, SaveError, WriteError
from untorn.storage.metadata import ACL, LABEL

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(quick_path: Path) -> Path:
    untorn.write_bytes(quick_path / "app.conf", OLD)  # all is imported before a child loses its rights
    return quick_path / "app.conf"


def mode_of(path: Path) -> int:
    return stat.S_IMODE(path.stat().st_mode)


# ── Mode ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("mode", [0o600, 0o604, 0o640, 0o644, 0o664, 0o755, 0o2640, 0o4750, 0o1644])
def test_the_mode_is_kept(file: Path, mode: int) -> None:
    file.chmod(mode)
    untorn.write_bytes(file, NEW)
    assert mode_of(file) == mode


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600), (0, 0o666)])
def test_a_new_file_gets_the_mode_that_the_umask_leaves(file: Path, umask: int, mode: int) -> None:
    new = file.with_name("new.conf")

    def save() -> None:
        os.umask(umask)
        untorn.write_bytes(new, NEW)
        assert os.umask(0) == umask

    assert exit_code(forked(save)) == 0
    assert mode_of(new) == mode


def test_a_new_file_gets_the_mode_that_is_asked_for(file: Path) -> None:
    untorn.write_bytes(file.with_name("secret"), NEW, mode=0o600)
    assert mode_of(file.with_name("secret")) == 0o600


def test_where_the_umask_is_not_told_a_new_file_is_its_owners(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_proc(path: object, *arguments: int, **keywords: int) -> int:
        if str(path).startswith("/proc/"):
            raise os_error(errno.ENOENT)
        return os.open(path, *arguments, **keywords)  # type: ignore[call-overload]

    monkeypatch.setattr(storage.REAL, "open", no_proc)
    untorn.write_bytes(file.with_name("new.conf"), NEW)
    assert mode_of(file.with_name("new.conf")) == 0o600


def test_where_the_kernel_is_too_old_to_tell_the_umask_a_new_file_is_its_owners(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.REAL, "read", lambda _fd, _size: b"Name:\tpython\n")
    untorn.write_bytes(file.with_name("new.conf"), NEW)
    assert mode_of(file.with_name("new.conf")) == 0o600


def test_a_chmod_before_the_last_look_is_not_undone(file: Path) -> None:
    """What it forbids stays forbidden, at whichever call it came."""

    def attempt(number: int) -> list[str]:
        file.write_bytes(OLD)
        file.chmod(0o644)

        def forbid(nth: int, _name: str) -> None:
            if nth == number:
                file.chmod(0o600)

        with watched(before=forbid) as watch:
            untorn.write_bytes(file, NEW)
        assert file.read_bytes() == NEW
        assert mode_of(file) == (0o644 if number < 0 else 0o600), (number, watch.made[number])
        return watch.made

    made = attempt(-1)
    last_look = max(nth for nth, name in enumerate(made) if name == "stat")
    assert last_look > 15
    for number in range(last_look + 1):
        attempt(number)


@pytest.mark.parametrize("default_acl", [False, True])
def test_at_no_call_can_a_stranger_read_the_new_content(file: Path, default_acl: bool) -> None:
    """Also not where the directory passes an ACL on that lets everybody in."""
    file.chmod(0o600)
    if default_acl:
        setfacl("-d", "-m", f"u:{NOBODY}:rwx,g::rwx,o::rwx", file.parent)

    def look() -> None:
        for each in file.parent.iterdir():
            with pytest.raises(PermissionError):
                each.read_bytes()

    looks = 0

    def after(_nth: int, name: str) -> None:
        nonlocal looks
        if name not in ("close", "readlink", "pread"):
            looks += 1
            as_nobody(look)

    with watched(after=after):
        untorn.write_bytes(file, NEW)
    as_nobody(look)
    assert looks > 10
    assert mode_of(file) == 0o600


# ── Read-only ───────────────────────────────────────────────────────────────


def test_a_read_only_file_is_refused_unless_forced(file: Path) -> None:
    file.chmod(0o444)
    os.chown(file, NOBODY, NOBODY)
    file.parent.chmod(0o777)

    def save() -> None:
        with pytest.raises(WriteError, match="read-only") as caught:
            untorn.write_bytes(file, NEW)
        assert "force=True" in str(caught.value)
        assert file.read_bytes() == OLD
        untorn.write_bytes(file, NEW, force=True)

    as_nobody(save)
    assert file.read_bytes() == NEW
    assert mode_of(file) == 0o444


def test_a_directory_that_may_not_be_written_is_said_by_name(file: Path) -> None:
    file.chmod(0o666)
    file.parent.chmod(0o555)

    def save() -> None:
        with pytest.raises(WriteError, match="write permission in the directory") as caught:
            untorn.write_bytes(file, NEW)
        assert str(file.parent) in str(caught.value)
        assert caught.value.errno == errno.EACCES

    as_nobody(save)
    assert file.read_bytes() == OLD
    assert litter(file.parent) == set()


def test_an_unreadable_file_is_refused(file: Path) -> None:
    file.chmod(0o200)
    os.chown(file, NOBODY, NOBODY)
    file.parent.chmod(0o777)

    def save() -> None:
        with pytest.raises((LoadError, SaveError)) as caught:
            untorn.write_bytes(file, NEW, force=True)
        assert isinstance(caught.value, PermissionError | OSError)

    as_nobody(save)
    assert file.read_bytes() == OLD


def test_an_immutable_file_is_refused_also_by_force(tmp_path: Path) -> None:
    path = tmp_path / "app.conf"
    path.write_bytes(OLD)
    if not shutil.which("chattr") or subprocess.run(["chattr", "+i", path], check=False).returncode:
        pytest.skip("cannot make a file immutable here")
    try:
        for force in (False, True):
            with pytest.raises(WriteError):
                untorn.write_bytes(path, NEW, force=force)
            assert path.read_bytes() == OLD
            assert litter(tmp_path) == set()
    finally:
        subprocess.run(["chattr", "-i", path], check=True)
    untorn.write_bytes(path, NEW)


# ── Owner and group ─────────────────────────────────────────────────────────


def test_root_keeps_owner_and_group(file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give files away")
    os.chown(file, NOBODY, 12345)
    file.chmod(0o2640)
    untorn.write_bytes(file, NEW)
    status = file.stat()
    assert (status.st_uid, status.st_gid, mode_of(file)) == (NOBODY, 12345, 0o2640)


@pytest.mark.parametrize(
    ("mode", "both"), [(0o664, 0o644), (0o604, 0o600), (0o640, 0o600), (0o676, 0o666), (0o2644, 0o644)]
)
def test_a_foreign_group_is_refused_or_costs_what_not_both_had(file: Path, mode: int, both: int) -> None:
    file.parent.chmod(0o777)
    os.chown(file, NOBODY, 0)
    file.chmod(mode)

    def save() -> None:
        with pytest.raises(WriteError, match="group 0 could not be kept") as caught:
            untorn.write_bytes(file, NEW)
        assert "metadata='best'" in str(caught.value)
        assert file.read_bytes() == OLD
        receipt = untorn.write_bytes(file, NEW, metadata="best")
        assert "group 0" in receipt.warnings[0]

    as_nobody(save)
    assert mode_of(file) == both
    assert file.stat().st_gid == NOBODY
    assert file.read_bytes() == NEW


def test_an_owner_that_cannot_be_kept_is_refused_or_costs_what_not_both_had(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root has files of others to try it on")

    def refuse(*_arguments: int) -> None:
        raise os_error(errno.EPERM)

    os.chown(file, NOBODY, NOBODY)
    file.chmod(0o664)
    monkeypatch.setattr(storage.REAL, "fchown", refuse)
    with pytest.raises(WriteError):
        untorn.write_bytes(file, NEW)
    assert file.read_bytes() == OLD
    assert untorn.write_bytes(file, NEW, metadata="best").warnings
    assert file.stat().st_mode & 0o777 == 0o644


# ── Attributes ──────────────────────────────────────────────────────────────


def test_user_attributes_and_the_label_are_kept_and_descriptions_of_the_content_are_not(
    tmp_path: Path,
) -> None:
    path = tmp_path / "app.conf"  # on a real disk: memory knows fewer attributes
    path.write_bytes(OLD)
    kept = {"user.colour": b"blue", "user.empty": b"", "user.binary": b"\0\xff" * 50}
    dropped = {"security.capability": b"\1\0\0\2" + b"\0\4\0\0" + b"\0" * 12}
    try:
        for name, value in (kept | dropped | {LABEL: b"some_t"}).items():
            os.setxattr(path, name, value)
    except OSError as error:
        pytest.skip(f"cannot set attributes here: {error}")
    untorn.write_bytes(path, NEW)
    assert {name: os.getxattr(path, name) for name in os.listxattr(path)} == kept | {LABEL: b"some_t"}


def setfacl(*arguments: str | Path) -> None:
    if not shutil.which("setfacl"):
        pytest.skip("setfacl is not installed (Debian: acl)")
    done = subprocess.run(["setfacl", *arguments], check=False, capture_output=True, text=True)
    if done.returncode:
        pytest.skip(f"no ACLs here: {done.stderr.strip()}")


def acl_of(path: Path) -> bytes | None:
    return os.getxattr(path, ACL) if ACL in os.listxattr(path) else None


@pytest.mark.parametrize("default_acl", [False, True])
def test_the_acl_of_a_file_is_kept_and_no_other_takes_its_place(file: Path, default_acl: bool) -> None:
    plain, shared = file, file.with_name("shared.conf")
    shared.write_bytes(OLD)
    shared.chmod(0o640)
    setfacl("-m", "u:12345:rw,m::rw", shared)
    if default_acl:
        setfacl("-d", "-m", f"u:{NOBODY}:rwx", file.parent)
    before = acl_of(shared), mode_of(shared)
    assert before[0] is not None
    for path in (plain, shared):
        untorn.write_bytes(path, NEW)
    assert (acl_of(shared), mode_of(shared)) == before
    assert acl_of(plain) is None


@pytest.mark.parametrize(
    "default", [f"u:{NOBODY}:rw,g::r,o::-", f"u:{NOBODY}:rwx,m::r", "u::rwx,g::rx,o::-", "u::r,g::-,o::rw"]
)
@pytest.mark.parametrize("umask", [0, 0o077])
def test_a_new_file_inherits_what_its_directory_passes_on(file: Path, default: str, umask: int) -> None:
    """The same as any other program's new file: no wider, and no narrower."""
    setfacl("-d", "-m", default, file.parent)
    ours, theirs = file.with_name("ours"), file.with_name("theirs")

    def save() -> None:
        os.umask(umask)
        untorn.write_bytes(ours, NEW)
        theirs.write_bytes(NEW)

    assert exit_code(forked(save)) == 0
    assert acl_of(ours) == acl_of(theirs)
    assert mode_of(ours) == mode_of(theirs)


@pytest.mark.parametrize("name", [ACL, LABEL])
def test_an_acl_or_label_that_cannot_be_kept_is_refused_or_said(
    file: Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    """A table stands for a file system that has such attributes on one file, and takes none."""
    file.chmod(0o664)
    monkeypatch.setattr(
        storage.REAL, "listxattr", lambda where, **_: [] if isinstance(where, int) else [name]
    )
    monkeypatch.setattr(storage.REAL, "getxattr", lambda *_, **__: b"value")
    monkeypatch.setattr(storage.REAL, "setxattr", lambda *_: (_ for _ in ()).throw(os_error(errno.ENOTSUP)))
    with pytest.raises(WriteError, match="could not be kept") as caught:
        untorn.write_bytes(file, NEW)
    assert caught.value.errno == errno.ENOTSUP
    assert file.read_bytes() == OLD
    [warning] = untorn.write_bytes(file, NEW, metadata="best").warnings
    assert "could not be kept" in warning
    # Whom the list denied, the bits for all others must not let in.
    assert mode_of(file) == (0o600 if name == ACL else 0o664)


def test_a_user_attribute_that_the_disk_does_not_take_is_a_warning(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    os.setxattr(file, "user.colour", b"blue")
    monkeypatch.setattr(storage.REAL, "setxattr", lambda *_: (_ for _ in ()).throw(os_error(errno.ENOSPC)))
    assert "user.colour" in untorn.write_bytes(file, NEXT).warnings[0]
    assert file.read_bytes() == NEXT


@pytest.mark.parametrize("mask", [None, 0o4])
def test_a_new_file_has_the_bits_of_the_directorys_default_acl(tmp_path: Path, mask: int | None) -> None:
    """The same in this process, against a file that open(2) makes."""
    bits = [(0x01, 6), (0x04, 6), *([] if mask is None else [(0x10, mask)]), (0x20, 0)]
    entries = b"".join(struct.pack("<HHI", tag, each, 0xFFFFFFFF) for tag, each in bits)
    try:
        os.setxattr(tmp_path, "system.posix_acl_default", struct.pack("<I", 2) + entries)
    except OSError as error:
        pytest.skip(f"this file system has no access control lists: {error.strerror}")
    (tmp_path / "plain").touch()
    untorn.write_text(tmp_path / "ours", "x")
    assert (tmp_path / "ours").stat().st_mode == (tmp_path / "plain").stat().st_mode
