"""How figures are said."""

from __future__ import annotations

import math
import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from seo_warehouse.report.words import (
    MEASURES,
    clean,
    measure_of,
    rank_level,
    round_figure,
    say_days,
    say_level,
    say_p,
    say_reason,
)

LOG, PLACES = measure_of("log_position"), measure_of("position")


@pytest.mark.parametrize(
    ("outcome", "value", "said"),
    [
        ("log_position", math.log(0.87), "13 % nearer to the top"),
        ("log_position", math.log(1.032), "3.2 % further down"),
        ("position", -1.84, "1.8 places nearer to the top"),
        ("expected_ctr", 0.012, "1.2 points higher"),
        ("top_10_share", -0.2, "20 points fewer"),
        ("click_log", math.log(2.5), "150 % more"),
        ("impression_log", math.log(0.5), "50 % fewer"),
        ("something_new", 3.0, "3.0 higher"),
        ("log_position", 0.0, "0.0 % further down"),
        ("log_position", 0.0001, "under 0.1 % further down"),
        ("click_log", 900.0, "over 1,000,000,000 % more"),
    ],
)
def test_a_value_is_said_with_unit_and_direction(outcome: str, value: float, said: str) -> None:
    assert measure_of(outcome).say(value) == said


@pytest.mark.parametrize(
    ("low", "high", "said"),
    [
        (-3.0, -1.0, "between 1.0 and 3.0 places nearer to the top"),
        (1.0, 3.0, "between 1.0 and 3.0 places further down"),
        (-3.0, 1.0, "between 3.0 places nearer to the top and 1.0 places further down"),
        (0.0, 1.0, "between 0.0 and 1.0 places further down"),
    ],
)
def test_an_interval_is_said_from_its_smaller_end(low: float, high: float, said: str) -> None:
    assert PLACES.say_between(low, high) == said
    assert PLACES.say_range(low, high) == said.removeprefix("between ").replace(" and ", " to ")


@given(st.sampled_from(sorted(MEASURES)), st.floats(allow_nan=False), st.floats(allow_nan=False))
def test_no_sign_is_ever_said(outcome: str, low: float, high: float) -> None:
    measure = measure_of(outcome)
    said = measure.say_between(min(low, high), max(low, high)) + measure.say(low)
    assert not re.search(r"[-−+]|nan|inf\b", said)


@given(st.floats(min_value=0, allow_nan=False, allow_infinity=False))
def test_a_figure_carries_few_digits(value: float) -> None:
    assert len(re.sub(r"\D", "", round_figure(value).split(".")[0])) <= 10


@given(st.text(), st.integers(min_value=1, max_value=300))
def test_a_cleaned_text_is_one_short_line_without_marks(text: str, length: int) -> None:
    cleaned = clean(text, length)
    assert len(cleaned) <= length
    assert not re.search("[\x00-\x1f\x7f-\x9f\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff\n\r]", cleaned)


def test_codes_have_words_and_unknown_ones_are_readable() -> None:
    assert say_reason("other_link") == "another link to the page came or went around it"
    assert say_reason("some_new_reason") == "some new reason"
    assert (say_level("country", "us"), say_level("first_from_domain", "true"), say_level("x", "a_b")) == (
        *("US", "yes"),
        "a b",
    )
    assert (say_days(-7, -1), say_days(0, 6), say_days(21, 34)) == ("−7 to −1", "0 to +6", "+21 to +34")
    assert (say_p(0.0001), say_p(0.012), say_p(0.43)) == ("p < 0.001", "p = 0.012", "p = 0.43")


def test_levels_are_listed_in_their_order() -> None:
    levels = ["unknown", "high", "low", "middle"]
    assert sorted(levels, key=lambda level: rank_level("authority", level)) == ["low", "middle", "high", "unknown"]
