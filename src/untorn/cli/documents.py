"""What a command works on: a file, or standard input."""

from __future__ import annotations

import sys

from untorn.cli.arguments import UsageError
from untorn.errors import KeyPathError, LimitError, LoadError, UntornError

TYPE_CHECKING = False  # no command should pay for typing
if TYPE_CHECKING:
    from untorn.cli.arguments import Request
    from untorn.document import Document
    from untorn.drafts import Draft
    from untorn.host import Host
    from untorn.keypath import KeyPath
    from untorn.records import Revision
    from untorn.values import Value


class Source:
    """A document that was named on the command line.

    Attributes:
        name: As it was typed; ``<stdin>`` for standard input.
        is_stdin: Whether it comes from standard input, which is read once.
    """

    def __init__(self, host: Host, file: str, request: Request) -> None:
        self.is_stdin = file == "-"
        if self.is_stdin and request.format is None:
            msg = f"untorn {request.command}: standard input has no name that tells its format; say --format"
            raise UsageError(msg)
        self.name = "<stdin>" if self.is_stdin else file
        self._host = host
        self._request = request
        self._data: bytes | None = None

    def value(self) -> Value:
        """Return its value."""
        if self.is_stdin:
            return self.document().value
        return self._host.load(self.name, format=self._request.format, document=self._request.document)

    def document(self) -> Document:
        """Return it as a document, with ``--create`` and ``--allow-reformat`` as they were said."""
        request = self._request
        if not self.is_stdin:
            return self._host.open(
                self.name,
                format=request.format,
                document=request.document,
                create=request.create,
                allow_reformat=request.allow_reformat,
            )
        assert request.format is not None
        document = self._host.parse(self._stdin(), format=request.format, document=request.document)
        document.allow_reformat = request.allow_reformat
        return document

    def draft(self, document: Document) -> Draft:
        """Return what a save of ``document``, which was made of this source, would write."""
        from pathlib import Path  # noqa: PLC0415  get does not come here

        from untorn.records import Snapshot  # noqa: PLC0415

        read = Snapshot(Path(), self._data) if self.is_stdin else document.read_from
        return document.intent().draft(read)

    def _stdin(self) -> bytes:
        from untorn.loading import MAX_BYTES  # noqa: PLC0415  files do not come here

        data = sys.stdin.buffer.read(MAX_BYTES + 1) if self._data is None else self._data
        if len(data) > MAX_BYTES:
            raise LimitError(
                f"standard input is larger than {MAX_BYTES} bytes", hint="no configuration file is that large"
            )
        self._data = data
        return data

    def place(self, where: KeyPath | None) -> str:
        """Return ``name:line:column`` of as much of a key path as there is, or the name alone."""
        try:
            document = self.document()
        except (UntornError, OSError):
            return self.name
        for length in range(len(where or ()), 0, -1):
            try:
                location = document.location((where or ())[:length])
            except KeyPathError:
                continue
            return f"{self.name}:{location.line}:{location.column}"
        return self.name

    def text_at(self, revision: Revision | None) -> str | None:
        """Return its text, if it can be decoded and is still the one at ``revision``."""
        from untorn.text import decode  # noqa: PLC0415  only for errors

        data = self._data if self.is_stdin else self._data_at(revision)
        try:
            return None if data is None else decode(data).text
        except LoadError:
            return None

    def _data_at(self, revision: Revision | None) -> bytes | None:
        from untorn import loading, storage  # noqa: PLC0415  only for errors

        try:
            snapshot = storage.read(storage.resolve(self.name), limit=loading.MAX_BYTES)
        except (LoadError, OSError):
            return None
        return snapshot.data if snapshot.revision == revision else None
