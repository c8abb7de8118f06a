"""Migrations of the ledgers: numbered SQL files, each applied once in a transaction of its own, and recorded.

A file that was applied anywhere is never changed again: a change is the next file. What is computed from the ledgers
(ops_views.sql) and what follows from the specs (schema.py) is no migration.
"""

from __future__ import annotations

import hashlib
import logging
import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.resources import files

from seo_warehouse.errors import MigrationError
from seo_warehouse.ledger import turns
from seo_warehouse.ledger.session import Connection

log = logging.getLogger(__name__)

TURN = "migrate"
_NAME = re.compile(r"(\d{4})_([a-z0-9_]+)\.sql")
_RECORD = """
create table if not exists ops.migration (
    number integer primary key,
    name text not null,
    checksum text not null,
    applied_at timestamptz not null default now()
);
comment on table ops.migration is 'The migrations that made these ledgers. checksum: SHA-256 of the file.';
"""


@dataclass(frozen=True)
class Migration:
    """One numbered file."""

    number: int
    name: str
    text: str

    @property
    def checksum(self) -> str:
        """SHA-256 of the text."""
        return hashlib.sha256(self.text.encode()).hexdigest()

    def __str__(self) -> str:
        return f"{self.number:04d}_{self.name}"


def read_migrations() -> tuple[Migration, ...]:
    """The migrations of this release, in order."""
    found: list[Migration] = []
    for file in files("seo_warehouse.ledger").joinpath("migrations").iterdir():
        if named := _NAME.fullmatch(file.name):
            found.append(Migration(int(named[1]), named[2], file.read_text(encoding="utf-8")))
    return tuple(sorted(found, key=lambda migration: migration.number))


@contextmanager
def only_one(conn: Connection) -> Iterator[None]:
    """One migration of a database, or change of its roles, at a time; a second one waits for the first."""
    turns.make_turns(conn)
    with turns.turn(conn, TURN):
        yield


def migrate(conn: Connection, migrations: tuple[Migration, ...]) -> list[Migration]:
    """Apply what the database lacks, in order; what was applied stays when a later one fails. Returns what was applied.

    The connection is in autocommit mode and has its turn (`only_one`). Raises MigrationError for a database of a
    newer release, and where a file that was applied reads otherwise now.
    """
    conn.execute(_RECORD)
    rows = conn.execute("select number, name, checksum from ops.migration order by number").fetchall()
    _check(rows, {migration.number: migration for migration in migrations})
    applied = {number for number, _, _ in rows}
    missing = [migration for migration in migrations if migration.number not in applied]
    for migration in missing:
        with conn.transaction():
            conn.execute(migration.text.encode())
            conn.execute(
                "insert into ops.migration (number, name, checksum) values (%s, %s, %s)",
                (migration.number, migration.name, migration.checksum),
            )
        log.info("migration %s applied", migration)
    return missing


def _check(rows: list[tuple[int, str, str]], known: dict[int, Migration]) -> None:
    newest = max(known)
    for number, name, checksum in rows:
        if number > newest:
            raise MigrationError(
                f"this database has migration {number:04d}_{name}, and this release ends at {known[newest]}:"
                " install the release that made it, or restore a backup from before"
            )
        if number not in known or (known[number].name, known[number].checksum) != (name, checksum):
            raise MigrationError(
                f"migration {number:04d}_{name} was applied to this database and its file is another one now:"
                " put back the file as it was released; a change of the ledgers is a migration of its own"
            )
