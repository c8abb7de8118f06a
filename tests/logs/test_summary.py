"""What a log holds, counted and said."""

from __future__ import annotations

import gzip
import ipaddress
from datetime import UTC, datetime
from pathlib import Path

import pytest
from click.testing import CliRunner

from seo_warehouse.cli import main
from seo_warehouse.logs.memo import Memo
from seo_warehouse.logs.ranges import RangeList, Ranges, read_lists
from seo_warehouse.logs.summary import Visitor
from seo_warehouse.logs.waste import find_kind, read_url
from tests.logs.files import GOOGLEBOT, combined_line, summary_of

GOOGLE = Ranges([RangeList("googlebot", "google", (ipaddress.ip_network("66.249.64.0/27"),))])
VERIFIED = Visitor("google", "Googlebot", "verified")


def googlebot(request: str = "GET /a HTTP/1.1", status: int = 200, address: str = "66.249.64.1") -> str:
    return combined_line(address=address, request=request, status=status, agent=GOOGLEBOT)


@pytest.mark.parametrize(
    ("url", "status", "kind"),
    [
        ("/a", 200, "good"),
        ("/a", 304, "good"),
        ("/a?b", 301, "redirect"),
        ("/a?b", 200, "parameter"),
        ("/a.css?b", 200, "parameter"),
        ("/a.CSS", 200, "static"),
        ("/a.css", 404, "not_found"),
        ("/a", 410, "not_found"),
        ("/a", 403, "refused"),
        ("/a", 503, "error"),
        (None, 400, "error"),
    ],
)
def test_kinds_of_waste_exclude_each_other(url: str | None, status: int, kind: str) -> None:
    assert find_kind(url, status) == kind


def test_a_url_is_told_as_utf_8_with_odd_bytes_escaped() -> None:
    assert read_url("GET /ä\xff HTTP/1.1".encode().decode("latin-1").replace("Ã¿", "\xff")) == "/ä\\xff"
    assert read_url("quit") is None


def test_visits_are_counted_by_bot_verdict_and_kind(tmp_path: Path) -> None:
    path = tmp_path / "access.log.gz"
    lines = [
        googlebot(),
        googlebot("GET /a?b HTTP/1.1"),
        googlebot(status=404),
        googlebot(address="192.0.2.1"),
        combined_line(address="66.249.64.2"),
        combined_line(),
        "broken",
        "",
    ]
    path.write_bytes(gzip.compress("\n".join(lines).encode()))
    summary = summary_of(path, GOOGLE)
    assert (summary.line_count, summary.good_count, summary.people_count) == (7, 6, 1)
    assert (summary.malformed, summary.malformed_lines) == ({"not of this format": 1}, [7])
    assert summary.visits == {
        VERIFIED: 3,
        Visitor("google", "Googlebot", "spoofed"): 1,
        Visitor("google", "(unnamed)", "undeclared"): 1,
    }
    assert {kind: n for (who, kind), n in summary.kinds.items() if who == VERIFIED} == {
        "good": 1,
        "parameter": 1,
        "not_found": 1,
    }
    assert summary.kinds.total() == summary.visits.total()


def test_the_command_says_what_a_log_holds_and_nothing_of_people(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    canary = combined_line(address="203.0.113.99", request="GET /canary?mail=a@example.com HTTP/1.1")
    path.write_text("\n".join([googlebot(), canary, f'"{canary}']), encoding="latin-1")
    done = CliRunner().invoke(main, ["logs", str(path)])
    assert done.exit_code == 0, done.output
    assert done.output.splitlines()[:3] == [
        "access.log: combined",
        "3 lines: 2 good, 1 malformed; 1 of bots, 1 of people",
        "From 2021-11-22 00:18:22 UTC to 2021-11-22 00:18:22 UTC",
    ]
    assert "unverifiable  google    Googlebot  1" in done.output
    assert "this is the wrong format" in done.output
    assert not [word for word in ("203.0.113.99", "canary", "example.com") if word in done.output]


def test_the_command_says_where_addresses_are_not_the_visitors(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    for fronts, is_told in ((2, True), (1, False)):
        addresses = ["172.68.10.20"] * fronts + ["203.0.113.9"]
        path.write_text("\n".join(googlebot(address=address) for address in addresses), encoding="latin-1")
        done = CliRunner().invoke(main, ["logs", str(path)])
        assert ("67% of the lines have the address of a proxy or a CDN" in done.output) == is_told


def test_the_ends_of_the_calendar_are_told_too(tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    times = ("01/Jan/0001:00:00:00 +1400", "31/Dec/9999:23:59:60 -1400")
    path.write_text("\n".join(combined_line(time=time) for time in times), encoding="latin-1")
    done = CliRunner().invoke(main, ["logs", str(path)])
    assert "2 good" in done.output
    assert "From no known year to no known year" in done.output


@pytest.mark.parametrize(
    ("arguments", "reason"), [(["--format", "odd"], "is no format"), (["--zone", "Mars/Base"], "is no time zone")]
)
def test_the_command_says_what_to_state(arguments: list[str], reason: str, tmp_path: Path) -> None:
    path = tmp_path / "access.log"
    path.write_text(combined_line(), encoding="latin-1")
    done = CliRunner().invoke(main, ["logs", *arguments, str(path)])
    assert done.exit_code != 0
    assert reason in done.output


def test_a_full_memo_forgets_and_long_texts_are_never_remembered() -> None:
    memo = Memo(len, most=3)
    assert [memo[text] for text in ("a", "bb", "ccc", "dddd", "x" * 501)] == [1, 2, 3, 4, 501]
    assert memo == {"dddd": 4}


REAL = {
    "advertools_combined_with_errors.log": (885, [3, 12, 21, 22], {404: 603, 304: 248, 200: 31, 403: 2, 206: 1}),
    "advertools_nginx_access.log": (1000, [], {200: 546, 404: 294, 400: 75, 204: 53, 405: 18, 308: 14}),
    "advertools_dreamhost_apache_access.log": (129, [], {200: 97, 404: 32}),
}


@pytest.mark.external
@pytest.mark.parametrize("name", REAL)
def test_real_logs_are_counted_as_a_hand_written_machine_counts_them(name: str, shared_data: Path) -> None:
    summary = summary_of(shared_data / "logs" / name)
    assert (summary.good_count, summary.malformed_lines, summary.statuses) == REAL[name]


@pytest.mark.external
@pytest.mark.parametrize(
    ("name", "verified"),
    [
        ("advertools_nginx_access.log", {"Googlebot": 17, "Google-Site-Verification": 1}),
        ("advertools_dreamhost_apache_access.log", {"Googlebot": 2, "Googlebot-Image": 1}),
        ("advertools_combined_latin1_enc.log", {"Googlebot": 10}),
    ],
)
def test_googles_real_visits_are_in_its_lists_and_nobody_lied(
    name: str, verified: dict[str, int], shared_data: Path
) -> None:
    summary = summary_of(shared_data / "logs" / name, Ranges(read_lists(shared_data / "logs" / "google_ip")))
    google = {who: n for who, n in summary.visits.items() if who.operator == "google"}
    assert {who.bot: n for who, n in google.items() if who.verdict == "verified"} == verified
    assert len(google) == len(verified)


@pytest.mark.external
def test_a_packed_file_within_a_log_is_malformed_and_guessed_at_nowhere(shared_data: Path) -> None:
    summary = summary_of(shared_data / "logs" / "advertools_combined_latin1_enc.log")
    assert (summary.good_count, summary.malformed_count) == (169, 31)
    assert summary.malformed["no address"] == 1


@pytest.mark.external
def test_dates_in_a_form_of_their_own_are_read(shared_data: Path) -> None:
    summary = summary_of(shared_data / "logs" / "advertools_nginx_custom_date.log")
    assert (summary.good_count, summary.malformed_count) == (20, 0)
    assert summary.first == datetime(2021, 11, 23, 0, 18, 22, tzinfo=UTC).timestamp()
