"""What the demo keeps: what it disclosed, the orders it took, the calls it got.

Files are append-only, so that a kill forgets nothing.
"""

from __future__ import annotations

import json
import os
import re
import threading
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any

import orjson

from seo_warehouse.demo.serp import Order

Json = dict[str, Any]

DISCLOSURES = ("backlinks", "serp", "search_console", "index", "site")
TASK_ID = re.compile(r"\d{8}-\d{4}-\d{4}-\d{4}-[0-9a-f]{12}")


class Lines:
    """A file of JSON lines. Each append is handed to the system at once, so that it survives a kill of the process."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path = path
        self._lock = threading.Lock()
        _drop_cut_line(path)
        self._file = path.open("ab")

    def append(self, rows: Iterable[Json]) -> None:
        """Write rows at the end."""
        text = b"".join(orjson.dumps(row, option=orjson.OPT_APPEND_NEWLINE) for row in rows)
        if text:
            with self._lock:
                self._file.write(text)
                self._file.flush()

    def close(self) -> None:
        """Close the file."""
        self._file.close()


def _drop_cut_line(path: Path) -> None:
    if path.exists():
        whole = path.read_bytes().rfind(b"\n") + 1
        if whole < path.stat().st_size:
            os.truncate(path, whole)


def read_lines(path: Path) -> Iterator[Json]:
    """Each whole line of a file of JSON lines; nothing where there is no file. A line cut by a kill is left out."""
    if not path.exists():
        return
    with path.open("rb") as file:
        for line in file:
            if line.endswith(b"\n"):
                yield json.loads(line)


def disclosed(folder: Path, kind: str) -> list[Json]:
    """What witnesses were shown, oldest first: `backlinks`, `serp`, `search_console`, `index` or `site`.

    Each line has `at`, the demo's clock at the answer. Raises ValueError for another kind.
    """
    if kind not in DISCLOSURES:
        raise ValueError(f"nothing is disclosed as {kind!r}; there are: {', '.join(DISCLOSURES)}")
    return list(read_lines(folder / "disclosed" / f"{kind}.jsonl"))


class Journal:
    """The disclosure log."""

    def __init__(self, folder: Path) -> None:
        self._lines = {kind: Lines(folder / "disclosed" / f"{kind}.jsonl") for kind in DISCLOSURES}

    def add(self, kind: str, rows: Iterable[Json]) -> None:
        """Record what a witness was just shown."""
        self._lines[kind].append(rows)

    def close(self) -> None:
        """Close the files."""
        for lines in self._lines.values():
            lines.close()


class Orders:
    """The rank checks ordered, and which were collected."""

    def __init__(self, folder: Path) -> None:
        path = folder / "orders.jsonl"
        self._orders: dict[str, Order] = {}
        self._waiting: dict[str, Order] = {}
        self._lock = threading.Lock()
        for line in read_lines(path):
            if "collected" in line:
                self._waiting.pop(line["collected"], None)
            else:
                self._orders[line["id"]] = self._waiting[line["id"]] = Order(**line)
        self._lines = Lines(path)

    def __len__(self) -> int:
        return len(self._orders)

    def place(self, orders: list[Order]) -> None:
        """Take orders; they are on disk before this returns."""
        with self._lock:
            self._lines.append(order.to_dict() for order in orders)
            for order in orders:
                self._orders[order.id] = self._waiting[order.id] = order

    def find(self, id: str) -> Order | None:
        """The order of an id."""
        return self._orders.get(id)

    def ready(self, account: str, real_time: float) -> list[Order]:
        """An account's, finished and not collected yet, oldest first."""
        with self._lock:
            waiting = list(self._waiting.values())
        return [order for order in waiting if order.account == account and order.ready_at <= real_time]

    def collect(self, order: Order) -> None:
        """Take the order off the ready list."""
        with self._lock:
            if self._waiting.pop(order.id, None) is not None:
                self._lines.append([{"collected": order.id}])

    def all(self) -> list[Order]:
        """Every order, oldest first."""
        with self._lock:
            return list(self._orders.values())

    def repeated(self) -> list[Json]:
        """Checks ordered more than once for the same keyword, place, language, device and day."""
        counts = Counter((o.keyword, o.location_code, o.language_code, o.device, o.posted_at[:10]) for o in self.all())
        names = ("keyword", "location_code", "language_code", "device", "day")
        return [{**dict(zip(names, key, strict=True)), "times": n} for key, n in counts.items() if n > 1]

    def close(self) -> None:
        """Close the file."""
        self._lines.close()


class Calls:
    """How often each path was asked."""

    def __init__(self) -> None:
        self._counts: Counter[str] = Counter()
        self._lock = threading.Lock()

    def count(self, method: str, path: str) -> None:
        """One more call. Task ids are written as *."""
        name = f"{method} {TASK_ID.sub('*', path)}"
        with self._lock:
            self._counts[name] += 1

    def report(self) -> dict[str, int]:
        """Calls by method and path."""
        with self._lock:
            return dict(sorted(self._counts.items()))

    def reset(self) -> None:
        """Count from nothing again."""
        with self._lock:
            self._counts.clear()
