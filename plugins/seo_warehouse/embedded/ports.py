"""The loopback ports of `make run`'s parts."""

from __future__ import annotations

import json
import os

from seo_warehouse.config import Settings
from seo_warehouse.embedded import airflow as embedded_airflow
from seo_warehouse.embedded import parts, processes
from seo_warehouse.embedded.postgres import free_port
from seo_warehouse.embedded.room import is_free
from seo_warehouse.errors import ConfigError, EmbeddedError
from seo_warehouse.steps.warehouse import read_ports


def choose_ports(settings: Settings, *, is_demo: bool) -> dict[str, int]:
    """The ports of each component, chosen once and kept. SEO_WAREHOUSE_<COMPONENT>_PORT states one.

    One that was kept and that somebody else has now is chosen anew. Raises EmbeddedError where a stated port is taken,
    or another one serves already.
    """
    home = settings.home
    ports = read_ports(home)
    ports |= {name: _port(settings, name, ports) for name in _wanted(settings, is_demo=is_demo)}
    fresh = home / "ports.json.new"
    fresh.write_text(json.dumps(ports))
    fresh.rename(home / "ports.json")
    return ports


def find_faults(settings: Settings, *, is_demo: bool) -> list[str]:
    """What is wrong with each port that is stated; `choose_ports` raises the first of these."""
    ports, faults, stated = read_ports(settings.home), [], set[str]()
    for name in _wanted(settings, is_demo=is_demo):
        try:
            _port(settings, name, ports)
        except (ConfigError, EmbeddedError) as error:
            faults.append(str(error))
        port = os.environ.get(_variable(name))
        if port in stated:
            faults.append(f"port {port} ({_variable(name)}) is stated for another part too: state another, or none")
        stated |= {port} if port else set()
    return faults


def _wanted(settings: Settings, *, is_demo: bool) -> list[str]:
    return ["airflow"] + (["postgres"] if settings.owner_dsn is None else []) + (["demo"] if is_demo else [])


def _variable(name: str) -> str:
    return f"SEO_WAREHOUSE_{name.upper()}_PORT"


def _port(settings: Settings, name: str, ports: dict[str, int]) -> int:
    variable = _variable(name)
    stated = os.environ.get(variable)
    if stated is not None and not (stated.isdecimal() and 0 < int(stated) < 65_536):
        raise ConfigError(f"{variable}={stated!r} is no port number")
    port = int(stated) if stated else ports.get(name)
    if stated and name in ports and port != ports[name] and _is_ours(settings, name, ports):
        raise EmbeddedError(f"{name} serves on port {ports[name]} already: `make stop` before {variable}={port}")
    if port is None:
        return free_port()
    if not (port == ports.get(name) and _is_ours(settings, name, ports)) and not is_free(port):
        if stated:
            raise EmbeddedError(f"port {port} ({variable}) is in use by another program: state another, or none")
        return free_port()
    return port


def _is_ours(settings: Settings, name: str, ports: dict[str, int]) -> bool:
    if name == "postgres":
        return "postgres" in ports and parts.postgres(settings, ports).is_running()
    if name == "demo":
        return processes.find(parts.demo_component(settings.home)) is not None
    return any(processes.find(c) for c in embedded_airflow.components(settings.home) if c.name == "airflow-api-server")
