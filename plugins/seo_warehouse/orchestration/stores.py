"""Airflow's stores, handed to the steps: its connections, and paths in object stores.

The one place where a warehouse is put together, for tasks and for commands. Importing Airflow takes seconds, so it is
imported where it is needed.
"""

from __future__ import annotations

from urllib.parse import urlsplit

from seo_warehouse.client import archive
from seo_warehouse.client.access import Connection
from seo_warehouse.config import Settings
from seo_warehouse.errors import ConfigError
from seo_warehouse.steps.stated import find_stated, variable
from seo_warehouse.steps.warehouse import Warehouse


def open_task_warehouse() -> Warehouse:
    """The warehouse as a task sees it, with Airflow's connections."""
    return Warehouse(Settings(), find_connection=find_connection, open_root=open_root)


def open_warehouse() -> Warehouse:
    """The warehouse as a command sees it: outside a task Airflow's connections are out of reach."""
    return Warehouse(Settings(), open_root=open_root)


def find_connection(settings: Settings, name: str) -> Connection:
    """The connection `name` as the home or the environment states it, else Airflow's. Raises ConfigError."""
    stated = find_stated(settings.home, name)
    if stated is not None:
        return stated
    from airflow.sdk import Connection as AirflowConnection
    from airflow.sdk.exceptions import AirflowNotFoundException

    try:
        kept = AirflowConnection.get(name)
    except AirflowNotFoundException:
        raise ConfigError(f"Airflow has no connection {name!r}: add it, or set {variable(name)}") from None
    return Connection(kept.host, kept.login, kept.password, kept.extra_dejson, kept.port)


def open_root(uri: str) -> archive.Folder:
    """The root of an archive, on this machine or in an object store (`s3://`, `gs://`).

    Raises ConfigError where the scheme cannot be opened.
    """
    if archive.is_local(uri):
        return archive.open_root(uri)
    parts = urlsplit(uri)
    try:
        from airflow.sdk import ObjectStoragePath

        root: archive.Folder = ObjectStoragePath(uri)
    except (ImportError, ValueError) as error:
        raise ConfigError(f"the archive {parts.scheme}://{parts.hostname or ''} cannot be opened: {error}") from None
    return root
