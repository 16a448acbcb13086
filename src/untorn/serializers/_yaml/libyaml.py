"""The events of a YAML text from libyaml, through PyYAML, where that is installed: several times faster.

libyaml reads YAML 1.1, and differs in corners from what ``engine`` reads. So a text
in which anything could be such a corner is left to that one, and so is every text in
which libyaml, or whoever gets its events, finds fault: errors have one source.
"""

from __future__ import annotations

import re
from functools import cache
from typing import TYPE_CHECKING, Any

from untorn.serializers._yaml.events import BLOCK, FLOW, PLAIN, Event, Kind

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator

_KNOWN = bytes([*b"\n\r", *range(0x20, 0x7F)])
# Controls, tabs among them; what YAML 1.1 took for line breaks; marks and halves of characters.
_STRANGE = re.compile(
    "[^\n\r\x20-\x7e\xa0-\u2027\u202a-\ud7ff\ue000-\ufefe\uff00-\ufffd\U00010000-\U0010ffff]"
)
_LINE_STARTS = ("%", "...")
# A comment that touches what is before it; that it touches a scalar or a bracket, its event tells.
_TOUCHING = (",#", "[#", "{#", ":#")
# Marks at which libyaml sees a key or a value in brackets, though no blank follows.
_MARK_THAT_TOUCHES = re.compile(r"[\[{,\s][?:](?=\S)")
_BLANK_LINE = re.compile(r"\n +(?:\r?\n|\Z)")
# An anchor and a tag of the usual letters, in either order on one line, with a blank behind each.
_ANCHOR = r"&[0-9A-Za-z_-]+(?=[ \r\n]|\Z)"
_TAG = r"(?:!|!!?[0-9A-Za-z_-][0-9A-Za-z_./:-]*)(?=[ \r\n]|\Z)"
_PROPERTIES = {
    (True, False): re.compile(_ANCHOR),
    (False, True): re.compile(_TAG),
    (True, True): re.compile(rf"{_ANCHOR} +{_TAG}|{_TAG} +{_ANCHOR}"),
}
_BEHIND_ALIAS = " \r\n,]}"
_MARKS, _BEHIND_MARKS = ("-", "?", ":"), ("", ",", "[", "]", "{", "}")
_DEPTHS = {"SequenceStartEvent": 1, "MappingStartEvent": 1, "SequenceEndEvent": -1, "MappingEndEvent": -1}


class DoubtError(Exception):
    """libyaml may read this otherwise than we do, or cannot read it at all."""


def events_in_c(text: str) -> Iterator[Event] | None:
    """Return the events of ``text`` as ``events_of`` yields them; ``None`` where libyaml is not asked.

    Raises (while they are taken):
        DoubtError: It was asked in vain.
    """
    raw = raw_events(text)
    return None if raw is None else _translated(raw, text)


def raw_events(text: str) -> Iterator[Any] | None:
    """Return the same as PyYAML's events; whoever takes them has to call the checks below."""
    if _is_doubtful(text):
        return None
    parser = _parser()
    return None if parser is None else _taken(parser, text)


@cache
def _parser() -> Any:  # noqa: ANN401  PyYAML has no types
    try:
        from yaml._yaml import CParser  # type: ignore[import-not-found,import-untyped,unused-ignore] # noqa: PLC0415  an extra
    except ImportError:
        return None
    return CParser


def _is_doubtful(text: str) -> bool:
    if text.isascii():
        if text.encode("ascii").translate(None, _KNOWN):
            return True
    elif _STRANGE.search(text):
        return True
    if "\r" in text and text.count("\r") != text.count("\r\n"):
        return True
    if text.startswith(_LINE_STARTS) or any(f"\n{each}" in text for each in _LINE_STARTS):
        return True
    if ("?" in text or ":" in text) and _MARK_THAT_TOUCHES.search(text):
        return True
    return "#" in text and any(each in text for each in _TOUCHING)


def _taken(parser: Any, text: str) -> Iterator[Any]:  # noqa: ANN401  as above
    try:
        take = parser(text).get_event
        while (event := take()) is not None:
            yield event
    except Exception as error:  # what else its wrapper may raise, nobody says
        raise DoubtError from error


def _translated(events: Iterator[Any], text: str) -> Iterator[Event]:
    depth = 0
    for event in events:
        kind = type(event).__name__
        make = _MAKERS.get(kind)
        if make is not None:
            if kind == "ScalarEvent":
                check_scalar(text, event, is_root=not depth)
            depth += _DEPTHS.get(kind, 0)
            yield make(event, text)


# ── Checks ──────────────────────────────────────────────────────────────────


def check_properties(text: str, event: Any) -> None:  # noqa: ANN401  as above
    """Raise where an anchor or a tag has letters that not all readers take for a part of it."""
    pattern = _PROPERTIES[event.anchor is not None, event.tag is not None]
    if not pattern.match(text, event.start_mark.index):
        raise DoubtError


def check_scalar(text: str, event: Any, *, is_root: bool) -> None:  # noqa: ANN401  as above
    """Raise where libyaml takes a mark for a text, a text for a comment, or blanks for nothing."""
    style, value = event.style, event.value
    if style in ("|", ">"):
        # At the root, a line may begin with a #; blanks on a line of their own may be text, or wrong.
        if is_root or _BLANK_LINE.search(text, event.start_mark.index, event.end_mark.index):
            raise DoubtError
    elif not style:
        is_mark = value[:1] in _MARKS and value[1:2] in _BEHIND_MARKS
        if is_mark or (is_root and not value):  # at the end of a text, blanks may stand before nothing
            raise DoubtError


def check_end(text: str, event: Any) -> None:  # noqa: ANN401  as above
    """Raise where a comment touches what is in quotes or brackets, or the ``|`` of a block scalar."""
    if getattr(event, "style", None) in ("|", ">"):
        _check_header(text, event.start_mark.index)
        return
    end = event.end_mark.index
    if text[end : end + 1] == "#":
        raise DoubtError


def check_alias(text: str, event: Any) -> None:  # noqa: ANN401  as above
    """Raise where not all readers see the same end of an alias."""
    end = event.end_mark.index
    if text[end : end + 1] not in _BEHIND_ALIAS:
        raise DoubtError


def _check_header(text: str, start: int) -> None:
    newline = text.find("\n", start)
    indicators, comment, _ = text[start : newline if newline >= 0 else len(text)].partition("#")
    if comment and not indicators.endswith(" "):
        raise DoubtError


# ── Events ──────────────────────────────────────────────────────────────────


def _scalar(event: Any, text: str) -> Event:  # noqa: ANN401  as above
    start, end, style = event.start_mark.index, event.end_mark.index, event.style or PLAIN
    if event.anchor is not None or event.tag is not None:
        check_properties(text, event)
    if style:
        check_end(text, event)
    if style in ("|", ">"):
        end = _end_of_block(text, start, end)
    elif start == end and not style:
        start = end = _place_of_nothing(text, start)
    return Event("scalar", start, end, event.value, event.anchor, event.tag, style)


def _place_of_nothing(text: str, at: int) -> int:
    """Return where an empty scalar stands: behind its colon, not where the next token is."""
    while text[at - 1 : at] == " ":
        at -= 1
    if text[at - 1 : at] == "\n":
        raise DoubtError  # there may be comments between
    return at


def _end_of_block(text: str, start: int, stop: int) -> int:
    """Return where the last line of a block scalar ends; for libyaml, all blank ones are its own."""
    written = text[start:stop]
    length = len(written.rstrip(" \r\n"))
    if " " in written[length:]:
        raise DoubtError  # blanks may be text
    if "+" in written.partition("\n")[0].partition("#")[0]:
        return stop - (written.endswith("\n") + written.endswith("\r\n"))
    return start + length


def _alias(event: Any, text: str) -> Event:  # noqa: ANN401  as above
    check_alias(text, event)
    return Event("alias", event.start_mark.index, event.end_mark.index, event.anchor)


def _sequence(event: Any, text: str) -> Event:  # noqa: ANN401  as above
    return _collection("sequence", event, text)


def _mapping(event: Any, text: str) -> Event:  # noqa: ANN401  as above
    return _collection("mapping", event, text)


def _collection(kind: Kind, event: Any, text: str) -> Event:  # noqa: ANN401  as above
    start = event.start_mark.index
    if event.anchor is not None or event.tag is not None:
        check_properties(text, event)
    style = FLOW if event.flow_style else BLOCK
    return Event(kind, start, event.end_mark.index, "", event.anchor, event.tag, style)


def _end(event: Any, text: str) -> Event:  # noqa: ANN401  as above
    check_end(text, event)
    return Event("end", event.start_mark.index, event.end_mark.index)


def _document(event: Any, _text: str) -> Event:  # noqa: ANN401  as above
    return Event("document", event.start_mark.index, event.end_mark.index, explicit=event.explicit)


def _document_end(event: Any, _text: str) -> Event:  # noqa: ANN401  as above
    return Event("document end", event.start_mark.index, event.end_mark.index, explicit=event.explicit)


_MAKERS: dict[str, Callable[[Any, str], Event]] = {
    "ScalarEvent": _scalar,
    "AliasEvent": _alias,
    "SequenceStartEvent": _sequence,
    "MappingStartEvent": _mapping,
    "SequenceEndEvent": _end,
    "MappingEndEvent": _end,
    "DocumentStartEvent": _document,
    "DocumentEndEvent": _document_end,
}
