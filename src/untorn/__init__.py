"""Keep configuration files whole: never torn, never lost, never reformatted, never invalid.

A save replaces a file atomically and durably, or raises and changes nothing.
It changes what you changed, and keeps every other byte.
"""

# Every name is imported when it is first used: importing untorn costs next to
# nothing, and loading a file pays for what loading needs.
import sys

__version__ = "0.1.0.dev0"

TYPE_CHECKING = False  # typing is not imported for it
if TYPE_CHECKING:
    from untorn.changes import ChangeSet as ChangeSet
    from untorn.document import Document as Document
    from untorn.errors import ConflictError as ConflictError
    from untorn.errors import DecodeError as DecodeError
    from untorn.errors import EmptyFileError as EmptyFileError
    from untorn.errors import ImpreciseEditError as ImpreciseEditError
    from untorn.errors import KeyPathError as KeyPathError
    from untorn.errors import LimitError as LimitError
    from untorn.errors import LoadError as LoadError
    from untorn.errors import LockTimeoutError as LockTimeoutError
    from untorn.errors import NotDurableError as NotDurableError
    from untorn.errors import ParseError as ParseError
    from untorn.errors import PluginError as PluginError
    from untorn.errors import ProofError as ProofError
    from untorn.errors import ReadError as ReadError
    from untorn.errors import RejectedError as RejectedError
    from untorn.errors import SaveError as SaveError
    from untorn.errors import UnknownFormatError as UnknownFormatError
    from untorn.errors import UnknownOutcomeError as UnknownOutcomeError
    from untorn.errors import UnrepresentableError as UnrepresentableError
    from untorn.errors import UntornError as UntornError
    from untorn.errors import WriteError as WriteError
    from untorn.front import dumps as dumps
    from untorn.front import edit as edit
    from untorn.front import load as load
    from untorn.front import loads as loads
    from untorn.front import open as open
    from untorn.front import parse as parse
    from untorn.front import save as save
    from untorn.front import transaction as transaction
    from untorn.front import update as update
    from untorn.front import use as use
    from untorn.front import write_bytes as write_bytes
    from untorn.front import write_text as write_text
    from untorn.host import Host as Host
    from untorn.keypath import MISSING as MISSING
    from untorn.keypath import format_keypath as format_keypath
    from untorn.keypath import parse_keypath as parse_keypath
    from untorn.records import Comment as Comment
    from untorn.records import Location as Location
    from untorn.records import Problem as Problem
    from untorn.records import Range as Range
    from untorn.records import Receipt as Receipt
    from untorn.records import Revision as Revision
    from untorn.transactions import Transaction as Transaction
    from untorn.values import Tagged as Tagged
    from untorn.values import Value as Value
    from untorn.values import same_value as same_value

_HOME = {
    "untorn.host": ("Host",),
    "untorn.front": (
        "dumps",
        "edit",
        "load",
        "loads",
        "open",
        "parse",
        "save",
        "transaction",
        "update",
        "use",
        "write_bytes",
        "write_text",
    ),
    "untorn.document": ("Document",),
    "untorn.values": ("Tagged", "Value", "same_value"),
    "untorn.keypath": ("MISSING", "format_keypath", "parse_keypath"),
    "untorn.changes": ("ChangeSet",),
    "untorn.records": ("Comment", "Location", "Problem", "Range", "Receipt", "Revision"),
    "untorn.transactions": ("Transaction",),
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
    "MISSING",
    "ChangeSet",
    "Comment",
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
    "Range",
    "ReadError",
    "Receipt",
    "RejectedError",
    "Revision",
    "SaveError",
    "Tagged",
    "Transaction",
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
    "transaction",
    "update",
    "use",
    "write_bytes",
    "write_text",
]


def __getattr__(name: str) -> object:
    for module, names in _HOME.items():
        if name in names:
            __import__(module)  # importlib is one more module, for nothing else here
            value = getattr(sys.modules[module], name)
            globals()[name] = value
            return value
    msg = f"module 'untorn' has no attribute {name!r}"
    raise AttributeError(msg)
