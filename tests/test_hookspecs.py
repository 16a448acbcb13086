"""The contract with plugins, and its page."""

from __future__ import annotations

import inspect
import re
from pathlib import Path

import pytest

from untorn import hookspecs, sdk
from untorn.admission import HOOKS

PAGE = Path(__file__).parents[1] / "docs" / "reference" / "hooks.md"


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_has_a_heading_with_its_arguments(hook: str) -> None:
    assert f"\n## `{hook}({', '.join(HOOKS[hook])})`\n" in PAGE.read_text("utf-8")


def test_every_heading_is_of_a_hook_that_exists() -> None:
    documented = re.findall(r"^## `(untorn_\w+)", PAGE.read_text("utf-8"), re.MULTILINE)
    assert documented == list(HOOKS)


@pytest.mark.parametrize("hook", HOOKS)
def test_every_hook_says_when_it_is_called_and_what_raising_means(hook: str) -> None:
    text = inspect.getdoc(getattr(hookspecs, hook)) or ""
    assert "Called" in text
    assert "aising" in text


@pytest.mark.parametrize("hook", HOOKS)
def test_a_hookspec_is_never_an_implementation(hook: str) -> None:
    with pytest.raises(NotImplementedError):
        getattr(hookspecs, hook)(*HOOKS[hook])


def test_plugins_get_the_marker_from_the_sdk() -> None:
    assert sdk.hookimpl is hookspecs.hookimpl
