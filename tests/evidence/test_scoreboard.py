"""The page holds what the scripts know; and what the scoreboard measures, it can tell apart."""

from __future__ import annotations

import io
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from evidence import report, scoreboard, transcripts
from evidence.criteria import CRITERIA, NEITHER, NO, YES, Mark
from evidence.lab import Lab, short_write_library
from evidence.peers import PEERS, Installation, NotInstallableError, Peer, install

BY_NAME = {peer.name: peer for peer in PEERS}
JUDGES = {each.key: each.judge for each in CRITERIA}

needs_strace = pytest.mark.skipif(shutil.which("strace") is None, reason="strace is not installed")

# ── The page ────────────────────────────────────────────────────────────────


def test_the_page_has_a_section_for_each_body_of_evidence_and_no_other() -> None:
    text = report.PAGE.read_text("utf-8")
    assert sorted(re.findall(r"<!-- evidence:(.*) -->", text)) == sorted(report.SECTIONS)
    assert re.findall(r"<!-- /evidence:(.*) -->", text) == re.findall(r"<!-- evidence:(.*) -->", text)


def test_the_page_on_performance_has_what_the_benchmarks_printed() -> None:
    text = report.PERFORMANCE.read_text("utf-8")
    assert re.findall(r"<!-- evidence:(.*) -->", text) == list(report.BENCHMARKS)
    assert all("```text" in report.section(name) for name in report.BENCHMARKS)


def test_every_section_names_a_script() -> None:
    root = Path(report.__file__).parent
    assert [name for name in report.SECTIONS if not (root / f"{name}.py").exists()] == []


def test_the_table_on_the_page_has_the_lines_and_columns_that_the_script_knows() -> None:
    table = [line for line in report.section("scoreboard").splitlines() if line.startswith("|")]
    head, rule, *rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in table]
    assert head == ["", *(peer.name for peer in PEERS)]
    assert len(rule) == len(head)
    assert [row[0] for row in rows] == [each.says for each in CRITERIA]
    signs = {cell[0] for row in rows for cell in row[1:]}
    assert signs == {YES, NO, NEITHER}
    assert {row[1][0] for row in rows} == {YES}


def test_every_note_on_the_page_is_referred_to() -> None:
    section = report.section("scoreboard")
    notes = re.findall(r"(?m)^(\d+)\. ", section)
    assert notes
    assert sorted(set(re.findall(r"<sup>(\d+)</sup>", section)), key=int) == notes


def a_page(tmp_path: Path) -> Path:
    page = tmp_path / "page.md"
    page.write_text("a\n<!-- evidence:cuts -->\nold\n<!-- /evidence:cuts -->\nb\n")
    return page


def test_a_section_is_replaced_and_nothing_else(tmp_path: Path) -> None:
    page = a_page(tmp_path)
    report.replace_section("cuts", "new\n", page=page)
    assert page.read_text() == "a\n<!-- evidence:cuts -->\n\nnew\n\n<!-- /evidence:cuts -->\nb\n"
    assert report.section("cuts", page=page) == "new"


def test_a_section_that_is_not_there_is_an_error(tmp_path: Path) -> None:
    page = a_page(tmp_path)
    before = page.read_text()
    with pytest.raises(ValueError, match="no section 'faults'"):
        report.replace_section("faults", "new", page=page)
    with pytest.raises(ValueError, match="no section 'faults'"):
        report.section("faults", page=page)
    assert page.read_text() == before


def test_what_a_script_prints_is_put_into_its_section(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    page = a_page(tmp_path)
    monkeypatch.setattr(report.replace_section, "__kwdefaults__", {"page": page})
    monkeypatch.setattr("sys.argv", ["report", "cuts"])
    monkeypatch.setattr("sys.stdin", io.StringIO("\nviolations: 0\n"))
    report.main()
    assert report.section("cuts", page=page) == f"{report.stamp()}\n\n```text\nviolations: 0\n```"
    monkeypatch.setattr("sys.stdin", io.StringIO("\n"))
    with pytest.raises(SystemExit, match="stays as it is"):
        report.main()
    assert "violations: 0" in report.section("cuts", page=page)


# ── The table ───────────────────────────────────────────────────────────────


def test_peers_are_excused_only_by_criteria_that_there_are() -> None:
    assert frozenset().union(*(peer.documented for peer in PEERS)) <= JUDGES.keys()
    assert BY_NAME["untorn"].documented == frozenset()


def test_a_cross_is_taken_back_where_the_documentation_says_so() -> None:
    peer = Peer("one", "", documented=frozenset({"mode"}))
    assert scoreboard.fair(Mark(NO, "it is lost"), "mode", peer).sign == NEITHER
    assert scoreboard.fair(Mark(NO, "it is lost"), "owner", peer).sign == NO
    assert scoreboard.fair(Mark(YES), "mode", peer).sign == YES


def test_equal_notes_have_one_number() -> None:
    marks = {each.key: Mark(YES) for each in CRITERIA}
    bad = {**marks, CRITERIA[0].key: Mark(NO, "lost", "1 of 2"), CRITERIA[1].key: Mark(NO, "lost")}
    peers = {BY_NAME["untorn"]: "1", BY_NAME["click"]: "8"}
    table = scoreboard.markdown(peers, {"untorn": marks, "click": bad}, quick=True)
    assert f"| {CRITERIA[0].says} | {YES} | {NO}<sup>1</sup> 1 of 2 |\n" in table
    assert f"| {CRITERIA[1].says} | {YES} | {NO}<sup>1</sup> |\n" in table
    assert "\n1. lost\n" in table
    assert "- **click** 8: `click.open_file" in table


def test_what_cannot_be_installed_is_skipped_with_the_reason(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def unreachable(*_arguments: object) -> Installation:
        raise NotInstallableError("no network")

    monkeypatch.setattr(scoreboard, "missing_tools", lambda: "")
    monkeypatch.setattr(scoreboard, "install", unreachable)
    monkeypatch.setattr("sys.argv", ["scoreboard"])
    assert scoreboard.main() == 0
    assert capsys.readouterr().out == "skipped: no network\n"


def test_a_package_that_nobody_has_is_not_installable(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("evidence.peers.sys.executable", shutil.which("false"))
    with pytest.raises(NotInstallableError, match="false could not install"):
        install([Peer("one", "", "one")], tmp_path)


@pytest.mark.parametrize(("sign", "status"), [(YES, 0), (NEITHER, 0), (NO, 1)], ids=["yes", "neither", "no"])
def test_the_exit_status_says_whether_untorn_has_a_cross(
    sign: str, status: int, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    marks = {each.key: Mark(YES) for each in CRITERIA}
    board = {"untorn": {**marks, "mode": Mark(sign)}, "click": dict.fromkeys(marks, Mark(NO, "lost"))}
    monkeypatch.setattr(scoreboard, "missing_tools", lambda: "")
    monkeypatch.setattr(scoreboard, "there", lambda _peers: [])
    monkeypatch.setattr(scoreboard, "install", lambda *_arguments: None)
    monkeypatch.setattr(scoreboard, "short_write_library", lambda _place: None)
    monkeypatch.setattr(scoreboard, "tried", lambda *_arguments, **_keywords: board)
    monkeypatch.setattr("sys.argv", ["scoreboard"])
    assert scoreboard.main() == status
    assert capsys.readouterr().out.endswith(f"violations: {status}\n")


# ── Transcripts ─────────────────────────────────────────────────────────────


def test_a_transcript_is_read_with_what_other_threads_interrupted() -> None:
    lines = [
        '7 openat(AT_FDCWD</d>, "f", O_WRONLY|O_CREAT, 0600) = 3</d/f>',
        '7 openat(AT_FDCWD</d>, "none", O_RDONLY) = -1 ENOENT (No such file or directory)',
        "7 fsync(3</d/f> <unfinished ...>",
        '8 write(4</d/g>, "x) = 1", 6) = 6',
        "7 <... fsync resumed>) = 0",
        '7 renameat(5</d>, "f", 5</d>, "h") = 0',
        "7 +++ exited with 0 +++",
    ]
    found = [(call.name, call.paths, call.fd, call.result) for call in transcripts.calls(lines)]
    assert found == [
        ("openat", ("/d/f",), 3, 3),
        ("write", ("/d/g",), 4, 6),
        ("fsync", ("/d/f",), 3, 0),
        ("renameat", ("/d/f", "/d/h"), -1, 0),
    ]


@pytest.mark.parametrize("synced", [True, False])
def test_what_is_exchanged_was_synced_under_an_earlier_name(tmp_path: Path, synced: bool) -> None:
    lines = [
        f'7 openat(AT_FDCWD<{tmp_path}>, "a", O_WRONLY|O_CREAT, 0600) = 3<{tmp_path}/a>',
        f'7 write(3<{tmp_path}/a>, "x", 1) = 1',
        *([f"7 fsync(3<{tmp_path}/a>) = 0"] if synced else []),
        f'7 renameat(5<{tmp_path}>, "a", 5<{tmp_path}>, "b") = 0',
        f'7 renameat2(5<{tmp_path}>, "b", 5<{tmp_path}>, "target", RENAME_EXCHANGE) = 0',
    ]
    assert transcripts.content_synced([*transcripts.calls(lines)], tmp_path / "target") is synced


# ── Trials ──────────────────────────────────────────────────────────────────


def a_lab(peer: str, tmp_path: Path) -> Lab:
    """Give a lab for what needs no installation."""
    place = tmp_path / "lab"
    place.mkdir()
    return Lab(Installation(tmp_path, tmp_path), BY_NAME[peer], place, kills=1, updates=3)


@needs_strace
@pytest.mark.parametrize("key", ["power cut later", "leftovers", "mode"])
@pytest.mark.parametrize(("peer", "sign"), [("untorn", YES), ("tempfile", NO)], ids=["untorn", "ten lines"])
def test_what_untorn_does_and_ten_lines_do_not(tmp_path: Path, key: str, peer: str, sign: str) -> None:
    assert JUDGES[key](a_lab(peer, tmp_path)).sign == sign


@pytest.mark.parametrize("peer", ["untorn", "tempfile"])
def test_what_both_do(tmp_path: Path, peer: str) -> None:
    assert JUDGES["block"](a_lab(peer, tmp_path)).sign == YES


def test_the_library_that_shortens_writes_does(tmp_path: Path) -> None:
    short_write_library(tmp_path)
    [library] = (
        tmp_path.iterdir() if shutil.which("cc") or shutil.which("gcc") else pytest.skip("no compiler")
    )
    once = "import os, sys; os.write(os.open(sys.argv[1], os.O_CREAT | os.O_WRONLY), bytes(5000))"
    written = tmp_path / "written"
    # Without bytecode: Python would leave a short one to the tests that follow.
    environment = {"LD_PRELOAD": str(library), "PYTHONDONTWRITEBYTECODE": "1"}
    subprocess.run([sys.executable, "-c", once, str(written)], env=environment, check=True)
    assert written.stat().st_size == 2_500
