"""The four formats in the box pass the kit that other people's serializers are held against."""

from __future__ import annotations

from untorn.serializers import json, jsonc, toml, yaml
from untorn.testing import Capabilities, SerializerTests

JSON = """\
{
  "name": "app",
  "port": 80,
  "debug": false,
  "tags": [
    "a",
    "b"
  ],
  "server": {
    "host": "local",
    "weight": 1.5
  }
}
"""
JSONC = """\
{
  // the port
  "port": 80, // open
  /* which */
  "names": ["one", "two"],
  "server": {
    // where
    "host": "local"
  }
}
"""
TOML = """\
# A licence.

# the name
name = "app"  # short
port = 80
tags = ["a", "b"]

# where
[server]
host = "local"
# heavy
weight = 1.5

[[job]]
id = 1

[[job]]
id = 2
"""
YAML = """\
# A licence.

# the name
name: app  # short
port: 80
tags:
  - a
  - b
server:
  # where
  host: local
  weight: 1.5
"""


class TestJson(SerializerTests):
    serializer = json.serializer
    capabilities = Capabilities(
        lists=True, nesting=True, booleans=True, integers=True, big_integers=True, floats=True, nulls=True
    )
    samples = (JSON, '{"a": 1, "b": [1, 2], "c": {"d": "x", "e": true}}\n')
    broken = ("", "{", '{"a": 1,}', '{"a": 1, "a": 2}', "[NaN]", "// a\n1")


class TestJsonc(SerializerTests):
    serializer = jsonc.serializer
    capabilities = Capabilities(
        lists=True, nesting=True, booleans=True, integers=True, big_integers=True, floats=True,
        nulls=True, comments=True,
    )  # fmt: skip
    samples = (JSONC, JSON)
    broken = ("", "{", '{"a": 1, "a": 2}', "/* a")


class TestToml(SerializerTests):
    serializer = toml.serializer
    capabilities = Capabilities(
        lists=True,
        nesting=True,
        booleans=True,
        integers=True,
        floats=True,
        nan=True,
        dates=True,
        comments=True,
    )
    samples = (TOML, "a.b = 1\na.c = 2\nd = { e = 1, f = 'x' }\ng = [\n  1,\n  2,\n]\n")
    broken = ("a", "a = 1\na = 2\n", "[a\n", "a = 1 b = 2")


class TestYaml(SerializerTests):
    serializer = yaml.serializer
    capabilities = Capabilities(
        lists=True, nesting=True, booleans=True, integers=True, big_integers=True, floats=True, nan=True,
        nulls=True, dates=True, binary=True, other_keys=True, comments=True,
    )  # fmt: skip
    samples = (YAML, "---\na: one\nb: [1, 2]\n---\nc: two\nd:\n- x\n- y\n", 'a: "x"\nb: {c: 1, d: 2}\n')
    broken = ("a: [", "a: 1\na: 2\n", "\ta: 1", "a: 'b")
