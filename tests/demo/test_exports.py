"""The samples in the demo's drop folders: forms that are known, saying what is true."""

from __future__ import annotations

from collections import Counter
from datetime import UTC, date, datetime, timedelta
from functools import partial
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest

from seo_warehouse.demo import DEMO_PROPERTIES, PANEL_DEPTH, outreach, write_exports
from seo_warehouse.demo.catalogue import DEVICES
from seo_warehouse.demo.world import World
from seo_warehouse.exports import stripping
from seo_warehouse.exports.forms import read, recognise, survey_sheets
from seo_warehouse.exports.layout import Reading
from seo_warehouse.exports.values import Habits

FIRST = date(2026, 5, 4)
TODAY = FIRST + timedelta(weeks=26)
WRITTEN = datetime.combine(TODAY, datetime.min.time(), UTC)


@pytest.fixture(scope="module")
def world() -> World:
    return World(20, FIRST)


@pytest.fixture(scope="module")
def drop(world: World, tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("demo") / "drop"
    write_exports(folder, world, TODAY)
    return folder


def rows_of(path: Path, form: str) -> list[dict[str, Any]]:
    (part,) = recognise(path.name, lambda: path.open("rb"), WRITTEN)
    assert (part.part, part.refused_count, part.equal_count, part.contradicted_count) == (form, 0, 0, 0)
    return list(read(path.name, lambda: path.open("rb"), part))


def test_the_edits_of_each_property_so_far_are_told_and_none_that_lies_ahead(drop: Path, world: World) -> None:
    for prop in DEMO_PROPERTIES:
        told = {
            (row["url"], row["day"], row["kind"])
            for row in rows_of(drop / prop.name / "page_changes.csv", "generic_page_changes")
        }
        made = {(prop.url(edit.path), edit.day, edit.kind) for edit in world.edits[prop.key]}
        assert told == {edit for edit in made if edit[1] < TODAY}
        assert told < made
        assert len(told) > 20


def test_the_tracker_noted_the_true_positions_of_the_four_weeks_before(drop: Path, world: World) -> None:
    days = [FIRST - timedelta(days=age) for age in range(28, 0, -1)]
    states = set()
    for prop in DEMO_PROPERTIES:
        rows = rows_of(drop / prop.name / "rank-tracker.csv", "rank_tracker_wide")
        assert len(rows) == len(days) * len(prop.tracked) * len(DEVICES)
        for row in rows:
            found = world.position(prop, row["keyword"], row["device"], row["day"])
            assert found is not None
            is_shown = found.position <= PANEL_DEPTH
            assert (row["state"], row["position"], row["depth"]) == (
                ("found", found.position, PANEL_DEPTH) if is_shown else ("not_found", None, PANEL_DEPTH)
            )
            states.add(row["state"])
        assert {row["day"] for row in rows} == set(days)
        assert {(row["engine"], row["country"], row["language"]) for row in rows} == {("google", "US", "en")}
    assert states == {"found", "not_found"}


def test_promises_are_of_the_links_that_came_and_name_their_days(drop: Path, world: World) -> None:
    for prop in DEMO_PROPERTIES:
        folder = drop / prop.name / "outreach"
        parts = {}
        for path in sorted(folder.iterdir()):
            pieces = list(stripping.strip(path.name, partial(BytesIO, path.read_bytes()), lambda named, about: "an id"))
            assert "editor@" not in b"".join(pieces).decode()
            kept = partial(BytesIO, b"".join(pieces))
            sheet = stripping.sheet_of(path.name, kept, Reading(Habits(), TODAY))
            if sheet is not None:
                part = survey_sheets(path.name, (sheet,), {"": kept}, WRITTEN)
                assert (part.refused_count, part.equal_count, part.contradicted_count) == (0, 0, 0), path.name
                parts[part.table] = list(read(path.name, kept, part))
        came = {link.url_from: link for link in world.links[prop.key] if link.changes[0].kind == "acquired"}
        placed = [row for row in parts["placement"] if row["placed_on"]]
        assert len(placed) > 30
        for row in placed:
            link = came[row["source_url"]]
            assert (row["target_url"], row["placed_on"]) == (link.url_to, link.changes[0].at.date())
            assert row["day"] < row["placed_on"] < TODAY
        assert 0 < len(parts["placement"]) - len(placed) < 10
        truth = list(outreach.truth(world, prop, TODAY))
        agreed = [each for each in truth if each["outcome"] == "agreed"]
        assert [
            (row["partner"], row["campaign"], row["day"].isoformat(), row["source_url"], row["price"] or 0.0)
            for row in parts["placement"]
        ] == [
            (each["partner"], each["campaign"], each["agreed_on"], each["source_url"], each["price"]) for each in agreed
        ]
        links = {link.link_id: link.url_from for link in came.values()}
        assert [row["source_url"] if row["placed_on"] else None for row in parts["placement"]] == [
            each["link_id"] and links[each["link_id"]] for each in agreed
        ]
        refused = {(each["partner"], each["campaign"]) for each in truth if each["outcome"] in ("declined", "bounced")}
        answers = [row for row in parts["touch"] if row["outcome"] in ("declined", "bounced")]
        assert {(row["partner"], row["campaign"]) for row in answers} <= refused
        assert len(answers) > 5
        sites = Counter(row["partner"] for row in parts["partner"])
        assert sorted(sites.values())[-4:] == [2, 2, 2, 3]
        handed = {row["site"] for row in parts["partner"] if row["owner_until"]}
        owned = [row for row in parts["partner"] if row["site"] in handed]
        assert (len(handed), len({row["partner"] for row in owned})) == (2, 4)
        assert {row["direction"] for row in parts["touch"]} == {"in", "out"}
        assert {row["partner"] for row in parts["touch"]} == {row["partner"] for row in parts["partner"]}


def test_a_folder_that_is_there_is_left_as_it_is(world: World, tmp_path: Path) -> None:
    first, second = (prop.name for prop in DEMO_PROPERTIES)
    (tmp_path / first).mkdir()
    write_exports(tmp_path, world, TODAY)
    assert list((tmp_path / first).iterdir()) == []
    (tmp_path / second / "page_changes.csv").unlink()
    write_exports(tmp_path, world, TODAY)
    assert sorted(path.name for path in (tmp_path / second).iterdir()) == ["outreach", "rank-tracker.csv"]
    assert sorted(path.name for path in tmp_path.iterdir()) == sorted((first, second))
