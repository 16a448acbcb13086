"""The tokens of TOML, as regular expressions: each reads its token in one step, in linear time."""

from __future__ import annotations

import re

BARE = r"[A-Za-z0-9_-]+"
BASIC = r'"[^"\\\n]*(?:\\.[^"\\\n]*)*"'
LITERAL = r"'[^'\n]*'"
# Up to two quotes may stand right before the closing three: they are content.
LONG_BASIC = r'"""[^"\\]*(?:(?:\\.|"(?!""))[^"\\]*)*"{3,5}'
LONG_LITERAL = r"'''[^']*(?:'(?!'')[^']*)*'{3,5}"

BARE_KEY = re.compile(BARE)
BARE_KEY_EQUALS = re.compile(rf"({BARE})[ \t]*=[ \t]*")
KEY_PART = re.compile(f"{BASIC}|{LITERAL}|{BARE}")
DOT = re.compile(r"[ \t]*\.[ \t]*")
STRING = re.compile(f"{LONG_BASIC}|{LONG_LITERAL}|{BASIC}|{LITERAL}", re.DOTALL)
# A date and a time may be separated by one space.
ATOM = re.compile(r"\d{4}-\d\d-\d\d \d\d:[^\s,\]}#]+|[^\s,\]}#]+")
BLANKS = re.compile(r"[ \t]*")
FILLER = re.compile(r"[ \t\r\n]*(?:#[^\n]*[ \t\r\n]*)*")


def key_name(written: str) -> str:
    """Return the key that one part of a written key stands for."""
    if written[0] == "'" or (written[0] == '"' and "\\" not in written):
        return written[1:-1]
    if written[0] != '"':
        return written
    import tomllib  # noqa: PLC0415  only keys with escapes need it

    return str(tomllib.loads(f"key = {written}")["key"])
