"""What every DAG must state, and what is done about each kind of failure."""

from __future__ import annotations

from datetime import date, timedelta
from typing import Any

import pytest

from seo_warehouse import errors

TAGS = {"ingest", "warehouse", "maintenance", "release", "dated", "snapshot", "drop"}
"""What a person filters by: one that no other DAG has tells nobody anything."""


def test_every_dag_says_what_it_is_whose_it_is_and_what_to_do_when_it_is_red(dags: dict[str, Any]) -> None:
    for dag in dags.values():
        assert dag.tags, dag.dag_id
        assert dag.tags <= TAGS, dag.dag_id
        assert dag.description, dag.dag_id
        assert "What a red run means" in dag.doc_md, dag.dag_id
        assert dag.catchup is False, dag.dag_id
        assert {task.owner for task in dag.tasks} == {"seo-data"}, dag.dag_id


def test_every_task_is_retried_by_the_one_policy_after_the_pause_that_is_set(dags: dict[str, Any]) -> None:
    from seo_warehouse.orchestration.dag_parts import RETRY_POLICY

    for dag in dags.values():
        for task in dag.tasks:
            retry_policy = task.partial_kwargs["retry_policy"] if task.is_mapped else task.retry_policy
            assert retry_policy is RETRY_POLICY, task.task_id
            # A model or test that fails does so again; a build that was killed deserves another try.
            retries = 2 if task.task_id == "build" else 4
            assert (task.retries, task.retry_delay) == (retries, timedelta(seconds=90)), task.task_id


def test_no_task_defers_so_none_waits_for_the_triggerer_that_is_not_started(dags: dict[str, Any]) -> None:
    for dag in dags.values():
        for task in dag.tasks:
            stated = task.partial_kwargs.get("deferrable") if task.is_mapped else getattr(task, "deferrable", False)
            assert not stated, task.task_id
            assert not task.start_from_trigger, task.task_id


def test_two_builds_never_run_at_once(dags: dict[str, Any]) -> None:
    assert dags["warehouse"].max_active_runs == 1


ACTIONS = {
    errors.TransientSourceError: "retry",
    errors.MalformedAnswerError: "retry",
    errors.ThrottledError: "retry",
    errors.TransientLoadError: "retry",
    errors.TerminalSourceError: "fail",
    errors.NightOverError: "fail",
    errors.NotArchivedError: "fail",
    errors.BudgetError: "fail",
    errors.ConfigError: "fail",
    errors.AuditFailedError: "fail",
    errors.LoadError: "fail",
    errors.BuildError: "default",
    ConnectionResetError: "default",
}


@pytest.mark.parametrize(("kind", "action"), ACTIONS.items(), ids=lambda value: getattr(value, "__name__", value))
def test_the_type_of_a_failure_says_whether_it_is_tried_again(kind: type[Exception], action: str) -> None:
    from seo_warehouse.orchestration.dag_parts import RETRY_POLICY

    assert RETRY_POLICY.evaluate(kind("what happened"), 1, 4).action.value == action


def test_a_provider_that_names_a_pause_is_left_alone_that_long() -> None:
    from seo_warehouse.orchestration.dag_parts import RETRY_POLICY

    decision = RETRY_POLICY.evaluate(errors.ThrottledError("slow down", retry_after_seconds=1800), 1, 4)
    assert (decision.action.value, decision.retry_delay) == ("retry", timedelta(seconds=1800))


def test_a_run_is_known_by_its_night() -> None:
    from seo_warehouse.orchestration.tasks import night_of

    assert night_of("2026-11-22") == date(2026, 11, 22)


@pytest.mark.parametrize("key", [None, "", "beta", "2026-11-22T02:00:00", "2026-02-30"])
def test_a_run_without_a_night_is_refused_at_once(key: str | None) -> None:
    from airflow.sdk.exceptions import AirflowFailException

    from seo_warehouse.orchestration.tasks import night_of

    with pytest.raises(AirflowFailException, match="partition key"):
        night_of(key)
