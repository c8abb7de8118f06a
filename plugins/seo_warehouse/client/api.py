"""The one HTTP door: session, retry, rate limit, budget, archive, redaction.

A call whose answer the archive holds is never sent again. Before any other call its intent is recorded, so
that one cut short by a kill can be told from one never sent. Only an answer that is fit for use is archived
under its call; what a provider refuses or garbles raises, by type (errors.py).
"""

from __future__ import annotations

import hashlib
import itertools
import logging
import random
import time
from collections import Counter, deque
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, field, replace
from datetime import date, datetime
from decimal import Decimal
from functools import partial
from types import TracebackType
from typing import Any, Protocol, Self

import orjson

from seo_warehouse.client.access import Auth
from seo_warehouse.client.answers import Decode, Items, UndocumentedError, excerpt, read_document, retry_after_seconds
from seo_warehouse.client.archive import Answer, Archive, packing
from seo_warehouse.client.plans import Ask, planned_at, read_plan
from seo_warehouse.client.shapes import Tally
from seo_warehouse.client.sieve import Sieve
from seo_warehouse.client.transport import Limits, Transport, UnsentError
from seo_warehouse.errors import (
    BudgetError,
    CredentialsError,
    MalformedAnswerError,
    NightOverError,
    NotArchivedError,
    NotYetError,
    RefusedAddressError,
    SourceError,
    TerminalSourceError,
    ThrottledError,
    TransientSourceError,
)

__all__ = ["Answer", "Api", "Items", "Limits", "Noted", "Reply", "Usage"]

log = logging.getLogger(__name__)


@dataclass(kw_only=True)
class Usage:
    """What a load has used. `calls` were sent now; all else covers reused answers too, whoever asked for them.

    `cut` counts calls found sent without an answer, by an attempt that ended in between. The ledger takes of `money`
    and `units` what no earlier reading of the same answers has noted.
    """

    calls: int = 0
    reused: int = 0
    cut: int = 0
    bytes: int = 0
    units: Decimal = Decimal(0)
    money: Decimal = Decimal(0)
    first_answer_at: datetime | None = None
    last_answer_at: datetime | None = None

    def see(self, at: datetime) -> None:
        """Take in the instant of an answer."""
        self.first_answer_at = min(self.first_answer_at or at, at)
        self.last_answer_at = max(self.last_answer_at or at, at)

    def add(self, other: Usage) -> None:
        """Take in what another reading used; the instants are the first and the last of both."""
        for name in ("calls", "reused", "cut", "bytes", "units", "money"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        for at in (other.first_answer_at, other.last_answer_at):
            if at is not None:
                self.see(at)


@dataclass(kw_only=True)
class Noted:
    """What is known of rows beside them, whole once the last of them is read.

    `days` are those that were read, also those without rows; `facts` is what the readers noted about a day.
    """

    days: set[date]
    facts: dict[date, dict[str, Any]] = field(default_factory=dict)
    usage: Usage = field(default_factory=Usage)

    def take(self, api: Api) -> None:
        """Take in what calls through a client told and took."""
        self.facts |= api.facts
        self.usage.add(api.usage)


@dataclass(frozen=True)
class Reply:
    """A decoded answer, the instant it speaks of, and whether it came from the archive.

    `json` is the document, or what the call's own `decode` made of it.
    """

    json: Any
    observed_at: datetime
    is_reused: bool


@dataclass(frozen=True)
class _Call:
    method: str
    path: str
    payload: Any
    key: str
    decode: Decode | None
    sieve: Sieve | None = None
    accepts: Collection[int] = ()

    def __str__(self) -> str:
        return f"{self.method} {self.path}"


def call_key(method: str, path: str, payload: Any = None) -> str:
    """The archive's key of a call: the same for the same method, path and parameters or body, in any key order."""
    identity = orjson.dumps([method, path, payload], option=orjson.OPT_SORT_KEYS | orjson.OPT_NON_STR_KEYS)
    return hashlib.sha256(identity).hexdigest()[:32]


class Pace(Protocol):
    """How fast an account is asked by all processes together."""

    def wait(self) -> None:
        """Wait for this process's next call."""

    def slow_down(self) -> None:
        """The provider asked for fewer calls."""

    def close(self) -> None:
        """Nothing more is called."""


@dataclass(kw_only=True)
class Api:
    """Calls to one provider for one load, through its archive.

    `auth` signs each request; where it fetches tokens of its own, those calls do not pass here and are not
    archived. `explain` turns an answer that means failure into the error to raise. With `may_call` False
    nothing is sent: a call that the archive lacks raises NotArchivedError. `networks` (CIDR) are reached beside
    public addresses. `night`: every answer is to be of that UTC day, else NightOverError is raised. `remedy`: what to
    do where the provider does not accept who asks. `reserve` is told, before a call that costs, what the load will have
    cost with it; it raises DeferredError where a month's budget does not hold that. `pace`: of the account, beside that
    of this load, which Limits state. `shapes` counts the fields of what is bought, not of what the archive holds.
    `strip` makes of a call's path and the document that answers it what may be kept: nothing else is archived, said or
    read, and of an answer that is no JSON nothing at all.
    """

    base_url: str
    auth: Auth | None
    archive: Archive
    may_call: bool
    explain: Callable[[Answer], SourceError | None] | None
    limits: Limits
    networks: tuple[str, ...] = ()
    night: date | None = None
    remedy: str = ""
    reserve: Callable[[Decimal], None] | None = None
    pace: Pace | None = None
    strip: Callable[[str, Any], Any] | None = None
    usage: Usage = field(default_factory=Usage)
    facts: dict[date, dict[str, Any]] = field(default_factory=dict)
    shapes: Tally = field(default_factory=Tally)
    has_noted_shape: bool = False
    _occurrences: Counter[str] = field(default_factory=Counter)
    _sent_at: deque[float] = field(default_factory=deque)
    _transport: Transport = field(init=False)

    def __post_init__(self) -> None:
        self._transport = Transport(self.base_url, self.auth, self.limits, self.networks)

    def get(
        self,
        path: str,
        params: Mapping[str, Any] | None = None,
        *,
        fresh: bool = False,
        decode: Decode | None = None,
    ) -> Reply:
        """Answer of a GET. `fresh`: a poll; its occurrences are archived and replayed one by one, in order.

        `decode` turns the document into what the caller works with; `OfText` is one of text that is no JSON. An answer
        it refuses with MalformedAnswerError is not archived as the call's answer, so that a later attempt asks anew.
        Raises the errors of errors.SourceError.
        """
        return self._reply("GET", path, dict(params) if params else None, fresh, False, decode)

    def post(
        self,
        path: str,
        body: Any,
        *,
        fresh: bool = False,
        once: bool = False,
        accepts: Collection[int] = (),
        decode: Decode | None = None,
    ) -> Reply:
        """Answer of a POST of JSON; `fresh` and `decode` as in `get`.

        `accepts`: statuses beside 2xx that answer what was asked, as one that says that nothing is known of it: such an
        answer is archived and decoded like any other, unless `explain` makes an error of it.

        `once`: carrying it out twice would do harm. It is not sent again here unless the provider surely did not
        carry it out, and its intent survives a power cut; `is_cut` then tells.
        """
        return self._reply("POST", path, body, fresh, once, decode, accepts=accepts)

    def pass_over(self, path: str) -> None:
        """Leave out the archived occurrences of a poll by GET: the next `get` of it is sent. Reads none of them."""
        key = call_key("GET", path)
        last, step = self._occurrences[key], 1
        while self.archive.has(_occurrence(key, last + step)):
            last, step = last + step, 2 * step
        while step > 1:
            step //= 2
            last += step if self.archive.has(_occurrence(key, last + step)) else 0
        self._occurrences[key] = last

    def find(self, method: str, path: str, params_or_body: Any = None, *, decode: Decode | None = None) -> Reply | None:
        """The archived answer of a call, or None; never sends."""
        answer = self.recall(call_key(method, path, params_or_body), path)
        return None if answer is None else self._reused(f"{method} {path}", answer, decode)

    def holds(self, method: str, path: str, params_or_body: Any = None) -> bool:
        """Whether the archive has the answer of a call, without reading it."""
        return self.archive.has(call_key(method, path, params_or_body))

    def is_cut(self, method: str, path: str, params_or_body: Any = None) -> bool:
        """Whether a call was sent and no answer of it was kept: nobody knows here whether it was carried out."""
        key = call_key(method, path, params_or_body)
        return self.archive.has_intent(key) and not self.archive.has(key)

    def plan(self) -> tuple[Ask, ...]:
        """What the night's plan says to ask, in that order. Raises NotArchivedError where none was kept."""
        return read_plan(self.archive)

    def planned_at(self) -> datetime:
        """When the night's plan was kept. Raises NotArchivedError where none was."""
        return planned_at(self.archive)

    def note(self, day: date, **facts: Any) -> None:
        """Keep facts about a day beside its rows."""
        self.facts.setdefault(day, {}).update(facts)

    def note_shape(self, day: date, items: Items) -> None:
        """Keep which fields of an answer about a day were out of place, so that the gate holds the load, or warns."""
        self.has_noted_shape = True
        known = self.facts.get(day, {})
        noted = {"unknown_fields": items.unknown, "missing_fields": items.missing, "odd_fields": items.odd}
        for name, found in noted.items():
            if found:
                self.note(day, **{name: sorted(found.union(known.get(name, ())))})

    def pages(
        self, path: str, params: Mapping[str, Any], number: str, day: date, *, decode: Callable[[Any], Items]
    ) -> Iterator[dict[str, Any]]:
        """The rows of a GET, page by page from 0 (parameter `number`), up to the number of pages that answers state."""
        for page in itertools.count():
            reply = self.get(path, {**params, number: page}, decode=decode)
            yield from self.rows(reply, day)
            if page + 1 >= reply.json.page_count:
                return

    def sift(self, path: str, day: date, sieve: Sieve, *, decode: Callable[[list[str]], Items]) -> Reply:
        """Answer of a GET of a packed file of lines that is too large to be kept: what `sieve` lets through of it.

        The archive keeps these lines as they stand, and how many lines and bytes the file has, which is noted.
        """

        def read(document: dict[str, Any]) -> Items:
            self.note(day, **{name: value for name, value in document.items() if name != "lines"})
            try:
                return decode(document["lines"])
            except ValueError as error:
                raise MalformedAnswerError(f"the lines are not as documented: {error}") from None

        return self._reply("GET", path, None, False, False, read, sieve)

    def rows(self, reply: Reply, day: date) -> Iterator[dict[str, Any]]:
        """The rows of an answer decoded to `Items`, each with `day` and the answer's `observed_at`; notes its shape."""
        self.note_shape(day, reply.json)
        for row in reply.json.rows:
            yield {**row, "day": day, "observed_at": reply.observed_at}

    def spend(self, *, money: float | Decimal = 0, units: float | Decimal = 0) -> None:
        """Count what an answer cost, whoever bought it."""
        self.usage.money += Decimal(str(money))
        self.usage.units += Decimal(str(units))

    def afford(self, price: Decimal) -> None:
        """To be asked before a call that costs `price`, US dollars.

        Raises BudgetError where Limits.money does not allow it, DeferredError where a month's budget does not.
        """
        allowed = self.limits.money
        if allowed is not None and self.usage.money + price > Decimal(str(allowed)):
            raise BudgetError(
                f"{self.usage.money.normalize():f} US dollars are spent and {price.normalize():f} more would be,"
                f" {allowed} are allowed for a night: raise money_per_night or ask for less"
            )
        if self.reserve is not None:
            self.reserve(self.usage.money + price)

    def recall(self, key: str, path: str = "") -> Answer | None:
        """The archived answer under a key, counted as reused."""
        answer = self.archive.get(key)
        if answer is not None:
            self.usage.reused += 1
            self._count(answer)
            # It was kept by a release that stripped less, maybe.
            answer = self._stripped(answer, path)
        return answer

    def sending(self, key: str, request: dict[str, Any], *, is_durable: bool = False) -> None:
        """Record a call that is about to be sent, here or by a process of ours."""
        self.archive.intend(key, request, durable=is_durable)
        self.usage.calls += 1

    def unsent(self, key: str, *, was_sent: bool = False) -> None:
        """Take back what `sending` recorded, as no connection was had; `was_sent`: but for an earlier time."""
        self.usage.calls -= 1
        if not was_sent:
            self.archive.withdraw(key)

    def received(self, key: str, answer: Answer, packed: Callable[[], bytes] | None = None) -> None:
        """Keep the answer of a call that `sending` recorded, and count it."""
        self._count(answer)
        self.archive.put(key, answer, packed)

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()
        if self.pace is not None:
            self.pace.close()

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.close()

    def _reply(
        self,
        method: str,
        path: str,
        payload: Any,
        fresh: bool,
        once: bool,
        decode: Decode | None,
        sieve: Sieve | None = None,
        accepts: Collection[int] = (),
    ) -> Reply:
        key = call_key(method, path, payload)
        if fresh:
            self._occurrences[key] += 1
            key = _occurrence(key, self._occurrences[key])
        call = _Call(method, path, payload, key, decode, sieve, accepts)
        archived = self.recall(key, path)
        if archived is not None:
            return self._reused(str(call), archived, decode)
        if not self.may_call:
            raise NotArchivedError(f"{call}: its answer is not in the archive ({self.archive.scope})")
        try:
            answer, decoded = self._ask(call, once=once)
        except SourceError as error:
            if fresh:
                self._occurrences[call_key(method, path, payload)] -= 1
            if isinstance(error, CredentialsError) and self.remedy:
                error.args = (f"{error}: {self.remedy}",)
            raise
        self._check_night(answer)
        return Reply(decoded, answer.observed_at, is_reused=False)

    def _reused(self, name: str, answer: Answer, decode: Decode | None) -> Reply:
        self._check_night(answer)
        return Reply(read_document(name, answer, decode), answer.observed_at, is_reused=True)

    def _check_night(self, answer: Answer) -> None:
        at = answer.observed_at
        if self.night is not None and at.date() != self.night:
            raise NightOverError(f"asked for the night of {self.night}, answered at {at:%Y-%m-%d %H:%M} UTC")

    def _ask(self, call: _Call, *, once: bool) -> tuple[Answer, Any]:
        """Attempts within seconds, until an answer is fit for use."""
        was_sent = self.archive.has_intent(call.key)
        self.usage.cut += was_sent
        waited = 0.0
        for attempt in range(1, self.limits.attempts + 1):
            try:
                return self._ask_once(call, is_durable=once, was_sent=was_sent)
            except TransientSourceError as error:
                was_sent = was_sent or not isinstance(error, ThrottledError | NotYetError | UnsentError)
                if self.pace is not None and isinstance(error, ThrottledError):
                    self.pace.slow_down()
                wait = self._wait_seconds(error, attempt)
                is_unclear = once and not isinstance(error, ThrottledError | UnsentError)
                is_last = attempt == self.limits.attempts or waited + wait > self.limits.max_wait_seconds
                # A file of gigabytes is asked for again by the scheduler, not at once.
                is_last = is_last or call.sieve is not None
                if is_unclear or is_last or isinstance(error, NotYetError | UndocumentedError):
                    raise
                log.info("%s: attempt %d, again in %.1f s: %s", call, attempt, wait, error)
                time.sleep(wait)
                waited += wait
        raise TransientSourceError(f"{call}: no attempt was allowed")

    def _wait_seconds(self, error: TransientSourceError, attempt: int) -> float:
        if isinstance(error, ThrottledError) and error.retry_after_seconds is not None:
            return max(0.0, error.retry_after_seconds)
        # With jitter, so that loads that were refused together do not come back together.
        return self.limits.backoff_seconds * 2.0 ** (attempt - 1) * random.uniform(0.75, 1.25)  # noqa: S311

    def _ask_once(self, call: _Call, *, is_durable: bool, was_sent: bool) -> tuple[Answer, Any]:
        self._check_budget()
        self._wait_for_turn()
        signed = self._transport.sign(call.method, call.path, call.payload)
        request = {"method": call.method, "path": call.path, "payload": call.payload}
        self.sending(call.key, request, is_durable=is_durable)
        try:
            answer = self._stripped(self._transport.send(str(call), signed, call.sieve), call.path)
        except (UnsentError, RefusedAddressError):
            self.unsent(call.key, was_sent=was_sent)
            raise
        packed = packing(answer)
        try:
            self._judge(call, answer)
            decoded = read_document(str(call), answer, call.decode, partial(self.shapes.see, call.path))
        except SourceError as error:
            self._count(answer)
            self.archive.put_refused(call.key, answer)
            is_no = isinstance(error, TerminalSourceError | ThrottledError) and not was_sent
            if is_no or isinstance(error, NotYetError):
                # The provider said no: nothing was carried out, the call may be sent again. Of an earlier time that had
                # no whole answer that says nothing, unless there is none to be had yet.
                self.archive.withdraw(call.key)
            raise
        self.received(call.key, answer, packed)
        return answer, decoded

    def _stripped(self, answer: Answer, path: str) -> Answer:
        if self.strip is None:
            return answer
        try:
            document = orjson.loads(answer.body)
            kept = orjson.dumps(self.strip(path, document))
        except (orjson.JSONDecodeError, MalformedAnswerError):
            kept = b""
        return replace(answer, body=kept)

    def _judge(self, call: _Call, answer: Answer) -> None:
        """Raise where the answer means failure: the source's word first, then HTTP's."""
        retry_after = retry_after_seconds(answer)
        error = self.explain(answer) if self.explain is not None else None
        if isinstance(error, ThrottledError) and error.retry_after_seconds is None:
            raise ThrottledError(self._transport.redactor.text(f"{call}: {error}"), retry_after)
        if error is not None:
            error.args = (self._transport.redactor.text(f"{call}: {error}"),)
            raise error
        if 200 <= answer.status < 300 or answer.status in call.accepts:
            return
        message = self._transport.redactor.text(f"{call}: HTTP {answer.status}: {excerpt(answer.body)}")
        if answer.status == 429 or (answer.status == 503 and retry_after is not None):
            raise ThrottledError(message, retry_after)
        if answer.status >= 500 or answer.status in (408, 425):
            raise TransientSourceError(message)
        raise CredentialsError(message) if answer.status == 401 else TerminalSourceError(message)

    def _check_budget(self) -> None:
        limits, usage = self.limits, self.usage
        if usage.calls >= limits.calls:
            raise BudgetError(f"{usage.calls:,} calls are made, as many as one load is allowed")
        if usage.bytes > limits.bytes:
            raise BudgetError(f"{usage.bytes:,} bytes are read, {limits.bytes:,} are allowed for one load")

    def _wait_for_turn(self) -> None:
        if self.pace is not None:
            self.pace.wait()
        if self.limits.calls_per_minute is None:
            return
        if len(self._sent_at) >= self.limits.calls_per_minute:
            time.sleep(max(0.0, self._sent_at.popleft() + 60 - time.monotonic()))
        self._sent_at.append(time.monotonic())

    def _count(self, answer: Answer) -> None:
        self.usage.bytes += len(answer.body)
        self.usage.see(answer.observed_at)


def _occurrence(key: str, number: int) -> str:
    return f"{key}.{number:06d}"
