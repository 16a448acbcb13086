"""transaction(): several files of one directory, all of them or none (WRITER W25)."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import threading
import time
from contextlib import suppress
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest
from processes import exit_code, forked

import untorn
from untorn import aio, storage
from untorn.errors import (
    ConflictError,
    LockTimeoutError,
    ReadError,
    RejectedError,
    SaveError,
    UnrepresentableError,
)
from untorn.sdk import Problem, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

JSON, TOML, YAML = b'{"n": 1, "m": 1}\n', b"n = 1  # how many\nm = 1\n", b"n: 1  # how many\nm: 1\n"
NAMES = ("a.json", "b.toml", "c.yaml")


@pytest.fixture
def place(tmp_path: Path) -> Path:
    for name, data in zip(NAMES, (JSON, TOML, YAML), strict=True):
        (tmp_path / name).write_bytes(data)
    return tmp_path


def held(place: Path) -> dict[str, bytes]:
    """Return all that lies in the directory."""
    return {each.name: each.read_bytes() for each in place.iterdir()}


def set_all(tx: untorn.Transaction, place: Path, number: int) -> None:
    for name in NAMES:
        with tx.edit(place / name) as doc:
            doc["n"] = number


def test_all_files_are_saved_and_their_comments_stay(place: Path) -> None:
    with untorn.transaction() as tx:
        set_all(tx, place, 2)
        assert held(place) == dict(zip(NAMES, (JSON, TOML, YAML), strict=True))
    assert held(place) == {
        "a.json": b'{"n": 2, "m": 1}\n',
        "b.toml": b"n = 2  # how many\nm = 1\n",
        "c.yaml": b"n: 2  # how many\nm: 1\n",
    }
    assert [receipt.path.name for receipt in tx.receipts] == [*NAMES]
    assert all(receipt.changed and receipt.durable and receipt.atomic for receipt in tx.receipts)


def test_values_texts_bytes_and_new_files_go_together(place: Path) -> None:
    value: Any = untorn.load(place / "b.toml")
    value["n"] = 2
    with untorn.transaction() as tx:
        tx.save(place / "b.toml", value)
        tx.save(place / "new.json", {"x": 1})
        tx.write_text(place / "notes.md", "ä\n")
        tx.write_bytes(place / "blob", b"\0", mode=0o600)
        value["n"] = 3  # too late
    assert untorn.load(place / "b.toml") == {"n": 2, "m": 1}
    assert untorn.load(place / "new.json") == {"x": 1}
    assert ((place / "notes.md").read_text(), (place / "blob").read_bytes()) == ("ä\n", b"\0")
    assert (place / "blob").stat().st_mode & 0o777 == 0o600
    assert len(held(place)) == 6


def test_a_value_that_was_saved_is_the_base_of_its_next_save(place: Path) -> None:
    value: Any = untorn.load(place / "b.toml")
    value["n"] = 2
    with untorn.transaction() as tx:
        tx.save(place / "b.toml", value)
    value["m"] = 2
    untorn.save(place / "b.toml", value)
    assert untorn.load(place / "b.toml") == {"n": 2, "m": 2}


def test_a_document_goes_on_from_what_was_saved(place: Path) -> None:
    with untorn.transaction() as tx, tx.edit(place / "b.toml") as doc:
        doc["n"] = 2
    assert doc.receipt == tx.receipts[0]
    assert (doc.changed, doc.text) == (False, "n = 2  # how many\nm = 1\n")


def test_new_directories_are_made_for_new_files(tmp_path: Path) -> None:
    with untorn.transaction() as tx:
        for name in ("one.json", "two.json"):
            tx.save(tmp_path / "a" / "b" / name, {"x": 1})
    assert sorted(held(tmp_path / "a" / "b")) == ["one.json", "two.json"]


def test_what_is_unchanged_is_not_written_and_nothing_at_all_is_fine(place: Path) -> None:
    before = (place / "a.json").stat()
    with untorn.transaction() as tx:
        with tx.edit(place / "a.json"):
            pass
        with tx.edit(place / "b.toml") as doc:
            doc["n"] = 2
    assert [receipt.changed for receipt in tx.receipts] == [False, True]
    assert (place / "a.json").stat() == before
    with untorn.transaction() as tx, tx.edit(place / "a.json"):
        pass
    assert [receipt.changed for receipt in tx.receipts] == [False]
    with untorn.transaction() as tx:
        pass
    assert tx.receipts == ()


# ── All or nothing ──────────────────────────────────────────────────────────


def _raise(_tx: untorn.Transaction, _place: Path) -> None:
    raise ZeroDivisionError


def _unrepresentable(tx: untorn.Transaction, place: Path) -> None:
    tx.save(place / "new.toml", {"x": None})


def _conflict(tx: untorn.Transaction, place: Path) -> None:
    with tx.edit(place / "other.toml") as doc:
        doc["n"] = 2
    (place / "other.toml").write_bytes(b"n = 3\n")


def _directory(tx: untorn.Transaction, place: Path) -> None:
    (place / "directory").mkdir()
    tx.write_text(place / "directory", "x")


def _elsewhere(tx: untorn.Transaction, place: Path) -> None:
    tx.write_text(place / "deep" / "x", "x")


def _twice(tx: untorn.Transaction, place: Path) -> None:
    with tx.edit(place / "a.json"):
        pass


@pytest.mark.parametrize(
    ("spoil", "error"),
    [
        pytest.param(_raise, ZeroDivisionError, id="the block raises"),
        pytest.param(_unrepresentable, UnrepresentableError, id="unrepresentable"),
        pytest.param(_conflict, ConflictError, id="conflict"),
        pytest.param(_directory, ReadError, id="a directory"),
        pytest.param(_elsewhere, SaveError, id="another directory"),
        pytest.param(_twice, SaveError, id="twice"),
    ],
)
def test_whatever_stops_one_stops_all_and_nothing_is_left(
    place: Path, spoil: Callable[[untorn.Transaction, Path], None], error: type[Exception]
) -> None:
    (place / "other.toml").write_bytes(b"n = 1\n")
    with pytest.raises(error), untorn.transaction() as tx:
        set_all(tx, place, 2)
        spoil(tx, place)
    for name, data in zip(NAMES, (JSON, TOML, YAML), strict=True):
        assert (place / name).read_bytes() == data
    assert {each.name for each in place.iterdir()} - {"directory"} == {*NAMES, "other.toml"}
    assert tx.receipts == ()


def test_one_veto_stops_all_and_every_problem_is_told(place: Path) -> None:
    asked: list[str] = []

    @hookimpl
    def untorn_validate(proposal: Any) -> list[Problem]:
        asked.append(proposal.path.name)
        return [Problem("no", where=("n",))] if proposal.path.name in vetoed else []

    host = untorn.Host()
    host.admit(SimpleNamespace(untorn_validate=untorn_validate), "veto")
    for vetoed in ({"b.toml"}, {"a.json", "c.yaml"}):
        asked.clear()
        with pytest.raises(RejectedError) as caught, host.transaction() as tx:
            set_all(tx, place, 2)
        assert asked == [*NAMES]
        assert {problem.location.path.name for problem in caught.value.problems if problem.location} == vetoed  # type: ignore[union-attr]  # it has a path
        assert held(place) == dict(zip(NAMES, (JSON, TOML, YAML), strict=True))


def test_plugins_are_told_of_each_file_when_all_are_saved(place: Path) -> None:
    told: list[bool] = []

    @hookimpl
    def untorn_saved(receipt: untorn.Receipt) -> None:
        told.append(receipt.changed and b"2" in (place / NAMES[-1]).read_bytes())

    host = untorn.Host()
    host.admit(SimpleNamespace(untorn_saved=untorn_saved), "ear")
    with host.transaction() as tx:
        set_all(tx, place, 2)
    assert told == [True] * 3


@pytest.mark.parametrize("keyword", ["timeout", "durability", "in_place"])
def test_what_holds_for_all_files_cannot_be_said_of_one(place: Path, keyword: str) -> None:
    keywords: Any = {keyword: 1}
    with pytest.raises(TypeError, match=f"{keyword}= is nothing for one file"), untorn.transaction() as tx:
        tx.write_text(place / "x", "x", **keywords)


def test_a_transaction_that_is_over_takes_nothing_more(place: Path) -> None:
    with untorn.transaction() as tx:
        pass
    with pytest.raises(SaveError, match="is over"):
        tx.write_text(place / "x", "x")


def test_its_documents_are_saved_with_it_and_not_before(place: Path) -> None:
    refused = pytest.raises(SaveError, match="saved with its transaction")
    with refused, untorn.transaction() as tx, tx.edit(place / "a.json") as doc:
        doc["n"] = 2
        doc.save()
    assert (place / "a.json").read_bytes() == JSON


def test_a_text_that_is_none_is_refused_at_once(place: Path) -> None:
    with pytest.raises(UnrepresentableError), untorn.transaction() as tx:
        tx.write_text(place / "x", "\udc80")


def test_another_directory_behind_a_link_is_refused_too_and_the_same_one_is_not(place: Path) -> None:
    (place / "deep").mkdir()
    (place / "deep" / "real.json").write_bytes(JSON)
    (place / "out.json").symlink_to("deep/real.json")
    (place / "deep" / "in.toml").symlink_to("../b.toml")
    with pytest.raises(SaveError, match=r"lies in .*deep, and the others in"), untorn.transaction() as tx:
        tx.save(place / "a.json", {}, base=None)
        tx.save(place / "out.json", {}, base=None)
    with untorn.transaction() as tx:
        tx.save(place / "a.json", {}, base=None)
        tx.save(place / "deep" / "in.toml", {}, base=None)
    assert (place / "deep" / "in.toml").is_symlink()
    assert untorn.load(place / "b.toml") == {}


# ── With others ─────────────────────────────────────────────────────────────


def test_what_others_changed_meanwhile_is_kept(place: Path) -> None:
    with untorn.transaction() as tx:
        set_all(tx, place, 2)
        (place / "b.toml").write_bytes(b"# theirs\nn = 1  # how many\nm = 3\n")
    assert (place / "b.toml").read_bytes() == b"# theirs\nn = 2  # how many\nm = 3\n"
    assert [receipt.replayed for receipt in tx.receipts] == [False, True, False]


def test_a_step_that_somebody_else_took_as_well_does_not_count_once(place: Path) -> None:
    with pytest.raises(ConflictError), untorn.transaction() as tx:
        with tx.edit(place / "b.toml") as doc:
            doc["n"] += 1
        with untorn.edit(place / "b.toml") as other:
            other["n"] += 1


def test_threads_that_change_the_same_files_in_any_order_lose_nothing(place: Path) -> None:
    def work(number: int) -> None:
        order = NAMES if number % 2 else NAMES[::-1]
        for step in range(10):
            with untorn.transaction() as tx:
                for name in order:
                    with tx.edit(place / name) as doc:
                        doc[f"k{number}-{step}"] = step

    threads = [threading.Thread(target=work, args=(number,)) for number in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    for name in NAMES:
        assert len(untorn.load(place / name)) == 2 + 40  # type: ignore[arg-type]  # it is a mapping
    assert sorted(held(place)) == [*NAMES]


def test_after_three_lost_races_it_holds_all_locks_throughout(
    place: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    real, tries = storage.Batch.compare, []

    def lost(batch: storage.Batch, locks: storage.Locks) -> bool:
        tries.append(locks)
        return len(tries) > 3 and real(batch, locks)

    monkeypatch.setattr(storage.Batch, "compare", lost)
    with untorn.transaction() as tx:
        set_all(tx, place, 2)
    assert len(tries) == 4
    assert all(receipt.changed for receipt in tx.receipts)


def test_it_gives_up_when_others_are_always_faster(place: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.Batch, "compare", lambda _batch, _locks: False)
    with pytest.raises(ConflictError, match="during each of 23 tries"), untorn.transaction() as tx:
        set_all(tx, place, 2)
    assert held(place) == dict(zip(NAMES, (JSON, TOML, YAML), strict=True))


def test_a_lock_that_somebody_holds_is_waited_for_and_the_holder_is_named(place: Path) -> None:
    with (
        storage.lock(place / "b.toml"),
        pytest.raises(LockTimeoutError, match=f"held by process {os.getpid()}"),
    ):
        thread = threading.Thread(target=_raising, args=(place, errors := []))
        thread.start()
        thread.join()
        raise errors[0]
    assert held(place) == dict(zip(NAMES, (JSON, TOML, YAML), strict=True))


def _raising(place: Path, errors: list[Exception]) -> None:
    try:
        with untorn.transaction(timeout=0.05) as tx:
            set_all(tx, place, 2)
    except LockTimeoutError as error:
        errors.append(error)


def test_asyncio_has_it_too(place: Path) -> None:
    async def change() -> tuple[untorn.Receipt, ...]:
        async with aio.transaction() as tx:
            set_all(tx, place, 2)
        return tx.receipts

    assert len(asyncio.run(change())) == 3
    assert untorn.load(place / "c.yaml") == {"n": 2, "m": 1}


# ── Processes ───────────────────────────────────────────────────────────────


def test_processes_that_are_killed_at_any_moment_leave_no_mixture_and_lose_no_step(place: Path) -> None:
    with untorn.transaction() as tx:  # children need not import anything, and are killed while they save
        set_all(tx, place, 0)
    end = time.monotonic() + 3
    readers = [forked(lambda: _read_until(end, place)) for _ in range(2)]
    writers = [forked(lambda: _count_until(end, place)) for _ in range(3)]
    kills = 0
    while time.monotonic() < end - 0.5:
        time.sleep(random.uniform(0.01, 0.1))
        at = kills % len(writers)
        os.kill(writers[at], signal.SIGKILL)
        exit_code(writers[at])
        writers[at] = forked(lambda: _count_until(end, place))
        kills += 1
    assert [exit_code(each) for each in (*readers, *writers)] == [0] * 5
    [[number], *others] = [{_number(place / name)} for name in NAMES]
    assert others == [{number}] * 2
    assert number > 0
    with untorn.transaction() as tx:
        set_all(tx, place, -1)
    assert sorted(held(place)) == [*NAMES]


def _number(path: Path) -> int:
    value: Any = untorn.load(path)
    return int(value["n"])


def _count_until(end: float, place: Path) -> None:
    while time.monotonic() < end:
        with suppress(ConflictError), untorn.transaction() as tx:
            for name in random.sample(NAMES, len(NAMES)):
                with tx.edit(place / name) as doc:
                    doc["n"] += 1


def _read_until(end: float, place: Path) -> None:
    """Who reads a file later finds it as new, or newer: all go up together."""
    while time.monotonic() < end:
        numbers = [_number(place / name) for name in NAMES]
        assert numbers == sorted(numbers)
