"""What the steps between the models and what is published of them share."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

import psycopg

from seo_warehouse.errors import BuildError


@contextmanager
def estimating(what: str) -> Iterator[None]:
    """Raise BuildError, with what cannot be estimated, where the figures that the models left allow of none.

    As of a model that fails, whose figures these are is found out by building without some (apart.py).
    """
    try:
        yield
    except (ArithmeticError, LookupError, TypeError, ValueError, psycopg.DataError, psycopg.IntegrityError) as error:
        raise BuildError(
            f"{what} cannot be estimated: {type(error).__name__}: {' '.join(str(error).split())}"
        ) from error
