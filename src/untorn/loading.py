"""The load pipeline, one function a stage: snapshot, text, value."""

from __future__ import annotations

from untorn import storage
from untorn.errors import LoadError, ParseError
from untorn.text import SourceText, decode, location_at, offset_at, without_mark

TYPE_CHECKING = False  # a load imports this module, and should not pay for typing
if TYPE_CHECKING:
    import os
    from contextlib import AbstractContextManager
    from pathlib import Path

    from untorn.revisions import Snapshot
    from untorn.selection import Selection
    from untorn.values import Value

MAX_BYTES = 128 * 1024 * 1024
"""How large a file may be. A configuration file of this size is a mistake, or an attack."""


class Loaded:
    """A file that was read, decoded and parsed.

    ``whole`` is fresh plain data that belongs to whoever asked for this load.
    """

    # No dataclass: importing that module alone costs more than starting Python does.
    __slots__ = ("selection", "snapshot", "source", "whole")

    def __init__(self, snapshot: Snapshot, source: SourceText, selection: Selection, whole: Value) -> None:
        self.snapshot = snapshot
        self.source = source
        self.selection = selection
        self.whole = whole

    @property
    def value(self) -> Value:
        """The value that the caller sees."""
        return self.selection.picked(self.whole)


def read(path: Path | str, in_place: Path | None = None, *, locked: bool = False) -> Snapshot:
    """Return what the file holds; what its hot journal holds, if that is in ``in_place``.

    Of a transaction that is not finished, what that makes of it. ``locked``: the
    caller has the file's lock.
    """
    if storage.record_beside(path):
        promised = _promised(path)
        if promised is not None:
            return promised
    if in_place is None:
        return storage.read(path, limit=MAX_BYTES)
    from pathlib import Path  # noqa: PLC0415  only who writes in place needs it

    from untorn.storage import journal  # noqa: PLC0415  as above

    path = Path(path)
    if locked:
        with journal.reading(path, in_place, limit=MAX_BYTES, locked=True) as file:
            return file.snapshot
    return journal.read(path, in_place, limit=MAX_BYTES)


def _promised(path: Path | str) -> Snapshot | None:
    from pathlib import Path  # noqa: PLC0415  only beside an unfinished transaction

    return storage.answer(Path(path), limit=MAX_BYTES)


def directory_of(in_place: str | os.PathLike[str] | None) -> Path | None:
    """Return the directory of journals that was asked for, whatever becomes of the working directory."""
    if in_place is None:
        return None
    from pathlib import Path  # noqa: PLC0415  only who writes in place needs it

    return Path(in_place).absolute()


def reading(path: Path, in_place: Path | None = None) -> AbstractContextManager[storage.Reading]:
    """Do as ``read``, and keep the file open."""
    if in_place is None:
        return storage.reading(path, limit=MAX_BYTES)
    from untorn.storage import journal  # noqa: PLC0415  only who writes in place needs it

    return journal.reading(path, in_place, limit=MAX_BYTES)


def existing(snapshot: Snapshot) -> Snapshot:
    """Return ``snapshot`` if there was a file.

    Raises:
        FileNotFoundError: There was none.
    """
    if snapshot.data is None:
        import errno  # noqa: PLC0415  a load that succeeds does not need it

        raise FileNotFoundError(errno.ENOENT, "no such file", str(snapshot.path))
    return snapshot


def load_snapshot(snapshot: Snapshot, selection: Selection) -> Loaded:
    """Decode and parse what was read."""
    assert snapshot.data is not None
    try:
        source = decode(snapshot.data, encodings=selection.encodings)
        return Loaded(snapshot, source, selection, parse_text(source.text, selection, None))
    except LoadError as error:
        error.revision, error.path = snapshot.revision, snapshot.path
        if error.location is not None:
            from dataclasses import replace  # noqa: PLC0415  only for errors

            error.location = replace(error.location, path=snapshot.path)
        raise


def source_of(text: str | bytes, selection: Selection) -> SourceText:
    """Return a text that is not a file's.

    Raises:
        DecodeError: It is bytes, and not in an encoding that the format permits.
    """
    return decode(text, encodings=selection.encodings) if isinstance(text, bytes) else without_mark(text)


def parse_text(text: str, selection: Selection, path: Path | None) -> Value:
    """Return the whole of ``text``; errors say where.

    Raises:
        ParseError, LimitError: With ``location`` and ``path``.
    """
    try:
        return selection.parse(text)
    except LoadError as error:
        error.path = error.path or path
        if isinstance(error, ParseError) and error.location is None:
            _place(error, text, path)
        raise


def _place(error: ParseError, text: str, path: Path | None) -> None:
    offset = error.offset
    if offset is None and error.line is not None:
        offset = offset_at(text, error.line, error.column or 1)
    if offset is not None:
        error.location = location_at(text, offset, path)
