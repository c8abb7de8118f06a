"""The channels of properties.yml, and the kinds of alerts that there are."""

from __future__ import annotations

from datetime import UTC, datetime, time
from typing import Annotated, Literal

from pydantic import AfterValidator, Field, model_validator

from seo_warehouse.property import Strict

KINDS = {
    "held": "a load is in quarantine and waits for a decision",
    "failed": "a source's night ended without a load",
    "build_failed": "the last build failed: the marts are those of the night before",
    "set_aside": "what was published of a property cannot be modelled",
    "clock": "nights are overdue although one closes each hour",
    "night_late": "the last night was closed by its deadline, without some source",
    "stale": "a table is older than its source allows",
    "restated_late": "a day changed after it was final",
    "spike": "a night cost, or brought, a multiple of what is usual",
    "budget_80": "the share of a month's budget is spent from which people are told",
    "budget_100": "a month's budget is spent, or did not hold an order",
    "shape_changed": "a provider's answers have other fields than is usual",
    "disk": "the disk of the state folder is nearly full",
}
"""Every kind of alert, with what it means; docs/operating.md has an entry for each."""
AT_ONCE = frozenset({"held", "failed", "build_failed", "set_aside", "clock", "budget_100", "shape_changed"})
"""Kinds that are sent as soon as they are known. The others go with the morning's message, after the build."""
SUMMARY = "summary"
"""The morning's message, what the night brought: an alert that no state ends, but the next one."""

_HOURS = r"^([01]\d|2[0-3]):[0-5]\d-([01]\d|2[0-3]):[0-5]\d$"


def _is_kind(kind: str) -> str:
    if kind not in KINDS and kind != SUMMARY:
        raise ValueError(f"there is no kind {kind!r}; there are {', '.join((*KINDS, SUMMARY))}")
    return kind


class Channel(Strict):
    """One way on which alerts leave the machine."""

    name: str = Field(pattern=r"^[a-z0-9][a-z0-9_-]*$", max_length=100)
    to: Literal["webhook", "slack", "mail"]
    connection: str = Field(default="seo_alerts", min_length=1)
    kinds: tuple[Annotated[str, AfterValidator(_is_kind)], ...] = (*KINDS, SUMMARY)
    properties: tuple[str, ...] = ()
    recipients: tuple[Annotated[str, Field(pattern=r"^[^\s@<>,;]+@[^\s@<>,;]+$")], ...] = ()
    quiet_hours: Annotated[str, Field(pattern=_HOURS)] | None = None

    @model_validator(mode="after")
    def _has_recipients_where_mail_goes(self) -> Channel:
        if (self.to == "mail") != bool(self.recipients):
            raise ValueError(
                "mail needs recipients" if self.to == "mail" else f"recipients are of mail, not of {self.to}"
            )
        return self

    def is_quiet(self, now: datetime) -> bool:
        """Whether an instant lies in the quiet hours, which may span midnight (UTC)."""
        if self.quiet_hours is None:
            return False
        begin, end = map(time.fromisoformat, self.quiet_hours.split("-"))
        moment = now.astimezone(UTC).time()
        return begin <= moment < end if begin <= end else moment >= begin or moment < end
