"""Which schema a file names for itself."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import TYPE_CHECKING
from urllib.parse import urlsplit
from urllib.request import url2pathname

from untorn.sdk import KeyPath, Span

if TYPE_CHECKING:
    from untorn.sdk import Proposal


@dataclass(frozen=True, slots=True)
class Named:
    """A local schema, and where it is named: by a key, by a comment, or (neither) by an option."""

    path: str
    where: KeyPath = ()
    span: Span | None = None


# The comments at the very top, with a YAML file's directives and its "---".
_HEAD = re.compile(r"(?:[ \t]*(?:---[ \t]*)?(?:[#%][^\n]*)?\r?(?:\n|\Z))*")

_COMMENTS = {
    "toml": re.compile(r"^#:schema[ \t]+(\S[^\n]*?)[ \t\r]*$", re.MULTILINE),
    "yaml": re.compile(r"^#[ \t]*yaml-language-server:[ \t]*\$schema=(\S+)", re.MULTILINE),
}

# A drive's name has one letter.
_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.-]+:")


def named_in(proposal: Proposal) -> Named | None:
    """Return the local schema that a file names, in a comment or under the key ``$schema``.

    A remote one is not looked at: nothing is ever fetched.
    """
    return _named_by_comment(proposal) or _named_by_key(proposal)


def _named_by_comment(proposal: Proposal) -> Named | None:
    pattern = _COMMENTS.get(proposal.format or "")
    head = _HEAD.match(proposal.text or "")
    found = pattern.search(head[0]) if pattern and head else None
    path = local_path(found[1]) if found else None
    return Named(path, span=Span(*found.span(1))) if found and path else None


def _named_by_key(proposal: Proposal) -> Named | None:
    named = proposal.value.get("$schema") if isinstance(proposal.value, dict) else None
    path = local_path(named) if isinstance(named, str) else None
    return Named(path, where=("$schema",)) if path else None


def local_path(named: str) -> str | None:
    """Return the path of a local file, or ``None`` for a URL that leads elsewhere."""
    if not _SCHEME.match(named):
        return named.removesuffix("#") or None
    url = urlsplit(named)
    if url.scheme != "file" or url.netloc not in ("", "localhost"):
        return None
    return url2pathname(url.path)
