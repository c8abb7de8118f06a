"""The demo's HubSpot: companies, deals, mails and people of whoever asks for links, over the addresses of its CRM.

Lists tell a hundred records a page by number, those put away apart. A search tells live ones alone, and refuses to page
beyond `search_rows`. Now and then a call is one too many. Nobody of it is real.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, time, timedelta
from typing import Any

from seo_warehouse.demo.catalogue import DEMO_PROPERTIES, DemoProperty
from seo_warehouse.demo.chance import draw
from seo_warehouse.demo.world import World

PREFIX = "/crm/"
TOKEN = "demo-private-app-token"  # noqa: S105 - opens nothing but the demo
SEARCH_ROWS = 200
"""Results that a search tells in all: few, so that the demo meets the limit."""
PARTNERS, DAYS = 40, 160
"""Whom the account knows, and over how many days they were asked."""
BUSY_EVERY = 25
"""One call of so many is refused once."""
MOST_ROWS = 100
ASKED_BY = DEMO_PROPERTIES[1].name
"""The property whose partners are kept here too."""
STAGES = {"contacted": "contacted", "negotiation": "agreed", "closedwon": "placed", "closedlost": "declined"}
"""What they mean."""
PIPELINE = "outreach"
_PATH = re.compile(
    r"/crm/(?:v[34]/)?(objects|properties|pipelines|associations)/(?:\d{4}-\d\d/)?(\w+)(?:/(\w+))?(?:/(\w+)/(\w+))?/?"
)
Json = dict[str, Any]
Answer = tuple[int, Json, Mapping[str, str]]


@dataclass(frozen=True)
class Record:
    """A record as it is in time: `changed` are the instants of its changes, the first that of its making.

    `stages`: of a deal the instants at which it entered each. `ties`: numbers of records by object.
    """

    number: int
    changed: tuple[datetime, ...]
    properties: Mapping[str, str | None] = field(default_factory=dict)
    stages: tuple[tuple[datetime, str], ...] = ()
    ties: Mapping[str, tuple[int, ...]] = field(default_factory=dict)
    archived_at: datetime | None = None

    def told(self, now: datetime, names: Sequence[str], what: str) -> Json:
        """As HubSpot tells it."""
        changed = self.changed_at(now)
        values: dict[str, str | None] = {name: self.properties.get(name) for name in names}
        if self.stages and "dealstage" in names:
            values["dealstage"] = next((stage for at, stage in reversed(self.stages) if at <= now), None)
        stamp = _stamp(changed)
        values |= {"hs_object_id": str(self.number), "createdate": _stamp(self.changed[0]), changed_by(what): stamp}
        return {
            "id": str(self.number),
            "properties": values,
            "createdAt": _stamp(self.changed[0]),
            "updatedAt": stamp,
            "archived": self.is_archived(now),
        }

    def changed_at(self, now: datetime) -> datetime:
        """Its last change."""
        return max(at for at in self.changed if at <= now)

    def is_archived(self, now: datetime) -> bool:
        """Whether it was put away."""
        return self.archived_at is not None and self.archived_at <= now


def changed_by(what: str) -> str:
    """The property that tells when a record changed."""
    return "lastmodifieddate" if what == "contacts" else "hs_lastmodifieddate"


class Crm:
    """An account: its records by object, and what it lets be asked."""

    def __init__(
        self,
        records: Mapping[str, Sequence[Record]],
        pipelines: Sequence[Json] = (),
        *,
        search_rows: int = SEARCH_ROWS,
        busy_every: int | None = None,
        lacks_scope: str | None = None,
        properties: Mapping[str, Sequence[str]] | None = None,
    ) -> None:
        self.records = {what: list(found) for what, found in records.items()}
        self.pipelines, self.search_rows, self.busy_every = list(pipelines), search_rows, busy_every
        self.lacks_scope, self.properties = lacks_scope, properties or {}
        self._calls = 0

    def answer(self, method: str, path: str, query: Mapping[str, str], body: Json, now: datetime) -> Answer:
        """Status, document and headers of a request."""
        self._calls += 1
        if self.busy_every and self._calls % self.busy_every == 0:
            said = _error("RATE_LIMITS", "You have reached your secondly limit.", policyName="SECONDLY")
            return 429, said, {"Retry-After": "0"}
        found = _PATH.fullmatch(path)
        if found is None:
            return 404, _error("OBJECT_NOT_FOUND", "resource not found"), {}
        room, what, second, third, fourth = found.groups()
        if self.lacks_scope == what:
            errors = [
                {"message": "scopes are missing", "context": {"requiredGranularScopes": [f"crm.objects.{what}.read"]}}
            ]
            said = _error("MISSING_SCOPES", "This app hasn't been granted all required scopes.", errors=errors)
            return 403, said, {}
        asked = (method, room, second, third, fourth)
        if asked == ("GET", "objects", None, None, None):
            return self._list(what, query, now)
        if asked == ("POST", "objects", "search", None, None):
            return self._search(what, body, now)
        if asked[:2] == ("POST", "objects") and path.endswith("/batch/read"):
            return self._batch(what, body, now)
        if asked == ("POST", "associations", second, "batch", "read") and second:
            return self._ties(what, second, body)
        if asked[:3] == ("GET", "properties", None):
            names = self.properties.get(what) or sorted({name for each in self._of(what) for name in each.properties})
            return 200, {"results": [{"name": name, "label": name, "archived": False, **_PLAIN} for name in names]}, {}
        if asked[:3] == ("GET", "pipelines", None):
            return 200, {"results": self.pipelines}, {}
        return 404, _error("OBJECT_NOT_FOUND", "resource not found"), {}

    def _of(self, what: str) -> list[Record]:
        return self.records.get(what, [])

    def _there(self, what: str, now: datetime) -> list[Record]:
        return sorted((one for one in self._of(what) if one.changed[0] <= now), key=lambda one: one.number)

    def _list(self, what: str, query: Mapping[str, str], now: datetime) -> Answer:
        limit, after = int(query.get("limit", "10")), int(query.get("after", "0"))
        if not 0 < limit <= MOST_ROWS:
            return 400, _error("VALIDATION_ERROR", f"limit must be at most {MOST_ROWS}"), {}
        is_archived = query.get("archived") == "true"
        names = [name for name in query.get("properties", "").split(",") if name]
        found = [one for one in self._there(what, now) if one.is_archived(now) == is_archived and one.number > after]
        page = found[:limit]
        told: Json = {"results": [one.told(now, names, what) for one in page]}
        if len(found) > limit:
            told["paging"] = {"next": {"after": str(page[-1].number)}}
        return 200, told, {}

    def _search(self, what: str, body: Json, now: datetime) -> Answer:
        limit, after = int(body["limit"]), int(body["after"])
        if not 0 < limit <= MOST_ROWS or after + limit > self.search_rows:
            return 400, _error("VALIDATION_ERROR", "a search tells no more results than that"), {}
        [group] = body["filterGroups"]
        live = [one for one in self._there(what, now) if not one.is_archived(now)]
        found = [one for one in live if all(_holds(one, each, what, now) for each in group["filters"])]
        if body["sorts"] != ["hs_object_id"]:
            found.sort(key=lambda one: (one.changed_at(now), one.number))
        page = found[after : after + limit]
        told: Json = {"total": len(found), "results": [one.told(now, body["properties"], what) for one in page]}
        if after + limit < len(found):
            told["paging"] = {"next": {"after": str(after + limit)}}
        return 200, told, {}

    def _batch(self, what: str, body: Json, now: datetime) -> Answer:
        if len(body["inputs"]) > MOST_ROWS:
            return 400, _error("VALIDATION_ERROR", "too many inputs"), {}
        there = {str(one.number): one for one in self._there(what, now) if not one.is_archived(now)}
        found = [there[each["id"]] for each in body["inputs"] if each["id"] in there]
        results = []
        for one in found:
            told = one.told(now, body["properties"], what)
            if body["propertiesWithHistory"]:
                history = [
                    {"value": stage, "timestamp": _stamp(at), "sourceType": "CRM_UI"}
                    for at, stage in one.stages
                    if at <= now
                ]
                told["propertiesWithHistory"] = {"dealstage": history[::-1]}
            results.append(told)
        return 200 if len(found) == len(body["inputs"]) else 207, _batched(results), {}

    def _ties(self, of: str, to: str, body: Json) -> Answer:
        known = {str(one.number): one for one in self._of(of)}
        results = []
        for each in body["inputs"]:
            ties = known[each["id"]].ties.get(to, ()) if each["id"] in known else ()
            start = int(each.get("after", "0"))
            if ties[start:]:
                labels = [{"category": "HUBSPOT_DEFINED", "typeId": 5, "label": "Primary"}]
                more = [{"toObjectId": str(tie), "associationTypes": labels if tie == ties[0] else []} for tie in ties]
                told: Json = {"from": {"id": each["id"]}, "to": more[start : start + MOST_ROWS]}
                if ties[start + MOST_ROWS :]:
                    told["paging"] = {"next": {"after": str(start + MOST_ROWS)}}
                results.append(told)
        return 200 if len(results) == len(body["inputs"]) else 207, _batched(results), {}


_PLAIN = {"type": "string", "fieldType": "text", "groupName": "outreach", "description": "", "options": []}


def _holds(record: Record, asked: Json, what: str, now: datetime) -> bool:
    at = int(record.changed_at(now).timestamp() * 1000)
    own = {"hs_object_id": record.number, changed_by(what): at}[asked["propertyName"]]
    value = int(asked["value"])
    return {"GTE": own >= value, "GT": own > value, "LT": own < value}[asked["operator"]]


def _batched(results: list[Json]) -> Json:
    at = "2026-01-01T00:00:00Z"
    return {"status": "COMPLETE", "results": results, "startedAt": at, "completedAt": at}


def _error(category: str, message: str, **more: Any) -> Json:
    number = "00000000-0000-4000-8000-000000000000"
    return {"status": "error", "category": category, "message": message, "correlationId": number, **more}


def _stamp(at: datetime) -> str:
    return f"{at:%Y-%m-%dT%H:%M:%S}.{at.microsecond // 1000:03d}Z"


def account(world: World, prop: DemoProperty) -> Crm:
    """The account of a property: partners whom nobody else asks, each with an editor, a deal and a mail or two."""
    records: dict[str, list[Record]] = {"companies": [], "deals": [], "emails": [], "contacts": []}
    for number in range(1, PARTNERS + 1):
        names = (world.seed, "crm", prop.key, number)
        begun = datetime.combine(world.first_day, time(9), UTC) + timedelta(days=int(DAYS * draw(*names, "day")))
        for what, record in _partner(f"desk{number}.example", number, begun, draw(*names)).items():
            records[what] += record
    merged = replace(records["contacts"][0], number=9_001)
    records["contacts"][1:1] = [merged]
    first = records["contacts"][0]
    records["contacts"][0] = replace(first, properties={**first.properties, "hs_merged_object_ids": "9001"})
    last = records["companies"][-1]
    records["companies"][-1] = replace(last, archived_at=last.changed[0] + timedelta(days=200))
    made = {"archived": False, "createdAt": "1970-01-01T00:00:00Z", "updatedAt": "1970-01-01T00:00:00Z"}
    stages = [
        {"id": stage, "label": stage.capitalize(), "displayOrder": place, "metadata": {}, **made}
        for place, stage in enumerate(STAGES)
    ]
    pipelines = [{"id": PIPELINE, "label": "spring guides", "displayOrder": 0, "stages": stages, **made}]
    return Crm(records, pipelines, busy_every=BUSY_EVERY)


def _partner(domain: str, number: int, begun: datetime, chance: float) -> dict[str, list[Record]]:
    """The records of a partner who was asked: half of them never answer, a fifth declines, the others agree."""
    company, contact, deal, mail = (base + number for base in (1_000, 2_000, 3_000, 4_000))
    answered, decided = begun + timedelta(days=5), begun + timedelta(days=9)
    stages = [(begun, "contacted")]
    mails = [(mail, begun, "EMAIL")]
    if chance > 0.5:
        mails.append((mail + 1_000, answered, "INCOMING_EMAIL"))
        stages.append((decided, "closedlost" if chance < 0.7 else "negotiation"))
    ties = {"companies": (company,), "contacts": (contact,), "deals": (deal,)}
    return {
        "companies": [Record(company, (begun,), {"domain": domain, "name": f"Desk {number}"})],
        "contacts": [
            Record(
                contact,
                (begun,),
                {
                    "email": f"desk@{domain}",
                    "firstname": "Demo",
                    "lastname": f"Reader {number}",
                    "phone": None,
                    "company": domain,
                    "jobtitle": "editor",
                    "hs_merged_object_ids": None,
                },
            )
        ],
        "deals": [
            Record(
                deal,
                tuple(at for at, _ in stages),
                {"amount": str(50 + 5 * number), "pipeline": PIPELINE, "hs_merged_object_ids": None},
                tuple(stages),
                {"companies": (company,)},
            )
        ],
        "emails": [
            Record(
                one,
                (at,),
                {"hs_timestamp": _stamp(at), "hs_email_direction": direction, "hs_email_status": "SENT"},
                ties=ties,
            )
            for one, at, direction in mails
        ],
    }
