"""The operators' pages in a real Airflow: who gets in, and a person who decides in them."""

from __future__ import annotations

import time

import pytest
import requests
from airflow.api_fastapi.auth.tokens import JWTGenerator

from seo_warehouse.embedded import parts
from seo_warehouse.embedded.airflow import environment
from seo_warehouse.steps.warehouse import read_ports
from tests.pages.test_pages import paths
from tests.pipeline.browser import Browser
from tests.pipeline.conftest import Running, hold

WAIT_SECONDS = 300


def visit(running: Running, path: str, role: str | None) -> requests.Response:
    """A page as a user of a role of Airflow's simple sign-in sees it; None: a user of none."""
    told = environment(parts.airflow(running.wh.settings, read_ports(running.home)))
    signer = JWTGenerator(
        secret_key=told["AIRFLOW__API_AUTH__JWT_SECRET"], audience="apache-airflow", valid_for=600, algorithm="HS512"
    )
    token = signer.generate({"sub": "somebody", "role": role, "teams": []})
    cookies = {"_token": token}
    return requests.get(
        f"{running.airflow.url}/seo-warehouse{path}", cookies=cookies, timeout=60, allow_redirects=False
    )


@pytest.mark.parametrize("path", paths())
def test_a_route_is_closed_without_a_session_and_to_users_without_the_right(running: Running, path: str) -> None:
    answer = requests.get(f"{running.airflow.url}/seo-warehouse{path}", timeout=60, allow_redirects=False)
    assert answer.status_code == 401
    assert "frame-ancestors 'self'" in answer.headers["content-security-policy"]
    assert visit(running, path, None).status_code == 403
    assert visit(running, path, "VIEWER").status_code in (200, 307)
    assert visit(running, path, "ADMIN").status_code in (200, 307)


def test_a_viewer_sees_no_buttons_and_a_person_with_the_right_decides_in_the_page(
    running: Running, browser: Browser
) -> None:
    load_id = hold(running, 1_010)
    assert "<button" not in visit(running, f"/held?load={load_id}", "VIEWER").text
    browser.open(f"{running.airflow.url}/seo-warehouse/held?load={load_id}")
    browser.wait_for(f"Load {load_id}", "Approve: publish it")
    browser.write("textarea", "a quiet day")
    browser.click("button[value=approve]")
    browser.wait_for("Taken.")
    deadline = time.monotonic() + WAIT_SECONDS
    while running.one("select state from ops.load where load_id = %s", load_id) == "quarantined":
        assert time.monotonic() < deadline, running.airflow.runs("release")
        time.sleep(0.5)
    assert running.rows("select decision, decided_by, why from ops.quality_decision where load_id = %s", load_id) == [
        ("approve", "admin (Airflow)", "a quiet day")
    ]
    browser.open(f"{running.airflow.url}/plugin/seo-warehouse")
    assert browser.address().endswith("/plugin/seo-warehouse")
