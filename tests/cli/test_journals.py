"""Journals of saves in place that were cut off: ``untorn recover FILE --in-place DIR``."""

from __future__ import annotations

import fcntl
import json
from typing import TYPE_CHECKING, Any

import pytest
from killed import NEW, OLD, cut_off

import untorn as library
from untorn.records import revision_of

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]


@pytest.fixture
def file(here: Path) -> Path:
    path = here / "app.toml"
    path.write_bytes(OLD)
    (here / "journals").mkdir()
    return path


def recover(untorn: Run, *argv: str) -> Any:
    return untorn("recover", "app.toml", "--in-place", "journals", *argv)


def test_where_no_save_in_place_was_cut_off_there_is_nothing(untorn: Run, file: Path) -> None:
    assert recover(untorn).out == "app.toml: no crashed save left anything\n"


@pytest.mark.parametrize(
    ("call", "state", "said"),
    [
        ("pwrite", "base", "the file still holds what it held before"),
        ("ftruncate", "new", "the file holds the new bytes already"),
    ],
)
def test_a_hot_journal_is_listed_with_what_the_file_holds(
    untorn: Run, file: Path, call: str, state: str, said: str
) -> None:
    journal = cut_off(file, call)
    found = recover(untorn)
    assert (found.status, found.err) == (0, "")
    assert f"journals in journals\n  {journal.name}\n" in found.out
    assert "hot: its save was cut off" in found.out
    assert said in found.out
    assert "12 bytes before, 18 bytes after" in found.out
    assert "    +c = 4\n" in found.out
    assert f"  untorn recover app.toml --in-place journals --restore {journal.name}    finishes" in found.out
    assert f"  untorn recover app.toml --in-place journals --discard {journal.name}    keeps" in found.out
    [data] = json.loads(recover(untorn, "--json").out)["journals"]
    assert data == {
        "path": str(journal), "kind": "hot", "live": False, "doubt": None, "state": state,
        "base": str(revision_of(OLD)), "new": str(revision_of(NEW)),
    }  # fmt: skip


def test_what_another_program_wrote_since_is_told(untorn: Run, file: Path) -> None:
    cut_off(file, "pwrite")
    file.write_bytes(b"theirs = true\n")
    assert "another program wrote the file since" in recover(untorn).out


def test_a_save_that_was_cut_off_is_finished(untorn: Run, file: Path) -> None:
    journal = cut_off(file, "pwrite")
    foretold = recover(untorn, "--restore", journal.name, "--dry-run")
    assert foretold.out == f"would finish the save of {file} that {journal} was made for\n"
    assert (file.read_bytes(), journal.exists()) == (OLD, True)
    found = recover(untorn, "--restore", journal.name)
    assert (found.status, found.out) == (0, f"{file} holds what {journal} was made for, which is removed\n")
    assert (file.read_bytes(), journal.exists()) == (NEW, False)


def test_a_save_is_finished_over_what_others_wrote_only_if_told(untorn: Run, file: Path) -> None:
    journal = cut_off(file, "pwrite")
    file.write_bytes(b"theirs = true\n")
    with pytest.raises(library.ConflictError):
        library.write_bytes(file, b"mine = true\n", in_place=file.parent / "journals")
    assert recover(untorn, "--restore", str(journal)).status == 0
    assert file.read_bytes() == NEW


def test_a_journal_is_discarded_and_the_file_stays_as_it_is(untorn: Run, file: Path) -> None:
    journal = cut_off(file, "pwrite")
    file.write_bytes(b"theirs = true\n")
    foretold = recover(untorn, "--discard", journal.name, "--dry-run")
    assert (foretold.out, journal.exists()) == (f"would remove {journal}\n", True)
    found = recover(untorn, "--discard", journal.name)
    assert (found.status, found.out) == (0, f"removed {journal}; {file} stays as it is\n")
    assert (file.read_bytes(), journal.exists()) == (b"theirs = true\n", False)


def test_what_is_no_journal_cannot_be_discarded(untorn: Run, file: Path) -> None:
    found = recover(untorn, "--discard", "app.toml")
    assert (found.status, found.err) == (1, "--discard app.toml: there is no such journal\n")
    assert file.read_bytes() == OLD


def test_removing_leaves_what_is_needed(untorn: Run, file: Path) -> None:
    hot = cut_off(file, "pwrite")
    found = recover(untorn, "--remove")
    assert found.out == f"left alone: {hot}: it is hot\n"
    assert hot.exists()


@pytest.mark.parametrize("call", ["fsync", "ftruncate"])
def test_removing_takes_what_nothing_depends_on(untorn: Run, file: Path, call: str) -> None:
    left = cut_off(file, call)
    assert recover(untorn, "--remove", "--dry-run").out == f"would remove {left}\n"
    assert left.exists()
    found = recover(untorn, "--remove")
    assert (found.status, found.out, left.exists()) == (0, f"removed {left}\n", False)


def test_a_copy_that_never_became_a_journal_is_told_from_one(untorn: Run, file: Path) -> None:
    copy = cut_off(file, "fsync")
    assert "a copy that never became a journal" in recover(untorn).out
    refused = recover(untorn, "--restore", copy.name)
    assert (refused.status, "not restored: it is a copy that never" in refused.err) == (1, True)
    with copy.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        listed = recover(untorn).out
        assert "its save is under way" in listed
        assert "--discard" not in listed
        assert recover(untorn, "--remove").out == f"left alone: {copy}: its save is under way\n"


def test_a_journal_that_is_not_believed_is_shown_and_never_restored(untorn: Run, file: Path) -> None:
    journal = cut_off(file, "pwrite")
    journal.chmod(0o666)
    found = recover(untorn)
    assert "not believed: others than its owner may write it" in found.out
    assert "--restore" not in found.out
    refused = recover(untorn, "--restore", journal.name)
    assert (refused.status, "others than its owner" in refused.err) == (1, True)
    assert file.read_bytes() == OLD
    assert recover(untorn, "--discard", journal.name).status == 0


def test_a_journal_that_is_damaged_is_shown_without_a_diff(untorn: Run, file: Path) -> None:
    journal = cut_off(file, "pwrite")
    journal.write_bytes(journal.read_bytes()[:-1])
    found = recover(untorn)
    assert "not believed: its content is damaged or cut off" in found.out
    assert "@@" not in found.out
    assert json.loads(recover(untorn, "--json").out)["journals"][0]["new"] is None


def test_a_directory_of_journals_that_is_not_there_is_an_error(untorn: Run, file: Path) -> None:
    found = untorn("recover", "app.toml", "--in-place", "nowhere")
    assert (found.status, "nowhere cannot be opened" in found.err) == (1, True)
