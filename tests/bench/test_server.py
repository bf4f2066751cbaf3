from __future__ import annotations

import os
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from bench.process import TICKS_PER_SECOND, CpuTime, cpu_time, holding, parse_stat
from bench.server import CONFIG, Server, ServerFailed, stop
from sfu.config import Config, parse


def program(folder: Path, text: str) -> str:
    """An executable that stands in for the interpreter which runs the server."""
    path = folder / "program"
    path.write_text(f"#!{sys.executable}\n{text}")
    path.chmod(0o755)
    return str(path)


def test_cpu_time_is_read_behind_a_name_with_spaces_and_brackets() -> None:
    stat = "12 (a) b (c) R 1 2 3 4 5 6 7 8 9 10 250 50 0 0 20 0 1 0 99"
    assert parse_stat(stat) == CpuTime(250 / TICKS_PER_SECOND, 50 / TICKS_PER_SECOND)


def test_cpu_time_rises_while_a_process_works() -> None:
    before = cpu_time(os.getpid())
    while cpu_time(os.getpid()).since(before).total < 0.02:
        sum(range(1_000))
    used = cpu_time(os.getpid()).since(before)
    assert used.total == used.user + used.system


def test_what_a_process_holds_is_read() -> None:
    before = holding(os.getpid())
    with open(os.devnull) as one, open(os.devnull) as other:
        assert one.fileno() != other.fileno()
        assert holding(os.getpid()).descriptors == before.descriptors + 2
    assert before.memory > 1 << 20
    assert before.threads >= 1


def test_the_configuration_is_one_that_the_server_takes() -> None:
    config, faults = parse(CONFIG)
    assert faults == ()
    assert isinstance(config, Config)
    assert config.admission.room_capacity == tomllib.loads(CONFIG)["admission"]["room_capacity"]


def test_a_server_s_line_is_read_and_the_server_ends_with_the_context(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(
        "bench.server.sys.executable",
        program(
            tmp_path,
            'import signal\nprint(\'{"base_url": "http://127.0.0.1:1", "portal_key": "k", "metrics_url": "m"}\', flush=True)\n'
            "signal.pause()",
        ),
    )
    with Server() as server:
        assert (server.base_url, server.portal_key) == ("http://127.0.0.1:1", "k")
        pid = server.pid
        server.check()
    with pytest.raises(ProcessLookupError):
        os.kill(pid, 0)


def test_a_server_that_ends_too_early_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    text = 'import sys\nprint(\'{"base_url": "u", "portal_key": "k", "metrics_url": "m"}\', flush=True)\nsys.exit("out of memory")'
    monkeypatch.setattr("bench.server.sys.executable", program(tmp_path, text))
    with Server() as server:
        os.waitid(os.P_PID, server.pid, os.WEXITED | os.WNOWAIT)
        with pytest.raises(ServerFailed, match="out of memory"):
            server.check()


def test_a_server_that_does_not_start_tells_why(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.server.sys.executable", program(tmp_path, "raise SystemExit('no port is free')"))
    with pytest.raises(ServerFailed, match="no port is free"), Server():
        pass


def test_a_child_that_will_not_end_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("bench.server.STOP_TIMEOUT", 0.2)
    text = "import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); print(flush=True); signal.pause()"
    child = subprocess.Popen([sys.executable, "-c", text], stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    child.stdout.readline()
    stop(child)
    assert child.returncode == -9
