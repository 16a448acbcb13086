"""What identifies the bytes of a file, and the bytes that were read."""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from pathlib import Path

# No dataclasses here: a load imports this module, and importing dataclasses
# alone costs twice what starting Python does.


class Revision:
    """What identifies the bytes of a file that were read.

    ``digest`` is the BLAKE2b-256 of the bytes as hex, or ``None`` where there
    was no file. Two revisions are equal if and only if the bytes were.
    """

    __slots__ = ("_digest",)
    __match_args__ = ("digest",)

    def __init__(self, digest: str | None) -> None:
        self._digest = digest

    @property
    def digest(self) -> str | None:
        """The digest; it does not change."""
        return self._digest

    def __eq__(self, other: object) -> bool:
        return self._digest == other._digest if isinstance(other, Revision) else NotImplemented

    def __hash__(self) -> int:
        return hash(self._digest)

    def __repr__(self) -> str:
        return f"Revision(digest={self._digest!r})"

    def __str__(self) -> str:
        return "(no file)" if self._digest is None else self._digest[:12]


def revision_of(data: bytes | None) -> Revision:
    """Return the revision of these bytes; of ``None``, that of a missing file."""
    if data is None:
        return Revision(None)
    # Imported when first needed: loading a file does not need a digest.
    from _blake2 import blake2b  # noqa: PLC0415

    return Revision(blake2b(data, digest_size=32).hexdigest())


class Snapshot:
    """A file as it was when it was read, once.

    ``path`` is the file itself, symbolic links resolved; ``data`` is ``None``
    where there was no file.
    """

    __slots__ = ("_path", "_revision", "data")

    def __init__(self, path: Path | str, data: bytes | None) -> None:
        self._path = path
        self._revision: Revision | None = None
        self.data = data

    @property
    def path(self) -> Path:
        """The file itself; made a ``Path`` when asked for: a load does without ``pathlib``."""
        if isinstance(self._path, str):
            from pathlib import Path  # noqa: PLC0415

            self._path = Path(self._path)
        return self._path

    @property
    def revision(self) -> Revision:
        """What identifies these bytes."""
        if self._revision is None:
            self._revision = revision_of(self.data)
        return self._revision

    def __eq__(self, other: object) -> bool:
        if not isinstance(other, Snapshot):
            return NotImplemented
        return self.path == other.path and self.data == other.data

    def __hash__(self) -> int:
        return hash((self.path, self.data))

    def __repr__(self) -> str:
        return f"Snapshot(path={self._path!r}, data={self.data!r})"
