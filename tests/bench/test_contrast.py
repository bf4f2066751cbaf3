from __future__ import annotations

import json
from pathlib import Path

import pytest

from bench.__main__ import main
from bench.contrast import NoRows, contrast, read
from bench.report import Row

A: Row = {"scenario": "forward", "server": "sfu", "receivers": 4, "cpu_us_per_packet_out": 20.0, "loss": 0.0}
B: Row = {**A, "cpu_us_per_packet_out": 10.0, "loss": 0.5}


def test_figures_of_the_same_point_are_set_side_by_side() -> None:
    cpu, loss = contrast([A], [B, {**B, "receivers": 16}])
    assert (cpu["figure"], cpu["a"], cpu["b"], cpu["ratio"]) == ("cpu_us_per_packet_out", 20.0, 10.0, 0.5)
    assert (loss["figure"], loss["ratio"]) == ("loss", None)


def test_the_visits_of_a_saturation_are_its_result_and_not_its_name() -> None:
    before: Row = {"scenario": "saturate", "server": "sfu", "people": 3, "visits": 20}
    (change,) = contrast([before], [{**before, "visits": 30}])
    assert (change["figure"], change["ratio"]) == ("visits", 1.5)


def test_results_without_a_point_in_common_are_refused() -> None:
    with pytest.raises(NoRows, match="no point in common"):
        contrast([A], [{**B, "receivers": 1}])


@pytest.mark.parametrize("text", ["", "{}", "[1]", '[{"loss": 0}]'])
def test_what_is_no_result_is_refused(text: str, tmp_path: Path) -> None:
    path = tmp_path / "a.json"
    path.write_text(text)
    with pytest.raises(NoRows, match=r"a\.json"):
        read(path)


def test_the_command_prints_the_changes(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    for name, row in (("a", A), ("b", B)):
        (tmp_path / name).write_text(json.dumps([row]))
    assert main(["--compare", str(tmp_path / "a"), str(tmp_path / "b")]) == 0
    assert "cpu_us_per_packet_out" in capsys.readouterr().out
    assert main(["--compare", str(tmp_path / "a"), str(tmp_path / "none")]) == 1
    assert "none cannot be read" in capsys.readouterr().err
