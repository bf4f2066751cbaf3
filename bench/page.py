"""Scenario `page`: what the page weighs, how soon it can be used on a slow phone, and what an hour's visit leaves in its memory."""

from __future__ import annotations

import asyncio
from collections.abc import Sequence
from dataclasses import asdict
from statistics import median

from bench.browser import HERE, PHONE, BrowserFailed, Held, NoBrowser, Speed, chromium
from bench.first_load import FirstLoad, first_load
from bench.generator import FAILURES
from bench.hour import Hour, hour
from bench.orders import Order
from bench.report import Row, Watcher
from bench.run import KIBIBYTE, ScenarioFailed
from bench.server import Server
from bench.stage import Stage, stage
from sfu.clock import wall

COLUMNS = {
    "bytes_first_load": "first load\nbytes",
    "requests_first_load": "requests",
    "bytes_in_visit": "in the visit\nbytes",
    "interactive_ms": "usable\nms",
    "interactive_ms_phone": "on a slow\nphone",
    "in_visit_ms_phone": "in the\nvisit",
    "minutes": "minutes\nof visit",
    "heap_kib_first": "heap\nKiB",
    "heap_kib_last": "at the\nend",
    "nodes_last": "nodes",
    "listeners_first": "listeners",
    "listeners_last": "at the\nend",
    "heap_kib_after": "heap when\nover KiB",
}
MOST_BYTES = 150_000
"""Of the first load, uncompressed: a second at 1.6 Mbit/s, round trips left out, with the usual compression in front of it."""
RUNS = 5  # first loads of each speed; the median counts
VISITS_OF_LOADS = 1_000_000  # numbers of their bookings, apart from the hour's


def page(minutes: int, watcher: Watcher) -> list[Row]:
    """One row. Raises `ScenarioFailed` or `ServerFailed`."""
    try:
        return asyncio.run(_page(minutes, watcher))
    except (NoBrowser, BrowserFailed) as error:
        raise ScenarioFailed(str(error)) from None
    except FAILURES as error:
        raise ScenarioFailed(f"page: {type(error).__name__}: {error}") from None


def excesses(row: Row) -> list[str]:
    """What a row has too much of."""
    weight, first, last = (row.get(name) for name in ("bytes_first_load", "listeners_first", "listeners_last"))
    found = []
    if isinstance(weight, int) and weight > MOST_BYTES:
        found.append(f"the first load is {weight:,} bytes, more than {MOST_BYTES:,}")
    if isinstance(first, int) and isinstance(last, int) and last > first:
        found.append(f"{last - first} event listeners were left behind by those who came and went")
    return found


def row(here: Sequence[FirstLoad], phone: Sequence[FirstLoad], visit: Hour) -> Row:
    first, last, after = visit.samples[0], visit.samples[-1], visit.after
    return {
        "scenario": "page",
        "server": "sfu",
        "bytes_first_load": max(load.octets for load in here),
        "requests_first_load": max(load.files for load in here),
        "requests_interactive": max(load.files_first for load in here),
        "bytes_in_visit": max(load.octets_in_visit for load in here),
        **_times(here, ""),
        **_times(phone, "_phone"),
        "phone": asdict(PHONE),
        "minutes": visit.minutes,
        **_held(first, "first"),
        **_held(last, "last"),
        **_held(after, "after"),
        "heap_kib_a_minute": round((last.heap - first.heap) / KIBIBYTE / max(1, visit.minutes - 1), 2),
        "samples": [asdict(sample) for sample in visit.samples],
    }


def _times(loads: Sequence[FirstLoad], suffix: str) -> Row:
    return {
        f"paint_ms{suffix}": round(median(load.paint_ms for load in loads), 1),
        f"interactive_ms{suffix}": round(median(load.interactive_ms for load in loads), 1),
        f"in_visit_ms{suffix}": round(median(load.in_visit_ms for load in loads), 1),
    }


def _held(held: Held, when: str) -> Row:
    return {
        f"heap_kib_{when}": held.heap // KIBIBYTE,
        f"nodes_{when}": held.nodes,
        f"listeners_{when}": held.listeners,
    }


async def _page(minutes: int, watcher: Watcher) -> list[Row]:
    watcher.tell("page", "start the server and the browser", 0, 1)
    async with chromium() as browser:
        with Server() as server:
            async with stage(Order("page", server.target, (), 0.0), lambda _: None) as ready:
                loads: dict[Speed, list[FirstLoad]] = {HERE: [], PHONE: []}
                for run in range(RUNS):
                    for speed, measured in loads.items():
                        watcher.tell("page", f"first load, {speed.name}", run, RUNS)
                        visit = VISITS_OF_LOADS + 4 * run + 2 * (speed is PHONE)
                        links = await _link(ready, visit), await _link(ready, visit + 1)
                        measured.append(await first_load(browser, links, speed))

                def tell(minute: int) -> None:
                    watcher.tell("page", "an hour's visit", minute, minutes)

                return [row(loads[HERE], loads[PHONE], await hour(browser, ready, minutes, tell))]


async def _link(ready: Stage, number: int) -> str:
    """A link of a clinician, who is in at once."""
    adapter = ready.adapter
    portal = adapter.portal  # type: ignore[attr-defined]  # our own server's adapter
    visit = await portal.create_visit(number, wall())
    return f"{ready.order.target.base_url}/join#ticket={await portal.clinician_ticket(visit, number)}"
