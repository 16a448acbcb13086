from __future__ import annotations

import io

import pytest

from untorn.cli.colours import painted_carets, painted_diff, wanted


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


@pytest.mark.parametrize(
    ("stream", "settings", "expected"),
    [
        (Terminal(), {}, True),
        (io.StringIO(), {}, False),
        (Terminal(), {"NO_COLOR": "1"}, False),
        (Terminal(), {"NO_COLOR": ""}, True),
        (Terminal(), {"TERM": "dumb"}, False),
        (io.StringIO(), {"FORCE_COLOR": "1"}, True),
        (io.StringIO(), {"FORCE_COLOR": ""}, False),
        (io.StringIO(), {"FORCE_COLOR": "1", "NO_COLOR": "1"}, False),
    ],
)
def test_colours_are_for_terminals_unless_the_environment_says_otherwise(
    stream: io.StringIO, settings: dict[str, str], expected: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("TERM", "xterm")
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    assert wanted(stream) is expected


DIFF = "--- a\n+++ b\n@@ -1 +1 @@\n same\n-old\n+new\n"


def test_the_lines_of_a_diff_have_their_colours(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    painted = painted_diff(DIFF, Terminal())
    assert "\x1b[31m-old\x1b[0m\n\x1b[32m+new\x1b[0m\n" in painted
    assert "\x1b[1m--- a\x1b[0m\n\x1b[1m+++ b\x1b[0m\n\x1b[36m@@ -1 +1 @@\x1b[0m\n same\n" in painted


def test_a_diff_without_colours_is_as_it_was() -> None:
    assert painted_diff(DIFF, io.StringIO()) == DIFF


def test_only_the_carets_below_a_culprit_are_red(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TERM", "xterm")
    message = "a:1:8: 2^3 ^\n  1 | port = ^^\n    |        ^^\n"
    assert painted_carets(message, Terminal()) == message.replace(
        "    |        ^^", "    |        \x1b[31m^^\x1b[0m"
    )
    assert painted_carets(message, io.StringIO()) == message
