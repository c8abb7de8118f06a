"""The shape of a URL: what is left when habits of writing are taken away that most sites do not mean."""

from __future__ import annotations

import re

from seo_warehouse.urls import normalise

_HEAD = re.compile(r"https?://(?:www\.)?")
_INDEX = re.compile(r"/(?:index\.(?:html?|php)|default\.aspx)$", re.IGNORECASE)


def shape_of(url: str) -> str | None:
    """A URL without scheme, a leading www., one trailing slash and the names of index files; None where it is none.

    A shape groups what is written differently; it proves nothing.
    """
    normalised = normalise(url)
    if normalised is None:
        return None
    address, mark, query = normalised.partition("?")
    return f"{_INDEX.sub('/', _HEAD.sub('', address, count=1)).removesuffix('/')}{mark}{query}"


def is_same_shape(one: str, other: str) -> bool:
    """Whether two URLs have one shape."""
    return shape_of(one) == shape_of(other)
