"""HubSpot: companies as partners, deals as promises, mails as touches; contacts are people, and kept apart.

GET objects/{object} lists 100 a page with `paging.next.after` until that is absent, archived records apart. POST
objects/{object}/search finds what changed, 10,000 at most, and lags writes by moments
(https://github.com/HubSpot/HubSpot-public-api-spec-collection, CRM). Values are texts or null whatever they mean.

What changed is asked for by the number of a record, page by page from the last one on, so that no limit is met and a
change between two pages shifts nothing. The number of a contact is a person's: contacts are asked for by spans of
time instead, halved until each has less than a search tells. A deal's stages come with the instant each was entered.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, date, datetime, time, timedelta
from functools import cached_property
from typing import Any

import orjson
from pydantic import Field, field_validator

from seo_warehouse.client.access import Access, HeaderKey
from seo_warehouse.client.answers import Items, retry_after_seconds
from seo_warehouse.client.api import Api, Reply
from seo_warehouse.client.archive import Answer
from seo_warehouse.errors import (
    CredentialsError,
    MalformedAnswerError,
    SourceError,
    TerminalSourceError,
    ThrottledError,
)
from seo_warehouse.exports.stripping import ADDRESS
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources.exports import has_identity, of_this_property
from seo_warehouse.sources.fields import Shape, integer, iso_instant, mapping, sequence, text
from seo_warehouse.sources.outreach import (
    CURRENCIES,
    LINK_KIND,
    ODD_ROWS,
    OFFER,
    PROMISE_RULES,
    PROMISED,
    TERMS,
    no_touch_is_ahead,
    promise_batch_rules,
)
from seo_warehouse.spec import (
    DAY,
    OBSERVED_AT,
    PERSON_ID,
    BatchRule,
    Column,
    Feed,
    Kind,
    Period,
    Persons,
    Row,
    Source,
    Table,
    Type,
)

PAGE_ROWS = 100
HISTORY_ROWS = 50
"""Records of one batch with the history of a property: that takes fewer than 100."""
SEARCH_ROWS = 10_000
"""Results beyond which a search refuses to page."""
LAG = timedelta(hours=1)
"""A search knows a change some moments late, and clocks differ."""
FOUNDED = date(2006, 1, 1)
"""No record is older."""
LEAST_SPAN = timedelta(seconds=1)
BURST_SECONDS = 10.0
"""Window of the limit on bursts, where a 429 names no time."""
DAY_SECONDS = 3600.0
"""More than a call waits: the scheduler asks again once a day's calls are used up."""
CALLS_PER_MINUTE = 200
"""A search may be asked four times a second."""
SCOPES = {
    "companies": "crm.objects.companies.read",
    "deals": "crm.objects.deals.read",
    "emails": "crm.objects.contacts.read or sales-email-read",
    "contacts": "crm.objects.contacts.read",
}
CHANGED = {"contacts": "lastmodifieddate"}
"""Property by which a change is sought, where it is not `hs_lastmodifieddate`."""
MERGED = "hs_merged_object_ids"
STAGE, PIPELINE = "dealstage", "pipeline"
MAIL = {"sent_at": "hs_timestamp", "direction": "hs_email_direction", "status": "hs_email_status"}
PERSON = {"email": "email", "phone": "phone"}
NAMES = ("firstname", "lastname")
ABOUT = {"partner": "company", "role": "jobtitle"}
PERSONAL = frozenset({*PERSON.values(), *NAMES, *ABOUT.values()})
DIRECTIONS = {"EMAIL": "out", "INCOMING_EMAIL": "in"}
SCHEDULED = "SCHEDULED"
"""Status of a mail that is yet to be sent, on a day to come."""
STATES = ("prospect", "contacted", "replied", "agreed", "placed", "declined")
UNKNOWN = "unknown_state"
NO_CAMPAIGN = "no deal"
"""Campaign of a mail that belongs to no deal, or to deals of several campaigns."""
OF_COMPANY = {"partner": "domain", "site": "domain"}
COMPANY_FIELDS = ("partner", "site", "kind", "country", "language", "topic", "price", "currency")
OF_DEAL = {"price": "amount"}
DEAL_FIELDS = (
    *("campaign", "kind", "source_url", "target_url", "anchor", "agreed_on", "placed_on", "until"),
    *("price", "currency", "payment", "paid_from", "paid_until", "invoice"),
)
ALWAYS = ("hs_object_id", "createdate", "hs_createdate", "hs_lastmodifieddate", "lastmodifieddate")
"""Properties that come unasked."""
NUMBER_OF = "hubspot:"
"""Before the number of a contact, which others may use for somebody else."""
_ID = re.compile(r"[\w.-]{1,64}")
_PATH = re.compile(r"/crm/(?:v\d+/)?(objects|properties|pipelines|associations)/(?:\d{4}-\d\d/)?([^?]+)")
_STAMP = re.compile(r"[0-9TZ:.+-]{1,40}|True|False")
_TEXT = 1_000


def _mapped(stated: dict[str, str], known: Sequence[str]) -> dict[str, str]:
    if unknown := stated.keys() - set(known):
        raise ValueError(f"{', '.join(sorted(unknown))}: known are {', '.join(known)}")
    _refuse_people(stated.values())
    return stated


def _refuse_people(properties: Iterable[str]) -> None:
    if people := PERSONAL.intersection(properties):
        raise ValueError(f"{', '.join(sorted(people))}: tells of people, who are kept apart")


class HubspotSettings(Strict):
    """Whose partners, deals and mails are read, and what one's own properties and stages mean."""

    connection: str = Field("hubspot", description="Airflow connection whose password is a private app's token.")
    version: str = Field(
        "v3", pattern=r"^(v3|20\d\d-\d\d)$", description="Version of the API, as its addresses name it: v3 or 2026-03."
    )
    interval_days: int = Field(1, ge=1, description="Days between two nights that read it.")
    full_interval_days: int = Field(
        7, ge=1, description="Days between two nights that read everything; only these show what is gone."
    )
    contact_months: int = Field(
        default=24,
        ge=1,
        le=1_200,
        description="Months after the last touch for which a person is kept ([how long](personal-data.md#how-long)).",
    )
    currency: str = Field(
        "USD", pattern=f"^({'|'.join(CURRENCIES)})$", description="Currency of amounts beside which none is stated."
    )
    company_properties: dict[str, str] = Field(
        default_factory=dict,
        description="Which property of a company tells what ([HubSpot](relationships.md#hubspot)); partner and site are"
        " its `domain`.",
        examples=[{"price": "link_price"}],
    )
    deal_properties: dict[str, str] = Field(
        default_factory=dict,
        description="Which property of a deal tells what ([HubSpot](relationships.md#hubspot)); price is its `amount`.",
        examples=[{"source_url": "link_page", "target_url": "link_target"}],
    )
    partners_where: dict[str, str] = Field(
        default_factory=dict,
        description="Companies that are partners: those whose properties have these values. Absent: all are, customers"
        " too.",
        examples=[{"type": "PARTNER"}],
    )
    stages: dict[str, str] = Field(
        default_factory=dict,
        description="By a stage's id what it means: prospect, contacted, replied, agreed, placed or declined. A deal in"
        " any other is counted and not used.",
        examples=[{"closedwon": "placed"}],
    )

    @field_validator("company_properties")
    @classmethod
    def _are_of_company(cls, stated: dict[str, str]) -> dict[str, str]:
        return _mapped(stated, COMPANY_FIELDS)

    @field_validator("partners_where")
    @classmethod
    def _are_of_no_person(cls, stated: dict[str, str]) -> dict[str, str]:
        _refuse_people(stated)
        return stated

    @field_validator("deal_properties")
    @classmethod
    def _are_of_deal(cls, stated: dict[str, str]) -> dict[str, str]:
        return _mapped(stated, DEAL_FIELDS)

    @field_validator("stages", mode="before")
    @classmethod
    def _are_named(cls, stated: Any) -> Any:
        # Ids of one's own stages are numbers, and YAML takes them for such.
        return {str(id): state for id, state in stated.items()} if isinstance(stated, dict) else stated

    @field_validator("stages")
    @classmethod
    def _are_states(cls, stated: dict[str, str]) -> dict[str, str]:
        if unknown := set(stated.values()) - set(STATES):
            raise ValueError(f"{', '.join(sorted(unknown))}: known are {', '.join(STATES)}")
        return stated

    def asked(self, what: str) -> dict[str, str]:
        """Which property of an object tells what."""
        return {
            "companies": {
                **OF_COMPANY,
                **self.company_properties,
                "merged_ids": MERGED,
                **{f"where {name}": name for name in self.partners_where},
            },
            "deals": {**OF_DEAL, **self.deal_properties, "stage": STAGE, "pipeline": PIPELINE, "merged_ids": MERGED},
            "emails": MAIL,
            "contacts": {**PERSON, **{name: name for name in NAMES}, **ABOUT, "merged_ids": MERGED},
        }[what]

    def has_partner(self, properties: Mapping[str, Any]) -> bool:
        """Whether a company with these properties is a partner."""
        return all(properties.get(name) == value for name, value in self.partners_where.items())

    def path(self, room: str, *rest: str) -> str:
        """Address of a part of the API."""
        if self.version != "v3":
            return "/".join(("/crm", room, self.version, *rest))
        return "/".join(("/crm", "v4" if room == "associations" else "v3", room, *rest))


RECORD = Shape(
    Column("id", Type.TEXT, "Number of the record.", required=True),
    Column("properties", Type.JSON, "What was asked for, as texts.", required=True),
    Column("updatedAt", Type.INSTANT, "Last change."),
    Column("archived", Type.BOOLEAN, "It was put away.", required=True),
    unused=["createdAt", "propertiesWithHistory"],
)
STAGES = Shape(
    Column("id", Type.TEXT, "Id of the stage.", required=True),
    Column("label", Type.TEXT, "The stage, as it is called."),
    Column("archived", Type.BOOLEAN, "It was put away."),
)


def strip_people(settings: HubspotSettings, persons: Persons, path: str, document: Any) -> Any:
    """What may be kept of an answer: what was asked for, and of people their random ids alone."""
    if not isinstance(document, dict):
        return None
    results = document.get("results")
    if not isinstance(results, list):
        said = _kept(document, ("status", "category", "message", "policyName", "errors"))
        return _without_addresses(said, persons)
    found = _PATH.search(path)
    room, rest = found.groups() if found else ("", "")
    whose = rest.split("/")
    if room == "objects":
        results = _kept_records(settings, persons, whose[0], results)
    elif room == "associations" and len(whose) > 1:
        results = [_kept_ties(persons, whose[0], whose[1], entry) for entry in results]
    else:
        names = {"pipelines": ("id", "label", "stages"), "properties": ("name",)}.get(room, ())
        results = [_kept(entry, names) for entry in results]
    kept: dict[str, Any] = {"results": results, **_kept(document, ("total", "numErrors"))}
    after = _after(document)
    if after is not None:
        kept["paging"] = {"next": {"after": after}}
    return kept


def _kept(entry: Any, names: Iterable[str]) -> dict[str, Any]:
    return {name: entry[name] for name in names if name in entry} if isinstance(entry, dict) else {}


def _after(document: Mapping[str, Any]) -> Any:
    """The place of the next page; None where there is none."""
    paging = document.get("paging")
    following = paging.get("next") if isinstance(paging, dict) else None
    return following.get("after") if isinstance(following, dict) else None


def _kept_records(settings: HubspotSettings, persons: Persons, what: str, entries: list[Any]) -> list[Any]:
    if what == "contacts":
        # Who others were merged into comes first: these are found to be the same then.
        order = sorted(range(len(entries)), key=lambda place: not _properties(entries[place]).get(MERGED))
        people = {place: _kept_contact(persons, entries[place]) for place in order}
        return [people[place] for place in range(len(entries))]
    asked = {*settings.asked(what).values()} if what in SCOPES else set()
    return [_kept_record(persons, asked, entry) for entry in entries]


def _properties(entry: Any) -> dict[str, Any]:
    properties = entry.get("properties") if isinstance(entry, dict) else None
    return properties if isinstance(properties, dict) else {}


def _kept_record(persons: Persons, asked: set[str], entry: Any) -> dict[str, Any] | None:
    if not isinstance(entry, dict):
        return None
    values = {name: value if name in asked else None for name, value in _properties(entry).items()}
    kept = {
        **_stamps(entry),
        "id": _kept_id(entry.get("id")),
        "properties": _without_addresses(values, persons),
    }
    history = entry.get("propertiesWithHistory")
    if isinstance(history, dict) and isinstance(history.get(STAGE), list):
        kept["propertiesWithHistory"] = {STAGE: [_kept(each, ("value", "timestamp")) for each in history[STAGE]]}
    return kept


def _stamps(entry: Mapping[str, Any]) -> dict[str, Any]:
    """When a record was made and changed, and whether it was put away; of what is none of these nothing."""
    names = ("createdAt", "updatedAt", "archived")
    return {name: value if _STAMP.fullmatch(str(value)) else None for name, value in _kept(entry, names).items()}


def _kept_contact(persons: Persons, entry: Any) -> dict[str, Any] | None:
    if not isinstance(entry, dict):
        return None
    texts = {name: value.strip() for name, value in _properties(entry).items() if isinstance(value, str)}
    number = entry.get("id")
    if not (isinstance(number, str) and re.fullmatch(PERSON_ID, number)):
        named = {kind: texts[name] for kind, name in PERSON.items() if texts.get(name)}
        whole = " ".join(texts[name] for name in NAMES if texts.get(name))
        named |= {"name": whole} if whole else {}
        named |= {"id": f"{NUMBER_OF}{_kept_id(number)}"} if _kept_id(number) else {}
        about = {name: texts[of] for name, of in ABOUT.items() if texts.get(of)}
        others = [f"{NUMBER_OF}{one}" for one in texts.get(MERGED, "").split(";") if _ID.fullmatch(one)]
        number = persons.find(named, about, others)
    return {**_stamps(entry), "id": number, "properties": {}}


def _kept_ties(persons: Persons, of: str, to: str, entry: Any) -> dict[str, Any] | None:
    if not isinstance(entry, dict):
        return None
    ties = entry.get("to")
    kept = []
    for tie in ties if isinstance(ties, list) else ():
        number = _kept_id(tie.get("toObjectId")) if isinstance(tie, dict) else None
        if to == "contacts" and number and not re.fullmatch(PERSON_ID, number):
            number = persons.find({"id": f"{NUMBER_OF}{number}"}, {})
        types = tie.get("associationTypes") if isinstance(tie, dict) else None
        labels = [_kept(one, ("label",)) for one in types] if isinstance(types, list) else []
        kept.append({"toObjectId": number, "associationTypes": labels})
    known = entry.get("from")
    stripped: dict[str, Any] = {
        "from": {"id": _kept_id(known.get("id")) if isinstance(known, dict) and of != "contacts" else None},
        "to": kept,
    }
    after = _after(entry)
    if after is not None and to != "contacts":
        stripped["paging"] = {"next": {"after": after}}
    return stripped


def _kept_id(value: Any) -> str | None:
    """The number of a record as a text; None where it is none."""
    found = str(value) if isinstance(value, int) and not isinstance(value, bool) else value
    return found if isinstance(found, str) and _ID.fullmatch(found) else None


def _without_addresses(value: Any, persons: Persons, deepest: int = 6) -> Any:
    """A document in whose texts ids stand for addresses."""
    if isinstance(value, str):
        if "@" not in value:
            return value
        return ADDRESS.sub(lambda found: persons.find({"email": found[0]}, {}) or "", value)
    if isinstance(value, dict) and deepest:
        return {name: _without_addresses(each, persons, deepest - 1) for name, each in value.items()}
    if isinstance(value, list) and deepest:
        return [_without_addresses(each, persons, deepest - 1) for each in value]
    return value if isinstance(value, int | float | None) else None


def explain(answer: Answer) -> SourceError | None:
    """What a refusal says; None of an answer that is none, or that HTTP's status tells enough of."""
    if answer.status not in (401, 403, 429):
        return None
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        document = None
    said = document if isinstance(document, dict) else {}
    message = " ".join(str(said.get("message") or f"HTTP {answer.status}").split())[:300]
    if answer.status == 429:
        policy = str(said.get("policyName") or "")
        asked = retry_after_seconds(answer)
        wish = DAY_SECONDS if "DAILY" in policy.upper() else BURST_SECONDS if asked is None else asked
        return ThrottledError(f"{message} ({policy})" if policy else message, wish)
    scopes = sorted(set(_texts_in([each.get("context") for each in _dicts(said.get("errors"))])))
    wanted = f": grant {', '.join(scopes)} to the private app" if scopes else ""
    return CredentialsError(f"{said.get('category') or answer.status}: {message}{wanted}")


def _dicts(value: Any) -> list[dict[str, Any]]:
    return [each for each in value if isinstance(each, dict)] if isinstance(value, list) else []


def _texts_in(value: Any, deepest: int = 4) -> Iterator[str]:
    if isinstance(value, str):
        yield value[:100]
    elif deepest and isinstance(value, dict | list):
        for each in value.values() if isinstance(value, dict) else value:
            yield from _texts_in(each, deepest - 1)


@dataclass(frozen=True)
class _Page:
    """The records of an answer, how many a search found in all, and the place of the next page."""

    items: Items
    after: str | None
    total: int


@dataclass
class _Account:
    """What one load asks of an account, and what it found out of place."""

    api: Api
    settings: HubspotSettings
    period: Period
    counts: dict[str, int] = field(default_factory=dict)

    @property
    def night(self) -> date:
        return self.period.last_day

    @property
    def kept_since(self) -> date:
        """People who were not spoken to since are not asked for."""
        return max(FOUNDED, self.night - timedelta(days=int(self.settings.contact_months * 365.25 / 12)))

    def count(self, name: str, more: int = 1) -> None:
        """Count something for the gate."""
        self.counts[name] = self.counts.get(name, 0) + more

    def replies(self, what: str) -> Iterator[Reply]:
        """Answers with records, each a `_Page`: all, archived ones too, or those that changed."""
        self._find_missing(what)
        listed = 0
        for reply in self._asked(what):
            page: _Page = reply.json
            self.api.note_shape(self.night, page.items)
            listed += len(page.items.rows)
            yield reply
        since = self.period.since
        self.api.note(
            self.night,
            is_full=since is None,
            is_complete=True,
            since=None if since is None else since.isoformat(),
            listed_count=listed,
            **self.counts,
        )

    def _asked(self, what: str) -> Iterator[Reply]:
        since = self.period.since
        if what == "contacts":
            first = self.kept_since if since is None else since
            return self._spans(what, datetime.combine(first, time(), UTC) - LAG, None)
        return self._listed(what) if since is None else self._searched(what, since)

    def _find_missing(self, what: str) -> None:
        """Note which of the wanted properties an account has not."""
        reply = self.api.get(self.settings.path("properties", what), decode=_property_names)
        usual = {MERGED, STAGE, PIPELINE, *PERSONAL}
        if missing := {*self.settings.asked(what).values()} - reply.json - usual:
            self.api.note(self.night, missing_properties=sorted(f"{what}.{name}" for name in missing))

    def _listed(self, what: str) -> Iterator[Reply]:
        # Live ones first: one that is put away meanwhile is told twice then, and not missed.
        for archived in ("false", "true"):
            after: str | None = None
            while True:
                asked = {"limit": PAGE_ROWS, "properties": ",".join(self._names(what)), "archived": archived}
                reply = self.api.get(
                    self.settings.path("objects", what),
                    asked if after is None else {**asked, "after": after},
                    decode=self._decode(what, after),
                )
                yield reply
                after = reply.json.after
                if after is None:
                    break

    def _searched(self, what: str, since: date) -> Iterator[Reply]:
        changed = _filter(what, "GTE", datetime.combine(since, time(), UTC) - LAG)
        last = "0"
        while True:
            number = {"propertyName": "hs_object_id", "operator": "GT", "value": last}
            reply = self._search(what, [changed, number], ["hs_object_id"], "0")
            yield reply
            rows = reply.json.items.rows
            if not rows or (reply.json.after is None and reply.json.total <= len(rows)):
                return
            if rows[-1]["id"] == last:
                raise TerminalSourceError(f"{what}: the search tells record {last} again and again")
            last = rows[-1]["id"]

    def _spans(self, what: str, first: datetime, end: datetime | None) -> Iterator[Reply]:
        """What changed from `first` on and before `end`, in parts of which each is within what a search tells."""
        span = [_filter(what, "GTE", first), *([] if end is None else [_filter(what, "LT", end)])]
        sort = [CHANGED.get(what, "hs_lastmodifieddate")]
        reply = self._search(what, span, sort, "0")
        if reply.json.total > SEARCH_ROWS:
            until = end or datetime.combine(self.night + timedelta(days=1), time(), UTC)
            middle = first + (until - first) / 2
            if until - first < LEAST_SPAN:
                raise TerminalSourceError(f"{what}: {reply.json.total:,} changed in a second, more than a search tells")
            yield from self._spans(what, first, middle)
            yield from self._spans(what, middle, end)
            return
        yield reply
        before = "0"
        while reply.json.after is not None:
            if reply.json.after == before:
                raise TerminalSourceError(f"{what}: the search tells the same page again and again")
            before = reply.json.after
            reply = self._search(what, span, sort, before)
            yield reply

    def _search(self, what: str, filters: list[dict[str, Any]], sorts: list[str], after: str) -> Reply:
        body = {
            "filterGroups": [{"filters": filters}],
            "sorts": sorts,
            "properties": self._names(what),
            "limit": PAGE_ROWS,
            "after": after,
        }
        return self.api.post(self.settings.path("objects", what, "search"), body, decode=self._decode(what, None))

    def _names(self, what: str) -> list[str]:
        return sorted({*self.settings.asked(what).values()})

    def _decode(self, what: str, before: str | None) -> Callable[[Any], _Page]:
        known = {*self._names(what), *ALWAYS}

        def decode(document: Any) -> _Page:
            answer = mapping(document, "the answer")
            entries = [mapping(entry, "results[]") for entry in sequence(answer.get("results"), "results")]
            rows = [RECORD.row(entry) for entry in entries]
            for row in rows:
                if (row["id"] is None and what != "contacts") or not isinstance(row["properties"], dict):
                    raise MalformedAnswerError(f"a record of {what} has no number, or no properties")
            items = RECORD.around(entries, rows)
            odd = {f"{what}.{name}" for row in rows for name in row["properties"] if name not in known}
            following = _after(answer)
            after = None if following is None else text(following, "paging.next.after")
            if after is not None and after == before:
                raise TerminalSourceError(f"{what}: the list tells the same page again and again ({after[:80]!r})")
            total = integer(answer["total"], "total") if answer.get("total") is not None else len(rows)
            return _Page(replace(items, odd=frozenset(odd)), after, total)

        return decode

    def ties(self, of: str, to: str, numbers: Sequence[str]) -> dict[str, list[tuple[str | None, bool]]]:
        """Of each record those of another object that belong to it, and whether it is the main one of them."""
        found: dict[str, list[tuple[str | None, bool]]] = {number: [] for number in numbers}
        asked: list[dict[str, str]] = [{"id": number} for number in numbers]
        while asked:
            path = self.settings.path("associations", of, to, "batch", "read")
            told: list[_Tie] = self.api.post(path, {"inputs": asked}, decode=_decode_ties).json
            following: list[dict[str, str]] = []
            for tie in told:
                found.setdefault(tie.of, []).extend(tie.to)
                if tie.after is not None:
                    following.append({"id": tie.of, "after": tie.after})
            if following == asked:
                raise TerminalSourceError(f"{of} to {to}: the same page is told again and again")
            asked = following
        return found

    def batch(self, what: str, numbers: Iterable[str], *, history: bool = False) -> dict[str, dict[str, Any]]:
        """The values of records by number, under `history` the stages of each with their instants."""
        found: dict[str, dict[str, Any]] = {}
        once, step = list(dict.fromkeys(numbers)), HISTORY_ROWS if history else PAGE_ROWS
        for first in range(0, len(once), step):
            body = {
                "inputs": [{"id": number} for number in once[first : first + step]],
                "properties": self._names(what),
                "propertiesWithHistory": [STAGE] if history else [],
            }
            path = self.settings.path("objects", what, "batch", "read")
            found |= self.api.post(path, body, decode=_decode_batch).json
        return found

    def partners(self, companies: Iterable[str]) -> dict[str, str | None]:
        """The partner that each company is: what the property says, else its number; None of one that is none."""
        name = self.settings.asked("companies")["partner"]
        found = {number: values["properties"] for number, values in self.batch("companies", companies).items()}
        return {
            number: (_text(values.get(name)) or number) if self.settings.has_partner(values) else None
            for number, values in found.items()
        }

    @cached_property
    def pipelines(self) -> Reply:
        """The pipelines of deals with their stages."""
        return self.api.get(self.settings.path("pipelines", "deals"), decode=_decode_pipelines)

    def campaign(self, properties: Mapping[str, Any]) -> str | None:
        """The campaign of a deal: what its property says, else its pipeline."""
        own = self.settings.asked("deals").get("campaign")
        stated = _text(properties.get(own)) if own else None
        if stated:
            return stated
        pipeline = properties.get(PIPELINE)
        return next((each["label"] or each["id"] for each in self.pipelines.json if each["id"] == pipeline), None)

    def state(self, stage: Any) -> str:
        """What a stage means."""
        return self.settings.stages.get(str(stage), UNKNOWN)


@dataclass(frozen=True)
class _Tie:
    of: str
    to: list[tuple[str | None, bool]]
    after: str | None


def _filter(what: str, operator: str, at: datetime) -> dict[str, Any]:
    value = str(int(at.timestamp() * 1000))
    return {"propertyName": CHANGED.get(what, "hs_lastmodifieddate"), "operator": operator, "value": value}


def _property_names(document: Any) -> set[str]:
    entries = sequence(mapping(document, "the answer").get("results"), "results")
    return {text(mapping(entry, "results[]").get("name"), "name") for entry in entries}


def _decode_ties(document: Any) -> list[_Tie]:
    found = []
    for each in sequence(mapping(document, "the answer").get("results"), "results"):
        entry = mapping(each, "results[]")
        ties = [mapping(tie, "to[]") for tie in sequence(entry.get("to"), "to")]
        to = [(_kept_id(tie.get("toObjectId")), _is_main(tie)) for tie in ties]
        after = _after(entry)
        number = text(mapping(entry.get("from"), "from").get("id"), "from.id")
        found.append(_Tie(number, to, None if after is None else text(after, "paging.next.after")))
    return found


def _is_main(tie: Mapping[str, Any]) -> bool:
    labels = [mapping(one, "associationTypes[]").get("label") for one in sequence(tie.get("associationTypes"), "types")]
    return "Primary" in labels


def _decode_batch(document: Any) -> dict[str, dict[str, Any]]:
    found = {}
    for each in sequence(mapping(document, "the answer").get("results"), "results"):
        entry = mapping(each, "results[]")
        history = mapping(entry.get("propertiesWithHistory") or {}, "propertiesWithHistory")
        entered = [mapping(one, STAGE) for one in sequence(history.get(STAGE), STAGE)]
        found[text(entry.get("id"), "id")] = {
            "properties": mapping(entry.get("properties"), "properties"),
            "entered": sorted(
                (
                    iso_instant(one.get("timestamp"), "timestamp"),
                    text(one.get("value") or "", STAGE),
                )
                for one in entered
            ),
        }
    return found


def _decode_pipelines(document: Any) -> list[dict[str, Any]]:
    found = []
    for each in sequence(mapping(document, "the answer").get("results"), "results"):
        entry = mapping(each, "results[]")
        stages = [mapping(one, "stages[]") for one in sequence(entry.get("stages"), "stages")]
        label = entry.get("label")
        found.append(
            {
                "id": text(entry.get("id"), "id"),
                "label": None if label is None else text(label, "label"),
                "items": STAGES.items([_kept(one, ("id", "label", "archived")) for one in stages], "stages"),
            }
        )
    return found


def _text(value: Any) -> str | None:
    """A value as a text of one line; None where there is none."""
    return " ".join(value.split())[:_TEXT] or None if isinstance(value, str) else None


def _texts(value: Any) -> list[str]:
    return [one for one in (_text(value) or "").split(";") if one]


def _instant(value: Any) -> datetime | None:
    """An instant, written as milliseconds since 1970 or by ISO 8601; None where it is none."""
    written = _text(value)
    if not written:
        return None
    try:
        if re.fullmatch(r"[0-9]{1,15}", written):
            return datetime.fromtimestamp(int(written) / 1000, UTC)
        found = datetime.fromisoformat(written)
        return (found if found.tzinfo else found.replace(tzinfo=UTC)).astimezone(UTC)
    except (ValueError, OverflowError, OSError):
        return None


def _day(value: Any) -> date | None:
    found = _instant(value)
    return None if found is None else found.date()


def _amount(value: Any) -> float | None:
    written = _text(value)
    return float(written) if written and re.fullmatch(r"-?[0-9]{1,15}(\.[0-9]{1,15})?", written) else None


def _url(value: Any) -> str | None:
    """A URL, or a host as one."""
    written = _text(value)
    if not written or "://" in written:
        return written
    return f"https://{written}/" if "/" not in written else f"https://{written}"


def _word(value: Any) -> str | None:
    written = _text(value)
    return written.lower() if written else None


_TAKE: Mapping[str, Callable[[Any], Any]] = {
    "site": _url,
    "source_url": _url,
    "target_url": _url,
    "kind": _word,
    "payment": _word,
    "price": _amount,
    **dict.fromkeys(("agreed_on", "placed_on", "until", "paid_from", "paid_until"), _day),
}


def _taken(asked: Mapping[str, str], names: Iterable[str], properties: Mapping[str, Any]) -> Row:
    found: Row = dict.fromkeys(names)
    for name in found.keys() & asked.keys():
        take: Callable[[Any], Any] = _TAKE.get(name, _text)
        found[name] = take(properties.get(asked[name]))
    return found


def _open(api: Api, property: Property, period: Period) -> _Account:
    return _Account(api, property.settings_of(HUBSPOT), period)


def read_companies(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Companies that changed, or all of them."""
    account = _open(api, property, period)
    asked = account.settings.asked("companies")
    for reply in account.replies("companies"):
        for record in reply.json.items.rows:
            if not account.settings.has_partner(record["properties"]):
                continue
            values = _taken(asked, COMPANY_FIELDS, record["properties"])
            yield {
                **values,
                "day": account.night,
                "company_id": record["id"],
                "partner": values["partner"] or record["id"],
                "currency": values["currency"] or (account.settings.currency if values["price"] is not None else None),
                "merged_ids": _texts(record["properties"].get(MERGED)),
                "is_archived": bool(record["archived"]),
                "updated_at": record["updatedAt"],
                "observed_at": reply.observed_at,
            }


@dataclass(frozen=True)
class _Deal:
    """A deal with what belongs to it; `company` None: of none, or of several with no main one."""

    record: Row
    entered: list[tuple[datetime, str]]
    company: str | None
    partner: str | None
    campaign: str | None
    observed_at: datetime


def _deals(account: _Account) -> Iterator[_Deal]:
    for reply in account.replies("deals"):
        records = reply.json.items.rows
        # A deal that was put away has neither history nor company any more.
        live = [record["id"] for record in records if not record["archived"]]
        told = account.batch("deals", live, history=True)
        main = {number: _main(ties) for number, ties in account.ties("deals", "companies", live).items()}
        partners = account.partners(company for company in main.values() if company)
        for record in records:
            company = main.get(record["id"])
            partner = partners.get(company) if company else None
            is_of_another = company in partners and partner is None
            if not record["archived"] and not is_of_another:
                account.count("unknown_partner_count", int(partner is None))
                account.count("unknown_state_count", int(account.state(record["properties"].get(STAGE)) == UNKNOWN))
            entered = told.get(record["id"], {}).get("entered", [])
            campaign = account.campaign(record["properties"])
            yield _Deal(record, entered, company, partner, campaign, reply.observed_at)


def _main(ties: list[tuple[str | None, bool]]) -> str | None:
    """The one company of several that a deal is of."""
    numbers = dict(ties)
    if len(numbers) == 1:
        return next(iter(numbers))
    main = [number for number, is_main in ties if is_main]
    return main[0] if len(set(main)) == 1 else None


def read_deals(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Deals that changed, or all of them, each with the state that its stage means."""
    account = _open(api, property, period)
    asked = account.settings.asked("deals")
    for deal in _deals(account):
        properties = deal.record["properties"]
        first = _first_days(account, deal.entered)
        values = _taken(asked, DEAL_FIELDS, properties)
        yield {
            **values,
            "day": account.night,
            "deal_id": deal.record["id"],
            "company_id": deal.company,
            "partner": deal.partner,
            "campaign": deal.campaign,
            "pipeline_id": _text(properties.get(PIPELINE)),
            "stage_id": _text(properties.get(STAGE)),
            "state": account.state(properties.get(STAGE)),
            "agreed_on": values["agreed_on"] or first.get("agreed") or values["placed_on"] or first.get("placed"),
            "placed_on": values["placed_on"] or first.get("placed"),
            "currency": values["currency"] or (account.settings.currency if values["price"] is not None else None),
            "merged_ids": _texts(properties.get(MERGED)),
            "is_archived": bool(deal.record["archived"]),
            "updated_at": deal.record["updatedAt"],
            "observed_at": deal.observed_at,
        }


def _first_days(account: _Account, entered: list[tuple[datetime, str]]) -> dict[str, date]:
    """The day on which each state was first entered."""
    first: dict[str, date] = {}
    for at, stage in entered:
        first.setdefault(account.state(stage), at.date())
    return first


def read_stage_entries(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Stages that deals have entered, of those deals that changed."""
    account = _open(api, property, period)
    for deal in _deals(account):
        for number, (at, stage) in enumerate(deal.entered):
            yield {
                "day": account.night,
                "deal_id": deal.record["id"],
                "entry_no": number + 1,
                "partner": deal.partner,
                "campaign": deal.campaign,
                "stage_id": stage,
                "state": account.state(stage),
                "entered_at": at,
                "said_on": at.date(),
                "observed_at": deal.observed_at,
            }


def read_emails(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Mails that changed, or all of them: one row for each company that a mail is about."""
    account = _open(api, property, period)
    for reply in account.replies("emails"):
        records = reply.json.items.rows
        live = list(dict.fromkeys(record["id"] for record in records if not record["archived"]))
        companies = account.ties("emails", "companies", live)
        partners = account.partners(number for ties in companies.values() for number, _ in ties if number)
        campaigns = _campaigns(account, live)
        recent = [
            record["id"] for record in records if not record["archived"] and _sent_on(record) >= account.kept_since
        ]
        people = account.ties("emails", "contacts", recent)
        for record in records:
            yield from _mail_rows(account, reply, record, companies, partners, campaigns, people)


def _sent_on(record: Row) -> date:
    return _day(record["properties"].get(MAIL["sent_at"])) or date.min


def _campaigns(account: _Account, mails: list[str]) -> dict[str, str]:
    """The campaign of each mail: that of its deals, where they are of one."""
    ties = account.ties("emails", "deals", mails)
    deals = account.batch("deals", (number for each in ties.values() for number, _ in each if number))
    found = {}
    for mail, each in ties.items():
        named = {account.campaign(deals[number]["properties"]) for number, _ in each if number in deals}
        found[mail] = next(iter(named)) if len(named) == 1 else None
    return {mail: campaign for mail, campaign in found.items() if campaign}


def _mail_rows(
    account: _Account,
    reply: Reply,
    record: Row,
    companies: Mapping[str, list[tuple[str | None, bool]]],
    partners: Mapping[str, str | None],
    campaigns: Mapping[str, str],
    people: Mapping[str, list[tuple[str | None, bool]]],
) -> Iterator[Row]:
    number, properties = record["id"], record["properties"]
    sent_at, status = _instant(properties.get(MAIL["sent_at"])), _text(properties.get(MAIL["status"]))
    said_on = None if sent_at is None or status == SCHEDULED else sent_at.date()
    named = sorted({person for person, _ in people.get(number, []) if person})
    # One that is of no company is kept and counted.
    of = sorted({company for company, _ in companies.get(number, []) if company}) or [""]
    if of == [""] and not record["archived"]:
        account.count("unknown_partner_count")
    for company in of:
        yield {
            "day": account.night,
            "email_id": number,
            "company_id": company,
            "partner": partners.get(company),
            "campaign": campaigns.get(number, NO_CAMPAIGN),
            "sent_at": sent_at,
            "said_on": said_on,
            "direction": DIRECTIONS.get(_text(properties.get(MAIL["direction"])) or ""),
            "status": status,
            "contact": named[0] if named else None,
            "is_archived": bool(record["archived"]),
            "updated_at": record["updatedAt"],
            "observed_at": reply.observed_at,
        }


def read_contacts(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """People who changed, or all who did as long as people are kept: their random ids, all else is kept apart."""
    account = _open(api, property, period)
    number = 0
    for reply in account.replies("contacts"):
        for record in reply.json.items.rows:
            number += 1
            yield {
                "day": account.night,
                "item_no": number,
                "contact": record["id"],
                "updated_at": record["updatedAt"],
                "observed_at": reply.observed_at,
            }


def read_stages(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Stages of deals as they are now."""
    account = _open(api, property, period)
    for pipeline in account.pipelines.json:
        api.note_shape(account.night, pipeline["items"])
        for number, stage in enumerate(pipeline["items"].rows):
            yield {
                "day": account.night,
                "pipeline_id": pipeline["id"],
                "pipeline": pipeline["label"],
                "stage_no": number + 1,
                "stage_id": stage["id"],
                "stage": stage["label"],
                "state": account.state(stage["id"]),
                "is_archived": stage["archived"],
                "observed_at": account.pipelines.observed_at,
            }
    api.note(account.night, is_full=True, is_complete=True)


def probe_account(api: Api, property: Property) -> None:
    """The token has each scope, and what properties.yml names is there."""
    settings: HubspotSettings = property.settings_of(HUBSPOT)
    for what, scope in SCOPES.items():
        try:
            api.get(settings.path("objects", what), {"limit": 1, "properties": "hs_object_id"}, decode=_has_results)
            names = api.get(settings.path("properties", what), decode=_property_names).json
        except CredentialsError as error:
            raise CredentialsError(f"{error}; {what} need the scope {scope}") from None
        of_company = {*settings.company_properties.values(), *settings.partners_where}
        of_deal = {*settings.deal_properties.values()}
        wanted = {"companies": of_company, "deals": of_deal, "emails": {*MAIL.values()}}.get(what, set())
        if missing := sorted(wanted - names):
            raise TerminalSourceError(f"{what} have no property {', '.join(missing)}")
    pipelines = api.get(settings.path("pipelines", "deals"), decode=_decode_pipelines).json
    stages = {stage["id"]: stage["label"] for pipeline in pipelines for stage in pipeline["items"].rows}
    if unknown := sorted(settings.stages.keys() - stages.keys()):
        known = ", ".join(f"{id} ({label})" for id, label in stages.items())
        raise TerminalSourceError(f"no pipeline of deals has the stage {', '.join(unknown)}: there are {known[:1_000]}")


def _has_results(document: Any) -> int:
    return len(sequence(mapping(document, "the answer").get("results"), "results"))


LIST_IS_WHOLE = BatchRule(
    name="list_is_whole",
    sql="""
        select d.facts ->> 'listed_count' as listed, l.facts ->> 'listed_count' as listed_before
        from ops.load_day as d
        join ops.load as o on o.load_id = d.load_id
        join lateral (
            select p.facts from ops.publication as p
            where p.source = o.source and p.table_name = o.table_name and p.property_key = o.property_key
              and p.is_current and p.day < d.day and (p.facts ->> 'is_full')::boolean
            order by p.day desc limit 1
        ) as l on true
        where d.load_id = {load_id} and (d.facts ->> 'is_full')::boolean
          and (d.facts ->> 'listed_count')::float8 < 0.8 * (l.facts ->> 'listed_count')::float8
    """,
    reason="The list has less than four fifths of the last whole one: paging ended early, or a scope was taken away.",
)
PROPERTIES_ARE_THERE = BatchRule(
    name="properties_are_there",
    sql="""
        select d.facts ->> 'missing_properties' as missing from ops.load_day as d
        where d.load_id = {load_id} and d.facts -> 'missing_properties' is not null
    """,
    reason="A property that properties.yml names is in the account no more: what it told is unknown.",
    severity="warn",
)
STATES_ARE_KNOWN = BatchRule(
    name="states_are_known",
    sql="""
        select d.facts ->> 'unknown_state_count' as deals from ops.load_day as d
        where d.load_id = {load_id} and (d.facts ->> 'unknown_state_count')::bigint > 0
    """,
    reason="Deals are in stages that `stages` of properties.yml says nothing of: they are not used.",
    severity="warn",
)
IS_PROMISE = "a.state in ('agreed', 'placed')"
OF_THIS_PROPERTY = replace(
    of_this_property("target_url", IS_PROMISE),
    reason="Most of what was promised is for another domain: state the stages of this property's pipeline alone.",
)
_PARTNER = Column("partner", Type.TEXT, "The partner: what the property says, else the company's number.")
_CAMPAIGN = Column("campaign", Type.TEXT, "The campaign: what the deal's property says, else its pipeline.")
_STATE = Column("state", Type.TEXT, "What `stages` says of it.", required=True, values=(*STATES, UNKNOWN))
_UPDATED = Column("updated_at", Type.INSTANT, "Last change.")
_ARCHIVED = Column("is_archived", Type.BOOLEAN, "It was put away.", required=True)
_MERGED = Column("merged_ids", Type.TEXTS, "Numbers of the records that were merged into this one.")
_SAID_ON = Column("said_on", Type.DATE, "Its day, UTC.")
NO_TOUCH_IS_AHEAD = no_touch_is_ahead("said_on", "a.day")

COMPANY = Table(
    name="company",
    description="Companies that changed, or all of them.",
    read=read_companies,
    shape=RECORD,
    grain=("day", "company_id", "is_archived"),
    feeds=Feed.PARTNERS,
    tolerance=ODD_ROWS,
    columns=(
        DAY,
        Column("company_id", Type.TEXT, "Number of the company.", required=True),
        _PARTNER,
        Column("site", Type.URL, "A site of the partner's."),
        LINK_KIND,
        *OFFER,
        _MERGED,
        _ARCHIVED,
        _UPDATED,
        OBSERVED_AT,
    ),
    row_rules=(has_identity("site"),),
    batch_rules=(LIST_IS_WHOLE, PROPERTIES_ARE_THERE),
)

DEAL = Table(
    name="deal",
    description="Deals that changed, or all of them.",
    read=read_deals,
    shape=RECORD,
    grain=("day", "deal_id", "is_archived"),
    feeds=Feed.PLACEMENTS,
    tolerance=ODD_ROWS,
    columns=(
        DAY,
        Column("deal_id", Type.TEXT, "Number of the deal.", required=True),
        Column("company_id", Type.TEXT, "Its company; NULL: none, or several of which none is the main one."),
        _PARTNER,
        _CAMPAIGN,
        Column("pipeline_id", Type.TEXT, "Id of its pipeline."),
        Column("stage_id", Type.TEXT, "Id of its stage."),
        _STATE,
        Column("agreed_on", Type.DATE, "Day on which it was agreed, or first entered such a stage."),
        Column("placed_on", Type.DATE, "Day on which the link was set, or the deal first entered such a stage."),
        LINK_KIND,
        *PROMISED,
        *TERMS,
        _MERGED,
        _ARCHIVED,
        _UPDATED,
        OBSERVED_AT,
    ),
    row_rules=PROMISE_RULES,
    batch_rules=(
        LIST_IS_WHOLE,
        PROPERTIES_ARE_THERE,
        STATES_ARE_KNOWN,
        OF_THIS_PROPERTY,
        *promise_batch_rules("agreed_on", IS_PROMISE),
    ),
)

STAGE_ENTRY = Table(
    name="stage_entry",
    description="Stages that deals have entered, each with its instant, of the deals that changed.",
    read=read_stage_entries,
    shape=RECORD,
    grain=("day", "deal_id", "entry_no"),
    feeds=Feed.TOUCHES,
    tolerance=ODD_ROWS,
    columns=(
        DAY,
        Column("deal_id", Type.TEXT, "Number of the deal.", required=True),
        Column("entry_no", Type.INTEGER, "Number of the entry in the deal's history, from 1.", required=True),
        _PARTNER,
        _CAMPAIGN,
        Column("stage_id", Type.TEXT, "Id of the stage.", required=True),
        _STATE,
        Column("entered_at", Type.INSTANT, "When the deal entered it.", required=True),
        _SAID_ON,
        OBSERVED_AT,
    ),
    batch_rules=(NO_TOUCH_IS_AHEAD,),
)

EMAIL = Table(
    name="email",
    description="Mails that changed, or all of them, one row for each company that a mail is about.",
    read=read_emails,
    shape=RECORD,
    grain=("day", "email_id", "company_id", "is_archived"),
    feeds=Feed.TOUCHES,
    tolerance=ODD_ROWS,
    columns=(
        DAY,
        Column("email_id", Type.TEXT, "Number of the mail.", required=True),
        Column("company_id", Type.TEXT, "Company that it is about; empty: none.", required=True),
        _PARTNER,
        Column("campaign", Type.TEXT, "That of its deals; `no deal` where there is none, or deals of several."),
        Column("sent_at", Type.INSTANT, "When it was sent."),
        replace(_SAID_ON, description="Its day, UTC; NULL where it is yet to be sent, or no time is told."),
        Column("direction", Type.TEXT, "out: from us; in: from the partner; NULL: not told.", values=("out", "in")),
        Column("status", Type.TEXT, "What became of it, as HubSpot says."),
        Column("contact", Type.TEXT, "Random id of a person; NULL: none named, or erased.", personal=True),
        _ARCHIVED,
        _UPDATED,
        OBSERVED_AT,
    ),
    batch_rules=(LIST_IS_WHOLE, NO_TOUCH_IS_AHEAD),
)

CONTACT = Table(
    name="contact",
    description="People who changed, or all who did as long as people are kept, by their random ids.",
    read=read_contacts,
    shape=RECORD,
    grain=("day", "item_no"),
    columns=(
        DAY,
        Column("item_no", Type.INTEGER, "Place among the night's.", required=True),
        Column("contact", Type.TEXT, "Random id of the person; NULL: erased.", personal=True),
        _UPDATED,
        OBSERVED_AT,
    ),
)

STAGE_TABLE = Table(
    name="stage",
    description="Stages of deals as they are.",
    read=read_stages,
    shape=STAGES,
    grain=("day", "pipeline_id", "stage_no"),
    columns=(
        DAY,
        Column("pipeline_id", Type.TEXT, "Id of the pipeline.", required=True),
        Column("pipeline", Type.TEXT, "The pipeline, as it is called."),
        Column("stage_no", Type.INTEGER, "Place in the pipeline as it was told, from 1.", required=True),
        Column("stage_id", Type.TEXT, "Id of the stage.", required=True),
        Column("stage", Type.TEXT, "The stage, as it is called."),
        _STATE,
        Column("is_archived", Type.BOOLEAN, "It was put away."),
        OBSERVED_AT,
    ),
)

HUBSPOT = Source(
    name="hubspot",
    description="HubSpot: partners, deals and mails of those who ask for links.",
    kind=Kind.SNAPSHOT,
    cron="30 5 * * *",
    settings=HubspotSettings,
    access=Access(
        host="https://api.hubapi.com",
        auth=HeaderKey.named("Authorization", "Bearer "),
        example={"password": "not-a-token"},
        calls_per_minute=CALLS_PER_MINUTE,
    ),
    probe=probe_account,
    explain=explain,
    strip_people=strip_people,
    tables=(COMPANY, DEAL, STAGE_ENTRY, EMAIL, CONTACT, STAGE_TABLE),
)
