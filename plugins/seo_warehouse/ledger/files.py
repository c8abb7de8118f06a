"""What the ledger knows of dropped files: their bytes, where they lie, what they hold and what became of it."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime
from typing import TYPE_CHECKING

from psycopg.types.json import Jsonb

from seo_warehouse.ledger.loads import file_scope
from seo_warehouse.ledger.session import Connection, transaction
from seo_warehouse.ledger.text import mend
from seo_warehouse.spec import Facts

if TYPE_CHECKING:
    from seo_warehouse.exports.parts import Part

SETTLED = ("published", "unchanged", "superseded", "quarantined", "rejected")
"""States of a load after which its file is not read again: its rows are in, or a person decides."""
TEXT_CHARACTERS = 2_000


@dataclass(frozen=True)
class Sighting:
    """What was seen under a name last time."""

    signature: str
    sha256: str | None


@dataclass(frozen=True)
class KeptFile:
    """A file whose bytes are in the archive."""

    property_key: int
    sha256: str
    name: str
    bytes: int
    written_at: datetime
    state: str = "archived"
    reason: str | None = None

    @property
    def scope(self) -> str:
        """Where in the archive it lies."""
        return file_scope(self.sha256)


Outcome = tuple[str, str, str, date, date, int, int, int, str, str]
"""File, form, table, first day, last day, rows, rows refused, rows that a later one contradicts, state, reason: of one
part, or of a file without any."""


def sightings(conn: Connection, source: str, property_key: int) -> dict[str, Sighting]:
    """What was seen in a property's folder, by name."""
    rows = conn.execute(
        "select file_name, signature, sha256 from ops.export_sighting where source = %s and property_key = %s",
        (source, property_key),
    )
    return {name: Sighting(signature, sha256) for name, signature, sha256 in rows}


def see(
    conn: Connection,
    source: str,
    property_key: int,
    name: str,
    signature: str,
    night: date,
    *,
    sha256: str | None = None,
    reason: str | None = None,
) -> None:
    """Note what lies under a name: a file's bytes, or why it is none to be read."""
    conn.execute(
        """
        insert into ops.export_sighting (source, property_key, file_name, signature, night, sha256, reason)
        values (%s, %s, %s, %s, %s, %s, %s)
        on conflict (property_key, file_name) do update set
            source = excluded.source, signature = excluded.signature, night = excluded.night, sha256 = excluded.sha256,
            reason = excluded.reason, seen_at = clock_timestamp()
        """,
        (source, property_key, name, signature, night, sha256, reason),
    )


def forget_others(conn: Connection, source: str, property_key: int, names: Collection[str]) -> None:
    """Forget the names that are not in the folder any more; the files themselves stay known."""
    conn.execute(
        "delete from ops.export_sighting where source = %s and property_key = %s and file_name <> all(%s)",
        (source, property_key, list(names)),
    )


def known_file(conn: Connection, property_key: int, sha256: str) -> KeptFile | None:
    """The file of these bytes; None where they are new."""
    row = conn.execute(
        """
        select property_key, sha256, file_name, bytes, written_at, state, reason from ops.export_file
        where property_key = %s and sha256 = %s
        """,
        (property_key, sha256),
    ).fetchone()
    return KeptFile(*row) if row else None


def keep(conn: Connection, source: str, file: KeptFile, night: date) -> None:
    """Note that a file's bytes are in the archive and wait to be understood."""
    conn.execute(
        """
        insert into ops.export_file (source, property_key, sha256, file_name, bytes, written_at, state, night)
        values (%s, %s, %s, %s, %s, %s, 'archived', %s)
        on conflict (property_key, sha256) do update set
            source = excluded.source, file_name = excluded.file_name, written_at = excluded.written_at,
            state = 'archived', reason = null, night = excluded.night
        """,
        (source, file.property_key, file.sha256, file.name, file.bytes, file.written_at, night),
    )


def note_parts(conn: Connection, file: KeptFile, parts: Iterable[Part], night: date) -> None:
    """Note what a file holds, line by line what it was refused of."""
    parts = list(parts)
    key = (file.property_key, file.sha256)
    with transaction(conn):
        _move(conn, file, "recognised", None, night, max((part.exported_at for part in parts), default=None))
        _forget(conn, file)
        with conn.cursor() as cursor:
            cursor.executemany(
                "insert into ops.export_part values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s, %s)",
                [
                    (*key, p.table, p.part, p.first_day, p.last_day, p.exported_at)
                    + (p.row_count, p.refused_count, p.equal_count, p.contradicted_count, list(p.notes))
                    for p in parts
                ],
            )
            with cursor.copy("copy ops.export_refusal from stdin") as copy:
                for part in parts:
                    for said in part.refused:
                        copy.write_row(
                            (*key, part.table, part.part, _text(said.sheet), said.line, said.column)
                            + (_text(said.reason), _text(said.content))
                        )


def refuse(conn: Connection, file: KeptFile, reason: str, night: date) -> None:
    """Note that a file is not understood; it is not read again until it changes."""
    with transaction(conn):
        _move(conn, file, "refused", reason, night, None)
        _forget(conn, file)


def note_trouble(conn: Connection, file: KeptFile, reason: str) -> None:
    """Keep why a file could not be read this time; it is read again at the next look."""
    conn.execute(
        "update ops.export_file set reason = %s where property_key = %s and sha256 = %s",
        (_text(reason), file.property_key, file.sha256),
    )


def waiting_files(conn: Connection, source: str, property_key: int) -> list[KeptFile]:
    """Files that were never understood or of which a part is neither in the warehouse nor in quarantine, oldest first.

    In the order of their exports, so that of two of the same instant the one that came later is read later.
    """
    rows = conn.execute(
        """
        select f.property_key, f.sha256, f.file_name, f.bytes, f.written_at, f.state, f.reason
        from ops.export_file as f
        where f.source = %(source)s and f.property_key = %(property)s
          and (f.state = 'archived' or f.state = 'recognised' and exists (
            select from ops.export_part as p
            where p.property_key = f.property_key and p.sha256 = f.sha256 and p.row_count > 0
              and not exists (
                  select from ops.load as l
                  where l.source = %(source)s and l.table_name = p.table_name and l.property_key = p.property_key
                    and l.part = p.part and l.archive_scope = 'file=' || p.sha256 and l.state = any(%(settled)s)
              )
        ))
        order by f.written_at, f.seen_at, f.file_name
        """,
        {"source": source, "property": property_key, "settled": list(SETTLED)},
    ).fetchall()
    return [KeptFile(*row) for row in rows]


def settled_parts(conn: Connection, source: str, file: KeptFile) -> set[tuple[str, str]]:
    """(table, part) of a file that need not be loaded again."""
    rows = conn.execute(
        """
        select distinct table_name, part from ops.load
        where source = %s and property_key = %s and archive_scope = %s and state = any(%s)
        """,
        (source, file.property_key, file.scope, list(SETTLED)),
    )
    return set(rows)


def lacks(conn: Connection, source: str, file: KeptFile, part: Part, facts: Mapping[date, Facts]) -> bool:
    """Whether a part of a file tells of days, beside their rows, what is not noted of the published ones."""
    return any(
        conn.execute(
            """
            select from ops.publication
            where source = %s and table_name = %s and property_key = %s and part = %s and day = %s and is_current
              and facts @> %s
            """,
            (source, part.table, file.property_key, part.part, day, Jsonb(dict(told))),
        ).fetchone()
        is None
        for day, told in facts.items()
    )


def loaded_files(conn: Connection, source: str, property_key: int, first: date, last: date) -> list[KeptFile]:
    """Files with a published reading of days that overlap first..last, in the order in which they were read."""
    rows = conn.execute(
        """
        select f.property_key, f.sha256, f.file_name, f.bytes, f.written_at, f.state, f.reason
        from ops.export_file as f
        join ops.load as l on l.property_key = f.property_key and l.archive_scope = 'file=' || f.sha256
        where l.source = %s and f.property_key = %s and l.first_day <= %s and l.last_day >= %s
          and (l.state in ('published', 'unchanged', 'superseded'))
        group by f.property_key, f.sha256
        order by min(l.load_id)
        """,
        (source, property_key, last, first),
    ).fetchall()
    return [KeptFile(*row) for row in rows]


def outcomes(conn: Connection, source: str, property_key: int, sha256s: Collection[str]) -> list[Outcome]:
    """What became of files, part by part: the state of its newest load, or the file's own."""
    return conn.execute(
        """
        select f.file_name, p.part, p.table_name, p.first_day, p.last_day, p.row_count, p.refused_count,
               p.contradicted_count, case when p.row_count = 0 then 'empty' else coalesce(l.state, f.state) end,
               case when l.state is null then f.reason else l.reason end
        from ops.export_file as f
        left join ops.export_part as p using (property_key, sha256)
        left join lateral (
            select state, reason from ops.load
            where source = %s and table_name = p.table_name and property_key = p.property_key and part = p.part
              and archive_scope = 'file=' || p.sha256
            order by load_id desc limit 1
        ) as l on true
        where f.property_key = %s and f.sha256 = any(%s)
        order by f.seen_at, f.file_name, p.table_name
        """,
        (source, property_key, list(sha256s)),
    ).fetchall()


def unread(conn: Connection, source: str, property_keys: Collection[int], night: date) -> list[tuple[int, str]]:
    """(property, sentence) of what lies in the folders and is not in the warehouse for a reason of this night.

    That is what was refused, or failed, or went into quarantine in this night, and what was begun and never ended.
    """
    return conn.execute(
        """
        select property_key, 'refused: ' || file_name || ': ' || reason from ops.export_sighting
        where source = %(source)s and property_key = any(%(properties)s) and reason is not null and night = %(night)s
        union all
        select f.property_key, 'refused: ' || f.reason from ops.export_file as f
        where f.source = %(source)s and f.property_key = any(%(properties)s) and f.state = 'refused'
          and f.night = %(night)s
          and exists (select from ops.export_sighting as s
                      where s.property_key = f.property_key and s.sha256 = f.sha256)
        union all
        select property_key, file_name || ' was not read: ' || coalesce(reason, 'its task did not end')
        from ops.export_file
        where source = %(source)s and property_key = any(%(properties)s) and state = 'archived'
        union all
        select p.property_key,
               f.file_name || ', ' || p.part || ', ' || p.table_name || ': '
               || coalesce('load ' || l.load_id || ' ' || l.state || ': ' || coalesce(l.reason, 'its task did not end'),
                           coalesce(f.reason, 'was never begun'))
        from ops.export_part as p
        join ops.export_file as f using (property_key, sha256)
        left join lateral (
            select load_id, state, reason, night from ops.load
            where source = %(source)s and table_name = p.table_name and property_key = p.property_key
              and part = p.part and archive_scope = 'file=' || p.sha256 and purpose <> 'replay'
            order by load_id desc limit 1
        ) as l on true
        where f.source = %(source)s and p.property_key = any(%(properties)s) and p.row_count > 0
          and f.state = 'recognised'
          and (l.load_id is null or l.state in ('started', 'written', 'passed', 'failed')
               or l.state = 'quarantined' and l.night = %(night)s)
        order by 1, 2
        """,
        {"source": source, "properties": list(property_keys), "night": night},
    ).fetchall()


def troubled(conn: Connection) -> list[tuple[str, str, str]]:
    """(property, file, reason) of what lies in the drop folders and was refused, or could not be read yet."""
    return conn.execute(
        """
        select p.property_name, s.file_name, coalesce(s.reason, f.reason, 'is not read yet')
        from ops.export_sighting as s
        join ops.property as p using (property_key)
        left join ops.export_file as f using (property_key, sha256)
        where p.is_active and (s.reason is not null or f.state in ('archived', 'refused'))
        order by 1, 2
        """
    ).fetchall()


def contradicted(conn: Connection) -> list[tuple[str, str, str, int, int]]:
    """(property, file, table, rows, rows left out) of what lies in the drop folders and says otherwise of one thing."""
    return conn.execute(
        """
        select p.property_name, s.file_name, e.table_name, e.row_count, e.contradicted_count
        from ops.export_sighting as s
        join ops.property as p using (property_key)
        join ops.export_part as e using (property_key, sha256)
        where p.is_active and e.contradicted_count > 0
        order by 1, 2, 3
        """
    ).fetchall()


def _move(
    conn: Connection, file: KeptFile, state: str, reason: str | None, night: date, exported_at: datetime | None
) -> None:
    conn.execute(
        """
        update ops.export_file set state = %s, reason = %s, night = %s, exported_at = %s
        where property_key = %s and sha256 = %s
        """,
        (state, reason and _text(reason), night, exported_at, file.property_key, file.sha256),
    )


def _forget(conn: Connection, file: KeptFile) -> None:
    key = (file.property_key, file.sha256)
    conn.execute("delete from ops.export_part where property_key = %s and sha256 = %s", key)
    conn.execute("delete from ops.export_refusal where property_key = %s and sha256 = %s", key)


def _text(value: str) -> str:
    """As PostgreSQL's text can hold it, and no longer than a person reads."""
    return str(mend(value))[:TEXT_CHARACTERS]
