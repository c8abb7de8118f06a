"""The slow builder against cases worked out by hand."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from datetime import date
from typing import Any

import pandas as pd
import pytest

from tests.effect.builder import Built, Tables, build
from tests.effect.tables import date_of
from tests.effect.windows import window

DAYS = 160
EVENT_DAY = 100


def link(
    page: int,
    day: int | None,
    *,
    key: int = 1,
    domain: int = 1,
    doubt: int | None = 0,
    kind: str = "acquired",
    followed: bool | None = True,
) -> dict[str, Any]:
    return {
        "event_key": 100 * key + (day or 0),
        "link_key": key,
        "event_type": kind,
        "event_date": None if day is None else date_of(day),
        "date_uncertainty_days": doubt,
        "is_followed": followed,
        "source_domain_key": domain,
        "page_key": page,
    }


def check(keyword: int, day: int, position: int | None = 10, state: str = "found", depth: int = 100) -> dict[str, Any]:
    return {
        "day": date_of(day),
        "keyword_key": keyword,
        "locale": "2840-en",
        "device": "desktop",
        "state": state,
        "depth": depth,
        "position": position if state == "found" else None,
        "ranking_page_key": keyword if state == "found" else None,
    }


def tables(
    links: Sequence[Mapping[str, Any]],
    *,
    edits: Sequence[tuple[int, int]] = (),
    checks: Sequence[Mapping[str, Any]] | None = None,
    pages: int = 3,
    first_look: int = 0,
) -> Tables:
    """Pages 1.. of one topic, each with the keyword of its number; position 10 on every day unless `checks` says."""
    every = [check(page, day) for page in range(1, pages + 1) for day in range(DAYS)] if checks is None else checks
    return Tables(
        checks=pd.DataFrame(every).astype(object),
        links=pd.DataFrame(links).astype(object),
        edits=pd.DataFrame(
            [{"page_key": page, "change_date": date_of(day)} for page, day in edits],
            columns=["page_key", "change_date"],
        ),
        pages=pd.DataFrame([{"page_key": page, "topic": "pans"} for page in range(1, pages + 1)]),
        keywords=pd.DataFrame([{"keyword_key": page, "page_key": page} for page in range(1, pages + 1)]).astype(object),
        looks=tuple(date_of(day) for day in range(first_look, DAYS)),
    )


def headline(made: Tables) -> Built:
    return build(made, [window("headline")])


def reasons(made: Tables) -> dict[int, str]:
    found = headline(made).reasons
    return {int(key): reason for key, reason in zip(found["event_key"], found["reason"], strict=True)}


FIRST = link(1, EVENT_DAY)


@pytest.mark.parametrize(
    ("made", "reason"),
    [
        pytest.param(tables([FIRST]), "", id="alone"),
        pytest.param(tables([link(9, EVENT_DAY)]), "no_keyword", id="a page without keywords"),
        pytest.param(tables([link(1, EVENT_DAY, doubt=15)]), "uncertain_date", id="found late"),
        pytest.param(tables([link(1, EVENT_DAY, doubt=None)]), "uncertain_date", id="date not known at all"),
        pytest.param(tables([link(1, EVENT_DAY, doubt=14)]), "", id="found a fortnight late"),
        pytest.param(tables([FIRST], first_look=45), "short_history", id="first look 55 days before"),
        pytest.param(tables([FIRST], first_look=44), "", id="first look 56 days before"),
        pytest.param(tables([link(1, 126)]), "future_incomplete", id="the last day is 33 days later"),
        pytest.param(tables([link(1, 125)]), "", id="the last day is 34 days later"),
        pytest.param(tables([FIRST, link(1, 134, key=2, domain=2)]), "other_link", id="another within 34 days"),
        pytest.param(tables([FIRST, link(1, 135, key=2, domain=2)]), "", id="another after 35 days"),
        pytest.param(tables([FIRST, link(1, 134, followed=None, key=2, domain=2)]), "other_link", id="of unknown rel"),
        pytest.param(tables([FIRST, link(1, 120, kind="lost")]), "other_link", id="the link itself lost"),
        pytest.param(tables([FIRST, link(1, 120, key=2)]), "", id="a second link of the domain changes nothing"),
        pytest.param(tables([FIRST], edits=[(1, 86)]), "onpage_change", id="edit 14 days before"),
        pytest.param(tables([FIRST], edits=[(1, 85)]), "", id="edit 15 days before"),
        pytest.param(tables([FIRST], pages=1), "no_controls", id="no other page"),
        pytest.param(tables([FIRST], edits=[(2, 134), (3, 134)]), "no_controls", id="others edited"),
        pytest.param(
            tables([FIRST], checks=[check(p, d, state="not_found") for p in (1, 2, 3) for d in range(DAYS)]),
            "not_ranking",
            id="never ranked",
        ),
        pytest.param(
            tables([FIRST], checks=[check(p, d, depth=50) for p in (1, 2, 3) for d in range(DAYS)]),
            "unmeasured",
            id="checked to half of the depth",
        ),
    ],
)  # fmt: skip
def test_an_event_stands_or_falls_for_the_stated_reason(made: Tables, reason: str) -> None:
    assert next(iter(reasons(made).values())) == reason


def test_a_link_beside_a_live_one_of_its_domain_is_the_same_event() -> None:
    beside = link(1, EVENT_DAY, key=2)
    assert reasons(tables([link(1, None, kind="present_at_start"), beside])) == {300: "same_event"}
    assert reasons(tables([FIRST, beside])) == {200: "", 300: "same_event"}


def test_followed_stands_for_a_domains_links_of_two_classes_on_one_day() -> None:
    told = reasons(tables([link(1, EVENT_DAY, followed=False), link(1, EVENT_DAY, key=2)]))
    assert told == {200: "same_event", 300: ""}


def test_a_loss_of_one_of_two_links_is_none() -> None:
    start = [link(1, None, key=key, kind="present_at_start") for key in (1, 2)]
    assert reasons(tables([*start, link(1, EVENT_DAY, kind="lost")])) == {200: "same_event"}
    lost = [link(1, EVENT_DAY, key=key, kind="lost") for key in (1, 2)]
    assert reasons(tables([*start, *lost])) == {200: "", 300: "same_event"}


def test_a_difference_is_of_means_over_days_with_a_value() -> None:
    # Page 1 stands at 10, from day 121 at 5; two days before its check fails, and four in the window's midst.
    checks = [check(page, day) for page in (2, 3) for day in range(DAYS)]
    for day in range(DAYS):
        is_failed = day in {98, 99} or 124 <= day <= 127
        checks.append(check(1, day, 5 if day > 120 else 10, "failed" if is_failed else "found"))
    (row,) = headline(tables([FIRST], checks=checks)).rows.query("is_treated").to_dict("records")
    assert row["base_position"] == 10
    assert row["dy_position"] == -5
    assert row["dy_log_position"] == pytest.approx(math.log(0.5), abs=1e-11)
    assert row["dy_top_10_share"] == 0


def test_a_value_is_carried_three_days_and_no_further() -> None:
    # In the window 121..134: 20 on 121, nothing on 122..125, then 10. Carried to 124: four days of 20, nine of 10.
    checks = [check(page, day) for page in (2, 3) for day in range(DAYS)]
    checks += [check(1, day, 20 if day == 121 else 10) for day in range(DAYS) if not 122 <= day <= 125]
    (row,) = headline(tables([FIRST], checks=checks)).rows.query("is_treated").to_dict("records")
    assert row["dy_position"] == pytest.approx((4 * 20 + 9 * 10) / 13 - 10)


def test_checks_every_week_are_all_that_is_expected_of_weekly_checks() -> None:
    checks = [check(page, day) for page in (1, 2, 3) for day in range(2, DAYS, 7)]
    made = tables([link(1, 107)], checks=checks)
    assert set(reasons(made).values()) == {""}
    # The base holds one check of an expected one; without it half is missed.
    checks = [each for each in checks if not (each["keyword_key"] == 1 and each["day"] == date_of(100))]
    assert set(reasons(tables([link(1, 107)], checks=checks)).values()) == {"unmeasured"}


def test_a_keyword_without_a_stated_page_belongs_to_the_one_that_ranked_most() -> None:
    made = tables([FIRST])
    keywords = made.keywords.assign(page_key=None)
    told = headline(Tables(made.checks, made.links, made.edits, made.pages, keywords, made.looks)).rows
    assert sorted(zip(told["page_key"], told["is_treated"], strict=True)) == [(1, True), (2, False), (3, False)]
    assert told["event_date"].unique().tolist() == [date_of(EVENT_DAY)]
    assert isinstance(told["event_date"].iloc[0], date)
