"""Where untorn disagrees with an official suite, and why: readings first, then edits."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from harness.oracle.source import Format

    Known = dict[tuple[Format, str], str]


def _listed(form: Format, names: str, why: str) -> Known:
    return {(form, name): why for name in names.split()}


_DUPLICATES = "a key that comes twice is refused on purpose: programs differ in which value they take"

KNOWN: Known = {
    **_listed(
        "json",
        "y_object_duplicated_key y_object_duplicated_key_and_value object_same_key_different_values"
        " object_same_key_same_value object_same_key_unclear_values",
        _DUPLICATES,
    ),
    **_listed("yaml", "2JQS X38W", _DUPLICATES),
    **_listed(
        "yaml",
        "4FJ6 9MMW M2N8/00 M2N8/01 Q9WF V9D5",
        "a mapping as key: no value of Python's could hold it",
    ),
    **_listed("yaml", "8G76 98YD AVM7 HWV9 QT73", "a text without documents is one whose value is null"),
    **_listed(
        "yaml",
        "9C9N DK95/01 QB6E VJP3/00 Y79Y/03",
        "read leniently: a line in brackets or quotes that is indented too little, or by a tab",
    ),
    **_listed(
        "yaml", "JEF9/02 L24T/01", "no line break at the end of the text: PyYAML, too, adds none to the value"
    ),
}
"""Cases that are read in another way than the suite says."""

KNOWN_EDITS: Known = {
    **_listed(
        "toml",
        "valid/inline-table/key-dotted-01 valid/inline-table/key-dotted-02 valid/inline-table/key-dotted-03"
        " valid/inline-table/key-dotted-04 valid/inline-table/key-dotted-05"
        " valid/inline-table/key-dotted-06 valid/inline-table/key-dotted-07 valid/spec-1.0.0/inline-table-0",
        "an entry is added to a table of dotted keys in an inline table: its blanks are not its siblings'",
    ),
    **_listed(
        "yaml",
        "26DV 735Y 87E4 JQ4R L9U5 LQZ7 PW8X S9E8",
        "the blanks around the colon are not those of siblings that have some before it",
    ),
    **_listed(
        "yaml",
        "7TMG 8UDB C2DT CT4Q LP6E QF4Y",
        "brackets over several lines in a style no file has: more of a line changes than must",
    ),
    **_listed("yaml", "RZP5 U3XV XW4D", "what becomes empty needs a bracket on the line above it"),
    **_listed("yaml", "P94K", "a comment over two lines between a key and its value"),
    **_listed("yaml", "9BXH", "a key over two lines in braces: valid, but PyYAML reads none"),
    **_listed("yaml", "6PBE BU8L DFF7 L24T/00", "refused by the proof: the file stays as it was"),
    **_listed("yaml", "HMQ5", "refused: an alias in a key needs the anchor that would go"),
    **_listed("yaml", "M5C3", "an edit beside a block scalar whose tag is on a line of its own: open defect"),
}
"""Cases of which an edit is refused, or judged to change more than it must."""
