"""The media port: one number, UDP and TCP. The only place where media meets the loop and the clock."""

from __future__ import annotations

import asyncio
import errno
from collections.abc import Callable, Iterable, Sequence

from sfu import clock
from sfu.transport.address import Source, is_connection
from sfu.transport.candidates import candidates
from sfu.transport.drops import DropReason
from sfu.transport.endpoint import Datagram, Endpoint
from sfu.transport.parameters import Report
from sfu.transport.polling import INTERVAL, Polling
from sfu.transport.ports import Destination, MediaPlane, Run
from sfu.transport.receiver import BATCH
from sfu.transport.slab import Slab
from sfu.transport.tcp import TcpListener
from sfu.transport.tcp_connection import TcpDestination
from sfu.transport.ticker import Ticker, has_ticker
from sfu.transport.udp import UdpSocket

BATCHES_PER_WAKE_UP = 4
"""Batches taken before the loop gets its turn, so that a flood on this port cannot starve signalling."""
TIMER_SLACK = 0.002
"""Seconds that a timer may be late, so that while packets come it is seen to with some of them, and not in a wake-up of its own: to wake up
costs as much as forwarding a dozen packets."""
FREE_PORT_TRIES = 16
"""Ports that the kernel is asked for, where any will do, until one is free for UDP and TCP."""


class MediaPort:
    """Sends for the plane and the endpoint (their `Sender` and `Edge`), and drives both once it is started.

    All calls come from the loop's thread.
    """

    def __init__(self, udp: UdpSocket, tcp: TcpListener | None = None) -> None:
        """Takes bound sockets over, of one port number."""
        self.udp = udp
        self.tcp = tcp
        self._loop: asyncio.AbstractEventLoop | None = None
        self._endpoint: Endpoint | None = None
        self._plane: MediaPlane | None = None
        self._on_reports: Callable[[list[Report]], None] = lambda reports: None
        self._timer: asyncio.TimerHandle | None = None
        self._timer_due = 0.0
        self._wake_pending = False
        self._polling = Polling()
        self._ticker: Ticker | None = None
        self._looked_at: float | None = None
        """When the UDP socket was looked at last, while it is polled; None while it wakes us."""

    @classmethod
    def bind(cls, host: str, port: int, *, tcp: bool = True) -> MediaPort:
        """On an IP address and port (0: a free one). `0.0.0.0` is all IPv4, `::` all IPv6 and IPv4. OSError where it cannot be."""
        for tries_left in reversed(range(FREE_PORT_TRIES)):
            udp = UdpSocket.bind(host, port)
            try:
                return cls(udp, TcpListener.listen(host, udp.port) if tcp else None)
            except OSError as error:
                udp.close()
                if port or not tries_left or error.errno != errno.EADDRINUSE:
                    raise
        raise AssertionError("the last try returns or raises")

    @property
    def port(self) -> int:
        return self.udp.port

    def candidates(self, advertise: Iterable[str] = ()) -> tuple[tuple[str, int], ...]:
        """(address, UDP port) of each host candidate, best first: `advertise` where given, else our own."""
        return candidates(self.udp.host, self.udp.port, advertise)

    def tcp_candidates(self, advertise: Iterable[str] = ()) -> tuple[tuple[str, int], ...]:
        """The same of passive TCP candidates; none where TCP is not listened on."""
        return self.candidates(advertise) if self.tcp is not None else ()

    def start(self, endpoint: Endpoint, plane: MediaPlane, on_reports: Callable[[list[Report]], None]) -> None:
        """Serve from now on, on the running loop. `on_reports` is called at most once a wake-up, and only with reports."""
        self._endpoint, self._plane, self._on_reports = endpoint, plane, on_reports
        self._loop = asyncio.get_running_loop()
        self._ticker = Ticker() if has_ticker() else None
        self._loop.add_reader(self.udp.fileno(), self._on_datagrams)
        if self.tcp is not None:
            self.tcp.start(endpoint, self._take)
        self.wake()

    def close(self) -> None:
        """Stop serving and close the sockets. Nothing is sent after."""
        if self._loop is not None and self.udp.fileno() >= 0:
            self._loop.remove_reader(self.udp.fileno())
        if self._loop is not None and self._ticker is not None:
            self._loop.remove_reader(self._ticker.fileno())
            self._ticker.close()
            self._ticker = None
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._loop = None
        if self.tcp is not None:
            self.tcp.close()
        self.udp.close()

    def wake(self) -> None:
        """Something was asked of the endpoint or the plane from outside: send what is ready and mind the timers, soon."""
        if self._loop is not None and not self._wake_pending:
            self._wake_pending = True
            self._loop.call_soon(self._on_wake)

    # Edge: what the endpoint asks

    def destination(self, source: Source, offset: int) -> Destination:
        if self.tcp is not None and is_connection(source):
            return self.tcp.destination(source)
        return self.udp.destination(source, offset)

    def bulk(self, destination: Destination) -> Destination:
        return destination.connection.bulk if isinstance(destination, TcpDestination) else destination

    def release(self, source: Source) -> None:
        if self.tcp is not None and is_connection(source):
            self.tcp.release(source)

    def send(self, destination: Destination, run: memoryview, segment: int) -> bool:
        if isinstance(destination, TcpDestination):
            return self.tcp is not None and not self.tcp.send(destination, run, segment)
        return self.udp.send(destination, run, segment)

    # Sender: what the plane asks

    def send_runs(self, runs: Sequence[Run]) -> int:
        if self.tcp is None or not self.tcp.proven:
            return self.udp.send_runs(runs)
        refused = 0
        datagrams = []
        for run in runs:
            destination, slab, start, end, segment, _ = run
            if isinstance(destination, TcpDestination):
                refused += self.tcp.send(destination, slab.view[start:end], segment)
            else:
                datagrams.append(run)
        return refused + (self.udp.send_runs(datagrams) if datagrams else 0)

    # The loop

    @property
    def polled(self) -> bool:
        """Whether the UDP socket is looked at by the clock now, and wakes nobody (`polling`)."""
        return self._looked_at is not None

    def _on_datagrams(self) -> None:
        now = clock.monotonic()
        try:
            if self._ticker is not None and self._polling.woken(now):
                self._poll(self._ticker, now)
            self._receive(now, now)
        finally:
            self._settle()

    def _on_tick(self) -> None:
        ticker, since = self._ticker, self._looked_at
        assert ticker is not None
        assert since is not None
        ticker.take()
        now = self._looked_at = clock.monotonic()
        try:
            if self._polling.looked(self._receive(now, since)):
                self._watch(ticker)
        finally:
            self._settle()

    def _poll(self, ticker: Ticker, now: float) -> None:
        """The clock wakes us, and not the socket."""
        assert self._loop is not None
        self._looked_at = now
        self._loop.remove_reader(self.udp.fileno())
        self._loop.add_reader(ticker.fileno(), self._on_tick)
        ticker.run(INTERVAL)

    def _watch(self, ticker: Ticker) -> None:
        """The socket wakes us, and not the clock."""
        assert self._loop is not None
        self._looked_at = None
        ticker.stop()
        self._loop.remove_reader(ticker.fileno())
        self._loop.add_reader(self.udp.fileno(), self._on_datagrams)

    def _receive(self, now: float, since: float) -> bool:
        """Take what has arrived, none of it before `since`, and forward it. Whether there was anything."""
        endpoint, plane, udp = self._endpoint, self._plane, self.udp
        assert endpoint is not None
        assert plane is not None
        for batch in range(BATCHES_PER_WAKE_UP):
            if batch:
                now = clock.monotonic()
            datagrams = udp.receive()
            if not datagrams:
                return batch > 0
            endpoint.receive_batch(udp.slab, datagrams, now)
            plane.flush(since)
            if len(datagrams) < BATCH:
                break
            # Asked behind full batches: where the kernel threw something away, no others follow one.
            endpoint.drops.counts[DropReason.RECEIVE_BUFFER_FULL] = udp.overflows()
        return True

    def _take(self, slab: Slab, datagrams: list[Datagram]) -> None:
        """What has come over a TCP connection."""
        assert self._endpoint is not None
        assert self._plane is not None
        now = clock.monotonic()
        try:
            if datagrams:
                self._endpoint.receive_batch(slab, datagrams, now)
                self._plane.flush(now)
        finally:
            self._settle()

    def _on_wake(self) -> None:
        self._wake_pending = False
        if self._loop is not None and self._plane is not None:
            try:
                self._plane.flush(clock.monotonic())
            finally:
                self._settle()

    def _on_timer(self) -> None:
        self._timer = None
        try:
            if self.tcp is not None:
                self.tcp.handle_timers(clock.monotonic())
        finally:
            self._settle()

    def _settle(self) -> None:
        """The end of every wake-up: do what is due, hand up what happened, then see to the next timer. Media have gone out before."""
        endpoint, tcp = self._endpoint, self.tcp
        assert endpoint is not None
        now = clock.monotonic()
        try:
            due = endpoint.next_timer()
            if due is not None and due <= now:
                endpoint.handle_timers(now)
            reports = endpoint.take_reports()
            if reports:
                self._on_reports(reports)
        finally:
            due = endpoint.next_timer()
            other = tcp.next_timer() if tcp is not None else None
            if other is not None and (due is None or other < due):
                due = other
            if due is not None:
                self._arm(due, now)

    def _arm(self, due: float, now: float) -> None:
        """One timer in the loop. It is set anew where it is no longer early enough, and where what it was set for has been seen to."""
        if self._loop is None:
            return
        if self._timer is not None:
            if self._timer_due <= due and not self._timer_due <= now < due:
                return
            self._timer.cancel()
        self._timer_due = due
        self._timer = self._loop.call_later(max(0.0, due - now) + TIMER_SLACK, self._on_timer)
