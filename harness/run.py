"""Edit the corpus and judge the results: ``python -m harness.run``.

The exit status is 1 if any result held wrong data, or if a share of good results fell
below the committed one.
"""

from __future__ import annotations

import argparse
import multiprocessing
import sys
import tempfile
import time
from collections import Counter, defaultdict
from pathlib import Path
from typing import TYPE_CHECKING

from harness import figures, ratchet
from harness.corpus import FIRST, FORMATS, WIDE, Lists, RealFile, corpus
from harness.derive import variants
from harness.editor import Editor, InMemory, Untorn
from harness.figures import NO_EDITS, is_refusal, reason
from harness.trial import DEMANDED, OK, WRONG, Outcome, try_file

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.oracle.source import Format

_PROCESSES = 2
_QUICK = 10


def main() -> int:
    """Run the harness from the command line."""
    arguments = _arguments()
    started = time.monotonic()
    forms: tuple[Format, ...] = tuple(form for form in FORMATS if form in (arguments.format or FORMATS))
    files = gather(forms, quick=arguments.quick, corpora=_corpora(arguments))
    outcomes = list(tried(files, InMemory() if arguments.in_memory else Untorn()))
    print(table(outcomes))
    if arguments.failures:
        print(failures(outcomes, arguments.failures, arguments.only))
    print(f"{len(files)} files, {len(outcomes)} trials, {time.monotonic() - started:.0f} s")
    print(summary(outcomes))
    if arguments.write:
        figures.keep(figures.counted(outcomes))
    return _verdict(outcomes, _kind(arguments), update=arguments.update_ratchet)


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m harness.run", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="a tenth, the same one every time")
    parser.add_argument("--wide", action="store_true", help="the second corpus, of other packages")
    parser.add_argument("--both", action="store_true", help="both corpora")
    parser.add_argument(
        "--format", action="append", choices=FORMATS, help="only this format; may be repeated"
    )
    parser.add_argument(
        "--failures", type=int, default=0, metavar="N", help="show the first N failures of each class"
    )
    parser.add_argument("--only", default="", metavar="CLASS", help="show failures of this class only")
    parser.add_argument("--in-memory", action="store_true", help="without untorn's storage: for work on text")
    parser.add_argument(
        "--update-ratchet", action="store_true", help="raise the committed shares to those of this run"
    )
    parser.add_argument("--write", action="store_true", help="put the counts into the page on edits")
    arguments = parser.parse_args()
    if arguments.write and (arguments.quick or not arguments.both):
        parser.error("--write needs --both, and all of it")
    return arguments


def _kind(arguments: argparse.Namespace) -> str:
    """Which of the committed shares the ones of this run are compared with."""
    kind = "quick" if arguments.quick else "full"
    return f"{kind} both" if arguments.both else f"{kind} wide" if arguments.wide else kind


def _corpora(arguments: argparse.Namespace) -> tuple[Lists, ...]:
    if arguments.both:
        return (FIRST, WIDE)
    return (WIDE,) if arguments.wide else (FIRST,)


def gather(forms: Iterable[Format], *, quick: bool, corpora: Iterable[Lists] = (FIRST,)) -> list[RealFile]:
    """The real files and their variants."""
    files = [file for lists in corpora for file in corpus(tuple(forms), quick=quick, lists=lists)]
    return [*files, *variants(files, _QUICK if quick else 1)]


def tried(files: list[RealFile], editor: Editor) -> Iterator[Outcome]:
    """Try every file, in two processes; the order of the outcomes is that of the files."""
    with multiprocessing.get_context("fork").Pool(_PROCESSES) as pool:
        for outcomes in pool.imap(_Trier(editor), files, chunksize=8):
            yield from outcomes


class _Trier:
    """Tries a file in a worker; a class, because a function in a function does not pickle."""

    def __init__(self, editor: Editor) -> None:
        self.editor = editor

    def __call__(self, file: RealFile) -> list[Outcome]:
        with tempfile.TemporaryDirectory(prefix="untorn-harness-") as folder:
            return try_file(file, self.editor, Path(folder))


def table(outcomes: Iterable[Outcome]) -> str:
    """Counts by format, operation and class."""
    counts: dict[tuple[str, str], Counter[str]] = defaultdict(Counter)
    for outcome in outcomes:
        counts[outcome.form, outcome.label][outcome.verdict] += 1
    lines = [f"{'format':7}{'operation':14}{'tried':>7}{'ok':>7}{'share':>9}  others"]
    for (form, label), verdicts in sorted(counts.items()):
        tried_here = verdicts.total() - verdicts[DEMANDED]
        share = f"{verdicts[OK] / tried_here:.2%}" if tried_here else "-"
        others = ", ".join(f"{name} {count}" for name, count in verdicts.most_common() if name != OK)
        lines.append(f"{form:7}{label:14}{verdicts.total():>7}{verdicts[OK]:>7}{share:>9}  {others}")
    return "\n".join(lines)


def summary(outcomes: Iterable[Outcome]) -> str:
    """Edits by format and criterion, and the refusals by reason, with their share of all edits."""
    edits = [one for one in outcomes if one.label not in NO_EDITS]
    lines = [f"{'format':7}{'edits':>8}{'E1-E5,E9':>10}{'share':>9}{'E7':>6}{'refused':>9}  criteria broken"]
    for form in FORMATS:
        verdicts = Counter(one.verdict for one in edits if one.form == form)
        refused = sum(count for name, count in verdicts.items() if is_refusal(name))
        judged = verdicts.total() - refused - verdicts[DEMANDED]
        broken = {
            name: count
            for name, count in sorted(verdicts.items())
            if name not in {OK, DEMANDED} and not is_refusal(name)
        }
        share = f"{verdicts[OK] / judged:.2%}" if judged else "-"
        lines.append(
            f"{form:7}{verdicts.total():>8}{verdicts[OK]:>10}{share:>9}{verdicts[DEMANDED]:>6}{refused:>9}"
            f"  {', '.join(f'{name} {count}' for name, count in broken.items()) or '-'}"
        )
    for demanded in (True, False):
        chosen = [one for one in edits if (one.verdict == DEMANDED if demanded else is_refusal(one.verdict))]
        lines.append(
            f"refused, {'as E7 demands' if demanded else 'not demanded'}: {len(chosen)} of {len(edits)}"
            f" ({len(chosen) / max(1, len(edits)):.3%})"
        )
        reasons = Counter(f"{one.form} {one.label}: {reason(one.detail)}" for one in chosen)
        lines += [f"  {count:>6}  {reason}" for reason, count in reasons.most_common()]
    return "\n".join(lines)


def failures(outcomes: Iterable[Outcome], number: int, only: str = "") -> str:
    """The first failures of each class, with their diffs."""
    shown: Counter[tuple[str, str]] = Counter()
    parts: list[str] = []
    for outcome in outcomes:
        key = (outcome.form, outcome.verdict)
        if outcome.verdict == OK or shown[key] >= number or only not in outcome.verdict:
            continue
        shown[key] += 1
        parts.append(f"── {outcome.form} {outcome.verdict} · {outcome.file}\n{outcome.detail}\n")
    return "\n".join(parts)


def _verdict(outcomes: list[Outcome], kind: str, *, update: bool) -> int:
    counts: dict[tuple[str, str], tuple[int, int]] = {}
    for outcome in outcomes:
        good, total = counts.get((outcome.form, outcome.label), (0, 0))
        if outcome.verdict != DEMANDED:
            counts[outcome.form, outcome.label] = (good + (outcome.verdict == OK), total + 1)
    now = ratchet.shares(counts)
    wrong = sum(outcome.verdict == WRONG for outcome in outcomes)
    fallen = ratchet.fallen(ratchet.read(kind), now)
    for line in fallen:
        print("fell:", line)
    print(f"wrong data: {wrong}")
    if update and not wrong:
        ratchet.raise_to(kind, now)
    return int(bool(wrong or fallen))


if __name__ == "__main__":
    sys.exit(main())
