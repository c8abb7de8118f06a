"""The generic forms: lists that people write, or make of a tool that is not known here."""

from __future__ import annotations

import re
from dataclasses import dataclass

from seo_warehouse.exports import places, values
from seo_warehouse.exports.layout import Field, Form
from seo_warehouse.exports.values import CellError, shown
from seo_warehouse.sources.exports import BACKLINK, KEYWORD, PAGE, PAGE_CHANGE, RANKING, STATES
from seo_warehouse.spec import Row

_BEYOND = re.compile(r">\s*(\d{1,5})|(\d{1,5})\s*\+")
_BROKEN_OR_GROUPED = re.compile(r"\d{1,3}[.,]\d{3}")
_ABSENT = frozenset(("-", "\u2013", "\u2014"))


@dataclass(frozen=True)
class Beyond:
    """Not found among so many results; None: among as many as were looked through."""

    depth: int | None


def rank(cell: str) -> int | Beyond | None:
    """A position from 1; `>100` and `100+` say how far was looked, a dash that nothing was found."""
    value = cell.strip()
    if value in _ABSENT:
        return Beyond(None)
    if beyond := _BEYOND.fullmatch(value):
        return Beyond(int(beyond[1] or beyond[2]))
    if _BROKEN_OR_GROUPED.fullmatch(value):
        raise CellError(f"is {shown(value)}, expected a position: a mean is none, and thousands have no mark")
    found = values.integer(cell)
    if found == 0:
        raise CellError("is 0: positions count from 1, and a check that found nothing is not_found")
    return found


def state(cell: str) -> str | None:
    """One of the states of a check, also written with blanks or hyphens."""
    value = values.word(cell)
    if value is None or value in values.UNKNOWN:
        return None
    found = re.sub(r"[\s-]+", "_", value)
    if found not in STATES:
        raise CellError(f"is {shown(value)}, expected {', '.join(STATES)}")
    return found


def finish_ranking(row: Row) -> Row:
    """State and position agree, or one follows from the other; not found is worth nothing without its depth."""
    position, stated, depth = row["position"], row["state"], row["depth"]
    if stated == "found" and type(position) is int and (depth is None or position <= depth):
        return row
    if isinstance(position, Beyond):
        if stated not in (None, "not_found"):
            raise CellError(f"says that nothing was found, and the state is {stated}", "position")
        depth = row["depth"] = depth if position.depth is None else position.depth
        position, stated = None, "not_found"
        row["position"], row["state"] = None, stated
    if stated is None:
        if position is None:
            raise CellError("is empty, and there is no state: write not_found with its depth, or failed", "position")
        row["state"] = "found"
    elif (stated == "found") != (position is not None):
        raise CellError(
            "is empty though the state is found"
            if stated == "found"
            else f"is {position} though the state is {stated}",
            "position",
        )
    if row["state"] == "not_found" and depth is None:
        raise CellError("is empty: not found among how many results?", "depth")
    if depth == 0:
        raise CellError("is 0: it counts results from 1", "depth")
    if position is not None and depth is not None and position > depth:
        raise CellError(f"is {position}, beyond the depth of {depth}", "position")
    return row


def _finish_backlink(row: Row) -> Row:
    """A link with a day of its loss is lost, and nobody can say so before that day."""
    lost_on = row["lost_on"]
    if lost_on is None:
        return row
    if row["is_lost"] is False:
        raise CellError("is no, and there is a day of its loss", "is_lost")
    row["is_lost"] = True
    if row["day"] is not None and row["day"] < lost_on:
        row["day"] = lost_on
    return row


BACKLINKS = Form(
    part="generic_backlinks",
    label="backlinks*.csv",
    table=BACKLINK,
    prefix="backlinks",
    is_strict=True,
    finish=_finish_backlink,
    fields=(
        Field("day", "day", ("observed_on",)),
        Field("source_url", values.url, ("source_url",), is_needed=True, filled=True),
        Field("target_url", values.url, ("target_url",), is_needed=True, filled=True),
        Field("anchor", values.text, ("anchor",)),
        Field("rel", values.rel, ("rel",)),
        Field("first_seen", "day", ("first_seen",)),
        Field("last_seen", "day", ("last_seen",)),
        Field("lost_on", "day", ("lost_on",)),
        Field("is_lost", values.boolean, ("is_lost",)),
        Field("authority", "number", ("authority",)),
        Field("domain_authority", "number", ("domain_authority",)),
        Field("link_type", values.word, ("link_type",)),
        Field("page_title", values.text, ("page_title",)),
        Field("http_status", values.integer, ("http_status",)),
        Field("external_links", values.integer, ("external_links",)),
    ),
)
RANKINGS = Form(
    part="generic_rankings",
    label="rankings*.csv",
    table=RANKING,
    prefix="rankings",
    is_strict=True,
    finish=finish_ranking,
    fields=(
        Field("day", "day", ("checked_on",), is_needed=True, filled=True),
        Field("keyword", values.text, ("keyword",), is_needed=True, filled=True),
        Field("engine", places.engine, ("engine",)),
        Field("country", places.country, ("country",)),
        Field("language", places.language, ("language",)),
        Field("device", places.device, ("device",)),
        Field("state", state, ("state",)),
        Field("position", rank, ("position",), is_needed=True),
        Field("url", values.url, ("url",)),
        Field("depth", values.integer, ("depth",)),
    ),
)
PAGES = Form(
    part="generic_pages",
    label="pages*.csv",
    table=PAGE,
    prefix="pages",
    is_strict=True,
    fields=(
        Field("url", values.url, ("url",), is_needed=True, filled=True),
        Field("topic", values.text, ("topic",), is_needed=True),
        Field("published_on", "day", ("published_on",)),
    ),
)
PAGE_CHANGES = Form(
    part="generic_page_changes",
    label="page_changes*.csv",
    table=PAGE_CHANGE,
    prefix="page_changes",
    is_strict=True,
    fields=(
        Field("url", values.url, ("url",), is_needed=True, filled=True),
        Field("day", "day", ("changed_on",), is_needed=True, filled=True),
        Field("kind", values.word, ("kind",), is_needed=True, filled=True),
    ),
)
KEYWORDS = Form(
    part="generic_keywords",
    label="keywords*.csv",
    table=KEYWORD,
    prefix="keywords",
    is_strict=True,
    fields=(
        Field("keyword", values.text, ("keyword",), is_needed=True, filled=True),
        Field("page_url", values.url, ("page_url",)),
        Field("topic", values.text, ("topic",)),
        Field("is_brand", values.boolean, ("brand", "is_brand")),
    ),
)
GENERIC = (BACKLINKS, RANKINGS, PAGE_CHANGES, PAGES, KEYWORDS)
