"""One peer of the endpoint: its ICE, its DTLS, and where its datagrams go."""

from __future__ import annotations

from sfu.transport.certificate import Certificate
from sfu.transport.dtls import DtlsServer
from sfu.transport.ice import IceAgent
from sfu.transport.parameters import Consent, PeerId
from sfu.transport.ports import Destination


class Peer:
    """What belongs to one peer and dies with it. The endpoint decides; this holds."""

    __slots__ = (
        "connected",
        "consent_told",
        "destination",
        "dtls",
        "fingerprints",
        "handshake_began",
        "ice",
        "id",
        "opened",
        "wakes_at",
    )

    def __init__(self, peer: PeerId, ice: IceAgent, fingerprints: tuple[tuple[str, str], ...], now: float) -> None:
        self.id = peer
        self.ice = ice
        self.fingerprints = fingerprints
        self.opened = now
        self.dtls: DtlsServer | None = None
        self.destination: Destination | None = None
        """That of `ice.selected`, with the address of ours that was asked there."""
        self.handshake_began: float | None = None
        self.connected = False
        self.consent_told = Consent.FRESH
        """How its consent stood when that was last reported."""
        self.wakes_at: float | None = None
        """The earliest wake-up that the endpoint has noted for this peer."""

    def start_dtls(self, certificate: Certificate, now: float) -> DtlsServer:
        """The handshake may begin; its deadline runs from here. Only the first call starts anything."""
        if self.dtls is None:
            self.dtls = DtlsServer(certificate, self.fingerprints, now)
        return self.dtls

    def next_timer(self) -> float:
        due = self.ice.next_timer()
        handshake = self.dtls.next_timer() if self.dtls is not None else None
        return due if handshake is None else min(due, handshake)
