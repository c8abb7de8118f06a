"""A home whose providers are the demo's."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

from seo_warehouse.config import Settings
from seo_warehouse.demo.server import DemoServer
from seo_warehouse.steps.warehouse import Warehouse


@dataclass(frozen=True)
class DemoHome:
    """A home, its database, and the demo that it talks to."""

    home: Path
    dsn: str
    demo: DemoServer

    @property
    def environment(self) -> dict[str, str]:
        """What its commands find in their environment."""
        return {"SEO_WAREHOUSE_HOME": str(self.home), "SEO_WAREHOUSE_DSN": self.dsn}

    @property
    def wh(self) -> Warehouse:
        """The warehouse, as its settings are now."""
        return Warehouse(Settings(self.environment))
