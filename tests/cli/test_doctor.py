from __future__ import annotations

import errno
import fcntl
import json
import os
import re
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
from filesystems import memory, mounted
from killed import cut_off
from processes import as_nobody, holder_of

from evidence import transaction
from untorn.cli import doctor, phrases, promises
from untorn.cli.doctor import _CAPABILITIES
from untorn.errors import ReadError
from untorn.records import revision_of
from untorn.storage import capabilities
from untorn.storage.access import Entry
from untorn.storage.mounts import Mount
from untorn.storage.names import temp_name
from untorn.storage.probes import Probed
from untorn.storage.space import Quota, Space
from untorn.storage.statx import Flags

if TYPE_CHECKING:
    from collections.abc import Callable

    from untorn.storage.capabilities import Survey

    Run = Callable[..., Any]

DISK = Mount(Path("/"), "/", "ext4", "/dev/sda1", read_only=False, options=frozenset({"rw"}))
SPACE = Space(10**9, 10**8, 10**7, 1000, 100, 255, read_only=False, quota=None)
ALL = Probed(
    makes_files=True, syncs_directories=True, locks=True, exchanges=True, spares_existing=True, reserves=True,
    keeps_modes=True, keeps_attributes=True, tells_cases_apart=True,
)  # fmt: skip


@pytest.fixture
def file(here: Path) -> Path:
    path = here / "app.toml"
    path.write_text("a = 1\n")
    return path


@pytest.fixture
def found(file: Path) -> Survey:
    """What is found on a disk of whichever machine."""
    looked = capabilities.survey(file, limit=1 << 20)
    return replace(looked, where=replace(looked.where, mount=DISK), space=SPACE, probed=ALL)


@pytest.fixture
def shown(found: Survey, untorn: Run, monkeypatch: pytest.MonkeyPatch) -> Callable[..., str]:
    """What is printed of a survey that differs from ``found`` in something."""

    def show(where: dict[str, Any] | None = None, argv: tuple[str, ...] = (), **changes: Any) -> str:
        changed = replace(found, where=replace(found.where, **(where or {})), **changes)
        monkeypatch.setattr("untorn.cli.doctor.survey", lambda *_arguments, **_keywords: changed)
        return str(untorn("doctor", "app.toml", *argv).out)

    return show


def verdicts(survey: Survey, journals: Survey | None = None) -> dict[str, str]:
    return {each.key: each.verdict for each in promises.promises_at(survey, journals)}


def on(survey: Survey, kind: str, *options: str, **changes: Any) -> Survey:
    """Return the same on a file system of another kind."""
    mount = replace(DISK, kind=kind, options=frozenset(options))
    return replace(survey, where=replace(survey.where, mount=mount), **changes)


# ── The answer ──────────────────────────────────────────────────────────────


def test_a_file_is_examined_and_nothing_is_left(untorn: Run, file: Path) -> None:
    before = file.stat()
    for argv in ([], ["--json"], ["--no-probe"], ["--dry-run"]):
        looked = untorn("doctor", "app.toml", *argv)
        assert looked.err == ""
    assert [*file.parent.iterdir()] == [file]
    after = file.stat()
    assert (after.st_ino, after.st_mtime_ns, after.st_ctime_ns) == (
        before.st_ino, before.st_mtime_ns, before.st_ctime_ns,
    )  # fmt: skip


def test_where_all_promises_are_kept_the_status_is_0(found: Survey, shown: Callable[..., str]) -> None:
    assert set(verdicts(found).values()) == {"yes"}
    printed = shown()
    assert re.findall(r"(?m)^  (yes|limited|no) +(?:a save|there is|readers|two saves|owner|nobody)", printed)
    assert "limited" not in printed
    assert json.loads(shown(argv=("--json",)))["verdict"] == "yes"


@pytest.mark.parametrize("argv", [[], ["--no-probe"]])
def test_the_status_says_whether_a_save_keeps_all_promises(untorn: Run, file: Path, argv: list[str]) -> None:
    looked = untorn("doctor", "app.toml", "--json", *argv)
    assert looked.status == (0 if json.loads(looked.out)["verdict"] == "yes" else 1)
    refused = untorn("doctor", "/dev/null", *argv)
    assert refused.status == 1
    assert "  no      a save is possible\n          it is a device" in refused.out
    assert "survives a power cut" not in refused.out


def test_the_keys_of_the_data_are_those_that_the_reference_promises(untorn: Run, file: Path) -> None:
    page = (Path(__file__).parents[2] / "docs" / "reference" / "command-line.md").read_text("utf-8")
    [section] = re.findall(r"(?ms)^## `untorn doctor PATH`\n(.*?)(?=^## )", page)
    data = json.loads(untorn("doctor", "app.toml", "--json").out)
    rows = re.findall(r"(?m)^\| (`[^|]+`) \| (.*) \|$", section[section.index("With `--json`") :])
    assert {key for row, _ in rows for key in re.findall(r"`(\w+)`", row)} == data.keys()
    told = {
        key: set(re.findall(r"`(\w+)`", text)) for row, text in rows for key in re.findall(r"`(\w+)`", row)
    }
    for key in ("file_system", "space", "names", "file", "can", "lock"):
        assert data[key].keys() <= told[key]
    promised = re.findall(r"(?m)^\| `(\w+)` \| (.*) \|$", section[: section.index("With `--json`")])
    assert promised == [(each["key"], each["text"]) for each in data["promises"]]
    assert data["promises"][0].keys() == {"key", "number", "text", "verdict", "reason", "remedy"}


def test_what_was_not_tried_is_said_to_be_unknown(untorn: Run, file: Path) -> None:
    printed = untorn("doctor", "app.toml", "--no-probe").out
    assert "nothing was tried" in printed
    for text in _CAPABILITIES.values():
        assert f"  not known    {text}\n" in printed
    data = json.loads(untorn("doctor", "app.toml", "--no-probe", "--json").out)
    assert set(data["can"].values()) == {None}
    assert data["tried"] is False


def test_a_path_that_cannot_be_looked_at_is_an_error_without_a_traceback(
    untorn: Run, here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (here / "circle").symlink_to("circle")
    looked = untorn("doctor", "circle")
    assert looked.status == 1
    assert looked.err.startswith("circle: cannot be read: ")
    assert "\n  hint: symbolic links lead in a circle" in looked.err

    def fail(*_arguments: object, **_keywords: object) -> None:
        raise OSError(errno.ENOMEM, os.strerror(errno.ENOMEM))

    monkeypatch.setattr(capabilities, "access_of", fail)
    said = "app.toml: cannot be read: Cannot allocate memory\n  hint: the system is out of memory\n"
    assert untorn("doctor", "app.toml").err == said


# ── What is printed ─────────────────────────────────────────────────────────


def test_a_new_file_is_told_with_the_directories_that_a_save_makes(untorn: Run, here: Path) -> None:
    printed = untorn("doctor", "a/b/new.toml").out
    assert f"  file         {here}/a/b/new.toml (does not exist yet)\n" in printed
    assert f"a save makes {here}/a, {here}/a/b\n" in printed


def test_a_directory_is_told_as_one(untorn: Run, here: Path) -> None:
    assert f"  directory    {here}\n" in untorn("doctor", ".").out


@pytest.mark.parametrize(
    ("mount", "said"),
    [
        (None, "file system  not known: this system does not tell"),
        (replace(DISK, kind="nfs4"), "nfs4, over a network, /dev/sda1 mounted at /"),
        (replace(DISK, kind="fuse.sshfs"), "fuse.sshfs, a program answers for it (FUSE), "),
        (DISK, "ext4, /dev/sda1 mounted at /"),
    ],
    ids=["unknown", "network", "fuse", "disk"],
)
def test_the_file_system_is_named(shown: Callable[..., str], mount: Mount | None, said: str) -> None:
    assert said in shown({"mount": mount})
    data = json.loads(shown({"mount": mount}, argv=("--json",)))["file_system"]
    assert data is None if mount is None else data["type"] == mount.kind


def test_room_is_told_with_what_is_reserved_and_the_quota(shown: Callable[..., str]) -> None:
    printed = shown()
    assert "100.0 MB of 1.0 GB free; 10.0 MB are kept for root" in printed
    assert "100 more files can be made" in printed
    assert "20.0 kB left for you" in shown(space=replace(SPACE, quota=Quota(0, 20_000, 0, 0)))
    assert "only the number of files is limited" in shown(space=replace(SPACE, quota=Quota(0, 0, 1, 5)))
    bare = shown(space=Space(0, 0, 0, 0, 0, 255, read_only=True, quota=None))
    assert "  space  " not in bare
    assert "can be made\n" in bare.replace("files can be made", "", 1) or "more file" not in bare
    assert "mounted read-only" in bare


def test_who_may_write_is_told(shown: Callable[..., str], found: Survey) -> None:
    access = found.where.file
    assert access is not None
    printed = shown(
        {
            "file": replace(
                access, mode=0o640, owner=0, group=0, links=3, label="etc_t",
                acl=(Entry("user", 0, "rw-"), Entry("mask", None, "rw-"), Entry("group", 99999, "r--")),
                flags=Flags(immutable=True, append_only=True),
            ),
            "folder": replace(found.where.folder, mode=0o1777, default_acl=(Entry("others", None, "r--"),)),
            "is_mounted": True,
        }
    )  # fmt: skip
    for said in (
        "file         rw-r----- (0640), owner root (0), group ",
        "access list: user root (0) rw-, mask rw-, group 99999 r--",
        "SELinux label etc_t",
        "immutable",
        "append-only",
        "3 names (hard links)",
        "for new files: others r--",
        "sticky: only its owner may replace a file",
        "the file is mounted by itself",
    ):
        assert said in printed


def test_who_may_write_is_told_as_data(shown: Callable[..., str], found: Survey) -> None:
    access = found.where.file
    assert access is not None
    listed = replace(access, acl=(Entry("user", 0, "rw-"), Entry("mask", None, "r--")))
    data = json.loads(shown({"file": listed}, ("--json",)))
    entries = [{"who": "user", "number": 0, "may": "rw-"}, {"who": "mask", "number": None, "may": "r--"}]
    assert entries in data["file"].values()


def test_who_holds_the_lock_is_named(untorn: Run, file: Path) -> None:
    assert "  lock         free\n" in untorn("doctor", "app.toml").out
    with holder_of(file) as process:
        assert f"  lock         held by process {process.pid} (python" in untorn("doctor", "app.toml").out


@pytest.mark.parametrize(
    ("held", "said"),
    [(True, "held by a process that this one cannot see"), (None, "not known")],
    ids=["unseen", "unknown"],
)
def test_a_lock_of_whom_nobody_knows_is_told(shown: Callable[..., str], held: bool | None, said: str) -> None:
    from untorn.storage.holders import Holder

    assert f"  lock         {said}\n" in shown(holder=Holder(held=held))


def test_what_is_being_written_is_no_orphan_yet(untorn: Run, file: Path) -> None:
    temp = file.with_name(temp_name(file.name, revision_of(b"new")))
    with temp.open("wb") as stream:
        fcntl.flock(stream, fcntl.LOCK_EX)
        assert f"{temp.name}, being written right now\n" in untorn("doctor", "app.toml").out


def test_orphans_are_named(untorn: Run, file: Path) -> None:
    temp = file.parent / temp_name("app.toml", revision_of(b"a = 2\n"))
    temp.write_bytes(b"a = 2\n")
    printed = untorn("doctor", "app.toml").out
    assert f"  orphans      1; untorn recover {file} says more\n" in printed
    assert f"{temp.name}, complete, 6 bytes, " in printed
    [data] = json.loads(untorn("doctor", "app.toml", "--json").out)["orphans"]
    assert data["path"] == str(temp)


def test_a_transaction_that_was_cut_off_is_told_and_its_temps_are_no_orphans(
    untorn: Run, half_done: Path
) -> None:
    printed = untorn("doctor", "b.toml").out
    assert "  orphans      none: no crashed save left anything\n" in printed
    told = f"cut off behind its commit point; the next save, or untorn recover {half_done}, finishes it\n"
    assert f"  transaction  {told}" in printed
    assert "b.toml: still holds what it held; untorn reads its new bytes already\n" in printed
    assert "a.json: holds its new bytes\n" in printed
    data = json.loads(untorn("doctor", ".", "--json").out)
    assert data["orphans"] == []
    assert data["transaction"]["files"] == {"a.json": "done", "b.toml": "waiting", "c.json": "waiting"}


def test_a_transaction_that_is_under_way_is_told(untorn: Run, half_done: Path) -> None:
    with (half_done / transaction.RECORD).open() as record:
        fcntl.flock(record, fcntl.LOCK_EX)
        assert "  transaction  one is under way\n" in untorn("doctor", "b.toml").out


def test_where_there_is_no_transaction_none_is_told(untorn: Run, file: Path) -> None:
    assert "  transaction  " not in untorn("doctor", "app.toml").out
    assert json.loads(untorn("doctor", "app.toml", "--json").out)["transaction"] is None


def test_a_transaction_that_cannot_be_read_is_left_to_the_rest(
    untorn: Run, file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(doctor, "transaction_at", raising_read_error)
    assert "  transaction  " not in untorn("doctor", "app.toml").out


def raising_read_error(path: Path) -> None:
    raise ReadError("cannot be read", errno=5, path=path)


def test_names_that_a_terminal_would_obey_are_escaped(untorn: Run, here: Path) -> None:
    path = here / "\x1b[2J.toml"
    path.write_text("a = 1\n")
    printed = untorn("doctor", str(path)).out
    assert "\\x1b[2J.toml" in printed
    assert "\x1b" not in printed


# ── The promises ────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("kind", "options", "expected"),
    [
        ("xfs", (), {}),
        ("tmpfs", (), {"durable": "no"}),
        ("overlay", ("volatile",), {"durable": "no"}),
        ("ext4", ("nobarrier",), {"durable": "limited"}),
        ("ext4", ("barrier=0",), {"durable": "limited"}),
        ("vfat", (), {"whole": "limited"}),
        ("nfs4", (), {"whole": "limited", "durable": "limited", "exclusive": "limited"}),
        ("fuse.sshfs", (), {"whole": "limited", "durable": "limited", "exclusive": "limited"}),
        ("fuseblk", (), {"whole": "limited", "durable": "limited", "exclusive": "limited"}),
    ],
)
def test_what_a_kind_of_file_system_takes_from_the_promises(
    found: Survey, kind: str, options: tuple[str, ...], expected: dict[str, str]
) -> None:
    told = verdicts(on(found, kind, *options))
    assert {key: verdict for key, verdict in told.items() if verdict != "yes"} == expected
    for each in promises.promises_at(on(found, kind, *options)):
        assert bool(each.remedy) == (each.verdict != "yes")


@pytest.mark.parametrize(
    ("probed", "kind", "expected"),
    [
        (Probed(), "ext4", {}),
        (Probed(), "strangefs", {"durable": "limited", "exclusive": "limited"}),
        (replace(ALL, syncs_directories=False), "ext4", {"durable": "limited"}),
        (replace(ALL, locks=False), "ext4", {"exclusive": "no", "possible": "no"}),
        (replace(ALL, keeps_modes=False), "ext4", {}),
        (replace(ALL, makes_files=False), "ext4", {"possible": "no"}),
    ],
    ids=["untried", "untried and strange", "no sync", "no locks", "no modes", "no files"],
)
def test_what_was_tried_takes_from_the_promises(
    found: Survey, probed: Probed, kind: str, expected: dict[str, str]
) -> None:
    told = verdicts(on(found, kind, probed=probed))
    assert {key: verdict for key, verdict in told.items() if verdict != "yes"} == expected


def test_without_a_mount_table_what_was_tried_decides(found: Survey) -> None:
    bare = replace(found, where=replace(found.where, mount=None))
    assert set(verdicts(bare).values()) == {"yes"}
    told = promises.promises_at(replace(bare, probed=Probed()))
    [durable] = [each for each in told if each.key == "durable"]
    assert (durable.verdict, "whose type the system does not tell" in durable.reason) == ("limited", True)


def test_hard_links_little_room_and_missing_modes_are_said(found: Survey, shown: Callable[..., str]) -> None:
    file = found.where.file
    assert file is not None
    linked = shown({"file": replace(file, links=2)})
    assert "limited owner, group, mode" in linked
    assert "it has 1 other name (hard links)" in linked
    cramped = shown(space=replace(SPACE, available=1000))
    assert "limited there is room" in cramped
    assert "1.0 kB are left, and old and new exist at once\n          -> make room\n" in cramped
    assert "the mount decides who reads" in shown(probed=replace(ALL, keeps_modes=False))


def test_a_save_in_place_keeps_other_promises(untorn: Run, file: Path, found: Survey) -> None:
    journals = file.parent / "journals"
    journals.mkdir()
    place = capabilities.survey(journals, limit=1 << 20)
    place = replace(place, where=replace(place.where, mount=DISK), probed=ALL, space=SPACE)
    told = verdicts(found, place)
    assert {key: verdict for key, verdict in told.items() if verdict != "yes"} == {"whole": "limited"}
    assert verdicts(found, on(place, "tmpfs"))["durable"] == "no"
    new = replace(found, where=replace(found.where, file=None))
    assert verdicts(new, place)["whole"] == "yes"

    printed = untorn("doctor", "app.toml", "--in-place", "journals").out
    assert f"  journals     none in {journals}\n" in printed
    assert "others may see a half-written file" in printed
    data = json.loads(untorn("doctor", "app.toml", "--in-place", "journals", "--json").out)
    assert (data["in_place"], data["journals"], data["obstacles"]) == (str(journals), [], [])


def test_journals_are_named(untorn: Run, file: Path) -> None:
    (file.parent / "journals").mkdir()
    journal = cut_off(file, "pwrite")
    assert f"  journals     {journal}, hot\n" in untorn("doctor", "app.toml", "--in-place", "journals").out
    data = json.loads(untorn("doctor", "app.toml", "--in-place", "journals", "--json").out)
    assert [each["path"] for each in data["journals"]] == [str(journal)]


def test_a_save_in_place_needs_its_directory(untorn: Run, file: Path) -> None:
    looked = untorn("doctor", "app.toml", "--in-place", "nowhere")
    assert looked.status == 1
    assert f"{file.parent}/nowhere is no directory\n" in looked.out
    data = json.loads(untorn("doctor", "app.toml", "--in-place", "nowhere", "--json").out)
    assert [each["key"] for each in data["obstacles"]] == ["journals"]
    fresh = json.loads(untorn("doctor", "new.toml", "--in-place", "nowhere", "--json").out)
    assert fresh["obstacles"] == []


# ── Real places ─────────────────────────────────────────────────────────────


def test_memory_does_not_survive_a_power_cut(untorn: Run, here: Path) -> None:
    with memory(here) as place:
        looked = untorn("doctor", str(place / "app.toml"))
    assert looked.status == 1
    assert "  no      a save that has returned survives a power cut (promise 3)\n" in looked.out
    assert "tmpfs lives in memory" in looked.out


def test_a_single_file_that_is_mounted_is_refused_with_the_way_out(
    untorn: Run, here: Path, file: Path
) -> None:
    with mounted("--bind", file, file):
        looked = untorn("doctor", "app.toml")
        assert looked.status == 1
        assert (
            "  no      a save is possible\n          it is a single file that is mounted by itself"
            in looked.out
        )
        assert f"-> mount the directory that it is in, instead of the file, at {here}\n" in looked.out
        in_place = json.loads(untorn("doctor", "app.toml", "--in-place", ".", "--json").out)
        assert in_place["obstacles"] == []


def test_an_overlay_is_examined_like_a_disk(untorn: Run, here: Path) -> None:
    with memory(here) as place:
        for name in ("lower", "upper", "work", "merged"):
            (place / name).mkdir()
        (place / "lower" / "app.toml").write_text("a = 1\n")
        options = ",".join(f"{name}dir={place / name}" for name in ("lower", "upper", "work"))
        with mounted("-t", "overlay", "-o", options, "overlay", place / "merged"):
            data = json.loads(untorn("doctor", str(place / "merged" / "app.toml"), "--json").out)
            assert (data["file_system"]["type"], data["can"]["exchanges"]) == ("overlay", True)
            assert data["promises"][0]["verdict"] == "yes"
            assert [*(place / "upper").iterdir()] == []


def test_another_user_is_told_what_is_missing(untorn: Run, file: Path) -> None:
    for each in (file.parent, *file.parent.parents[:3]):
        each.chmod(0o755)

    def ask() -> None:
        looked = untorn("doctor", str(file))
        assert looked.status == 1
        assert "the file is read-only for you; you may not write to the directory" in looked.out

    as_nobody(ask)


# ── Phrases ─────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("number", "said"),
    [(0, "0 bytes"), (1, "1 byte"), (999, "999 bytes"), (1000, "1.0 kB"), (10**19, "10000.0 PB")],
)
def test_sizes_are_said_as_people_say_them(number: int, said: str) -> None:
    assert phrases.sized(number) == said


def test_users_and_groups_without_a_name_are_numbers() -> None:
    assert phrases.user(0) == "root (0)"
    assert phrases.user(987_654_321) == phrases.group(987_654_321) == "987654321"
    assert phrases.user(2**40) == str(2**40)
