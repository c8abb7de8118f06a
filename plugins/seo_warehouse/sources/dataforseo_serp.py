"""DataForSEO SERP, Google organic, the standard (queued) method.

POST /v3/serp/google/organic/task_post, GET .../tasks_ready, GET .../task_get/<form>/{id}, POST /v3/serp/id_list
https://docs.dataforseo.com/v3/serp/google/organic/task_post/

Only the order costs money; its answers may be fetched for a week. serp_orders.py orders and fetches, serp_answers.py
and serp_elements.py decode; here are the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import date
from decimal import Decimal
from typing import Literal, get_args

from pydantic import Field

from seo_warehouse.client.api import Api
from seo_warehouse.property import Property, Strict
from seo_warehouse.sources.dataforseo import ACCESS, CONNECTION, MONEY_PER_NIGHT, NO_RESULTS, OK, expect_money
from seo_warehouse.sources.serp_answers import ITEM, RESULT_COLUMNS, Form, Serp, explain
from seo_warehouse.sources.serp_elements import ELEMENT_COLUMNS, RESULTS
from seo_warehouse.sources.serp_orders import Placed, order_checks, placed_orders, unfound
from seo_warehouse.sources.serp_plan import Check, night_price, planned
from seo_warehouse.spec import DAY, BatchRule, Column, Feed, Kind, Period, Row, RowRule, Source, Table, Type


class SerpSettings(Strict):
    """Rank checks of the property's keywords on its panel."""

    connection: str = CONNECTION
    interval_days: int = Field(1, ge=1, description="Days between rank checks.")
    answer: Form = Field(
        "regular",
        description="What is read of a result page: `regular`, its results, or `advanced`, all its elements and links."
        " The advanced answer waits for the AI overview, which costs 0.0006 US dollars more a check.",
    )
    money_per_night: float = MONEY_PER_NIGHT


def price(property: Property) -> Decimal:
    """US dollars that a night costs by the price list."""
    return night_price(property, property.settings_of(DATAFORSEO_SERP).answer)


def probe_checks(api: Api, property: Property) -> None:
    """The login is accepted, and has the money for a night."""
    expect_money(api, price(property))


def order_night(api: Api, property: Property, period: Period) -> bool:
    """Order the night's checks, once, and fetch what is ready; True when all that will come came."""
    return order_checks(api, property, period, property.settings_of(DATAFORSEO_SERP).answer)


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
            "answer": check.form,
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
    """Every item of every SERP, in its order, and behind those of a SERP the links in them."""
    night = period.first_day
    stated = 0
    for check, _, serp in _answers(api, property, night):
        if serp is None or serp.result is None:
            continue
        # The vendor counts no links.
        stated += (serp.result["items_count"] or 0) + sum(row["element_no"] is not None for row in serp.rows)
        api.note_shape(night, serp)
        for number, item in enumerate(serp.rows, start=1):
            yield {
                **_check_columns(check, night),
                **item,
                "item_no": number,
                "observed_at": serp.result["datetime"],
            }
    api.note(night, stated_count=stated)


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
    """Each check of the night with what became of it, from the archive; one SERP at a time."""
    plan = planned(api, property, night, property.settings_of(DATAFORSEO_SERP).answer)
    placed = placed_orders(api, plan, night)
    for check in plan:
        order = placed.get(check.tag) or unfound(night)
        reply = None if order.task_id is None else api.find("GET", check.path(order.task_id), decode=check.decode)
        serp: Serp | None = None if reply is None else reply.json
        if serp is not None and serp.result is not None and serp.result["datetime"].date() != night:
            # Another day's SERP is no observation of this night.
            serp = None
        yield check, order, serp


CHECK = (
    DAY,
    Column("keyword", Type.TEXT, "Keyword as ordered.", required=True),
    Column("location_code", Type.INTEGER, "DataForSEO location.", required=True),
    Column("language_code", Type.TEXT, "Language.", required=True, pattern="^[A-Za-z0-9-]{1,40}$"),
    Column("device", Type.TEXT, "Device.", required=True, values=("desktop", "mobile")),
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
    settings=SerpSettings,
    access=ACCESS,
    probe=probe_checks,
    price=price,
    order=order_night,
    explain=explain,
    tables=(
        Table(
            name="task",
            is_droppable=True,
            description="One row for each rank check of a night, also those that failed.",
            read=read_tasks,
            unshaped="Table `result` is made of the same answers, and judges their fields.",
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
                Column("task_id", Type.TEXT, "Vendor's task; NULL where the order was refused or lost."),
                Column("tag", Type.TEXT, "Our tag of the order.", required=True),
                Column("depth", Type.INTEGER, "Results asked for.", required=True, minimum=10, maximum=700),
                Column(
                    "answer",
                    Type.TEXT,
                    "regular (its results alone) or advanced (every element of the page); NULL: regular.",
                    values=get_args(Form),
                ),
                Column("status_code", Type.INTEGER, "Task status; 20000 is done. NULL: no answer by the deadline."),
                Column(
                    "status_message", Type.TEXT, "The vendor's words, or ours where there is no answer.", required=True
                ),
                *RESULT_COLUMNS,
                Column(
                    "money", Type.NUMERIC, "Charge of the order, US dollars; a later refund is not in it.", minimum=0
                ),
                Column("observed_at", Type.INSTANT, "The SERP's own instant, else the answer's.", required=True),
            ),
        ),
        Table(
            name="result",
            is_droppable=True,
            description="Every item of the kept SERPs in its order, competitors too; of advanced answers also the links"
            " in them.",
            read=read_results,
            shape=ITEM,
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
                    sql=f"coalesce(type not in {RESULTS} or rank_group <= rank_absolute, true)",
                    reason="Among all items a result stands no higher than among those of its type.",
                ),
            ),
            tolerance=0.001,
            columns=(
                *CHECK,
                Column("item_no", Type.INTEGER, "Place in the answer, from 1; links follow.", required=True, minimum=1),
                *ITEM.columns,
                *ELEMENT_COLUMNS,
                Column("observed_at", Type.INSTANT, "The SERP's own instant.", required=True),
            ),
        ),
    ),
)
