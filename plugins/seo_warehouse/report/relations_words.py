"""Relationships that earn links, in sentences and tables."""

from __future__ import annotations

from datetime import date

from seo_warehouse.report.relations import Life, Partner, Relations, Return
from seo_warehouse.report.sections import NONE, Cell, Table, cell
from seo_warehouse.report.words import clean, count_of, measure_of, plain, say_reason

LIMITS = (
    "States are as people kept them, and prices as people typed them.",
    "Partners are chosen, not drawn: that a kind costs less is no proof that the next one will.",
    "What is said of a partner who was seldom asked is mostly the average of all partners.",
    "What a relationship brings besides links is not counted.",
    "A paid link that is followed is never better for it: Google wants rel=sponsored or nofollow of it.",
)
REFUSALS = {
    "no_live_link": "no link has been seen to stand for a day",
    "too_few_partners": "fewer than 10 partners have a link that was seen",
    "one_partner_is_all": "one partner is all of it",
}
VISIT_REASONS = {
    "ambiguous": "several links share them",
    "unmeasurable": "the page lets nothing through",
    "unchecked": "nobody knows whether one could be seen",
    "too_few_visits": "several links share too few",
    "too_many_links": "too many links share them",
}


def say_relations(relations: Relations) -> list[str]:
    """How many paid links stand, what a day of one costs or why nobody can say, and what is to be mended."""
    said = []
    if paid := relations.paid:
        stand = f"{paid.standing_count:,} of {count_of(paid.paid_count, 'paid link')} stand and were seen"
        lack = count_of(paid.unqualified_count, "paid link")
        lacks = f"; {lack} {'lacks' if paid.unqualified_count == 1 else 'lack'} rel=sponsored or nofollow"
        said.append(f"{stand}{lacks if paid.unqualified_count else ''}.")
        said += _say_gone(relations)
    if (asked := relations.all) is not None:
        said.append(_say_cost(asked))
        if asked.lacks_rate:
            said.append("Minutes of work are not counted: properties.yml states no hourly_rate.")
        if asked.unpriced_count:
            said.append(f"{count_of(asked.unpriced_count, 'placement')} without a price: their money is not counted.")
    if relations.partners:
        said.append(
            "Partners are ranked by what one may count on, the 10 % quantile; by the mean the best are those who were"
            " seldom asked."
        )
    return said


def say_title(relations: Relations) -> str:
    """The picture's title."""
    paid, asked = relations.paid, relations.all
    said = f"{paid.standing_count:,} of {count_of(paid.paid_count, 'paid link')} stand and were seen" if paid else ""
    if asked is not None and asked.money_per_live_day is not None:
        said += f"{'; a' if said else 'A'} link-day costs {_per_day(asked)}"
    return said or "Whom we asked for links, and what came of it"


def say_risks(partner: Partner) -> str:
    """Why a partner may slip away, each with its number."""
    replies = (partner.latest_reply_days or 0, partner.earlier_reply_days or 0)
    words = {
        "loses_faster": f"its links are lost faster than the average ({100 * partner.faster_loss_chance:.0f} % sure)",
        "lost_several": f"{count_of(partner.recent_loss_count, 'link')} lost in 90 days",
        "replies_slower": f"replies slower: {replies[1]:.0f} to {replies[0]:.0f} days",
        "turned_nofollow": f"{count_of(partner.turned_nofollow_count, 'link')} promised followed and nofollow",
        "site_fell": f"authority fell by half: {count_of(partner.fallen_site_count, 'site')}",
        "ends_soon": f"{count_of(partner.ending_count, 'link')} promised for at most 30 days more",
    }
    return "; ".join(words.get(risk, plain(risk)) for risk in partner.risks)


def next_table(relations: Relations) -> Table:
    """The partners to ask next, with why."""
    rows = tuple(
        (
            clean(each.partner_name, 60),
            _value(each),
            f"{each.verified_try_count:,} of {each.try_count:,}",
            f"{each.replied_try_count:,}",
            f"{each.standing_count:,}",
            NONE if each.price_dollars is None else f"{each.price_dollars:,.0f}",
            "; ".join(filter(None, ["mostly the average of all" if each.is_mostly_average else "", say_risks(each)]))
            or NONE,
        )
        for each in relations.partners
    )
    headings = (
        *("partner", "link-days a year for 1,000 dollars (90 %)", "tries with a link"),
        *("that replied", "links that stand", "price", "to know"),
    )
    return Table("Whom to ask next", headings, rows)


def risk_table(relations: Relations) -> Table:
    """Partners who may slip away."""
    rows = tuple(
        (clean(each.partner_name, 60), f"{each.standing_count:,}", say_risks(each)) for each in relations.at_risk
    )
    return Table("Who may slip away", ("partner", "links that stand", "why"), rows)


def unqualified_table(relations: Relations) -> Table:
    """Paid links to be qualified."""
    rows = tuple(
        (clean(each.partner_name, 60), cell(each.source_url), cell(each.target_url), "ask the publisher to qualify it")
        for each in relations.unqualified
    )
    return Table("Paid links without rel=sponsored or nofollow", ("partner", "link from", "to", "what to do"), rows)


def life_table(relations: Relations) -> Table:
    """Paid links from the money to their end."""
    rows: tuple[tuple[str | Cell, ...], ...] = tuple(
        (
            cell(life.source_url, f"{clean(life.partner_name, 40)}: {life.source_url.partition('://')[2]}"),
            NONE if life.money is None else f"{life.money:,.0f}",
            _day(life.placed_date),
            f"{life.seen_date}, {count_of(life.live_days, 'day')}",
            _day(life.crawled_date),
            _index(life),
            _moved(life),
            _effect(life),
            _visits(life),
            _end(life),
        )
        for life in relations.lives
    )
    headings = (
        *("whose link, where", "paid, dollars", "placed, they say", "seen since, stood", "target crawled since"),
        *("target in the index", "its positions before and after", "what of that is the link's (95 % interval)"),
        *("visits (95 % interval)", "lost"),
    )
    return Table("The life of a paid link", headings, rows)


def _say_gone(relations: Relations) -> list[str]:
    paid = relations.paid
    if paid is None:
        return []
    unseen, lost = paid.paid_count - paid.seen_count, paid.seen_count - paid.standing_count
    said = []
    if unseen:
        said.append(f"{unseen:,} paid for {'was' if unseen == 1 else 'were'} never seen")
    if lost and paid.lost_median_days is not None:
        said.append(f"{lost:,} lost, the middle one after {count_of(round(paid.lost_median_days), 'day')}")
    return [f"{'; '.join(said)}."] if said else []


def _say_cost(asked: Return) -> str:
    if asked.money_per_live_day is None:
        why = REFUSALS.get(asked.status, plain(asked.status))
        return f"A year's asking cost {asked.money:,.0f} dollars; what a link-day costs cannot be told: {why}."
    return f"A day of a link that was seen costs {_per_day(asked)} dollars (a year's asking, 95 % interval)."


def _per_day(asked: Return) -> str:
    """With its interval, or the lower end alone where nothing is certain to have stood."""
    low, high = asked.money_per_live_day_low, asked.money_per_live_day_high
    ends = f"{low:.2f} to {high:.2f}" if low is not None and high is not None else f"{low or 0:.2f} or more"
    return f"{asked.money_per_live_day or 0:.2f} ({ends})"


def _value(each: Partner) -> str:
    low, high = each.days_per_1000_low or 0, each.days_per_1000_high or 0
    return f"{each.days_per_1000 or 0:,.0f} ({low:,.0f} to {high:,.0f})"


def _index(life: Life) -> str:
    if life.index_state is None:
        return NONE
    return f"{plain(life.index_state)} since {life.indexed_date}"


def _moved(life: Life) -> str:
    if life.position_before is None or life.position_after is None:
        return NONE
    return f"{life.position_before:.1f}, then {life.position_after:.1f}"


def _effect(life: Life) -> str:
    if life.effect is None or life.effect_low is None or life.effect_high is None:
        return say_reason(life.effect_reason) if life.effect_reason else NONE
    measure = measure_of(life.outcome or "log_position")
    return f"{measure.say(life.effect)} ({measure.say_range(life.effect_low, life.effect_high)})"


def _visits(life: Life) -> str:
    if life.visit_count is None:
        if life.visit_low is not None and life.visit_high is not None and life.visit_high:
            return f"{life.visit_low:,.0f} to {life.visit_high:,.0f}"
        return VISIT_REASONS.get(life.visit_reason or "", NONE)
    value = f"{life.visit_count:,.0f}"
    low, high = f"{life.visit_low or 0:,.0f}", f"{life.visit_high or 0:,.0f}"
    return value if low == high == value else f"{value} ({low} to {high})"


def _end(life: Life) -> str:
    if life.lost_date is not None:
        return str(life.lost_date)
    if life.loss_probability is None:
        return "stands"
    return f"stands; {100 * life.loss_probability:.0f} % likely to go within 90 days"


def _day(day: date | None) -> str:
    return NONE if day is None else str(day)
