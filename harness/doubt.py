"""Doubt the judge: ``python -m harness.doubt`` spoils good results and counts what the judge lets pass.

A judge that never objects would make any editor look perfect. Each good result of the
quick corpus is spoiled in every way that applies, once, at a place chosen by hash; the
table says how many of the spoilt results were caught.
"""

from __future__ import annotations

import hashlib
import tempfile
from collections import Counter
from pathlib import Path
from typing import TYPE_CHECKING

from harness.choices import choices
from harness.editor import Editor, InMemory
from harness.oracle import judge, read
from harness.run import gather

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

    from harness.corpus import RealFile
    from harness.oracle import Operation, Source


def _lose_comment(source: Source, number: int) -> str | None:
    if not source.comments:
        return None
    comment = source.comments[number % len(source.comments)]
    return source.text[: comment.start] + source.text[comment.end :]


def _double_comment(source: Source, number: int) -> str | None:
    alone = sorted(source.standing_alone.values())
    if not alone:
        return None
    comment = source.comments[alone[number % len(alone)]]
    start = source.line_starts[source.line_of(comment.start)]
    return f"{source.text[:start]}{source.text[start : comment.end]}\n{source.text[start:]}"


def _lose_blank_line(source: Source, number: int) -> str | None:
    places = [i for i in range(len(source.text) - 1) if source.text.startswith("\n\n", i)]
    if not places:
        return None
    place = places[number % len(places)]
    return source.text[:place] + source.text[place + 1 :]


def _pad_line(source: Source, number: int) -> str | None:
    """A space at the end of a line."""
    lines = [line for line, text in enumerate(source.lines) if text.strip()]
    if not lines:
        return None
    line = lines[number % len(lines)]
    end = source.line_starts[line] + len(source.lines[line])
    return f"{source.text[:end]} {source.text[end:]}"


def _swap_comments(source: Source, number: int) -> str | None:
    pairs = [
        (one, other)
        for one, other in zip(source.comments, source.comments[1:], strict=False)
        if one.text.strip() != other.text.strip()
    ]
    if not pairs:
        return None
    one, other = pairs[number % len(pairs)]
    between = source.text[one.end : other.start]
    return f"{source.text[: one.start]}{other.text}{between}{one.text}{source.text[other.end :]}"


def _other_newline(source: Source, number: int) -> str | None:
    """One newline of the other kind, in a file with several of one kind."""
    if source.text.count("\n") < 3:
        return None
    place = source.line_end(number % source.text.count("\n"))
    if source.text[place - 1 : place] == "\r":
        return source.text[: place - 1] + source.text[place:]
    return f"{source.text[:place]}\r{source.text[place:]}"


def _other_end(source: Source, number: int) -> str | None:
    del number
    return source.text[:-1] if source.text.endswith("\n") else source.text + "\n"


def _other_bom(source: Source, number: int) -> str | None:
    del number
    return source.text or None


_SPOILERS: dict[str, Callable[[Source, int], str | None]] = {
    "lose a comment": _lose_comment,
    "double a comment": _double_comment,
    "lose a blank line": _lose_blank_line,
    "pad a line": _pad_line,
    "swap two comments": _swap_comments,
    "one other newline": _other_newline,
    "final newline": _other_end,
    "BOM": _other_bom,
}


def spoilt(file: RealFile, editor: Editor, folder: Path) -> Iterator[tuple[str, bool, str]]:
    """Spoil the good results of one file; say of each whether the judge caught it."""
    path = folder / "file"
    source = read(file.data, file.form, documents=file.documents)
    for choice in choices(file, source):
        path.write_bytes(file.data)
        try:
            editor.edit(path, file.form, choice.operation, documents=file.documents)
        except editor.refusals():
            continue
        after = path.read_bytes()
        if not _objections(file, choice.operation, after, source):
            yield from _each(file, choice.operation, after, source)


def _each(
    file: RealFile, operation: Operation, after: bytes, source: Source
) -> Iterator[tuple[str, bool, str]]:
    result = read(after, file.form, documents=file.documents)
    for name, spoil in _SPOILERS.items():
        digest = hashlib.sha256(f"{name} {file.name} {operation}".encode()).digest()
        text = spoil(result, int.from_bytes(digest[:4]))
        if text is None:
            continue
        bom = result.bom != (name == "BOM")
        data = ("\ufeff" * bom + text).encode("utf-8", "surrogatepass")
        if data not in {after, file.data}:
            yield name, bool(_objections(file, operation, data, source)), f"{file.name}: {operation}"


def _objections(file: RealFile, operation: Operation, after: bytes, source: Source) -> list[object]:
    return [*judge(file.data, operation, after, file.form, documents=file.documents, source=source)]


def main() -> None:
    """Print how many spoilt results of each kind were caught, and the first that were not."""
    caught: Counter[tuple[str, str]] = Counter()
    total: Counter[tuple[str, str]] = Counter()
    missed: list[str] = []
    files = [file for file in gather(("json", "jsonc", "toml", "yaml"), quick=True) if not file.invalid]
    with tempfile.TemporaryDirectory() as folder:
        for file in files:
            for name, seen, what in spoilt(file, InMemory(), Path(folder)):
                total[file.form, name] += 1
                caught[file.form, name] += seen
                missed += [] if seen else [f"{name} · {what}"]
    for key in sorted(total):
        print(f"{key[0]:7}{key[1]:20}{caught[key]:>6} of {total[key]:>6}  {caught[key] / total[key]:.2%}")
    print("\n".join(missed[:60]))


if __name__ == "__main__":
    main()
