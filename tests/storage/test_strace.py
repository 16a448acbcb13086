"""The same from outside: what the kernel sees of a save, and kills and errors that come from there."""

from __future__ import annotations

import errno
import shutil
import signal
from collections import Counter
from itertools import islice
from typing import TYPE_CHECKING

import pytest

from evidence.faults import preload
from evidence.outside import Call, Injection, Traced, as_in_the_table, disturbed, injections, traced
from evidence.targets import KINDS, WAYS, Unsupported, content, held_by, litter, next_save, target_of

if TYPE_CHECKING:
    from pathlib import Path

    from evidence.targets import Target

pytestmark = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

OLD, NEW = content(1), content(2)


@pytest.fixture(autouse=True, scope="module")
def all_is_imported() -> None:
    """What a child imports would be among its calls."""
    preload()


def saved(target: Target, transcript: Path, *options: str, way: str = "write_bytes") -> Traced:
    try:
        return traced(target, way, transcript, *options)
    except Unsupported as reason:
        pytest.skip(str(reason))


@pytest.mark.parametrize("way", WAYS)
@pytest.mark.parametrize("kind", KINDS)
def test_the_kernel_sees_the_calls_of_the_table_and_no_other(quick_path: Path, kind: str, way: str) -> None:
    if kind not in ("existing", "in-place") and way != "write_bytes":
        pytest.skip("the ways to save differ in what they ask for, not in how it is done")
    done = saved(target_of(kind, quick_path / "place"), quick_path / "transcript", way=way)
    assert (done.code, done.error) == (0, None)
    assert [*as_in_the_table(done.calls)] == done.made, (quick_path / "transcript").read_text()


@pytest.mark.parametrize("kind", KINDS)
def test_a_kill_at_any_call_that_the_kernel_sees_leaves_old_or_new(quick_path: Path, kind: str) -> None:
    """Killed at its entry a call is not made; the next one's entry is its exit."""
    target = target_of(kind, quick_path / "undisturbed")
    done = saved(target, quick_path / "transcript")
    expected = held_by(target.file)
    assert expected is not None
    kills = [each for each in injections(done.calls) if not each.code]
    assert len(kills) > 20
    for number, injection in enumerate(islice(kills, 0, None, 3)):
        assert disturbed(kind, "write_bytes", quick_path / f"{number}", injection, expected) == [], injection


def test_an_error_at_a_call_that_the_kernel_sees_keeps_every_promise(quick_path: Path) -> None:
    done = saved(target_of("existing", quick_path / "undisturbed"), quick_path / "transcript")
    errors = [each for each in injections(done.calls) if each.code]
    for number, injection in enumerate(islice(errors, 0, None, 5)):
        place = quick_path / f"{number}"
        assert disturbed("existing", "write_bytes", place, injection, NEW) == [], injection


def test_a_call_that_the_table_does_not_know_fails_and_is_killed_no_less() -> None:
    [unknown, known] = ([*injections([Call(name, 3)])] for name in ("copy_file_range", "fchmod"))
    assert Injection(Call("copy_file_range", 3), errno.ENOSYS).option == (
        f"inject=copy_file_range:error={errno.ENOSYS}:when=3"
    )
    assert Counter(each.code for each in unknown) == {0: 1, errno.EIO: 2, errno.EPERM: 2, errno.ENOSYS: 2}
    assert {each.code for each in known} > {0, errno.EIO}


ERRORS_FROM_OUTSIDE = [
    ("fsync:error=EIO:when=1", "WriteError"),
    ("fsync:error=EIO:when=2", "NotDurableError"),
    ("fsync:error=EINVAL:when=2", ""),
    ("fsync:error=ENOSPC", "WriteError"),
    ("write:error=ENOSPC", "WriteError"),
    ("write:error=EDQUOT", "WriteError"),
    ("write:retval=5:when=1", "WriteError"),  # it took nothing, and says that it took five bytes
    ("write:retval=0", "WriteError"),
    ("renameat:error=EXDEV", "WriteError"),
    ("renameat:error=EBUSY", "WriteError"),
    ("fchmod:error=EPERM", "WriteError"),
    ("pread64:error=EIO:when=1", "ReadError"),
    ("pread64:error=EIO:when=2", "WriteError"),
    ("flock:error=EAGAIN", "WriteError"),
    ("flock:error=EAGAIN:when=2+", "LockTimeoutError"),
    ("flock:error=ENOLCK:when=2", "WriteError"),
    ("getdents64:error=EIO", ""),
    ("close:error=EIO", ""),
]


@pytest.mark.parametrize(("injected", "raised"), ERRORS_FROM_OUTSIDE)
def test_an_error_from_the_kernel_leaves_what_it_says(quick_path: Path, injected: str, raised: str) -> None:
    target = target_of("existing", quick_path / "place")
    done = saved(target, quick_path / "transcript", "-e", f"inject={injected}")
    assert (done.code, type(done.error).__name__ if done.error else "") == (0, raised)
    assert "(INJECTED)" in (quick_path / "transcript").read_text()
    assert held_by(target.file) == (NEW if raised in ("", "NotDurableError") else OLD)
    assert litter(quick_path) == set()
    assert next_save(target).durable


def test_a_temp_that_the_kernel_does_not_let_go_is_left_until_the_next_save(quick_path: Path) -> None:
    target = target_of("existing", quick_path / "place")
    options = ["-e", "inject=unlinkat,unlink:error=EROFS", "-e", "inject=renameat:error=EROFS"]
    done = saved(target, quick_path / "transcript", *options)
    assert type(done.error).__name__ == "WriteError"
    assert held_by(target.file) == OLD
    assert len(litter(quick_path)) == 1
    next_save(target)
    assert litter(quick_path) == set()


def test_a_kill_is_seen(quick_path: Path) -> None:
    target = target_of("existing", quick_path / "place")
    done = saved(target, quick_path / "transcript", "-e", "inject=fsync:signal=SIGKILL:when=1")
    assert (done.code, done.made) == (-signal.SIGKILL, [])
    assert len(litter(quick_path)) == 1
