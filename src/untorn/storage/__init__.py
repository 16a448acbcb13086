"""The only code that touches the disk: read a file once, lock it, replace it atomically.

``docs/explanation/locking.md`` tells the protocol, and why it is this one.
"""

from untorn.storage.atomic import Prepared, Published, WriteOptions, prepare
from untorn.storage.lock import Held, lock
from untorn.storage.owed import pay
from untorn.storage.snapshot import Reading, read, reading
from untorn.storage.syscalls import REAL, Syscalls
from untorn.storage.target import resolve

__all__ = [
    "REAL",
    "Held",
    "Prepared",
    "Published",
    "Reading",
    "Syscalls",
    "WriteOptions",
    "lock",
    "pay",
    "prepare",
    "read",
    "reading",
    "resolve",
]
