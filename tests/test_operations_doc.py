"""docs/operations.md tells of every metric and every command, and of none that is not there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from sfu.__main__ import main

ROOT = Path(__file__).parent.parent
TEXT = (ROOT / "docs" / "operations.md").read_text()


def test_the_table_of_metrics_is_what_is_exported() -> None:
    exported = set(re.findall(r'"(evisit_\w+)"', (ROOT / "sfu" / "app" / "exposition.py").read_text()))
    assert set(re.findall(r"`(evisit_\w+)`", TEXT)) == exported


def test_the_list_of_commands_is_what_can_be_called(capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit):
        main(["--help"])
    commands = set(re.findall(r"^    (\w+)  ", capsys.readouterr().out, re.MULTILINE))
    assert set(re.findall(r"^python -m sfu (?:\[)?(\w+)", TEXT, re.MULTILINE)) == commands
