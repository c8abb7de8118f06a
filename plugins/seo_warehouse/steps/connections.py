"""Credentials: Airflow's connections, and the client of a source made from one."""

from __future__ import annotations

import json
import os
from datetime import date
from pathlib import Path

from seo_warehouse.client.access import Access, Auth, Connection
from seo_warehouse.client.api import Api, Limits
from seo_warehouse.client.archive import Archive, open_archive, open_root
from seo_warehouse.config import Property
from seo_warehouse.errors import ConfigError
from seo_warehouse.spec import Source
from seo_warehouse.steps.plans import make_plan
from seo_warehouse.steps.warehouse import Warehouse

DEMO_CONNECTIONS = "demo_connections.json"
"""File in the state folder that holds the demo world's credentials, which are secrets to nobody."""


def connection(name: str, home: Path) -> Connection:
    """The connection `name`: in a demo's home the demo's own, else `AIRFLOW_CONN_<NAME>` as JSON, else Airflow's.

    Raises ConfigError where there is none, or it is not in its form.
    """
    variable = f"AIRFLOW_CONN_{name.upper()}"
    demo = home / DEMO_CONNECTIONS
    # First and alone: the demo must never spend a user's money, whatever credentials lie in the environment.
    if demo.exists():
        kept = json.loads(demo.read_text())
        if variable not in kept:
            raise ConfigError(f"the demo in {home} has no connection {name!r}")
        return _from_json(variable, kept[variable])
    if os.environ.get(variable):
        return _from_json(variable, os.environ[variable])
    # Outside a task Airflow's store is out of reach, and asking costs seconds of imports.
    if "AIRFLOW_CTX_DAG_ID" in os.environ:
        from airflow.sdk import Connection as AirflowConnection
        from airflow.sdk.exceptions import AirflowNotFoundException

        try:
            kept = AirflowConnection.get(name)
        except AirflowNotFoundException:
            raise ConfigError(f"Airflow has no connection {name!r}: add it, or set {variable}") from None
        return Connection(kept.host, kept.login, kept.password, kept.extra_dejson)
    raise ConfigError(f"no connection {name!r}: set {variable} (see .env.example)")


def _from_json(variable: str, text: str) -> Connection:
    try:
        document = json.loads(text)
        extra = document.get("extra") or {}
        extra = json.loads(extra) if isinstance(extra, str) else extra
        return Connection(document.get("host"), document.get("login"), document.get("password"), extra)
    except (ValueError, AttributeError):
        raise ConfigError(f"{variable} is not a JSON object (see .env.example)") from None


def has_answers(wh: Warehouse, source: Source, prop: Property, *, scope: str) -> bool:
    """Whether the archive holds anything of a source and property within `scope`."""
    return _archive(wh, source, prop, scope).folder.exists()


def _archive(wh: Warehouse, source: Source, prop: Property, scope: str) -> Archive:
    root = open_root(wh.settings.archive)
    return open_archive(root, source=source.name, property_key=prop.key, scope=scope)


def open_api(
    wh: Warehouse, source: Source, prop: Property, *, scope: str, may_call: bool, night: date | None = None
) -> Api:
    """The client of a source for one property, over the archive's `scope`. Credentials are read only if it may call.

    `night`: the day that every answer is to be of. Raises ConfigError where a connection is missing or not in its form.
    """
    settings = prop.settings_of(source)
    base_url, auth = getattr(settings, "base_url", ""), None
    networks: tuple[str, ...] = ()
    if may_call and source.access is not None:
        base_url, auth, networks = _entered(source.access, settings.connection, wh.settings.home)
    # The demo is our own server on loopback: nobody there asks for patience.
    is_demo = wh.properties.demo_control_url is not None
    money = getattr(settings, "money_per_night", None)
    limits = Limits(money=money, calls_per_minute=None) if is_demo else Limits(money=money)
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
    )


def _entered(access: Access, name: str, home: Path) -> tuple[str, Auth, tuple[str, ...]]:
    """Base URL, what signs requests, and the networks that are open, by a connection."""
    kept = connection(name, home)
    try:
        return kept.host or access.host, access.auth(kept), kept.networks
    except ConfigError as error:
        raise ConfigError(f"the connection {name!r} {error}") from None
