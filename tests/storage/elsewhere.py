"""A program: it uses untorn, in a Python that has only what it has on another platform.

Run as ``python elsewhere.py PLATFORM DIRECTORY``; it prints what it did. What
Linux alone has is taken away before untorn is imported, so that a use of it
fails here as it would there, at import or later.
"""

from __future__ import annotations

import ctypes
import importlib
import os
import pkgutil
import signal
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace
from typing import Any

NOT_ON_MACOS = (
    "listxattr", "getxattr", "setxattr", "removexattr", "posix_fallocate", "posix_fadvise", "fdatasync",
    "memfd_create", "eventfd", "pidfd_open", "splice", "copy_file_range", "O_PATH", "O_TMPFILE",
    "O_LARGEFILE", "O_DIRECT", "O_NOATIME", "O_RSYNC", "getresuid", "setresuid", "getrandom",
)  # fmt: skip
NOT_ON_WINDOWS = (
    *NOT_ON_MACOS, "O_CLOEXEC", "O_DIRECTORY", "O_NOFOLLOW", "O_NONBLOCK", "O_NOCTTY", "O_SYNC", "O_DSYNC",
    "fork", "register_at_fork", "getuid", "geteuid", "getgid", "getegid", "getgroups", "setuid", "setgid",
    "setsid", "getpgid", "killpg", "wait", "chown", "lchown", "fchown", "fchmod", "fchdir", "pread", "pwrite",
    "readv", "writev", "statvfs", "fstatvfs", "ST_RDONLY", "uname", "mkfifo", "mknod", "major", "minor",
    "makedev", "sync", "sysconf", "pathconf", "fpathconf", "nice", "sendfile", "openpty", "ttyname", "lockf",
    "WIFEXITED", "WIFSIGNALED", "WEXITSTATUS", "WTERMSIG",
)  # fmt: skip
# "posix" stays: os.stat_result of Python 3.13 looks into it, and crashes where it finds None.
NO_MODULES = ("fcntl", "pwd", "grp", "resource", "termios", "tty", "pty", "syslog", "readline")
NO_SIGNALS = (
    "SIGKILL", "SIGHUP", "SIGALRM", "SIGUSR1", "SIGUSR2", "SIGPIPE", "SIGCHLD", "SIGSTOP", "SIGCONT",
    "SIGQUIT", "alarm", "setitimer", "pthread_sigmask", "sigwait",
)  # fmt: skip
TEXT = 'name = "café"  # a comment\n'


def become(platform: str) -> Any:
    """Take away what the platform lacks, and give it its library; everything else was imported by now."""
    import libsystem
    import win32_library
    import win32_simulation

    _import_all()  # and with it all of the standard library that untorn needs
    for name in [each for each in sys.modules if each.partition(".")[0] == "untorn"]:
        del sys.modules[name]
    whole = ModuleType("os")
    vars(whole).update(vars(os))
    library: Any
    if platform == "win32":
        library = win32_simulation.Windows()
        win32_simulation.os = win32_library.os = whole  # type: ignore[attr-defined]
        ctypes.WinDLL = lambda _name, **_options: library  # type: ignore[attr-defined]
        ctypes.get_last_error = library.last_error  # type: ignore[attr-defined]
        ctypes.CDLL = _no_library  # type: ignore[assignment,misc]
        sys.modules.update(dict.fromkeys(NO_MODULES))  # type: ignore[arg-type]
        _take(signal, NO_SIGNALS)
    else:
        library = libsystem.LibSystem()
        libsystem.os = whole  # type: ignore[attr-defined]
        ctypes.CDLL = lambda _name, **_options: library  # type: ignore[assignment,misc]
        os.uname = lambda: SimpleNamespace(sysname="Darwin", machine="arm64")  # type: ignore[assignment,return-value]
    _take(os, NOT_ON_WINDOWS if platform == "win32" else NOT_ON_MACOS)
    sys.platform = platform
    return library


def _no_library(_name: object, **_options: object) -> None:
    raise TypeError  # as on Windows, where None names no library


def _take(module: ModuleType, names: tuple[str, ...]) -> None:
    for name in names:
        if hasattr(module, name):
            delattr(module, name)


def _import_all() -> list[str]:
    import untorn

    names = [each.name for each in pkgutil.walk_packages(untorn.__path__, "untorn.")]
    for name in names:
        if name != "untorn.__main__":
            importlib.import_module(name)
    return names


def use(directory: Path) -> None:
    """Load, save, edit, and run the commands."""
    import untorn
    from untorn.cli import main

    for name in ("app.toml", "new/app.json", "app.yaml"):
        path = directory / name
        untorn.save(path, {"n": 1}, base=None)
        with untorn.edit(path) as value:
            value["n"] += 1
        assert untorn.load(path) == {"n": 2}, path
    kept = directory / "kept.toml"
    kept.write_text(TEXT, encoding="utf-8")
    untorn.update(kept, lambda value: value.__setitem__("n", 3))
    assert kept.read_text(encoding="utf-8") == TEXT + "n = 3\n"
    for command in (["get", str(kept), "n"], ["recover", str(kept)], ["recover", str(directory)]):
        assert main(command) == 0, command
    for options in ([], ["--json"]):  # a directory in memory is no reason to fail here
        main(["doctor", str(kept), *options])


if __name__ == "__main__":
    here = Path(__file__).parent
    sys.path[:0] = [str(here), str(here.parent.parent)]
    become(sys.argv[1])
    sys.stdout.write(f"{len(_import_all())} modules\n")
    use(Path(sys.argv[2]))
    from untorn.storage import REAL

    sys.stdout.write(f"done with {type(REAL).__name__}\n")
