"""A property with a drop folder, over a database of its own."""

from __future__ import annotations

import json
import os
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import psycopg

from seo_warehouse.config import Settings
from seo_warehouse.errors import AuditFailedError
from seo_warehouse.spec import NIGHT_DEADLINE
from seo_warehouse.steps import drop
from seo_warehouse.steps.stated import read_clock
from seo_warehouse.steps.warehouse import Warehouse
from tests.conftest import PASSWORDS

NIGHT = datetime.now(UTC).date()
LAST_INSTANT = datetime.combine(NIGHT, NIGHT_DEADLINE, UTC) - timedelta(minutes=1)
PROPERTIES = """
properties:
  - {key: 1, name: shop, domain: shop.example, history_start: 2026-05-01, sources: {exports: {}}}
  - {key: 2, name: blog, domain: blog.example, history_start: 2026-05-01, sources: {exports: {}}}
"""


@dataclass
class Shop:
    """The warehouse, its folders, and what its steps said."""

    home: Path
    dsn: str
    said: list[str] = field(default_factory=list)

    @property
    def environment(self) -> dict[str, str]:
        return {"SEO_WAREHOUSE_HOME": str(self.home), "SEO_WAREHOUSE_DSN": self.dsn}

    @property
    def wh(self) -> Warehouse:
        """At whatever hour tests run, the night is open."""
        return Warehouse(Settings(self.environment), clock=lambda settings: min(read_clock(settings), LAST_INSTANT))

    @property
    def folder(self) -> Path:
        return self.home / "drop" / "shop"

    @property
    def say(self) -> Callable[[str], None]:
        return self.said.append

    def drop(
        self, name: str, content: str | bytes, written_at: str = "2026-06-01T12:00:00+00:00", prop: str = "shop"
    ) -> Path:
        """Put a file into a property's folder, written at an instant that is past."""
        folder = self.home / "drop" / prop
        folder.mkdir(parents=True, exist_ok=True)
        path = folder / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        at = datetime.fromisoformat(written_at).timestamp()
        os.utime(path, (at, at))
        return path

    def fetch(self, query: str, values: Any = None) -> list[tuple[Any, ...]]:
        with psycopg.connect(self.dsn, autocommit=True) as connection:
            return connection.execute(query, values).fetchall()  # type: ignore[arg-type]


def open_shop(home: Path, dsn: str, properties: str = PROPERTIES) -> Shop:
    """A shop over a database that has its schemas already. `dsn` is a superuser's."""
    home.mkdir(parents=True, exist_ok=True)
    (home / "properties.yml").write_text(properties)
    (home / "secrets.json").write_text(
        json.dumps(PASSWORDS | dict.fromkeys(("postgres", "airflow", "airflow_admin"), "x"))
    )
    shop = Shop(home, dsn)
    shop.wh.sync_properties()
    return shop


def folders(*names: str) -> str:
    """properties.yml with a property for each name, all of the same domain."""
    lines = [
        f"  - {{key: {key}, name: {name}, domain: shop.example, history_start: 2026-05-01, sources: {{exports: {{}}}}}}"
        for key, name in enumerate(names, start=1)
    ]
    return "\n".join(["properties:", *lines, ""])


def ingest_all(shop: Shop, *names: str) -> dict[str, str]:
    """Ingest the folders of properties; what the refusals and quarantines said, by property."""
    refused = {}
    for name in names:
        try:
            drop.ingest(shop.wh, "exports", name, NIGHT, shop.say)
        except AuditFailedError as error:
            refused[name] = str(error)
    return refused


def rankings(rows: list[tuple[str, str, int]], device: str = "desktop") -> str:
    """A generic rankings file: (day, keyword, position)."""
    lines = [
        f"{day},{keyword},google,US,en,{device},found,{position},https://www.shop.example/{keyword},100"
        for day, keyword, position in rows
    ]
    return "checked_on,keyword,engine,country,language,device,state,position,url,depth\n" + "\n".join(lines) + "\n"
