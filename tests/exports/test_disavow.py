"""Disavow files are read line by line or not at all, and what is written is read back."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.errors import ExportError
from seo_warehouse.exports import disavow
from seo_warehouse.exports.disavow import Entry, parse, parse_entry, write
from seo_warehouse.exports.values import CellError
from seo_warehouse.urls import host_of
from tests.exports.files import part_of, rows_of

NAME = "disavow-2026-02-20.txt"
LABELS = st.text("abcxyz0189-_", min_size=1, max_size=12).map(lambda label: f"l{label}l")
HOSTS = st.lists(LABELS | st.sampled_from(["bücher", "例え", "ПРИМЕР"]), min_size=1, max_size=3).map(
    lambda labels: ".".join([*labels, "example"])
)
PATHS = st.text(st.characters(exclude_categories=("Cs", "Cc", "Zs", "Zl", "Zp")), max_size=20)
LINES = HOSTS.map("domain:{}".format) | st.builds("{}://{}/{}".format, st.sampled_from(["http", "https"]), HOSTS, PATHS)


def entries_of(content: str) -> list[str]:
    return [str(entry) for entry in parse(NAME, content.encode()).entries]


def refusal_of(content: str | bytes, name: str = NAME) -> str:
    with pytest.raises(ExportError) as refused:
        part_of(name, content)
    return str(refused.value)


def test_a_file_is_its_domains_and_urls_without_comments_and_blank_lines() -> None:
    content = "\ufeff# two sites\r\n\r\n  domain:Spam.Example \rhttps://Other.example/Page?b=1#top\ndomain:x.co.uk"
    assert entries_of(content) == ["domain:spam.example", "https://other.example/Page?b=1", "domain:x.co.uk"]


def test_hosts_are_in_punycode_and_what_is_said_twice_counts_once() -> None:
    content = "domain:bücher.example\ndomain:xn--bcher-kva.example.\ndomain:BÜCHER.example\nhttp://bücher.example\n"
    statement = parse(NAME, content.encode())
    assert [str(entry) for entry in statement.entries] == [
        "domain:xn--bcher-kva.example",
        "http://xn--bcher-kva.example/",
    ]
    assert statement.repeat_count == 2


def test_a_host_and_its_subdomain_are_two_entries() -> None:
    assert len(entries_of("domain:spam.example\ndomain:www.spam.example")) == 2


@pytest.mark.parametrize(
    ("line", "reason"),
    [
        ("spam.example", "means nothing to Google"),
        ("www.spam.example/page", "means nothing to Google"),
        ("Domain:spam.example", "means nothing to Google"),
        ("ftp://spam.example/", "means nothing to Google"),
        ("domain:spam.example/page", "takes a host alone"),
        ("domain:https://spam.example", "takes a host alone"),
        ("domain:", "no host"),
        ("domain:spam.example:8080", "no host"),
        ("domain:user@spam.example", "no host"),
        ("domain:spam.example?x=1", "no host"),
        ("domain:*.spam.example", "no host"),
        ("domain:spam", "no host"),
        ("domain:.spam.example", "no host"),
        ("domain:[::1]", "no host"),
        ("domain:spam%2eexample", "no host"),
        ("domain: spam.example", "a blank"),
        ("domain:spam.example # bought", "a blank"),
        ("https://spam.example/a b", "a blank"),
        ("https://spam.example/\0", "control character"),
        ("domain:blogspot.com", "below which anybody may have a site"),
        ("domain:co.uk", "below which anybody may have a site"),
        ("domain:0x7f.0.0.1", "write domain:127.0.0.1"),
        ("https://", "no URL"),
        ("https://user:secret@spam.example/", "leave the name out"),
        (f"https://spam.example/{'a' * 2_028}", "2,049 characters"),
        (f"https://spam.example/{'ü' * 400}", "2,421 characters in punycode"),
    ],
)
def test_a_line_that_means_nothing_is_refused_by_its_number(line: str, reason: str) -> None:
    said = refusal_of(f"# first\n\n{line}\ndomain:good.example\n")
    assert said.startswith(f"{NAME}, line 3: ")
    assert reason in said
    assert "secret" not in said


def test_an_address_and_the_longest_url_are_taken() -> None:
    longest = f"https://spam.example/{'a' * 2_027}"
    assert entries_of(f"domain:203.0.113.7\n{longest}") == ["domain:203.0.113.7", longest]


def test_every_line_in_error_is_counted_and_the_first_are_named() -> None:
    said = refusal_of("good.example\n" * 11 + "domain:good.example\n")
    assert [f"line {number}:" in said for number in (1, 10, 11)] == [True, True, False]
    assert "; and 1 more. " in said


def test_a_file_is_no_larger_than_google_takes() -> None:
    assert entries_of("#\n" * 99_999 + "domain:spam.example") == ["domain:spam.example"]
    assert "has 100,001 lines" in refusal_of("\n" * 100_001)
    line = "#" * 1_999 + "\n"
    assert entries_of(line * 1_000) == []
    assert "more than 2,000,000 bytes" in refusal_of(line * 1_000 + "#")


def test_what_is_no_utf_8_is_refused_by_its_line() -> None:
    assert refusal_of(b"# a\r\n# b\xfc\n").startswith(f"{NAME}, line 2: bytes that are no UTF-8")
    assert "no UTF-8" in refusal_of("domain:spam.example".encode("utf-16"))


def test_a_file_without_entries_says_that_nothing_is_disavowed() -> None:
    (row,) = rows_of(NAME, "# nothing any more\n")
    assert (row["host"], row["url"], row["source_domain"]) == (None, None, None)


def test_rows_are_of_the_day_that_the_name_states_and_hold_the_registrable_domain() -> None:
    of_file, domain, page = rows_of(NAME, "domain:a.spam.co.uk\nhttp://b.other.example/x\n")
    assert {str(row["day"]) for row in (of_file, domain, page)} == {"2026-02-20"}
    assert (domain["host"], domain["url"], domain["source_domain"]) == ("a.spam.co.uk", None, "spam.co.uk")
    assert (page["host"], page["url"], page["source_domain"]) == (None, "http://b.other.example/x", "other.example")
    assert len({row["statement"] for row in (of_file, domain, page)}) == 1


def test_two_files_are_one_statement_where_they_list_the_same() -> None:
    first, second, third = (
        rows_of("disavow.txt", text)[0]["statement"]
        for text in ("domain:a.example\ndomain:b.example", "# b\ndomain:b.example\ndomain:a.example", "")
    )
    assert first == second != third


@pytest.mark.parametrize(
    ("name", "is_one"),
    [
        ("disavow.txt", True),
        ("Disavow_links-2026-01-01.TXT", True),
        ("disavow.csv", False),
        ("my-disavow.txt", False),
        ("disavow.txt.csv", False),
    ],
)
def test_a_disavow_file_is_known_by_its_name(name: str, is_one: bool) -> None:
    assert disavow.is_named(name) is is_one


@given(st.lists(st.tuples(LINES, st.text(st.characters(exclude_categories=("Cs",)), max_size=40)), max_size=8))
def test_what_is_written_is_read_back_equal_and_sorted(told: list[tuple[str, str]]) -> None:
    listed = {parse_entry(line): reason for line, reason in told}
    content = write(listed.items())
    assert parse(NAME, content).entries == tuple(sorted(listed))
    lines = content.decode().split("\n")
    assert [line[0] for line in lines[:-1:2]] == ["#"] * len(listed)
    assert lines[1::2] == [str(entry) for entry in sorted(listed)]
    assert write((entry, listed[entry]) for entry in parse(NAME, content).entries) == content


@given(LINES)
def test_an_entry_is_written_in_one_way(line: str) -> None:
    entry = parse_entry(line)
    assert parse_entry(str(entry)) == entry
    assert str(entry).isascii()
    assert entry.kind == "url" or host_of(f"https://{entry.value}/") == entry.value


@given(st.text(max_size=40) | st.text(max_size=20).map("domain:{}".format))
def test_any_line_is_an_entry_or_a_refusal(line: str) -> None:
    try:
        entry = parse_entry(line)
    except CellError:
        return
    assert parse_entry(str(entry)) == entry


def test_a_file_that_google_would_not_take_is_not_written() -> None:
    listed = [(Entry("domain", f"a{number}.example"), "") for number in range(50_001)]
    assert len(parse(NAME, write(listed[:-1])).entries) == 50_000
    with pytest.raises(ExportError, match="100,002 lines"):
        write(listed)
    with pytest.raises(ExportError, match="bytes at most"):
        write([(Entry("domain", "a.example"), "x" * 2_000_000)])


@pytest.mark.external
def test_the_real_file_has_five_domains(shared_data: Path) -> None:
    content = (shared_data / "disavow" / "disavow_small.txt").read_bytes()
    statement = parse("disavow_small.txt", content)
    assert [entry.kind for entry in statement.entries] == ["domain"] * 5
    assert Entry("domain", "urlm.co") in statement.entries
    assert statement.repeat_count == 0
