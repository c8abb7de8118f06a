"""Running a crawl: the crawler's process, seen from the one that holds the archive.

Scrapy is never imported here: its reactor cannot be started twice in a process, and DAGs are parsed with what
imports this.
"""

from __future__ import annotations

import logging
import os
import subprocess
import sys
import tempfile
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from time import monotonic
from typing import IO, TYPE_CHECKING, Any

from seo_warehouse.client.archive import Answer
from seo_warehouse.crawl.pipe import packed, read_frame, write_frame
from seo_warehouse.crawl.plan import Plan
from seo_warehouse.crawl.records import ERROR_HEADER, Fetched
from seo_warehouse.crawl.robots import MAX_CRAWL_DELAY
from seo_warehouse.crawl.visits import VisitPlan
from seo_warehouse.errors import TerminalSourceError, TransientSourceError

if TYPE_CHECKING:
    from seo_warehouse.client.api import Api

log = logging.getLogger(__name__)

_GRACE_SECONDS = 60.0
"""Beyond its own limits, which the crawler keeps itself, before it counts as hung."""
_STDERR_CHARACTERS = 2_000
_LOG_EVERY = 500
_PASSED_ON = ("HOME", "LANG", "LC_ALL", "PATH", "PYTHONPATH", "SSL_CERT_DIR", "SSL_CERT_FILE", "TMPDIR", "TZ")
"""The only variables the crawler sees: it reads strangers' pages, and connections lie in the environment."""


def run_crawl(plan: Plan | VisitPlan, api: Api) -> None:
    """Crawl into the archive until the crawl ends; comes past what is archived already. Each call passes `api`'s books.

    Raises TransientSourceError where the crawler died or hung or the site could not be read, TerminalSourceError
    where a person must change a setting. What was read stays in the archive; the next call goes on from there.
    """
    with tempfile.TemporaryFile() as errors, _child(errors) as child:
        if child.stdin is None or child.stdout is None:
            raise TransientSourceError("the crawler was started without pipes")
        with _watchdog(child, plan) as alive:
            try:
                write_frame(child.stdin, {"task": plan.source, "plan": asdict(plan)})
                _serve(child.stdin, child.stdout, api, alive, plan.source)
            except (BrokenPipeError, EOFError):
                raise _dead(child, errors, plan.source) from None


def _serve(answers: IO[bytes], requests: IO[bytes], api: Api, alive: threading.Event, source: str) -> None:
    """Do what the crawler asks until it says how it ended. Raises EOFError where it does not."""
    kept = 0
    while (frame := read_frame(requests)) is not None:
        alive.set()
        head, body = frame
        match head["op"]:
            case "find":
                found = api.recall(head["key"])
                write_frame(answers, packed(fetched_of(found)) if found else {}, found.body if found else b"")
            case "sending":
                # What an earlier crawler sent and has no answer was in flight when it ended.
                api.usage.cut += head["is_first"] and api.archive.has_intent(head["key"])
                api.sending(head["key"], {"method": "GET", "path": head["url"], "payload": None})
            case "unsent":
                api.unsent(head["key"])
            case "dismiss":
                api.archive.withdraw(head["key"])
            case "keep":
                api.received(head["key"], _answer(head, body))
                kept += 1
                if kept % _LOG_EVERY == 0:
                    log.info("%s: %d answers archived", source, kept)
            case "keep_document":
                api.archive.put(head["key"], _answer(head, body))
            case "failed":
                kind = TerminalSourceError if head["kind"] == "terminal" else TransientSourceError
                raise kind(f"{source}: {head['message']}")
            case "ended":
                return
    raise EOFError


def _answer(head: dict[str, Any], body: bytes) -> Answer:
    received_at = datetime.fromisoformat(head["received_at"])
    return Answer(head["url"], head["status"], head["headers"], body, received_at, head["seconds"])


def fetched_of(answer: Answer) -> Fetched:
    """An archived answer as the crawler's outcome."""
    return Fetched(
        url=answer.url,
        status=answer.status,
        headers=answer.headers,
        body=answer.body,
        received_at=answer.received_at,
        seconds=answer.seconds,
        error=answer.headers.get(ERROR_HEADER),
    )


@contextmanager
def _child(errors: IO[bytes]) -> Iterator[subprocess.Popen[bytes]]:
    """The crawler's process; ended, one way or the other, when the block ends."""
    child = subprocess.Popen(
        [sys.executable, "-P", "-m", "seo_warehouse.crawl"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        stderr=errors,
        env={name: os.environ[name] for name in _PASSED_ON if name in os.environ},
    )
    try:
        yield child
    finally:
        child.kill()
        child.wait()
        for stream in (child.stdin, child.stdout):
            if stream:
                _close(stream)


def _close(stream: IO[bytes]) -> None:
    try:
        stream.close()
    except BrokenPipeError:
        log.debug("the crawler had closed its end")


@contextmanager
def _watchdog(child: subprocess.Popen[bytes], plan: Plan | VisitPlan) -> Iterator[threading.Event]:
    """Kills a child that says nothing for longer than any wait of its own may take, or that overruns its time."""
    alive, done = threading.Event(), threading.Event()
    silence = 2 * plan.timeout_seconds + max(plan.delay_seconds, MAX_CRAWL_DELAY) + _GRACE_SECONDS

    def watch() -> None:
        end = monotonic() + plan.max_seconds + silence
        heard = monotonic()
        while not done.wait(1.0):
            if alive.is_set():
                alive.clear()
                heard = monotonic()
            if monotonic() - heard > silence or monotonic() > end:
                log.warning("%s: the crawler hung and was killed", plan.source)
                child.kill()
                return

    thread = threading.Thread(target=watch, name="crawl-watchdog", daemon=True)
    thread.start()
    try:
        yield alive
    finally:
        done.set()
        thread.join()


def _dead(child: subprocess.Popen[bytes], errors: IO[bytes], source: str) -> TransientSourceError:
    status = child.wait()
    errors.seek(0)
    said = errors.read().decode("utf-8", "replace").strip()[-_STDERR_CHARACTERS:]
    how = f"was ended by signal {-status}" if status < 0 else f"ended with status {status}"
    return TransientSourceError(f"{source}: the crawler {how} before the crawl ended; {said or 'it said nothing'}")
