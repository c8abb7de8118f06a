"""What the DAG files are made of: schedules, shared arguments, and groups of tasks."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

from airflow.sdk import (
    CronPartitionTimetable,
    CronTriggerTimetable,
    ExceptionRetryPolicy,
    Param,
    PartitionedAssetTimetable,
    RetryAction,
    RetryDecision,
    RetryRule,
    TaskGroup,
    get_current_context,
    get_parsing_context,
    task,
)
from airflow.sdk.configuration import conf

from seo_warehouse.config import RETRIES, Settings
from seo_warehouse.errors import FINAL, RETRIED
from seo_warehouse.ledger.answers import OPTIONS, UNANSWERED
from seo_warehouse.orchestration.tasks import (
    GROUP_LABEL,
    HELD,
    NIGHT,
    audit,
    audit_files,
    build,
    mart_asset,
    night_of,
    publish,
    publish_files,
    raw_asset,
    write,
    write_files,
)
from seo_warehouse.orchestration.triage import TRIAGE
from seo_warehouse.sources import SOURCES
from seo_warehouse.spec import Kind, Source, Table

LONGEST_WISH_SECONDS = 3_600.0
"""A provider that asks for more is asked again after an hour all the same: the figure may be garbage."""

MOST_REQUESTS = 1_000
"""Held loads about which people are asked at once; each is an open run, and keeps no other from beginning."""
REQUEST_LASTS = timedelta(days=14)


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
        RetryRule([*RETRIED], RetryAction.RETRY, reason="may work later"),
        RetryRule([*FINAL], RetryAction.FAIL, reason="no retry will help: a person is needed"),
    ]
)
"""The one policy of all tasks. What is no error of ours (a killed process, a lost connection) is retried as well."""


def configured_sources() -> list[tuple[Source, list[list[str]]]]:
    """The sources that properties.yml asks for, each with the names of its properties in groups that share tasks.

    In a task only its own source: the others' DAGs are not made for it. Raises ConfigError.

    A task costs Airflow half a second whatever it does, so there are as many groups as tasks run at a time: several
    tables and sources share these ways, and what one of them leaves free the others take.
    """
    properties = Settings().properties
    most = conf.getint("core", "parallelism")
    wanted = get_parsing_context().dag_id
    named = [
        (source, [prop.name for prop in properties.with_source(source)])
        for source in SOURCES
        if wanted in (None, _ingest_id(source))
    ]
    return [(source, in_groups(names, most)) for source, names in named if names]


def in_groups(names: list[str], count: int) -> list[list[str]]:
    """Names in at most so many groups of nearly one size; none is empty."""
    return [names[first::count] for first in range(min(count, len(names)))]


def ingest_dag(source: Source) -> dict[str, Any]:
    """Arguments of a source's DAG: a run a night, known by its partition key."""
    timetable = CronPartitionTimetable(source.cron, timezone="UTC", key_format="%Y-%m-%d")
    return _dag(_ingest_id(source), source.description, timetable, "ingest", source.kind.value)


def _ingest_id(source: Source) -> str:
    return f"ingest__{source.name}"


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


def decide_dag() -> dict[str, Any]:
    """Arguments of the DAG that asks a person about a held load: a run for each, open until somebody answers."""
    timetable = PartitionedAssetTimetable(assets=HELD)
    arguments = _dag("decide", "Ask a person about a held load.", timetable, "release")
    return arguments | {"max_active_runs": MOST_REQUESTS, "is_paused_upon_creation": False}


def ask_person() -> Any:
    """The request that `describe` has written. While it waits it holds no worker slot and needs no triggerer."""
    # Every task of every DAG imports this module, and one needs the operator.
    from airflow.providers.standard.operators.hitl import HITLOperator

    why = Param(None, type=["null", "string"], title="Why", description="required to approve and to reject")
    return HITLOperator(
        task_id="request",
        subject="{{ ti.xcom_pull(task_ids='describe')['subject'] }}",
        body="{{ ti.xcom_pull(task_ids='describe')['body'] }}",
        options=list(OPTIONS),
        defaults=UNANSWERED,
        params={"why": why},
        response_timeout=REQUEST_LASTS,
    )


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


def order(source: Source, groups: list[list[str]]) -> list[Any]:
    """The task that brings a night's answers into the archive, mapped over groups; none where no order is needed.

    Between two looks it holds no worker slot. Past the night's deadline it ends with what there is.
    """
    if source.order is None:
        return []

    @task.sensor(
        task_id="order",
        mode="reschedule",
        poke_interval=Settings().poll_seconds,
        timeout=timedelta(days=1).total_seconds(),
        map_index_template=GROUP_LABEL,
    )
    def order_answers(
        source_name: str, property_names: list[str], partition_key: str | None = None, ti: Any = None
    ) -> bool:
        from seo_warehouse.orchestration.stores import open_task_warehouse
        from seo_warehouse.steps import groups

        since = ti.get_first_reschedule_date(get_current_context())
        return groups.order(open_task_warehouse(), source_name, property_names, night_of(partition_key), since)

    return [order_answers.partial(source_name=source.name).expand(property_names=groups)]


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


def load_all(source: Source, groups: list[list[str]], *, after: list[Any]) -> list[Any]:
    """Each table's write, audit and publish, `after` the order; of files one for all tables. Returns the last ones."""
    if source.kind is Kind.DROP:
        return [load_files(source, groups)]
    return [load(source, table, groups, after=after) for table in source.tables]


def build_marts() -> Any:
    """The build, whose assets are the marts of the dbt project."""
    found = (Settings().dbt_project / "models" / "marts").rglob("*.sql")
    return build.override(outlets=[mart_asset(name) for name in sorted(path.stem for path in found)])()


def load_files(source: Source, groups: list[list[str]]) -> Any:
    """Write, audit and publish of every file: which tables it is for is known once it is read. Returns the last."""
    with TaskGroup("files", tooltip=source.description):
        written = write_files.partial(source_name=source.name).expand(property_names=groups)
        audited = audit_files(source_name=source.name)
        tables = [raw_asset(source, table) for table in source.tables]
        published = (
            publish_files.override(outlets=tables).partial(source_name=source.name).expand(property_names=groups)
        )
        written >> audited >> published
    return published


def load(source: Source, table: Table, groups: list[list[str]], *, after: list[Any]) -> Any:
    """A table's write, audit and publish, `after` the order. Returns the last. No property's failure stops another."""
    with TaskGroup(table.name, tooltip=table.description):
        written = write.partial(source_name=source.name, table_name=table.name).expand(property_names=groups)
        audited = audit(source_name=source.name, table_name=table.name)
        publishing = publish.override(outlets=[raw_asset(source, table)])
        published = publishing.partial(source_name=source.name, table_name=table.name).expand(property_names=groups)
        after >> written >> audited >> published
    return published
