"""`python -m bench SCENARIO`: load tests on this machine. Exit codes: 0 well, 1 failed, 2 wrong use."""

from __future__ import annotations

import argparse
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

from rich.console import Console

from bench import (
    call,
    compare,
    contrast,
    crowd,
    forward,
    html,
    lobby,
    page,
    quality,
    refusals,
    report,
    saturate,
    visits,
)
from bench.network import NetworkFailed
from bench.orders import Shape
from bench.report import Row, Watcher
from bench.run import ScenarioFailed
from bench.server import ServerFailed

WIDTH = 140  # columns of a table that is piped; a terminal has its own width
LATE_MS = 20.0  # of the generator's p99; above it the machine is too busy with other things to measure latency
LAYERED = "pictures in three VP8 simulcast layers"
BUSY = 0.85  # of a core; above it the generator's own waiting begins to show in its figures
LEFT = 12  # descriptors that a server may hold on to for a while: the generator's idle HTTP connections

Scenario = Callable[[argparse.Namespace, Watcher], list[Row]]

SCENARIOS: Mapping[str, tuple[Scenario, Mapping[str, str]]] = {
    "forward": (
        lambda o, w: forward.forward(o.rooms, o.receivers, o.seconds, w, simulcast=o.simulcast),
        forward.COLUMNS,
    ),
    "conference": (
        lambda o, w: forward.conference(o.rooms, o.people, o.seconds, w, simulcast=o.simulcast),
        {"people": "people", **forward.FIGURES},
    ),
    "visits": (lambda o, w: visits.visits(o.visits, o.seconds, o.stay, w), visits.COLUMNS),
    "steady": (lambda o, w: visits.steady(o.visits, o.seconds, o.stay, w), visits.STEADY_COLUMNS),
    "lobby": (lambda o, w: lobby.lobby(o.visits, o.waiting, w), lobby.COLUMNS),
    "crowd": (lambda o, w: crowd.crowd(o.visits, o.people, o.joins, o.rate, o.at, o.wide, w), crowd.COLUMNS),
    "refusals": (lambda o, w: refusals.refusals(o.times, w), refusals.COLUMNS),
    "quality": (lambda o, w: quality.quality(o.cases, w), quality.COLUMNS),
    "saturate": (lambda o, w: saturate.saturate(o.visits, o.seconds, w), saturate.COLUMNS),
    "call": (lambda o, w: call.run(o.cases, o.seconds, w), call.COLUMNS),
    "page": (lambda o, w: page.page(o.minutes, w), page.COLUMNS),
    "compare": (
        lambda o, w: compare.compare(o.peers, Shape(o.people, o.senders or o.people), o.rooms, o.seconds, o.rounds, w),
        compare.COLUMNS,
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run a scenario. Results go to standard output, everything else to standard error."""
    parser = _parser()
    options = parser.parse_args(arguments)
    console = Console(stderr=True)
    if options.compare:
        return _contrast(options, console)
    if options.scenario is None:
        parser.error("name a scenario, or --compare A.json B.json")
    header = report.header()
    console.print(header, highlight=False)
    run, columns = SCENARIOS[options.scenario]
    try:
        with report.ProgressBar(console) as bar:
            rows = run(options, bar)
    except (ScenarioFailed, ServerFailed, NetworkFailed) as error:
        console.print(f"failed: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    except KeyboardInterrupt:
        console.print("failed: interrupted")
        return 1
    if options.json:
        print(report.as_json(rows))
    else:
        _standard_output().print(report.table([row for row in rows if "missing" not in row], columns))
    if options.html:
        try:
            options.html.write_text(html.page(rows, header), encoding="utf-8")
        except OSError as error:
            console.print(f"failed: {options.html} cannot be written: {error.strerror}", highlight=False)
            return 1
    return _cautioned(rows, console)


def cautions(row: Row) -> list[str]:
    """What makes a row's figures doubtful."""
    load, drops, late = (row.get(f"generator_{name}") for name in ("load", "socket_drops", "late_ms_p99"))
    found = []
    if "missing" in row:
        found.append(str(row["missing"]))
    if isinstance(load, float) and load > BUSY:
        found.append(f"the generator was busy {load:.0%} of the time")
    if isinstance(drops, int | float) and drops:
        found.append(f"{drops:.0f} packets counted as lost were dropped because the generator read too late")
    if isinstance(late, float) and late > LATE_MS:
        found.append(
            f"the generator itself was {late:.0f} ms late (p99): the machine had no core to spare, and latencies show it"
        )
    withheld = row.get("withheld")
    if isinstance(withheld, int) and withheld:
        found.append(
            f"{withheld} packets counted as lost were left out by the server, which saw ways to receivers full"
        )
    if row.get("metrics_agree") is False:
        found.append("the server's metrics do not agree with what the clients counted")
    if row.get("limited_by") == "generator":
        found.append("the generator gave way before the server: the server carries more than this")
    if row.get("limited_by") == "machine":
        found.append("neither server nor generator was busy when it failed: something else took the machine's time")
    return found


def leaks(row: Row) -> list[str]:
    """What a server still holds after everybody has gone, and should not."""
    found = []
    descriptors, tasks = row.get("descriptors_left"), row.get("tasks_left")
    if isinstance(descriptors, int) and descriptors > LEFT:
        found.append(f"{descriptors} descriptors were left open")
    if isinstance(tasks, int) and tasks > 0:
        found.append(f"{tasks} tasks were left running")
    return found


def _cautioned(rows: Sequence[Row], console: Console) -> int:
    code = 0
    for row in rows:
        for name in ("receivers", "people", "visits"):
            if name in row:
                point = f"{row[name]} {name}"
                break
        else:
            point = str(row.get("case", row["server"]))
        for caution in (*cautions(row), *call.misses(row)):
            console.print(f"caution, {point}: {caution}", highlight=False, soft_wrap=True)
        for leak in (*leaks(row), *page.excesses(row)):
            console.print(f"failed, {point}: {leak}", highlight=False, soft_wrap=True)
            code = 1
    return code


def _standard_output() -> Console:
    return Console(width=None if sys.stdout.isatty() else WIDTH)


def _contrast(options: argparse.Namespace, console: Console) -> int:
    try:
        before, after = (contrast.read(path) for path in options.compare)
        changes = contrast.contrast(before, after)
    except contrast.NoRows as error:
        console.print(f"failed: {error}", markup=False, highlight=False, soft_wrap=True)
        return 1
    _standard_output().print(report.table(changes, contrast.COLUMNS))
    return 0


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m bench", description="Load tests on this machine.")
    parser.add_argument(
        "--compare", nargs=2, type=Path, metavar=("A.json", "B.json"), help="what changed between two results, and end"
    )
    scenarios = parser.add_subparsers(dest="scenario", metavar="SCENARIO")

    def scenario(name: str, text: str, description: str, seconds: float) -> argparse.ArgumentParser:
        made = scenarios.add_parser(name, help=text, description=description)
        made.add_argument("--json", action="store_true", help="print a JSON list of rows instead of a table")
        made.add_argument("--html", type=Path, metavar="FILE", help="write a report with plots too")
        if seconds:
            text = f"measured time of each row ({seconds:g})"
            made.add_argument("--seconds", type=_seconds, default=seconds, metavar="S", help=text)
        return made

    one = scenario(
        "forward",
        "one sender to N receivers in each of many rooms: CPU per forwarded packet, loss, latency",
        "Rooms of one sender (1.5 Mbit/s VP8 and Opus) and N receivers, over real sockets and real SRTP. "
        "Starts a server of its own for each N.",
        8.0,
    )
    one.add_argument("--receivers", type=_counts, default=[1, 4, 16], metavar="N,…", help="receivers a room (1,4,16)")
    one.add_argument("--rooms", type=_count, default=10, metavar="N", help="rooms (10)")
    one.add_argument("--simulcast", action="store_true", help=LAYERED)
    one = scenario(
        "conference", "everybody to everybody", "Rooms of N people who all send and receive everybody else.", 8.0
    )
    one.add_argument("--people", type=_counts, default=[3, 5], metavar="N,…", help="people a room (3,5)")
    one.add_argument("--rooms", type=_count, default=3, metavar="N", help="rooms (3)")
    one.add_argument("--simulcast", action="store_true", help=LAYERED)
    one = scenario(
        "visits",
        "a clinic's morning: visits of 2, 3 and 5 people end and begin, people knock and are let in",
        "Visits of 2, 3 and 5 people in turn, camera and microphone each to each, while visits end and others begin.",
        20.0,
    )
    _morning(one, 6, 8.0)
    one = scenario(
        "steady",
        "a soak: memory, descriptors and tasks while visits come and go",
        "As visits, looked at every second. Fails where descriptors or tasks are left when all have gone.",
        30.0,
    )
    _morning(one, 4, 4.0)
    one = scenario("lobby", "a storm of knocks; what one who waits costs", "Everybody knocks at once.", 0)
    one.add_argument("--visits", type=_count, default=10, metavar="N", help="visits (10)")
    one.add_argument("--waiting", type=_crowd, default=30, metavar="N", help="people who wait for each visit (30)")
    one = scenario(
        "crowd",
        "strangers with a link knock by the thousand while visits run; what staff's click costs meanwhile",
        "Knocks come at their rate, however slow the answers. Staff of each visit let somebody in and put them back.",
        0,
    )
    one.add_argument("--visits", type=_count, default=10, metavar="N", help="visits that run (10)")
    one.add_argument("--people", type=_count, default=2, metavar="N", help="people in each, who all send (2)")
    one.add_argument("--joins", type=_joins, default=5_000, metavar="N", help="knocks (5000)")
    one.add_argument("--rate", type=_joins, default=500, metavar="N", help="knocks a second (500)")
    one.add_argument("--at", type=_count, default=1, metavar="N", help="visits that are knocked at (1)")
    one.add_argument("--wide", action="store_true", help="with limits raised, so that crowds come in to wait")
    one = scenario(
        "refusals",
        "wrong links and resume tokens of visits that run, are booked, are over and never were: does the time tell them apart",
        "They are shown in turn, one at a time. Fails where answers differ in a byte.",
        0,
    )
    one.add_argument("--times", type=_joins, default=1_000, metavar="N", help="how often each is shown (1000)")
    one = scenario(
        "saturate",
        "the most visits of three with less than 0.1 %% loss and p99 under 20 ms",
        "Doubles the number of visits until loss or latency is too high, then halves the gap; at most 10 trials.",
        2.0,
    )
    one.add_argument("--visits", type=_count, default=64, metavar="N", help="visits at most (64)")
    one = scenario(
        "page",
        "the page in a real browser: what it weighs, how soon it is usable on a slow phone, what an hour's visit leaves",
        "First loads here and as on a slow phone; then a visit in which a guest comes, is seen and goes each minute, sped up. "
        "Fails where the first load is too heavy, or listeners stay behind. Needs Chromium.",
        0,
    )
    one.add_argument("--minutes", type=_count, default=60, metavar="N", help="minutes of the visit (60)")
    one = scenario(
        "call",
        "two people in a real browser, one of them on a network that is slow, lossy, without UDP, or becomes another",
        "What is seen and heard: freezes, gaps, layers, sound that was made up, lips and voice. Needs Chromium, and the machine to itself.",
        60.0,
    )
    one.add_argument(
        "--cases", type=_cases(call.CASES), default=list(call.CASES), metavar="NAME,…", help="some of them (all)"
    )
    one = scenario(
        "quality",
        "networks that are slow, lossy or shared, against the estimate of what they carry, in virtual time",
        "The test cases of RFC 8867 and some of patients' own. No socket, no clock: every run gives the same figures.",
        0,
    )
    one.add_argument(
        "--cases", type=_cases(quality.CASES), default=list(quality.CASES), metavar="NAME,…", help="some of them (all)"
    )
    one = scenario(
        "compare",
        "the same work on our server and on others, in turn, on the same core",
        "Needs root, for a network namespace. Rounds are A B A B; figures are medians.",
        3.0,
    )
    one.add_argument("--peers", type=_peers, default=list(compare.PEERS), metavar="NAME,…", help="others (janus)")
    one.add_argument("--people", type=_count, default=3, metavar="N", help="people a room (3)")
    one.add_argument("--senders", type=_count, metavar="N", help="of them, who send (all)")
    one.add_argument("--rooms", type=_count, default=8, metavar="N", help="rooms (8)")
    one.add_argument("--rounds", type=_count, default=2, metavar="N", help="runs of each server (2)")
    return parser


def _morning(parser: argparse.ArgumentParser, visits: int, stay: float) -> None:
    parser.add_argument("--visits", type=_count, default=visits, metavar="N", help=f"visits at a time ({visits})")
    text = f"how long a visit lasts; 0: all stay ({stay:g})"
    parser.add_argument("--stay", type=_stay, default=stay, metavar="S", help=text)


def _joins(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 1_000_000:
        raise argparse.ArgumentTypeError("must be from 1 to 1000000")
    return value


def _count(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 90:
        raise argparse.ArgumentTypeError("must be from 1 to 90")
    return value


def _crowd(text: str) -> int:
    value = int(text)
    if not 1 <= value <= 500:
        raise argparse.ArgumentTypeError("must be from 1 to 500")
    return value


def _counts(text: str) -> list[int]:
    return [_count(part) for part in text.split(",")]


def _peers(text: str) -> list[str]:
    names = text.split(",")
    if unknown := [name for name in names if name not in compare.PEERS]:
        raise argparse.ArgumentTypeError(
            f"there is no adapter for {unknown[0]}; there are adapters for: {', '.join(compare.PEERS)}"
        )
    return names


def _cases(known: Mapping[str, object]) -> Callable[[str], list[str]]:
    def cases(text: str) -> list[str]:
        names = text.split(",")
        if unknown := [name for name in names if name not in known]:
            raise argparse.ArgumentTypeError(f"there is no case {unknown[0]}; there are: {', '.join(known)}")
        return names

    return cases


def _stay(text: str) -> float:
    value = float(text)
    if not (value == 0 or 2 <= value <= 3_600):
        raise argparse.ArgumentTypeError("must be 0, or from 2 to 3600")
    return value


def _seconds(text: str) -> float:
    value = float(text)
    if not 0.5 <= value <= 3_600:
        raise argparse.ArgumentTypeError("must be from 0.5 to 3600")
    return value


if __name__ == "__main__":
    # Ended from outside, it still ends its servers and takes its network namespace down.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    sys.exit(main())
