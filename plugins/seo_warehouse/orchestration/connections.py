"""Credentials: Airflow's connections, and the client of a provider made from them."""

from __future__ import annotations

import json
import os
from dataclasses import dataclass, field
from typing import Any

from seo_warehouse import landing
from seo_warehouse.api import Api, Limits
from seo_warehouse.config import Property
from seo_warehouse.errors import ConfigError
from seo_warehouse.orchestration.warehouse import Warehouse
from seo_warehouse.spec import Source

GOOGLE_SCOPES = ("https://www.googleapis.com/auth/webmasters.readonly",)


@dataclass(frozen=True)
class Connection:
    """An Airflow connection: `host` is the base URL of the provider's API."""

    host: str | None = None
    login: str | None = None
    password: str | None = field(default=None, repr=False)
    extra: dict[str, Any] = field(default_factory=dict, repr=False)


def connection(name: str) -> Connection:
    """The connection `name`: `AIRFLOW_CONN_<NAME>` as JSON, else from Airflow's own store. Raises ConfigError."""
    variable = f"AIRFLOW_CONN_{name.upper()}"
    if variable in os.environ:
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
