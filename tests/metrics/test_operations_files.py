"""The dashboard and the alert rules that ship with the server speak of metrics that it really exports."""

from __future__ import annotations

import json
import re
from pathlib import Path

import yaml

from sfu.metrics.families import LABELS

ROOT = Path(__file__).parent.parent.parent
FILES = ROOT / "docs/operations"
NAME = re.compile(r"\b(evisit_[a-z_]+|process_[a-z_]+)\b")


def exported() -> set[str]:
    """Names that the exposition writes, with the series that a histogram has; those of prometheus-client too."""
    names = set(re.findall(r'"(evisit_[a-z_]+)"', (ROOT / "sfu/app/exposition.py").read_text()))
    series = {f"{name}_{part}" for name in names for part in ("bucket", "count", "sum")}
    return names | series | {"process_cpu_seconds_total"}


def expressions() -> list[str]:
    rules = yaml.safe_load((FILES / "alerts.yml").read_text())["groups"][0]["rules"]
    panels = json.loads((FILES / "dashboard.json").read_text())["panels"]
    return [rule["expr"] for rule in rules] + [target["expr"] for panel in panels for target in panel["targets"]]


def test_every_metric_is_one_that_the_server_exports() -> None:
    used = {name for expression in expressions() for name in NAME.findall(expression)}
    assert len(used) > 10
    assert used - exported() == set()


def test_every_label_is_one_of_ours() -> None:
    matched = {label for expression in expressions() for label in re.findall(r"[{,]\s*(\w+)=~?\"", expression)}
    grouped = {
        label for text in expressions() for group in re.findall(r"by \(([^)]*)\)", text) for label in group.split(", ")
    }
    assert matched | grouped <= LABELS | {"le", "job"}


def test_what_must_never_happen_pages_somebody() -> None:
    rules = yaml.safe_load((FILES / "alerts.yml").read_text())["groups"][0]["rules"]
    paging = [rule["expr"] for rule in rules if rule["labels"]["severity"] == "page"]
    assert any("evisit_unadmitted_media_packets_total" in expression for expression in paging)


def test_every_alert_says_what_to_do() -> None:
    rules = yaml.safe_load((FILES / "alerts.yml").read_text())["groups"][0]["rules"]
    assert all(len(rule["annotations"]["summary"]) > 40 for rule in rules)
    assert len({rule["alert"] for rule in rules}) == len(rules)


def test_the_panels_do_not_overlap() -> None:
    cells: set[tuple[int, int]] = set()
    for panel in json.loads((FILES / "dashboard.json").read_text())["panels"]:
        at = panel["gridPos"]
        covered = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not cells & covered, panel["title"]
        cells |= covered
