"""Bytes and text: encoding, byte order mark, newline style, final newline."""

from __future__ import annotations

import codecs

from untorn.errors import DecodeError

TYPE_CHECKING = False  # a load imports this module, and should not pay for typing
if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from pathlib import Path

    from untorn.edits import TextEdit
    from untorn.records import Location

UTF8 = "utf-8"

# Longest first: the UTF-32 mark begins with the UTF-16 one.
_MARKS = (
    (codecs.BOM_UTF32_LE, "utf-32-le"),
    (codecs.BOM_UTF32_BE, "utf-32-be"),
    (codecs.BOM_UTF8, UTF8),
    (codecs.BOM_UTF16_LE, "utf-16-le"),
    (codecs.BOM_UTF16_BE, "utf-16-be"),
)


class SourceText:
    """The text of a file, and what is needed to make the same bytes of it again.

    ``text`` has the file's own newlines, so that offsets and untouched lines
    are the file's; it has no BOM, which is ``mark`` (``b""`` for none).
    """

    # No dataclass: importing that module alone costs more than starting Python does.
    __slots__ = ("encoding", "mark", "text")

    def __init__(self, text: str, encoding: str = UTF8, mark: bytes = b"") -> None:
        self.text = text
        self.encoding = encoding
        self.mark = mark

    def to_bytes(self) -> bytes:
        """Return the bytes of the file.

        Raises:
            UnicodeEncodeError: The text has lone surrogates.
        """
        return self.mark + self.text.encode(self.encoding)

    def with_text(self, text: str) -> SourceText:
        """Return another text with the same encoding and mark."""
        return SourceText(text, self.encoding, self.mark)


def decode(data: bytes, *, path: Path | None = None, encodings: Sequence[str] = (UTF8,)) -> SourceText:
    """Return the text of ``data``.

    UTF-8 unless a BOM says otherwise.

    Args:
        data: The bytes of a file.
        path: The file, for the error.
        encodings: What the format permits.

    Raises:
        DecodeError: The bytes are not text in that encoding, or the format
            does not permit it (TOML is always UTF-8).
    """
    mark, encoding = next(((m, e) for m, e in _MARKS if data.startswith(m)), (b"", UTF8))
    if encoding not in encodings:
        msg = f"the file begins with a {encoding.upper()} byte order mark, and this format is always UTF-8"
        raise DecodeError(msg, path=path, hint=f"convert it: iconv -f {encoding} -t utf-8")
    body = data[len(mark) :]
    try:
        return SourceText(body.decode(encoding), encoding, mark)
    except UnicodeDecodeError as error:
        before = body[: error.start].decode(encoding, "replace")
        byte, offset = body[error.start], error.start + len(mark)
        raise DecodeError(
            f"byte 0x{byte:02x} at offset {offset} is not {encoding.upper()} ({error.reason})",
            location=location_at(before, len(before), path),
            path=path,
            hint="convert the file to UTF-8; untorn does not guess encodings",
        ) from None


def without_mark(text: str) -> SourceText:
    """Return a text that is decoded already; an editor's buffer may still begin with the mark."""
    if text.startswith("\ufeff"):
        return SourceText(text[1:], mark=codecs.BOM_UTF8)
    return SourceText(text)


def newline_of(text: str) -> str:
    r"""Return the newline that most lines of ``text`` end with: ``"\r\n"`` or ``"\n"``."""
    crlf = text.count("\r\n")
    return "\r\n" if crlf * 2 > text.count("\n") else "\n"


def in_newlines_of(text: str, edits: Iterable[TextEdit]) -> list[TextEdit]:
    r"""Return ``edits`` with the newlines of what they add in the style of ``text``.

    Serializers write ``"\n"``; a fragment copied from the text may have others.
    """
    from untorn.edits import TextEdit  # noqa: PLC0415  a load makes no edits

    newline = newline_of(text)
    return [
        TextEdit(edit.start, edit.stop, edit.new.replace("\r\n", "\n").replace("\n", newline))
        for edit in edits
    ]


def location_at(text: str, offset: int, path: Path | None = None) -> Location:
    r"""Return line and column of ``offset``; lines end with ``"\n"``, ``"\r\n"`` or ``"\r"``."""
    from untorn.records import Location  # noqa: PLC0415  a load that succeeds needs no places

    before = text[:offset].replace("\r\n", "\n").replace("\r", "\n")
    return Location(path, before.count("\n") + 1, len(before) - (before.rfind("\n") + 1) + 1)


def offset_at(text: str, line: int, column: int) -> int:
    """Return the offset of a line and column (from 1), at most the end of the text."""
    import re  # noqa: PLC0415  as above
    from itertools import islice  # noqa: PLC0415

    # Not str.splitlines, which ends lines at form feeds and U+2028, too.
    ends = (end.end() for end in re.finditer(r"\r\n|\r|\n", text))
    start = next(islice(ends, line - 2, None), len(text)) if line > 1 else 0
    return max(0, min(start + column - 1, len(text)))


def excerpt_at(text: str, start: int, stop: int) -> str:
    """Return the line of ``start`` with carets under ``start..stop``, or as far as it goes."""
    line_start = text.rfind("\n", 0, start) + 1
    line_stop = text.find("\n", start)
    line_stop = len(text) if line_stop < 0 else line_stop
    line = text[line_start:line_stop].rstrip("\r")
    carets = max(1, min(stop, line_start + len(line)) - start)
    # Tabs stay tabs in the padding, so that the caret stands under its column.
    padding = "".join("\t" if c == "\t" else " " for c in text[line_start:start])
    number = f"{text.count(chr(10), 0, start) + 1}"
    return f"  {number} | {line}\n  {' ' * len(number)} | {padding}{'^' * carets}"
