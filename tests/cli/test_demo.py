from __future__ import annotations

import io
import os
import re
import runpy
import signal
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from untorn.cli.demo import edits, kills, nursery, refusal
from untorn.cli.demo.generations import SIZE, content, is_whole
from untorn.cli.demo.kills import SECONDS, Tally, show_kills, table, unlike_promised
from untorn.cli.demo.outsiders import look, truncate_and_write
from untorn.cli.failures import CommandError

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    Run = Callable[..., Any]


# ── The first two parts ─────────────────────────────────────────────────────


def test_the_edits_are_as_promised_and_each_diff_is_shown(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert edits.show_edits(here) == []
    shown = capsys.readouterr().out
    assert [f"+++ {each.name}\n" in shown for each in edits.EXAMPLES] == [True] * 3
    assert str(here) not in shown


def test_an_edit_that_changes_another_line_is_noticed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    [first, *_] = edits.EXAMPLES
    monkeypatch.setattr(edits, "EXAMPLES", [first._replace(removed=first.removed[:-1])])
    [reason] = edits.show_edits(here)
    assert "settings.toml changed other lines" in reason


def test_the_refusal_shows_the_caret_under_the_culprit(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert refusal.show_refusal(here) == []
    assert capsys.readouterr().out.startswith(
        "service.toml:3:8: server.port: 99999 is not a port number (PortCheck)\n"
        "  3 | port = 99999  # below 1024 needs root\n"
        "    |        ^^^^^\n"
    )


def test_a_save_that_is_not_refused_is_noticed(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(refusal, "_WRONG", 443)
    assert refusal.show_refusal(here) == ["a save of port 443 was not refused"]


def test_a_refusal_without_a_place_or_with_a_change_is_noticed(here: Path) -> None:
    from untorn.errors import RejectedError
    from untorn.records import Problem

    path = here / "service.toml"
    path.write_text("port = 1\n", "utf-8")
    broken = refusal._unlike_promised(path, RejectedError([Problem("no")]))
    assert broken == ["the problem does not point at the culprit", "a refused save changed the file"]


# ── Contents, the reader, the careless writer ───────────────────────────────


def test_a_content_is_whole_and_nothing_less_or_mixed_is() -> None:
    one, other = content(7), content(8)
    assert len(one) == SIZE
    assert is_whole(one)
    assert one != other
    half = SIZE // 2
    for spoiled in (b"", one[:half], one + other, one[:half] + other[half:], one[:-1] + b"x"):
        assert not is_whole(spoiled)


def test_the_reader_tells_whole_torn_empty_and_missing(here: Path) -> None:
    path = here / "f"
    assert look(path) == "missing"
    path.write_bytes(b"")
    assert look(path) == "empty"
    path.write_bytes(content(1)[:-5])
    assert look(path) == "torn"
    truncate_and_write(path, content(2))
    assert look(path) == "whole"


def test_the_reader_counts_until_its_standard_input_ends(here: Path) -> None:
    (here / "f").write_bytes(content(1))
    tally = Tally()
    with kills._reader(here / "f", tally):
        time.sleep(0.05)
    assert set(tally.seen) == {"whole"}
    assert tally.reads > 1


# ── Kills ───────────────────────────────────────────────────────────────────


def test_killed_saves_leave_the_file_whole_and_truncated_ones_do_not(
    here: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert show_kills(here, wanted=5) == []
    shown = capsys.readouterr().out
    rows = {line[:28].strip(): line[28:].split() for line in shown.splitlines()[4:] if line}
    ours = {label: int(cells[0].replace(",", "")) for label, cells in rows.items() if label}
    assert ours["in the middle of a save"] == 5
    assert (ours["torn"], ours["empty"], ours["missing"], ours["file not whole afterwards"]) == (0, 0, 0, 0)
    assert ours["reads meanwhile"] > 5
    assert int(rows["in the middle of a save"][1]) == 5


def good() -> tuple[Tally, Tally]:
    ours = Tally(kills=9, inside=5, seen={"whole": 100})
    theirs = Tally(kills=9, inside=5, spoiled=5, seen={"whole": 50, "torn": 40, "empty": 10})
    return ours, theirs


def test_good_counts_are_as_promised() -> None:
    assert unlike_promised(*good(), wanted=5) == []


@pytest.mark.parametrize(
    ("side", "field", "value", "reason"),
    [
        (0, "inside", 4, "only 4 of 9 kills fell into a save within 30 seconds"),
        (0, "seen", {}, "0 of 0 reads"),
        (0, "seen", {"whole": 9, "torn": 1}, "1 of 10 reads did not see the whole file"),
        (0, "seen", {"whole": 9, "missing": 1}, "1 of 10 reads"),
        (0, "spoiled", 1, "1 kills left a file that is not whole"),
        (1, "seen", {"whole": 9}, "the reader proves nothing"),
    ],
)
def test_each_bad_count_is_noticed(side: int, field: str, value: object, reason: str) -> None:
    tallies = good()
    setattr(tallies[side], field, value)
    [found] = unlike_promised(*tallies, wanted=5)
    assert reason in found


def test_the_table_has_the_counts_side_by_side() -> None:
    ours, theirs = good()
    theirs.seen["torn"] = 12_345
    lines = table({"untorn": ours, "other": theirs}).splitlines()
    assert lines[0].split() == ["untorn", "other"]
    assert [line.split()[-2:] for line in lines if "torn " in line[:10]] == [["0", "12,345"]]
    assert len({len(line) for line in lines}) == 1


def test_too_few_kills_within_the_time_end_the_loop(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(SECONDS, "truncate and write", 0.2)
    start = time.monotonic()
    tally = kills._killed("truncate and write", here, 10**9)
    assert tally.kills > 0
    assert time.monotonic() - start < 10


def test_a_victim_that_ends_by_itself_is_a_failure(here: Path, capfd: pytest.CaptureFixture[str]) -> None:
    path = here / "no-such-directory" / "f"
    with (
        pytest.raises(CommandError, match="ended by itself, with status 1"),
        kills._nursery("truncate and write", path) as victims,
    ):
        for pause in (0.5, 2, 8):  # on a busy machine it may not have ended yet
            victims.bear()
            time.sleep(pause)
            victims.kill()
    assert "no-such-directory" in capfd.readouterr().err


def test_a_nursery_that_cannot_start_is_a_failure(here: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "executable", "/bin/false")
    with (
        pytest.raises(CommandError, match="could not be started"),
        kills._nursery("untorn", here / "f") as victims,
    ):
        time.sleep(0.2)
        victims.bear()
        victims.kill()


def test_no_victim_outlives_an_exception(here: Path) -> None:
    path = here / "f"
    with pytest.raises(ZeroDivisionError), kills._nursery("truncate and write", path) as victims:
        victims.bear()
        deadline = time.monotonic() + 10
        while not path.exists() and time.monotonic() < deadline:
            time.sleep(0.01)
        1 / 0  # noqa: B018
    before = path.stat().st_mtime_ns
    time.sleep(0.1)
    assert path.stat().st_mtime_ns == before


@pytest.mark.parametrize(
    ("orders", "answers"), [(b"", []), (b"b", []), (b"bk", ["-9"]), (b"bkbk", ["-9", "-9"]), (b"x", [])]
)
@pytest.mark.parametrize("writer", ["untorn", "truncate and write"])
def test_the_nursery_does_as_it_is_told(
    here: Path, environment: dict[str, str], writer: str, orders: bytes, answers: list[str]
) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "untorn.cli.demo.nursery", writer, "f"],
        env=environment,
        input=orders,
        capture_output=True,
        check=False,
    )
    assert (done.returncode, done.stdout.decode().split(), done.stderr) == (0, answers, b"")


# What runs in children only, tried in this process, where it can be looked at.


class _EndedError(Exception):
    """Stands for the end of a process."""


@pytest.fixture
def no_exit(monkeypatch: pytest.MonkeyPatch) -> None:
    def end(status: int) -> None:
        raise _EndedError(status)

    monkeypatch.setattr(os, "_exit", end)


def test_a_victim_saves_one_content_after_another_while_its_nursery_lives(no_exit: None) -> None:
    saved: list[bytes] = []

    def save(path: Path, data: bytes) -> None:
        saved.append(data)
        if len(saved) == 3:
            raise RuntimeError("boom")

    with pytest.raises(_EndedError):
        nursery._save_until_killed(save, Path("f"), 5, os.getppid())
    assert saved == [content(5), content(6), content(7)]


def test_a_victim_whose_nursery_is_gone_ends(no_exit: None) -> None:
    with pytest.raises(_EndedError):
        nursery._save_until_killed(lambda path, data: pytest.fail("saved"), Path("f"), 5, -1)


@pytest.fixture
def orders(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[bytes], None]]:
    """Give the nursery its orders in this process; what it forks are programs that sleep."""
    reading, writing = os.pipe()
    _, silent = os.pipe()
    monkeypatch.setattr(nursery, "_STDIN", reading)
    monkeypatch.setattr(nursery, "_STDOUT", silent)
    monkeypatch.setattr(os, "fork", lambda: os.posix_spawnp("sleep", ["sleep", "60"], os.environ))

    def give(data: bytes) -> None:
        os.write(writing, data)
        os.close(writing)

    yield give
    for descriptor in (reading, _, silent):
        os.close(descriptor)


def test_a_nursery_without_more_orders_kills_its_victim(
    orders: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    victim = os.fork()
    monkeypatch.setattr(os, "fork", lambda: victim)
    orders(b"b")
    nursery.raise_victims("untorn", Path("f"))
    with pytest.raises(ProcessLookupError):
        os.kill(victim, 0)


def test_no_two_victims_share_a_content(
    orders: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    first, numbers = os.fork, list[int]()
    born: list[int] = []

    def fork() -> int:
        """Be the first victim's nursery, and then the second victim."""
        born.append(0 if born else first())
        return born[-1]

    def victim(save: object, path: Path, number: int, parent: int) -> None:
        numbers.append(number)
        raise _EndedError

    monkeypatch.setattr(os, "fork", fork)
    monkeypatch.setattr(nursery, "_save_until_killed", victim)
    orders(b"bkb")
    with pytest.raises(_EndedError):
        nursery.raise_victims("truncate and write", Path("f"))
    assert numbers == [2 * nursery._A_LIFE]


class Patient(io.StringIO):
    """A standard input that ends after a while."""

    def read(self, size: int | None = -1) -> str:
        time.sleep(0.1)
        return ""


@pytest.mark.parametrize("module", ["nursery", "outsiders"])
def test_a_module_of_the_demo_is_a_program_that_ends_with_its_input(
    here: Path, module: str, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    name = f"untorn.cli.demo.{module}"
    monkeypatch.delitem(sys.modules, name)
    monkeypatch.setattr(sys, "argv", [name, "untorn" if module == "nursery" else "f", "f"])
    monkeypatch.setattr(sys, "stdin", Patient())  # file descriptor 0 is at its end, too
    (here / "f").write_bytes(content(1))
    runpy.run_module(name, run_name="__main__")
    assert re.fullmatch("" if module == "nursery" else r'ready\n\{"whole": \d+\}', capsys.readouterr().out)


class Terminal:
    def __init__(self, below: Any) -> None:
        self.below = below

    def isatty(self) -> bool:
        return True

    def __getattr__(self, name: str) -> Any:
        return getattr(self.below, name)


def test_progress_is_shown_on_a_terminal_and_wiped(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "stdout", Terminal(sys.stdout))
    kills._show_progress("untorn", Tally(kills=3, inside=2), 5)
    kills._end_progress()
    assert capsys.readouterr().out == "\runtorn: 3 killed, 2 of 5 in the middle of a save\x1b[K\r\x1b[K"


# ── The whole demo ──────────────────────────────────────────────────────────


def test_the_demo_returns_0_if_all_is_as_promised(untorn: Run, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("untorn.cli.demo.show.show_kills", lambda directory, wanted: [])
    found = untorn("demo")
    assert (found.status, found.err) == (0, "")
    assert found.out.endswith("All is as promised.\n")


def test_where_no_process_forks_the_demo_kills_none_and_says_so(
    untorn: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.delattr(os, "fork")
    found = untorn("demo")
    assert (found.status, found.err) == (0, "")
    assert "needs a system with fork(2)" in found.out
    assert "3. Saves are killed" not in found.out


def test_the_demo_returns_1_if_anything_is_not_as_promised(
    untorn: Run, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("untorn.cli.demo.show.show_kills", lambda directory, wanted: [f"{wanted} is odd"])
    found = untorn("demo", "--kills", "3")
    assert found.status == 1
    assert found.out.endswith("Not as promised: 3 is odd.\n")


def test_a_quick_demo_in_a_process_of_its_own(environment: dict[str, str], here: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "untorn", "demo", "--kills", "3"],
        env={**environment, "TMPDIR": str(here)},
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.endswith("All is as promised.\n")
    assert list(here.iterdir()) == []


@pytest.mark.slow
def test_the_demo_counts_a_hundred_kills_within_a_minute(environment: dict[str, str]) -> None:
    start = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "untorn", "demo"],
        env=environment,
        capture_output=True,
        encoding="utf-8",
        check=False,
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert time.monotonic() - start < 60
    [inside] = re.findall(r"(?m)^  in the middle of a save +(\d+)", done.stdout)
    assert int(inside) >= 100


def test_ctrl_c_ends_the_demo_and_leaves_nothing(environment: dict[str, str], here: Path) -> None:
    with subprocess.Popen(
        [sys.executable, "-m", "untorn", "demo", "--kills", "1000000"],
        env={**environment, "TMPDIR": str(here)},
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  may be ignored here
    ) as demo:
        deadline = time.monotonic() + 20
        while not list(here.glob("*/untorn.txt")) and time.monotonic() < deadline:
            time.sleep(0.05)
        time.sleep(0.5)
        demo.send_signal(signal.SIGINT)
        _, err = demo.communicate(timeout=20)
    assert (demo.returncode, err.splitlines()[0]) == (130, b"interrupted")
    assert b"Traceback" not in err
    assert list(here.iterdir()) == []
