"""ruamel.yaml's parser over our scanner, made to follow YAML 1.2.

With ``scanning``, the only module that imports ruamel.yaml. It is imported when
the first YAML text is read.
"""

from __future__ import annotations

from typing import Any

from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.events import DocumentEndEvent, MappingStartEvent
from ruamel.yaml.parser import Parser, ParserError
from ruamel.yaml.reader import Reader, ReaderError
from ruamel.yaml.scanner import Scanner
from ruamel.yaml.tokens import (
    BlockEndToken,
    DirectiveToken,
    DocumentEndToken,
    FlowEntryToken,
    KeyToken,
    StreamEndToken,
    ValueToken,
)

from untorn.serializers._yaml.scanning import Scanning

__all__ = ["Engine", "MarkedYAMLError", "ReaderError", "YAMLError"]

# The scanner looks ahead without asking for the end: a quoted scalar that
# breaks off inside an escape would raise a bare IndexError.
_END = "\0" * 16


class _DocumentInfo:
    """What the base class notes a ``%YAML`` directive in."""

    doc_version: Any = None


class Engine(Scanning, Parser):
    """Reader, scanner and parser in one, over a string."""

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

    # ── Documents ───────────────────────────────────────────────────────────

    def parse_implicit_document_start(self) -> Any:  # noqa: ANN401  as in the base class
        """Begin a document; further ``...`` mean nothing."""
        while self.check_token(DocumentEndToken):
            self._past_document_end()
        return Parser.parse_implicit_document_start(self)

    def parse_document_end(self) -> DocumentEndEvent:
        """End a document; only a ``...`` lets directives follow."""
        explicit = self.check_token(DocumentEndToken)
        mark = self.peek_token().start_mark
        if explicit:
            end = self._past_document_end()
            self.state = self.parse_implicit_document_start
            return DocumentEndEvent(mark, end, explicit=True)
        if self.check_token(DirectiveToken):
            raise ParserError(None, None, "a directive needs a line with '...' before it", mark)
        self.state = self.parse_document_start
        return DocumentEndEvent(mark, mark, explicit=False)

    def _past_document_end(self) -> Any:  # noqa: ANN401  ruamel has no types
        token = self.get_token()
        behind = self.peek_token()
        if behind.start_mark.line == token.end_mark.line and not isinstance(behind, StreamEndToken):
            raise ParserError(None, None, "only a comment may follow '...' on its line", behind.start_mark)
        return token.end_mark

    # ── Empty keys and values ───────────────────────────────────────────────

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

    def parse_flow_sequence_entry(self, first: bool = False) -> object:  # noqa: FBT001, FBT002  as in the base class
        """Return the event of an item in brackets; ``[: a]`` is a pair with an empty key."""
        if not first and self.check_token(FlowEntryToken):
            self.get_token()
            first = True
        if first and self.check_token(ValueToken):
            mark = self.peek_token().start_mark
            self.state = self._parse_empty_key
            return MappingStartEvent(None, None, True, mark, mark, flow_style=True)  # noqa: FBT003  ruamel's
        return Parser.parse_flow_sequence_entry(self, first=first)

    def _parse_empty_key(self) -> object:
        self.state = self.parse_flow_sequence_entry_mapping_value
        return self.process_empty_scalar(self.peek_token().start_mark)
