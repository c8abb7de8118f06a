"""The release of ranks that the demo serves: of the published form, with its sites where they truly stand."""

from __future__ import annotations

import gzip
import json
import re
from itertools import pairwise
from pathlib import Path

import pytest
import requests

from seo_warehouse.demo.ranks import DOMAINS, HEADER, PATH, true_ranks
from seo_warehouse.demo.records import read_lines
from tests.demo.conftest import Client

FORMS = (r"\d+", r"\d+\.\d+(E\d+)?", r"\d+", r"\d\.\d+(E-\d+)?", r"[a-z0-9.-]+", r"\d+")


@pytest.fixture(scope="module")
def lines(client: Client) -> list[list[str]]:
    answer = requests.get(client.url + PATH, timeout=10)
    assert (answer.status_code, answer.headers["Content-Type"]) == (200, "application/gzip")
    text = gzip.decompress(answer.content).decode()
    assert text.endswith("\n")
    return [line.split("\t") for line in text.splitlines()]


def fits(line: list[str]) -> bool:
    return len(line) == len(FORMS) and all(map(re.fullmatch, FORMS, line))


def test_a_release_has_the_published_columns_and_20000_domains_in_order(lines: list[list[str]]) -> None:
    assert lines.pop(0) == [*HEADER]
    assert all(map(fits, lines))
    assert [int(line[0]) for line in lines] == [*range(1, DOMAINS + 1)]
    assert sorted(int(line[2]) for line in lines) == [*range(1, DOMAINS + 1)]
    assert len({line[4] for line in lines}) == DOMAINS
    assert all(float(better[1]) > float(worse[1]) > 0 for better, worse in pairwise(lines))
    by_rank = sorted(lines, key=lambda line: int(line[2]))
    assert all(float(better[3]) > float(worse[3]) > 0 for better, worse in pairwise(by_rank))


@pytest.mark.external
def test_its_lines_are_of_the_form_of_real_ones(shared_data: Path) -> None:
    real = json.loads((shared_data / "webgraph/commoncrawl_ranks/domain-cc-main-2026-apr-may-jun.json").read_text())
    assert real["header"] == [*HEADER]
    assert all(map(fits, real["rows"]))


def test_the_demos_sites_stand_where_the_truth_has_them_but_for_those_that_are_missing(
    client: Client, lines: list[list[str]]
) -> None:
    there = {".".join(reversed(line[4].split("."))): line[0] for line in lines}
    told = list(read_lines(client.server.folder / "truth/ranks.jsonl"))
    assert len(told) == len(true_ranks(client.server.world.seed)) > 500
    assert {row["domain"]: there.get(row["domain"]) for row in told} == {
        row["domain"]: str(row["position"]) if row["is_in_release"] else None for row in told
    }
    assert 0.15 < sum(not row["is_in_release"] for row in told) / len(told) < 0.25
