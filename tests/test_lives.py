"""Lives of a document: dozens of operations, saves, reloads and other people's edits, one after the other.

Beside the document goes a model: plain data, and of each entry the comments that it
was given. Whatever is done to one entry, the comments of all others stay theirs.
"""

from __future__ import annotations

import tempfile
from itertools import count
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import HealthCheck, Phase, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

import untorn
from untorn.changes import Delete, Insert, Move, Operation, Rename, Set, applied, apply_to
from untorn.errors import ImpreciseEditError
from untorn.keypath import look_up
from untorn.values import copied, same_value

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

STARTS = {
    "toml": """\
# The licence of this file.

# the title's own
title = "x"   # shown
on = true
list = [1, "two", 3.5]  # numbers

# where we listen
[server]
port = 80  # web
"a b" = {x = 1, y = [1, 2]}
hosts = [
    "a", # first
    # the second
    "b",
]

[server.deep]
# for the deep
er = 1

[[mirror]]
name = "m1"  # one

# the second mirror
[[mirror]]
name = "m2"
""",
    "yaml": """\
# The licence of this file.

# the title's own
title: x   # shown
on: true
list: [1, two, 3.5]  # numbers

# where we listen
server:
  port: 80  # web
  a b: {x: 1, y: [1, 2]}
  hosts:
  - a  # first
  # the second
  - b
  deep:
    # for the deep
    er: 1
text: |  # a block
  one

  two
mirror:
# one
- name: m1
  size: 1
# the second mirror
- name: m2
""",
    "jsonc": """\
// The licence of this file.
{
    // the heading

    // the title's own
    "title": "x", // shown
    "on": true,
    "list": [1, "two", 3.5], /* numbers */

    /* where we listen */
    "server": {
        "port": 80, // web
        "a b": {"x": 1, "y": [1, 2]},
        "hosts": [
            "a", // first
            // the second
            "b"
        ],
        "deep": {
            // for the deep
            "er": 1
        }
    },
    "mirror": [
        // one
        {"name": "m1"},
        // the second mirror
        {"name": "m2"}
    ]
}
""",
}
VALUES: list[Any] = [
    *[
        "new",
        "it's # no",
        "no",
        "",
        7,
        -1,
        True,
        2.5,
        [],
        {},
        [1, [2]],
        {"k": {"l": 1}},
        "two\nlines\n",
        "é→漢",
    ],
    [{"m": 1}, {"m": 2}],
]
KEYS = ["n1", "n 2", "a.b", "ж", "12"]
WORDS = ["words", "more words\nin two lines", "it's: a - b"]


def places(value: Any, path: tuple[Any, ...] = ()) -> Iterator[tuple[tuple[Any, ...], Any]]:
    """Every key path of a value but the root, with what is there."""
    items = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for key, item in items:
        yield (*path, key), item
        yield from places(item, (*path, key))


class Life(RuleBasedStateMachine):
    """One document of one format."""

    form = ""

    @initialize(newline=st.sampled_from(["\n", "\n", "\r\n"]), final=st.booleans())
    def born(self, newline: str, final: bool) -> None:
        self.folder = tempfile.TemporaryDirectory(dir="/dev/shm" if Path("/dev/shm").is_dir() else None)
        self.path = Path(self.folder.name) / f"app.{self.form}"
        text = STARTS[self.form] if final else STARTS[self.form].removesuffix("\n")
        self.path.write_bytes(text.replace("\n", newline).encode())
        self.newline = newline
        self.document = untorn.open(self.path)
        self.value = copied(self.document.value)
        # The same tree, where every scalar and empty collection has a number of its own.
        self.numbers = count()
        self.tree = self.numbered(self.value)
        self.comments = self.read_comments()

    def teardown(self) -> None:
        self.folder.cleanup()

    # ── The model ─────────────────────────────────────────────────────────────

    def numbered(self, value: Any) -> Any:
        """Give every leaf a number, so that it is known wherever it goes."""
        if isinstance(value, dict) and value:
            return {key: self.numbered(item) for key, item in value.items()}
        if isinstance(value, list) and value:
            return [self.numbered(item) for item in value]
        return next(self.numbers)

    def leaves(self) -> dict[int, tuple[Any, ...]]:
        return {item: path for path, item in places(self.tree) if isinstance(item, int)}

    def read_comments(self) -> dict[int, untorn.Comment]:
        return {number: self.document.comment(path) for number, path in self.leaves().items()}

    def do(self, call: Callable[[untorn.Document], None], operation: Operation) -> None:
        """Make an operation on all three, and compare."""
        note(f"{operation!r}\n{self.document.text}")
        before = self.document.text
        try:
            call(self.document)
        except ImpreciseEditError:
            assert self.document.text == before
            return
        self.value = applied(self.value, [operation])
        if isinstance(operation, (Set, Insert)):
            value = self.numbered(operation.value)
            operation = type(operation)(operation.path, value)
        self.open_leaf(operation.path[:-1])
        self.tree = apply_to(self.tree, operation)
        self.tree = self.renumbered(self.tree, self.value)
        now = self.read_comments()
        for number, comment in now.items():
            if number in self.comments:
                assert comment == self.comments[number], (
                    operation,
                    self.leaves()[number],
                    self.document.text,
                )
        self.comments = now

    def open_leaf(self, path: tuple[Any, ...]) -> None:
        """Let an empty collection be one in the tree, too."""
        if isinstance(look_up(self.tree, path), int):
            empty: Any = {} if isinstance(look_up(self.value, path), dict) else []
            self.tree = apply_to(self.tree, Set(path, empty)) if path else empty

    def renumbered(self, tree: Any, value: Any) -> Any:
        """A collection that was emptied is a leaf now, and the other way round."""
        if isinstance(value, dict) and value:
            below = tree if isinstance(tree, dict) else {}
            return {key: self.renumbered(below.get(key), item) for key, item in value.items()}
        if isinstance(value, list) and value:
            items = tree if isinstance(tree, list) else [None] * len(value)
            return [self.renumbered(one, item) for one, item in zip(items, value, strict=True)]
        return tree if isinstance(tree, int) else next(self.numbers)

    def choose(self, data: st.DataObject, fits: Callable[[tuple[Any, ...], Any], bool]) -> Any:
        found = [path for path, item in places(self.value) if fits(path, item)]
        return data.draw(st.sampled_from(found)) if found else None

    # ── What happens ──────────────────────────────────────────────────────────

    @rule(data=st.data(), value=st.sampled_from(VALUES))
    def set(self, data: st.DataObject, value: Any) -> None:
        path = self.choose(data, lambda _path, _item: True)
        if path and not same_value(look_up(self.value, path), value):
            self.do(lambda doc: doc.set(path, value), Set(path, value))

    @rule(data=st.data(), value=st.sampled_from(VALUES), key=st.sampled_from(KEYS))
    def add(self, data: st.DataObject, value: Any, key: str) -> None:
        parent = self.choose(data, lambda _path, item: isinstance(item, dict) and key not in item) or ()
        if key not in look_up(self.value, parent):
            self.do(lambda doc: doc.set((*parent, key), value), Set((*parent, key), value))

    @rule(data=st.data(), value=st.sampled_from(VALUES))
    def insert(self, data: st.DataObject, value: Any) -> None:
        path = self.choose(data, lambda _path, item: isinstance(item, list))
        if path:
            index = data.draw(st.integers(0, len(look_up(self.value, path))))
            self.do(lambda doc: doc.insert(path, index, value), Insert((*path, index), value))

    @rule(data=st.data())
    def delete(self, data: st.DataObject) -> None:
        path = self.choose(data, lambda _path, _item: True)
        if path:
            self.do(lambda doc: doc.delete(path), Delete(path))

    @rule(data=st.data(), key=st.sampled_from(["renamed", "re named", "r.n"]))
    def rename(self, data: st.DataObject, key: str) -> None:
        path = self.choose(data, lambda path, _item: isinstance(path[-1], str))
        if path and key not in look_up(self.value, path[:-1]):
            self.do(lambda doc: doc.rename(path, key), Rename(path, key))

    @rule(data=st.data())
    def move(self, data: st.DataObject) -> None:
        path = self.choose(data, lambda _path, _item: True)
        if path:
            siblings = look_up(self.value, path[:-1])
            index = data.draw(st.integers(0, len(siblings) - 1))
            now = list(siblings).index(path[-1]) if isinstance(siblings, dict) else path[-1]
            if index != now:
                self.do(lambda doc: doc.move(path, index), Move(path, index))

    @rule(
        data=st.data(),
        above=st.sampled_from([..., None, *WORDS]),
        inline=st.sampled_from([..., None, "words"]),
    )
    def comment(self, data: st.DataObject, above: Any, inline: Any) -> None:
        path = self.choose(data, lambda _path, item: not isinstance(item, (dict, list)) or not item)
        if not path:
            return
        number = look_up(self.tree, path)
        was = self.comments[number]
        note(f"comment {path} {above!r} {inline!r}\n{self.document.text}")
        try:
            self.document.set_comment(path, above=above, inline=inline)
        except ImpreciseEditError:
            pass
        else:
            self.comments[number] = untorn.Comment(
                was.above if above is ... else above, was.inline if inline is ... else inline
            )
        assert self.read_comments() == self.comments

    @rule()
    def save(self) -> None:
        self.document.save(durability="none")
        assert self.path.read_bytes() == self.document.text.encode()

    @rule()
    def reload(self) -> None:
        self.document.save(durability="none")
        self.document = untorn.open(self.path)
        assert self.read_comments() == self.comments

    @rule(number=st.integers(0, 5))
    def somebody_else_adds_a_key(self, number: int) -> None:
        """Another program saves; our next save keeps both."""
        self.document.save(durability="none")
        key = f"theirs{number}"
        with untorn.edit(self.path, durability="none") as theirs:
            theirs.set(key, number)
        ours = self.document
        ours.value["ours"] = number
        ours.save(durability="none")
        self.document = untorn.open(self.path)
        self.open_leaf(())
        for each in (key, "ours"):
            self.value = applied(self.value, [Set((each,), number)])
            self.tree = apply_to(self.tree, Set((each,), next(self.numbers)))
        now = self.read_comments()
        assert {each: now[each] for each in self.comments if each in now} == {
            each: self.comments[each] for each in self.comments if each in now
        }
        self.comments = now

    # ── What always holds ─────────────────────────────────────────────────────

    @invariant()
    def the_value_is_the_one_asked_for(self) -> None:
        assert same_value(self.document.value, self.value)
        again = untorn.loads(self.document.text, format=self.form)
        assert same_value(again, self.value), self.document.text

    @invariant()
    def the_newlines_are_those_of_the_file(self) -> None:
        text = self.document.text
        assert ("\r\n" in text) == (self.newline == "\r\n") or "\n" not in text
        assert self.newline == "\n" or text.count("\n") == text.count("\r\n")

    @invariant()
    def the_edits_make_the_text(self) -> None:
        assert self.document.to_bytes() == self.document.text.encode()


@pytest.mark.parametrize("lives", [10, pytest.param(300, marks=pytest.mark.slow)])
@pytest.mark.parametrize("form", STARTS)
def test_lives_of_fifty_steps(form: str, lives: int) -> None:
    machine = type(form, (Life,), {"form": form})
    machine.TestCase.settings = settings(
        max_examples=lives,
        stateful_step_count=50,
        suppress_health_check=list(HealthCheck),
        phases=[each for each in Phase if each is not Phase.explain],  # it takes minutes
    )
    machine.TestCase("runTest").runTest()
