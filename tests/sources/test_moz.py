"""Moz's links: answers as https://moz.com/help/links-api/making-calls/links shows them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from requests import Request

from seo_warehouse.client.access import Connection
from seo_warehouse.config import SourceSettings
from seo_warehouse.errors import ConfigError, MalformedAnswerError
from seo_warehouse.property import Property
from seo_warehouse.sources.moz import METRICS, MOZ, PAGE_ROWS, decode_links, read_links
from seo_warehouse.spec import Row
from tests.sources.fuzzing import JSON, mutated, places
from tests.sources.properties import AT, DATE, NIGHT, TONIGHT, check_columns, make_property
from tests.sources.provider import Act, Asked, Provider, open_api, said

NUMBERS = dict.fromkeys(METRICS, 1)


def page(address: str, **other: Any) -> dict[str, Any]:
    host = address.partition("/")[0]
    told = {"page": address, "subdomain": host, "root_domain": host, "title": "", "last_crawled": "2026-11-14"}
    return {**NUMBERS, **told, **other}


def link(number: int = 0, **other: Any) -> dict[str, Any]:
    """A link that is there."""
    return {
        "source": page(f"blog{number}.example/post", http_code=200),
        "target": page("example.com/pans"),
        "anchor_text": "good pans",
        "nofollow": False,
        "redirect": False,
        "rel_canonical": False,
        "via_redirect": False,
        "via_rel_canonical": False,
        "date_first_seen": "2026-06-29",
        "date_last_seen": "2026-11-14",
        "date_disappeared": "",
        **other,
    }


class Moz:
    """Answers page by page; its tokens are the places at which the pages begin."""

    def __init__(self, *links: dict[str, Any]) -> None:
        self.links = links

    def __call__(self, asked: Asked) -> Act:
        body = asked.json
        begin = int(body.pop("next_token", 0))
        end = begin + body.pop("limit")
        assert body == {"target": "example.com", "target_scope": "root_domain", "filter": "external"}
        assert end <= begin + PAGE_ROWS
        return said({"results": self.links[begin:end], "next_token": str(end) if end < len(self.links) else ""})


def with_moz(**settings: Any) -> Property:
    return make_property().model_copy(update={"sources": SourceSettings(moz={"target": "example.com", **settings})})


def read(provider: Provider, folder: Path, answer: Any, **settings: Any) -> tuple[list[Row], dict[str, Any]]:
    """Rows and facts of a night."""
    provider.answer, provider.date = answer, DATE
    with open_api(provider, folder, MOZ) as api:
        rows = list(read_links(api, with_moz(**settings), TONIGHT))
        check_columns(MOZ, "link", rows)
        return rows, api.facts.get(NIGHT, {})


@pytest.mark.parametrize("count", [0, 1, PAGE_ROWS, PAGE_ROWS + 1])
def test_every_page_is_read_and_no_other_is_asked_for(provider: Provider, tmp_path: Path, count: int) -> None:
    rows, facts = read(provider, tmp_path, Moz(*(link(number) for number in range(count))))
    assert [row["source_page"] for row in rows] == [f"https://blog{number}.example/post" for number in range(count)]
    assert [row["item_no"] for row in rows] == list(range(1, count + 1))
    assert len(provider.asked) == max(1, -(-count // PAGE_ROWS))
    assert facts == {}


def test_a_link_is_told_with_its_pages_and_dates(provider: Provider, tmp_path: Path) -> None:
    told = link(
        source=page("blog.example/post", title="Pans", page_authority=68, domain_authority=96, spam_score=-1),
        nofollow=True,
        date_disappeared="2026-02-01",
    )
    [row], _ = read(provider, tmp_path, Moz(told))
    assert row == {
        "day": NIGHT,
        "item_no": 1,
        "source_page": "https://blog.example/post",
        "source_root_domain": "blog.example",
        "source_title": "Pans",
        "source_http_code": 1,
        "source_last_crawled": date(2026, 11, 14),
        "source_page_authority": 68,
        "source_domain_authority": 96,
        "source_spam_score": None,
        "target_page": "https://example.com/pans",
        "target_http_code": 1,
        "anchor_text": "good pans",
        "nofollow": True,
        "redirect": False,
        "rel_canonical": False,
        "via_redirect": False,
        "via_rel_canonical": False,
        "date_first_seen": date(2026, 6, 29),
        "date_last_seen": date(2026, 11, 14),
        "date_disappeared": date(2026, 2, 1),
        "observed_at": AT,
    }


def test_a_day_of_the_year_1_or_2106_is_no_known_day_and_no_loss(provider: Provider, tmp_path: Path) -> None:
    told = link(date_first_seen="0001-01-01", date_last_seen="2106-02-07", date_disappeared="9999-12-31")
    [row], _ = read(provider, tmp_path, Moz(told))
    assert (row["date_first_seen"], row["date_last_seen"], row["date_disappeared"]) == (None, None, None)


def test_a_night_reads_no_more_links_than_it_may_and_says_so(provider: Provider, tmp_path: Path) -> None:
    rows, facts = read(provider, tmp_path, Moz(*(link(number) for number in range(120))), links=60)
    assert (len(rows), len(provider.asked), facts) == (60, 2, {"is_capped": True})


def test_tokens_without_end_end_where_the_rows_do(provider: Provider, tmp_path: Path) -> None:
    rows, _ = read(provider, tmp_path, lambda asked: said({"results": [], "next_token": "again"}))
    assert (rows, len(provider.asked)) == ([], 1)


def test_what_no_page_of_moz_documents_is_noted_by_its_end(provider: Provider, tmp_path: Path) -> None:
    told = link(source=page("blog.example/post", brand_authority=1), target={"page": "example.com/pans"})
    _, facts = read(provider, tmp_path, Moz({**told, "ugc": False}))
    assert facts == {"unknown_fields": ["source.brand_authority", "ugc"], "missing_fields": ["target.http_code"]}


@pytest.mark.parametrize(
    "document",
    [[], {"results": 5}, {"results": [5]}, {"results": [link(source=None)]}, {"results": [], "next_token": 5}],
)
def test_an_answer_of_another_form_is_malformed(provider: Provider, tmp_path: Path, document: Any) -> None:
    with pytest.raises(MalformedAnswerError):
        read(provider, tmp_path, lambda asked: said(document))


@given(st.data(), JSON)
def test_fuzzed_answers_give_rows_or_our_own_error(data: st.DataObject, value: Any) -> None:
    document = {"results": [link()], "next_token": ""}
    path = data.draw(st.sampled_from(list(places(document))))
    try:
        rows = decode_links(mutated(document, path, value)).rows
    except MalformedAnswerError:
        return
    assert all(isinstance(row["source_page"], str | None) for row in rows)


def test_the_token_goes_into_a_header_and_is_secret() -> None:
    assert MOZ.access is not None
    auth = MOZ.access.auth(Connection(password="a-token"))
    signed = auth(Request("POST", "https://lsapi.seomoz.com/v2/links", json={}).prepare())
    assert (signed.headers["x-moz-token"], list(auth.secrets())) == ("a-token", ["a-token"])
    with pytest.raises(ConfigError, match="key"):
        MOZ.access.auth(Connection(host="https://lsapi.seomoz.com"))
