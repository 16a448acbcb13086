"""ruamel.yaml's pure scanner and parser, made fit for one whole text in memory.

The only module that imports ruamel.yaml. It is imported when the first YAML
text is read.
"""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import Reader
from ruamel.yaml.scanner import Scanner

__all__ = ["Engine", "MarkedYAMLError", "YAMLError"]

# The scanner looks ahead without asking for the end: a quoted scalar that
# breaks off inside an escape would raise a bare IndexError.
_END = "\0" * 16

_BREAK = re.compile(r"\r\n|\n|\r(?!\n)")


class Mark:
    """A place; much cheaper than ruamel's own, which keeps the text to quote from."""

    __slots__ = ("column", "index", "line")

    def __init__(self, index: int, line: int, column: int) -> None:
        self.index = index
        self.line = line
        self.column = column


class _DocumentInfo:
    """What the scanner notes a ``%YAML`` directive in."""

    doc_version: Any = None


class Engine(Reader, Scanner, Parser):
    """Reader, scanner and parser in one, over a string.

    Every text is read by the rules of YAML 1.2, also under ``%YAML 1.1``:
    ``no`` must not turn into a boolean because of a line that few people notice.
    """

    comment_handling = None
    scanner_processing_version = (1, 2)
    processing_version = (1, 2)
    # Properties of the base classes, which would look this up for each character.
    reader: Any = None
    scanner: Any = None
    resolver: Any = None

    def __init__(self, text: str) -> None:
        self.reader = self.scanner = self.resolver = self
        self.doc_infos = [_DocumentInfo()]
        Reader.__init__(self, None, loader=self)
        self._stream = None
        self.check_printable(text)
        self.buffer = text + _END
        Scanner.__init__(self, loader=self)
        Parser.__init__(self, loader=self)

    def peek(self, index: int = 0) -> str:
        """Return a character ahead."""
        return self.buffer[self.index + index]

    def prefix(self, length: int = 1) -> str:
        """Return the characters ahead."""
        return self.buffer[self.index : self.index + length]

    def forward(self, length: int = 1) -> None:
        """Go on; most steps stay within a line."""
        start = self.index
        self.index = stop = start + length
        if length == 1:
            char = self.buffer[start]
            if char == "\n" or (char == "\r" and self.buffer[stop] != "\n"):
                self.line += 1
                self.column = 0
            else:
                self.column += 1
            return
        breaks = [found for found in _BREAK.finditer(self.buffer, start, stop + 1) if found.end() <= stop]
        if breaks:
            self.line += len(breaks)
            self.column = stop - breaks[-1].end()
        else:
            self.column += length

    def get_mark(self) -> Mark:
        """Return the current place."""
        return Mark(self.index, self.line, self.column)
