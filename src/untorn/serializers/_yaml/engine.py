"""ruamel.yaml's pure scanner and parser, made fit for one whole text in memory.

The only module that imports ruamel.yaml. It is imported when the first YAML
text is read.
"""

from __future__ import annotations

import re
from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import Reader, ReaderError
from ruamel.yaml.scanner import Scanner
from ruamel.yaml.tokens import BlockEndToken, KeyToken, ValueToken

from untorn.sdk import MAX_DEPTH, too_deep

__all__ = ["Engine", "MarkedYAMLError", "ReaderError", "YAMLError"]

# The scanner looks ahead without asking for the end: a quoted scalar that
# breaks off inside an escape would raise a bare IndexError.
_END = "\0" * 16

_BREAK = re.compile(r"\r\n|\n|\r(?!\n)")
_COMMENT = r"(?:\#[^\0\n\r\x85\u2028\u2029]*)?"
_SKIPPED = re.compile(rf"\ *{_COMMENT}")
_SKIPPED_WITH_TABS = re.compile(rf"[\ \t]*{_COMMENT}")
_BLANKS = re.compile(r"[ \t]*")
_BREAKS = "\r\n\x85\u2028\u2029"


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
    # A property of the base class, computed for each character: a constant will do.
    scanner_processing_version = (1, 2)  # pyright: ignore[reportIncompatibleMethodOverride, reportAssignmentType]  see above
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

    # What follows says the same as the base class, in fewer steps: these four
    # take three quarters of the time of a parse.

    def need_more_tokens(self) -> bool:
        """Return whether the first token waits for one behind it (a colon that makes it a key)."""
        if self.done:
            return False
        if not self.tokens:
            return True
        if not self.possible_simple_keys:
            return False
        self.stale_possible_simple_keys()
        taken = self.tokens_taken
        return any(key.token_number <= taken for key in self.possible_simple_keys.values())

    def check_token(self, *choices: type[object]) -> bool:
        """Return whether the next token is of one of these kinds."""
        while self.need_more_tokens():
            self.fetch_more_tokens()
        return bool(self.tokens) and (not choices or isinstance(self.tokens[0], choices))

    def scan_to_next_token(self) -> None:
        """Skip blanks, comments and line breaks."""
        if self.index == 0 and self.buffer[0] == "\ufeff":
            self.forward()
        while True:
            # Tabs may stand between tokens, but not where they would be indentation.
            tabs = self.flow_context or not self.allow_simple_key
            skipped = (_SKIPPED_WITH_TABS if tabs else _SKIPPED).match(self.buffer, self.index)
            assert skipped is not None
            length = skipped.end() - self.index
            self.index += length
            self.column += length
            if not self.scan_line_break():
                return
            if not self.flow_context:
                self.allow_simple_key = True

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: ANN401, N803  as in the base class
        """Note a bracket; each open one costs at every token, so that too many are refused here."""
        if len(self.flow_context) >= MAX_DEPTH:
            raise too_deep()
        Scanner.fetch_flow_collection_start(self, TokenClass, to_push)

    # Where the base class differs from other parsers, the others are followed.

    def scan_plain_spaces(self, indent: int, start_mark: object) -> list[str] | None:  # noqa: ARG002  as in the base class
        """Return what stands between two words of a plain scalar, as it counts; tabs are blanks."""
        blanks = self._blanks()
        if self.buffer[self.index] not in _BREAKS:
            return [blanks] if blanks else []
        first = self.scan_line_break()
        self.allow_simple_key = True
        more: list[str] = []
        while not self._at_document_mark():
            self._indentation(indent)
            if self.buffer[self.index] not in _BREAKS:
                return [first, *more] if first != "\n" else more or [" "]
            more.append(self.scan_line_break())
        return None

    def _blanks(self) -> str:
        found = _BLANKS.match(self.buffer, self.index)
        assert found is not None
        self.index = found.end()
        self.column += len(found[0])
        return found[0]

    def _indentation(self, indent: int) -> None:
        """Skip the blanks at the start of a line: up to ``indent`` columns of spaces, then tabs, too."""
        while self.column < indent and self.buffer[self.index] == " ":
            self.forward()
        if self.column >= indent:
            self._blanks()

    def _at_document_mark(self) -> bool:
        return self.column == 0 and bool(self.check_document_start() or self.check_document_end())

    def parse_block_mapping_value(self) -> object:
        """Return the event of a value; an empty one stands behind its colon."""
        self.state = self.parse_block_mapping_key
        if not self.check_token(ValueToken):
            return self.process_empty_scalar(self.peek_token().start_mark)
        token = self.get_token()
        if self.check_token(KeyToken, ValueToken, BlockEndToken):
            return self.process_empty_scalar(token.end_mark)
        self.states.append(self.parse_block_mapping_key)
        return self.parse_block_node_or_indentless_sequence()
