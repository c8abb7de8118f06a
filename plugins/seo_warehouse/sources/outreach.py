"""Outreach: whom one asks for links, what was said, and what was promised for how much, as people keep it in files.

Files in `<drop>/<property>/outreach/`, told by their headings (docs/relationships.md). People are stripped from a file
before it is kept: of a contact there is a random id here, the rest in schema `personal` (docs/personal-data.md).
Of two rows of one grain the one exported later stays; what an export lacks means nothing.
"""

from __future__ import annotations

from pydantic import Field

from seo_warehouse.property import Strict
from seo_warehouse.sources.exports import AT, NOT_AHEAD, REL_TOKENS, day_column, has_identity, of_this_property
from seo_warehouse.spec import BatchRule, Column, Feed, Kind, RowRule, Source, Table, Type

CURRENCIES = ("EUR", "GBP", "USD")
"""Those that the seed `exchange_rates` has a rate of: money without one can be added to nothing."""
DIRECTIONS = ("out", "in")
TOUCH_KINDS = ("email", "call", "form", "social", "meeting")
OUTCOMES = ("none", "replied", "interested", "agreed", "declined", "unsubscribed", "bounced")
PAYMENTS = ("none", "once", "weekly", "monthly", "quarterly", "yearly", "barter")
ODD_ROWS = 0.02
"""Share of rows that may break a row rule: people type these."""


class OutreachSettings(Strict):
    """Files in the property's drop folder, `<drop>/<property>/outreach/`. `outreach: {}` has them read."""

    hourly_rate: float | None = Field(
        default=None,
        ge=0,
        le=10_000,
        allow_inf_nan=False,
        examples=[60.0],
        description="Dollars that an hour of work costs: minutes of touches without a cost of their own are counted by"
        " it. Absent: work is not counted, and reports say so.",
    )
    contact_months: int = Field(
        default=24,
        ge=1,
        le=1_200,
        description="Months after the last touch for which a person is kept ([how long](personal-data.md#how-long)).",
    )


def _words(name: str, description: str, values: tuple[str, ...], *, required: bool = False) -> Column:
    return Column(name, Type.TEXT, description, required=required, values=values)


PARTNER_NAME = Column("partner", Type.TEXT, "The partner: an id of one's own, else a name.", required=True)
CAMPAIGN_NAME = Column("campaign", Type.TEXT, "The campaign, by name or id.", required=True)
CURRENCY = _words("currency", "Currency of the money in the row; NULL: US dollars.", CURRENCIES)
LINK_KIND = Column(
    "kind", Type.TEXT, "What is sought or given, lower case, as guest post, collaboration, influencer, directory."
)

OFFER = (
    Column("country", Type.TEXT, "ISO 3166-1 alpha-2, upper case.", pattern="^[A-Z]{2}$"),
    Column("language", Type.TEXT, "BCP 47, as in de or pt-BR.", pattern="^[a-z]{2,3}(-[A-Za-z0-9]{2,8}){0,6}$"),
    Column("topic", Type.TEXT, "What the site is about."),
    Column("price", Type.FLOAT, "Price of a link by the partner's list, in `currency`.", minimum=0),
    CURRENCY,
)
"""What a partner's site is, and asks for."""
PROMISED = (
    Column("source_url", Type.URL, "Page that is to link, or its site."),
    Column("target_url", Type.URL, "Page of the property that is to be linked to."),
    Column("anchor", Type.TEXT, "Words that were promised."),
)
TERMS = (
    Column("until", Type.DATE, "Day until which it was promised to stand."),
    Column("price", Type.FLOAT, "Price of each payment, in `currency`.", minimum=0),
    CURRENCY,
    _words("payment", "How often the price is paid; NULL: once, where there is one.", PAYMENTS),
    Column("paid_from", Type.DATE, "First day that is paid for; NULL: from its placing."),
    Column("paid_until", Type.DATE, "Last day that is paid for; NULL: open."),
    Column("invoice", Type.TEXT, "Number of the invoice."),
)
PROMISE_RULES = (
    has_identity("source_url"),
    has_identity("target_url"),
    RowRule(
        name="paid_in_order",
        sql="coalesce(paid_from <= paid_until, true)",
        reason="What is paid for does not end before it begins.",
    ),
)


def no_touch_is_ahead(touched_on: str, told_on: str) -> BatchRule:
    """No touch is of a day (a column) after that on which it was told (SQL over a row `a`)."""
    return BatchRule(
        name="no_touch_is_ahead",
        sql=f"select {touched_on}, count(*) as row_count from {{batch}} a"  # noqa: S608
        f" where {touched_on} > {told_on} + 1 group by {touched_on}",
        reason="What has not happened yet is no touch: the column is of plans, or its days are read wrongly.",
    )


def promise_batch_rules(agreed_on: str, where: str = "true") -> tuple[BatchRule, ...]:
    """Promises, rows `a` of which `where` holds, were agreed (a column) before they were placed, and have a price."""
    return (
        BatchRule(
            name="agreed_before_placed",
            sql=f"select count(*) as row_count from {{batch}} a where {where}"  # noqa: S608
            f" having count(*) filter (where {agreed_on} > placed_on + 1) > 0.05 * count(*)",
            reason="More than one in twenty was placed before it was agreed: the columns are exchanged, or their days"
            " are read wrongly.",
        ),
        BatchRule(
            name="prices_are_known",
            sql=f"select count(*) as row_count from {{batch}} a where {where}"  # noqa: S608
            " having count(*) filter (where price is null and coalesce(payment, 'once') not in ('none', 'barter'))"
            " > 0.5 * count(*)",
            reason="More than half of the placements have no price: what links cost cannot be told.",
            severity="warn",
        ),
    )


PARTNER = Table(
    name="partner",
    description="Partners and their sites, one row a partner and site.",
    grain=("day", "partner", "site"),
    feeds=Feed.PARTNERS,
    columns=(
        day_column("Day of the export."),
        AT,
        PARTNER_NAME,
        Column("site", Type.URL, "A site of the partner's; on a host that many share with its path.", required=True),
        LINK_KIND,
        Column("owner_since", Type.DATE, "Day since which the site is the partner's; NULL: as far as is known."),
        Column("owner_until", Type.DATE, "Last day on which it was; NULL: it is still."),
        *OFFER,
    ),
    tolerance=ODD_ROWS,
    row_rules=(
        NOT_AHEAD,
        has_identity("site"),
        RowRule(
            name="owned_in_order",
            sql="coalesce(owner_since <= owner_until, true)",
            reason="A site cannot be given up before it is had.",
        ),
    ),
)

CAMPAIGN = Table(
    name="campaign",
    description="Rounds of asking for links.",
    grain=("day", "campaign"),
    feeds=Feed.CAMPAIGNS,
    columns=(
        day_column("Day of the export."),
        AT,
        CAMPAIGN_NAME,
        LINK_KIND,
        Column("begins_on", Type.DATE, "First day."),
        Column("ends_on", Type.DATE, "Last day; NULL: open."),
        Column("target_url", Type.URL, "Page that links are sought for."),
        Column("budget", Type.FLOAT, "Money set aside, in `currency`.", minimum=0),
        CURRENCY,
    ),
    tolerance=ODD_ROWS,
    row_rules=(
        NOT_AHEAD,
        has_identity("target_url"),
        RowRule(
            name="campaign_in_order",
            sql="coalesce(begins_on <= ends_on, true)",
            reason="A campaign does not end before it begins.",
        ),
    ),
    batch_rules=(of_this_property("target_url"),),
)

TOUCH = Table(
    name="touch",
    description="Messages to partners and from them.",
    grain=("day", "partner", "campaign", "kind", "direction", "touch_id"),
    feeds=Feed.TOUCHES,
    columns=(
        day_column("Day of the touch; of an instant with a zone its day in UTC."),
        AT,
        PARTNER_NAME,
        CAMPAIGN_NAME,
        _words("kind", "How one met.", TOUCH_KINDS, required=True),
        _words("direction", "out: from us; in: from the partner.", DIRECTIONS, required=True),
        _words("outcome", "What came of it, as stated; NULL unknown.", OUTCOMES),
        Column("contact", Type.TEXT, "Random id of the person; NULL: none named, or erased.", personal=True),
        Column("minutes", Type.FLOAT, "Minutes of work.", minimum=0),
        Column("cost", Type.FLOAT, "What it cost, in `currency`, work included.", minimum=0),
        CURRENCY,
        Column(
            "touch_id",
            Type.TEXT,
            "Id of the touch; without one its number among those of one day, partner, campaign, kind and direction.",
            required=True,
        ),
    ),
    tolerance=ODD_ROWS,
    batch_rules=(no_touch_is_ahead("day", "(a.exported_at at time zone 'UTC')::date"),),
)

PLACEMENT = Table(
    name="placement",
    description="Links that partners agreed to set: what was promised, and for how much.",
    grain=("day", "partner", "campaign", "source_url", "target_url", "placement_id"),
    feeds=Feed.PLACEMENTS,
    columns=(
        day_column("Day on which it was agreed."),
        AT,
        PARTNER_NAME,
        CAMPAIGN_NAME,
        LINK_KIND,
        *PROMISED,
        Column("rel", Type.TEXTS, "What was promised: empty is followed, NULL nothing.", values=REL_TOKENS),
        Column("placed_on", Type.DATE, "Day on which somebody says that it was set."),
        *TERMS,
        Column("placement_id", Type.TEXT, "Id of the placement."),
    ),
    tolerance=ODD_ROWS,
    row_rules=(NOT_AHEAD, *PROMISE_RULES),
    batch_rules=(of_this_property("target_url"), *promise_batch_rules("day")),
)

OUTREACH = Source(
    name="outreach",
    description="Partners, campaigns, touches and placements, from the drop folder.",
    kind=Kind.DROP,
    cron="20 5 * * *",
    settings=OutreachSettings,
    tables=(PARTNER, CAMPAIGN, TOUCH, PLACEMENT),
)
