"""Everything that has to hold, one session each: ``nox`` runs them all, ``nox -l`` lists them."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import nox

HERE = Path(__file__).parent
SOURCES = ["src", "plugins", "tests", "harness", "evidence", "benchmarks", "noxfile.py"]
PLUGINS = [path.parent for path in sorted(HERE.glob("plugins/*/pyproject.toml"))]

RUNNING = f"{sys.version_info.major}.{sys.version_info.minor}"
OLDEST, NEWEST = "3.11", "3.13"
PYTHONS = list(dict.fromkeys([RUNNING, OLDEST, NEWEST]))
"""The versions to test with; one that this machine lacks is skipped, the running one never is."""

nox.needs_version = ">=2025.2"
nox.options.default_venv_backend = "virtualenv"
nox.options.reuse_venv = "yes"
nox.options.error_on_missing_interpreters = False
nox.options.sessions = [
    "lint", "types", "imports", "tests", "plugins", "harness-quick", "evidence-quick", "docs", "demo",
]  # fmt: skip

EVIDENCE = ("faults", "powercut", "cuts", "schedules", "hammer", "sharing", "places", "scoreboard")
"""The bodies of evidence for the writer; ``docs/explanation/evidence.md`` says what each shows."""


def _switch_on_every_python_of_pyenv() -> None:
    """Let ``python3.13`` answer: pyenv's commands refuse for versions that are not switched on."""
    if shutil.which("pyenv") and "PYENV_VERSION" not in os.environ:
        bare = subprocess.run(["pyenv", "versions", "--bare"], capture_output=True, text=True, check=False)  # noqa: S607  found a line above
        versions = [each for each in bare.stdout.split() if each.startswith(f"{RUNNING}.")]
        versions += [each for each in bare.stdout.split() if each not in versions]
        os.environ["PYENV_VERSION"] = ":".join(versions)


_switch_on_every_python_of_pyenv()


# ── What sessions are made of ─────────────────────────────────────────────────


def install(session: nox.Session, *groups: str, untorn: bool = True) -> None:
    """Install groups of development tools, and untorn as a user gets it: from a wheel, not editable."""
    wanted = [*nox.project.dependency_groups(nox.project.load_toml(HERE / "pyproject.toml"), *groups)]
    if untorn:
        wanted.append(str(HERE))
    # One call, so that the pins hold for what untorn needs as well.
    session.install("-q", "-c", str(HERE / "constraints.txt"), *wanted)


EXCEPTIONS = ("noqa", "type: ignore", "pyright: ignore", "pragma: no cover", "pragma: no branch")


def report_exceptions(session: nox.Session) -> None:
    """Print how often a check was told to look away: the figure should not grow unnoticed."""
    files = [*HERE.glob("src/**/*.py"), *HERE.glob("plugins/*/src/**/*.py")]
    source = "".join(path.read_text("utf-8") for path in files)
    counts = [f"{source.count(f'# {each}')} x {each}" for each in EXCEPTIONS]
    session.log("exceptions in the sources of untorn and its plugins: %s", ", ".join(counts))


# Python does not notice when a write of its bytecode comes out short, and here
# writes come out short on purpose: an installation would stay broken.
NO_BYTECODE = {"PYTHONDONTWRITEBYTECODE": "1"}


def pytest(session: nox.Session, *arguments: str) -> None:
    """Run pytest with reproducible examples."""
    environment = {"HYPOTHESIS_PROFILE": "ci", "PYTHONPATH": "", **NO_BYTECODE}
    session.run("python", "-m", "pytest", *arguments, env=environment)


# ── Sessions ──────────────────────────────────────────────────────────────────


@nox.session
def lint(session: nox.Session) -> None:
    """Style: ruff's rules, and its format."""
    install(session, "lint", untorn=False)
    session.run("ruff", "check", *SOURCES)
    session.run("ruff", "format", "--check", *SOURCES)
    report_exceptions(session)


@nox.session
def types(session: nox.Session) -> None:
    """Types: mypy and pyright, both strict."""
    install(session, "types")
    session.run("mypy")
    session.run("pyright")


@nox.session
def imports(session: nox.Session) -> None:
    """Layers: who may import whom."""
    install(session, "lint")
    session.run("lint-imports")


@nox.session(python=PYTHONS)
def tests(session: nox.Session) -> None:
    """Tests against the installed wheel; every branch is covered where they run with the first Python."""
    install(session, "test")
    # Elsewhere, tests/conftest.py leaves out what only Linux can run.
    all_of_them = session.python == RUNNING and sys.platform == "linux"
    measured = ["--cov", "--cov-report=term-missing:skip-covered"] if all_of_them else []
    pytest(session, "-n", "2", *measured, *(session.posargs or ["tests"]))
    if measured:
        report_exceptions(session)


@nox.session
def plugins(session: nox.Session) -> None:
    """Each plugin's own tests, with its wheel beside untorn's."""
    install(session, "test")
    for plugin in PLUGINS:
        session.install("-q", "-c", "constraints.txt", str(plugin))
        pytest(session, str(plugin / "tests"))
    pytest(session, "tests/test_docs.py", "-k", "test_every_example and how-to")


@nox.session(name="harness-quick")
def harness_quick(session: nox.Session) -> None:
    """A tenth of the real files of published packages, against independent parsers; official suites."""
    install(session, "harness")
    session.run("python", "-m", "harness.run", "--quick", *session.posargs)
    session.run("python", "-m", "harness.suites", "--quick")
    session.run("python", "-m", "harness.handmade", "--quick")
    # The same examples everywhere: what only a faster machine reaches is for the session "fuzz".
    session.run("python", "-m", "harness.fuzz", "--examples", "600", "--seed", "0")


@nox.session(default=False)
def fuzz(session: nox.Session) -> None:
    """Random texts, edits and values, for an hour (``-- --seconds 600 --format yaml``: otherwise)."""
    install(session, "harness")
    session.run("python", "-m", "harness.fuzz", *(session.posargs or ["--seconds", "3600"]))


@nox.session(default=False)
@nox.parametrize("suite", EVIDENCE)
def evidence(session: nox.Session, suite: str) -> None:
    """One body of evidence for the writer, in full: minutes to an hour."""
    install(session)
    session.run("python", "-m", f"evidence.{suite}", *session.posargs, env=NO_BYTECODE)


@nox.session(name="evidence-quick")
def evidence_quick(session: nox.Session) -> None:
    """A minute of each body of evidence for the writer."""
    install(session)
    for suite in EVIDENCE:
        session.run("python", "-m", f"evidence.{suite}", "--quick", env=NO_BYTECODE)


@nox.session
def docs(session: nox.Session) -> None:
    """The site, strictly; that its examples run is checked by the tests."""
    install(session, "docs", untorn=False)
    # Material announces its successor on every build; --strict is about our pages.
    session.run("mkdocs", "build", "--strict", env={"NO_MKDOCS_2_WARNING": "1"})
    session.run("towncrier", "build", "--draft", "--version", "next", silent=True)


@nox.session
def demo(session: nox.Session) -> None:
    """The main job, as the README's first command does it."""
    install(session)
    session.run("untorn", "demo")


@nox.session(default=False)
def slow(session: nox.Session) -> None:
    """What takes longer than a minute: soak tests, and the whole harness."""
    install(session, "test")
    pytest(session, "-m", "slow", *(session.posargs or ["tests"]))
    session.run("python", "-m", "harness.run")
    session.run("python", "-m", "harness.handmade")
