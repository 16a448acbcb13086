"""From bytes to a source, with the reader of its format."""

from __future__ import annotations

from harness.oracle import json_reader, toml_reader, yaml_reader
from harness.oracle.source import BOM, Format, RefusedError, Source


def read(data: bytes, form: Format, *, documents: bool = False) -> Source:
    """Read ``data`` with the independent parsers.

    Args:
        data: The bytes of the file.
        form: Its format.
        documents: Whether a YAML value is the list of all documents, and key paths begin with a number.

    Raises:
        RefusedError: The text is not valid in its format.
    """
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        raise RefusedError(str(error)) from error
    bom = text.startswith(BOM)
    text = text.removeprefix(BOM)
    try:
        if form == "toml":
            value, entries, comments = toml_reader.read(text)
        elif form == "yaml":
            value, entries, comments = yaml_reader.read(text, documents=documents)
        else:
            value, entries, comments = json_reader.read(text, comments_allowed=form == "jsonc")
    except RecursionError as error:
        raise RefusedError("nested too deeply for the judge") from error
    return Source(form, text, bom, value, entries, comments)
