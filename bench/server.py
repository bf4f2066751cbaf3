"""Servers under test, each a process of its own that ends with its context: ours, and Janus."""

from __future__ import annotations

import json
import os
import select
import shutil
import socket
import subprocess
import sys
import tempfile
from pathlib import Path
from types import TracebackType
from typing import IO, Protocol

from bench.janus import PORT as JANUS_PORT
from bench.network import Namespace
from bench.orders import Target
from sfu import portals
from sfu.clock import monotonic
from sfu.web.callers import key_hash

START_TIMEOUT = 30.0  # seconds until the server's one line is there, or its port answers
STOP_TIMEOUT = 5.0  # seconds from the first SIGTERM to SIGKILL
STOP_INTERVAL = 0.1  # seconds from one SIGTERM to the next
LOG_TAIL = 2_000  # characters of the server's own words in a failure
JANUS_CONFIGURATION = Path("/etc/janus")  # as Debian ships it

# A benchmark's rooms are larger than a clinic's, and filled at once by one link.
CONFIG = """\
[admission]
room_capacity = 100
lobby_capacity = 120
knocks_per_link_hour = 10000

[limits]
half_open_handshakes = 1000
"""

DEFAULTS = """\
[limits]
half_open_handshakes = 1000
"""
"""As operators have it, but for the bench's own people, who all connect at once."""

# In a namespace of its own the server listens on that namespace's address, which a demo does not.
NAMESPACE_CONFIG = """
[web]
listen = "{address}:8080"
public_url = "http://{address}:8080"
metrics_listen = "{address}:9090"
drain_minutes = 0

[database]
directory = "{data}"

[logging]
level = "warning"

[[portals]]
id = "bench"
key_hash = "{key_hash}"
scopes = ["visits:write", "visits:read", "tickets:staff", "tickets:citizen"]
"""


class ServerFailed(Exception):
    """The server did not start, or has ended; the text has its last words."""


class UnderTest(Protocol):
    """A running server."""

    name: str
    """As in the column `server`."""

    @property
    def target(self) -> Target:
        """How it is reached."""
        ...

    def check(self) -> None:
        """Raise `ServerFailed` if the process has ended."""
        ...

    def last_words(self) -> str:
        """The end of what it wrote to its log."""
        ...


class Program:
    """A context: a server runs within it, with its data in a folder that goes with it."""

    def __init__(self, namespace: Namespace | None, core: int | None) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-")
        self._namespace = namespace
        self._core = core
        self._process: subprocess.Popen[str] | None = None

    @property
    def folder(self) -> Path:
        return Path(self._folder.name)

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def stop(self) -> None:
        """End the process, and delete its folder."""
        if self._process is not None:
            stop(self._process)
        self._folder.cleanup()

    def check(self) -> None:
        """Raise `ServerFailed` if the process has ended."""
        if self._process is None or self._process.poll() is not None:
            raise ServerFailed(f"the server has ended; its last words:\n{self.last_words()}")

    def last_words(self) -> str:
        """The end of what the server wrote to its standard error."""
        return self._log().read_text(errors="replace")[-LOG_TAIL:]

    def launch(self, command: list[str], folder: Path | None = None) -> subprocess.Popen[str]:
        """Run a command: in the namespace where there is one, on its core where it has one, in `folder` where one is given."""
        core = self._core

        def bind() -> None:
            if core is not None:
                os.sched_setaffinity(0, {core})

        before = self._namespace.command if self._namespace is not None else []
        with self._log().open("w") as log:
            self._process = subprocess.Popen(
                before + command,
                stdout=subprocess.PIPE,
                stderr=log,
                text=True,
                cwd=folder,
                preexec_fn=bind if core is not None else None,
            )
        return self._process

    def wait_for(self, address: tuple[str, int]) -> None:
        """Until something listens there. Raises `ServerFailed`."""
        assert self._process is not None
        deadline = monotonic() + START_TIMEOUT
        while monotonic() < deadline and self._process.poll() is None:
            try:
                socket.create_connection(address, timeout=1).close()
            except OSError:
                select.select([], [], [], 0.05)
            else:
                return
        raise ServerFailed(f"the server did not start; its last words:\n{self.last_words()}")

    def _log(self) -> Path:
        return self.folder / "server.log"


class Server(Program):
    """Ours: `python -m sfu demo` on loopback and free ports, or `serve` in a namespace."""

    name = "sfu"

    def __init__(
        self, namespace: Namespace | None = None, core: int | None = None, *, config: str = CONFIG, media_port: int = 0
    ) -> None:
        """`media_port` is that of a server on loopback; 0: any."""
        super().__init__(namespace, core)
        self._config = config
        self._media_port = media_port
        self.base_url = ""
        self.portal_key = ""
        self.metrics_url = ""

    @property
    def target(self) -> Target:
        bind = self._namespace.client if self._namespace is not None else "127.0.0.1"
        return Target("sfu", self.base_url, self.pid, self.portal_key, self.metrics_url, bind)

    def __enter__(self) -> Server:
        try:
            if self._namespace is None:
                self._demo()
            else:
                self._serve(self._namespace.server)
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def _demo(self) -> None:
        config = self.folder / "config.toml"
        config.write_text(self._config)
        command = [sys.executable, "-m", "sfu", "demo", "--json", "--port", "0"]
        command += ["--media-port", str(self._media_port)]
        process = self.launch([*command, "--data", str(self.folder / "data"), "--config", str(config)])
        line = read_line(process.stdout, START_TIMEOUT)
        try:
            told = json.loads(line)
            self.base_url, self.portal_key = told["base_url"], told["portal_key"]
            self.metrics_url = told["metrics_url"]
        except (ValueError, KeyError, TypeError):
            raise ServerFailed(f"the server did not start; its last words:\n{self.last_words()}") from None

    def _serve(self, address: str) -> None:
        self.portal_key = portals.new_key()
        config = self.folder / "config.toml"
        config.write_text(
            self._config
            + NAMESPACE_CONFIG.format(address=address, data=self.folder / "data", key_hash=key_hash(self.portal_key))
        )
        self.launch([sys.executable, "-m", "sfu", "serve", "--config", str(config)])
        self.base_url, self.metrics_url = f"http://{address}:8080", f"http://{address}:9090/metrics"
        self.wait_for((address, 8080))


class JanusServer(Program):
    """Debian's Janus with its configuration as shipped; `event_loops` adds that one setting, with one loop for all handles."""

    def __init__(self, namespace: Namespace, core: int | None = None, *, event_loops: bool = False) -> None:
        super().__init__(namespace, core)
        self.name = "janus event_loops=1" if event_loops else "janus"
        self._address, self._bind = namespace.server, namespace.client
        self._event_loops = event_loops

    @staticmethod
    def missing() -> str | None:
        """What to say where Janus is not installed; None where it is."""
        if shutil.which("janus") and JANUS_CONFIGURATION.is_dir():
            return None
        return "janus is not installed (Debian: apt-get install janus); it was not measured"

    @property
    def target(self) -> Target:
        return Target("janus", f"ws://{self._address}:{JANUS_PORT}", self.pid, bind=self._bind)

    def __enter__(self) -> JanusServer:
        configuration = self.folder / "janus"
        shutil.copytree(JANUS_CONFIGURATION, configuration)
        if self._event_loops:
            main = configuration / "janus.jcfg"
            main.write_text(main.read_text().replace("#event_loops = 8", "event_loops = 1", 1))
        log = self.folder / "janus.log"
        command = ["janus", "--disable-colors", "--disable-stdout", f"--log-file={log}"]
        try:
            # In the folder that goes with it: Janus 1.1 may dump its core when it is ended.
            self.launch([*command, f"--configs-folder={configuration}"], self.folder)
            self.wait_for((self._address, JANUS_PORT))
        except BaseException:
            self.stop()
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    def last_words(self) -> str:
        log = self.folder / "janus.log"
        return log.read_text(errors="replace")[-LOG_TAIL:] if log.exists() else super().last_words()


def read_line(stream: IO[str] | None, timeout: float) -> str:
    """A line of a child's output; empty where it says nothing in time or has ended."""
    assert stream is not None
    ready, _, _ = select.select([stream], [], [], timeout)
    return stream.readline() if ready else ""


def stop(process: subprocess.Popen[str]) -> None:
    """End a child: by SIGTERM, again and again, because the second one cuts a server's draining short; then by SIGKILL."""
    for _ in range(round(STOP_TIMEOUT / STOP_INTERVAL)):
        process.terminate()
        try:
            process.wait(STOP_INTERVAL)
        except subprocess.TimeoutExpired:
            continue
        break
    else:
        process.kill()
        process.wait()
    if process.stdout is not None:
        process.stdout.close()
