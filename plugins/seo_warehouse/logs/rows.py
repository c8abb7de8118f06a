"""The rows of what was kept of a log, table by table; who it was is judged as of the lists of each day."""

from __future__ import annotations

import ipaddress
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import date
from typing import IO, Any

from seo_warehouse.logs.asof import AsOf
from seo_warehouse.logs.bots import Bot, make_memo
from seo_warehouse.logs.cells import NO_TIMES, Cells, Key
from seo_warehouse.logs.keeping import at, read_kept
from seo_warehouse.logs.names import Answer, judge_suffix
from seo_warehouse.logs.people import day_of, read_page
from seo_warehouse.logs.summary import UNNAMED
from seo_warehouse.logs.verdicts import judge
from seo_warehouse.logs.waste import read_url

MOST_LIARS = 50_000
"""Cells of those who could not be verified; the rest is summed up, so that no flood of them fills the warehouse."""
BELIEVED = ("verified", "undeclared")

Row = dict[str, Any]


@dataclass(frozen=True, kw_only=True)
class Log:
    """What is known of a log beside its lines. `site` is the scheme and host that its paths are of."""

    stream: str
    name: str
    site: str
    written_on: date


def read_bot_hits(log: Log, kept: IO[bytes], as_of: Callable[[date], AsOf]) -> Iterator[Row]:
    """Visits of bots by day, bot, verdict, URL, method and status; of those nobody vouches for by network too."""
    with Cells() as cells:
        liars: set[Key] = set()
        for visit, bot, owner, verdict, is_later in _judged(kept, as_of):
            if verdict is None:
                continue
            _, instant, request, status, size, _, duration = visit
            is_named = bot is not None and verdict != "undeclared"
            url = read_url(request)
            key: Key = (
                day_of(instant).isoformat(),
                bot.name if bot and is_named else UNNAMED,
                bot.operator if bot and is_named else owner or "",
                verdict,
                url or "",
                request.partition(" ")[0] if url is not None else "",
                str(status),
                "" if verdict in BELIEVED else _network(visit[0]),
                "1" if is_later else "",
                "",
            )
            if verdict not in BELIEVED and key not in liars:
                if len(liars) < MOST_LIARS:
                    liars.add(key)
                else:
                    key = (*key[:4], "", "", key[6], "", key[8], "1")
            cells.add(key, (1, size, instant, instant, duration or 0, int(duration is not None)))
        for key, (hits, size, first, last, duration, timed) in cells.items():
            day, name, operator, verdict_of, path, method, status, prefix, later, overflow = key
            yield {
                "day": date.fromisoformat(day),
                "stream": log.stream,
                "bot": name,
                "operator": operator,
                "verdict": verdict_of,
                "url": _absolute(log.site, path) if path else None,
                "method": method or None,
                "status_code": int(status),
                "address_prefix": prefix or None,
                "is_range_later": bool(later),
                "is_overflow": bool(overflow),
                "hit_count": hits,
                "byte_count": size,
                "first_at": at(first),
                "last_at": at(last),
                "duration_us": duration if timed else None,
                "timed_count": timed,
            }


def read_human_hits(log: Log, kept: IO[bytes], as_of: Callable[[date], AsOf]) -> Iterator[Row]:
    """Visits of everybody else, by day, path, class and class of status; without address, query or agent."""
    with Cells() as cells:
        for visit, _, _, verdict, _ in _judged(kept, as_of, people=cells):
            if verdict is None:
                _, instant, request, status, size, *_ = visit
                key = (day_of(instant).isoformat(), *read_page(request), str(status // 100))
                cells.add(key, (1, size, *NO_TIMES))
        for (day, path, has_query, kind, status), (hits, size, *_) in cells.items():
            yield {
                "day": date.fromisoformat(day),
                "stream": log.stream,
                "path": path,
                "has_query": bool(has_query),
                "class": kind,
                "status_class": int(status),
                "hit_count": hits,
                "byte_count": size,
            }


def read_entries(log: Log, kept: IO[bytes], as_of: Callable[[date], AsOf]) -> Iterator[Row]:
    """Entries by day, referrer and landing page."""
    for letter, content in read_kept(kept):
        if letter == "e":
            day, state, url, key, path, tag, entries = content
            yield {
                "day": date.fromisoformat(day),
                "stream": log.stream,
                "referrer_state": state,
                "referrer": url or None,
                "referrer_key": int(key) if key else None,
                "landing": None if state == "overflow" else _absolute(log.site, path),
                "landing_tag": tag or None,
                "entry_count": entries,
            }


def read_segments(log: Log, kept: IO[bytes], as_of: Callable[[date], AsOf]) -> Iterator[Row]:
    """The lines of each hour; those that were malformed have none, and stand with the first day."""
    first_day, malformed_count = None, 0
    for letter, content in read_kept(kept):
        if letter == "h":
            day, hour, lines, visits, first, last = content
            first_day = first_day or date.fromisoformat(day)
            yield _segment(log, date.fromisoformat(day), hour, (lines, 0, visits), at(first), at(last))
        if letter == "n":
            malformed_count = content["malformed_count"]
    if malformed_count:
        yield _segment(log, first_day or log.written_on, None, (malformed_count, malformed_count, 0), None, None)


def read_malformed_lines(log: Log, kept: IO[bytes], as_of: Callable[[date], AsOf]) -> Iterator[Row]:
    """The first malformed lines, short and masked."""
    first_day: date | None = None
    lines: list[tuple[int, str, str]] = []
    for letter, content in read_kept(kept):
        if letter == "m":
            lines.append(tuple(content))
        elif letter == "h" and first_day is None:
            first_day = date.fromisoformat(content[0])
    for number, reason, text in lines:
        yield {
            "day": first_day or log.written_on,
            "stream": log.stream,
            "line_no": number,
            "reason": reason,
            "line": text,
        }


def read_facts(kept: IO[bytes]) -> dict[str, Any]:
    """How many lines there were, and how many malformed."""
    return next(content for letter, content in read_kept(kept) if letter == "n")


_Visit = list[Any]


def _judged(
    kept: IO[bytes], as_of: Callable[[date], AsOf], people: Cells | None = None
) -> Iterator[tuple[_Visit, Bot | None, str | None, str | None, bool]]:
    """Each kept visit: its bot, whose its address is, the verdict, and whether only later lists tell."""
    bots = make_memo()
    suffixes: dict[str, str] = {}

    def confirm(address: str, bot: Bot) -> Answer:
        return judge_suffix(suffixes.get(address), bot)

    for letter, content in read_kept(kept):
        if letter == "r":
            suffixes[content[0]] = content[1]
        if letter == "p" and people is not None:
            day, path, has_query, kind, status, hits, size = content
            people.add((day, path, "?" if has_query else "", kind, str(status)), (hits, size, *NO_TIMES))
        if letter != "b":
            continue
        bot = bots[content[5]]
        known = as_of(day_of(content[1]))
        owner = known.ranges.memo[content[0]]
        verdict = judge(bot, owner, content[0], known.ranges, confirm)
        of = owner if verdict == "undeclared" or bot is None else bot.operator
        yield content, bot, owner, verdict, of in known.later and verdict != "unverifiable"


def _segment(log: Log, day: date, hour: int | None, counts: tuple[int, int, int], first: Any, last: Any) -> Row:
    lines, malformed, kept = counts
    return {
        "day": day,
        "stream": log.stream,
        "hour": hour,
        "file_name": log.name,
        "line_count": lines,
        "malformed_count": malformed,
        "bot_hit_count": kept,
        "first_at": first,
        "last_at": last,
    }


def _absolute(site: str, url: str) -> str:
    """A URL as logged with the site before it, unless it has a host of its own, as what is asked of a proxy has."""
    return f"{site.rstrip('/')}{url}" if url.startswith("/") else url


def _network(address: str) -> str:
    """The /24 or /48 of an address; nothing of a host's name."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    return str(ipaddress.ip_network((found, 24 if found.version == 4 else 48), strict=False))
