"""`make run`: from nothing to a served warehouse, and back.

Everything started is recorded first, so that `stop` ends it whatever happened; every step may be cut anywhere and is
taken up again by the next run.
"""

from __future__ import annotations

import fcntl
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from pathlib import Path

from seo_warehouse.config import Settings
from seo_warehouse.demo.history import take_clock_back
from seo_warehouse.embedded import airflow as embedded_airflow
from seo_warehouse.embedded import onboarding, parts, processes
from seo_warehouse.embedded.airflow import Airflow
from seo_warehouse.embedded.answer import say_result
from seo_warehouse.embedded.check import expect_no_fault
from seo_warehouse.embedded.health import say_running
from seo_warehouse.embedded.ports import choose_ports
from seo_warehouse.embedded.rest import Client
from seo_warehouse.errors import ConfigError, EmbeddedError
from seo_warehouse.ledger import nights
from seo_warehouse.ledger.sites import Rekeying
from seo_warehouse.spec import Feed, Source
from seo_warehouse.steps import days
from seo_warehouse.steps.status import acknowledge_failures, say_loads
from seo_warehouse.steps.warehouse import Warehouse, open_warehouse, read_ports

Say = Callable[[str], None]
NIGHT_TIMEOUT_SECONDS = 6 * 3_600
"""500 properties were not done in half an hour on two cores; a run that hangs is Airflow's to end."""
KEEPERS = ("maintenance", "maintenance__daily", "maintenance__guests")
TICK_SECONDS = 15
"""How long the scheduler may take to begin the run of a tick that has passed."""


@dataclass(frozen=True)
class Progress:
    """Says each step with the seconds since the run began."""

    say: Say
    began: float

    def __call__(self, message: str) -> None:
        self.say(f"[{time.monotonic() - self.began:4.0f} s] {message}")


def run(properties: Path | None, say: Say, rekeying: Rekeying | None = None) -> None:
    """Start what does not run, load history, run the newest night through the scheduler, and say what is there.

    Nothing is started while something is to mend (check.py). Raises EmbeddedError or ConfigError with one sentence.
    """
    settings = Settings()
    progress = Progress(say, time.monotonic())
    with _only_one(settings.home):
        own = settings.home / "properties.yml"
        if properties is None and settings.properties_path != own:
            properties = settings.properties_path  # SEO_WAREHOUSE_PROPERTIES says so
        expect_own_home(settings, properties)
        progress("looking for what would go wrong")
        expect_no_fault(settings, properties, say)
        settings.properties_path = own
        take_properties(settings, properties)
        ports = choose_ports(settings, is_demo=properties is None)
        if settings.owner_dsn is None:
            parts.start_postgres(settings, ports, progress)
        if properties is None:
            parts.start_demo(settings, ports, progress)
        wh = open_warehouse(settings)
        progress("preparing schemas, roles and ledgers")
        wh.migrate(rekeying)
        airflow = parts.airflow(settings, ports)
        with ThreadPoolExecutor(1) as beside:
            # Airflow's components import for half a minute; history is loaded meanwhile.
            started = beside.submit(_start_airflow, airflow, progress)
            night, unloaded = _load_all_history(wh, progress)
            started.result()
        client = Client(airflow.url, embedded_airflow.ADMIN, airflow.admin_password)
        red = run_night(wh, client, night, progress)
        progress("done; everything stays serving until `make stop`")
        say_result(wh, airflow, say)
    if unloaded:
        names = ", ".join(unloaded)
        raise EmbeddedError(f"the history of {names} is not whole: `make run` again loads the months that failed above")
    if red:
        raise EmbeddedError(f"not all of night {night} is green: {', '.join(red)}; their tasks in Airflow say why")


def _start_airflow(airflow: Airflow, progress: Progress) -> None:
    embedded_airflow.prepare(airflow, progress)
    embedded_airflow.start(airflow, progress)


def _load_all_history(wh: Warehouse, progress: Progress) -> tuple[date, list[str]]:
    """Load every property's nights before the newest one. Returns that one, and the properties that are not whole."""
    names = [prop.name for prop in wh.properties.properties]
    is_demo = parts.is_demo(wh.settings)
    module = onboarding.ONBOARD_DEMO if is_demo else onboarding.ONBOARD
    night = None
    # Once more where midnight passes meanwhile: the night that was the newest can be read as history only.
    while night != wh.now().date():
        night = wh.now().date()
        for prop in wh.properties.properties:
            progress(f"{prop.name}: history from {prop.history_start} to the night before {night}")
        try:
            unloaded = onboarding.load_side_by_side(
                wh.settings.home, names, night - timedelta(days=1), parts.variables(wh.settings), progress, module
            )
        finally:
            # One that was ended in the middle has left its clock in the past.
            for name in names if is_demo else ():
                take_clock_back(wh, name)
    return night, unloaded


def stop(say: Say) -> None:
    """End every process that `run` started in this home. Raises EmbeddedError naming one that will not end."""
    settings = Settings()
    with _only_one(settings.home):
        embedded_airflow.stop(settings.home, say)
        processes.stop([*onboarding.components(settings.home), parts.demo_component(settings.home)])
        if settings.owner_dsn is None and "postgres" in read_ports(settings.home):
            say("stopping PostgreSQL")
            parts.postgres(settings, read_ports(settings.home)).stop()
    say("nothing of it runs any more")


def status(
    say: Say, property_name: str | None = None, first: date | None = None, acknowledged_by: str | None = None
) -> None:
    """What runs, the newest night's loads, the last builds, and the days: of one property or all, from `first` on.

    `acknowledged_by`: who knows of all failures up to now. Raises ConfigError before the first run.
    """
    settings = Settings()
    ports = read_ports(settings.home)
    if not ports and settings.owner_dsn is None:
        raise ConfigError(f"nothing was ever started in {settings.home}: run `make run`")
    home = settings.home
    components = (*embedded_airflow.components(home), *onboarding.components(home), parts.demo_component(home))
    running = [component.name for component in components if processes.find(component)]
    if settings.owner_dsn is None and parts.postgres(settings, ports).is_running():
        running.insert(0, "postgres")
    if ports:
        say_running(running, ports.get("airflow"), say)
    if settings.owner_dsn is not None or "postgres" in running:
        wh = open_warehouse(settings)
        if acknowledged_by is not None:
            acknowledge_failures(wh, acknowledged_by)
        say_loads(wh, say)
        days.say_days(wh, say, property_name, first)


def airflow_command(arguments: Sequence[str]) -> int:
    """Airflow's own command line in the Airflow of this home. Returns its exit code.

    Raises ConfigError before the first run.
    """
    settings = Settings()
    settings.properties_path = settings.home / "properties.yml"
    ports = read_ports(settings.home)
    if "airflow" not in ports:
        raise ConfigError(f"nothing was ever started in {settings.home}: run `make run`")
    told = embedded_airflow.environment(parts.airflow(settings, ports))
    return subprocess.run([sys.executable, "-m", "airflow", *arguments], env=told, check=False).returncode


def run_night(wh: Warehouse, client: Client, night: date, progress: Progress) -> list[str]:
    """Unpause the DAGs and bring `night` through them, unless a build carries it already. Returns those that failed."""
    dag_ids = [f"ingest__{source.name}" for source in wh.sources]
    # By itself Airflow would make the DAGs anew only every few minutes.
    changed_at = _changed_at(wh.settings.properties_path)
    client.read_files_again(changed_at)
    client.wait_for_dags(["warehouse", *dag_ids, *KEEPERS], read_since=changed_at)
    if _is_built(wh, night):
        progress(f"night {night} is built already")
        states = {}
        # A source that came into properties.yml since: its DAG is as new as every DAG once was, paused.
        for dag_id in dag_ids:
            if not client.runs(dag_id):
                client.unpause(dag_id)
    else:
        states = _bring_through(wh, client, night, dag_ids, progress)
    # After the night, so that no tick of theirs falls into it: vacuum and docs would only slow it down.
    for dag_id in KEEPERS:
        client.unpause(dag_id)
    return [dag_id for dag_id, state in states.items() if state != "success"]


def _changed_at(path: Path) -> datetime:
    """When properties.yml was written, or the link to it, by whatever clock: never ahead of ours."""
    written = max(path.stat().st_mtime, path.lstat().st_mtime)
    return datetime.fromtimestamp(min(written, time.time()), UTC)


def _bring_through(
    wh: Warehouse, client: Client, night: date, dag_ids: list[str], progress: Progress
) -> dict[str, str]:
    """Unpause what ingests and builds, and wait for their runs of `night`. Returns the state of each."""
    before = len(client.runs("warehouse"))
    # The listener first: an event that nobody hears is lost.
    client.unpause("warehouse")
    progress(f"night {night} runs through the scheduler: {', '.join(dag_ids)}")
    # What visitors are judged by is read before their visits, as it is by its hour.
    judges = [f"ingest__{source.name}" for source in wh.sources if _tells_addresses(source)]
    states = _ingest(client, night, judges, progress)
    states |= _ingest(client, night, [dag_id for dag_id in dag_ids if dag_id not in judges], progress)
    if len(client.runs("warehouse")) == before and _is_closed(wh, night):
        # The night had closed in an earlier, cut run whose event is spent.
        client.trigger("warehouse", night.isoformat())
    states["warehouse"] = client.wait("warehouse", timeout_seconds=NIGHT_TIMEOUT_SECONDS)["state"]
    progress(f"warehouse: {states['warehouse']}")
    return states


def _tells_addresses(source: Source) -> bool:
    return any(table.feeds is Feed.CRAWLER_ADDRESSES for table in source.tables)


def _ingest(client: Client, night: date, dag_ids: list[str], progress: Progress) -> dict[str, str]:
    """Unpause DAGs and wait for their runs of a night. Returns the state of each."""
    for dag_id in dag_ids:
        client.unpause(dag_id)
    runs = {dag_id: _run_of(client, dag_id, night, progress) for dag_id in dag_ids}
    states: dict[str, str] = {}
    for dag_id, run_id in runs.items():
        states[dag_id] = client.wait(dag_id, run_id=run_id, timeout_seconds=NIGHT_TIMEOUT_SECONDS)["state"]
        progress(f"{dag_id}: {states[dag_id]}")
    return states


def _run_of(client: Client, dag_id: str, night: date, progress: Progress) -> str:
    """The run of a night: the one that its tick starts, else one started now."""
    key = night.isoformat()
    deadline = time.monotonic() + TICK_SECONDS
    while time.monotonic() < deadline:
        runs = client.runs(dag_id, key)
        if runs:
            return str(runs[-1]["dag_run_id"])
        tick = client.next_tick(dag_id)
        if tick is None or tick > datetime.now(UTC):
            break
        time.sleep(0.5)
    progress(f"{dag_id}: started by hand for {night}, since no tick of it is due now")
    return client.trigger(dag_id, key)


def _is_closed(wh: Warehouse, night: date) -> bool:
    with wh.connect("loader") as connection:
        return nights.is_closed(connection, night)


def _is_built(wh: Warehouse, night: date) -> bool:
    with wh.connect("loader") as connection:
        return nights.is_carried(connection, night)


def expect_own_home(settings: Settings, properties: Path | None) -> None:
    """A home serves the demo or somebody's properties. Raises ConfigError where it served the other before."""
    kept = settings.home / "properties.yml"
    if properties is None:
        if kept.is_symlink():
            raise ConfigError(
                f"{settings.home} belongs to {kept.resolve()}: give PROPERTIES={kept.resolve()}, "
                "or set SEO_WAREHOUSE_HOME to another folder for the demo"
            )
    elif parts.is_demo(settings):
        raise ConfigError(
            f"{settings.home} holds the demo: set SEO_WAREHOUSE_HOME to another folder for your own properties"
        )


def take_properties(settings: Settings, properties: Path | None) -> None:
    """Make the home's properties.yml the user's own file, or leave it to the demo. Raises ConfigError."""
    expect_own_home(settings, properties)
    if properties is None:
        return
    kept = settings.home / "properties.yml"
    if not kept.is_symlink() or kept.readlink() != properties.resolve():
        fresh = kept.with_suffix(".new")
        fresh.unlink(missing_ok=True)
        fresh.symlink_to(properties.resolve())
        fresh.rename(kept)
    _ = settings.properties


@contextmanager
def _only_one(home: Path) -> Iterator[None]:
    """One `run` or `stop` at a time in a home. Raises EmbeddedError where that cannot be."""
    try:
        home.mkdir(mode=0o700, parents=True, exist_ok=True)
        # One of an earlier release was open to all who use the machine.
        home.chmod(0o700)
        lock = (home / "run.lock").open("w")
    except OSError as error:
        raise EmbeddedError(f"{home} cannot be used: {error.strerror}") from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise EmbeddedError(f"another `seo-warehouse run` or `stop` is at work in {home}") from None
        yield
