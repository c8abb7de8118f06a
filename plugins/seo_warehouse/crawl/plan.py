"""What one crawl is to do: settings of the property, checked, and the hosts they name."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from functools import cached_property
from importlib.metadata import version
from typing import TYPE_CHECKING, Any, ClassVar
from urllib.parse import urlsplit

from seo_warehouse.client.addresses import Guard
from seo_warehouse.crawl.robots import PRODUCT
from seo_warehouse.errors import TerminalSourceError
from seo_warehouse.urls import host_of, resolve

if TYPE_CHECKING:
    from seo_warehouse.sources.site_crawl import CrawlSettings


@dataclass(frozen=True)
class Plan:
    """The crawl's hosts are those of its start URLs, over http and https, on the usual ports and the stated ones.

    `backlinked_urls`: what other sites link to, on any host of the property's `domain`.
    """

    source: ClassVar[str] = "site_crawl"

    start_urls: tuple[str, ...]
    backlinked_urls: tuple[str, ...]
    domain: str
    hosts: tuple[str, ...]
    ports: tuple[int, ...]
    user_agent: str
    max_pages: int
    max_depth: int
    max_page_bytes: int
    max_redirects: int
    max_links_per_page: int
    delay_seconds: float
    timeout_seconds: float
    max_seconds: float
    allowed_networks: tuple[str, ...]
    resolve: dict[str, str]

    def is_in_scope(self, url: str) -> bool:
        """Whether an absolute URL, as urls.resolve gives it, may be crawled: one of the hosts, on one of the ports."""
        return url.split("/", 3)[2] in self._authorities

    def is_own(self, url: str) -> bool:
        """Whether an absolute URL lies on a host of the property's domain, on one of the ports."""
        host, _, port = url.split("/", 3)[2].partition(":")
        is_host = f".{host}".endswith(f".{self.domain}") and "@" not in host
        return is_host and port in ("", *map(str, self.ports))

    @cached_property
    def _authorities(self) -> frozenset[str]:
        return frozenset(f"{host}{port}" for host in self.hosts for port in ("", *(f":{port}" for port in self.ports)))


def plan_of(settings: CrawlSettings, *, domain: str, backlinked: Iterable[str] = ()) -> Plan:
    """The plan that settings mean. `domain`: the property's, whose owner runs the crawl, named in the user agent.
    `backlinked`: URLs that other sites link to; what is no URL of the domain is left out.

    Raises TerminalSourceError naming a setting that cannot be used.
    """
    starts: list[str] = []
    for literal in settings.start_urls:
        url = resolve(literal, literal)
        if url is None or host_of(url) is None or "@" in urlsplit(url).netloc:
            raise TerminalSourceError(f"site_crawl.start_urls: {literal!r} is no http(s) URL without credentials")
        starts.append(url.partition("#")[0])
    try:
        Guard(settings.allowed_networks, settings.resolve)
    except TerminalSourceError as error:
        raise TerminalSourceError(f"site_crawl.{error}") from None
    limits: dict[str, Any] = settings.model_dump(exclude={"start_urls", "interval_days", "backlinked_pages"})
    plan = Plan(
        start_urls=tuple(dict.fromkeys(starts)),
        backlinked_urls=(),
        domain=domain,
        hosts=tuple(sorted({host for url in starts if (host := host_of(url))})),
        ports=tuple(sorted({port for url in starts if (port := urlsplit(url).port)})),
        user_agent=f"{PRODUCT}/{version('seo-warehouse')} (+https://{domain}/)",
        **limits,
    )
    found = (url.partition("#")[0] for literal in backlinked if (url := resolve(literal, literal)))
    return replace(plan, backlinked_urls=tuple(dict.fromkeys(url for url in found if plan.is_own(url))))


def unpacked_plan(values: Mapping[str, Any]) -> Plan:
    """A plan that came as JSON."""
    fields: dict[str, Any] = {k: tuple(v) if isinstance(v, list) else v for k, v in values.items()}
    return Plan(**fields)
