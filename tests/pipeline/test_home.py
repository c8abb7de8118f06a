"""Who may read what a night leaves in its home: its owner, and the database's own user its data."""

from __future__ import annotations

import stat

from tests.pipeline.conftest import Running
from tests.security.modes import lying_open


def test_a_home_and_all_that_a_night_left_in_it_are_its_owners_alone(running: Running) -> None:
    assert (running.home / "airflow" / "logs").is_dir()
    assert dict(lying_open(running.home)) == {}


def test_no_folder_above_a_home_was_opened(running: Running) -> None:
    """The parent was made by `mkdtemp`, closed to others."""
    assert stat.S_IMODE(running.home.parent.stat().st_mode) == 0o700
