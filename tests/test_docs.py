"""The documents are true where a test can tell: links lead somewhere, and every dependency has its reason."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parent.parent
DOCUMENTS = sorted([*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md")])
LINK = re.compile(r"\]\(([^)#\s]+)(?:#[^)]*)?\)")


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: str(path.relative_to(ROOT)))
def test_every_link_of_a_document_leads_somewhere(document: Path) -> None:
    targets = [target for target in LINK.findall(document.read_text()) if "://" not in target]
    assert [target for target in targets if not (document.parent / target).exists()] == []


def test_every_dependency_stands_in_the_decisions() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]
    wanted = [
        *project["dependencies"],
        *(each for extra in project["optional-dependencies"].values() for each in extra),
    ]
    names = {re.split(r"[^A-Za-z0-9-]", each)[0] for each in wanted}
    told = (ROOT / "docs/decisions/dependencies.md").read_text()
    assert {name for name in names if not re.search(rf"\b{re.escape(name)}\b", told)} == set()


@pytest.mark.parametrize("name", ["constraints.txt", "constraints-compile.txt", "constraints-dev.txt"])
def test_versions_are_pinned_by_hash_and_name_no_registry(name: str) -> None:
    text = (ROOT / name).read_text()
    assert "://" not in text
    pins = re.findall(r"^([\w.-]+)==", text, re.MULTILINE)
    assert len(pins) > 20
    assert text.count("==") <= text.count("--hash=sha256:")


def test_what_runs_is_pinned_alike_for_the_tests() -> None:
    def pins(name: str) -> set[str]:
        return set(re.findall(r"^[\w.-]+==[\w.]+", (ROOT / name).read_text(), re.MULTILINE))

    assert pins("constraints.txt") <= pins("constraints-dev.txt")
