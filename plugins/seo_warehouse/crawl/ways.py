"""Where a page leads: what it links to, and where it sends whoever comes."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from selectolax.lexbor import LexborHTMLParser

from seo_warehouse.urls import resolve

MAX_URL = 8_000
"""Characters of a URL; a longer one is no link."""

_CREDENTIALS = re.compile(r"^(https?://)[^/?#@]*@")
_REFRESH = re.compile(
    # https://html.spec.whatwg.org/multipage/semantics.html#shared-declarative-refresh-steps
    r"""\s*+(?:(\d++)[\d.]*+|\.[\d.]*+)(?:\s*+[;,]|\s)\s*+(?:url\s*+=\s*+)?+(?:"([^"]*)|'([^']*)|(.*))""",
    re.ASCII | re.IGNORECASE | re.DOTALL,
)


@dataclass(frozen=True)
class Ways:
    """Where a page leads, each URL once, absolute and without fragment.

    `targets`: of its links, in order; `is_cut`: it had more. `redirect`: where it sends whoever comes, at once;
    `later`: after a while, which is a link more. `canonical`: as the page, then its header, names it.
    """

    targets: tuple[str, ...] = ()
    is_cut: bool = False
    redirect: str | None = None
    later: str | None = None
    canonical: str | None = None


def target_of(base: str, href: str) -> str | None:
    """The absolute URL of a reference, without credentials; None where it is no http(s) URL or beyond MAX_URL."""
    if len(href) > MAX_URL:
        return None
    target = resolve(base, href)
    if target is None or len(target) > MAX_URL:
        return None
    return _CREDENTIALS.sub(r"\1", target) if "@" in target else target


def refresh_of(tree: LexborHTMLParser, base: str, url: str, headers: Mapping[str, str]) -> tuple[bool, str] | None:
    """(at once, target without fragment) of the first refresh that leads elsewhere: of the header, then of the page.

    An instant one counts as a redirect, as it does with search engines; a page that loads itself again leads nowhere.
    """
    page = url.partition("#")[0]
    for origin, content in _stated(tree, base, url, headers):
        found = _REFRESH.match(content)
        if found is None:
            continue
        seconds, *literals = found.groups()
        target = target_of(origin, next(filter(None, literals), "").strip())
        leads_to = (target or page).partition("#")[0]
        if leads_to != page:
            return not (seconds or "").strip("0"), leads_to
    return None


def _stated(tree: LexborHTMLParser, base: str, url: str, headers: Mapping[str, str]) -> Iterator[tuple[str, str]]:
    """(URL that it is relative to, content) of each refresh."""
    if "refresh" in headers:
        yield url, headers["refresh"]
    for node in tree.css("meta[http-equiv][content]"):
        values = node.attributes
        if (values.get("http-equiv") or "").strip().lower() == "refresh":
            yield base, values.get("content") or ""
