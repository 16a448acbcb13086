"""What the command line may say: a table of commands and options, and its parser.

The table is also what the help texts and the reference page's test are made
from. A parser of its own, because argparse would cost more than reading a
small file does, and because it takes a VALUE such as ``-x`` for an option.
"""

from __future__ import annotations

# No command should pay for typing, and so there are no NamedTuples here.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from typing import Any

    from untorn.selection import DocumentNumber


class UsageError(Exception):
    """The command line makes no sense; the message says why, and what would."""


class Request:
    """A command line that was understood; an option that was not said is as here."""

    command: str
    operands: tuple[str, ...]
    format: str | None = None
    document: DocumentNumber = None
    timeout: float = 10.0
    string: bool = False
    dry_run: bool = False
    check: bool = False
    create: bool = False
    allow_reformat: bool = False
    json: bool = False
    no_probe: bool = False
    restore: str = ""
    base: str = ""
    quarantine: str = ""
    remove: bool = False
    discard: str = ""
    in_place: str = ""
    kills: int = 100

    def __init__(self, command: str, operands: tuple[str, ...], **said: object) -> None:
        self.command = command
        self.operands = operands
        vars(self).update(said)


class Option:
    """An option: ``metavar`` is empty for one without a value."""

    def __init__(
        self,
        name: str,
        help: str,  # noqa: A002  as the attribute
        metavar: str = "",
        convert: Callable[[str], object] = str,
    ) -> None:
        self.name = name
        self.help = help
        self.metavar = metavar
        self.convert = convert

    @property
    def field(self) -> str:
        """The name of the field of ``Request`` that it sets."""
        return self.name.removeprefix("--").replace("-", "_")

    def __str__(self) -> str:
        return f"{self.name} {self.metavar}".rstrip()


class Command:
    """A command; an operand in brackets may be left out, one with dots repeated."""

    def __init__(
        self,
        operands: tuple[str, ...],
        options: tuple[Option, ...],
        help: str,  # noqa: A002  as the attribute
        runs: str,
    ) -> None:
        self.operands = operands
        self.options = options
        self.help = help
        self.runs = runs

    def usage(self, name: str) -> str:
        """Return the line that shows how it is called."""
        options = "" if not self.options else " [OPTIONS]"
        return " ".join([f"untorn {name}", *self.operands]) + options


def _document(written: str) -> DocumentNumber:
    if written == "all":
        return "all"
    if not written.isdecimal():
        msg = f"--document takes a number from 0, or all, and not {written!r}"
        raise UsageError(msg)
    return int(written)


def _seconds(written: str) -> float:
    try:
        seconds = float(written)
    except ValueError:
        seconds = -1.0
    if not 0 <= seconds < float("inf"):
        msg = f"--timeout takes seconds, such as 2.5, and not {written!r}"
        raise UsageError(msg)
    return seconds


def _count(written: str) -> int:
    if not written.isdecimal() or int(written) == 0:
        msg = f"--kills takes a number from 1, and not {written!r}"
        raise UsageError(msg)
    return int(written)


FORMAT = Option("--format", "the format, where the file's name does not tell it", "NAME")
DOCUMENT = Option("--document", "which document of a YAML file: a number from 0, or all", "N", _document)
STRING = Option("--string", "take VALUE as a string, even if it reads as JSON")
DRY_RUN = Option("--dry-run", "print what would change, and write nothing")
JSON = Option("--json", "print everything as JSON")
NO_PROBE = Option("--no-probe", "try nothing, so that no file is made; some facts are then not known")
TIMEOUT = Option(
    "--timeout", "how long to wait while others hold the file's lock (default 10)", "SECONDS", _seconds
)
IN_PLACE = Option("--in-place", "the directory of journals, for a file that is saved in place", "DIR")
READING = (FORMAT, DOCUMENT)
WRITING = (
    DRY_RUN,
    Option("--check", "exit with 1 if something would change, and write nothing"),
    FORMAT,
    DOCUMENT,
    TIMEOUT,
    Option("--allow-reformat", "render the file anew where it cannot be edited precisely"),
)
CREATE = Option("--create", "make the file if it does not exist")

COMMANDS = {
    "get": Command(
        ("FILE", "[KEYPATH]"), READING,
        "Print a value: a string bare, everything else as JSON.", "untorn.cli.reading:get",
    ),
    "set": Command(
        ("FILE", "KEYPATH", "VALUE"), (STRING, CREATE, *WRITING),
        "Make a key hold VALUE, which is read as JSON, or else as a string.", "untorn.cli.editing:set_value",
    ),
    "unset": Command(
        ("FILE", "KEYPATH"), WRITING,
        "Remove a key or list item, and the comments that are its own.", "untorn.cli.editing:unset",
    ),
    "append": Command(
        ("FILE", "KEYPATH", "VALUE"), (STRING, *WRITING),
        "Put VALUE behind the last item of a list.", "untorn.cli.editing:append",
    ),
    "validate": Command(
        ("FILE...",), READING,
        "Parse files, and ask the installed validators about them.", "untorn.cli.reading:validate",
    ),
    "diff": Command(
        ("A", "B"), READING,
        "Compare the values of two files, key path by key path.", "untorn.cli.comparing:diff",
    ),
    "plugins": Command(
        (), (JSON,),
        "List the plugins, and those that were set aside with the reason.", "untorn.cli.plugins:plugins",
    ),
    "doctor": Command(
        ("PATH",), (IN_PLACE, NO_PROBE, DRY_RUN, JSON),
        "Say what a place can do, and what a save there would guarantee.", "untorn.cli.doctor:doctor",
    ),
    "recover": Command(
        ("PATH",),
        (
            Option("--restore", "make the file hold this orphan: its name, or how its id begins", "ORPHAN"),
            Option("--base", "restore only if the file is at this revision, as the list says it", "REVISION"),
            Option("--quarantine", "move the orphans to a directory; with --restore, the others", "DIR"),
            Option("--remove", "remove the orphans, and journals that nothing depends on"),
            Option("--discard", "remove this journal; the file stays as it is", "JOURNAL"),
            IN_PLACE, DRY_RUN, TIMEOUT, JSON,
        ),
        "List what crashed saves left behind; restore, keep or remove it.", "untorn.cli.recover:recover",
    ),
    "demo": Command(
        (), (Option("--kills", "how many kills have to fall into a save (default 100)", "N", _count),),
        "Edit files, refuse a save, and kill saves, in a temporary directory.", "untorn.cli.demo.show:demo",
    ),
}  # fmt: skip


def parse(argv: Sequence[str]) -> Request | str:
    """Return what was asked for, or a text to print if that was help or the version.

    Raises:
        UsageError: It makes no sense.
    """
    if not argv:
        raise UsageError(_help())
    name, rest = argv[0], argv[1:]
    if name == "--version":
        from untorn import __version__  # noqa: PLC0415  only here

        return f"untorn {__version__}"
    if name in ("--help", "-h", "help"):
        return _help()
    if name not in COMMANDS:
        msg = f"untorn: there is no command {name!r}{_did_you_mean(name, COMMANDS)}; untorn --help lists them"
        raise UsageError(msg)
    return _parse_command(name, rest)


def _parse_command(name: str, argv: Sequence[str]) -> Request | str:
    command = COMMANDS[name]
    operands: list[str] = []
    fields: dict[str, Any] = {}
    words = iter(argv)
    for word in words:
        if word in ("--help", "-h"):
            return _help(name)
        if word == "--":
            operands += words
        elif _is_option(word, command, len(operands)):
            option, written = _option(name, word, words)
            fields[option.field] = option.convert(written) if option.metavar else True
        else:
            operands.append(word)
    _check_count(name, operands)
    return Request(name, tuple(operands), **fields)


def _is_option(word: str, command: Command, position: int) -> bool:
    """Return whether a word is an option: ``-`` is a file, and a VALUE may be ``-5`` or ``-x``."""
    if word.startswith("--"):
        return True
    is_value = command.operands[position : position + 1] == ("VALUE",)
    return word.startswith("-") and word != "-" and not is_value


def _option(name: str, word: str, words: Iterator[str]) -> tuple[Option, str]:
    """Return the option that ``word`` names, and its value as written."""
    written, equals, value = word.partition("=")
    options = {option.name: option for option in COMMANDS[name].options}
    if written not in options:
        msg = f"untorn {name}: there is no option {written}{_did_you_mean(written, options)}{_usage(name)}"
        raise UsageError(msg)
    option = options[written]
    if not option.metavar and equals:
        msg = f"untorn {name}: {written} takes no value{_usage(name)}"
        raise UsageError(msg)
    if option.metavar and not equals:
        try:
            value = next(words)
        except StopIteration:
            msg = f"untorn {name}: {option} needs its value{_usage(name)}"
            raise UsageError(msg) from None
    return option, value


def _check_count(name: str, operands: Sequence[str]) -> None:
    expected = COMMANDS[name].operands
    required = [each for each in expected if not each.startswith("[")]
    if len(operands) < len(required):
        msg = f"untorn {name}: {required[len(operands)].removesuffix('...')} is missing{_usage(name)}"
        raise UsageError(msg)
    if len(operands) > len(expected) and not (expected and expected[-1].endswith("...")):
        msg = f"untorn {name}: {operands[len(expected)]!r} is one argument too many{_usage(name)}"
        raise UsageError(msg)


def _usage(name: str) -> str:
    return f"\nusage: {COMMANDS[name].usage(name)}"


def _did_you_mean(word: str, known: dict[str, Any]) -> str:
    from difflib import get_close_matches  # noqa: PLC0415  only for errors

    close = get_close_matches(word, known, n=1)
    return f" (did you mean {close[0]}?)" if close else ""


def _help(name: str | None = None) -> str:
    from untorn.cli.help import help_for  # noqa: PLC0415  only where it is printed

    return help_for(name)
