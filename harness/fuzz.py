"""Random texts, edits and values: ``python -m harness.fuzz [--seconds N] [--format F] [--seed N]``.

Only errors of untorn's own may escape, in bounded time; a text has the value that an
independent parser finds and is written unchanged byte for byte; an edit makes of the value
what it makes of plain data, and loses no comment; a new value comes back, or is refused.
The exit status is 1 if anything else was seen. Each example has a number: ``--example N``
with the same seed and format makes it again.
"""

from __future__ import annotations

import argparse
import math
import sys
import time
from collections import Counter
from dataclasses import dataclass, field
from functools import partial
from itertools import count
from random import Random
from typing import TYPE_CHECKING, Any

from harness.fuzz_checks import WrongError, dumped, edited, opened
from harness.fuzz_edits import operation, value
from harness.fuzz_texts import FORMATS, text_for

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Iterator

    from harness.oracle import Operation
    from harness.oracle.source import Format

_LIVES = 3  # documents made of one text
_EDITS = 3  # of one document, one after the other
_ATTEMPTS = 2000  # to make a text shorter


def main() -> int:
    """Fuzz from the command line."""
    parser = argparse.ArgumentParser(prog="python -m harness.fuzz", description=__doc__)
    parser.add_argument("--seconds", type=float, default=60, help="how long (default: 60)")
    parser.add_argument("--format", action="append", choices=FORMATS, help="only this one")
    parser.add_argument(
        "--seed", type=int, default=None, help="where the examples come from (default: the time)"
    )
    parser.add_argument("--example", type=int, help="only the example with this number")
    parser.add_argument("--examples", type=int, help="that many of each format, however long it takes")
    arguments = parser.parse_args()
    seed = time.time_ns() % 1_000_000 if arguments.seed is None else arguments.seed
    numbers: Iterable[int] = count() if arguments.example is None else [arguments.example]
    if arguments.examples is not None:
        numbers, arguments.seconds = range(arguments.examples), math.inf
    run = Run(seed, tuple(arguments.format or FORMATS))
    start = time.monotonic()
    for number in numbers:
        if time.monotonic() - start > arguments.seconds:
            break
        run.example(number)
    print(f"seed {seed}, {time.monotonic() - start:.0f} s")
    for form in run.forms:
        print(
            f"{form}: " + ", ".join(f"{what.strip()} {times:,}" for what, times in run.counts[form].items())
        )
    print(f"{len(run.failures)} classes of failures")
    return int(bool(run.failures))


@dataclass
class Run:
    """Examples by their numbers, of one format after the other.

    Attributes:
        seed: Where they come from.
        forms: The formats.
        counts: What was done, by format.
        failures: How often each class of failures was seen.
    """

    seed: int
    forms: tuple[Format, ...]
    counts: dict[str, Counter[str]] = field(init=False)
    failures: Counter[str] = field(default_factory=Counter)

    def __post_init__(self) -> None:
        self.counts = {form: Counter() for form in self.forms}

    def example(self, number: int) -> None:
        """Make one example of each format, and print what is wrong with it if nothing like it was seen."""
        for form in self.forms:
            # A generator of its own: an example is the same whatever was made before it.
            dice = Random(f"{self.seed} {form} {number}")
            for failure in failures_of(form, dice, self.counts[form]):
                name = f"{form}: {failure.wrong.promise}"
                self.failures[name] += 1
                if self.failures[name] == 1:
                    print(f"── {name}\n--seed {self.seed} --format {form} --example {number}")
                    print(f"{shortened(failure)}\n", flush=True)


@dataclass
class Failure:
    """What is wrong, and how to see it again.

    Attributes:
        wrong: What is wrong.
        text: With which text; empty for a new value.
        parts: The edits made of it, or the one value.
        again: Does the same with another text and other parts; raises what is wrong with them.
    """

    wrong: WrongError
    text: str | bytes
    parts: list[Any]
    again: Callable[[str | bytes, list[Any]], None]


def failures_of(form: Format, dice: Random, counts: Counter[str]) -> Iterator[Failure]:
    """Try one text, a few edits of it, and one new value."""
    text = text_for(form, dice)
    for _ in range(_LIVES):
        edits: list[Operation] = []
        try:
            if not lived(form, text, edits, counts, dice):
                break
        except WrongError as wrong:
            yield Failure(wrong, text, edits, partial(relived, form))
            if not edits:
                break
    new = value(dice)
    try:
        dumped(form, new, counts)
    except WrongError as wrong:
        yield Failure(wrong, "", [new], lambda _, parts: dumped(form, parts[0], Counter()))


def lived(
    form: Format, text: str | bytes, edits: list[Operation], counts: Counter[str], dice: Random
) -> bool:
    """Open a text and edit it; the edits are noted in ``edits``. Returns whether the text can be read."""
    it = opened(form, text, counts)
    if it is None:
        return False
    for _ in range(_EDITS):
        edits.append(operation(it.value, dice))
        edited(it, edits[-1], counts)
    return True


def relived(form: Format, text: str | bytes, edits: list[Operation]) -> None:
    """Open a text and make known edits of it."""
    it = opened(form, text, Counter())
    if it is not None:
        for edit in edits:
            edited(it, edit, Counter())


# ── Shorter ───────────────────────────────────────────────────────────────────


def shortened(failure: Failure) -> str:
    """Return what fails, with the fewest edits and the shortest text found that fail in the same way."""
    attempts = iter(range(_ATTEMPTS))

    def fails(text: str | bytes, parts: list[Any]) -> bool:
        if next(attempts, None) is None:
            return False
        try:
            failure.again(text, parts)
        except WrongError as wrong:
            if wrong.promise == failure.wrong.promise:
                failure.wrong = wrong
                return True
        return False

    text, parts = failure.text, failure.parts
    if isinstance(text, bytes) and text:
        data = text  # for the functions below, whose argument has one type
        parts = without(parts, lambda some: fails(data, some))
        lines = without(data.splitlines(keepends=True), lambda some: fails(b"".join(some), parts))
        data = b"".join(lines)
        letters = [data[at : at + 1] for at in range(len(data))]
        text = b"".join(without(letters, lambda some: fails(b"".join(some), parts)))
    made = "\n  ".join(f"{part!r:.2000}" for part in parts)
    return f"text: {text!r}\nwith: {made}\n{failure.wrong.detail:.2000}"


def without(parts: list[Any], fails: Callable[[list[Any]], bool]) -> list[Any]:
    """Return as few of ``parts`` as can be found, of runs of halving length, that still fail."""
    length = max(len(parts) // 2, 1)
    while length:
        start = 0
        while start < len(parts):
            fewer = parts[:start] + parts[start + length :]
            if fails(fewer):
                parts = fewer
            else:
                start += length
        length //= 2
    return parts


if __name__ == "__main__":
    sys.exit(main())
