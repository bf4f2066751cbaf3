"""The server under test: `python -m sfu demo` as a process of its own, and what the kernel says it costs."""

from __future__ import annotations

import json
import os
import select
import subprocess
import sys
import tempfile
from dataclasses import dataclass
from pathlib import Path
from types import TracebackType
from typing import IO

START_TIMEOUT = 30.0  # seconds until the server's one line is there
STOP_TIMEOUT = 5.0  # seconds from the first SIGTERM to SIGKILL
STOP_INTERVAL = 0.1  # seconds from one SIGTERM to the next
TICKS_PER_SECOND = os.sysconf("SC_CLK_TCK")  # of /proc/PID/stat
LOG_TAIL = 2_000  # characters of the server's own words in a failure

# A benchmark's rooms are larger than a clinic's, and filled at once by one link.
CONFIG = """\
[admission]
room_capacity = 100
lobby_capacity = 100
knocks_per_link_hour = 1000

[limits]
half_open_handshakes = 1000
"""


class ServerFailed(Exception):
    """The server did not start, or has ended; the text has its last words."""


@dataclass(frozen=True, slots=True)
class CpuTime:
    """Seconds that a process and its threads have run. The sum is exact to 10 ms, the split is sampled by the kernel's tick."""

    user: float
    system: float

    @property
    def total(self) -> float:
        return self.user + self.system

    def since(self, earlier: CpuTime) -> CpuTime:
        """What has been used since `earlier`."""
        return CpuTime(self.user - earlier.user, self.system - earlier.system)


def cpu_time(pid: int) -> CpuTime:
    """CPU time of a process (proc_pid_stat(5), utime and stime)."""
    with open(f"/proc/{pid}/stat", encoding="utf-8", errors="replace") as file:
        return parse_stat(file.read())


def parse_stat(stat: str) -> CpuTime:
    """utime and stime of a line of /proc/PID/stat. The command's name may hold spaces and brackets, so count from its end."""
    fields = stat[stat.rindex(")") + 2 :].split()
    return CpuTime(int(fields[11]) / TICKS_PER_SECOND, int(fields[12]) / TICKS_PER_SECOND)


class Server:
    """A context: the server runs within it, on free ports, with its data in a folder that goes with it."""

    def __init__(self) -> None:
        self._folder = tempfile.TemporaryDirectory(prefix="bench-")
        self._process: subprocess.Popen[str] | None = None
        self.base_url = ""
        self.portal_key = ""

    @property
    def pid(self) -> int:
        assert self._process is not None
        return self._process.pid

    def __enter__(self) -> Server:
        folder = Path(self._folder.name)
        config = folder / "config.toml"
        config.write_text(CONFIG)
        command = [sys.executable, "-m", "sfu", "demo", "--json", "--port", "0", "--media-port", "0"]
        command += ["--data", str(folder / "data"), "--config", str(config)]
        with self._log().open("w") as log:
            self._process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=log, text=True)
        try:
            self._read_line(self._process)
        except BaseException:
            self.__exit__(None, None, None)
            raise
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
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

    def _log(self) -> Path:
        return Path(self._folder.name) / "server.log"

    def _read_line(self, process: subprocess.Popen[str]) -> None:
        line = read_line(process.stdout, START_TIMEOUT)
        try:
            told = json.loads(line)
            self.base_url, self.portal_key = told["base_url"], told["portal_key"]
        except (ValueError, KeyError, TypeError):
            raise ServerFailed(f"the server did not start; its last words:\n{self.last_words()}") from None


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
