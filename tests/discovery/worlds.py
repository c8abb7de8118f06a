"""Worlds in which it is known how pages are found and what a link does, as looks show them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seo_warehouse.discovery.linked import ARMS, BEFORE, DONUT, LATE, LATER, MONTH, NEVER, WEEK, Gaps
from seo_warehouse.discovery.waits import EVENT, GONE, WAITING, Flags, Floats, Ints, Waits

FAR = 1_000_000
"""A day that never comes."""


@dataclass(frozen=True)
class WaitKnobs:
    """A world of waits alone.

    hazard, gone      chance a day of the event, falling from hazard to half of it with age; of another end
    look_every        days between two looks at a page
    outage            day and length of days on which nobody looked
    early_share       pages published before anybody looked
    """

    pages: int = 500
    days: int = 120
    hazard: float = 0.1
    gone: float = 0.002
    look_every: int = 1
    outage: tuple[int, int] = (0, 0)
    early_share: float = 0.0


@dataclass(frozen=True)
class LinkKnobs:
    """A world in which links come to pages that wait.

    ratio             hazard of a page from the day after its link, as a multiple
    link_rate         links a day and page
    selection         how a standard deviation of a page's unseen pull raises the logarithm of its link rate
    late              days, at most, after which a link is seen
    edit_share        links that come with an edit, which raises the hazard to its `edit_ratio` for 14 days
    attraction        links a day and page in the 14 days after the event
    """

    pages: int = 1_500
    days: int = 150
    topics: int = 6
    ratio: float = 1.6
    hazard: float = 0.025
    pull: float = 0.5
    link_rate: float = 0.012
    selection: float = 0.0
    late: int = 0
    edit_share: float = 0.0
    edit_ratio: float = 2.5
    look_every: int = 3
    outage: tuple[int, int] = (0, 0)
    attraction: float = 0.0


LINK_WORLDS: dict[str, LinkKnobs] = {
    "random": LinkKnobs(),
    "popular_half": LinkKnobs(selection=0.5),
    "popular_one": LinkKnobs(selection=1.0),
    "late": LinkKnobs(late=14),
    "edits": LinkKnobs(edit_share=0.5),
    "outage": LinkKnobs(outage=(60, 20)),
    "looks_10": LinkKnobs(look_every=10),
    "shown_first": LinkKnobs(attraction=0.05),
    "rare": LinkKnobs(link_rate=0.0035),
    "few": LinkKnobs(pages=300),
}
WAIT_WORLDS: dict[str, WaitKnobs] = {
    "daily": WaitKnobs(),
    "looks_3": WaitKnobs(look_every=3),
    "looks_10": WaitKnobs(look_every=10),
    "outage": WaitKnobs(look_every=2, outage=(40, 15)),
    "many_go": WaitKnobs(look_every=3, gone=0.015),
    "published_before": WaitKnobs(look_every=5, early_share=0.6),
}


def make_waits(seed: int, knobs: WaitKnobs) -> Waits:
    """What looks tell of the world of a seed; the clock begins with a page's publication, which is known."""
    rng = np.random.default_rng([seed, 1])
    hazard, gone = _daily_hazards(knobs)
    chance = np.cumsum(hazard + gone)
    end = np.searchsorted(chance, rng.exponential(size=knobs.pages))
    is_event = rng.random(knobs.pages) < (hazard / (hazard + gone))[np.minimum(end, hazard.size - 1)]
    early = rng.random(knobs.pages) < knobs.early_share
    published = np.where(early, -rng.integers(1, 60, knobs.pages), rng.integers(0, knobs.days, knobs.pages))
    looks = _looks(rng, knobs.pages, knobs.days, knobs.look_every, knobs.outage)
    last_of = np.where(looks, np.arange(knobs.days), -FAR)
    ended = published + end
    # A page that was there before is watched from the first look at it on; one that had ended by then, never.
    first = np.argmax(looks, axis=1)
    entered = np.where(early, first - published, -1)
    after = np.maximum(np.where(last_of < ended[:, None], last_of, -FAR).max(axis=1) - published, -1)
    by = np.where(looks & (np.arange(knobs.days) >= ended[:, None]), np.arange(knobs.days), FAR).min(axis=1)
    ending = np.where(by == FAR, WAITING, np.where(is_event, EVENT, GONE))
    kept = np.where(early, ended > first, True)
    waits = (entered, after, np.where(by == FAR, 0, by - published), ending)
    return Waits(*(each[kept].astype(np.int64) for each in waits))


def true_share(knobs: WaitKnobs, day: int) -> float:
    """Share with the event by a day."""
    hazard, gone = _daily_hazards(knobs)
    waiting = np.exp(-np.cumsum(hazard + gone))
    ended = np.concatenate([[1.0], waiting])[:-1] - waiting
    return float((ended * hazard / (hazard + gone))[: day + 1].sum())


def _daily_hazards(knobs: WaitKnobs) -> tuple[Floats, Floats]:
    age = np.arange(knobs.days + 60)
    return knobs.hazard * (0.5 + 0.5 * np.exp(-age / 14)), np.full(age.size, knobs.gone)


@dataclass(frozen=True)
class LinkWorld:
    """Gaps as looks show them, and of each page topic and days: of publication, first link, its sight, edit and event.

    A day is FAR where there is none.
    """

    gaps: Gaps
    topic: Ints
    published: Ints
    linked: Ints
    seen: Ints
    edited: Ints
    event: Ints

    @property
    def ever_linked(self) -> Flags:
        """Which pages were linked at any time."""
        return self.linked < FAR


def make_links(seed: int, knobs: LinkKnobs) -> LinkWorld:
    """The gaps of the world of a seed; all links are of the first arm."""
    rng = np.random.default_rng([seed, 2])
    shape = (knobs.pages, knobs.days)
    day = np.arange(knobs.days)
    published = rng.integers(0, knobs.days - 10, knobs.pages)
    topic = rng.integers(0, knobs.topics, knobs.pages)
    pull = rng.normal(size=knobs.pages)
    age = day - published[:, None]
    rate = np.where(age >= 0, knobs.link_rate * np.exp(knobs.selection * pull - knobs.selection**2 / 2)[:, None], 0.0)
    linked = _first(rng, rate)
    season = rng.normal(0, 0.3, knobs.days // 14 + 1)[day // 14]
    level = rng.normal(0, 0.4, knobs.topics)[topic] + knobs.pull * pull
    log_hazard = np.log(knobs.hazard) + level[:, None] + season - np.clip(age, 0, 56) / 56
    edited = np.where(rng.random(knobs.pages) < knobs.edit_share, linked + rng.integers(-2, 3, knobs.pages), FAR)
    log_hazard = log_hazard + np.log(knobs.edit_ratio) * _within(day, edited, 0, 14)
    log_hazard = log_hazard + np.log(knobs.ratio) * (day > linked[:, None])
    event = _first(rng, np.where(age >= 0, np.exp(log_hazard), 0.0))
    if knobs.attraction:
        linked = np.minimum(linked, _first(rng, knobs.attraction * _within(day, event, 0, 14)))
        # A link that the page got by being shown changes nothing of what came before.
    looks = _looks(rng, *shape, knobs.look_every, knobs.outage)
    seen = np.where(linked < FAR, linked + rng.integers(0, knobs.late + 1, knobs.pages), FAR)
    sure = seen - (7 if knobs.late else 1)
    gaps = _gaps(looks, published, topic, event, (sure, seen), edited)
    return LinkWorld(gaps, topic, published, linked, seen, edited, event)


def _gaps(looks: Flags, published: Ints, topic: Ints, event: Ints, link: tuple[Ints, Ints], edited: Ints) -> Gaps:
    """Gaps in pieces, without those that touch an edit's 21 days."""
    pages, days = looks.shape
    day = np.arange(days)
    closing = np.where(looks & (day >= event[:, None]), day, FAR).min(axis=1)
    last = np.minimum(closing, np.where(looks, day, -1).max(axis=1))
    waits = (day >= published[:, None]) & (day <= last[:, None])
    number = np.cumsum(looks, axis=1) - looks
    gap = np.arange(pages)[:, None] * (days + 1) + number
    disturbed = np.unique(gap[waits & (_within(day, edited, 0, 21) > 0)])
    waits &= ~np.isin(gap, disturbed)
    age = np.searchsorted([4, 8, 15, 29, 57], (day - published[:, None])[waits], side="right")
    state = _states(day, *link)[waits]
    key = (gap[waits] * 10 + age) * 20 + (day // 14 * np.ones((pages, 1), dtype=np.int64))[waits]
    pieces, place, count = np.unique(key * 10 + state, return_index=True, return_counts=True)
    gaps, piece_gap = np.unique(pieces // 2_000, return_inverse=True)
    page = gaps // (days + 1)
    looked = np.zeros(pages * (days + 1), dtype=bool)
    happened = event < FAR
    looked[np.arange(pages)[happened] * (days + 1) + number[happened, event[happened]]] = True
    states = np.full((pieces.size, len(ARMS)), NEVER)
    states[:, 0] = pieces % 10
    return Gaps(
        page=page,
        is_event=looked[gaps],
        gap=piece_gap,
        days=count.astype(np.float64),
        age=age[place],
        period=pieces // 10 % 20,
        topic=topic[page[piece_gap]],
        state=states,
    )


def _states(day: Ints, sure: Ints, seen: Ints) -> Ints:
    """Where each day (P, D) stands to a link that was not there on the day `sure` and was on the day `seen`."""
    since = day - seen[:, None]
    before = day - sure[:, None]
    states = np.full(since.shape, NEVER)
    states[(before > -14) & (before <= 0)] = BEFORE
    states[(before > 0) & (since <= 0) & (seen - sure > 1)[:, None]] = DONUT
    for state, first in ((WEEK, 1), (MONTH, 8), (LATE, 29), (LATER, 57)):
        states[since >= first] = state
    states[seen >= FAR] = NEVER
    return states


def _looks(rng: np.random.Generator, pages: int, days: int, every: int, outage: tuple[int, int]) -> Flags:
    day = np.arange(days)
    looks = (day + rng.integers(0, every, pages)[:, None]) % every == 0
    looks[:, outage[0] : sum(outage)] = False
    return np.asarray(looks)


def _within(day: Ints, begin: Ints, first: int, last: int) -> Floats:
    since = day - begin[:, None]
    return ((since >= first) & (since <= last)).astype(np.float64)


def _first(rng: np.random.Generator, hazard: Floats) -> Ints:
    """The first day (P,) on which each row's chance (P, D) strikes, or FAR."""
    until = np.cumsum(hazard, axis=1)
    strikes = until >= rng.exponential(size=(hazard.shape[0], 1))
    return np.where(strikes.any(axis=1), np.argmax(strikes, axis=1), FAR)
