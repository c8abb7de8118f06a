"""What Google's index holds of single URLs."""

from __future__ import annotations

import json
from collections import Counter
from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from seo_warehouse.client.plans import Ask, keep_plan
from seo_warehouse.config import SourceSettings
from seo_warehouse.errors import (
    CredentialsError,
    MalformedAnswerError,
    NightOverError,
    NotArchivedError,
    TerminalSourceError,
    TransientSourceError,
)
from seo_warehouse.property import Property
from seo_warehouse.sources.fields import camel
from seo_warehouse.sources.url_inspection import ENUMS, OUTSIDE, STATUS, URL_INSPECTION, is_of_site
from seo_warehouse.spec import Period, Reading, Row
from seo_warehouse.steps.reading import read_rows
from tests.sources.fuzzing import JSON, mutated, places
from tests.sources.properties import AT, DATE, NIGHT, check_columns, make_property
from tests.sources.provider import Act, Asked, Provider, open_api, said

SITE = "sc-domain:example.com"
HOME, SHOP, BLOG = "https://www.example.com/", "https://www.example.com/shop", "http://blog.example.com/a?b=c"
INDEXED = {
    "verdict": "PASS",
    "coverageState": "Submitted and indexed",
    "robotsTxtState": "ALLOWED",
    "indexingState": "INDEXING_ALLOWED",
    "pageFetchState": "SUCCESSFUL",
    "crawledAs": "MOBILE",
    "lastCrawlTime": "2026-11-19T03:14:15Z",
    "googleCanonical": HOME,
    "userCanonical": HOME,
    "sitemap": ["https://www.example.com/sitemap.xml"],
    "referringUrls": ["https://other.example/", HOME],
}
UNKNOWN = {
    "verdict": "NEUTRAL",
    "coverageState": "URL is unknown to Google",
    "robotsTxtState": "ROBOTS_TXT_STATE_UNSPECIFIED",
    "indexingState": "INDEXING_STATE_UNSPECIFIED",
    "pageFetchState": "PAGE_FETCH_STATE_UNSPECIFIED",
}
LINK = "https://search.google.com/search-console/inspect?resource_id=sc-domain:example.com&id=x"


def result(status: Mapping[str, Any], **others: Any) -> dict[str, Any]:
    return {"inspectionResult": {"inspectionResultLink": LINK, "indexStatusResult": dict(status), **others}}


def refusal(status: int, reason: str, message: str, **headers: str) -> Act:
    error = {"code": status, "message": message, "status": reason}
    return said({"error": error}, status=status, headers={name.replace("_", "-"): v for name, v in headers.items()})


QUOTA = refusal(429, "RESOURCE_EXHAUSTED", "Quota exceeded for sc-domain:example.com.", Retry_After="0")
BROKEN = refusal(500, "INTERNAL", "Internal error encountered.")


class Google:
    """Answers of each URL; what is not named is unknown to it. Counts the calls by URL."""

    def __init__(self, **answers: Act) -> None:
        self.answers = answers
        self.asked: Counter[str] = Counter()

    def __call__(self, asked: Asked) -> Act:
        assert (asked.method, asked.path) == ("POST", "/v1/urlInspection/index:inspect")
        assert asked.json.keys() == {"inspectionUrl", "siteUrl", "languageCode"}
        assert asked.json["languageCode"] == "en-US"
        url = asked.json["inspectionUrl"]
        self.asked[url] += 1
        return self.answers.get(url, said(result(UNKNOWN)))


def with_site(site: str = SITE) -> Property:
    return make_property().model_copy(update={"sources": SourceSettings(url_inspection={"site": site})})


def read(
    provider: Provider, folder: Path, answer: Callable[[Asked], Act], *plan: str, site: str = SITE,
    may_call: bool = True, at: str = DATE,
) -> tuple[list[Row], dict[str, Any]]:  # fmt: skip
    """Rows and facts of a night with a plan."""
    provider.answer, provider.date = answer, at
    with open_api(provider, folder, URL_INSPECTION, may_call=may_call) as api:
        if plan:
            keep_plan(api.archive, "plans.plan_inspected_url", [Ask(url, 1.0, "never_looked") for url in plan], AT)
        reading = Reading(
            source=URL_INSPECTION,
            table=URL_INSPECTION.table("result"),
            property=with_site(site),
            period=Period(NIGHT, NIGHT),
            scope=f"night={NIGHT}",
            purpose="night",
        )
        rows = list(read_rows(api, reading))
        check_columns(URL_INSPECTION, "result", rows)
        return rows, api.facts.get(NIGHT, {})


def test_each_url_of_the_plan_is_asked_for_once_in_its_order(provider: Provider, tmp_path: Path) -> None:
    google = Google(**{HOME: said(result(INDEXED))})
    rows, facts = read(provider, tmp_path, google, SHOP, HOME, BLOG)
    assert [(row["url"], row["verdict"], row["day"]) for row in rows] == [
        (SHOP, "NEUTRAL", NIGHT),
        (HOME, "PASS", NIGHT),
        (BLOG, "NEUTRAL", NIGHT),
    ]
    assert google.asked == {SHOP: 1, HOME: 1, BLOG: 1}
    assert facts == {"planned_count": 3, "unanswered_count": 0}
    indexed = rows[1]
    assert indexed["last_crawl_time"] == datetime(2026, 11, 19, 3, 14, 15, tzinfo=UTC)
    assert (indexed["google_canonical"], indexed["sitemap"]) == (HOME, ["https://www.example.com/sitemap.xml"])
    assert (indexed["inspection_result_link"], indexed["refusal"], indexed["observed_at"]) == (LINK, None, AT)


def test_an_empty_plan_asks_nobody(provider: Provider, tmp_path: Path) -> None:
    with open_api(provider, tmp_path, URL_INSPECTION) as api:
        keep_plan(api.archive, "plans.plan_inspected_url", [], AT)
    assert read(provider, tmp_path, Google()) == ([], {"planned_count": 0, "unanswered_count": 0})
    assert provider.asked == []


def test_a_url_that_was_never_crawled_has_no_time_of_a_crawl(provider: Provider, tmp_path: Path) -> None:
    (row,), _ = read(provider, tmp_path, Google(), SHOP)
    assert {name: row[name] for name in ("last_crawl_time", "google_canonical", "crawled_as", "sitemap")} == {
        "last_crawl_time": None,
        "google_canonical": None,
        "crawled_as": None,
        "sitemap": None,
    }


def test_the_calls_that_are_used_up_end_the_night_and_it_says_what_it_did_not_ask(
    provider: Provider, tmp_path: Path
) -> None:
    rows, facts = read(provider, tmp_path, Google(**{HOME: QUOTA}), SHOP, HOME, BLOG)
    assert [row["url"] for row in rows] == [SHOP]
    assert (facts["is_capped"], facts["planned_count"], facts["unanswered_count"]) == (True, 3, 2)
    assert facts["caps"][0].startswith("2 of 3 URLs not asked: POST /v1/urlInspection/index:inspect: HTTP 429: Quota")


def test_a_night_that_is_capped_at_its_first_call_is_whole(provider: Provider, tmp_path: Path) -> None:
    rows, facts = read(provider, tmp_path, lambda asked: QUOTA, HOME, SHOP)
    assert (rows, facts["is_capped"], facts["unanswered_count"]) == ([], True, 2)


def test_a_url_that_google_refuses_costs_the_others_nothing(provider: Provider, tmp_path: Path) -> None:
    google = Google(**{SHOP: refusal(400, "INVALID_ARGUMENT", "Inspected URL is not valid.")})
    rows, facts = read(provider, tmp_path, google, HOME, SHOP, BLOG)
    assert [(row["url"], row["refusal"]) for row in rows] == [
        (HOME, None),
        (SHOP, "Inspected URL is not valid."),
        (BLOG, None),
    ]
    assert facts["unanswered_count"] == 0
    # The refusal is an answer as any: it is not asked for again, and a replay has the same rows.
    assert read(provider, tmp_path, google, may_call=False) == (rows, facts)
    assert google.asked == {HOME: 1, SHOP: 1, BLOG: 1}


def test_a_refused_site_ends_the_night_red(provider: Provider, tmp_path: Path) -> None:
    google = Google(**{HOME: refusal(403, "PERMISSION_DENIED", "You do not own this site.")})
    with pytest.raises(TerminalSourceError, match="is the service account a user of this Search Console property"):
        read(provider, tmp_path, google, HOME, SHOP)
    assert google.asked == {HOME: 1}


def test_an_account_that_is_not_accepted_is_told_of(provider: Provider, tmp_path: Path) -> None:
    with pytest.raises(CredentialsError):
        read(
            provider, tmp_path, lambda asked: refusal(401, "UNAUTHENTICATED", "Request had invalid credentials."), HOME
        )


def test_a_call_whose_answer_was_lost_is_not_sent_again_that_night(provider: Provider, tmp_path: Path) -> None:
    google = Google(**{SHOP: BROKEN})
    rows, facts = read(provider, tmp_path, google, HOME, SHOP, BLOG)
    assert ([row["url"] for row in rows], facts) == ([HOME, BLOG], {"planned_count": 3, "unanswered_count": 1})
    google.answers = {}
    assert read(provider, tmp_path, google) == (rows, facts)
    assert google.asked == {HOME: 1, SHOP: 1, BLOG: 1}


def test_a_reader_that_was_killed_spends_no_call_again(provider: Provider, tmp_path: Path) -> None:
    google = Google()

    class Killed(BaseException):
        pass

    with open_api(provider, tmp_path, URL_INSPECTION) as api:
        provider.answer, provider.date = google, DATE
        keep_plan(api.archive, "plans.plan_inspected_url", [Ask(url, 1.0, "") for url in (HOME, SHOP, BLOG)], AT)
        put = api.archive.put

        def put_or_die(key: str, answer: Any, packed: Any) -> None:
            if google.asked[SHOP]:
                raise Killed
            put(key, answer, packed)

        api.archive.put = put_or_die  # type: ignore[method-assign]
        with pytest.raises(Killed):
            list(URL_INSPECTION.table("result").read(api, with_site(), Period(NIGHT, NIGHT)))
    rows, facts = read(provider, tmp_path, google)
    assert google.asked == {HOME: 1, SHOP: 1, BLOG: 1}
    assert ([row["url"] for row in rows], facts["unanswered_count"]) == ([HOME, BLOG], 1)


def test_a_google_that_is_down_is_left_alone_for_the_scheduler(provider: Provider, tmp_path: Path) -> None:
    urls = [f"{HOME}{number}" for number in range(9)]
    google = Google(**dict.fromkeys(urls, BROKEN))
    with pytest.raises(TransientSourceError):
        read(provider, tmp_path, google, *urls)
    assert google.asked == dict.fromkeys(urls[:3], 1)
    google.answers = {}
    rows, facts = read(provider, tmp_path, google)
    assert [row["url"] for row in rows] == urls[3:]
    assert facts == {"planned_count": 9, "unanswered_count": 3}


def test_a_replay_asks_nobody_and_a_night_that_was_never_read_is_none(provider: Provider, tmp_path: Path) -> None:
    google = Google(**{HOME: said(result(INDEXED)), SHOP: QUOTA})
    rows, _ = read(provider, tmp_path, google, HOME, SHOP, BLOG)
    before = len(provider.asked)
    again, facts = read(provider, tmp_path, google, may_call=False)
    assert (again, facts) == (rows, {"planned_count": 3, "unanswered_count": 2})
    assert len(provider.asked) == before
    with pytest.raises(NotArchivedError):
        read(provider, tmp_path / "other", google, may_call=False)


def test_what_lies_outside_of_the_site_is_not_asked_and_says_so(provider: Provider, tmp_path: Path) -> None:
    google = Google()
    rows, facts = read(provider, tmp_path, google, HOME, BLOG, site=HOME)
    assert [(row["url"], row["refusal"]) for row in rows] == [(HOME, None), (BLOG, OUTSIDE)]
    assert (facts["unanswered_count"], google.asked) == (0, {HOME: 1})


@pytest.mark.parametrize(
    ("url", "site", "is_in"),
    [
        ("https://example.com/", SITE, True),
        ("http://a.b.example.com:8080/x", SITE, True),
        ("https://notexample.com/", SITE, False),
        ("https://example.com.evil.example/", SITE, False),
        ("mailto:someone@example.com", SITE, False),
        ("https://www.example.com/shop/a", "https://www.example.com/shop/", True),
        ("http://www.example.com/shop/a", "https://www.example.com/shop/", False),
    ],
)
def test_a_site_is_a_domain_with_its_hosts_or_a_prefix(url: str, site: str, is_in: bool) -> None:
    assert is_of_site(url, site) is is_in


def test_an_unknown_value_is_kept_as_it_came(provider: Provider, tmp_path: Path) -> None:
    google = Google(**{HOME: said(result({**INDEXED, "verdict": "SOMEWHAT"}))})
    rows, facts = read(provider, tmp_path, google, HOME)
    assert rows[0]["verdict"] == "SOMEWHAT"
    assert "unknown_fields" not in facts


def test_fields_that_nobody_documented_are_noted_wherever_they_stand(provider: Provider, tmp_path: Path) -> None:
    document = {**result({**INDEXED, "newWithin": 1}, newBeside={}), "newOutside": 1}
    _, facts = read(provider, tmp_path, lambda asked: said(document), HOME)
    assert facts["unknown_fields"] == ["newBeside", "newOutside", "newWithin"]


def test_what_is_not_of_this_theme_is_not_read(provider: Provider, tmp_path: Path) -> None:
    others = {"ampResult": {}, "mobileUsabilityResult": {"verdict": "FAIL"}, "richResultsResult": {}}
    rows, facts = read(provider, tmp_path, lambda asked: said(result(INDEXED, **others)), HOME)
    assert (rows[0]["verdict"], "unknown_fields" in facts) == ("PASS", False)


@pytest.mark.parametrize(
    "document",
    [
        {},
        [],
        {"inspectionResult": None},
        {"inspectionResult": {}},
        {"inspectionResult": {"indexStatusResult": []}},
        result({**INDEXED, "lastCrawlTime": "yesterday"}),
        result({**INDEXED, "verdict": 1}),
        result({**INDEXED, "sitemap": "https://www.example.com/sitemap.xml"}),
        {"error": {"message": None}},
    ],
)
def test_an_answer_of_another_form_is_malformed(provider: Provider, tmp_path: Path, document: Any) -> None:
    urls = [f"{HOME}{number}" for number in range(3)]
    with pytest.raises(MalformedAnswerError):
        read(provider, tmp_path, lambda asked: said(document), *urls)


@given(st.sampled_from(list(places(result(INDEXED)))), JSON, st.sampled_from([200, 400, 403, 500]))
@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
def test_whatever_is_answered_a_row_comes_or_the_call_is_lost(
    provider: Provider, tmp_path_factory: pytest.TempPathFactory, path: tuple[Any, ...], value: Any, status: int
) -> None:
    answer = said(mutated(result(INDEXED), path, value), status=status)
    try:
        rows, facts = read(provider, tmp_path_factory.mktemp("any"), lambda asked: answer, HOME)
    except TerminalSourceError:
        assert status == 403
    else:
        assert len(rows) + facts["unanswered_count"] == 1


def test_tonights_answer_gets_no_other_date(provider: Provider, tmp_path: Path) -> None:
    with pytest.raises(NightOverError):
        read(provider, tmp_path, Google(), HOME, at="Mon, 23 Nov 2026 00:01:00 GMT")


@pytest.mark.external
def test_the_fields_and_values_are_those_of_the_discovery_document(shared_data: Path) -> None:
    schemas = json.loads((shared_data / "specs/google/searchconsole.v1.json").read_text())["schemas"]
    status = schemas["IndexStatusInspectionResult"]["properties"]
    assert STATUS.known == status.keys()
    for column, values in ENUMS.items():
        assert list(values) == status[camel(column)]["enum"]
    assert schemas["InspectUrlIndexRequest"]["properties"].keys() == {"inspectionUrl", "siteUrl", "languageCode"}
