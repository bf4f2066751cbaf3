"""`python -m bench SCENARIO`: load tests on this machine. Exit codes: 0 well, 1 failed, 2 wrong use."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence

from rich.console import Console

from bench import forward, report
from bench.server import ServerFailed

LATE_MS = 20.0  # of the generator's p99; above it the machine is too busy with other things to measure latency
BUSY = 0.85  # of a core; above it the generator's own waiting begins to show in its figures


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a scenario. Results go to standard output, everything else to standard error."""
    options = _parser().parse_args(arguments)
    console = Console(stderr=True)
    console.print(report.header(), highlight=False)
    try:
        with report.ProgressBar(console) as bar:
            rows = forward.forward(options.rooms, options.receivers, options.seconds, bar)
    except (forward.ScenarioFailed, ServerFailed) as error:
        console.print(f"failed: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    if options.json:
        print(report.as_json(rows))
    else:
        Console().print(report.table(rows, forward.COLUMNS))
    for row in rows:
        for caution in cautions(row):
            console.print(f"caution, {row['receivers']} receivers: {caution}", highlight=False, soft_wrap=True)
    return 0


def cautions(row: report.Row) -> list[str]:
    """What makes a row's figures doubtful."""
    load, drops, late = row["generator_load"], row["generator_socket_drops"], row["generator_late_ms_p99"]
    found = []
    if isinstance(load, float) and load > BUSY:
        found.append(f"the generator was busy {load:.0%} of the time")
    if isinstance(drops, int) and drops:
        found.append(f"{drops} packets counted as lost were dropped because the generator read too late")
    if isinstance(late, float) and late > LATE_MS:
        found.append(
            f"the generator itself was {late:.0f} ms late (p99): the machine had no core to spare, and latencies show it"
        )
    return found


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Load tests on this machine.")
    scenarios = parser.add_subparsers(dest="scenario", required=True, metavar="SCENARIO")
    one = scenarios.add_parser(
        "forward",
        help="one sender to N receivers in each of many rooms: CPU per forwarded packet, loss, latency",
        description="Rooms of one sender (1.5 Mbit/s VP8 and Opus) and N receivers, over real sockets and real SRTP. "
        "Starts a server of its own for each N.",
    )
    one.add_argument("--receivers", type=_counts, default=[1, 4, 16], metavar="N,…", help="receivers a room (1,4,16)")
    one.add_argument("--rooms", type=_count, default=10, metavar="N", help="rooms (10)")
    one.add_argument("--seconds", type=_seconds, default=8.0, metavar="S", help="measured time of each row (8)")
    one.add_argument("--json", action="store_true", help="print a JSON list of rows instead of a table")
    return parser


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 90:
        raise argparse.ArgumentTypeError("must be from 1 to 90")
    return value


def _counts(text: str) -> list[int]:
    return [_count(part) for part in text.split(",")]


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.5 <= value <= 3_600:
        raise argparse.ArgumentTypeError("must be from 0.5 to 3600")
    return value


if __name__ == "__main__":
    sys.exit(main())
