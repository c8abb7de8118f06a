"""How fast a provider's account is asked, by whoever asks: each call is allotted its instant in one statement."""

from __future__ import annotations

from datetime import datetime, timedelta

from seo_warehouse.ledger.session import Connection, step

SLOW = timedelta(minutes=10)
"""For so long an account is asked half as fast after its provider asked for less."""
_ALLOT = """
insert into ops.call_pace as p (account, called_at) values (%(account)s, clock_timestamp())
on conflict (account) do update set called_at = greatest(
    p.called_at + %(gap)s * case when p.slow_until > clock_timestamp() then 2 else 1 end, clock_timestamp()
)
returning called_at, greatest(0, extract(epoch from called_at - clock_timestamp()))::float8
"""


def allot_call(conn: Connection, account: str, a_minute: int) -> tuple[datetime, float]:
    """The instant of the account's next call, which is the caller's, and the seconds until then. In autocommit mode.

    Calls have even gaps: a killed process leaves no more than one of them unused. Raises TransientLoadError.
    """
    with step(conn, f"allot a call on {account}"):
        found = conn.execute(_ALLOT, {"account": account, "gap": timedelta(minutes=1) / a_minute}).fetchall()
    return found[0][0], found[0][1]


def slow_down(conn: Connection, account: str) -> None:
    """Have an account asked half as fast for ten minutes."""
    with step(conn, f"slow {account} down"):
        conn.execute("update ops.call_pace set slow_until = clock_timestamp() + %s where account = %s", (SLOW, account))
