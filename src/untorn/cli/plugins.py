"""``untorn plugins``: who takes part, and who was set aside for which reason."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING

from untorn.cli.colours import BOLD, RED, painted
from untorn.cli.output import json_text, say
from untorn.host import Host

if TYPE_CHECKING:
    from collections.abc import Sequence

    from untorn.cli.arguments import Request
    from untorn.registry import PluginInfo

_TITLES = ("name", "version", "package", "kind", "formats", "state")


def plugins(request: Request) -> int:
    """Print every plugin with its state; a refused one is no failure of this command."""
    found = Host(discover=True).plugins()
    if request.json:
        say(json_text([_fields(each) for each in found], indent=2))
    else:
        say(_table(found))
    return 0


def _fields(plugin: PluginInfo) -> dict[str, object]:
    return {name: getattr(plugin, name) for name in plugin.__slots__}


def _table(found: Sequence[PluginInfo]) -> str:
    rows = [_TITLES, *map(_row, found)]
    widths = [max(len(row[column]) for row in rows) for column in range(len(_TITLES))]
    lines = [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    ]
    titles, *below = lines
    printed = [painted(titles, BOLD, sys.stdout)]
    for plugin, line in zip(found, below, strict=True):
        printed.append(painted(line, RED, sys.stdout) if plugin.reason else line)
        if plugin.reason:
            printed.append(f"  {plugin.reason}")
    return "\n".join(printed)


def _row(plugin: PluginInfo) -> tuple[str, ...]:
    cells = (
        plugin.name,
        plugin.version,
        plugin.distribution,
        plugin.kind,
        ", ".join(plugin.formats),
        plugin.state,
    )
    return tuple(cell or "-" for cell in cells)
