"""The directories of a new file: made, durable, or taken away again (WRITER W4)."""

from __future__ import annotations

import errno
import os
import shutil
import signal
from pathlib import Path
from typing import Any

import pytest
from calls import os_error, watched
from processes import NOBODY, as_nobody, exit_code, forked
from targets import NEW, OLD, forgetful

import untorn
from untorn import storage
from untorn.errors import ReadError, WriteError
from untorn.storage import parents


def synced_by(path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """Return the directories that a save of ``path`` syncs, by name."""
    found: list[str] = []

    def fsync(fd: int) -> None:
        found.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
        os.fsync(fd)

    with monkeypatch.context() as patch:
        patch.setattr(storage.REAL, "fsync", fsync)
        assert untorn.write_bytes(path, NEW).durable
    return found[1:]


def test_the_name_of_each_parent_is_synced_up_to_the_mount_point(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = tmp_path / "a" / "b" / "app.conf"
    names = synced_by(file, monkeypatch)
    assert names[:3] == [str(file.parent), str(tmp_path / "a"), str(tmp_path)]
    assert names[3:] == [
        str(each) for each in tmp_path.parents if each.stat().st_dev == tmp_path.stat().st_dev
    ]


def test_each_name_is_synced_once(quick_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    untorn.write_bytes(quick_path / "a" / "one.conf", OLD)
    assert synced_by(quick_path / "a" / "two.conf", monkeypatch) == [str(quick_path / "a")]
    assert synced_by(quick_path / "b" / "one.conf", monkeypatch) == [str(quick_path / "b"), str(quick_path)]
    untorn.write_bytes(quick_path / "b" / "one.conf", OLD)
    assert synced_by(quick_path / "b" / "one.conf", monkeypatch) == [str(quick_path / "b")]


def test_parents_of_a_save_that_was_killed_are_synced_by_the_next(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = quick_path / "a" / "b" / "app.conf"

    def kill(_nth: int, name: str) -> None:
        if name == "write":
            os.kill(os.getpid(), signal.SIGKILL)

    def save() -> None:
        with watched(before=kill):
            untorn.write_bytes(file, OLD)

    assert exit_code(forked(save)) == -signal.SIGKILL
    assert file.parent.is_dir()
    assert synced_by(file, monkeypatch)[:3] == [str(file.parent), str(quick_path / "a"), str(quick_path)]


def test_a_parent_that_may_not_be_read_is_left_out(quick_path: Path) -> None:
    shut = quick_path / "shut"
    inner = shut / "inner"
    inner.mkdir(parents=True)
    inner.chmod(0o777)
    shut.chmod(0o711)

    def save() -> None:
        with forgetful():
            assert untorn.write_bytes(inner / "app.conf", NEW).durable

    as_nobody(save)


def test_a_parent_of_ones_own_that_may_not_be_read_is_not_known_to_be_durable(quick_path: Path) -> None:
    shut = quick_path / "shut"
    shut.mkdir()
    shut.chmod(0o733)

    def save() -> None:
        receipt = untorn.write_bytes(shut / "made" / "app.conf", NEW)
        assert (receipt.durable, len(receipt.warnings)) == (False, 1)

    as_nobody(save)


def test_a_save_that_loses_a_race_and_cannot_tidy_up_says_so(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = quick_path / "app.conf"
    file.write_bytes(OLD)

    def interfere(_nth: int, name: str) -> None:
        if name == "unlink":
            raise os_error(errno.EIO)
        if name == "flock":
            file.write_bytes(OLD + b"more")

    with watched(before=interfere), pytest.raises(WriteError) as caught:
        untorn.write_bytes(file, NEW)
    assert file.read_bytes() == OLD + b"more"
    assert caught.value.left_behind is not None
    link = quick_path / ".app.conf.swap"
    assert {*quick_path.iterdir()} == {file, caught.value.left_behind, link}
    assert link.readlink() == Path(caught.value.left_behind.name)
    untorn.write_bytes(file, NEW)
    assert [each.name for each in quick_path.iterdir()] == ["app.conf"]


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can make links for others")
@pytest.mark.parametrize(
    "use", [untorn.load, lambda path: untorn.write_bytes(path, NEW)], ids=["load", "save"]
)
def test_a_link_that_another_planted_where_everybody_may_is_not_followed(
    quick_path: Path, use: object
) -> None:
    victim = quick_path / "victim.json"
    victim.write_bytes(b"{}")
    shared = quick_path / "shared"
    shared.mkdir()
    shared.chmod(0o1777)
    link = shared / "app.json"
    link.symlink_to(victim)
    os.lchown(link, NOBODY, NOBODY)
    with pytest.raises(ReadError, match="made by another user") as caught:
        use(link)  # type: ignore[operator]
    assert caught.value.errno == errno.EACCES
    assert victim.read_bytes() == b"{}"
    shared.chmod(0o755)
    use(link)  # type: ignore[operator]


def test_what_a_save_owes_for_the_parents_a_changed_one_pays(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = quick_path / "a" / "app.conf"
    untorn.write_bytes(file, OLD, durability="none")
    assert synced_by(file, monkeypatch)[:2] == [str(file.parent), str(quick_path)]
    assert synced_by_an_unchanged_save(file, monkeypatch) == []


def test_what_a_save_owes_an_unchanged_one_pays_if_it_shall_be_durable(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    file = quick_path / "a" / "app.conf"
    untorn.write_bytes(file, NEW, durability="none")
    assert synced_by_an_unchanged_save(file, monkeypatch, durability="none") == []
    assert synced_by_an_unchanged_save(file, monkeypatch)[:2] == [str(file.parent), str(quick_path)]


def test_a_directory_that_was_made_again_is_synced_again(
    quick_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its inode may have the number of the one before."""
    file = quick_path / "a" / "app.conf"
    for _ in range(2):
        device = quick_path.stat().st_dev
        monkeypatch.setattr(parents, "_named", {(device, inode) for inode in range(1_000_000)})
        assert synced_by(file, monkeypatch)[:2] == [str(file.parent), str(quick_path)]
        shutil.rmtree(file.parent)


def synced_by_an_unchanged_save(path: Path, monkeypatch: pytest.MonkeyPatch, **keywords: Any) -> list[str]:
    found: list[str] = []
    with monkeypatch.context() as patch:
        patch.setattr(
            storage.REAL, "fsync", lambda fd: found.append(str(Path(f"/proc/self/fd/{fd}").readlink()))
        )
        assert not untorn.write_bytes(path, NEW, **keywords).changed
    return found


@pytest.mark.parametrize("opened", ["a", ".tmp"], ids=["before it is opened", "before the temp is made"])
def test_a_directory_that_a_failed_save_takes_away_is_made_again(quick_path: Path, opened: str) -> None:
    """It had made it for itself, and this save found it there."""
    file = quick_path / "a" / "app.conf"
    removed = []

    def interfere(nth: int, name: str) -> None:
        is_it = name == "open" and str(watch.arguments[nth][0]).endswith(opened)
        if is_it and not removed and file.parent.is_dir():
            file.parent.rmdir()
            removed.append(nth)

    with watched(before=interfere) as watch:
        untorn.write_bytes(file, NEW)
    assert removed
    assert file.read_bytes() == NEW


def test_a_directory_that_never_stays_is_an_error(quick_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(storage.REAL, "mkdir", lambda *_, **__: None)
    with pytest.raises(WriteError, match="No such file or directory"):
        untorn.write_bytes(quick_path / "a" / "app.conf", NEW)
