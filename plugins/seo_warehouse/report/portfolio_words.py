"""The portfolio of links, in sentences and tables."""

from __future__ import annotations

from seo_warehouse.report.portfolio import ExpectedLoss, LinkFlag, Month, Portfolio, Publisher, Survival, Unseen
from seo_warehouse.report.sections import NONE, Table
from seo_warehouse.report.sentences import holds_zero, interval_of
from seo_warehouse.report.words import MEASURES, capital, clean, count_of, plain, say_p

SORTS = {
    "all": "all links",
    "followed": "followed links",
    "nofollow": "nofollow links",
    "unknown": "links of unknown rel",
}
FLAGS = {
    "velocity": "many new domains in a week",
    "exact_anchor_share": "many links with a keyword as it is",
    "network_burst": "domains of one network at once",
    "site_wide": "many links of one domain with one text",
    "hidden_link": "links that their page hides",
    "shared_owner": "domains that carry one tag",
    "paid_without_rel": "paid for, and followed",
}
SAID_AGES = (30, 90, 365)
SAID_FLAGS = 3
LIMITS = (
    "Links are those that witnesses saw; what all of them find hard to see is in no figure.",
    "A date of birth is a first sight: links that were there before anybody looked say nothing of how long links live.",
    "A flag is a fact to explain, not a verdict: none says harm, and each is raised now and then where nobody meddled.",
    "Survival assumes that links will go as those of their kind did.",
)


def say_portfolio(portfolio: Portfolio) -> list[str]:
    """What may be said: how much hangs on one domain, how broad, what nobody saw, how long links live."""
    said = []
    if portfolio.months:
        said += [_say_size(portfolio.months[-1]), *_say_breadth(portfolio.months[-1]), *_say_change(portfolio.months)]
    if portfolio.publishers:
        said += _say_without(portfolio.publishers[0])
    if portfolio.unseen:
        said += _say_unseen(portfolio.unseen)
    said += _say_lives(portfolio)
    if portfolio.loss:
        said += _say_loss(portfolio.loss)
    return said + [_say_flag(flag) for flag in portfolio.flags[:SAID_FLAGS]]


def _say_size(month: Month) -> str:
    said = f"{count_of(month.item_count, 'followed link')} of {count_of(month.class_count, 'domain')} "
    said += "lives" if month.item_count == 1 else "live"
    if month.largest_share is None:
        return f"{said}."
    return f"{said}; the largest domain has {_percent(month.largest_share)} of them."


def _say_breadth(month: Month) -> list[str]:
    if month.asymptotic_1 is None:
        return ["How broad that is cannot be told: it takes 30 links."]
    interval = interval_of(month.low_1, month.high_1)
    ends = f" ({interval[0]:,.0f} to {interval[1]:,.0f})" if interval else ", a first guess: too little of it is seen"
    return [f"That is as broad as {month.asymptotic_1:,.0f} domains with equally many links{ends}."]


def _say_change(months: tuple[Month, ...]) -> list[str]:
    """Against a year ago, or the first month that can be compared."""
    known = [month for month in months[-13:] if month.common_1 is not None]
    if len(known) < 2 or known[-1] is not months[-1] or known[-1].common_coverage is None:
        return []
    first, last = known[0], known[-1]
    return [
        f"In {first.month:%B %Y} it was {first.common_1:,.1f} where it is {last.common_1:,.1f} now, both at a coverage "
        f"of {_percent(known[-1].common_coverage)}, that of the month that shows least."
    ]


def _say_without(publisher: Publisher) -> list[str]:
    """What goes with the largest publisher."""
    left = (
        f"{count_of(publisher.orphaned_page_count, 'page')} would have none left"
        if (publisher.orphaned_page_count)
        else "no page would be left without any"
    )
    said = f"Without {clean(publisher.publisher, 80)} {_percent(publisher.followed_share)} of them would go"
    if publisher.authority_share is not None:
        said += f", with {_percent(publisher.authority_share)} of the authority that they bring"
    said += f", and {left}"
    if publisher.hill_1 is not None and publisher.hill_1_after is not None:
        said += (
            f"; the others are as broad as {publisher.hill_1_after:,.1f} domains with equally many links, where all "
            f"together are as {publisher.hill_1:,.1f}"
        )
    return [f"{said}.", _say_change_without(publisher)]


def _say_change_without(publisher: Publisher) -> str:
    interval = interval_of(publisher.interval_low, publisher.interval_high)
    change = publisher.expected_log_position_change
    judged = f"{publisher.judged_count:,} of its {count_of(publisher.link_count, 'link')}"
    if interval is None or change is None:
        return f"What that would do to positions cannot be told: what {judged} did is known, and it takes 10."
    ends = MEASURES["log_position"].say_between(*interval)
    if holds_zero(interval):
        return f"What {judged} did cannot be told from nothing: without them their pages would stand {ends}."
    return f"Without the {judged} of which it is known what they did, their pages would stand {ends}."


def _say_unseen(unseen: Unseen) -> list[str]:
    seen = (
        f"{count_of(unseen.witness_count, 'witness', 'witnesses')} saw links of {count_of(unseen.seen_count, 'domain')}"
    )
    if unseen.bound_count is None or unseen.low_count is None:
        return [f"{seen} this month: too few of either to tell how many none of them saw."]
    said = f"{seen} this month; with those that none of them saw at least {unseen.bound_count:,} link"
    said += f" (surely more than {unseen.low_count:,})." if unseen.low_count > unseen.seen_count else "."
    if unseen.left_out:
        names = ", ".join(plain(name) for name in unseen.left_out)
        said += f" {names} looks where the others do not, and has no part in that."
    elif not unseen.is_guarded:
        said += " With three witnesses it could not be told if one of them looks only where the others do not."
    return [said]


def _say_lives(portfolio: Portfolio) -> list[str]:
    ages = {row.age_days: row for row in portfolio.lives if row.dimension == "all" and row.survival is not None}
    told = [_living(ages[age]) for age in SAID_AGES if age in ages]
    if told:
        return [f"Of all links {', '.join(told)}."]
    return ["How long links live cannot be told yet."] if portfolio.lives else []


def _living(row: Survival) -> str:
    return f"{_with_ends(row)} live longer than {row.age_days} days"


def _say_loss(loss: ExpectedLoss) -> list[str]:
    interval = interval_of(loss.interval_low, loss.interval_high)
    if interval is None or loss.expected_loss_count is None:
        return []
    said = f"Of {count_of(loss.link_count, 'living link')} {loss.expected_loss_count:,.0f} are expected to go within "
    said += f"90 days ({interval[0]:,.0f} to {interval[1]:,.0f})"
    if loss.untold_link_count:
        said += f"; {loss.untold_link_count:,} more are older than anything that was watched long enough"
    return [f"{said}."]


def _say_flag(flag: LinkFlag) -> str:
    links, domains = count_of(flag.counted, "link"), count_of(flag.counted, "domain")
    publisher, subject = clean(flag.publisher, 80), clean(flag.subject, 80)
    usual = "" if flag.expected is None else f", where {flag.expected:,.1f} are usual"
    match flag.flag:
        case "velocity":
            week = f"{flag.first_day.day} {flag.first_day:%B %Y}"
            new = count_of(flag.counted, "new domain")
            return f"In the week of {week} {new} linked{usual}: something to explain, good or bad."
        case "network_burst":
            days = f"from {flag.first_day} to {flag.last_day}"
            return f"{domains} of network {subject} came {days}{usual}: something to explain, good or bad."
        case "site_wide":
            return f"{links} of {publisher} say “{clean(flag.anchor, 80)}”, as menus and footers do."
        case "hidden_link":
            return f"{publisher} hides {links} from whoever reads its pages, by inline style."
        case "shared_owner":
            return f"{domains} carry one tag of analytics or ads ({subject}), a hint of one owner."
        case "paid_without_rel":
            return f"Paid for and followed: {links} of {publisher}. Google asks for sponsored or nofollow there."
    return f"{domains} link with a keyword as it is{usual}."


def flag_table(portfolio: Portfolio) -> Table:
    """What stands out, newest first."""
    rows = tuple(
        (
            FLAGS.get(flag.flag, plain(flag.flag)),
            f"{flag.first_day} to {flag.last_day}",
            clean(flag.publisher or flag.subject, 80) or NONE,
            f"{flag.counted:,}",
            NONE if flag.expected is None else f"{flag.expected:,.1f}",
            NONE if flag.p_value is None else say_p(flag.p_value),
            "a fact" if flag.false_alarm_rate is None else f"{1000 * flag.false_alarm_rate:.0f} in 1,000",
        )
        for flag in portfolio.flags
    )
    headings = ("flag", "days", "of", "counted", "usual", "by chance", "raised where nobody meddled")
    return Table("What stands out among the links", headings, rows)


def portfolio_table(portfolio: Portfolio) -> Table:
    """The months."""
    rows = tuple(
        (
            f"{month.month:%Y-%m}",
            f"{month.item_count:,}",
            f"{month.class_count:,}",
            NONE if month.largest_share is None else _percent(month.largest_share),
            NONE if month.common_1 is None else f"{month.common_1:,.1f}",
            NONE if month.asymptotic_1 is None else f"{month.asymptotic_1:,.1f}",
        )
        for month in reversed(portfolio.months)
    )
    headings = ("month", "links", "domains", "largest domain", "as many alike, comparable", "as many alike, estimated")
    return Table("Followed links by domain, month by month", headings, rows)


def publisher_table(portfolio: Portfolio) -> Table:
    """What would go with each of the largest publishers."""
    measure = MEASURES["log_position"]
    rows = []
    for publisher in portfolio.publishers:
        interval = interval_of(publisher.interval_low, publisher.interval_high)
        rows.append(
            (
                clean(publisher.publisher, 80),
                f"{publisher.link_count:,}",
                _percent(publisher.followed_share),
                NONE if publisher.authority_share is None else _percent(publisher.authority_share),
                f"{publisher.orphaned_page_count:,}",
                NONE if publisher.hill_1_after is None else f"{publisher.hill_1_after:,.1f}",
                NONE if interval is None else measure.say_range(*interval),
                f"{publisher.judged_count:,} of {publisher.link_count:,}",
            )
        )
    headings = (
        *("without", "links that go", "share", "of authority", "pages with none left", "as many alike after"),
        *("their pages' positions", "links judged"),
    )
    return Table("What would go with one who links", headings, tuple(rows))


def survival_table(portfolio: Portfolio) -> Table:
    """Shares that live longer, by sort of links and age."""
    rows = tuple(
        (
            f"{capital(say_sort(row))}, {row.age_days} days",
            _with_ends(row) if row.survival is not None else NONE,
            f"{row.at_risk_count:,}",
            f"{row.domain_count:,}",
            f"{row.lost_count:,}",
        )
        for row in portfolio.lives
    )
    return Table("How long links live", ("links, and age", "live longer", "watched", "of domains", "lost before"), rows)


def say_sort(row: Survival) -> str:
    """A sort of links in words."""
    name = row.class_name or row.dimension
    return SORTS.get(name, plain(name))


def _with_ends(row: Survival) -> str:
    interval = interval_of(row.interval_low, row.interval_high)
    ends = f" ({100 * interval[0]:.0f} to {100 * interval[1]:.0f})" if interval else ""
    return f"{_percent(row.survival or 0)}{ends}"


def _percent(share: float) -> str:
    return f"{100 * share:.0f} %"
