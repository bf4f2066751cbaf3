"""Scenario `refusals`: how long the answer to a wrong link or resume token takes, by what there is of the visit that it names."""

from __future__ import annotations

import asyncio
import json
import random
import secrets
from collections.abc import Mapping, Sequence

import aiohttp

from bench.portal import Portal
from bench.report import Row, Watcher
from bench.run import ScenarioFailed
from bench.server import DEFAULTS, Server
from bench.signalling import Channel
from bench.visits import percentile
from sfu.clock import monotonic, wall

COLUMNS = {
    "shown": "shown",
    "visit": "its visit",
    "answers": "answers",
    "ms_p50": "ms p50",
    "ms_p95": "p95",
    "ms_p95_above_unknown": "p95 above that of\na visit that never was",
}
UNKNOWN = "never was"
SEED = 7  # of the order in which they are shown: the same in every run


def refusals(times: int, watcher: Watcher) -> list[Row]:
    """A row for each thing that is shown and each kind of visit. Raises `ScenarioFailed` where two answers differ in a byte."""
    with Server(config=DEFAULTS) as server:
        return asyncio.run(_refusals(server, times, watcher))


async def _refusals(server: Server, times: int, watcher: Watcher) -> list[Row]:
    point = f"{times} of each"
    async with aiohttp.ClientSession() as http:
        portal = Portal(http, server.base_url, server.portal_key)
        visits = {name: await portal.create_visit(number, wall()) for number, name in enumerate(("runs", "is booked"))}
        clinician = await Channel.open(http, server.base_url)
        await clinician.join(ticket=await portal.clinician_ticket(visits["runs"], 0))
        visits["is over"] = await portal.create_visit(2, wall())
        await portal.end(visits["is over"])
        visits[UNKNOWN] = f"v_{secrets.token_hex(16)}"
        shown = [
            (kind, name, join)
            for name, visit in visits.items()
            for kind, join in (("link", _link(visit)), ("resume token", _token(visit)))
        ]
        took: dict[tuple[str, str], list[float]] = {(kind, name): [] for kind, name, _ in shown}
        answers: dict[str, set[str]] = {kind: set() for kind, _, _ in shown}
        order = random.Random(SEED)
        for number in range(times):
            # In turn, and in no fixed order: what else the machine does falls on all of them alike.
            for kind, name, join in order.sample(shown, len(shown)):
                seconds, answer = await _show(http, server.base_url, join)
                took[kind, name].append(1000 * seconds)
                answers[kind].add(answer)
            watcher.tell(point, "show", number + 1, times)
        await clinician.close()
    for kind, different in answers.items():
        if len(different) != 1:
            raise ScenarioFailed(f"a wrong {kind} is not answered alike: {sorted(different)}")
    return [_row(kind, name, took) for kind, name, _ in sorted(shown, key=lambda each: each[0])]


def _link(visit: str) -> Mapping[str, object]:
    return {"visit": visit, "key": secrets.token_urlsafe(32), "name": "Guest", "role": "external"}


def _token(visit: str) -> Mapping[str, object]:
    return {"resume": f"{visit}.p_{secrets.token_hex(16)}.{secrets.token_hex(16)}"}


async def _show(http: aiohttp.ClientSession, base_url: str, join: Mapping[str, object]) -> tuple[float, str]:
    """Seconds from the join to its answer, and the answer with the close code that follows."""
    async with http.ws_connect(
        f"{base_url}/api/v1/signal", protocols=["evisit.v1"], origin=base_url, compress=0
    ) as socket:
        message = json.dumps({"type": "join", "id": 1, **join})
        began = monotonic()
        await socket.send_str(message)
        answer = await socket.receive_str()
        seconds = monotonic() - began
        await socket.receive()
        return seconds, f"{answer} {socket.close_code}"


def _row(kind: str, name: str, took: Mapping[tuple[str, str], Sequence[float]]) -> Row:
    times, unknown = sorted(took[kind, name]), sorted(took[kind, UNKNOWN])
    p95, least = percentile(times, 0.95), percentile(unknown, 0.95)
    assert p95 is not None, "each was shown"
    assert least is not None, "each was shown"
    return {
        "scenario": "refusals",
        "server": "sfu",
        "shown": kind,
        "visit": name,
        "answers": len(times),
        "ms_p50": percentile(times, 0.5),
        "ms_p95": p95,
        "ms_p95_above_unknown": round(p95 - least, 3),
    }
