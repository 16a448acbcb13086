"""Functions of the C library that Python has no names for."""

from __future__ import annotations

import errno
import os
from functools import lru_cache
from typing import Any


@lru_cache(maxsize=16)  # to open the library costs more than most calls
def function(name: str) -> Any:  # noqa: ANN401  whatever it takes and returns
    """Return a function of the C library, or ``None`` where it has none of that name."""
    import ctypes  # noqa: PLC0415  no save comes here

    try:
        library = ctypes.CDLL(None, use_errno=True)
    except (OSError, TypeError):  # Windows: there is no library by this name
        return None
    return getattr(library, name, None)


def filled(buffer: bytearray) -> Any:  # noqa: ANN401  what ctypes takes for a pointer
    """Return ``buffer`` as an argument, to be filled by the function."""
    import ctypes  # noqa: PLC0415  see above

    return (ctypes.c_char * len(buffer)).from_buffer(buffer)


def failure(name: str | None = None) -> OSError:
    """Return why the last function of the library failed, and on which file."""
    import ctypes  # noqa: PLC0415  see above

    code = ctypes.get_errno()
    return OSError(code, os.strerror(code), name)


def missing() -> OSError:
    """Return the error for a function that is not there."""
    return OSError(errno.ENOSYS, os.strerror(errno.ENOSYS))
