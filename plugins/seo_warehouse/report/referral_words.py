"""Visitors who come through links, in sentences and a table."""

from __future__ import annotations

from seo_warehouse.report.referral import DAYS, LinkVisits, Referral, Visits
from seo_warehouse.report.sections import NONE, Cell, Table, cell
from seo_warehouse.report.words import count_of, plain

WITNESSES = {"logs": "server logs"}
STATUSES = {"counted": "counted", "allocated": "partly shared out", "ambiguous": "anybody's of several"}
LIMITS = (
    "Visits are those that the witness counts: in server logs bots that lie are among them; what counts in the"
    " browser sees only those who consented.",
    "Most browsers tell the host that somebody came from, and not the page; mail, apps and copied links tell nothing.",
    "That one known link alone could have sent a visit does not say that no unknown one did.",
    "Visits are shared out by what links in such a place of the page, and of such an age, bring; a link that brings far"
    " more than its like is given too little.",
    "Who came by a link might have come anyway.",
)


def say_referral(referral: Referral) -> list[str]:
    """What came from other sites, how much of it is tied to a link, and what cannot be seen."""
    visits = referral.visits
    if visits is None:
        return []
    said = [_say_sites(visits)]
    if visits.unknown_count:
        said.append(
            f"Of all {count_of(visits.visit_count, 'visit')} {_share(visits.unknown_count, visits.visit_count)} told"
            " nothing of where they came from."
        )
    if visits.odd_day_count:
        days = count_of(visits.odd_day_count, "day")
        said.append(f"Of {days} the witness did not tell all: they count, and nothing was learned from them.")
    if referral.silent_count:
        links = count_of(referral.silent_count, "live link")
        said.append(f"{links} let nothing through: what they bring cannot be seen, and is not nothing.")
    return said


def _say_sites(visits: Visits) -> str:
    witness = WITNESSES.get(visits.witness, plain(visits.witness))
    said = f"In the {DAYS} days to {visits.last_day} ({witness}) "
    if not visits.site_count:
        return f"{said}nobody came from another site."
    said += f"{count_of(visits.site_count, 'visit')} came from other sites: "
    parts = [
        (visits.laid_count, "laid to a link, since they name its page or it alone could have sent them"),
        (visits.allocated_count, "shared out among links of a host, of each within an interval"),
        (visits.ambiguous_count, "of several links of a host, of which nobody can tell how many are whose"),
        (visits.missed_count, "probably of links that nobody knows, or too few to be shared out"),
        (visits.page_count, "from a page that links, to another page than its link leads to"),
        (visits.other_count, "from where no link to that page is known"),
    ]
    return f"{said}{'; '.join(f'{_share(n, visits.site_count)} {what}' for n, what in parts if n)}."


def referral_table(referral: Referral) -> Table:
    """The links that brought most."""
    # Not every witness tells of more than visits.
    outcomes = {
        "key events": [link.key_event_count for link in referral.links],
        "US dollars": [link.money for link in referral.links],
    }
    more = {heading: values for heading, values in outcomes.items() if any(value is not None for value in values)}
    rows: tuple[tuple[str | Cell, ...], ...] = tuple(
        (
            cell(link.source_url),
            cell(link.target_url),
            say_visits(link),
            STATUSES.get(link.status, plain(link.status)),
            say_together(link) or NONE,
            *(_say_outcome(values[number]) for values in more.values()),
            link.state or NONE,
        )
        for number, link in enumerate(referral.links)
    )
    headings = ("link from", "to", "visits, 95 % interval", "which are", "with others", *more, "link is")
    return Table(f"Links that brought visits in {DAYS} days", headings, rows)


def say_visits(link: LinkVisits) -> str:
    """Visits of a link with their interval, or the interval alone."""
    low, high = f"{link.visit_low:,.0f}", f"{link.visit_high:,.0f}"
    if link.visit_count is None:
        return f"{low} to {high}"
    value = f"{link.visit_count:,.0f}"
    return value if low == high == value else f"{value} ({low} to {high})"


def say_together(link: LinkVisits) -> str:
    """What a link and others together brought of visits that any of them could have sent."""
    if not link.set_visit_count or not link.candidate_count:
        return ""
    return f"{link.set_visit_count:,} of {count_of(link.candidate_count, 'link')}"


def _say_outcome(value: float | None) -> str:
    return NONE if value is None else f"{value:,.0f}"


def _share(count: float, whole: int) -> str:
    """A share that is neither nothing nor all where it is not."""
    share = 100 * count / whole
    return "under 1 %" if share < 1 else "over 99 %" if 99 < share < 100 else f"{share:.0f} %"
