"""What a plugin may import."""

from __future__ import annotations

import subprocess
import sys

import pytest

import untorn.sdk


@pytest.mark.parametrize("name", untorn.sdk.__all__)
def test_everything_that_is_promised_is_there(name: str) -> None:
    assert getattr(untorn.sdk, name) is not None


def test_what_is_not_there_is_an_attribute_error() -> None:
    with pytest.raises(AttributeError, match=r"module 'untorn\.sdk' has no attribute 'nothing'"):
        untorn.sdk.nothing  # type: ignore[attr-defined]  # noqa: B018


def test_pluggy_is_imported_only_for_the_marker() -> None:
    code = (
        "import sys, untorn.sdk\n"
        "assert 'pluggy' not in sys.modules\n"
        "from untorn.sdk import hookimpl\n"
        "assert 'pluggy' in sys.modules\n"
        "@hookimpl\n"
        "def untorn_saved(receipt): pass\n"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
