"""What a directory holds, as plain data: to be compared, and to be made again elsewhere."""

from __future__ import annotations

import errno
import os
import stat
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

ACL = "system.posix_acl_access"

Attributes: TypeAlias = "tuple[tuple[str, bytes], ...]"


@dataclass(frozen=True, slots=True)
class Rights:
    """Who may do what: what chmod(2), chown(2) and acl(5) change."""

    mode: int
    owner: int
    group: int
    acl: bytes | None = None


@dataclass(frozen=True, slots=True)
class File:
    """A regular file; ``attributes`` are the extended ones besides the ACL."""

    data: bytes
    rights: Rights
    attributes: Attributes = ()


@dataclass(frozen=True, slots=True)
class Directory:
    """A directory; what is in it stands beside it in the tree."""

    rights: Rights
    attributes: Attributes = ()


@dataclass(frozen=True, slots=True)
class Link:
    """A symbolic link."""

    target: str


Node: TypeAlias = "File | Directory | Link"
Tree: TypeAlias = "dict[str, Node]"
"""What is below a directory, by relative path; parents come before what is in them."""


def rights_and_attributes(where: Path | int) -> tuple[Rights, Attributes]:
    """Look at a file or directory: a path, whose last link is not followed, or a descriptor."""
    status = os.fstat(where) if isinstance(where, int) else where.lstat()
    found = _attributes(where)
    acl = found.pop(ACL, None)
    rights = Rights(stat.S_IMODE(status.st_mode), status.st_uid, status.st_gid, acl)
    return rights, tuple(sorted(found.items()))


def _attributes(where: Path | int) -> dict[str, bytes]:
    try:
        return {name: os.getxattr(where, name) for name in os.listxattr(where)}
    except OSError as error:
        if error.errno == errno.ENOTSUP:
            return {}
        raise


def scan(root: Path) -> Tree:
    """Return what is below ``root``."""
    tree: Tree = {}
    for path in sorted(root.rglob("*")):
        tree[str(path.relative_to(root))] = _node(path)
    return tree


def _node(path: Path) -> Node:
    if path.is_symlink():
        return Link(os.readlink(path))  # noqa: PTH115  a string, as it is written
    if path.is_dir():
        return Directory(*rights_and_attributes(path))
    return File(path.read_bytes(), *rights_and_attributes(path))


def build(tree: Tree, root: Path) -> None:
    """Make ``tree`` in the empty directory ``root``."""
    for name, node in tree.items():
        path = root / name
        if isinstance(node, Link):
            path.symlink_to(node.target)
            continue
        if isinstance(node, Directory):
            path.mkdir(exist_ok=True)
        else:
            path.write_bytes(node.data)
            os.utime(path, (0, 0))  # a save waits while somebody seems to be writing
        _put(path, node.rights, node.attributes)


def rebuild(tree: Tree, root: Path) -> None:
    """Make ``tree`` of what is in ``root``: files that are in both stay the same inodes."""
    for path in sorted(root.rglob("*"), reverse=True):
        name = str(path.relative_to(root))
        if type(tree.get(name)) is not type(_node(path)):
            path.rmdir() if path.is_dir() and not path.is_symlink() else path.unlink()
    build(
        {name: node for name, node in tree.items() if not isinstance(node, Link) or name not in scan(root)},
        root,
    )


def _put(path: Path, rights: Rights, attributes: Attributes) -> None:
    if (rights.owner, rights.group) != (os.geteuid(), os.getegid()):
        os.chown(path, rights.owner, rights.group)
    path.chmod(rights.mode)
    if rights.acl is not None:
        os.setxattr(path, ACL, rights.acl)
    for name, value in attributes:
        os.setxattr(path, name, value)


def followed(tree: Tree, name: str) -> str:
    """Return what ``name`` leads to, if it is a symbolic link (its parents are none)."""
    node = tree.get(name)
    while isinstance(node, Link):
        name = os.path.normpath(Path(name).parent / node.target)
        node = tree.get(name)
    return name
