"""The combined format: blocks are read as single lines are, and a broken line harms no neighbour."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.logs.hits import Hit, read_by_line
from tests.logs.files import PARSE, READ, combined_line, hit_of, rows_of, some_lines

PIECES = st.sampled_from(
    [
        '"',
        "\\",
        " ",
        "\n",
        "[",
        "]",
        "-",
        "\r",
        "\x00",
        "\x85",
        "é",
        "x",
        "1.2.3.4",
        '"GET / HTTP/1.1"',
        " 200 5 ",
        "+0000]",
    ]
)
LINES = st.one_of(
    st.builds(
        combined_line,
        address=st.sampled_from(["192.0.2.1", "2001:db8::1", "a.example", "-", "999.1.1.1"]),
        time=st.sampled_from(
            ["22/Nov/2021:00:18:22 +0000", "22/Nov/2021:00:18:22 -0730", "31/Feb/2021:00:00:00 +0000"]
        ),
        request=st.sampled_from(["GET / HTTP/1.1", "", r"\x16\x03", r"GET /\"a HTTP/1.1", "GET / HTTP/1.1\\"]),
        status=st.sampled_from([200, 404, "-", "2000"]),
        size=st.sampled_from([0, 12, "-", "", "-5", "00012", "9" * 20]),
    ),
    st.lists(PIECES, max_size=12).map("".join),
)


@given(st.lists(LINES, min_size=1, max_size=30))
def test_a_block_is_read_as_its_lines_are_one_by_one(lines: list[str]) -> None:
    block = "\n".join(lines)
    alone = read_by_line(PARSE, block.split("\n"))
    together = list(READ(block))
    assert rows_of(together) == rows_of([alone])
    assert [line for hits in together for line in hits.malformed] == list(alone.malformed)


@pytest.mark.parametrize("seed", range(5))
def test_odd_lines_among_plain_ones_cost_nobody_else(seed: int) -> None:
    lines = some_lines(seed, 500)
    expected = [found for line in lines if isinstance(found := PARSE(line), Hit)]
    assert rows_of(list(READ("\n".join(lines)))) == expected


def test_an_unclosed_quote_ends_with_its_line() -> None:
    lines = [combined_line(), '192.0.2.1 - - [22/Nov/2021:00:18:22 +0000] "GET /', combined_line(), combined_line()]
    (hits,) = READ("\n".join(lines))
    assert len(hits.addresses) == 3
    assert hits.malformed == [(1, "not of this format")]


def test_quotes_of_two_lines_that_fit_together_are_not_taken_for_one() -> None:
    first = '192.0.2.1 - - [22/Nov/2021:00:18:22 +0000] "GET'
    second = '/ HTTP/1.1" 200 5 "-" "agent"192.0.2.2 - - [22/Nov/2021:00:18:22 +0000] "GET / HTTP/1.1" 200 5 "-" "a"'
    assert rows_of(list(READ(f"{first}\n{second}"))) == []


@pytest.mark.parametrize("request_line", ["", r"\x16\x03\x01", "quit", "-"])
def test_an_odd_request_makes_no_malformed_line(request_line: str) -> None:
    assert hit_of(PARSE, combined_line(request=request_line, status=400)).request == request_line


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        (combined_line(address="not/an/address"), "no address"),
        (combined_line(address="300.1.1.1"), "no address"),
        (combined_line(time="31/Feb/2021:00:18:22 +0000"), "no time"),
        (combined_line(time="22/Nov/0000:00:18:22 +0000"), "no time"),
        (combined_line(status="20"), "no status"),
        (combined_line(size="many"), "no size"),
        ("no line of a log", "not of this format"),
    ],
)
def test_a_malformed_line_says_why(line: str, reason: str) -> None:
    assert PARSE(line) == reason


def test_an_address_of_ipv4_within_ipv6_and_one_with_a_zone_are_plain() -> None:
    assert hit_of(PARSE, combined_line(address="::ffff:192.0.2.7")).address == "192.0.2.7"
    assert hit_of(PARSE, combined_line(address="fe80::1%eth0")).address == "fe80::1"


def test_an_escaped_quote_closes_nothing() -> None:
    line = combined_line(request="GET /").replace('"GET /" 200', r'"GET /\" 200')
    (hits,) = READ("\n".join([line, combined_line()]))
    assert (len(hits.addresses), hits.malformed) == (1, [(0, "not of this format")])


def test_an_address_before_the_end_of_a_line_is_not_the_next_ones() -> None:
    lines = [combined_line() + "192.0.2.9", combined_line().removeprefix("192.0.2.7")]
    (hits,) = READ("\n".join(lines))
    assert (rows_of([hits]), len(hits.malformed)) == ([], 2)
