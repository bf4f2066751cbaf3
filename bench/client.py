"""A complete media client, sans-IO: offer and answer, ICE, DTLS, SRTP, its streams both ways, RTCP."""

from __future__ import annotations

import secrets

from aiortc.rtcdtlstransport import RTCCertificate

from bench.arrivals import Arrivals, Numbers
from bench.datagrams import SLOT, Batch
from bench.dtls_client import DtlsClient
from bench.ice_client import IceClient
from bench.incoming import Incoming
from bench.outgoing import Outgoing
from bench.rtcp import KeyframeRequest, Nack, SenderReport, feedback, receiver_report
from bench.sdp import Answer, MediaSection, answer, offer
from bench.srtp import Srtp
from sfu.rtp import wire
from sfu.rtp.buffer import WritableBuffer

REPORT_INTERVAL = 1.0  # seconds between RTCP reports, as browsers send them for video


class Client:
    """Datagrams in, datagrams out (`sends`, which the owner empties), and `now` in monotonic seconds.

    Protected media are sent by the owner, a frame at a time, with `srtp` and `outgoing`.
    """

    def __init__(self) -> None:
        self._certificate = RTCCertificate.generateCertificate()
        self._ufrag, self._pwd = secrets.token_hex(4), secrets.token_hex(12)
        self._ice: IceClient | None = None
        self.address: tuple[str, int] | None = None
        """Of our own socket, from the moment that it has one (see `Media.open`)."""
        self._dtls: DtlsClient | None = None
        self._dtls_due = 0.0
        self._report_due = 0.0
        self._report_ssrc = secrets.randbits(32)
        self.cname = secrets.token_hex(8)
        self.srtp: Srtp | None = None
        """There from the end of the handshake on."""
        self.profile = ""
        self.sends: list[bytes] = []
        self.incoming: dict[int, Incoming] = {}
        self.outgoing: dict[int, Outgoing] = {}
        self.numbers = Numbers()
        """Of all packets that it sends, where transport-wide numbers are agreed upon."""
        self._arrivals: Arrivals | None = None
        self.repairs: set[int] = set()
        """SSRCs of retransmissions. The server probes with them what a way takes; what is in them we do not look at."""
        self.unknown: dict[int, int] = {}
        """Packets by SSRC that no answer had named when they came."""
        self.nacks = 0
        """NACKs that the server sent for our streams."""

    @property
    def unexpected(self) -> int:
        """Packets of streams that no answer has named. The media may be there before the answer that names them."""
        return sum(
            count for ssrc, count in self.unknown.items() if ssrc not in self.incoming and ssrc not in self.repairs
        )

    def offer(self, sections: list[MediaSection], *, full_ice: bool = False) -> str:
        """An SDP offer of these sections; `full_ice` tells our candidate, and that we are the DTLS client."""
        return offer(
            sections,
            self._ufrag,
            self._pwd,
            self._fingerprint(),
            self.cname,
            setup="active" if full_ice else "actpass",
            candidate=self.address if full_ice else None,
        )

    def answer(self, offered: str) -> str:
        """The answer to a server's offer. The client has its socket already."""
        assert self.address is not None
        return answer(offered, self._ufrag, self._pwd, self._fingerprint(), self.address)

    def accept(self, remote: Answer, now: float, *, controlling: bool = True) -> None:
        """Take the answer to the first offer, or with `controlling` false the server's offer: checks begin."""
        self._ice = IceClient(
            self._ufrag,
            remote.ice_ufrag,
            remote.ice_pwd,
            local_pwd=self._pwd,
            server=remote.address,
            controlling=controlling,
        )
        self._dtls = DtlsClient(self._certificate, remote.fingerprint)
        self._arrivals = Arrivals(remote.numbers) if remote.numbers else None
        self.handle_timers(now)

    def take(self, batch: Batch, came: list[tuple[int, int]], now: float) -> None:
        """Datagrams from the server, in the first slots of the batch: (bytes, arrival in ns) of each. Raises `HandshakeFailed`."""
        view = batch.data
        for slot, (length, arrived_ns) in enumerate(came):
            self._take(batch, view, slot, length, arrived_ns, now)

    def _take(self, batch: Batch, view: WritableBuffer, slot: int, length: int, arrived_ns: int, now: float) -> None:
        if length < 12:
            return
        start = slot * SLOT
        if view[start] & 0xC0 != 0x80:  # RFC 7983
            self._take_handshake(wire.read_bytes(view, start, length), now)
        elif self.srtp is None:
            return
        elif 192 <= view[start + 1] <= 223:  # RFC 5761 4
            opened = self.srtp.unprotect_rtcp(batch.addresses[slot], length)
            if opened is not None:
                self._take_feedback(wire.read_bytes(view, start, opened), now)
        else:
            _, _, sequence, timestamp, ssrc = wire.read_fixed(view, start)
            if self._arrivals is not None:
                self._arrivals.note(view, start, ssrc, arrived_ns)
            stream = self.incoming.get(ssrc)
            if stream is None:
                self.unknown[ssrc] = self.unknown.get(ssrc, 0) + 1
            elif stream.arrive(sequence, timestamp, arrived_ns, length):
                opened = self.srtp.unprotect(batch.addresses[slot], length)
                if opened is None:
                    stream.refused += 1
                else:
                    stream.check(view, start, start + opened, arrived_ns)

    def handle_timers(self, now: float) -> None:
        """Checks, handshake flights and reports that are due, and feedback of what has come since: to be called every 50 ms, as Chromium
        tells it from 220 kbit/s on.
        """
        if self._ice is None or self._dtls is None:
            return
        if now >= self._ice.next_check and not self._ice.expired(now):
            self.sends.append(self._ice.check(now))
        if self._ice.connected and self.srtp is None and now >= self._dtls_due:
            self.sends += self._dtls.handle_timer()
            self._set_dtls_timer(now)
        if self.srtp is not None and self.incoming and now >= self._report_due:
            self._report_due = now + REPORT_INTERVAL
            blocks = [block for stream in self.incoming.values() if (block := stream.block(now)) is not None]
            if blocks:
                packet = receiver_report(self._report_ssrc, self.cname, blocks)
                self.sends.append(self.srtp.protect_rtcp(packet))

        if self.srtp is not None and self._arrivals is not None:
            self.sends += map(self.srtp.protect_rtcp, self._arrivals.feedback(self._report_ssrc))

    def close(self) -> None:
        """Tell the server that no more will come."""
        if self._dtls is not None:
            self.sends += self._dtls.close()

    def _take_handshake(self, datagram: bytes, now: float) -> None:
        if self._ice is None or self._dtls is None:
            return
        if datagram[0] < 4:
            before = self._ice.connected
            reply = self._ice.receive(datagram, now)
            if reply is not None:
                self.sends.append(reply)
            if self._ice.connected and not before:
                self.sends += self._dtls.start()
                self._set_dtls_timer(now)
        elif 20 <= datagram[0] <= 63 and self._ice.connected:
            self.sends += self._dtls.receive(datagram)
            self._set_dtls_timer(now)
            if self.srtp is None and self._dtls.keys is not None:
                self.profile = self._dtls.profile
                self.srtp = Srtp(self._dtls.profile, *self._dtls.keys)

    def _fingerprint(self) -> tuple[str, str]:
        found = next(f for f in self._certificate.getFingerprints() if f.algorithm == "sha-256")
        return found.algorithm, found.value

    def _set_dtls_timer(self, now: float) -> None:
        timeout = self._dtls.timer() if self._dtls is not None else None
        self._dtls_due = now + (1.0 if timeout is None else timeout)

    def _take_feedback(self, packet: bytes, now: float) -> None:
        for told in feedback(packet):
            if isinstance(told, SenderReport):
                if (stream := self.incoming.get(told.ssrc)) is not None:
                    stream.sender_report(told.middle, now)
            elif isinstance(told, KeyframeRequest):
                if (source := self.outgoing.get(told.ssrc)) is not None:
                    source.restart()
            elif isinstance(told, Nack):
                self.nacks += 1
