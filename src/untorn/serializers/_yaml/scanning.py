"""ruamel.yaml's scanner, made fast for one whole text in memory, and made to follow YAML 1.2.

With ``engine``, the only module that imports ruamel.yaml.
"""

from __future__ import annotations

import re
from collections import deque
from typing import Any

from ruamel.yaml.reader import Reader
from ruamel.yaml.scanner import Scanner, ScannerError
from ruamel.yaml.tokens import DirectiveToken, ScalarToken, TagToken

from untorn.sdk import MAX_DEPTH, too_deep
from untorn.serializers._yaml.block_scalars import BlockScalarError, block_scalar

_BREAKS = "\r\n\x85\u2028\u2029"
_END = f"\0{_BREAKS}"
_SPACE = f"{_END} \t"
_FLOW_INDICATORS = ",[]{}"

_BREAK = re.compile(r"\r\n|\n|\r(?!\n)")
_BLANKS = re.compile(r"[ \t]*")
_SPACES = re.compile(r"\ *")
# A comment begins at the beginning of a line or behind a blank.
_SKIPPED = re.compile(rf"[ \t]*(?:(?<![^{_BREAKS} \t\ufeff])\#[^{_END}]*)?")

# The words of a plain scalar on one line, in a block and in brackets.
_WORD = rf"(?:[^{_SPACE}:]|:(?![{_SPACE}]))+"
_FLOW_WORD = rf"(?:[^{_SPACE}:,\[\]{{}}]|:(?![{_SPACE},\[\]{{}}]))+"
_PLAIN = re.compile(rf"{_WORD}(?:[ \t]+(?!\#){_WORD})*")
_FLOW_PLAIN = re.compile(rf"{_FLOW_WORD}(?:[ \t]+(?!\#){_FLOW_WORD})*")
_NEVER_PLAIN = f"{_SPACE},[]{{}}#&*!|>'\"%@`"

_URI = r"(?:[0-9A-Za-z\-#;/?:@&=+$_.!~*'()\[\],]|%[0-9A-Fa-f]{2})"
_IN_TAG = r"(?:[0-9A-Za-z\-#;/?:@&=+$_.~*'()]|%[0-9A-Fa-f]{2})"
_TAG = re.compile(rf"!!?<(?P<verbatim>{_URI}+)>|(?P<handle>!(?:[0-9A-Za-z_-]*!)?)(?P<suffix>{_IN_TAG}*)")
_DIRECTIVE = re.compile(
    rf"%(?P<name>[^{_SPACE}]+)(?P<rest>(?:[ \t]+[^{_SPACE}#][^{_SPACE}]*)*)"
    rf"[ \t]*(?:(?<=[ \t])\#[^{_END}]*)?(?=[{_END}])"
)
_YAML_VERSION = re.compile(r"(?P<major>[0-9]+)\.[0-9]+")
_TAG_DIRECTIVE = re.compile(rf"(?P<handle>!(?:[0-9A-Za-z_-]*!)?)[ \t]+(?P<prefix>{_URI}+)")


class Mark:
    """A place; much cheaper than ruamel's own, which keeps the text to quote from."""

    __slots__ = ("column", "index", "line")

    def __init__(self, index: int, line: int, column: int) -> None:
        self.index = index
        self.line = line
        self.column = column


class Scanning(Reader, Scanner):
    """Reader and scanner in one, over a string that ends with NULs.

    What a text means does not depend on a ``%YAML`` directive: ``no`` must not
    turn into a boolean because of a line that few people notice.
    """

    comment_handling = None
    # A property of the base class, computed for each character: a constant will do.
    scanner_processing_version = (1, 2)  # pyright: ignore[reportIncompatibleMethodOverride, reportAssignmentType]  see above
    # How many tokens there were behind the last scalar in quotes or closing bracket.
    tokens_at_json = -1

    def reset_scanner(self) -> None:
        """Begin; tokens are taken from the front, which costs a list all that are behind."""
        Scanner.reset_scanner(self)
        self.tokens: Any = deque(self.tokens)

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

    def _past(self, found: re.Match[str] | None) -> str:
        """Go behind what was found, which has no line break in it."""
        assert found is not None
        self.column += found.end() - self.index
        self.index = found.end()
        return found[0]

    def get_mark(self) -> Mark:
        """Return the current place."""
        return Mark(self.index, self.line, self.column)

    def _error(self, problem: str, start: object = None) -> ScannerError:
        return ScannerError(None, None, problem, start or self.get_mark())

    # ── Tokens and keys ─────────────────────────────────────────────────────

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

    def get_token(self) -> Any:  # noqa: ANN401  as in the base class
        """Return the next token, which the parser has looked at, and be done with it."""
        self.tokens_taken += 1
        return self.tokens.popleft()

    def stale_possible_simple_keys(self) -> None:
        """Forget what can be no key any more: outside of braces, keys have one line and 1,024 characters."""
        for level, key in list(self.possible_simple_keys.items()):
            if level and self.flow_context[level - 1] == "{":
                continue
            if key.line != self.line or self.index - key.index > 1024:  # noqa: PLR2004  the specification's
                if key.required:
                    raise self._error("while scanning a simple key, could not find expected ':'", key.mark)
                del self.possible_simple_keys[level]

    def fetch_flow_collection_start(self, TokenClass: Any, to_push: str) -> None:  # noqa: ANN401, N803  as in the base class
        """Note a bracket; each open one costs at every token, so that too many are refused here."""
        if len(self.flow_context) >= MAX_DEPTH:
            raise too_deep()
        Scanner.fetch_flow_collection_start(self, TokenClass, to_push)

    def fetch_flow_collection_end(self, TokenClass: Any) -> None:  # noqa: ANN401, N803  as in the base class
        """Note a closing bracket: a colon may follow at once."""
        Scanner.fetch_flow_collection_end(self, TokenClass)
        self.tokens_at_json = self.tokens_taken + len(self.tokens)

    def fetch_flow_scalar(self, style: Any) -> None:  # noqa: ANN401  as in the base class
        """Note a scalar in quotes: in brackets, a colon may follow at once."""
        Scanner.fetch_flow_scalar(self, style)
        self.tokens_at_json = self.tokens_taken + len(self.tokens)

    # ── Indicators ──────────────────────────────────────────────────────────

    def check_key(self) -> bool:
        """Return whether the ``?`` here announces a key."""
        return self.buffer[self.index + 1] in self._after_indicator()

    def check_value(self) -> bool:
        """Return whether the ``:`` here announces a value: behind a key as in JSON, always."""
        if self.buffer[self.index + 1] in self._after_indicator():
            return True
        return bool(self.flow_context) and self.tokens_at_json == self.tokens_taken + len(self.tokens)

    def check_plain(self) -> bool:
        """Return whether a plain scalar begins here."""
        char = self.buffer[self.index]
        if char in "-?:":
            return self.buffer[self.index + 1] not in self._after_indicator()
        return char not in _NEVER_PLAIN

    def _after_indicator(self) -> str:
        return _SPACE + _FLOW_INDICATORS if self.flow_context else _SPACE

    # ── Between tokens ──────────────────────────────────────────────────────

    def scan_to_next_token(self) -> None:
        """Skip blanks, comments and line breaks; tabs do not indent."""
        if self.index == 0 and self.buffer[0] == "\ufeff":
            self.forward()
        while True:
            skipped = self._past(_SKIPPED.match(self.buffer, self.index))
            if self.buffer[self.index] not in _BREAKS:
                if "\t" in skipped and not self.flow_context and self.buffer[self.index] != "\0":
                    self._refuse_tab_as_indentation(skipped)
                return
            self.scan_line_break()
            if not self.flow_context:
                self.allow_simple_key = True

    def _refuse_tab_as_indentation(self, blanks: str) -> None:
        """Let no collection begin behind a tab, nor anything that only a tab indents."""
        at_line_start = self.column == len(blanks)
        if at_line_start and blanks.index("\t") <= self.indent:
            self.index -= len(blanks) - blanks.index("\t")
            self.column = blanks.index("\t")
            raise self._error("found character '\\t' that cannot start any token")
        self.allow_simple_key = False

    # ── Scalars ─────────────────────────────────────────────────────────────

    def scan_plain(self) -> ScalarToken:
        """Return a scalar without quotes."""
        pattern = _FLOW_PLAIN if self.flow_context else _PLAIN
        indent = self.indent + 1
        start = end = self.get_mark()
        chunks: list[str] = []
        spaces: list[str] | None = []
        while found := pattern.match(self.buffer, self.index):
            self.allow_simple_key = False
            chunks += spaces or ()
            chunks.append(self._past(found))
            end = self.get_mark()
            spaces = self.scan_plain_spaces(indent, start)
            if not spaces or self.buffer[self.index] == "#" or self._is_outdented(indent):
                break
        return ScalarToken("".join(chunks), True, start, end)  # noqa: FBT003  ruamel's

    def _is_outdented(self, indent: int) -> bool:
        return not self.flow_context and self.column < indent

    def scan_plain_spaces(self, indent: int, start_mark: object) -> list[str] | None:  # noqa: ARG002  as in the base class
        """Return what stands between two words of a plain scalar, as it counts; tabs are blanks."""
        blanks = self._past(_BLANKS.match(self.buffer, self.index))
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

    def _indentation(self, indent: int) -> None:
        """Skip the blanks at the start of a line: up to ``indent`` columns of spaces, then tabs, too."""
        spaces = _SPACES.match(self.buffer, self.index)
        blanks = _BLANKS.match(self.buffer, self.index)
        assert spaces is not None
        assert blanks is not None
        is_blank = self.buffer[blanks.end()] in _BREAKS
        self._past(blanks if is_blank or len(spaces[0]) >= indent or self.flow_context else spaces)

    def _at_document_mark(self) -> bool:
        return self.column == 0 and bool(self.check_document_start() or self.check_document_end())

    def scan_block_scalar(self, style: Any, rt: bool | None = False) -> ScalarToken:  # noqa: ANN401, ARG002, FBT001, FBT002  as in the base class
        """Return a ``|`` or ``>`` scalar; the next token is sought from the line behind it.

        Its mark is the end of its last line of text.
        """
        start = self.get_mark()
        try:
            value, end, stop, lines = block_scalar(self.buffer, self.index, self.indent)
        except BlockScalarError as error:
            column = self.column + error.offset - self.index
            raise self._error(error.reason, Mark(error.offset, self.line, column)) from None
        self.column = 0 if self.buffer[stop - 1] in _BREAKS else stop - self.index
        self.index = stop
        self.line += lines
        return ScalarToken(value, False, start, Mark(end, self.line, self.column), style)  # noqa: FBT003  ruamel's

    # ── Tags and directives ─────────────────────────────────────────────────

    def scan_tag(self) -> TagToken:
        """Return a tag."""
        start = self.get_mark()
        found = _TAG.match(self.buffer, self.index)
        assert found is not None  # a ! by itself is a tag
        self._past(found)
        if self.buffer[self.index] not in self._after_indicator():
            raise self._error(f"while scanning a tag, expected ' ', but found {self.peek()!r}")
        return TagToken(_handle_and_suffix(found), start, self.get_mark())

    def scan_directive(self) -> DirectiveToken:
        """Return a directive, with a line of its own."""
        start = self.get_mark()
        found = _DIRECTIVE.match(self.buffer, self.index)
        if found is None:
            raise self._error("expected a directive: its name, what it says, and the end of the line")
        value = self._directive_value(found["name"], found["rest"].strip(" \t"))
        self._past(found)
        return DirectiveToken(found["name"], value, start, self.get_mark())

    def _directive_value(self, name: str, said: str) -> tuple[Any, Any] | None:
        if name == "YAML":
            version = _YAML_VERSION.fullmatch(said)
            if version is None:
                raise self._error(f"expected a version like 1.2 behind %YAML, not {said!r}")
            return (1 if version["major"] == "1" else 0), 2
        if name == "TAG":
            handle = _TAG_DIRECTIVE.fullmatch(said)
            if handle is None:
                raise self._error(f"expected a handle and a prefix behind %TAG, not {said!r}")
            return handle["handle"], handle["prefix"]
        return None


def _handle_and_suffix(found: re.Match[str]) -> tuple[str | None, str]:
    if found["verbatim"]:
        return None, found["verbatim"]
    handle, suffix = found["handle"], found["suffix"]
    # A mark alone says "no tag".
    return (handle, suffix) if suffix else (None, handle)
