"""The texts that are loaded and edited: configuration as people write it, and difficult shapes."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from collections.abc import Callable

    from untorn.keypath import KeyPath

SIZES = {"2 KB": 2_000, "50 KB": 50_000, "1 MB": 1_000_000, "10 MB": 10_000_000}


@dataclass(frozen=True)
class Text:
    """A text, and the value in it that an edit changes."""

    format: str
    text: str
    path: KeyPath


def _sections(section: Callable[[int], str], size: int) -> list[str]:
    """Return sections until they have ``size`` characters, or nearly."""
    count = max(size // len(section(10)), 2)
    return [section(number) for number in range(count)]


def json_text(size: int) -> Text:
    """Return JSON with an indentation of two blanks."""

    def section(number: int) -> str:
        return (
            f'  "server-{number}": {{\n    "host": "10.0.0.{number % 256}",\n    "port": {8000 + number},\n'
            f'    "tls": true,\n    "weight": 0.5,\n    "tags": ["blue", "eu-{number % 7}", null]\n  }}'
        )

    parts = _sections(section, size)
    return Text("json", "{\n" + ",\n".join(parts) + "\n}\n", (f"server-{len(parts) // 2}", "port"))


def jsonc_text(size: int) -> Text:
    """Return JSON with comments."""

    def section(number: int) -> str:
        return (
            f'  // server {number}\n  "server-{number}": {{\n'
            f'    "host": "10.0.0.{number % 256}", // as agreed\n'
            f'    "port": {8000 + number},\n    /* never off */ "tls": true,\n'
            f'    "tags": ["blue", "eu-{number % 7}", null]\n  }}'
        )

    parts = _sections(section, size)
    return Text("jsonc", "{\n" + ",\n".join(parts) + "\n}\n", (f"server-{len(parts) // 2}", "port"))


def toml_text(size: int) -> Text:
    """Return TOML with comments."""

    def section(number: int) -> str:
        return (
            f'\n# server {number}\n[server-{number}]\nhost = "10.0.0.{number % 256}"  # as agreed\n'
            f'port = {8000 + number}\ntls = true\nweight = 0.5\ntags = ["blue", "eu-{number % 7}"]\n'
        )

    parts = _sections(section, size)
    text = 'title = "servers"\n' + "".join(parts)
    return Text("toml", text, (f"server-{len(parts) // 2}", "port"))


def yaml_text(size: int) -> Text:
    """Return YAML with comments."""

    def section(number: int) -> str:
        return (
            f"\n# server {number}\nserver-{number}:\n  host: 10.0.0.{number % 256}  # as agreed\n"
            f"  port: {8000 + number}\n  tls: true\n  weight: 0.5\n  tags:\n  - blue\n  - eu-{number % 7}\n"
        )

    parts = _sections(section, size)
    return Text("yaml", "title: servers\n" + "".join(parts), (f"server-{len(parts) // 2}", "port"))


TEXTS: dict[str, Callable[[int], Text]] = {
    "json": json_text,
    "jsonc": jsonc_text,
    "toml": toml_text,
    "yaml": yaml_text,
}


def _lines(line: Callable[[int], str], count: int, head: str = "") -> str:
    return head + "".join(map(line, range(count)))


SHAPES: dict[str, tuple[int, Callable[[int], Text]]] = {
    "TOML, dotted keys a.b.c.kI": (
        5_000,
        lambda n: Text("toml", _lines("a.b.c.k{0} = {0}\n".format, n), ("a", "b", "c", f"k{n // 2}")),
    ),
    "TOML, interleaved [a.xI] and [b.yI]": (
        2_000,
        lambda n: Text(
            "toml", _lines("[a.x{0}]\nv = {0}\n[b.y{0}]\nv = {0}\n".format, n), ("a", f"x{n // 2}", "v")
        ),
    ),
    "TOML, an array of tables": (
        2_000,
        lambda n: Text("toml", _lines('[[a]]\nname = "n{0}"\nv = {0}\n'.format, n), ("a", n // 2, "v")),
    ),
    "TOML, one long array": (
        10_000,
        lambda n: Text("toml", _lines("  {0},\n".format, n, "a = [\n") + "]\n", ("a", n // 2)),
    ),
    "YAML, <<: *defaults": (
        2_500,
        lambda n: Text(
            "yaml",
            _lines("k{0}:\n  <<: *defaults\n  v: {0}\n".format, n, "defaults: &defaults {x: 1}\n"),
            (f"k{n // 2}", "v"),
        ),
    ),
    "YAML, one long list": (
        5_000,
        lambda n: Text("yaml", _lines("- item {0}\n".format, n), (n // 2,)),
    ),
    "YAML, one long flow list": (
        5_000,
        lambda n: Text("yaml", "a: [" + ", ".join(f"i{each}" for each in range(n)) + "]\n", ("a", n // 2)),
    ),
    "YAML, one long block scalar": (
        10_000,
        lambda n: Text("yaml", _lines("  line {0}\n".format, n, "a: |\n") + "b: 1\n", ("b",)),
    ),
    "JSON, one long list": (
        50_000,
        lambda n: Text("json", "[\n" + ",\n".join(f"  {each}" for each in range(n)) + "\n]\n", (n // 2,)),
    ),
    "JSON, one line": (
        20_000,
        lambda n: Text("json", "{" + ", ".join(f'"k{e}": {e}' for e in range(n)) + "}", (f"k{n // 2}",)),
    ),
    "JSONC, many comments": (
        10_000,
        lambda n: Text(
            "jsonc",
            "{\n" + ",\n".join(f'  // about k{e}\n  "k{e}": {e}' for e in range(n)) + "\n}\n",
            (f"k{n // 2}",),
        ),
    ),
}
"""For each difficult shape a size of the goal's order, and the text of any size."""
