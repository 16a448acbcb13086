"""Loads and one-value edits beside the parsers that they stand on, and beside other editors.

Run it where untorn can be imported::

    python benchmarks/edits.py                      # everything; most of an hour
    python benchmarks/edits.py --quick              # up to 50 KB, small shapes; two minutes
    python benchmarks/edits.py --only growth --no-peers

An edit goes from bytes to bytes that are proved: parse, find, splice, parse
again, compare. What the others do ends with the text, and proves nothing.
"""

from __future__ import annotations

import argparse
import json
import math
import time
import tomllib
from contextlib import contextmanager
from typing import TYPE_CHECKING
from unittest import mock

import yaml
from documents import SHAPES, SIZES, TEXTS, Text
from editors import all_editors
from measuring import Subject, interleaved, print_table
from ruamel.yaml import YAML

import untorn
from untorn.serializers._yaml import libyaml

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping, Sequence

    from editors import Editor

    Editors = Mapping[str, Mapping[str, Editor]]

BASE_OF_EDIT = {"toml": "tomlkit", "yaml": "ruamel.yaml, round trip"}
GOAL_OF_EDIT = {"json": 2.3, "jsonc": 9.0, "toml": 0.18, "yaml": 0.03}
GOAL_OF_LOAD = {"json": 1.5, "toml": 1.1}


def measured(title: str, subjects: Sequence[Subject], seconds: float) -> None:
    """Measure ``subjects`` for about so many seconds, at most 61 rounds, and print them beside the first."""
    began = time.perf_counter()
    for subject in subjects:
        subject.call(0)
    once = time.perf_counter() - began
    rounds = max(1, min(61, int(seconds / once)))
    samples = interleaved(subjects, rounds=rounds)
    print_table(f"{title} ({rounds} rounds)", subjects, samples, samples[subjects[0].name])


# ── Loads ───────────────────────────────────────────────────────────────────


def _ruamel_safe(data: bytes) -> object:
    return YAML(typ="safe", pure=True).load(data.decode())


PARSERS: dict[str, tuple[str, Callable[[bytes], object]]] = {
    "json": ("json.loads", lambda data: json.loads(data.decode())),
    "toml": ("tomllib", lambda data: tomllib.loads(data.decode())),
}


@contextmanager
def in_python() -> Iterator[None]:
    """Read YAML as if the extra ``fast`` were not installed."""
    with mock.patch.object(libyaml, "_parser", return_value=None):
        yield


def load_in_python(data: bytes) -> None:
    """Load YAML without libyaml."""
    with in_python():
        untorn.loads(data, format="yaml")


def load_yaml(size: str, seconds: float) -> None:
    """Print what a load of YAML costs, with libyaml and without."""
    data = TEXTS["yaml"](SIZES[size]).text.encode()
    text = data.decode()
    in_c = [
        Subject("PyYAML, CSafeLoader", lambda _number: yaml.load(text, yaml.CSafeLoader)),
        Subject("untorn.loads, with libyaml", lambda _number: untorn.loads(data, format="yaml"), goal=0.2),
    ]
    measured(f"load, YAML of {size}, in C", in_c, seconds)
    in_pure_python = [
        Subject("ruamel.yaml, safe, pure", lambda _number: _ruamel_safe(data)),
        Subject("untorn.loads, without", lambda _number: load_in_python(data), goal=1.0),
    ]
    measured(f"load, YAML of {size}, in Python", in_pure_python, seconds)


def load(size: str, seconds: float) -> None:
    """Print what a load costs beside the parser below it."""
    load_yaml(size, seconds)
    for form, (name, parse) in PARSERS.items():
        data = TEXTS[form](SIZES[size]).text.encode()
        subjects = [
            Subject(name, lambda _number, parse=parse, data=data: parse(data)),  # type: ignore[misc]
            Subject(
                "untorn.loads",
                lambda _number, form=form, data=data: untorn.loads(data, format=form),  # type: ignore[misc]
                goal=GOAL_OF_LOAD[form],
            ),
        ]
        measured(f"load, {form.upper()} of {size}", subjects, seconds)


# ── Edits ───────────────────────────────────────────────────────────────────


def edited(text: Text, data: bytes, number: int) -> bytes:
    """Return the bytes with another number at the text's path, proved."""
    document = untorn.parse(data, format=text.format)
    document.set(text.path, number + 1_000_000)
    return document.to_bytes()


def base_of(text: Text, editors: Mapping[str, Editor]) -> Subject | None:
    """Return what an edit is measured by: the editor of its format, or one ``json.loads``."""
    name = BASE_OF_EDIT.get(text.format)
    if name is None:
        plain = json.dumps(untorn.loads(text.text, format=text.format), indent=2)
        return Subject("json.loads", lambda _number: json.loads(plain), note="without comments")
    if name not in editors:
        return None
    return Subject(name, lambda number: editors[name](text, number))


def subjects_of(text: Text, editors: Mapping[str, Editor]) -> list[Subject]:
    """Return what an edit is measured by, untorn's own, and all others."""
    base = base_of(text, editors)
    others = [
        Subject(
            name,
            lambda number, editor=editor: editor(text, number),  # type: ignore[misc]
            times_itself=name.startswith("npm"),
        )
        for name, editor in editors.items()
        if base is None or name != base.name
    ]
    pure = [edit_in_python(text)] if text.format == "yaml" else []
    return [*([base] if base else []), own_edit(text), *pure, *[each for each in others if works(each)]]


def works(subject: Subject) -> bool:
    """Return whether a peer can do this edit at all; say so if not."""
    try:
        subject.call(0)
    except Exception as error:  # noqa: BLE001  whatever another library raises
        print(f"skipped: {subject.name}: {type(error).__name__}: {str(error)[:100]}")
        return False
    return True


def edit(size: str, editors: Editors, seconds: float) -> None:
    """Print what a change of one value costs."""
    for form, text_of in TEXTS.items():
        text = text_of(SIZES[size])
        measured(f"edit, {form.upper()} of {size}", subjects_of(text, editors[form]), seconds)


# ── Growth ──────────────────────────────────────────────────────────────────


FEW, MANY = 3, 30


def fastest(call: Callable[[int], object], seconds: float) -> float:
    """Return the least time of a call, from at least three and at most 30 of them."""
    times: list[float] = []
    while len(times) < MANY and (len(times) < FEW or sum(times) < seconds):
        began = time.perf_counter()
        call(len(times))
        times.append(time.perf_counter() - began)
    return min(times)


def exponent(small: float, large: float, factor: float) -> float:
    """Return with which power of the size a time grows."""
    return math.log(large / small) / math.log(factor)


def growth(editors: Editors, seconds: float, part: float = 1.0) -> None:
    """Print, for each difficult shape, the time of an edit and how it grows from a quarter of the size on."""
    print(
        f"\n## growth of an edit (goal: exponent at most 1.15)\n\n{'':38} {'bytes':>9} {'time':>9} exponent"
    )
    for name, (full, text_of) in SHAPES.items():
        small, large = (text_of(max(int(full * part) // each, 8)) for each in (4, 1))
        own = [own_edit(text) for text in (small, large)]
        print_growth(name, small, large, own, seconds)
        bases = [base_of(text, editors[text.format]) for text in (small, large)]
        if large.format in BASE_OF_EDIT and None not in bases:
            print_growth(f"  {BASE_OF_EDIT[large.format]}", small, large, bases, 0)


def own_edit(text: Text) -> Subject:
    """Return untorn's edit of a text."""
    data = text.text.encode()
    return Subject("untorn", lambda number: edited(text, data, number), goal=GOAL_OF_EDIT[text.format])


def edit_in_python(text: Text) -> Subject:
    """Return untorn's edit of a YAML text without libyaml."""
    data = text.text.encode()

    def edit(number: int) -> None:
        with in_python():
            edited(text, data, number)

    return Subject("untorn, without libyaml", edit, goal=1.0)


def print_growth(
    name: str, small: Text, large: Text, subjects: Sequence[Subject | None], seconds: float
) -> None:
    """Print the time for the large text, and the exponent."""
    times = [fastest(subject.call, seconds) for subject in subjects if subject]
    grows = exponent(times[0], times[1], len(large.text) / len(small.text))
    print(f"{name:38} {len(large.text):>9,} {times[1] * 1e3:>6,.0f} ms {grows:>7.2f}")


# ── The whole ───────────────────────────────────────────────────────────────

SECTIONS = ("load", "edit", "growth")


def arguments() -> argparse.Namespace:
    """Return what was asked for."""
    parser = argparse.ArgumentParser(description="Loads and edits beside parsers and other editors.")
    parser.add_argument("--quick", action="store_true", help="up to 50 KB, a tenth of each shape")
    parser.add_argument("--seconds", type=float, help="about how long each table may take")
    parser.add_argument("--size", choices=SIZES, action="append", help="one size; repeatable")
    parser.add_argument("--no-peers", dest="peers", action="store_false", help="only what is installed")
    parser.add_argument("--only", choices=SECTIONS, action="append", help="one part of it; repeatable")
    return parser.parse_args()


def main() -> None:
    """Measure what was asked for."""
    asked = arguments()
    only = asked.only or SECTIONS
    sizes = asked.size or (["2 KB", "50 KB"] if asked.quick else list(SIZES))
    seconds = asked.seconds or (2.0 if asked.quick else 20.0)
    with all_editors(wanted=asked.peers) as editors:
        for size in sizes:
            if "load" in only:
                load(size, seconds)
            if "edit" in only:
                edit(size, editors, seconds)
        if "growth" in only:
            growth(editors, seconds / 10, part=0.1 if asked.quick else 1.0)


if __name__ == "__main__":
    main()
