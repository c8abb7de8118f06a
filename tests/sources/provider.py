"""A provider on loopback that answers as it is told, over real HTTP."""

from __future__ import annotations

import json
import socket
import struct
import threading
import time
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from contextlib import AbstractContextManager, contextmanager
from dataclasses import dataclass, field, replace
from datetime import date
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from socketserver import BaseServer
from typing import Any, TypeVar

import zstandard

from seo_warehouse.client.access import Basic, Connection
from seo_warehouse.client.api import Api, Limits
from seo_warehouse.client.archive import open_archive
from seo_warehouse.spec import Kind, Source

Server = TypeVar("Server", bound=BaseServer)
PASSWORD = "correct-horse-battery"
QUICK = Limits(
    attempts=3,
    backoff_seconds=0.001,
    max_wait_seconds=0.5,
    connect_seconds=2,
    read_seconds=30,
    answer_seconds=60,
    calls_per_minute=None,
)
IMPATIENT = replace(QUICK, read_seconds=1.0, answer_seconds=1.5)
"""For answers that do not come in time; a busy machine must not pass for one."""


@dataclass(frozen=True)
class Asked:
    """A request as it came."""

    method: str
    path: str
    headers: Mapping[str, str]
    body: bytes

    @property
    def json(self) -> Any:
        return json.loads(self.body)


@dataclass(frozen=True)
class Act:
    """What to answer. `cut` sends so many bytes of the body and hangs up; `drip` sends byte after byte, slowly."""

    body: bytes = b"{}"
    status: int = 200
    headers: Mapping[str, str] = field(default_factory=dict)
    wait_seconds: float = 0
    cut: int | None = None
    drip: bool = False
    is_reset: bool = False


def said(document: Any, **other: Any) -> Act:
    """An answer of JSON."""
    return Act(json.dumps(document).encode(), **other)


class Provider(ThreadingHTTPServer):
    """Answers with `script` first, then by `answer`."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Handler)
        self.script: deque[Act] = deque()
        self.answer: Callable[[Asked], Act] = lambda asked: Act()
        self.asked: list[Asked] = []
        self.date: str | None = None

    @property
    def base_url(self) -> str:
        return f"http://127.0.0.1:{self.server_port}"

    def handle_error(self, request: Any, client_address: Any) -> None:
        """A client that hung up is no news here."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: Provider

    def _handle(self) -> None:
        body = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        asked = Asked(self.command, self.path, dict(self.headers), body)
        self.server.asked.append(asked)
        act = self.server.script.popleft() if self.server.script else self.server.answer(asked)
        time.sleep(act.wait_seconds)
        if act.is_reset:
            # With no time to linger, and no file left that holds the socket open, closing resets.
            self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            self.rfile.close()
            self.connection.close()
            self.close_connection = True
            return
        self.send_response_only(act.status)
        if self.server.date:
            self.send_header("Date", self.server.date)
        for name, value in {"Content-Type": "application/json", **act.headers}.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(act.body)))
        self.end_headers()
        self._send(act)

    do_GET = do_POST = _handle

    def _send(self, act: Act) -> None:
        if act.drip:
            for place in range(len(act.body)):
                self.wfile.write(act.body[place : place + 1])
                time.sleep(0.1)
            return
        self.wfile.write(act.body if act.cut is None else act.body[: act.cut])
        if act.cut is not None:
            self.close_connection = True

    def log_message(self, format: str, *args: Any) -> None:
        """Keep quiet."""


@contextmanager
def running(server: Server) -> Iterator[Server]:
    """A server of a thread of its own, for as long as the context lasts."""
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.01}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def serving() -> AbstractContextManager[Provider]:
    """A provider for as long as the context lasts."""
    return running(Provider())


def open_api(
    provider: Provider,
    folder: Path,
    source: Source | None = None,
    *,
    scope: str = "night=2026-11-22",
    may_call: bool = True,
    limits: Limits = QUICK,
) -> Api:
    """A client of the provider, as a source's load has it."""
    name = "any" if source is None else source.name
    # As in steps/: where answers are ordered, what may call is the order, and what is read comes of the archive.
    is_reading = source is not None and source.kind is Kind.SNAPSHOT and not (may_call and source.order)
    strip = None if source is None else source.strip
    return Api(
        base_url=provider.base_url,
        auth=Basic(Connection(login="someone@example.com", password=PASSWORD)),
        archive=open_archive(folder, source=name, property_key=7, scope=scope),
        may_call=may_call,
        explain=None if source is None else source.explain,
        strip=None if strip is None else lambda _, document: strip(document),
        limits=limits,
        night=date.fromisoformat(scope.removeprefix("night=")) if is_reading else None,
    )


def archived(folder: Path) -> str:
    """All that an archive holds, unpacked, in one text."""
    files = [path for path in folder.rglob("*") if path.is_file()]
    unpack = zstandard.ZstdDecompressor().decompress
    return "".join(
        (unpack(path.read_bytes()) if path.suffix in (".zst", ".refused") else path.read_bytes()).decode()
        for path in files
    )
