"""What happened to single pages: their positions, links, own changes, and Google's updates meanwhile."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from itertools import pairwise
from typing import Any

import psycopg
from psycopg.rows import dict_row

from seo_warehouse.report.facts import Facts
from seo_warehouse.report.querying import has_tables
from seo_warehouse.report.words import count_of

SHOWN_PAGES = 12
SHOWN_SERIES = 6
"""Lines of one picture: more cannot be told apart."""
SHOWN_MARKS = 300
"""Link events, and changes, of one page."""
SHOWN_DAYS = 400
DAYS_BEFORE = 28
"""Before the first check of a page: what came earlier is beside no position."""


@dataclass(frozen=True)
class Point:
    """A check that measured: a position, or an absence down to the panel's depth."""

    day: date
    position: int | None


@dataclass(frozen=True)
class Series:
    """The checks of one keyword on one device. `gap` is the usual distance of two checks, in days."""

    keyword: str
    device: str
    locale: str
    points: tuple[Point, ...]
    gap: int = 1

    @property
    def runs(self) -> Iterator[list[Point]]:
        """Positions without a missing check between them; an absence or a missing check ends a run."""
        run: list[Point] = []
        for point in self.points:
            if run and (point.position is None or (point.day - run[-1].day).days > self.gap):
                yield run
                run = []
            if point.position is not None:
                run.append(point)
        if run:
            yield run

    @property
    def absences(self) -> list[date]:
        """Days on which the site was not found down to the panel's depth."""
        return [point.day for point in self.points if point.position is None]


@dataclass(frozen=True)
class LinkMark:
    """A link that came or went. `is_followed` is None where rel is not known."""

    day: date
    event_type: str
    is_followed: bool | None
    source_domain: str | None
    source_url: str | None
    anchor: str | None

    @property
    def is_gain(self) -> bool:
        """It came, or came back."""
        return self.event_type != "lost"

    @property
    def kind(self) -> str:
        """What it was, in words."""
        rel = {True: "followed", False: "nofollow", None: "rel unknown"}[self.is_followed]
        return f"{ {'acquired': 'gained', 'restored': 'back'}.get(self.event_type, self.event_type) }, {rel}"


@dataclass(frozen=True)
class Change:
    """A change of the page itself."""

    day: date
    what: str


@dataclass(frozen=True)
class Update:
    """An update or incident of Google's ranking."""

    name: str
    begins_on: date
    ends_on: date


@dataclass(frozen=True)
class Timeline:
    """One page over time."""

    page_key: int
    url: str
    title: str | None
    first_day: date
    last_day: date
    depth: int
    judged_count: int
    series: tuple[Series, ...]
    links: tuple[LinkMark, ...]
    changes: tuple[Change, ...]
    updates: tuple[Update, ...]

    @property
    def summary(self) -> str:
        """What a picture of it shows, in words."""
        gained = sum(mark.is_gain for mark in self.links)
        return (
            f"{count_of(len(self.series), 'line')} of positions, {count_of(gained, 'link')} gained, "
            f"{len(self.links) - gained} lost, {count_of(len(self.changes), 'change')} of the page, "
            f"{count_of(len(self.updates), 'Google update')}, from {self.first_day} to {self.last_day}"
        )


PAGES = """
with checked as (
    select distinct usual_page_key as page_key from marts.fct_serp_position
    where property_key = %(key)s and day > %(after)s and usual_page_key is not null
), judged as (
    {judged}
), events as (
    select page_key, count(*) as n, max(event_date) as last_date from marts.fct_link_event
    where property_key = %(key)s and event_type in ('acquired', 'lost', 'restored') and evidence <> 'refuted'
      and event_date > %(after)s
    group by page_key
)
select page_key, left(p.url, 2000) as url, coalesce(j.n, 0) as judged_count
from events as e join checked using (page_key) join marts.dim_page as p using (page_key)
left join judged as j using (page_key)
where p.property_key = %(key)s
order by coalesce(j.n, 0) desc, e.last_date desc, e.n desc, page_key
limit %(pages)s
"""
JUDGED = """select page_key, count(*) as n from marts.rpt_link_contribution
    where property_key = %(key)s and panel = %(panel)s and reason is null group by page_key"""
NONE_JUDGED = "select null::bigint as page_key, 0 as n where false"
POSITIONS = """
with checks as (
    select usual_page_key as page_key, keyword_key, engine, locale, device, day,
           case when position <= %(depth)s then position end as position
    from marts.fct_serp_position
    where property_key = %(key)s and day > %(after)s and usual_page_key = any(%(page_keys)s)
      and state in ('found', 'not_found') and coalesce(depth, 0) >= %(depth)s
), ranks as (
    select page_key, keyword_key, engine, locale, device,
           row_number() over (partition by page_key order by count(*) desc, keyword_key, device, locale, engine) as no
    from checks group by 1, 2, 3, 4, 5
)
select c.page_key, r.no, left(k.keyword, 200) as keyword, c.device, c.locale, c.day, c.position
from checks as c join ranks as r using (page_key, keyword_key, engine, locale, device)
join marts.dim_keyword as k on k.property_key = %(key)s and k.keyword_key = c.keyword_key
where r.no <= %(series)s
order by c.page_key, r.no, c.day
"""
LINKS = """
select * from (
    select page_key, event_date as day, event_type, is_followed, left(source_domain, 300) as source_domain,
           left(source_url, 2000) as source_url, left(anchor, 500) as anchor,
           row_number() over (partition by page_key order by event_date desc, event_key) as no
    from marts.fct_link_event
    where property_key = %(key)s and page_key = any(%(page_keys)s) and event_date > %(after)s
      and event_type in ('acquired', 'lost', 'restored') and evidence <> 'refuted'
) as e where no <= %(marks)s order by page_key, day, no desc
"""
CHANGES = """
select page_key, day, left(string_agg(distinct what, ', ' order by what), 200) as what from (
    select page_key, day, unnest(array_remove(array[
        case when is_title_changed then 'title' end, case when is_content_changed then 'content' end,
        case when is_canonical_changed then 'canonical' end, case when is_status_changed then 'status' end,
        case when is_structured_data_changed then 'structured data' end,
        case when is_indexability_changed then 'indexability' end], null) || array['page']) as what
    from marts.fct_page_crawl
    where property_key = %(key)s and page_key = any(%(page_keys)s) and day > %(after)s and is_onpage_changed
    union all
    select page_key, day, kind from marts.fct_page_change
    where property_key = %(key)s and page_key = any(%(page_keys)s) and day > %(after)s
) as c group by page_key, day order by page_key, day limit %(marks)s * %(pages)s
"""
TITLES = """
select distinct on (page_key) page_key, left(title, 2000) as title from marts.fct_page_crawl
where property_key = %(key)s and page_key = any(%(page_keys)s) and title is not null and day > %(after)s
order by page_key, day desc
"""
UPDATES = """
select left(update_name, 200) as name, begins_on, least(coalesce(ends_on, %(last)s), %(last)s) as ends_on
from marts.dim_google_update
where is_confounder and begins_on <= %(last)s and coalesce(ends_on, %(last)s) > %(after)s
order by begins_on, name limit 100
"""
NEEDED = ("fct_serp_position", "fct_link_event", "fct_page_crawl", "fct_page_change", "dim_google_update", "dim_page")


def read_timelines(connection: psycopg.Connection[Any], facts: Facts) -> tuple[Timeline, ...]:
    """The pages with the most judged links, then those with the newest: `SHOWN_PAGES` and `SHOWN_DAYS` at most."""
    if facts.last_day is None or not has_tables(connection, *NEEDED):
        return ()
    after = facts.last_day - timedelta(days=SHOWN_DAYS)
    which: dict[str, Any] = {
        "key": facts.property_key, "panel": facts.panel, "after": after, "last": facts.last_day,
        "pages": SHOWN_PAGES, "series": SHOWN_SERIES, "marks": SHOWN_MARKS, "depth": _depth(connection, facts),
    }  # fmt: skip
    judged = JUDGED if has_tables(connection, "rpt_link_contribution") else NONE_JUDGED
    with connection.cursor(row_factory=dict_row) as cursor:
        pages = cursor.execute(PAGES.format(judged=judged), which).fetchall()
        which["page_keys"] = [page["page_key"] for page in pages]
        links, changes = (_grouped(cursor.execute(query, which)) for query in (LINKS, CHANGES))
        titles = {row["page_key"]: row["title"] for row in cursor.execute(TITLES, which)}
        updates = [Update(**row) for row in cursor.execute(UPDATES, which)]
        series = _read_series(cursor.execute(POSITIONS, which))
    return tuple(
        _compose(
            page, titles, series[page["page_key"]], links[page["page_key"]], changes[page["page_key"]], updates, which
        )
        for page in pages
    )


def _compose(
    page: dict[str, Any],
    titles: dict[int, str],
    series: list[Series],
    links: list[dict[str, Any]],
    changes: list[dict[str, Any]],
    updates: list[Update],
    which: dict[str, Any],
) -> Timeline:
    marks = tuple(LinkMark(**{name: row[name] for name in LinkMark.__dataclass_fields__}) for row in links)
    edits = tuple(Change(row["day"], _kinds(row["what"])) for row in changes)
    checked = [point.day for line in series for point in line.points]
    if checked:
        since = min(checked) - timedelta(days=DAYS_BEFORE)
        marks, edits = (tuple(m for m in marks if m.day >= since), tuple(e for e in edits if e.day >= since))
    days = checked + [m.day for m in marks] + [e.day for e in edits]
    first, last = min(days, default=which["last"]), max((*days, which["last"]))
    seen = tuple(u for u in updates if u.ends_on >= first and u.begins_on <= last)
    key = page["page_key"]
    return Timeline(
        key, page["url"], titles.get(key), first, last, which["depth"], page["judged_count"],
        tuple(series), marks, edits, seen,
    )  # fmt: skip


def _kinds(what: str) -> str:
    """The kinds of a change; `page` stands for one that has no kind of its own."""
    kinds = [kind for kind in what.split(", ") if kind != "page"]
    return ", ".join(kinds) or "page"


def _read_series(rows: Iterable[dict[str, Any]]) -> dict[int, list[Series]]:
    found: dict[tuple[Any, ...], list[Point]] = defaultdict(list)
    for row in rows:
        name = (row["page_key"], row["no"], row["keyword"], row["device"], row["locale"])
        found[name].append(Point(row["day"], row["position"]))
    series: dict[int, list[Series]] = defaultdict(list)
    for (page_key, _, keyword, device, locale), points in found.items():
        series[page_key].append(Series(keyword, device, locale, tuple(points), usual_gap(points)))
    return defaultdict(list, {page_key: _by_keyword(lines) for page_key, lines in series.items()})


def _by_keyword(lines: list[Series]) -> list[Series]:
    keywords = [line.keyword for line in lines]
    return sorted(lines, key=lambda line: (keywords.index(line.keyword), line.device, line.locale))


def usual_gap(points: list[Point]) -> int:
    """The most frequent distance of two checks in days, the smallest of equals; 1 where there are no two."""
    gaps = [(b.day - a.day).days for a, b in pairwise(points)]
    return max(sorted(set(gaps)), key=gaps.count, default=1)


def _grouped(rows: Iterable[dict[str, Any]]) -> dict[int, list[dict[str, Any]]]:
    groups: dict[int, list[dict[str, Any]]] = defaultdict(list)
    for row in rows:
        groups[row["page_key"]].append(row)
    return groups


def _depth(connection: psycopg.Connection[Any], facts: Facts) -> int:
    row = connection.execute(
        "select depth from marts.dim_property where property_key = %s", (facts.property_key,)
    ).fetchone()
    return row[0] if row and row[0] else 100
