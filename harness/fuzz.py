"""Broken and odd texts, and random edits of those that can be read: ``python -m harness.fuzz``.

Only errors of untorn may escape; what is read has the value that another parser
finds, where that one accepts it too; a text without an edit stays as it is; an edit
gives what the same operation makes of plain data, or a refusal. A ``ProofError`` is a
failure too: it means that a splicer was wrong, though no file would have been.

The exit status is 1 if anything failed. A failure prints its text, as short as it
could be made, and what was asked; the same seed finds it again.
"""

from __future__ import annotations

import argparse
import copy
import io
import json
import random
import sys
import time
import tomllib
from collections import Counter
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime
from typing import TYPE_CHECKING, Any

from ruamel.yaml import YAML

import untorn
from harness.cases import CASES
from harness.corpus import FORMATS

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

    from harness.oracle.source import Format
    from untorn import Value

# ── Texts ───────────────────────────────────────────────────────────────────

ODD = ["\n", "\r\n", "\r", "\t", " ", "  ", "\ufeff", "\x00", "\x85", "\u2028", "é", "\ud800", "\U0001f600"]
TOKENS: dict[Format, list[str]] = {
    "json": [*'{}[],:"', "null", "true", "1", "-0.0", "1e400", '"a"', "\\u0041", "\\ud800", "NaN", *ODD],
    "jsonc": [*'{}[],:"', "// c\n", "/* c */", "/*", "null", "1", '"a"', " ,", *ODD],
    "toml": [
        *"[]{}=.,\"'#", "[[a]]\n", "[a.b]\n", "a.b = 1\n", "# c\n", '"""', "'''", "1979-05-27", "07:32:00Z",
        "inf", "0x1F", "1_0", "a = [\n", *ODD,
    ],
    "yaml": [
        *"-:?#&*!|>{}[],\"'%@`", "- ", "a: ", "# c\n", "---\n", "...\n", "&a ", "*a", "<<: *a", "!!str ",
        "!x ", "|\n", ">-\n", "|2-\n", "? ", ": ", "~", "null", "%YAML 1.2\n", "0o7", ".inf", "1:30", *ODD,
    ],
}  # fmt: skip


def seeds() -> dict[Format, list[str]]:
    """The texts that the mutations begin with: those of the difficult edits."""
    return {form: [case.before for case in CASES if case.form == form] for form in FORMATS}


def mutated(form: Format, texts: list[str], rng: random.Random) -> str:
    """A text with a few random changes."""
    text = rng.choice(texts)
    for _ in range(rng.choice((0, 1, 1, 2, 3, 6))):
        text = rng.choice(MUTATIONS)(text, form, texts, rng)
    if rng.random() < 0.1:
        text = text.replace("\r\n", "\n").replace("\n", "\r\n")
    return text.rstrip("\n") if rng.random() < 0.1 else text


def _span(text: str, rng: random.Random) -> tuple[int, int]:
    start = rng.randrange(len(text) + 1)
    return start, min(len(text), start + rng.choice((1, 1, 2, 5, 12)))


def _cut(text: str, _form: Format, _texts: list[str], rng: random.Random) -> str:
    start, stop = _span(text, rng)
    return text[:start] + text[stop:]


def _put(text: str, form: Format, _texts: list[str], rng: random.Random) -> str:
    start, _ = _span(text, rng)
    return text[:start] + rng.choice(TOKENS[form]) + text[start:]


def _double(text: str, _form: Format, _texts: list[str], rng: random.Random) -> str:
    start, stop = _span(text, rng)
    return text[:start] + text[start:stop] * 2 + text[stop:]


def _splice(text: str, _form: Format, texts: list[str], rng: random.Random) -> str:
    start, _ = _span(text, rng)
    other = rng.choice(texts)
    begin = rng.randrange(len(other) + 1)
    return text[:start] + other[begin : begin + rng.choice((3, 10, 40))] + text[start:]


def _swap_lines(text: str, _form: Format, _texts: list[str], rng: random.Random) -> str:
    lines = text.splitlines(keepends=True)
    if lines:
        one, other = rng.randrange(len(lines)), rng.randrange(len(lines))
        lines[one], lines[other] = lines[other], lines[one]
    return "".join(lines)


MUTATIONS: list[Callable[[str, Format, list[str], random.Random], str]] = [
    _cut, _put, _double, _splice, _swap_lines,
]  # fmt: skip

# ── Operations ──────────────────────────────────────────────────────────────

VALUES: list[Any] = [
    1, "x", "", True, False, 0.5, -0.0, 1e22, float("nan"), "a b", "no", "1", "- x", "# y", "a\nb\n", "\n",
    "é\u2028", "\x85", "\x00", "\udc80", [], {}, [1, "b"], {"k": 1}, {"k": {"z": [1, {}]}}, [[1], [2]],
    None, -1, 10**20, 2**70, '"', "'", "a: b", " lead", "trail ", "\t", "{", "[x", "*/", "/*", "//",
    {"a b": 1, "c.d": "#"}, {"": 0}, "y" * 200, date(2020, 1, 2), datetime(2020, 1, 2, 3, 4, tzinfo=UTC),
    b"bytes", {1: 2}, {"t": {1, 2}}, untorn.Tagged("!x", "y"),
]  # fmt: skip
KEYS = ["new", "a b", "x.y", "1", "é", "", "#", "null", "k: v", "\n"]
COMMENTS = ["c", "c\nd", "", "noqa", "a = 1", "a: 1", "é", None]
INDEXES = [0, 1, 2, -1]

Path = tuple[Any, ...]


@dataclass(frozen=True)
class Asked:
    """One operation: a method of ``Document`` and what it is given."""

    method: str
    path: Path
    details: tuple[Any, ...] = ()
    keywords: dict[str, Any] = field(default_factory=dict)

    def do(self, document: untorn.Document) -> None:
        getattr(document, self.method)(self.path, *self.details, **self.keywords)


def asked(path: Path, rng: random.Random) -> Asked:
    """A random operation at a path that exists."""
    value, key, index = rng.choice(VALUES), rng.choice(KEYS), rng.choice(INDEXES)
    return rng.choice(
        [
            Asked("set", path, (value,)),
            Asked("set", path, (value,)),
            Asked("set", (*path, key), (value,)),
            Asked("append", path, (value,)),
            Asked("insert", path, (index, value)),
            Asked("delete", path),
            Asked("rename", path, (key,)),
            Asked("move", path, (index,)),
            Asked("set_comment", path, (), {"above": rng.choice(COMMENTS)}),
            Asked("set_comment", path, (), {"inline": rng.choice(COMMENTS)}),
        ]
    )


def made(value: Value, operation: Asked) -> Value:
    """The same on plain data, in a few lines of its own; ``value`` is changed in place if it can be."""
    path, details = operation.path, copy.deepcopy(operation.details)
    if operation.method == "set" and not path:
        return details[0]
    if operation.method == "set":
        return _set(value, path, details[0])
    if operation.method == "append":
        _look(value, path).append(details[0])
    elif operation.method == "insert":
        items = _look(value, path)
        items.insert(_at(items, details[0]), details[1])
    elif operation.method == "delete":
        del _look(value, path[:-1])[path[-1]]
    elif operation.method == "rename":
        holder = _look(value, path[:-1])
        items = [(details[0] if key == path[-1] else key, item) for key, item in holder.items()]
        holder.clear()
        holder.update(items)
    elif operation.method == "move" and isinstance(_look(value, path[:-1]), list):
        items = _look(value, path[:-1])
        item = items.pop(path[-1])
        items.insert(details[0] % (len(items) + 1), item)
    return value


def _look(value: Value, path: Path) -> Value:
    for part in path:
        value = value[part]
    return value


def _set(value: Value, path: Path, new: Value) -> Value:
    """Missing parents, and nulls on the way, become mappings; the place behind the last item is an append."""
    if not path:
        return new
    value = {} if value is None else value
    first, *rest = path
    if isinstance(value, list):
        value[first : first + 1] = [_set(value[first] if first < len(value) else None, tuple(rest), new)]
    else:
        value[first] = _set(value.get(first), tuple(rest), new)
    return value


def _at(items: list[Any], index: int) -> int:
    return index + len(items) if index < 0 else index


def paths(value: Value, path: Path = ()) -> list[Path]:
    """All key paths of a value."""
    found = [path]
    parts: Iterable[tuple[Any, Any]] = ()
    if isinstance(value, dict):
        parts = value.items()
    elif isinstance(value, list):
        parts = enumerate(value)
    for key, item in parts:
        found += paths(item, (*path, key))
    return found


# ── Checks ──────────────────────────────────────────────────────────────────


class Failed(Exception):  # noqa: N818  what the fuzzer looks for
    """Something that may not happen did."""


def read(text: str, form: Format) -> Value:
    """The value of a text; ``None`` and no value are told apart by ``Refused``.

    Raises:
        untorn.UntornError: It cannot be read, as it should be said.
        Failed: Another error, or another value than another parser finds.
    """
    try:
        value = untorn.loads(text, format=form)
    except untorn.UntornError:
        raise
    except Exception as error:
        raise Failed(f"load: {type(error).__name__}: {error}") from error
    other = elsewhere(text, form)
    if other is not _NOTHING and not untorn.same_value(value, other):
        raise Failed(f"read as {value!r:.200}, elsewhere as {other!r:.200}")
    return value


_NOTHING = object()
# Where ruamel.yaml and YAML 1.2 differ, or it has no such value: ``harness/suites_known.py`` lists them.
_NOT_COMPARED = set("\t_!&*<?%\ufeff\x85\u2028\r'\"|>")


def elsewhere(text: str, form: Format) -> Value:
    """What another parser reads, or nothing where it refuses or is known to differ."""
    try:
        if form == "json":
            return json.loads(text.removeprefix("\ufeff"))
        if form == "toml":
            return tomllib.loads(text.removeprefix("\ufeff"))
        if form == "yaml" and not _NOT_COMPARED & set(text) and ":" in text and "0" not in text:
            return YAML(typ="safe", pure=True).load(io.StringIO(text))
    except Exception:  # noqa: BLE001  what it refuses, or crashes on, says nothing
        return _NOTHING
    return _NOTHING


def check_text(text: str, form: Format) -> Value:
    """Read a text and make no edit."""
    value = read(text, form)
    try:
        same = untorn.parse(text, format=form).to_bytes() == text.encode("utf-8", "surrogatepass")
    except untorn.UnrepresentableError:
        return value  # half a character, which no file can hold
    except Exception as error:
        raise Failed(f"no edit: {type(error).__name__}: {error}") from error
    if not same:
        raise Failed("no edit changed bytes")
    return value


def check_edits(text: str, form: Format, operations: list[Asked]) -> Value:
    """Make edits, and return what became of the value.

    Raises:
        untorn.UntornError: One was refused.
        Failed: It should not have happened.
    """
    try:
        document = untorn.parse(text, format=form)
        wanted = untorn.loads(text, format=form)
        for operation in operations:
            operation.do(document)
            wanted = made(wanted, operation)
        result = document.to_bytes().decode("utf-8", "surrogatepass")
    except untorn.ProofError as error:
        raise Failed(f"ProofError: {error}") from error
    except untorn.UntornError:
        raise
    except Exception as error:
        raise Failed(f"{type(error).__name__}: {error}") from error
    found = read(result, form)
    if not untorn.same_value(found, wanted):
        raise Failed(f"became {found!r:.200} instead of {wanted!r:.200}")
    return found


# ── Running ─────────────────────────────────────────────────────────────────


@dataclass
class Report:
    """What was tried, and what failed."""

    counts: Counter[str] = field(default_factory=Counter)
    failures: dict[str, str] = field(default_factory=dict)


def fuzz(forms: tuple[Format, ...], seconds: float, seed: int) -> Report:
    """Try texts and edits until the time is over."""
    rng, report, end = random.Random(seed), Report(), time.monotonic() + seconds
    texts = seeds()
    while time.monotonic() < end:
        form = rng.choice(forms)
        one(form, mutated(form, texts[form], rng), rng, report)
    return report


@dataclass(frozen=True)
class Trial:
    """A text, and what is asked of it; nothing but to be read, if there are no operations."""

    form: Format
    text: str
    operations: list[Asked] = field(default_factory=list)

    def check(self) -> Value:
        """Check it; return the value that was read.

        Raises:
            untorn.UntornError: It was refused.
            Failed: Something that may not happen did.
        """
        if self.operations:
            return check_edits(self.text, self.form, self.operations)
        return check_text(self.text, self.form)


def one(form: Format, text: str, rng: random.Random, report: Report) -> None:
    """Try one text, and a few edits of it."""
    reading = Trial(form, text)
    report.counts[f"{form} texts"] += 1
    try:
        places = paths(reading.check())
    except untorn.UntornError:
        report.counts[f"{form} texts refused"] += 1
        return
    except Failed as failure:
        _note(report, reading, failure)
        return
    for _ in range(4):
        editing = Trial(form, text, [asked(rng.choice(places), rng) for _ in range(rng.choice((1, 1, 2, 3)))])
        report.counts[f"{form} edits"] += 1
        try:
            editing.check()
        except untorn.UntornError:
            report.counts[f"{form} edits refused"] += 1
        except Failed as failure:
            _note(report, editing, failure)


def _note(report: Report, trial: Trial, failure: Failed) -> None:
    methods = " ".join(each.method for each in trial.operations)
    kind = f"{trial.form} {methods}: {str(failure)[:40]}"
    report.counts["failures"] += 1
    if kind not in report.failures:
        short = shortened(trial)
        report.failures[kind] = f"{trial.form}: {failure}\n  text {short!r}\n  asked {trial.operations}"
        print(report.failures[kind], flush=True)


_SHORT = 400  # characters that are tried one by one


def shortened(trial: Trial) -> str:
    """The text without lines, and then characters, that the failure does not need."""
    text = _without_needless(trial.text.splitlines(keepends=True), trial)
    return _without_needless([*text[:_SHORT], text[_SHORT:]], trial)


def _without_needless(pieces: list[str], trial: Trial) -> str:
    at = 0
    while at < len(pieces):
        rest = pieces[:at] + pieces[at + 1 :]
        if _fails(replace(trial, text="".join(rest))):
            pieces = rest
        else:
            at += 1
    return "".join(pieces)


def _fails(trial: Trial) -> bool:
    try:
        trial.check()
    except Failed:
        return True
    except untorn.UntornError:
        return False
    return False


def main() -> int:
    """Run the fuzzer from the command line."""
    parser = argparse.ArgumentParser(prog="python -m harness.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60)
    parser.add_argument("--format", action="append", choices=FORMATS, help="only this one; may be repeated")
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    forms: tuple[Format, ...] = tuple(form for form in FORMATS if form in (arguments.format or FORMATS))
    report = fuzz(forms, arguments.seconds, arguments.seed)
    for what, count in sorted(report.counts.items()):
        print(f"{count:>9,}  {what}")
    print(f"{len(report.failures)} kinds of failure in {arguments.seconds:g} s, seed {arguments.seed}")
    return 1 if report.failures else 0


if __name__ == "__main__":
    sys.exit(main())
