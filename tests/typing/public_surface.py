"""What type checkers make of the public surface: checked by mypy and pyright, never run.

A line marked as an error must be one: both checkers report ignores that they do not need.
"""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING, Any, assert_type

import untorn
from untorn import Document, Host, Location, Problem, Receipt, Revision
from untorn.sdk import Proposal, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable


def reading(path: Path) -> None:
    assert_type(untorn.load("settings.toml"), Any)
    assert_type(untorn.load(path, format="toml", document=0, missing=None), Any)
    assert_type(untorn.loads(b"a: 1", format="yaml", document="all"), Any)
    assert_type(untorn.dumps({"a": 1}, format="json"), str)
    untorn.load(path, document="first")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    untorn.loads("a: 1")  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def saving(path: Path) -> None:
    receipt = untorn.save(path, {"a": 1}, timeout=1.5, durability="none", base=None)
    assert_type(receipt, Receipt)
    assert_type(receipt.revision, Revision)
    assert_type(receipt.durable, bool | None)
    assert_type(receipt.warnings, tuple[str, ...])
    assert_type(untorn.write_text("notes.md", "text", mode=0o600), Receipt)
    assert_type(untorn.write_bytes("blob", b"", metadata="best", hard_links="refuse"), Receipt)
    untorn.save(path, {}, durability="some")  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]
    untorn.save(path, {}, fsync=True)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]
    untorn.write_text(path, "text", base=None)  # type: ignore[call-arg]  # pyright: ignore[reportCallIssue]


def editing() -> None:
    with untorn.edit("settings.toml", create=True) as doc:
        assert_type(doc, Document)
        doc["server"]["port"] = 8080
        doc.delete(("server", "debug"))
    change: Callable[[Document], None] = lambda doc: doc.set("n", doc.get("n", 0) + 1)  # noqa: E731
    assert_type(untorn.update("counts.toml", change), Receipt)


def documents(path: Path) -> None:
    doc = untorn.open(path)
    assert_type(doc, Document)
    assert_type(untorn.parse("a = 1", format="toml"), Document)
    assert_type(doc.path, Path | None)
    assert_type(doc.text, str)
    assert_type(doc.to_bytes(), bytes)
    assert_type(doc.diff(), str)
    assert_type(doc.location("a"), Location)
    assert_type(doc.save(), Receipt)
    doc.set(1, 2)  # type: ignore[arg-type]  # pyright: ignore[reportArgumentType]


def errors(path: Path) -> None:
    try:
        untorn.save(path, {})
    except untorn.RejectedError as error:
        assert_type(error.problems, tuple[Problem, ...])
    except untorn.WriteError as error:
        assert_type(error.left_behind, Path | None)
    except untorn.NotDurableError as error:
        assert_type(error.receipt, Receipt)
    except untorn.LoadError as error:
        assert_type(error.location, Location | None)
        assert_type(error.revision, Revision | None)


@hookimpl
def untorn_validate(proposal: Proposal) -> list[Problem]:
    assert_type(proposal.text, str | None)
    return [Problem("no", where=("a", 0))]


def hosts() -> None:
    host = Host(plugins=[], required=["schema"], options={"schema": {"file": "s.json"}})
    assert_type(host.save("a.toml", {}), Receipt)
    with host.edit("a.toml") as doc:
        assert_type(doc, Document)
