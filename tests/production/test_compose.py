"""docker-compose.yml, as Debian's docker-compose reads it."""

from __future__ import annotations

import base64
import re
from pathlib import Path
from urllib.parse import urlsplit

import pytest

from tests.production.compose import ROOT, SECRETS, Service, make_secrets, read, secrets, services

AIRFLOW = {"init", "api-server", "scheduler", "dag-processor", "worker"}
TASKS = {"init", "scheduler", "worker"}


@pytest.fixture(scope="module")
def env_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """What a person has who copied the example and made the secrets."""
    path = tmp_path_factory.mktemp("compose") / ".env"
    path.write_text((ROOT / ".env.example").read_text() + make_secrets())
    return path


@pytest.fixture(scope="module")
def everything(env_file: Path) -> dict[str, Service]:
    """The services; this version shows those of every profile."""
    return services(env_file)


@pytest.mark.parametrize("profile", ["celery", "citus"])
def test_the_file_is_valid_with_each_profile(env_file: Path, profile: str) -> None:
    done = read(env_file, profile)
    assert done.returncode == 0, done.stderr


def test_a_missing_secret_is_named_with_what_to_do(tmp_path: Path) -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    for name in SECRETS:
        assert f"${{{name}:?{name} is not set - make secrets >> .env}}" in text
    env_file = tmp_path / ".env"
    env_file.write_text("".join(f"{name}={value}\n" for name, value in secrets().items() if name != "REDIS_PASSWORD"))
    done = read(env_file)
    assert done.returncode != 0
    assert "REDIS_PASSWORD is not set - make secrets >> .env" in done.stderr
    assert not any(value in done.stderr for value in secrets().values())


def test_secrets_are_long_differ_and_fit_into_urls() -> None:
    made = secrets()
    assert sorted(made) == sorted(SECRETS)
    assert len(set(made.values())) == len(made)
    assert len(base64.urlsafe_b64decode(made.pop("AIRFLOW_FERNET_KEY"))) == 32
    assert all(re.fullmatch(r"[\w-]{40,}", value) for value in made.values())


def test_no_secret_stands_in_the_file() -> None:
    text = (ROOT / "docker-compose.yml").read_text(encoding="utf-8")
    named = re.findall(r"(?i)^ *([a-z_]*(?:password|secret_key|jwt_secret|fernet_key)): *(.+)$", text, re.MULTILINE)
    assert len(named) > 8
    assert [name for name, value in named if not value.startswith("${")] == []


def test_nothing_is_published_but_on_loopback(everything: dict[str, Service]) -> None:
    published = {name: service["ports"] for name, service in everything.items() if "ports" in service}
    assert published == {"api-server": ["127.0.0.1:8080:8080/tcp"], "postgres": ["127.0.0.1:5433:5432/tcp"]}


def test_every_service_that_stays_has_a_health_check_and_every_other_ends(everything: dict[str, Service]) -> None:
    once = {name for name, service in everything.items() if service["restart"] == "no"}
    assert once == {"init", "citus-init"}
    assert {name for name, service in everything.items() if "healthcheck" not in service} == once


def test_our_image_runs_without_privileges(everything: dict[str, Service]) -> None:
    ours = {name: service for name, service in everything.items() if service["image"].startswith("seo-warehouse")}
    assert set(ours) == AIRFLOW
    for service in ours.values():
        assert service["cap_drop"] == ["ALL"]
        assert service["security_opt"] == ["no-new-privileges:true"]
    users = re.findall(r"^USER (.*)$", (ROOT / "docker/Dockerfile").read_text(encoding="utf-8"), re.MULTILINE)
    assert users == ["10001:10001"]


STARTED_AS_ROOT = {"postgres", "citus-coordinator", "citus-worker-1", "citus-worker-2"}


def test_no_service_keeps_a_capability_that_its_start_does_not_need(everything: dict[str, Service]) -> None:
    """PostgreSQL's images hand their volume over to the server's user, and become it."""
    for name, service in everything.items():
        assert (name, service["cap_drop"]) == (name, ["ALL"])
        assert (name, service["security_opt"]) == (name, ["no-new-privileges:true"])
        needed = ["CHOWN", "DAC_OVERRIDE", "FOWNER", "SETGID", "SETUID"] if name in STARTED_AS_ROOT else []
        assert (name, service.get("cap_add", [])) == (name, needed)


def test_every_service_is_bounded_in_memory_and_processes(everything: dict[str, Service]) -> None:
    bounds = {name: (service["mem_limit"], service["pids_limit"]) for name, service in everything.items()}
    assert {name for name, (memory, _) in bounds.items() if memory == "4g"} == TASKS | STARTED_AS_ROOT
    assert {name for name, (_, count) in bounds.items() if count > 512} == TASKS


def test_only_what_runs_tasks_has_the_warehouses_password_and_the_providers(everything: dict[str, Service]) -> None:
    for secret in ("AIRFLOW_CONN_DATAFORSEO", "AIRFLOW_CONN_GOOGLE_SEARCH_CONSOLE"):
        assert {name for name, service in everything.items() if secret in service["environment"]} == TASKS
    places = {n: urlsplit(dsn) for n, s in everything.items() if (dsn := s["environment"].get("SEO_WAREHOUSE_DSN"))}
    # The operators' pages read in their own role's name, and are told the place alone.
    assert places.keys() - TASKS == {"api-server"}
    assert {name for name, place in places.items() if place.username or place.password} == TASKS
    assert {n for n, s in everything.items() if "SEO_WAREHOUSE_OWNER_PASSWORD" in secrets_of(s)} >= TASKS
    assert "SEO_WAREHOUSE_OWNER_PASSWORD" not in secrets_of(everything["api-server"])
    # The home has the passwords of all roles.
    homes = {
        n for n, s in everything.items() for volume in s.get("volumes", ()) if str(volume).startswith("warehouse:")
    }
    assert homes == TASKS
    pages = {n for n, s in everything.items() if "SEO_WAREHOUSE_OPERATOR_PASSWORD" in secrets_of(s)}
    assert pages == {*TASKS, "api-server"}
    superuser = {name for name, service in everything.items() if secrets_of(service) & {"POSTGRES_PASSWORD"}}
    assert superuser == {"postgres", "citus-coordinator", "citus-worker-1", "citus-worker-2", "citus-init"}


def secrets_of(service: Service) -> set[str]:
    values = " ".join(str(value) for value in service["environment"].values())
    return {name for name, value in secrets().items() if value in values}


def test_servers_that_trust_are_on_a_network_that_leads_nowhere(everything: dict[str, Service]) -> None:
    trusting = {n: s for n, s in everything.items() if "POSTGRES_HOST_AUTH_METHOD" in s["environment"]}
    assert set(trusting) == {"citus-worker-1", "citus-worker-2"}
    assert all(list(service["networks"]) == ["citus"] for service in trusting.values())
    assert "citus:\n    internal: true" in (ROOT / "docker-compose.yml").read_text(encoding="utf-8")


def test_the_image_takes_in_no_secret_and_no_data() -> None:
    lines = (ROOT / ".dockerignore").read_text(encoding="utf-8").split("\n")
    allowed = [line[1:] for line in lines if line.startswith("!")]
    assert "*" in lines
    assert allowed == "pyproject.toml uv.lock README.md LICENSE plugins dags dbt_project docker".split()
    text = (ROOT / "docker/Dockerfile").read_text(encoding="utf-8")
    copied = {word for line in re.findall(r"^COPY (?!--from)(.*)$", text, re.MULTILINE) for word in line.split()[:-1]}
    assert copied == set(allowed)
