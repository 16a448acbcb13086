"""Several files of one directory that are saved as one: all of them, or none."""

from __future__ import annotations

from contextlib import contextmanager
from typing import TYPE_CHECKING, NoReturn, Protocol, Self

from untorn import intents, saving
from untorn.errors import SaveError
from untorn.keywords import options_of

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence
    from pathlib import Path
    from types import TracebackType
    from typing import Unpack

    from untorn.document import Document
    from untorn.drafts import Draft
    from untorn.keywords import EditKeywords, PathLike, SaveKeywords, WriteKeywords
    from untorn.records import Receipt
    from untorn.selection import DocumentNumber
    from untorn.values import Value

    Done = Callable[[Receipt, Draft], None]


class Files(Protocol):
    """What a transaction needs of the host that it belongs to."""

    def wanted(self, path: PathLike, value: Value, keywords: SaveKeywords) -> tuple[saving.Wanted, Done]:
        """Return what saving ``value`` wants, and what to remember when that is done."""
        ...

    def unlocked(
        self,
        path: PathLike,
        format: str | None,
        document: DocumentNumber,
        keywords: EditKeywords,
        *,
        create: bool,
    ) -> tuple[Document, saving.SaveOptions]:
        """Return a document for a file, which saves nothing itself, and how it is saved."""
        ...

    def save_together(self, wanted: Sequence[saving.Wanted], timeout: float) -> list[tuple[Receipt, Draft]]:
        """Save several files of one directory as one."""
        ...


_OF_ALL = {
    "timeout": "say transaction(timeout=...): there is one for all files",
    "durability": "leave it out: what a power cut may take apart would be no transaction",
    "in_place": "save it by itself: a file that is written in place has a journal of its own",
}
"""What cannot be said of one file, and why."""


class Transaction:
    """What is to be saved as one; ``transaction()`` gives it to its block.

    Nothing is written before the block has ended, and nothing at all if it raises.

    Attributes:
        receipts: One for each file, in the order in which they were named; empty
            until all are saved.
    """

    def __init__(self, files: Files, timeout: float) -> None:
        self._files = files
        self._timeout = timeout
        self._wanted: dict[Path, saving.Wanted] = {}
        self._done: list[Done] = []
        self._over = False
        self.receipts: tuple[Receipt, ...] = ()

    def save(self, path: PathLike, value: Value, **keywords: Unpack[SaveKeywords]) -> None:
        """Let a file hold ``value``, as ``untorn.save`` does, when the block has ended.

        What is changed of ``value`` behind this call does not count.

        Raises:
            SaveError: The file lies in another directory than the first, is named
                twice, or it is not known what the value came from.
        """
        self._refuse(keywords)
        self._add(*self._files.wanted(path, value, keywords))

    def write_text(self, path: PathLike, text: str, **keywords: Unpack[WriteKeywords]) -> None:
        """Let a file hold ``text`` in UTF-8 when the block has ended.

        Raises:
            SaveError: As ``save``.
        """
        self.write_bytes(path, intents.encoded(text, path), **keywords)

    def write_bytes(self, path: PathLike, data: bytes, **keywords: Unpack[WriteKeywords]) -> None:
        """Let a file hold ``data`` when the block has ended.

        Raises:
            SaveError: As ``save``.
        """
        self._refuse(keywords)
        self._add(saving.Wanted(intents.Opaque(bytes(data)), *options_of(path, keywords)), _nothing)

    @contextmanager
    def edit(
        self,
        path: PathLike,
        *,
        format: str | None = None,
        document: DocumentNumber = None,
        create: bool = False,
        **keywords: Unpack[EditKeywords],
    ) -> Iterator[Document]:
        """Give a document for a file; what was changed in it is saved when the transaction's block has ended.

        The file is not locked before that. What others change meanwhile stays:
        the changes are made again on what they left, and where they changed the
        same, even equally, it is a conflict. So a counter counts exactly.

        Raises:
            SaveError: As ``save``.
            FileNotFoundError: There is no file, and ``create`` is not set.
            LoadError: The file cannot be read, decoded or parsed.
        """
        self._refuse(keywords)
        doc, options = self._files.unlocked(path, format, document, keywords, create=create)
        assert doc.path is not None
        self._refuse_place(doc.path)
        yield doc

        def done(receipt: Receipt, draft: Draft) -> None:
            doc.committed(draft)
            doc.receipt = receipt

        with saving.named(doc.path):
            intent = doc.intent(
                allow_reformat=options.allow_reformat, equal_counts=False, policy=options.on_conflict
            )
        self._add(saving.Wanted(intent, doc.path, options), done)

    # ── Collect ─────────────────────────────────────────────────────────────

    def _refuse(self, keywords: Mapping[str, object]) -> None:
        if self._over:
            msg = "this transaction is over: its block has ended"
            raise SaveError(msg, hint="begin another one")
        for name in _OF_ALL.keys() & keywords.keys():
            msg = f"{name}= is nothing for one file of a transaction: {_OF_ALL[name]}"
            raise TypeError(msg)

    def _add(self, wanted: saving.Wanted, done: Done) -> None:
        self._refuse_place(wanted.path)
        self._wanted[wanted.path] = wanted
        self._done.append(done)

    def _refuse_place(self, path: Path) -> None:
        if not self._wanted:
            return
        place = next(iter(self._wanted)).parent
        if path.parent != place:
            raise SaveError(
                f"not in this transaction: the file lies in {path.parent}, and the others in {place}; "
                "a power cut could leave one directory new and the other old",
                path=path,
                hint="keep what belongs together in one directory, or in one file",
            )
        if path in self._wanted:
            raise SaveError(
                "the transaction has this file already: what it shall hold is said once",
                path=path,
                hint="make all changes of one file in one edit()",
            )

    # ── Commit ──────────────────────────────────────────────────────────────

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, _error: BaseException | None, _trace: TracebackType | None
    ) -> None:
        self._over = True
        if kind is None and self._wanted:
            saved = self._files.save_together([*self._wanted.values()], self._timeout)
            for done, each in zip(self._done, saved, strict=True):
                done(*each)
            self.receipts = tuple(receipt for receipt, _ in saved)


def _nothing(_receipt: Receipt, _draft: Draft) -> None:
    """Remember nothing of opaque bytes."""


def refuse_saving(document: Document, *_how: object) -> NoReturn:
    """Refuse to save a document that a transaction saves."""
    raise SaveError(
        "not saved: this document is saved with its transaction, when the block has ended",
        path=document.path,
        hint="leave out save()",
    )
