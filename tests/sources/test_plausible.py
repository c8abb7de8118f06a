from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seo_warehouse.client.api import Api
from seo_warehouse.config import Property, SourceSettings
from seo_warehouse.errors import CredentialsError, MalformedAnswerError, SourceError, ThrottledError
from seo_warehouse.sources import plausible
from seo_warehouse.sources.plausible import PLAUSIBLE, probe_site
from seo_warehouse.spec import Period, Row
from seo_warehouse.urls import key64
from tests.sources.fuzzing import JSON, mutated, places
from tests.sources.properties import check_columns
from tests.sources.provider import Act, Asked, Provider, open_api, said

DAY = date(2026, 11, 20)
PROPERTY = Property(
    key=7,
    name="shop",
    domain="example.com",
    history_start=date(2026, 1, 1),
    sources=SourceSettings(plausible={"site_id": "example.com"}),
)


def entry(
    referrer: str = "forum.example/thread", path: str = "/pans", host: str = "example.com", visits: int = 3
) -> Any:
    return {"dimensions": [referrer, path, host], "metrics": [visits]}


def answer(rows: list[Any], count: int | None = None) -> dict[str, Any]:
    """An answer in the form of the Stats API."""
    query = {"site_id": "example.com", "date_range": ["2026-11-20T00:00:00+02:00", "2026-11-20T23:59:59+02:00"]}
    return {"results": rows, "meta": {"total_rows": len(rows) if count is None else count}, "query": query}


def read(provider: Provider, folder: Path) -> tuple[list[Row], Api]:
    api = open_api(provider, folder, PLAUSIBLE)
    rows = list(PLAUSIBLE.table("referrer").read(api, PROPERTY, Period(DAY, DAY)))
    check_columns(PLAUSIBLE, "referrer", rows)
    return rows, api


def told(provider: Provider, folder: Path, *rows: Any) -> list[Row]:
    provider.answer = lambda asked: said(answer(list(rows)))
    return read(provider, folder)[0]


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (1, 1), (9, 1), (10, 1), (11, 2), (20, 2), (21, 3)])
def test_pages_are_read_until_all_rows_came(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, calls: int
) -> None:
    monkeypatch.setattr(plausible, "PAGE_ROWS", 10)

    def tell(asked: Asked) -> Act:
        start = asked.json["pagination"]["offset"]
        return said(answer([entry(f"a.example/{n}") for n in range(start, min(count, start + 10))], count))

    provider.answer = tell
    rows, api = read(provider, tmp_path)
    assert len({row["row_key"] for row in rows}) == len(rows) == count
    assert [asked.json["pagination"]["offset"] for asked in provider.asked] == [10 * n for n in range(calls)]
    assert api.facts[DAY] == {"time_zone": "+02:00"}


def test_a_day_that_changes_between_pages_is_not_half_read(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(plausible, "PAGE_ROWS", 10)
    provider.script.append(said(answer([entry(f"a.example/{n}") for n in range(10)], 11)))
    provider.answer = lambda asked: said(answer([entry()], 12))
    with pytest.raises(MalformedAnswerError, match="12 rows in all, 11 on the page before"):
        read(provider, tmp_path)


def test_a_query_is_of_the_documented_form(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: said(answer([]))
    read(provider, tmp_path)
    (asked,) = provider.asked
    assert (asked.method, asked.path) == ("POST", "/api/v2/query")
    assert asked.json == {
        "site_id": "example.com",
        "metrics": ["visits"],
        "date_range": ["2026-11-20", "2026-11-20"],
        "dimensions": ["visit:referrer", "visit:entry_page", "event:hostname"],
        "order_by": [["visit:referrer", "asc"], ["visit:entry_page", "asc"], ["event:hostname", "asc"]],
        "include": {"total_rows": True},
        "pagination": {"limit": 10_000, "offset": 0},
    }


def test_a_page_without_its_scheme_may_be_one_of_eight(provider: Provider, tmp_path: Path) -> None:
    (row,) = told(provider, tmp_path, entry())
    meant = [f"{s}://{w}forum.example/thread{e}" for w in ("", "www.") for s in ("https", "http") for e in ("", "/")]
    assert row == {
        "day": DAY,
        "row_key": key64("forum.example/thread", "/pans", "example.com"),
        "referrer_state": "known",
        "referrer": "https://forum.example/thread",
        "referrer_key": key64(meant[0]),
        "referrer_keys": [str(key64(page)) for page in meant],
        "host_name": "example.com",
        "landing": "https://example.com/pans",
        "landing_tag": None,
        "visits": 3,
    }


@pytest.mark.parametrize(
    ("given", "expected"),
    [
        (entry("Direct / None"), {"referrer_state": "none", "referrer": None, "referrer_keys": None}),
        (entry("forum.example"), {"referrer": "https://forum.example/", "referrer_key": None, "referrer_keys": []}),
        (entry("android-app://com.example.app"), {"referrer_state": "app", "referrer_keys": None}),
        (entry("a b"), {"referrer_state": "odd", "referrer": None}),
        (entry("[::1]/x"), {"referrer_state": "known", "referrer_keys": None}),
        (entry(host="(not set)"), {"landing": None}),
        (entry(path=""), {"landing": None}),
        (entry(path="/a?mail=x@y.example&utm_medium=cpc"), {"landing_tag": "paid"}),
    ],
)
def test_words_of_plausibles_are_no_addresses(
    provider: Provider, tmp_path: Path, given: Any, expected: dict[str, Any]
) -> None:
    (row,) = told(provider, tmp_path, given)
    assert row.items() >= expected.items()
    assert "x@y" not in str(row)


def test_pages_of_the_property_itself_are_left_out(provider: Provider, tmp_path: Path) -> None:
    assert [row["referrer"] for row in told(provider, tmp_path, entry("blog.example.com/x"), entry("a.example"))] == [
        "https://a.example/"
    ]


@pytest.mark.parametrize(
    ("status", "message", "kind"),
    [(401, "Invalid API key", CredentialsError), (429, "Too many API requests", ThrottledError)],
)
def test_a_refusal_is_told_by_its_kind(
    provider: Provider, tmp_path: Path, status: int, message: str, kind: type[SourceError]
) -> None:
    provider.answer = lambda asked: said({"error": message}, status=status)
    with pytest.raises(kind, match=message):
        probe_site(open_api(provider, tmp_path, PLAUSIBLE), PROPERTY)


def test_a_new_field_is_told_of(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: said(answer([entry() | {"mood": 1}]) | {"news": 1})
    assert read(provider, tmp_path)[1].facts[DAY]["unknown_fields"] == ["mood", "news"]


SAMPLE = answer([entry()])


@given(place=st.sampled_from(list(places(SAMPLE))), value=JSON)
@settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)
def test_no_answer_breaks_the_reader_otherwise_than_by_its_errors(place: Any, value: Any) -> None:
    try:
        page = plausible._decoder(0, None)(mutated(SAMPLE, place, value))
    except SourceError:
        return
    assert all(len(row["dimensions"]) == 3 for row in page.rows)
