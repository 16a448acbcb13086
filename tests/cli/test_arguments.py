from __future__ import annotations

import re
import sys
from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from untorn.cli.arguments import COMMANDS, Request, UsageError, parse


def parsed(*argv: str) -> Request:
    request = parse(argv)
    assert isinstance(request, Request)
    return request


def test_operands_and_options_may_come_in_any_order() -> None:
    expected = vars(Request("set", ("f.toml", "a.b", "1"), format="toml", dry_run=True))
    assert vars(parsed("set", "f.toml", "a.b", "1", "--format", "toml", "--dry-run")) == expected
    assert vars(parsed("set", "--dry-run", "--format=toml", "f.toml", "a.b", "1")) == expected
    assert vars(parsed("set", "f.toml", "--format", "toml", "a.b", "--dry-run", "1")) == expected


@pytest.mark.parametrize("value", ["-5", "-x", "-", "-h", "", "-1.5e3"])
def test_a_value_may_begin_with_a_dash(value: str) -> None:
    if value == "-h":
        assert parsed("set", "f", "k", "--", value).operands == ("f", "k", value)
    else:
        assert parsed("set", "f", "k", value).operands == ("f", "k", value)


def test_behind_two_dashes_nothing_is_an_option() -> None:
    assert parsed("set", "--", "f", "--string", "--check").operands == ("f", "--string", "--check")


@pytest.mark.parametrize(
    ("written", "field", "value"),
    [
        (("--document", "2"), "document", 2),
        (("--document=all",), "document", "all"),
        (("--timeout", "0"), "timeout", 0.0),
        (("--timeout=2.5",), "timeout", 2.5),
        (("--check",), "check", True),
        (("--allow-reformat",), "allow_reformat", True),
        (("--create",), "create", True),
        (("--string",), "string", True),
        (("--format=",), "format", ""),
    ],
)
def test_an_option_sets_its_field(written: tuple[str, ...], field: str, value: object) -> None:
    assert getattr(parsed("set", "f", "k", "v", *written), field) == value


@pytest.mark.parametrize(
    ("argv", "reason"),
    [
        ([], "usage: untorn COMMAND"),
        (["gat"], "no command 'gat' (did you mean get?)"),
        (["xyzzy"], "no command 'xyzzy'; untorn --help lists them"),
        (["--format", "json", "get"], "no command '--format'"),
        (["get"], "FILE is missing"),
        (["set", "f", "k"], "VALUE is missing"),
        (["validate"], "FILE is missing"),
        (["diff", "a"], "B is missing"),
        (["get", "f", "k", "more"], "'more' is one argument too many"),
        (["plugins", "x"], "'x' is one argument too many"),
        (["set", "f", "k", "v", "--chek"], "no option --chek (did you mean --check?)"),
        (["get", "f", "--string"], "no option --string"),
        (["get", "-f", "json"], "no option -f"),
        (["set", "f", "k", "v", "--check=yes"], "--check takes no value"),
        (["get", "f", "--format"], "--format NAME needs its value"),
        (["get", "f", "--document", "-1"], "--document takes a number from 0"),
        (["get", "f", "--document", "first"], "--document takes a number from 0"),
        (["unset", "f", "k", "--timeout", "soon"], "--timeout takes seconds"),
        (["unset", "f", "k", "--timeout", "-1"], "--timeout takes seconds"),
        (["unset", "f", "k", "--timeout", "inf"], "--timeout takes seconds"),
        (["unset", "f", "k", "--timeout", "nan"], "--timeout takes seconds"),
        (["demo", "--kills", "0"], "--kills takes a number from 1"),
        (["demo", "--kills", "many"], "--kills takes a number from 1"),
    ],
)
def test_a_command_line_that_makes_no_sense_is_refused_with_the_reason(argv: list[str], reason: str) -> None:
    with pytest.raises(UsageError, match=re.escape(reason)):
        parse(argv)


@pytest.mark.parametrize("name", COMMANDS)
def test_the_help_of_a_command_names_its_operands_and_options(name: str) -> None:
    text = parse([name, "--help"])
    assert isinstance(text, str)
    assert text == parse([name, "-h"])
    named = [*COMMANDS[name].operands, *(option.name for option in COMMANDS[name].options)]
    assert [each for each in named if each not in text] == []


@pytest.mark.parametrize("word", ["--help", "-h", "help"])
def test_the_overview_names_every_command(word: str) -> None:
    text = parse([word])
    assert isinstance(text, str)
    assert [name for name in COMMANDS if f"\n  {name} " not in text] == []
    assert max(map(len, text.splitlines())) <= 80


def test_the_version_is_that_of_the_package() -> None:
    import untorn

    assert parse(["--version"]) == f"untorn {untorn.__version__}"


def test_every_option_is_a_field_of_the_request() -> None:
    fields = {option.field for command in COMMANDS.values() for option in command.options}
    assert fields == set(Request.__annotations__) - {"command", "operands"}


def test_every_command_runs_a_function_that_exists() -> None:
    from untorn.cli import _function_of

    functions = [_function_of(Request(name, ())) for name in COMMANDS]
    assert len({*functions}) == len(COMMANDS)
    assert all(map(callable, functions))


WORDS = st.sampled_from(
    ["f", "k", "-", "--", "--format", "json", "--check", "--document=0", "-x", "--help", ""]
)


@given(st.sampled_from([*COMMANDS]), st.lists(WORDS, max_size=6))
def test_any_command_line_is_understood_or_refused(name: str, words: list[str]) -> None:
    with suppress(UsageError):
        request = parse([name, *words])
        assert isinstance(request, str) or request.command == name


def test_reading_the_command_line_imports_no_argparse(environment: dict[str, str]) -> None:
    import subprocess

    script = "from untorn.cli.arguments import parse; parse(['get', 'f'])"
    script += "; import sys; print('argparse' in sys.modules)"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, check=True, env=environment
    )
    assert done.stdout.strip() == "False"
