"""A plane with fake sockets and real SRTP: clients that encrypt, send, and read what the plane sends them."""

from __future__ import annotations

import random
import struct
from collections.abc import Sequence
from dataclasses import dataclass, field

from pylibsrtp import Policy, Session

from sfu.rtp import rtcp
from sfu.rtp.extensions import (
    URI_ABS_CAPTURE_TIME,
    URI_AUDIO_LEVEL,
    URI_DEPENDENCY_DESCRIPTOR,
    URI_MID,
    URI_REPAIRED_RID,
    URI_RID,
    URI_VIDEO_ORIENTATION,
    Elements,
    Reader,
)
from sfu.rtp.packet import Header, build, parse
from sfu.transport.drops import DropReason
from sfu.transport.parameters import Codec, Egress, PeerId, Section
from sfu.transport.plane import BITRATE_CAP, Plane
from sfu.transport.ports import Destination, Run, SrtpKeys
from sfu.transport.slab import Slab

PROFILE = "SRTP_AEAD_AES_128_GCM"
NTP_EPOCH = 3_000_000_000.0

VP8 = Codec(96, "VP8", 90_000, "", 97, nack=True, pli=True, fir=True, remb=True)
H264 = Codec(
    102, "H264", 90_000, "level-asymmetry-allowed=1;packetization-mode=1;profile-level-id=42001f", 103, pli=True
)
OPUS = Codec(111, "OPUS", 48_000, "minptime=10;useinbandfec=1")
RED = Codec(63, "RED", 48_000, "111/111")

AUDIO_EXTENSIONS = ((4, URI_MID), (1, URI_AUDIO_LEVEL), (7, URI_ABS_CAPTURE_TIME))
VIDEO_EXTENSIONS = (
    (4, URI_MID),
    (10, URI_RID),
    (11, URI_REPAIRED_RID),
    (3, URI_VIDEO_ORIENTATION),
    (12, URI_DEPENDENCY_DESCRIPTOR),
)
OTHER_AUDIO_EXTENSIONS = ((3, URI_MID), (2, URI_AUDIO_LEVEL), (9, URI_ABS_CAPTURE_TIME))
OTHER_VIDEO_EXTENSIONS = ((3, URI_MID), (6, URI_VIDEO_ORIENTATION), (5, URI_DEPENDENCY_DESCRIPTOR), (8, URI_RID))

KEYFRAME = b"\x10\x00\x9d\x01\x2a"
"""A VP8 payload descriptor (S, partition 0) and the begin of a key frame."""
INTERFRAME = b"\x10\x01\x00\x00\x00"
CONTINUATION = b"\x00\x55\x55"


def sends(mid: str, kind: str, **changes: object) -> Section:
    return _section(mid, kind, True, changes)


def receives(mid: str, kind: str, **changes: object) -> Section:
    return _section(mid, kind, False, changes)


def _section(mid: str, kind: str, sending: bool, changes: dict[str, object]) -> Section:
    values: dict[str, object] = {
        "mid": mid,
        "kind": kind,
        "peer_sends": sending,
        "peer_receives": not sending,
        "codecs": (OPUS,) if kind == "audio" else (VP8,),
        "extensions": AUDIO_EXTENSIONS if kind == "audio" else VIDEO_EXTENSIONS,
        "stream": "cname" if sending else "",
    }
    return Section(**(values | changes))  # type: ignore[arg-type]  # tests name the fields they change


def element(identifier: int, value: bytes) -> bytes:
    """A header extension element in the one-byte form."""
    return bytes([identifier << 4 | len(value) - 1]) + value


@dataclass
class Received:
    """An RTP packet as a client got it."""

    payload_type: int
    marker: int
    sequence: int
    timestamp: int
    ssrc: int
    payload: bytes
    padding: int
    csrcs: int
    elements: dict[int, bytes]
    clear: bytes


def _session(key: bytes, inbound: bool) -> Session:
    policy = Policy(
        key=key,
        ssrc_type=Policy.SSRC_ANY_INBOUND if inbound else Policy.SSRC_ANY_OUTBOUND,
        srtp_profile=Policy.SRTP_PROFILE_AEAD_AES_128_GCM,
    )
    policy.window_size = 1024
    return Session(policy)


class FakeSender:
    """Takes what the plane sends; refuses it while `full`."""

    def __init__(self) -> None:
        self.sent: list[tuple[Destination, bytes]] = []
        self.runs: list[tuple[int, int]] = []
        """(bytes, segment) of each call."""
        self.full = False

    def send_runs(self, runs: Sequence[Run]) -> int:
        for _, _, start, end, segment, count in runs:
            assert count == -(-(end - start) // segment)
        return sum(
            count
            for destination, slab, start, end, segment, count in runs
            if not self.send(destination, slab.view[start:end], segment)
        )

    def send(self, destination: Destination, run: memoryview, segment: int) -> bool:
        assert len(run) > 0
        assert len(run) <= 65_000
        assert -(-len(run) // segment) <= 64
        if self.full:
            return False
        self.runs.append((len(run), segment))
        self.sent += [(destination, bytes(run[at : at + segment])) for at in range(0, len(run), segment)]
        return True


@dataclass
class Client:
    """A peer of the plane."""

    world: World
    number: PeerId
    keys: SrtpKeys
    uplink: Session
    downlink: Session
    egress: dict[str, Egress] = field(default_factory=dict)
    inbox: list[bytes] = field(default_factory=list)
    rtp: list[Received] = field(default_factory=list)
    control: list[rtcp.Packet] = field(default_factory=list)
    sections: dict[str, Section] = field(default_factory=dict)

    def negotiate(self, *sections: Section) -> dict[str, Egress]:
        self.sections = {section.mid: section for section in sections}
        self.egress = self.world.plane.set_sections(self.number, sections)
        return self.egress

    def send(self, *packets: bytes, flush: bool = True) -> None:
        self.inject(*(self.uplink.protect(packet) for packet in packets), flush=flush)

    def send_control(self, *packets: rtcp.Packet) -> None:
        self.inject(self.uplink.protect_rtcp(rtcp.build(*packets)))

    def inject(self, *datagrams: bytes, flush: bool = True) -> None:
        world = self.world
        for datagram in datagrams:
            world.slab.view[64 : 64 + len(datagram)] = datagram
            world.plane.receive(self.number, world.slab, 64, len(datagram), world.now)
        if flush:
            world.flush()

    def take_rtp(self) -> list[Received]:
        taken, self.rtp = self.rtp, []
        return taken

    def take_control(self) -> list[rtcp.Packet]:
        taken, self.control = self.control, []
        return taken

    def accept(self, datagram: bytes) -> None:
        if 192 <= datagram[1] <= 223:
            self.control += rtcp.parse(self.downlink.unprotect_rtcp(datagram))
            return
        clear = self.downlink.unprotect(datagram)
        header, elements = Header(), Elements()
        assert parse(clear, 0, len(clear), header)
        section = next(
            (
                self.sections[mid]
                for mid, egress in self.egress.items()
                if header.ssrc in (egress.ssrc, egress.rtx_ssrc)
            ),
            None,
        )
        assert section is not None, "an SSRC that no section has"
        Reader(section.extensions).read(
            clear, header.extension_profile, header.extension_offset, header.extension_length, elements
        )
        self.rtp.append(
            Received(
                header.payload_type,
                header.marker,
                header.sequence,
                header.timestamp,
                header.ssrc,
                clear[header.header_length : header.header_length + header.payload_length],
                header.padding,
                header.csrc_count,
                {kind: elements.value(clear, kind) for kind in range(1, 10) if elements.has(kind)},
                clear,
            )
        )


@dataclass(eq=False)
class Moved:
    """Another address of a client."""

    client: Client


class World:
    """The plane, its sender, its time, its clients."""

    def __init__(self, *, bitrate_cap: int = BITRATE_CAP) -> None:
        self.now = 1000.0
        self.sender = FakeSender()
        self.plane = Plane(
            self.sender, lambda: self.now + 0.0001, ntp_epoch=NTP_EPOCH, rng=random.Random(7), bitrate_cap=bitrate_cap
        )
        self.slab = Slab(4096)
        self.clients: dict[PeerId, Client] = {}

    def client(self, *sections: Section, connect: bool = True) -> Client:
        number = len(self.clients) + 1
        self.plane.open_peer(number)
        up = bytes((number * 7 + index) & 0xFF for index in range(28))
        down = bytes((number * 11 + index + 100) & 0xFF for index in range(28))
        keys = SrtpKeys(PROFILE, receive=up, send=down)
        client = Client(self, number, keys, _session(up, False), _session(down, True))
        self.clients[number] = client
        client.negotiate(*sections)
        if connect:
            self.connect(client)
        return client

    def connect(self, client: Client) -> None:
        self.plane.set_keys(client.number, client.keys)
        self.plane.set_destination(client.number, client)

    def connect_elsewhere(self, client: Client) -> None:
        """The client's address has changed."""
        self.plane.set_destination(client.number, Moved(client))

    def route(self, sender: Client, sender_mid: str, receiver: Client, receiver_mid: str) -> None:
        self.plane.add_route(sender.number, sender_mid, receiver.number, receiver_mid)
        self.deliver()

    def flush(self) -> None:
        self.plane.flush(self.now)
        self.deliver()

    def deliver(self) -> None:
        sent, self.sender.sent = self.sender.sent, []
        for destination, datagram in sent:
            client = destination.client if isinstance(destination, Moved) else destination
            assert isinstance(client, Client)
            client.accept(datagram)

    def run(self, seconds: float) -> None:
        """Let time pass, every timer at its moment."""
        end = self.now + seconds
        while (due := self.plane.next_timer()) is not None and due <= end:
            self.now = max(self.now, due)
            self.plane.handle_timers(self.now)
            self.deliver()
        self.now = end

    def dropped(self, reason: DropReason) -> int:
        return self.plane.drops.counts[reason]


class Stream:
    """An RTP stream that a client sends: numbers and timestamps go on by themselves."""

    def __init__(self, client: Client, ssrc: int, payload_type: int, *, sequence: int = 100, step: int = 3000) -> None:
        self.client = client
        self.ssrc = ssrc
        self.payload_type = payload_type
        self.sequence = sequence
        self.timestamp = 50_000
        self.step = step

    def packet(self, payload: bytes, *, marker: bool = True, elements: bytes = b"", **options: int) -> bytes:
        packet = build(
            self.payload_type,
            self.sequence & 0xFFFF,
            self.timestamp & 0xFFFFFFFF,
            self.ssrc,
            payload,
            marker=marker,
            extension=(0xBEDE, elements) if elements else None,
            padding=options.get("padding", 0),
            csrcs=tuple(range(options.get("csrcs", 0))),
        )
        self.sequence += 1
        if marker:
            self.timestamp += self.step
        return packet

    def send(self, payload: bytes, *, marker: bool = True, elements: bytes = b"", **options: int) -> None:
        self.client.send(self.packet(payload, marker=marker, elements=elements, **options))

    def lose(self, payload: bytes) -> bytes:
        """A packet that is encrypted and does not arrive; gives the clear one."""
        packet = self.packet(payload)
        self.client.uplink.protect(packet)
        return packet


def rtx_of(packet: bytes, payload_type: int, sequence: int, ssrc: int) -> bytes:
    """RFC 4588: the packet (without extension) as a retransmission."""
    first, second = packet[0], packet[1]
    timestamp = packet[4:8]
    head = bytes([first, second & 0x80 | payload_type]) + struct.pack("!H", sequence) + timestamp
    return head + struct.pack("!I", ssrc) + packet[2:4] + packet[12:]


def pair(sending: Section, receiving: Section) -> tuple[World, Client, Client]:
    """A sender and a receiver with a route between their first sections."""
    world = World()
    sender, receiver = world.client(sending), world.client(receiving)
    world.route(sender, sending.mid, receiver, receiving.mid)
    return world, sender, receiver


def video_pair() -> tuple[World, Client, Client, Stream]:
    world, sender, receiver = pair(sends("0", "video", ssrcs=(1,), rtx_ssrcs=(2,)), receives("0", "video"))
    return world, sender, receiver, Stream(sender, 1, 96)


def audio_pair() -> tuple[World, Client, Client, Stream]:
    world, sender, receiver = pair(sends("0", "audio", ssrcs=(1,)), receives("0", "audio"))
    return world, sender, receiver, Stream(sender, 1, 111, step=960)


def sequences(packets: list[Received]) -> list[int]:
    first = packets[0].sequence
    return [(packet.sequence - first) & 0xFFFF for packet in packets]


def call(receivers: int = 1, **receiving: object) -> tuple[World, Client, list[Client], Stream]:
    """A sender whose picture several receivers have, its first keyframe sent."""
    world = World()
    sender = world.client(sends("0", "video", ssrcs=(1,), rtx_ssrcs=(2,)))
    clients = [world.client(receives("0", "video", **receiving)) for _ in range(receivers)]
    for client in clients:
        world.route(sender, "0", client, "0")
    stream = Stream(sender, 1, 96)
    stream.send(KEYFRAME + bytes(800))
    return world, sender, clients, stream


def keyframe_requests(client: Client) -> int:
    """How many have come to it since it was last asked; whatever else came is forgotten."""
    return sum(isinstance(packet, rtcp.PictureLoss) for packet in client.take_control())
