"""What DataForSEO's APIs share: the envelope, its status codes, and what each code means for the caller.

HTTP is 200 but for 401, 402, 404 and 500; the envelope has a status, and each task inside has its own.
https://docs.dataforseo.com/v3/appendix/errors/

`result` is null where there is nothing (result_count 0): an empty list, an order, a failure; only the status tells them
apart. So it is in recorded answers, and optional in the vendor's models (PyPI, dataforseo-client).
"""

from __future__ import annotations

from collections.abc import Iterable
from decimal import Decimal
from typing import Any

import orjson
from pydantic import Field

from seo_warehouse.client.access import Access, Basic
from seo_warehouse.client.api import Api
from seo_warehouse.client.archive import Answer
from seo_warehouse.errors import (
    CredentialsError,
    MalformedAnswerError,
    NotYetError,
    SourceError,
    TerminalSourceError,
    ThrottledError,
    TransientSourceError,
)
from seo_warehouse.property import Property
from seo_warehouse.sources.fields import integer, mapping, money, number, sequence, text

ACCESS = Access(
    host="https://api.dataforseo.com",
    auth=Basic,
    example={"conn_type": "http", "login": "name@example.com", "password": "not-a-password"},
)
CONNECTION = Field("dataforseo", description="Airflow connection with login and password of the API.")
MONEY_PER_NIGHT = Field(
    20.0,
    gt=0,
    description="US dollars that a night may spend, known before each call that costs: nothing is bought beyond.",
)

ACCOUNT_PATH = "/v3/appendix/user_data"
"""Tells of the account, and is not charged: https://docs.dataforseo.com/v3/appendix/user_data/"""

OK = 20000
CREATED = 20100
NO_RESULTS = 40102
UNAUTHORISED = 40100
"""The engine shows no results: an answer, not a failure."""
_NOT_YET = {40601, 40602}
"""Task handed, task in queue: neither has an answer yet."""
_THROTTLED = {40202, 40209}
"""More than 2,000 calls a minute, more than 30 at the same time; both are the account's, whoever calls."""
_OF_THE_PROVIDER = 50000
"""From here on the failure is DataForSEO's own."""


def error_of(code: int, message: str) -> SourceError | None:
    """The error that a status code stands for; None where it is none."""
    sentence = f"DataForSEO status {code}: {message}"
    if code in (OK, CREATED, NO_RESULTS):
        return None
    if code in _NOT_YET:
        return NotYetError(sentence)
    if code in _THROTTLED:
        return ThrottledError(sentence)
    if code >= _OF_THE_PROVIDER:
        return TransientSourceError(sentence)
    return CredentialsError(sentence) if code == UNAUTHORISED else TerminalSourceError(sentence)


def is_of_the_account(code: int) -> bool:
    """Whether a task's status speaks of the account (401xx authorisation, 402xx payment), not of the task."""
    return code in (UNAUTHORISED, 40104) or 40200 <= code < 40300


def tasks_of(document: Any) -> list[dict[str, Any]]:
    """The tasks of an envelope. Raises MalformedAnswerError."""
    return [mapping(task, "tasks[]") for task in sequence(mapping(document, "the answer").get("tasks"), "tasks")]


def status_of(part: dict[str, Any]) -> tuple[int, str]:
    """(status code, the vendor's words) of an envelope or a task. Raises MalformedAnswerError."""
    message = part.get("status_message")
    return integer(part.get("status_code"), "status_code"), "" if message is None else text(message, "status_message")


def cost_of(part: dict[str, Any]) -> Decimal:
    """US dollars that an envelope or a task cost. Raises MalformedAnswerError."""
    return money(part.get("cost"), "cost")


def only_result(document: Any) -> dict[str, Any] | None:
    """The one result of an answer's one task; None where the task has none.

    Raises MalformedAnswerError, also where the envelope counts a failed task and shows none.
    """
    tasks = tasks_of(document)
    if len(tasks) != 1:
        raise MalformedAnswerError(f"{len(tasks)} tasks in the answer to one")
    if document.get("tasks_error"):
        raise MalformedAnswerError(
            f"tasks_error is {document['tasks_error']!r}, yet the task says {status_of(tasks[0])}"
        )
    results = sequence(tasks[0].get("result"), "result")
    if len(results) > 1:
        raise MalformedAnswerError(f"{len(results)} results of one task")
    return mapping(results[0], "result[0]") if results and results[0] is not None else None


def expect_money(api: Api, price: Decimal) -> None:
    """Raises CredentialsError where the login is not accepted, TerminalSourceError where less than `price` is left."""
    left: Decimal = api.get(ACCOUNT_PATH, decode=_balance).json
    if left <= 0 or left < price:
        needed = f", and a night costs some {price.normalize():f}" if price else ""
        raise TerminalSourceError(f"DataForSEO's account has {left.normalize():f} US dollars left{needed}: top it up")


def probe_account(api: Api, property: Property) -> None:
    """The login is accepted, and has money left."""
    expect_money(api, Decimal(0))


def _balance(document: Any) -> Decimal:
    account = mapping(only_result(document), "result[0]")
    # It may be below nothing.
    return Decimal(str(number(mapping(account.get("money"), "money").get("balance"), "balance")))


def opened(answer: Answer) -> dict[str, Any] | None:
    """The envelope of an answer; None where it is none, which the client finds out and says."""
    try:
        document = orjson.loads(answer.body)
    except orjson.JSONDecodeError:
        return None
    return document if isinstance(document, dict) and "status_code" in document else None


def explain_envelope(document: dict[str, Any]) -> SourceError | None:
    """The error that an envelope's own status stands for."""
    try:
        return error_of(*status_of(document))
    except MalformedAnswerError as error:
        return error


def first_error(tasks: Iterable[dict[str, Any]]) -> SourceError | None:
    """The error of the first task that failed."""
    for task in tasks:
        error = error_of(*status_of(task))
        if error is not None:
            return error
    return None
