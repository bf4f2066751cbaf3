"""Delivery to real receivers on loopback: down, failing, hanging, redirecting. Every event once, in order."""

from __future__ import annotations

import asyncio
import base64
import json
from collections.abc import AsyncIterator, Awaitable, Callable

import pytest
from aiohttp import web
from aiohttp.test_utils import TestServer

from sfu.admission.records import Action
from sfu.app.webhooks import Webhooks, endpoints
from sfu.config import Webhook
from sfu.errors import ConfigError
from sfu.visits import webhook_rows
from sfu.visits.store import Store
from sfu.visits.webhooks import GIVE_UP_AFTER, headers
from tests.databases import Database
from tests.visits.sample import WALL, booked, entry, participant

SECRET = bytes(range(32))


class Receiver:
    """Takes events as `answer` says, and keeps them by id."""

    def __init__(self) -> None:
        self.answer: Callable[[], Awaitable[int]] = self.take
        self.asked = asyncio.Event()
        self.requests = 0
        self.taken: dict[str, str] = {}

    async def take(self) -> int:
        return 204

    async def handle(self, request: web.Request) -> web.Response:
        body = await request.read()
        id_, at = request.headers["webhook-id"], int(request.headers["webhook-timestamp"])
        assert request.headers["webhook-signature"] == headers(SECRET, id_, at, body)["webhook-signature"]
        self.requests += 1
        self.asked.set()
        status = await self.answer()
        if status < 300:
            event = json.loads(body)
            self.taken.setdefault(id_, f"{event['data']['visit']} {event['type']}")
        return web.Response(status=status, headers={"Location": "/elsewhere"} if 300 <= status < 400 else {})

    def of(self, visit: str) -> list[str]:
        return [line.partition(" ")[2] for line in self.taken.values() if line.startswith(visit)]


class Stage:
    def __init__(self, store: Store, receiver: Receiver, webhooks: Webhooks) -> None:
        self.store = store
        self.receiver = receiver
        self.webhooks = webhooks
        self.wall = WALL

    async def until(self, settled: Callable[[], bool], *, later: bool = True) -> None:
        """Let it run. `later`: when nothing is due or under way, the clock on the wall goes to when something is."""
        async with asyncio.timeout(60):
            while not settled():
                due, next_due = await self.store.look(lambda c: webhook_rows.take(c, "care", self.wall, 1, ()))
                if later and not due and next_due is not None:
                    self.wall = next_due
                self.webhooks.wake()
                await asyncio.sleep(0.005)

    async def steps(self, visit: str) -> None:
        for action in (Action.JOINED, Action.ADMITTED, Action.LEFT):
            await self.store.write(
                entries=[entry(action, visit, subject="p_1")], participants=[participant("p_1", visit)]
            )


ALL_OF_IT = ["visit.opened", "participant.waiting", "participant.admitted", "participant.left"]


@pytest.fixture(name="stage")
async def staged(database: Database, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[Stage]:
    monkeypatch.setenv("EVISIT_WEBHOOK_SECRET_CARE", "whsec_" + base64.b64encode(SECRET).decode())
    receiver = Receiver()
    app = web.Application()
    app.router.add_post("/evisit", receiver.handle)
    server = TestServer(app, host="127.0.0.1")
    await server.start_server()
    configured = (Webhook(id="care", url=str(server.make_url("/evisit"))),)
    store = await Store.open(database.url, webhooks=endpoints(configured))
    for visit in ("v_1", "v_2"):
        await store.create_visit(booked(visit), entry(Action.CREATED, visit))
    webhooks = Webhooks(store, configured, wall=lambda: stage.wall, poll_seconds=0.02)
    stage = Stage(store, receiver, webhooks)
    webhooks.start()
    yield stage
    await webhooks.stop()
    await store.close()
    await server.close()


async def test_events_are_delivered_in_order(stage: Stage) -> None:
    await asyncio.gather(stage.steps("v_1"), stage.steps("v_2"))
    await stage.until(lambda: stage.webhooks.outcomes["delivered"] == 8)
    assert stage.receiver.of("v_1") == stage.receiver.of("v_2") == ALL_OF_IT
    assert stage.receiver.requests == 8
    await stage.until(lambda: stage.webhooks.waiting == 0)


@pytest.mark.parametrize("status", [500, 404, 302, 410])
async def test_what_is_not_taken_is_sent_again_until_it_is(stage: Stage, status: int) -> None:
    failures = 3

    async def stumble() -> int:
        nonlocal failures
        failures -= 1
        return status if failures >= 0 else 200

    stage.receiver.answer = stumble
    await stage.steps("v_1")
    await stage.until(lambda: stage.webhooks.outcomes["delivered"] == 4)
    assert stage.receiver.of("v_1") == ALL_OF_IT
    assert stage.webhooks.outcomes["retried"] == 3


async def test_one_visit_that_fails_does_not_hold_up_another(stage: Stage) -> None:
    async def fail() -> int:
        return 500

    stage.receiver.answer = fail
    await stage.steps("v_1")
    await stage.receiver.asked.wait()
    stage.receiver.answer = stage.receiver.take
    await stage.steps("v_2")
    await stage.until(lambda: stage.receiver.of("v_2") == ALL_OF_IT, later=False)
    assert stage.receiver.of("v_1") == []  # its clock has not moved
    await stage.until(lambda: stage.receiver.of("v_1") == ALL_OF_IT)


async def test_after_a_day_an_event_is_given_up_and_the_next_one_tried(stage: Stage) -> None:
    async def fail() -> int:
        return 503

    stage.receiver.answer = fail
    await stage.steps("v_1")
    await stage.until(lambda: stage.webhooks.outcomes["failed"] == 4)
    assert stage.wall - WALL >= GIVE_UP_AFTER
    assert stage.receiver.taken == {}


async def test_what_is_under_way_at_the_end_waits_for_the_next_start(stage: Stage) -> None:
    async def hang() -> int:
        await asyncio.sleep(60)
        return 200

    stage.receiver.answer = hang
    await stage.steps("v_1")
    await stage.receiver.asked.wait()
    await asyncio.wait_for(stage.webhooks.stop(), 5)
    assert stage.webhooks.outcomes.total() == 0


def test_a_bad_secret_is_told_by_its_endpoint_and_not_quoted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("EVISIT_WEBHOOK_SECRET_CARE", "s3cret")
    with pytest.raises(ConfigError, match=r'^the secret of webhooks "care" must be "whsec_"') as caught:
        Webhooks(None, (Webhook(id="care", url="https://care.example/"),))  # type: ignore[arg-type] # not reached
    assert "s3cret" not in str(caught.value)
