"""The client of a source, made from a connection."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping
from contextlib import ExitStack
from dataclasses import dataclass, replace
from datetime import date
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from seo_warehouse.client.access import Auth
from seo_warehouse.client.api import Api, Limits
from seo_warehouse.client.archive import Archive, open_archive
from seo_warehouse.client.plans import has_plan, keep_plan, read_plan
from seo_warehouse.config import Property
from seo_warehouse.errors import ConfigError, MetElsewhereError
from seo_warehouse.ledger.people import People
from seo_warehouse.spec import Period, Persons, Source
from seo_warehouse.steps.budgets import reserving
from seo_warehouse.steps.pacing import pace_of
from seo_warehouse.steps.plans import make_plan
from seo_warehouse.steps.stated import CONNECTIONS_FILE, variable
from seo_warehouse.steps.warehouse import Warehouse


def has_answers(wh: Warehouse, source: Source, prop: Property, *, scope: str) -> bool:
    """Whether the archive holds anything of a source and property within `scope`."""
    return _archive(wh, source, prop, scope).folder.exists()


def has_asks(wh: Warehouse, source: Source, prop: Property, *, scope: str, may_plan: bool) -> bool:
    """Whether anything is planned to be asked, or nobody can tell any more; the plan is made where it may be."""
    archive = _archive(wh, source, prop, scope)
    if may_plan:
        make_plan(wh, source, prop, archive)
    return not has_plan(archive) or bool(read_plan(archive))


def _archive(wh: Warehouse, source: Source, prop: Property, scope: str) -> Archive:
    return open_archive(wh.archive, source=source.name, property_key=prop.key, scope=scope)


@dataclass(frozen=True, kw_only=True)
class _Door:
    """How a provider is reached for a property."""

    base_url: str
    auth: Auth | None = None
    limits: Limits
    networks: tuple[str, ...] = ()
    remedy: str = ""


def _door(wh: Warehouse, source: Source, settings: Any, limits: Limits, *, may_call: bool) -> _Door:
    """Credentials are read only if it may call. Raises ConfigError where they are missing or not in their form."""
    base_url = getattr(settings, "base_url", "")
    if not may_call or source.access is None:
        return _Door(base_url=base_url, limits=limits)
    kept = wh.connection(settings.connection)
    pace = source.access.calls_per_minute or limits.calls_per_minute
    try:
        return _Door(
            base_url=kept.host or source.access.host,
            auth=source.access.auth(kept),
            limits=replace(limits, calls_per_minute=kept.calls_per_minute(pace)),
            networks=kept.networks,
            remedy=(
                f"mend the connection {settings.connection!r}, in {variable(settings.connection)}, the home's"
                f" {CONNECTIONS_FILE} or Airflow's own store"
            ),
        )
    except ConfigError as error:
        raise ConfigError(f"the connection {settings.connection!r} {error}") from None


class _Nobody:
    """Knows nobody: what is only tried keeps no people."""

    def find(self, named: Mapping[str, str], about: Mapping[str, str], others: Iterable[str] = ()) -> str | None:
        """None."""
        return None


class _Known:
    """A property's people over the answers of a load. The database is asked of the first of an answer who is met."""

    def __init__(self, wh: Warehouse, source: Source, prop: Property) -> None:
        self._wh, self._source, self._prop = wh, source, prop
        self._people: People | None = None
        self._opened: ExitStack
        self._met: People | None

    def keep(self, strip: Callable[[Persons], Any]) -> Any:
        """What `strip` makes of an answer, once whom it met is kept. No connection waits for the next answer."""
        while True:
            self._met = None
            with ExitStack() as self._opened:
                kept = strip(self)
                try:
                    self._save()
                    return kept
                except MetElsewhereError:
                    # The tables of a source are read at once, and tell of the same people.
                    self._people = None

    def find(self, named: Mapping[str, str], about: Mapping[str, str], others: Iterable[str] = ()) -> str | None:
        """As People has it."""
        if self._met is None:
            connection = self._opened.enter_context(self._wh.connect("loader", autocommit=True))
            self._people = self._people or People(connection, self._prop.key)
            self._people.use(connection)
            self._met = self._people
        return self._met.find(named, about, others)

    def _save(self) -> None:
        if self._met is not None:
            self._met.save(self._source.name)


def _stripping(
    source: Source, prop: Property, keep: Callable[[Callable[[Persons], Any]], Any]
) -> Callable[[str, Any], Any] | None:
    """What takes people out of an answer, and keeps apart whom it names; None where answers tell of none."""
    if (strip_people := source.strip_people) is not None:
        settings = prop.settings_of(source)
        return lambda path, document: keep(lambda persons: strip_people(settings, persons, path, document))
    if (strip := source.strip) is not None:
        return lambda _, document: strip(document)
    return None


def probe(wh: Warehouse, source: Source, prop: Property, limits: Limits, day: date) -> None:
    """Try whether a source could be read for a property on a day. Keeps no answer and needs no database.

    Raises ConfigError or SourceError saying why it could not.
    """
    door = _door(wh, source, prop.settings_of(source), limits, may_call=True)
    with TemporaryDirectory(prefix="seo-warehouse-probe-") as folder:
        archive = open_archive(Path(folder), source=source.name, property_key=prop.key, scope=f"probe={day}")
        with Api(
            archive=archive,
            may_call=True,
            explain=source.explain,
            strip=_stripping(source, prop, lambda strip: strip(_Nobody())),
            **vars(door),
        ) as api:
            if source.probe is not None:
                source.probe(api, prop)
            elif source.access is not None:
                if source.plan is not None:
                    keep_plan(archive, source.plan.model, [], wh.now())
                next(source.tables[0].read(api, prop, Period(day, day)), None)


def open_api(
    wh: Warehouse, source: Source, prop: Property, *, scope: str, may_call: bool, night: date | None = None
) -> Api:
    """The client of a source for one property, over the archive's `scope`. Credentials are read only if it may call.

    `night`: the day that every answer is to be of. Raises ConfigError where a connection is missing or not in its form,
    and where a property's key stood for another site.
    """
    # Before a call is paid for, and before an answer lies in the archive under the key.
    wh.expect_same_sites()
    limits = Limits(money=getattr(prop.settings_of(source), "money_per_night", None))
    door = _door(wh, source, prop.settings_of(source), limits, may_call=may_call)
    archive = _archive(wh, source, prop, scope)
    if may_call:
        make_plan(wh, source, prop, archive)
    reserve = reserving(wh, source, prop, scope) if may_call else None
    return Api(
        archive=archive,
        may_call=may_call,
        explain=source.explain,
        strip=_stripping(source, prop, _Known(wh, source, prop).keep),
        night=night,
        reserve=reserve,
        pace=pace_of(wh, source) if may_call else None,
        **vars(door),
    )
