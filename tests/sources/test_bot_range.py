"""The lists of addresses that operators of bots publish."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from seo_warehouse.config import Properties, Property
from seo_warehouse.errors import MalformedAnswerError, NotArchivedError
from seo_warehouse.logs.ranges import LISTS
from seo_warehouse.sources.bot_range import BOT_RANGE, read_prefixes
from seo_warehouse.spec import Row
from tests.sources.properties import DATE, NIGHT, TONIGHT, check_columns, make_property
from tests.sources.provider import Act, Asked, open_api, said, serving


def shared() -> Property:
    """What stands for all properties."""
    return Properties(properties=(make_property(),), bot_range={"base_url": "http://127.0.0.1:1"}).shared


def document(*prefixes: str) -> dict[str, Any]:
    """A list as operators write it."""
    entries = [{"ipv6Prefix" if ":" in prefix else "ipv4Prefix": prefix} for prefix in prefixes]
    return {"creationTime": "2026-11-21T15:46:08.000000", "prefixes": entries}


def read(tmp_path: Path, answers: Mapping[str, Any], *, is_replay: bool = False) -> tuple[list[Row], dict[str, Any]]:
    """Rows and the night's facts; a list without an answer is not there."""

    def answer(asked: Asked) -> Act:
        name = asked.path.removeprefix("/").removesuffix(".json")
        return said(answers[name]) if name in answers else Act(b"gone", 404)

    with serving() as provider, open_api(provider, tmp_path, BOT_RANGE, may_call=not is_replay) as api:
        provider.date, provider.answer = DATE, answer
        rows = list(read_prefixes(api, shared(), TONIGHT))
        return rows, api.facts[NIGHT]


EVERY = {name: document(f"192.0.2.{i}/32", f"2001:db8::{i}/128") for i, name in enumerate(LISTS)}


def test_every_list_is_read_with_its_operator(tmp_path: Path) -> None:
    rows, facts = read(tmp_path, EVERY)
    check_columns(BOT_RANGE, "prefix", rows)
    assert facts == {"is_complete": True, "unread_lists": []}
    assert len(rows) == 2 * len(LISTS)
    assert {row["list"]: row["operator"] for row in rows} == {name: operator for name, (operator, _) in LISTS.items()}


@pytest.mark.parametrize("broken", [document(), [], {"prefixes": [{"ipv4Prefix": "192.0.2.1/24"}]}, {"prefixes": [{}]}])
def test_a_list_that_is_empty_or_broken_is_unread_and_the_others_are_read(tmp_path: Path, broken: Any) -> None:
    rows, facts = read(tmp_path, EVERY | {"gptbot": broken})
    assert facts == {"is_complete": False, "unread_lists": ["gptbot"]}
    assert {row["list"] for row in rows} == LISTS.keys() - {"gptbot"}


def test_a_replay_reads_the_lists_that_were_read(tmp_path: Path) -> None:
    some = {name: answer for name, answer in EVERY.items() if name != "bingbot"}
    before = read(tmp_path, some)
    assert read(tmp_path, EVERY, is_replay=True) == before


def test_a_night_without_any_list_fails(tmp_path: Path) -> None:
    with pytest.raises(MalformedAnswerError):
        read(tmp_path, dict.fromkeys(LISTS, document()))
    with pytest.raises(NotArchivedError):
        read(tmp_path / "empty", EVERY, is_replay=True)


def test_a_range_said_twice_is_one_row_and_an_unknown_field_is_noted(tmp_path: Path) -> None:
    twice = document("192.0.2.0/24", "192.0.2.0/24")
    twice["prefixes"][0]["region"] = "eu"
    rows, facts = read(tmp_path, EVERY | {"googlebot": twice})
    assert [row["prefix"] for row in rows if row["list"] == "googlebot"] == ["192.0.2.0/24"]
    assert facts["unknown_fields"] == ["region"]
