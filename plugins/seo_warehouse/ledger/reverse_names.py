"""What a resolver said of the addresses of those who claim to be a bot."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import date

from seo_warehouse.ledger.session import Connection


def known(conn: Connection, property_key: int, addresses: Sequence[str]) -> dict[str, str]:
    """The ends of names that are kept, by address; empty where the name is nobody's."""
    rows = conn.execute(
        "select address, suffix from ops.reverse_name"
        " where property_key = %s and address = any(%s) and suffix is not null",
        (property_key, list(addresses)),
    )
    return dict(rows.fetchall())


def count_asked(conn: Connection, property_key: int, night: date) -> int:
    """How many addresses a night has asked about, answered or not."""
    found = conn.execute(
        "select count(*) from ops.reverse_name where property_key = %s and night = %s", (property_key, night)
    ).fetchone()
    return int(found[0]) if found else 0


def note_asked(conn: Connection, property_key: int, night: date, addresses: Sequence[str]) -> list[str]:
    """Note that these are about to be asked about. Returns those that the night has not asked about before."""
    rows = conn.execute(
        """
        insert into ops.reverse_name (property_key, address, night)
        select %s, address, %s from unnest(%s::text[]) as address
        on conflict (property_key, address) do update set night = excluded.night
            where reverse_name.suffix is null and reverse_name.night < excluded.night
        returning address
        """,
        (property_key, night, list(addresses)),
    )
    return [address for (address,) in rows]


def note_answers(conn: Connection, property_key: int, night: date, suffixes: Mapping[str, str]) -> None:
    """Keep what was answered, by address."""
    with conn.cursor() as cursor:
        cursor.executemany(
            "update ops.reverse_name set suffix = %s where property_key = %s and address = %s and night = %s",
            [(suffix, property_key, address, night) for address, suffix in suffixes.items()],
        )


def forget(conn: Connection, property_key: int, before: date) -> None:
    """Give up what nights before a day asked."""
    conn.execute("delete from ops.reverse_name where property_key = %s and night < %s", (property_key, before))
