"""A seeded network in virtual time: what happens to datagrams between two ends, and when.

`Way` decides what becomes of each datagram of one direction, from its conditions and its seed alone: it can stand behind virtual time as
well as behind a relay of real sockets. `Net` is the virtual time.
"""

from __future__ import annotations

import heapq
import random
from collections.abc import Callable
from dataclasses import dataclass, field, replace


@dataclass(frozen=True, slots=True)
class Bursts:
    """Loss that comes in bursts (Gilbert and Elliott): two states, each with a share that is lost."""

    begin: float
    """The chance, with each datagram, that a burst begins …"""
    end: float
    """… and that it ends: 1 / the mean length in datagrams."""
    loss: float = 1.0
    """What is lost in a burst."""


@dataclass(frozen=True, slots=True)
class Conditions:
    """One direction of a network, as it is for a while."""

    rate: float | None = None
    """Bits per second; None: no bottleneck."""
    queue: float = 0.3
    """Seconds that the queue before the bottleneck holds at its rate; what comes when it is full is dropped (drop-tail)."""
    delay: float = 0.0
    """Seconds that every datagram takes."""
    jitter: float = 0.0
    """Seconds that are added at most, evenly spread; what follows waits behind (order is kept)."""
    loss: float = 0.0
    """The share that is lost, each by itself."""
    bursts: Bursts | None = None
    reorder: float = 0.0
    """The share that is overtaken …"""
    reorder_by: float = 0.02
    """… because it takes so many seconds longer."""
    duplicate: float = 0.0
    """The share that arrives twice."""


class Way:
    """One direction. Conditions may be changed at any time; what is in the queue then leaves at the new rate, nearly."""

    def __init__(self, conditions: Conditions, seed: int) -> None:
        self._conditions = conditions
        self._random = random.Random(seed)
        self._free_at = 0.0
        self._arrived_at = 0.0
        self._in_burst = False
        self.dropped = 0
        """Datagrams lost, those that found the queue full among them."""
        self.source: object = None
        """Whom the other end sees the datagrams come from; set it anew, and the address has changed."""

    @property
    def conditions(self) -> Conditions:
        return self._conditions

    def change(self, now: float, **changes: object) -> None:
        """From now on other conditions hold, by the names of `Conditions`."""
        before = self._conditions.rate
        self._conditions = replace(self._conditions, **changes)  # type: ignore[arg-type]  # named as the fields are
        after = self._conditions.rate
        waiting = max(self._free_at - now, 0.0)
        self._free_at = now + (waiting * before / after if before and after else 0.0)

    def stall(self, until: float) -> None:
        """Hold everything back up to this moment, and lose nothing: as TCP does while it waits for a packet."""
        self._free_at = max(self._free_at, until)

    def queued(self, now: float) -> float:
        """Seconds that a datagram would wait before the bottleneck."""
        return max(self._free_at - now, 0.0)

    def transit(self, size: int, now: float) -> tuple[float, ...]:
        """When a datagram of `size` bytes that is sent now arrives: once, twice, or (empty) never."""
        there = self._conditions
        chance = self._random.random
        if self._is_lost():
            self.dropped += 1
            return ()
        leaves = max(now, self._free_at)
        if there.rate:
            waits = max(self._free_at - now, 0.0)
            if waits > there.queue:
                self.dropped += 1
                return ()
            leaves = now + waits + size * 8 / there.rate
            self._free_at = leaves
        arrives = leaves + there.delay + (chance() * there.jitter if there.jitter else 0.0)
        if there.reorder and chance() < there.reorder:
            return (arrives + there.reorder_by,)
        self._arrived_at = arrives = max(arrives, self._arrived_at)
        return (arrives, arrives) if there.duplicate and chance() < there.duplicate else (arrives,)

    def _is_lost(self) -> bool:
        there = self._conditions
        bursts = there.bursts
        chance = self._random.random
        if bursts is not None:
            self._in_burst = chance() >= bursts.end if self._in_burst else chance() < bursts.begin
            if self._in_burst and chance() < bursts.loss:
                return True
        return bool(there.loss) and chance() < there.loss


@dataclass(order=True, slots=True)
class _Event:
    at: float
    serial: int
    call: Callable[[], None] = field(compare=False)


class Net:
    """Virtual time: calls at their moments, in order. Nothing passes but by `run`."""

    def __init__(self, seed: int = 1) -> None:
        self.now = 0.0
        self._seed = seed
        self._serial = 0
        self._events: list[_Event] = []

    def way(self, **conditions: object) -> Way:
        """A direction with these conditions, by the names of `Conditions`. Each way has a seed of its own, in their order."""
        self._seed += 1
        return Way(Conditions(**conditions), self._seed)  # type: ignore[arg-type]  # named as the fields are

    def at(self, moment: float, call: Callable[[], None]) -> None:
        self._serial += 1
        heapq.heappush(self._events, _Event(max(moment, self.now), self._serial, call))

    def after(self, seconds: float, call: Callable[[], None]) -> None:
        self.at(self.now + seconds, call)

    def every(self, seconds: float, call: Callable[[], None], until: float) -> None:
        """Call at once, and again after each so many seconds."""

        def again() -> None:
            call()
            if self.now + seconds <= until:
                self.after(seconds, again)

        self.at(self.now, again)

    def send(self, way: Way, size: int, deliver: Callable[[object], None]) -> None:
        """Send `size` bytes along a way; `deliver` is called with each copy that arrives, and told whom it comes from."""
        source = way.source
        for moment in way.transit(size, self.now):
            self.at(moment, lambda: deliver(source))

    def run(self, until: float) -> None:
        while self._events and self._events[0].at <= until:
            event = heapq.heappop(self._events)
            self.now = event.at
            event.call()
        self.now = until
