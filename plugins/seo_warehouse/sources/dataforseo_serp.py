"""DataForSEO SERP, Google organic, the standard (queued) method.

POST /v3/serp/google/organic/task_post, GET .../tasks_ready, GET .../task_get/regular/{id}, POST /v3/serp/id_list
https://docs.dataforseo.com/v3/serp/google/organic/task_post/

Only the order costs money; its answers may be fetched for a week. serp_orders.py orders and fetches, serp_answers.py
decodes; here are the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from typing import Literal

from seo_warehouse.client.api import Api
from seo_warehouse.config import Property
from seo_warehouse.sources.dataforseo import NO_RESULTS, OK, check_night
from seo_warehouse.sources.serp_answers import GET_PATH, ITEM_COLUMNS, RESULT_COLUMNS, Serp, decode_serp, explain
from seo_warehouse.sources.serp_orders import Placed, order_checks, placed_orders, unfound
from seo_warehouse.sources.serp_plan import Check, planned
from seo_warehouse.spec import BatchRule, Column, Feed, Kind, Period, Row, RowRule, Source, Table, Type


def read_tasks(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """One row for each rank check ordered, also those that failed."""
    for check, placed, serp in _answers(api, property, period.first_day):
        api.spend(money=placed.cost)
        done = serp.result if serp is not None and serp.result is not None else {}
        row: Row = {
            **_check_columns(check, period.first_day),
            "task_id": placed.task_id,
            "tag": check.tag,
            "depth": check.order["depth"],
            "status_code": placed.status_code,
            "status_message": placed.status_message,
            "money": placed.cost,
            **{column.name: done.get(column.name) for column in RESULT_COLUMNS},
            "observed_at": done.get("datetime") or placed.at,
        }
        if placed.task_id is not None:
            row["status_code"] = None if serp is None else serp.status_code
            row["status_message"] = "no answer within the night" if serp is None else serp.status_message
        yield row


def read_results(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Every result of every SERP, in its order."""
    night = period.first_day
    stated = 0
    unknown: set[str] = set()
    missing: set[str] = set()
    for check, _, serp in _answers(api, property, night):
        if serp is None or serp.result is None:
            continue
        stated += serp.result["items_count"] or 0
        unknown |= serp.unknown
        missing |= serp.missing
        for number, item in enumerate(serp.items, start=1):
            yield {
                **_check_columns(check, night),
                **item,
                "item_no": number,
                "observed_at": serp.result["datetime"],
            }
    api.note(night, stated_count=stated)
    if unknown:
        api.note(night, unknown_fields=sorted(unknown))
    if missing:
        api.note(night, missing_fields=sorted(missing))


def _check_columns(check: Check, night: date) -> Row:
    order = check.order
    return {
        "day": night,
        "keyword": check.keyword,
        "location_code": order["location_code"],
        "language_code": order["language_code"],
        "device": order["device"],
    }


def _answers(api: Api, property: Property, night: date) -> Iterator[tuple[Check, Placed, Serp | None]]:
    """Each check of the night with what became of it, from the archive; one SERP at a time.

    Raises NightOverError where it was ordered on another day.
    """
    plan = planned(api, property, night)
    placed = placed_orders(api, plan, night)
    for check in plan:
        order = placed.get(check.tag) or unfound(night)
        check_night(order.at, night)
        reply = None if order.task_id is None else api.find("GET", GET_PATH + order.task_id, decode=decode_serp)
        serp: Serp | None = None if reply is None else reply.json
        if serp is not None and serp.result is not None and serp.result["datetime"].date() != night:
            # Another day's SERP is no observation of this night.
            serp = None
        yield check, order, serp


CHECK = (
    Column(name="day", type=Type.DATE, description="The night.", required=True),
    Column(name="keyword", type=Type.TEXT, description="Keyword as ordered.", required=True),
    Column(name="location_code", type=Type.INTEGER, description="DataForSEO location.", required=True),
    Column(name="language_code", type=Type.TEXT, description="Language.", required=True),
    Column(name="device", type=Type.TEXT, description="Device.", required=True, values=("desktop", "mobile")),
)
CHECK_GRAIN = ("day", "keyword", "location_code", "language_code", "device")

FAILED_SHARE = 0.2
"""Share of a night's checks that may fail before the night is held: beyond, it tells of the vendor, not of Google."""
ODD_SHARE = 0.05
"""Share of failed checks to warn of: the engine's own errors are rarer."""


def _failed_checks(share: float, severity: Literal["fail", "warn"], reason: str) -> BatchRule:
    """At most `share` of a night's checks may have neither results nor the engine's word that there are none."""
    query = f"""
        select count(*) filter (where not is_good) as failed_count, count(*) as check_count
        from (select coalesce(status_code in ({OK}, {NO_RESULTS}), false) as is_good from {{batch}}) c
        having count(*) filter (where not is_good) > {share} * count(*)
    """  # noqa: S608
    return BatchRule(name=f"failed_checks_{severity}", sql=query, reason=reason, severity=severity)


DATAFORSEO_SERP = Source(
    name="dataforseo_serp",
    vendor="dataforseo",
    description="DataForSEO: Google organic results of the tracked keywords.",
    kind=Kind.SNAPSHOT,
    cron="0 3 * * *",
    settings="dataforseo_serp",
    connection="dataforseo",
    order=order_checks,
    explain=explain,
    tables=(
        Table(
            name="task",
            description="One row for each rank check of a night, also those that failed.",
            read=read_tasks,
            grain=CHECK_GRAIN,
            feeds=Feed.CHECKS,
            row_rules=(
                RowRule(
                    name="answered_check_has_its_serp",
                    sql=f"coalesce(status_code <> {OK} or items_count is not null, true)",
                    reason="A check that is done without a result would pass for one that found nothing.",
                ),
            ),
            tolerance=ODD_SHARE,
            batch_rules=(
                _failed_checks(FAILED_SHARE, "fail", "Beyond a fifth, positions of the night tell of the vendor."),
                _failed_checks(ODD_SHARE, "warn", "The vendor's engine errors are rarer than one check in twenty."),
            ),
            columns=(
                *CHECK,
                Column(
                    name="task_id",
                    type=Type.TEXT,
                    description="Vendor's task; NULL where the order was refused or lost.",
                ),
                Column(name="tag", type=Type.TEXT, description="Our tag of the order.", required=True),
                Column(
                    name="depth",
                    type=Type.INTEGER,
                    description="Results asked for.",
                    required=True,
                    minimum=10,
                    maximum=700,
                ),
                Column(
                    name="status_code",
                    type=Type.INTEGER,
                    description="Task status; 20000 is done. NULL: no answer by the deadline.",
                ),
                Column(
                    name="status_message",
                    type=Type.TEXT,
                    description="The vendor's words, or ours where there is no answer.",
                    required=True,
                ),
                *RESULT_COLUMNS,
                Column(
                    name="money",
                    type=Type.NUMERIC,
                    description="Charge of the order, US dollars; a later refund is not in it.",
                    minimum=0,
                ),
                Column(
                    name="observed_at",
                    type=Type.INSTANT,
                    description="The SERP's own instant, else the answer's.",
                    required=True,
                ),
            ),
        ),
        Table(
            name="result",
            description="Every result of the kept SERPs in its order, competitors too.",
            read=read_results,
            grain=(*CHECK_GRAIN, "item_no"),
            feeds=Feed.RESULTS,
            least_share=0.5,
            row_rules=(
                RowRule(
                    name="organic_has_place_and_address",
                    sql="coalesce(type <> 'organic' or (rank_group is not null and rank_absolute is not null"
                    " and url is not null), true)",
                    reason="A result without place or address cannot be counted as anybody's.",
                ),
                RowRule(
                    name="place_within_all_places",
                    sql="coalesce(rank_group <= rank_absolute, true)",
                    reason="Among all items a result stands no higher than among those of its type.",
                ),
            ),
            tolerance=0.001,
            columns=(
                *CHECK,
                Column(
                    name="item_no",
                    type=Type.INTEGER,
                    description="Place in the answer, from 1.",
                    required=True,
                    minimum=1,
                ),
                *ITEM_COLUMNS,
                Column(name="observed_at", type=Type.INSTANT, description="The SERP's own instant.", required=True),
            ),
        ),
    ),
)
