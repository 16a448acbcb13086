"""Journals: what they hold, which are believed, and what a load answers from them (WRITER W12, W13)."""

from __future__ import annotations

import ctypes
import errno
import os
import socket
import struct
import time
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from calls import os_error, watched
from hypothesis import given
from hypothesis import strategies as st
from processes import NOBODY, as_nobody

from untorn import storage
from untorn.errors import ConflictError, LimitError, ReadError, SaveError, WriteError
from untorn.records import revision_of
from untorn.storage import in_place, journal, syscalls
from untorn.storage.journal_format import SECTOR, Identity, Journal, decode, encode
from untorn.storage.journal_recovery import discard, journals_of, replay

if TYPE_CHECKING:
    from collections.abc import Callable

OLD, NEW = b"old\n" * 300, b"new\n" * 400
HALF = NEW[:700] + OLD[700:]


@pytest.fixture
def place(quick_path: Path) -> Path:
    """A directory with a file, ``app.conf``, and an empty directory of journals, ``j``."""
    (quick_path / "app.conf").write_bytes(OLD)
    (quick_path / "j").mkdir()
    return quick_path


def identity_of(path: Path) -> Identity:
    fd = os.open(path, os.O_RDONLY)
    try:
        return Identity(os.fstat(fd).st_ino, storage.REAL.birth(fd))
    finally:
        os.close(fd)


def planted(place: Path, data: bytes | None = None) -> Path:
    """Let a journal from OLD to NEW, or these bytes, lie where that of the file belongs."""
    identity = identity_of(place / "app.conf")
    there = place / "j" / identity.journal_name
    there.write_bytes(encode(place / "app.conf", identity, OLD, NEW) if data is None else data)
    there.chmod(0o600)
    return there


def read(place: Path) -> bytes | None:
    return journal.read(place / "app.conf", place / "j").data


def cut_off(place: Path, held: bytes) -> Path:
    """Let the file hold what an interrupted save from OLD to NEW may have left, with its journal."""
    (place / "app.conf").write_bytes(held)
    return planted(place)


# ── The format ────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("birth", [None, 0, 1795392705870446530])
@pytest.mark.parametrize("path", ["/etc/app.conf", "/a\nb/\udcff", "/ä/名前"])
def test_a_journal_reads_back(birth: int | None, path: str) -> None:
    found = decode(encode(Path(path), Identity(12, birth), OLD, NEW))
    assert (found.identity, found.base, found.new) == (Identity(12, birth), OLD, NEW)
    assert found.path == ascii(path)


@pytest.mark.parametrize("step", [1, 7])
def test_no_flipped_bit_and_no_missing_end_goes_unseen(step: int) -> None:
    whole = encode(Path("/etc/app.conf"), Identity(12, 34), b"old\n" * 3, b"new\n" * 4)
    assert decode(whole)
    for at in range(0, len(whole), step):
        spoiled = bytearray(whole)
        spoiled[at] ^= 1
        with pytest.raises(ValueError, match=r"^it"):
            decode(bytes(spoiled))
        with pytest.raises(ValueError, match=r"^it"):
            decode(whole[:at])
    with pytest.raises(ValueError, match="damaged or cut off"):
        decode(whole + b"x")


def test_what_is_wrong_with_a_journal_is_said() -> None:
    for data, words in [
        (b"", "no journal of untorn"),
        (b"untorn journal 2\npath", "header cannot be read"),
        (b"\0" * 100, "no journal of untorn"),
    ]:
        with pytest.raises(ValueError, match=words):
            decode(data)


# ── Base, new, or in between ──────────────────────────────────────────────────

CONTENT = st.integers(0, 4 * SECTOR).flatmap(
    lambda size: st.binary(min_size=size, max_size=size)
) | st.builds(lambda text, count: (text or b"x") * count, st.binary(max_size=4), st.integers(0, SECTOR))


@st.composite
def cut_off_writes(draw: st.DrawFn) -> tuple[bytes, bytes, bytes]:
    """Base, new, and what a disk may hold when the one is being overwritten with the other."""
    base, new = draw(CONTENT), draw(CONTENT)
    most = max(len(base), len(new))
    sectors = []
    for start in range(0, most, SECTOR):
        old_, new_ = (each[start : start + SECTOR].ljust(SECTOR, b"\0") for each in (base, new))
        stopped = draw(st.integers(0, SECTOR))
        ways = [
            old_,
            new_,
            bytes(SECTOR),
            new_[:stopped] + old_[stopped:],
            new_[:stopped] + bytes(SECTOR - stopped),
        ]
        sectors.append(draw(st.sampled_from(ways)))
    return base, new, b"".join(sectors)[: draw(st.integers(0, most))]


@given(cut_off_writes())
def test_whatever_a_cut_off_write_leaves_fits_its_journal(case: tuple[bytes, bytes, bytes]) -> None:
    base, new, left = case
    assert Journal("", Identity(1, None), base, new).state_of(left) != "foreign"


@given(cut_off_writes(), st.data())
def test_a_byte_that_is_of_neither_is_somebody_elses(
    case: tuple[bytes, bytes, bytes], data: st.DataObject
) -> None:
    base, new, left = case
    if not left:
        return
    at = data.draw(st.integers(0, len(left) - 1))
    known = {0, *base[at : at + 1], *new[at : at + 1]}
    other = data.draw(st.integers(0, 255).filter(lambda byte: byte not in known))
    spoiled = left[:at] + bytes([other]) + left[at + 1 :]
    assert Journal("", Identity(1, None), base, new).state_of(spoiled) == "foreign"


@pytest.mark.parametrize(
    ("left", "state"),
    [
        (OLD, "base"),
        (NEW, "new"),
        (b"", "mixture"),
        (OLD[:5], "mixture"),
        (HALF, "mixture"),
        (OLD[:SECTOR] + NEW[SECTOR:], "mixture"),
        (NEW + b"n", "foreign"),
        (bytes(len(NEW)), "mixture"),
        (bytes(len(NEW) + 1), "foreign"),
        # Within one sector: nobody writes the end first.
        (OLD[:40] + NEW[40:SECTOR] + OLD[SECTOR:], "foreign"),
        (OLD.replace(b"old", b"odd", 1), "foreign"),
    ],
    ids=[
        "base",
        "new",
        "empty",
        "short",
        "half",
        "sectors",
        "longer",
        "zeros",
        "zeros-longer",
        "end-first",
        "other",
    ],
)
def test_what_a_file_is_to_its_journal(left: bytes, state: str) -> None:
    assert Journal("", Identity(1, None), OLD, NEW).state_of(left) == state


# ── What a load answers ───────────────────────────────────────────────────────


@pytest.mark.parametrize(
    "held", [OLD, NEW, HALF, b"", NEW[:9]], ids=["base", "new", "mixture", "empty", "short"]
)
def test_a_load_answers_from_a_hot_journal_and_writes_nothing(place: Path, held: bytes) -> None:
    there = cut_off(place, held)
    with watched() as watch:
        assert read(place) == NEW
    assert (place / "app.conf").read_bytes() == held
    assert there.exists()
    assert {"open", "pread"} <= set(watch.made)
    assert set(watch.made) & {"write", "pwrite", "ftruncate", "unlink", "rename", "fsync", "fchmod"} == set()


def test_a_load_that_knows_the_lock_is_held_looks_once(place: Path) -> None:
    (place / "app.conf").write_bytes(OLD)
    with (
        storage.lock(place / "app.conf"),
        watched() as watch,
        journal.reading(place / "app.conf", place / "j", locked=True) as file,
    ):
        assert file.snapshot.data == OLD
    cut_off(place, HALF)
    with (
        storage.lock(place / "app.conf"),
        journal.reading(place / "app.conf", place / "j", locked=True) as file,
    ):
        assert file.snapshot.data == NEW
    assert watch.made.count("pread") == 2


def test_a_missing_file_has_no_journal(place: Path) -> None:
    planted(place)
    (place / "app.conf").unlink()
    assert read(place) is None


def test_a_file_that_another_one_replaced_has_another_journal(place: Path) -> None:
    """An editor renames its own version into place: that is whole, and the journal is of what it replaced."""
    cut_off(place, HALF)
    (place / "edited").write_bytes(b"edited")
    (place / "edited").rename(place / "app.conf")
    assert read(place) == b"edited"
    [stale] = journals_of(place / "app.conf", place / "j")
    assert (stale.kind, stale.state, stale.doubt) == ("stale", None, "")
    assert not replay(place / "app.conf", place / "j")
    assert stale.path.exists()


def test_all_names_of_a_file_have_one_journal(place: Path) -> None:
    (place / "other.conf").hardlink_to(place / "app.conf")
    cut_off(place, HALF)
    assert journal.read(place / "other.conf", place / "j").data == NEW


def test_what_another_program_wrote_since_is_neither_lost_nor_passed_off(place: Path) -> None:
    there = cut_off(place, b"edited by hand\n")
    with pytest.raises(ReadError, match="another program wrote the file") as loading:
        read(place)
    assert loading.value.hint.endswith(f"untorn recover {place / 'app.conf'} --in-place {place / 'j'}")
    assert str(there) in str(loading.value)
    with pytest.raises(ConflictError, match="another program wrote the file"):
        replay(place / "app.conf", place / "j")
    with pytest.raises(ConflictError), journal.reading(place / "app.conf", place / "j"):
        pytest.fail("read")
    assert (place / "app.conf").read_bytes() == b"edited by hand\n"
    assert there.exists()
    assert replay(place / "app.conf", place / "j", over_foreign=True)
    assert (place / "app.conf").read_bytes() == NEW
    assert not there.exists()


def test_a_load_without_a_journal_directory_does_not_guess(place: Path) -> None:
    (place / "j").rmdir()
    with pytest.raises(ReadError, match=r"journal directory .* cannot be opened") as caught:
        read(place)
    assert caught.value.errno == errno.ENOENT
    with pytest.raises(WriteError, match=r"journal directory .* cannot be opened"):
        replay(place / "app.conf", place / "j")


def test_a_journal_of_more_than_the_limit_is_not_read(place: Path) -> None:
    planted(place, b"x" * (3 * len(OLD) + (1 << 16)))
    with pytest.raises(LimitError):
        journal.read(place / "app.conf", place / "j", limit=len(OLD))


def test_where_nobody_knows_when_a_file_was_made_its_inode_will_do(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(storage.REAL, "birth", lambda _fd: None)
    cut_off(place, HALF)
    assert [each.name for each in (place / "j").iterdir()] == [
        f"untorn-{(place / 'app.conf').stat().st_ino}.journal"
    ]
    assert read(place) == NEW


# ── Which journals are believed ───────────────────────────────────────────────


def other_owner(there: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    os.chown(there, 4321, -1)


def fifo(there: Path) -> None:
    there.unlink()
    os.mkfifo(there)


def bound_socket(there: Path) -> None:
    there.unlink()
    here = Path.cwd()
    os.chdir(there.parent)  # the name of a socket is short
    try:
        with socket.socket(socket.AF_UNIX) as server:
            server.bind(there.name)
    finally:
        os.chdir(here)


def link(there: Path) -> None:
    there.rename(there.with_name("elsewhere"))
    there.symlink_to("elsewhere")


def directory(there: Path) -> None:
    there.unlink()
    there.mkdir()


def other_file(there: Path) -> None:
    there.write_bytes(encode(Path("/etc/app.conf"), Identity(1, 2), OLD, NEW))


PLANTED: dict[str, tuple[Callable[[Path], object], str]] = {
    "symlink": (link, "symbolic link"),
    "hard-link": (lambda there: there.with_name("second").hardlink_to(there), "other names"),
    "owner": (other_owner, "belongs to user 4321"),
    "group-writable": (lambda there: there.chmod(0o620), "others than its owner may write it"),
    "world-writable": (lambda there: there.chmod(0o602), "others than its owner may write it"),
    "digest": (lambda there: there.write_bytes(there.read_bytes()[:-1] + b"x"), "damaged or cut off"),
    "header": (lambda there: there.write_bytes(there.read_bytes().replace(b"inode ", b"inode 1")), "damaged"),
    "empty": (lambda there: there.write_bytes(b""), "no journal of untorn"),
    "other-file": (other_file, "made for another file"),
    "fifo": (fifo, "no regular file"),
    "socket": (bound_socket, "no regular file"),
    "directory": (directory, "no regular file"),
}  # fmt: skip


@pytest.mark.parametrize("how", PLANTED)
def test_a_journal_that_is_not_believed_is_neither_answered_from_nor_ignored(place: Path, how: str) -> None:
    there = cut_off(place, HALF)
    plant, words = PLANTED[how]
    plant(there)
    with pytest.raises(ReadError, match=words) as loading:
        read(place)
    assert str(there) in str(loading.value)
    assert "the file may be torn" in str(loading.value)
    with pytest.raises(WriteError, match=words):
        replay(place / "app.conf", place / "j")
    with pytest.raises(WriteError, match=words), journal.reading(place / "app.conf", place / "j"):
        pytest.fail("read")
    assert (place / "app.conf").read_bytes() == HALF
    assert os.path.lexists(there)
    [found] = [each for each in journals_of(place / "app.conf", place / "j") if each.path == there]
    assert found.doubt or how == "other-file"


def test_a_journal_of_the_files_owner_is_believed(place: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    there = cut_off(place, HALF)
    os.chown(place / "app.conf", NOBODY, NOBODY)
    os.chown(there, NOBODY, NOBODY)
    assert read(place) == NEW


def test_a_journal_that_one_may_not_read_is_not_ignored(place: Path) -> None:
    there = cut_off(place, HALF)
    (place / "app.conf").chmod(0o644)
    there.chmod(0o600)

    def load() -> None:
        with pytest.raises(ReadError, match="you may not read it"):
            read(place)
        [found] = journals_of(place / "app.conf", place / "j")
        assert found.doubt.startswith("it cannot be opened")

    as_nobody(load)


# ── While others write ────────────────────────────────────────────────────────


def test_a_journal_that_is_removed_while_it_is_opened_is_done_with(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = planted(place)
    real = storage.REAL.open

    def open_and_remove(name: str, flags: int, *rest: int, dir_fd: int | None = None) -> int:
        fd = real(name, flags, *rest, dir_fd=dir_fd)
        if name == there.name and there.exists():
            (place / "app.conf").write_bytes(NEW)
            there.unlink()
        return fd

    monkeypatch.setattr(storage.REAL, "open", open_and_remove)
    assert read(place) == NEW


def test_a_load_reads_again_what_was_written_meanwhile(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """The whole in-place write falls between the first reading and the look for a journal."""
    time.sleep(0.02)
    real, torn = storage.REAL.pread, [HALF, HALF]

    def pread(fd: int, count: int, offset: int) -> bytes:
        if torn:
            (place / "app.conf").write_bytes(NEW)
            return torn.pop()[offset : offset + count]
        return real(fd, count, offset)

    monkeypatch.setattr(storage.REAL, "pread", pread)
    assert read(place) == NEW


def always_writing(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "_TICK", 1_000_000_000_000_000_000)
    monkeypatch.setattr(time, "sleep", lambda _seconds: None)


@pytest.mark.parametrize("held", [OLD, HALF], ids=["whole", "cut-off"])
def test_a_file_that_is_written_all_the_time_is_read_under_its_lock(
    place: Path, monkeypatch: pytest.MonkeyPatch, held: bytes
) -> None:
    always_writing(monkeypatch)
    (place / "app.conf").write_bytes(held)
    if held == HALF:
        there = planted(place)
        # Read while it is being written: what fits no journal is looked at again.
        monkeypatch.setattr(journal, "_looked", lambda *_: None)
    with watched() as watch:
        assert read(place) == (OLD if held == OLD else NEW)
    assert watch.made.count("flock") == 1
    assert held == OLD or there.exists()


def test_a_file_whose_lock_never_comes_free_is_busy(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    always_writing(monkeypatch)
    with (
        storage.lock(place / "app.conf"),
        pytest.raises(ReadError, match="being written all the time") as caught,
    ):
        read(place)
    assert caught.value.errno == errno.EAGAIN


def test_a_file_that_is_replaced_just_then_is_busy(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    always_writing(monkeypatch)

    def replace(_nth: int, name: str) -> None:
        if name == "birth":
            (place / "edited").write_bytes(b"edited")
            (place / "edited").rename(place / "app.conf")

    with watched(before=replace), pytest.raises(ReadError, match="another program replaced it"):
        read(place)


@pytest.mark.parametrize("name", ["birth", "pread", "fstat"])
def test_an_error_of_the_disk_is_a_read_error(place: Path, name: str) -> None:
    planted(place)

    def fail(_nth: int, each: str) -> None:
        if each == name:
            raise os_error(errno.EIO)

    with watched(before=fail), pytest.raises(ReadError) as caught:
        read(place)
    assert caught.value.errno == errno.EIO


def test_a_journal_that_cannot_be_opened_for_another_reason_is_an_error(place: Path) -> None:
    there = planted(place)
    with watched() as watch:
        read(place)
    nth = next(at for at, each in enumerate(watch.arguments) if each and each[0] == there.name)

    def fail(at: int, _name: str) -> None:
        if at == nth:
            raise os_error(errno.EMFILE)

    with watched(before=fail), pytest.raises(ReadError, match="cannot be read"):
        read(place)


# ── When a file was made ──────────────────────────────────────────────────────


def statx_that(monkeypatch: pytest.MonkeyPatch, answer: int, *, mask: int = 0x800) -> None:
    def statx(_fd: int, _path: bytes, _flags: int, _mask: int, buffer: ctypes.Array[ctypes.c_char]) -> int:
        ctypes.set_errno(answer)
        struct.pack_into("I", buffer, 0, mask)
        struct.pack_into("qI", buffer, 80, 5, 7)
        return -1 if answer else 0

    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace(statx=statx))


@pytest.mark.parametrize("code", [errno.ENOSYS, errno.EPERM, errno.EINVAL])
def test_a_system_that_does_not_tell_when_a_file_was_made_says_none(
    monkeypatch: pytest.MonkeyPatch, code: int
) -> None:
    statx_that(monkeypatch, code)
    assert syscalls._birth(0) is None


def test_a_file_system_that_does_not_tell_when_a_file_was_made_says_none(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    statx_that(monkeypatch, 0, mask=0x7FF)
    assert syscalls._birth(0) is None
    statx_that(monkeypatch, 0)
    assert syscalls._birth(0) == 5_000_000_007
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: SimpleNamespace())
    assert syscalls._birth(0) is None


def test_an_error_is_not_taken_for_an_unknown_birth(monkeypatch: pytest.MonkeyPatch) -> None:
    """Or the journal would be looked for under another name."""
    statx_that(monkeypatch, errno.EIO)
    with pytest.raises(OSError, match=os.strerror(errno.EIO)):
        syscalls._birth(0)


# ── What ``untorn recover`` finds, and does ───────────────────────────────────


def test_what_lies_there_for_a_file_is_listed(place: Path) -> None:
    there = cut_off(place, HALF)
    (place / "j" / "notes.txt").write_bytes(b"of somebody")
    (place / "j" / "untorn-1-2.journal").write_bytes(encode(Path("/etc/other"), Identity(1, 2), OLD, NEW))
    (place / "j" / "untorn-3-4.journal").write_bytes(b"nobody knows whose")
    copy = place / "j" / f".{there.name}.{'0' * 32}.{'1' * 32}.tmp"
    copy.write_bytes(there.read_bytes()[:100])
    copy.chmod(0o600)
    first, hot = journals_of(place / "app.conf", place / "j")
    assert (first.path, first.kind, first.journal, first.base, first.new) == (copy, "copy", None, None, None)
    assert first.doubt
    assert (hot.path, hot.kind, hot.state, hot.doubt, hot.live) == (there, "hot", "mixture", "", False)
    assert (hot.base, hot.new) == (revision_of(OLD), revision_of(NEW))


def test_a_missing_file_is_known_by_its_path(place: Path) -> None:
    there = planted(place)
    (place / "app.conf").unlink()
    [stale] = journals_of(place / "app.conf", place / "j")
    assert (stale.path, stale.kind, stale.state) == (there, "stale", None)
    assert not replay(place / "app.conf", place / "j")
    discard(stale, place / "app.conf")
    assert not there.exists()


def test_a_copy_that_is_being_made_is_live_and_stays(place: Path) -> None:
    path = place / "app.conf"
    with in_place.prepare_in_place(storage.read(path), NEW, place / "j"):
        [copy] = journals_of(path, place / "j")
        assert (copy.kind, copy.live, copy.state) == ("copy", True, "base")
        with pytest.raises(WriteError, match="under way"):
            discard(copy, path)
    assert journals_of(path, place / "j") == []
    discard(copy, path)  # it is gone, and nobody minds


def test_a_directory_of_journals_that_is_missing_is_said(place: Path) -> None:
    with pytest.raises(ReadError, match="cannot be opened"):
        journals_of(place / "app.conf", place / "nowhere")


def test_an_unreadable_list_is_said(place: Path) -> None:
    def fail(_nth: int, name: str) -> None:
        if name == "listdir":
            raise os_error(errno.EIO)

    with watched(before=fail), pytest.raises(ReadError) as caught:
        journals_of(place / "app.conf", place / "j")
    assert caught.value.errno == errno.EIO


@pytest.mark.parametrize("held", [OLD, HALF, NEW], ids=["base", "mixture", "new"])
def test_a_replay_ends_what_was_begun(place: Path, held: bytes) -> None:
    there = cut_off(place, held)
    inode = (place / "app.conf").stat().st_ino
    assert replay(place / "app.conf", place / "j")
    assert (place / "app.conf").read_bytes() == NEW
    assert (place / "app.conf").stat().st_ino == inode
    assert not there.exists()
    assert not replay(place / "app.conf", place / "j")


def test_a_replay_goes_on_under_a_lock_that_is_held(place: Path) -> None:
    cut_off(place, HALF)
    with storage.lock(place / "app.conf") as held:
        assert replay(place / "app.conf", place / "j", held=held)
        assert not replay(place / "app.conf", place / "j", held=held)
    cut_off(place, HALF)
    with storage.lock(place / "app.conf"), pytest.raises(SaveError):
        replay(place / "app.conf", place / "j", timeout=0)


def test_a_replay_that_fails_leaves_the_journal(place: Path) -> None:
    there = cut_off(place, HALF)

    def fail(_nth: int, name: str) -> None:
        if name == "pwrite":
            raise os_error(errno.ENOSPC)

    with watched(before=fail), pytest.raises(WriteError) as caught:
        replay(place / "app.conf", place / "j")
    assert caught.value.errno == errno.ENOSPC
    assert there.exists()
    assert read(place) == NEW


@pytest.mark.parametrize("held", [OLD, NEW, b"edited"], ids=["base", "new", "foreign"])
def test_a_journal_that_mends_nothing_can_be_discarded(place: Path, held: bytes) -> None:
    cut_off(place, held)
    [hot] = journals_of(place / "app.conf", place / "j")
    discard(hot, place / "app.conf")
    assert read(place) == held
    assert list((place / "j").iterdir()) == []


def test_the_only_whole_content_of_a_torn_file_is_discarded_by_force_alone(place: Path) -> None:
    there = cut_off(place, HALF)
    [hot] = journals_of(place / "app.conf", place / "j")
    with pytest.raises(WriteError, match="would mend it"):
        discard(hot, place / "app.conf")
    assert there.exists()
    discard(hot, place / "app.conf", force=True)
    assert not there.exists()
    assert (place / "app.conf").read_bytes() == HALF


def test_a_journal_that_cannot_be_removed_stays(place: Path) -> None:
    there = cut_off(place, OLD)
    [hot] = journals_of(place / "app.conf", place / "j")

    def fail(_nth: int, name: str) -> None:
        if name == "unlink":
            raise os_error(errno.EROFS)

    with watched(before=fail), pytest.raises(WriteError, match="could not be removed"):
        discard(hot, place / "app.conf")
    assert there.exists()
