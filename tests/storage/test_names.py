"""Orphans of dead writers go with the next save; whatever else bears such a name stays (W7, W18)."""

from __future__ import annotations

import errno
import fcntl
import os
from typing import TYPE_CHECKING

import pytest
from calls import os_error, watched
from processes import NOBODY
from targets import NEW, OLD, forgetful

import untorn
from untorn import storage
from untorn.errors import WriteError
from untorn.records import revision_of
from untorn.storage import sweeps
from untorn.storage.names import temp_name

if TYPE_CHECKING:
    from pathlib import Path


@pytest.fixture
def file(quick_path: Path) -> Path:
    path = quick_path / "app.conf"
    path.write_bytes(OLD)
    return path


def orphan(path: Path) -> Path:
    return path.parent / temp_name(path.name, revision_of(NEW))


def test_a_thousand_orphans_go_with_the_next_save(file: Path) -> None:
    for _ in range(1000):
        orphan(file).write_bytes(b"")
    untorn.write_bytes(file, NEW)
    assert [each.name for each in file.parent.iterdir()] == ["app.conf"]


def test_what_is_not_an_orphan_of_this_file_stays(file: Path) -> None:
    linked, link, directory, fifo, live = (orphan(file) for _ in range(5))
    linked.write_bytes(b"two names")
    file.with_name("second").hardlink_to(linked)
    link.symlink_to("second")
    directory.mkdir()
    os.mkfifo(fifo)
    live.write_bytes(b"its writer lives")
    others = [orphan(file.with_name("other.conf")), file.with_name(".app.conf.tmp")]
    if os.geteuid() == 0:
        others.append(orphan(file))
    for each in others:
        each.write_bytes(b"")
    if os.geteuid() == 0:
        os.chown(others[-1], NOBODY, NOBODY)
    with live.open("rb") as writer:
        fcntl.flock(writer, fcntl.LOCK_EX)
        before = set(file.parent.iterdir())
        untorn.write_bytes(file, NEW)
        assert set(file.parent.iterdir()) == before
    with forgetful():
        untorn.write_bytes(file, OLD)
    assert set(file.parent.iterdir()) == before - {live}


def test_two_long_names_with_one_beginning_share_no_orphans(quick_path: Path) -> None:
    first, second = (quick_path / ("x" * 250 + end) for end in "ab")
    mine, theirs = orphan(first), orphan(second)
    for each in (mine, theirs):
        assert len(each.name) <= 255
        each.write_bytes(b"")
    untorn.write_bytes(first, NEW)
    assert (mine.exists(), theirs.exists()) == (False, True)


def test_a_temp_that_cannot_be_removed_is_named_and_goes_with_the_next_save(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_arguments: object, **_keywords: object) -> None:
        raise os_error(errno.EROFS)

    with monkeypatch.context() as patching:
        patching.setattr(storage.REAL, "rename", fail)
        patching.setattr(storage.REAL, "unlink", fail)
        with pytest.raises(WriteError) as caught:
            untorn.write_bytes(file, NEW)
    left = caught.value.left_behind
    assert left is not None
    assert left.exists()
    assert str(left) in str(caught.value)
    untorn.write_bytes(file, NEW)
    assert not left.exists()


def leave_during_a_save(file: Path) -> Path:
    """Let another writer die in the middle of a save of this process, which has looked around before."""
    untorn.write_bytes(file, NEW)
    untorn.write_bytes(file, OLD)
    left = orphan(file)
    with watched(before=lambda _nth, name: left.write_bytes(b"") if name == "flock" else None):
        untorn.write_bytes(file, NEW)
    assert left.exists()
    return left


def test_an_orphan_that_came_during_a_save_goes_after_a_while(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    left = leave_during_a_save(file)
    monkeypatch.setattr(sweeps, "LOOK_AGAIN", 0.0)
    untorn.write_bytes(file, OLD)
    assert not left.exists()


def test_an_orphan_that_came_during_a_save_goes_with_the_next_one_of_any_other_process(file: Path) -> None:
    left = leave_during_a_save(file)
    with forgetful():
        untorn.write_bytes(file, OLD)
    assert not left.exists()


def test_a_process_that_sees_a_save_of_another_one_looks(file: Path) -> None:
    left = leave_during_a_save(file)
    other = file.with_name("other")
    other.write_bytes(b"theirs")
    other.replace(file)
    sweeps._left[file.parent].change = file.parent.stat().st_mtime_ns  # as if that had been all the while
    untorn.write_bytes(file, OLD)
    assert not left.exists()


@pytest.mark.skipif(os.geteuid() != 0, reason="only root gives files away")
def test_an_orphan_that_root_left_to_the_files_owner_goes_with_the_next_save(file: Path) -> None:
    os.chown(file, NOBODY, NOBODY)
    left = orphan(file)
    left.write_bytes(NEW)
    os.chown(left, NOBODY, NOBODY)
    untorn.write_bytes(file, NEW)
    assert not left.exists()
