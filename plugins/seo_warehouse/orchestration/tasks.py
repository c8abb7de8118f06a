"""The tasks of the DAGs. Each calls a step.

Imported while DAG files are parsed, so it imports neither the steps nor what they need (Great Expectations, dbt,
Scrapy, PostgreSQL): each task does that for itself.
"""

from __future__ import annotations

import re
from datetime import date
from typing import TYPE_CHECKING, Any, NoReturn

from airflow.sdk import Asset, TriggerRule, get_current_context, task
from airflow.sdk.exceptions import AirflowFailException, AirflowSkipException, DagRunTriggerException

if TYPE_CHECKING:
    from seo_warehouse.spec import Source, Table
    from seo_warehouse.steps.warehouse import Warehouse


def _asset(schema: str, relation: str) -> Asset:
    # The host is a name, not an address: the asset stays the same one wherever the warehouse lies.
    return Asset(name=f"{schema}/{relation}", uri=f"postgres://seo-warehouse/seo_warehouse/{schema}/{relation}")


NIGHT = _asset("ops", "night")
"""A night has closed; its events carry the night as partition key."""

HELD = _asset("ops", "held")
"""A load is held, and a person is asked; its events carry the load's id as partition key."""


def raw_asset(source: Source, table: Table) -> Asset:
    """A raw table. Its events tell what a night brought of a property (steps/nightly.py raw_outcomes)."""
    return _asset("raw", source.raw_name(table))


def mart_asset(name: str) -> Asset:
    """A mart. Its events tell what a build did to it (steps/build.py model_outcomes); `left`: nothing reached it."""
    return _asset("marts", name)


GROUP_LABEL = "{{ task.op_kwargs['property_names'] | join(', ') | truncate(120, True) }}"
"""Airflow keeps 250 characters."""


def night_of(partition_key: str | None) -> date:
    """The night of a run. Raises AirflowFailException when the run has none, or no date."""
    try:
        return date.fromisoformat(partition_key or "")
    except ValueError:
        raise AirflowFailException(
            f"this run's partition key is {partition_key!r}, not a night such as 2026-11-22: "
            "start it in the user interface or by REST with a partition key, or run `seo-warehouse ingest --night`"
        ) from None


def load_of(partition_key: str | None) -> int:
    """The load of a run of `decide`. Raises AirflowFailException when the run has none."""
    if not re.fullmatch("[1-9][0-9]{0,17}", partition_key or ""):
        raise AirflowFailException(
            f"this run's partition key is {partition_key!r}, not a load's id: `ask` starts these runs by itself"
        )
    return int(partition_key or "")


@task(trigger_rule=TriggerRule.ALL_DONE, map_index_template=GROUP_LABEL)
def write(source_name: str, table_name: str, property_names: list[str], partition_key: str | None = None) -> list[int]:
    """Read the due days of each property of a group into `audit`. Returns the loads."""
    from seo_warehouse.steps import groups, nightly

    wh, night = _warehouse(), night_of(partition_key)
    written = groups.for_each(property_names, lambda name: nightly.write(wh, source_name, table_name, name, night))
    return [load_id for each in written.values() for load_id in each]


@task(trigger_rule=TriggerRule.ALL_DONE)
def audit(source_name: str, table_name: str, partition_key: str | None = None) -> None:
    """Judge the night's loads of every property: one task, since Great Expectations is slow to import."""
    from seo_warehouse.steps import nightly

    nightly.audit(_warehouse(), source_name, table_name, night_of(partition_key))


@task(trigger_rule=TriggerRule.ALL_DONE, map_index_template=GROUP_LABEL)
def publish(
    source_name: str, table_name: str, property_names: list[str], partition_key: str | None = None
) -> dict[str, list[str]]:
    """Swap a group's passed loads into `raw`; skipped where none passed. Returns what became of each, by property."""
    from seo_warehouse.steps import groups, nightly

    wh, night = _warehouse(), night_of(partition_key)
    states = groups.for_each(property_names, lambda name: nightly.publish(wh, source_name, table_name, name, night))
    return _tell_of_raw(wh, source_name, night, states)


@task(task_id="write", trigger_rule=TriggerRule.ALL_DONE, map_index_template=GROUP_LABEL)
def write_files(source_name: str, property_names: list[str], partition_key: str | None = None) -> list[int]:
    """Read every file of a group's properties that the ledger lacks into `audit`. Returns the loads."""
    from seo_warehouse.steps import drop, groups

    wh, night = _warehouse(), night_of(partition_key)
    written = groups.for_each(property_names, lambda name: drop.write(wh, source_name, name, night))
    return [load_id for each in written.values() for load_id in each]


@task(task_id="audit", trigger_rule=TriggerRule.ALL_DONE)
def audit_files(source_name: str, partition_key: str | None = None) -> None:
    """Judge what the night's files of every property brought."""
    from seo_warehouse.steps import drop

    drop.audit(_warehouse(), source_name, night_of(partition_key))


@task(task_id="publish", trigger_rule=TriggerRule.ALL_DONE, map_index_template=GROUP_LABEL)
def publish_files(
    source_name: str, property_names: list[str], partition_key: str | None = None
) -> dict[str, list[str]]:
    """Merge a group's passed loads into `raw`; skipped where none passed. Returns what became of each, by property."""
    from seo_warehouse.steps import drop, groups

    wh, night = _warehouse(), night_of(partition_key)
    states = groups.for_each(property_names, lambda name: drop.publish(wh, source_name, name, night))
    return _tell_of_raw(wh, source_name, night, states)


def _tell_of_raw(wh: Warehouse, source_name: str, night: date, states: dict[str, list[str]]) -> dict[str, list[str]]:
    """Have the events of the task's assets tell what the night brought of the properties of which something passed.

    Of a table of which no file spoke that is nothing. Raises AirflowSkipException where nothing passed of any.
    """
    from seo_warehouse.steps import nightly

    passed = {name: each for name, each in states.items() if each}
    if not passed:
        raise AirflowSkipException(f"nothing of {', '.join(states)} passed the audit")
    told = nightly.raw_outcomes(wh, source_name, passed, night)
    nothing = {"states": {}, "rows": 0, "days": 0, "money": 0.0}
    context = get_current_context()
    for asset in context["task"].outlets:
        table = asset.name.partition("__")[2]
        properties = {name: each.get(table, nothing) for name, each in told.items()}
        context["outlet_events"][asset].extra = {"properties": properties}
    return passed


@task(trigger_rule=TriggerRule.ALL_DONE)
def announce(source_name: str, partition_key: str | None = None) -> None:
    """Note that the source has ended the night, whatever came of its loads."""
    from seo_warehouse.steps import nightly

    nightly.announce(_warehouse(), source_name, night_of(partition_key))


@task(outlets=[NIGHT])
def close_night(source_name: str, partition_key: str | None = None) -> None:
    """Close the night once every source has ended it; skipped, and so without an event, before that.

    And where another source's run tells of it.
    """
    from seo_warehouse.steps import nightly

    night = night_of(partition_key)
    if not nightly.close_night(_warehouse(), source_name, night):
        raise AirflowSkipException(f"night {night} is told of already, or a source has not ended it")


@task(trigger_rule=TriggerRule.ALL_DONE)
def verdict(source_name: str, partition_key: str | None = None, dag_run: Any = None) -> None:
    """Tell people what cannot wait; make the run red when a load failed or is in quarantine, and say which."""
    from seo_warehouse.steps import nightly
    from seo_warehouse.steps.alerts import alert

    wh, night = _warehouse(), night_of(partition_key)
    nightly.note_run(wh, source_name, night, dag_run.run_id)
    alert(wh)
    nightly.verdict(wh, source_name, night)


@task(retries=2)
def build() -> int:
    """Build the models on what was published since the last build; skipped where that is nothing. Returns the build."""
    from seo_warehouse.steps.build import build_warehouse, model_outcomes

    wh = _warehouse()
    build_id = build_warehouse(wh).build_id
    if build_id is None:
        raise AirflowSkipException("nothing to build: every published day is modelled")
    told = model_outcomes(wh, build_id)
    context = get_current_context()
    for asset in context["task"].outlets:
        context["outlet_events"][asset].extra = told.get(
            asset.name.removeprefix("marts/"), {"build": build_id, "state": "left"}
        )
    return build_id


@task(task_id="verdict", trigger_rule=TriggerRule.ALL_DONE)
def judge_build(build_id: int | None) -> None:
    """Tell people what cannot wait; make the run red where a property is set aside, and say why.

    Where nothing was built no report follows, and the morning's message is sent now: of nights that bring nothing
    people hear too.
    """
    from seo_warehouse.steps.alerts import alert
    from seo_warehouse.steps.apart import verdict

    wh = _warehouse()
    alert(wh, is_morning=build_id is None)
    verdict(wh)


@task
def report() -> None:
    """Write the reports of what links did, and then, written or not, send the morning's message.

    Skipped where there was nothing to build.
    """
    from seo_warehouse.steps.alerts import alert
    from seo_warehouse.steps.report import write_reports

    wh = _warehouse()
    try:
        write_reports(wh)
    finally:
        alert(wh, is_morning=True)


@task(outlets=[NIGHT])
def close_overdue() -> None:
    """Close the oldest overdue night; an event for each that waits for a build wakes `warehouse`; else skipped."""
    from seo_warehouse.steps import nightly

    nights = nightly.close_overdue(_warehouse())
    if not nights:
        raise AirflowSkipException("no night is overdue")
    get_current_context()["outlet_events"][NIGHT].add_partitions([night.isoformat() for night in nights])


@task(trigger_rule=TriggerRule.ALL_DONE)
def check_clock() -> None:
    """Make the run red where the clock is days ahead of the nights that have closed."""
    from seo_warehouse.steps import nightly

    nightly.check_clock(_warehouse())


@task(task_id="alert", trigger_rule=TriggerRule.ALL_DONE)
def tell_people() -> None:
    """Note which states there are, and send what cannot wait or was not taken before."""
    from seo_warehouse.steps.alerts import alert

    alert(_warehouse())


@task
def release(params: dict[str, Any] | None = None, dag_run: Any = None) -> str:
    """Keep the decision of whoever started the run about a load, and carry it out. Returns what became of the load."""
    from seo_warehouse.steps.release import release as decide_and_carry_out

    chosen = params or {}
    who = f"{dag_run.triggering_user_name or 'somebody'} (Airflow)"
    return decide_and_carry_out(_warehouse(), chosen["load"], chosen["decision"], who=who, why=chosen["why"])


@task(outlets=[HELD], trigger_rule=TriggerRule.ALL_DONE)
def ask() -> None:
    """Have a person asked about each held load of which nobody was: an event each wakes `decide`; else skipped."""
    from seo_warehouse.steps import decide

    held = decide.ask(_warehouse())
    if not held:
        raise AirflowSkipException("no load is held of which nobody was asked")
    get_current_context()["outlet_events"][HELD].add_partitions([str(load_id) for load_id in held])


@task
def describe(partition_key: str | None = None, dag_run: Any = None) -> dict[str, str]:
    """What a person is asked about the run's load; skipped, and what follows too, where there is nothing to decide."""
    from seo_warehouse.steps import decide

    request = decide.describe(_warehouse(), load_of(partition_key), dag_run.run_id)
    if request is None:
        raise AirflowSkipException("there is nothing to decide about this load any more, or another run asks already")
    return {"subject": request.subject, "body": request.body}


@task
def carry_out(answer: dict[str, Any], partition_key: str | None = None) -> str:
    """Do what a person answered about the run's load. Returns what became of it."""
    from seo_warehouse.steps import decide

    who = answer["responded_by_user"]
    return decide.carry_out(
        _warehouse(),
        load_of(partition_key),
        answer["chosen_options"][0],
        who=f"{who['name']} (Airflow)" if who else None,
        why=(answer["params_input"] or {}).get("why") or "",
    )


@task(trigger_rule=TriggerRule.ALL_DONE)
def find_overtaken() -> list[str]:
    """The runs of `decide` that ask about a load of which there is nothing to decide any more."""
    from seo_warehouse.steps import decide

    return decide.overtaken(_warehouse())


@task
def end_request(overtaken_run: str) -> None:
    """Run one of them anew: it finds that there is nothing to decide, and ends.

    Raises what Airflow's own operator for it raises, whose import costs each task of a DAG half a second.
    """
    _run_anew("decide", overtaken_run)


@task(trigger_rule=TriggerRule.ALL_DONE)
def find_deferred() -> list[list[str]]:
    """Source and run of each run of tonight that a budget kept from buying something, and that fits by now."""
    from seo_warehouse.steps import nightly

    return [list(found) for found in nightly.find_deferred(_warehouse())]


@task
def read_deferred(deferred: list[str]) -> None:
    """Run one of them anew: what it has read already comes from the archive, and is unchanged.

    Noted first, and here: a task that is killed in between is tried again, with the same run.
    """
    from seo_warehouse.steps import nightly

    source_name, run_id = deferred
    nightly.note_anew(_warehouse(), source_name, run_id)
    _run_anew(f"ingest__{source_name}", run_id)


def _run_anew(dag_id: str, run_id: str) -> NoReturn:
    raise DagRunTriggerException(
        trigger_dag_id=dag_id,
        dag_run_id=run_id,
        conf=None,
        reset_dag_run=True,
        skip_when_already_exists=False,
        wait_for_completion=False,
        allowed_states=[],
        failed_states=[],
        poke_interval=60,
        deferrable=False,
    )


@task
def load_history(params: dict[str, Any] | None = None) -> None:
    """Load the history of the property that the run names; each month is a line of the log."""
    from seo_warehouse.steps.history import onboard

    chosen = params or {}
    first = chosen["first_day"]
    onboard(_warehouse(), chosen["property"], date.fromisoformat(first) if first else None)


@task(trigger_rule=TriggerRule.ALL_DONE)
def carry_out_decisions() -> list[str]:
    """Carry out what was decided about loads and was cut before it was done. Returns what became of each.

    And note what readings had bought that were killed.
    """
    from seo_warehouse.steps.release import carry_out_decisions as carry_out
    from seo_warehouse.steps.settling import settle_dead

    wh = _warehouse()
    done = carry_out(wh)
    settle_dead(wh)
    return done


@task
def keep_tables() -> None:
    """Make next month's partitions, give up what is old, vacuum what the nights churn, forget old builds' folders."""
    from seo_warehouse.steps import nightly
    from seo_warehouse.steps.build import forget_old_targets

    wh = _warehouse()
    nightly.maintain(wh)
    forget_old_targets(wh)


@task(trigger_rule=TriggerRule.ALL_DONE)
def check_freshness() -> None:
    """Warn of tables that are older than their sources allow; `seo-warehouse status` names them too."""
    from seo_warehouse.steps.build import note_stale_tables

    note_stale_tables(_warehouse())


@task(trigger_rule=TriggerRule.ALL_DONE)
def write_docs() -> None:
    """Write dbt's documentation of every model and column."""
    from seo_warehouse.steps.build import generate_docs

    generate_docs(_warehouse())


@task
def end_overlong_sessions() -> int:
    """End the sessions of analysts that are over their limits, or that others wait for."""
    from seo_warehouse.steps.grants import end_overlong_sessions as end

    return end(_warehouse())


def _warehouse() -> Warehouse:
    from seo_warehouse.orchestration.stores import open_task_warehouse

    return open_task_warehouse()
