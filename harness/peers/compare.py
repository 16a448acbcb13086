"""The edits that are difficult, made by untorn and by others: ``python -m harness.peers.compare [--write]``.

The judge looks at every result. ``--write`` puts the table into ``docs/explanation/editing.md``.
The exit status is 1 if untorn's own row has anything but what a careful person would have written.
"""

from __future__ import annotations

import argparse
import platform
import sys
import tempfile
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from harness.cases import CASES, Case
from harness.oracle import RefusedError, judge, read
from harness.peers.editors import PYTHON, Editor, npm_editors

if TYPE_CHECKING:
    from harness.oracle.source import Format

PAGE = Path(__file__).parents[2] / "docs" / "explanation" / "editing.md"
BEGIN, END = "<!-- harness:cases -->\n", "<!-- /harness:cases -->\n"
TITLES: dict[Format, str] = {"toml": "TOML", "yaml": "YAML", "json": "JSON", "jsonc": "JSONC"}
RIGHT, REFUSED = "✓", "refused"
SAYS = {
    "E1": "other lines changed",
    "E2": "**wrong data**",
    "E3": "a comment lost or misplaced",
    "E4": "not in the file's style",
    "E5": "newlines changed",
}


def verdict(editor: Editor, case: Case) -> str:
    """Return what became of one edit: a tick, a refusal, or the worst that the judge says."""
    try:
        after = editor.edit(case)
    except Exception as error:  # noqa: BLE001 - whatever it is, it made no file
        if case.after is None:
            return f"{RIGHT} {REFUSED}"
        name = str(error) if type(error).__name__ == "SaysNoError" else type(error).__name__
        return f"error: {name}"
    if after == case.after:
        return RIGHT
    if case.after is None:
        return "**made, though it must not be**"
    return judged(case, after)


def judged(case: Case, after: str) -> str:
    """Return what the judge says of a result that is not the one that was wanted."""
    try:
        read(after.encode(), case.form, documents=case.documents)
        found = judge(
            case.before.encode(), case.operation, after.encode(), case.form, documents=case.documents
        )
    except (RefusedError, AssertionError, LookupError):
        return "**no valid file**"
    if not found:
        return RIGHT
    rules = sorted({each.rule for each in found}, key=lambda rule: (rule != "E2", rule))
    return SAYS[rules[0]]


def table(form: Format, editors: list[Editor]) -> str:
    """Return the table of one format."""
    mine = [each for each in editors if form in each.forms]
    rows = [[case.name, *(verdict(each, case) for each in mine)] for case in CASES if case.form == form]
    heads = [["", *(f"{each.name} {each.release}" for each in mine)], ["---", *("---" for _ in mine)]]
    lines = "\n".join("| " + " | ".join(row) + " |" for row in [*heads, *rows])
    right = [
        f"{each.name} {sum(row[n + 1].startswith(RIGHT) for row in rows)}" for n, each in enumerate(mine)
    ]
    return f"### {TITLES[form]}\n\n{lines}\n\nRight, of {len(rows)}: {', '.join(right)}."


def main() -> int:
    """Make the tables."""
    parser = argparse.ArgumentParser(prog="python -m harness.peers.compare", description=__doc__)
    parser.add_argument("--write", action="store_true", help="put them into the page")
    write = parser.parse_args().write
    with tempfile.TemporaryDirectory(prefix="untorn-peers-") as place:
        editors = [*PYTHON, *npm_editors(Path(place))]
        tables = "\n\n".join(table(form, editors) for form in TITLES)
        ours = [verdict(PYTHON[0], case) for case in CASES]
    print(tables)
    if write:
        when = f"{datetime.now(UTC).date().isoformat()}, Python {platform.python_version()}"
        text = PAGE.read_text("utf-8")
        before, _, rest = text.partition(BEGIN)
        after = rest.partition(END)[2]
        PAGE.write_text(f"{before}{BEGIN}\nPrinted on {when}.\n\n{tables}\n\n{END}{after}", "utf-8")
    return int(not all(each.startswith(RIGHT) for each in ours))


if __name__ == "__main__":
    sys.exit(main())
