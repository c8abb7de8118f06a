"""`make bi` where something is not there, or no longer so: it says what to do, or asks."""

from __future__ import annotations

import json
import os
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bi import run
from seo_warehouse.config import Settings
from seo_warehouse.embedded import processes
from seo_warehouse.errors import ConfigError, EmbeddedError
from seo_warehouse.steps.warehouse import open_warehouse
from tests.conftest import PASSWORDS


def test_where_no_build_has_made_the_marts_it_is_said_who_makes_them(database: str, tmp_path: Path) -> None:
    secrets = PASSWORDS | dict.fromkeys(("postgres", "airflow", "airflow_admin"), "x")
    (tmp_path / "secrets.json").write_text(json.dumps(secrets))
    wh = open_warehouse(Settings({"SEO_WAREHOUSE_HOME": str(tmp_path), "SEO_WAREHOUSE_DSN": database}))
    with pytest.raises(ConfigError, match=r"marts\.dim_property.*`make run`"):
        run.serve(wh, {})


def test_of_a_superset_that_does_not_answer_the_log_is_named(tmp_path: Path) -> None:
    with pytest.raises(EmbeddedError, match=r"security/login.*superset\.log"):
        run.Api(run.Kept(tmp_path))


def test_a_login_that_is_known_is_asked_for_its_password_again(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Else a password that was changed in the database never came to Superset."""
    kept = run.Kept(tmp_path)
    kept.analysts["anna"] = "of Superset"
    kept.write()
    served: list[Any] = []
    monkeypatch.setattr(run, "serve", lambda _, named: served.append(named) or run.Kept(tmp_path))
    for arguments, typed, told in (
        (["--analyst", "anna"], "new\n", "anna, password of Superset"),
        ([], "", "anna, as told before"),
    ):
        done = CliRunner().invoke(
            run.main, ["serve", *arguments], input=typed, env={"SEO_WAREHOUSE_HOME": str(tmp_path)}
        )
        assert told in done.output
        assert f"admin, password {kept.admin}" in done.output
    assert "of Superset" not in done.output, "a password is told to who asks for it, and not to every log"
    assert served == [{"anna": "new"}, {}]


STAND_IN = """
import json, os
from http.server import BaseHTTPRequestHandler, HTTPServer

class Handler(BaseHTTPRequestHandler):
    def do_GET(self):
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b'{"access_token": "x", "result": "x"}')

    do_POST = do_GET

port = json.load(open(os.environ["SEO_WAREHOUSE_BI"] + "/kept.json"))["port"]
HTTPServer(("127.0.0.1", port), Handler).serve_forever()
"""


def test_what_serves_is_started_anew_once_what_it_was_started_from_has_changed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(run, "HERE", tmp_path)
    monkeypatch.setattr(run, "PYTHON", Path(sys.executable))
    for name in run.STARTED_FROM:
        path = tmp_path / name
        path.parent.mkdir(exist_ok=True)
        path.write_text(STAND_IN)
    kept = run.Kept(tmp_path / "home")
    started = []
    try:
        for changed in (None, None, *run.STARTED_FROM):
            if changed is not None:
                later = kept.component.record.stat().st_mtime + 1
                os.utime(tmp_path / changed, (later, later))
            run.start(kept)
            running = processes.find(kept.component)
            assert running is not None
            started.append(running.pid)
            os.utime(kept.component.record, (time.time() + 60,) * 2)
    finally:
        processes.stop([kept.component])
    assert started[0] == started[1]
    assert len(set(started)) == 1 + len(run.STARTED_FROM)
