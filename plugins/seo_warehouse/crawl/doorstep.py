"""Whether a crawl would be let in: robots.txt of the hosts that it starts at, asked for beside any crawl."""

from __future__ import annotations

from urllib.parse import urljoin, urlsplit

from seo_warehouse.client.addresses import Guard
from seo_warehouse.client.archive import Answer
from seo_warehouse.client.transport import Limits, Transport
from seo_warehouse.crawl.plan import Plan
from seo_warehouse.crawl.robots import MAX_ROBOTS_REDIRECTS, PRODUCT, Rules, rules_of
from seo_warehouse.errors import RefusedAddressError, TerminalSourceError, TransientSourceError


def expect_open(plan: Plan, limits: Limits) -> None:
    """Raises TransientSourceError where a host's robots.txt is not told, TerminalSourceError where it forbids a start.

    As long as it is not told nothing may be fetched.
    """
    rules = {origin: _rules(origin, plan, limits) for origin in dict.fromkeys(map(_origin, plan.start_urls))}
    for url in plan.start_urls:
        origin = _origin(url)
        if not rules[origin].allows(url):
            raise TerminalSourceError(
                f"{origin}/robots.txt keeps the user agent {PRODUCT} from {url}: let it in there, or start elsewhere"
                " (site_crawl.start_urls)"
            )


def _rules(origin: str, plan: Plan, limits: Limits) -> Rules:
    url = f"{origin}/robots.txt"
    answer = _answer(url, plan, limits)
    for _ in range(MAX_ROBOTS_REDIRECTS):
        if not 300 <= answer.status < 400 or "location" not in answer.headers:
            break
        url = urljoin(url, answer.headers["location"])
        if not url.startswith(("http://", "https://")):
            break
        answer = _answer(url, plan, limits)
    rules = rules_of(answer.status, answer.body)
    if not rules.is_known:
        raise TransientSourceError(f"{url} answers HTTP {answer.status}: as long as it does, nothing may be fetched")
    return rules


def _answer(url: str, plan: Plan, limits: Limits) -> Answer:
    origin = _origin(url)
    # As the crawl itself: this machine's own addresses are open to it only where that is stated.
    transport = Transport(origin, None, limits, guard=Guard(plan.allowed_networks, plan.resolve))
    try:
        request = transport.sign("GET", url.removeprefix(origin) or "/", None)
        request.headers["User-Agent"] = plan.user_agent
        return transport.send(url, request)
    except RefusedAddressError as error:
        what = str(error).partition(":")[0]
        raise RefusedAddressError(f"{what}: where that is meant, state it as site_crawl.allowed_networks") from None
    finally:
        transport.close()


def _origin(url: str) -> str:
    parts = urlsplit(url)
    return f"{parts.scheme}://{parts.netloc}"
