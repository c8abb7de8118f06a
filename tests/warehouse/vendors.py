"""Five vendors over one truth: links that came and went, what each vendor saw of them, and what our visits met.

Links of one domain are seen together and half of them go when it does; one domain has 18 % of all. How visible a link
is differs (logit-normal, sd 1.5). Each vendor finds links late, spells pages its own way and calls some lost that are
there; two look at the same part of the web half of the time. One's index grows over night, one's scale moves, and one
lays a page's own nofollow on its links. Nights count from 0, as in tests/warehouse/links.py.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, time
from math import inf, isfinite
from typing import Any

import numpy as np
from numpy.typing import NDArray

from tests.warehouse.links import day, instant
from tests.warehouse.world import Warehouse

NIGHTS = 85
"""From the 5th of January to the 30th of March."""
DOMAINS, LINKS, LARGEST_SHARE = 180, 1_200, 0.18
SPREAD_BETWEEN, SPREAD_WITHIN = 1.2, 0.9
"""Of visibility: standard deviations by domain and by link; together 1.5."""
LIFE_DAYS, DOMAIN_LIFE_DAYS, SHARED_FATE = 400.0, 900.0, 0.5
CLAIM_DAYS, BACK_DAYS = 7.0, 12.0
"""Means: until a vendor notes a loss, and until it takes back one that was none."""
INDEX_CHANGE, INDEX_GROWTH = 42, 0.15
SCALE_SHIFT, SHIFT = 56, 4.0
VISIT_EVERY, TURN_EVERY, MOST_CLAIMS = 3, 28, 60
CONFIRMING = (0, 2, 7)
"""Days after the first miss on which a link is looked for."""
BLOCKED_SHARE, PAGE_NOFOLLOW_SHARE = 0.06, 0.1
TARGET = "https://shop.example/pans"
MODELS = ("+rpt_witness", "+int_portfolio__count_sights", "+rpt_scale_shift")
"""What is told of the vendors."""
Days = NDArray[np.float64]
Flags = NDArray[np.bool_]


@dataclass(frozen=True)
class Vendor:
    """How well a vendor sees (a link of middling visibility), how late, and what it makes of losses.

    `first_night`: of its reads; `reads_every`: nights from one list of all that it has to the next; of one that also
    tells what is new and lost `changes_every`. `false_share`: about that of its losses; None where it tells none.
    """

    name: str
    table: tuple[str, str]
    sees: float
    delay: float
    false_share: float | None
    first_night: int
    reads_every: int
    changes_every: int
    spell: Callable[[str], str]

    def nights(self, *, full: bool) -> range:
        """Nights that read all, or any."""
        return range(self.first_night, NIGHTS, self.reads_every if full else self.changes_every)


VENDORS = (
    Vendor("dataforseo", ("dataforseo_backlinks", "backlink"), 0.62, 9.0, 0.1, 0, 28, 7, lambda page: page),
    Vendor("ahrefs", ("ahrefs", "backlink"), 0.5, 9.0, 0.2, 0, 28, 7, lambda page: page.replace("https", "http")),
    Vendor("majestic", ("majestic", "link"), 0.4, 15.0, 0.3, 3, 14, 14, lambda page: page.replace("www.", "")),
    Vendor("moz", ("moz", "link"), 0.3, 15.0, 0.15, 6, 14, 14, lambda page: f"{page}/"),
    Vendor("semrush", ("semrush", "link"), 0.22, 25.0, None, 9, 14, 14, lambda page: page.replace("www.", "") + "/"),
)
ALIKE, GROWING = (1, 2), 4
"""Two that share a frontier, and the one whose index grows."""


@dataclass(frozen=True)
class World:
    """Links of one property. Of each vendor (columns) the nights that told of a link, of its loss and of its return.

    `claimed`: the day that the vendor gives of the loss. What never happens is infinite.
    """

    key: int
    domain: NDArray[np.int64]
    born: Days
    died: Days
    found: Days
    told: Days
    claimed: Days
    claim_told: Days
    back_told: Days
    is_false: Flags
    blocked: Flags
    page_nofollow: Flags
    scores: Days

    def pages(self) -> list[str]:
        """Each link's page, as its site spells it."""
        return [f"https://www.d{d}w{self.key}.example/p{n}" for n, d in enumerate(self.domain.tolist())]

    def listed(self, vendor: int, night: float) -> Flags:
        """What a vendor has among the living, as we were told by a night."""
        is_back = self.back_told[:, vendor] <= night
        return (self.told[:, vendor] <= night) & ~((self.claim_told[:, vendor] <= night) & ~is_back)


def draw_world(key: int, *, links: int = LINKS, domains: int = DOMAINS, is_mortal: bool = True) -> World:
    """One truth, and what five vendors told of it. Not `is_mortal`: no link ever goes."""
    rng = np.random.default_rng((71, key))
    weights = rng.gamma(2.0, size=domains)
    weights[0] = 0
    weights *= (1 - LARGEST_SHARE) / weights.sum()
    weights[0] = LARGEST_SHARE
    domain = rng.choice(domains, links, p=weights)
    born = np.where(rng.random(links) < 0.6, rng.uniform(-400, 0, links), rng.uniform(0, NIGHTS, links)).round()
    with_domain = np.floor(rng.exponential(DOMAIN_LIFE_DAYS, domains))[domain]
    own = born + np.ceil(rng.exponential(LIFE_DAYS, links))
    died = np.where((rng.random(links) < SHARED_FATE) & (with_domain > born), with_domain, own)
    if not is_mortal:
        died = np.full(links, inf)
    visibility = SPREAD_BETWEEN * rng.standard_normal(domains)[domain] + SPREAD_WITHIN * rng.standard_normal(links)
    chances = rng.random((links, len(VENDORS)))
    one, other = ALIKE
    chances[:, other] = np.where(rng.random(links) < 0.5, chances[:, one], chances[:, other])
    levels = np.array([np.log(vendor.sees / (1 - vendor.sees)) for vendor in VENDORS])
    sees = chances < 1 / (1 + np.exp(-(levels + visibility[:, None])))
    delays = rng.gamma(2.0, np.array([vendor.delay for vendor in VENDORS]) / 2, (links, len(VENDORS))).round()
    found = np.where(sees, born[:, None] + delays, inf)
    late = ~sees[:, GROWING] & (rng.random(links) < INDEX_GROWTH)
    found[late, GROWING] = np.maximum(born[late], INDEX_CHANGE - 1)
    found[found >= died[:, None]] = inf
    shape = (links, len(VENDORS))
    claimed, back, is_false = np.full(shape, inf), np.full(shape, inf), np.zeros(shape, bool)
    for number, vendor in enumerate(VENDORS):
        if vendor.false_share is not None:
            _claim(rng, vendor.false_share, died, found[:, number], claimed[:, number], back[:, number],
                   is_false[:, number])  # fmt: skip
    told, claim_told, back_told = (np.full(shape, inf) for _ in range(3))
    for number, vendor in enumerate(VENDORS):
        told[:, number] = _next_night(vendor.nights(full=False), found[:, number])
        claim_told[:, number] = _next_night(vendor.nights(full=False), claimed[:, number])
        back_told[:, number] = _next_night(vendor.nights(full=True), back[:, number])
        if vendor.false_share is None:
            claim_told[:, number] = _next_night(vendor.nights(full=True), died + CLAIM_DAYS)
        # Of what was lost again before a read we are told nothing, nor of a loss that was taken back before one.
        is_early = (claim_told[:, number] <= told[:, number]) | (back_told[:, number] <= claim_told[:, number])
        unheard = np.isfinite(claim_told[:, number]) & is_early
        told[unheard & ~is_false[:, number], number] = inf
        claim_told[unheard, number] = back_told[unheard, number] = claimed[unheard, number] = inf
        is_false[unheard, number] = False
    blocked = (rng.random(domains) < BLOCKED_SHARE)[domain]
    nofollow = (rng.random(domains) < PAGE_NOFOLLOW_SHARE)[domain]
    scores = rng.uniform(5, 90, domains)
    told_of = (told, claimed, claim_told, back_told, is_false)
    return World(key, domain, born, died, found, *told_of, blocked, nofollow, scores)


def _claim(
    rng: np.random.Generator, share: float, died: Days, found: Days, claimed: Days, back: Days, is_false: Flags
) -> None:
    """Losses that a vendor claims: each that happened, some days late, and so many beside them that did not happen."""
    seen = np.isfinite(found)
    claimed[seen] = died[seen] + np.ceil(rng.gamma(2.0, CLAIM_DAYS / 2, int(seen.sum())))
    # As many false ones as belong to each true one of the time that is watched, on days of their own.
    count = rng.negative_binomial(max(int((seen & (claimed >= 0) & (claimed < NIGHTS)).sum()), 1), 1 - share)
    days = rng.integers(0, NIGHTS, count)
    for at in days:
        ready = np.flatnonzero((found < at - 7) & (died > at + 35) & ~is_false)
        if ready.size:
            link = rng.choice(ready)
            claimed[link], back[link], is_false[link] = at, at + np.ceil(rng.gamma(2.0, BACK_DAYS / 2)) + 1, True


def _next_night(nights: range, days: Days) -> Days:
    """The first of some nights on which what came on a day is told."""
    steps = nights.start + np.ceil(np.maximum(days - nights.start, 0) / nights.step) * nights.step
    return np.where(steps <= nights[-1], steps, inf)


def publish(w: Warehouse, world: World) -> None:
    """Publish all that the vendors told, and our visits."""
    w.add_property(world.key, "shop.example")
    pages = world.pages()
    for number, vendor in enumerate(VENDORS):
        spelled = [vendor.spell(page) for page in pages]
        for night in vendor.nights(full=False):
            is_full = night in vendor.nights(full=True)
            rows, facts = _told(world, number, spelled, night, is_full=is_full)
            w.publish(*vendor.table, world.key, day(night), rows, **facts)
    for night, visits in sorted(_visits(world).items()):
        at = {"observed_at": datetime.combine(day(night), time(3), UTC)}
        found = [_visit(world, pages, link, night, reason) for link, reason in visits.items()]
        for place, table in enumerate(("page", "link")):
            w.publish("link_check", table, world.key, day(night), [row[place] | at for row in found])


def _told(
    world: World, number: int, spelled: list[str], night: int, *, is_full: bool
) -> tuple[list[dict[str, Any]], dict[str, Any]]:
    """The rows of a vendor's night, and what its reader notes."""
    vendor = VENDORS[number]
    since = night - vendor.changes_every
    living = np.flatnonzero(world.listed(number, night) & (is_full | (world.told[:, number] > since)))
    lost = np.flatnonzero((world.claim_told[:, number] <= night) & (world.back_told[:, number] > night))
    if vendor.changes_every < vendor.reads_every:
        lost = lost[world.claim_told[lost, number] > night - (28 if is_full else vendor.changes_every)]
        pulls = {"full" if is_full else "new": living, "lost": lost}
        rows = [
            {
                "pull": pull,
                "item_no": place,
                **ROWS[vendor.name](world, number, spelled, int(link), night, pull == "lost"),
            }
            for pull, links in pulls.items()
            for place, link in enumerate(links, 1)
        ]
        tallies = {pull: {"rows": len(links), "stated": len(links)} for pull, links in pulls.items()}
        facts = {"is_full": is_full, "is_complete": True, "stated_count": len(rows), "pulls": tallies}
        return rows, facts
    links = [(link, False) for link in living] + [(link, True) for link in lost if vendor.false_share is not None]
    told = [
        {"item_no": place, **ROWS[vendor.name](world, number, spelled, int(link), night, is_lost)}
        for place, (link, is_lost) in enumerate(links, 1)
    ]
    at = {"observed_at": datetime.combine(day(night), time(7), UTC)}
    return [row | at for row in told], {}


def _dates(world: World, number: int, link: int, night: int, is_lost: bool) -> tuple[int, int, int | None]:
    """First sight, last sight before anything else, day of the loss."""
    first = int(world.found[link, number])
    if not is_lost:
        return first, max(first, min(night, int(min(world.died[link] - 1, night)))), None
    claimed = int(world.claimed[link, number])
    return first, max(first, claimed - 7), claimed


def _dataforseo(world: World, number: int, spelled: list[str], link: int, night: int, is_lost: bool) -> dict[str, Any]:
    first, seen, lost = _dates(world, number, link, night, is_lost)
    return {
        "url_from": spelled[link], "url_to": TARGET, "is_lost": is_lost, "first_seen": instant(first),
        "last_seen": instant(lost if is_lost else seen), "prev_seen": instant(seen) if is_lost else None,
        "attributes": None, "dofollow": True, "anchor": "words", "item_type": "anchor",
        "observed_at": datetime.combine(day(night), time(4), UTC),
    }  # fmt: skip


def _ahrefs(world: World, number: int, spelled: list[str], link: int, night: int, is_lost: bool) -> dict[str, Any]:
    first, seen, lost = _dates(world, number, link, night, is_lost)
    # Reads of a score wander by less than a point; from one night on all are four higher.
    wandering = ((link * 7 + night * 13) % 11 - 5) / 10
    score = world.scores[world.domain[link]] + wandering + (SHIFT if night >= SCALE_SHIFT else 0)
    return {
        "url_from": spelled[link], "url_to": TARGET, "is_lost": is_lost, "first_seen_link": instant(first),
        "last_visited": instant(seen), "last_seen": instant(lost), "anchor": "words", "link_type": "text",
        "is_dofollow": not world.page_nofollow[link], "is_nofollow": bool(world.page_nofollow[link]),
        "lost_reason": "removedfromhtml" if is_lost else None, "domain_rating_source": round(float(score), 1),
        "observed_at": datetime.combine(day(night), time(7), UTC),
    }  # fmt: skip


def _majestic(world: World, number: int, spelled: list[str], link: int, night: int, is_lost: bool) -> dict[str, Any]:
    first, seen, lost = _dates(world, number, link, night, is_lost)
    return {
        "source_url": spelled[link], "target_url": TARGET, "anchor_text": "words", "flag_no_follow": False,
        "flag_deleted": is_lost, "first_indexed_date": day(first), "last_seen_date": day(seen),
        "date_lost": None if lost is None else day(lost), "reason_lost": "RemovedFromPage" if is_lost else None,
    }  # fmt: skip


def _moz(world: World, number: int, spelled: list[str], link: int, night: int, is_lost: bool) -> dict[str, Any]:
    first, seen, lost = _dates(world, number, link, night, is_lost)
    return {
        "source_page": spelled[link], "target_page": TARGET, "anchor_text": "words", "nofollow": False,
        "date_first_seen": day(first), "date_last_seen": day(seen),
        "date_disappeared": None if lost is None else day(lost),
    }  # fmt: skip


def _semrush(world: World, number: int, spelled: list[str], link: int, night: int, is_lost: bool) -> dict[str, Any]:
    first, seen, _ = _dates(world, number, link, night, is_lost)
    return {
        "source_url": spelled[link], "target_url": TARGET, "anchor": "words", "nofollow": False,
        "first_seen": instant(first), "last_seen": instant(seen),
    }  # fmt: skip


ROWS = {"dataforseo": _dataforseo, "ahrefs": _ahrefs, "majestic": _majestic, "moz": _moz, "semrush": _semrush}


def _visits(world: World) -> dict[int, dict[int, str]]:
    """Links to look for by night, each with why: in turn, where a loss was claimed, and again where one was missed."""
    found: defaultdict[int, dict[int, str]] = defaultdict(dict)
    known = world.told.min(axis=1)
    rng = np.random.default_rng((72, world.key))
    phases = rng.integers(1, TURN_EVERY, known.size)
    due: defaultdict[int, dict[int, str]] = defaultdict(dict)
    for link in np.flatnonzero(np.isfinite(known)).tolist():
        begin = _night_of_visits(known[link] + phases[link])
        for number, night in enumerate(range(begin, NIGHTS, TURN_EVERY)):
            due[_night_of_visits(night)][link] = "schedule" if number else "new"
    for number in range(len(VENDORS)):
        months: defaultdict[int, list[int]] = defaultdict(list)
        told = np.isfinite(world.claimed[:, number]) & np.isfinite(world.claim_told[:, number])
        for link in np.flatnonzero(told).tolist():
            months[day(int(world.claimed[link, number])).month].append(link)
        for links in months.values():
            for claimed in rng.permutation(links)[:MOST_CLAIMS].tolist():
                night = _night_of_visits(world.claim_told[claimed, number] + 1)
                due[night].setdefault(claimed, "claim")
    missed: dict[int, int] = {}
    for night in range(NIGHTS):
        asked = due[night]
        for link, first in list(missed.items()):
            if night - first in CONFIRMING[1:]:
                found[night][link] = "confirm"
        for link, reason in asked.items():
            if link not in missed:
                found[night][link] = reason
                if world.died[link] <= night and not world.blocked[link]:
                    missed[link] = night
    return found


def _night_of_visits(night: float) -> int:
    return int(np.ceil(night / VISIT_EVERY) * VISIT_EVERY)


def _visit(world: World, pages: list[str], link: int, night: int, reason: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The rows of one visit: of the page, asked for as the first vendor that told of it spells it, and of its link."""
    asked = VENDORS[int(world.told[link].argmin())].spell(pages[link])
    grade = "blocked" if world.blocked[link] else "live" if world.died[link] > night else "gone"
    came = grade != "blocked"
    page = {
        "url": asked, "due_reason": reason, "is_asked": True, "outcome": "came" if came else "blocked",
        "reason": None if came else "http_403", "status_code": 200 if came else 403, "final_url": pages[link],
        "redirect_urls": [] if asked == pages[link] else [pages[link]], "robots_state": "allowed",
    }  # fmt: skip
    presence = {"live": "present", "gone": "absent", "blocked": "unknown"}[grade]
    seen = {"link_count": 1, "rel": [], "anchor": "words", "is_noindex": False} if grade == "live" else {}
    return page, {
        "source_url": asked,
        "target_url": TARGET,
        "is_expected": True,
        "presence": presence,
        "grade": grade,
    } | seen


MEASURES = ("coverage", "precision", "false_loss")
QUARTILES = {"lower_quartile": 0.25, "median": 0.5, "upper_quartile": 0.75}
MONTHS = {day(27): range(27, 55), day(55): range(55, NIGHTS)}
"""February and March, and their nights."""
Truth = dict[tuple[str, str, Any], float]
"""By vendor, measure or quartile of its delay, and month."""


def truth(keys: Iterable[int], *, links: int = LINKS, domains: int = DOMAINS) -> Truth:
    """What is so on the mean of worlds: shares are of their sums, delays of links that never go."""
    shares: defaultdict[tuple[str, str, Any], NDArray[np.float64]] = defaultdict(lambda: np.zeros(2))
    delays: defaultdict[tuple[str, Any], list[Days]] = defaultdict(list)
    for key in keys:
        world, lasting = (draw_world(key, links=links, domains=domains, is_mortal=each) for each in (True, False))
        for month, nights in MONTHS.items():
            for number, vendor in enumerate(VENDORS):
                for measure, counted in zip(MEASURES, _counted(world, number, nights), strict=True):
                    shares[vendor.name, measure, month] += counted
                first = lasting.told.min(axis=1)
                is_new = (first >= nights[0]) & (first <= nights[-1])
                delays[vendor.name, month].append(lasting.told[is_new, number] - first[is_new])
    told = {where: float(found / asked) for where, (found, asked) in shares.items() if asked}
    for (name, month), each in delays.items():
        every = np.sort(np.concatenate(each))
        for quartile, share in QUARTILES.items():
            told[name, quartile, month] = float(every[int(np.ceil(share * every.size)) - 1])
    return told


def _counted(world: World, number: int, nights: range) -> tuple[tuple[int, int], ...]:
    """Of a vendor and a month, (found, asked) of each measure."""
    end = nights[-1]
    lives = world.died > end
    others = np.any([world.listed(other, end) for other in range(len(VENDORS)) if other != number], axis=0)
    has = world.listed(number, end)
    listed = [world.listed(number, night) for night in nights]
    true = [there & (world.died > night) for night, there in zip(nights, listed, strict=True)]
    is_of_month = (world.claim_told[:, number] >= nights[0]) & (world.claim_told[:, number] <= end)
    is_of_month &= np.isfinite(world.claimed[:, number])
    return (
        (int((lives & others & has).sum()), int((lives & others).sum())),
        (int(np.sum(true)), int(np.sum(listed))),
        (int((is_of_month & world.is_false[:, number]).sum()), int(is_of_month.sum())),
    )


def things(world: World, unit: str, nights: range) -> int:
    """How many links, or domains with one, lived in a month."""
    lives = (world.born <= nights[-1]) & (world.died > nights[0])
    return int(lives.sum()) if unit == "link" else len(np.unique(world.domain[lives]))


def judged(rows: Sequence[Mapping[str, Any]], true: Truth) -> dict[tuple[str, str, Any], list[bool]]:
    """Of each figure that is told with an interval whether that holds the truth, world by world."""
    held: defaultdict[tuple[str, str, Any], list[bool]] = defaultdict(list)
    for row in rows:
        witness, month = row["witness"], row["month"]
        for name in (*MEASURES, *QUARTILES):
            is_share = name in MEASURES
            low, high = (
                row[f"{name}_interval_{end}" if is_share else f"delay_{name}_{end}"] for end in ("low", "high")
            )
            value = true.get((witness, name, month), inf)
            if low is not None and isfinite(value):
                held[witness, name, month].append(low <= value <= (inf if high is None else high))
    return held
