"""Fixtures of the sources' tests."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.sources.provider import Provider, serving


@pytest.fixture
def provider() -> Iterator[Provider]:
    """A scripted provider on loopback."""
    with serving() as server:
        yield server
