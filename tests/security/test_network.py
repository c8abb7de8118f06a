"""No part has errands of its own: a user's keywords are nobody else's business.

The watch that denies the network is put into the services of docker-compose.yml (tests/production) and into every step
that tests/chaos starts, where Airflow, dbt, Great Expectations and Scrapy do all that they do. Here it is tried itself.
"""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

WATCH = Path(__file__).parent / "watch"
TRIES = """
import socket, urllib.request
for leave in (
    lambda: socket.create_connection(("192.0.2.1", 443), timeout=1),
    lambda: urllib.request.urlopen("https://telemetry.example/event", timeout=1),
    lambda: socket.socket(socket.AF_INET, socket.SOCK_DGRAM).sendto(b"x", ("8.8.8.8", 53)),
    lambda: socket.create_connection(("2001:db8::1", 443), timeout=1),
):
    try:
        leave()
    except OSError as error:
        print(type(error).__name__)
with socket.create_server(("127.0.0.1", 0)) as server:
    socket.create_connection(("localhost", server.getsockname()[1])).close()
    print("loopback")
"""


def test_the_watch_denies_notes_and_lets_loopback_be(tmp_path: Path) -> None:
    notes = tmp_path / "connections"
    done = subprocess.run(
        [sys.executable, "-c", TRIES],
        env=os.environ | {"PYTHONPATH": str(WATCH), "WATCHED_CONNECTIONS": str(notes), "no_proxy": "*"},
        capture_output=True,
        text=True,
        check=True,
    )
    assert done.stdout.split() == ["PermissionError", "URLError", "PermissionError", "PermissionError", "loopback"]
    noted = [line.split(" by ")[0] for line in notes.read_text().splitlines()]
    assert noted == [
        "socket.getaddrinfo 192.0.2.1",
        "socket.getaddrinfo telemetry.example",
        "socket.sendto 8.8.8.8",
        "socket.getaddrinfo 2001:db8::1",
    ]
