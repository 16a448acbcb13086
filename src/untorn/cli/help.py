"""The help texts, made from the table of commands."""

from __future__ import annotations

from untorn.cli.arguments import COMMANDS, Option

_HELP = Option("--help", "print this text")

_OVERVIEW = """\
untorn keeps configuration files whole: never torn, reformatted or invalid.

usage: untorn COMMAND [ARGUMENTS] [OPTIONS]

{commands}

{options}

Key paths are written server.port, servers[0].name, "a.b".c; [-1] is the last
item and [+] the place behind it. FILE may be - for standard input, with
--format. untorn COMMAND --help says more.

Exit status: 0 done, 1 refused or not found, 2 usage."""


def help_for(name: str | None) -> str:
    """Return the help text of a command, or of the program."""
    if name is None:
        commands = _columns([(each, command.help) for each, command in COMMANDS.items()])
        options = _columns([("--version", "print the version"), (str(_HELP), _HELP.help)])
        return _OVERVIEW.format(commands=commands, options=options)
    command = COMMANDS[name]
    options = _columns([(str(option), option.help) for option in (*command.options, _HELP)])
    return f"usage: {command.usage(name)}\n\n{command.help}\n\n{options}"


def _columns(rows: list[tuple[str, str]]) -> str:
    width = max(len(left) for left, _ in rows)
    return "\n".join(f"  {left:<{width}}  {right}" for left, right in rows)
