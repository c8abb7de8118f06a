"""Partners whose truth is known: what an attempt at each is worth, and what a watcher would have seen of it."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from seo_warehouse.relations.estimate import DAYS, PER_MONEY, Floats, Partners

WORLDS = ("one quality", "costly work", "nothing is tied")


@dataclass(frozen=True)
class World:
    """Partners as they were seen, and the link-days a year that 1,000 dollars bring by the truth, (P,)."""

    partners: Partners
    truth: Floats

    @property
    def raw(self) -> Floats:
        """The same by what was seen alone, 0 where no link was."""
        seen = self.partners
        share = seen.placed / seen.attempts
        loss = np.maximum(seen.losses / np.maximum(seen.link_days, 1), 1e-9)
        return _value(share, loss, seen.work, seen.price)


def draw_world(seed: int, name: str, count: int = 200) -> World:
    """Quality ties rate, life and price in all worlds but the last."""
    rng = np.random.default_rng(seed)
    quality = rng.normal(size=(3, count)) if name == "nothing is tied" else np.tile(rng.normal(size=count), (3, 1))
    noise = rng.normal(size=(3, count))
    share = 1 / (1 + np.exp(1 - 0.8 * quality[0] - 0.5 * noise[0]))
    loss = np.exp(-np.log(500) - 0.5 * quality[1] + 0.5 * noise[1])
    price = 150 * np.exp(0.3 * quality[2] + 0.4 * noise[2])
    work = np.full(count, 90.0 if name == "costly work" else 15.0)
    attempts = rng.geometric(0.3, count)
    placed = rng.binomial(attempts, share)
    life = rng.exponential(1, (count, attempts.max())) / loss[:, None]
    watched = rng.uniform(30, 700, life.shape)
    is_link = np.arange(attempts.max()) < placed[:, None]
    days = (np.minimum(life, watched) * is_link).sum(axis=1)
    losses = ((life < watched) & is_link).sum(axis=1)
    seen = Partners(*(np.asarray(each, np.float64) for each in (attempts, placed, losses, days, work, price)))
    return World(seen, _value(share, loss, work, price))


def _value(share: Floats, loss: Floats, work: Floats, price: Floats) -> Floats:
    return np.asarray(PER_MONEY * share * -np.expm1(-loss * DAYS) / loss / (work + share * price), np.float64)
