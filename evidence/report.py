"""Put what a script printed into its section of a page: ``… | python -m evidence.report NAME``.

A section lies between ``<!-- evidence:NAME -->`` and ``<!-- /evidence:NAME -->``
in ``docs/explanation/evidence.md``, or in ``performance.md`` beside it for what
``benchmarks/`` printed; nobody writes there by hand.
"""

from __future__ import annotations

import argparse
import platform
import re
import sys
from datetime import UTC, datetime
from pathlib import Path

_PAGES = Path(__file__).parent.parent / "docs" / "explanation"
PAGE = _PAGES / "evidence.md"
SECTIONS = ("faults", "powercut", "cuts", "schedules", "hammer", "sharing", "places", "scoreboard")
PERFORMANCE = _PAGES / "performance.md"
BENCHMARKS = ("commands", "saves", "edits", "growth")


def page_of(name: str) -> Path:
    """Return the page that has the section ``name``."""
    return PERFORMANCE if name in BENCHMARKS else PAGE


def replace_section(name: str, markdown: str, *, page: Path | None = None) -> None:
    """Let the section ``name`` of ``page`` hold ``markdown`` and nothing else.

    Args:
        name: The section.
        markdown: What it shall hold.
        page: The page that it is on; the one in the documentation, if left out.

    Raises:
        ValueError: The page has no such section, or more than one.
    """
    page = page or page_of(name)
    text = page.read_text("utf-8")
    begin, end = f"<!-- evidence:{name} -->\n", f"<!-- /evidence:{name} -->\n"
    if text.count(begin) != 1 or text.count(end) != 1 or text.index(begin) > text.index(end):
        raise ValueError(f"{page} has no section {name!r}, or more than one")
    before, _, rest = text.partition(begin)
    after = rest.partition(end)[2]
    page.write_text(f"{before}{begin}\n{markdown.strip()}\n\n{end}{after}", "utf-8")


def section(name: str, *, page: Path | None = None) -> str:
    """Return what the section ``name`` of ``page`` holds."""
    page = page or page_of(name)
    found = re.search(
        rf"<!-- evidence:{name} -->\n(.*?)<!-- /evidence:{name} -->\n", page.read_text("utf-8"), re.DOTALL
    )
    if found is None:
        raise ValueError(f"{page} has no section {name!r}")
    return found[1].strip()


def stamp() -> str:
    """Return when and where: the sentence that stands above what was printed."""
    today = datetime.now(UTC).date().isoformat()
    kernel = f"{platform.system()} {platform.release().partition('-')[0]}"
    return f"Printed on {today}, {kernel}, Python {platform.python_version()}."


def main() -> None:
    """Put standard input into a section."""
    parser = argparse.ArgumentParser(prog="python -m evidence.report", description=__doc__)
    parser.add_argument("name", choices=[*SECTIONS, *BENCHMARKS])
    name = parser.parse_args().name
    printed = sys.stdin.read().strip("\n")
    if not printed:
        sys.exit("nothing was printed: the section stays as it is")
    replace_section(name, f"{stamp()}\n\n```text\n{printed}\n```")


if __name__ == "__main__":
    main()
