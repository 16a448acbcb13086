"""Every validator is asked, and every problem has its place (promise 6)."""

from __future__ import annotations

from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pytest

import untorn
from untorn.sdk import Problem, hookimpl

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from untorn.records import Proposal

TEXTS = {
    "toml": '# head\n[server]\nhost = "localhost" # name\nport = 80\ntags = ["a", "b"]\n',
    "yaml": "# head\nserver:\n  host: localhost # name\n  port: 80\n  tags: [a, b]\n",
    "json": '{"server": {\n  "host": "localhost",\n  "port": 80, "tags": ["a", "b"]}}\n',
    "jsonc": '{"server": { // head\n  "host": "localhost", /* name */\n  "port": 80, "tags": ["a", "b"],}}\n',
}


def plugin(validate: Callable[[Proposal], Any]) -> SimpleNamespace:
    """A plugin with one validator."""

    @hookimpl
    def untorn_validate(proposal: Proposal) -> Any:
        return validate(proposal)

    return SimpleNamespace(untorn_validate=untorn_validate)


def crash(proposal: Proposal) -> list[Problem]:
    del proposal.value["server"]  # what the others see is their own
    raise ZeroDivisionError("oh")


@pytest.mark.parametrize("newline", ["\n", "\r\n"], ids=["lf", "crlf"])
@pytest.mark.parametrize("mark", [b"", b"\xef\xbb\xbf"], ids=["plain", "bom"])
@pytest.mark.parametrize("format", TEXTS)
def test_one_error_names_all_and_each_span_is_the_culprits_text(
    tmp_path: Path, format: str, mark: bytes, newline: str
) -> None:
    host = untorn.Host()
    host.admit(plugin(crash), "crashes")
    host.admit(plugin(lambda _: [Problem("taken", where=("server", "port"))]), "ports")
    host.admit(plugin(lambda _: [Problem("unknown", where=("server", "tags", 1))]), "tags")
    path = tmp_path / f"x.{format}"
    data = mark + TEXTS[format].replace("\n", newline).encode()
    path.write_bytes(data)

    doc = host.open(path)
    doc.set("server.port", 99999)
    doc.insert("server.tags", 0, "first")
    with pytest.raises(untorn.RejectedError) as caught:
        doc.save()

    assert path.read_bytes() == data
    problems = {problem.plugin: problem for problem in caught.value.problems}
    assert set(problems) == {"crashes", "ports", "tags"}
    assert "ZeroDivisionError" in problems["crashes"].message
    for name, expected in (("ports", "99999"), ("tags", {"yaml": "a"}.get(format, '"a"'))):
        problem = problems[name]
        assert problem.span is not None
        assert problem.span.of(doc.text) == expected
        assert problem.location is not None
        line = doc.text.splitlines()[problem.location.line - 1]
        assert line[problem.location.column - 1 :].startswith(expected)
        assert "^" * len(expected) in problem.excerpt
        assert f"{path}:{problem.location.line}:{problem.location.column}" in str(caught.value)
