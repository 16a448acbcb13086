from __future__ import annotations

import fcntl
import json
import os
from typing import TYPE_CHECKING, Any

import pytest

from evidence import transaction
from untorn import storage
from untorn.errors import ReadError
from untorn.records import revision_of
from untorn.storage.names import swap_name, temp_name

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., Any]

OLD, NEW = b"a = 1\nb = 2\n", b"a = 1\nb = 3\n"
NOBODY = 65534


@pytest.fixture
def file(here: Path) -> Path:
    path = here / "app.toml"
    path.write_bytes(OLD)
    return path


def orphan(path: Path, data: bytes = NEW, held: bytes | None = None) -> Path:
    """Leave what a crashed save of these bytes leaves: all of them, or what ``held`` says."""
    temp = path.parent / temp_name(path.name, revision_of(data))
    temp.write_bytes(data if held is None else held)
    return temp


def id_of(temp: Path) -> str:
    return temp.name.split(".")[-3]


def orphans(untorn: Run, *argv: str) -> dict[str, Any]:
    return {each["id"]: each for each in json.loads(untorn("recover", *argv, "--json").out)["orphans"]}


# ── List ────────────────────────────────────────────────────────────────────


def test_where_no_save_crashed_there_is_nothing_to_recover(untorn: Run, here: Path) -> None:
    for argv in (["app.toml"], ["."], ["app.toml", "--remove"], ["nothing/app.toml"]):
        found = untorn("recover", *argv)
        assert (found.status, found.out) == (0, f"{argv[0]}: no crashed save left anything\n")
    assert json.loads(untorn("recover", "app.toml", "--json").out) == {
        "transaction": None,
        "orphans": [],
        "journals": [],
    }


def test_orphans_are_listed_with_what_each_would_change_and_stay(untorn: Run, file: Path) -> None:
    whole, part = orphan(file), orphan(file, b"lost", held=b"lo")
    before = {each: each.read_bytes() for each in file.parent.iterdir()}
    found = untorn("recover", "app.toml")
    assert (found.status, found.err) == (0, "")
    revision = revision_of(OLD)
    assert f"{file}: 12 bytes, revision {revision}\n" in found.out
    assert f"  {id_of(whole)[:8]}  complete, 12 bytes, " in found.out
    assert f"  {id_of(part)[:8]}  incomplete, 2 bytes, " in found.out
    assert "    -b = 2\n    +b = 3\n" in found.out
    assert "Nothing was changed." in found.out
    assert f"  untorn recover {file} --restore {id_of(whole)[:8]} --base {revision}\n" in found.out
    assert {each: each.read_bytes() for each in file.parent.iterdir()} == before


def test_the_same_is_data_too(untorn: Run, file: Path) -> None:
    whole = orphan(file)
    same = orphan(file, OLD)
    found = orphans(untorn, "app.toml")
    assert found[id_of(whole)].keys() == {
        "id", "path", "target", "bytes", "changed", "owner", "complete", "holds", "alive", "untouchable",
        "revision", "would_change", "diff",
    }  # fmt: skip
    assert found[id_of(whole)]["target"] == str(file)
    assert found[id_of(whole)]["revision"] == str(revision_of(OLD))
    assert (found[id_of(whole)]["would_change"], found[id_of(same)]["would_change"]) == (True, False)
    assert "+b = 3" in found[id_of(whole)]["diff"]


def test_of_a_directory_all_files_orphans_are_listed(untorn: Run, file: Path) -> None:
    other = file.with_name("new.json")
    long = file.with_name("x" * 250)
    orphan(file), orphan(other, b"{}\n"), orphan(long)
    found = untorn("recover", ".").out
    assert f"{file}: 12 bytes" in found
    assert f"{other}: does not exist" in found
    assert "a file with a longer name, which is not here" in found
    assert {each["target"] for each in orphans(untorn, ".").values()} == {str(file), str(other), None}
    assert orphans(untorn, "new.json").keys() < orphans(untorn, ".").keys()


@pytest.mark.parametrize(
    ("now", "then", "said"),
    [
        (OLD, OLD, "it holds what the file holds: there is nothing to restore"),
        (b"\xff", b"\xfe\xfe", "not text: 1 byte before, 2 bytes after"),
        (b"x\n" * 4000, b"y\n" * 4000, "too long to compare: 8.0 kB before, 8.0 kB after"),
        (b"a", b"b", "\\ No newline at end of file"),
        (OLD, b"a\x1b[2J\tz\n", "+a\\x1b[2J\tz"),
    ],
    ids=["same", "binary", "long", "no newline", "escapes"],
)
def test_what_would_change_is_shown_as_it_can_be(
    untorn: Run, file: Path, now: bytes, then: bytes, said: str
) -> None:
    file.write_bytes(now)
    orphan(file, then)
    assert said in untorn("recover", "app.toml").out


def test_one_whose_writer_lives_is_shown_and_left_alone(untorn: Run, file: Path) -> None:
    temp = orphan(file)
    with temp.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        found = untorn("recover", "app.toml")
        assert "being written right now" in found.out
        assert "+b = 3" not in found.out
        assert "--restore" not in found.out
        assert "--remove" not in found.out
        removed = untorn("recover", "app.toml", "--remove")
        assert (removed.status, removed.out) == (0, f"left alone: {temp}: its writer lives\n")
        restored = untorn("recover", "app.toml", "--restore", temp.name)
        assert (restored.status, restored.err) == (1, f"{temp}: not restored: its writer lives\n")
    assert temp.exists()


def test_one_that_goes_while_it_is_looked_at_has_nothing_to_compare(
    untorn: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temp = orphan(file)

    def gone(*_arguments: object, **_keywords: object) -> bytes:
        raise ReadError("cannot be read: No such file", errno=2, path=temp)

    monkeypatch.setattr("untorn.cli.leftovers.content_of", gone)
    found = untorn("recover", "app.toml")
    assert (found.status, "@@" in found.out) == (0, False)


def test_another_users_is_shown_and_left_alone(untorn: Run, file: Path) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can make another user's file")
    temp = orphan(file)
    os.chown(temp, NOBODY, NOBODY)
    assert f"left alone: it belongs to user {NOBODY}" in untorn("recover", "app.toml").out
    for argv in (["--remove"], ["--quarantine", "."], ["--restore", temp.name]):
        assert untorn("recover", "app.toml", *argv).status == 1
        assert temp.read_bytes() == NEW
    assert file.read_bytes() == OLD


def test_a_name_that_a_terminal_would_obey_is_escaped(untorn: Run, here: Path) -> None:
    path = here / os.fsdecode(b"\x1b[2J\n\xff.toml")
    orphan(path)
    found = untorn("recover", ".").out
    assert "\\x1b[2J\\n\\xff.toml" in found
    assert "\x1b" not in found


def test_a_file_that_cannot_be_read_has_nothing_to_compare(untorn: Run, here: Path) -> None:
    path = here / "app.toml"
    path.mkdir()
    temp = orphan(path)
    found = untorn("recover", ".")
    assert f"{path}: cannot be read" in found.out
    assert "@@" not in found.out
    assert untorn("recover", ".", "--restore", temp.name).status == 1
    assert orphans(untorn, ".")[id_of(temp)]["revision"] is None


# ── Restore ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("named", ["name", "path", "id"])
def test_the_file_holds_what_is_restored(untorn: Run, file: Path, named: str) -> None:
    file.chmod(0o640)
    temp = orphan(file)
    argument = {"name": temp.name, "path": str(temp), "id": id_of(temp)[:5]}[named]
    found = untorn("recover", "app.toml", "--restore", argument, "--base", str(revision_of(OLD)))
    assert (found.status, found.err) == (0, "")
    assert found.out == f"{file} holds {temp.name} now; before: {revision_of(OLD)}\n"
    assert (file.read_bytes(), file.stat().st_mode & 0o777) == (NEW, 0o640)
    assert [*file.parent.iterdir()] == [file]


def test_a_new_file_gets_no_more_than_the_crashed_save_gave_it(untorn: Run, here: Path) -> None:
    temp = orphan(here / "new.toml")
    temp.chmod(0o600)
    found = untorn("recover", "new.toml", "--restore", id_of(temp), "--base", "none")
    assert found.status == 0
    assert "it is new, with the mode of the orphan: rw------- (0600)" in found.out
    assert (here / "new.toml").read_bytes() == NEW
    assert (here / "new.toml").stat().st_mode & 0o777 == 0o600


def test_a_file_that_was_changed_since_it_was_shown_stays(untorn: Run, file: Path) -> None:
    temp = orphan(file)
    found = untorn("recover", "app.toml", "--restore", temp.name, "--base", "0123456789ab")
    assert found.status == 1
    assert f"{file}: it is at revision {revision_of(OLD)}, and not at 0123456789ab\n" in found.err
    assert f"{file} was not changed" in found.err
    assert (file.read_bytes(), temp.read_bytes()) == (OLD, NEW)


def test_a_file_that_is_changed_while_it_is_restored_stays(
    untorn: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    temp = orphan(file)
    prepare = storage.prepare

    def somebody_writes(*arguments: Any, **keywords: Any) -> Any:
        file.write_bytes(b"newer = true\n")
        return prepare(*arguments, **keywords)

    monkeypatch.setattr(storage, "prepare", somebody_writes)
    found = untorn("recover", "app.toml", "--restore", temp.name)
    assert found.status == 1
    assert "not at the revision" in found.err
    assert (file.read_bytes(), temp.read_bytes()) == (b"newer = true\n", NEW)


def test_a_dry_run_of_restoring_shows_the_diff_and_changes_nothing(untorn: Run, file: Path) -> None:
    temp, other = orphan(file), orphan(file, b"other\n")
    found = untorn("recover", "app.toml", "--restore", temp.name, "--quarantine", "kept", "--dry-run")
    assert found.status == 0
    assert found.out.startswith(f"would make {file} hold {id_of(temp)[:8]}:\n--- before\n")
    assert found.out.endswith(f"would move {other} to kept\n")
    assert untorn("recover", "app.toml", "--restore", temp.name, "--dry-run").status == 0
    assert {*file.parent.iterdir()} == {file, temp, other}
    assert file.read_bytes() == OLD


def test_the_other_orphans_go_with_the_save_and_that_is_said(untorn: Run, file: Path) -> None:
    temp = orphan(file)
    orphan(file, b"one\n"), orphan(file, b"two\n")
    found = untorn("recover", "app.toml", "--restore", temp.name)
    assert found.out.endswith("  2 other orphans of it went, as with every save\n")
    assert [*file.parent.iterdir()] == [file]


def test_with_quarantine_the_others_are_kept(untorn: Run, file: Path) -> None:
    temp, other = orphan(file), orphan(file, b"other\n")
    (file.parent / "kept").mkdir()
    found = untorn("recover", "app.toml", "--restore", temp.name, "--quarantine", "kept")
    assert found.status == 0
    [kept] = (file.parent / "kept").iterdir()
    assert found.out.startswith(f"moved to {kept}\n{file} holds ")
    assert (kept.read_bytes(), file.read_bytes(), other.exists()) == (b"other\n", NEW, False)


def test_where_the_others_cannot_be_kept_nothing_is_restored(untorn: Run, file: Path) -> None:
    temp, other = orphan(file), orphan(file, b"other\n")
    found = untorn("recover", "app.toml", "--restore", temp.name, "--quarantine", "nowhere")
    assert found.status == 1
    assert "nowhere cannot be opened" in found.err
    assert "was not changed" in found.err
    assert {*file.parent.iterdir()} == {file, temp, other}
    assert file.read_bytes() == OLD


def test_what_the_file_holds_already_is_not_restored(untorn: Run, file: Path) -> None:
    temp = orphan(file, OLD)
    before = file.stat()
    found = untorn("recover", "app.toml", "--restore", temp.name)
    assert (found.status, "nothing to restore" in found.out) == (0, True)
    assert file.stat().st_ino == before.st_ino


@pytest.mark.parametrize(
    ("argument", "reason"),
    [
        ("xyz", "there is no such orphan"),
        ("no-such-name.tmp", "there is no such orphan"),
        ("", "2 orphans begin with it"),
    ],
)
def test_a_name_that_means_no_orphan_or_several_is_refused(
    untorn: Run, file: Path, argument: str, reason: str
) -> None:
    for number in range(2):
        (file.parent / f".app.toml.{'abcd' * 7}000{number}.{'0' * 32}.tmp").write_bytes(b"")
    found = untorn("recover", "app.toml", "--restore", argument or "abcd")
    assert found.status == 1
    assert reason in found.err
    assert "known are abcdabcd, abcdabcd" in found.err


def test_what_is_not_complete_or_whose_file_nobody_knows_is_not_restored(untorn: Run, file: Path) -> None:
    part = orphan(file, held=b"a")
    found = untorn("recover", "app.toml", "--restore", part.name)
    assert (found.status, "not restored: it is not complete" in found.err) == (1, True)
    nameless = orphan(file.with_name("x" * 250))
    found = untorn("recover", ".", "--restore", nameless.name)
    assert (found.status, "name that file: untorn recover FILE" in found.err) == (1, True)
    assert file.read_bytes() == OLD


def test_a_warning_of_the_save_is_passed_on(untorn: Run, file: Path) -> None:
    file.with_name("second").hardlink_to(file)
    temp = orphan(file)
    found = untorn("recover", "app.toml", "--restore", temp.name)
    assert found.status == 0
    assert f"{file}: 1 other name (hard links) still show the old content" in found.err


# ── Remove, quarantine ──────────────────────────────────────────────────────


def test_orphans_are_removed_and_nothing_else(untorn: Run, file: Path) -> None:
    temps = {orphan(file), orphan(file, b"other", held=b"")}
    foretold = untorn("recover", "app.toml", "--remove", "--dry-run")
    assert {*foretold.out.splitlines()} == {f"would remove {each}" for each in temps}
    assert all(each.exists() for each in temps)
    found = untorn("recover", "app.toml", "--remove")
    assert (found.status, {*found.out.splitlines()}) == (0, {f"removed {each}" for each in temps})
    assert [*file.parent.iterdir()] == [file]


def test_orphans_are_moved_complete_or_not(untorn: Run, file: Path) -> None:
    temps = {orphan(file), orphan(file, b"other", held=b"o")}
    (file.parent / "kept").mkdir()
    foretold = untorn("recover", ".", "--quarantine", "kept", "--dry-run")
    assert {*foretold.out.splitlines()} == {f"would move {each} to kept" for each in temps}
    assert untorn("recover", ".", "--quarantine", "kept").status == 0
    assert {each.read_bytes() for each in (file.parent / "kept").iterdir()} == {NEW, b"o"}
    assert untorn("recover", ".").out == ".: no crashed save left anything\n"


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        (["--remove", "--restore", "x"], "one thing at a time"),
        (["--remove", "--quarantine", "x"], "one thing at a time"),
        (["--discard", "x", "--restore", "x", "--in-place", "."], "one thing at a time"),
        (["--discard", "x", "--quarantine", "x", "--in-place", "."], "one thing at a time"),
        (["--base", "x"], "--base says what --restore may replace"),
        (["--discard", "x"], "--in-place names their directory"),
    ],
)
def test_what_makes_no_sense_together_is_refused(
    untorn: Run, file: Path, argv: list[str], reason: str
) -> None:
    found = untorn("recover", "app.toml", *argv)
    assert (found.status, reason in found.err) == (2, True)


def test_a_path_that_cannot_be_looked_at_is_an_error_without_a_traceback(untorn: Run, file: Path) -> None:
    (file.parent / "circle").symlink_to("circle")
    for path in ("circle", "app.toml/below"):
        found = untorn("recover", path)
        assert (found.status, "Traceback" in found.err) == (1, False)
        assert "hint: " in found.err


# ── Exchange ────────────────────────────────────────────────────────────────


def test_what_another_program_wrote_in_the_moment_of_a_crash_is_shown_and_restored(
    untorn: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The file is a third program's by now; a save leaves both alone, a person decides."""
    monkeypatch.setattr("untorn.storage.orphans._NEWBORN_NS", 0)
    swap = file.parent / swap_name(temp_name(file.name, revision_of(b"new")), revision_of(b"base"))
    swap.write_bytes(NEW)
    link = file.with_name(".app.toml.swap")
    link.symlink_to(swap.name)
    os.utime(link, (0, 0), follow_symlinks=False)
    found = untorn("recover", "app.toml").out
    assert f"  {swap.name.split('.')[-4][:8]}  what another program wrote, 12 bytes, " in found
    assert "    -b = 2\n    +b = 3\n" in found
    assert "removes them; what another program wrote, no save does" in found
    done = untorn("recover", "app.toml", "--restore", swap.name)
    assert done.status == 0
    assert f"is kept in {swap.name}" in done.err
    assert file.read_bytes() == NEW
    assert untorn("recover", "app.toml", "--remove").status == 0
    assert [each.name for each in file.parent.iterdir()] == [file.name]


def test_what_the_file_held_before_a_crash_is_shown_and_nobody_is_advised_to_restore_it(
    untorn: Run, file: Path
) -> None:
    swap = file.parent / swap_name(temp_name(file.name, revision_of(OLD)), revision_of(NEW))
    swap.write_bytes(NEW)
    found = untorn("recover", "app.toml").out
    assert "what the file held before" in found
    assert "--restore" not in found


# ── Transactions ────────────────────────────────────────────────────────────


def test_a_transaction_that_was_cut_off_is_listed_and_its_temps_are_no_orphans(
    untorn: Run, half_done: Path
) -> None:
    before = sorted(each.name for each in half_done.iterdir())
    for named in (".", "b.toml"):
        found = untorn("recover", named)
        assert found.status == 0
        assert "it was cut off behind its commit point" in found.out
        assert "a.json: holds its new bytes" in found.out
        assert "b.toml: still holds what it held" in found.out
        assert f"--restore {transaction.RECORD}" in found.out
        data = json.loads(untorn("recover", named, "--json").out)
        assert data["orphans"] == []
        assert data["transaction"] == {
            "path": str(half_done / transaction.RECORD),
            "live": False,
            "files": {"a.json": "done", "b.toml": "waiting", "c.json": "waiting"},
        }
    untorn("recover", ".", "--remove")
    untorn("recover", ".", "--restore", transaction.RECORD, "--dry-run")
    assert sorted(each.name for each in half_done.iterdir()) == before


def test_a_transaction_is_finished_when_that_is_asked_for(untorn: Run, half_done: Path) -> None:
    found = untorn("recover", ".", "--restore", transaction.RECORD)
    assert (found.status, found.out) == (0, "finished: 3 of 3 files hold their new bytes\n")
    assert {name: (half_done / name).read_bytes() for name in transaction.NEW} == transaction.NEW
    assert transaction.is_tidy(half_done)


def test_what_another_program_wrote_since_is_kept_and_said(untorn: Run, half_done: Path) -> None:
    (half_done / "b.toml").write_bytes(b"n = 7\n")
    found = untorn("recover", "c.json", "--restore", transaction.RECORD)
    assert found.status == 1
    assert found.out.splitlines() == [
        "finished: 2 of 3 files hold their new bytes",
        "  b.toml: another program wrote it since: it stays as it is",
    ]
    assert (half_done / "b.toml").read_bytes() == b"n = 7\n"


def test_a_transaction_that_is_under_way_needs_nobody(untorn: Run, half_done: Path) -> None:
    with (half_done / transaction.RECORD).open() as record:
        fcntl.flock(record, fcntl.LOCK_EX)
        found = untorn("recover", ".")
        assert "it is under way" in found.out
        assert "--restore" not in found.out
        assert untorn("recover", ".", "--restore", transaction.RECORD, "--timeout", "0").status == 1


def test_a_file_that_a_transaction_does_not_name_has_nothing_to_recover(untorn: Run, half_done: Path) -> None:
    assert half_done.exists()
    assert untorn("recover", "other.toml").out == "other.toml: no crashed save left anything\n"
