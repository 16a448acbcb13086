"""Owners, groups, modes, access control lists, and users who may do little."""

from __future__ import annotations

import errno
import os
import stat
from typing import TYPE_CHECKING

import untorn
from evidence.calls import watched
from evidence.hostile.ground import NEW, NEXT, OLD, OTHER, USER, Ground, need_root, place, refusal_of, run
from evidence.targets import Unsupported

if TYPE_CHECKING:
    from pathlib import Path

ACCESS, DEFAULT = "system.posix_acl_access", "system.posix_acl_default"
_DENIED = (errno.EACCES, errno.EPERM)


def mode_of(path: Path) -> int:
    """Return the permission bits of a file."""
    return stat.S_IMODE(path.stat().st_mode)


def owned(path: Path, user: int, group: int, mode: int) -> Path:
    """Give a file an owner, a group and a mode."""
    need_root()
    os.chown(path, user, group)
    path.chmod(mode)
    return path


@place
def a_file_of_another_owner_is_refused_or_costs_what_not_both_had(ground: Ground) -> None:
    public = ground.directory("public", mode=0o777)
    file = owned(ground.file(public / "app.conf"), OTHER, OTHER, 0o666)
    closed = owned(ground.file(public / "closed.conf"), OTHER, OTHER, 0o646)

    def save() -> None:
        for path in (file, closed):
            ground.refused(path, errno.EPERM, f"owner {OTHER}", "metadata='best'", unwritten=False)
            receipt = ground.saved(path, metadata="best")
            assert f"owner {OTHER}" in " ".join(receipt.warnings)

    ground.as_user(save)
    assert (file.stat().st_uid, mode_of(file)) == (USER, 0o666)
    assert (closed.stat().st_uid, mode_of(closed)) == (USER, 0o644)


@place
def a_group_that_the_user_is_in_is_kept_and_another_is_refused(ground: Ground) -> None:
    public = ground.directory("public", mode=0o777)
    shared = owned(ground.file(public / "shared.conf"), USER, OTHER, 0o660)

    def save_as_member() -> None:
        assert not ground.saved(shared).warnings

    def save_as_stranger() -> None:
        ground.refused(shared, errno.EPERM, f"group {OTHER}", unwritten=False, data=NEXT)
        assert ground.saved(shared, NEXT, metadata="best").warnings

    ground.as_user(save_as_member, groups=(OTHER,))
    assert (shared.stat().st_gid, mode_of(shared)) == (OTHER, 0o660)
    ground.as_user(save_as_stranger)
    assert (shared.stat().st_gid, mode_of(shared)) == (USER, 0o600)


@place
def a_setgid_directory_gives_its_group_to_new_files_only(ground: Ground) -> None:
    shared = owned(ground.directory("shared"), USER, OTHER, 0o2777)
    file = owned(ground.file(shared / "app.conf"), USER, USER, 0o640)
    new = shared / "new.conf"

    def save() -> None:
        ground.saved(file)
        ground.saved(new)

    ground.as_user(save)
    assert (file.stat().st_gid, mode_of(file)) == (USER, 0o640)
    assert new.stat().st_gid == OTHER
    ground.saved(file, NEXT)
    assert (file.stat().st_uid, file.stat().st_gid) == (USER, USER)


@place
def set_id_bits_are_kept(ground: Ground) -> None:
    file = owned(ground.file(), USER, OTHER, 0o6755)
    ground.saved(file)
    assert (file.stat().st_uid, file.stat().st_gid, mode_of(file)) == (USER, OTHER, 0o6755)


@place
def anothers_file_in_a_sticky_directory_is_refused(ground: Ground) -> None:
    sticky = owned(ground.directory("sticky"), 0, 0, 0o1777)
    file = owned(ground.file(sticky / "app.conf"), OTHER, OTHER, 0o666)
    mine = owned(ground.file(sticky / "mine.conf"), USER, USER, 0o600)

    def save() -> None:
        ground.refused(file, _DENIED, str(sticky), unwritten=False, metadata="best")
        ground.refused(file, _DENIED, unwritten=False)
        ground.saved(mine)
        ground.saved(sticky / "new.conf")

    ground.as_user(save)


@place
def a_read_only_file_is_refused_unless_forced(ground: Ground) -> None:
    home = owned(ground.directory("home"), USER, USER, 0o755)
    for mode in (0o444, 0o400, 0o555):
        file = owned(ground.file(home / f"{mode:o}.conf"), USER, USER, mode)

        def save(file: Path = file) -> None:
            ground.refused(file, errno.EACCES, "read-only", "force=True")
            ground.saved(file, force=True)

        ground.as_user(save)
        assert mode_of(file) == mode


@place
def an_immutable_file_is_refused_also_by_force(ground: Ground) -> None:
    _marked(ground, "i")


@place
def a_file_that_only_grows_is_refused_also_by_force(ground: Ground) -> None:
    _marked(ground, "a")


def _marked(ground: Ground, flag: str) -> None:
    need_root()
    file = ground.file()
    run("chattr", f"+{flag}", file)
    try:
        for force in (False, True):
            ground.refused(file, _DENIED, unwritten=False, force=force)
    finally:
        run("chattr", f"-{flag}", file)
    ground.saved(file)


@place
def an_immutable_directory_is_refused(ground: Ground) -> None:
    need_root()
    home = ground.directory("home")
    file = ground.file(home / "app.conf")
    run("chattr", "+i", home)
    try:
        ground.refused(file, _DENIED, str(home))
        ground.refused(home / "new.conf", _DENIED, str(home))
    finally:
        run("chattr", "-i", home)
    ground.saved(file)


@place
def a_directory_that_the_user_may_not_write_is_named(ground: Ground) -> None:
    home = owned(ground.directory("home"), OTHER, OTHER, 0o755)
    file = owned(ground.file(home / "app.conf"), USER, USER, 0o644)
    journals = owned(ground.directory("journals"), USER, USER, 0o700)

    def save() -> None:
        ground.refused(file, errno.EACCES, "write permission in the directory", str(home))
        ground.refused(home / "new.conf", errno.EACCES, str(home))
        ground.refused(home / "far" / "new.conf", errno.EACCES)
        receipt = untorn.write_bytes(file, NEW, in_place=journals)
        assert receipt.changed
        ground.count()

    ground.as_user(save)
    assert file.read_bytes() == NEW
    assert not any(journals.iterdir())


@place
def a_directory_that_the_user_may_not_enter_is_refused(ground: Ground) -> None:
    home = owned(ground.directory("home"), OTHER, OTHER, 0o700)
    file = owned(ground.file(home / "app.conf"), USER, USER, 0o666)
    before = ground.tree()

    def save() -> None:
        for path in (file, home / "new.conf"):
            ground.refused(path, errno.EACCES, str(path))

    ground.as_user(save)
    assert ground.tree() == before


@place
def a_directory_that_the_user_may_not_list_is_saved_to(ground: Ground) -> None:
    """Only the sweep needs to list it."""
    home = owned(ground.directory("home"), USER, USER, 0o300)
    file = owned(ground.file(home / "app.conf"), USER, USER, 0o600)

    def save() -> None:
        ground.count(2)
        refusal = refusal_of(lambda: untorn.write_bytes(file, NEW, timeout=0))
        assert file.read_bytes() == (NEW if refusal is None else OLD)
        refusal = refusal or refusal_of(lambda: untorn.write_bytes(home / "new.conf", NEW, timeout=0))
        assert refusal is None or refusal.errno == errno.EACCES

    ground.as_user(save)
    assert {each.name for each in home.iterdir()} <= {"app.conf", "new.conf"}


@place
def a_file_that_the_user_may_not_read_is_refused(ground: Ground) -> None:
    home = owned(ground.directory("home"), USER, USER, 0o755)
    file = owned(ground.file(home / "app.conf"), USER, USER, 0o200)

    def save() -> None:
        for force in (False, True):
            ground.refused(file, errno.EACCES, "permission", force=force)

    ground.as_user(save)
    assert file.read_bytes() == OLD


# ── Access control lists and labels ─────────────────────────────────────────


def acl(path: Path, name: str = ACCESS) -> bytes | None:
    """Return a list as the system stores it; ``None`` if there is none."""
    return os.getxattr(path, name) if name in os.listxattr(path) else None


@place
def a_list_that_names_others_is_kept(ground: Ground) -> None:
    home = owned(ground.directory("home"), USER, USER, 0o755)
    file = owned(ground.file(home / "app.conf"), USER, USER, 0o600)
    for entries in (f"u:{OTHER}:rw,m::rw", f"u:{OTHER}:-,g::r,o::r,m::r", f"g:{OTHER}:r,m::r"):
        run("setfacl", "-b", "-m", entries, file)
        before = acl(file), mode_of(file)
        assert before[0] is not None
        ground.as_user(lambda: ground.saved(file, OLD + entries.encode()))  # noqa: B023  called at once
        assert (acl(file), mode_of(file)) == before, entries
        ground.saved(file, NEXT)
        assert (acl(file), mode_of(file)) == before, entries


@place
def what_a_directory_passes_on_comes_to_new_files_only(ground: Ground) -> None:
    need_root()
    for number, entries in enumerate([f"u:{OTHER}:rwx", f"u:{OTHER}:rw,m::r", "u::rwx,g::rx,o::-"]):
        home = ground.directory(f"home{number}")
        file = ground.file(home / "app.conf", mode=0o600)
        run("setfacl", "-d", "-m", entries, home)
        ground.saved(file)
        assert acl(file) is None
        assert mode_of(file) == 0o600
        ground.saved(home / "new.conf")
        plain = home / "plain"
        plain.touch()
        assert (acl(home / "new.conf"), mode_of(home / "new.conf")) == (acl(plain), mode_of(plain)), entries
        far = home / "far" / "new.conf"
        untorn.write_bytes(far, NEW)
        (home / "near").mkdir()
        assert acl(home / "far", DEFAULT) == acl(home / "near", DEFAULT)
        assert (acl(home / "far"), mode_of(home / "far")) == (acl(home / "near"), mode_of(home / "near"))


@place
def at_no_call_can_a_stranger_read_what_the_owner_alone_may(ground: Ground) -> None:
    """Also where the directory lets everybody in, and by descriptor: open early, read late."""
    need_root()
    home = owned(ground.directory("home"), USER, USER, 0o777)
    file = owned(ground.file(home / "app.conf"), USER, USER, 0o600)
    run("setfacl", "-d", "-m", f"u:{OTHER}:rwx,g::rwx,o::rwx", home)
    seen: list[str] = []

    def look() -> None:
        for each in os.scandir(home):
            try:
                os.close(os.open(each.path, os.O_RDONLY | os.O_NONBLOCK))
            except PermissionError:
                continue
            raise AssertionError(f"{each.name} can be read")

    def after(_nth: int, name: str) -> None:
        if name in ("open", "write", "fchmod", "fchown", "setxattr", "removexattr", "rename", "fsync"):
            seen.append(name)
            ground.as_user(look, user=OTHER)

    with watched(after=after):
        untorn.write_bytes(file, NEW)
    assert "write" in seen
    ground.count()


@place
def a_system_without_labels_is_no_reason_to_warn(ground: Ground) -> None:
    file = ground.file()
    if any(name.startswith("security.") for name in os.listxattr(file)):
        raise Unsupported("this system labels its files")
    assert ground.saved(file).warnings == ()


@place
def attributes_of_the_user_are_kept_and_descriptions_of_the_content_are_not(ground: Ground) -> None:
    need_root()
    file = ground.file()
    kept = {"user.colour": b"blue", "user.empty": b"", "user." + "n" * 200: b"\0\xff" * 50}
    try:
        for name, value in kept.items():
            os.setxattr(file, name, value)
        os.setxattr(file, "security.capability", b"\1\0\0\2" + b"\0\4\0\0" + b"\0" * 12)
    except OSError as error:
        raise Unsupported(f"no such attributes here: {error.strerror}") from error
    ground.saved(file)
    assert {name: os.getxattr(file, name) for name in os.listxattr(file)} == kept
