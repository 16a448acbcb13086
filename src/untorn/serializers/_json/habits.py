"""How a text is laid out already, so that what is added looks the same (EDITING E4)."""

from __future__ import annotations

import re
from bisect import bisect_left
from dataclasses import replace
from typing import TYPE_CHECKING

from untorn.sdk import indentation_of
from untorn.serializers._json.writing import PLAIN, Look, is_container

if TYPE_CHECKING:
    from collections.abc import Iterable

    from untorn.sdk import Span, Value
    from untorn.serializers._json.outline import Container, Member, Outline

_SAMPLE = 50_000  # characters that are enough to know a file's habits by
_STEP = re.compile(
    r"^([ \t]*)[^\s].*[\[{][ \t]*\r?\n([ \t]+)[^\s]|\A[\[{][ \t]*\r?\n([ \t]+)[^\s]", re.MULTILINE
)
_COLON = re.compile(r'"([ \t]*:[ \t]*)[^\s]')
_COMMA = re.compile(r',([ \t]*)["\d\[{tfn-]')
_BRACES = re.compile(r'\{([ \t]*)"')
_BRACKETS = re.compile(r'\[([ \t]*)["\d\[{tfn-]')
_SHORT_LIST = re.compile(r"\[[ \t]*[^\s\[\]{}][^\n\[\]{}]*\]")
_LONG_LIST = re.compile(r"\[[ \t]*\r?\n\s*[^\s\[\]{}]")
_LINE_CLOSED = re.compile(r"\n[ \t]*[\]}]")
_HIGH_ESCAPE = re.compile(r"\\u(?!00[0-7])[0-9a-fA-F]{4}")


def look_of(outline: Outline) -> Look:
    """Return the look of a text as a whole."""
    if outline.look is None:
        outline.look = _look_at(outline)
    return outline.look


def spelling_of(outline: Outline) -> Look:
    """Return how a text escapes its strings, in a look that is plain otherwise."""
    if outline.spelling is None:
        text, blank = outline.text, outline.blank
        outline.spelling = Look(
            escapes=text.isascii() and "\\u" in text and _HIGH_ESCAPE.search(text) is not None,
            escapes_slashes="\\/" in blank and blank.count("/") == blank.count("\\/"),
        )
    return outline.spelling


def _look_at(outline: Outline) -> Look:
    blank = outline.blank[:_SAMPLE]
    colon = _first(_COLON, blank, PLAIN.colon)
    braces = _first(_BRACES, blank, "")
    return replace(
        spelling_of(outline),
        step=_step(blank),
        colon=colon,
        comma="," + _first(_COMMA, blank, "" if colon == ":" else " "),
        braces=braces,
        brackets=_first(_BRACKETS, blank, ""),
        trailing=2 * bisect_left(outline.commas, _SAMPLE) > len(_LINE_CLOSED.findall(blank)),
        short_lists=len(_SHORT_LIST.findall(blank)) > len(_LONG_LIST.findall(blank)),
    )


def _first(pattern: re.Pattern[str], text: str, default: str) -> str:
    found = pattern.search(text)
    return found[1] if found else default


def _step(blank: str) -> str:
    """Return what the first level of the text that is indented is indented by."""
    for found in _STEP.finditer(blank):
        outer, inner = found[1] or "", found[2] or found[3]
        if inner.startswith(outer) and inner != outer:
            return inner[len(outer) :]
    return PLAIN.step


def look_in(container: Container, look: Look) -> Look:
    """Return ``look`` with what the members of ``container`` do differently."""
    text = container.outline.text
    for member in reversed(container.members):
        if leads(text, member.start):
            step = indentation_of(text, member.start).removeprefix(indentation_of(text, container.start))
            look = replace(look, step=step or look.step)
            break
    for member in reversed(container.members):
        colon = text[member.name.stop : member.value.start] if member.name else ""
        if colon and not colon.strip(" \t:"):
            look = replace(look, colon=colon)
            break
    return replace(look, comma=_comma_in(container, look.comma))


def _comma_in(container: Container, default: str) -> str:
    text = container.outline.text
    for member in container.members[:-1]:
        assert member.comma is not None
        following = container.members[member.position + 1]
        blanks = text[member.comma + 1 : following.start]
        if not blanks.strip(" \t"):
            return "," + blanks
    return default


def leads(text: str, start: int) -> bool:
    """Return whether a member is the first on its line; a comma may stand before it."""
    return not lead_of(text, start).strip(" \t,")


def lead_of(text: str, start: int) -> str:
    """Return what stands before a member on its line."""
    return text[text.rfind("\n", 0, start) + 1 : start]


def goes_on_one_line(  # noqa: PLR0913  one for each thing that it depends on
    outline: Outline,
    value: Value,
    container: Container | None,
    old: Span | None,
    look: Look,
    *,
    position: int | None = None,
) -> bool:
    """Return whether ``value``, new in ``container``, stands on one line.

    Like the value that it replaces; like the sibling next to its ``position``; like its parent.
    """
    text = outline.text
    if not is_container(value):
        return True
    if old and outline.blank[old.start] in "[{" and outline.value_in(old):
        return "\n" not in old.of(text)
    if container is None:
        return False
    if container.members and "\n" not in text[container.start : container.close]:
        return True
    members = container.members
    near = [*reversed(members[:position]), *members[position:]] if position else list(reversed(members))
    siblings = _spelled(outline, near, "{" if hasattr(value, "keys") else "[")
    for sibling in siblings:
        return "\n" not in sibling
    is_short_list = not hasattr(value, "keys") and not any(map(is_container, value))
    return is_short_list and look.short_lists


def _spelled(outline: Outline, members: Iterable[Member], opening: str) -> Iterable[str]:
    """Yield the texts of the filled objects or arrays among ``members``."""
    for member in members:
        spelled = member.value.of(outline.blank)
        if spelled[0] == opening and spelled[1:-1].strip():
            yield member.value.of(outline.text)
