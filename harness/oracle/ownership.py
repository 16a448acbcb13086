"""E3: whose comment is it?

A verdict has three values. Where the rule does not say clearly whether a comment is a
key's own, both answers pass: a judge that guesses would fail an editor that is right.
"""

from __future__ import annotations

import re
import tomllib
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.oracle.source import Comment, Entry, Format, Source

_DIRECTIVE = re.compile(
    r"#!|#:schema|#\s*yaml-language-server:|#\s*yamllint\b|(#|//)\s*type:|(#|//)\s*noqa\b|(#|//|/\*+)\s*SPDX-",
    re.IGNORECASE,
)
# Lines that steer other tools: the rule's "…" may or may not mean them.
_MAYBE_DIRECTIVE = re.compile(
    r"#:|(#|//|/\*+)[\s*]*(@|\$schema|schema:|prettier-|eslint|tslint|biome|taplo|dprint|vim?:|ex:|-\*-|fmt:|isort:"
    r"|pylint:|pyright:|pragma\b|nosec\b|checkov:|trivy|kics-|renovate:|dependabot|editorconfig|cspell|spell|jscpd"
    r"|language=|ruff:|mypy:|coding[:=]|region\b|endregion\b|noinspection|yaml\b|ansible)",
    re.IGNORECASE,
)
_BLOCK_SCALAR = re.compile(r"(?:[&!]\S*[ \t]+)*[|>][-+0-9]*(?=[ \t]*(?:#.*)?\r?$)", re.MULTILINE)
_YAML_SETTING = re.compile(r"(?:\"[^\"]*\"|'[^']*'|[^\s#:'\"\[\]{},&*!|>%@`?-][^\s:#]*)\s*:(?:\s|$)")
_YAML_MAYBE = re.compile(r"-(\s|$)|[^#]*:(\s|$)")
_JSON_SETTING = re.compile(r'"(?:[^"\\]|\\.)*"\s*:')
_JSON_MAYBE = re.compile(r"[\w'$]+\s*:|[\"\[{}\]]")
_TOML_MAYBE = re.compile(r"[^=]*=|\[|[\]}\"']")


@dataclass
class Owned:
    """The comments of one entry, as indexes into the source's list of comments."""

    above: set[int] = field(default_factory=set)
    inline: set[int] = field(default_factory=set)
    unclear: set[int] = field(default_factory=set)
    block: list[int] = field(default_factory=list)
    """The comment lines directly above, whoever's they are."""

    @property
    def sure(self) -> set[int]:
        """What certainly is the entry's own."""
        return (self.above | self.inline) - self.unclear

    @property
    def sure_above(self) -> set[int]:
        """What stands above and certainly is the entry's own."""
        return self.above - self.unclear


def owned(source: Source, entry: Entry) -> Owned:
    """Find the comments that are an entry's own."""
    known = source.ownership.get(entry.path)
    if known is None:
        known = source.ownership[entry.path] = _owned(source, entry)
    return known


def _owned(source: Source, entry: Entry) -> Owned:
    result = Owned()
    if not entry.path:
        return result
    for start in _beginnings(source, entry):
        _above(source, start, result)
    for end, first in _endings(source, entry):
        _inline(source, end, result, first=first)
    return result


def _beginnings(source: Source, entry: Entry) -> list[int]:
    """Where the entry begins; a TOML table begins at its own header."""
    if entry.is_toml_table and source.format == "toml":
        return [header.start for header in entry.headers]
    return [entry.start]


_TAG_ALONE = re.compile(r"(?:&\S+[ \t]+)?![^\s,\[\]{}]*(?=[ \t]*(?:#[^\n]*)?\r?\n)")


def tag_alone(source: Source, entry: Entry) -> re.Match[str] | None:
    """The tag of a YAML value on the lines below it, which is looked at as a whole."""
    if source.format != "yaml" or not entry.value or entry.children:
        return None
    return _TAG_ALONE.match(source.text, entry.value.start)


def _endings(source: Source, entry: Entry) -> list[tuple[int, bool]]:
    """Behind which offsets the entry's comment may stand, and whether the entry goes on below."""
    if entry.is_toml_table and source.format == "toml":
        return [(header.end, True) for header in entry.headers]
    if entry.kind in {"mapping", "sequence"} and not entry.bracketed and entry.children:
        # A block collection: what stands behind its key. The comment of its last leaf is the leaf's.
        return [(_head_end(source, entry), True)]
    if (
        entry.value
        and source.format == "yaml"
        and (header := _BLOCK_SCALAR.match(source.text, entry.value.start))
    ):
        return [(header.end(), True)]
    if tag := tag_alone(source, entry):
        return [(tag.end(), True)]
    return [(entry.end, False)]


def _head_end(source: Source, entry: Entry) -> int:
    """The end of the last thing before a block collection's first entry that is on the line of its key."""
    key_end = entry.keys[0].end if entry.keys else entry.start
    line_end = source.line_end(source.line_of(key_end))
    first = source.entries[entry.children[0]].start
    return min((c.start for c in source.comments_in(key_end, line_end)), default=min(line_end, first))


def _above(source: Source, start: int, result: Owned) -> None:
    """Walk up from the line of ``start`` through comment lines with the same indentation."""
    if source.before_on_line(start).strip(" \t"):
        return
    column, line = source.column_of(start), source.line_of(start)
    block = result.block
    by_end = source.standing_alone
    while line > 0 and (line - 1) in by_end:
        index = by_end[line - 1]
        first_line = source.line_of(source.comments[index].start)
        if source.column_of(source.comments[index].start) != column:
            break
        block.insert(0, index)
        line = first_line
    if not block:
        return
    top = _is_top(source, line)
    if top is True:
        return
    verdicts = [_line_verdict(source.format, source.comments[index]) for index in block]
    _continuations(source, block, verdicts)
    for index, verdict in zip(block, verdicts, strict=True):
        if verdict != "not":
            result.above.add(index)
        if verdict == "unclear" or top is None:
            result.unclear.add(index)


def _is_top(source: Source, line: int) -> bool | None:
    """Whether only ``---`` and directives stand above ``line``; None if the rule leaves it open."""
    if line > source.first_content_line + 1:
        return None if source.format == "yaml" and _is_top_of_document(source, line) else False
    above = [text.strip() for text in source.lines[:line]]
    if source.format in {"json", "jsonc"} and above and above[0] == "{" and not any(above[1:]):
        # The first key of a JSON file: its block is the file's heading as much as the key's.
        return None
    if all(not text or text == "---" or text.startswith("%") for text in above):
        return True if "" not in above else None
    return None if source.format == "yaml" and _is_top_of_document(source, line) else False


def _is_top_of_document(source: Source, line: int) -> bool:
    """Whether the last thing above is a ``---``: the top of a later document is not the top of the file."""
    while line and not source.lines[line - 1].strip():
        line -= 1
    return line > 0 and source.lines[line - 1].startswith("---")


def _line_verdict(form: Format, comment: Comment) -> str:
    if _DIRECTIVE.match(comment.text):
        return "not"
    if _MAYBE_DIRECTIVE.match(comment.text):
        return "unclear"
    return _setting_verdict(form, uncommented(form, comment.text).strip())


def uncommented(form: Format, text: str) -> str:
    """A comment without its marker, its indentation kept."""
    if form in {"json", "jsonc"}:
        return re.sub(r"^(//+|/\*+)|\*+/$", "", text)
    return re.sub(r"^#+", "", text)


def _setting_verdict(form: Format, body: str) -> str:
    """Whether a comment line is a commented-out setting: ``not`` own, ``own``, or ``unclear``."""
    if form == "toml":
        return _toml_verdict(body)
    if form == "yaml":
        if _YAML_SETTING.match(body):
            return (
                "not"
                if re.match(r"[\w.\"'/-]+\s*:", body) and "://" not in body.split(" ", maxsplit=1)[0]
                else "unclear"
            )
        return "unclear" if _YAML_MAYBE.match(body) else "own"
    if _JSON_SETTING.match(body):
        return "not" if "\n" not in body else "unclear"
    return "unclear" if _JSON_MAYBE.match(body) else "own"


def _toml_verdict(body: str) -> str:
    if not body or not _TOML_MAYBE.match(body):
        return "own"
    try:
        tomllib.loads(body)
    except (tomllib.TOMLDecodeError, ValueError):
        return "unclear"
    return "not"


def _continuations(source: Source, block: list[int], verdicts: list[str]) -> None:
    """Lines below a commented-out setting that are indented more deeply belong to it."""
    setting: int | None = None
    verdict = "not"
    for number, index in enumerate(block):
        text = source.comments[index].text
        body = uncommented(source.format, text)
        indent = len(body) - len(body.lstrip())
        if setting is not None and (indent > setting or not body.strip()):
            verdicts[number] = (
                "unclear" if "unclear" in {verdict, verdicts[number]} or not body.strip() else "not"
            )
        elif verdicts[number] != "own" and not _DIRECTIVE.match(text):
            setting, verdict = indent, verdicts[number]
        else:
            setting = None


def _inline(source: Source, end: int, result: Owned, *, first: bool) -> None:
    """The comment behind an entry on its last line, a comma between them or not."""
    line = source.line_of(end)
    offset, stop = end, source.line_end(line)
    while offset < stop and source.text[offset] in " \t,\r":
        offset += 1
    while (index := source.comment_at.get(offset)) is not None:
        comment = source.comments[index]
        rest = source.text[comment.end : source.line_end(source.line_of(comment.end))].strip()
        result.inline.add(index)
        # More text behind it, or another entry before it on the line: the rule speaks of the end of a line.
        if rest or _shares_line(source, end, first=first):
            result.unclear.add(index)
        offset = comment.end
        while offset < stop and source.text[offset] in " \t,\r":
            offset += 1


def _shares_line(source: Source, end: int, *, first: bool) -> bool:
    """Whether something else than the entry that ends at ``end`` stands before it on its line."""
    if first:
        return False
    line = source.line_of(end)
    here = source.ending_on.get(line, [])
    own = min((entry.start for entry in here if entry.end == end), default=end)
    return any(
        entry.start < own and entry.end < own and source.line_of(entry.start) == line for entry in here
    )


def comments_below(source: Source, entry: Entry) -> list[tuple[int, int]]:
    """The comments behind a YAML entry, up to the next content, that are indented more deeply than it."""
    found: list[tuple[int, int]] = []
    line = source.line_of(entry.end) + 1
    column = source.column_of(entry.start)
    while line < len(source.lines) and (line in source.standing_alone or not source.lines[line].strip()):
        index = source.standing_alone.get(line)
        if index is not None and source.column_of(source.comments[index].start) > column:
            found.append((line, index))
        line += 1
    return found
