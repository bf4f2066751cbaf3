"""`--compare A.json B.json`: what has changed from one result to another, figure by figure."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from bench.report import Row

IDENTITY = ("scenario", "server", "rooms", "receivers", "people", "senders", "visits", "waiting")
"""Rows with the same of these are the same point."""

FIGURES = (
    "packets_out_per_second",
    "cpu_us_per_packet_out",
    "limit_ratio",
    "cpu_ratio_to_sfu",
    "loss",
    "latency_ms_p50",
    "latency_ms_p99",
    "latency_ms_p999",
    "memory_kib_per_participant",
    "admit_to_media_ms_p50",
    "join_ms_p50",
    "join_ms_p99",
    "cpu_ms_per_join",
    "memory_kib_per_waiting",
)
RESULT = {"saturate": ("visits",)}
"""What is a figure in these scenarios, although it names the point in others."""

COLUMNS = {"point": "point", "figure": "figure", "a": "A", "b": "B", "ratio": "B / A"}


class NoRows(Exception):
    """A file is no result, or the two have no point in common; the text says which."""


def read(path: Path) -> list[Row]:
    """The rows of a result, as `--json` prints them. Raises `NoRows`."""
    try:
        rows = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise NoRows(f"{path} cannot be read as a result: {error}") from None
    if not isinstance(rows, list) or not all(isinstance(row, dict) and "scenario" in row for row in rows):
        raise NoRows(f"{path} is not a list of rows with a scenario each")
    return rows


def contrast(before: Sequence[Row], after: Sequence[Row]) -> list[Row]:
    """A row for each figure of each point that both have. Raises `NoRows` where they have none in common."""
    earlier = {identity(row): row for row in before}
    changes = [
        change for row in after if (old := earlier.get(identity(row))) is not None for change in _changes(old, row)
    ]
    if not changes:
        raise NoRows("the two results have no point in common")
    return changes


def identity(row: Row) -> str:
    """What a row is about, in words."""
    result = RESULT.get(str(row["scenario"]), ())
    parts = [f"{row[name]} {name}" for name in IDENTITY[2:] if row.get(name) is not None and name not in result]
    return f"{row['scenario']}, {row.get('server')}: {', '.join(parts)}"


def _changes(old: Row, new: Row) -> list[Row]:
    result = RESULT.get(str(new["scenario"]), ())
    made: list[Row] = []
    for figure in (*result, *FIGURES):
        a, b = old.get(figure), new.get(figure)
        if isinstance(a, int | float) and isinstance(b, int | float):
            made.append(
                {"point": identity(new), "figure": figure, "a": a, "b": b, "ratio": round(b / a, 3) if a else None}
            )
    return made
