"""Open PageRank's ranks: answers as public programs have kept them."""

from __future__ import annotations

from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from seo_warehouse.client.plans import Ask, keep_plan
from seo_warehouse.errors import MalformedAnswerError
from seo_warehouse.sources.open_pagerank import OPEN_PAGERANK, read_ranks
from seo_warehouse.spec import Row
from tests.sources.properties import AT, DATE, NIGHT, TONIGHT, check_columns, make_property
from tests.sources.provider import Act, Asked, Provider, open_api, said


def known(domain: str) -> dict[str, Any]:
    told = {"status_code": 200, "error": "", "page_rank_integer": 5, "page_rank_decimal": 5.12, "rank": "121074"}
    return {**told, "domain": domain}


def unknown(domain: str) -> dict[str, Any]:
    told = {"status_code": 404, "error": "Domain not found", "page_rank_integer": 0, "page_rank_decimal": 0}
    return {**told, "rank": None, "domain": domain}


def answer(asked: Asked) -> Act:
    domains = parse_qs(urlsplit(asked.path).query)["domains[]"]
    assert len(domains) <= 100
    ranks = [unknown(domain) if domain.startswith("new") else known(domain) for domain in domains]
    return said({"status_code": 200, "response": ranks, "last_updated": "7th Nov 2026"})


def read(provider: Provider, folder: Path, answer: Any, *domains: str) -> tuple[list[Row], dict[str, Any]]:
    """Rows and facts of a night with a plan."""
    provider.answer, provider.date = answer, DATE
    with open_api(provider, folder, OPEN_PAGERANK) as api:
        keep_plan(api.archive, "plans.plan_linking_domain", [Ask(domain, 1.0, "links") for domain in domains], AT)
        rows = list(read_ranks(api, make_property(), TONIGHT))
        check_columns(OPEN_PAGERANK, "domain_rank", rows)
        return rows, api.facts.get(NIGHT, {})


@pytest.mark.parametrize(("count", "calls"), [(0, 0), (1, 1), (100, 1), (101, 2)])
def test_domains_of_the_plan_are_asked_by_the_hundred(
    provider: Provider, tmp_path: Path, count: int, calls: int
) -> None:
    domains = [f"d{number}.example" for number in range(count)]
    rows, facts = read(provider, tmp_path, answer, *domains)
    assert ([row["domain"] for row in rows], len(provider.asked), facts) == (domains, calls, {})


def test_a_domain_that_is_not_known_is_a_row_of_its_own(provider: Provider, tmp_path: Path) -> None:
    rows, _ = read(provider, tmp_path, answer, "old.example", "new.example")
    assert [(row["domain"], row["status_code"], row["page_rank_decimal"], row["rank"]) for row in rows] == [
        ("old.example", 200, 5.12, 121074),
        ("new.example", 404, 0.0, None),
    ]


@pytest.mark.parametrize(
    "document", [[], {"response": 5}, {"error": "limit"}, {"response": [{**known("a.example"), "rank": "many"}]}]
)
def test_an_answer_of_another_form_is_malformed(provider: Provider, tmp_path: Path, document: Any) -> None:
    with pytest.raises(MalformedAnswerError):
        read(provider, tmp_path, lambda asked: said(document), "old.example")
