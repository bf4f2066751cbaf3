"""All peers of the one UDP port, without any I/O: batches of datagrams and the time in, datagrams and reports out.

A datagram is told apart by its first byte (RFC 7983) and by where it came from. STUN is looked up by username fragment and
answered only where its integrity holds. DTLS and SRTP count only from a source that has passed such a check, so nobody else can
speak into a handshake or a call. Everything else is dropped: counted, not answered, not logged.

Where a peer has fallen silent and packets with its keys begin to come from elsewhere, those are dropped too, but it is asked there by a
check of ours whether it has moved (`roaming.py`).

A peer that is closed, by whomever, is silent from that moment: no alert, no BYE. Whoever is no longer admitted gets not one
datagram more, and learns of it by signalling.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable

from sfu.errors import MalformedPacket
from sfu.histogram import Histogram
from sfu.transport.address import Source, is_connection, port
from sfu.transport.certificate import Certificate
from sfu.transport.drops import DropReason, Drops
from sfu.transport.dtls import DtlsServer, DtlsState
from sfu.transport.ice import Accepted, Credentials, IceAgent, new_credentials
from sfu.transport.parameters import (
    Connected,
    Consent,
    ConsentChanged,
    Failed,
    LocalParameters,
    PeerId,
    RemoteParameters,
    Report,
    Stage,
)
from sfu.transport.peer import Peer
from sfu.transport.peers import Peers
from sfu.transport.ports import Destination, Edge, MediaPlane
from sfu.transport.roaming import Roaming
from sfu.transport.slab import Slab
from sfu.transport.stun import answered, local_ufrag, parse_request

MAX_HALF_OPEN = 256
"""Handshakes under way at a time. One takes 1 ms of CPU and 75 KiB; who comes when all are taken is let in by its next retransmission."""
MAX_CONTROL_DATAGRAM = 1500
"""Bytes of a STUN or DTLS datagram that we look at."""

SECONDS = (0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0, 30.0)
"""Bounds of the two histograms: from one machine's own speed to the time-outs."""

Datagram = tuple[int, int, Source]
"""Offset in the slab, length in bytes, where it came from."""


class Endpoint:
    """ICE, DTLS and demux for every peer. What only a metrics collector reads are plain attributes."""

    def __init__(
        self,
        plane: MediaPlane,
        edge: Edge,
        certificate: Certificate,
        candidates: tuple[tuple[str, int], ...],
        *,
        tcp_candidates: tuple[tuple[str, int], ...] = (),
        max_half_open: int = MAX_HALF_OPEN,
        on_bug: Callable[[Exception], None] | None = None,
    ) -> None:
        self._plane = plane
        self._edge = edge
        self._certificate = certificate
        self._candidates = candidates
        self._tcp_candidates = tcp_candidates
        self._max_half_open = max_half_open
        self._on_bug = on_bug
        self._last_id = 0
        self._peers = Peers()
        self._heard: dict[PeerId, float] = {}
        """When a packet last came from a source of a connected peer: a sign of life, though no consent."""
        self._handshaking: set[PeerId] = set()
        self._roaming = Roaming(self._peers, self._heard, plane)
        self._reports: list[Report] = []
        self.drops = Drops()
        self.failures = dict.fromkeys(Stage, 0)
        self.bugs = 0
        self.checks_answered = 0
        self.ice_connected_seconds = Histogram(SECONDS)
        """From the answer to the first nomination."""
        self.dtls_handshake_seconds = Histogram(SECONDS)
        """From the first ClientHello to the keys."""

    @property
    def peers(self) -> int:
        """How many peers there are."""
        return len(self._peers.by_id)

    @property
    def half_open(self) -> int:
        """How many handshakes are under way."""
        return len(self._handshaking)

    def connected(self) -> dict[str, int]:
        """How many peers are connected, by the transport protocol that their datagrams take: `udp`, `tcp`."""
        by_protocol = {"udp": 0, "tcp": 0}
        for peer in self._peers.by_id.values():
            if peer.connected and peer.ice.selected is not None:
                by_protocol["tcp" if is_connection(peer.ice.selected) else "udp"] += 1
        return by_protocol

    def open_peer(self, remote: RemoteParameters, now: float) -> tuple[PeerId, LocalParameters]:
        """Make a transport for an offer; gives what the answer says. It fails by itself where nobody connects to it."""
        self._last_id += 1
        credentials = new_credentials()
        agent = IceAgent(credentials, Credentials(remote.ice_ufrag, remote.ice_pwd), now)
        peer = Peer(self._last_id, agent, remote.fingerprints, now)
        self._plane.open_peer(peer.id)
        self._peers.add(peer)
        return peer.id, self._local(credentials.ufrag, credentials.pwd)

    def restart_ice(self, peer: PeerId, ufrag: str, pwd: str, now: float) -> LocalParameters:
        """The offer has new ICE credentials; gives ours for the answer. DTLS, SRTP and the selected source live on.

        KeyError for a peer that is not there.
        """
        state = self._peers.by_id[peer]
        credentials = new_credentials()
        before = state.ice.ufrags
        state.ice.restart(credentials, Credentials(ufrag, pwd), now)
        self._peers.rename(before, state)
        self._peers.schedule(state)
        return self._local(credentials.ufrag, credentials.pwd)

    def close_peer(self, peer: PeerId) -> None:
        """Forget a peer, silently and at once. For one that is not there: nothing."""
        state = self._peers.by_id.get(peer)
        if state is not None:
            self._remove(state)

    def consent(self, peer: PeerId, now: float) -> Consent:
        """How lately the peer has been heard of. A peer that is not there is EXPIRED."""
        state = self._peers.by_id.get(peer)
        return Consent.EXPIRED if state is None else state.ice.consent(now)

    def is_valid(self, source: Source) -> bool:
        """Whether an authentic check has come from this source, whose peer is still there."""
        return source in self._peers.by_source

    def forget_source(self, source: Source) -> None:
        """A connection has ended. Its peer goes on by its other sources, or waits for a check from a new one until its consent expires."""
        peer = self._peers.by_source.get(source)
        if peer is None:
            return
        if peer.ice.selected == source:
            peer.destination = None
        peer.ice.forget(source)
        self._drop_source(source)

    def receive_batch(self, slab: Slab, datagrams: Iterable[Datagram], now: float) -> None:
        """Take datagrams that lie in `slab`. Nothing in them makes this raise."""
        view = slab.view
        media, heard = self._peers.media, self._heard
        for offset, length, source in datagrams:
            first = view[offset] if length else -1
            if 128 <= first <= 191:
                peer = media.get(source)
                if peer is None:
                    self._receive_strange(slab, offset, length, source, now)
                    continue
                heard[peer] = now
                try:
                    self._plane.receive(peer, slab, offset, length, now)
                except Exception as error:
                    self._bug(self._peers.by_id[peer], error)
            elif 20 <= first <= 63:
                self._receive_dtls(view, offset, length, source, now)
            elif 0 <= first <= 3:
                self._receive_stun(view, offset, length, source, now)
            else:
                self.drops.add(DropReason.EMPTY if first < 0 else DropReason.UNKNOWN_PROTOCOL)

    def next_timer(self) -> float | None:
        """When `handle_timers` wants to be called, the plane's timers included."""
        own = self._peers.next_timer()
        plane = self._plane.next_timer()
        if own is None or plane is None:
            return own if plane is None else plane
        return min(own, plane)

    def handle_timers(self, now: float) -> None:
        """Retransmit, give up, expire, whatever is due; then the plane's timers."""
        for peer in self._peers.due(now):
            try:
                self._handle_timer(peer, now)
            except Exception as error:
                self._bug(peer, error)
        self._plane.handle_timers(now)

    def take_reports(self) -> list[Report]:
        """What happened, once each: ours and the plane's."""
        reports, self._reports = self._reports, []
        return reports + self._plane.take_reports()

    def _receive_strange(self, slab: Slab, offset: int, length: int, source: Source, now: float) -> None:
        """SRTP from a source that has not passed a check, or before its peer has keys."""
        if source in self._peers.by_source:
            self.drops.add(DropReason.NO_KEYS)
            return
        self.drops.add(DropReason.UNKNOWN_SOURCE)
        check = self._roaming.ask(slab, offset, length, source, now)
        if check is not None:
            self._edge.send(self._edge.destination(source, offset), memoryview(check), len(check))

    def _receive_stun(self, view: memoryview, offset: int, length: int, source: Source, now: float) -> None:
        ufrag = local_ufrag(view, offset, length) if length <= MAX_CONTROL_DATAGRAM else None
        transaction = answered(view, offset, length) if ufrag is None and length <= MAX_CONTROL_DATAGRAM else None
        if transaction is not None:
            peer = self._roaming.who_was_asked(transaction)
        elif ufrag is not None:
            peer = self._peers.by_ufrag.get(ufrag)
        else:
            self.drops.add(DropReason.MALFORMED_STUN)
            return
        if peer is None:
            self.drops.add(DropReason.UNKNOWN_UFRAG if transaction is None else DropReason.STUN_REPLAYED)
            return
        data = bytes(view[offset : offset + length])
        try:
            if transaction is None:
                dropped = self._receive_check(peer, data, offset, source, now)
            else:
                dropped = self._receive_answer(peer, transaction, data, offset, source, now)
        except MalformedPacket:
            dropped = DropReason.MALFORMED_STUN
        except Exception as error:
            self._bug(peer, error)
            return
        if dropped is not None:
            self.drops.add(dropped)

    def _receive_check(self, peer: Peer, data: bytes, offset: int, source: Source, now: float) -> DropReason | None:
        request = parse_request(data)
        if port(source) == 0:
            return DropReason.BAD_SOURCE
        owner = self._peers.by_source.get(source)
        if owner is not None and owner is not peer and (is_connection(source) or owner.ice.uses(source, now)):
            return DropReason.SOURCE_TAKEN
        nominated = peer.ice.nominated
        accepted = peer.ice.receive_check(request, source, now)
        if isinstance(accepted, DropReason):
            return accepted
        destination = self._accept(peer, owner, accepted, offset, source)
        if peer.ice.nominated and not nominated:
            self.ice_connected_seconds.observe(now - peer.opened)
            peer.start_dtls(self._certificate, now)
        self._tell_consent(peer)
        self._peers.schedule(peer)
        self._edge.send(destination, memoryview(accepted.response), len(accepted.response))
        self.checks_answered += 1
        return None

    def _receive_answer(
        self, peer: Peer, transaction: bytes, data: bytes, offset: int, source: Source, now: float
    ) -> DropReason | None:
        owner = self._peers.by_source.get(source)
        if owner is not None and owner is not peer:
            return DropReason.SOURCE_TAKEN
        accepted = peer.ice.receive_answer(transaction, data, source, now)
        if isinstance(accepted, DropReason):
            return accepted
        self._roaming.answered(transaction)
        self._accept(peer, owner, accepted, offset, source)
        self._tell_consent(peer)
        self._peers.schedule(peer)
        return None

    def _accept(self, peer: Peer, owner: Peer | None, accepted: Accepted, offset: int, source: Source) -> Destination:
        """The source is valid now, and the selected one where that has been accepted; gives where it is."""
        if owner is not peer:
            self._take_source(peer, owner, source)
        if accepted.evicted is not None:
            self._drop_source(accepted.evicted)
        destination = self._edge.destination(source, offset)
        if accepted.selects:
            peer.destination = destination
            self._plane.set_destination(peer.id, destination, self._edge.bulk(destination))
        return destination

    def _take_source(self, peer: Peer, owner: Peer | None, source: Source) -> None:
        """The source is `peer`'s now. Whoever had it has not been heard from there for long: its port was given away."""
        if owner is not None:
            if owner.ice.selected == source:
                self._fail(owner, Stage.CONSENT)
            else:
                owner.ice.forget(source)
                self._drop_source(source)
        self._peers.own(source, peer)

    def _receive_dtls(self, view: memoryview, offset: int, length: int, source: Source, now: float) -> None:
        peer = self._peers.by_source.get(source)
        if peer is None:
            self.drops.add(DropReason.UNKNOWN_SOURCE)
            return
        if length > MAX_CONTROL_DATAGRAM:
            self.drops.add(DropReason.TOO_LARGE)
            return
        try:
            dtls = peer.start_dtls(self._certificate, now)
            if dtls.state is DtlsState.NEW and len(self._handshaking) >= self._max_half_open:
                self.drops.add(DropReason.HANDSHAKES_FULL)
                return
            dtls.receive(bytes(view[offset : offset + length]), now)
            self._after_dtls(peer, dtls, now)
        except Exception as error:
            self._bug(peer, error)

    def _after_dtls(self, peer: Peer, dtls: DtlsServer, now: float) -> None:
        if dtls.state is DtlsState.FAILED:
            self._fail(peer, Stage.DTLS)
            return
        if dtls.state is DtlsState.CLOSED:
            self._fail(peer, Stage.CLOSED_BY_PEER)
            return
        if peer.handshake_began is None and dtls.state is not DtlsState.NEW:
            peer.handshake_began = now
            self._handshaking.add(peer.id)
        if dtls.keys is not None and not peer.connected:
            self._connect(peer, dtls, now)
        if peer.destination is not None:
            for datagram in dtls.take_sends():
                self._edge.send(peer.destination, memoryview(datagram), len(datagram))
        self._peers.schedule(peer)

    def _connect(self, peer: Peer, dtls: DtlsServer, now: float) -> None:
        assert dtls.keys is not None
        self._plane.set_keys(peer.id, dtls.keys)
        peer.connected = True
        self._handshaking.discard(peer.id)
        self._peers.connect(peer)
        if peer.handshake_began is not None:
            self.dtls_handshake_seconds.observe(now - peer.handshake_began)
        self._reports.append(Connected(peer.id))

    def _handle_timer(self, peer: Peer, now: float) -> None:
        before = peer.ice.ufrags
        peer.ice.handle_timer(now, self._heard.get(peer.id, 0.0))
        self._peers.rename(before, peer)
        failure = peer.ice.failure(now)
        if failure is not None:
            self._fail(peer, failure)
            return
        self._tell_consent(peer)
        if peer.dtls is None:
            self._peers.schedule(peer)
        else:
            peer.dtls.handle_timer(now)
            self._after_dtls(peer, peer.dtls, now)

    def _tell_consent(self, peer: Peer) -> None:
        """Report how the peer's consent stands, where that has changed since its handshake or since it was last told."""
        if peer.connected and peer.ice.stage is not peer.consent_told:
            peer.consent_told = peer.ice.stage
            self._reports.append(ConsentChanged(peer.id, peer.ice.stage))

    def _fail(self, peer: Peer, stage: Stage) -> None:
        self.failures[stage] += 1
        self._reports.append(Failed(peer.id, stage))
        self._remove(peer)

    def _bug(self, peer: Peer, error: Exception) -> None:
        """Our own fault: this peer ends, the others go on."""
        self._note_bug(error)
        if peer in self._peers:
            try:
                self._fail(peer, Stage.BUG)
            except Exception as another:
                self._note_bug(another)

    def _note_bug(self, error: Exception) -> None:
        self.bugs += 1
        if self._on_bug is not None:
            self._on_bug(error)

    def _remove(self, peer: Peer) -> None:
        """Take the peer out of every table, then out of the plane, so that a fault there leaves nothing behind here."""
        self._peers.remove(peer)
        self._heard.pop(peer.id, None)
        self._handshaking.discard(peer.id)
        for source in peer.ice.sources:
            self._drop_source(source)
        self._plane.close_peer(peer.id)

    def _drop_source(self, source: Source) -> None:
        self._peers.drop(source)
        self._edge.release(source)

    def _local(self, ufrag: str, pwd: str) -> LocalParameters:
        return LocalParameters(ufrag, pwd, self._certificate.fingerprint, self._candidates, self._tcp_candidates)
