"""Processes that outlive their starter: found again, never confused with others, ended to the last."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from seo_warehouse.embedded import processes
from seo_warehouse.embedded.processes import Component
from seo_warehouse.errors import EmbeddedError


@pytest.fixture
def component(tmp_path: Path) -> Iterator[Component]:
    component = Component("sleeper", tmp_path / "processes")
    yield component
    processes.stop([component], patience_seconds=0)


def _start(component: Component, script: str) -> int:
    return processes.start(component, ["/bin/sh", "-c", script], environment=os.environ, folder=Path("/"))


def _wait_for(path: Path) -> None:
    deadline = time.monotonic() + 10
    while not path.exists():
        assert time.monotonic() < deadline, path
        time.sleep(0.02)


def _alive(pid: int) -> bool:
    stat = processes.read_stat(pid)
    return stat is not None and stat.is_alive


def test_a_process_leads_a_session_of_its_own_and_is_found_again(component: Component) -> None:
    pid = _start(component, "exec sleep 60")
    found = processes.find(component)
    assert found is not None
    assert (found.pid, found.session, found.group) == (pid, pid, pid)
    assert found.session != os.getsid(0)


def test_a_second_start_leaves_the_running_one_alone(component: Component) -> None:
    assert _start(component, "exec sleep 60") == _start(component, "exec sleep 60")


def test_stop_ends_the_whole_group(component: Component, tmp_path: Path) -> None:
    pid = _start(component, f"sleep 60 & echo $! > {tmp_path}/child; touch {tmp_path}/ready; wait")
    _wait_for(tmp_path / "ready")
    child = int((tmp_path / "child").read_text())
    processes.stop([component])
    assert not _alive(pid)
    assert not _alive(child)
    assert processes.find(component) is None
    assert not component.record.exists()


def test_what_ignores_the_request_to_end_is_killed(component: Component, tmp_path: Path) -> None:
    pid = _start(component, f"trap '' TERM; touch {tmp_path}/ready; while true; do sleep 0.1; done")
    _wait_for(tmp_path / "ready")
    processes.stop([component], patience_seconds=0.5)
    assert not _alive(pid)


def test_what_a_killed_leader_left_behind_is_killed_before_the_next_start(component: Component, tmp_path: Path) -> None:
    pid = _start(component, f"trap '' TERM; sleep 60 & echo $! > {tmp_path}/child; touch {tmp_path}/ready; wait")
    _wait_for(tmp_path / "ready")
    child = int((tmp_path / "child").read_text())
    os.kill(pid, signal.SIGKILL)
    deadline = time.monotonic() + 10
    while processes.find(component):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert _alive(child)
    assert _start(component, "exec sleep 60") != pid
    assert not _alive(child)


def test_a_stranger_with_the_recorded_number_is_neither_found_nor_ended(component: Component) -> None:
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        component.folder.mkdir(parents=True)
        line = Path(f"/proc/{stranger.pid}/stat").read_text()
        fields = line.split(" ")
        fields[21] = str(int(fields[21]) - 1)
        component.record.write_text(processes.BOOT_ID.read_text() + " ".join(fields))
        assert processes.find(component) is None
        assert processes.members(component) == []
        processes.stop([component], patience_seconds=0)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_record_of_before_a_reboot_means_nothing(component: Component) -> None:
    stranger = subprocess.Popen(["sleep", "60"], start_new_session=True)
    try:
        component.folder.mkdir(parents=True)
        component.record.write_text("another boot\n" + Path(f"/proc/{stranger.pid}/stat").read_text())
        assert processes.find(component) is None
        processes.stop([component], patience_seconds=0)
        assert stranger.poll() is None
    finally:
        stranger.kill()
        stranger.wait()


def test_a_program_that_cannot_be_started_is_told_in_one_sentence(component: Component) -> None:
    with pytest.raises(EmbeddedError, match=r"^sleeper could not be started: .*folder"):
        processes.start(component, ["/bin/true"], environment=os.environ, folder=Path("/no such folder"))


def test_the_last_words_of_a_program_that_ended_are_kept(component: Component) -> None:
    _start(component, "echo first; echo no such tool >&2; exit 3")
    deadline = time.monotonic() + 10
    while processes.find(component):
        assert time.monotonic() < deadline
        time.sleep(0.02)
    assert processes.last_words(component) == "no such tool"
    _start(component, "exec sleep 60")
    assert component.log.with_suffix(".previous.log").read_text() == "first\nno such tool\n"
