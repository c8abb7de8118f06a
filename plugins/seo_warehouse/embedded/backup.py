"""The warehouse's database in one file, and back: pg_dump and pg_restore of the embedded server, or those on PATH."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Callable
from pathlib import Path

import psycopg
from psycopg.conninfo import conninfo_to_dict, make_conninfo

from seo_warehouse.config import Settings
from seo_warehouse.embedded import parts
from seo_warehouse.embedded.ports import choose_ports
from seo_warehouse.embedded.postgres import binaries
from seo_warehouse.errors import BackupError, ConfigError
from seo_warehouse.ledger import migrate
from seo_warehouse.ledger.roles import make_roles
from seo_warehouse.load import schema
from seo_warehouse.sources import SOURCES
from seo_warehouse.steps.build import make_anew
from seo_warehouse.steps.warehouse import Warehouse, role_passwords

Say = Callable[[str], None]
MODELLED = ("staging", "intermediate", "marts", "plans")
"""Schemas of what builds make."""


def back_up(wh: Warehouse, to: Path, say: Say) -> None:
    """Write all of the warehouse's database, as of one moment, into a new file that only its owner may read.

    Nights may go on meanwhile. Cut anywhere, it leaves no file of that name. Raises BackupError.
    """
    if to.exists():
        raise BackupError(f"{to} is there already: a backup never replaces another; name a new file")
    aside = to.with_name(f".{to.name}.{os.getpid()}")
    try:
        aside.touch(mode=0o600)
        # Of our schemas alone: what others made in the database, be it a large object, may not be ours to read.
        ours = [f"--schema={name}" for name in schema.SCHEMAS]
        _run("pg_dump", wh.dsn("owner"), "--format=custom", f"--file={aside}", *ours)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        aside.rename(to)
    finally:
        aside.unlink(missing_ok=True)
    say(f"{to}: {to.stat().st_size / 1e6:,.1f} MB")


def restore(settings: Settings, file: Path, say: Say) -> None:
    """Fill an empty database from a backup, whole or not at all, and bring it to this release.

    Without SEO_WAREHOUSE_DSN it is the embedded server's, which is started and goes on serving. Tables get their
    owners, roles this home's passwords. Into a cluster no model is restored. Raises BackupError, MigrationError.
    """
    wh = Warehouse(settings)
    if not file.is_file():
        raise BackupError(f"{file} is no file")
    if settings.owner_dsn is None:
        settings.home.mkdir(mode=0o700, parents=True, exist_ok=True)
        parts.start_postgres(settings, choose_ports(settings, is_demo=False), say)
    with wh.connect("owner", autocommit=True) as connection:
        _expect_empty(connection)
        # What the backup's policies may name.
        make_roles(connection, role_passwords(settings))
        say(f"restoring {file}")
        is_cluster = schema.is_cluster(connection)
        # What goes to the nodes of a cluster is said at the end, where everything is there (schema.distribute). Models
        # are made anew there: of where their rows lie, and of who may read them, nothing is as it was.
        left_out = [f"--exclude-schema={name}" for name in MODELLED] if is_cluster else []
        options = "-c citus.enable_ddl_propagation=off" if is_cluster else ""
        arguments = ("--no-owner", "--no-privileges", "--single-transaction", *left_out, str(file))
        _run("pg_restore", wh.dsn("owner"), *arguments, options=options)
        if connection.execute("select to_regclass('ops.migration')").fetchone() == (None,):
            raise BackupError(f"{file} is no backup of a warehouse: it has no table ops.migration; drop the database")
        applied = schema.prepare(connection, SOURCES, role_passwords(settings))
    if is_cluster:
        make_anew(wh)
        say("the models are not restored into a cluster: the next build makes them anew")
    for migration in applied:
        say(f"applied {migration}")
    say(f"restored; the database is at migration {migrate.read_migrations()[-1]}")


def _expect_empty(connection: psycopg.Connection[tuple[object, ...]]) -> None:
    found = connection.execute(
        """
        with extension as (select classid, objid from pg_depend where deptype = 'e')
        select n.nspname from pg_namespace as n
        where n.nspname <> 'information_schema' and n.nspname !~ '^pg_'
          and ('pg_namespace'::regclass, n.oid) not in (select classid, objid from extension)
          and (n.nspname <> 'public' or exists (
              select from pg_class as c
              where c.relnamespace = n.oid
                and ('pg_class'::regclass, c.oid) not in (select classid, objid from extension)
          ))
        order by 1 limit 1
        """
    ).fetchone()
    if found is not None:
        raise BackupError(
            f"the database is not empty, it has a schema {found[0]}: restore into a new one"
            " (another SEO_WAREHOUSE_HOME, or a SEO_WAREHOUSE_DSN that names an empty database)"
        )


def _run(program: str, dsn: str, *arguments: str, options: str = "") -> None:
    """Run a program on a database. The password goes by its environment: a command line is seen by everyone.

    `options`: those of its sessions.
    """
    place = conninfo_to_dict(dsn)
    environment = os.environ | {"PGPASSWORD": str(place.pop("password", "")), "PGAPPNAME": f"seo-warehouse {program}"}
    database = make_conninfo("", **place, **({"options": options} if options else {}))
    command = [_find(program), "--no-password", f"--dbname={database}", *arguments]
    done = subprocess.run(
        command,
        env=environment,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        check=False,
    )
    if done.returncode:
        raise BackupError(f"{program} failed ({done.returncode}): {' '.join(done.stdout.split())[-1000:]}")


def _find(program: str) -> str:
    own = binaries() / program
    found = str(own) if own.exists() else shutil.which(program)
    if found is None:
        raise ConfigError(f"{program} is neither in {own.parent} nor on PATH: install PostgreSQL's client programs")
    return found
