"""The edits that break other editors: each a text, an edit, and what a careful person makes of it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.oracle import Operation

if TYPE_CHECKING:
    from harness.oracle.source import Format


@dataclass(frozen=True)
class Case:
    """One edit.

    Attributes:
        name: What is difficult here.
        form: The format.
        before: The text.
        operation: The edit; its path begins with the document's number where there are several.
        after: The text that it should make; ``None`` where it must be refused.
        documents: Whether the text has several documents.
    """

    name: str
    form: Format
    before: str
    operation: Operation
    after: str | None
    documents: bool = False


_LONG = "a: " + "long words " * 12 + "end\n"

CASES = [
    Case(
        "append to an array of tables that other tables split",
        "toml",
        "[[a]]\nn = 1\n\n[b]\nx = 1\n\n[[a]]\nn = 2\n\n[c]\ny = 1\n",
        Operation("append", ("a",), {"n": 3}),
        "[[a]]\nn = 1\n\n[b]\nx = 1\n\n[[a]]\nn = 2\n\n[[a]]\nn = 3\n\n[c]\ny = 1\n",
    ),
    Case(
        "a table set under dotted keys",
        "toml",
        "a.b = 1\na.c = 2\nz = 1\n",
        Operation("add", ("a", "d"), {"e": 1}),
        "a.b = 1\na.c = 2\na.d = { e = 1 }\nz = 1\n",
    ),
    Case(
        "the last element of an array of tables deleted",
        "toml",
        "[x]\ny = 1\n\n# the only one\n[[a]]\nn = 1\n",
        Operation("delete", ("a", 0)),
        "a = []\n\n[x]\ny = 1\n\n",
    ),
    Case(
        "a sub-table added beside a dotted key",
        "toml",
        "[tool]\ninsta.workspace = true\n\n[other]\nx = 1\n",
        Operation("add", ("tool", "insta", "review"), {"on": True}),
        "[tool]\ninsta.workspace = true\ninsta.review = { on = true }\n\n[other]\nx = 1\n",
    ),
    Case(
        "a table deleted above a commented one",
        "toml",
        "# first\n[a]\nx = 1\n\n# second\n[b]\ny = 1\n",
        Operation("delete", ("a",)),
        "# first\n\n# second\n[b]\ny = 1\n",
    ),
    Case(
        "a scalar set between interleaved tables",
        "toml",
        "[[a]]\nn = 1\n[b]\nx = 1\n[[a]]\nn = 2\n",
        Operation("set", ("b", "x"), 2),
        "[[a]]\nn = 1\n[b]\nx = 2\n[[a]]\nn = 2\n",
    ),
    Case(
        "a key added to an indented table",
        "toml",
        "[a]\n    x = 1\n    y = 2\n",
        Operation("add", ("a", "z"), 3),
        "[a]\n    x = 1\n    y = 2\n    z = 3\n",
    ),
    Case(
        "a key added to a table that only longer headers name",
        "toml",
        "[a.b]\nx = 1\n\n[a.c]\ny = 1\n",
        Operation("add", ("a", "k"), 1),
        "[a]\nk = 1\n\n[a.b]\nx = 1\n\n[a.c]\ny = 1\n",
    ),
    Case(
        "a key added to tables out of order",
        "toml",
        "[a]\nx = 1\n[b]\ny = 1\n[a.sub]\nz = 1\n",
        Operation("add", ("a", "w"), 2),
        "[a]\nx = 1\nw = 2\n[b]\ny = 1\n[a.sub]\nz = 1\n",
    ),
    Case(
        "an inline table with its own spaces",
        "toml",
        "p = {x = 1,  y = 2}\nq = { x = 1 }\n",
        Operation("add", ("p", "z"), 3),
        "p = {x = 1,  y = 2,  z = 3}\nq = { x = 1 }\n",
    ),
    Case(
        "a scalar becomes a table",
        "toml",
        "a = 1 # one\n\n[b]\nx = 1\n",
        Operation("set", ("a",), {"k": 1}),
        "a = { k = 1 } # one\n\n[b]\nx = 1\n",
    ),
    Case(
        "a table becomes a scalar",
        "toml",
        "x = 1\n\n# of a\n[a]\nk = 1\n\n[b]\ny = 1\n",
        Operation("set", ("a",), 5),
        "x = 1\n\n# of a\na = 5\n\n[b]\ny = 1\n",
    ),
    Case(
        "a byte order mark and CRLF",
        "toml",
        "\ufeffa = 1\r\n# of b\r\nb = 2\r\n",
        Operation("set", ("b",), 3),
        "\ufeffa = 1\r\n# of b\r\nb = 3\r\n",
    ),
    Case(
        "a table added to a CRLF file",
        "toml",
        "a = 1\r\n\r\n[b]\r\nx = 1\r\n",
        Operation("add", ("c",), {"y": 1}),
        "a = 1\r\n\r\n[b]\r\nx = 1\r\n\r\n[c]\r\ny = 1\r\n",
    ),
    Case(
        "a hexadecimal number set",
        "toml",
        "a = 0xFF # mask\n",
        Operation("set", ("a",), 16),
        "a = 0x10 # mask\n",
    ),
    Case(
        "a multi-line array grows",
        "toml",
        "a = [\n  1, # one\n  2 # two\n]\n",
        Operation("append", ("a",), 3),
        "a = [\n  1, # one\n  2, # two\n  3\n]\n",
    ),
    Case(
        "no change beside a folded item and a comment",
        "yaml",
        "- >-\n  some text\n\n# comment\n- next\n",
        Operation("set", (1,), "other"),
        "- >-\n  some text\n\n# comment\n- other\n",
    ),
    Case(
        "a comment in a flow collection of several lines",
        "yaml",
        "a: [1, # one\n    2, # two\n    3]\nb: 1\n",
        Operation("set", ("b",), 2),
        "a: [1, # one\n    2, # two\n    3]\nb: 2\n",
    ),
    Case(
        "a key deleted above a commented one",
        "yaml",
        "a: 1\n# of b\nb: 2\n# of c\nc: 3\n",
        Operation("delete", ("b",)),
        "a: 1\n# of c\nc: 3\n",
    ),
    Case(
        "an append above the next section's heading",
        "yaml",
        "a:\n- 1\n- 2\n\n# ── next section ──\n\nb: 1\n",
        Operation("append", ("a",), 3),
        "a:\n- 1\n- 2\n- 3\n\n# ── next section ──\n\nb: 1\n",
    ),
    Case(
        "a list replaced above a comment",
        "yaml",
        "a:\n- 1\n- 2\n# of b\nb: 1\n",
        Operation("set", ("a",), [3]),
        "a:\n- 3\n# of b\nb: 1\n",
    ),
    Case(
        "two indentations in one file",
        "yaml",
        "a:\n    x: 1\nb:\n  - 1\nc:\n- 1\n",
        Operation("append", ("b",), 2),
        "a:\n    x: 1\nb:\n  - 1\n  - 2\nc:\n- 1\n",
    ),
    Case(
        "a line of more than 80 columns",
        "yaml",
        _LONG + "b: 1\n",
        Operation("set", ("b",), 2),
        _LONG + "b: 2\n",
    ),
    Case("an anchored scalar set", "yaml", "a: &x 1\nb: *x\nc: 3\n", Operation("set", ("a",), 2), None),
    Case(
        "nulls, booleans and numbers in many spellings",
        "yaml",
        "a: null\nb: ~\nc:\nd: True\ne: +1\nf: 0o17\ng: 1\n",
        Operation("set", ("g",), 2),
        "a: null\nb: ~\nc:\nd: True\ne: +1\nf: 0o17\ng: 2\n",
    ),
    Case(
        "a tab behind a colon",
        "yaml",
        "a:\t1\nb:\t2 # two\n",
        Operation("set", ("b",), 3),
        "a:\t1\nb:\t3 # two\n",
    ),
    Case(
        "a key added behind a block scalar without final newline",
        "yaml",
        "a: |\n  text",
        Operation("add", ("b",), 1),
        "a: |-\n  text\nb: 1",
    ),
    Case(
        "an indentation indicator",
        "yaml",
        "a: |2\n    two more\n  text\nb: 1\n",
        Operation("set", ("b",), 2),
        "a: |2\n    two more\n  text\nb: 2\n",
    ),
    Case(
        "a complex key",
        "yaml",
        "? [a, b]\n: 1\nc: 2 # two\n",
        Operation("set", ("c",), 3),
        "? [a, b]\n: 1\nc: 3 # two\n",
    ),
    Case(
        "an empty value with a comment behind it",
        "yaml",
        "a: # nothing yet\nb: 1\n",
        Operation("set", ("a",), 1),
        "a: 1 # nothing yet\nb: 1\n",
    ),
    Case(
        "several documents",
        "yaml",
        "a: 1\n---\n# second\na: 2\n...\n---\na: 3\n",
        Operation("set", (1, "a"), 5),
        "a: 1\n---\n# second\na: 5\n...\n---\na: 3\n",
        documents=True,
    ),
    Case(
        "an unknown tag beside",
        "yaml",
        "a: !secret pw\nb: !!python/name:x.y\nc: 1\n",
        Operation("set", ("c",), 2),
        "a: !secret pw\nb: !!python/name:x.y\nc: 2\n",
    ),
    Case(
        "a string that YAML 1.1 takes for a boolean",
        "yaml",
        "a: x\nb: 'y'\n",
        Operation("set", ("a",), "no"),
        "a: 'no'\nb: 'y'\n",
    ),
    Case(
        "a merge key",
        "yaml",
        "base: &b\n  x: 1\nc:\n  <<: *b\n  y: 2\n",
        Operation("add", ("c", "x"), 5),
        "base: &b\n  x: 1\nc:\n  <<: *b\n  y: 2\n  x: 5\n",
    ),
    Case(
        "the last item of a one-line list deleted",
        "json",
        '{"a": [1, 2], "b": 1}\n',
        Operation("delete", ("a", 1)),
        '{"a": [1], "b": 1}\n',
    ),
    Case(
        "the first key deleted below a heading",
        "jsonc",
        '{\n  // the settings\n\n  // of a\n  "a": 1,\n  "b": 2\n}\n',
        Operation("delete", ("a",)),
        '{\n  // the settings\n\n  "b": 2\n}\n',
    ),
    Case(
        "one line and many in one file",
        "jsonc",
        '{"a": {"x": 1},\n "b": [\n  1,\n  2\n ]}\n',
        Operation("add", ("a", "y"), 2),
        '{"a": {"x": 1, "y": 2},\n "b": [\n  1,\n  2\n ]}\n',
    ),
    Case(
        "a comment between a key and its colon",
        "jsonc",
        '{\n  "a" /* why */ : /* what */ 1\n}\n',
        Operation("set", ("a",), 2),
        '{\n  "a" /* why */ : /* what */ 2\n}\n',
    ),
    Case(
        "a trailing comma",
        "jsonc",
        '{\n  "a": 1, // one\n}\n',
        Operation("add", ("b",), 2),
        '{\n  "a": 1, // one\n  "b": 2,\n}\n',
    ),
    Case(
        "no trailing comma, and a comment behind the last",
        "jsonc",
        '{\n  "a": 1 // one\n}\n',
        Operation("add", ("b",), 2),
        '{\n  "a": 1, // one\n  "b": 2\n}\n',
    ),
    Case(
        "an item of a list with comments deleted",
        "jsonc",
        "[\n  1, // one\n  // of two\n  2, // two\n  3\n]\n",
        Operation("delete", (1,)),
        "[\n  1, // one\n  3\n]\n",
    ),
    Case(
        "an integer of forty digits beside",
        "json",
        '{"a": 1234567890123456789012345678901234567890, "b": 1.0, "c": 1}\n',
        Operation("set", ("c",), 2),
        '{"a": 1234567890123456789012345678901234567890, "b": 1.0, "c": 2}\n',
    ),
    Case(
        "tabs",
        "json",
        '{\n\t"a": {\n\t\t"x": 1\n\t}\n}\n',
        Operation("add", ("a", "y"), [1, 2]),
        '{\n\t"a": {\n\t\t"x": 1,\n\t\t"y": [\n\t\t\t1,\n\t\t\t2\n\t\t]\n\t}\n}\n',
    ),
    Case("a duplicate key", "json", '{"a": 1, "b": 2, "a": 3}\n', Operation("add", ("b",), 3), None),
    Case(
        "a float that no double holds",
        "json",
        '{"a": 1e400, "b": 1}\n',
        Operation("set", ("b",), 2),
        '{"a": 1e400, "b": 2}\n',
    ),
]
