"""Money of a month: what is spent, what living readings have set aside, and whether an order fits.

A reading sets its money aside before it pays, under the budget's turn, and the row goes as the ledger notes what was
paid. So two workers, or a back-fill beside a night, cannot both spend the last dollar; what a killed process had set
aside stays so until its reading is taken up again and its bill is noted, or its time is over and the archive has said
what it bought (steps/settling.py).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, timedelta
from decimal import Decimal

from psycopg import sql

from seo_warehouse.errors import DeferredError
from seo_warehouse.ledger import turns
from seo_warehouse.ledger.session import Connection, one, step, transaction

LEASE = timedelta(days=1)
"""After so long a reading that has set money aside was killed: longer than whoever takes it up again is away."""
USUAL_NIGHTS = 14
"""By whose mean, or that of as many as there were, the rest of a month is judged."""
EVERYBODY = 0
"""In place of a property's key: of a provider's account, whoever uses it."""


@dataclass(frozen=True)
class Budget:
    """US dollars a month (UTC) of a source for a property, or of an account (EVERYBODY) by these sources.

    `warn_at`: the share from which people are told.
    """

    name: str
    property_key: int
    sources: tuple[str, ...]
    money: Decimal
    warn_at: float

    def __str__(self) -> str:
        """As people know it."""
        return f"the account {self.name}" if self.property_key == EVERYBODY else self.name


@dataclass(frozen=True)
class Order:
    """A reading that costs money."""

    source: str
    property_key: int
    scope: str


_NOTED = """
select coalesce(sum(money), 0) from (
    select money from ops.order_usage
    where source = %(source)s and property_key = %(property_key)s and 'night=' || night = %(scope)s
    union all
    select money from ops.load
    where source = %(source)s and property_key = %(property_key)s and archive_scope = %(scope)s
) as noted
"""
_USED = """
select (
    select coalesce(sum(money), 0) from ops.spend
    where source = any(%(sources)s) and %(of)s in (0, property_key)
      and day >= date_trunc('month', now() at time zone 'UTC')::date
), (
    select coalesce(sum(money), 0) from ops.reservation
    where source = any(%(sources)s) and %(of)s in (0, property_key)
      and (source, property_key, scope) <> (%(source)s, %(property_key)s, %(scope)s)
)
"""
_OF = sql.SQL("where source = %(source)s and property_key = %(property_key)s and scope = %(scope)s")
_RESERVE = """
insert into ops.reservation values (%(source)s, %(property_key)s, %(scope)s, %(money)s, now() + %(lease)s)
on conflict (source, property_key, scope) do update set money = excluded.money, until = excluded.until
"""
_DEFER = """
insert into ops.deferral (source, property_key, scope, reason, budget_name, budget_property_key, money)
values (%(source)s, %(property_key)s, %(scope)s, %(reason)s, %(name)s, %(key)s, %(money)s)
on conflict (source, property_key, scope) do update
set reason = excluded.reason, deferred_at = excluded.deferred_at, budget_name = excluded.budget_name,
    budget_property_key = excluded.budget_property_key, money = excluded.money
"""
_FORGET = sql.SQL("delete from ops.deferral {}").format(_OF)
_SETTLE = sql.SQL(
    "update ops.reservation set money = case when %(is_done)s then 0 else money - %(noted)s end {}"
).format(_OF)
_RELEASE = sql.SQL("delete from ops.reservation {} and money <= 0").format(_OF)
_END = sql.SQL("delete from ops.reservation {} and until < now()").format(_OF)
_WHY = sql.SQL("select reason from ops.deferral {}").format(_OF)


_HELD = """
select distinct on (name, property_key) name, property_key, sources, money, warn_at, stated_at
from ops.budget order by name, property_key, budget_id desc
"""
_STANDINGS = f"""
with held as ({_HELD})
select case when h.property_key = 0 then 'account ' || h.name else coalesce(p.property_name, '?') || ', ' || h.name end,
       h.name, h.property_key, h.money, h.warn_at, s.spent, s.night, d.reason, %(today)s::date, s.is_begun
from held as h
left join ops.property as p using (property_key)
cross join lateral (
    select coalesce(sum(s.money) filter (where s.day >= %(month)s), 0) as spent,
           coalesce(sum(s.money) filter (where s.day >= %(today)s::date - %(usual)s and s.day < %(today)s), 0)
           / greatest(1, least(%(usual)s, %(today)s::date - min(s.day))) as night,
           coalesce(sum(s.money) filter (where s.day = %(today)s), 0) > 0 as is_begun
    from ops.spend as s
    where s.source = any(h.sources) and h.property_key in (0, s.property_key) and s.day >= %(month)s::date - %(usual)s
) as s
left join lateral (
    select d.reason from ops.deferral as d
    where d.budget_name = h.name and d.budget_property_key = h.property_key and d.deferred_at >= h.stated_at
      and (d.deferred_at at time zone 'UTC')::date >= %(month)s
    order by d.deferred_at desc limit 1
) as d on true
where h.money is not null
order by 1
"""  # noqa: S608


def reserve(conn: Connection, order: Order, money: Decimal, budgets: Sequence[Budget]) -> None:
    """Set aside what an order will have cost in all, `money`, as far as the ledger does not say it yet.

    Raises DeferredError, once noted, where a budget does not hold that.
    """
    place = vars(order)
    with step(conn, f"reserve money for {order.source}"), transaction(conn):
        for budget in sorted(budgets, key=lambda budget: (budget.name, budget.property_key)):
            turns.hold_row(conn, f"budget {budget.name} {budget.property_key}")
        due = max(Decimal(0), money - one(conn, _NOTED, place))
        refusals = ((_refusal(conn, order, due, budget), budget) for budget in budgets)
        refusal, by = next(((reason, budget) for reason, budget in refusals if reason), (None, None))
        if by is None:
            conn.execute(_RESERVE, {**place, "money": due, "lease": LEASE})
            conn.execute(_FORGET, place)
        else:
            conn.execute(_DEFER, {**place, "reason": refusal, "name": by.name, "key": by.property_key, "money": due})
    if refusal is not None:
        raise DeferredError(refusal)


def _refusal(conn: Connection, order: Order, due: Decimal, budget: Budget) -> str | None:
    asked = {**vars(order), "sources": list(budget.sources), "of": budget.property_key}
    spent, reserved = conn.execute(_USED, asked).fetchall()[0]
    if spent + reserved + due <= budget.money:
        return None
    aside = f", {reserved:.2f} set aside" if reserved else ""
    return (
        f"deferred: this order ({due:.2f}) would pass the month's budget of {budget.money:.2f} US dollars for {budget}"
        f" ({spent:.2f} spent{aside}): raise it, or wait for the next month"
    )


def settle(conn: Connection, order: Order, noted: Decimal, *, is_done: bool) -> None:
    """Take what the ledger has just noted of a reading out of what was set aside; all of it where it `is_done`."""
    conn.execute(_SETTLE, {**vars(order), "noted": noted, "is_done": is_done})
    conn.execute(_RELEASE, vars(order))


def note_run(conn: Connection, source: str, scope: str, run_id: str) -> None:
    """Note in which run of Airflow's a source's deferred readings of a night were, as it ends."""
    conn.execute("update ops.deferral set run_id = %s where source = %s and scope = %s", (run_id, source, scope))


def find_deferred(conn: Connection, scope: str, budgets: Sequence[Budget]) -> list[tuple[str, str]]:
    """(source, run) of each run of a night with a reading that its budgets hold by now."""
    found: set[tuple[str, str]] = set()
    rows = conn.execute(
        "select source, property_key, money, run_id from ops.deferral"
        " where scope = %s and run_id is not null and money is not null",
        (scope,),
    ).fetchall()
    for source, key, money, run_id in rows:
        order = Order(source, key, scope)
        concerned = [b for b in budgets if source in b.sources and b.property_key in (EVERYBODY, key)]
        if all(_refusal(conn, order, money, budget) is None for budget in concerned):
            found.add((source, run_id))
    return sorted(found)


def note_anew(conn: Connection, source: str, scope: str, run_id: str) -> None:
    """Note that a run of Airflow's is run anew: until it has ended again it is not found by `find_deferred`."""
    conn.execute(
        "update ops.deferral set run_id = null where source = %s and scope = %s and run_id = %s",
        (source, scope, run_id),
    )


def expired(conn: Connection) -> list[tuple[Order, Decimal]]:
    """The readings that were killed, and what each has set aside."""
    rows = conn.execute(
        "select source, property_key, scope, money from ops.reservation where until < now() order by 1, 2, 3"
    ).fetchall()
    return [(Order(source, key, scope), money) for source, key, scope, money in rows]


def release(conn: Connection, order: Order) -> bool:
    """Set nothing aside any more for a reading that was killed; False where it has been taken up meanwhile."""
    return conn.execute(_END, vars(order)).rowcount > 0


def why_deferred(conn: Connection, order: Order) -> str | None:
    """Why a reading was not bought; None where no budget kept it from that."""
    row = conn.execute(_WHY, vars(order)).fetchone()
    return row[0] if row else None


def sync_budgets(conn: Connection, stated: Sequence[Budget]) -> None:
    """Keep the budgets that are stated, with their history. The caller's transaction."""
    conn.execute("lock table ops.budget in share row exclusive mode")
    held = {(name, key): rest for name, key, *rest, _ in conn.execute(_HELD).fetchall()}
    wanted = {(each.name, each.property_key): [list(each.sources), each.money, each.warn_at] for each in stated}
    gone = {place: [sources, None, warn_at] for place, (sources, money, warn_at) in held.items() if money is not None}
    for place, rest in {**gone, **wanted}.items():
        if held.get(place) != rest:
            conn.execute(
                "insert into ops.budget (name, property_key, sources, money, warn_at) values (%s, %s, %s, %s, %s)",
                (*place, *rest),
            )


@dataclass(frozen=True)
class Standing:
    """How a budget stands on a day: US dollars of its month, and a night's mean of the last fortnight.

    `reason`: of the newest reading that it deferred in the month, since it was stated as it is. `is_begun`: today's
    night has cost something already.
    """

    what: str
    name: str
    property_key: int
    money: Decimal
    warn_at: float
    spent: Decimal
    night: Decimal
    reason: str | None
    today: date
    is_begun: bool

    @property
    def share(self) -> float:
        """Of the budget that is spent."""
        return float(self.spent / self.money)

    def __str__(self) -> str:
        """In a sentence."""
        first_of_next = (self.today.replace(day=1) + timedelta(days=32)).replace(day=1)
        next_night = self.today + timedelta(days=self.is_begun)
        forecast = self.spent + self.night * (first_of_next - next_night).days
        if self.reason:
            pace = self.reason
        elif forecast > self.money > self.spent:
            nights = int((self.money - self.spent) / self.night)
            pace = f"at this pace it ends on {next_night + timedelta(days=nights)}"
        else:
            pace = f"at this pace {forecast:.2f} by the end of the month"
        return f"{self.what}: {self.spent:.2f} of {self.money:.2f} US dollars spent ({self.share:.0%}); {pace}"


def read_standings(conn: Connection, today: date) -> list[Standing]:
    """How each budget stands that is stated."""
    asked = {"today": today, "month": today.replace(day=1), "usual": USUAL_NIGHTS}
    rows = conn.execute(_STANDINGS, asked).fetchall()
    return [Standing(*row) for row in rows]
