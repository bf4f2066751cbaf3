"""Whose transport is whose: applies what a room commands of media to the endpoint and the plane."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from sfu.ids import ParticipantId, TrackId, VisitId
from sfu.rooms.commands import OpenMedia
from sfu.signaling.sdp.answer import EgressStream, LocalAnswer, answer
from sfu.signaling.sdp.offer import ParsedOffer
from sfu.signaling.sdp.plan import SectionPlan, sections
from sfu.transport.endpoint import Endpoint
from sfu.transport.parameters import Codec, LocalParameters, PeerId, RemoteParameters, Section
from sfu.transport.ports import MediaPlane


@dataclass(slots=True)
class Transport:
    """A participant's transport, as long as it lives."""

    visit: VisitId | None
    """None: it belongs to no visit, but to a test of somebody's equipment (testing.py)."""
    participant: ParticipantId
    peer: PeerId
    remote: RemoteParameters
    local: LocalParameters


class Media:
    """Transports by participant, tracks by id. The only place that knows both a room's names and the plane's numbers."""

    def __init__(self, endpoint: Endpoint, plane: MediaPlane, wake: Callable[[], None]) -> None:
        """`wake` has the socket send what is ready and mind the timers; called after whatever may have made any."""
        self._endpoint = endpoint
        self._wake = wake
        self._plane = plane
        self._transports: dict[ParticipantId, Transport] = {}
        self._by_peer: dict[PeerId, Transport] = {}
        self._tracks: dict[TrackId, tuple[ParticipantId, str]] = {}
        self._sections: dict[tuple[ParticipantId, str], TrackId] = {}

    def is_fresh(self, participant: ParticipantId, offer: ParsedOffer) -> bool:
        """Whether the offer comes from another RTCPeerConnection than the transport at hand.

        Each RTCPeerConnection has a certificate of its own; an ICE restart keeps it (W3C WebRTC 4.4.1, RFC 8842 5.4).
        """
        transport = self._transports.get(participant)
        return transport is None or set(transport.remote.fingerprints) != set(offer.fingerprints)

    def owner(self, peer: PeerId) -> Transport | None:
        """The transport with this number; None where it has been closed since."""
        return self._by_peer.get(peer)

    def peers(self) -> Sequence[PeerId]:
        """What the plane has open, whoever opened it."""
        return self._plane.peers()

    def carried(self, peer: PeerId) -> int:
        """Media packets that came from it and went to it so far."""
        return self._plane.carried(peer)

    def has(self, participant: ParticipantId) -> bool:
        """Whether the participant has a transport."""
        return participant in self._transports

    def open(self, visit: VisitId | None, command: OpenMedia, offer: ParsedOffer, now: float) -> str:
        """Take an offer into effect; gives the answer's SDP."""
        remote = RemoteParameters(offer.ice_ufrag, offer.ice_pwd, offer.fingerprints)
        if command.offer.fresh:
            self.close(command.participant)
            transport = self._open(visit, command.participant, remote, now)
        else:
            transport = self._transports[command.participant]
            if remote.ice_ufrag != transport.remote.ice_ufrag:
                transport.local = self._endpoint.restart_ice(transport.peer, remote.ice_ufrag, remote.ice_pwd, now)
            transport.remote = remote
        plans = sections(offer)
        egress = self._plane.set_sections(transport.peer, tuple(_section(plan, command.participant) for plan in plans))
        self._forget_tracks(command.participant)
        for binding in command.send:
            self._tracks[binding.track] = (command.participant, binding.mid)
            self._sections[command.participant, binding.mid] = binding.track
        bound = {section.mid: section.track for section in command.offer.receive}
        streams = {}
        for mid, stream in egress.items():
            track = bound.get(mid)
            owner = self._tracks[track][0] if track in self._tracks else None
            # Sections of one sender share a stream id, so that the browser keeps its sound and picture together.
            streams[mid] = EgressStream(stream.ssrc, stream.rtx_ssrc, owner or "-", track or mid)
        self._wake()
        local = transport.local
        ours = LocalAnswer(local.ice_ufrag, local.ice_pwd, local.fingerprint, local.candidates, local.tcp_candidates)
        return answer(offer, ours, streams)

    def close(self, participant: ParticipantId) -> None:
        """Close the participant's transport, if there is one."""
        transport = self._transports.pop(participant, None)
        if transport is None:
            return
        del self._by_peer[transport.peer]
        self._endpoint.close_peer(transport.peer)
        self._forget_tracks(participant)

    def add_route(self, track: TrackId, receiver: ParticipantId, mid: str) -> None:
        source, receiving = self._tracks.get(track), self._transports.get(receiver)
        sending = self._transports.get(source[0]) if source else None
        if source and sending and receiving:
            self._plane.add_route(sending.peer, source[1], receiving.peer, mid)
            self._wake()

    def drop_route(self, receiver: ParticipantId, mid: str) -> None:
        receiving = self._transports.get(receiver)
        if receiving:
            self._plane.drop_route(receiving.peer, mid)

    def set_layer(self, receiver: ParticipantId, mid: str, spatial: int, temporal: int, precedence: int) -> None:
        """What of its picture a receiving section is to get; `spatial` -1 is nothing for now. Of all of a receiver's pictures those
        with the highest `precedence` give first.
        """
        receiving = self._transports.get(receiver)
        if receiving:
            self._plane.set_layer(receiving.peer, mid, spatial, temporal, precedence)
            self._wake()

    def track(self, peer: PeerId, mid: str) -> TrackId | None:
        """The track that comes on a section; None where it is not bound, or its transport is gone."""
        transport = self._by_peer.get(peer)
        return self._sections.get((transport.participant, mid)) if transport is not None else None

    def request_keyframe(self, track: TrackId) -> None:
        source = self._tracks.get(track)
        sending = self._transports.get(source[0]) if source else None
        if source and sending:
            self._plane.request_keyframe(sending.peer, source[1])
            self._wake()

    def _open(
        self, visit: VisitId | None, participant: ParticipantId, remote: RemoteParameters, now: float
    ) -> Transport:
        peer, local = self._endpoint.open_peer(remote, now)
        transport = Transport(visit, participant, peer, remote, local)
        self._transports[participant] = self._by_peer[peer] = transport
        return transport

    def _forget_tracks(self, participant: ParticipantId) -> None:
        for track in [track for track, (owner, _) in self._tracks.items() if owner == participant]:
            del self._sections[self._tracks.pop(track)]


def _section(plan: SectionPlan, stream: ParticipantId) -> Section:
    return Section(
        mid=plan.mid,
        kind=plan.kind,
        peer_sends=plan.peer_sends,
        peer_receives=plan.peer_receives,
        codecs=tuple(
            Codec(
                codec.payload_type,
                codec.name,
                codec.clock_rate,
                codec.parameters,
                codec.rtx_payload_type,
                codec.nack,
                codec.pli,
                codec.fir,
                codec.remb,
                codec.transport_cc,
            )
            for codec in plan.codecs
        ),
        extensions=plan.extensions,
        ssrcs=plan.ssrcs,
        rtx_ssrcs=plan.rtx_ssrcs,
        rids=plan.rids,
        stream=stream,
    )
