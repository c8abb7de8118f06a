"""Who it was: by lists, by names, and what nobody can say."""

from __future__ import annotations

import ipaddress
import threading
from pathlib import Path

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.errors import LogError
from seo_warehouse.logs.bots import find_bot, read_bots
from seo_warehouse.logs.names import Names, Resolver, find_suffix, find_suffixes
from seo_warehouse.logs.ranges import LISTS, RangeList, Ranges, read_list, read_lists
from seo_warehouse.logs.verdicts import judge
from tests.logs.files import BROWSER, GOOGLEBOT

BOT = find_bot(GOOGLEBOT)
assert BOT is not None
GOOGLE = RangeList("googlebot", "google", (ipaddress.ip_network("66.249.64.0/27"),))
OPENAI = RangeList("gptbot", "openai", (ipaddress.ip_network("2001:db8::/32"), ipaddress.ip_network("20.0.0.0/30")))
RANGES = Ranges([GOOGLE, OPENAI])


class Zone(Resolver):
    """A resolver that knows two tables and nobody else; an address it does not know finds nobody at home."""

    def __init__(self, names: dict[str, str | None], addresses: dict[str, set[str]]) -> None:
        self.names, self.addresses = names, addresses
        self.asked = 0

    def find_name(self, address: str) -> str | None:
        self.asked += 1
        if address not in self.names:
            raise TimeoutError
        return self.names[address]

    def find_addresses(self, name: str) -> set[str]:
        return self.addresses.get(name, set())


def verdict_of(agent: str, address: str, ranges: Ranges = RANGES) -> str | None:
    return judge(find_bot(agent), ranges.find_operator(address), address, ranges)


@pytest.mark.parametrize(
    ("agent", "address", "verdict"),
    [
        (GOOGLEBOT, "66.249.64.31", "verified"),
        (GOOGLEBOT, "66.249.64.32", "spoofed"),
        (GOOGLEBOT, "20.0.0.1", "spoofed"),
        ("GPTBot/1.2", "2001:db8::7", "verified"),
        ("OAI-SearchBot/1.0", "20.0.0.1", "verified"),
        ("OAI-SearchBot/1.0", "20.0.0.9", "unverifiable"),
        ("AhrefsBot/7.0", "192.0.2.1", "unverifiable"),
        ("some-crawler/1", "192.0.2.1", "unverifiable"),
        ("some-crawler/1", "66.249.64.1", "undeclared"),
        (BROWSER, "66.249.64.1", "undeclared"),
        (BROWSER, "192.0.2.1", None),
        (GOOGLEBOT, "crawl.example.com", "spoofed"),
    ],
)
def test_the_address_proves_the_operator_and_the_agent_says_which_bot(
    agent: str, address: str, verdict: str | None
) -> None:
    assert verdict_of(agent, address) == verdict


def test_a_list_that_was_not_read_makes_nobody_a_liar() -> None:
    special = RangeList("special-crawlers", "google", (ipaddress.ip_network("192.0.2.0/24"),))
    assert verdict_of(GOOGLEBOT, "66.249.64.1", Ranges([])) == "unverifiable"
    assert verdict_of(GOOGLEBOT, "66.249.64.1", Ranges([special])) == "unverifiable"


@pytest.mark.parametrize(
    ("name", "addresses", "verdict"),
    [
        ("crawl-1.googlebot.com", {"198.51.100.1", "198.51.100.2"}, "verified"),
        ("crawl-1.googlebot.com", {"203.0.113.9"}, "spoofed"),
        ("crawl-1.googlebot.com", set(), "spoofed"),
        ("crawl-1.notgooglebot.com", {"198.51.100.1"}, "spoofed"),
        ("googlebot.com.example", {"198.51.100.1"}, "spoofed"),
        (None, set(), "spoofed"),
    ],
)
def test_a_name_proves_only_what_leads_back(name: str | None, addresses: set[str], verdict: str) -> None:
    names = Names(Zone({"198.51.100.1": name}, {name: addresses} if name else {}))
    assert judge(BOT, None, "198.51.100.1", Ranges([]), names.confirm) == verdict


def test_a_resolver_that_does_not_answer_refutes_nobody() -> None:
    names = Names(Zone({}, {}))
    assert judge(BOT, None, "198.51.100.1", Ranges([]), names.confirm) == "unverifiable"


def test_an_address_is_asked_for_once_and_no_more_than_so_many_are() -> None:
    zone = Zone({}, {})
    names = Names(zone, most=2)
    for address in ("198.51.100.1", "198.51.100.1", "198.51.100.2", "198.51.100.3"):
        assert judge(BOT, None, address, Ranges([]), names.confirm) == "unverifiable"
    assert zone.asked == 2


def test_an_address_is_the_same_however_it_is_written() -> None:
    zone = Zone({"2001:db8:0::7": "crawl-1.googlebot.com"}, {"crawl-1.googlebot.com": {"2001:db8::7", "fe80::1%eth0"}})
    assert find_suffix(zone, "2001:db8:0::7") == "googlebot.com"
    assert find_suffix(zone, "crawl-1.googlebot.com") is None


def test_many_are_asked_at_once_and_who_is_late_did_not_answer() -> None:
    late = threading.Event()

    class Slow(Zone):
        def find_name(self, address: str) -> str | None:
            if address == "192.0.2.2":
                late.wait(30)
            return super().find_name(address)

    zone = Slow(
        {"192.0.2.1": "a.search.msn.com", "192.0.2.2": "b.search.msn.com", "192.0.2.3": "c.example"},
        {f"{letter}.search.msn.com": {"192.0.2.1", "192.0.2.2"} for letter in "ab"},
    )
    asked = ["192.0.2.1", "192.0.2.2", "192.0.2.3", "192.0.2.4"]
    found = list(find_suffixes(zone, asked, at_once=3, seconds=0.2))
    late.set()
    assert found == [{"192.0.2.1": "search.msn.com", "192.0.2.3": ""}, {}]
    assert zone.asked >= 3


@given(
    st.lists(st.tuples(st.integers(0, 2**16), st.integers(0, 8)), min_size=1, max_size=20),
    st.integers(0, 2**16 + 300),
)
def test_an_address_is_found_in_ranges_as_one_by_one(prefixes: list[tuple[int, int]], number: int) -> None:
    networks = tuple(ipaddress.ip_network((first, 32 - bits), strict=False) for first, bits in prefixes)
    address = ipaddress.ip_address(number)
    expected = "google" if any(address in network for network in networks) else None
    assert Ranges([RangeList("googlebot", "google", networks)]).find_operator(str(address)) == expected


def test_ranges_of_two_operators_that_overlap_are_refused() -> None:
    with pytest.raises(LogError, match="overlap"):
        Ranges([GOOGLE, RangeList("bingbot", "microsoft", (ipaddress.ip_network("66.249.64.16/28"),))])


@pytest.mark.parametrize("content", [b"", b"[]", b'{"prefixes": []}', b'{"prefixes": [{"x": 1}]}', b"<html>"])
def test_a_list_that_is_empty_or_no_list_is_refused(content: bytes, tmp_path: Path) -> None:
    path = tmp_path / "googlebot.json"
    path.write_bytes(content)
    with pytest.raises(LogError, match=r"googlebot\.json"):
        read_list(path)


def test_lists_are_known_by_the_names_of_their_files(tmp_path: Path) -> None:
    with pytest.raises(LogError, match="holds no list"):
        read_lists(tmp_path)
    (tmp_path / "bingbot.json").write_bytes(orjson.dumps({"prefixes": [{"ipv4Prefix": "192.0.2.0/24"}]}))
    (tmp_path / "else.json").write_bytes(b"{}")
    (found,) = read_lists(tmp_path)
    assert (found.name, found.operator) == ("bingbot", "microsoft")


def test_every_bot_is_found_by_its_own_token_and_names_lists_that_exist_of_its_operator() -> None:
    for bot in read_bots():
        assert find_bot(f"Mozilla/5.0 ({bot.token.upper()}1.0)") == bot
        for group in bot.lists:
            assert {LISTS[name][0] for name in group} == {bot.operator}


@pytest.mark.external
def test_bots_of_the_public_collection_are_taken_for_machines_and_browsers_are_not(shared_data: Path) -> None:
    entries = orjson.loads((shared_data / "logs" / "crawler-user-agents.json").read_bytes())
    agents = [agent for entry in entries for agent in entry["instances"]]
    found = sum(find_bot(agent) is not None for agent in agents)
    assert found / len(agents) > 0.7
    assert find_bot(BROWSER) is None


@pytest.mark.external
def test_googles_lists_are_read_whole(shared_data: Path) -> None:
    lists = {read.name: read.networks for read in read_lists(shared_data / "logs" / "google_ip")}
    counts = {
        name: (sum(network.version == 4 for network in networks), sum(network.version == 6 for network in networks))
        for name, networks in lists.items()
    }
    assert counts == {
        "googlebot": (169, 146),
        "special-crawlers": (135, 135),
        "user-triggered-fetchers": (528, 528),
    }
