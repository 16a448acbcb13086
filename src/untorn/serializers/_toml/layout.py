"""What a text looks like, and where in it new statements belong."""

from __future__ import annotations

import re
from collections import Counter
from typing import TYPE_CHECKING

from untorn.sdk import blank_before, hash_comments, indentation_of, line_start, line_stop
from untorn.serializers._toml.nodes import Header, Inline, Leaf, Pair, children_of

if TYPE_CHECKING:
    from collections.abc import Sequence

    from untorn.serializers._toml.nodes import Index, Statement

_SEPARATOR = " = "


def separator_of(text: str, pair: Pair) -> str:
    """Return what stands between a pair's key and its value: the sign and its blanks."""
    return text[pair.keys[-1].span.stop : pair.leaf.span.start]


def new_separator(index: Index, key: str, pairs: Sequence[Pair]) -> str:
    """Return the separator for a new ``key`` (as written) beside ``pairs``."""
    text = index.text
    if not pairs:
        first = next((each for each in index.statements if isinstance(each, Pair)), None)
        common = separator_of(text, first) if first else _SEPARATOR
        return common if common.strip(" ") == "=" and len(common) <= len(_SEPARATOR) else _SEPARATOR
    separators = Counter(separator_of(text, pair) for pair in pairs)
    if len(separators) == 1:
        return next(iter(separators))
    # Aligned signs: every key is padded to the same width.
    columns = {
        pair.keys[-1].span.stop - pair.span.start + separator_of(text, pair).find("=") for pair in pairs
    }
    after = {separator_of(text, pair).partition("=")[2] for pair in pairs}
    if len(columns) == len(after) == 1:
        return " " * max(1, columns.pop() - len(key)) + "=" + after.pop()
    return separators.most_common(1)[0][0]


def quote_like(text: str, pairs: Sequence[Pair]) -> str:
    """Return a sample of how strings are quoted in ``pairs``: that of the last one."""
    return string_sample(text, [pair.leaf for pair in pairs])


def string_sample(text: str, leaves: Sequence[Leaf]) -> str:
    """Return ``"''"`` if the last string among ``leaves`` is a literal one, else ``""``."""
    for leaf in reversed(leaves):
        quotes = re.match(r"'''|\"\"\"|'|\"", text[leaf.span.start : leaf.span.start + 3])
        if quotes:
            return "''" if quotes[0] == "'" else ""
    return ""


def brace_pad(index: Index) -> str:
    """Return what stands inside the braces of the text's first inline table that is not empty."""
    if "{" not in index.text:
        return " "
    for statement in index.statements:
        if isinstance(statement, Pair):
            pending: list[object] = [statement.leaf]
            while pending:
                node = pending.pop()
                if isinstance(node, Inline) and node.pairs:
                    return "" if node.pairs[0].span.start == node.span.start + 1 else " "
                pending += children_of(node) if isinstance(node, Leaf) else []
    return " "


def behind(text: str, statement: Statement) -> int:
    """Return the start of the line behind a statement."""
    return line_stop(text, statement.span.stop)


def block_start(text: str, statement: Statement) -> int:
    """Return where what stands before ``statement`` ends: above the comment lines directly above it.

    A block at the very top of the file stays above what is new.
    """
    start = line_start(text, statement.span.start)
    top = start
    for comment in reversed(hash_comments(text, statement.floor, statement.span.start)):
        alone = blank_before(text, comment.start) and text[comment.stop : top].strip(" \t\r") == "\n"
        if not alone or indentation_of(text, comment.start) != indentation_of(text, start):
            break
        top = line_start(text, comment.start)
    at_the_top = statement.floor == 0 and not text[:top].strip()
    return start if at_the_top else top


def end_of_region(index: Index, last: Statement) -> int:
    """Return where a table goes that is to follow the region that ends with ``last``.

    Comment lines directly below ``last`` belong to that region, unless they
    reach the next statement and so belong to it. Behind the last statement of
    all, everything belongs to it.
    """
    text = index.text
    if last.number + 1 == len(index.statements):
        return len(text)
    following = line_start(text, index.statements[last.number + 1].span.start)
    at = behind(text, last)
    while at < following:
        line = text[at : line_stop(text, at)].strip()
        if not line:
            return at
        at += len(text[at : line_stop(text, at)])
    return behind(text, last)


def is_spaced(index: Index) -> bool:
    """Return whether a blank line stands above the headers of this text, as far as it shows."""
    headers = [each for each in index.statements if isinstance(each, Header) and each.number]
    above = (block_start(index.text, header) for header in headers)
    return not headers or any(blank_line_before(index.text, start) for start in above)


def blank_line_before(text: str, at: int) -> bool:
    """Return whether the line that ends at ``at`` is blank, or there is none."""
    return not text[line_start(text, max(0, at - 1)) : at].strip()


def comment_before(text: str, at: int) -> bool:
    """Return whether the line that ends at ``at`` is a comment, which what follows would take for its own."""
    return text[line_start(text, max(0, at - 1)) : at].lstrip().startswith("#")


def blank_line_at(text: str, at: int) -> bool:
    """Return whether the line that starts at ``at`` is blank, or there is none."""
    return not text[at : line_stop(text, at)].strip()
