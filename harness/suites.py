"""Read and edit the official test suites: ``python -m harness.suites [toml|yaml|json] [--quick]``.

Every valid document must have the suite's value, every invalid one must be refused with an
error of untorn's own. Valid ones are then saved without a change, and edited and judged
like the real files. The exit status is 1 on any disagreement that is not listed in
``harness.suites_known``, and on a listed one that is none any more.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

import untorn
from harness.corpus import RealFile
from harness.editor import InMemory, plain
from harness.oracle import RefusedError, read, same
from harness.oracle.values import differences
from harness.suites_cases import SUITES, Case
from harness.suites_known import KNOWN, KNOWN_EDITS
from harness.trial import DEMANDED, OK, try_file

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from harness.oracle.source import Format

_QUICK = 10
UNJUDGED = "the judge cannot read it"


def main() -> int:
    """Run the suites from the command line."""
    parser = argparse.ArgumentParser(prog="python -m harness.suites", description=__doc__)
    parser.add_argument("suite", nargs="*", help=f"only these: {', '.join(SUITES)}")
    parser.add_argument("--quick", action="store_true", help="edit each tenth valid document only")
    arguments = parser.parse_args()
    if unknown := set(arguments.suite) - set(SUITES):
        parser.error(f"no such suite: {', '.join(sorted(unknown))}")
    bad = [report(form, quick=arguments.quick) for form in SUITES if form in (arguments.suite or SUITES)]
    return int(any(bad))


def report(form: Format, *, quick: bool) -> bool:
    """Run one suite, print what came of it, and return whether anything is wrong."""
    name, fetch = SUITES[form]
    cases = list(fetch())
    read_wrong = {case.name: problem for case in cases if (problem := reading(case))}
    valid = [case for case in cases if case.valid and case.name not in read_wrong]
    edited: Counter[str] = Counter()
    edits_wrong: dict[str, str] = {}
    for case in valid[:: _QUICK if quick else 1]:
        for verdict, detail in edits(case):
            edited[verdict] += 1
            if verdict not in {OK, DEMANDED, UNJUDGED}:
                edits_wrong.setdefault(case.name, f"{verdict}: {detail}")
    print(f"{name}: {len(cases)} cases, {len(cases) - len(read_wrong)} as it says")
    print("  edits:", ", ".join(f"{verdict} {count}" for verdict, count in edited.most_common()))
    # Of a tenth of the edits, one cannot say which listings are stale.
    problems = disagreements(listed(KNOWN, form), read_wrong, complete=True)
    problems += disagreements(listed(KNOWN_EDITS, form), edits_wrong, complete=not quick)
    for problem in problems:
        print(f"  {problem}")
    return bool(problems)


def listed(known: Mapping[tuple[Format, str], str], form: Format) -> set[str]:
    """The cases of one suite that are listed."""
    return {case for (suite, case) in known if suite == form}


def disagreements(known: set[str], found: Mapping[str, str], *, complete: bool) -> list[str]:
    """What is found but not listed and, if everything was tried, what is listed but not found."""
    unlisted = [f"{case}: {why}" for case, why in found.items() if case not in known]
    stale = sorted(known - set(found)) if complete else []
    return unlisted + [f"{case}: listed as a disagreement, but there is none" for case in stale]


def reading(case: Case) -> str:
    """Return how our reading of a case disagrees with the suite; nothing if it agrees."""
    try:
        value = plain(
            untorn.loads(case.data, format=case.form, document="all" if case.form == "yaml" else None)
        )
    except untorn.UntornError as error:
        return f"refused: {error}" if case.valid else ""
    except Exception as error:  # noqa: BLE001 - a crash is what we look for
        return f"crash: {error!r}"
    if case.valid is False:
        return f"accepted: {value!r:.100}"
    if case.valid is None or same(case.expected, value):
        return ""
    return f"another value: {differences(case.expected, value)}"


def edits(case: Case) -> Iterator[tuple[str, str]]:
    """Save a document without a change, make its edits, and have them judged."""
    many = case.form == "yaml" and len(case.expected) != 1
    # What stands behind "#" asks for one edit of each kind.
    file = RealFile(case.form, "suite", f"{case.name}.{case.form}#suite", case.data, documents=many)
    try:
        source = read(file.data, file.form, documents=many)
    except RefusedError:
        yield UNJUDGED, ""
        return
    if not same(source.value, case.expected if many or case.form != "yaml" else case.expected[0]):
        yield UNJUDGED, ""
        return
    with tempfile.TemporaryDirectory(prefix="untorn-suites-") as folder:
        for outcome in try_file(file, InMemory(), Path(folder)):
            yield outcome.verdict, f"{outcome.label}: {outcome.detail}"


if __name__ == "__main__":
    sys.exit(main())
