"""Links to a demo property: when each came, changed and went, and what the backlink vendor knows of it."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, date, datetime, time, timedelta

from seo_warehouse.demo.catalogue import DemoProperty, Page
from seo_warehouse.demo.chance import draw, generator, pick
from seo_warehouse.demo.knobs import Knobs

Rel = tuple[str, ...]

FIRST = (
    "oak",
    "garden",
    "kettle",
    "harbour",
    "maple",
    "terrace",
    "leaf",
    "hearth",
    "meadow",
    "copper",
    "linen",
    "quiet",
)
SECOND = ("journal", "notes", "weekly", "almanac", "living", "review", "digest", "diary", "forum", "market", "letters")
VIRAL_SECOND = ("threads", "reposts")
"""Of sites that link in a viral week and never else."""
COUNTRIES = ("US", "US", "US", "GB", "GB", "DE", "CA", "AU", "NL", "FR")
PLATFORMS = (("cms", "blogs"), ("cms",), ("news",), ("message-boards",), ("organization",), ("ecommerce", "cms"))
RELS: tuple[tuple[float, Rel], ...] = (
    (0.62, ()),
    (0.80, ("nofollow",)),
    (0.86, ("ugc", "nofollow")),
    (0.93, ("sponsored",)),
    (1.00, ("noopener", "noreferrer")),
)
TEXTS = (
    "We compared several before settling on this one:",
    "A reader asked where ours came from. The answer is",
    "If you only buy one thing this season, look at",
    "More on the subject can be found at",
)


@dataclass(frozen=True)
class Site:
    """A site that links. `root`: address without a trailing slash. `authority` is 0-1."""

    host: str
    root: str
    authority: float
    country: str
    platforms: tuple[str, ...]


@dataclass(frozen=True)
class Change:
    """What happened to a link at an instant. `effect`: shift of the target's log position, phased in from then."""

    at: datetime
    kind: str
    is_live: bool
    rel: Rel
    anchor: str
    effect: float


@dataclass(frozen=True)
class Link:
    """One link and all that ever happens to it, oldest first; the first change is its beginning."""

    link_id: int
    property_key: int
    site: Site
    url_from: str
    url_to: str
    path: str
    title: str
    is_image: bool
    is_original: bool
    changes: tuple[Change, ...]
    is_viral: bool = False


@dataclass(frozen=True)
class Sight:
    """A link as the vendor knows it."""

    link: Link
    change: Change
    first_seen: datetime
    prev_seen: datetime | None
    last_seen: datetime


def is_followed(rel: Rel) -> bool:
    """No nofollow, ugc or sponsored among the tokens."""
    return not {"nofollow", "ugc", "sponsored"}.intersection(rel)


def sites(seed: int, prop: DemoProperty, seconds: Sequence[str] = SECOND) -> tuple[Site, ...]:
    """The sites that may link to a property, each host once; by the second words of their names."""
    found: dict[str, Site] = {}
    for first in FIRST:
        for second in seconds:
            host = f"{first}-{second}{prop.key}.example"
            if draw(seed, "www", host) < 0.4:
                host = f"www.{host}"
            found[host] = Site(
                host,
                f"{'http' if prop.is_visited else 'https'}://{host}",
                round(draw(seed, "authority", host) ** 1.4, 3),
                pick(COUNTRIES, seed, "country", host),
                pick(PLATFORMS, seed, "platform", host),
            )
    return tuple(found.values())


def hosts(prop: DemoProperty) -> list[str]:
    """Every host that may link to a property, by whatever seed."""
    seconds = (*SECOND, *VIRAL_SECOND)
    names = [f"{first}-{second}{prop.key}.example" for first in FIRST for second in seconds]
    return [*names, *(f"www.{name}" for name in names)]


def effect_of(knobs: Knobs, site: Site, rel: Rel, links_on_page: int) -> float:
    """Log-position shift of a new link: more from authority, less where a page has many links already."""
    size = knobs.followed_effect if is_followed(rel) else knobs.nofollow_effect
    return size * (0.4 + 1.2 * site.authority) * 4 / (4 + links_on_page)


def _rel(value: float) -> Rel:
    return next(rel for bound, rel in RELS if value <= bound)


def _instant(day: date, seed: int, *names: object) -> datetime:
    seconds = int(draw(seed, "instant", day, *names) * 86_000)
    return datetime(day.year, day.month, day.day, tzinfo=UTC) + timedelta(seconds=seconds)


def _lives(link: Link, at: datetime) -> bool:
    return [change.is_live for change in link.changes if change.at <= at][-1]


class _Web:
    """The links of one property while they are being made."""

    def __init__(self, seed: int, prop: DemoProperty, knobs: Knobs) -> None:
        self.seed, self.prop, self.knobs = seed, prop, knobs
        self.links: list[Link] = []
        self.live: dict[str, int] = {}
        self.rng = generator(seed, "links", prop.key)
        self.sites = sites(seed, prop)
        tracked = {t.path for t in prop.tracked if not t.is_brand}
        self.tracked = [p for p in prop.pages if p.path in tracked and p.pull > 0]
        self.others = [p for p in prop.pages if p.path not in tracked and p.pull > 0]

    def _page(self) -> Page:
        pool = self.tracked if self.rng.random() < self.knobs.tracked_share else self.others
        weights = [page.pull for page in pool]
        total = sum(weights)
        return pool[int(self.rng.choice(len(pool), p=[w / total for w in weights]))]

    def _anchor(self, page: Page) -> str:
        options = (
            page.subject,
            self.prop.brand,
            self.prop.domain,
            f"{page.subject} from {self.prop.brand}",
            "this page",
        )
        return options[int(self.rng.integers(len(options)))]

    def _target(self, page: Page) -> str:
        url = self.prop.url(page.path)
        chance = self.rng.random()
        if chance < 0.03:
            return url + "#details"
        if chance < 0.05:
            return url.replace(self.prop.host, self.prop.host.title())
        if chance < 0.07 and page.path == "/":
            return f"http://{self.prop.domain}/"
        return url

    def add(self, at: datetime, kind: str, to: Page | None = None, viral_of: Site | None = None) -> None:
        """A new link, from a page published for it or from one that stood before; `to` a page, or one that is drawn."""
        number = len(self.links) + 1
        page = to or self._page()
        site = viral_of or self.sites[int(self.rng.integers(len(self.sites)))]
        rel = _rel(float(self.rng.random()))
        effect = 0.0 if kind == "present_at_start" else effect_of(self.knobs, site, rel, self.live.get(page.path, 0))
        self.live[page.path] = self.live.get(page.path, 0) + 1
        change = Change(at, kind, True, rel, self._anchor(page), effect)
        slug = page.subject.replace(" ", "-")
        self.links.append(
            Link(
                link_id=number,
                property_key=self.prop.key,
                site=site,
                url_from=f"{site.root}/{at:%Y/%m}/{slug}-{number}",
                url_to=self._target(page),
                path=page.path,
                title=f"{page.subject.capitalize()}: what we found",
                is_image=bool(self.rng.random() < 0.12),
                is_original=bool(self.rng.random() < 0.6),
                changes=(change,),
                is_viral=viral_of is not None,
            )
        )

    def go_viral(self, monday: date, page: Page) -> None:
        """In a week sites link to a page that never link else, with the words of anybody who links.

        The last that is drawn, so that all else is as it would have been.
        """
        midnight = datetime.combine(monday, time(), UTC)
        before = (link for link in self.links if link.path == page.path and link.changes[0].at < midnight)
        # As many as lived then: what a link does follows from it.
        self.live[page.path] = sum(_lives(link, midnight) for link in before)
        for number, site in enumerate(sites(self.seed, self.prop, VIRAL_SECOND)):
            day = monday + timedelta(days=number % 7)
            self.add(_instant(day, self.seed, self.prop.key, "viral", number), "acquired", page, site)

    def alter(self, at: datetime, kind: str) -> None:
        """Lose, restore or edit a link that is there to be lost, restored or edited; nothing where none is."""
        is_gone = kind == "restored"
        ready = [
            place
            for place, link in enumerate(self.links)
            if link.changes[-1].is_live != is_gone and link.changes[-1].at < at
        ]
        if not ready:
            return
        index = ready[int(self.rng.integers(len(ready)))]
        link, last = self.links[index], self.links[index].changes[-1]
        others = self.live.get(link.path, 1) - 1
        worth = effect_of(self.knobs, link.site, last.rel, others)
        rel, anchor, effect = last.rel, last.anchor, 0.0
        if kind == "lost":
            effect = -worth
        elif kind == "restored":
            effect = worth
        elif kind == "rel_changed":
            rel = ("nofollow",) if is_followed(rel) else ()
            effect = effect_of(self.knobs, link.site, rel, others) - worth
        else:
            anchor = f"{anchor} (updated)"
        self.live[link.path] = others + (0 if kind == "lost" else 1)
        change = Change(at, kind, kind != "lost", rel, anchor, effect)
        self.links[index] = replace(link, changes=(*link.changes, change))


VIRAL_WEEK = 30
"""From that of the first day on: the 26 weeks that it is held against lie before it."""
KINDS = ((0.70, "acquired"), (0.85, "lost"), (0.90, "restored"), (0.96, "rel_changed"), (1.0, "anchor_changed"))


def make_links(seed: int, prop: DemoProperty, knobs: Knobs, first_day: date, last_day: date) -> tuple[Link, ...]:
    """Every link of a property between two days, with all that happens to each."""
    web = _Web(seed, prop, knobs)
    if prop.is_panel:
        return _make_apart(web, first_day, last_day)
    for number in range(knobs.start_links):
        age = 5 + int(1_100 * draw(seed, "age", prop.key, number))
        web.add(_instant(first_day - timedelta(days=age), seed, prop.key, number), "present_at_start")
    day = first_day + timedelta(days=1)
    while day <= last_day:
        for number in range(int(web.rng.poisson(knobs.events_per_week / 7))):
            chance = float(web.rng.random())
            kind = next(kind for bound, kind in KINDS if chance <= bound)
            at = _instant(day, seed, prop.key, "event", number)
            if kind == "acquired":
                web.add(at, kind)
            else:
                web.alter(at, kind)
        day += timedelta(days=1)
    monday = first_day + timedelta(weeks=VIRAL_WEEK, days=-first_day.weekday())
    if prop.viral_path is not None and monday <= last_day:
        web.go_viral(monday, next(page for page in prop.pages if page.path == prop.viral_path))
    return tuple(web.links)


LEAST_APART_DAYS, MORE_APART_DAYS = 95, 110
"""Days from a link to the next one of the same page of a panel: so many at least, and up to so many more."""


def _make_apart(web: _Web, first_day: date, last_day: date) -> tuple[Link, ...]:
    """The links of a panel, in the order of their coming: of each page one at a time, months apart, from day 1 on."""
    due = []
    for page in web.tracked:
        day = first_day - timedelta(days=int(LEAST_APART_DAYS * web.rng.random()))
        while day <= last_day:
            due.append((_instant(day, web.seed, web.prop.key, page.path), page))
            day += timedelta(days=LEAST_APART_DAYS + int(MORE_APART_DAYS * web.rng.random()))
    for at, page in sorted(due, key=lambda each: each[0]):
        web.add(at, "present_at_start" if at.date() <= first_day else "acquired", page)
    return tuple(web.links)


Visit = tuple[datetime, Change]


def visits(seed: int, link: Link, delay_days: float, last: datetime) -> tuple[Visit, ...]:
    """The vendor's visits that found the link, changed it or found it gone, with what each saw, up to `last`.

    Without delay the vendor comes at the instant of each change, beside its own rounds. A link once
    found gone is not visited again until it is back.
    """
    start = link.changes[0].at
    if delay_days and link.changes[0].kind != "present_at_start":
        start += timedelta(days=delay_days * (0.5 + draw(seed, "late", link.property_key, link.link_id)))
    gap = timedelta(days=6 + int(15 * draw(seed, "gap", link.property_key, link.link_id)), seconds=17)
    times = [] if delay_days else [change.at for change in link.changes]
    while start <= last:
        times.append(start)
        start += gap
    found: list[Visit] = []
    state = -1
    for at in sorted(set(times)):
        while state + 1 < len(link.changes) and link.changes[state + 1].at <= at:
            state += 1
        change = link.changes[state]
        if change.is_live or (found and found[-1][1].is_live):
            found.append((at, change))
    return tuple(found)


def sight(link: Link, seen: tuple[Visit, ...], now: datetime) -> Sight | None:
    """The link as the vendor knows it at `now` from its visits; None where it has not seen it yet."""
    count = bisect_right(seen, now, key=_instant_of)
    if not count:
        return None
    at, change = seen[count - 1]
    return Sight(link, change, seen[0][0], seen[count - 2][0] if count > 1 else None, at)


def _instant_of(visit: Visit) -> datetime:
    return visit[0]
