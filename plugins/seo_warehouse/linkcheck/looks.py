"""From what a page answered to what can be looked at: the page, or why there is none."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from urllib.parse import urlsplit

from seo_warehouse.crawl.headers import is_html
from seo_warehouse.crawl.parse import Page, parse_page
from seo_warehouse.crawl.records import SKIPPED_HEADER, Fetched, attempt
from seo_warehouse.linkcheck.markers import marker_in
from seo_warehouse.urls import identity

MAX_LINKS = 5_000
"""Of one page: one that has more is not seen whole."""

_GONE = (404, 410)
_REFUSED = (401, 403, 429, 451)
_WHOLE = (200, 203)
"""Other 2xx have no body, or not yet, or a part."""
_REFUSALS = ("robots", "robots_unreachable")


class Outcome(StrEnum):
    """What came of asking for a page."""

    CAME = "came"
    BLOCKED = "blocked"
    UNREACHABLE = "unreachable"
    UNSUPPORTED = "unsupported"
    PAGE_GONE = "page_gone"
    REDIRECTED = "redirected"


@dataclass(frozen=True)
class Visit:
    """A page that was asked for. `answer`: of the last URL of its redirects; `error`: why none is whole."""

    url: str
    answer: Fetched | None
    error: str | None = None


@dataclass(frozen=True)
class Look:
    """What a visit shows. `reason` says why it is no page; `url` is where the page, or the last answer, was."""

    url: str
    outcome: Outcome
    reason: str | None
    headers: Mapping[str, str]
    page: Page | None = None
    parked_by: str | None = None

    @property
    def is_shell(self) -> bool:
        """Whether scripts are to make the page: next to no text, and scripts."""
        return self.page is not None and self.page.has_scripts and len(self.page.text) < SHELL_CHARACTERS


SHELL_CHARACTERS = 200


def look_at(visit: Visit) -> Look:
    """What a visit shows."""
    answer = visit.answer
    url = answer.url if answer else visit.url
    headers: Mapping[str, str] = answer.headers if answer else {}
    if visit.error in _REFUSALS:
        return Look(url, Outcome.BLOCKED, visit.error, headers)
    if answer is None or answer.status is None:
        return Look(url, Outcome.UNREACHABLE, visit.error or (answer and answer.error) or "no_answer", headers)
    page = None
    if is_html(headers) and answer.error is None and SKIPPED_HEADER not in headers:
        page = attempt(url, lambda: parse_page(url, headers, answer.body, max_links=MAX_LINKS))
    outcome, reason = _outcome(visit, answer, page)
    parked_by = marker_in("parked", answer, page) if outcome is Outcome.CAME else None
    return Look(url, outcome, reason, headers, page if outcome is Outcome.CAME else None, parked_by)


def _outcome(visit: Visit, answer: Fetched, page: Page | None) -> tuple[Outcome, str | None]:
    status = answer.status or 0
    if status in _REFUSED:
        return Outcome.BLOCKED, f"http_{status}"
    challenge = marker_in("challenge", answer, page)
    if challenge and status not in _GONE:
        return Outcome.BLOCKED, f"challenge: {challenge}"
    if visit.error or answer.error:
        return Outcome.UNREACHABLE, visit.error or answer.error
    if status in _GONE:
        return Outcome.PAGE_GONE, f"http_{status}"
    if status not in _WHOLE:
        return Outcome.UNREACHABLE, f"http_{status}"
    if left := _left(visit.url, answer.url):
        return Outcome.REDIRECTED, left
    if not is_html(answer.headers) or SKIPPED_HEADER in answer.headers:
        return Outcome.UNSUPPORTED, "no_html"
    if page is None or page.is_cut:
        return Outcome.UNSUPPORTED, "unreadable" if page is None else "too_many_links"
    return Outcome.CAME, None


def _left(source: str, final: str) -> str | None:
    """How redirects left a page: for another domain, or for a home page; None where they did not."""
    one, other = identity(source), identity(final)
    if one is None or other is None or one.domain != other.domain:
        return "other_domain"
    return "home_page" if _is_home(other.url) and not _is_home(one.url) else None


def _is_home(url: str) -> bool:
    parts = urlsplit(url)
    return parts.path == "/" and not parts.query
