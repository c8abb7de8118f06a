"""The demo's HTTP server: its vendors, a release of ranks, the sites and the control, on one loopback port.

Requests for a host of a demo property get its site, those for a host that links to one the page that links; all others
are for the vendors and the control. Whose clock a
request lives by follows from the host, the Search Console site or the DataForSEO account that it names.

    GET  PUT /control/clock      {"now": instant or null, "is_set": bool}; ?property=name for that property's own
    GET  PUT /control/failures   list of rules, see failures.Rule
    GET      /control/disclosed  ?kind=backlinks|serp|search_console|index|site
    GET  PUT /control/calls      calls by path, orders placed and repeated; PUT counts from nothing again
    GET  PUT /control/settings   {"serp_delay_seconds": number}
    GET      /control/plan       ?property=name: pages that link to it and are to be visited, at its own clock
    GET      /control/connections  the AIRFLOW_CONN_* variables that lead here
"""

from __future__ import annotations

import gzip
import logging
import socket
import struct
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import format_datetime
from functools import lru_cache
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

import orjson

from seo_warehouse.demo import accounts, analytics, crm
from seo_warehouse.demo.catalogue import ALL_PROPERTIES, DEMO_PROPERTIES, DemoProperty
from seo_warehouse.demo.clock import COMMON, Clock, real_now
from seo_warehouse.demo.demand import Demand
from seo_warehouse.demo.failures import Failures, Rule
from seo_warehouse.demo.google import GoogleError, SearchConsole, Tokens, quota_error
from seo_warehouse.demo.index import Index
from seo_warehouse.demo.linking import LinkingSites, asks
from seo_warehouse.demo.logs import LOGGED
from seo_warehouse.demo.ranks import PATH as RANKS_PATH
from seo_warehouse.demo.ranks import packed_release
from seo_warehouse.demo.records import Calls, Journal, Orders, disclosed
from seo_warehouse.demo.site import Sites
from seo_warehouse.demo.status import incidents
from seo_warehouse.demo.truth import write_truth
from seo_warehouse.demo.vendor import Shown, Vendor, unauthorized
from seo_warehouse.demo.visits import OLD_LISTS, list_document
from seo_warehouse.demo.world import World

log = logging.getLogger(__name__)

JSON = "application/json; charset=utf-8"
MOST_BODY_BYTES = 10_000_000
QUERY_PATH = "/webmasters/v3/sites/"
QUERY_END = "/searchAnalytics/query"
SITEMAPS_END = "/sitemaps"
INSPECT_PATH = "/v1/urlInspection/index:inspect"


@dataclass(frozen=True)
class Response:
    """One answer before any failure. `shown` goes to the disclosure log unless the answer is broken."""

    status: int
    body: bytes
    headers: dict[str, str] = field(default_factory=dict)
    shown: Shown | None = None


@lru_cache(maxsize=64)
def _http_date(at: datetime) -> str:
    return format_datetime(at, usegmt=True)


def _json(value: Any, status: int = 200, shown: Shown | None = None) -> Response:
    return Response(status, orjson.dumps(value), {"Content-Type": JSON}, shown)


class DemoServer(ThreadingHTTPServer):
    """A world, its records and its clock behind one port of 127.0.0.1. Raises OSError where the port is taken."""

    daemon_threads = True
    request_queue_size = 128

    def __init__(self, port: int, folder: Path, world: World) -> None:
        super().__init__(("127.0.0.1", port), Handler, bind_and_activate=False)
        try:
            self.server_bind()
            self._prepare(folder, world)
            # Listening comes last: a client that gets a connection gets an answer.
            self.server_activate()
        except BaseException:
            self.socket.close()
            raise

    def _prepare(self, folder: Path, world: World) -> None:
        self.folder = folder
        self.world = world
        self.base_url = f"http://127.0.0.1:{self.server_address[1]}"
        self.clock = Clock(folder / "clock.json")
        self.failures = Failures()
        self.calls = Calls()
        self.journal = Journal(folder)
        self.orders = Orders(folder)
        self.vendor = Vendor(world, self.orders)
        self.sites = Sites(world)
        self.linking = LinkingSites(world)
        self.analytics = analytics.Analytics(world, next(p for p in DEMO_PROPERTIES if p.name == LOGGED))
        self.crm = crm.account(world, next(p for p in DEMO_PROPERTIES if p.name == crm.ASKED_BY))
        self.demand = Demand(world)
        self.search_console = SearchConsole(self.demand, world.knobs.day_cap)
        self.index = Index(world.seed, world.first_day)
        self.account = accounts.service_account(folder, self.base_url)
        self.tokens = Tokens(accounts.public_key(self.account["private_key"]), self.account["client_email"])
        write_truth(folder, world, self.demand, min(real_now().date(), world.last_day))

    def server_close(self) -> None:
        """Close the port and the files."""
        super().server_close()
        self.journal.close()
        self.orders.close()

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that went away is no news; anything else is."""
        error = sys.exception()
        if isinstance(error, OSError):
            log.debug("%s ended its connection early", client_address)
        else:
            log.error("a request of %s failed", client_address, exc_info=error)


class Handler(BaseHTTPRequestHandler):
    """One connection, kept alive."""

    protocol_version = "HTTP/1.1"
    server_version = "demo"
    disable_nagle_algorithm = True
    server: DemoServer
    now: datetime
    """The instant that the request is answered in."""

    def log_message(self, format: str, *args: Any) -> None:
        """Requests are counted, not printed."""

    def do_GET(self) -> None:
        """Answer a GET."""
        self._handle()

    def do_POST(self) -> None:
        """Answer a POST."""
        self._handle()

    def do_PUT(self) -> None:
        """Answer a PUT."""
        self._handle()

    def do_HEAD(self) -> None:
        """Answer a HEAD."""
        self._handle()

    def _handle(self) -> None:
        host = self.headers.get("Host", "")
        prop = self.server.sites.property_of(host)
        path = urlsplit(self.path).path
        length = int(self.headers.get("Content-Length") or 0)
        body = self.rfile.read(length) if 0 < length <= MOST_BODY_BYTES else b""
        now = self.now = self.server.clock.now(prop.name if prop else self._clock_name(host, path, body))
        if length > MOST_BODY_BYTES:
            self.close_connection = True
            self._send(Response(413, b""))
            return
        if prop is None and path.startswith("/control/"):
            self._send(self._control(path, body))
            return
        is_linking = self.server.linking.property_of(host) is not None
        self.server.calls.count(self.command, host.split(":")[0] + path if prop or is_linking else path)
        rule = self.server.failures.choose(self.path)
        if rule and rule.kind == "reset":
            self._reset()
            return
        response = self._early_failure(rule, path, body, now)
        if response is None and prop:
            response = self._site(prop, host, now)
        elif response is None:
            response = self._linking(host, now) if is_linking else self._answer(path, body, now)
        if rule:
            self._fail(rule, response)
        else:
            if response.shown:
                # Before sending: whoever holds the answer finds its line in the log.
                self.server.journal.add(*response.shown)
            self._send(response)

    def _clock_name(self, host: str, path: str, body: bytes) -> str:
        if key := self.server.linking.property_of(host):
            return next(prop.name for prop in ALL_PROPERTIES if prop.key == key)
        if path.startswith(analytics.PATH):
            return LOGGED
        if path.startswith(crm.PREFIX):
            return crm.ASKED_BY
        account = accounts.account_of(self.headers.get("Authorization"))
        site = _inspected_site(body) if path == INSPECT_PATH else _site_of(path) or _listed_site(path)
        by_site = self.server.search_console.property_of(site)
        return by_site.name if by_site else account or COMMON

    def _site(self, prop: DemoProperty, host: str, now: datetime) -> Response:
        answer = self.server.sites.answer(prop, host, self.path, now)
        shown = {
            "at": now.isoformat(),
            "property_key": prop.key,
            "url": f"http://{host.split(':')[0]}{self.path}",
            "status": answer.status,
            "version": answer.version,
            "bytes": len(answer.body),
        }
        return Response(answer.status, answer.body, answer.headers, ("site", [shown]))

    def _linking(self, host: str, now: datetime) -> Response:
        answer = self.server.linking.answer(host, self.path, now)
        return Response(answer.status, answer.body, answer.headers)

    def _answer(self, path: str, body: bytes, now: datetime) -> Response:
        if path.startswith("/v3/"):
            account = accounts.account_of(self.headers.get("Authorization"))
            if account is None:
                return Response(401, unauthorized(), {"Content-Type": JSON, "WWW-Authenticate": 'Basic realm="demo"'})
            status, answer, shown = self.server.vendor.answer(account, self.command, path, body, now)
            return Response(status, answer, {"Content-Type": JSON}, shown)
        if path.startswith(crm.PREFIX):
            return self._crm(path, body, now)
        if path == "/token" and self.command == "POST":
            form = {name: values[0] for name, values in parse_qs(body.decode("utf-8", "replace")).items()}
            status, grant = self.server.tokens.grant(form, f"{self.server.base_url}/token")
            return _json(grant, status)
        if (site := _site_of(path)) is not None and self.command == "POST":
            return self._query(site, body, now)
        if path == INSPECT_PATH and self.command == "POST":
            return self._inspect(body, now)
        if path.startswith(analytics.PATH):
            return self._analyse(path.removeprefix(analytics.PATH), body, now)
        if path.startswith(QUERY_PATH) and self.command == "GET":
            return self._about_site(path.removeprefix(QUERY_PATH), now)
        if path == RANKS_PATH and self.command == "GET":
            return Response(200, packed_release(self.server.world.seed), {"Content-Type": "application/gzip"})
        if path == "/incidents.json" and self.command == "GET":
            return _json(incidents(now))
        if (name := path.removeprefix("/").removesuffix(".json")) in OLD_LISTS and self.command == "GET":
            return _json(list_document(self.server.world, name, now))
        return _json({"error": {"code": 404, "message": "Not Found", "status": "NOT_FOUND"}}, 404)

    def _crm(self, path: str, body: bytes, now: datetime) -> Response:
        if self.headers.get("Authorization") != f"Bearer {crm.TOKEN}":
            said = {"status": "error", "category": "INVALID_AUTHENTICATION", "message": "The token is not valid."}
            return _json(said, 401)
        query = {name: values[0] for name, values in parse_qs(urlsplit(self.path).query).items()}
        status, answer, headers = self.server.crm.answer(self.command, path, query, orjson.loads(body or b"{}"), now)
        return Response(status, orjson.dumps(answer), {"Content-Type": JSON, **headers})

    def _analyse(self, asked: str, body: bytes, now: datetime) -> Response:
        if self.command == "POST":
            return self._asked_of_google(body, lambda stated: (self.server.analytics.answer(asked, stated, now), None))
        try:
            self.server.tokens.check(self.headers.get("Authorization"))
            return _json(self.server.analytics.answer(asked, None, now))
        except GoogleError as error:
            return _json(error.body(), error.code)

    def _about_site(self, asked: str, now: datetime) -> Response:
        site, _, what = asked.partition("/")
        try:
            self.server.tokens.check(self.headers.get("Authorization"))
            if what == "sitemaps":
                index = parse_qs(urlsplit(self.path).query).get("sitemapIndex", [None])[0]
                return _json(self.server.index.sitemaps(unquote(site), index, now))
            return _json(self.server.search_console.permission(unquote(asked)))
        except GoogleError as error:
            return _json(error.body(), error.code)

    def _query(self, site: str, body: bytes, now: datetime) -> Response:
        def ask(asked: dict[str, Any]) -> tuple[Any, Shown]:
            answer, shown = self.server.search_console.query(site, asked, now)
            return answer, ("search_console", [{"at": now.isoformat(), "site": site, **row} for row in shown])

        return self._asked_of_google(body, ask)

    def _inspect(self, body: bytes, now: datetime) -> Response:
        def ask(asked: dict[str, Any]) -> tuple[Any, Shown]:
            answer, shown = self.server.index.inspect(asked, now)
            return answer, ("index", [{"at": now.isoformat(), **shown}])

        return self._asked_of_google(body, ask)

    def _asked_of_google(self, body: bytes, ask: Callable[[dict[str, Any]], tuple[Any, Shown | None]]) -> Response:
        """The answer to a body of JSON, signed with a token, or the error in Google's form."""
        try:
            self.server.tokens.check(self.headers.get("Authorization"))
            asked = orjson.loads(body)
            if not isinstance(asked, dict):
                raise GoogleError(400, "INVALID_ARGUMENT", "badRequest", "Invalid JSON payload received.")
            answer, shown = ask(asked)
        except orjson.JSONDecodeError:
            error = GoogleError(400, "INVALID_ARGUMENT", "parseError", "Invalid JSON payload received.")
            return _json(error.body(), 400)
        except GoogleError as error:
            return _json(error.body(), error.code)
        return _json(answer, shown=shown)

    def _control(self, path: str, body: bytes) -> Response:
        server, name = self.server, path.removeprefix("/control/")
        asked = {key: values[0] for key, values in parse_qs(urlsplit(self.path).query).items()}
        try:
            if self.command == "PUT":
                self._set(name, asked, orjson.loads(body))
            if name == "clock":
                whose = _clock_of(asked)
                return _json({"now": server.clock.now(whose).isoformat(), "is_set": server.clock.is_set(whose)})
            if name == "failures":
                return _json(server.failures.report())
            if name == "disclosed":
                return _json(disclosed(server.folder, asked.get("kind", "")))
            if name == "calls":
                orders = {"placed": len(server.orders), "repeated": server.orders.repeated()}
                return _json({"calls": server.calls.report(), "orders": orders})
            if name == "plan":
                prop = next(prop for prop in ALL_PROPERTIES if prop.name == asked["property"])
                return _json(asks(server.world, prop.key, server.clock.now(prop.name)))
            if name == "settings":
                return _json({"serp_delay_seconds": server.vendor.serp_delay_seconds})
            if name == "connections":
                return _json(accounts.airflow_connections(server.account, server.base_url))
        except (ValueError, TypeError, KeyError, StopIteration) as error:
            return _json({"error": str(error)}, 400)
        return _json({"error": f"no control {name!r}"}, 404)

    def _set(self, name: str, asked: dict[str, str], value: Any) -> None:
        server = self.server
        if name == "clock":
            now = value["now"]
            at = datetime.fromisoformat(now) if now is not None else None
            if at is not None:
                at = (at if at.tzinfo else at.replace(tzinfo=UTC)).astimezone(UTC).replace(microsecond=0)
                server.world.index(at.date())
            server.clock.set(at, _clock_of(asked))
        elif name == "failures":
            server.failures.set([Rule.from_dict(each) for each in value])
        elif name == "calls":
            server.calls.reset()
        elif name == "settings":
            server.vendor.serp_delay_seconds = float(value["serp_delay_seconds"])
        else:
            raise ValueError(f"{name!r} is not set by anybody")

    def _early_failure(self, rule: Rule | None, path: str, body: bytes, now: datetime) -> Response | None:
        """Failures in which nothing is done for the client; None where the request is to be answered first."""
        if rule is None:
            return None
        is_google = path.startswith("/webmasters") or path == INSPECT_PATH
        extra = {"Content-Type": JSON, **({"Retry-After": rule.retry_after} if rule.retry_after is not None else {})}
        if rule.kind == "html":
            page = b"<!doctype html><html><body><h1>Bad gateway</h1></body></html>"
            return Response(rule.status or 200, page, {**extra, "Content-Type": "text/html"})
        if rule.kind == "quota":
            return Response(403, orjson.dumps(quota_error().body()), extra)
        if rule.kind == "status":
            status = rule.status or 500
            reason = HTTPStatus(status).phrase
            google = GoogleError(status, reason.upper().replace(" ", "_"), "backendError", reason).body()
            vendor = {"status_code": status * 100, "status_message": reason, "tasks_count": 0, "tasks": None}
            return Response(status, orjson.dumps(google if is_google else vendor), extra)
        if rule.kind == "task_error":
            return Response(200, self.server.vendor.fail_tasks(path, body, rule.status or 50000, now), extra)
        return None

    def _fail(self, rule: Rule, response: Response) -> None:
        """Send the answer in the way the rule wants it broken."""
        if rule.kind in ("slow", "stall") and response.shown:
            self.server.journal.add(*response.shown)
        body = response.body
        if rule.kind == "lost":
            self._reset()
        elif rule.kind in ("truncated", "wrong_length"):
            sent = body[: len(body) // 2] if rule.kind == "truncated" else body
            missing = len(body) - len(sent) if rule.kind == "truncated" else 512
            self._write(self._head(response, len(sent) + missing) + sent)
            self.close_connection = True
        elif rule.kind == "malformed":
            self._send(Response(response.status, body[: len(body) // 2], response.headers))
        elif rule.kind == "gzip_cut":
            packed = gzip.compress(body)
            headers = {**response.headers, "Content-Encoding": "gzip"}
            self._send(Response(response.status, packed[: max(12, len(packed) // 2)], headers))
        elif rule.kind == "slow":
            self._write(self._head(response, len(body)))
            step = max(1, len(body) // 20)
            for start in range(0, len(body), step):
                self._write(body[start : start + step])
                time.sleep(rule.seconds / 20)
        elif rule.kind == "unknown_field":
            self._send(Response(response.status, _with_unknown_field(body), response.headers))
        else:
            if rule.kind == "stall":
                time.sleep(rule.seconds)
            self._send(response)

    def _reset(self) -> None:
        # Lingering for no time makes the kernel answer with RST instead of FIN.
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.connection.close()
        self.close_connection = True

    def _head(self, response: Response, length: int) -> bytes:
        lines = [
            f"HTTP/1.1 {response.status} {HTTPStatus(response.status).phrase}",
            f"Date: {_http_date(self.now)}",
            f"Content-Length: {length}",
            *(f"{name}: {value}" for name, value in response.headers.items()),
        ]
        if self.close_connection:
            lines.append("Connection: close")
        return ("\r\n".join(lines) + "\r\n\r\n").encode("latin-1")

    def _send(self, response: Response) -> None:
        body = b"" if self.command == "HEAD" else response.body
        self._write(self._head(response, len(response.body)) + body)

    def _write(self, data: bytes) -> None:
        self.wfile.write(data)


def _site_of(path: str) -> str | None:
    """The site that a Search Analytics query names; None for any other path."""
    is_query = path.startswith(QUERY_PATH) and path.endswith(QUERY_END)
    return unquote(path[len(QUERY_PATH) : -len(QUERY_END)]) if is_query else None


def _listed_site(path: str) -> str | None:
    """The site whose sitemaps are asked for; None for any other path."""
    is_list = path.startswith(QUERY_PATH) and path.endswith(SITEMAPS_END)
    return unquote(path[len(QUERY_PATH) : -len(SITEMAPS_END)]) if is_list else None


def _inspected_site(body: bytes) -> str | None:
    """The site that an inspection names; None where it names none."""
    try:
        return str(orjson.loads(body)["siteUrl"])
    except (orjson.JSONDecodeError, KeyError, TypeError):
        return None


def _clock_of(asked: dict[str, str]) -> str:
    """Name of the clock that a control request is about. Raises ValueError for a property that there is not."""
    name = asked.get("property", COMMON)
    if name not in {COMMON, *(prop.name for prop in ALL_PROPERTIES)}:
        raise ValueError(f"no property {name!r}")
    return name


def _with_unknown_field(body: bytes) -> bytes:
    answer = orjson.loads(body)
    rows = list(answer.get("rows", ()))
    for each in answer.get("tasks") or ():
        for result in each.get("result") or ():
            rows += result.get("items") or [result]
    for row in rows:
        row["never_documented"] = 1
    return orjson.dumps(answer)
