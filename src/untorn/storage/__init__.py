"""The only code that touches the disk: read a file once, lock it, replace it atomically.

``docs/explanation/locking.md`` tells the protocol, and why it is this one.
"""

import sys

# Every name is imported when it is first used: a load pays for reading alone.
TYPE_CHECKING = False
if TYPE_CHECKING:
    from untorn.storage.atomic import Prepared as Prepared
    from untorn.storage.atomic import WriteOptions as WriteOptions
    from untorn.storage.atomic import prepare as prepare
    from untorn.storage.commit import Published as Published
    from untorn.storage.locking import Held as Held
    from untorn.storage.locking import lock as lock
    from untorn.storage.open_file import Reading as Reading
    from untorn.storage.open_file import reading as reading
    from untorn.storage.owed import owes as owes
    from untorn.storage.owed import pay as pay
    from untorn.storage.pending import answer as answer
    from untorn.storage.pending import is_promised as is_promised
    from untorn.storage.pending import settle as settle
    from untorn.storage.snapshot import read as read
    from untorn.storage.snapshot import record_beside as record_beside
    from untorn.storage.syscalls import REAL as REAL
    from untorn.storage.syscalls import Syscalls as Syscalls
    from untorn.storage.target import resolve as resolve
    from untorn.storage.target import resolved as resolved
    from untorn.storage.together import Batch as Batch
    from untorn.storage.together import Locks as Locks
    from untorn.storage.together import Part as Part
    from untorn.storage.together import locked_together as locked_together

# No module may have the name of something here: importing it would hide that.
_HOME = {
    "untorn.storage.atomic": ("Prepared", "WriteOptions", "prepare"),
    "untorn.storage.commit": ("Published",),
    "untorn.storage.locking": ("Held", "lock"),
    "untorn.storage.open_file": ("Reading", "reading"),
    "untorn.storage.owed": ("owes", "pay"),
    "untorn.storage.pending": ("answer", "is_promised", "settle"),
    "untorn.storage.snapshot": ("read", "record_beside"),
    "untorn.storage.syscalls": ("REAL", "Syscalls"),
    "untorn.storage.target": ("resolve", "resolved"),
    "untorn.storage.together": ("Batch", "Locks", "Part", "locked_together"),
}

__all__ = [
    "REAL",
    "Batch",
    "Held",
    "Locks",
    "Part",
    "Prepared",
    "Published",
    "Reading",
    "Syscalls",
    "WriteOptions",
    "answer",
    "is_promised",
    "lock",
    "locked_together",
    "owes",
    "pay",
    "prepare",
    "read",
    "reading",
    "record_beside",
    "resolve",
    "resolved",
    "settle",
]


def __getattr__(name: str) -> object:
    for module, names in _HOME.items():
        if name in names:
            __import__(module)  # as in untorn itself
            value = getattr(sys.modules[module], name)
            globals()[name] = value
            return value
    msg = f"module {__name__!r} has no attribute {name!r}"
    raise AttributeError(msg)
