"""Places in a text, for people, editors and language servers."""

from __future__ import annotations

import pytest

import untorn
from untorn.errors import KeyPathError

TEXT = 'a = "x"\r\n"ключ 😀" = ["😀", "é😀"] # c\r\n[t]\r\nb = """\r\n1"""\r\n'


@pytest.fixture
def document() -> untorn.Document:
    return untorn.parse(TEXT, format="toml")


@pytest.mark.parametrize(
    ("path", "part", "points", "units"),
    [
        ("a", "value", "1:5-1:8", "1:5-1:8"),
        (("ключ 😀",), "key", "2:1-2:9", "2:1-2:10"),
        (("ключ 😀",), "value", "2:12-2:23", "2:13-2:26"),
        (("ключ 😀", 1), "value", "2:18-2:22", "2:20-2:25"),
        (("ключ 😀",), "entry", "2:1-2:23", "2:1-2:26"),
        ("t.b", "value", "4:5-5:5", "4:5-5:5"),
    ],
)
def test_a_range_says_where_a_part_begins_and_ends(
    document: untorn.Document, path: str, part: str, points: str, units: str
) -> None:
    assert str(document.range(path, part)) == f"<text>:{points}"  # type: ignore[arg-type]
    assert str(document.range(path, part, unit="utf-16")) == f"<text>:{units}"  # type: ignore[arg-type]


def test_what_has_no_such_part_is_refused(document: untorn.Document) -> None:
    with pytest.raises(KeyPathError, match="has no key of its own"):
        document.range(("ключ 😀", 0), "key")


def test_edits_go_to_a_language_server_as_its_protocol_says(document: untorn.Document) -> None:
    document.set(("ключ 😀", 1), "new")
    document.set("t.c", 1)
    assert document.lsp_edits() == [
        {
            "range": {"start": {"line": 1, "character": 19}, "end": {"line": 1, "character": 24}},
            "newText": '"new"',
        },
        {
            "range": {"start": {"line": 5, "character": 0}, "end": {"line": 5, "character": 0}},
            "newText": "c = 1\r\n",
        },
    ]


def test_a_new_document_has_no_text_to_edit(tmp_path: object) -> None:
    document = untorn.open(f"{tmp_path}/new.toml", create=True)
    document.set("a", 1)
    assert document.lsp_edits() == []
