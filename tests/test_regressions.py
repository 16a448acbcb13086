"""Defects that a hostile reader found once: each stays mended."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

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
