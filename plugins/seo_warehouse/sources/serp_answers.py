"""DataForSEO's SERP answers: what each holds, decoded; what each status means.

https://docs.dataforseo.com/v3/serp/google/organic/task_get/regular/
https://docs.dataforseo.com/v3/serp/google/organic/task_get/advanced/
A check that the engine failed (40101) is billed like any other:
https://dataforseo.com/help-center/what-does-the-40101-error-mean
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any, Literal

from seo_warehouse.client.answers import Items
from seo_warehouse.client.archive import Answer
from seo_warehouse.errors import MalformedAnswerError, NotYetError, SourceError, ThrottledError, TransientSourceError
from seo_warehouse.sources.dataforseo import (
    CREATED,
    OK,
    cost_of,
    error_of,
    explain_envelope,
    is_of_the_account,
    opened,
    status_of,
    tasks_of,
)
from seo_warehouse.sources.fields import Shape, mapping, sequence, spaced_instant, text
from seo_warehouse.sources.serp_elements import ELEMENT_COLUMNS, ITEM_COLUMNS, elements
from seo_warehouse.spec import Column, Row, Type

POST_PATH = "/v3/serp/google/organic/task_post"
READY_PATH = "/v3/serp/google/organic/tasks_ready"
GET_PATH = "/v3/serp/google/organic/task_get/"
ID_LIST_PATH = "/v3/serp/id_list"
Form = Literal["regular", "advanced"]
"""How a task's answer may be asked for: the results of the page alone, or each of its elements."""
LIST_ROWS = 1_000
"""The most tasks that tasks_ready or a page of id_list names, of all properties together."""
RESULT_COLUMNS = (
    Column("se_domain", Type.TEXT, "Search engine's domain."),
    Column("check_url", Type.TEXT, "Address to check the SERP at."),
    Column("item_types", Type.TEXTS, "Kinds of items in the SERP."),
    Column("se_results_count", Type.BIGINT, "Results that the engine claims."),
    Column("items_count", Type.INTEGER, "Items in the answer.", minimum=0),
)
RESULT = Shape(
    *RESULT_COLUMNS,
    unused="keyword type location_code language_code datetime spell refinement_chips pages_count items".split(),
)
ITEM = Shape(
    *ITEM_COLUMNS,
    optional={"domain", "title", "description", "breadcrumb"},
    unused="page position xpath rectangle cache_url related_search_url website_name is_image is_video"
    " is_featured_snippet is_malicious is_web_story checks pre_snippet extended_snippet images amp_version"
    " rating price highlighted links faq extended_people_also_search about_this_result related_result"
    " timestamp extra description_rows featured_title table".split(),
)


@dataclass(frozen=True)
class Serp(Items):
    """A task's answer: its status, and of a success its result and items by their columns."""

    status_code: int = OK
    status_message: str = ""
    result: Row | None = None


@dataclass(frozen=True)
class Listed:
    """A page of the list of tasks: its rows, and id and cost of those that have a tag, by tag."""

    row_count: int
    by_tag: dict[str, dict[str, str]]


def decode_posted(document: Any) -> list[dict[str, Any]]:
    """The tasks of an answer to an order, each with a status. Raises MalformedAnswerError."""
    tasks = tasks_of(document)
    for task in tasks:
        code, _ = status_of(task)
        cost_of(task)
        mapping(task.get("data") or {}, "data")
        if code == CREATED:
            text(task.get("id"), "id")
    return tasks


def _results(document: Any) -> list[dict[str, Any]]:
    return [
        mapping(entry, "result[]") for task in tasks_of(document) for entry in sequence(task.get("result"), "result")
    ]


def decode_ready(document: Any) -> dict[str, str | None]:
    """Tag by id of the tasks that are ready. Raises MalformedAnswerError."""
    tags = {text(entry.get("id"), "id"): entry.get("tag") for entry in _results(document)}
    return {id: tag if isinstance(tag, str) else None for id, tag in tags.items()}


def decode_listed(document: Any) -> Listed:
    """A page of id_list. Raises MalformedAnswerError."""
    entries = _results(document)
    by_tag = {}
    for entry in entries:
        tag = mapping(entry.get("metadata") or {}, "metadata").get("tag")
        if isinstance(tag, str):
            by_tag[tag] = {"id": text(entry.get("id"), "id"), "cost": str(cost_of(entry))}
    return Listed(len(entries), by_tag)


def _results_alone(entries: Any) -> Items:
    items = ITEM.items(entries)
    nowhere = dict.fromkeys(column.name for column in ELEMENT_COLUMNS)
    return replace(items, rows=[{**row, **nowhere} for row in items.rows])


_ITEMS: Mapping[Form, Callable[[Any], Items]] = {"regular": _results_alone, "advanced": elements}


def decode_serp(document: Any, form: Form) -> Serp:
    """Makes of a task's answer, asked for in this form, what is kept of it. Raises MalformedAnswerError."""
    tasks = tasks_of(document)
    if len(tasks) != 1:
        raise MalformedAnswerError(f"{len(tasks)} tasks in the answer to one")
    code, message = status_of(tasks[0])
    results = _results(document)
    if code != OK or not results:
        return Serp(status_code=code, status_message=message)
    if len(results) > 1:
        raise MalformedAnswerError(f"{len(results)} results of one task")
    result, items = RESULT.items(results, "result"), _ITEMS[form](results[0].get("items"))
    at = spaced_instant(results[0].get("datetime"), "datetime")
    return Serp(
        items.rows,
        items.unknown | result.unknown,
        items.missing | result.missing,
        items.odd,
        status_code=code,
        status_message=message,
        result={**result.rows[0], "datetime": at},
    )


def explain(answer: Answer) -> SourceError | None:
    """The envelope's status as an error, and a task's where it speaks of more than that one check.

    An order is refused where each of its tasks is; a check that failed is data.
    """
    document = opened(answer)
    if document is None:
        return None
    try:
        statuses = [status_of(task) for task in tasks_of(document)]
        error = explain_envelope(document)
    except MalformedAnswerError as malformed:
        return malformed
    errors = [error_of(*status) for status in statuses]
    if error is not None or not errors:
        return error
    if POST_PATH in answer.url:
        return errors[0] if all(errors) else None
    if GET_PATH in answer.url:
        return _explain_check(statuses[0][0], errors[0])
    return next((error for error in errors if error is not None), None)


def _explain_check(code: int, error: SourceError | None) -> SourceError | None:
    if isinstance(error, TransientSourceError) and not isinstance(error, ThrottledError):
        # A failure on the vendor's side need not be the task's end, and must not hold up the other tasks.
        return NotYetError(str(error))
    return error if isinstance(error, ThrottledError) or is_of_the_account(code) else None
