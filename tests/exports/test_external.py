"""The real files: what is read of them against what plain csv and json say."""

from __future__ import annotations

import csv
import json
from datetime import UTC, date, datetime
from pathlib import Path

import pytest

from seo_warehouse.exports.forms import read, recognise

pytestmark = pytest.mark.external
WRITTEN = datetime(2026, 11, 22, tzinfo=UTC)


def test_a_real_export_of_latest_links(shared_data: Path) -> None:
    path = shared_data / "rankings" / "gsc_latest_links_johnmurch_2020-07-15.csv"
    (part,) = recognise(path.name, lambda: path.open("rb"), WRITTEN)
    with path.open(encoding="utf-8", newline="") as file:
        expected = [(line["Linking page"], line["Last crawled"]) for line in csv.DictReader(file)]
    rows = list(read(path.name, lambda: path.open("rb"), part))
    assert [(row["source_url"], row["last_seen"].isoformat()) for row in rows] == expected
    assert (part.refused_count, part.row_count, part.notes) == (0, 18, ())
    assert {row["day"] for row in rows} == {date(2020, 7, 15)}


def test_a_real_crawl_of_screaming_frog(shared_data: Path) -> None:
    path = shared_data / "crawl_exports" / "screaming_frog_internal_all_cilium_2025-08-10.csv"
    (part,) = recognise(path.name, lambda: path.open("rb"), WRITTEN)
    with path.open(encoding="utf-8-sig", newline="") as file:
        expected = list(csv.DictReader(file))
    rows = list(read(path.name, lambda: path.open("rb"), part))
    assert (part.refused_count, part.notes) == (0, ())
    assert len(rows) == len(expected) == 215
    for row, line in zip(rows, expected, strict=True):
        assert row["url"] == line["Address"]
        assert row["status_code"] == int(line["Status Code"])
        assert row["day"].isoformat() == line["Crawl Timestamp"][:10]
        assert row["response_seconds"] == float(line["Response Time"])
        for name, heading in (("word_count", "Word Count"), ("inlinks", "Inlinks"), ("size_bytes", "Size (bytes)")):
            assert row[name] == (int(line[heading]) if line[heading] else None), heading
        for name, heading in (
            ("title", "Title 1"),
            ("canonical_url", "Canonical Link Element 1"),
            ("redirect_url", "Redirect URL"),
            ("indexability_status", "Indexability Status"),
            ("content_hash", "Hash"),
        ):
            assert row[name] == (line[heading].strip() or None), heading


def test_a_real_answer_of_dataforseo_labs(shared_data: Path) -> None:
    path = shared_data / "api_responses" / "dataforseo" / "labs_ranked_keywords_live_20220225.json"
    (part,) = recognise(path.name, lambda: path.open("rb"), WRITTEN)
    items = json.loads(path.read_text(encoding="utf-8"))["tasks"][0]["result"][0]["items"]
    expected = {
        (
            item["keyword_data"]["keyword"],
            item["ranked_serp_element"]["serp_item"]["rank_group"],
            item["ranked_serp_element"]["serp_item"]["url"],
            item["ranked_serp_element"]["last_updated_time"][:10],
        )
        for item in items
        if item["ranked_serp_element"]["serp_item"]["type"] == "organic"
    }
    rows = list(read(path.name, lambda: path.open("rb"), part))
    assert {(row["keyword"], row["position"], row["url"], row["day"].isoformat()) for row in rows} == expected
    assert len(rows) == part.row_count == 96
    assert part.exported_at == datetime(2022, 2, 25, tzinfo=UTC)
    assert {(row["engine"], row["country"], row["language"], row["depth"], row["state"]) for row in rows} == {
        ("google", "US", "en", 100, "found")
    }
