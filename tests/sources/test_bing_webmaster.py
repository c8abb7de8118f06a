"""Bing Webmaster's links, counts of links and crawl statistics."""

from __future__ import annotations

import json
from collections import Counter
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
import yaml

from seo_warehouse.client.access import Connection
from seo_warehouse.client.plans import Ask, keep_plan
from seo_warehouse.config import SourceSettings
from seo_warehouse.errors import (
    ConfigError,
    CredentialsError,
    MalformedAnswerError,
    NightOverError,
    SourceError,
    TerminalSourceError,
    ThrottledError,
)
from seo_warehouse.property import Property
from seo_warehouse.sources.bing_webmaster import BING_WEBMASTER
from seo_warehouse.spec import Period, Reading, Row
from seo_warehouse.steps.reading import read_rows
from tests.sources.properties import AT, DATE, NIGHT, check_columns, make_property
from tests.sources.provider import Act, Asked, Provider, open_api, said

SITE = "https://www.example.com/"
HOME, SHOP = f"{SITE}index", f"{SITE}shop?a=1&b=2"


def with_bing(site: str = SITE) -> Property:
    return make_property().model_copy(update={"sources": SourceSettings(bing_webmaster={"site": site})})


class Bing:
    """Answers as Bing does: `links` by target page, so many to a page of an answer."""

    def __init__(self, links: dict[str, list[str]], page_rows: int = 2) -> None:
        self.links, self.page_rows = links, page_rows
        self.asked: Counter[str] = Counter()

    def __call__(self, asked: Asked) -> Act:
        url = urlsplit(asked.path)
        params = {name: values[0] for name, values in parse_qs(url.query).items()}
        call = url.path.rpartition("/")[2]
        assert (url.path.rpartition("/")[0], params.pop("siteUrl")) == ("/webmaster/api.svc/json", SITE)
        self.asked[f"{call} {params.get('link', '')} {params['page']}"] += 1
        if call == "GetLinkCounts":
            return self._page(params, "Links", [{"Url": url, "Count": len(own)} for url, own in self.links.items()])
        details = [{"Url": url, "AnchorText": f"words of {url}"} for url in self.links.get(params["link"], [])]
        return self._page(params, "Details", details)

    def _page(self, params: dict[str, str], name: str, items: list[Any]) -> Act:
        start = int(params["page"]) * self.page_rows
        rows = items[start : start + self.page_rows]
        total = -(-len(items) // self.page_rows)
        return said({"d": {"__type": f"{name}:#Microsoft.Bing.Webmaster.Api", name: rows, "TotalPages": total}})


def read(
    provider: Provider, folder: Path, answer: Any, table: str, *plan: str, prop: Property | None = None,
    night: date = NIGHT, at: str = DATE,
) -> tuple[list[Row], dict[str, Any]]:  # fmt: skip
    """Rows and facts of reading a table on a night with a plan."""
    provider.answer, provider.date = answer, at
    with open_api(provider, folder, BING_WEBMASTER, scope=f"night={night}") as api:
        keep_plan(api.archive, "plans.plan_linked_page", [Ask(page, 1.0, "never_asked") for page in plan], AT)
        reading = Reading(
            source=BING_WEBMASTER,
            table=BING_WEBMASTER.table(table),
            property=prop or with_bing(),
            period=Period(night, night),
            scope=f"night={night}",
            purpose="night",
        )
        rows = list(read_rows(api, reading))
        check_columns(BING_WEBMASTER, table, rows)
        return rows, api.facts.get(night, {})


@pytest.mark.parametrize("count", [0, 1, 2, 3, 5])
def test_every_page_of_counts_is_read_and_no_other_is_asked_for(provider: Provider, tmp_path: Path, count: int) -> None:
    bing = Bing({f"{SITE}{number}": ["https://a.example/"] * number for number in range(count)})
    rows, facts = read(provider, tmp_path, bing, "link_count")
    assert [(row["url"], row["count"]) for row in rows] == [(f"{SITE}{number}", number) for number in range(count)]
    assert list(bing.asked) == [f"GetLinkCounts  {page}" for page in range(max(1, -(-count // 2)))]
    assert facts == {}
    assert {(row["day"], row["observed_at"]) for row in rows} <= {(NIGHT, AT)}


def test_links_are_asked_for_by_the_pages_of_the_plan_in_its_order(provider: Provider, tmp_path: Path) -> None:
    bing = Bing(
        {HOME: ["https://a.example/", "https://b.example/", "https://a.example/"], SHOP: ["https://c.example/"]}
    )
    rows, facts = read(provider, tmp_path, bing, "link", SHOP, HOME)
    assert [(row["target_url"], row["item_no"], row["url"]) for row in rows] == [
        (SHOP, 1, "https://c.example/"),
        (HOME, 1, "https://a.example/"),
        (HOME, 2, "https://b.example/"),
        (HOME, 3, "https://a.example/"),
    ]
    assert rows[0]["anchor_text"] == "words of https://c.example/"
    assert facts == {"is_full": True, "is_complete": True}
    assert set(bing.asked) == {
        *("GetLinkCounts  0", f"GetUrlLinks {SHOP} 0"),
        *(f"GetUrlLinks {HOME} 0", f"GetUrlLinks {HOME} 1"),
    }


@pytest.mark.parametrize(
    ("counted", "plan"),
    [({HOME: 1, SHOP: 1}, (HOME,)), ({HOME: 1, SHOP: 1}, ()), ({HOME: 9, SHOP: 1}, (HOME, SHOP)), ({}, (HOME,))],
)
def test_a_look_at_some_pages_or_some_links_proves_no_absence(
    provider: Provider, tmp_path: Path, counted: dict[str, int], plan: tuple[str, ...]
) -> None:
    bing = Bing({HOME: ["https://a.example/"], SHOP: ["https://b.example/"]})
    counts = [{"Url": url, "Count": count} for url, count in counted.items()]

    def answer(asked: Asked) -> Act:
        is_count = "GetLinkCounts" in asked.path
        return said({"d": {"Links": counts, "TotalPages": 1}}) if is_count else bing(asked)

    _, facts = read(provider, tmp_path, answer, "link", *plan)
    assert facts == {"is_full": False, "is_complete": False}


def test_both_tables_ask_for_the_counts_once(provider: Provider, tmp_path: Path) -> None:
    bing = Bing({HOME: ["https://a.example/"]})
    read(provider, tmp_path, bing, "link_count", HOME)
    read(provider, tmp_path, bing, "link", HOME)
    assert bing.asked == {"GetLinkCounts  0": 1, f"GetUrlLinks {HOME} 0": 1}


def stat(written: str, **other: Any) -> dict[str, Any]:
    names = "AllOtherCodes BlockedByRobotsTxt Code2xx Code301 Code302 Code4xx Code5xx ConnectionTimeout ContainsMalware"
    counts = dict.fromkeys(f"{names} CrawlErrors CrawledPages DnsFailures InIndex InLinks".split(), 0)
    return {"__type": "CrawlStats:#Microsoft.Bing.Webmaster.Api", **counts, "Date": written, **other}


def test_a_day_of_the_crawler_is_of_the_zone_that_it_had(provider: Provider, tmp_path: Path) -> None:
    # The last of summer time and the first of winter time.
    days = ["/Date(1730530800000-0700)/", "/Date(1730620800000-0800)/", "/Date(1730678400000)/"]
    rows, facts = read(
        provider, tmp_path, lambda asked: said({"d": [stat(day, Code4xx=7) for day in days]}), "crawl_stat"
    )
    assert [row["date"] for row in rows] == [date(2024, 11, 2), date(2024, 11, 3), date(2024, 11, 4)]
    assert {row["code_4xx"] for row in rows} == {7}
    assert facts == {}
    assert "page" not in parse_qs(urlsplit(provider.asked[0].path).query)


@pytest.mark.parametrize(
    "written", ["2024-11-02", "/Date(x)/", "/Date(99999999999999999)/", "/Date(9999999999999999)/", 5]
)
def test_a_day_in_another_form_is_no_day(provider: Provider, tmp_path: Path, written: Any) -> None:
    with pytest.raises(MalformedAnswerError, match="Date"):
        read(provider, tmp_path, lambda asked: said({"d": [stat(written)]}), "crawl_stat")


@pytest.mark.parametrize(
    "document", [{"d": None}, {"d": []}, {"d": {"Links": 5, "TotalPages": 1}}, {"d": {"Links": []}}, []]
)
def test_an_answer_of_another_form_is_malformed(provider: Provider, tmp_path: Path, document: Any) -> None:
    with pytest.raises(MalformedAnswerError):
        read(provider, tmp_path, lambda asked: said(document), "link_count")


def test_fields_out_of_place_are_noted(provider: Provider, tmp_path: Path) -> None:
    document = {"d": {"Links": [{"Url": HOME, "Count": 1, "Rel": "?"}], "TotalPages": 1}}
    _, facts = read(provider, tmp_path, lambda asked: said(document), "link_count")
    assert facts == {"unknown_fields": ["Rel"]}


def test_tonights_counts_get_no_other_date(provider: Provider, tmp_path: Path) -> None:
    with pytest.raises(NightOverError):
        read(provider, tmp_path, Bing({}), "link_count", at="Mon, 23 Nov 2026 00:01:00 GMT")


@pytest.mark.parametrize(
    ("status", "document", "meant"),
    [
        (400, {"ErrorCode": 3, "Message": "ERROR!!! InvalidApiKey"}, CredentialsError),
        (400, {"ErrorCode": 5, "Message": "ERROR!!! ThrottleHost"}, ThrottledError),
        (400, {"ErrorCode": 14, "Message": "ERROR!!! NotAuthorized"}, TerminalSourceError),
        (400, "no code", TerminalSourceError),
        (401, {"ErrorCode": 5}, CredentialsError),
    ],
)
def test_a_failure_is_what_its_code_says(
    provider: Provider, tmp_path: Path, status: int, document: Any, meant: type[SourceError]
) -> None:
    with pytest.raises(SourceError) as raised:
        read(provider, tmp_path, lambda asked: said(document, status=status), "link_count")
    assert type(raised.value) is meant


def test_a_connection_without_a_key_says_so() -> None:
    assert BING_WEBMASTER.access is not None
    with pytest.raises(ConfigError, match="key"):
        BING_WEBMASTER.access.auth(Connection(host="https://ssl.bing.com"))


@pytest.mark.external
@pytest.mark.parametrize("table", ["link_count", "link", "crawl_stat"])
def test_recorded_exchanges_are_read(provider: Provider, tmp_path: Path, shared_data: Path, table: str) -> None:
    recorded: dict[str, str] = {}
    for path in (shared_data / "api_responses/bing_webmaster").rglob("*.yaml"):
        for exchange in yaml.safe_load(path.read_text())["interactions"]:
            recorded[_call(exchange["request"]["uri"])] = exchange["response"]["body"]["string"]

    def answer(asked: Asked) -> Act:
        return Act(recorded[_call(asked.path)].encode())

    site, night = "https://example.test", date(2024, 11, 14)
    rows, facts = read(
        provider, tmp_path, answer, table, site, prop=with_bing(site), night=night, at="Thu, 14 Nov 2024 09:11:47 GMT"
    )
    days = [row["date"] for row in rows] if table == "crawl_stat" else []
    assert len(rows) == len(days)
    if table == "link":
        assert facts == {"is_full": True, "is_complete": True}
    else:
        assert facts == {}
    if table == "crawl_stat":
        assert (days[0], days[-1], len(days)) == (date(2024, 10, 15), date(2024, 11, 13), 30)
        assert sorted(set(days)) == days
        assert sum(row["crawl_errors"] for row in rows) > 0


def _call(address: str) -> str:
    """A call without its host and key."""
    url = urlsplit(address)
    params = {name: values for name, values in sorted(parse_qs(url.query).items()) if name != "apikey"}
    return f"{url.path} {json.dumps(params)}"
