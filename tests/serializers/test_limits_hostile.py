"""Hostile text ends in a value or an error of untorn's own, in bounded time and memory; an edit, too."""

from __future__ import annotations

import json
import subprocess
import sys
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Callable

# The child reads its text, then may take 200 MB more than the interpreter has with untorn imported.
_CHILD = """
import json, resource, sys, time
if sys.argv[1:]:
    sys.modules["yaml._yaml"] = None  # the extra "fast" is not installed
import untorn
form, text, path = json.loads(sys.stdin.read())
for example in ("x = 1", "x: 1", '{"x": 1}'):
    try:
        untorn.parse(example, format=form).set(("y",), 2)
    except untorn.UntornError:
        pass
size = int(open("/proc/self/statm").read().split()[0]) * resource.getpagesize() + (200 << 20)
resource.setrlimit(resource.RLIMIT_AS, (size, size))
began = time.process_time()
def tried(step):
    try:
        step()
    except untorn.UntornError as error:
        return type(error).__name__
    return "done"
found = [tried(lambda: untorn.loads(text, format=form))]
middle = time.process_time()
def edit():
    doc = untorn.parse(text, format=form)
    doc.set(tuple(path), 1)
    doc.to_bytes()
found.append(tried(edit))
print(json.dumps([found, middle - began, time.process_time() - middle]))
"""

# Seconds of a processor; a busy machine with half the speed must not fail.
_SECONDS = 4.0

_BOMB = "".join(f"{chr(98 + n)}: &{chr(98 + n)} [{', '.join(['*' + chr(97 + n)] * 9)}]\n" for n in range(9))

SHAPES: dict[str, tuple[str, Callable[[], str]]] = {
    "toml-dotted-keys": ("toml", lambda: "".join(f"a.b.c.k{n} = {n}\n" for n in range(2500))),
    "toml-interleaved-tables": ("toml", lambda: "".join(f"[a.x{n}]\n[b.y{n}]\n" for n in range(1000))),
    "toml-one-key-of-20000-parts": ("toml", lambda: ".".join("a" * 20_000) + " = 1\n"),
    "toml-nested-brackets": ("toml", lambda: "a = " + "[" * 30_000),
    "toml-digits": ("toml", lambda: "a = " + "9" * 100_000),
    "yaml-merges": (
        "yaml",
        lambda: "d: &d {x: 1}\n" + "".join(f"k{n}:\n  <<: *d\n" for n in range(1000)),
    ),
    "yaml-nested-brackets": ("yaml", lambda: "[" * 30_000),
    "yaml-nested-braces": ("yaml", lambda: "{a: " * 30_000),
    "yaml-nested-blocks": ("yaml", lambda: "- " * 30_000),
    "yaml-alias-bomb": ("yaml", lambda: "a: &a [x, x]\n" + _BOMB),
    "yaml-digits": ("yaml", lambda: "a: " + "9" * 100_000),
    "json-nested-brackets": ("json", lambda: "[" * 100_000),
    "json-nested-objects": ("json", lambda: '{"a":' * 100_000),
    "json-digits": ("json", lambda: '{"a": ' + "9" * 100_000 + "}"),
    "json-many-keys": ("json", lambda: json.dumps({f"k{n}": n for n in range(50_000)})),
    "jsonc-open-comment": ("jsonc", lambda: '{"a": 1 ' + "/*" * 50_000),
    "jsonc-nested-brackets": ("jsonc", lambda: "[" * 100_000),
}


@pytest.mark.skipif(sys.platform != "linux", reason="needs Linux's limits of memory")
@pytest.mark.parametrize(
    ("shape", "engine"),
    [(shape, ()) for shape in SHAPES] + [(shape, ("pure",)) for shape in SHAPES if shape.startswith("yaml")],
)
def test_a_hostile_text_ends_soon_and_takes_little_memory(shape: str, engine: tuple[str, ...]) -> None:
    form, text = SHAPES[shape]
    result = subprocess.run(
        [sys.executable, "-c", _CHILD, *engine],
        input=json.dumps([form, text(), ["new"]]),
        capture_output=True,
        text=True,
        check=False,
        timeout=60,
    )
    assert result.returncode == 0, result.stderr[-2000:]
    outcomes, load, edit = json.loads(result.stdout)
    assert len(outcomes) == 2
    assert load < _SECONDS
    assert edit < _SECONDS
