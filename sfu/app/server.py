"""Builds everything, serves, drains."""

from __future__ import annotations

import asyncio
import gc
import logging
import signal
import socket
import sys
from collections.abc import Awaitable, Callable
from functools import partial
from pathlib import Path

from aiohttp import http_parser, web
from prometheus_client import CollectorRegistry, GCCollector, PlatformCollector, ProcessCollector

from sfu import build, clock, tasks
from sfu.admission.relays import Relays
from sfu.app.counters import Counters
from sfu.app.deliveries import Deliveries
from sfu.app.exposition import Exposition
from sfu.app.homes import Homes
from sfu.app.housekeeping import Housekeeping
from sfu.app.listening import base_url, bind_media, bind_tcp
from sfu.app.media import Media
from sfu.app.relaying import Renewal
from sfu.app.webhooks import Webhooks, endpoints
from sfu.config import Config
from sfu.config.sections import Media as MediaConfig
from sfu.errors import ConfigError
from sfu.log import logger
from sfu.metrics.families import Families
from sfu.metrics.loop_lag import LoopLag
from sfu.rooms.room import Limits as RoomLimits
from sfu.signaling.session import Limits as ChannelLimits
from sfu.transport.certificate import Certificate
from sfu.transport.endpoint import Endpoint
from sfu.transport.plane import Plane
from sfu.transport.ports import Sender
from sfu.visits import keys
from sfu.visits.store import Store
from sfu.visits.wording import Wording
from sfu.web.branding import Brand
from sfu.web.callers import Callers
from sfu.web.channel import Signalling
from sfu.web.headers import SecurityHeaders
from sfu.web.health import Health
from sfu.web.invitations import InvitationApi, shared_link
from sfu.web.malformed import MalformedRequests
from sfu.web.metrics import metrics_app
from sfu.web.operations import PREFIX
from sfu.web.pages import Pages
from sfu.web.portal import PortalApi
from sfu.web.portal_routes import portal_api

MAX_BODY = 64 * 1024  # bytes of a request; the largest body of the portal API is a few kilobytes
CHANNELS = 10_000  # at a time; each costs some 30 KB, and a machine has no more visits than its media allows
KEEP_ALIVE_SECONDS = 30.0
BACKLOG = (
    4096  # connections that the kernel keeps until their turn, as far as net.core.somaxconn goes; others are reset
)
DRAIN_POLL_SECONDS = 1.0
GOODBYE_SECONDS = 5.0
SWITCH_SECONDS = 0.0005
"""How long one thread of Python's has the interpreter while another wants it. Writing a step takes a dozen turns of it; at the usual 5 ms
each a click waits longer for a busy loop than for the disk, and packets wait for the thread that writes."""

log = logger(__name__)


def new_plane(config: MediaConfig, sender: Sender, on_bug: Callable[[Exception], None]) -> Plane:
    """What forwards, with the caps of `[media]`."""
    return Plane(
        sender,
        clock.monotonic,
        bitrate_cap=config.sender_cap_kbps * 1000,
        receiver_cap=config.receiver_cap_kbps * 1000,
        on_bug=on_bug,
    )


class Server:
    """One process. `serve` runs it from start to end; the URLs are good from then on that `started` is called."""

    def __init__(self, config: Config, *, web_socket: socket.socket | None = None) -> None:
        """Binds its sockets at once, so that what cannot be listened on is said before anything else happens."""
        if http_parser.HttpRequestParser is http_parser.HttpRequestParserPy:
            raise ConfigError(
                "aiohttp was built without its C parser, which this server relies on; install a wheel of it"
            )
        self._config = config
        self._brand = Brand.load(config.branding, config.invitations.help_phone)
        self._web_socket = web_socket or bind_tcp("[web] listen", config.web.listen)
        self._metrics_socket = bind_tcp("[web] metrics_listen", config.web.metrics_listen)
        self._media_port = bind_media("[media] listen", config.media.listen, tcp=config.media.tcp)
        self._stopping = asyncio.Event()
        self._ending = asyncio.Event()
        self._counters = Counters()

    @property
    def base_url(self) -> str:
        return base_url(self._web_socket)

    @property
    def metrics_url(self) -> str:
        return base_url(self._metrics_socket) + "/metrics"

    async def serve(self, *, started: Callable[[], Awaitable[None]] | None = None) -> None:
        """Serve until SIGTERM or SIGINT, then drain; a second signal ends at once."""
        config = self._config
        tasks.on_failure(self._failed)
        key_ring = keys.load_or_create(Path(config.database.keys), clock.wall())
        wording = Wording.load(config.invitations)
        store = await Store.open(config.database.address().reveal(), webhooks=endpoints(config.webhooks))
        webhooks = Webhooks(store, config.webhooks)
        deliveries = Deliveries(store, config, key_ring, wording)
        plane = new_plane(config.media, self._media_port, self._bug)
        endpoint = Endpoint(
            plane,
            self._media_port,
            Certificate(),
            self._media_port.candidates(config.media.advertise),
            tcp_candidates=self._media_port.tcp_candidates(config.media.advertise),
            max_half_open=config.limits.half_open_handshakes,
            on_bug=self._bug,
        )
        media = Media(endpoint, plane, self._media_port.wake)
        relays = Relays(config.turn.urls, config.turn.secret(), minutes=config.turn.lifetime_minutes)
        homes = Homes(
            store,
            media,
            self._counters,
            RoomLimits(
                room_capacity=config.admission.room_capacity,
                lobby_capacity=config.admission.lobby_capacity,
                knocks_per_link_hour=config.admission.knocks_per_link_hour,
                resume_seconds=config.admission.resume_seconds,
                opens_before_minutes=config.visits.opens_before_minutes,
                closes_after_minutes=config.visits.closes_after_minutes,
            ),
            key_ring.verifier([portal.id for portal in config.portals]),
            key_ring.link.reveal(),
            partial(shared_link, config.web.public_url, key_ring.link),
            config.limits.tests,
            relays,
        )
        renewal = Renewal(relays, homes.live)
        signalling = Signalling(
            homes,
            ChannelLimits(
                messages_per_second=config.limits.messages_per_second, messages_burst=config.limits.message_burst
            ),
            frozenset({config.web.public_url, *config.web.allowed_origins}),
            capacity=CHANNELS,
        )
        lag = LoopLag()
        malformed = MalformedRequests()
        logging.getLogger("aiohttp.server").addFilter(malformed)
        exposition = Exposition(
            self._counters,
            store,
            homes,
            signalling.counters,
            malformed,
            endpoint,
            plane,
            lag,
            deliveries,
            webhooks,
            self._media_port,
        )
        invitations = InvitationApi(config, key_ring, store, wording, deliveries)
        public = self._public_app(homes, signalling, store, key_ring, invitations)
        runners = [
            await _listen(public, self._web_socket),
            await _listen(metrics_app(_registry(exposition)), self._metrics_socket),
        ]
        housekeeping = Housekeeping(store, config)
        self._media_port.start(endpoint, plane, homes.on_reports)
        lag.start()
        homes.start()
        renewal.start()
        webhooks.start()
        deliveries.start()
        housekeeping.start()
        _tame_garbage_collection()
        sys.setswitchinterval(SWITCH_SECONDS)
        self._watch_signals()
        if build.STALE:
            log.warning("plane_not_compiled", why=build.STALE)
        log.info("serving", plane=build.PLANE)
        try:
            if started is not None:
                await started()
            await self._stopping.wait()
            await self._drain(homes)
            signalling.go_away()
        finally:
            lag.stop()
            for runner in runners:
                await runner.cleanup()
            renewal.stop()
            await homes.stop()
            await webhooks.stop()
            await deliveries.stop()
            await housekeeping.stop()
            self._media_port.close()
            await store.close()
            log.info("ended")

    def _public_app(
        self,
        homes: Homes,
        signalling: Signalling,
        store: Store,
        key_ring: keys.Keys,
        invitations: InvitationApi,
    ) -> web.Application:
        app = web.Application(client_max_size=MAX_BODY)
        app.on_response_prepare.append(
            SecurityHeaders(self._config.web.public_url, self._config.web.allowed_embedders).on_prepare
        )
        Health(lambda: not homes.draining() and store.available).set_up(app.router)
        Pages(self._brand).set_up(app.router)
        signalling.set_up(app.router)
        api = PortalApi(self._config, key_ring, store, homes)
        callers = Callers(self._config.portals, self._config.limits)
        app.add_subapp(PREFIX, portal_api(api, callers, on_bug=self._portal_bug, more=invitations.operations()))
        return app

    async def _drain(self, homes: Homes) -> None:
        """No new visits; those that run go on, until they end or the time is over."""
        homes.drain()
        log.info("draining", visits=len(homes.live()))
        deadline = clock.monotonic() + self._config.web.drain_minutes * 60
        while not self._ending.is_set() and homes.occupied() and clock.monotonic() < deadline:
            try:
                await asyncio.wait_for(self._ending.wait(), DRAIN_POLL_SECONDS)
            except TimeoutError:
                continue

    def _watch_signals(self) -> None:
        loop = asyncio.get_running_loop()
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, self._on_signal)

    def _on_signal(self) -> None:
        if self._stopping.is_set():
            log.warning("ending at once")
            self._ending.set()
        self._stopping.set()

    def _portal_bug(self, error: BaseException) -> None:
        self._counters.bugs += 1
        log.error("a call of the portal API failed", exc_info=error)

    def _bug(self, error: Exception) -> None:
        log.error("a participant's media failed", exc_info=error)

    def _failed(self, task: str, error: BaseException) -> None:
        self._counters.bugs += 1
        log.error("a task failed", task=task.partition(" ")[0], exc_info=error)


async def _listen(app: web.Application, sock: socket.socket) -> web.AppRunner:
    runner = web.AppRunner(
        app,
        access_log=None,
        keepalive_timeout=KEEP_ALIVE_SECONDS,
        shutdown_timeout=GOODBYE_SECONDS,
        handle_signals=False,
    )
    await runner.setup()
    await web.SockSite(runner, sock, backlog=BACKLOG).start()
    return runner


def _registry(exposition: Exposition) -> CollectorRegistry:
    registry = CollectorRegistry()
    registry.register(Families([exposition.read]))
    ProcessCollector(registry=registry)
    PlatformCollector(registry=registry)
    GCCollector(registry=registry)
    return registry


def _tame_garbage_collection() -> None:
    """What is there at start stays; young generations are collected less often, so that no packet waits for it."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(50_000, 20, 50)
