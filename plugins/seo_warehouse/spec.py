"""The words a source is declared in.

A source is a frozen declaration plus generators that turn `(api, property, period)` into rows.
Everything else (tables in `audit` and `raw`, the gate, the DAG, dbt's source file) follows from it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import KW_ONLY, dataclass
from datetime import date, time, timedelta
from decimal import Decimal
from enum import StrEnum
from typing import TYPE_CHECKING, Any, Generic, Literal, Protocol

from typing_extensions import TypeVar

from seo_warehouse.property import Strict

if TYPE_CHECKING:
    from seo_warehouse.client.access import Access
    from seo_warehouse.client.api import Answer, Api
    from seo_warehouse.errors import SourceError
    from seo_warehouse.property import Property
    from seo_warehouse.sources.fields import Shape


class Persons(Protocol):
    """Who gives people the random ids by which alone they are told of (ledger/people.py)."""

    def find(self, named: Mapping[str, str], about: Mapping[str, str], others: Iterable[str] = ()) -> str | None:
        """The id of whom these values name, by kind: id, email, phone, name. None: nobody, or one who was erased.

        `about`: partner and role, as told. `others`: ids of records that were merged into theirs.
        """
        ...


S = TypeVar("S", bound=Strict, default=Any)
"""The settings of a source."""

NIGHT_DEADLINE = time(23, 0)
"""UTC time of day at which a night ends, whatever is missing."""

Row = dict[str, Any]
"""One row as a reader yields it: every declared column of the table, and nothing else."""


PERSON_ID = "^[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}$"
EXPORTED_AT = "exported_at"
"""Column that each table of a drop source has: the instant of the export. Of two rows of one grain the later stays."""


class Type(StrEnum):
    """Column types, by their PostgreSQL names. `URL` is a text with two companions, see `Column`."""

    TEXT = "text"
    INTEGER = "integer"
    BIGINT = "bigint"
    FLOAT = "double precision"
    NUMERIC = "numeric"
    BOOLEAN = "boolean"
    DATE = "date"
    INSTANT = "timestamptz"
    JSON = "jsonb"
    TEXTS = "text[]"
    URL = "url"


class Kind(StrEnum):
    """How a source may be asked about the past."""

    DATED = "dated"
    SNAPSHOT = "snapshot"
    DROP = "drop"
    """Files, each read once, whatever days it speaks of. Days are merged row by row: see `EXPORTED_AT`."""


class Feed(StrEnum):
    """What a table tells of. Models know these kinds and no provider: they read the staging models of a kind as one.

    The common shape of a kind is what its `int_<subject>__read_<kind>` selects.
    """

    LINKS = "links"
    """Links to the property, as a witness reports them."""
    DISAVOWALS = "disavowals"
    """What a search engine is told to leave out of account of the links to the property, statement by statement."""
    LINK_COUNTS = "link_counts"
    """How many links lead to each of the property's pages, as a witness counts them."""
    CHECKS = "checks"
    """Rank checks: of what, when and where, and the position where the answer itself states it."""
    RESULTS = "results"
    """Items of result pages, from which the positions of checks are read."""
    SEARCHES = "searches"
    """Clicks and impressions of a day by those of page, query, country and device that a row names."""
    PAGE_SEARCHES = "page_searches"
    """Clicks and impressions of a day by page, country and device, whether or not their queries are told."""
    QUERY_SEARCHES = "query_searches"
    """Clicks and impressions of a day by page, query, country and device."""
    SEARCH_TOTALS = "search_totals"
    """Clicks and impressions of a day in all."""
    SEARCH_LISTS = "search_lists"
    """Clicks and impressions of a range of days by one dimension."""
    PAGE_VISITS = "page_visits"
    """Our visits to pages that link to the property: what came of each."""
    LINK_LOOKS = "link_looks"
    """What our visits saw of each link: whether it was there, and as it was."""
    CRAWLS = "crawls"
    """Pages as a crawler met them."""
    CRAWL_LINKS = "crawl_links"
    """Links that a crawler met on the property's own pages."""
    PAGE_CHANGES = "page_changes"
    """Changes made to pages, as people state them."""
    PAGES = "pages"
    """Facts about pages, as people state them."""
    KEYWORDS = "keywords"
    """Facts about keywords, as people state them."""
    BOT_HITS = "bot_hits"
    """Visits of bots to the property's own pages, as its servers saw them."""
    CRAWLER_ADDRESSES = "crawler_addresses"
    """Ranges of addresses that operators of bots publish as theirs: columns list, operator, prefix."""
    DOMAIN_RANKS = "domain_ranks"
    """Places of domains among all domains of the web, of those that were sought."""
    RANK_QUANTILES = "rank_quantiles"
    """What domains have at some places, of which the last tells how many there are."""
    LOG_HOURS = "log_hours"
    """How many visits the property's servers wrote down in each hour."""
    VISITS = "visits"
    """Visits of people by where they came from and on which of the property's pages they began."""
    LANDINGS = "landings"
    """What came of visits by the host that they came from and the page that they began on."""
    INDEX_LOOKS = "index_looks"
    """What a search engine says it has of a URL in its index, and why."""
    PAGE_VITALS = "page_vitals"
    """How fast people met pages, by periods."""
    INCIDENTS = "incidents"
    """Updates and incidents of a search engine, as it states them."""
    PARTNERS = "partners"
    """Whom one asks for links, their sites and prices, as people keep them."""
    CAMPAIGNS = "campaigns"
    """Rounds of asking for links, as people keep them."""
    TOUCHES = "touches"
    """Messages to partners and from them."""
    PLACEMENTS = "placements"
    """Links that partners agreed to set: what was promised, and for how much."""


@dataclass(frozen=True)
class Column:
    """One column in the provider's own meaning: `Column("rank", Type.INTEGER, "Rank, from 1.", minimum=1)`.

    A `Type.URL` column is stored as three: the literal text under its own name, and, computed by
    the writer from `urls.identity`, `<name>_normalised` and `<name>_domain` (registrable domain);
    both are NULL where the literal is no URL.

    `minimum`, `maximum`, `values` and `pattern` become row expectations of the gate.

    `personal`: it tells of a person. Its values are random ids of `personal.person` and nothing else; what is read is
    stripped of people before it is kept anywhere (exports/stripping.py), and an id goes with its person.
    """

    name: str
    type: Type
    description: str
    _: KW_ONLY
    required: bool = False
    minimum: float | None = None
    maximum: float | None = None
    values: tuple[str, ...] | None = None
    pattern: str | None = None
    personal: bool = False

    def __post_init__(self) -> None:
        if self.personal:
            if self.type is not Type.TEXT or self.required:
                raise ValueError(f"{self.name}: a person's column is a text, and empty once the person is erased")
            object.__setattr__(self, "pattern", PERSON_ID)


DAY = Column("day", Type.DATE, "The night.", required=True)
OBSERVED_AT = Column("observed_at", Type.INSTANT, "Instant of the answer.", required=True)
"""What most tables of snapshots begin and end with."""


@dataclass(frozen=True, kw_only=True)
class RowRule:
    """A rule across the columns of one row.

    `sql` is a boolean condition that holds for a good row and is never NULL.
    """

    name: str
    sql: str
    reason: str
    severity: Literal["fail", "warn"] = "fail"


@dataclass(frozen=True, kw_only=True)
class BatchRule:
    """A rule over a whole load. `sql` returns the rows that break it; none is good.

    It may name `{batch}` (the load's audit table), `{raw}` (the published table), `{load_id}`,
    `{property_key}`, `{first_day}` and `{last_day}`; these are filled in safely by the gate, nothing else is.
    `ops.load_day` holds the facts that the reader noted, by load and day.
    """

    name: str
    sql: str
    reason: str
    severity: Literal["fail", "warn"] = "fail"


@dataclass(frozen=True)
class Period:
    """The days a reader is asked for, both included.

    For a snapshot both are the night. `since` is the date of the last complete read, or None for
    a full pull.
    """

    first_day: date
    last_day: date
    since: date | None = None

    def __post_init__(self) -> None:
        if self.last_day < self.first_day:
            raise ValueError(f"a period ends before it begins: {self.first_day}..{self.last_day}")

    def days(self) -> Iterator[date]:
        """Each day from first to last."""
        for offset in range((self.last_day - self.first_day).days + 1):
            yield self.first_day + timedelta(days=offset)


Reader = Callable[["Api", "Property", Period], Iterator[Row]]


def read_files_only(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """The reader of tables of files: their rows come of files, and nobody can be asked for a period."""
    raise TypeError("the rows of this table come of files: steps/drop.py reads them")


Order = Callable[["Api", "Property", Period], bool]
"""Brings a night's answers into the archive; True once all that will come are there."""

Probe = Callable[["Api", "Property"], None]
"""Asks its provider for what costs nothing, as who a night would ask for a property.

Raises SourceError saying why the night would get nothing.
"""

Price = Callable[["Property"], Decimal]
"""US dollars that a night of a property costs by the provider's list."""


@dataclass(frozen=True)
class Table:
    """One raw table: its reader, its columns and what the gate asks of it.

    Every table begins with `property_key`, `part` and `day` and ends with `load_id`; these four are
    not declared. Rows carry `day` (the source's own day; for a snapshot the night).
    `grain` names what makes a row unique within property, part and day.
    `tolerance` is the share of rows (0-1) that may break a row rule before the load is held whole.
    `least_share` is the share of this property's usual row count below which a load is held;
    None where the count may fall to nothing. `totals` names the columns summed into the ledger by day.
    `feeds` is what it tells of; None where no model reads it yet.
    `shape`: the documented fields of what is read; the reader notes those of each answer by `Api.note_shape`, so that
    the gate holds a load with an unknown or a missing one. `unshaped` says why a table has none. A table that states no
    `columns` has its shape's, between `DAY` and `OBSERVED_AT`.
    `is_droppable`: each day is modelled by itself, so that old ones may be given up; links and pages are made of the
    whole of their history.
    """

    name: str
    description: str
    read: Reader = read_files_only
    shape: Shape | None = None
    _: KW_ONLY
    grain: tuple[str, ...]
    columns: tuple[Column, ...] = ()
    feeds: Feed | None = None
    unshaped: str | None = None
    is_droppable: bool = False
    tolerance: float = 0.0
    least_share: float | None = None
    totals: tuple[str, ...] = ()
    row_rules: tuple[RowRule, ...] = ()
    batch_rules: tuple[BatchRule, ...] = ()

    def __post_init__(self) -> None:
        if not self.columns and self.shape is not None:
            object.__setattr__(self, "columns", (DAY, *self.shape.columns, OBSERVED_AT))
        names = [column.name for column in self.columns]
        if len(set(names)) < len(names):
            raise ValueError(f"{self.name}: a column is declared twice")
        for name in (*self.grain, *self.totals):
            if name not in names:
                raise ValueError(f"{self.name}: {name!r} is no column")
        if apart := {column.name for column in self.columns if column.personal} & set(self.grain):
            raise ValueError(f"{self.name}: {', '.join(apart)}: two rows must not be one once people are erased")


@dataclass(frozen=True)
class Plan:
    """What a source is told to ask, since its reader sees no database.

    `model`: the dbt model in schema `plans`, built by each night's build for the next one, with the columns
    property_key, place (1 is asked first), ask, score and reason. `limit`: the setting that says how many of them a
    night asks. `is_all`: nothing else is asked for, so that a night for which nothing is planned, as before the first
    build, is none of those that lie an interval apart.
    """

    model: str
    limit: str
    is_all: bool = False


@dataclass(frozen=True, kw_only=True)
class Source(Generic[S]):
    """One provider and the tables read from it.

    `settings` is what properties.yml may state for it: under `sources` of a property, or, where `is_shared`, at the
    top, and then it is read once for all properties. `access`: how its API is reached with the Airflow connection that
    the settings name (`connection`); without it nothing signs its requests, and the settings have a `base_url`.
    `cron` is a daily tick in UTC, "minute hour * * *", between 00:00 and 18:00.
    `delay_days` and `lookback_days` (dated sources): a night reads
    `[night - delay - lookback, night - delay]` and older holes.
    `kept_months` (dated): how far back it answers; None: as far as one asks.
    `order`, where declared, runs before any read, and reads then see the archive only.
    `plan`: what it is told to ask; the reader gets it by `Api.plan`.
    `probe`: how it is found out, before anything starts, that it can be read. One with an `access` and without a probe
    is asked for the first row of its first table, as a night would; where that costs money or is ordered, it has one.
    `price`: what a night costs, where that is known before.
    `explain` turns an answer that means failure into the error to raise (None: the answer is fine).
    `strip` makes of an answer's document what may be kept of it, where answers tell of people; of what it made it makes
    the same, and it may raise MalformedAnswerError.
    `strip_people` does so where answers tell of people who are kept apart: (settings, persons, path, document) ->
    document, in which a random id stands for each of them.
    `interval_days` (snapshots): least distance of two nights, where the property does not say.
    `vendor`: whose word its rows are in the marts, where several sources are one vendor's.
    """

    name: str
    description: str
    kind: Kind
    cron: str
    tables: tuple[Table, ...]
    settings: type[S]
    access: Access | None = None
    is_shared: bool = False
    delay_days: int = 0
    lookback_days: int = 0
    kept_months: int | None = None
    interval_days: int = 1
    order: Order | None = None
    plan: Plan | None = None
    probe: Probe | None = None
    price: Price | None = None
    explain: Callable[[Answer], SourceError | None] | None = None
    strip: Callable[[Any], Any] | None = None
    strip_people: Callable[[S, Persons, str, Any], Any] | None = None
    vendor: str | None = None

    def __post_init__(self) -> None:
        minute, hour, *rest = self.cron.split()
        if rest != ["*", "*", "*"] or not 0 <= int(minute) < 60 or not 0 <= int(hour) < 18:
            raise ValueError(f"{self.name}: cron {self.cron!r} is not a daily tick between 00:00 and 18:00")
        if (self.access is None) is not (self.connection is None):
            raise ValueError(f"{self.name}: `access` and the setting `connection` belong together")
        if self.probe is None and (self.order or self.costs_money):
            raise ValueError(f"{self.name}: `probe` says how it is tried without an order, and without paying")
        if self.plan is not None and (
            self.kind is not Kind.SNAPSHOT or self.plan.limit not in self.settings.model_fields
        ):
            raise ValueError(f"{self.name}: a plan is for snapshots, and its limit {self.plan.limit!r} is a setting")
        for name, field in self.settings.model_fields.items():
            if not field.description or (field.is_required() and not field.examples):
                raise ValueError(f"{self.name}: setting {name!r} needs a description, and, if required, an example")
        for table in self.tables:
            self._check(table)

    def _check(self, table: Table) -> None:
        if self.kind is Kind.DROP:
            if not any(c.name == EXPORTED_AT and c.type is Type.INSTANT and c.required for c in table.columns):
                raise ValueError(f"{self.name}.{table.name}: a table of files needs {EXPORTED_AT}, an instant")
        elif (table.shape is None) is (table.unshaped is None):
            raise ValueError(f"{self.name}.{table.name}: state the `shape` of what is read, or why there is none")

    @property
    def connection(self) -> str | None:
        """The Airflow connection that holds its credentials, where the property does not name another."""
        stated = self.settings.model_fields.get("connection")
        return None if stated is None else str(stated.default)

    @property
    def account(self) -> str:
        """Whose bill its calls are on: the vendor's, which sources may share."""
        return self.vendor or self.name

    @property
    def costs_money(self) -> bool:
        """Whether its calls are paid for one by one."""
        return "money_per_night" in self.settings.model_fields

    def example(self) -> dict[str, Any]:
        """The least that properties.yml states for it, with harmless values."""
        fields = self.settings.model_fields.items()
        return {name: field.examples[0] for name, field in fields if field.is_required() and field.examples}

    def first_kept(self, today: date) -> date:
        """The oldest day that it is asked about today."""
        if self.kept_months is None:
            return date.min
        year, month = divmod(today.year * 12 + today.month - 1 - self.kept_months, 12)
        # To the day after a month's end where that month has no such day.
        return date(year, month + 1, 1) + timedelta(days=today.day - 1)

    def table(self, name: str) -> Table:
        """The table of that name. Raises KeyError with the names there are."""
        for table in self.tables:
            if table.name == name:
                return table
        raise KeyError(f"{self.name} has no table {name!r}: {', '.join(t.name for t in self.tables)}")

    def raw_name(self, table: Table) -> str:
        """The name of a table's relation in schema `raw`."""
        return f"raw_{self.name}__{table.name}"


@dataclass(frozen=True, kw_only=True)
class Reading:
    """One reading of a table's period for a property: what a load is made of, from its first call to its last row.

    `part` is vendor and form of an export, else empty. `night` is the one that reads, None outside of nights; `purpose`
    is night, history, backfill or replay. `scope` is where in the archive the answers lie.
    """

    source: Source
    table: Table
    property: Property
    period: Period
    scope: str
    purpose: str
    night: date | None = None
    part: str = ""


def partition_name(relation: str, day: date) -> str:
    """The name in schema `raw` of the month's partition that holds `day`."""
    return f"{relation}_{day:%Y_%m}"


Facts = Mapping[str, Any]
"""What a reader noted about a day beside its rows: stated totals, caps, unknown fields."""
