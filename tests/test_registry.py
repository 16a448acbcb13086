"""Discovery, lookups and calls of the plugins of one host."""

from __future__ import annotations

import logging
import sys
from importlib import metadata
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import TYPE_CHECKING

import pytest

from untorn.errors import PluginError, UnknownFormatError
from untorn.records import Problem, Proposal, Receipt, Revision
from untorn.registry import PluginInfo, Registry
from untorn.testing import proposal

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence

    from untorn.serializer import Serializer
    from untorn.values import Value


class Ini:
    """A serializer of twenty lines."""

    name = "ini"
    suffixes: Sequence[str] = (".ini", ".cfg")
    filenames: tuple[str, ...] = (".flake8",)

    def parse(self, text: str) -> Value:
        return dict(line.split("=", 1) for line in text.splitlines())

    def render(self, value: Value) -> str:
        return "".join(f"{key}={item}\n" for key, item in value.items())


def adding(*serializers: object) -> object:
    """Return a plugin that adds these serializers."""
    return SimpleNamespace(untorn_serializers=lambda: list(serializers))


def agree(proposal: Proposal) -> list[Problem]:
    return []


def module_with(**members: object) -> ModuleType:
    module = ModuleType("untorn_mine")
    vars(module).update(members)
    return module


PROPOSAL = proposal({"port": 80})


# ── Installed plugins ───────────────────────────────────────────────────────

MODULES = {
    "good": "from untorn.sdk import Problem\ndef untorn_validate():\n    return [Problem('good')]\n",
    "ini": "from tests_ini import Ini\ndef untorn_serializers():\n    return [Ini()]\n",
    "missing": "import no_such_module_anywhere\n",
    "broken": "def (:\n",
    "quits": "raise SystemExit('bye')\n",
    "interrupts": "raise KeyboardInterrupt\n",
    "unhooked": "",
    "json": "def untorn_validate(proposal):\n    return []\n",
}


@pytest.fixture
def install(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[..., None]]:
    """Return a function that installs a distribution with one plugin, importable by name."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setitem(sys.modules, "tests_ini", SimpleNamespace(Ini=Ini))
    before = set(sys.modules)

    def installing(name: str, source: str | None = None, *, distribution: str | None = None) -> None:
        distribution = distribution or f"untorn-{name}"
        module = f"{distribution.replace('-', '_')}_test"
        (tmp_path / f"{module}.py").write_text(MODULES[name] if source is None else source, "utf-8")
        info = tmp_path / f"{distribution.replace('-', '_')}-1.5.dist-info"
        info.mkdir()
        (info / "METADATA").write_text(
            f"Metadata-Version: 2.1\nName: {distribution}\nVersion: 1.5\n", "utf-8"
        )
        (info / "entry_points.txt").write_text(f"[untorn]\n{name} = {module}\n", "utf-8")

    yield installing
    for module in set(sys.modules) - before:
        del sys.modules[module]


def test_an_installed_plugin_joins_by_name_and_is_not_imported_before(install: Callable[..., None]) -> None:
    install("good")
    install("quits")
    registry = Registry()
    assert "untorn_good_test" not in sys.modules
    registry.use("good")
    registry.use("good")
    assert [each.message for each in registry.validate(PROPOSAL)] == ["good"]
    assert registry.plugins()[-1] == PluginInfo("good", "1.5", "untorn-good", "validator")


def test_a_plugin_that_is_not_installed_is_an_error_that_says_what_is(install: Callable[..., None]) -> None:
    install("good")
    with pytest.raises(PluginError) as caught:
        Registry().use("goood")
    assert caught.value.reason == "is not installed"
    assert caught.value.hint.startswith("did you mean 'good'? pip install untorn-goood; installed: ")


def test_where_no_plugin_is_installed_the_error_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(metadata, "entry_points", lambda group: [])
    with pytest.raises(PluginError, match="no plugin is installed"):
        Registry().use("good")


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        (
            "missing",
            "failed while being imported: ModuleNotFoundError: No module named 'no_such_module_anywhere'",
        ),
        ("broken", "failed while being imported: SyntaxError"),
        ("quits", "failed while being imported: SystemExit: bye"),
        ("interrupts", "failed while being imported: KeyboardInterrupt"),
        ("unhooked", "implements no hook"),
    ],
)
def test_a_broken_plugin_is_set_aside_and_nothing_else_suffers(
    install: Callable[..., None], name: str, reason: str
) -> None:
    for each in ("good", name):
        install(each)
    registry = Registry()
    registry.discover(["good", name])
    assert registry.refused.keys() == {name}
    assert registry.refused[name].startswith(reason)
    assert registry.plugins()[-1].state == "refused"
    assert [each.message for each in registry.validate(PROPOSAL)] == ["good"]
    with pytest.raises(PluginError, match=f"plugin {name!r}: {reason.split(':', maxsplit=1)[0]}"):
        registry.use(name)


def test_only_the_named_plugins_are_discovered_or_all(install: Callable[..., None]) -> None:
    install("good")
    install("ini")
    some, every = Registry(), Registry()
    some.discover({"good"})
    every.discover()
    assert not {"ini"} & {each.name for each in some.plugins()}
    assert {"ini", "good"} <= {each.name for each in every.plugins()}


def test_discovering_twice_admits_once(install: Callable[..., None]) -> None:
    install("good")
    registry = Registry()
    registry.discover(["good"])
    registry.discover(["good"])
    assert not registry.refused
    assert len(registry.validate(PROPOSAL)) == 1


def test_a_plugin_that_was_set_aside_may_join_when_it_is_repaired(
    install: Callable[..., None], tmp_path: Path
) -> None:
    install("good", "raise OSError\n")
    registry = Registry()
    registry.discover(["good"])
    assert registry.refused == {"good": "failed while being imported: OSError"}
    (tmp_path / "untorn_good_test.py").write_text(MODULES["good"], "utf-8")
    registry.use("good")
    assert not registry.refused


def test_a_name_that_two_distributions_use_belongs_to_one_and_the_other_is_listed(
    install: Callable[..., None],
) -> None:
    install("good")
    install("good", distribution="untorn-worse")
    install("json")
    registry = Registry()
    registry.discover(["good", "json"])
    assert registry.refused == {
        "good (untorn-worse)": "a plugin of that name is there already",
        "json (untorn-json)": "a plugin of that name is there already",
    }


def test_looking_for_formats_lets_nobody_join_who_does_more(install: Callable[..., None]) -> None:
    for name in ("good", "ini", "broken"):
        install(name)
    both = MODULES["ini"].replace("ini", "both") + MODULES["good"]
    install("both", both.replace("tests_both", "tests_ini"))
    registry = Registry()
    registry.discover_serializers()
    assert registry.serializer_for(Path("a.ini")).name == "ini"
    assert not registry.validators
    assert "broken" in registry.refused
    assert not {"good", "both"} & {*registry.refused, *(each.name for each in registry.plugins())}


def test_an_entry_point_may_come_without_a_distribution(monkeypatch: pytest.MonkeyPatch) -> None:
    point = metadata.EntryPoint("mine", "tests_mine", "untorn")
    monkeypatch.setattr(metadata, "entry_points", lambda group: [point])
    monkeypatch.setitem(sys.modules, "tests_mine", module_with(untorn_saved=lambda: None))
    registry = Registry()
    registry.discover()
    assert registry.plugins()[-1] == PluginInfo("mine", kind="observer")


def test_a_missing_distribution_of_untorn_itself_is_no_reason_to_fail(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def not_found(name: str) -> str:
        raise metadata.PackageNotFoundError(name)

    monkeypatch.setattr(metadata, "version", not_found)
    assert Registry().plugins()[0].version == ""


def test_plugins_lists_those_in_the_box_first() -> None:
    registry = Registry()
    everything = {
        "untorn_serializers": lambda: [Ini()],
        "untorn_validate": agree,
        "untorn_saved": lambda: None,
    }
    registry.admit(SimpleNamespace(**everything), "mine")
    *box, mine = registry.plugins()
    assert [(each.name, each.state, each.kind) for each in box] == [
        (name, "built in", "serializer") for name in ("json", "jsonc", "toml", "yaml")
    ]
    assert mine == PluginInfo("mine", kind="serializer, validator, observer", formats=("ini",))


def test_the_version_of_a_plugin_is_what_it_says() -> None:
    registry = Registry()
    registry.admit(module_with(untorn_validate=agree, __version__="2.0"))
    registry.admit(module_with(untorn_validate=agree, __version__=2), "odd")
    assert [each.version for each in registry.plugins()[-2:]] == ["2.0", ""]


# ── Serializers ─────────────────────────────────────────────────────────────


def test_an_admitted_serializer_has_its_name_suffixes_and_filenames() -> None:
    registry = Registry()
    ini: Serializer = Ini()
    registry.admit(adding(ini), "ini")
    found = {
        registry.serializer("ini"),
        *(registry.serializer_for(Path(p)) for p in ("a.ini", "a.CFG", "x/.flake8")),
    }
    assert found == {ini}
    assert registry.serializer_for(Path("a.json")).name == "json"


def test_an_admission_leaves_alone_what_another_thread_may_be_looking_into() -> None:
    registry = Registry()
    tables = (registry._formats, registry._serializers, registry._refused)
    before = [dict(table) for table in tables]
    registry.admit(adding(Ini()), "ini")
    assert [dict(table) for table in tables] == before
    assert registry.serializer("ini").name == "ini"


def test_an_unknown_format_is_told_what_is_known() -> None:
    registry = Registry()
    registry.admit(adding(Ini()), "ini")
    with pytest.raises(UnknownFormatError, match=r"did you mean 'yaml'.*ini, json, jsonc, toml, yaml"):
        registry.serializer("yml")
    with pytest.raises(UnknownFormatError, match=r"no serializer for '\.conf' files"):
        registry.serializer_for(Path("a.conf"))
    with pytest.raises(UnknownFormatError, match="no format is called"):
        registry.serializer([])  # type: ignore[arg-type]  # what a caller may do


# ── Required, and told ──────────────────────────────────────────────────────


def test_a_required_plugin_that_is_missing_is_a_problem(install: Callable[..., None]) -> None:
    install("quits")
    registry = Registry(required=["limited", "quits", "json"])
    registry.discover(["quits"])
    assert registry.validators
    missing, refused = registry.validate(PROPOSAL)
    assert (missing.plugin, refused.plugin) == ("limited", "quits")
    assert missing.message == "the required plugin 'limited' is missing: it was not admitted"
    assert refused.message.startswith("the required plugin 'quits' is missing: it was refused: failed while")
    registry.admit(SimpleNamespace(untorn_validate=agree), "limited")
    assert [each.plugin for each in registry.validate(PROPOSAL)] == ["quits"]


def test_whether_anybody_would_be_asked() -> None:
    registry = Registry()
    assert not registry.validators
    registry.admit(adding(Ini()), "ini")
    assert not registry.validators
    registry.admit(SimpleNamespace(untorn_validate=agree), "agree")
    assert registry.validators


# ── Saved ───────────────────────────────────────────────────────────────────


def test_everybody_is_told_of_a_save_and_a_failure_is_only_logged(caplog: pytest.LogCaptureFixture) -> None:
    told: list[tuple[str, Receipt]] = []

    def fail(receipt: Receipt) -> None:
        told.append(("fail", receipt))
        raise SystemExit

    receipt = Receipt(Path("a.json"), changed=True, durable=True, revision=Revision("0"))
    registry = Registry()
    registry.admit(SimpleNamespace(untorn_saved=lambda receipt: told.append(("ok", receipt))), "first")
    registry.admit(SimpleNamespace(untorn_saved=fail), "failing")
    registry.admit(SimpleNamespace(untorn_saved=lambda receipt: told.append(("ok", receipt))), "last")
    with caplog.at_level(logging.WARNING, "untorn"):
        registry.saved(receipt)
    assert sorted(told, key=lambda each: each[0]) == [("fail", receipt), ("ok", receipt), ("ok", receipt)]
    [record] = caplog.records
    assert record.levelno == logging.WARNING
    assert record.getMessage() == "plugin 'failing' failed while being told of a finished save"
