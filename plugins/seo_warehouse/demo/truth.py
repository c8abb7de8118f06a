"""The world's truth, written beside what it disclosed: links, positions, edits, demand, index, outreach, visits ..."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path
from typing import Any

import numpy as np
import orjson

from seo_warehouse.demo import logs, outreach
from seo_warehouse.demo.arrivals import arrivals
from seo_warehouse.demo.catalogue import DEMO_PROPERTIES, DEVICES
from seo_warehouse.demo.demand import Demand
from seo_warehouse.demo.index import holdings
from seo_warehouse.demo.linking import linking_pages
from seo_warehouse.demo.links import is_followed
from seo_warehouse.demo.logs import LOGGED
from seo_warehouse.demo.ranks import rank_truth
from seo_warehouse.demo.world import World

Json = dict[str, Any]


def link_events(world: World) -> Iterator[Json]:
    """Each thing that truly happened, or will happen, to a link, with its effect on the page's log position."""
    for links in world.links.values():
        for link in links:
            for change in link.changes:
                yield {
                    "property_key": link.property_key,
                    "link_id": link.link_id,
                    "url_from": link.url_from,
                    "url_to": link.url_to,
                    "path": link.path,
                    "host_from": link.site.host,
                    "authority": link.site.authority,
                    "kind": change.kind,
                    "at": change.at.isoformat(),
                    "is_live": change.is_live,
                    "rel": list(change.rel),
                    "is_followed": is_followed(change.rel),
                    "anchor": change.anchor,
                    "effect": change.effect,
                }


def effects(world: World) -> dict[tuple[int, str], float]:
    """What each link's coming did, once it had told, to its page's log position: by property and linking page."""
    return {
        (link.property_key, link.url_from): link.changes[0].effect for links in world.links.values() for link in links
    }


def edits(world: World) -> Iterator[Json]:
    """Each on-page edit."""
    for made in world.edits.values():
        for edit in made:
            yield {
                "property_key": edit.property_key,
                "path": edit.path,
                "day": edit.day.isoformat(),
                "version": edit.version,
                "kind": edit.kind,
                "effect": edit.effect,
            }


def positions(world: World, first: date, last: date) -> Iterator[Json]:
    """True positions by keyword, device and day, beyond any depth too."""
    begin, days = world.index(first), (last - first).days + 1
    for prop in world.properties:
        for tracked in prop.tracked:
            for device in DEVICES:
                latent = world.latent(prop.key, tracked.keyword, device)[begin : begin + days]
                whole = np.rint(latent).astype(int).tolist()
                for offset, (value, position) in enumerate(zip(latent.tolist(), whole, strict=True)):
                    yield {
                        "property_key": prop.key,
                        "keyword": tracked.keyword,
                        "device": device,
                        "day": (first + timedelta(days=offset)).isoformat(),
                        "position": position,
                        "latent": round(value, 3),
                    }


def demand(demand: Demand, first: date, last: date) -> Iterator[Json]:
    """Final totals by property and day: all searches shown, and the share that is anonymised."""
    far = last + timedelta(days=30)
    for key, cells in demand.cells.items():
        hidden = np.array([cell.is_anonymous for cell in cells])
        for offset in range((last - first).days + 1):
            day = first + timedelta(days=offset)
            figures = demand.on(key, day, far)
            if figures is None:
                continue
            yield {
                "property_key": key,
                "day": day.isoformat(),
                "clicks": int(figures.clicks.sum()),
                "impressions": int(figures.impressions.sum()),
                "anonymised_clicks": int(figures.clicks[hidden].sum()),
                "anonymised_impressions": int(figures.impressions[hidden].sum()),
            }


def index(world: World) -> Iterator[Json]:
    """What Google's index holds of each URL it knows, from which day on."""
    for prop in DEMO_PROPERTIES:
        for path, held in holdings(world.seed, prop, world.first_day).items():
            for each in held:
                yield {
                    "property_key": prop.key,
                    "url": prop.url(path),
                    "since": each.since.isoformat(),
                    "verdict": each.verdict,
                    "coverage_state": each.coverage,
                    "is_indexed": each.is_indexed,
                }


def milestones(world: World) -> Iterator[Json]:
    """On which day each page that came later was published, and Google visited, took in and showed it."""
    for prop in DEMO_PROPERTIES:
        for new in arrivals(world.seed, prop, world.first_day):
            for name in ("published", "visited", "indexed", "shown"):
                day: date | None = getattr(new, name)
                if day is not None:
                    yield {
                        "property_key": prop.key,
                        "url": prop.url(new.page.path),
                        "milestone": name,
                        "day": day.isoformat(),
                    }


def write_truth(folder: Path, world: World, figures: Demand, last: date) -> None:
    """Write truth/*.jsonl up to `last` (links, edits, index and milestones for all time; outreach as of that day)."""
    target = folder / "truth"
    target.mkdir(parents=True, exist_ok=True)
    _write(target / "links.jsonl", link_events(world))
    _write(target / "linking_pages.jsonl", linking_pages(world))
    _write(target / "edits.jsonl", edits(world))
    _write(target / "index.jsonl", index(world))
    _write(target / "milestones.jsonl", milestones(world))
    _write(target / "ranks.jsonl", rank_truth(world.seed))
    _write(target / "positions.jsonl", positions(world, world.first_day, last))
    _write(target / "demand.jsonl", demand(figures, world.first_day, last))
    asked = (each for prop in DEMO_PROPERTIES for each in outreach.truth(world, prop, last))
    _write(target / "outreach.jsonl", asked)
    for prop in world.properties:
        if prop.name == LOGGED:
            _write(target / "visits.jsonl", logs.truth(world, prop, last))


def _write(path: Path, rows: Iterable[Json]) -> None:
    aside = path.with_suffix(".part")
    with aside.open("wb") as file:
        for row in rows:
            file.write(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE))
    aside.replace(path)
