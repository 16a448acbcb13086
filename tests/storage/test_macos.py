"""The calls of macOS, over a libSystem that gives macOS's error numbers (WRITER W6, W8, W9, W16)."""

from __future__ import annotations

import errno
import os
import stat
import sys
from itertools import islice
from types import SimpleNamespace
from typing import TYPE_CHECKING

import libsystem
import pytest
from libsystem import (
    EACCES,
    EDQUOT,
    EEXIST,
    EINVAL,
    EIO,
    ENODEV,
    ENOENT,
    ENOSPC,
    ENOTSUP,
    ENOTTY,
    EOPNOTSUPP,
    EPERM,
    ERANGE,
    ERRORS,
    list_of,
    macos,
    set_list,
)  # fmt: skip
from targets import NEW, OLD, litter

import untorn
from evidence import disturbances
from evidence.trials import Fault, attempt, reference
from untorn import storage
from untorn.errors import NotDurableError
from untorn.storage.macos import MacSyscalls
from untorn.storage.metadata import NATIVE_ACL
from untorn.storage.syscalls import table_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from libsystem import LibSystem

    from evidence.calls import Hook

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="the simulation needs the calls of Linux")

KINDS = ["existing", "new", "linked", "parents", "attributes", "large", "orphaned", "again", "in-place"]
LIST, OTHER = b"\1\0only-the-owner", b"\2\0everybody"


@pytest.fixture
def library() -> Iterator[LibSystem]:
    with macos() as library:
        yield library


@pytest.fixture
def file(quick_path: Path) -> Path:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)
    path.chmod(0o640)
    set_list(path, b"")
    return path


# ── The whole of a save ─────────────────────────────────────────────────────


@pytest.mark.parametrize("kind", KINDS)
def test_every_kind_of_save_works(quick_path: Path, library: LibSystem, kind: str) -> None:
    made, _ = reference(kind, "write_bytes", quick_path / "here")
    assert made.count("fsync") >= 2
    assert library.made.count("F_FULLFSYNC") >= 2


@pytest.mark.parametrize("kind", KINDS[:-1])
def test_any_failing_call_leaves_old_or_new_and_what_it_says(
    quick_path: Path, library: LibSystem, kind: str
) -> None:
    made, expected = reference(kind, "write_bytes", quick_path / "undisturbed")
    faults = (fault for fault in disturbances.failures(made) if not fault.lie)
    for number, fault in enumerate(islice(faults, 0, None, 13)):
        trial = attempt(kind, "write_bytes", quick_path / str(number), fault, expected)
        assert not [each for each in trial.violations if not _known(each, fault)], fault.label


def _known(violation: str, fault: Fault) -> bool:
    """What asks for the umask stays, too, where nothing can be removed; a later sweep removes it."""
    stays = "unlink" in fault.label and "ever after" in fault.label
    return stays and violation.startswith("it returned, and left")


@pytest.mark.parametrize("kind", KINDS)
def test_any_error_of_the_library_leaves_old_or_new_and_what_it_says(
    quick_path: Path, library: LibSystem, kind: str
) -> None:
    """Every call of libSystem fails in turn, in every way that its man page knows."""
    _, expected = reference(kind, "write_bytes", quick_path / "undisturbed")
    made = _made_by_a_save(kind, quick_path / "counted", library)
    tried = 0
    for nth, name in enumerate(made):
        for code in ERRORS.get(name, ()):
            # To say that there is no list is a lie that nobody can see through.
            lie = code == ENOENT
            fault = Fault(f"{name} (call {nth}) says {code}", _arming(library, nth, code), lie=lie)
            trial = attempt(kind, "write_bytes", quick_path / f"{nth}-{code}", fault, expected)
            assert not trial.violations, (fault.label, trial.error, trial.made)
            tried += 1
    assert tried >= 15


def _made_by_a_save(kind: str, directory: Path, library: LibSystem) -> list[str]:
    counts = []

    def counting() -> dict[str, Hook]:
        counts.append(len(library.made))
        return {"after": lambda _nth, _name: counts.append(len(library.made))}

    attempt(kind, "write_bytes", directory, Fault("counted", counting))
    return library.made[counts[0] : counts[-1]]


def _arming(library: LibSystem, nth: int, code: int) -> Callable[[], dict[str, Hook]]:
    def arm() -> dict[str, Hook]:
        library.fail(nth, code)
        return {}

    return arm


# ── Sync ────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("code", [ENOTSUP, EOPNOTSUPP, EINVAL, ENOTTY, ENODEV])
def test_where_the_drive_cannot_be_asked_the_plain_sync_does(
    file: Path, library: LibSystem, monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    synced = []

    def control(_fd: int, _command: int, _argument: object) -> None:
        raise OSError(code, "as macOS says")

    monkeypatch.setattr(os, "fsync", synced.append)
    monkeypatch.setattr(storage.REAL, "fsync", MacSyscalls(library, control).fsync)
    assert untorn.write_bytes(file, NEW).durable
    assert len(synced) == 2


@pytest.mark.parametrize("code", [EIO, ENOSPC])
def test_a_disk_that_does_not_confirm_is_said(file: Path, library: LibSystem, code: int) -> None:
    untorn.write_bytes(file, OLD * 2)
    last = library.made.count("F_FULLFSYNC")

    def strike(name: str) -> None:
        original(name)
        if name == "F_FULLFSYNC" and library.made.count(name) == last + 2:
            raise libsystem.Failure(code)

    original, library.strike = library.strike, strike  # type: ignore[method-assign]
    with pytest.raises(NotDurableError):
        untorn.write_bytes(file, NEW)
    assert file.read_bytes() == NEW


# ── Metadata ────────────────────────────────────────────────────────────────


def test_the_attributes_and_the_list_of_a_file_are_kept(file: Path, library: LibSystem) -> None:
    os.setxattr(file, "user.com.apple.FinderInfo", b"\0" * 32)
    os.setxattr(file, "user.empty", b"")
    set_list(file, LIST)
    untorn.write_bytes(file, NEW)
    assert os.getxattr(file, "user.com.apple.FinderInfo") == b"\0" * 32
    assert os.getxattr(file, "user.empty") == b""
    assert list_of(file) == LIST
    assert stat.S_IMODE(file.stat().st_mode) == 0o640


@pytest.mark.parametrize(
    "name", ["com.apple.cs.CodeSignature", "com.apple.provenance", "com.apple.macl", "com.apple.system.x"]
)
def test_what_describes_the_old_content_is_not_copied(file: Path, library: LibSystem, name: str) -> None:
    os.setxattr(file, f"user.{name}", b"1")
    assert untorn.write_bytes(file, NEW).warnings == ()
    assert f"user.{name}" not in os.listxattr(file)


def test_an_attribute_that_cannot_be_kept_is_a_warning(file: Path, library: LibSystem) -> None:
    os.setxattr(file, "user.com.apple.lastuseddate", b"1")
    at = _calls_before("fsetxattr", file, library)
    library.fail(at, EPERM)
    [warning] = untorn.write_bytes(file, OLD * 3).warnings
    assert "com.apple.lastuseddate" in warning


def _calls_before(name: str, file: Path, library: LibSystem) -> int:
    """Save once, and return which call of the library ``name`` was."""
    before = len(library.made)
    untorn.write_bytes(file, OLD * 2)
    return library.made.index(name, before) - before


@pytest.mark.parametrize("code", [EACCES, EPERM, ENOTSUP])
def test_a_list_that_cannot_be_kept_is_refused_or_costs_all_others(
    file: Path, library: LibSystem, code: int
) -> None:
    set_list(file, LIST)
    at = _calls_before("acl_set_fd_np", file, library)
    library.fail(at, code)
    with pytest.raises(untorn.WriteError, match="access control list"):
        untorn.write_bytes(file, NEW)
    assert file.read_bytes() == OLD * 2
    library.fail(at, code)
    [warning] = untorn.write_bytes(file, NEW, metadata="best").warnings
    assert "access control list" in warning
    assert stat.S_IMODE(file.stat().st_mode) == 0o600


def test_a_temp_never_has_the_list_that_its_directory_passes_on(file: Path, library: LibSystem) -> None:
    """It may let in whom the file's own list keeps out."""
    set_list(file.parent, OTHER, passed_on=OTHER)
    write, lists = storage.REAL.write, []

    def look(fd: int, data: bytes) -> int:
        lists.append(list_of(fd))
        return write(fd, data)

    storage.REAL.write = look
    untorn.write_bytes(file, NEW)
    assert lists == [b""]
    assert list_of(file) == b""


def test_a_new_file_gets_what_its_directory_passes_on(quick_path: Path, library: LibSystem) -> None:
    set_list(quick_path, OTHER, passed_on=OTHER)
    untorn.write_bytes(quick_path / "new.conf", NEW)
    assert list_of(quick_path / "new.conf") == OTHER
    assert sorted(each.name for each in quick_path.iterdir()) == ["new.conf"]


def test_a_new_file_of_its_owner_alone_gets_nothing(quick_path: Path, library: LibSystem) -> None:
    set_list(quick_path, OTHER, passed_on=OTHER)
    untorn.write_bytes(quick_path / "secret", NEW, mode=0o600)
    assert list_of(quick_path / "secret") == b""


def test_a_directory_whose_list_is_its_own_passes_nothing_on(quick_path: Path, library: LibSystem) -> None:
    set_list(quick_path, OTHER)
    untorn.write_bytes(quick_path / "new.conf", NEW)
    assert list_of(quick_path / "new.conf") == b""


@pytest.mark.parametrize(("umask", "mode"), [(0o022, 0o644), (0o027, 0o640), (0o077, 0o600)])
def test_the_umask_is_what_it_takes_from_a_file(
    quick_path: Path, library: LibSystem, umask: int, mode: int
) -> None:
    before = os.umask(umask)
    try:
        untorn.write_bytes(quick_path / "new.conf", NEW)
        assert os.umask(umask) == umask
    finally:
        os.umask(before)
    assert stat.S_IMODE((quick_path / "new.conf").stat().st_mode) == mode
    assert litter(quick_path) == set()


def test_a_temp_that_cannot_be_made_its_owners_alone_is_not_made(file: Path, library: LibSystem) -> None:
    set_list(file.parent, OTHER, passed_on=OTHER)
    at = _calls_before("acl_set_fd_np", file, library)
    library.fail(at, EPERM)
    with pytest.raises(untorn.WriteError):
        untorn.write_bytes(file, NEW)
    assert file.read_bytes() == OLD * 2
    assert litter(file.parent) == set()


def test_without_lists_and_attributes_there_are_none_to_keep(file: Path, library: LibSystem) -> None:
    library.has = {"sync"}
    assert untorn.write_bytes(file, NEW).warnings == ()
    assert untorn.write_bytes(file.with_name("new"), NEW).warnings == ()


# ── Entry by entry ──────────────────────────────────────────────────────────


def test_an_attribute_that_grows_meanwhile_is_read_whole(file: Path, library: LibSystem) -> None:
    os.setxattr(file, "user.colour", b"blue")
    library.fail(1, ERANGE)
    assert storage.REAL.getxattr(file, "user.colour") == b"blue"
    assert library.made == ["getxattr"] * 4


def test_names_follow_links_only_if_they_shall(file: Path, library: LibSystem) -> None:
    os.setxattr(file, "user.colour", b"blue")
    with file.open("rb") as opened:
        assert storage.REAL.listxattr(opened.fileno()) == ["user.colour"]
    assert storage.REAL.listxattr(file, follow_symlinks=False) == ["user.colour"]
    assert storage.REAL.getxattr(file, "user.colour", follow_symlinks=False) == b"blue"


@pytest.mark.parametrize(
    ("name", "code"),
    [(NATIVE_ACL, errno.ENODATA), ("user.none", errno.ENODATA), ("security.selinux", errno.ENOTSUP)],
)
def test_what_is_not_there_is_said_as_storage_knows_it(
    file: Path, library: LibSystem, name: str, code: int
) -> None:
    with pytest.raises(OSError) as caught:  # noqa: PT011  judged by its number
        storage.REAL.getxattr(file, name)
    assert caught.value.errno == code


def test_an_attribute_and_a_list_can_be_taken_away(file: Path, library: LibSystem) -> None:
    os.setxattr(file, "user.colour", b"blue")
    set_list(file, LIST)
    with file.open("rb+") as opened:
        storage.REAL.removexattr(opened.fileno(), "user.colour")
        storage.REAL.removexattr(opened.fileno(), NATIVE_ACL)
    assert storage.REAL.listxattr(file) == []


def test_a_list_that_cannot_be_made_is_an_error(
    file: Path, library: LibSystem, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(libsystem.ERRORS, "acl_copy_int_native", (EINVAL,))
    library.fail(0, EINVAL)
    with file.open("rb+") as opened, pytest.raises(OSError) as caught:  # noqa: PT011  judged by its number
        storage.REAL.setxattr(opened.fileno(), NATIVE_ACL, LIST)
    assert caught.value.errno == errno.EINVAL


def test_a_rename_that_must_not_replace_says_so(file: Path, library: LibSystem) -> None:
    file.with_name("other").write_bytes(NEW)
    directory = os.open(file.parent, os.O_RDONLY)
    try:
        with pytest.raises(FileExistsError):
            storage.REAL.rename_new("other", file.name, src_dir_fd=directory, dst_dir_fd=directory)
        library.has.remove("exclusive")
        storage.REAL.rename_new("other", file.name, src_dir_fd=directory, dst_dir_fd=directory)
    finally:
        os.close(directory)
    assert file.read_bytes() == NEW


def test_only_what_is_missing_is_set_aside(file: Path, library: LibSystem) -> None:
    with file.open("rb+") as opened:
        storage.REAL.reserve(opened.fileno(), 10)
        assert library.made == []
        storage.REAL.reserve(opened.fileno(), 1 << 20)
        assert library.made == ["F_PREALLOCATE"]
        library.fail(0, EDQUOT)
        with pytest.raises(OSError) as caught:  # noqa: PT011  judged by its number
            storage.REAL.reserve(opened.fileno(), 1 << 20)
    assert caught.value.errno == errno.EDQUOT


def test_the_time_of_birth_is_told_where_there_is_one(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    table = MacSyscalls(libsystem.LibSystem())
    with file.open("rb") as opened:
        assert table.birth(opened.fileno()) is None

        monkeypatch.setattr(os, "fstat", lambda _fd: SimpleNamespace(st_birthtime=1.5))
        found = table.birth(opened.fileno())
        monkeypatch.undo()
    assert found == 1_500_000_000


def test_the_table_of_each_platform_has_the_same_entries() -> None:
    assert isinstance(table_of("darwin"), MacSyscalls)
    assert vars(table_of("darwin")).keys() == vars(table_of("linux")).keys()


def test_the_library_is_loaded_when_it_is_needed(file: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    library = libsystem.LibSystem()
    monkeypatch.setattr("ctypes.CDLL", lambda _name, use_errno: library if use_errno else None)
    assert MacSyscalls().listxattr(file) == []
    assert library.made == ["listxattr", "acl_get_link_np"]


def test_a_file_made_meanwhile_is_not_replaced(quick_path: Path, library: LibSystem) -> None:
    path = quick_path / "new.conf"
    untorn.write_bytes(quick_path / "known", OLD)
    library.fail(_first_rename(quick_path, library), EEXIST)
    assert untorn.write_bytes(path, NEW).changed
    assert path.read_bytes() == NEW


def _first_rename(directory: Path, library: LibSystem) -> int:
    before = len(library.made)
    untorn.write_bytes(directory / "another", OLD)
    return library.made.index("renameatx_np", before) - before
