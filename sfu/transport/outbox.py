"""Datagrams on their way to one receiver, laid end to end so that those of equal size leave in one system call."""

from __future__ import annotations

from collections.abc import Sequence

from sfu.transport.counters import Counters
from sfu.transport.drops import DropReason
from sfu.transport.ports import Destination, Run, Sender
from sfu.transport.slab import Slab
from sfu.transport.srtp import MAX_TRAILER

MAX_RUN_DATAGRAMS = 64
"""UDP_MAX_SEGMENTS of the Linux kernel."""
SLAB_BYTES = 65_000
"""One slab holds at most one UDP_SEGMENT call's bytes (a UDP payload ends at 65,507), so no run outgrows it."""
MAX_DATAGRAM = 1_452
"""Bytes of UDP payload that pass an Ethernet over IPv6 whole; browsers send at most 1,250."""
MAX_CLEAR = MAX_DATAGRAM - MAX_TRAILER
"""Bytes of an RTP packet before protection."""
LAST_START = SLAB_BYTES - MAX_DATAGRAM
"""Where the last datagram of a slab may begin."""
MAX_IDLE_SLABS = 512
"""Slabs kept for the next batch: 32 MiB. A batch of ten rooms of 17 takes 340, and to make one costs as much as forwarding a packet."""


class Outboxes:
    """What all outboxes share: the sender, the slabs nobody uses now, and who has something to send.

    Receivers borrow a slab for a batch, so memory follows the batch and not the house.
    """

    __slots__ = ("_idle", "bulk", "counters", "prepared", "sender", "urgent")

    def __init__(self, sender: Sender, counters: Counters) -> None:
        self.sender = sender
        self.counters = counters
        self.urgent: list[Outbox] = []
        """Those with something to send, in the order in which they got it; what goes first."""
        self.bulk: list[Outbox] = []
        """And what goes after."""
        self.prepared = 0
        """Datagrams in runs since the last `send`, those of slabs that were full among them, less what was refused or forgotten."""
        self._idle: list[Slab] = []

    def take_slab(self) -> Slab:
        return self._idle.pop() if self._idle else Slab(SLAB_BYTES)

    def give_back(self, slab: Slab) -> None:
        if len(self._idle) < MAX_IDLE_SLABS:
            self._idle.append(slab)

    def send(self) -> int:
        """Hand everything to the kernel, the urgent first. How many datagrams it took."""
        if self.urgent or self.bulk:
            waiting = self.urgent + self.bulk
            self.urgent.clear()
            self.bulk.clear()
            self.hand_over(waiting)
        taken, self.prepared = self.prepared, 0
        return taken

    def hand_over(self, outboxes: Sequence[Outbox]) -> None:
        """Hand to the kernel what these hold; what it refuses is dropped and counted."""
        runs: list[Run] = []
        for outbox in outboxes:
            outbox.close_runs(runs)
        if runs:
            refused = self.sender.send_runs(runs)
            if refused:
                self.prepared -= refused
                self.counters.drops.counts[DropReason.SEND_BUFFER_FULL] += refused
        for outbox in outboxes:
            outbox.empty()


class Outbox:
    """What one receiver is sent at the next flush.

    To add a datagram: `reserve()` if `end` is beyond LAST_START; write and protect it at `end` of `data` / `address`, at most
    MAX_DATAGRAM bytes; `commit`.
    """

    __slots__ = (
        "_count",
        "_outboxes",
        "_runs",
        "_segment",
        "_slab",
        "_start",
        "_waiting",
        "address",
        "admitted",
        "data",
        "destination",
        "end",
        "view",
    )

    def __init__(self, outboxes: Outboxes, *, urgent: bool = False) -> None:
        self._outboxes = outboxes
        self._waiting = outboxes.urgent if urgent else outboxes.bulk
        self._slab: Slab | None = None
        self._runs: list[Run] = []
        self._start = 0  # of the open run
        self._segment = 0  # size of its datagrams; 0 while no run is open
        self._count = 0
        self.destination: Destination | None = None
        self.admitted = False
        """Whether the receiver is open and has negotiated something. What stands here while it is not is never sent."""
        self.end = SLAB_BYTES
        """Where the next datagram goes. Without a slab: the end of none, so that one comparison sees both reasons to reserve."""
        self.view = self.data = memoryview(bytearray())
        """Of the slab at hand, as is the next."""
        self.address = 0

    def reserve(self) -> None:
        """Make room for a datagram at `end`, sending what is there where the slab is full."""
        if self.end <= LAST_START:
            return
        if self._slab is None:
            self._waiting.append(self)
        else:
            self._outboxes.hand_over((self,))
        self._start = self.end = 0
        self._slab = slab = self._outboxes.take_slab()
        self.view = slab.view
        self.data = slab.data
        self.address = slab.address

    def commit(self, length: int) -> None:
        """The datagram of `length` bytes at `end` is ready."""
        self.end += length
        segment = self._segment
        if length == segment:
            self._count += 1
            if self._count == MAX_RUN_DATAGRAMS:
                self._close_run(self.end)
        elif length < segment:
            # A shorter datagram may stand last in a run (udp(7), UDP_SEGMENT).
            self._count += 1
            self._close_run(self.end)
        else:
            if self._count:
                self._close_run(self.end - length)
            self._segment = length
            self._count = 1

    def close_runs(self, runs: list[Run]) -> None:
        """Move what is here into `runs`; its slab stays until `empty`."""
        if self.admitted and self.destination is not None:
            self._close_run(self.end)
            runs += self._runs
            self._runs.clear()
        else:
            self._outboxes.counters.unadmitted += self.clear()

    def clear(self) -> int:
        """Forget what is there, unsent. How many datagrams that were."""
        self._close_run(self.end)
        forgotten = sum(run[-1] for run in self._runs)
        self._outboxes.prepared -= forgotten
        self.empty()
        return forgotten

    def empty(self) -> None:
        """What was here is on its way, or dropped."""
        self._runs.clear()
        self.end = SLAB_BYTES
        if self._slab is not None:
            self._outboxes.give_back(self._slab)
            self._slab = None

    def _close_run(self, end: int) -> None:
        """What lies before `end` and is in no run yet is one."""
        if self._count:
            assert self._slab is not None, "there is something in it"
            self._runs.append((self.destination, self._slab, self._start, end, self._segment, self._count))
            self._outboxes.prepared += self._count
            self._segment = 0
            self._count = 0
        self._start = end
