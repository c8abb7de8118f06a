"""What would make links count that are not judged, where none or too few are."""

from __future__ import annotations

from collections.abc import Mapping

from seo_warehouse.report.facts import Facts
from seo_warehouse.report.sentences import status_of
from seo_warehouse.report.words import count_of, say_reason

REMEDIES = {
    "no_keyword": "have positions of keywords that lead to these pages, from before the links on (keywords in"
    " properties.yml, or files of positions)",
    "no_arm": "read them from a source or form that tells of rel",
    "uncertain_date": "look at all links every two weeks or oftener; of exports drop whole ones, and state"
    " exports.backlinks.cadence_days where they are further apart (docs/exports.md)",
    "short_history": "look at all links eight weeks before; older whole exports count too, if their names say of which"
    " day they are (docs/exports.md)",
    "future_incomplete": "wait until checks and a look at all links, such as a newer whole export, reach five weeks"
    " after them",
    "unmeasured": "check the keywords of these pages daily and to the panel's depth; files of positions need a depth",
    "not_ranking": "track keywords for which these pages rank",
    "no_controls": "track keywords of more pages of the same topic, or give several pages one topic",
}
"""What can be done about a reason; where nothing is said, these links stay what they are."""


def count_unjudged(facts: Facts) -> Mapping[str, int]:
    """Links by the reason why they are not judged: new followed ones, or all where no kind of link was compared."""
    headline = facts.find()
    return (headline.dropped_events or {}) if headline else facts.unjudged_counts


def say_remedies(facts: Facts) -> tuple[str, ...]:
    """One sentence for each reason that can be mended, the most frequent first; none where an effect is shown."""
    if status_of(facts.find()) != "not_enough_data":
        return ()
    counts = sorted(count_unjudged(facts).items(), key=lambda row: (-row[1], row[0]))
    return tuple(
        f"{count_of(number, 'link')} ({say_reason(reason)}): {REMEDIES[reason]}."
        for reason, number in counts
        if number and reason in REMEDIES
    )
