"""Whether an address's reverse name is an operator's and leads back to it."""

from __future__ import annotations

import socket
from collections.abc import Callable
from typing import Literal

from seo_warehouse.logs.bots import Bot

Answer = Literal["confirmed", "refuted", "not asked"]

ASKED_AT_MOST = 1000
"""Addresses of one run: each may take seconds, and a flood of spoofed ones must not."""


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


class Names:
    """Answers by address, each asked for once and no more than so many."""

    def __init__(self, resolver: Resolver, most: int = ASKED_AT_MOST) -> None:
        self._resolver, self._left = resolver, most
        self._known: dict[tuple[str, tuple[str, ...]], Answer] = {}

    def confirm(self, address: str, bot: Bot) -> Answer:
        """Whether an address's name ends as the bot's operator says, and leads back to the address."""
        if not bot.name_suffixes:
            return "not asked"
        key = (address, bot.name_suffixes)
        if key not in self._known:
            if self._left <= 0:
                return "not asked"
            self._left -= 1
            self._known[key] = _ask(self._resolver, *key)
        return self._known[key]


Confirm = Callable[[str, Bot], Answer]


def ask_nobody(address: str, bot: Bot) -> Answer:
    """For runs without reverse names."""
    return "not asked"


def _ask(resolver: Resolver, address: str, suffixes: tuple[str, ...]) -> Answer:
    try:
        name = resolver.find_name(address)
        if name is None or not _ends_with_one(name, suffixes):
            return "refuted"
        return "confirmed" if address in resolver.find_addresses(name) else "refuted"
    except OSError:
        return "not asked"


def _ends_with_one(name: str, suffixes: tuple[str, ...]) -> bool:
    """At the border of a label: notgooglebot.com is nobody's."""
    return any(f".{name.lower().rstrip('.')}".endswith(f".{suffix}") for suffix in suffixes)
