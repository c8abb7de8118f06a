"""`seo-warehouse check`: everything that would go wrong later, found within seconds, before anything starts.

What is only asked is asked side by side; nothing is started, written or paid for.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Iterator
from contextlib import suppress
from copy import copy
from decimal import Decimal
from functools import partial
from pathlib import Path

from seo_warehouse.config import Settings
from seo_warehouse.embedded import parts, ports, processes
from seo_warehouse.embedded.airflow import why_unusable
from seo_warehouse.embedded.room import nearest, why_full
from seo_warehouse.errors import ConfigError, SeoWarehouseError
from seo_warehouse.steps.check import (
    Fault,
    Job,
    channel_faults,
    depth_faults,
    dollars,
    price_faults,
    prices,
    run_side_by_side,
    together,
    trials,
)
from seo_warehouse.steps.warehouse import Warehouse, open_warehouse, read_ports

Say = Callable[[str], None]
LEAST_FREE_BYTES = 3 * 10**9
CONNECT_SECONDS = 5
OLDEST_SERVER = 15
AIRFLOW_DATABASE = "AIRFLOW__DATABASE__SQL_ALCHEMY_CONN"
"""Where this is stated, as in docker-compose, Airflow has its database there, and none is made for it."""


def check(wh: Warehouse, properties: Path | None, say: Say) -> None:
    """Say every fault with what to do, and what a night costs. Raises ConfigError where there is one."""
    settings = wh.settings
    if properties is not None:
        settings.properties_path = properties.absolute()
    is_served = not _is_demo(settings) or processes.find(parts.demo_component(settings.home)) is not None
    faults = find_faults(wh, with_sources=is_served)
    _say_faults(faults, say)
    if is_served:
        # What is wrong with properties.yml has been said.
        with suppress(SeoWarehouseError):
            _say_prices(wh, say)
    if faults:
        raise ConfigError(f"{len(faults)} found")
    tried = f"{len(trials(wh))} sources of properties answer" if is_served else "`make run` starts the demo"
    say(f"nothing is wrong with settings, disk and ports; {tried}")


def expect_no_fault(settings: Settings, properties: Path | None, say: Say) -> None:
    """The first step of `run`, on `properties` or on the demo. Raises ConfigError, having said each fault.

    In a home that has served before, a source's fault is said only: the others are read, and all is served.
    """
    asked = copy(settings)
    asked.properties_path = settings.home / "properties.yml" if properties is None else properties.absolute()
    faults = find_faults(open_warehouse(asked), with_sources=properties is not None)
    _say_faults(faults, say)
    is_new = not read_ports(settings.home)
    barring = [fault for fault in faults if fault.is_lasting and (is_new or fault.is_ours)]
    if barring:
        raise ConfigError(f"nothing was started: {len(barring)} to mend first; `seo-warehouse check` looks again")


def find_faults(wh: Warehouse, *, with_sources: bool) -> list[Fault]:
    """All that is wrong now, each once."""
    found = [*_of_the_machine(wh.settings)]
    jobs = [] if wh.settings.owner_dsn is None else [Job("PostgreSQL", partial(_of_the_database, wh))]
    if with_sources:
        try:
            found += [*price_faults(wh), *channel_faults(wh)]
            jobs += [Job("depth of checks", partial(depth_faults, wh)), *trials(wh)]
        except SeoWarehouseError as error:
            found.append(Fault(str(error), is_ours=True))
    return together([*found, *run_side_by_side(jobs)])


def _say_faults(faults: list[Fault], say: Say) -> None:
    for fault in sorted(faults, key=lambda fault: not fault.is_lasting):
        say(f"{'to mend' if fault.is_lasting else 'for now'}: {fault}")


def _say_prices(wh: Warehouse, say: Say) -> None:
    known = Decimal(0)
    for source, prop, price, allowed in prices(wh):
        known += price or 0
        stated = "by what there is to read" if price is None else dollars(price)
        say(f"price of a night of {source.name} for {prop.name}: {stated}; money_per_night allows {dollars(allowed)}")
    if known:
        say(f"price of a night: {dollars(known)} by the price lists")


def _of_the_machine(settings: Settings) -> Iterator[Fault]:
    there = nearest(settings.home)
    if not there.is_dir() or not os.access(there, os.W_OK | os.X_OK):
        yield Fault(f"{there} cannot be written: state another folder by SEO_WAREHOUSE_HOME", is_ours=True)
    if reason := why_full(settings.home, LEAST_FREE_BYTES):
        yield Fault(f"{reason}: make room, or state another folder by SEO_WAREHOUSE_HOME", is_ours=True)
    for reason in ports.find_faults(settings, is_demo=_is_demo(settings)):
        yield Fault(reason, is_ours=True)


def _of_the_database(wh: Warehouse) -> list[Fault]:
    """Of the server that SEO_WAREHOUSE_DSN names."""
    try:
        with wh.connect("owner", connect_timeout=CONNECT_SECONDS) as connection:
            row = connection.execute(
                "select current_setting('server_version_num')::integer / 10000,"
                " (select rolsuper or rolcreaterole from pg_roles where rolname = current_user),"
                " has_database_privilege(current_database(), 'create'), current_user, current_database()"
            ).fetchone()
            unusable = None if AIRFLOW_DATABASE in os.environ else why_unusable(connection)
    except SeoWarehouseError as error:
        return [Fault(f"{' '.join(str(error).split())}: see SEO_WAREHOUSE_DSN", is_ours=True)]
    version, may_make_roles, may_make_schemas, user, database = row or (0, False, False, "", "")
    reasons = []
    if version < OLDEST_SERVER:
        reasons.append(f"the server of SEO_WAREHOUSE_DSN is PostgreSQL {version}: {OLDEST_SERVER} at least is needed")
    if not may_make_roles:
        reasons.append(f"{user} may not create roles: `alter role {user} createrole`, or another user")
    if not may_make_schemas:
        reasons.append(f"{user} may not create schemas: `grant create on database {database} to {user}`")
    reasons += [unusable] if unusable else []
    return [Fault(reason, is_ours=True) for reason in reasons]


def _is_demo(settings: Settings) -> bool:
    """Whether the home serves the demo, or would: nobody has stated properties."""
    own = settings.home / "properties.yml"
    return settings.properties_path == own and (parts.is_demo(settings) or not os.path.lexists(own))
