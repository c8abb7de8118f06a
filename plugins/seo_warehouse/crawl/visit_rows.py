"""From the archive of visits that ended to rows, in the plan's order; without a request."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from seo_warehouse.crawl.process import fetched_of
from seo_warehouse.crawl.records import Fetched, url_key
from seo_warehouse.crawl.visits import HEAD_KEY, Visited, VisitHead, unpacked_visit_head, unpacked_visits, visits_key
from seo_warehouse.errors import NotArchivedError
from seo_warehouse.linkcheck.grades import Beside, Expected, Verdict, judge, links_to
from seo_warehouse.linkcheck.looks import Look, Outcome, Visit, look_at
from seo_warehouse.linkcheck.tags import tag_ids
from seo_warehouse.spec import Row
from seo_warehouse.urls import identity

if TYPE_CHECKING:
    from seo_warehouse.client.api import Api
    from seo_warehouse.client.archive import Archive

MAX_OTHERS = 500
"""Links to the property that a page is told to have beside those looked for."""
REPEATED = 3
"""Pages of one domain that are one and the same, and none with its link: nobody's site, but a parked one."""


@dataclass(frozen=True)
class Looked:
    """A link looked for: its target as the plan writes it, and what is known of it."""

    target: str
    expected: Expected


@dataclass(frozen=True)
class Asked:
    """A page of the plan, why it was to be visited, and the links looked for on it."""

    url: str
    reason: str
    links: tuple[Looked, ...]


def visit_head_of(archive: Archive) -> VisitHead | None:
    """Facts of the visits in an archive; None where they have not ended."""
    answer = archive.get(HEAD_KEY)
    try:
        return None if answer is None else unpacked_visit_head(answer.body)
    except (ValueError, TypeError) as error:
        raise NotArchivedError(f"link_check: the head of {archive.scope} is damaged: {error}") from None


@dataclass(frozen=True)
class Visits:
    """Visits that ended, in their archive. What is read of it passes `api`'s books. `domain`: the property's."""

    api: Api
    head: VisitHead
    asked: tuple[Asked, ...]
    domain: str

    def visited(self) -> Iterator[Visited]:
        """What came of each errand."""
        archive = self.api.archive
        for number in range(self.head.part_count):
            answer = archive.get(visits_key(number))
            if answer is None:
                raise NotArchivedError(f"link_check: part {number} of {archive.scope} is missing")
            try:
                yield from unpacked_visits(answer.body)
            except (ValueError, TypeError) as error:
                raise NotArchivedError(f"link_check: part {number} of {archive.scope} is damaged: {error}") from None

    def each(self) -> Iterator[tuple[Asked, Visited, Fetched | None, Look]]:
        """Each page of the plan, with what came of it."""
        asked = {one.url: one for one in self.asked}
        for visited in self.visited():
            self.api.usage.see(datetime.fromisoformat(visited.at))
            fetched = self._fetched(visited.final_url) if visited.status is not None else None
            yield asked[visited.url], visited, fetched, look_at(Visit(visited.url, fetched, visited.error))

    def beside(self, visited: Visited, repeated: frozenset[tuple[str, str]]) -> Beside:
        """What else was asked for."""
        pages = (self._look(url).page if url else None for url in (visited.made_up, visited.home, visited.canonical))
        made_up, home, canonical = pages
        return Beside(made_up, home, canonical, is_repeated=_page_of(visited) in repeated)

    def repeated(self) -> frozenset[tuple[str, str]]:
        """(domain, hash) of pages that came at several addresses of one domain, each without its link."""
        counts = Counter(_page_of(visited) for visited in self.visited() if visited.missed)
        return frozenset(page for page, count in counts.items() if count >= REPEATED)

    def _look(self, url: str) -> Look:
        return look_at(Visit(url, self._fetched(url)))

    def _fetched(self, url: str) -> Fetched | None:
        answer = self.api.recall(url_key(url))
        return None if answer is None else fetched_of(answer)


def page_rows(visits: Visits, day: date) -> Iterator[Row]:
    """Rows of table page."""
    for asked, visited, fetched, look in visits.each():
        page = look.page
        yield {
            "day": day,
            "url": visited.url,
            "due_reason": asked.reason,
            "is_asked": visited.is_asked,
            "outcome": look.outcome.value,
            "reason": look.reason,
            "status_code": visited.status,
            "final_url": visited.final_url if visited.status is not None else None,
            "redirect_urls": list(visited.urls),
            "robots_state": _robots_state(look),
            "meta_robots": list(page.meta_robots) if page else None,
            "x_robots_tag": list(page.x_robots_tag) if page else None,
            "canonical_url": page.canonical if page else None,
            "content_hash": page.content_hash if page else None,
            "is_shell": look.is_shell if page else None,
            "tag_ids": tag_ids(fetched.body) if page and fetched else None,
            "link_count": sum(1 for _ in links_to(look, visits.domain)) if page else None,
            "response_ms": round(fetched.seconds * 1000, 3) if fetched else None,
            "observed_at": datetime.fromisoformat(visited.at),
        }


def link_rows(visits: Visits, day: date) -> Iterator[Row]:
    """Rows of table link: those looked for, then the others that a page was found to have."""
    repeated = visits.repeated()
    for asked, visited, _, look in visits.each():
        beside = visits.beside(visited, repeated)
        every = frozenset[str]().union(*(link.expected.urls for link in asked.links))
        for link in asked.links:
            found = judge(look, link.expected, beside, domain=visits.domain, others=every - link.expected.urls)
            yield _link_row(day, visited, link.target, found, is_expected=True)
        for url in _others(look, visits.domain, every, {link.target for link in asked.links}):
            found = judge(look, Expected(frozenset({url})), beside, domain=visits.domain, others=every)
            yield _link_row(day, visited, url, found, is_expected=False)


def _others(look: Look, domain: str, every: frozenset[str], targets: Iterable[str]) -> list[str]:
    known = every.union(targets)
    return [url for url in links_to(look, domain) if url not in known][:MAX_OTHERS]


def _link_row(day: date, visited: Visited, target: str, verdict: Verdict, *, is_expected: bool) -> Row:
    return {
        "day": day,
        "source_url": visited.url,
        "target_url": target,
        "is_expected": is_expected,
        "presence": verdict.presence.value,
        "grade": verdict.grade.value,
        "reason": verdict.reason,
        "link_count": verdict.link_count,
        "rel": None if verdict.rel is None else list(verdict.rel),
        "anchor": verdict.anchor,
        "place": verdict.place,
        "found_url": verdict.found_url,
        "is_rel_changed": verdict.is_rel_changed,
        "is_anchor_changed": verdict.is_anchor_changed,
        "is_hidden": verdict.is_hidden,
        "is_noindex": verdict.is_noindex,
        "is_canonicalised": verdict.is_canonicalised,
        "referrer_policy": None if verdict.referrer_policy is None else verdict.referrer_policy.value,
        "observed_at": datetime.fromisoformat(visited.at),
    }


def _robots_state(look: Look) -> str:
    if look.outcome is Outcome.BLOCKED and look.reason in ("robots", "robots_unreachable"):
        return "forbidden" if look.reason == "robots" else "unknown"
    return "allowed"


def _page_of(visited: Visited) -> tuple[str, str]:
    found = identity(visited.url)
    return found.domain if found else "", visited.missed or ""
