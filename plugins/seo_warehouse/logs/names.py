"""Whether an address's reverse name is an operator's and leads back to it."""

from __future__ import annotations

import ipaddress
import socket
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from threading import Thread
from typing import Literal

from seo_warehouse.logs.bots import Bot, read_bots

Answer = Literal["confirmed", "refuted", "not asked"]

ASKED_AT_MOST = 1000
"""Addresses of one run: each may take seconds, and a flood of spoofed ones must not."""
AT_ONCE = 16
SECONDS = 2.0
"""For each of the two questions about an address."""


class Resolver:
    """Names of the system's resolver. What cannot be answered now was not asked: it refutes nobody."""

    def find_name(self, address: str) -> str | None:
        """The reverse name of an address; None where it has none.

        Raises:
            OSError: nobody answered.
        """
        try:
            return socket.gethostbyaddr(address)[0]
        except socket.herror as error:
            if error.errno == 1:  # HOST_NOT_FOUND: an answer; a server that fails or is late is none
                return None
            raise

    def find_addresses(self, name: str) -> set[str]:
        """The addresses of a name, none where there is no such name.

        Raises:
            OSError: nobody answered.
        """
        try:
            return {str(found[4][0]) for found in socket.getaddrinfo(name, None)}
        except socket.gaierror as error:
            if error.errno == socket.EAI_NONAME:
                return set()
            raise


def find_suffix(resolver: Resolver, address: str) -> str | None:
    """The end of an address's name that is some operator's, if the name leads back; empty where it is nobody's.

    None where nobody answered, and of what is no address.
    """
    if not is_address(address):
        return None
    try:
        name = resolver.find_name(address)
        suffix = _suffix_of(name or "")
        return suffix if suffix and _leads_back(resolver, str(name), address) else ""
    except OSError:
        return None


def is_address(text: str) -> bool:
    """Whether what a log has for an address is one, and no host's name."""
    try:
        ipaddress.ip_address(text)
    except ValueError:
        return False
    return True


def find_suffixes(
    resolver: Resolver, addresses: Sequence[str], *, at_once: int = AT_ONCE, seconds: float = SECONDS
) -> Iterator[Mapping[str, str]]:
    """What `find_suffix` says of those of whom anybody answered in time, so many at once."""
    for first in range(0, len(addresses), at_once):
        found: dict[str, str] = {}
        threads = [
            Thread(target=_put, args=(found, resolver, address), daemon=True)
            for address in addresses[first : first + at_once]
        ]
        for thread in threads:
            thread.start()
        ends = time.monotonic() + 2 * seconds
        for thread in threads:
            thread.join(max(0.0, ends - time.monotonic()))
        # A copy: who answers late has not answered.
        yield found.copy()


def judge_suffix(found: str | None, bot: Bot) -> Answer:
    """Whether what `find_suffix` says proves who a bot is."""
    if found is None or not bot.name_suffixes:
        return "not asked"
    return "confirmed" if found and _ends_with_one(found, bot.name_suffixes) else "refuted"


class Names:
    """Answers by address, each asked for once and no more than so many."""

    def __init__(self, resolver: Resolver, most: int = ASKED_AT_MOST) -> None:
        self._resolver, self._left = resolver, most
        self._known: dict[str, str | None] = {}

    def confirm(self, address: str, bot: Bot) -> Answer:
        """Whether an address's name ends as the bot's operator says, and leads back to the address."""
        if not bot.name_suffixes:
            return "not asked"
        if address not in self._known:
            if self._left <= 0:
                return "not asked"
            self._left -= 1
            self._known[address] = find_suffix(self._resolver, address)
        return judge_suffix(self._known[address], bot)


Confirm = Callable[[str, Bot], Answer]


def ask_nobody(address: str, bot: Bot) -> Answer:
    """For runs without reverse names."""
    return "not asked"


def _put(found: dict[str, str], resolver: Resolver, address: str) -> None:
    suffix = find_suffix(resolver, address)
    if suffix is not None:
        found[address] = suffix


def _suffix_of(name: str) -> str:
    """The longest end of a name that is some operator's; empty where none is."""
    suffixes = {suffix for bot in read_bots() for suffix in bot.name_suffixes}
    return max((suffix for suffix in suffixes if _ends_with_one(name, (suffix,))), key=len, default="")


def _leads_back(resolver: Resolver, name: str, address: str) -> bool:
    found = resolver.find_addresses(name)
    return ipaddress.ip_address(address) in {ipaddress.ip_address(each.partition("%")[0]) for each in found}


def _ends_with_one(name: str, suffixes: tuple[str, ...]) -> bool:
    """At the border of a label: notgooglebot.com is nobody's."""
    return any(f".{name.lower().rstrip('.')}".endswith(f".{suffix}") for suffix in suffixes)
