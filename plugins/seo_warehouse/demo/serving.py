"""Starting the demo: in the foreground for people, in a thread for tests."""

from __future__ import annotations

import errno
import json
import logging
import signal
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import date, timedelta
from pathlib import Path
from types import FrameType

from seo_warehouse.demo.clock import real_now
from seo_warehouse.demo.knobs import Knobs
from seo_warehouse.demo.server import DemoServer
from seo_warehouse.demo.world import HISTORY_DAYS, World
from seo_warehouse.errors import ConfigError, EmbeddedError

log = logging.getLogger(__name__)

DEFAULT_SEED = 20


def stored_world(folder: Path) -> World | None:
    """The world that a folder holds; None for a new folder."""
    path = folder / "world.json"
    if not path.exists():
        return None
    stored = json.loads(path.read_text(encoding="utf-8"))
    return World(stored["seed"], date.fromisoformat(stored["first_day"]), Knobs.from_dict(stored["knobs"]))


def _open_world(folder: Path, seed: int | None, first_day: date | None, knobs: Knobs | None) -> World:
    world = stored_world(folder)
    if world is not None:
        given = (seed or world.seed, first_day or world.first_day, knobs or world.knobs)
        if given != (world.seed, world.first_day, world.knobs):
            raise ConfigError(
                f"{folder} holds another demo world (seed {world.seed}, from {world.first_day}); use another folder"
            )
        if world.last_day < real_now().date():
            raise ConfigError(f"the demo world of {folder} ends on {world.last_day}; use another folder")
        return world
    first = first_day or real_now().date() - timedelta(days=HISTORY_DAYS)
    world = World(DEFAULT_SEED if seed is None else seed, first, knobs)
    folder.mkdir(parents=True, exist_ok=True)
    stored = {"seed": world.seed, "first_day": world.first_day.isoformat(), "knobs": world.knobs.to_dict()}
    aside = folder / "world.part"
    aside.write_text(json.dumps(stored, indent=1), encoding="utf-8")
    aside.replace(folder / "world.json")
    return world


def _server(port: int, folder: Path, seed: int | None, first_day: date | None, knobs: Knobs | None) -> DemoServer:
    world = _open_world(folder, seed, first_day, knobs)
    try:
        return DemoServer(port, folder, world)
    except OSError as error:
        if error.errno == errno.EADDRINUSE:
            raise EmbeddedError(f"port {port} of 127.0.0.1 is in use; choose another one with --port") from None
        raise


def serve(
    port: int,
    folder: Path,
    seed: int | None = None,
    first_day: date | None = None,
    knobs: Knobs | None = None,
) -> None:
    """Serve until SIGTERM or SIGINT. The folder keeps world, orders, clock and logs.

    Raises EmbeddedError where the port is taken, ConfigError where the folder holds another world.
    """
    server = _server(port, folder, seed, first_day, knobs)

    def stop(signum: int, frame: FrameType | None) -> None:
        # shutdown() waits for the loop that this handler interrupts, so it needs a thread of its own.
        threading.Thread(target=server.shutdown, daemon=True).start()

    for each in (signal.SIGTERM, signal.SIGINT):
        signal.signal(each, stop)
    log.info("demo of %s on %s, state in %s", server.world.first_day, server.base_url, folder)
    try:
        server.serve_forever(poll_interval=0.2)
    finally:
        server.server_close()


@contextmanager
def running(
    folder: Path,
    *,
    port: int = 0,
    seed: int | None = None,
    first_day: date | None = None,
    knobs: Knobs | None = None,
) -> Iterator[DemoServer]:
    """A demo served by a thread of this process; `base_url`, `world` and `clock` are its attributes."""
    server = _server(port, folder, seed, first_day, knobs)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        thread.join()
        server.server_close()


def connections(port: int) -> dict[str, str]:
    """The AIRFLOW_CONN_* variables of the demo that serves on `port`. Raises EmbeddedError where none does."""
    try:
        with urllib.request.urlopen(f"http://127.0.0.1:{port}/control/connections", timeout=10) as answer:
            found: dict[str, str] = json.load(answer)
            return found
    except (urllib.error.URLError, OSError, ValueError) as error:
        raise EmbeddedError(f"no demo answers on port {port} of 127.0.0.1: {error}") from None
