"""What the plugin has to say about proposals, and where."""

from __future__ import annotations

import json
from dataclasses import replace
from datetime import UTC, date, datetime, time
from typing import TYPE_CHECKING, Any

import pytest
from untorn_jsonschema import JsonSchema
from untorn_jsonschema.instances import as_json

from untorn.errors import PluginError
from untorn.registry import Registry
from untorn.sdk import Tagged
from untorn.testing import proposal

if TYPE_CHECKING:
    from pathlib import Path

    from untorn.sdk import Problem

SERVER = {
    "$schema": "https://json-schema.org/draft/2020-12/schema",
    "type": "object",
    "required": ["port"],
    "properties": {
        "port": {"type": "integer", "minimum": 1},
        "level": {"enum": ["debug", "info", "warning"]},
        "tags": {"type": "array", "items": {"type": "string"}},
    },
    "additionalProperties": False,
}


def write(path: Path, schema: object) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(json.dumps(schema), "utf-8")
    return path


def problems(schema: object, value: object, tmp_path: Path, format: str = "json") -> list[Problem]:
    """Return the problems that a value, or a text, has with a schema."""
    registry = Registry(options={"jsonschema": {"schema": str(write(tmp_path / "s.json", schema))}})
    registry.admit(JsonSchema, "jsonschema")
    given = {"text": value} if isinstance(value, str) else {"value": value}
    return registry.validate(proposal(**given, path=tmp_path / "a", format=format))


def said(schema: object, value: object, tmp_path: Path, format: str = "json") -> list[tuple[Any, ...]]:
    """Return the key path and message of each problem."""
    return [(*each.where, each.message) for each in problems(schema, value, tmp_path, format=format)]


# ── Which schema ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("json", '{"$schema": "./schemas/s.json", "port": 0}'),
        ("json", '{"$schema": "schemas/s.json#", "port": 0}'),
        ("jsonc", '// a\n{"$schema": "schemas/s.json", "port": 0}'),
        ("toml", '"$schema" = "schemas/s.json"\nport = 0\n'),
        ("toml", "#:schema ./schemas/s.json\nport = 0\n"),
        ("toml", "# Licence\r\n\r\n#:schema   ./schemas/s.json  \r\nport = 0\r\n"),
        ("yaml", "# yaml-language-server: $schema=./schemas/s.json\nport: 0\n"),
        ("yaml", "%YAML 1.2\n---\n# a\n# yaml-language-server: $schema=schemas/s.json\nport: 0\n"),
        ("yaml", "$schema: schemas/s.json\nport: 0\n"),
    ],
)
def test_a_file_names_its_schema_from_its_own_directory(format: str, text: str, tmp_path: Path) -> None:
    write(tmp_path / "schemas" / "s.json", SERVER)
    registry = Registry()
    registry.admit(JsonSchema(), "jsonschema")
    [problem] = registry.validate(proposal(text=text, format=format, path=tmp_path / "a"))
    assert (problem.where, problem.message) == (("port",), "0 is less than the minimum of 1")
    assert problem.span is not None
    assert problem.span.of(text) == "0"


def test_a_file_url_names_a_local_schema(tmp_path: Path) -> None:
    uri = write(tmp_path / "with space" / "s.json", SERVER).as_uri()
    assert "%20" in uri
    registry = Registry()
    registry.admit(JsonSchema(), "jsonschema")
    assert len(registry.validate(proposal({"$schema": uri, "port": 0}))) == 1


@pytest.mark.parametrize(
    ("format", "text"),
    [
        ("json", '{"port": 0}'),
        ("json", "[]"),
        ("json", '{"$schema": 3}'),
        ("json", '{"$schema": "#"}'),
        ("json", '{"$schema": "https://json-schema.org/draft/2020-12/schema"}'),
        ("json", '{"$schema": "http://127.0.0.1:9/s.json"}'),
        ("json", '{"$schema": "file://elsewhere/s.json"}'),
        ("json", '{"$schema": "vscode://schemas/settings"}'),
        ("toml", "#:schema https://example.com/s.json\na = 1\n"),
        ("toml", "a = 1\n#:schema ./missing.json\n"),
        ("toml", "# yaml-language-server: $schema=missing.json\n"),
        ("yaml", "a: |\n  b\n# yaml-language-server: $schema=missing.json\n"),
    ],
)
def test_a_file_that_names_no_local_schema_is_not_validated(format: str, text: str, tmp_path: Path) -> None:
    registry = Registry()
    registry.admit(JsonSchema(), "jsonschema")
    assert registry.validate(proposal(text=text, format=format, path=tmp_path / "a")) == []


def test_the_option_comes_before_what_a_file_names(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert said(SERVER, {"$schema": "missing.json", "port": 0}, tmp_path) == [
        ("port", "0 is less than the minimum of 1")
    ]
    monkeypatch.chdir(tmp_path)
    plugin = JsonSchema(schema="s.json")
    monkeypatch.chdir(tmp_path.parent)
    [problem] = plugin.untorn_validate(proposal({"port": 0}, path=tmp_path / "deep" / "a.json"))
    assert problem.where == ("port",)


def test_opaque_text_is_not_validated(tmp_path: Path) -> None:
    plugin = JsonSchema(schema=tmp_path / "missing.json")
    assert plugin.untorn_validate(replace(proposal({}), format=None, value=None)) == []


def test_an_unknown_option_refuses_the_plugin() -> None:
    with pytest.raises(PluginError, match="did you mean 'schema'"):
        Registry(options={"jsonschema": {"schem": "s.json"}}).admit(JsonSchema, "jsonschema")


# ── Bad schemas ─────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("schema", "message"),
    [
        (None, "cannot read the schema 's.json': No such file or directory"),
        ("{", "the schema 's.json' is not JSON: Expecting property name"),
        (b"\xff\xfe\xfd", "the schema 's.json' is not JSON: "),
        ("[" * 100_000, "the schema 's.json' is not JSON: "),
        ("3", "the schema 's.json' is not a schema: expected an object, true or false"),
        ('{"type": "strng"}', "the schema 's.json' is broken: $.type: 'strng' is not valid under any of"),
        ('{"pattern": "("}', "the schema 's.json' is broken: $.pattern: '(' is not a 'regex'"),
        (
            '{"$schema": "https://example.com/draft"}',
            "written in 'https://example.com/draft', which is no known draft",
        ),
        ('{"$schema": 7}', "the schema 's.json' is written in 7, which is no known draft of JSON Schema"),
        ('{"$ref": "#/$defs/gone"}', "the schema 's.json' refers to '#/$defs/gone', which is not there"),
        ('{"$ref": "#gone"}', "the schema 's.json' refers to '#gone', which is not there"),
        ('{"$ref": "gone.json"}', "cannot read the schema 'gone.json': No such file or directory"),
        ('{"$ref": "broken.json"}', "the schema 'broken.json' is not JSON"),
        (
            '{"$ref": "http://127.0.0.1:9/s.json"}',
            "refers to 'http://127.0.0.1:9/s.json', which is not a local file",
        ),
        ('{"$id": "https://example.com/a/s.json", "$ref": "b.json"}', "cannot read the schema 'b.json'"),
        ('{"$ref": "#"}', "the schema 's.json' refers to itself without end"),
    ],
)
def test_a_schema_that_cannot_be_used_is_one_problem_that_says_why(
    schema: str | bytes | None, message: str, tmp_path: Path
) -> None:
    (tmp_path / "broken.json").write_text("{", "utf-8")
    if schema is not None:
        (tmp_path / "s.json").write_bytes(schema if isinstance(schema, bytes) else schema.encode())
    registry = Registry()
    registry.admit(JsonSchema(), "jsonschema")
    [problem] = registry.validate(proposal({"$schema": "s.json"}, path=tmp_path / "a.json"))
    assert message in problem.message
    assert problem.where == ("$schema",)
    assert not problem.message.startswith("crashed")


def test_a_schema_that_a_comment_names_is_pointed_at_there(tmp_path: Path) -> None:
    text = "#:schema ./gone.json\na = 1\n"
    registry = Registry()
    registry.admit(JsonSchema(), "jsonschema")
    [problem] = registry.validate(proposal(text=text, format="toml", path=tmp_path / "a.toml"))
    assert problem.span is not None
    assert problem.span.of(text) == "./gone.json"


# ── Drafts and references ───────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("draft", "schema"),
    [
        ("http://json-schema.org/draft-04/schema#", {"maximum": 5, "exclusiveMaximum": True}),
        ("http://json-schema.org/draft-07/schema#", {"if": {"const": 5}, "then": {"const": 6}}),
        ("https://json-schema.org/draft-07/schema", {"if": {"const": 5}, "then": {"const": 6}}),
        ("http://json-schema.org/draft/2020-12/schema", {"exclusiveMaximum": 5}),
        ("http://json-schema.org/schema#", {"exclusiveMaximum": 5}),
        (None, {"exclusiveMaximum": 5}),
    ],
)
def test_a_schema_is_read_in_the_draft_that_it_names(
    draft: str | None, schema: dict[str, Any], tmp_path: Path
) -> None:
    schema = schema if draft is None else {"$schema": draft, **schema}
    assert len(said(schema, 5, tmp_path)) == 1
    assert said(schema, 4, tmp_path) == []


@pytest.mark.parametrize(("schema", "count"), [(True, 0), (False, 1)])
def test_true_and_false_are_schemas(schema: object, count: int, tmp_path: Path) -> None:
    assert [message for (message,) in said(schema, 3, tmp_path)] == ["is not allowed here"] * count


@pytest.mark.parametrize("identifier", [{}, {"$id": "https://example.com/s.json"}])
def test_a_schema_may_refer_to_itself_and_to_files_beside_it(
    identifier: dict[str, str], tmp_path: Path
) -> None:
    write(tmp_path / "defs" / "port.json", {"type": "integer", "$ref": "../more.json#/$defs/low"})
    write(tmp_path / "more.json", {"$defs": {"low": {"maximum": 10}}})
    properties = {
        "name": {"$ref": "#/$defs/name"},
        "port": {"$ref": "defs/port.json"},
        "also": {"$ref": f"{identifier.get('$id', '')}#/$defs/name"},
    }
    schema = {**identifier, "$defs": {"name": {"type": "string"}}, "properties": properties}
    assert said(schema, {"also": 3, "name": 3, "port": 11}, tmp_path) == [
        ("also", "must be a string, and is an integer"),
        ("name", "must be a string, and is an integer"),
        ("port", "11 is greater than the maximum of 10"),
    ]


# ── Words and places ────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("value", "where", "message", "culprit"),
    [
        ({"port": "80"}, ("port",), "must be an integer, and is a string", '"80"'),
        ({"port": True}, ("port",), "must be an integer, and is a boolean", "true"),
        ({"port": None}, ("port",), "must be an integer, and is null", "null"),
        ({"port": 1, "prot": 2}, ("prot",), "unknown key 'prot'; allowed: 'level', 'tags'", '"prot"'),
        ({"port": 1, "levl": 2}, ("levl",), "unknown key 'levl': did you mean 'level'?", '"levl"'),
        (
            {"port": 1, "level": "deubg"},
            ("level",),
            "'deubg' is not one of 'debug', 'info', 'warning': did you mean 'debug'?",
            '"deubg"',
        ),
        ({"port": 1, "level": 3}, ("level",), "3 is not one of 'debug', 'info', 'warning'", "3"),
        ({"port": 1, "tags": ["a", 2]}, ("tags", 1), "must be a string, and is an integer", "2"),
    ],
)
def test_a_problem_says_what_is_wrong_and_points_at_exactly_it(
    value: object, where: tuple[str, ...], message: str, culprit: str, tmp_path: Path
) -> None:
    text = json.dumps(value)
    [problem] = problems(SERVER, text, tmp_path)
    assert (problem.where, problem.message, problem.plugin) == (where, message, "jsonschema")
    assert problem.span is not None
    assert problem.span.of(text) == culprit


def test_what_is_missing_is_shown_at_what_lacks_it(tmp_path: Path) -> None:
    schema = {"properties": {"server": SERVER}}
    [problem] = problems(schema, '{"server": {"level": "info"}}', tmp_path)
    assert (problem.where, problem.message) == (("server", "port"), "is required, and missing")
    assert problem.excerpt.endswith("^" * len('"server"'))


def test_all_problems_are_reported_and_each_once(tmp_path: Path) -> None:
    twice = {"allOf": [SERVER, SERVER, {"required": ["level", "port"]}]}
    assert said(twice, {"prot": 1, "x": 2, "level": 3, "tags": 4}, tmp_path) == [
        ("port", "is required, and missing"),
        ("prot", "unknown key 'prot': did you mean 'port'?"),
        ("x", "unknown key 'x'; allowed: 'port'"),
        ("level", "3 is not one of 'debug', 'info', 'warning'"),
        ("tags", "must be a list, and is an integer"),
    ]


@pytest.mark.parametrize(
    ("schema", "value", "message"),
    [
        ({"const": "a"}, "b", "must be 'a', and is 'b'"),
        ({"const": {"a": None}}, [], 'must be {"a": null}, and is []'),
        ({"type": ["string", "null"]}, 3, "must be a string or null, and is an integer"),
        ({"type": ["string", "null", "array"]}, 3.5, "must be a string, null or a list, and is a number"),
        ({"not": {"type": "object"}}, {}, "is what the schema says that it must not be"),
        ({"pattern": "^a"}, "b", "'b' does not match the pattern '^a'"),
        ({"format": "ipv4"}, "b", "'b' is not of the format 'ipv4'"),
        ({"enum": list(range(20))}, 99, "99 is not one of 0, 1, 2, 3, 4, 5, 6, 7 and 12 more"),
        ({"additionalProperties": False}, {"a": 1}, "unknown key 'a'"),
        ({"minLength": 3}, "ab", "'ab' is too short"),
        ({"anyOf": [{"type": "string"}, {"type": "null"}]}, 3, "must be a string or null, and is an integer"),
        ({"oneOf": [{"type": "string"}, {"maximum": 1}]}, 3, "3 is greater than the maximum of 1"),
        ({"oneOf": [{}, {"maximum": 1}]}, 0, "fits more than one of the alternatives, and may fit only one"),
        ({"anyOf": [{"enum": ["a"]}, {"minimum": 9}, {"minItems": 1}]}, 3, None),
        (
            {"anyOf": [{"enum": ["a"]}, {"properties": {"x": {"const": 1}}, "type": "object"}]}, {"x": 2},
            """fits none of the alternatives: {"x": 2} is not one of 'a'; x: must be 1, and is 2""",
        ),
    ],
)  # fmt: skip
def test_the_words_for_the_whole_value(
    schema: object, value: object, message: str | None, tmp_path: Path
) -> None:
    found = problems(schema, json.dumps(value), tmp_path)
    assert [each.message for each in found] == ([message] if message else [])


def test_of_several_alternatives_the_one_that_was_meant_is_explained(tmp_path: Path) -> None:
    def of_kind(kind: str, schema: object) -> dict[str, object]:
        return {
            "type": "object",
            "properties": {"kind": {"const": kind}, "size": schema},
            "required": ["kind"],
        }

    schema = {
        "oneOf": [of_kind("a", {"type": "string"}), of_kind("b", {"type": "integer"}), {"type": "null"}]
    }
    assert said(schema, {"kind": "b", "size": "big"}, tmp_path) == [
        ("size", "must be an integer, and is a string")
    ]
    assert said(schema, {"kind": "b", "size": 3}, tmp_path) == []


def test_a_key_with_a_bad_name_is_pointed_at(tmp_path: Path) -> None:
    text = '{"a": {"B": "x"}}'
    [problem] = problems({"properties": {"a": {"propertyNames": {"pattern": "^[a-z]"}}}}, text, tmp_path)
    assert (problem.where, problem.message) == (("a", "B"), "'B' does not match the pattern '^[a-z]'")
    assert problem.span is not None
    assert problem.span.of(text) == '"B"'


def test_a_key_that_fits_a_pattern_is_known(tmp_path: Path) -> None:
    schema = {"patternProperties": {"^x-": {}}, "additionalProperties": False}
    assert said(schema, {"x-a": 1, "y": 2}, tmp_path) == [("y", "unknown key 'y'")]


def test_the_name_of_the_schema_itself_is_always_allowed_but_only_at_the_top(tmp_path: Path) -> None:
    schema = {"properties": {"a": SERVER}, "additionalProperties": False}
    assert said(schema, {"$schema": "x", "a": {"port": 1, "$schema": "x"}}, tmp_path) == [
        ("a", "$schema", "unknown key '$schema'; allowed: 'level', 'tags'")
    ]


def test_a_long_message_is_cut_in_the_middle(tmp_path: Path) -> None:
    [(message,)] = said({"maxItems": 1}, ["x" * 2000, 1], tmp_path)
    assert message.startswith("['xxx")
    assert message.endswith("is too long")
    assert len(message) < 320


# ── What JSON does not have ─────────────────────────────────────────────────


@pytest.mark.parametrize(
    "value",
    [
        date(2024, 2, 29),
        datetime(2024, 2, 29, 1, 2, 3, tzinfo=UTC),
        time(1, 2),
        b"\x00",
        {"a"},
        {"b", "a"},
        {1: "a"},
    ],
)
def test_what_json_does_not_have_is_validated_in_the_form_that_it_takes_there(value: object) -> None:
    expected = {
        date: "2024-02-29", datetime: "2024-02-29T01:02:03+00:00", time: "01:02:00", bytes: "AA==",
        set: sorted(map(str, value)) if isinstance(value, set) else None, dict: {"1": "a"},
    }[type(value)]  # fmt: skip
    assert as_json(value) == expected


def test_dates_of_toml_are_strings_of_their_format(tmp_path: Path) -> None:
    schema = {"properties": {"day": {"type": "string", "format": "date"}, "at": {"type": "integer"}}}
    found = said(schema, "day = 2024-02-29\nat = 2024-02-29T00:00:00Z\n", tmp_path, format="toml")
    assert found == [("at", "must be an integer, and is a string")]


@pytest.mark.parametrize(
    ("key", "written"), [(1, "1"), (True, "true"), (None, "null"), (1.5, "1.5"), ((1, 2), "[1, 2]")]
)
def test_keys_that_are_no_strings_lead_back_to_where_they_stand(
    key: object, written: str, tmp_path: Path
) -> None:
    plugin = JsonSchema(schema=write(tmp_path / "s.json", {"properties": {written: {"type": "string"}}}))
    [problem] = plugin.untorn_validate(replace(proposal({}), value={key: 3}))
    assert problem.where == (key,)


def test_an_item_of_a_set_is_located_at_the_set(tmp_path: Path) -> None:
    plugin = JsonSchema(
        schema=write(tmp_path / "s.json", {"properties": {"a": {"items": {"type": "string"}}}})
    )
    [problem] = plugin.untorn_validate(replace(proposal({}), value={"a": {3}}))
    assert problem.where == ("a",)


@pytest.mark.parametrize(
    "schema",
    [
        {"type": "integer"},
        {"const": 3},
        {"enum": [1, 2]},
        {"anyOf": [{"type": "integer"}, {"type": "string", "minLength": 30}]},
        {"oneOf": [{"type": "integer"}, {"const": "a"}]},
    ],
)
def test_a_tagged_node_is_accepted_anywhere(schema: object, tmp_path: Path) -> None:
    whole = {
        "properties": {
            "secret": schema,
            "list": {"items": schema, "contains": {"type": "integer"}},
            "port": {"type": "integer"},
        }
    }
    plugin = JsonSchema(schema=write(tmp_path / "s.json", whole))
    vault = Tagged("!vault", "abc")
    value = {"secret": vault, "list": [vault], "port": "80"}
    [problem] = plugin.untorn_validate(replace(proposal({}), value=value))
    assert problem.where == ("port",)


def test_an_alternative_that_fits_but_for_a_tagged_node_fits(tmp_path: Path) -> None:
    schema = {"anyOf": [{"properties": {"a": {"type": "integer"}, "b": {"const": 1}}}, {"type": "string"}]}
    plugin = JsonSchema(schema=write(tmp_path / "s.json", schema))
    tagged = replace(proposal({}), value={"a": Tagged("!env", "A"), "b": 1})
    assert plugin.untorn_validate(tagged) == []
    assert len(list(plugin.untorn_validate(replace(tagged, value={"a": Tagged("!env", "A"), "b": 2})))) == 1
