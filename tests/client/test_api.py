from __future__ import annotations

import gc
import gzip
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from requests import PreparedRequest
from requests.auth import AuthBase

from seo_warehouse.client.answers import read_document
from seo_warehouse.client.api import Api, call_key
from seo_warehouse.client.archive import Answer, open_archive
from seo_warehouse.client.redaction import Redactor
from seo_warehouse.errors import (
    BudgetError,
    ConfigError,
    CredentialsError,
    MalformedAnswerError,
    NotArchivedError,
    NotYetError,
    SourceError,
    TerminalSourceError,
    ThrottledError,
    TransientSourceError,
)
from tests.sources.provider import IMPATIENT, PASSWORD, QUICK, Act, Asked, Provider, open_api, said, serving

DATE = "Sun, 22 Nov 2026 04:00:00 GMT"


@pytest.fixture
def provider() -> Iterator[Provider]:
    with serving() as server:
        yield server


def kept_bytes(folder: Path) -> bytes:
    """Everything in the archive, unpacked."""
    found = b""
    for path in folder.rglob("*"):
        if path.is_file():
            archive = open_archive(folder, source="any", property_key=7, scope=path.parent.name)
            answer = archive.get(path.stem) if path.suffix == ".zst" else None
            found += path.read_bytes() if answer is None else repr(answer).encode()
    return found


def test_an_answer_is_bought_once(provider: Provider, tmp_path: Path) -> None:
    provider.date = DATE
    provider.answer = lambda asked: said({"asked": len(provider.asked)})
    first = open_api(provider, tmp_path)
    bought = first.post("/v3/x", [{"b": 1, "a": 2}])
    second = open_api(provider, tmp_path)
    reused = second.post("/v3/x", [{"a": 2, "b": 1}])
    assert (bought.json, bought.is_reused) == ({"asked": 1}, False)
    assert (reused.json, reused.is_reused) == ({"asked": 1}, True)
    assert bought.observed_at == reused.observed_at == datetime(2026, 11, 22, 4, tzinfo=UTC)
    assert len(provider.asked) == 1
    assert (first.usage.calls, first.usage.reused, second.usage.calls, second.usage.reused) == (1, 0, 0, 1)
    assert second.usage.first_answer_at == second.usage.last_answer_at == bought.observed_at
    assert second.usage.bytes == len(b'{"asked": 1}')


@pytest.mark.parametrize(
    ("one", "other"),
    [
        (("GET", "/x", None), ("POST", "/x", None)),
        (("GET", "/x", None), ("GET", "/y", None)),
        (("GET", "/x", {"a": "1"}), ("GET", "/x", {"a": "2"})),
        (("POST", "/x", [1, 2]), ("POST", "/x", [2, 1])),
        (("POST", "/x", 1), ("POST", "/x", "1")),
    ],
)
def test_calls_that_differ_have_keys_that_differ(one: tuple[str, str, object], other: tuple[str, str, object]) -> None:
    assert call_key(*one) != call_key(*other)


def test_a_replay_sends_nothing(provider: Provider, tmp_path: Path) -> None:
    open_api(provider, tmp_path).get("/x", {"a": "1"})
    replay = open_api(provider, tmp_path, may_call=False)
    assert replay.get("/x", {"a": "1"}).is_reused
    with pytest.raises(NotArchivedError, match=r"GET /x: its answer is not in the archive \(night=2026-11-22\)"):
        replay.get("/x", {"a": "2"})
    assert len(provider.asked) == 1
    assert provider.asked[0].path == "/x?a=1"


def test_polls_are_replayed_in_their_order(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: said(len(provider.asked))
    api = open_api(provider, tmp_path)
    assert [api.get("/ready", fresh=True).json for _ in range(3)] == [1, 2, 3]
    later = open_api(provider, tmp_path)
    replies = [later.get("/ready", fresh=True) for _ in range(4)]
    assert [(reply.json, reply.is_reused) for reply in replies] == [(1, True), (2, True), (3, True), (4, False)]
    replay = open_api(provider, tmp_path, may_call=False)
    assert [replay.get("/ready", fresh=True).json for _ in range(4)] == [1, 2, 3, 4]
    with pytest.raises(NotArchivedError):
        replay.get("/ready", fresh=True)


def test_a_poll_that_failed_leaves_no_gap(provider: Provider, tmp_path: Path) -> None:
    api = open_api(provider, tmp_path)
    provider.script.append(Act(status=404))
    with pytest.raises(TerminalSourceError):
        api.get("/ready", fresh=True)
    provider.answer = lambda asked: said("ready")
    api.get("/ready", fresh=True)
    assert open_api(provider, tmp_path, may_call=False).get("/ready", fresh=True).json == "ready"


class Told:
    """A pace of an account that notes what it is told."""

    def __init__(self) -> None:
        self.words: list[str] = []

    def wait(self) -> None:
        self.words.append("wait")

    def slow_down(self) -> None:
        self.words.append("slow down")

    def close(self) -> None:
        self.words.append("close")


def test_an_accounts_pace_is_kept_by_every_call_that_is_sent_and_told_of_a_429(
    provider: Provider, tmp_path: Path
) -> None:
    provider.script.extend([Act(), Act(status=429, headers={"Retry-After": "0"}), Act(status=500)])
    with replace(open_api(provider, tmp_path), pace=(pace := Told())) as api:
        api.get("/a")
        api.get("/b")
        api.get("/a")
    assert pace.words == ["wait", "wait", "slow down", "wait", "wait", "close"]
    assert len(provider.asked) == 4


def test_finding_never_sends(provider: Provider, tmp_path: Path) -> None:
    api = open_api(provider, tmp_path)
    assert api.find("POST", "/x", [1]) is None
    assert not api.holds("POST", "/x", [1])
    api.post("/x", [1])
    found = api.find("POST", "/x", [1])
    assert found is not None
    assert found.is_reused
    assert api.holds("POST", "/x", [1])
    assert len(provider.asked) == 1


@pytest.mark.parametrize(
    "trouble",
    [
        Act(status=500),
        Act(status=502, body=b"<html>Bad gateway</html>"),
        Act(status=503),
        Act(status=408),
        Act(status=429, headers={"Retry-After": "0"}),
        Act(is_reset=True),
        Act(body=b'{"rows": [1, 2, 3]}', cut=7),
        Act(wait_seconds=1.5),
        Act(body=b"<html>please wait</html>"),
        Act(body=b""),
        Act(body=b'{"rows": NaN}'),
        Act(body=gzip.compress(b"{}", mtime=0)[:-6] + b"??????", headers={"Content-Encoding": "gzip"}),
        Act(body=b"not gzip", headers={"Content-Encoding": "gzip"}),
    ],
    ids=lambda act: f"{act.status}-{act.body[:12]!r}-{act.is_reset}-{act.cut}-{act.wait_seconds}",
)
def test_trouble_that_passes_is_waited_out(provider: Provider, tmp_path: Path, trouble: Act) -> None:
    provider.script.extend([trouble, trouble])
    provider.answer = lambda asked: said("well")
    api = open_api(provider, tmp_path, limits=IMPATIENT)
    assert api.get("/x").json == "well"
    assert len(provider.asked) == 3
    assert api.usage.calls == 3
    assert api.holds("GET", "/x")
    assert not api.is_cut("GET", "/x")


@pytest.mark.parametrize(
    ("trouble", "kind"),
    [
        (Act(status=500, body=b"broken"), TransientSourceError),
        (Act(is_reset=True), TransientSourceError),
        (Act(body=b'{"rows": 1}', cut=4), TransientSourceError),
        (Act(wait_seconds=1.5), TransientSourceError),
        (Act(body=b"x" * 30, drip=True), TransientSourceError),
        (Act(body=b"<html>"), MalformedAnswerError),
        (Act(body=b"\xff\xfe"), MalformedAnswerError),
        (Act(body=b"[" * 100_000), MalformedAnswerError),
        (Act(body=b"not gzip", headers={"Content-Encoding": "gzip"}), MalformedAnswerError),
        (Act(status=429), ThrottledError),
    ],
    ids=["500", "reset", "cut", "slow", "drip", "html", "not-utf8", "deep", "not-gzip", "429"],
)
def test_trouble_that_stays_is_raised_by_its_type(
    provider: Provider, tmp_path: Path, trouble: Act, kind: type[SourceError]
) -> None:
    provider.answer = lambda asked: trouble
    api = open_api(provider, tmp_path, limits=IMPATIENT)
    with pytest.raises(kind, match="POST /v3/x"):
        api.post("/v3/x", {})
    assert not api.holds("POST", "/v3/x", {})


@pytest.mark.parametrize("status", [400, 401, 403, 404, 301, 304])
def test_a_refusal_is_not_repeated(provider: Provider, tmp_path: Path, status: int) -> None:
    provider.answer = lambda asked: Act(b"no, \x00 because", status, {"Location": provider.base_url + "/elsewhere"})
    api = open_api(provider, tmp_path)
    with pytest.raises(TerminalSourceError, match=f"HTTP {status}"):
        api.get("/x")
    assert len(provider.asked) == 1
    assert not api.is_cut("GET", "/x")


@pytest.mark.parametrize(
    "refusal", [Act(b"no", 401), Act(status=429, headers={"Retry-After": "900"})], ids=["401", "429"]
)
@pytest.mark.parametrize("is_killed", [False, True], ids=["cut", "killed"])
def test_a_refusal_says_nothing_of_an_earlier_time(
    provider: Provider, tmp_path: Path, refusal: Act, is_killed: bool
) -> None:
    api = open_api(provider, tmp_path, limits=IMPATIENT)
    if is_killed:
        api.archive.intend(call_key("GET", "/x", None), {})
    else:
        provider.script.append(Act(body=b'{"rows": [1, 2, 3]}', cut=7))
    provider.answer = lambda asked: refusal
    with pytest.raises(SourceError):
        api.get("/x")
    assert api.is_cut("GET", "/x")


def test_an_answer_that_is_not_yet_made_was_not_fetched_at_an_earlier_time(provider: Provider, tmp_path: Path) -> None:
    api = open_api(provider, tmp_path)
    api.archive.intend(call_key("GET", "/x", None), {})
    api.explain = lambda answer: NotYetError("in the queue")
    with pytest.raises(NotYetError):
        api.get("/x")
    assert not api.is_cut("GET", "/x")


def test_a_password_that_is_not_accepted_is_told_with_what_to_mend(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: Act(b"no", 401)
    api = open_api(provider, tmp_path)
    api.remedy = "mend the connection 'vendor'"
    with pytest.raises(CredentialsError, match=r"HTTP 401: no: mend the connection 'vendor'$"):
        api.get("/x")
    provider.answer = lambda asked: Act(b"no", 404)
    with pytest.raises(TerminalSourceError, match=r"HTTP 404: no$"):
        api.get("/y")


def test_a_wait_that_the_provider_asks_for_is_kept(provider: Provider, tmp_path: Path) -> None:
    provider.script.append(Act(status=429, headers={"Retry-After": "0.2"}))
    started = time.monotonic()
    open_api(provider, tmp_path).get("/x")
    assert time.monotonic() - started >= 0.2


def test_a_wait_may_be_stated_as_an_instant(provider: Provider, tmp_path: Path) -> None:
    provider.date = DATE
    provider.answer = lambda asked: Act(status=503, headers={"Retry-After": "Sun, 22 Nov 2026 04:20:00 GMT"})
    with pytest.raises(ThrottledError) as raised:
        open_api(provider, tmp_path).get("/x")
    assert raised.value.retry_after_seconds == 1_200
    assert len(provider.asked) == 1


def test_a_wait_too_long_is_left_to_the_scheduler(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: Act(status=429, headers={"Retry-After": "3600"})
    with pytest.raises(ThrottledError) as raised:
        open_api(provider, tmp_path).get("/x")
    assert raised.value.retry_after_seconds == 3_600
    assert len(provider.asked) == 1


def test_the_sources_word_goes_before_https(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: Act(status=403, headers={"Retry-After": "7200"})
    api = open_api(provider, tmp_path)
    api.explain = lambda answer: ThrottledError("quota") if answer.status == 403 else None
    with pytest.raises(ThrottledError, match="GET /x: quota") as raised:
        api.get("/x")
    assert raised.value.retry_after_seconds == 7_200


def test_an_answer_still_being_made_is_not_asked_for_again_at_once(provider: Provider, tmp_path: Path) -> None:
    api = open_api(provider, tmp_path)
    api.explain = lambda answer: NotYetError("in the queue")
    with pytest.raises(NotYetError):
        api.get("/x")
    assert len(provider.asked) == 1
    api.explain = None
    assert not api.get("/x").is_reused


def test_an_answer_that_is_not_as_documented_is_neither_kept_nor_bought_again_at_once(
    provider: Provider, tmp_path: Path
) -> None:
    def decode(document: object) -> object:
        if document == {"rows": "none"}:
            raise MalformedAnswerError("rows is 'none', expected an array")
        return ("decoded", document)

    provider.script.append(said({"rows": "none"}))
    provider.answer = lambda asked: said({"rows": []})
    api = open_api(provider, tmp_path)
    with pytest.raises(MalformedAnswerError, match="POST /x: rows is 'none', expected an array"):
        api.post("/x", {}, decode=decode)
    assert len(provider.asked) == 1
    assert api.post("/x", {}, decode=decode).json == ("decoded", {"rows": []})
    assert api.post("/x", {}, decode=decode).json == ("decoded", {"rows": []})
    assert len(provider.asked) == 2


@pytest.mark.parametrize("body", [b"[1]", b"[1", b"[0]"])
def test_python_searches_for_cycles_again_once_an_answer_is_read(body: bytes) -> None:
    def decode(document: list[int]) -> bool:
        1 / document[0]
        return gc.isenabled()

    answer = Answer(url="", status=200, headers={}, body=body, received_at=datetime.now(UTC), seconds=0)
    with suppress(MalformedAnswerError, ZeroDivisionError):
        assert read_document("POST /x", answer, decode) is False
    assert gc.isenabled()


def test_a_call_cut_by_a_kill_is_counted_and_sent_again(provider: Provider, tmp_path: Path) -> None:
    api = open_api(provider, tmp_path)
    api.archive.intend(call_key("GET", "/x", None), {})
    assert api.is_cut("GET", "/x")
    assert not api.is_cut("GET", "/y")
    api.get("/x")
    api.get("/y")
    assert not api.is_cut("GET", "/x")
    assert (api.usage.cut, api.usage.calls) == (1, 2)


ORDERING = """
import sys
from pathlib import Path
from seo_warehouse.client.api import Api, Limits
from seo_warehouse.client.archive import open_archive

archive = open_archive(Path(sys.argv[2]), source="any", property_key=7, scope="night=2026-11-22")
api = Api(base_url=sys.argv[1], auth=None, archive=archive, may_call=True, explain=None, limits=Limits())
api.get("/answered")
api.post("/order", [1], once=True)
"""


def test_a_killed_process_leaves_its_last_call_known_as_cut(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: Act(wait_seconds=30 if asked.path == "/order" else 0)
    child = subprocess.Popen([sys.executable, "-c", ORDERING, provider.base_url, str(tmp_path)])
    deadline = time.monotonic() + 60
    while not any(asked.path == "/order" for asked in provider.asked):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    child.kill()
    child.wait()
    api = open_api(provider, tmp_path)
    assert api.is_cut("POST", "/order", [1])
    assert not api.is_cut("GET", "/answered")
    assert api.get("/answered").is_reused
    assert len(provider.asked) == 2


@pytest.mark.parametrize(
    "unclear",
    [Act(status=500), Act(is_reset=True), Act(wait_seconds=1.5), Act(body=b"{", cut=1), Act(body=b"<html>")],
    ids=["500", "reset", "slow", "cut", "html"],
)
def test_what_must_not_be_done_twice_is_not_sent_twice(provider: Provider, tmp_path: Path, unclear: Act) -> None:
    provider.answer = lambda asked: unclear
    api = open_api(provider, tmp_path, limits=IMPATIENT)
    with pytest.raises(TransientSourceError):
        api.post("/order", [1], once=True)
    assert len(provider.asked) == 1
    assert open_api(provider, tmp_path).is_cut("POST", "/order", [1])


@pytest.mark.parametrize(
    "refusal", [Act(status=429, headers={"Retry-After": "0"}), Act(status=402)], ids=["429", "402"]
)
def test_what_the_provider_refused_may_be_sent_again(provider: Provider, tmp_path: Path, refusal: Act) -> None:
    provider.answer = lambda asked: refusal
    api = open_api(provider, tmp_path)
    with pytest.raises((ThrottledError, TerminalSourceError)):
        api.post("/order", [1], once=True)
    assert not api.is_cut("POST", "/order", [1])


def test_without_a_connection_nothing_was_sent(tmp_path: Path) -> None:
    with serving() as gone:
        api = open_api(gone, tmp_path)
    with pytest.raises(TransientSourceError, match="POST /order"):
        api.post("/order", [1], once=True)
    assert not api.is_cut("POST", "/order", [1])
    assert api.usage.calls == 0


def test_no_secret_is_kept_or_said(provider: Provider, tmp_path: Path) -> None:
    def echo(asked: Asked) -> Act:
        token = asked.headers["Authorization"]
        headers = {"Set-Cookie": "session=abcdefgh", "X-Echo": token, "X-Api-Key": "k"}
        return said({"you": token, "password": PASSWORD}, headers=headers, status=200 if "ok" in asked.path else 403)

    provider.answer = echo
    api = open_api(provider, tmp_path)
    reply = api.get("/ok", {"access_token": "very-secret-token"})
    with pytest.raises(TerminalSourceError) as refused:
        api.get("/refused", {"key": "another-secret-key"})
    provider.answer = lambda asked: Act(is_reset=True)
    with pytest.raises(TransientSourceError) as lost:
        api.get("/lost", {"token": "third-secret-token"})
    sent = provider.asked[0].headers["Authorization"].removeprefix("Basic ")
    said_all = f"{reply} {refused.value!r} {lost.value!r}".encode() + kept_bytes(tmp_path)
    for secret in (PASSWORD, sent, "session=abcdefgh"):
        assert secret.encode() not in said_all
    answer = api.archive.get(call_key("GET", "/ok", {"access_token": "very-secret-token"}))
    assert answer is not None
    assert "very-secret-token" not in answer.url
    assert reply.json == {"you": "Basic [removed]", "password": "[removed]"}


@given(st.text(alphabet="abc .-_0/+=", max_size=200))
def test_a_body_without_secrets_is_kept_as_it_came(body: str) -> None:
    redactor = Redactor()
    redactor.learn({"Authorization": "Bearer 0123456789", "Cookie": "a=b"})
    assert redactor.body(body.encode()) == body.encode().replace(b"0123456789", b"[removed]")


def test_an_answer_too_large_ends_the_load(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: Act(b"[" + b" " * 200_000 + b"]")
    api = open_api(provider, tmp_path, limits=replace(QUICK, answer_bytes=100_000))
    with pytest.raises(BudgetError, match=r"larger than 100,000 bytes"):
        api.get("/x")


def test_a_small_answer_that_unpacks_large_ends_the_load(provider: Provider, tmp_path: Path) -> None:
    packed = gzip.compress(b" " * 50_000_000)
    provider.answer = lambda asked: Act(packed, headers={"Content-Encoding": "gzip"})
    api = open_api(provider, tmp_path, limits=replace(QUICK, answer_bytes=1_000_000))
    with pytest.raises(BudgetError, match=r"larger than 1,000,000 bytes"):
        api.get("/x")


def test_an_answer_packed_in_transit_is_kept_unpacked(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: Act(gzip.compress(b'{"a": 1}'), headers={"Content-Encoding": "gzip"})
    assert open_api(provider, tmp_path).get("/x").json == {"a": 1}
    assert open_api(provider, tmp_path, may_call=False).get("/x").json == {"a": 1}


def test_what_answers_cost_is_counted_exactly(provider: Provider, tmp_path: Path) -> None:
    api = open_api(provider, tmp_path)
    for _ in range(3):
        api.spend(money=0.1, units=3)
    assert (api.usage.money, api.usage.units) == (Decimal("0.3"), Decimal(9))


def test_a_call_that_the_money_does_not_allow_is_refused_before_it_is_sent(provider: Provider, tmp_path: Path) -> None:
    api = open_api(provider, tmp_path, limits=replace(QUICK, money=0.05))
    api.spend(money=0.03)
    api.afford(Decimal("0.02"))
    with pytest.raises(BudgetError, match=r"0\.03 US dollars are spent and 0\.0201 more would be, 0\.05 are allowed"):
        api.afford(Decimal("0.0201"))
    open_api(provider, tmp_path).afford(Decimal(1_000_000))
    assert provider.asked == []


def test_polls_that_are_passed_over_are_not_read(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: said(len(provider.asked))
    for count in range(1, 20):
        api = open_api(provider, tmp_path)
        api.pass_over("/ready")
        assert (api.get("/ready", fresh=True).json, api.usage.reused) == (count, 0)
    replay = open_api(provider, tmp_path, may_call=False)
    assert [replay.get("/ready", fresh=True).json for _ in range(19)] == list(range(1, 20))


def test_a_load_stops_at_its_calls_and_bytes(provider: Provider, tmp_path: Path) -> None:
    api = open_api(provider, tmp_path, limits=replace(QUICK, calls=2))
    api.get("/1")
    api.get("/2")
    with pytest.raises(BudgetError, match="2 calls"):
        api.get("/3")
    assert api.get("/1").is_reused
    api = open_api(provider, tmp_path, limits=replace(QUICK, bytes=3))
    for path in ("/4", "/5"):
        api.get(path)
    with pytest.raises(BudgetError, match="4 bytes"):
        api.get("/6")


def test_calls_keep_to_the_rate(provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    slept: list[float] = []
    monkeypatch.setattr(time, "sleep", slept.append)
    api = open_api(provider, tmp_path, limits=replace(QUICK, calls_per_minute=2))
    for path in ("/1", "/2", "/3"):
        api.get(path)
    waits = [seconds for seconds in slept if seconds > 1]
    assert len(waits) == 1
    assert 55 < waits[0] <= 60


def test_facts_of_a_day_add_up(provider: Provider, tmp_path: Path) -> None:
    api = open_api(provider, tmp_path)
    api.note(date(2026, 11, 22), is_full=True)
    api.note(date(2026, 11, 22), stated_count=3)
    assert api.facts == {date(2026, 11, 22): {"is_full": True, "stated_count": 3}}


def test_what_signing_raises_is_raised_and_nothing_counts_as_sent(provider: Provider, tmp_path: Path) -> None:
    class Refusing(AuthBase):
        def __call__(self, request: PreparedRequest) -> PreparedRequest:
            raise TerminalSourceError("the key was revoked")

        def secrets(self) -> tuple[str, ...]:
            return ()

    archive = open_archive(tmp_path, source="any", property_key=7, scope="night=2026-11-22")
    api = Api(base_url=provider.base_url, auth=Refusing(), archive=archive, may_call=True, explain=None, limits=QUICK)
    with pytest.raises(TerminalSourceError, match="the key was revoked"):
        api.post("/order", [1], once=True)
    assert not api.is_cut("POST", "/order", [1])
    assert provider.asked == []


@pytest.mark.parametrize("base_url", ["", "nohost", "http://", "ftp://127.0.0.1"])
def test_an_address_that_is_none_is_a_setting_to_mend(tmp_path: Path, base_url: str) -> None:
    archive = open_archive(tmp_path, source="any", property_key=7, scope="night=2026-11-22")
    api = Api(base_url=base_url, auth=None, archive=archive, may_call=True, explain=None, limits=QUICK)
    with pytest.raises(ConfigError, match="cannot be called"):
        api.get("/x")


def test_loopback_is_reached_past_a_proxy(provider: Provider, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("HTTP_PROXY", "http://127.0.0.1:9")
    monkeypatch.setenv("http_proxy", "http://127.0.0.1:9")
    with open_api(provider, tmp_path) as api:
        assert api.get("/x").json == {}


def test_loads_side_by_side_do_not_disturb_each_other(provider: Provider, tmp_path: Path) -> None:
    provider.answer = lambda asked: said(asked.path)
    wrong: list[str] = []

    def load(scope: str) -> None:
        api = open_api(provider, tmp_path, scope=scope)
        for number in range(20):
            reply = api.get(f"/{scope}/{number}")
            if reply.json != f"/{scope}/{number}":
                wrong.append(str(reply))

    threads = [threading.Thread(target=load, args=(f"night=2026-11-2{n}",)) for n in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []
    assert len(provider.asked) == 80


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    body=st.binary(max_size=300),
    status=st.integers(200, 599),
    headers=st.dictionaries(
        st.sampled_from(["Retry-After", "Date", "Content-Encoding", "Content-Type", "X-Any"]),
        st.text(alphabet=st.characters(min_codepoint=32, max_codepoint=126), max_size=30),
    ),
)
def test_no_answer_gets_anything_but_a_reply_or_a_typed_error_out(
    provider: Provider, tmp_path: Path, body: bytes, status: int, headers: dict[str, str]
) -> None:
    act = Act(body, status, headers)
    provider.answer = lambda asked: act
    api = open_api(provider, tmp_path, limits=replace(QUICK, attempts=1))
    path = f"/{len(provider.asked)}"
    try:
        reply = api.get(path)
    except SourceError:
        assert not api.holds("GET", path)
    else:
        assert api.find("GET", path) == replace(reply, is_reused=True)


def test_explain_sees_no_secret(provider: Provider, tmp_path: Path) -> None:
    seen: list[Answer] = []
    provider.answer = lambda asked: said({"echo": asked.headers["Authorization"]})
    api = open_api(provider, tmp_path)
    api.explain = lambda answer: seen.append(answer)
    api.get("/x")
    assert seen[0].body == b'{"echo": "Basic [removed]"}'
