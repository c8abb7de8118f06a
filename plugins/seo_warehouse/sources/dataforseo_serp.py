"""DataForSEO SERP, Google organic, the standard (queued) method.

POST /v3/serp/google/organic/task_post, GET .../tasks_ready, GET .../task_get/regular/{id}
https://docs.dataforseo.com/v3/serp/google/organic/task_post/
"""

from __future__ import annotations

from collections.abc import Iterator

from seo_warehouse.api import Api
from seo_warehouse.config import Property
from seo_warehouse.spec import Column, Kind, Period, Row, Source, Table, Type


def order_checks(api: Api, property: Property, period: Period) -> bool:
    """Order each tracked keyword once on each device and fetch what is ready; True when all came."""
    raise NotImplementedError


def read_tasks(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """One row for each rank check ordered, also those that failed."""
    raise NotImplementedError


def read_results(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Every result of every SERP, in its order."""
    raise NotImplementedError


CHECK = (
    Column(name="day", type=Type.DATE, description="The night.", required=True),
    Column(name="keyword", type=Type.TEXT, description="Keyword as ordered.", required=True),
    Column(name="location_code", type=Type.INTEGER, description="DataForSEO location.", required=True),
    Column(name="language_code", type=Type.TEXT, description="Language.", required=True),
    Column(name="device", type=Type.TEXT, description="Device.", required=True, values=("desktop", "mobile")),
)
CHECK_GRAIN = ("day", "keyword", "location_code", "language_code", "device")

DATAFORSEO_SERP = Source(
    name="dataforseo_serp",
    description="DataForSEO: Google organic results of the tracked keywords.",
    kind=Kind.SNAPSHOT,
    cron="0 3 * * *",
    settings="dataforseo_serp",
    connection="dataforseo",
    order=order_checks,
    tables=(
        Table(
            name="task",
            description="One row for each rank check of a night, also those that failed.",
            read=read_tasks,
            grain=CHECK_GRAIN,
            columns=(
                *CHECK,
                Column(name="task_id", type=Type.TEXT, description="Vendor's task; NULL where the order was refused or lost."),
                Column(name="tag", type=Type.TEXT, description="Our tag of the order.", required=True),
                Column(name="depth", type=Type.INTEGER, description="Results asked for.", required=True, minimum=10, maximum=700),
                Column(name="status_code", type=Type.INTEGER, description="Task status; 20000 is done. NULL: no answer by the deadline."),
                Column(name="status_message", type=Type.TEXT, description="The vendor's words, or ours where there is no answer.", required=True),
                Column(name="se_domain", type=Type.TEXT, description="Search engine's domain."),
                Column(name="check_url", type=Type.TEXT, description="Address to check the SERP at."),
                Column(name="item_types", type=Type.TEXTS, description="Kinds of items in the SERP."),
                Column(name="se_results_count", type=Type.BIGINT, description="Results that the engine claims."),
                Column(name="items_count", type=Type.INTEGER, description="Items in the answer.", minimum=0),
                Column(name="money", type=Type.NUMERIC, description="Cost of the order, US dollars.", minimum=0),
                Column(name="observed_at", type=Type.INSTANT, description="The SERP's own instant, else the answer's.", required=True),
            ),
        ),
        Table(
            name="result",
            description="Every result of the kept SERPs in its order, competitors too.",
            read=read_results,
            grain=(*CHECK_GRAIN, "item_no"),
            columns=(
                *CHECK,
                Column(name="item_no", type=Type.INTEGER, description="Place in the answer, from 1.", required=True, minimum=1),
                Column(name="type", type=Type.TEXT, description="organic, paid, featured_snippet ...", required=True),
                Column(name="rank_group", type=Type.INTEGER, description="Position among items of its type, from 1.", minimum=1),
                Column(name="rank_absolute", type=Type.INTEGER, description="Position among all items, from 1.", minimum=1),
                Column(name="domain", type=Type.TEXT, description="Domain as the vendor cuts it."),
                Column(name="url", type=Type.URL, description="Address of the result."),
                Column(name="title", type=Type.TEXT, description="Title shown."),
                Column(name="description", type=Type.TEXT, description="Snippet shown."),
                Column(name="breadcrumb", type=Type.TEXT, description="Breadcrumb shown."),
                Column(name="observed_at", type=Type.INSTANT, description="The SERP's own instant.", required=True),
            ),
        ),
    ),
)
