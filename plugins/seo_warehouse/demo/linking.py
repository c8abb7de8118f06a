"""The pages that link to a demo property, under their own hosts: each has its link while that lives, and its own ways.

How a page behaves (`manner`), how it ends when its link is lost (`end`), whether it hides its link and whose tag its
site carries are drawn for each link and stay; all stand in the truth (linking_pages.jsonl).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from datetime import datetime
from functools import cached_property
from html import escape
from typing import Any
from urllib.parse import urlsplit

from seo_warehouse.demo.chance import draw, pick
from seo_warehouse.demo.hosting import address_of, burst_of, hidden_by, tag_of
from seo_warehouse.demo.links import TEXTS, Change, Link, Sight
from seo_warehouse.demo.referring import header_of, state_of
from seo_warehouse.demo.site import HTML, SENTENCES, SiteAnswer, document, redirect
from seo_warehouse.demo.world import World
from seo_warehouse.urls import normalise

MANNERS = (
    (0.68, "plain"),
    (0.73, "noindex"),
    (0.77, "canonical"),
    (0.81, "forbidden"),
    (0.86, "refuses"),
    (0.89, "challenge"),
    (0.92, "script"),
    (0.97, "rotating"),
    (1.00, "page_nofollow"),
)
ENDS = (
    (0.40, "removed"),
    (0.65, "missing"),
    (0.70, "gone"),
    (0.80, "soft_404"),
    (0.85, "parked"),
    (0.95, "home"),
    (1.00, "elsewhere"),
)
SHOWN = 0.7
"""Share of days on which a page that rotates its links shows one."""


def news_of(property_key: int) -> str:
    """The host to which pages lead that are given up."""
    return f"www.parcel-green{property_key}.example"


def manner_of(seed: int, link: Link) -> str:
    """How the page of a link behaves."""
    return _drawn(MANNERS, draw(seed, "manner", link.property_key, link.link_id))


def end_of(seed: int, link: Link) -> str:
    """What becomes of the page of a link that is lost."""
    return _drawn(ENDS, draw(seed, "end", link.property_key, link.link_id))


def _drawn(options: tuple[tuple[float, str], ...], chance: float) -> str:
    return next(name for bound, name in options if chance <= bound)


def linking_pages(world: World) -> Iterator[dict[str, Any]]:
    """The truth of each page that links."""
    for links in world.links.values():
        burst = burst_of(links)
        for link in links:
            yield {
                "property_key": link.property_key,
                "link_id": link.link_id,
                "url_from": link.url_from,
                "manner": manner_of(world.seed, link),
                "end": end_of(world.seed, link),
                "is_hidden": bool(hidden_by(world.seed, link)),
                "tag_id": tag_of(world.seed, link.site.host),
                "address": address_of(world.seed, link.site.host, burst),
                "is_of_burst": link.site.host in burst,
                "is_viral": link.is_viral,
            }


def asks(world: World, property_key: int, now: datetime) -> list[dict[str, Any]]:
    """The pages of links to a property that are worth a visit, as `plans.plan_link_check` would ask for them.

    They are those that the backlink vendor knows of, what changed last first: nothing is built while the demo's past is
    loaded, so that no model says it.
    """
    known = sorted(world.sights(property_key, now), key=lambda sight: sight.change.at, reverse=True)
    return [
        {
            "ask": {"url": sight.link.url_from, "links": [_expected(sight)]},
            "score": 1 / (1 + (now - sight.change.at).days),
            "reason": "schedule" if sight.change.is_live else "claim",
        }
        for sight in known
    ]


def _expected(sight: Sight) -> dict[str, Any]:
    rel = sorted({"nofollow", "sponsored", "ugc"}.intersection(sight.change.rel))
    target = normalise(sight.link.url_to)
    return {"target": target, "urls": [], "rel": rel, "anchor": sight.change.anchor, "place": None}


@dataclass(frozen=True)
class LinkingSites:
    """The sites that link, as of an instant, by host. One host links to one property."""

    world: World

    @cached_property
    def _news(self) -> dict[str, int]:
        return {news_of(key): key for key in self.world.links}

    @cached_property
    def _pages(self) -> dict[str, dict[str, Link]]:
        pages: dict[str, dict[str, Link]] = {}
        for links in self.world.links.values():
            for link in links:
                parts = urlsplit(link.url_from)
                pages.setdefault(parts.netloc, {})[parts.path] = link
        return pages

    def property_of(self, host: str) -> int | None:
        """The property that a host links to, or did before its pages led to it; None for any other host."""
        name = _name_of(host)
        pages = self._pages.get(name)
        return next(iter(pages.values())).property_key if pages else self._news.get(name)

    def answer(self, host: str, target: str, now: datetime) -> SiteAnswer:
        """What `target` (path and query) of a host that links answers at an instant."""
        name = _name_of(host)
        if name in self._news:
            return _page(name, f"<h1>News of parcels</h1>{_text(name)}")
        answer = self._answer(name, target.partition("?")[0], now)
        return replace(answer, headers={**answer.headers, **header_of(self.world.seed, name)})

    def _answer(self, name: str, path: str, now: datetime) -> SiteAnswer:
        pages = self._pages[name]
        if path == "/robots.txt":
            closed = (page for page, link in pages.items() if manner_of(self.world.seed, link) == "forbidden")
            lines = "".join(f"Disallow: {page}\n" for page in sorted(closed))
            return SiteAnswer(200, f"User-agent: *\nAllow: /\n{lines}".encode(), {"Content-Type": "text/plain"})
        if path in ("/", "/all"):
            return _page(name, f"<h1>{name}</h1>{_text(name, path)}")
        link = pages.get(path)
        state = state_of(link, now) if link else None
        if link is None or state is None:
            return self._nothing(pages, name)
        return self._alive(link, state, now) if state.is_live else self._ended(link)

    def _nothing(self, pages: dict[str, Link], host: str) -> SiteAnswer:
        """The answer to a path that nobody made: of a host that has a soft 404 that one, with status 200."""
        is_soft = any(end_of(self.world.seed, link) == "soft_404" for link in pages.values())
        return _page(host, _missing(host), status=200 if is_soft else 404)

    def _ended(self, link: Link) -> SiteAnswer:
        host = link.site.host
        match end_of(self.world.seed, link):
            case "missing":
                return _page(host, _missing(host), status=404)
            case "gone":
                return _page(host, _missing(host), status=410)
            case "soft_404":
                return _page(host, _missing(host))
            case "parked":
                return SiteAnswer(200, b"<html data-adblockkey=demo><body>Related searches", {"Content-Type": HTML})
            case "home":
                return redirect(301, f"{link.site.root}/")
            case "elsewhere":
                return redirect(302, f"http://{news_of(link.property_key)}/")
        return _page(host, _body(link, None))

    def _alive(self, link: Link, state: Change, now: datetime) -> SiteAnswer:
        host = link.site.host
        match manner_of(self.world.seed, link):
            case "refuses":
                return _page(host, "<p>Robots are not served here.", status=403)
            case "challenge":
                waiting = _page(host, "<p>Checking your browser", status=503)
                return SiteAnswer(503, waiting.body, {**waiting.headers, "cf-mitigated": "challenge"})
            case "script":
                return _page(host, '<div id="root"></div><script src="/app.js"></script>')
            case "rotating" if not self.is_shown(link, now):
                return _page(host, _body(link, None))
            case "noindex":
                return self._linking(link, state, '<meta name="robots" content="noindex">')
            case "page_nofollow":
                return self._linking(link, state, '<meta name="robots" content="nofollow">')
            case "canonical":
                return self._linking(link, state, '<link rel="canonical" href="/all">')
        return self._linking(link, state)

    def _linking(self, link: Link, state: Change, head: str = "") -> SiteAnswer:
        """The page with its link, and its site's tag."""
        tag = tag_of(self.world.seed, link.site.host)
        head += f"<script>gtag('config', '{tag}');</script>" if tag else ""
        return _page(link.site.host, _body(link, state, hidden_by(self.world.seed, link)), head=head)

    def is_shown(self, link: Link, now: datetime) -> bool:
        """Whether a page that rotates its links shows this one on a day."""
        return draw(self.world.seed, "shown", link.property_key, link.link_id, now.date()) < SHOWN


def _name_of(host: str) -> str:
    """The name in a Host header."""
    return host.split(":")[0].lower()


def _page(host: str, body: str, *, status: int = 200, head: str = "") -> SiteAnswer:
    return SiteAnswer(status, document(host, f"<main>{body}</main>", head), {"Content-Type": HTML})


def _body(link: Link, state: Change | None, hiding: str = "") -> str:
    text = f"<h1>{escape(link.title)}</h1>{_text(link.site.host, link.url_from)}"
    if state is None:
        return text
    words = escape(state.anchor)
    shown = f'<img src="/p.jpg" alt="{words}">' if link.is_image else words
    rel = f' rel="{" ".join(state.rel)}"' if state.rel else ""
    return f'{text}<p>{pick(TEXTS, link.link_id)} <a href="{escape(link.url_to)}"{rel}{hiding}>{shown}</a>.</p>'


def _text(*names: str) -> str:
    """Some paragraphs that no other page has."""
    said = (f"{pick(SENTENCES, n, *names).format(f'item {int(900 * draw(n, *names))}')}" for n in range(8))
    return "".join(f"<p>{escape(sentence)}</p>" for sentence in said)


def _missing(host: str) -> str:
    return f"<h1>Nothing is here</h1>{_text(host, 'missing')}"
