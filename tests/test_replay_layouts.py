"""The replay in text: whatever the other side's file looks like, it stays so, but for what we change."""

from __future__ import annotations

import json
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

import untorn
from untorn.errors import ConflictError
from untorn.values import same_value

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

FORMATS = ("toml", "yaml", "jsonc", "json")
SIGN = {"toml": "#", "yaml": "#", "jsonc": "//"}

NUMBERS = st.integers(0, 3)
VALUES = st.one_of(
    NUMBERS,
    st.sampled_from(["on", "a # b", "it's // so", ""]),
    st.lists(NUMBERS, unique=True, max_size=4),
    st.dictionaries(st.sampled_from("xyz"), NUMBERS, min_size=1, max_size=3),
)


@dataclass(frozen=True)
class Entry:
    """A key with its value, and what stands around it."""

    key: str
    value: Any
    above: str = ""
    inline: str = ""
    blanks: int = 0
    one_line: bool = True


@dataclass(frozen=True)
class Look:
    """What a file looks like besides."""

    indent: str
    newline: str
    final: bool


COMMENTS = st.sampled_from(["", "", "why so", "see below: it matters", "TODO"])
LOOKS = st.builds(Look, st.sampled_from(["  ", "    "]), st.sampled_from(["\n", "\r\n"]), st.booleans())


@st.composite
def entries(draw: st.DrawFn) -> list[Entry]:
    keys = draw(st.lists(st.sampled_from("abcdef"), unique=True, min_size=1, max_size=5))
    return [draw(dressed(key, draw(VALUES))) for key in keys]


def dressed(key: str, value: Any) -> st.SearchStrategy[Entry]:
    return st.builds(
        Entry, st.just(key), st.just(value), COMMENTS, COMMENTS, st.integers(0, 2), st.booleans()
    )


@st.composite
def changed(draw: st.DrawFn, base: list[Entry]) -> list[Entry]:
    """Return what somebody else made of a file: other values, other comments, another order."""
    made = []
    for entry in base:
        what = draw(st.sampled_from(["same", "same", "value", "dress", "gone"]))
        if what == "value":
            made.append(draw(dressed(entry.key, draw(VALUES))))
        elif what == "dress":
            made.append(draw(dressed(entry.key, entry.value)))
        elif what == "same":
            made.append(entry)
    free = sorted(set("abcdef") - {each.key for each in base})
    made += (
        [
            draw(dressed(key, draw(VALUES)))
            for key in draw(st.lists(st.sampled_from(free), unique=True, max_size=2))
        ]
        if free
        else []
    )
    return draw(st.permutations(made))


# ── Texts ───────────────────────────────────────────────────────────────────


def text_of(made: Sequence[Entry], format: str, look: Look) -> str:
    ordered = sorted(made, key=lambda each: isinstance(each.value, dict)) if format == "toml" else made
    blocks = [block_of(each, format, look, last=each is ordered[-1]) for each in ordered]
    if format.startswith("json"):
        blocks = ["{\n", *blocks, "}\n"]
    text = "".join(blocks)
    return (text if look.final else text.removesuffix("\n")).replace("\n", look.newline)


def block_of(entry: Entry, format: str, look: Look, *, last: bool) -> str:
    """Return the lines of an entry, with its comments, in plain newlines."""
    margin = look.indent if format.startswith("json") else ""
    lines = lines_of(entry, format, look)
    if format.startswith("json") and not last:
        lines[-1] += ","
    if entry.inline and format in SIGN and len(lines) == 1:
        lines[0] += f"  {SIGN[format]} {entry.key}: {entry.inline}"
    if entry.above and format in SIGN:
        lines.insert(0, f"{SIGN[format]} {entry.key} {entry.above}")
    return "\n" * entry.blanks + "".join(f"{margin}{line}\n" for line in lines)


def lines_of(entry: Entry, format: str, look: Look) -> list[str]:
    key, value = entry.key, entry.value
    if format == "toml":
        if isinstance(value, dict):
            return [f"[{key}]", *(f"{name} = {each}" for name, each in value.items())]
        return [f"{key} = {json.dumps(value)}"]
    if format == "yaml":
        return yaml_lines(key, value, look, one_line=entry.one_line)
    written = json.dumps(value) if entry.one_line else json.dumps(value, indent=look.indent)
    return f'"{key}": {written}'.split("\n")


def yaml_lines(key: str, value: Any, look: Look, *, one_line: bool) -> list[str]:
    if not isinstance(value, (dict, list)) or one_line or not value:
        return [f"{key}: {json.dumps(value)}"]
    if isinstance(value, dict):
        return [f"{key}:", *(f"{look.indent}{name}: {each}" for name, each in value.items())]
    return [f"{key}:", *(f"{look.indent}- {each}" for each in value)]


def value_of(made: Sequence[Entry]) -> dict[str, Any]:
    return {each.key: each.value for each in made}


def naive(base: dict[str, Any], ours: dict[str, Any], theirs: dict[str, Any]) -> dict[str, Any] | None:
    """Merge by key; ``None`` where both changed one, which only a finer look can decide."""
    merged = {}
    for key in {*base, *ours, *theirs}:
        was, we, they = (side.get(key, ...) for side in (base, ours, theirs))
        if we in (was, they):
            chosen = they
        elif was == they:
            chosen = we
        else:
            return None
        if chosen is not ...:
            merged[key] = chosen
    return merged


# ── Properties ──────────────────────────────────────────────────────────────


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("replay")


SIDES = entries().flatmap(
    lambda base: st.tuples(st.just(base), changed(base), st.one_of(st.just(base), changed(base)))
)


@pytest.mark.parametrize("format", FORMATS)
@given(sides=SIDES, look=LOOKS, new_look=LOOKS)
def test_theirs_stays_as_it_looks_and_has_what_we_changed(
    place: Path, format: str, sides: tuple[list[Entry], list[Entry], list[Entry]], look: Look, new_look: Look
) -> None:
    base, theirs, made = sides
    assume(theirs or format != "yaml")  # an empty YAML text is null
    ours = value_of(made)
    path = place / f"app.{format}"
    path.write_bytes(text_of(base, format, look).encode())
    host = untorn.Host()
    value = host.load(path)
    text = text_of(theirs, format, new_look)
    path.write_bytes(text.encode())
    value.clear()
    value.update(ours)
    wanted = naive(value_of(base), ours, value_of(theirs))
    try:
        receipt = host.save(path, value)
    except ConflictError:
        assert wanted is None
        assert path.read_bytes() == text.encode()
        return
    found, now = path.read_bytes().decode(), host.load(path)
    if wanted is not None:
        assert same_value(now, wanted)
    if ours == value_of(base):
        assert found == text
        assert not receipt.changed
    touched = {key for key in {*ours, *value_of(base)} if ours.get(key, ...) != value_of(base).get(key, ...)}
    assert_kept(found, theirs, touched, format, new_look)


def assert_kept(found: str, theirs: Sequence[Entry], touched: set[str], format: str, look: Look) -> None:
    """The lines of what we have not touched are there, and the comments of all that is."""
    assert (look.newline == "\r\n") == ("\r\n" in found) or "\n" not in found
    assert found.replace("\r\n", "").count("\n") == (0 if look.newline == "\r\n" else found.count("\n"))
    plain = found.replace("\r\n", "\n")
    for each in theirs:
        lines = block_of(each, format, look, last=True).strip().split("\n")
        if each.key not in touched:
            for line in lines:  # but for the comma, which a last entry has not
                assert line.strip().rstrip(",") in plain.replace(",  //", "  //")


@pytest.mark.parametrize("format", FORMATS)
@given(base=entries(), look=LOOKS, data=st.data())
def test_two_savers_of_different_keys_make_the_same_file_in_either_order(
    place: Path, format: str, base: list[Entry], look: Look, data: st.DataObject
) -> None:
    assume(len(base) > 1)
    keys = data.draw(st.permutations([each.key for each in base]))[:2]
    changes = [(key, data.draw(VALUES)) for key in keys]
    path = place / f"both.{format}"
    texts = []
    for order in (changes, changes[::-1]):
        path.write_bytes(text_of(base, format, look).encode())
        savers = [(host, host.load(path)) for host in (untorn.Host(), untorn.Host())]
        for (host, value), (key, mine) in zip(savers, order, strict=True):
            value[key] = mine
            host.save(path, value)
        assert same_value(untorn.load(path), {**value_of(base), **dict(changes)})
        texts.append(path.read_bytes())
    # What becomes a list or a mapping takes its look from what there is by then.
    if all(isinstance(each, (int, str)) for key, new in changes for each in (value_of(base)[key], new)):
        assert texts[0] == texts[1]
