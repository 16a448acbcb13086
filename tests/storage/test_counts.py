"""How many system calls a save makes, exactly (WRITER W24): counts repeat where times do not.

Left out are the calls that follow the path to its file, one or two a component.
"""

from __future__ import annotations

import errno
import os
import re
import shutil
import subprocess
import sys
from collections import Counter
from typing import TYPE_CHECKING

import pytest
from calls import os_error, watched
from targets import forgetful

import untorn
from untorn import storage
from untorn.storage import exchange, sweeps

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

LOOK = "open fstat pread"
TEMP = "open flock write fstat"
METADATA = "listxattr listxattr fchmod"
ASK = "access"  # is there the record of a transaction?
LEAVE = "close close close"

COMMIT = f"flock {ASK} rename symlink pread stat exchange stat fsync stat pread unlink unlink fstat"

REPEATED = f"{LOOK} open fstat {TEMP} {METADATA} fsync {COMMIT} {LEAVE}"

BY_RENAME = REPEATED.replace(COMMIT, f"flock {ASK} pread stat rename fstat fsync")


def calls_of(path: Path, save: Callable[[], object]) -> str:
    """Return the calls of ``save`` without those of resolving ``path``, which come first."""
    with watched() as watch:
        save()
    with watched() as resolving:
        storage.resolve(path)
    made = len(resolving.made)
    assert watch.made[:made] == resolving.made
    return " ".join(watch.made[made:])


@pytest.fixture(autouse=True)
def a_second_is_long(monkeypatch: pytest.MonkeyPatch) -> None:
    """Let no save look for orphans again because the machine is slow."""
    monkeypatch.setattr(sweeps, "LOOK_AGAIN", 3600.0)


@pytest.fixture
def path(quick_path: Path) -> Path:
    """A file that this process has saved before, so that its directory was swept and its mount is known."""
    path = quick_path / "settings.json"
    untorn.write_bytes(path, b"{}\n")
    return path


def test_a_repeated_durable_save_makes_30_calls_and_two_of_them_sync(path: Path) -> None:
    made = calls_of(path, lambda: untorn.write_bytes(path, b"[]\n"))
    assert made == REPEATED
    assert (len(made.split()), made.split().count("fsync")) == (30, 2)


def test_where_names_cannot_be_exchanged_it_makes_23_calls_and_two_of_them_sync(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(exchange, "without", {path.stat().st_dev})
    made = calls_of(path, lambda: untorn.write_bytes(path, b"[]\n"))
    assert made == BY_RENAME
    assert (len(made.split()), made.split().count("fsync")) == (23, 2)


def test_that_names_cannot_be_exchanged_is_found_out_once(path: Path) -> None:
    def lacking(_nth: int, name: str) -> None:
        if name == "exchange":
            raise os_error(errno.EINVAL)

    with watched(before=lacking) as watch:
        untorn.write_bytes(path, b"[]\n")
        untorn.write_bytes(path, b"{}\n")
    assert watch.made.count("exchange") == watch.made.count("symlink") == 1


def test_a_changed_value_costs_the_calls_of_its_bytes(path: Path) -> None:
    value = untorn.load(path)
    value["port"] = 8080
    assert calls_of(path, lambda: untorn.save(path, value)) == REPEATED


def test_a_changed_document_costs_the_calls_of_its_bytes(path: Path) -> None:
    document = untorn.open(path)
    document.set("port", 8080)
    assert calls_of(path, document.save) == REPEATED


def test_a_save_that_is_not_durable_leaves_out_the_sync_of_the_directory(path: Path) -> None:
    made = calls_of(path, lambda: untorn.write_bytes(path, b"[]\n", durability="none"))
    assert made == REPEATED.replace("exchange stat fsync", "exchange stat")


def test_a_large_save_reserves_its_space_besides(path: Path) -> None:
    made = calls_of(path, lambda: untorn.write_bytes(path, b"x" * (1 << 20)))
    assert made == REPEATED.replace("flock write", "flock reserve write", 1)


def test_each_attribute_that_is_kept_costs_two_calls(path: Path) -> None:
    os.setxattr(path, "user.one", b"1")
    os.setxattr(path, "user.two", b"2")
    made = calls_of(path, lambda: untorn.write_bytes(path, b"[]\n"))
    kept = "listxattr getxattr getxattr listxattr fchmod setxattr setxattr"
    assert made == REPEATED.replace(METADATA, kept)


@pytest.mark.parametrize(
    "save",
    [
        pytest.param(lambda path: untorn.write_bytes(path, b"{}\n"), id="bytes"),
        pytest.param(lambda path: untorn.write_bytes(path, b"{}\n", durability="none"), id="not-durable"),
        pytest.param(lambda path: untorn.save(path, {}, base=None), id="value"),
    ],
)
def test_an_unchanged_save_only_looks(path: Path, save: Callable[[Path], object]) -> None:
    assert calls_of(path, lambda: save(path)) == f"{LOOK} {ASK} close"


def test_an_unchanged_document_only_looks(path: Path) -> None:
    document = untorn.open(path)
    with watched() as watch:
        document.save()
    assert " ".join(watch.made) == f"{ASK} {LOOK} close"


def test_a_load_only_looks(path: Path) -> None:
    assert calls_of(path, lambda: untorn.load(path)) == f"{ASK} {LOOK} close"


def test_an_edit_that_changes_nothing_takes_the_lock_and_looks(path: Path) -> None:
    def edit() -> None:
        with untorn.edit(path):
            pass

    made = calls_of(path, edit).split()
    assert made.count("flock") == 1
    assert {"write", "rename", "fsync", "listdir"} & set(made) == set()


def test_a_first_save_reads_the_mount_table_and_sweeps_besides(path: Path) -> None:
    with forgetful():
        made = calls_of(path, lambda: untorn.write_bytes(path, b"[]\n"))
    more = Counter(made.split()) - Counter(REPEATED.split())
    assert more == Counter(["open", "read", "read", "close", "listdir", "fstat"])
    assert Counter(REPEATED.split()) - Counter(made.split()) == Counter()


def test_a_new_file_is_locked_by_its_directory_and_does_not_replace(quick_path: Path) -> None:
    path = quick_path / "new.json"
    untorn.write_bytes(
        quick_path / "settings.json", b"{}\n"
    )  # the mount is known, the directory is not as left
    made = calls_of(path, lambda: untorn.write_bytes(path, b"[]\n"))
    assert made == (
        # No file; the mode of a new one is asked of the directory's ACL and of the umask.
        f"open open stat fstat {TEMP} getxattr open read close fchmod fsync "
        # The directory is locked, and still the nearest parent that exists.
        f"open open fstat flock stat stat {ASK} stat "
        "rename_new fstat fsync fstat listdir fstat close close close"
    )


# ── From outside ────────────────────────────────────────────────────────────

SAVES = """
import sys, untorn
path, count = sys.argv[1], int(sys.argv[2])
for number in range(3 + count):
    untorn.write_bytes(path, b"number %d" % number)
"""

# What the kernel, or the C library, calls an entry of the table.
ENTRY = {
    "openat": "open", "pread64": "pread", "newfstatat": "stat", "fstat": "stat", "fstatat64": "stat",
    "flistxattr": "listxattr", "llistxattr": "listxattr", "renameat": "rename", "renameat2": "rename",
    "exchange": "rename", "symlinkat": "symlink", "unlinkat": "unlink",
}  # fmt: skip


def counted_outside(path: Path, saves: int) -> Counter[str]:
    """Return how many calls that concern files a process makes that saves so many times."""
    table = path.with_name("counts")
    tracer = ["strace", "-f", "-c", "-e", "trace=%file,%desc", "-o", table]
    command = [sys.executable, "-c", SAVES, path, str(saves)]
    done = subprocess.run([*tracer, *command], check=False, capture_output=True, text=True)
    if "ptrace" in done.stderr:
        pytest.skip(f"strace may not trace here: {done.stderr.strip()}")
    assert done.returncode == 0, done.stderr
    found: Counter[str] = Counter()
    for line in table.read_text().splitlines():
        # % time, seconds, usecs/call, calls, errors (may be absent), name
        if match := re.match(r" *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", line):
            found[ENTRY.get(match[2], match[2])] += int(match[1])
    del found["total"], found["mmap"]  # of memory
    return found


@pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")
def test_the_kernel_counts_no_call_that_passes_the_table_by(
    quick_path: Path, path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with watched() as watch:
        untorn.write_bytes(path, b"[]\n")
    expected = Counter(ENTRY.get(name, name) for name in watch.made)
    (quick_path / "outside").mkdir()
    outside = quick_path / "outside" / path.name
    # All import the same bytecode, which the first one leaves.
    monkeypatch.setenv("PYTHONPYCACHEPREFIX", str(quick_path / "bytecode"))
    monkeypatch.delenv("PYTHONDONTWRITEBYTECODE", raising=False)
    _, ten, twenty = (counted_outside(outside, saves) for saves in (0, 10, 20))
    deeper = Counter({"stat": 1})  # the directory "outside", on the way to the file
    assert {name: count / 10 for name, count in (twenty - ten).items()} == expected + deeper
