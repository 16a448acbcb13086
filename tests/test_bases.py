"""Base and replay (promise 8): each case keeps the changes of both sides, or raises."""

from __future__ import annotations

import asyncio
import os
import pickle
import threading
from typing import TYPE_CHECKING, Any

import pytest

import untorn
from untorn import bases
from untorn.errors import ConflictError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    from untorn.replay import Side
    from untorn.values import Value


@pytest.fixture(params=["toml", "yaml", "json"])
def path(request: pytest.FixtureRequest, tmp_path: Path) -> Path:
    """A small settings file in each format."""
    target = tmp_path / f"settings.{request.param}"
    texts = {
        "toml": "n = 1\nm = 1\nitems = [1, 2]\n\n[server]\nport = 80 # web\n",
        "yaml": "n: 1\nm: 1\nitems: [1, 2]\nserver:\n  port: 80 # web\n",
        "json": '{"n": 1, "m": 1, "items": [1, 2], "server": {"port": 80}}\n',
    }
    target.write_text(texts[request.param])
    return target


@pytest.fixture
def host() -> untorn.Host:
    return untorn.Host()


@pytest.fixture
def other() -> untorn.Host:
    """A host of another process, as far as memory goes."""
    return untorn.Host()


def in_thread(function: Callable[[], Any]) -> Any:
    """Run ``function`` in a thread of its own and return or raise what it does."""
    result: list[Any] = []

    def run() -> None:
        try:
            result.append((True, function()))
        except BaseException as error:  # noqa: BLE001  handed to the caller
            result.append((False, error))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()
    [(good, value)] = result
    if not good:
        raise value
    return value


def test_two_changes_of_different_keys_both_stay(path: Path, host: untorn.Host, other: untorn.Host) -> None:
    mine, yours = host.load(path), other.load(path)
    mine["n"], yours["m"] = 10, 20
    other.save(path, yours)
    receipt = host.save(path, mine)
    assert receipt.replayed
    assert untorn.load(path)["n"] == 10
    assert untorn.load(path)["m"] == 20


def test_different_changes_of_one_key_conflict_and_name_all_sides(
    path: Path, host: untorn.Host, other: untorn.Host
) -> None:
    mine, yours = host.load(path), other.load(path)
    mine["server"]["port"], yours["server"]["port"] = 8080, 9090
    other.save(path, yours)
    before = path.read_bytes()
    with pytest.raises(ConflictError) as caught:
        host.save(path, mine)
    error = caught.value
    assert (error.where, error.base, error.ours, error.theirs) == (("server", "port"), 80, 8080, 9090)
    assert error.location is not None
    assert str(path) in str(error)
    assert path.read_bytes() == before


@pytest.mark.parametrize(("side", "port"), [("ours", 8080), ("theirs", 9090)])
def test_a_conflict_may_be_decided_beforehand(
    path: Path, host: untorn.Host, other: untorn.Host, side: Side, port: int
) -> None:
    mine, yours = host.load(path), other.load(path)
    mine["server"]["port"], yours["server"]["port"] = 8080, 9090
    mine["n"] = 7
    other.save(path, yours)
    host.save(path, mine, on_conflict=side)
    assert untorn.load(path)["server"]["port"] == port
    assert untorn.load(path)["n"] == 7


def test_each_conflict_may_be_decided_by_itself(path: Path, host: untorn.Host, other: untorn.Host) -> None:
    document, yours = host.open(path), other.load(path)
    document.set("server.port", 8080)
    document.set("n", 7)
    yours["server"]["port"], yours["n"] = 9090, 8
    other.save(path, yours)
    asked = []

    def decide(conflict: ConflictError) -> Side:
        asked.append((conflict.where, conflict.base, conflict.ours, conflict.theirs))
        assert conflict.location is not None
        assert conflict.base_location is not None
        return "ours" if conflict.where == ("n",) else "theirs"

    document.save(on_conflict=decide)
    assert asked == [(("server", "port"), 80, 8080, 9090), (("n",), 1, 7, 8)]
    assert untorn.load(path)["server"]["port"] == document.get("server.port") == 9090
    assert untorn.load(path)["n"] == document.get("n") == 7


def test_all_conflicts_are_told_at_once_with_all_sides(
    path: Path, host: untorn.Host, other: untorn.Host
) -> None:
    mine, yours = host.load(path), other.load(path)
    mine["server"]["port"], yours["server"]["port"] = 8080, 9090
    mine["n"], yours["n"] = 7, 8
    other.save(path, yours)
    with pytest.raises(ConflictError) as caught:
        host.save(path, mine)
    assert len(caught.value.others) == 1
    told = str(caught.value)
    for said in ("base    80   (line ", "ours    8080", f"theirs  9090   ({path}:", "ours    7", "theirs  8"):
        assert said in told
    assert told.count("hint:") == 1
    assert str(pickle.loads(pickle.dumps(caught.value))) == told


@pytest.mark.parametrize(("side", "n"), [("ours", 1), ("theirs", 2)])
def test_a_file_that_appeared_may_be_decided_beforehand(
    tmp_path: Path, host: untorn.Host, other: untorn.Host, side: Side, n: int
) -> None:
    path = tmp_path / "new.json"
    document = host.open(path, create=True)
    document.set("n", 1)
    other.save(path, {"n": 2})
    document.save(on_conflict=side)
    assert untorn.load(path) == {"n": n}


def test_who_prevails_is_one_of_three(path: Path, host: untorn.Host, other: untorn.Host) -> None:
    mine, yours = host.load(path), other.load(path)
    mine["n"], yours["n"] = 7, 8
    other.save(path, yours)
    before = path.read_bytes()
    with pytest.raises(ValueError, match="not 'mine'"):
        host.save(path, mine, on_conflict=lambda _: "mine")  # type: ignore[arg-type,return-value]
    assert path.read_bytes() == before


def test_equal_changes_of_two_saves_count_once(path: Path, host: untorn.Host, other: untorn.Host) -> None:
    mine, yours = host.load(path), other.load(path)
    mine["n"] += 1
    yours["n"] += 1
    other.save(path, yours)
    assert not host.save(path, mine).changed
    assert untorn.load(path)["n"] == 2


def test_the_object_that_load_returned_may_be_saved_again_and_again(path: Path, host: untorn.Host) -> None:
    value = host.load(path)
    for n in range(5):
        value["n"] = n
        host.save(path, value)
        assert untorn.load(path)["n"] == n


def test_a_rebuilt_dict_has_the_base_that_its_thread_alone_has_seen(
    path: Path, host: untorn.Host, other: untorn.Host
) -> None:
    rebuilt = {**host.load(path), "n": 7}
    yours = other.load(path)
    yours["m"] = 9
    other.save(path, yours)
    host.save(path, rebuilt)
    assert untorn.load(path)["n"] == 7
    assert untorn.load(path)["m"] == 9


def test_load_load_save_of_a_rebuilt_dict_is_an_unknown_base(
    path: Path, host: untorn.Host, other: untorn.Host
) -> None:
    rebuilt = {**host.load(path), "n": 7}
    other.save(path, {**other.load(path), "m": 9})
    host.load(path)
    with pytest.raises(ConflictError, match="unknown base"):
        host.save(path, rebuilt)
    assert untorn.load(path)["m"] == 9


def test_load_load_save_of_the_first_object_replays(
    path: Path, host: untorn.Host, other: untorn.Host
) -> None:
    first = host.load(path)
    other.save(path, {**other.load(path), "m": 9})
    host.load(path)
    first["n"] = 7
    host.save(path, first)
    assert untorn.load(path)["n"] == 7
    assert untorn.load(path)["m"] == 9


def test_a_rebuilt_dict_of_two_threads_is_an_unknown_base(path: Path, host: untorn.Host) -> None:
    rebuilt = {**host.load(path), "n": 7}
    in_thread(lambda: host.load(path))
    with pytest.raises(ConflictError, match="unknown base"):
        host.save(path, rebuilt)


def test_a_thread_that_ended_is_not_taken_for_the_next_one(path: Path, host: untorn.Host) -> None:
    rebuilt = in_thread(lambda: {**host.load(path), "n": 7})
    with pytest.raises(ConflictError, match="unknown base"):
        in_thread(lambda: host.save(path, rebuilt))


def test_two_tasks_of_one_thread_are_two(path: Path, host: untorn.Host) -> None:
    async def both() -> None:
        async def load() -> Value:
            return {**host.load(path), "n": 7}

        async def save(value: Value) -> None:
            host.save(path, value)

        value = await asyncio.create_task(load())
        await asyncio.create_task(save(value))

    with pytest.raises(ConflictError, match="unknown base"):
        asyncio.run(both())


def test_one_task_is_one(path: Path, host: untorn.Host) -> None:
    async def main() -> None:
        host.save(path, {**host.load(path), "n": 7})

    asyncio.run(main())
    assert untorn.load(path)["n"] == 7


def test_a_forked_child_and_its_parent_both_keep_their_changes(path: Path, host: untorn.Host) -> None:
    value = host.load(path)
    child = os.fork()
    if child == 0:
        try:
            value["m"] = 9
            host.save(path, value)
        finally:
            os._exit(0)
    os.waitpid(child, 0)
    value["n"] = 7
    host.save(path, value)
    assert (untorn.load(path)["n"], untorn.load(path)["m"]) == (7, 9)


def test_a_path_that_was_never_read_is_made_to_hold_the_value(path: Path, host: untorn.Host) -> None:
    wanted = {"n": 5, "items": [1, 2], "server": {"port": 80}}
    host.save(path, wanted)
    assert untorn.load(path) == wanted


def test_base_none_replaces_what_others_wrote(path: Path, host: untorn.Host, other: untorn.Host) -> None:
    mine = host.load(path)
    other.save(path, {**other.load(path), "m": 9})
    mine["n"] = 5
    host.save(path, mine, base=None)
    assert (untorn.load(path)["n"], untorn.load(path)["m"]) == (5, 1)


def test_a_revision_as_base_is_checked(path: Path, host: untorn.Host, other: untorn.Host) -> None:
    doc = host.open(path)
    host.save(path, {**doc.value, "n": 5}, base=doc.revision)
    other.save(path, {**other.load(path), "m": 9})
    with pytest.raises(ConflictError, match="revision"):
        host.save(path, {"n": 6}, base=doc.revision)
    assert untorn.load(path)["m"] == 9


def test_a_replayed_save_never_sets_the_other_side_back_later(
    path: Path, host: untorn.Host, other: untorn.Host
) -> None:
    """The value that was saved never had the other's change: the next save must not take it out."""
    value = host.load(path)
    other.save(path, {**other.load(path), "m": 9, "new": True})
    value["n"] = 2
    assert host.save(path, value).replayed
    value["n"] = 3
    host.save(path, value)
    rebuilt = {**value, "n": 4}
    host.save(path, rebuilt)
    found = untorn.load(path)
    assert (found["n"], found["m"], found["new"]) == (4, 9, True)


def test_a_delete_against_a_change_inside_conflicts_both_ways(
    path: Path, host: untorn.Host, other: untorn.Host
) -> None:
    mine, yours = host.load(path), other.load(path)
    del mine["server"]
    yours["server"]["port"] = 1
    other.save(path, yours)
    with pytest.raises(ConflictError):
        host.save(path, mine)
    third = untorn.Host()
    later = third.load(path)
    later["server"]["port"] = 2
    gone = other.load(path)
    del gone["server"]
    other.save(path, gone)
    with pytest.raises(ConflictError):
        third.save(path, later)


def test_both_append_and_both_stay(path: Path, host: untorn.Host, other: untorn.Host) -> None:
    mine, yours = host.load(path), other.load(path)
    mine["items"].append(3)
    yours["items"].append(4)
    other.save(path, yours)
    assert host.save(path, mine).replayed
    assert untorn.load(path)["items"] == [1, 2, 4, 3]


def test_a_reorder_against_an_edit_of_an_item_raises(
    path: Path, host: untorn.Host, other: untorn.Host
) -> None:
    mine, yours = host.load(path), other.load(path)
    mine["items"].reverse()
    yours["items"][0] = 100
    other.save(path, yours)
    with pytest.raises(ConflictError):
        host.save(path, mine)


def test_documents_added_by_the_other_side_stay(tmp_path: Path, host: untorn.Host) -> None:
    path = tmp_path / "many.yaml"
    path.write_text("a: 1\n---\nb: 2\n")
    value = host.load(path, document=0)
    path.write_text("a: 1\n---\nb: 2\n---\nc: 3\n")
    value["a"] = 5
    host.save(path, value, document=0)
    assert path.read_text() == "a: 5\n---\nb: 2\n---\nc: 3\n"


def test_a_file_that_others_emptied_is_not_filled_again(path: Path, host: untorn.Host) -> None:
    value = host.load(path)
    path.write_bytes(b"")
    value["n"] = 2
    with pytest.raises((ConflictError, untorn.EmptyFileError)):
        host.save(path, value)
    assert path.read_bytes() == b""


def test_a_file_that_others_deleted_is_not_made_again(path: Path, host: untorn.Host) -> None:
    value = host.load(path)
    path.unlink()
    with pytest.raises(ConflictError, match="deleted"):
        host.save(path, value)
    assert not path.exists()
    host.save(path, value, base=None)
    assert untorn.load(path) == value


def test_a_file_that_appeared_since_it_was_found_missing_is_not_replaced(
    tmp_path: Path, host: untorn.Host
) -> None:
    path = tmp_path / "new.toml"
    value = host.load(path, missing={})
    path.write_text("theirs = 1\n")
    value["ours"] = 1
    with pytest.raises(ConflictError, match="did not exist"):
        host.save(path, value)
    assert path.read_text() == "theirs = 1\n"


def test_more_values_than_a_host_remembers_are_unknown_never_guessed(
    path: Path, host: untorn.Host, other: untorn.Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bases, "MANY", 2)
    first = host.load(path)
    other.save(path, {**other.load(path), "m": 9})
    latest = [host.load(path) for _ in range(3)][-1]
    host.save(path, {**latest, "n": 2}, base=None)
    with pytest.raises(ConflictError, match="unknown base"):
        host.save(path, first)
    assert untorn.load(path)["m"] == 9


def test_more_paths_than_a_host_remembers_are_unknown_never_new(
    tmp_path: Path, host: untorn.Host, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bases, "MANY", 2)
    for n in range(4):
        (tmp_path / f"{n}.toml").write_text("a = 1\n")
        host.load(tmp_path / f"{n}.toml")
    with pytest.raises(ConflictError, match="unknown base"):
        host.save(tmp_path / "0.toml", {"b": 2})
