"""What a home and its environment state of the world outside: the time, credentials, where the archive lies.

A warehouse is handed these where nobody has anything better: Airflow has a store of connections and paths in object
stores (orchestration/stores.py).
"""

from __future__ import annotations

import json
import os
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import requests

from seo_warehouse.client.access import Connection
from seo_warehouse.client.redaction import Redactor
from seo_warehouse.config import Settings
from seo_warehouse.errors import ConfigError, TransientSourceError

CONNECTIONS_FILE = "connections.json"
"""File in the state folder that states connections, by variable as the environment does."""
CLOCK_TIMEOUT_SECONDS = 30


def read_clock(settings: Settings) -> datetime:
    """The instant now, UTC: of the host's clock, or of the one that properties.yml names (`clock_url`).

    Raises TransientSourceError where that one does not answer.
    """
    url = settings.properties.clock_url
    if url is None:
        return datetime.now(UTC)
    try:
        with requests.Session() as session:
            # A clock serves on this machine or nearby: a proxy has no part in it.
            session.trust_env = False
            answer = session.get(url, timeout=CLOCK_TIMEOUT_SECONDS)
            answer.raise_for_status()
            instant = datetime.fromisoformat(answer.json()["now"])
            if instant.tzinfo is None:
                raise ValueError("without a zone it would be read in the host's")
            return instant.astimezone(UTC)
    except (requests.RequestException, ValueError, KeyError, TypeError):
        said = Redactor().text(url)
        raise TransientSourceError(f"the clock at {said} (clock_url) does not tell the time") from None


def find_connection(settings: Settings, name: str) -> Connection:
    """The connection `name`, as it is stated. Raises ConfigError where it is not, or not in its form."""
    found = find_stated(settings.home, name)
    if found is None:
        raise ConfigError(f"no connection {name!r}: set {variable(name)} (see .env.example)")
    return found


def find_stated(home: Path, name: str) -> Connection | None:
    """The connection `name` from the home's file, or where there is no file from `AIRFLOW_CONN_<NAME>` as JSON.

    A home with a file of connections has no others, whatever credentials lie in the environment. Raises ConfigError
    where the file lacks it, or what is stated is not in its form.
    """
    file = home / CONNECTIONS_FILE
    if not file.exists():
        stated = os.environ.get(variable(name))
        return _from_json(variable(name), stated) if stated else None
    kept: dict[str, str] = json.loads(file.read_text(encoding="utf-8"))
    if variable(name) not in kept:
        raise ConfigError(f"{file} has no connection {name!r}, and a home with such a file has no others")
    return _from_json(variable(name), kept[variable(name)])


def variable(name: str) -> str:
    """The variable by which the environment states a connection."""
    return f"AIRFLOW_CONN_{name.upper()}"


def _from_json(name: str, text: str) -> Connection:
    try:
        document: dict[str, Any] = json.loads(text)
        extra = document.get("extra") or {}
        extra = json.loads(extra) if isinstance(extra, str) else extra
        host, login, password, port = map(document.get, ("host", "login", "password", "port"))
        return Connection(host, login, password, extra, port)
    except (ValueError, AttributeError):
        raise ConfigError(f"{name} is not a JSON object (see .env.example)") from None
