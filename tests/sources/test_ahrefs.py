"""Ahrefs' links: its own client's names and types, paged by the instant of the first sight."""

from __future__ import annotations

import json
import re
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from requests import Request

from seo_warehouse.client.access import Connection
from seo_warehouse.config import SourceSettings
from seo_warehouse.errors import MalformedAnswerError
from seo_warehouse.property import Property
from seo_warehouse.sources import ahrefs
from seo_warehouse.sources.ahrefs import AHREFS, SELECTED, read_links
from seo_warehouse.spec import Period, Row
from tests.sources.properties import DATE, NIGHT, check_columns, make_property
from tests.sources.provider import Act, Asked, Provider, open_api, said

SINCE = NIGHT - timedelta(days=1)


def link(number: int, seen: str | None = None, **other: Any) -> dict[str, Any]:
    """A link that is there, first seen a day after the one before."""
    return {
        "url_from": f"https://blog{number}.example/post",
        "url_to": "https://example.com/pans",
        "anchor": "pans",
        "alt": None,
        "title": "Pans",
        "link_type": "text",
        "is_dofollow": True,
        "is_nofollow": False,
        "is_ugc": False,
        "is_sponsored": False,
        "is_lost": False,
        "lost_reason": None,
        "drop_reason": None,
        "first_seen_link": seen or f"{date(2026, 1, 1) + timedelta(days=number)}T05:04:15Z",
        "last_visited": "2026-11-14T05:04:15Z",
        "last_seen": None,
        "domain_rating_source": 74.0,
        "url_rating_source": 12.5,
        "http_code": 200,
        "http_crawl": True,
        "js_crawl": True,
        "links_external": 14,
        **other,
    }


class Ahrefs:
    """An index: links that are there and such as were lost, and what it says of their number."""

    def __init__(self, *links: dict[str, Any], stated: int | None = None) -> None:
        self.links = sorted(links, key=lambda each: str(each["first_seen_link"]))
        self.stated = sum(not each["is_lost"] for each in links) if stated is None else stated
        self.asked: list[dict[str, str]] = []

    def __call__(self, asked: Asked) -> Act:
        url = urlsplit(asked.path)
        params = {name: values[0] for name, values in parse_qs(url.query).items()}
        self.asked.append(params)
        assert (params["target"], params["mode"]) == ("example.com", "subdomains")
        if url.path == "/v3/site-explorer/backlinks-stats":
            assert params["date"] == NIGHT.isoformat()
            return said(
                {"metrics": {"live": self.stated, "all_time": 99, "live_refdomains": 1, "all_time_refdomains": 2}}
            )
        assert url.path == "/v3/site-explorer/all-backlinks"
        assert (params["aggregation"], params["order_by"]) == ("all", "first_seen_link:asc")
        filters = json.loads(params["where"])["and"] if "where" in params else []
        is_lost = params["history"] != "live"
        found = [each for each in self.links if each["is_lost"] == is_lost]
        for each in filters:
            if each["field"] == "first_seen_link":
                found = [link for link in found if link["first_seen_link"] >= each["is"][1]]
        names = params["select"].split(",")
        return said({"backlinks": [{name: link[name] for name in names} for link in found[: int(params["limit"])]]})


def with_ahrefs(**settings: Any) -> Property:
    sources = SourceSettings(ahrefs={"target": "example.com", **settings})
    return make_property().model_copy(update={"sources": sources})


def read(
    provider: Provider, folder: Path, answer: Any, since: date | None = None, **settings: Any
) -> tuple[list[Row], dict[str, Any], int]:
    """Rows, facts and units of a night."""
    provider.answer, provider.date = answer, DATE
    with open_api(provider, folder, AHREFS) as api:
        rows = list(read_links(api, with_ahrefs(**settings), Period(NIGHT, NIGHT, since=since)))
        check_columns(AHREFS, "backlink", rows)
        return rows, api.facts.get(NIGHT, {}), int(api.usage.units)


@pytest.fixture
def pages_of_three(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(ahrefs, "PAGE_ROWS", 3)


@pytest.mark.usefixtures("pages_of_three")
@pytest.mark.parametrize("count", [0, 1, 2, 3, 4, 5, 6, 7])
def test_a_full_pull_has_every_link_once_and_proves_it_by_ahrefs_own_count(
    provider: Provider, tmp_path: Path, count: int
) -> None:
    index = Ahrefs(*(link(number) for number in range(count)))
    rows, facts, _ = read(provider, tmp_path, index)
    assert [row["url_from"] for row in rows] == [each["url_from"] for each in index.links]
    assert [(row["pull"], row["item_no"]) for row in rows] == [("full", number) for number in range(1, count + 1)]
    assert facts == {
        "is_full": True,
        "since": None,
        "is_complete": True,
        "stated_count": count,
        "is_capped": False,
        "pulls": {"full": {"rows": count}, "lost": {"rows": 0}},
    }


@pytest.mark.usefixtures("pages_of_three")
def test_links_of_one_instant_are_told_as_often_as_there_are(provider: Provider, tmp_path: Path) -> None:
    once, twice = "2026-05-01T00:00:00Z", "2026-05-02T00:00:00Z"
    links = [link(0, once), link(1, once), link(2, twice), link(2, twice), link(3, "2026-05-03T00:00:00Z")]
    rows, facts, _ = read(provider, tmp_path, Ahrefs(*links))
    assert [row["url_from"] for row in rows] == [each["url_from"] for each in links]
    assert facts["is_complete"] is True


@pytest.mark.usefixtures("pages_of_three")
def test_an_instant_that_fills_an_answer_ends_the_pull_and_proves_nothing(provider: Provider, tmp_path: Path) -> None:
    links = [link(number, "2026-05-01T00:00:00Z") for number in range(5)]
    rows, facts, _ = read(provider, tmp_path, Ahrefs(*links))
    assert (len(rows), facts["is_complete"], facts["is_capped"]) == (3, False, True)


def test_another_count_than_stated_proves_nothing(provider: Provider, tmp_path: Path) -> None:
    _, facts, _ = read(provider, tmp_path, Ahrefs(link(1), link(2), stated=3))
    assert (facts["is_full"], facts["is_complete"], facts["stated_count"]) == (True, False, 3)


def test_between_full_pulls_the_new_and_the_lost_are_asked_for(provider: Provider, tmp_path: Path) -> None:
    lost = link(2, is_lost=True, lost_reason="removedfromhtml", last_seen="2026-11-21T10:00:00Z")
    index = Ahrefs(link(1), link(3, f"{NIGHT}T01:00:00Z"), lost)
    rows, facts, _ = read(provider, tmp_path, index, since=SINCE)
    assert [(row["pull"], row["url_from"]) for row in rows] == [
        ("new", "https://blog3.example/post"),
        ("lost", "https://blog2.example/post"),
    ]
    assert rows[1]["last_seen"] == datetime(2026, 11, 21, 10, tzinfo=UTC)
    assert (facts["is_full"], facts["since"], facts["stated_count"]) == (False, SINCE.isoformat(), 2)
    assert [asked["history"] for asked in index.asked] == ["live", f"since:{SINCE}"]


@pytest.mark.usefixtures("pages_of_three")
@pytest.mark.parametrize(("allowed", "count"), [(50, 0), (99, 0), (122, 3), (172, 4), (500, 14)])
def test_no_more_units_are_used_than_a_night_may(provider: Provider, tmp_path: Path, allowed: int, count: int) -> None:
    index = Ahrefs(*(link(number) for number in range(30)))
    rows, facts, units = read(provider, tmp_path, index, units_per_night=allowed)
    assert units <= allowed
    assert (len(rows), facts["is_complete"], facts["is_capped"]) == (count, False, True)


@pytest.mark.usefixtures("pages_of_three")
def test_a_link_that_is_visited_between_two_answers_is_told_once(provider: Provider, tmp_path: Path) -> None:
    index = Ahrefs(*(link(number) for number in range(5)))

    def answer(asked: Asked) -> Act:
        told = index(asked)
        for each in index.links:
            each["last_visited"] = f"2026-11-15T05:00:{len(index.asked):02}Z"
        return told

    rows, facts, _ = read(provider, tmp_path, answer)
    assert [row["url_from"] for row in rows] == [each["url_from"] for each in index.links]
    assert facts["is_complete"] is True


def test_the_token_goes_as_a_bearers(provider: Provider) -> None:
    assert AHREFS.access is not None
    auth = AHREFS.access.auth(Connection(password="a-token"))
    assert auth(Request("GET", "https://api.ahrefs.com/").prepare()).headers["Authorization"] == "Bearer a-token"


@pytest.mark.parametrize(
    "document", [[], {"backlinks": 5}, {"error": "bad"}, {"backlinks": [link(1, first_seen_link="May")]}]
)
def test_an_answer_of_another_form_is_malformed(provider: Provider, tmp_path: Path, document: Any) -> None:
    with pytest.raises(MalformedAnswerError):
        read(provider, tmp_path, lambda asked: said(document))


@pytest.mark.parametrize("name", ["first_seen_link", "last_visited", "last_seen"])
@pytest.mark.parametrize(
    "instant",
    [
        *("0001-01-01T00:00:00Z", "0001-01-01T00:00:00+14:00", "2106-02-07T06:28:15Z", "9999-12-31T23:59:59-12:00"),
        "10000-01-01T00:00:00Z",
    ],
)
def test_an_instant_at_which_no_crawler_was_is_refused_by_name(
    provider: Provider, tmp_path: Path, name: str, instant: str
) -> None:
    with pytest.raises(MalformedAnswerError, match=f"{name} is '{re.escape(instant)}', expected an instant"):
        read(provider, tmp_path, lambda asked: said({"backlinks": [{**link(1), name: instant}]}))


@pytest.mark.external
def test_what_is_selected_is_in_ahrefs_own_reference(shared_data: Path) -> None:
    reference = (shared_data / "specs/ahrefs_sdk/api-reference.md").read_text()
    section = reference.partition("### `site_explorer_all_backlinks()`")[2].partition("\n### ")[0]
    told = dict(re.findall(r"^\| `(\w+)` \| `[^`]+` \| (.*) \|$", section.partition("**Returns:**")[2], re.MULTILINE))
    assert set(SELECTED) <= told.keys()
    assert not [name for name in SELECTED if "units)" in told[name]], "each is worth one unit"
    assert told["last_seen"] == "The date we discovered that the link was lost."
