"""Formats beside the combined one: as servers are configured to write them, and how they are recognised."""

from __future__ import annotations

from datetime import UTC
from pathlib import Path
from zoneinfo import ZoneInfo

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.errors import LogError
from seo_warehouse.logs.fields import NamedColumns
from seo_warehouse.logs.hits import Hit, Parser
from seo_warehouse.logs.json_lines import KNOWN, make_parser, read_map
from seo_warehouse.logs.patterns import COMBINED, compile_format
from seo_warehouse.logs.patterns import KNOWN as PATTERNS
from seo_warehouse.logs.patterns import make_parser as make_pattern_parser
from seo_warehouse.logs.recognising import recognise
from tests.logs.files import BROWSER, combined_line, hit_of

AT = 1_637_540_302
EXPECTED = Hit("192.0.2.7", AT, "GET /a HTTP/1.1", 200, 1916, BROWSER)
IIS = f"2021-11-22 00:18:22 10.0.0.1 GET /a q=1 443 - 192.0.2.7 {BROWSER.replace(' ', '+')} - 200 0 0 15"
IIS_FIELDS = "#Fields: date time s-ip cs-method cs-uri-stem cs-uri-query s-port cs-username c-ip cs(User-Agent)"
IIS_HEAD = f"#Software: IIS\n{IIS_FIELDS} cs(Referer) sc-status sc-substatus sc-win32-status time-taken"
CLOUDFRONT_HEAD = (
    "#Version: 1.0\n#Fields: date time x-edge-location sc-bytes c-ip cs-method cs(Host) cs-uri-stem sc-status"
    " cs(Referer) cs(User-Agent) cs-uri-query"
)
CLOUDFRONT = "2021-11-22\t00:18:22\tLHR\t1916\t192.0.2.7\tGET\td1.example\t/a\t200\t-\tMozilla/5.0%2520(X11)\t-"
CLOUDFLARE = {
    "ClientIP": "192.0.2.7",
    "ClientRequestHost": "www.example.com",
    "ClientRequestMethod": "GET",
    "ClientRequestURI": "/a",
    "EdgeResponseStatus": 200,
    "EdgeResponseBytes": 1916,
    "EdgeStartTimestamp": "2021-11-22T00:18:22Z",
    "ClientRequestUserAgent": BROWSER,
}
CADDY = {
    "ts": AT + 0.25,
    "request": {"client_ip": "192.0.2.7", "method": "GET", "uri": "/a", "headers": {"User-Agent": [BROWSER]}},
    "status": 200,
    "size": 1916,
}
ALB = (
    "h2 2021-11-22T00:18:22.186641Z app/lb/50dc 192.0.2.7:2817 10.0.0.1:80 0.086 0.048 0.037 200 200 0 1916"
    f' "GET https://www.example.com:443/a HTTP/2.0" "{BROWSER}" ECDHE TLSv1.2 arn "Root=1" "www.example.com" "-" 0'
)
TIMED = f"{combined_line()} %s"


def timed(directive: str) -> Parser:
    """A parser of a combined log with one directive more."""
    return make_pattern_parser(compile_format(f"{COMBINED} {directive}"), None)


SAMPLES = {
    "combined": combined_line(),
    "vhost_combined": f"www.example.com {combined_line()}",
    "common": combined_line().partition(' "-"')[0],
    "vhost_common": f"www.example.com {combined_line()}".partition(' "-"')[0],
    "alb": ALB,
    "named columns": f"{IIS_HEAD}\n{IIS}",
    "cloudflare": orjson.dumps(CLOUDFLARE).decode(),
    "caddy": orjson.dumps(CADDY).decode(),
}

TIMES = {
    "IIS": (NamedColumns(), f"{IIS_HEAD}\n{IIS}", 15_000),
    "CloudFront": (
        NamedColumns(),
        f"{CLOUDFRONT_HEAD} time-taken\n{CLOUDFRONT}\t0.002",
        2_000,
    ),
    "Cloudflare": (
        make_parser(KNOWN["cloudflare"], None),
        orjson.dumps(CLOUDFLARE | {"EdgeTimeToFirstByteMs": 27}).decode(),
        27_000,
    ),
    "Caddy": (make_parser(KNOWN["caddy"], None), orjson.dumps(CADDY | {"duration": 0.00123}).decode(), 1_230),
    "a load balancer": (make_pattern_parser(compile_format(PATTERNS["alb"]), None), ALB, 48_000),
    "nginx": (timed("$request_time"), TIMED % "0.004", 4_000),
    "Apache, in seconds": (timed("%T"), TIMED % "3", 3_000_000),
    "Apache, in milliseconds": (timed("%{ms}T"), TIMED % "12", 12_000),
    "Apache": (timed("%D"), TIMED % "1234", 1_234),
    "nothing sensible": (timed("%D"), TIMED % "-", None),
    "what overflows": (timed("%D"), TIMED % ("9" * 400), None),
}
"""How long an answer took, in microseconds, as each format says it."""


@pytest.mark.parametrize("name", SAMPLES)
def test_a_format_is_recognised_by_its_lines(name: str, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text(f"{SAMPLES[name]}\n" * 3, encoding="latin-1")
    found = recognise(path)
    assert found.name == name
    (hits,) = found.read(path.read_text(encoding="latin-1"))
    assert (list(hits.addresses), list(hits.instants)) == (["192.0.2.7"] * 3, [AT] * 3)


@pytest.mark.parametrize("name", TIMES)
def test_how_long_an_answer_took_is_read_where_it_is_logged(name: str) -> None:
    parse, text, microseconds = TIMES[name]
    *head, line = text.split("\n")
    for directive in head:
        assert parse(directive) is None
    assert hit_of(parse, line).duration == microseconds


def test_broken_agents_do_not_make_a_combined_log_a_common_one(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    lines = [combined_line()] * 90 + [combined_line().removesuffix('"')] * 10
    path.write_text("\n".join(lines), encoding="latin-1")
    assert recognise(path).name == "combined"


def test_a_file_in_no_known_format_is_refused_with_what_was_tried(tmp_path: Path) -> None:
    path = tmp_path / "notes.txt"
    path.write_text("a\nb\n", encoding="latin-1")
    with pytest.raises(LogError, match=r"combined, .*caddy.*--format"):
        recognise(path)


def test_an_empty_file_is_refused_in_words(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_bytes(b"")
    with pytest.raises(LogError, match="holds no line"):
        recognise(path)


def test_times_without_a_zone_need_it_stated(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text(combined_line(time="22/Nov/2021:01:18:22"), encoding="latin-1")
    with pytest.raises(LogError, match="--zone"):
        recognise(path)
    (hits,) = recognise(path, zone=ZoneInfo("Europe/Berlin")).read(path.read_text(encoding="latin-1"))
    assert list(hits.instants) == [AT]


@pytest.mark.parametrize(
    ("text", "line"),
    [
        (
            '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'
            ' "$http_referer" "$http_user_agent"',
            combined_line(),
        ),
        (r"%h %l %u %t \"%r\" %>s %b \"%{Referer}i\" \"%{User-Agent}i\"", combined_line()),
        (
            '$time_iso8601|$remote_addr|"$request"|$status|$bytes_sent|"$http_user_agent"|$request_time',
            f'2021-11-22T00:18:22+00:00|192.0.2.7|"GET /a HTTP/1.1"|200|1916|"{BROWSER}"|0.01',
        ),
        (
            '$msec $remote_addr "$request" $status $body_bytes_sent "$http_user_agent"',
            f'{AT}.123 192.0.2.7 "GET /a HTTP/1.1" 200 1916 "{BROWSER}"',
        ),
        (
            '%a [%{%Y-%m-%d %H:%M:%S %z}t] "%r" %s %B "%{User-agent}i"',
            f'192.0.2.7 [2021-11-22 01:18:22 +0100] "GET /a HTTP/1.1" 200 1916 "{BROWSER}"',
        ),
    ],
)
def test_a_configured_format_is_compiled(text: str, line: str) -> None:
    hit = hit_of(make_pattern_parser(compile_format(text), None), line)
    assert hit._replace(duration=None, referrer=None) == EXPECTED


@pytest.mark.parametrize(
    ("text", "address"),
    [
        (
            '$remote_addr - $remote_user [$time_local] "$request" $status $body_bytes_sent'
            ' "$http_referer" "$http_user_agent" "$http_x_forwarded_for"',
            "$http_x_forwarded_for",
        ),
        (
            '%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i" "%{X-Forwarded-For}i"',
            "%{X-Forwarded-For}i",
        ),
    ],
)
def test_behind_a_proxy_the_client_is_who_the_proxy_says_and_not_who_the_client_says(text: str, address: str) -> None:
    parse = make_pattern_parser(compile_format(text, address), None)
    line = combined_line(address="10.0.0.1") + ' "66.249.64.1, 192.0.2.7"'
    assert hit_of(parse, line)._replace(referrer=None) == EXPECTED
    assert parse(combined_line(address="192.0.2.7") + ' "-"') == "no address"
    with pytest.raises(LogError, match="names no address"):
        compile_format(text, "$http_cf_connecting_ip")


def test_a_format_that_names_no_address_is_refused() -> None:
    with pytest.raises(LogError, match="names no address"):
        compile_format('[$time_local] "$request" $status')


def test_a_user_with_a_space_and_columns_after_the_agent_are_read_over() -> None:
    parse = make_pattern_parser(compile_format('%h %l %u %t "%r" %>s %b "%{Referer}i" "%{User-Agent}i"'), None)
    line = combined_line().replace("- - [", "- Jane Doe [") + ' 0.004 "203.0.113.9"'
    assert hit_of(parse, line)._replace(referrer=None) == EXPECTED


def test_columns_may_change_within_a_file_of_iis() -> None:
    parse = NamedColumns()
    assert parse(IIS) == "its columns were not named before"
    for line in IIS_HEAD.split("\n"):
        assert parse(line) is None
    assert hit_of(parse, IIS) == Hit("192.0.2.7", AT, "GET /a?q=1 HTTP", 200, 0, BROWSER, 15_000, "-")
    assert parse("#Fields: date time c-ip cs-method cs-uri-stem sc-status sc-bytes") is None
    assert hit_of(parse, "2021-11-22 00:18:22 192.0.2.7 GET /b 404 5").status == 404
    assert parse(IIS) == "not of this format"


def test_agents_of_cloudfront_are_decoded() -> None:
    parse = NamedColumns()
    for line in CLOUDFRONT_HEAD.split("\n"):
        assert parse(line) is None
    assert hit_of(parse, CLOUDFRONT) == Hit("192.0.2.7", AT, "GET /a HTTP", 200, 1916, "Mozilla/5.0 (X11)", None, "-")


@pytest.mark.parametrize("stamp", ["2021-11-22T00:18:22Z", AT, AT * 1000, AT * 10**9, "2021-11-22T01:18:22+01:00"])
def test_cloudflare_may_write_times_in_each_of_its_forms(stamp: str | int) -> None:
    parse = make_parser(KNOWN["cloudflare"], None)
    assert hit_of(parse, orjson.dumps(CLOUDFLARE | {"EdgeStartTimestamp": stamp}).decode()).instant == AT


def test_a_map_says_where_fields_of_json_stand() -> None:
    parse = make_parser(read_map("address=client.ip,time=at,method=verb,url=path,status=code"), UTC)
    line = orjson.dumps(
        {"client.ip": "192.0.2.7", "at": "2021-11-22 00:18:22", "verb": "GET", "path": "/ä", "code": 200}
    )
    hit = hit_of(parse, line.decode("latin-1"))
    assert hit.instant == AT
    assert hit.request.encode("latin-1").decode() == "GET /ä HTTP"
    with pytest.raises(LogError, match="needs address"):
        read_map("address=ip")


@given(st.sampled_from(list(SAMPLES.values())), st.data())
def test_no_mutilated_line_stops_a_parser(line: str, data: st.DataObject) -> None:
    line = line.split("\n")[-1]
    start, end = sorted((data.draw(st.integers(0, len(line))), data.draw(st.integers(0, len(line)))))
    cut = line[:start] + data.draw(st.text(st.characters(max_codepoint=255, exclude_characters="\n"))) + line[end:]
    columns = NamedColumns()
    columns(IIS_HEAD.split("\n")[1])
    parsers: list[Parser] = [
        columns,
        *(make_parser(fields, None) for fields in KNOWN.values()),
        make_pattern_parser(compile_format("%h %t %r %s"), None),
    ]
    for parse in parsers:
        found = parse(cut)
        assert found is None or isinstance(found, str | Hit)
