"""Pages that the demo's site publishes while it is watched: what each witness tells is what truly happened."""

from __future__ import annotations

import json
from datetime import date, timedelta

import pytest

from seo_warehouse.demo.arrivals import Arrival, arrivals
from seo_warehouse.demo.catalogue import ALDERWOOD, TEAHARBOUR
from seo_warehouse.demo.visits import all_visits
from tests.demo.conftest import FIRST_DAY, NOW, SEED, Client
from tests.demo.test_site import fetch, locations

ARRIVALS = arrivals(SEED, ALDERWOOD, FIRST_DAY)
LAST = date.fromisoformat(NOW[:10])


@pytest.fixture(scope="module")
def page() -> Arrival:
    """One that is shown some days after it is in the index."""
    return next(each for each in ARRIVALS if each.shown and each.indexed and each.shown > each.indexed + timedelta(1))


def test_pages_come_in_their_order_and_some_are_never_taken_in() -> None:
    assert arrivals(SEED, TEAHARBOUR, FIRST_DAY) == ()
    assert len(ARRIVALS) == 40
    for each in ARRIVALS:
        assert FIRST_DAY + timedelta(days=10) <= each.published < each.visited
        assert (each.indexed is None) == (each.shown is None)
        assert each.indexed is None or each.shown is None or each.visited < each.indexed < each.shown
    assert sum(each.shown is None for each in ARRIVALS) == 5
    assert {each.page.path for each in ARRIVALS}.isdisjoint(page.path for page in ALDERWOOD.pages)


def test_a_page_is_there_and_in_the_sitemap_from_its_day_on(client: Client, page: Arrival) -> None:
    url = ALDERWOOD.url(page.page.path)
    for day, status in ((page.published - timedelta(days=1), 404), (page.published, 200)):
        client.put("clock", {"now": f"{day}T23:30:00Z"})
        assert fetch(client, url).status_code == status
        assert (url in locations(fetch(client, ALDERWOOD.url("/sitemap-pages.xml")).text)) == (status == 200)
    assert page.page.subject.title() in fetch(client, url).text


def test_a_page_is_first_shown_on_its_day(client: Client) -> None:
    client.put("clock", {"now": NOW})
    asked = {"startDate": f"{FIRST_DAY}", "endDate": f"{LAST}", "rowLimit": 25_000}
    filters = [{"filters": [{"dimension": "page", "operator": "contains", "expression": "/journal/"}]}]
    told: dict[str, str] = {}
    for row in client.query(dimensions=["date", "page"], dimensionFilterGroups=filters, **asked).json()["rows"]:
        day, url = row["keys"]
        told[url] = min(day, told.get(url, day))
    assert told == {ALDERWOOD.url(each.page.path): f"{each.shown}" for each in ARRIVALS if each.shown}


def test_googlebot_comes_first_on_its_day(client: Client) -> None:
    first: dict[str, date] = {}
    for visit in all_visits(client.server.world, ALDERWOOD, LAST):
        if visit.target.startswith("/journal/"):
            assert (visit.guest.bot, visit.status) == ("Googlebot", 200)
            first.setdefault(visit.target, visit.at.date())
    assert first == {each.page.path: each.visited for each in ARRIVALS}


def test_the_index_takes_a_page_in_on_its_day(client: Client, page: Arrival) -> None:
    held = client.server.index
    assert page.indexed is not None
    for day, coverage in (
        (page.published - timedelta(days=1), "URL is unknown to Google"),
        (page.published, "Discovered - currently not indexed"),
        (page.visited, "Crawled - currently not indexed"),
        (page.indexed, "Submitted and indexed"),
    ):
        assert held.as_of(ALDERWOOD, page.page.path, day).coverage == coverage


def test_the_truth_tells_each_milestone(client: Client, page: Arrival) -> None:
    lines = [json.loads(line) for line in (client.server.folder / "truth/milestones.jsonl").read_text().splitlines()]
    url = ALDERWOOD.url(page.page.path)
    assert {line["milestone"]: line["day"] for line in lines if line["url"] == url} == {
        name: f"{getattr(page, name)}" for name in ("published", "visited", "indexed", "shown")
    }
    assert len(lines) == 40 * 4 - 5 * 2
