r"""Every example of the documentation is executed, and every claim leads to what holds it.

How an author writes examples, in any page under ``docs`` and in the README:

``python``
    Executed, page from top to bottom, in a directory of the page's own.
any language, with ``title="settings.toml"``
    The file that the reader is to have: it is written.
the same with ``title="settings.toml, afterwards"``
    What the file must hold at that point.
``console``
    Commands behind ``$``, and exactly what they print (a line ``…`` stands for
    any lines); a command must succeed, so one that shows a failure ends in
    ``|| echo "exit status $?"``.
``sh``, ``text``, ``diff``, and what has no language that runs
    For reading only: commands that would change the reader's machine, and output.
"""

from __future__ import annotations

import inspect
import os
import re
import shlex
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest
from sybil import Document, Example, Region, Sybil
from sybil.evaluators.python import PythonEvaluator
from sybil.parsers.markdown.lexers import RawFencedCodeBlockLexer

import untorn
from untorn import hookspecs
from untorn.keywords import SaveKeywords

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable

ROOT = Path(__file__).parent.parent
DOCS = ROOT / "docs"
FRAGMENTS = DOCS / "changelog.d"
PAGES = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md")),
    *(path for path in sorted(DOCS.rglob("*.md")) if FRAGMENTS not in path.parents),
]
INERT = {"", "sh", "text", "diff", "mermaid", "ini", "json", "jsonc", "toml", "yaml"}

NEEDS = {"docs/how-to/validate-with-json-schema.md": "untorn_jsonschema"}
"""Pages about a package that is not installed beside untorn everywhere; the session ``plugins`` has it."""

# A fence's info line: the language, and what follows it.
INFO = re.compile(r"(?P<language>[\w-]*)(?P<attributes>[^\n]*)\n?", re.MULTILINE)
TITLE = re.compile(r'title="([^"]+)"')
AFTERWARDS = ", afterwards"

# ── Examples ──────────────────────────────────────────────────────────────────


def blocks(document: Document) -> Iterable[Region]:
    for region in RawFencedCodeBlockLexer(INFO)(document):
        region.parsed = region.lexemes["source"]
        region.evaluator = evaluate
        yield region


def evaluate(example: Example) -> str | None:
    language = example.region.lexemes["language"]
    title = TITLE.search(example.region.lexemes["attributes"])
    if title:
        return check_file(title[1], example.parsed)
    if language == "python":
        return PythonEvaluator()(example)
    if language == "console":
        return check_console(example.parsed)
    assert language in INERT, f"a block of {language!r} is neither executed nor known to be inert"
    return None


def check_file(title: str, text: str) -> str | None:
    path = Path(title.removesuffix(AFTERWARDS))
    if title.endswith(AFTERWARDS):
        found = path.read_text("utf-8")
        return None if found == text else f"{path} holds\n{found}"
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text, "utf-8")
    return None


def check_console(text: str) -> str | None:
    for session in re.split(r"(?m)^\$ ", text)[1:]:
        command, _, expected = session.partition("\n")
        if command.startswith("pip install"):
            continue
        done = run(command)
        if done.returncode:
            return f"$ {command}\nexit status {done.returncode}:\n{done.stdout}"
        if not printed_as(expected, done.stdout):
            return f"$ {command}\nprinted\n{done.stdout}"
    return None


def run(command: str) -> subprocess.CompletedProcess[str]:
    this_untorn = f'untorn() {{ {shlex.quote(sys.executable)} -m untorn "$@"; }}\n'
    return subprocess.run(
        ["bash", "-c", this_untorn + command],
        env={**os.environ, "NO_COLOR": "1"},
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        encoding="utf-8",
        check=False,
    )


def printed_as(expected: str, found: str) -> bool:
    """Return whether a command printed what the page says; a line ``…`` stands for any lines."""
    pattern = "".join(
        r"(?:.*\n)*?" if line.strip() == "…" else re.escape(line) + r"\s*?\n"
        for line in expected.strip().splitlines()
    )
    return re.fullmatch(pattern, found.strip() + "\n" if found.strip() else "") is not None


def evaluate_page(path: Path) -> int:
    """Execute a page's examples and return how many there were."""
    examples = list(Sybil([blocks]).parse(path).examples())
    for example in examples:
        example.evaluate()
    return len(examples)


@pytest.mark.parametrize("page", PAGES, ids=lambda path: path.relative_to(ROOT).as_posix())
def test_every_example_does_what_the_page_says(
    page: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    needed = NEEDS.get(page.relative_to(ROOT).as_posix())
    if needed:
        pytest.importorskip(needed, reason="it is checked in the session 'plugins'")
    monkeypatch.chdir(tmp_path)
    monkeypatch.setenv("HOME", str(tmp_path))
    evaluate_page(page)


@pytest.mark.parametrize(
    "wrong",
    [
        "```python\nassert 1 == 2\n```\n",
        "```python\nx = 1\n```\n\n```python\nassert x == 2\n```\n",
        '```toml title="a.toml"\na = 1\n```\n\n```toml title="a.toml, afterwards"\na = 2\n```\n',
        "```console\n$ echo 1\n2\n```\n",
        "```console\n$ false\n```\n",
        "```console\n$ echo 1\n1\n$ echo 2\n…\n3\n```\n",
        "```fortran\nPRINT *, 1\n```\n",
        "- indented\n\n  ```python\n  assert 1 == 2\n  ```\n",
    ],
)
def test_a_wrong_example_is_noticed(wrong: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(wrong, "utf-8")
    with pytest.raises(Exception):  # noqa: B017, PT011  of whatever kind: Sybil's own, or the example's
        evaluate_page(page)


def test_a_right_example_of_each_kind_passes(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    page = tmp_path / "page.md"
    page.write_text(
        "```python\nx = 1\n```\n\n"
        '```toml title="a.toml"\na = 1\n```\n\n'
        "```console\n$ cat a.toml; echo more; echo end\na = 1\n…\nend\n$ true\n```\n\n"
        '```toml title="a.toml, afterwards"\na = 1\n```\n',
        "utf-8",
    )
    assert evaluate_page(page) == 4


# ── The reference is complete ─────────────────────────────────────────────────


def headings(page: str) -> set[str]:
    """Return what is named by the headings of a page of the reference, arguments left out."""
    text = (DOCS / "reference" / page).read_text("utf-8")
    return set(re.findall(r"(?m)^#{2,4} `(?:untorn\.|doc\.|host\.)?(\w+)", text))


def documented_arguments(page: str, name: str) -> list[str]:
    """Return the arguments in the heading that names ``name``."""
    text = (DOCS / "reference" / page).read_text("utf-8")
    [arguments] = re.findall(rf"(?m)^### `{name}\(([^)]*)\)`$", text)
    return arguments.split(", ") if arguments else []


def real_arguments(function: Callable[..., object]) -> list[str]:
    """Return the arguments of a function as a heading says them: ``*`` before those with keywords."""
    names: list[str] = []
    for each in inspect.signature(function).parameters.values():
        if each.kind is each.KEYWORD_ONLY and "*" not in names:
            names.append("*")
        names.append(each.name)
    return [name for name in names if name != "self"]


ERRORS = sorted(
    name
    for name in untorn.__all__
    if isinstance(getattr(untorn, name), type) and issubclass(getattr(untorn, name), Exception)
)
FUNCTIONS = sorted(name for name in untorn.__all__ if inspect.isroutine(getattr(untorn, name)))
OTHER_NAMES = sorted({*untorn.__all__, "Document"} - {*ERRORS, *FUNCTIONS})
DOCUMENT = sorted(name for name in vars(untorn.Document) if not name.startswith("_"))


@pytest.mark.parametrize("name", ERRORS)
def test_every_error_has_a_heading(name: str) -> None:
    assert name in headings("errors.md")


def test_no_error_is_described_that_does_not_exist() -> None:
    described = {name for name in headings("errors.md") if name.endswith("Error")}
    assert described - set(ERRORS) <= {"FileNotFoundError"}


@pytest.mark.parametrize("name", [*FUNCTIONS, "Host"])
def test_every_function_has_a_heading_with_its_arguments(name: str) -> None:
    assert documented_arguments("functions.md", name) == real_arguments(getattr(untorn, name))


def test_every_argument_of_a_function_is_explained() -> None:
    text = (DOCS / "reference" / "functions.md").read_text("utf-8")
    arguments = {each for name in [*FUNCTIONS, "Host"] for each in real_arguments(getattr(untorn, name))}
    assert (
        sorted(name for name in arguments - {"*"} if f"`{name}`" not in text and f"`{name}(" not in text)
        == []
    )


def test_every_keyword_of_what_writes_is_explained() -> None:
    text = (DOCS / "reference" / "functions.md").read_text("utf-8")
    rows = set(re.findall(r"`(\w+)`", " ".join(re.findall(r"(?m)^\|([^|]*)\|", text))))
    assert set(SaveKeywords.__annotations__) <= rows


@pytest.mark.parametrize("name", [*OTHER_NAMES])
def test_every_other_public_name_has_a_heading(name: str) -> None:
    assert name in headings("functions.md") | headings("document.md") | headings("data.md")


@pytest.mark.parametrize("name", DOCUMENT)
def test_every_member_of_a_document_has_a_heading_with_its_arguments(name: str) -> None:
    member = inspect.getattr_static(untorn.Document, name)
    if inspect.isfunction(member):
        assert documented_arguments("document.md", name) == real_arguments(member)
    else:
        assert name in headings("document.md")


HOOKS = sorted(name for name in vars(hookspecs) if name.startswith("untorn_"))


@pytest.mark.parametrize("name", HOOKS)
def test_every_hook_has_a_heading(name: str) -> None:
    assert name in headings("hooks.md")


# ── Claims ────────────────────────────────────────────────────────────────────

PROMISES = (DOCS / "explanation" / "guarantees.md").read_text("utf-8")
WRITER = (DOCS / "explanation" / "writer.md").read_text("utf-8")
EDITING = (DOCS / "explanation" / "editing.md").read_text("utf-8")
CITATION = re.compile(r"`((?:tests|plugins|harness|evidence)/[\w./-]+\.py)(?:::(\w+))?`")


@pytest.mark.parametrize("number", range(1, 13))
def test_every_promise_names_tests_that_hold_it(number: int) -> None:
    found = re.search(rf"(?ms)^## {number}\. .*?(?=^## |\Z)", PROMISES)
    assert found
    assert CITATION.findall(found[0])


LINES = re.findall(r"(?m)^(?:\*\*W|- \*\").*$", WRITER)


@pytest.mark.parametrize("line", LINES, ids=[str(number) for number in range(len(LINES))])
def test_every_line_of_the_writer_names_tests_that_hold_it(line: str) -> None:
    assert CITATION.findall(line)


@pytest.mark.parametrize("number", range(1, 11))
def test_every_line_of_what_an_edit_does_names_tests_that_hold_it(number: int) -> None:
    found = re.search(rf"(?m)^\| E{number} \|.*$", EDITING)
    assert found
    assert CITATION.findall(found[0])


@pytest.mark.parametrize(("file", "test"), sorted(set(CITATION.findall(PROMISES + WRITER + EDITING))))
def test_every_test_that_the_promises_name_exists(file: str, test: str) -> None:
    wanted = test or ("test_" if file.startswith("tests/") else "main")
    assert f"def {wanted}" in (ROOT / file).read_text("utf-8")


def test_the_readmes_second_command_is_what_ci_runs() -> None:
    readme = (ROOT / "README.md").read_text("utf-8")
    [command] = re.findall(r"(?m)^python3 -m venv \.venv-dev .*$", readme)
    script = re.sub(r"&&\s+", "&& ", (ROOT / ".ci" / "run").read_text("utf-8"))
    assert re.sub(r" -q| --non-interactive| \"\$@\"", "", script).count(command) == 1


@pytest.mark.parametrize("page", ["README.md", "CONTRIBUTING.md"])
def test_every_link_of_the_pages_beside_the_site_leads_somewhere(page: str) -> None:
    text = (ROOT / page).read_text("utf-8")
    links = [link for link in re.findall(r"\]\(([^)#]+)[^)]*\)", text) if "://" not in link]
    assert links
    assert [link for link in links if not (ROOT / link).exists()] == []


def test_changelog_fragments_are_named_for_an_issue_and_a_kind() -> None:
    names = [path.name for path in FRAGMENTS.iterdir() if path.name != ".gitignore"]
    kinds = "security|added|changed|fixed|removed"
    assert [name for name in names if not re.fullmatch(rf"\d+\.(?:{kinds})(?:\.\d+)?\.md", name)] == []
