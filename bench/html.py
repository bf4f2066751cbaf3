"""A result as one HTML page: the header, plots, and every figure in a table. The page asks nobody for anything."""

from __future__ import annotations

from collections.abc import Sequence
from html import escape

from bench import svg
from bench.report import Row

PLOTS = (
    ("cpu_us_per_packet_out", "CPU a forwarded packet", "µs"),
    ("limit_ratio", "CPU a packet over the machine's limit", "times"),
    ("packets_out_per_second", "Packets forwarded", "a second"),
    ("packets_out_per_second_per_core", "Packets forwarded by a whole core", "a second"),
    ("latency_ms_p50", "Forward latency, half within", "ms"),
    ("latency_ms_p99", "Forward latency, 99 of 100 within", "ms"),
    ("latency_ms_p999", "Forward latency, 999 of 1,000 within", "ms"),
    ("loss", "Packets lost", "share"),
    ("admit_to_media_ms_p50", "From admit to media both ways, half within", "ms"),
    ("memory_kib_per_participant", "Memory of a participant", "KiB"),
    ("join_ms_p99", "Join, 99 of 100 within", "ms"),
    ("cpu_ms_per_join", "CPU of a join", "ms"),
    ("utilisation", "Share of the link used", "of what it carries"),
    ("converged_s", "A change of the link answered after", "s, the slowest"),
    ("queue_ms_p95", "Wait before the bottleneck, 95 of 100 within", "ms"),
    ("fairness", "Fairness among flows (Jain)", "1 is even"),
    ("memory_kib_per_waiting", "Memory of one who waits", "KiB"),
)
COURSES = (
    ("memory", "Memory of the server", "bytes"),
    ("descriptors", "Descriptors", ""),
    ("tasks", "Tasks", ""),
    ("capacity", "What the link carries", "bit/s"),
    ("estimate", "Estimate", "bit/s"),
    ("arrived", "What arrives", "bit/s"),
    ("queue_ms", "Wait before the bottleneck", "ms"),
)
NAMES = ("server", "receivers", "people", "visits", "waiting")
"""What tells one row's bar from another's, where it differs."""

STYLE = """
:root { color-scheme: light dark; --ink: #1b2733; --soft: #5b6b7a; --line: #d5dde4; --fill: #2f7dbd; --page: #fff; }
@media (prefers-color-scheme: dark) {
  :root { --ink: #e8eef3; --soft: #a3b1bd; --line: #3a4853; --fill: #5aa9e6; --page: #141b21; }
}
body { font: 15px/1.5 system-ui, sans-serif; color: var(--ink); background: var(--page); margin: 2rem auto;
  max-width: 1000px; padding: 0 1rem; }
h1 { font-size: 1.4rem; }
pre { color: var(--soft); white-space: pre-wrap; }
.plots { display: grid; grid-template-columns: repeat(auto-fit, minmax(440px, 1fr)); gap: 1.5rem 2rem; }
figure { margin: 0; }
figcaption { font-weight: 600; margin-bottom: .4rem; }
small { color: var(--soft); font-weight: 400; }
svg { width: 100%; height: auto; font: 12px system-ui, sans-serif; fill: var(--ink); }
rect { fill: var(--fill); }
.name { text-anchor: end; fill: var(--soft); }
.axis { stroke: var(--line); }
polyline { fill: none; stroke: var(--fill); stroke-width: 2; }
.missing { border-left: 4px solid #c77700; padding-left: .8rem; }
.table { overflow-x: auto; }
table { border-collapse: collapse; margin-top: 2rem; font-variant-numeric: tabular-nums; }
th, td { text-align: right; padding: .2rem .7rem; border-bottom: 1px solid var(--line); }
th:first-child, td:first-child { text-align: left; }
"""


def page(rows: Sequence[Row], header: str) -> str:
    """The report of a scenario's rows; `header` says where the figures come from."""
    scenario = str(rows[0]["scenario"]) if rows else "nothing"
    measured = [row for row in rows if "missing" not in row]
    missing = "".join(f'<p class="missing">{escape(str(row["missing"]))}</p>' for row in rows if "missing" in row)
    plots = "".join(_bars(measured)) + "".join(_courses(measured))
    return (
        '<!doctype html>\n<html lang="en"><head><meta charset="utf-8">'
        '<meta name="viewport" content="width=device-width">'
        f"<title>bench {escape(scenario)}</title><style>{STYLE}</style></head><body>"
        f"<h1>bench {escape(scenario)}</h1><pre>{escape(header)}</pre>{missing}"
        f'<div class="plots">{plots}</div>{_table(measured)}</body></html>\n'
    )


def _bars(rows: Sequence[Row]) -> list[str]:
    names = [_name(row, rows) for row in rows]
    plots = []
    for key, title, unit in PLOTS:
        values = [
            (name, float(value))
            for name, row in zip(names, rows, strict=True)
            if isinstance(value := row.get(key), int | float)
        ]
        if values:
            plots.append(svg.bars(title, unit, values))
    return plots


def _courses(rows: Sequence[Row]) -> list[str]:
    plots = []
    for row in rows:
        samples = row.get("samples")
        if not isinstance(samples, list) or len(samples) < 4:
            continue
        of = f"{_name(row, rows)}: " if len(rows) > 1 else ""
        for key, title, unit in COURSES:
            if all(key in each for each in samples):
                points = [(float(each["at"]), float(each[key])) for each in samples]
                plots.append(svg.line(of + title, unit, points))
    return plots


def _name(row: Row, rows: Sequence[Row]) -> str:
    parts = [
        str(row[name]) if name == "server" else f"{row[name]} {name}"
        for name in NAMES
        if name in row and len({str(each.get(name)) for each in rows}) > 1
    ]
    return ", ".join(parts) or str(row["server"])


def _table(rows: Sequence[Row]) -> str:
    keys = [key for key in dict.fromkeys(key for row in rows for key in row) if _plain(rows, key)]
    head = "".join(f"<th>{escape(_name(row, rows))}</th>" for row in rows)
    body = "".join(
        f"<tr><td>{escape(key)}</td>" + "".join(f"<td>{_cell(row.get(key))}</td>" for row in rows) + "</tr>"
        for key in keys
    )
    return f'<div class="table"><table><tr><th>figure</th>{head}</tr>{body}</table></div>'


def _plain(rows: Sequence[Row], key: str) -> bool:
    return not any(isinstance(row.get(key), list | dict) for row in rows)


def _cell(value: object) -> str:
    if value is None:
        return "–"
    return svg.figure(value) if isinstance(value, int | float) and not isinstance(value, bool) else escape(str(value))
