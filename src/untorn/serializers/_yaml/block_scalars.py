"""Block scalars (``|`` and ``>``): header, indentation, folding and chomping, read line by line."""

from __future__ import annotations

import re

_END = "\0\r\n\x85\u2028\u2029"
_HEADER = re.compile(
    rf"[|>](?:(?P<chomp>[-+])?(?P<indent>[1-9])?|(?P<indent2>[1-9])(?P<chomp2>[-+]))"
    rf"(?:[ \t]+(?:\#[^{_END}]*)?)?(?=[{_END}])"
)
_LINE = re.compile(rf"(?P<spaces>\ *)(?P<rest>[^{_END}]*)(?P<newline>\r\n|[\r\n\x85\u2028\u2029]?)")
_DOCUMENT_MARK = re.compile(rf"(?:---|\.\.\.)(?=[ \t{_END}])")


class BlockScalarError(Exception):
    """The text at ``offset`` is no block scalar."""

    def __init__(self, reason: str, offset: int) -> None:
        super().__init__(reason, offset)
        self.reason = reason
        self.offset = offset


def block_scalar(text: str, start: int, parent_indent: int) -> tuple[str, int, int, int]:
    """Read the block scalar at ``start`` of ``text``, which ends with a NUL.

    Args:
        text: The text.
        start: Where its ``|`` or ``>`` is.
        parent_indent: How far the collection is indented that it stands in; -1 for none.

    Returns:
        Its value; where its last line ends, blank ones behind it not counted unless the
        header keeps them; the offset of the line behind all of it; how many lines it has.

    Raises:
        BlockScalarError: Its header or its indentation is wrong.
    """
    header = _HEADER.match(text, start)
    if header is None:
        raise BlockScalarError(
            "expected chomping or indentation indicators and the end of the line behind | or >",
            start,
        )
    first = _LINE.match(text, header.end())
    assert first is not None
    given = header["indent"] or header["indent2"]
    if given:
        indent = max(parent_indent, 0) + int(given)
    else:
        indent = _detected_indent(text, first.end(), parent_indent + 1)
    chomp = header["chomp"] or header["chomp2"] or ""
    lines, end, stop = _lines(text, first.end(), indent, keep=chomp == "+")
    value = _value(lines, chomp, folded=text[start] == ">")
    return value, end or first.end("rest"), stop, len(lines) + bool(first["newline"])


def _detected_indent(text: str, at: int, least: int) -> int:
    """Return the indentation of the first line that is not blank."""
    most, widest = 0, at
    while True:
        line = _LINE.match(text, at)
        assert line is not None
        spaces, rest = len(line["spaces"]), line["rest"]
        if rest:
            break
        if spaces > most:
            most, widest = spaces, at + spaces
        if not line["newline"]:
            break
        at = line.end()
    if rest and spaces >= least:
        if most > spaces:
            raise BlockScalarError(
                "a blank line above the text of a block scalar is indented more than it", widest
            )
        return spaces
    if rest.startswith("\t"):
        raise BlockScalarError("found a tab where a block scalar is indented", at + spaces)
    # A text without lines has none to say how far its blank ones are indented.
    return max(least, most)


def _lines(text: str, at: int, indent: int, *, keep: bool) -> tuple[list[tuple[str, str]], int, int]:
    """Return the lines from ``at`` on, each without indentation and with its newline; and where they end.

    That is the end of the last one with text (or of the last one, to ``keep`` them all; 0
    if there is none), and the offset behind them all.
    """
    lines: list[tuple[str, str]] = []
    end = 0
    while text[at] != "\0":
        line = _LINE.match(text, at)
        assert line is not None
        spaces, rest = len(line["spaces"]), line["rest"]
        if rest and (spaces < indent or (spaces == 0 and _DOCUMENT_MARK.match(text, at))):
            break
        if not rest and not line["newline"] and spaces <= indent:
            break  # blanks at the very end of the text are no line
        newline, stop = line["newline"], line.end("rest")
        # Blanks that go beyond the indentation are text, too.
        content = text[at + indent : stop]
        lines.append((content, newline if newline in "\u2028\u2029" else "\n"))
        if content or keep:
            end = stop
        at = line.end()
    return lines, end, at


def _value(lines: list[tuple[str, str]], chomp: str, *, folded: bool) -> str:
    last = max((number for number, (content, _) in enumerate(lines) if content), default=-1)
    body, blank = lines[: last + 1], lines[last + 1 :]
    parts = _folded(body) if folded else [part for line in body for part in line]
    final = parts.pop() if parts else ""
    if chomp != "-":
        parts.append(final)
    if chomp == "+":
        parts += [newline for _, newline in blank]
    return "".join(parts)


def _folded(lines: list[tuple[str, str]]) -> list[str]:
    """Return content and newlines, a single newline between two lines of text as a blank."""
    parts: list[str] = []
    previous = ("", "")
    breaks: list[str] = []
    for content, newline in lines:
        if not content:
            breaks.append(newline)
            continue
        if parts:
            parts += _between(previous, content, breaks)
        else:
            parts += breaks
        parts.append(content)
        previous, breaks = (content, newline), []
    return [*parts, previous[1]]


def _between(previous: tuple[str, str], content: str, breaks: list[str]) -> list[str]:
    before, newline = previous
    if newline == "\n" and before[0] not in " \t" and content[0] not in " \t":
        return breaks or [" "]
    return [newline, *breaks]
