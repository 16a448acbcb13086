"""Bugs that are put in on purpose: in splicing and locating the proof catches them, in parsing the judge."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pytest

import untorn
from harness.corpus import real_file
from harness.editor import Untorn
from harness.trial import WRONG, try_file
from untorn import formats
from untorn.edits import TextEdit
from untorn.errors import ProofError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from harness.oracle.source import Format
    from untorn.serializer import PatchingSerializer
    from untorn.values import Value

TEXTS: dict[Format, str] = {
    "json": '{\n  "a": 11,\n  "b": {"c": 12, "d": "x"},\n  "e": [1, 2, 3],\n  "f": 11\n}\n',
    "jsonc": '{\n  // why\n  "a": 11,\n  "b": {"c": 12, "d": "x"},\n  "e": [1, 2, 3],\n  "f": 11,\n}\n',
    "toml": 'a = 11 # how\ne = [1, 2, 3]\nf = 11\n\n[b]\nc = 12\nd = "x"\n',
    "yaml": "a: 11 # how\nb:\n  c: 12\n  d: x\ne:\n  - 1\n  - 2\n  - 3\nf: 11\n",
}

OPERATIONS: dict[str, Callable[[untorn.Document], None]] = {
    "set": lambda doc: doc.set("b.c", 99),
    "set text": lambda doc: doc.set("b.d", "new"),
    "add": lambda doc: doc.set("b.new", 7),
    "delete": lambda doc: doc.delete("b.c"),
    "delete item": lambda doc: doc.delete("e[1]"),
    "append": lambda doc: doc.append("e", 4),
    "insert": lambda doc: doc.insert("e", 0, 0),
    "rename": lambda doc: doc.rename("b.c", "renamed"),
}


def moved(by: int) -> Callable[[TextEdit, str], TextEdit]:
    return lambda edit, text: TextEdit(
        min(max(edit.start + by, 0), len(text)), min(max(edit.stop + by, 0), len(text)), edit.new
    )


# Each takes one right edit and the text, and returns a wrong one.
BUGS: dict[str, Callable[[TextEdit, str], TextEdit]] = {
    "located one too early": moved(-1),
    "located one too late": moved(1),
    "located at another entry": moved(-9),
    "span begins too late": lambda edit, _: TextEdit(min(edit.start + 1, edit.stop), edit.stop, edit.new),
    "span ends too early": lambda edit, _: TextEdit(edit.start, max(edit.stop - 1, edit.start), edit.new),
    "span ends too late": lambda edit, text: TextEdit(edit.start, min(edit.stop + 1, len(text)), edit.new),
    "nothing is removed": lambda edit, _: TextEdit(edit.start, edit.start, edit.new),
    "nothing is written": lambda edit, _: TextEdit(edit.start, edit.stop, ""),
    "written twice": lambda edit, _: TextEdit(edit.start, edit.stop, edit.new * 2),
    "cut short": lambda edit, _: TextEdit(edit.start, edit.stop, edit.new[: len(edit.new) // 2]),
    "another letter": lambda edit, _: TextEdit(edit.start, edit.stop, edit.new.translate({57: 56, 119: 118})),
    "everything goes": lambda edit, text: TextEdit(0, len(text), edit.new),
}


@pytest.mark.parametrize("bug", BUGS)
@pytest.mark.parametrize("format", TEXTS)
def test_no_bug_in_splicing_or_locating_gets_past_the_proof(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: Format, bug: str
) -> None:
    """A wrong edit is refused, or happens to say exactly what was asked for."""
    serializer: PatchingSerializer = formats.built_in(format)  # type: ignore[assignment]  # those in the box patch
    right = type(serializer).patch
    path = tmp_path / f"x.{format}"
    caught = 0

    def patch(self: PatchingSerializer, text: str, operations: Any) -> list[TextEdit]:
        edits = sorted(right(self, text, operations))
        return [BUGS[bug](edit, text) for edit in edits[:1]] + edits[1:]

    for operation in OPERATIONS.values():
        path.write_text(TEXTS[format])
        fine = untorn.parse(TEXTS[format], format=format)
        operation(fine)
        with monkeypatch.context() as patched:
            patched.setattr(type(serializer), "patch", patch)
            doc = untorn.open(path)
            try:
                operation(doc)
                doc.save()
            except (ProofError, ValueError):
                caught += 1
                assert path.read_text() == TEXTS[format]
                continue
        assert untorn.load(path) == fine.value
    assert caught >= len(OPERATIONS) // 3


def changed(value: Value, change: Callable[[Value], Value]) -> Value:
    """Apply ``change`` to every scalar of a value."""
    if isinstance(value, dict):
        return {key: changed(item, change) for key, item in value.items()}
    if isinstance(value, list):
        return [changed(item, change) for item in value]
    return change(value)


# Each is a parser's bug, as what it makes of a right value.
PARSE_BUGS: dict[str, Callable[[Value], Value]] = {
    "integers become floats": lambda value: changed(value, lambda x: float(x) if type(x) is int else x),
    "one becomes true": lambda value: changed(value, lambda x: True if x == 1 else x),
    "numbers become text": lambda value: changed(value, lambda x: str(x) if type(x) is int else x),
    "text is stripped": lambda value: changed(value, lambda x: x[:-1] if isinstance(x, str) else x),
    "the last key is lost": lambda value: dict(list(value.items())[:-1]),
    "the last item is lost": lambda value: {**value, "e": value["e"][:-1]},
    "items change places": lambda value: {**value, "e": value["e"][::-1]},
    "a list becomes a mapping": lambda value: {**value, "e": dict(enumerate(value["e"]))},
    "an empty value appears": lambda value: {**value, "z": None},
}


@pytest.mark.parametrize("bug", PARSE_BUGS)
@pytest.mark.parametrize("format", TEXTS)
def test_no_bug_in_parsing_gets_past_the_judge(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, format: Format, bug: str
) -> None:
    """The proof parses with the same parser and cannot see these: the harness's own parsers can."""
    serializer = type(formats.built_in(format))
    name = "parse_all" if hasattr(serializer, "parse_all") else "parse"
    right = getattr(serializer, name)

    def parse(self: object, text: str) -> Value:
        value = right(self, text)
        return [PARSE_BUGS[bug](each) for each in value] if name == "parse_all" else PARSE_BUGS[bug](value)

    file = real_file(format, "made-up-1.0", f"x.{format}", TEXTS[format].encode())
    [fine, *_] = try_file(file, Untorn(), tmp_path)
    assert fine.verdict == "ok"
    monkeypatch.setattr(serializer, name, parse)
    [outcome] = try_file(file, Untorn(), tmp_path)
    assert outcome.verdict == WRONG
