"""The servers of a cluster on this machine, each to be killed and started again as it was."""

from __future__ import annotations

import os
import signal
import subprocess
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg

from seo_warehouse.embedded.processes import read_stat

NODES = """
select node.groupid, node.nodename, node.nodeport, split_part(ran.result, chr(10), 1)::integer
from pg_dist_node as node
join run_command_on_all_nodes($$select pg_read_file('postmaster.pid')$$) as ran using (nodeid)
order by node.groupid
"""
STARTING_SECONDS = 300


@dataclass(frozen=True)
class Node:
    """A server: group 0 is the coordinator's."""

    group: int
    host: str
    port: int
    pid: int

    def kill(self) -> None:
        """SIGKILL to it and to all that it had started; then it is started again, and this returns once it answers."""
        folder = Path(f"/proc/{self.pid}")
        command = folder.joinpath("cmdline").read_bytes().rstrip(b"\0").split(b"\0")
        said = (entry.partition(b"=") for entry in folder.joinpath("environ").read_bytes().split(b"\0") if entry)
        environment = {name: value for name, _, value in said}
        owner, place, program = folder.stat(), folder.joinpath("cwd").readlink(), folder.joinpath("exe").readlink()
        children = folder.joinpath(f"task/{self.pid}/children").read_text().split()
        for pid in (self.pid, *map(int, children)):
            try:
                os.kill(pid, signal.SIGKILL)
            except ProcessLookupError:
                continue
        deadline = time.monotonic() + STARTING_SECONDS
        while any((stat := read_stat(pid)) and stat.is_alive for pid in (self.pid, *map(int, children))):
            assert time.monotonic() < deadline, f"{self} lives on"
            time.sleep(0.05)
        place.joinpath("postmaster.pid").unlink(missing_ok=True)
        subprocess.Popen(
            [program, *command[1:]],
            cwd=place, env=environment, user=owner.st_uid, group=owner.st_gid, extra_groups=[], start_new_session=True,
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )  # fmt: skip
        while not self._answers():
            assert time.monotonic() < deadline, f"{self} does not answer"
            time.sleep(0.1)

    def _answers(self) -> bool:
        try:
            psycopg.connect(host=self.host, port=self.port, dbname="postgres", user="nobody", connect_timeout=5).close()
        except psycopg.OperationalError as error:
            # It says who may come in, so it is there.
            return (
                "does not exist" in str(error) or "authentication failed" in str(error) or "no password" in str(error)
            )
        return True


def nodes_of(connection: psycopg.Connection[Any]) -> list[Node]:
    """The coordinator and its workers."""
    return [Node(*row) for row in connection.execute(NODES).fetchall()]
