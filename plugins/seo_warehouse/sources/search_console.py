"""Google Search Console, Search Analytics.

POST https://searchconsole.googleapis.com/webmasters/v3/sites/{site}/searchAnalytics/query
https://developers.google.com/webmaster-tools/v1/searchanalytics/query

Days are Pacific time and are kept as the source's own. The last two or three are provisional.
Queries asked by few people are left out of rows by query, so totals are asked for separately.
At most 50,000 rows a day and search type exist, however one pages.
"""

from __future__ import annotations

from collections.abc import Iterator

from seo_warehouse.api import Api
from seo_warehouse.config import Property
from seo_warehouse.spec import Column, Kind, Period, Row, Source, Table, Type

PAGE_ROWS = 25_000
DAY_CAP_ROWS = 50_000


def read_performance(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Rows by date, page, query, country and device."""
    raise NotImplementedError


def read_property_totals(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """One row a day: the property's totals, anonymised queries included."""
    raise NotImplementedError


def read_page_totals(api: Api, property: Property, period: Period) -> Iterator[Row]:
    """Rows by date, page, country and device, anonymised queries included."""
    raise NotImplementedError


METRICS = (
    Column(name="clicks", type=Type.FLOAT, description="Clicks.", required=True, minimum=0),
    Column(name="impressions", type=Type.FLOAT, description="Impressions.", required=True, minimum=0),
    Column(name="ctr", type=Type.FLOAT, description="Clicks over impressions, 0-1.", minimum=0, maximum=1),
    Column(name="position", type=Type.FLOAT, description="Mean topmost position, from 1; 0 without impressions.", minimum=0),
)
DAY = Column(name="day", type=Type.DATE, description="The day, Pacific time.", required=True)
PAGE = Column(name="page_url", type=Type.URL, description="Canonical URL that Google shows.", required=True)
COUNTRY = Column(name="country", type=Type.TEXT, description="ISO 3166-1 alpha-3, lower case; zzz unknown.", required=True)
DEVICE = Column(
    name="device", type=Type.TEXT, description="Device.", required=True, values=("DESKTOP", "MOBILE", "TABLET")
)

SEARCH_CONSOLE = Source(
    name="search_console",
    description="Google Search Console: clicks, impressions and mean position by day.",
    kind=Kind.DATED,
    cron="0 6 * * *",
    settings="search_console",
    connection="google_search_console",
    delay_days=2,
    lookback_days=3,
    tables=(
        Table(
            name="performance",
            description="Rows by day, page, query, country and device; anonymised queries are missing.",
            read=read_performance,
            columns=(
                DAY,
                PAGE,
                Column(name="query", type=Type.TEXT, description="The query as Google shows it.", required=True),
                COUNTRY,
                DEVICE,
                *METRICS,
            ),
            grain=("day", "page_url", "query", "country", "device"),
            totals=("clicks", "impressions"),
        ),
        Table(
            name="property_total",
            description="One row a day: totals of the property, anonymised queries included.",
            read=read_property_totals,
            columns=(DAY, *METRICS),
            grain=("day",),
            totals=("clicks", "impressions"),
        ),
        Table(
            name="page_total",
            description="Rows by day, page, country and device (by page), anonymised queries included.",
            read=read_page_totals,
            columns=(DAY, PAGE, COUNTRY, DEVICE, *METRICS),
            grain=("day", "page_url", "country", "device"),
            totals=("clicks", "impressions"),
        ),
    ),
)
