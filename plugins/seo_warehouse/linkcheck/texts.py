"""Whether two pages say the same: their runs of words, compared as sets."""

from __future__ import annotations

RUN = 5
LEAST_RUNS = 20
"""A text with fewer is like many another by chance."""
ALIKE = 0.7
"""Of pages of six folders of real documentation two that differ had .57 at most where they had content; stubs that
differ in a title and an address had .79 in the middle, so that .9 would miss them."""


MOST_WORDS = 20_000
"""Of a text: what lies beyond them changes no verdict of one that is not made to fill memory."""


def runs_of(text: str) -> frozenset[tuple[str, ...]]:
    """Each run of five words that follow one another."""
    words = text[: 20 * MOST_WORDS].casefold().split()[:MOST_WORDS]
    return frozenset(zip(*(words[start:] for start in range(RUN)), strict=False))


def similarity(one: str, other: str) -> float | None:
    """Share of the runs of both that either has (Jaccard); None where one has too few to say."""
    a, b = runs_of(one), runs_of(other)
    if min(len(a), len(b)) < LEAST_RUNS:
        return None
    shared = len(a & b)
    return shared / (len(a) + len(b) - shared)


def is_alike(one: str, other: str) -> bool:
    """Whether two texts are so much alike that one template made both."""
    found = similarity(one, other)
    return found is not None and found >= ALIKE
