"""The benchmarks run and print their tables. What they measure is nobody's business here: machines differ."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

BENCHMARKS = Path(__file__).parents[1] / "benchmarks"


def run(script: str, *arguments: object) -> str:
    command = [sys.executable, BENCHMARKS / script, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize(
    ("section", "tables", "rows"),
    [("durable", 2, 12), ("undurable", 2, 10), ("unchanged", 2, 6), ("large", 4, 8), ("many", 8, 20)],
)
def test_each_part_of_the_saves_prints_a_ratio_for_every_subject(
    tmp_path: Path, section: str, tables: int, rows: int
) -> None:
    places = ["--disk", tmp_path, "--memory", tmp_path]
    printed = run("saves.py", "--rounds", 2, "--no-peers", "--only", section, *places)
    assert printed.count("\n## ") == tables
    assert len(re.findall(r"\d us +\d+\.\d\d \(\d+\.\d\d - \d+\.\d\d\)", printed)) == rows
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize(("section", "tables", "rows"), [("load", 4, 8), ("edit", 4, 9)])
def test_each_part_of_the_edits_prints_a_ratio_for_every_subject(
    section: str, tables: int, rows: int
) -> None:
    printed = run("edits.py", "--size", "2 KB", "--seconds", 0.05, "--no-peers", "--only", section)
    assert printed.count("\n## ") == tables
    assert len(re.findall(r"\d us +\d+\.\d\d \(\d+\.\d\d - \d+\.\d\d\)", printed)) >= rows


def test_the_growth_is_printed_for_every_shape() -> None:
    printed = run("edits.py", "--quick", "--seconds", 0.1, "--no-peers", "--only", "growth")
    assert len(re.findall(r"\d ms +-?\d+\.\d\d", printed)) >= 11


def test_the_subjects_take_turns_at_being_first() -> None:
    sys.path.insert(0, str(BENCHMARKS))
    try:
        from measuring import Subject, interleaved
    finally:
        del sys.path[0]
    called: list[str] = []
    subjects = [Subject(name, lambda number, name=name: called.append(f"{name}{number}")) for name in "AB"]
    samples = interleaved(subjects, rounds=2, calls=2)
    # Once before, unmeasured; no number comes twice.
    assert called == ["B0", "B1", "A2", "A3", "A4", "A5", "B6", "B7", "B8", "B9", "A10", "A11"]
    assert {name: len(times) for name, times in samples.items()} == {"A": 2, "B": 2}
