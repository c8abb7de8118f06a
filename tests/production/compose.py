"""What docker-compose.yml says, as docker-compose reads it, and its services as processes of this machine."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest
import yaml

ROOT = Path(__file__).parents[2]
WATCH = ROOT / "tests" / "security" / "watch"
"""What Python imports first in every service: it lets nothing but loopback be reached."""
SECRETS = (
    "POSTGRES_PASSWORD SEO_WAREHOUSE_OWNER_PASSWORD SEO_WAREHOUSE_OPERATOR_PASSWORD AIRFLOW_DATABASE_PASSWORD"
    " AIRFLOW_ADMIN_PASSWORD"
    " AIRFLOW_FERNET_KEY AIRFLOW_API_SECRET AIRFLOW_JWT_SECRET REDIS_PASSWORD"
).split()
Service = dict[str, Any]


@cache
def make_secrets() -> str:
    """What `make secrets` prints."""
    done = subprocess.run(["make", "-s", "secrets"], cwd=ROOT, capture_output=True, text=True, check=True)
    return done.stdout


def secrets() -> dict[str, str]:
    """The secrets by name."""
    return dict(line.split("=", 1) for line in make_secrets().splitlines())


def read(env_file: Path, *profiles: str) -> subprocess.CompletedProcess[str]:
    """`docker-compose config`, with nothing in the environment that the file could take for a setting."""
    program = shutil.which("docker-compose")
    if program is None:
        if os.environ.get("CI"):
            pytest.fail("docker-compose is missing: .ci/run installs it")
        pytest.skip("docker-compose is missing")
    chosen = [word for profile in profiles for word in ("--profile", profile)]
    return subprocess.run(
        [program, "--project-directory", str(ROOT), "-f", str(ROOT / "docker-compose.yml"), "--env-file", str(env_file),
         *chosen, "config"],
        env={"PATH": os.environ["PATH"], "HOME": str(env_file.parent)},
        capture_output=True,
        text=True,
        check=False,
    )  # fmt: skip


def services(env_file: Path, *profiles: str) -> dict[str, Service]:
    """The services, every variable filled in."""
    done = read(env_file, *profiles)
    assert done.returncode == 0, done.stderr
    found: dict[str, Service] = yaml.safe_load(done.stdout)["services"]
    return found


@dataclass(frozen=True)
class Native:
    """Stands in for containers: what is elsewhere here is put in the place of what the file names."""

    folder: Path
    places: dict[str, str]

    def words(self, words: list[str]) -> list[str]:
        """A command as it runs here; `CMD` and `CMD-SHELL` of health checks are what they mean."""
        if words[0] == "CMD-SHELL":
            return ["sh", "-c", self._here(words[1])]
        return [self._here(word) for word in words if word != "CMD"]

    def environment(self, service: Service) -> dict[str, str]:
        """A service's own environment, and a PATH that leads to what its image holds."""
        stated = {name: self._here(str(value)) for name, value in service.get("environment", {}).items()}
        path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        here = {"PATH": path, "HOME": str(self.folder), "LANG": "C.UTF-8", "WATCHED_CONNECTIONS": str(self.connections)}
        watch = {"PYTHONPATH": f"{WATCH}:{stated['PYTHONPATH']}"} if "PYTHONPATH" in stated else {}
        return here | stated | watch

    @property
    def connections(self) -> Path:
        """Where each try to leave this machine is noted."""
        return self.folder / "connections"

    def run(self, service: Service, words: list[str]) -> subprocess.CompletedProcess[str]:
        """Run a command of a service to its end."""
        return subprocess.run(
            self.words(words),
            env=self.environment(service),
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            capture_output=True,
            text=True,
            check=False,
        )

    def start(self, service: Service, log: Path) -> subprocess.Popen[bytes]:
        """Start a service in a process group of its own."""
        with log.open("wb") as output:
            return subprocess.Popen(
                self.words(service["command"]),
                env=self.environment(service),
                cwd=ROOT,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )

    def _here(self, text: str) -> str:
        # Compose writes a dollar sign twice.
        text = text.replace("$$", "$")
        for there, here in self.places.items():
            text = text.replace(there, here)
        return text
