"""How ``doctor`` and ``recover`` put sizes, times, users and names."""

from __future__ import annotations

import stat
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_UNITS = ("bytes", "kB", "MB", "GB", "TB", "PB")
_THOUSAND = 1000


def printable(name: str | Path) -> str:
    """Return a name as it can be shown in one line, whatever characters it has."""
    text = str(name).encode("utf-8", "surrogateescape").decode("utf-8", "backslashreplace")
    return "".join(each if each.isprintable() else each.encode("unicode_escape").decode() for each in text)


def sized(number: int) -> str:
    """Return a number of bytes as people say it."""
    if number == 1:
        return "1 byte"
    amount, unit = float(number), 0
    while amount >= _THOUSAND and unit < len(_UNITS) - 1:
        amount, unit = amount / _THOUSAND, unit + 1
    return f"{amount:.0f} {_UNITS[unit]}" if unit == 0 else f"{amount:.1f} {_UNITS[unit]}"


def at(nanoseconds: int) -> str:
    """Return a moment, in local time."""
    from datetime import UTC, datetime  # noqa: PLC0415  only where one is printed

    moment = datetime.fromtimestamp(nanoseconds // 1_000_000_000, UTC).astimezone()
    return moment.strftime("%Y-%m-%d %H:%M:%S")


def user(number: int) -> str:
    """Return a user's name and number."""
    try:
        import pwd  # noqa: PLC0415  POSIX has it, and only this needs it

        return f"{pwd.getpwuid(number).pw_name} ({number})"
    except (ImportError, KeyError, OverflowError):
        return str(number)


def group(number: int) -> str:
    """Return a group's name and number."""
    try:
        import grp  # noqa: PLC0415  POSIX has it, and only this needs it

        return f"{grp.getgrgid(number).gr_name} ({number})"
    except (ImportError, KeyError, OverflowError):
        return str(number)


def permissions(mode: int) -> str:
    """Return permission bits as ``ls`` and ``chmod`` have them: ``rw-r----- (0640)``."""
    return f"{stat.filemode(mode)[1:]} ({mode:04o})"


def counted(number: int, thing: str) -> str:
    """Return ``1 thing`` or ``2 things``."""
    return f"{number} {thing}{'' if number == 1 else 's'}"
