"""The shapes of providers' answers as they are usual, and what is otherwise on the last night.

A field's first days teach what is usual of it. From then on a day is added only where nothing of the field is
otherwise, so that what has changed is told until the answers are as before, or a person takes them for usual.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date

from seo_warehouse.client.shapes import Tally
from seo_warehouse.ledger.session import Connection

LEARNT_DAYS = 3
"""Days on which a field was seen before anything of it is usual."""
FEWEST = 20
"""Objects that have to be seen before one says that a field is gone; FEW for shares of nulls."""
FEW = 50
ALWAYS = 0.95
"""Share of objects that have a field which may be said to be gone: it is in none of 20 by a chance of 10^-26."""
MANY_TIMES = 5
LEAST_SHARE = 0.2
"""So many times the usual share of nulls is told, if it is that share at least."""

_IS_OTHERWISE = """(
    not s.last_types <@ s.types
    or s.last_count >= %(few)s and 1 - s.last_filled::float8 / nullif(s.last_count, 0) > greatest(
        %(least)s, %(times)s * (1 - s.filled::float8 / nullif(s.seen, 0))
    )
)"""
_LIMITS = {
    "few": FEW,
    "least": LEAST_SHARE,
    "times": MANY_TIMES,
    "learnt": LEARNT_DAYS,
    "fewest": FEWEST,
    "always": ALWAYS,
}
# A later load of the same date comes to what is there of it; with one of a new date the day before becomes usual.
_NOTE = f"""
insert into ops.shape as s (source, endpoint, path, types, seen, present, filled, days, first_seen, last_seen,
                            last_types, last_count, last_present, last_filled)
select %(source)s, %(endpoint)s, path, '{{}}', 0, 0, 0, 0, %(day)s, %(day)s, string_to_array(types, ','), seen,
       present, filled
from unnest(%(paths)s::text[], %(types)s::text[], %(seen)s::bigint[], %(present)s::bigint[], %(filled)s::bigint[])
    as f (path, types, seen, present, filled)
on conflict (source, endpoint, path) do update set
    (types, seen, present, filled, days) = (
        select array(select unnest(s.types) union select unnest(case when is_usual then s.last_types end) order by 1),
               s.seen + case when is_usual then s.last_count else 0 end,
               s.present + case when is_usual then s.last_present else 0 end,
               s.filled + case when is_usual then s.last_filled else 0 end,
               s.days + is_usual::integer
        from (
            select s.last_seen < excluded.last_seen
                   and (s.days < %(learnt)s or not coalesce({_IS_OTHERWISE}, false)) as is_usual
        ) as day
    ),
    (last_types, last_count, last_present, last_filled) = (
        select array(
                   select unnest(excluded.last_types) union select unnest(case when is_same then s.last_types end)
                   order by 1
               ),
               excluded.last_count + case when is_same then s.last_count else 0 end,
               excluded.last_present + case when is_same then s.last_present else 0 end,
               excluded.last_filled + case when is_same then s.last_filled else 0 end
        from (select s.last_seen = excluded.last_seen as is_same) as day
    ),
    last_seen = excluded.last_seen
where s.last_seen <= excluded.last_seen
"""  # noqa: S608
_CHANGES = f"""
with ended as (
    select source, endpoint, max(last_seen) as last_day, min(first_seen) as first_day from ops.shape group by 1, 2
),
placed as (select *, regexp_replace(path, '[.][^.]*$', '') as place from ops.shape)
select s.source, s.endpoint, s.path,
       case when s.last_seen < e.last_day then 'gone' when s.days < %(learnt)s then 'new'
            when not s.last_types <@ s.types then 'type' else 'null' end,
       s.types, s.last_types, 1 - s.filled::float8 / greatest(s.seen, 1),
       1 - s.last_filled::float8 / greatest(s.last_count, 1)
from placed as s
join ended as e using (source, endpoint)
where (%(source)s::text is null or s.source = %(source)s)
  and case
      when s.last_seen < e.last_day then s.days >= %(learnt)s and s.present >= %(always)s * s.seen and exists (
          select from placed as o
          where (o.source, o.endpoint, o.place) = (s.source, s.endpoint, s.place) and o.last_seen = e.last_day
            and o.last_count >= %(fewest)s
      )
      when s.days < %(learnt)s then s.first_seen > e.first_day + %(learnt)s
      else {_IS_OTHERWISE}
      end
order by 1, 2, 3
"""  # noqa: S608
_ACCEPT = (
    """
    delete from ops.shape as s using (
        select source, endpoint, max(last_seen) as last_day from ops.shape group by 1, 2
    ) as e
    where (e.source, e.endpoint) = (s.source, s.endpoint) and s.source = %(source)s and s.last_seen < e.last_day
    """,
    """
    update ops.shape as s set types = s.last_types, seen = s.last_count, present = s.last_present,
           filled = s.last_filled, days = %(learnt)s, accepted_at = now(), accepted_by = %(who)s, why = %(why)s
    where s.source = %(source)s
    """,
)


@dataclass(frozen=True)
class Change:
    """A field that is otherwise than usual: `gone`, of another `type`, more often `null`, or `new`."""

    source: str
    endpoint: str
    path: str
    kind: str
    types: list[str]
    last_types: list[str]
    null_share: float
    last_null_share: float

    @property
    def is_told(self) -> bool:
        """Whether people are told of it; of a new field nothing depends that is read."""
        return self.kind != "new"

    def __str__(self) -> str:
        if self.kind == "gone":
            what = "is gone"
        elif self.kind == "type":
            what = f"is {' or '.join(self.last_types)}, and was {' or '.join(self.types) or 'always null'}"
        elif self.kind == "null":
            what = f"is empty in {self.last_null_share:.0%}, where {self.null_share:.0%} is usual"
        else:
            what = f"is new ({' or '.join(self.last_types) or 'null'})"
        return f"{self.path.lstrip('.') or 'the answer'} {what}"


def note_shapes(conn: Connection, source: str, tally: Tally, day: date) -> None:
    """Take down what the answers of a load have, bought on a UTC date. In autocommit mode."""
    for name, endpoint in tally.endpoints.items():
        # In an order, so that two loads wait for each other and not both.
        paths = sorted(endpoint.fields)
        fields = [endpoint.fields[path] for path in paths]
        asked = {
            "source": source,
            "endpoint": name,
            "day": day,
            "paths": paths,
            "types": [",".join(sorted(each.types)) for each in fields],
            "seen": [endpoint.seen(path) for path in paths],
            "present": [each.present for each in fields],
            "filled": [each.filled for each in fields],
        }
        conn.execute(_NOTE, {**_LIMITS, **asked})


def read_changes(conn: Connection, source: str | None = None) -> list[Change]:
    """What is otherwise than usual in the newest answers of each endpoint, of one source or of all."""
    return [Change(*row) for row in conn.execute(_CHANGES, {**_LIMITS, "source": source}).fetchall()]


def accept(conn: Connection, source: str, *, who: str, why: str) -> None:
    """Take what a source's answers have now for usual."""
    with conn.transaction():
        for statement in _ACCEPT:
            conn.execute(statement, {"source": source, "who": who, "why": why, "learnt": LEARNT_DAYS})
