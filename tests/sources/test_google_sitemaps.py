"""Sitemaps as Search Console knows them."""

from __future__ import annotations

import json
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from seo_warehouse.config import SourceSettings
from seo_warehouse.errors import MalformedAnswerError, TerminalSourceError, ThrottledError
from seo_warehouse.sources.google_sitemaps import GOOGLE_SITEMAPS, SITEMAP
from seo_warehouse.spec import Row
from tests.sources.properties import AT, DATE, NIGHT, TONIGHT, check_columns, make_property
from tests.sources.provider import Act, Asked, Provider, open_api, said

HOME = "https://www.example.com"
PAGES = {
    "path": f"{HOME}/sitemap-pages.xml",
    "lastSubmitted": "2026-11-01T08:00:00.000Z",
    "lastDownloaded": "2026-11-20T03:04:05.678Z",
    "isPending": False,
    "isSitemapsIndex": False,
    "type": "sitemap",
    "warnings": "2",
    "errors": "0",
    "contents": [{"type": "web", "submitted": "12", "indexed": "9"}, {"type": "image", "submitted": "30"}],
}
INDEX = {"path": f"{HOME}/sitemap.xml", "isSitemapsIndex": True, "isPending": True, "warnings": "0", "errors": "1"}


class SearchConsole:
    """Answers with the sitemaps of a site, and with those of each index."""

    def __init__(self, **listed: list[dict[str, Any]]) -> None:
        self.listed = listed

    def __call__(self, asked: Asked) -> Act:
        url = urlsplit(asked.path)
        assert (asked.method, url.path) == ("GET", "/webmasters/v3/sites/sc-domain%3Aexample.com/sitemaps")
        index = parse_qs(url.query).get("sitemapIndex", [""])[0]
        entries = self.listed.get(index, [])
        return said({"sitemap": entries} if entries else {})


def read(provider: Provider, folder: Path, answer: Any, *, may_call: bool = True) -> tuple[list[Row], dict[str, Any]]:
    provider.answer, provider.date = answer, DATE
    sources = SourceSettings(google_sitemaps={"site": "sc-domain:example.com"})
    prop = make_property().model_copy(update={"sources": sources})
    with open_api(provider, folder, GOOGLE_SITEMAPS, may_call=may_call) as api:
        rows = list(GOOGLE_SITEMAPS.table("sitemap").read(api, prop, TONIGHT))
        check_columns(GOOGLE_SITEMAPS, "sitemap", rows)
        return rows, api.facts.get(NIGHT, {})


def test_a_site_without_sitemaps_has_no_row(provider: Provider, tmp_path: Path) -> None:
    assert read(provider, tmp_path, SearchConsole()) == ([], {})


def test_a_sitemap_is_read_with_what_it_holds_and_not_with_what_was_once_indexed(
    provider: Provider, tmp_path: Path
) -> None:
    (row,), facts = read(provider, tmp_path, SearchConsole(**{"": [PAGES]}))
    assert facts == {}
    assert row == {
        "day": NIGHT,
        "observed_at": AT,
        "sitemap_index": None,
        "path": PAGES["path"],
        "type": "sitemap",
        "is_sitemaps_index": False,
        "is_pending": False,
        "last_submitted": datetime(2026, 11, 1, 8, tzinfo=UTC),
        "last_downloaded": datetime(2026, 11, 20, 3, 4, 5, 678_000, tzinfo=UTC),
        "warnings": 2,
        "errors": 0,
        "contents": [{"type": "web", "submitted": 12}, {"type": "image", "submitted": 30}],
    }


def test_those_of_an_index_are_asked_for_by_it_and_none_of_another(provider: Provider, tmp_path: Path) -> None:
    deeper = INDEX | {"path": f"{HOME}/deeper.xml"}
    google = SearchConsole(**{"": [INDEX, PAGES], INDEX["path"]: [PAGES, deeper]})
    rows, _ = read(provider, tmp_path, google)
    assert [(row["sitemap_index"], row["path"]) for row in rows] == [
        (None, INDEX["path"]),
        (None, PAGES["path"]),
        (INDEX["path"], PAGES["path"]),
        (INDEX["path"], deeper["path"]),
    ]
    assert len(provider.asked) == 2
    assert read(provider, tmp_path, google, may_call=False)[0] == rows
    assert len(provider.asked) == 2


def test_fields_that_nobody_documented_are_noted_wherever_they_stand(provider: Provider, tmp_path: Path) -> None:
    strange = PAGES | {"newBeside": 1, "contents": [{"type": "web", "submitted": "1", "newWithin": 2}]}
    _, facts = read(provider, tmp_path, lambda asked: said({"sitemap": [strange], "newOutside": 1}))
    assert facts == {"unknown_fields": ["newBeside", "newOutside", "newWithin"]}


@pytest.mark.parametrize(
    "entry",
    [
        PAGES | {"errors": "many"},
        PAGES | {"errors": 1},
        PAGES | {"path": None, "isPending": "no"},
        PAGES | {"lastDownloaded": "yesterday"},
        PAGES | {"contents": {"type": "web"}},
        PAGES | {"contents": [{"submitted": "1"}]},
        PAGES | {"contents": ["web"]},
        "https://www.example.com/sitemap.xml",
    ],
)
def test_an_answer_of_another_form_is_malformed(provider: Provider, tmp_path: Path, entry: Any) -> None:
    with pytest.raises(MalformedAnswerError):
        read(provider, tmp_path, lambda asked: said({"sitemap": [entry]}))


@pytest.mark.parametrize(
    ("status", "error"), [(403, TerminalSourceError), (429, ThrottledError), (404, TerminalSourceError)]
)
def test_a_refusal_is_an_error_by_what_it_means(
    provider: Provider, tmp_path: Path, status: int, error: type[Exception]
) -> None:
    document = {"error": {"code": status, "message": "No.", "errors": [{"reason": "any"}]}}
    with pytest.raises(error):
        read(provider, tmp_path, lambda asked: said(document, status=status))


@pytest.mark.external
def test_the_fields_are_those_of_the_discovery_document(shared_data: Path) -> None:
    document = json.loads((shared_data / "specs/google/searchconsole.v1.json").read_text())
    assert SITEMAP.known == document["schemas"]["WmxSitemap"]["properties"].keys()
    listing = document["resources"]["sitemaps"]["methods"]["list"]
    assert (listing["path"], listing["httpMethod"]) == ("webmasters/v3/sites/{siteUrl}/sitemaps", "GET")
    assert listing["parameters"].keys() == {"siteUrl", "sitemapIndex"}
