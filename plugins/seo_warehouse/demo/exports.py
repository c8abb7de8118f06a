"""Sample files for the demo's drop folders: what somebody would have in hand on the first day.

All say what is true in the world: the edits that were made to the pages so far, the positions that a rank tracker noted
in the four weeks before the first day, whom somebody asked for links and what was promised, and, of one property, its
servers' logs up to yesterday.
"""

from __future__ import annotations

import csv
import shutil
from collections.abc import Iterable, Iterator
from datetime import date, timedelta
from pathlib import Path

from seo_warehouse.demo.catalogue import DEMO_PROPERTIES, DEVICES, PANEL_DEPTH, DemoProperty
from seo_warehouse.demo.logs import LOGGED, write_logs
from seo_warehouse.demo.outreach import write_outreach
from seo_warehouse.demo.world import World

TRACKED_DAYS = 28


def write_exports(drop: Path, world: World, today: date) -> None:
    """Put the samples of each property into its folder below `drop`, but for panels; what is there is left as it is."""
    for prop in DEMO_PROPERTIES:
        folder = drop / prop.name
        if folder.exists():
            continue
        aside = drop / f".{prop.name}.part"
        shutil.rmtree(aside, ignore_errors=True)
        aside.mkdir(parents=True)
        _write(aside / "page_changes.csv", page_changes(world, prop, today))
        _write(aside / "rank-tracker.csv", tracked_positions(world, prop))
        (aside / "outreach").mkdir()
        for name, rows in write_outreach(world, prop, today).items():
            _write(aside / "outreach" / name, rows)
        if prop.name == LOGGED:
            write_logs(aside / "logs", world, prop, today - timedelta(days=1))
        aside.rename(folder)


def page_changes(world: World, prop: DemoProperty, today: date) -> Iterator[list[str]]:
    """The edits made before `today`, in the generic form."""
    yield ["url", "changed_on", "kind"]
    for edit in sorted(world.edits[prop.key], key=lambda edit: (edit.day, edit.path)):
        if edit.day < today:
            yield [prop.url(edit.path), edit.day.isoformat(), edit.kind]


def tracked_positions(world: World, prop: DemoProperty) -> Iterator[list[str]]:
    """The positions of the days before the first one, as rank trackers lay them out."""
    days = [world.first_day - timedelta(days=age) for age in range(TRACKED_DAYS, 0, -1)]
    yield ["Keyword", "Engine", "Country", "Language", "Device", "Depth", *(day.isoformat() for day in days)]
    for tracked in prop.tracked:
        for device in DEVICES:
            found = (world.position(prop, tracked.keyword, device, day) for day in days)
            places = [_cell(position.position if position else None) for position in found]
            yield [tracked.keyword, "google", "US", "en", device, str(PANEL_DEPTH), *places]


def _cell(position: int | None) -> str:
    return str(position) if position is not None and position <= PANEL_DEPTH else f">{PANEL_DEPTH}"


def _write(path: Path, rows: Iterable[list[str]]) -> None:
    with path.open("w", encoding="utf-8", newline="") as file:
        csv.writer(file).writerows(rows)
