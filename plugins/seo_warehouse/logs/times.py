"""When a line says it was: seconds since 1970, in UTC, from any form that logs use."""

from __future__ import annotations

import re
from collections.abc import Callable
from datetime import UTC, datetime, timedelta, tzinfo

from seo_warehouse.logs.memo import Memo

_MONTHS = {name: i for i, name in enumerate("Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec".split(), 1)}
_CLOCK = re.compile(r"(\d\d)/([A-Z][a-z]{2})/(\d{4}):(\d\d):(\d\d):(\d\d)", re.ASCII)
_ZONE = re.compile(r"([+-])(\d\d)(\d\d)", re.ASCII)
_NUMBER = re.compile(r"(?:\d{9,10}|\d{13}|\d{16}|\d{19})(?:\.\d{1,9})?", re.ASCII)
_FORMS = (
    "%B %d, %YT%H:%M:%S %z",
    "%d/%b/%Y:%H:%M:%S.%f %z",
    "%d-%b-%Y %H:%M:%S %z",
    "%a %b %d %H:%M:%S %Y %z",
    "%Y/%m/%d %H:%M:%S %z",
    "%d/%b/%Y:%H:%M:%S",
    "%a %b %d %H:%M:%S %Y",
    "%Y/%m/%d %H:%M:%S",
)
"""Forms of strftime that are tried where none is stated; those of ISO 8601 and of the servers themselves aside."""
_EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
MOST_TIMES = 20_000


def read_clock(text: str) -> int | None:
    """Seconds from 1970 to `22/Nov/2021:00:18:22` as if it were UTC."""
    found = _CLOCK.fullmatch(text)
    month = _MONTHS.get(found[2]) if found else None
    if not found or not month:
        return None
    try:
        at = datetime(int(found[3]), month, int(found[1]), int(found[4]), int(found[5]), tzinfo=UTC)
    except ValueError:
        return None
    second = int(found[6])
    # A leap second is 60.
    return _seconds(at) + second if second <= 60 else None


def read_offset(text: str) -> int | None:
    """Seconds by which a zone such as `-0700` is before UTC's clock; negative west of Greenwich."""
    found = _ZONE.fullmatch(text)
    if not found or int(found[2]) > 14 or int(found[3]) > 59:
        return None
    seconds = int(found[2]) * 3600 + int(found[3]) * 60
    return -seconds if found[1] == "-" else seconds


def make_reader(form: str | None = None, zone: tzinfo | None = None) -> Callable[[str], int | None]:
    """A reader of times in a stated form of strftime, or in any that is known; one without a zone needs it stated."""
    memo = Memo(lambda text: _read(text, form, zone), MOST_TIMES)
    return memo.__getitem__


def _read(text: str, form: str | None, zone: tzinfo | None) -> int | None:
    text = text.strip()
    if form is None:
        clock, _, offset = text.partition(" ")
        seconds, before = read_clock(clock), read_offset(offset)
        if seconds is not None and before is not None:
            return seconds - before
        if _NUMBER.fullmatch(text):
            return _read_number(text)
    at = _parse(text, (form,) if form else _FORMS, is_iso_tried=form is None)
    if at is None or (at.tzinfo is None and zone is None):
        return None
    try:
        return _seconds(at if at.tzinfo else at.replace(tzinfo=zone))
    except OverflowError:
        return None


def _read_number(text: str) -> int:
    """Seconds of a number of seconds, milliseconds, microseconds or nanoseconds, which its length tells."""
    whole = text.partition(".")[0]
    return int(whole[: len(whole) - max(0, (len(whole) - 10) // 3 * 3)])


def _parse(text: str, forms: tuple[str, ...], *, is_iso_tried: bool) -> datetime | None:
    if is_iso_tried:
        try:
            return datetime.fromisoformat(text)
        except ValueError:
            pass
    for form in forms:
        try:
            return datetime.strptime(text, form)  # noqa: DTZ007  # the zone is looked for by who asks
        except ValueError:
            continue
    return None


def _seconds(at: datetime) -> int:
    return int((at - _EPOCH) // timedelta(seconds=1))
