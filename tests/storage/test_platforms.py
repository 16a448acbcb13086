"""The writer on the system that runs this test, whichever it is: nothing is replaced (WRITER W17, W21)."""

from __future__ import annotations

import errno
import os
import subprocess
import sys
import threading
import time
from typing import TYPE_CHECKING

import pytest
from targets import NEW, OLD, litter

import untorn
from untorn import storage
from untorn.storage.windows import PATIENCE

if TYPE_CHECKING:
    from pathlib import Path

only_windows = pytest.mark.skipif(sys.platform != "win32", reason="so it is on Windows alone")


@pytest.fixture
def file(tmp_path: Path) -> Path:
    path = tmp_path / "app.conf"
    path.write_bytes(OLD)
    return path


def test_the_table_is_that_of_this_system() -> None:
    tables = {"win32": "WindowsSyscalls", "darwin": "MacSyscalls"}
    assert type(storage.REAL).__name__ == tables.get(sys.platform, "Syscalls")


@pytest.mark.skipif(sys.platform == "win32", reason="there it is so")
def test_a_lock_is_the_files_own_and_no_other_stands_for_it(file: Path) -> None:
    assert not storage.REAL.locks_apart
    with pytest.raises(OSError) as caught:  # noqa: PT011  its number is looked at
        storage.REAL.lock_file(file)
    assert caught.value.errno == errno.ENOTSUP


@pytest.mark.parametrize("name", ["app.conf", "new.conf", "a/b/new.conf", "café ☕.conf"])
def test_a_file_is_saved_and_nothing_lies_beside_it(file: Path, name: str) -> None:
    path = file.parent / name
    receipt = untorn.write_bytes(path, NEW)
    assert (receipt.changed, receipt.durable, receipt.warnings) == (True, True, ())
    assert path.read_bytes() == NEW
    assert not untorn.write_bytes(path, NEW).changed
    assert litter(file.parent) == set()


def test_a_deep_path_is_saved(file: Path) -> None:
    path = file.parent.joinpath(*["d" * 100] * 5, "app.conf")
    untorn.write_bytes(path, NEW)
    assert storage.read(path).data == NEW


def test_a_link_still_leads_to_the_file(file: Path) -> None:
    link = file.with_name("link.conf")
    try:
        link.symlink_to(file.name)
    except OSError:
        pytest.skip("this user may make no links")
    untorn.write_bytes(link, NEW)
    assert link.is_symlink()
    assert file.read_bytes() == NEW


def test_a_read_only_file_is_refused(file: Path) -> None:
    file.chmod(0o444)
    if sys.platform != "win32" and os.geteuid() == 0:
        pytest.skip("root may write to any file")
    try:
        with pytest.raises(untorn.WriteError) as caught:
            untorn.write_bytes(file, NEW)
        assert caught.value.errno == errno.EACCES
        untorn.write_bytes(file, NEW, force=True)
        assert not os.access(file, os.W_OK)
    finally:
        file.chmod(0o644)  # or the directory could not be removed
    assert file.read_bytes() == NEW


def test_a_reader_that_has_it_open_for_a_moment_does_not_prevent_a_save(file: Path) -> None:
    with file.open("rb") as reader:
        closing = threading.Timer(0.3, reader.close)
        closing.start()
        untorn.write_bytes(file, NEW)
        closing.join()
    assert file.read_bytes() == NEW


@only_windows
def test_a_reader_that_keeps_it_open_prevents_a_save_which_says_so(file: Path) -> None:
    begun = time.monotonic()
    with file.open("rb"), pytest.raises(untorn.WriteError) as caught:
        untorn.write_bytes(file, NEW)
    assert time.monotonic() - begun >= PATIENCE
    assert "another program has it open" in caught.value.hint
    assert (file.read_bytes(), litter(file.parent)) == (OLD, set())


@only_windows
def test_who_may_do_what_is_kept(file: Path) -> None:
    def listed() -> str:
        return subprocess.run(["icacls", file], capture_output=True, text=True, check=True).stdout

    subprocess.run(["icacls", file, "/grant", "*S-1-5-32-546:(R)"], check=True, capture_output=True)  # guests
    before = listed()
    untorn.write_bytes(file, NEW)
    assert listed() == before


@only_windows
@pytest.mark.parametrize("name", ["nul.json", "app.json.", "app.json:stream"])
def test_a_name_that_means_something_else_is_refused(file: Path, name: str) -> None:
    with pytest.raises(untorn.WriteError) as caught:
        untorn.write_bytes(file.parent / name, NEW)
    assert caught.value.errno == errno.EINVAL


_COUNTING = """
import sys, untorn
for _ in range(20):
    with untorn.edit(sys.argv[1], timeout=60) as value:
        value["n"] += 1
"""
_DYING = """
import sys, untorn
from pathlib import Path
from untorn import storage
path = Path(sys.argv[1])
with storage.prepare(storage.read(path), b"never"), storage.lock(path):
    print("here", flush=True)
    sys.stdin.read()
"""


def test_processes_that_count_lose_nothing(tmp_path: Path) -> None:
    path = tmp_path / "counter.json"
    path.write_bytes(b'{"n": 0}\n')
    command = [sys.executable, "-c", _COUNTING, str(path)]
    counting = [subprocess.Popen(command) for _ in range(3)]
    assert [each.wait() for each in counting] == [0, 0, 0]
    assert untorn.load(path) == {"n": 60}
    assert litter(tmp_path) == set()


def test_a_killed_writer_blocks_nobody_and_its_temp_is_swept(file: Path) -> None:
    command = [sys.executable, "-c", _DYING, str(file)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as dying:
        assert dying.stdout is not None
        assert dying.stdout.readline().strip() == b"here"
        assert len(litter(file.parent)) == 1
        dying.kill()
    untorn.write_bytes(file, NEW)
    assert file.read_bytes() == NEW
    assert litter(file.parent) == set()
