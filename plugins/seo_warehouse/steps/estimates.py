"""What is estimated between the models and those that tell of it: in this order, from what, into what."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from seo_warehouse.steps.calibrating import calibrate_scores
from seo_warehouse.steps.discovery import estimate_discovery
from seo_warehouse.steps.effect import estimate_effects
from seo_warehouse.steps.page_authority import rank_pages
from seo_warehouse.steps.portfolio import measure_portfolios
from seo_warehouse.steps.referral import lay_visits
from seo_warehouse.steps.relations import weigh_partners
from seo_warehouse.steps.standing import ops_table
from seo_warehouse.steps.warehouse import Warehouse


@dataclass(frozen=True)
class Estimate:
    """`reads`: models, seeds and, of `ops`, what follows from properties.yml. `writes`: tables of `ops`."""

    make: Callable[[Warehouse], int]
    reads: tuple[str, ...]
    writes: tuple[str, ...]

    @property
    def tables(self) -> set[str]:
        """Unique ids of what it writes."""
        return set(map(ops_table, self.writes))


ESTIMATES = (
    Estimate(
        estimate_effects,
        reads=(
            *("dim_google_update", "fct_link_effect_cell", "fct_link_event", "int_effect__average_controls"),
            *("int_effect__count_dropped", "int_effect__cross_arms", "int_effect__cross_weeks"),
            *("int_effect__estimate_effects", "int_effect__list_samples", "int_effect__measure_spills"),
            *("int_effect__measure_units", "int_effect__weigh_exposures", "int_link__place_changes", "link_windows"),
            "property",
        ),
        writes=("link_effect", "link_effect_check"),
    ),
    Estimate(
        estimate_discovery,
        reads=("int_discovery__cut_gaps", "int_discovery__follow_links", "int_discovery__place_waits"),
        writes=("discovery_curve", "discovery_effect"),
    ),
    Estimate(
        measure_portfolios,
        reads=(
            *("int_link__judge_looks", "int_portfolio__count_arrivals", "int_portfolio__count_classes"),
            *("int_portfolio__count_scripted", "int_portfolio__count_sights", "int_portfolio__count_words"),
            *("int_portfolio__list_arrivals", "int_portfolio__list_lives", "int_portfolio__weigh_risks"),
        ),
        writes=("portfolio", "witness_bound", "link_flag", "expected_loss"),
    ),
    Estimate(
        lay_visits,
        reads=(
            *("fct_referral_visit", "int_referral__count_exposures", "int_referral__list_odd_days"),
            "int_referral__measure_links",
        ),
        writes=("referral_estimate",),
    ),
    Estimate(
        weigh_partners,
        reads=("int_relation__list_waits", "int_relation__sum_partners"),
        writes=("partner_estimate", "outreach_curve"),
    ),
    Estimate(
        rank_pages,
        reads=(
            *("int_page__list_graphs", "int_page__list_nodes", "int_page__trace_links", "int_page__version_pages"),
            "int_page__weigh_entries",
        ),
        writes=("page_authority",),
    ),
    Estimate(calibrate_scores, reads=("int_domain__pair_scores",), writes=("authority_calibration",)),
)
WRITTEN = {table: estimate.reads for estimate in ESTIMATES for table in estimate.writes}
"""By table of `ops` what it is estimated from."""
