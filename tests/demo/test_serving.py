from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from urllib.parse import urlsplit

import pytest
import requests

from seo_warehouse.config import load_properties
from seo_warehouse.demo import ALL_PROPERTIES, DEMO_PROPERTIES, connections, disclosed, running, write_properties
from seo_warehouse.demo.catalogue import DemoProperty
from seo_warehouse.demo.clock import Clock
from seo_warehouse.demo.linking import manner_of
from seo_warehouse.demo.links import hosts
from seo_warehouse.demo.records import Lines, read_lines
from seo_warehouse.embedded.postgres import free_port
from seo_warehouse.errors import ConfigError, EmbeddedError
from tests.demo.conftest import FIRST_DAY, NOW, SEED, Client, account_of, client_of

TASK = {"keyword": "gaiwan", "location_code": 2840, "language_code": "en", "depth": 30}


def start(port: int, folder: Path) -> subprocess.Popen[str]:
    command = [sys.executable, "-m", "seo_warehouse.demo", "--port", str(port), "--folder", str(folder)]
    process = subprocess.Popen(command, stderr=subprocess.PIPE, text=True)
    for _ in range(300):
        try:
            requests.get(f"http://127.0.0.1:{port}/control/clock", timeout=1)
        except requests.ConnectionError:
            if process.poll() is not None:
                break
            time.sleep(0.1)
        else:
            break
    return process


def test_the_properties_written_are_valid_and_lead_to_the_demo(tmp_path: Path) -> None:
    path = tmp_path / "properties.yml"
    write_properties(path, 4321, date(2026, 5, 4))
    settings = load_properties(path)
    assert [p.key for p in settings.properties] == [1, 2]
    assert settings.clock_url == "http://127.0.0.1:4321/control/clock"
    first, second = settings.properties
    assert first.sources.site_crawl is not None
    assert first.sources.site_crawl.resolve["www.alderwood.example"] == "127.0.0.1:4321"
    assert second.sources.site_crawl is None
    assert first.sources.link_check is None
    assert second.sources.link_check is not None
    assert set(second.sources.link_check.resolve.values()) == {"127.0.0.1:4321"}
    answers = [prop.sources.dataforseo_serp.answer for prop in settings.properties if prop.sources.dataforseo_serp]
    assert answers == ["advanced", "regular"]
    for prop in settings.properties:
        assert prop.panel.depth == 30
        assert prop.history_start == date(2026, 5, 4)
        assert len(prop.keywords) == 10
        assert sum(k.is_brand for k in prop.keywords) == 1


def test_of_a_panel_links_and_weekly_positions_are_read(tmp_path: Path) -> None:
    path = tmp_path / "properties.yml"
    write_properties(path, 4321, date(2026, 5, 4), ALL_PROPERTIES)
    panels = load_properties(path).properties[2:]
    assert [(panel.key, panel.name, len(panel.keywords)) for panel in panels] == [
        (3, "quillmark", 108),
        (4, "fernlight", 36),
    ]
    for panel in panels:
        assert panel.panel.devices == ("desktop",)
        stated = {name for name, settings in panel.sources if settings is not None}
        assert stated == {"dataforseo_backlinks", "dataforseo_serp"}
        assert panel.sources.dataforseo_serp is not None
        assert panel.sources.dataforseo_serp.interval_days == 7


def test_every_tracked_page_exists() -> None:
    for prop in DEMO_PROPERTIES:
        assert {t.path for t in prop.tracked} <= {p.path for p in prop.pages}
        assert 25 <= len(prop.pages) <= 30


def test_a_restarted_demo_remembers_world_clock_and_orders(tmp_path: Path) -> None:
    with running(tmp_path, seed=SEED, first_day=FIRST_DAY) as server:
        client = client_of(server)
        client.put("clock", {"now": NOW})
        posted = client.post("/v3/serp/google/organic/task_post", [{**TASK, "tag": t} for t in "ab"])
        ids = [t["id"] for t in posted["tasks"]]
        first = client.get(f"/v3/serp/google/organic/task_get/regular/{ids[0]}")
    with running(tmp_path) as server:
        client = client_of(server)
        assert client.control("clock") == {"now": NOW, "is_set": True}
        assert client.control("calls")["orders"]["placed"] == 2
        ready = client.get("/v3/serp/google/organic/tasks_ready")["tasks"][0]["result"]
        assert [r["id"] for r in ready] == ids[1:]
        assert client.get(f"/v3/serp/google/organic/task_get/regular/{ids[0]}") == first
        assert len(disclosed(tmp_path, "serp")) == 2
        truth = {path.name for path in (tmp_path / "truth").iterdir()}
        told = ("links", "edits", "index", "linking_pages", "milestones", "positions", "ranks", "visits", "demand")
        assert truth == {f"{name}.jsonl" for name in (*told, "outreach")}
    with pytest.raises(ConfigError, match="holds another demo world"), running(tmp_path, seed=SEED + 1):
        pass


def test_a_clock_that_nobody_set_is_real_time_but_never_late_at_night(tmp_path: Path) -> None:
    clock = Clock(tmp_path / "clock.json")
    now = clock.now()
    assert (now.hour, now.minute) <= (22, 59)
    assert abs((datetime.now(UTC) - now).total_seconds()) < 61 * 61
    at = datetime(2026, 6, 1, 4, tzinfo=UTC)
    clock.set(at)
    assert Clock(tmp_path / "clock.json").now() == at
    clock.set(None)
    assert not Clock(tmp_path / "clock.json").is_set()


def test_a_clock_outside_the_world_or_of_nobody_is_refused(tmp_path: Path) -> None:
    with running(tmp_path, seed=SEED, first_day=FIRST_DAY) as server:
        for path, now in (("", "2019-01-01T00:00:00Z"), ("", "tomorrow"), ("?property=nobody", NOW)):
            answer = requests.put(f"{server.base_url}/control/clock{path}", json={"now": now}, timeout=60)
            assert answer.status_code == 400


def test_a_property_lives_by_its_own_clock_where_it_has_one(tmp_path: Path) -> None:
    own, common = "2026-06-01T04:00:00+00:00", NOW
    with running(tmp_path, seed=SEED, first_day=FIRST_DAY) as server:
        client = client_of(server)
        client.put("clock", {"now": common})
        assert client.put("clock?property=alderwood", {"now": own}) == {"now": own, "is_set": True}
        assert client.control("clock")["now"] == common
    with running(tmp_path) as server:
        client = client_of(server)
        dates = {prop.name: _dates(client, prop) for prop in DEMO_PROPERTIES}
        assert dates["alderwood"] == {"Mon, 01 Jun 2026 04:00:00 GMT"}
        assert dates["teaharbour"] == {"Mon, 05 Oct 2026 04:00:00 GMT"}
        client.put("clock?property=alderwood", {"now": None})
        assert _dates(client, DEMO_PROPERTIES[0]) == dates["teaharbour"]


def _dates(client: Client, prop: DemoProperty) -> set[str]:
    """The dates of answers of each provider about a property."""
    answers = [
        account_of(client, prop).get(f"{client.url}/v3/serp/google/organic/tasks_ready", timeout=10),
        client.query(prop.search_console_site),
        requests.get(f"{client.url}/", headers={"Host": prop.host}, timeout=10, allow_redirects=False),
    ]
    return {answer.headers["Date"] for answer in answers}


def test_a_page_that_links_is_served_as_of_the_clock_of_whom_it_links_to(tmp_path: Path) -> None:
    with running(tmp_path, seed=SEED, first_day=FIRST_DAY) as server:
        client = client_of(server)
        client.put("clock", {"now": NOW})
        (prop,) = (prop for prop in DEMO_PROPERTIES if prop.is_visited)
        links = server.world.links[prop.key]
        assert {urlsplit(link.url_from).scheme for link in links} == {"http"}
        assert {link.site.host for link in links} <= set(hosts(prop))
        link = next(
            link
            for link in links
            if manner_of(SEED, link) == "plain" and len(link.changes) == 1 and link.changes[0].at.date() > FIRST_DAY
        )
        seen = []
        for at in (link.changes[0].at - timedelta(hours=1), link.changes[0].at + timedelta(hours=1)):
            client.put(f"clock?property={prop.name}", {"now": at.isoformat()})
            path = urlsplit(link.url_from).path
            answer = requests.get(f"{client.url}{path}", headers={"Host": link.site.host}, timeout=10)
            seen.append((answer.status_code, f'<a href="{link.url_to}"' in answer.text))
            asked = client.control(f"plan?property={prop.name}")
            seen.append((answer.status_code, link.url_from in {ask["ask"]["url"] for ask in asked}))
        assert [is_there for _, is_there in seen] == [False, False, True, True]
        assert seen[-1] == (200, True)
        assert f"GET {link.site.host}{path}" in client.control("calls")["calls"]
        assert "error" in client.control("plan?property=nobody")


def test_an_account_sees_its_own_orders_only(tmp_path: Path) -> None:
    with running(tmp_path, seed=SEED, first_day=FIRST_DAY) as server:
        client = client_of(server)
        client.put("clock", {"now": NOW})
        ordered = client.post("/v3/serp/google/organic/task_post", [TASK])["tasks"][0]["id"]
        get, ready = f"/v3/serp/google/organic/task_get/regular/{ordered}", "/v3/serp/google/organic/tasks_ready"
        other = account_of(client, DEMO_PROPERTIES[0])
        assert other.get(client.url + ready, timeout=10).json()["tasks"][0]["result"] is None
        assert other.get(client.url + get, timeout=10).json()["tasks"][0]["status_code"] == 40401
        assert [task["id"] for task in client.get(ready)["tasks"][0]["result"]] == [ordered]
        assert client.get(get)["tasks"][0]["status_code"] == 20000


def test_a_line_cut_by_a_kill_is_dropped(tmp_path: Path) -> None:
    path = tmp_path / "lines.jsonl"
    path.write_bytes(b'{"a":1}\n{"a":')
    assert list(read_lines(path)) == [{"a": 1}]
    lines = Lines(path)
    lines.append([{"a": 2}])
    lines.close()
    assert list(read_lines(path)) == [{"a": 1}, {"a": 2}]


def test_connections_of_a_port_where_nothing_serves_say_so() -> None:
    with pytest.raises(EmbeddedError, match="no demo answers on port"):
        connections(free_port())


@pytest.mark.slow
def test_the_command_serves_until_told_to_stop_and_forgets_no_order_when_killed(tmp_path: Path) -> None:
    port = free_port()
    process = start(port, tmp_path)
    auth = ("demo@seo-warehouse.example", "demo-password")
    address = f"http://127.0.0.1:{port}/v3/serp/google/organic/task_post"
    assert requests.post(address, json=[TASK], auth=auth, timeout=10).json()["tasks"][0]["status_code"] == 20100
    process.kill()
    process.communicate()
    process = start(port, tmp_path)
    calls = requests.get(f"http://127.0.0.1:{port}/control/calls", timeout=10).json()
    assert calls["orders"]["placed"] == 1
    process.send_signal(signal.SIGTERM)
    process.communicate(timeout=10)
    assert process.returncode == 0


@pytest.mark.slow
def test_a_port_in_use_is_one_sentence_and_exit_code_2(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        command = [sys.executable, "-m", "seo_warehouse.demo", "--port", str(port), "--folder", str(tmp_path)]
        done = subprocess.run(command, capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 2
    assert re.fullmatch(rf"port {port} of 127\.0\.0\.1 is in use.*\n", done.stderr)
