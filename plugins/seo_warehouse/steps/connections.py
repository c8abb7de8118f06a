"""The client of a source, made from a connection."""

from __future__ import annotations

from dataclasses import replace
from datetime import date

from seo_warehouse.client.api import Api, Limits
from seo_warehouse.client.archive import Archive, open_archive
from seo_warehouse.config import Property
from seo_warehouse.errors import ConfigError
from seo_warehouse.spec import Source
from seo_warehouse.steps.plans import make_plan
from seo_warehouse.steps.stated import CONNECTIONS_FILE, variable
from seo_warehouse.steps.warehouse import Warehouse


def has_answers(wh: Warehouse, source: Source, prop: Property, *, scope: str) -> bool:
    """Whether the archive holds anything of a source and property within `scope`."""
    return _archive(wh, source, prop, scope).folder.exists()


def _archive(wh: Warehouse, source: Source, prop: Property, scope: str) -> Archive:
    return open_archive(wh.archive, source=source.name, property_key=prop.key, scope=scope)


def open_api(
    wh: Warehouse, source: Source, prop: Property, *, scope: str, may_call: bool, night: date | None = None
) -> Api:
    """The client of a source for one property, over the archive's `scope`. Credentials are read only if it may call.

    `night`: the day that every answer is to be of. Raises ConfigError where a connection is missing or not in its form,
    and where a property's key stood for another site.
    """
    # Before a call is paid for, and before an answer lies in the archive under the key.
    wh.expect_same_sites()
    settings = prop.settings_of(source)
    base_url, auth = getattr(settings, "base_url", ""), None
    networks: tuple[str, ...] = ()
    remedy = ""
    limits = Limits(money=getattr(settings, "money_per_night", None))
    if may_call and source.access is not None:
        kept = wh.connection(settings.connection)
        remedy = (
            f"mend the connection {settings.connection!r}, in {variable(settings.connection)}, the home's"
            f" {CONNECTIONS_FILE} or Airflow's own store"
        )
        base_url = kept.host or source.access.host
        try:
            auth, networks = source.access.auth(kept), kept.networks
            limits = replace(limits, calls_per_minute=kept.calls_per_minute(limits.calls_per_minute))
        except ConfigError as error:
            raise ConfigError(f"the connection {settings.connection!r} {error}") from None
    archive = _archive(wh, source, prop, scope)
    if may_call:
        make_plan(wh, source, prop, archive)
    return Api(
        base_url=base_url,
        auth=auth,
        archive=archive,
        may_call=may_call,
        explain=source.explain,
        limits=limits,
        networks=networks,
        night=night,
        remedy=remedy,
    )
