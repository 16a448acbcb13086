"""Variants of real files, of kinds that are too rare as published.

They are made in memory, and the independent parsers check them.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator
from dataclasses import replace

from harness.corpus import FORMATS, RealFile
from harness.oracle.reading import read
from harness.oracle.source import BOM, Format, RefusedError, Source
from harness.oracle.values import same

WANTED = 60  # of each variant and format; at least 50 are promised, and some files cannot be changed so
Maker = Callable[[RealFile], bytes | None]


def variants(files: Iterable[RealFile], share: int = 1) -> Iterator[RealFile]:
    """Make variants of the valid ones among ``files``, of each kind one in ``share`` of the full number."""
    for form in FORMATS:
        mine = [file for file in files if file.form == form and not file.invalid and not file.documents]
        for name, maker in _makers(form).items():
            yield from _made(mine, name, maker, WANTED // share)
        if form == "yaml":
            yield from _joined(mine, WANTED // share)


def _makers(form: Format) -> dict[str, Maker]:
    makers: dict[str, Maker] = {
        "crlf": _crlf,
        "bom": _bom,
        "bom-crlf": _bom_crlf,
        "no-newline": _no_final_newline,
    }
    if form != "json":
        makers["comments"] = _commented
        makers["comments-crlf"] = _commented_crlf
    return makers


def _made(files: list[RealFile], name: str, maker: Maker, wanted: int) -> Iterator[RealFile]:
    for file in sorted(files, key=lambda file: hashlib.sha256(f"{name} {file.name}".encode()).digest()):
        data = maker(file) if wanted else None
        if data is None or data == file.data or not _means_the_same(file, data):
            continue
        wanted -= 1
        yield replace(file, path=f"{file.path}#{name}", data=data)


def _means_the_same(file: RealFile, data: bytes) -> bool:
    """Whether a variant still says what the file said; multi-line strings may hold other newlines."""
    try:
        value = read(data, file.form).value
    except RefusedError:
        return False
    return same(value, read(file.data, file.form).value) or b"\r\n" in data


def _crlf(file: RealFile) -> bytes | None:
    return None if b"\r" in file.data else file.data.replace(b"\n", b"\r\n")


def _bom(file: RealFile) -> bytes | None:
    return None if file.data.startswith(BOM.encode()) else BOM.encode() + file.data


def _bom_crlf(file: RealFile) -> bytes | None:
    with_bom = _bom(file)
    return None if with_bom is None or b"\r" in with_bom else with_bom.replace(b"\n", b"\r\n")


def _no_final_newline(file: RealFile) -> bytes:
    return file.data.rstrip(b"\r\n")


def _commented(file: RealFile) -> bytes:
    """Put a comment above every key that has a line of its own, and one at the end of each such line."""
    source = read(file.data, file.form)
    marker = "//" if file.form == "jsonc" else "#"
    lines = source.text.split("\n")
    for number in sorted(_lines_with_keys(source), reverse=True):
        line, ending = lines[number].removesuffix("\r"), "\r" if lines[number].endswith("\r") else ""
        indent = line[: len(line) - len(line.lstrip())]
        if marker not in line and _ends_outside_a_string(source, number):
            lines[number] = f"{line}  {marker} behind {number}{ending}"
        lines.insert(number, f"{indent}{marker} above {number}{ending}")
    return ((BOM if source.bom else "") + "\n".join(lines)).encode()


def _commented_crlf(file: RealFile) -> bytes | None:
    return None if b"\r" in file.data else _commented(file).replace(b"\n", b"\r\n")


def _lines_with_keys(source: Source) -> set[int]:
    starts = {entry.start for entry in source.entries.values() if entry.path}
    starts |= {header.start for entry in source.entries.values() for header in entry.headers}
    return {source.line_of(start) for start in starts if not source.before_on_line(start).strip()}


def _ends_outside_a_string(source: Source, line: int) -> bool:
    """Whether no value goes on from this line to the next, but for collections."""
    end = source.line_end(line)
    return not any(
        entry.kind == "scalar" and entry.value and entry.value.start < end < entry.value.end
        for entry in source.entries.values()
    )


def _joined(files: list[RealFile], wanted: int) -> Iterator[RealFile]:
    """Several documents: two or three small files, with the separators that people write."""
    small = [file for file in files if len(file.data) < 20_000 and _can_be_joined(file)]
    small.sort(key=lambda file: hashlib.sha256(f"documents {file.name}".encode()).digest())
    for number in range(min(wanted, len(small) // 3)):
        parts = small[3 * number : 3 * number + 2 + number % 2]
        separator = (b"---\n", b"\n---\n", b"...\n---\n", b"--- # next\n")[number % 4]
        data = (b"---\n" if number % 3 == 0 else b"") + separator.join(
            part.data.rstrip(b"\n") + b"\n" for part in parts
        )
        try:
            read(data, "yaml", documents=True)
        except RefusedError:
            continue
        yield replace(parts[0], path=f"{parts[0].path}#documents", data=data, documents=True)


def _can_be_joined(file: RealFile) -> bool:
    text = file.data.decode()
    return not (
        BOM in text
        or "\r" in text
        or "%" in text[:1]
        or "\n---" in text
        or text.startswith("---")
        or "\n..." in text
    )
