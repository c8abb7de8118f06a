"""Airflow's plugin of the operators' pages: an app under /seo-warehouse, and a view of it in *Browse*.

Every component of Airflow loads this file, tasks too, so it imports nothing of the pages before one is asked for.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, ClassVar

from airflow.plugins_manager import AirflowPlugin

Message = MutableMapping[str, Any]


async def serve(
    scope: Message, receive: Callable[[], Awaitable[Message]], send: Callable[[Message], Awaitable[None]]
) -> None:
    """The pages, as an ASGI application."""
    from seo_warehouse.pages.app import app

    await app(scope, receive, send)


class SeoWarehousePages(AirflowPlugin):
    """What Airflow serves of ours."""

    name = "seo_warehouse"
    fastapi_apps: ClassVar[list[dict[str, Any]]] = [
        {"app": serve, "url_prefix": "/seo-warehouse", "name": "SEO warehouse"}
    ]
    external_views: ClassVar[list[dict[str, Any]]] = [
        {
            "name": "SEO warehouse",
            "href": "/seo-warehouse/tonight",
            "destination": "nav",
            "category": "browse",
            "url_route": "seo-warehouse",
        }
    ]
