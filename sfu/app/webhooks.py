"""Delivers webhook events: for each endpoint in turn by visit, some visits at a time, until they are taken or a day is over.

An event may be sent more than once (a process that is killed cannot know whether it was taken), always under the same id
and never before an earlier one of its visit was taken or given up.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import Callable, Sequence
from contextlib import suppress
from datetime import datetime, timedelta

import aiohttp

from sfu import __version__, clock, tasks
from sfu.config import Webhook
from sfu.errors import ConfigError, StoreUnavailable
from sfu.ids import VisitId
from sfu.log import logger
from sfu.visits import webhook_rows
from sfu.visits.store import Store
from sfu.visits.webhook_rows import Due
from sfu.visits.webhooks import GIVE_UP_AFTER, Endpoint, Outcome, headers, read_secret, seconds_until_next

AT_ONCE = 8  # requests to one endpoint; one that hangs holds up nobody but itself
ANSWER_SECONDS = 15.0  # to connect, send and answer: what Standard Webhooks recommends as the least
POLL_SECONDS = 5.0  # for what another process has queued (`webhooks replay`), and after the database was away
FORGET_SECONDS = 3600.0

log = logger(__name__)


def endpoints(webhooks: Sequence[Webhook]) -> tuple[Endpoint, ...]:
    """The configured endpoints, as the store needs them."""
    return tuple(
        Endpoint(id=webhook.id, events=frozenset(webhook.events), portals=frozenset(webhook.portals))
        for webhook in webhooks
    )


class Webhooks:
    """All endpoints of the configuration. `start` begins, `stop` ends; what is under way then is sent again at the next start."""

    def __init__(
        self,
        store: Store,
        webhooks: Sequence[Webhook],
        *,
        wall: Callable[[], datetime] = clock.wall,
        poll_seconds: float = POLL_SECONDS,
    ) -> None:
        """Raises `ConfigError` where an endpoint's secret is missing or none."""
        self.outcomes: Counter[str] = Counter(delivered=0, retried=0, failed=0)
        self.waiting = 0
        """Events that wait, as last looked."""
        self._store = store
        self._wall = wall
        self._poll_seconds = poll_seconds
        self._senders = [_Sender(self, store, webhook, secret_of(webhook), wall, poll_seconds) for webhook in webhooks]
        self._running: list[asyncio.Task[None]] = []
        self._session: aiohttp.ClientSession | None = None

    def start(self) -> None:
        if not self._senders:
            return
        # No cookies, no proxies of the environment, no redirects: an event goes to the URL in the configuration alone.
        self._session = aiohttp.ClientSession(
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
            cookie_jar=aiohttp.DummyCookieJar(),
            connector=aiohttp.TCPConnector(limit=AT_ONCE * len(self._senders), limit_per_host=0),
            headers={"User-Agent": f"evisit/{__version__}"},
        )
        self._store.told = self.wake
        for sender in self._senders:
            self._running.append(tasks.spawn(sender.run(self._session), name="webhooks"))
        self._running.append(tasks.spawn(self._keep_house(), name="webhooks house"))

    async def stop(self) -> None:
        for task in self._running:
            task.cancel()
        await asyncio.gather(*self._running, return_exceptions=True)
        for sender in self._senders:
            await sender.stop()
        if self._session is not None:
            await self._session.close()

    def wake(self) -> None:
        """There is something to tell."""
        for sender in self._senders:
            sender.wake.set()

    async def _keep_house(self) -> None:
        since_forgotten = FORGET_SECONDS
        ids = [sender.id for sender in self._senders]
        while True:
            try:
                self.waiting = await self._store.look(lambda connection: webhook_rows.backlog(connection, ids))
                if since_forgotten >= FORGET_SECONDS:
                    await self._store.change(lambda connection: webhook_rows.forget(connection, self._wall(), ids))
                    since_forgotten = 0.0
            except StoreUnavailable:
                log.debug("the database is away")
            await asyncio.sleep(self._poll_seconds)
            since_forgotten += self._poll_seconds


class _Sender:
    """One endpoint."""

    def __init__(
        self,
        owner: Webhooks,
        store: Store,
        webhook: Webhook,
        secret: bytes,
        wall: Callable[[], datetime],
        poll_seconds: float,
    ) -> None:
        self.wake = asyncio.Event()
        self._owner = owner
        self._store = store
        self.id = webhook.id
        self._url = webhook.url
        self._secret = secret
        self._wall = wall
        self._poll_seconds = poll_seconds
        self._busy: dict[VisitId, asyncio.Task[None]] = {}
        self._failing = False

    async def run(self, session: aiohttp.ClientSession) -> None:
        while True:
            self.wake.clear()
            pause = self._poll_seconds
            now = self._wall()
            due, next_due = await self._take(now)
            for event in due:
                self._busy[event.visit] = tasks.spawn(self._deliver(session, event), name="webhook")
            if next_due is not None:
                pause = min(pause, max(0.0, (next_due - now).total_seconds()))
            with suppress(TimeoutError):
                # With every place taken, only an end of one makes a difference.
                async with asyncio.timeout(pause if len(self._busy) < AT_ONCE else None):
                    await self.wake.wait()

    async def _take(self, now: datetime) -> tuple[list[Due], datetime | None]:
        free = AT_ONCE - len(self._busy)
        if not free:
            return [], None
        busy = tuple(self._busy)
        try:
            return await self._store.look(lambda connection: webhook_rows.take(connection, self.id, now, free, busy))
        except StoreUnavailable:
            return [], None

    async def stop(self) -> None:
        under_way = list(self._busy.values())
        for task in under_way:
            task.cancel()
        await asyncio.gather(*under_way, return_exceptions=True)

    async def _deliver(self, session: aiohttp.ClientSession, event: Due) -> None:
        try:
            taken = await self._send(session, event)
            now = self._wall()
            if taken:
                await self._settle(event, Outcome.DELIVERED, now)
            elif now - event.at >= GIVE_UP_AFTER:
                log.warning("a webhook event was given up", endpoint=self.id, visit=event.visit, message=event.message)
                await self._settle(event, Outcome.FAILED, now)
            else:
                due = now + timedelta(seconds=seconds_until_next(event.attempts + 1))
                await self._store.change(lambda connection: webhook_rows.postpone(connection, event.number, due))
                self._owner.outcomes["retried"] += 1
        except StoreUnavailable:
            # It stays as it was, and is sent again; the receiver knows it by its id.
            await asyncio.sleep(self._poll_seconds)
        except Exception as error:
            log.error("a webhook could not be sent", endpoint=self.id, exc_info=error)
            await asyncio.sleep(self._poll_seconds)
        finally:
            del self._busy[event.visit]
            self.wake.set()

    async def _settle(self, event: Due, outcome: Outcome, now: datetime) -> None:
        await self._store.change(lambda connection: webhook_rows.settle(connection, event.number, outcome, now))
        self._owner.outcomes[outcome.value] += 1

    async def _send(self, session: aiohttp.ClientSession, event: Due) -> bool:
        """Whether the receiver has taken it: any 2xx."""
        body = event.body.encode()
        signed = headers(self._secret, event.message, int(self._wall().timestamp()), body)
        status: int | None = None
        try:
            async with session.post(self._url, data=body, headers=signed, allow_redirects=False) as response:
                status = response.status
                response.close()  # nothing of what it says is read
        except (aiohttp.ClientError, TimeoutError, OSError):
            status = None
        taken = status is not None and 200 <= status < 300
        if taken is self._failing:
            self._failing = not taken
            if taken:
                log.info("a webhook endpoint takes events again", endpoint=self.id)
            else:
                log.warning("a webhook endpoint takes no events", endpoint=self.id, status=status)
        return taken


def secret_of(webhook: Webhook) -> bytes:
    """What signs an endpoint's events. Raises `ConfigError`."""
    try:
        return read_secret(webhook.secret().reveal())
    except ValueError as error:
        raise ConfigError(f'the secret of webhooks "{webhook.id}" {error}') from None
