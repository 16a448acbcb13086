"""Document: operations change the text at once; changes of the value are found."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

import untorn
from untorn.errors import ConflictError, KeyPathError, SaveError, UnknownFormatError

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

TOML = """\
# Settings of the web server.

title = "demo"

[server]
# where to listen
port = 80  # web
hosts = ["a", "b"]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    target = tmp_path / "app.toml"
    target.write_text(TOML)
    return target


def test_an_operation_changes_the_text_at_once_and_only_there(path: Path) -> None:
    doc = untorn.open(path)
    doc.set("server.port", 8080)
    assert doc.text == TOML.replace("80 ", "8080 ")
    assert path.read_text() == TOML
    assert [edit.new for edit in doc.edits] == ["8080"]
    assert str(doc.changes) == "set server.port"
    assert doc.get("server.port") == 8080


def test_what_changed_in_the_value_is_found(path: Path) -> None:
    doc = untorn.open(path)
    doc["server"]["port"] = 8080
    doc.value["title"] = "other"
    assert doc.text == TOML.replace("80 ", "8080 ").replace("demo", "other")
    assert doc.save().changed
    assert path.read_text() == doc.text


def test_operations_and_changes_of_the_value_mix(path: Path) -> None:
    doc = untorn.open(path)
    server = doc["server"]
    doc.set("server.port", 81)
    assert server["port"] == 81
    server["port"] += 1
    doc.append("server.hosts", "c")
    assert server["hosts"] == ["a", "b", "c"]
    doc.save()
    assert untorn.load(path)["server"] == {"port": 82, "hosts": ["a", "b", "c"]}


def test_insert_delete_and_rename(path: Path) -> None:
    doc = untorn.open(path)
    doc.insert("server.hosts", 0, "z")
    doc.delete("server.hosts[1]")
    doc.rename("server.port", "tcp_port")
    doc.save()
    assert untorn.load(path) == {"title": "demo", "server": {"tcp_port": 80, "hosts": ["z", "b"]}}
    assert "# where to listen\ntcp_port = 80  # web" in path.read_text()


def test_set_of_an_index_behind_the_last_appends(path: Path) -> None:
    doc = untorn.open(path)
    doc.set("server.hosts[+]", "c")
    assert doc.get("server.hosts") == ["a", "b", "c"]


def test_setting_what_is_there_changes_nothing(path: Path) -> None:
    doc = untorn.open(path)
    doc.set("server.port", 80)
    before = path.stat()
    receipt = doc.save()
    assert (receipt.changed, receipt.durable) == (False, None)
    assert (path.stat().st_ino, path.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.parametrize(
    ("operation", "reason"),
    [
        (lambda doc: doc.delete("server.prot"), "did you mean 'port'"),
        (lambda doc: doc.delete(""), "whole value"),
        (lambda doc: doc.set("title.x", 1), "nothing is below it"),
        (lambda doc: doc.set("new[0]", 1), "does not exist"),
        (lambda doc: doc.append("title", 1), "is a string"),
        (lambda doc: doc.append("nothing", 1), "is nothing"),
        (lambda doc: doc.insert("server.hosts", 7, 1), r"there is no \[7\]"),
        (lambda doc: doc.rename("title", "server"), "that key exists"),
        (lambda doc: doc.rename("server.hosts[0]", "x"), "only keys have names"),
        (lambda doc: doc.get("server["), "malformed"),
        (lambda doc: doc.location("nothing"), "no place"),
    ],
)
def test_a_bad_key_path_is_an_error_with_words_and_changes_nothing(
    path: Path, operation: Callable[[untorn.Document], None], reason: str
) -> None:
    doc = untorn.open(path)
    with pytest.raises(KeyPathError, match=reason):
        operation(doc)
    assert doc.text == TOML


def test_a_refused_operation_leaves_the_document_as_it_was(path: Path) -> None:
    doc = untorn.open(path)
    with pytest.raises(untorn.UnrepresentableError):
        doc.set("server.port", None)
    assert doc.text == TOML
    assert doc.get("server.port") == 80


def test_renaming_to_the_same_name_is_nothing(path: Path) -> None:
    doc = untorn.open(path)
    doc.rename("title", "title")
    assert not doc.changes


def test_the_diff_is_unified_and_empty_without_changes(path: Path) -> None:
    doc = untorn.open(path)
    assert doc.diff() == ""
    doc.set("server.port", 8080)
    assert "-port = 80  # web\n+port = 8080  # web\n" in doc.diff()


def test_a_diff_says_where_there_is_no_final_newline() -> None:
    doc = untorn.parse("a = 1", format="toml")
    doc.set("a", 2)
    assert "\\ No newline at end of file" in doc.diff()


def test_the_location_counts_like_an_editor(path: Path) -> None:
    where = untorn.open(path).location("server.port")
    assert (where.line, where.column) == (7, 8)
    assert str(where) == f"{path}:7:8"


def test_a_document_goes_on_after_its_save_with_the_same_value(path: Path) -> None:
    doc = untorn.open(path)
    value = doc.value
    value["title"] = "one"
    doc.save()
    assert not doc.changes
    value["title"] = "two"
    doc.save()
    assert untorn.load(path)["title"] == "two"


def test_a_document_takes_over_what_others_wrote(path: Path) -> None:
    doc = untorn.open(path)
    value = doc.value
    untorn.Host().save(path, {**untorn.Host().load(path), "new": 1})
    value["title"] = "mine"
    assert doc.save().replayed
    assert value["new"] == 1
    value["title"] = "again"
    doc.save()
    assert untorn.load(path)["new"] == 1


def test_a_new_document_is_rendered(tmp_path: Path) -> None:
    path = tmp_path / "new.yaml"
    doc = untorn.open(path, create=True)
    doc.set("server.port", 80)
    doc["name"] = "x"
    assert doc.text == "server:\n  port: 80\nname: x\n"
    assert doc.location("server.port").line == 2
    receipt = doc.save()
    assert receipt.changed
    assert untorn.load(path) == {"server": {"port": 80}, "name": "x"}
    doc.set("name", "y")
    doc.save()
    assert untorn.load(path)["name"] == "y"


def test_without_create_a_missing_file_is_missing(tmp_path: Path) -> None:
    with pytest.raises(FileNotFoundError):
        untorn.open(tmp_path / "no.toml")


def test_an_empty_yaml_file_can_be_filled(tmp_path: Path) -> None:
    path = tmp_path / "a.yaml"
    path.write_text("# nothing yet\n")
    doc = untorn.open(path)
    doc["a"] = 1
    doc.set("b.c", 2)
    doc.save()
    assert untorn.load(path) == {"a": 1, "b": {"c": 2}}
    assert path.read_text().startswith("# nothing yet\n")


def test_a_null_becomes_a_mapping_when_something_is_set_below_it() -> None:
    doc = untorn.parse("server:\nother: 1\nempty: ~\n", format="yaml")
    doc.set("server.port", 80)
    assert doc.value == {"server": {"port": 80}, "other": 1, "empty": None}
    assert untorn.loads(doc.text, format="yaml") == doc.value
    with pytest.raises(KeyPathError, match="is null"):
        doc.set("empty[0]", 1)


def test_a_parsed_text_has_no_file_until_it_is_saved(tmp_path: Path) -> None:
    doc = untorn.parse(TOML, format="toml")
    doc.set("title", "x")
    with pytest.raises(SaveError, match="has no file"):
        doc.save()
    path = tmp_path / "copy.toml"
    doc.save(path)
    assert path.read_text() == TOML.replace("demo", "x")
    assert doc.path == path
    doc.set("title", "y")
    doc.save()
    assert untorn.load(path)["title"] == "y"


def test_a_buffer_is_saved_over_the_file_that_it_was_read_from(path: Path) -> None:
    doc = untorn.parse(path.read_text(), format="toml")
    doc.set("title", "x")
    doc.save(path)
    assert path.read_text() == TOML.replace("demo", "x")


def test_a_document_is_not_saved_over_another_file_unless_told_so(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("precious = true\n")
    doc = untorn.open(path)
    with pytest.raises(ConflictError, match="holds something else"):
        doc.save(other)
    assert other.read_text() == "precious = true\n"
    doc.save(other, base=None)
    assert other.read_text() == TOML
    assert doc.path == path


def test_a_broken_file_is_not_even_replaced_by_a_copy_with_base_none(path: Path, tmp_path: Path) -> None:
    other = tmp_path / "other.toml"
    other.write_text("broken = = 1\n")
    with pytest.raises(untorn.ParseError) as caught:
        untorn.open(path).save(other, base=None)
    assert other.read_text() == "broken = = 1\n"
    untorn.open(path).save(other, base=caught.value.revision)
    assert other.read_text() == TOML


def test_to_bytes_has_the_mark_and_the_newlines_of_the_file() -> None:
    data = b"\xef\xbb\xbfa = 1\r\n[t]\r\nb = 2\r\n"
    doc = untorn.parse(data, format="toml")
    doc.set("t.c", [1, 2])
    doc.set("new.x", 1)
    out = doc.to_bytes()
    assert out.startswith(b"\xef\xbb\xbfa = 1\r\n")
    assert out.count(b"\n") == out.count(b"\r\n")
    assert untorn.loads(out, format="toml") == doc.value


def test_a_format_is_needed_for_a_text() -> None:
    with pytest.raises(UnknownFormatError):
        untorn.parse("a = 1", format="nonsense")


def test_a_dotted_key_that_exists_makes_a_written_path_ambiguous() -> None:
    doc = untorn.parse('{"editor.fontSize": 12}', format="json")
    with pytest.raises(KeyPathError, match="ambiguous") as caught:
        doc.set("editor.fontSize", 14)
    assert '"editor.fontSize"' in caught.value.hint
    doc.set('"editor.fontSize"', 14)
    assert doc.text == '{"editor.fontSize": 14}'


def test_item_access_is_that_of_the_value(path: Path) -> None:
    doc = untorn.open(path)
    assert "server" in doc
    assert "x" not in doc
    del doc["server"]
    assert doc.value == {"title": "demo"}
    assert "app.toml" in repr(doc)
    doc.value = {"title": "all new"}
    doc.save()
    assert untorn.load(path) == {"title": "all new"}


def test_what_was_set_cannot_be_changed_from_outside(path: Path) -> None:
    doc = untorn.open(path)
    mine = ["x"]
    doc.set("server.hosts", mine)
    mine.append("y")
    assert doc.get("server.hosts") == ["x"]
    doc.save()
    assert untorn.load(path)["server"]["hosts"] == ["x"]


def test_a_value_that_contains_itself_is_refused(path: Path) -> None:
    doc = untorn.open(path)
    loop: list[object] = []
    loop.append(loop)
    with pytest.raises(untorn.LimitError):
        doc.set("loop", loop)
    assert doc.text == TOML
