"""One panel told twice, as nightly reads and as dropped files, gives the same rows of all that is said of links."""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import UTC, datetime, time
from itertools import groupby
from operator import itemgetter
from typing import Any

import pytest

from seo_warehouse.demo.knobs import PanelKnobs
from seo_warehouse.demo.panel import make_panel
from seo_warehouse.demo.panel_links import LOST, NOFOLLOW
from seo_warehouse.demo.panel_links import START as STARTED
from seo_warehouse.embedded.postgres import Postgres
from seo_warehouse.exports.looks import facts_of
from seo_warehouse.steps import drop as dropped
from seo_warehouse.steps.effect import estimate_effects
from tests.effect import tables
from tests.exports.files import part_of, rows_of
from tests.steps.dropping import NIGHT, Shop, open_shop
from tests.warehouse.links import day, events, item, publish_night
from tests.warehouse.ranks import HOST, Outcome, publish_checks, publish_crawl
from tests.warehouse.world import DATABASE, Warehouse

WEEKLY_READS, WHOLE_FILES, NIGHTLY_READS, STATED_FILES, PARTS_OF_FILES, LATE, PANEL_READS, PANEL_FILES = range(1, 9)
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
    authority: int = 300
    anchor: str = "words"

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
    told = item(link.name, first=link.first, seen=seen, before=before, rel=link.rel, target=target, lost=is_lost)
    return told | {"anchor": link.anchor, "domain_from_rank": link.authority}


def tell_reads(w: Warehouse, key: int, full: Iterable[int]) -> None:
    """Nights of checks and of links: all of them on `full` nights, on others what is new and what is lost."""
    for night in range(LAST + 1):
        publish_checks(w, key, night, {path: (path, outcome(path, night)) for path in PAGES}, DEPTH)
        tell_links(w, key, night, LINKS, is_full=night in full)


def tell_links(w: Warehouse, key: int, night: int, links: Iterable[Link], *, is_full: bool) -> None:
    """A night of links."""
    gone = [to_item(link, night, is_lost=True) for link in links if link.lost == night]
    if is_full:
        publish_night(w, key, night, full=[*(to_item(k, night) for k in links if k.is_live(night)), *gone])
    else:
        new = [to_item(link, night) for link in links if link.first == night]
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


def ahrefs(night: int, links: Iterable[Link] = LINKS) -> str:
    """The same as Ahrefs exports it."""
    return _csv(
        {
            "Referring page title": "",
            "Referring page URL": f"https://www.{link.name}.example/post",
            "Domain rating": link.authority // 10,
            "UR": 12,
            "Target URL": HOST + link.path,
            "Anchor": link.anchor,
            "Type": "text",
            "Nofollow": str("nofollow" in link.rel).lower(),
            "UGC": str("ugc" in link.rel).lower(),
            "Sponsored": "false",
            "First seen": f"{day(link.first)} 01:00:00",
            "Last seen": f"{day(link.visit(night if link.is_live(night) else link.lost or 0))} 01:00:00",
            "Lost": "" if link.is_live(night) else f"{day(link.lost or 0)} 01:00:00",
        }
        for link in links
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


PANEL = make_panel(
    5,
    PanelKnobs(
        pages=200, keywords=1, days=169, topics=3, check_every=7, gain_rate=0.004, loss_rate=0.001, restore_rate=0.0,
        repeat_share=0.0, unknown_share=0.0, uncertain_share=0.0, start_links=0.5, burst_share=0.0, edit_days=600.0,
    ),
)  # fmt: skip
"""About 30 links of which each can be judged. Domains come once, and a vendor of files tells a rel of every link."""
NIGHTS = range(PANEL.knobs.days)
TOPICS = ("pans", "pots", "lids")


def path_of(page: int) -> str:
    """The path of a page of the panel, which says its topic by a number."""
    return f"/p{PANEL.topic[page]}/{page}"


def panel_links() -> list[Link]:
    """The links of the panel, each from its first sight to its loss."""
    told = PANEL.links
    found: dict[int, Link] = {}
    for no in range(told.kind.size):
        number, night, kind = int(told.link[no]), int(told.seen_day[no]), int(told.kind[no])
        if kind == LOST:
            found[number] = replace(found[number], lost=night)
            continue
        found[number] = Link(
            f"site{told.domain[no]}",
            path_of(told.page[no]),
            -90 if kind == STARTED else night,
            rel=("nofollow",) if told.rel_class[no] == NOFOLLOW else (),
            # Ahrefs counts to 100, in whole numbers.
            authority=int(told.authority[no]) // 10 * 10,
            anchor=f"keyword {told.page[no] + 1}" if number % 3 else "words",
        )
    # Of one that came and went within a night a pull of what is new and one of what is lost say different things.
    return [link for link in found.values() if link.lost != link.first]


def tell_panel_by_reads(w: Warehouse) -> None:
    """Positions and links as their APIs tell them, edits as crawls see them, the rest as properties.yml states it."""
    w.add_property(PANEL_READS, "shop.example", depth=PANEL.knobs.depth)
    for number, topic in enumerate(TOPICS):
        w.add_topic(PANEL_READS, number, f"^/p{number}/", topic)
    for row in tables.keyword_rows(PANEL):
        w.add_keyword(PANEL_READS, row["keyword"], HOST + path_of(row["page_key"] - 1))
    told = {"not_found": "absent", "truncated": "cut", "failed": "failed"}
    for on, checks in groupby(tables.check_rows(PANEL), key=itemgetter("day")):
        found = {
            f"keyword {row['keyword_key']}": (
                path_of((row["ranking_page_key"] or 1) - 1), row["position"] or told[row["state"]]
            )
            for row in checks
        }  # fmt: skip
        publish_checks(w, PANEL_READS, (on - day(0)).days, found, PANEL.knobs.depth)
    links = panel_links()
    # A change is what differs from the crawl before.
    edited = [set(PANEL.edits.page[PANEL.edits.day == night].tolist()) for night in (*NIGHTS, NIGHTS.stop)]
    edits = [0] * PANEL.knobs.pages
    for night in NIGHTS:
        tell_links(w, PANEL_READS, night, links, is_full=night % 28 == 0)
        for page in edited[night]:
            edits[page] += 1
        crawled = range(PANEL.knobs.pages) if night in (0, NIGHTS[-1]) else edited[night] | edited[night + 1]
        if crawled:
            publish_crawl(w, PANEL_READS, night, {path_of(page): str(edits[page]) for page in crawled})


FILED = {
    "key": PANEL_FILES, "name": "shop", "domain": "shop.example", "history_start": f"{day(0)}",
    "panel": {"depth": PANEL.knobs.depth},
    "sources": {"exports": {"backlinks": {"whole_since": f"{day(0)}", "cadence_days": 7}}},
}  # fmt: skip
"""What properties.yml states where files tell all else."""
MODELS = (
    *("+rpt_link_contribution", "+fct_link_effect_page", "+int_effect__cross_arms", "+int_effect__cross_weeks"),
    *("+int_effect__measure_spills", "+int_effect__weigh_exposures", "+int_effect__count_dropped"),
)
ESTIMATED = ("rpt_link_effect", "rpt_link_effect_check")


def drop_panel(shop: Shop) -> None:
    """The same as five kinds of files."""
    rankings = (
        {"checked_on": row["day"], "keyword": f"keyword {row['keyword_key']}", "engine": "google", "country": "US"}
        | {"language": "en", "device": "desktop", "depth": row["depth"], "state": row["state"]}
        | ({"position": row["position"], "url": HOST + path_of(row["ranking_page_key"] - 1)} if row["position"] else {})
        for row in tables.check_rows(PANEL)
    )
    names = ("checked_on", "keyword", "engine", "country", "language", "device", "state", "position", "url", "depth")
    urls = [HOST + path_of(page) for page in range(PANEL.knobs.pages)]
    keywords = ((row["keyword"], urls[row["page_key"] - 1]) for row in tables.keyword_rows(PANEL))
    edits = sorted(zip(PANEL.edits.page.tolist(), PANEL.edits.day.tolist(), strict=True))
    first, last = (f"{day(night)}T08:00:00+00:00" for night in (0, NIGHTS[-1]))
    for name, content in {
        "rankings.csv": _csv(rankings, names),
        "keywords.csv": _csv({"keyword": keyword, "page_url": url} for keyword, url in keywords),
        "pages.csv": _csv({"url": url, "topic": TOPICS[PANEL.topic[page]]} for page, url in enumerate(urls)),
        "page_changes.csv": _csv({"url": urls[page], "changed_on": day(on), "kind": "text"} for page, on in edits),
    }.items():
        shop.drop(name, content, first if name in ("keywords.csv", "pages.csv") else last)
    links = panel_links()
    for night in NIGHTS[::28]:
        written_at = f"{day(night)}T08:00:00+00:00"
        shop.drop(f"shop.example-backlinks_{day(night)}.csv", ahrefs(night, links), written_at)


@pytest.fixture(scope="module")
def told(warehouse: Warehouse, postgres: Postgres, tmp_path_factory: pytest.TempPathFactory) -> Warehouse:
    """The panels in all their tellings, modelled in one run, and what is estimated of them."""
    shop = open_shop(tmp_path_factory.mktemp("home"), postgres.dsn(DATABASE), json.dumps({"properties": [FILED]}))
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
    tell_panel_by_reads(warehouse)
    drop_panel(shop)
    dropped.ingest(shop.wh, "exports", "shop", NIGHT, shop.say)
    warehouse.build(*MODELS)
    estimate_effects(shop.wh)
    warehouse.dbt("run", "--select", *ESTIMATED)
    return warehouse


LINKS_OWN = ("event_key", "link_key", "event_keys")
"""Keys of links and events, which are each property's own."""


def rows(
    w: Warehouse, key: int, table: str, about: tuple[str, ...], own: tuple[str, ...] = ()
) -> dict[tuple[Any, ...], dict[str, Any]]:
    """Rows of a property by what they are about, without what is `own` of each telling."""
    found = w.rows(
        f"""
        select c.*{", e.source_url, e.literal_target_url, e.event_type, e.event_date" if "source_url" in about else ""}
        from marts.{table} as c
        {"join marts.fct_link_event as e using (property_key, event_key)" if "source_url" in about else ""}
        where c.property_key = %s
        """,
        key,
    )
    left = {"property_key", *LINKS_OWN, *own}
    by = {tuple(row[name] for name in about): {n: v for n, v in row.items() if n not in left} for row in found}
    assert len(by) == len(found)
    return by


def expect_same(got: dict[tuple[Any, ...], dict[str, Any]], expected: dict[tuple[Any, ...], dict[str, Any]]) -> None:
    """The same rows, figures to 1e-9."""
    assert got.keys() == expected.keys()
    for about, row in expected.items():
        figures = {name: value for name, value in row.items() if isinstance(value, float)}
        assert {name: got[about][name] for name in figures} == pytest.approx(figures, abs=1e-9, rel=0), about
        assert {**got[about], **figures} == row, about


LINK = ("source_url", "literal_target_url", "event_type", "event_date")
CHANGE = (*LINK, "keyword_key", "locale", "device", "window_name")


@pytest.mark.parametrize(
    ("files", "reads"), [(WHOLE_FILES, WEEKLY_READS), (STATED_FILES, NIGHTLY_READS)], ids=["named", "stated"]
)
def test_files_give_the_rows_that_nightly_reads_give(told: Warehouse, files: int, reads: int) -> None:
    got, expected = (rows(told, key, "fct_link_rank_change", CHANGE) for key in (files, reads))
    judged = [row for row in expected.values() if row["reason"] is None and row["window_name"] == "headline"]
    assert {row["event_type"] for row in judged} == {"acquired", "lost"}
    reasons = {row["reason"] for row in expected.values()}
    assert reasons >= {None, "short_history", "other_link", "future_incomplete", "no_controls"}
    expect_same(got, expected)


UNWATCHED = ("is_onpage_unknown", "onpage_unknown_count")
"""A file of changes tells of no day on which a page stayed as it was; crawls do."""
ANSWERED = (
    *("origin", "observed_at", "location_code", "language_code", "absolute_position", "usual_page_source"),
    *("item_types", "own_element_types", "failure"),
)
"""What a result page tells beside the position."""


@pytest.mark.parametrize(
    ("table", "about", "own"),
    [
        ("fct_serp_position", ("day", "keyword_key", "device"), ANSWERED),
        ("fct_link_rank_change", CHANGE, UNWATCHED),
        ("fct_link_effect_cell", ("cell_key", "sample_no", "arm", "cut", "level"), UNWATCHED),
        ("fct_link_effect_page", ("panel", "cut", "level", "arm", "sample_no", "page_key"), ()),
        ("rpt_link_contribution", (*LINK, "panel"), ()),
        ("rpt_link_effect", ("panel", "cut", "level", "arm", "outcome", "window_name", "weighting"), UNWATCHED),
        ("rpt_link_effect_check", ("panel", "check_name"), ()),
    ],
)
def test_files_of_a_panel_give_the_rows_that_its_nightly_reads_give(
    told: Warehouse, table: str, about: tuple[str, ...], own: tuple[str, ...]
) -> None:
    got, expected = (rows(told, key, table, about, own) for key in (PANEL_FILES, PANEL_READS))
    assert len(expected) > 5
    expect_same(got, expected)


def test_links_of_exports_that_are_not_known_to_be_whole_are_not_judged(told: Warehouse) -> None:
    found = rows(told, PARTS_OF_FILES, "fct_link_rank_change", CHANGE).values()
    assert {(row["event_type"], row["reason"]) for row in found} == {
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
