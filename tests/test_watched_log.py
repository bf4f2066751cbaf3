"""The check that every test runs under can fail: what identifies somebody is seen, however it was logged."""

from __future__ import annotations

import logging
import os
import re
import subprocess
import sys
from ipaddress import IPv4Address
from pathlib import Path

import pytest

from sfu.log import configure, logger
from tests.watched_log import Watch

ROOT = Path(__file__).parent.parent
JWS = "eyJhbGciOiJFZERTQSJ9.eyJzdWIiOiJ4In0.c2ln"
TESTS = f'''
from sfu import log

def test_plain():
    log.logger("sfu.app.home").error("a step failed", visit="v_1", address="203.0.113.7")

def test_in_the_event():
    log.logger("sfu.app.home").info("from 203.0.113.7 came per@example.se")

def test_below_the_level_that_is_told():
    log.configure(level="error", form="json")
    log.logger("sfu.app.home").debug("joined", ticket="{JWS}")

def test_harmless():
    log.logger("sfu.app.home").error("a step failed", visit="v_1")
'''


@pytest.mark.parametrize("configured", [False, True], ids=["as tests find it", "as a server sets it up"])
@pytest.mark.parametrize(
    "private",
    [
        "203.0.113.7",
        JWS,
        "per@example.se",
        ["x", "203.0.113.7"],
        {"from": {"address": "::1"}},
        IPv4Address("203.0.113.7"),
    ],
    ids=["address", "token", "mail", "in a list", "in a mapping", "object"],
)
def test_a_private_value_is_seen_before_it_is_blanked(
    nothing_private_is_logged: Watch, private: object, configured: bool, monkeypatch: pytest.MonkeyPatch
) -> None:
    if configured:
        monkeypatch.setattr(logging.getLogger(), "handlers", [])
        monkeypatch.setattr(logging.getLogger(), "level", logging.INFO)
        configure(level="critical", form="json")
    logger("sfu.app.home").debug("a step", who=private)
    with pytest.raises(AssertionError, match=r"identify somebody.*sfu\.app\.home"):
        nothing_private_is_logged.check()
    nothing_private_is_logged.found.clear()


def test_what_a_library_says_is_blanked_and_no_fault_of_the_test(nothing_private_is_logged: Watch) -> None:
    logger("aiohttp.server").warning("from 203.0.113.7")
    nothing_private_is_logged.check()


def test_a_test_that_logs_what_identifies_somebody_fails(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text("from tests.conftest import nothing_private_is_logged")
    (tmp_path / "test_lines.py").write_text(TESTS)
    run = subprocess.run(
        [sys.executable, "-m", "pytest", "-c", ROOT / "pyproject.toml", "--rootdir", tmp_path, "-q", "-rE", tmp_path],
        cwd=tmp_path,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    failed = set(re.findall(r"^ERROR \S*::(\w+)", run.stdout, re.MULTILINE))
    assert failed == {"test_plain", "test_in_the_event", "test_below_the_level_that_is_told"}, run.stdout + run.stderr
    assert run.returncode == 1
