"""Every place of ``evidence.places``, in a process and with mounts of its own; the sentence is its name."""

from __future__ import annotations

import pytest

from evidence.hostile.ground import PLACES, Ground, Place, visited
from evidence.places import PARTS, SLOW
from evidence.targets import Unsupported

# What untorn still gets wrong.
BROKEN: dict[str, str] = {}


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(
            name, marks=pytest.mark.xfail(strict=True, reason=BROKEN[name]) if name in BROKEN else ()
        )
        for name in PLACES
        if name not in SLOW
    ],
)
def test_in_this_place_it_holds_that(name: str) -> None:
    visit = visited(PLACES[name])
    if visit.lacking:
        pytest.skip(visit.lacking)
    assert not visit.broken
    assert visit.tried


def test_every_part_has_places() -> None:
    parts = {place.visit.__module__ for place in PLACES.values()}
    assert parts == {part.__name__ for part in PARTS}


def broken(_ground: Ground) -> None:
    raise AssertionError("the file is gone")


def lacking(ground: Ground) -> None:
    ground.count()
    raise Unsupported("no such disk")


def hanging(ground: Ground) -> None:
    ground.end_after(1)
    while True:
        pass


@pytest.mark.parametrize(
    ("visit", "said"),
    [(broken, ("AssertionError: the file is gone", "")), (lacking, ("", "no such disk"))],
)
def test_what_a_place_breaks_or_lacks_is_told(visit, said: tuple[str, str]) -> None:  # noqa: ANN001
    found = visited(Place("this", visit))
    assert (found.broken, found.lacking) == said


def test_a_place_that_hangs_is_broken() -> None:
    assert "hang" in visited(Place("this", hanging)).broken
