"""Which bot an agent says that it is. Anybody may say it: the address proves the operator (`verdicts.py`)."""

from __future__ import annotations

import csv
import re
from dataclasses import dataclass
from functools import cache
from pathlib import Path

from seo_warehouse.logs.memo import Memo

BOTS = Path(__file__).with_name("bots.csv")
_LIKE_A_BOT = re.compile(
    r"bot(?![a-z])|https?://|crawl|spider|scrap(?:er|y)|slurp|fetcher|archiver|monitor|validator|headlesschrome"
    r"|^(?:curl|wget|python|go-http|java|okhttp|ruby|perl|php|axios|node|libwww|httpie|zgrab|guzzle|apache-http)",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Bot:
    """A bot by the token of its agent, in lower case."""

    name: str
    token: str
    operator: str
    purpose: str
    lists: tuple[frozenset[str], ...]
    """The published lists, any one group of which holds all of its addresses."""
    name_suffixes: tuple[str, ...]
    """Ends of the reverse names of its addresses, where the operator says so."""


OTHER = Bot(name="other", token="", operator="other", purpose="other", lists=(), name_suffixes=())
"""A machine that no row names: nobody can say whose it is."""


@cache
def read_bots() -> tuple[Bot, ...]:
    """The bots that are known, a longer token before what it contains."""
    with BOTS.open(encoding="utf-8", newline="") as file:
        bots = [
            Bot(
                name=row["bot"],
                token=row["token"],
                operator=row["operator"],
                purpose=row["purpose"],
                lists=tuple(frozenset(group.split("+")) for group in row["lists"].split()),
                name_suffixes=tuple(row["name_suffixes"].split()),
            )
            for row in csv.DictReader(file)
        ]
    return tuple(sorted(bots, key=lambda bot: -len(bot.token)))


def find_bot(agent: str) -> Bot | None:
    """The bot that an agent claims to be; None for a browser."""
    lower = agent.lower()
    for bot in read_bots():
        if bot.token in lower:
            return bot
    return OTHER if _LIKE_A_BOT.search(agent) else None


def make_memo() -> Memo[Bot | None]:
    """`find_bot`, remembered by agent."""
    return Memo(find_bot, most=20_000)
