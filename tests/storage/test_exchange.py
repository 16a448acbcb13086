"""Programs that know no lock write the file while it is saved, and lose nothing (WRITER W20)."""

from __future__ import annotations

import errno
import json
import os
from typing import TYPE_CHECKING

import pytest
from calls import os_error, watched
from processes import exit_code, forked
from targets import NEW, OLD, litter

import untorn
from untorn import storage
from untorn.errors import ConflictError, LockTimeoutError, UnknownOutcomeError, WriteError
from untorn.storage import exchange

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

BASE = {"ours": 0, "theirs": 0}
THEIRS = b'{"ours": 0, "theirs": 1}\n'
BOTH = {"ours": 1, "theirs": 1}


@pytest.fixture
def file(quick_path: Path) -> Path:
    path = quick_path / "app.json"
    path.write_text(json.dumps(BASE) + "\n")
    os.utime(path, (0, 0))
    return path


def ours(path: Path, timeout: float = 0) -> None:
    with untorn.edit(path, timeout=timeout) as document:
        document.set("ours", 1)


def calls_of_a_save(path: Path) -> list[str]:
    """Return the calls of a save beside ``path`` that nobody disturbs."""
    other = path.with_name("undisturbed") / path.name
    other.parent.mkdir()
    other.write_bytes(path.read_bytes())
    os.utime(other, (0, 0))
    with watched() as watch:
        ours(other)
    return watch.made


def disturbed_at(nth: int, act: Callable[[], object], save: Callable[[], object]) -> None:
    """Let somebody act before the call of this number."""

    def interfere(number: int, _name: str) -> None:
        if number == nth:
            act()

    with watched(before=interfere):
        save()


def before(entry: str, act: Callable[[], object]) -> Callable[[int, str], None]:
    """Return a hook that acts before the first call of this name."""
    acts = iter([act])

    def interfere(_nth: int, name: str) -> None:
        if name == entry:
            next(acts, lambda: None)()

    return interfere


# ── What others do to a file ────────────────────────────────────────────────


def replace(path: Path) -> None:
    """What a careful editor does."""
    new = path.with_name("editor")
    new.write_bytes(THEIRS)
    new.replace(path)


def overwrite(path: Path) -> None:
    """What a careless one does."""
    path.write_bytes(THEIRS)


def overwrite_unnoticed(path: Path) -> None:
    """Write as many bytes as there were, and set the time of it back."""
    before = path.stat()
    path.write_bytes(THEIRS)
    os.utime(path, ns=(before.st_atime_ns, before.st_mtime_ns))


def remove_and_make(path: Path) -> None:
    path.unlink()
    path.write_bytes(THEIRS)


def link_over(path: Path) -> None:
    """Let the name lead elsewhere, as who keeps settings in a repository does."""
    there = path.with_name("repository")
    there.write_bytes(THEIRS)
    link = path.with_name("link")
    link.symlink_to(there.name)
    link.replace(path)


@pytest.mark.parametrize("act", [replace, overwrite, overwrite_unnoticed, remove_and_make, link_over])
def test_what_others_write_at_any_call_is_never_set_back(
    quick_path: Path, file: Path, act: Callable[[Path], None]
) -> None:
    made = calls_of_a_save(file)
    window = (made.index("exchange"), len(made) - 1 - made[::-1].index("pread"))
    for nth in range(len(made)):
        path = quick_path / f"{nth}" / "app.json"
        path.parent.mkdir()
        path.write_bytes(file.read_bytes())
        os.utime(path, (0, 0))
        disturbed_at(nth, lambda path=path: act(path), lambda path=path: ours(path))  # type: ignore[misc]
        found = json.loads(path.read_bytes())
        assert found["theirs"] == 1, (nth, made[nth])
        # What overwrites our file with what it was made from sets us back: that is theirs to answer for.
        assert found["ours"] == (nth <= window[0]), (nth, made[nth])
        assert litter(path.parent) == set(), (nth, made[nth])


def test_what_is_written_through_a_descriptor_that_stays_open_is_found_until_the_last_look(
    quick_path: Path, file: Path
) -> None:
    made = calls_of_a_save(file)
    last = len(made) - 1 - made[::-1].index("pread")
    for nth in range(last + 1):
        path = quick_path / f"{nth}" / "app.json"
        path.parent.mkdir()
        path.write_bytes(file.read_bytes())
        os.utime(path, (0, 0))
        with path.open("r+b", buffering=0) as stream:
            disturbed_at(nth, lambda: stream.write(THEIRS), lambda path=path: ours(path))  # type: ignore[misc]
        assert json.loads(path.read_bytes()) == BOTH, (nth, made[nth])


def test_a_file_that_is_removed_before_the_exchange_is_not_made_from_what_it_held(file: Path) -> None:
    """It comes back only if the save was to make it; an edit of nothing has nothing to change."""
    with watched(before=before("exchange", file.unlink)):
        untorn.write_bytes(file, NEW, timeout=0)
    assert file.read_bytes() == NEW
    assert litter(file.parent) == set()


def test_whoever_removes_what_came_out_has_seen_it(file: Path) -> None:

    def remove(_nth: int, name: str) -> None:
        if name == "exchange":
            for each in litter(file.parent):
                file.with_name(each).unlink()

    with watched(after=remove):
        ours(file)
    assert json.loads(file.read_bytes()) == {"ours": 1, "theirs": 0}


def test_a_file_that_is_removed_while_what_came_out_goes_back_stays_removed(file: Path) -> None:
    exchanges = iter([lambda: replace(file), file.unlink])

    def interfere(_nth: int, name: str) -> None:
        if name == "exchange":
            next(exchanges, lambda: None)()

    with watched(before=interfere), pytest.raises(ConflictError, match="the file was deleted"):
        ours(file)
    assert not file.exists()
    assert litter(file.parent) == set()


def test_what_came_out_and_is_removed_while_it_goes_back_is_said_to_be_unknown(file: Path) -> None:
    def tidy() -> None:
        for name in litter(file.parent):
            file.with_name(name).unlink()

    exchanges = iter([lambda: replace(file), tidy])

    def interfere(_nth: int, name: str) -> None:
        if name == "exchange":
            next(exchanges)()

    with watched(before=interfere), pytest.raises(UnknownOutcomeError):
        ours(file)
    ours(file)
    assert litter(file.parent) == set()


def test_of_what_several_programs_write_while_it_goes_back_the_newest_stays(file: Path) -> None:
    writers = iter(range(1, 4))

    def interfere(_nth: int, name: str) -> None:
        number = next(writers, None) if name == "exchange" else None
        if number is not None:
            new = file.with_name(f"editor-{number}")
            new.write_text(json.dumps({"ours": 0, "theirs": number}))
            new.replace(file)

    with watched(before=interfere):
        ours(file)
    assert json.loads(file.read_bytes()) == {"ours": 1, "theirs": 3}
    assert litter(file.parent) == set()


def test_where_others_replace_the_file_all_the_time_the_newest_is_kept(file: Path) -> None:
    written = 0

    def interfere(_nth: int, name: str) -> None:
        nonlocal written
        if name == "exchange":
            written += 1
            new = file.with_name("editor")
            new.write_text(json.dumps({"ours": 0, "theirs": written}))
            new.replace(file)

    with watched(before=interfere), pytest.raises(UnknownOutcomeError):
        ours(file)
    held = [
        json.loads(each.read_bytes())["theirs"] for each in file.parent.iterdir() if not each.is_symlink()
    ]
    assert max(held) == written


def test_what_another_writes_into_our_file_while_it_goes_back_is_the_newest(file: Path) -> None:
    """It was ours for a moment only, but who wrote to it had read it."""

    def interfere(_nth: int, name: str) -> None:
        if name == "exchange" and not file.with_name("editor-was-here").exists():
            replace(file)
            file.with_name("editor-was-here").touch()

    newest = b'{"ours": 0, "theirs": 2}\n'

    def look(_nth: int, name: str) -> None:
        if name == "exchange" and json.loads(file.read_bytes()) == {"ours": 1, "theirs": 0}:
            file.write_bytes(newest)

    with watched(before=interfere, after=look):
        ours(file)
    assert json.loads(file.read_bytes()) == {"ours": 1, "theirs": 2}
    assert litter(file.parent) == set()


def test_a_file_that_somebody_is_writing_is_watched_for_a_while(
    file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    slept: list[float] = []
    monkeypatch.setattr(exchange, "STILL", 60.0)
    monkeypatch.setattr("time.sleep", slept.append)
    overwrite(file)
    ours(file)
    assert slept == [60.0]
    ours_again = b'{"ours": 2, "theirs": 1}\n'
    untorn.write_bytes(file, ours_again, timeout=0)  # it was a save that wrote it last
    assert slept == [60.0]


# ── Where names cannot be exchanged ─────────────────────────────────────────


def fails(entry: str, code: int) -> Callable[[int, str], None]:
    def strike(_nth: int, name: str) -> None:
        if name == entry:
            raise os_error(code)

    return strike


@pytest.mark.parametrize("code", [errno.EINVAL, errno.ENOSYS, errno.EOPNOTSUPP])
@pytest.mark.parametrize("entry", ["exchange", "symlink"])
def test_where_there_is_no_such_call_the_file_is_renamed(file: Path, entry: str, code: int) -> None:
    with watched(before=fails(entry, code)) as watch:
        ours(file)
    assert json.loads(file.read_bytes())["ours"] == 1
    assert litter(file.parent) == set()
    assert watch.made.count("rename") == 2  # to .swap, and to the file
    assert exchange.without == {file.stat().st_dev}


def test_where_there_are_no_symbolic_links_the_file_is_renamed(file: Path) -> None:
    with watched(before=fails("symlink", errno.EPERM)):
        ours(file)
    assert exchange.without == {file.stat().st_dev}


@pytest.mark.parametrize("code", [errno.ENOSPC, errno.EDQUOT])
def test_where_there_is_no_room_for_a_link_the_file_is_renamed_this_time(file: Path, code: int) -> None:
    with watched(before=fails("symlink", code)):
        ours(file)
    assert json.loads(file.read_bytes())["ours"] == 1
    assert exchange.without == set()


def test_a_link_that_may_not_be_made_is_said(file: Path) -> None:
    with watched(before=fails("symlink", errno.EACCES)), pytest.raises(WriteError) as caught:
        ours(file)
    assert caught.value.errno == errno.EACCES
    assert json.loads(file.read_bytes()) == BASE
    assert litter(file.parent) == set()


def test_a_temp_that_is_gone_is_said(file: Path) -> None:
    """Somebody tidied up; the file is not to blame."""

    def tidy() -> None:
        for name in litter(file.parent):
            file.with_name(name).unlink()

    with watched(before=before("exchange", tidy)), pytest.raises(WriteError, match="No such file"):
        ours(file)
    assert json.loads(file.read_bytes()) == BASE


# ── One at a time ───────────────────────────────────────────────────────────


def test_two_who_lock_two_inodes_of_one_name_do_not_exchange_at_once(file: Path) -> None:
    """A foreign program gave the name to another file, which a second save then locks."""
    exit_codes: list[int] = []

    def another() -> None:
        replace(file)
        with pytest.raises(LockTimeoutError, match="has been replacing the file"):
            untorn.write_bytes(file, NEW, timeout=0)

    with watched(before=before("exchange", lambda: exit_codes.append(exit_code(forked(another))))):
        ours(file)
    assert exit_codes == [0]
    assert json.loads(file.read_bytes()) == BOTH
    assert litter(file.parent) == set()


def test_whoever_waits_for_an_exchange_goes_on_when_it_is_done(file: Path) -> None:
    def save_of_another() -> None:
        replace(file)
        child.append(forked(lambda: untorn.update(file, lambda doc: doc.set("third", 1), timeout=60)))

    child: list[int] = []
    with watched(before=before("exchange", save_of_another)):
        ours(file, timeout=60)
    assert exit_code(child[0]) == 0
    assert json.loads(file.read_bytes()) == {**BOTH, "third": 1}
    assert litter(file.parent) == set()


def test_a_save_whose_lock_is_that_of_another_file_begins_again(file: Path) -> None:
    """The name was given away while it waited for its turn to exchange."""
    link = file.with_name(".app.json.swap")
    link.symlink_to(f".app.json.{'0' * 32}.{'1' * 32}.{'2' * 32}.swap")
    with watched(before=before("symlink", lambda: replace(file))) as watch:
        ours(file)
    assert json.loads(file.read_bytes()) == BOTH
    assert watch.made.count("symlink") == 3  # in vain, in vain again, and of its own
    assert litter(file.parent) == set()


def test_a_link_that_cannot_be_removed_is_told_and_holds_nobody_up(file: Path) -> None:
    with watched(before=fails("unlink", errno.EIO)):
        receipt = untorn.write_bytes(file, OLD, timeout=0)
    assert file.read_bytes() == OLD
    left = litter(file.parent)
    assert len(left) == 2
    assert all(name in receipt.warnings[0] for name in left)
    assert untorn.write_bytes(file, NEW, timeout=0).warnings == ()
    assert litter(file.parent) == set()


def test_the_link_of_another_save_is_never_removed(file: Path) -> None:
    link = file.with_name(".app.json.swap")

    def fail() -> None:
        link.symlink_to("that-of-another")
        raise os_error(errno.EIO)

    with watched(before=before("symlink", fail)), pytest.raises(WriteError):
        ours(file)
    assert litter(file.parent) == {link.name}


# ── Crashes ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize("act", [replace, overwrite])
def test_a_crash_at_any_call_of_a_save_that_others_disturb_loses_neither_side(
    quick_path: Path, file: Path, act: Callable[[Path], None]
) -> None:
    """What the other program wrote is there when the next save is done; ours was not promised yet."""
    start = calls_of_a_save(file).index("exchange")

    def crash(path: Path, end: int) -> None:
        def interfere(nth: int, _name: str) -> None:
            if nth == start:
                act(path)
            if nth == end:
                os._exit(9)

        with watched(before=interfere):
            ours(path)

    code, end = 9, start
    while code == 9:
        end += 1
        path = quick_path / f"{end}" / "app.json"
        path.parent.mkdir()
        path.write_bytes(file.read_bytes())
        os.utime(path, (0, 0))
        code = exit_code(forked(lambda path=path, end=end: crash(path, end)))  # type: ignore[misc]
        link = path.with_name(".app.json.swap")
        if link.is_symlink():
            os.utime(link, (0, 0), follow_symlinks=False)  # a second later
        untorn.update(path, lambda document: document.set("next", 1), timeout=0)
        found = json.loads(path.read_bytes())
        assert (found["theirs"], found["next"]) == (1, 1), end
        assert litter(path.parent) == set(), end
    assert code == 0
    assert end > start + 10
    assert found["ours"] == 1


# ── Interrupts ──────────────────────────────────────────────────────────────


def test_an_interrupt_at_any_call_of_a_save_that_others_disturb_loses_neither_side(
    quick_path: Path, file: Path
) -> None:
    start = calls_of_a_save(file).index("exchange")
    end, interrupted = start - 1, True
    while interrupted:
        end += 1
        path = quick_path / f"{end}" / "app.json"
        path.parent.mkdir()
        path.write_bytes(file.read_bytes())
        os.utime(path, (0, 0))

        def interfere(nth: int, _name: str, path: Path = path) -> None:
            if nth == start:
                replace(path)

        def interrupt(nth: int, name: str, end: int = end) -> None:
            if nth == end and name not in ("open", "close"):
                raise KeyboardInterrupt

        interrupted = False
        with watched(before=interfere, after=interrupt) as watch:
            try:
                ours(path)
            except KeyboardInterrupt:
                interrupted = True
        interrupted = interrupted or end < len(watch.made)
        assert json.loads(path.read_bytes())["theirs"] == 1, (end, watch.made)
        assert litter(path.parent) == set(), (end, watch.made)


def test_what_was_renamed_while_nobody_could_be_asked_is_decided_by_a_look(file: Path) -> None:
    """The exchange was done, and an interrupt came before Python said so."""

    def interrupt(_nth: int, name: str) -> None:
        if name == "exchange":
            raise KeyboardInterrupt

    with watched(after=interrupt), pytest.raises(KeyboardInterrupt) as caught:
        ours(file)
    assert any("the new content is in place" in note for note in caught.value.__notes__)
    assert json.loads(file.read_bytes())["ours"] == 1
    assert litter(file.parent) == set()


def test_the_table_has_the_call(quick_path: Path) -> None:
    one, two = quick_path / "one", quick_path / "two"
    one.write_bytes(OLD)
    two.write_bytes(NEW)
    fd = os.open(quick_path, os.O_RDONLY)
    try:
        storage.REAL.exchange("one", "two", src_dir_fd=fd, dst_dir_fd=fd)
    finally:
        os.close(fd)
    assert (one.read_bytes(), two.read_bytes()) == (NEW, OLD)
