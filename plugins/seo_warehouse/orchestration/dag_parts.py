"""What the DAG files are made of: schedules, shared arguments, and the tasks that call the steps.

Imported while DAG files are parsed, so it imports neither the steps nor what they need (Great Expectations, dbt,
Scrapy, PostgreSQL): each task does that for itself.
"""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

from airflow.sdk import (
    Asset,
    CronPartitionTimetable,
    CronTriggerTimetable,
    ExceptionRetryPolicy,
    Param,
    PartitionedAssetTimetable,
    RetryAction,
    RetryDecision,
    RetryRule,
    TaskGroup,
    TriggerRule,
    get_current_context,
    task,
)
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException

from seo_warehouse.config import RETRIES, Settings
from seo_warehouse.errors import (
    AuditFailedError,
    ConfigError,
    LoadError,
    TerminalSourceError,
    TransientLoadError,
    TransientSourceError,
)
from seo_warehouse.orchestration.triage import TRIAGE
from seo_warehouse.sources import SOURCES
from seo_warehouse.spec import Kind, Source, Table

NIGHT = Asset(name="ops/night", uri="postgres://seo-warehouse/seo_warehouse/ops/night")
"""A night has closed; its events carry the night as partition key. The host is a name, not an address: the asset
stays the same one wherever the warehouse lies."""

PROPERTY_LABEL = "{{ task.op_kwargs['property_name'] }}"


LONGEST_WISH_SECONDS = 3_600.0
"""A provider that asks for more is asked again after an hour all the same: the figure may be garbage."""


class RetryByException(ExceptionRetryPolicy):
    """Rules by exception type; a provider's own wish for a pause goes before ours."""

    def evaluate(self, exception: BaseException, try_number: int, max_tries: int, context: Any = None) -> RetryDecision:
        """The decision for one failure."""
        decision = super().evaluate(exception, try_number, max_tries, context)
        wish = getattr(exception, "retry_after_seconds", None)
        if decision.action is not RetryAction.RETRY or wish is None:
            return decision
        return RetryDecision.retry(
            timedelta(seconds=min(wish, LONGEST_WISH_SECONDS)), f"{decision.reason}; the provider asks for {wish:.0f} s"
        )


RETRY_POLICY = RetryByException(
    rules=[
        RetryRule([TransientSourceError, TransientLoadError], RetryAction.RETRY, reason="may work later"),
        RetryRule(
            [TerminalSourceError, ConfigError, AuditFailedError, LoadError],
            RetryAction.FAIL,
            reason="no retry will help: a person is needed",
        ),
    ]
)
"""The one policy of all tasks. What is no error of ours (a killed process, a lost connection) is retried as well."""


def configured_sources() -> list[tuple[Source, list[str]]]:
    """The sources that properties.yml asks for, each with the names of its properties. Raises ConfigError."""
    properties = Settings().properties
    named = [(source, [prop.name for prop in properties.with_source(source)]) for source in SOURCES]
    return [(source, names) for source, names in named if names]


def ingest_dag(source: Source) -> dict[str, Any]:
    """Arguments of a source's DAG: a run a night, known by its partition key."""
    timetable = CronPartitionTimetable(source.cron, timezone="UTC", key_format="%Y-%m-%d")
    return _dag(f"ingest__{source.name}", source.description, timetable, "ingest", source.kind.value)


def warehouse_dag() -> dict[str, Any]:
    """Arguments of the DAG that follows each closed night; one build at a time."""
    timetable = PartitionedAssetTimetable(assets=NIGHT)
    return _dag("warehouse", "Build what the closed nights published.", timetable, "warehouse") | {"max_active_runs": 1}


def maintenance_dag(dag_id: str, description: str, cron: str) -> dict[str, Any]:
    """Arguments of a DAG that runs by the clock, for no night of its own."""
    return _dag(dag_id, description, CronTriggerTimetable(cron, timezone="UTC"), "maintenance") | {"max_active_runs": 1}


def release_dag() -> dict[str, Any]:
    """Arguments of the DAG that a person starts to decide about a quarantined load."""
    params = {
        "load": Param(type="integer", minimum=1, title="Load", description="its id: `verdict` and `status` name it"),
        "decision": Param(type="string", enum=["approve", "reject"], title="Decision"),
        "why": Param(type="string", minLength=1, title="Why", description="kept with the load"),
    }
    arguments = _dag("release", "Approve or reject a quarantined load.", None, "release")
    # Nothing starts it by itself, so there is nothing to hold back.
    return arguments | {"params": params, "is_paused_upon_creation": False}


def _dag(dag_id: str, description: str, timetable: Any, *tags: str) -> dict[str, Any]:
    retry_delay = timedelta(seconds=Settings().retry_seconds)
    return {
        "dag_id": dag_id,
        "description": description,
        "doc_md": TRIAGE[dag_id.partition("__")[0]],
        "schedule": timetable,
        "tags": list(tags),
        "catchup": False,
        "max_active_runs": 3,
        "default_args": {
            "owner": "seo-data",
            "retries": RETRIES,
            "retry_delay": retry_delay,
            "retry_exponential_backoff": 2.0,
            "max_retry_delay": 8 * retry_delay,
            "retry_policy": RETRY_POLICY,
            # The longest crawl takes six hours; beyond twice that a task hangs.
            "execution_timeout": timedelta(hours=12),
        },
    }


def night_of(partition_key: str | None) -> date:
    """The night of a run. Raises AirflowFailException when the run has none, or no date."""
    try:
        return date.fromisoformat(partition_key or "")
    except ValueError:
        raise AirflowFailException(
            f"this run's partition key is {partition_key!r}, not a night such as 2026-11-22: "
            "start it in the user interface or by REST with a partition key, or run `seo-warehouse ingest --night`"
        ) from None


def order(source: Source, names: list[str]) -> list[Any]:
    """The task that brings a night's answers into the archive, mapped over properties; none where no order is needed.

    Between two looks it holds no worker slot. Past the night's deadline it ends with what there is.
    """
    if source.order is None:
        return []

    @task.sensor(
        task_id="order",
        mode="reschedule",
        poke_interval=Settings().poll_seconds,
        timeout=timedelta(days=1).total_seconds(),
        map_index_template=PROPERTY_LABEL,
    )
    def order_answers(source_name: str, property_name: str, partition_key: str | None = None) -> bool:
        nightly, wh = _nightly()
        return bool(nightly.order(wh, source_name, property_name, night_of(partition_key)))

    return [order_answers.partial(source_name=source.name).expand(property_name=names)]


def onboarding_dag() -> dict[str, Any]:
    """Arguments of the DAG that a person starts to load a property's history: one at a time, in one worker slot."""
    names = [prop.name for prop in Settings().properties.properties]
    params = {
        "property": Param(type="string", enum=names, title="Property"),
        "first_day": Param(
            None,
            type=["null", "string"],
            format="date",
            title="First day",
            description="default: the property's history_start",
        ),
    }
    arguments = _dag("onboarding", "Load a property's history, month by month.", None, "ingest")
    return arguments | {"params": params, "max_active_runs": 1, "is_paused_upon_creation": False}


def load_all(source: Source, names: list[str], *, after: list[Any]) -> list[Any]:
    """Each table's write, audit and publish, `after` the order; of files one for all tables. Returns the last ones."""
    if source.kind is Kind.DROP:
        return [load_files(source, names)]
    return [load(source, table, names, after=after) for table in source.tables]


def load_files(source: Source, names: list[str]) -> Any:
    """Write, audit and publish of every file: which tables it is for is known once it is read. Returns the last."""
    with TaskGroup("files", tooltip=source.description):
        written = write_files.partial(source_name=source.name).expand(property_name=names)
        audited = audit_files(source_name=source.name)
        published = publish_files.partial(source_name=source.name).expand(property_name=names)
        written >> audited >> published
    return published


def load(source: Source, table: Table, names: list[str], *, after: list[Any]) -> Any:
    """A table's write, audit and publish, `after` the order. Returns the last. No property's failure stops another."""
    with TaskGroup(table.name, tooltip=table.description):
        written = write.partial(source_name=source.name, table_name=table.name).expand(property_name=names)
        audited = audit(source_name=source.name, table_name=table.name)
        published = publish.partial(source_name=source.name, table_name=table.name).expand(property_name=names)
        after >> written >> audited >> published
    return published


@task(trigger_rule=TriggerRule.ALL_DONE, map_index_template=PROPERTY_LABEL)
def write(source_name: str, table_name: str, property_name: str, partition_key: str | None = None) -> list[int]:
    """Read a property's due days into `audit`. Returns the loads."""
    nightly, wh = _nightly()
    return list(nightly.write(wh, source_name, table_name, property_name, night_of(partition_key)))


@task(trigger_rule=TriggerRule.ALL_DONE)
def audit(source_name: str, table_name: str, partition_key: str | None = None) -> None:
    """Judge the night's loads of every property: one task, since Great Expectations is slow to import."""
    nightly, wh = _nightly()
    nightly.audit(wh, source_name, table_name, night_of(partition_key))


@task(trigger_rule=TriggerRule.ALL_DONE, map_index_template=PROPERTY_LABEL)
def publish(source_name: str, table_name: str, property_name: str, partition_key: str | None = None) -> list[str]:
    """Swap a property's passed loads into `raw`; skipped where none passed. Returns what became of each."""
    nightly, wh = _nightly()
    states: list[str] = nightly.publish(wh, source_name, table_name, property_name, night_of(partition_key))
    if not states:
        raise AirflowSkipException(f"no load of {table_name} for {property_name} passed the audit")
    return states


@task(task_id="write", trigger_rule=TriggerRule.ALL_DONE, map_index_template=PROPERTY_LABEL)
def write_files(source_name: str, property_name: str, partition_key: str | None = None) -> list[int]:
    """Read every file of a property that the ledger lacks into `audit`. Returns the loads."""
    drop, wh = _drop()
    return list(drop.write(wh, source_name, property_name, night_of(partition_key)))


@task(task_id="audit", trigger_rule=TriggerRule.ALL_DONE)
def audit_files(source_name: str, partition_key: str | None = None) -> None:
    """Judge what the night's files of every property brought."""
    drop, wh = _drop()
    drop.audit(wh, source_name, night_of(partition_key))


@task(task_id="publish", trigger_rule=TriggerRule.ALL_DONE, map_index_template=PROPERTY_LABEL)
def publish_files(source_name: str, property_name: str, partition_key: str | None = None) -> list[str]:
    """Merge a property's passed loads into `raw`; skipped where there is none. Returns what became of each."""
    drop, wh = _drop()
    states: list[str] = drop.publish(wh, source_name, property_name, night_of(partition_key))
    if not states:
        raise AirflowSkipException(f"no new file of {property_name} passed the audit")
    return states


@task(trigger_rule=TriggerRule.ALL_DONE)
def announce(source_name: str, partition_key: str | None = None) -> None:
    """Note that the source has ended the night, whatever came of its loads."""
    nightly, wh = _nightly()
    nightly.announce(wh, source_name, night_of(partition_key))


@task(outlets=[NIGHT])
def close_night(partition_key: str | None = None) -> None:
    """Close the night once every source has ended it; skipped, and so without an event, before that."""
    nightly, wh = _nightly()
    night = night_of(partition_key)
    if not nightly.close_night(wh, night):
        raise AirflowSkipException(f"night {night} has closed already, or a source has not ended it")


@task(trigger_rule=TriggerRule.ALL_DONE)
def verdict(source_name: str, partition_key: str | None = None) -> None:
    """Make the run red when a load failed or is in quarantine, and say which."""
    nightly, wh = _nightly()
    nightly.verdict(wh, source_name, night_of(partition_key))


@task(retries=2)
def build() -> int | None:
    """Build the models on what was published since the last build. Returns the build's number, None for nothing new."""
    from seo_warehouse.orchestration.stores import open_task_warehouse
    from seo_warehouse.steps.build import build_warehouse

    return build_warehouse(open_task_warehouse()).build_id


@task
def report(build_id: int | None) -> None:
    """Write the reports of what links did; skipped where a build had nothing new."""
    if build_id is None:
        raise AirflowSkipException("nothing was built, so the reports stand")
    from seo_warehouse.orchestration.stores import open_task_warehouse
    from seo_warehouse.steps.report import write_reports

    write_reports(open_task_warehouse())


@task(outlets=[NIGHT])
def close_overdue() -> None:
    """Close each night whose deadline has passed; an event for each, so that `warehouse` runs; else skipped."""
    nightly, wh = _nightly()
    nights = nightly.close_overdue(wh)
    if not nights:
        raise AirflowSkipException("no night is overdue")
    get_current_context()["outlet_events"][NIGHT].add_partitions([night.isoformat() for night in nights])


@task
def release(params: dict[str, Any] | None = None, dag_run: Any = None) -> str:
    """Keep the decision of whoever started the run about a load, and carry it out. Returns what became of the load."""
    from seo_warehouse.orchestration.stores import open_task_warehouse
    from seo_warehouse.steps.release import release as decide_and_carry_out

    chosen = params or {}
    who = f"{dag_run.triggering_user_name or 'somebody'} (Airflow)"
    return decide_and_carry_out(open_task_warehouse(), chosen["load"], chosen["decision"], who=who, why=chosen["why"])


@task
def load_history(params: dict[str, Any] | None = None) -> None:
    """Load the history of the property that the run names; each month is a line of the log."""
    from seo_warehouse.orchestration.stores import open_task_warehouse
    from seo_warehouse.steps.history import onboard

    chosen = params or {}
    first = chosen["first_day"]
    onboard(open_task_warehouse(), chosen["property"], date.fromisoformat(first) if first else None)


@task(trigger_rule=TriggerRule.ALL_DONE)
def carry_out_decisions() -> list[str]:
    """Carry out what was decided about loads and was cut before it was done. Returns what became of each."""
    from seo_warehouse.orchestration.stores import open_task_warehouse
    from seo_warehouse.steps.release import carry_out_decisions as carry_out

    return carry_out(open_task_warehouse())


@task
def keep_tables() -> None:
    """Make next month's partitions, give up what is old, vacuum what the nights churn, forget old builds' folders."""
    from seo_warehouse.steps.build import forget_old_targets

    nightly, wh = _nightly()
    nightly.maintain(wh)
    forget_old_targets(wh)


@task(trigger_rule=TriggerRule.ALL_DONE)
def check_freshness() -> None:
    """Warn of tables that are older than their sources allow; `seo-warehouse status` names them too."""
    from seo_warehouse.orchestration.stores import open_task_warehouse
    from seo_warehouse.steps.build import note_stale_tables

    note_stale_tables(open_task_warehouse())


@task(trigger_rule=TriggerRule.ALL_DONE)
def write_docs() -> None:
    """Write dbt's documentation of every model and column."""
    from seo_warehouse.orchestration.stores import open_task_warehouse
    from seo_warehouse.steps.build import generate_docs

    generate_docs(open_task_warehouse())


def _drop() -> tuple[Any, Any]:
    from seo_warehouse.orchestration.stores import open_task_warehouse
    from seo_warehouse.steps import drop

    return drop, open_task_warehouse()


def _nightly() -> tuple[Any, Any]:
    from seo_warehouse.orchestration.stores import open_task_warehouse
    from seo_warehouse.steps import nightly

    return nightly, open_task_warehouse()
