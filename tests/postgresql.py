"""A PostgreSQL server for tests, from the machine's own packages, in a folder that goes away with it."""

from __future__ import annotations

import os
import secrets
import shutil
import signal
import subprocess
import tempfile
from pathlib import Path
from typing import Any

import psycopg
from psycopg import sql

SUPERUSER = "evisit"
WITH_PASSWORD = "with_password"
PASSWORD = "s3cret/with:@marks"  # nothing of it may be read as part of an address

SETTINGS = {
    "listen_addresses": "",
    "fsync": "off",  # the machine does not lose its power in a test
    "full_page_writes": "off",
    "max_connections": "100",
    "shared_buffers": "32MB",
    "autovacuum": "off",
    "log_min_messages": "warning",
}


def binaries() -> Path:
    """The folder of the newest server of this machine's packages (Debian's layout), or of the one on the path."""
    found = sorted(Path("/usr/lib/postgresql").glob("*/bin/initdb"), key=lambda file: int(file.parts[-3]))
    initdb = found[-1] if found else shutil.which("initdb")
    assert initdb, "PostgreSQL is missing: sh scripts/need-postgresql"
    return Path(initdb).parent


class Sockets:
    """A server's databases, by the folder of its sockets."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def url(self, database: str, user: str = SUPERUSER) -> str:
        return f"postgresql://{user}@/{database}?host={self.folder}"

    def connect(self, database: str = "postgres") -> psycopg.Connection[tuple[Any, ...]]:
        """Connected as the one who may do everything; each statement is a transaction of its own."""
        return psycopg.connect(host=str(self.folder), user=SUPERUSER, dbname=database, autocommit=True)

    def create(self, template: str = "template1", **options: str) -> str:
        """A new database; its name."""
        name = f"t{secrets.token_hex(8)}"
        words = " ".join(f"{option.upper()} = '{value}'" for option, value in options.items())
        with self.connect() as connection:
            connection.execute(
                sql.SQL("CREATE DATABASE {} TEMPLATE {} " + words).format(
                    sql.Identifier(name), sql.Identifier(template)
                )
            )
        return name

    def drop(self, name: str) -> None:
        with self.connect() as connection:
            connection.execute(sql.SQL("DROP DATABASE IF EXISTS {} WITH (FORCE)").format(sql.Identifier(name)))


class Cluster(Sockets):
    """One server, on a socket in its own folder. Whoever runs the tests as root runs it as `postgres`: it refuses root."""

    def __init__(self) -> None:
        root = os.getuid() == 0
        self._as: dict[str, Any] = {"user": "postgres", "group": "postgres", "extra_groups": []} if root else {}
        super().__init__(Path(tempfile.mkdtemp(prefix="evisit-postgresql-")))
        if self._as:
            shutil.chown(self.folder, "postgres", "postgres")
        self._data = self.folder / "data"
        self._binaries = binaries()
        self._run(
            "initdb",
            "--pgdata",
            self._data,
            "--username",
            SUPERUSER,
            "--auth",
            "trust",
            "--encoding",
            "UTF8",
            "--no-locale",
            "--no-sync",
        )
        (self._data / "pg_hba.conf").write_text(f"local all {WITH_PASSWORD} scram-sha-256\nlocal all all trust\n")
        (self._data / "postgresql.auto.conf").write_text(
            "".join(
                f"{name} = '{value}'\n" for name, value in {**SETTINGS, "unix_socket_directories": self.folder}.items()
            )
        )

    def start(self) -> None:
        self._run("pg_ctl", "start", "--wait", "--silent", "--pgdata", self._data, "--log", self.folder / "log")

    def stop(self, mode: str = "fast") -> None:
        """`immediate`: as if it had been killed; it recovers at its next start."""
        self._run("pg_ctl", "stop", "--wait", "--silent", "--pgdata", self._data, "--mode", mode)

    def remove(self) -> None:
        if self.pid is not None:
            self.thaw()
            self.stop("immediate")
        shutil.rmtree(self.folder)

    @property
    def pid(self) -> int | None:
        """Of the process that all others of it come from."""
        try:
            return int((self._data / "postmaster.pid").read_text().split()[0])
        except FileNotFoundError:
            return None

    def freeze(self) -> None:
        """Nothing of it moves any more; its sockets stay open."""
        self._signal(signal.SIGSTOP)

    def thaw(self) -> None:
        self._signal(signal.SIGCONT)

    def run(self, program: str, *arguments: str | Path) -> str:
        """One of PostgreSQL's programs, such as `pg_dump`, as whoever runs the tests; what it printed."""
        environment = os.environ | {"PGHOST": str(self.folder), "PGUSER": SUPERUSER}
        ran = subprocess.run(
            [self._binaries / program, *arguments], env=environment, capture_output=True, text=True, timeout=60
        )
        assert ran.returncode == 0, ran.stderr
        return ran.stdout

    def _run(self, program: str, *arguments: str | Path) -> None:
        # Into a file, not a pipe: the server that it leaves behind would hold the pipe open.
        with (self.folder / "output").open("ab") as output:
            ran = subprocess.run(
                [self._binaries / program, *arguments],
                cwd=self.folder,
                stdout=output,
                stderr=output,
                timeout=60,
                **self._as,
            )
        assert ran.returncode == 0, (self.folder / "output").read_text()

    def _signal(self, number: int) -> None:
        parent = self.pid
        assert parent is not None
        children = Path(f"/proc/{parent}/task/{parent}/children").read_text().split()
        for pid in (parent, *map(int, children)):
            os.kill(pid, number)
