"""The words of a report: what codes stand for, and how figures are said.

Positions count from the top, so a smaller one is better; signs confuse, and directions are said in words.
"""

from __future__ import annotations

import math
import unicodedata
from dataclasses import dataclass
from typing import Literal

HIGHEST_LOG = 20.0
"""Beyond it exp() is beyond any position, click or impression there is."""


@dataclass(frozen=True)
class Measure:
    """How an outcome is shown: `ratio`, a difference of logarithms, in per cent; `share` in percentage points."""

    title: str
    kind: Literal["ratio", "places", "share", "number"]
    less: str
    more: str
    is_less_better: bool = False

    def shown(self, value: float) -> float:
        """A value in the unit that it is shown in."""
        if self.kind == "ratio":
            return 100 * math.expm1(min(value, HIGHEST_LOG))
        return 100 * value if self.kind == "share" else value

    def amount(self, value: float) -> str:
        """The size of a value with its unit, without direction."""
        return f"{round_figure(abs(self.shown(value)))}{self.unit}"

    @property
    def unit(self) -> str:
        """What stands behind a figure."""
        return {"ratio": " %", "places": " places", "share": " points", "number": ""}[self.kind]

    def direction(self, value: float) -> str:
        """Where a value leads."""
        return self.less if value < 0 else self.more

    def say(self, value: float) -> str:
        """A value in words: 13 % nearer to the top."""
        return f"{self.amount(value)} {self.direction(value)}"

    def say_between(self, low: float, high: float) -> str:
        """An interval in words, the smaller end first where both lead one way."""
        return f"between {' and '.join(self._ends(low, high))}"

    def say_range(self, low: float, high: float) -> str:
        """The same for tables."""
        return " to ".join(self._ends(low, high))

    def _ends(self, low: float, high: float) -> tuple[str, str]:
        if low < 0 <= high:
            return self.say(low), self.say(high)
        near, far = sorted((low, high), key=abs)
        return self.amount(near).removesuffix(self.unit), self.say(far)


NEARER, FURTHER = "nearer to the top", "further down"
MEASURES = {
    "log_position": Measure("positions", "ratio", NEARER, FURTHER, is_less_better=True),
    "position": Measure("positions, in places", "places", NEARER, FURTHER, is_less_better=True),
    "expected_ctr": Measure("expected click rate", "share", "lower", "higher"),
    "top_10_share": Measure("days in the top 10", "share", "fewer", "more"),
    "ranked_share": Measure("days ranked at all", "share", "fewer", "more"),
    "click_log": Measure("clicks", "ratio", "fewer", "more"),
    "impression_log": Measure("impressions", "ratio", "fewer", "more"),
}

ARMS = {
    "acquired_followed": "a new followed link",
    "acquired_nofollow": "a new nofollow link (ugc and sponsored too)",
    "lost_followed": "the loss of a followed link",
}
THESE_ARMS = {
    "acquired_followed": "these new followed links",
    "acquired_nofollow": "these new nofollow links (ugc and sponsored too)",
    "lost_followed": "the loss of these followed links",
}
SHORT_ARMS = {
    "acquired_followed": "new, followed",
    "acquired_nofollow": "new, nofollow",
    "lost_followed": "lost, followed",
}
STATUSES = {"not_enough_data": "Not enough data", "exploratory": "Exploratory", "estimate": "Estimate"}
PANELS = {"google": "rank checks on Google"}
"""Rank checks, by engine; any other panel holds searches, and is called by the name of whoever tells of them."""
WEIGHTINGS = {"variance": "weighted by variance (the default)", "equal": "each link weighs the same"}

CUTS = {
    "authority": "Authority of the linking domain",
    "first_from_domain": "First link of the domain to the site",
    "relevance": "Anchor or title shares a word with a keyword",
    "anchor_type": "Type of anchor",
    "country": "Country",
    "device": "Device",
}

LEVELS = ("low", "middle", "mid", "high", "true", "yes", "false", "no", "desktop", "mobile", "tablet")
"""Levels that have an order; others follow by name, and what is not known comes last."""

REASONS = {
    "no_keyword": "no tracked keyword leads to the page",
    "same_event": "the domain links to the page already, or another of its links stands for it",
    "no_arm": "its rel is unknown, or it is the loss of a link that was not followed",
    "uncertain_date": "found so late that its day is not known to two weeks",
    "index_change": "found on a day on which its vendor's index grew",
    "short_history": "no complete look at the site's links eight weeks before it",
    "future_incomplete": "the weeks after it are not over yet",
    "unmeasured": "fewer than half of the expected checks before or after it",
    "not_ranking": "the page did not rank in the week before it",
    "other_link": "another link to the page came or went around it",
    "onpage_change": "the page itself changed around it",
    "no_controls": "no page of the same topic to compare with",
    "too_few_events": "too few isolated links",
    "too_few_controls": "too few pages to compare with",
}
"""Why a link, or a row of the report, is not judged; in the order in which reasons are looked for."""

CHECKS = {
    "fake_dates": "Made-up dates on pages that never got a link",
    "onpage_included": "Pages that changed meanwhile included",
    "updates_excluded": "Without links near a Google update",
    "linked_controls": "Compared with pages alone that got or lost links at other times",
    "possible_index_changes_excluded": "Without days on which a vendor's index may have grown",
    "shifted_7_days": "All dates a week earlier",
    "weightings": "The two weightings against each other",
}

LIMITS = (
    "This is observation, not an experiment: causes that nobody recorded cannot be removed.",
    "Pages compete on the same result page: when one rises another falls, and that may be one it is compared with.",
    "The honest interval assumes that what distorts the comparison after a link is no larger than what did so before.",
    "Judged are isolated links, with no other link to the page around them; the most linked pages have few of these.",
    "An effect that begins after two months is hardly seen: few pages stay without another link for so long.",
    "That nofollow links do nothing is an assumption (Google has called nofollow a hint since September 2019): if one "
    "is worth a quarter of a followed link, followed minus nofollow falls short by that quarter.",
)


def measure_of(outcome: str) -> Measure:
    """How an outcome is shown; one that is not known, as a bare number."""
    return MEASURES.get(outcome) or Measure(plain(outcome), "number", "lower", "higher")


def plain(code: str) -> str:
    """A code that has no words of its own."""
    return clean(code, 60).replace("_", " ")


def say_panel(panel: str) -> str:
    """Where something was measured."""
    return PANELS.get(panel) or plain(panel).title()


def say_reason(code: str) -> str:
    """A reason in words."""
    return REASONS.get(code) or plain(code)


def say_level(cut: str, level: str) -> str:
    """A level of a cut in words."""
    if cut == "country":
        return clean(level, 40).upper() if len(level) == 2 else plain(level)
    return {"true": "yes", "false": "no"}.get(level) or plain(level)


def rank_level(cut: str, level: str) -> tuple[int, bool, int, str]:
    """Where a level of a cut stands in a list."""
    cuts = list(CUTS)
    of_cut = cuts.index(cut) if cut in cuts else len(cuts)
    return of_cut, level == "unknown", LEVELS.index(level) if level in LEVELS else len(LEVELS), level


def say_days(begin: int, end: int) -> str:
    """A window by its days, counted from the link: -7 to -1."""
    return f"{signed(begin)} to {signed(end)}"


def signed(day: int) -> str:
    """A day with its sign."""
    return f"+{day}" if day > 0 else f"\N{MINUS SIGN}{-day}" if day < 0 else "0"


def round_figure(value: float) -> str:
    """Two or three digits are all that such figures carry."""
    if value >= 1_000:
        return f"{value:,.0f}" if value < 1e9 else "over 1,000,000,000"
    if value >= 9.95:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 0.05 or value == 0 else "under 0.1"


def say_p(value: float) -> str:
    """A p-value."""
    return "p < 0.001" if value < 0.001 else f"p = {value:.2g}" if value < 0.1 else f"p = {value:.2f}"


def capital(words: str) -> str:
    """Words that begin a line."""
    return words[:1].upper() + words[1:]


def count_of(number: int, one: str, many: str | None = None) -> str:
    """A number with its noun."""
    return f"{number:,} {one if number == 1 else many or one + 's'}"


def clean(text: str | None, length: int = 160) -> str:
    """A text from elsewhere, fit for one line: no control or direction marks, cut to `length`."""
    if not text:
        return ""
    # Cf: format marks, such as those that turn the direction of what follows; Cs: halves of characters.
    kept = "".join(
        " " if unicodedata.category(c) in ("Cc", "Cf", "Cs", "Zl", "Zp", "Cn") else c for c in text[: 8 * length]
    )
    joined = " ".join(kept.split())
    return joined if len(joined) <= length else joined[: length - 1].rstrip() + "…"
