"""Ten panels a scenario: the limits hold, all scenarios together and, where ten panels can tell, each by itself.

`make bench-effect` judges a hundred a scenario; docs/link-effect-simulations.md has its figures.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pytest

from tests.effect.simulation import (
    DIFFERENCE_COVERS,
    FAKE_FIRES,
    HONEST_COVERS,
    HONEST_FIRES,
    MEASURED,
    SCENARIOS,
    Verdict,
    is_refuted_above,
    is_refuted_below,
    judge_all,
)

SEEDS = range(10)


@pytest.fixture(scope="module")
def verdicts() -> list[Verdict]:
    return judge_all(list(SCENARIOS), SEEDS)


def chosen(verdicts: list[Verdict], outcome: str, scenarios: Iterable[str] = SCENARIOS) -> list[Verdict]:
    return [verdict for verdict in verdicts if verdict.outcome == outcome and verdict.scenario in set(scenarios)]


def mean_square(values: Iterable[float]) -> float:
    return float(np.mean(np.square(list(values))))


@pytest.mark.parametrize("outcome", MEASURED)
def test_the_honest_interval_covers_the_truth(verdicts: list[Verdict], outcome: str) -> None:
    for scenarios in (list(SCENARIOS), *([name] for name in SCENARIOS)):
        told = chosen(verdicts, outcome, scenarios)
        assert not is_refuted_below(sum(v.honest_covers for v in told), len(told), HONEST_COVERS), scenarios


@pytest.mark.parametrize("outcome", MEASURED)
def test_the_honest_interval_rarely_sees_an_effect_where_none_is(verdicts: list[Verdict], outcome: str) -> None:
    told = [verdict for verdict in chosen(verdicts, outcome) if verdict.truth == 0]
    assert len(told) == 4 * len(SEEDS)
    assert not is_refuted_above(sum(v.honest_fires for v in told), len(told), HONEST_FIRES)


@pytest.mark.parametrize("outcome", MEASURED)
def test_the_interval_of_these_very_links_keeps_the_same_limits(verdicts: list[Verdict], outcome: str) -> None:
    for scenarios in (list(SCENARIOS), *([name] for name in SCENARIOS)):
        told = chosen(verdicts, outcome, scenarios)
        assert not is_refuted_below(sum(v.sample_covers for v in told), len(told), HONEST_COVERS), scenarios
    none = [verdict for verdict in chosen(verdicts, outcome) if verdict.truth == 0]
    assert not is_refuted_above(sum(v.sample_fires for v in none), len(none), HONEST_FIRES)


@pytest.mark.parametrize("outcome", MEASURED)
def test_followed_minus_nofollow_covers_the_difference(verdicts: list[Verdict], outcome: str) -> None:
    told = chosen(verdicts, outcome)
    assert not is_refuted_below(sum(v.difference_covers for v in told), len(told), DIFFERENCE_COVERS)


@pytest.mark.parametrize("outcome", MEASURED)
def test_fake_dates_seem_to_tell_as_often_as_an_interval_of_95_percent_may(
    verdicts: list[Verdict], outcome: str
) -> None:
    told = chosen(verdicts, outcome)
    fired = sum(v.fake_fires for v in told)
    assert not is_refuted_below(fired, len(told), FAKE_FIRES[0])
    assert not is_refuted_above(fired, len(told), FAKE_FIRES[1])


def test_effects_rise_with_authority_where_there_are_events_enough(verdicts: list[Verdict]) -> None:
    told = chosen(verdicts, "log_position", ["random", "rising_half", "censored", "nofollow_quarter", "authority"])
    assert not is_refuted_below(sum(v.rises for v in told), len(told), 0.9)
    assert np.mean([v.rises for v in told]) >= 0.9


def test_a_links_shrunk_effect_errs_by_less_than_half_of_before_and_after(verdicts: list[Verdict]) -> None:
    for scenario in SCENARIOS:
        for outcome, error in (("log_position", "rmse_shrunk"), ("position", "rmse_converted")):
            told = chosen(verdicts, outcome, [scenario])
            shrunk = mean_square(getattr(v, error) for v in told)
            assert shrunk < mean_square(v.rmse_before_after for v in told) / 4, (scenario, outcome)


@pytest.mark.parametrize("outcome", MEASURED)
def test_a_links_shrunk_interval_covers_its_effect(verdicts: list[Verdict], outcome: str) -> None:
    for scenario in SCENARIOS:
        assert np.mean([v.shrunk_covers for v in chosen(verdicts, outcome, [scenario])]) >= 0.88, scenario


def test_before_and_after_is_what_this_method_is_better_than(verdicts: list[Verdict]) -> None:
    told = [verdict for verdict in verdicts if verdict.truth == 0]
    assert np.mean([v.naive_fires for v in told]) > 0.3
    assert np.mean([v.honest_fires for v in told]) < 0.07
