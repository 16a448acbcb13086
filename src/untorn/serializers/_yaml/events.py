"""The events of a YAML text: the interface behind which another parser can stand.

A parser is a function from a text to an iterator of ``Event``. All offsets are
code points of the text. A node's event starts at its anchor or tag where it has
one; a block scalar's ends where its last line's newline begins.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING, Any, Literal, TypeAlias

from untorn.sdk import ParseError

if TYPE_CHECKING:
    from collections.abc import Iterator

Kind: TypeAlias = Literal["document", "document end", "scalar", "alias", "sequence", "mapping", "end"]

PLAIN = ""
BLOCK = "block"
FLOW = "flow"


class Event:
    """One event.

    Attributes:
        kind: What begins, ends or stands here; ``end`` closes a collection.
        start: Where it starts; of a document, its ``---``, or its first token.
        end: Where it ends. A collection's own event ends anywhere.
        value: The text of a scalar, the anchor's name of an alias.
        anchor: The name of the node's anchor.
        tag: The resolved tag as written in the file; ``!`` alone says "no tag, and not plain".
        style: ``'``, ``"``, ``|``, ``>`` or plain of a scalar; ``block`` or ``flow`` of a collection.
        explicit: Whether a document's ``---`` or ``...`` is there.
    """

    # No NamedTuple: making one costs as much as importing ten modules of ours.
    __slots__ = ("anchor", "end", "explicit", "kind", "start", "style", "tag", "value")

    def __init__(  # noqa: PLR0913, PLR0917  one for each attribute
        self,
        kind: Kind,
        start: int,
        end: int,
        value: str = "",
        anchor: str | None = None,
        tag: str | None = None,
        style: str = PLAIN,
        *,
        explicit: bool = False,
    ) -> None:
        self.kind: Kind = kind
        self.start = start
        self.end = end
        self.value = value
        self.anchor = anchor
        self.tag = tag
        self.style = style
        self.explicit = explicit


def events_of(text: str) -> Iterator[Event]:
    """Yield the events of ``text``.

    Raises:
        ParseError: It is no YAML; with ``offset``.
    """
    # ruamel.yaml costs more to import than everything of ours: only YAML pays.
    from untorn.serializers._yaml.engine import Engine, MarkedYAMLError, ReaderError, YAMLError  # noqa: PLC0415

    engine: Any = None
    try:
        engine = Engine(text)
        while (event := engine.get_event()) is not None:
            yield from _translated(event, text)
    except MarkedYAMLError as error:
        raise _marked(error, engine) from None
    except ReaderError as error:
        reason = f"the character U+{error.character:04X} is not allowed in YAML"
        raise ParseError(reason, offset=error.position) from None
    except (
        YAMLError,
        LookupError,
        TypeError,
        ValueError,
        AssertionError,
        AttributeError,
        OverflowError,
    ) as error:
        # The engine raises these bare on some texts that are not YAML.
        offset = getattr(engine, "index", 0)
        raise ParseError(f"not valid YAML ({error})", offset=min(offset, len(text))) from None


def _marked(error: Any, engine: Any) -> ParseError:  # noqa: ANN401  ruamel has no types
    mark = error.problem_mark or error.context_mark
    offset = mark.index if mark is not None else getattr(engine, "index", 0)
    parts = [part for part in (error.context, error.problem) if part]
    reason = re.sub(r"\(('[^']*'),\)", r"\1", ", ".join(parts) or "not valid YAML")
    return ParseError(reason, offset=offset, hint=_hint(error.problem or ""))


_HINTS = (
    ("'\\t'", "YAML does not take tabs as indentation"),
    ("mapping values are not allowed", "quote the text if a colon belongs to it, or check the indentation"),
    ("expected ':'", "every line of a mapping needs a colon; check the indentation"),
    ("<block end>", "check the indentation of this line against the ones above"),
)


def _hint(problem: str) -> str:
    return next((hint for part, hint in _HINTS if part in problem), "")


def _translated(event: Any, text: str) -> Iterator[Event]:  # noqa: ANN401  ruamel has no types
    name = type(event).__name__
    start, end = event.start_mark.index, event.end_mark.index
    if name == "ScalarEvent":
        style = event.style or PLAIN
        tag = _tag(event.tag)
        if tag is not None:
            start = _with_tag(text, start)
        yield Event("scalar", start, end, event.value, event.anchor, tag, style)
    elif name == "AliasEvent":
        yield Event("alias", start, end, event.anchor)
    elif name in _COLLECTIONS:
        tag = _tag(event.tag)
        if tag is not None:
            start = _with_tag(text, start)
        style = FLOW if event.flow_style else BLOCK
        yield Event(_COLLECTIONS[name], start, end, "", event.anchor, tag, style)
    elif name in _ENDS:
        yield Event("end", start, end)
    elif name == "DocumentStartEvent":
        yield Event("document", start, end, explicit=event.explicit)
    elif name == "DocumentEndEvent":
        yield Event("document end", start, end, explicit=event.explicit)


_COLLECTIONS: dict[str, Kind] = {"SequenceStartEvent": "sequence", "MappingStartEvent": "mapping"}
_ENDS = ("SequenceEndEvent", "MappingEndEvent")


def _tag(tag: str | None) -> str | None:
    return tag if tag is None or tag != "!!" else "!"


_TAG_BEFORE = r"!(?:<[^>\s]*>|[^\s,\[\]{}]*)[ \t]+\Z"  # compiled when first needed


def _with_tag(text: str, start: int) -> int:
    """Return where a node with a tag starts: the engine forgets a tag before an anchor."""
    if text[start : start + 1] != "&":
        return start
    line = text.rfind("\n", 0, start) + 1
    before = re.compile(_TAG_BEFORE).search(text, line, start)
    after = re.compile(r"&\S+\s+!").match(text, start)
    return before.start() if before and not after else start
