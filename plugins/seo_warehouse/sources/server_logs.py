"""Server logs: who visited the property's pages, as its own servers and CDNs wrote it down.

Files in `<drop>/<property>/logs/<stream>/`; a stream is one server or CDN. The room `logs/` reads them, docs/logs.md
tells formats and what is kept: of bots sums by URL, of people sums by path and by where they came from. A log grows
and is rotated: it is known by its beginning and read on from where it was left, and each segment that is read is a file
of its own, `part` is stream/log/place. Days are UTC. What a segment lacks was not in it; a day may come in many.
"""

from __future__ import annotations

from typing import Annotated, get_args

from pydantic import Field, StringConstraints

from seo_warehouse.logs.fronts import WRONG_SHARE
from seo_warehouse.logs.verdicts import Verdict
from seo_warehouse.property import Strict
from seo_warehouse.referrers import State
from seo_warehouse.spec import EXPORTED_AT, BatchRule, Column, Feed, Kind, RowRule, Source, Table, Type

STREAM_NAME = "[A-Za-z0-9][A-Za-z0-9_.-]{0,59}"
"""Of a stream's folder."""
MALFORMED_WRONG = 0.2
MALFORMED_WARNED = 0.01
DAY = Column("day", Type.DATE, "Day of the visits, UTC.", required=True)
AT = Column(EXPORTED_AT, Type.INSTANT, "When the file was written last.", required=True)
STREAM = Column("stream", Type.TEXT, "Server or CDN whose log it is.", required=True, pattern=f"^{STREAM_NAME}$")
STATUS = Column("status_code", Type.INTEGER, "Status of the answer.", required=True, minimum=0, maximum=999)
WORD = "^[A-Za-z0-9_.() -]{1,60}$"
"""A name of our own list of bots."""
SUMS = (
    Column("hit_count", Type.BIGINT, "Visits.", required=True, minimum=1),
    Column("byte_count", Type.BIGINT, "Bytes of the answers.", required=True, minimum=0),
)


class ServerLogSettings(Strict):
    """Logs in the property's drop folder, `<drop>/<property>/logs/<stream>/`."""

    site: str = Field(
        pattern=r"^https?://[^/\s]+$",
        description="Scheme and host that the paths in its logs are of.",
        examples=["https://www.example.com"],
    )
    formats: dict[str, str] = Field(
        default={},
        description="By stream, where its lines do not show it: a known format, a `LogFormat`, a map of JSON's fields"
        " ([formats](logs.md#formats)).",
    )
    client_addresses: dict[str, str] = Field(
        default={},
        description="By stream behind a proxy, whose `LogFormat` is stated: the directive that has the client's"
        " address, as `$http_x_forwarded_for` or `%{X-Forwarded-For}i`. Of several addresses the last counts.",
    )
    zones: dict[str, str] = Field(
        default={}, description="By stream: the zone of times that say none, as `Europe/Berlin`."
    )
    buckets: dict[Annotated[str, StringConstraints(pattern=f"^{STREAM_NAME}$")], str] = Field(
        default={},
        description="By stream: the prefix in an object store under which its logs lie, as `s3://my-logs/cdn`;"
        " of a connection of Airflow's `s3://aws_default@my-logs/cdn`.",
    )
    reverse_names: int = Field(
        0,
        ge=0,
        le=20_000,
        description="Addresses a night whose reverse names the system's resolver is asked for, of bots that are in no"
        " list of their operator. 0: it is asked for none ([who it was](logs.md#who-it-was)).",
    )


def _at_most(name: str, count: str, share: float, reason: str, *, is_held: bool) -> BatchRule:
    # Only a name and a number of this file's own are put into it.
    query = f"""
        select sum((d.facts ->> '{count}')::bigint) as found, sum((d.facts ->> 'line_count')::bigint) as lines
        from ops.load_day as d where d.load_id = {{load_id}}
        having sum((d.facts ->> '{count}')::bigint) > {share} * sum((d.facts ->> 'line_count')::bigint)
    """  # noqa: S608
    return BatchRule(name=name, sql=query, reason=reason, severity="fail" if is_held else "warn")


LINES = (
    _at_most(
        "format_is_right",
        "malformed_count",
        MALFORMED_WRONG,
        "More than a fifth of the lines are malformed: they are in another format; state it.",
        is_held=True,
    ),
    _at_most(
        "addresses_are_the_visitors",
        "front_count",
        WRONG_SHARE,
        "Most lines have the address of a proxy of one's own or of a CDN: every bot would be a liar; log the client's"
        " address, or read the CDN's own log.",
        is_held=True,
    ),
    _at_most(
        "lines_are_whole",
        "malformed_count",
        MALFORMED_WARNED,
        "A healthy log has next to no malformed line: more than one in a hundred is.",
        is_held=False,
    ),
)

BOT_HIT = Table(
    name="bot_hit",
    description="Visits of bots: of whom it is proven, of whom nobody can say, and of those who lied.",
    grain=(
        "bot",
        "operator",
        "verdict",
        "url",
        "method",
        "status_code",
        "address_prefix",
        "is_range_later",
        "is_overflow",
    ),
    feeds=Feed.BOT_HITS,
    is_droppable=True,
    columns=(
        DAY,
        AT,
        STREAM,
        Column(
            "bot",
            Type.TEXT,
            "The bot that the agent names; (unnamed) of an operator's address.",
            required=True,
            pattern=WORD,
        ),
        Column("operator", Type.TEXT, "Whose bot, or whose address.", required=True, pattern=WORD),
        Column(
            "verdict",
            Type.TEXT,
            "verified, undeclared, spoofed or unverifiable, as of the lists of the days around.",
            required=True,
            values=get_args(Verdict),
        ),
        Column("url", Type.URL, "What was asked for; NULL where the request has no URL, and of an overflow."),
        Column("method", Type.TEXT, "Method of the request; NULL as the URL.", pattern="^[^ ]{1,64}$"),
        STATUS,
        Column(
            "address_prefix",
            Type.TEXT,
            "Network, /24 or /48, of those who are neither verified nor undeclared.",
            pattern="^[0-9a-f.:]{1,40}/[0-9]{1,3}$",
        ),
        Column(
            "is_range_later",
            Type.BOOLEAN,
            "Of lists of the operator only readings of more than a week later were had.",
            required=True,
        ),
        Column(
            "is_overflow",
            Type.BOOLEAN,
            "What was too much of those who could not be verified, summed up.",
            required=True,
        ),
        *SUMS,
        Column("first_at", Type.INSTANT, "First of the visits.", required=True),
        Column("last_at", Type.INSTANT, "Last of them.", required=True),
        Column(
            "duration_us", Type.BIGINT, "Microseconds that the answers took; NULL where it is not logged.", minimum=0
        ),
        Column("timed_count", Type.BIGINT, "Visits of which it is logged.", required=True, minimum=0),
    ),
    totals=("hit_count",),
    row_rules=(
        RowRule(
            name="first_is_not_after_last",
            sql="coalesce(first_at <= last_at, true)",
            reason="Else these are not what their names say.",
        ),
    ),
    batch_rules=LINES,
)

HUMAN_HIT = Table(
    name="human_hit",
    description="Visits of everybody else, without address, query or agent.",
    grain=("path", "has_query", "class", "status_class"),
    is_droppable=True,
    columns=(
        DAY,
        AT,
        STREAM,
        Column("path", Type.TEXT, "Path without query; empty where the request has none.", required=True),
        Column("has_query", Type.BOOLEAN, "It had a query.", required=True),
        Column(
            "class",
            Type.TEXT,
            "page, static (pictures, scripts, fonts), or odd: no URL.",
            required=True,
            values=("page", "static", "odd"),
        ),
        Column("status_class", Type.INTEGER, "First digit of the status.", required=True, minimum=0, maximum=9),
        *SUMS,
    ),
    totals=("hit_count",),
    batch_rules=LINES,
)

ENTRY = Table(
    name="entry",
    description="Pages that people came to from elsewhere, by where from; without address, query or agent.",
    grain=("referrer_state", "referrer", "referrer_key", "landing", "landing_tag"),
    feeds=Feed.VISITS,
    columns=(
        DAY,
        AT,
        STREAM,
        Column(
            "referrer_state",
            Type.TEXT,
            "known; app; none (the browser sent none); odd (no URL that is kept); overflow (too many, summed up).",
            required=True,
            values=get_args(State),
        ),
        Column("referrer", Type.URL, "Page, host or app that they came from, without query; NULL where none is known."),
        Column("referrer_key", Type.BIGINT, "Key of the page with its query; NULL where only a host is known."),
        Column("landing", Type.URL, "Page that they came to, without query; NULL of an overflow."),
        Column(
            "landing_tag",
            Type.TEXT,
            "What the query said of it: paid or campaign.",
            values=("paid", "campaign"),
        ),
        Column("entry_count", Type.BIGINT, "Entries.", required=True, minimum=1),
    ),
    totals=("entry_count",),
    row_rules=(
        RowRule(
            name="a_known_referrer_is_told",
            sql="(referrer is not null) = (referrer_state in ('known', 'app'))",
            reason="Else its state is another.",
        ),
    ),
    batch_rules=LINES,
)

SEGMENT = Table(
    name="segment",
    description="Lines of each hour that a segment of a log holds.",
    grain=("hour",),
    feeds=Feed.LOG_HOURS,
    columns=(
        DAY,
        AT,
        STREAM,
        Column("hour", Type.INTEGER, "Hour, UTC; NULL of malformed lines, which have none.", minimum=0, maximum=23),
        Column("file_name", Type.TEXT, "Name of the file, as it was then.", required=True),
        Column("line_count", Type.BIGINT, "Lines, malformed ones included.", required=True, minimum=1),
        Column("malformed_count", Type.BIGINT, "Malformed lines.", required=True, minimum=0),
        Column("bot_hit_count", Type.BIGINT, "Lines of bots and of operators' addresses.", required=True, minimum=0),
        Column("first_at", Type.INSTANT, "First of the lines; NULL of malformed ones."),
        Column("last_at", Type.INSTANT, "Last of them."),
    ),
    totals=("line_count",),
    batch_rules=LINES,
)

MALFORMED_LINE = Table(
    name="malformed_line",
    description="Malformed lines: of a segment the first 1,000, short, what may be an address masked.",
    grain=("line_no",),
    is_droppable=True,
    columns=(
        Column("day", Type.DATE, "First day of the segment, UTC: such a line has no time.", required=True),
        AT,
        STREAM,
        Column("line_no", Type.BIGINT, "Number of the line in the segment, from 1.", required=True, minimum=1),
        Column("reason", Type.TEXT, "What is wrong with it.", required=True),
        Column("line", Type.TEXT, "Its beginning.", required=True),
    ),
    batch_rules=LINES,
)

SERVER_LOGS = Source(
    name="server_logs",
    description="Server logs from the drop folder: visits of bots and of people, and where these came from.",
    kind=Kind.DROP,
    cron="30 5 * * *",
    settings=ServerLogSettings,
    tables=(BOT_HIT, HUMAN_HIT, ENTRY, SEGMENT, MALFORMED_LINE),
)
