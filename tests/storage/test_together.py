"""Several files as one, disturbed at every system call (WRITER W25)."""

from __future__ import annotations

import ctypes
import errno
import os
import signal
from functools import partial
from types import SimpleNamespace
from typing import TYPE_CHECKING

import pytest
from calls import os_error, raising, watched
from processes import exit_code, forked
from targets import forgetful

import untorn
from evidence import transaction
from evidence.transaction import NEW, OLD, RECORD, prepare, transact, wrong_after
from untorn import storage
from untorn.errors import NotDurableError, ReadError, SaveError, UnknownOutcomeError
from untorn.storage.journal_format import sealed
from untorn.storage.names import stem_of
from untorn.storage.transaction_format import Entry, encode

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from evidence.calls import Hook


def calls_of_a_transaction(place: Path) -> list[str]:
    place.mkdir()
    prepare(place)
    with forgetful(), watched() as watch:
        transact(place)
    return watch.made


def fresh(place: Path, count: int) -> Iterator[tuple[int, Path]]:
    for nth in range(count):
        directory = place / str(nth)
        directory.mkdir()
        prepare(directory)
        yield nth, directory


def test_it_syncs_each_temp_then_their_names_then_the_record_then_the_renames(quick_path: Path) -> None:
    made = calls_of_a_transaction(quick_path / "calm")
    steps = [each for each in made if each in ("write", "fsync", "rename", "rename_new", "unlink")]
    assert steps == [
        *("write",) * 3,  # the temps
        *("fsync",) * 3,
        *("write", "fsync", "fsync"),  # the record; the names of the temps
        *("rename_new", "fsync"),  # the commit point
        *("rename", "rename", "rename_new", "fsync"),
        *("fsync",) * (made.count("fsync") - 7),  # the names of the parents of a new file
        "unlink",
    ]


@pytest.mark.parametrize("code", [errno.EIO, errno.ENOSPC, errno.EACCES])
def test_any_failing_call_leaves_all_old_or_all_new(quick_path: Path, code: int) -> None:
    made = calls_of_a_transaction(quick_path / "calm")
    for nth, place in fresh(quick_path, len(made)):
        error: BaseException | None = None
        with forgetful(), watched(before=raising(nth, partial(os_error, code))):
            try:
                transact(place)
            except (untorn.UntornError, FileNotFoundError) as raised:
                error = raised
        told = f"call {nth} ({made[nth]}): {error!r}"
        if error is None or isinstance(error, NotDurableError):
            assert transaction.loaded(place) == NEW, told
        elif not isinstance(error, UnknownOutcomeError):
            assert transaction.loaded(place) == OLD, told
            assert transaction.is_tidy(place), told
        assert [*wrong_after(place)] == [], told


def test_any_failing_call_whose_cleanup_fails_leaves_what_it_says(quick_path: Path) -> None:
    made = calls_of_a_transaction(quick_path / "calm")
    for nth, place in fresh(quick_path, len(made)):
        error: BaseException | None = None
        with forgetful(), watched(before=_failing_with_cleanup(nth)):
            try:
                transact(place)
            except (untorn.UntornError, FileNotFoundError) as raised:
                error = raised
        if isinstance(error, SaveError):
            assert transaction.is_tidy(place) == (error.left_behind is None), (nth, made[nth], error)
        assert [*wrong_after(place)] == [], (nth, made[nth], error)


def _failing_with_cleanup(at: int) -> Hook:
    def strike(nth: int, name: str) -> None:
        if nth == at or (nth > at and name == "unlink"):
            raise os_error(errno.EIO)

    return strike


def test_an_interrupt_at_any_call_leaves_all_old_or_all_new_and_says_which(quick_path: Path) -> None:
    made = calls_of_a_transaction(quick_path / "calm")
    for when in ("before", "after"):
        for nth, place in fresh(_made(quick_path / when), len(made)):
            hook = {when: raising(nth, KeyboardInterrupt)}
            with forgetful(), watched(**hook), pytest.raises(KeyboardInterrupt) as caught:
                transact(place)
            seen = transaction.loaded(place)
            notes = "\n".join(getattr(caught.value, "__notes__", []))
            told = f"{when} call {nth} ({made[nth]}): {notes}, and loads see {seen}"
            assert ("in place" in notes) <= (seen == NEW), told
            assert ("nothing was changed" in notes) <= (seen == OLD), told
            assert [*wrong_after(place)] == [], told


def _made(directory: Path) -> Path:
    directory.mkdir()
    return directory


def test_a_kill_at_any_call_leaves_all_old_or_all_new(quick_path: Path) -> None:
    made = calls_of_a_transaction(quick_path / "calm")
    outcomes = set()
    for nth, place in fresh(quick_path, len(made)):

        def die(place: Path = place, nth: int = nth) -> None:
            def strike(number: int, _name: str) -> None:
                if number == nth:
                    os.kill(os.getpid(), signal.SIGKILL)

            with forgetful(), watched(before=strike):
                transact(place)

        assert exit_code(forked(die)) == -signal.SIGKILL
        outcomes.add(((place / RECORD).exists(), transaction.loaded(place) == NEW))
        assert [*wrong_after(place)] == [], (nth, made[nth])
    assert outcomes == {(False, False), (True, True), (False, True)}


def killed(place: Path, call: str, nth: int = 1) -> None:
    """Kill a transaction before its ``nth`` call of this name."""

    def die() -> None:
        seen: list[str] = []

        def strike(_number: int, name: str) -> None:
            seen.append(name)
            if seen.count(call) == nth:
                os.kill(os.getpid(), signal.SIGKILL)

        with watched(before=strike):
            transact(place)

    assert exit_code(forked(die)) == -signal.SIGKILL


@pytest.fixture
def pending(quick_path: Path) -> Path:
    """A directory in which a transaction was killed before its second rename."""
    prepare(quick_path)
    killed(quick_path, "rename", 2)
    assert (quick_path / "a.json").read_bytes() == NEW["a.json"]
    assert (quick_path / "b.toml").read_bytes() == OLD["b.toml"]
    return quick_path


def _saved(path: Path, number: int) -> None:
    host = untorn.Host()
    value = host.load(path)
    assert value == {"n": 2}
    value["n"] = number
    host.save(path, value)


def _edited(path: Path) -> None:
    with untorn.edit(path) as doc:
        assert doc["n"] == 2
        doc["n"] = 3


def _document(path: Path) -> None:
    doc = untorn.open(path)
    assert doc["n"] == 2
    doc["n"] = 3
    doc.save()


def _linked(place: Path) -> None:
    (place / "deep").mkdir()
    (place / "deep" / "link.toml").symlink_to("../b.toml")
    _edited(place / "deep" / "link.toml")
    (place / "deep" / "link.toml").unlink()
    (place / "deep").rmdir()


NEXT_SAVES: dict[str, Callable[[Path], object]] = {
    "bytes of another file": lambda place: untorn.write_bytes(place / "b.toml", b"n = 3\n"),
    "unchanged": lambda place: untorn.write_bytes(place / "b.toml", NEW["b.toml"] or b""),
    "a step back": lambda place: _saved(place / "b.toml", 1),
    "edit": lambda place: _edited(place / "b.toml"),
    "update": lambda place: untorn.update(place / "b.toml", lambda doc: doc.set("n", 3)),
    "the new file": lambda place: _edited(place / "c.json"),
    "transaction": transact,
    "document": lambda place: _document(place / "b.toml"),
    "through a link": _linked,
}


@pytest.mark.parametrize("name", NEXT_SAVES)
def test_any_next_save_finishes_it_first(pending: Path, name: str) -> None:
    NEXT_SAVES[name](pending)
    assert (pending / "a.json").read_bytes() == NEW["a.json"]
    assert untorn.load(pending / "c.json") in ({"n": 2}, {"n": 3})
    expected = {"unchanged": 2, "a step back": 1, "the new file": 2, "transaction": 2}.get(name, 3)
    assert untorn.load(pending / "b.toml") == {"n": expected}
    assert not (pending / RECORD).exists()
    assert transaction.is_tidy(pending)


def test_a_save_of_a_file_that_it_does_not_name_leaves_it_alone(pending: Path) -> None:
    untorn.write_bytes(pending / "other.txt", b"x")
    assert (pending / RECORD).exists()
    assert transaction.loaded(pending) == NEW


def test_what_another_program_wrote_since_stays_and_the_rest_is_finished(pending: Path) -> None:
    (pending / "b.toml").write_bytes(b"n = 7\n")
    assert untorn.load(pending / "b.toml") == {"n": 7}
    assert untorn.load(pending / "c.json") == {"n": 2}
    assert storage.settle(pending) == {"a.json": "done", "b.toml": "foreign", "c.json": "waiting"}
    assert (pending / "b.toml").read_bytes() == b"n = 7\n"
    assert untorn.load(pending / "c.json") == {"n": 2}


def test_a_new_file_that_another_program_made_since_stays(pending: Path) -> None:
    (pending / "c.json").write_bytes(b'{"n": 7}\n')
    assert untorn.load(pending / "c.json") == {"n": 7}
    assert storage.settle(pending) == {"a.json": "done", "b.toml": "waiting", "c.json": "foreign"}


def test_a_file_without_its_temp_is_as_it_is(pending: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("untorn.storage.pending.PAUSE", 0)
    [temp] = pending.glob(".b.toml.*.tmp")
    temp.unlink()
    assert untorn.load(pending / "b.toml") == {"n": 1}
    assert storage.settle(pending) == {"a.json": "done", "b.toml": "lost", "c.json": "waiting"}


def test_a_temp_that_was_tampered_with_is_no_answer(pending: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("untorn.storage.pending.PAUSE", 0)
    [temp] = pending.glob(".b.toml.*.tmp")
    temp.write_bytes(b"n = 666\n")
    assert untorn.load(pending / "b.toml") == {"n": 1}
    [other] = pending.glob(".c.json.*.tmp")
    os.link(other, pending / "second-name")
    assert untorn.load(pending / "c.json", missing=None) is None


def test_nothing_to_settle_is_none(quick_path: Path) -> None:
    assert storage.settle(quick_path) is None


def _damaged(record: Path) -> None:
    record.write_bytes(record.read_bytes().replace(b"b.toml", b"B.toml", 1))


def _longer(record: Path) -> None:
    record.write_bytes(record.read_bytes() + b"x")


def _writable(record: Path) -> None:
    record.chmod(0o666)


def _linked_twice(record: Path) -> None:
    os.link(record, record.with_name("second-name"))


def _link(record: Path) -> None:
    moved = record.rename(record.with_name("elsewhere"))
    record.symlink_to(moved.name)


def _fifo(record: Path) -> None:
    record.unlink()
    os.mkfifo(record)


def _empty(record: Path) -> None:
    record.write_bytes(b"")


def _planted(record: Path) -> None:
    """Seal names that lead out of the directory."""
    record.write_bytes(
        encode([Entry("../b.toml", None, f"{stem_of('../b.toml')}{'0' * 32}.{'f' * 32}.tmp", "f" * 64)])
    )


def _of_other_types(record: Path) -> None:
    record.write_bytes(sealed(b"untorn transaction 1\nfile [1, 2]\n"))


@pytest.mark.parametrize(
    "spoil",
    [_damaged, _longer, _empty, _planted, _of_other_types],
    ids=lambda spoil: spoil.__name__,
)
def test_a_record_that_is_not_whole_promised_nothing_and_goes(
    pending: Path, spoil: Callable[[Path], None]
) -> None:
    spoil(pending / RECORD)
    assert untorn.load(pending / "b.toml") == {"n": 1}
    transact(pending)
    assert transaction.loaded(pending) == NEW
    assert transaction.is_tidy(pending)


@pytest.mark.parametrize("spoil", [_writable, _linked_twice, _link, _fifo], ids=lambda spoil: spoil.__name__)
def test_a_record_that_is_not_ours_says_nothing(pending: Path, spoil: Callable[[Path], None]) -> None:
    spoil(pending / RECORD)
    assert untorn.load(pending / "b.toml") == {"n": 1}
    with untorn.edit(pending / "b.toml") as doc:
        doc["n"] = 3
    assert (pending / "b.toml").read_bytes() == b"n = 3  # how many\n"
    with pytest.raises(SaveError, match="not what untorn makes under this name"):
        transact(pending)
    assert os.path.lexists(pending / RECORD)


def test_any_failing_call_of_a_load_is_an_error_or_the_answer(pending: Path) -> None:
    with watched() as watch:
        untorn.load(pending / "b.toml")
    for nth, name in enumerate(watch.made):
        with watched(before=raising(nth, partial(os_error, errno.EIO))):
            try:
                found = untorn.load(pending / "b.toml")
            except ReadError:
                continue
        assert found == {"n": 2}, (nth, name)


def test_any_failing_call_of_the_next_save_leaves_what_it_is_to_finish(quick_path: Path) -> None:
    for nth in range(200):
        place = quick_path / str(nth)
        place.mkdir()
        prepare(place)
        killed(place, "rename", 2)
        with forgetful(), watched(before=raising(nth, partial(os_error, errno.EIO))) as watch:
            try:
                untorn.write_bytes(place / "b.toml", b"n = 3\n")
            except (SaveError, NotDurableError, UnknownOutcomeError, ReadError):
                assert untorn.load(place / "b.toml") in ({"n": 2}, {"n": 3})
        assert (untorn.load(place / "a.json"), untorn.load(place / "c.json")) == ({"n": 2}, {"n": 2})
        untorn.write_bytes(place / "b.toml", b"n = 4\n")
        assert {name: (place / name).read_bytes() for name in ("a.json", "c.json")} == {
            name: NEW[name] for name in ("a.json", "c.json")
        }
        if len(watch.made) <= nth:
            return
    pytest.fail("it makes more calls than were tried")


def test_who_takes_the_locks_waits_for_no_transaction_that_was_cut_off(pending: Path) -> None:
    paths = [pending / name for name in OLD]
    with (
        storage.reading(paths[0]) as file,
        storage.Batch([storage.Part(file.snapshot, b"{}\n", storage.WriteOptions(), file)]) as batch,
        storage.locked_together(dict.fromkeys(paths)) as locks,
    ):
        assert not batch.compare(locks)


def test_somebody_who_makes_a_record_meanwhile_was_faster(quick_path: Path) -> None:
    prepare(quick_path)
    killed(quick_path, "rename", 2)
    record = (quick_path / RECORD).rename(quick_path / "kept")

    def strike(_nth: int, name: str) -> None:
        if name == "rename_new" and record.exists():
            record.rename(quick_path / RECORD)

    with watched(before=strike), untorn.transaction() as tx:
        for name in ("b.toml", "c.json"):
            tx.write_bytes(quick_path / name, b"mine\n")
    found = {name: (quick_path / name).read_bytes() for name in OLD}
    assert found == {"a.json": NEW["a.json"], "b.toml": b"mine\n", "c.json": b"mine\n"}
    assert transaction.is_tidy(quick_path)


def test_a_file_that_somebody_makes_between_is_kept(pending: Path) -> None:
    def strike(_nth: int, name: str) -> None:
        if name == "rename_new":
            (pending / "c.json").write_bytes(b'{"n": 7}\n')

    with watched(before=strike):
        assert storage.settle(pending) == {"a.json": "done", "b.toml": "waiting", "c.json": "foreign"}
    assert untorn.load(pending / "c.json") == {"n": 7}


def test_a_disk_that_does_not_confirm_the_renames_is_said_and_the_record_makes_good_for_it(
    quick_path: Path,
) -> None:
    prepare(quick_path)
    renames: list[str] = []

    def strike(_nth: int, name: str) -> None:
        renames.extend([name] if name.startswith("rename") else [])
        if name == "fsync" and len(renames) == 4:
            raise os_error(errno.EIO)

    with watched(before=strike), pytest.raises(NotDurableError) as caught:
        transact(quick_path)
    assert caught.value.receipt.durable is False
    assert (quick_path / RECORD).exists()
    assert transaction.loaded(quick_path) == NEW
    assert [*wrong_after(quick_path)] == []


def test_a_rename_that_fails_behind_the_commit_is_said_and_the_next_save_makes_it(quick_path: Path) -> None:
    prepare(quick_path)

    def strike(_nth: int, name: str) -> None:
        if name == "rename":
            raise os_error(errno.EIO)

    with watched(before=strike), pytest.raises(UnknownOutcomeError, match="was not completed"):
        transact(quick_path)
    assert transaction.loaded(quick_path) == NEW
    assert [*wrong_after(quick_path)] == []


def test_a_file_system_that_cannot_sync_directories_is_said(quick_path: Path) -> None:
    prepare(quick_path)
    real = storage.REAL.fsync

    def fsync(fd: int) -> None:
        if os.path.isdir(f"/proc/self/fd/{fd}"):  # noqa: PTH112  of a descriptor
            raise os_error(errno.EINVAL)
        real(fd)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(storage.REAL, "fsync", fsync)
        receipts = transact(quick_path)
    assert all(not each.durable and "cannot sync a directory" in each.warnings[0] for each in receipts)


def test_in_a_directory_like_tmp_a_record_is_about_files_of_whoever_made_it(pending: Path) -> None:
    pending.chmod(0o1777)
    os.chown(pending / RECORD, 65534, -1)
    assert untorn.load(pending / "b.toml") == {"n": 1}
    assert untorn.load(pending / "c.json") == {"n": 2}  # there is none to be replaced
    os.chown(pending / "b.toml", 65534, -1)
    assert untorn.load(pending / "b.toml") == {"n": 2}
    assert storage.settle(pending) == {"a.json": "foreign", "b.toml": "waiting", "c.json": "waiting"}


@pytest.mark.parametrize("library", [SimpleNamespace(), SimpleNamespace(sync_file_range=lambda *_: -1)])
def test_a_system_that_cannot_begin_to_write_does_without(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch, library: SimpleNamespace
) -> None:
    prepare(quick_path)
    monkeypatch.setattr(ctypes, "CDLL", lambda *_, **__: library)
    with pytest.raises(OSError, match=r"\["):
        storage.REAL.write_back(0)
    transact(quick_path)
    assert transaction.loaded(quick_path) == NEW
