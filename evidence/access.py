"""Who may do what with a file, so that two files can be compared (promise 12)."""

from __future__ import annotations

import functools
import operator
import os
import struct
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from evidence.tree import Rights

_USER_OBJ, _USER, _GROUP_OBJ, _GROUP, _MASK, _OTHER = 0x01, 0x02, 0x04, 0x08, 0x10, 0x20  # acl(5)
_STRANGER = 4_000_000_000

Person: TypeAlias = "tuple[int, int]"
"""Somebody's user and group."""

Entry: TypeAlias = "tuple[int, int, int]"
"""What of a list, what it grants, to whom."""


@functools.cache
def wider(rights: Rights, limit: Rights) -> bool:
    """Return whether ``rights`` let anybody do what ``limit`` does not; but for whom this process runs as."""
    others = (each for each in _people(rights, limit) if each[0] != os.geteuid())
    return any(granted(rights, each) & ~granted(limit, each) for each in others)


def granted(rights: Rights, person: Person) -> int:
    """Return the bits that ``person``, who is not root, has."""
    user, group = person
    if user == rights.owner:
        return rights.mode >> 6 & 7
    entries = _entries(rights)
    mask = next((bits for tag, bits, _ in entries if tag == _MASK), 7)
    for tag, bits, who in entries:
        if tag == _USER and who == user:
            return bits & mask
    groups = [
        bits & mask
        for tag, bits, who in entries
        if (tag == _GROUP_OBJ and group == rights.group) or (tag == _GROUP and who == group)
    ]
    if groups:
        return functools.reduce(operator.or_, groups)
    return next(bits for tag, bits, _ in entries if tag == _OTHER)


def _entries(rights: Rights) -> list[Entry]:
    if rights.acl is not None:
        return list(struct.iter_unpack("<HHI", rights.acl[4:]))
    return [
        (_USER_OBJ, rights.mode >> 6 & 7, 0),
        (_GROUP_OBJ, rights.mode >> 3 & 7, 0),
        (_OTHER, rights.mode & 7, 0),
    ]


def _people(*all_rights: Rights) -> set[Person]:
    """Everybody who is named anywhere, in every company, and a stranger."""
    entries = [entry for rights in all_rights for entry in _entries(rights)]
    users = {who for tag, _, who in entries if tag == _USER} | {each.owner for each in all_rights}
    groups = {who for tag, _, who in entries if tag == _GROUP} | {each.group for each in all_rights}
    return {(user, group) for user in users | {_STRANGER} for group in groups | {_STRANGER}}
