"""Reproducible chance: the same names always give the same draw, in any order and in any process."""

from __future__ import annotations

from collections.abc import Sequence
from hashlib import blake2b
from typing import TypeVar

import numpy as np

T = TypeVar("T")


def number(*names: object) -> int:
    """A 64-bit number that belongs to `names`."""
    return int.from_bytes(blake2b("\x1f".join(map(str, names)).encode(), digest_size=8).digest(), "big")


def draw(*names: object) -> float:
    """A uniform draw in [0, 1) that belongs to `names`."""
    return number(*names) / 2**64


def pick(options: Sequence[T], *names: object) -> T:
    """One of `options`, evenly."""
    return options[int(draw(*names) * len(options))]


def generator(*names: object) -> np.random.Generator:
    """A stream of draws that belongs to `names`."""
    return np.random.Generator(np.random.PCG64(number(*names)))
