"""One warehouse as the steps see it: its database by role, its archive, its properties, connections and clock."""

from __future__ import annotations

import json
import secrets
import threading
from collections import defaultdict
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager, suppress
from dataclasses import dataclass, field
from datetime import datetime
from functools import cached_property
from itertools import chain
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

import psycopg

from seo_warehouse.client.access import Connection
from seo_warehouse.client.archive import Folder
from seo_warehouse.client.archive import open_root as open_local_root
from seo_warehouse.config import Properties, Role, Settings
from seo_warehouse.errors import ConfigError, TransientLoadError
from seo_warehouse.ledger import guests
from seo_warehouse.ledger.completeness import sync_source_tables
from seo_warehouse.ledger.migrate import Migration
from seo_warehouse.ledger.roles import ROLES, role_name
from seo_warehouse.ledger.settings import sync_properties
from seo_warehouse.ledger.sites import Rekeying, expect_same_sites, rekey
from seo_warehouse.ledger.turns import end_turns
from seo_warehouse.load import schema
from seo_warehouse.logs.names import Resolver
from seo_warehouse.sources import SOURCES
from seo_warehouse.spec import NIGHT_DEADLINE, Source
from seo_warehouse.steps import stated

DATABASE = "seo_warehouse"
SECRETS_FILE = "secrets.json"
"""File in the state folder with the passwords of roles."""
_Kept = dict[str, list[psycopg.Connection[Any]]]
_of_thread = threading.local()
WRONG_PASSWORD = "password authentication failed"  # noqa: S105  # what PostgreSQL says


@dataclass(frozen=True)
class Warehouse:
    """Everything a step needs that is not its own argument. What is not handed in is as the settings state it."""

    settings: Settings
    clock: Callable[[Settings], datetime] = stated.read_clock
    find_connection: Callable[[Settings, str], Connection] = stated.find_connection
    open_root: Callable[[str], Folder] = open_local_root
    resolver: Resolver = field(default_factory=Resolver)

    @property
    def properties(self) -> Properties:
        """The validated properties.yml."""
        return self.settings.properties

    @property
    def sources(self) -> tuple[Source, ...]:
        """The sources configured for at least one property."""
        return tuple(s for s in SOURCES if self.properties.with_source(s))

    @cached_property
    def _secrets(self) -> dict[str, str]:
        return role_passwords(self.settings)

    def dsn(self, role: Role) -> str:
        """URI for a role, as libpq takes it. Raises ConfigError where no PostgreSQL is known yet."""
        base = self.settings.owner_dsn
        if base and role == "owner":
            return base
        if base is None:
            base = embedded_dsn(self.settings.home)
        parts = urlsplit(base)
        host = parts.netloc.rpartition("@")[2]
        # Whoever is told the operator's has no home of its own, and needs none.
        password = (role == "operator" and self.settings.operator_password) or self._secrets[role]
        return urlunsplit(parts._replace(netloc=f"{role_name(role)}:{quote(password, safe='')}@{host}"))

    @contextmanager
    def connect(self, role: Role = "loader", **settings: Any) -> Iterator[psycopg.Connection[Any]]:
        """A connection that commits at the end, or rolls back. Raises TransientLoadError when there is no server.

        Within `keeping_sessions` one may have a session that another has left, without its turns.
        """
        kept: _Kept | None = getattr(_of_thread, "kept", None)
        if kept is None or role != "loader" or settings != {"autocommit": True}:
            with self._begin(role, settings) as connection:
                yield connection
            return
        dsn = self.dsn(role)
        with ExitStack() as ending:
            connection = ending.enter_context(_living(kept[dsn]) or self._begin(role, settings))
            yield connection
            with suppress(psycopg.Error):
                end_turns(connection)
                kept[dsn].append(connection)
                ending.pop_all()

    def _begin(self, role: Role, settings: dict[str, Any]) -> psycopg.Connection[Any]:
        try:
            return psycopg.connect(self.dsn(role), application_name=f"seo-warehouse {role}", **settings)
        except psycopg.OperationalError as error:
            if WRONG_PASSWORD in str(error):
                raise ConfigError(self._say_refused(role)) from None
            raise TransientLoadError(f"the warehouse does not answer: {error}") from None

    def _say_refused(self, role: Role) -> str:
        user = urlsplit(self.dsn(role)).username
        if role == "owner":
            return f"PostgreSQL does not accept the password of {user}: mend it in SEO_WAREHOUSE_DSN"
        kept = self.settings.home / SECRETS_FILE
        return (
            f"PostgreSQL does not accept the password of {user} in {kept}: is SEO_WAREHOUSE_HOME the one that this"
            " database was made with? Else `seo-warehouse migrate` sets it anew"
        )

    @cached_property
    def archive(self) -> Folder:
        """Root of the archive of answers. Raises ConfigError where it cannot be opened."""
        return self.open_root(self.settings.archive)

    def connection(self, name: str) -> Connection:
        """The connection to a provider. Raises ConfigError where there is none, or it is not in its form."""
        return self.find_connection(self.settings, name)

    def now(self) -> datetime:
        """The instant now, UTC. Raises TransientSourceError where the clock does not answer."""
        return self.clock(self.settings)

    def is_open(self, night: Any) -> bool:
        """Whether snapshots may still be read for `night`: it has begun and its deadline has not passed."""
        now = self.now()
        return bool(now.date() == night and now.time() < NIGHT_DEADLINE)

    def migrate(self, rekeying: Rekeying | None = None) -> list[Migration]:
        """Create or complete schemas, ledgers, raw tables, roles and grants, and take over properties.yml.

        Returns the migrations that were applied. Raises ConfigError where a key stands for another site than it did and
        nobody said that it shall.
        """
        with self.connect("owner", autocommit=True) as connection:
            applied = schema.prepare(connection, SOURCES, self._secrets)
            if rekeying is not None:
                with connection.transaction():
                    ended = rekey(connection, self.properties, rekeying)
                guests.end_sessions(connection, ended, "a property that it was granted has another site")
        self.sync_properties()
        return applied

    def expect_same_sites(self) -> None:
        """Raises ConfigError where properties.yml gives a key to another site than it stood for."""
        _ = self._has_same_sites

    @cached_property
    def _has_same_sites(self) -> bool:
        with self.connect("loader") as connection:
            expect_same_sites(connection, self.properties)
        return True

    def sync_properties(self) -> None:
        """Write properties.yml's properties, what they are read for, keywords and topic rules where SQL sees them."""
        with self.connect("loader") as connection:
            sync_properties(connection, self.properties)
            sync_source_tables(connection, SOURCES, self.properties)


@contextmanager
def keeping_sessions() -> Iterator[None]:
    """Until the block ends, who connects as the loader in autocommit mode, in this thread, takes up a session that is
    there: to begin one costs PostgreSQL more than a small load does. One that ended in an error is not kept.
    """
    kept: _Kept = defaultdict(list)
    _of_thread.kept = kept
    try:
        yield
    finally:
        _of_thread.kept = None
        for connection in chain(*kept.values()):
            connection.close()


def _living(kept: list[psycopg.Connection[Any]]) -> psycopg.Connection[Any] | None:
    """One of the sessions kept that is still there: an idle one may have ended with its server, or by a time limit."""
    while kept:
        connection = kept.pop()
        with suppress(psycopg.Error):
            connection.execute("")
            return connection
        connection.close()
    return None


def open_warehouse(settings: Settings | None = None) -> Warehouse:
    """The warehouse that the environment describes."""
    return Warehouse(settings or Settings())


def role_passwords(settings: Settings) -> dict[str, str]:
    """Passwords by role: those that are stated, else the home's own."""
    stated = {"operator": settings.operator_password} if settings.operator_password else {}
    return read_secrets(settings.home) | stated


def read_secrets(home: Path) -> dict[str, str]:
    """Passwords by name, made at first use and kept in `<home>/secrets.json`, readable by its owner only."""
    path = home / SECRETS_FILE
    known: dict[str, str] = json.loads(path.read_text()) if path.exists() else {}
    missing = {"postgres", "owner", "airflow", "airflow_admin", *ROLES} - known.keys()
    if missing:
        known |= {name: secrets.token_urlsafe(18) for name in sorted(missing)}
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        fresh.write_text(json.dumps(known, indent=2))
        fresh.rename(path)
    return known


def read_ports(home: Path) -> dict[str, int]:
    """The loopback ports that `make run` chose, by component; empty before the first run."""
    path = home / "ports.json"
    ports: dict[str, int] = json.loads(path.read_text()) if path.exists() else {}
    return ports


def embedded_dsn(home: Path) -> str:
    """URI of the embedded server's warehouse database, without a user. Raises ConfigError before the first run."""
    ports = read_ports(home)
    if "postgres" not in ports:
        raise ConfigError(f"no PostgreSQL is known in {home}: run `make run` first, or set SEO_WAREHOUSE_DSN")
    return f"postgresql://127.0.0.1:{ports['postgres']}/{DATABASE}"
