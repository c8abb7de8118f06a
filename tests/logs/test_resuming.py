"""Logs that grow, are rotated, packed, renamed, cut, delivered twice or out of order are read once."""

from __future__ import annotations

import gzip
import random
from collections import Counter
from collections.abc import Callable
from io import BytesIO
from pathlib import Path
from typing import Any

import pytest
import zstandard

from seo_warehouse.errors import LogError
from seo_warehouse.logs.fronts import is_front
from seo_warehouse.logs.keeping import keep, read_kept
from seo_warehouse.logs.resuming import Checkpoint, find_start
from tests.logs.files import BROWSER, GOOGLEBOT, combined_line

PACKERS: dict[str, Callable[[bytes], bytes]] = {
    "": bytes,
    ".gz": gzip.compress,
    ".zst": zstandard.compress,
}


def nobody(address: str) -> None:
    """No list was read."""


def written(seed: int, count: int) -> list[str]:
    """The lines of a log: people, bots, broken ones; no two are equal."""
    rng = random.Random(seed)
    lines = []
    for i in range(count):
        time = f"{1 + i // 1440 % 28:02}/Nov/2021:{i // 60 % 24:02}:{i % 60:02}:{seed % 60:02} +0000"
        agent = rng.choice((BROWSER, BROWSER, GOOGLEBOT))
        line = combined_line(time=time, request=f"GET /{seed}/{i} HTTP/1.1", size=i, agent=agent)
        lines.append(line[: rng.randrange(20, 60)] if rng.random() < 0.05 else line)
    return lines


class Reading:
    """A stream as nights read it."""

    def __init__(self, stated: str | None = None) -> None:
        self.stated = stated
        self.known: list[Checkpoint] = []
        self.counts: Counter[str] = Counter()
        self.kept: list[tuple[str, Any]] = []

    def read(self, path: Path, *, has_ended: bool = False) -> None:
        start = find_start(path, self.known)
        if start is None:
            return
        spool = BytesIO()
        found = keep(path, start, spool, nobody, domain="shop.example", takes_rest=has_ended, stated=self.stated)
        if found.checkpoint is None:
            return
        self.known.append(found.checkpoint)
        spool.seek(0)
        for letter, content in read_kept(spool):
            self.kept.append((letter, content))
            if letter == "b":
                self.counts["bots"] += 1
            elif letter == "p":
                self.counts["people"] += content[5]
            elif letter == "n":
                self.counts["lines"] += content["line_count"]
                self.counts["malformed"] += content["malformed_count"]


def whole(tmp_path: Path, lines: list[str]) -> Counter[str]:
    """The counts of one read of everything."""
    reading = Reading(stated="combined")
    path = tmp_path / "whole"
    path.write_text("\n".join(lines) + "\n", encoding="latin-1")
    reading.read(path)
    return reading.counts


@pytest.mark.parametrize("seed", range(200))
def test_however_a_log_comes_its_lines_are_counted_once(tmp_path: Path, seed: int) -> None:
    rng = random.Random(seed)
    lines = written(seed, rng.randrange(5, 100))
    lines[0] = combined_line(request=f"GET /first/{seed} HTTP/1.1")
    content = ("\n".join(lines) + "\n").encode("latin-1")
    # Recognising a format anew each time would cost more than all else.
    reading = Reading(stated=None if seed < 20 else "combined")
    cuts = sorted(rng.randrange(1, len(content)) for _ in range(rng.randrange(6)))
    nights = [content[:cut] for cut in cuts] + [content]
    if rng.random() < 0.3:
        rng.shuffle(nights)
        nights.append(content)
    for number, part in enumerate(nights):
        name = f"access.log.{rng.choice(('', number))}"
        # A copy that is packed is one of what had ended: cut anywhere, it is no log that was rotated.
        suffix = rng.choice(list(PACKERS)) if part == content else ""
        path = tmp_path / f"{name}{suffix}"
        path.write_bytes(PACKERS[suffix](part))
        for _ in range(rng.choice((1, 2))):
            if b"\n" in part:
                reading.read(path, has_ended=bool(suffix))
    assert reading.counts == whole(tmp_path, lines)


def test_a_log_that_begins_anew_is_another(tmp_path: Path) -> None:
    reading = Reading()
    path = tmp_path / "access.log"
    for seed in (1, 2):
        path.write_text("\n".join(written(seed, 50)) + "\n", encoding="latin-1")
        reading.read(path)
    assert reading.counts["lines"] == 100
    assert len({point.fingerprint for point in reading.known}) == 2


def test_a_log_that_was_changed_behind_its_beginning_is_refused(tmp_path: Path) -> None:
    reading = Reading()
    path = tmp_path / "access.log"
    lines = written(1, 100)
    path.write_text("\n".join(lines) + "\n", encoding="latin-1")
    reading.read(path)
    path.write_text("\n".join([*lines[:-1], *written(2, 50)]) + "\n", encoding="latin-1")
    with pytest.raises(LogError, match="goes on otherwise"):
        reading.read(path)


def test_a_last_line_without_an_end_waits_until_the_log_has_ended(tmp_path: Path) -> None:
    reading = Reading()
    path = tmp_path / "access.log"
    path.write_text(f"{combined_line()}\n{combined_line(status=404)}", encoding="latin-1")
    reading.read(path)
    assert reading.counts["lines"] == 1
    reading.read(path, has_ended=True)
    reading.read(path, has_ended=True)
    assert reading.counts["lines"] == 2


def test_a_line_that_was_taken_for_whole_is_not_counted_again_when_it_goes_on(tmp_path: Path) -> None:
    reading = Reading()
    path = tmp_path / "access.log"
    content = f"{combined_line()}\n{combined_line()} 0.004\n{combined_line()}\n"
    path.write_text(content[: -len(combined_line()) - 4], encoding="latin-1")
    reading.read(path, has_ended=True)
    path.write_text(content, encoding="latin-1")
    reading.read(path)
    assert (reading.counts["lines"], reading.counts["malformed"]) == (3, 0)


def test_columns_that_were_named_before_hold_for_what_is_added(tmp_path: Path) -> None:
    reading = Reading()
    path = tmp_path / "u_ex211122.log"
    head = "#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem sc-status\n"
    line = "2021-11-22 00:18:22 192.0.2.7 GET /a 200\n"
    renamed = "#Fields: date time c-ip sc-status cs-method cs-uri-stem\n"
    path.write_text(head + line + renamed, encoding="latin-1")
    reading.read(path)
    path.write_text(head + line + renamed + "2021-11-22 00:18:22 192.0.2.7 404 GET /b\n", encoding="latin-1")
    reading.read(path)
    assert (reading.counts["lines"], reading.counts["malformed"]) == (2, 0)
    assert [content[4] for letter, content in reading.kept if letter == "p"] == [2, 4]


def test_a_file_of_names_of_columns_alone_is_the_beginning_of_no_log(tmp_path: Path) -> None:
    reading = Reading()
    head = "#Version: 1.0\n#Fields: date time c-ip cs-method cs-uri-stem sc-status\n"
    for number in range(3):
        path = tmp_path / f"{number}.log"
        lines = "".join(f"2021-11-22 00:18:{i:02} 192.0.2.7 GET /{number} 200\n" for i in range(number))
        path.write_text(head + lines, encoding="latin-1")
        if number:
            reading.read(path)
    assert reading.counts["lines"] == 3


def test_no_address_query_or_agent_of_people_is_kept_and_of_broken_lines_a_masked_beginning(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    canary = combined_line(
        address="203.0.113.99", request="GET /a?mail=canary@example.com HTTP/1.1", agent="canary/1.0 (X11)"
    )
    broken = [
        f'"{canary}',
        canary.replace("[", ""),
        f"x\t canary@example.com 2001:db8::99 {canary}",
        "2001:db8::99 - -",
    ]
    path.write_text("\n".join([canary, *[combined_line(agent=GOOGLEBOT)] * 9, *broken]) + "\n", encoding="latin-1")
    spool = BytesIO()
    start = find_start(path, [])
    assert start is not None
    keep(path, start, spool, nobody, domain="shop.example", takes_rest=True)
    kept = spool.getvalue().decode()
    assert kept.count("\nm[") == 4
    assert not [word for word in ("203.0.113", "2001:db8", "example.com", "mail=") if word in kept]
    assert '["2021-11-22","/a",true,"page",2,1,1916]' in kept


@pytest.mark.parametrize(
    ("address", "is_one"),
    [
        ("10.1.2.3", True),
        ("::1", True),
        ("fd00::7", True),
        ("192.0.2.7", False),
        ("66.249.64.1", False),
        ("162.159.255.255", True),
        ("162.160.0.0", False),
        ("2606:4700:20::681a:1", True),
        ("151.101.1.140", True),
        ("2a04:4e41::1", False),
        ("a.example", False),
    ],
)
def test_an_address_of_a_network_of_ones_own_or_of_a_cdn_is_no_visitors(address: str, is_one: bool) -> None:
    assert is_front(address) is is_one
