"""The demo's crawlable sites: pages whose text follows the world's edits, robots.txt, sitemaps, redirects, faults."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from datetime import datetime
from functools import lru_cache
from html import escape

from seo_warehouse.demo.arrivals import arrivals
from seo_warehouse.demo.catalogue import DEMO_PROPERTIES, DemoProperty, Page
from seo_warehouse.demo.chance import number, pick
from seo_warehouse.demo.world import World

HTML = "text/html; charset=utf-8"
SENTENCES = (
    "Every order for {} leaves our own workshop within a week.",
    "Well made, and looked after, it outlasts its owner: that is our view of {}.",
    "Customers who ask about {} often ask about the finish, too.",
    "Measure twice before you order: {} can be heavy to return.",
    "All about {} comes with a care sheet, spare parts and our promise.",
    "Our makers spent ten days on {} before anything left the house.",
    "Nothing ages better than what is used every day, and {} is no exception.",
    "If you are unsure about {}, write to us.",
)
PARTNERS = (
    ("https://www.timber-standards.example/certificates", "certified sources", ""),
    ("https://oak-journal1.example/best-of-the-year", "as seen in Oak Journal", "nofollow noopener"),
    ("https://www.parcel-green.example/", "how we ship", "sponsored"),
    ("https://makers-forum.example/thread/118", "what makers say", "ugc nofollow"),
)


@dataclass(frozen=True)
class SiteAnswer:
    """What a URL of a demo site answers."""

    status: int
    body: bytes = b""
    headers: dict[str, str] = field(default_factory=dict)
    version: int = 0


class Sites:
    """The demo's sites as of an instant, by host."""

    def __init__(self, world: World) -> None:
        self._world = world
        self._hosts = {p.host: p for p in DEMO_PROPERTIES} | {p.domain: p for p in DEMO_PROPERTIES}
        self._page = lru_cache(maxsize=4_096)(self._make_page)

    def property_of(self, host: str) -> DemoProperty | None:
        """The property that answers for a Host header; None for any other host."""
        return self._hosts.get(host.split(":")[0].lower())

    def answer(self, prop: DemoProperty, host: str, target: str, now: datetime) -> SiteAnswer:
        """What `target` (path and query) answers at `now`."""
        if host.split(":")[0].lower() != prop.host:
            return redirect(301, prop.url(target))
        path = target.partition("?")[0]
        new = self._arrived(prop, now)
        special = self._special(prop, path, new)
        if special is not None:
            return special
        page = next((page for page in (*prop.pages, *new) if page.path == path), None)
        if path == "/de/benches/" and prop.key == 1:
            page = Page(path, "de", "gartenbank", "german", 0)
        if page is None:
            return SiteAnswer(
                404, document("Page not found", "<main><h1>Page not found</h1></main>"), {"Content-Type": HTML}
            )
        version, kinds = self._world.version(prop.key, path, now.date())
        return SiteAnswer(200, self._page(prop, page, version, kinds), {"Content-Type": HTML}, version)

    def _arrived(self, prop: DemoProperty, now: datetime) -> list[Page]:
        known = arrivals(self._world.seed, prop, self._world.first_day)
        return [each.page for each in known if each.published <= now.date()]

    def _special(self, prop: DemoProperty, path: str, new: list[Page]) -> SiteAnswer | None:
        first = prop.pages[4].path
        topic = prop.pages[3].topic
        redirects = {
            f"/old-{topic}": (301, prop.url(f"/{topic}/")),
            "/sale": (302, prop.url("/offers")),
            "/offers": (301, prop.url(first)),
            f"/{topic}": (301, prop.url(f"/{topic}/")),
        }
        if path in redirects:
            return redirect(*redirects[path])
        if path == "/robots.txt":
            text = f"User-agent: *\nDisallow: /cart/\nDisallow: /search\n\nSitemap: {prop.url('/sitemap.xml')}\n"
            return SiteAnswer(200, text.encode(), {"Content-Type": "text/plain; charset=utf-8"})
        if path == "/sitemap.xml":
            entry = f"<sitemap><loc>{prop.url('/sitemap-pages.xml')}</loc></sitemap>"
            return _xml("sitemapindex", entry)
        if path == "/sitemap-pages.xml":
            listed = [page for page in (*prop.pages, *new) if page.kind != "archive"]
            entries = [f"<url><loc>{prop.url(page.path)}</loc></url>" for page in listed]
            entries.append(f"<url><loc>{prop.url('/orphan-offer')}</loc></url>")
            return _xml("urlset", "".join(entries))
        if path == "/orphan-offer":
            body = document("A page only the sitemap knows", "<main><h1>Offer</h1><p>Nothing links here.</p></main>")
            return SiteAnswer(200, body, {"Content-Type": HTML})
        if path == "/files/care-guide.pdf":
            headers = {"Content-Type": "application/pdf", "X-Robots-Tag": "noindex, nofollow"}
            return SiteAnswer(200, b"%PDF-1.4\n% care guide\n%%EOF\n", headers)
        if path.startswith("/cart/"):
            return SiteAnswer(200, document("Cart", "<main><h1>Cart</h1></main>"), {"Content-Type": HTML})
        return None

    def _make_page(self, prop: DemoProperty, page: Page, version: int, kinds: tuple[str, ...]) -> bytes:
        titles = 1 + kinds.count("title")
        title = (
            f"{page.subject.title()} | {prop.brand}"
            if titles == 1
            else f"{page.subject.title()}, edition {titles} | {prop.brand}"
        )
        head = [
            f"<title>{escape(title)}</title>",
            f'<meta name="description" content="{escape(page.subject)} from {prop.brand}">',
            f'<link rel="canonical" href="{prop.url(page.path)}">',
        ]
        if page.kind == "archive":
            head.append('<meta name="robots" content="noindex, follow">')
        if prop.key == 1 and page.path in ("/benches/", "/de/benches/"):
            for language, path in (("en", "/benches/"), ("de", "/de/benches/"), ("x-default", "/benches/")):
                head.append(f'<link rel="alternate" hreflang="{language}" href="{prop.url(path)}">')
        head += [
            f'<script type="application/ld+json">{json.dumps(each)}</script>' for each in _structured(prop, page, title)
        ]
        body = _header(prop) + _main(prop, page, version, kinds) + _footer(prop)
        language = "de" if page.kind == "german" else "en"
        return document(None, body, "\n".join(head), language)


def redirect(status: int, location: str) -> SiteAnswer:
    """An answer that leads elsewhere."""
    return SiteAnswer(status, b"", {"Location": location, "Content-Type": HTML})


def _xml(root: str, entries: str) -> SiteAnswer:
    text = f'<?xml version="1.0" encoding="UTF-8"?>\n<{root} xmlns="http://www.sitemaps.org/schemas/sitemap/0.9">{entries}</{root}>\n'
    return SiteAnswer(200, text.encode(), {"Content-Type": "application/xml"})


def document(title: str | None, body: str, head: str = "", language: str = "en") -> bytes:
    """A whole page."""
    named = f"<title>{escape(title)}</title>" if title else ""
    parts = (
        f'<!doctype html>\n<html lang="{language}">\n<head>\n<meta charset="utf-8">',
        f"{named}{head}\n</head>\n<body>",
        f"{body}\n</body>\n</html>\n",
    )
    return "\n".join(parts).encode()


def _anchor(href: str, text: str, rel: str = "") -> str:
    return f'<a href="{escape(href)}"{f" rel={chr(34)}{rel}{chr(34)}" if rel else ""}>{escape(text)}</a>'


def _header(prop: DemoProperty) -> str:
    hubs = [page for page in prop.pages if page.kind == "hub"]
    links = "".join(f"<li>{_anchor(page.path, page.subject.title())}</li>" for page in hubs)
    cart = _anchor("/cart/view", "Cart", "nofollow")
    header = f"<header>{_anchor('/', prop.brand)} {cart}</header>"
    return f"{header}\n<nav><ul>{links}<li>{_anchor('/sale', 'Sale')}</li></ul></nav>\n"


def _footer(prop: DemoProperty) -> str:
    topic = prop.pages[3].topic
    links = [
        _anchor("/about/", "About us"),
        _anchor("/contact/", "Contact"),
        _anchor(f"/old-{topic}", f"All {topic}"),
        _anchor("/catalogue-2019", "Catalogue 2019"),
        _anchor("https://social.example/" + prop.name, "Follow us", "noopener nofollow"),
    ]
    return f"<footer>{' '.join(links)}</footer>"


def _main(prop: DemoProperty, page: Page, version: int, kinds: tuple[str, ...]) -> str:
    texts, sections = 1 + kinds.count("text"), 2 + kinds.count("sections")
    parts = [f"<h1>{escape(page.subject.title())}</h1>"]
    for section in range(sections):
        parts.append(f"<h2>{('Why', 'Details', 'Care', 'Delivery', 'Questions')[section % 5]} {section + 1}</h2>")
        for line in range(3 + texts % 4):
            sentence = pick(SENTENCES, prop.key, page.path, texts, section, line)
            parts.append(f"<p>{escape(sentence.format(page.subject))}</p>")
    siblings = [other for other in prop.pages if other.topic == page.topic and other.path != page.path]
    if page.kind in ("hub", "home"):
        children = siblings if page.kind == "hub" else [other for other in prop.pages if other.kind == "product"]
        parts.append("<ul>" + "".join(f"<li>{_anchor(c.path, c.subject)}</li>" for c in children) + "</ul>")
    if page.path == "/guides/":
        parts.append(f"<p>{_anchor('/files/care-guide.pdf', 'Care guide (PDF)')}</p>")
    if page.kind in ("guide", "about"):
        address, text, rel = PARTNERS[number(prop.key, page.path) % len(PARTNERS)]
        parts.append(f"<p>See also {_anchor(address, text, rel)}.</p>")
    if page.kind == "product":
        parts.append(f'<p><a href="/{page.topic}/"><img src="/images/{page.topic}.jpg" alt="All {page.topic}"></a></p>')
        parts.append(f"<p>{_anchor(page.path + '?ref=self', 'Share this page')}</p>")
    aside = "".join(f"<li>{_anchor(other.path, other.subject)}</li>" for other in siblings[:3])
    return f"<main>{''.join(parts)}</main>\n<aside><ul>{aside}</ul></aside>\n"


def _structured(prop: DemoProperty, page: Page, title: str) -> list[dict[str, object]]:
    context = "https://schema.org"
    if page.kind == "home":
        return [{"@context": context, "@type": "Organization", "name": prop.brand, "url": prop.url("/")}]
    if page.kind == "product":
        offer = {"@type": "Offer", "price": 20 + number(page.path) % 900, "priceCurrency": "USD"}
        return [
            {"@context": context, "@type": "Product", "name": page.subject, "offers": offer},
            {"@context": context, "@type": "BreadcrumbList", "itemListElement": []},
        ]
    if page.kind == "guide":
        return [{"@context": context, "@type": "Article", "headline": title}]
    return []
