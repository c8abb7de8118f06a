"""Whose an address is, by the lists of ranges that operators publish."""

from __future__ import annotations

import ipaddress
import socket
from bisect import bisect_right
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import orjson

from seo_warehouse.errors import LogError
from seo_warehouse.logs.memo import Memo

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

LISTS = {
    "common-crawlers": ("google", "https://developers.google.com/static/crawling/ipranges/common-crawlers.json"),
    "googlebot": ("google", "https://developers.google.com/static/search/apis/ipranges/googlebot.json"),
    "special-crawlers": ("google", "https://developers.google.com/static/crawling/ipranges/special-crawlers.json"),
    "user-triggered-fetchers": (
        "google",
        "https://developers.google.com/static/crawling/ipranges/user-triggered-fetchers.json",
    ),
    "user-triggered-fetchers-google": (
        "google",
        "https://developers.google.com/static/crawling/ipranges/user-triggered-fetchers-google.json",
    ),
    "user-triggered-agents": (
        "google",
        "https://developers.google.com/static/crawling/ipranges/user-triggered-agents.json",
    ),
    "bingbot": ("microsoft", "https://www.bing.com/toolbox/bingbot.json"),
    "gptbot": ("openai", "https://openai.com/gptbot.json"),
    "searchbot": ("openai", "https://openai.com/searchbot.json"),
    "chatgpt-user": ("openai", "https://openai.com/chatgpt-user.json"),
    "perplexitybot": ("perplexity", "https://www.perplexity.ai/perplexitybot.json"),
    "perplexity-user": ("perplexity", "https://www.perplexity.ai/perplexity-user.json"),
    "applebot": ("apple", "https://search.developer.apple.com/applebot.json"),
    "bots": ("anthropic", "https://claude.com/crawling/bots.json"),
}
"""By the name of its file: a list's operator and where it is published."""


@dataclass(frozen=True, slots=True)
class RangeList:
    """One published list, by the name of its file."""

    name: str
    operator: str
    networks: tuple[Network, ...]


def read_lists(folder: Path) -> list[RangeList]:
    """The lists in a folder, each under the name that its operator gives it.

    Raises:
        LogError: no list is there, or one holds no range.
    """
    paths = [path for path in sorted(folder.glob("*.json")) if path.stem in LISTS]
    if not paths:
        raise LogError(f"{folder} holds no list of ranges: expected are {', '.join(LISTS)}, each with .json")
    return [read_list(path) for path in paths]


def read_list(path: Path) -> RangeList:
    """Read one list; an empty one would make every visitor a liar, and is refused."""
    try:
        prefixes = orjson.loads(path.read_bytes())["prefixes"]
        networks = tuple(_network(prefix) for prefix in prefixes)
    except (orjson.JSONDecodeError, KeyError, TypeError, ValueError) as error:
        raise LogError(f"{path.name} is no list of ranges: {error}") from error
    if not networks:
        raise LogError(f"{path.name} holds no range")
    return RangeList(path.stem, LISTS[path.stem][0], networks)


def _network(prefix: dict[str, Any]) -> Network:
    return ipaddress.ip_network(prefix.get("ipv4Prefix") or prefix["ipv6Prefix"])


class Ranges:
    """The operator of an address, and which lists were read."""

    def __init__(self, lists: Iterable[RangeList]) -> None:
        lists = list(lists)
        self.lists = frozenset(read.name for read in lists)
        self._by_family = {
            4: _intervals(lists, ipaddress.IPv4Network),
            16: _intervals(lists, ipaddress.IPv6Network),
        }
        self.memo: Memo[str | None] = Memo(self.find_operator, most=100_000)

    def find_operator(self, address: str) -> str | None:
        """The operator whose list holds an address; None of a host's name too."""
        family = socket.AF_INET6 if ":" in address else socket.AF_INET
        try:
            packed = socket.inet_pton(family, address)
        except OSError:
            return None
        firsts, lasts, operators = self._by_family[len(packed)]
        number = int.from_bytes(packed, "big")
        place = bisect_right(firsts, number) - 1
        return operators[place] if place >= 0 and number <= lasts[place] else None


def _intervals(lists: Sequence[RangeList], family: type[Network]) -> tuple[list[int], list[int], list[str]]:
    """Disjoint intervals in their order.

    Raises:
        LogError: ranges of two operators overlap, so that an address would prove nothing.
    """
    firsts: list[int] = []
    lasts: list[int] = []
    operators: list[str] = []
    for first, last, operator in sorted(
        (int(network[0]), int(network[-1]), read.operator)
        for read in lists
        for network in read.networks
        if isinstance(network, family)
    ):
        if lasts and first <= lasts[-1]:
            if operator != operators[-1]:
                raise LogError(f"ranges of {operator} and {operators[-1]} overlap: one of the lists is wrong")
            lasts[-1] = max(lasts[-1], last)
        else:
            firsts.append(first)
            lasts.append(last)
            operators.append(operator)
    return firsts, lasts, operators
