"""Keep configuration files whole: never torn, never lost, never reformatted, never invalid.

A save replaces a file atomically and durably, or raises and changes nothing.
It changes what you changed, and keeps every other byte.
"""

# Every name is imported when it is first used: importing untorn costs next to
# nothing, and loading a file pays for what loading needs.
__version__ = "0.1.0.dev0"

TYPE_CHECKING = False  # typing is not imported for it
if TYPE_CHECKING:
    from untorn.changes import ChangeSet as ChangeSet
    from untorn.document import Document as Document
    from untorn.errors import ConflictError as ConflictError, DecodeError as DecodeError, EmptyFileError as EmptyFileError, ImpreciseEditError as ImpreciseEditError, KeyPathError as KeyPathError, LimitError as LimitError, LoadError as LoadError, LockTimeoutError as LockTimeoutError, NotDurableError as NotDurableError, ParseError as ParseError, PluginError as PluginError, ProofError as ProofError, ReadError as ReadError, RejectedError as RejectedError, SaveError as SaveError, UnknownFormatError as UnknownFormatError, UnknownOutcomeError as UnknownOutcomeError, UnrepresentableError as UnrepresentableError, UntornError as UntornError, WriteError as WriteError
    from untorn.host import Host as Host, dumps as dumps, edit as edit, load as load, loads as loads, open as open, parse as parse, save as save, update as update, use as use, write_bytes as write_bytes, write_text as write_text
    from untorn.keypath import format_keypath as format_keypath, parse_keypath as parse_keypath
    from untorn.records import Location as Location, Problem as Problem, Receipt as Receipt, Revision as Revision
    from untorn.values import Tagged as Tagged, Value as Value, same_value as same_value

_HOME = {
    "untorn.host": (
        "Host",
        "dumps",
        "edit",
        "load",
        "loads",
        "open",
        "parse",
        "save",
        "update",
        "use",
        "write_bytes",
        "write_text",
    ),
    "untorn.document": ("Document",),
    "untorn.values": ("Tagged", "Value", "same_value"),
    "untorn.keypath": ("format_keypath", "parse_keypath"),
    "untorn.changes": ("ChangeSet",),
    "untorn.records": ("Location", "Problem", "Receipt", "Revision"),
    "untorn.errors": (
        "ConflictError",
        "DecodeError",
        "EmptyFileError",
        "ImpreciseEditError",
        "KeyPathError",
        "LimitError",
        "LoadError",
        "LockTimeoutError",
        "NotDurableError",
        "ParseError",
        "PluginError",
        "ProofError",
        "ReadError",
        "RejectedError",
        "SaveError",
        "UnknownFormatError",
        "UnknownOutcomeError",
        "UnrepresentableError",
        "UntornError",
        "WriteError",
    ),
}

__all__ = [
    "ChangeSet",
    "ConflictError",
    "DecodeError",
    "Document",
    "EmptyFileError",
    "Host",
    "ImpreciseEditError",
    "KeyPathError",
    "LimitError",
    "LoadError",
    "Location",
    "LockTimeoutError",
    "NotDurableError",
    "ParseError",
    "PluginError",
    "Problem",
    "ProofError",
    "ReadError",
    "Receipt",
    "RejectedError",
    "Revision",
    "SaveError",
    "Tagged",
    "UnknownFormatError",
    "UnknownOutcomeError",
    "UnrepresentableError",
    "UntornError",
    "Value",
    "WriteError",
    "dumps",
    "edit",
    "format_keypath",
    "load",
    "loads",
    "open",
    "parse",
    "parse_keypath",
    "same_value",
    "save",
    "update",
    "use",
    "write_bytes",
    "write_text",
]


def __getattr__(name: str) -> object:
    for module, names in _HOME.items():
        if name in names:
            from importlib import import_module

            value = getattr(import_module(module), name)
            globals()[name] = value
            return value
    msg = f"module 'untorn' has no attribute {name!r}"
    raise AttributeError(msg)
