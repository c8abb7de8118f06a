"""Sample files of outreach: what whoever asks for links would have kept of the demo's world.

Some of the links that come while a property is watched were asked for: weeks before each comes there is a message to
its site and an answer, days before it a promise with a price. Beside them are those who never answer, decline, bounce,
or promise a link that never comes. Nobody of it is real.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import date, timedelta
from typing import Any

from seo_warehouse.demo.catalogue import DemoProperty
from seo_warehouse.demo.chance import draw, pick
from seo_warehouse.demo.links import Link, Site, sites
from seo_warehouse.demo.world import World

CAMPAIGNS = (
    ("spring guides", "guest post"),
    ("makers", "collaboration"),
    ("gift lists", "directory"),
    ("press desk", "pr"),
    ("mentions", "reclaimed mention"),
)
EARNED = 0.7
"""Share of the links that come which somebody asked for."""
BARTER, RECURRING = 0.1, 0.2
"""Shares of promises: paid in kind, and paid month by month, up to the sum of both."""
HANDED = slice(4, 6)
"""Of the sites that are asked those that changed hands."""
OTHERS = 40
"""Sites that are asked beside."""
OUTCOMES = ((0.5, None), (0.7, "declined"), (0.85, "bounced"), (1.0, "agreed"))
"""What comes of those: silence, a refusal, a bounce, or a promise that is not kept; each up to its bound."""


@dataclass(frozen=True)
class Promise:
    """A link that was agreed on; `link` is what came of it."""

    site: Site
    campaign: str
    kind: str
    agreed_on: date
    source_url: str
    target_url: str
    price: int
    payment: str
    link: Link | None


def promises(world: World, prop: DemoProperty, today: date) -> list[Promise]:
    """What was agreed on before `today`, kept or not."""
    found = []
    for link in world.links[prop.key]:
        begun = link.changes[0]
        names = (world.seed, "outreach", prop.key, link.link_id)
        if begun.kind != "acquired" or begun.at.date() >= today or draw(*names) >= EARNED:
            continue
        agreed_on = begun.at.date() - timedelta(days=1 + int(4 * draw(*names, "agreed")))
        found.append(_promise(names, link.site, agreed_on, link.url_from, link.url_to, link))
    for site, day, outcome in _asked_beside(world, prop, today):
        agreed_on = day + timedelta(days=9)
        if outcome == "agreed" and agreed_on < today:
            beside = (world.seed, "outreach", prop.key, site.host)
            target = prop.url(pick(prop.pages, *beside, "page").path)
            url = f"{site.root}/{day:%Y/%m}/promised"
            found.append(_promise(beside, site, agreed_on, url, target, None))
    return sorted(found, key=lambda promise: (promise.agreed_on, promise.source_url))


def truth(world: World, prop: DemoProperty, today: date) -> Iterator[dict[str, Any]]:
    """Whom files written on `today` tell of: what was promised, and the link that came of it, or the answer."""
    for each in promises(world, prop, today):
        yield {
            "property_key": prop.key,
            "partner": _name(each.site),
            "campaign": each.campaign,
            "outcome": "agreed",
            "kind": each.kind,
            "agreed_on": each.agreed_on.isoformat(),
            "source_url": each.source_url,
            "target_url": each.target_url,
            "price": each.price,
            "payment": each.payment,
            "link_id": each.link.link_id if each.link else None,
        }
    for site, day, outcome in _asked_beside(world, prop, today):
        if outcome != "agreed":
            yield {
                "property_key": prop.key,
                "partner": _name(site),
                "campaign": _campaign_beside(world, prop, site),
                "outcome": outcome,
                "asked_on": day.isoformat(),
            }


def write_outreach(world: World, prop: DemoProperty, today: date) -> dict[str, list[list[str]]]:
    """The files of a property by name, headings first."""
    made = promises(world, prop, today)
    asked = {promise.site.host: promise.site for promise in made}
    asked |= {site.host: site for site, *_ in _asked_beside(world, prop, today)}
    begins = world.first_day.isoformat()
    return {
        "partners.csv": [
            ["partner", "site", "owner_since", "owner_until", "kind", "country", "price", "currency"],
            *(
                [name, url, since, until, "guest post", site.country, str(_price(site)), "USD"]
                for name, url, since, until, site in _sites(list(asked.values()), world.first_day)
            ),
        ],
        "campaigns.csv": [
            ["campaign", "kind", "begins_on", "budget", "currency"],
            *([name, kind, begins, "10000", "USD"] for name, kind in CAMPAIGNS),
        ],
        "contacts.csv": [
            ["partner", "contact", "name", "email", "role", "basis"],
            *(
                [
                    _name(site),
                    f"crm-{_name(site)}",
                    "Demo Editor",
                    f"editor@{site.host}",
                    "editor",
                    "legitimate interest",
                ]
                for site in asked.values()
            ),
        ],
        "touches.csv": [
            ["partner", "campaign", "at", "kind", "direction", "outcome", "contact", "minutes"],
            *_touches(world, prop, made, today),
            *(
                [_former(site), CAMPAIGNS[0][0], begins, "email", "out", "none", "", "15"]
                for site in list(asked.values())[HANDED]
            ),
        ],
        "placements.csv": [
            ["partner", "campaign", "agreed_on", "kind", "source_url", "target_url", "rel", "placed_on"]
            + ["price", "currency", "payment"],
            *(
                [_name(each.site), each.campaign, each.agreed_on.isoformat(), each.kind, each.source_url]
                + [each.target_url, "followed", each.link.changes[0].at.date().isoformat() if each.link else ""]
                + [str(each.price) if each.price else "", "USD" if each.price else "", each.payment]
                for each in made
            ),
        ],
    }


def _sites(asked: list[Site], first_day: date) -> Iterator[tuple[str, str, str, str, Site]]:
    """Rows of partners: one has three sites, three have a page on a host that many share, two got theirs lately."""
    handed = asked[HANDED]
    for site in asked:
        since = str(first_day + timedelta(days=1)) if site in handed else ""
        yield _name(site), f"{site.root}/", since, "", site
    for site in asked[:1]:
        for word in ("letters", "blog"):
            yield _name(site), f"https://{_name(site)}-{word}.example/", "", "", site
    for site in asked[1:4]:
        yield _name(site), f"https://medium.com/@{_name(site)}", "", "", site
    for site in handed:
        yield _former(site), f"{site.root}/", "", str(first_day), site


def _former(site: Site) -> str:
    return f"{_name(site)} (before)"


def _promise(
    names: tuple[object, ...], site: Site, agreed_on: date, source_url: str, target_url: str, link: Link | None
) -> Promise:
    campaign, kind = pick(CAMPAIGNS, *names, "campaign")
    way = draw(*names, "payment")
    payment = "barter" if way < BARTER else "monthly" if way < BARTER + RECURRING else "once"
    price = 0 if payment == "barter" else _price(site) // (10 if payment == "monthly" else 1)
    return Promise(site, campaign, kind, agreed_on, source_url, target_url, price, payment, link)


def _asked_beside(world: World, prop: DemoProperty, today: date) -> Iterator[tuple[Site, date, str | None]]:
    """Sites that were asked and have set no link, the day, and what came of it."""
    days = max((today - world.first_day).days, 1)
    for number, site in enumerate(sites(world.seed, prop)[::3][:OTHERS]):
        names = (world.seed, "asked", prop.key, number)
        chance = draw(*names)
        outcome = next(outcome for bound, outcome in OUTCOMES if chance <= bound)
        yield site, world.first_day + timedelta(days=int(days * draw(*names, "day"))), outcome


def _campaign_beside(world: World, prop: DemoProperty, site: Site) -> str:
    return pick(CAMPAIGNS, world.seed, "outreach", prop.key, site.host, "campaign")[0]


def _touches(world: World, prop: DemoProperty, made: list[Promise], today: date) -> Iterator[list[str]]:
    for promise in made:
        if promise.link is not None:
            days = (14, 9, 0)
            written, answered, agreed = (promise.agreed_on - timedelta(days=before) for before in days)
            yield _touch(promise.site, promise.campaign, written, "out", "none", "30")
            yield _touch(promise.site, promise.campaign, answered, "in", "interested", "")
            yield _touch(promise.site, promise.campaign, agreed, "in", "agreed", "15")
    for site, day, outcome in _asked_beside(world, prop, today):
        campaign = _campaign_beside(world, prop, site)
        yield _touch(site, campaign, day, "out", "none", "30")
        answered = day + timedelta(days=0 if outcome == "bounced" else 9)
        if outcome is not None and answered < today:
            yield _touch(site, campaign, answered, "in", outcome, "")


def _touch(site: Site, campaign: str, day: date, direction: str, outcome: str, minutes: str) -> list[str]:
    return [
        _name(site), campaign, day.isoformat(), "email", direction, outcome, f"crm-{_name(site)}", minutes
    ]  # fmt: skip


def _name(site: Site) -> str:
    return site.host.removeprefix("www.").removesuffix(".example")


def _price(site: Site) -> int:
    return 40 + 10 * int(36 * site.authority)
