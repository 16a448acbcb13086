"""What others do to the file and its directory while a save runs, before each of its calls."""

from __future__ import annotations

import os
import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import untorn
from evidence.calls import watched
from evidence.hostile.ground import NEW, OLD, OTHER, REFUSALS, Ground, need_root, place
from evidence.targets import held_by, litter

if TYPE_CHECKING:
    from collections.abc import Callable

THEIRS = b"theirs\n"


def _refused(outcome: BaseException | None) -> bool:
    return isinstance(outcome, REFUSALS)


@place
def a_directory_that_is_renamed_takes_the_save_with_it_or_nothing_is_saved(ground: Ground) -> None:
    def judge(file: Path, outcome: BaseException | None) -> None:
        away = held_by(file.parent.with_name("away") / "app.conf")
        assert away in (OLD, NEW)
        assert outcome is not None or NEW in (away, held_by(file))
        assert not _refused(outcome) or (away == OLD and held_by(file) is None)

    ground.at_each_call(lambda file: file.parent.rename(file.parent.with_name("away")), judge)


@place
def a_directory_that_is_replaced_by_another_is_not_mixed_up(ground: Ground) -> None:
    def swap(file: Path) -> None:
        file.parent.rename(file.parent.with_name("away"))
        file.parent.mkdir()
        file.write_bytes(THEIRS)

    def judge(file: Path, outcome: BaseException | None) -> None:
        away = held_by(file.parent.with_name("away") / "app.conf")
        assert away in (OLD, NEW)
        assert file.read_bytes() in (THEIRS, NEW)
        assert outcome is not None or NEW in (away, file.read_bytes())
        assert not _refused(outcome) or (away, file.read_bytes()) == (OLD, THEIRS)

    ground.at_each_call(swap, judge)


@place
def a_directory_that_becomes_a_link_to_another_is_not_mixed_up(ground: Ground) -> None:
    elsewhere = ground.directory("elsewhere")
    victim = ground.file(elsewhere / "app.conf", mode=0o600)

    def swap(file: Path) -> None:
        file.parent.rename(file.parent.with_name("away"))
        file.parent.symlink_to(elsewhere)

    def judge(file: Path, outcome: BaseException | None) -> None:
        away = held_by(file.parent.with_name("away") / "app.conf")
        assert away in (OLD, NEW)
        assert victim.read_bytes() in (OLD, NEW)
        assert outcome is not None or NEW in (away, victim.read_bytes())
        assert victim.stat().st_mode & 0o777 == 0o600
        victim.write_bytes(OLD)

    ground.at_each_call(swap, judge)


@place
def a_directory_that_is_removed_stays_removed_or_is_made_again(ground: Ground) -> None:
    def judge(file: Path, outcome: BaseException | None) -> None:
        found = held_by(file)
        # None: it was removed behind the commit, or the save went with the directory.
        assert found in (None, NEW)
        if _refused(outcome):
            assert found is None
            assert not file.parent.exists(), "a directory was made for nothing"

    ground.at_each_call(lambda file: shutil.rmtree(file.parent), judge)


@place
def a_file_that_is_removed_is_made_again_or_was_saved_before(ground: Ground) -> None:
    def remove(file: Path) -> None:
        file.unlink(missing_ok=True)

    def judge(file: Path, outcome: BaseException | None) -> None:
        assert held_by(file) in (None, NEW)
        assert not _refused(outcome) or held_by(file) is None

    ground.at_each_call(remove, judge)


@place
def a_secret_that_is_removed_and_made_again_is_never_shown(ground: Ground) -> None:
    """An editor that unlinks and creates leaves a moment in which there is no file to take the mode from."""
    os.umask(0o022)
    made: list[str] = []
    wide: list[str] = []
    for nth in range(-1, 1000):
        if nth >= len(made) > 0:
            break
        file = ground.file(ground.directory(f"{nth}") / "app.conf", mode=0o600)
        at = nth

        def remove(number: int, _name: str, at: int = at, file: Path = file) -> None:
            if number == at:
                file.unlink(missing_ok=True)

        def look(number: int, name: str, at: int = at, file: Path = file) -> None:
            temps = [each for each in os.scandir(file.parent) if each.name.endswith(".tmp")]
            if any(each.stat(follow_symlinks=False).st_mode & 0o077 for each in temps):
                wide.append(f"removed before call {at}: seen after call {number} ({name})")

        with watched(before=remove, after=look) as watch:
            _secretly_saved(file)
        ground.count()
        made = made or watch.made
    assert not wide, wide[0]


def _secretly_saved(file: Path) -> None:
    """Save what was made from the file's content: an edit, which cannot be made from nothing."""
    try:
        untorn.update(file, lambda doc: doc.set("old", 2), format="toml", timeout=0)
    except (FileNotFoundError, untorn.UntornError):
        return


def _link_to_a_device(path: Path) -> None:
    path.symlink_to("/dev/null")


@place
def a_file_that_becomes_something_else_is_refused_or_was_saved_before(ground: Ground) -> None:
    kinds: list[Callable[[Path], object]] = [os.mkfifo, Path.mkdir, _link_to_a_device]
    for number, make in enumerate(kinds):

        def become(file: Path, make: Callable[[Path], object] = make) -> None:
            file.unlink()
            make(file)

        def judge(file: Path, outcome: BaseException | None) -> None:
            if outcome is None:
                assert file.is_symlink() or not file.is_file() or file.read_bytes() == NEW
            else:
                assert not file.is_file() or file.is_symlink()

        ground.within(ground.directory(f"kind{number}")).at_each_call(become, judge)


@place
def what_others_write_at_any_call_is_never_mixed_with_ours(ground: Ground) -> None:
    """As bytes, the last one wins; a temp that was renamed over by theirs must not come back."""

    def judge(file: Path, outcome: BaseException | None) -> None:
        assert file.read_bytes() in (THEIRS, NEW)
        assert not _refused(outcome) or file.read_bytes() == THEIRS

    def rename_over(file: Path) -> None:
        other = file.with_name("other")
        other.write_bytes(THEIRS)
        other.rename(file)

    ground.at_each_call(rename_over, judge)


@place
def a_mode_that_is_tightened_before_the_last_look_stays_tight(ground: Ground) -> None:
    def judge(file: Path, _outcome: BaseException | None) -> None:
        looked = file.stat().st_mode & 0o777
        assert looked in (0o600, 0o640)
        # Between the last look and the rename nobody can know of it.
        if looked == 0o640:
            late.append(file.parent.parent.name)

    late: list[str] = []
    ground.at_each_call(lambda file: file.chmod(0o600), judge)
    assert len(late) <= 1, late


@place
def an_owner_that_changes_is_never_undone_unsaid(ground: Ground) -> None:
    need_root()
    late: list[str] = []

    def judge(file: Path, _outcome: BaseException | None) -> None:
        if file.stat().st_uid != OTHER:
            late.append(file.parent.parent.name)

    ground.at_each_call(lambda file: os.chown(file, OTHER, OTHER), judge)
    assert len(late) <= 1, late


@place
def a_temp_that_a_cleaner_removes_costs_this_save_only(ground: Ground) -> None:
    def clean(file: Path) -> None:
        for each in file.parent.iterdir():
            if each.name.endswith(".tmp"):
                each.unlink()

    def judge(file: Path, outcome: BaseException | None) -> None:
        assert file.read_bytes() == (OLD if _refused(outcome) else NEW)
        untorn.write_bytes(file, THEIRS, timeout=0)
        assert file.read_bytes() == THEIRS

    ground.at_each_call(clean, judge)


@place
def a_hard_link_that_appears_during_a_save_keeps_the_old_content(ground: Ground) -> None:
    def link(file: Path) -> None:
        file.with_name("other").hardlink_to(file)

    def judge(file: Path, _outcome: BaseException | None) -> None:
        assert file.read_bytes() in (OLD, NEW)
        assert file.with_name("other").read_bytes() in (OLD, NEW)

    ground.at_each_call(link, judge)


@place
def parents_that_others_make_or_use_meanwhile_stay(ground: Ground) -> None:
    made: list[str] = []
    untorn.write_bytes(ground.root / "before" / "app.conf", NEW)  # the names above are durable from then on
    for at in range(-1, 200):
        if made and at >= len(made):
            break
        file = ground.root / f"{at}" / "a" / "b" / "app.conf"

        def use(number: int, _name: str, at: int = at, file: Path = file) -> None:
            if number == at:
                file.parent.mkdir(parents=True, exist_ok=True)
                (file.parent / "theirs").write_bytes(THEIRS)

        with watched(before=use) as watch:
            untorn.write_bytes(file, NEW, timeout=0)
        ground.count()
        made = made or watch.made
        assert file.read_bytes() == NEW
        assert at < 0 or (file.parent / "theirs").read_bytes() == THEIRS
        assert not litter(ground.root)
