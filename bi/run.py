"""`make bi`: Superset with the dashboards, one bundle for each login of the database."""

from __future__ import annotations

import json
import secrets
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import quote, unquote, urlsplit, urlunsplit

import click
import psycopg
import requests

from bi import bundle
from seo_warehouse.embedded import processes
from seo_warehouse.embedded.postgres import free_port
from seo_warehouse.embedded.processes import Component
from seo_warehouse.errors import ConfigError, EmbeddedError, SeoWarehouseError
from seo_warehouse.ledger.grants import read_grants
from seo_warehouse.ledger.roles import role_name
from seo_warehouse.steps.grants import PLAIN_NAME
from seo_warehouse.steps.warehouse import Warehouse, open_warehouse

HERE = Path(__file__).parent
PYTHON = HERE / ".venv" / "bin" / "python"
STARTED_FROM = (".venv/.ready", "serve.py", "superset_config.py")
"""What a Superset that serves has in memory, below this folder: the lock's packages and its settings."""
ADMIN = "admin"
OWN_LOGIN = role_name("analyst")
START_SECONDS = 600.0
CALL_SECONDS = 300.0


class Kept:
    """What stays from one start to the next: port and passwords, in `<home>/bi/kept.json`, its owner's alone."""

    def __init__(self, home: Path):
        self.folder = home / "bi"
        self.component = component(home)
        self.path = self.folder / "kept.json"
        known = json.loads(self.path.read_text()) if self.path.exists() else {}
        self.port: int = known.get("port") or free_port()
        self.secret_key: str = known.get("secret_key") or secrets.token_urlsafe(42)
        self.admin: str = known.get("admin") or secrets.token_urlsafe(18)
        self.analysts: dict[str, str] = known.get("analysts", {})
        self.write()

    def write(self) -> None:
        """Keep it."""
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self.path.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.touch(mode=0o600)
        told = {"port": self.port, "secret_key": self.secret_key, "admin": self.admin, "analysts": self.analysts}
        fresh.write_text(json.dumps(told))
        fresh.rename(self.path)

    @property
    def url(self) -> str:
        """Where it serves."""
        return f"http://127.0.0.1:{self.port}"


def component(home: Path) -> Component:
    """The process that serves a home's dashboards."""
    return Component("superset", home / "bi")


class Api:
    """Superset's REST interface as a user, its administrator if none is named. Each call may raise EmbeddedError.

    https://superset.apache.org/docs/api
    """

    def __init__(self, kept: Kept, user: str = ADMIN, password: str | None = None):
        self.url = f"{kept.url}/api/v1"
        self.log = kept.component.log
        self.session = requests.Session()
        # Loopback needs no proxy.
        self.session.trust_env = False
        login = {"username": user, "password": password or kept.admin, "provider": "db", "refresh": False}
        self.session.headers["Authorization"] = (
            f"Bearer {self.call('POST', 'security/login', json=login)['access_token']}"
        )
        self.session.headers["X-CSRFToken"] = self.call("GET", "security/csrf_token/")["result"]
        self.session.headers["Referer"] = kept.url

    def call(self, method: str, path: str, **more: Any) -> Any:
        """What a call returns."""
        try:
            answer = self.session.request(method, f"{self.url}/{path}", timeout=CALL_SECONDS, **more)
        except requests.RequestException as error:
            raise EmbeddedError(f"Superset does not answer to {method} {path}: {error}; see {self.log}") from None
        if not answer.ok:
            raise EmbeddedError(f"Superset answers {answer.status_code} to {method} {path}: {answer.text[:1000]}")
        return answer.json()

    def install(self, dsn: str, password: str | None, types: bundle.Types) -> None:
        """Put a login's bundle in the place of the one before. Without a password Superset keeps the one it has."""
        file = bundle.database_file(bundle.login_of(dsn))
        passwords = {"passwords": json.dumps({file: password})} if password else {}
        packed = {"bundle": ("bundle.zip", bundle.bundle(dsn, types), "application/zip")}
        self.call("POST", "assets/import/", files=packed, data=passwords)

    def admit(self, login: str, password: str) -> None:
        """Make a user of the login's name that sees the login's bundle and nothing else, unless there is one.

        One that was dismissed comes back, by this password.
        """
        known = self._find("security/users", "username", login)
        # Whoever is there may have another password by now, which is theirs to choose.
        if known and self.call("GET", f"security/users/{known}")["result"]["active"]:
            return
        name = bundle.database_name(login)
        right = ("database_access", f"[{name}].(id:{self._find('database', 'database_name', name)})")
        role = self._find("security/roles", "name", name)
        if role is None:
            role = self.call("POST", "security/roles/", json={"name": name})["id"]
        rights = {"permission_view_menu_ids": [self._permissions()[right]]}
        self.call("POST", f"security/roles/{role}/permissions", json=rights)
        roles = [role, *(self._find("security/roles", "name", known) for known in ("Gamma", "sql_lab"))]
        user = {"username": login, "first_name": login, "last_name": "analyst", "email": f"{login}@localhost"}
        place = ("PUT", f"security/users/{known}") if known else ("POST", "security/users/")
        self.call(*place, json=user | {"active": True, "password": password, "roles": roles})

    def dismiss(self, login: str) -> None:
        """Let a login's user in no more and take its bundle away, whatever of it is there."""
        if user := self._find("security/users", "username", login):
            # Superset deletes none that has ever done anything.
            self.call("PUT", f"security/users/{user}", json={"active": False})
        if database := self._find("database", "database_name", bundle.database_name(login)):
            # What hangs on a database goes before it.
            related = self.call("GET", f"database/{database}/related_objects/")
            for what in ("dashboard", "chart"):
                self._delete(what, [each["id"] for each in related[f"{what}s"]["result"]])
            self._delete("dataset", self._all("dataset", "database", "rel_o_m", database))
            self.call("DELETE", f"database/{database}")

    def _delete(self, what: str, numbers: list[int]) -> None:
        if numbers:
            self.call("DELETE", f"{what}/", params={"q": json.dumps(numbers)})

    def _find(self, what: str, column: str, value: str) -> int | None:
        """The number of what has a value in a column, or None."""
        return next(iter(self._all(what, column, "eq", value)), None)

    def _all(self, what: str, column: str, relation: str, value: str | int) -> list[int]:
        """The numbers of all, a hundred at most, that have a value in a column."""
        filters = {"filters": [{"col": column, "opr": relation, "value": value}], "page_size": 100}
        return list(self.call("GET", f"{what}/", params={"q": json.dumps(filters)})["ids"])

    def _permissions(self) -> dict[tuple[str, str], int]:
        found: dict[tuple[str, str], int] = {}
        page = 0
        while True:
            query = json.dumps({"page": page, "page_size": 100})
            rows = self.call("GET", "security/permissions-resources/", params={"q": query})["result"]
            found |= {(row["permission"]["name"], row["view_menu"]["name"]): row["id"] for row in rows}
            if len(rows) < 100:
                return found
            page += 1


def start(kept: Kept) -> Api:
    """Serve, unless what there is now serves already, and wait until it answers. Raises EmbeddedError."""
    if _is_outdated(kept.component):
        processes.stop([kept.component])
    environment = {
        "PATH": f"{PYTHON.parent}:/usr/bin:/bin",
        "HOME": str(kept.folder),
        "SUPERSET_CONFIG_PATH": str(HERE / "superset_config.py"),
        "SEO_WAREHOUSE_BI": str(kept.folder),
        "PYTHONWARNINGS": "ignore",
        "LANG": "C.UTF-8",
    }
    processes.start(kept.component, [str(PYTHON), str(HERE / "serve.py")], environment=environment, folder=kept.folder)
    deadline = time.monotonic() + START_SECONDS
    while not _answers(kept):
        if processes.find(kept.component) is None:
            raise EmbeddedError(
                f"Superset has ended: {processes.last_words(kept.component)}; all of it: {kept.component.log}"
            )
        if time.monotonic() > deadline:
            raise EmbeddedError(f"Superset does not answer after {START_SECONDS:.0f} s: see {kept.component.log}")
        time.sleep(0.5)
    return Api(kept)


def _is_outdated(served: Component) -> bool:
    """Whether what a process was started from has changed since."""
    known = [HERE / name for name in STARTED_FROM if (HERE / name).exists()]
    return served.record.exists() and max(p.stat().st_mtime for p in known) > served.record.stat().st_mtime


def _answers(kept: Kept) -> bool:
    try:
        with requests.Session() as session:
            session.trust_env = False
            return session.get(f"{kept.url}/health", timeout=5).ok
    except requests.RequestException:
        return False


def address(wh: Warehouse, login: str, password: str) -> str:
    """The libpq URI of a login of the warehouse's database."""
    parts = urlsplit(wh.dsn("analyst"))
    server = parts.netloc.rpartition("@")[2]
    return urlunsplit(parts._replace(netloc=f"{quote(login, safe='')}:{quote(password, safe='')}@{server}"))


def serve(wh: Warehouse, named: Mapping[str, str]) -> Kept:
    """Bring Superset up with a bundle for each login that was named and is still granted anything.

    `named` has passwords by login. Raises ConfigError where a login is granted nothing or does not reach the warehouse,
    EmbeddedError where Superset does not.
    """
    for login in named:
        if not PLAIN_NAME.fullmatch(login):
            raise ConfigError(
                f"{login} is a name that SQL has to quote: dashboards are for logins of small letters, digits and _"
            )
    passwords = {OWN_LOGIN: unquote(urlsplit(wh.dsn("analyst")).password or ""), **named}
    kept = Kept(wh.settings.home)
    for login, known in passwords.items():
        _expect_open(address(wh, login, known), login)
    with wh.connect("owner") as connection:
        granted = {each.analyst for each in read_grants(connection) if each.has_role}
    for login in named.keys() - granted:
        raise ConfigError(f"{login} reads nothing: first `seo-warehouse grant {login} --property ...`")
    try:
        with wh.connect("analyst", autocommit=True) as connection:
            types = bundle.read_types(connection)
    except (psycopg.errors.UndefinedTable, psycopg.errors.UndefinedColumn) as error:
        raise ConfigError(
            f"{error.diag.message_primary}: dashboards are of marts that a build of this version has made (`make run`)"
        ) from None
    api = start(kept)
    for login in kept.analysts.keys() - granted - {OWN_LOGIN}:
        api.dismiss(login)
        del kept.analysts[login]
        kept.write()
    for login in dict.fromkeys([OWN_LOGIN, *kept.analysts, *passwords]):
        api.install(address(wh, login, "X"), passwords.get(login), types)
        kept.analysts.setdefault(login, secrets.token_urlsafe(12))
        kept.write()
        api.admit(login, kept.analysts[login])
    return kept


def _expect_open(dsn: str, login: str) -> None:
    try:
        psycopg.connect(dsn, connect_timeout=20).close()
    except psycopg.OperationalError as error:
        raise ConfigError(f"{login} does not reach the warehouse (`make run` serves it): {error}") from None


@click.group()
def main() -> None:
    """Superset beside the warehouse."""


@main.command(name="serve")
@click.option("--analyst", help="A login that `seo-warehouse grant` made: a bundle of its own, or a new password.")
def _serve(analyst: str | None) -> None:
    """Serve the dashboards, and say where."""
    wh = open_warehouse()
    named = {}
    if analyst and analyst != OWN_LOGIN:
        named[analyst] = click.prompt(f"Password of {analyst} in the database", hide_input=True)
    before = Kept(wh.settings.home).analysts.keys() - {analyst}
    try:
        kept = serve(wh, named)
    except SeoWarehouseError as error:
        raise click.ClickException(str(error)) from None
    click.echo(f"Superset: {kept.url}/dashboard/list/")
    for user, told in [(ADMIN, kept.admin), *kept.analysts.items()]:
        # Who was told of before has it: what is printed is read over shoulders, and stays in logs.
        click.echo(f"  {user}, " + (f"as told before (in {kept.path})" if user in before else f"password {told}"))


@main.command()
def stop() -> None:
    """End it."""
    processes.stop([component(open_warehouse().settings.home)])


if __name__ == "__main__":
    main()
