"""What sources ask for to find out, before anything starts, whether they could be read."""

from __future__ import annotations

from decimal import Decimal
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import yaml

from seo_warehouse.config import SourceSettings
from seo_warehouse.errors import CredentialsError, SourceError, TerminalSourceError, TransientSourceError
from seo_warehouse.property import Property
from seo_warehouse.sources.bing_webmaster import BING_WEBMASTER
from seo_warehouse.sources.dataforseo_backlinks import DATAFORSEO_BACKLINKS
from seo_warehouse.sources.dataforseo_serp import DATAFORSEO_SERP
from seo_warehouse.sources.search_console import SEARCH_CONSOLE
from seo_warehouse.sources.site_crawl import SITE_CRAWL
from seo_warehouse.spec import Source
from tests.sources.properties import DATE, make_property
from tests.sources.provider import Act, Provider, open_api, said


def account(balance: float) -> Act:
    """DataForSEO's word of an account, as far as it is read."""
    task = {"status_code": 20000, "status_message": "Ok.", "cost": 0, "result": [{"money": {"balance": balance}}]}
    return said({"status_code": 20000, "status_message": "Ok.", "cost": 0, "tasks_error": 0, "tasks": [task]})


def probe(source: Source, provider: Provider, folder: Path, prop: Property, *answers: Act) -> list[str]:
    """Try a source. Returns the paths that were asked for."""
    provider.script.extend(answers)
    provider.date = DATE
    assert source.probe is not None
    with open_api(provider, folder, source) as api:
        source.probe(api, prop)
    return [asked.path for asked in provider.asked]


def with_bing() -> Property:
    sources = SourceSettings(bing_webmaster={"site": "https://example.test"})
    return make_property().model_copy(update={"sources": sources})


def crawled(*urls: str, **settings: Any) -> Property:
    crawl = {"start_urls": urls, "allowed_networks": ["127.0.0.0/8"], **settings}
    return make_property().model_copy(update={"sources": SourceSettings(site_crawl=crawl)})


@pytest.mark.parametrize("source", [DATAFORSEO_SERP, DATAFORSEO_BACKLINKS], ids=lambda source: source.name)
def test_an_account_with_money_is_asked_for_itself_and_nothing_is_bought(
    source: Source, provider: Provider, tmp_path: Path
) -> None:
    asked = probe(source, provider, tmp_path, make_property("teapot"), account(51.2))
    assert asked == ["/v3/appendix/user_data"]


@pytest.mark.parametrize("balance", [0, -3.5])
def test_an_account_without_money_is_told_of(provider: Provider, tmp_path: Path, balance: float) -> None:
    with pytest.raises(TerminalSourceError, match=f"has {balance} US dollars left: top it up"):
        probe(DATAFORSEO_BACKLINKS, provider, tmp_path, make_property(), account(balance))


def test_an_account_that_cannot_pay_a_night_is_told_of(provider: Provider, tmp_path: Path) -> None:
    prop = make_property("teapot", "tea", "kettle", depth=20, devices=("desktop", "mobile"))
    # Three keywords on two devices, each a first page and one more.
    assert DATAFORSEO_SERP.price is not None
    assert DATAFORSEO_SERP.price(prop) == 6 * (Decimal("0.0006") + Decimal("0.00045"))
    with pytest.raises(TerminalSourceError, match=r"has 0\.004 US dollars left, and a night costs some 0\.0063: top"):
        probe(DATAFORSEO_SERP, provider, tmp_path, prop, account(0.004))


def test_a_login_that_is_not_accepted_is_told_of(provider: Provider, tmp_path: Path) -> None:
    refused = {"status_code": 40100, "status_message": "You are not Authorized to Access this resource.", "tasks": None}
    with pytest.raises(CredentialsError, match="not Authorized"):
        probe(DATAFORSEO_SERP, provider, tmp_path, make_property("teapot"), said(refused, status=401))


@pytest.mark.parametrize("level", ["siteOwner", "siteRestrictedUser", "SITE_FULL_USER"])
def test_a_service_account_that_may_read_the_site_is_well(provider: Provider, tmp_path: Path, level: str) -> None:
    answer = said({"siteUrl": "sc-domain:example.com", "permissionLevel": level})
    asked = probe(SEARCH_CONSOLE, provider, tmp_path, make_property(), answer)
    assert asked == ["/webmasters/v3/sites/sc-domain%3Aexample.com"]


@pytest.mark.parametrize("level", ["siteUnverifiedUser", "SITE_UNVERIFIED_USER"])
def test_a_service_account_that_may_not_is_told_of(provider: Provider, tmp_path: Path, level: str) -> None:
    answer = said({"siteUrl": "sc-domain:example.com", "permissionLevel": level})
    with pytest.raises(TerminalSourceError, match=r"may not read sc-domain:example\.com: make it a user there"):
        probe(SEARCH_CONSOLE, provider, tmp_path, make_property(), answer)


def test_a_site_that_google_does_not_show_us_is_told_of(provider: Provider, tmp_path: Path) -> None:
    error = {"code": 403, "message": "User does not have sufficient permission", "errors": [{"reason": "forbidden"}]}
    with pytest.raises(TerminalSourceError, match="is the service account a user of this Search Console property"):
        probe(SEARCH_CONSOLE, provider, tmp_path, make_property(), said({"error": error}, status=403))


def test_bing_is_asked_as_it_was_when_its_answer_was_recorded(
    provider: Provider, tmp_path: Path, shared_data: Path
) -> None:
    folder = shared_data / "api_responses" / "bing_webmaster" / "test_crawling"
    recorded = yaml.safe_load((folder / "TestCrawlingService.test_get_crawl_settings.yaml").read_text("utf-8"))
    (one,) = recorded["interactions"]
    asked = probe(BING_WEBMASTER, provider, tmp_path, with_bing(), Act(one["response"]["body"]["string"].encode()))
    uri = urlsplit(one["request"]["uri"])
    assert asked == [f"{uri.path}?{uri.query}"]


def test_a_key_that_bing_does_not_know_is_told_of(provider: Provider, tmp_path: Path) -> None:
    refused = said({"ErrorCode": 3, "Message": "ERROR!!! InvalidApiKey"}, status=400)
    with pytest.raises(CredentialsError, match="InvalidApiKey"):
        probe(BING_WEBMASTER, provider, tmp_path, with_bing(), refused)


def test_a_site_that_lets_the_crawl_in_is_asked_for_its_robots_alone(provider: Provider, tmp_path: Path) -> None:
    prop = crawled(f"{provider.base_url}/", f"{provider.base_url}/shop/")
    robots = Act(b"User-agent: *\nDisallow: /cart/\n")
    assert probe(SITE_CRAWL, provider, tmp_path, prop, robots) == ["/robots.txt"]
    assert provider.asked[0].headers["User-Agent"].startswith("seo-warehouse/")


@pytest.mark.parametrize("agent", ["*", "seo-warehouse"])
def test_a_site_that_keeps_the_crawl_out_is_told_of(provider: Provider, tmp_path: Path, agent: str) -> None:
    prop = crawled(f"{provider.base_url}/", f"{provider.base_url}/shop/")
    robots = Act(f"User-agent: {agent}\nDisallow: /shop/\n".encode())
    with pytest.raises(TerminalSourceError, match=r"keeps the user agent seo-warehouse from http://\S+/shop/: let it"):
        probe(SITE_CRAWL, provider, tmp_path, prop, robots)


def test_a_site_whose_robots_are_not_told_may_tell_them_later(provider: Provider, tmp_path: Path) -> None:
    with pytest.raises(TransientSourceError, match="answers HTTP 503: as long as it does, nothing may be fetched"):
        probe(SITE_CRAWL, provider, tmp_path, crawled(f"{provider.base_url}/"), Act(status=503))


def test_a_site_without_robots_is_open(provider: Provider, tmp_path: Path) -> None:
    probe(SITE_CRAWL, provider, tmp_path, crawled(f"{provider.base_url}/"), Act(status=404))


def test_robots_are_followed_where_they_lead(provider: Provider, tmp_path: Path) -> None:
    moved, closed = Act(status=301, headers={"Location": "/en/robots.txt"}), Act(b"User-agent: *\nDisallow: /")
    with pytest.raises(TerminalSourceError, match="keeps the user agent"):
        probe(SITE_CRAWL, provider, tmp_path, crawled(f"{provider.base_url}/"), moved, closed)
    assert [asked.path for asked in provider.asked] == ["/robots.txt", "/en/robots.txt"]


def test_a_host_whose_address_is_stated_is_asked_there_by_its_name(provider: Provider, tmp_path: Path) -> None:
    resolve = {"www.shop.example": f"127.0.0.1:{provider.server_port}"}
    prop = crawled("http://www.shop.example/", resolve=resolve, allowed_networks=())
    probe(SITE_CRAWL, provider, tmp_path, prop, Act(b""))
    assert provider.asked[0].headers["Host"] == "www.shop.example"


def test_a_private_address_that_nobody_stated_is_not_asked(provider: Provider, tmp_path: Path) -> None:
    with pytest.raises(SourceError, match="not everyone reaches: where that is meant, state it as site_crawl"):
        probe(SITE_CRAWL, provider, tmp_path, crawled("http://10.255.255.1/", allowed_networks=()))
