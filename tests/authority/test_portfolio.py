"""A portfolio month by month: what changes tell, what is not made again, and what is not said."""

from __future__ import annotations

from datetime import date

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from seo_warehouse.authority.portfolio import Breadth, Change, follow

SERIES = (1, "domain", "link")
MONTHS = [date(2026, month, 1) for month in range(1, 7)]
CHANGES = st.dictionaries(
    st.tuples(st.sampled_from(MONTHS), st.sampled_from(["a", "b", "c", ""])), st.integers(0, 60), max_size=12
).map(lambda told: [(month, name, count) for (month, name), count in sorted(told.items())])


def followed(changes: list[Change], known: dict[str, Breadth] | None = None) -> list[Breadth]:
    return list(follow(SERIES, MONTHS, changes, known or {}))


def test_a_class_has_what_it_had_until_it_changes() -> None:
    rows = followed([(MONTHS[0], "a", 2), (MONTHS[0], "b", 1), (MONTHS[2], "a", 0), (MONTHS[4], "", 3)])
    assert [(row.item_count, row.class_count, row.unknown_share) for row in rows] == [
        (3, 2, 0.0), (3, 2, 0.0), (1, 1, 0.0), (1, 1, 0.0), (1, 1, 0.75), (1, 1, 0.75),
    ]  # fmt: skip
    assert [row.month for row in rows] == MONTHS


def test_of_few_only_counts_are_told() -> None:
    for row in followed([(MONTHS[0], "a", 20), (MONTHS[0], "b", 9)]):
        assert row.status == "not_enough_data"
        assert (row.item_count, row.class_count, row.largest_share) == (29, 2, pytest.approx(20 / 29))
        told = (row.hill_1, row.hill_2, row.asymptotic_0, row.asymptotic_1, row.asymptotic_2, row.low_1, row.low_2)
        assert set(told) | {row.gini, row.coverage, row.common_coverage, row.common_1} == {None}


def test_months_are_compared_at_a_coverage_that_all_of_them_reach() -> None:
    thin = [(MONTHS[0], f"d{number}", 1 + number % 2) for number in range(30)]
    rows = followed([*thin, *((MONTHS[3], f"d{number}", 6) for number in range(30))])
    assert len({row.common_coverage for row in rows}) == 1
    assert (rows[0].status, rows[3].status) == ("exploratory", "estimate")
    assert rows[0].common_coverage is not None
    assert rows[0].coverage is not None
    assert rows[0].coverage < rows[0].common_coverage < 1


@settings(max_examples=20)
@given(CHANGES, CHANGES)
def test_what_is_known_is_not_made_again_and_what_changed_is(before: list[Change], now: list[Change]) -> None:
    known = {row.fingerprint: row for row in followed(before)}
    anew = followed(now)
    assert followed(now, known) == anew
    assert all(a is b for a, b in zip(followed(before, known), known.values(), strict=False)) or len(known) < 6
    assert [row.fingerprint for row in followed(before, known)] == [row.fingerprint for row in followed(before)]


def test_where_no_class_has_two_nobody_says_how_many_there_are() -> None:
    rows = followed([(MONTHS[0], f"d{number}", 1) for number in range(40)])
    assert {(row.status, row.asymptotic_2, row.high_2) for row in rows} == {("exploratory", None, None)}
    assert rows[0].hill_2 == pytest.approx(40)
