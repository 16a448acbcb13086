"""What identifies the bytes of a file."""

from __future__ import annotations

import pickle
from pathlib import Path

import pytest

from untorn.revisions import Revision, Snapshot, revision_of


def test_two_revisions_are_equal_if_and_only_if_the_bytes_were() -> None:
    assert revision_of(b"a") == revision_of(b"a") != revision_of(b"b")
    assert revision_of(None) == Revision(None) != revision_of(b"")
    assert len({revision_of(b"a"), revision_of(b"a"), revision_of(None)}) == 2
    assert Revision(None) != None  # noqa: E711  not equal to what merely looks like it


def test_a_revision_does_not_change() -> None:
    revision = revision_of(b"a")
    with pytest.raises(AttributeError):
        revision.digest = "b"  # type: ignore[misc]
    with pytest.raises(AttributeError):
        revision.other = "b"  # type: ignore[attr-defined]


def test_a_revision_pickles_and_shows_itself() -> None:
    revision = revision_of(b"a")
    assert pickle.loads(pickle.dumps(revision)) == revision
    assert str(revision) == (revision.digest or "")[:12]
    assert str(Revision(None)) == "(no file)"
    assert eval(repr(revision)) == revision


def test_a_revision_matches_by_its_digest() -> None:
    match Revision("abc"):
        case Revision(digest):
            assert digest == "abc"


def test_snapshots_are_equal_if_file_and_bytes_are() -> None:
    one = Snapshot(Path("/a"), b"1")
    assert one == Snapshot("/a", b"1")
    assert hash(one) == hash(Snapshot("/a", b"1"))
    assert one not in (Snapshot("/b", b"1"), Snapshot("/a", b"2"), Snapshot("/a", None), "/a")


def test_the_path_of_a_snapshot_is_a_path_however_it_was_given() -> None:
    assert Snapshot("/a", None).path == Snapshot(Path("/a"), None).path == Path("/a")
    assert Snapshot("/a", b"1").revision == revision_of(b"1")
    assert repr(Snapshot("/a", b"1")) == "Snapshot(path='/a', data=b'1')"
