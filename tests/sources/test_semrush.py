"""Semrush's links: lines of text, as https://developer.semrush.com/api/seo/backlinks/ shows them."""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.client.answers import Items
from seo_warehouse.config import SourceSettings
from seo_warehouse.errors import CredentialsError, MalformedAnswerError, TerminalSourceError
from seo_warehouse.property import Property
from seo_warehouse.sources import semrush
from seo_warehouse.sources.semrush import HEADINGS, SEMRUSH, decode_links, read_links
from seo_warehouse.spec import Row
from tests.sources.properties import DATE, NIGHT, TONIGHT, check_columns, make_property
from tests.sources.provider import Act, Asked, Provider, open_api


def line(number: int = 0, **other: str) -> str:
    """A line of a link that is there."""
    told = {
        "page_ascore": "41",
        "source_title": 'Pans; and "pots"',
        "source_url": f"https://blog{number}.example/post?a=1;b=2",
        "target_url": "https://example.com/pans",
        "anchor": "",
        "external_num": "12",
        "internal_num": "80",
        "first_seen": "1767225600",
        "last_seen": "1793404800",
        "nofollow": "false",
        **other,
    }
    return ";".join('"' + told[name].replace('"', '""') + '"' for name in HEADINGS)


def lines(*told: str) -> str:
    return "\r\n".join((";".join(HEADINGS), *told)) + "\r\n"


class Semrush:
    """Answers by place and count."""

    def __init__(self, *told: str) -> None:
        self.told = told

    def __call__(self, asked: Asked) -> Act:
        params = {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}
        begin, count = int(params.pop("display_offset")), int(params.pop("display_limit"))
        assert params == {
            "type": "backlinks",
            "target": "example.com",
            "target_type": "root_domain",
            "export_columns": ",".join(HEADINGS),
            "export_escape": "1",
        }
        page = self.told[begin : begin + count]
        return Act(
            lines(*page).encode() if page else b"ERROR 50 :: NOTHING FOUND", headers={"Content-Type": "text/csv"}
        )


def with_semrush(**settings: Any) -> Property:
    sources = SourceSettings(semrush={"target": "example.com", **settings})
    return make_property().model_copy(update={"sources": sources})


def read(provider: Provider, folder: Path, answer: Any, **settings: Any) -> tuple[list[Row], dict[str, Any], int]:
    """Rows, facts and units of a night."""
    provider.answer, provider.date = answer, DATE
    with open_api(provider, folder, SEMRUSH) as api:
        rows = list(read_links(api, with_semrush(**settings), TONIGHT))
        check_columns(SEMRUSH, "link", rows)
        return rows, api.facts.get(NIGHT, {}), int(api.usage.units)


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (1, 1), (5, 2), (6, 2)])
def test_every_page_is_read_and_each_line_counted(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, calls: int
) -> None:
    monkeypatch.setattr(semrush, "PAGE_ROWS", 5)
    rows, facts, units = read(provider, tmp_path, Semrush(*(line(number) for number in range(count))))
    assert [row["item_no"] for row in rows] == list(range(1, count + 1))
    assert (len(provider.asked), units, facts) == (calls, 40 * count, {})


def test_a_night_reads_no_more_links_than_it_may_and_says_so(provider: Provider, tmp_path: Path) -> None:
    rows, facts, _ = read(provider, tmp_path, Semrush(*(line(number) for number in range(20))), links=8)
    assert (len(rows), facts) == (8, {"is_capped": True})


def test_a_cell_holds_what_separates_cells_and_instants_are_seconds(provider: Provider, tmp_path: Path) -> None:
    [row], _, _ = read(provider, tmp_path, Semrush(line(page_ascore="", nofollow="true", anchor="one\ntwo\u2028three")))
    assert (row["source_title"], row["anchor"]) == ('Pans; and "pots"', "one\ntwo\u2028three")
    assert row["source_url"] == "https://blog0.example/post?a=1;b=2"
    assert (row["page_ascore"], row["nofollow"], row["internal_num"]) == (None, True, 80)
    assert row["first_seen"] == datetime(2026, 1, 1, tzinfo=UTC)


def test_a_sight_of_the_year_1_or_2106_is_of_no_known_day(provider: Provider, tmp_path: Path) -> None:
    [row], _, _ = read(provider, tmp_path, Semrush(line(first_seen="-62135596800", last_seen=str(2**32 - 1))))
    assert (row["first_seen"], row["last_seen"]) == (None, None)


@pytest.mark.parametrize(
    ("said", "error"),
    [
        ("ERROR 120 :: WRONG KEY - ID PAIR", CredentialsError),
        ("ERROR 134 :: TOTAL LIMIT EXCEEDED", CredentialsError),
        ("ERROR 41 :: NOTHING FOUND IN MARS", TerminalSourceError),
        ("Validation Error : target", TerminalSourceError),
    ],
)
def test_an_error_of_text_with_200_is_none_of_links(
    provider: Provider, tmp_path: Path, said: str, error: type[Exception]
) -> None:
    with pytest.raises(error, match=said[:12]):
        read(provider, tmp_path, lambda asked: Act(said.encode()))


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>busy</html>",
        b"{}",
        b"\xff\xfe",
        lines("a;b").encode(),
        lines(line(first_seen="yesterday")).encode(),
        lines(line(first_seen="9" * 18)).encode(),
        lines(line(nofollow="perhaps")).encode(),
        lines(line() + ';"more"').encode(),
        ";".join(HEADINGS[1:]).encode(),
    ],
)
def test_what_is_no_table_of_links_is_malformed(provider: Provider, tmp_path: Path, body: bytes) -> None:
    with pytest.raises(MalformedAnswerError):
        read(provider, tmp_path, lambda asked: Act(body))


def test_an_answer_read_again_from_the_archive_is_the_same(provider: Provider, tmp_path: Path) -> None:
    first = read(provider, tmp_path, Semrush(line()))
    asked = len(provider.asked)
    assert (read(provider, tmp_path, Semrush()), len(provider.asked)) == (first, asked)


@given(st.text() | st.lists(st.text(max_size=12)).map(lambda told: lines(*told)))
def test_any_text_is_links_or_our_own_error(told: str) -> None:
    try:
        items = decode_links(told)
    except MalformedAnswerError:
        return
    assert isinstance(items, Items)
