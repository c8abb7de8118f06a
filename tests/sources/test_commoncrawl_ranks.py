"""Common Crawl's ranks: a file of which lines are kept, and the rest is counted."""

from __future__ import annotations

import gzip
import hashlib
import json
from itertools import pairwise
from math import log
from pathlib import Path
from statistics import median
from typing import Any

import pytest

from seo_warehouse.client.plans import Ask, keep_plan
from seo_warehouse.client.sieve import MAX_LINE_BYTES
from seo_warehouse.config import Properties, Property
from seo_warehouse.errors import MalformedAnswerError, SourceError, TerminalSourceError
from seo_warehouse.sources.commoncrawl_ranks import COMMONCRAWL_RANKS, GRID
from seo_warehouse.spec import Reading, Row
from seo_warehouse.steps.reading import read_rows
from tests.sources.properties import AT, DATE, NIGHT, TONIGHT, check_columns, make_property
from tests.sources.provider import Act, Asked, Provider, open_api

RELEASE = "cc-main-2026-apr-may-jun"
HEADER = "#harmonicc_pos\t#harmonicc_val\t#pr_pos\t#pr_val\t#host_rev\t#n_hosts"


def shared() -> Property:
    """What stands for all properties."""
    stated: dict[str, Any] = {"properties": (make_property(),), "commoncrawl_ranks": {"release": RELEASE}}
    return Properties(**stated).shared


def reading_of(table: str) -> Reading:
    return Reading(
        source=COMMONCRAWL_RANKS,
        table=COMMONCRAWL_RANKS.table(table),
        property=shared(),
        period=TONIGHT,
        scope=f"night={NIGHT}",
        purpose="night",
    )


def ranks(count: int) -> list[str]:
    return [
        f"{place}\t{1e7 / place:.6E}\t{count + 1 - place}\t{1 / place}\tcom.d{place}\t3"
        for place in range(1, count + 1)
    ]


def packed(lines: list[str]) -> bytes:
    return gzip.compress("".join(f"{line}\n" for line in lines).encode(), 1)


def read(
    provider: Provider, folder: Path, body: bytes, table: str, *plan: str, may_call: bool = True
) -> tuple[list[Row], dict[str, Any]]:
    """Rows and facts of reading a table with a plan."""

    def answer(asked: Asked) -> Act:
        assert asked.path == f"/projects/hyperlinkgraph/{RELEASE}/domain/{RELEASE}-domain-ranks.txt.gz"
        return Act(body, headers={"Content-Type": "application/gzip"})

    provider.answer, provider.date = answer, DATE
    with open_api(provider, folder, COMMONCRAWL_RANKS, may_call=may_call) as api:
        if may_call:
            keep_plan(api.archive, "plans.plan_linking_domain", [Ask(domain, 1.0, "links") for domain in plan], AT)
        rows = list(read_rows(api, reading_of(table)))
        check_columns(COMMONCRAWL_RANKS, table, rows)
        return rows, api.facts[NIGHT]


def test_the_domains_of_the_plan_are_found_and_the_file_is_told_of(provider: Provider, tmp_path: Path) -> None:
    body = packed([HEADER, *ranks(3_000)])
    rows, facts = read(provider, tmp_path, body, "domain_rank", "d2999.com", "d7.com", "unknown.example", "com")
    assert [(row["host_rev"], row["harmonicc_pos"], row["pr_pos"]) for row in rows] == [
        ("com.d7", 7, 2_994),
        ("com.d2999", 2_999, 2),
    ]
    assert (rows[0]["harmonicc_val"], rows[0]["pr_val"], rows[0]["n_hosts"]) == (1.428571e6, 1 / 7, 3)
    assert {(row["day"], row["observed_at"], row["release"]) for row in rows} == {(NIGHT, AT, RELEASE)}
    digest = hashlib.sha256(body).hexdigest()
    assert facts == {"line_count": 3_001, "byte_count": len(body), "sha256": digest}


@pytest.mark.parametrize("count", [1, 2, 3_000, max(place for place in GRID if place < 5_000)])
def test_positions_of_the_grid_are_kept_and_the_last(provider: Provider, tmp_path: Path, count: int) -> None:
    rows, _ = read(provider, tmp_path, packed([HEADER, *ranks(count)]), "rank_quantile", "d1777.com")
    assert [row["harmonicc_pos"] for row in rows] == sorted({*(place for place in GRID if place <= count), count})


def test_the_file_is_asked_for_once_and_never_for_a_replay(provider: Provider, tmp_path: Path) -> None:
    body = packed([HEADER, *ranks(3_000)])
    first = read(provider, tmp_path, body, "domain_rank", "d2999.com")
    read(provider, tmp_path, body, "rank_quantile", "d2999.com")
    assert read(provider, tmp_path, b"", "domain_rank", may_call=False) == first
    assert len(provider.asked) == 1


def test_the_archive_keeps_the_sieve_and_not_the_file(provider: Provider, tmp_path: Path) -> None:
    read(provider, tmp_path, packed([HEADER, *ranks(60_000)]), "domain_rank", "d2999.com")
    [kept] = [path for path in tmp_path.rglob("*.zst") if path.stem != "plan"]
    assert kept.stat().st_size < 40_000


@pytest.mark.parametrize("sizes", [[1, 2_999], [3_000], [1_000] * 3])
def test_members_and_lines_may_end_anywhere(provider: Provider, tmp_path: Path, sizes: list[int]) -> None:
    text = "\n".join([HEADER, *ranks(3_000)]).encode()
    places = [sum(sizes[:number]) * len(text) // 3_000 for number in range(len(sizes) + 1)]
    body = b"".join(gzip.compress(text[a:b]) for a, b in pairwise(places))
    rows, facts = read(provider, tmp_path, body, "domain_rank", "d3000.com")
    assert ([row["harmonicc_pos"] for row in rows], facts["line_count"]) == ([3_000], 3_001)


BROKEN = {
    "nothing": b"",
    "no file": b"<html>",
    "cut": packed([HEADER, *ranks(3_000)])[:-20],
    "empty": packed([]),
    "a short line": packed([HEADER, *ranks(9), "10\t1.0"]),
    "a long line": packed([HEADER, "x" * (MAX_LINE_BYTES + 1)]),
    "a word for a number": packed([HEADER, "one\t1.0\t1\t1.0\tcom.a\t1"]),
}


@pytest.mark.parametrize("name", BROKEN)
def test_a_broken_file_is_no_answer_and_is_not_asked_for_at_once_again(
    provider: Provider, tmp_path: Path, name: str
) -> None:
    with pytest.raises(SourceError) as raised:
        read(provider, tmp_path, BROKEN[name], "domain_rank", "d1.com")
    assert isinstance(raised.value, MalformedAnswerError)
    assert len(provider.asked) == 1


def test_a_release_that_is_not_there_says_so(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: Act(b"NoSuchKey", status=404)
    with open_api(provider, tmp_path, COMMONCRAWL_RANKS) as api:
        keep_plan(api.archive, "plans.plan_linking_domain", [], AT)
        with pytest.raises(TerminalSourceError, match=RELEASE):
            list(read_rows(api, reading_of("domain_rank")))


def test_a_column_that_nobody_documented_is_noted(provider: Provider, tmp_path: Path) -> None:
    lines = [f"{HEADER}\t#mood", *(f"{line}\tgood" for line in ranks(3))]
    _, facts = read(provider, tmp_path, packed(lines), "domain_rank", "d1.com")
    assert facts["unknown_fields"] == ["#mood"]


@pytest.mark.external
def test_published_positions_are_read_as_they_stand(provider: Provider, tmp_path: Path, shared_data: Path) -> None:
    stated = json.loads((shared_data / f"webgraph/commoncrawl_ranks/domain-{RELEASE}.json").read_text())
    body = packed(["\t".join(line) for line in (stated["header"], *stated["rows"])])
    rows, _ = read(provider, tmp_path, body, "domain_rank", "google.com", "googleapis.com")
    assert [(row["host_rev"], row["harmonicc_pos"], row["pr_pos"], row["n_hosts"]) for row in rows] == [
        ("com.googleapis", 1, 1, 2_920),
        ("com.google", 3, 2, 37_909),
    ]
    assert (rows[1]["harmonicc_val"], rows[1]["pr_val"]) == (29_660_674.0, 0.014278337189225358)


@pytest.mark.external
def test_neighbouring_releases_have_the_domains_in_common_that_they_have(
    provider: Provider, tmp_path: Path, shared_data: Path
) -> None:
    quarters = ("2025-apr-may-jun", "2025-jul-aug-sep", "2025-oct-nov-dec")
    months = ("2026-jan-feb-mar", "2026-feb-mar-apr", "2026-mar-apr-may", "2026-apr-may-jun")
    releases = []
    for name in (*quarters, *months):
        stated = json.loads((shared_data / f"webgraph/commoncrawl_ranks/domain-cc-main-{name}.json").read_text())
        sought = (".".join(reversed(line[4].split("."))) for line in stated["rows"])
        body = packed(["\t".join(line) for line in (stated["header"], *stated["rows"])])
        rows, _ = read(provider, tmp_path / name, body, "domain_rank", *sought)
        releases.append({row["host_rev"]: row for row in rows})
    google = [release["com.google"] for release in releases]
    assert [(row["harmonicc_pos"], row["pr_pos"]) for row in google] == [(3, 1)] * 4 + [(3, 2)] * 3
    common = [one.keys() & other.keys() for one, other in pairwise(releases)]
    assert [len(names) for names in common] == [717, 730, 715, 720, 839, 846]
    moved = [
        median(log(other[name]["pr_val"] / one[name]["pr_val"]) for name in names)
        for names, (one, other) in zip(common, pairwise(releases), strict=True)
    ]
    assert moved == pytest.approx([-0.0780, 0.1908, 0.0521, 0.0094, 0.0376, -0.0572], abs=5e-5)
