"""Names that are long, odd, or no text; and paths that are too long."""

from __future__ import annotations

import errno
import os
from functools import partial
from pathlib import Path

import untorn
from evidence.hostile.ground import NEW, NEXT, OLD, Ground, killed_during, place, refusal_of
from evidence.targets import litter

ODD = (
    b"x" * 255,
    "ü".encode() * 127,
    "漢".encode() * 85,
    "😀".encode() * 63 + b"abc",
    "e\u0301".encode() * 85,
    b"\xff\xfe not utf-8",
    b"\xff" * 255,
    b"\xc3" * 200 + b"\xc3\xa9" * 20,
    b" ",
    b"  leading and trailing  ",
    b"new\nline",
    b"\r\t\x01\x7f",
    b"-rf",
    b"--",
    b".hidden",
    b"...",
    b"a.tmp",
    b"~",
    b"*",
    b"%s {0} $HOME `id`",
    b"a\\b",
    b"CON",
)


@place
def any_name_that_the_disk_takes_is_taken(ground: Ground) -> None:
    for name in ODD:
        path = ground.root / os.fsdecode(name)
        save = partial(untorn.write_bytes, path, NEXT, timeout=0)
        for data in (OLD, NEW):
            ground.saved(path, data)
        killed_during(save, "rename")
        assert len({*ground.root.iterdir()}) == 2
        save()
        assert [*ground.root.iterdir()] == [path], "the next save did not sweep"
        path.unlink()


@place
def any_name_can_be_given_as_bytes_are_in_python(ground: Ground) -> None:
    os.chdir(ground.root)
    for name in ODD:
        for written in (os.fsdecode(name), f"./{os.fsdecode(name)}", f"{ground.root}//{os.fsdecode(name)}"):
            ground.saved(written, OLD + written.encode(errors="surrogateescape"))


@place
def errors_about_any_name_can_be_printed(ground: Ground) -> None:
    for name in ODD:
        path = ground.root / os.fsdecode(name)
        path.mkdir()
        error = ground.refused(path, errno.EISDIR)
        assert "UnicodeEncodeError" not in repr(error)
        str(error).encode("utf-8", "surrogateescape")
        path.rmdir()


@place
def every_length_fits_also_where_only_the_temps_name_would_not(ground: Ground) -> None:
    for length in range(1, 256):
        path = ground.root / ("n" * length)
        for data in (OLD, NEW):
            untorn.write_bytes(path, data, durability="none")
        ground.count(2)
        assert path.read_bytes() == NEW
        path.unlink()
        assert not any(ground.root.iterdir())


@place
def a_name_too_long_is_refused(ground: Ground) -> None:
    for name in ("x" * 256, "ü" * 128, "x" * 256 + "/app.conf", "x" * 5000):
        error = ground.refused(ground.root / name, errno.ENAMETOOLONG, "too long")
        assert len(str(error)) < 20_000


@place
def a_path_as_long_as_the_system_takes_is_taken(ground: Ground) -> None:
    """PATH_MAX counts the zero byte at the end, too."""
    for length in (4000, 4050, 4094, 4095):
        path = _path_of_length(ground.root, length)
        path.parent.mkdir(parents=True, exist_ok=True)
        untorn.write_bytes(path, OLD)
        assert untorn.write_bytes(path, NEW).durable
        ground.count(2)
        assert path.read_bytes() == NEW
        assert [*path.parent.iterdir()] == [path]
        path.unlink()


@place
def a_path_too_long_is_refused(ground: Ground) -> None:
    for length in (4096, 4097, 5000, 70_000):
        ground.refused(_path_of_length(ground.root, length), errno.ENAMETOOLONG, "too long")


def _path_of_length(root: Path, length: int) -> Path:
    path = str(root)
    while length - len(path) > 260:
        path += "/" + "d" * 200
    return Path(path + "/" + "f" * (length - len(path) - 1))


@place
def a_directory_deeper_than_a_path_can_say_is_refused_or_saved_to(ground: Ground) -> None:
    """There, only relative names lead to a file."""
    os.chdir(ground.root)
    for _ in range(25):
        Path("d" * 200).mkdir()
        os.chdir("d" * 200)
    Path("app.conf").write_bytes(OLD)
    ground.count()
    refusal = refusal_of(lambda: untorn.write_bytes("app.conf", NEW, timeout=0))
    assert refusal is None or refusal.errno == errno.ENAMETOOLONG
    assert Path("app.conf").read_bytes() == (NEW if refusal is None else OLD)
    assert [*Path().iterdir()] == [Path("app.conf")]
    for _ in range(25):
        os.chdir("..")


@place
def a_working_directory_that_is_gone_is_said(ground: Ground) -> None:
    gone = ground.directory("gone")
    os.chdir(gone)
    gone.rmdir()
    ground.count()
    refusal = refusal_of(lambda: untorn.write_bytes("app.conf", NEW, timeout=0))
    assert refusal is not None
    assert refusal.errno == errno.ENOENT
    assert not litter(ground.root)


@place
def the_umask_decides_over_new_files_only(ground: Ground) -> None:
    file = ground.file(mode=0o664)
    for umask in (0, 0o022, 0o027, 0o077, 0o777):
        os.umask(umask)
        new, plain = ground.root / f"new{umask}", ground.root / f"plain{umask}"
        ground.saved(new)
        os.close(os.open(plain, os.O_CREAT | os.O_WRONLY, 0o666))
        assert new.stat().st_mode == plain.stat().st_mode, oct(new.stat().st_mode)
        assert os.umask(umask) == umask, "the umask was changed"
        ground.saved(file, OLD + b"%d" % umask)
        assert file.stat().st_mode & 0o777 == 0o664
        secret = ground.root / f"secret{umask}"
        ground.saved(secret, mode=0o600)
        assert secret.stat().st_mode & 0o777 == 0o600
        for each in (new, plain, secret):
            each.unlink()
