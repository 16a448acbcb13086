"""Members of inline tables come and go, with the spaces that are there."""

from __future__ import annotations

from typing import TYPE_CHECKING

from untorn.sdk import TextEdit

if TYPE_CHECKING:
    from collections.abc import Sequence

    from untorn.serializers._toml.nodes import Inline, Pair


def added(text: str, table: Inline, member: str, *, behind: Pair | None = None, pad: str = " ") -> TextEdit:
    """Return the edit that puts ``member`` behind a member, or behind the last one."""
    if not table.pairs:
        return TextEdit(table.span.start, table.span.stop, f"{{{pad}{member}{pad}}}")
    neighbour = behind or table.pairs[-1]
    return TextEdit(neighbour.span.stop, neighbour.span.stop, f"{comma_of(text, table)}{member}")


def comma_of(text: str, table: Inline) -> str:
    """Return what stands between the first two members."""
    if len(table.pairs) < 2:  # noqa: PLR2004
        return ", "
    between = text[table.pairs[0].span.stop : table.pairs[1].span.start]
    return between if between.strip(" \t") == "," else ", "


def removed(table: Inline, pairs: Sequence[Pair]) -> list[TextEdit]:
    """Return the edits that remove some members, each with one comma."""
    gone = {pair.number for pair in pairs}
    kept = [pair for pair in table.pairs if pair.number not in gone]
    if not kept:
        return [TextEdit(table.span.start, table.span.stop, "{}")]
    edits = []
    for pair in pairs:
        if pair.number < kept[0].number:
            edits.append(TextEdit(pair.span.start, table.pairs[pair.number + 1].span.start, ""))
        else:
            edits.append(TextEdit(table.pairs[pair.number - 1].span.stop, pair.span.stop, ""))
    return edits
