"""What the mount table says of a path (W12, W22)."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from calls import watched
from filesystems import memory, mounted

from untorn.storage import REAL
from untorn.storage.mounts import Mount, mount_of, mounted_in, mounts
from untorn.storage.statx import Flags, flags_of

TABLE = rb"""22 1 254:0 / / rw,relatime - ext4 /dev/vda rw,discard
30 22 0:27 / /srv rw,relatime shared:5 - nfs4 server:/home rw,vers=4.2
31 30 0:28 / /srv/in\040side ro,relatime - fuse.sshfs ada@far: rw
32 22 254:0 /etc/app.toml /opt/app.toml rw - ext4 /dev/vda rw
33 22 0:40 / /over rw - overlay overlay rw,volatile
34 22 0:41 / /hidden/below rw - tmpfs tmpfs rw
35 22 0:42 / /hidden rw - xfs /dev/loop1 rw
36 35 0:43 / /hidden rw - btrfs /dev/loop2 rw
37 22 0:44 / /hidden/too rw - tmpfs tmpfs rw
"""


@pytest.fixture
def table(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Mount]:
    return table_of(TABLE, monkeypatch, tmp_path)


def table_of(lines: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> list[Mount]:
    file = tmp_path / "mountinfo"
    file.write_bytes(lines)
    monkeypatch.setattr("untorn.storage.mounts._TABLE", str(file))
    return mounts()


@pytest.mark.parametrize(
    ("path", "kind"),
    [
        ("/", "ext4"),
        ("/home/ada/app.toml", "ext4"),
        ("/srv/app.toml", "nfs4"),
        ("/srv", "nfs4"),
        ("/srvice", "ext4"),
        ("/srv/in side/app.toml", "fuse.sshfs"),
        ("/opt/app.toml", "ext4"),
        ("/over/a/b/c", "overlay"),
        ("/hidden/app.toml", "btrfs"),
    ],
)
def test_a_path_lies_on_the_innermost_mount(table: list[Mount], path: str, kind: str) -> None:
    found = mount_of(Path(path), table)
    assert found is not None
    assert found.kind == kind


def test_a_mount_below_a_later_one_is_hidden(table: list[Mount]) -> None:
    for name in ("below", "too"):
        found = mount_of(Path("/hidden") / name, table)
        assert found is not None
        assert found.kind == "btrfs"
    assert mounted_in(Path("/hidden"), table) == frozenset()


def test_a_line_of_the_table_is_read_to_the_last_field(table: list[Mount]) -> None:
    assert table[1] == Mount(
        point=Path("/srv"), root="/", kind="nfs4", source="server:/home", read_only=False, number=30,
        parent=22, device=(0, 27), options=frozenset({"rw", "relatime", "vers=4.2"}),
    )  # fmt: skip
    assert table[2].read_only
    assert not table[0].read_only


def test_a_single_file_that_is_mounted_is_a_mount_point_in_its_directory(table: list[Mount]) -> None:
    assert mounted_in(Path("/opt"), table) == {"app.toml"}
    assert mounted_in(Path("/"), table) == {"srv", "over", "hidden"}
    assert mounted_in(Path("/home"), table) == frozenset()


def test_networks_and_programs_are_told_from_disks(table: list[Mount]) -> None:
    assert [each.kind for each in table if each.is_network] == ["nfs4", "fuse.sshfs"]
    assert [each.kind for each in table if each.is_fuse] == ["fuse.sshfs"]


@pytest.mark.parametrize("lines", [b"", b"nonsense\n", b"1 2 3:4 / /\n"], ids=["empty", "nonsense", "short"])
def test_a_table_that_cannot_be_read_is_empty(
    lines: bytes, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    table = table_of(lines, monkeypatch, tmp_path)
    assert table == []
    assert mount_of(Path("/home"), table) is None
    assert mounted_in(Path("/home"), table) == frozenset()


def test_without_proc_there_is_no_table(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("untorn.storage.mounts._TABLE", "/nowhere/mountinfo")
    assert mounts() == []


def test_where_the_root_is_no_mount_of_the_table_what_is_mounted_is_found_all_the_same(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    # As after chroot(2) into a directory.
    table = table_of(b"31 30 0:28 / /srv rw - tmpfs tmpfs rw\n", monkeypatch, tmp_path)
    assert mount_of(Path("/home"), table) is None
    assert mount_of(Path("/srv/x"), table) == table[0]
    assert mounted_in(Path("/"), table) == {"srv"}


def test_a_root_that_is_its_own_parent_ends_the_walk(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    table = table_of(b"1 1 0:1 / / rw - rootfs rootfs rw\n", monkeypatch, tmp_path)
    assert mount_of(Path("/home"), table) == table[0]
    assert mounted_in(Path("/"), table) == frozenset()


def test_the_table_of_this_machine_agrees_with_the_kernel(tmp_path: Path) -> None:
    table = mounts()
    for path in (Path("/"), Path("/proc"), tmp_path):
        found = mount_of(path, table)
        known = flags_of(path).mount_root
        assert found is not None
        assert known is None or (found.point == path) is known
        assert os.makedev(*found.device) == path.stat().st_dev or found.kind in ("btrfs", "overlay")


def test_the_table_is_read_through_the_table_of_calls() -> None:
    with watched() as watch:
        mounts(calls=REAL)
    assert watch.made[0] == "open"
    assert watch.made[-1] == "close"


def test_what_is_really_mounted_is_found_and_what_is_hidden_is_not(tmp_path: Path) -> None:
    inner = tmp_path / "memory" / "inner"
    with memory(tmp_path) as outer:
        inner.mkdir()
        (inner / "app.toml").write_text("a = 1")
        (outer / "app.toml").write_text("a = 2")
        with mounted("--bind", inner / "app.toml", outer / "app.toml"):
            table = mounts()
            assert mounted_in(outer, table) == {"app.toml"}
            assert flags_of(outer / "app.toml").mount_root
            found = mount_of(outer / "app.toml", table)
            assert found is not None
            assert found.root == "/inner/app.toml"
            with mounted("-t", "tmpfs", "tmpfs", outer):
                assert mounted_in(outer, mounts()) == frozenset()


def test_flags_of_what_is_not_there_are_not_known(tmp_path: Path) -> None:
    assert flags_of(tmp_path / "nothing") == Flags(None, None, None)


def test_flags_are_not_known_where_the_system_has_no_such_call(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ctypes.CDLL", lambda *_arguments, **_keywords: object())
    assert flags_of(Path("/")) == Flags()
