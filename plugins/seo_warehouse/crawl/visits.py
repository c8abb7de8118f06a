"""What visits to single pages are to do, and what they leave in the archive beside the answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import date
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar

import orjson

from seo_warehouse.client.addresses import Guard
from seo_warehouse.crawl.robots import PRODUCT
from seo_warehouse.errors import TerminalSourceError

if TYPE_CHECKING:
    from seo_warehouse.sources.link_check import LinkCheckSettings

HEAD_KEY = "visits"
PART_ROWS = 5_000

NOT_ASKED = "not_asked"
"""What errors of those begin with who were not asked at all: too late, or their host wished to be left alone."""


@dataclass(frozen=True)
class Errand:
    """A page to visit, and for each link looked for on it the URLs that lead to its target, normalised."""

    url: str
    wanted: tuple[tuple[str, ...], ...]


@dataclass(frozen=True)
class VisitPlan:
    """The visits of a night. `salt` makes the paths that nobody made: others each night."""

    source: ClassVar[str] = "link_check"

    errands: tuple[Errand, ...]
    night: str
    salt: str
    user_agent: str
    max_page_bytes: int
    max_redirects: int
    delay_seconds: float
    timeout_seconds: float
    max_seconds: float
    allowed_networks: tuple[str, ...]
    resolve: dict[str, str]


@dataclass(frozen=True)
class Visited:
    """What came of an errand. `urls`: of the redirects, in order; `error`: why no page came, or none whole.

    The answer lies in the archive under the last URL, where one came. `made_up`, `home`, `canonical`: URLs under which
    the pages lie that were asked for beside it. `missed`: the page's hash, where a link was missed on it.
    """

    url: str
    urls: tuple[str, ...]
    error: str | None
    at: str
    status: int | None = None
    made_up: str | None = None
    home: str | None = None
    canonical: str | None = None
    missed: str | None = None

    @property
    def final_url(self) -> str:
        """Where its redirects led."""
        return self.urls[-1] if self.urls else self.url

    @property
    def is_asked(self) -> bool:
        """Whether it was asked for at all."""
        return not (self.error or "").startswith(NOT_ASKED)


@dataclass(frozen=True)
class VisitHead:
    """Facts of visits that ended. `robots`: status of robots.txt by origin."""

    part_count: int
    count: int
    robots: dict[str, int | None] = field(default_factory=dict)


def visit_plan_of(settings: LinkCheckSettings, errands: Iterable[Errand], *, domain: str, night: date) -> VisitPlan:
    """The plan that settings mean. `domain`: the property's, whose owner asks, named in the user agent.

    Raises TerminalSourceError naming a setting that cannot be used.
    """
    try:
        Guard(settings.allowed_networks, settings.resolve)
    except TerminalSourceError as error:
        raise TerminalSourceError(f"link_check.{error}") from None
    return VisitPlan(
        errands=tuple(errands),
        night=str(night),
        salt=f"{domain} {night}",
        user_agent=f"{PRODUCT}/{version('seo-warehouse')} (+https://{domain}/)",
        **settings.model_dump(exclude={"max_pages"}),
    )


def unpacked_visit_plan(values: Mapping[str, Any]) -> VisitPlan:
    """A plan that came as JSON."""
    errands = tuple(Errand(e["url"], tuple(tuple(urls) for urls in e["wanted"])) for e in values["errands"])
    networks = tuple(values["allowed_networks"])
    return VisitPlan(**{**values, "errands": errands, "allowed_networks": networks})


def visits_key(number: int) -> str:
    """The archive's key of one part of what came of the errands, from 0."""
    return f"visits-{number:05d}"


def packed_visits(rows: Iterable[Visited]) -> bytes:
    """What came of errands, as JSON lines."""
    return b"\n".join(orjson.dumps(asdict(row)) for row in rows)


def unpacked_visits(body: bytes) -> Iterator[Visited]:
    """What came of errands. Raises ValueError or TypeError where it is not that."""
    for line in body.splitlines():
        values = orjson.loads(line)
        yield Visited(**{**values, "urls": tuple(values["urls"])})


def packed_visit_head(head: VisitHead) -> bytes:
    """The head, as JSON."""
    return orjson.dumps(asdict(head))


def unpacked_visit_head(body: bytes) -> VisitHead:
    """The head. Raises ValueError or TypeError where it is none."""
    return VisitHead(**orjson.loads(body))
