"""Airflow's REST API, as far as `make run`, the command line and the tests use it.

https://airflow.apache.org/docs/apache-airflow/3.3.2/stable-rest-api-ref.html
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

import requests

from seo_warehouse.errors import EmbeddedError

Json = dict[str, Any]
POLL_SECONDS = 1.0
MOST_ROWS = 1_000
"""In one answer, as the embedded Airflow is set."""


@dataclass(frozen=True)
class Client:
    """A logged-in user of one Airflow. Every call raises EmbeddedError with the server's own reason."""

    url: str
    user: str
    password: str

    @cached_property
    def _session(self) -> requests.Session:
        session = requests.Session()
        session.trust_env = False
        body = {"username": self.user, "password": self.password}
        answer = _send(session, "POST", f"{self.url}/auth/token", json=body)
        session.headers["Authorization"] = f"Bearer {answer['access_token']}"
        return session

    def call(self, method: str, path: str, **options: Any) -> Json:
        """One call of /api/v2. `options` as requests takes them."""
        return _send(self._session, method, f"{self.url}/api/v2/{path}", **options)

    def dag_ids(self, read_since: datetime | None = None) -> set[str]:
        """The DAGs that Airflow knows and that are not stale; of those, the ones whose files it has read since then."""
        return {dag["dag_id"] for dag in self._dags() if read_since is None or _read_at(dag) >= read_since}

    def read_files_again(self, before: datetime) -> None:
        """Have Airflow read at once the files of the DAGs that it read before an instant."""
        for token in {dag["file_token"] for dag in self._dags() if _read_at(dag) < before}:
            self.call("PUT", f"parseDagFile/{token}")

    def _dags(self) -> list[Json]:
        dags: list[Json] = self.call("GET", "dags", params={"limit": MOST_ROWS})["dags"]
        return dags

    def import_errors(self) -> list[str]:
        """What kept a DAG file from being read: the last line of each error, with its file."""
        errors = self.call("GET", "importErrors")["import_errors"]
        return [f"{e['filename']}: {e['stack_trace'].strip().splitlines()[-1]}" for e in errors]

    def wait_for_dags(
        self, wanted: Iterable[str], timeout_seconds: float = 120, read_since: datetime | None = None
    ) -> None:
        """Wait until Airflow has read the DAGs (since then). Raises EmbeddedError naming those it has not, and why."""
        deadline = time.monotonic() + timeout_seconds
        while missing := sorted(set(wanted) - self.dag_ids(read_since)):
            if time.monotonic() > deadline:
                reasons = "; ".join(self.import_errors()) or "no reason is given"
                raise EmbeddedError(f"Airflow has not read {', '.join(missing)}: {reasons}")
            time.sleep(POLL_SECONDS)

    def set_paused(self, dag_id: str, is_paused: bool) -> None:
        """Pause a DAG, or let it run."""
        self.call("PATCH", f"dags/{dag_id}", json={"is_paused": is_paused})

    def unpause(self, dag_id: str) -> None:
        """Let a DAG run from its next tick on; where a scheduled run precedes it, the latest past tick too, at once."""
        self.set_paused(dag_id, False)

    def next_tick(self, dag_id: str) -> datetime | None:
        """The instant of the DAG's next scheduled run, in the past where it is about to begin; None without a cron."""
        instant: str | None = self.call("GET", f"dags/{dag_id}")["next_dagrun_run_after"]
        return datetime.fromisoformat(instant) if instant else None

    def trigger(self, dag_id: str, partition_key: str | None = None) -> str:
        """Start a run, for a night where a partition key is given. Returns the run's id."""
        body = {"logical_date": None, "partition_key": partition_key}
        run_id: str = self.call("POST", f"dags/{dag_id}/dagRuns", json=body)["dag_run_id"]
        return run_id

    def runs(self, dag_id: str, partition_key: str | None = None) -> list[Json]:
        """The newest thousand of a DAG's runs, oldest first; of one night where a partition key is given."""
        params = {"limit": MOST_ROWS, "order_by": "-id"}
        runs: list[Json] = self.call("GET", f"dags/{dag_id}/dagRuns", params=params)["dag_runs"]
        return [run for run in reversed(runs) if partition_key is None or run["partition_key"] == partition_key]

    def run(self, dag_id: str, run_id: str) -> Json:
        """One run."""
        return self.call("GET", f"dags/{dag_id}/dagRuns/{run_id}")

    def tasks(self, dag_id: str, run_id: str) -> list[Json]:
        """The task instances of a run, mapped ones each."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances"
        tasks: list[Json] = self.call("GET", path, params={"limit": MOST_ROWS})["task_instances"]
        return tasks

    def log(self, dag_id: str, run_id: str, task_id: str, *, map_index: int = -1, try_number: int = 1) -> str:
        """What a task instance logged, and what was raised."""
        path = f"dags/{dag_id}/dagRuns/{run_id}/taskInstances/{task_id}/logs/{try_number}"
        lines = self.call("GET", path, params={"map_index": map_index, "full_content": True})["content"]
        return "\n".join(line if isinstance(line, str) else _read_line(line) for line in lines)

    def asset_events(self) -> list[Json]:
        """The events of all assets, oldest first."""
        params = {"limit": MOST_ROWS, "order_by": "timestamp"}
        events: list[Json] = self.call("GET", "assets/events", params=params)["asset_events"]
        return events

    def wait(
        self,
        dag_id: str,
        *,
        run_id: str | None = None,
        partition_key: str | None = None,
        timeout_seconds: float = 600,
        report: Callable[[str], None] | None = None,
    ) -> Json:
        """Wait until a run has ended: that one, else the newest (of a night). Returns it, whatever its state.

        `report` is told of each task that ends. Raises EmbeddedError when the time is up.
        """
        deadline = time.monotonic() + timeout_seconds
        told: set[str] = set()
        while True:
            runs = [self.run(dag_id, run_id)] if run_id else self.runs(dag_id, partition_key)[-1:]
            if runs and report:
                told |= self._tell(runs[0], told, report)
            if runs and runs[0]["state"] in ("success", "failed"):
                return runs[0]
            if time.monotonic() > deadline:
                state = runs[0]["state"] if runs else "not started"
                which = partition_key or run_id or "its newest run"
                raise EmbeddedError(f"{dag_id} ({which}) is {state} after {timeout_seconds:.0f} s")
            time.sleep(POLL_SECONDS)

    def _tell(self, run: Json, told: set[str], report: Callable[[str], None]) -> set[str]:
        new: set[str] = set()
        for task in self.tasks(run["dag_id"], run["dag_run_id"]):
            name = f"{task['dag_id']} {task['task_id']}"
            name += f" [{task['rendered_map_index'] or task['map_index']}]" if task["map_index"] >= 0 else ""
            line = f"{name}: {task['state']}"
            if task["state"] in ("success", "failed", "upstream_failed", "up_for_retry") and line not in told | new:
                report(line)
                new.add(line)
        return new


def _read_at(dag: Json) -> datetime:
    """When Airflow last read a DAG's file."""
    instant: str | None = dag["last_parsed_time"]
    return datetime.fromisoformat(instant) if instant else datetime.min.replace(tzinfo=UTC)


def _read_line(line: Json) -> str:
    raised = [f"{error['exc_type']}: {error['exc_value']}" for error in line.get("error_detail") or ()]
    return "\n".join([str(line.get("event", line)), *raised])


def _send(session: requests.Session, method: str, url: str, **options: Any) -> Json:
    try:
        answer = session.request(method, url, timeout=60, **options)
    except requests.RequestException as error:
        raise EmbeddedError(f"Airflow does not answer: {method} {url}: {error}") from None
    if not answer.ok:
        raise EmbeddedError(f"Airflow refused {method} {url} ({answer.status_code}): {answer.text[:500]}")
    body: Json = answer.json() if answer.content else {}
    return body
