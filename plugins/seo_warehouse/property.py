"""One site whose links and positions are kept, as properties.yml states it: what a reader is told of it."""

from __future__ import annotations

import re
from collections import Counter
from datetime import date
from decimal import Decimal
from itertools import pairwise
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import AfterValidator, BaseModel, BeforeValidator, ConfigDict, Field, TypeAdapter, model_validator

from seo_warehouse.errors import ConfigError
from seo_warehouse.urls import host_of, registrable_domain

if TYPE_CHECKING:
    from seo_warehouse.config import SourceSettings
    from seo_warehouse.spec import S, Source


class Strict(BaseModel):
    """Unknown settings are errors: a typo never passes for a default."""

    model_config = ConfigDict(extra="forbid", frozen=True)


def _compiles(pattern: str) -> str:
    try:
        re.compile(pattern)
    except re.error as error:
        raise ValueError(f"not a regular expression: {error}") from None
    except (OverflowError, RecursionError):
        raise ValueError("not a regular expression: it repeats or nests too much") from None
    return pattern


def _is_domain(domain: str) -> str:
    host = host_of(f"http://{domain}/") if not re.search(r"[\s/:@?#\\\[\]%*]", domain) else None
    if host is None or registrable_domain(host) is None:
        raise ValueError("is no domain or host such as example.com or shop.example.com")
    return host


LONGEST_KEYWORD = 2_600
"""Bytes: the ledger has an index of keywords, and an index row of PostgreSQL holds 2,704."""


def _fits_an_index(keyword: str) -> str:
    if len(keyword.encode("utf-8", "surrogatepass")) > LONGEST_KEYWORD:
        raise ValueError(f"more than {LONGEST_KEYWORD} bytes")
    return keyword


Pattern = Annotated[str, Field(max_length=1_000), AfterValidator(_compiles)]


ReferrerClass = Literal["own", "spam", "ai_assistant", "search", "social", "mail", "site"]
"""Whose visits from a host are. `site`: of no list, so that a link there may have sent them."""


class TopicRule(Strict):
    """Pages whose path matches `pattern` (a regular expression) have `topic`; the first rule wins."""

    pattern: Pattern
    topic: str


class Keyword(Strict):
    """A tracked keyword; `page` is the page meant to rank for it, where one is."""

    keyword: Annotated[str, AfterValidator(_fits_an_index)] = Field(min_length=1, max_length=700)
    page: str | None = None
    is_brand: bool = False


Depth = Annotated[int, Field(ge=10, le=700)]


class DepthSince(Strict):
    """How deep positions are checked from a day on."""

    from_: date = Field(alias="from")
    depth: Depth


def _is_in_order(depths: tuple[DepthSince, ...]) -> tuple[DepthSince, ...]:
    if any(later.from_ <= earlier.from_ for earlier, later in pairwise(depths)):
        raise ValueError("each entry is from a later day than the one before it")
    return depths


Depths = Annotated[tuple[DepthSince, ...], Field(min_length=1), AfterValidator(_is_in_order)]
ONE_DEPTH, DEPTHS = TypeAdapter[int](Depth), TypeAdapter[tuple[DepthSince, ...]](Depths)


def _depth(stated: Any) -> int | tuple[DepthSince, ...]:
    # A union would say of one mistake what each of its sides makes of it.
    return (DEPTHS if isinstance(stated, list | tuple) else ONE_DEPTH).validate_python(stated)


class Panel(Strict):
    """Where and how deep positions are checked. `depth`: results asked for, so "not found" has a meaning.

    Where it changed it is a list: the first depth held before its day too.
    """

    engine: Literal["google"] = "google"
    location_code: int = Field(default=2840, ge=1, lt=2**31)
    language_code: str = "en"
    devices: tuple[Literal["desktop", "mobile"], ...] = ("desktop", "mobile")
    depth: Annotated[int | tuple[DepthSince, ...], BeforeValidator(_depth)] = 100

    @property
    def depths(self) -> tuple[tuple[date | None, int], ...]:
        """From when each depth holds: None of the first."""
        if isinstance(self.depth, int):
            return ((None, self.depth),)
        return tuple((each.from_ if number else None, each.depth) for number, each in enumerate(self.depth))

    def depth_on(self, day: date) -> int:
        """Results that a check of the day asks for."""
        return [depth for since, depth in self.depths if since is None or since <= day][-1]


class SourceBudget(Strict):
    """What a source may cost for a property in a month (UTC): US dollars, and the share from which people are told."""

    money: Decimal = Field(gt=0, le=1_000_000)
    warn_at: float = Field(default=0.8, gt=0, le=1)


class Property(Strict):
    """One site whose links and positions are kept. `key` is stated, never a sequence, and never changes.

    Usable once `config` is imported, which makes `SourceSettings` of the sources there are.
    """

    key: int = Field(ge=1, lt=2**31)
    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=100)
    domain: Annotated[str, AfterValidator(_is_domain)] = Field(
        description="registrable domain, or host, whose results count as the property's"
    )
    history_start: date = Field(ge=date(1990, 1, 1), lt=date(2100, 1, 1))
    panel: Panel = Panel()
    topics: tuple[TopicRule, ...] = ()
    brand: tuple[Pattern, ...] = ()
    trusted: tuple[Annotated[str, AfterValidator(_is_domain)], ...] = ()
    referrers: dict[Annotated[str, AfterValidator(_is_domain)], ReferrerClass] = {}
    keywords: tuple[Keyword, ...] = ()
    budgets: dict[str, SourceBudget] = {}
    sources: SourceSettings = Field(default_factory=dict, validate_default=True)

    @model_validator(mode="after")
    def _keywords_are_unique(self) -> Property:
        counts = Counter(keyword.keyword for keyword in self.keywords)
        twice = sorted(word for word, count in counts.items() if count > 1)
        if twice:
            raise ValueError(f"keywords stated twice: {', '.join(twice)}")
        return self

    def reads(self, source: Source) -> bool:
        """Whether a source is configured for the property."""
        return getattr(self.sources, source.name, None) is not None

    def settings_of(self, source: Source[S]) -> S:
        """What properties.yml states for a source. Raises ConfigError where it is not configured."""
        stated: S | None = getattr(self.sources, source.name, None)
        if stated is None:
            raise ConfigError(f"{source.name} is not configured for {self.name}")
        return stated
