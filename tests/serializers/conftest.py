"""What tests of formats share."""

from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from untorn.serializers._yaml import libyaml

if TYPE_CHECKING:
    from collections.abc import Iterator


@pytest.fixture(scope="module", params=["libyaml", "pure Python"])
def each_engine(request: pytest.FixtureRequest) -> Iterator[None]:
    """Run a module's tests with both parsers of YAML."""
    if request.param == "libyaml":
        pytest.importorskip("yaml._yaml")
        yield
        return
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(libyaml, "_parser", lambda: None)
        yield
