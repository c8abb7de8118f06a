"""One panel told twice, as nightly reads and as dropped files, gives the same rows of rank changes."""

from __future__ import annotations

import csv
import io
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, time
from itertools import groupby
from operator import itemgetter
from typing import Any

import pytest

from seo_warehouse.exports.looks import facts_of
from tests.exports.files import part_of, rows_of
from tests.warehouse.links import day, events, item, publish_night
from tests.warehouse.ranks import HOST, Outcome, publish_checks
from tests.warehouse.world import Warehouse

WEEKLY_READS, WHOLE_FILES, NIGHTLY_READS, STATED_FILES, PARTS_OF_FILES, LATE = range(1, 7)
LAST, DEPTH = 112, 10
WEEKS, MONTHS = range(0, LAST + 1, 7), range(0, LAST + 1, 28)
PAGES = ("/pans/a", "/pans/b", "/pans/c", "/pans/d", "/pots/a", "/pots/b", "/pots/c", "/lids/a")


@dataclass(frozen=True)
class Link:
    """A link as its vendor knows it: `first` and `lost` are nights on which it says that it came and went."""

    name: str
    path: str
    first: int
    rel: tuple[str, ...] = ()
    lost: int | None = None

    def is_live(self, night: int) -> bool:
        return self.first <= night and (self.lost is None or night < self.lost)

    def visit(self, night: int) -> int:
        """The vendor's last visit before a night, two days apart."""
        return self.first + max(night - 1 - self.first, 0) // 2 * 2


LINKS = (
    *(Link(f"old{number}", path, -90) for number, path in enumerate(PAGES)),
    # Judged, followed and not.
    Link("a", "/pans/a", 64),
    Link("b", "/pans/b", 66, rel=("nofollow",)),
    # Two of one page within five weeks.
    Link("c", "/pots/a", 60),
    Link("d", "/pots/a", 75, rel=("ugc",)),
    # A loss, alone on its page.
    Link("e", "/pans/c", -80, lost=70),
    # Too early, too late, and without a page beside its own.
    Link("f", "/pots/b", 30),
    Link("g", "/pots/c", 90),
    Link("h", "/lids/a", 65),
)


def outcome(path: str, night: int) -> Outcome:
    """What the check of a page's keyword says."""
    number = PAGES.index(path)
    if (night * 7 + number * 5) % 31 == 0:
        return "absent"
    gain = 2 if path in ("/pans/a", "/pots/a") and night >= 64 else 0
    return 5 + (night * 3 + number * 11) % 4 - gain


def to_item(link: Link, night: int, *, is_lost: bool = False) -> dict[str, Any]:
    seen, before = (link.lost, link.visit(link.lost or 0)) if is_lost else (link.visit(night), None)
    target = HOST + link.path
    return item(link.name, first=link.first, seen=seen, before=before, rel=link.rel, target=target, lost=is_lost)


def tell_reads(w: Warehouse, key: int, full: Iterable[int]) -> None:
    """Nights of checks and of links: all of them on `full` nights, on others what is new and what is lost."""
    for night in range(LAST + 1):
        publish_checks(w, key, night, {path: (path, outcome(path, night)) for path in PAGES}, DEPTH)
        gone = [to_item(link, night, is_lost=True) for link in LINKS if link.lost == night]
        if night in full:
            publish_night(w, key, night, full=[*(to_item(k, night) for k in LINKS if k.is_live(night)), *gone])
        else:
            new = [to_item(link, night) for link in LINKS if link.first == night]
            publish_night(w, key, night, new=new, lost=gone)


def rankings() -> str:
    """The same checks as one file."""
    checks = (
        {"checked_on": day(night), "keyword": path, "engine": "google", "country": "US", "language": "en"}
        | {"device": "desktop", "depth": DEPTH}
        | (
            {"state": "found", "position": said, "url": HOST + path}
            if isinstance(said, int)
            else {"state": "not_found"}
        )
        for night in range(LAST + 1)
        for path in PAGES
        for said in [outcome(path, night)]
    )
    return _csv(
        checks,
        ("checked_on", "keyword", "engine", "country", "language", "device", "state", "position", "url", "depth"),
    )


def own_list(night: int) -> str:
    """All links of a night, as a list of one's own; and those that were lost since the list before."""
    return _csv(
        {
            "source_url": f"https://www.{link.name}.example/post",
            "target_url": HOST + link.path,
            "anchor": "words",
            "rel": " ".join(link.rel) or "followed",
            "first_seen": day(link.first),
            "last_seen": day(link.visit(night if link.is_live(night) else link.lost or 0)),
            "lost_on": "" if link.is_live(night) else day(link.lost or 0),
        }
        for link in LINKS
        if link.first <= night
    )  # fmt: skip


def ahrefs(night: int) -> str:
    """The same as Ahrefs exports it."""
    return _csv(
        {
            "Referring page title": "Ten pans",
            "Referring page URL": f"https://www.{link.name}.example/post",
            "Domain rating": 30,
            "UR": 12,
            "Target URL": HOST + link.path,
            "Anchor": "words",
            "Type": "text",
            "Nofollow": str("nofollow" in link.rel).lower(),
            "UGC": str("ugc" in link.rel).lower(),
            "Sponsored": "false",
            "First seen": f"{day(link.first)} 01:00:00",
            "Last seen": f"{day(link.visit(night if link.is_live(night) else link.lost or 0))} 01:00:00",
            "Lost": "" if link.is_live(night) else f"{day(link.lost or 0)} 01:00:00",
        }
        for link in LINKS
        if link.first <= night
    )


def _csv(rows: Iterable[Mapping[str, Any]], names: Iterable[str] | None = None) -> str:
    found = list(rows)
    text = io.StringIO()
    writer = csv.DictWriter(text, names or list(found[0]))
    writer.writeheader()
    writer.writerows(found)
    return text.getvalue()


def drop(w: Warehouse, key: int, name: str, content: str, night: int) -> None:
    """Publish what a file says, as a merge leaves it."""
    written_at = datetime.combine(day(night), time(8), UTC)
    part = part_of(name, content, written_at)
    facts = facts_of(part, name)
    rows = [
        {column: list(value) if isinstance(value, tuple) else value for column, value in row.items()}
        for row in sorted(rows_of(name, content, written_at), key=itemgetter("day"))
    ]
    for told, of_day in groupby(rows, key=itemgetter("day")):
        w.publish("exports", part.table, key, told, list(of_day), part=part.part, **facts.get(told, {}))


def tell_files(w: Warehouse, key: int, files: Mapping[int, tuple[str, str]]) -> None:
    """The checks in one file, and by night a file of links."""
    drop(w, key, "rankings.csv", rankings(), LAST)
    for night, (name, content) in files.items():
        drop(w, key, name, content, night)


def drop_undated(w: Warehouse, night: int, names: str) -> None:
    """All links of a night, of which nobody knows since when they are there."""
    rows = [{"source_url": f"https://www.{name}.example/post", "target_url": f"{HOST}/pans/a"} for name in names]
    drop(w, LATE, f"backlinks-whole-{day(night)}.csv", _csv(rows), night)


@pytest.fixture(scope="module")
def told(warehouse: Warehouse) -> Warehouse:
    """The panel in all its tellings, modelled in one run."""
    stated = {"links_whole_since": day(0), "link_cadence_days": 7}
    for key in range(1, 7):
        warehouse.add_property(key, "shop.example", depth=DEPTH, **(stated if key == STATED_FILES else {}))
        for path in PAGES:
            warehouse.add_keyword(key, path, HOST + path)
    tell_reads(warehouse, WEEKLY_READS, WEEKS)
    tell_files(warehouse, WHOLE_FILES, {n: (f"backlinks-whole-{day(n)}.csv", own_list(n)) for n in WEEKS})
    tell_reads(warehouse, NIGHTLY_READS, MONTHS)
    tell_files(warehouse, STATED_FILES, {n: (f"shop.example-backlinks_{day(n)}.csv", ahrefs(n)) for n in MONTHS})
    tell_files(warehouse, PARTS_OF_FILES, {n: (f"shop.example-backlinks_{day(n)}.csv", ahrefs(n)) for n in MONTHS})
    drop_undated(warehouse, 0, "a")
    drop_undated(warehouse, 14, "ab")
    drop_undated(warehouse, 42, "b")
    warehouse.build("+rpt_link_contribution")
    return warehouse


def changes(w: Warehouse, key: int) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Rows of rank changes of a property by what they are about; keys of links and events are each property's own."""
    rows = w.rows(
        """
        select c.*, e.source_url, e.literal_target_url
        from marts.fct_link_rank_change as c
        join marts.fct_link_event as e using (property_key, event_key)
        where c.property_key = %s
        """,
        key,
    )
    about = (
        "source_url",
        "literal_target_url",
        "event_type",
        "event_date",
        "keyword_key",
        "locale",
        "device",
        "window_name",
    )
    own = {"property_key", "event_key", "link_key"}
    found = {tuple(row[name] for name in about): {n: v for n, v in row.items() if n not in own} for row in rows}
    assert len(found) == len(rows)
    return found


@pytest.mark.parametrize(
    ("files", "reads"), [(WHOLE_FILES, WEEKLY_READS), (STATED_FILES, NIGHTLY_READS)], ids=["named", "stated"]
)
def test_files_give_the_rows_that_nightly_reads_give(told: Warehouse, files: int, reads: int) -> None:
    got, expected = changes(told, files), changes(told, reads)
    judged = [row for row in expected.values() if row["reason"] is None and row["window_name"] == "headline"]
    assert {row["event_type"] for row in judged} == {"acquired", "lost"}
    reasons = {row["reason"] for row in expected.values()}
    assert reasons >= {None, "short_history", "other_link", "future_incomplete", "no_controls"}
    assert got.keys() == expected.keys()
    for about, row in expected.items():
        figures = {name: value for name, value in row.items() if isinstance(value, float)}
        assert {name: got[about][name] for name in figures} == pytest.approx(figures, abs=1e-9, rel=0), about
        assert {**got[about], **figures} == row, about


def test_links_of_exports_that_are_not_known_to_be_whole_are_not_judged(told: Warehouse) -> None:
    rows = changes(told, PARTS_OF_FILES).values()
    assert {(row["event_type"], row["reason"]) for row in rows} == {
        ("acquired", "uncertain_date"),
        ("lost", "short_history"),
    }


def test_a_whole_export_that_comes_late_tells_of_links_that_it_lacks(told: Warehouse) -> None:
    before = [("present_at_start", "a", None, None, None), ("acquired", "b", 14, 0, 14)]
    # One absence proves nothing.
    assert events(told, LATE) == before
    drop_undated(told, 28, "b")
    told.build("+fct_link_event")
    assert events(told, LATE) == [*before, ("lost", "a", 28, 14, 14)]
