"""Defects that a hostile reader found once: each stays mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from untorn.errors import ConflictError, KeyPathError, ReadError, UnrepresentableError, UntornError
from untorn.host import Host

if TYPE_CHECKING:
    from pathlib import Path

    from untorn.selection import DocumentNumber


@pytest.mark.parametrize("document", [0, "all"])
def test_a_second_save_of_one_of_many_documents_does_not_set_back_what_another_wrote(
    tmp_path: Path, document: DocumentNumber
) -> None:
    """Promise 8: the base of the second save is what the first took, not what it left."""
    path = tmp_path / "many.yaml"
    path.write_text("theirs: 1\nours: 1\n---\nother: 1\n")
    host = Host()
    value = host.load(path, document=document)
    path.write_text("theirs: 2\nours: 1\n---\nother: 2\n")
    mine = value if document == 0 else value[0]

    for ours in (5, 6):
        mine["ours"] = ours
        host.save(path, value, document=document)

    assert path.read_text() == "theirs: 2\nours: 6\n---\nother: 2\n"


def test_a_copy_of_an_older_value_does_not_set_back_what_another_wrote(tmp_path: Path) -> None:
    """Promise 8: once two revisions were seen, what was built by hand has no known base."""
    path = tmp_path / "x.toml"
    path.write_text("x = 1\ny = 1\n")
    host = Host()
    older = host.load(path)
    path.write_text("x = 2\ny = 1\n")
    newer = host.load(path)
    newer["y"] = 2
    host.save(path, newer)
    with pytest.raises(ConflictError, match="unknown base"):
        host.save(path, {**older, "y": 3})
    assert host.load(path)["x"] == 2


def test_a_link_that_was_switched_is_not_a_file_that_was_never_read(tmp_path: Path) -> None:
    """Promise 8: what the name led to when it was read says nothing of what it leads to now."""
    for name in ("one", "two"):
        (tmp_path / f"{name}.toml").write_text(f"name = '{name}'\n")
    link = tmp_path / "link.toml"
    link.symlink_to("one.toml")
    host = Host()
    value = host.load(link)
    link.unlink()
    link.symlink_to("two.toml")
    value["new"] = 1
    with pytest.raises(ConflictError, match="unknown base"):
        host.save(link, value)
    assert (tmp_path / "two.toml").read_text() == "name = 'two'\n"


@pytest.mark.parametrize("format", ["json", "toml", "yaml"])
def test_a_key_of_too_many_digits_is_refused_with_words(format: str) -> None:
    with pytest.raises(UntornError):
        Host().dumps({10**5000: 1}, format=format)


def test_half_a_character_is_refused_with_words(tmp_path: Path) -> None:
    with pytest.raises(UnrepresentableError, match="cannot hold"):
        Host().write_text(tmp_path / "x.txt", "\ud800")
    assert list(tmp_path.iterdir()) == []


def test_a_key_path_that_is_none_is_refused_with_words() -> None:
    with pytest.raises(KeyPathError, match="a string or a tuple"):
        Host().parse("a: 1", format="yaml").set(3, 1)  # type: ignore[arg-type]  # what a user may try


@pytest.mark.parametrize("text", ["a = 1\n", '{"a": 1}', "a: 1\n"])
def test_a_buffer_may_begin_with_its_mark(text: str) -> None:
    format = {"a =": "toml", '{"a': "json", "a: ": "yaml"}[text[:3]]
    doc = Host().parse(f"\ufeff{text}", format=format)
    doc.set("a", 2)
    assert doc.to_bytes() == f"\ufeff{text}".replace("1", "2").encode()


def test_the_newline_style_outlives_the_last_newline() -> None:
    doc = Host().parse(b'{\r\n  // why\r\n  "a": 1\r\n}', format="jsonc")
    doc.delete("a")
    doc.set("b", [1, {"c": 2}])
    assert doc.to_bytes().count(b"\n") == doc.to_bytes().count(b"\r\n") > 0


def test_a_slash_behind_a_file_is_refused_as_the_kernel_does(tmp_path: Path) -> None:
    (tmp_path / "x.json").write_text("{}")
    for use in (Host().load, lambda path: Host().save(path, {})):
        with pytest.raises(ReadError):
            use(f"{tmp_path}/x.json/")
