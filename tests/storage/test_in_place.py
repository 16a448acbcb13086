"""Saves that overwrite a file through a journal, as an application asks for them (WRITER W12, W13)."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
import stat
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from calls import ERRORS, os_error, raising, watched
from processes import NOBODY, as_nobody, exit_code, forked

import untorn
from untorn import storage
from untorn.errors import ConflictError, LoadError, ReadError, SaveError, UnknownOutcomeError, WriteError
from untorn.storage import flags, journal
from untorn.storage.journal_format import Identity, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path


def text(letter: str, size: int) -> str:
    return f'"{letter * size}"\n'


# Of several sectors, and of sizes that end within one.
OLD, LONG, SHORT, NEXT = text("o", 1500), text("l", 2600), text("s", 700), text("x", 900)
MIDDLE = text("m", 1800)
KINDS = {"grows": LONG, "shrinks": SHORT, "hot": LONG}


@dataclass(frozen=True)
class Place:
    """A file in a directory of its own, and a directory for its journals."""

    path: Path
    journals: Path

    def load(self) -> Any:
        return f'"{untorn.load(self.path, in_place=self.journals)}"\n'

    def save(self, content: str, **keywords: Any) -> untorn.Receipt:
        return untorn.write_text(self.path, content, in_place=self.journals, **keywords)

    def left(self) -> list[str]:
        """Return what lies where nothing should be left."""
        assert [each.name for each in self.path.parent.iterdir()] == [self.path.name]
        return sorted(each.name for each in self.journals.iterdir())


def made(directory: Path, content: str = OLD) -> Place:
    (directory / "etc").mkdir(parents=True)
    (directory / "journals").mkdir()
    place = Place(directory / "etc" / "app.json", directory / "journals")
    place.path.write_text(content)
    return place


def made_hot(directory: Path) -> Place:
    """Make a file that a save from OLD to MIDDLE tore, and its journal."""
    place = made(directory, MIDDLE[:600] + OLD[600:])
    fd = os.open(place.path, os.O_RDONLY)
    identity = Identity(os.fstat(fd).st_ino, storage.REAL.birth(fd))
    os.close(fd)
    hot = place.journals / identity.journal_name
    hot.write_bytes(encode(place.path, identity, OLD.encode(), MIDDLE.encode()))
    hot.chmod(0o600)
    return place


def made_of(kind: str, directory: Path) -> tuple[Place, str]:
    """Make a place of this kind; return it with what it holds."""
    return (made_hot(directory), MIDDLE) if kind == "hot" else (made(directory), OLD)


@pytest.fixture
def place(quick_path: Path) -> Place:
    return made(quick_path)


@pytest.fixture
def quick_clock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Where one process does one thing after the other, a load need not wait for a clock."""
    monkeypatch.setattr(journal, "_TICK", 0)


# ── What it is for ────────────────────────────────────────────────────────────


def test_a_save_in_place_keeps_the_file_and_leaves_nothing(place: Place) -> None:
    (place.path.parent / "other.json").hardlink_to(place.path)
    place.path.chmod(0o640)
    before = place.path.stat()
    receipt = place.save(LONG)
    after = place.path.stat()
    assert (receipt.atomic, receipt.changed, receipt.durable, receipt.warnings) == (False, True, True, ())
    assert (after.st_ino, after.st_nlink, after.st_mode) == (before.st_ino, 2, before.st_mode)
    assert (place.path.parent / "other.json").read_text() == LONG
    assert list(place.journals.iterdir()) == []
    assert place.load() == LONG


def test_a_missing_file_is_made_the_ordinary_way(place: Place) -> None:
    place.path.unlink()
    assert place.save(LONG).atomic
    assert not place.save(SHORT).atomic
    assert place.left() == []


def test_unchanged_content_is_not_written(place: Place) -> None:
    before = place.path.stat()
    with watched() as watch:
        receipt = place.save(OLD)
    assert (receipt.changed, receipt.atomic) == (False, True)
    assert place.path.stat().st_mtime_ns == before.st_mtime_ns
    assert set(watch.made) & {"pwrite", "fsync", "unlink", "rename_new", "write"} == set()


def test_saving_what_a_journal_holds_finishes_that_save(quick_path: Path) -> None:
    place = made_hot(quick_path)
    assert not place.save(MIDDLE).changed
    assert place.path.read_text() == MIDDLE
    assert place.left() == []


@pytest.mark.parametrize("hot", [False, True], ids=["cold", "hot"])
def test_each_way_to_write_knows_it(quick_path: Path, hot: bool) -> None:
    place = made_hot(quick_path) if hot else made(quick_path, MIDDLE)
    inode = place.path.stat().st_ino
    value = untorn.load(place.path, in_place=place.journals)
    assert value == MIDDLE[1:-2]
    receipts = [untorn.save(place.path, [value], in_place=place.journals)]
    with untorn.edit(place.path, in_place=place.journals) as doc:
        doc.append((), 1)
    assert doc.receipt is not None
    receipts.append(doc.receipt)
    receipts.append(untorn.update(place.path, lambda doc: doc.append((), 2), in_place=place.journals))
    doc = untorn.open(place.path, in_place=place.journals)
    doc.append((), 3)
    receipts.append(doc.save())
    receipts.append(untorn.write_bytes(place.path, b"[4]", in_place=str(place.journals)))
    assert [each.atomic for each in receipts] == [False] * 5
    assert place.path.stat().st_ino == inode
    assert place.path.read_bytes() == b"[4]"
    assert place.left() == []


@pytest.mark.parametrize("way", ["load", "open", "edit", "update"])
def test_each_way_to_read_answers_from_a_hot_journal(quick_path: Path, way: str) -> None:
    place = made_hot(quick_path)
    held = {"in_place": place.journals}
    if way == "load":
        assert place.load() == MIDDLE
    elif way == "open":
        assert untorn.open(place.path, **held).text == MIDDLE
    elif way == "edit":
        with untorn.edit(place.path, **held) as doc:
            assert doc.text == MIDDLE
    else:
        assert not untorn.update(place.path, lambda doc: None, **held).changed
    if way in ("load", "open"):
        assert place.path.read_text() != MIDDLE
    else:
        assert place.path.read_text() == MIDDLE
        assert place.left() == []


def test_a_relative_directory_is_where_it_was_asked_for(
    place: Place, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.chdir(place.journals.parent)
    doc = untorn.open("etc/app.json", in_place="journals")
    monkeypatch.chdir(tmp_path)
    assert doc.in_place == place.journals
    doc.value = 1
    assert not doc.save().atomic


def test_a_document_can_still_be_saved_by_replacing_it(place: Place) -> None:
    doc = untorn.open(place.path, in_place=place.journals)
    doc.value = 1
    inode = place.path.stat().st_ino
    assert doc.save(in_place=None).atomic
    assert place.path.stat().st_ino != inode


def test_a_copy_in_place_of_another_file_says_so(place: Place) -> None:
    doc = untorn.open(place.path, in_place=place.journals)
    assert doc.save(place.path.with_name("copy.json")).atomic


def test_changes_of_others_are_kept(place: Place) -> None:
    untorn.write_text(place.path, '{"a": 1}')
    doc = untorn.open(place.path, in_place=place.journals)
    doc.set("b", 2)
    place.save('{"a": 3}')
    receipt = doc.save()
    assert (receipt.replayed, receipt.atomic) == (True, False)
    assert untorn.load(place.path, in_place=place.journals) == {"a": 3, "b": 2}


def test_without_durability_the_removal_alone_is_not_synced(place: Place) -> None:
    counts = {}
    for durability in ("full", "none"):
        with watched() as watch:
            receipt = place.save(text(durability[0], 40), durability=durability)
        assert receipt.durable is (durability == "full")
        counts[durability] = watch.made.count("fsync")
    assert counts == {"full": 4, "none": 3}


def test_the_order_is_copy_mark_write_remove(place: Place) -> None:
    with watched() as watch:
        place.save(LONG)
    looks = {
        "open",
        "close",
        "fstat",
        "stat",
        "birth",
        "pread",
        "access",
        "readlink",
        "listxattr",
        "getxattr",
    }
    assert [name for name in watch.made if name not in looks] == [
        "flock", "write", "fchmod", "fsync",  # the copy
        "flock", "reserve",  # the file
        "rename_new", "fsync",  # the mark
        "pwrite", "ftruncate", "fsync",  # the file
        "unlink", "fsync",  # the mark is gone
        "listdir",
    ]  # fmt: skip


# ── What is refused ───────────────────────────────────────────────────────────


def refused(place: Place, words: str, **keywords: Any) -> WriteError:
    with pytest.raises(WriteError, match=words) as caught:
        place.save(LONG, **keywords)
    assert "not saved" in str(caught.value)
    assert list(place.journals.iterdir()) == []
    return caught.value


def test_a_link_that_shall_be_replaced_is_not_written_in_place(place: Place) -> None:
    (place.path.parent / "link").symlink_to("app.json")
    linked = Place(place.path.parent / "link", place.journals)
    refused(linked, "is a symbolic link", follow_symlinks=False)
    assert linked.save(LONG).path == place.path
    assert place.path.read_text() == LONG


def at_second_look(place: Place, task: Callable[[], object]) -> Callable[[int, str], None]:
    """Run ``task`` when the file was read, and is about to be prepared: the journals are opened again."""
    looks: list[int] = []

    def strike(nth: int, name: str) -> None:
        if name == "open":
            looks.append(nth)
            if len(looks) == 4:  # the file, the journals, its journal, the journals
                task()

    return strike


def test_what_became_no_file_is_refused(place: Place) -> None:
    def become() -> None:
        place.path.unlink()
        os.mkfifo(place.path)

    time.sleep(0.02)  # so that the file is read once
    with watched(before=at_second_look(place, become)):
        refused(place, "is a FIFO")


@pytest.mark.parametrize("then", ["gone", "replaced"])
def test_what_was_replaced_or_removed_meanwhile_is_saved_all_the_same(place: Place, then: str) -> None:
    def become() -> None:
        place.path.unlink()
        if then == "replaced":
            place.path.write_text(NEXT)

    time.sleep(0.02)
    with watched(before=at_second_look(place, become)):
        assert place.save(LONG).atomic is (then == "gone")
    assert place.path.read_text() == LONG
    assert place.left() == []


def test_what_is_replaced_under_the_lock_is_saved_all_the_same(place: Place) -> None:
    replaced: list[str] = []

    def replace(_nth: int, name: str) -> None:
        if name == "flock" and len(list(place.journals.iterdir())) == 1:
            replaced.append(name)
            if len(replaced) == 2:  # the copy's own, and now the file's
                place.path.rename(place.path.with_name("old"))
                place.path.write_text(NEXT)

    with watched(after=replace):
        assert not place.save(LONG).atomic
    assert place.path.with_name("old").read_text() == OLD
    assert place.path.read_text() == LONG


@pytest.mark.parametrize("name", ["/proc/self/comm", "/dev/null", "/etc"])
def test_what_is_no_file_of_the_disks_is_refused(place: Place, name: str) -> None:
    with pytest.raises((WriteError, ReadError)):
        untorn.write_text(name, "x", in_place=place.journals)


def test_a_directory_of_journals_that_is_missing_is_refused(place: Place) -> None:
    place.journals.rmdir()
    with pytest.raises(WriteError, match=r"journal directory .* cannot be opened"):
        place.save(LONG)
    with pytest.raises(ReadError, match=r"journal directory .* cannot be opened"):
        place.load()
    assert place.path.read_text() == OLD


def test_another_programs_text_over_a_cut_off_save_is_a_conflict(quick_path: Path) -> None:
    place = made_hot(quick_path)
    place.path.write_text('"edited by hand"')
    for write in (
        lambda: place.save(LONG),
        lambda: untorn.update(place.path, lambda doc: None, in_place=place.journals),
    ):
        with pytest.raises(ConflictError, match="another program wrote the file") as caught:
            write()
        assert "untorn recover" in caught.value.hint
    with pytest.raises(ReadError, match="another program wrote the file"):
        place.load()
    assert place.path.read_text() == '"edited by hand"'
    assert len(place.left()) == 1


def test_a_journal_that_appears_under_the_lock_is_not_replaced(place: Place) -> None:
    def plant(_nth: int, name: str) -> None:
        if name == "reserve":
            [copy] = place.journals.iterdir()
            (place.journals / copy.name[1:].rpartition(".journal.")[0]).with_suffix(".journal").write_text(
                "?"
            )

    with watched(before=plant), pytest.raises(WriteError, match="File exists"):
        place.save(LONG)
    assert place.path.read_text() == OLD
    [planted] = place.left()
    assert planted.endswith(".journal")


def test_a_name_of_the_kernels_is_refused_before_it_is_opened(place: Place) -> None:
    from untorn.records import Snapshot
    from untorn.storage.in_place import prepare_in_place

    name = os.path.join("/proc", str(os.getpid()), "comm")  # noqa: PTH118  not to be resolved
    with (
        pytest.raises(WriteError, match="name of the kernel's"),
        prepare_in_place(Snapshot(type(place.path)(name), b"x"), b"y", place.journals),
    ):
        pytest.fail("prepared")


# ── Every call fails ──────────────────────────────────────────────────────────


def calls_of_a_save(kind: str, directory: Path) -> list[str]:
    place, _ = made_of(kind, directory)
    with watched() as watch:
        place.save(KINDS[kind])
    assert place.left() == []
    return watch.made


def disturbed(place: Place, content: str, **hooks: Any) -> BaseException | untorn.Receipt:
    with watched(**hooks):
        try:
            return place.save(content, timeout=0)
        except BaseException as error:  # noqa: BLE001  judged by the caller
            return error


def judge(place: Place, before: str, new: str, outcome: object) -> None:
    """Assert promises 2 and 3 for reads through untorn; that the next save works, and sweeps."""
    found, left = place.load(), place.left()
    if isinstance(outcome, untorn.Receipt):
        assert found == place.path.read_text() == new
        assert left == []
    elif isinstance(outcome, UnknownOutcomeError):
        assert found == new or (found == before and not left)  # taken back, and that was not confirmed
        assert not outcome.receipt.atomic
    else:
        assert isinstance(outcome, (SaveError, LoadError)), repr(outcome)
        assert found == before
        behind = getattr(outcome, "left_behind", None)
        journals = [each for each in left if each.endswith(".journal")]
        assert left == sorted([*journals, *([behind.name] if behind else [])]), repr(outcome)
        assert not journals or before == MIDDLE  # that save's own left nothing
        assert before == MIDDLE or place.path.read_text() == before
    assert not place.save(NEXT).atomic
    assert place.path.read_text() == NEXT
    assert place.left() == []


def failures(made: list[str], start: int, step: int) -> Iterator[tuple[int, int, bool]]:
    """Yield each call's number with each of its errors, once and persistently."""
    every = [
        (nth, code, persistent)
        for nth, name in enumerate(made)
        for code in ERRORS[name]
        for persistent in (False, True)
    ]
    # Who is told to the end that there is nothing to remove cannot know that there is.
    lie = {(nth, errno.ENOENT, True) for nth, name in enumerate(made) if name == "unlink"}
    yield from (each for each in every[start::step] if each not in lie)


STEPS = [pytest.param(17, id="some"), pytest.param(1, id="all", marks=pytest.mark.slow)]


@pytest.mark.usefixtures("quick_clock")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("step", STEPS)
def test_any_failing_call_leaves_old_or_new(quick_path: Path, kind: str, step: int) -> None:
    made_calls = calls_of_a_save(kind, quick_path / "count")
    assert len(made_calls) > 30
    outcomes = set()
    for nth, code, persistent in failures(made_calls, len(kind) % step, step):
        place, before = made_of(kind, quick_path / f"{nth}-{code}-{persistent}")
        hook = raising(nth, lambda code=code: os_error(code), persistent=persistent)
        outcome = disturbed(place, KINDS[kind], before=hook)
        judge(place, before, KINDS[kind], outcome)
        outcomes.add(type(outcome))
    assert {untorn.Receipt, WriteError, ReadError, UnknownOutcomeError} <= outcomes


@pytest.mark.usefixtures("quick_clock")
@pytest.mark.parametrize("kind", KINDS)
def test_an_error_after_the_call_was_done_leaves_old_or_new(quick_path: Path, kind: str) -> None:
    for nth, name in enumerate(calls_of_a_save(kind, quick_path / "count")):
        if name == "open":  # what that made, nobody can know of
            continue
        place, before = made_of(kind, quick_path / f"{nth}")
        outcome = disturbed(place, KINDS[kind], after=raising(nth, lambda: os_error(errno.EIO)))
        judge(place, before, KINDS[kind], outcome)


@pytest.mark.usefixtures("quick_clock")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_an_interrupt_at_any_call_leaves_old_or_new_and_says_which(
    quick_path: Path, kind: str, moment: str
) -> None:
    notes = set()
    for nth, name in enumerate(calls_of_a_save(kind, quick_path / "count")):
        if moment == "after" and name == "open":
            continue  # Python delivers a signal after the result is bound, or not at all
        place, before = made_of(kind, quick_path / f"{nth}")
        outcome = disturbed(place, KINDS[kind], **{moment: raising(nth, KeyboardInterrupt)})
        assert isinstance(outcome, KeyboardInterrupt)
        found = place.load()
        assert found in (before, KINDS[kind])
        for note in getattr(outcome, "__notes__", []):
            notes.add(note.rpartition(": ")[2])
            new = "the new content is in place"
            assert note.endswith(new if found == KINDS[kind] else "nothing was changed"), (nth, name)
        place.save(NEXT)
        assert place.path.read_text() == NEXT
        assert place.left() == []
    assert notes == {"the new content is in place", "nothing was changed"}


@pytest.mark.usefixtures("quick_clock")
def test_one_byte_at_a_time_is_enough(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.REAL, "pwrite", lambda fd, data, at: os.pwrite(fd, data[:1], at))
    assert place.save(SHORT).durable
    assert place.path.read_text() == SHORT


@pytest.mark.usefixtures("quick_clock")
@pytest.mark.parametrize("kept", [0, 5], ids=["nothing", "less-than-it-says"])
def test_a_write_that_is_not_done_leaves_the_journal(
    place: Place, monkeypatch: pytest.MonkeyPatch, kept: int
) -> None:
    with monkeypatch.context() as patch:
        patch.setattr(
            storage.REAL, "pwrite", lambda fd, data, at: os.pwrite(fd, data[:kept], at) and len(data)
        )
        with pytest.raises(UnknownOutcomeError, match="was not completed") as caught:
            place.save(LONG)
    assert "in_place=" in caught.value.hint
    assert place.path.read_text() != LONG
    judge(place, OLD, LONG, caught.value)


def test_a_directory_that_cannot_be_synced_is_said(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    def fsync(fd: int) -> None:
        if stat.S_ISDIR(os.fstat(fd).st_mode):
            raise os_error(errno.EINVAL)
        os.fsync(fd)

    monkeypatch.setattr(storage.REAL, "fsync", fsync)
    receipt = place.save(LONG)
    assert receipt.durable is False
    assert "cannot sync a directory" in receipt.warnings[0]


def test_a_journal_that_is_neither_durable_nor_removable_is_an_unknown_outcome(
    place: Place, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(name: str) -> Callable[..., None]:
        def call(*arguments: Any, **_: Any) -> None:
            if name == "unlink" or stat.S_ISDIR(os.fstat(arguments[0]).st_mode):
                raise os_error(errno.EIO)

        return call

    with monkeypatch.context() as patch:
        patch.setattr(storage.REAL, "fsync", fail("fsync"))
        patch.setattr(storage.REAL, "unlink", fail("unlink"))
        with pytest.raises(UnknownOutcomeError, match="was not completed") as caught:
            place.save(LONG)
    assert place.path.read_text() == OLD
    judge(place, OLD, LONG, caught.value)


@pytest.mark.parametrize("removable", [True, False])
def test_what_became_of_a_journal_that_cannot_be_made_durable_nobody_knows(
    place: Place, removable: bool
) -> None:
    """Also where it could be removed: without a sync, a power cut may bring it back."""
    calls: list[str] = []

    def fail(_nth: int, name: str) -> None:
        calls.append(name)
        if calls.count("rename_new") and (name == "fsync" or (name == "stat" and not removable)):
            raise os_error(errno.EIO)

    outcome = disturbed(place, LONG, before=fail)
    assert isinstance(outcome, UnknownOutcomeError)
    judge(place, OLD, LONG, outcome)


def killed_at(nth: int) -> Callable[[int, str], None]:
    def strike(at: int, _name: str) -> None:
        if at == nth:
            os.kill(os.getpid(), signal.SIGKILL)

    return strike


def judge_kill(place: Place, before: str, new: str) -> bool:
    """Assert promise 3 after a kill, and that the next save works; return whether there was a journal."""
    hot = any(each.endswith(".journal") for each in place.left())
    assert len(place.left()) <= (2 if before == MIDDLE else 1)
    found = place.load()
    assert found == new if hot and before == OLD else found in (before, new)
    place.save(NEXT)
    assert place.path.read_text() == NEXT
    assert place.left() == []
    return hot


@pytest.mark.usefixtures("quick_clock")
@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_any_call_leaves_old_or_new_and_the_next_save_works(
    quick_path: Path, kind: str, moment: str
) -> None:
    count = 0
    for nth in range(len(calls_of_a_save(kind, quick_path / "count"))):
        place, before = made_of(kind, quick_path / f"{nth}")
        child = forked(lambda: disturbed(place, KINDS[kind], **{moment: killed_at(nth)}))  # noqa: B023  it runs now
        assert exit_code(child) == -signal.SIGKILL
        count += judge_kill(place, before, KINDS[kind])
    assert count > 3  # many of these kills fell between the mark and its removal


@pytest.mark.usefixtures("quick_clock")
def test_a_kill_between_any_two_bytes_leaves_the_new_content(quick_path: Path) -> None:
    for at in range(1, len(LONG), 251):
        place = made(quick_path / str(at))

        def pwrite(fd: int, data: bytes, offset: int, at: int = at) -> int:
            os.pwrite(fd, data[:at], offset)
            os.kill(os.getpid(), signal.SIGKILL)
            return 0

        def save(place: Place = place, pwrite: Any = pwrite) -> None:
            storage.REAL.pwrite = pwrite
            place.save(LONG)

        assert exit_code(forked(save)) == -signal.SIGKILL
        assert place.path.read_text()[:at] == LONG[:at]
        assert judge_kill(place, OLD, LONG)


# ── While others read ─────────────────────────────────────────────────────────


def reads_whole(place: Place, stop: Path) -> None:
    count = 0
    while not stop.exists():
        found = place.load()
        assert len(set(found[1:-2])) == 1, found
        count += 1
    stop.with_name(f"{os.getpid()}.count").write_text(str(count))


def test_readers_that_never_pause_see_whole_files(quick_path: Path) -> None:
    place, stop = made(quick_path), quick_path / "stop"
    readers = [forked(lambda: reads_whole(place, stop)) for _ in range(3)]
    try:
        for number in range(300):
            place.save(text("abcdefg"[number % 7], 500 + 1009 * number % 9000), timeout=60)
        time.sleep(0.1)
    finally:
        stop.touch()
        codes = [exit_code(each) for each in readers]
    assert codes == [0, 0, 0]
    counts = [int(each.read_text()) for each in quick_path.glob("*.count")]
    assert min(counts) > 20, counts


def test_processes_that_write_in_place_count_exactly(quick_path: Path) -> None:
    place = made(quick_path, "0")

    def count() -> None:
        for _ in range(25):
            untorn.update(
                place.path, lambda doc: doc.set((), doc.value + 1), in_place=place.journals, timeout=60
            )

    children = [forked(count) for _ in range(4)]
    assert [exit_code(each) for each in children] == [0] * 4
    assert place.path.read_text() == "100"
    assert place.left() == []


# ── Who may ───────────────────────────────────────────────────────────────────


def given_to_nobody(place: Place, mode: int = 0o644) -> Place:
    """Let nobody own the file and the journals, but not the file's directory."""
    if os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    place.path.parent.chmod(0o555)
    for each in (place.path, place.journals):
        os.chown(each, NOBODY, NOBODY)
    place.path.chmod(mode)  # chown(2) took set-id bits away
    return place


def test_who_may_not_write_the_directory_can_write_the_file(place: Place) -> None:
    given_to_nobody(place)

    def save() -> None:
        with pytest.raises(WriteError):
            untorn.write_text(place.path, LONG)
        assert not place.save(LONG).atomic
        assert place.load() == LONG

    as_nobody(save)
    assert place.path.read_text() == LONG
    assert place.left() == []


def test_a_kill_where_the_directory_is_not_ones_own_is_mended_by_its_owner_and_by_root(
    quick_path: Path,
) -> None:
    for mender in ("nobody", "root"):
        place = given_to_nobody(made(quick_path / mender))

        def die(place: Place = place) -> None:
            child = forked(
                lambda: disturbed(place, LONG, before=lambda _nth, name: killed_if(name == "pwrite"))
            )
            assert exit_code(child) == -signal.SIGKILL
            assert place.load() == LONG

        as_nobody(die)
        assert place.load() == LONG
        if mender == "nobody":
            as_nobody(lambda place=place: judge_kill(place, OLD, LONG) or pytest.fail("no journal"))
        else:
            assert judge_kill(place, OLD, LONG)


def killed_if(condition: bool) -> None:
    if condition:
        os.kill(os.getpid(), signal.SIGKILL)


@pytest.mark.parametrize("force", [False, True])
def test_a_read_only_file_is_refused(place: Place, force: bool) -> None:
    given_to_nobody(place, 0o444)

    def save() -> None:
        refused(place, "it is read-only", force=force)

    as_nobody(save)
    assert place.path.read_text() == OLD


def test_set_id_bits_are_not_lost_unasked(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    given_to_nobody(place, 0o6755)
    as_nobody(lambda: refused(place, "takes its set-id bits away"))
    with monkeypatch.context() as patch:
        patch.setattr(flags, "effective_user", lambda: NOBODY)
        refused(place, "takes its set-id bits away")
    assert stat.S_IMODE(place.path.stat().st_mode) == 0o6755
    place.save(LONG)  # root's writing keeps them
    assert stat.S_IMODE(place.path.stat().st_mode) == 0o6755


def test_who_may_not_write_the_journals_is_told(place: Place) -> None:
    given_to_nobody(place)
    place.journals.chmod(0o500)
    os.chown(place.journals, 0, 0)
    place.journals.chmod(0o755)

    def save() -> None:
        error = refused(place, "preparing the copy failed")
        assert str(place.journals) in error.hint

    as_nobody(save)


def test_a_journal_of_a_stranger_is_an_error_for_others_and_his_to_finish(place: Place) -> None:
    """One of the group saved, who cannot give the journal to the file's owner."""
    given_to_nobody(place, 0o664)
    os.chown(place.path, 0, NOBODY)

    def die() -> None:
        child = forked(lambda: disturbed(place, LONG, before=lambda _nth, name: killed_if(name == "pwrite")))
        assert exit_code(child) == -signal.SIGKILL
        assert place.load() == LONG

    as_nobody(die)
    with pytest.raises(ReadError, match=f"belongs to user {NOBODY}"):
        place.load()
    as_nobody(lambda: judge_kill(place, OLD, LONG) or pytest.fail("no journal"))
    assert place.load() == NEXT


@pytest.mark.parametrize("mode", [0o600, 0o640, 0o604, 0o664, 0o666])
def test_at_no_call_can_a_stranger_read_the_copy_who_cannot_read_the_file(place: Place, mode: int) -> None:
    place.path.chmod(mode)
    seen = set()

    def look(_nth: int, _name: str) -> None:
        for each in place.journals.iterdir():
            seen.add(stat.S_IMODE(each.stat().st_mode))

    with watched(before=look, after=look):
        place.save(LONG)
    assert seen == {0o600, mode & 0o644}


def test_the_acl_of_a_file_is_its_journals_for_reading(place: Place) -> None:
    """Whoever may read the file may read its journal; nobody but the owner may write it."""
    entries = [(0x01, 6, -1), (0x02, 6, NOBODY), (0x04, 4, -1), (0x10, 6, -1), (0x20, 0, -1)]
    acl = b"\2\0\0\0" + b"".join(
        tag.to_bytes(2, "little") + may.to_bytes(2, "little") + (whose % 2**32).to_bytes(4, "little")
        for tag, may, whose in entries
    )
    try:
        os.setxattr(place.path, "system.posix_acl_access", acl)
    except OSError:
        pytest.skip("this file system has no ACLs")
    seen = []

    def look(_nth: int, name: str) -> None:
        if name == "pwrite":
            [there] = place.journals.iterdir()
            assert there.stat().st_mode & 0o022 == 0
            raw = os.getxattr(there, "system.posix_acl_access")
            seen.extend(raw[at + 2] for at in range(4, len(raw), 8))

    with watched(before=look):
        place.save(LONG)
    assert seen == [6, 4, 4, 4, 0]


# ── Mounts ────────────────────────────────────────────────────────────────────

_NEW_MOUNTS, _BIND, _RECURSIVE, _PRIVATE = 0x20000, 0x1000, 0x4000, 0x40000  # sched.h, sys/mount.h


def with_own_mounts(task: Callable[[Callable[..., None]], None]) -> None:
    """Run ``task`` in a child that sees mounts of its own; its failure is this test's."""
    libc = ctypes.CDLL(None, use_errno=True)

    def mount(source: object, target: object, kind: str = "", flags: int = 0, data: str = "") -> None:
        arguments = (str(each).encode() for each in (source, target, kind))
        if libc.mount(*arguments, ctypes.c_ulong(flags), data.encode()) != 0:
            os._exit(77)

    def run() -> None:
        if libc.unshare(_NEW_MOUNTS) != 0:
            os._exit(77)
        mount("none", "/", "", _RECURSIVE | _PRIVATE)
        task(mount)

    code = exit_code(forked(run))
    if code == 77:
        pytest.skip("needs to mount")
    assert code == 0


@pytest.mark.usefixtures("quick_clock")
@pytest.mark.parametrize("moment", ["before", "after"])
def test_a_kill_at_any_call_of_a_save_through_a_mounted_file(quick_path: Path, moment: str) -> None:
    """As in two containers: one saves through the mounted file, the other one reads where it really is."""
    number = len(calls_of_a_save("grows", quick_path / "count"))

    def kills(mount: Callable[..., None]) -> None:
        count = 0
        for nth in range(number):
            place = made(quick_path / f"{nth}")
            inside = Place(quick_path / f"{nth}" / "inside" / "app.json", place.journals)
            inside.path.parent.mkdir()
            inside.path.touch()
            mount(place.path, inside.path, flags=_BIND)
            with pytest.raises(WriteError) as caught:
                untorn.write_text(inside.path, LONG)
            assert caught.value.errno == errno.EBUSY
            child = forked(lambda: disturbed(inside, LONG, **{moment: killed_at(nth)}))  # noqa: B023  it runs now
            assert exit_code(child) == -signal.SIGKILL
            assert place.load() == inside.load()
            count += judge_kill((place, inside)[nth % 2], OLD, LONG)
        assert count > 3

    with_own_mounts(kills)


@pytest.mark.usefixtures("quick_clock")
def test_a_full_disk_says_so_before_anything_is_written(quick_path: Path) -> None:
    (quick_path / "small").mkdir()

    def fill(mount: Callable[..., None]) -> None:
        mount("tmpfs", quick_path / "small", "tmpfs", data="size=64k")
        small = Place(made(quick_path / "small").path, quick_path / "journals")
        small.journals.mkdir()
        with pytest.raises(WriteError, match="reserving space failed: No space left"):
            small.save(text("z", 100_000))
        assert list(small.journals.iterdir()) == []
        assert small.path.read_text() == OLD
        # The disk of the journals is as full.
        other = Place(quick_path / "app.json", quick_path / "small" / "journals")
        other.path.write_text(OLD)
        with pytest.raises(WriteError) as caught:
            other.save(text("z", 100_000))
        assert caught.value.errno == errno.ENOSPC
        assert list(other.journals.iterdir()) == []
        assert other.path.read_text() == OLD

    with_own_mounts(fill)
