"""What we changed, made again on what others made of the same text meanwhile (promise 8)."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from untorn.changes import ChangeSet, Delete, Insert, Move, Operation, Rename, Set, SetComment
from untorn.errors import ConflictError
from untorn.keypath import MISSING, KeyPath, format_keypath
from untorn.twins import Node, made, pair, twins
from untorn.values import Value, same_value

if TYPE_CHECKING:
    from collections.abc import Callable

Side: TypeAlias = Literal["raise", "ours", "theirs"]
"""Who prevails where both sides changed the same: nobody, this save, or the others."""

Policy: TypeAlias = "Side | Callable[[ConflictError], Side]"
"""What to do about conflicts: the same for all, or asked of each."""

Comments: TypeAlias = "Callable[[KeyPath, KeyPath, str], tuple[str | None, str | None]]"
"""Says what a comment was, and is on their side; takes the paths of its entry in both, and its place."""


def decided(policy: Policy, conflict: ConflictError) -> Side:
    """Return who prevails.

    Raises:
        ValueError: The policy gives no such answer.
    """
    side: Side = policy(conflict) if callable(policy) else policy
    if side not in ("raise", "ours", "theirs"):
        msg = f"a conflict is decided for 'ours', 'theirs' or 'raise', not {side!r}"
        raise ValueError(msg)
    return side


class _Collision(Exception):  # noqa: N818  becomes a ConflictError once it is known whether it is one
    """Both sides changed the same.

    Attributes:
        where: Where, as we see it.
        node: What it is on our side, if it is there.
        twin: What it is on theirs.
        what: What each side did, in words.
        comments: What a comment was, shall say on our side, and says on theirs.
    """

    def __init__(
        self,
        where: KeyPath,
        node: Node | None,
        twin: Node | None,
        what: str,
        comments: tuple[str | None, str | None, str | None] | None = None,
    ) -> None:
        super().__init__(where, what)
        self.where = where
        self.node = node
        self.twin = twin
        self.what = what
        self.comments = comments


def replayed(  # noqa: PLR0913  what each conflict is decided by
    changes: ChangeSet,
    base: Value,
    theirs: Value,
    *,
    equal_counts: bool = True,
    decide: Callable[[ConflictError], Side] = lambda _conflict: "raise",
    comments: Comments | None = None,
) -> ChangeSet:
    """Return what of ``changes``, made on ``base``, is still to be done on ``theirs``.

    What the two sides changed on different key paths stays. Items of lists are
    told by what they are, not by where they stand, so that two appends stay too:
    theirs first. Equal changes count once: ours are dropped.

    Args:
        changes: What we changed on ``base``.
        base: The value that both sides started from.
        theirs: The value that the other side made of it.
        equal_counts: Whether equal changes are the same change; if not, they
            conflict like different ones.
        decide: Who prevails in a conflict.
        comments: What comments say on both sides; without it, no two are in conflict.

    Raises:
        ConflictError: Both sides changed the same key path, or one deleted,
            renamed, moved or retyped what the other changed inside, and
            ``decide`` is for nobody. All other conflicts are in its ``others``.
    """
    replay = _Replay(base, theirs, equal_counts, decide, comments)
    for operation in changes:
        replay.do(operation)
    if replay.conflicts:
        first, *rest = replay.conflicts
        first.others = tuple(rest)
        raise first
    return ChangeSet(tuple(replay.done))


class _Replay:
    """Both values on their way: ours through all operations, theirs through those that are made on it."""

    def __init__(
        self,
        base: Value,
        theirs: Value,
        equal_counts: bool,  # noqa: FBT001  handed on
        decide: Callable[[ConflictError], Side],
        comments: Comments | None,
    ) -> None:
        self._ours, self._theirs = twins(base, theirs)
        self._equal_counts = equal_counts
        self._decide = decide
        self._comments = comments
        self._quarrels: list[KeyPath] = []
        self.done: list[Operation] = []
        self.conflicts: list[ConflictError] = []

    def do(self, operation: Operation) -> None:
        """Make one operation on both sides, or find out that it collides."""
        operation = self._below_what_exists(operation)
        try:
            self._make(operation)
        except _Collision as collision:
            side = self._decided(collision, operation)
            if side == "ours":
                self._force(operation)
            else:
                made(self._ours, operation)

    def _below_what_exists(self, operation: Operation) -> Operation:
        """Let the parents that a set makes be a part of its value."""
        node: Node | None = self._ours
        for depth, part in enumerate(operation.path[:-1], start=1):
            node = node.child(part) if node else None
            if node is None and isinstance(operation, Set):
                value = operation.value
                for missing in reversed(operation.path[depth:]):
                    value = {missing: value}
                return Set(operation.path[:depth], value)
        return operation

    # ── Without collision ───────────────────────────────────────────────────

    def _make(self, operation: Operation) -> None:
        match operation:
            case Set(path, value):
                self._set(path, value)
            case Insert(path, value):
                self._insert(path, value)
            case Delete(path):
                self._delete(path)
            case _:
                self._change_place_or_comment(operation)

    def _emit(self, operation: Operation) -> None:
        made(self._theirs, operation)
        self.done.append(operation)

    def _holder(self, path: KeyPath) -> tuple[Node, Node]:
        """Return what holds ``path`` on both sides."""
        node = self._ours
        twin = _sound(node, ())
        for depth, part in enumerate(path[:-1], start=1):
            node = _there(node.child(part))
            twin = _sound(node, path[:depth])
        return node, twin

    def _set(self, path: KeyPath, value: Value) -> None:
        if not path:
            self._replace(self._ours, self._theirs, path, value)
            return
        holder, twin = self._holder(path)
        node = holder.child(path[-1])
        if node is not None:
            self._replace(node, node.twin, path, value)
            return
        additions = self._additions(twin, path, path[-1], value)
        there = twin.path()
        for below, each in additions:
            self._emit(Set((*there, *below), each))
        made(self._ours, Set(path, value))
        self._pair(holder, twin, path[-1])

    def _replace(self, node: Node, twin: Node | None, path: KeyPath, value: Value) -> None:
        if twin is None:
            raise _Collision(path, node, None, "we set it, they deleted it")
        if twin.changed:
            if not self._equals(twin, value):
                raise _Collision(path, node, twin, "both sides changed it")
            made(self._ours, Set(path, value))
        else:
            self._emit(Set(twin.path(), value))
            made(self._ours, Set(path, value))
        pair(node, twin)

    def _additions(
        self,
        twin: Node,
        path: KeyPath,
        key: Any,  # noqa: ANN401  keys of any type
        value: Value,
    ) -> list[tuple[KeyPath, Value]]:
        """Return what to set below ``twin``, where they may have made the same key."""
        found = twin.child(key)
        if found is None:
            if not isinstance(key, str) and any(each.key == key for each in twin.children()):
                raise _Collision(path, None, None, "both sides added it, and spell it differently")
            return [((key,), value)]
        if isinstance(value, Mapping) and found.members is not None:
            each = [self._additions(found, (*path, name), name, item) for name, item in value.items()]
            return [((key, *below), item) for one in each for below, item in one]
        if not self._equals(found, value):
            raise _Collision(path, None, found, "both sides added it")
        return []

    def _equals(self, twin: Node, value: Value) -> bool:
        return self._equal_counts and same_value(twin.plain(), value)

    def _pair(self, holder: Node, twin: Node, key: Any) -> None:  # noqa: ANN401  keys of any type
        pair(_there(holder.child(key)), _there(twin.child(key)))

    def _delete(self, path: KeyPath) -> None:
        holder, _ = self._holder(path)
        node = _there(holder.child(path[-1]))
        if node.twin is None:
            if not self._equal_counts:
                raise _Collision(path, node, None, "both sides deleted it")
        elif node.twin.changed:
            raise _Collision(path, node, node.twin, "we deleted it, they changed it")
        else:
            self._emit(Delete(node.twin.path()))
        made(self._ours, Delete(path))

    def _insert(self, path: KeyPath, value: Value) -> None:
        holder, twin = self._holder(path)
        place = _place_for(holder, twin, path[-1])
        same = self._already_there(holder, twin, path[-1], value)
        if same and not self._equal_counts:
            raise _Collision(path, None, same, "both sides added it")
        if not same and any(same_value(each, value) for each in holder.lost):
            raise _Collision(path, None, None, "we put it in another place, they removed it")
        if not same:
            self._emit(Insert((*twin.path(), place), value))
        made(self._ours, Insert(path, value))
        pair(_there(holder.child(path[-1])), same or twin.children()[place])

    def _already_there(self, holder: Node, twin: Node, index: int, value: Value) -> Node | None:
        """Return an item that they put between the same neighbours, and that is not ours yet."""
        claimed = {id(each.twin) for each in holder.children()}
        start, stop = _gap(
            holder, twin, index, [each for each in holder.children() if each.was is not MISSING]
        )
        for each in twin.children()[start:stop]:
            if each.was is MISSING and id(each) not in claimed and same_value(each.plain(), value):
                return each
        return None

    def _change_place_or_comment(self, operation: Rename | Move | SetComment) -> None:
        path = operation.path
        holder, twin = self._holder(path)
        node = _there(holder.child(path[-1]))
        verb = {Rename: "renamed", Move: "moved", SetComment: "commented on"}[type(operation)]
        if node.twin is None:
            raise _Collision(path, node, None, f"we {verb} it, they deleted it")
        # A comment, and the place of a scalar, can be ours where the value is theirs.
        stays = isinstance(operation, SetComment) or (isinstance(operation, Move) and not node.children())
        if node.twin.changed and not stays:
            raise _Collision(path, node, node.twin, f"we {verb} it, they changed it")
        if isinstance(operation, Rename):
            other = twin.child(operation.key)
            if other is not None and other is not node.twin:
                raise _Collision((*path[:-1], operation.key), None, other, "we renamed to it, they added it")
        if isinstance(operation, SetComment) and self._is_said(operation, node):
            return
        self._place_or_comment(operation, node)

    def _is_said(self, operation: SetComment, node: Node) -> bool:
        """Return whether a comment says already what it shall."""
        twin = _there(node.twin)
        if self._comments is None or node.origin is None or twin.origin is None:
            return False
        old, new = self._comments(node.origin, twin.origin, operation.place)
        if new not in (old, operation.text):
            sides = old, operation.text, new
            raise _Collision(operation.path, node, twin, "both sides changed its comment", sides)
        return new != old or new == operation.text

    def _place_or_comment(self, operation: Rename | Move | SetComment, node: Node) -> None:
        there = _there(node.twin).path()
        made(self._ours, operation)
        if isinstance(operation, Move):
            self._emit(Move(there, _place_of(node)))
        else:
            self._emit(replace(operation, path=there))

    # ── Collisions ──────────────────────────────────────────────────────────

    def _decided(self, collision: _Collision, operation: Operation) -> Side:
        # One quarrel is told once, however many operations it is about.
        if any(collision.where[: len(each)] == each for each in self._quarrels):
            return "raise"
        conflict = _conflict(collision, operation)
        side = self._decide(conflict)
        if side == "raise":
            self._quarrels.append(collision.where)
            self.conflicts.append(conflict)
        return side

    def _force(self, operation: Operation) -> None:
        """Let ours prevail."""
        node = self._at(operation.path)
        if isinstance(operation, Delete):
            if node is not None and node.twin is not None:
                self._emit(Delete(node.twin.path()))
            made(self._ours, operation)
        elif isinstance(operation, (Set, Insert)):
            made(self._ours, operation)
            self._restore(_there(self._at(operation.path)))
        elif _is_lost(_there(node)):
            made(self._ours, operation)
            self._restore(_there(node))
            if isinstance(operation, SetComment):
                self._emit(replace(operation, path=_there(_there(node).twin).path()))
        else:
            self._make_room(operation, _there(node))
            self._place_or_comment(operation, _there(node))

    def _at(self, path: KeyPath) -> Node | None:
        node: Node | None = self._ours
        for part in path:
            node = node.child(part) if node else None
        return node

    def _make_room(self, operation: Operation, node: Node) -> None:
        """Delete what they gave the name that we give now."""
        if isinstance(operation, Rename):
            twin = _there(node.twin)
            other = _there(twin.parent).child(operation.key)
            if other is not None and other is not twin:
                self._emit(Delete(other.path()))

    def _restore(self, node: Node) -> None:
        """Put what we have at ``node``, or around it as far as it is lost, where it belongs on their side."""
        while node.parent is not None and (_is_lost(node.parent) or not _alike(node.parent)):
            node = node.parent
        if node.parent is None:
            self._emit(Set((), node.plain()))
            pair(node, self._theirs)
            return
        twin = _there(node.parent.twin)
        if twin.members is not None:
            self._emit(Set((*twin.path(), node.key), node.plain()))
            self._pair(node.parent, twin, node.key)
        elif node.twin is not None:
            self._emit(Set(node.twin.path(), node.plain()))
            pair(node, node.twin)
        else:
            place = _place_for(node.parent, twin, node.parent.children().index(node) + 1)
            self._emit(Insert((*twin.path(), place), node.plain()))
            pair(node, twin.children()[place])


def _conflict(collision: _Collision, operation: Operation) -> ConflictError:
    node, twin, where = collision.node, collision.twin, collision.where
    base = MISSING if node is None else node.was
    ours = MISSING if node is None or isinstance(operation, Delete) else node.plain()
    if isinstance(operation, (Set, Insert)) and where == operation.path:
        ours = operation.value
    theirs = MISSING if twin is None else twin.plain()
    if collision.comments is not None:
        base, ours, theirs = collision.comments
    conflict = ConflictError(
        f"{format_keypath(where)}: {collision.what}",
        where=where,
        hint="load the file again and make the change on what it holds now, "
        "or say on_conflict='ours' or 'theirs'",
        base=base,
        ours=ours,
        theirs=theirs,
    )
    conflict.base_where = None if node is None else node.origin
    conflict.their_where = None if twin is None else twin.origin
    return conflict


def _there(node: Node | None) -> Node:
    """Return a node that is known to be there: our own operations fit our own value."""
    assert node is not None
    return node


def _sound(node: Node, path: KeyPath) -> Node:
    """Return the twin of a node that we change something in."""
    if node.twin is None:
        raise _Collision(path, node, None, "we changed something in it, they deleted it")
    if not node.twin.like(node):
        raise _Collision(path, node, node.twin, "we changed something in it, they made something else of it")
    return node.twin


def _alike(node: Node) -> bool:
    return node.twin is not None and node.like(node.twin)


def _is_lost(node: Node) -> bool:
    """Return whether it, or something on the way to it, is no longer on their side."""
    while node.parent is not None:
        if node.twin is None or not _alike(node.parent):
            return True
        node = node.parent
    return False


def _gap(holder: Node, twin: Node, index: int, among: list[Node]) -> tuple[int, int]:
    """Return between which places of theirs an item comes in that comes in at ``index`` of ours.

    Only ``among`` are looked at.
    """
    ours, places = holder.children(), {id(each): place for place, each in enumerate(twin.children())}
    known = {id(each) for each in among if id(each.twin) in places}
    before = [places[id(each.twin)] + 1 for each in ours[:index] if id(each) in known]
    behind = [places[id(each.twin)] for each in ours[index:] if id(each) in known]
    start = max(before, default=0)
    return start, min((place for place in behind if place >= start), default=len(places))


def _place_for(holder: Node, twin: Node, index: int) -> int:
    """Return where an item comes in on their side: behind all that they put there."""
    return _gap(holder, twin, index, holder.children())[1]


def _place_of(node: Node) -> int:
    """Return where a node that has moved among ours has to stand among theirs."""
    ours, twin = _there(node.parent).children(), _there(node.twin)
    theirs = [each for each in _there(twin.parent).children() if each is not twin]
    places = {id(each): place for place, each in enumerate(theirs)}
    before = [places[id(each.twin)] for each in ours[: ours.index(node)] if id(each.twin) in places]
    return before[-1] + 1 if before else 0
