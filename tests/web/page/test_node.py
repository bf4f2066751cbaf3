"""The parts of the page that know no DOM, tested by node's own runner: the node that comes with the browser driver."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest
from playwright._impl._driver import compute_driver_executable

TESTS = sorted((Path(__file__).parent / "node").glob("*.test.js"))


@pytest.mark.parametrize("path", TESTS, ids=lambda path: path.name.removesuffix(".test.js"))
def test_in_node(path: Path) -> None:
    node, _ = compute_driver_executable()
    run = subprocess.run([node, "--test", str(path)], capture_output=True, text=True, timeout=60, check=False)
    assert run.returncode == 0, run.stdout + run.stderr
