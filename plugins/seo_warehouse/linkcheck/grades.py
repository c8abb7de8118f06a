"""The grade of one link at one visit: is it there, and as it was?"""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace
from enum import StrEnum
from urllib.parse import parse_qsl, urlsplit

from seo_warehouse.crawl.parse import Link, Page
from seo_warehouse.linkcheck.looks import Look
from seo_warehouse.linkcheck.referrers import Passed, passed
from seo_warehouse.linkcheck.shapes import is_same_shape
from seo_warehouse.linkcheck.texts import is_alike
from seo_warehouse.urls import identity, leading_to, normalise

_LIMITS = ("nofollow", "sponsored", "ugc")
"""What of a rel keeps a link from passing anything on."""


class Presence(StrEnum):
    """Whether a link was there; unknown is no observation."""

    PRESENT = "present"
    ABSENT = "absent"
    UNKNOWN = "unknown"


class Grade(StrEnum):
    """The first that applies, in this order."""

    BLOCKED = "blocked"
    UNREACHABLE = "unreachable"
    UNSUPPORTED = "unsupported"
    PAGE_GONE = "page_gone"
    REDIRECTED = "redirected"
    JS_ONLY = "js_only"
    GONE = "gone"
    TARGET_CHANGED = "target_changed"
    REL_CHANGED = "rel_changed"
    ANCHOR_CHANGED = "anchor_changed"
    NOINDEX_SOURCE = "noindex_source"
    CANONICALISED = "canonicalised"
    LIVE = "live"


_UNKNOWN = (Grade.BLOCKED, Grade.UNREACHABLE, Grade.UNSUPPORTED, Grade.JS_ONLY)
_ABSENT = (Grade.PAGE_GONE, Grade.REDIRECTED, Grade.GONE)


def presence_of(grade: Grade) -> Presence:
    """What a grade says of the link's presence."""
    if grade in _UNKNOWN:
        return Presence.UNKNOWN
    return Presence.ABSENT if grade in _ABSENT else Presence.PRESENT


@dataclass(frozen=True)
class Expected:
    """A link that is looked for.

    `urls`: the target's, normalised, and those that are known to lead to the same page. What it was when seen last:
    `rel` (nofollow, sponsored, ugc; None: unknown), `anchor` and `place`, None where unknown.
    """

    urls: frozenset[str]
    rel: frozenset[str] | None = None
    anchor: str | None = None
    place: str | None = None


@dataclass(frozen=True)
class Beside:
    """What else was asked for where a link was missed or a page names a canonical; None where it gave no page.

    `made_up`: a path that nobody made, in the folder of the source; `home`: the home page of its host; `canonical`.
    `is_repeated`: three pages of one domain or more, none with its link, are this very page.
    """

    made_up: Page | None = None
    home: Page | None = None
    canonical: Page | None = None
    is_repeated: bool = False


@dataclass(frozen=True)
class Verdict:
    """What one visit says of one link. Columns of conditions are None where the page did not come, or nobody knows."""

    grade: Grade
    reason: str | None = None
    link_count: int | None = None
    rel: tuple[str, ...] | None = None
    anchor: str | None = None
    place: str | None = None
    found_url: str | None = None
    is_rel_changed: bool | None = None
    is_anchor_changed: bool | None = None
    is_hidden: bool | None = None
    is_noindex: bool | None = None
    is_canonicalised: bool | None = None
    referrer_policy: Passed | None = None

    @property
    def presence(self) -> Presence:
        """Whether the link was there."""
        return presence_of(self.grade)


def judge(look: Look, expected: Expected, beside: Beside, *, domain: str, others: frozenset[str]) -> Verdict:
    """What a look says of one link. `domain`: the property's; `others`: URLs of other links looked for on the page."""
    page = look.page
    if page is None:
        return Verdict(Grade(look.outcome.value), look.reason)
    targets = frozenset(leading_to((link.target for link in page.links), expected.urls))
    found = [link for link in page.links if link.target in targets]
    reason = None
    if not found:
        found = [link for link in page.links if _leads_on(link, look.url, expected.urls)]
        reason = "redirected_link" if found else None
    if found:
        return _present(look, page, expected, beside, found, reason)
    verdict = _absent(look, page, beside)
    moved = _moved(page, expected, domain, others) if verdict.grade is Grade.GONE and verdict.reason is None else []
    if not moved:
        return replace(verdict, link_count=0, is_noindex=_says(page, "noindex"))
    verdict = _present(look, page, expected, beside, moved, None)
    return replace(verdict, grade=Grade.TARGET_CHANGED, found_url=normalise(moved[0].target))


def links_to(look: Look, domain: str) -> Iterator[str]:
    """The URLs of a domain that a page links to, normalised, each once."""
    if look.page is not None:
        urls = (normalise(link.target) for link in look.page.links if _is_own(link, domain))
        yield from dict.fromkeys(url for url in urls if url)


def _absent(look: Look, page: Page, beside: Beside) -> Verdict:
    if look.parked_by:
        return Verdict(Grade.PAGE_GONE, f"parked: {look.parked_by}")
    if look.is_shell:
        return Verdict(Grade.JS_ONLY, "shell")
    made_up = beside.made_up
    if made_up and (made_up.content_hash == page.content_hash or is_alike(made_up.text, page.text)):
        home = beside.home
        if home and (home.content_hash == made_up.content_hash or is_alike(home.text, made_up.text)):
            # Whoever answers every path alike says of none whether it is there.
            return Verdict(Grade.UNREACHABLE, "answers_alike")
        return Verdict(Grade.PAGE_GONE, "soft_404")
    return Verdict(Grade.PAGE_GONE, "parked: one page at many addresses") if beside.is_repeated else Verdict(Grade.GONE)


def _present(
    look: Look, page: Page, expected: Expected, beside: Beside, found: list[Link], reason: str | None
) -> Verdict:
    rel = _rel(page, found)
    anchors = [link.anchor for link in found]
    is_rel_changed = None if expected.rel is None else frozenset(rel) != expected.rel
    words = None if expected.anchor is None else _words(expected.anchor)
    is_anchor_changed = None if words is None else all(_words(anchor) != words for anchor in anchors)
    spoken = next((link for link in found if words is not None and _words(link.anchor) == words), found[0])
    is_noindex = _says(page, "noindex")
    is_canonicalised = _is_canonicalised(look, page, expected, beside)
    grades = (
        (is_rel_changed, Grade.REL_CHANGED),
        (is_anchor_changed, Grade.ANCHOR_CHANGED),
        (is_noindex, Grade.NOINDEX_SOURCE),
        (is_canonicalised, Grade.CANONICALISED),
        (True, Grade.LIVE),
    )
    return Verdict(
        grade=next(grade for applies, grade in grades if applies),
        reason=reason,
        link_count=len(found),
        rel=rel,
        anchor=spoken.anchor,
        place=spoken.place,
        is_rel_changed=is_rel_changed,
        is_anchor_changed=is_anchor_changed,
        is_hidden=all(link.is_hidden for link in found),
        is_noindex=is_noindex,
        is_canonicalised=is_canonicalised,
        referrer_policy=passed(page, look.headers.get("referrer-policy", ""), look.url, found),
    )


def _says(page: Page, directive: str) -> bool:
    """Whether a page keeps robots from something; none stands for both that it can keep them from."""
    return not {directive, "none"}.isdisjoint((*page.meta_robots, *page.x_robots_tag))


def _rel(page: Page, found: Iterable[Link]) -> tuple[str, ...]:
    """Of several links to one target: followed if any is, else as the first; a page's own nofollow is each link's."""
    is_closed = not {"nofollow", "none"}.isdisjoint((*page.meta_robots, *page.x_robots_tag))
    sets = [
        {token for token in link.rel if token in _LIMITS} | ({"nofollow"} if is_closed else set()) for link in found
    ]
    return () if not all(sets) else tuple(sorted(sets[0]))


def _is_canonicalised(look: Look, page: Page, expected: Expected, beside: Beside) -> bool | None:
    """Whether the page hands its place to another that has not the link; None where that one was not seen."""
    if page.canonical is None or is_same_shape(page.canonical, look.url):
        return False
    if beside.canonical is None:
        return None
    return not leading_to((link.target for link in beside.canonical.links), expected.urls)


def _moved(page: Page, expected: Expected, domain: str, others: frozenset[str]) -> list[Link]:
    """Links that stand in the place of the one looked for, with its words, and lead elsewhere within the property."""
    words = _words(expected.anchor or "")
    return [
        link
        for link in page.links
        if words
        and _words(link.anchor) == words
        and expected.place in (None, link.place)
        and _is_own(link, domain)
        and normalise(link.target) not in others
    ]


def _leads_on(link: Link, source: str, urls: frozenset[str]) -> bool:
    """Whether a link leads to one of some URLs by way of a counter of the page's own domain, which names it."""
    if "?" not in link.target:
        return False
    one, other = identity(link.target), identity(source)
    if one is None or other is None or one.domain != other.domain:
        return False
    values = (value for _, value in parse_qsl(urlsplit(link.target).query))
    return any(value.startswith(("http://", "https://")) and normalise(value) in urls for value in values)


def _is_own(link: Link, domain: str) -> bool:
    # A resolved URL has its host as an identity has it, which takes long to find.
    found = identity(link.target) if domain in link.target else None
    return found is not None and f".{found.host}".endswith(f".{domain}")


def _words(text: str) -> str:
    return " ".join(text.casefold().split())
