from __future__ import annotations

import io
import os
import runpy
import signal
import subprocess
import sys
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

import untorn
from untorn import storage
from untorn.cli import main
from untorn.cli.failures import forget_output, open_streams
from untorn.errors import (
    ConflictError,
    LockTimeoutError,
    NotDurableError,
    ParseError,
    PluginError,
    UnknownOutcomeError,
    UnrepresentableError,
)
from untorn.records import Location, Receipt, Revision

if TYPE_CHECKING:
    from collections.abc import Callable

    Run = Callable[..., Any]


@pytest.fixture
def settings(here: Path) -> Path:
    path = here / "f.json"
    path.write_text('{"a": 1}', "utf-8")
    return path


@pytest.mark.parametrize("argv", [["gat"], ["get"], ["get", "-"], ["set", "-", "a", "1"]])
def test_a_usage_error_returns_2_and_says_what_is_wrong(untorn: Run, argv: list[str]) -> None:
    found = untorn(*argv)
    assert (found.status, found.out) == (2, "")
    assert found.err.startswith("untorn")


def test_help_and_version_go_to_standard_output(untorn: Run) -> None:
    assert untorn("--version").status == 0
    found = untorn("set", "--help")
    assert (found.status, found.err) == (0, "")
    assert found.out.startswith("usage: untorn set FILE KEYPATH VALUE")


def test_the_arguments_of_the_process_are_the_default(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(sys, "argv", ["untorn", "--version"])
    assert main() == 0
    assert capsys.readouterr().out.startswith("untorn ")


def receipt(path: Path) -> Receipt:
    return Receipt(path, changed=True, durable=False, revision=Revision(None))


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (
            LockTimeoutError("locked by process 5", path=Path("/x/f.json"), hint="wait"),
            "f.json: locked by process 5\n  hint: wait\n  f.json was not changed\n",
        ),
        (
            ConflictError("both changed a", location=Location(Path("/x/f.json"), 1, 7)),
            "f.json:1:7: both changed a\n  f.json was not changed\n",
        ),
        (UnrepresentableError("a: no"), "f.json: a: no\n  f.json was not changed\n"),
        (
            PluginError("is not installed", plugin="p"),
            "plugin 'p': is not installed\n  f.json was not changed\n",
        ),
        (
            NotDurableError("in place, unconfirmed", receipt=receipt(Path("f.json"))),
            "f.json: in place, unconfirmed\n",
        ),
        (UnknownOutcomeError("look at it", receipt=receipt(Path("f.json"))), "f.json: look at it\n"),
        (
            PermissionError(13, "Permission denied", "/x/y"),
            "/x/y: Permission denied\n  f.json was not changed\n",
        ),
        (OSError("odd"), "f.json: odd\n  f.json was not changed\n"),
    ],
)
def test_every_error_says_what_became_of_the_file(
    untorn: Run, settings: Path, monkeypatch: pytest.MonkeyPatch, error: Exception, expected: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("untorn.host.Host.edit", fail)
    assert untorn("set", "f.json", "a", "2") == (1, "", expected)


@pytest.mark.parametrize(
    ("hint", "shown"),
    [
        ("say format='toml', or format=, one of a", "say --format toml, or --format, one of a"),
        ('it may be JSONC: format="jsonc"', "it may be JSONC: --format jsonc"),
        ("say document=0 (--document), or document='all'", "say --document 0, or --document all"),
        ("allow_reformat=True (--allow-reformat) permits that", "--allow-reformat permits that"),
        ("permit it: allow_reformat=True", "permit it: --allow-reformat"),
        ("write a.b, or give a tuple", "write a.b"),
        ("informat= nothing", "informat= nothing"),
    ],
)
def test_a_hint_names_the_options_of_the_command(
    untorn: Run, settings: Path, monkeypatch: pytest.MonkeyPatch, hint: str, shown: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise UnrepresentableError("no", hint=hint)

    monkeypatch.setattr("untorn.host.Host.load", fail)
    assert untorn("get", "f.json").err == f"f.json: no\n  hint: {shown}\n"


def test_a_parse_error_shows_no_line_of_a_file_that_moved_on(
    untorn: Run, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        error = ParseError("broken", location=Location(settings, 1, 2))
        error.revision = Revision("0" * 64)
        raise error

    monkeypatch.setattr("untorn.host.Host.load", fail)
    assert untorn("get", "f.json") == (1, "", "f.json:1:2: broken\n")


def test_a_parse_error_shows_no_line_of_a_file_that_cannot_be_read_again(
    untorn: Run, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*_: object, **__: object) -> None:
        monkeypatch.setattr(storage, "read", lambda *_, **__: (_ for _ in ()).throw(OSError(5, "gone")))
        error = ParseError("broken", location=Location(settings, 1, 2))
        raise error

    monkeypatch.setattr("untorn.host.Host.load", fail)
    assert untorn("get", "f.json") == (1, "", "f.json:1:2: broken\n")


def test_a_parse_error_in_standard_input_shows_the_line(untorn: Run, stdin: Callable[[bytes], None]) -> None:
    stdin(b'{"a" 1}')
    found = untorn("get", "-", "--format", "json")
    assert found.status == 1
    assert found.err.startswith("<stdin>:1:6: ")
    assert '  1 | {"a" 1}\n    |      ^\n' in found.err


def test_standard_input_of_no_end_is_refused(
    untorn: Run, stdin: Callable[[bytes], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("untorn.loading.MAX_BYTES", 100)
    stdin(b" " * 200)
    found = untorn("get", "-", "--format", "json")
    assert found.status == 1
    assert found.err.startswith("<stdin>: standard input is larger than 100 bytes\n")


def test_undecodable_standard_input_is_refused(untorn: Run, stdin: Callable[[bytes], None]) -> None:
    stdin(b"a: \xff")
    found = untorn("get", "-", "--format", "yaml")
    assert found.status == 1
    assert found.err.startswith("<stdin>:1:4: byte 0xff")


def test_an_interrupt_returns_130_and_passes_on_what_became_of_the_file(
    untorn: Run, settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def interrupt(*_: object, **__: object) -> None:
        error = KeyboardInterrupt()
        error.add_note("f.json holds the new content")
        raise error

    monkeypatch.setattr("untorn.host.Host.edit", interrupt)
    assert untorn("set", "f.json", "a", "2") == (130, "", "interrupted\nf.json holds the new content\n")


@pytest.mark.parametrize(
    ("error", "message"),
    [(PluginError("is broken", plugin="p"), "plugin 'p': is broken\n"), (OSError(5, "odd", "x"), "x: odd\n")],
)
def test_an_error_that_is_about_no_document_is_no_traceback(
    untorn: Run, monkeypatch: pytest.MonkeyPatch, error: Exception, message: str
) -> None:
    def fail(*_: object, **__: object) -> None:
        raise error

    monkeypatch.setattr("untorn.registry.Registry.discover", fail)
    assert untorn("plugins") == (1, "", message)


class Closed(io.StringIO):
    """A standard output that nobody reads any more, or that has no room."""

    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def flush(self) -> None:
        raise self.error


@pytest.mark.parametrize(
    ("error", "status", "message"),
    [
        (BrokenPipeError(32, "Broken pipe"), 141, ""),
        (OSError(28, "No space left on device"), 1, "standard output: No space left on device\n"),
    ],
)
def test_an_output_that_fails_is_no_traceback(
    *,
    settings: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    error: OSError,
    status: int,
    message: str,
) -> None:
    monkeypatch.setattr(sys, "stdout", Closed(error))
    assert main(["get", "f.json", "a"]) == status
    assert capsys.readouterr().err == message


def test_a_closed_pipe_passes_an_edit_by(settings: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def fail(*_: object, **__: object) -> None:
        raise BrokenPipeError(32, "Broken pipe")

    monkeypatch.setattr("untorn.cli.editing.say", fail)
    monkeypatch.setattr("untorn.cli.forget_output", lambda: None)
    assert main(["set", "f.json", "a", "2", "--dry-run"]) == 141


def test_an_error_output_that_is_closed_leaves_the_exit_status(
    settings: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(sys, "stderr", Closed(BrokenPipeError(32, "Broken pipe")))
    assert main(["get", "f.json", "b"]) == 1


def test_a_forgotten_output_takes_what_is_left_and_shows_it_to_nobody(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    with (here / "out").open("w", encoding="utf-8") as output:
        monkeypatch.setattr(sys, "stdout", output)
        output.write("left over")
        forget_output()
    assert (here / "out").read_text("utf-8") == ""


def test_the_package_can_be_run(monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
    monkeypatch.setattr(sys, "argv", ["untorn", "--version"])
    monkeypatch.delitem(sys.modules, "untorn.__main__", raising=False)
    with pytest.raises(SystemExit) as ended:
        runpy.run_module("untorn", run_name="__main__")
    assert ended.value.code == 0
    assert capsys.readouterr().out.startswith("untorn ")


def test_importing_the_module_that_is_run_runs_nothing() -> None:
    import untorn.__main__

    assert untorn.__main__.main is main


# ── Real processes ──────────────────────────────────────────────────────────


def run(*argv: str, environment: dict[str, str], **options: Any) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "untorn", *argv],
        env=environment,
        encoding="utf-8",
        check=False,
        **{"capture_output": True, **options},
    )


def test_the_process_has_the_exit_status_of_the_command(settings: Path, environment: dict[str, str]) -> None:
    assert run("get", "f.json", "a", environment=environment).stdout == "1\n"
    assert run("get", "f.json", "b", environment=environment).returncode == 1
    assert run("get", environment=environment).returncode == 2


def test_a_pipe_that_nobody_reads_leaves_no_traceback(settings: Path, environment: dict[str, str]) -> None:
    reading, writing = os.pipe()
    os.close(reading)
    done = run(
        "get", "f.json", environment=environment, capture_output=False, stdout=writing, stderr=subprocess.PIPE
    )
    os.close(writing)
    assert (done.returncode, done.stderr) == (141, "")


@pytest.mark.parametrize(
    ("closed", "argv", "status"),
    [
        ([1], ["get", "f.json"], 0),
        ([0, 1, 2], ["set", "f.json", "a", "2"], 0),
        ([2], ["get", "f.json", "b"], 1),
        ([0], ["set", "-", "a", "2", "--format", "json"], 1),
        ([0, 1, 2], ["nonsense"], 2),
    ],
)
def test_a_standard_stream_that_is_closed_leads_nowhere(
    settings: Path, environment: dict[str, str], closed: list[int], argv: list[str], status: int
) -> None:
    shut = " ".join(f"{each}>&-" for each in closed)
    shell = ["sh", "-c", f'exec "$0" "$@" {shut}', sys.executable, "-m", "untorn", *argv]
    done = subprocess.run(shell, env=environment, capture_output=True, encoding="utf-8", check=False)
    assert (done.returncode, "Traceback" in done.stderr) == (status, False)
    assert untorn.load("f.json")["a"] == (2 if argv[:2] == ["set", "f.json"] else 1)


@pytest.mark.parametrize("closed", [[0], [1], [0, 1, 2]])
def test_no_file_gets_the_number_of_a_closed_stream(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, closed: list[int]
) -> None:
    kept = [os.dup(descriptor) for descriptor in range(3)]
    names = ("stdin", "stdout", "stderr")
    try:
        for descriptor in closed:
            os.close(descriptor)
            monkeypatch.setattr(sys, names[descriptor], None)
        open_streams()
        with (tmp_path / "x").open("w") as file:
            number = file.fileno()
        streams = [getattr(sys, names[descriptor]) for descriptor in closed]
        assert number > 2
        assert [stream.fileno() for stream in streams] == closed
        assert [os.fstat(stream.fileno()).st_rdev for stream in streams] == [
            Path(os.devnull).stat().st_rdev
        ] * len(closed)
    finally:
        for descriptor, copy in enumerate(kept):
            os.dup2(copy, descriptor)
            os.close(copy)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="no device here that is always full")
def test_a_full_disk_below_standard_output_is_said(settings: Path, environment: dict[str, str]) -> None:
    with Path("/dev/full").open("w") as full:
        done = run(
            "get",
            "f.json",
            environment=environment,
            capture_output=False,
            stdout=full,
            stderr=subprocess.PIPE,
        )
    assert (done.returncode, done.stderr) == (1, "standard output: No space left on device\n")


WAITING = """
import sys
import untorn.cli.editing, untorn.registry
from untorn.cli import main
print("ready", flush=True)
sys.exit(main(["set", "f.json", "a", "2", "--timeout", "60"]))
"""


def test_ctrl_c_while_waiting_for_a_lock_leaves_no_traceback(
    settings: Path, environment: dict[str, str]
) -> None:
    with (
        storage.lock(settings, timeout=5),
        subprocess.Popen(
            [sys.executable, "-c", WAITING],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),  # noqa: PLW1509  may be ignored here
        ) as waiting,
    ):
        assert waiting.stdout is not None
        assert waiting.stdout.readline() == b"ready\n"  # earlier, Python's own start could be hit
        with pytest.raises(subprocess.TimeoutExpired):
            waiting.wait(1)
        waiting.send_signal(signal.SIGINT)
        _, err = waiting.communicate(timeout=20)
    assert (waiting.returncode, err.decode().splitlines()[0]) == (130, "interrupted")
    assert b"Traceback" not in err
    assert settings.read_text("utf-8") == '{"a": 1}'


def test_a_lock_that_others_hold_is_waited_for_as_long_as_was_said(
    settings: Path, environment: dict[str, str]
) -> None:
    with storage.lock(settings, timeout=5):
        done = run("set", "f.json", "a", "2", "--timeout", "0.1", environment=environment)
    assert done.returncode == 1
    assert done.stderr.startswith("f.json: ")
    assert done.stderr.endswith("  f.json was not changed\n")
    assert settings.read_text("utf-8") == '{"a": 1}'


def test_a_lock_timeout_in_this_process_is_no_other(untorn: Run, settings: Path) -> None:
    assert untorn("set", "f.json", "a", "2", "--timeout", "0") == (0, "", "")
