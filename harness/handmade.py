"""Edits that were made by hand first: does untorn make the same? ``python -m harness.handmade [--quick]``.

Exits with 1 if a result differs and nobody has said why (``differs`` in ``handmade.toml``).
"""

from __future__ import annotations

import difflib
import re
import sys
import tomllib
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import untorn
from harness.corpus import corpus

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator

    from harness.corpus import RealFile

LIST = Path(__file__).with_name("handmade.toml")
OPERATIONS = ("set", "append", "insert", "delete", "rename")
_AT = re.compile(r"(?P<first>\d+)(?:-(?P<last>\d+)|\+)")


@dataclass(frozen=True)
class Handmade:
    """An edit, and what a careful person made of it.

    Attributes:
        file: Package and path.
        operation: One of ``OPERATIONS``.
        path: Where.
        value: What is put there; ``None`` for a deletion; the new name for ``rename``.
        at: Which lines the person replaced, or behind which one they added some.
        becomes: The lines that are there now.
        differs: Why untorn's result is another one, if that was decided.
    """

    file: str
    operation: str
    path: tuple[str | int, ...]
    value: Any
    at: str
    becomes: tuple[str, ...]
    differs: str = ""

    def __str__(self) -> str:
        return f"{self.file}: {self.operation} {'.'.join(map(str, self.path))}"

    def by_hand(self, text: str) -> str:
        """Return ``text`` after the edit by hand, in the newlines of the file."""
        newline = "\r\n" if "\r\n" in text else "\n"
        found = _AT.fullmatch(self.at)
        assert found is not None, self.at
        first, last = int(found["first"]), found["last"]
        start = first - 1 if last else first
        lines = text.splitlines(keepends=True)
        if lines[-1:] and not lines[-1].endswith("\n") and start >= len(lines):
            lines[-1] += newline
        lines[start : int(last) if last else first] = [line + newline for line in self.becomes]
        made = "".join(lines)
        # The end of a file without a final newline stays without one.
        return made if text.endswith("\n") else made.removesuffix("\n").removesuffix("\r")

    def by_untorn(self, data: bytes, form: str) -> str:
        """Return the text after untorn's edit."""
        document = untorn.parse(data, format=form)
        if self.operation == "insert":
            *path, index = self.path
            document.insert(tuple(path), int(index), self.value)
        else:
            details = () if self.operation == "delete" else (self.value,)
            getattr(document, self.operation)(self.path, *details)
        return document.to_bytes().decode()


def handmade() -> Iterator[Handmade]:
    """Yield the edits of ``handmade.toml``."""
    for each in tomllib.loads(LIST.read_text("utf-8"))["edit"]:
        [operation] = (name for name in OPERATIONS if name in each)
        yield Handmade(
            file=each["file"],
            operation=operation,
            path=tuple(each[operation]),
            value=each.get("to" if operation == "rename" else "value"),
            at=each["at"],
            becomes=tuple(each["becomes"]),
            differs=each.get("differs", ""),
        )


def difference(edit: Handmade, file: RealFile) -> str:
    """Return how untorn's result differs from that by hand, as a diff; empty if it does not."""
    by_hand = edit.by_hand(file.data.decode())
    try:
        by_untorn = edit.by_untorn(file.data, file.form)
    except untorn.UntornError as error:
        return f"{type(error).__name__}: {error}\n"
    if by_hand == by_untorn:
        return ""
    hand, ours = (text.splitlines(keepends=True) for text in (by_hand, by_untorn))
    return "".join(difflib.unified_diff(hand, ours, "by hand", "by untorn", n=2))


def report(edits: Iterable[Handmade], files: Iterable[RealFile]) -> int:
    """Print the differences and the counts; return how many differences nobody has decided about.

    Edits of other files are left out.
    """
    by_name = {f"{file.package} {file.path}": file for file in files}
    undecided = decided = same = 0
    for edit in edits:
        if edit.file not in by_name:
            continue
        found = difference(edit, by_name[edit.file])
        if not found:
            same += 1
        elif edit.differs:
            decided += 1
            print(f"{edit}\n{found}decided: {edit.differs}\n")
        else:
            undecided += 1
            print(f"{edit}\n{found}")
    total = same + decided + undecided
    print(f"{same} of {total} edits are as they were made by hand; {decided} differ on purpose")
    return undecided


def main() -> int:
    """Make the edits of real files."""
    return 1 if report(handmade(), corpus(quick="--quick" in sys.argv)) else 0


if __name__ == "__main__":
    sys.exit(main())
