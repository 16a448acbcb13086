"""The save pipeline: proof, validation, races, and what each refusal leaves (promises 2-8)."""

from __future__ import annotations

import errno
from dataclasses import replace
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import untorn
from untorn import drafts, saving, storage
from untorn.changes import Delete
from untorn.edits import Span, TextEdit
from untorn.errors import (
    ConflictError,
    ImpreciseEditError,
    NotDurableError,
    ParseError,
    ProofError,
    RejectedError,
    UnknownOutcomeError,
    UnrepresentableError,
)
from untorn.records import Located, Problem
from untorn.sdk import hookimpl
from untorn.storage import locking

if TYPE_CHECKING:
    from collections.abc import Iterable
    from pathlib import Path

    from untorn.changes import Operation
    from untorn.records import Proposal, Receipt
    from untorn.values import Value


class Lines:
    """A format for these tests: ``key=value`` lines; whole lines are spliced."""

    name = "lines"
    suffixes = (".lines",)

    def parse(self, text: str) -> Value:
        value = {}
        for number, line in enumerate(text.splitlines(), 1):
            key, equals, rest = line.partition("=")
            if not equals:
                msg = "expected key=value"
                raise ParseError(msg, line=number, column=1)
            value[key] = rest
        return value

    def render(self, value: Value) -> str:
        return "".join(f"{key}={item}\n" for key, item in value.items())


class Patching(Lines):
    """The same, with edits: it appends a line for each change, and can do no more."""

    def patch(self, text: str, operations: Iterable[Operation]) -> Iterable[TextEdit]:
        new = "".join(f"{each.path[0]}={each.value}\n" for each in operations)  # type: ignore[union-attr]
        return [TextEdit(len(text), len(text), new)]

    def locate(self, text: str, keypath: tuple[Any, ...]) -> None:
        """This format has no positions."""


class Wrong(Patching):
    """A serializer with a defect: its edits say something else."""

    def patch(self, text: str, operations: Iterable[Operation]) -> Iterable[TextEdit]:
        list(operations)
        return [TextEdit(len(text), len(text), "a=wrong\n")]


class Invalid(Patching):
    """A serializer with a defect: its edits break the text."""

    def patch(self, text: str, operations: Iterable[Operation]) -> Iterable[TextEdit]:
        list(operations)
        return [TextEdit(len(text), len(text), "broken\n")]


class Refusing(Patching):
    """A serializer that can make no edit precisely."""

    def patch(self, text: str, operations: Iterable[Operation]) -> Iterable[TextEdit]:
        msg = "cannot"
        raise ImpreciseEditError(msg)


def host_with(serializer: Lines, **hooks: Any) -> untorn.Host:
    """A host with one serializer and hooks."""

    @hookimpl
    def untorn_serializers() -> list[Lines]:
        return [serializer]

    marked = {name: hookimpl(function) for name, function in hooks.items()}
    return untorn.Host(plugins=[SimpleNamespace(untorn_serializers=untorn_serializers, **marked)])


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "app.lines"
    target.write_text("a=1\nb=2\n")
    return target


# ── Proof (promise 5) ───────────────────────────────────────────────────────


@pytest.mark.parametrize(("serializer", "reason"), [(Wrong(), "read back"), (Invalid(), "not be valid")])
def test_bytes_that_do_not_read_back_as_the_value_are_never_written(
    path: Path, serializer: Lines, reason: str
) -> None:
    host = host_with(serializer)
    value = host.load(path)
    value["c"] = "3"
    with pytest.raises(ProofError, match=reason):
        host.save(path, value)
    assert path.read_text() == "a=1\nb=2\n"
    assert [each.name for each in path.parent.iterdir()] == [path.name]


class Locating(Wrong):
    """A serializer with a defect: it can do neither, and refuses no move and no comment."""

    def __init__(self, new: str) -> None:
        self.new = new

    def patch(self, text: str, operations: Iterable[Operation]) -> Iterable[TextEdit]:
        list(operations)
        return [TextEdit(len(text), len(text), self.new)]

    def locate(self, text: str, keypath: tuple[Any, ...]) -> Located:  # type: ignore[override]
        self.parse(text)
        return Located(Span(0, 1), entry=Span(0, 1))


class OneAtATime(Patching):
    """A serializer with a defect: of several operations it makes the first one only."""

    def patch(self, text: str, operations: Iterable[Operation]) -> Iterable[TextEdit]:
        return super().patch(text, list(operations)[:1])


def test_operations_that_a_serializer_cannot_make_at_once_are_made_one_by_one(path: Path) -> None:
    host = host_with(OneAtATime())
    value = host.load(path)
    value |= {"c": "3", "d": "4", "e": "5"}
    host.save(path, value)
    assert path.read_text() == "a=1\nb=2\nc=3\nd=4\ne=5\n"


@pytest.mark.parametrize("new", ["", "broken\n"])
def test_a_comment_that_is_not_read_back_is_refused(path: Path, new: str) -> None:
    document = host_with(Locating(new)).open(path)
    with pytest.raises(ImpreciseEditError, match="would not be read as a comment of this entry"):
        document.set_comment("a", above="first")
    assert document.text == "a=1\nb=2\n"


@pytest.mark.parametrize("new", ["", "broken\n", "c=3\n"])
def test_a_move_that_is_not_read_back_is_refused(path: Path, new: str) -> None:
    document = host_with(Locating(new)).open(path)
    with pytest.raises(ImpreciseEditError, match="depends on it"):
        document.move("a", 1)
    assert document.text == "a=1\nb=2\n"


def test_a_precise_edit_of_a_plugin_is_made(path: Path) -> None:
    host = host_with(Patching())
    value = host.load(path)
    value["c"] = "3"
    host.save(path, value)
    assert path.read_text() == "a=1\nb=2\nc=3\n"


@pytest.mark.parametrize("serializer", [Lines(), Refusing(), Wrong(), Invalid()])
def test_only_allow_reformat_renders_an_existing_document(path: Path, serializer: Lines) -> None:
    path.write_bytes(b"a=1\r\nb=2")
    host = host_with(serializer)
    value = host.load(path)
    value["c"] = "3"
    with pytest.raises((ImpreciseEditError, ProofError)):
        host.save(path, value)
    assert path.read_bytes() == b"a=1\r\nb=2"
    host.save(path, value, allow_reformat=True)
    assert path.read_bytes() == b"a=1\r\nb=2\r\nc=3"


def test_a_defect_that_breaks_the_text_is_rendered_over_when_that_is_allowed(path: Path) -> None:
    host = host_with(Invalid())
    host.save(path, {**host.load(path), "c": "3"}, allow_reformat=True)
    assert path.read_text() == "a=1\nb=2\nc=3\n"


def test_a_change_that_leads_nowhere_is_a_key_path_error(path: Path) -> None:
    with pytest.raises(untorn.KeyPathError, match="no such place"):
        drafts.applied_checked({"a": 1}, [Delete(("b",))])


def test_a_document_may_be_allowed_to_reformat(path: Path) -> None:
    host = host_with(Refusing())
    doc = host.open(path)
    with pytest.raises(ImpreciseEditError):
        doc.set("c", "3")
    doc["c"] = "3"
    doc.save(allow_reformat=True)
    assert host.load(path) == {"a": "1", "b": "2", "c": "3"}
    doc = host.open(path, allow_reformat=True)
    doc.set("d", "4")
    doc.save()
    assert host.load(path)["d"] == "4"


def test_a_format_that_is_nothing_but_its_value_is_rendered_without_asking(path: Path) -> None:
    serializer = Lines()
    serializer.value_only = True  # type: ignore[attr-defined]
    host = host_with(serializer)
    host.save(path, {**host.load(path), "c": "3"})
    assert path.read_text() == "a=1\nb=2\nc=3\n"


def test_a_text_that_its_encoding_cannot_hold_is_refused(path: Path) -> None:
    host = host_with(Patching())
    with pytest.raises(UnrepresentableError, match="cannot hold"):
        host.save(path, {**host.load(path), "c": "\ud800"})
    assert path.read_text() == "a=1\nb=2\n"


# ── Validators (promise 6) ──────────────────────────────────────────────────


def test_a_validator_sees_the_very_bytes_text_value_and_changes(path: Path) -> None:
    seen: list[Proposal] = []

    def untorn_validate(proposal: Proposal) -> list[Problem]:
        seen.append(proposal)
        return []

    host = host_with(Patching(), untorn_validate=untorn_validate)
    host.save(path, {**host.load(path), "c": "3"})
    [proposal] = seen
    assert proposal.data == path.read_bytes()
    assert proposal.text == "a=1\nb=2\nc=3\n"
    assert proposal.value == {"a": "1", "b": "2", "c": "3"}
    assert proposal.base == {"a": "1", "b": "2"}
    assert str(proposal.changes) == "set c"
    assert (proposal.path, proposal.format) == (path, "lines")


def test_an_objection_refuses_the_save_and_nothing_is_written(path: Path) -> None:
    def untorn_validate(proposal: Proposal) -> list[Problem]:
        return [Problem("no", where=("c",))]

    host = host_with(Patching(), untorn_validate=untorn_validate)
    with pytest.raises(RejectedError) as caught:
        host.save(path, {**host.load(path), "c": "3"})
    [problem] = caught.value.problems
    assert problem.message == "no"
    assert "no" in str(caught.value)
    assert path.read_text() == "a=1\nb=2\n"


def test_a_validator_is_not_asked_when_nothing_would_be_written(path: Path) -> None:
    def untorn_validate(proposal: Proposal) -> list[Problem]:
        return [Problem("no")]

    host = host_with(Patching(), untorn_validate=untorn_validate)
    assert not host.save(path, host.load(path)).changed


def test_opaque_writes_are_validated_with_format_none(path: Path) -> None:
    def untorn_validate(proposal: Proposal) -> list[Problem]:
        assert proposal.format is None
        assert proposal.text is None
        assert proposal.locate(("a",)) is None
        return [Problem("no")] if b"bad" in proposal.data else []

    host = host_with(Patching(), untorn_validate=untorn_validate)
    host.write_text(path, "good")
    with pytest.raises(RejectedError):
        host.write_bytes(path, b"bad")
    assert path.read_bytes() == b"good"


def test_a_validator_reads_a_file_beside_the_target(path: Path) -> None:
    (path.parent / "schema").write_text("yes")
    read = []

    def untorn_validate(proposal: Proposal) -> list[Problem]:
        read.append(proposal.read("schema"))
        with pytest.raises(FileNotFoundError):
            proposal.read("nothing")
        return []

    host = host_with(Patching(), untorn_validate=untorn_validate)
    host.save(path, {**host.load(path), "c": "3"})
    assert read == [b"yes"]


def test_whoever_listens_is_told_of_a_finished_save_and_of_nothing_else(path: Path) -> None:
    told = []

    def untorn_saved(receipt: Receipt) -> None:
        told.append(receipt)

    host = host_with(Patching(), untorn_saved=untorn_saved)
    value = host.load(path)
    host.save(path, value)
    assert told == []
    value["c"] = "3"
    assert told == [host.save(path, value)]


# ── Races (promises 7 and 8) ────────────────────────────────────────────────


def racing(path: Path, times: int) -> Any:
    """A validator in whose time somebody else changes the file, ``times`` times."""
    left = [times]

    def untorn_validate(proposal: Proposal) -> list[Problem]:
        if left[0]:
            left[0] -= 1
            path.write_text(path.read_text() + f"x{left[0]}=1\n")
        return []

    return untorn_validate


def test_a_save_that_never_wins_ends_with_words(path: Path) -> None:
    host = host_with(Patching(), untorn_validate=racing(path, 1000))
    with pytest.raises(ConflictError, match="another program"):
        host.save(path, {**host.load(path), "c": "3"})
    assert "c" not in host.load(path)


@pytest.mark.parametrize("times", [1, 2, 3, 6])
def test_a_save_that_loses_races_loses_no_change(path: Path, times: int) -> None:
    host = host_with(Patching(), untorn_validate=racing(path, times))
    receipt = host.save(path, {**host.load(path), "c": "3"})
    assert receipt.replayed
    found = host.load(path)
    assert found["c"] == "3"
    assert all(found[f"x{n}"] == "1" for n in range(times))


def test_an_edit_whose_file_was_changed_by_a_stranger_replays(path: Path) -> None:
    host = host_with(Patching())
    with host.edit(path) as doc:
        doc.set("c", "3")
        path.write_text("a=1\nb=2\nforeign=1\n")
    assert host.load(path) == {"a": "1", "b": "2", "foreign": "1", "c": "3"}
    assert doc.receipt is not None
    assert doc.receipt.replayed


def test_an_edit_never_takes_an_equal_change_of_a_stranger_for_its_own(path: Path) -> None:
    host = host_with(Patching())
    with pytest.raises(ConflictError), host.edit(path) as doc:
        doc.set("c", "3")
        path.write_text("a=1\nb=2\nc=3\n")
    assert path.read_text() == "a=1\nb=2\nc=3\n"


def test_an_update_runs_again_on_what_a_stranger_left(path: Path) -> None:
    host = host_with(Patching())
    runs = []

    def count(doc: untorn.Document) -> None:
        runs.append(doc.get("b"))
        if len(runs) == 1:
            path.write_text("a=1\nb=5\n")
        doc.set("c", str(int(doc.get("b")) + 1))

    receipt = host.update(path, count)
    assert runs == ["2", "5"]
    assert receipt.changed
    assert host.load(path) == {"a": "1", "b": "5", "c": "6"}


def test_an_update_that_never_wins_ends_with_words(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("untorn.editing._TRIES", 2)
    host = host_with(Patching())
    runs: list[int] = []

    def lose(doc: untorn.Document) -> None:
        runs.append(1)
        path.write_text(f"a={len(runs)}\nb=x\n")
        doc.set("c", "1")

    with pytest.raises(ConflictError, match="each of 2 tries"):
        host.update(path, lose)
    assert path.read_text() == "a=2\nb=x\n"


def test_an_edit_saves_nothing_if_its_block_raises(path: Path) -> None:
    host = host_with(Patching())
    with pytest.raises(ZeroDivisionError), host.edit(path) as doc:
        doc.set("c", "3")
        raise ZeroDivisionError
    assert path.read_text() == "a=1\nb=2\n"


@pytest.mark.parametrize("way", ["edit", "update"])
def test_an_interrupt_where_the_lock_ends_says_that_the_edit_was_committed(
    tmp_path: Path, way: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "app.json"
    path.write_text('{"n": 1}\n')

    end_turn = locking._end_turn

    def interrupted(*turn: Any) -> None:
        end_turn(*turn)
        raise KeyboardInterrupt

    monkeypatch.setattr(locking, "_end_turn", interrupted)
    with pytest.raises(KeyboardInterrupt) as raised:
        if way == "edit":
            with untorn.edit(path) as doc:
                doc.set("n", 2)
        else:
            untorn.update(path, lambda doc: doc.set("n", 2))
    assert raised.value.__notes__ == [f"untorn: {path}: the new content is in place"]
    assert path.read_text() == '{"n": 2}\n'


def test_an_edit_inside_an_edit_of_the_same_file_is_an_error_not_a_deadlock(path: Path) -> None:
    host = host_with(Patching())
    with host.edit(path), pytest.raises(untorn.SaveError), host.edit(path, timeout=1):
        pass


# ── Behind the commit point ─────────────────────────────────────────────────


def published(monkeypatch: pytest.MonkeyPatch, **fields: Any) -> None:
    """Let every commit end with these fields."""
    publish = storage.Prepared.publish

    def changed(self: storage.Prepared, held: storage.Held) -> storage.Published:
        real = publish(self, held)
        assert real is not None
        return replace(real, **fields)

    monkeypatch.setattr(storage.Prepared, "publish", changed)


def test_a_disk_that_does_not_confirm_is_said_with_the_receipt(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    published(monkeypatch, durable=False, error=OSError(errno.EIO, "I/O error"))
    with pytest.raises(NotDurableError) as caught:
        untorn.write_text(path, "new")
    assert path.read_text() == "new"
    assert caught.value.receipt.changed
    assert str(path) in str(caught.value)


def test_a_sync_that_is_owed_is_paid_or_refused_again(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def refuse(_fd: int) -> None:
        raise OSError(errno.EIO, "I/O error")

    real = storage.REAL.fsync
    synced: list[int] = []

    def once(fd: int) -> None:
        if synced:
            refuse(fd)
        synced.append(fd)
        real(fd)

    monkeypatch.setattr(storage.REAL, "fsync", once)
    with pytest.raises(NotDurableError):
        untorn.write_text(path, "new")
    with pytest.raises(NotDurableError) as caught:
        untorn.write_text(path, "new")
    assert not caught.value.receipt.changed
    monkeypatch.setattr(storage.REAL, "fsync", lambda fd: (synced.append(fd), real(fd))[1])
    count = len(synced)
    assert not untorn.write_text(path, "new").changed
    assert len(synced) > count
    count = len(synced)
    untorn.write_text(path, "new")
    assert len(synced) == count


def test_a_document_without_changes_pays_what_is_owed(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    document = untorn.open(path, format="toml")
    document.set("a", 5)
    document.save(durability="none")
    synced: list[int] = []
    real = storage.REAL.fsync
    monkeypatch.setattr(storage.REAL, "fsync", lambda fd: (synced.append(fd), real(fd))[1])
    assert not document.save().changed
    assert synced
    count = len(synced)
    assert not document.save().changed
    assert len(synced) == count


def test_a_document_without_changes_learns_what_the_file_holds_by_now(path: Path) -> None:
    document = untorn.open(path, format="toml")
    path.write_text("a = 7\n")
    assert not document.changed
    assert not document.save().changed
    assert document.value == {"a": 7}
    assert document.revision == untorn.open(path, format="toml").revision


@pytest.mark.parametrize("remove", [True, False])
def test_a_document_without_changes_says_that_its_file_is_gone(path: Path, *, remove: bool) -> None:
    document = untorn.open(path, format="toml")
    path.unlink()
    if not remove:
        path.mkdir()
    with pytest.raises((ConflictError, untorn.ReadError)) as caught:
        document.save()
    assert ("deleted" if remove else "directory") in str(caught.value)


def test_a_document_of_no_file_counts_as_changed(path: Path) -> None:
    path.unlink()
    assert untorn.open(path, format="toml", create=True).changed


def test_an_unknown_outcome_is_said_with_the_receipt(path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    published(monkeypatch, durable=False, unknown=True, error=OSError(errno.ESTALE, "stale"))
    with pytest.raises(UnknownOutcomeError, match="stale"):
        untorn.write_text(path, "new")


def test_commit_takes_nothing_that_was_not_approved() -> None:
    assert saving.commit.__annotations__["approved"] == "Approved"
