"""What a plugin must be to be admitted."""

from __future__ import annotations

import sys
from functools import partial
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from untorn.errors import PluginError, UnknownFormatError
from untorn.records import Problem, Proposal
from untorn.registry import Registry
from untorn.sdk import hookimpl
from untorn.testing import proposal

if TYPE_CHECKING:
    from collections.abc import Iterator

    from untorn.values import Value


class Ini:
    """A serializer of twenty lines."""

    name = "ini"
    suffixes = (".ini", ".cfg")
    filenames: tuple[str, ...] = (".flake8",)

    def parse(self, text: str) -> Value:
        return dict(line.split("=", 1) for line in text.splitlines())

    def render(self, value: Value) -> str:
        return "".join(f"{key}={item}\n" for key, item in value.items())


def like_ini(**changes: object) -> object:
    """Return a serializer like ``Ini``, with some members changed, or gone if ``None``."""
    members = {"name": "ini", "suffixes": (".ini",), "parse": str, "render": str} | changes
    return SimpleNamespace(**{name: member for name, member in members.items() if member is not None})


def adding(*serializers: object) -> object:
    """Return a plugin that adds these serializers."""
    return SimpleNamespace(untorn_serializers=lambda: list(serializers))


def agree(proposal: Proposal) -> list[Problem]:
    return []


def verdict_of(registry: Registry) -> list[str]:
    """Return what the plugins of a registry say about a proposal."""
    return [problem.message for problem in registry.validate(proposal({"port": 80}))]


# ── Hooks and serializers ───────────────────────────────────────────────────


@hookimpl
def marked(proposal: Proposal) -> list[Problem]:
    return [Problem(f"marked {proposal.format}")]


class WithMethods:
    """A plugin with every way in which Python spells a method."""

    def untorn_validate(self, proposal: Proposal) -> Iterator[Problem]:
        yield Problem(f"method {proposal.format}")

    @staticmethod
    def untorn_saved() -> None:
        pass

    @classmethod
    def untorn_serializers(cls) -> list[object]:
        return [Ini()]

    @property
    def surprise(self) -> object:
        raise AssertionError


def as_module(**members: object) -> ModuleType:
    module = ModuleType("untorn_mine")
    vars(module).update(members)
    return module


@pytest.mark.parametrize(
    "plugin",
    [
        SimpleNamespace(untorn_validate=marked),
        SimpleNamespace(untorn_validate=lambda proposal: [Problem("plain")]),
        SimpleNamespace(untorn_validate=lambda proposal, strict=True: [Problem("with a default")]),
        SimpleNamespace(untorn_validate=lambda: [Problem("without arguments")]),
        SimpleNamespace(untorn_validate=lambda *args, **kwargs: [Problem("with anything")]),
        SimpleNamespace(check=hookimpl(specname="untorn_validate")(lambda proposal: [Problem("renamed")])),
        SimpleNamespace(untorn_validate=hookimpl(tryfirst=True)(lambda proposal: [Problem("first")])),
        as_module(untorn_validate=marked, untorn_mine_more=ModuleType("untorn_mine_more"), untorn_limit=3),
        WithMethods,
        WithMethods(),
    ],
)
def test_functions_marked_or_named_for_a_hook_are_implementations(plugin: object) -> None:
    registry = Registry()
    registry.admit(plugin, "mine")
    assert len(verdict_of(registry)) == 1


def test_a_hook_of_a_newer_untorn_may_be_optional() -> None:
    newer = hookimpl(optionalhook=True)(lambda surprise: None)
    registry = Registry()
    registry.admit(SimpleNamespace(untorn_renamed=newer, untorn_validate=agree), "newer")
    assert verdict_of(registry) == []


async def untorn_validate_later(proposal: Proposal) -> list[Problem]:
    return [Problem(str(proposal))]


def untorn_validate_by_keyword(*, proposal: Proposal) -> list[Problem]:
    return [Problem(str(proposal))]


class Unpleasant:
    """Raises when it is looked at."""

    def __dir__(self) -> list[str]:
        msg = "do not look"
        raise OSError(msg)


@pytest.mark.parametrize(
    ("plugin", "reason", "hint"),
    [
        (
            SimpleNamespace(untorn_validat=agree),
            "no hook 'untorn_validat'",
            "did you mean 'untorn_validate'?",
        ),
        (SimpleNamespace(validate=hookimpl(lambda proposal: [])), "no hook 'validate'", "untorn_validate"),
        (
            SimpleNamespace(untron_validate=agree),
            "implements no hook",
            "'untron_validate' meant to be 'untorn_validate'",
        ),
        (SimpleNamespace(), "implements no hook", "hooks: untorn_serializers"),
        (object(), "implements no hook", "hooks: "),
        (
            SimpleNamespace(untorn_validate=lambda proposl: []),
            "no argument 'proposl'",
            "did you mean 'proposal'?",
        ),
        (SimpleNamespace(untorn_serializers=lambda host: []), "no argument 'host'", "its arguments: none"),
        (
            SimpleNamespace(untorn_validate=lambda proposal=None: []),
            "must have no default",
            "def untorn_validate(proposal)",
        ),
        (
            SimpleNamespace(untorn_validate=untorn_validate_by_keyword),
            "not be keyword-only",
            "def untorn_validate",
        ),
        (
            SimpleNamespace(untorn_validate=hookimpl(wrapper=True)(lambda: (yield))),
            "is a wrapper",
            "remove wrapper=True",
        ),
        (
            SimpleNamespace(untorn_validate=hookimpl(hookwrapper=True)(lambda: (yield))),
            "is a wrapper",
            "remove",
        ),
        (
            SimpleNamespace(untorn_validate=partial(agree)),
            "is not a function but partial",
            "def untorn_validate(proposal)",
        ),
        (SimpleNamespace(untorn_validate=3), "is not a function but int", ""),
        (SimpleNamespace(untorn_validate=untorn_validate_later), "is async", "without async"),
        (
            SimpleNamespace(
                untorn_validate=agree, check=hookimpl(specname="untorn_validate")(lambda proposal: [])
            ),
            "more than once",
            "",
        ),
        (Unpleasant(), "failed while being looked at: OSError: do not look", ""),
        (
            SimpleNamespace(untorn_serializers=lambda: 1 / 0),
            "asked for its serializers: ZeroDivisionError",
            "",
        ),
        (SimpleNamespace(untorn_serializers=lambda: sys.exit(3)), "SystemExit: 3", ""),
        (SimpleNamespace(untorn_serializers=lambda: None), "returned None", ""),
        (SimpleNamespace(untorn_serializers=lambda: "ini"), "returned 'ini'", ""),
        (SimpleNamespace(untorn_serializers=lambda: adding), "list of serializers", ""),
        (SimpleNamespace(untorn_serializers=lambda: (1 / 0 for _ in "a")), "ZeroDivisionError", ""),
        (adding(like_ini(name=None)), "has no name", "parse(text) and render(value)"),
        (adding(like_ini(name="")), "has no name", ""),
        (adding(3), "3 has no name", ""),
        (adding(like_ini(suffixes=None)), "suffixes of its serializer 'ini'", ""),
        (adding(like_ini(suffixes=".ini")), "is '.ini', not", ""),
        (adding(like_ini(suffixes=("ini",))), "strings like '.ini'", ""),
        (adding(like_ini(suffixes=(3,))), "suffixes of its serializer", ""),
        (adding(like_ini(filenames="setup.cfg")), "filenames of its serializer 'ini'", ""),
        (adding(like_ini(encodings="utf-8")), "encodings of its serializer 'ini'", ""),
        (adding(like_ini(parse=None)), "'ini' lacks parse(text)", ""),
        (adding(like_ini(render="text")), "'ini' lacks render(value)", ""),
        (adding(like_ini(patch=str)), "lacks locate(text, keypath)", ""),
        (adding(like_ini(locate=str)), "lacks patch(text, operations)", ""),
        (adding(like_ini(parse_all=str)), "lacks render_all(values)", ""),
        (adding(like_ini(name="json")), "a serializer 'json' is there already", "something else"),
        (adding(like_ini(suffixes=(".JSON",))), "wants '.json', which 'json' has already", "format="),
        (adding(like_ini(filenames=("Pipfile",))), "wants 'Pipfile', which 'toml' has already", ""),
        (adding(Ini(), like_ini(name="ini2")), "'ini2' wants '.ini', which 'ini' has already", ""),
        (adding(Ini(), Ini()), "a serializer 'ini' is there already", ""),
    ],
)
def test_a_plugin_that_cannot_be_admitted_is_named_and_leaves_no_trace(
    plugin: object, reason: str, hint: str
) -> None:
    registry = Registry()
    before = registry.plugins()
    with pytest.raises(PluginError) as caught:
        registry.admit(plugin, "bad")
    assert reason in caught.value.reason
    assert hint in caught.value.hint
    assert str(caught.value).startswith("plugin 'bad': ")
    assert registry.plugins() == before
    assert not registry.refused
    assert not registry.validators
    with pytest.raises(UnknownFormatError):
        registry.serializer_for(Path("a.ini"))
    registry.admit(adding(Ini()), "bad")  # neither the name nor the suffix is taken
    assert registry.serializer("ini").name == "ini"


def test_a_name_is_given_once_and_a_plugin_may_have_two() -> None:
    registry = Registry()
    plugin = SimpleNamespace(untorn_validate=lambda: [Problem("no")])
    registry.admit(plugin, "one")
    with pytest.raises(PluginError, match="name is there already"):
        registry.admit(SimpleNamespace(untorn_validate=agree), "one")
    registry.admit(plugin, "two")
    assert sorted(each.plugin for each in registry.validate(proposal({}))) == ["one", "two"]


@pytest.mark.parametrize(
    ("plugin", "name"),
    [
        (as_module(untorn_validate=agree), "untorn_mine"),
        (WithMethods, "WithMethods"),
        (WithMethods(), "WithMethods"),
    ],
)
def test_a_plugin_without_a_name_is_called_like_its_module_or_class(plugin: object, name: str) -> None:
    registry = Registry()
    registry.admit(plugin)
    assert registry.plugins()[-1].name == name


# ── Options ─────────────────────────────────────────────────────────────────


class Limited:
    """A plugin with an option."""

    def __init__(self, *, limit: int = 10) -> None:
        if limit < 0:
            msg = "limit must not be negative"
            raise ValueError(msg)
        self.limit = limit

    def untorn_validate(self, proposal: Proposal) -> list[Problem]:
        return [Problem(f"more than {self.limit}")] if len(proposal.data) > self.limit else []


def configured_module(result: object = None) -> ModuleType:
    """Return a module whose ``configure`` notes its options and returns ``result`` or the module."""
    module = as_module()

    def untorn_validate() -> list[Problem]:
        return [Problem(repr(vars(module).get("given")))]

    def configure(options: dict[str, object]) -> object:
        vars(module)["given"] = options
        return result or module

    vars(module).update(configure=configure, untorn_validate=untorn_validate)
    return module


@pytest.mark.parametrize(
    ("plugin", "options", "message"),
    [
        (Limited, {}, "more than 10"),
        (Limited, {"limit": 3}, "more than 3"),
        (Limited(limit=4), {}, "more than 4"),
        (configured_module(), {"a": 1}, "{'a': 1}"),
        (configured_module(Limited(limit=5)), {"a": 1}, "more than 5"),
        (configured_module(), {}, "None"),
    ],
)
def test_a_plugin_is_admitted_with_its_options(
    plugin: object, options: dict[str, object], message: str
) -> None:
    registry = Registry(options={"limited": options, "other": {"limit": 0}})
    registry.admit(plugin, "limited")
    assert verdict_of(registry) == [message]


@pytest.mark.parametrize(
    ("plugin", "options", "reason", "hint"),
    [
        (
            Limited,
            {"limt": 3},
            "unexpected keyword argument 'limt'",
            "did you mean 'limit'? its options: limit",
        ),
        (Limited, {"limit": -1}, "failed while being made: ValueError: limit must not be negative", ""),
        (Limited(), {"limit": 3}, "takes no options", "leave out 'limit'"),
        (
            type("Needy", (), {"__init__": lambda self, schema: None}),
            {},
            "missing a required argument: 'schema'",
            "its options: schema",
        ),
        (as_module(configure=lambda options: None), {"a": 1}, "returned None", ""),
        (
            as_module(configure=lambda options: options["b"]),
            {"a": 1},
            "failed while being configured: KeyError: 'b'",
            "",
        ),
    ],
)
def test_options_that_a_plugin_does_not_take_refuse_it(
    plugin: object, options: dict[str, object], reason: str, hint: str
) -> None:
    registry = Registry(options={"limited": options})
    with pytest.raises(PluginError) as caught:
        registry.admit(plugin, "limited")
    assert reason in caught.value.reason
    assert hint in caught.value.hint
    assert not registry.validators
