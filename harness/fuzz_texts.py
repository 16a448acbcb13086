"""Texts to try on a parser: small seeds, mutated with the tokens of their grammar, and token soup."""

from __future__ import annotations

from typing import TYPE_CHECKING

from harness.cases import CASES

if TYPE_CHECKING:
    from collections.abc import Callable
    from random import Random

    from harness.oracle.source import Format

FORMATS: tuple[Format, ...] = ("json", "jsonc", "toml", "yaml")

_JSON = [
    '{"a": 1, "b": [1, 2.5, {"c": null}], "d": {"e": "x\\ny"}}',
    '[\n  1,\n  "two",\n  {"three": [3, 3.0, -0.0]},\n  []\n]\n',
    '{\n\t"a": {\n\t\t"x": 1\n\t},\n\t"": [true, false],\n\t"\\u00e9": "\\ud83d\\ude00"\n}\n',
    "{}\n",
    '"a"',
]  # fmt: skip
_JSONC = [
    '// top\n\n{\n  // of a\n  "a": 1, // one\n  /* of b */\n  "b": [\n    1, // first\n    2\n  ],\n}\n',
    '{ /* in */ "a" /* why */ : /* what */ 1 /* end */, "b": [1, /* x */ 2,], } // last\n',
    '[ // open\n  // alone\n  {"a": "// none"}, // obj\n  "/* none */"\n] /* after */\n',
]
_TOML = [
    "# top\n\na = 1 # one\nb.c = 0xFF\nb.d = [1, 2]\n\n",
    '# of t\n[t] # here\nx = "y" # it\n\n[t.u]\nz = {k = 1, l.m = 2}\n',
    "[[a]]\nn = 1 # n\n[a.b]\nx = 1\n\n# second\n[[a]]\nn = 2\n[[a.c]]\ny = '''\nl1\n'l2'''\n",
    'a = [ # open\n  1, # one\n  # alone\n  "two", # two\n] # close\n\n# end\n',
    'd = 1979-05-27T07:32:00Z\ne = 07:32:00.5\nf = [1_000, -inf, nan, 1e-3]\n"q r".\'s.t\' = """\\\n  x"""\n',
    "[a.b.c]\nx = 1\n[a]\ny = 2\n[d]\n  [d.e]\n  # in\n  f = true\n",
]
_YAML = [
    "# top\n\n# of a\na: 1  # one\nb:\n  - x  # first\n  # of y\n  - y\n\n# of c\nc: {k: [1, 2], l: 'm'}\n",
    "a: |  # lit\n  text # no\n\n  more\n# of b\nb: >-\n  folded\n  on\nc: |+\n  keep\n\n",
    "- a: 1  # a\n  b: 2\n-\n  - x\n  - - y  # y\n# of z\n- z\n- {}\n",
    "base: &b  # base\n  x: 1\n  y: &n [1, 2]\nuse:\n  <<: *b\n  z: *n\nt: !x {a: !y b}\n",
    "%YAML 1.2\n---\na: 1\n# between\n--- # second\n- b\n...\n# after\n---\nc\n",
    "? a\n: 1  # one\n? [b, c]\n: - 2\n'q': \"e\\n\\\n  f\"\nplain: many words\n  on lines\n",
    "a: [  # open\n  1,  # one\n  # alone\n  {b: 2}\n]\nempty:\n# of n\nn: ~\ndate: 2001-12-14\n",
]
_SNIPPETS: dict[Format, list[str]] = {"json": _JSON, "jsonc": _JSON + _JSONC, "toml": _TOML, "yaml": _YAML}
SEEDS: dict[Format, list[str]] = {
    form: [*_SNIPPETS[form], *(case.before for case in CASES if case.form == form)] for form in FORMATS
}

_NUMBERS = ["0", "-0", "1", "1.0", "-0.0", "1e5", "1E400", "9" * 25, "0x1F", "0o17", "0b1", "1_0", "1.", ".5"]
_ODD = [
    "\x00",
    "\x07",
    "\x1b",
    "\x7f",
    "\x85",
    "\u2028",
    "\ufeff",
    "é",
    "😀",
    "\u0301",
    "\ufffe",
    "\r",
    "\x0c",
]
_BLANKS = ["\n", "\n\n", "\r\n", " ", "  ", "\t", " \n", "\n  ", "\n    "]
_SHARED = [*_NUMBERS, *_BLANKS, '"', "'", "\\", ",", ":", "[", "]", "{", "}", "a", "b", '"a"', "true", "null"]
TOKENS: dict[Format, list[str]] = {
    "json": [*_SHARED, '"a": ', '"b": [', "\\u0041", "\\ud800", "NaN", "[[[", "{}", "[]", "//", ", "],
    "jsonc": [*_SHARED, '"a": ', "// c\n", "/* c */", "/*", "*/", "//", ",\n", ",]", ",}", "/* c\n d */\n"],
    "toml": [
        *(*_SHARED, "=", ".", "#", "[[a]]\n", "[a.b]\n", "[a]\n", "a.b = 1\n", "a = 1\n", "# c\n", ' = ""\n'),
        *('"""', "'''", "1979-05-27", "07:32:00", "T", "Z", "+01:00", "inf", "nan", "a = [\n", "= {"),
    ],
    "yaml": [
        *(*_SHARED, "- ", "a: ", "b:\n", "? ", ": ", "# c\n", " # c\n", "---\n", "...\n", "&a ", "*a"),
        "<<: *a\n",
        *("!!str ", "!x ", "!", "|\n", ">-\n", "|2-\n", "|+\n", "~", "no", "%YAML 1.2\n", "- - "),
        *("@", "`", "%"),
        *("2001-12-14", "12:30", "\\x41", "!!binary ", "!!set ", "!!omap ", "\n- ", "\n# c\n", "*a : "),
    ],
}  # fmt: skip


def text_for(form: Format, dice: Random) -> str | bytes:
    """Return a text, valid or not; a few are bytes that are no UTF-8, or hold lone surrogates."""
    text = _soup(form, dice) if dice.random() < 0.1 else _mutated(form, dice)
    kind = dice.random()
    if kind < 0.04:
        return _damaged(text.encode("utf-8", "surrogatepass"), dice)
    if kind < 0.05:
        return _inserted(text, dice, chr(dice.randrange(0xD800, 0xE000)))
    return text.encode()


def _soup(form: Format, dice: Random) -> str:
    if dice.random() < 0.1:
        opener = dice.choice(["[", "{", '{"a":', "- ", "? ", "a = [", "[[", "{a: ", "a.", "!x ", "("])
        return opener * dice.choice([3, 150, 250, 3000]) + dice.choice(["", "1", "]", "x\n"])
    return "".join(dice.choices(TOKENS[form], k=dice.randint(0, 25)))


def _mutated(form: Format, dice: Random) -> str:
    text = dice.choice(SEEDS[form])
    for _ in range(dice.choice([0, 1, 1, 2, 3, 6])):
        text = dice.choice(_MUTATIONS)(text, form, dice)
    if dice.random() < 0.1:
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    if dice.random() < 0.1:
        text = text.rstrip("\r\n")
    return "\ufeff" + text if dice.random() < 0.03 else text


def _span(text: str, dice: Random) -> tuple[int, int]:
    start = dice.randrange(len(text) + 1)
    return start, start + dice.choice([1, 1, 2, 5, 12])


def _inserted(text: str, dice: Random, new: str) -> str:
    at = dice.randrange(len(text) + 1)
    return text[:at] + new + text[at:]


def _cut(text: str, _form: Format, dice: Random) -> str:
    start, stop = _span(text, dice)
    return text[:start] + text[stop:]


def _token(text: str, form: Format, dice: Random) -> str:
    return _inserted(text, dice, dice.choice(TOKENS[form] if dice.random() < 0.9 else _ODD))


def _twice(text: str, _form: Format, dice: Random) -> str:
    start, stop = _span(text, dice)
    return text[:start] + text[start:stop] * 2 + text[stop:]


def _spliced(text: str, form: Format, dice: Random) -> str:
    other = dice.choice(SEEDS[form])
    start = dice.randrange(len(other) + 1)
    return _inserted(text, dice, other[start : start + dice.choice([3, 10, 40])])


def _lines_exchanged(text: str, _form: Format, dice: Random) -> str:
    lines = text.splitlines(keepends=True)
    if len(lines) < 2:
        return text
    one, other = dice.randrange(len(lines)), dice.randrange(len(lines))
    lines[one], lines[other] = lines[other], lines[one]
    return "".join(lines)


def _line_indented(text: str, _form: Format, dice: Random) -> str:
    lines = text.splitlines(keepends=True) or [""]
    at = dice.randrange(len(lines))
    lines[at] = dice.choice([" ", "  ", "\t"]) + lines[at]
    return "".join(lines)


_MUTATIONS: list[Callable[[str, Format, Random], str]] = [
    _cut, _token, _token, _twice, _spliced, _lines_exchanged, _line_indented,
]  # fmt: skip


def _damaged(data: bytes, dice: Random) -> bytes:
    at = dice.randrange(len(data) + 1)
    other = dice.choice([b"\xff", b"\x00", b"\xc3", b"\xed\xa0\x80", b"\xf4\x90\x80\x80", dice.randbytes(3)])
    whole = dice.random()
    if whole < 0.1:
        return data.decode("utf-8", "replace").encode(dice.choice(["utf-16", "utf-32", "utf-16-le"]))
    return data[:at] + other + data[at + dice.randrange(2) :]
