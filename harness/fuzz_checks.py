"""What must hold for any text, any edit and any value; each check names what does not."""

from __future__ import annotations

import json
import re
import signal
import time
import tomllib
from contextlib import contextmanager
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any
from warnings import catch_warnings

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

import untorn
from harness.editor import Untorn, plain
from harness.fuzz_edits import NowhereError, asked, settled
from harness.oracle import RefusedError, json_reader, read, same
from harness.oracle.comments import lost_comment
from harness.oracle.operations import Operation, look, same_order
from harness.oracle.values import differences

if TYPE_CHECKING:
    from collections import Counter
    from collections.abc import Iterator

    from harness.oracle.source import Format

SECONDS = 5.0
"""Of a processor: how long one text, edit or value may take."""

UNKNOWN = object()
"""The independent parser has nothing to say of this text."""


class WrongError(Exception):
    """A promise is broken.

    Attributes:
        promise: Which, in the words of a class of failures.
        detail: The values, or the end of a traceback.
    """

    def __init__(self, promise: str, detail: str) -> None:
        super().__init__(promise, detail)
        self.promise = promise
        self.detail = detail


class _TooLongError(Exception):
    """The time is up."""


@contextmanager
def _guarded(what: str) -> Iterator[None]:
    """Let only errors of untorn out, and those only in time; any other is wrong."""

    def stop(*_: object) -> None:
        raise _TooLongError

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    start = time.process_time()
    try:
        yield
    except untorn.ProofError as error:
        raise WrongError(f"{what}: only the proof saw it", str(error)) from error
    except (untorn.UntornError, WrongError):
        raise
    except Exception as error:
        raise WrongError(f"{what}: {type(error).__name__} escapes", _told(error)) from error
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
    if time.process_time() - start > SECONDS:
        raise WrongError(f"{what}: takes too long", f"{time.process_time() - start:.1f} s")


def _told(error: BaseException) -> str:
    """Return an error, and the innermost line that raised it."""
    trace = error.__traceback__
    while trace and trace.tb_next:
        trace = trace.tb_next
    where = f" in {trace.tb_frame.f_code.co_filename}:{trace.tb_lineno}" if trace else ""
    return f"{error!r:.300}{where}"


# ── Texts ─────────────────────────────────────────────────────────────────────


@dataclass
class Opened:
    """A text that was read.

    Attributes:
        form: Its format.
        documents: Whether key paths begin with the number of a document.
        value: Its value; after edits, as it is computed here.
        doc: The document that is edited.
    """

    form: Format
    documents: bool
    value: object
    doc: untorn.Document

    def read(self, data: bytes) -> object:
        """Return what ``data`` says to untorn."""
        return _loads(self.form, data, documents=self.documents)


def _loads(form: Format, text: str | bytes, *, documents: bool) -> Any:  # noqa: ANN401  any value
    return untorn.loads(text, format=form, document="all" if documents else None)


def opened(form: Format, text: str | bytes, counts: Counter[str]) -> Opened | None:
    """Read a text, compare its value with an independent parser's, and write it unchanged.

    Returns:
        ``None`` where the text is refused.
    """
    counts["texts"] += 1
    try:
        with _guarded("load"):
            value = _loads(form, text, documents=form == "yaml")
    except untorn.UntornError:
        counts["texts refused"] += 1
        return None
    counts["texts loaded"] += 1
    _agree(form, text, plain(value), counts)
    documents = form == "yaml" and len(value) != 1
    try:
        with _guarded("no edit"):
            doc = untorn.parse(text, format=form, document="all" if documents else None)
            found = doc.to_bytes()
    except untorn.UntornError as error:
        # A text, unlike bytes, may hold what no encoding does.
        if isinstance(text, str):
            return None
        raise WrongError("no edit: refused, though it loads", str(error)) from error
    if isinstance(text, bytes) and found != text:
        raise WrongError("no edit: other bytes", repr(found))
    return Opened(form, documents, value[0] if form == "yaml" and not documents else value, doc)


def _agree(form: Format, text: str | bytes, ours: object, counts: Counter[str]) -> None:
    if isinstance(text, bytes):
        try:
            text = text.decode()
        except UnicodeDecodeError:
            return  # UTF-16 and the like
    theirs = _reference(form, text.removeprefix("\ufeff"))
    if theirs is UNKNOWN:
        return
    counts["texts compared"] += 1
    if isinstance(theirs, ValueError):
        raise WrongError("loads what the independent parser refuses", f"{theirs}; here {ours!r:.200}")
    if not same(theirs, ours):
        raise WrongError("another value than the independent parser's", differences(theirs, ours))


def _reference(form: Format, text: str) -> object:
    """Return the independent parser's value, or the ``ValueError`` by which it refuses the text."""
    try:
        if form == "yaml":
            return _by_ruamel(text)
        if form == "jsonc":
            return json_reader.read(text, comments_allowed=True)[0]
        return tomllib.loads(text) if form == "toml" else json.loads(text)
    except RefusedError as error:
        return ValueError(str(error))
    except ValueError as error:
        return error


# Where ruamel's reader and ours differ on purpose (tests/serializers/test_yaml_values.py): tabs,
# underscores, signs and leading zeros in numbers, tags, directives, merges, characters that end a line.
# And a block scalar at the very left takes in the next document's marker, there.
_RUAMEL_DIFFERS = re.compile(
    r"[\t_%!\x85\u2028\u2029\ufeff]|<<|[-+]?0[0-9xob]|\d[eE.]|\.[\d]|\d:\d|\d-\d|\S#"
)


def _by_ruamel(text: str) -> object:
    if _RUAMEL_DIFFERS.search(text):
        return UNKNOWN
    try:
        with catch_warnings(action="ignore"):  # of anchors that come twice
            return list(YAML(typ="safe", pure=True).load_all(text)) or [None]
    except (YAMLError, ValueError, TypeError, AssertionError, LookupError, AttributeError, RecursionError):
        return UNKNOWN


# ── Edits ─────────────────────────────────────────────────────────────────────


def edited(it: Opened, edit: Operation, counts: Counter[str]) -> None:
    """Make one edit, and compare its value with the one that is computed here.

    Raises:
        WrongError: It is another one, a comment is lost, or the edit should have been refused.
    """
    counts["edits"] += 1
    try:
        wanted = asked(it.value, edit)
    except NowhereError:
        wanted = UNKNOWN
    before = it.doc.to_bytes()
    try:
        with _guarded(edit.kind):
            Untorn().perform(it.doc, edit)
            after = it.doc.to_bytes()
    except untorn.UntornError as error:
        counts["edits refused"] += 1
        counts[f"  {type(error).__name__}"] += 1
        with _guarded(f"{edit.kind}: refused, but the text"):
            unchanged = it.doc.to_bytes() == before
        if not unchanged:
            raise WrongError(
                f"{edit.kind}: refused, but the text changed", repr(it.doc.to_bytes())
            ) from error
        return
    if wanted is UNKNOWN:
        raise WrongError(f"{edit.kind}: leads nowhere, but is accepted", repr(after))
    # In the order of the text: what was added need not stand last.
    found = _read_again(it, edit, wanted, after)
    _keeps_comments(it, edit, before, after, counts)
    it.value = found


def _read_again(it: Opened, edit: Operation, wanted: object, after: bytes) -> object:
    try:
        with _guarded(f"{edit.kind}: read again"):
            found = it.read(after)
    except untorn.UntornError as error:
        raise WrongError(f"{edit.kind}: cannot be read again", f"{error}\n{after!r}") from error
    if not same(plain(wanted), plain(found)):
        told = differences(plain(wanted), plain(found))
        raise WrongError(f"{edit.kind}: another value", f"{told}\n{after!r}")
    parent = edit.path[:-1]
    if edit.kind == "move" and not same_order(look(wanted, parent), look(found, parent)):
        raise WrongError("move: another order", repr(after))
    return found


_OTHER_LINES = re.compile("[\x85\u2028\u2029]")
"""They end a line in YAML 1.1 only: of what is a comment then, nobody can say whose it is."""


def _keeps_comments(it: Opened, edit: Operation, before: bytes, after: bytes, counts: Counter[str]) -> None:
    """Let the judge look for comments, where it reads these texts as untorn does."""
    try:
        old, new = (read(data, it.form, documents=it.documents) for data in (before, after))
        whole_document = it.documents and len(edit.path) == 1
        if whole_document or _OTHER_LINES.search(it.doc.text) or not same(old.value, plain(it.value)):
            return
        lost = lost_comment(old, settled(it.value, edit), new)
    except (RefusedError, NowhereError, LookupError, AssertionError, ValueError, TypeError):
        return  # the judge is for real files; the texts here are not
    counts["edits whose comments were compared"] += 1
    if lost:
        raise WrongError(f"{edit.kind}: a comment is lost", f"{lost!r}\n{after!r}")


# ── Values ────────────────────────────────────────────────────────────────────


def dumped(form: Format, value: object, counts: Counter[str]) -> None:
    """Write a value as a new text: it comes back as it is, or is refused."""
    counts["values"] += 1
    try:
        with _guarded("dumps"):
            text = untorn.dumps(value, format=form)
    except (untorn.UnrepresentableError, untorn.LimitError):
        counts["values refused"] += 1
        return
    except untorn.UntornError as error:
        raise WrongError(f"dumps: {type(error).__name__}", str(error)) from error
    try:
        with _guarded("dumps: read again"):
            found = _loads(form, text, documents=False)
    except untorn.UntornError as error:
        raise WrongError("dumps: cannot be read again", f"{error}\n{text!r}") from error
    if not same(plain(value), plain(found)):
        raise WrongError("dumps: another value", f"{differences(plain(value), plain(found))}\n{text!r}")
