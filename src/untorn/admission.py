"""What a plugin must be to be admitted: checked before anything of it is registered."""

from __future__ import annotations

import difflib
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any, TypeAlias

from untorn import hookspecs
from untorn.errors import PluginError
from untorn.formats import Format, did_you_mean

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence

    from untorn.serializer import Serializer

PREFIX = "untorn_"
"""What the names of all hooks begin with; plugins must not use it for anything else."""

Function: TypeAlias = Callable[..., Any]


def _arguments(function: Function) -> tuple[str, ...]:
    return tuple(inspect.signature(function).parameters)


HOOKS: Mapping[str, tuple[str, ...]] = {
    name: _arguments(function)
    for name, function in vars(hookspecs).items()
    if name.startswith(PREFIX) and inspect.isfunction(function)
}
"""The arguments of every hook."""


@dataclass(frozen=True, slots=True)
class Implementation:
    """A function of a plugin that implements a hook, and how pluggy should order it."""

    hook: str
    function: Function
    options: Mapping[str, Any]


# ── Options ─────────────────────────────────────────────────────────────────


def configured(plugin: object, name: str, options: Mapping[str, object] | None) -> object:
    """Return the plugin with its options.

    A class is instantiated with the options as keywords; anything else that is
    given options needs a function ``configure(options)`` that returns the plugin.

    Raises:
        PluginError: It does not take these options, or failed.
    """
    given = dict(options or {})
    if inspect.isclass(plugin):
        return _guarded(name, "being made", lambda: _instance(plugin, name, given))
    if not given:
        return plugin
    configure = getattr(plugin, "configure", None)
    if not callable(configure):
        msg = "takes no options, and was given some"
        raise PluginError(msg, plugin=name, hint=f"leave out {', '.join(map(repr, given))}")
    result = _guarded(name, "being configured", lambda: configure(given))
    if result is None:
        msg = "configure(options) returned None instead of the configured plugin"
        raise PluginError(msg, plugin=name)
    return result


def _instance(cls: type, name: str, options: dict[str, object]) -> object:
    signature = inspect.signature(cls)
    try:
        signature.bind(**options)
    except TypeError as error:
        known = ", ".join(signature.parameters) or "none"
        unknown = [option for option in options if option not in signature.parameters]
        meant = did_you_mean(unknown[0], signature.parameters) if unknown else ""
        raise PluginError(
            f"does not take these options: {error}", plugin=name, hint=f"{meant}its options: {known}"
        ) from None
    return cls(**options)


def _guarded(name: str, doing: str, call: Callable[[], Any]) -> Any:  # noqa: ANN401  whatever ``call`` returns
    """Call plugin code; whatever it raises becomes a PluginError that says so."""
    try:
        return call()
    except PluginError:
        raise
    except (Exception, SystemExit) as error:
        raise PluginError(f"failed while {doing}: {described(error)}", plugin=name) from error


def described(error: BaseException) -> str:
    """Return the type and message of an error, also of one whose ``__str__`` fails."""
    try:
        message = str(error)
    except Exception:  # noqa: BLE001  it is a plugin's
        message = "(its message cannot be shown)"
    kind = type(error).__name__
    return f"{kind}: {message[:500]}" if message else kind


# ── Hooks ───────────────────────────────────────────────────────────────────


def implementations(plugin: object, name: str) -> list[Implementation]:
    """Return the hook implementations of a plugin, all of them sound.

    Functions marked with ``hookimpl`` count, and so do plain ones whose name
    begins with ``untorn_``.

    Raises:
        PluginError: One is unsound, or there are none.
    """
    found: list[Implementation] = _guarded(
        name, "being looked at", lambda: list(_implementations(plugin, name))
    )
    if not found:
        near = _nearest(dir(plugin))
        hint = f"is {near[0]!r} meant to be {near[1]!r}?" if near else f"hooks: {', '.join(HOOKS)}"
        msg = "implements no hook"
        raise PluginError(msg, plugin=name, hint=hint)
    twice = {each.hook for each in found if sum(other.hook == each.hook for other in found) > 1}
    if twice:
        raise PluginError(f"implements {min(twice)} more than once", plugin=name)
    return found


def _implementations(plugin: object, name: str) -> Iterator[Implementation]:
    for attribute in dir(plugin):
        options = _marked(plugin, attribute)
        if options is None and not attribute.startswith(PREFIX):
            continue
        function = getattr(plugin, attribute)
        if options is None and attribute not in HOOKS and not inspect.isroutine(function):
            continue  # a submodule such as untorn_ini, a constant
        hook = (options or {}).get("specname") or attribute
        if hook not in HOOKS and (options or {}).get("optionalhook"):
            continue  # for a newer untorn
        _check(hook, function, options or {}, name)
        yield Implementation(hook, function, options or {})


def hooks_of(plugin: object) -> set[str]:
    """Return which hooks a plugin means to implement, before anything of it is checked."""
    named = {(_marked(plugin, each) or {}).get("specname") or each for each in dir(plugin)}
    return named & set(HOOKS)


def _marked(plugin: object, attribute: str) -> Mapping[str, Any] | None:
    """Return what ``hookimpl`` noted on an attribute, without running a property to see it."""
    value = inspect.getattr_static(plugin, attribute, None)
    value = getattr(value, "__func__", value) if isinstance(value, (staticmethod, classmethod)) else value
    value = value.__func__ if inspect.ismethod(value) else value
    options = inspect.getattr_static(value, "untorn_impl", None)
    return options if isinstance(options, dict) else None


def _check(hook: str, function: object, options: Mapping[str, Any], name: str) -> None:
    """Raise unless ``function`` can be called as ``hook``."""
    if hook not in HOOKS:
        hint = (
            f"{did_you_mean(hook, HOOKS)}hooks: {', '.join(HOOKS)}; no other name may begin with {PREFIX!r}"
        )
        raise PluginError(f"there is no hook {hook!r}", plugin=name, hint=hint)
    if options.get("wrapper") or options.get("hookwrapper"):
        msg = f"{hook} is a wrapper: no plugin may stand between untorn and another plugin"
        raise PluginError(msg, plugin=name, hint="remove wrapper=True, and answer for yourself")
    if not (inspect.isfunction(function) or inspect.ismethod(function)):
        msg = f"{hook} is not a function but {type(function).__name__}"
        raise PluginError(msg, plugin=name, hint=f"write def {hook}({', '.join(HOOKS[hook])}): …")
    if inspect.iscoroutinefunction(function) or inspect.isasyncgenfunction(function):
        msg = f"{hook} is async, and nobody would await it"
        raise PluginError(msg, plugin=name, hint=f"write def {hook}(…) without async")
    _check_arguments(hook, function, name)


def _check_arguments(hook: str, function: Function, name: str) -> None:
    """Raise unless a caller can give exactly what the function asks for, by position."""
    for each in inspect.signature(function).parameters.values():
        if each.kind in (each.VAR_POSITIONAL, each.VAR_KEYWORD):
            continue
        if each.name in HOOKS[hook] and each.default is each.empty and each.kind is not each.KEYWORD_ONLY:
            continue
        known = ", ".join(HOOKS[hook]) or "none"
        if each.name in HOOKS[hook]:
            # With a default it would never be told what it is to judge.
            msg = f"argument {each.name!r} of {hook} must have no default and not be keyword-only"
            raise PluginError(msg, plugin=name, hint=f"write def {hook}({known}): …")
        if each.default is each.empty:
            hint = f"{did_you_mean(each.name, HOOKS[hook])}its arguments: {known}"
            raise PluginError(f"{hook} has no argument {each.name!r}", plugin=name, hint=hint)


def _nearest(names: Iterable[str]) -> tuple[str, str] | None:
    for name in names:
        near = difflib.get_close_matches(name, HOOKS, n=1, cutoff=0.75)
        if near:
            return name, near[0]
    return None


# ── Serializers ─────────────────────────────────────────────────────────────


def serializers_of(found: Iterable[Implementation], name: str) -> list[Serializer]:
    """Return the serializers that a plugin adds, all of them sound.

    Raises:
        PluginError: It raised, or answered something else.
    """
    added: list[Serializer] = []
    for each in found:
        if each.hook == "untorn_serializers":
            added += _guarded(name, "asked for its serializers", partial(_sound_serializers, each, name))
    return added


def _sound_serializers(implementation: Implementation, plugin: str) -> list[Serializer]:
    answer = _as_list(implementation.function())
    for serializer in answer:
        check_serializer(serializer, plugin)
    return answer


def _as_list(answer: object) -> list[Any]:
    if isinstance(answer, (str, bytes, Mapping)) or not isinstance(answer, Iterable):
        msg = f"untorn_serializers() is to return a list of serializers, and returned {answer!r}"
        raise TypeError(msg)
    return list(answer)


def check_serializer(serializer: object, plugin: str) -> None:
    """Raise unless ``serializer`` has what every serializer needs."""
    label = getattr(serializer, "name", None)
    if not isinstance(label, str) or not label:
        msg = f"its serializer {serializer!r} has no name"
        raise PluginError(
            msg, plugin=plugin, hint="a serializer needs name, suffixes, parse(text) and render(value)"
        )
    suffixes: Any = getattr(serializer, "suffixes", None)
    if not _strings(suffixes) or not all(suffix.startswith(".") for suffix in suffixes):
        msg = f"suffixes of its serializer {label!r} is {suffixes!r}, not a tuple of strings like '.ini'"
        raise PluginError(msg, plugin=plugin)
    for optional in ("filenames", "encodings"):
        if not _strings(getattr(serializer, optional, ())):
            msg = f"{optional} of its serializer {label!r} is to be a tuple of strings"
            raise PluginError(msg, plugin=plugin)
    _check_methods(serializer, label, plugin)


def _check_methods(serializer: object, label: str, plugin: str) -> None:
    needed = {"parse": "parse(text)", "render": "render(value)"}
    if hasattr(serializer, "patch") or hasattr(serializer, "locate"):
        needed |= {"patch": "patch(text, operations)", "locate": "locate(text, keypath)"}
    if hasattr(serializer, "parse_all") or hasattr(serializer, "render_all"):
        needed |= {"parse_all": "parse_all(text)", "render_all": "render_all(values)"}
    for method, written in needed.items():
        if not callable(getattr(serializer, method, None)):
            raise PluginError(f"its serializer {label!r} lacks {written}", plugin=plugin)


def _strings(value: object) -> bool:
    return isinstance(value, (list, tuple)) and all(isinstance(each, str) for each in value)


def format_of(serializer: Serializer) -> Format:
    """Return how the files of a serializer are called, as it says now."""
    patterns: Sequence[str] = getattr(serializer, "filenames", ())
    return Format("", tuple(suffix.lower() for suffix in serializer.suffixes), tuple(patterns))


def check_free(name: str, added: Format, taken: Mapping[str, Format], plugin: str) -> None:
    """Raise if a format's name, or one of its suffixes or patterns, is another's already.

    Raises:
        PluginError: Naming what is taken, and by which format.
    """
    if name in taken:
        msg = f"a serializer {name!r} is there already"
        raise PluginError(msg, plugin=plugin, hint="call it something else")
    for other, its in taken.items():
        both = (set(added.suffixes) & set(its.suffixes)) | (set(added.patterns) & set(its.patterns))
        if both:
            msg = f"its serializer {name!r} wants {min(both)!r}, which {other!r} has already"
            raise PluginError(msg, plugin=plugin, hint="leave it out: format= reaches your serializer, too")
