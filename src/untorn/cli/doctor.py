"""``untorn doctor``: what a place can do, and what a save there would therefore guarantee."""

from __future__ import annotations

import sys
from dataclasses import replace
from typing import TYPE_CHECKING, Any, NamedTuple

from untorn.cli.colours import BOLD, GREEN, RED, painted
from untorn.cli.failures import CommandError
from untorn.cli.journals import journal_data
from untorn.cli.leftovers import orphan_data, state_of
from untorn.cli.output import json_text, say
from untorn.cli.phrases import at, counted, group, permissions, printable, sized, user
from untorn.cli.promises import overall, promises_at
from untorn.cli.transactions import state_in_words, transaction_at, transaction_data
from untorn.errors import ReadError, UntornError
from untorn.loading import MAX_BYTES
from untorn.storage.capabilities import survey
from untorn.storage.journal_recovery import journals_of
from untorn.storage.obstacles import obstacles_in_place, obstacles_to

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Sequence

    from untorn.cli.arguments import Request
    from untorn.cli.promises import Promise
    from untorn.cli.transactions import CutOff
    from untorn.storage.access import Access, Entry
    from untorn.storage.capabilities import Survey
    from untorn.storage.holders import Holder
    from untorn.storage.journal_recovery import FoundJournal
    from untorn.storage.mounts import Mount
    from untorn.storage.obstacles import Obstacle
    from untorn.storage.orphans import Orphan
    from untorn.storage.space import Space

    Rows = Iterable[tuple[str, str]]

_CAPABILITIES = {
    "makes_files": "files can be made",
    "locks": "locks keep others out",
    "syncs_directories": "directories can be synced",
    "exchanges": "two names can be exchanged at once",
    "spares_existing": "a new name spares an existing file",
    "reserves": "space can be reserved",
    "keeps_modes": "files have modes",
    "keeps_attributes": "files have user attributes",
    "tells_cases_apart": "upper and lower case differ",
}


def doctor(request: Request) -> int:
    """Print what a save to a path would meet and guarantee; return 1 unless it keeps all promises."""
    [named] = request.operands
    found = _surveyed(named, request)
    in_place = _in_place(found, request)
    cut_off = _transaction(found)
    if cut_off is not None:  # what it is to be finished with is no orphan
        orphans = tuple(each for each in found.orphans if each.path.name not in cut_off.temps)
        found = replace(found, orphans=orphans)
    promises = promises_at(found, in_place.survey if in_place else None)
    print_as = _json if request.json else _text
    say(print_as(named, found, in_place, cut_off, promises))
    return 0 if overall(promises) == "yes" else 1


def _surveyed(named: str, request: Request) -> Survey:
    try:
        return survey(named, limit=MAX_BYTES, probing=not (request.dry_run or request.no_probe))
    except ReadError as error:
        hint = f"\n  hint: {error.hint}" if error.hint else ""
        raise CommandError(f"{printable(named)}: {error.reason}{hint}") from error


def _transaction(found: Survey) -> CutOff | None:
    try:
        return transaction_at(found.where.path)
    except (UntornError, OSError):
        return None  # who may not read here is told so by the rest


class _InPlace(NamedTuple):
    """The directory of journals, and what lies there for the file."""

    survey: Survey
    journals: list[FoundJournal]


def _in_place(found: Survey, request: Request) -> _InPlace | None:
    if not request.in_place:
        return None
    directory = _surveyed(request.in_place, request)
    try:
        return _InPlace(directory, journals_of(found.where.path, directory.where.path))
    except ReadError:  # that there is no such directory is said among the obstacles
        return _InPlace(directory, [])


# ── For people ──────────────────────────────────────────────────────────────


def _text(
    named: str,
    found: Survey,
    in_place: _InPlace | None,
    cut_off: CutOff | None,
    promises: Sequence[Promise],
) -> str:
    parts = [
        painted(printable(named), BOLD, sys.stdout),
        *_section("", [*_file(found), *_mount(found), *_room(found.space)]),
        *_section("Who may write", _who(found)),
        *(_section("What this place can do", _can(found)) if _is_a_place(found) else []),
        *_section("What is there now", [*_now(found), *_pending(cut_off), *_journals(in_place)]),
        "",
        painted("What a save here would guarantee", BOLD, sys.stdout),
    ]
    for each in promises if _is_a_place(found) else promises[:1]:
        parts += _verdict(each)
    return "\n".join(parts)


def _is_a_place(found: Survey) -> bool:
    """Return whether files are saved here at all."""
    where = found.where
    return not where.is_the_kernels and (where.file is None or where.is_regular)


def _section(title: str, rows: Rows) -> list[str]:
    lines = [f"  {left:<12} {right}" for left, right in rows]
    return ["", painted(title, BOLD, sys.stdout), *lines] if title else lines


def _file(found: Survey) -> Iterator[tuple[str, str]]:
    where = found.where
    if where.names_directory:
        yield "directory", printable(where.path)
        return
    file = where.file
    what = (
        "does not exist yet" if file is None else sized(file.size) if where.is_regular else f"a {file.kind}"
    )
    yield "file", f"{printable(where.path)} ({what})"
    if where.missing:
        yield "", f"a save makes {', '.join(printable(each) for each in where.missing)}"


def _mount(found: Survey) -> Iterator[tuple[str, str]]:
    mount = found.where.mount
    if mount is None:
        yield "file system", "not known: this system does not tell"
        return
    kind = f"{mount.kind}, {_nature(mount)}" if _nature(mount) else mount.kind
    yield "file system", f"{kind}, {printable(mount.source)} mounted at {printable(mount.point)}"
    if found.where.is_mounted:
        yield "", "the file is mounted by itself"
    if found.space.read_only:
        yield "", "mounted read-only"


def _nature(mount: Mount) -> str:
    if mount.is_fuse:
        return "a program answers for it (FUSE)"
    return "over a network" if mount.is_network else ""


def _room(space: Space) -> Iterator[tuple[str, str]]:
    if space.total:
        reserved = f"; {sized(space.reserved)} are kept for root" if space.reserved else ""
        yield "space", f"{sized(space.available)} of {sized(space.total)} free{reserved}"
    if space.inodes:
        yield "", f"{counted(space.inodes_available, 'more file')} can be made"
    if space.quota is not None:
        left = space.quota.bytes_left
        yield (
            "quota",
            f"{sized(left)} left for you" if left is not None else "only the number of files is limited",
        )


def _who(found: Survey) -> Iterator[tuple[str, str]]:
    if found.where.file is not None:
        yield from _access("file", found.where.file)
    yield from _access("directory", found.where.folder)


def _access(name: str, thing: Access) -> Iterator[tuple[str, str]]:
    yield name, f"{permissions(thing.mode)}, owner {user(thing.owner)}, group {group(thing.group)}"
    for title, entries in (("access list", thing.acl), ("for new files", thing.default_acl)):
        if entries:
            yield "", f"{title}: {', '.join(map(_entry, entries))}"
    if thing.label:
        yield "", f"SELinux label {printable(thing.label)}"
    if thing.is_directory and thing.is_sticky:
        yield "", "sticky: only its owner may replace a file"
    marks = (("immutable", thing.flags.immutable), ("append-only", thing.flags.append_only))
    for mark in (name for name, is_so in marks if is_so):
        yield "", mark
    if not thing.is_directory and thing.links > 1:
        yield "", f"{counted(thing.links, 'name')} (hard links)"


def _entry(entry: Entry) -> str:
    if entry.number is None:
        return f"{entry.who} {entry.may}"
    return f"{entry.who} {(user if entry.who == 'user' else group)(entry.number)} {entry.may}"


def _can(found: Survey) -> Iterator[tuple[str, str]]:
    for key, text in _CAPABILITIES.items():
        yield _said(getattr(found.probed, key)), text
    has_acls = (found.where.file or found.where.folder).has_acls
    yield _said(has_acls), "files have access control lists (POSIX)"
    yield str(found.space.name_max), f"bytes in a name; a temporary file's takes {found.where.temp_size}"
    if not found.tried:
        yield "", "nothing was tried, so that what is not known above cannot be told"


def _said(answer: bool | None) -> str:  # noqa: FBT001  an answer, not a switch
    return "not known" if answer is None else "yes" if answer else "no"


def _now(found: Survey) -> Iterator[tuple[str, str]]:
    yield "lock", _holder(found.holder)
    if not found.orphans:
        yield "orphans", "none: no crashed save left anything"
        return
    yield "orphans", f"{len(found.orphans)}; untorn recover {printable(found.where.path)} says more"
    for each in found.orphans:
        yield "", f"{printable(each.path.name)}, {_orphan(each)}"


def _pending(cut_off: CutOff | None) -> Iterator[tuple[str, str]]:
    if cut_off is None:
        return
    if cut_off.live:
        yield "transaction", "one is under way"
    else:
        where = printable(cut_off.record.parent)
        yield (
            "transaction",
            f"cut off behind its commit point; the next save, or untorn recover {where}, finishes it",
        )
    for name, state in cut_off.files.items():
        yield "", f"{printable(name)}: {state_in_words(state)}"


def _journals(in_place: _InPlace | None) -> Iterator[tuple[str, str]]:
    if in_place is None:
        return
    where = printable(in_place.survey.where.path)
    if not in_place.journals:
        yield "journals", f"none in {where}"
    for each in in_place.journals:
        yield "journals", f"{printable(each.path)}, {'being written right now' if each.live else each.kind}"


def _holder(holder: Holder) -> str:
    if holder.process is not None:
        return f"held by process {holder.process} ({printable(holder.command)})"
    return {True: "held by a process that this one cannot see", False: "free", None: "not known"}[holder.held]


def _orphan(orphan: Orphan) -> str:
    if orphan.alive:
        return state_of(orphan)
    return f"{state_of(orphan)}, {sized(orphan.size)}, {at(orphan.changed_ns)}"


def _verdict(promise: Promise) -> Iterator[str]:
    colour = {"yes": GREEN, "no": RED, "limited": RED}[promise.verdict]
    about = f" (promise {promise.number})" if promise.number else ""
    yield f"  {painted(f'{promise.verdict:<8}', colour, sys.stdout)}{promise.text}{about}"
    if promise.reason:
        yield f"          {printable(promise.reason)}"
    if promise.remedy:
        yield f"          -> {printable(promise.remedy)}"


# ── For programs ────────────────────────────────────────────────────────────


def _json(
    named: str,
    found: Survey,
    in_place: _InPlace | None,
    cut_off: CutOff | None,
    promises: Sequence[Promise],
) -> str:
    """Return the same as JSON; ``docs/reference/command-line.md`` promises the keys."""
    data = {
        **_data(named, found),
        "transaction": transaction_data(cut_off),
        "in_place": None if in_place is None else printable(in_place.survey.where.path),
        "journals": [journal_data(each) for each in in_place.journals] if in_place else [],
        "obstacles": [
            {"key": each.key, "reason": each.reason, "remedy": each.remedy}
            for each in _obstacles(found, in_place)
        ],
        "promises": [{name: getattr(each, name) for name in each.__slots__} for each in promises],
        "verdict": overall(promises),
    }
    return json_text(data, indent=2)


def _obstacles(found: Survey, in_place: _InPlace | None) -> list[Obstacle]:
    if in_place is not None and found.where.file is not None:
        return obstacles_in_place(found, in_place.survey)
    return obstacles_to(found)


def _data(named: str, found: Survey) -> dict[str, Any]:
    where, mount, space = found.where, found.where.mount, found.space
    return {
        "named": printable(named),
        "path": printable(where.path),
        "directory": printable(where.directory),
        "names_directory": where.names_directory,
        "missing_parents": [printable(each) for each in where.missing],
        "mounted_file": where.is_mounted,
        "file_system": None if mount is None else _mount_data(mount),
        "space": {
            "total_bytes": space.total,
            "available_bytes": space.available,
            "reserved_bytes": space.reserved,
            "inodes": space.inodes,
            "available_inodes": space.inodes_available,
            "quota_bytes_left": space.quota.bytes_left if space.quota else None,
            "quota_inodes_left": space.quota.inodes_left if space.quota else None,
        },
        "names": {"max_bytes": space.name_max, "temp_bytes": where.temp_size},
        "read_only": space.read_only,
        "file": None if where.file is None else _access_data(where.file),
        "folder": _access_data(where.folder),
        "tried": found.tried,
        "can": {key: getattr(found.probed, key) for key in _CAPABILITIES},
        "lock": {"held": found.holder.held, "process": found.holder.process, "command": found.holder.command},
        "orphans": [orphan_data(each) for each in found.orphans],
    }


def _mount_data(mount: Mount) -> dict[str, Any]:
    return {
        "type": mount.kind,
        "device": printable(mount.source),
        "mount_point": printable(mount.point),
        "root": printable(mount.root),
        "network": mount.is_network and not mount.is_fuse,
        "fuse": mount.is_fuse,
        "options": sorted(map(printable, mount.options)),
    }


def _access_data(thing: Access) -> dict[str, Any]:
    return {
        "kind": thing.kind,
        "bytes": thing.size,
        "owner": thing.owner,
        "group": thing.group,
        "mode": f"{thing.mode:04o}",
        "links": thing.links,
        "acl": [_entry_data(each) for each in thing.acl],
        "default_acl": [_entry_data(each) for each in thing.default_acl],
        "has_acls": thing.has_acls,
        "label": thing.label or None,
        "immutable": thing.flags.immutable,
        "append_only": thing.flags.append_only,
        "sticky": thing.is_directory and thing.is_sticky,
        "readable": thing.readable,
        "writable": thing.writable,
    }


def _entry_data(entry: Entry) -> dict[str, Any]:
    return {"who": entry.who, "number": entry.number, "may": entry.may}
