"""Google's Search Status Dashboard, as its JSON history has it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from seo_warehouse.config import Properties, Property
from seo_warehouse.demo.status import incidents
from seo_warehouse.errors import MalformedAnswerError, NightOverError
from seo_warehouse.sources.google_updates import GOOGLE_UPDATES, read_incidents
from seo_warehouse.spec import Row
from tests.sources.properties import AT, DATE, NIGHT, TONIGHT, check_columns, make_property
from tests.sources.provider import Asked, open_api, said, serving

RANKING = {"title": "Ranking", "id": "rGHU1u87FJnkP6W2GwMi"}
POST = {
    "created": "2026-05-21T15:43:28+00:00",
    "modified": "2026-05-21T15:43:28+00:00",
    "when": "2026-05-21T15:43:28+00:00",
    "text": "Released.",
    "status": "SERVICE_INFORMATION",
}
ROLLING_OUT: dict[str, Any] = {
    "id": "wdAXJk6LRRihEjpzEeWE",
    "number": "16339707297824723546",
    "begin": "2026-05-21T08:40:00-07:00",
    "created": "2026-05-21T15:43:28+00:00",
    "end": None,
    "modified": "2026-05-21T15:43:28+00:00",
    "external_desc": "May 2026 core update",
    "updates": [POST],
    "most_recent_update": POST,
    "status_impact": "SERVICE_INFORMATION",
    "severity": "low",
    "service_key": RANKING["id"],
    "service_name": "Ranking",
    "affected_products": [RANKING],
    "uri": "incidents/wdAXJk6LRRihEjpzEeWE",
}
"""An entry of a recorded answer, shortened, before the update had ended."""


def shared() -> Property:
    """What stands for all properties."""
    return Properties(properties=(make_property(),), google_updates={}).shared


def read(tmp_path: Path, document: Any, date: str = DATE) -> tuple[list[Row], dict[str, Any], list[Asked]]:
    """Rows, facts of the night and calls of reading an answer."""
    with serving() as provider, open_api(provider, tmp_path, GOOGLE_UPDATES) as api:
        provider.date = date
        provider.answer = lambda asked: said(document)
        rows = list(read_incidents(api, shared(), TONIGHT))
        return rows, api.facts.get(NIGHT, {}), provider.asked


def test_an_incident_is_kept_as_stated_with_its_instants_in_utc(tmp_path: Path) -> None:
    rows, facts, asked = read(tmp_path, [ROLLING_OUT])
    check_columns(GOOGLE_UPDATES, "incident", rows)
    assert [(call.method, call.path) for call in asked] == [("GET", "/incidents.json")]
    assert facts == {}
    row = rows[0]
    assert (row["day"], row["observed_at"], row["end_at"]) == (NIGHT, AT, None)
    assert row["begin_at"].isoformat() == "2026-05-21T15:40:00+00:00"
    assert (row["id"], row["external_desc"]) == ("wdAXJk6LRRihEjpzEeWE", "May 2026 core update")
    assert (row["updates"], row["affected_products"]) == ([POST], [RANKING])


def test_an_end_may_be_left_out_and_no_other_field(tmp_path: Path) -> None:
    entry = {name: value for name, value in ROLLING_OUT.items() if name not in ("end", "uri")} | {"region": "all"}
    _, facts, _ = read(tmp_path, [entry])
    assert facts == {"unknown_fields": ["region"], "missing_fields": ["uri"]}


def test_the_demos_answer_has_the_recorded_shape(tmp_path: Path) -> None:
    answer = incidents(AT)
    assert [set(entry) for entry in answer] == [set(ROLLING_OUT)] * 10
    assert [set(entry["most_recent_update"]) for entry in answer] == [set(POST)] * 10
    rows, facts, _ = read(tmp_path, answer)
    assert (len(rows), facts) == (10, {})
    assert incidents(rows[-1]["begin_at"])[0]["end"] is None


@pytest.mark.parametrize("broken", [{}, ["text"], [ROLLING_OUT | {"begin": "May 21"}], [ROLLING_OUT | {"id": 7}]])
def test_what_is_no_history_is_refused(tmp_path: Path, broken: Any) -> None:
    with pytest.raises(MalformedAnswerError):
        read(tmp_path, broken)


def test_tonights_answer_is_never_another_nights(tmp_path: Path) -> None:
    with pytest.raises(NightOverError):
        read(tmp_path, [ROLLING_OUT], date="Mon, 23 Nov 2026 00:10:00 GMT")
