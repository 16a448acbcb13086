"""Key paths: how a place in a value is written, and where it leads."""

from __future__ import annotations

# What collections.abc has, too; a load should not pay for collections.
from _collections_abc import Mapping

from untorn.errors import KeyPathError

TYPE_CHECKING = False  # a load imports this module, and should not pay for typing
if TYPE_CHECKING:
    import re
    from typing import Any, TypeAlias

    from untorn.values import Value

KeyPath: TypeAlias = "tuple[Any, ...]"
"""One part a level: a mapping's key, or a list's index. ``()`` is the whole value."""

KeyPathLike: TypeAlias = "str | KeyPath"
"""A key path, or its written form: ``server.port``, ``servers[0].name``, ``"a.b".c``."""


class _End:
    """The type of ``END``."""

    def __repr__(self) -> str:
        return "END"

    def __reduce__(self) -> str:
        return "END"


END = _End()
"""The part ``[+]`` of a key path: the place behind a list's last item."""

# Compiled when first needed: most key paths are names with dots between them.
_BARE = r"[^\s.\[\]\"']+"
_QUOTED = r'"(?:[^"\\]|\\.)*"' r"|'[^']*'"
_INDEX = r"\[\s*(-?\d+|\+)\s*\]"


def parse_keypath(written: KeyPathLike) -> KeyPath:
    """Return the parts of a written key path; a tuple or list is taken as it is.

    Raises:
        KeyPathError: It does not follow ``name("." name | "[" index "]")*``.
    """
    if isinstance(written, str):
        return tuple(part for part, _quoted in _parts(written))
    if isinstance(written, (tuple, list)):
        return tuple(written)
    msg = f"a key path is a string or a tuple, not {written!r}"
    raise KeyPathError(msg, hint=f"write ({written!r},) for a key of that value")


def _parts(written: str) -> list[tuple[Any, bool]]:
    """Return each part, and whether it can not be joined with its neighbours by a dot."""
    names = written.split(".")
    if all(map(_is_plain, names)):
        return [(name, False) for name in names]
    return _parts_in_general(written)


def _is_plain(name: str) -> bool:
    """Return whether a name certainly stands for itself; ``_BARE`` takes more."""
    return name.replace("_", "").replace("-", "").isalnum()


def _parts_in_general(written: str) -> list[tuple[Any, bool]]:
    import re  # noqa: PLC0415  a load, and most key paths, do without

    bare_name, quoted_name, index_in_list = re.compile(_BARE), re.compile(_QUOTED), re.compile(_INDEX)
    parts: list[tuple[Any, bool]] = []
    at = 0
    while at < len(written):
        if index := index_in_list.match(written, at):
            parts.append((END if index[1] == "+" else int(index[1]), True))
            at = index.end()
            continue
        if parts:
            if written[at] != ".":
                raise _malformed(written, at)
            at += 1
        if quoted := quoted_name.match(written, at):
            parts.append((_unquoted(written, quoted), True))
            at = quoted.end()
        elif bare := bare_name.match(written, at):
            parts.append((bare[0], False))
            at = bare.end()
        else:
            raise _malformed(written, at)
    return parts


def _unquoted(written: str, quoted: re.Match[str]) -> str:
    if quoted[0][0] == "'":
        return quoted[0][1:-1]
    import json  # noqa: PLC0415  few names are quoted

    try:
        return str(json.loads(quoted[0]))
    except ValueError:
        raise _malformed(written, quoted.start()) from None


def _malformed(written: str, at: int) -> KeyPathError:
    found = repr(written[at]) if at < len(written) else "the end"
    return KeyPathError(
        f"key path {written!r} is malformed at character {at + 1}: {found}",
        hint="""write server.port, servers[0].name, "a.b".c, or give a tuple""",
    )


def format_keypath(path: KeyPath) -> str:
    """Return the written form of ``path``: what ``parse_keypath`` would take.

    Keys that only YAML has (None, dates, …) stand as ``[repr]``, which is for
    people: only a tuple leads there.
    """
    written = ""
    for part in path:
        if part is END:
            written += "[+]"
        elif isinstance(part, str):
            name = _written_name(part)
            written += f".{name}" if written else name
        else:
            written += f"[{_shown(part)}]"
    return written or "(the whole value)"


def _written_name(name: str) -> str:
    if _is_plain(name):
        return name
    import json  # noqa: PLC0415  as above
    import re  # noqa: PLC0415

    return name if re.fullmatch(_BARE, name) else json.dumps(name, ensure_ascii=False)


def _shown(part: object) -> str:
    try:
        return repr(part)
    except ValueError:  # an integer of more digits than Python prints
        return f"{type(part).__name__} too long to print"


def resolve_keypath(written: KeyPathLike, value: Value) -> KeyPath:
    """Return the parts of ``written`` as they lead into ``value``.

    Indexes from the end become indexes from the start and ``[+]`` the length of
    its list, as far as ``value`` has what the path names; the rest stays as
    written, for it may be about to be added.

    Raises:
        KeyPathError: The path leads through a scalar, an index is out of range
            or not a number, or a written path could also mean a key with dots
            in it that exists.
    """
    if isinstance(written, str):
        parts = _parts(written)
        _refuse_ambiguous(written, parts, value)
        path: KeyPath = tuple(part for part, _quoted in parts)
    else:
        path = parse_keypath(written)
    resolved: list[Any] = []
    node = value
    for position, part in enumerate(path):
        step = _step(node, part, tuple(resolved))
        resolved.append(step)
        try:
            node = node[step]
        except (KeyError, IndexError):
            return (*resolved, *path[position + 1 :])
    return tuple(resolved)


def _step(node: Value, part: Any, so_far: KeyPath) -> Any:  # noqa: ANN401  a key of any type
    """Return ``part`` as a key or index of ``node``."""
    if isinstance(node, Mapping):
        if part is END:
            msg = f"{format_keypath(so_far)} is a mapping: [+] appends to lists only"
            raise KeyPathError(msg, where=so_far)
        return part
    if isinstance(node, list):
        return _index(node, part, so_far)
    msg = f"{format_keypath(so_far)} is {kind_of(node)}: nothing is below it"
    raise KeyPathError(msg, where=so_far)


def _index(node: list[Value], part: Any, so_far: KeyPath) -> int:  # noqa: ANN401  a key of any type
    size = len(node)
    if part is END:
        return size
    if not isinstance(part, int) or isinstance(part, bool):
        msg = f"{format_keypath(so_far)} is a list: {part!r} is not an index"
        raise KeyPathError(msg, where=so_far, hint=f"write {format_keypath((*so_far, 0))}")
    index = part + size if part < 0 else part
    if not 0 <= index <= size:
        items = f"{size} item{'' if size == 1 else 's'}"
        msg = f"{format_keypath(so_far)} has {items}: there is no [{part}]"
        raise KeyPathError(msg, where=so_far, hint="[+] appends")
    return index


def kind_of(value: Value) -> str:
    """Return what a person calls a value of this type: ``a string``, ``a list``."""
    if isinstance(value, Mapping):
        return "a mapping"
    names = {
        "str": "a string", "bool": "a boolean", "int": "an integer", "float": "a number",
        "NoneType": "null", "list": "a list", "tuple": "a list", "set": "a set",
        "datetime": "a date and time", "date": "a date", "time": "a time",
        "bytes": "binary data", "Tagged": "a tagged node",
    }  # fmt: skip
    name = type(value).__name__
    return names.get(name, f"of type {name}")


def _refuse_ambiguous(written: str, parts: list[tuple[Any, bool]], value: Value) -> None:
    """Raise where a run of bare parts is also one literal key with dots."""
    node = value
    for start, (part, _) in enumerate(parts):
        if isinstance(node, Mapping):
            for stop in range(start + 2, len(parts) + 1):
                run = parts[start:stop]
                if any(quoted for _, quoted in run):
                    break
                literal = ".".join(name for name, _ in run)
                if literal in node:
                    raise _ambiguous(written, parts, start, stop)
        node = look_up(node, (part,))


def _ambiguous(written: str, parts: list[tuple[Any, bool]], start: int, stop: int) -> KeyPathError:
    import json  # noqa: PLC0415  as above

    names = tuple(part for part, _ in parts)
    literal = (*names[:start], ".".join(names[start:stop]), *names[stop:])
    nested = ".".join(json.dumps(name) if isinstance(name, str) else f"[{name}]" for name in names)
    nested = nested.replace(".[", "[")
    return KeyPathError(
        f"key path {written!r} is ambiguous: there is a key {literal[start]!r} with dots in it",
        where=names[:start],
        hint=f"write {format_keypath(literal)} for that key, or {nested} for the nested one",
    )


class _Missing:
    """The type of ``MISSING``."""

    def __repr__(self) -> str:
        return "MISSING"

    def __reduce__(self) -> str:
        return "MISSING"


MISSING = _Missing()
"""What ``look_up`` returns where a path leads nowhere."""


def look_up(value: Value, path: KeyPath) -> Value:
    """Return what is at ``path`` (resolved parts), or ``MISSING``."""
    node = value
    for part in path:
        if not isinstance(node, (Mapping, list)):
            return MISSING
        try:
            node = node[part]
        except (KeyError, IndexError, TypeError):
            return MISSING
    return node
