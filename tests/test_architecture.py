"""What the house's plan says and an import contract cannot: read from the syntax trees of ``src``.

Each rule is a function from the source of a module to its offences. Each is
tried on a bad module first: a rule that cannot fail proves nothing.
"""

from __future__ import annotations

import ast
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from collections.abc import Iterator

ROOT = Path(__file__).parent.parent
SRC = ROOT / "src" / "untorn"
MODULES = sorted(SRC.rglob("*.py"))
PLUGIN_MODULES = sorted((ROOT / "plugins").glob("*/src/**/*.py"))
OUTSIDE_STORAGE = [path for path in MODULES if path.relative_to(SRC).parts[0] != "storage"]
SERIALIZERS = sorted((SRC / "serializers").glob("*.py"))


def name_of(path: Path) -> str:
    return path.relative_to(ROOT).as_posix()


# ── What a name stands for ────────────────────────────────────────────────────


def imported_names(tree: ast.AST) -> dict[str, str]:
    """Map each imported name of a module to what it stands for: ``{"replace": "os.replace"}``."""
    names: dict[str, str] = {}
    for node in ast.walk(tree):
        if isinstance(node, ast.Import):
            for alias in node.names:
                names[alias.asname or alias.name.split(".")[0]] = (
                    alias.name if alias.asname else alias.name.split(".")[0]
                )
        elif isinstance(node, ast.ImportFrom):
            for alias in node.names:
                names[alias.asname or alias.name] = f"{node.module or ''}.{alias.name}"
    return names


def dotted(node: ast.expr, names: dict[str, str]) -> str | None:
    """Return ``os.replace`` for the expression that means it, ``None`` for anything but names."""
    if isinstance(node, ast.Name):
        return names.get(node.id, node.id)
    if isinstance(node, ast.Attribute):
        before = dotted(node.value, names)
        return before and f"{before}.{node.attr}"
    return None


def imports_of(source: str) -> Iterator[tuple[int, str]]:
    for node in ast.walk(ast.parse(source)):
        if isinstance(node, ast.Import):
            yield from ((node.lineno, alias.name) for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            assert node.level == 0, f"line {node.lineno}: relative imports hide who is imported"
            yield node.lineno, node.module or ""


# ── Promise 1: one door ───────────────────────────────────────────────────────

# Whole modules that exist to change files, or that can get round every rule here.
DISK_MODULES = {
    "bz2", "ctypes", "dbm", "fcntl", "fileinput", "gzip", "io", "lzma", "mmap", "msvcrt", "nt",
    "posix", "shelve", "shutil", "sqlite3", "tarfile", "tempfile", "zipfile",
}  # fmt: skip

# What may be used of os: everything else is taken to touch the disk. Reading and
# writing need a descriptor, and opening one is what is forbidden.
OS_HARMLESS = {
    "PathLike", "altsep", "devnull", "environ", "fsdecode", "fsencode", "fspath", "get_terminal_size",
    "getenv", "getpid", "getppid", "isatty", "linesep", "name", "path", "pathsep", "sep",
    "_exit", "close", "dup2", "fork", "kill", "read", "waitpid", "waitstatus_to_exitcode", "write",
}  # fmt: skip

# Methods of pathlib.Path that change the disk, and are called so nowhere else.
PATH_METHODS = {
    "chmod", "hardlink_to", "lchmod", "link_to", "mkdir", "rmdir", "symlink_to", "touch", "unlink",
}  # fmt: skip

# Methods of pathlib.Path whose names other types use, too: with the number of
# positional arguments that only a path takes.
SHARED_METHODS = {"rename": 1, "replace": 1}

# Who has methods of these names that go through the pipeline.
OWN_WRITERS = {"untorn", "host", "_host", "_editor", "self"}


def disk_offences(source: str) -> list[str]:
    """Return what creates, changes or removes files in ``source``, or could: name and line."""
    tree = ast.parse(source)
    names = imported_names(tree)
    found = [f"{line}: {name}" for line, name in imports_of(source) if name.split(".")[0] in DISK_MODULES]
    for node in ast.walk(tree):
        if isinstance(node, (ast.Name, ast.Attribute)):
            offence = _named_offence(dotted(node, names), node)
        elif isinstance(node, ast.Call):
            offence = _method_offence(node, names)
        else:
            offence = None
        if offence:
            found.append(f"{node.lineno}: {offence}")
    return sorted(found)


def _named_offence(name: str | None, node: ast.Name | ast.Attribute) -> str | None:
    if isinstance(node.ctx, ast.Load) and name in {"open", "builtins.open", "codecs.open"}:
        return name
    module, _, member = (name or "").partition(".")
    harmless = member in OS_HARMLESS or member.startswith("O_") or "." in member
    return name if module == "os" and member and not harmless else None


def _method_offence(call: ast.Call, names: dict[str, str]) -> str | None:
    if not isinstance(call.func, ast.Attribute):
        reached = dotted(call.func, names) == "getattr" and call.args and dotted(call.args[0], names) == "os"
        return "getattr(os, …)" if reached else None
    method, owner = call.func.attr, dotted(call.func.value, names)
    if owner in {"os", "codecs", "builtins", "dataclasses"}:
        return None  # judged by name
    own = owner is not None and owner.split(".")[-1] in OWN_WRITERS
    changes = (
        method in PATH_METHODS
        or SHARED_METHODS.get(method) == len(call.args)
        or (method in {"open", "write_text", "write_bytes"} and not own)
    )
    return f".{method}()" if changes else None


EXCEPTIONS: dict[tuple[str, str], str] = {
    ("src/untorn/cli/demo/outsiders.py", ".open()"): "the demo's deliberately bad writer, run by a child",
    ("src/untorn/cli/demo/scratch.py", "tempfile"): "the demo's directory, which is gone when the demo is",
    ("src/untorn/cli/failures.py", "os.open"): "the null device, to which a closed pipe is redirected",
    ("src/untorn/cli/failures.py", "os.fdopen"): "the null device, for a standard stream that is closed",
}


@pytest.mark.parametrize(
    "bad",
    [
        "open('f', 'w')",
        "with open('f') as file: pass",
        "import builtins\nbuiltins.open('f', 'w')",
        "import os\nos.replace(a, b)",
        "import os as system\nsystem.unlink(a)",
        "from os import replace\nreplace(a, b)",
        "import os\nwriter = os.truncate",
        "import os\ngetattr(os, 'rename')(a, b)",
        "import shutil\nshutil.copy(a, b)",
        "from tempfile import NamedTemporaryFile",
        "def later():\n    import sqlite3",
        "import io\nio.FileIO('f', 'w')",
        "import ctypes",
        "path.write_text('x')",
        "Path('x').write_bytes(b'x')",
        "path.touch()",
        "path.unlink(missing_ok=True)",
        "path.mkdir()",
        "path.rename(other)",
        "path.replace(other)",
        "path.open('w')",
        "(directory / 'f').open('w')",
        "path.symlink_to(other)",
        "path.chmod(0o600)",
    ],
)
def test_the_rule_on_the_disk_notices(bad: str) -> None:
    assert disk_offences(bad)


@pytest.mark.parametrize(
    "good",
    [
        "text.replace('a', 'b')",
        "import os\nos.environ['HOME'], os.fspath(path)",
        "from dataclasses import replace\nreplace(record, a=1)",
        "doc.rename('a', 'b')",
        "host.open(path)",
        "self.open(path)",
        "import untorn\nuntorn.write_text(path, 'x')",
        "class Host:\n    def open(self): pass",
    ],
)
def test_the_rule_on_the_disk_lets_pass(good: str) -> None:
    assert disk_offences(good) == []


@pytest.mark.parametrize("path", OUTSIDE_STORAGE, ids=name_of)
def test_only_storage_touches_the_disk(path: Path) -> None:
    """Promise 1."""
    offences = disk_offences(path.read_text("utf-8"))
    assert [each for each in offences if (name_of(path), each.split(": ")[1]) not in EXCEPTIONS] == []


def test_no_exception_to_the_rule_on_the_disk_outlives_its_reason() -> None:
    used = {
        (name_of(path), each.split(": ")[1])
        for path in OUTSIDE_STORAGE
        for each in disk_offences(path.read_text("utf-8"))
    }
    assert set(EXCEPTIONS) <= used


WRITERS = {"Batch", "prepare", "prepare_in_place", "publish"}


def writer_calls(source: str) -> list[str]:
    """Return where ``source`` names the steps of the one writer."""
    tree = ast.parse(source)
    named = [node for node in ast.walk(tree) if isinstance(node, ast.Attribute) and node.attr in WRITERS]
    imported = [
        node
        for node in ast.walk(tree)
        if isinstance(node, ast.ImportFrom)
        and (node.module or "").startswith("untorn.storage")
        and any(alias.name in WRITERS for alias in node.names)
    ]
    return [f"{node.lineno}" for node in [*named, *imported]]


@pytest.mark.parametrize(
    "bad", ["storage.prepare(a, b)", "storage.Batch(a)", "from untorn.storage.atomic import prepare as x"]
)
def test_the_rule_on_the_writer_notices(bad: str) -> None:
    assert writer_calls(bad)


def test_only_the_save_pipeline_calls_the_writer() -> None:
    """Promise 1."""
    callers = [name_of(path) for path in OUTSIDE_STORAGE if writer_calls(path.read_text("utf-8"))]
    assert callers == ["src/untorn/saving.py"]


# ── Who imports what ──────────────────────────────────────────────────────────


def untorn_imports(source: str) -> set[str]:
    """Return the modules of untorn that ``source`` imports, those for type checkers too."""
    return {name for _, name in imports_of(source) if name.split(".")[0] == "untorn"}


def test_the_rule_on_serializers_notices() -> None:
    assert untorn_imports("def later():\n    from untorn.records import Span") == {"untorn.records"}


@pytest.mark.parametrize("path", SERIALIZERS, ids=name_of)
def test_a_serializer_imports_the_sdk_and_its_siblings_only(path: Path) -> None:
    foreign = {
        name
        for name in untorn_imports(path.read_text("utf-8"))
        if name != "untorn.sdk" and not name.startswith(("untorn.sdk.", "untorn.serializers"))
    }
    assert foreign == set()


@pytest.mark.parametrize("path", PLUGIN_MODULES, ids=name_of)
def test_a_plugin_imports_the_sdk_and_public_names_only(path: Path) -> None:
    assert untorn_imports(path.read_text("utf-8")) <= {"untorn", "untorn.sdk"}


# ── Names and sizes ───────────────────────────────────────────────────────────

NAMELESS = re.compile(r"(?:^|_)(?:utils?|core|base|helpers?|managers?|common|misc)(?:_|$)")
MOST_LINES_OF_A_MODULE = 450
MOST_LINES_OF_A_FUNCTION = 45


def long_functions(source: str, most: int = MOST_LINES_OF_A_FUNCTION) -> list[str]:
    """Return the functions of more lines than that, docstring not counted."""
    return [
        f"{node.name}: {length}"
        for node in ast.walk(ast.parse(source))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)) and (length := _lines(node)) > most
    ]


def _lines(node: ast.FunctionDef | ast.AsyncFunctionDef) -> int:
    first = node.body[0]
    documented = ast.get_docstring(node) is not None
    docstring = (first.end_lineno or 0) - first.lineno + 1 if documented else 0
    return (node.end_lineno or 0) - node.lineno + 1 - docstring


def test_the_rule_on_sizes_notices() -> None:
    body = "    x = 1\n" * MOST_LINES_OF_A_FUNCTION
    assert long_functions(f'def f():\n    """Say."""\n{body}') == [f"f: {MOST_LINES_OF_A_FUNCTION + 1}"]
    assert long_functions(f'def f():\n    """Say\n{body}    """') == []


@pytest.mark.parametrize("path", [*MODULES, *PLUGIN_MODULES], ids=name_of)
def test_a_module_can_be_read_in_one_sitting(path: Path) -> None:
    source = path.read_text("utf-8")
    assert len(source.splitlines()) <= MOST_LINES_OF_A_MODULE
    assert long_functions(source) == []


@pytest.mark.parametrize("name", ["utils", "base", "lock_manager", "core"])
def test_the_rule_on_names_notices(name: str) -> None:
    assert NAMELESS.search(name)


def test_every_module_is_named_for_what_it_holds() -> None:
    names = {part for path in MODULES for part in path.relative_to(SRC).with_suffix("").parts}
    assert len(names) > 20  # or nothing was looked at
    assert [name for name in sorted(names) if NAMELESS.search(name)] == []


# ── What an import costs ──────────────────────────────────────────────────────


def modules_after(code: str, *arguments: str) -> set[str]:
    """Return what a fresh interpreter has imported after ``code``."""
    # Without site-packages' .pth files, which may import anything.
    paths = [str(Path(each)) for each in sys.path if each]
    script = f"import sys; sys.path[:0] = {paths!r}\n{code}\nprint(*sys.modules)"
    done = subprocess.run(
        [sys.executable, "-I", "-S", "-c", script, *arguments], capture_output=True, text=True, check=True
    )
    return set(done.stdout.split())


def test_the_rule_on_imports_notices() -> None:
    assert {"tomlkit", "re"} <= modules_after("import tomlkit")


def test_importing_untorn_imports_nothing_else() -> None:
    alone = modules_after("")
    assert modules_after("import untorn") - alone == {"untorn"}


def test_loading_json_imports_neither_plugins_nor_the_other_formats(tmp_path: Path) -> None:
    path = tmp_path / "settings.json"
    path.write_text('{"port": 8080}')
    after = modules_after("import untorn; assert untorn.load(sys.argv[1]) == {'port': 8080}", str(path))
    assert "untorn.serializers.json" in after
    assert after & {"pluggy", "tomlkit", "ruamel", "ruamel.yaml"} == set()


@pytest.mark.skipif(not shutil.which("valgrind"), reason="counting instructions needs valgrind")
def test_importing_untorn_costs_a_tenth_of_starting_python_at_most() -> None:
    sys.path.insert(0, str(ROOT / "benchmarks"))
    try:
        from import_cost import instructions
    finally:
        del sys.path[0]
    assert instructions("import untorn") <= 1.10 * instructions("pass")
