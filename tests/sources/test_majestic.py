"""Majestic's links: answers as public programs have kept them."""

from __future__ import annotations

from datetime import date
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.config import SourceSettings
from seo_warehouse.errors import MalformedAnswerError, TerminalSourceError
from seo_warehouse.property import Property
from seo_warehouse.sources import majestic
from seo_warehouse.sources.majestic import MAJESTIC, decode_links, probe_account, read_links
from seo_warehouse.spec import Row
from tests.sources.fuzzing import JSON, mutated, places
from tests.sources.properties import DATE, NIGHT, TONIGHT, check_columns, make_property
from tests.sources.provider import Act, Asked, Provider, open_api, said

NO_FLAGS = dict.fromkeys(
    (f"Flag{name}" for name in ("Redirect", "Frame", "NoFollow", "Images", "Deleted", "AltText", "Mention")), 0
)


def link(number: int = 0, **other: Any) -> dict[str, Any]:
    """A link that is there."""
    return {
        "SourceURL": f"http://blog{number}.example/post",
        "ACRank": 0,
        "AnchorText": "good pans",
        "Date": "2026-04-18",
        **NO_FLAGS,
        "TargetURL": "http://example.com/",
        "DomainID": -1,
        "FirstIndexedDate": "2026-04-18",
        "LastSeenDate": "2026-11-02",
        "DateLost": "",
        "ReasonLost": "",
        "LinkType": "TextLink",
        "LinkSubType": "TextLink_Normal_HighContent",
        "TargetCitationFlow": 0,
        "TargetTrustFlow": 0,
        "SourceCitationFlow": 12,
        "SourceTrustFlow": 7,
        **other,
    }


def document(*links: Any) -> dict[str, Any]:
    return {"Code": "OK", "ErrorMessage": "", "FullError": "", "DataTables": {"BackLinks": {"Data": list(links)}}}


class Majestic:
    """Answers by place and count."""

    def __init__(self, *links: dict[str, Any]) -> None:
        self.links = links

    def __call__(self, asked: Asked) -> Act:
        params = {name: values[0] for name, values in parse_qs(urlsplit(asked.path).query).items()}
        begin, count = int(params.pop("From")), int(params.pop("Count"))
        assert params == {"cmd": "GetBackLinkData", "item": "example.com", "datasource": "fresh"}
        return said(document(*self.links[begin : begin + count]))


def with_majestic(**settings: Any) -> Property:
    sources = SourceSettings(majestic={"item": "example.com", **settings})
    return make_property().model_copy(update={"sources": sources})


def read(provider: Provider, folder: Path, answer: Any, **settings: Any) -> tuple[list[Row], dict[str, Any], int]:
    """Rows, facts and units of a night."""
    provider.answer, provider.date = answer, DATE
    with open_api(provider, folder, MAJESTIC) as api:
        rows = list(read_links(api, with_majestic(**settings), TONIGHT))
        check_columns(MAJESTIC, "link", rows)
        return rows, api.facts.get(NIGHT, {}), int(api.usage.units)


@pytest.mark.parametrize(("count", "calls"), [(0, 1), (1, 1), (5, 2), (6, 2)])
def test_every_page_is_read_and_each_row_counted(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, count: int, calls: int
) -> None:
    monkeypatch.setattr(majestic, "PAGE_ROWS", 5)
    rows, facts, units = read(provider, tmp_path, Majestic(*(link(number) for number in range(count))))
    assert [row["source_url"] for row in rows] == [f"http://blog{number}.example/post" for number in range(count)]
    assert [row["item_no"] for row in rows] == list(range(1, count + 1))
    assert (len(provider.asked), units, facts) == (calls, count, {})


def test_a_night_reads_no_more_links_than_it_may_and_says_so(
    provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(majestic, "PAGE_ROWS", 5)
    rows, facts, _ = read(provider, tmp_path, Majestic(*(link(number) for number in range(20))), links=8)
    assert (len(rows), facts) == (8, {"is_capped": True})


def test_flags_and_days_are_told_as_what_they_are(provider: Provider, tmp_path: Path) -> None:
    lost = link(FlagDeleted=1, FlagNoFollow=1, DateLost="2026-11-10", ReasonLost="RemovedFromHTML")
    [row], _, _ = read(provider, tmp_path, Majestic(lost))
    told = ("flag_deleted", "flag_no_follow", "flag_images", "date_lost", "reason_lost", "first_indexed_date")
    assert [row[name] for name in told] == [
        True, True, False, date(2026, 11, 10), "RemovedFromHTML", date(2026, 4, 18),
    ]  # fmt: skip
    [row], _, _ = read(provider, tmp_path / "other", Majestic(link()))
    assert (row["flag_deleted"], row["date_lost"], row["reason_lost"]) == (False, None, "")


def test_a_day_of_the_year_1_or_2106_is_no_known_day_and_no_loss(provider: Provider, tmp_path: Path) -> None:
    told = link(FirstIndexedDate="0001-01-01", LastSeenDate="2106-02-07", DateLost="9999-12-31")
    [row], _, _ = read(provider, tmp_path, Majestic(told))
    assert (row["first_indexed_date"], row["last_seen_date"], row["date_lost"]) == (None, None, None)


def test_an_error_within_an_answer_of_200_ends_the_load_in_its_words(provider: Provider, tmp_path: Path) -> None:
    def refuse(asked: Asked) -> Act:
        return said({"Code": "InvalidAPIKey", "ErrorMessage": "The key is not known."})

    with pytest.raises(TerminalSourceError, match=r"InvalidAPIKey: The key is not known\."):
        read(provider, tmp_path, refuse)
    with open_api(provider, tmp_path, MAJESTIC) as api, pytest.raises(TerminalSourceError, match="InvalidAPIKey"):
        probe_account(api, with_majestic())


def test_fields_out_of_place_are_noted(provider: Provider, tmp_path: Path) -> None:
    told = {name: value for name, value in link(LinkScore=3).items() if name != "ReasonLost"}
    _, facts, _ = read(provider, tmp_path, Majestic(told))
    assert facts == {"unknown_fields": ["LinkScore"], "missing_fields": ["ReasonLost"]}


@given(st.data(), JSON)
def test_fuzzed_answers_give_rows_or_our_own_error(data: st.DataObject, value: Any) -> None:
    whole = document(link())
    path = data.draw(st.sampled_from(list(places(whole))))
    try:
        rows = decode_links(mutated(whole, path, value)).rows
    except (MalformedAnswerError, TerminalSourceError):
        return
    assert all(isinstance(row["source_url"], str | None) for row in rows)
