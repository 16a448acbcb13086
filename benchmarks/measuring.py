"""Interleaved measurements: A B C, B C A, …: what else the machine does strikes all alike.

Absolute times of a shared machine mean nothing, so everything is printed as a
ratio to a subject that was measured in the same rounds.
"""

from __future__ import annotations

import statistics
import time
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Samples = dict[str, list[float]]
"""For each subject's name its seconds a call, one a round."""


@dataclass(frozen=True)
class Subject:
    """What is measured.

    Attributes:
        name: As the table shows it.
        call: Does it once; its argument is a number that was not given before,
            so that each save can change something.
        goal: How many times the base it may take at most, where that is a goal.
        note: What the reader should know beside the figure.
        times_itself: Whether ``call`` returns its own seconds (another process does it).
    """

    name: str
    call: Callable[[int], object]
    goal: float | None = None
    note: str = ""
    times_itself: bool = False

    def seconds(self, number: int, calls: int) -> float:
        """Return how long a call takes, as the mean of ``calls`` in a row."""
        started = time.perf_counter()
        own = [self.call(number + each) for each in range(calls)]
        spent = time.perf_counter() - started
        return (sum(own) if self.times_itself else spent) / calls  # type: ignore[arg-type]


def interleaved(subjects: Sequence[Subject], *, rounds: int, calls: int = 1) -> Samples:
    """Measure all ``subjects`` in turn, ``rounds`` times, each round beginning with another one.

    Args:
        subjects: What is measured; each is called once before, unmeasured.
        rounds: How many samples each gets.
        calls: How many calls in a row make one sample, for those that take microseconds.
    """
    number = 0
    samples: Samples = {subject.name: [] for subject in subjects}
    for nth in range(-1, rounds):
        first = nth % len(subjects)
        for subject in [*subjects[first:], *subjects[:first]]:
            spent = subject.seconds(number, calls)
            number += calls
            if nth >= 0:
                samples[subject.name].append(spent)
    return samples


@dataclass(frozen=True)
class Ratio:
    """How one subject compares with the base: the median of the rounds' ratios, and their quartiles."""

    low: float
    median: float
    high: float

    def __str__(self) -> str:
        return f"{self.median:6.2f} ({self.low:.2f} - {self.high:.2f})"


def ratio(samples: Sequence[float], base: Sequence[float]) -> Ratio:
    """Compare each sample with the base's of the same round."""
    each = [one / other for one, other in zip(samples, base, strict=True)]
    if len(each) == 1:
        return Ratio(each[0], each[0], each[0])
    low, median, high = statistics.quantiles(each, n=4, method="inclusive")
    return Ratio(low, median, high)


def print_table(
    title: str, subjects: Sequence[Subject], samples: Mapping[str, list[float]], base: Sequence[float]
) -> None:
    """Print what was measured as ratios to ``base``."""
    print(f"\n## {title}\n")
    print(f"{'':44} {'median':>10}   {'ratio (quartiles)':20}   goal")
    for subject in subjects:
        spent = samples[subject.name]
        against = str(ratio(spent, base))
        goal = f"{subject.goal:.2f}" if subject.goal else ""
        micro = f"{statistics.median(spent) * 1e6:,.0f} us"
        print(f"{subject.name:44} {micro:>10}   {against:20}   {goal:5} {subject.note}".rstrip())


def compare(title: str, subjects: Sequence[Subject], *, rounds: int, calls: int = 1) -> Samples:
    """Measure ``subjects`` and print them as ratios to the first."""
    samples = interleaved(subjects, rounds=rounds, calls=calls)
    print_table(f"{title} ({rounds} rounds)", subjects, samples, samples[subjects[0].name])
    return samples
