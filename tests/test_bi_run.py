"""`make bi` where something is not there, or no longer so: it says what to do, or asks."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from bi import run
from seo_warehouse.config import Settings
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
    for arguments, typed in ((["--analyst", "anna"], "new\n"), ([], "")):
        done = CliRunner().invoke(
            run.main, ["serve", *arguments], input=typed, env={"SEO_WAREHOUSE_HOME": str(tmp_path)}
        )
        assert "anna, password of Superset" in done.output
    assert served == [{"anna": "new"}, {}]
