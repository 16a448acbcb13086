"""The contract with plugins: the hooks that untorn calls.

Only the registry and plugins with hooks import this module: pluggy comes with it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

import pluggy

if TYPE_CHECKING:
    from collections.abc import Iterable

    from untorn.records import Problem, Proposal, Receipt
    from untorn.serializer import Serializer

hookspec = pluggy.HookspecMarker("untorn")
hookimpl = pluggy.HookimplMarker("untorn")
"""Marks the functions of a plugin that implement a hook."""


@hookspec
def untorn_serializers() -> Iterable[Serializer]:
    """Return the formats that this plugin adds.

    Called once, when the plugin is admitted. A name or suffix that another
    plugin has already is a reason to refuse the whole plugin. Raising refuses
    it too, and names it.
    """
    raise NotImplementedError


@hookspec
def untorn_validate(proposal: Proposal) -> Iterable[Problem]:
    """Find reasons not to save ``proposal``.

    Called for every save, after the new text has been proved. A ``save`` holds
    no lock then, but ``edit`` and a save's last try do: be quick. Called again
    if the save is retried.

    Return an empty iterable to agree. Raising also stops the save, but blames
    the plugin rather than the value, so return a Problem for anything the user
    could fix.
    """
    raise NotImplementedError


@hookspec
def untorn_saved(receipt: Receipt) -> None:
    """Take note of a finished save.

    Called once for every save that returned, after the commit and without a
    lock. Raising changes nothing: it is logged as a warning with your name.
    """
    raise NotImplementedError
