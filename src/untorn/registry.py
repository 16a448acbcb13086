"""Admits plugins, refuses bad ones, and calls hooks one by one, so that blame is exact."""

from __future__ import annotations

import inspect
import logging
import threading
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from importlib import metadata
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pluggy

from untorn import hookspecs
from untorn.admission import (
    check_free,
    configured,
    described,
    format_of,
    hooks_of,
    implementations,
    serializers_of,
)
from untorn.errors import PluginError
from untorn.formats import (
    BUILT_IN,
    Format,
    built_in,
    did_you_mean,
    name_for,
    no_format_called,
    no_serializer_for,
)
from untorn.verdicts import asked, copy_for_one, fault, in_order

if TYPE_CHECKING:
    from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
    from pathlib import Path

    from untorn.admission import Implementation
    from untorn.records import Problem, Proposal, Receipt
    from untorn.serializer import Serializer

GROUP = "untorn"
"""The entry-point group in which installed plugins are found."""

_KINDS = {"untorn_serializers": "serializer", "untorn_validate": "validator", "untorn_saved": "observer"}

log = logging.getLogger("untorn")


@dataclass(frozen=True, slots=True)
class PluginInfo:
    """What is known about a plugin.

    Attributes:
        name: What it was admitted as; for an installed one, its entry point.
        version: Of its distribution, or its ``__version__``, or ``""``.
        distribution: What to ``pip install``, or ``""``.
        kind: ``"serializer"``, ``"validator"``, ``"observer"``, or several,
            joined by commas; ``""`` for a refused one.
        formats: The names of the formats that it adds.
        state: ``"built in"``, ``"admitted"`` or ``"refused"``.
        reason: Why it was refused, or ``""``.
    """

    name: str
    version: str = ""
    distribution: str = ""
    kind: str = ""
    formats: tuple[str, ...] = ()
    state: str = "admitted"
    reason: str = ""


class _Adopted:
    """What pluggy gets to see of a plugin: its checked functions, and nothing else of it."""

    def __init__(
        self, info: PluginInfo, found: list[Implementation], serializers: dict[str, Serializer]
    ) -> None:
        self.info = info
        self.serializers = serializers
        self.options = {each.hook: {**each.options, "specname": None} for each in found}
        vars(self).update({each.hook: each.function for each in found})


class _Manager(pluggy.PluginManager):
    """A plugin manager that takes ``_Adopted`` plugins."""

    def parse_hookimpl_opts(self, plugin: Any, name: str) -> Any:  # noqa: ANN401  as in pluggy
        """Return the options of a checked function."""
        return plugin.options.get(name)


class Registry:
    """The plugins of one host. Thread-safe.

    Args:
        required: Names of plugins without which no save is allowed.
        options: For each plugin's name, the options that it is configured with.
    """

    def __init__(
        self, *, required: Sequence[str] = (), options: Mapping[str, Mapping[str, object]] | None = None
    ) -> None:
        self._required = tuple(required)
        self._options = dict(options or {})
        self._pm = _Manager("untorn")
        self._pm.add_hookspecs(hookspecs)
        self._formats: dict[str, Format] = {}
        self._serializers: dict[str, Serializer] = {}
        self._refused: dict[str, PluginInfo] = {}
        # Admission may import code that uses untorn in turn, in this thread.
        self._lock = threading.RLock()
        for name in BUILT_IN:
            self._admit_built_in(name)

    # ── Admission ───────────────────────────────────────────────────────────

    def admit(self, plugin: object, name: str | None = None) -> None:
        """Let ``plugin`` take part from now on.

        Args:
            plugin: A module or object with hooks, or a class, which is
                instantiated with its options.
            name: Who is blamed; default: what the module or class is called.

        Raises:
            PluginError: It cannot be admitted; it left no trace.
        """
        self._admit(plugin, PluginInfo(name or _name_of(plugin), version=_version_of(plugin)))

    def _admit(self, plugin: object, info: PluginInfo) -> None:
        with self._lock:
            if self._pm.has_plugin(info.name):
                msg = "a plugin of that name is there already"
                raise PluginError(msg, plugin=info.name, hint="give it another one: admit(plugin, name)")
            plugin = configured(plugin, info.name, self._options.get(info.name))
            adopted = self._checked(implementations(plugin, info.name), info)
            # All checks are behind us: from here on nothing raises.
            self._pm.register(adopted, info.name)
            # New tables, for other threads may be looking into the old ones.
            added = {name: format_of(each) for name, each in adopted.serializers.items()}
            self._formats = {**self._formats, **added}
            self._serializers = {**self._serializers, **adopted.serializers}
            self._refused = {name: each for name, each in self._refused.items() if name != info.name}

    def _checked(self, found: list[Implementation], info: PluginInfo) -> _Adopted:
        taken = dict(self._formats)
        serializers: dict[str, Serializer] = {}
        for each in serializers_of(found, info.name):
            check_free(each.name, format_of(each), taken, info.name)
            taken[each.name] = format_of(each)
            serializers[each.name] = each
        kinds = ", ".join(kind for hook, kind in _KINDS.items() if any(each.hook == hook for each in found))
        info = PluginInfo(info.name, info.version, info.distribution, kinds, tuple(serializers), info.state)
        return _Adopted(info, found, serializers)

    def _admit_built_in(self, name: str) -> None:
        info = PluginInfo(name, _version("untorn"), "untorn", state="built in")
        with self._setting_aside(info):
            serializer = built_in(name)
            self._admit(SimpleNamespace(untorn_serializers=lambda: [serializer]), info)

    # ── Installed plugins ───────────────────────────────────────────────────

    def use(self, name: str) -> None:
        """Let an installed plugin take part, by the name of its entry point.

        Raises:
            PluginError: It is not installed, or cannot be admitted.
        """
        if self._pm.has_plugin(name):
            return
        installed = _installed()
        found = [each for each in installed if each.name == name]
        if not found:
            names = sorted({each.name for each in installed})
            known = f"installed: {', '.join(names)}" if names else "no plugin is installed"
            hint = f"{did_you_mean(name, names)}pip install untorn-{name}; {known}"
            msg = "is not installed"
            raise PluginError(msg, plugin=name, hint=hint)
        self._admit(_loaded(found[0]), _info(found[0]))

    def discover(self, names: Collection[str] | None = None) -> None:
        """Let installed plugins take part: all, or those with one of ``names``.

        One that cannot be is set aside in ``refused``; nothing else suffers.
        """
        for point in _installed():
            if names is None or point.name in names:
                self._adopt(point, lambda _plugin: True)

    def discover_serializers(self) -> None:
        """Let those installed plugins take part that add formats and do nothing else.

        So a package that validates changes no application's saves by being installed.
        """
        for point in _installed():
            self._adopt(point, _only_adds_formats)

    def _adopt(self, point: metadata.EntryPoint, wanted: Callable[[object], bool]) -> None:
        info = _info(point)
        if self._same_is_there(info):
            return
        with self._lock, self._setting_aside(info):
            plugin = _loaded(point)
            if wanted(plugin):
                self._admit(plugin, info)

    def _same_is_there(self, info: PluginInfo) -> bool:
        there = {(each.info.name, each.info.distribution) for each in self._adopted()}
        return (info.name, info.distribution) in there

    @contextmanager
    def _setting_aside(self, info: PluginInfo) -> Iterator[None]:
        """Note whatever goes wrong inside as the reason why a plugin was refused."""
        try:
            yield
        except (Exception, SystemExit) as error:
            log.debug("plugin %r was set aside", info.name, exc_info=True)
            reason = error.reason if isinstance(error, PluginError) else described(error)
            # Two distributions may use one name: do not let one hide the other's fate.
            name = f"{info.name} ({info.distribution})" if self._pm.has_plugin(info.name) else info.name
            refused = PluginInfo(name, info.version, info.distribution, state="refused", reason=reason)
            self._refused = {**self._refused, name: refused}

    @property
    def refused(self) -> Mapping[str, str]:
        """The plugins that were set aside, with the reason."""
        return {name: info.reason for name, info in self._refused.items()}

    def plugins(self) -> list[PluginInfo]:
        """Return all plugins: those in the box, those admitted, those set aside."""
        return [*(adopted.info for adopted in self._adopted()), *self._refused.values()]

    def _adopted(self) -> list[_Adopted]:
        return [each for _, each in self._pm.list_name_plugin() if isinstance(each, _Adopted)]

    # ── Serializers ─────────────────────────────────────────────────────────

    def serializer(self, name: str) -> Serializer:
        """Return the serializer of that name.

        Raises:
            UnknownFormatError: There is none.
        """
        try:
            return self._serializers[name]
        except (KeyError, TypeError):
            raise no_format_called(name, self._serializers) from None

    def serializer_for(self, path: Path) -> Serializer:
        """Return the serializer for the file at ``path``, by its name.

        Raises:
            UnknownFormatError: There is none.
        """
        name = name_for(path, self._formats)
        if name is None:
            raise no_serializer_for(path, self._serializers)
        return self._serializers[name]

    # ── Hooks ───────────────────────────────────────────────────────────────

    @property
    def validators(self) -> bool:
        """Whether anybody would be asked, or is missed, before a save."""
        return bool(self._required) or bool(self._pm.hook.untorn_validate.get_hookimpls())

    def validate(self, proposal: Proposal) -> list[Problem]:
        """Ask every validator, and return all problems, in the order of the text.

        Each gets copies of its own. One that raises or answers nonsense is a
        problem too, as is a required plugin that is missing: the save is to be
        refused whatever the others say.
        """
        problems = [self._missing(name) for name in self._required if not self._pm.has_plugin(name)]
        for each in self._implementations("untorn_validate"):
            own = copy_for_one(proposal)
            problems += asked(each.plugin_name, partial(_called, each, proposal=own), proposal)
        return in_order(problems)

    def _missing(self, name: str) -> Problem:
        reason = self.refused.get(name)
        why = f"was refused: {reason}" if reason else "was not admitted"
        return fault(name, f"the required plugin {name!r} is missing: it {why}")

    def saved(self, receipt: Receipt) -> None:
        """Tell every plugin of a finished save; one that raises is logged and changes nothing."""
        for each in self._implementations("untorn_saved"):
            try:
                _called(each, receipt=receipt)
            except (Exception, SystemExit):
                log.warning(
                    "plugin %r failed while being told of a finished save", each.plugin_name, exc_info=True
                )

    def _implementations(self, hook: str) -> Iterator[pluggy.HookImpl]:
        # The order in which pluggy would call them: the last one admitted first.
        caller: pluggy.HookCaller = getattr(self._pm.hook, hook)
        return reversed(caller.get_hookimpls())


def _called(implementation: pluggy.HookImpl, **arguments: object) -> Any:  # noqa: ANN401  the plugin's answer
    return implementation.function(*(arguments[name] for name in implementation.argnames))


def _installed() -> list[metadata.EntryPoint]:
    """Return the entry points of all installed plugins, in a stable order."""
    points = metadata.entry_points(group=GROUP)
    return sorted(points, key=lambda point: (point.name, _info(point).distribution, point.value))


def _loaded(point: metadata.EntryPoint) -> object:
    """Import a plugin.

    Raises:
        PluginError: Its module raised, or wanted to end the program.
    """
    try:
        return point.load()
    except BaseException as error:  # also SystemExit, and a KeyboardInterrupt that it raises itself
        raise PluginError(
            f"failed while being imported: {described(error)}",
            plugin=point.name,
            hint=f"python -c 'import {point.module}' shows where",
        ) from error


def _info(point: metadata.EntryPoint) -> PluginInfo:
    distribution = point.dist
    if distribution is None:
        return PluginInfo(point.name)
    return PluginInfo(point.name, distribution.version, distribution.name)


def _only_adds_formats(plugin: object) -> bool:
    return hooks_of(plugin) == {"untorn_serializers"}


def _name_of(plugin: object) -> str:
    named = plugin if inspect.ismodule(plugin) or inspect.isclass(plugin) else type(plugin)
    return named.__name__


def _version_of(plugin: object) -> str:
    version = inspect.getattr_static(plugin, "__version__", "")
    return version if isinstance(version, str) else ""


def _version(distribution: str) -> str:
    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""
