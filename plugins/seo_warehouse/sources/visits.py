"""What those who count visits tell of each: where somebody came from, and the page that the visit began on."""

from __future__ import annotations

from seo_warehouse.referrers import Referrer
from seo_warehouse.spec import Column, Row, Type

ROW_KEY = Column("row_key", Type.BIGINT, "Key of what the row was counted by, as it came.", required=True)
REFERRER = (
    Column(
        "referrer_state",
        Type.TEXT,
        "known; app; none (nothing was sent); odd (no URL that is kept).",
        required=True,
        values=("known", "app", "none", "odd"),
    ),
    Column("referrer", Type.URL, "Page, host or app that they came from, without query."),
    Column("referrer_key", Type.BIGINT, "Key of the page with its query; NULL where only a host is known."),
)
LANDING = Column("landing", Type.URL, "Page that it began on, with its query; NULL where none is told.")
TAG = Column("landing_tag", Type.TEXT, "What the query said: paid or campaign.", values=("paid", "campaign"))


def referrer_row(found: Referrer) -> Row:
    """The columns of REFERRER."""
    key = int(found.key) if found.key else None
    return {"referrer_state": found.state, "referrer": found.url or None, "referrer_key": key}
