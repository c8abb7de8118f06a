"""One page's HTML to facts. A pure function: the spider and the readers see the same page.

The page is read as a browser that runs scripts would before running any: what stands in `noscript` is no markup
(else a tracking image in the head's would end the head, and hide the canonical behind it).
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from hashlib import sha256

from selectolax.lexbor import LexborHTMLParser, LexborNode

from seo_warehouse.crawl import headers as http_headers
from seo_warehouse.crawl.hiding import Hiding
from seo_warehouse.crawl.structured import structured_types
from seo_warehouse.crawl.tree import is_too_deep, tree_of
from seo_warehouse.crawl.ways import Ways, refresh_of, target_of
from seo_warehouse.urls import resolve

MAX_TEXT = 2_000
"""Characters kept of a title, a heading or an anchor."""
MAX_HEADINGS = 500
MAX_HREFLANGS = 500
MAX_REL_TOKENS = 20

_INLINE = (
    "abbr, acronym, b, bdi, bdo, big, cite, code, data, del, dfn, em, font, i, ins, kbd, label, mark, q, s, samp,"
    " small, span, strong, sub, sup, time, tt, u, var, wbr"
)
"""One selector: the tree is gone through once."""
_LANDMARKS = {"header": "header", "nav": "nav", "footer": "footer", "aside": "aside", "main": "main"}
_ROLES = {"banner": "header", "navigation": "nav", "contentinfo": "footer", "complementary": "aside", "main": "main"}

_ANCHOR_TAG = re.compile(rb"<a[\s/>]", re.IGNORECASE)
_WORD = re.compile(r"\w\S*")
Attributes = dict[str, str | None]


@dataclass(frozen=True)
class Link:
    """A link as it stands on the page.

    `target` is absolute, without user name and password, else literal, its fragment included. `rel` in lower case.
    `referrer_policy` as the link itself states it, in lower case; empty where it states none. `is_hidden`: by inline
    style.
    """

    target: str
    anchor: str
    rel: tuple[str, ...]
    place: str
    referrer_policy: str = ""
    is_hidden: bool = False


@dataclass(frozen=True)
class Page:
    """What a page says. URLs are absolute; `is_cut`: it had more links than were asked for.

    `text`: what is seen, words divided by one space. `referrer_policies`: contents of meta referrer, in order.
    """

    title: str | None
    headings: tuple[tuple[int, str], ...]
    canonical: str | None
    meta_robots: tuple[str, ...]
    x_robots_tag: tuple[str, ...]
    hreflangs: tuple[tuple[str, str], ...]
    structured_data_types: tuple[str, ...]
    content_hash: str
    links: tuple[Link, ...]
    is_cut: bool
    text: str
    has_scripts: bool
    referrer_policies: tuple[str, ...]

    @property
    def word_count(self) -> int:
        """Words of the text; what has no letter or digit is none."""
        return len(_WORD.findall(self.text))


def parse_page(url: str, headers: Mapping[str, str], body: bytes, *, max_links: int) -> Page:
    """Facts of the page that `url` answered with. Never raises, whatever the body holds.

    A body nested beyond all measure is read as an empty one, and `is_cut`.
    """
    tree, is_bottomless = _tree(headers, body)
    base = _base(tree, url)
    canonical, hreflangs = _relations(tree, base, url, headers)
    robots = ",".join(_meta(tree, "robots", "googlebot"))
    referrer_policies = tuple(content[:MAX_TEXT] for content in _meta(tree, "referrer"))
    has_scripts = tree.css_first("script") is not None
    types = sorted(structured_types(tree))
    title = _title(tree)
    links, is_cut = _links(tree, base, url, body, max_links)
    headings = _headings(tree)
    text = _visible_text(tree)
    content = "\x1f".join((title or "", *(f"{level} {heading}" for level, heading in headings), text))
    return Page(
        title=title,
        headings=headings,
        canonical=canonical,
        meta_robots=tuple(http_headers.directives(robots)),
        x_robots_tag=tuple(http_headers.directives(headers.get("x-robots-tag", ""))),
        hreflangs=hreflangs,
        structured_data_types=tuple(types),
        content_hash=sha256(content.encode("utf-8", "replace")).hexdigest(),
        links=links,
        is_cut=is_cut or is_bottomless,
        text=text,
        has_scripts=has_scripts,
        referrer_policies=referrer_policies,
    )


def parse_links(url: str, headers: Mapping[str, str], body: bytes, *, max_links: int) -> tuple[Link, ...]:
    """The links that `parse_page` finds, without the rest of its work."""
    tree, _ = _tree(headers, body)
    return _links(tree, _base(tree, url), url, body, max_links)[0]


def parse_ways(url: str, headers: Mapping[str, str], body: bytes, *, max_links: int) -> Ways:
    """Where the page leads: by links and canonical as `parse_page` finds them, `is_cut` as there, and by a refresh."""
    tree, is_bottomless = _tree(headers, body)
    base = _base(tree, url)
    found, is_cut = _references(tree, base, url, max_links)
    targets = tuple(dict.fromkeys(target.partition("#")[0] for _, _, target in found))
    ways = Ways(targets, is_cut or is_bottomless, canonical=_relations(tree, base, url, headers)[0])
    is_instant, target = refresh_of(tree, base, url, headers) or (False, None)
    return replace(ways, redirect=target) if is_instant else replace(ways, later=target)


def _tree(headers: Mapping[str, str], body: bytes) -> tuple[LexborHTMLParser, bool]:
    """The page's tree, and whether it is an empty one because the body is nested beyond all measure."""
    is_bottomless = is_too_deep(body)
    return tree_of(headers, b"" if is_bottomless else body), is_bottomless


def _base(tree: LexborHTMLParser, url: str) -> str:
    node = tree.css_first("base[href]")
    return (node and resolve(url, node.attributes.get("href") or "")) or url


def _meta(tree: LexborHTMLParser, *names: str) -> list[str]:
    """Contents of the meta elements of some names, in order."""
    return [
        node.attributes.get("content") or ""
        for node in tree.css("meta[name][content]")
        if (node.attributes.get("name") or "").strip().lower() in names
    ]


def _relations(
    tree: LexborHTMLParser, base: str, url: str, headers: Mapping[str, str]
) -> tuple[str | None, tuple[tuple[str, str], ...]]:
    """Canonical (the page's own before its header's) and alternates by language."""
    stated: list[tuple[str, str, str, str]] = []
    for node in tree.css("link[rel][href]"):
        values = node.attributes
        rel, href, lang = (values.get(name) or "" for name in ("rel", "href", "hreflang"))
        stated.append((base, rel.lower(), href, lang))
    for literal, parameters in http_headers.links(headers):
        stated.append((url, parameters.get("rel", ""), literal, parameters.get("hreflang", "")))
    canonical = None
    alternates: dict[tuple[str, str], None] = {}
    for origin, relation, href, lang in stated:
        tokens = relation.split()
        if "canonical" in tokens and canonical is None and href.strip():
            canonical = target_of(origin, href)
        if "alternate" in tokens and lang.strip() and len(alternates) < MAX_HREFLANGS:
            alternate = target_of(origin, href)
            if alternate:
                alternates[lang.strip().lower()[:35], alternate] = None
    return canonical, tuple(alternates)


def _title(tree: LexborHTMLParser) -> str | None:
    node = tree.css_first("head > title") or tree.css_first("body > title")
    return (_squeezed(node.text()) or None) if node else None


def _references(
    tree: LexborHTMLParser, base: str, url: str, max_links: int
) -> tuple[list[tuple[LexborNode, Attributes, str]], bool]:
    """Elements that link, in document order, each with its attributes and target; and whether there were more."""
    page = url.partition("#")[0]
    found: list[tuple[LexborNode, Attributes, str]] = []
    for node in tree.css("a[href], area[href]"):
        # They are read anew whenever they are asked for.
        values = node.attributes
        if "href" not in values:
            # The selector also takes SVG's xlink:href, which no search engine follows.
            continue
        href = values["href"] or ""
        target = target_of(base, href)
        if target is None or (href.lstrip().startswith("#") and target.partition("#")[0] == page):
            continue
        if len(found) == max_links:
            return found, True
        found.append((node, values, target))
    return found, False


def _links(tree: LexborHTMLParser, base: str, url: str, body: bytes, max_links: int) -> tuple[tuple[Link, ...], bool]:
    """Links in document order, and whether there were more. Flattens inline elements: text is joined as it is seen."""
    surplus = _anchor_surplus(tree, body)
    places: dict[int, str] = {}
    hiding = Hiding(tree)
    references, is_cut = _references(tree, base, url, max_links)
    found = [
        (node, target, _rel(values.get("rel")), _place(node, places), _policy(values), hiding.is_hidden(node))
        for node, values, target in references
    ]
    tree.strip_tags(["script", "style", "template", "noscript"], recursive=True)
    tree.unwrap_tags([_INLINE])
    tree.merge_text_nodes()
    links = tuple(
        Link(target, _squeezed(node.text(separator=" ")) or _alternative(node), rel, place, policy, is_hidden)
        for node, target, rel, place, policy, is_hidden in found
    )
    return (_without_copies(links, surplus) if surplus > 0 else links), is_cut


def _anchor_surplus(tree: LexborHTMLParser, body: bytes) -> int:
    """How many more `a` elements there are than tags of them, those in scripts and the like left out."""
    texts = tree.css("script, style, noscript, textarea, iframe, xmp")
    hidden = sum(len(_ANCHOR_TAG.findall(node.text().encode("utf-8", "replace"))) for node in texts)
    return len(tree.css("a")) - len(_ANCHOR_TAG.findall(body)) + hidden


def _without_copies(links: Iterable[Link], surplus: int) -> tuple[Link, ...]:
    """Links without those that nobody wrote: an `a` never closed is opened again in each block that follows.

    `surplus`: how many more there are than tags. Only empty ones go; a link that shows in two blocks stays two.
    """
    kept: list[Link] = []
    seen: set[tuple[str, tuple[str, ...]]] = set()
    for link in links:
        if surplus and not link.anchor and (link.target, link.rel) in seen:
            surplus -= 1
            continue
        seen.add((link.target, link.rel))
        kept.append(link)
    return tuple(kept)


def _rel(value: str | None) -> tuple[str, ...]:
    # Google reads lists with commas too: https://developers.google.com/search/docs/crawling-indexing/qualify-outbound-links
    tokens = (value or "").lower().replace(",", " ").split()
    return tuple(dict.fromkeys(token[:MAX_TEXT] for token in tokens))[:MAX_REL_TOKENS]


def _policy(values: Attributes) -> str:
    return (values.get("referrerpolicy") or "").strip().lower()[:MAX_TEXT]


def _alternative(node: LexborNode) -> str:
    """The alternative text that stands for a link without text."""
    if node.tag == "area":
        return _squeezed(node.attributes.get("alt") or "")
    return _squeezed(" ".join(image.attributes.get("alt") or "" for image in node.css("img")))


def _place(node: LexborNode, places: dict[int, str]) -> str:
    """The nearest part of the page around a node, by element or ARIA role; remembers what it passes."""
    passed: list[int] = []
    place = "main"
    above = node.parent
    while above is not None:
        known = places.get(above.mem_id) or _LANDMARKS.get(above.tag or "")
        if known is None:
            passed.append(above.mem_id)
            role = above.attributes.get("role")
            known = _ROLES.get(role.strip().lower()) if role else None
        if known:
            place = known
            break
        above = above.parent
    places.update(dict.fromkeys(passed, place))
    return place


def _headings(tree: LexborHTMLParser) -> tuple[tuple[int, str], ...]:
    nodes = tree.css("h1, h2, h3, h4, h5, h6")[:MAX_HEADINGS]
    return tuple((int((node.tag or "h1")[1]), _squeezed(node.text(separator=" "))) for node in nodes)


def _visible_text(tree: LexborHTMLParser) -> str:
    tree.unwrap_tags(["a"])
    tree.merge_text_nodes()
    return _joined(tree.body.text(separator=" ")) if tree.body else ""


def _squeezed(text: str) -> str:
    return _joined(text[: 10 * MAX_TEXT])[:MAX_TEXT]


def _joined(text: str) -> str:
    # PostgreSQL's text holds no NUL.
    return " ".join(text.replace("\x00", "").split())
