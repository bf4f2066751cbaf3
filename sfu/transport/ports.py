"""The seams inside `transport`: what the endpoint (ICE, DTLS, demux) and the plane (SRTP, forwarding) ask of each other.

media port ── batches ──► Endpoint ── SRTP datagrams ──► Plane
    ▲                        │  └──── keys, destination ──► │
    └──── Sender ◄───────────┴──────────── runs ────────────┘
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from sfu.transport.address import Source
from sfu.transport.parameters import Egress, PeerId, Report, Section
from sfu.transport.slab import Slab


class Destination(Protocol):
    """Where a peer's datagrams go, and from which of our addresses. Opaque to the plane."""


Run = tuple[Destination, Slab, int, int, int, int]
"""Datagrams to one receiver that lie end to end: destination, slab, begin and end in it, bytes of each datagram, how many.

The last may be shorter. At most 64 datagrams and 65,000 bytes."""


class Sender(Protocol):
    """The socket, as the plane sees it."""

    def send_runs(self, runs: Sequence[Run]) -> int:
        """Hand datagrams to the kernel, in this order. How many it would not take now; they are dropped."""
        ...


class Edge(Protocol):
    """The socket, as the endpoint sees it."""

    def send(self, destination: Destination, run: memoryview, segment: int) -> bool:
        """Hand datagrams to the kernel: `run` holds datagrams of `segment` bytes end to end, of which the last may be shorter.

        At most 64 datagrams and 65,000 bytes. False where the kernel would not take them now; they are dropped then.
        """
        ...

    def destination(self, source: Source, offset: int) -> Destination:
        """Where answers go to whoever sent the datagram at `offset` of the batch at hand, from the address that it asked."""
        ...

    def bulk(self, destination: Destination) -> Destination:
        """The same place, for what is to be lost first where not everything gets through."""
        ...

    def release(self, source: Source) -> None:
        """Nothing of this source counts any more; a connection ends. It is not to be told of by `forget_source`."""
        ...


@dataclass(frozen=True, slots=True)
class SrtpKeys:
    """Keys exported from a DTLS handshake (RFC 5764 4.2). `profile` is a `SRTP_…` name as OpenSSL spells it."""

    profile: str
    receive: bytes
    """Master key and salt of what the peer sends."""
    send: bytes
    """Master key and salt of what we send."""


class MediaPlane(Protocol):
    """What forwards. All calls are made from one thread; none of them blocks, awaits, logs or raises for bad input."""

    def open_peer(self, peer: PeerId) -> None:
        """A transport has been opened; it has no keys and no destination yet."""
        ...

    def set_keys(self, peer: PeerId, keys: SrtpKeys) -> None:
        """The handshake is done. Called once a transport."""
        ...

    def set_destination(self, peer: PeerId, destination: Destination, bulk: Destination | None = None) -> None:
        """An authenticated check has named, or changed, where the peer is.

        `bulk`, where given, is the way there for what is to be lost first where not everything gets through.
        """
        ...

    def close_peer(self, peer: PeerId) -> None:
        """Forget the transport with its sources, sections and routes. Nothing of it is forwarded after, either way."""
        ...

    def set_sections(self, peer: PeerId, sections: tuple[Section, ...]) -> dict[str, Egress]:
        """What was negotiated, whole. Sections not named any more are dropped with their routes.

        Gives the streams of each section that the peer receives on, by mid. They stay the same for a mid as long as it is there.
        """
        ...

    def add_route(self, sender: PeerId, sender_mid: str, receiver: PeerId, receiver_mid: str) -> None:
        """Forward one section to another. A receiving section has at most one route; a new one replaces the old.

        A keyframe of a video source is asked for. Unknown peers or sections: nothing.
        """
        ...

    def drop_route(self, receiver: PeerId, receiver_mid: str) -> None:
        """Stop what is forwarded to this section. The section's streams go on with the next route, continuously."""
        ...

    def set_layer(self, receiver: PeerId, receiver_mid: str, spatial: int, temporal: int, precedence: int = 0) -> None:
        """What of its video route the receiver is to get: up to this spatial and this temporal layer, 0 the lowest (`LayerRates`).

        A new route gets the highest that comes. Another spatial layer is taken at its next keyframe, which is asked for; until then
        the old one goes on. A larger one does not where the way is suddenly full: nothing goes out until that keyframe, which is
        asked for a moment later. While the wanted one does not come: the nearest below that does, else the nearest above.
        `spatial` -1: nothing (paused); numbers and timestamps go on when it is resumed. `precedence`: of the receiver's pictures those
        with a higher number give sooner where its way is full for a moment, and 0 only when they give everything (`Restraint`).
        Unknown peers or sections: nothing.
        """
        ...

    def request_keyframe(self, sender: PeerId, sender_mid: str) -> None: ...

    def owner(self, ssrc: int) -> PeerId | None:
        """Whose media, or reports, bear this SSRC; None where that is nobody or not certain. Takes time with the number of peers."""
        ...

    def peers(self) -> Sequence[PeerId]:
        """All that are open."""
        ...

    def carried(self, peer: PeerId) -> int:
        """Media packets that its sections have got from the peer, and sent to it, so far. Takes time with the number of its streams.

        Falls where a section is negotiated away or a stream starts over.
        """
        ...

    def is_authentic(self, peer: PeerId, slab: Slab, offset: int, length: int) -> bool:
        """Whether an SRTP or SRTCP datagram from anywhere has the peer's keys, and was not here before. Its bytes are worth nothing after,
        and a copy that comes later is a replay.
        """
        ...

    def receive(self, peer: PeerId, slab: Slab, offset: int, length: int, now: float) -> None:
        """One SRTP or SRTCP datagram from the peer's validated address. Decrypted in place: the slab is the endpoint's receive slab."""
        ...

    def flush(self, since: float) -> None:
        """The batch is over: hand every prepared run to the sender. None of it had come before `since`, from which its way is measured."""
        ...

    def next_timer(self) -> float | None: ...

    def handle_timers(self, now: float) -> None:
        """Send the reports, NACKs, REMBs and keyframe requests that are due."""
        ...

    def take_reports(self) -> list[Report]: ...
