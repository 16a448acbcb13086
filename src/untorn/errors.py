"""Every exception that untorn raises.

::

    UntornError
    ├── LoadError                 the file was only read; nothing was written
    │   ├── ParseError            the text is not valid in its format
    │   │   └── EmptyFileError    there is no text, and the format has no empty value
    │   ├── DecodeError           the bytes are not text in the expected encoding
    │   ├── LimitError            too large, too deep, too many digits: refused before it hurts
    │   └── ReadError             (OSError) unreadable, a directory, a FIFO
    ├── SaveError                 this save changed nothing
    │   ├── UnrepresentableError  the format cannot hold a changed value
    │   ├── ImpreciseEditError    the edit cannot be made without touching what it should not
    │   ├── ProofError            the bytes to be written do not read back as the value asked for
    │   ├── RejectedError         a validator objected, crashed, or is missing
    │   ├── ConflictError         somebody else changed the same thing, or the base is unknown
    │   ├── LockTimeoutError      the file's lock did not come free in time
    │   └── WriteError            (OSError) the operating system refused, with its errno
    ├── NotDurableError           the new content is in place; the disk did not confirm it
    ├── UnknownOutcomeError       the rename failed, and so did the look at what it left; or an in-place
    │                             write, or a transaction, failed half-way, and its journal or record is there
    ├── PluginError               a plugin was refused, or failed while loading
    ├── UnknownFormatError        no serializer is known for this file
    └── KeyPathError              a key path is malformed, ambiguous, or leads nowhere

A missing file is the builtin ``FileNotFoundError``. Every error pickles.
"""

from __future__ import annotations

TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from untorn.records import Location, Problem, Receipt, Revision
    from untorn.values import Value


def _rebuild(cls: type[UntornError], args: tuple[object, ...], state: dict[str, object]) -> UntornError:
    """Make an error again without calling an ``__init__`` whose arguments differ."""
    error = cls.__new__(cls, *args)
    error.args = args
    for name, value in state.items():
        setattr(error, name, value)
    return error


def _reduced_with_errno(self: ReadError | WriteError) -> tuple[object, ...]:
    """Take along what OSError keeps outside of the instance's dictionary."""
    kept = {"errno": self.errno, "strerror": self.strerror, "filename": self.filename}
    return _rebuild, (type(self), self.args, {**self.__dict__, **kept})


def _as_path(path: Path | str | None) -> Path | None:
    """Return a path as ``Path``, which a load imports only to tell that it failed."""
    if isinstance(path, str):
        from pathlib import Path  # noqa: PLC0415

        return Path(path)
    return path


class UntornError(Exception):
    """Base of all errors of untorn.

    Attributes:
        hint: What to do next, or an empty string.
    """

    def __init__(self, reason: str, *, hint: str = "") -> None:
        super().__init__(reason)
        self.reason = reason
        self.hint = hint

    def __reduce__(self) -> tuple[object, ...]:
        return _rebuild, (type(self), self.args, dict(self.__dict__))

    def place(self) -> str:
        """Return where it happened in the form editors click, or an empty string."""
        return ""

    def told(self) -> str:
        """Return what happened and where, without the hint."""
        place = self.place()
        return f"{place}: {self.reason}" if place else self.reason

    def __str__(self) -> str:
        return f"{self.told()}\n  hint: {self.hint}" if self.hint else self.told()


class LoadError(UntornError):
    """A file could not be loaded; it was only read.

    Attributes:
        path: The file, or ``None`` for a text without one.
        revision: What identifies the bytes that were read, where they were:
            give it as ``base=`` to overwrite exactly this broken content.
    """

    def __init__(
        self,
        reason: str,
        *,
        path: Path | str | None = None,
        location: Location | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(reason, hint=hint)
        self.path = _as_path(path)
        self.location = location
        self.revision: Revision | None = None

    def place(self) -> str:
        """Return ``path:line:column`` as far as it is known."""
        return str(self.location or self.path or "")


class ParseError(LoadError):
    """The text is not valid in its format.

    Serializers raise it with ``offset``, code points into the text, or with
    ``line`` and ``column`` (from 1); the load pipeline makes a ``location``
    of either.
    """

    def __init__(  # noqa: PLR0913  all keyword-only; each is one way to say where
        self,
        reason: str,
        *,
        offset: int | None = None,
        line: int | None = None,
        column: int | None = None,
        path: Path | str | None = None,
        location: Location | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(reason, path=path, location=location, hint=hint)
        self.offset = offset
        self.line = line
        self.column = column


class EmptyFileError(ParseError):
    """The text is empty, and in this format an empty text has no value (JSON)."""


class DecodeError(LoadError):
    """The bytes are not text in the encoding that the format or the BOM promises."""


class LimitError(LoadError):
    """The input is larger, deeper or longer than untorn takes on; see ``hint``."""


class ReadError(LoadError, OSError):
    """The operating system could not read the file, or it is not a regular file."""

    def __init__(self, reason: str, *, errno: int, path: Path | str, hint: str = "") -> None:
        LoadError.__init__(self, reason, path=path, hint=hint)
        self.errno = errno
        self.strerror = reason
        self.filename = str(self.path)

    __str__ = UntornError.__str__
    __reduce__ = _reduced_with_errno


class SaveError(UntornError):
    """A save was refused or failed: this save changed nothing.

    Attributes:
        path: The file, or ``None`` for a document without one.
        where: The key path concerned, or ``None``.
        left_behind: A temporary file that the file system refused to remove;
            the next save of the same file removes it.
    """

    def __init__(
        self,
        reason: str,
        *,
        path: Path | None = None,
        where: tuple[object, ...] | None = None,
        location: Location | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(reason, hint=hint)
        self.path = path
        self.where = where
        self.location = location
        self.left_behind: Path | None = None

    def place(self) -> str:
        """Return ``path:line:column`` as far as it is known."""
        return str(self.location or self.path or "")

    def __str__(self) -> str:
        message = super().__str__()
        if self.left_behind is not None:
            message += f"\n  left behind: {self.left_behind} (the next save of this file removes it)"
        return message


class UnrepresentableError(SaveError):
    """The format cannot hold a value that was to be written; nothing is coerced."""


class ImpreciseEditError(SaveError):
    """The edit would touch what it should not; ``allow_reformat=True`` permits that."""


class ProofError(SaveError):
    """The bytes to be written do not read back as exactly the value asked for."""


class RejectedError(SaveError):
    """Validators refused the save.

    Attributes:
        problems: All problems of all validators, in the order of the text.
    """

    def __init__(self, problems: Sequence[Problem], *, path: Path | None = None) -> None:
        count = len(problems)
        reason = f"not saved: {count} problem{'' if count == 1 else 's'}"
        super().__init__(reason, path=path)
        self.problems = tuple(problems)

    def __str__(self) -> str:
        return "\n".join([super().__str__(), *(f"  {problem}" for problem in self.problems)])


class ConflictError(SaveError):
    """Both sides changed the same thing, or nothing says what this save is based on.

    A value that is not there, on one side, is ``untorn.MISSING``.

    Attributes:
        base: The value at ``where`` that both sides started from.
        ours: The value that this save would have written.
        theirs: The value that is in the file now.
        location: Where ``theirs`` stands in the file.
        base_location: Where ``base`` stood in the text that both started from.
        others: What else conflicts in this save.
    """

    def __init__(  # noqa: PLR0913  a conflict has three sides and a place
        self,
        reason: str,
        *,
        path: Path | None = None,
        where: tuple[object, ...] | None = None,
        location: Location | None = None,
        hint: str = "",
        base: Value | object = None,
        ours: Value | object = None,
        theirs: Value | object = None,
    ) -> None:
        super().__init__(reason, path=path, where=where, location=location, hint=hint)
        self.base = base
        self.ours = ours
        self.theirs = theirs
        self.base_location: Location | None = None
        self.base_where: tuple[object, ...] | None = None
        self.their_where: tuple[object, ...] | None = None
        self.others: tuple[ConflictError, ...] = ()

    def told(self) -> str:
        """Return all conflicts, each with its three sides."""
        lines = [super().told()]
        if self.where:
            before = (
                f"   (line {self.base_location.line} of what both began with)" if self.base_location else ""
            )
            now = f"   ({self.location})" if self.location else ""
            lines += [
                f"    base    {_shown(self.base)}{before}",
                f"    ours    {_shown(self.ours)}",
                f"    theirs  {_shown(self.theirs)}{now}",
            ]
        return "\n".join([*lines, *(each.told() for each in self.others)])


_LONG = 60  # characters of a value: more is for the debugger


def _shown(value: object) -> str:
    written = repr(value)
    if written == "MISSING":
        return "(nothing)"
    return written if len(written) <= _LONG else f"{written[:_LONG]}…"


class LockTimeoutError(SaveError):
    """Somebody else held the file's lock for the whole timeout; nothing was written."""


class WriteError(SaveError, OSError):
    """The operating system refused a step of the save; the file is as it was."""

    def __init__(self, reason: str, *, errno: int, path: Path | None, hint: str = "") -> None:
        SaveError.__init__(self, reason, path=path, hint=hint)
        self.errno = errno
        self.strerror = reason
        self.filename = str(path) if path else None

    __str__ = SaveError.__str__
    __reduce__ = _reduced_with_errno


class _AfterCommitError(UntornError):
    def __init__(self, reason: str, *, receipt: Receipt, hint: str = "") -> None:
        super().__init__(reason, hint=hint)
        self.receipt = receipt

    def place(self) -> str:
        """Return the path."""
        return str(self.receipt.path)


class NotDurableError(_AfterCommitError):
    """The new content is in place, but the disk did not confirm it.

    The next save of the same file pays the sync that is owed.
    """


class UnknownOutcomeError(_AfterCommitError):
    """The rename reported an error, and so did the look at what it left.

    Or an in-place write failed behind its durable mark: who loads with the same
    ``in_place=`` sees the new content, and the next save with it finishes the write.
    Or a transaction failed behind its commit point: who loads one of its files through
    untorn sees the new content, and the next save of one of them finishes it.
    """


class PluginError(UntornError):
    """A plugin was refused, or failed.

    Attributes:
        plugin: Its name.
    """

    def __init__(self, reason: str, *, plugin: str, hint: str = "") -> None:
        super().__init__(reason, hint=hint)
        self.plugin = plugin

    def place(self) -> str:
        """Return the plugin's name."""
        return f"plugin {self.plugin!r}"


class UnknownFormatError(UntornError):
    """No serializer is known for this file; ``format=`` names one."""


class KeyPathError(UntornError):
    """A key path is malformed, ambiguous, or leads nowhere.

    Attributes:
        where: The part of the path that could be followed, or ``None``.
    """

    def __init__(
        self,
        reason: str,
        *,
        where: tuple[object, ...] | None = None,
        hint: str = "",
    ) -> None:
        super().__init__(reason, hint=hint)
        self.where = where
