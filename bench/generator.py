"""The load, in a process of its own: `python -m bench.generator` reads an order from stdin and writes JSON lines to stdout.

Lines are `{"progress": …}` while it works, then one of `{"measured": …}` and `{"failed": "why"}`.
"""

from __future__ import annotations

import gc
import json
import os
import sys
from collections.abc import Awaitable, Callable
from dataclasses import asdict

import aiohttp
import uvloop

from bench.adapter import JoinFailed
from bench.dtls_client import HandshakeFailed
from bench.janus import JanusFailed
from bench.morning import morning
from bench.orders import Order, Shape, Target, Tell
from bench.portal import PortalFailed
from bench.sdp import BadAnswer
from bench.search import search
from bench.siege import siege
from bench.signalling import ChannelClosed, RequestRefused
from bench.stage import Stage, stage
from bench.storm import storm

WARM_UP = 1.0  # seconds of media before the window, so that routes, caches and keyframe requests have settled
FAILURES = (
    aiohttp.ClientError,
    BadAnswer,
    ChannelClosed,
    HandshakeFailed,
    JanusFailed,
    JoinFailed,
    OSError,
    PortalFailed,
    RequestRefused,
    TimeoutError,
)
"""What a server that does not play its part brings about."""


async def hold(ready: Stage) -> dict[str, object]:
    """Everybody is in, and stays: one window of media."""
    order = ready.order
    join_seconds = await ready.fill(order.shapes)
    everybody = list(ready.window.people())
    measured = await ready.window.static(
        ready.pacer,
        everybody,
        order.seconds,
        join_seconds,
        WARM_UP,
        ready.tell,
        # Which layer a receiver gets is the server's to choose, so what it should have had stands in the numbers alone.
        by_gaps=order.simulcast,
    )
    return asdict(measured)


WORKS: dict[str, Callable[[Stage], Awaitable[dict[str, object]]]] = {
    "hold": hold,
    "visits": morning,
    "lobby": storm,
    "crowd": siege,
    "saturate": search,
}


async def carry_out(order: Order, tell: Tell) -> dict[str, object]:
    """Do what is asked. Raises one of `FAILURES`."""
    async with stage(order, tell) as ready:
        return await WORKS[order.work](ready)


def read_order(line: str) -> Order:
    """An order as `asdict` and JSON have written it."""
    told = json.loads(line)
    told["target"] = Target(**told["target"])
    told["shapes"] = tuple(Shape(**shape) for shape in told["shapes"])
    return Order(**told)


def main() -> int:
    """Read the order, and carry it out."""

    def write(kind: str, value: object) -> None:
        print(json.dumps({kind: value}), flush=True)

    order = read_order(sys.stdin.readline())
    if order.core is not None:
        os.sched_setaffinity(0, {order.core})
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)  # as the server: a collection is a pause, and shows as lateness
    try:
        measured = uvloop.run(carry_out(order, lambda progress: write("progress", asdict(progress))))
    except FAILURES as error:
        write("failed", f"{type(error).__name__}: {error}")
        return 1
    write("measured", measured)
    return 0


if __name__ == "__main__":
    sys.exit(main())
