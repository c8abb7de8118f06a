"""A simulated panel with known effects of links, large enough to judge a method by, made in well under a second.

The law is the world's (`seo_warehouse.demo.world`): a page's log-position level is the sum of its links' effects,
each phased in, its edits' and its topic's updates; a keyword adds its start, its walk and the day's noise. A page
has besides a slow trend and a walk of its own, so that links can be made to follow a rise or a lucky spell. Days are
numbered from 0; P pages, S series (keyword x device), T days, E link events.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from seo_warehouse.demo.chance import generator
from seo_warehouse.demo.knobs import PanelKnobs
from seo_warehouse.demo.panel_links import GAINED, LinkEvents, attraction, make_links, pull

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
Flags = NDArray[np.bool_]

NO_CHECK, FOUND, NOT_FOUND, TRUNCATED, FAILED = range(5)
STATES = ("none", "found", "not_found", "truncated", "failed")
WARM_UP_DAYS = 240
"""Days before the first whose edits still tell."""
EDIT_DELAY_DAYS, EDIT_RAMP_DAYS, UPDATE_DAYS = 1, 10, 6
TOPIC_STEP_SD = 0.006
YEAR_DAYS = 365.25
POSITION_LIMIT = 400.0


@dataclass(frozen=True)
class Series:
    """Tracked series, each (S,). `page` is the page that truly ranks; `configured` the stated one, -1 for none."""

    keyword: Ints
    device: Ints
    page: Ints
    configured: Ints


@dataclass(frozen=True)
class Checks:
    """Rank checks by series and day, each (S, T). `position` from 1, 0 unless found; `ranking_page` -1 unless found."""

    state: NDArray[np.int8]
    depth: NDArray[np.int16]
    position: NDArray[np.int16]
    ranking_page: NDArray[np.int32]


@dataclass(frozen=True)
class Edits:
    """On-page edits, each (N,); a panel's are those that were seen, although the effects of all are in the levels."""

    page: Ints
    day: Ints
    effect: Floats
    is_seen: Flags


@dataclass(frozen=True)
class Panel:
    """All that was observed, and what is true of it.

    topic       (P,) topic of a page
    updates     (U, 2) first and last day of the engine's updates
    latent      (S, T) log of the true position, noise included, neither rounded nor cut
    """

    seed: int
    knobs: PanelKnobs
    topic: Ints
    series: Series
    checks: Checks
    links: LinkEvents
    edits: Edits
    updates: Ints
    latent: Floats


def make_panel(seed: int, knobs: PanelKnobs | None = None) -> Panel:
    """The panel of a seed. The same knobs and seed give the same panel."""
    knobs = knobs or PanelKnobs()
    topic = np.arange(knobs.pages) % knobs.topics
    slope = _walk(generator(seed, "trend"), knobs.pages, knobs.days, knobs.trend_sd, knobs.trend_memory)
    slope *= np.sqrt(1 - knobs.trend_memory**2)
    page_walk = _walk(generator(seed, "page walk"), knobs.pages, knobs.days, knobs.page_walk_sd, knobs.walk_memory)
    links = make_links(seed, knobs, attraction(seed, knobs, slope, page_walk))
    edits = _make_edits(seed, knobs, links)
    updates, topic_level = _make_updates(seed, knobs)
    level = topic_level[topic] + np.cumsum(slope, axis=1) + page_walk
    linked = _phased(knobs, links.page, links.true_day, links.effect, knobs.effect_delay_days, knobs.effect_ramp_days)
    level += linked
    if knobs.spill_share:
        gained = _by_topic(knobs, topic, linked)
        # What every topic gains alike would carry the whole site off.
        level += knobs.spill_share * ((gained - gained.mean(axis=0))[topic] - linked)
    if knobs.core_effect and updates.size:
        begin = updates[np.abs(updates[:, 0] - knobs.days // 2).argmin(), 0]
        level += knobs.core_effect * pull(seed, knobs) * ramp(np.arange(knobs.days) - begin, 0, UPDATE_DAYS)
    if knobs.season_sd:
        level += _make_seasons(seed, knobs)
    level += _phased(knobs, edits.page, edits.day, edits.effect, EDIT_DELAY_DAYS, EDIT_RAMP_DAYS)
    series = _make_series(seed, knobs)
    latent = _make_latent(seed, knobs, series, level)
    seen = edits.is_seen
    return Panel(
        seed=seed,
        knobs=knobs,
        topic=topic,
        series=series,
        checks=_make_checks(seed, knobs, series, latent),
        links=links,
        edits=Edits(edits.page[seen], edits.day[seen], edits.effect[seen], seen[seen]),
        updates=updates,
        latent=latent,
    )


def ramp(since: NDArray[np.int64] | Floats, delay: int, days: int) -> Floats:
    """Share of an effect that tells `since` days after its cause."""
    return np.clip((since - delay) / max(days, 1), 0.0, 1.0)


def counted(log_position: Floats, depth: int) -> Ints:
    """Positions as a check counts them: from 1, depth + 1 for all that lies deeper."""
    place = np.rint(np.exp(np.clip(log_position, 0.0, np.log(POSITION_LIMIT))))
    return np.minimum(place, depth + 1).astype(np.int64)


def true_positions(
    panel: Panel, event: int, begin: int, end: int, depth: int | None = None, others: Sequence[int] = ()
) -> tuple[Ints, Ints]:
    """Counted positions of the event's page with the event and without it, each (series of the page, days).

    Days are `begin`..`end` after the day on which the event was seen, whether or not a check was made. `depth`: the
    panel's, or a lesser one. `others`: events of the page that are taken away with it.
    """
    links, knobs = panel.links, panel.knobs
    days = np.arange(begin, end + 1) + links.seen_day[event]
    latent = panel.latent[np.ix_(panel.series.page == links.page[event], days)]
    shift = sum(
        links.effect[each] * ramp(days - links.true_day[each], knobs.effect_delay_days, knobs.effect_ramp_days)
        for each in (event, *others)
    )
    depth = depth or knobs.depth
    return counted(latent, depth), counted(latent - shift, depth)


def _walk(rng: np.random.Generator, rows: int, days: int, step_sd: float, memory: float) -> Floats:
    """Stationary walks (rows, days) that are pulled back to 0."""
    walk = rng.normal(0.0, step_sd, (days, rows))
    walk[0] /= np.sqrt(1 - memory**2)
    for day in range(1, days):
        walk[day] += memory * walk[day - 1]
    return np.ascontiguousarray(walk.T)


def _phased(knobs: PanelKnobs, page: Ints, day: Ints, effect: Floats, delay: int, days: int) -> Floats:
    """Sum of phased effects by page and day, (P, T): a ramp is two changes of slope, summed twice over days."""
    bends = np.zeros((knobs.pages, WARM_UP_DAYS + knobs.days + delay + days + 2))
    first = day + WARM_UP_DAYS + delay + 1
    np.add.at(bends, (page, first), effect / days)
    np.add.at(bends, (page, first + days), -effect / days)
    level = np.cumsum(np.cumsum(bends, axis=1), axis=1)
    return level[:, WARM_UP_DAYS : WARM_UP_DAYS + knobs.days]


def _by_topic(knobs: PanelKnobs, topic: Ints, level: Floats) -> Floats:
    """Sums over the pages of each topic, (topics, T)."""
    sums = np.zeros((knobs.topics, knobs.days))
    np.add.at(sums, topic, level)
    return sums


def _make_seasons(seed: int, knobs: PanelKnobs) -> Floats:
    """What the time of year does to each page, (P, T)."""
    rng = generator(seed, "seasons")
    phase = 2 * np.pi * (rng.random((knobs.pages, 1)) + np.arange(knobs.days) / YEAR_DAYS)
    return np.asarray(knobs.season_sd * np.sqrt(2) * rng.normal(0.0, 1.0, (knobs.pages, 1)) * np.sin(phase))


def _make_updates(seed: int, knobs: PanelKnobs) -> tuple[Ints, Floats]:
    """The engine's updates (U, 2), and what they and the topics' own walks do to the topics' levels, (topics, T)."""
    rng = generator(knobs.calendar or seed, "updates")
    begins = np.cumsum(10 + rng.exponential(knobs.update_days, 2 + knobs.days // 10).astype(np.int64))
    begins = begins[begins < knobs.days]
    if knobs.calendar:
        rng = generator(seed, "sizes of updates")
    level = np.cumsum(rng.normal(0.0, TOPIC_STEP_SD, (knobs.topics, knobs.days)), axis=1)
    sizes = rng.normal(0.0, knobs.update_sd, (knobs.topics, begins.size))
    level += sizes @ ramp(np.arange(knobs.days) - begins[:, None], 0, UPDATE_DAYS)
    return np.stack([begins, begins + UPDATE_DAYS], axis=1), level


def _make_edits(seed: int, knobs: PanelKnobs, links: LinkEvents) -> Edits:
    """Edits of their own time and those that came with a link; a third are of a title and change nothing."""
    rng = generator(seed, "edits")
    each = 8 + 3 * (WARM_UP_DAYS + knobs.days) // int(5 + knobs.edit_days)
    gaps = 5 + rng.exponential(knobs.edit_days, (knobs.pages, each)).astype(np.int64)
    own = np.cumsum(gaps, axis=1) - WARM_UP_DAYS
    page = np.repeat(np.arange(knobs.pages), each)
    new = np.flatnonzero(links.kind == GAINED)
    new = new[rng.random(new.size) < knobs.edit_share]
    beside = links.true_day[new] + np.rint(rng.normal(0.0, 7.0, new.size)).astype(np.int64)
    page = np.concatenate([page, links.page[new]])
    day = np.concatenate([own.ravel(), beside])
    effect = knobs.edit_effect * rng.exponential(1.0, page.size) * (rng.random(page.size) < 2 / 3)
    is_unseen = (np.arange(page.size) >= own.size) & (rng.random(page.size) < knobs.unseen_edit_share)
    inside = (day > -WARM_UP_DAYS) & (day < knobs.days)
    return Edits(page[inside], day[inside], effect[inside], ((day >= 0) & ~is_unseen)[inside])


def _make_series(seed: int, knobs: PanelKnobs) -> Series:
    keyword = np.repeat(np.arange(knobs.pages * knobs.keywords), knobs.devices)
    page = keyword // knobs.keywords
    is_stated = generator(seed, "configured").random(knobs.pages * knobs.keywords) >= knobs.unconfigured_share
    device = np.tile(np.arange(knobs.devices), knobs.pages * knobs.keywords)
    return Series(keyword, device, page, np.where(is_stated[keyword], page, -1))


def _make_latent(seed: int, knobs: PanelKnobs, series: Series, level: Floats) -> Floats:
    keywords = knobs.pages * knobs.keywords
    rng = generator(seed, "keywords")
    start = np.log(knobs.start_position) + rng.normal(0.0, knobs.start_spread, keywords)
    walk = _walk(rng, keywords, knobs.days, knobs.walk_sd, knobs.walk_memory)
    walk += start[:, None]
    offset = np.where(series.device == 0, 0.0, rng.normal(0.05, 0.06, series.device.size))
    latent = rng.normal(0.0, knobs.noise_sd, (series.keyword.size, knobs.days))
    latent += walk[series.keyword] + level[series.page] + offset[:, None]
    return np.asarray(latent)


def _make_checks(seed: int, knobs: PanelKnobs, series: Series, latent: Floats) -> Checks:
    rng = generator(seed, "checks")
    place = counted(latent, int(POSITION_LIMIT))
    chance = rng.random(latent.shape)
    asked = np.full(knobs.days, knobs.depth)
    if knobs.later_depth:
        asked[knobs.days // 2 :] = knobs.later_depth
    depth = np.where(rng.random(latent.shape) < knobs.shallow_share, asked // 2, asked)
    state = np.where(place <= depth, FOUND, NOT_FOUND)
    state[chance < knobs.failed_share + knobs.truncated_share] = TRUNCATED
    state[chance < knobs.failed_share] = FAILED
    is_left_out = rng.random(knobs.days) < knobs.unmeasured_share
    state[:, is_left_out | (np.arange(knobs.days) % knobs.check_every > 0)] = NO_CHECK
    if knobs.skipped_share:
        state[generator(seed, "skipped").random(latent.shape) < knobs.skipped_share] = NO_CHECK
    is_found = state == FOUND
    # Another page of the topic: pages are dealt to topics in turn.
    other = (series.page + knobs.topics) % knobs.pages
    is_switched = rng.random(latent.shape) < knobs.switch_share
    ranking = np.where(is_switched, other[:, None], series.page[:, None])
    return Checks(
        state=state.astype(np.int8),
        depth=np.where(state == NO_CHECK, 0, depth).astype(np.int16),
        position=np.where(is_found, place, 0).astype(np.int16),
        ranking_page=np.where(is_found, ranking, -1).astype(np.int32),
    )
