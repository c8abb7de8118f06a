"""Python's searches for cycles among objects, left out where very many are made at once."""

from __future__ import annotations

import gc
from collections.abc import Iterator
from contextlib import contextmanager


@contextmanager
def uncollected() -> Iterator[None]:
    """No search for cycles: a document is many new objects without any, and each search walks them all.

    Of two threads the first to end lets the other's be searched. Who remembered how it was before could leave it off.
    """
    gc.disable()
    try:
        yield
    finally:
        gc.enable()
