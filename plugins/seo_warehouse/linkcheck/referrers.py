"""What a link lets the page that it leads to know of where a visitor came from (https://www.w3.org/TR/referrer-policy/)."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from seo_warehouse.crawl.parse import Link, Page

_LEGACY = {
    "never": "no-referrer",
    "default": "strict-origin-when-cross-origin",
    "always": "unsafe-url",
    "origin-when-crossorigin": "origin-when-cross-origin",
}
"""Words of old that only the meta element knows: https://html.spec.whatwg.org/multipage/semantics.html#meta-referrer."""


class Passed(StrEnum):
    """How much of the source's URL comes with a visitor."""

    FULL = "full"
    ORIGIN = "origin"
    NONE = "none"


_PASSES = {
    "no-referrer": Passed.NONE,
    # Another site is never the same origin.
    "same-origin": Passed.NONE,
    "origin": Passed.ORIGIN,
    "strict-origin": Passed.ORIGIN,
    "origin-when-cross-origin": Passed.ORIGIN,
    "strict-origin-when-cross-origin": Passed.ORIGIN,
    "no-referrer-when-downgrade": Passed.FULL,
    "unsafe-url": Passed.FULL,
}
_EVEN_DOWNGRADED = ("origin", "origin-when-cross-origin", "unsafe-url")
_DEFAULT = "strict-origin-when-cross-origin"


def passed(page: Page, header: str, source: str, links: Iterable[Link]) -> Passed:
    """What the most open of some links of one page passes. `header`: the page's Referrer-Policy."""
    stated = _of_page(page, header)
    found = [_by_link(link, stated, source) for link in links]
    return next((how for how in Passed if how in found), Passed.NONE)


def _of_page(page: Page, header: str) -> str:
    """The policy in force on a page: the last that is one, meta elements after the header."""
    policy = _DEFAULT
    for token in header.lower().split(","):
        policy = token.strip() if token.strip() in _PASSES else policy
    for content in page.referrer_policies:
        # A meta element holds one token; what is none changes nothing.
        token = content.strip().lower()
        token = _LEGACY.get(token, token)
        policy = token if token in _PASSES else policy
    return policy


def _by_link(link: Link, stated: str, source: str) -> Passed:
    if "noreferrer" in link.rel:
        return Passed.NONE
    policy = link.referrer_policy if link.referrer_policy in _PASSES else stated
    is_downgraded = source.startswith("https:") and link.target.startswith("http:")
    return Passed.NONE if is_downgraded and policy not in _EVEN_DOWNGRADED else _PASSES[policy]
