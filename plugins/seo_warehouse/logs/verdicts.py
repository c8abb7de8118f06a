"""Who it was: the address proves the operator, the agent says which of its bots."""

from __future__ import annotations

from typing import Literal

from seo_warehouse.logs.bots import Bot
from seo_warehouse.logs.names import Confirm, ask_nobody
from seo_warehouse.logs.ranges import Ranges

Verdict = Literal["verified", "undeclared", "spoofed", "unverifiable"]


def judge(
    bot: Bot | None, owner: str | None, address: str, ranges: Ranges, confirm: Confirm = ask_nobody
) -> Verdict | None:
    """Judge a visit by what it claims and by whose list its address is in; None for people.

    Returns:
        `verified`: the address is the claimed operator's, by its list or by a name that leads back;
        `undeclared`: it is an operator's, and the agent names no bot of anybody known;
        `spoofed`: all lists of the bot, or the name, were read, and none holds;
        `unverifiable`: the operator publishes nothing, or it was not read.
    """
    if bot is None or bot.operator == "other":
        return "undeclared" if owner else "unverifiable" if bot else None
    if owner == bot.operator:
        return "verified"
    answer = confirm(address, bot)
    if answer == "confirmed":
        return "verified"
    is_listed = any(group <= ranges.lists for group in bot.lists)
    return "spoofed" if is_listed or answer == "refuted" else "unverifiable"
