"""properties.yml for the demo's properties."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import date
from pathlib import Path
from typing import Any

import yaml

from seo_warehouse.demo import crm
from seo_warehouse.demo.analytics import PROPERTY_ID
from seo_warehouse.demo.catalogue import DEMO_PROPERTIES, DEVICES, PANEL_DEPTH, DemoProperty
from seo_warehouse.demo.control import clock_url
from seo_warehouse.demo.linking import news_of
from seo_warehouse.demo.links import hosts
from seo_warehouse.demo.logs import LOGGED

PAGES_A_NIGHT = 30
"""That link to a property and are visited: enough to be told of, few enough for a first run."""


def _property(prop: DemoProperty, port: int, history_start: date) -> dict[str, Any]:
    sources: dict[str, Any] = {
        "dataforseo_backlinks": {"connection": f"dataforseo_{prop.name}", "target": prop.domain},
        "dataforseo_serp": {"connection": f"dataforseo_{prop.name}"},
    }
    if prop.is_read_whole:
        sources["dataforseo_serp"]["answer"] = "advanced"
    if prop.is_panel:
        sources["dataforseo_serp"]["interval_days"] = 7
    else:
        sources = {"search_console": {"site": prop.search_console_site}, **sources, "exports": {}}
        sources["outreach"] = {"hourly_rate": 60}
    if prop.is_crawled:
        address = f"127.0.0.1:{port}"
        sources["site_crawl"] = {
            "start_urls": [prop.url("/")],
            "delay_seconds": 0,
            "allowed_networks": ["127.0.0.0/8"],
            "resolve": {prop.host: address, prop.domain: address},
        }
    if prop.is_visited:
        sources["link_check"] = {
            "max_pages": PAGES_A_NIGHT,
            "delay_seconds": 0,
            "allowed_networks": ["127.0.0.0/8"],
            "resolve": dict.fromkeys((news_of(prop.key), *hosts(prop)), f"127.0.0.1:{port}"),
        }
    if prop.name == LOGGED:
        sources["server_logs"] = {"site": prop.root}
        sources["ga4"] = {"property_id": PROPERTY_ID, "scheme": "http"}
    if prop.name == crm.ASKED_BY:
        sources["hubspot"] = {"interval_days": 7, "full_interval_days": 28, "stages": {**crm.STAGES}}
    return {
        "key": prop.key,
        "name": prop.name,
        "domain": prop.domain,
        "history_start": history_start,
        "panel": {"depth": PANEL_DEPTH, "devices": [DEVICES[0]] if prop.is_panel else [*DEVICES]},
        "keywords": [{"keyword": t.keyword, "page": prop.url(t.path), "is_brand": t.is_brand} for t in prop.tracked],
        "sources": sources,
    }


def write_properties(
    path: Path, port: int, history_start: date, properties: Sequence[DemoProperty] = DEMO_PROPERTIES
) -> None:
    """Write a properties.yml that leads to a demo on `port`; one that says the same already is left as it is."""
    document = {
        "properties": [_property(prop, port, history_start) for prop in properties],
        "google_updates": {"base_url": f"http://127.0.0.1:{port}"},
        "bot_range": {"base_url": f"http://127.0.0.1:{port}"},
        "clock_url": clock_url(port),
    }
    text = yaml.safe_dump(document, sort_keys=False, allow_unicode=True)
    if path.exists() and path.read_text(encoding="utf-8") == text:
        return
    path.parent.mkdir(parents=True, exist_ok=True)
    aside = path.with_name(path.name + ".part")
    aside.write_text(text, encoding="utf-8")
    aside.replace(path)
