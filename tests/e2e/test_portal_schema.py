"""The live server against its own OpenAPI document: whatever is sent, no 5xx, and no answer that the document does not tell of."""

from __future__ import annotations

import asyncio
import os
import re
import sys
from pathlib import Path

import pytest

from tests.e2e.server import ROOT, Server

UNLIMITED = "[limits]\nportal_calls_per_second = 10000\nportal_call_burst = 100000\n"


@pytest.mark.timeout(400)
async def test_no_call_is_answered_in_a_way_that_the_document_does_not_tell(tmp_path: Path) -> None:
    (tmp_path / "evisit.toml").write_text(UNLIMITED)
    server = Server(tmp_path, ("--config", str(tmp_path / "evisit.toml")))
    await server.start()
    tester = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "schemathesis.cli", "run", server.base_url + "/api/v1/openapi.json"),
        *("--header", f"Authorization: Bearer {server.told['portal_key']}"),
        # What rules join several fields no schema says; `schemathesis_hooks` puts most of them right, not all.
        # And a visit that is cancelled is still there to be read: DELETE cancels.
        *("--exclude-checks", "positive_data_acceptance,use_after_free"),
        *("--max-examples", "12", "--generation-deterministic", "--no-color"),
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
        cwd=tmp_path,  # it leaves a folder of its own
        env=os.environ | {"SCHEMATHESIS_HOOKS": "tests.e2e.schemathesis_hooks", "PYTHONPATH": str(ROOT)},
    )
    output = (await tester.communicate())[0].decode()
    bugs = (await server.metrics())["evisit_bugs_total", ()]
    await server.stop()
    assert tester.returncode == 0, output
    assert bugs == 0, server.log.read_text()
    covered = re.search(r"API Links: +(\d+) covered", output)
    assert covered is not None, output
    assert int(covered[1]) > 0, output
