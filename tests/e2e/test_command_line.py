"""The command line, as a person meets it: what it says, its exit codes, and that no traceback reaches anybody."""

from __future__ import annotations

import json
import os
import re
import signal
import socket
import subprocess
import sys
from pathlib import Path

import pytest

from tests.e2e.server import ROOT, Server


def run(*arguments: str, cwd: Path = ROOT) -> subprocess.CompletedProcess[str]:
    result = subprocess.run(
        [sys.executable, "-m", "sfu", *arguments],
        cwd=cwd,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )
    assert "Traceback" not in result.stderr
    return result


@pytest.mark.parametrize(
    "arguments",
    [
        ("bogus",),
        ("demo", "--port", "70000"),
        ("demo", "--port", "x"),
        ("audit",),
        ("audit", "verify", "--head", "nonsense"),
        ("portal", "add"),
        ("check", "--config", "/nonexistent/config.toml"),
        ("portal", "list", "--config", "/nonexistent/config.toml"),
    ],
    ids=" ".join,
)
def test_wrong_use_is_one_clear_error_and_exit_2(arguments: tuple[str, ...]) -> None:
    result = run(*arguments)
    assert result.returncode == 2
    assert result.stderr.strip()
    assert result.stdout == ""


def test_check_tells_every_fault_of_a_file_by_its_key(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text('[web]\nlisten = "x"\nfoo = 1\n[bar]\n')
    result = run("check", "--config", str(file))
    assert result.returncode == 2
    assert [re.search(r"toml: (\S+)", line)[1] for line in result.stderr.splitlines()] == [  # type: ignore[index]
        "web.listen",
        "web.foo",
        "bar",
    ]


def test_check_is_content_with_the_file_at_the_root() -> None:
    result = run("check", "--config", str(ROOT / "config.toml"))
    assert (result.returncode, result.stdout) == (0, "The configuration is well.\n")


def test_a_taken_port_is_named_with_its_key() -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        result = run("demo", "--port", str(taken.getsockname()[1]))
    assert result.returncode == 2
    assert re.fullmatch(r"evisit: --port: cannot listen on \S+: another program listens there;.*\n", result.stderr)


def test_a_taken_media_port_is_named_with_its_key() -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as taken:
        taken.bind(("0.0.0.0", 0))
        result = run("demo", "--port", "0", "--media-port", str(taken.getsockname()[1]))
    assert result.returncode == 2
    assert result.stderr.startswith("evisit: [media] listen: cannot listen on")


def test_portal_keys_come_and_go(tmp_path: Path) -> None:
    file = tmp_path / "config.toml"
    file.write_text("# ours\n")
    added = run("portal", "add", "cosmic", "--scope", "visits:read", "--config", str(file))
    key = added.stdout.strip()
    assert len(key) >= 43
    assert key not in file.read_text()
    assert run("portal", "list", "--config", str(file)).stdout == "cosmic\tvisits:read\n"
    assert run("portal", "revoke", "cosmic", "--config", str(file)).returncode == 0
    assert run("portal", "list", "--config", str(file)).stdout == ""
    assert run("portal", "revoke", "cosmic", "--config", str(file)).returncode == 2


def test_there_is_no_log_to_verify_where_there_is_no_data(tmp_path: Path) -> None:
    result = run("audit", "verify", "--data", str(tmp_path))
    assert (result.returncode, result.stdout) == (1, "")
    assert result.stderr.count("\n") == 1


async def test_the_demos_log_is_verified_and_exported(server: Server) -> None:
    data = str(server.data / "data")
    verified = run("audit", "verify", "--data", data)
    assert verified.returncode == 0
    head = verified.stdout.split()[-1]
    assert run("audit", "verify", "--data", data, "--head", head).returncode == 0
    rows = [json.loads(line) for line in run("audit", "export", "--data", data).stdout.splitlines()]
    assert rows[0]["action"] == "created"
    assert run("audit", "verify", "--data", data, "--head", f"1:{'0' * 64}").returncode == 1


async def test_the_demo_tells_one_json_line_and_its_links(server: Server) -> None:
    assert set(server.told) == {"base_url", "metrics_url", "visit", "portal_key", "links", "portals"}
    assert set(server.told["portals"]) == {"care_record", "patient_portal"}
    assert set(server.links) == {"clinician", "patient", "guardians", "share"}
    assert len(server.links["guardians"]) == 2
    links = [server.links["clinician"], server.links["patient"], *server.links["guardians"], server.links["share"]]
    assert len(set(links)) == 5
    assert all(link.startswith(f"{server.base_url}/join#") for link in links)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_signal_ends_it_well(server: Server, number: signal.Signals) -> None:
    assert server.process is not None
    server.process.send_signal(number)
    assert await server.process.wait() == 0
