"""Server logs on their way into the warehouse, and who their bots were as of the lists that were read."""

from __future__ import annotations

import gzip
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from seo_warehouse.errors import AuditFailedError
from seo_warehouse.load.schema import ensure_partition
from seo_warehouse.logs.names import Resolver
from seo_warehouse.steps import drop, nightly
from seo_warehouse.urls import key64
from tests.logs.files import BROWSER, GOOGLEBOT, combined_line
from tests.sources.provider import Act, Asked, Provider, said, serving
from tests.sources.test_bot_range import EVERY, document
from tests.steps.dropping import NIGHT, Shop, open_shop

PROPERTIES = """
bot_range: {{base_url: "{url}"}}
properties:
  - key: 1
    name: shop
    domain: shop.example
    history_start: 2026-05-01
    sources: {{server_logs: {{site: "https://www.shop.example"}}}}
"""
GOOGLE = "66.249.64.1"
LISTS = EVERY | {"googlebot": document("66.249.64.0/27"), "common-crawlers": document("66.249.64.0/27")}


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as server:
        yield server


@pytest.fixture
def shop(database: str, tmp_path: Path, provider: Provider) -> Shop:
    provider.date = f"{datetime.now(UTC):%a, %d %b %Y %H:%M:%S GMT}"
    publish_lists(provider, LISTS)
    return open_shop(tmp_path / "home", database, PROPERTIES.format(url=provider.base_url))


def publish_lists(provider: Provider, lists: dict[str, object]) -> None:
    def answer(asked: Asked) -> Act:
        name = asked.path.removeprefix("/").removesuffix(".json")
        return said(lists[name]) if name in lists else Act(b"gone", 404)

    provider.answer = answer


def line(
    hour: int,
    address: str = "192.0.2.7",
    url: str = "/a",
    agent: str = BROWSER,
    status: int = 200,
    days_ago: int = 1,
    referrer: str = "-",
) -> str:
    time = f"{NIGHT - timedelta(days_ago):%d/%b/%Y}:{hour:02}:00:00 +0000"
    request = f"GET {url} HTTP/1.1"
    return combined_line(address=address, time=time, request=request, status=status, agent=agent, referrer=referrer)


def write_log(shop: Shop, name: str, lines: list[str], pack: bool = False) -> Path:
    folder = shop.home / "drop" / "shop" / "logs" / "web"
    folder.mkdir(parents=True, exist_ok=True)
    content = ("\n".join(lines) + "\n").encode("latin-1")
    path = folder / name
    path.write_bytes(gzip.compress(content) if pack else content)
    return path


def read(shop: Shop) -> list[str]:
    shop.said.clear()
    return drop.ingest(shop.wh, "server_logs", "shop", NIGHT, shop.say)


def hits(shop: Shop) -> list[tuple[object, ...]]:
    return shop.fetch(
        "select bot, verdict, url, status_code, address_prefix, hit_count from raw.raw_server_logs__bot_hit"
        " order by bot, verdict, url, hit_count"
    )


def counts(shop: Shop) -> tuple[object, ...]:
    return shop.fetch(
        """
        select (select sum(hit_count)::integer from raw.raw_server_logs__bot_hit),
               (select sum(hit_count)::integer from raw.raw_server_logs__human_hit),
               (select sum(line_count)::integer from raw.raw_server_logs__segment),
               (select count(*)::integer from raw.raw_server_logs__malformed_line)
        """
    )[0]


LINES = [
    line(1, GOOGLE, "/a", GOOGLEBOT),
    line(2, GOOGLE, "/b?c=1", GOOGLEBOT, 404),
    line(3, "203.0.113.9", "/a", GOOGLEBOT),
    line(4, "203.0.113.10", "/people?mail=a@example.com"),
    line(5, "203.0.113.11", "/people"),
]


def test_visits_come_with_who_it_was_and_a_log_is_read_once(shop: Shop) -> None:
    nightly.ingest(shop.wh, "bot_range", "all", NIGHT)
    path = write_log(shop, "access.log", LINES[:4])
    assert read(shop) == ["published"] * 4
    assert hits(shop) == [
        ("Googlebot", "spoofed", "https://www.shop.example/a", 200, "203.0.113.0/24", 1),
        ("Googlebot", "verified", "https://www.shop.example/a", 200, None, 1),
        ("Googlebot", "verified", "https://www.shop.example/b?c=1", 404, None, 1),
    ]
    assert read(shop) == []
    path.rename(path.with_name("access.log.1"))
    write_log(shop, "access.log", LINES[4:])
    assert read(shop) == ["published"] * 3
    write_log(shop, "access.log.2.gz", LINES[:4], pack=True)
    assert read(shop) == []
    assert counts(shop) == (3, 2, 5, None or 0)
    assert shop.fetch("select path, has_query, hit_count from raw.raw_server_logs__human_hit order by 2") == [
        ("/people", False, 1),
        ("/people", True, 1),
    ]
    assert shop.fetch("select referrer_state, landing, entry_count from raw.raw_server_logs__entry") == [
        ("none", "https://www.shop.example/people", 1),
        ("none", "https://www.shop.example/people", 1),
    ]


def test_what_is_added_is_a_load_of_its_own_and_a_cut_line_waits(shop: Shop) -> None:
    path = write_log(shop, "access.log", LINES[:2])
    with path.open("a", encoding="latin-1") as file:
        file.write(LINES[2][:50])
    read(shop)
    assert counts(shop)[2] == 2
    with path.open("a", encoding="latin-1") as file:
        file.write(LINES[2][50:] + "\n")
    read(shop)
    assert counts(shop) == (3, None, 3, 0)
    assert shop.fetch("select count(distinct part) from raw.raw_server_logs__bot_hit") == [(2,)]


def test_visits_that_no_list_told_of_are_verified_once_one_is_read(shop: Shop, provider: Provider) -> None:
    write_log(shop, "access.log", LINES)
    read(shop)
    assert {row[1] for row in hits(shop)} == {"unverifiable"}
    publish_lists(provider, {name: LISTS[name] for name in LISTS if name not in ("googlebot", "common-crawlers")})
    nightly.ingest(shop.wh, "bot_range", "all", NIGHT)
    read(shop)
    assert {row[1] for row in hits(shop)} == {"unverifiable"}
    # The next night has them.
    shop.fetch(
        "with more as (insert into raw.raw_bot_range__prefix (property_key, part, day, list, operator, prefix,"
        " observed_at, load_id) select 0, '', day, 'googlebot', 'google', '66.249.64.0/27', observed_at, load_id"
        " from raw.raw_bot_range__prefix limit 1 returning 1) select count(*) from more"
    )
    read(shop)
    assert [row[:2] for row in hits(shop)] == [
        ("Googlebot", "spoofed"),
        ("Googlebot", "verified"),
        ("Googlebot", "verified"),
    ]
    before = hits(shop)
    assert read(shop) == []
    assert drop.replay(shop.wh, "server_logs", "shop", NIGHT - timedelta(2), NIGHT) == ["unchanged"] * 4
    assert hits(shop) == before


def test_visits_of_long_before_any_list_was_read_are_judged_by_the_first(shop: Shop) -> None:
    write_log(shop, "access.log", [line(1, GOOGLE, agent=GOOGLEBOT, days_ago=100)])
    read(shop)
    assert {row[1] for row in hits(shop)} == {"unverifiable"}
    nightly.ingest(shop.wh, "bot_range", "all", NIGHT)
    read(shop)
    assert shop.fetch("select verdict, is_range_later from raw.raw_server_logs__bot_hit") == [("verified", True)]
    assert read(shop) == []


@pytest.mark.parametrize(
    ("wrong", "rule"),
    [
        ({"common-crawlers": document("198.51.100.0/27")}, "no_list_shrinks_by_half"),
        ({"gptbot": document("66.249.64.0/28")}, "no_range_is_of_two_operators"),
    ],
)
def test_lists_that_cannot_be_right_are_held_and_spoil_no_verdict(
    shop: Shop, provider: Provider, wrong: dict[str, object], rule: str
) -> None:
    day = NIGHT - timedelta(2)
    with shop.wh.connect("loader") as connection:
        ensure_partition(connection, "raw_bot_range__prefix", day)
        for number in range(3):
            connection.execute(
                "insert into raw.raw_bot_range__prefix"
                " (property_key, part, day, list, operator, prefix, observed_at, load_id)"
                " values (0, '', %s, 'common-crawlers', 'google', %s, %s, 1)",
                (day, f"66.249.{64 + number}.0/27", day),
            )
    publish_lists(provider, LISTS | wrong)
    with pytest.raises(AuditFailedError, match=rule):
        nightly.ingest(shop.wh, "bot_range", "all", NIGHT)
    write_log(shop, "access.log", LINES)
    read(shop)
    assert [row[:3] for row in hits(shop) if row[1] == "verified"] == [
        ("Googlebot", "verified", "https://www.shop.example/a"),
        ("Googlebot", "verified", "https://www.shop.example/b?c=1"),
    ]


def test_durations_are_summed_where_they_are_logged(shop: Shop) -> None:
    write_log(shop, "access.log", [f"{line(1, agent=GOOGLEBOT)} {seconds}" for seconds in ("0.25", "0.5", "-")])
    form = '$remote_addr - - [$time_local] "$request" $status $bytes_sent "-" "$http_user_agent" $request_time'
    path = shop.home / "properties.yml"
    path.write_text(path.read_text().replace('shop.example"}', f"shop.example\", formats: {{web: '{form}'}}}}"))
    read(shop)
    assert shop.fetch("select hit_count, timed_count, duration_us from raw.raw_server_logs__bot_hit") == [
        (3, 2, 750_000)
    ]


def test_a_log_in_the_wrong_format_is_held_and_one_in_none_is_refused(shop: Shop) -> None:
    write_log(shop, "access.log", [*LINES, "broken", "broken too", "broken as well"])
    (shop.home / "drop" / "shop" / "logs" / "web" / "notes.txt").write_text("a\nb\n")
    with pytest.raises(
        AuditFailedError, match=r"refused: web/notes\.txt.*bot_hit: load 1 quarantined: format_is_right"
    ):
        read(shop)
    assert counts(shop) == (None, None, None, 0)


@pytest.mark.parametrize("address", ["10.0.0.9", "172.68.10.20"])
def test_a_log_of_a_proxys_or_a_cdns_address_is_held(shop: Shop, address: str) -> None:
    visitors = [line(hour, GOOGLE, agent=GOOGLEBOT) for hour in range(4)]
    write_log(shop, "access.log", [line(hour, address, agent=GOOGLEBOT) for hour in range(5)] + visitors)
    with pytest.raises(AuditFailedError, match="addresses_are_the_visitors"):
        read(shop)
    assert hits(shop) == []


class Zone(Resolver):
    """Names lead back where they say so; an address without an entry is answered by nobody."""

    def __init__(self, names: dict[str, str | None], leading_back: set[str]) -> None:
        self.names, self.leading_back = names, leading_back
        self.asked: list[str] = []

    def find_name(self, address: str) -> str | None:
        self.asked.append(address)
        if address not in self.names:
            raise TimeoutError
        return self.names[address]

    def find_addresses(self, name: str) -> set[str]:
        return {address for address in self.leading_back if self.names[address] == name}


def test_reverse_names_prove_who_is_in_no_list_within_what_a_night_may_ask(shop: Shop) -> None:
    """One leads back, one lies, one has none, one is not answered for, and the budget ends before the last."""
    names: dict[str, str | None] = {f"198.51.100.{n}": f"crawl-{n}.googlebot.com" for n in (1, 2)}
    zone = Zone(names | {"198.51.100.3": None}, {"198.51.100.1"})
    path = shop.home / "properties.yml"
    path.write_text(path.read_text().replace('shop.example"}', 'shop.example", reverse_names: 4}'))
    wh = replace(shop.wh, resolver=zone)
    others = [line(6, "198.51.100.9", "/9"), line(7, "a.example", "/host", GOOGLEBOT)]
    log = write_log(
        shop, "access.log", [line(n, f"198.51.100.{n}", f"/{n}", GOOGLEBOT) for n in (1, 2, 3, 4, 5)] + others
    )
    drop.ingest(wh, "server_logs", "shop", NIGHT, shop.say)
    told = {"1": "verified", "2": "spoofed", "3": "spoofed", "4": "unverifiable", "5": "unverifiable"}
    assert verdicts(shop) == told | {"host": "unverifiable"}
    assert sorted(zone.asked) == [f"198.51.100.{n}" for n in (1, 2, 3, 4)]
    with log.open("a") as file:
        file.write("\n".join(line(8, f"198.51.100.{n}", f"/again-{n}", GOOGLEBOT) for n in (1, 4, 5)) + "\n")
    drop.ingest(wh, "server_logs", "shop", NIGHT, shop.say)
    again = {"again-1": "verified", "again-4": "unverifiable", "again-5": "unverifiable"}
    assert verdicts(shop) == told | again | {"host": "unverifiable"}
    before = hits(shop)
    shop.fetch("with gone as (delete from ops.reverse_name returning 1) select count(*) from gone")
    drop.replay(wh, "server_logs", "shop", NIGHT - timedelta(2), NIGHT)
    assert (hits(shop), len(zone.asked)) == (before, 4)


def verdicts(shop: Shop) -> dict[str, object]:
    """By the last part of the URL."""
    return {str(url).rpartition("/")[2]: verdict for _, verdict, url, *_ in hits(shop)}


def test_logs_in_an_object_store_are_read_once_however_deep_they_lie(shop: Shop, tmp_path: Path) -> None:
    nightly.ingest(shop.wh, "bot_range", "all", NIGHT)
    bucket = tmp_path / "bucket"
    path = shop.home / "properties.yml"
    stated = f'shop.example", buckets: {{cdn: "{bucket}", gone: "{tmp_path / "nowhere"}"}}}}'
    path.write_text(path.read_text().replace('shop.example"}', stated))
    for name, lines in (("2026-05-01/1.log.gz", LINES[:2]), ("2026-05-02/1.log.gz", LINES[2:]), ("notes.txt", ["a"])):
        (bucket / name).parent.mkdir(parents=True, exist_ok=True)
        content = ("\n".join(lines) + "\n").encode("latin-1")
        (bucket / name).write_bytes(gzip.compress(content) if name.endswith("gz") else content)
    with pytest.raises(FileNotFoundError, match="nowhere"):
        read(shop)
    assert counts(shop) == (3, 2, 5, 0)
    assert any("cdn/notes.txt: refused" in sentence for sentence in shop.said)
    path.write_text(path.read_text().replace("gone:", "cdn2:").replace("nowhere", "bucket"))
    (bucket / "notes.txt").unlink()
    before = counts(shop)
    read(shop)
    # The same log is another one in another stream.
    assert [2 * int(str(count)) for count in before] == [int(str(count)) for count in counts(shop)]


def test_nothing_of_people_is_in_any_store(shop: Shop) -> None:
    nightly.ingest(shop.wh, "bot_range", "all", NIGHT)
    came_from = "https://mail.example/inbox?mail=canary@example.com"
    canary = line(6, "198.51.100.77", "/canary?mail=canary@example.com", "browser/7", referrer=came_from)
    write_log(shop, "access.log", [*LINES * 9, canary, f'"{canary}'])
    read(shop)
    dumped = "\n".join(
        str(row)
        for (schema, name) in shop.fetch(
            "select schemaname, relname from pg_stat_user_tables where schemaname in ('raw', 'ops', 'audit')"
        )
        for row in shop.fetch(f'select t::text from "{schema}"."{name}" as t')
    )
    archive = b"".join(_unpacked(path) for path in (shop.home / "archive").rglob("*.zst"))
    for word in ("198.51.100", "canary@", "203.0.113.10", "mail="):
        assert word not in dumped
        assert word.encode() not in archive
        assert word not in "\n".join(shop.said)
    assert "/canary" in dumped
    (entry,) = shop.fetch(
        "select referrer_normalised, referrer_domain, referrer_key, landing_normalised, entry_count"
        " from raw.raw_server_logs__entry where referrer_state = 'known'"
    )
    landing = "https://www.shop.example/canary"
    assert entry == ("https://mail.example/inbox", "mail.example", key64(came_from), landing, 1)


def _unpacked(path: Path) -> bytes:
    import zstandard

    with path.open("rb") as file:
        return zstandard.ZstdDecompressor().stream_reader(file).read()


def test_a_step_that_was_cut_is_taken_up_from_what_was_kept(shop: Shop) -> None:
    path = write_log(shop, "access.log", LINES)
    drop.write(shop.wh, "server_logs", "shop", NIGHT)
    path.unlink()
    assert read(shop) == ["published"] * 4
    assert counts(shop) == (3, 2, 5, 0)
    assert list(path.parent.iterdir()) == []
