"""Many savers of one file, and readers that never pause."""

from __future__ import annotations

import os
from collections import Counter
from functools import partial
from typing import TYPE_CHECKING

import untorn
from evidence import contents
from evidence.children import exit_code, forked
from evidence.readers import readers

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from evidence.hammer import Amounts
    from untorn import Document

    Save = Callable[[Path, int], object]
    Stage = Callable[[Path], Counter[str]]
    Creates = Callable[[Path, int], Counter[str]]

READERS = 2
_TIMEOUT = 60.0  # seconds: a busy machine is no violation, a lock that nobody gives back is
FORMATS = ("toml", "yaml", "json")


# ── Ways to save ────────────────────────────────────────────────────────────


def write_bytes(path: Path, number: int) -> None:
    """Replace the file by other bytes."""
    untorn.write_bytes(path, contents.text(number, path.suffix[1:]), timeout=_TIMEOUT)


def save(path: Path, number: int) -> None:
    """Let the file hold another value, whatever it holds."""
    untorn.save(path, contents.value(number), base=None, timeout=_TIMEOUT)


def edit(path: Path, _number: int) -> None:
    """Count one further: what an edit finds, nobody changes before it saves."""
    with untorn.edit(path, timeout=_TIMEOUT) as doc:
        doc.value.update(contents.value(doc.value["number"] + 1))


WAYS: dict[str, Save] = {"write_bytes": write_bytes, "save": save, "edit": edit}


# ── One file ────────────────────────────────────────────────────────────────


def stages(amounts: Amounts) -> Iterator[tuple[str, Stage]]:
    """Yield each way with each format, through a link, and with files that several create at once."""
    for way in WAYS:
        for format in FORMATS if way != "write_bytes" else ("json",):
            yield f"{way} {format.upper()}", partial(crowd, way, format, amounts, link=False)
    for way in ("write_bytes", "edit"):
        yield f"{way} TOML through a link", partial(crowd, way, "toml", amounts, link=True)
    for creates in (created_whole, counted_from_nothing):
        for deep in (False, True):
            where = "in a new directory" if deep else "in a directory"
            yield (
                f"{creates.__name__.replace('_', ' ')} {where}",
                partial(creations, creates, amounts, deep=deep),
            )


def crowd(way: str, format: str, amounts: Amounts, directory: Path, *, link: bool) -> Counter[str]:
    """Let savers save one file while readers read it."""
    target = path = directory / f"target.{format}"
    target.write_bytes(contents.text(0, format))
    if link:
        (directory / "elsewhere").mkdir()
        path = directory / "elsewhere" / f"link.{format}"
        path.symlink_to(f"../{target.name}")
    with readers(path, READERS) as found:
        failed = _all_at_once(
            [partial(_save_often, WAYS[way], path, amounts.saves, at) for at in range(amounts.savers)]
        )
    found["saves"] = amounts.savers * amounts.saves
    found["failed"] += failed + (link and not path.is_symlink())
    found["not swept"] = len([*directory.iterdir()]) - 1 - link
    found["no version seen"] = found["versions"] <= READERS
    if way == "edit":
        found["lost"] = found["saves"] - contents.number_of(target.read_bytes())
    return found


def _save_often(way: Save, path: Path, times: int, at: int) -> None:
    for number in range(times):
        way(path, at * times + number)


def _all_at_once(tasks: list[Callable[[], object]]) -> int:
    """Run each task in a process of its own, all from one moment on; return how many failed."""
    waiting, ready = os.pipe()

    def run(task: Callable[[], object]) -> None:
        os.close(ready)
        os.read(waiting, 1)  # returns when the other end is closed
        task()

    children = [forked(partial(run, task)) for task in tasks]
    os.close(ready)
    os.close(waiting)
    return sum(exit_code(child) != 0 for child in children)


# ── New files ───────────────────────────────────────────────────────────────


def creations(creates: Creates, amounts: Amounts, directory: Path, *, deep: bool) -> Counter[str]:
    """Let several processes create one file, again and again; with ``deep``, its directories too."""
    total: Counter[str] = Counter()
    for number in range(amounts.creations):
        above = directory / str(number)
        above.mkdir()
        path = above / "deep" / "down" / "new.json" if deep else above / "new.json"
        with readers(path, 1, appears=True) as found:
            total.update(creates(path, amounts.savers))
        total.update(found)
        total["created at once"] += 1
        total["not swept"] += len([*path.parent.iterdir()]) - 1
    total["no version seen"] += total["versions"] == 0
    return total


def created_whole(path: Path, savers: int) -> Counter[str]:
    """Create it with ``write_bytes``: one whole content is there."""
    failed = _all_at_once([partial(write_bytes, path, at) for at in range(savers)])
    torn = contents.verdict(path.read_bytes()) != "whole"
    return Counter({"saves": savers, "failed": failed, "torn": int(torn)})


def counted_from_nothing(path: Path, savers: int) -> Counter[str]:
    """Create it with ``update``, each as if there were no other: all have been counted."""

    def count(doc: Document) -> None:
        filler = contents.value(doc.get("number", 0) + 1)
        for key, each in filler.items():
            doc.set(key, each)

    def counting() -> None:
        untorn.update(path, count, create=True, timeout=_TIMEOUT)

    failed = _all_at_once([counting] * savers)
    lost = savers - contents.number_of(path.read_bytes())
    return Counter({"saves": savers, "failed": failed, "lost": lost})
