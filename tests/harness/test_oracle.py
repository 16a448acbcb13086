"""The judge accepts what is right and catches what is wrong, by the right rule.

Nothing here imports untorn: the edits are written by hand, good and bad.
"""

from __future__ import annotations

from datetime import UTC, date, datetime

import pytest

from harness.oracle import Finding, Operation, RefusedError, Tag, judge, read, same
from harness.oracle.source import Format

TOML = b"""\
# Licence of the file.

# Where to listen.
[server]  # public
port = 8080  # behind the proxy
# Only for tests.
debug = false
hosts = [
    "a",
    "b"
]
# level = 3

# --- a heading ---

# Where things are.
[paths]
root = '/srv'
more.cache = "/tmp"
"""

YAML = b"""\
---
# Licence of the file.

# Where to listen.
server:  # public
  port: 8080  # behind the proxy
  # Only for tests.
  debug: no
  hosts:
  - a
  - b   # second
  # level: 3

# Where things are.
paths: {root: /srv, cache: "/tmp"}
"""

JSONC = b"""\
{
  // Where to listen.
  "port": 8080, // behind the proxy
  /* Only for tests. */
  "debug": false,
  "hosts": ["a", "b"],
  // "level": 3,

  // The last.
  "root": "/srv"
}
"""

PATHS = b'{root: /srv, cache: "/tmp"}'

DOTTED = b"p = {x = 2, v.a = 1}\n"
PARTED = b"[t]\nx = 1\n[o]\n# of z\nz = 1\n\n# a heading\n\n# of w\n[[t.s]]\nw = 1\n"
BLANK_END = b"- a: |2-\n     x\n       \n  b: 1\n\n- c\n"
HEADED = b'{\n  "a": 1,\n  // heading\n\n  "b": 2\n}\n'
STEPS = b"- a: 1 # one\n  # of b\n  b: 2\n- c\n"
MOVED_STEP = b"-\n  # of b\n  b: 2\n  a: 1 # one\n- c\n"

Case = tuple[Format, bytes, Operation, bytes, bytes, str]


def delete(*path: object) -> Operation:
    return Operation("delete", path)


def put(value: object, *path: object) -> Operation:
    return Operation("set", path, value)


def add(value: object, *path: object) -> Operation:
    return Operation("add", path, value)


def append(value: object, *path: object) -> Operation:
    return Operation("append", path, value)


def rename(name: str, *path: object) -> Operation:
    return Operation("rename", path, name=name)


def move(index: int, *path: object) -> Operation:
    return Operation("move", path, index=index)


def remark(place: str, text: str | None, *path: object) -> Operation:
    return Operation("comment", path, text, place)


PORT, DEBUG, HOSTS = ("server", "port"), ("server", "debug"), ("server", "hosts")

TAGGED = b"""\
s: !!python/object:x.y  # how
  k:
    case: lower # inside
b: 1 # b
"""

SPREAD = b"""\
# T.
[t]
a = 1

[u]
b = 1

# Each.
[[t.o]]
c = 1
"""

# Format, text, operation, what to replace, by what, the rules that must object ("" when it is right).
CASES: dict[str, Case] = {
    # Right edits: a judge that objects to these is of no use.
    "yaml a comment behind a tag": (
        "yaml",
        TAGGED,
        remark("inline", "Why.", "s"),
        b"# how",
        b"# Why.",
        "",
    ),
    "yaml what a tag makes goes with its comments": (
        "yaml",
        TAGGED,
        delete("s"),
        b"s: !!python/object:x.y  # how\n  k:\n    case: lower # inside\n",
        b"",
        "",
    ),
    "yaml the comment inside of what a tag makes is not the one behind the tag": (
        "yaml",
        TAGGED,
        remark("inline", "Why.", "s"),
        b"# inside",
        b"# Why.",
        "E1 E3 E9",
    ),
    "toml a table that is spread out becomes a value": (
        "toml",
        SPREAD,
        put("x", "t"),
        b"# T.\n[t]\na = 1\n\n[u]\nb = 1\n\n# Each.\n[[t.o]]\nc = 1\n",
        b'# T.\nt = "x"\n\n[u]\nb = 1\n\n',
        "",
    ),
    "toml dotted keys become a value": (
        "toml",
        b"r = 1\n# A.\nt.a = 1\n# B.\nt.b = 2\ns = 1 # S\n",
        put("x", "t"),
        b"# A.\nt.a = 1\n# B.\nt.b = 2\n",
        b't = "x"\n',
        "",
    ),
    "toml dotted keys in an inline table": (
        "toml",
        b"n = {m = 1, v.a = 2}\n",
        delete("n", "v"),
        b", v.a = 2",
        b"",
        "",
    ),
    "toml one more dotted key in an inline table": (
        "toml",
        b"n = {m = 1, v.a = 2}\n",
        add(3, "n", "v", "b"),
        b"v.a = 2",
        b"v.a = 2, v.b = 3",
        "",
    ),
    "toml a value takes a comment that was not inside": (
        "toml",
        b"r = 1\n# A.\nt.a = 1\nt.b = 2\n# S.\ns = 1\n",
        put("x", "t"),
        b"# A.\nt.a = 1\nt.b = 2\n# S.\n",
        b't = "x"\n',
        "E1 E3",
    ),
    "toml set": ("toml", TOML, put(80, *PORT), b"8080", b"80", ""),
    "toml delete with its comments": (
        "toml",
        TOML,
        delete(*DEBUG),
        b"# Only for tests.\ndebug = false\n",
        b"",
        "",
    ),
    "toml add": ("toml", TOML, add(1, "server", "n"), b"]\n# level", b"]\nn = 1\n# level", ""),
    "toml append": ("toml", TOML, append("c", *HOSTS), b'    "b"\n', b'    "b",\n    "c"\n', ""),
    "toml delete the last item": ("toml", TOML, delete(*HOSTS, 1), b'"a",\n    "b"\n', b'"a"\n', ""),
    "toml rename a table": ("toml", TOML, rename("web", "server"), b"[server]", b"[web]", ""),
    "toml delete a table": (
        "toml",
        TOML,
        delete("paths"),
        b"# Where things are.\n[paths]\nroot = '/srv'\nmore.cache = \"/tmp\"\n",
        b"",
        "",
    ),
    "yaml set": ("yaml", YAML, put(80, *PORT), b"8080", b"80", ""),
    "yaml delete with its comments": (
        "yaml",
        YAML,
        delete(*DEBUG),
        b"  # Only for tests.\n  debug: no\n",
        b"",
        "",
    ),
    "yaml append": ("yaml", YAML, append("c", *HOSTS), b"second\n", b"second\n  - c\n", ""),
    "yaml delete in one line": ("yaml", YAML, delete("paths", "root"), b"root: /srv, ", b"", ""),
    "yaml add": ("yaml", YAML, add(1, "server", "n"), b"second\n", b"second\n  n: 1\n", ""),
    "jsonc set": ("jsonc", JSONC, put(80, "port"), b"8080", b"80", ""),
    "jsonc delete the last": (
        "jsonc",
        JSONC,
        delete("root"),
        b'"b"],\n  // "level": 3,\n\n  // The last.\n  "root": "/srv"\n',
        b'"b"]\n  // "level": 3,\n\n',
        "",
    ),
    "jsonc add after the last": ("jsonc", JSONC, add(1, "n"), b'"/srv"\n', b'"/srv",\n  "n": 1\n', ""),
    "jsonc delete the last item of a line": ("jsonc", JSONC, delete("hosts", 1), b', "b"', b"", ""),
    "toml move with its comments": (
        "toml",
        TOML,
        move(0, *DEBUG),
        b"port = 8080  # behind the proxy\n# Only for tests.\ndebug = false\n",
        b"# Only for tests.\ndebug = false\nport = 8080  # behind the proxy\n",
        "",
    ),
    "yaml move in one line": (
        "yaml",
        YAML,
        move(1, "paths", "root"),
        PATHS,
        b'{cache: "/tmp", root: /srv}',
        "",
    ),
    "jsonc move an item": ("jsonc", JSONC, move(0, "hosts", 1), b'["a", "b"]', b'["b", "a"]', ""),
    "toml add below a dotted key in braces": (
        "toml",
        DOTTED,
        add(1, "p", "v", "b"),
        b"}",
        b", v.b = 1}",
        "",
    ),
    "toml delete a dotted key in braces": ("toml", DOTTED, delete("p", "v"), b", v.a = 1", b"", ""),
    "toml a table in two parts becomes a value": (
        "toml",
        PARTED,
        put(1, "t"),
        PARTED,
        b"t = 1\n[o]\n# of z\nz = 1\n\n# a heading\n\n",
        "",
    ),
    "yaml move past a text whose last line is blank": (
        "yaml",
        BLANK_END,
        move(0, 0, "b"),
        BLANK_END,
        b"- b: 1\n  a: |2-\n     x\n       \n\n- c\n",
        "",
    ),
    "yaml move of a comment to where a dash stands": ("yaml", STEPS, move(0, 0, "b"), STEPS, MOVED_STEP, ""),
    "toml a comment above": (
        "toml",
        TOML,
        remark("above", "Why.\nAnd how.", *PORT),
        b"port = 8080",
        b"# Why.\n# And how.\nport = 8080",
        "",
    ),
    "yaml another comment behind": (
        "yaml",
        YAML,
        remark("inline", "Why.", *PORT),
        b"behind the proxy",
        b"Why.",
        "",
    ),
    "jsonc a comment is taken away": (
        "jsonc",
        JSONC,
        remark("above", None, *DEBUG[1:]),
        b"  /* Only for tests. */\n",
        b"",
        "",
    ),
    # Moves
    "yaml move of nothing": ("yaml", YAML, move(1, "paths", "root"), b"/srv", b"/srv", "E2"),
    "jsonc move leaves the items": ("jsonc", JSONC, move(0, "hosts", 1), b'["a", "b"]', b'["a", "b"]', "E2"),
    "toml move to another place": (
        "toml",
        TOML,
        move(2, *PORT),
        b"port = 8080  # behind the proxy\n# Only for tests.\ndebug = false\n",
        b"# Only for tests.\ndebug = false\nport = 8080  # behind the proxy\n",
        "E2",
    ),
    "toml move without its comment": (
        "toml",
        TOML,
        move(0, *DEBUG),
        b"port = 8080  # behind the proxy\n# Only for tests.\ndebug = false\n",
        b"debug = false\n# Only for tests.\nport = 8080  # behind the proxy\n",
        "E3",
    ),
    "toml move loses a comment": (
        "toml",
        TOML,
        move(0, *DEBUG),
        b"port = 8080  # behind the proxy\n# Only for tests.\ndebug = false\n",
        b"debug = false\nport = 8080  # behind the proxy\n",
        "E1 E3",
    ),
    "yaml move respells a neighbour": (
        "yaml",
        b"a: 1\nb: no\nc: 'x'\n",
        move(0, "b"),
        b"a: 1\nb: no\nc: 'x'\n",
        b"b: no\na: 1\nc: x\n",
        "E1",
    ),
    "yaml move respells what moves": (
        "yaml",
        b"a: 1\nb: 'x'\n",
        move(0, "b"),
        b"a: 1\nb: 'x'\n",
        b"b: x\na: 1\n",
        "E1",
    ),
    "yaml move takes the blank line along": (
        "yaml",
        b"a: 1\nb: 2\n\nc: 3\n",
        move(0, "c"),
        b"a: 1\nb: 2\n\nc: 3\n",
        b"c: 3\n\na: 1\nb: 2\n",
        "E1",
    ),
    "toml delete a dotted key in braces changes a neighbour": (
        "toml",
        DOTTED + b"q = 1 # one\n",
        delete("p", "v"),
        DOTTED + b"q = 1 # one\n",
        b"p = {x = 2}\nq = 1 # uno\n",
        "E1 E3",
    ),
    "toml a table in two parts takes a neighbour's comment": (
        "toml",
        PARTED,
        put(1, "t"),
        PARTED,
        b"t = 1\n[o]\nz = 1\n\n# a heading\n\n",
        "E1 E3",
    ),
    "toml a table in two parts takes a heading": (
        "toml",
        PARTED,
        put(1, "t"),
        PARTED,
        b"t = 1\n[o]\n# of z\nz = 1\n",
        "E1 E3",
    ),
    "yaml move gives a comment to the item": (
        "yaml",
        STEPS,
        move(0, 0, "b"),
        STEPS,
        b"# of b\n- b: 2\n  a: 1 # one\n- c\n",
        "E3",
    ),
    "yaml move leaves a blank line of a text behind": (
        "yaml",
        BLANK_END.replace(b"2-", b"2"),
        move(0, 0, "b"),
        BLANK_END.replace(b"2-", b"2"),
        b"- b: 1\n       \n  a: |2\n     x\n\n- c\n",
        "E2",
    ),
    "yaml move breaks a line without need": (
        "yaml",
        STEPS,
        move(1, 0, "a"),
        STEPS,
        MOVED_STEP.replace(b"-\n", b"-\n\n"),
        "E1",
    ),
    "yaml move of what has no comment breaks a line": (
        "yaml",
        b"- a: 1\n  b: 2\n",
        move(0, 0, "b"),
        b"- a: 1\n  b: 2\n",
        b"-\n  b: 2\n  a: 1\n",
        "E1",
    ),
    "yaml move turns the lines of what moves around": (
        "yaml",
        b"a: 1\nb:\n  c: 1\n  d: 2\n",
        move(0, "b"),
        b"a: 1\nb:\n  c: 1\n  d: 2\n",
        b"b:\n  d: 2\n  c: 1\na: 1\n",
        "E1",
    ),
    "toml move turns the lines of a comment around": (
        "toml",
        b"a = 1\n# one\n# two\nb = 2\n",
        move(0, "b"),
        b"a = 1\n# one\n# two\nb = 2\n",
        b"# two\n# one\nb = 2\na = 1\n",
        "E1",
    ),
    "jsonc move takes a heading along": (
        "jsonc",
        HEADED,
        move(0, "b"),
        HEADED,
        b'{\n  // heading\n\n  "b": 2,\n  "a": 1\n}\n',
        "E1",
    ),
    "toml move takes a setting that is commented out along": (
        "toml",
        b"a = 1\n# level = 3\nb = 2\n",
        move(0, "b"),
        b"a = 1\n# level = 3\nb = 2\n",
        b"# level = 3\nb = 2\na = 1\n",
        "E1",
    ),
    # Comments that were asked for
    "yaml a comment above the old one": (
        "yaml",
        YAML,
        remark("above", "Why.", *DEBUG),
        b"tests.\n",
        b"tests.\n  # Why.\n",
        "E9",
    ),
    "jsonc a comment with a blank line above": (
        "jsonc",
        JSONC,
        remark("above", "Why.", "hosts"),
        b'  "hosts"',
        b'\n  // Why.\n  "hosts"',
        "E1",
    ),
    "toml a comment that was not set": (
        "toml",
        TOML,
        remark("inline", "Why.", *DEBUG),
        b"false",
        b"false",
        "E9",
    ),
    "toml a comment at the wrong key": (
        "toml",
        TOML,
        remark("above", "Why.", *PORT),
        b"debug = false",
        b"# Why.\ndebug = false",
        "E3 E9",
    ),
    "yaml a comment with a blank line below": (
        "yaml",
        YAML,
        remark("above", "Why.", *HOSTS),
        b"  hosts:",
        b"  # Why.\n\n  hosts:",
        "E1 E9",
    ),
    "yaml a comment behind moves the value": (
        "yaml",
        YAML,
        remark("inline", "Why.", *PORT),
        b"port: 8080  # behind the proxy",
        b"port:   8080  # Why.",
        "E1",
    ),
    "toml a comment above keeps the old one": (
        "toml",
        TOML,
        remark("above", None, *DEBUG),
        b"debug",
        b"debug",
        "E1 E9",
    ),
    # E1
    "toml set touches a neighbour's spacing": ("toml", TOML, put(80, *PORT), b"8080  #", b"80 #", "E1"),
    "toml add moves a blank line": (
        "toml",
        TOML,
        add(1, "server", "n"),
        b"]\n# level = 3\n\n",
        b"]\nn = 1\n# level = 3\n",
        "E1",
    ),
    "toml delete leaves a blank line": (
        "toml",
        TOML,
        delete(*DEBUG),
        b"# Only for tests.\ndebug = false\n",
        b"\n",
        "E1",
    ),
    "toml delete takes the blank line below": (
        "toml",
        TOML,
        delete("paths", "root"),
        b"# --- a heading ---\n\n# Where things are.\n[paths]\nroot = '/srv'\n",
        b"# --- a heading ---\n# Where things are.\n[paths]\n",
        "E1",
    ),
    "yaml set respells another value": (
        "yaml",
        YAML,
        put(80, *PORT),
        b"8080  # behind the proxy\n  # Only for tests.\n  debug: no",
        b"80  # behind the proxy\n  # Only for tests.\n  debug: 'no'",
        "E1",
    ),
    "yaml append reindents": (
        "yaml",
        YAML,
        append("c", *HOSTS),
        b"  - a\n  - b   # second\n",
        b"    - a\n    - b   # second\n    - c\n",
        "E1 E4",
    ),
    "yaml rename quotes the value": ("yaml", YAML, rename("dbg", *DEBUG), b"debug: no", b"dbg: 'no'", "E1"),
    "jsonc add reformats a one-line list": (
        "jsonc",
        JSONC,
        add(1, "n"),
        b'["a", "b"],\n  // "level": 3,\n\n  // The last.\n  "root": "/srv"\n',
        b'[\n    "a",\n    "b"\n  ],\n  // "level": 3,\n\n  // The last.\n  "root": "/srv",\n  "n": 1\n',
        "E1",
    ),
    # E2
    "toml set writes a string": ("toml", TOML, put(80, *PORT), b"8080", b'"80"', "E2"),
    "toml set writes a float": ("toml", TOML, put(80, *PORT), b"8080", b"80.0", "E2"),
    "toml set writes no TOML": ("toml", TOML, put(80, *PORT), b"8080", b"", "E2"),
    "toml add lands in another table": (
        "toml",
        TOML,
        add(1, "server", "n"),
        b"[paths]\n",
        b"[paths]\nn = 1\n",
        "E2",
    ),
    "yaml set of a string turns it into a boolean": (
        "yaml",
        YAML,
        put("true", *DEBUG),
        b"debug: no",
        b"debug: true",
        "E2",
    ),
    "yaml append lands in the mapping": (
        "yaml",
        YAML,
        append("c", *HOSTS),
        b"second\n",
        b"second\n  c:\n",
        "E2",
    ),
    "jsonc the comma goes, the digits join": ("jsonc", b"[1, 2]\n", delete(1), b"1, 2", b"12", "E2"),
    "jsonc a duplicate key": ("jsonc", JSONC, rename("root", "port"), b'"port"', b'"root"', "E2"),
    "yaml true is not one": ("yaml", YAML, put(True, *PORT), b"8080", b"1", "E2"),
    "json negative zero": ("json", b'{"a": 1}\n', put(-0.0, "a"), b"1", b"0.0", "E2"),
    # E3
    "toml delete leaves its comment": ("toml", TOML, delete(*DEBUG), b"debug = false\n", b"", "E1 E3"),
    "toml delete takes the next key's comment": (
        "toml",
        TOML,
        delete(*PORT),
        b"port = 8080  # behind the proxy\n# Only for tests.\n",
        b"",
        "E1 E3",
    ),
    "toml delete takes a commented-out setting": (
        "toml",
        TOML,
        delete(*HOSTS),
        b'hosts = [\n    "a",\n    "b"\n]\n# level = 3\n',
        b"",
        "E1 E3",
    ),
    "toml delete of a table takes a heading": (
        "toml",
        TOML,
        delete("paths"),
        b"# --- a heading ---\n\n# Where things are.\n[paths]\nroot = '/srv'\nmore.cache = \"/tmp\"\n",
        b"",
        "E1 E3",
    ),
    "toml set loses the comment behind": (
        "toml",
        TOML,
        put(80, *PORT),
        b"8080  # behind the proxy",
        b"80",
        "E1 E3",
    ),
    "toml add between a comment and its key": (
        "toml",
        TOML,
        add(1, "server", "n"),
        b"tests.\ndebug",
        b"tests.\nn = 1\ndebug",
        "E3",
    ),
    "yaml append behind the next section's comment": (
        "yaml",
        b"a:\n- 1\n\n# About b.\nb: 2\n",
        append(2, "a"),
        b"# About b.\n",
        b"# About b.\n- 2\n",
        "E3",
    ),
    "yaml a comment comes twice": (
        "yaml",
        YAML,
        add(1, "server", "n"),
        b"second\n",
        b"second\n  # level: 3\n  n: 1\n",
        "E1 E3",
    ),
    "yaml delete takes the head comment": (
        "yaml",
        b"# Licence.\na: 1\nb: 2\n",
        delete("a"),
        b"# Licence.\na: 1\n",
        b"",
        "E1 E3",
    ),
    "yaml comments change places": (
        "yaml",
        b"a: 1  # x\nb: 2  # y\nc: 3\n",
        add(4, "d"),
        b"a: 1  # x\nb: 2  # y\nc: 3\n",
        b"a: 1  # y\nb: 2  # x\nc: 3\nd: 4\n",
        "E1 E3",
    ),
    "jsonc delete takes the neighbour's comment": (
        "jsonc",
        JSONC,
        delete("port"),
        b'  // Where to listen.\n  "port": 8080, // behind the proxy\n  /* Only for tests. */\n',
        b"",
        "E1 E3",
    ),
    # E4
    "toml add at column 0 of an indented table": (
        "toml",
        b"[a]\n  x = 1\n  y = 2\n",
        add(3, "a", "z"),
        b"y = 2\n",
        b"y = 2\nz = 3\n",
        "E4",
    ),
    "toml add without the spaces": (
        "toml",
        TOML,
        add(1, "server", "n"),
        b"]\n# level",
        b"]\nn=1\n# level",
        "E4",
    ),
    "toml append adds a trailing comma": (
        "toml",
        TOML,
        append("c", *HOSTS),
        b'    "b"\n',
        b'    "b",\n    "c",\n',
        "E4",
    ),
    "toml set changes the quotes": ("toml", TOML, put("web", "paths", "root"), b"'/srv'", b'"web"', "E4"),
    "jsonc append puts two on a line": (
        "json",
        b"[\n  1,\n  2\n]\n",
        append(3),
        b"2\n",
        b"2, 3\n",
        "E1 E4",
    ),
    "yaml append breaks a one-line list": (
        "yaml",
        b"a: [1, 2]\nb: 1\n",
        append(3, "a"),
        b"[1, 2]",
        b"[1, 2,\n  3]",
        "E4",
    ),
    # E5
    "toml a bare line feed": (
        "toml",
        b"a = 1\r\nb = 2\r\n",
        add(3, "c"),
        b"b = 2\r\n",
        b"b = 2\r\nc = 3\n",
        "E5",
    ),
    "json the final newline comes": ("json", b'{"a": 1}', put(2, "a"), b"1}", b"2}\n", "E1 E5"),
    "yaml the BOM goes": ("yaml", b"\xef\xbb\xbfa: 1\n", put(2, "a"), b"\xef\xbb\xbfa: 1", b"a: 2", "E5"),
}


@pytest.mark.parametrize("name", CASES)
def test_each_seeded_result_is_caught_by_its_rule_and_right_ones_pass(name: str) -> None:
    form, before, operation, old, new, rules = CASES[name]
    assert before.count(old) == 1, "the case replaces one place"
    found = judge(before, operation, before.replace(old, new), form)
    assert {finding.rule for finding in found} == set(rules.split()), found


def test_at_least_twenty_bad_results_are_seeded() -> None:
    assert sum(bool(case[-1]) for case in CASES.values()) >= 20


@pytest.mark.parametrize(
    ("text", "value"),
    [
        ("no", "no"),
        ("0o17", 15),
        ("017", 17),
        ("0x1F", 31),
        ("1e3", 1000.0),
        ("12:30", "12:30"),
        ("~", None),
        ("2001-12-14", date(2001, 12, 14)),
        ("2001-12-14T21:59:43Z", datetime(2001, 12, 14, 21, 59, 43, tzinfo=UTC)),
        ("!Ref x", Tag("!Ref", "x")),
        ("!!str 1", "1"),
        ("'1'", "1"),
        ("!!python/name:a.b ''", Tag("!!python/name:a.b", "")),
        ("{a: &x {k: 1}, b: {<<: *x, l: 2}}", {"a": {"k": 1}, "b": {"k": 1, "l": 2}}),
        ("? [1, 2]\n: 3", {(1, 2): 3}),
    ],
)
def test_yaml_values_follow_the_core_schema(text: str, value: object) -> None:
    assert same(read(text.encode(), "yaml").value, value)


def test_several_documents_are_a_list() -> None:
    source = read(b"a: 1\n---\nb: 2\n", "yaml", documents=True)
    assert source.value == [{"a": 1}, {"b": 2}]
    assert (1, "b") in source.entries
    assert judge(b"a: 1\n---\nb: 2\n", put(3, 1, "b"), b"a: 1\n---\nb: 3\n", "yaml", documents=True) == []


@pytest.mark.parametrize(
    ("form", "data"),
    [
        ("json", b"[1,]"),
        ("json", b"{} // x"),
        ("json", b'{"a": 1, "a": 2}'),
        ("json", b"[NaN]"),
        ("jsonc", b"[1,,]"),
        ("toml", b"a = 1\na = 2\n"),
        ("yaml", b"a: 1\na: 2\n"),
        ("yaml", b"a: *x\n"),
        ("yaml", b"a: 1\n---\nb: 2\n"),
        ("toml", b"a = '\xff'\n"),
    ],
)
def test_invalid_texts_are_refused(form: Format, data: bytes) -> None:
    with pytest.raises(RefusedError):
        read(data, form)


@pytest.mark.parametrize(
    ("left", "right"),
    [
        (True, 1),
        (1, 1.0),
        (0.0, -0.0),
        ("1", 1),
        ({1: 0}, {True: 0}),
        ({"a": 1}, {"a": 1, "b": 1}),
        ([1], (1,)),
    ],
)
def test_values_that_python_calls_equal_but_a_file_does_not(left: object, right: object) -> None:
    assert not same(left, right)
    assert same(float("nan"), float("nan"))


def test_positions_are_those_of_the_text() -> None:
    source = read(TOML, "toml")
    texts = {path: source.text[e.value.start : e.value.end] for path, e in source.entries.items() if e.value}
    assert texts["server", "port"] == "8080"
    assert texts["server", "hosts", 1] == '"b"'
    assert texts["paths", "more", "cache"] == '"/tmp"'


def test_a_finding_prints_its_rule() -> None:
    assert str(Finding("E1", "why")) == "E1: why"
