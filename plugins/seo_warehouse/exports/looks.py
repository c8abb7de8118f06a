"""Whether an export of links tells of all links that its vendor knows on a day, so that what it lacks is not there."""

from __future__ import annotations

import re
from dataclasses import replace
from datetime import date
from typing import Any

from seo_warehouse.exports.parts import Part
from seo_warehouse.spec import Row

_WHOLE = re.compile(r"backlinks[-_ ]whole(?![a-z])", re.IGNORECASE)

SEVERAL_DAYS = "its links are of several days"
NO_TARGET = "it has links without a target"
NO_LINK = "it has no link that is not lost"


def is_named_whole(name: str) -> bool:
    """Whether the file's name says that it is whole: `backlinks-whole-2026-11-22.csv`."""
    return _WHOLE.match(name.rpartition("/")[2]) is not None


def is_renamed(before: str, now: str) -> bool:
    """Whether a file's name says now, and did not before, that it is whole."""
    return is_named_whole(now) and not is_named_whole(before)


class Looks:
    """Looks through rows of links for what keeps a file from being a look at all of them."""

    def __init__(self) -> None:
        self._day: date | None = None
        self._hindrance: str | None = None

    def see(self, row: Row) -> None:
        """Take in a row. One that tells of a loss says nothing of what is there."""
        day = row["day"]
        if row["is_lost"] and (row["lost_on"] is None or row["lost_on"] <= day):
            return
        if row["target_url"] is None:
            self._hindrance = NO_TARGET
        elif self._day is not None and day != self._day:
            self._hindrance = self._hindrance or SEVERAL_DAYS
        self._day = day

    def finish(self, part: Part) -> Part:
        """The part with the day on which it may have listed every link, or why there is none."""
        hindrance = self._hindrance or (NO_LINK if self._day is None else None)
        return replace(part, look_day=None if hindrance else self._day, no_look=hindrance)


def facts_of(part: Part, name: str) -> dict[date, dict[str, Any]]:
    """What is noted of the day that a part tells of all links, if its file is whole: by its name it is."""
    if part.look_day is None:
        return {}
    named = {"is_complete": True, "is_full": True} if is_named_whole(name) else {}
    return {part.look_day: {"may_be_whole": True, **named}}


def say_look(part: Part, name: str, whole_since: date | None) -> str:
    """One sentence: what the absence of a link from a part of links is taken for."""
    is_stated = whole_since is not None and whole_since <= part.last_day
    if part.look_day is None and (is_stated or is_named_whole(name)):
        return f"is no whole export, since {part.no_look}: a link that it lacks may be there"
    if is_named_whole(name) or (whole_since is not None and part.look_day is not None and whole_since <= part.look_day):
        return f"is whole: a link that it lacks was not there on {part.look_day}"
    return (
        "is not known to be whole, so that no link can be judged by it alone: state exports.backlinks.whole_since, or"
        " name files of all links backlinks-whole-YYYY-MM-DD.csv (docs/exports.md)"
    )
