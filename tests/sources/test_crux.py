"""How fast pages were for people with Chrome."""

from __future__ import annotations

import copy
import json
from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from seo_warehouse.client.access import Connection, QueryKey
from seo_warehouse.config import SourceSettings
from seo_warehouse.errors import MalformedAnswerError, TerminalSourceError, ThrottledError
from seo_warehouse.property import Keyword, Property
from seo_warehouse.sources.crux import CRUX, FORM_FACTORS, PERIODS
from seo_warehouse.spec import Row
from tests.sources.properties import AT, DATE, NIGHT, TONIGHT, check_columns, make_property
from tests.sources.provider import Act, Provider, open_api, said

ORIGIN, PAGE = "https://www.example.com", "https://www.example.com/pans"
NO_DATA = said(
    {"error": {"code": 404, "message": "chrome ux report data not found", "status": "NOT_FOUND"}}, status=404
)
KEY = "key-of-nobody"


def day(number: int) -> dict[str, int]:
    return {"year": 2026, "month": 10, "day": number}


def series(p75s: list[Any], *densities: list[Any]) -> dict[str, Any]:
    bins = [{"start": place, "densities": each} for place, each in enumerate(densities)]
    return {"histogramTimeseries": bins, "percentilesTimeseries": {"p75s": p75s}}


RECORD = {
    "record": {
        "key": {"origin": ORIGIN, "formFactor": "PHONE"},
        "metrics": {
            "largest_contentful_paint": series([2400, None], [0.7, "NaN"], [0.2, "NaN"], [0.1, "NaN"]),
            "cumulative_layout_shift": series(["0.05", "0.10"], [0.9, 0.8], [0.06, 0.15], [0.04, 0.05]),
            "navigation_types": {"fractionTimeseries": {"navigate": {"fractions": [0.9, 0.8]}}},
        },
        "collectionPeriods": [
            {"firstDate": day(1), "lastDate": day(28)},
            {"firstDate": day(3), "lastDate": day(30)},
        ],
    },
    "urlNormalizationDetails": {"originalUrl": ORIGIN, "normalizedUrl": ORIGIN},
}


def with_pages(*pages: str, **settings: Any) -> Property:
    keywords = tuple(Keyword(keyword=f"word {number}", page=page) for number, page in enumerate(pages))
    sources = SourceSettings(crux={"origins": [ORIGIN], **settings})
    return make_property().model_copy(update={"sources": sources, "keywords": keywords})


def read(
    provider: Provider, folder: Path, answer: Any, prop: Property | None = None, *, may_call: bool = True
) -> tuple[list[Row], dict[str, Any]]:
    provider.answer, provider.date = answer, DATE
    with open_api(provider, folder, CRUX, may_call=may_call) as api:
        rows = list(CRUX.table("record").read(api, prop or with_pages(), TONIGHT))
        check_columns(CRUX, "record", rows)
        return rows, api.facts.get(NIGHT, {})


def on_phones(document: Any) -> Any:
    """Answers with a document for phones, and knows nothing of desktops."""
    return lambda asked: said(document) if asked.json["formFactor"] == "PHONE" else NO_DATA


def altered(*path: Any, value: Any) -> dict[str, Any]:
    """The record with another value at a place."""
    document: Any = copy.deepcopy(RECORD)
    place = document
    for name in path[:-1]:
        place = place[name]
    place[path[-1]] = value
    return document  # type: ignore[no-any-return]


def test_each_target_is_asked_for_each_form_factor(provider: Provider, tmp_path: Path) -> None:
    prop = with_pages(PAGE, f"{PAGE}/2", PAGE, f"{PAGE}/3", max_pages=2)
    rows, _ = read(provider, tmp_path, lambda asked: NO_DATA, prop)
    targets = [("origin", ORIGIN), ("url", PAGE), ("url", f"{PAGE}/2")]
    assert [asked.json for asked in provider.asked] == [
        {kind: target, "formFactor": form_factor, "collectionPeriodCount": PERIODS}
        for kind, target in targets
        for form_factor in FORM_FACTORS
    ]
    assert {asked.path for asked in provider.asked} == {"/v1/records:queryHistoryRecord"}
    # That there is no data is an answer, kept as a row, and not asked for again.
    assert [(row["target"], row["is_origin"], row["form_factor"]) for row in rows] == [
        (target, kind == "origin", form_factor) for kind, target in targets for form_factor in FORM_FACTORS
    ]
    assert {(row["metric"], row["last_date"], row["p75"], row["good_share"]) for row in rows} == {(None,) * 4}
    assert read(provider, tmp_path, lambda asked: Act(status=500), prop, may_call=False)[0] == rows


def test_a_period_without_enough_people_has_no_figures_and_never_nought(provider: Provider, tmp_path: Path) -> None:
    rows, facts = read(provider, tmp_path, on_phones(RECORD))
    assert facts == {}
    told = {(row["metric"], row["last_date"]): row for row in rows if row["metric"]}
    first, last = date(2026, 10, 28), date(2026, 10, 30)
    assert [(row["metric"], row["last_date"]) for row in rows] == [
        ("largest_contentful_paint", first),
        ("largest_contentful_paint", last),
        ("cumulative_layout_shift", first),
        ("cumulative_layout_shift", last),
        (None, None),
    ]
    names = ("first_date", "p75", "good_share", "needs_improvement_share", "poor_share", "observed_at")
    assert [told["largest_contentful_paint", first][name] for name in names] == [
        *(date(2026, 10, 1), 2400, 0.7, 0.2, 0.1, AT)
    ]
    assert [told["largest_contentful_paint", last][name] for name in names[1:5]] == [None] * 4
    # Of layout shifts a percentile comes as text.
    assert [told["cumulative_layout_shift", last][name] for name in names[1:5]] == [0.1, 0.8, 0.15, 0.05]


@pytest.mark.parametrize(
    "document",
    [
        {},
        {"record": None},
        {"error": {"status": "INTERNAL"}},
        altered("record", "collectionPeriods", value=[]),
        altered("record", "collectionPeriods", 0, "lastDate", value={"year": 2026, "month": 2, "day": 30}),
        altered("record", "collectionPeriods", 0, "lastDate", value={"year": 2026, "month": 2}),
        altered("record", "metrics", "cumulative_layout_shift", "histogramTimeseries", 0, "densities", value=[1]),
        altered("record", "metrics", "cumulative_layout_shift", "histogramTimeseries", value=[]),
        altered("record", "metrics", "cumulative_layout_shift", "percentilesTimeseries", "p75s", 0, value="Infinity"),
        altered("record", "metrics", "cumulative_layout_shift", "percentilesTimeseries", "p75s", 0, value="fast"),
        altered("record", "metrics", "cumulative_layout_shift", "percentilesTimeseries", "p75s", 0, value=True),
    ],
)
def test_an_answer_of_another_form_is_malformed(provider: Provider, tmp_path: Path, document: Any) -> None:
    with pytest.raises(MalformedAnswerError):
        read(provider, tmp_path, on_phones(document))


def test_a_page_that_is_not_there_is_not_taken_for_a_target_without_data(provider: Provider, tmp_path: Path) -> None:
    with pytest.raises(MalformedAnswerError):
        read(provider, tmp_path, lambda asked: Act(b"<html>Not Found</html>", status=404))


def test_fields_that_nobody_documented_are_noted_wherever_they_stand(provider: Provider, tmp_path: Path) -> None:
    document = altered("record", "metrics", "navigation_types", "newWithin", value=1) | {"newOutside": 1}
    document["record"]["newBeside"] = 1
    _, facts = read(provider, tmp_path, on_phones(document))
    assert facts == {"unknown_fields": ["newBeside", "newOutside", "newWithin"]}


@pytest.mark.parametrize(("status", "error"), [(429, ThrottledError), (400, TerminalSourceError)])
def test_a_refusal_is_an_error(provider: Provider, tmp_path: Path, status: int, error: type[Exception]) -> None:
    document = {"error": {"code": status, "message": "No.", "status": "ANY"}}
    with pytest.raises(error):
        read(provider, tmp_path, lambda asked: said(document, status=status))


def test_the_key_goes_in_the_query_and_is_nowhere_in_the_archive(provider: Provider, tmp_path: Path) -> None:
    assert CRUX.access is not None
    provider.answer, provider.date = (
        lambda asked: said(RECORD | {"urlNormalizationDetails": {"originalUrl": KEY}}),
        DATE,
    )
    with open_api(provider, tmp_path, CRUX) as api:
        api._transport._auth = CRUX.access.auth(Connection(password=KEY))
        list(CRUX.table("record").read(api, with_pages(), TONIGHT))
        assert isinstance(api._transport._auth, QueryKey)
        kept = [api.archive.get(path.name.removesuffix(".zst")) for path in api.archive.folder.glob("*.zst")]
    assert [parse_qs(urlsplit(asked.path).query)["key"] for asked in provider.asked] == [[KEY]] * 2
    assert len(kept) == 2
    assert all(answer and KEY not in f"{answer.url}{answer.headers}{answer.body!r}" for answer in kept)


@pytest.mark.external
def test_request_and_answer_fit_the_discovery_document(shared_data: Path) -> None:
    document = json.loads((shared_data / "specs/google/chromeuxreport.v1.json").read_text())
    schemas = document["schemas"]
    assert {"url", "origin", "formFactor", "collectionPeriodCount"} <= schemas["QueryHistoryRequest"][
        "properties"
    ].keys()
    assert set(FORM_FACTORS) <= set(schemas["HistoryKey"]["properties"]["formFactor"]["enum"])
    method = document["resources"]["records"]["methods"]["queryHistoryRecord"]
    assert (method["path"], method["httpMethod"]) == ("v1/records:queryHistoryRecord", "POST")
    assert RECORD.keys() == schemas["QueryHistoryResponse"]["properties"].keys()
    assert RECORD["record"].keys() == schemas["HistoryRecord"]["properties"].keys()
    metric = schemas["MetricTimeseries"]["properties"].keys()
    assert all(each.keys() <= metric for each in RECORD["record"]["metrics"].values())  # type: ignore[attr-defined]
